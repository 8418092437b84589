"""The ladder and what is built of its rungs: each kind does what it says, with the best setting that was tried."""

import dataclasses
import json

import pytest
import torch

from evidence.runner import Unit
from evidence.runs import clothes, ladder, summits
from evidence.runs.ladder import cloud, rung, whole
from neuroevo import data, ga, nets

NET = nets.MLP((5, 4, 3))


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def test_crossover_keeps_neurons_whole(rng):
    population = torch.stack([torch.full((NET.n_params,), float(i)) for i in range(3)])
    children = population[torch.tensor([0, 1, 0, 0])]
    whole.cross_neurons_(NET, children, population, torch.tensor([2, 2, 2, 0]), rng)
    (w_in, bias), (w_out, last) = NET.layers(children)
    assert torch.equal(w_in, bias[..., None].expand_as(w_in))
    assert torch.equal(w_out, bias[:, None].expand_as(w_out))
    assert {0.0, 2.0} == set(bias[[0, 2]].flatten().tolist())
    assert {1.0, 2.0} >= set(bias[1].tolist())
    assert not bias[3].any()
    assert torch.equal(last, torch.tensor([0.0, 1.0, 0.0, 0.0])[:, None].expand_as(last))  # the mother's


def test_rank_one_samples_score_as_the_networks_that_they_stand_for(rng):
    mean = NET.init(1, 0.5, rng)[0]
    search = cloud.RankOneES(NET, mean, n_pairs=3, sigma=0.3, learning_rate=0.01, rng=rng)
    x, y = torch.rand(6, 5, generator=rng), torch.randint(3, (6,), generator=rng)
    noise = search.draw()
    mutants = mean.repeat(6, 1)
    (w1, b1), (w2, b2) = NET.layers(mutants)
    for i in range(6):
        rows1, columns1, biases1, rows2, columns2, biases2 = (vectors[i % 3] for vectors in noise)
        size = 0.3 if i < 3 else -0.3
        w1[i] += size * torch.outer(rows1, columns1)
        b1[i] += size * biases1
        w2[i] += size * torch.outer(rows2, columns2)
        b2[i] += size * biases2
    expected = nets.mean_log_likelihood(NET.forward(mutants, x), y)
    torch.testing.assert_close(search.scores(noise, x, y), expected, atol=1e-5, rtol=1e-4)
    before = float(nets.mean_log_likelihood(NET.forward(mean[None], x), y))
    for _ in range(100):
        search.step(x, y)
    assert float(nets.mean_log_likelihood(NET.forward(mean[None], x), y)) > before + 0.3


def test_a_sigma_falls_from_start_to_end():
    assert rung.scale(0.02, 0.002, 0.0) == 0.02
    assert rung.scale(0.02, 0.002, 1.0) == pytest.approx(0.002)
    assert rung.scale(0.02, None, 0.7) == 0.02


def test_a_self_adapted_scale_is_inherited_and_spreads_with_what_it_made(rng):
    net = nets.MLP((1, 2, 1))
    one = ladder.Whole(1, sigma=0.1, tau=0.2)
    run = whole._Population(one, rng, net)
    x, y = torch.rand(3, 1), torch.zeros(3, dtype=torch.int64)
    run.step(x, y, 0.0)
    once = run.sigmas.log().std()
    assert 0.15 < once < 0.25
    # Each child has its mother's scale, and mothers are the best tenth: of 200 scales ten at most are left.
    run.rung = dataclasses.replace(run.rung, tau=1e-9)
    run.sigmas = torch.linspace(0.1, 0.2, 200)[:, None]
    run.step(x, y, 0.0)
    assert len(run.sigmas.mul(1e4).round().unique()) <= 10
    still = whole._Population(dataclasses.replace(one, tau=0.0), rng, net)
    still.step(x, y, 0.0)
    assert torch.equal(still.sigmas, torch.full((200, 1), 0.1))


