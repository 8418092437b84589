"""What lab 5 gives to a student's test, or expects of tournaments: ways to breed, right and broken ones; odds."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import combinations, product
from typing import Any

import torch
from torch import Tensor

from coursekit.feedback import TryAgain

__all__ = ["BROKEN", "FAR_OFF", "SELECTION", "WIN", "Chances", "breed", "breed_in_another_order"]

Draw = Callable[[tuple[int, ...], float, torch.Generator], Tensor]


def _hits(shape: tuple[int, ...], chance: float, rng: torch.Generator | None) -> Tensor:
    return torch.rand(shape, generator=rng) < chance


def _noise(shape: tuple[int, ...], scale: float, rng: torch.Generator) -> Tensor:
    return scale * torch.randn(shape, generator=rng)


def breed(
    mothers: Tensor, fathers: Tensor, rate: float, scale: float, rng: torch.Generator,
    coin: Draw = _hits, hit: Draw = _hits, noise: Draw = _noise, mix: Callable[..., Tensor] = torch.where,
) -> Tensor:  # fmt: skip
    """A right breed, or one with a part that is broken."""
    children = mix(coin(mothers.shape, 0.5, rng), mothers, fathers)
    return children + hit(mothers.shape, rate, rng) * noise(mothers.shape, scale, rng)


def breed_in_another_order(mothers: Tensor, fathers: Tensor, rate: float, scale: float, rng: torch.Generator) -> Tensor:
    """A right breed too, but equal seeds give other children than those of `breed`."""
    noise = torch.randn(mothers.shape, generator=rng) * (torch.rand(mothers.shape, generator=rng) >= 1 - rate)
    share = torch.randint(2, mothers.shape, generator=rng)
    return share * mothers + (1 - share) * fathers + scale * noise


def _overwrite(which: int) -> Callable[..., Tensor]:
    def overwriting(*args: Any) -> Tensor:
        parents: Tensor = args[which]
        if 0 in parents.stride():
            raise TryAgain(
                "torch.expand gives all rows one memory; let parents be a copy: .repeat, or .clone() behind."
            )
        return parents.copy_(breed(*args))

    return overwriting


BROKEN: Mapping[str, Callable[..., Tensor]] = {
    "that writes the children into `mothers`. Compare the parents with clones made before.": _overwrite(0),
    "that writes the children into `fathers`. Compare both parents with clones made before.": _overwrite(1),
    "that averages the parents. At rate 0 every single gene must be one of two values.": (
        partial(breed, mix=lambda coin, a, b: (a + b) / 2)
    ),
    "in which the last gene is lost: it is 0 in every child. Look at every gene, and give parents other numbers than "
    "0.": partial(
        breed, mix=lambda coin, a, b: torch.where(coin, a, b) * (torch.arange(a.shape[-1]) < a.shape[-1] - 1)
    ),
    "in which the father's genes arrive one place too far. Give every place its own number, and at rate 0 compare each "
    "gene with the parents' genes there.": partial(breed, mix=lambda coin, a, b: torch.where(coin, a, b.roll(1, -1))),
    "in which 7 of 10 genes are the mother's. At rate 0, measure the share.": (
        partial(breed, coin=lambda shape, chance, rng: _hits(shape, 0.7, rng))
    ),
    "in which 7 of 10 genes are the father's. A share may be too small, too: take the size of the difference, abs(), "
    "and allow less than 0.2, its size here.": (partial(breed, coin=lambda shape, chance, rng: _hits(shape, 0.3, rng))),
    "that tosses one coin for each child. At rate 0, measure the share in each child (in a row), not only in all.": (
        partial(breed, coin=lambda shape, chance, rng: _hits((*shape[:-1], 1), chance, rng).expand(shape))
    ),
    "that mixes all children by the same coins. At rate 0, measure the share of each gene (down a column), not only in "
    "all.": partial(breed, coin=lambda shape, chance, rng: _hits(shape[-1:], chance, rng).expand(shape)),
    "with half the mutation rate. From parents that are all 0, measure the share of genes that are not.": (
        partial(breed, hit=lambda shape, rate, rng: _hits(shape, rate / 2, rng))
    ),
    "with twice the mutation rate. Measure, at a rate below 1/2, the share of genes that are hit; it may be too large, "
    "too.": partial(breed, hit=lambda shape, rate, rng: _hits(shape, 2 * rate, rng)),
    "that mutates a child in all its genes or in none. Measure the share that is hit in each child, too.": (
        partial(breed, hit=lambda shape, rate, rng: _hits((*shape[:-1], 1), rate, rng).expand(shape))
    ),
    "that hits all children in the same genes. Measure the share that is hit of each gene (down a column), too.": (
        partial(breed, hit=lambda shape, rate, rng: _hits(shape[-1:], rate, rng).expand(shape))
    ),
    "whose noise has half the standard deviation that it should have. Measure it; it may be too small, too.": (
        partial(breed, noise=lambda shape, scale, rng: _noise(shape, scale / 2, rng))
    ),
    "that takes `scale` for a variance. Measure the standard deviation of the noise, with a scale far from 1; it may "
    "be too large, too.": partial(breed, noise=lambda shape, scale, rng: _noise(shape, scale**0.5, rng)),
    "whose noise has the mean `scale`, not 0. Measure it.": (
        partial(breed, noise=lambda shape, scale, rng: scale + _noise(shape, scale, rng))
    ),
    "whose noise has the mean `-scale`, not 0. A mean may be too small, too: take its size, abs().": (
        partial(breed, noise=lambda shape, scale, rng: _noise(shape, scale, rng) - scale)
    ),
    "that ignores `rng`. Call it with two generators of the same seed, and compare the children of one call with those "
    "of the other.": (partial(breed, coin=lambda shape, chance, rng: _hits(shape, chance, None))),
}
FAR_OFF: Mapping[str, Callable[..., Tensor]] = {
    "that takes every gene from the mother": partial(breed, coin=lambda shape, chance, rng: torch.ones(shape) > 0),
    "that takes every gene from the father": partial(breed, coin=lambda shape, chance, rng: torch.ones(shape) < 0),
    "that never mutates": partial(breed, hit=lambda shape, rate, rng: torch.ones(shape) < 0),
    "that hits every gene": partial(breed, hit=lambda shape, rate, rng: torch.ones(shape) > 0),
    "whose noise has a hundredth of its standard deviation": (
        partial(breed, noise=lambda shape, scale, rng: _noise(shape, scale / 100, rng))
    ),
    "whose noise has twice its standard deviation": (
        partial(breed, noise=lambda shape, scale, rng: _noise(shape, 2 * scale, rng))
    ),
    "that hits the genes which it should spare, and spares the others": (
        partial(breed, hit=lambda shape, rate, rng: _hits(shape, 1 - rate, rng))
    ),
}
"""For a test that refuses what is right: what it lets pass says which of its conditions is wrong."""


Chances = Callable[[list[float], int], list[float]]


def _tournaments(entrants: Callable[..., Any], winner: Callable[..., int]) -> Chances:
    """Each row's chance if all these lists of entrants (positions, size) are equally likely."""

    def chances(fitness: list[float], size: int) -> list[float]:
        wins = [winner(who, key=lambda row: fitness[row]) for who in entrants(range(len(fitness)), size)]
        return [wins.count(row) / len(wins) for row in range(len(fitness))]

    return chances


