"""Chapter 10's rule with another fitness, fewer genomes or fewer images: which digits are lost, and when.

Four kinds of fitness differ in two things: whether an answer counts by how sure it was, and whether the last digit that
is read makes up for another that isn't (a sum of right answers) or doesn't (a logarithm in it). All are compared with
parents drawn evenly from the survivors, because the kinds have different scales and the draw by trust would feel it.

    python3 course.py run lost-digits --seeds 5
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evidence.recorder import load
from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.genreg_mnist import IMAGES_PER_CLASS, N_GENERATIONS, NET, DigitRecorder
from neuroevo import nets
from neuroevo.genreg import GENREG, Settings, reward


@dataclass(frozen=True)
class Setting:
    """One row of the comparison; the defaults are the printed rule.

    Attributes:
        fitness: a key of `FITNESS`.
        parents: "trust" or "uniform", see `genreg.Settings`.
        n_genomes: population size.
        n_images: of each digit in a generation.
        n_seeds: how many of the seeds run it.
    """

    fitness: str = "count"
    parents: str = "trust"
    n_genomes: int = 200
    n_images: int = IMAGES_PER_CLASS
    n_seeds: int = 5


SETTINGS = {
    "probability, uniform parents": Setting("probability", "uniform"),
    "balanced count, uniform parents": Setting("balanced count", "uniform"),
    "log-likelihood, uniform parents": Setting("log-likelihood", "uniform", n_seeds=3),
    "50 genomes": Setting(n_genomes=50, n_seeds=3),
    "50 genomes, log-likelihood": Setting("log-likelihood", n_genomes=50, n_seeds=3),
    "5 images a digit": Setting(n_images=5, n_seeds=3),
    "5 images a digit, log-likelihood": Setting("log-likelihood", n_images=5, n_seeds=3),
}


def probability(logits: Tensor, y: Tensor) -> Tensor:
    """Mean probability (softmax) of the right digit, (n_genomes,): graded, and a sum."""
    chances = logits.softmax(dim=2)
    return chances.gather(2, y.expand(len(logits), -1)[:, :, None]).squeeze(2).mean(dim=1)


def balanced_count(logits: Tensor, y: Tensor) -> Tensor:
    """Mean over the digits of log((right + 1) / (asked + 1)), (n_genomes,): counts, but a digit at zero costs most."""
    right = (logits.argmax(dim=2) == y).float()
    asked = torch.nn.functional.one_hot(y, logits.shape[2]).float()
    return ((right @ asked + 1) / (asked.sum(dim=0) + 1)).log().mean(dim=1)


def count(logits: Tensor, y: Tensor) -> Tensor:
    """The README's reward."""
    return reward(nets.count_correct(logits, y), len(y), Settings())


FITNESS = {
    "count": count,
    "probability": probability,
    "balanced count": balanced_count,
    "log-likelihood": nets.mean_log_likelihood,
}


def run_unit(unit: Unit, context: Context) -> Rows:
    """One setting with one seed: rows of the tables finals and curves, as in the run genreg-mnist."""
    setting = SETTINGS[unit.method]
    n_genomes = 10 if context.size == "smoke" else setting.n_genomes
    settings = Settings(n_genomes=n_genomes, parent_choice=setting.parents)
    recorder = DigitRecorder(unit, context, NET)
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    state = GENREG.start(NET, settings, rng)
    for generation in context.bar(range(1, N_GENERATIONS[context.size] + 1), unit, "gen"):
        with recorder.budget.clock(), torch.inference_mode():
            x, y = recorder.train.sample(setting.n_images, rng)
            logits = NET.forward(state.ask(), x)
            recorder.budget.forward(n_genomes, len(y))
            fitness = FITNESS[setting.fitness](logits, y)
        best = int(fitness.argmax())
        if generation == 1 or generation % 10 == 0:
            own = float(nets.count_correct(logits[[best]], y)[0]) / len(y)
            recorder.look(state.ask()[best], generation, own_images=own)
        with recorder.budget.clock():
            state.tell(fitness)
    return recorder.rows()


def units(seeds: list[int]) -> list[Unit]:
    """Setting by setting."""
    return [Unit(name, seed) for name, setting in SETTINGS.items() for seed in seeds[: setting.n_seeds]]


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "data": load(size).source,
        "net": NET.sizes,
        "n_generations": N_GENERATIONS[size],
        "rule": dataclasses.asdict(Settings()),
        "settings": {name: dataclasses.asdict(setting) for name, setting in SETTINGS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
