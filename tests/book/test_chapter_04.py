"""What chapter 4 builds in full view is what its stored run follows, and the two tell the same story."""

import re
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from chapters import function_in
from scipy.integrate import solve_ivp
from scipy.special import expit

from coursekit.notebooks import read_notebook
from evidence.runs import stuck
from neuroevo import backprop, results

CHAPTER = "04_layers_and_blame.ipynb"
ROOT = Path(__file__).parents[2]
XOR = (2, 3, 1)
xor_loss = partial(backprop.loss, x=stuck.X, y=stuck.Y, sizes=XOR)
xor_slope = partial(backprop.gradient, x=stuck.X, y=stuck.Y, sizes=XOR)


def start(scale: float, n: int = 20) -> stuck.Array:
    tools = {"np": np, "pairwise": pairwise, "unpack": backprop.unpack}
    rows: stuck.Array = function_in(CHAPTER, "start", **tools)(range(n), XOR, scale)
    return rows


@pytest.mark.parametrize("scale", [0.1, 10])
def test_the_stored_run_starts_and_scores_as_the_chapter_does(scale: float) -> None:
    s = stuck.Setting(scale=scale)
    rows = start(scale)
    np.testing.assert_array_equal(rows, stuck.start(range(20), s))
    tools = {"np": np, "answer": backprop.answer, "forward": backprop.forward, "x": stuck.X, "y": stuck.Y, "XOR": XOR}
    solved = function_in(CHAPTER, "solved", **tools)
    ends = stuck.bfgs(rows, s)
    assert stuck.solved(ends, s).sum() > 0
    np.testing.assert_array_equal(solved(ends), stuck.solved(ends, s))


@pytest.mark.parametrize(
    ("bug", "slope"),
    [
        ("slope at the wrong place", lambda h: expit(h) * (1 - expit(h))),
        ("slope forgotten", np.ones_like),
    ],
)
def test_the_bugs_are_the_chapters(bug: str, slope: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backprop.ACTIVATIONS, "buggy", (expit, slope))
    rows = start(1)
    np.testing.assert_allclose(
        stuck.slopes(rows, stuck.Setting(gradient=bug)), xor_slope(rows, activation="buggy"), rtol=1e-10, atol=1e-15
    )


def test_time_does_what_the_stored_run_says() -> None:
    s, row = stuck.Setting(scale=10), start(10, 4)[3]
    times = np.geomspace(10, 1e7, 25)
    flow = function_in(CHAPTER, "flow", times=times, solve_ivp=solve_ivp, xor_slope=xor_slope)
    ours = flow(row)[[12, 16, 20, 24]]  # the looks at 10^4 to 10^7
    np.testing.assert_array_equal(stuck.solved(ours, s), stuck.solved(stuck.flow(row, s), s))
    np.testing.assert_allclose(xor_loss(ours), stuck.loss(stuck.flow(row, s), s), atol=1e-4)


def test_chapter_and_stored_run_count_the_same_failures() -> None:
    printed = "".join(
        output.get("text", "")
        for cell in read_notebook(ROOT / "notebooks" / CHAPTER).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    counted = re.findall(r"^scale ([\d.]+): (\d+) of 200 fail$", printed, re.MULTILINE)
    assert len(counted) == 4
    runs = results.load("stuck").tables["runs"].query("question == 'starts' and change == 'as in the chapter'")
    for scale, n_failed in counted:
        stored = runs[runs["case"].astype(float) == float(scale)]
        assert (stored[~stored["solved"]]["curvature"] < -1e-8).all()  # a direction that curves down, in each
        assert abs(int((~stored["solved"]).sum()) - int(n_failed)) <= 3  # floats differ between machines
