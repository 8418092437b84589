"""Which operator of a genetic algorithm can go, by the size of its population: chapter 5's experiment, its knobs moved.

A unit is one landscape with one change of the settings: every size of the population with nothing, crossover or
mutation off, 30 runs each, and random search with as many scorings. What stays as in the chapter is in `Setting`.

    python3 course.py run operators --seeds 1
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import ga

SIZES_OF_POPULATION = (10, 30, 100, 300, 1000)
N_RUNS = {"smoke": 2, "laptop": 10, "full": 30}
SHARE_OF_SCORINGS = {"smoke": 0.1, "laptop": 1.0, "full": 1.0}


@dataclass(frozen=True)
class Setting:
    """What decides a run beside its landscape, the population's size and the operator that is off."""

    tournament: int = 5
    survivors: float = 0.0  # share that breeds, in place of tournaments; 0 is tournaments
    changes: float = 1.0  # genes that a mutation hits on average
    scale: float = 1.0  # of a mutation, where genes are numbers
    n_scorings: int = 10_000
    n_elites: int = 1
    crossover: str = ""  # "uniform" or "one-point"; empty is the landscape's own
    crossed: float = 1.0  # share of the children that have two parents
    longer: int = 1  # times as many genes


SETTINGS = {
    "as in the chapter": Setting(),
    "tournaments of 2": Setting(tournament=2),
    "tournaments of 3": Setting(tournament=3),
    "tournaments of 10": Setting(tournament=10),
    "tournaments of 20": Setting(tournament=20),
    "the best fifth breeds": Setting(survivors=0.2),
    "no elite": Setting(n_elites=0),
    "five elites": Setting(n_elites=5),
    "0.1 changes": Setting(changes=0.1),
    "0.3 changes": Setting(changes=0.3),
    "3 changes": Setting(changes=3),
    "5 changes": Setting(changes=5),
    "scale 0.1": Setting(scale=0.1),
    "scale 0.3": Setting(scale=0.3),
    "scale 3": Setting(scale=3),
    "1,000 scorings": Setting(n_scorings=1_000),
    "100,000 scorings": Setting(n_scorings=100_000),
    "the other crossover": Setting(crossover="other"),
    "30 % crossed": Setting(crossed=0.3),
    "70 % crossed": Setting(crossed=0.7),
    "four times the genes": Setting(longer=4),
}
CHANGES_OFF = ("nothing", "crossover", "mutation")


def onemax(bits: Tensor) -> Tensor:
    """Number of ones."""
    return bits.sum(-1)


def trap(bits: Tensor, size: int = 5) -> Tensor:
    """Blocks of bits: all ones score the block's size; otherwise each one costs a point (Deb and Goldberg 1993)."""
    ones = bits.unflatten(-1, (-1, size)).sum(-1)
    return torch.where(ones == size, size, size - 1 - ones).sum(-1)


def shuffled_trap(bits: Tensor) -> Tensor:
    """The trap with the bits of its blocks scattered over the genome."""
    return trap(bits[..., torch.randperm(bits.shape[-1], generator=_rng(6))])


def rastrigin(points: Tensor) -> Tensor:
    """Minus Rastrigin's function: a bowl with a peak at every point of whole numbers, the highest, 0, at zero."""
    return -(10 + points**2 - 10 * torch.cos(2 * torch.pi * points)).sum(-1)


def rotated_rastrigin(points: Tensor) -> Tensor:
    """Rastrigin's function in turned axes: no gene can be improved without the others."""
    turn, _ = torch.linalg.qr(torch.randn((points.shape[-1],) * 2, generator=_rng(1)))
    return rastrigin(points @ turn)


@dataclass(frozen=True)
class Landscape:
    """A function to climb."""

    score: Callable[[Tensor], Tensor]
    n_genes: int
    crossover: str = "uniform"
    bits: bool = True

    def top(self, n_genes: int) -> int:
        """Its highest score."""
        return n_genes if self.bits else 0


LANDSCAPES = {
    "OneMax": Landscape(onemax, 60),
    "Rastrigin": Landscape(rastrigin, 20, bits=False),
    "trap": Landscape(trap, 60, "one-point"),
    "shuffled trap": Landscape(shuffled_trap, 60, "one-point"),
    "rotated Rastrigin": Landscape(rotated_rastrigin, 20, bits=False),
}
_CROSSOVERS: dict[str, ga.Crossover] = {"uniform": ga.uniform, "one-point": ga.one_point}
_OTHER = {"uniform": "one-point", "one-point": "uniform"}


