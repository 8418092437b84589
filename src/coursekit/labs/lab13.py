"""The checks of lab 13, "Open questions": a fair budget, a runner that can be stopped, forgetting, a paired verdict."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Part, Student, compare, compare_each, hidden
from coursekit.labs.lab13_runner import judge_runner
from coursekit.labs.lab13_verdict import judge_verdict

LAB = Lab(
    13,
    "Open questions",
    time_limit=20,
    varies={"13.4": Constant(), "13.5": Constant(returned={"mean": 1, "low": 2, "high": 3})},
)
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Row = dict[str, Any]

# 13.1 Before you run

LAB.free_text(
    "13.1",
    title="Before you run",
    points=4,
    rubric={
        4: "Two questions of the list. For each: a direction and a size in a unit, what would refute it, the "
        "conditions with their control, the budget, the seeds, and what will be measured on which images. Nothing in "
        "it can be bent afterwards.",
        2: "Predictions with a direction and a control, but no size, or nothing that would refute them.",
        1: "A question and an expectation, without conditions.",
        0: "Written after the run, or true whatever comes out.",
    },
)


# 13.2 What a budget buys


def _generations(
    first: Callable[[int, int, bool], int] = lambda new, kept, fresh: new + kept,
    later: Callable[[int, int, bool], int] = lambda new, kept, fresh: new + kept * fresh,
    images: Callable[[int], int] = lambda n: n,
    whole: Callable[[float], float] = math.floor,
) -> Callable[..., float]:
    def count(budget: int, n_new: int, n_kept: int, n_images: int, fresh: bool) -> float:
        start = first(n_new, n_kept, fresh) * images(n_images)
        if budget < start:
            return 0
        return 1 + whole((budget - start) / (later(n_new, n_kept, fresh) * images(n_images)))

    return count


def _steps(cost: int, whole: Callable[[float], float] = math.floor) -> Callable[..., float]:
    return lambda budget, n_new, n_kept, n_images, fresh: whole(budget / (cost * n_images))


_BUYS: dict[str, Part] = {
    "generations": Part(_generations(), {
        "generations count the kept ones in every generation, also where the images stay the same. Their scores are "
        "still good, nobody looks at them again, so they cost nothing after the first generation: you count what is "
        "reused twice.": _generations(later=lambda new, kept, fresh: new + kept),
        "generations never count the kept ones after the first generation. With fresh images an old score says "
        "nothing: the kept ones must be scored again, and that is paid for.": _generations(
            later=lambda new, kept, fresh: new
        ),
        "generations never count the kept ones at all. In the first generation nobody has a score yet, and with fresh "
        "images nobody has one later.": _generations(lambda new, kept, fresh: new, lambda new, kept, fresh: new),
        "generations have the first one too cheap: there the kept ones have no scores yet, whatever the images do "
        "later.": _generations(lambda new, kept, fresh: new + kept * fresh),
        "generations have it the wrong way round: fresh images mean that old scores are worth nothing.": _generations(
            later=lambda new, kept, fresh: new + kept * (not fresh)
        ),
        "generations are counted in genomes. An evaluation is one genome on one image: multiply by n_images.": (
            _generations(images=lambda n: 1)
        ),
        "generations are rounded up: what is left doesn't pay for another whole one.": _generations(whole=math.ceil),
        "generations are rounded to the nearest: what is left doesn't pay for another whole one.": _generations(
            whole=round
        ),
        "generations are no whole number: round down, //.": _generations(whole=float),
        "generations come second in your answer, and steps first: return generations, steps.": _steps(3),
        "generations fall below 0 where the budget is too small for the first one: then there are 0.": (
            lambda budget, new, kept, images, fresh: (
                1 + (budget - (new + kept) * images) // ((new + kept * fresh) * images)
            )
        ),
        "generations are 0 where the budget is exactly the price of the first one: it can be paid then.": (
            lambda budget, new, kept, *rest: (
                _generations()(budget, new, kept, *rest) * (budget != (new + kept) * rest[0])
            )
        ),
        "generations leave out the first one: you pay for it, but count only those after it.": (
            lambda *args: max(0, _generations()(*args) - 1)
        ),
        "generations count the first one without paying for it: take its cost off the budget before you divide.": (
            lambda budget, new, kept, images, fresh: (
                0 if budget < (new + kept) * images else 1 + budget // ((new + kept * fresh) * images)
            )
        ),
        "generations all cost the same in your count, but the first one costs more where the images stay the same.": (
            lambda budget, new, kept, images, fresh: (
                0 if budget < (new + kept) * images else budget // ((new + kept * fresh) * images)
            )
        ),
    }),
    "steps": Part(_steps(3), {
        "steps count the forward pass alone. A gradient step on one image costs three evaluations: one forward, and "
        "the backward pass counts two.": _steps(1),
        "steps count the backward pass as one evaluation; in this book it is two, so a step costs three an image.": (
            _steps(2)
        ),
        "steps count four evaluations an image: one forward, and the backward pass counts two, are three.": _steps(4),
        "steps are rounded up: what is left doesn't pay for another whole one.": _steps(3, math.ceil),
        "steps are rounded to the nearest: what is left doesn't pay for another whole one.": _steps(3, round),
        "steps are no whole number: round down, //.": _steps(3, float),
        "steps are 0 where the budget is too small for a generation. A step is cheaper: count the two apart.": (
            lambda budget, new, kept, images, fresh: (
                0 if budget < (new + kept) * images else budget // (3 * images)
            )
        ),
        "steps don't count the images: each image in the batch costs three evaluations.": (
            lambda budget, *_: budget // 3
        ),
    }),
}  # fmt: skip


@LAB.exercise("13.2", "affordable(budget, n_new, n_kept, n_images, fresh)", title="What a budget buys", points=2)
def _(student: Student) -> None:
    by_hand = [
        ((1000, 8, 2, 10, False), (12, 33)),  # 100 for the first, then 80 each: 900 / 80 is 11 and some
        ((1000, 8, 2, 10, True), (10, 33)),
        ((99, 8, 2, 10, False), (0, 3)),
        ((50, 2, 8, 10, False), (0, 1)),  # far from a first generation
        ((24_000_000, 195, 5, 200, True), (600, 40_000)),
    ]
    others = [(5555, 7, 3, 11, False), (5555, 7, 3, 11, True), (100, 8, 2, 10, False), (179, 8, 2, 10, False)]
    others += [(90_000, 128, 1, 256, True), (90_000, 128, 1, 256, False), (1, 1, 1, 1, True), (12_345, 3, 30, 7, False)]
    others += [(500, 4, 6, 50, False), (500, 4, 6, 50, True), (499, 4, 6, 50, True)]  # the first generation, just
    compare_each(student, _BUYS, by_hand=by_hand, others=others)


# 13.3 A run that can be stopped

LAB.exercise(
    "13.3", "run_all(conditions, seeds, budget, work, journal, progress)", title="A run that can be stopped", points=4
)(judge_runner)


# 13.4 What was forgotten

Array = NDArray[np.float64]


def _forgotten(
    peak: Callable[[Array, int], float] = lambda a, k: float(a[:-1, k].max()),
    tasks: Callable[[int], Sequence[int]] = lambda n: range(n - 1),
    over: Callable[[list[float]], float] = lambda drops: float(np.mean(drops)),
    view: Callable[[Array], Array] = lambda a: a,
) -> Callable[[Array], float]:
    def forgetting(accuracy: Array) -> float:
        a = view(np.asarray(accuracy, dtype=float))
        return over([peak(a, k) - a[-1, k] for k in tasks(len(a))])

    return forgetting


@LAB.exercise("13.4", "forgetting(accuracy)", title="What was forgotten", points=2)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(13))
    example = np.array([[0.9, 0.2, 0.1], [0.95, 0.8, 0.3], [0.6, 0.9, 0.7]])
    rising = np.array([[0.5, 0.1], [0.7, 0.9]])  # the first task got better: forgetting is below 0
    early = np.array([[0.8, 0.6, 0.2], [0.7, 0.5, 0.1], [0.4, 0.3, 0.9]])  # task 1 was best before it was learned
    others = [rng.uniform(size=(n, n)).round(3) for n in (2, 4, 5, 7)]
    compare(
        student,
        returns="the answer",
        by_hand=[((example,), 0.125), ((rising,), -0.2), ((early,), 0.35)],
        others=[(a,) for a in others],
        right=_forgotten(),
        mistakes={
            "you measure against the first accuracy, the one right after a task was learned (the diagonal). A task can "
            "get better later and be forgotten from there: take the best earlier accuracy.": _forgotten(
                lambda a, k: float(a[k, k])
            ),
            "you look for the best accuracy only from the task's own turn on. Earlier rows count too: what was known "
            "before can be forgotten as well.": _forgotten(lambda a, k: float(a[k:-1, k].max())),
            "a task that got better counts as 0 instead of below it. Do you cut off at 0? Or is the last row among the "
            "earlier ones? The best accuracy is taken over all rows but the last.": _forgotten(
                lambda a, k: float(a[:, k].max())
            ),
            "the last task is in your mean. It was only just learned, and nothing can have been forgotten.": _forgotten(
                tasks=range
            ),
            "the last task is in your mean, and the last row among the earlier ones.": _forgotten(
                lambda a, k: float(a[:, k].max()), range
            ),
            "the sign is turned round: forgetting is positive where accuracy was lost.": _forgotten(
                over=lambda drops: -float(np.mean(drops))
            ),
            "rows and columns are swapped: row i is after task i, column k is on task k.": _forgotten(
                view=lambda a: a.T
            ),
            "the mean is cut off at 0: below 0 it says that old tasks got better.": _forgotten(
                over=lambda drops: max(0.0, float(np.mean(drops)))
            ),
            "you divide by all T tasks, but the last one isn't in the sum: divide by T - 1.": _forgotten(
                over=lambda drops: float(np.sum(drops)) / (len(drops) + 1)
            ),
            "you measure against the last row but one. The best may stand further up: take the best of all rows but "
            "the last.": _forgotten(lambda a, k: float(a[-2, k])),
            "the best is taken along the rows (axis=1). A column is a task: take the best of each column, axis=0.": (
                _forgotten(lambda a, k: float(a[k, :-1].max()))
            ),
            "you give the loss as a part of the best accuracy: subtract, and don't divide.": lambda accuracy: float(
                np.mean(1 - accuracy[-1, :-1] / accuracy[:-1, :-1].max(axis=0))
            ),
            "you sum over the tasks; take their mean.": _forgotten(over=lambda drops: float(np.sum(drops))),
            "you give the largest drop of all tasks; take their mean.": _forgotten(over=max),
            "gains count as losses: there is an absolute value too many.": _forgotten(
                over=lambda drops: float(np.mean(np.abs(drops)))
            ),
            "your answer is in per cent; keep to shares of 1.": _forgotten(
                over=lambda drops: 100 * float(np.mean(drops))
            ),
        },
    )


# 13.5 Is it better?

LAB.exercise(
    "13.5",
    "is_better(rows, control, n_comparisons)",
    title="Is it better?",
    points=4,
    on_error={
        (
            KeyError,
            r"^\d+$",
        ): "your function looks up {error} in a table that lacks it. Is that a seed which one of the "
        "two settings hasn't run with? Pair only the seeds of both."
    },
)(judge_verdict)


# 13.6 What you found

LAB.free_text(
    "13.6",
    title="What you found",
    points=4,
    rubric={
        4: "For both questions: the prediction as written, the difference with its interval and unit, confirmed or "
        "refuted without a new definition of either; the price in evaluations; every departure from the plan; a "
        "sentence on what it does not show (data, size, seeds). A null is told as what the interval rules out.",
        2: "Numbers with intervals, but the prediction is bent, the price is missing, or the limits are.",
        1: "A conclusion from means alone.",
        0: "A claim that the run can't carry, or a result that the notebook doesn't hold.",
    },
)
