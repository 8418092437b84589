import math
from functools import partial

import cma
import numpy as np
import pytest
import torch
from scipy import stats

from neuroevo import ga, genreg, nets
from neuroevo.strategies import CMAES, SNES, OpenAIES, Strategy, centred_ranks


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def sphere(x):
    return x.square().sum(dim=-1)


def strategy(mean, n_pairs=20, sigma=0.1, learning_rate=0.05, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return OpenAIES(mean, n_pairs=n_pairs, sigma=sigma, learning_rate=learning_rate, rng=rng)


def test_climbs_a_quadratic_for_every_seed():
    goal = torch.linspace(-1, 1, 10)
    for seed in range(5):
        es = strategy(torch.zeros(10), seed=seed)
        for _ in range(200):
            es.tell(-(es.ask() - goal).square().sum(dim=1))
        assert (es.mean - goal).norm() < 0.2 < goal.norm()


def test_samples_are_antithetic_and_as_wide_as_sigma():
    mean = torch.arange(50.0)
    samples = strategy(mean, n_pairs=400, sigma=0.3).ask()
    assert samples.shape == (800, 50)
    plus, minus = samples.chunk(2)
    torch.testing.assert_close(plus + minus, (2 * mean).expand(400, 50))
    assert (plus - mean).std() == pytest.approx(0.3, rel=0.03)
    assert torch.equal(samples, strategy(mean, n_pairs=400, sigma=0.3).ask())


@pytest.mark.parametrize("seed", range(5))
def test_estimated_gradient_points_along_the_true_one(seed):
    slope = torch.randn(30, generator=torch.Generator().manual_seed(seed))
    es = strategy(torch.zeros(30), n_pairs=100, seed=seed)
    es.tell(es.ask() @ slope)
    assert torch.cosine_similarity(es.gradient, slope, dim=0) > 0.7  # 0.87 is expected: sqrt(100 / (100 + 30))
    assert torch.equal(es.mean.sign(), es.gradient.sign())  # Adam's first step is the sign, uphill
    torch.testing.assert_close(es.mean.abs(), torch.full((30,), 0.05))


def test_estimate_is_the_published_formula():
    es = strategy(torch.zeros(2, dtype=torch.float64), n_pairs=2, sigma=0.5)
    noise = es.ask() / 0.5
    es.tell(torch.tensor([3.0, -1.0, 2.0, 10.0]))
    ranks = torch.tensor([1 / 6, -1 / 2, -1 / 6, 1 / 2], dtype=torch.float64)
    torch.testing.assert_close(es.gradient, (ranks[:, None] * noise).sum(dim=0) / (4 * 0.5))


def test_centred_ranks_by_hand():
    assert centred_ranks(torch.tensor([10.0, -5.0, 1e9])).tolist() == [0.0, -0.5, 0.5]
    assert centred_ranks(torch.tensor([3, 1])).tolist() == [0.5, -0.5]


def test_centred_ranks_keep_the_order_and_nothing_else():
    fitness = torch.randn(101, generator=torch.Generator().manual_seed(0))
    ranks = centred_ranks(fitness)
    assert torch.equal(ranks.argsort(), fitness.argsort())
    assert torch.equal(ranks, centred_ranks(fitness.exp() * 1000))
    assert (float(ranks.min()), float(ranks.max())) == (-0.5, 0.5)
    assert float(ranks.sum()) == pytest.approx(0, abs=1e-4)
    torch.testing.assert_close(ranks.sort().values.diff(), torch.full((100,), 0.01))


def test_equals_share_their_mean_rank():
    fitness = torch.tensor([[5.0, 2.0, 5.0, 9.0, 5.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    expected = stats.rankdata(fitness.numpy(), axis=-1) / 4 - 0.75  # scipy ranks from 1 and averages ties
    assert centred_ranks(fitness).tolist() == expected.tolist()
    assert centred_ranks(fitness)[1].tolist() == [0] * 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": torch.zeros(())},
        {"mean": torch.zeros(3, dtype=torch.long)},
        {"n_pairs": 0},
        {"sigma": 0.0},
        {"sigma": float("nan")},
        {"sigma": float("inf")},
        {"learning_rate": -1.0},
        {"learning_rate": float("inf")},
    ],
)
def test_impossible_settings(wrong):
    with pytest.raises(ValueError, match=r"OpenAIES needs (a mean of floats of shape|n_pairs >= 1 and)"):
        strategy(**{"mean": torch.zeros(3), **wrong})


@pytest.mark.parametrize("fitness", [torch.ones(39), torch.ones(40, 1), torch.tensor([float("nan")] + [1.0] * 39)])
def test_bad_fitness_moves_nothing(fitness):
    es = strategy(torch.zeros(3))
    es.ask()
    with pytest.raises(ValueError, match="fitness of the 40 genomes of the last ask"):
        es.tell(fitness)
    assert es.mean.tolist() == [0, 0, 0]


def test_tell_needs_an_ask_before_it():
    es = strategy(torch.zeros(3))
    with pytest.raises(ValueError, match=r"last ask\(\)"):
        es.tell(torch.ones(40))
    es.tell(-es.ask().sum(dim=1))
    with pytest.raises(ValueError, match=r"last ask\(\)"):
        es.tell(torch.ones(40))


def everything_that_asks_and_tells(start):
    """One of each search of the package around a start (n_params,)."""
    net = nets.MLP((1, 2), "tanh")  # of four parameters
    select = partial(ga.tournament, size=2)
    population = start + torch.randn(8, 4, generator=rng())
    return {
        "OpenAIES": OpenAIES(start, n_pairs=4, sigma=0.3, learning_rate=0.1, rng=rng()),
        "SNES": SNES(start, sigma=0.3, rng=rng()),
        "CMAES": CMAES(start, sigma=0.3, rng=rng()),
        "GA": ga.GA(
            population, select=select, crossover=ga.uniform, mutate=partial(ga.mutate_, rate=1, scale=0.1), rng=rng()
        ),
        "GENREG": genreg.GENREG.start(net, genreg.Settings(n_genomes=8, child_mutation_rate=1.0), rng()),
    }


@pytest.mark.parametrize("name", ["OpenAIES", "SNES", "CMAES", "GA", "GENREG"])
def test_one_contract_for_all(name):
    search: Strategy = everything_that_asks_and_tells(torch.zeros(4))[name]
    first = sphere(search.ask() - 1).mean()
    for _ in range(60):
        fitness = -sphere(search.ask() - 1)
        told = fitness.clone()
        search.tell(fitness)
        assert torch.equal(fitness, told)
    assert sphere(search.ask() - 1).mean() < 0.7 * first


@pytest.mark.parametrize("name", ["OpenAIES", "SNES", "CMAES"])
def test_nothing_moves_behind_the_callers_back(name):
    start = torch.linspace(-1, 1, 4)
    es = everything_that_asks_and_tells(start)[name]
    held = [start, es.mean]
    before = [tensor.clone() for tensor in held]
    for _ in range(3):
        held += [es.ask(), es.mean]
        before += [tensor.clone() for tensor in held[-2:]]
        es.tell(sphere(held[-2]))
    assert all(torch.equal(now, then) for now, then in zip(held, before, strict=True))
    assert not torch.equal(es.mean, start)
    again = everything_that_asks_and_tells(start)[name]
    start.fill_(float("nan"))  # what the caller does with what was given and handed out changes nothing either
    again.ask().fill_(float("nan"))
    again.tell(sphere(before[2]))
    assert torch.equal(again.mean, before[5])


# Natural evolution strategies and CMA-ES


def ellipsoid(x):
    n = x.shape[-1]
    return (10 ** (6 * torch.arange(n, dtype=x.dtype) / (n - 1)) * x.square()).sum(dim=-1)


def rosenbrock(x):
    return (100 * (x[..., 1:] - x[..., :-1] ** 2) ** 2 + (1 - x[..., :-1]) ** 2).sum(dim=-1)


def evaluations(es, f, target, n_generations):
    """Evaluations until each run has seen a value below target; inf where it hasn't."""
    counts = torch.full(es.mean.shape[:-1], float("inf"))
    for generation in range(1, n_generations + 1):
        values = f(es.ask())
        es.tell(-values)
        counts[(values.amin(dim=-1) < target) & counts.isinf()] = generation * es.n_genomes
        if not counts.isinf().any():
            break
    return counts


def start(n_runs, n_params, at=1.0):
    return torch.full((n_runs, n_params), at, dtype=torch.float64)


@pytest.mark.parametrize(("f", "at", "most"), [(sphere, 1.0, 3000), (ellipsoid, 1.0, 8000), (rosenbrock, 0.1, 15000)])
def test_cmaes_needs_as_many_evaluations_as_the_reference(f, at, most):
    n, target = 5, 1e-8
    ours = evaluations(CMAES(start(20, n, at), sigma=0.5, rng=rng()), f, target, most // 8)
    reference = []
    for seed in range(1, 11):
        options = {"seed": seed, "verbose": -9, "CMA_active": False, "ftarget": target, "maxfevals": most}
        search = cma.CMAEvolutionStrategy([at] * n, 0.5, options)
        while not search.stop() and search.best.f >= target:
            samples = search.ask()
            search.tell(samples, f(torch.as_tensor(np.array(samples))).tolist())
        reference.append(search.countevals)
    # Rosenbrock has a local optimum that catches a few runs of either: medians and their spread, not means.
    lower, middle, upper = np.quantile(reference, [0.1, 0.5, 0.9])
    assert min(lower, 0.9 * middle) <= float(ours.median()) <= max(upper, 1.1 * middle)


def by_the_tutorial(n, n_genomes, sigma, generations):
    """Hansen's tutorial (2016), equations 38 to 47 with table 1's constants, one sum at a time.

    `generations` holds the steps, (n_genomes, n), of each generation, best first. Yields mean, sigma, C and whether the
    path of the shape was held back.
    """
    mu = n_genomes // 2
    raw = [math.log((n_genomes + 1) / 2) - math.log(i) for i in range(1, mu + 1)]
    w = [r / sum(raw) for r in raw]
    mu_eff = 1 / sum(x * x for x in w)
    c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n)
    c_s = (mu_eff + 2) / (n + mu_eff + 5)
    c_1 = 2 / ((n + 1.3) ** 2 + mu_eff)
    c_mu = min(1 - c_1, 2 * (1 / 4 + mu_eff + 1 / mu_eff - 2) / ((n + 2) ** 2 + mu_eff))
    d_s = 1 + 2 * max(0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_s
    chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))
    mean, C, p_c, p_s = np.zeros(n), np.eye(n), np.zeros(n), np.zeros(n)
    for g, steps in enumerate(generations, start=1):
        y_w = sum(w_i * y for w_i, y in zip(w, steps, strict=False))
        mean = mean + sigma * y_w
        squares, axes = np.linalg.eigh(C)
        p_s = (1 - c_s) * p_s + math.sqrt(c_s * (2 - c_s) * mu_eff) * (axes / np.sqrt(squares)) @ axes.T @ y_w
        size = np.linalg.norm(p_s)
        calm = size / math.sqrt(1 - (1 - c_s) ** (2 * g)) < (1.4 + 2 / (n + 1)) * chi
        p_c = (1 - c_c) * p_c + calm * math.sqrt(c_c * (2 - c_c) * mu_eff) * y_w
        rank_mu = sum(w_i * np.outer(y, y) for w_i, y in zip(w, steps, strict=False))
        kept = 1 + c_1 * (1 - calm) * c_c * (2 - c_c) - c_1 - c_mu
        C = kept * C + c_1 * np.outer(p_c, p_c) + c_mu * rank_mu
        sigma = sigma * math.exp(min(1, c_s / d_s * (size / chi - 1)))
        yield mean, sigma, C, not calm


@pytest.mark.parametrize(("n", "n_genomes", "n_generations"), [(1, 4000, 3), (2, 40, 8), (3, 9, 25), (4, 300, 6)])
def test_cmaes_takes_the_published_step(n, n_genomes, n_generations):
    es = CMAES(torch.zeros(n, dtype=torch.float64), sigma=0.5, rng=rng(), n_genomes=n_genomes)
    assert es._every == 1  # in few dimensions the axes are those of the last C, as in the equations
    generations, ours = [], []
    for _ in range(n_generations):
        samples = es.ask()
        steps = (samples - es.mean) / es.sigma
        fitness = samples[:, 0]  # a slope without an end: the step size has to grow fast
        generations.append(steps[fitness.argsort(descending=True)].numpy())
        es.tell(fitness)
        ours.append((es.mean.numpy(), float(es.sigma), es.C.numpy()))
    held_back = []
    for mine, (*theirs, waits) in zip(ours, by_the_tutorial(n, n_genomes, 0.5, generations), strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)  # the weights are float32
        held_back.append(waits)
    assert any(held_back)  # a slope is where the path of the shape must wait
    if n == 1:
        assert ours[0][1] == pytest.approx(0.5 * math.e)  # and where a step size may grow by e at most


def test_cmaes_survives_a_shape_that_rounding_has_flattened():
    es = CMAES(torch.zeros(2), sigma=0.5, rng=rng())
    es.C = -1e-3 * torch.ones(2, 2)  # what is left of a shape may have a square below zero
    es._c_one = es._c_mu = 0.0
    es.tell(es.ask()[:, 0])
    assert es.ask().isfinite().all()


def test_cmaes_learns_the_shape_of_a_ravine():
    es = CMAES(start(10, 4), sigma=0.5, rng=rng())
    scales = torch.tensor([1.0, 10.0, 100.0, 1000.0], dtype=torch.float64)
    evaluations(es, lambda x: (scales * x.square()).sum(dim=-1), 1e-10, 400)
    inverse = torch.linalg.inv(es.C)
    axes = inverse.diagonal(dim1=-2, dim2=-1)  # proportional to the Hessian once the shape is learnt
    ratios = (axes / axes[..., :1]).log10().mean(dim=0)
    assert (ratios - torch.tensor([0.0, 1.0, 2.0, 3.0])).abs().max() < 0.4
    assert torch.allclose(es.C, es.C.mT)


def test_cmaes_does_not_care_how_the_axes_are_turned():
    turn = torch.linalg.qr(torch.randn(5, 5, generator=rng(3), dtype=torch.float64)).Q
    straight = evaluations(CMAES(start(20, 5), sigma=0.5, rng=rng()), ellipsoid, 1e-6, 700)
    turned_start = start(20, 5) @ turn
    turned = evaluations(CMAES(turned_start, sigma=0.5, rng=rng(1)), lambda x: ellipsoid(x @ turn.mT), 1e-6, 700)
    assert 0.9 < float(straight.mean() / turned.mean()) < 1.1


@pytest.mark.parametrize("seed", range(3))
def test_snes_gets_close_on_a_sphere_and_on_a_straight_ellipsoid(seed):
    assert evaluations(SNES(start(10, 8), sigma=0.5, rng=rng(seed)), sphere, 1e-6, 400).isfinite().all()
    assert evaluations(SNES(start(10, 5), sigma=0.5, rng=rng(seed)), ellipsoid, 1e-3, 1500).isfinite().all()


def test_snes_takes_the_published_step():
    mean = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    es = SNES(mean, sigma=0.3, rng=rng(), n_genomes=6)
    noise = (es.ask() - mean) / 0.3
    fitness = torch.tensor([4.0, 1.0, 6.0, 3.0, 2.0, 5.0])
    es.tell(fitness)
    raw = [max(0.0, math.log(6 / 2 + 1) - math.log(rank)) for rank in (3, 6, 1, 4, 5, 2)]
    utilities = torch.tensor([r / sum(raw) - 1 / 6 for r in raw], dtype=torch.float64)
    torch.testing.assert_close(es.mean, mean + 0.3 * utilities @ noise)
    rate = (3 + math.log(3)) / (5 * math.sqrt(3))
    torch.testing.assert_close(es.sigma, 0.3 * (rate / 2 * utilities @ (noise**2 - 1)).exp())
    assert mean.tolist() == [1.0, -2.0, 0.5]


@pytest.mark.parametrize("make", [SNES, CMAES])
def test_runs_side_by_side_do_not_touch_each_other(make):
    both = make(start(2, 4), sigma=0.5, rng=rng())
    alone = make(start(2, 4), sigma=0.5, rng=rng())
    for _ in range(20):
        fitness, other = -sphere(both.ask()), -sphere(alone.ask())
        other[1] = torch.arange(both.n_genomes)  # the second run is told something else
        both.tell(fitness)
        alone.tell(other)
    assert torch.equal(both.mean[0], alone.mean[0])
    assert not torch.equal(both.mean[1], alone.mean[1])


def test_one_run_needs_no_leading_dimension():
    for make in (SNES, CMAES):
        es = make(start(1, 6)[0], sigma=0.5, rng=rng())
        assert es.ask().shape == (4 + math.floor(3 * math.log(6)), 6)
        assert evaluations(es, sphere, 1e-6, 400).isfinite()
    es = strategy(torch.zeros(3, 5))
    for _ in range(150):
        es.tell(-(es.ask() - 1).square().sum(dim=-1))
    assert (es.mean - 1).abs().max() < 0.2


@pytest.mark.parametrize("make", [SNES, CMAES])
@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": torch.zeros(())},
        {"mean": torch.zeros(3, dtype=torch.long)},
        {"mean": torch.zeros(0)},
        {"sigma": 0.0},
        {"sigma": float("inf")},
        {"n_genomes": 1},
    ],
)
def test_impossible_starts(make, wrong):
    with pytest.raises(ValueError, match="needs a mean of floats of shape"):
        make(**{"mean": torch.zeros(3), "sigma": 0.5, "rng": rng(), **wrong})


def test_cmaes_refuses_too_small_a_population():
    with pytest.raises(ValueError, match="n_genomes >= 4"):
        CMAES(torch.zeros(3), sigma=0.5, rng=rng(), n_genomes=3)


@pytest.mark.parametrize("make", [SNES, CMAES])
@pytest.mark.parametrize("fitness", [torch.ones(9), torch.ones(10, 1), torch.tensor([float("nan")] + [1.0] * 9)])
def test_bad_fitness_moves_no_strategy(make, fitness):
    es = make(torch.zeros(3), sigma=0.5, rng=rng(), n_genomes=10)
    with pytest.raises(ValueError, match=r"last ask\(\)"):
        es.tell(torch.ones(10))
    es.ask()
    with pytest.raises(ValueError, match="fitness of the 10 genomes"):
        es.tell(fitness)
    assert es.mean.tolist() == [0, 0, 0]
