"""What chapter 3 builds in full view does what it says, and what its evidence page sweeps is the same thing."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from chapters import function_in
from scipy.optimize import linprog

STORY, EVIDENCE = "03_one_neuron.ipynb", "evidence/03_one_neuron.ipynb"
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
AND, XOR = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 0])

threshold = function_in(STORY, "threshold", np=np)
sigmoid = function_in(STORY, "sigmoid", np=np)
correct = function_in(STORY, "correct", np=np)
line_for = function_in(STORY, "line_for", np=np, linprog=linprog)


def told(name: str) -> Any:
    return function_in(STORY, name, np=np)


def lesson(speaks: str, thetas: np.ndarray, **settings: Any) -> np.ndarray:
    names = {"np": np, "sigmoid": sigmoid, "n_right": function_in(STORY, "n_right", threshold=threshold)}
    return np.asarray(function_in(STORY, "lesson", **names)(told(speaks), thetas, **settings))


def marked(propose: Any, thetas: np.ndarray, **settings: Any) -> np.ndarray:
    names = {"np": np, "n_right": function_in(STORY, "n_right", threshold=threshold)}
    return np.asarray(function_in(STORY, "marked", **names)(propose, thetas, **settings))


@pytest.mark.parametrize("seed", [0, 1])
def test_the_step_goes_down_the_cross_entropy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, row, truth = rng.normal(size=3), X[[3]], rng.integers(2, size=1)
    moved = correct(start, row, truth, sigmoid, 1, rate=0.1)[-1] - start
    theta = torch.tensor(start, requires_grad=True)
    z = theta @ torch.tensor(row[0], dtype=torch.float64)
    torch.nn.functional.binary_cross_entropy_with_logits(z, torch.tensor(float(truth[0])).double()).backward()
    assert theta.grad is not None
    np.testing.assert_allclose(moved, -0.1 * theta.grad, atol=1e-12)


def test_starts_are_taught_one_by_one_or_together() -> None:
    starts = np.random.default_rng(0).normal(size=(5, 3))
    together = correct(starts, X, AND, threshold, 4)
    alone = [correct(start, X, AND, threshold, 4) for start in starts]
    np.testing.assert_array_equal(together, np.stack(alone, axis=1))


def test_the_threshold_rests_on_each_gate_with_a_line_and_never_on_the_others() -> None:
    for answers in itertools.product([0, 1], repeat=4):
        y = np.array(answers)
        path = correct(np.zeros(3), X, y, threshold, 50)
        has_line = answers not in [(0, 1, 1, 0), (1, 0, 0, 1)]
        assert (path[-5:] == path[-1]).all() == has_line
        assert (line_for(X, y) is not None) == has_line


def test_a_line_that_is_found_answers_the_gate() -> None:
    rows = np.column_stack([np.array(list(np.ndindex(2, 2, 2))), np.ones(8, int)])
    lines = [(y, line_for(rows, np.array(y))) for y in itertools.product([0, 1], repeat=8)]
    found = [(y, line) for y, line in lines if line is not None]
    assert len(found) == 104  # of three inputs; A000609 of the encyclopedia of integer sequences
    assert all((threshold(rows @ (line - [0, 0, 0, 0.5])) == y).all() for y, line in found)


@pytest.mark.parametrize("speaks", ["always", "when_wrong", "when_right"])
@pytest.mark.parametrize("coins", [0, 0.1, 1])
def test_the_evidence_sweeps_the_lessons_of_the_chapter(speaks: str, coins: float) -> None:
    step = {"always": "told", "when_wrong": "told_when_wrong", "when_right": "praise"}[speaks]
    thetas = np.random.default_rng(1).random((20, 3))
    shared: dict[str, Any] = {"x": X, "y": AND, "coins": coins, "n_rows": 600}
    there = function_in(EVIDENCE, "lesson", np=np, sigmoid=function_in(EVIDENCE, "sigmoid", np=np))
    other = there(function_in(EVIDENCE, step, np=np), thetas, np.ones(20), rng=np.random.default_rng(2), **shared)
    np.testing.assert_array_equal(lesson(speaks, thetas, rate=1.0, rng=np.random.default_rng(2), **shared), other)


def test_a_rewarded_pupil_takes_the_step_of_reinforce() -> None:
    # (said - p) times the reward: the truth isn't used
    praise = function_in(EVIDENCE, "praise", np=np)
    y, said, p = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0.2, 0.9, 0.4, 0.7])
    np.testing.assert_allclose(praise(y, p, said), (y - p) * told("when_right")(said == y))


@pytest.mark.parametrize("fresh", [False, True])
def test_the_evidence_sweeps_the_marks_of_the_chapter(fresh: bool) -> None:
    thetas = np.random.default_rng(1).random((20, 3))
    propose = told("guesses" if fresh else "changes")
    scale = np.full(20, 1.0 if fresh else 0.5)
    shared: dict[str, Any] = {"x": X, "y": AND, "n_rows": 400}
    there = function_in(EVIDENCE, "marked", np=np)
    other, _ = there(thetas, scale, rng=np.random.default_rng(2), fresh=fresh, **shared)
    np.testing.assert_array_equal(marked(propose, thetas, rng=np.random.default_rng(2), **shared), other)


@pytest.mark.parametrize("seed", [5, 6])
def test_correction_reward_and_guesses_come_in_this_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    thetas = rng.random((100, 3))
    always = lesson("always", thetas, x=X, y=AND, rate=10, rng=rng)
    coins = lesson("when_right", thetas, x=X, y=AND, rate=10, rng=rng, coins=1)
    guesses = marked(told("guesses"), thetas, x=X, y=AND, rng=rng)
    middle = [float(np.median(runs)) for runs in (always, coins, guesses)]
    assert middle[0] < middle[1] < middle[2]
    assert 1.4 < middle[1] / middle[0] < 3
    assert 100 < middle[2] < 350  # one random neuron in 68 answers AND: half are done after 47 marks of four looks
