"""The checks of lab 2, "Fitting too well": two errors, a split without a leak, a choice of degree, a ridge path."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Pattern, Student, compare, hidden
from coursekit.labs.lab02_splitting import judge_split

LAB = Lab(2, "Fitting too well", varies={"2.3": Constant(returned={"test_rmse": 1}), "2.4": Constant("prices")})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]
Points = tuple[Array, Array]


# 2.1 Two errors


def _root_mean_square(errors: Array) -> float:
    return float(np.linalg.norm(errors) / len(errors) ** 0.5)


def _errors(*points: Any, size: Callable[[Array], Any] = _root_mean_square) -> tuple[Any, Any]:
    x, y, x_new, y_new, degree = points
    theta = np.linalg.lstsq(chebvander(x, degree), y)[0]
    return size(chebvander(x, degree) @ theta - y), size(chebvander(x_new, degree) @ theta - y_new)


def _sized(size: Callable[[Array], Any]) -> Callable[..., tuple[Any, Any]]:
    return lambda *args: _errors(*args, size=size)


def _together(a: Points, b: Points) -> Points:
    return np.append(a[0], b[0]), np.append(a[1], b[1])


def _pooled(x: Array, y: Array, x_new: Array, y_new: Array, degree: int) -> tuple[Any, Any]:
    both = _together((x, y), (x_new, y_new))
    return _errors(*both, x, y, degree)[1], _errors(*both, x_new, y_new, degree)[1]


def _no_constant(x: Array, y: Array, x_new: Array, y_new: Array, degree: int) -> tuple[Any, Any]:
    a, b = (np.vander(z, degree + 1)[:, :-1] for z in (x, x_new))
    theta = np.linalg.lstsq(a, y)[0] if degree else np.zeros(0)
    return _root_mean_square(a @ theta - y), _root_mean_square(b @ theta - y_new)


def _sine(rng: np.random.Generator, n: int) -> Points:
    x = rng.uniform(-1, 1, n)
    return x, np.sin(np.pi * x) + rng.normal(scale=0.3, size=n)


THREE = np.array([-1.0, 0, 1]), np.array([1.0, 0, 2])  # degree 0: the mean, 1. Degree 1: 1 + x / 2
TWO = np.array([-2.0, 2]), np.array([0, 2.5])


@LAB.exercise("2.1", "two_errors(x, y, x_new, y_new, degree)", title="The script, repaired", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(21))
    compare(
        student,
        returns=("train_rmse", "new_rmse"),
        by_hand=[
            # Residuals 1/2, -1, 1/2 on the three points; 0 and 1/2 on the two.
            ((*THREE, *TWO, 1), (0.5**0.5, 0.125**0.5)),
            ((*THREE, *TWO, 0), ((2 / 3) ** 0.5, 1.625**0.5)),
        ],
        others=[(*_sine(rng, n), *_sine(rng, m), degree) for n, m, degree in ((15, 9, 3), (12, 20, 2), (30, 14, 5))],
        right=_errors,
        mistakes={
            "the two are the other way round: the training error comes first.": lambda *a: _errors(*a)[::-1],
            "the curve is fitted to all points, the new ones too, so they aren't held out any more.": _pooled,
            "the new points get a fit of their own. Fit once, to x and y, and score that curve on both sets.": (
                lambda x, y, u, v, d: (_errors(x, y, u, v, d)[0], _errors(u, v, x, y, d)[0])
            ),
            "the curve is fitted to the new points.": lambda x, y, u, v, d: _errors(u, v, x, y, d)[::-1],
            "the root is missing: these are mean squared errors.": _sized(lambda e: np.mean(e**2)),
            "the mean is missing: you take the root of the sum of the squares.": _sized(np.linalg.norm),
            "this is the mean of the distances: squares first, then their mean, and the root last.": _sized(
                lambda e: np.abs(e).mean()
            ),
            "this is the standard deviation of the errors, which takes their mean off first. An RMSE doesn't.": (
                _sized(np.std)
            ),
            "there is one power too many: degree d has the powers 0 to d.": lambda *a: _errors(*a[:4], a[4] + 1),
            "the constant is missing, so every curve has to go through the origin.": _no_constant,
            "the argument degree is ignored: you always fit a line.": lambda *a: _errors(*a[:4], 1),
        },
    )


# 2.2 A split without a leak

LAB.exercise("2.2", "split_and_scale(x, y, rng)", title="A split without a leak", points=4)(judge_split)


# 2.3 Choose once, open once


def _chosen(fit: int = 0, on: int = 1, report: int = 2, sign: int = 1) -> Callable[..., tuple[Any, Any, int]]:
    """(degree, its RMSE, its position). Sets are 0 training, 1 validation, 2 test: fitted, compared and reported."""

    def choose(*args: Any) -> tuple[Any, Any, int]:
        sets, degrees = args[:3], args[3].tolist()
        errors = [sign * _errors(*sets[fit], *sets[on], degree)[1] for degree in degrees]
        degree = degrees[errors.index(min(errors))]
        return degree, _errors(*sets[fit], *sets[report], degree)[1], errors.index(min(errors))

    return choose


def _choice(**mistake: int) -> Callable[..., tuple[Any, Any]]:
    return lambda *args: _chosen(**mistake)(*args)[:2]


def _by_both(*a: Any) -> tuple[Any, Any]:
    """The degree with the smallest sum of both errors."""
    degree = min(a[3].tolist(), key=lambda d: sum(_errors(*a[0], *a[1], d)))
    return degree, _errors(*a[0], *a[2], degree)[1]


def _refitted(*a: Any) -> tuple[Any, Any]:
    degree = _chosen()(*a)[0]
    return degree, _errors(*_together(a[0], a[1]), *a[2], degree)[1]


@LAB.exercise("2.3", "choose_degree(train, validation, test, degrees)", title="Choose once, open once", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(23))
    cases: list[tuple[Any, ...]] = [
        (*((one[0], size * one[1]) for one in (_sine(rng, 12), _sine(rng, 12), _sine(rng, 15))), np.array(degrees))
        for size, *degrees in (  # in other units the errors are thousands, or less than a thousandth
            *([1, 1, 2, 3, 4, 5, 7], [1, 8, 5, 3, 1], [1, 0, 2, 4, 6], [1, 7, 6, 5, 4, 3], [1, 1, 3, 5, 7]),
            *([1, 6, 5, 2], [0.001, 1, 6, 3, 4], [10_000, 6, 1, 4, 3]),
        )
    ]
    compare(
        student,
        returns=("degree", "test_rmse"),
        by_hand=[
            # Validation RMSE 1.3, 0.4 and 5, so the line 1 + x / 2: at the test points 3 and 1, errors 2 and 0.
            ((THREE, TWO, (np.array([4.0, 0]), np.ones(2)), np.arange(3)), (1, 2**0.5)),
            # 2.47, 2.45 and 2.55: the line by a hair, though the parabola has no training error at all.
            ((THREE, (TWO[0], np.array([2.5, 4.4])), (np.array([4.0, 0]), np.ones(2)), np.arange(3)), (1, 2**0.5)),
        ],
        others=[*cases, *((*points, degrees[::-1]) for *points, degrees in cases[-2:])],
        right=_choice(),
        mistakes={
            "the degree is chosen on the training points, where more freedom always wins.": _choice(on=0),
            "the degree is chosen on the test points, so the test error flatters it. They may only be opened at the "
            "end, for the one degree that was chosen.": _choice(on=2),
            "the degree is chosen by the sum of both errors, and the training error always asks for more freedom: only "
            "validation chooses.": _by_both,
            "you take the degree with the largest validation error: the smallest is asked for.": _choice(sign=-1),
            "the position of the degree in the list is returned: look up degrees[position].": (
                lambda *a: (_chosen()(*a)[2], _chosen()(*a)[1])
            ),
            "the position of the degree in the list is returned, and the error isn't the winner's, either: look up "
            "degrees[position] first.": Pattern(lambda got, right, *a: got[0] == _chosen()(*a)[2]),
            "the last degree of the list is returned, whatever its errors: is the best so far kept, with its error?": (
                lambda *a: (a[3][-1], _errors(*a[0], *a[2], int(a[3][-1]))[1])
            ),
            "the first degree of the list is returned, whatever its errors: is any other compared with it?": (
                lambda *a: (a[3][0], _errors(*a[0], *a[2], int(a[3][0]))[1])
            ),
            "the second number is the winner's validation error, which flatters it.": _choice(report=1),
            "the first number is the smallest validation error, not the degree that has it: argmin, not min.": (
                lambda *a: (_chosen(report=1)(*a)[1], _chosen()(*a)[1])
            ),
            "the two are the other way round: the degree comes first.": lambda *a: _chosen()(*a)[1::-1],
            "the curves are fitted to the validation points and compared on the training points.": _choice(fit=1, on=0),
            "the winner is fitted again with the validation points. Here, score the fit that you chose.": _refitted,
            "you report the training error of the winner: score it on the test points.": _choice(report=0),
            "the curve that you score on the test points is fitted to the validation points: fit it to the training "
            "points, as when it was chosen.": lambda *a: (
                (degree := _chosen()(*a)[0]),
                _errors(*a[1], *a[2], degree)[1],
            ),
            "the degree is the right one or the first of the list. Does the best so far begin above any error there "
            "may be, float('inf'), and is it kept with its error, not rounded?": Pattern(
                lambda got, right, *a: got[0] in (right[0], a[3][0])
            ),
        },
    )


# 2.4 A ridge path


def _path(
    charge: Callable[[Array, float], Any] = lambda A, price: price * len(A),
    free: int | None = 0,
    pull: Callable[[Array], Any] = lambda A: 1.0,
) -> Callable[..., Array]:
    """Ridge in the scale of sums: A'A + charge on the diagonal, pull times A'y; or a mistake in one of them."""

    def path(A: Array, y: Array, prices: Array) -> Array:
        who = np.ones(A.shape[1])
        who[[] if free is None else free] = 0
        gram = np.einsum("ij,ik->jk", A, A)
        return np.array([np.linalg.pinv(gram + np.diag(charge(A, p) * who)) @ (pull(A) * (y @ A)) for p in prices])

    return path


@LAB.exercise("2.4", "ridge_path(A, y, prices)", title="A ridge path", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(24))
    compare(
        student,
        returns="theta",
        by_hand=[
            # Both columns have the mean square 1 and overlap nowhere: the slope is 1 / (1 + price), the constant 1.
            ((np.array([[1.0, -1], [1, 1]]), np.array([0.0, 2]), np.array([0.0, 1, 3])), [[1, 1], [1, 0.5], [1, 0.25]]),
            # Mean of x^2 2, of x y 7/5, of x 0: the slope is 1.4 / (2 + price), the constant the mean of y.
            (
                (np.c_[np.ones(5), [-1, 0, 1, -2, 2]], np.array([1.0, 2, 0, -2, 2]), np.array([0.0, 1, 5])),
                [[0.6, 0.7], [0.6, 1.4 / 3], [0.6, 0.2]],
            ),
        ],
        others=[
            (np.c_[np.ones(n), rng.normal(0.5, 1, (n, p - 1))], rng.normal(2, 1, n), rng.uniform(0.05, 3, k))
            for n, p, k in ((8, 3, 4), (12, 5, 2), (9, 4, 5))
        ],
        right=_path(),
        mistakes={
            "the constant is charged too: set the diagonal's first entry to 0.": _path(free=None),
            "the last coefficient goes free. It is the first that does, that of the column of ones.": _path(free=-1),
            "the price is subtracted on the diagonal: add it.": _path(lambda A, price: -price * len(A)),
            "the price is n times too small beside the squares. The loss is a mean: A.T @ A and A.T @ y are divided by "
            "n, and the price isn't.": (_path(lambda A, price: price)),
            "all coefficients are n times too large. A.T @ A is divided by n: is A.T @ y, too?": _path(pull=len),
            "A.T @ y is divided by n, and A.T @ A is not.": _path(lambda A, price: price, pull=lambda A: 1 / len(A)),
            "the prices do nothing: every row is the least squares solution.": _path(lambda A, price: 0.0),
            "the price is squared: only the coefficients are.": _path(lambda A, price: price**2 * len(A)),
            "the price counts double beside A.T @ A / n. Both slopes have a factor 2: it cancels.": _path(
                lambda A, price: 2 * price * len(A)
            ),
        },
    )


# 2.5 Find the leak

LAB.free_text(
    "2.5",
    title="Find the leak",
    points=4,
    rubric={
        4: "For all three: the line that leaks; what it carries from the scored rows into the fit or the choice (means "
        "of their labels, copies of the rows, the best of 200 scores); and a mend that brings the accuracy to 50 %.",
        2: "Two of the three in full; or all three lines are named, but what leaks or the mend is missing.",
        0: "At most one of the three is explained; or the answer stays general (overfitting, too few rows).",
    },
)
