import math

import cma
import numpy as np
import pytest
import torch
from scipy import stats

from neuroevo.strategies import CMAES, SNES, OpenAIES, centred_ranks


def strategy(mean, n_pairs=20, sigma=0.1, learning_rate=0.05, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return OpenAIES(mean, n_pairs=n_pairs, sigma=sigma, learning_rate=learning_rate, rng=rng)


def test_climbs_a_quadratic_for_every_seed():
    goal = torch.linspace(-1, 1, 10)
    for seed in range(5):
        mean = torch.zeros(10)
        es = strategy(mean, seed=seed)
        for _ in range(200):
            es.tell(-(es.ask() - goal).square().sum(dim=1))
        assert (mean - goal).norm() < 0.2 < goal.norm()
        assert es.mean is mean


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
    mean, slope = torch.zeros(30), torch.randn(30, generator=torch.Generator().manual_seed(seed))
    es = strategy(mean, n_pairs=100, seed=seed)
    es.tell(es.ask() @ slope)
    assert torch.cosine_similarity(mean.grad, slope, dim=0) > 0.7  # 0.87 is expected: sqrt(100 / (100 + 30))
    assert torch.equal(mean.sign(), mean.grad.sign())  # Adam's first step is the sign, uphill
    torch.testing.assert_close(mean.abs(), torch.full((30,), 0.05))


def test_estimate_is_the_published_formula():
    mean = torch.zeros(2, dtype=torch.float64)
    es = strategy(mean, n_pairs=2, sigma=0.5)
    noise = es.ask() / 0.5
    es.tell(torch.tensor([3.0, -1.0, 2.0, 10.0]))
    ranks = torch.tensor([1 / 6, -1 / 2, -1 / 6, 1 / 2], dtype=torch.float64)
    torch.testing.assert_close(mean.grad, (ranks[:, None] * noise).sum(dim=0) / (4 * 0.5))


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
        {"n_pairs": 0},
        {"sigma": 0.0},
        {"sigma": float("nan")},
        {"learning_rate": -1.0},
    ],
)
def test_impossible_settings(wrong):
    with pytest.raises(ValueError, match="OpenAIES needs a mean of shape"):
        strategy(**{"mean": torch.zeros(3), **wrong})


@pytest.mark.parametrize("fitness", [torch.ones(39), torch.ones(40, 1), torch.tensor([float("nan")] + [1.0] * 39)])
def test_bad_fitness_moves_nothing(fitness):
    mean = torch.zeros(3)
    es = strategy(mean)
    es.ask()
    with pytest.raises(ValueError, match="fitness of the 40 genomes of the last ask"):
        es.tell(fitness)
    assert mean.tolist() == [0, 0, 0]


def test_tell_needs_an_ask_before_it():
    es = strategy(torch.zeros(3))
    with pytest.raises(ValueError, match=r"last ask\(\)"):
        es.tell(torch.ones(40))
    es.tell(-es.ask().sum(dim=1))
    with pytest.raises(ValueError, match=r"last ask\(\)"):
        es.tell(torch.ones(40))


# Natural evolution strategies and CMA-ES


def sphere(x):
    return x.square().sum(dim=-1)


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


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


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
    mean = torch.zeros(3, 5)
    es = strategy(mean)
    for _ in range(150):
        es.tell(-(es.ask() - 1).square().sum(dim=-1))
    assert (mean - 1).abs().max() < 0.2


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
