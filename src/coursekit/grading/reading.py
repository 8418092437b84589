"""Read whatever a student's editor has left of a notebook: the kinds and the sources of its cells, and nothing else.

A notebook of 300 MB of outputs is 20 KB of work. The file is mapped, not loaded, and what isn't needed is stepped over
without being looked at; so outputs, metadata and ids may be missing, wrong or endless, and a file that was cut off
still gives the cells before the cut.
"""

import json
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coursekit.notebooks import NotebookError

__all__ = ["Cell", "Notebook", "read_cells"]

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_MARK = re.compile(rb'["\[\]{}]')
_SCALAR = re.compile(rb"[^\s,\]}\[{]+")
_BLANK = re.compile(rb"[\s,:]*+")
_CONFLICT = re.compile(rb"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)
_TWO_VERSIONS = "the file holds the marks of a conflict (<<<<<<<) between two versions"
_MOST_SOURCE = 2_000_000  # bytes of one cell

Buffer = bytes | mmap.mmap


@dataclass(frozen=True)
class Cell:
    """What a cell is (code, markdown or raw), and what was written in it."""

    kind: str
    source: str


@dataclass
class Notebook:
    """The cells of a notebook, in order, and what the reader had to put up with."""

    cells: list[Cell]
    notes: list[str] = field(default_factory=list)

    @property
    def code(self) -> list[tuple[int, str]]:
        """(place among all cells, source) of each code cell."""
        return [(index, cell.source) for index, cell in enumerate(self.cells) if cell.kind == "code"]

    @property
    def text(self) -> str:
        """All sources, one after the other."""
        return "\n".join(cell.source for cell in self.cells)


class _CutOffError(Exception):
    """The file ends in the middle of a value."""


def read_cells(path: str | Path) -> Notebook:
    """The cells of a notebook of any format since version 2; notes say what was odd.

    NotebookError: there is nothing that could be read as cells; the message is for the student.
    """
    with open(path, "rb") as file:
        start = file.read(4096)
        if not start.strip(b"\0 \t\r\n"):
            raise NotebookError("the file is empty: save the notebook, and hand it in again")
        if start.startswith((b"\xff\xfe", b"\xfe\xff")):
            file.seek(0)
            return _cells(file.read().decode("utf-16", errors="replace").encode())
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
            return _cells(buffer)


def _cells(buffer: Buffer) -> Notebook:
    at = 3 if buffer[:3] == b"\xef\xbb\xbf" else 0
    at = _next(buffer, at)
    if buffer[at : at + 1] != b"{":
        raise NotebookError(_what_else(buffer[:2000]))
    notebook, found = Notebook([]), False
    try:
        for key, value in _members(buffer, at):
            if key == "cells":
                found = True
                _take(buffer, value, notebook)
            elif key == "worksheets":  # until 2014
                found = True
                for sheet in _items(buffer, value):
                    for inner, cells in _members(buffer, sheet):
                        if inner == "cells":
                            _take(buffer, cells, notebook)
    except _CutOffError:
        if _CONFLICT.search(buffer):
            notebook.notes.append(_TWO_VERSIONS)
        else:
            told = f"the file is damaged or cut off: {len(notebook.cells)} cells could be read"
            notebook.notes.append(f"{told}; save the notebook, and hand it in again")
    if not notebook.cells:
        reason = "has no cells" if found else "is JSON, but no notebook: it has no cells"
        damaged = "is damaged and " if notebook.notes else ""
        raise NotebookError(f"the file {damaged}{reason}: open it in JupyterLab, save it, and hand it in again")
    return notebook


def _what_else(start: bytes) -> str:
    if re.match(rb"\s*<(!doctype|html|\?xml)", start[:200], re.IGNORECASE):
        return "this is a saved web page, not the notebook: download the .ipynb file itself"
    if start.startswith(b"PK"):
        return "this is a zip file or a document with the name of a notebook: hand in the .ipynb file itself"
    if _CONFLICT.search(start):
        return f"{_TWO_VERSIONS}: choose one, and hand it in again"
    if re.search(rb"^(import|from|def|#) ?", start, re.MULTILINE):
        return "this is a Python file or a text, not the notebook: hand in the .ipynb file itself"
    return "this is not a Jupyter notebook: open it in JupyterLab, save it, and hand it in again"


def _take(buffer: Buffer, at: int, notebook: Notebook) -> None:
    """Add the cells of an array."""
    for item in _items(buffer, at):
        if buffer[item : item + 1] != b"{":
            if _CONFLICT.match(buffer, item):
                notebook.notes.append(_TWO_VERSIONS)
            continue
        number, kind, source, level = len(notebook.cells) + 1, "", "", 1
        has_outputs = False
        for key, value in _members(buffer, item):
            match key:
                case "cell_type":
                    kind = str(_value(buffer, value))
                case "source" | "input":
                    end = _end(buffer, value)
                    if end - value > _MOST_SOURCE:
                        notebook.notes.append(f"cell {number} has {(end - value) / 1e6:.0f} MB of text: left out")
                        continue
                    try:
                        source = _joined(_value(buffer, value))
                    except ValueError:
                        notebook.notes.append(f"cell {number} can't be read")
                case "level":
                    level = int(found) if isinstance(found := _value(buffer, value), int | float) else 1
                case "outputs" | "execution_count" | "prompt_number":
                    has_outputs = True
        if kind == "heading":
            kind, source = "markdown", f"{'#' * max(1, min(level, 6))} {source}"
        elif kind not in ("code", "markdown", "raw"):
            kind = "code" if has_outputs else "markdown"
        notebook.cells.append(Cell(kind, source.replace("\r\n", "\n").replace("\r", "\n")))


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


# A JSON text, stepped through. A place is the index of a value's first byte.


def _next(buffer: Buffer, at: int) -> int:
    found = _BLANK.match(buffer, at)
    return found.end() if found else at


def _end(buffer: Buffer, at: int) -> int:
    """Where the value that begins at `at` ends."""
    first = buffer[at : at + 1]
    if first == b'"':
        return _end_of_string(buffer, at)
    if first not in (b"{", b"["):
        if not (found := _SCALAR.match(buffer, at)):
            raise _CutOffError
        return found.end()
    depth = 0
    while mark := _MARK.search(buffer, at):
        at = mark.end()
        match mark[0]:
            case b'"':
                at = _end_of_string(buffer, mark.start())
            case b"{" | b"[":
                depth += 1
            case _:
                depth -= 1
                if depth == 0:
                    return at
    raise _CutOffError


def _end_of_string(buffer: Buffer, at: int) -> int:
    if not (found := _STRING.match(buffer, at)):
        raise _CutOffError
    return found.end()


def _items(buffer: Buffer, at: int) -> Iterator[int]:
    """The places of an array's values; none if it isn't one."""
    if buffer[at : at + 1] != b"[":
        return
    at = _next(buffer, at + 1)
    while buffer[at : at + 1] != b"]":
        end = _end(buffer, at)  # a value that is cut off isn't given
        yield at
        at = _next(buffer, end)


def _members(buffer: Buffer, at: int) -> Iterator[tuple[str, int]]:
    """(name, place) of an object's values; none if it isn't one. A value that is cut off is given, too."""
    if buffer[at : at + 1] != b"{":
        return
    at = _next(buffer, at + 1)
    while buffer[at : at + 1] != b"}":
        if buffer[at : at + 1] != b'"':
            raise _CutOffError
        end = _end_of_string(buffer, at)
        value = _next(buffer, end)
        yield _text(buffer[at + 1 : end - 1]), value
        at = _next(buffer, _end(buffer, value))


def _value(buffer: Buffer, at: int) -> Any:
    return json.loads(_text(buffer[at : _end(buffer, at)]), strict=False)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
