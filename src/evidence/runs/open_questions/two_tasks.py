"""E13.6: do two tasks that share a trunk help or hinder one another?"""

from __future__ import annotations

from functools import partial

from evidence.runner import Rows
from evidence.runs.open_questions.images import drawn_from, letters
from evidence.runs.open_questions.rows import Learner, Plain
from evidence.runs.open_questions.task import LENGTHS, METHODS, Runners, Task
from neuroevo.data import transforms


def _two_tasks(task: Task, method: str, which: str, width: int) -> Rows:
    """Digits and letters with one trunk and a head for each, by turns; or one of them alone."""
    sets = {"digits": task.digits(), "letters": letters(14, task.context.size)}
    outputs = {"digits": slice(0, 10), "letters": slice(10, 36)}
    names = list(sets) if which == "both" else [which]
    net, n = Plain(196, 36), task.steps(LENGTHS[method] // 2) * len(names)
    learner = Learner(net, net.start(width, task.rng), method, n, task.rng)
    batches = {name: drawn_from(*sets[name].train) for name in names}
    for step in range(n):
        name = names[step % len(names)]
        x, y = batches[name](task.rng)
        learner.step(transforms.shift(x, 1, task.rng, side=14), y, outputs[name])
    finals = [task.row(learner, sets[name], outputs[name], side=14, width=width, on=name) for name in names]
    return {"finals": finals}


RUNNERS: Runners = {
    f"tasks, {which}, {width}, {method}": partial(_two_tasks, method=method, which=which, width=width)
    for method in METHODS
    for which, width in [("digits", 32), ("letters", 32), ("digits", 64), ("letters", 64), ("both", 64)]
}
