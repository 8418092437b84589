"""What a strategy pays for not knowing the gradient: its steps to the loss that gradient descent reaches (chapter 8).

A unit is one problem with one setting: a bowl whose curvatures fall off with a power, or a digits network. Both
methods' rates are tuned on runs that aren't judged. A bowl's goal is where gradient descent is after 20 steps.

    python3 course.py run price --seeds 1
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import data, nets, strategies

N_RUNS = {"smoke": 2, "laptop": 4, "full": 8}
N_TUNING_RUNS = {"smoke": 1, "laptop": 2, "full": 4}
N_GRADIENT_STEPS = 20  # of gradient descent, to the goal on a bowl
SIGMA = 0.02
TUNING_SEED = 1000

Loss = Callable[[Tensor], Tensor]
Move = Callable[[Tensor, Tensor, int], Tensor]  # where, gradient, number of the step -> where next


@dataclass(frozen=True)
class Setting:
    """A problem, and what decides a run on it."""

    problem: str = "bowl"
    size: int = 300  # dimensions of a bowl, hidden units of a digits network
    power: float = 1.5  # of a bowl: curvature i is i ** -power
    n_pairs: int = 10
    optimiser: str = "plain"  # or "Adam", for both methods
    estimate: str = "scores"  # or "ranks", or "one mutant": (1+1) selection with the one-fifth rule
    gradient_rate: float = 0.0  # of gradient descent on a bowl; 0 is tuned
    goal: float = 0.5  # loss of a digits network
    start: str = "scratch"  # or "pretrained", on unshifted digits
    moved: bool = False  # the digits, by a pixel


def _bowls() -> dict[str, Setting]:
    """Flat ones aren't among them: gradient descent is at their bottom after one step."""
    found = {}
    for power, size in [(p, d) for p in (1.5, 1.0, 0.5) for d in (30, 300, 3000)] + [(1.5, 30_000)]:
        one, name = Setting(size=size, power=power), f"bowl {power:g}, {size}"
        found[name] = one
        found[f"{name}, rate 1"] = dataclasses.replace(one, gradient_rate=1.0)
        if size < 30_000:
            found[f"{name}, one mutant"] = dataclasses.replace(one, estimate="one mutant")
        if size < 30_000 and power == 1.5:
            found[f"{name}, ranks"] = dataclasses.replace(one, estimate="ranks")
            found[f"{name}, 3 pairs"] = dataclasses.replace(one, n_pairs=3)
            found[f"{name}, 30 pairs"] = dataclasses.replace(one, n_pairs=30)
    return found


def _networks() -> dict[str, Setting]:
    found = {}
    for optimiser in ("plain", "Adam"):
        for size in (8, 32, 128, 512):
            one = Setting("digits", size, optimiser=optimiser)
            found[f"digits {size}, {optimiser}"] = one
            if size in (8, 128) and optimiser == "plain":
                found[f"digits {size}, {optimiser}, goal 0.2"] = dataclasses.replace(one, goal=0.2)
                found[f"digits {size}, {optimiser}, 3 pairs"] = dataclasses.replace(one, n_pairs=3)
        for start in ("scratch", "pretrained"):
            one = Setting("digits", 32, optimiser=optimiser, start=start, moved=True)
            found[f"moved digits, {start}, {optimiser}"] = one
    return found


SETTINGS = _bowls() | _networks()


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- Problems: a loss, and where the runs start ---------------------------------------------------------------------


def curvatures(s: Setting) -> Tensor:
    """Of a bowl, the largest first: 1, and falling off with a power."""
    return torch.arange(1, s.size + 1.0) ** -s.power


@cache
def _digits(moved: bool) -> tuple[Tensor, Tensor]:
    images = data.digits().train
    x = images.pixels().view(-1, 8, 8)
    return (torch.nn.functional.pad(x[..., :-1], (1, 0)) if moved else x).flatten(1), images.y


def network_loss(net: nets.MLP, some: slice, moved: bool = False) -> Loss:
    """Mean cross-entropy of every row of weights on some of the training digits."""
    x, y = (part[some] for part in _digits(moved))
    return lambda rows: (
        -nets.mean_log_likelihood(net.forward(rows.reshape(-1, net.n_params), x), y).view(rows.shape[:-1])
    )


