"""What a reader of a chapter meets: how many words, how much code at a time, what is folded, what is kept from view.

`measure` counts a notebook, `table` prints several side by side. Two finders look for what a reader can't follow:
`hidden_names`, a name whose origin was removed, and `lint_marks`, a word to a tool. Nothing here runs a notebook.
"""

from __future__ import annotations

import ast
import dis
import html
import json
import re
import statistics
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType

import nbformat
from nbformat import NotebookNode

from coursekit.notebooks import read_notebook

__all__ = ["Measures", "hidden_names", "lint_marks", "measure", "measure_files", "measure_revision", "table", "to_json"]

FOLDED = {"hide-input", "hide-cell"}
REMOVED = {"remove-input", "remove-cell"}
_NO_OUTPUT = {"remove-cell", "remove-output"}

WORDS_A_MINUTE = 200
SECONDS_A_LINE = 5
SECONDS_A_FIGURE = 30
LONG_CELL, LONGEST_CELL = 15, 30
"""Lines of a visible cell: hardly one has more than the first, and only the algorithm more than the second."""
COLUMNS = 80

_FIGURE = r"<(?:img|svg|video|canvas|iframe)\b"
_ROLE = r"(?<!`)\{[a-z][\w:-]*\}(?=`)"
_FENCE = r"(?m)^[ >]*(?:`{3,}|:{3,})"
_MARKS = {
    r"(?s)<!--.*?-->": "",
    r"(?ms)^([ >]*`{3,})\w+\n.*?^\1[ ]*$": "",  # code
    r"(?s)\$\$.*?\$\$|\$[^$\n]+\$": " formula ",
    r"</?[a-zA-Z][^>]*>": " ",
    rf"{_FENCE}(?:\{{solution\}}.*|\{{[\w:-]+\}})?": "",
    r"(?m)^[ >]*:[\w-]+:.*$": "",  # an option of a directive
    rf"{_ROLE}`[^`]*`": " role ",
    r"!\[[^\]]*\]\([^)]*\)": "",
    r"\[([^\]]*)\]\([^)]*\)": r"\1",
}
"""What isn't read as words -> what is read in its place."""


@dataclass(frozen=True)
class Measures:
    """One notebook in numbers. A line of code is one that isn't blank; a cell is visible unless folded or removed."""

    words: int
    """In Markdown and captions, without code; folded answers count, a formula or a role is one word."""
    verdict_words: int
    """In the ledger's boxes and tables."""
    cells: int
    """Visible ones with code."""
    median_lines: float
    longest_cell: int
    long_cells: int
    """Visible cells of more than `LONG_CELL` lines, but for those tagged `algorithm`; the next: `LONGEST_CELL`."""
    too_long_cells: int
    folded_share: float
    """Share of the lines of code that are folded or removed, 0 to 1."""
    removed_cells: int
    wide_lines: int
    """Lines of visible cells over `COLUMNS`."""
    boxes: int
    figures: int
    roles: int
    """Roles and directives: what a notebook shows as typed."""
    minutes_announced: int | None
    minutes: float
    """To read: `WORDS_A_MINUTE`, `SECONDS_A_LINE` of visible code, `SECONDS_A_FIGURE`."""

    @property
    def all_words(self) -> int:
        """Words in Markdown, captions and verdicts: what the recipe limits."""
        return self.words + self.verdict_words


