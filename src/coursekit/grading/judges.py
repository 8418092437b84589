"""Judges at work: processes that grade notebooks one after the other, here or on the workers of a Dask cluster."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from typing import Any, TypeVar

from coursekit.grading.judging import Task
from neuroevo.workers import Evaluator, dask

__all__ = ["judged", "judged_by"]

_Key = TypeVar("_Key")
_AHEAD = 256  # notebooks that a scheduler has at a time: more than a cluster for a class has cores
_own = threading.local()
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class _Judge:
    """A process that judges; a new one is made where it has ended."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.stopped = False

    def __call__(self, task: Task) -> tuple[dict[str, Any], list[str]]:
        """(exercise -> finding, notes). A judge that is ended from outside is replaced, once."""
        for _ in range(2):
            found, notes, ended = self._ask(task)
            if ended or self.stopped:
                return found, notes
        return found, [*notes, "the judge was ended twice while this notebook was graded"]

    def _ask(self, task: Task) -> tuple[dict[str, Any], list[str], bool]:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "coursekit.grading.judging"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                env=os.environ | dict.fromkeys(_THREADS, "1"),
                start_new_session=True,  # Ctrl-C is for us
            )
        assert self.process.stdin
        assert self.process.stdout
        found, notes = dict[str, Any](), list[str]()
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(asdict(task)) + "\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                with contextlib.suppress(ValueError):  # half a line, if it was ended
                    number, finding = json.loads(line)
                    if number in ("done", "failed"):
                        return found, notes, True
                    if number:
                        found[number] = finding
                    else:
                        notes.append(finding)
        self.end()
        return found, notes, False

    def stop(self) -> None:
        """End the process, and start no other."""
        self.stopped = True
        self.end()

    def end(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                with contextlib.suppress(OSError, ValueError):  # what was still to be written to it
                    pipe and pipe.close()


def judged(
    tasks: Iterable[tuple[_Key, Task]], jobs: int
) -> Generator[tuple[_Key, dict[str, Any], list[str]], None, None]:
    """(key, exercise -> finding, notes) of each task, as they are done.

    `tasks` is asked for one more when one is begun. When the loop is left, all processes are ended.
    """
    judges: list[_Judge] = []

    def work(task: Task) -> tuple[dict[str, Any], list[str]]:
        if not hasattr(_own, "judge") or _own.judge not in judges:
            _own.judge = _Judge()
            judges.append(_own.judge)
        return _own.judge(task)

    todo = iter(tasks)
    running: dict[Future[Any], _Key] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                while len(running) < jobs and (one := next(todo, None)) is not None:
                    running[pool.submit(work, one[1])] = one[0]
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    key = running.pop(future)
                    found, notes = future.result()
                    yield key, found, notes
        finally:
            for judge in judges:
                judge.stop()


def judged_by(
    address: str, tasks: Iterable[tuple[_Key, Task]]
) -> Generator[tuple[_Key, dict[str, Any], list[str]], None, None]:
    """The same, by the workers of the Dask scheduler at `address`; a notebook whose worker is lost goes to another one.

    Raises:
        WorkersError: no scheduler answers there, or its workers die again and again.
    """
    keys: dict[int, _Key] = {}

    def designs() -> Iterator[tuple[dict[str, Any], int]]:
        for number, (key, task) in enumerate(tasks):
            keys[number] = key
            yield asdict(task), number

    with Evaluator(_judged_there, dask(address), by_seed=True) as evaluator:
        for evaluation in evaluator.as_completed(designs(), n_ahead=_AHEAD):
            found, notes = evaluation.result
            yield keys[evaluation.seed], found, notes


def _judged_there(task: dict[str, Any], number: int) -> list[Any]:
    """What runs on a worker: each of its threads keeps a judge, which ends with the worker."""
    if not hasattr(_own, "judge"):
        _own.judge = _Judge()
    return list(_own.judge(Task(**{**task, "cells": [(place, source) for place, source in task["cells"]]})))
