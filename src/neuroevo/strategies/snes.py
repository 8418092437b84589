"""SNES: the mean and one step size for each parameter follow the natural gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neuroevo import ga
from neuroevo.strategies import common


class SNES:
    """Separable natural evolution strategy: the mean and one step size for each parameter follow the natural gradient.

    Source: Wierstra et al. (2014), Journal of Machine Learning Research 15: algorithm 6 with the utilities, learning
    rates and population size of its table 1.

    Args:
        mean: (..., n_params) where the search starts; it is not changed.
        sigma: first standard deviation of the samples, > 0: a number, or a tensor that broadcasts to `mean`.
        rng: source of randomness, on the device of `mean`.
        n_genomes: samples a generation, at least 2; None takes 4 + floor(3 log n_params).

    Attributes:
        mean, sigma: (..., n_params) each, where the search is.
    """

    def __init__(
        self, mean: Tensor, *, sigma: float | Tensor, rng: torch.Generator, n_genomes: int | None = None
    ) -> None:
        n = common.check_start("SNES", mean, sigma, n_genomes)
        self.mean, self.sigma, self.rng = mean.clone(), torch.ones_like(mean) * sigma, rng
        self.n_genomes = n_genomes or common.default_genomes(n)
        self._rate = (3 + math.log(n)) / (5 * math.sqrt(n))
        utilities = math.log(self.n_genomes / 2 + 1) - torch.arange(1.0, self.n_genomes + 1).log()
        utilities.clamp_(min=0)
        self._utilities = (utilities / utilities.sum() - 1 / self.n_genomes).to(mean)
        self._noise: Tensor | None = None

    @torch.no_grad()
    def ask(self) -> Tensor:
        """Samples around the mean, (..., n_genomes, n_params)."""
        self._noise = common.normal(self.mean, self.n_genomes, self.rng)
        return self.mean.unsqueeze(-2) + self.sigma.unsqueeze(-2) * self._noise

    @torch.no_grad()
    def tell(self, fitness: Tensor) -> None:
        """Move the mean and the step sizes.

        Args:
            fitness: (..., n_genomes) of the rows of the last `ask()`, larger is better, no NaN.
        """
        best_first = ga.take(common.asked(self._noise, fitness, self.n_genomes), ga.truncation(fitness, 1.0))
        self.mean = self.mean + self.sigma * common.weighted_sum(self._utilities, best_first)
        self.sigma = self.sigma * (self._rate / 2 * common.weighted_sum(self._utilities, best_first**2 - 1)).exp()
        self._noise = None
