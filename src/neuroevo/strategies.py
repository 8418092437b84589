"""Evolution strategies: search that moves one mean by what a cloud of samples around it scores."""

from __future__ import annotations

import torch
from torch import Tensor


class OpenAIES:
    """OpenAI's evolution strategy: antithetic Gaussian samples, centred ranks, Adam on the estimated gradient.

    Source: Salimans et al. (2017), arXiv:1703.03864, algorithm 1 with mirrored sampling and rank shaping.

    Args:
        mean: (n_params,) where the search starts; it moves in place.
        n_pairs: number of antithetic pairs; `ask` gives twice as many genomes.
        sigma: standard deviation of the samples, > 0.
        learning_rate: of Adam (Kingma and Ba 2015), > 0.
        rng: source of randomness, on the device of `mean`.
    """

    def __init__(self, mean: Tensor, *, n_pairs: int, sigma: float, learning_rate: float, rng: torch.Generator) -> None:
        if mean.dim() != 1 or n_pairs < 1 or not sigma > 0 or not learning_rate > 0:
            raise ValueError(
                "OpenAIES needs a mean of shape (n_params,), n_pairs >= 1, sigma > 0 and learning_rate > 0, not "
                f"{tuple(mean.shape)}, {n_pairs}, {sigma}, {learning_rate}"
            )
        self.mean, self.n_pairs, self.sigma, self.rng = mean, n_pairs, sigma, rng
        self._adam = torch.optim.Adam([mean], lr=learning_rate, maximize=True)
        self._noise: Tensor | None = None

    @torch.no_grad()
    def ask(self) -> Tensor:
        """Samples mean + sigma * noise, then mean - sigma * noise: (2 * n_pairs, n_params)."""
        shape = (self.n_pairs, self.mean.shape[0])
        self._noise = torch.randn(shape, generator=self.rng, device=self.mean.device, dtype=self.mean.dtype)
        offsets = self.sigma * self._noise
        return torch.cat([self.mean + offsets, self.mean - offsets])

    @torch.no_grad()
    def tell(self, fitness: Tensor) -> None:
        """Move the mean along the estimated gradient of the expected fitness.

        Args:
            fitness: (2 * n_pairs,) of the rows of the last `ask()`, larger is better.
        """
        if self._noise is None or fitness.shape != (2 * self.n_pairs,) or bool(fitness.isnan().any()):
            raise ValueError(
                f"tell needs the fitness of the {2 * self.n_pairs} genomes of the last ask(), without NaN, "
                f"not shape {tuple(fitness.shape)}"
            )
        plus, minus = centred_ranks(fitness).to(self.mean).chunk(2)
        self.mean.grad = (plus - minus) @ self._noise / (2 * self.n_pairs * self.sigma)
        self._adam.step()
        self._noise = None


def centred_ranks(fitness: Tensor) -> Tensor:
    """Ranks scaled to [-0.5, 0.5], the worst first: (n,) to (n,). Order is all that is left of the fitness."""
    ranks = torch.empty_like(fitness)
    ranks[fitness.argsort()] = torch.arange(fitness.shape[0], device=fitness.device, dtype=fitness.dtype)
    return ranks / max(1, fitness.shape[0] - 1) - 0.5
