"""Answers at each mark of each free text."""

from pathlib import Path

import pytest

from coursekit.labs import lab_of
from coursekit.labs.samples import SAMPLES, samples_of
from coursekit.notebooks import read_notebook

SOLUTIONS = sorted((Path(__file__).parents[2] / "solutions").glob("*.ipynb"))
LABS = {path: lab_of(path) for path in SOLUTIONS}
TEXTS = {n: exercise for lab in LABS.values() for n, exercise in lab.exercises.items() if not exercise.automatic}


def test_every_mark_but_the_full_one_has_an_answer_that_says_why():
    assert SAMPLES.keys() == TEXTS.keys()
    for number, exercise in TEXTS.items():
        assert SAMPLES[number].keys() == exercise.rubric.keys() - {exercise.points}, number
        assert all(text.endswith(".)") and text.count(" (") for text in SAMPLES[number].values()), number


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_the_full_mark_is_the_solutions_own(path):
    lab = LABS[path]
    models = [cell.source for cell in read_notebook(path).cells if "solution" in cell.metadata.get("tags", [])]
    found = samples_of(lab, path)
    assert [texts[lab.exercises[number].points] for number, texts in found.items()] == models
    assert samples_of(lab, path.with_name("gone")) == {number: SAMPLES[number] for number in found}