def first_networks(net: nets.MLP, n: int, rng: torch.Generator) -> Tensor:
    """Rows of normal weights, of variance 1 over the number of inputs, and biases of zero."""
    rows = net.init(n, 1.0, rng)
    for (weights, biases), n_in in zip(net.layers(rows), net.sizes[:-1], strict=True):
        weights.mul_(n_in**-0.5)
        biases.zero_()
    return rows


def problem(s: Setting, n_runs: int, rng: torch.Generator) -> tuple[Loss, Tensor]:
    """The loss, and (n_runs, n_params) where to start."""
    if s.problem == "bowl":
        scales = curvatures(s)
        return lambda z: 0.5 * (scales * z**2).sum(-1), torch.ones(n_runs, s.size)
    net = nets.MLP((64, s.size, 10))
    start = first_networks(net, n_runs, rng)
    if s.start == "pretrained":
        other = network_loss(net, slice(600))
        move = _mover("Adam", 0.01)
        for step in range(1, 401):
            start = move(start, _slope(other, start), step)
    return network_loss(net, slice(600, 900) if s.moved else slice(300), s.moved), start


# --- Methods --------------------------------------------------------------------------------------------------------


def _slope(loss: Loss, theta: Tensor) -> Tensor:
    gradient: Tensor = torch.func.grad(lambda z: loss(z).sum())(theta)
    return gradient


def estimate(loss: Loss, theta: Tensor, s: Setting, rng: torch.Generator) -> Tensor:
    """The slope from antithetic pairs, by scores or by centred ranks; (n_runs, n_params) as theta."""
    noise = torch.randn(len(theta), s.n_pairs, theta.shape[-1], generator=rng)
    points = torch.cat([theta[:, None] + SIGMA * noise, theta[:, None] - SIGMA * noise], dim=1)
    scores = loss(points)
    plus, minus = (strategies.centred_ranks(scores) if s.estimate == "ranks" else scores).chunk(2, dim=1)
    return ((plus - minus)[..., None] * noise).mean(1) / (2 * SIGMA)


def _mover(optimiser: str, rate: float) -> Move:
    if optimiser == "plain":
        return lambda theta, slope, _: theta - rate * slope
    mean, square = torch.zeros(1), torch.zeros(1)

    def adam(theta: Tensor, slope: Tensor, step: int) -> Tensor:
        nonlocal mean, square
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        return theta - rate * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)

    return adam


def steps_to(
    goal: Tensor, loss: Loss, start: Tensor, slope: Callable[[Tensor], Tensor], move: Move, most: int
) -> Tensor:
    """Steps of each run until its loss is at the goal; infinity if it isn't within `most`."""
    theta, needed = start, torch.full(start.shape[:1], math.inf)
    for step in range(1, most + 1):
        theta = move(theta, slope(theta), step)
        losses = loss(theta)
        needed[(losses <= goal) & needed.isinf()] = step
        if not needed.isinf().any() or losses.isnan().any() or float(losses.max()) > 1e4:
            break
    return needed


def selection_steps(goal: Tensor, loss: Loss, start: Tensor, rng: torch.Generator, most: int) -> Tensor:
    """Mutants of (1+1) selection until the goal; its step size follows the one-fifth rule (Rechenberg 1973)."""
    theta, losses = start, loss(start)
    sigma, needed = torch.full(start.shape[:1], 0.1), torch.full(start.shape[:1], math.inf)
    for step in range(1, most + 1):
        mutants = theta + sigma[:, None] * torch.randn(theta.shape, generator=rng)
        scores = loss(mutants)
        better = scores <= losses
        theta, losses = torch.where(better[:, None], mutants, theta), torch.where(better, scores, losses)
        sigma = sigma * torch.where(better, 1.5, 1.5**-0.25)
        needed[(losses <= goal) & needed.isinf()] = step
        if not needed.isinf().any():
            break
    return needed


def _tune(attempt: Callable[[float, int], Tensor], rates: list[float], most: int) -> float:
    """The rate of the fewest steps: `attempt(rate, most)`. The first should work: others get twice its steps."""
    best, fewest = rates[0], math.inf
    for rate in rates:
        steps = float(attempt(rate, min(most, 2 * int(min(fewest, most)))).mean())
        if steps < fewest:
            best, fewest = rate, steps
    return best


