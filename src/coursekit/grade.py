"""Grade a class: a folder with a roster and what was handed in becomes a table of marks for each lab.

    CLASS/roster.csv           who is in the class: id, name, or what Canvas or Moodle exports
    CLASS/class.toml           which attempt counts, when labs are due, what being late costs
    CLASS/01/                  what was handed in for lab 1, as the platform gives it
    CLASS/marks-01.csv         the marks of lab 1, to be read and to be typed into
    CLASS/texts-1.5.csv        all answers to a free text, without names, to be typed into as well
    CLASS/gradebook.csv        a column for each lab
    CLASS/gradebook.sqlite     the record, from which the tables are made

A notebook is graded by the functions that it defines, not by its cells: cells may be deleted, copied, moved or added.
What is known is written down at once, so that the same command goes on wherever it was stopped, and what an instructor
has typed into a table stands in every later one. `coursekit.grading` says how students' code is kept apart,
`coursekit.handback` does what comes after.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from coursekit.feedback import Lab
from coursekit.grading import marking
from coursekit.grading.collecting import Attempt, Handout, collect, handouts
from coursekit.grading.judges import judged, judged_by
from coursekit.grading.judging import Task
from coursekit.grading.record import Cells, Record
from coursekit.grading.roster import ClassError, Roster, read_roster
from coursekit.grading.rows import Entry, Policy, Row, columns_of, in_words, mark_of, not_marks
from coursekit.grading.sandbox import has_bubblewrap
from coursekit.grading.sheet import read_typed, write_sheet
from coursekit.labs import lab_of
from coursekit.notebooks import write_atomically
from coursekit.variants import read_key, seed_in, variant_of

__all__ = ["ALL", "ClassFolder", "Summary", "grade_class", "open_class", "set_up_class"]

_MOST_ASKED = 30  # students whose code the summary asks about
ALL = "all"  # the sheet of all labs, in the record
_CLASS_TOML = """\
# Which attempt counts, where a student has handed in several: "best", "last" or "last in time".
attempts = "best"

# Days that a student may be late in the whole term, and the points that each further day takes off its lab.
free_late_days = 0
points_off_per_late_day = 0

