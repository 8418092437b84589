"""E13.8 and E13.9: how many neurons, on images of how many pixels?"""

from __future__ import annotations

from functools import partial

from evidence.runner import Rows
from evidence.runs.open_questions.images import drawn_from
from evidence.runs.open_questions.rows import Plain
from evidence.runs.open_questions.task import LENGTHS, METHODS, Runners, Task

WIDTHS = (2, 3, 4, 6, 8, 12, 16, 32)


def _width(task: Task, method: str, side: int, width: int) -> Rows:
    """So many neurons on images of side x side."""
    images = task.digits(side)
    learner = task.learn(Plain(side * side), width, method, drawn_from(*images.train), LENGTHS[method])
    return {"finals": [task.row(learner, images, side=side, width=width)]}


RUNNERS: Runners = {
    f"width, {side}, {width}, {method}": partial(_width, method=method, side=side, width=width)
    for method in METHODS
    for side, width in [*((side, width) for side in (7, 14, 28) for width in WIDTHS), (56, 32)]
}
