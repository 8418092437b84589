"""Notebooks executed for committing, so that the same results are the same bytes."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from coursekit import plain
from coursekit.notebooks import NotebookError, read_notebook, this_kernel, tidy, to_text, write_atomically

__all__ = ["execute"]


def execute(paths: Iterable[str | Path], timeout: int | None = None, *, text_only: bool = False) -> list[Path]:
    """Execute notebooks in place, each in its own folder, and normalise them; returns those that changed.

    Progress bars are off (TQDM_DISABLE). The result holds no times, no widget state and no metadata but the author's,
    so that executing twice changes no byte where the results don't change. Numbers, figure numbers and alternative
    texts are brought in line with the outputs (`plain`).

    Args:
        paths: of the notebooks.
        timeout: seconds that one cell may take; None is no limit.
        text_only: run nothing, and bring the text in line with the outputs that are there.

    Raises:
        NotebookError: with the notebook, the cell and the error. Where a cell failed, or ran on other digits because
            MNIST isn't there, that notebook stays as it was; where the text asks for what no cell glues, it is written
            as far as it goes. Those before are done.
    """
    changed = []
    for path in map(Path, paths):
        nb = _tidied(path) if text_only else _executed(path, timeout)
        complaints = plain.refresh(nb, path)
        if write_atomically(path, to_text(nb)):
            changed.append(path)
        if complaints:
            raise NotebookError(f"{path}: " + "; ".join(complaints) + ".")
    return changed


def _tidied(path: Path) -> NotebookNode:
    nb = read_notebook(path)
    tidy(nb)
    return nb


def _executed(path: Path, timeout: int | None) -> NotebookNode:
    nb = _tidied(path)
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
        if any("NOTICE: this is not MNIST" in o.get("text", "") for o in cell.get("outputs", [])):
            raise NotebookError(
                f"{path}, cell {number} ({cell.id}): MNIST isn't here, and what other digits give isn't the book's. "
                "Set NEUROEVO_DATA to a folder that holds MNIST/raw, or run again with a network."
            )
        if any(re.match(r"\s*\d+%\|", o.get("data", {}).get("text/plain", "")) for o in cell.get("outputs", [])):
            raise NotebookError(
                f"{path}, cell {number} ({cell.id}): a progress bar of tqdm.auto can't be switched off; "
                "use `from tqdm import tqdm`."
            )
    tidy(nb)
    return nb


def _reason(error: Exception, timeout: int | None) -> str:
    if isinstance(error, CellExecutionError):
        return f"{error.ename}: {error.evalue}"
    if isinstance(error, CellTimeoutError):
        return f"not finished after {timeout} seconds."
    return "the kernel died (out of memory, or the process was ended)."
