"""Notebooks as files: read whatever is one, write all at once or not at all, and keep what authors wrote."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode

from neuroevo.files import replacing

__all__ = ["NotebookError", "read_notebook", "this_kernel", "tidy", "to_text", "trust", "write_atomically"]

_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What authors write; everything else in a cell's metadata is left there by a front end.
_CELL_METADATA = ("course", "jupyter", "mystnb", "nbgrader", "slideshow", "tags")
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
    with replacing(path) as part:
        part.write_bytes(data)
    return True


class _ThisInterpreter(KernelSpecManager):
    """Knows one kernel, the running Python, whatever kernels the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = get_kernel_dict()
        spec["argv"].append("--log-level=ERROR")  # a kernel on this machine needs no warning about encryption
        return KernelSpec(**spec)


def this_kernel() -> AsyncKernelManager:
    """A kernel manager whose kernel is the interpreter that runs this line."""
    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=_ThisInterpreter())


def tidy(nb: NotebookNode) -> None:
    """Reduce metadata to what authors write, and drop widgets."""
    nb.metadata = nbformat.from_dict(_METADATA)
    nb.nbformat, nb.nbformat_minor = 4, 5
    for cell in nb.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in _CELL_METADATA and v})
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_WIDGET, None)


def to_text(nb: NotebookNode) -> str:
    """What is written of a notebook."""
    return str(nbformat.writes(nb, indent=1)) + "\n"


def trust(paths: Iterable[str | Path]) -> None:
    """Sign notebooks in this user's name, so that JupyterLab runs the scripts in their outputs.

    NotebookError: one can't be read.
    """
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    for path in paths:
        notary.sign(read_notebook(path))
