"""The checks of lab 10, "GENREG on MNIST": an audit, two fixed points, a safe choice, and one generation."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Lab, Student, TryAgain, compare
from coursekit.labs import lab10_replicating as replicating
from coursekit.labs.lab10_replicating import agree, chances_of
from coursekit.labs.tensors import seeded

# Exercise 10.4 evolves five populations: a second, many more for a slow answer on a busy machine.
LAB = Lab(10, "GENREG on MNIST", time_limit=40)
check, passed, score = LAB.check, LAB.passed, LAB.score

Array = NDArray[np.float64]

PERCENTS = np.array([87.1, 94.5, 80.7, 73.4, 78.2, 70.9, 86.3, 82.2, 76.7, 79.3])
N_IMAGES = np.array([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])  # of each digit in MNIST's test set


def _part(student: Student, number: int, names: tuple[str, ...]) -> Student:
    """The student's function, but it returns only one of several values, so that each can be judged alone."""

    def one(*args: Any) -> Any:
        answer = student(*args)
        several = isinstance(answer, tuple | list) or bool(getattr(answer, "ndim", 0))  # an array will do
        if not several or len(answer) != len(names):
            got = f"{len(answer)} values" if several else f"one of type {type(answer).__name__}"
            listed = ", ".join(names)
            raise TryAgain(
                f"your function should return {len(names)} values, ({listed}), but it returned {got}. "
                f"End it with `return {listed}`."
            )
        return answer[number]

    return Student(one, student.parameters)


# 10.1 Audit a README


def _each_layer(count: Callable[[int, int], int]) -> Callable[..., int]:
    return lambda sizes, *_: sum(count(a, b) for a, b in pairwise(sizes))


def _mean(percents: Array, n_images: NDArray[np.int64]) -> float:
    return float(np.average(percents, weights=n_images))


def _explains(verdict: Callable[[float, float, int, int], Any]) -> Callable[..., float]:
    """A verdict (mean, headline, decimals, number of classes) -> bool as a function of the exercise's arguments."""
    return lambda sizes, percents, n_images, headline, decimals: float(
        verdict(_mean(percents, n_images), headline, decimals, len(percents))
    )


