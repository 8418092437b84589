import math
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
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
        (torch.zeros(2, 0), r"not \(2, 0\)"),
        (torch.tensor([[1.0, 2.0], [3.0, math.nan]]), r"genomes \[1\] is NaN"),
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


@pytest.mark.parametrize(
    ("weights", "n_draws"),
    [(torch.empty(0), 3), (torch.empty(0, 4), 3), (torch.ones(4), 0), (torch.ones(1).expand(2**24 + 1), 1)],
)
def test_proportional_refuses_a_choice_of_nothing_and_of_too_many(weights, n_draws):
    candidates = torch.zeros(1, dtype=torch.long).expand(weights.shape)
    with pytest.raises(ValueError, match=r"needs 1 to 2\*\*24 candidates and a draw, not \d draws from shape \("):
        ga.proportional(candidates, weights, n_draws, rng())


@given(st.data(), st.integers(1, 5), st.sampled_from([(), (1,), (3,), (2, 2)]), st.integers(0, 9))
def test_proportional_gives_candidates_with_a_chance_or_says_why_not(data, n, runs, seed):
    numbers = st.floats(-1e308, 1e308) | st.sampled_from([0.0, 1.0, -1.0, 1e-300, 1e308, -1e308])
    n_all = n * math.prod(runs)
    weights = torch.tensor(data.draw(st.lists(numbers, min_size=n_all, max_size=n_all)), dtype=torch.float64)
    weights = weights.view(*runs, n)
    chances = weights - weights.amin(dim=-1, keepdim=True).clamp(max=0)
    candidates = torch.arange(100, 100 + n_all).view(*runs, n)
    if not bool(chances.sum(dim=-1).isfinite().all()):
        with pytest.raises(ValueError, match=r"NaN or infinity, or add up to it"):
            ga.proportional(candidates, weights, 7, rng(seed))
        return
    drawn = ga.proportional(candidates, weights, 7, rng(seed))
    assert drawn.shape == (*runs, 7)
    place = drawn - candidates[..., :1]
    assert 0 <= int(place.min()) <= int(place.max()) < n  # every run draws its own
    nobody = (chances == 0) & (chances > 0).any(dim=-1, keepdim=True)
    assert not nobody.gather(-1, place).any()


# Reproduction


@given(st.lists(st.integers(0, 999), min_size=1, max_size=30))
def test_reproduce_gives_each_parent_its_children_and_moves_no_row_needlessly(numbers):
    parents = torch.tensor(numbers) % len(numbers)
    before = torch.randn(len(parents), 5, generator=rng())
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


# Many runs side by side


@pytest.mark.parametrize(
    "choose",
    [
        lambda f, source: ga.truncation(f, 0.3),
        lambda f, source: ga.from_best(f, 50, source, fraction=0.3),
        lambda f, source: ga.tournament(f, 50, source, size=3),
        lambda f, source: ga.proportional(torch.arange(20).expand(f.shape), f.exp(), 50, source),
    ],
    ids=["truncation", "from_best", "tournament", "proportional"],
)
def test_selection_keeps_runs_apart(choose):
    fitness = torch.randn(2, 3, 20, generator=rng())
    fitness[1, 2, :19] = -1e6  # here one genome is far above the rest
    rows = choose(fitness, rng())
    assert rows.shape[:-1] == (2, 3)
    assert ((rows >= 0) & (rows < 20)).all()
    assert (rows[1, 2] == 19).float().mean() > 0.1
    assert (rows[0, 0] == 19).float().mean() < 0.5
    picked = fitness.gather(-1, rows).mean(dim=-1)
    assert (picked > fitness.mean(dim=-1)).all()


def test_truncation_ranks_each_run_by_itself():
    fitness = torch.tensor([[1.0, 3.0, 2.0, 3.0], [9.0, 8.0, 7.0, 6.0]])
    assert ga.truncation(fitness, 0.5).tolist() == [[1, 3], [0, 1]]