def start(place: Landscape, n_genes: int, n_genomes: int, n_runs: int, rng: torch.Generator) -> Tensor:
    """Random genomes (n_runs, n_genomes, n_genes): fair bits, or points in the box of half-width 5.12."""
    draws = torch.rand((n_runs, n_genomes, n_genes), generator=rng)
    return draws.round() if place.bits else 5.12 * (2 * draws - 1)


def best(place: Landscape, s: Setting, n_genomes: int, off: str, n_runs: int, n_scorings: int, seed: int) -> Tensor:
    """The best score of each run, (n_runs,)."""
    rng, n_genes = _rng(seed), place.n_genes * s.longer
    selecting = partial(ga.tournament, size=1 if off == "selection" else s.tournament)
    if s.survivors and off != "selection":
        selecting = partial(ga.from_best, fraction=s.survivors)
    rate = s.changes / n_genes
    mutation = partial(ga.flip_, rate=rate) if place.bits else partial(ga.mutate_, rate=rate, scale=s.scale)
    loop = ga.GA(
        start(place, n_genes, n_genomes, n_runs, rng),
        select=selecting,
        crossover=None if off == "crossover" else _crossover(place, s),
        mutate=None if off == "mutation" else mutation,
        n_elites=0 if off in ("selection", "elites") else s.n_elites,
        rng=rng,
    )
    highest = torch.full((n_runs,), -torch.inf)
    for _ in range(max(1, n_scorings // n_genomes)):
        fitness = place.score(loop.ask())
        highest = torch.maximum(highest, fitness.amax(-1))
        loop.tell(fitness)
    return highest


def _crossover(place: Landscape, s: Setting) -> ga.Crossover:
    operator = _CROSSOVERS[_OTHER[place.crossover] if s.crossover == "other" else place.crossover]

    def sometimes(shape: tuple[int, ...], *, rng: torch.Generator) -> Tensor:
        alone = torch.rand((*shape[:-1], 1), generator=rng) >= s.crossed
        return torch.where(alone, 1.0, operator(shape, rng=rng))

    return operator if s.crossed == 1 else sometimes


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def units(seeds: list[int]) -> list[Unit]:
    """Landscape by landscape. A mutation's scale means nothing where genes are bits."""
    return [
        Unit(f"{landscape}; {setting}", seed)
        for seed in seeds
        for landscape, place in LANDSCAPES.items()
        for setting in SETTINGS
        if not (place.bits and setting.startswith("scale"))
    ]


def run_unit(unit: Unit, context: Context) -> Rows:
    """A row for each run: landscape, setting, size of the population (0: random search), what is off, best score."""
    landscape, _, setting = unit.method.partition("; ")
    place, s, n_runs = LANDSCAPES[landscape], SETTINGS[setting], N_RUNS[context.size]
    n_scorings = round(s.n_scorings * SHARE_OF_SCORINGS[context.size])
    cases = [(n, off) for n in SIZES_OF_POPULATION if n <= n_scorings for off in CHANGES_OFF]
    if s == Setting():
        cases += [(n, off) for n in SIZES_OF_POPULATION if n <= n_scorings for off in ("selection", "elites")]
    rows: list[dict[str, Any]] = []
    about = {"landscape": landscape, "setting": setting, "seed": unit.seed}

    def add(n_genomes: int, off: str, scores: Tensor) -> None:
        for run, score in enumerate(scores.tolist()):
            rows.append(about | {"n_genomes": n_genomes, "off": off, "run": run, "best": score})

    add(0, "random search", _random_search(place, s, n_runs, n_scorings, unit.seed))
    for n_genomes, off in context.bar(cases, unit, "case"):
        add(n_genomes, off, best(place, s, n_genomes, off, n_runs, n_scorings, unit.seed))
    return {"runs": rows}


def _random_search(place: Landscape, s: Setting, n_runs: int, n_scorings: int, seed: int) -> Tensor:
    rng, n_genes = _rng(1000 + seed), place.n_genes * s.longer
    parts = [min(1000, n_scorings)] * max(1, n_scorings // 1000)
    return torch.stack([place.score(start(place, n_genes, n, n_runs, rng)).amax(-1) for n in parts]).amax(0)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "runs of a seed": N_RUNS[size],
        "share of the scorings": SHARE_OF_SCORINGS[size],
        "populations": SIZES_OF_POPULATION,
        "landscapes": {name: [p.n_genes, p.crossover] for name, p in LANDSCAPES.items()},
        "settings": {name: dataclasses.asdict(s) for name, s in SETTINGS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
