"""What chapter 8 builds in full view is what the package and the stored run do."""

from itertools import islice

import pytest
import torch
from chapters import function_in
from torch.nn.functional import cosine_similarity

from evidence.runs import price
from evidence.runs.price import Setting
from neuroevo import strategies

CHAPTER_8 = "08_the_bridge.ipynb"
EVIDENCE = "evidence/08_the_bridge.ipynb"


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("page", [CHAPTER_8, EVIDENCE])
def test_it_ranks_as_the_package_does(page: str) -> None:
    built = function_in(page, "centred_ranks", torch=torch)
    fitness = torch.randint(6, (3, 4, 25), generator=rng(0)).double()  # with ties
    torch.testing.assert_close(built(fitness), strategies.centred_ranks(fitness), check_dtype=False)


def test_its_pairs_are_those_of_the_stored_run() -> None:
    pair_estimate = function_in(CHAPTER_8, "pair_estimate", torch=torch)
    s = Setting(size=12, power=1.0, n_pairs=7)
    loss, start = price.problem(s, 3, rng(0))
    noise = torch.randn(3, 7, 12, generator=rng(1))
    torch.testing.assert_close(pair_estimate(loss, start, noise, price.SIGMA), price.estimate(loss, start, s, rng(1)))


def test_its_bowls_are_those_of_the_stored_run() -> None:
    s = Setting(size=12, power=0.5)
    ours, curvatures = function_in(CHAPTER_8, "bowl", torch=torch)(12, 0.5)
    theirs, _ = price.problem(s, 3, rng(0))
    points = torch.randn(4, 12, generator=rng(1))
    torch.testing.assert_close(ours(points), theirs(points))
    torch.testing.assert_close(curvatures, price.curvatures(s))


def test_the_eight_lines_are_openais_strategy() -> None:
    ranks = function_in(CHAPTER_8, "centred_ranks", torch=torch)
    rank_estimate = function_in(CHAPTER_8, "rank_estimate", torch=torch, centred_ranks=ranks)
    openai_es = function_in(CHAPTER_8, "openai_es", torch=torch, rank_estimate=rank_estimate)

    def loss(theta: torch.Tensor) -> torch.Tensor:
        return (theta**2).sum(-1)

    start = torch.randn(9, generator=rng(2))
    theirs = strategies.OpenAIES(start, n_pairs=6, sigma=0.1, learning_rate=0.05, rng=rng(3))
    for ours in islice(openai_es(loss, start, 6, 0.1, 0.05, rng(3)), 10):
        theirs.tell(-loss(theirs.ask()))
        torch.testing.assert_close(ours, theirs.mean)
    assert loss(ours) < loss(start)


@pytest.mark.parametrize(("n", "d"), [(60, 600), (300, 100), (10, 3000)])
def test_the_formula_of_the_compass(n: int, d: int) -> None:
    pair_estimate = function_in(CHAPTER_8, "pair_estimate", torch=torch)
    slope = torch.randn(d, generator=rng(d))
    noise = torch.randn(30, n, d, generator=rng(n))
    found = cosine_similarity(pair_estimate(lambda z: z @ slope, torch.zeros(d), noise), slope, dim=-1)
    assert abs(float(found.mean()) - (n / (n + d + 1)) ** 0.5) < 0.03


def test_the_evidence_page_takes_the_step_of_snes() -> None:
    built = function_in(EVIDENCE, "snes_update", torch=torch)
    search = strategies.SNES(torch.randn(9, generator=rng(1), dtype=torch.float64), sigma=0.4, rng=rng(2))
    mean, sigma = search.mean, search.sigma
    samples = search.ask()
    fitness = torch.randn(search.n_genomes, generator=rng(3))
    search.tell(fitness)
    noise = ((samples - mean) / sigma)[fitness.argsort(descending=True)]
    new_mean, new_sigma = built(mean, sigma, noise, search._utilities, search._rate)
    torch.testing.assert_close(new_mean, search.mean)
    torch.testing.assert_close(new_sigma, search.sigma)
