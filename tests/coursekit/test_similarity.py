"""Whose code is alike: a small class in which two hand-ins were copied, renamed and put in another order.

Everybody else writes each exercise in a way of their own: the named right and wrong answers of a lab, each used once.
Of six classes for each of the six labs that have enough of them, one of 426 pairs of such students has 0.7 of its code
in common (0.83, in lab 2, whose named answers differ by one fault each; the next has 0.69), and 70 of 72 copies have.
"""

import ast
import inspect
import json
import random
import re
import sys
from pathlib import Path

import pytest
from trying_mutants import SOLUTIONS, answers

from coursekit import grade, handback
from coursekit.feedback import Variant
from coursekit.grading import similarity
from coursekit.grading.reading import Cell, Notebook, read_cells
from coursekit.grading.roster import ClassError
from coursekit.labs import lab_of
from coursekit.notebooks import read_notebook
from coursekit.variants import student_notebook

ROOT = Path(__file__).parents[2]
LABS = ROOT / "labs"
TRIED = SOLUTIONS[1:5]


def own_ways(path):
    """Exercise -> sources of it, in a random order."""
    named, found = answers(path), {}
    for number, exercise in lab_of(path).exercises.items():
        if exercise.automatic:
            functions = [*named.RIGHT[number], *(function for function, _ in named.WRONG[number])]
            written = [inspect.getsource(one) for one in functions if inspect.isfunction(one)]
            called = [re.sub(r"^def \w+\(", f"def {exercise.function}(", one) for one in written if one[:4] == "def "]
            once = list(dict.fromkeys(called))
            found[number] = random.Random(0).sample(once, len(once))
    return found


def known(path):
    return [read_cells(LABS / path.name), read_cells(path)]


def renamed(source):
    """The same function in other names, without its comments."""
    tree = ast.parse(source)
    local = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in local:
            node.id = f"my_{node.id}"
    return ast.unparse(tree)


def class_of(path):
    """Student -> the sources that the student wrote; c0 copied from s0, and c1 from s1."""
    own = own_ways(path)
    students = {f"s{i}": [own[n][i] for n in own] for i in range(min(map(len, own.values())))}
    return students | {f"c{i}": [renamed(source) for source in reversed(students[f"s{i}"])] for i in range(2)}


def notebook(sources):
    return Notebook([Cell("code", source) for source in sources])


@pytest.fixture(autouse=True)
def _needs_copydetect():
    pytest.importorskip("copydetect")


@pytest.mark.parametrize("path", TRIED, ids=lambda path: path.stem)
def test_copies_are_found_and_nobody_else_is(path):
    students = class_of(path)
    assert len(students) >= 5
    pairs = similarity.similar({student: notebook(own) for student, own in students.items()}, known(path))
    assert {pair.students for pair in pairs} == {("s0", "c0"), ("s1", "c1")}


def test_what_everybody_was_given_does_not_count():
    """The lab itself, its published solution, and what makes it a student's variant."""
    (path, *_) = SOLUTIONS
    nb, lab = read_notebook(path), lab_of(path)
    variants = {name: student_notebook(nb, lab, Variant(name)) for name in ("ann", "ben")}
    handed_in = {
        name: Notebook([Cell(cell.cell_type, cell.source) for cell in one.cells]) for name, one in variants.items()
    }
    assert similarity.similar(handed_in, known(path), 0.01) == []
    assert similarity.similar(handed_in, known(path)[:1]) != []  # but for the solution, they are the same


def test_a_page_of_questions_for_the_instructor(tmp_path, monkeypatch):
    """By the command that an instructor gives; what a student wrote is shown as text."""
    path = SOLUTIONS[1]
    grade.set_up_class(tmp_path, LABS)
    handed_out = json.loads((LABS / path.name).read_text("utf-8"))
    students = class_of(path)
    students["s2"] = [*students["s2"], "x = '</pre><script>alert(1)</script>'"]
    students["c0"] = [*students["c0"], "y = '</pre><script>alert(2)</script>'"]
    for student, sources in students.items():
        cells = [*handed_out["cells"], *({"cell_type": "code", "source": source} for source in sources)]
        (tmp_path / "02" / f"{student}.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    monkeypatch.setattr(grade, "has_bubblewrap", lambda: True)
    monkeypatch.setattr(grade, "judged", lambda tasks, jobs: ((key, {}, []) for key, _ in tasks))
    grade.grade_class(tmp_path, "2", labs=LABS)
    summary = handback.hand_back(tmp_path, "2", labs=LABS, similar=True)
    asked = [line for line in summary.to_ask if "alike" in line]
    assert {line.partition(":")[0] for line in asked} == {"s0 and c0", "s1 and c1"}
    page = (tmp_path / "similar-02.html").read_text("utf-8")
    assert "questions, not verdicts" in page
    assert "<script>" not in page
    assert page.count("<section") == 2
    first = re.search(r"<h3>s1 .*?</pre>", page, re.S)[0]
    marked = re.findall(r"<mark>(.*?)</mark>", first)
    assert any("return" in line for line in marked)
    assert not any("import numpy" in line for line in marked)


def test_without_copydetect_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "copydetect", None)
    with pytest.raises(ClassError, match="pip install copydetect"):
        similarity.similar({}, [])
