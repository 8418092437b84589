"""What lab 11 asks of a grid of rates: which runs are made, what a cell holds, and which cell is the best."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Student, compare, refuse, seems

__all__ = ["judge_grid"]

Array = NDArray[np.float64]


@seems("function")
class _Score:
    """score(child_rate, base_rate, seed): a smooth table with noise, that remembers what was asked."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.asked: list[tuple[float, float, int]] = []

    def __call__(self, *args: Any) -> float:
        refuse(
            len(args) != 3,
            f"score takes three arguments, score(child_rate, base_rate, seed), and gets {len(args)} from you.",
        )
        child, base, seed = (float(arg) for arg in args)
        self.asked.append((child, base, int(seed)))
        if self.kind == 0:
            return 100 * child + 10 * base + seed
        noise = 30 * np.sin(self.kind + 100.7 * seed + 37.1 * child + 53.3 * base)
        level = -200 if self.kind == 8 else 60  # the scores of kind 8 are all below zero
        return float(level + 20 * np.sin(self.kind + 11 * child) - 30 * abs(base - 0.1 * self.kind) + noise)


Cell = Callable[[Array], float]


def _grid(
    ask: Callable[[float, float], tuple[float, float]] = lambda c, b: (c, b),
    cell: Cell = np.mean,
    choose: Callable[[Array, Array, Array, Array], Any] | None = None,
    shape: Callable[[Array], Array] = lambda means: means,
    which: Callable[[Sequence[int], int], Sequence[int]] = lambda seeds, number: seeds,
) -> Callable[..., tuple[Array, Array]]:
    """A grid that asks, averages, orders or chooses in another way."""

    def run(score: _Score, child: Any, base: Any, seeds: Any) -> tuple[Array, Array]:
        child, base = np.asarray(child, float), np.asarray(base, float)
        runs = np.empty((len(child), len(base)), dtype=object)
        for i, c in enumerate(child):
            for j, b in enumerate(base):
                chosen = which(seeds, i * len(base) + j)
                runs[i, j] = np.array([score(*ask(c, b), seed) for seed in chosen])
        means = np.array([[float(cell(one)) for one in row] for row in runs])
        best = choose or _rates
        single = np.array([[one.max() for one in row] for row in runs])
        return shape(means), np.asarray(best(means, single, child, base), float)

    return run


def _by_place(score: _Score, child: Any, base: Any, seeds: Any) -> tuple[Array, Array]:
    """A grid that hands score() the places of the rates, and returns the rates at the best place."""
    means, (i, j) = _grid()(score, range(len(child)), range(len(base)), seeds)
    return means, np.array([child[int(i)], base[int(j)]])


def _at(table: Array) -> tuple[int, int]:
    i, j = np.unravel_index(int(table.argmax()), table.shape)
    return int(i), int(j)


def _rates(means: Array, single: Array, child: Array, base: Array) -> tuple[float, float]:
    i, j = _at(means)
    return child[i], base[j]


def _from(table: Callable[[Array, Array], Array]) -> Callable[..., tuple[float, float]]:
    return lambda means, single, child, base: _rates(table(means, single), single, child, base)


