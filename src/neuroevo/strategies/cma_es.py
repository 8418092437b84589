"""CMA-ES: a cloud of samples that learns which directions to stretch in."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neuroevo import ga
from neuroevo.strategies import common


class CMAES:
    """CMA-ES: the cloud of samples learns its own shape, as a covariance matrix.

    Source: Hansen (2016), "The CMA evolution strategy: a tutorial", arXiv:1604.00772, with positive weights only, no
    restarts and no stopping rule. The package `cma` of the same author has all of these.

    Args:
        mean: (..., n_params) where the search starts; it is not changed. float64 keeps small steps exact.
        sigma: first step size, > 0; choose it so that the best point lies within about three of it.
        rng: source of randomness, on the device of `mean`.
        n_genomes: samples a generation, at least 4; None takes 4 + floor(3 log n_params).

    Attributes:
        mean: (..., n_params) where the search is.
        sigma: (...) the step size.
        C: (..., n_params, n_params) the shape: samples have the covariance sigma**2 * C.
        generation: number of generations told so far.
    """

    def __init__(self, mean: Tensor, *, sigma: float, rng: torch.Generator, n_genomes: int | None = None) -> None:
        n = common.check_start("CMAES", mean, sigma, n_genomes)
        if n_genomes is not None and n_genomes < 4:
            raise ValueError(f"CMAES needs n_genomes >= 4 to learn a shape from the better half, not {n_genomes}")
        self.n_genomes = n_genomes or common.default_genomes(n)
        n_parents = self.n_genomes // 2
        weights = math.log((self.n_genomes + 1) / 2) - torch.arange(1.0, n_parents + 1).log()
        self._weights = (weights / weights.sum()).to(mean)
        mu = self._mu = 1 / float(self._weights.square().sum())  # as many equal parents would average as well
        self._c_path = (4 + mu / n) / (n + 4 + 2 * mu / n)
        self._c_sigma = (mu + 2) / (n + mu + 5)
        self._c_one = 2 / ((n + 1.3) ** 2 + mu)
        self._c_mu = min(1 - self._c_one, 2 * (0.25 + mu + 1 / mu - 2) / ((n + 2) ** 2 + mu))
        self._damping = 1 + 2 * max(0.0, math.sqrt((mu - 1) / (n + 1)) - 1) + self._c_sigma
        self._length = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))  # of a standard normal vector, on average
        # The shape changes little in a generation, so its axes needn't be computed in each (tutorial, B.2).
        self._every = max(1, math.floor(1 / (10 * n * (self._c_one + self._c_mu))))

        self.mean, self.rng, self.generation = mean.clone(), rng, 0
        self.sigma = torch.full(mean.shape[:-1], float(sigma), dtype=mean.dtype, device=mean.device)
        self.C = torch.eye(n, dtype=mean.dtype, device=mean.device).expand(*mean.shape, n).clone()
        self._axes, self._lengths = self.C.clone(), torch.ones_like(mean)  # C = axes * lengths**2 * axes^T
        self._path, self._path_sigma = torch.zeros_like(mean), torch.zeros_like(mean)
        self._steps: Tensor | None = None

    @torch.no_grad()
    def ask(self) -> Tensor:
        """Samples around the mean, (..., n_genomes, n_params)."""
        noise = common.normal(self.mean, self.n_genomes, self.rng)
        self._steps = (noise * self._lengths.unsqueeze(-2)) @ self._axes.mT
        return self.mean.unsqueeze(-2) + self.sigma[..., None, None] * self._steps

    @torch.no_grad()
    def tell(self, fitness: Tensor) -> None:
        """Move the mean to the better half, stretch the shape along successful steps, adapt the step size.

        Args:
            fitness: (..., n_genomes) of the rows of the last `ask()`, larger is better, no NaN.
        """
        steps = common.asked(self._steps, fitness, self.n_genomes)
        n_parents = self._weights.shape[0]
        best = ga.take(steps, ga.truncation(fitness, 1.0)[..., :n_parents])
        step = common.weighted_sum(self._weights, best)
        self.mean = self.mean + self.sigma.unsqueeze(-1) * step
        self.generation += 1

        # A path is a fading sum of steps: long where they agree, short where they cancel.
        white = self._axes @ ((self._axes.mT @ step.unsqueeze(-1)) / self._lengths.unsqueeze(-1))
        keep = 1 - self._c_sigma
        self._path_sigma = keep * self._path_sigma + math.sqrt((1 - keep**2) * self._mu) * white.squeeze(-1)
        length = self._path_sigma.norm(dim=-1) / self._length
        # While the step size grows fast, the other path waits: C would stretch with it.
        bound = (1.4 + 2 / (self.mean.shape[-1] + 1)) * math.sqrt(1 - keep ** (2 * self.generation))
        calm = (length < bound).to(step).unsqueeze(-1)
        c = self._c_path
        self._path = (1 - c) * self._path + calm * math.sqrt(c * (2 - c) * self._mu) * step

        lost = self._c_one * (1 - calm) * c * (2 - c)  # what the waiting path didn't add
        decay = (1 + lost - self._c_one - self._c_mu).unsqueeze(-1)
        rank_one = self._path.unsqueeze(-1) * self._path.unsqueeze(-2)
        rank_mu = best.mT @ (best * self._weights.unsqueeze(-1))
        self.C = decay * self.C + self._c_one * rank_one + self._c_mu * rank_mu
        self.sigma = self.sigma * ((length - 1) * self._c_sigma / self._damping).clamp_(max=1).exp()
        if self.generation % self._every == 0:
            squares, self._axes = torch.linalg.eigh((self.C + self.C.mT) / 2)
            self._lengths = squares.clamp_(min=torch.finfo(squares.dtype).tiny).sqrt()
        self._steps = None
