import pytest
import torch

from neuroevo.strategies import OpenAIES, centred_ranks


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


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": torch.zeros(2, 2)},
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
