"""The checks of lab 11, "GENREG's findings on trial": equal budgets, paired effects, a grid of rates, a probe."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coursekit.feedback import Lab, Student, compare, refuse

LAB = Lab(11, "GENREG's findings on trial", time_limit=20)
check, passed, score = LAB.check, LAB.passed, LAB.score

Array = NDArray[np.float64]


# 11.1 As much as the budget pays


class _Step:
    """A step that returns scores from a list of its own, and notices how it is called."""

    def __init__(self, seed: int) -> None:
        self.scores, self.n_calls = _scores(seed), 0

    def __call__(self, *args: Any) -> float:
        refuse(bool(args), "step takes no arguments: score = step().")
        refuse(
            self.n_calls >= len(self.scores),
            f"your function has called step() {self.n_calls} times and goes on, where the budget pays for a few dozen "
            "steps at most. What ends your loop?",
        )
        self.n_calls += 1
        return float(self.scores[self.n_calls - 1])


def _scores(seed: int) -> Array:
    return np.random.default_rng(seed).uniform(0.1, 0.9, 3000)


Price = Callable[[int, int, bool], int]


def _price(n_genomes: int, n_images: int, gradient: bool) -> int:
    return n_genomes * n_images * (3 if gradient else 1)


def _steps(price: Price) -> Callable[[int, int, bool, int], int]:
    return lambda g, n, gradient, budget: budget // price(g, n, gradient)


def _played(
    price: Price = _price,
    n_steps: Callable[[int, int, bool, int], int] | None = None,
    spent: Callable[[Array], Array] = lambda spent: spent,
    scores: Callable[[Array], Array] = lambda scores: scores,
    skip: int = 0,
    stride: int = 1,
) -> Callable[..., tuple[Array, Array]]:
    """What a function returns that counts or stops in another way; the first argument is the seed of the step."""

    def run(seed: int, g: int, n: int, gradient: bool, budget: int) -> tuple[Array, Array]:
        steps = (n_steps or _steps(price))(g, n, gradient, budget)
        all_scores = _scores(seed)[skip:][::stride][:steps]
        return spent(np.arange(1.0, steps + 1) * price(g, n, gradient)), scores(all_scores)

    return run


@LAB.exercise(
    "11.1", "run_to_budget(step, n_genomes, n_images, gradient, budget)", title="As much as the budget pays", points=5
)
def _(student: Student) -> None:
    called: list[_Step] = []

    def with_step(seed: int, *rest: Any) -> Any:
        called.append(_Step(seed))
        answer = student(called[-1], *rest)
        if isinstance(answer, tuple | list) and len(answer) == 2 and isinstance(answer[1], tuple | list):
            refuse(
                any(callable(score) for score in answer[1]),
                "`scores` holds the function step itself, not what it returns. Call it: step().",
            )
        return answer

    first = _scores(1)
    compare(
        Student(with_step, ["a step", *student.parameters[1:]]),
        returns=("spent", "scores"),
        by_hand=[
            # 4 x 5 = 20 a generation, five of them in 107; and 3 x 8 = 24 a gradient step, four of them in 100.
            ((1, 4, 5, False, 107), ([20, 40, 60, 80, 100], first[:5])),
            ((1, 1, 8, True, 100), ([24, 48, 72, 96], first[:4])),
            ((1, 4, 5, False, 80), ([20, 40, 60, 80], first[:4])),
        ],
        others=[(2, 3, 7, False, 210), (3, 6, 2, True, 400), (4, 2, 11, False, 107), (5, 1, 9, True, 81)],
        right=_played(),
        mistakes={
            "the budget is counted in generations: your loop plays `budget` of them. A generation of many networks on "
            "many images costs more than one of few; pay n_genomes * n_images evaluations for each.": _played(
                n_steps=lambda g, n, gradient, budget: budget
            ),
            "the budget is counted in steps, and so is `spent`. Count evaluations: a step costs "
            "n_genomes * n_images.": _played(lambda *_: 1),
            "a step costs n_images in your count, but every one of the n_genomes networks sees every image.": _played(
                lambda g, n, gradient: n * (3 if gradient else 1)
            ),
            "a step costs n_genomes in your count, but each network sees all the n_images images.": _played(
                lambda g, n, gradient: g * (3 if gradient else 1)
            ),
            "a gradient step costs as much as a forward pass in your count. The backward pass costs about two more: "
            "three evaluations for each image.": _played(lambda g, n, gradient: g * n),
            "a gradient step costs two evaluations for each image in your count: the *backward* pass alone costs "
            "two, and the forward pass comes before it.": _played(
                lambda g, n, gradient: g * n * (2 if gradient else 1)
            ),
            "every step costs three evaluations for each image in your count; without a gradient it is one.": _played(
                lambda g, n, gradient: 3 * g * n
            ),
            "the last step is not paid for: it starts while there is budget left, and spends more than that. Ask "
            "before the step whether spent + price <= budget.": _played(
                n_steps=lambda g, n, gradient, budget: -(-budget // _price(g, n, gradient))
            ),
            "the number of steps is rounded to the nearest, so the last step may not be paid for. Round down: "
            "budget // price.": _played(n_steps=lambda g, n, gradient, budget: round(budget / _price(g, n, gradient))),
            "a gradient step costs two evaluations more in your count, whatever its size; the backward pass costs two "
            "for every image of every network.": _played(lambda g, n, gradient: g * n + 2 * gradient),
            "the two lists have changed places: return spent, scores.": lambda *args: _played()(*args)[::-1],
            "every entry of `scores` is the score of the first step: step() was called once. Call it for each step "
            "that you play.": _played(scores=lambda scores: np.full_like(scores, scores[0])),
            "where the budget pays for the last step exactly, you stop one too early: <=, not <.": _played(
                n_steps=lambda g, n, gradient, budget: (budget - 1) // _price(g, n, gradient)
            ),
            "`spent` is what had been spent *before* each step; the score belongs to what had been spent after it.": (
                _played(spent=lambda spent: spent - spent[0])
            ),
            "`spent` holds the price of every step; it should add up, step after step.": _played(
                spent=lambda spent: np.full_like(spent, spent[0])
            ),
            "`spent` counts down: it is what is left. Return what has been spent.": (
                lambda seed, g, n, gradient, budget: (
                    budget - _played()(seed, g, n, gradient, budget)[0],
                    _played()(seed, g, n, gradient, budget)[1],
                )
            ),
            "`scores` holds the best score so far. The best of many noisy scores flatters; keep every step's own.": (
                _played(scores=np.maximum.accumulate)
            ),
            "`scores` holds running averages; keep every step's own score.": _played(
                scores=lambda scores: np.cumsum(scores) / np.arange(1, len(scores) + 1)
            ),
            "step() is called twice in each round, so half of the steps are never paid for. Call it once, and keep "
            "the score in a variable.": _played(stride=2, skip=1),
            "step() is called once before the counting begins; that step is free, and its score is lost.": _played(
                skip=1
            ),
        },
    )
    n_paid = [5, 4, 4, 10, 11, 4, 3]
    refuse(
        [step.n_calls for step in called] != n_paid,
        "your answers are right, but step() is called more often than it is paid for: one call for each entry of "
        "`spent`, and none after the last.",
    )
    spent, scores = student(_Step(1), 10, 10, False, 99)
    refuse(len(spent) != 0 or len(scores) != 0, "a budget of 99 doesn't pay for a step of 100: return two empty lists.")


# 11.2 A paired effect


def _interval(mean: float, half: float) -> tuple[float, float, float]:
    return mean, mean - half, mean + half


def _t(k: float, level: float = 0.975) -> float:
    return float(stats.t.ppf(level, k))


def _paired(change: Callable[[Array], tuple[float, float]]) -> Callable[[Array, Array], tuple[float, float, float]]:
    """An interval from a function of the differences: its middle, and half its width."""
    return lambda treated, control: _interval(*change(treated - control))


def _two_sample(treated: Array, control: Array) -> tuple[float, float, float]:
    parts = np.array([treated.var(ddof=1) / len(treated), control.var(ddof=1) / len(control)])
    df = parts.sum() ** 2 / (parts**2 / [len(treated) - 1, len(control) - 1]).sum()
    return _interval(float(treated.mean() - control.mean()), _t(df) * float(parts.sum()) ** 0.5)


def _pooled(treated: Array, control: Array) -> tuple[float, float, float]:
    k = len(treated)
    error = float((treated.var(ddof=1) + control.var(ddof=1)) / k) ** 0.5
    return _interval(float(treated.mean() - control.mean()), _t(2 * k - 2) * error)


def _exact(treated: Array, control: Array) -> tuple[float, float, float]:
    """The interval as Student has it, from sums of squares."""
    d = treated - control
    k, mean = len(d), float(d.sum()) / len(d)
    variance = (float((d**2).sum()) - k * mean**2) / (k - 1)
    return _interval(mean, _t(k - 1) * (variance / k) ** 0.5)


@LAB.exercise("11.2", "paired_effect(treated, control)", title="A paired effect", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(112)
    others = []
    for k in (5, 4, 9, 6):
        # Seeds that differ by much more than what the treatment does.
        seeds = rng.normal(60, 9, k)
        others.append((seeds + rng.normal(2, 1.5, k), seeds))

    def se(d: Array) -> float:
        return float(d.std(ddof=1)) / len(d) ** 0.5

    compare(
        student,
        returns=("mean", "low", "high"),
        by_hand=[
            # Differences 1, 2, 3: mean 2, standard deviation 1, standard error 0.577; t with two degrees is 4.3027.
            ((np.array([11.0, 22.0, 33.0]), np.array([10.0, 20.0, 30.0])), (2.0, -0.484138, 4.484138)),
            ((np.array([0.5, 0.7]), np.array([0.4, 0.8])), (0.0, -1.270620, 1.270620)),
        ],
        others=others,
        right=_exact,
        mistakes={
            "that is the interval for two *independent* samples (Welch). Entry i of both comes from the same seed: "
            "take the differences first, and the spread of the differences.": _two_sample,
            "the two samples are pooled, as if they were independent. Entry i of both comes from the same seed: take "
            "the differences first.": _pooled,
            "the interval is built from the standard deviation. That says where single seeds lie; the mean of k seeds "
            "is known better, by a factor sqrt(k): use the standard error.": _paired(
                lambda d: (d.mean(), _t(len(d) - 1) * d.std(ddof=1))
            ),
            "the standard deviation is divided by k; a standard error divides by sqrt(k).": _paired(
                lambda d: (d.mean(), _t(len(d) - 1) * d.std(ddof=1) / len(d))
            ),
            "the standard deviation divides by k, not by k - 1 (ddof=1). NumPy's std has ddof=0 unless you say "
            "so.": _paired(lambda d: (d.mean(), _t(len(d) - 1) * d.std() / len(d) ** 0.5)),
            "1.96 is for a standard deviation that is known. Five seeds have to estimate it: take Student's t with "
            "k - 1 degrees of freedom, which is 2.78 for k = 5.": _paired(
                lambda d: (d.mean(), float(stats.norm.ppf(0.975)) * se(d))
            ),
            "the factor is 1.96, which is for a standard deviation that is known. Five seeds have to estimate it: take "
            "Student's t with k - 1 degrees of freedom, which is 2.78 for k = 5.": _paired(
                lambda d: (d.mean(), 1.96 * se(d))
            ),
            "the factor is 2, a rule of thumb for many seeds. With few, take Student's t with k - 1 degrees of "
            "freedom.": _paired(lambda d: (d.mean(), 2 * se(d))),
            "the quantile is the 95 % one, which leaves 5 % on each side. An interval of 95 % leaves 2.5 % on each: "
            "t.ppf(0.975, k - 1).": _paired(lambda d: (d.mean(), _t(len(d) - 1, 0.95) * se(d))),
            "t has k degrees of freedom in your code; the mean of the differences takes one, so k - 1.": _paired(
                lambda d: (d.mean(), _t(len(d)) * se(d))
            ),
            "t has 2k - 2 degrees of freedom in your code, as for two samples; there is one sample, of differences.": (
                _paired(lambda d: (d.mean(), _t(2 * len(d) - 2) * se(d)))
            ),
            "the errors of the two samples are added, as if they were independent. Entry i of both comes from the same "
            "seed: take the differences first, and then only their spread.": lambda treated, control: _interval(
                float((treated - control).mean()), _t(len(treated) - 1) * float(np.hypot(se(treated), se(control)))
            ),
            "each sample is sorted before the differences are taken, which parts the pairs. Leave entry i with entry "
            "i.": lambda treated, control: _exact(np.sort(treated), np.sort(control)),
            "the differences have lost their sign (abs). An effect can be negative; keep treated - control.": (
                lambda treated, control: _interval(
                    float(abs(treated - control).mean()), _t(len(treated) - 1) * se(abs(treated - control))
                )
            ),
            "low and high are percentiles of the differences. Those say where single seeds lie; the interval asked for "
            "is that of their mean: mean - t * s / sqrt(k) and mean + t * s / sqrt(k).": lambda treated, control: (
                float((treated - control).mean()),
                *np.percentile(treated - control, [2.5, 97.5]),
            ),
            "low and high both hold half the width of the interval; return its ends, mean - half and mean + half.": (
                lambda treated, control: (
                    float((treated - control).mean()),
                    *[_t(len(treated) - 1) * se(treated - control)] * 2,
                )
            ),
            "low and high have changed places.": lambda treated, control: tuple(
                _exact(treated, control)[i] for i in (0, 2, 1)
            ),
            "the interval is right, but it is handed over with their median; return the mean of the differences, to "
            "which it belongs.": lambda treated, control: (
                float(np.median(treated - control)),
                *_exact(treated, control)[1:],
            ),
            "the sign is turned round: the effect is treated - control.": lambda treated, control: _exact(
                control, treated
            ),
            "low and high are one standard error away; multiply it by Student's t.": _paired(
                lambda d: (d.mean(), se(d))
            ),
            "the middle is the median of the differences; take the mean, to which the interval belongs.": _paired(
                lambda d: (np.median(d), _t(len(d) - 1) * se(d))
            ),
            "the effect is in per cent of the control. Points are what the chapter speaks of: treated - control, as "
            "it is.": lambda treated, control: _exact(100 * treated / control, 100 * np.ones_like(control)),
            "the spread is that of `treated` alone. What varies is the difference.": lambda treated, control: _interval(
                float((treated - control).mean()), _t(len(treated) - 1) * se(treated)
            ),
            "the interval is centred on 0; centre it on the mean difference.": lambda treated, control: (
                float((treated - control).mean()),
                -_t(len(treated) - 1) * se(treated - control),
                _t(len(treated) - 1) * se(treated - control),
            ),
            "return mean, low, high, in this order.": lambda treated, control: tuple(
                _exact(treated, control)[i] for i in (1, 0, 2)
            ),
        },
    )


# 11.3 A grid of rates


class _Score:
    """score(child_rate, base_rate, seed): a smooth table with noise, that remembers what was asked."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.asked: list[tuple[float, float, int]] = []

    def __call__(self, *args: Any) -> float:
        refuse(len(args) != 3, "score takes three arguments: score(child_rate, base_rate, seed).")
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

    def run(kind: int, child: Any, base: Any, seeds: Any) -> tuple[Array, Array]:
        score, child, base = _Score(kind), np.asarray(child, float), np.asarray(base, float)
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


