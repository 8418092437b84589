"""Pages of feedback: whose they are, what they say, and that no expected value of a check stands in any of them."""

import html
import importlib.util
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from coursekit.feedback.comparing import COMPARED
from coursekit.grading import handins
from coursekit.grading.collecting import Attempt
from coursekit.grading.reading import read_cells
from coursekit.grading.returning import feedback_page, hint_of, write_feedback
from coursekit.grading.rows import Entry
from coursekit.labs import lab_of

ROOT = Path(__file__).parents[2]
LAB = lab_of("01_x.ipynb")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> **bold** & \u202eback"


def _entry(lab, reports, *, student="1", name="Ada", source="Ada.ipynb", **cells):
    marks = {n: str(found["points"]) for n, found in reports.items()}
    attempt = Attempt(student, name, True, source, 0)
    words = {n: HOSTILE for n, exercise in lab.exercises.items() if not exercise.automatic}
    return Entry(student, name, {"total": "", "comment": "", "late": ""} | marks | cells, attempt, reports, words)


def _found(verdict, points=0):
    return {"points": points, "status": verdict.status.value, "message": verdict.message, "kind": verdict.kind}


def _text(page):
    text = re.sub(r"</?(?:span|strong|small)[^>]*>", "", page.partition("</style>")[2])
    return html.unescape(re.sub(r"<[^>]*>", " ", text))


def test_a_page_says_what_counted_and_why():
    said = {"points": 0, "status": "TRY AGAIN", "kind": "named", "message": "that is 1.25 times what 'it' should be"}
    case = {"points": 0, "status": "TRY AGAIN", "kind": "difference", "message": "m is 3, but should be 0.125"}
    late = {"points": 4, "status": "PASS", "message": "", "note": "passed at its check; at the end (m is 7.5)"}
    reports = {"1.1": said, "1.2": case, "1.3": late, "1.4": {"points": 0, "status": "YOUR TURN", "message": "step"}}
    typed = {"1.5": "3", "1.5 comment": "Well seen.", "total": "5", "late": "1", "comment": "On the whole: good."}
    page = _text(feedback_page(LAB, _entry(LAB, reports, **typed)))
    for words in (
        "5 of 20 points, 2 points off for being late",
        "0 of 4 points: that is … times what … should be",
        "0 of 4 points: one of the cases that are tried comes out wrong",
        "4 of 4 points: passed at its check, and counts",
        "0 of 4 points: not done",
        "3 of 4 points",
        "Well seen.",
        "On the whole: good.",
        LAB.exercises["1.5"].rubric[2],
        HOSTILE,
    ):
        assert words in " ".join(page.split()), words
    assert not re.search(r"1\.25|0\.125|7\.5", page)


def test_what_students_write_is_shown_as_text_and_nothing_is_fetched():
    page = feedback_page(LAB, _entry(LAB, {}, name=HOSTILE, source=f"{HOSTILE}.ipynb"))
    assert not re.search(r"<(script|img|iframe|link(?! rel=\"icon\" href=\"data:,\"))|https?:|\bon\w+=[\"']", page)
    assert html.escape(HOSTILE) in page
    assert "default-src 'none'" in page


def test_hints_of_records_without_their_kind_tell_least():
    assert hint_of(LAB, {"message": "m is 3, but should be 0.125"}) == "one of the cases that are tried comes out wrong"
    assert hint_of(LAB, {"message": ""}) == ""


def test_of_a_hint_with_a_case_the_case_is_left_out():
    message = "m is 3, but should be 0.25, for x = [1. 2.], n = 1. With `n` always 1, it is right: look at `n`."
    assert hint_of(LAB, {"message": message, "kind": "named"}) == "With `n` always …, it is right: look at `n`."
    shapes = "z1 should be an array of shape (2, 3), but yours has (3,) for x = [[1. 2.] [3. 4.]], n = 1. Is it turned?"
    assert hint_of(LAB, {"message": shapes, "kind": "named"}) == (
        "z1 should be an array of shape …, but yours has …. Is it turned?"
    )
    error = "your code stopped in line 3 of its cell (`y`) with NameError: name 'y'. Why? There, `m` is 0.25."
    assert hint_of(LAB, {"message": error, "kind": "named"}) == error.partition(" There")[0]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("canvas.zip/doejane_4242_90001_lab-1.ipynb", "doejane_4242_90001_lab-1.html"),
        ("canvas.zip/doejane_LATE_4242_90001_lab-1.ipynb", "doejane_LATE_4242_90001_lab-1.html"),
        ("Ann Lee_555_assignsubmission_file/work.ipynb", "Ann Lee_555_assignsubmission_file/feedback.html"),
        ("m.zip/Ann Lee_555_assignsubmission_file_work.ipynb", "Ann Lee_555_assignsubmission_file/feedback.html"),
        ("doejane_4242_text.html", ""),
        ("Ada.ipynb", ""),
    ],
)
def test_names_by_which_a_platform_knows_whose_feedback_it_is(source, name):
    assert handins.upload_name(source) == name


