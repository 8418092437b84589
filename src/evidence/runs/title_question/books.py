"""What the arms of the title question share: runs side by side, their looks, their clocks, and what they held.

Every tensor has an axis of runs in front: seeds side by side, each with data of its own. Clocks and bytes are divided
by the number of runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import torch
from torch import Tensor

N_TRAIN, N_VALIDATION = 897, 300  # of 1,797 digits; the other 600 are the test
Table = list[dict[str, Any]]


@dataclass(frozen=True)
class Data:
    """One part of the data of all runs: x (n_runs, n, n_in), y (n_runs, n) int64."""

    x: Tensor
    y: Tensor

    def batch(self, n: int, rng: torch.Generator) -> Data:
        """The same rows' numbers for all runs, drawn with replacement: each run has its own order of the data."""
        rows = torch.randint(self.x.shape[1], (n,), generator=rng)
        return Data(self.x[:, rows], self.y[:, rows])


Parts = tuple[Data, Data, Data]  # train, validation, test


@cache
def _digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits  # a second of import

    bunch = load_digits()
    return torch.from_numpy(bunch.data).float() / 16, torch.from_numpy(bunch.target).long()


def digits(seeds: Sequence[int]) -> Parts:
    """scikit-learn's digits, 64 grey values from 0 to 1, split anew by each seed: train, validation, test."""
    x, y = _digits()
    orders = torch.stack([torch.randperm(len(y), generator=generator(seed)) for seed in seeds])
    cuts = orders.split([N_TRAIN, N_VALIDATION, len(y) - N_TRAIN - N_VALIDATION], dim=1)
    train, validation, test = (Data(x[rows], y[rows]) for rows in cuts)
    return train, validation, test


def generator(seed: int) -> torch.Generator:
    """A source of randomness of this seed."""
    return torch.Generator().manual_seed(seed)


class Merit(Protocol):
    """What a model is worth, larger is better."""

    def __call__(self, genomes: Tensor, part: Data, /) -> Tensor:
        """(n_runs, n_params) and data to (n_runs,)."""


@dataclass
class Books:
    """The books of runs side by side: what they spent, their curve, and each run's best model on validation.

    Args:
        seeds: one a run.
        parts: their data.
        merit: scores a model of each run.
        held_bytes: what a run holds between its steps and inside one, beside data: told by the arm.
    """

    seeds: Sequence[int]
    parts: Parts
    merit: Merit
    held_bytes: int = 0
    evaluations: int = 0
    core_seconds: float = 0.0
    curve: Table = field(default_factory=list)
    best: Tensor | None = None
    validation: Tensor | None = None

    @contextmanager
    def clock(self) -> Any:
        """Count core-seconds of what stands inside: training, not the looks."""
        before = time.process_time()
        yield
        self.core_seconds += time.process_time() - before

    @torch.no_grad()
    def look(self, genomes: Tensor) -> None:
        """Score a model of each run (n_runs, n_params) on validation; keep it where it is the best so far."""
        score = self.merit(genomes, self.parts[1])
        if self.best is None or self.validation is None:
            self.best, self.validation = genomes.clone(), score.clone()
        better = score > self.validation
        self.best[better], self.validation[better] = genomes[better], score[better]
        for seed, value, top in zip(self.seeds, score.tolist(), self.validation.tolist(), strict=True):
            row = {"seed": seed, "evaluations": self.evaluations, "core_seconds": self.core_seconds / len(self.seeds)}
            self.curve.append(row | {"validation": value, "best_validation": top})

    @torch.no_grad()
    def finals(self) -> Table:
        """A row a run: the model that was best on validation, on the test."""
        assert self.best is not None
        assert self.validation is not None
        scores = self.merit(self.best, self.parts[2])
        spent = {
            "evaluations": self.evaluations,
            "core_seconds": self.core_seconds / len(self.seeds),
            "peak_bytes": self.held_bytes,
        }
        rows = zip(self.seeds, scores.tolist(), self.validation.tolist(), strict=True)
        return [{"seed": s, "score": score, "validation": v} | spent for s, score, v in rows]


def steps_of(books: Books, n_evaluations: int, price: int, n_looks: int = 10) -> Any:
    """Yield the share of the budget that is spent, once a step of this price, and say by a flag when to look.

    Yields:
        (share, look): share of the steps done before, and whether the model should be looked at after this step.
    """
    n_steps = max(1, n_evaluations // price)
    looks = {round(n_steps * (k + 1) / n_looks) for k in range(n_looks)}
    for step in range(n_steps):
        books.evaluations += price
        yield step / n_steps, step + 1 in looks or step + 1 == n_steps


def descend(
    books: Books,
    theta: Tensor,
    loss: Callable[[Tensor, Data, float], Tensor],
    *,
    n_evaluations: int,
    learning_rate: float,
    batch: int,
    rng: torch.Generator,
    project: Callable[[Tensor], Tensor] = lambda theta: theta,
    after: Callable[[Tensor, float], None] = lambda theta, share: None,
) -> Tensor:
    """Adam with a rate that falls in a straight line to 0; a step on an example costs three evaluations.

    Args:
        theta: (n_runs, ..., n_params), not changed; an axis between holds models that are trained side by side.
        loss: of theta, a batch and the share of the budget, summed over runs and models.
        project: what is looked at: theta to models (n_runs, n_params).
        after: called with theta after each step, to change it in place.
    """
    here = theta.clone().requires_grad_(True)
    adam = torch.optim.Adam([here], lr=learning_rate)
    n_models = here.numel() // len(books.seeds) // here.shape[-1]
    books.held_bytes = max(books.held_bytes, 4 * 4 * here.numel() // len(books.seeds))  # theta, slope, two moments
    for share, look in steps_of(books, n_evaluations, 3 * batch * n_models):
        with books.clock():
            adam.param_groups[0]["lr"] = learning_rate * (1 - share)
            adam.zero_grad()
            part = books.parts[0] if batch >= books.parts[0].x.shape[1] else books.parts[0].batch(batch, rng)
            loss(here, part, share).backward()
            adam.step()
            with torch.no_grad():
                after(here, share)
        if look:
            books.look(project(here.detach()))
    return here.detach()
