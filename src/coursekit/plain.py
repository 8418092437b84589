"""Numbers, figure numbers and alternative texts, written from a notebook's own outputs into its plain Markdown.

A reader of a notebook sees Markdown, mathematics and `<details>`, wherever it is opened: nothing waits for a tool that
fills it in. So `execute` writes into the text what the code has found out:

* **A number** stands between two invisible comments, the first of which names it: `<!--=loss-->0.034<!--/-->` for the
  value of `glue("loss", ..., display=False)`, with a format `<!--=loss:.1f-->0.0<!--/-->`. Authors write the comments.
* **A caption** is a paragraph below its figure's cell, `<a id="fig-05-loss"></a>**Figure 5.1.** What it shows.`; links
  read `[Figure 5.1](#fig-05-loss)`. Figures are numbered in their order; a new one may say `Figure ?`.
* **An alternative text** with numbers is a template in the cell's metadata, `course.alt`, with `{loss}` or `{loss:.1f}`
  in it; what comes out is put where the site looks for it, `mystnb.image.alt`.
"""

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from coursekit.notebooks import read_notebook

__all__ = ["faults", "glued", "refresh"]

_NAME = r"(?P<name>\w+(?:[.-]\w+)*)(?::(?P<spec>[^<>{}-]*))?"  # no "--": it may not stand in a comment
_NUMBER = re.compile(rf"(?P<open><!--={_NAME}-->)(?P<text>(?:(?!<!--).)*)(?P<close><!--/-->)", re.DOTALL)
_IN_ALT = re.compile(rf"\{{{_NAME}\}}")
_MARK = re.compile(r"<!--\s*[=/].*?(?:-->|$)")
# A line that begins with a comment is a block of HTML to Markdown: the rest of the line is shown as it stands.
_AT_LINE_START = re.compile(r"(?m)^(?P<start>[\s>]*(?:(?:[-*+]|\d+[.)])\s+)*)<!--=")
# So such a line is joined to the one before it, where that one is text.
_JOINED = re.compile(r"(?m)^(?![ ]*(?:[#>|]|<(?!a |!--=)|$))(?P<line>.*\S)[ ]*\n[ ]*(?=<!--=)")

_FIGURE = r"[A-Z]?\d+\.\d+|\?"
_CAPTION = re.compile(rf'(?m)^(?P<open><a id="(?P<id>fig-[\w-]+)"></a>\*\*Figure )(?P<number>{_FIGURE})(?=\.\*\* )')
_TO_FIGURE = re.compile(
    rf"(?P<open>\[Figure )(?P<number>{_FIGURE})(?P<rest>[^\]]*\]\((?P<file>[^)#\s]*)#(?P<id>fig-[\w-]+)\))"
)
_SERIES = {"labs": "L", "solutions": "L", "broken": "L", "evidence": "E"}
_GLUED = "application/papermill.record/text/plain"


def glued(nb: NotebookNode) -> dict[str, Any]:
    """Name -> value of everything that the code has glued: a text or a number; of other things, what Python prints."""
    values: dict[str, Any] = {}
    for output in (output for cell in nb.cells for output in cell.get("outputs", [])):
        name = output.get("metadata", {}).get("scrapbook", {}).get("name")
        if name is not None and _GLUED in output.data:
            try:
                values[name] = ast.literal_eval(output.data[_GLUED])
            except (SyntaxError, ValueError):
                values[name] = output.data[_GLUED]
    return values


def refresh(nb: NotebookNode, path: Path) -> list[str]:
    """Bring numbers, figure numbers and alternative texts in line with the outputs; returns what couldn't be, in words.

    Args:
        nb: is changed in place.
        path: of the notebook: figures are numbered after it, and links to other notebooks' figures start there.
    """
    text = _Text(nb, path)
    text.refresh()
    return text.complaints


def faults(nb: NotebookNode, path: Path) -> list[str]:
    """What a reader would be told wrongly: text that isn't what the outputs say, marks that show, names nobody uses.

    (A name that the code puts together, as `f"solved-{scale}"`, is one of a family and may stay unused.)
    """
    fresh = copy.deepcopy(nb)
    text = _Text(fresh, path)
    text.refresh()
    found = text.complaints
    for number, (cell, new) in enumerate(zip(nb.cells, fresh.cells, strict=True), start=1):
        for old_line, new_line in _differences(cell, new):
            found.append(
                f"cell {number} says {old_line!r}, its outputs {new_line!r}; run `course.py execute --text-only`"
            )
    code = "".join(cell.source for cell in nb.cells if cell.cell_type == "code")
    unused = [name for name in text.values.keys() - text.used if re.search(rf"([\"']){re.escape(name)}\1", code)]
    return found + [f"{name!r} is glued and used nowhere" for name in sorted(unused)]