def test_pages_are_zipped_under_names_that_the_platform_takes(tmp_path):
    entries = [
        _entry(LAB, {}, student="4242", source="c.zip/doejane_4242_90001_lab.ipynb"),
        _entry(LAB, {}, student="555", source="Ann Lee_555_assignsubmission_file/lab.ipynb"),
        _entry(LAB, {}, student="../x", name="a/b"),
        Entry("9", "Nobody", {"total": "0"}),
    ]
    paths, told = write_feedback(tmp_path, LAB, entries)
    with zipfile.ZipFile(paths[1]) as archive:
        names = archive.namelist()
        pages = {name: archive.read(name) for name in names}
    # Canvas: the first two numbers between underscores are the user and the file; Moodle: name_number_plugin_kind.
    assert re.findall(r"(?<=_)\d+(?=_)", names[0]) == ["4242", "90001"]
    assert names[1].split("/")[0].split("_", 4)[1:] == ["555", "assignsubmission", "file"]
    assert names[2] == "a-b ..-x.html"
    assert {str(p.relative_to(paths[0])): p.read_bytes() for p in paths[0].rglob("*.html")} == pages
    assert told[:2] == ["3 pages of feedback", "1 of them for files without a platform's name: hand these out yourself"]
    write_feedback(tmp_path, LAB, entries[:1])
    assert [p.name for p in paths[0].iterdir()] == ["doejane_4242_90001_lab.html"]


# No expected value


def _answers(number):
    name = f"lab{number:02d}"
    spec = importlib.util.spec_from_file_location(
        f"feedback_{name}", Path(__file__).parent / "wrong_answers" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.WRONG, module.RIGHT


def _expected(lab, number, right):
    """Every value that the comparisons of an exercise expect."""
    compared = []
    token = COMPARED.set(compared)
    try:
        lab.judge(number, right)
    finally:
        COMPARED.reset(token)
    for comparison in compared:
        answers = [answer for _, answer in comparison.by_hand]
        answers += [comparison.right(*args) for args in comparison.others]
        for answer in answers:
            for part in answer if isinstance(answer, (tuple, list)) else [answer]:
                try:
                    yield from np.asarray(part, dtype=float).ravel()
                except (TypeError, ValueError):
                    continue


def _as_written(values):
    """How a message may write such a number, with as many digits as tell it from others by chance."""
    forms = {f"{value:{form}}" for value in values for form in (".6g", ".4g", ".3g", ".3f") if np.isfinite(value)}
    return {form for form in forms if len(re.sub(r"e.*|\D|^[-0.]+", "", form).strip("0")) > 2}


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 4, 7])
def test_no_feedback_of_a_class_holds_an_expected_value(number):
    """Everybody in this class makes a mistake; what the checks themselves say to them does hold such values."""
    lab = lab_of(f"{number:02d}_x.ipynb")
    handout = read_cells(next((ROOT / "labs").glob(f"{number:02d}_*.ipynb"))).text
    wrong, right = _answers(number)
    told, messages = [], []
    forms = set()
    for n, answers in wrong.items():
        forms |= _as_written(_expected(lab, n, right[n][0]))
        for answer in answers:
            verdict = lab.judge(n, answer[0] if isinstance(answer, tuple) else answer)
            messages.append(verdict.message)
            told.append(_text(feedback_page(lab, _entry(lab, {n: _found(verdict)}))))
    known = set(re.findall(r"[-+]?\d+\.?\d*", handout))  # the examples of the notebook, which everybody has
    forms -= known
    assert forms

    def holding(texts):
        return [text for text in texts if forms & set(re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text))]

    assert holding(messages), "the search finds nothing where there is something"
    assert holding(told) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [14, 15, 17])
def test_what_should_be_is_left_out_of_hints_that_checks_put_together(number):
    lab = lab_of(f"{number:02d}_x.ipynb")
    n_values = 0
    for n, answers in _answers(number)[0].items():
        for answer in answers:
            verdict = lab.judge(n, answer[0] if isinstance(answer, tuple) else answer)
            values = re.findall(r"should be (-?\d[\d.]*\d|'[^']+')", verdict.message)
            n_values += len(values)
            assert not [value for value in values if value in hint_of(lab, _found(verdict))]
    assert n_values