def _among(rows: Callable[[list[int], int], list[int]]) -> Chances:
    """Each row's chance if it is drawn evenly among some; `rows` gets all of them, best first."""

    def chances(fitness: list[float], size: int) -> list[float]:
        some = rows(sorted(range(len(fitness)), key=lambda row: -fitness[row]), size)
        return [(row in some) / len(some) for row in range(len(fitness))]

    return chances


WIN: Chances = _tournaments(combinations, max)
"""What is asked for."""
SELECTION: Mapping[str, Chances] = {
    "the worst entrant wins: larger fitness is better, so the one with the largest should.": _tournaments(
        combinations, min
    ),
    "a genome can enter one tournament twice, because you draw entrants with replacement. Here all `size` entrants are "
    "different, so the worst genome never wins.": _tournaments(lambda rows, n: product(rows, repeat=n), max),
    "the best of *all* genomes wins every time. Only the entrants of a tournament compete.": _among(lambda b, n: b[:1]),
    "you draw evenly among the best `size`: that is truncation. In a tournament chance chooses who competes, and "
    "fitness who wins.": _among(lambda best, n: best[:n]),
    "rows 0 to size - 1 win equally often, and no others. Is it the winner's place among the entrants (0, 1, ...)? Its "
    "row in the population is asked for: look that up with take_along_dim.": _among(lambda best, n: list(range(n))),
    "fitness has no influence: every genome wins equally often. The entrant with the largest fitness wins; is it each "
    "entrant's own that you look up?": (_among(lambda best, n: best)),
    "the tournaments have two entrants whatever `size` is.": lambda fitness, size: WIN(fitness, 2),
    "the tournaments have three entrants whatever `size` is.": lambda fitness, size: WIN(fitness, 3),
    "the tournaments have four entrants whatever `size` is.": lambda fitness, size: WIN(fitness, 4),
    "the tournaments have one entrant more than `size`.": lambda fitness, size: WIN(fitness, size + 1),
    "the tournaments have one entrant less than `size`.": lambda fitness, size: WIN(fitness, size - 1),
}
