"""E13.4: does it help to see the easy images first?"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from evidence.runner import Rows
from evidence.runs.open_questions.images import BATCH
from evidence.runs.open_questions.rows import N_CLASSES, Learner, Plain, accuracy
from evidence.runs.open_questions.task import LENGTHS, Runners, Task


def difficulty(x: Tensor, y: Tensor) -> Tensor:
    """How hard each image is, as its rank within its class, 0 to 1.

    Ranked by the distance to the own class's mean image less that to the nearest other class's: no network is asked.
    """
    means = torch.stack([x[y == k].mean(dim=0) for k in range(N_CLASSES)])
    distance = torch.cdist(x, means)
    own = distance.gather(1, y[:, None])
    margin = (own - distance.scatter(1, y[:, None], math.inf).min(dim=1, keepdim=True).values).squeeze(1)
    rank = torch.empty(len(y))
    for k in range(N_CLASSES):
        places = (y == k).nonzero().squeeze(1)
        rank[places[margin[places].argsort()]] = torch.linspace(0, 1, len(places))
    return rank


def _curriculum(task: Task, method: str, order: str) -> Rows:
    """The share of the images that may be drawn grows from a tenth to all over 70 % of the run; or all from the
    start, if the order is "natural"."""
    images, net = task.digits(), Plain(196)
    x, y = images.train
    hard = difficulty(x, y)
    shuffled = torch.rand(len(y), generator=task.rng)
    ranked = {"easy first": hard, "hard first": -hard}.get(order, shuffled).argsort()
    n = task.steps(LENGTHS[method])
    learner = Learner(net, net.start(32, task.rng), method, n, task.rng)
    vx, vy = images.validation
    third = (difficulty(vx, vy) * 3).long().clamp(max=2)
    looks = {round(n ** (k / 24)) for k in range(1, 25)}
    curve = []
    for step in range(1, n + 1):
        share = 1.0 if order == "natural" else min(1.0, 0.1 + 0.9 * (step - 1) / (0.7 * n))
        places = ranked[torch.randint(max(1, round(share * len(y))), (BATCH,), generator=task.rng)]
        learner.step(x[places], y[places])
        if step in looks:
            scores = [accuracy(net, learner.rows, vx[third == k], vy[third == k]) for k in range(3)]
            spent: dict[str, Any] = {"step": step, "evaluations": learner.budget.evaluations}
            curve.append(task.who | spent | dict(zip(("easy", "middle", "hard"), scores, strict=True)))
    return {"finals": [task.row(learner, images, side=14, width=32)], "curves": curve}


RUNNERS: Runners = {
    **{
        f"curriculum, {order}": partial(_curriculum, method="selection", order=order)
        for order in ("natural", "easy first", "hard first", "random order")
    },
    "curriculum, gradient": partial(_curriculum, method="gradient", order="natural"),
}
