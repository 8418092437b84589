"""The price of a strategy's ignorance: the problems, the methods, and a slice of the stored run."""

import json

import pytest
import torch

from evidence import runner
from evidence.runs import price
from evidence.runs.price import SETTINGS, Setting
from neuroevo import nets, results


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_goal_on_a_bowl_is_where_gradient_descent_is():
    s = Setting(size=50, power=1.0)
    loss, start = price.problem(s, 3, rng())
    theta = start
    for _ in range(price.N_GRADIENT_STEPS):
        theta = theta - 0.7 * torch.func.grad(lambda z: loss(z).sum())(theta)
    torch.testing.assert_close(price.goal_on_a_bowl(s, start, 0.7), loss(theta))


@pytest.mark.parametrize("estimate", ["scores", "ranks"])
def test_the_mean_of_many_estimates_points_up_the_slope(estimate):
    loss, start = price.problem(Setting(size=20), 4, rng())
    many = price.estimate(loss, start, Setting(size=20, n_pairs=5000, estimate=estimate), rng(1))
    slope = torch.func.grad(lambda z: loss(z).sum())(start)
    assert (torch.cosine_similarity(many, slope, dim=-1) > 0.98).all()


def test_adam_is_adam():
    theta, slopes = torch.ones(1, 3), torch.randn(6, 1, 3, generator=rng())
    theirs = theta.clone()
    optimiser, move = torch.optim.Adam([theirs], lr=0.1), price._mover("Adam", 0.1)
    for step, slope in enumerate(slopes, start=1):
        theirs.grad = slope
        optimiser.step()
        theta = move(theta, slope, step)
    torch.testing.assert_close(theta, theirs)


def test_first_networks_are_scaled_to_their_inputs():
    (w1, b1), (w2, b2) = (net := nets.MLP((64, 512, 10))).layers(price.first_networks(net, 3, rng()))
    assert float(w1.std()) == pytest.approx(64**-0.5, rel=0.02)
    assert float(w2.std()) == pytest.approx(512**-0.5, rel=0.05)
    assert not b1.any()
    assert not b2.any()


def steps(s, seed=3):
    loss, start = price.problem(s, 10, rng(seed))
    law = 1 / (1 + (float(price.curvatures(s).sum()) + 1) / s.n_pairs)
    goal = price.goal_on_a_bowl(s, start, 1.0)
    return price._search(s, goal, loss, start, law, rng(seed), 4000).mean()


def test_the_spectrum_sets_the_price_and_not_the_dimension():
    """The chapter's finding, with other seeds: ten times the parameters, or another spectrum of as many."""
    small, large, flat = (steps(Setting(size=n, power=p)) for n, p in ((30, 1.5), (300, 1.5), (30, 0.0)))
    assert small / 2 < large < 3 * small < flat


def test_a_goal_that_is_reached_never_is_infinity():
    loss, start = price.problem(Setting(size=10), 2, rng())
    slope = torch.zeros_like
    assert price.steps_to(torch.tensor(-1.0), loss, start, slope, price._mover("plain", 1.0), 5).isinf().all()


def test_a_smoke_run(tmp_path, monkeypatch):
    names = ["bowl 1.5, 30", "bowl 1, 30, one mutant", "digits 8, Adam", "moved digits, pretrained, plain"]
    monkeypatch.setattr(price, "SETTINGS", {name: SETTINGS[name] for name in names})
    runner.run("price", n_seeds=1, size="smoke", out=tmp_path)
    rows = results.load("price", tmp_path).tables["runs"]
    assert set(rows["setting"]) == set(names)
    assert (
        rows["n_params"] == rows["setting"].map({**dict.fromkeys(names[:2], 30), names[2]: 610, names[3]: 2410})
    ).all()


def test_units_and_settings():
    assert [unit.method for unit in price.units([0])] == list(SETTINGS)
    assert json.loads(json.dumps(price.settings("full")))["settings"]["digits 512, plain"]["size"] == 512
