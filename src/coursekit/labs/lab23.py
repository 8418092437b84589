"""The checks of the broken notebook of part III, "A population of one": everybody's parent is the champion."""

import numpy as np

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


@LAB.exercise("23.2", "select(fitness, n_draws, rng)", title="Let others breed, too", points=6)
def _(student: Student) -> None:
    # Middling genomes at both ends: who forgets one of them is seen.
    inner = np.random.default_rng(hidden(232)).permutation([0, 1, 2, 3, 5, 7, 8, 9])
    order = np.concatenate([[4], inner, [6]])
    fitness = order.astype(float) ** 2
    drawn = np.asarray(student(fitness, _DRAWS, np.random.default_rng(hidden(1))))
    if drawn.shape != (_DRAWS,) or drawn.dtype.kind not in "iu" or drawn.min() < 0 or drawn.max() >= _N:
        raise TryAgain(f"return {_DRAWS} row numbers, whole numbers from 0 to {_N - 1}, an array of shape (n_draws,).")
    ranks = order[drawn]
    share = np.bincount(ranks, minlength=_N) / _DRAWS
    mean = ranks.mean()  # of the best of two: 6.15 with replacement, 6.33 without; of the best of three about 7
    diagnose(
        {
            "every draw still finds the champion: let two drawn entrants meet, not everybody.": share[-1] > 0.9,
            "whoever is worse wins: the larger fitness should.": mean < 4,
            "fitness makes no difference: the better one of two entrants should win.": mean < 5,
            "the worse half never wins: that is truncation. In a tournament of two a poor genome wins where it meets a "
            "poorer one.": share[: _N // 2].max() == 0,
            "the best is drawn too often for tournaments of two entrants.": mean > 6.6,
            "fitness counts for less than in a tournament of two, in which the better one always wins.": mean < 5.9,
        }
    )
    rank = np.arange(_N)
    with_replacement, without = (2 * rank + 1) / _N**2, 2 * rank / (_N * (_N - 1))
    off = min(np.abs(share - fair).max() for fair in (with_replacement, without))
    refuse(
        off > 0.015,
        "not everybody enters equally often: draw both entrants evenly from the whole population, and let the better "
        "one win.",
    )
    few = np.asarray(student(fitness[order > 3], 300, np.random.default_rng(hidden(2))))
    given = f"with {_N - 4} genomes and n_draws = 300 you return"
    refuse(few.shape != (300,), f"{given} something of the shape {few.shape}: 300 row numbers are asked for.")
    refuse(few.max() >= _N - 4, f"{given} row {few.max():g}: their rows are 0 to {_N - 5}.")
    refuse(len(set(few.tolist())) < 4, f"{given} hardly more than the rows {sorted(set(few.tolist()))}.")
    comes_from_rng(lambda rng: student(fitness, 40, rng), np.random.default_rng)
    rng = np.random.default_rng(hidden(3))
    first, second = (np.asarray(student(fitness, _DRAWS, rng)) for _ in range(2))
    refuse(
        np.mean(first == second) > (share**2).sum() + 0.03,
        "two calls with one generator find the same winners more often than chance does: some of your draws begin anew "
        "in each call. Draw everything from rng itself.",
    )
