"""The table that an instructor opens: written from the record, and read back with all that was typed into it.

A cell that differs from what was written there has been typed in, whatever it held before: a mark for a free text, a
comment, a corrected mark, a column of one's own. It is kept in the record and stands in every later sheet. The number
in the last column says which edition a row comes from, so that a sheet that lay open for a week is compared with what
was written a week ago, and not with what a second run has written since.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from coursekit.grading.record import Cells, Record
from coursekit.grading.roster import ClassError, Roster, read_csv
from coursekit.notebooks import write_atomically

__all__ = ["changes_in", "read_typed", "write_sheet"]

_EDITION = "edition"
_FIXED = ("id", "name")


def read_typed(record: Record, lab: str, path: Path, columns: Mapping[str, str], roster: Roster) -> list[str]:
    """Keep what was typed into a sheet since it was written; returns its columns that are the instructor's own."""
    own, changes = changes_in(record, lab, path, columns, roster)
    record.type(lab, changes)
    return own


def changes_in(
    record: Record, lab: str, path: Path, columns: Mapping[str, str], roster: Roster
) -> tuple[list[str], list[tuple[str, str, str | None]]]:
    """(the instructor's own columns, what was typed into a sheet since it was written); None where a cell was emptied.

    Args:
        record, lab, path: whose sheet, and where.
        columns: heading -> the name under which the record knows that column.
        roster: knows a number again of which a spreadsheet has taken the zeros off.

    ClassError: the file is no sheet of this class.
    """
    headings, rows = read_csv(path) if path.exists() else ([], [])
    if not headings:
        return [], []
    if "id" not in headings:
        raise ClassError(f"{path} has no column id: put it back, or remove the file (what was typed before is kept)")
    own = [heading for heading in headings if heading and heading not in (*columns, *_FIXED, _EDITION)]
    changes = list[tuple[str, str, str | None]]()
    editions: dict[int | None, Cells] = {}
    for row in rows:
        if not row["id"]:
            continue
        number = int(row.get(_EDITION, "")) if row.get(_EDITION, "").isdecimal() else None
        if number not in editions:
            editions[number] = record.edition(lab, number)[1] or record.edition(lab)[1]
        written = editions[number]
        student = row["id"]
        if student not in written and (known := roster.find("", student)):
            student = known.number
        for heading in [*columns, *own]:
            if heading not in row:
                continue
            column = columns.get(heading, heading)
            before, now = written.get(student, {}).get(column, ""), row[heading]
            if not _same(before, now):
                changes.append((student, column, now or None))
    return own, changes


def write_sheet(record: Record, lab: str, path: Path, columns: Sequence[tuple[str, str]], cells: Cells) -> None:
    """Write a sheet: a row for each student of `cells`, in that order, under (heading, column) pairs.

    ClassError: the file can't be written (a spreadsheet may hold it); nothing is lost.
    """
    cells = {student: {column: _safe(row.get(column, "")) for _, column in columns} for student, row in cells.items()}
    number = record.new_edition(lab, cells)
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["id", *(heading for heading, _ in columns), _EDITION])
    for student, row in cells.items():
        writer.writerow([_safe(student), *(row[column] for _, column in columns), number])
    try:
        write_atomically(path, "\ufeff" + table.getvalue())  # the mark by which spreadsheets know UTF-8
    except PermissionError as error:
        raise ClassError(
            f"{path} can't be written: is it open in a spreadsheet? Save it there, close it, and give the command again"
        ) from error


def _same(one: str, other: str) -> bool:
    """Whether two cells say the same, though a spreadsheet has written 4 as 4.0 or 4,0."""
    if one == other:
        return True
    try:
        return float(one) == float(other.replace(",", "."))
    except ValueError:
        return " ".join(one.split()) == " ".join(other.split())


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula (students choose file names and error messages)."""
    text = " ".join(text.split())
    if text[:1] in ("=", "+", "-", "@"):
        try:
            float(text)
        except ValueError:
            return f"'{text}"
    return text
