import dataclasses
import json

import pytest
import torch

from evidence import runner
from evidence.runner import Context, Unit
from evidence.runs import clothes, ladder, summits
from neuroevo import data, ga, nets, results

NET = nets.MLP((5, 4, 3))


@pytest.fixture(autouse=True)
def fallback(tmp_path, monkeypatch):
    """No MNIST, no network, one thread."""
    folder = tmp_path / "no data"
    folder.mkdir()
    monkeypatch.setenv("NEUROEVO_DATA", str(folder))
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def smoke(module, name, methods, tmp_path, monkeypatch):
    chosen = [unit for unit in module.units([0]) if unit.method in methods]
    monkeypatch.setattr(module, "EXPERIMENT", dataclasses.replace(module.EXPERIMENT, units=lambda seeds: chosen))
    runner.run(name, n_seeds=1, size="smoke", out=tmp_path)
    return results.load(name, tmp_path).tables


def test_crossover_keeps_neurons_whole(rng):
    population = torch.stack([torch.full((NET.n_params,), float(i)) for i in range(3)])
    children = population[torch.tensor([0, 1, 0, 0])]
    ladder.cross_neurons_(NET, children, population, torch.tensor([2, 2, 2, 0]), rng)
    (w_in, bias), (w_out, last) = NET.layers(children)
    assert torch.equal(w_in, bias[..., None].expand_as(w_in))
    assert torch.equal(w_out, bias[:, None].expand_as(w_out))
    assert {0.0, 2.0} == set(bias[[0, 2]].flatten().tolist())
    assert {1.0, 2.0} >= set(bias[1].tolist())
    assert not bias[3].any()
    assert torch.equal(last, torch.tensor([0.0, 1.0, 0.0, 0.0])[:, None].expand_as(last))  # the mother's


def test_rank_one_samples_score_as_the_networks_that_they_stand_for(rng):
    mean = NET.init(1, 0.5, rng)[0]
    search = ladder.RankOneES(NET, mean, n_pairs=3, sigma=0.3, learning_rate=0.01, rng=rng)
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
    assert ladder._scale(0.02, 0.002, 0.0) == 0.02
    assert ladder._scale(0.02, 0.002, 1.0) == pytest.approx(0.002)
    assert ladder._scale(0.02, None, 0.7) == 0.02


def test_a_self_adapted_scale_is_inherited_and_spreads_with_what_it_made(rng):
    net = nets.MLP((1, 2, 1))
    rung = ladder.Whole(1, sigma=0.1, tau=0.2)
    run = ladder._Whole(rung, net, rng)
    x, y = torch.rand(3, 1), torch.zeros(3, dtype=torch.int64)
    run.step(x, y, 0.0)
    once = run.sigmas.log().std()
    assert 0.15 < once < 0.25
    # Each child has its mother's scale, and mothers are the best tenth: of 200 scales ten at most are left.
    run.rung = dataclasses.replace(run.rung, tau=1e-9)
    run.sigmas = torch.linspace(0.1, 0.2, 200)[:, None]
    run.step(x, y, 0.0)
    assert len(run.sigmas.mul(1e4).round().unique()) <= 10
    still = ladder._Whole(dataclasses.replace(rung, tau=0.0), net, rng)
    still.step(x, y, 0.0)
    assert torch.equal(still.sigmas, torch.full((200, 1), 0.1))


def test_smoke_run_of_every_kind_of_rung(tmp_path, monkeypatch, capsys):
    methods = [
        "GENREG as printed",
        "neuron crossover",
        "self-adapted",
        "shifted images",
        "rank-one ES",
        "OpenAI-ES",
        "gradient",
    ]
    sweeps = [f"sweep gradient {value:g}" for value in ladder.SWEEPS["gradient"][1]]
    # No sweep of the others: each then makes its own, which opens no test set either.
    monkeypatch.setattr(
        ladder, "SWEEPS", {m: (s, v if m == "gradient" else v[:1]) for m, (s, v) in ladder.SWEEPS.items()}
    )
    tables = smoke(ladder, "ladder", methods + sweeps, tmp_path, monkeypatch)
    finals = tables["finals"].set_index("method")
    assert set(finals.index) == set(methods)
    assert capsys.readouterr().out.count("Test set opened") == len(methods)
    assert "test_correct" not in tables["sweeps"].columns
    best = tables["sweeps"].sort_values("validation", ascending=False, kind="stable").iloc[0]
    assert finals.loc["gradient", "value"] == best["value"]
    for method, curve in tables["curves"].groupby("method"):
        assert curve["evaluations"].is_monotonic_increasing
        assert curve["multiply_adds"].iloc[-1] == finals.loc[method, "multiply_adds"]
        assert curve["validation"].max() == finals.loc[method, "validation"]
    # A one-neuron mutant is an evaluation, but not the price of a network.
    per_evaluation = finals["multiply_adds"] / finals["evaluations"]
    assert per_evaluation["GENREG as printed"] == ladder.N_WEIGHTS
    assert per_evaluation["shifted images"] < ladder.N_WEIGHTS / 50


def test_smoke_run_of_the_summits(tmp_path, monkeypatch):
    methods = ["filters, evolution strategy", "filters, gradient"]
    finals = smoke(summits, "summits", methods, tmp_path, monkeypatch)["finals"]
    assert list(finals["method"]) == methods
    assert finals["n_params"].nunique() == 1


def test_smoke_run_on_clothes(tmp_path, monkeypatch):
    monkeypatch.setattr(clothes, "_load", data.mnist)  # the stand-in for digits: clothes have none
    methods = ["GENREG as printed", "filters, evolution strategy"]
    finals = smoke(clothes, "clothes", methods, tmp_path, monkeypatch)["finals"]
    assert list(finals["method"]) == methods


def test_clothes_are_not_digits(tmp_path):
    with pytest.raises(data.DataError, match="Fashion-MNIST is not in"):
        clothes.run_unit(Unit("gradient", 0), Context("smoke", torch.device("cpu"), tmp_path, progress=False))


def test_a_rung_repeats_and_seeds_differ(tmp_path):
    rung = dataclasses.replace(ladder.RUNGS["one-neuron mutants"], n_generations=500)
    rows = []
    for seed in (0, 0, 1):
        context = Context("smoke", torch.device("cpu"), tmp_path, progress=False)
        (final,) = ladder.run_rung(Unit("one", seed), context, rung)["finals"]
        rows.append({key: final[key] for key in final if "seconds" not in key and key != "seed"})
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize("module", [ladder, summits])
def test_units_and_settings(module):
    units = module.units([0, 1])
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
