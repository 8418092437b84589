"""Chapter 5's experiment with its knobs moved: the landscapes, what is off, and a slice of the stored run."""

import json

import pytest
import torch

from evidence import runner
from evidence.runner import Unit
from evidence.runs import operators
from evidence.runs.operators import LANDSCAPES, Setting, best
from neuroevo import results


@pytest.mark.parametrize("name", LANDSCAPES)
def test_the_top_is_where_it_is_said_to_be(name):
    place, rng = LANDSCAPES[name], torch.Generator().manual_seed(0)
    there = torch.full((1, place.n_genes), 1.0 if place.bits else 0.0)
    assert float(place.score(there)) == pytest.approx(place.top(place.n_genes), abs=1e-3)
    others = operators.start(place, place.n_genes, 500, 1, rng)[0]
    assert (place.score(others) < place.top(place.n_genes)).all()


def test_the_trap_leads_away_from_its_top():
    ones = torch.tensor([[1.0] * n + [0.0] * (5 - n) for n in range(6)])
    assert operators.trap(ones).tolist() == [4, 3, 2, 1, 0, 5]


def test_shuffled_bits_are_the_same_bits():
    bits = operators.start(LANDSCAPES["trap"], 60, 200, 1, torch.Generator().manual_seed(0))
    assert operators.trap(bits).mean() == pytest.approx(float(operators.shuffled_trap(bits).mean()), abs=1)
    assert (operators.trap(bits) != operators.shuffled_trap(bits)).any()


def test_small_crowds_need_mutation_and_large_ones_crossover():
    """The chapter's finding, on a third of its runs and other seeds."""
    place, s = LANDSCAPES["OneMax"], Setting()
    small, large = (
        {off: best(place, s, n, off, 10, 10_000, 77).mean() for off in operators.CHANGES_OFF} for n in (10, 1000)
    )
    assert small["crossover"] == 60 > 50 > small["mutation"]
    assert large["mutation"] == 60 > 56 > large["crossover"]


def test_without_selection_nothing_is_gained():
    place = LANDSCAPES["OneMax"]
    chance = operators._random_search(place, Setting(), 10, 10_000, 3).mean()
    assert abs(best(place, Setting(), 100, "selection", 10, 10_000, 3).mean() - chance) < 2


@pytest.mark.parametrize("change", [{"survivors": 0.2}, {"crossover": "other"}, {"crossed": 0.3}, {"n_elites": 5}])
def test_every_change_changes_something(change):
    place = LANDSCAPES["trap"]
    runs = [best(place, s, 30, "nothing", 10, 3000, 0) for s in (Setting(), Setting(**change))]
    assert not torch.equal(*runs)


def test_a_smoke_run(tmp_path, monkeypatch):
    chosen = {name: operators.SETTINGS[name] for name in ("as in the chapter", "scale 3", "four times the genes")}
    monkeypatch.setattr(operators, "SETTINGS", chosen)
    monkeypatch.setattr(operators, "LANDSCAPES", {name: LANDSCAPES[name] for name in ("OneMax", "rotated Rastrigin")})
    runner.run("operators", n_seeds=1, size="smoke", out=tmp_path)
    rows = results.load("operators", tmp_path).tables["runs"]
    assert set(rows["landscape"]) == {"OneMax", "rotated Rastrigin"}
    assert set(rows["n_genomes"]) == {0, *operators.SIZES_OF_POPULATION}
    assert set(rows[rows["setting"] == "scale 3"]["landscape"]) == {"rotated Rastrigin"}
    assert rows["best"].notna().all()


def test_units_and_settings():
    names = [unit.method for unit in operators.units([0])]
    assert "trap; tournaments of 2" in names
    assert "trap; scale 3" not in names
    assert Unit("rotated Rastrigin; scale 3", 0) in operators.units([0])
    assert json.loads(json.dumps(operators.settings("full")))["runs of a seed"] == 30