def test_smoke_run_of_every_kind_of_rung(smoke, monkeypatch, capsys):
    methods = [
        "GENREG as printed",
        "neuron crossover",
        "self-adapted",
        "shifted images",
        "rank-one ES",
        "OpenAI-ES",
        "gradient",
    ]
    # One value of the others is enough.
    sweeps = {m: (s, v if m == "gradient" else v[:1]) for m, (s, v) in ladder.SWEEPS.items()}
    monkeypatch.setattr(ladder, "SWEEPS", sweeps)
    tables = smoke("ladder", [f"sweep {m} {value:g}" for m in methods for value in sweeps[m][1]] + methods)
    finals = tables["finals"].set_index("method")
    assert set(finals.index) == set(methods)
    assert capsys.readouterr().out.count("Test set opened") == len(methods)
    assert "test_correct" not in tables["sweeps"].columns
    tried = tables["sweeps"].query("method == 'gradient'")
    assert len(tried) == 4
    best = tried.sort_values("validation", ascending=False, kind="stable").iloc[0]
    assert finals.loc["gradient", "value"] == best["value"]
    for method, curve in tables["curves"].groupby("method"):
        assert curve["evaluations"].is_monotonic_increasing
        assert curve["multiply_adds"].iloc[-1] == finals.loc[method, "multiply_adds"]
        assert curve["validation"].max() == finals.loc[method, "validation"]
    # A one-neuron mutant is an evaluation, but not the price of a network.
    per_evaluation = finals["multiply_adds"] / finals["evaluations"]
    assert per_evaluation["GENREG as printed"] == rung.N_WEIGHTS
    assert per_evaluation["shifted images"] < rung.N_WEIGHTS / 50


def test_smoke_run_of_the_summits(smoke):
    methods = ["filters, evolution strategy", "filters, gradient"]
    finals = smoke("summits", methods)["finals"]
    assert list(finals["method"]) == methods
    assert finals["n_params"].nunique() == 1


def test_smoke_run_on_clothes(smoke, monkeypatch):
    monkeypatch.setattr(clothes, "_load", data.mnist)  # the stand-in for digits: clothes have none
    methods = ["GENREG as printed", "filters, evolution strategy"]
    finals = smoke("clothes", methods)["finals"]
    assert list(finals["method"]) == methods


def test_clothes_are_not_digits(context):
    with pytest.raises(data.DataError, match="Fashion-MNIST is not in"):
        clothes.run_unit(Unit("gradient", 0), context)


def test_a_rung_repeats_and_seeds_differ(context, without_clocks):
    short = dataclasses.replace(ladder.RUNGS["one-neuron mutants"], n_generations=500)
    rows = [without_clocks(rung.run_rung(Unit("one", seed), context, short)["finals"][0]) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2] | {"seed": 0}


@pytest.mark.parametrize("module", [ladder, summits])
def test_units_and_settings(module):
    units = module.EXPERIMENT.units([0, 1])
    assert len(units) == len({unit.key for unit in units})
    for name in module.RUNGS:
        assert [unit.seed for unit in units if unit.method == name] == [0, 1]
    assert {u.seed for u in units if u.method.startswith("sweep")} <= {ladder.TUNING_SEED}
    assert json.loads(json.dumps(module.settings("smoke")))["rungs"].keys() == module.RUNGS.keys()


def test_every_rung_has_four_values_to_choose_from():
    assert ladder.SWEEPS.keys() == ladder.RUNGS.keys()
    for name, (setting, values) in ladder.SWEEPS.items():
        assert len(set(values)) == 4
        assert hasattr(ladder.RUNGS[name], setting)
    assert ga.truncation(torch.arange(200.0), ladder.Whole(1).top).shape == (10,)


def test_a_rung_waits_for_its_sweeps_and_takes_the_best():
    setting, values = ladder.SWEEPS["annealed"]
    assert ladder.given(Unit(f"sweep annealed {values[0]:g}", 100), {}) == {}
    scores = dict(zip(values, (0.1, 0.3, 0.3, 0.2), strict=True))
    finished = {ladder._sweep("annealed", v): {"sweeps": [{"validation": score}]} for v, score in scores.items()}
    assert ladder.given(Unit("annealed", 3), finished) == {setting: values[1]}
    finished.pop(ladder._sweep("annealed", values[3]))
    assert ladder.given(Unit("annealed", 3), finished) is None
