"""The checks of lab 3, "One neuron": two learning rules, which gates have a line, and a bound on the mistakes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Pattern, Student, compare, hidden
from coursekit.labs.lab03_gates import after_one_pass, has_line, near_all, of_one_row, table
from coursekit.labs.lab03_rules import judge_rules

LAB = Lab(3, "One neuron", varies={"3.2": Constant(), "3.3": Constant(returned={"bound": 2})})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]


# 3.1 Two rules

LAB.exercise("3.1", "both_rules(theta, row, target, learning_rate)", title="Two rules", points=5)(judge_rules)


# 3.2 The table of gates


def _with_constant(inputs: Array) -> Array:
    return np.column_stack([inputs, np.ones(len(inputs))])


@LAB.exercise("3.2", "gate_table(x)", title="The table of gates", points=5)
def _(student: Student) -> None:
    def numbers(answer: Any, x: Array) -> Any:
        """0 and 1 for a table of False and True."""
        bools = isinstance(answer, list | tuple | np.ndarray) and np.asarray(answer).dtype == bool
        return np.asarray(answer, dtype=float) if bools else answer

    rng = np.random.default_rng(hidden(32))
    corners = np.array(list(np.ndindex(2, 2)), dtype=float)
    uneven = np.array([[6.0], [-2], [5], [4], [2]])  # least squares, or a sigmoid's first steps, draw other lines
    plane = np.array([[0, 0], [2, 0], [0, 2], [2, 2], [1, 0]], dtype=float)
    # Some of its gates leave so little room that none of ten thousand directions by chance answers them, and yet the
    # rule needs no more than 24 passes.
    narrow = np.array([[-2.0, -2, 1], [-1, 3, 1], [2, 2, 1], [0, -3, -3], [1, -3, 2]])
    compare(
        student,
        returns="your table",
        by_hand=[
            # Three places on a line: only "the middle one" and "all but the middle one" need two cuts.
            ((_with_constant(np.array([0.0, 1, 2])),), [1, 1, 0, 1, 1, 0, 1, 1]),
            ((_with_constant(corners),), [n not in (6, 9) for n in range(16)]),
            # No bias: (0, 0) gets 0, and the signs of w2, w1 and w1 + w2 leave six ways for the rest.
            ((corners,), [n in (0, 2, 3, 4, 5, 7) for n in range(16)]),
        ],
        others=[
            (_with_constant(2 * rng.permutation(corners) - 1),),
            (_with_constant(rng.permutation(plane)),),
            (_with_constant(rng.permutation(uneven)),),
            (_with_constant(narrow),),
        ],
        right=table(has_line),
        mistakes={
            "your table is the wrong way round: 1 stands for a gate that can be learned.": (
                lambda x: 1 - table(has_line)(x)
            ),
            "your table says yes to every gate. If you use linprog, all weights at 0 may satisfy what you ask: ask "
            "for at least 1 where the answer is 1. If you run the rule: are *all* rows compared, at the end?": (
                lambda x: np.ones(2 ** len(x))
            ),
            "your weights can't be negative: linprog assumes that unless you give bounds=(None, None).": (
                table(lambda x, y: has_line(x, y, only_positive=True))
            ),
            "a sum of exactly 0 is a 0, too, and with you it seems to be none: without a bias there is no other at "
            "(0, 0). Do you ask for at most -1, or for a sign? At most 0 will do.": (
                table(lambda x, y: has_line(x, y, strict=True))
            ),
            "your table is that of one pass over the rows: go on until a pass has no mistake, or for 100 passes.": (
                table(after_one_pass)
            ),
            **{
                f"your table is that of a rule that has learned the {which} row alone: does every pass go through all "
                "rows, and does theta go on from row to row?": table(of_one_row(row))
                for which, row in (("first", 0), ("last", -1))
            },
            "your line is near all answers, as that of least squares is, or a sigmoid's after few steps. It misses "
            "gates that others get: run the rule, or a linear program.": table(near_all),
            "the last column of x is dropped, so your neuron has no bias.": lambda x: table(has_line)(x[:, :-1]),
            "you add a column of ones. Take x as it is: where it has no such column, the neuron has no bias.": (
                lambda x: table(has_line)(_with_constant(x))
            ),
            "you say yes to no gate with a 0 in it. Rows with the answer 0 need a sum of at most 0: does y * x, which "
            "is 0 there, ask for nothing, or for the impossible?": table(lambda x, y: bool(y.all()) and has_line(x, y)),
            "your table says no to every gate. At the end, all rows are asked: (x @ theta > 0) == y.": (
                lambda x: np.zeros(2 ** len(x))
            ),
            "some gates that have a line are missing from your table, and all your yeses are right. Has the rule "
            "(Rosenblatt's, the first of the two) enough passes, each through all rows, and a fresh start for each "
            "gate? In the end, does (x @ theta > 0) decide? Weights that are only tried, at random or in a grid, miss "
            "gates that leave little room.": Pattern(
                lambda said, right, x: np.isin(said, (0, 1)).all() and (said <= right).all()
            ),
            "your table says yes to some gates that have no line, and all your noes are right. Do you test *every* row "
            "with the weights of the end?": Pattern(
                lambda said, right, x: np.isin(said, (0, 1)).all() and (said >= right).all()
            ),
        },
        read=numbers,
    )


# 3.3 A promise before the first mistake


def _promise(
    rows: Callable[[Array], Array] = _with_constant,
    sums: Callable[[Array, Array], Array] = lambda inputs, theta: inputs @ theta[:-1] + theta[-1],
    sign: Callable[[Array], Array] = lambda y: 2 * y - 1,
    length: Callable[[Array], float] = lambda theta: float(np.linalg.norm(theta)),
    power: int = 2,
    longest: Callable[[Array], float] = lambda rows: np.sqrt(np.max(np.einsum("ij,ij->i", rows, rows))),
) -> Callable[..., tuple[float, float, float]]:
    """(R, gamma, bound), or a mistake in one of its parts."""

    def promise(inputs: Array, y: Array, theta: Array) -> tuple[float, float, float]:
        R = longest(rows(inputs))
        gamma = np.min(sign(y) * sums(inputs, theta)) / length(theta)
        return R, gamma, (R / gamma) ** power

    return promise


def _and_bound(args: tuple[Array, ...], bound: Callable[[float, float], float]) -> tuple[float, float, float]:
    """R and gamma as they should be, and another bound."""
    R, gamma, _ = _promise()(*args)
    return R, gamma, bound(R, gamma)


def _nearest_first(inputs: Array, y: Array, theta: Array, last: bool = False) -> tuple[Array, Array, Array]:
    """The row that gamma hangs on stands first, or last."""
    order = np.argsort(np.abs(inputs @ theta[:-1] + theta[-1]))[:: -1 if last else 1]
    return inputs[order], y[order], theta


def _and_gamma(inputs: Array, y: Array, theta: Array, some: slice) -> tuple[float, float, float]:
    """Gamma of some rows, beside the right R."""
    R, gamma = _promise()(inputs, y, theta)[0], _promise()(inputs[some], y[some], theta)[1]
    return R, gamma, (R / gamma) ** 2


def _separated(rng: np.random.Generator, n_rows: int, n_inputs: int) -> tuple[Array, Array, Array]:
    inputs, theta = rng.normal(size=(n_rows, n_inputs)), rng.normal(size=n_inputs + 1)
    return inputs, (inputs @ theta[:-1] + theta[-1] > 0).astype(int), theta


@LAB.exercise("3.3", "mistake_bound(inputs, y, theta)", title="A promise before the first mistake", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(33))
    corners = np.array(list(np.ndindex(2, 2)), dtype=float)
    compare(
        student,
        returns=("R", "gamma", "bound"),
        by_hand=[
            # AND. Longest row (1, 1, 1); sums -3, -1, -1, 1; length of theta sqrt(17).
            ((corners, np.array([0, 0, 0, 1]), np.array([2.0, 2, -3])), (np.sqrt(3), 1 / np.sqrt(17), 51)),
            # One input. Rows (3, 1), (0, 1), (-1, 1); sums 2, -1, -2; length of theta sqrt(2).
            ((np.array([[3.0], [0], [-1]]), np.array([1, 0, 0]), np.array([1.0, -1])), (10**0.5, 0.5**0.5, 20)),
        ],
        others=[
            *(_separated(rng, n_rows, n_inputs) for n_rows, n_inputs in ((6, 2), (9, 4), (12, 3))),
            _nearest_first(*_separated(rng, 7, 3)),
            _nearest_first(*_separated(rng, 5, 2), last=True),
        ],
        right=_promise(),
        mistakes={
            "R leaves out the input that is always 1: put a column of ones beside `inputs` before you measure rows.": (
                _promise(rows=lambda inputs: inputs)
            ),
            "the last row is left out of all that you return.": lambda inputs, y, theta: _promise()(
                inputs[:-1], y[:-1], theta
            ),
            "the first row is left out of all that you return.": lambda inputs, y, theta: _promise()(
                inputs[1:], y[1:], theta
            ),
            "gamma is not divided by the length of theta, so doubling all weights would double it. The direction u has "
            "length 1.": _promise(length=lambda theta: 1.0),
            "gamma is divided by the length of the weights without the bias. The direction u is all of theta, "
            "bias included, divided by its length.": _promise(length=lambda theta: float(np.linalg.norm(theta[:-1]))),
            "gamma is the smallest sum with its sign as it is: where the answer is 0 the sum is negative, so flip its "
            "sign before you take the smallest.": _promise(sign=np.ones_like),
            "rows with answer 0 have dropped out of gamma, because y is 0 there. Flip their sign instead: 2 * y - 1 is "
            "1 or -1.": _promise(sign=lambda y: y),
            "the bound is not squared: k * gamma <= sqrt(k) * R gives k <= (R / gamma)^2.": _promise(power=1),
            "the bound is upside down: it is (R / gamma)^2.": _promise(power=-2),
            "the bound is (R * gamma)^2: divide.": lambda *a: _and_bound(a, lambda R, gamma: (R * gamma) ** 2),
            "the bound is R^2 alone: divide R by gamma first.": lambda *a: _and_bound(a, lambda R, gamma: R**2),
            "the bound is doubled, not squared: (R / gamma)^2.": lambda *a: _and_bound(
                a, lambda R, gamma: 2 * R / gamma
            ),
            "gamma is multiplied by the length of theta: divide by it.": (
                _promise(length=lambda theta: float(1 / np.linalg.norm(theta)))
            ),
            "the signs are flipped the wrong way round: a row's sum stays where the answer is 1, and turns where it is "
            "0.": _promise(sign=lambda y: 1 - 2 * y),
            "gamma divides by the squared length of theta: take the root, as a length has it.": _promise(
                length=lambda theta: float(theta @ theta)
            ),
            "theta's length leaves out its first weight.": _promise(
                length=lambda theta: float(np.linalg.norm(theta[1:]))
            ),
            "R leaves out the first input: a row's length takes all of it.": _promise(
                rows=lambda inputs: _with_constant(inputs)[:, 1:]
            ),
            "gamma's sums leave out the first weight.": _promise(
                sums=lambda inputs, theta: inputs[:, 1:] @ theta[1:-1] + theta[-1]
            ),
            "R leaves out the first row.": _promise(rows=lambda inputs: _with_constant(inputs)[1:]),
            "R leaves out the last row.": _promise(rows=lambda inputs: _with_constant(inputs)[:-1]),
            "gamma leaves out the first row.": lambda inputs, y, theta: _and_gamma(inputs, y, theta, slice(1, None)),
            "gamma leaves out the last row.": lambda inputs, y, theta: _and_gamma(inputs, y, theta, slice(None, -1)),
            "gamma is the length of theta, by which the smallest sum is to be divided.": lambda inputs, y, theta: (
                _promise()(inputs, y, theta)[0],
                norm := float(np.linalg.norm(theta)),
                (_promise()(inputs, y, theta)[0] / norm) ** 2,
            ),
            "the bound is cubed: (R / gamma)^2.": _promise(power=3),
            "the bound is R^2 / gamma: square gamma, too.": lambda *a: _and_bound(a, lambda R, gamma: R**2 / gamma),
            "the bound is R^2 / (2 * gamma): square gamma, don't double it.": lambda *a: _and_bound(
                a, lambda R, gamma: R**2 / (2 * gamma)
            ),
            "the bound is gamma^2 alone: divide R^2 by it.": lambda *a: _and_bound(a, lambda R, gamma: gamma**2),
            "R is the length of all rows together: take that of each row (axis=1), and the largest of them.": (
                _promise(longest=lambda rows: float(np.linalg.norm(rows)))
            ),
            "R is the length of the longest column: a row's length sums over axis=1.": (
                _promise(longest=lambda rows: float(np.linalg.norm(rows, axis=0).max()))
            ),
            "R is the largest number in the rows. It is the largest *length* of a row: the root of a sum of squares.": (
                _promise(longest=np.max)
            ),
            "you return R squared as R: take the root.": lambda *a: (_promise()(*a)[0] ** 2, *_promise()(*a)[1:]),
            "the bias is left out of the sums: a row's sum is its inputs times the weights, plus the bias.": (
                _promise(sums=lambda inputs, theta: inputs @ theta[:-1])
            ),
            "your sums take theta's first entry for the bias, but it is the last. Does your column of ones come "
            "first?": (_promise(sums=lambda inputs, theta: inputs @ theta[1:] + theta[0])),
        },
    )


# 3.4 What a neuron can never learn

LAB.free_text(
    "3.4",
    title="What a neuron can never learn",
    points=6,
    rubric={
        6: "Four inequalities from the four rows with the right signs; a contradiction for all weights at once; the "
        "step that fails for AND; why neither more passes nor the sigmoid helps (p > 1/2 exactly where z > 0).",
        4: "The proof for XOR is complete, but AND, or passes and sigmoid, is missing or wrong; or all parts are there "
        "with one slip that is easily mended (a strict sign that should not be).",
        2: "Four inequalities but no valid contradiction; or a picture or a search over some weights in its place.",
        0: "It is stated, not argued; or tried runs that fail are taken for a proof.",
    },
)
