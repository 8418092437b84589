import math
from itertools import pairwise

import pytest
import torch
from scipy import stats

from neuroevo import ga


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def p_uniform(counts, expected=None):
    """Chance of counts as far from what is expected as these."""
    return stats.chisquare(counts, expected).pvalue


# Truncation


@pytest.mark.parametrize(
    ("n_genomes", "fraction", "n_survivors"),
    [(100, 0.29, 29), (200, 0.2, 40), (10, 0.7, 7), (10, 0.19, 1), (3, 0.01, 1), (3, 1, 3), (7, 0.5, 3), (1, 0.5, 1)],
)
def test_truncation_keeps_the_best_of_the_right_number(n_genomes, fraction, n_survivors):
    fitness = torch.randperm(n_genomes, generator=rng()).float()
    survivors = ga.truncation(fitness, fraction)
    assert fitness[survivors].tolist() == list(range(n_genomes - 1, n_genomes - 1 - n_survivors, -1))


def test_truncation_gives_ties_to_the_lower_row():
    fitness = torch.tensor([1.0, 3.0, 2.0, 3.0, 2.0, -math.inf])
    assert ga.truncation(fitness, 0.5).tolist() == [1, 3, 2]
    assert ga.truncation(torch.zeros(1000), 1.0).tolist() == list(range(1000))


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, math.nan, math.inf])
def test_truncation_refuses_impossible_fractions(fraction):
    with pytest.raises(ValueError, match=r"fraction must lie in \(0, 1\]"):
        ga.truncation(torch.ones(4), fraction)


@pytest.mark.parametrize(
    ("fitness", "words"),
    [
        (torch.tensor([1.0, math.nan, 2.0, math.nan]), r"genomes \[1, 3\] is NaN"),
        (torch.empty(0), r"n_genomes >= 1, not \(0,\)"),
        (torch.zeros(2, 2), r"not \(2, 2\)"),
    ],
)
def test_truncation_refuses_what_it_cannot_rank(fitness, words):
    with pytest.raises(ValueError, match=words):
        ga.truncation(fitness, 0.5)


# Proportional choice

CANDIDATES = torch.tensor([7, 2, 9, 4])


@pytest.mark.parametrize(
    ("weights", "chances"),
    [
        ([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4]),
        ([0, 1, 1, 2], [0, 0.25, 0.25, 0.5]),
        ([-2, -1, 0, 1], [0, 1 / 6, 2 / 6, 3 / 6]),
        ([-5, -5, -5, -5], [0.25] * 4),
        ([0, 0, 0, 0], [0.25] * 4),
        ([3e-38, 3e-38, 6e-38, 0], [0.25, 0.25, 0.5, 0]),
    ],
)
def test_proportional_draws_by_weight(weights, chances):
    n_draws = 20_000
    drawn = ga.proportional(CANDIDATES, torch.tensor(weights, dtype=torch.float32), n_draws, rng())
    counts = [int((drawn == candidate).sum()) for candidate in CANDIDATES]
    assert sum(counts) == n_draws
    never = [i for i, chance in enumerate(chances) if chance == 0]
    assert all(counts[i] == 0 for i in never)
    sometimes = [i for i in range(4) if i not in never]
    assert p_uniform([counts[i] for i in sometimes], [n_draws * chances[i] for i in sometimes]) > 1e-4


def test_proportional_with_one_candidate():
    for weight in (5.0, 0.0, -5.0):
        assert ga.proportional(torch.tensor([3]), torch.tensor([weight]), 5, rng()).tolist() == [3] * 5


@pytest.mark.parametrize("weights", [torch.ones(3), torch.ones(5), torch.ones(4, 1)])
def test_proportional_refuses_misaligned_weights(weights):
    with pytest.raises(ValueError, match="one weight for each candidate"):
        ga.proportional(CANDIDATES, weights, 5, rng())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_proportional_refuses_weights_that_are_no_chances(bad):
    with pytest.raises(ValueError, match=r"^weights hold NaN or infinity"):
        ga.proportional(CANDIDATES, torch.tensor([1.0, bad, 1.0, 1.0]), 5, rng())


# Reproduction


def parent_vectors():
    n_genomes = 12
    yield torch.arange(n_genomes)
    yield torch.arange(n_genomes).flip(0)
    yield torch.full((n_genomes,), 11)
    for seed in range(200):
        n_parents = 1 + seed % n_genomes
        chosen = torch.randperm(n_genomes, generator=rng(seed))[:n_parents]
        yield chosen[torch.randint(n_parents, (n_genomes,), generator=rng(seed))]


