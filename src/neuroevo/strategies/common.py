"""What the strategies share: the contract, its checks, the draw, and ranks."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from neuroevo import ga


class Strategy(Protocol):
    """Ask for samples, score them, tell the scores; `ga.GA` and `genreg.GENREG` speak so too.

    Settings, the step size sigma among them, are given once, to the constructor. What was given or handed out before
    is never changed: a step makes a new tensor.
    """

    def ask(self) -> Tensor:
        """The genomes to score, (..., n_genomes, n_params)."""

    def tell(self, fitness: Tensor, /) -> None:
        """Learn from the fitness (..., n_genomes) of the rows of the last `ask()`: larger is better, no NaN."""


def centred_ranks(fitness: Tensor) -> Tensor:
    """Ranks scaled to [-0.5, 0.5], the worst lowest, equals sharing their mean rank: order is all that is left.

    Shape (..., n_genomes) to the same; each run is ranked by itself.
    """
    ga.check_fitness(fitness)
    ordered, fitness = fitness.sort(dim=-1).values, fitness.contiguous()
    first = torch.searchsorted(ordered, fitness)
    last = torch.searchsorted(ordered, fitness, right=True) - 1
    return (first + last).to(fitness) / (2 * max(1, fitness.shape[-1] - 1)) - 0.5


def normal(mean: Tensor, n_genomes: int, rng: torch.Generator) -> Tensor:
    """Standard normal noise for samples around a mean (..., n_params): (..., n_genomes, n_params)."""
    shape = (*mean.shape[:-1], n_genomes, mean.shape[-1])
    return torch.randn(shape, generator=rng, device=mean.device, dtype=mean.dtype)


def weighted_sum(weights: Tensor, rows: Tensor) -> Tensor:
    """(..., n) or (n,) times (..., n, n_params): (..., n_params)."""
    return (weights.unsqueeze(-2) @ rows).squeeze(-2)


def default_genomes(n_params: int) -> int:
    """Hansen's population size, which Wierstra's table 1 shares."""
    return 4 + math.floor(3 * math.log(n_params))


def check_start(name: str, mean: Tensor, sigma: float | Tensor, n_genomes: int | None) -> int:
    """The number of parameters, if the strategy `name` can start so."""
    sigmas = torch.as_tensor(sigma)
    numbers = mean.dim() > 0 and mean.numel() > 0 and mean.is_floating_point()
    if not numbers or not bool(((sigmas > 0) & sigmas.isfinite()).all()) or (n_genomes is not None and n_genomes < 2):
        raise ValueError(
            f"{name} needs a mean of floats of shape (..., n_params), a finite sigma > 0 and n_genomes >= 2, not "
            f"{mean.dtype} of shape {tuple(mean.shape)}, {sigma} and {n_genomes}"
        )
    return mean.shape[-1]


def asked(samples: Tensor | None, fitness: Tensor, n_genomes: int) -> Tensor:
    """What the last `ask` drew, if this is its fitness."""
    if samples is None or fitness.shape != (*samples.shape[:-2], n_genomes) or bool(fitness.isnan().any()):
        raise ValueError(
            f"tell needs the fitness of the {n_genomes} genomes of the last ask(), without NaN, "
            f"not shape {tuple(fitness.shape)}"
        )
    return samples
