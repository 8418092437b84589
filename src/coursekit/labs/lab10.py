"""The checks of lab 10, "GENREG on MNIST": an audit, two fixed points, a safe choice, and one generation."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Constant, Lab, Part, Student, TryAgain, compare_each, hidden, refuse
from coursekit.labs import lab10_replicating as replicating
from coursekit.labs.lab10_auditing import judge_audit, stops_at_other_depths
from coursekit.labs.lab10_replicating import agree, chances_of
from coursekit.labs.tensors import comes_from_rng, seeded

# Exercise 10.4 evolves five populations: a second, many more for a slow answer on a busy machine.
LAB = Lab(
    10, "GENREG on MNIST", time_limit=40, varies={"10.1": Constant(returned={"mean": 1}), "10.2": Constant("reward")}
)
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]


# 10.1 Audit a README

LAB.exercise(
    "10.1",
    "audit(sizes, percents, n_images, headline, decimals)",
    title="Audit a README",
    points=4,
    on_error={((IndexError, ValueError), ""): stops_at_other_depths},
)(judge_audit)


# 10.2 Trust's two fixed points


def _immortal(r: float, d: float, h: float) -> float:
    return r / d


def _line(r: float, d: float, h: float) -> float:
    # Summed along the ancestors: the genome's own reward, what is left of its parent's, of its grandparent's ...
    return r * sum(((1 - d) * h) ** age for age in range(400))


_FIXED_POINTS = {
    "immortal": Part(
        _immortal,
        {
            "immortal divides by 1 - decay, the share that is kept. What must balance the reward each generation is "
            "the share that is lost: solve tau = (1 - decay) * tau + reward.": lambda r, d, h: r / (1 - d),
            "immortal is the trust of a line of descent: did you return the two in the wrong order?": _line,
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
    ),
    "line": Part(
        _line,
        {
            "line ignores inheritance: that is the immortal genome once more. A child keeps only the share "
            "`inheritance` of its parent's trust.": _immortal,
            "line ignores inheritance: the reward alone would be right if a child started from nothing.": (
                lambda r, d, h: r
            ),
            "line is what a child is born with, before its own decay and reward. Take the trust by which it is "
            "sorted: inheritance multiplies what comes from the parent, not the reward.": lambda r, d, h: (
                h * _line(r, d, h)
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
            "line is reward / (decay - inheritance) in your code, as if the two factors of tau were added. What is "
            "inherited is multiplied by (1 - decay): the factor of tau is (1 - decay) * inheritance.": (
                lambda r, d, h: r / (1 - (1 - d) - h)
            ),
            "line takes inheritance for a loss: it is the share that the child gets.": lambda r, d, h: (
                r / (1 - (1 - d) * (1 - h))
            ),
            "line lets the reward decay too: decay takes from old trust only, and then the reward is added.": (
                lambda r, d, h: (1 - d) * _line(r, d, h)
            ),
            "what line inherits counts with the wrong sign: tau = (1 - decay) * inheritance * tau + reward, which has "
            "a minus below the line if it is solved.": lambda r, d, h: r / (1 + (1 - d) * h),
            "line lacks the reward: your number is how many rewards it amounts to.": lambda r, d, h: _line(1.0, d, h),
        },
    ),
}


@LAB.exercise("10.2", "fixed_points(reward, decay, inheritance)", title="Trust's two fixed points", points=5)
def _(student: Student) -> None:
    by_hand: list[tuple[tuple[float, float, float], tuple[float, float]]] = [
        ((60.0, 0.2, 0.5), (300.0, 100.0)),  # 60 / 0.2, and 60 / (1 - 0.4)
        ((1561.6, 0.2, 0.03), (7808.0, 1600.0)),  # the README's settings, at 80.9 % right answers of 200
        ((-45.0, 0.5, 0.2), (-90.0, -50.0)),
    ]
    rng = np.random.default_rng(hidden(102))
    others = [(r, d, h) for r, d, h in rng.uniform((-300, 0.1, 0.02), (2000, 0.9, 0.95), (5, 3))]
    compare_each(student, _FIXED_POINTS, by_hand=by_hand, others=others)


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
    "you shift the weights although none is negative, so that the smallest becomes 0 and has no chance. Shift only if "
    "the smallest is below zero.": _by_weight(lambda w: w - w.min()),
    "your chances are those of a softmax: a few points of trust decide everything. In proportion is trust[i] / sum.": (
        _by_weight(lambda w: torch.softmax(w, 0))
    ),
    "less trust gives a better chance, as 1 / trust would: is a division turned round, or a sort?": _by_weight(
        lambda w: 1 / w
    ),
}
_MIXED: dict[str, Chances] = {
    "with negative trust among the survivors your weights are no probabilities, and torch.multinomial stops. Shift "
    "all the weights first so that the smallest becomes zero.": _by_weight(lambda w: w),
    "you take the absolute value: a survivor at -3 is then likelier than one at -1. Shift all weights instead.": (
        _by_weight(torch.abs)
    ),
    "survivors with negative trust have no chance, as if their weights were set to zero: -1 and -3 are then the same, "
    "and where all are negative nobody is left. Shift all weights so that the smallest becomes zero.": _by_weight(
        lambda w: w.clamp(min=0)
    ),
    "you shift by the smallest trust of the whole population. Those who didn't survive have no say any more: shift by "
    "the smallest among the survivors.": lambda s, t: chances_of(s, _lifted(t[s], t.min()), len(t)),
    "with negative trust among the survivors your choice is even; shift all weights so that the smallest becomes zero, "
    "and keep the proportions.": _by_weight(torch.ones_like),
    "you shift too far: the smallest weight becomes 0 by our rule, not 1.": _by_weight(lambda w: w - w.min() + 1),
}
_ALL_NEGATIVE: dict[str, Chances] = {
    "where all survivors are negative, your choice is even, and forgets who was best. Shift all weights so that the "
    "smallest becomes zero.": _by_weight(torch.ones_like),
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
    ("positive and below 1", [1, 3], [0.1, 0.9, 0.2, 0.3], _POSITIVE),
    ("partly negative", [4, 1, 3], [-20, -1, -9, -3, 5, -8], _MIXED),
    ("negative and above -1", [2, 0, 3], [0.1, -2, 0.6, -0.4], _MIXED),
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
    if not isinstance(answer, Tensor):
        raise TryAgain(
            f"your function should return one tensor of row numbers, but it returned a {type(answer).__name__}. "
            "torch.tensor(...) makes one of a list; survivors[positions] is one if `positions` is."
        )
    rows = answer
    if rows.dtype.is_floating_point or rows.dtype in (torch.bool, torch.complex64, torch.complex128):
        kind = "a mask" if rows.dtype == torch.bool else "weights"
        raise TryAgain(f"row numbers are whole numbers, but you return {rows.dtype}: are these {kind}?")
    if rows.shape != (n_parents,):
        raise TryAgain(
            f"your function should return {n_parents} row numbers, shape ({n_parents},), when n_parents is "
            f"{n_parents}; it returned the shape {tuple(rows.shape)}."
        )
    outside = [row for row in rows.tolist() if not 0 <= row < n_genomes]
    if outside:
        raise TryAgain(f"row {outside[0]} is outside a population of {n_genomes} genomes (rows count from 0).")
    return rows.long()


@LAB.exercise(
    "10.3",
    "choose(survivors, trust, n_parents, rng)",
    title="A safe choose",
    points=3,
    on_error={
        # Not "Dimension out of range": that is an axis, and no place.
        (IndexError, "^(?!Dimension).*out of (bounds|range)"): lambda survivors, trust, *_: (
            f"a place is asked for that isn't there ({{error}}). There are {len(survivors)} survivors, at the places 0 "
            f"to {len(survivors) - 1}, of {len(trust)} genomes. If you give torch.multinomial a weight for each "
            f"genome, it draws places up to {len(trust) - 1}: the survivors' weights are trust[survivors]."
            if len(trust) == len(_POPULATIONS[0][2])  # such weights stop there already; a later stop has other reasons
            else ""
        )
    },
)
def _(student: Student) -> None:
    def draw(survivors: Tensor, trust: Tensor, n_parents: int, rng: torch.Generator) -> Tensor:
        return _rows(student(survivors, trust, n_parents, rng), n_parents, len(trust))

    survivors, trust = torch.tensor(_POPULATIONS[0][1]), torch.tensor(_POPULATIONS[0][2])
    small = [draw(survivors, trust, 3, seeded(n)) for n in range(40)]
    alike = all(torch.equal(rows, small[0]) for rows in small)
    refuse(
        all(len(set(rows.tolist())) == 3 for rows in small) and not alike,
        "no parent is drawn twice in 40 calls that draw 3 each: you draw without replacement. The fittest should have "
        "many children, and 40 survivors have 200 of them: replacement=True.",
    )
    for about, rows, values, mistakes in _POPULATIONS:
        survivors, trust = torch.tensor(rows), torch.tensor(values, dtype=torch.float32)
        try:
            drawn = torch.bincount(draw(survivors, trust, _N_DRAWS, seeded(103)), minlength=len(trust)) / _N_DRAWS
        except NotImplementedError:
            raise
        except RuntimeError as error:
            drawn = None
            about_weights = re.search("multinomial|probability", str(error))
            if not about_weights or not any(chances(survivors, trust) is None for chances in mistakes.values()):
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
    comes_from_rng(
        lambda rng: draw(torch.tensor(_POPULATIONS[0][1]), torch.tensor(_POPULATIONS[0][2]), 50, rng),
        elsewhere="two calls with the same seed draw different parents, so your function has another source of "
        "randomness. Give whatever draws the generator, torch.multinomial for instance: generator=rng.",
        inside="two generators with different seeds give the same parents: draw from `rng` as it goes on, and don't "
        "seed anything inside your function.",
    )


# 10.4 One generation, then replicate

NET, SETTINGS, EXPECTED = replicating.NET, replicating.SETTINGS, replicating.EXPECTED  # the notebook asks for them


@LAB.exercise(
    "10.4",
    "one_generation(population, trust, rewards, rng, settings)",
    title="One generation, then replicate",
    points=4,
    on_error={
        (
            RuntimeError,
            "invalid multinomial|probability",
        ): "the choice of parents stops ({error}): one of its weights is negative or NaN, or all are 0. Trust can be "
        "negative, as in the first generations of a run: draw the parents with a `choose` that passes exercise 10.3, "
        "or with ga.proportional meanwhile."
    },
    in_place=replicating.overwritten,
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
            "settings or from a shape, or kept from an earlier call?"
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
