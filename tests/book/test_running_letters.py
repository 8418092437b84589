"""Chapter 12's running figure: its letters are the experiment's pixels, and are read as in the chapter."""

import re

import numpy as np
import pytest
from PIL import Image
from playing import PLAY, ROOT, needs_node, node, running, told

from neuroevo import data

pytestmark = pytest.mark.slow  # Node.js is started for each


@needs_node
def test_12_letters_are_read_as_often_as_in_the_chapter():
    state = {"setting": "as in the chapter", "letter": "A", "pixels": 2}
    found = node("fig-12-readers", "figure.compute(state, data)", state=state, data=running.stored("fig-12-readers"))
    now = {one["reader"]: one["now"] for one in found}
    assert now["evolved"] == pytest.approx(told("12", "mean-two"), abs=1.5)
    assert now["template"] > 25


@needs_node
def test_12_the_network_that_answers_is_the_chapters_first():
    (source,) = [path.read_text("utf-8") for path in (ROOT / "notebooks").glob("12_*.ipynb")]
    printed = {int(pixels): int(n) for pixels, n in re.findall(r"pushed by (\d): +(\d+) of 26", source)}
    script = """figure.controls[2].values.map(pixels => [pixels, figure.controls[1].values.map(letter =>
      figure.compute({setting: 'as in the chapter', letter, pixels}, data).map(one => one.said === letter))])"""
    for pixels, letters in node("fig-12-readers", script, data=running.stored("fig-12-readers")):
        evolved, _, _, template = np.sum(letters, axis=0)
        assert evolved == printed[pixels]
        assert pixels > 2 or template > 24


def test_12_the_letters_are_the_very_pixels_of_the_experiment(tmp_path):
    running.write_letters(tmp_path)
    faces = data.letters(100)
    for family in faces.families:
        first = [face.family for face in faces.faces].index(family)
        strip = np.array(Image.open(tmp_path / f"letters-{family.replace(' ', '-')}.png"))
        pixels = faces.x[26 * first : 26 * (first + 1)].view(26, 100, 100)
        assert np.array_equal(strip, np.hstack(list(pixels.numpy())))
        assert f'"{family}"' in (PLAY / "fig-12-readers.js").read_text("utf-8")
