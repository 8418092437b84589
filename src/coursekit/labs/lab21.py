"""The checks of the broken notebook of part I, "A loss that climbs": the learning rate is too high."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Lab, Student, TryAgain, diagnose, hidden
from coursekit.labs.broken import asks_what_is_wrong

LAB = Lab(21, "A loss that climbs")
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]

asks_what_is_wrong(
    LAB,
    "c",
    {
        "a": "with the sign turned round the run would walk away to one side. Look at the slope: it jumps from one "
        "side of the best one to the other, and back.",
        "b": "noise in y lifts the lowest loss there is, but the data are the same in every step: it makes no loss "
        "climb. And what does it matter to y in which unit x is measured?",
        "d": "more steps would only climb higher: each jump is wider than the one before.",
    },
)


def _hessian(x: Array) -> Array:
    design = np.column_stack([x, np.ones_like(x)])
    return 2 / len(x) * design.T @ design


def _limit(x: Array) -> float:
    return float(2 / np.linalg.eigvalsh(_hessian(x))[-1])


def _described(x: Array) -> str:
    return f"x with the mean {x.mean():.3g} and the standard deviation {x.std():.3g}"


# Each a hint, and what the student's rate is a fixed share of.
_OF: tuple[tuple[str, Callable[[Array], Any]], ...] = (
    (
        "your rate looks at the mean of x² alone. Where x is small the intercept has the steeper direction: take the "
        "largest eigenvalue of the whole Hessian.",
        lambda x: 1 / np.mean(x**2),
    ),
    (
        "your rate looks at the spread of x alone, but x that lie far from 0 are steep, too: take the largest "
        "eigenvalue of the whole Hessian.",
        lambda x: 1 / np.var(x),
    ),
    (
        "you took the smallest eigenvalue, that of the flattest direction: the steepest one is what breaks first.",
        lambda x: 1 / np.linalg.eigvalsh(_hessian(x))[0],
    ),
    (
        "your rate is the smaller the more points there are, by 1 / n: the loss is a mean over them, so the entries of "
        "its Hessian are means, and nothing else is divided by their number.",
        lambda x: _limit(x) / len(x),
    ),
    (
        "that is the largest eigenvalue, or a multiple of it: the steeper the direction, the shorter the step must be.",
        lambda x: 1 / _limit(x),
    ),
)


@LAB.exercise("21.2", "safe_rate(x)", title="Mend the rate", points=6)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(212))
    cases = [np.linspace(0, 30, 16), np.linspace(0, 3, 16), np.array([-1.0, 1.0])]
    cases += [rng.normal(centre, spread, size=9) for centre, spread in ((5, 1), (-40, 3), (0, 0.2))]
    cases += [rng.normal(3, 0.5, size=200)]
    parts = []
    for x in cases:
        answer = np.asarray(student(x), dtype=float)
        if answer.shape != () or not np.isfinite(answer) or answer <= 0:
            came = f"an array of shape {answer.shape}" if answer.shape else f"{answer:.3g}"
            raise TryAgain(f"return one positive number, the learning rate; for {_described(x)} you return {came}.")
        parts.append(float(answer) / _limit(x))
    worst, slowest = cases[int(np.argmax(parts))], cases[int(np.argmin(parts))]
    taken = {hint: [float(part * _limit(x) / of(x)) for x, part in zip(cases, parts, strict=True)] for hint, of in _OF}
    diagnose(
        {
            "your rate is the same for all data, but how large a step may be depends on x: compute it from x.": (
                np.ptp([part * _limit(x) for x, part in zip(cases, parts, strict=True)]) < 1e-12
            ),
            "your rate is the limit itself: there a run neither settles nor climbs. Stay below it.": np.allclose(
                parts, 1
            ),
            **{hint: np.allclose(shares, shares[0]) for hint, shares in taken.items()},
            f"for {_described(worst)} your rate is {max(parts):.3g} times the limit, so no run settles: the limit is "
            "2 divided by the largest eigenvalue of the Hessian, whose entries are means over the points.": (
                max(parts) >= 1
            ),
            f"for {_described(slowest)} your rate is only {min(parts):.2g} of the limit, so that a run takes more than "
            "ten times as many steps as it need: stay within a tenth.": min(parts) < 0.1,
        }
    )
