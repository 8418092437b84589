"""The checks of the broken notebook of part V, "Ten runs, no spread": every run begins with the same seed."""

from typing import Any

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
Draws = list[tuple[float, ...]]


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"


def _kind(answer: Any) -> str:
    return f"ndarray, of shape {answer.shape}" if isinstance(answer, np.ndarray) else type(answer).__name__


def _twins(draws: list[Any]) -> tuple[int, int]:
    """The first two runs with the same numbers; (0, 0) if there are none."""
    first: dict[Any, int] = {}
    for run, own in enumerate(draws):
        if own in first:
            return first[own], run
        first[own] = run
    return 0, 0


def _later(draws: Draws, others: list[Draws]) -> list[tuple[int, int, int]]:
    """(run, run of a later seed, how much later) of all that have the same numbers."""
    place = {own: run for run, own in enumerate(draws)}
    pairs = [(place.get(own), run, seed) for seed, lot in enumerate(others, 1) for run, own in enumerate(lot)]
    return sorted((own, run, seed) for own, run, seed in pairs if own is not None)


@LAB.exercise("25.2", "independent_runs(search, n_runs, seed)", title="Ten runs that are ten", points=6)
def _(student: Student) -> None:
    first = hidden(252) % 1000

    def runs(n: int, seed: int) -> list[tuple[float, ...]]:
        search = _Search()
        answer = student(search, n, seed)
        if not isinstance(answer, list | tuple | np.ndarray) or len(answer) != n:
            came = f"{len(answer)} values" if isinstance(answer, list | tuple) else f"a value of type {_kind(answer)}"
            raise TryAgain(f"return a list of the {n} results, one for each run; you return {came}.")
        if len(search._draws) != n:
            raise TryAgain(
                f"search should be called once for each of {n} runs; it was called {_times(len(search._draws))}."
            )
        for run, (given, draws) in enumerate(zip(answer, search._draws, strict=True)):
            if not np.array_equal(given, draws[0]):
                raise TryAgain(
                    "your list should hold what search returned, in the order of the runs, as it is; at place "
                    f"{run} stands {str(given)[:40]}, and in run {run} search returned {draws[0]}."
                )
        return search._draws

    ten, again, more = runs(10, first), runs(10, first), runs(12, first)
    shared = _later(ten, [runs(10, seed) for seed in range(first + 1, first + 10)])
    own, run, seed = shared[0] if shared else (0, 0, 0)
    adds = all(own == run + seed for own, run, seed in shared)
    many = [draws[0] for draws in runs(_MANY, first)]
    later = {runs(1, seed)[0][0] for seed in (first + 1, first + 2)}
    together = [one for draws in ten for one in draws]
    diagnose(
        {
            "all runs still have the same numbers: give each a generator of its own, made from the seed and its "
            "number.": (len(set(ten)) == 1),
            "two of your runs have the same numbers, runs {} and {}: each needs a generator that no other run "
            "has.".format(*_twins(ten)): len(set(ten)) < 10,
            "two calls with the same seed differ: make each generator from `seed` and the run's number, and of nothing "
            "else, nor of what an earlier call has left.": ten != again,
            "the seed makes no difference to your ten runs: make each generator from `seed`, as this call has it, and "
            "the run's number.": ten == runs(10, first + 1),
            f"run {own} of one seed is run {run} of the seed that is {seed} larger: "
            f"{'seed + i' if adds else 'what you make of seed and number'} isn't enough. Use "
            "np.random.default_rng([seed, i]), or np.random.SeedSequence(seed).spawn(n_runs).": bool(shared),
            "of {} runs some have the same numbers, such as {} and {}: make each generator from the pair of seed and "
            "number as it is, not from numbers that may come twice.".format(_MANY, *_twins(many)): (
                len(set(many)) < _MANY
            ),
            f"one of {_MANY} runs is the first run of a later seed: what you make of seed and number can come of two "
            "pairs. Use np.random.default_rng([seed, i]).": bool(later & set(many)),
            "with more runs the first ten are others: a run should depend on the seed and its number only.": ten
            != more[:10],
            "your runs have numbers in common: one begins within the stream of another.": len(set(together))
            < len(together),
        }
    )
