"""Twenty-six letters: the reduction to sums is exact, and families stay apart."""

import dataclasses
import math
from itertools import combinations

import pytest
import torch

from evidence.runner import Unit
from evidence.runs import letters
from evidence.runs.letters import families, task
from neuroevo import data, ga, nets, results
from neuroevo.genreg import Settings


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def some_pictures(n=4, n_pixels=300):
    return (torch.rand(n, n_pixels, generator=rng(7)) > 0.6).float()


# The reduction


def test_sums_are_distributed_as_those_of_plain_genomes():
    """Sums of weights that are mutated through a mask, as printed, beside those drawn by one Cholesky factor."""
    x, n, s = some_pictures(), 20_000, Settings(n_genomes=20_000, mutation_scale=0.3, init_std=0.2)
    population = task.Sums(x, 1, 26, s, rng(1))
    plain_rng = rng(2)
    weights = s.init_std * torch.randn((n, x.shape[1]), generator=plain_rng)
    for _ in range(3):
        population.breed(torch.arange(n))
        ga.mutate_(weights, s.child_mutation_rate, s.mutation_scale, plain_rng)
        ours, plain = population.sums[:, 0], weights @ x.T
        variance = population.variance
        assert variance == pytest.approx(float(weights.var()), rel=0.02)
        expected = variance * (x @ x.T)
        for sums in (ours, plain):
            assert (sums.mean(dim=0).abs() < 4 * expected.diagonal().sqrt() / math.sqrt(n)).all()
            torch.testing.assert_close(torch.cov(sums.T), expected, rtol=0, atol=0.05 * float(expected.max()))
        # Not only to second order: the quantiles along a direction, in standard deviations.
        direction = torch.tensor([1.0, -1.0, 0.5, 0.0])
        points = torch.tensor([0.01, 0.1, 0.5, 0.9, 0.99])
        scale = (direction @ expected @ direction).sqrt()
        q_ours, q_plain = ((sums @ direction / scale).quantile(points) for sums in (ours, plain))
        torch.testing.assert_close(q_ours, q_plain, rtol=0, atol=0.12)


@pytest.mark.parametrize("drift", [True, False])
def test_a_genome_made_of_sums_says_what_the_sums_say(drift):
    x, s = some_pictures(), Settings(n_genomes=5, mutation_scale=0.3, init_std=0.2)
    population = task.Sums(x, 3, 6, s, rng())
    population.breed(torch.tensor([0, 0, 2, 3, 3]))
    net = nets.MLP((x.shape[1], 3, 6))
    genomes = torch.stack([population.genome(row, rng(1) if drift else None) for row in range(5)])
    torch.testing.assert_close(net.forward(genomes, x), population.logits(), rtol=1e-4, atol=1e-4)
    first = net.layers(genomes)[0][0]
    beside = first - (first @ x.T) @ torch.linalg.solve(x @ x.T, x)
    expected = population.variance * (1 - len(x) / x.shape[1]) if drift else 0.0
    assert float(beside.var()) == pytest.approx(expected, rel=0.1, abs=1e-6)


def test_sums_stay_with_their_genome():
    x, s = some_pictures(), Settings(n_genomes=8, mutation_scale=0.0)
    population = task.Sums(x, 3, 6, s, rng())
    before, said = population.sums.clone(), population.logits()
    origin = population.breed(torch.tensor([5, 5, 1, 1, 1, 7, 0, 5]))
    assert sorted(origin.tolist()) == [0, 1, 1, 1, 5, 5, 5, 7]
    assert torch.equal(population.sums, before[origin])
    torch.testing.assert_close(population.logits(), said[origin])


def test_selection_learns_the_pictures():
    population, row, right, generation = task.evolve(task.RULES["log-likelihood"], rng(), 300)
    assert right == 26
    assert 20 < generation < 300
    x, y = task.images()
    assert x.shape == (26, 10_000)
    answers = task.network(task.TASK, population.genome(row, rng(1)))(x)
    assert torch.equal(answers, y)


