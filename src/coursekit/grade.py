"""Grade a folder of submitted labs: one row for each student, in a CSV file.

A notebook is graded by the functions that it defines, not by its cells: cells may be deleted, copied, moved or added.
Each one runs in a kernel of its own, in an empty folder, after the first code cell of the lab as it was handed out (so
that a deleted import does no harm). A cell that fails is noted and passed over; a cell that takes too long, or ends the
kernel, is left out and the notebook is run again without it. Then the checks of the installed package judge the
functions: what the notebook's own checks said does not count. If a function is defined several times, the last one that
is more than the stub counts.

**Student code runs without a sandbox, with your rights on your machine.** It can read and delete your files and use
your network, and a student who sets out to can forge a score. Grade strangers' notebooks on a machine that you can
throw away. Cells are run alone: files that were handed in beside a notebook are not there.
"""

import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import nbformat
import pandas as pd
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from coursekit.feedback import Lab, Status
from coursekit.labs import lab_of
from coursekit.make_labs import PLACEHOLDER
from coursekit.notebooks import NotebookError, read_notebook, this_kernel, write_atomically

__all__ = ["grade_folder"]

_MOST_LEFT_OUT = 3
_OURS = 60  # seconds for what we run in a student's kernel: imports, mostly
_QUIET = logging.getLogger(f"{__name__}.kernel")
_QUIET.setLevel(logging.CRITICAL)


def grade_folder(
    lab: str | Path | int, submissions: str | Path, out_csv: str | Path, timeout: int = 60
) -> pd.DataFrame:
    """Grade every submission in a folder and write the CSV; returns the same table.

    The columns: `student` (the name of the file or folder), one for each exercise (its points; empty for a free text,
    for you to fill in), `automatic` (their sum), "N words" for each free text (0 is a blank answer), and `notes`.

    Args:
        lab: the lab as it was handed out, for instance labs/01_rolling_downhill.ipynb; or its number, for the one in
            the folder labs/ of the current directory.
        submissions: a folder with one notebook, or one folder with a notebook, for each student.
        out_csv: the file to write (all at once, at the end; an older one stays if anything goes wrong).
        timeout: seconds that one cell may take; a whole notebook may take ten times as long.

    Raises:
        NotebookError: `lab` or `submissions` is not what it should be. A bad submission only gets a note.
    """
    lab = _handed_out(lab)
    handout, checks = read_notebook(lab), lab_of(lab)
    if not Path(out_csv).absolute().parent.is_dir():
        raise NotebookError(f"{out_csv} can't be written: there is no folder {Path(out_csv).absolute().parent}.")
    rows = [
        _row(student, notebooks, handout, lab.name, checks, timeout)
        for student, notebooks in tqdm(_submissions(submissions), unit="notebook")
    ]
    table = pd.DataFrame(rows)
    write_atomically(out_csv, table.to_csv(index=False, lineterminator="\n"))
    return table


def _handed_out(lab: str | Path | int) -> Path:
    if Path(str(lab)).suffix == ".ipynb":
        return Path(str(lab))
    found = sorted(Path("labs").glob(f"{int(str(lab)):02d}_*.ipynb")) if str(lab).isdecimal() else []
    if len(found) != 1:
        raise NotebookError(f"lab {lab}: give the number of a lab in labs/, or the path of a lab's notebook.")
    return found[0]


def _submissions(folder: str | Path) -> list[tuple[str, list[Path]]]:
    """(student, notebooks found) for each submission, in alphabetical order."""
    if not Path(folder).is_dir():
        raise NotebookError(f"{folder} is not a folder; give the one that holds the submissions.")
    found = []
    for path in Path(folder).iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            inside = (p.relative_to(path) for p in path.rglob("*.ipynb") if p.is_file())
            found.append((path.name, [path / p for p in sorted(inside) if not any(q.startswith(".") for q in p.parts)]))
        elif path.suffix == ".ipynb":
            found.append((path.stem, [path]))
    if not found:
        raise NotebookError(f"{folder} holds no notebook and no folder; give the one that holds the submissions.")
    return sorted(found, key=lambda one: (one[0].casefold(), one[0]))


def _row(
    student: str, notebooks: list[Path], handout: NotebookNode, lab: str, checks: Lab, timeout: int
) -> dict[str, Any]:
    """One student's row; whatever is wrong with the submission becomes a note."""
    notes: list[str] = []
    points: dict[str, int] = {}
    words = {number: 0 for number, exercise in checks.exercises.items() if not exercise.automatic}
    if len(notebooks) > 1:
        notebooks = [path for path in notebooks if path.name == lab] or notebooks
    if len(notebooks) != 1:
        names = ", ".join(path.name for path in notebooks)
        notes.append(f"{len(notebooks)} notebooks ({names}), expected one" if notebooks else "no notebook found")
    else:
        try:
            nb = read_notebook(notebooks[0])
            points, notes = _graded(nb, handout, lab, checks, timeout)
            words, more = _texts(nb, handout, list(words))
            notes += more
        except NotebookError as error:
            notes.append(str(error))
        except Exception as error:  # the other students are still to be graded
            notes.append(f"could not be graded: {type(error).__name__}: {error}")
    row: dict[str, Any] = {"student": student}
    for number, exercise in checks.exercises.items():
        row[number] = points.get(number, 0) if exercise.automatic else ""
    row["automatic"] = sum(points.values())
    row |= {f"{number} words": n_words for number, n_words in words.items()}
    row["notes"] = "; ".join(" ".join(note.split()) for note in notes)
    return row


