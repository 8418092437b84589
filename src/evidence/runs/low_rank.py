"""Does selection mind what mutations look like? Chapter 9's evidence: full noise, a few places, and rank one.

A unit is one kind of mutation, at one scale, with one seed: 200 readers of handwritten digits, 64-32-10, and 150
generations of 100 images, the best fifth as parents, the best one kept. A row says how many of the validation images
the champion reads, the genome that is best on all training images at the end.

    python3 course.py run low-rank --seeds 20
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import data, ga, nets

NET = nets.MLP((64, 32, 10))
N_GENOMES = 200
INIT_STD = 0.1
RATE = 0.07
N_GENERATIONS = {"smoke": 5, "laptop": 150, "full": 150}


def full(n: int, rng: torch.Generator) -> Tensor:
    """Normal noise on every number, (n, n_params)."""
    return torch.randn((n, NET.n_params), generator=rng)


def few(n: int, rng: torch.Generator) -> Tensor:
    """Normal noise on `RATE` of the numbers."""
    noise = torch.zeros((n, NET.n_params))
    ga.mutate_(noise, RATE, 1.0, rng)
    return noise


def rank_one(n: int, rng: torch.Generator, *, equal: bool = False) -> Tensor:
    """A layer's weights get a column times a row of normal numbers, its biases normal numbers.

    Entries have variance 1, as those of `full`. The length of such a matrix varies from mutant to mutant; if `equal`,
    all have the root mean square length.
    """
    parts = []
    for n_in, n_out in zip(NET.sizes, NET.sizes[1:], strict=False):
        columns, rows = (torch.randn((n, k), generator=rng) for k in (n_out, n_in))
        weights = (columns[:, :, None] * rows[:, None, :]).flatten(1)
        if equal:
            weights *= math.sqrt(n_in * n_out) / weights.norm(dim=1, keepdim=True)
        parts += [weights, torch.randn((n, n_out), generator=rng)]
    return torch.cat(parts, dim=1)


def rank_one_equal(n: int, rng: torch.Generator) -> Tensor:
    """`rank_one`, all weight matrices of equal length."""
    return rank_one(n, rng, equal=True)


KINDS: dict[str, tuple[Callable[[int, torch.Generator], Tensor], tuple[float, ...]]] = {
    "full": (full, (0.01, 0.02, 0.03, 0.05)),
    "rank one": (rank_one, (0.02, 0.03, 0.05, 0.1)),
    "rank one, equal lengths": (rank_one_equal, (0.02, 0.03, 0.05, 0.1)),
    "7 %": (few, (0.05, 0.1, 0.2, 0.4)),
}
"""Kind -> noise of unit variance where it hits, and the scales that are tried."""


def evolve(kind: str, scale: float, n_generations: int, rng: torch.Generator) -> Tensor:
    """The champion, (1, n_params), after so many generations."""
    noise, train = KINDS[kind][0], data.digits().train
    population = NET.init(N_GENOMES, INIT_STD, rng)
    for _ in range(n_generations):
        x, y = train.sample(10, rng)
        best = ga.truncation(nets.mean_log_likelihood(NET.forward(population, x), y), 0.2)
        parents = best[torch.randint(len(best), (N_GENOMES - 1,), generator=rng)]
        children = population[parents] + scale * noise(N_GENOMES - 1, rng)
        population = torch.cat([population[best[:1]], children])
    fitness = nets.mean_log_likelihood(NET.forward(population, train.pixels()), train.y)
    return population[fitness.argmax()][None]


def run_unit(unit: Unit, context: Context) -> Rows:
    """One champion's score."""
    kind, scale = unit.method.split("; ")
    rng = torch.Generator().manual_seed(unit.seed)
    champion = evolve(kind, float(scale), N_GENERATIONS[context.size], rng)
    held_out = data.digits().validation
    right = nets.accuracy(NET.forward(champion, held_out.pixels()), held_out.y).item()
    return {"runs": [{"kind": kind, "scale": float(scale), "seed": unit.seed, "right": round(100 * right, 3)}]}


def units(seeds: list[int]) -> list[Unit]:
    """Seed by seed, so that a run that is cut short has whole seeds."""
    return [
        Unit(f"{kind}; {scale:g}", seed) for seed in seeds for kind, (_, scales) in KINDS.items() for scale in scales
    ]


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "network": NET.sizes,
        "n_genomes": N_GENOMES,
        "n_generations": N_GENERATIONS[size],
        "init_std": INIT_STD,
        "share of numbers hit, 7 %": RATE,
        "scales": {kind: scales for kind, (_, scales) in KINDS.items()},
        "images a generation": 100,
        "parents": "best fifth, the best kept",
    }


EXPERIMENT = Experiment(units, run_unit, settings)
