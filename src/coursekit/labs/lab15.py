"""The checks of lab 15, "Scaling out": a map for any workers, a loop that doesn't wait, and a queue on paper."""

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from coursekit.feedback import Constant, Lab, Part, Student, compare_each, hidden
from coursekit.labs.lab15_mapping import judge_map, seed_of
from coursekit.labs.lab15_pool import Pool, judge_steady_state

__all__ = ["Pool", "seed_of"]

LAB = Lab(15, "Scaling out", time_limit=20, varies={"15.3": Constant("dispatch")})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published


# 15.1 Whoever works

LAB.exercise("15.1", "map_tasks(evaluate, tasks, executor)", title="Whoever works", points=6)(judge_map)


# 15.2 Never wait for the slowest

LAB.exercise("15.2", "steady_state(ask, tell, pool, n_evaluations)", title="Never wait for the slowest", points=6)(
    judge_steady_state
)


# 15.3 The queue on paper


def _queue(
    seconds: Sequence[float],
    n_workers: int,
    dispatch: float,
    *,
    order: Callable[[Any], list[int]] = lambda s: list(range(len(s))),
    pick: Callable[[list[float], int], int] = lambda free, i: int(np.argmin(free)),
    line: bool = True,
    frees: bool = True,
    n_more: int = 0,
    last: Callable[[Any, Any], float] = lambda starts, ends: float(max(ends)),
    batches: bool = False,
    counts_dispatch: float = 1.0,
    told: Callable[[Any], Any] = lambda starts: starts,
) -> tuple[Any, float]:
    """Start of each task and the makespan, by a scan over all workers; or with a part replaced."""
    free = [0.0] * max(1, n_workers + n_more)
    starts, ends, scheduler = np.zeros(len(seconds)), np.zeros(len(seconds)), 0.0
    for place, i in enumerate(order(seconds)):
        worker = pick(free, place)
        ready = max(free) if batches and place % n_workers == 0 else free[worker]
        starts[i] = max(ready, scheduler if line else 0.0) + counts_dispatch * dispatch
        scheduler = starts[i]
        ends[i] = starts[i] + seconds[i]
        if frees:
            free[worker] = ends[i]
    return told(starts), last(starts, ends)


def _by_heap(
    seconds: Sequence[float],
    n_workers: int,
    step: Callable[[float, float], tuple[float, float]],
    more: float = 0.0,
    since: Callable[[float], float] = lambda start: start,
    last: Callable[[list[float]], float] = max,
) -> tuple[list[float], float]:
    """The same with another step: (scheduler, idle) -> (scheduler, start); `more` seconds are added to each task, which
    counts `since` its start; `last` makes the makespan of the heap."""
    idle, scheduler, starts = [0.0] * n_workers, 0.0, list[float]()
    for length in seconds:
        scheduler, start = step(scheduler, heapq.heappop(idle))
        starts.append(start)
        heapq.heappush(idle, since(start) + more + length)
    return starts, last(idle)


def _ahead(seconds: Sequence[float], n_workers: int, dispatch: float) -> tuple[list[float], float]:
    return _by_heap(seconds, n_workers, lambda scheduler, idle: (scheduler + dispatch, max(scheduler + dispatch, idle)))


def _late(seconds: Sequence[float], n_workers: int, dispatch: float) -> tuple[list[float], float]:
    return _by_heap(seconds, n_workers, lambda scheduler, idle: (max(scheduler, idle) + dispatch, max(scheduler, idle)))


def _twice(seconds: Sequence[float], n_workers: int, dispatch: float) -> tuple[list[float], float]:
    return _by_heap(seconds, n_workers, lambda scheduler, idle: (max(scheduler, idle) + dispatch,) * 2, dispatch)


def _in_steps(step: Callable[[float, float, float], tuple[float, float]], **changed: Any) -> Callable[..., Any]:
    """As `_by_heap`, of a step that gets `dispatch`, too."""
    return lambda seconds, n_workers, dispatch: _by_heap(
        seconds, n_workers, lambda scheduler, idle: step(scheduler, idle, dispatch), **changed
    )


def _like(**changed: Any) -> Callable[..., Any]:
    return lambda seconds, n_workers, dispatch: _queue(seconds, n_workers, dispatch, **changed)


