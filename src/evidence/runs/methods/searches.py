"""The methods, each with its grid of eight settings, and the meter that holds them to the same budget."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from evidence.runs.methods.problems import Problem
from neuroevo import ga, strategies

MILESTONES = (1 / 16, 1 / 4, 1)  # shares of the budget at which the best loss so far is stored


@dataclass
class Meter:
    """Scores genomes, counts them, and keeps the best of each run.

    Attributes:
        problem: what is minimised.
        budget: evaluations a run may spend.
        used: evaluations spent by each run.
        best: (n_runs,) lowest loss so far.
        champion: (n_runs, n_params) the genome that had it.
        milestones: best loss at each of `MILESTONES`.
    """

    problem: Problem
    budget: int
    n_runs: int
    used: int = 0
    best: Tensor = field(init=False)
    champion: Tensor = field(init=False)
    milestones: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.best = torch.full((self.n_runs,), math.inf, dtype=torch.float64)
        self.champion = torch.zeros(self.n_runs, self.problem.n_params, dtype=torch.float64)

    def has(self, n: int) -> bool:
        """Whether every run may still spend `n` evaluations."""
        return self.used + n <= self.budget

    def score(self, genomes: Tensor) -> Tensor:
        """Losses (n_runs, n_genomes) of genomes (n_runs, n_genomes, n_params), one evaluation each."""
        losses = self.problem.loss(genomes)
        self.note(genomes.detach(), losses.detach(), genomes.shape[1])
        return losses

    def note(self, genomes: Tensor, losses: Tensor, cost: int) -> None:
        """Charge `cost` evaluations to every run and remember the best."""
        self._pass(self.used + cost - 1)
        self.used += cost
        lowest, row = losses.nan_to_num(math.inf).min(dim=1)
        better = lowest < self.best
        self.best = torch.where(better, lowest, self.best)
        chosen = genomes[torch.arange(len(row)), row]
        self.champion = torch.where(better[:, None], chosen, self.champion)

    def _pass(self, used: int) -> None:
        while len(self.milestones) < len(MILESTONES) and MILESTONES[len(self.milestones)] * self.budget <= used:
            self.milestones.append(self.best.clone())

    def finish(self) -> None:
        """Fill the milestones of a run that ended early."""
        self._pass(self.budget)


# Methods: each spends the meter's budget on all runs side by side, from the same first guesses

Setting = dict[str, Any]


def random_search(meter: Meter, start: Tensor, rng: torch.Generator, scale: float) -> None:
    """Draw every genome around zero, as the first guesses are, `scale` times as far."""
    while meter.has(1):
        n = min(50, meter.budget - meter.used)
        noise = torch.randn(*start.shape[:1], n, start.shape[1], generator=rng, dtype=start.dtype)
        meter.score(noise * scale * meter.problem.spread)


def genetic_algorithm(meter: Meter, start: Tensor, rng: torch.Generator, scale: float, crossover: bool) -> None:
    """50 genomes, tournaments of three, one elite; a fifth of a child's genes (or one gene) mutates."""
    spread, n_params = meter.problem.spread, start.shape[1]
    others = torch.randn(len(start), 49, n_params, generator=rng, dtype=start.dtype) * spread
    search = ga.GA(
        torch.cat([start[:, None], others], dim=1),
        select=functools.partial(ga.tournament, size=3),
        crossover=ga.uniform if crossover else None,
        mutate=functools.partial(ga.mutate_, rate=max(0.2, 1 / n_params), scale=scale * spread),
        rng=rng,
    )
    while meter.has(50):
        search.tell(-meter.score(search.ask()))


def _ask_and_tell(meter: Meter, search: Any, n: int) -> None:
    while meter.has(n + 1):
        search.tell(_fitness(meter.score(search.ask())))
        meter.score(search.mean[:, None])  # the mean is what the search would hand out, so it is scored too


def _fitness(losses: Tensor) -> Tensor:
    return -losses.nan_to_num(torch.finfo(losses.dtype).max)


def openai_es(meter: Meter, start: Tensor, rng: torch.Generator, sigma: float, learning_rate: float) -> None:
    """OpenAI's evolution strategy with 20 antithetic pairs."""
    spread = meter.problem.spread
    search = strategies.OpenAIES(
        start.clone(), n_pairs=20, sigma=sigma * spread, learning_rate=learning_rate * spread, rng=rng
    )
    _ask_and_tell(meter, search, 40)


