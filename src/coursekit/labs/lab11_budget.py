"""What lab 11 asks of a loop that spends a budget of evaluations: how many steps, and what is written down."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Student, compare, hidden, refuse, seems

__all__ = ["judge_budget"]

Array = NDArray[np.float64]


@seems("function")
class _Step:
    """A step that returns scores from a list of its own, and notices how it is called."""

    def __init__(self, seed: int) -> None:
        self.seed, self.scores, self.n_calls = seed, _scores(seed), 0

    def __call__(self, *args: Any) -> float:
        refuse(bool(args), "step takes no arguments: score = step().")
        refuse(
            self.n_calls >= len(self.scores),
            f"your function has called step() {self.n_calls} times and goes on, where the budget pays for a few dozen "
            "steps at most. What ends your loop?",
        )
        self.n_calls += 1
        return float(self.scores[self.n_calls - 1])


def _scores(seed: int) -> Array:
    return np.random.default_rng(hidden(seed)).uniform(0.1, 0.9, 3000)


Price = Callable[[int, int, bool], int]


def _price(n_genomes: int, n_images: int, gradient: bool) -> int:
    return n_genomes * n_images * (3 if gradient else 1)


def _steps(price: Price) -> Callable[[int, int, bool, int], int]:
    return lambda g, n, gradient, budget: budget // price(g, n, gradient)


def _played(
    price: Price = _price,
    n_steps: Callable[[int, int, bool, int], int] | None = None,
    spent: Callable[[Array], Array] = lambda spent: spent,
    scores: Callable[[Array], Array] = lambda scores: scores,
    skip: int = 0,
    stride: int = 1,
) -> Callable[..., tuple[Array, Array]]:
    """What a function returns that counts or stops in another way."""

    def run(step: _Step, g: int, n: int, gradient: bool, budget: int) -> tuple[Array, Array]:
        steps = (n_steps or _steps(price))(g, n, gradient, budget)
        all_scores = _scores(step.seed)[skip:][::stride][:steps]
        return spent(np.arange(1.0, steps + 1) * price(g, n, gradient)), scores(all_scores)

    return run


def judge_budget(student: Student) -> None:
    """Seven budgets, each with a step of its own that counts its calls; and one that pays for no step."""
    called: list[_Step] = []

    def with_fresh_step(step: _Step, *rest: Any) -> Any:
        called.append(_Step(step.seed))
        answer = student(called[-1], *rest)
        if isinstance(answer, tuple | list) and len(answer) == 2 and isinstance(answer[1], tuple | list):
            refuse(
                any(callable(score) for score in answer[1]),
                "`scores` holds a function, and not what it returns. Is it step without its brackets? Call it: step().",
            )
            refuse(
                called[-1].n_calls == 1 and len(answer[1]) > 1 and len({*map(repr, answer[1])}) == 1,
                f"step() was called once, and its score stands {len(answer[1])} times in `scores`. Call it for each "
                "step that you play.",
            )
        return answer

    first = _scores(1)
    compare(
        Student(with_fresh_step, student.parameters),
        returns=("spent", "scores"),
        by_hand=[
            # 4 x 5 = 20 a generation, five of them in 107; and 3 x 8 = 24 a gradient step, four of them in 100.
            ((_Step(1), 4, 5, False, 107), ([20, 40, 60, 80, 100], first[:5])),
            ((_Step(1), 1, 8, True, 100), ([24, 48, 72, 96], first[:4])),
            ((_Step(1), 4, 5, False, 80), ([20, 40, 60, 80], first[:4])),
        ],
        others=[
            (_Step(2), 3, 7, False, 210),
            (_Step(3), 6, 2, True, 400),
            (_Step(4), 2, 11, False, 107),
            (_Step(5), 1, 9, True, 81),
        ],
        right=_played(),
        mistakes={
            "the budget is counted in generations: your loop plays `budget` of them. A generation of many networks on "
            "many images costs more than one of few; pay n_genomes * n_images evaluations for each.": _played(
                n_steps=lambda g, n, gradient, budget: budget
            ),
            "the budget is counted in steps, and so is `spent`. Count evaluations: a step costs "
            "n_genomes * n_images.": _played(lambda *_: 1),
            "a step costs n_images in your count, but every one of the n_genomes networks sees every image.": _played(
                lambda g, n, gradient: n * (3 if gradient else 1)
            ),
            "a step costs n_genomes in your count, but each network sees all the n_images images.": _played(
                lambda g, n, gradient: g * (3 if gradient else 1)
            ),
            "a gradient step costs as much as a forward pass in your count. The backward pass costs about two more: "
            "three evaluations for each image.": _played(lambda g, n, gradient: g * n),
            "a gradient step costs two evaluations for each image in your count: the *backward* pass alone costs "
            "two, and the forward pass comes before it.": _played(
                lambda g, n, gradient: g * n * (2 if gradient else 1)
            ),
            "a gradient step costs four evaluations for each image in your count: the forward pass is one, the "
            "backward pass two.": _played(lambda g, n, gradient: g * n * (4 if gradient else 1)),
            "one step fewer is played than the budget pays for, in every case: does your loop leave out its first "
            "round or its last?": _played(
                n_steps=lambda g, n, gradient, budget: max(budget // _price(g, n, gradient) - 1, 0)
            ),
            "every step costs three evaluations for each image in your count; without a gradient it is one.": _played(
                lambda g, n, gradient: 3 * g * n
            ),
            "the last step is not paid for: it starts while there is budget left, and spends more than that. Ask "
            "before the step whether spent + price <= budget.": _played(
                n_steps=lambda g, n, gradient, budget: -(-budget // _price(g, n, gradient))
            ),
            "the number of steps is rounded to the nearest, so the last step may not be paid for. Round down: "
            "budget // price.": _played(n_steps=lambda g, n, gradient, budget: round(budget / _price(g, n, gradient))),
            "a gradient step costs two evaluations more in your count, whatever its size; the backward pass costs two "
            "for every image of every network.": _played(lambda g, n, gradient: g * n + 2 * gradient),
            "the two lists have changed places: return spent, scores.": lambda *args: _played()(*args)[::-1],
            "every entry of `scores` is the score of the first step: keep what each call of step() returns.": _played(
                scores=lambda scores: np.full_like(scores, scores[0])
            ),
            "where the budget pays for the last step exactly, you stop one too early: <=, not <.": _played(
                n_steps=lambda g, n, gradient, budget: (budget - 1) // _price(g, n, gradient)
            ),
            "`spent` is what had been spent *before* each step; the score belongs to what had been spent after it.": (
                _played(spent=lambda spent: spent - spent[0])
            ),
            "`spent` holds the price of every step; it should add up, step after step.": _played(
                spent=lambda spent: np.full_like(spent, spent[0])
            ),
            "`spent` counts down: it is what is left. Return what has been spent.": (
                lambda *args: (args[-1] - _played()(*args)[0], _played()(*args)[1])
            ),
            "`scores` holds the best score so far. The best of many noisy scores flatters; keep every step's own.": (
                _played(scores=np.maximum.accumulate)
            ),
            "`scores` holds running averages; keep every step's own score.": _played(
                scores=lambda scores: np.cumsum(scores) / np.arange(1, len(scores) + 1)
            ),
            "step() is called twice in each round, so half of the steps are never paid for. Call it once, and keep "
            "the score in a variable.": _played(stride=2, skip=1),
            "step() is called once before the counting begins; that step is free, and its score is lost.": _played(
                skip=1
            ),
        },
    )
    for step, n_paid in zip(called, [5, 4, 4, 10, 11, 4, 3], strict=True):
        refuse(
            step.n_calls != n_paid,
            f"your answers are right, but step() is called {step.n_calls} times where {n_paid} are paid for: one call "
            "for each entry of `spent`, and none before the first or after the last.",
        )
    spent, scores = student(_Step(1), 10, 10, False, 99)
    refuse(
        len(spent) != 0 or len(scores) != 0,
        f"a budget of 99 doesn't pay for a step of 100: return two empty lists. Yours hold {len(spent)} and "
        f"{len(scores)} entries.",
    )
