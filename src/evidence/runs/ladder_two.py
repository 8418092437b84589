"""What in the ladder's leap did it: chapter 13's rungs one change at a time, at equal evaluations and equal seconds.

The first ladder changes two things at once on one rung (trust off, top 5 %) and five on another (whole networks to
one-neuron mutants: the mutant, the population, crossover, elitism, one winner or many). Here each has an arm of its
own. An arm gets `N_EVALUATIONS`, or about five core-seconds: a fixed number of generations, so that it repeats on any
machine. Its most sensitive setting is tuned at half of that length on three seeds that don't judge, on factors of two
around `start`, until the best value lies inside those tried. Each run chooses its champion on the validation part and
opens the test set once.

    python3 course.py run ladder-two --seeds 5
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from evidence.recorder import load
from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.ladder import INIT_STD, NET, SHARE, Gradient, Parts, Rung, Whole, described, run_rung
from evidence.runs.ladder.cloud import RankOneES
from evidence.runs.ladder.rung import N_WEIGHTS, Climber, balanced, scale
from neuroevo import ga, nets, neurons

TUNING_SEEDS = (100, 101, 102)
TUNING_SHARE = 0.5
N_EVALUATIONS = 2_600_000
N_MUTANTS, N_PARENTS, PAIRS = 200, 10, 2


class _Elite(Climber):
    """One network and mutants of it in many places; the best of them replaces it if it is better."""

    def __init__(self, rung: Elite, rng: torch.Generator) -> None:
        super().__init__(rung, rng)
        self.parent = NET.init(1, INIT_STD, rng)
        self.n_genomes, self.multiply_adds = N_MUTANTS + 1, (N_MUTANTS + 1) * N_WEIGHTS

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        genomes = self.parent.repeat(self.n_genomes, 1)
        ga.mutate_(genomes, self.rung.rate, self.rung.sigma, self.rng, rows=torch.arange(1, self.n_genomes))
        best = int(nets.mean_log_likelihood(NET.forward(genomes, x), y).argmax())
        self.parent = genomes[best : best + 1].clone()
        return lambda: self.parent[0]


@dataclass(frozen=True)
class Elite(Rung):
    """A single elite and `N_MUTANTS` mutants; `rate` of all weights change by noise of standard deviation `sigma`."""

    rate: float = 0.07
    sigma: float = 0.04
    images_per_class: int = 20

    climber: ClassVar = _Elite
    batch: ClassVar = balanced


def score(parents: Tensor, of: Tensor, neuron: Tensor, steps: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Log-likelihood of children that differ from their parents in one neuron, and of the parents.

    Args:
        parents: (n_parents, n_hidden, n_in + 1 + n_out), neurons as `neurons.split` gives them.
        of, neuron: (n_children,) whose child it is, and which of its neurons moves.
        steps: (n_children, n_in + 1 + n_out), by how much.
        x, y: images (n, n_in) and their classes.
    """
    n_in = x.shape[1]
    x1 = torch.cat([x, x.new_ones(len(x), 1)], dim=1).T.contiguous()
    hears, says = parents[:, :, : n_in + 1] @ x1, parents[:, :, n_in + 1 :]
    h = hears.tanh()
    logits = (says.transpose(1, 2) @ h).log_softmax(dim=1)  # (n_parents, n_out, n)
    new_h = (hears[of, neuron] + steps[:, : n_in + 1] @ x1).tanh_()
    new_says = says[of, neuron] + steps[:, n_in + 1 :]
    others = logits[of] - says[of, neuron][:, :, None] * h[of, neuron][:, None]
    children = others.addcmul_(new_says[:, :, None], new_h[:, None])
    return neurons.log_likelihood(children, y), neurons.log_likelihood(logits, y)