_QUEUE_MISTAKES: dict[str, Callable[..., Any]] = {
    "more than n_workers work at once: a task takes a worker, who isn't idle before its end. Push that end to the "
    "heap.": _like(frees=False),
    "one worker too many is at work: the heap begins with n_workers zeros.": _like(n_more=1),
    "one worker too few is at work: the heap begins with n_workers zeros.": _like(n_more=-1),
    "the workers take turns (0, 1, 2, ...), also when another one is idle. The next task goes to whoever is idle "
    "first.": _like(pick=lambda free, i: i % len(free)),
    "each task waits for the one before to end. Is there one worker for all, does a task go to the worker who is idle "
    "*last* (take the smallest of the times, heappop), or does the scheduler stay until the work is done?": _like(
        pick=lambda free, i: int(np.argmax(free))
    ),
    "you wait for the whole batch before anybody goes on. Here a worker who is idle takes the next task.": _like(
        batches=True
    ),
    "the longest tasks go first. A good idea (try it!), but this queue keeps the order of the list.": _like(
        order=lambda s: sorted(range(len(s)), key=lambda i: -s[i])
    ),
    "the shortest tasks go first; this queue keeps the order of the list.": _like(
        order=lambda s: sorted(range(len(s)), key=lambda i: s[i])
    ),
    "you sort the list, the longest first: this queue keeps its order, and `starts` has it, too.": lambda s, n, d: (
        _queue(sorted(s, reverse=True), n, d)
    ),
    "you sort the list, the shortest first: this queue keeps its order, and `starts` has it, too.": lambda s, n, d: (
        _queue(sorted(s), n, d)
    ),
    "the scheduler runs ahead: it hands out a task while everybody is busy. It turns to a task when a worker is idle, "
    "and the `dispatch` seconds begin then.": _ahead,
    "`dispatch` comes after the start instead of before it: first the scheduler needs its seconds, then the task "
    "starts.": _late,
    "`dispatch` counts twice for a worker: a task that has started ends `seconds` later.": _twice,
    "the scheduler is free again too early, before the task that it hands out has started: it goes on from that "
    "start.": _in_steps(lambda scheduler, idle, d: (scheduler + d, max(scheduler, idle) + d)),
    "the `dispatch` seconds begin while everybody is busy: they begin when the scheduler is free *and* a worker is "
    "idle.": _in_steps(lambda scheduler, idle, d: (max(scheduler + d, idle),) * 2),
    "the scheduler is busy for twice `dispatch`: from a task's start on it is free.": _in_steps(
        lambda scheduler, idle, d: (max(scheduler, idle) + 2 * d, max(scheduler, idle) + d)
    ),
    "a worker is idle again `seconds` after the very beginning: push start + seconds.": _in_steps(
        lambda scheduler, idle, d: (max(scheduler, idle) + d,) * 2, since=lambda start: 0
    ),
    "`dispatch` is rounded down to a whole number.": lambda s, n, d: _queue(s, n, int(d)),
    "`dispatch` is ignored.": _like(counts_dispatch=0.0),
    "all workers are served at the same time. There is one scheduler: it hands out one task after the other, and each "
    "takes `dispatch` seconds.": _like(line=False),
    "you return the ends of the tasks, not their starts.": lambda s, n, d: (
        _queue(s, n, d)[0] + np.asarray(s),
        _queue(s, n, d)[1],
    ),
    "you return when the scheduler turns to a task; it starts `dispatch` seconds later.": lambda s, n, d: (
        _queue(s, n, d)[0] - d,
        _queue(s, n, d)[1],
    ),
}


_MAKESPANS: dict[str, Callable[..., float]] = {
    "makespan is the end of the last task of the list; an earlier one may end later.": lambda *args: _like(
        last=lambda starts, ends: float(ends[-1])
    )(*args)[1],
    "makespan is the latest *start*; it is the latest end.": lambda *args: _like(
        last=lambda starts, ends: float(max(starts))
    )(*args)[1],
    "makespan is the last entry of the heap, which needn't be its largest: a heap is sorted at its beginning alone.": (
        lambda *args: _in_steps(lambda s, idle, d: (max(s, idle) + d,) * 2, last=lambda idle: idle[-1])(*args)[1]
    ),
    "makespan is the work divided by the workers, as if nobody ever were idle.": lambda s, n, d: sum(s) / n,
}


@LAB.exercise("15.3", "queue(seconds, n_workers, dispatch)", title="The queue on paper", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(15))
    sizes = (12, 3, 0.1), (9, 1, 0.0), (4, 9, 0.3), (40, 5, 0.02), (30, 6, 0.4), (8, 2, 1.3)

    compare_each(  # starts alone come first: most faults in them are told whatever the makespan is made of
        student,
        {
            "starts": Part(
                lambda *args: _queue(*args)[0],
                {hint: lambda *args, way=way: way(*args)[0] for hint, way in _QUEUE_MISTAKES.items()},
            ),
            "makespan": Part(lambda *args: _queue(*args)[1], _MAKESPANS),
        },
        by_hand=[(([5.0, 1.0, 1.0, 2.0], 2, 0.5), ([0.5, 1.0, 2.5, 4.0], 6.0))],
        others=[
            *((rng.lognormal(0, 1, n).round(3).tolist(), *rest) for n, *rest in sizes),
            ([*rng.lognormal(0, 1, 11).round(3).tolist(), 0.001], 4, 0.2),  # the last task ends long before the others
        ],
    )


LAB.free_text(
    "15.4",
    title="A capacity plan",
    points=4,
    rubric={
        4: "numbers for time and for worker-hours, paid and used, of A, B and a third plan that is cheaper than A and "
        "sooner than B; the longest evaluation and the generations as limits; how many die and what that costs, in "
        "numbers; a small run that could refute the plan",
        3: "as for 4, but one of these is missing, or one number is wrong",
        2: "times and costs of two plans, but no third plan, or nothing is said that could refute it",
        1: "one number that follows from the table",
        0: "more workers are advised without a number",
    },
)
