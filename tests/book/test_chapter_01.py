"""What chapter 1 and its evidence page build in full view is what the package does."""

import numpy as np
import pytest
from chapters import function_in

from neuroevo import descent

CHAPTER, EVIDENCE = "01_rolling_downhill.ipynb", "evidence/01_rolling_downhill.ipynb"
BEND = np.array([[2.0, 0.7], [0.7, 9.0]])


def slope(theta):
    return theta @ BEND


@pytest.mark.parametrize("page", [CHAPTER, EVIDENCE])
def test_the_path_is_the_packages(page):
    shown = function_in(page, "gradient_descent", np=np)(slope, [1, -2], 0.05, 40)
    path = descent.gradient_descent(slope, [1, -2], 0.05, 40)
    assert path.shape == (41, 2)
    np.testing.assert_allclose(path, shown, rtol=1e-12)


@pytest.mark.parametrize("name", ["plain", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("shape", [(2,), (7, 2)])
def test_the_optimisers_are_the_packages(name, shape):
    start = np.random.default_rng(3).normal(size=shape)
    shown = function_in(EVIDENCE, name, np=np)(start, slope, 0.05, 40)
    np.testing.assert_allclose(getattr(descent, name)(start, slope, 0.05, 40), shown, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_gradient_is_the_slope_of_the_loss(seed):
    rng = np.random.default_rng(seed)
    data = {"np": np, "x": rng.normal(size=9), "y": rng.normal(size=9)}
    loss, gradient = (function_in(CHAPTER, name, **data) for name in ("loss", "gradient"))
    theta, h = rng.normal(size=2), 1e-5
    nudged = [(loss(theta + h * axis) - loss(theta - h * axis)) / (2 * h) for axis in np.eye(2)]
    np.testing.assert_allclose(gradient(theta), nudged, atol=1e-8)


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.9])
def test_steps_are_counted_to_the_first_after_which_all_starts_stay_below_the_mark(keep):
    starts = np.random.default_rng(1).normal(size=(30, 2))
    height = function_in(CHAPTER, "height", np=np)
    count = function_in(CHAPTER, "steps_needed", np=np, height=height, starts=starts)
    rates, path = [0.02, 0.1], []
    needed = []
    for rate in rates:
        path.clear()
        descent.momentum(starts, slope, rate, 400, keep, trace=path.append)
        left = np.array([height(place, BEND) / height(starts, BEND) for place in path]).max(axis=1)
        needed.append(np.flatnonzero(left > 1e-6)[-1] + 1)
    assert [count(BEND, rate, keep) for rate in rates] == needed
    assert count(BEND, rates, keep) == min(needed) < 400
    again = function_in(EVIDENCE, "steps_needed", np=np, height=height)
    assert again(BEND, rates, keep) == min(needed)


def test_a_bowls_height_is_the_loss_above_the_best():
    rng = np.random.default_rng(4)
    x, y, away = rng.normal(size=9) + 2, rng.normal(size=9), rng.normal(size=2)
    loss = function_in(CHAPTER, "loss", np=np, x=x, y=y)
    best = np.linalg.lstsq(np.column_stack([x, np.ones(9)]), y)[0]
    height = function_in(CHAPTER, "height", np=np)(away, function_in(CHAPTER, "bowl", np=np)(x))
    assert height == pytest.approx(loss(best + away) - loss(best))


def test_dips_slope_down_as_they_should():
    height, slope_of = (function_in(EVIDENCE, name, np=np) for name in ("dips", "dips_slope"))
    valley = [function_in(EVIDENCE, name, np=np) for name in ("valley_height", "valley_slope")]
    theta, h = np.random.default_rng(5).normal(size=2), 1e-5
    for surface, slopes in ((height, slope_of), valley):
        nudged = [(surface(theta + h * axis) - surface(theta - h * axis)) / (2 * h) for axis in np.eye(2)]
        np.testing.assert_allclose(slopes(theta), nudged, rtol=1e-6)
