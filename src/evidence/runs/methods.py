"""Seven methods on seven problems at equal evaluations (chapter 8), and what noise on the weights does to networks of
equal loss that were found in different ways.

Every method gets a grid of eight settings a problem. The grid is tried on runs that are not judged, and the setting
with the lowest mean score is then run with every seed. A backward pass counts as two forward passes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import data, ga, nets, strategies

TUNING_SEED = 1000  # of the runs that choose the settings: none of the seeds that are judged
N_TUNING_RUNS = 5
SHARES = {"smoke": 0.02, "laptop": 0.25, "full": 1.0}  # of the budgets below
MILESTONES = (1 / 16, 1 / 4, 1)  # shares of the budget at which the best loss so far is stored

XOR = nets.MLP((2, 3, 1))
DIGITS = nets.MLP((64, 8, 10))

Loss = Callable[[Tensor], Tensor]


# Problems


@dataclass(frozen=True)
class Problem:
    """Something to minimise.

    Attributes:
        loss: parameters (..., n_params) to losses (...), float64, differentiable where the problem is.
        n_params: number of parameters.
        budget: evaluations that a run may spend at full size.
        spread: standard deviation of a first guess around zero; settings are in units of it.
        solved: losses at or below this count as a solution, and as equally good.
    """

    loss: Loss
    n_params: int
    budget: int
    spread: float
    solved: float


def _vector(n: int, seed: int) -> Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _rotation(n: int, seed: int) -> Tensor:
    return torch.linalg.qr(_vector(n * n, seed).view(n, n)).Q


def ellipsoid(theta: Tensor, condition: float = 1e6) -> Tensor:
    """A turned bowl, `condition` times as steep along one axis as along another; its lowest point is no special one."""
    n = theta.shape[-1]
    scales = condition ** -torch.linspace(0, 1, n, dtype=torch.float64)
    return (((theta - _vector(n, 1)) @ _rotation(n, 2)).square() * scales).sum(-1)


def rosenbrock(theta: Tensor) -> Tensor:
    """A bent valley with its lowest point at (1, ..., 1) (Rosenbrock 1960, in more dimensions)."""
    here, following = theta[..., :-1], theta[..., 1:]
    return (100 * (following - here.square()).square() + (1 - here).square()).sum(-1)


def rastrigin(theta: Tensor) -> Tensor:
    """A bowl with a dent at about every whole step along every axis, moved to a lowest point that is no special one."""
    z = theta - _vector(theta.shape[-1], 3)
    return (z.square() + 10 - 10 * (2 * math.pi * z).cos()).sum(-1)


def stairs(theta: Tensor) -> Tensor:
    """Counts whole steps of distance from the lowest flat: the slope is zero wherever there is one."""
    return (theta - _vector(theta.shape[-1], 4)).abs().mul(2).floor().sum(-1)


def two_valleys(theta: Tensor) -> Tensor:
    """A wide valley that leads to 1, and a narrow one, elsewhere, that leads to 0."""
    wide = 1 + 0.01 * (theta + 1).square().sum(-1)
    narrow = 4 * (theta - 1.5).square().sum(-1)
    return torch.minimum(wide, narrow)


def _flat(net: nets.MLP, theta: Tensor, x: Tensor) -> Tensor:
    """Outputs for every network of any number of leading dimensions: (n_networks, n_inputs, n_outputs)."""
    return net.forward(theta.reshape(-1, net.n_params), x)


def xor(theta: Tensor) -> Tensor:
    """Mean squared error of a 2-3-1 network on the four rows of XOR."""
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
    y = torch.tensor([0.0, 1, 1, 0], dtype=torch.float64)
    return (_flat(XOR, theta, x)[..., 0] - y).square().mean(-1).view(theta.shape[:-1])


@functools.cache
def _digits() -> tuple[data.ImageData, Tensor, Tensor]:
    images = data.digits()
    return images, images.train.pixels(), images.train.y


def digits(theta: Tensor) -> Tensor:
    """Cross-entropy of a 64-8-10 network on the 1,197 handwritten training digits of 8 x 8 pixels."""
    _, x, y = _digits()
    logits = _flat(DIGITS, theta.float(), x)  # float32: enough for a loss of 0.01, and twice as fast
    return -nets.mean_log_likelihood(logits, y).double().view(theta.shape[:-1])


PROBLEMS = {
    "ellipsoid": Problem(ellipsoid, 10, 6000, 1.0, 1e-6),
    "rosenbrock": Problem(rosenbrock, 10, 10_000, 1.0, 1e-6),
    "rastrigin": Problem(rastrigin, 10, 10_000, 2.0, 1e-1),
    "stairs": Problem(stairs, 50, 3000, 3.0, 0.5),
    "two valleys": Problem(two_valleys, 3, 2000, 2.0, 1e-1),
    "xor": Problem(xor, XOR.n_params, 6000, 1.0, 1e-4),
    "digits": Problem(digits, DIGITS.n_params, 3000, 0.3, 1e-2),
}


# What all methods share: the meter, and the best of all that was scored


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


def merit(problem: Problem, losses: Tensor) -> Tensor:
    """What is averaged and tuned: the decimal logarithm of the loss, so that one bad run doesn't drown the others;
    a loss below `solved` counts as `solved`, so that one very exact run doesn't either."""
    return losses.clamp(problem.solved, 1e12).log10()