[due]
# 01 = 2030-10-07T23:59:00
"""


@dataclass
class Summary:
    """What one run did: counts, in words, and what an instructor should look at."""

    counts: list[str] = field(default_factory=list)
    to_look_at: list[str] = field(default_factory=list)
    to_ask: list[str] = field(default_factory=list)
    report: list[str] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)
    stopped: bool = False

    def __str__(self) -> str:
        lines = [f"{count}." for count in self.counts] + [f"  - {line}" for line in self.to_look_at]
        if self.to_ask:
            lines.append("What is it for? Questions to the student, not verdicts: no mark depends on them.")
            lines += [f"  ? {line}" for line in self.to_ask[:_MOST_ASKED]]
            more = len(self.to_ask) - _MOST_ASKED
            lines += [f"  ? {more} more: see the notes"] if more > 0 else []
        return "\n".join([*lines, *self.report, *(f"wrote {path}" for path in self.sheets)])


def set_up_class(folder: str | Path, labs: str | Path = "labs") -> list[Path]:
    """Make what is missing of the folder of a class; returns what was made. Nothing that is there is touched."""
    folder = Path(folder)
    made = []
    for name, text in {"roster.csv": "id,name,email\n", "class.toml": _CLASS_TOML}.items():
        if not (folder / name).exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / name, text)
            made.append(folder / name)
    for number in handouts(Path(labs)):
        if not (folder / number).exists():
            (folder / number).mkdir()
            made.append(folder / number)
    return made


def grade_class(
    folder: str | Path,
    lab: str | int | None = None,
    *,
    labs: str | Path = "labs",
    students: Sequence[str] = (),
    exercises: Sequence[str] = (),
    again: bool = False,
    jobs: int = 1,
    scheduler: str | None = None,
    cell_seconds: float = 60,
    unsafe: bool = False,
) -> Summary:
    """Grade what was handed in for a lab and isn't graded yet, and write the tables; without a lab, the tables alone.

    Args:
        folder: of the class.
        lab: its number.
        labs: the folder of the labs as they were handed out.
        students, exercises: grade these again, and only these.
        again: grade everybody again. Marks that stand are replaced when the new ones are known, not before.
        jobs: how many notebooks are graded at a time.
        scheduler: address of a Dask scheduler whose workers grade them, in place of this machine. Each of them needs
            the course, and bubblewrap.
        cell_seconds: seconds of computing that a cell may take; a notebook may take ten times as much.
        unsafe: run students' code without walls where there are none to be had.

    Raises:
        ClassError: something in the folder isn't what it should be, or students' code can't be shut in here.
    """
    summary = Summary()
    with open_class(folder, labs) as one:
        if lab is not None:
            number = one.number(lab)
            if not (unsafe or scheduler or has_bubblewrap()):
                raise ClassError(
                    "students' code can't be shut in on this machine: that takes Linux and bubblewrap "
                    "(apt install bubblewrap). With --unsafe it runs all the same, and can read and delete your files, "
                    "use your network and forge marks: do that where there is nothing you would miss"
                )
            one.grade(number, summary, students, exercises, again, jobs, scheduler, cell_seconds, unsafe)
        one.write_gradebook(summary)
    return summary


@contextlib.contextmanager
def open_class(folder: str | Path, labs: str | Path) -> Iterator["ClassFolder"]:
    """The folder of a class, its record open for as long as the block lasts. ClassError: it isn't what it should be."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ClassError(f"there is no folder {folder}: `python3 course.py grade {folder} --new` makes one")
    known = handouts(Path(labs))
    policy, roster = Policy.read(folder / "class.toml"), read_roster(folder / "roster.csv")
    with Record(folder / "gradebook.sqlite") as record:
        yield ClassFolder(folder, known, policy, roster, record)


