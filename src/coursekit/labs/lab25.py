"""The checks of the broken notebook of part V, "Ten runs, no spread": every run begins with the same seed."""

import numpy as np

from coursekit.feedback import Lab, Student, TryAgain, diagnose, hidden
from coursekit.labs.broken import asks_what_is_wrong

LAB = Lab(25, "Ten runs, no spread")
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

asks_what_is_wrong(
    LAB,
    "b",
    {
        "a": "a search that always finds the best would end at the best, 1.00 in the right panel; all ten end below "
        "it, at the same place, and they agree from the first design on.",
        "c": "ten runs of one design each would still begin at ten different designs. Compare the first points.",
        "d": "the best score so far climbs within a run, so the designs differ. Ten runs that draw other designs would "
        "climb by other steps.",
    },
)


class _Search:
    """A search that remembers the first numbers of the generators that it was given."""

    def __init__(self) -> None:
        self._draws: list[tuple[float, ...]] = []

    def __call__(self, rng: np.random.Generator) -> float:
        self._draws.append(tuple(float(one) for one in rng.random(4)))
        return self._draws[-1][0]


_MANY = 2500


@LAB.exercise("25.2", "independent_runs(search, n_runs, seed)", title="Ten runs that are ten", points=6)
def _(student: Student) -> None:
    first = hidden(252) % 1000

    def runs(n: int, seed: int) -> list[tuple[float, ...]]:
        search = _Search()
        answer = student(search, n, seed)
        if not isinstance(answer, list | tuple | np.ndarray) or len(answer) != n:
            raise TryAgain(f"return a list of the {n} results, one for each run.")
        if len(search._draws) != n:
            raise TryAgain(
                f"search should be called once for each of {n} runs; it was called {len(search._draws)} times."
            )
        if not np.array_equal(np.asarray(answer, dtype=float), [draws[0] for draws in search._draws]):
            raise TryAgain("your list should hold what search returned, in the order of the runs.")
        return search._draws

    ten, again, more = runs(10, first), runs(10, first), runs(12, first)
    neighbours = [draws for seed in range(first + 1, first + 10) for draws in runs(10, seed)]
    many = [draws[0] for draws in runs(_MANY, first)]
    later = {runs(1, seed)[0][0] for seed in (first + 1, first + 2)}
    together = [one for draws in ten for one in draws]
    diagnose(
        {
            "all runs still have the same numbers: give each a generator of its own, made from the seed and its "
            "number.": (len(set(ten)) == 1),
            "two of your runs have the same numbers: give each a generator of its own.": len(set(ten)) < 10,
            "two calls with the same seed differ: make the generators from `seed` alone.": ten != again,
            "the seed makes no difference: make the generators from `seed` and the run's number.": ten
            == runs(10, first + 1),
            "run 1 of one seed is run 0 of the next: seed + i isn't enough. Use np.random.default_rng([seed, i]), or "
            "np.random.SeedSequence(seed).spawn(n_runs).": bool(set(ten) & set(neighbours)),
            f"of {_MANY} runs some have the same numbers: make each generator from the pair of seed and number as it "
            "is, not from numbers that may come twice.": len(set(many)) < _MANY,
            f"one of {_MANY} runs is the first run of a later seed: no arithmetic keeps all pairs apart. Use "
            "np.random.default_rng([seed, i]).": bool(later & set(many)),
            "with more runs the first ten are others: a run should depend on the seed and its number only.": ten
            != more[:10],
            "your runs have numbers in common: one begins within the stream of another.": len(set(together))
            < len(together),
        }
    )