@functools.cache
def tuned(method: str, name: str, size: str) -> tuple[int, tuple[float, ...]]:
    """The best of the method's eight settings for this problem, by mean merit; and all eight."""
    scores = tuple(
        float(
            merit(
                PROBLEMS[name],
                run_method(
                    method,
                    PROBLEMS[name],
                    setting,
                    n_runs=2 if size == "smoke" else N_TUNING_RUNS,
                    seed=TUNING_SEED,
                    share=SHARES[size],
                ).best,
            ).mean()
        )
        for setting in METHODS[method][1]
    )
    return scores.index(min(scores)), scores


def _tune(unit: Unit, context: Context) -> Rows:
    method = unit.method.removeprefix("tuning ")
    rows = []
    for name in PROBLEMS:
        best, scores = tuned(method, name, context.size)
        rows += [
            {
                "method": method,
                "problem": name,
                "setting": _words(setting),
                "log10_loss": score,
                "chosen": int(i == best),
            }
            for i, (setting, score) in enumerate(zip(METHODS[method][1], scores, strict=True))
        ]
    return {"tuning": rows}


def _words(setting: Setting) -> str:
    return "; ".join(f"{key} {value}" for key, value in setting.items())


def _judge(unit: Unit, context: Context) -> Rows:
    rows = []
    for number, (name, problem) in enumerate(PROBLEMS.items()):
        setting = METHODS[unit.method][1][tuned(unit.method, name, context.size)[0]]
        began = time.perf_counter()
        seed = 100 * unit.seed + number  # the same first guess for every method
        meter = run_method(unit.method, problem, setting, n_runs=1, seed=seed, share=SHARES[context.size])
        row = {
            "method": unit.method,
            "problem": name,
            "seed": unit.seed,
            "setting": _words(setting),
            "loss": float(meter.best),
            "log10_loss": float(merit(problem, meter.best)),
            "solved": int(meter.best <= problem.solved),
            "evaluations": meter.used,
            "seconds": time.perf_counter() - began,
        }
        row |= {f"milestone_{i}": float(merit(problem, losses)) for i, losses in enumerate(meter.milestones)}
        rows.append(row | {"test_accuracy": _test_accuracy(meter.champion) if name == "digits" else None})
    return {"finals": rows}


def _test_accuracy(genomes: Tensor) -> float:
    test = _digits()[0].test.open("score one champion, chosen by its training loss")
    return float(nets.accuracy(_flat(DIGITS, genomes.float(), test.pixels()), test.y))


# Networks of equal loss, and noise on their weights

