"""What chapter 13 builds in full view is what the package and the stored runs use."""

import pytest
import torch
from chapters import function_in

from evidence import filters
from evidence.runs.ladder.cloud import RankOneES
from evidence.runs.ladder.rung import NET
from neuroevo import neurons

CHAPTER = "13_open_questions.ipynb"


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def built() -> dict:
    """The chapter's functions, with the names that they take from it."""
    names: dict = {"torch": torch}
    for name in ("log_likelihood", "score", "one_generation", "strategy_step", "rank_one", "mutants_of_a_filter"):
        names[name] = function_in(CHAPTER, name, **names)
    return names


def small() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Five neurons on six inputs with three classes, and thirty images."""
    x, y = torch.rand(30, 6, generator=rng(5)), torch.randint(3, (30,), generator=rng(6))
    return torch.randn(5, 10, generator=rng(7)), x, y


@pytest.mark.parametrize("seed", [0, 1])
def test_the_chapter_selects_neurons_as_the_package_does(built: dict, seed: int) -> None:
    start, x, y = small()
    steps = 0.3 * torch.randn(5, 3, 10, generator=rng(8))
    for ours, theirs in zip(built["score"](start, steps, x, y), neurons.score(start, steps, x, y), strict=True):
        torch.testing.assert_close(ours, theirs)
    rows, theirs = start.clone(), start.clone()
    draws, search = rng(seed), neurons.Selection(theirs, n_pairs=2, rng=rng(seed))
    for _ in range(5):
        moved = built["one_generation"](rows, x, y, 0.3, draws)
        assert moved == search.tell(*neurons.score(theirs, search.ask(0.3), x, y))
        torch.testing.assert_close(rows, theirs)


def test_the_chapters_strategy_is_the_stored_runs(built: dict) -> None:
    start, x, y = small()
    rows, theirs, draws = start.clone(), start.clone(), rng(0)
    adam = torch.optim.Adam([rows], lr=0.01, maximize=True)
    search = filters.Strategy(theirs, n_pairs=4, learning_rate=0.01, rng=rng(0))
    for _ in range(5):
        built["strategy_step"](rows, adam, x, y, 0.1, draws)
        search.tell(*neurons.score(theirs, search.ask(0.1), x, y))
    torch.testing.assert_close(rows, theirs, atol=1e-5, rtol=1e-4)
    assert (rows - start).abs().max() > 0.02


def test_mutants_of_a_filter_are_those_of_the_net(built: dict) -> None:
    net = filters.FilterNet()
    parts = net.split(net.init(rng(0)))
    x, y = torch.rand(20, 784, generator=rng(1)), torch.randint(10, (20,), generator=rng(2))
    steps = [0.1 * torch.randn(part.shape[0], 2, part.shape[1], generator=rng(3)) for part in parts]
    fitness, _ = net.score(parts, steps, x, y)
    _, _, heard, _, _, logits = net._run(parts, x)
    says = parts[2][:, :-1].unflatten(1, (32, 16))
    for f in (0, 13, 31):
        group = f // 8
        said = built["mutants_of_a_filter"](parts[1][f], steps[1][f], heard[group], says[:, f], logits)
        torch.testing.assert_close(built["log_likelihood"](said, y), fitness[1][f], atol=1e-5, rtol=1e-4)


def test_rank_one_noise_is_the_ladders(built: dict) -> None:
    w, x = torch.randn(64, 784, generator=rng(0)), torch.rand(784, 9, generator=rng(1))
    heard = built["rank_one"](w, x, 3, 0.1, rng(2))
    strategy = RankOneES(NET, torch.zeros(NET.n_params), n_pairs=3, sigma=0.1, learning_rate=1, rng=rng(2))
    a, b = strategy.draw()[:2]
    noise = 0.1 * a[:, :, None] * b[:, None]
    torch.testing.assert_close(heard, torch.cat([w + noise, w - noise]) @ x, atol=1e-3, rtol=1e-4)


def test_the_chapter_speaks_of_the_stored_runs_as_they_are() -> None:
    from evidence.runs import ladder_two

    assert (ladder_two.N_EVALUATIONS, ladder_two.N_MUTANTS, ladder_two.TUNING_SHARE) == (2_600_000, 200, 0.5)
    assert len(ladder_two.TUNING_SEEDS) == 3
