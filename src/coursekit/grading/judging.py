"""The judge of a notebook: it has the cells run in a process of the student's own, and judges functions from outside.

A function is judged twice, as it stood when the notebook gave it to its check and as it stands when the notebook has
ended; what is better counts. Expected values never leave this process: the checks run here, and call the student's
function over there (`peers`), which in turn may call what the check hands to it, for instance a loss or a pool of
workers, and gets that back as data.

`python -m coursekit.grading.judging` reads one task a line (JSON) and writes what it finds, one finding a line; so
whoever grades can end it at any time, and keeps what was found until then.
"""

import contextlib
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from coursekit.feedback import Lab, Status, Variant, Verdict
from coursekit.feedback.running import TooLong
from coursekit.grading.incoming import ENDED
from coursekit.grading.inside import limit
from coursekit.grading.peers import Gone
from coursekit.grading.sandbox import Limits, Sandbox
from coursekit.labs import lab_of

__all__ = ["Finding", "Task", "judge"]

_MOST_STARTS = 12
_MOST_CELLS = 10  # a notebook may compute, with all its starts, as long as so many cells may, and hold us up twice that
_MOST_CLOCK = 600  # seconds for which any may hold us up: on a busy machine little computing takes long
_MOST_CHECKS = 6  # of one exercise in one notebook: a loop that asks for verdicts learns no more
_MOST_MEMORY = 4 * 2**30  # bytes for the judge: its libraries, the checks, and what functions answer
_SET_UP = 120  # seconds for what is ours
_PATIENCE = 20  # seconds on the clock for each second that is allowed, on a machine however busy


@dataclass(frozen=True)
class Task:
    """A notebook to be judged.

    `cells` are (place, source) of its code cells, `first` is the first code cell of the lab as it was handed out, and
    `offers` what a notebook of this lab takes from its lab beside the checks. `only` names the exercises to be judged;
    none are all. `cell_seconds` of computing are allowed for a cell. `variant` is the student's, (seed, cases); without
    it, the published lab's.
    """

    lab: str
    cells: list[tuple[int, str]]
    first: str
    offers: list[str]
    cell_seconds: float = 60
    only: list[str] = field(default_factory=list)
    unsafe: bool = False
    variant: list[str] = field(default_factory=list)


@dataclass
class Finding:
    """What an exercise got: points, the status and message of its check, and a note if two looks at it differ.

    `kind` is what the message rests on (see `coursekit.feedback.Verdict`).
    """

    points: int
    status: str
    message: str
    note: str = ""
    kind: str = ""


class _Stuck(Gone):
    """The student's process has ended, or was: at a cell, or in the judging of a function."""

    def __init__(self, where: Any, why: str) -> None:
        super().__init__(why)
        self.where, self.why = where, why


def judge(task: Task) -> Iterator[tuple[str, Finding | str]]:
    """(exercise, what it got) for each automatic exercise, and ("", note) about the notebook.

    Where the process ends in a cell, the notebook runs again without that cell; where it ends in a function, again
    without that judgement: it costs that cell or that exercise alone.
    """
    lab = lab_of(task.lab)
    lab.own = Variant(*task.variant) if task.variant else None
    try:
        yield from _Judging(task, lab).findings()
    finally:
        lab.own = None