class _OneNeuron(Climber):
    """Mutants of one neuron; who lives on is the arm's: a population, a single winner, or a winner a neuron."""

    def __init__(self, rung: OneNeuron, rng: torch.Generator) -> None:
        super().__init__(rung, rng)
        n_parents = N_PARENTS if rung.parents == "population" else 1
        self.parents = torch.stack([neurons.split(NET, row) for row in NET.init(n_parents, INIT_STD, rng)])
        n_children = 64 * 2 * PAIRS if rung.parents == "own winners" else N_MUTANTS
        self.n_genomes = n_children + (rung.parents != "population")
        products = n_children // 2 if rung.mirrored else n_children
        self.multiply_adds = n_parents * N_WEIGHTS + products * 784 + n_children * 10
        if rung.step_size:
            self.parents = self._rounded(self.parents)

    def _rounded(self, rows: Tensor) -> Tensor:
        size = self.rung.step_size
        return (rows / size).round().clamp(-127, 127) * size

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        rung = self.rung
        sigma = scale(rung.sigma, rung.sigma_end, share)
        if rung.parents == "own winners":
            self._own_winners(sigma, x, y)
            return lambda: neurons.join(NET, self.parents[0])
        of = torch.randint(len(self.parents), (N_MUTANTS,), generator=self.rng)
        neuron = torch.randint(64, (N_MUTANTS,), generator=self.rng)
        steps = sigma * torch.randn((N_MUTANTS, self.parents.shape[2]), generator=self.rng)
        fitness, parent = score(self.parents, of, neuron, steps, x, y)
        best = fitness.topk(len(self.parents)).indices
        if rung.parents == "population" or float(fitness[best]) > float(parent):
            self.parents = self.parents[of[best]]
            self.parents[torch.arange(len(best)), neuron[best]] += steps[best]
        return lambda: neurons.join(NET, self.parents[0])  # of a population: the best child

    def _own_winners(self, sigma: float, x: Tensor, y: Tensor) -> None:
        rows, mirrored = self.parents[0], self.rung.mirrored
        n_steps = PAIRS if mirrored else 2 * PAIRS
        steps = sigma * torch.randn((64, n_steps, rows.shape[1]), generator=self.rng)
        if self.rung.step_size:
            steps = self._rounded(rows[:, None] + steps) - rows[:, None]
        if mirrored:
            fitness, parent = neurons.score(rows, steps, x, y)
            steps = torch.cat([steps, -steps], dim=1)
        else:
            of, neuron = torch.zeros(64 * n_steps, dtype=torch.long), torch.arange(64).repeat_interleave(n_steps)
            scores, parent = score(self.parents, of, neuron, steps.flatten(0, 1), x, y)
            fitness = scores.view(64, n_steps)
        best = fitness.max(dim=1)
        rows += steps[torch.arange(64), best.indices] * (best.values > parent)[:, None]


@dataclass(frozen=True)
class OneNeuron(Rung):
    """Mutants that differ in one neuron.

    Attributes:
        parents: "population" (the best 5 % of 200 children breed), "single elite" (the best of 200 mutants of random
            neurons, if better) or "own winners" (each neuron keeps the best of its four mutants, if better).
        mirrored: half as many steps, tried both ways; only for own winners.
        sigma, sigma_end: mutation scale; with an end it falls geometrically.
        step_size: above 0, weights are whole multiples of it, at most 127.
    """

    parents: str
    mirrored: bool = False
    sigma: float = 0.04
    sigma_end: float | None = None
    step_size: float = 0.0
    images_per_class: int = 20

    climber: ClassVar = _OneNeuron
    batch: ClassVar = balanced


class FullES:
    """The strategy of `RankOneES` with full noise: no shaping of scores, antithetic pairs, Adam."""

    def __init__(self, mean: Tensor, *, n_pairs: int, sigma: float, rng: torch.Generator) -> None:
        self.mean, self.n_pairs, self.sigma, self.rng = mean, n_pairs, sigma, rng
        self._adam = torch.optim.Adam([mean], maximize=True)

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor) -> None:
        """Draw, score on images x (n, n_in) with classes y (n,), and move the mean."""
        noise = torch.randn((self.n_pairs, len(self.mean)), generator=self.rng)
        genomes = torch.cat([self.mean + self.sigma * noise, self.mean - self.sigma * noise])
        plus, minus = nets.mean_log_likelihood(NET.forward(genomes, x), y).chunk(2)
        self.mean.grad = (plus - minus) @ noise / (2 * self.sigma * self.n_pairs)
        self._adam.step()


