"""What chapter 6 builds in full view is what the package does, and what its sentences lean on."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from chapters import function_in
from torch import Tensor

from neuroevo import ga

CHAPTER = "06_evolving_a_line.ipynb"
EVIDENCE = f"evidence/{CHAPTER}"
x, target = torch.linspace(-1, 1, 20), torch.tensor([2.0, 3.0])


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(name: str, **names: object) -> Callable[..., Tensor]:
    return function_in(CHAPTER, name, torch=torch, ga=ga, x=x, target=target, **names)


def first_lines(runs: tuple[int, ...]) -> Tensor:
    return 2 * torch.rand(*runs, 50, 2, generator=rng(1)) - 1


def fitness(lines: Tensor) -> Tensor:
    return -(lines[..., :1] * x + lines[..., 1:] - 2 * x - 3).square().mean(-1)


@pytest.mark.parametrize("sigma", [0.0, 0.1])
@pytest.mark.parametrize("runs", [(), (4,), (2, 3)])
def test_it_evolves_as_the_package_does(runs: tuple[int, ...], sigma: float) -> None:
    start = first_lines(runs)
    mutate = partial(ga.mutate_, rate=1, scale=sigma) if sigma else lambda p, rng: torch.randn(p.shape, generator=rng)
    loop = ga.GA(start, select=ga.from_best, crossover=ga.uniform, mutate=mutate, rng=rng(2))
    champions = []
    for _ in range(8):
        fit = fitness(loop.ask())
        champions.append(ga.take(loop.ask(), fit.argmax(-1, keepdim=True)))
        loop.tell(fit)
    path = built("evolve")(start, fitness, rng(2), n=8, sigma=sigma)
    torch.testing.assert_close(path, torch.cat(champions, dim=-2))


def test_it_scores_a_line_by_its_squared_error() -> None:
    error = built("error")
    lines = torch.randn(3, 7, 2, generator=rng(3))
    torch.testing.assert_close(error(lines), -fitness(lines))
    assert error(target) < 1e-12
    far = 10 * target
    assert error(far, far) < 1e-8
    torch.testing.assert_close(built("fitness", error=error)(lines, far), -error(lines, far))


def test_its_gradient_descent_is_the_linear_recursion() -> None:
    design = torch.stack([x, torch.ones(20)], dim=1)
    start = first_lines(())
    here = start
    for _ in range(5):
        here = here - 0.1 * (here - target) @ (2 * design.T @ design / 20)
    torch.testing.assert_close(built("descend", error=built("error"))(start, 5)[:, -1], here)


def test_it_says_when_a_run_is_near_for_the_first_time() -> None:
    path = torch.zeros(3, 4, 2)
    path[0, 2:] = target
    path[1, 1] = target + torch.tensor([0.049, -0.049])
    when = built("when", near=built("near"))
    assert when(path).tolist() == [2, 1, torch.inf]


def test_ranks_cannot_see_steepness() -> None:
    evolve, start = built("evolve"), first_lines((20,))
    path = evolve(start, fitness, rng(4))
    assert torch.equal(evolve(start, lambda lines: -fitness(lines).neg().sqrt(), rng(4)), path)
    assert not torch.equal(evolve(start, lambda lines: fitness(lines).round(), rng(4)), path)


def test_a_child_without_crossover_is_its_mothers_copy() -> None:
    assert built("no_crossover")((5, 2), rng=rng(0)).eq(1).all()


def test_the_evidence_walks_as_the_chapter_does() -> None:
    best_of = function_in(EVIDENCE, "best_of", ga=ga)
    tick = function_in(EVIDENCE, "tick", torch=torch)
    tools = {"torch": torch, "ga": ga, "partial": partial, "best_of": best_of, "tick": tick, "seeded": rng}
    miss = function_in(EVIDENCE, "miss", target=target, x=x)
    grow = function_in(EVIDENCE, "grow", miss=miss, **tools)
    start = first_lines((10,))
    torch.testing.assert_close(grow(start, 8, 0.1, seed=5), built("evolve")(start, fitness, rng(5), n=8))
    fit = torch.randn(6, 50, generator=rng(6))
    assert torch.equal(best_of(10)(fit, 30, rng=rng(7)), ga.from_best(fit, 30, rng(7), fraction=0.2))
