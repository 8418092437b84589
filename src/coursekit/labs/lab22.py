"""The checks of the broken notebook of part II, "Wider is worse": a second knob, the rate, was left where it was."""

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Lab, Student, compare, hidden, refuse
from coursekit.labs.broken import asks_what_is_wrong

LAB = Lab(22, "Wider is worse")
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]

asks_what_is_wrong(
    LAB,
    "b",
    {
        "a": "whoever fits too well has a low loss on the training points. These curves are the training loss itself, "
        "and it is the wide networks' that climbs.",
        "c": "bad luck would hit one seed and spare the next. Compare the five thin lines of each width.",
        "d": "slopes with a mistake in them would be wrong for the narrow networks, too, and those learn.",
    },
)


class _Scores:
    """A table of losses behind a function, which counts how often each is asked for."""

    def __init__(self, losses: Array) -> None:
        self._losses, self.asked = losses, set[tuple[int, float]]()
        self.widths, self.rates = _WIDTHS[-len(losses) :], _RATES[: len(losses[0])]

    def __call__(self, width: int, rate: float) -> float:
        self.asked.add((width, rate))
        return float(self._losses[self.widths.index(width), self.rates.index(rate)])


_WIDTHS, _RATES = [4, 16, 64], [0.3, 0.1, 0.03, 0.01]


def _lowest(losses: Array) -> Array:
    return np.nanmin(np.where(np.isfinite(losses), losses, np.nan), axis=1)


def _one_rate(score: _Scores, *_: object) -> Array:
    losses = np.where(np.isfinite(score._losses), score._losses, 9.0)
    return np.asarray(losses[:, losses.mean(axis=0).argmin()])


@LAB.exercise("22.2", "best_of_rates(score, widths, rates)", title="Give each width its rate", points=6)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(222))
    by_hand = np.array([[0.2, 0.3, 0.4, 0.5], [np.nan, 0.1, 0.2, 0.3], [np.inf, np.nan, 0.05, 0.2]])
    tables = [by_hand, rng.uniform(0.1, 1, (3, 4)), np.where(np.eye(2, 3, 1) > 0, np.nan, rng.uniform(0.1, 1, (2, 3)))]
    scores = [_Scores(table) for table in tables]
    compare(
        student,
        returns="the array of losses",
        by_hand=[((scores[0], _WIDTHS, _RATES), [0.2, 0.1, 0.05])],
        others=[(score, score.widths, score.rates) for score in scores[1:]],
        right=lambda score, *_: _lowest(score._losses),
        mistakes={
            "your losses are those of the first rate alone: that is the comparison that was broken. Each width gets "
            "every rate, and its lowest loss counts.": lambda s, *_: s._losses[:, 0],
            "a run that has blown up (NaN or infinity) spoils its width: leave such losses out.": lambda s, *_: np.min(
                s._losses, axis=1
            ),
            "NaN can't be ordered: `<` and Python's min say what hangs on where it stands. Leave out what isn't "
            "finite.": lambda s, *_: np.array([min(row) for row in s._losses.tolist()]),
            "what is finite is left out, and what has blown up is kept: it should be the other way round.": (
                lambda s, *_: np.where(np.isinf(s._losses).any(axis=1), np.inf, np.nan)
            ),
            "you return the rates that are best, not the losses that they reach.": lambda s, *_: np.array(s.rates)[
                np.nanargmin(np.where(np.isfinite(s._losses), s._losses, np.nan), axis=1)
            ],
            "a blown-up run counts as a loss of 0, the best there is: leave it out.": lambda s, *_: np.nan_to_num(
                s._losses, posinf=0
            ).min(axis=1),
            "one rate for all widths is fixed again, even the best one: each width gets its own.": _one_rate,
            "you take the mean over the rates: then a width is judged by the rates that don't suit it.": lambda s, *_: (
                np.nanmean(np.where(np.isfinite(s._losses), s._losses, np.nan), axis=1)
            ),
        },
        not_finite="Did you try every rate, leave out what isn't finite, and begin with no NaN to compare with?",
    )
    for score in scores:
        left_out = {(width, rate) for width in score.widths for rate in score.rates} - score.asked
        refuse(
            left_out,
            f"each width should be tried at every rate, and of {len(score.widths) * len(score.rates)} pairs "
            f"{len(left_out)} never are: equal chances for all is what the broken comparison lacked.",
        )