TARGET = 0.3  # cross-entropy on the training digits
NOISES = (0.03, 0.1, 0.2, 0.3)
N_DRAWS = 100
FINDERS: dict[str, tuple[str, float]] = {
    "gradient": ("gradient", 0.0),
    "gradient, weights shaken": ("gradient", 0.2),
    "ES, sigma 0.02": ("strategy", 0.02),
    "ES, sigma 0.2": ("strategy", 0.2),
}


def find_network(kind: str, sigma: float, rng: torch.Generator, *, target: float, most: int) -> tuple[Tensor, int]:
    """Train from a random start until the training loss first reaches `target`; stop on the way, exactly there.

    Args:
        kind: "gradient" (Adam, on the mean gradient of 10 networks shaken by `sigma`, or of one if it is 0) or
            "strategy" (OpenAI-ES with 50 pairs).
        sigma: noise on the weights while training.
        rng: source of randomness.
        target: the loss to stop at.
        most: steps after which it stops anyway.

    Returns:
        The network (n_params,) and its number of steps.
    """
    theta = torch.randn(DIGITS.n_params, generator=rng, dtype=torch.float64) * 0.3
    if kind == "strategy":
        search = strategies.OpenAIES(theta.clone(), n_pairs=50, sigma=sigma, learning_rate=0.03, rng=rng)
    else:
        here = theta.clone().requires_grad_()
        optimiser = torch.optim.Adam([here], lr=0.03)
    n_steps = 0
    while n_steps < most:
        n_steps += 1
        if kind == "strategy":
            search.tell(-digits(search.ask()))
            after = search.mean.clone()
        else:
            noise = torch.randn(10, DIGITS.n_params, generator=rng, dtype=torch.float64) if sigma else torch.zeros(1, 1)
            optimiser.zero_grad()
            digits(here + sigma * noise).mean().backward()
            optimiser.step()
            after = here.detach().clone()
        if float(digits(after)) <= target:
            break
        theta = after
    return _between(theta, after, target), n_steps


def _between(before: Tensor, after: Tensor, target: float) -> Tensor:
    """The point on the last step whose loss is the target, by bisection; `after` if there is none."""
    if float(digits(after)) > target:
        return after
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if float(digits(torch.lerp(before, after, middle))) > target:
            low = middle
        else:
            high = middle
    return torch.lerp(before, after, high)


def _shake(unit: Unit, context: Context) -> Rows:
    full = context.size == "full"
    rows = []
    for finder, (kind, sigma) in FINDERS.items():
        rng = torch.Generator().manual_seed(unit.seed)
        network, n_steps = find_network(kind, sigma, rng, target=TARGET if full else 1.8, most=2000 if full else 60)
        row = {
            "finder": finder,
            "seed": unit.seed,
            "n_steps": n_steps,
            "loss": float(digits(network)),
            "norm": float(network.norm()),
        }
        noise = torch.randn(N_DRAWS if full else 5, DIGITS.n_params, generator=rng, dtype=torch.float64)
        for size in NOISES:
            row[f"loss_{size:g}"] = float(digits(network + size * noise).mean())
        rows.append(row)
    return {"shaken": rows}


# The experiment


def units(seeds: list[int]) -> list[Unit]:
    """The tuning first, then seed by seed, so that a stopped run has whole comparisons."""
    tuning = [Unit(f"tuning {method}", TUNING_SEED) for method in METHODS]
    return tuning + [Unit(method, seed) for seed in seeds for method in (*METHODS, "shaken networks")]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one method with one seed on all problems, or tune it, or shake the networks of one seed."""
    if unit.method == "shaken networks":
        return _shake(unit, context)
    return _tune(unit, context) if unit.method.startswith("tuning ") else _judge(unit, context)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "share_of_budget": SHARES[size],
        "problems": {
            name: {"n_params": p.n_params, "budget": p.budget, "spread": p.spread, "solved": p.solved}
            for name, p in PROBLEMS.items()
        },
        "grids": {method: grid for method, (_, grid) in METHODS.items()},
        "tuning": {"seed": TUNING_SEED, "runs": N_TUNING_RUNS},
        "target": TARGET,
        "noises": NOISES,
        "finders": FINDERS,
    }


EXPERIMENT = Experiment(units, run_unit, settings)
