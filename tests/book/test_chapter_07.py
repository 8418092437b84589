"""Chapter 7 shows what its stored run runs: the loop, the ways to set sigma, the pole."""

from functools import partial
from itertools import islice

import pytest
import torch
from chapters import function_in

from evidence.runs import inheritance
from neuroevo import ga

CHAPTER = "07_beyond_the_line.ipynb"
take_part = {"torch": torch, "ga": ga, "take": ga.take}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("crosses", inheritance.CROSSOVERS)
@pytest.mark.parametrize("pace", ["fixed", "one_fifth", "inherited", "raffled"])
def test_its_loop_is_the_stored_runs(crosses: str, pace: str) -> None:
    mix = function_in(CHAPTER, "mix", **take_part)
    evolve = function_in(CHAPTER, "evolve", mix=mix, **take_part)
    # 50 rows: the chapter's raffle counts them so
    start, first = torch.randn(2, 3, 50, 25, generator=rng(1)), torch.tensor([0.03, 0.3])[:, None, None, None]
    settings = {"tau": 0.2} if pace in ("inherited", "raffled") else {}
    theirs = partial(getattr(inheritance, pace), **settings)
    names = take_part | {"inherited": function_in(CHAPTER, "inherited", **take_part)}
    kits = {
        evolve: function_in(CHAPTER, pace, **names),
        inheritance.evolve: theirs,
    }
    runs = [
        list(
            islice(loop(start, inheritance.sine, ga.from_best, inheritance.CROSSOVERS[crosses], way, first, rng(2)), 6)
        )
        for loop, way in kits.items()
    ]
    for ours, other in zip(*runs, strict=True):
        for one, two in zip(ours, other, strict=True):
            torch.testing.assert_close(one, two)


def test_its_annealing_ends_at_a_thousandth() -> None:
    annealed = function_in(CHAPTER, "annealed")
    sigma = torch.ones(1)
    for _ in range(120):
        sigma = annealed(sigma, None, None, None)
    assert float(sigma) == pytest.approx(0.001, rel=1e-3)


def test_its_score_counts_and_no_crossover_are_the_stored_runs() -> None:
    genomes = torch.randn(3, 10, 30, generator=rng())
    x = torch.linspace(-1, 1, 20)
    torch.testing.assert_close(function_in(CHAPTER, "sine", torch=torch, x=x)(genomes), inheritance.sine(genomes))
    founders = torch.randint(10, (3, 10, 30), generator=rng())
    shown = function_in(CHAPTER, "colours", torch=torch)(founders)
    assert torch.equal(shown, inheritance.colours(founders))
    assert shown[0, 0] == founders[0, :, 0].unique().numel()
    assert (function_in(CHAPTER, "no_crossover", torch=torch)((4, 5), rng()) == 1).all()


def test_its_pole_is_the_stored_runs() -> None:
    physics = function_in(CHAPTER, "physics", torch=torch)
    state, push = torch.randn(200, 4, generator=rng()), torch.rand(200, generator=rng()) < 0.5
    for ours, theirs in zip(physics(state, push), inheritance.physics(state, push), strict=True):
        torch.testing.assert_close(ours, theirs)
    returns = function_in(CHAPTER, "returns", torch=torch, physics=physics)
    policies = torch.randn(2, 7, 5, generator=rng())
    assert torch.equal(returns(policies, 3, rng(1)), inheritance.returns(policies, 3, rng(1)))


def test_its_searchers_spend_their_steps_and_no_more() -> None:
    physics = function_in(CHAPTER, "physics", torch=torch)
    spent = torch.zeros(50)

    def returns(policies: torch.Tensor, k: int, source: torch.Generator) -> torch.Tensor:
        steps = function_in(CHAPTER, "returns", torch=torch, physics=physics)(policies, k, source)
        spent.add_(steps.sum((-1, -2)))
        return steps

    guessing = function_in(CHAPTER, "guessing", torch=torch)
    believed = function_in(CHAPTER, "believed", torch=torch, ga=ga, returns=returns, seeded=rng)
    kept = believed(guessing, 4, budget=10_000)
    assert kept.shape == (50, 5)
    assert (kept != 0).any(-1).all()
    assert 10_000 < spent.min() < spent.max() < 40_000  # the batch that breaks the budget is played, and not believed
