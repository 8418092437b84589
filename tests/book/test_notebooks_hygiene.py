"""What is committed as a notebook is fit to be read: run in order, quiet, portable, with words for every picture."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode, v4

ROOT = Path(__file__).parents[2]
SHORTEST_ALT = 40  # characters; fewer can't say what a figure shows
LONGEST_CELL = 30  # lines that a reader of a chapter sees at once
LONGEST_HIDDEN_CELL = 70  # lines of a drawing that is folded away

NOTEBOOKS = sorted(path for folder in ("notebooks", "labs", "solutions") for path in (ROOT / folder).rglob("*.ipynb"))

_PATH = re.compile(r"(?<![\w.])/(?:home|work|tmp|Users)/|\bC:\\")
_ENCODED = re.compile(r"[A-Za-z0-9+/=]{200,}")  # a picture as text may hold anything, also "/tmp/"


def faults(notebook: NotebookNode, folder: str) -> Iterator[str]:
    """Everything that is wrong with one notebook of `folder` (notebooks, solutions or labs)."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ids = [cell.get("id", "") for cell in notebook.cells]
    if "" in ids or len(set(ids)) < len(ids):
        yield "cell ids are missing or not unique"
    for number, cell in enumerate(notebook.cells, 1):
        for text in (cell.source, *texts(cell)):
            if found := _PATH.search(_ENCODED.sub("", text)):
                yield f"cell {number} holds a path of somebody's machine: {found.group()}"
        if cell.cell_type == "markdown" and re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=[\"'][^\"']+)", cell.source):
            yield f"cell {number} shows a picture without an alternative text"
    if folder == "labs":
        if any(cell.outputs or cell.execution_count for cell in code):
            yield "a lab has outputs"
        return
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        yield "not executed from top to bottom in one go"
    for number, cell in enumerate(code, 1):
        yield from (f"code cell {number}: {fault}" for fault in output_faults(cell))
        hidden = {"hide-input", "remove-input", "hide-cell"} & set(cell.metadata.get("tags", []))
        longest = LONGEST_HIDDEN_CELL if hidden else LONGEST_CELL
        if folder == "notebooks" and len(cell.source.splitlines()) > longest:
            yield f"code cell {number} is longer than {longest} lines"


