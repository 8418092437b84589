"""What lab 15 asks of a map for any workers: results in order, a seed of its own for every task, nobody idle."""

import hashlib
import inspect
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any

import numpy as np

from coursekit.feedback import Student, TryAgain, refuse, seems

__all__ = ["judge_map", "seed_of"]

Design = dict[str, Any]


def seed_of(design: Design, replicate: int) -> int:
    """A whole number that belongs to this task and to no other, from a hash of both."""
    text = json.dumps([design, replicate], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@seems("Executor")
class _Threads(Executor):
    """Two workers who begin when all tasks are there, and then take turns, the last task first."""

    def __init__(self, n_expected: int) -> None:
        self.n_expected, self.n_submitted, self._turn = n_expected, 0, 0
        self.early = 0  # how many tasks had been sent when somebody waited too early
        self.done: list[tuple[Any, float]] = []  # size and score of what was evaluated
        self.closed = False
        self._tasks: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._news = threading.Condition(threading.RLock())
        for number in range(2):
            threading.Thread(target=self._work, args=(number,), daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not callable(fn):
            raise TryAgain(
                f"submit gets a {type(fn).__name__} as its first argument: it takes the function and its arguments "
                "apart, in this order, submit(f, a, b), not submit(f(a, b))."
            )
        with suppress(ValueError):  # some functions written in C don't tell what they take
            try:
                inspect.signature(fn).bind(*args, **kwargs)
            except TypeError as error:
                raise TryAgain(
                    f"submit sends {getattr(fn, '__name__', 'a function')} with arguments that it doesn't take "
                    f"({error}): they stand apart, submit(f, a, b), and not in one tuple or list."
                ) from None
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
            if self.n_submitted < self.n_expected:
                self.early = self.early or self.n_submitted
            self.n_expected = 0
            self._news.notify_all()

    def settle(self) -> None:
        """Wait until all that was sent is done, also what nobody asks for."""
        with self._news:
            self._news.wait_for(lambda: self._turn >= self.n_submitted, 3)

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


@seems("Future")
class _Receipt(Future[Any]):
    def __init__(self, executor: _Threads) -> None:
        super().__init__()
        self._executor = executor

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self._executor.release()
        return super().result(timeout)


def evaluate(design: Design, rng: Any) -> float:
    """An evaluation under the name that students know: a score of the design's size, and one draw."""
    if not isinstance(rng, np.random.Generator):
        raise TryAgain(
            f"evaluate(design, rng) needs a generator, np.random.default_rng(...); it gets a {type(rng).__name__}."
        )
    return float(design["size"]) + float(rng.random())


@seems("function")
class _Fails:
    """An evaluation with a bug that belongs to one design, and whether it was met."""

    met = False

    def __call__(self, design: Design, rng: Any) -> float:
        if design["size"] == 2:
            self.met = True
            raise ValueError("a bug that belongs to this design")
        return evaluate(design, rng)


def judge_map(student: Student) -> None:
    """Eight tasks, some of them replicates, on two workers who finish in another order; and one that fails."""
    sizes, rates = (4, 2, 7, 2, 1, 9, 4, 4), (0.1, 0.1, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1)
    replicates = (0, 0, 0, 1, 0, 2, 0, 1)
    tasks = [({"size": s, "rate": r}, k) for s, r, k in zip(sizes, rates, replicates, strict=True)]

    def run(these: list[tuple[Design, int]], evaluate: Callable[..., float] = evaluate) -> tuple[list[Any], _Threads]:
        executor = _Threads(len(these))

        def evaluated(design: Design, rng: Any) -> float:
            score = evaluate(design, rng)
            executor.done.append((design["size"], score))
            return score

        evaluated.__name__ = evaluated.__qualname__ = "evaluate"
        answer = student(evaluated, these, executor)
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
            "the executor gets nothing: executor.submit(evaluate, ...) sends a task to its workers. Do you evaluate "
            "here, or in an executor of your own, or nothing at all?",
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
            executor.n_submitted < len(these),
            f"{len(these)} tasks, but only {executor.n_submitted} calls of submit: each task is sent, also one whose "
            "design is that of another.",
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
            f"your function waits when only {executor.early} of {len(these)} tasks are sent, as .result() in the loop "
            "that submits does: workers are idle. Submit all of them first, keep the futures in a list, and then ask "
            "for the results.",
        )
        return [float(one) for one in found], executor

    def right(these: Sequence[tuple[Design, int]], **changed: int) -> list[float]:
        return [evaluate(d, np.random.default_rng(seed_of(d, changed.get("replicate", k)))) for d, k in these]

    found, first = run(tasks)
    expected = right(tasks)
    if found != expected:
        refuse(
            found in (sorted(expected), sorted(expected, reverse=True)),
            "the right results, but sorted: they belong in the order of the tasks.",
        )
        refuse(
            sorted(found) == sorted(expected),
            "the right results in the wrong order: is it that of completion? They belong in the order of the tasks, "
            "whoever finishes first; a list of futures in that order keeps it.",
        )
        refuse(
            found == right(tasks, replicate=0),
            "replicates of one design draw the same numbers: seed_of needs the design *and* the replicate.",
        )
        refuse(
            any(np.array_equal(found, np.round(expected, decimals)) for decimals in range(8)),
            f"your results are rounded, {found[0]:g} for {expected[0]:.6g}: return what `evaluate` returned, as it is.",
        )
        first.settle()
        met, due = sorted(size for size, _ in first.done), sorted(d["size"] for d, _ in tasks)
        refuse(
            met != due,
            f"there are designs of the sizes {due}, and your workers evaluate some of the sizes {met}: does a "
            "function made in a loop look at the loop's variable too late (give submit the design as an argument), or "
            "is the design of an earlier call kept?",
        )
        refuse(
            set(found) - {score for _, score in first.done},
            f"your results aren't what `evaluate` returned for the tasks: the first is {found[0]:.6g}, and should be "
            f"{expected[0]:.6g}. Return each as it is.",
        )
        draws = [round(value - int(d["size"]), 9) for value, (d, _) in zip(found, tasks, strict=True)]
        refuse(
            len(set(draws)) == 1,
            "all tasks draw the same numbers: is the seed a constant, or the number of the process, which is one "
            "for all here?",
        )
        refuse(
            len(set(draws[::2])) == len(set(draws[1::2])) == 1,
            "all tasks of one worker draw the same numbers, and who works on what is chance: the seed comes from the "
            "worker, not from the task.",
        )
        named = [right([(d, k) for e, k in tasks if e == d]) for d, _ in tasks]
        refuse(
            all(value in same for value, same in zip(found, named, strict=True)),
            "of two replicates of a design, one has the other's result: is a dict keyed by the design alone, in which "
            "equal designs overwrite each other, or does seed_of get the replicate of another task?",
        )
        again, _ = run(tasks)
        turned, _ = run(tasks[::-1])
        refuse(
            sorted(again) != sorted(found) and sorted(turned) != sorted(found),
            "two calls with the same tasks differ: is a generator made without a seed (it takes one from the system), "
            "or does one go on from call to call? Each task has its own.",
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
    few, executor = [({"size": 3, "rate": 0.2}, 1), ({"size": 8, "rate": 0.4}, 0)], _Threads(2)
    before = first.n_submitted
    again = list(student(evaluate, few, executor))
    refuse(
        executor.n_submitted == 0 and first.n_submitted > before,
        "a second call sends nothing to its executor: the one of the first call gets it.",
    )
    refuse(executor.n_submitted == 0, "a second call, with other tasks, sends nothing to its executor.")
    refuse(
        again != right(few),
        f"a first call with {len(tasks)} tasks is right, and a second one with {len(few)} others gives "
        f"{str(again)[:60]}, but should give {right(few)}: is something kept from the first, or typed in?",
    )
    fails = _Fails()
    try:
        student(fails, tasks, _Threads(len(tasks)))
    except ValueError:
        return
    except TryAgain:  # nothing is returned, because the error was caught
        pass
    refuse(
        not fails.met,
        "a later call with the same tasks doesn't use the `evaluate` that it is given: is the one of an earlier call "
        "kept, or what it returned?",
    )
    raise TryAgain(
        "one evaluation raised a ValueError, and your function hides it. A bug is no bad luck: let it through, "
        ".result() raises it by itself."
    )
