"""OpenAI's evolution strategy: the mean alone moves, along a slope that only the samples' ranks have shown."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neuroevo.strategies import common


class OpenAIES:
    """OpenAI's evolution strategy: antithetic Gaussian samples, centred ranks, Adam on the estimated gradient.

    Source: Salimans et al. (2017), arXiv:1703.03864, algorithm 1 with mirrored sampling and rank shaping.

    Args:
        mean: (..., n_params) where the search starts; it is not changed.
        n_pairs: number of antithetic pairs; `ask` gives twice as many genomes.
        sigma: standard deviation of the samples, > 0.
        learning_rate: of Adam (Kingma and Ba 2015), > 0.
        rng: source of randomness, on the device of `mean`.

    Attributes:
        mean: (..., n_params) where the search is.
        gradient: (..., n_params) of the expected fitness, as the last generation estimates it; None before the first.
    """

    def __init__(self, mean: Tensor, *, n_pairs: int, sigma: float, learning_rate: float, rng: torch.Generator) -> None:
        if n_pairs < 1 or not 0 < learning_rate < math.inf:
            raise ValueError(
                f"OpenAIES needs n_pairs >= 1 and a finite learning_rate > 0, not {n_pairs} and {learning_rate}"
            )
        common.check_start("OpenAIES", mean, sigma, 2 * n_pairs)
        self.mean, self.n_pairs, self.sigma, self.rng = mean.detach().clone(), n_pairs, sigma, rng
        self.gradient: Tensor | None = None
        self._moving = self.mean.clone()  # Adam's own, which it moves in place
        self._adam = torch.optim.Adam([self._moving], lr=learning_rate, maximize=True)
        self._noise: Tensor | None = None

    @torch.no_grad()
    def ask(self) -> Tensor:
        """Samples mean + sigma * noise, then mean - sigma * noise: (..., 2 * n_pairs, n_params)."""
        self._noise = common.normal(self.mean, self.n_pairs, self.rng)
        offsets, mean = self.sigma * self._noise, self.mean.unsqueeze(-2)
        return torch.cat([mean + offsets, mean - offsets], dim=-2)

    @torch.no_grad()
    def tell(self, fitness: Tensor) -> None:
        """Move the mean along the estimated gradient of the expected fitness.

        Args:
            fitness: (..., 2 * n_pairs) of the rows of the last `ask()`, larger is better, no NaN.
        """
        noise = common.asked(self._noise, fitness, 2 * self.n_pairs)
        plus, minus = common.centred_ranks(fitness).to(self.mean).chunk(2, dim=-1)
        self.gradient = common.weighted_sum(plus - minus, noise) / (2 * self.n_pairs * self.sigma)
        self._moving.copy_(self.mean)
        self._moving.grad = self.gradient
        self._adam.step()
        self.mean, self._noise = self._moving.clone(), None