# Free texts


def _texts(nb: NotebookNode, handout: NotebookNode, numbers: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """How many words of the student's own stand under the heading of each free text; a note if others stand elsewhere.

    The student's own is every line that was not handed out.
    """
    handed_out = {line.strip() for cell in handout.cells for line in cell.source.split("\n")} | {""}
    words = dict.fromkeys(numbers, 0)
    elsewhere, here = 0, ""
    for cell in nb.cells:
        if cell.cell_type != "markdown":
            continue
        for line in cell.source.split("\n"):
            if line.strip() in handed_out:
                if line.startswith("#"):
                    here = next((n for n in numbers if re.search(rf"\b{re.escape(n)}\b", line)), "")
                continue
            n_words = len(line.replace(PLACEHOLDER, "").split())
            if here:
                words[here] += n_words
            else:
                elsewhere += n_words
    if elsewhere and 0 in words.values():
        return words, [f"{elsewhere} words of the student's own stand elsewhere in the notebook"]
    return words, []


# Functions


@dataclass
class _Run:
    """What running a notebook gave."""

    report: dict[str, tuple[str, str]] | None = None
    """Exercise -> (status, message); None if the judge was never reached."""
    notes: list[str] = field(default_factory=list)
    stuck: int | None = None
    """The cell that took too long or ended the kernel."""
    reason: str = ""


def _graded(
    nb: NotebookNode, handout: NotebookNode, lab: str, checks: Lab, timeout: int
) -> tuple[dict[str, int], list[str]]:
    """Points of each automatic exercise, and notes."""
    left_out: dict[int, str] = {}
    run = _run(nb, handout, lab, checks, timeout, left_out)
    while run.stuck is not None and len(left_out) < _MOST_LEFT_OUT:
        left_out[run.stuck] = run.reason
        run = _run(nb, handout, lab, checks, timeout, left_out)
    notes = [f"cell {index + 1} left out: {reason}" for index, reason in sorted(left_out.items())] + run.notes
    if run.report is None:
        where = f"cell {run.stuck + 1}: " if run.stuck is not None else ""
        return {}, [*notes, f"nothing graded, given up at {where}{run.reason}"]
    points = {}
    for number, (status, message) in run.report.items():
        points[number] = checks.exercises[number].points if status == Status.PASS.value else 0
        if status != Status.PASS.value:
            notes.append(f"{number}: {'not done' if status == Status.YOUR_TURN.value else message}")
    return points, notes


class _Client(NotebookClient):
    """Keeps the errors of a notebook and none of its other output, however much there is."""

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        if msg["msg_type"] == "error":
            return super().output(outs, msg, display_id, cell_index)
        return None


def _run(
    nb: NotebookNode, handout: NotebookNode, lab: str, checks: Lab, timeout: int, left_out: Container[int]
) -> _Run:
    """Run a notebook without the cells `left_out`, and let the judge look at what it has defined."""
    run = _Run()
    client = _Client(nb, km=this_kernel(), allow_errors=True, record_timing=False, store_widget_state=False, log=_QUIET)

    def execute(source: str, seconds: float) -> str | None:
        """Run some code; returns what it raised, in words."""
        client.timeout = round(seconds)
        cell = nbformat.v4.new_code_cell(source)
        client.nb = nbformat.v4.new_notebook(cells=[cell])
        client.execute_cell(cell, 0)
        return next((f"{out.ename}: {out.evalue}" for out in cell.outputs if out.output_type == "error"), None)

    def attempt(index: int) -> str | None:
        run.stuck = index
        error = execute(nb.cells[index].source, timeout)
        run.stuck = None
        return error

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        answer = Path(folder) / "report.json"
        (empty := Path(folder) / "empty").mkdir()
        env = {**os.environ, "TQDM_DISABLE": "1", "MPLBACKEND": "agg"}
        try:
            with client.setup_kernel(env=env, cwd=str(empty), cleanup_kc=True, stdout=DEVNULL, stderr=DEVNULL):
                deadline = time.monotonic() + 10 * timeout
                execute(f"from coursekit.judging import watch\nwatch({lab!r})\ndel watch", _OURS)
                execute(next(cell.source for cell in handout.cells if cell.cell_type == "code"), _OURS)
                errors: dict[int, str | None] = {}
                for index in (i for i, cell in enumerate(nb.cells) if cell.cell_type == "code" and i not in left_out):
                    if time.monotonic() > deadline:
                        run.notes.append(f"cell {index + 1} and all after it not run: out of time")
                        break
                    errors[index] = attempt(index)
                # Cells may stand in another order than they need: what was missing then may be there now.
                for index in [i for i, error in errors.items() if error and error.startswith("NameError")]:
                    errors[index] = attempt(index)
                run.notes += [f"cell {index + 1}: {error}" for index, error in errors.items() if error]
                seconds = _OURS + 2 * checks.time_limit * len(checks.exercises)
                execute(f"from coursekit.judging import report\nreport({lab!r}, {str(answer)!r})", seconds)
                run.report = json.loads(answer.read_text("utf-8"))
        except CellTimeoutError:
            run.reason = f"not finished after {client.timeout} seconds"
        except DeadKernelError:
            run.reason = "the kernel died"
        except OSError:
            run.reason = "the judge, which left no report"
    return run
