"""Marking free texts: all answers to one exercise side by side, on a page of this machine or in a table.

Whatever is typed, in either, goes into the record as if it had been typed into the sheet of marks, at once. The page is
served to this machine alone and only to who knows the token in its address; what students wrote is shown as text.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from coursekit.feedback import Exercise, Lab
from coursekit.grading.pages import render
from coursekit.grading.record import Record
from coursekit.grading.roster import Roster
from coursekit.grading.rows import Entry, mark_of
from coursekit.grading.sheet import changes_in, write_sheet

__all__ = ["code_of", "read_texts", "serve", "texts_of", "write_texts"]

_MOST_BYTES = 200_000  # of a mark with its comment


def texts_of(checks: Lab) -> dict[str, Exercise]:
    """The free texts of a lab."""
    return {number: exercise for number, exercise in checks.exercises.items() if not exercise.automatic}


def code_of(number: str, student: str) -> str:
    """What stands for a student where names don't, in one exercise; their order says nothing."""
    return hashlib.sha256(f"{number} {student}".encode()).hexdigest()[:8]


def _columns(exercise: Exercise) -> list[tuple[str, str]]:
    """(heading, column) of the table of an exercise; the rubric is in view above the marks."""
    rubric = " ".join(f"{points}: {text}" for points, text in exercise.rubric.items())
    heading = f"mark ({rubric})".replace(";", ",")  # a spreadsheet may separate columns by semicolons
    return [("answer", "answer"), (heading, "mark"), ("comment", "comment")]


def _place(folder: Path, number: str) -> tuple[str, Path]:
    return f"texts {number}", folder / f"texts-{number}.csv"


def write_texts(record: Record, folder: Path, checks: Lab, entries: Sequence[Entry]) -> list[Path]:
    """Write a table for each free text of a lab: answers without names, with marks and comments as they stand."""
    paths = []
    for number, exercise in texts_of(checks).items():
        cells = {
            code_of(number, entry.student): {
                "answer": entry.texts.get(number, ""),
                "mark": entry.cells.get(number, ""),
                "comment": entry.cells.get(f"{number} comment", ""),
            }
            for entry in sorted(entries, key=lambda entry: code_of(number, entry.student))
            if entry.attempt and entry.attempt.notebook
        }
        if cells:
            sheet, path = _place(folder, number)
            write_sheet(record, sheet, path, _columns(exercise), cells)
            paths.append(path)
    return paths


def read_texts(record: Record, folder: Path, lab: str, checks: Lab, students: Sequence[str]) -> None:
    """Keep what was typed into the tables of the free texts, as if it stood in the sheet of marks."""
    for number, exercise in texts_of(checks).items():
        sheet, path = _place(folder, number)
        _, changes = changes_in(record, sheet, path, dict(_columns(exercise)), Roster([]))
        owners = {code_of(number, student): student for student in students}
        columns = {"mark": number, "comment": f"{number} comment"}
        record.type(
            lab,
            [
                (owners[code], columns[column], value)
                for code, column, value in changes
                if code in owners and column in columns
            ],
        )


def serve(
    record: Path,
    lab: str,
    checks: Lab,
    entries: Sequence[Entry],
    samples: Mapping[str, Mapping[int, str]],
    *,
    blind: bool = False,
    port: int = 0,
    ready: Callable[[str], None],
) -> None:
    """Serve the pages of a lab's free texts to this machine until somebody interrupts.

    Args:
        record: the file of the class's record.
        lab, checks, entries: the lab as it stands.
        samples: exercise -> points -> an answer that earns them.
        blind: show codes for names.
        port: any free one if 0.
        ready: is told the address, which nobody else can guess.

    Raises:
        OSError: the port can't be had.
    """
    pages = _Pages(record, lab, checks, entries, samples, blind)
    with ThreadingHTTPServer(("127.0.0.1", port), pages.handler()) as server:
        pages.hosts = {f"{name}:{server.server_port}" for name in ("127.0.0.1", "localhost")}
        ready(f"http://127.0.0.1:{server.server_port}/{pages.token}/")
        server.serve_forever()