def _by_place(kind: int, child: Any, base: Any, seeds: Any) -> tuple[Array, Array]:
    """A grid that hands score() the places of the rates, and returns the rates at the best place."""
    means, (i, j) = _grid()(kind, range(len(child)), range(len(base)), seeds)
    return means, np.array([child[int(i)], base[int(j)]])


def _at(table: Array) -> tuple[int, int]:
    i, j = np.unravel_index(int(table.argmax()), table.shape)
    return int(i), int(j)


def _rates(means: Array, single: Array, child: Array, base: Array) -> tuple[float, float]:
    i, j = _at(means)
    return child[i], base[j]


def _from(table: Callable[[Array, Array], Array]) -> Callable[..., tuple[float, float]]:
    return lambda means, single, child, base: _rates(table(means, single), single, child, base)


@LAB.exercise("11.3", "rate_grid(score, child_rates, base_rates, seeds)", title="A grid of rates", points=4)
def _(student: Student) -> None:
    asked: list[tuple[_Score, tuple[Any, ...]]] = []
    never_chosen = "`best` was never set. Does your search begin at 0? Scores can all be negative: begin at -np.inf."

    def with_score(kind: int, *rest: Any) -> Any:
        asked.append((_Score(kind), rest))
        answer = student(asked[-1][0], *rest)
        if isinstance(answer, tuple | list) and len(answer) == 2 and isinstance(answer[1], tuple | list):
            refuse(any(rate is None for rate in answer[1]), never_chosen)
            return answer[0], np.asarray([float(rate) for rate in answer[1]])
        if isinstance(answer, tuple | list) and len(answer) == 2:
            refuse(answer[1] is None, never_chosen)
        return answer

    compare(
        Student(with_score, ["a score", *student.parameters[1:]]),
        returns=("means", "best"),
        by_hand=[
            # Seeds 1 and 3 average to 2.
            ((0, [0.0, 1.0], [0.0, 1.0, 2.0], [1, 3]), ([[2, 12, 22], [102, 112, 122]], [1, 2])),
        ],
        others=[
            (5, [0.0, 0.02, 0.07, 0.2], [0.0, 0.08, 0.2], [0, 1, 2]),
            (7, [0.01, 0.3], [0.05, 0.0, 0.4, 0.1], [5, 6, 7, 8, 9]),
            (8, [0.0, 0.5, 0.1], [0.0, 0.3], [4, 2, 11]),
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
            "the seeds are counted 0, 1, 2, ...; ask for those that `seeds` holds.": _grid(
                which=lambda seeds, number: range(len(seeds))
            ),
            "score() gets the places of the rates (0, 1, 2, ...); hand it the rates.": _by_place,
            "your search for the best begins at 0, and scores can all be negative: begin at -np.inf, or use "
            "argmax.": _grid(choose=_from(lambda means, single: np.maximum(means, 0))),
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
            sorted(score.asked) != sorted(wanted),
            f"your answer is right, but {abs(extra)} runs {'too many' if extra > 0 else 'too few'} were asked for: "
            "every pair of rates with every seed once. A run costs minutes; keep its score.",
        )


# 11.4 A linear probe


def _ones(x: Array) -> Array:
    return np.hstack([np.ones((len(x), 1)), x])


def _solve(a: Array, targets: Array, ridge: Array) -> Array:
    return np.asarray(np.linalg.lstsq(a.T @ a + ridge, a.T @ targets, rcond=None)[0])


def _fitted(
    design: Callable[[Array], Array] = _ones,
    penalty: Callable[[float, int, int], Array] = lambda ridge, n, d: ridge * np.eye(d),
    fit_on: Callable[..., tuple[Array, Array]] = lambda x, y, x_new, y_new: (x, y),
    score_on: Callable[..., tuple[Array, Array]] = lambda x, y, x_new, y_new: (x_new, y_new),
    read: Callable[[Array], Array] = lambda outputs: outputs.argmax(axis=1),
    report: Callable[[Array], float] = lambda right: float(right.mean()),
) -> Callable[..., float]:
    """A probe that is fitted, scored or reported in another way."""

    def probe(x: Array, y: Array, x_new: Array, y_new: Array, ridge: float) -> float:
        n_classes = int(y.max()) + 1
        rows, labels = fit_on(x, y, x_new, y_new)
        a = design(rows)
        coefficients = _solve(a, np.eye(n_classes)[labels], penalty(ridge, len(rows), a.shape[1]))
        rows, labels = score_on(x, y, x_new, y_new)
        return report(read(design(rows) @ coefficients) == labels)

    return probe


def _right_probe(x: Array, y: Array, x_new: Array, y_new: Array, ridge: float) -> float:
    """Ridge regression as least squares with as many rows more as there are coefficients."""
    a = _ones(x)
    d = a.shape[1]
    longer = np.vstack([a, ridge**0.5 * np.eye(d)])
    targets = np.vstack([np.eye(int(y.max()) + 1)[y], np.zeros((d, int(y.max()) + 1))])
    coefficients = np.linalg.lstsq(longer, targets, rcond=None)[0]
    return float(((_ones(x_new) @ coefficients).argmax(axis=1) == y_new).mean())


def _digit_as_number(x: Array, y: Array, x_new: Array, y_new: Array, ridge: float) -> float:
    a = _ones(x)
    line = _solve(a, y.astype(float)[:, None], ridge * np.eye(a.shape[1]))[:, 0]
    return float((np.rint(_ones(x_new) @ line) == y_new).mean())


def _nearest_mean(x: Array, y: Array, x_new: Array, y_new: Array, ridge: float) -> float:
    means = np.stack([x[y == c].mean(axis=0) for c in range(int(y.max()) + 1)])
    distance = ((x_new[:, None] - means) ** 2).sum(axis=2)
    return float((distance.argmin(axis=1) == y_new).mean())


def _images(seed: int, n: int, d: int, n_classes: int, ridge: float) -> tuple[Array, Any, Array, Any, float]:
    """Overlapping classes of unequal size, far from the origin: every mistake scores otherwise."""
    rng = np.random.default_rng(seed)
    centres, middle = rng.normal(0, 1.1, (n_classes, d)), rng.normal(0, 2, d)

    def draw(n: int) -> tuple[Array, Any]:
        labels = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n) ** 2 // n_classes])
        return middle + centres[labels] + rng.normal(0, 1, (len(labels), d)), labels

    x, y = draw(n)
    x_new, y_new = draw(397)
    return x, y, x_new, y_new, ridge


