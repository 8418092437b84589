"""Networks of equal loss that were found in different ways, and what noise on their weights does to them."""

from __future__ import annotations

import torch
from torch import Tensor

from evidence.runner import Context, Rows, Unit
from evidence.runs.methods.problems import DIGITS, digits
from neuroevo import strategies

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


def run_unit(unit: Unit, context: Context) -> Rows:
    """Find a network with each finder from one seed, and shake it."""
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
