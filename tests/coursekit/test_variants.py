"""Variants: constants and hidden cases of a student's own, the same in the notebook and in the grader."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from trying_mutants import SOLUTIONS, answers, right_answers
from trying_right_answers import adapted, fit_a_variant

from coursekit.__main__ import main
from coursekit.feedback import Status, Variant, hidden
from coursekit.feedback.variant import CHOICES, VARIANT
from coursekit.grade import grade_class, set_up_class
from coursekit.grading.reading import read_cells
from coursekit.grading.roster import ClassError, read_csv
from coursekit.grading.sandbox import has_bubblewrap
from coursekit.labs import lab_of
from coursekit.notebooks import read_notebook
from coursekit.variants import KEY, seed_in, student_notebook, table, variant_of, write_variants

ROOT = Path(__file__).parents[2]
KEY_OF_THE_CLASS = "correct horse"
ANN, BEN = (variant_of(KEY_OF_THE_CLASS, student, "01") for student in ("ann", "ben"))


def each_lab(test):
    """Once for each lab."""
    return pytest.mark.slow(pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)(test))


@pytest.fixture
def lab(path):
    """The lab of a path; afterwards it is the published one again."""
    one = lab_of(path)
    yield one
    one.own = None


def test_a_student_has_one_variant_and_two_have_two():
    assert variant_of(KEY_OF_THE_CLASS, "ann", "01") == ANN
    others = [variant_of("another key", "ann", "01"), variant_of(KEY_OF_THE_CLASS, "ann", "02"), BEN]
    assert len({ANN.seed, ANN.cases, *(v.seed for v in others), *(v.cases for v in others)}) == 8
    constants = {
        tuple(variant_of(KEY_OF_THE_CLASS, str(n), "01").constant(e) for e in ("1.2", "1.3")) for n in range(99)
    }
    assert len(constants) > 30
    assert {one for pair in constants for one in pair} == set(CHOICES)


def test_hidden_cases_are_the_published_ones_only_without_a_variant():
    assert hidden(11) == 11
    seeds = []
    for variant in (ANN, BEN, Variant(ANN.seed)):
        token = VARIANT.set(variant)
        seeds += [hidden(11), hidden(12)]
        VARIANT.reset(token)
    assert len({*seeds, 11, 12}) == 8


@each_lab
def test_right_answers_pass_once_they_have_the_constant_and_not_before(path, lab):
    """On hidden cases that no other student has."""
    tried = {number: space[name] for number, _, space, name in reversed(list(right_answers(path)))}
    assert tried.keys() >= lab.varies.keys()
    lab.own = variant_of(KEY_OF_THE_CLASS, "ann", path.name[:2])
    for number, function in tried.items():
        assert lab.judge(number, adapted(lab, number, function)).status is Status.PASS, number
        if number in lab.varies:
            pasted = lab.judge(number, function)
            assert pasted.status is Status.TRY_AGAIN
            assert f"right for the published lab; yours is {lab.own.constant(number)}" in pasted.message


class Watched(Variant):
    """A variant that counts how often hidden cases are drawn from it."""

    drawn = 0

    def __getattribute__(self, name):
        Watched.drawn += name == "cases"
        return super().__getattribute__(name)


@each_lab
def test_hidden_cases_vary_but_where_the_page_for_teachers_says_so(path, lab):
    text = (ROOT / "book/teaching/terms.md").read_text("utf-8")
    chosen = re.findall(r"[\d.]+\d", re.search(r"\(In ([^)]*) the cases were chosen by hand", text)[1])
    lab.own = Watched("a seed", "another")
    for number, (right, *_) in answers(path).RIGHT.items():
        Watched.drawn = 0
        assert lab.judge(number, adapted(lab, number, right)).status is Status.PASS
        assert (Watched.drawn == 0) == (number in chosen), number


@each_lab
def test_a_classmates_constant_is_named(path, lab):
    for number in lab.varies:
        (right, *_) = answers(path).RIGHT[number]
        lab.own = variant_of(KEY_OF_THE_CLASS, "ann", path.name[:2])
        mine = lab.own.constant(number)
        theirs = next(one for one in CHOICES if one != mine)
        typed = lab.varies[number].taken_out(right, lab.exercises[number].parameters, 1 / theirs)
        said = lab.judge(number, typed)
        assert said.status is Status.TRY_AGAIN
        assert f"right for the constant {theirs}, which is somebody else's; yours is {mine}" in said.message


@each_lab
def test_named_mistakes_keep_their_hints(path):
    """One in a dozen; `course.py test --mutants` tries all, under five variants."""
    fit_a_variant(path, "fay", every=12)


@each_lab
def test_a_students_notebook_runs_and_draws_the_published_pictures(path, lab, monkeypatch):
    """Solved by a student who has typed the constants in, which is the solution below the lines that are new."""
    monkeypatch.setattr(lab, "_latest", {})
    own = variant_of(KEY_OF_THE_CLASS, "ann", path.name[:2])
    nb = student_notebook(read_notebook(ROOT / "labs" / path.name), lab, own)
    solved = {re.search(r"^def (\w+)\(", s, re.M)[1]: s for s in map(str, map(_source, read_notebook(path).cells)) if s}
    told = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    space, said = {}, io.StringIO()
    with mpl.rc_context({"backend": "agg"}), redirect_stdout(said):
        for cell in nb.cells:
            if cell.cell_type == "code" and "lab.passed(" not in cell.source:
                stub = re.search(r"^def (\w+)\(", cell.source, re.M) if "Your turn" in cell.source else None
                exec(solved[stub[1]] if stub else cell.source, space)
                for number in lab.varies:
                    name = lab.exercises[number].function
                    if stub and name in space and not hasattr(space[name], "mine"):
                        space[name] = adapted(lab, number, space[name])
                        space[name].mine = True
        plt.close("all")
    for number, exercise in lab.exercises.items():
        if exercise.automatic:
            assert f"PASS {number} " in re.sub(r"\x1b\[[\d;]*m", "", said.getvalue()), said.getvalue()
    for number in lab.varies:
        assert f"**{own.constant(number)}**" in told
    pictures = [cell.source for cell in nb.cells if "lab.passed(" in cell.source]
    for number in lab.varies:
        name = lab.exercises[number].function
        for source in pictures:
            bare = re.sub(rf'lab\.published\("{number}", {name}\)|\b{name}=', "", source)
            assert not re.search(rf"(?<![\w.]){name}\(", bare), source
    text = "\n".join(cell.source for cell in nb.cells)
    assert seed_in(text) == own.seed
    assert own.cases not in text
    assert KEY_OF_THE_CLASS not in text


def _source(cell):
    return cell.source if "### BEGIN SOLUTION" in cell.source else ""


def test_pictures_take_the_constant_out(monkeypatch):
    lab = lab_of("01_x.ipynb")
    monkeypatch.setattr(lab, "own", ANN)
    assert lab.published("1.2", lambda x: 2.0 * ANN.constant("1.2"))([1.0]) == 2.0
    assert lab.published("1.1", len) is len


def test_making_the_notebooks_of_a_class(tmp_path, capsys):
    set_up_class(tmp_path, ROOT / "labs")
    with pytest.raises(ClassError, match="names nobody"):
        write_variants(tmp_path, labs=ROOT / "labs")
    (tmp_path / "roster.csv").write_text("id,name\nann,Ann Lee\nben/2,Ben Day\n")
    made = write_variants(tmp_path, "1", key=KEY_OF_THE_CLASS, labs=ROOT / "labs")
    first = [path.read_bytes() for path in made]
    assert [path.name for path in made[:2]] == ["01_rolling_downhill ann.ipynb", "01_rolling_downhill ben-2.ipynb"]
    assert seed_in(read_cells(made[0]).text) == ANN.seed
    assert write_variants(tmp_path, "01", labs=ROOT / "labs") == made  # the class has its key
    assert [path.read_bytes() for path in made] == first
    assert (tmp_path / KEY).stat().st_mode & 0o077 == 0
    _, rows = read_csv(made[-1])
    assert {(row["id"], row["exercise"]): row["constant"] for row in rows}["ann", "1.2"] == str(ANN.constant("1.2"))
    with pytest.raises(ClassError, match="another key"):
        write_variants(tmp_path, key="new", labs=ROOT / "labs")
    with pytest.raises(ClassError, match="there are the labs 01"):
        write_variants(tmp_path, "99", labs=ROOT / "labs")
    assert main(["variants", str(tmp_path), "2"]) == 0
    assert "made 2 notebooks" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(not has_bubblewrap(), reason="needs Linux and bubblewrap")
def test_the_grader_judges_each_by_the_same(tmp_path):
    """Ann typed her constants in, Ben pasted the solutions, Cy handed in Ann's file, Di an untouched one."""
    set_up_class(tmp_path, ROOT / "labs")
    (tmp_path / "roster.csv").write_text("id,name\nann,A\nben,B\ncy,C\ndi,D\n")
    made = {p.stem.split()[1]: p for p in write_variants(tmp_path, "1", key=KEY_OF_THE_CLASS, labs=ROOT / "labs")[:4]}
    solution = [cell.source for cell in read_notebook(ROOT / "solutions/01_rolling_downhill.ipynb").cells]
    solved = {re.search(r"^def (\w+)\(", s, re.M)[1]: s for s in solution if "### BEGIN SOLUTION" in s}
    mine = dict(solved)
    mine["stability_limit"] = mine["stability_limit"].replace("return 2 /", f"return {ANN.constant('1.2')} * 2 /")
    for name, number in {"momentum_descent": "1.3", "fit_line": "1.4"}.items():
        typed = f"{ANN.constant(number)} * learning_rate *"
        mine[name] = mine[name].replace("learning_rate *", typed)
    for student, (whose, functions) in {
        "ann": ("ann", mine),
        "ben": ("ben", solved),
        "cy": ("ann", mine),
        "di": ("di", {}),
    }.items():
        nb = read_notebook(made[whose])
        for cell in nb.cells:
            stub = re.search(r"^def (\w+)\(", cell.source, re.M) if "Your turn" in cell.source else None
            cell.source = functions.get(stub[1], cell.source) if stub else cell.source
        nbformat.write(nb, tmp_path / "01" / f"{student}.ipynb")
    summary = grade_class(tmp_path, "1", labs=ROOT / "labs")
    _, rows = read_csv(tmp_path / "marks-01.csv")
    marks = {row["id"]: [row[column] for column in row if re.match(r"1\.[1-4] ", column)] for row in rows}
    assert marks["ann"] == ["4", "4", "4", "4"]
    assert marks["ben"] == ["4", "0", "0", "0"]
    assert marks["di"] == ["0", "0", "0", "0"]
    cy = variant_of(KEY_OF_THE_CLASS, "cy", "01")
    alike = [cy.constant(number) == ANN.constant(number) for number in ("1.2", "1.3", "1.4")]
    assert marks["cy"] == ["4", *("4" if same else "0" for same in alike)]
    assert not all(alike)
    notes = {row["id"]: row["notes"] for row in rows}
    assert "right for the published lab" in notes["ben"]
    assert f"right for the constant {ANN.constant('1.2')}" in notes["cy"] or alike[0]
    assert "cy: the notebook is the variant of ann" in summary.to_ask
    assert {row["id"]: row["1.5 words"] for row in rows} == dict.fromkeys(("ann", "ben", "cy", "di"), "0")


def test_a_constant_reaches_every_kind_of_answer():
    lab = lab_of("01_x.ipynb")
    whole, part = lab.varies["1.2"], lab_of("03_x.ipynb").varies["3.3"]
    for answer in ((6, 3.0), [6, 3.0], np.array([6, 3.0]), iter([6, 3.0])):
        assert list(whole.taken_out(lambda x, answer=answer: answer, ["x"], 3)(0)) == [2.0, 1.0]
    assert whole.taken_out(lambda x: {"a": (3, 6)}, ["x"], 3)(0) == {"a": [1.0, 2.0]}
    assert whole.taken_out(lambda x: None, ["x"], 3)(0) is None
    assert part.taken_out(lambda x: np.array([1.0, 2.0, 6.0]), ["x"], 3)(0) == (1.0, 2.0, 2.0)
    assert part.taken_out(lambda x: 7, ["x"], 3)(0) == 7


def test_the_page_for_teachers_says_what_varies():
    text = (ROOT / "book/teaching/terms.md").read_text("utf-8")
    rows = table(ROOT / "labs")
    assert "\n".join(rows) in text
    assert [row.count("(") >= 2 for row in rows].count(False) <= 1  # two in each lab but one