def _standardised(x: Array, y: Array, x_new: Array, y_new: Array, ridge: float) -> float:
    mean, std = x.mean(axis=0), x.std(axis=0)
    return _right_probe((x - mean) / std, y, (x_new - mean) / std, y_new, ridge)


def _without_last_class(case: tuple[Array, Any, Array, Any, float]) -> tuple[Array, Any, Array, Any, float]:
    """The fresh rows lack a class that the others have."""
    x, y, x_new, y_new, ridge = case
    here = y_new < y.max()
    return x, y, x_new[here], y_new[here], ridge


@LAB.exercise("11.4", "linear_probe(features, labels, fresh, fresh_labels, ridge)", title="A linear probe", points=3)
def _(student: Student) -> None:
    mistakes: Mapping[str, Callable[..., Any]] = {
        "the probe is scored on the rows that it was fitted to; those it may know by heart. Score it on `fresh`.": (
            _fitted(score_on=lambda x, y, x_new, y_new: (x, y))
        ),
        "the probe is fitted to the fresh rows, and scored on them too. Fit it to `features` and `labels`.": _fitted(
            fit_on=lambda x, y, x_new, y_new: (x_new, y_new)
        ),
        "the probe is fitted to both sets together, so that it has seen what it is scored on.": _fitted(
            fit_on=lambda x, y, x_new, y_new: (np.vstack([x, x_new]), np.concatenate([y, y_new]))
        ),
        "the two sets have changed places: fit to `features`, score on `fresh`.": _fitted(
            fit_on=lambda x, y, x_new, y_new: (x_new, y_new), score_on=lambda x, y, x_new, y_new: (x, y)
        ),
        "the column of ones is missing, so that every plane has to pass through the origin.": _fitted(lambda x: x),
        "ridge is ignored: add ridge times the identity to A.T @ A.": _fitted(
            penalty=lambda ridge, n, d: np.zeros((d, d))
        ),
        "ridge is 1 in your code, whatever is handed over; use the argument `ridge`.": (
            lambda x, y, x_new, y_new, ridge: _right_probe(x, y, x_new, y_new, 1.0)
        ),
        "the features are standardised first. That is a good habit elsewhere, but it changes what ridge punishes; "
        "here they are taken as they are.": _standardised,
        "ridge is multiplied by the number of rows (or A.T @ A is divided by it): add ridge times the identity.": (
            _fitted(penalty=lambda ridge, n, d: n * ridge * np.eye(d))
        ),
        "ridge is added to every entry of A.T @ A; it belongs on the diagonal, ridge * np.eye(d).": _fitted(
            penalty=lambda ridge, n, d: ridge * np.ones((d, d))
        ),
        "the column of ones goes unpunished in your code. That is a good idea elsewhere; here ridge times the whole "
        "identity is asked for.": _fitted(penalty=lambda ridge, n, d: ridge * np.diag([0.0] + [1.0] * (d - 1))),
        "the classes are fitted as numbers, as if a 9 were three times a 3. Give each class a column of its own, "
        "np.eye(n_classes)[labels].": _digit_as_number,
        "that is the nearest class mean; the exercise asks for least squares on one-hot targets.": _nearest_mean,
        "you choose the column with the smallest output; the largest is the answer.": _fitted(
            read=lambda outputs: outputs.argmin(axis=1)
        ),
        "that is the share of wrong answers; return the share of right ones.": _fitted(
            report=lambda right: 1 - float(right.mean())
        ),
        "that is the number of right answers; return the share.": _fitted(report=lambda right: float(right.sum())),
        "that is in per cent; return a share between 0 and 1.": _fitted(report=lambda right: 100 * float(right.mean())),
    }

    def with_share(*args: Any) -> Any:
        answer = student(*args)
        refuse(
            isinstance(answer, np.ndarray) and answer.dtype == bool and answer.ndim == 1,
            "that is a list of right and wrong, one for each row; return its mean, the share of right answers.",
        )
        return answer

    compare(
        Student(with_share, student.parameters),
        returns="accuracy",
        by_hand=[
            (
                (np.array([[-1.0], [1.0]]), np.array([0, 1]), np.array([[-2.0], [0.5], [3.0], [-0.1], [1.0]]),
                 np.array([0, 1, 0, 1, 0]), 1.0),
                0.4,  # the border lies at 0: right, right, wrong, wrong, wrong
            ),
        ],
        others=[_images(3, 20, 4, 4, 9.0), _images(5, 31, 3, 3, 15.0), _images(7, 26, 6, 5, 6.0),
                _without_last_class(_images(9, 30, 4, 4, 8.0))],
        right=_right_probe,
        mistakes=mistakes,
    )  # fmt: skip


# 11.5 Four findings, four verdicts

LAB.free_text(
    "11.5",
    title="Four findings, four verdicts",
    points=4,
    rubric={
        4: "All four findings have a row with the comparison, the budget of both sides in evaluations (equal, or less "
        "for the side that wins), the effect with its interval and number of seeds, a verdict that follows from them, "
        "and what would change it. A missing effect is called a missing effect only where the interval is narrow. Says "
        "where a control (the gradient-trained twin, a random layer, child and base rate exchanged) takes the "
        "explanation away.",
        2: "All four have a verdict and a number, but the budgets aren't named, or the side that wins had more, or an "
        "interval is missing; or two findings are judged as above and two are not.",
        0: "Verdicts without numbers, or from one seed, or from a picture alone.",
    },
)
