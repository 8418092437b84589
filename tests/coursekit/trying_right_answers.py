"""Right answers in other words where students' answers are: in the whole notebook, and on a busy machine.

And under variants: right answers pass, and named mistakes get their hints, whatever cases a student's variant has.

`python3 course.py test --mutants` tries them all; a sample is in test_answers.py.
"""

import io
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from trying_mutants import BROKEN, SOLUTIONS, answers

from coursekit.feedback import Status, rehearse
from coursekit.labs import lab_of
from coursekit.notebooks import read_notebook
from coursekit.variants import variant_of

__all__ = ["adapted", "break_nothing", "fit_a_variant", "n_rounds", "pass_on_a_busy_machine"]

N_BUSY = 4  # processes beside the checks
STUDENTS = ("ann", "ben", "cy", "di", "eve")
SECONDS = 2.0  # for loops that never end
ELSEWHERE = {  # a piece of a hint -> of another that is true as well, where a variant gives that one
    "the pixels should be floats from 0 to 1; yours are uint8": "the pixels go up to 255",  # divided, they are floats
    "a name stands once for each of its faces": "is in two parts, or twice in one",  # train may hold all
    "each width should be tried at every rate": "fits the example but not other inputs",
    "is none drawn twice": "n_validation counts families, each once",
    "and holds its name": "is no condition turned round?",
    "Is a name drawn more than once": "each name is dealt out once",  # train may hold all
    "drawn once for the whole call": "one tournament for all",  # where the one draw is the best of all
    "wins every tournament, in each call": "or the same two?",  # which may hold the best of all
    "by their very last training": "by the last task alone",  # where both choose the same parents
}


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


def adapted(lab, number, function):
    """What a student makes of an answer to the published lab: one that has the student's own constant."""
    exercise, varies = lab.exercises[number], lab.varies.get(number)
    return varies.taken_out(function, exercise.parameters, 1 / lab.own.constant(number)) if varies else function


def fit_a_variant(path: Path, student: str, every: int = 1) -> None:
    """Judge a lab's right and named wrong answers by a student's variant; AssertionError: what is odd.

    `every` is for a sample: one wrong answer of so many of each exercise, and nothing else.
    """
    lab, named, limit, odd = lab_of(path), answers(path), lab_of(path).time_limit, []
    lab.own = variant_of("the key of trials", student, path.name[:2])
    try:
        for number, functions in named.RIGHT.items() if every == 1 else ():
            for function in functions:
                if said := lab.judge(number, adapted(lab, number, function)).message:
                    odd.append(f"{number} {function.__name__}: {said}")
            for one in rehearse(lab, number, adapted(lab, number, functions[0])):
                if one.said != one.hint:
                    odd.append(f"{number}: {one.hint} | {one.said}")
        lab.time_limit = SECONDS
        for number, functions in named.WRONG.items():
            for function, fragment in functions[::every]:
                verdict, other = lab.judge(number, adapted(lab, number, function)), ELSEWHERE.get(fragment, fragment)
                if verdict.status is not Status.TRY_AGAIN or not says(verdict.message, fragment, other):
                    odd.append(f"{number} {function.__name__}: {fragment} | {verdict.message}")
    finally:
        lab.own, lab.time_limit = None, limit
    assert not odd, "\n".join(odd)


def says(message: str, *fragments: str) -> bool:
    """Whether one of the fragments stands in a message; numbers in a hint are those of the cases, which vary."""
    bare = [re.sub(r"[\d,.]*\d[\d,.]*", "#", text) for text in (message, *fragments)]
    return any(fragment in bare[0] for fragment in bare[1:])


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


ROUNDS = [(path, number) for path in SOLUTIONS + BROKEN for number in range(n_rounds(path))]


@pytest.mark.parametrize(("path", "number"), ROUNDS, ids=lambda value: getattr(value, "stem", value))
def test_no_right_answer_breaks_a_later_cell(path, number):
    break_nothing(path, number)


@pytest.mark.parametrize("path", SOLUTIONS + BROKEN, ids=lambda path: path.stem)
def test_right_answers_pass_on_a_busy_machine(path):
    pass_on_a_busy_machine(path)


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("path", SOLUTIONS + BROKEN, ids=lambda path: path.stem)
def test_answers_are_told_the_same_under_variants(path, student):
    fit_a_variant(path, student)