class ClassFolder:
    """The folder of a class, its record open."""

    def __init__(self, folder: Path, labs: dict[str, Handout], policy: Policy, roster: Roster, record: Record) -> None:
        self.folder, self.labs, self.policy, self.roster, self.record = folder, labs, policy, roster, record

    def number(self, lab: str | int) -> str:
        """The number of a lab, as its folder is called."""
        number = f"{int(lab):02d}" if str(lab).isdecimal() else str(lab)
        if number not in self.labs:
            raise ClassError(f"lab {lab}: there are the labs {', '.join(self.labs)}")
        if not (self.folder / number).is_dir():
            raise ClassError(
                f"there is no folder {self.folder / number}: put what was handed in for lab {number} there"
            )
        return number

    def graded(self) -> list[str]:
        """The labs that have a sheet."""
        return [number for number in self.labs if self.record.edition(number)[0]]

    def look(self, number: str, summary: Summary) -> list[Entry]:
        """A lab as it stands, its sheets read and written. ClassError: it hasn't been graded."""
        if number not in self.graded():
            raise ClassError(f"lab {number} hasn't been graded: `python3 course.py grade {self.folder} {number}`")
        checks = lab_of(self.labs[number].name)
        self.take_in(number, checks)
        return self.write_lab(number, checks, *self.collect(number), summary)

    def collect(self, number: str) -> tuple[list[Attempt], list[str]]:
        """What was handed in for a lab (see `collect`); notes say whose variant a notebook is, if not its owner's."""
        attempts, strays = collect(self.folder / number, self.roster, self.labs, number)
        if key := read_key(self.folder):
            owners = {variant_of(key, student, number).seed: student for student in self.roster.students}
            for attempt in attempts:
                seed = seed_in(attempt.notebook.text) if attempt.notebook else ""
                if attempt.notebook and owners.get(seed) != attempt.student:
                    whose = f"the variant of {owners[seed]}" if seed in owners else "no variant of this class"
                    attempt.asks.append(f"the notebook is {whose}")
        return attempts, strays

    def grade(
        self,
        number: str,
        summary: Summary,
        students: Sequence[str],
        exercises: Sequence[str],
        again: bool,
        jobs: int,
        scheduler: str | None,
        cell_seconds: float,
        unsafe: bool,
    ) -> None:
        """Grade what is to be graded of a lab, and write its sheet, also when that is stopped."""
        handout, checks = self.labs[number], lab_of(self.labs[number].name)
        if wrong := [e for e in exercises if e not in checks.exercises or not checks.exercises[e].automatic]:
            raise ClassError(f"exercise {', '.join(wrong)}: lab {number} has {', '.join(checks.exercises)}")
        self.take_in(number, checks)
        attempts, strays = self.collect(number)
        chosen = {student.number if (student := self.roster.find(one, one)) else one for one in students}
        if missing := chosen - {attempt.student for attempt in attempts}:
            raise ClassError(f"{', '.join(sorted(missing))}: nothing was handed in for lab {number}")
        selected = again or bool(chosen) or bool(exercises)
        todo: dict[tuple[str, str], Attempt] = {}
        for attempt in attempts:
            if attempt.notebook is None or (chosen and attempt.student not in chosen):
                continue
            if selected or not self.record.is_done(number, attempt.student, attempt.digest):
                todo[attempt.student, attempt.digest] = attempt

        def tasks() -> Iterator[tuple[tuple[str, str], Task]]:
            for (student, digest), attempt in todo.items():
                began[student, digest] = time.monotonic()
                assert attempt.notebook
                known = self.record.is_done(number, student, digest)
                code, only = attempt.notebook.code, list(exercises) if known else []
                own = variant_of(key, student, number) if key else None
                variant = [own.seed, own.cases] if own else []
                yield (
                    (student, digest),
                    Task(handout.name, code, handout.first, handout.offers, cell_seconds, only, unsafe, variant),
                )

        began: dict[tuple[str, str], float] = {}
        key = read_key(self.folder)
        try:
            judges = judged_by(scheduler, tasks()) if scheduler else judged(tasks(), jobs)
            with contextlib.closing(judges) as results:
                for (student, digest), found, notes in tqdm(results, total=len(todo), unit="notebook", disable=None):
                    seconds = time.monotonic() - began[student, digest]
                    if found:
                        self.record.keep(number, student, digest, found, notes, seconds)
                    else:  # no fault of the notebook's, as far as anybody knows: it waits for the next run
                        summary.to_look_at += [f"{student}: {note}" for note in notes]
        except KeyboardInterrupt:
            summary.stopped = True
        finally:
            self.write_lab(number, checks, attempts, strays, summary)

    # Sheets

    def take_in(self, number: str, checks: Lab) -> list[str]:
        """Keep what was typed into the sheet of a lab; returns the columns that are the instructor's own."""
        columns = dict(columns_of(checks))
        marking.read_texts(self.record, self.folder, number, checks, list(self.record.edition(number)[1]))
        return read_typed(self.record, number, self.sheet(number), columns, self.roster)

    def sheet(self, number: str) -> Path:
        """Where the marks of a lab are."""
        return self.folder / (f"marks-{number}.csv" if number != ALL else "gradebook.csv")

    def write_lab(
        self, number: str, checks: Lab, attempts: Sequence[Attempt], strays: Sequence[str], summary: Summary
    ) -> list[Entry]:
        """Write the sheets of a lab from the record, and what there is to say about it; returns its rows."""
        own = self.take_in(number, checks)  # it may have been edited meanwhile
        typed = self.record.typed(number)
        by_student: dict[str, list[Attempt]] = {student: [] for student in self.roster.students}
        for attempt in attempts:
            by_student.setdefault(attempt.student, []).append(attempt)
        for student in typed:
            by_student.setdefault(student, [])
        order = list(self.roster.students) + sorted(by_student.keys() - self.roster.students.keys(), key=str.casefold)
        cells: Cells = {}
        entries = []
        tally = dict.fromkeys(("handed in", "graded", "waiting", "unreadable", "other", "none", "unknown"), 0)
        for student in order:
            mine, row = by_student[student], typed.get(student, {})
            known = self.roster.students.get(student)
            name = known.name if known else (mine[0].name if mine else "")
            made = Row(self.record, self.policy, self.labs[number], checks, mine, row)
            cells[student] = made.cells | {"name": name} | row
            said = self.record.notes(number, student, made.chosen.digest) if made.chosen else []
            entries.append(Entry(student, name, cells[student], made.chosen, made.report, made.texts, said))
            readable = [attempt for attempt in mine if attempt.notebook]
            done = [a for a in readable if self.record.is_done(number, student, a.digest)]
            tally["handed in"] += bool(mine)
            tally["none"] += not mine
            tally["graded"] += bool(readable) and len(done) == len(readable)
            tally["waiting"] += len(done) < len(readable)
            tally["other"] += bool(mine) and not readable and any(a.other_lab for a in mine)
            tally["unreadable"] += bool(mine) and not readable and not any(a.other_lab for a in mine)
            if mine and not known and self.roster:
                tally["unknown"] += 1
                summary.to_look_at.append(f"{mine[0].source}: nobody's on the roster")
            summary.to_ask += [f"{student}: {'; '.join(a.asks)}" for a in mine if a.asks]
            if mine and not readable:
                summary.to_look_at += [f"{student}: {note}" for attempt in mine for note in attempt.notes]
        summary.to_look_at += [*strays, *not_marks(cells, checks)]
        texts = [n for n, e in checks.exercises.items() if not e.automatic]
        to_read = [student for student in order if any(attempt.notebook for attempt in by_student[student])]
        unmarked = sum(not cells[student].get(n) for student in to_read for n in texts)
        words = {
            "handed in": "{} handed in",
            "graded": "{} graded",
            "waiting": "{} still to be graded (the same command goes on)",
            "unreadable": "{} without a notebook that can be read",
            "other": "{} with another lab's notebook",
            "none": "{} without a hand-in",
            "unknown": "{} not on the roster",
        }
        told = [text.format(tally[name]) for name, text in words.items() if tally[name]]
        told += [f"{len(strays)} files that are nobody's"] if strays else []
        told += [f"{unmarked} free texts to be marked"] if unmarked else []
        summary.counts.append(f"Lab {number}: {len(order)} students; {', '.join(told) or 'nothing handed in'}")
        columns = [*columns_of(checks), *((heading, heading) for heading in own)]
        write_sheet(self.record, number, self.sheet(number), columns, cells)
        summary.sheets += [self.sheet(number), *marking.write_texts(self.record, self.folder, checks, entries)]
        return entries

    def write_gradebook(self, summary: Summary) -> None:
        """Write the table of all labs: a total for each, as their sheets have it."""
        graded = self.graded()
        columns = [("name", "name"), *((f"lab {number}", number) for number in graded), ("sum", "sum")]
        columns.append(("comment", "comment"))
        own = read_typed(self.record, ALL, self.sheet(ALL), dict(columns), self.roster)
        typed, cells = self.record.typed(ALL), dict[str, dict[str, str]]()
        sheets = {number: self.record.edition(number)[1] for number in graded}
        students = dict.fromkeys([*self.roster.students, *(s for sheet in sheets.values() for s in sheet), *typed])
        for student in students:
            known = self.roster.students.get(student)
            rows = {number: sheet[student] for number, sheet in sheets.items() if student in sheet}
            name = known.name if known else next((row["name"] for row in rows.values()), "")
            cells[student] = {"name": name} | {number: row["total"] for number, row in rows.items()}
            cells[student].update(typed.get(student, {}))
            marks = [mark_of(cells[student].get(number, "")) for number in graded]
            cells[student].setdefault("sum", in_words(sum(mark for mark in marks if mark is not None)))
        if students:
            write_sheet(self.record, ALL, self.sheet(ALL), [*columns, *((c, c) for c in own)], cells)
            summary.sheets.append(self.sheet(ALL))