def test_from_best_draws_the_survivors_evenly_and_nobody_else():
    fitness = torch.randperm(50, generator=rng()).float()
    rows = ga.from_best(fitness, 20_000, rng(), fraction=0.1)
    counts = rows.bincount(minlength=50)
    assert counts[fitness < 45].sum() == 0
    assert p_uniform(counts[fitness >= 45]) > 1e-4


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_tournament_chooses_ranks_by_their_known_chances(size):
    n, n_draws = 10, 40_000
    fitness = torch.randperm(n, generator=rng()).float()
    ranks = fitness[ga.tournament(fitness, n_draws, rng(1), size=size)].long()
    # The winner has rank at most r if all entrants do: ((r + 1) / n)^size. (Blickle and Thiele 1996)
    chances = torch.tensor([((r + 1) / n) ** size - (r / n) ** size for r in range(n)], dtype=torch.float64)
    counts, expected = ranks.bincount(minlength=n).double(), n_draws * chances
    tail = expected < 5
    gathered = (
        [*counts[~tail].tolist(), float(counts[tail].sum())],
        [*expected[~tail].tolist(), float(expected[tail].sum())],
    )
    keep = [i for i, e in enumerate(gathered[1]) if e > 0]
    assert p_uniform([gathered[0][i] for i in keep], [gathered[1][i] for i in keep]) > 1e-4


def test_tournament_of_equals_is_even():
    rows = ga.tournament(torch.zeros(8), 20_000, rng(), size=3)
    assert p_uniform(rows.bincount(minlength=8)) > 1e-4


def test_tournament_needs_entrants():
    with pytest.raises(ValueError, match="at least one entrant, not size=0"):
        ga.tournament(torch.zeros(4), 2, rng(), size=0)


def takeover_time(choose, n=1024):
    """Generations of selection alone until a single best genome has all places but one; inf if it is lost."""
    fitness = torch.zeros(n)
    fitness[0] = 1
    for generation in range(1, 200):
        fitness = fitness[choose(fitness)]
        if fitness.sum() == 0:
            return math.inf
        if fitness.sum() >= n - 1:
            return generation
    raise AssertionError("no takeover")


@pytest.mark.parametrize("size", [2, 4, 8])
def test_takeover_by_tournaments_takes_as_long_as_theory_says(size):
    n, source = 1024, rng(size)
    times = [takeover_time(lambda f: ga.tournament(f, n, source, size=size)) for _ in range(60)]
    survived = torch.tensor([t for t in times if t < math.inf], dtype=torch.float64)
    # Goldberg and Deb (1991): (ln n + ln ln n) / ln size, for a best genome that grows by its expectation.
    theory = (math.log(n) + math.log(math.log(n))) / math.log(size)
    assert abs(survived.mean() - theory) < 0.15 * theory + 0.5
    # A single best genome is drawn Poisson(size) times: it is lost at once with chance exp(-size), seldom later.
    lost = 1 - len(survived) / len(times)
    assert math.exp(-size) - 0.2 < lost < math.exp(-size) + 0.25


@pytest.mark.parametrize("fraction", [0.1, 0.5])
def test_takeover_by_truncation_takes_as_long_as_theory_says(fraction):
    n, source = 1024, rng(1)
    times = [takeover_time(lambda f: ga.from_best(f, n, source, fraction=fraction)) for _ in range(40)]
    survived = torch.tensor([t for t in times if t < math.inf], dtype=torch.float64)
    assert abs(survived.mean() - math.log(n) / math.log(1 / fraction)) < 1.2


@pytest.mark.parametrize("n_genomes", [1, 7, 5000])
@pytest.mark.parametrize("values", [[0.0], [-0.0, 0.0, -1.0], [1.0, math.inf, -math.inf]])
def test_a_single_survivor_is_the_first_of_the_sorted(values, n_genomes):
    fitness = torch.tensor(values)[torch.randint(len(values), (20, n_genomes), generator=rng())]
    first = fitness.argsort(dim=-1, descending=True, stable=True)[:, :1]
    assert torch.equal(ga.truncation(fitness, 1e-9), first)


