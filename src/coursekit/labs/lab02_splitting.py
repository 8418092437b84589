"""How lab 2's split is judged: who is dealt where, by what chance, and with whose mean and std it is scaled."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from coursekit.feedback import Student, TryAgain, comes_from_rng, compare, hidden

__all__ = ["judge_split"]

Array = NDArray[np.float64]
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


def judge_split(student: Student) -> None:
    """Tables of other sizes, each split twice: by what chance, which rows go where, and whose ruler scales them."""
    source = np.random.default_rng(hidden(22))
    cases: list[tuple[Array, ...]] = []
    given: dict[bytes, Any] = {}
    dealt: list[tuple[bool, bool]] = []  # do all validation rows stand before all test rows, or behind?
    for n, columns in ((20, 2), (20, 3), (35, 4)):
        x = source.normal(source.normal(scale=5, size=columns), [1, 3, 10, 2][:columns], (n, columns))
        y = np.array(source.permutation(n) + 100.5, dtype=np.float64)  # all differ, and none is a row's number

        def split(rng: np.random.Generator, x: Array = x, y: Array = y) -> Any:
            return _read_split(student(x, y, rng), y)

        comes_from_rng(
            lambda rng: [np.sort(part) for part in split(rng)[1]],
            np.random.default_rng,
            elsewhere="the same rng gives another split each time: is the chance from somewhere else than rng?",
            inside="the same rows of y are in a part whatever rng is. Is that decided by chance, by the `rng` that was "
            "given, and for x and y alike?",
        )
        for answer, rows in (split(np.random.default_rng(hidden(seed))) for seed in (1, 2)):
            parts = tuple(x[part] for part in rows)
            given[parts[0].tobytes()] = answer
            dealt.append((max(rows[1]) < min(rows[2]), min(rows[1]) > max(rows[2])))
            cases.append(parts)
            if all(np.shape(a) == b.shape for a, b in zip(answer, parts, strict=True)) and _reordered(
                [np.asarray(a)[:, 0] for a in answer], [b[:, 0] for b in parts]
            ):
                raise TryAgain("the rows of x don't go with their y: use the same order for both.")
    if any(all(side) for side in zip(*dealt, strict=True)):
        raise TryAgain(
            f"in {len(dealt)} splits of {len(dealt)} the validation rows and the test rows are the two ends of what "
            "training leaves, in the order of the table. A table may be sorted: shuffle all rows once, and cut twice."
        )
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
            "only the training part is scaled: do the same to the others, with the mean and the std that it had "
            "before.": lambda a, b, c: [*_by_sklearn(a), b, c],
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