@LAB.exercise("10.1", "audit(sizes, percents, n_images, headline, decimals)", title="Audit a README", points=4)
def _(student: Student) -> None:
    names = ("n_params", "mean", "explained")
    cases: list[tuple[tuple[Any, ...], tuple[int, float, bool]]] = [
        # 15 numbers for 4 -> 3 and 8 for 3 -> 2; 270 + 60 of 400 images are right; 0.1 is less than 0.5.
        (((4, 3, 2), np.array([90.0, 60.0]), np.array([300, 100]), 82.6, 0), (23, 82.5, True)),
        # The README, and the same table against the count of generation 600.
        (((784, 64, 10), PERCENTS, N_IMAGES, 81.47, 1), (50_890, 81.19636, False)),
        (((784, 32, 10), PERCENTS, N_IMAGES, 81.20, 1), (25_450, 81.19636, True)),
    ]
    rng = np.random.default_rng(101)
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
    ):
        percents = np.round(rng.uniform(40, 99, n_classes), decimals)
        n_images = rng.integers(50, 900, n_classes)
        others.append((sizes, percents, n_images, _mean(percents, n_images) + gap, decimals))

    def any_depth(*args: Any) -> Any:
        try:
            return student(*args)
        except (IndexError, ValueError):
            if len(args[0]) == 3:
                raise
            raise TryAgain(
                f"your function works for three layers but stops for sizes = {args[0]}: take two neighbours at a time, "
                "zip(sizes[:-1], sizes[1:]), however many there are."
            ) from None

    def part(number: int, right: Callable[..., Any], mistakes: Mapping[str, Callable[..., Any]]) -> None:
        function = _part(Student(any_depth, student.parameters), number, names)
        if number == 2:
            function = Student(_as_number(function), student.parameters)
        by_hand = [(args, answer[number]) for args, answer in cases]
        compare(
            function,
            returns="explained (1 is True, 0 is False)" if number == 2 else (names[number],),
            by_hand=by_hand,
            others=others,
            right=right,
            mistakes=mistakes,
        )

    right_count = _each_layer(lambda a, b: (a + 1) * b)
    part(
        0,
        right_count,
        {
            "n_params counts the weights and forgets the biases: every unit behind the inputs has one more "
            "number of its own.": _each_layer(lambda a, b: a * b),
            "n_params is the product of all layer sizes. A weight joins one unit to one unit of the next layer, "
            "so multiply neighbours, and add up over the layers.": lambda sizes, *_: int(np.prod(sizes)),
            "n_params counts a bias for the inputs too, but inputs are only pixels: they compute nothing.": (
                lambda sizes, *_: right_count(sizes) + sizes[0]
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
                lambda sizes, *_: right_count(sizes[:2])
            ),
        },
    )
    part(
        1,
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
    )
    part(
        2,
        _explains(lambda mean, headline, decimals, k: abs(mean - headline) <= 0.5 * 10.0**-decimals),
        {
            "explained is never True: no room is left for rounding. A percentage printed with one decimal may be 0.05 "
            "higher or lower in truth, and so may their mean.": _explains(lambda *_: False),
            "explained is always True.": _explains(lambda *_: True),
            "explained allows a whole unit of the last decimal. Rounding goes to the nearest, so it moves a "
            "number by half a unit at most.": _explains(lambda m, h, d, k: abs(m - h) <= 10.0**-d),
            "explained adds up the rounding of all the digits. Errors of a mean don't add up: if each percentage "
            "moves by 0.05, their mean moves by 0.05.": _explains(lambda m, h, d, k: abs(m - h) <= 0.5 * k * 10.0**-d),
            "explained lets rounding errors average out (a root, or a division, by the number of digits). They do so "
            "by luck only; ask how far they can go if all of them point the same way.": _explains(
                lambda m, h, d, k: abs(m - h) <= 0.5 * 10.0**-d / np.sqrt(k)
            ),
            "explained divides the rounding by the number of digits. If each percentage moves by 0.05 the same way, "
            "so does their mean.": _explains(lambda m, h, d, k: abs(m - h) <= 0.5 * 10.0**-d / k),
            "explained compares two rounded numbers. 82.4 and 82.6 are 0.2 apart and still round to 82 and 83: compare "
            "the distance with what rounding can do.": _explains(lambda m, h, d, k: round(m, d) == round(h, d)),
            "explained compares the rounded mean with the headline as it is; compare their distance with what "
            "rounding can do.": _explains(lambda m, h, d, k: abs(round(m, d) - h) < 1e-9),
            "explained uses 0.05 whatever `decimals` is: half a unit of the last decimal is 0.5 * 10.0**-decimals.": (
                _explains(lambda m, h, d, k: abs(m - h) <= 0.05)
            ),
            "explained looks one way only: a headline far above the mean passes. Take the distance, abs(...).": (
                _explains(lambda m, h, d, k: m - h <= 0.5 * 10.0**-d)
            ),
            "explained looks one way only: a headline far below the mean passes. Take the distance, abs(...).": (
                _explains(lambda m, h, d, k: h - m <= 0.5 * 10.0**-d)
            ),
            "explained is the wrong way round: True means that rounding can explain the difference.": _explains(
                lambda m, h, d, k: abs(m - h) > 0.5 * 10.0**-d
            ),
            "explained mixes per cent and fractions: mean and headline are both in per cent, and so is half a unit "
            "of the table's last decimal.": _explains(lambda m, h, d, k: abs(m - h) / 100 <= 0.5 * 10.0**-d),
            "explained allows 100 times too little: the table is in per cent, so half a unit of its last decimal is "
            "0.5 * 10.0**-decimals of a per cent.": _explains(lambda m, h, d, k: abs(m - h) <= 0.005 * 10.0**-d),
            "explained has the power of ten upside down: more decimals leave less room, so it is 10.0**-decimals.": (
                _explains(lambda m, h, d, k: abs(m - h) <= 0.5 * 10.0**d)
            ),
        },
    )


