"""What early stopping and dropout change in a small network, by the number of steps: chapter 2's evidence.

A unit is one task with one setting (learning rate, dropout): thirty networks with 100 training images each, ten to tune
on and twenty to score. A row says, for one network and one number of steps, how it ends without a brake, and at the
step, up to there, with the fewest errors on the validation images.

    python3 course.py run brakes --seeds 1
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import data

TASKS = {"wide": (64, 0.0), "wrong labels": (64, 0.2), "narrow": (8, 0.0)}
"""Name -> hidden units, share of the training labels that are wrong."""

PLAIN = [(rate, 0.0) for rate in (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03)]
DROPOUT = [(rate, drop) for rate in (0.0001, 0.0003, 0.001, 0.003, 0.01) for drop in (0.2, 0.5)]
N_STEPS = {"smoke": (20, 40), "laptop": (150, 300, 600), "full": (150, 300, 600, 1500)}
N_NETS = {"smoke": (2, 3), "laptop": (10, 20), "full": (10, 20)}
"""To tune on, and fresh ones to score."""

EVERY = 10
"""Steps between two looks at the errors."""


def make_task(n_nets: int, share_wrong: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """For each network 100 images of its own, ten of each digit, (n_nets, 100, 64), and labels, (n_nets, 100)."""
    train = data.digits().train
    draws = [train.sample(10, rng) for _ in range(n_nets)]
    x, y = (torch.stack(part) for part in zip(*draws, strict=True))
    wrong = torch.rand(y.shape, generator=rng) < share_wrong
    return x, torch.where(wrong, (y + torch.randint(1, 10, y.shape, generator=rng)) % 10, y)


def scores_of(x: Tensor, layers: list[Tensor], drop: float = 0.0, rng: torch.Generator | None = None) -> Tensor:
    """Ten scores for each image: one hidden layer of ReLUs; a part `drop` of them is silent, the rest is turned up."""
    w1, b1, w2, b2 = layers
    hidden = torch.relu(x @ w1 + b1)
    if drop:
        hidden = hidden * (torch.rand(hidden.shape, generator=rng) >= drop) / (1 - drop)
    return hidden @ w2 + b2


def train(
    x: Tensor, y: Tensor, watch: list[tuple[Tensor, Tensor]], n_hidden: int, rate: float, drop: float, n_steps: int
) -> Tensor:
    """Errors in %, every `EVERY` steps of Adam: (looks, sets in watch, networks). All settings start from the same."""
    rng, n_nets = torch.Generator().manual_seed(7), len(x)
    w1 = torch.randn(n_nets, 64, n_hidden, generator=rng) * (2 / 64) ** 0.5
    w2 = torch.randn(n_nets, n_hidden, 10, generator=rng) * (2 / n_hidden) ** 0.5
    layers = [w1, torch.zeros(n_nets, 1, n_hidden), w2, torch.zeros(n_nets, 1, 10)]
    optimiser = torch.optim.Adam([layer.requires_grad_() for layer in layers], lr=rate)
    looks = []
    for step in range(n_steps + 1):
        if step % EVERY == 0:
            with torch.no_grad():
                wrong = [(scores_of(a, layers).argmax(-1) != b).float().mean(-1) for a, b in watch]
            looks.append(100 * torch.stack(wrong))
        loss = cross_entropy(scores_of(x, layers, drop, rng).flatten(0, 1), y.flatten(), reduction="sum")
        optimiser.zero_grad()
        (loss / x.shape[1]).backward()
        optimiser.step()
    return torch.stack(looks)


def run_unit(unit: Unit, context: Context) -> Rows:
    """A row for each network and number of steps: its errors at the end, and where validation would have stopped it."""
    task, rate, drop = unit.method.split("; ")
    n_hidden, share_wrong = TASKS[task]
    n_tuning, n_fresh = N_NETS[context.size]
    x, y = make_task(n_tuning + n_fresh, share_wrong, torch.Generator().manual_seed(6 + unit.seed))
    images = data.digits()
    test = images.test.open("stored run brakes")
    watch = [(x, y), (images.validation.pixels(), images.validation.y), (test.pixels(), test.y)]
    history = train(x, y, watch, n_hidden, float(rate), float(drop), max(N_STEPS[context.size]))
    rows: list[dict[str, Any]] = []
    for n_steps in N_STEPS[context.size]:
        seen = history[: n_steps // EVERY + 1]
        stop = seen[:, 1].argmin(0)  # the first of the best, for each network
        stopped = seen[stop, :, torch.arange(len(x))]
        for net, (end, early) in enumerate(zip(seen[-1].T.tolist(), stopped.tolist(), strict=True)):
            row: dict[str, Any] = {"task": task, "rate": float(rate), "dropout": float(drop), "seed": unit.seed}
            row |= {"steps": n_steps, "net": net, "for": "tuning" if net < n_tuning else "scoring"}
            row |= dict(zip(("train", "validation", "test"), (round(e, 3) for e in end), strict=True))
            row |= {"stopped at": int(stop[net]) * EVERY}
            row |= {f"{part} then": round(e, 3) for part, e in zip(("validation", "test"), early[1:], strict=True)}
            rows.append(row)
    return {"runs": rows}


def units(seeds: list[int]) -> list[Unit]:
    """Task by task, setting by setting."""
    chosen = [*PLAIN, *DROPOUT]
    return [Unit(f"{task}; {rate:g}; {drop:g}", seed) for seed in seeds for task in TASKS for rate, drop in chosen]


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "tasks": {name: list(task) for name, task in TASKS.items()},
        "learning rates and dropout": [*PLAIN, *DROPOUT],
        "steps": N_STEPS[size],
        "networks to tune on and to score": N_NETS[size],
    }


EXPERIMENT = Experiment(units, run_unit, settings)
