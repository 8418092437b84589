"""The notebooks that are broken on purpose: made as labs are, graded as labs are, and precise about wrong guesses."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from test_answers import let_pass
from trying_mutants import BROKEN as PATHS
from trying_mutants import answers

from coursekit.feedback import Status, rehearse
from coursekit.grading.collecting import handouts, lab_of_notebook
from coursekit.grading.judging import Task, judge
from coursekit.grading.reading import read_cells
from coursekit.grading.sandbox import has_bubblewrap
from coursekit.labs import lab_of
from coursekit.labs.questions import QUESTIONS
from coursekit.make_labs import check_labs
from coursekit.notebooks import read_notebook

ROOT = Path(__file__).parents[2]
SOURCES, LABS = ROOT / "solutions" / "broken", ROOT / "labs" / "broken"
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def run(path, monkeypatch):
    """(names, what was printed) of a notebook whose cells run in this process."""
    monkeypatch.setattr(lab_of(path), "_latest", {})
    names, out = {}, io.StringIO()
    with mpl.rc_context({"backend": "agg"}), redirect_stdout(out):
        for cell in read_notebook(path).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, path.name, "exec"), names)
        plt.close("all")
    return names, re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())


def test_there_is_one_for_each_part_of_the_book_and_the_labs_are_made_from_it():
    toc = (ROOT / "_toc.yml").read_text("utf-8")
    assert len(PATHS) == len(re.findall(r'caption: "Part ', toc)) == 6
    assert check_labs(SOURCES, LABS) == []
    for path in PATHS:
        assert f"labs/broken/{path.stem}," in toc
        assert len(path.read_text("utf-8").split('"outputs"')) > 5
        assert len((LABS / path.name).read_text("utf-8").splitlines()) <= 400


@each
def test_its_points_and_minutes_are_what_it_says(path):
    lab, text = lab_of(path), read_cells(path).text
    minutes, points = map(int, re.search(r"About (\d+) minutes · (\d+) points", text).groups())
    head = r"^## Exercise ([\d.]+) · (.+)\n\n\d+ minutes · difficulty [123] of 3 · (\d+) points · automatic$"
    assert [(n, title, int(p)) for n, title, p in re.findall(head, text, re.MULTILINE)] == [
        (n, e.title, e.points) for n, e in lab.exercises.items()
    ]
    assert minutes == sum(map(int, re.findall(r"^(\d+) minutes · difficulty", text, re.MULTILINE))) in range(20, 31)
    assert sum(e.points for e in lab.exercises.values()) == points == 10
    assert all("?" in QUESTIONS[number] for number in lab.exercises)


@each
def test_the_solution_passes_and_the_untouched_one_says_your_turn(path, monkeypatch):
    number = lab_of(path).number
    _, solved = run(path, monkeypatch)
    assert [line[:9] for line in solved.splitlines() if "PASS" in line] == [f"PASS {number}.1", f"PASS {number}.2"]
    _, untouched = run(LABS / path.name, monkeypatch)
    assert f"YOUR TURN {number}.1" in untouched
    assert f"YOUR TURN {number}.2" in untouched


@each
def test_each_wrong_guess_gets_what_speaks_against_it(path):
    lab, rows = lab_of(path), re.findall(r"^\| ([a-d]) \| (.+) \|$", read_cells(path).text, re.M)
    assert [letter for letter, _ in rows] == list("abcd")
    said = {}
    for letter, _ in rows:
        verdict = lab.judge(f"{lab.number}.1", lambda suspects, letter=letter: letter.upper())
        said[letter] = verdict.message if verdict.status is Status.TRY_AGAIN else ""
    assert sorted(map(bool, said.values())) == [False, True, True, True]
    assert len(set(said.values())) == 4
    for odd in (lambda suspects: suspects, lambda suspects: "e", lambda suspects: 2):
        assert "return one of the letters" in lab.judge(f"{lab.number}.1", odd).message


@each
def test_repairs_are_told_what_is_wrong_with_them(path):
    """Those of a check's own table, and those beside it; right ones pass, and a sample of mutants doesn't."""
    lab, named, number = lab_of(path), answers(path), f"{path.name[:2]}.2"
    assert named.WRONG.keys() == named.RIGHT.keys() == {number}
    mistakes, wrong = rehearse(lab, number, named.RIGHT[number][0]), named.WRONG[number]
    assert [one.said for one in mistakes] == [one.hint for one in mistakes]
    assert len(mistakes) + len(wrong) >= 8
    said = [lab.judge(number, function).message for function, _ in wrong]
    assert [[text for text in said if fragment in text] for _, fragment in wrong] == [[text] for text in said]
    assert [lab.judge(number, function).message for function in named.RIGHT[number]] == [""] * len(named.RIGHT[number])
    assert list(let_pass(path)) == [(number, [])]


@pytest.mark.slow
@pytest.mark.skipif(not has_bubblewrap(), reason="needs Linux and bubblewrap")
@each
def test_it_is_graded_as_a_lab_is(path):
    labs, notebook = handouts(ROOT / "labs"), read_cells(path)
    number = path.name[:2]
    assert lab_of_notebook(notebook, labs, "01") == number
    task = Task(path.name, notebook.code, labs[number].first, labs[number].offers)
    found = {n: finding for n, finding in judge(task) if n}
    assert {n: finding.points for n, finding in found.items()} == {f"{number}.1": 4, f"{number}.2": 6}