# Pictures


@pytest.mark.parametrize("name", families.CHANGES)
def test_changes_keep_the_shape_and_come_from_the_generator(name):
    x = task.images()[0][:3]
    change = families.CHANGES[name]
    once, again, other = change(x, rng(1)), change(x, rng(1)), change(x, rng(2))
    assert once.shape == x.shape
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert not torch.equal(once, x)
    assert float((once.sum(dim=1) / x.sum(dim=1)).sub(1).abs().max()) < 0.1


# The families


def test_every_seed_deals_families_to_one_part_each():
    names = families.faces().families
    deals = [families.deal(names, rng(seed)) for seed in range(20)]
    for deal in deals:
        assert [len(part) for part in deal] == [6, 2, 3]
        assert not any(set(a) & set(b) for a, b in combinations(deal, 2))
        assert set().union(*deal) == set(names)
    assert len({tuple(sorted(test)) for *_, test in deals}) > 10


def test_more_families_never_change_validation_or_test():
    test = [families._images(3, k).test._split.x for k in families.K_FAMILIES]
    train = [len(families._images(3, k).train) for k in families.K_FAMILIES]
    assert all(torch.equal(x, test[0]) for x in test)
    assert train == sorted(set(train))


def test_a_batch_has_four_of_each_letter_also_of_one_face():
    split = data.Split(torch.arange(26, dtype=torch.uint8)[:, None], torch.arange(26))
    x, y = families.sample(split, rng())
    assert torch.equal(torch.bincount(y), torch.full((26,), 4))
    assert torch.equal((x[:, 0] * 255).round().long(), y)


def test_the_nearest_template_is_the_nearest():
    x = torch.tensor([[0.0, 0.1], [0.9, 1.0]])
    assert task.nearest(x, torch.tensor([[1.0, 1.0], [0.0, 0.0]]), torch.tensor([4, 7])).tolist() == [7, 4]


# The run


@pytest.mark.parametrize("method", [method for method in letters.RUNNERS if "sweep" not in method])
def test_every_method_runs_and_again_gives_the_same(method, context, without_clocks):
    tables = letters.run_unit(Unit(method, 0), context)
    assert tables
    if method in ("task printed", "fonts eight"):
        assert without_clocks(letters.run_unit(Unit(method, 0), context)) == without_clocks(tables)
    for row in tables.get("fonts", []):
        assert 0 <= row["right"] <= row["n"]
        assert row["family"] in families._dealt(0)[2]


def test_units_judge_other_seeds_than_they_tune_on():
    units = letters.units(list(range(7)))
    assert len(units) == len(set(units))
    assert {unit.seed for unit in units if "sweep" in unit.method} == {letters.TUNING_SEED}
    assert {unit.seed for unit in units if unit.method == "task printed"} == set(range(5))
    assert {unit.seed for unit in units if unit.method == "fonts gradient"} == set(range(7))
    assert letters.settings("full")["n_breedings"] == 300


def test_the_settings_in_use_are_the_best_of_the_stored_sweeps():
    stored = results.load("letters")
    fonts = stored.tables["fonts_sweeps"].set_index(["method", "value"]).validation
    for method, value in families.TUNED.items():
        assert fonts[method, value] == fonts[method].max()
    sweeps = stored.tables["task_sweeps"]
    printed = sweeps[sweeps.method.str.contains("printed")].set_index("scale").right
    assert printed[task.RULES["printed"].settings.mutation_scale] == printed.max()


def test_a_stored_slice_is_what_the_code_makes(context):
    stored = results.load("letters").tables["fonts"]
    made = letters.run_unit(Unit("fonts memory", 0), dataclasses.replace(context, size="full"))["fonts"]
    kept = stored[(stored.seed == 0) & stored.method.str.startswith("nearest")]
    assert len(kept) == len(made)
    assert kept.right.tolist() == pytest.approx([row["right"] for row in made], abs=1.01)
