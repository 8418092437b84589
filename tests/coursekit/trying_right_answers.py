"""Right answers in other words where students' answers are: in the whole notebook, and on a busy machine.

`python3 course.py test --mutants` tries them all; a sample is in test_answers.py.
"""

import io
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from trying_mutants import SOLUTIONS, answers

from coursekit.labs import lab_of
from coursekit.notebooks import read_notebook

__all__ = ["break_nothing", "n_rounds", "pass_on_a_busy_machine"]

N_BUSY = 4  # processes beside the checks


def n_rounds(path: Path) -> int:
    """How many rounds a lab takes in which each exercise has one of its right answers."""
    return max(map(len, answers(path).RIGHT.values()))


def break_nothing(path: Path, number: int) -> None:
    """Run a lab's whole notebook with the right answers of one round in place of its own.

    AssertionError: a check refuses one of them, or a cell doesn't come alive. Whatever a cell raises is raised.
    """
    lab, right = lab_of(path), answers(path).RIGHT
    given = {lab.exercises[one].function: functions[number % len(functions)] for one, functions in right.items()}
    namespace, printed, before = {"__name__": "__main__"}, io.StringIO(), lab._latest
    lab._latest = {}
    try:
        with mpl.rc_context({"backend": "agg"}), redirect_stdout(printed), warnings.catch_warnings(action="ignore"):
            for cell in read_notebook(path).cells:
                if cell.cell_type == "code":
                    exec(compile(cell.source, f"{path.name}, {cell.id}", "exec"), namespace)
                    namespace |= {name: answer for name, answer in given.items() if f"def {name}(" in cell.source}
                    plt.close("all")
    finally:
        lab._latest = before
    waits = ("TRY AGAIN", "YOUR TURN", "(This cell comes alive")
    assert not [line for line in printed.getvalue().splitlines() if line.startswith(waits)]


def pass_on_a_busy_machine(path: Path) -> None:
    """Judge all right answers of a lab beside processes that keep every processor busy; AssertionError: one fails."""
    lab = lab_of(path)
    with busy():
        said = {
            f"{number} {function.__name__}": lab.judge(number, function).message
            for number, functions in answers(path).RIGHT.items()
            for function in functions
        }
    assert not {name: message for name, message in said.items() if message}


@contextmanager
def busy() -> Iterator[None]:
    """Keep processes busy beside what is done meanwhile."""
    forever = f"import os\nwhile os.getppid() == {os.getpid()}: sum(range(10**6))"  # none outlives this one
    processes = [subprocess.Popen([sys.executable, "-c", forever]) for _ in range(N_BUSY)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


ROUNDS = [(path, number) for path in SOLUTIONS for number in range(n_rounds(path))]


@pytest.mark.parametrize(("path", "number"), ROUNDS, ids=lambda value: getattr(value, "stem", value))
def test_no_right_answer_breaks_a_later_cell(path, number):
    break_nothing(path, number)


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_right_answers_pass_on_a_busy_machine(path):
    pass_on_a_busy_machine(path)