class _Noise(Climber):
    def __init__(self, rung: Noise, rng: torch.Generator) -> None:
        super().__init__(rung, rng)
        mean = NET.init(1, INIT_STD, rng)[0]
        words: Any = {"n_pairs": rung.n_pairs, "sigma": rung.sigma, "rng": rng}
        self.strategy = RankOneES(NET, mean, learning_rate=1, **words) if rung.rank_one else FullES(mean, **words)
        self.n_genomes = 2 * rung.n_pairs
        self.multiply_adds = N_WEIGHTS * self.n_genomes
        if rung.rank_one:
            self.multiply_adds = N_WEIGHTS + rung.n_pairs * (784 + 2 * (64 * 10 + 64))

    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        for group in self.strategy._adam.param_groups:
            group["lr"] = self.rung.learning_rate * (1 - share)
        self.strategy.step(x, y)
        return lambda: self.strategy.mean


@dataclass(frozen=True)
class Noise(Rung):
    """An evolution strategy on the whole network, by full noise or by an outer product for each matrix of weights."""

    rank_one: bool
    n_pairs: int = 100
    images_per_class: int = 20
    sigma: float = 0.02
    learning_rate: float = 0.01  # of Adam; falls in a straight line to 0, as in `Parts`

    climber: ClassVar = _Noise
    batch: ClassVar = balanced


@dataclass(frozen=True)
class Arm:
    """A rung, its most sensitive setting, and the value that tuning begins with."""

    rung: Rung
    setting: str = "sigma"
    start: float = 0.04


def _generations(n_genomes: int, n_images: int = 200) -> int:
    return round(N_EVALUATIONS / n_genomes / n_images)


_OWN, _RATE = 1 + 64 * 2 * PAIRS, "learning_rate"
_WHOLE = _generations(N_MUTANTS)

ARMS: dict[str, Arm] = {
    # Whole networks: about five core-seconds for the same number of evaluations.
    "printed rule": Arm(Whole(_WHOLE, trust=True, soft=False, top=0.2)),
    "graded": Arm(Whole(_WHOLE, trust=True, top=0.2)),
    "graded, top 5 %": Arm(Whole(_WHOLE, trust=True)),
    "graded, no trust": Arm(Whole(_WHOLE, top=0.2)),
    "whole, population": Arm(Whole(_WHOLE)),  # graded, no trust and top 5 %
    "whole, single elite": Arm(Elite(_WHOLE)),
    "scattered, single elite": Arm(Elite(_WHOLE, rate=1 / 64), start=0.16),
    "full noise": Arm(Noise(_WHOLE, rank_one=False), _RATE, 0.01),
    "gradient": Arm(Gradient(2650), _RATE, 0.004),
    # As many evaluations.
    "one neuron, population": Arm(OneNeuron(_WHOLE, "population"), start=0.16),
    "one neuron, single elite": Arm(OneNeuron(_WHOLE, "single elite"), start=0.16),
    "own winners": Arm(OneNeuron(_generations(_OWN), "own winners")),
    "own winners, mirrored": Arm(OneNeuron(_generations(_OWN), "own winners", mirrored=True)),
    "strategy a neuron": Arm(Parts(_generations(513), strategy=True, n_pairs=(4,), n_images=200), _RATE, 0.012),
    "rank-one noise": Arm(Noise(_WHOLE, rank_one=True), _RATE, 0.01),
    # As many core-seconds.
    "one neuron, population; seconds": Arm(OneNeuron(700, "population"), start=0.08),
    "one neuron, single elite; seconds": Arm(OneNeuron(1200, "single elite"), start=0.08),
    "own winners; seconds": Arm(OneNeuron(1000, "own winners"), start=0.02),
    "own winners, mirrored; seconds": Arm(OneNeuron(1150, "own winners", mirrored=True), start=0.02),
    "own winners, mirrored, falling; seconds": Arm(
        OneNeuron(650, "own winners", mirrored=True, sigma_end=0.003, images_per_class=50), start=0.02
    ),
    "own winners, mirrored, 8 bits; seconds": Arm(
        OneNeuron(1150, "own winners", mirrored=True, step_size=0.01), start=0.02
    ),
    "strategy a neuron; seconds": Arm(Parts(825, strategy=True, n_pairs=(4,), n_images=200), _RATE, 0.012),
    "rank-one noise; seconds": Arm(Noise(140, rank_one=True), _RATE, 0.01),
}


