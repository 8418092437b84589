"""The checks of the broken notebook of part I, "A loss that climbs": the learning rate is too high."""

import numpy as np

from coursekit.feedback import Lab, Student, TryAgain, diagnose, hidden
from coursekit.labs.broken import asks_what_is_wrong

LAB = Lab(21, "A loss that climbs")
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

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


@LAB.exercise("21.2", "safe_rate(x)", title="Mend the rate", points=6)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(212))
    cases = [np.linspace(0, 30, 16), np.linspace(0, 3, 16), np.array([-1.0, 1.0])]
    cases += [rng.normal(centre, spread, size=9) for centre, spread in ((5, 1), (-40, 3), (0, 0.2))]
    rates = []
    for x in cases:
        answer = np.asarray(student(x), dtype=float)
        if answer.shape != () or not np.isfinite(answer) or answer <= 0:
            raise TryAgain("return one positive number, the learning rate.")
        design = np.column_stack([x, np.ones_like(x)])
        rates.append(float(answer) * np.linalg.eigvalsh(2 / len(x) * design.T @ design)[-1])  # 2 is the limit
    diagnose(
        {
            "your rate is the same for all data, but how large a step may be depends on x: compute it from x.": len(
                {round(float(student(x)), 12) for x in cases}
            )
            == 1,
            "your rate is the limit itself: there a run neither settles nor climbs. Stay below it.": np.allclose(
                rates, 2
            ),
            "for data whose x lie far from 0 or are widely spread your rate still makes the loss climb: take the "
            "largest eigenvalue of the Hessian, whose entries are means over the points.": max(rates) >= 2,
            "your rate is so careful that a run takes more than ten times as many steps as it need: stay within a "
            "tenth of the limit.": min(rates) < 0.2,
        }
    )
