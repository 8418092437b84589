"""The checks of lab 2, "Fitting too well": two errors, a split without a leak, a choice of degree, a ridge path."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from coursekit.feedback import Constant, Lab, Student, TryAgain, comes_from_rng, compare, hidden

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
            "this is the mean of the distances. Square them first.": _sized(lambda e: np.abs(e).mean()),
            "this is the standard deviation of the errors, which takes their mean off first. An RMSE doesn't.": (
                _sized(np.std)
            ),
            "there is one power too many: degree d has the powers 0 to d.": lambda *a: _errors(*a[:4], a[4] + 1),
            "the constant is missing, so every curve has to go through the origin.": _no_constant,
            "the argument degree is ignored: you always fit a line.": lambda *a: _errors(*a[:4], 1),
        },
    )


# 2.2 A split without a leak

_PARTS = ("x_train", "x_validation", "x_test")


def _rows_of(pair: Any, y: Array, part: str) -> NDArray[np.int64]:
    """The rows of a part, found by their y, no two of which are equal; TryAgain if these are others."""
    places = {value: place for place, value in enumerate(y.tolist())}
    labels = np.asarray(pair[1], dtype=float).ravel().tolist()
    strange = [label for label in labels if label not in places]
    if strange and np.ndim(pair[1]) > 1:
        raise TryAgain(
            f"in the place of y the {part} part has an array of shape {np.shape(pair[1])}, and in that of x one of "
            f"shape {np.shape(pair[0])}: each pair is (x, y), x first."
        )
    if len(strange) == len(labels) > 0 and all(label in range(len(y)) for label in strange):
        raise TryAgain(f"in the place of y the {part} part holds row numbers: y[rows] are the values of these rows.")
    if strange:
        raise TryAgain(
            f"the y of the {part} part holds values of y that were not given, such as {strange[0]:.4g}. Only x is "
            "scaled: leave y in its own unit."
        )
    return np.array([places[label] for label in labels], dtype=int)


def _read_split(answer: Any, y: Array) -> tuple[list[Any], list[NDArray[np.int64]]]:
    """The three x of an answer as they are, and the rows of each part, found by their y; TryAgain if it is no split."""
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        what = f"a {type(answer).__name__}" + (f" of {len(answer)}" if isinstance(answer, tuple | list) else "")
        pairs = "(x_train, y_train), (x_validation, y_validation), (x_test, y_test)"
        raise TryAgain(f"return three pairs, {pairs}: you return {what}.")
    rows, n = list[NDArray[np.int64]](), len(y)
    for part, pair in zip(("training", "validation", "test"), answer, strict=True):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            what = f"an array of shape {pair.shape}" if isinstance(pair, np.ndarray) else f"a {type(pair).__name__}"
            raise TryAgain(f"the {part} part is no pair, but {what}: each of the three is its x and its y.")
        if isinstance(pair[0], tuple | list):
            raise TryAgain(f"the x of the {part} part is a {type(pair[0]).__name__}: return an array, as x[rows] is.")
        rows.append(_rows_of(pair, y, part))
    for one, other, names in ((0, 1, "train and validation"), (0, 2, "train and test"), (1, 2, "validation and test")):
        if shared := len(np.intersect1d(rows[one], rows[other])):
            raise TryAgain(f"{names} share {shared} rows: each row belongs to exactly one part.")
    for drawn in rows:
        if len(drawn) > (different := len(np.unique(drawn))):
            raise TryAgain(
                f"a part of {len(drawn)} rows holds the same row twice: only {different} differ. Each row of the table "
                "is dealt out once. Is an order of all rows cut in three, or are rows drawn with putting back?"
            )
    sizes = [len(part) for part in rows]
    if sum(sizes) < n:
        raise TryAgain(f"{n - sum(sizes)} of {n} rows are lost: the parts have {sizes} rows.")
    if sizes != [n * 3 // 5, n // 5, n // 5]:
        raise TryAgain(f"the sizes are {sizes} for {n} rows: 60 % are for training, 20 % each for the others.")
    return [pair[0] for pair in answer], rows


def _scaled(
    rows: Callable[..., Any] = lambda a, b, c, part: a, shift: int = 1, power: int = 1, ddof: int = 0
) -> Callable[..., list[Array]]:
    """Every part scaled by the mean and std of `rows(train, validation, test, part)`."""

    def scale(a: Array, b: Array, c: Array) -> list[Array]:
        rulers = [rows(a, b, c, part) for part in (a, b, c)]
        return [
            (part - shift * ruler.mean(axis=0)) / ruler.std(axis=0, ddof=ddof) ** power
            for part, ruler in zip((a, b, c), rulers, strict=True)
        ]

    return scale


def _reordered(given: list[Array], right: list[Array]) -> bool:
    """Whether a column, in three parts, is the right one on some scale, but in another order.

    Whatever else is wrong with it must not be taken for that: the sorted values have to agree, of each part or of all.
    """

    def agree(one: Array, other: Array) -> bool:
        return bool(abs(np.corrcoef(one, other)[0, 1]) > 1 - 1e-9)

    def sorted_agree(one: Array, other: Array) -> bool:
        return agree(np.sort(one), np.sort(other))

    if all(map(agree, given, right)):
        return False
    return all(map(sorted_agree, given, right)) or sorted_agree(np.concatenate(given), np.concatenate(right))


def _by_sklearn(*parts: Array) -> list[Any]:
    scaler = StandardScaler().fit(parts[0])
    return [scaler.transform(part) for part in parts]


@LAB.exercise("2.2", "split_and_scale(x, y, rng)", title="A split without a leak", points=4)
def _(student: Student) -> None:
    source = np.random.default_rng(hidden(22))
    cases: list[tuple[Array, ...]] = []
    given: dict[bytes, Any] = {}
    for n, columns in ((20, 2), (20, 3), (35, 4)):
        x = source.normal(source.normal(scale=5, size=columns), [1, 3, 10, 2][:columns], (n, columns))
        y = np.array(source.permutation(n) + 100.5, dtype=np.float64)  # all differ, and none is a row's number

        def split(rng: np.random.Generator, x: Array = x, y: Array = y) -> Any:
            return _read_split(student(x, y, rng), y)

        comes_from_rng(
            lambda rng: [np.sort(part) for part in split(rng)[1]],
            np.random.default_rng,
            elsewhere="the same rng gives another split each time: is the chance from somewhere else than rng?",
            inside="the split is the same for every rng. Is it decided by chance which rows are in a part, and by the "
            "`rng` that was given?",
        )
        for answer, rows in (split(np.random.default_rng(hidden(seed))) for seed in (1, 2)):
            parts = tuple(x[part] for part in rows)
            given[parts[0].tobytes()] = answer
            cases.append(parts)
            if all(np.shape(a) == b.shape for a, b in zip(answer, parts, strict=True)) and _reordered(
                [np.asarray(a)[:, 0] for a in answer], [b[:, 0] for b in parts]
            ):
                raise TryAgain("the rows of x don't go with their y: use the same order for both.")
    compare(
        Student(lambda *parts: given[parts[0].tobytes()], list(_PARTS)),
        returns=_PARTS,
        linked=_PARTS,  # they belong to one draw
        by_hand=[],  # which rows are drawn is the student's business; the properties above hold for any draw
        others=cases,
        right=_by_sklearn,
        mistakes={
            "the mean and std come from all rows, so the test set has leaked into training. Split first, then take "
            "them from the training rows.": _scaled(lambda a, b, c, part: np.r_[a, b, c]),
            "every part is scaled with a mean and std of its own: use those of training.": _scaled(
                lambda *abcp: abcp[3]
            ),
            "the mean and std are those of training and validation together: take the training rows alone.": (
                _scaled(lambda a, b, c, part: np.r_[a, b])
            ),
            "the test part is scaled with a mean and std of its own. It must use the training rows' ruler.": (
                _scaled(lambda a, b, c, part: c if part is c else a)
            ),
            "nothing is scaled yet: subtract the training mean, divide by the training std.": _scaled(shift=0, power=0),
            "only the training part is scaled: do the same to the others.": lambda a, b, c: [*_by_sklearn(a), b, c],
            "you subtract the mean but don't divide by the std.": _scaled(power=0),
            "you divide by the std but don't subtract the mean.": _scaled(shift=0),
            "there is one mean and one std for the whole table: each column has its own (axis=0).": (
                _scaled(lambda a, b, c, part: a.ravel())
            ),
            "what you return is upside down: the difference from the mean is divided by the std.": lambda *parts: [
                1 / part for part in _by_sklearn(*parts)
            ],
            "you divide by the variance: its root, the std, is wanted, and once.": _scaled(power=2),
            "your std divides by n - 1 (ddof=1). Here, as in StandardScaler, it divides by n.": _scaled(ddof=1),
            "you scale by the smallest and the largest value. Here the mean and the std are the ruler.": (
                lambda *parts: [(p - parts[0].min(axis=0)) / np.ptp(parts[0], axis=0) for p in parts]
            ),
        },
    )


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
    compare(
        student,
        returns=("degree", "test_rmse"),
        by_hand=[
            # Validation RMSE 1.3, 0.4 and 5, so the line 1 + x / 2: at the test points 3 and 1, errors 2 and 0.
            ((THREE, TWO, (np.array([4.0, 0]), np.ones(2)), np.arange(3)), (1, 2**0.5)),
            # 2.47, 2.45 and 2.55: the line by a hair, though the parabola has no training error at all.
            ((THREE, (TWO[0], np.array([2.5, 4.4])), (np.array([4.0, 0]), np.ones(2)), np.arange(3)), (1, 2**0.5)),
        ],
        others=[
            (_sine(rng, 12), _sine(rng, 12), _sine(rng, 15), np.array(degrees))
            for degrees in ([1, 2, 3, 4, 5, 7], [8, 5, 3, 1], [0, 2, 4, 6], [7, 6, 5, 4, 3], [1, 3, 5, 7], [6, 5, 2])
        ],
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
