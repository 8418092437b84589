"""How networks fail at XOR: the settings of the stored run, what becomes of failures, and a slice of it."""

import json

import numpy as np
import pytest

from evidence import runner
from evidence.runs import stuck
from evidence.runs.stuck import Setting
from neuroevo import backprop, results

HERE = 0.3 + np.random.default_rng(0).normal(size=(2, 13))


def test_a_chapters_network_has_the_packages_loss_and_gradient():
    s = Setting()
    np.testing.assert_allclose(stuck.slopes(HERE, s), backprop.gradient(HERE, stuck.X, stuck.Y, (2, 3, 1)), rtol=1e-12)
    np.testing.assert_allclose(stuck.loss(HERE, s), backprop.loss(HERE, stuck.X, stuck.Y, (2, 3, 1)), rtol=1e-12)


@pytest.mark.parametrize("change", [{}, {"loss": "squared"}, {"activation": "tanh"}, {"inputs": "-1 and 1"}])
def test_slopes_are_those_of_the_loss(change):
    s = Setting(**change)
    error = backprop.gradient_check(lambda t: stuck.loss(t, s, 0.01), lambda t: stuck.slopes(t, s, 0.01), HERE[0])
    assert error < 1e-8


@pytest.mark.parametrize("bug", stuck.GRADIENTS[1:])
def test_bugs_are_bugs(bug):
    s = Setting(gradient=bug)
    error = backprop.gradient_check(lambda t: stuck.loss(t, s), lambda t: stuck.slopes(t, s), HERE[0])
    assert error > 1e-3


def test_bfgs_ends_where_the_slopes_vanish():
    s = Setting()
    ends = stuck.bfgs(stuck.start(range(5), s), s, penalty=1e-3)
    assert np.abs(stuck.slopes(ends, s, 1e-3)).max() < 1e-7
    bowl = stuck.lowest_curvature(np.full((1, 13), 0.1), s)  # all hidden units alike: a way down
    assert bowl.item() < 0


def test_a_small_start_is_freed_by_time_and_a_large_one_is_not_always():
    rng = np.random.default_rng(0)
    small, large = (Setting(scale=scale) for scale in (0.1, 10))
    slow = [stuck.later(row, small, rng) for row in stuck.start(range(4), small)]
    assert all(found["flow 1e+07"] for found in slow)
    far = [stuck.later(row, large, rng) for row in stuck.start(range(20), large)]
    left = [found for found in far if not found["flow 1e+07"]]
    assert left
    assert all(abs(found["flow loss"] - level).min() < 1e-2 for found in left for level in [np.array([0.3466, 0.4774])])
    assert sum(found["penalised"] for found in left) > len(left) / 2


def test_a_smoke_run(tmp_path, monkeypatch):
    names = ("starts; as in the chapter; 10", "starts; Adam; 1", "bugs; 500 steps; slope forgotten")
    monkeypatch.setattr(stuck, "SETTINGS", {name: stuck.SETTINGS[name] for name in names})
    runner.run("stuck", n_seeds=1, size="smoke", out=tmp_path)
    rows = results.load("stuck", tmp_path).tables["runs"]
    assert set(rows["change"]) == {"as in the chapter", "Adam", "500 steps"}
    assert rows["loss"].notna().all()
    assert json.loads(json.dumps(stuck.settings("full")))["penalty"] == 1e-4
