"""What chapter 10 and its evidence page build in full view is what the package and the stored runs do."""

import numpy as np
import pandas as pd
import pytest
import torch
from chapters import ROOT, function_in

from neuroevo import data, ga, genreg, nets, results

CHAPTER, EVIDENCE = "10_genreg_on_mnist.ipynb", "evidence/10_genreg_on_mnist.ipynb"
COLUMNS = [f"validation_{digit}" for digit in range(10)]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_rule_is_the_one_that_the_package_runs(seed: int) -> None:
    one_generation = function_in(CHAPTER, "one_generation", ga=ga)
    net, s = nets.MLP((6, 5, 4)), genreg.Settings(n_genomes=20, child_mutation_rate=0.3)
    state = genreg.GENREG.start(net, s, torch.Generator().manual_seed(seed))
    rng = torch.Generator().manual_seed(seed)
    population, trust = net.init(s.n_genomes, s.init_std, rng), torch.zeros(s.n_genomes)
    draws = torch.Generator().manual_seed(100 + seed)
    for _ in range(5):
        rewards = torch.randn(s.n_genomes, generator=draws) * 100  # negative ones too
        state.tell(rewards)
        trust = one_generation(population, trust, rewards, rng, s)
        assert torch.equal(population, state.ask())
        assert torch.equal(trust, state.trust)


def test_what_is_read_is_what_accuracy_counts() -> None:
    net, rng = nets.MLP((6, 5, 10)), torch.Generator().manual_seed(0)
    genomes, x = net.init(7, 1.0, rng), torch.randn(50, 6, generator=rng)
    y = torch.randint(10, (50,), generator=rng)
    right = function_in(CHAPTER, "read", net=net)(genomes, x, y)
    assert right.shape == (7, 50)
    torch.testing.assert_close(right.float().mean(dim=1), nets.accuracy(net.forward(genomes, x), y))


def table(heights: list[float], spent: list[float], method: str = "a", seed: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"method": method, "seed": seed, "validation": heights, "evaluations": spent})


def test_a_crossing_is_interpolated_between_the_looks_around_it() -> None:
    seeds = [
        table([0.5, 0.8, 0.82, 0.7], [100, 200, 300, 400]),
        table([0.8, 0.79, 0.85, 0.9], [100, 200, 300, 400], seed=1),
    ]
    names = {"np": np, "curves": pd.concat(seeds)}
    expected = [250, 200 + 100 * 2 / 6]
    np.testing.assert_allclose(function_in(CHAPTER, "cost", **names)("a", "evaluations"), expected)
    crossings = function_in(EVIDENCE, "crossings", **names)
    np.testing.assert_allclose(crossings("a"), expected)
    assert crossings("a", on_the_grid=True).tolist() == [300, 300]
    assert np.isinf(crossings("a", mark=0.95)).all()


@pytest.mark.parametrize("page", [CHAPTER, EVIDENCE])
def test_digits_stand_seed_by_seed_in_per_cent(page: str) -> None:
    n_each = np.arange(10, 20)
    counts = np.random.default_rng(0).integers(0, 10, (2, 3, 10))  # seeds, looks, digits
    rows = [pd.DataFrame(counts[seed], columns=COLUMNS).assign(method="a", seed=seed) for seed in (0, 1)]
    names = {"np": np, "n_each": n_each, "columns": COLUMNS, "curves": pd.concat(rows)}
    shares = function_in(page, "digits_of", **names)("a")
    assert shares.shape == (2, 10, 3)
    np.testing.assert_allclose(shares, 100 * (counts / n_each).transpose(0, 2, 1))


@pytest.mark.parametrize("name", ["genreg-mnist", "lost-digits"])
def test_the_digits_of_a_look_add_up_to_its_score(name: str) -> None:
    curves = results.load(name).tables["curves"]
    assert len(curves) > 500
    np.testing.assert_allclose(curves[COLUMNS].sum(axis=1) / 5000, curves["validation"], atol=1e-4)


def test_the_validation_images_of_each_digit_are_as_many_as_the_pages_say() -> None:
    images = data.mnist()
    if images.notice:
        pytest.skip("no MNIST here")
    counts = torch.bincount(images.validation.y).tolist()
    for page in (CHAPTER, EVIDENCE):
        assert f"n_each = np.array({counts})" in (ROOT / "notebooks" / page).read_text("utf-8")
