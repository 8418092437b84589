"""Evaluate designs somewhere else: in this process, in several, or on a Dask cluster, with the same results.

    evaluate = partial(train_mlp, **data)                  # evaluate(design, rng) -> a number, or anything JSON can say
    with Evaluator(evaluate, processes(2), journal="search.jsonl") as evaluator:
        for evaluation in evaluator.map([({"neurons": 32}, 0), ({"neurons": 64}, 0)]):
            print(evaluation.design, evaluation.result)

A task is a design, a dict, and the number of a replicate. Its random numbers come from these two and from nothing else,
so it doesn't matter who evaluates it, when, or how often. Whatever runs the tasks is a `concurrent.futures.Executor`:
`serial`, `processes(n)`, `dask(address)`, or any other. Distributed execution itself is theirs; this module keeps the
books: one entry for each task, in a journal that a search which broke off goes on from.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import multiprocessing
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Evaluation", "Evaluator", "WorkersError", "dask", "processes", "rng_for", "serial", "task_key", "train_mlp"]

Design = Mapping[str, Any]
Task = tuple[Design, int]
Opener = Callable[[], AbstractContextManager[Executor]]

_MAX_DEATHS = 3  # in a row, without a single evaluation finished in between


class WorkersError(RuntimeError):
    """An evaluation or its workers failed; the message names the design and says what is kept."""


@dataclass(frozen=True)
class Evaluation:
    """What one task gave: its `result`, which worker ran it, when it started (seconds since 1970), how long it took."""

    design: dict[str, Any]
    seed: int
    result: Any
    worker: str
    started: float
    seconds: float


def task_key(design: Design, seed: int) -> str:
    """The task as text, the same for equal tasks: JSON with its keys in order.

    Raises:
        TypeError: the design holds something that JSON can't say.
    """
    return json.dumps([design, seed], sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is a {type(value).__name__}; use numbers, text, lists and dicts, which JSON can say")


def rng_for(design: Design, seed: int) -> np.random.Generator:
    """The task's own source of random numbers, from a hash of its design and the number of its replicate."""
    digest = hashlib.sha256(task_key(design, seed).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


class _Serial(Executor):
    """The simplest executor: `submit` does the work at once, here."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def serial() -> Executor:
    """Evaluate in this process, one task after the other."""
    return _Serial()


def processes(n_workers: int) -> Opener:
    """Evaluate in `n_workers` new processes of this machine.

    New processes import what they run: `evaluate` must stand in a module, not in a notebook, and a script needs
    `if __name__ == "__main__":` around what starts them.
    """
    return lambda: ProcessPoolExecutor(n_workers, mp_context=multiprocessing.get_context("spawn"))


def dask(address: str, timeout: float = 5.0) -> Opener:
    """Evaluate on the workers of the Dask scheduler at `address`, such as "tcp://10.0.0.7:8786".

    Args:
        address: of a scheduler that is running, on this machine or on another one.
        timeout: seconds to wait for its answer, and for its first worker; without either, opening is a WorkersError.
            One that falls silent later, for twice as long, is hung up on and called once more: if it answers then, the
            search goes on.
    """

    @contextmanager
    def opened() -> Iterator[Executor]:
        from distributed import Client

        try:
            with ThreadPoolExecutor(1) as thread:  # where no event loop runs, as one does in Jupyter
                thread.submit(asyncio.run, _greet(address, timeout)).result()
            client: Any = Client(address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkersError(
                f"no Dask scheduler answers at {address!r} within {timeout:g} seconds: is it running (`dask scheduler` "
                "prints its address), and does a firewall stand between you and it?"
            ) from error
        try:
            try:
                client.wait_for_workers(1, timeout)
            except TimeoutError as error:
                raise WorkersError(
                    f"the Dask scheduler at {address!r} has no workers: start some with `dask worker {address}`"
                ) from error
            client.loop.add_callback(_watch, client, timeout)
            yield client.get_executor(pure=False)
        finally:
            client.close()

    return opened


async def _greet(address: str, timeout: float) -> None:
    """Connect and hang up again. A `Client` waits for ever for a scheduler that accepts its call and says nothing."""
    from distributed import Security
    from distributed.comm import connect

    args = Security().get_connection_args("client")
    (await asyncio.wait_for(connect(address, timeout, **args), timeout)).abort()


async def _watch(client: Any, timeout: float) -> None:
    """Hang up on a scheduler that has fallen silent: its tasks then count as lost, and it is called once more.

    A scheduler whose process dies closes its connections, and Dask notices. One that hangs doesn't, nor does one whose
    machine or network is gone.
    """
    answer, ticks = None, 0  # counted, so that nobody is blamed for time in which this process itself was held up
    while client.status == "running" and ticks < 10:
        if answer is None:
            answer = asyncio.ensure_future(client.scheduler.identity(n_workers=0))
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # or it counts as forgotten
        await asyncio.sleep(timeout / 5)
        ticks += 1
        if answer.done():
            if not answer.cancelled() and answer.exception() is None:
                ticks = 0
            answer = None
    if client.status == "running":
        client.scheduler_comm.abort()


def _timed(evaluate: Callable[..., Any], design: Design, seed: int) -> dict[str, Any]:
    """What runs on the worker."""
    started, began = time.time(), time.perf_counter()
    result = evaluate(design, rng_for(design, seed))
    seconds = time.perf_counter() - began
    return {"result": result, "worker": f"{platform.node()}-{os.getpid()}", "started": started, "seconds": seconds}


class Evaluator:
    """Evaluates tasks through an executor, each once, and remembers what came out.

    Args:
        evaluate: called as evaluate(design, rng), on a worker; what it returns must be something that JSON can say.
        opener: opens an executor: `serial`, `processes(n)`, `dask(address)`, or a function of yours. It is called again
            when all workers have died.
        journal: a JSON-lines file of what has been evaluated, one line each, written as soon as it is known. One that
            is there is read first, and what is in it isn't evaluated again.
        retries: how often a task that raises is tried again, with the same random numbers.
        patience: seconds without any evaluation finished after which to give up; None waits for ever, such as for a new
            worker on a Dask cluster that has lost all of them.

    Use it as a context manager: leaving it ends its workers.
    """

    def __init__(
        self,
        evaluate: Callable[..., Any],
        opener: Opener = serial,
        *,
        journal: str | Path | None = None,
        retries: int = 0,
        patience: float | None = None,
    ) -> None:
        self.evaluate, self.retries, self.patience = evaluate, retries, patience
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

    def as_completed(self, tasks: Iterable[Task], n_ahead: int | None = None) -> Iterator[Evaluation]:
        """Evaluate tasks and yield each evaluation when it is known.

        Args:
            tasks: (design, seed) pairs. A generator is asked for the next task only when there is room for it, so it
                may use what has been yielded until then: that is a steady-state search.
            n_ahead: how many tasks may be under way at the same time; None is no limit.

        Raises:
            WorkersError: a task raised (the message names its design), or the workers died again and again, or
                nothing was finished for `patience` seconds. What was finished is in `done` and in the journal.
        """
        if n_ahead is not None and n_ahead < 1:
            raise ValueError(f"n_ahead must be at least 1 (or None), not {n_ahead}")
        coming, again = iter(tasks), list[Task]()
        running: dict[Future[Any], str] = {}  # the task's key
        waiting: dict[str, list[Task]] = {}  # several where equal tasks wait for one answer
        failures: Counter[str] = Counter()
        deaths = 0
        try:
            while True:
                while n_ahead is None or sum(map(len, waiting.values())) < n_ahead:
                    task = again.pop(0) if again else next(coming, None)
                    if task is None:
                        break
                    key = task_key(*task)
                    if key in self.done:
                        yield self.done[key]
                    elif key in waiting:
                        waiting[key].append(task)
                    else:
                        future = self._submit(task)
                        running[future], waiting[key] = key, [task]
                        if future.done():  # the serial executor's, or nobody's: look at it before the next
                            break
                if not running:
                    return
                finished, _ = wait(running, self.patience, FIRST_COMPLETED)
                if not finished:
                    raise WorkersError(f"nothing was finished for {self.patience:g} seconds. {self._kept()}")
                died = False
                for future in [one for one in running if one.done()]:
                    key = running.pop(future)
                    same = waiting.pop(key)
                    design, seed = same[0]
                    try:
                        evaluation = self._keep(design, seed, future.result())
                    except (BrokenExecutor, CancelledError):
                        died = True
                        again += same
                    except Exception as error:
                        failures[key] += 1
                        if failures[key] > self.retries:
                            self._drain(running, waiting)
                            raise WorkersError(
                                f"the evaluation of {dict(design)} (replicate {seed}) raised {type(error).__name__}: "
                                f"{error}. {self._kept()}"
                            ) from error
                        again += same
                    else:
                        deaths = 0
                        yield from [evaluation] * len(same)
                if died:
                    deaths += 1
                    self._drain(running, waiting)
                    again += [task for same in waiting.values() for task in same]
                    running.clear()
                    waiting.clear()
                    if deaths == _MAX_DEATHS:
                        raise WorkersError(
                            f"the workers died {deaths} times without finishing anything. Among these is what kills "
                            f"them: {[dict(design) for design, _ in again[:5]]}. Does it need more memory than there "
                            f"is? Is the function in a module, where a new process finds it? {self._kept()}"
                        )
                    self.close()
                    try:
                        self._open()
                    except WorkersError as error:
                        raise WorkersError(f"{error} {self._kept()}") from error
        finally:
            for future in running:
                future.cancel()

    def _submit(self, task: Task) -> Future[Any]:
        try:
            return self._executor.submit(_timed, self.evaluate, *task)
        except BrokenExecutor as error:  # died since we looked; told like any other death
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def _drain(self, running: Mapping[Future[Any], str], waiting: Mapping[str, list[Task]]) -> None:
        """Call off what hasn't begun, and keep what can still be had of the rest."""
        for future in running:
            future.cancel()
        for future, key in running.items():
            if not future.cancelled() and future.exception() is None:
                self._keep(*waiting[key][0], future.result())

    def _keep(self, design: Design, seed: int, told: dict[str, Any]) -> Evaluation:
        line = json.dumps({"design": design, "seed": seed, **told}, default=_plain)
        evaluation = Evaluation(**json.loads(line))  # as it will be when it is read from a journal
        if self._journal is not None:
            with self._journal.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        self.done[task_key(design, seed)] = evaluation
        return evaluation

    def _read(self, journal: Path) -> None:
        text = journal.read_text("utf-8")
        whole, _, torn = text.rpartition("\n")
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                evaluation = Evaluation(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise WorkersError(
                    f"line {number} of {journal} is no evaluation ({error}): mend or delete it; the others are kept"
                ) from error
            self.done[task_key(evaluation.design, evaluation.seed)] = evaluation
        if torn:  # the writer was killed in the middle of its last line
            journal.write_text(text[: len(text) - len(torn)], "utf-8")

    def _kept(self) -> str:
        where = "in memory" if self._journal is None else f"in {self._journal}"
        return f"{len(self.done)} completed evaluations are kept {where}, and won't be repeated."


def train_mlp(
    design: Design,
    rng: np.random.Generator,
    *,
    x: ArrayLike,
    y: ArrayLike,
    x_valid: ArrayLike,
    y_valid: ArrayLike,
    n_steps: int = 600,
) -> float:
    """Train one small network by gradient descent with momentum, in NumPy: something to evaluate.

    Args:
        design: `layers` (hidden ones), `neurons` in each, `activation` (a key of backprop.ACTIVATIONS) and
            `learning_rate`.
        rng: draws the first weights and the batches of 50.
        x, y: images (n, n_pixels) and their classes (n,), whole numbers from 0.
        x_valid, y_valid: the same for validation.
        n_steps: number of batches.

    Returns:
        Share of right answers on the validation images; 0 for a network that has blown up.
    """
    from neuroevo import backprop  # a second of import that a worker spares which never trains

    x, y, y_valid = np.asarray(x, float), np.asarray(y), np.asarray(y_valid)
    n_classes = int(y.max()) + 1
    sizes = (x.shape[1], *[int(design["neurons"])] * int(design["layers"]), n_classes)
    targets = np.eye(n_classes)[y]
    scales = [np.full(n_out * (n_in + 1), n_in**-0.5) for n_in, n_out in pairwise(sizes)]
    theta = rng.normal(size=backprop.n_params(sizes)) * np.concatenate(scales)
    velocity = np.zeros_like(theta)
    for _ in range(n_steps):
        batch = rng.integers(len(x), size=50)
        slope = backprop.gradient(theta, x[batch], targets[batch], sizes, design["activation"])
        velocity = 0.9 * velocity + slope
        theta = theta - design["learning_rate"] * velocity
        if not np.isfinite(theta).all():
            return 0.0
    answers = backprop.forward(theta, x_valid, sizes, design["activation"])[-1].argmax(axis=1)
    return float((answers == y_valid).mean())
