"""E13.5: can filters that slide over the image evolve, and is it worth it?"""

from __future__ import annotations

from functools import partial

import torch

from evidence.runner import Rows
from evidence.runs.open_questions.images import drawn_from
from evidence.runs.open_questions.rows import N_CLASSES, Filters
from evidence.runs.open_questions.task import LENGTHS, METHODS, Runners, Task


def _filters(task: Task, method: str, learned: bool) -> Rows:
    """Eight filters and a linear head, learned together, or the head alone on filters that stay random."""
    images, net = task.digits(), Filters(14)
    free = torch.ones(26 + net.n_places * N_CLASSES)
    free[:26] = float(learned)
    first = net.start(8, torch.Generator().manual_seed(task.unit.seed))
    learner = task.learn(net, 8, method, drawn_from(*images.train), LENGTHS["selection"], decay=0.0, free=free)
    tables = {"finals": [task.row(learner, images, side=14, width=8)]}
    if learned:
        tables["filters"] = [
            {"method": task.unit.method, "seed": task.unit.seed, "filter": k, "place": place}
            | {"start": float(first[k, place]), "end": float(learner.rows[k, place])}
            for k in range(8)
            for place in range(25)
        ]
    return tables


RUNNERS: Runners = {
    f"filters, {name}{method}": partial(_filters, method=method, learned=not name)
    for method in METHODS
    for name in ("", "random, ")
}
