"""E13.1: how many mutants, and how many genomes?"""

from __future__ import annotations

from functools import partial

import torch

from evidence.runner import Rows
from evidence.runs.open_questions.images import drawn_from
from evidence.runs.open_questions.rows import N_CLASSES, N_PAIRS, Plain
from evidence.runs.open_questions.task import LENGTHS, SIZES, Runners, Task
from neuroevo import data, nets
from neuroevo.budget import Budget
from neuroevo.genreg import GENREG, Settings, reward


def _mutants(task: Task, n_pairs: int, n_generations: int) -> Rows:
    """How many mutants a neuron has in a generation."""
    images = task.digits()
    learner = task.learn(Plain(196), 32, "selection", drawn_from(*images.train), n_generations, n_pairs=n_pairs)
    return {"finals": [task.row(learner, images, side=14, width=32, genomes=2 * n_pairs)]}


def _genreg(task: Task, n_genomes: int, n_generations: int) -> Rows:
    """GENREG's printed rule with another population; the best of its last generation is scored."""
    images, net = task.digits(), nets.MLP((196, 32, N_CLASSES))
    n_genomes = max(5, round(n_genomes * SIZES[task.context.size].genomes))
    settings, budget = Settings(n_genomes=n_genomes), Budget()
    state = GENREG.start(net, settings, task.rng)
    split = data.Split((images.train[0] * 255).round().to(torch.uint8), images.train[1])
    champion = state.ask()[:1]
    for _ in range(task.steps(n_generations)):
        with budget.clock(), torch.inference_mode():
            x, y = split.sample(20, state.rng)
            correct = nets.count_correct(net.forward(state.ask(), x), y)
            budget.forward(n_genomes, len(y))
            champion = state.ask()[[int(correct.argmax())]].clone()
            state.tell(reward(correct, len(y), settings))
    x, y = images.test(task.reason())
    with torch.inference_mode():
        validation = float(nets.accuracy(net.forward(champion, images.validation[0]), images.validation[1]))
        right = int(nets.count_correct(net.forward(champion, x), y))
    row = task.scored(net.n_params, budget, validation, right, len(y))
    return {"finals": [row | {"side": 14, "width": 32, "genomes": n_genomes}]}


RUNNERS: Runners = {}
for _n in (1, 4, 8):  # at equal generations, and at equal evaluations (but for the parent's own)
    for _name, _length in (("", LENGTHS["selection"]), (", equal evaluations", LENGTHS["selection"] * N_PAIRS // _n)):
        RUNNERS[f"mutants, {2 * _n}{_name}"] = partial(_mutants, n_pairs=_n, n_generations=_length)
RUNNERS |= {f"genreg, {n}": partial(_genreg, n_genomes=n, n_generations=150 * 200 // n) for n in (50, 200, 800)}
RUNNERS["genreg, 800, more"] = partial(_genreg, n_genomes=800, n_generations=150)
