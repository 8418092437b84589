"""Marks as Canvas and Moodle import them: their own columns and rows from the class list, filled in.

Both put a mark where the student's own columns and the assignment's name say. Students and names are therefore taken
over as the platform has exported them, and only labs that have been graded get a column. A mark that isn't known yet
leaves what was there: Canvas takes an empty cell for a mark to be removed.
"""

import csv
import html
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coursekit.grading.roster import ClassError, Roster, read_csv
from coursekit.grading.rows import mark_of
from coursekit.notebooks import write_atomically

__all__ = ["PLATFORMS", "Marks", "export"]

PLATFORMS = ("canvas", "moodle")

_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_POSSIBLE = "Points Possible"
_MOODLE = (
    *("first name", "last name", "surname", "full name", "id number"),
    *("username", "institution", "department", "email address"),
)


@dataclass(frozen=True)
class Marks:
    """A lab's marks: student -> total ("" where it isn't known yet), and student -> what was said to it."""

    number: str
    title: str
    points: int
    totals: Mapping[str, str]
    comments: Mapping[str, str]

    @property
    def name(self) -> str:
        """What an assignment is called that isn't there yet."""
        return f"Lab {int(self.number)}: {self.title}"


def export(folder: Path, platform: str, labs: Sequence[Marks], roster: Roster) -> tuple[list[Path], list[str]]:
    """Write the marks of a class for a platform; returns the files and what there is to say about them.

    ClassError: the class list is empty, or the platform gives other points for a lab.
    """
    if not roster:
        raise ClassError(f"{folder / 'roster.csv'} is empty: export the gradebook of your course, and save it there")
    columns, rows = read_csv(folder / "roster.csv")
    files, told = [], list[str]()
    for lab in labs:
        if unknown := [student for student in roster.students if not lab.totals.get(student)]:
            told.append(f"lab {lab.number}: no total yet, and cells left as they were, for {', '.join(unknown)}")
        if strangers := [student for student in lab.totals if student not in roster.students]:
            told.append(f"lab {lab.number}: not on the roster, and not exported: {', '.join(strangers)}")
    make = _canvas if platform == "canvas" else _moodle
    path = folder / f"{platform}.csv"
    _write(path, make(columns, rows, roster, labs, told))
    files.append(path)
    for lab in labs if platform == "moodle" else ():
        worksheet = folder / f"worksheet-{lab.number}.csv"
        if worksheet.exists():
            files.append(folder / f"moodle-{worksheet.name}")
            _write(files[-1], _worksheet(worksheet, roster, lab, told))
    return files, told


def _canvas(
    columns: list[str], rows: list[dict[str, str]], roster: Roster, labs: Sequence[Marks], told: list[str]
) -> list[list[str]]:
    """The table of a Canvas gradebook: the students' columns, and one for each lab, with the points possible."""
    own = {"Student", "ID", "Section"} <= set(columns)
    who = columns[: columns.index("Section") + 1] if own else list(_CANVAS)
    if not own:
        told.append(
            "roster.csv isn't Canvas's: students are named by `SIS User ID` and `SIS Login ID`. Export the gradebook "
            "from Canvas as roster.csv to have them named by its own numbers"
        )
    possible = next((row for row in rows if row[columns[0]].startswith(_POSSIBLE)), {})
    named = {lab.number: _column(lab, columns) for lab in labs}
    for lab in labs:
        given = mark_of(possible.get(named[lab.number], ""))
        _same_points(lab, given, f"Canvas gives {given} points for {named[lab.number]!r}")
        if not named[lab.number]:
            told.append(f"lab {lab.number}: no one column of roster.csv is this lab's; Canvas will ask about a new one")
    table = [[*who, *(named[lab.number] or lab.name for lab in labs)]]
    table.append([f"    {_POSSIBLE}", *[""] * (len(who) - 1), *(str(lab.points) for lab in labs)])
    for number, student in roster.students.items():
        known = {"Student": student.name, "SIS User ID": number, "SIS Login ID": student.email} if not own else {}
        cells = {**dict.fromkeys(who, ""), **known, **student.row}
        marks = (lab.totals.get(number) or student.row.get(named[lab.number], "") for lab in labs)
        table.append([*(cells[column] for column in who), *marks])
    return table


def _moodle(
    columns: list[str], rows: list[dict[str, str]], roster: Roster, labs: Sequence[Marks], told: list[str]
) -> list[list[str]]:
    """A table for Moodle's import of grades: the students' columns, and one for each lab."""
    who = [column for column in columns if column.casefold() in _MOODLE]
    if not {"id number", "username", "email address"} & {column.casefold() for column in who}:
        who = ["Full name", "ID number", "Email address"]
        told.append(
            "roster.csv isn't Moodle's: students are named by `ID number` and `Email address`; map the one that Moodle "
            "knows"
        )
    table = [[*who, *(_column(lab, columns) or lab.name for lab in labs)]]
    for number, student in roster.students.items():
        known = {"Full name": student.name, "ID number": number, "Email address": student.email}
        cells = {**known, **student.row}
        table.append([*(cells[column] for column in who), *(lab.totals.get(number, "") for lab in labs)])
    return table


def _worksheet(path: Path, roster: Roster, lab: Marks, told: list[str]) -> list[list[str]]:
    """Moodle's grading worksheet of one assignment, with grades and comments filled in and all else as it was."""
    columns, rows = read_csv(path)
    if missing := [name for name in ("Identifier", "Grade", "Last modified (grade)") if name not in columns]:
        raise ClassError(
            f"{path} has no column {missing[0]}: take the grading worksheet as Moodle gives it, with Moodle in English"
        )
    unknown = 0
    for row in rows:
        most = mark_of(row.get("Maximum grade", row.get("Maximum Grade", "")))
        _same_points(lab, most, f"{path} has {most} points")
        # Where names are hidden, hand-ins are known by the participant's number alone.
        student = roster.find(row.get("Full name", ""), row.get("Email address", ""))
        number = student.number if student else row["Identifier"].removeprefix("Participant ")
        unknown += number not in lab.totals
        row["Grade"] = lab.totals.get(number) or row["Grade"]
        if "Feedback comments" in columns and (said := lab.comments.get(number)):
            row["Feedback comments"] = html.escape(said, quote=False).replace("\n", "<br>")  # Moodle reads it as HTML
    if unknown:
        told.append(
            f"lab {lab.number}: {unknown} rows of {path.name} are nobody's in this class; they stay as they were"
        )
    return [columns, *([row[column] for column in columns] for row in rows)]


def _column(lab: Marks, columns: Sequence[str]) -> str:
    """The platform's column for a lab; empty unless exactly one is called by its number or its title."""
    numbered = re.compile(rf"\blab\W*0*{int(lab.number)}\b", re.IGNORECASE)
    fits = [name for name in columns if numbered.search(name) or lab.title.casefold() in name.casefold()]
    return fits[0] if len(fits) == 1 else ""


def _same_points(lab: Marks, given: float | None, where: str) -> None:
    if given is not None and given != lab.points:
        raise ClassError(f"{where}, but lab {lab.number} has {lab.points}: set that to {lab.points} and export again")


def _write(path: Path, table: Sequence[Sequence[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(table)
    write_atomically(path, text.getvalue())
