"""Seven methods on seven problems: the problems are what they say, and no method spends more than another."""

import dataclasses
import json
import math

import pytest
import torch

from evidence.runs import methods
from evidence.runs.methods import problems, searches, shaken

BEST = {
    "ellipsoid": problems._vector(10, 1),
    "rosenbrock": torch.ones(10, dtype=torch.float64),
    "rastrigin": problems._vector(10, 3),
    "stairs": problems._vector(50, 4) + 0.4,
    "two valleys": torch.full((3,), 1.5, dtype=torch.float64),
}


@pytest.mark.parametrize("name", BEST)
def test_the_lowest_point_is_where_it_is_said_to_be(name):
    problem = methods.PROBLEMS[name]
    there = problem.loss(BEST[name])
    assert float(there) == pytest.approx(0, abs=1e-12)
    near = BEST[name] + 0.7 * torch.randn(200, problem.n_params, dtype=torch.float64)
    assert (problem.loss(near) >= there).all()


@pytest.mark.parametrize("name", methods.PROBLEMS)
def test_losses_keep_leading_dimensions_and_do_not_mix_runs(name):
    problem = methods.PROBLEMS[name]
    theta = torch.randn(2, 3, problem.n_params, dtype=torch.float64)
    losses = problem.loss(theta)
    assert losses.shape == (2, 3)
    assert losses.dtype == torch.float64
    torch.testing.assert_close(losses[1, 2], problem.loss(theta[1, 2]), rtol=1e-5, atol=1e-7)


def test_the_stairs_have_no_slope():
    theta = torch.randn(4, 50, dtype=torch.float64, requires_grad=True)
    problems.stairs(theta).sum().backward()
    assert not theta.grad.any()


def test_the_ellipsoid_has_the_condition_number_that_it_is_given():
    curvature = torch.autograd.functional.hessian(methods.ellipsoid, torch.zeros(10, dtype=torch.float64))
    values = torch.linalg.eigvalsh(curvature)
    assert float(values[-1] / values[0]) == pytest.approx(1e6, rel=1e-3)


@pytest.mark.parametrize("method", methods.METHODS)
@pytest.mark.parametrize("name", ["rastrigin", "stairs"])
def test_no_method_spends_more_than_its_budget(method, name):
    problem, calls = methods.PROBLEMS[name], []

    def counting(theta):
        calls.append(theta.numel() // problem.n_params * (3 if theta.requires_grad else 1))
        return problem.loss(theta)

    setting = methods.METHODS[method][1][1]
    watched = dataclasses.replace(problem, loss=counting, budget=1700)
    meter = searches.run_method(method, watched, setting, n_runs=1, seed=0)
    assert sum(calls) == meter.used <= 1700
    if method != "L-BFGS":
        assert meter.used > 1600
    assert len(meter.milestones) == len(searches.MILESTONES)
    milestones = torch.stack(meter.milestones)[:, 0]
    assert (milestones.diff() <= 0).all()
    assert float(milestones[-1]) == float(meter.best)
    assert float(problem.loss(meter.champion)) == pytest.approx(float(meter.best))


@pytest.mark.parametrize("method", methods.METHODS)
def test_all_methods_start_alike_and_repeat(method):
    problem = dataclasses.replace(methods.PROBLEMS["rosenbrock"], budget=300)
    setting = methods.METHODS[method][1][0]
    a, b = (searches.run_method(method, problem, setting, n_runs=2, seed=7) for _ in range(2))
    assert torch.equal(a.champion, b.champion)
    assert not torch.equal(a.champion[0], a.champion[1])


def test_every_method_has_the_same_number_of_settings():
    assert {len(grid) for _, grid in methods.METHODS.values()} == {8}


def test_a_milestone_holds_the_best_of_what_was_paid_for_by_then():
    problem = dataclasses.replace(methods.PROBLEMS["rosenbrock"], loss=lambda theta: theta[..., 0], n_params=1)
    meter = searches.Meter(problem, 64, 1)
    for i in range(64):
        meter.score(torch.full((1, 1, 1), 64.0 - i, dtype=torch.float64))
    meter.finish()
    assert [float(loss) for loss in meter.milestones] == [61, 49, 1]


def test_merit_is_cut_off_where_a_problem_is_solved():
    problem = methods.PROBLEMS["xor"]
    assert methods.merit(problem, torch.tensor([1e-9, 1e-4, 1.0, math.inf])).tolist() == [-4, -4, 0, 12]


def test_a_found_network_has_exactly_the_loss_that_was_asked_for():
    rng = torch.Generator().manual_seed(0)
    network, n_steps = shaken.find_network("gradient", 0.0, rng, target=1.5, most=100)
    assert n_steps < 100
    assert float(problems.digits(network)) == pytest.approx(1.5, abs=1e-4)


def test_a_smoke_run(smoke, monkeypatch, capsys):
    few = {name: methods.PROBLEMS[name] for name in ("stairs", "digits")}
    monkeypatch.setattr(methods, "PROBLEMS", few)
    chosen = ["tuning SNES", "SNES", "tuning gradient descent", "gradient descent", "shaken networks"]
    tables = smoke("methods", chosen)
    assert set(tables) == {"tuning", "finals", "shaken"}
    assert list(tables["finals"]["method"]) == ["SNES"] * 2 + ["gradient descent"] * 2
    assert tables["tuning"].groupby(["method", "problem"])["chosen"].sum().eq(1).all()
    tuning = tables["tuning"]
    best = tuning.groupby(["method", "problem"])["log10_loss"].transform("min")
    assert (tuning["log10_loss"] == best)[tuning["chosen"] == 1].all()
    chosen = tuning[tuning["chosen"] == 1][["method", "problem", "setting"]]
    assert len(tables["finals"].merge(chosen)) == len(tables["finals"])  # what is judged is what was chosen
    assert (tables["finals"]["test_accuracy"].notna() == (tables["finals"]["problem"] == "digits")).all()
    assert list(tables["shaken"]["finder"]) == list(methods.FINDERS)
    assert capsys.readouterr().out.count("Test set opened") == 2


def test_units_and_settings():
    units = methods.units([0, 1])
    assert len(units) == len({unit.key for unit in units}) == 7 + 2 * 8
    assert {unit.seed for unit in units if "tuning" in unit.method} == {methods.TUNING_SEED}
    assert json.loads(json.dumps(methods.settings("full")))["grids"].keys() == methods.METHODS.keys()
