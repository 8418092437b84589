"""The autograder: what a notebook defines is what counts, and one bad submission never stops the others."""

import copy
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from coursekit import grade
from coursekit.labs import lab_of
from coursekit.notebooks import NotebookError, read_notebook

ROOT = Path(__file__).parents[2]
LAB = ROOT / "labs" / "01_rolling_downhill.ipynb"
CHEAT = """
class lab:
    check = passed = score = staticmethod(lambda *_: print("PASS"))
import coursekit.feedback, coursekit.labs.lab01
coursekit.feedback.Lab.judge = lambda *_: coursekit.feedback.Verdict(coursekit.feedback.Status.PASS)
coursekit.labs.lab01.LAB.exercises.clear()
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Four notebooks that run and three submissions that don't, graded once."""
    folder = tmp_path_factory.mktemp("grading")
    submissions = folder / "submissions"
    solved, untouched = read_notebook(ROOT / "solutions" / LAB.name), read_notebook(LAB)
    # Pictures cost time, and are not graded.
    for nb in (solved, untouched):
        nb.cells = [cell for cell in nb.cells if "plots.figure(" not in cell.source]
        first = next(cell for cell in nb.cells if cell.cell_type == "code")
        first.source = "import numpy as np\nfrom coursekit.labs import lab01 as lab"
    handout = folder / LAB.name
    nbformat.write(untouched, handout)

    def submit(name, cells):
        path = submissions / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cells = [nbformat.from_dict(dict(cell) | {"id": f"c{number}"}) for number, cell in enumerate(cells)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)

    code = [cell for cell in solved.cells if cell.cell_type == "code"]
    # Imports deleted, everything backwards, the stubs pasted below, and a syntax error.
    messy = [*code[:0:-1], *untouched.cells, new_code_cell("def broken(:\n    pass")]
    submit("Ada.ipynb", messy)
    # Only 1.1 is done; the checks are tampered with; the free text stands in the cell with the heading.
    cheat = [
        new_code_cell(cell.source) if cell.cell_type == "code" else new_markdown_cell(cell.source)
        for cell in untouched.cells
    ]
    for cell in cheat:
        if cell.source.startswith("## Exercise 1.5"):
            cell.source += "\n\nA ball, and no ball.\n\n# Mine\n\nThree more words"
    right = next(cell for cell in code if "def mse_gradient" in cell.source)
    submit("bob/my lab.ipynb", [*cheat, right, new_code_cell(CHEAT)])
    # Cells that never end, end the kernel, ask for input or print without end are stepped over.
    trouble = ["while True:\n    print('x' * 10_000)", "import os; os._exit(1)", "input()", "exit()"]
    submit("Cleo.ipynb", [*[new_code_cell(source) for source in trouble], *solved.cells])
    submit("dan/one.ipynb", untouched.cells)
    submit("dan/two.ipynb", untouched.cells)
    (submissions / "Eve.ipynb").write_text("{", "utf-8")
    (submissions / "frank").mkdir()
    (submissions / ".hidden").mkdir()
    (submissions / "notes.txt").write_text("not a submission", "utf-8")

    returned = grade.grade_folder(handout, submissions, folder / "grades.csv", timeout=4)
    written = pd.read_csv(folder / "grades.csv", dtype=str, keep_default_na=False)
    assert returned.astype(str).to_dict() == written.to_dict()
    return written.set_index("student")


def test_one_row_a_student_in_alphabetical_order(table):
    assert list(table.index) == ["Ada", "bob", "Cleo", "dan", "Eve", "frank"]
    assert list(table.columns) == ["1.1", "1.2", "1.3", "1.4", "1.5", "automatic", "1.5 words", "notes"]
    assert (table["1.5"] == "").all()


def test_deleted_moved_and_copied_cells_do_not_matter(table):
    ada = table.loc["Ada"]
    assert ada["automatic"] == "16"
    assert "SyntaxError" in ada["notes"]
    assert "NameError" not in ada["notes"]


def test_only_the_package_gives_points(table):
    bob = table.loc["bob"]
    assert [bob[n] for n in ("1.1", "1.2", "1.3", "1.4", "automatic")] == ["4", "0", "0", "0", "4"]
    assert "1.2: not done" in bob["notes"]
    assert bob["1.5 words"] == "10"


def test_trouble_is_stepped_over_and_noted(table):
    cleo = table.loc["Cleo"]
    assert cleo["automatic"] == "16"
    assert "cell 1 left out: not finished after 4 seconds" in cleo["notes"]
    assert "cell 2 left out: the kernel died" in cleo["notes"]
    assert "cell 4: RuntimeError: exit() and quit() do nothing" in cleo["notes"]
    assert int(cleo["1.5 words"]) > 100


def test_what_cannot_be_graded_gets_a_note(table):
    assert table.loc["dan", "notes"] == "2 notebooks (one.ipynb, two.ipynb), expected one"
    assert "is not a Jupyter notebook" in table.loc["Eve", "notes"]
    assert table.loc["frank", "notes"] == "no notebook found"
    assert set(table.loc[["dan", "Eve", "frank"], "automatic"]) == {"0"}


def test_arguments_are_checked_before_anything_runs(tmp_path):
    with pytest.raises(NotebookError, match="holds no notebook and no folder"):
        grade.grade_folder(LAB, tmp_path, tmp_path / "grades.csv")
    with pytest.raises(NotebookError, match="is not a folder"):
        grade.grade_folder(LAB, tmp_path / "none", tmp_path / "grades.csv")
    with pytest.raises(NotebookError, match="there is no folder"):
        grade.grade_folder(LAB, tmp_path, tmp_path / "none" / "grades.csv")
    with pytest.raises(NotebookError, match="lab 77: give the number of a lab"):
        grade.grade_folder("77", tmp_path, tmp_path / "grades.csv")
    assert list(tmp_path.iterdir()) == []


def test_lab_by_number(monkeypatch):
    monkeypatch.chdir(ROOT)
    for number in ("1", "01", 1):
        assert grade._handed_out(number) == LAB.relative_to(ROOT)


def test_free_text_is_what_was_not_handed_out():
    handout = read_notebook(LAB)
    numbers = [number for number, exercise in lab_of(LAB).exercises.items() if not exercise.automatic]
    assert grade._texts(handout, handout, numbers) == ({"1.5": 0}, [])
    moved = copy.deepcopy(handout)
    moved.cells.insert(0, new_markdown_cell("Four words, elsewhere placed"))
    assert grade._texts(moved, handout, numbers) == (
        {"1.5": 0},
        ["4 words of the student's own stand elsewhere in the notebook"],
    )