def test_take_picks_rows_of_each_run():
    population = torch.arange(24.0).view(2, 4, 3)
    taken = ga.take(population, torch.tensor([[3, 3], [0, 1]]))
    assert taken.tolist() == [[[9, 10, 11], [9, 10, 11]], [[12, 13, 14], [15, 16, 17]]]
    taken += 1
    assert population.flatten().tolist() == list(range(24))  # a copy


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 1, 4)])
def test_take_refuses_rows_of_other_runs(shape):
    with pytest.raises(ValueError, match="give row numbers of shape"):
        ga.take(torch.zeros(2, 4, 3), torch.zeros(shape, dtype=torch.long))


@pytest.mark.parametrize("rows", [[[0, 4], [0, 0]], [[0, 0], [-1, 0]], [[0.0, 1.0]] * 2, [[True, False]] * 2])
def test_take_refuses_what_is_no_row_of_its_run(rows):
    with pytest.raises(IndexError, match=r"torch\.long, from 0 to 3"):
        ga.take(torch.zeros(2, 4, 3), torch.tensor(rows))


def test_take_knows_no_rows_and_runs_in_any_arrangement():
    population = torch.randn(2, 3, 5, 4, generator=rng())
    rows = torch.randint(5, (2, 3, 7), generator=rng())
    gathered = population.gather(-2, rows.unsqueeze(-1).expand(*rows.shape, 4))
    assert torch.equal(ga.take(population, rows), gathered)
    turned = population.transpose(0, 1)  # not in one piece
    assert torch.equal(ga.take(turned, rows.transpose(0, 1)), gathered.transpose(0, 1))
    assert torch.equal(ga.take(population[0, 0], rows[0, 0]), gathered[0, 0])
    assert ga.take(population, rows[..., :0]).shape == (2, 3, 0, 4)


# Crossover


def test_cross_is_exact_at_the_ends_and_linear_between():
    mothers, fathers = torch.randn(2, 5, 100, generator=rng(), dtype=torch.float32)
    fathers *= 1e6
    assert torch.equal(ga.cross(mothers, fathers, torch.ones(5, 100)), mothers)
    assert torch.equal(ga.cross(mothers, fathers, torch.zeros(5, 100)), fathers)
    torch.testing.assert_close(ga.cross(mothers, fathers, torch.full((5, 100), 0.25)), 0.25 * mothers + 0.75 * fathers)
    assert ga.cross(mothers.double(), fathers.double(), torch.ones(5, 100)).dtype == torch.float64


@pytest.mark.parametrize("extreme", [math.inf, -math.inf, math.nan])
def test_cross_takes_nothing_of_a_parent_without_a_share(extreme):
    wild, tame = torch.full((1, 3), extreme), torch.tensor([[1.0, 2.0, 3.0]])
    nothing, everything = torch.zeros(1, 3), torch.ones(1, 3)
    assert torch.equal(ga.cross(wild, tame, nothing), tame)
    assert torch.equal(ga.cross(tame, wild, everything), tame)
    mixed = torch.tensor([[0.0, 1.0, 0.5]])
    assert ga.cross(wild, tame, mixed)[0, 0] == 1
    assert not ga.cross(wild, tame, mixed)[0, 1:].isfinite().any()


def test_uniform_crossover_tosses_a_coin_for_each_gene():
    share = ga.uniform((4000, 30), rng())
    assert set(share.flatten().tolist()) == {0.0, 1.0}
    from_mother = share.sum(dim=1).long().bincount(minlength=31).double()
    expected = 4000 * torch.tensor(stats.binom.pmf(range(31), 30, 0.5))
    middle = expected > 5
    counts = [*from_mother[middle].tolist(), float(from_mother[~middle].sum())]
    assert p_uniform(counts, [*expected[middle].tolist(), float(expected[~middle].sum())]) > 1e-4
    assert abs(float((share[:, 1:] == share[:, :-1]).double().mean()) - 0.5) < 0.01  # neighbours are independent


def test_one_point_crossover_cuts_evenly_and_takes_something_from_both():
    share = ga.one_point((2, 4500, 10), rng())
    assert (share[..., 0] == 1).all()
    assert (share[..., -1] == 0).all()
    assert (share.diff(dim=-1) <= 0).all()
    assert p_uniform(share.sum(dim=-1).long().flatten().bincount(minlength=10)[1:]) > 1e-4
    assert ga.one_point((3, 1), rng()).tolist() == [[1], [1], [1]]


