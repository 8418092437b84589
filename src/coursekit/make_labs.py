"""Labs made from solutions: `solutions/NN_name.ipynb` is the one source of a lab.

In it, answers stand between two marks (nbgrader knows the same):

    def double(x):
        ### BEGIN SOLUTION: return twice x
        return 2 * x
        ### END SOLUTION

The lab gets `raise NotImplementedError("Your turn: return twice x")` in their place. A Markdown cell tagged `solution`
holds a model answer; the lab gets "*Your answer here.*".

Beside the labs stands a start page that lists them, `00_start_here.ipynb`, made from their first cells.
"""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode, v4

from coursekit.notebooks import NotebookError, read_notebook, tidy, to_text, write_atomically

__all__ = ["PLACEHOLDER", "START", "build_labs", "check_labs", "student_version"]

PLACEHOLDER = "*Your answer here.*"
"""What a lab shows where a free text is to be written."""

START = "00_start_here.ipynb"
"""The start page of labs/."""

_FIRST_LINES = re.compile(r"# Lab (?P<number>\d+) · (?P<title>.+)\n\nAbout (?P<minutes>\d+) minutes · 20 points: .+")
_NEEDED = re.compile(r"You need to have read (?P<needed>[^\n]+?)(?:, and nothing else)?\.(?=\s)")
_START_PAGE = """# Start here

In a lab you write short functions, and a check tells you at once whether they are right and, if not, what is wrong.
Each lab has 20 points. A lab follows its chapter: read that first.

| lab | minutes | what to know first |
|---|---|---|
{rows}

**How to begin.** Open a lab from this table. Read, and run each cell with Shift+Enter. Where a cell says
`raise NotImplementedError("Your turn: ...")`, put your own lines in that line's place, then run the check below it.
When you are stuck for five minutes, open the hint, and then the bigger one. Save with Ctrl+S (on a Mac, Cmd+S): your
work is in the file, and closing the browser loses nothing that was saved.

**What a check tells you.** `PASS` means right, also for inputs that you haven't seen. `TRY AGAIN` says what is wrong
and what to look at. Try as often as you like; nobody counts. If a check goes on and on, press the stop button above
the notebook.

**In VS Code** instead of JupyterLab: open the folder of the course, open the lab, and choose the Python in `.venv` as
its kernel (*Select Kernel*, *Python Environments*). The checks work the same.

**Broken on purpose.** Six short notebooks, one for each part of the book, hold a program in which something is wrong:
find out what, from its curves, and mend it. They stand in the folder `broken`, 10 points each;
[the first](broken/21_a_loss_that_climbs.ipynb) belongs to part I.

**The answers** are on the course's site and in its folder `solutions`, which isn't listed here. A lab that you have
solved yourself teaches more than one whose answer you have read.
"""

_BEGIN = re.compile(r"^(\s*)### BEGIN SOLUTION(?:: *(.*?))?\s*$")
_END = re.compile(r"^\s*### END SOLUTION\s*$")
_ALMOST = re.compile(r"#\s*(BEGIN|END)\s*SOLUTION", re.IGNORECASE)


def student_version(nb: NotebookNode, name: str) -> NotebookNode:
    """The lab of a solution notebook: no answers, no outputs; `name` is for error messages."""
    nb = nbformat.from_dict(nb)
    for number, cell in enumerate(nb.cells, start=1):
        where = f"{name}, cell {number} ({cell.get('id', 'no id')})"
        if cell.cell_type == "code":
            cell.source = _without_answers(cell.source, where)
            cell.outputs, cell.execution_count = [], None
        if "solution" in cell.metadata.get("tags", []):
            if cell.cell_type == "code":
                raise NotebookError(
                    f"{where}: only Markdown cells are tagged solution; mark the lines of code instead."
                )
            cell.source = PLACEHOLDER
            cell.metadata["tags"] = [tag for tag in cell.metadata["tags"] if tag != "solution"]
    tidy(nb)
    return nb


def _without_answers(source: str, where: str) -> str:
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        begin = _BEGIN.match(line)
        if begin:
            if inside:
                raise NotebookError(f"{where}: a second ### BEGIN SOLUTION before ### END SOLUTION.")
            inside = True
            message = (begin[2] or "replace this line with your code").replace("\\", "\\\\").replace('"', '\\"')
            kept.append(f'{begin[1]}raise NotImplementedError("Your turn: {message}")')
        elif _END.match(line):
            if not inside:
                raise NotebookError(f"{where}: ### END SOLUTION without ### BEGIN SOLUTION before it.")
            inside = False
        elif _ALMOST.search(line):
            raise NotebookError(
                f"{where}: {line.strip()!r} looks like a mark, but a mark is a line of its own that reads exactly "
                "### BEGIN SOLUTION (then, if you like, a colon and a message) or ### END SOLUTION."
            )
        elif not inside:
            kept.append(line)
    if inside:
        raise NotebookError(f"{where}: ### BEGIN SOLUTION without ### END SOLUTION after it.")
    return "\n".join(kept)


def _labs(source: str | Path) -> dict[str, str]:
    """File name -> text of the lab, for every solution notebook of a folder."""
    paths = sorted(Path(source).glob("*.ipynb"))
    if not paths:
        raise NotebookError(f"{source} holds no notebook; give the folder with the solutions.")
    labs = {path.name: student_version(read_notebook(path), str(path)) for path in paths}
    return {name: to_text(lab) for name, lab in {**_start_page(labs), **labs}.items()}


def _start_page(labs: dict[str, NotebookNode]) -> dict[str, NotebookNode]:
    """The page that leads to all labs that begin as this course's do; none where there are none."""
    rows = []
    for name, lab in labs.items():
        first = lab.cells[0].source if lab.cells else ""
        head, needed = _FIRST_LINES.match(first), _NEEDED.search(first)
        if head and needed:
            rows.append(f"| [{head['number']} · {head['title']}]({name}) | {head['minutes']} | {needed['needed']} |")
    if not rows:
        return {}
    page = v4.new_notebook(cells=[v4.new_markdown_cell(_START_PAGE.format(rows="\n".join(rows)).strip(), id="start")])
    tidy(page)
    return {START: page}


def build_labs(source: str | Path, target: str | Path) -> list[Path]:
    """Write the lab of every solution notebook in `source` to `target`, under the same name; returns their paths.

    Nothing is written if any of the solutions has an error.
    """
    labs = _labs(source)
    Path(target).mkdir(parents=True, exist_ok=True)
    for name, text in labs.items():
        write_atomically(Path(target) / name, text)
    return [Path(target) / name for name in labs]


def check_labs(source: str | Path, target: str | Path) -> list[Path]:
    """The labs in `target` that are not what `build_labs` would write: other text, missing, or without a solution."""
    labs = _labs(source)
    names = labs.keys() | {path.name for path in Path(target).glob("*.ipynb")}
    return [path for path in (Path(target) / name for name in sorted(names)) if not _holds(path, labs.get(path.name))]


def _holds(path: Path, text: str | None) -> bool:
    return text is not None and path.is_file() and path.read_bytes() == text.encode("utf-8")