def _as_number(function: Student) -> Callable[..., float]:
    """explained as 1.0 or 0.0; TryAgain if it is neither True nor False."""

    def number(*args: Any) -> float:
        explained = function(*args)
        if isinstance(explained, bool | np.bool_) or (isinstance(explained, int) and explained in (0, 1)):
            return float(explained)
        shown = f"{explained:.4g}" if isinstance(explained, float) else f"a {type(explained).__name__}"
        raise TryAgain(f"explained should be True or False, the result of a comparison, but it is {shown}.")

    return number


# 10.2 Trust's two fixed points


@LAB.exercise("10.2", "fixed_points(reward, decay, inheritance)", title="Trust's two fixed points", points=5)
def _(student: Student) -> None:
    names = ("immortal", "line")
    by_hand: list[tuple[tuple[float, float, float], tuple[float, float]]] = [
        ((60.0, 0.2, 0.5), (300.0, 100.0)),  # 60 / 0.2, and 60 / (1 - 0.4)
        ((1561.6, 0.2, 0.03), (7808.0, 1600.0)),  # the README's settings, at 80.9 % right answers of 200
        ((-45.0, 0.5, 0.2), (-90.0, -50.0)),
    ]
    rng = np.random.default_rng(102)
    others = [(r, d, h) for r, d, h in rng.uniform((-300, 0.1, 0.02), (2000, 0.9, 0.95), (5, 3))]

    def immortal(r: float, d: float, h: float) -> float:
        return r / d

    def line(r: float, d: float, h: float) -> float:
        # Summed along the ancestors: the genome's own reward, what is left of its parent's, of its grandparent's ...
        return r * sum(((1 - d) * h) ** age for age in range(400))

    compare(
        _part(student, 0, names),
        returns="immortal",
        by_hand=[(args, answer[0]) for args, answer in by_hand],
        others=others,
        right=immortal,
        mistakes={
            "immortal divides by 1 - decay, the share that is kept. What must balance the reward each generation is "
            "the share that is lost: solve tau = (1 - decay) * tau + reward.": lambda r, d, h: r / (1 - d),
            "immortal is the trust of a line of descent: did you return the two in the wrong order?": line,
            "immortal is taken right after the decay; look at it after the reward has been added, when the "
            "population is sorted.": lambda r, d, h: (1 - d) * r / d,
            "immortal uses inheritance, but nothing is inherited: this genome never dies.": lambda r, d, h: h * r / d,
            "immortal is one generation's reward. It grows on: solve tau = (1 - decay) * tau + reward for tau.": (
                lambda r, d, h: r
            ),
            "immortal lacks the reward: 1 / decay is how many rewards it amounts to.": lambda r, d, h: 1 / d,
            "immortal multiplies by the decay: solve tau = (1 - decay) * tau + reward for tau.": lambda r, d, h: r * d,
            "immortal stops after two generations. Write tau on both sides of the equals sign, and solve.": (
                lambda r, d, h: r + (1 - d) * r
            ),
        },
    )
    compare(
        _part(student, 1, names),
        returns="line",
        by_hand=[(args, answer[1]) for args, answer in by_hand],
        others=others,
        right=line,
        mistakes={
            "line ignores inheritance: that is the immortal genome once more. A child keeps only the share "
            "`inheritance` of its parent's trust.": immortal,
            "line ignores inheritance: the reward alone would be right if a child started from nothing.": (
                lambda r, d, h: r
            ),
            "line is what a child is born with, before its own decay and reward. Take the trust by which it is "
            "sorted: inheritance multiplies what comes from the parent, not the reward.": lambda r, d, h: (
                h * line(r, d, h)
            ),
            "line is a share of the immortal's trust, but no parent was immortal: the parent's trust is `line` "
            "as well. Write tau = (1 - decay) * inheritance * tau + reward.": lambda r, d, h: h * r / d,
            "line starts a child at a share of the immortal's trust, but its parent was a child too: the parent's "
            "trust is `line` as well.": lambda r, d, h: (1 - d) * h * r / d + r,
            "line looks back one generation only: the parent had a parent. Put tau on both sides and solve.": (
                lambda r, d, h: r + (1 - d) * h * r
            ),
            "line forgets the decay: what is inherited decays before the child's reward is added.": (
                lambda r, d, h: r / (1 - h)
            ),
            "line mixes up decay and what is kept: trust is multiplied by 1 - decay, not by decay.": (
                lambda r, d, h: r / (1 - d * h)
            ),
            "line adds up inheritance and decay; the inherited trust is multiplied by (1 - decay), so the factor of "
            "tau is (1 - decay) * inheritance.": lambda r, d, h: r / (1 - (1 - d) - h),
            "line takes inheritance for a loss: it is the share that the child gets.": lambda r, d, h: (
                r / (1 - (1 - d) * (1 - h))
            ),
            "line lets the reward decay too: decay takes from old trust only, and then the reward is added.": (
                lambda r, d, h: (1 - d) * line(r, d, h)
            ),
            "line has a plus for a minus: bring (1 - decay) * inheritance * tau to the other side.": lambda r, d, h: (
                r / (1 + (1 - d) * h)
            ),
            "line lacks the reward: your number is how many rewards it amounts to.": lambda r, d, h: line(1.0, d, h),
        },
    )


