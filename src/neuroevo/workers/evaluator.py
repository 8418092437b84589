"""The books of many evaluations: which tasks are asked for, under way, lost, to be tried again, or known."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from neuroevo.workers.executors import Opener, WorkersError, serial
from neuroevo.workers.tasks import Design, Task, plain, rng_for, task_key

_MAX_DEATHS = 3  # in a row, without a single evaluation finished in between


@dataclass(frozen=True)
class Evaluation:
    """What one task gave: its `result`, which worker ran it, when it started (seconds since 1970), how long it took."""

    design: dict[str, Any]
    seed: int
    result: Any
    worker: str
    started: float
    seconds: float


def _with_rng(evaluate: Callable[..., Any], design: Design, seed: int) -> Any:
    return evaluate(design, rng_for(design, seed))


def _evaluated(evaluate: Callable[..., Any], design: Design, seed: int) -> str:
    """What runs on the worker: an evaluation, as a line of the journal."""
    started, began = time.time(), time.perf_counter()
    result = evaluate(design, seed)
    seconds, worker = time.perf_counter() - began, f"{platform.node()}-{os.getpid()}"
    about = {"design": design, "seed": seed, "result": result, "worker": worker, "started": started, "seconds": seconds}
    return json.dumps(about, default=plain)


class Evaluator:
    """Evaluates tasks through an executor, each once, and remembers what came out.

    Args:
        evaluate: called as evaluate(design, rng), on a worker; what it returns must be something that JSON can say.
        opener: opens an executor: `serial`, `processes(n)`, `dask(address)`, or a function of yours. It is called again
            when all workers have died.
        by_seed: call evaluate(design, seed) instead; it then has its random numbers from the seed alone.
        journal: a JSON-lines file of what has been evaluated, one line each, written as soon as it is known. One that
            is there is read first, and what is in it isn't evaluated again.
        retries: how often a task that raises is tried again, with the same random numbers.
        patience: seconds without any evaluation finished after which to give up; None waits for ever, such as for a new
            worker on a Dask cluster that has lost all of them.

    Attributes:
        done: `task_key` -> evaluation, of all that is known.

    Use it as a context manager: leaving it ends its workers.
    """

    def __init__(
        self,
        evaluate: Callable[..., Any],
        opener: Opener = serial,
        *,
        by_seed: bool = False,
        journal: str | Path | None = None,
        retries: int = 0,
        patience: float | None = None,
    ) -> None:
        self._evaluate = evaluate if by_seed else partial(_with_rng, evaluate)
        self.retries, self.patience = retries, patience
        self.done: dict[str, Evaluation] = {}
        self._journal = None if journal is None else Path(journal)
        if self._journal is not None and self._journal.exists():
            self._read(self._journal)
        self._opener = opener
        self._open()

    def _open(self) -> None:
        self._manager = self._opener()
        self._executor = self._manager.__enter__()

    def close(self) -> None:
        """End the workers; it may be called twice."""
        self._manager.__exit__(None, None, None)

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(self, tasks: Iterable[Task]) -> list[Evaluation]:
        """Evaluate (design, seed) tasks; the evaluations come in the order of the tasks, whoever finishes first.

        Raises:
            WorkersError: see `as_completed`.
        """
        tasks = list(tasks)
        for _ in self.as_completed(tasks):
            pass
        return [self.done[task_key(*task)] for task in tasks]

    def as_completed(self, tasks: Iterable[Task | None], n_ahead: int | None = None) -> Iterator[Evaluation]:
        """Evaluate tasks and yield each evaluation when it is known.

        Args:
            tasks: (design, seed) pairs. A generator is asked for the next task only when there is room for it, so it
                may use what has been yielded until then: that is a steady-state search. It may also give None: ask
                again when the next evaluation is known.
            n_ahead: how many tasks may be under way at the same time; None is no limit.

        Raises:
            WorkersError: a task raised (the message names its design), or the workers died again and again, or
                nothing was finished for `patience` seconds. What was finished is in `done` and in the journal.
        """
        if n_ahead is not None and n_ahead < 1:
            raise ValueError(f"n_ahead must be at least 1 (or None), not {n_ahead}")
        coming, more = iter(tasks), True
        waiting: dict[str, list[Task]] = {}  # key -> who waits for the answer: several where tasks are equal
        running: dict[Future[str], str] = {}
        again: deque[str] = deque()
        failures: Counter[str] = Counter()
        n_deaths = n_known = 0
        try:
            while True:
                while again or (more and (n_ahead is None or sum(map(len, waiting.values())) < n_ahead)):
                    if again:
                        key = again.popleft()
                    else:
                        task = next(coming, _NO_MORE)
                        more = task is not _NO_MORE
                        if not more or task is None:
                            break
                        key = task_key(*task)
                        waiting.setdefault(key, []).append(task)
                        if len(waiting[key]) > 1:
                            continue
                    if key in self.done:
                        yield from [self.done[key]] * len(waiting.pop(key))
                        continue
                    future = self._submit(waiting[key][0])
                    running[future] = key
                    if future.done():  # the serial executor's, or nobody's: look at it before the next
                        break
                if not running:
                    if more:
                        raise WorkersError(f"the next task waits for an evaluation that nobody makes. {self._kept()}")
                    return
                if not wait(running, self.patience, FIRST_COMPLETED).done:
                    raise WorkersError(f"nothing was finished for {self.patience:g} seconds. {self._kept()}")
                died = False
                for future in [one for one in running if one.done()]:
                    key = running.pop(future)
                    design, seed = waiting[key][0]
                    try:
                        line = future.result()
                    except (BrokenExecutor, CancelledError):
                        died = True
                        again.append(key)
                    except Exception as error:
                        failures[key] += 1
                        if failures[key] > self.retries:
                            self._rescue(running, wait=True)
                            raise WorkersError(
                                f"the evaluation of {dict(design)} (replicate {seed}) raised {type(error).__name__}: "
                                f"{error}. {self._kept()}"
                            ) from error
                        again.append(key)
                    else:
                        yield from [self._keep(line)] * len(waiting.pop(key))
                if died:
                    again.extend(running.values())
                    self._rescue(running, wait=True)
                    n_deaths = n_deaths + 1 if len(self.done) == n_known else 1
                    n_known = len(self.done)
                    self._reopen(n_deaths, [waiting[key][0] for key in again])
        finally:
            self._rescue(running, wait=False)

    def _reopen(self, n_deaths: int, lost: list[Task]) -> None:
        """New workers in place of those that died; an error if others before them did nothing but die."""
        names = f"{[dict(design) for design, _ in lost[:9]]}" + f" and {len(lost) - 9} more" * (len(lost) > 9)
        if n_deaths == _MAX_DEATHS:
            raise WorkersError(
                f"the workers died {n_deaths} times without finishing anything. Among these is what kills them: "
                f"{names}. Does it need more memory than there is? Is it in a module that they find? {self._kept()}"
            )
        self.close()
        try:
            self._open()
        except WorkersError as error:
            raise WorkersError(f"{error} {self._kept()} Under way were {names}.") from error.__cause__

    def _submit(self, task: Task) -> Future[str]:
        try:
            return self._executor.submit(_evaluated, self._evaluate, *task)
        except BrokenExecutor as error:  # died since we looked; told like any other death
            future: Future[str] = Future()
            future.set_exception(error)
            return future

    def _rescue(self, running: dict[Future[str], str], *, wait: bool) -> None:
        """Call off what hasn't begun, and keep what can still be had of the rest, or is known already."""
        for future in running:
            future.cancel()
        for future in running:
            if (wait or future.done()) and not future.cancelled() and future.exception() is None:
                self._keep(future.result())
        running.clear()

    def _keep(self, line: str) -> Evaluation:
        evaluation = Evaluation(**json.loads(line))  # as it will be when it is read from a journal
        if self._journal is not None:
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        self.done[task_key(evaluation.design, evaluation.seed)] = evaluation
        return evaluation

    def _read(self, journal: Path) -> None:
        whole, _, torn = journal.read_bytes().rpartition(b"\n")
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                evaluation = Evaluation(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise WorkersError(
                    f"line {number} of {journal} is no evaluation ({error}): mend or delete it; the others are kept"
                ) from error
            self.done[task_key(evaluation.design, evaluation.seed)] = evaluation
        if torn:  # the writer was killed in the middle of its last line
            os.truncate(journal, journal.stat().st_size - len(torn))

    def _kept(self) -> str:
        where = "in memory" if self._journal is None else f"in {self._journal}"
        return f"{len(self.done)} completed evaluations are kept {where}, and won't be repeated."


_NO_MORE: Any = object()
