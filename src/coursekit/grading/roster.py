"""Who is in the class, and whose is a file that is called so: names and numbers as learning platforms write them."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ClassError", "Roster", "Student", "read_csv", "read_roster"]

_IDS = ("id", "student id", "id number", "sis user id", "identifier", "number")
_LOGINS = ("login", "username", "user name", "sis login id", "email", "email address", "e-mail")
_NAMES = ("name", "student", "full name", "student name")
_FIRST, _LAST = ("first name", "firstname", "given name"), ("surname", "last name", "lastname", "family name")


class ClassError(ValueError):
    """Something in the folder of a class isn't as it should be; the message says what, and how to mend it."""


@dataclass(frozen=True)
class Student:
    """One of the class: `number` is what rows are known by, `aliases` are other numbers, logins and addresses.

    `row` is the line of the class list that it comes from: column -> value.
    """

    number: str
    name: str
    aliases: tuple[str, ...] = ()
    email: str = ""
    row: Mapping[str, str] = field(default_factory=dict, compare=False)


class Roster:
    """The students of a class, in the order of its list."""

    def __init__(self, students: Iterable[Student]) -> None:
        self.students = {student.number: student for student in students}
        self._owners: dict[str, set[str]] = {}
        self._named: dict[str, set[str]] = {}
        self._words: dict[str, set[str]] = {}
        for student in self.students.values():
            for alias in (student.number, *student.aliases):
                self._owners.setdefault(_key(alias), set()).add(student.number)
                digits = re.fullmatch(r"Participant (\d+)", alias)  # Moodle's grading worksheet
                if digits:
                    self._owners.setdefault(digits[1], set()).add(student.number)
            for word in student.name.replace(",", " ").split():
                self._words.setdefault(_key(word), set()).add(student.number)
            for spelling in _spellings(student.name):
                self._named.setdefault(spelling, set()).add(student.number)

    def __bool__(self) -> bool:
        return bool(self.students)

    def find(self, label: str, number: str = "") -> Student | None:
        """Whose name, number or login this is, or is part of it; None if nobody's, or two students' alike.

        Args:
            label: a name as it stands in a file's or a folder's name, for instance "doejane" or "lab 1 Jane Doe".
            number: the number beside it, if a platform wrote one.
        """
        found = self._only(self._owners, number) or self._only(self._owners, label) or self._only(self._named, label)
        if found:
            return found
        words = [word for word in re.split(r"[\W_]+", label) if word]
        # A first name alone will do, if it is in the class once and no other name stands beside it.
        for table in (self._owners, self._named, self._words):
            pieces = {
                _key("".join(words[i:j])) for i in range(len(words)) for j in range(i + 1, min(len(words), i + 6) + 1)
            }
            matches = [self._only(table, piece) for piece in pieces if len(piece) > 2]
            several = {student.number for student in matches if student}
            if len(several) == 1:
                return self.students[several.pop()]
        return None

    def _only(self, table: dict[str, set[str]], text: str) -> Student | None:
        owners = table.get(_key(text), set()) if text else set()
        if not owners and text.isdecimal():  # a spreadsheet takes zeros off the front
            owners = {o for key, them in table.items() if key.lstrip("0") == text.lstrip("0") for o in them}
        return self.students[next(iter(owners))] if len(owners) == 1 else None


def _key(text: str) -> str:
    """A text without accents, case, blanks and marks: what platforms leave of a name."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in plain if mark.isalnum()).casefold()


def _spellings(name: str) -> set[str]:
    """A name as platforms may run it together: Jane Mary Doe, Doe Jane Mary, Mary Doe Jane."""
    last, comma, first = name.partition(",")
    words = (f"{first} {last}" if comma else name).split()
    return {_key("".join(words[i:] + words[:i])) for i in range(len(words))} - {""}


def read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """(columns, rows) of a table as spreadsheets save it: commas, semicolons, tabs; UTF-8, UTF-16, Windows."""
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")
    # The first of them outside quotes: a longer heading, such as a rubric, may hold more of the others.
    first = re.search(r"[,;\t]", re.sub(r'"[^"]*"', "", text.partition("\n")[0]))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=first[0] if first else ",")
    rows = [row for row in reader if any(value.strip() for value in row)]
    if not rows:
        return [], []
    columns = [name.strip() for name in rows[0]]
    return columns, [dict(zip(columns, map(str.strip, row + [""] * len(columns)), strict=False)) for row in rows[1:]]


def read_roster(path: Path) -> Roster:
    """The class of a roster.csv: of your own (id, name), or as Canvas or Moodle exports a gradebook.

    ClassError: no column says who is who, or two rows have the same number.
    """
    if not path.exists():
        return Roster([])
    columns, rows = read_csv(path)
    known = {name.casefold(): name for name in columns}

    def those(names: Sequence[str]) -> list[str]:
        return [known[name] for name in names if name in known]

    ids, logins, names, first, last = map(those, (_IDS, _LOGINS, _NAMES, _FIRST, _LAST))
    if columns and not (ids or logins or names or last):
        raise ClassError(f"{path}: no column is called id, name, login or email; its columns are {', '.join(columns)}")
    students: dict[str, Student] = {}
    for line, row in enumerate(rows, start=2):
        full = next((row[column] for column in names if row[column]), "")
        full = full or " ".join(row[column] for column in (*first[:1], *last[:1]) if row[column])
        if full.startswith("Points Possible"):  # the second line of Canvas's export
            continue
        aliases = [row[column] for column in (*ids, *logins) if row[column]]
        number = (aliases or [full])[0]
        if not number:
            continue
        if number in students:
            raise ClassError(f"{path}, line {line}: {number} is there twice; every student needs a number of their own")
        email = next((alias for alias in aliases if "@" in alias), "")
        students[number] = Student(number, full or number, tuple(aliases[1:]), email, row)
    return Roster(students.values())
