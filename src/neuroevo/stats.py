"""Intervals and effect sizes, from scipy, in the form in which the book prints them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit  # quantiles of Student's t: (df, p)


@dataclass(frozen=True)
class Interval:
    """An estimate with the interval that goes with it: `mean` in [`low`, `high`] at confidence `level`."""

    mean: float
    low: float
    high: float
    level: float = 0.95

    def text(self, digits: int = 2, scale: float = 1.0) -> str:
        """For prose and tables: "66.2 [63.1, 69.3]"; `scale` multiplies, 100 for per cent."""
        mean, low, high = (f"{scale * value:z.{digits}f}" for value in (self.mean, self.low, self.high))
        return f"{mean} [{low}, {high}]"

    def __str__(self) -> str:
        return self.text()


def _sample(values: ArrayLike, name: str, smallest: int) -> np.ndarray:
    array = np.asarray(values.cpu() if hasattr(values, "cpu") else values, dtype=float)
    if array.ndim != 1 or array.size < smallest or not np.isfinite(array).all():
        raise ValueError(
            f"{name} must be at least {smallest} finite numbers in one dimension, not shape {array.shape}"
            f"{'' if np.isfinite(array).all() else ' with NaN or infinity'}"
        )
    return array


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), not {level}")


def half_width(values: np.ndarray, level: float) -> np.ndarray:
    """Half of Student's t interval of the mean over the first axis: (n, ...) finite numbers, n >= 2, to (...)."""
    _check_level(level)
    error = np.std(values, axis=0, ddof=1) / np.sqrt(len(values))
    return np.asarray(error * stdtrit(len(values) - 1, (1 + level) / 2))


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean over seeds with Student's t interval.

    Args:
        values: one number a seed, at least two.
        level: confidence, in (0, 1).
    """
    array = _sample(values, "values", 2)
    half = half_width(array, level)
    return Interval(float(array.mean()), float(array.mean() - half), float(array.mean() + half), level)


def proportion_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """Share of successes with Wilson's score interval: the sampling error of an accuracy on n inputs."""
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"need 0 <= successes <= n and n >= 1, not {successes} of {n}")
    _check_level(level)
    from scipy.stats import binomtest  # a second of import

    low, high = binomtest(int(successes), int(n)).proportion_ci(level, "wilson")
    return Interval(successes / n, float(low), float(high), level)


def difference_interval(treated: ArrayLike, control: ArrayLike, *, paired: bool, level: float = 0.95) -> Interval:
    """Mean difference treated - control, with its t interval.

    Args:
        treated, control: one number a seed.
        paired: True where entry i of both comes from the same seed, split or problem (then the interval is that of
            the differences); False for independent seeds (Welch's interval).
    """
    a, b = _sample(treated, "treated", 2), _sample(control, "control", 2)
    if paired:
        if a.size != b.size:
            raise ValueError(f"paired samples need equal lengths, not {a.size} and {b.size}")
        return mean_interval(a - b, level)
    # Written out, because scipy's ttest_ind warns and gives NaN where a method has the same value for every seed.
    _check_level(level)
    variances = np.array([a.var(ddof=1) / a.size, b.var(ddof=1) / b.size])
    if not variances.any():
        half = 0.0
    else:
        df = variances.sum() ** 2 / (variances**2 / [a.size - 1, b.size - 1]).sum()
        half = np.sqrt(variances.sum()) * stdtrit(df, (1 + level) / 2)
    mean = a.mean() - b.mean()
    return Interval(float(mean), float(mean - half), float(mean + half), level)