def test_reproduce_gives_each_parent_its_children_and_moves_no_row_needlessly():
    before = torch.randn(12, 5, generator=rng())
    for parents in parent_vectors():
        population = before.clone()
        origin = ga.reproduce_(population, parents)
        assert torch.equal(origin.sort().values, parents.sort().values)
        assert torch.equal(population, before[origin])
        for parent in set(parents.tolist()):
            assert origin[parent] == parent


def test_reproduce_copies_only_rows_without_a_child():
    class Counting(torch.Tensor):
        copies = 0

        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            cls.copies += function is torch.Tensor.copy_
            return super().__torch_function__(function, types, args, kwargs or {})

    parents = torch.tensor([3, 3, 0, 5, 5, 5])  # rows 1, 2 and 4 have no child
    ga.reproduce_(torch.randn(6, 4).as_subclass(Counting), parents)
    assert Counting.copies == 3


@pytest.mark.parametrize(
    ("parents", "words"),
    [
        ([0, 1], r"parents must have shape \(3,\)"),
        ([[0, 1, 2]], r"parents must have shape \(3,\)"),
        ([0, 1, 3], r"must lie in 0..2, not in 0..3"),
        ([0, -1, 2], r"must lie in 0..2, not in -1..2"),
    ],
)
def test_reproduce_refuses_parents_that_are_not_there(parents, words):
    population = torch.randn(3, 2)
    before = population.clone()
    with pytest.raises(ValueError, match=words):
        ga.reproduce_(population, torch.tensor(parents))
    assert torch.equal(population, before)


# Mutation


def test_mutation_hits_as_many_entries_as_a_dense_mask_and_with_normal_noise():
    rate, scale, n_rounds, shape = 0.07, 0.3, 60, (20, 500)
    n, source, hits, noise = shape[0] * shape[1], rng(), [], []
    before = torch.randn(shape, generator=rng(1), dtype=torch.float64)
    for _ in range(n_rounds):
        after = before.clone()
        ga.mutate_(after, rate, scale, source)
        changed = after != before
        hits.append(int(changed.sum()))
        noise.append((after - before)[changed])
    # Binomial in the mean and in the spread: a count that is always n * rate would fail the second.
    deviations = [(h - n * rate) / math.sqrt(n * rate * (1 - rate)) for h in hits]
    assert abs(sum(deviations)) / math.sqrt(n_rounds) < 4
    assert 0.001 < stats.chi2.cdf(sum(d * d for d in deviations), n_rounds) < 0.999
    assert stats.kstest(torch.cat(noise).numpy() / scale, "norm").pvalue > 1e-3


def test_mutation_of_float32_leaves_the_rest_bit_for_bit():
    before = torch.randn(50, 400, generator=rng())
    before[0, 0], before[1, 1] = math.nan, -0.0
    after = before.clone()
    ga.mutate_(after, 0.01, 1.0, rng(1))
    same = after.view(torch.int32) == before.view(torch.int32)
    assert 100 < (~same).sum() < 300


def test_mutation_at_rate_0_rate_1_and_scale_0():
    before = torch.zeros(30, 100)
    for rate, scale in ((0, 1.0), (0.5, 0), (1e-300, 1.0)):
        after = before.clone()
        ga.mutate_(after, rate, scale, rng())
        assert torch.equal(after, before)
    ga.mutate_(after, 1, 2.0, rng())
    assert (after != 0).all()
    assert stats.kstest(after.flatten().numpy() / 2, "norm").pvalue > 1e-3


@pytest.mark.parametrize("rate", [0.5, 1])
@pytest.mark.parametrize("rows", [[4], [3, 0, 7], []])
def test_mutation_of_some_rows(rate, rows):
    population = torch.zeros(9, 200)
    ga.mutate_(population, rate, 1.0, rng(), rows=torch.tensor(rows, dtype=torch.long))
    hit = (population != 0).float().mean(dim=1)
    assert hit.nonzero().flatten().tolist() == sorted(rows)
    for row in rows:
        assert abs(hit[row] - rate) < 0.2


