"""The checks of the broken notebook of part VI, "Better with every model": the test set chose the winner."""

import numpy as np

from coursekit.feedback import Lab, Student, compare, hidden
from coursekit.labs.broken import asks_what_is_wrong

LAB = Lab(26, "Better with every model")
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

asks_what_is_wrong(
    LAB,
    "d",
    {
        "a": "more models find more only where there is something to be found. These labels are coin flips: on fresh "
        "points the same winners stay at one half.",
        "b": "whoever fits too well is good at the training points. No model here was fitted to anything: each is "
        "drawn by chance.",
        "c": "a larger test set would make the climb flatter, and not take it away. Which number decides who wins?",
    },
)


@LAB.exercise("26.2", "choose(validation, test)", title="Choose by one set, report another", points=6)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(262))
    compare(
        student,
        returns=("winner", "reported"),
        by_hand=[
            ((np.array([0.5, 0.7, 0.6]), np.array([0.9, 0.4, 0.5])), (1, 0.4)),
            ((np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.6, 0.4, 0.9, 0.5])), (3, 0.5)),  # the last wins, or the first
            ((np.array([0.8, 0.6]), np.array([0.3, 0.4])), (0, 0.3)),
        ],
        others=[(rng.permutation(n) / n, rng.permutation(n) / n + 0.001) for n in (5, 9, 30)],
        right=lambda v, t: (np.argsort(v)[-1], t[np.argsort(v)[-1]]),
        mistakes={
            "the test set still chooses the winner: that is what was broken.": lambda v, t: (t.argmax(), t.max()),
            "the two sets have changed places: the validation set chooses, and the winner's test score is "
            "reported.": lambda v, t: (t.argmax(), v[t.argmax()]),
            "you report the score that won: it has been chosen for being high. Report the winner's test "
            "score.": lambda v, t: (
                v.argmax(),
                v.max(),
            ),
            "you report the best test score, which is another model's: report the winner's own.": lambda v, t: (
                v.argmax(),
                t.max(),
            ),
            "you choose the worst: the largest score wins.": lambda v, t: (v.argmin(), t[v.argmin()]),
            "you choose by both sets together: then the test set has a say in who wins.": lambda v, t: (
                (v + t).argmax(),
                t[(v + t).argmax()],
            ),
        },
    )