# 10.3 A safe choose


def _or_even(weights: Tensor) -> Tensor:
    return weights if float(weights.sum()) > 0 else torch.ones_like(weights)


def _lifted(weights: Tensor, lowest: Tensor) -> Tensor:
    """All weights shifted so that `lowest` becomes zero if it is negative."""
    return weights - min(0.0, float(lowest))


Chances = Callable[[Tensor, Tensor], Tensor | None]
"""(survivors, trust) -> the chance of every row of the population, or None for an error from torch.multinomial."""


def _by_weight(weight: Callable[[Tensor], Tensor]) -> Chances:
    return lambda survivors, trust: chances_of(survivors, weight(trust[survivors]), len(trust))


_safe = _by_weight(lambda w: _or_even(_lifted(w, w.min())))

# Each list is asked in turn when a population is answered wrongly; the answers to those before it were right.
_POSITIVE: dict[str, Chances] = {
    "you return positions in the list of survivors (0, 1, 2, ...), not their rows in the population: look the rows "
    "up, survivors[positions].": lambda s, t: chances_of(torch.arange(len(s)), t[s], len(t)),
    "parents that are no survivors are drawn: your weights are those of the whole population. Take trust[survivors], "
    "and survivors[...] of what multinomial gives.": lambda s, t: chances_of(torch.arange(len(t)), t, len(t)),
    "the weights belong to the wrong genomes: the first few entries of `trust` are the first rows of the population, "
    "not the survivors. One weight for each survivor, in their order, is trust[survivors].": lambda s, t: chances_of(
        s, t[: len(s)], len(t)
    ),
    "all survivors are equally likely, whatever their trust: draw in proportion to it.": _by_weight(torch.ones_like),
    "the best survivor is always the parent: draw in proportion to trust.": _by_weight(
        lambda w: (w == w.max()).to(w.dtype)
    ),
    "you shift the weights although none is negative, so that the last survivor has no chance. Shift only if the "
    "smallest is below zero.": _by_weight(lambda w: w - w.min()),
    "that is a softmax: a difference of a few points decides everything. In proportion means trust[i] / sum.": (
        _by_weight(lambda w: torch.softmax(w, 0))
    ),
    "less trust gives a better chance: is a sign or a sort turned round?": _by_weight(lambda w: 1 / w),
}
_MIXED: dict[str, Chances] = {
    "with negative trust among the survivors your weights are no probabilities, and torch.multinomial stops. Shift "
    "all the weights first so that the smallest becomes zero.": _by_weight(lambda w: w),
    "you take the absolute value: a survivor at -3 is then likelier than one at -1. Shift all weights instead.": (
        _by_weight(torch.abs)
    ),
    "you set negative weights to zero: survivors at -1 and -3 are then the same, and where all are negative nobody is "
    "left. Shift all weights so that the smallest becomes zero.": _by_weight(lambda w: w.clamp(min=0)),
    "you shift by the smallest trust of the whole population. Those who didn't survive have no say any more: shift by "
    "the smallest among the survivors.": lambda s, t: chances_of(s, _lifted(t[s], t.min()), len(t)),
    "one negative weight makes your choice even; shift all weights so that the smallest becomes zero, and keep the "
    "proportions.": _by_weight(torch.ones_like),
    "you shift too far: the smallest weight becomes 0 by our rule, not 1.": _by_weight(lambda w: w - w.min() + 1),
}
_ALL_NEGATIVE: dict[str, Chances] = {
    "where all survivors are negative, clamping leaves nobody, and an even choice forgets who was best. Shift all "
    "weights so that the smallest becomes zero.": _by_weight(torch.ones_like),
}
_EQUAL: dict[str, Chances] = {
    "when all survivors have the same negative trust, the shift leaves only zeros, and torch.multinomial stops. "
    "Where the sum is zero, make all weights 1.": lambda s, t: None,
}
_ZERO: dict[str, Chances] = {
    "when all survivors have zero trust, nothing is negative, and yet the weights have no sum, and torch.multinomial "
    "stops. Make all weights 1 there.": lambda s, t: None,
}
_POPULATIONS: list[tuple[str, list[int], list[float], dict[str, Chances]]] = [
    ("positive", [2, 5, 1, 6], [1, 3, 8, 2, 0.5, 6, 3, 1.5], _POSITIVE),
    ("partly negative", [4, 1, 3], [-20, -1, -9, -3, 5, -8], _MIXED),
    ("all negative", [3, 0, 2], [-4, -9, -8, -2], _ALL_NEGATIVE),
    ("all equal and negative", [1, 2], [-7, -5, -5, -6], _EQUAL),
    ("all zero", [2, 0], [0, -1, 0, -1], _ZERO),
]
_N_DRAWS = 3000
# Half the sum of |drawn share - chance|. 3,000 draws among four rows differ by 0.013 on average, and once in a million
# times by 0.05; the mistakes above differ by 0.1 and more.
_TOLERANCE = 0.05


