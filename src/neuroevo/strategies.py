"""Evolution strategies: search that moves one mean by what a cloud of samples around it scores.

Three, in order of what they adapt: `OpenAIES` the mean alone, `SNES` also one step size for each parameter, `CMAES`
also the correlations between parameters. All speak ask/tell, maximise, and take a mean of shape (..., n_params):
leading dimensions are independent runs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from neuroevo import ga


class OpenAIES:
    """OpenAI's evolution strategy: antithetic Gaussian samples, centred ranks, Adam on the estimated gradient.

    Source: Salimans et al. (2017), arXiv:1703.03864, algorithm 1 with mirrored sampling and rank shaping.

    Args:
        mean: (..., n_params) where the search starts; it moves in place.
        n_pairs: number of antithetic pairs; `ask` gives twice as many genomes.
        sigma: standard deviation of the samples, > 0.
        learning_rate: of Adam (Kingma and Ba 2015), > 0.
        rng: source of randomness, on the device of `mean`.
    """

    def __init__(self, mean: Tensor, *, n_pairs: int, sigma: float, learning_rate: float, rng: torch.Generator) -> None:
        if mean.dim() < 1 or n_pairs < 1 or not sigma > 0 or not learning_rate > 0:
            raise ValueError(
                "OpenAIES needs a mean of shape (..., n_params), n_pairs >= 1, sigma > 0 and learning_rate > 0, not "
                f"{tuple(mean.shape)}, {n_pairs}, {sigma}, {learning_rate}"
            )
        self.mean, self.n_pairs, self.sigma, self.rng = mean, n_pairs, sigma, rng
        self._adam = torch.optim.Adam([mean], lr=learning_rate, maximize=True)
        self._noise: Tensor | None = None

    @torch.no_grad()
    def ask(self) -> Tensor:
        """Samples mean + sigma * noise, then mean - sigma * noise: (..., 2 * n_pairs, n_params)."""
        self._noise = _normal(self.mean, self.n_pairs, self.rng)
        offsets, mean = self.sigma * self._noise, self.mean.unsqueeze(-2)
        return torch.cat([mean + offsets, mean - offsets], dim=-2)

    @torch.no_grad()
    def tell(self, fitness: Tensor) -> None:
        """Move the mean along the estimated gradient of the expected fitness.

        Args:
            fitness: (..., 2 * n_pairs) of the rows of the last `ask()`, larger is better, no NaN.
        """
        noise = _asked(self._noise, fitness, 2 * self.n_pairs)
        plus, minus = centred_ranks(fitness).to(self.mean).chunk(2, dim=-1)
        self.mean.grad = _weighted_sum(plus - minus, noise) / (2 * self.n_pairs * self.sigma)
        self._adam.step()
        self._noise = None


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
        n = _check_start("SNES", mean, sigma, n_genomes)
        self.mean, self.sigma, self.rng = mean.clone(), torch.ones_like(mean) * sigma, rng
        self.n_genomes = n_genomes or _default_genomes(n)
        self._rate = (3 + math.log(n)) / (5 * math.sqrt(n))
        utilities = math.log(self.n_genomes / 2 + 1) - torch.arange(1.0, self.n_genomes + 1).log()
        utilities.clamp_(min=0)
        self._utilities = (utilities / utilities.sum() - 1 / self.n_genomes).to(mean)
        self._noise: Tensor | None = None

    @torch.no_grad()
    def ask(self) -> Tensor:
        """Samples around the mean, (..., n_genomes, n_params)."""
        self._noise = _normal(self.mean, self.n_genomes, self.rng)
        return self.mean.unsqueeze(-2) + self.sigma.unsqueeze(-2) * self._noise

    @torch.no_grad()
    def tell(self, fitness: Tensor) -> None:
        """Move the mean and the step sizes.

        Args:
            fitness: (..., n_genomes) of the rows of the last `ask()`, larger is better, no NaN.
        """
        best_first = ga.take(_asked(self._noise, fitness, self.n_genomes), ga.truncation(fitness, 1.0))
        self.mean = self.mean + self.sigma * _weighted_sum(self._utilities, best_first)
        self.sigma = self.sigma * (self._rate / 2 * _weighted_sum(self._utilities, best_first**2 - 1)).exp()
        self._noise = None


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
        n = _check_start("CMAES", mean, sigma, n_genomes)
        if n_genomes is not None and n_genomes < 4:
            raise ValueError(f"CMAES needs n_genomes >= 4 to learn a shape from the better half, not {n_genomes}")
        self.n_genomes = n_genomes or _default_genomes(n)
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
        noise = _normal(self.mean, self.n_genomes, self.rng)
        self._steps = (noise * self._lengths.unsqueeze(-2)) @ self._axes.mT
        return self.mean.unsqueeze(-2) + self.sigma[..., None, None] * self._steps

    @torch.no_grad()
    def tell(self, fitness: Tensor) -> None:
        """Move the mean to the better half, stretch the shape along successful steps, adapt the step size.

        Args:
            fitness: (..., n_genomes) of the rows of the last `ask()`, larger is better, no NaN.
        """
        steps = _asked(self._steps, fitness, self.n_genomes)
        n_parents = self._weights.shape[0]
        best = ga.take(steps, ga.truncation(fitness, 1.0)[..., :n_parents])
        step = _weighted_sum(self._weights, best)
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


def centred_ranks(fitness: Tensor) -> Tensor:
    """Ranks scaled to [-0.5, 0.5], the worst lowest, equals sharing their mean rank: order is all that is left.

    Shape (..., n_genomes) to the same; each run is ranked by itself.
    """
    ga.check_fitness(fitness)
    ordered, fitness = fitness.sort(dim=-1).values, fitness.contiguous()
    first = torch.searchsorted(ordered, fitness)
    last = torch.searchsorted(ordered, fitness, right=True) - 1
    return (first + last).to(fitness) / (2 * max(1, fitness.shape[-1] - 1)) - 0.5


def _normal(mean: Tensor, n_genomes: int, rng: torch.Generator) -> Tensor:
    shape = (*mean.shape[:-1], n_genomes, mean.shape[-1])
    return torch.randn(shape, generator=rng, device=mean.device, dtype=mean.dtype)


def _weighted_sum(weights: Tensor, rows: Tensor) -> Tensor:
    """(..., n) or (n,) times (..., n, n_params): (..., n_params)."""
    return (weights.unsqueeze(-2) @ rows).squeeze(-2)


def _default_genomes(n_params: int) -> int:
    """Hansen's population size, which Wierstra's table 1 shares."""
    return 4 + math.floor(3 * math.log(n_params))


def _check_start(name: str, mean: Tensor, sigma: float | Tensor, n_genomes: int | None) -> int:
    sigmas = torch.as_tensor(sigma)
    if (
        mean.dim() < 1
        or mean.numel() == 0
        or not mean.is_floating_point()
        or not bool(((sigmas > 0) & sigmas.isfinite()).all())
        or (n_genomes is not None and n_genomes < 2)
    ):
        raise ValueError(
            f"{name} needs a mean of floats of shape (..., n_params), a finite sigma > 0 and n_genomes >= 2, not "
            f"{mean.dtype} of shape {tuple(mean.shape)}, {sigma} and {n_genomes}"
        )
    return mean.shape[-1]


def _asked(samples: Tensor | None, fitness: Tensor, n_genomes: int) -> Tensor:
    """What the last `ask` drew, if this is its fitness."""
    if samples is None or fitness.shape != (*samples.shape[:-2], n_genomes) or bool(fitness.isnan().any()):
        raise ValueError(
            f"tell needs the fitness of the {n_genomes} genomes of the last ask(), without NaN, "
            f"not shape {tuple(fitness.shape)}"
        )
    return samples