@pytest.mark.parametrize("extend", [0.0, 0.5])
def test_blend_crossover_is_even_around_the_parents(extend):
    share = ga.blend((50, 200), rng(), extend=extend)
    width = 1 + 2 * extend
    assert stats.kstest(share.flatten().numpy(), "uniform", args=(-extend, width)).pvalue > 1e-3


@pytest.mark.parametrize("extend", [-0.1, math.nan, math.inf])
def test_blend_crossover_refuses_impossible_settings(extend):
    with pytest.raises(ValueError, match="extend must be a finite number"):
        ga.blend((2, 2), rng(), extend=extend)


# Mutation of many runs, and of bits


@pytest.mark.parametrize("rate", [0.4, 1.0])
def test_each_run_can_have_its_own_mutation_scale(rate):
    scale = torch.tensor([0.0, 0.1, 2.0]).view(3, 1, 1)
    population = torch.zeros(3, 100, 200, dtype=torch.float64)
    ga.mutate_(population, rate, scale, rng())
    assert not population[0].any()
    for run in (1, 2):
        changes = population[run][population[run] != 0]
        assert abs(len(changes) / 20_000 - rate) < 0.03
        assert stats.kstest(changes.numpy() / float(scale[run]), "norm").pvalue > 1e-3


def test_rows_are_chosen_from_one_run_only():
    with pytest.raises(ValueError, match="rows can only be chosen from one run"):
        ga.mutate_(torch.zeros(2, 3, 4), 0.5, 1.0, rng(), rows=torch.tensor([0]))


def test_flip_flips_the_right_number_of_bits_and_only_bits():
    before = torch.randint(2, (10, 50, 400), generator=rng()).float()
    after = before.clone()
    ga.flip_(after, 0.02, rng(1))
    flips = (after != before).sum(dim=-1).flatten()
    assert set(after.flatten().tolist()) == {0.0, 1.0}
    assert abs(float(flips.double().mean()) - 8) < 4 * math.sqrt(8 / 500)
    assert 0.75 < float(flips.double().var()) / (8 * 0.98) < 1.3
    ga.flip_(after, 1.0, rng())
    ga.flip_(after, 0.0, rng())
    assert ((after != before).sum(dim=-1).flatten() == 400 - flips).all()


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan])
def test_flip_refuses_impossible_rates(rate):
    with pytest.raises(ValueError, match="0 <= rate <= 1"):
        ga.flip_(torch.zeros(2, 2), rate, rng())


# The loop


def run(population, **changes):
    settings = {
        "select": partial(ga.tournament, size=3),
        "crossover": ga.uniform,
        "mutate": partial(ga.mutate_, rate=1.0, scale=0.1),
        "rng": rng(),
    }
    return ga.GA(population, **{**settings, **changes})


GOAL = torch.tensor([2.0, 3.0])


def closeness(population):
    return -(population - GOAL).square().sum(dim=-1)


@pytest.mark.parametrize("crossover", [None, ga.uniform, ga.one_point, ga.blend])
@pytest.mark.parametrize("select", [partial(ga.tournament, size=3), partial(ga.from_best, fraction=0.2)])
def test_every_run_of_a_batch_finds_the_goal(crossover, select):
    search = run(torch.randn(40, 50, 2, generator=rng(1)), crossover=crossover, select=select)
    for _ in range(60):
        search.tell(closeness(search.ask()))
    assert closeness(search.ask())[:, 0].min() > -0.02
    assert search.generation == 60


def test_elites_live_on_unchanged_best_first():
    search = run(torch.randn(4, 20, 2, generator=rng()), n_elites=3)
    for _ in range(5):
        fitness = closeness(search.ask())
        best = ga.take(search.ask(), fitness.topk(3).indices)
        search.tell(fitness)
        assert torch.equal(search.ask()[:, :3], best)
    top = [closeness(search.ask()).max(dim=-1).values]
    for _ in range(20):
        search.tell(closeness(search.ask()))
        top.append(closeness(search.ask()).max(dim=-1).values)
    assert (torch.stack(top).diff(dim=0) >= 0).all()