def _rows(answer: Any, n_parents: int, n_genomes: int) -> Tensor:
    """The student's parents as a tensor of row numbers; TryAgain if it is of another kind."""
    try:
        rows = torch.as_tensor(answer)
    except (TypeError, ValueError, RuntimeError):
        raise TryAgain(f"your function should return row numbers, but it returned a {type(answer).__name__}.") from None
    if rows.dtype.is_floating_point or rows.dtype in (torch.bool, torch.complex64, torch.complex128):
        raise TryAgain(f"row numbers are whole numbers, but you return {rows.dtype}: are these weights?")
    if rows.shape != (n_parents,):
        raise TryAgain(
            f"your function should return {n_parents} row numbers, shape ({n_parents},), when n_parents is "
            f"{n_parents}; it returned the shape {tuple(rows.shape)}."
        )
    if int(rows.min()) < 0 or int(rows.max()) >= n_genomes:
        raise TryAgain(f"row {int(rows.max())} is outside a population of {n_genomes} genomes (rows count from 0).")
    return rows.long()


@LAB.exercise("10.3", "choose(survivors, trust, n_parents, rng)", title="A safe choose", points=3)
def _(student: Student) -> None:
    def draw(survivors: Tensor, trust: Tensor, n_parents: int, seed: int) -> Tensor:
        return _rows(student(survivors, trust, n_parents, seeded(seed)), n_parents, len(trust))

    survivors, trust = torch.tensor(_POPULATIONS[0][1]), torch.tensor(_POPULATIONS[0][2])
    try:
        small = [draw(survivors, trust, 3, seed) for seed in range(40)]
    except IndexError:
        raise TryAgain(
            f"an index is too large. There are {len(survivors)} survivors of {len(trust)} genomes: if you give "
            "torch.multinomial a weight for each genome, it answers with numbers beyond the end of `survivors`. "
            "The survivors' weights are trust[survivors]."
        ) from None
    alike = all(torch.equal(rows, small[0]) for rows in small)
    if all(len(set(rows.tolist())) == 3 for rows in small) and not alike:
        raise TryAgain(
            "no parent is ever drawn twice: you draw without replacement. The fittest should have many children, and "
            "40 survivors have 200 of them: replacement=True."
        )
    first, second = draw(survivors, trust, 50, 7), draw(survivors, trust, 50, 7)
    if not torch.equal(first, second):
        raise TryAgain(
            "two calls with the same seed draw different parents, so your function has another source of randomness. "
            "Give torch.multinomial the generator: generator=rng."
        )
    for about, rows, values, mistakes in _POPULATIONS:
        survivors, trust = torch.tensor(rows), torch.tensor(values, dtype=torch.float32)
        try:
            drawn = torch.bincount(draw(survivors, trust, _N_DRAWS, 103), minlength=len(trust)) / _N_DRAWS
        except NotImplementedError:
            raise
        except RuntimeError:
            drawn = None
            if not any(chances(survivors, trust) is None for chances in mistakes.values()):
                raise
        right = _safe(survivors, trust)
        assert right is not None
        if agree(drawn, right, _TOLERANCE):
            continue
        for hint, chances in mistakes.items():
            if agree(drawn, chances(survivors, trust), _TOLERANCE):
                raise TryAgain(hint)
        assert drawn is not None
        row = int((drawn - right).abs().argmax())
        raise TryAgain(
            f"for survivors {rows} of a population with trust {values} ({about}), row {row} should be the parent of "
            f"{100 * right[row]:.0f} % of the children, but {100 * drawn[row]:.0f} % of {_N_DRAWS:,} came from it."
        )
    survivors, trust = torch.tensor(_POPULATIONS[0][1]), torch.tensor(_POPULATIONS[0][2])
    if torch.equal(draw(survivors, trust, 50, 1), draw(survivors, trust, 50, 2)):
        raise TryAgain(
            "two generators with different seeds give the same parents: draw from `rng` as it comes, and don't seed "
            "anything inside your function."
        )


