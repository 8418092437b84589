"""The checks of lab 11, "GENREG's findings on trial": equal budgets, paired effects, a grid of rates, a probe."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Student, compare, hidden, refuse
from coursekit.labs.lab11_budget import judge_budget
from coursekit.labs.lab11_effect import judge_effect
from coursekit.labs.lab11_grid import judge_grid

LAB = Lab(
    11,
    "GENREG's findings on trial",
    time_limit=20,
    varies={"11.1": Constant(returned={"spent": 0}), "11.2": Constant(), "11.4": Constant("ridge")},
)
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]


# 11.1 As much as the budget pays

LAB.exercise(
    "11.1", "run_to_budget(step, n_genomes, n_images, gradient, budget)", title="As much as the budget pays", points=5
)(judge_budget)


# 11.2 A paired effect

LAB.exercise("11.2", "paired_effect(treated, control)", title="A paired effect", points=4)(judge_effect)


# 11.3 A grid of rates

LAB.exercise("11.3", "rate_grid(score, child_rates, base_rates, seeds)", title="A grid of rates", points=4)(judge_grid)


# 11.4 A linear probe


def _ones(x: Array) -> Array:
    return np.hstack([np.ones((len(x), 1)), x])


def _solve(a: Array, targets: Array, ridge: Array) -> Array:
    return np.asarray(np.linalg.lstsq(a.T @ a + ridge, a.T @ targets, rcond=None)[0])


def _fitted(
    design: Callable[[Array], Array] = _ones,
    penalty: Callable[[float, int, int], Array] = lambda ridge, n, d: ridge * np.eye(d),
    new_design: Callable[[Array], Array] | None = None,
    fit_on: Callable[..., tuple[Array, Array]] = lambda x, y, x_new, y_new: (x, y),
    score_on: Callable[..., tuple[Array, Array]] = lambda x, y, x_new, y_new: (x_new, y_new),
    read: Callable[[Array], NDArray[Any]] = lambda outputs: outputs.argmax(axis=1),
    report: Callable[[Array], float] = lambda right: float(right.mean()),
    classes_of: Callable[[Array, Array], Array] = lambda y, y_new: y,
) -> Callable[..., float]:
    """A probe that is fitted, scored or reported in another way."""

    def probe(x: Array, y: Array, x_new: Array, y_new: Array, ridge: float) -> float:
        n_classes = int(classes_of(y, y_new).max()) + 1
        rows, labels = fit_on(x, y, x_new, y_new)
        a = design(rows)
        coefficients = _solve(a, labels[:, None] == np.arange(n_classes), penalty(ridge, len(rows), a.shape[1]))
        rows, labels = score_on(x, y, x_new, y_new)
        return report(read((new_design or design)(rows) @ coefficients) == labels)

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
    rng = np.random.default_rng(hidden(seed))
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
        "your accuracy is the share of class 0 in fresh_labels, as if 0 were said for every row: do your outputs hold "
        "nan, are they all alike, or do the labels not reach them?": (
            lambda x, y, x_new, y_new, ridge: float((y_new == 0).mean())
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
        "the column of ones has no effect on the fresh rows: they need it before them as the others do.": _fitted(
            _ones, new_design=lambda x: np.hstack([np.zeros((len(x), 1)), x])
        ),
        "ridge is taken off the diagonal of A.T @ A; add it there.": _fitted(
            penalty=lambda ridge, n, d: -ridge * np.eye(d)
        ),
        "your answers are those of a column of twos, not ones; ridge punishes its coefficients less then.": _fitted(
            lambda x: np.hstack([np.full((len(x), 1), 2.0), x])
        ),
        "ridge has no effect: add ridge times the identity to A.T @ A.": _fitted(
            penalty=lambda ridge, n, d: np.zeros((d, d))
        ),
        "your answers are those of ridge = 1, whatever is handed over: add the argument `ridge` times the identity.": (
            lambda x, y, x_new, y_new, ridge: _right_probe(x, y, x_new, y_new, 1.0)
        ),
        "the features are standardised first. That is a good habit elsewhere, but it changes what ridge punishes; "
        "here they are taken as they are.": _standardised,
        "the mean of the features is taken off first, which changes what ridge punishes; here they are taken as they "
        "are.": lambda x, y, x_new, y_new, ridge: _right_probe(x - x.mean(0), y, x_new - x.mean(0), y_new, ridge),
        "`features` and `fresh` are each taken less a mean of their own, so that one point is no longer the same in "
        "both. Take them as they are.": (
            lambda x, y, x_new, y_new, ridge: _right_probe(x - x.mean(0), y, x_new - x_new.mean(0), y_new, ridge)
        ),
        "ridge is multiplied by the number of rows (or A.T @ A is divided by it): add ridge times the identity.": (
            _fitted(penalty=lambda ridge, n, d: n * ridge * np.eye(d))
        ),
        "ridge is added to every entry of A.T @ A; it belongs on the diagonal, ridge * np.eye(d).": _fitted(
            penalty=lambda ridge, n, d: ridge * np.ones((d, d))
        ),
        "the column of ones goes unpunished in your code. That is a good idea elsewhere; here ridge times the whole "
        "identity is asked for.": _fitted(penalty=lambda ridge, n, d: ridge * np.diag([0.0] + [1.0] * (d - 1))),
        "you count the classes in fresh_labels, where one may be missing: labels holds them all.": _fitted(
            classes_of=lambda y, y_new: y_new
        ),
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

    def share(answer: Any, *args: Any) -> Any:
        refuse(
            isinstance(answer, np.ndarray) and answer.dtype == bool and answer.ndim == 1,
            "that is a list of right and wrong, one for each row; return its mean, the share of right answers.",
        )
        return answer

    compare(
        student,
        returns="accuracy",
        by_hand=[
            (
                (np.array([[-1.0], [1.0]]), np.array([0, 1]), np.array([[-2.0], [0.5], [3.0], [-0.1], [1.0]]),
                 np.array([0, 1, 0, 1, 0]), 1.0),
                0.4,  # the border lies at 0: right, right, wrong, wrong, wrong
            ),
            (
                (np.array([[-1.0], [1.0]]), np.array([0, 1]), np.array([[-2.0], [3.0]]), np.zeros(2, int), 1.0),
                0.5,  # the answer to 3 is a class that no fresh row has
            ),
        ],
        others=[_images(3, 20, 4, 4, 9.0), _images(5, 31, 3, 3, 15.0), _images(7, 26, 6, 5, 6.0),
                _images(11, 40, 5, 12, 7.0), _without_last_class(_images(9, 30, 4, 4, 8.0))],
        right=_right_probe,
        mistakes=mistakes,
        read=share,
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
