"""The record of a class: one SQLite file that knows every verdict, every mark that was typed, every sheet as written.

Each fact is committed when it is known (write-ahead log, synchronous), so whatever is killed, whenever, what was there
is there. The tables on paper (CSV files) are made from it, and can be made again.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coursekit.grading.roster import ClassError

__all__ = ["Record"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS graded (  -- a notebook of a student, known by what is in its cells
    lab TEXT, student TEXT, digest TEXT,
    report TEXT NOT NULL,                -- JSON: exercise -> what was found
    notes TEXT NOT NULL,                 -- JSON: what was said of the notebook as a whole
    seconds REAL, ended TEXT,
    PRIMARY KEY (lab, student, digest));
CREATE TABLE IF NOT EXISTS typed (  -- what the instructor has written into a sheet
    lab TEXT, student TEXT, col TEXT, value TEXT NOT NULL, at TEXT,
    PRIMARY KEY (lab, student, col));
CREATE TABLE IF NOT EXISTS sheet (  -- each sheet as it was written: student -> column -> value
    lab TEXT, edition INTEGER, cells TEXT NOT NULL,
    PRIMARY KEY (lab, edition));
"""
_KEPT = 100  # editions of a sheet that somebody may still have open

Cells = dict[str, dict[str, str]]


class Record:
    """The record of a class, open; use it as a context. ClassError: the file is something else, or of a later version.

    Two programs may have it open; whatever both write, both are kept, and the later word on one cell wins.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            try:
                self._set_up(path)
            except BaseException:
                self._db.close()
                raise
        except sqlite3.DatabaseError as error:
            raise ClassError(f"{path} can't be used as the record of a class: {error}") from error

    def _set_up(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(_SCHEMA)
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > 1:
            raise ClassError(f"{path} was written by a later version of the course: bring yours up to date")
        self._db.execute("PRAGMA user_version = 1")

    def __enter__(self) -> "Record":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    # Verdicts

    def keep(
        self,
        lab: str,
        student: str,
        digest: str,
        report: Mapping[str, Any],
        notes: list[str],
        seconds: float,
    ) -> None:
        """Write down what a notebook got; exercises that the report doesn't name keep what they had."""
        whole = {**self.report(lab, student, digest), **report}
        row = (lab, student, digest, json.dumps(whole), json.dumps(notes), seconds, _now())
        self._db.execute("INSERT OR REPLACE INTO graded VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def is_done(self, lab: str, student: str, digest: str) -> bool:
        """Whether this notebook has been graded to its end."""
        return self._json("report", lab, student, digest, None) is not None

    def report(self, lab: str, student: str, digest: str) -> dict[str, Any]:
        """Exercise -> what was found, as far as it is known."""
        return self._json("report", lab, student, digest, {})

    def notes(self, lab: str, student: str, digest: str) -> list[str]:
        """What was said about a notebook as a whole."""
        return self._json("notes", lab, student, digest, [])

    def _json(self, column: str, lab: str, student: str, digest: str, default: Any) -> Any:
        found = self._db.execute(
            f"SELECT {column} FROM graded WHERE lab = ? AND student = ? AND digest = ?", (lab, student, digest)
        ).fetchone()
        return json.loads(found[0]) if found else default

    # Sheets

    def typed(self, lab: str) -> Cells:
        """Student -> column -> what the instructor has typed."""
        cells: Cells = {}
        for student, column, value in self._db.execute("SELECT student, col, value FROM typed WHERE lab = ?", (lab,)):
            cells.setdefault(student, {})[column] = value
        return cells

    def type(self, lab: str, changes: Iterable[tuple[str, str, str | None]]) -> None:
        """Keep (student, column, value) that were typed, all or none; None forgets one."""
        with self._transaction():
            for student, column, value in changes:
                if value is None:
                    self._db.execute("DELETE FROM typed WHERE (lab, student, col) = (?, ?, ?)", (lab, student, column))
                else:
                    self._db.execute(
                        "INSERT OR REPLACE INTO typed VALUES (?, ?, ?, ?, ?)", (lab, student, column, value, _now())
                    )

    def edition(self, lab: str, number: int | None = None) -> tuple[int, Cells]:
        """A sheet as it was written, by its number or the last one; (0, nothing) before the first."""
        found = self._db.execute(
            "SELECT edition, cells FROM sheet WHERE lab = ? AND edition = coalesce(?, edition) "
            "ORDER BY edition DESC LIMIT 1",
            (lab, number),
        ).fetchone()
        return (int(found[0]), json.loads(found[1])) if found else (0, {})

    def labs(self) -> list[str]:
        """The labs that have a sheet."""
        return [lab for (lab,) in self._db.execute("SELECT DISTINCT lab FROM sheet ORDER BY lab")]

    def new_edition(self, lab: str, cells: Cells) -> int:
        """Remember a sheet that is about to be written; returns its number. The same cells are the same edition."""
        number, last = self.edition(lab)
        if last == cells and number:
            return number
        with self._transaction():
            self._db.execute("INSERT INTO sheet VALUES (?, ?, ?)", (lab, number + 1, json.dumps(cells)))
            self._db.execute("DELETE FROM sheet WHERE lab = ? AND edition <= ?", (lab, number + 1 - _KEPT))
        return number + 1

    def _transaction(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")
