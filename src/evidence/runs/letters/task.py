"""The seed's own task at its size, and what a network that has learned it says to other letters.

One picture of 100 x 100 pixels for each letter, a network 10000-128-26, and the training pictures as the test. Because
the pictures are fixed, a genome needs only its sums (weights times picture) while it evolves: see `Sums`. What it
learned is then asked of letters that were moved, turned, or drawn in another face.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from evidence.runner import Context, Rows, Unit
from evidence.runs.rule import Rule
from evidence.runs.twin import descend
from neuroevo import data, ga, nets
from neuroevo.budget import Budget, peak_megabytes
from neuroevo.data import fonts
from neuroevo.data.transforms import moved
from neuroevo.genreg import Settings, choose_parents, update_trust

TASK = nets.MLP((10_000, 128, 26))
SIDE = 100
N_GENERATIONS = {"smoke": 5, "laptop": 400, "full": 1862}  # the published checkpoint's generation
SWEEP_GENERATIONS = {"smoke": 3, "laptop": 100, "full": 400}
SCALES = (0.01, 0.02, 0.05, 0.1)


def _printed(scale: float) -> Rule:
    return Rule(Settings(mutation_scale=scale, init_std=scale))


def _soft(scale: float) -> Rule:
    settings = Settings(mutation_scale=scale, init_std=scale, survival_cutoff=0.05, parent_choice="uniform")
    return Rule(settings, soft=True)


RULES = {"printed": _printed(0.05), "log-likelihood": _soft(0.05)}


@cache
def images() -> tuple[Tensor, Tensor]:
    """The 26 pictures, (26, 10000) in [0, 1], in DejaVu Sans, and their classes."""
    (source, *_) = fonts.SOURCES
    pictures = [fonts.draw(source, "plain", letter, SIDE) for letter in fonts.ALPHABET]
    return torch.stack([torch.from_numpy(p) for p in pictures]).flatten(1).float() / 255, torch.arange(26)


class Sums:
    """A population of networks with one hidden layer of tanh that are only ever shown the same few pictures x.

    A hidden unit sees its weights w only through the sums w x^T, one a picture. Normal noise on w moves them by normal
    noise of covariance scale^2 x x^T, so a genome can hold its sums in place of its weights.

    Args:
        x: (n, n_inputs) the pictures.
        n_hidden, n_outputs: of the network.
        settings: of the population.
        rng: source of randomness.

    Attributes:
        sums: (n_genomes, n_hidden, n), without the biases.
        rest: (n_genomes, n_hidden + n_outputs * (n_hidden + 1)): biases, then the second layer as in `nets.MLP`.
        variance: of each first-layer weight of a genome, wherever no picture looks.
    """

    def __init__(self, x: Tensor, n_hidden: int, n_outputs: int, settings: Settings, rng: torch.Generator) -> None:
        self.x, self.settings, self.rng = x, settings, rng
        self.readout = nets.MLP((n_hidden, n_outputs))
        gram = (x @ x.T).double()
        self.root = torch.linalg.cholesky(gram).float()
        n_rest = n_hidden + self.readout.n_params
        self.sums = settings.init_std * self._noise((settings.n_genomes, n_hidden, len(x)))
        self.rest = settings.init_std * torch.randn((settings.n_genomes, n_rest), generator=rng)
        self.variance = settings.init_std**2

    def _noise(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self.rng) @ self.root.T

    def logits(self) -> Tensor:
        """(n_genomes, n, n_outputs)."""
        n_hidden = self.sums.shape[1]
        hidden = torch.tanh(self.sums + self.rest[:, :n_hidden, None])
        weights, biases = self.readout.layers(self.rest[:, n_hidden:])[0]
        return torch.baddbmm(biases.unsqueeze(2), weights, hidden).transpose(1, 2)

    def breed(self, parents: Tensor) -> Tensor:
        """Replace everybody by mutated children of these parents; returns each row's parent."""
        origin = ga.reproduce_(self.rest, parents)
        self.sums = self.sums[origin]
        rate, scale = self.settings.child_mutation_rate, self.settings.mutation_scale
        ga.mutate_(self.rest, rate, scale, self.rng)
        # A picture has a thousand lit pixels or more, so the sum over the 7 % that are hit is close to normal.
        self.sums += scale * math.sqrt(rate) * self._noise(tuple(self.sums.shape))
        self.variance += rate * scale**2
        return origin

    def genome(self, row: int, rng: torch.Generator | None) -> Tensor:
        """A row of `nets.MLP((n_inputs, n_hidden, n_outputs))` with these sums, (n_params,).

        The pictures fix each unit's weights along 26 directions. Along all others no selection looked, so they hold
        their start and all the noise since: drawn from `rng`, or left out if it is None.
        """
        fixed = self.sums[row] @ torch.cholesky_solve(self.x, self.root)
        if rng is not None:
            drift = math.sqrt(self.variance) * torch.randn(fixed.shape, generator=rng)
            fixed += drift - (drift @ self.x.T) @ torch.cholesky_solve(self.x, self.root)
        return torch.cat([fixed.flatten(), self.rest[row]])


