"""Answers before their checks: a sample of mutants, where randomness comes from, right answers in a whole notebook."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import trying_right_answers
from trying_mutants import EQUIVALENT, SOLUTIONS, answers, in_other_words
from trying_right_answers import break_nothing, n_rounds, pass_on_a_busy_machine

from coursekit.feedback import Status, randomness
from coursekit.feedback.comparing import Comparison
from coursekit.labs import lab_of
from coursekit.mutants import Mutant, try_mutants

N_MUTANTS = 3  # of each exercise
SUBTLE = {  # faults with which a function still returns something, so that it takes a check to see them
    *("another operator", "another comparison", "another constant", "another axis", "another ddof", "rounded"),
    *("operands exchanged", "operand dropped", "arguments exchanged", "branches exchanged", "values exchanged"),
    *("off by one in a slice", "off by one in a range", "condition turned round", "condition always true"),
    *("the generator begins anew", "a generator of its own", "an argument ignored", "the last round is left out"),
}

each_lab = pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)


@pytest.mark.slow
@each_lab
def test_a_sample_of_mutants_is_refused(path, monkeypatch):
    """The same few every time; `course.py test --mutants` tries them all."""
    monkeypatch.setattr(lab_of(path), "time_limit", 1.0)  # seconds, for loops that never end
    lets_pass = {number: passed for number, passed in let_pass(path)}
    assert lets_pass == {number: [] for number, exercise in lab_of(path).exercises.items() if exercise.automatic}


def test_the_sample_sees_a_check_that_is_hollowed_out(monkeypatch):
    monkeypatch.setattr(Comparison, "_agree", lambda *_: True)  # whatever comes back
    assert all(passed for _, passed in let_pass(SOLUTIONS[2]))


def let_pass(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Each exercise, and which of a few mutants of a right answer its check lets pass."""
    by_length = sorted(in_other_words(path), key=lambda answer: len(answer[1]))
    for number, answer in {answer[0]: answer for answer in by_length}.items():  # the longest of each
        outcomes = try_mutants(lab_of(path), *answer, choose=partial(some_of, number))
        yield number, [outcome.mutant.name for outcome in outcomes if outcome.kind == "passed"]


def some_of(number: str, mutants: list[Mutant]) -> list[Mutant]:
    faults = [one for one in mutants if one.fault in SUBTLE and one.name not in EQUIVALENT.get(number, {})]
    return random.Random(number).sample(faults, N_MUTANTS)


@each_lab
def test_whoever_gets_rng_is_asked_where_its_randomness_comes_from(path, monkeypatch):
    """By the engine's check, wherever `rng` is an argument."""
    asked = []
    global_states = randomness._global_states
    monkeypatch.setattr(randomness, "_global_states", lambda: asked.append(number) or global_states())
    lab, right = lab_of(path), answers(path).RIGHT
    drawing = [number for number, exercise in lab.exercises.items() if "rng" in exercise.parameters]
    for number in drawing:
        assert lab.judge(number, right[number][0]).status is Status.PASS
    assert set(asked) == set(drawing)


QUICKEST = SOLUTIONS[14]  # its notebook takes a second; trying_right_answers.py has all of them


@pytest.mark.parametrize("number", range(n_rounds(QUICKEST)))
def test_no_right_answer_breaks_a_later_cell(number):
    break_nothing(QUICKEST, number)


def test_an_answer_that_breaks_a_later_cell_is_seen(monkeypatch):
    lab, right, asked = lab_of(QUICKEST), answers(QUICKEST), []
    number, judge = "15.1", lab.judge

    def breaks(*args):
        if not asked:
            raise ZeroDivisionError
        return right.RIGHT[number][0](*args)

    def judges(*args):
        asked.append(args)
        verdict = judge(*args)
        asked.clear()
        return verdict

    monkeypatch.setattr(lab, "judge", judges)
    monkeypatch.setattr(
        trying_right_answers, "answers", lambda _: SimpleNamespace(RIGHT={**right.RIGHT, number: [breaks]})
    )
    with pytest.raises(ZeroDivisionError):
        break_nothing(QUICKEST, 0)


@pytest.mark.slow
def test_right_answers_pass_on_a_busy_machine():
    pass_on_a_busy_machine(QUICKEST)