def measure(nb: NotebookNode) -> Measures:
    """Count what a reader of the notebook meets."""
    text = "\n\n".join(_plain(cell) for cell in nb.cells)
    outputs = list(_shown_html(nb))
    verdicts = [page for _, page in outputs if 'class="verdict' in page]
    visible = [cell for cell in _code(nb) if not _tags(cell) & (FOLDED | REMOVED)]
    lines = [_n_lines(cell) for cell in visible]
    taught = [n for n, cell in zip(lines, visible, strict=True) if "algorithm" not in _tags(cell)]
    all_lines = sum(_n_lines(cell) for cell in _code(nb))
    words, verdict_words = _n_words(_without_marks(text)), sum(_n_words(_without_marks(page)) for page in verdicts)
    figures = sum(is_figure for is_figure, _ in outputs) + len(re.findall(rf"!\[|{_FIGURE}", text))
    seconds = SECONDS_A_LINE * sum(lines) + SECONDS_A_FIGURE * figures
    return Measures(
        words=words,
        verdict_words=verdict_words,
        cells=len(visible),
        median_lines=statistics.median(lines or [0]),
        longest_cell=max(lines, default=0),
        long_cells=sum(n > LONG_CELL for n in taught),
        too_long_cells=sum(n > LONGEST_CELL for n in taught),
        folded_share=1 - sum(lines) / all_lines if all_lines else 0.0,
        removed_cells=sum(bool(_tags(cell) & REMOVED) for cell in _code(nb)),
        wide_lines=sum(len(line) > COLUMNS for cell in visible for line in cell.source.splitlines()),
        boxes=sum(page.count("<aside") for page in verdicts),
        figures=figures,
        roles=len(re.findall(rf"{_FENCE}\{{|{_ROLE}", text)),
        minutes_announced=_announced(text),
        minutes=(words + verdict_words) / WORDS_A_MINUTE + seconds / 60,
    )


