"""The checks of the broken notebook of part III, "A population of one": everybody's parent is the champion."""

from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Lab, Student, TryAgain, comes_from_rng, diagnose, hidden, refuse
from coursekit.labs.broken import asks_what_is_wrong

LAB = Lab(23, "A population of one")
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

asks_what_is_wrong(
    LAB,
    "d",
    {
        "a": "mutation is as strong in every generation: the spread falls at once to what a single round of mutation "
        "makes, and stays there. What made it fall in the first generation?",
        "b": "with a flat fitness the best value would not rise at all in the first generations; it does, steeply.",
        "c": "more generations change nothing: the curve has been flat for most of the run, and nobody lives "
        "elsewhere.",
    },
)

_N, _DRAWS = 10, 20_000
_RANK = np.arange(_N)  # 0 is the worst

Array = NDArray[np.float64]


def _of(k: int) -> tuple[Array, Array]:
    """How often each rank wins a tournament of k entrants, drawn with replacement and without."""
    without = np.array([comb(rank, k - 1) / comb(_N, k) for rank in range(_N)])
    return ((_RANK + 1) ** k - _RANK**k) / _N**k, without


def _off(share: Array, *fair: Array) -> float:
    """The largest difference from whichever of these shares is nearest."""
    return min(float(np.abs(share - one).max()) for one in fair)


def _judge_rows(drawn: Any, fitness: Array) -> None:
    """TryAgain unless this is one row number for each draw."""
    asked = f"return {_DRAWS} row numbers, whole numbers from 0 to {_N - 1}, an array of shape (n_draws,)"
    refuse(drawn.shape != (_DRAWS,), f"{asked}; what you return has the shape {drawn.shape}.")
    if drawn.dtype.kind not in "iu":
        values = drawn.dtype.kind == "f" and np.isin(drawn, fitness).all() and (drawn >= _N).any()
        which = "fitness values, and no rows" if values else f"of the kind {drawn.dtype}"
        raise TryAgain(f"{asked}; yours are {which}.")
    outside = drawn[(drawn < 0) | (drawn >= _N)]
    refuse(outside.size, f"{asked}; yours hold row {outside[0] if outside.size else ''}.")


