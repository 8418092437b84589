"""E13.3: is what was learned forgotten when something else is learned?"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from evidence.runner import Rows
from evidence.runs.open_questions.images import BATCH, Images, drawn_from
from evidence.runs.open_questions.rows import Learner, Plain, accuracy
from evidence.runs.open_questions.task import Runners, Task

UNTIL, REPLAY = 0.97, 50


def _pairs(images: tuple[Tensor, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """The five tasks of split digits: 0 and 1, 2 and 3, and so on."""
    x, y = images
    return [(x[y // 2 == k], y[y // 2 == k]) for k in range(5)]


def _continual(task: Task, method: str, n_steps: int, replay: int = 0, until: float = 0.0) -> Rows:
    """Five pairs of digits one after the other, one head of ten outputs, nothing shrinks.

    Args:
        n_steps: for each pair; at most, if `until` is given.
        replay: images kept of each digit that was learned; then half of every later batch are such.
        until: accuracy on the pair's validation images, told which pair, at which the next pair begins; 0 for never.
    """
    images, net = task.digits(), Plain(196)
    train, validation = _pairs(images.train), _pairs(images.validation)
    learner = Learner(net, net.start(32, task.rng), method, 0, task.rng)
    kept: list[tuple[Tensor, Tensor]] = []
    after: list[tuple[Tensor, int]] = []
    for k, (x, y) in enumerate(train):
        new, step = drawn_from(x, y, BATCH // 2 if kept else BATCH), 0
        old = drawn_from(torch.cat([a for a, _ in kept]), torch.cat([b for _, b in kept]), BATCH // 2) if kept else None
        for step in range(1, task.steps(n_steps) + 1):
            batch, labels = new(task.rng)
            if old is not None:
                again, old_labels = old(task.rng)
                batch, labels = torch.cat([batch, again]), torch.cat([labels, old_labels])
            learner.step(batch, labels)
            if until and step % 5 == 0 and _told(net, learner.rows, *validation[k], k) >= until:
                break
        after.append((learner.rows.clone(), step))
        if replay:
            for digit in (2 * k, 2 * k + 1):
                places = (y == digit).nonzero().squeeze(1)
                places = places[torch.randperm(len(places), generator=task.rng)[:replay]]
                kept.append((x[places], y[places]))
    test = images.test(task.reason())
    matrix = [
        task.who
        | {"after": number, "on": k, "told": _told(net, rows, x, y, k), "untold": accuracy(net, rows, x, y)}
        | {"steps": steps}
        for number, (rows, steps) in enumerate(after)
        for k, (x, y) in enumerate(_pairs(test))
    ]
    final = task.row(learner, Images(images.train, images.validation, lambda reason: test), side=14, width=32)
    return {"finals": [final], "matrix": matrix}


def _told(net: Plain, rows: Tensor, x: Tensor, y: Tensor, k: int) -> float:
    """Accuracy on pair k when only its two outputs compete."""
    return accuracy(net, rows, x, y - 2 * k, slice(2 * k, 2 * k + 2))


_SELECTION = partial(_continual, method="selection", n_steps=100, until=UNTIL)
_GRADIENT = partial(_continual, method="gradient", n_steps=1000, until=UNTIL)

RUNNERS: Runners = {
    "continual, selection": _SELECTION,
    "continual, gradient": _GRADIENT,
    "continual, selection, replay": partial(_SELECTION, replay=REPLAY),
    "continual, gradient, replay": partial(_GRADIENT, replay=REPLAY),
    # 60 generations of 129 networks are as many evaluations as 2,580 steps.
    "continual, selection, 60 generations": partial(_continual, method="selection", n_steps=60),
    "continual, gradient, as many evaluations": partial(_continual, method="gradient", n_steps=2580),
}