def _code(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def _tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _n_lines(cell: NotebookNode) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def _plain(cell: NotebookNode) -> str:
    """The Markdown of a cell, or the caption in its metadata, as typed."""
    if cell.cell_type == "markdown":
        return str(cell.source)
    return str(cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", ""))


def _without_marks(text: str) -> str:
    """Markdown or HTML without what isn't read as words."""
    for mark, instead in _MARKS.items():
        text = re.sub(mark, instead, text)
    return html.unescape(text)


def _n_words(text: str) -> int:
    return sum(bool(re.search(r"\w", word)) for word in text.split())


def _announced(text: str) -> int | None:
    found = re.search(r"(\d+) minutes to read|Reading\W+(\d+) minutes", _without_marks(text))
    return int(found[1] or found[2]) if found else None


def _shown_html(nb: NotebookNode) -> Iterator[tuple[bool, str]]:
    """For each output that is shown: whether it is a figure, and its HTML."""
    for cell in _code(nb):
        for output in [] if _tags(cell) & _NO_OUTPUT else cell.outputs:
            data = output.get("data", {})
            page = data.get("text/html", "")
            is_picture = any(kind.startswith("image/") for kind in data)
            yield is_picture or bool(re.search(_FIGURE, page)), page


# --- Names and marks that a reader can't follow --------------------------------------------------------------------


def hidden_names(nb: NotebookNode) -> list[tuple[str, str]]:
    """(cell's id, name) for each name that a visible cell uses and that only a removed cell above it defines."""
    shown: set[str] = set()
    removed: set[str] = set()
    found = []
    for cell in _code(nb):
        used, bound = _names(cell.source)
        if not _tags(cell) & (FOLDED | REMOVED):
            found += [(str(cell.id), name) for name in sorted(used & removed - shown)]
        (removed if _tags(cell) & REMOVED else shown).update(bound)
    return found


def _names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell takes from the cells above, for its functions too, and those that it gives to those below.

    They are read off the compiled code, where Python has sorted out what is local to a function or a comprehension.
    """
    python = re.sub(r"(?m)^([ \t]*)[%!].*$", r"\1pass", source)  # IPython's own lines
    cell = compile(python, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    used: set[str] = set()
    bound: set[str] = set()
    for step in dis.get_instructions(cell):
        if step.opname == "STORE_NAME":
            bound.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in bound:
            used.add(step.argval)
    scopes = [cell]
    while scopes:
        inner = [constant for constant in scopes.pop().co_consts if isinstance(constant, CodeType)]
        scopes += inner
        for steps in map(list, map(dis.get_instructions, inner)):
            own = {step.argval for step in steps if step.opname == "STORE_NAME"}  # of a class
            bound |= {step.argval for step in steps if step.opname == "STORE_GLOBAL"}
            loaded = {step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
            used |= loaded - own - bound
    return used, bound


def lint_marks(nb: NotebookNode) -> list[tuple[str, str]]:
    """(cell's id, mark) for each word to a linter, a formatter or a type checker in a visible cell."""
    pattern = r"#\s*(?:noqa|fmt:|type:|ruff:|mypy:|pragma:).*"
    visible = (cell for cell in _code(nb) if not _tags(cell) & (FOLDED | REMOVED))
    return [(str(cell.id), mark) for cell in visible for mark in re.findall(pattern, cell.source)]


# --- The table -----------------------------------------------------------------------------------------------------

_COLUMNS: dict[str, Callable[[Measures], object]] = {
    "words": lambda m: m.words,
    "boxed": lambda m: m.verdict_words,
    "cells": lambda m: m.cells,
    "median": lambda m: f"{m.median_lines:g}",
    "longest": lambda m: m.longest_cell,
    "folded": lambda m: f"{m.folded_share:.0%}",
    "removed": lambda m: m.removed_cells,
    "wide": lambda m: m.wide_lines,
    "boxes": lambda m: m.boxes,
    "figures": lambda m: m.figures,
    "roles": lambda m: m.roles,
    "minutes": lambda m: f"{m.minutes:.0f}",
    "said": lambda m: "-" if m.minutes_announced is None else m.minutes_announced,
}
_LEGEND = f"""
words: Markdown and captions; boxed: those of verdicts. cells, median, longest: visible code, lines that aren't blank.
folded: share of such lines that is folded or removed; removed: cells. wide: visible lines over {COLUMNS} columns.
roles: also directives. minutes: {WORDS_A_MINUTE} words a minute, {SECONDS_A_LINE} s a visible line, \
{SECONDS_A_FIGURE} s a figure; said: announced on the page."""


def measure_files(paths: Iterable[str | Path]) -> dict[str, Measures]:
    """Path of a notebook -> its measures. NotebookError: one can't be read."""
    return {Path(path).as_posix(): measure(read_notebook(path)) for path in paths}


def measure_revision(revision: str, paths: Iterable[str | Path]) -> dict[str, Measures]:
    """As `measure_files`, for those of the notebooks that git has at a revision. ValueError: git has no such revision.

    Args:
        revision: a commit, a tag or a branch.
        paths: of notebooks, or of folders, with a slash at the end. From the current folder, not absolute.
    """
    known = _git("ls-tree", "--name-only", revision, "--", *map(str, paths)).splitlines()
    texts = {path: _git("show", f"{revision}:./{path}") for path in known if path.endswith(".ipynb")}
    return {path: measure(nbformat.reads(text, as_version=4)) for path, text in texts.items()}


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise ValueError(f"`git {' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout


def table(measured: Mapping[str, Mapping[str, Measures]]) -> str:
    """A table for people: `measured` is when -> notebook -> measures; a notebook's rows stand together."""
    names = sorted({name for notebooks in measured.values() for name in notebooks})
    rows = [["", "", *_COLUMNS]]
    for name in names:
        for when, notebooks in measured.items():
            if name in notebooks:
                numbers = [str(show(notebooks[name])) for show in _COLUMNS.values()]
                rows.append([name.removesuffix(".ipynb"), when, *numbers])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        left, right = zip(row[:2], widths[:2], strict=True), zip(row[2:], widths[2:], strict=True)
        lines.append("  ".join([*(f"{x:<{n}}" for x, n in left), *(f"{x:>{n}}" for x, n in right)]).rstrip())
    return "\n".join(lines) + "\n" + _LEGEND


def to_json(measured: Mapping[str, Mapping[str, Measures]]) -> str:
    """What `table` prints, and the rest, for programs: when -> notebook -> measure -> value."""
    plain = {when: {name: asdict(m) for name, m in notebooks.items()} for when, notebooks in measured.items()}
    return json.dumps(plain, indent=1)
