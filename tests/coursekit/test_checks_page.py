"""The book's page "How the checks work": its exercise, its answers and its tests run as they are printed."""

import re
from pathlib import Path

import pytest
from trying_mutants import with_rows

from coursekit.feedback import Status

PAGE = (Path(__file__).parents[2] / "book" / "checks.md").read_text("utf-8")
LAB, ANSWERS, TESTS, MUTANTS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
PRINTED, SURVIVED = re.findall(r"^```text\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.fixture
def page():
    """The names that the page's first block defines."""
    names = {}
    exec(compile(LAB, "checks.md", "exec"), names)
    return names


def test_an_exercise_with_its_check_has_forty_lines():
    assert len(LAB.splitlines()) <= 40


def test_what_students_are_told_is_what_the_page_prints(page, capsys):
    exec(compile(ANSWERS, "checks.md", "exec"), page)
    assert capsys.readouterr().out == PRINTED


def test_what_mutants_come_to_is_what_the_page_prints(page, capsys):
    exec(compile(MUTANTS, "checks.md", "exec"), page)
    assert capsys.readouterr().out == SURVIVED


def test_the_tests_of_the_page_pass(page):
    exec(compile(TESTS, "checks.md", "exec"), page)
    tests = [page[name] for name in page if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


def test_right_answers_pass_and_named_wrong_ones_get_their_hints(page):
    lab, np = page["LAB"], page["np"]
    assert lab.judge("1.1", lambda x, n_cut: np.sort(x)[n_cut : len(x) - n_cut].mean()).status is Status.PASS
    for wrong, hint in (
        (lambda x, n_cut: np.sort(x)[n_cut:].mean(), "only the smallest are left out"),
        (lambda x, n_cut: sum(sorted(x)[n_cut : len(x) - n_cut]) / len(x), "you divide by len(x)"),
        (lambda x, n_cut: np.mean(x), "n_cut has no effect"),
        (lambda x, n_cut: 5.0, "the same in all"),
    ):
        assert hint in lab.judge("1.1", wrong).message


def test_the_table_of_mutants_adds_up_and_a_new_row_takes_an_old_ones_place():
    assert with_rows(PAGE, []) == PAGE
    new = with_rows(PAGE, [["4", "10", "1", "2", "3", "3", "1", "abc1234"]])
    assert "| 4 | 10 | 1 | 2 | 3 | 3 | 1 | 62% | abc1234 |\n" in new  # five of eight that were refused
    assert new.count("\n| 4 |") == 1
