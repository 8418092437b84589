"""What chapter 9 and its evidence page build in full view is what the package does, and what they count is so."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from chapters import function_in

from neuroevo import ga, nets

CHAPTER = "09_thinking_in_batches.ipynb"
EVIDENCE = f"evidence/{CHAPTER}"


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("page", [CHAPTER, EVIDENCE])
@pytest.mark.parametrize("rate", [0.01, 0.07, 0.5])
def test_gaps_find_the_hits_that_the_package_finds(page: str, rate: float) -> None:
    built = function_in(page, "geometric_gaps", math=math, torch=torch)
    assert torch.equal(built(5000, rate, rng(1)), ga.bernoulli_positions(5000, rate, rng(1)))


def test_the_chapter_mutates_as_the_package_does() -> None:
    names = {"math": math, "torch": torch}
    names["geometric_gaps"] = function_in(CHAPTER, "geometric_gaps", **names)
    ours, theirs = torch.zeros(20, 300), torch.zeros(20, 300)
    function_in(CHAPTER, "mutate_by_gaps", **names)(ours, 0.07, 0.3, rng(2))
    ga.mutate_(theirs, 0.07, 0.3, rng(2))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("way", ["mutate_by_mask", "mutate_by_gaps"])
def test_mask_and_gaps_make_the_same_mutation(way: str) -> None:
    names = {"math": math, "torch": torch}
    names["geometric_gaps"] = function_in(CHAPTER, "geometric_gaps", **names)
    rows = torch.zeros(100, 2000)
    function_in(CHAPTER, way, **names)(rows, 0.07, 0.3, rng(3))
    hit = rows != 0
    assert hit.float().mean().item() == pytest.approx(0.07, abs=0.003)
    assert hit.sum(dim=1).float().var().item() == pytest.approx(2000 * 0.07 * 0.93, rel=0.6)
    assert rows[hit].std().item() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("name", ["unit_loop", "image_loop", "genome_loop", "with_bmm"])
def test_the_chapters_loops_and_its_product_answer_as_the_package_does(name: str) -> None:
    net = nets.MLP((6, 64, 10))
    population, x = net.init(3, 0.5, rng(0)), torch.rand(4, 6, generator=rng(1))
    built = function_in(CHAPTER, name, torch=torch)
    torch.testing.assert_close(built(net.layers(population), x), net.forward(population, x))
    each_image = function_in(CHAPTER, "each_image", torch=torch, with_bmm=function_in(CHAPTER, "with_bmm", torch=torch))
    torch.testing.assert_close(each_image(net.layers(population), x), net.forward(population, x))


@pytest.mark.parametrize("name", ["unit_loop", "image_loop", "genome_loop", "with_einsum", "with_bmm"])
def test_so_do_those_of_the_evidence_page(name: str) -> None:
    net = nets.MLP((6, 64, 10))
    population, x = net.init(3, 0.5, rng(0)), torch.rand(4, 6, generator=rng(1))
    built = function_in(EVIDENCE, name, net=net, torch=torch)
    torch.testing.assert_close(torch.as_tensor(built(population, x)), net.forward(population, x))


def test_rank_one_hears_what_a_mutant_that_is_built_would_hear() -> None:
    parent, x = torch.randn((64, 784), generator=rng(4)), torch.rand((5, 784), generator=rng(5))
    heard = function_in(CHAPTER, "rank_one", torch=torch, W=parent)(x, 0.1, rng(6))
    draws = rng(6)
    a, b = torch.randn((200, 64, 1), generator=draws), torch.randn((200, 1, 784), generator=draws)
    torch.testing.assert_close(heard, (parent + 0.1 * a @ b) @ x.T, atol=1e-3, rtol=1e-3)
    full = function_in(CHAPTER, "full_rank", torch=torch, W=parent)(x, 0.1, rng(6))
    assert full.shape == heard.shape
    assert (full - parent @ x.T).std().item() == pytest.approx((heard - parent @ x.T).std().item(), rel=0.2)


def test_times_as_long_is_a_ratio() -> None:
    from neuroevo import stats

    built = function_in(CHAPTER, "times_as_long", np=np, math=math, stats=stats)
    fast = np.array([1.0, 2, 4])
    found = built(np.array([3.0, 6, 12]), fast)
    assert (found.low, found.mean, found.high) == pytest.approx((3, 3, 3))
    back, there = built(fast, fast[::-1]), built(fast[::-1], fast)
    assert back.low == pytest.approx(1 / there.high)


def test_the_gpu_panel_draws_what_was_stored():
    rows = [("cuda", 200, "forward", 2, 0.001), ("cuda", 2000, "forward", 2, 0.004), ("cpu", 200, "forward", 2, 0.03)]
    rows += [("cuda", 200, "generation", 2, 0.002), ("cuda", 10_000, "forward", 2, math.nan)]
    table = pd.DataFrame(rows, columns=["device", "n_genomes", "work", "images_per_class", "seconds"])
    found = function_in(EVIDENCE, "gpu_curves")(table)
    assert set(found) == {("cuda", 20), ("cpu", 20)}
    populations, rates = found["cuda", 20]
    assert populations.tolist() == [200, 2000]
    assert rates.tolist() == pytest.approx([200 * 20 / 0.001, 2000 * 20 / 0.004])