def goal_on_a_bowl(s: Setting, start: Tensor, rate: float) -> Tensor:
    """The loss (n_runs,) of gradient descent after its 20 steps, which have a closed form here."""
    scales = curvatures(s)
    return 0.5 * (scales * (start * (1 - rate * scales) ** N_GRADIENT_STEPS) ** 2).sum(-1)


def _rates(s: Setting, of_gradient: bool) -> list[float]:
    """Those that are tried, the likeliest first."""
    if s.problem == "bowl" and s.estimate == "scores":
        law = 1 / (1 + (float(curvatures(s).sum()) + 1) / s.n_pairs)
        return [law * 2 ** (i / 2) for i in (0, -1, 1, -2)]  # twice the law's rate is the edge of what is stable
    if s.problem == "bowl":
        return [2.0**-i for i in range(12, 0, -1)]
    if s.optimiser == "Adam":
        return [0.05, 0.02, 0.1, 0.01, 0.2, 0.005, 0.002]
    return [0.7, 1.0, 0.5, 1.4, 0.35, 2.0, 2.8] if of_gradient else [0.1, 0.2, 0.05, 0.35, 0.5, 0.025, 0.7, 1.0]


def _descend(s: Setting, loss: Loss, start: Tensor, rate: float, most: int) -> Tensor:
    goal = torch.tensor(s.goal)
    return steps_to(goal, loss, start, partial(_slope, loss), _mover(s.optimiser, rate), most)


def _search(
    s: Setting, goal: Tensor, loss: Loss, start: Tensor, rate: float, rng: torch.Generator, most: int
) -> Tensor:
    if s.estimate == "one mutant":
        return selection_steps(goal, loss, start, rng, 20 * most)
    slope = partial(estimate, loss, s=s, rng=rng)
    return steps_to(goal, loss, start, slope, _mover(s.optimiser, rate), most)


def run_unit(unit: Unit, context: Context) -> Rows:
    """A row for each run: steps of gradient descent and of the strategy (mutants of selection) to the same loss."""
    s, most = SETTINGS[unit.method], 30 if context.size == "smoke" else 4000
    loss, start = problem(s, N_TUNING_RUNS[context.size], _rng(TUNING_SEED))
    on_bowl = s.problem == "bowl"
    if on_bowl:  # the rate of the lowest loss after the fixed number of steps
        tried = torch.linspace(0.1, 2.0, 39).tolist()
        gradient_rate = s.gradient_rate or min(tried, key=lambda rate: float(goal_on_a_bowl(s, start, rate).mean()))
    else:
        gradient_rate = _tune(lambda rate, most: _descend(s, loss, start, rate, most), _rates(s, True), most)

    def goal(start: Tensor) -> Tensor:
        return goal_on_a_bowl(s, start, gradient_rate) if on_bowl else torch.tensor(s.goal)

    def trial(rate: float, most: int) -> Tensor:
        return _search(s, goal(start), loss, start, rate, _rng(TUNING_SEED), most)

    rate = 0.0 if s.estimate == "one mutant" else _tune(trial, _rates(s, False), most)

    rng = _rng(unit.seed)
    judged_loss, first = problem(s, N_RUNS[context.size], rng)
    reference = torch.full(first.shape[:1], float(N_GRADIENT_STEPS))
    if not on_bowl:
        reference = _descend(s, judged_loss, first, gradient_rate, most)
    steps = _search(s, goal(first), judged_loss, first, rate, rng, most)
    about = {"setting": unit.method, "seed": unit.seed, "n_params": first.shape[-1]}
    about |= {"gradient_rate": gradient_rate, "rate": rate}
    measured = zip(reference.tolist(), steps.tolist(), strict=True)
    return {
        "runs": [
            about | {"run": i, "gradient_steps": a, "steps": b if math.isfinite(b) else None}
            for i, (a, b) in enumerate(measured)
        ]
    }


def units(seeds: list[int]) -> list[Unit]:
    """Setting by setting."""
    return [Unit(name, seed) for seed in seeds for name in SETTINGS]


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "runs of a seed": N_RUNS[size],
        "tuning": {"runs": N_TUNING_RUNS[size], "seed": TUNING_SEED},
        "sigma": SIGMA,
        "steps of gradient descent on a bowl": N_GRADIENT_STEPS,
        "settings": {name: dataclasses.asdict(s) for name, s in SETTINGS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
