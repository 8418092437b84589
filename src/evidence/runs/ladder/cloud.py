"""An evolution strategy on the whole network: OpenAI's, and one whose noise costs hardly more than one network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from evidence.runs.ladder.rung import INIT_STD, N_WEIGHTS, NET, Climber, Rung, balanced
from neuroevo import nets
from neuroevo.strategies import OpenAIES


class _Strategy(Climber):
    def __init__(self, rung: Cloud, rng: torch.Generator) -> None:
        super().__init__(rung, rng)
        mean = NET.init(1, INIT_STD, rng)[0]
        words: Any = {"n_pairs": rung.n_pairs, "sigma": rung.sigma, "learning_rate": rung.learning_rate, "rng": rng}
        self.strategy = RankOneES(NET, mean, **words) if rung.rank_one else OpenAIES(mean, **words)
        self.n_genomes = 2 * rung.n_pairs
        self.multiply_adds = N_WEIGHTS * self.n_genomes
        if rung.rank_one:
            self.multiply_adds = N_WEIGHTS + rung.n_pairs * (784 + 2 * (64 * 10 + 64))

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        if isinstance(self.strategy, RankOneES):
            self.strategy.step(x, y)
        else:
            self.strategy.tell(nets.mean_log_likelihood(NET.forward(self.strategy.ask(), x), y))
        return lambda: self.strategy.mean


@dataclasses.dataclass(frozen=True)
class Cloud(Rung):
    """An evolution strategy on the whole network.

    Attributes:
        rank_one: the noise of each weight matrix is an outer product of two vectors (Sarkar et al. 2025).
        n_pairs, images_per_class, sigma: the samples and the batch.
        learning_rate: of Adam, constant.
    """

    rank_one: bool = False
    n_pairs: int = 100
    images_per_class: int = 20
    sigma: float = 0.02
    learning_rate: float = 0.01

    climber: ClassVar = _Strategy
    batch: ClassVar = balanced


class RankOneES:
    """An evolution strategy whose noise is an outer product for each weight matrix, so that samples share the products.

    W x + sigma a (b . x) needs W x once for all samples, and one product of length n_in for each.

    Source: Sarkar et al. (2025), arXiv:2511.16652, at rank 1, with antithetic pairs, Adam and no shaping of the scores.

    Args:
        net: an MLP of one hidden layer and tanh.
        mean: (n_params,) where the search starts; it moves in place.
        n_pairs, sigma, learning_rate, rng: as in `strategies.OpenAIES`.
    """

    def __init__(
        self, net: nets.MLP, mean: Tensor, *, n_pairs: int, sigma: float, learning_rate: float, rng: torch.Generator
    ) -> None:
        self.net, self.mean, self.n_pairs, self.sigma, self.rng = net, mean, n_pairs, sigma, rng
        self._adam = torch.optim.Adam([mean], lr=learning_rate, maximize=True)
        self._grad = torch.zeros_like(mean)

    @torch.no_grad()
    def scores(self, noise: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        """Mean log-likelihood (2 * n_pairs,) of the samples, + noise first; `noise` as `draw` gives it."""
        a1, b1, c1, a2, b2, c2 = noise
        (w1, bias1), (w2, bias2) = ((w[0], b[0]) for w, b in self.net.layers(self.mean[None]))
        sign = torch.cat([torch.ones(self.n_pairs), -torch.ones(self.n_pairs)]).to(x)[:, None, None] * self.sigma
        d_hears = a1[:, :, None] * (b1 @ x.T)[:, None] + c1[:, :, None]  # (n_pairs, n_hidden, n_images)
        h = (w1 @ x.T + bias1[:, None] + sign * d_hears.repeat(2, 1, 1)).tanh_()
        d_says = a2.repeat(2, 1)[:, :, None] * (b2.repeat(2, 1)[:, None] @ h) + c2.repeat(2, 1)[:, :, None]
        logits = w2 @ h + bias2[:, None] + sign * d_says
        return nets.mean_log_likelihood(logits.transpose(1, 2), y)

    def draw(self) -> list[Tensor]:
        """Vectors for rows and columns of the first matrix, its biases, and the same of the second, for every pair."""
        n_in, n_hidden, n_out = self.net.sizes
        sizes = (n_hidden, n_in, n_hidden, n_out, n_hidden, n_out)
        return [torch.randn((self.n_pairs, n), generator=self.rng, device=self.rng.device) for n in sizes]

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor) -> None:
        """Draw, score on images x (n, n_in) with classes y (n,), and move the mean."""
        noise = self.draw()
        plus, minus = self.scores(noise, x, y).chunk(2)
        weights = (plus - minus) / (2 * self.sigma * self.n_pairs)
        a1, b1, c1, a2, b2, c2 = noise
        (w1, bias1), (w2, bias2) = self.net.layers(self._grad[None])
        w1[0], bias1[0] = (weights[:, None] * a1).T @ b1, weights @ c1
        w2[0], bias2[0] = (weights[:, None] * a2).T @ b2, weights @ c2
        self.mean.grad = self._grad
        self._adam.step()