def _judge_winners(drawn: Any, order: Any, fitness: Array) -> None:
    """TryAgain unless thousands of winners are spread as in tournaments of two."""
    ranks = order[drawn]
    share = np.bincount(ranks, minlength=_N) / _DRAWS
    mean = ranks.mean()  # of the best of two: 6.15 with replacement, 6.33 without; of the best of three about 7
    rows = np.argsort(order)  # the row of each rank
    first = int(np.flatnonzero(share)[0])
    better = share[first + 1 :]
    lost = next((rank for rank in range(1, _N) if share[rank] == 0), 0)  # one that never wins, though others are worse
    place = f"if the worst genome has the place 0 and the best {_N - 1}, your winners have {mean:.2f} on average, where"
    diagnose(
        {
            f"the best genome wins {100 * share[-1]:.0f} % of the draws: do all meet in each tournament, or the same "
            "two? Two entrants are drawn for each, from `rng` as it goes on.": share[-1] > 0.9,
            "the rows 0 and 1 alone win. Is that which of the two entrants is better? Return its row.": (
                drawn.max() <= 1
            ),
            "the worse of the two entrants wins: the larger fitness should.": _off(share, *(s[::-1] for s in _of(2)))
            < 0.015,
            f"row {rows[first]} wins most often of all, those that are worse never, and those that are better "
            "equally often: is it in every tournament? Both entrants are drawn for each.": first
            and better.size
            and better.max(initial=0) - better.min(initial=1) < 0.02
            and share[first] > better.max(initial=0) + 0.03,
            "everybody wins equally often, whatever the fitness: the better one of two entrants should win. Is their "
            "fitness compared, and are they two draws, not one draw twice (two generators that begin alike)?": (
                _off(share, np.full(_N, 1 / _N)) < 0.015
            ),
            "everybody wins in proportion to the fitness: in a tournament of two it only counts whose is larger.": (
                _off(share, fitness[rows] / fitness.sum()) < 0.015
            ),
            "the winners are spread as in tournaments of three entrants: two should meet.": _off(share, *_of(3))
            < 0.015,
            "the worse half never wins. In a tournament of two a poor genome wins where it meets a poorer one: are "
            "both drawn from the whole population?": share[: _N // 2].max() == 0,
            f"the winners are spread as in tournaments of two, but over other rows: row {rows[share.argmax()]} wins "
            f"most often, and row {rows[-1]} is best. Do your numbers count in `fitness` as it stands, or in a "
            "sorted copy, or a part of it?": share.argmax() != _N - 1
            and share[-1] > 0.015
            and _off(np.sort(share), *_of(2)) < 0.015,
            f"{place} it is about 6.2 in tournaments of two. Are there more than two entrants, or are they not drawn "
            "evenly?": mean > 6.6,
            f"row {rows[lost]} never wins, though {lost} of {_N} genomes are worse. Draw both entrants evenly from the "
            "whole population: does it ever enter, and does it then win?": lost,
            f"{place} it is about 6.2 in tournaments of two. Does the better one always win, and is everybody drawn "
            "evenly?": mean < 5.9,
        }
    )
    fair = min(_of(2), key=lambda one: _off(share, one))
    far = int(np.abs(share - fair).argmax())
    refuse(
        _off(share, fair) > 0.015,
        f"row {rows[far]} wins {100 * share[far]:.1f} % of the draws, where {100 * fair[far]:.1f} % would be fair. "
        "Draw both entrants evenly from the whole population, and let the better one win.",
    )


@LAB.exercise("23.2", "select(fitness, n_draws, rng)", title="Let others breed, too", points=6)
def _(student: Student) -> None:
    # Middling genomes at both ends: who forgets one of them is seen.
    inner = np.random.default_rng(hidden(232)).permutation([0, 1, 2, 3, 5, 7, 8, 9])
    order = np.concatenate([[4], inner, [6]])
    fitness = order.astype(float) ** 4  # draws in proportion to it look like no tournaments
    drawn = np.asarray(student(fitness, _DRAWS, np.random.default_rng(hidden(1))))
    _judge_rows(drawn, fitness)
    if len(set(drawn.tolist())) == 1:
        lots = [student(fitness, 9, np.random.default_rng(hidden(seed))) for seed in range(4, 12)]
        refuse(
            len({row for lot in lots for row in np.asarray(lot).tolist()}) > 1,
            f"row {drawn[0]} wins every tournament of a call, and other rows those of other calls. Each has two "
            "entrants of its own, drawn from `rng` as it goes on: is there one tournament for all, or one draw?",
        )
        refuse(
            drawn[0] != fitness.argmax(),
            f"row {drawn[0]} wins every tournament, in each call: is anything drawn, or does a "
            "generator begin anew for each tournament?",
        )
    other = np.asarray(student(fitness, _DRAWS, np.random.default_rng(hidden(5))))
    _judge_rows(other, fitness)
    share, shares = (np.bincount(rows, minlength=_N) / _DRAWS for rows in (drawn, other))
    far = int(np.abs(share - shares).argmax())
    refuse(
        abs(share - shares)[far] > 0.05,
        f"row {far} wins {100 * share[far]:.0f} % of {_DRAWS} tournaments in one call, and {100 * shares[far]:.0f} % "
        "in another with another generator. Is an entrant, or what leads to it, drawn once for the whole call, and not "
        "for each tournament?",
    )
    _judge_winners(drawn, order, fitness)
    few = np.asarray(student(fitness[order > 3], 300, np.random.default_rng(hidden(2))))
    given = f"with {_N - 4} genomes and n_draws = 300 you return"
    refuse(few.shape != (300,), f"{given} something of the shape {few.shape}: 300 row numbers are asked for.")
    refuse(
        few.max() >= _N - 4,
        f"{given} row {few.max():g}: their rows are 0 to {_N - 5}. Does their number come from this call's `fitness`?",
    )
    refuse(len(set(few.tolist())) < 4, f"{given} no rows but {sorted(set(few.tolist()))}, of {_N - 4}.")
    comes_from_rng(lambda rng: student(fitness, 40, rng), np.random.default_rng)
    _judge_calls(student, fitness, share)


def _judge_calls(student: Student, fitness: Array, share: Array) -> None:
    """TryAgain if winners come back more often than chance: between tournaments, calls, or generators."""
    rng, another = (np.random.default_rng(hidden(seed)) for seed in (3, 6))
    first, second, third = (np.asarray(student(fitness, _DRAWS, one)) for one in (rng, rng, another))
    chance = (share**2).sum()
    found = f"where chance gives {100 * chance:.0f} %"
    for lag in (1, _N):
        same = np.mean(first[lag:] == first[:-lag])
        refuse(
            same > chance + 0.03,
            f"a tournament has the winner of the one {lag} before it in {100 * same:.0f} % of the cases, {found}. Is "
            "an entrant dealt out in order, or one draw used for several tournaments? Each has two draws of its own.",
        )
    same, anywhere = np.mean(first == second), np.mean(first == third)
    refuse(
        anywhere > chance + 0.03,
        f"calls with two different generators have the same winner in {100 * anywhere:.0f} % of the tournaments, "
        f"{found}: a part of what is drawn is the same whatever `rng` is. Does it come from a generator made anew in "
        "each call, with a seed of its own? Draw all from `rng`.",
    )
    refuse(
        same > chance + 0.03,
        f"two calls with one generator, one after the other, have the same winner in {100 * same:.0f} % of the "
        f"tournaments, {found}; with another generator they don't. Does a part of what is drawn come from a copy "
        "of `rng`, or one made anew from its seed? Draw all from `rng` as it goes on.",
    )