Bar = Callable[[Iterable[int]], Iterable[int]]


def evolve(rule: Rule, rng: torch.Generator, n_generations: int, bar: Bar = iter) -> tuple[Sums, int, int, int]:
    """Breed networks on the 26 pictures until one knows them all.

    Returns:
        The population, the row of its best network, that network's right answers, and the generations it took
        (`n_generations` if none got all of them: then the best network of the last one, which need not be the best
        that there ever was).
    """
    (x, y), s = images(), rule.settings
    population, trust = Sums(x, TASK.sizes[1], 26, s, rng), torch.zeros(s.n_genomes)
    for generation in bar(range(1, n_generations + 1)):
        logits = population.logits()
        correct = nets.count_correct(logits, y)
        best = int(correct.argmax())
        if correct[best] == len(y) or generation == n_generations:
            break
        rewards = rule.scores(logits, correct, y)
        trust = rewards if rule.soft else update_trust(trust, rewards, s)
        parents = choose_parents(trust, s.n_genomes, s, rng)
        trust = trust[population.breed(parents)] * s.trust_inheritance
    return population, best, int(correct[best]), generation


@cache
def questions() -> dict[str, list[Tensor]]:
    """What a network that knows the 26 pictures is asked next: name -> pictures of A to Z, (26, 10000) each."""
    x, _ = images()
    around = ((1, 0), (-1, 0), (0, 1), (0, -1))
    asked = {"as trained": [x]}
    for pixels in (1, 2, 5):
        asked[f"moved by {pixels}"] = [moved(x, pixels * right, pixels * down) for right, down in around]
    for degrees in (5, 10):
        asked[f"turned by {degrees}"] = [moved(x, degrees=degrees), moved(x, degrees=-degrees)]
    faces = data.letters(SIDE)
    pictures = faces.x.view(len(faces.faces), 26, -1).float() / 255
    same = [face.family == "DejaVu Sans" for face in faces.faces]
    asked["same family"] = [p for p, is_same in zip(pictures[1:], same[1:], strict=True) if is_same]
    asked["other families"] = [p for p, is_same in zip(pictures, same, strict=True) if not is_same]
    return asked


Answer = Callable[[Tensor], Tensor]
"""Pictures (n, n_pixels) to classes (n,)."""


def _ask(unit: Unit, method: str, answer: Answer) -> list[dict[str, Any]]:
    """Right answers of 26, the mean over the pictures of a question."""
    y = torch.arange(26)
    rows = []
    for question, pictures in questions().items():
        right = sum(int((answer(x) == y).sum()) for x in pictures) / len(pictures)
        rows.append({"method": method, "seed": unit.seed, "question": question, "right": right})
    return rows


