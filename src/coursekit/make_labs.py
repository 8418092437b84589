"""Labs made from solutions: `solutions/NN_name.ipynb` is the one source of a lab.

In it, answers stand between two marks (nbgrader knows the same):

    def double(x):
        ### BEGIN SOLUTION: return twice x
        return 2 * x
        ### END SOLUTION

The lab gets `raise NotImplementedError("Your turn: return twice x")` in their place. A Markdown cell tagged `solution`
holds a model answer; the lab gets "*Your answer here.*".
"""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.notebooks import NotebookError, read_notebook, tidy, to_text, write_atomically

__all__ = ["PLACEHOLDER", "build_labs", "check_labs", "student_version"]

PLACEHOLDER = "*Your answer here.*"
"""What a lab shows where a free text is to be written."""

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
    return {path.name: to_text(student_version(read_notebook(path), str(path))) for path in paths}


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