def adaptive(
    meter: Meter, start: Tensor, rng: torch.Generator, kind: Callable[..., Any], sigma: float, times: int
) -> None:
    """SNES or CMA-ES with `times` the default population."""
    n = times * (4 + math.floor(3 * math.log(start.shape[1])))
    search = kind(start, sigma=sigma * meter.problem.spread, rng=rng, n_genomes=n)
    _ask_and_tell(meter, search, n)


def gradient_descent(meter: Meter, start: Tensor, rng: torch.Generator, learning_rate: float, decay: bool) -> None:
    """Adam on the exact gradient, three evaluations a step; with `decay` its rate falls to zero along a cosine."""
    theta = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([theta], lr=learning_rate * meter.problem.spread)
    n_steps = meter.budget // 3
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_steps) if decay else None
    for _ in range(n_steps):
        losses = meter.problem.loss(theta)
        meter.note(theta.detach()[:, None], losses.detach()[:, None], 3)
        optimiser.zero_grad()
        losses.sum().backward()
        optimiser.step()
        if schedule is not None:
            schedule.step()


class _OutOfBudgetError(Exception):
    pass


def quasi_newton(meter: Meter, start: Tensor, rng: torch.Generator, memory: int) -> None:
    """L-BFGS, scipy's, with `memory` remembered pairs; a run that has converged stops early."""
    alone = [Meter(meter.problem, meter.budget, 1) for _ in start]

    def value_and_slope(theta: np.ndarray, own: Meter) -> tuple[float, np.ndarray]:
        if not own.has(3):
            raise _OutOfBudgetError
        here = torch.from_numpy(theta.copy()).requires_grad_()
        loss = meter.problem.loss(here)
        loss.backward()
        own.note(here.detach()[None, None], loss.detach()[None, None], 3)
        assert here.grad is not None
        return float(loss.detach()), here.grad.numpy()

    options = {"maxcor": memory, "maxfun": 10**9, "maxiter": 10**9, "ftol": 0.0, "gtol": 1e-12}
    for own, theta in zip(alone, start.numpy(), strict=True):
        with contextlib.suppress(_OutOfBudgetError):
            minimize(value_and_slope, theta, args=(own,), jac=True, method="L-BFGS-B", options=options)
        own.finish()
    meter.best, meter.champion = (torch.cat([getattr(own, name) for own in alone]) for name in ("best", "champion"))
    meter.milestones = [torch.cat(list(row)) for row in zip(*(own.milestones for own in alone), strict=True)]
    meter.used = max(own.used for own in alone)


Method = Callable[..., None]


def _grid(**values: list[Any]) -> list[Setting]:
    return [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())]


METHODS: dict[str, tuple[Method, list[Setting]]] = {
    "random search": (random_search, _grid(scale=[0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 3.0])),
    "genetic algorithm": (genetic_algorithm, _grid(scale=[0.03, 0.1, 0.3, 1.0], crossover=[False, True])),
    "OpenAI-ES": (openai_es, _grid(sigma=[0.03, 0.3], learning_rate=[0.03, 0.1, 0.3, 1.0])),
    "SNES": (
        functools.partial(adaptive, kind=strategies.SNES),
        _grid(sigma=[0.1, 0.3, 1.0, 2.0], times=[1, 4]),
    ),
    "CMA-ES": (
        functools.partial(adaptive, kind=strategies.CMAES),
        _grid(sigma=[0.1, 0.3, 1.0, 2.0], times=[1, 4]),
    ),
    "gradient descent": (gradient_descent, _grid(learning_rate=[0.01, 0.03, 0.1, 0.3], decay=[False, True])),
    "L-BFGS": (quasi_newton, _grid(memory=[2, 3, 5, 8, 10, 15, 20, 30])),
}


def first_guess(problem: Problem, n_runs: int, rng: torch.Generator) -> Tensor:
    """Where all methods start: (n_runs, n_params), normal around zero."""
    return torch.randn(n_runs, problem.n_params, generator=rng, dtype=torch.float64) * problem.spread


def run_method(method: str, problem: Problem, setting: Setting, *, n_runs: int, seed: int, share: float = 1.0) -> Meter:
    """Spend the problem's budget, or a share of it, on `n_runs` runs side by side."""
    rng = torch.Generator().manual_seed(seed)
    start = first_guess(problem, n_runs, rng)
    meter = Meter(problem, max(100, round(share * problem.budget)), n_runs)
    METHODS[method][0](meter, start, rng, **setting)
    meter.finish()
    return meter
