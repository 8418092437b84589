"""What lab 13 asks of a verdict: which setting is chosen, and the interval of its paired difference to the control."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coursekit.feedback import Pattern, Student, TryAgain, compare, hidden

__all__ = ["judge_verdict"]

Array = NDArray[np.float64]
Row = dict[str, Any]
Verdict = tuple[str, float, float, float]


def _by_seed(rows: list[Row], setting: str, what: str) -> dict[int, float]:
    return {row["seed"]: row[what] for row in rows if row["setting"] == setting}


def _choose(rows: list[Row], control: str, by: str, with_control: bool = False) -> str:
    names = sorted({row["setting"] for row in rows} - (set() if with_control else {control}))
    return max(names, key=lambda name: float(np.mean(list(_by_seed(rows, name, by).values()))))


def _one_best(rows: list[Row], control: str) -> str:
    others = [row for row in rows if row["setting"] != control]
    return str(max(others, key=lambda row: float(row["validation"]))["setting"])


def _judged(
    chosen: Callable[[list[Row], str], str] = lambda rows, control: _choose(rows, control, "validation"),
    what: str = "test",
    sign: int = 1,
    half: Callable[[Array, float], float] = lambda d, tail: float(
        stats.t.ppf(1 - tail, d.size - 1) * d.std(ddof=1) / math.sqrt(d.size)
    ),
    tail: Callable[[int], float] = lambda n: 0.025 / n,
    pair: str = "seed",
) -> Callable[..., Verdict]:
    def judge(rows: list[Row], control: str, n_comparisons: int) -> Verdict:
        name = chosen(rows, control)
        a, b = _by_seed(rows, name, what), _by_seed(rows, control, what)
        if pair == "position":
            n = min(len(a), len(b))
            d = np.array(list(a.values())[:n]) - np.array(list(b.values())[:n])
        else:
            d = np.array([a[seed] - b[seed] for seed in sorted(set(a) & set(b))])
        mean, width = sign * float(d.mean()), half(d, tail(n_comparisons))
        if pair == "means":
            mean = float(np.mean(list(a.values()))) - float(np.mean(list(b.values())))
        if pair == "none":
            x, y = (np.array(list(values.values())) for values in (a, b))
            level = 1 - 2 * tail(n_comparisons)
            found = stats.ttest_ind(x, y, equal_var=False).confidence_interval(level)
            return name, float(x.mean() - y.mean()), float(found.low), float(found.high)
        return name, mean, mean - width, mean + width

    return judge


def _as_two_samples(answer: tuple[Array, ...], right: Any, rows: list[Row], control: str, n_comparisons: int) -> bool:
    """Whether an interval is as wide as that of two samples, in one of the forms in which that is reckoned."""
    name, widths = _choose(rows, control, "validation"), list[float]()
    a, b = _by_seed(rows, name, "test"), _by_seed(rows, control, "test")
    for seeds in (set(a) | set(b), set(a) & set(b)):
        x, y = (np.array([one[seed] for seed in sorted(seeds & set(one))]) for one in (a, b))
        for equal in (True, False):
            found = stats.ttest_ind(x, y, equal_var=equal)
            error = abs((x.mean() - y.mean()) / found.statistic)
            degrees = found.df, len(x) - 1, min(len(x), len(y)) - 1
            widths += [float(stats.t.ppf(1 - 0.025 / n_comparisons, df)) * error for df in degrees]
    return bool(np.isclose((answer[2] - answer[1]) / 2, widths, rtol=1e-4).any())


_Z = stats.norm.ppf


def _named(answer: Any) -> tuple[Any, ...]:
    """A name and three values; TryAgain if an answer isn't that."""
    if not isinstance(answer, tuple | list) or len(answer) != 4 or not isinstance(answer[0], str):
        several = isinstance(answer, tuple | list)
        got = f"{len(answer)} values" if several and len(answer) != 4 else f"a {type(answer).__name__}"
        got = f"a {type(answer[0]).__name__} as the first of them" if several and len(answer) == 4 else got
        raise TryAgain(
            f"your function should return 4 values, the name of the setting and three numbers, and returns {got}: end "
            "it with `return chosen, mean, low, high`."
        )
    return tuple(answer)


