"""What a class made of a lab: which mistakes were how frequent, what to ask about them, the points, who is missing."""

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coursekit.feedback import Lab, Status
from coursekit.grading.pages import render
from coursekit.grading.returning import STOPPED, hint_of, written
from coursekit.grading.rows import Entry, mark_of
from coursekit.labs.questions import QUESTIONS
from coursekit.notebooks import write_atomically

__all__ = ["Report", "write_report"]

_STEP = 2  # points that one bar of the distribution holds
_ERROR = "an error stopped it"
_ABOUT_ERRORS = "Which line does the message name, what did you expect there, and what was it?"


@dataclass(frozen=True)
class Mistake:
    """A mistake of an exercise: what students were told, how many were, and what to ask the class."""

    hint: str
    count: int
    question: str


@dataclass
class Exercise:
    """An exercise: how many passed it (or had full marks), tried it, have a mark; the mean; its mistakes."""

    number: str
    title: str
    points: int
    automatic: bool
    full: int = 0
    tried: int = 0
    marked: int = 0
    mean: float | None = None
    mistakes: list[Mistake] = field(default_factory=list)


@dataclass
class Report:
    """A class and a lab, counted; `totals` are of `points`: the checks' own until all texts are marked (`whole`)."""

    lab: str
    points: int
    whole: bool
    students: int
    handed_in: int
    missing: list[str]
    totals: list[float]
    exercises: list[Exercise]

    @classmethod
    def of(cls, checks: Lab, entries: Sequence[Entry]) -> "Report":
        """Count what the entries of a lab hold; of several attempts the one that counts."""
        some = [entry for entry in entries if entry.attempt]
        whole = all(entry.cells["total"] for entry in some)
        column = "total" if whole else "automatic"
        return cls(
            lab=f"Lab {checks.number}: {checks.title}",
            points=sum(exercise.points for exercise in checks.exercises.values() if whole or exercise.automatic),
            whole=whole,
            students=len(entries),
            handed_in=len(some),
            missing=[f"{entry.name} ({entry.student})" for entry in entries if not entry.attempt],
            totals=sorted(t for entry in some if (t := mark_of(entry.cells[column])) is not None),
            exercises=[_counted(checks, number, some) for number in checks.exercises],
        )

    @property
    def bars(self) -> list[tuple[str, int]]:
        """(points, students), from none to all points."""
        inside = [min(int(total), self.points - 1) // _STEP for total in self.totals]
        last = (self.points - 1) // _STEP
        labels = [f"{n * _STEP} to under {(n + 1) * _STEP}" for n in range(last)] + [f"{last * _STEP} to {self.points}"]
        return [(label, inside.count(n)) for n, label in enumerate(labels)]

    @property
    def middle(self) -> str:
        """The median and the quartiles, in words."""
        if len(self.totals) < 2:
            return "too few for a median"
        low, median, high = statistics.quantiles(self.totals, n=4, method="inclusive")
        of = (
            f"{self.points} points"
            if self.whole
            else f"the {self.points} points that checks give (not every text has a mark)"
        )
        return f"median {median:g}, middle half {low:g} to {high:g}, of {of}"

    def lines(self) -> Iterator[str]:
        """The report, to be printed."""
        yield f"{self.lab}: {self.handed_in} of {self.students} handed in; {self.middle}"
        if self.missing:
            yield f"not handed in: {', '.join(self.missing)}"
        for one in self.exercises:
            mean = f"mean {one.mean:.1f} of {one.points}, {one.marked} marked" if one.marked else "not marked yet"
            yield f"{one.number} {one.title}: " + (f"{one.full} of {self.handed_in} passed" if one.automatic else mean)
            for mistake in one.mistakes:
                yield f"  {mistake.count:>3} x {mistake.hint}"
                yield f"        ask: {mistake.question}"


def _counted(checks: Lab, number: str, entries: Sequence[Entry]) -> Exercise:
    exercise = checks.exercises[number]
    one = Exercise(number, exercise.title, exercise.points, exercise.automatic)
    marks = [mark for entry in entries if (mark := mark_of(entry.cells.get(number, ""))) is not None]
    one.marked = len(marks)
    one.mean, one.full = (statistics.mean(marks) if marks else None), sum(mark >= exercise.points for mark in marks)
    hints: dict[str, int] = {}
    for entry in entries:
        found: Mapping[str, object] = entry.report.get(number, {})
        status = found.get("status", Status.YOUR_TURN.value if exercise.automatic else "")
        one.tried += status in (Status.PASS.value, Status.TRY_AGAIN.value)
        if status == Status.TRY_AGAIN.value:
            hint = hint_of(checks, found)
            if hint.startswith(STOPPED):
                hint = " ".join([f"{_ERROR}:", *re.findall(r"\bwith (\w+)", hint)[:1]])
            hints[hint] = hints.get(hint, 0) + 1
    one.mistakes = [
        Mistake(hint, count, _question(hint, number, checks))
        for hint, count in sorted(hints.items(), key=lambda kv: -kv[1])
    ]
    return one


def _question(hint: str, number: str, checks: Lab) -> str:
    """What to ask the class: the question in the hint itself, if the lab's author wrote it, else the exercise's."""
    if hint.startswith(_ERROR):
        return _ABOUT_ERRORS
    parts = re.split(r"(?<=[.?!:])\s+", hint) if hint in written(checks.number) else []
    asked = [part for part in parts if part.endswith("?")]
    text = asked[-1] if asked else QUESTIONS[number]
    return text[0].upper() + text[1:]


def write_report(folder: Path, checks: Lab, entries: Sequence[Entry]) -> tuple[Path, Report]:
    """Write the report of a lab as a page; returns its path, and the report."""
    report = Report.of(checks, entries)
    path = folder / f"report-{checks.number:02d}.html"
    write_atomically(path, render("report", report=report, most=max((count for _, count in report.bars), default=0)))
    return path, report