# 10.4 One generation, then replicate

NET, SETTINGS, EXPECTED = replicating.NET, replicating.SETTINGS, replicating.EXPECTED  # the notebook asks for them


@LAB.exercise(
    "10.4",
    "one_generation(population, trust, rewards, rng, settings)",
    title="One generation, then replicate",
    points=4,
)
def _(student: Student) -> None:
    replicating.one_survivor(student)
    replicating.with_mutation(student)
    replicating.four_survivors(student)
    reached = float(np.mean([replicating.evolve(student, seed) for seed in replicating.SEEDS]))
    low, high = EXPECTED
    if not low <= reached <= high:
        raise TryAgain(
            f"each step looks right on small populations, but five runs of {replicating.N_GENERATIONS} generations on "
            f"scikit-learn's digits reach a validation accuracy of {100 * reached:.1f} % on average, where "
            f"{100 * low:.0f} to {100 * high:.0f} % are expected. Is a number typed in that should come from "
            "settings or from a shape?"
        )


# 10.5 Referee report

LAB.free_text(
    "10.5",
    title="Referee report",
    points=4,
    rubric={
        4: "Says what was checked and how, and keeps three things apart: what is right in the files (8,147 of 10,000 "
        "is a real count, of generation 500), what does not fit together (the table of generation 600 under it), and "
        "what does not replicate (the printed code: several seeds, an interval, the missing settings named). Asks for "
        "at least three concrete additions, and recommends what follows from the evidence.",
        2: "Finds the mixed checkpoints or the failed replication, with a number, but not both; or both, with no "
        "interval and no concrete request to the author.",
        0: "Praises or blames without a number, or repeats the README.",
    },
)
