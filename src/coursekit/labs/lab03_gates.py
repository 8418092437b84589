"""Which gates lab 3's neuron can learn: a proof by duality, and ways that miss some or see too many."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, nnls

__all__ = ["after_one_pass", "has_line", "near_all", "of_one_row", "table"]

Array = NDArray[np.float64]


def has_line(x: Array, y: Array, strict: bool = False, only_positive: bool = False) -> bool:
    """Whether some theta has x @ theta > 0 where y is 1 and <= 0 (if strict: < 0) where y is 0.

    By duality there is none if, and only if, a mean of the signed rows of the first kind plus a sum of those of the
    second kind is 0 (or, if the entries of theta must be positive, has no entry above 0). nnls looks for them.
    """
    signed = np.where(y[:, None] == 1, x, -x)
    slack = np.eye(x.shape[1]) * only_positive
    rows = np.vstack([np.hstack([signed.T, slack]), np.append(np.ones_like(y) if strict else y, slack[0] * 0)])
    wanted = np.eye(len(rows))[-1]
    try:
        return bool(nnls(rows, wanted)[1] > 1e-9)
    except RuntimeError:  # SciPy 1.14 goes in circles over a few tables
        return bool(linprog(np.zeros(rows.shape[1]), A_eq=rows, b_eq=wanted).status == 2)


def after_one_pass(x: Array, y: Array) -> bool:
    """Whether one pass of the perceptron's rule over the rows has learned them."""
    theta = np.zeros(x.shape[1])
    for row, target in zip(x, y, strict=True):
        theta = theta + (target - (theta @ row > 0)) * row
    return bool(((x @ theta > 0) == y).all())


def of_one_row(row: int) -> Callable[[Array, Array], bool]:
    """Whether the weights that answer this row alone answer all: its own if its answer is 1, else 0."""
    return lambda x, y: bool(((x @ (y[row] * x[row]) > 0) == y).all())


def near_all(x: Array, y: Array) -> bool:
    """Whether the line of least squares answers all rows."""
    return bool(((x @ np.linalg.pinv(x) @ (2 * y - 1) > 0) == y).all())


def table(test: Callable[[Array, Array], bool]) -> Callable[[Array], Array]:
    """What a test says of all gates on the rows of x, in the order of np.ndindex: 0 or 1."""
    return lambda x: np.array([float(test(x, np.array(y))) for y in np.ndindex(*[2] * len(x))])
