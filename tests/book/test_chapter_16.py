"""What chapter 16 builds in full view is what the stored run uses."""

import random

import pytest
import torch
from chapters import function_in

from evidence.runs.rules import DEEP, TANH, inner, outer, trees

CHAPTER = "16_evolving_the_rules.ipynb"


@pytest.fixture(scope="module")
def built() -> dict:
    """The chapter's functions, with the names that they take from it."""
    names = {"torch": torch, "random": random, "trees": trees, "inner": inner, "DEEP": DEEP}
    names |= {"UNARY": trees.UNARY, "BINARY": trees.BINARY}
    for name in ("value", "places", "put", "grow", "mutate", "newcomer", "mutant", "fitness", "evolve", "taylor"):
        names[name] = function_in(CHAPTER, name, **names)
    return names


@pytest.mark.parametrize("seed", range(5))
def test_the_chapter_grows_and_cuts_trees_as_the_stored_run_does(built: dict, seed: int) -> None:
    x = torch.linspace(-3, 3, 50)
    ours, theirs = random.Random(seed), random.Random(seed)
    for _ in range(20):
        tree = built["grow"](ours, 3)
        assert tree == trees.grow(theirs, 3)
        torch.testing.assert_close(built["value"](tree, x), trees.value(tree, x))
        assert list(built["places"](tree)) == list(trees.places(tree))
        path = ours.choice(list(trees.places(tree)))
        assert path == theirs.choice(list(trees.places(tree)))
        assert built["put"](tree, path, "x") == trees.put(tree, path, "x")
    tree = trees.newcomer(ours)
    assert tree == trees.newcomer(theirs)
    assert built["mutate"](tree, ours) == trees.mutate(tree, theirs)


def test_the_chapters_children_differ_as_the_stored_runs_do(built: dict) -> None:
    ours, theirs = random.Random(1), random.Random(1)
    mother = built["newcomer"](ours)
    assert mother == outer.newcomer(theirs, ("tree",), TANH)
    for _ in range(20):
        child = built["mutant"](mother, ours)
        assert child.loss == mother.loss
        assert -3.5 <= child.log_rate <= -1
        assert trees.sound(child.tree)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_chapter_breeds_as_the_stored_run_does(built: dict, seed: int) -> None:
    def fitness(genomes: list, seeds: list) -> torch.Tensor:
        return torch.tensor([[g.log_rate + 0.01 * (seeds[0] % 7), g.log_rate] for g in genomes])

    def newcomer(rng: random.Random) -> inner.Genome:
        return outer.newcomer(rng, ("tree",), TANH)

    def mutant(mother: inner.Genome, rng: random.Random) -> inner.Genome:
        return outer.mutant(mother, rng, ("tree",))

    history, born, mean = built["evolve"](fitness, seed, newcomer, mutant)
    winner = outer.evolve(fitness, seed, ("tree",), TANH)
    assert history[-1][0] == winner.genome
    assert mean(winner.genome) == pytest.approx(winner.score)
    assert list(born) == list(winner.born)
    assert len(history) == outer.N_GENERATIONS


def test_the_chapters_fitness_is_accuracy_on_images_held_out(built: dict) -> None:
    genomes = [TANH, TANH._replace(tree="x"), TANH._replace(tree=("gauss", "x"))]
    found = built["fitness"](genomes, [5, 6])
    theirs = outer.fitness_on(DEEP)(genomes, [5, 6])
    torch.testing.assert_close(found, theirs, atol=0.05, rtol=0)
    assert found.shape == (3, 2)


def test_the_chapters_polynomial_is_the_stored_runs(built: dict) -> None:
    rng = torch.Generator().manual_seed(0)
    p, c = torch.rand(6, 10, generator=rng).softmax(-1), torch.randn(8, generator=rng)
    target = torch.eye(10)[torch.randint(10, (6,), generator=rng)]
    torch.testing.assert_close(built["taylor"](c, p, target), inner.taylor(c[None], p[None], target[None])[0])