def test_without_elites_the_best_can_be_lost():
    search = run(torch.randn(50, 10, 2, generator=rng()), n_elites=0)
    before = closeness(search.ask()).max(dim=-1).values
    search.tell(closeness(search.ask()))
    assert (closeness(search.ask()).max(dim=-1).values < before).any()


def test_parents_and_founders_say_where_each_gene_came_from():
    first = torch.randn(3, 12, 7, generator=rng())
    search = run(first, mutate=None, n_elites=2)
    assert search.parents is None
    for _ in range(6):
        before, founders_before = search.ask(), search.founders
        search.tell(search.ask().sum(dim=-1))
        here = search.ask()
        mothers, fathers = (ga.take(before, search.parents[..., i]) for i in (0, 1))
        assert ((here == mothers) | (here == fathers)).all()
        assert torch.equal(mothers[:, :2], fathers[:, :2])  # an elite is its own parent
        # Nothing mutates, so each gene is still the founder's own.
        assert torch.equal(here, first.gather(1, search.founders.long()))
        assert set(search.founders.flatten().tolist()) <= set(founders_before.flatten().tolist())
    assert torch.equal(first, torch.randn(3, 12, 7, generator=rng()))  # the first generation is not written on


def test_a_blend_stems_from_whom_it_owes_more():
    first = torch.tensor([[0.0], [1.0]])
    shares = iter([torch.tensor([[0.9]]), torch.tensor([[0.2]])])
    search = run(
        first,
        select=lambda fitness, n, *, rng: torch.tensor([0, 1]),
        crossover=lambda shape, *, rng: next(shares),
        mutate=None,
    )
    search.tell(torch.tensor([0.0, 1.0]))
    assert search.founders.tolist() == [[1], [0]]
    torch.testing.assert_close(search.ask(), torch.tensor([[1.0], [0.1]]))
    search.tell(torch.tensor([1.0, 0.0]))  # mother 0 is now founder 1
    assert search.founders.tolist() == [[1], [0]]


def test_operators_may_change_between_generations():
    search = run(torch.zeros(1, 30, 2))
    search.mutate = None
    search.tell(closeness(search.ask()))
    assert not search.ask().any()
    search.mutate = partial(ga.mutate_, rate=1.0, scale=torch.tensor([0.0, 1.0]))
    search.tell(closeness(search.ask()))
    assert not search.ask()[..., 0].any()
    assert search.ask()[:, 1:, 1].all()


def test_the_same_seed_gives_the_same_run():
    ends = []
    for seed in (0, 0, 1):
        search = run(torch.ones(3, 10, 2), rng=rng(seed))
        for _ in range(5):
            search.tell(closeness(search.ask()))
        ends.append(search.ask().flatten().tolist())
    assert ends[0] == ends[1] != ends[2]


@pytest.mark.parametrize(
    ("population", "changes", "words"),
    [
        (torch.zeros(5), {}, "must hold floats of shape"),
        (torch.zeros(0, 2), {}, "at least one of each"),
        (torch.zeros(5, 2, dtype=torch.long), {}, r"not torch.int64"),
        (torch.zeros(5, 2), {"n_elites": 5}, "0 <= n_elites < 5, not 5"),
        (torch.zeros(5, 2), {"n_elites": -1}, "not -1"),
    ],
)
def test_impossible_populations(population, changes, words):
    with pytest.raises(ValueError, match=words):
        run(population, **changes)


@pytest.mark.parametrize("fitness", [torch.zeros(10), torch.zeros(2, 9), torch.zeros(2, 10, 1)])
def test_fitness_of_another_shape_changes_nothing(fitness):
    search = run(torch.zeros(2, 10, 3))
    with pytest.raises(ValueError, match=r"fitness must have shape \(2, 10\)"):
        search.tell(fitness)
    assert search.generation == 0
    with pytest.raises(ValueError, match=r"genomes \[4\] is NaN"):
        search.tell(torch.zeros(2, 10).index_fill(1, torch.tensor([4]), math.nan))
    assert search.generation == 0
    assert not search.ask().any()
