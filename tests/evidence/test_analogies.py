"""Sex, bottlenecks, dropout, drift and ties: the parts, and a slice of the stored run."""

import json
from dataclasses import replace

import pytest
import torch

from evidence import runner
from evidence.runs import analogies
from evidence.runs.analogies import ARMS, Arm
from neuroevo import data, nets, results

NET = nets.MLP((64, 32, 10))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_unit_is_all_that_enters_and_leaves_it():
    genome = NET.init(1, 1.0, rng())
    without = torch.where(analogies.unit_of(32) == 5, 0.0, genome)
    x = torch.rand(20, 64, generator=rng())
    alive = (torch.arange(32) != 5).float()[None, :, None]
    torch.testing.assert_close(analogies.answers(NET, without, x), analogies.answers(NET, genome, x, alive))
    torch.testing.assert_close(analogies.answers(NET, genome, x), NET.forward(genome, x))


@pytest.mark.parametrize("mates", ["units", "genes"])
def test_children_are_mosaics_of_two(mates: str):
    mothers, fathers = torch.zeros(50, NET.n_params), torch.ones(50, NET.n_params)
    children = analogies.mixed(mothers, fathers, mates, 32, rng())
    assert set(children.unique().tolist()) == {0.0, 1.0}
    assert abs(children.mean() - 0.5) < 0.05
    in_unit = children[:, analogies.unit_of(32) == 7]
    whole = (in_unit == in_unit[:, :1]).all()
    assert bool(whole) == (mates == "units")


def test_dealing_units_out_loses_none():
    networks = NET.init(8, 1.0, rng())
    after = analogies.dealt(networks, 32, rng())
    assert torch.equal(after.sort(dim=0).values, networks.sort(dim=0).values)
    came_from = (after[:, None] == networks).float().argmax(dim=1)
    for unit in range(33):  # a unit goes whole, and not all to the same
        rows = came_from[:, analogies.unit_of(32) == unit]
        assert (rows == rows[:, :1]).all()
    assert len(came_from[0].unique()) > 4


def test_who_becomes_a_parent():
    population, fitness = NET.init(100, 0.1, rng()), torch.arange(100.0)
    _, mothers, fathers = analogies.breed(population, fitness, rng(), ARMS["plain"])
    assert torch.equal(mothers, fathers)
    assert mothers.min() >= 80
    children, mothers, fathers = analogies.breed(population, fitness, rng(), replace(ARMS["sex"], scale=0.0))
    assert not torch.equal(mothers, fathers)
    assert ((children == population[mothers]) | (children == population[fathers])).all()
    _, mothers, _ = analogies.breed(population, fitness, rng(), ARMS["bottleneck"], lots=True)
    assert len(mothers.unique()) == 2
    assert mothers.min() < 80


def test_dropout_keeps_the_mean():
    alive = analogies.silent(Arm(dropout=0.2), 100, 1000, rng())
    assert alive.shape == (1, 32, 1000)
    assert abs(alive.mean() - 1) < 0.02
    assert analogies.silent(Arm(dropout=0.2, own_masks=True), 3, 4, rng()).shape == (3, 32, 4)


def test_a_cut_network_keeps_half_of_its_units():
    seen = analogies.descend(ARMS["gradient, half lost for good"], (1, 4), rng())
    assert [g.shape for g in seen.values()] == [(1, 64 * 75 + 10), (1, NET.n_params)]


def test_descending_reads_more_and_losing_units_less():
    genome = analogies.descend(ARMS["gradient"], (100,), rng())[100]
    held_out = data.digits().validation
    right = [analogies.after_losing(genome, share, held_out.pixels(), held_out.y) for share in analogies.LOST]
    assert right[0] > 85
    assert right == sorted(right, reverse=True)
    assert right[-1] < right[0] - 5


def test_the_clock_starts_at_the_first_draw_and_ticks():
    first, last = analogies._clock("by lot, 40", 0, "smoke")["clock"]
    assert first["square"] == pytest.approx(0.01, rel=0.4)
    assert first["generation"] < last["generation"]
    assert analogies.never_lit().nonzero().flatten().tolist() == [0, 32, 39]


def test_a_smoke_run(tmp_path, monkeypatch):
    arms = ("plain", "sex", "gradient, units exchanged", "gradient, half lost for good")
    methods = [f"losses; {arm}" for arm in arms] + ["clock; selected, 10", "ties; ties taken"]
    monkeypatch.setattr(analogies, "METHODS", methods)
    runner.run("analogies", n_seeds=1, size="smoke", out=tmp_path)
    tables = results.load("analogies", tmp_path).tables
    losses = tables["losses"]
    assert set(losses["arm"]) == set(arms)
    assert losses["right"].between(0, 100).all()
    assert losses["right"].nunique() > 4
    assert {"square", "within"} <= set(tables["clock"])
    assert (tables["ties"]["tied"] + tables["ties"]["better"] <= tables["ties"]["step"]).all()


def test_moved_settings_get_fewer_seeds():
    methods = [[unit.method for unit in analogies.units([seed])] for seed in (0, 7)]
    assert methods[0] == analogies.METHODS
    few = {f"losses; {name}" for name in (*analogies.MOVED, "dropout")}
    assert set(methods[0]) - set(methods[1]) == few | {"ties; ties taken", "ties; ties refused"}
    assert "plain, scale 0.05" not in analogies.MOVED


def test_settings_can_be_written_down():
    assert json.loads(json.dumps(analogies.settings("full")))["arms"]["sex"]["mates"] == "units"