class _Judging:
    def __init__(self, task: Task, lab: Lab) -> None:
        self.task, self.lab = task, lab
        self.numbers = [n for n, e in lab.exercises.items() if e.automatic and (not task.only or n in task.only)]
        self.at_check: dict[str, Verdict] = {}
        self.at_end: dict[str, Verdict] = {}
        self.looked_at: dict[tuple[str, Any], Verdict] = {}
        self.left_out: dict[int, str] = {}
        self.errors: dict[int, str] = {}
        self.notes: list[str] = []
        self.used, self.began = 0.0, time.monotonic()  # seconds of computing in processes that have ended
        self._judging = (0.0, 0.0)  # seconds of computing, and on the clock, that checks have taken
        self.shows = False  # whether lab.passed may say yes, in a second run

    def findings(self) -> Iterator[tuple[str, Finding | str]]:
        """Run, run again where that helps, and tell."""
        self._runs()
        waited = (r"^ +def |^ +\w+ *=", [source for _, source in self.task.cells if "passed" in source])
        missing = any("NameError" in v.message or v.kind == "missing" for v in self.at_end.values())
        if missing and any(re.search(waited[0], source, re.MULTILINE) for source in waited[1]):
            self.shows = True  # something may have been defined in a cell that waited for lab.passed
            self._runs()
        for number in self.numbers:
            yield number, self._finding(number)
        for index, why in sorted(self.left_out.items()):
            yield "", f"{self._called(index)} left out: {why}"
        for index, error in sorted(self.errors.items()):
            if index not in self.left_out:
                yield "", f"{self._called(index)}: {error}"
        for note in self.notes:
            yield "", note

    def _called(self, index: int) -> str:
        """A cell as a student finds it: JupyterLab shows no cell's place, so the function of the lab is named, too."""
        functions = {exercise.function for exercise in self.lab.exercises.values()}
        defined = re.findall(r"^def (\w+)", dict(self.task.cells).get(index, ""), re.MULTILINE)
        names = [f"def {name}" for name in defined if name in functions]
        return f"cell {index + 1}" + (f" ({', '.join(names)})" if names else "")

    def _finding(self, number: str) -> Finding:
        points, name = self.lab.exercises[number].points, self.lab.exercises[number].function
        at_check, at_end = self.at_check.get(number), self.at_end.get(number)
        passed = [verdict is not None and verdict.status is Status.PASS for verdict in (at_check, at_end)]
        if any(passed):
            note = ""
            if not passed[1] and at_end is not None and at_end.kind != "missing":
                why = at_end.message or "it is no longer there"
                note = f"passed at its check, and counts; at the end of the notebook it would fail ({why})"
            return Finding(points, Status.PASS.value, "", note)
        verdict = at_end if at_end is not None and at_end.kind != "missing" else at_check or at_end
        if verdict is None:
            return Finding(0, "MISSING", f"no function {name}")
        status = "MISSING" if verdict.kind == "missing" else verdict.status.value
        return Finding(0, status, verdict.message, kind=verdict.kind)

    # Running

    def _runs(self) -> None:
        ended: list[Any] = []
        for _ in range(_MOST_STARTS):
            if self.used > self._most or self._left_of_clock < 0:
                held = time.monotonic() - self.began
                self.notes.append(f"given up after {self.used:.0f} seconds of computing, {held:.0f} in all")
                return
            try:
                self._run()
                return
            except _Stuck as stuck:
                if stuck.why == ENDED and stuck.where not in ended:
                    ended.append(stuck.where)  # somebody may have ended it from outside: once is no proof
                    continue
                if isinstance(stuck.where, int):
                    self.left_out[stuck.where] = stuck.why
                elif stuck.where is _Again:
                    continue
                elif stuck.where is None:
                    raise RuntimeError(f"the process for this notebook could not be used: {stuck.why}") from None
                else:
                    text = f"your function ended the process that it ran in: {stuck.why}."
                    self.looked_at[stuck.where] = Verdict(Status.TRY_AGAIN, text, "stopped")
        self.notes.append(f"given up after {_MOST_STARTS} starts: each time the process ended in another place")

    @property
    def _most(self) -> float:
        return _MOST_CELLS * self.task.cell_seconds

    @property
    def _left_of_clock(self) -> float:
        return max(2 * self._most, _MOST_CLOCK) + 60 - (time.monotonic() - self.began)

    def _run(self) -> None:
        task = self.task
        self.errors = {}
        asked: dict[tuple[int, str], int] = {}
        here: list[int] = []

        def check(number: str, function: Any) -> None:
            if number not in self.numbers or not here:
                return
            asked[here[0], number] = nth = asked.get((here[0], number), 0) + 1
            place = (number, (here[0], nth))
            if place not in self.looked_at and sum(known[0] == number for known in self.looked_at) >= _MOST_CHECKS:
                return
            verdict = self._look(box, place, function)
            before = self.at_check.get(number)
            if before is None or before.status is not Status.PASS:
                self.at_check[number] = verdict

        def passed(numbers: list[str]) -> bool:
            return self.shows and all(
                self.at_check.get(n, Verdict(Status.YOUR_TURN)).status is Status.PASS for n in map(str, numbers)
            )

        def offer(name: str) -> Any:
            if name not in task.offers:
                raise AttributeError(name)
            return getattr(sys.modules[f"coursekit.labs.lab{self.lab.number:02d}"], name)

        limits = Limits(computing=self._most - self.used + 60, clock=self._left_of_clock + 60)
        entries: dict[str, Callable[..., Any]] = {"check": check, "passed": passed, "offer": offer}
        entries["as_completed"] = finished
        with Sandbox(entries, limits, task.unsafe) as box, _scratch(box), self._account(box):
            names = [exercise.function for exercise in self.lab.exercises.values() if exercise.automatic]
            module = f"lab{self.lab.number:02d}"
            self._within(box, _SET_UP, None, lambda: box.call("set_up", module, task.offers, names))
            self._within(box, _SET_UP, None, lambda: box.call("cell", task.first))

            def attempt(index: int, source: str) -> None:
                here[:] = [index]
                try:
                    error = self._within(box, task.cell_seconds, index, lambda: box.call("cell", source))
                except Exception as odd:  # what watches over cells in there was changed by one
                    error = f"{type(odd).__name__}: {odd}"[:500]
                here.clear()
                self.errors.pop(index, None)
                if error is not None:
                    self.errors[index] = str(error)

            for index, source in task.cells:
                if index in self.left_out or not source.strip():
                    continue
                if self.used + box.used > self._most:
                    note = f"cell {index + 1} and all after it not run: out of time"
                    self.notes += [] if note in self.notes else [note]
                    break
                attempt(index, source)
            # Cells may stand in another order than they need: what was missing then may be there now.
            sources = dict(task.cells)
            for index in [i for i, error in self.errors.items() if error.startswith("NameError")]:
                attempt(index, sources[index])
            for number in self.numbers:
                self.at_end[number] = self._last(box, number)

    @contextlib.contextmanager
    def _account(self, box: Sandbox) -> Iterator[None]:
        try:
            yield
        finally:
            self.used += box.used

    def _last(self, box: Sandbox, number: str) -> Verdict:
        """The verdict on the last version that is more than a stub, which later exercises then find by its name."""
        name = self.lab.exercises[number].function
        verdict = Verdict(Status.TRY_AGAIN, f"no function {name}", "missing")
        try:
            versions = self._within(box, _SET_UP, _Again, lambda: box.call("versions", name))
        except Exception as odd:  # as above
            return Verdict(Status.TRY_AGAIN, f"{name} can't be asked for: {type(odd).__name__}", "stopped")
        known = self.at_check.get(number)
        if known is not None and len(versions) == 1 and known.kind == "stopped" and "not finished" in known.message:
            return known  # one that never ended holds us up once
        for place, function in reversed(list(enumerate(versions))):
            if not callable(function):
                continue
            verdict = self._look(box, (number, ("end", self.shows, place)), function)
            if verdict.status is not Status.YOUR_TURN:
                self._within(box, _SET_UP, _Again, partial(box.call, "settle", name, function))
                break
        return verdict

    def _look(self, box: Sandbox, place: tuple[str, Any], function: Any) -> Verdict:
        """Judge a function, once for each place in the notebook, whatever is run again."""
        if place not in self.looked_at:
            self.looked_at[place] = self._within(
                box, self.lab.time_limit, place, lambda: self.lab.judge(place[0], function), TooLong
            )
        return self.looked_at[place]

    def _within(
        self, box: Sandbox, seconds: float, where: Any, work: Callable[[], Any], late: type[Exception] | None = None
    ) -> Any:
        """Do something that may take the process so many seconds of computing; `_Stuck` if it ends or takes more.

        A check's own time limit is told as the notebook tells it (`TooLong`, raised where the check waits).
        """
        used, began, before, judging = box.used, time.monotonic(), box.tick, self._judging
        over = False

        def tick() -> None:
            nonlocal over
            # What a check takes isn't the cell's that calls it.
            computing = box.used - used - (self._judging[0] - judging[0])
            clock = time.monotonic() - began - (self._judging[1] - judging[1])
            if computing > seconds or clock > _PATIENCE * seconds:
                if late is None:
                    box.end(f"not finished after {seconds:g} seconds")
                else:
                    over = True
                    raise TooLong(seconds, False)

        box.tick = tick
        try:
            found = work()
        except _Stuck:
            raise
        except Gone as gone:
            raise _Stuck(where, str(gone)) from None
        finally:
            box.tick = before
            if late is not None:
                spent = (box.used - used, time.monotonic() - began)
                self._judging = (self._judging[0] + spent[0], self._judging[1] + spent[1])
        if late is not None and box.gone:  # a check has no chance to say so
            raise _Stuck(where, box.gone)
        if over:  # the verdict stands; but the function is still running in there
            self.looked_at[where] = found
            box.end("")
            raise _Stuck(_Again, "")
        return found


class _Again:
    """Start again, nothing more: what was judged is judged, and no cell and no function is to blame."""


def finished(futures: list[Any]) -> list[Any]:
    """Futures of an executor that a check has handed over, in the order in which they were done."""
    return list(as_completed(futures))


@contextlib.contextmanager
def _scratch(box: Sandbox) -> Iterator[None]:
    """Checks that make files make them where the student's process has its own copies."""
    before = tempfile.tempdir
    tempfile.tempdir = str(box.shared)
    try:
        yield
    finally:
        tempfile.tempdir = before


def main() -> None:
    """Judge one task a line until there are none; end as soon as whoever asked is gone."""
    limit({"DATA": _MOST_MEMORY})
    sink = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    for line in sys.stdin:
        task = Task(**json.loads(line))
        try:
            for number, finding in judge(task):
                sink.write(json.dumps([number, finding if isinstance(finding, str) else finding.__dict__]) + "\n")
        except Exception as error:
            sink.write(json.dumps(["", f"could not be graded: {type(error).__name__}: {error}"]) + "\n")
            sink.write(json.dumps(["failed", ""]) + "\n")
            continue
        sink.write(json.dumps(["done", ""]) + "\n")


if __name__ == "__main__":
    main()
