"""What a chapter builds in full view is what the package does."""

from functools import partial
from itertools import permutations

import pytest
import torch
from chapters import function_in

from evidence.runs import operators
from neuroevo import ga, nets

CHAPTER_5 = "05_a_genetic_algorithm.ipynb"


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("runs", [(), (3,), (2, 3)])
def test_chapter_5_selects_crosses_and_mutates_as_the_package_does(seed: int, runs: tuple[int, ...]) -> None:
    names = ("tournament", "take", "uniform", "one_point", "mutate_", "flip_")
    built = {name: function_in(CHAPTER_5, name, torch=torch) for name in names}
    draws = rng(100 + seed)
    population = torch.randn(*runs, 20, 7, generator=draws)
    fitness = torch.randint(5, (*runs, 20), generator=draws).float()  # with ties
    for size in (1, 2, 5):
        rows = ga.tournament(fitness, 30, rng(seed), size=size)
        assert torch.equal(built["tournament"](fitness, 30, rng(seed), size=size), rows)
    assert torch.equal(built["take"](population, rows), ga.take(population, rows))
    for crossover in ("uniform", "one_point"):
        share = getattr(ga, crossover)((*runs, 15, 7), rng(seed))
        assert torch.equal(built[crossover]((*runs, 15, 7), rng(seed)), share)
    for operator, start in (("mutate_", population), ("flip_", (population > 0).float())):
        ours, theirs = start.clone(), start.clone()
        settings = {"rate": 1.0} if operator == "flip_" else {"rate": 1.0, "scale": 0.3}
        torch.rand(start.shape, generator=(same := rng(seed)))  # the chapter draws hits even where all are hit
        built[operator](ours, rng=rng(seed), **settings)
        getattr(ga, operator)(theirs, rng=same, **settings)
        torch.testing.assert_close(ours, theirs)


def test_chapter_5_hits_as_many_genes_as_the_package_does() -> None:
    for operator, settings in (("mutate_", {"rate": 0.07, "scale": 1.0}), ("flip_", {"rate": 0.07})):
        built = function_in(CHAPTER_5, operator, torch=torch)
        for change in (built, getattr(ga, operator)):
            genes = torch.zeros(300, 1000)
            change(genes, rng=rng(0), **settings)
            assert abs(float((genes != 0).float().mean()) - 0.07) < 0.003


@pytest.mark.parametrize("n_elites", [0, 1, 3])
@pytest.mark.parametrize("runs", [(), (4,)])
def test_chapter_5_evolves_as_the_package_does(n_elites: int, runs: tuple[int, ...]) -> None:
    evolve = function_in(CHAPTER_5, "evolve", torch=torch, take=ga.take)
    start = torch.randint(2, (*runs, 20, 12), generator=rng(1)).float()  # with ties
    kit = {"select": partial(ga.tournament, size=2), "mutate": partial(ga.flip_, rate=0.1)}
    loop = ga.GA(start, **kit, crossover=ga.uniform, rng=rng(2), n_elites=n_elites)
    highest = torch.full(runs, -torch.inf)
    for _ in range(6):
        highest = torch.maximum(highest, loop.ask().sum(-1).amax(-1))
        loop.tell(loop.ask().sum(-1))
    cross, score = ga.uniform, lambda population: population.sum(-1)
    end, best = evolve(start, score, **kit, cross=cross, rng=rng(2), n_generations=6, n_elites=n_elites)
    assert torch.equal(end, loop.ask())
    assert torch.equal(best, highest)


def test_chapter_5_switches_an_operator_off() -> None:
    off = {name: function_in(CHAPTER_5, name, torch=torch) for name in ("no_crossover", "no_mutation")}
    assert off["no_crossover"]((5, 3), rng(0)).eq(1).all()
    children = torch.randn(5, 3, generator=rng(1))
    before = children.clone()
    assert off["no_mutation"](children, rng(0)) is None
    assert torch.equal(children, before)
    drawn = function_in(CHAPTER_5, "no_selection", tournament=ga.tournament)(torch.arange(4.0), 4000, rng(0))
    assert torch.bincount(drawn, minlength=4).min() > 850


def test_chapter_5_climbs_the_landscapes_of_its_stored_run() -> None:
    bits = torch.randint(2, (500, 60), generator=rng(1)).float()
    numbers = 5 * torch.randn(500, 20, generator=rng(2))
    built = {name: function_in(CHAPTER_5, name, torch=torch) for name in ("onemax", "trap", "rastrigin")}
    tools = {"torch": torch, "trap": built["trap"], "seeded": rng}
    built["shuffled_trap"] = function_in(CHAPTER_5, "shuffled_trap", **tools)
    for name, landscape in built.items():
        points = numbers if name == "rastrigin" else bits
        torch.testing.assert_close(landscape(points), getattr(operators, name)(points))


def test_chapter_5_finds_48_rows_that_compute_the_same() -> None:
    net = nets.MLP((2, 3, 1), "sigmoid")
    parts = {name: function_in(CHAPTER_5, name, net=net) for name in ("renumber", "turn")}
    equals = function_in(CHAPTER_5, "equals", torch=torch, permutations=permutations, **parts)
    genomes = net.init(7, std=3, rng=rng(3))
    rows, x = equals(genomes), torch.randn(50, 2, generator=rng(4))
    assert rows.shape == (48, 7, 13)
    for row in rows:
        torch.testing.assert_close(net.forward(row, x), net.forward(genomes, x), atol=1e-4, rtol=1e-4)
    for genome in range(7):
        assert len(rows[:, genome].round(decimals=3).unique(dim=0)) == 48
    nearest = function_in(CHAPTER_5, "nearest", torch=torch)
    assert torch.equal(nearest(rows[17], rows), rows[17])