def network(net: nets.MLP, genome: Tensor) -> Answer:
    """The answers of one genome (n_params,)."""

    def answer(x: Tensor) -> Tensor:
        with torch.no_grad():
            return net.forward(genome[None], x)[0].argmax(dim=1)

    return answer


def _run_rule(unit: Unit, context: Context, rule: Rule) -> Rows:
    rng, budget = torch.Generator().manual_seed(unit.seed), Budget()
    limit = (SWEEP_GENERATIONS if "sweep" in unit.method else N_GENERATIONS)[context.size]
    with budget.clock():
        population, best, right, generation = evolve(rule, rng, limit, lambda steps: context.bar(steps, unit, "gen"))
    budget.forward(rule.settings.n_genomes * generation, 26)
    run = {"method": unit.method, "seed": unit.seed, "right": right, "generations": generation}
    run |= dataclasses.asdict(budget) | {"peak_megabytes": round(peak_megabytes())}
    run |= {"scale": rule.settings.mutation_scale}
    if "sweep" in unit.method:
        return {"task_sweeps": [run]}
    name = unit.method.removeprefix("task ")
    asked = _ask(unit, name, network(TASK, population.genome(best, rng)))
    asked += _ask(unit, f"{name}, without drift", network(TASK, population.genome(best, None)))
    return {"task_runs": [run], "task": asked}


def nearest(x: Tensor, templates: Tensor, classes: Tensor) -> Tensor:
    """The class of the nearest template: (n, n_pixels), (m, n_pixels) and (m,) to (n,)."""
    return classes[torch.cdist(x, templates).argmin(dim=1)]


def _run_template(unit: Unit, context: Context) -> Rows:
    x, y = images()
    return {"task": _ask(unit, "nearest template", lambda pictures: nearest(pictures, x, y))}


def _run_features(unit: Unit, context: Context) -> Rows:
    """128 hidden units that nobody trained, and the readout by least squares."""
    x, y = images()
    rng = torch.Generator().manual_seed(unit.seed)
    weights = torch.randn((x.shape[1], TASK.sizes[1]), generator=rng) / x.square().sum(dim=1).mean().sqrt()

    def hidden(pictures: Tensor) -> Tensor:
        return torch.cat([torch.tanh(pictures @ weights), torch.ones(len(pictures), 1)], dim=1)

    readout = torch.linalg.pinv(hidden(x)) @ functional.one_hot(y, 26).float()
    return {"task": _ask(unit, "random features", lambda pictures: (hidden(pictures) @ readout).argmax(dim=1))}


def glorot(net: nets.MLP, rng: torch.Generator) -> Tensor:
    """One genome, (1, n_params), that requires a gradient: normal weights of variance 2 / (in + out), biases 0."""
    genome = torch.zeros(1, net.n_params)
    for weights, _ in net.layers(genome):
        _, n_out, n_in = weights.shape
        weights.copy_(math.sqrt(2 / (n_in + n_out)) * torch.randn(weights.shape, generator=rng))
    return genome.requires_grad_()


def _run_gradient(unit: Unit, context: Context) -> Rows:
    x, y = images()
    rng = torch.Generator().manual_seed(unit.seed)
    genome = glorot(TASK, rng)
    budget = Budget()
    with budget.clock():
        adam = torch.optim.Adam([genome], lr=0.001)
        for _ in range(3 if context.size == "smoke" else 20):
            descend(TASK, genome, adam, x, y)
            budget.gradient(1, 26)
    return {"task": _ask(unit, "gradient", network(TASK, genome.detach()[0]))}


RUNNERS: dict[str, Callable[[Unit, Context], Rows]] = {}
for _name, _make in (("printed", _printed), ("log-likelihood", _soft)):
    RUNNERS |= {f"task sweep {_name} {scale:g}": partial(_run_rule, rule=_make(scale)) for scale in SCALES}
    RUNNERS[f"task {_name}"] = partial(_run_rule, rule=RULES[_name])
RUNNERS |= {
    "task nearest template": _run_template,
    "task random features": _run_features,
    "task gradient": _run_gradient,
}
