"""The broken notebook of part I: wrong repairs beside those of its table, each with a piece of its hint; right ones."""

import numpy as np


def hessian(x):
    return 2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1]])


def largest(x):
    return np.linalg.eigvalsh(hessian(x))[-1]


def last_weeks(x):
    return 0.1


def limit_itself(x):
    return 2 / largest(x)


def without_the_two(x):
    return 2 / (largest(x) / 2)


def mean_square_alone(x):
    return 1 / np.mean(x**2)


def spread_alone(x):
    return 1 / np.var(x)


def flattest(x):
    return 1 / np.linalg.eigvalsh(hessian(x))[0]


def summed(x):
    return 1 / (len(x) * largest(x))


def upside_down(x):
    return largest(x) / 2


def by_the_largest_x(x):
    return 1 / np.max(x) ** 2


def timid(x):
    return 0.01 / largest(x)


def downhill(x):
    return -1 / largest(x)


def one_each(x):
    return 1 / x


def close_to_the_limit(x):
    return 1.9 / largest(x)


def by_the_trace(x):
    """The sum of both eigenvalues is no smaller than the largest."""
    return 2 / (2 * np.mean(x**2) + 2)


WRONG = {
    "21.2": [
        (last_weeks, "same for all data"),
        (limit_itself, "your rate is the limit itself"),
        (without_the_two, "times the limit, so no run settles"),
        (mean_square_alone, "at the mean of x² alone"),
        (spread_alone, "at the spread of x alone"),
        (flattest, "you took the smallest eigenvalue"),
        (summed, "the smaller the more points"),
        (upside_down, "that is the largest eigenvalue"),
        (timid, "of the limit, so that a run takes more than ten times"),
        (downhill, "one positive number"),
    ],
}
RIGHT = {"21.2": [close_to_the_limit, by_the_trace]}
