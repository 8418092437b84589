"""The checks of the broken notebook of part IV, "Stopped on the way": mutation vanishes before anybody arrives."""

import numpy as np

from coursekit.feedback import Lab, Student, compare, hidden
from coursekit.labs.broken import asks_what_is_wrong

LAB = Lab(24, "Stopped on the way")
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

asks_what_is_wrong(
    LAB,
    "a",
    {
        "b": "there is one hill, and every run has stopped at another height of its slope: no summit of any kind is "
        "there.",
        "c": "fitness is minus the distance to the summit, and nothing in that is drawn by chance: who is scored twice "
        "gets the same number. (With noise a parent would lose ground now and then; no curve rises again.)",
        "d": "selection alone would leave mutation as strong as before. Look at sigma: it is a straight line on a "
        "logarithmic axis, in every run the same, whatever the run has found.",
    },
)


def _next(sigma: float, share: float, grow: float = 1.5, shrink: float = 1.5**-0.25, at: float = 0.2) -> float:
    return sigma * (grow if share > at else shrink if share < at else 1)


@LAB.exercise("24.2", "next_sigma(sigma, share_better)", title="Let success decide", points=6)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(242))
    compare(
        student,
        returns="the next sigma",
        by_hand=[((2.0, 0.5), 3.0), ((2.0, 0.0), 2 * 1.5**-0.25), ((2.0, 0.2), 2.0)],
        others=[(float(10 ** rng.uniform(-3, 1)), float(share)) for share in (0.05, 0.21, 0.19, 0.9, 1.0)],
        right=_next,
        mistakes={
            "sigma shrinks whatever happens, as in the broken run.": lambda s, p: _next(s, 0),
            "it is the other way round: many better children mean that larger steps would do, too.": lambda s, p: _next(
                s, 0.4 - p
            ),
            "success and failure weigh the same: shrink by the fourth root, or one success in five is never enough.": (
                lambda s, p: _next(s, p, shrink=1 / 1.5)
            ),
            "at exactly one in five nothing needs to shrink: sigma stays as it is.": lambda s, p: (
                _next(s, p) if p != 0.2 else s * 1.5**-0.25
            ),
            "at exactly one in five nothing needs to grow: sigma stays as it is.": lambda s, p: (
                _next(s, p) if p != 0.2 else s * 1.5
            ),
            "below one in five sigma shrinks too much, by the square root of 1.5: take the fourth root.": (
                lambda s, p: _next(s, p, shrink=1.5**-0.5)
            ),
            "below one in five sigma grows, too: divide by the fourth root.": lambda s, p: _next(
                s, p, shrink=1.5**0.25
            ),
            "below one in five sigma stays as it is: it should shrink, by the fourth root of 1.5.": lambda s, p: _next(
                s, p, shrink=1
            ),
            "above one in five sigma grows by the fourth root, too: it grows by 1.5 itself.": lambda s, p: _next(
                s, p, grow=1.5**0.25
            ),
            "above one in five sigma stays as it is: it should grow, by 1.5.": lambda s, p: _next(s, p, grow=1),
            "the rule is about one success in five, not one in two.": lambda s, p: _next(s, p, at=0.5),
        },
    )
