"""What lab 10 asks of an audit: parameters, the mean of a table, and whether rounding explains a headline."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Part, Student, TryAgain, compare_each, hidden

__all__ = ["judge_audit", "stops_at_other_depths"]

Array = NDArray[np.float64]

PERCENTS = np.array([87.1, 94.5, 80.7, 73.4, 78.2, 70.9, 86.3, 82.2, 76.7, 79.3])
N_IMAGES = np.array([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])  # of each digit in MNIST's test set


def stops_at_other_depths(sizes: tuple[int, ...], *_: Any) -> str:
    """What is said of an error, if there are more or fewer than three layers."""
    if len(sizes) == 3:
        return ""
    return (
        f"for three layers your function ran, and it stops for sizes = {sizes} ({{error}}). Take two neighbours at a "
        "time, zip(sizes[:-1], sizes[1:]), however many there are."
    )


def _each_layer(count: Callable[[int, int], int]) -> Callable[..., int]:
    return lambda sizes, *_: sum(count(a, b) for a, b in pairwise(sizes))


def _mean(percents: Array, n_images: NDArray[np.int64]) -> float:
    return float(np.average(percents, weights=n_images))


def _explains(verdict: Callable[[float, float, int, int], Any]) -> Callable[..., bool]:
    """A verdict (mean, headline, decimals, number of classes) -> bool as a function of the exercise's arguments."""
    return lambda sizes, percents, n_images, headline, decimals: bool(
        verdict(_mean(percents, n_images), headline, decimals, len(percents))
    )


def _as_number(explained: Any) -> float:
    """explained as 1.0 or 0.0; TryAgain if it is neither True nor False."""
    if isinstance(explained, bool | np.bool_) or (isinstance(explained, int) and explained in (0, 1)):
        return float(explained)
    shown = f"{explained:.4g}" if isinstance(explained, float) else f"a {type(explained).__name__}"
    raise TryAgain(f"explained should be True or False, the result of a comparison, but it is {shown}.")


