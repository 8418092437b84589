"""The broken notebook of part II: wrong repairs beside those of its table, with pieces of their hints; right ones."""

import math

import numpy as np


def first_rate_for_all(score, widths, rates):
    return [score(width, rates[0]) for width in widths]


def half_of_the_rates(score, widths, rates):
    return [np.nanmin([score(width, rate) for rate in rates[:2]]) for width in widths]


def best_rate_of_all(score, widths, rates):
    """One rate for all, the one that is best on average: still a second knob that is fixed."""
    table = np.array([[score(width, rate) for rate in rates] for width in widths])
    table[~np.isfinite(table)] = 9
    return table[:, table.mean(axis=0).argmin()]


def until_it_breaks(score, widths, rates):
    """Stops trying where a loss is worse than the one before."""
    best = []
    for width in widths:
        losses = []
        for rate in rates:
            losses.append(score(width, rate))
            if len(losses) > 1 and losses[-1] > losses[-2]:
                break
        best.append(np.nanmin([one if np.isfinite(one) else np.nan for one in losses]))
    return best


def by_loops(score, widths, rates):
    lowest = []
    for width in widths:
        best = math.inf
        for rate in rates:
            loss = score(width, rate)
            if math.isfinite(loss) and loss < best:
                best = loss
        lowest.append(best)
    return np.array(lowest)


def infinity_for_nan(score, widths, rates):
    table = np.array([[score(width, rate) for rate in rates] for width in widths])
    table[np.isnan(table)] = np.inf
    return table.min(axis=1)


WRONG = {
    "22.2": [
        (first_rate_for_all, "those of the first rate alone"),
        (half_of_the_rates, "Did you try every rate"),
        (best_rate_of_all, "one rate for all widths"),
        (until_it_breaks, "each width should be tried at every rate"),
    ],
}
RIGHT = {"22.2": [by_loops, infinity_for_nan]}