def output_faults(cell: NotebookNode) -> Iterator[str]:
    """What is wrong with the outputs of one code cell that has been run."""
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"ended with {output.ename}"
        if output.get("name") == "stderr":
            yield f"wrote to stderr: {output.text[:80]}"
        if re.search(r"Text\(|<matplotlib|<Axes| at 0x", output.get("data", {}).get("text/plain", "")):
            yield "shows what a drawing function returned: end the line with a semicolon"
        if any(kind.startswith("image/") for kind in output.get("data", {})):
            yield from alt_faults(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", ""))
        for image in re.findall(r"<img\b[^>]*>", output.get("data", {}).get("text/html", "")):
            found = re.search(r"""\balt=(["'])(.*?)\1""", image, re.DOTALL)
            yield from alt_faults(found[2] if found else "")


def alt_faults(alt: str) -> Iterator[str]:
    """What is wrong with an alternative text."""
    if len(alt.strip()) < SHORTEST_ALT:
        yield f"alternative text is missing or shorter than {SHORTEST_ALT} characters (mystnb.image.alt): {alt!r}"
    elif alt.strip().lower().startswith("a plot"):
        yield f"alternative text names the kind of picture instead of what is seen: {alt!r}"


def texts(cell: NotebookNode) -> Iterator[str]:
    """All text of a cell's outputs; pictures are left out."""
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        yield from output.get("traceback", [])
        for kind, content in output.get("data", {}).items():
            if not kind.startswith("image/") or kind == "image/svg+xml":
                yield content if isinstance(content, str) else json.dumps(content)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_notebook_is_clean(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    folder = path.parent.parent.name if path.parent.name == "broken" else path.parent.name
    found = list(faults(notebook, folder))
    assert not found, "\n".join(found)


def test_there_are_notebooks() -> None:
    folders = {"notebooks", "capstones", "evidence", "labs", "solutions", "broken"}
    assert {path.parent.name for path in NOTEBOOKS} == folders


# Each of the rules above must be able to fail: a clean notebook, and what breaks it.

GOOD_ALT = "The loss falls steeply for ten steps and then hardly at all."


def clean() -> NotebookNode:
    """A chapter without a fault: a text, a quiet cell, a picture and a player."""
    picture = v4.new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"})
    player = v4.new_output("display_data", {"text/html": f'<img src="x" alt="{GOOD_ALT}">' + "/tmp/" + "A" * 300})
    player.data["text/html"] = player.data["text/html"].replace("/tmp/", "B" * 200 + "/tmp/" + "B" * 200)
    cells = [
        v4.new_markdown_cell("# Title\n\nSee https://example.org/home/page and ![a valley](valley.svg)."),
        v4.new_code_cell("x = 1", execution_count=1),
        v4.new_code_cell(
            "plot()", execution_count=2, outputs=[picture], metadata={"mystnb": {"image": {"alt": GOOD_ALT}}}
        ),
        v4.new_code_cell("play()", execution_count=3, outputs=[player]),
    ]
    return v4.new_notebook(cells=cells)


def breaking(change: Callable[[Any], object]) -> NotebookNode:
    notebook = clean()
    change(notebook.cells)
    return notebook


def stream(name: str, text: str) -> list[NotebookNode]:
    return [v4.new_output("stream", name=name, text=text)]


BROKEN: dict[str, tuple[str, Callable[[Any], object]]] = {
    "not run": ("in one go", lambda c: c[1].update(execution_count=None)),
    "run out of order": ("in one go", lambda c: (c[1].update(execution_count=2), c[2].update(execution_count=1))),
    "error": (
        "ended with",
        lambda c: c[1].update(outputs=[v4.new_output("error", ename="E", evalue="", traceback=[])]),
    ),
    "stderr": ("stderr", lambda c: c[1].update(outputs=stream("stderr", "warning"))),
    "returned": (
        "semicolon",
        lambda c: c[1].update(outputs=[v4.new_output("execute_result", {"text/plain": "[Text(0)]"})]),
    ),
    "path in output": ("path", lambda c: c[1].update(outputs=stream("stdout", "saved in /home/me/x"))),
    "path in source": ("path", lambda c: c[1].update(source="open('/Users/me/x')")),
    "windows path": ("path", lambda c: c[0].update(source="It is in C:\\Users")),
    "no alt": ("missing", lambda c: c[2].update(metadata={})),
    "short alt": ("shorter", lambda c: c[2].metadata.mystnb.image.update(alt="The loss falls.")),
    "a plot of": ("kind", lambda c: c[2].metadata.mystnb.image.update(alt="A plot of " + GOOD_ALT)),
    "player without alt": ("missing", lambda c: c[3].outputs[0].data.update({"text/html": "<img src='x'>"})),
    "markdown image": ("picture", lambda c: c[0].update(source="![](valley.svg)")),
    "long cell": ("longer", lambda c: c[1].update(source="x = 1\n" * 31)),
    "long hidden cell": ("70", lambda c: c[1].update(source="x = 1\n" * 71, metadata={"tags": ["hide-input"]})),
    "twice the same id": ("ids", lambda c: c[1].update(id=c[2].id)),
}


def test_a_clean_notebook_has_no_fault() -> None:
    assert list(faults(clean(), "notebooks")) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_is_noticed(name: str) -> None:
    word, change = BROKEN[name]
    found = list(faults(breaking(change), "notebooks"))
    assert len(found) == 1
    assert word in found[0]


def test_a_lab_with_outputs_is_noticed() -> None:
    assert list(faults(clean(), "labs")) == ["a lab has outputs"]