class _Text:
    """One notebook's text on its way to what the outputs say."""

    def __init__(self, nb: NotebookNode, path: Path) -> None:
        self.nb, self.path = nb, path
        self.values = glued(nb)
        self.used: set[str] = set()
        self.complaints: list[str] = []
        self._where = ""
        self._others: dict[Path, dict[str, str]] = {}

    def refresh(self) -> None:
        numbers = _figures(self.nb, self.path)
        if len(numbers) < len(list(_captions(self.nb))):
            self.complaints.append("two figures have the same identifier")
        for number, cell in enumerate(self.nb.cells, start=1):
            self._where = f"cell {number}"
            if cell.cell_type == "markdown":
                source = _CAPTION.sub(lambda m: m["open"] + numbers[m["id"]], cell.source)
                source = _TO_FIGURE.sub(lambda m: self._link(m, numbers), source)
                source = _NUMBER.sub(
                    lambda m: m["open"] + self._value(m) + m["close"], _JOINED.sub(r"\g<line> ", source)
                )
                self._check_marks(source)
                cell.source = source
            elif template := cell.metadata.get("course", {}).get("alt"):
                image = cell.metadata.setdefault("mystnb", {}).setdefault("image", {})
                image["alt"] = _IN_ALT.sub(self._value, template)

    def _value(self, match: re.Match[str]) -> str:
        name, spec = match["name"], match["spec"] or ""
        if name not in self.values:
            self.complaints.append(f"{self._where} asks for {name!r}, which no cell glues")
            return match["text"] if "text" in match.re.groupindex else match[0]
        self.used.add(name)
        value = self.values[name]
        try:
            return format(float(value) if spec and isinstance(value, str) else value, spec)
        except (TypeError, ValueError):
            self.complaints.append(f"{self._where}: {name!r} is {value!r}, which the format {spec!r} doesn't fit")
            return str(value)

    def _link(self, match: re.Match[str], numbers: dict[str, str]) -> str:
        if match["file"]:
            numbers = self._numbers_in((self.path.parent / match["file"]).resolve())
        if match["id"] not in numbers:
            self.complaints.append(f"{self._where} links to {match['file']}#{match['id']}, and no figure is called so")
        return match["open"] + numbers.get(match["id"], match["number"]) + match["rest"]

    def _numbers_in(self, path: Path) -> dict[str, str]:
        if path not in self._others:
            self._others[path] = _figures(read_notebook(path), path)
        return self._others[path]

    def _check_marks(self, source: str) -> None:
        for mark in _MARK.findall(_NUMBER.sub("", source)):
            self.complaints.append(f"{self._where} holds {mark} that is not of the form <!--=name--> ... <!--/-->")
        if _AT_LINE_START.search(source):
            self.complaints.append(f"{self._where}: a line begins with a number's comment; put a word before it")


def _figures(nb: NotebookNode, path: Path) -> dict[str, str]:
    """Identifier -> number of the figures, counted in the order of their captions."""
    chapter = re.match(r"\d+", path.name)
    start = _SERIES.get(path.resolve().parent.name, "") + (str(int(chapter[0])) if chapter else "0")
    return {name: f"{start}.{number}" for number, name in enumerate(_captions(nb), start=1)}


def _captions(nb: NotebookNode) -> Iterator[str]:
    sources = (cell.source for cell in nb.cells if cell.cell_type == "markdown")
    return (match["id"] for source in sources for match in _CAPTION.finditer(source))


def _differences(old: NotebookNode, new: NotebookNode) -> Iterator[tuple[str, str]]:
    """Lines of the text, and alternative texts, that aren't the same."""
    if old.cell_type == "markdown" and old.source != new.source:
        lines = zip(old.source.split("\n"), new.source.split("\n"), strict=False)
        yield next(((a, b) for a, b in lines if a != b), (old.source, new.source))
    alts = [cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "") for cell in (old, new)]
    if alts[0] != alts[1]:
        yield alts[0], alts[1]
