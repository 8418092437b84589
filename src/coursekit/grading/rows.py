"""A student's row in the sheet of a lab: the attempt that counts, its points, what being late costs, what to say."""

import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from coursekit.feedback import Lab, Status
from coursekit.grading.collecting import Attempt, Handout
from coursekit.grading.record import Cells, Record
from coursekit.grading.roster import ClassError
from coursekit.grading.texts import own_words

__all__ = ["Entry", "Policy", "Row", "columns_of", "in_words", "mark_of", "not_marks"]

_POLICIES = ("best", "last", "last in time")


@dataclass(frozen=True)
class Policy:
    """What class.toml says."""

    attempts: str = "best"
    free_late_days: float = 0
    points_off_per_late_day: float = 0
    due: Mapping[str, datetime] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Policy":
        """The policy of a class; the one that `set_up_class` writes if there is none. ClassError: it can't be read."""
        if not path.exists():
            return cls()
        try:
            found = tomllib.loads(path.read_text("utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ClassError(f"{path}: {error}") from error
        if unknown := found.keys() - cls.__dataclass_fields__.keys():
            raise ClassError(f"{path}: nothing is called {', '.join(sorted(unknown))}")
        policy = cls(**found)
        if policy.attempts not in _POLICIES:
            raise ClassError(f"{path}: attempts is {policy.attempts!r}; it can be {', '.join(map(repr, _POLICIES))}")
        for number, when in policy.due.items():
            if not isinstance(when, datetime):
                raise ClassError(f"{path}: lab {number} is due at {when!r}; write a time, 2030-10-07T23:59:00")
        return policy

    def days_late(self, lab: str, modified: float) -> int:
        """Days begun since a lab was due."""
        due = self.due.get(lab)
        return max(0, math.ceil((modified - due.timestamp()) / 86_400)) if due and modified else 0


@dataclass(frozen=True)
class Entry:
    """A student's row as the sheet has it, and what is behind it.

    `attempt` is the one that counts, `report` what its checks found, `texts` the student's own words by exercise, and
    `notes` what was said of the notebook as a whole.
    """

    student: str
    name: str
    cells: Mapping[str, str]
    attempt: Attempt | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Row:
    """One student's row in the sheet of a lab, before what the instructor has typed is put over it."""

    def __init__(
        self,
        record: Record,
        policy: Policy,
        handout: Handout,
        checks: Lab,
        attempts: Sequence[Attempt],
        typed: Mapping[str, str],
    ) -> None:
        self.record, self.policy, self.number = record, policy, handout.number
        automatic = [n for n, e in checks.exercises.items() if e.automatic]
        texts = [n for n, e in checks.exercises.items() if not e.automatic]
        self.cells = dict.fromkeys((column for _, column in columns_of(checks)), "")
        self.chosen = chosen = self._chosen(attempts)
        self.report = report = self._report(chosen) if chosen else {}
        self.texts: dict[str, str] = {}
        notes = [] if chosen else ["no hand-in"]
        late = 0
        if chosen:
            self.cells["notebook"] = chosen.source
            late = policy.days_late(self.number, chosen.modified)
            notes += chosen.notes + (["late, says the platform"] if chosen.late and not late else [])
            if len(attempts) > 1:
                notes.append(f"{len(attempts)} attempts, this is the {policy.attempts}")
            notes += self._notes(chosen, report, automatic)
            notes += [f"to ask about: {', '.join(chosen.asks)}"] if chosen.asks else []
            for n in automatic:
                self.cells[n] = str(report.get(n, {}).get("points", "" if self._waits(chosen) else 0))
            if chosen.notebook:
                self.texts, more = own_words(chosen.notebook.cells, handout.notebook, texts)
                notes += more
                self.cells |= {f"{n} words": str(len(text.split())) for n, text in self.texts.items()}
        else:
            self.cells |= dict.fromkeys([*automatic, *texts], "0")
        self.cells["late"] = str(late) if late else ""
        now = {**self.cells, **typed}
        marks = {n: mark_of(now[n]) for n in (*automatic, *texts)}
        self.cells["automatic"] = in_words(sum(marks[n] or 0 for n in automatic)) if now[automatic[0]] else ""
        if all(mark is not None for mark in marks.values()):
            off = self._late_points(attempts[0].student if attempts else "", mark_of(now["late"]) or 0)
            notes += [f"{in_words(off)} points off for being late"] if off else []
            self.cells["total"] = in_words(max(0, sum(mark or 0 for mark in marks.values()) - off))
        changed = [n for n in automatic if n in typed and typed[n] != self.cells[n]]
        notes += [f"{n}: {self.cells[n] or 'nothing'} by the check, {typed[n]} by you" for n in changed]
        self.cells["notes"] = "; ".join(" ".join(note.split()) for note in notes)

    def _chosen(self, attempts: Sequence[Attempt]) -> Attempt | None:
        """The attempt that counts, by the policy; of those that can be read, if any can."""
        some = [attempt for attempt in attempts if attempt.notebook] or list(attempts)
        some.sort(key=lambda attempt: (attempt.modified, attempt.source))
        policy = self.policy
        if policy.attempts == "last in time":
            some = [a for a in some if not (a.late or policy.days_late(self.number, a.modified))] or some
        if policy.attempts == "best":
            some.sort(key=lambda attempt: sum(f["points"] for f in self._report(attempt).values()))
        return some[-1] if some else None

    def _report(self, attempt: Attempt) -> dict[str, Any]:
        return self.record.report(self.number, attempt.student, attempt.digest) if attempt.notebook else {}

    def _waits(self, attempt: Attempt) -> bool:
        return bool(attempt.notebook) and not self.record.is_done(self.number, attempt.student, attempt.digest)

    def _notes(self, attempt: Attempt, report: Mapping[str, Any], automatic: Iterable[str]) -> list[str]:
        if not attempt.notebook:
            return []
        if self._waits(attempt):
            return ["not graded yet"]
        notes = self.record.notes(self.number, attempt.student, attempt.digest)
        for n in automatic:
            found = report.get(n, {})
            if found.get("note"):
                notes.append(f"{n}: {found['note']}")
            if found.get("status") == Status.YOUR_TURN.value:
                notes.append(f"{n}: not done")
            elif found.get("message"):
                notes.append(f"{n}: {found['message']}")
        return notes

    def _late_points(self, student: str, days: float) -> float:
        """Points that being late takes off, once the free days are used up by earlier labs and this one."""
        sheets = [self.record.edition(lab)[1] for lab in self.record.labs() if lab < self.number]
        earlier = sum(mark_of(sheet.get(student, {}).get("late", "")) or 0 for sheet in sheets)
        left = max(0, self.policy.free_late_days - earlier)
        return self.policy.points_off_per_late_day * max(0, days - left)


def columns_of(checks: Lab) -> list[tuple[str, str]]:
    """(heading, column) of a lab's sheet. A number alone would be a date to a spreadsheet."""
    texts = [n for n, e in checks.exercises.items() if not e.automatic]
    return [
        ("name", "name"),
        *((f"{n} {e.title} ({e.points})", n) for n, e in checks.exercises.items()),
        ("automatic", "automatic"),
        ("days late", "late"),
        ("total", "total"),
        *((f"{n} {what}", f"{n} {what}") for n in texts for what in ("words", "comment")),
        ("notebook", "notebook"),
        ("notes", "notes"),
        ("comment", "comment"),
    ]


def not_marks(cells: Cells, checks: Lab) -> Iterator[str]:
    """What was typed where marks stand, and is none."""
    for student, row in cells.items():
        for n, exercise in checks.exercises.items():
            mark = mark_of(row.get(n, ""))
            if row.get(n) and mark is None:
                yield f"{student}: {n} is {row[n]!r}, which is no number"
            elif mark is not None and not 0 <= mark <= exercise.points:
                yield f"{student}: {n} is {row[n]}, of {exercise.points} points"


def mark_of(text: str) -> float | None:
    """The number in a cell; None if there is none."""
    return float(text.replace(",", ".")) if re.fullmatch(r"[-+]?\d+([.,]\d+)?", text) else None


def in_words(number: float) -> str:
    """A number as it stands in a cell."""
    return f"{number:g}"