FIRST = """own winners|own winners, mirrored|one neuron, single elite|one neuron, population|strategy a neuron
rank-one noise|whole, single elite|whole, population|full noise|gradient|scattered, single elite
printed rule|graded|graded, no trust|graded, top 5 %"""


def units(seeds: list[int]) -> list[Unit]:
    """Arm by arm, those of equal evaluations first, tuned before they run: a stopped run has whole arms."""
    first = FIRST.replace("\n", "|").split("|")
    rest = [name for name in ARMS if name not in first]
    tuning = [[Unit(f"sweep {name}", 0) for name in ARMS if name in names] for names in (first, rest)]
    runs = [[Unit(name, seed) for name in names if name in ARMS for seed in seeds] for names in (first, rest)]
    return tuning[0] + runs[0] + tuning[1] + runs[1]


def given(unit: Unit, finished: Mapping[Unit, Rows]) -> dict[str, Any] | None:
    """The value of an arm's setting that did best on validation; None before it is tuned."""
    if unit.method not in ARMS:
        return {}
    tuned = finished.get(Unit(f"sweep {unit.method}", 0))
    return tuned and {"value": best(_means(tuned["sweeps"]))}


def _means(rows: list[dict[str, Any]]) -> dict[float, float]:
    values = sorted({row["value"] for row in rows})
    return {v: sum(row["validation"] for row in rows if row["value"] == v) / len(TUNING_SEEDS) for v in values}


def best(means: Mapping[float, float]) -> float:
    """The value with the highest mean."""
    return max(means, key=lambda value: means[value])


def _changed(arm: Arm, value: float, share: float = 1.0) -> Rung:
    changes: dict[str, Any] = {arm.setting: value, "n_generations": max(4, round(arm.rung.n_generations * share))}
    return dataclasses.replace(arm.rung, **changes)


def _tune(name: str, context: Context) -> Rows:
    """Rows of sweeps: factors of two around the start, and on until the best lies inside."""
    arm = ARMS[name]
    rows: list[dict[str, Any]] = []

    def tried(value: float) -> None:
        for seed in TUNING_SEEDS:
            made = run_rung(Unit(f"sweep {name}", seed), context, _changed(arm, value, TUNING_SHARE))
            rows.append(made["sweeps"][0] | {"method": name, "setting": arm.setting, "value": value})

    for value in (arm.start / 2, arm.start, 2 * arm.start):
        tried(value)
    while (at := best(means := _means(rows))) in (min(means), max(means)) and len(means) < 8:
        tried(at / 2 if at == min(means) else 2 * at)
    return {"sweeps": rows}


def run_unit(unit: Unit, context: Context) -> Rows:
    """Tune an arm, or run it with one seed; its rows for the tables sweeps, or finals and curves."""
    if unit.method not in ARMS:
        return _tune(unit.method.removeprefix("sweep "), context)
    arm, value = ARMS[unit.method], context.given["value"]
    rows = run_rung(unit, context, _changed(arm, value))
    rows["finals"][0] |= {"setting": arm.setting, "value": value}
    return rows


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "data": load(size).source,
        "net": NET.sizes,
        "init_std": INIT_STD,
        "n_evaluations": N_EVALUATIONS,
        "share_of_generations": SHARE[size],
        "tuning_seeds": TUNING_SEEDS,
        "tuning_share": TUNING_SHARE,
        "rungs": described({name: arm.rung for name, arm in ARMS.items()}),
        "starts": {name: [arm.setting, arm.start] for name, arm in ARMS.items()},
    }


def _seconds(unit: Unit, context: Context) -> float:
    return (5 if unit.method in ARMS else 30) * SHARE[context.size]


EXPERIMENT = Experiment(units, run_unit, settings, given, seconds=_seconds)
