"""The ladder's leap, one change at a time: exact scores, who lives on, tuning that leaves the edge, and a slice."""

import dataclasses
from pathlib import Path

import pytest
import torch

from evidence import runner
from evidence.runner import Context, Unit
from evidence.runs import ladder_two
from evidence.runs.ladder.rung import N_WEIGHTS, NET
from evidence.runs.ladder_two import ARMS, N_EVALUATIONS, Elite, OneNeuron
from neuroevo import nets, neurons, results


def some(n: int = 30) -> tuple[torch.Tensor, torch.Tensor, torch.Generator]:
    rng = torch.Generator().manual_seed(0)
    return torch.rand((n, 784), generator=rng), torch.randint(10, (n,), generator=rng), rng


def test_children_of_one_neuron_score_as_whole_networks_do():
    x, y, rng = some()
    parents = torch.stack([neurons.split(NET, row) for row in NET.init(3, 0.1, rng)])
    of, neuron = torch.tensor([0, 2, 2, 1]), torch.tensor([5, 0, 63, 7])
    steps = 0.3 * torch.randn((4, 795), generator=rng)
    children = parents[of]
    children[torch.arange(4), neuron] += steps
    whole = torch.stack([neurons.join(NET, rows) for rows in (*children, *parents)])
    fitness = torch.cat(ladder_two.score(parents, of, neuron, steps, x, y))
    torch.testing.assert_close(fitness, nets.mean_log_likelihood(NET.forward(whole, x), y), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "rung",
    [
        Elite(10),
        Elite(10, rate=1 / 64, sigma=0.2),
        OneNeuron(10, "single elite"),
        OneNeuron(10, "own winners"),
        OneNeuron(10, "own winners", mirrored=True),
        OneNeuron(10, "own winners", mirrored=True, step_size=0.01),
    ],
)
def test_an_elite_moves_where_the_arm_says_and_gains_on_its_images(rung):
    x, y, rng = some()
    climber = rung.climber(rung, rng)
    before = climber.parents.clone() if isinstance(rung, OneNeuron) else climber.parent.clone()
    start = neurons.join(NET, before[0]) if isinstance(rung, OneNeuron) else before[0]
    after = climber.step(x, y, 0.0)()
    old, new = nets.mean_log_likelihood(NET.forward(torch.stack([start, after]), x), y)
    assert new > old
    if isinstance(rung, OneNeuron):
        moved = (climber.parents[0] != before[0]).any(dim=1).sum()
        assert moved == 1 if rung.parents == "single elite" else moved > 32
        if rung.step_size:
            notches = climber.parents / rung.step_size
            torch.testing.assert_close(notches, notches.round(), atol=1e-3, rtol=0)
    else:
        assert 0.5 < (after != start).float().mean() / rung.rate < 1.5


def test_a_population_breeds_from_its_best():
    x, y, rng = some()
    climber = OneNeuron(10, "population").climber(OneNeuron(10, "population"), rng)
    scores = []
    for _ in range(8):
        best = climber.step(x, y, 0.0)()
        scores.append(float(nets.mean_log_likelihood(NET.forward(best[None], x), y)))
    assert climber.parents.shape == (10, 64, 795)
    assert scores[-1] > scores[0]


def test_arms_that_are_equal_in_evaluations_are():
    for name, arm in ARMS.items():
        rung, rng = arm.rung, torch.Generator().manual_seed(0)
        if name == "gradient" or name.endswith("seconds"):
            continue
        spent = rung.n_generations * rung.climber(rung, rng).n_genomes * 200
        assert abs(spent / N_EVALUATIONS - 1) < 0.02, name


def test_full_noise_climbs_and_a_mutant_of_a_neuron_is_cheap():
    x, y, rng = some(100)
    climber = ladder_two.Noise(10, rank_one=False).climber(ladder_two.Noise(10, rank_one=False), rng)
    before = nets.mean_log_likelihood(NET.forward(climber.strategy.mean[None], x), y)
    for _ in range(5):
        genome = climber.step(x, y, 0.0)()
    assert nets.mean_log_likelihood(NET.forward(genome[None], x), y) > before
    cheap = OneNeuron(10, "single elite").climber(OneNeuron(10, "single elite"), rng)
    assert cheap.multiply_adds < 6 * N_WEIGHTS


def test_tuning_goes_on_until_the_best_value_is_inside(monkeypatch):
    def run_rung(unit, context, rung):
        return {"sweeps": [{"validation": -abs(rung.sigma - 0.32) + unit.seed / 1e6}]}

    monkeypatch.setattr(ladder_two, "run_rung", run_rung)
    rows = ladder_two.run_unit(Unit("sweep printed rule", 0), Context("full", torch.device("cpu"), Path()))["sweeps"]
    assert sorted({row["value"] for row in rows}) == [0.02, 0.04, 0.08, 0.16, 0.32, 0.64]
    chosen = ladder_two.given(Unit("printed rule", 1), {Unit("sweep printed rule", 0): {"sweeps": rows}})
    assert chosen == {"value": 0.32}
    assert ladder_two.given(Unit("printed rule", 1), {}) is None


def test_a_smoke_run(tmp_path, monkeypatch):
    names = ("whole, single elite", "own winners, mirrored", "rank-one noise")
    arms = {name: dataclasses.replace(ARMS[name], rung=dataclasses.replace(ARMS[name].rung)) for name in names}
    monkeypatch.setattr(ladder_two, "ARMS", arms)
    runner.run("ladder-two", n_seeds=1, size="smoke", out=tmp_path)
    run = results.load("ladder-two", tmp_path)
    assert set(run.tables["finals"].method) == set(names)
    assert (run.tables["sweeps"].groupby("method").seed.nunique() == 3).all()


def test_the_stored_run_is_tuned_inside_its_grids():
    run = results.load("ladder-two")
    for name, rows in run.tables["sweeps"].groupby("method"):
        means = rows.groupby("value").validation.mean()
        if len(means) < 8:
            assert means.index[0] < means.idxmax() < means.index[-1], name
        chosen = run.tables["finals"].query("method == @name").value
        assert (chosen == means.idxmax()).all()
    seeds = run.tables["finals"].groupby("method").seed.nunique()
    assert set(seeds.index) <= set(ARMS)
    assert (seeds == 5).all()  # whole arms
