import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from neuroevo import stats

# Student's sleep data (1908): extra hours of sleep of ten patients under two drugs, as in R's data set `sleep`.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def ends(interval):
    return (interval.mean, interval.low, interval.high)


def test_mean_interval_of_students_data():
    # R: t.test(sleep$extra[11:20])
    assert ends(stats.mean_interval(DRUG_2)) == pytest.approx((2.33, 0.8976775, 3.7623225), abs=1e-6)


def test_paired_difference_of_students_data():
    # R: t.test(extra ~ group, data = sleep, paired = TRUE), with the sign turned
    interval = stats.difference_interval(DRUG_2, DRUG_1, paired=True)
    assert ends(interval) == pytest.approx((1.58, 0.7001142, 2.4598858), abs=1e-6)


def test_unpaired_difference_of_students_data():
    # R: t.test(extra ~ group, data = sleep), Welch's interval, with the sign turned
    interval = stats.difference_interval(DRUG_2, DRUG_1, paired=False)
    assert ends(interval) == pytest.approx((1.58, -0.2054832, 3.3654832), abs=1e-6)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_unpaired_difference_is_scipys_welch_at_unequal_sizes(level):
    rng = np.random.default_rng(0)
    a, b = rng.normal(3, 1, 5), rng.normal(2, 4, 9)
    ours = stats.difference_interval(a, b, paired=False, level=level)
    theirs = scipy_stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    assert (ours.low, ours.high, ours.level) == pytest.approx((theirs.low, theirs.high, level))


def test_proportion_interval_by_wilsons_formula():
    for successes, n in ((81, 263), (0, 10), (10, 10), (8147, 10_000)):
        z, p = scipy_stats.norm.ppf(0.975), successes / n
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        expected = (p, centre - half, centre + half)
        assert ends(stats.proportion_interval(successes, n)) == pytest.approx(expected, abs=1e-12)


def test_proportion_interval_of_the_textbook():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81 of 263.
    assert ends(stats.proportion_interval(81, 263))[1:] == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_mean_interval_covers_the_truth_as_often_as_it_says(level):
    rng, n_rounds = np.random.default_rng(1), 2000
    intervals = [stats.mean_interval(rng.normal(7, 2, 5), level) for _ in range(n_rounds)]
    covered = sum(interval.low <= 7 <= interval.high for interval in intervals)
    assert abs(covered - level * n_rounds) < 4 * math.sqrt(n_rounds * level * (1 - level))


def test_unpaired_difference_covers_the_truth_at_unequal_spreads():
    rng, n_rounds = np.random.default_rng(2), 1500
    pairs = [(rng.normal(1, 1, 5), rng.normal(0, 5, 8)) for _ in range(n_rounds)]
    intervals = [stats.difference_interval(a, b, paired=False) for a, b in pairs]
    assert 0.93 < sum(interval.low <= 1 <= interval.high for interval in intervals) / n_rounds < 0.97


def test_a_method_without_spread_gives_no_warning():
    assert ends(stats.mean_interval([0.1] * 3)) == pytest.approx((0.1, 0.1, 0.1))
    assert ends(stats.difference_interval([2, 2], [1, 1, 1], paired=False)) == (1, 1, 1)
    one_sided = stats.difference_interval([1, 2, 3], [0.1, 0.1], paired=False)
    assert ends(one_sided) == pytest.approx(ends(stats.mean_interval([0.9, 1.9, 2.9])))


def test_text():
    interval = stats.Interval(0.66249, 0.6312, 0.69349)
    assert str(interval) == "0.66 [0.63, 0.69]"
    assert interval.text(1, scale=100) == "66.2 [63.1, 69.3]"
    assert stats.Interval(-0.004, -0.02, 0.01).text(1) == "0.0 [0.0, 0.0]"  # no sign before a zero


@pytest.mark.parametrize("values", [[], [1.0], [[1.0, 2.0]], [1.0, math.nan], [1.0, math.inf]])
def test_values_that_have_no_interval(values):
    with pytest.raises(ValueError, match=r"^values must be at least 2 finite numbers"):
        stats.mean_interval(values)
    with pytest.raises(ValueError, match=r"^control must be"):
        stats.difference_interval([1, 2], values, paired=False)


@pytest.mark.parametrize("level", [0, 1, 95, math.nan])
def test_impossible_levels(level):
    for estimate in (
        lambda: stats.mean_interval([1, 2], level),
        lambda: stats.proportion_interval(1, 2, level),
        lambda: stats.difference_interval([1, 2], [3, 4], paired=False, level=level),
        lambda: stats.difference_interval([1, 2], [3, 4], paired=True, level=level),
    ):
        with pytest.raises(ValueError, match=r"level must lie in \(0, 1\)"):
            estimate()


def test_impossible_counts_and_pairs():
    for successes, n in ((3, 2), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="0 <= successes <= n"):
            stats.proportion_interval(successes, n)
    with pytest.raises(ValueError, match="equal lengths, not 2 and 3"):
        stats.difference_interval([1, 2], [1, 2, 3], paired=True)
