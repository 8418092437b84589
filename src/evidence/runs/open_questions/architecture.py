"""E13.10: can the architecture evolve with the weights, its width or its activations?"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from evidence.runner import Rows
from evidence.runs.open_questions.images import drawn_from
from evidence.runs.open_questions.rows import ACTIVATIONS, Bent, BentLearner, Learner, Plain
from evidence.runs.open_questions.task import LENGTHS, Runners, Task
from neuroevo.budget import Budget

PRICES = (0.0, 0.003, 0.02)


def widen(rows: Tensor, change: int, n_in: int, rng: torch.Generator) -> Tensor:
    """A copy with `change` more neurons that say nothing yet, or without the -change that say least."""
    if change > 0:
        new = Plain(n_in, rows.shape[1] - n_in - 1).start(change, rng)
        new[:, n_in + 1 :] = 0
        return torch.cat([rows, new])
    loud = rows[:, n_in + 1 :].norm(dim=1).argsort(descending=True)
    return rows[loud[: max(1, len(rows) + change)].sort().values].clone()


def _evolved_width(task: Task, price: float) -> Rows:
    """Six networks of 8 neurons; after each of 30 rounds of 20 generations the two worst give way to copies of
    the two best, a fifth wider or narrower. Price: what a neuron costs, in nats of log-likelihood."""
    images, net = task.digits(), Plain(196)
    x, y = images.train
    n_rounds, n_steps = task.steps(30), 20 if task.context.size == "full" else 3
    n = n_rounds * n_steps
    learners = [Learner(net, net.start(8, task.rng), "selection", n, task.rng) for _ in range(6)]
    trace, spent, order = [], Budget(), list(range(6))
    for number in range(1, n_rounds + 1):
        for learner in learners:
            for _ in range(n_steps):
                learner.step(*drawn_from(x, y)(task.rng))
        with spent.clock():
            fresh, labels = drawn_from(x, y, 1000)(task.rng)
            said = [-functional.cross_entropy(net.logits(one.rows, fresh), labels) for one in learners]
            worth = [float(one) - price * len(two.rows) for one, two in zip(said, learners, strict=True)]
            spent.forward(len(learners), len(labels))
            order = sorted(range(6), key=worth.__getitem__)
        now = task.who | {"price": price, "round": number}
        trace += [now | {"network": k, "width": len(one.rows)} for k, one in enumerate(learners)]
        if number < n_rounds:
            for worst, best in zip(order[:2], order[-2:], strict=True):
                rows = learners[best].rows
                step = max(1, round(0.2 * len(rows)))
                wider = bool(torch.rand((), generator=task.rng) < 0.5)
                learners[worst].rows = widen(rows, step if wider else -step, net.n_in, task.rng)
    champion = learners[order[-1]]
    row = task.row(champion, images, side=14, width=len(champion.rows), price=price)
    row["evaluations"] = sum(one.budget.evaluations for one in learners) + spent.evaluations
    row["core_seconds"] = round(sum(one.budget.core_seconds for one in learners) + spent.core_seconds, 3)
    return {"finals": [row], "widths": trace}


def _activations(task: Task, flip_rate: float) -> Rows:
    """Eight neurons of each activation at the start, which a mutation may draw anew."""
    images, n = task.digits(), task.steps(LENGTHS["selection"])
    net = Bent(196, acts=torch.arange(32) % len(ACTIVATIONS))
    learner = BentLearner(net, net.start(32, task.rng), "selection", n, task.rng)
    learner.flip_rate = flip_rate
    batch = drawn_from(*images.train)
    for _ in range(n):
        learner.step(*batch(task.rng))
    counts = torch.bincount(net.acts, minlength=len(ACTIVATIONS)).tolist()
    shares = [
        task.who | {"activation": name, "neurons": count} for name, count in zip(ACTIVATIONS, counts, strict=True)
    ]
    return {"finals": [task.row(learner, images, side=14, width=32)], "activations": shares}


RUNNERS: Runners = {
    **{f"evolved width, {price}": partial(_evolved_width, price=price) for price in PRICES},
    "activations": partial(_activations, flip_rate=0.1),
}
