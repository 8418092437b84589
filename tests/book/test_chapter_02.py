"""What chapter 2 builds in full view does what the chapter says, and its data are the essay's."""

import json

import numpy as np
import pytest
from chapters import ROOT, function_in
from numpy.polynomial.legendre import Legendre, legvander
from scipy.stats import binomtest
from sklearn.datasets import make_regression

from neuroevo import results, stats

CHAPTER = "02_fitting_too_well.ipynb"
RNG = np.random.default_rng(0)

fit = function_in(CHAPTER, "fit", np=np, legvander=legvander)
predict = function_in(CHAPTER, "predict", legvander=legvander)
median = function_in(CHAPTER, "median", np=np, stats=stats)


@pytest.mark.parametrize("degree", [0, 1, 3, 10])
def test_a_fit_is_least_squares(degree):
    x, y = RNG.uniform(-1, 1, 15), RNG.normal(size=15)
    place = np.linspace(-1, 1, 7)
    np.testing.assert_allclose(predict(fit(x, y, degree), place), Legendre.fit(x, y, degree)(place), rtol=1e-4)


def test_past_the_peak_the_smallest_coefficients_are_taken():
    x, y = RNG.uniform(-1, 1, 15), RNG.normal(size=15)
    theta = fit(x, y, 99)
    np.testing.assert_allclose(predict(theta, x), y, atol=1e-8)
    columns = legvander(x, 99)
    unseen = np.linalg.svd(columns)[2][15:]  # what could be added without a change at the points
    np.testing.assert_allclose(unseen @ theta, 0, atol=1e-8)


def test_the_points_are_the_essays():
    x, y, slope = make_regression(n_samples=100, n_features=1, noise=5, random_state=42, coef=True)
    ours = function_in(CHAPTER, "essay_points", rng=np.random.default_rng(1))
    new_x, new_y = ours(100_000)
    assert np.polyfit(new_x, new_y, 1)[0] / 3 == pytest.approx(float(slope), abs=0.05)
    assert np.std(new_y - 125.2 * new_x) == pytest.approx(5, abs=0.1)
    assert np.std(new_x) == pytest.approx(1 / 3, abs=0.01)
    assert np.std(y - slope * x[:, 0]) == pytest.approx(5, abs=1)


def test_an_interval_of_the_median_holds_it_as_often_as_it_says():
    held = [abs(i.mean) < 9 and i.low < 0 < i.high for i in (median(RNG.normal(size=200)) for _ in range(1000))]
    assert binomtest(sum(held), 1000, 0.95).pvalue > 1e-4


def test_what_the_chapter_tells_of_networks_is_in_the_stored_run():
    """At a rate that was tuned for 150 steps, going on to 1,500 costs what early stopping saves."""
    rows = results.load("brakes").tables["runs"]
    rows = rows[(rows.task == "wrong labels") & (rows.dropout == 0) & (rows["for"] == "scoring")]
    plain = rows[rows.rate == 0.001].groupby("steps")[["train", "test", "test then"]].mean()
    assert list(plain.index) == [150, 300, 600, 1500]
    assert plain.train[150] > 10 > 1 > plain.train[1500]
    assert plain.test[1500] - plain.test[150] > 4
    assert plain["test then"].max() - plain["test then"].min() < 2


def test_every_quoted_number_of_the_story_has_an_output_behind_it():
    notebook = json.loads((ROOT / "notebooks" / CHAPTER).read_text("utf-8"))
    alts = [c["metadata"].get("mystnb", {}).get("image", {}).get("alt", "") for c in notebook["cells"]]
    assert sum(bool(alt) for alt in alts) == 5
    assert not any("{" in alt for alt in alts)