def judge_verdict(student: Student) -> None:
    """Seven tables of runs, in no order and with seeds missing: first the name that is chosen, then the numbers."""

    def rows(table: dict[str, list[tuple[int, float, float]]]) -> list[Row]:
        return [
            {"setting": name, "seed": seed, "validation": validation, "test": test}
            for name, entries in table.items()
            for seed, validation, test in entries
        ]

    example = rows(
        {
            "as it is": [(0, 0.70, 0.80), (1, 0.70, 0.82), (2, 0.70, 0.84)],
            "wide": [(2, 0.92, 0.87), (0, 0.90, 0.81), (1, 0.88, 0.84)],
            "narrow": [(0, 0.97, 0.85), (1, 0.80, 0.84), (2, 0.80, 0.86)],
            "deep": [(0, 0.75, 0.90), (1, 0.76, 0.91), (2, 0.74, 0.95)],
        }
    )
    rng = np.random.default_rng(hidden(5))

    def case(n_settings: int, n_seeds: int, best_control: bool) -> list[Row]:
        hard = rng.normal(scale=0.05, size=n_seeds)  # what a seed does to all settings alike
        table: dict[str, list[tuple[int, float, float]]] = {}
        for k in range(n_settings):
            level = 0.9 if k == 0 and best_control else 0.8 - 0.01 * k
            entries = [
                (
                    seed,
                    round(level + hard[seed] + rng.normal(scale=0.02), 4),
                    round((0.70, 0.72, 0.76, 0.73)[k] + hard[seed], 4),
                )
                for seed in rng.permutation(n_seeds).tolist()
            ]
            noisy = [(seed, float(v), float(round(t + rng.normal(scale=0.01), 4))) for seed, v, t in entries]
            lacks = 1 if k == 1 or (k == 0 and n_settings == 3) else 0  # a seed is missing in one, or in both
            table[f"setting {k}"] = noisy[lacks:]
        found = rows(table)
        return [found[i] for i in rng.permutation(len(found))]

    steady = {"old": [(1, 0.5, 0.6), (2, 0.5, 0.7)], "new": [(1, 0.7, 0.75), (2, 0.7, 0.8)]}
    late = [(1, 0.6, 0.8), (2, 0.55, 0.85), (3, 0.99, 0.8)]  # by a seed that the control lacks
    lucky = [(1, 0.95, 0.8), (2, 0.55, 0.85), (3, 0.65, 0.8)]  # the better mean, by one run
    cases = [
        (case(3, 6, False), "setting 0", 2),
        (case(4, 8, True), "setting 0", 3),
        (case(2, 5, False), "setting 0", 1),
        (rows({"lucky": lucky, **steady}), "old", 2),
        (rows({**steady, "lucky": lucky[::-1]}), "old", 2),
        (rows({**steady, "late": late}), "old", 2),
    ]
    right = _judged()
    answers = [(args, _named(student(*args))[0]) for args in [(example, "as it is", 1), *cases]]
    ways: dict[str, Callable[[list[Row], str], str]] = {
        "the setting is chosen by its test accuracy. Then the test set has chosen, and the same images can't also "
        "judge: choose by validation.": lambda r, c: _choose(r, c, "test"),
        "the control is among those you choose from, and it wins: choose from the others.": lambda r, c: _choose(
            r, c, "validation", with_control=True
        ),
        "the setting is chosen by its best single run. The luckiest seed says little: choose by the mean over seeds.": (
            _one_best
        ),
        "the setting is chosen by the seeds that the control has, too: to choose, take all seeds of a setting.": (
            lambda r, c: _choose([row for row in r if row["seed"] in _by_seed(r, c, "test")], c, "validation")
        ),
        "the worst setting is chosen: take the one with the highest mean validation accuracy.": lambda r, c: min(
            sorted({row["setting"] for row in r} - {c}),
            key=lambda name: float(np.mean(list(_by_seed(r, name, "validation").values()))),
        ),
    }
    if any(name != right(*args)[0] for args, name in answers):
        for hint, way in ways.items():
            if all(name == way(args[0], args[1]) for args, name in answers):
                raise TryAgain(hint)
        wrong, name = next((args, name) for args, name in answers if name != right(*args)[0])
        raise TryAgain(
            f"the chosen setting is {name!r}, but {right(*wrong)[0]!r} has the highest mean validation accuracy of all "
            f"but the control {wrong[1]!r}."
        )

    def counts_settings(rows: list[Row], control: str, n_comparisons: int) -> Verdict:
        return right(rows, control, len({row["setting"] for row in rows}) - 1)

    def high_first(*args: Any) -> Any:
        name, mean, low, high = right(*args)
        return name, mean, high, low

    mistakes: dict[str, Callable[..., Any] | Pattern] = {
        "you subtract two means, each over its own seeds. Where a seed is missing in one of the two, the means are "
        "over different seeds: take the mean of the differences.": _judged(pair="means"),
        "you divide by n; the standard deviation of a mean is divided by the square root of n.": _judged(
            half=lambda d, tail: float(stats.t.ppf(1 - tail, d.size - 1) * d.std(ddof=1) / d.size)
        ),
        "the number of comparisons is taken from the rows: it is given, n_comparisons.": counts_settings,
        "high comes before low: return chosen, mean, low, high.": high_first,
        "the interval is that of two independent samples. Both settings ran with the same seeds: take the difference "
        "seed by seed first, and then the mean and the interval of the differences.": _judged(pair="none"),
        "the interval is as wide as that of two samples that have nothing in common. Both settings ran with the same "
        "seeds: take the difference seed by seed first, and the spread of the differences.": Pattern(_as_two_samples),
        "you pair by position, and rows stand in any order. Pair by seed, and leave out a seed that one of the two "
        "lacks.": _judged(pair="position"),
        "the difference is taken the wrong way round: the chosen setting less the control.": _judged(sign=-1),
        "the difference is that of the validation accuracies, which chose the setting and flatter it. Judge by test.": (
            _judged(what="validation")
        ),
        "the standard deviation divides by n; of a sample it divides by n - 1 (ddof=1).": _judged(
            half=lambda d, tail: float(stats.t.ppf(1 - tail, d.size - 1) * d.std() / math.sqrt(d.size))
        ),
        "the interval uses the normal distribution's quantile (1.96 for 95 %). With a handful of seeds take Student's "
        "t with n - 1 degrees of freedom.": _judged(
            half=lambda d, tail: float(_Z(1 - tail) * d.std(ddof=1) / d.size**0.5)
        ),
        "the interval has the spread of the seeds, not of their mean: divide by the square root of n.": _judged(
            half=lambda d, tail: float(stats.t.ppf(1 - tail, d.size - 1) * d.std(ddof=1))
        ),
        "the interval ignores n_comparisons. If you look at several, each must be wider: its level is "
        "1 - 0.05 / n_comparisons.": _judged(tail=lambda n: 0.025),
        "the interval is one-sided: with 5 % outside, 2.5 % lie on each side. The quantile is that of "
        "1 - 0.025 / n_comparisons.": _judged(tail=lambda n: 0.05 / n),
        "the correction goes the wrong way: with more comparisons your interval gets narrower.": _judged(
            tail=lambda n: min(0.49, 0.025 * n)
        ),
        "the interval has n degrees of freedom; it has one less.": _judged(
            half=lambda d, tail: float(stats.t.ppf(1 - tail, d.size) * d.std(ddof=1) / math.sqrt(d.size))
        ),
    }
    compare(
        student,
        returns=("mean", "low", "high"),
        by_hand=[((example, "as it is", 1), ("wide", 0.02, 0.02 - 0.0248414, 0.02 + 0.0248414))],
        others=cases,
        right=right,
        mistakes=mistakes,
        read=lambda answer, *args: _named(answer)[1:],
        rtol=1e-5,
    )
