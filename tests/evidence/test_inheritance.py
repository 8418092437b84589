"""Chapter 7's experiments with their knobs moved: the parts of the loop, CartPole, and a slice of the stored run."""

import dataclasses
import json

import gymnasium
import numpy as np
import pytest
import torch

from evidence import runner
from evidence.runs import inheritance
from evidence.runs.inheritance import Founders, Pole, Sigma
from neuroevo import results


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_pole_falls_as_gymnasiums_does():
    world = gymnasium.make("CartPole-v1").unwrapped
    for seed in range(5):
        world.reset(seed=seed)
        draws, over = np.random.default_rng(seed), False
        while not over:
            push = int(draws.random() < 0.6)
            state, down = inheritance.physics(torch.tensor(np.array(world.state)), torch.tensor(push == 1))
            _, _, over, _, _ = world.step(push)
            np.testing.assert_allclose(state.numpy(), np.array(world.state), atol=1e-12)
            assert bool(down) == over


def test_returns_are_steps_and_stop_at_500():
    policies = torch.tensor([[0.0, 0, 0, 0, 1], [0.1, 0.3, 2, 1.5, 0]])
    always_right, balanced = inheritance.returns(policies, 30, rng())
    assert 7 < always_right.mean() < 12
    assert balanced.max() == 500
    assert balanced.mean() > 300


def test_blind_columns_lose_founders_as_the_coalescent_says():
    """After as many generations as there are rows about 2 + 1/3 lineages are left, crossover or not."""
    for crosses in inheritance.CROSSOVERS:
        rows = inheritance.count_founders(Founders(n_genomes=20), "blind", crosses, 100, 3)
        left = np.mean([row["weights"] for row in rows if row["generation"] == 20])
        assert left == pytest.approx(2 + 1 / 3, abs=0.35)


def test_selection_leaves_fewer_founders():
    left = {}
    for breeds in ("selected", "blind"):
        rows = inheritance.count_founders(Founders(), breeds, "no crossover", 20, 4)
        left[breeds] = np.mean([row["weights"] for row in rows if row["generation"] == 30])
        assert {row["winner"] for row in rows if row["generation"] == 5} == {-1}
    assert left["selected"] < 2 < left["blind"]


def test_an_inherited_sigma_finds_its_size_and_a_raffled_one_does_not():
    span = {}
    for rule in ("inherited", "raffled"):
        error, _ = inheritance.errors(Sigma(n_generations=60), rule, 8, 5, starts=(0.03, 1.0))
        span[rule] = float((error[1].log10() - error[0].log10()).mean())
    assert abs(span["inherited"]) < 0.6 < span["raffled"]


@pytest.mark.parametrize("rule", inheritance.RULES)
def test_every_way_keeps_sigma_positive_and_in_shape(rule):
    sigma, mothers = torch.full((3, 6, 1), 0.1), torch.randint(6, (3, 6), generator=rng())
    changed = inheritance.pace(rule, Sigma(), 25)(sigma, mothers, torch.tensor([0.0, 0.2, 0.5]), rng=rng())
    assert changed.shape == sigma.shape
    assert (changed > 0).all()
    assert torch.equal(changed, sigma) == (rule == "fixed")


def test_the_fifth_widens_and_narrows():
    sigma = torch.ones(2, 4, 1)
    wider, narrower = inheritance.one_fifth(sigma, sigma, torch.tensor([0.3, 0.1]), rng())[:, 0, 0].tolist()
    assert (wider, narrower) == pytest.approx((1 / 0.85, 0.85))


@pytest.mark.parametrize("method", ["GA", "random", "hill", "ES", "inherited"])
def test_nobody_spends_more_steps_than_given(method):
    spent = torch.zeros(4)
    for population, scores, steps in inheritance._tries(Pole(method, 2), 4, rng()):
        assert scores.shape == population.shape[:-1]
        spent = spent + steps
        if spent.min() > 3000:
            break
    kept, _ = inheritance.balance(Pole(method, 2, n_steps=3000), 4, 7)
    assert kept.isfinite().all()


def test_more_steps_balance_more_poles():
    solved = {
        n: (inheritance.returns(inheritance.balance(Pole("GA", n_steps=n), 20, 1)[0], 50, rng()).mean(-1) >= 475).sum()
        for n in (1000, 40_000)
    }
    assert solved[40_000] > 10 > solved[1000]


def test_a_smoke_run(tmp_path, monkeypatch):
    few = {part: dict(list(known.items())[:2]) for part, known in inheritance.PARTS.items()}
    few["founders"] = {"12 rows": inheritance.FOUNDERS["12 rows"]}
    monkeypatch.setattr(inheritance, "PARTS", few)
    runner.run("inheritance", n_seeds=1, size="smoke", out=tmp_path)
    tables = results.load("inheritance", tmp_path).tables
    assert set(tables) == {"founders", "sigma", "pole"}
    assert set(tables["founders"]["breeds"]) == {"selected", "blind"}
    assert set(tables["sigma"]["rule"]) == set(inheritance.RULES)
    assert tables["sigma"]["error"].notna().all()
    assert tables["pole"]["kept"].between(1, 500).all()


def test_settings_can_be_stored():
    stored = json.loads(json.dumps(inheritance.settings("full")))
    assert stored["sigma"]["as in the chapter"] == dataclasses.asdict(Sigma())
    assert len(stored["pole"]) == len(inheritance.POLE)
