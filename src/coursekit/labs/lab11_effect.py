"""What lab 11 asks of a paired effect: a mean of differences with Student's interval, and no other interval's."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coursekit.feedback import Student, compare, hidden

__all__ = ["judge_effect"]

Array = NDArray[np.float64]


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


def judge_effect(student: Student) -> None:
    """Compare the mean difference and its interval with ours, and with those of faulty or other intervals."""
    rng = np.random.default_rng(hidden(112))
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
            "the factor is 4.3027 whatever the number of differences. That is Student's t for three of them; it "
            "depends on their number k: t.ppf(0.975, k - 1).": _paired(lambda d: (d.mean(), _t(2) * se(d))),
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
            "the squares are added up: the variance divides their sum by k - 1.": _paired(
                lambda d: (d.mean(), _t(len(d) - 1) * float(((d - d.mean()) ** 2).sum()) ** 0.5 / len(d) ** 0.5)
            ),
            "the standard deviation divides by k + 1; it is k - 1.": _paired(
                lambda d: (d.mean(), _t(len(d) - 1) * se(d) * ((len(d) - 1) / (len(d) + 1)) ** 0.5)
            ),
            "half the width is Student's t alone; multiply it by the standard error.": _paired(
                lambda d: (d.mean(), _t(len(d) - 1))
            ),
            "you multiply by 0.975, which is a probability. The factor is the quantile that belongs to it, "
            "t.ppf(0.975, k - 1).": _paired(lambda d: (d.mean(), 0.975 * se(d))),
            "you multiply by 0.025, which is a probability. The factor is the quantile that belongs to it, "
            "t.isf(0.025, k - 1).": _paired(lambda d: (d.mean(), 0.025 * se(d))),
            "t has 1 degree of freedom in your code, whatever k is; it is k - 1.": _paired(
                lambda d: (d.mean(), _t(1) * se(d))
            ),
            "t has k + 1 degrees of freedom in your code; it is k - 1.": _paired(
                lambda d: (d.mean(), _t(len(d) + 1) * se(d))
            ),
            "you divide by Student's t; multiply the standard error by it.": _paired(
                lambda d: (d.mean(), se(d) / _t(len(d) - 1))
            ),
            "you divide by k / 2; a standard error divides by the root of k.": _paired(
                lambda d: (d.mean(), _t(len(d) - 1) * float(d.std(ddof=1)) / (0.5 * len(d)))
            ),
            "low is half the width of the interval itself: take it off the mean.": lambda treated, control: (
                float((treated - control).mean()),
                _t(len(treated) - 1) * se(treated - control),
                _exact(treated, control)[2],
            ),
            "high is half the width of the interval itself: put it on top of the mean.": lambda treated, control: (
                *_exact(treated, control)[:2],
                _t(len(treated) - 1) * se(treated - control),
            ),
            "low is the mean itself: take half the width of the interval off.": lambda treated, control: (
                float((treated - control).mean()),
                float((treated - control).mean()),
                _exact(treated, control)[2],
            ),
            "high is the mean itself: put half the width of the interval on top.": lambda treated, control: (
                *_exact(treated, control)[:2],
                float((treated - control).mean()),
            ),
            "`control` is ignored: what counts is the difference of each pair, treated - control.": (
                lambda treated, control: _exact(treated, 0 * control)
            ),
            "`treated` is ignored: what counts is the difference of each pair, treated - control.": (
                lambda treated, control: _exact(control, 0 * treated)
            ),
            "the pairs are added: what counts is their difference, treated - control.": lambda treated, control: _exact(
                treated, -control
            ),
            "return mean, low, high, in this order.": lambda treated, control: tuple(
                _exact(treated, control)[i] for i in (1, 0, 2)
            ),
        },
    )
