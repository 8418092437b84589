"""Notebooks as files: labs generated from solutions, and notebooks executed so that what is committed never drifts.

`solutions/NN_name.ipynb` is the one source of a lab. In it, answers stand between two marks:

    def double(x):
        ### BEGIN SOLUTION: return twice x
        return 2 * x
        ### END SOLUTION

The lab gets `raise NotImplementedError("Your turn: return twice x")` in their place. (nbgrader knows the same marks.)
A Markdown cell tagged `solution` holds a model answer; the lab gets "*Your answer here.*".
"""

import json
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

__all__ = [
    "PLACEHOLDER",
    "NotebookError",
    "build_labs",
    "check_labs",
    "execute",
    "read_notebook",
    "student_version",
    "this_kernel",
    "write_atomically",
]

PLACEHOLDER = "*Your answer here.*"
"""What a lab shows where a free text is to be written."""

_BEGIN = re.compile(r"^(\s*)### BEGIN SOLUTION(?:: *(.*?))?\s*$")
_END = re.compile(r"^\s*### END SOLUTION\s*$")
_ALMOST = re.compile(r"#\s*(BEGIN|END)\s*SOLUTION", re.IGNORECASE)
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What authors write; everything else in a cell's metadata is left there by a front end.
_CELL_METADATA = ("jupyter", "mystnb", "nbgrader", "slideshow", "tags")
_WIDGET = "application/vnd.jupyter.widget-view+json"


class NotebookError(ValueError):
    """A notebook that can't be read, generated from or executed; the message names the notebook and the cell."""


def read_notebook(path: str | Path) -> NotebookNode:
    """Read a notebook as nbformat 4.5, with cell ids that are well formed and unique (if they aren't: cell-001 ...).

    NotebookError: there is none, or the file isn't a notebook.
    """
    try:
        raw = json.loads(Path(path).read_text("utf-8"))
        if raw["nbformat"] == 4:
            _mend_ids(raw["cells"])
            raw["nbformat_minor"] = 5
        nb = nbformat.reads(json.dumps(raw), as_version=4)
        nbformat.validate(nb)
    except OSError as error:
        raise NotebookError(f"{path} can't be read: {error.strerror}.") from error
    except Exception as error:  # json and nbformat raise many kinds
        reason = str(error).partition("\n")[0]
        raise NotebookError(f"{path} is not a Jupyter notebook ({reason}). Save it again in JupyterLab.") from error
    return nb


def _mend_ids(cells: list[dict[str, Any]]) -> None:
    """Number the cells anew unless all ids are well formed and unique. (nbformat would make new ones by chance.)"""
    ids = [str(cell.get("id", "")) for cell in cells]
    if len(set(ids)) < len(ids) or not all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in ids):
        for number, cell in enumerate(cells, start=1):
            cell["id"] = f"cell-{number:03d}"


def write_atomically(path: str | Path, text: str) -> bool:
    """Write a text file (UTF-8, Unix line ends) all at once or not at all; False if it held that text already."""
    path = Path(path)
    data = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == data:
        return False
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(scratch, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(scratch, path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
    return True


# Labs from solutions


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
    _tidy(nb)
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
    return {path.name: _text(student_version(read_notebook(path), str(path))) for path in paths}


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


# Execution


class _ThisInterpreter(KernelSpecManager):
    """Knows one kernel, the running Python, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = get_kernel_dict()
        spec["argv"].append("--log-level=ERROR")  # a kernel on this machine needs no warning about encryption
        return KernelSpec(**spec)


def this_kernel() -> AsyncKernelManager:
    """A kernel manager whose kernel is the interpreter that runs this line."""
    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisInterpreter())


def execute(paths: Iterable[str | Path], timeout: int | None = None) -> list[Path]:
    """Execute notebooks in place, each in its own folder, and normalise them; returns those that changed.

    Progress bars are off (TQDM_DISABLE). The result holds no times, no widget state and no metadata but the author's,
    so that executing twice changes no byte where the results don't change.

    Args:
        paths: of the notebooks.
        timeout: seconds that one cell may take; None is no limit.

    Raises:
        NotebookError: with the notebook, the cell and the error. That notebook stays as it was; those before are done.
    """
    return [path for path in map(Path, paths) if write_atomically(path, _text(_executed(path, timeout)))]


def _executed(path: Path, timeout: int | None) -> NotebookNode:
    nb = read_notebook(path)
    _tidy(nb)
    current: list[int] = [0]

    def remember(cell: NotebookNode, cell_index: int) -> None:
        current[0] = cell_index

    manager = this_kernel()
    client = NotebookClient(
        nb,
        km=manager,
        timeout=timeout,
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        on_cell_execute=remember,
        resources={"metadata": {"path": str(path.resolve().parent)}},
    )
    try:
        client.execute(env={**os.environ, "TQDM_DISABLE": "1"}, cleanup_kc=True)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        cell = nb.cells[current[0]]
        raise NotebookError(f"{path}, cell {current[0] + 1} ({cell.id}): {_reason(error, timeout)}") from error
    for number, cell in enumerate(nb.cells, start=1):
        if any(re.match(r"\s*\d+%\|", o.get("data", {}).get("text/plain", "")) for o in cell.get("outputs", [])):
            raise NotebookError(
                f"{path}, cell {number} ({cell.id}): a progress bar of tqdm.auto can't be switched off; "
                "use `from tqdm import tqdm`."
            )
    _tidy(nb)
    return nb


def _reason(error: Exception, timeout: int | None) -> str:
    if isinstance(error, CellExecutionError):
        return f"{error.ename}: {error.evalue}"
    if isinstance(error, CellTimeoutError):
        return f"not finished after {timeout} seconds."
    return "the kernel died (out of memory, or the process was ended)."


def _tidy(nb: NotebookNode) -> None:
    """Reduce metadata to what authors write, and drop widgets."""
    nb.metadata = nbformat.from_dict(_METADATA)
    nb.nbformat, nb.nbformat_minor = 4, 5
    for cell in nb.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in _CELL_METADATA and v})
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_WIDGET, None)


def _text(nb: NotebookNode) -> str:
    return str(nbformat.writes(nb, indent=1)) + "\n"