def test_mutation_of_some_rows_draws_them_independently():
    population = torch.zeros(3, 1000)
    ga.mutate_(population, 0.5, 1.0, rng(), rows=torch.tensor([0, 2]))
    both = ((population[0] != 0) & (population[2] != 0)).float().mean()
    assert abs(both - 0.25) < 0.06


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan, math.inf])
def test_mutation_refuses_impossible_rates(rate):
    with pytest.raises(ValueError, match="mutation needs 0 <= rate <= 1"):
        ga.mutate_(torch.zeros(2, 2), rate, 1.0, rng())


@pytest.mark.parametrize("scale", [-0.1, math.nan, math.inf])
def test_mutation_refuses_impossible_scales(scale):
    with pytest.raises(ValueError, match="finite scale >= 0"):
        ga.mutate_(torch.zeros(2, 2), 0.5, scale, rng())


@pytest.mark.parametrize("population", [torch.zeros(4, 3).T, torch.zeros(8)])
def test_mutation_refuses_what_is_no_contiguous_population(population):
    with pytest.raises(ValueError, match="contiguous"):
        ga.mutate_(population, 0.5, 1.0, rng())


# Positions of a Bernoulli process


@pytest.mark.parametrize("rate", [0.002, 0.07, 0.5, 0.9])
def test_gaps_between_positions_are_geometric(rate):
    positions = ga.bernoulli_positions(int(20_000 / rate), rate, rng())
    gaps = torch.cat([positions[:1] + 1, positions.diff()]).numpy()
    assert gaps.min() >= 1
    # Ten classes of about equal chance, as far as whole numbers allow.
    edges = sorted({0, *(int(stats.geom.ppf(i / 10, rate)) for i in range(1, 10))})
    cdf = [*stats.geom.cdf(edges, rate), 1.0]
    counts = [int(((gaps > a) & (gaps <= b)).sum()) for a, b in zip(edges, [*edges[1:], math.inf], strict=True)]
    expected = [len(gaps) * (b - a) for a, b in pairwise(cdf)]
    assert p_uniform(counts, expected) > 1e-3


@pytest.mark.parametrize("rate", [1e-300, 1e-20, 1e-9, 0.01, 0.5, 0.999999])
@pytest.mark.parametrize("n", [1, 2, 1000])
def test_positions_increase_and_stay_in_range(n, rate):
    source = rng()
    for _ in range(50):
        positions = ga.bernoulli_positions(n, rate, source)
        assert positions.dtype == torch.int64
        assert (positions.diff() > 0).all()
        assert ((positions >= 0) & (positions < n)).all()


def test_every_position_is_hit_equally_often_the_first_and_last_too():
    n, rate, n_rounds = 40, 0.3, 4000
    source = rng()
    hits = torch.cat([ga.bernoulli_positions(n, rate, source) for _ in range(n_rounds)]).bincount(minlength=n)
    z = (hits - n_rounds * rate) / math.sqrt(n_rounds * rate * (1 - rate))
    assert z.abs().max() < 4.5
    assert 0.001 < stats.chi2.cdf(float((z**2).sum()), n) < 0.999


def test_positions_go_on_where_the_first_batch_of_gaps_ends_too_early(monkeypatch):
    # Batches of at most three gaps: the loop must join them without a seam.
    draw = torch.rand
    monkeypatch.setattr(torch, "rand", lambda n, **words: draw(min(n, 3), **words))
    n, rate, n_rounds = 40, 0.3, 1500
    source = rng()
    rounds = [ga.bernoulli_positions(n, rate, source) for _ in range(n_rounds)]
    assert all((positions.diff() > 0).all() for positions in rounds)
    z = (torch.cat(rounds).bincount(minlength=n) - n_rounds * rate) / math.sqrt(n_rounds * rate * (1 - rate))
    assert 0.001 < stats.chi2.cdf(float((z**2).sum()), n) < 0.999


def test_the_same_generator_gives_the_same_positions():
    first, second, other = (ga.bernoulli_positions(5000, 0.1, rng(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, second)
    assert first.tolist() != other.tolist()


def test_randomness_comes_from_the_given_generator_alone():
    before = torch.get_rng_state()
    runs = []
    for seed in (3, 3, 4):
        source, population = rng(seed), torch.zeros(5, 100)
        ga.mutate_(population, 0.5, 1.0, source)
        parents = ga.proportional(torch.arange(50), torch.ones(50), 50, source)
        runs.append(population.flatten().tolist() + parents.tolist())
    assert runs[0] == runs[1] != runs[2]
    assert torch.equal(torch.get_rng_state(), before)