_N_PARAMS = _each_layer(lambda a, b: (a + 1) * b)
_PARTS = {
    "n_params": Part(
        _N_PARAMS,
        {
            "n_params counts the weights and forgets the biases: every unit behind the inputs has one more "
            "number of its own.": _each_layer(lambda a, b: a * b),
            "n_params is the product of all layer sizes. A weight joins one unit to one unit of the next layer, "
            "so multiply neighbours, and add up over the layers.": lambda sizes, *_: int(np.prod(sizes)),
            "n_params counts a bias for the inputs too, but inputs are only pixels: they compute nothing.": (
                lambda sizes, *_: _N_PARAMS(sizes) + sizes[0]
            ),
            "n_params has one bias for each layer; every unit of the layer has its own.": _each_layer(
                lambda a, b: a * b + 1
            ),
            "n_params counts one bias for each unit on the wrong side: (a + 1) * b for the layer that leads from a "
            "units to b, not a * (b + 1).": _each_layer(lambda a, b: a * (b + 1)),
            "n_params counts the units, not the numbers that are learned: weights lie between two layers.": (
                lambda sizes, *_: sum(sizes)
            ),
            "n_params holds the first layer of weights alone: go on to the end of `sizes`, two neighbours at a time.": (
                lambda sizes, *_: _N_PARAMS(sizes[:2])
            ),
        },
    ),
    "mean": Part(
        lambda sizes, percents, n_images, *_: _mean(percents, n_images),
        {
            "mean is the plain mean of the percentages. There are more 1s than 5s among the images, so each "
            "percentage counts as often as there are images of its digit.": lambda s, p, n, *_: p.mean(),
            "mean is a fraction, but the percentages and the headline are in per cent: one factor 100 is lost.": (
                lambda s, p, n, *_: _mean(p, n) / 100
            ),
            "mean is 100 times too large: the percentages are in per cent already.": (
                lambda s, p, n, *_: _mean(p, n) * 100
            ),
            "mean is the number of right answers: divide it by the number of images, and go back to per cent.": (
                lambda s, p, n, *_: _mean(p, n) * n.sum() / 100
            ),
            "mean is a sum: the weights must add up to 1, so divide by the number of images.": (
                lambda s, p, n, *_: _mean(p, n) * n.sum()
            ),
            "mean is divided by the number of digits: once weighted, divide by the number of images.": (
                lambda s, p, n, *_: _mean(p, n) * n.sum() / len(n)
            ),
            "mean is divided by 10,000, the size of MNIST's test set: for any other table divide by n_images.sum().": (
                lambda s, p, n, *_: _mean(p, n) * n.sum() / 10_000
            ),
            "mean is rounded. Keep all its decimals: the question is how far it lies from the headline.": (
                lambda s, p, n, h, decimals: np.round(_mean(p, n), decimals)
            ),
            "mean is computed from whole images, percents * n_images / 100 rounded to integers. That adds a rounding "
            "of its own: take the percentages as they are.": (
                lambda s, p, n, *_: 100 * np.round(p * n / 100).sum() / n.sum()
            ),
        },
    ),
    "explained": Part(
        _explains(lambda mean, headline, decimals, k: abs(mean - headline) <= 0.5 * 10.0**-decimals),
        {
            "explained is False in every case that was tried. Rounding moves a percentage, and so the mean, down or up "
            "by half a unit of the last decimal. For the example, print how far the mean lies from the headline, and "
            "the room on both sides: has one of them the wrong sign, or size?": _explains(lambda *_: False),
            "explained is True in every case that was tried. For the README's table, print how far the mean lies from "
            "the headline, and the room that rounding leaves: is the distance negative, or the room too large?": (
                _explains(lambda *_: True)
            ),
            "explained leaves too much room, as if rounding could move a number by a whole unit of the last decimal. "
            "It goes to the nearest, so half a unit is the most.": _explains(lambda m, h, d, k: abs(m - h) <= 10.0**-d),
            "explained leaves too much room, as if the rounding of all the digits added up. Errors of a mean don't: if "
            "each percentage moves by 0.05, their mean moves by 0.05.": _explains(
                lambda m, h, d, k: abs(m - h) <= 0.5 * k * 10.0**-d
            ),
            "explained leaves too little room, as if rounding errors averaged out (divided by a root of the number of "
            "digits, say). They do so by luck only; ask how far they can go if all of them point the same way.": (
                _explains(lambda m, h, d, k: abs(m - h) <= 0.5 * 10.0**-d / np.sqrt(k))
            ),
            "explained leaves too little room, as if rounding were divided by the number of digits. If each percentage "
            "moves by 0.05 the same way, so does their mean.": _explains(
                lambda m, h, d, k: abs(m - h) <= 0.5 * 10.0**-d / k
            ),
            "explained answers as if mean and headline were rounded, and then compared. 82.4 and 82.6 are 0.2 apart "
            "and still round to 82 and 83: compare the distance with what rounding can do.": _explains(
                lambda m, h, d, k: round(m, d) == round(h, d)
            ),
            "explained answers as if the rounded mean were compared with the headline as it is; compare their distance "
            "with what rounding can do.": _explains(lambda m, h, d, k: abs(round(m, d) - h) < 1e-9),
            "explained leaves a room of 0.05 or so whatever `decimals` is: half a unit of the last decimal is "
            "0.5 * 10.0**-decimals.": _explains(lambda m, h, d, k: abs(m - h) <= 0.05),
            "explained is True for headlines far above the mean, too, and right for those below: is it the distance, "
            "abs(...), that you compare?": _explains(lambda m, h, d, k: m - h <= 0.5 * 10.0**-d),
            "explained is True for headlines far below the mean, too, and right for those above: is it the distance, "
            "abs(...), that you compare?": _explains(lambda m, h, d, k: h - m <= 0.5 * 10.0**-d),
            "explained is the wrong way round: True means that rounding can explain the difference.": _explains(
                lambda m, h, d, k: abs(m - h) > 0.5 * 10.0**-d
            ),
            "explained leaves far too much room, about 100 times as much as rounding does. Mean and headline are both "
            "in per cent, and so is half a unit of the table's last decimal.": _explains(
                lambda m, h, d, k: abs(m - h) / 100 <= 0.5 * 10.0**-d
            ),
            "explained leaves far too little room, about a hundredth of what rounding does. The table is in per cent: "
            "half a unit of its last decimal is 0.5 * 10.0**-decimals of a per cent.": _explains(
                lambda m, h, d, k: abs(m - h) <= 0.005 * 10.0**-d
            ),
            "explained answers as if the power of ten were upside down: more decimals leave less room, "
            "10.0**-decimals.": _explains(lambda m, h, d, k: abs(m - h) <= 0.5 * 10.0**d),
        },
        read=_as_number,
        label="explained (1 is True, 0 is False)",
    ),
}


def judge_audit(student: Student) -> None:
    """Each of the three answers by itself, on the README and on tables of other sizes."""
    cases: list[tuple[tuple[Any, ...], tuple[int, float, bool]]] = [
        # 15 numbers for 4 -> 3 and 8 for 3 -> 2; 270 + 60 of 400 images are right; 0.1 is less than 0.5.
        (((4, 3, 2), np.array([90.0, 60.0]), np.array([300, 100]), 82.6, 0), (23, 82.5, True)),
        # The README, and the same table against the count of generation 600.
        (((784, 64, 10), PERCENTS, N_IMAGES, 81.47, 1), (50_890, 81.19636, False)),
        (((784, 32, 10), PERCENTS, N_IMAGES, 81.20, 1), (25_450, 81.19636, True)),
    ]
    rng = np.random.default_rng(hidden(101))
    others: list[tuple[Any, ...]] = []
    for sizes, n_classes, gap, decimals in (
        ((10_000, 128, 26), 10, 0.07, 1),
        ((4, 3, 3, 2), 4, 0.3, 0),
        ((9, 4), 4, -0.2, 0),
        ((6, 2, 2), 6, 0.003, 0),
        ((7, 5), 3, -0.8, 0),
        ((5, 8, 4, 2, 3), 5, 0.004, 2),
        ((64, 16, 10), 4, -0.02, 2),
        ((3, 9, 3), 4, 0.2, 2),
        ((8, 8), 4, -0.9, 2),
        ((2, 6, 5), 5, 0.048, 1),
        ((9, 3, 2), 3, -0.053, 1),
    ):
        percents = np.round(rng.uniform(40, 99, n_classes), decimals)
        n_images = rng.integers(50, 900, n_classes)
        others.append((sizes, percents, n_images, _mean(percents, n_images) + gap, decimals))
    compare_each(student, _PARTS, by_hand=cases, others=others)
