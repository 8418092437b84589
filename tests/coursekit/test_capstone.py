"""The books of a study: what they refuse, what they count, and what they print."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch

from coursekit.capstone import Plan, Study, differences, means, source_hash, table
from neuroevo.data import Split, TestVault
from neuroevo.stats import Interval

WORDS: dict[str, Any] = {
    "question": "Is new better?",
    "arms": ["new", "old"],
    "seeds": range(4),
    "n_evaluations": 100,
    "better": "new",
    "than": "old",
    "low": 1,
    "high": 3,
    "because": "It is new.",
}
PLAN = Plan.of(**WORDS)


@pytest.fixture
def study() -> Study:
    return Study(**WORDS, lock=PLAN.key())


@pytest.fixture
def vault() -> TestVault:
    return TestVault(Split(torch.zeros((3, 4), dtype=torch.uint8), torch.tensor([0, 1, 2])))


def fill(study: Study) -> None:
    for arm, score in (("new", 52.0), ("old", 50.0)):
        for seed in study.plan.seeds:
            with study.run(arm, seed) as run:
                run.forward(10, 10)
                run.validation = score + 0.2 * seed * (arm == "new")


@pytest.mark.parametrize(
    "change",
    [
        {"question": "Is new better!"},
        {"arms": ("old", "new")},
        {"seeds": (0, 1, 2, 4)},
        {"n_evaluations": 101},
        {"low": 0.5},
        {"high": 4},
        {"because": "It is newer."},
        {"better": "old", "than": "new"},
    ],
)
def test_a_word_changes_the_hash_and_the_form_of_a_number_does_not(change: dict[str, Any]) -> None:
    assert replace(PLAN, **change).key() != PLAN.key()
    assert replace(PLAN, low=1.0, high=3.0).key() == PLAN.key()
    assert Plan.of(**WORDS | {"seeds": [0, 1, 2, 3]}).key() == PLAN.key()


@pytest.mark.parametrize(
    "change", [{"than": "new"}, {"than": "other"}, {"seeds": [1, 1]}, {"seeds": []}, {"low": 3}, {"arms": ["new"] * 2}]
)
def test_a_plan_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"arms|named once|a range"):
        Plan.of(**WORDS | change)


def test_nothing_runs_until_the_plan_is_locked(capsys: pytest.CaptureFixture) -> None:
    study = Study(**WORDS)
    assert f'lock="{PLAN.key()}"' in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="lock the plan first"), study.run("new", 0):
        pass
    assert study.rows == []


def test_a_plan_that_was_changed_after_its_lock_is_refused() -> None:
    with pytest.raises(ValueError, match="changed after it was locked"):
        Study(**WORDS | {"high": 9}, lock=PLAN.key())


def test_a_run_is_metered_and_held_to_the_plan(study: Study) -> None:
    with study.run("new", 0) as run:
        run.forward(2, 10)
        run.gradient(1, 20)
        assert (run.evaluations, run.left) == (80, 20)
        with pytest.raises(RuntimeError, match="the budget holds 20 more evaluations, not 21"):
            run.forward(21, 1)
        run.validation = 50.0
    assert (study.rows[0].evaluations, study.rows[0].validation) == (80, 50.0)
    for arm, seed, why in (("other", 0, "not in the plan"), ("new", 4, "not in the plan"), ("new", 0, "has run")):
        with pytest.raises(ValueError, match=why), study.run(arm, seed):
            pass
    with pytest.raises(ValueError, match="has no score"), study.run("new", 1):
        pass
    assert len(study.rows) == 1


def test_tuning_takes_other_seeds_and_counts(study: Study) -> None:
    for value, scores in (("0.1", (50, 60)), ("0.2", (54, 58))):
        for seed, score in zip((100, 101), scores, strict=True):
            with study.run("new", seed, tuning=value) as run:
                run.forward(1, 50)
                run.validation = score - (value == "0.1")
    assert study.tuned("new") == "0.2"
    assert means(study.results(), "new", "validation") == {}
    with pytest.raises(ValueError, match="nothing was tried"):
        study.tuned("old")


def test_the_test_set_opens_once_after_the_choice_and_then_nothing_runs(study: Study, vault: TestVault) -> None:
    fill(study)
    with pytest.raises(RuntimeError, match="choose first"):
        study.open_test(vault, "score")
    with pytest.raises(ValueError, match="none of the arms"):
        study.choose("other")
    study.choose("new")
    assert len(study.open_test(vault, "score")) == 3
    assert vault.openings == ["score"]
    with pytest.raises(RuntimeError, match="no second first look"):
        study.open_test(vault, "again")
    with pytest.raises(RuntimeError, match="the test set is open"), study.run("new", 100, tuning="x"):
        pass


def test_a_test_set_that_was_opened_elsewhere_stays_shut(study: Study, vault: TestVault) -> None:
    vault.open("a look")
    study.choose("new")
    with pytest.raises(RuntimeError, match="has been opened"):
        study.open_test(vault, "score")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.5, 2.5, "right"),
        (0.5, 2, "undecided"),
        (2, 4, "undecided"),
        (3.1, 4, "wrong"),
        (-1, 0.9, "wrong"),
    ],
)
def test_a_prediction_is_judged_by_the_whole_interval(low: float, high: float, verdict: str) -> None:
    assert PLAN.verdict(Interval((low + high) / 2, low, high)) == verdict


def test_the_table_is_what_the_rows_give(study: Study) -> None:
    fill(study)
    rows = study.results()
    found = differences(rows, "new", "old", "validation")
    assert found is not None
    assert found == study.difference("new", "old")
    assert found.mean == pytest.approx(2.3)
    text = table(study.plan, rows)
    assert "| new | 4 | 100 | 52.3 [51.9, 52.7] |" in text
    assert "new − old, validation, paired by seed: 2.3 [1.9, 2.7] percentage points." in text
    assert "**Right.**" in text
    changed = copy.deepcopy(rows)
    changed[0]["validation"] += 1
    assert table(study.plan, changed) != text
    study.test("new", 0, 70)
    assert means(study.results(), "new", "test") == {0: 70.0}
    assert differences(study.results(), "new", "old", "test") is None
    with pytest.raises(ValueError, match="fewer than two"):
        study.difference("new", "old", "test")


def test_a_cell_is_known_by_its_source_and_not_by_its_edges() -> None:
    assert source_hash("a = 1\n") == source_hash("a = 1")
    assert source_hash("a = 1") != source_hash("a = 2")
