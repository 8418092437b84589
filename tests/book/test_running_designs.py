"""Chapter 14's running figure: its searches lose what the chapter's lose, and its table is the stored one."""

from typing import Any

import numpy as np
import pytest
from playing import needs_node, node, running, told

from neuroevo.search import designs

pytestmark = pytest.mark.slow  # Node.js is started for each


@needs_node
@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("random search", "r-guess"),
        ("program of 2017", "r-genetic"),
        ("program of 2017, all mutate, none trained twice", "changed"),
        ("plain evolution", "r-evolution"),
        ("TPE", "r-tpe"),
        ("plain evolution, no selection", "no-selection"),
    ],
)
def test_14_replays_lose_what_the_chapters_lose(search, name):
    script = "seeds.map(s => figure.replay(search, s, table)[116].regret)"
    lost = node("fig-14-race", script, seeds=list(range(100)), search=search, table=running.stored("designs"))
    half = 2.6 * np.std(lost) / 10
    assert abs(np.mean(lost) - told("14", name)) < half


def rows_of_14(typed: str) -> list[list[Any]]:
    """The rows of chapter 14's table that match what is typed: settings, then per cent on test, printed, and again."""
    state = {"search": "plain evolution", "trainings": 117, "replay": 1, "filter": typed}
    script = "figure.rows(figure.compute(state, stored))"
    return node("fig-14-race", script, state=state, stored=running.stored("designs"))


@needs_node
def test_14_the_table_is_the_chapters():
    """Each of the 672 with its settings, what it is worth, and of those that were trained what others say."""
    outcomes = designs.read().outcomes(patience=5)
    rows = rows_of_14("")
    assert [row[:4] for row in rows] == [list(designs.SPACE.design(i).values()) for i in range(672)]
    assert np.allclose([row[4] for row in rows], 100 * outcomes.test.mean(dim=1), atol=0.006)
    trained = 0
    for scores, (*_, printed, again) in zip(100 * outcomes.validation, rows, strict=True):
        if printed is not None:
            same = (scores - printed).abs() < 0.006
            assert same.any()
            assert again == pytest.approx(float(scores[~same].mean() if not same.all() else printed), abs=0.006)
            trained += 1
    assert 60 < trained < 117


@needs_node
@pytest.mark.parametrize(
    ("typed", "column", "values"),
    [
        ("2 layers", 0, {2}),
        ("3 lay", 0, {3}),
        ("10", 1, {1024}),
        ("elu", 2, {"elu"}),
        ("relu, 768", 1, {768}),
        ("ADAM", 3, {"adam"}),
        ("ada", 3, {"adam", "adagrad", "adadelta", "adamax"}),
        ("lion", 0, set()),
    ],
)
def test_14_what_is_typed_is_found(typed, column, values):
    found = rows_of_14(typed)
    assert {row[column] for row in found} == values
    if "," not in typed:
        assert len(found) == sum(row[column] in values for row in rows_of_14(""))


@needs_node
def test_rows_without_a_value_come_last_however_they_are_sorted():
    rows = [[3, "b"], [None, "c"], [1, "a"]]
    script = """[false, true].map(falling =>
      tables.sorted(rows.map(row => row.map(cell => cell ?? undefined)), column, falling).map(row => row[1]))"""
    assert node("fig-14-race", script, rows=rows, column=0) == [["a", "b", "c"], ["b", "a", "c"]]
    assert node("fig-14-race", script, rows=rows, column=1) == [["a", "b", "c"], ["c", "b", "a"]]
