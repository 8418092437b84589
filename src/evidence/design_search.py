"""Two more searchers for tables of designs (chapter 14), many runs side by side: plain evolution and TPE.

The chapter builds both in full view, and a test holds them equal; the evidence page moves their settings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from neuroevo.search import Outcomes, Space


@dataclass(frozen=True)
class Tried:
    """What each run has trained, in that order.

    Attributes:
        designs: (n_runs, n_trainings) places in the space.
        scores: (n_runs, n_trainings) what each training scored.
    """

    designs: Tensor
    scores: Tensor

    def at(self, budget: int) -> tuple[Tensor, Tensor]:
        """(design, score), (n_runs,) each: the best of the first `budget` trainings."""
        top = self.scores[:, :budget].max(dim=1)
        return self.designs.gather(1, top.indices[:, None])[:, 0], top.values


def look_up(outcomes: Outcomes, designs: Tensor, rng: torch.Generator) -> Tensor:
    """Scores of designs, of the same shape: each by one of the table's networks, by lot."""
    network = torch.randint(outcomes.validation.shape[1], designs.shape, generator=rng)
    return outcomes.validation[designs, network]


def mutated(space: Space, designs: Tensor, rng: torch.Generator) -> Tensor:
    """Designs (n,) with one gene, by lot, at another of its values."""
    genes, run = space.genes(designs), torch.arange(len(designs))
    gene = torch.randint(len(space.sizes), designs.shape, generator=rng)
    size = torch.tensor(space.sizes)[gene]
    step = 1 + (torch.rand(designs.shape, generator=rng) * (size - 1)).long()
    genes[run, gene] = (genes[run, gene] + step) % size
    return space.indices(genes)


def evolve(
    outcomes: Outcomes,
    n_runs: int,
    budget: int,
    rng: torch.Generator,
    *,
    n: int = 20,
    rivals: int = 5,
    new: bool = False,
    worst: bool = False,
) -> Tried:
    """Steady-state evolution: one child at a time, by mutation only, of the best of a few; then one must go.

    Source: Real et al. (2019), "Regularized evolution for image classifier architecture search" (with the oldest
    removed).

    Args:
        outcomes: the table.
        n_runs: independent searches.
        budget: trainings of each.
        rng: source of randomness, on the CPU.
        n: population.
        rivals: drawn, with replacement, for a tournament; the best is the parent.
        new: a child that was trained before is drawn again, up to 20 times.
        worst: the one with the lowest score goes, in place of the oldest.
    """
    space = outcomes.space
    designs = torch.randint(space.n_designs, (n_runs, budget), generator=rng)
    scores = look_up(outcomes, designs, rng)
    run = torch.arange(n_runs)
    alive = torch.arange(n).repeat(n_runs, 1)  # the oldest first
    for i in range(n, budget):
        drawn = alive.gather(1, torch.randint(n, (n_runs, rivals), generator=rng))
        parent = drawn[run, scores.gather(1, drawn).argmax(dim=1)]
        child = mutated(space, designs[run, parent], rng)
        for _ in range(20 * new):
            known = (designs[:, :i] == child[:, None]).any(dim=1)
            if not bool(known.any()):
                break
            child = torch.where(known, mutated(space, designs[run, parent], rng), child)
        designs[:, i], scores[:, i] = child, look_up(outcomes, child, rng)
        alive = torch.cat([alive, torch.full((n_runs, 1), i)], dim=1)
        goes = scores.gather(1, alive).argmin(dim=1) if worst else torch.zeros(n_runs, dtype=torch.long)
        stays = torch.arange(n + 1) != goes[:, None]
        alive = alive[stays].view(n_runs, n)
    return Tried(designs, scores)


def density(space: Space, designs: Tensor) -> Tensor:
    """How densely designs lie, (n_runs, n_designs): the Parzen estimate of Optuna's TPE, which sums to one.

    Each design seen is a heap of sand; along each gene a little of it is spread evenly over the other values. One
    more heap is spread evenly over everything. From the 26th last on, older designs count for less.

    Args:
        space: where the designs are.
        designs: (n_runs, n_seen) their places, the oldest first.
    """
    n_runs, n = designs.shape
    weights = torch.cat([torch.linspace(1 / n, 1, max(n - 25, 0)), torch.ones(min(n, 25))]).expand(n_runs, n)
    heaps = torch.full((n_runs, space.n_designs), 1 / space.n_designs).scatter_add(1, designs, weights)
    heaps = heaps.view(n_runs, *space.sizes)
    for axis, size in enumerate(space.sizes, start=1):
        heaps = (heaps + heaps.sum(dim=axis, keepdim=True) / (n + 1)) / (1 + size / (n + 1))
    return heaps.flatten(1) / (1 + weights.sum(dim=1, keepdim=True))


def tpe(
    outcomes: Outcomes,
    n_runs: int,
    budget: int,
    rng: torch.Generator,
    *,
    start: int = 10,
    share: float = 0.1,
    candidates: int = 24,
) -> Tried:
    """Tree-structured Parzen estimator: train what lies where the good lie dense and the others don't.

    Source: Bergstra et al. (2011), in the form of Optuna 5 (multivariate, categorical parameters).

    Args:
        outcomes, n_runs, budget, rng: see `evolve`.
        start: trainings by lot, before there is a model.
        share: of the trainings so far that are good, at most 25.
        candidates: drawn from where the good lie; the one with the highest quotient is trained.
    """
    space = outcomes.space
    designs = torch.randint(space.n_designs, (n_runs, budget), generator=rng)
    scores = look_up(outcomes, designs, rng)
    for n in range(start, budget):
        order = scores[:, :n].argsort(dim=1, descending=True, stable=True)
        n_good = min(math.ceil(share * n), 25)
        good, rest = (
            density(space, designs.gather(1, part.sort().values)) for part in (order[:, :n_good], order[:, n_good:])
        )
        drawn = torch.multinomial(good, candidates, replacement=True, generator=rng)
        best = (good / rest).gather(1, drawn).argmax(dim=1, keepdim=True)
        child = drawn.gather(1, best)[:, 0]
        designs[:, n], scores[:, n] = child, look_up(outcomes, child, rng)
    return Tried(designs, scores)


def regret(outcomes: Outcomes, design: Tensor, score: Tensor) -> Tensor:
    """Points lost, (...): the best design's test accuracy less that of the networks that didn't choose this one.

    Args:
        outcomes: the table.
        design, score: (...) what was chosen, and the score that chose it: the network that has it is left out.
    """
    judges = outcomes.validation[design] != score[..., None]
    test = (outcomes.test[design] * judges).sum(dim=-1) / judges.sum(dim=-1)
    return 100 * (outcomes.test.mean(dim=1).max() - test)
