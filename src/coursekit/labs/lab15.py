"""The checks of lab 15, "Scaling out": a map for any workers, a loop that doesn't wait, and a queue on paper."""

import hashlib
import heapq
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np

from coursekit.feedback import Lab, Student, TryAgain, compare, refuse

__all__ = ["Pool", "seed_of"]

LAB = Lab(15, "Scaling out", time_limit=20)
check, passed, score = LAB.check, LAB.passed, LAB.score

Design = dict[str, Any]


# 15.1 Whoever works


def seed_of(design: Design, replicate: int) -> int:
    """A whole number that belongs to this task and to no other, from a hash of both."""
    text = json.dumps([design, replicate], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class _Threads(Executor):
    """Two workers who begin when all tasks are there, and then take turns, the last task first."""

    def __init__(self, n_expected: int) -> None:
        self.n_expected, self.n_submitted, self.early, self._turn = n_expected, 0, False, 0
        self.closed = False
        self._tasks: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._news = threading.Condition(threading.RLock())
        for number in range(2):
            threading.Thread(target=self._work, args=(number,), daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not callable(fn):
            raise TryAgain("submit takes the function and its arguments apart: submit(f, a, b), not submit(f(a, b)).")
        future = _Receipt(self)
        with self._news:
            self.n_submitted += 1
            self._tasks.append((future, lambda: fn(*args, **kwargs)))
            self._news.notify_all()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Only note it: the executor belongs to whoever opened it."""
        self.closed = True

    def release(self) -> None:
        """Begin, because somebody waits; too early if there are tasks still to be sent."""
        with self._news:
            self.early |= self.n_submitted < self.n_expected
            self.n_expected = 0
            self._news.notify_all()

    def _work(self, number: int) -> None:
        while True:
            with self._news:
                while not self._tasks or self.n_submitted < self.n_expected or self._turn % 2 != number:
                    if not self._news.wait(2):
                        if not self._tasks:
                            return
                        self.release()
                future, call = self._tasks.pop()
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
            with self._news:
                self._turn += 1
                self._news.notify_all()


class _Receipt(Future[Any]):
    def __init__(self, executor: _Threads) -> None:
        super().__init__()
        self._executor = executor

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self._executor.release()
        return super().result(timeout)


def _told(design: Design, rng: Any) -> float:
    if not isinstance(rng, np.random.Generator):
        raise TryAgain(
            f"evaluate(design, rng) needs a generator, np.random.default_rng(...); it gets a {type(rng).__name__}."
        )
    return float(design["size"]) + float(rng.random())


def _fails(design: Design, rng: Any) -> float:
    if design["size"] == 2:
        raise ValueError("a bug that belongs to this design")
    return _told(design, rng)


@LAB.exercise("15.1", "map_tasks(evaluate, tasks, executor)", title="Whoever works", points=6)
def _(student: Student) -> None:
    sizes, rates = (4, 2, 7, 2, 1, 9, 4, 4), (0.1, 0.1, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1)
    replicates = (0, 0, 0, 1, 0, 2, 0, 1)
    tasks = [({"size": s, "rate": r}, k) for s, r, k in zip(sizes, rates, replicates, strict=True)]

    def run(these: list[tuple[Design, int]], evaluate: Callable[..., float] = _told) -> tuple[list[Any], _Threads]:
        executor = _Threads(len(these))
        answer = student(evaluate, these, executor)
        refuse(
            not isinstance(answer, list | tuple | np.ndarray),
            f"your function should return a list of results, but it returns a {type(answer).__name__}.",
        )
        found = list(answer)
        refuse(
            any(isinstance(one, Future) for one in found),
            "you return futures, the receipts; ask each for its .result().",
        )
        refuse(
            executor.n_submitted == 0,
            "the executor gets nothing: you evaluate here. executor.submit(evaluate, ...) sends a task away.",
        )
        refuse(
            executor.n_submitted > len(these),
            f"{len(these)} tasks, but {executor.n_submitted} calls of submit: each task is sent once.",
        )
        refuse(
            len(found) != len(these),
            f"{len(these)} tasks give {len(found)} results. There is one result for each task, equal ones too.",
        )
        refuse(
            executor.closed,
            "you shut the executor down (`with executor:` does that, too). It isn't yours: whoever opened it may have "
            "more tasks for it.",
        )
        for one in found:
            refuse(
                not isinstance(one, int | float | np.number),
                f"a result is a {type(one).__name__}; return what `evaluate` returned, a number, for each task.",
            )
        refuse(
            executor.early,
            "each task waits for the one before: .result() in the loop that submits makes all other workers idle. "
            "Submit all of them first, keep the futures in a list, and then ask for the results.",
        )
        return [float(one) for one in found], executor

    def right(these: Sequence[tuple[Design, int]], **changed: int) -> list[float]:
        return [_told(d, np.random.default_rng(seed_of(d, changed.get("replicate", k)))) for d, k in these]

    found, _ = run(tasks)
    expected = right(tasks)
    if found != expected:
        refuse(
            sorted(found) == sorted(expected),
            "the right results in the wrong order: is it that of completion? They belong in the order of the tasks, "
            "whoever finishes first; a list of futures in that order keeps it.",
        )
        refuse(
            found == right(tasks, replicate=0),
            "replicates of one design draw the same numbers: seed_of needs the design *and* the replicate.",
        )
        draws = [round(value - int(d["size"]), 9) for value, (d, _) in zip(found, tasks, strict=True)]
        refuse(
            sorted(int(value) for value in found) != sorted(int(d["size"]) for d, _ in tasks),
            "some designs are evaluated twice and others never: does a function made in a loop look at the loop's "
            "variable too late? Give submit the design as an argument.",
        )
        refuse(
            len(set(draws)) == 1,
            "all tasks draw the same numbers: the seed is a constant (or the process, which is one for all here).",
        )
        refuse(
            len(set(draws)) <= 2,
            "all tasks of one worker draw the same numbers, and who works on what is chance: the seed comes from the "
            "worker, not from the task.",
        )
        named = [right([(d, k) for e, k in tasks if e == d]) for d, _ in tasks]
        refuse(
            all(value in same for value, same in zip(found, named, strict=True)),
            "of two replicates of a design, one has the other's result: is a dict keyed by the design alone? Equal "
            "designs overwrite each other there.",
        )
        again, _ = run(tasks)
        turned, _ = run(tasks[::-1])
        refuse(
            sorted(again) != sorted(found) and sorted(turned) != sorted(found),
            "two runs differ: a generator without a seed takes one from the system.",
        )
        refuse(
            sorted(turned) != sorted(found),
            "the numbers depend on where a task stands in the list, or on which comes first: is it one generator for "
            "all (whoever is first gets the first numbers), or the seed of a place (0, 1, 2)?",
        )
        raise TryAgain(
            "each task should get np.random.default_rng(seed_of(design, replicate)), a fresh generator of its own. "
            f"For the task {tasks[0]} your result is {found[0]:.6g}, but should be {expected[0]:.6g}."
        )
    try:
        student(_fails, tasks, _Threads(len(tasks)))
    except ValueError:
        return
    except TryAgain:  # nothing is returned, because the error was caught
        pass
    raise TryAgain(
        "one evaluation raised a ValueError, and your function hides it. A bug is no bad luck: let it through, "
        ".result() raises it by itself."
    )


# 15.2 Never wait for the slowest


class Pool:
    """Workers in virtual time: `submit(design)` sends a design away, `wait()` gives (design, score) of the next.

    Args:
        seconds: design -> how long its evaluation takes.
        score: design -> its score.
        n_workers: how many work at the same time; more designs than that stand in line.
        deaths: numbers of the submissions (0, 1, ...) whose worker dies: `wait` gives None as their score.
    """

    def __init__(
        self,
        seconds: Callable[[Any], float],
        score: Callable[[Any], float],
        n_workers: int,
        deaths: Sequence[int] = (),
    ) -> None:
        self.n_workers, self.clock = n_workers, 0.0
        self.n_submitted = 0
        self.log: list[tuple[Any, int, float, float]] = []
        self._seconds, self._score, self._deaths = seconds, score, set(deaths)
        self._free = [(0.0, worker) for worker in range(n_workers)]
        self._running: list[tuple[float, int, Any]] = []

    @property
    def n_running(self) -> int:
        """How many designs are under way."""
        return len(self._running)

    def submit(self, design: Any) -> None:
        """Send a design to the next idle worker."""
        free, worker = heapq.heappop(self._free)
        start = max(self.clock, free)
        end = start + self._seconds(design)
        heapq.heappush(self._free, (end, worker))
        heapq.heappush(self._running, (end, self.n_submitted, design))
        self.log.append((design, worker, start, end))
        self.n_submitted += 1

    def wait(self) -> tuple[Any, float | None]:
        """Wait for the next that ends: its design and its score, or None if its worker died."""
        if not self._running:
            raise TryAgain("you call pool.wait() while nothing is under way: it would wait for ever.")
        self.clock, number, design = heapq.heappop(self._running)
        return design, None if number in self._deaths else self._score(design)


class _Watched:
    """A pool, an ask and a tell that notice how they are used."""

    def __init__(self, n_workers: int, n_evaluations: int, deaths: Sequence[int] = ()) -> None:
        draws = np.random.default_rng(n_workers).lognormal(0, 1, 500)
        self.n, self.n_asked, self.told, self.idle, self.full = n_evaluations, 0, list[Any](), 0, 0
        self.early, self.news, self.lost = 0, 0, list[int]()
        self.ahead, self.new, self.zero = 0, 0, set[int]()  # designs in hand while all work; sent at all; with score 0
        self.refills, self.fresh = list[int](), False  # how many were under way when somebody new was sent
        self.pool = Pool(lambda d: float(draws[d % 500]), lambda d: float(np.sin(d)), n_workers, deaths)
        self._submit, self._wait = self.pool.submit, self.pool.wait
        self.pool.submit, self.pool.wait = self.submit, self.wait  # type: ignore[method-assign]

    def ask(self) -> int:
        in_hand = self.n_asked - self.new
        if self.pool.n_running + in_hand >= self.pool.n_workers:
            self.ahead = max(self.ahead, in_hand + 1)
        self.n_asked += 1
        self.early += self.news
        refuse(
            self.n_asked > self.n + 200,
            f"ask() is called more than {self.n + 200} times for {self.n} evaluations: your loop doesn't end.",
        )
        return self.n_asked - 1

    def submit(self, design: Any) -> None:
        refuse(
            not isinstance(design, int),
            f"pool.submit takes a design, what ask() gives; it got a {type(design).__name__}.",
        )
        refuse(
            design in self.zero and design not in [d for d, _ in self.told],
            "a design with the score 0.0 is submitted again, as if its worker had died. A score of 0 is a score: ask "
            "`score is None`, since `not score` is true for both.",
        )
        refuse(
            self.pool.n_submitted > self.n + 200,
            f"more than {self.n + 200} designs are sent away for {self.n} evaluations: your loop doesn't end.",
        )
        if self.fresh and design not in self.lost:
            self.refills.append(self.pool.n_running)
            self.fresh = False
        self.new += design not in self.lost
        self._submit(design)
        self.full = max(self.full, self.pool.n_running)

    def wait(self) -> tuple[Any, float | None]:
        # Somebody is idle, although designs are still to be evaluated.
        rest = self.n - len(self.told) - self.pool.n_running
        self.idle += self.pool.n_running < self.pool.n_workers and rest > 0
        if not self.pool.n_running and self.lost:
            refuse(
                self.pool.n_submitted < self.n_asked + len(self.lost),
                "you wait for a score that never comes: its worker died, and the design wasn't submitted again.",
            )
            refuse(
                self.n_asked < self.n,
                f"you wait for {self.n} scores, but ask() was called {self.n_asked} times only: a design that is "
                "submitted again is no new one, so don't count it.",
            )
        design, score = self._wait()
        self.fresh = True
        if score is None:
            self.lost.append(design)
        elif score == 0:
            self.zero.add(design)
        self.news = int(score is not None)
        return design, score

    def tell(self, design: Any, score: Any) -> None:
        refuse(
            score is None,
            "a score of None is told: that worker died, and there is no score. Submit the same design again.",
        )
        refuse(
            not isinstance(design, int) or not isinstance(score, float),
            "tell takes the design and its score, tell(design, score), as pool.wait() gives them.",
        )
        refuse(
            score != float(np.sin(design)),
            "a design is told with another's score. pool.wait() says whose it is: use its design.",
        )
        self.news = 0
        self.told.append((design, score))


@LAB.exercise("15.2", "steady_state(ask, tell, pool, n_evaluations)", title="Never wait for the slowest", points=6)
def _(student: Student) -> None:
    def run(n_workers: int, n: int, deaths: Sequence[int] = ()) -> None:
        w = _Watched(n_workers, n, deaths)
        history = student(w.ask, w.tell, w.pool, n)
        refuse(w.pool.n_submitted == 0, "nothing is sent away: pool.submit(ask()) gives a new design to a worker.")
        refuse(not w.told, "nothing is told: tell(design, score) lets the search learn, after each wait.")
        refuse(
            w.pool.n_submitted > w.n_asked + len(w.lost),
            "a design is sent away twice, though nobody died over it the first time.",
        )
        refuse(
            w.full > n_workers,
            f"{w.full} designs are under way on {n_workers} workers: those in line were bred too early, without the "
            "scores that came since. Ask only when a worker is idle.",
        )
        refuse(
            w.ahead > 0,
            f"ask() is called while all workers are busy: designs ({w.ahead} at most) stay in hand, and know nothing "
            "of the scores that come meanwhile. Ask when a worker is idle, and submit at once.",
        )
        refuse(
            w.full == 1 and n_workers > 1,
            f"never more than one design is under way, so {n_workers - 1} of {n_workers} workers are idle. Fill all "
            "of them before you wait.",
        )
        designs = [d for d, _ in w.told]
        refuse(len(set(designs)) < len(designs), "a score is told twice, so an evaluation counts double.")
        refuse(
            w.n_asked > n and not set(w.lost) <= set(designs),
            "a design whose worker died is replaced by a new one. Submit the same design again, or it is lost.",
        )
        refuse(
            len(w.told) < n and w.pool.n_submitted > w.n_asked,
            f"a death is counted as an evaluation: {n} were asked for, and only {len(w.told)} scores are told. Count "
            "scores.",
        )
        refuse(
            bool(w.lost) and len(w.told) < n,
            f"{n} evaluations were asked for, and {len(w.told)} scores are told: those whose worker died are lost. "
            "A score of None counts nothing; submit that design again.",
        )
        refuse(
            n_workers > 1 and len(w.refills) > 0 and max(w.refills) == 0,
            "while the slowest of a batch is under way, the others are idle: you refill only when all have finished. "
            "Refill after each wait.",
        )
        refuse(
            w.early > 0,
            "ask() comes before tell() of what has just finished, so the new design is bred without the newest score.",
        )
        refuse(
            len(w.told) > n or (w.n_asked > n and w.pool.n_running == 0),
            f"{n} evaluations were asked for, but {max(len(w.told), w.n_asked)} designs are asked for and paid.",
        )
        refuse(
            w.pool.n_running > 0,
            f"{w.pool.n_running} designs are still under way when you return: their work is thrown away. Stop asking "
            f"after {n} designs, and wait for the last ones.",
        )
        refuse(
            len(w.told) < n,
            f"{n} evaluations were asked for, but only {len(w.told)} scores are told. Who waits for the last ones?",
        )
        refuse(
            w.idle > 0,
            "a worker is idle while there is still something to evaluate: after each wait, fill up what is free, also "
            "after a worker died.",
        )
        refuse(
            not isinstance(history, list) or [tuple(pair) for pair in history if np.shape(pair) == (2,)] != w.told,
            "the list that you return should hold (design, score) of every evaluation, in the order in which you told "
            "them.",
        )

    run(4, 25)
    run(1, 5)
    run(3, 20, deaths=(2, 7, 8, 9, 15))
    run(8, 5)  # more workers than evaluations
    run(2, 6, deaths=(0, 2, 3, 4))


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
    seconds: Sequence[float], n_workers: int, step: Callable[[float, float], tuple[float, float]], more: float = 0.0
) -> tuple[list[float], float]:
    """The same with another step: (scheduler, idle) -> (scheduler, start); `more` seconds are added to each task."""
    idle, scheduler, starts = [0.0] * n_workers, 0.0, list[float]()
    for length in seconds:
        scheduler, start = step(scheduler, heapq.heappop(idle))
        starts.append(start)
        heapq.heappush(idle, start + more + length)
    return starts, max(idle)


def _ahead(seconds: Sequence[float], n_workers: int, dispatch: float) -> tuple[list[float], float]:
    return _by_heap(seconds, n_workers, lambda scheduler, idle: (scheduler + dispatch, max(scheduler + dispatch, idle)))


def _late(seconds: Sequence[float], n_workers: int, dispatch: float) -> tuple[list[float], float]:
    return _by_heap(seconds, n_workers, lambda scheduler, idle: (max(scheduler, idle) + dispatch, max(scheduler, idle)))


def _twice(seconds: Sequence[float], n_workers: int, dispatch: float) -> tuple[list[float], float]:
    return _by_heap(seconds, n_workers, lambda scheduler, idle: (max(scheduler, idle) + dispatch,) * 2, dispatch)


def _like(**changed: Any) -> Callable[..., Any]:
    return lambda seconds, n_workers, dispatch: _queue(seconds, n_workers, dispatch, **changed)


_QUEUE_MISTAKES: dict[str, Callable[..., Any]] = {
    "more than n_workers work at once: a task takes a worker, who isn't idle before its end. Push that end to the "
    "heap.": _like(frees=False),
    "one worker too many is at work: the heap begins with n_workers zeros.": _like(n_more=1),
    "one worker too few is at work: the heap begins with n_workers zeros.": _like(n_more=-1),
    "the workers take turns (0, 1, 2, ...), also when another one is idle. The next task goes to whoever is idle "
    "first.": _like(pick=lambda free, i: i % len(free)),
    "each task waits for the one before to end. Does it go to the worker who is idle *last* (take the smallest of the "
    "times, heappop), or does the scheduler stay until the work is done?": _like(
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
    "`dispatch` is ignored.": _like(counts_dispatch=0.0),
    "all workers are served at the same time. There is one scheduler: it hands out one task after the other, and each "
    "takes `dispatch` seconds.": _like(line=False),
    "the makespan is the end of the last task of the list; an earlier one may end later.": _like(
        last=lambda starts, ends: float(ends[-1])
    ),
    "the makespan is the latest *start*; it is the latest end.": _like(last=lambda starts, ends: float(max(starts))),
    "the makespan is the work divided by the workers, as if nobody ever were idle.": lambda s, n, d: (
        _queue(s, n, d)[0],
        sum(s) / n,
    ),
    "you return the ends of the tasks, not their starts.": lambda s, n, d: (
        _queue(s, n, d)[0] + np.asarray(s),
        _queue(s, n, d)[1],
    ),
    "you return when the scheduler turns to a task; it starts `dispatch` seconds later.": lambda s, n, d: (
        _queue(s, n, d)[0] - d,
        _queue(s, n, d)[1],
    ),
}


@LAB.exercise("15.3", "queue(seconds, n_workers, dispatch)", title="The queue on paper", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(15)

    def case(n_tasks: int, n_workers: int, dispatch: float) -> tuple[list[float], int, float]:
        return rng.lognormal(0, 1, n_tasks).round(3).tolist(), n_workers, dispatch

    compare(
        student,
        returns=("starts", "makespan"),
        by_hand=[(([5.0, 1.0, 1.0, 2.0], 2, 0.5), ([0.5, 1.0, 2.5, 4.0], 6.0))],
        others=[case(12, 3, 0.1), case(9, 1, 0.0), case(4, 9, 0.3), case(40, 5, 0.02), case(30, 6, 0.4)],
        right=_queue,
        mistakes=_QUEUE_MISTAKES,
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