def judge_grid(student: Student) -> None:
    """Four grids, each with a score of its own that remembers what was asked of it."""
    asked: list[tuple[_Score, tuple[Any, ...]]] = []

    def with_fresh_score(score: _Score, *rest: Any) -> Any:
        asked.append((_Score(score.kind), rest))
        answer = student(asked[-1][0], *rest)
        never_chosen = (
            "`best` is None where all scores are negative, and a pair of rates elsewhere. Does your search begin at 0? "
            "Begin at -np.inf."
            if score.kind == 8  # the last of all
            else "`best` is None: which line of yours gives it a pair of rates, and is that line reached?"
        )
        if isinstance(answer, tuple | list) and len(answer) == 2 and isinstance(answer[1], tuple | list):
            refuse(any(rate is None for rate in answer[1]), never_chosen)
            return answer[0], np.asarray([float(rate) for rate in answer[1]])
        if isinstance(answer, tuple | list) and len(answer) == 2:
            refuse(answer[1] is None, never_chosen)
        return answer

    compare(
        Student(with_fresh_score, student.parameters),
        returns=("means", "best"),
        by_hand=[
            # Seeds 1 and 3 average to 2.
            ((_Score(0), [0.0, 1.0], [0.0, 1.0, 2.0], [1, 3]), ([[2, 12, 22], [102, 112, 122]], [1, 2])),
        ],
        others=[
            (_Score(5), [0.0, 0.02, 0.07, 0.2], [0.0, 0.08, 0.2], [0, 1, 2]),
            (_Score(7), [0.01, 0.3], [0.05, 0.0, 0.4, 0.1], [5, 6, 7, 8, 9]),
            (_Score(8), [0.0, 0.5, 0.1], [0.0, 0.3], [4, 2, 11]),
        ],
        right=_grid(),
        mistakes={
            "the rates are swapped in the call: score takes the child rate first, score(child_rate, base_rate, "
            "seed).": _grid(lambda c, b: (b, c)),
            "the table lies on its side: child rates go down (rows), base rates go across (columns).": _grid(
                shape=lambda means: means.T
            ),
            "only the first seed is used; average over all of them.": _grid(which=lambda seeds, number: seeds[:1]),
            "every cell has a seed of its own, so cells differ by luck as well as by rate. Give every cell all the "
            "seeds, the same ones.": _grid(which=lambda seeds, number: [seeds[number % len(seeds)]]),
            "each cell holds the best of its seeds. The best of several noisy scores flatters, and the noisier cell "
            "more; take the mean.": _grid(cell=np.max),
            "each cell holds the median of its seeds; take the mean.": _grid(cell=np.median),
            "each cell holds a sum over the seeds; take the mean.": _grid(cell=np.sum),
            "each cell holds its last seed alone; average over all of them.": _grid(
                which=lambda seeds, number: seeds[-1:]
            ),
            "the last seed is left out; average over all of them.": _grid(which=lambda seeds, number: seeds[:-1]),
            "the first seed is left out; average over all of them.": _grid(which=lambda seeds, number: seeds[1:]),
            "the first seed is left out of the sum, though len(seeds) counts it; begin with it.": _grid(
                cell=lambda runs: float(runs[1:].sum()) / len(runs)
            ),
            "the last seed is left out of the sum, though len(seeds) counts it.": _grid(
                cell=lambda runs: float(runs[:-1].sum()) / len(runs)
            ),
            "the seeds' scores aren't added: each cell holds its last seed's score, divided by len(seeds).": _grid(
                cell=lambda runs: float(runs[-1]) / len(runs)
            ),
            "the first seed's score, divided by len(seeds), is all that a cell holds. Add the other seeds'.": _grid(
                cell=lambda runs: float(runs[0]) / len(runs)
            ),
            "the seeds are counted 0, 1, 2, ...; ask for those that `seeds` holds.": _grid(
                which=lambda seeds, number: range(len(seeds))
            ),
            "score() gets the places of the rates (0, 1, 2, ...); hand it the rates.": _by_place,
            "where all scores are negative, `best` stays at the first pair of rates. Does your search begin at 0? "
            "Begin at -np.inf, or use argmax.": _grid(choose=_from(lambda means, single: np.maximum(means, 0))),
            "the place of the best cell is split the wrong way round: argmax() counts row by row, so a row is "
            "len(base_rates) long. np.unravel_index does it for you.": _grid(
                choose=lambda means, single, child, base: (
                    child[int(means.argmax()) % len(child)],
                    base[int(means.argmax()) // len(child)],
                )
            ),
            "`best` holds places in the table; look the rates up, child_rates[i] and base_rates[j].": _grid(
                choose=lambda means, single, child, base: _at(means)
            ),
            "`best` holds the base rate first; it is (child_rate, base_rate).": _grid(
                choose=lambda means, single, child, base: _rates(means, single, child, base)[::-1]
            ),
            "`best` is the pair with the lowest mean; scores are better when larger.": _grid(
                choose=_from(lambda means, single: -means)
            ),
            "`best` is where the single best run was. That is the luckiest run; choose the best mean.": _grid(
                choose=_from(lambda means, single: single)
            ),
            "`best` takes the child rate with the best row and the base rate with the best column. Where the two rates "
            "act together, that is another cell: take the largest cell of the table.": _grid(
                choose=lambda means, single, child, base: (
                    child[int(means.mean(axis=1).argmax())],
                    base[int(means.mean(axis=0).argmax())],
                )
            ),
        },
    )
    for score, (child, base, seeds) in asked:
        wanted = [(float(c), float(b), int(s)) for c in child for b in base for s in seeds]
        extra = len(score.asked) - len(wanted)
        refuse(
            extra,
            f"your answer is right, but {abs(extra)} runs {'too many' if extra > 0 else 'too few'} were asked for: "
            "every pair of rates with every seed once. A run costs minutes; keep its score.",
        )
        others = sorted(set(score.asked) - set(wanted)) or [one for one in score.asked if score.asked.count(one) > 1]
        refuse(
            sorted(score.asked) != sorted(wanted),
            f"your answer is right, but score{others[0] if others else ()} was asked for, and not each pair of rates "
            "with each seed once.",
        )