class _Pages:
    """What is shown, and what is kept of what comes back."""

    def __init__(
        self,
        record: Path,
        lab: str,
        checks: Lab,
        entries: Sequence[Entry],
        samples: Mapping[str, Mapping[int, str]],
        blind: bool,
    ) -> None:
        self.record, self.lab, self.samples, self.blind = record, lab, samples, blind
        self.title, self.exercises = f"Lab {checks.number}: {checks.title}", texts_of(checks)
        self.entries = [entry for entry in entries if entry.attempt and entry.attempt.notebook]
        self.token = secrets.token_urlsafe(24)
        self.hosts: set[str] = set()

    def page(self, number: str, nonce: str) -> str:
        """All answers to an exercise, with marks and comments as they stand in the record now."""
        with Record(self.record) as record:
            typed = record.typed(self.lab)
        answers = []
        for entry in self.entries:
            now = {**entry.cells, **{n: "" for n in (number, f"{number} comment")}, **typed.get(entry.student, {})}
            code = code_of(number, entry.student)
            answers.append(
                {
                    "code": code,
                    "name": f"Answer {code}" if self.blind else entry.name or entry.student,
                    "text": entry.texts.get(number, ""),
                    "mark": now[number],
                    "comment": now[f"{number} comment"],
                }
            )
        answers.sort(key=lambda answer: answer["code" if self.blind else "name"].casefold())
        return render(
            "marking",
            title=self.title,
            number=number,
            exercise=self.exercises[number],
            samples=self.samples.get(number, {}),
            numbers=list(self.exercises),
            answers=answers,
            nonce=nonce,
        )

    def keep(self, number: str, told: Mapping[str, Any]) -> str:
        """Store a mark and a comment; returns why not, if not."""
        code, mark, comment = (told.get(name) for name in ("code", "mark", "comment"))
        owners = {code_of(number, entry.student): entry.student for entry in self.entries}
        if not (isinstance(code, str) and isinstance(mark, str) and isinstance(comment, str) and code in owners):
            return "no such answer: load the page again"
        mark, points = mark.strip(), self.exercises[number].points
        value = mark_of(mark)
        if mark and (value is None or not 0 <= value <= points):
            return f"a mark is a number from 0 to {points}"
        student = owners[code]
        with Record(self.record) as record:
            record.type(
                self.lab, [(student, number, mark or None), (student, f"{number} comment", comment.strip() or None)]
            )
        return ""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers requests."""
        pages = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 30

            def log_message(self, format: str, *args: Any) -> None:
                pass  # the address holds the token

            def number(self) -> str | None:
                """The exercise that is asked for, "" for the first page; None, answered, if nothing is."""
                _, token, *rest = f"{self.path.partition('?')[0]}/".split("/")
                # The name of another host that leads here would be another site's script (DNS rebinding).
                known = self.headers.get("Host", "") in pages.hosts
                if known and secrets.compare_digest(token.encode(), pages.token.encode()):
                    number = rest[0] if rest else ""
                    if number in pages.exercises or not number:
                        return number
                self.answer(HTTPStatus.NOT_FOUND, "there is nothing here", "text/plain")
                return None

            def do_GET(self) -> None:
                number = self.number()
                if number:
                    nonce = secrets.token_urlsafe(16)
                    self.answer(HTTPStatus.OK, pages.page(number, nonce), "text/html")
                elif number == "":
                    self.send_response(HTTPStatus.FOUND)
                    self.send_header("Location", f"/{pages.token}/{next(iter(pages.exercises))}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def do_POST(self) -> None:
                number = self.number()
                if not number:
                    return
                length = self.headers.get("Content-Length", "")
                # A form on another site can't send JSON without asking first.
                if self.headers.get_content_type() != "application/json" or not length.isdecimal():
                    self.answer(HTTPStatus.BAD_REQUEST, "send JSON", "text/plain")
                elif int(length) > _MOST_BYTES:
                    self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long", "text/plain")
                else:
                    try:
                        told = json.loads(self.rfile.read(int(length)))
                        problem = pages.keep(number, told if isinstance(told, dict) else {})
                    except (ValueError, OSError) as error:
                        problem = str(error)
                    status = HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK
                    self.answer(status, problem or "saved", "text/plain")

            def answer(self, status: HTTPStatus, text: str, kind: str) -> None:
                data = text.encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": f"{kind}; charset=utf-8",
                    "Content-Length": str(len(data)),
                    "Cache-Control": "no-store",
                    "Referrer-Policy": "no-referrer",
                    "X-Content-Type-Options": "nosniff",
                    "X-Frame-Options": "DENY",
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        return Handler
