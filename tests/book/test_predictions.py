"""Predictions on evidence pages are counted as they are printed."""

import importlib
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "notebooks" / "evidence").glob("*.ipynb"))


@pytest.fixture(scope="module")
def words():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    yield importlib.import_module("course_site.directives").prediction_words
    sys.path.pop(0)


def page(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "markdown", "source": [cell]} for cell in cells]})


def test_a_prediction_counts_as_what_its_last_cell_says(words) -> None:
    rows = "| P1 | Up. | <!--=a-->3<!--/--> % | <!--=p1-->right<!--/--> |\n| P2 | Down. | 4 | **wrong**, right |"
    assert words(page(rows, "| P3 | Flat. | 2 | undecided, right |\n", "| P4 | no row")) == [
        "right",
        "wrong",
        "undecided",
    ]
    assert words(page("No table.")) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_that_names_the_commit_of_its_predictions_scores_them(path: Path, words) -> None:
    text = path.read_text("utf-8")
    if re.search(r"\(commit `?[0-9a-f]{7}", text):
        assert len(words(text)) >= 3
