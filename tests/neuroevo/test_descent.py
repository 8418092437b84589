import numpy as np
import pytest

from neuroevo import descent

OPTIMISERS = ["plain", "momentum", "rmsprop", "adam"]
BEND = np.array([[2.0, 0.7], [0.7, 9.0]])


def slope(theta):
    return theta @ BEND


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_trace_holds_the_start_and_every_step(name):
    optimiser, start, path = getattr(descent, name), np.array([1.0, -2.0]), []
    end = optimiser(start, slope, 0.05, 5, trace=path.append)
    assert len(path) == 6
    np.testing.assert_array_equal(path[0], [1.0, -2.0])
    np.testing.assert_array_equal(path[-1], end)
    for n_steps in range(6):  # nothing that was handed out changed afterwards
        np.testing.assert_array_equal(path[n_steps], optimiser(start, slope, 0.05, n_steps))
    np.testing.assert_array_equal(start, [1.0, -2.0])


@pytest.mark.parametrize("name", OPTIMISERS)
def test_rows_descend_alone_and_do_not_meet(name):
    optimiser, starts = getattr(descent, name), np.random.default_rng(4).normal(size=(5, 2))
    alone = [optimiser(row, slope, 0.05, 30) for row in starts]
    np.testing.assert_allclose(optimiser(starts, slope, 0.05, 30), alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_all_reach_the_bottom_of_a_bowl(name):
    assert np.abs(getattr(descent, name)([1.0, -2.0], slope, 0.02, 3000)).max() < 0.02


def test_zero_keep_is_plain_descent_and_zero_steps_the_start():
    start = np.array([1.0, -2.0])
    np.testing.assert_array_equal(descent.momentum(start, slope, 0.05, 9, keep=0), descent.plain(start, slope, 0.05, 9))
    for name in OPTIMISERS:
        same = getattr(descent, name)(start, slope, 0.05, 0)
        np.testing.assert_array_equal(same, start)
        assert same is not start


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": []}, "theta is empty"),
        ({"theta": [1.0, np.nan]}, "theta holds 1 NaN"),
        ({"theta": [np.inf, np.nan]}, "theta holds 2 NaN"),
        ({"learning_rate": -0.1}, "learning_rate must be one number above 0, not -0.1"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": np.array([0.1, 0.2])}, "learning_rate"),
        ({"n_steps": -1}, "n_steps must be a whole number, 0 or more, not -1"),
        ({"n_steps": 2.5}, "n_steps"),
        ({"n_steps": float("nan")}, "n_steps"),
        ({"slope": lambda theta: 1.0}, r"slope returned shape \(\) for theta of shape \(2,\)"),
        ({"slope": lambda theta: theta[:, None]}, "slope returned shape"),
        ({"slope": lambda theta: theta * np.nan}, "slope is NaN or infinite at the start"),
    ],
)
def test_bad_input_is_named(name, change, message):
    arguments = {"theta": [1.0, -2.0], "slope": slope, "learning_rate": 0.05, "n_steps": 3} | change
    with pytest.raises(ValueError, match=message):
        getattr(descent, name)(**arguments)


@pytest.mark.parametrize(
    ("name", "share"),
    [("momentum", "keep"), ("rmsprop", "keep"), ("adam", "keep"), ("adam", "keep_square")],
)
@pytest.mark.parametrize("bad", [1, -0.1, float("nan")])
def test_bad_shares_are_named(name, share, bad):
    with pytest.raises(ValueError, match=rf"{share} must lie in \[0, 1\)"):
        getattr(descent, name)([1.0], slope, 0.1, 1, **{share: bad})


def test_bad_start_of_gradient_descent_is_named():
    with pytest.raises(ValueError, match="start is empty"):
        descent.gradient_descent(slope, [], 0.1, 1)


def test_what_blows_up_is_let_run_to_infinity():
    with np.errstate(all="ignore"):
        assert not np.isfinite(descent.plain([1.0, -2.0], slope, 10, 1000)).any()
