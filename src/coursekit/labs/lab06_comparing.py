"""What lab 6 asks of a table of baselines: whole steps that the budget pays, and a geometric mean over the runs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Student, hidden
from coursekit.labs.lab06_evolving import Search, compare_tables, once

__all__ = ["judge_baselines"]

Array = NDArray[np.float64]
NOTEBOOK_X = torch.linspace(-1, 1, 20)


def _errors(lines: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The mean squared errors of lines (..., 2)."""
    w, b = lines.double().split(1, dim=-1)
    return (w * x.double() + b - y.double()).square().mean(-1)


def _compared(
    steps: Callable[[int, int], int] = lambda budget, price: budget // price,
    score: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda path, x, y: _errors(path[:, -1], x, y),
    whole: Callable[[Array], Any] = lambda errors: np.exp(np.log(errors).mean()),
    run: Callable[[Callable[[int], Tensor], int], Tensor] = lambda method, n: method(n),
) -> Callable[..., Any]:
    """The table of baselines, or a mistake: in the steps, in the path, in what is scored, or in the mean over runs."""

    def compared(methods: Any, prices: Mapping[str, int], budget: int, x: Tensor, y: Tensor) -> Any:
        n_steps = {name: steps(budget, price) for name, price in prices.items()}
        return {name: (n, whole(np.asarray(score(run(methods[name], n), x, y)))) for name, n in n_steps.items()}

    return compared


def judge_baselines(student: Student) -> None:
    """A method on paper, three with prices of their own, and one with so many runs that a product is too small."""

    def case(seed: int, prices: dict[str, int], budget: int, n_runs: int = 7, far: float = 9.0) -> tuple[Any, ...]:
        rng = np.random.default_rng(hidden(seed))
        goal, x, scale = rng.normal(size=2), torch.as_tensor(rng.normal(size=6)), np.geomspace(far / 9, far, n_runs)
        offsets = [rng.normal(size=(n_runs, 2)) * scale[:, None] for _ in prices]
        searches = [Search(goal, one, last=3, with_start=bool(i % 2)) for i, one in enumerate(offsets)]
        methods = dict(zip(prices, searches, strict=True))
        return methods, prices, budget, x, goal[0] * x + goal[1]

    # Both lines are off in b alone: by 1 and 4 before the first step, so by 1/4 and 1 after two.
    x = torch.tensor([-1.0, 0, 1], dtype=torch.float64)
    example = {"a": Search(np.array([2.0, 3]), np.array([[0.0, 1], [0, 4]]))}
    compare_tables(
        Student(once(student), student.parameters),
        None,
        ("n_steps", "error"),
        by_hand=[((example, {"a": 5}, 13, x, 2 * x + 3), {"a": (2, 0.25)})],
        others=[
            case(651, {"a": 4, "b": 1, "c": 3}, 14),
            case(652, {"b": 2, "a": 6}, 13),
            case(653, {"a": 2}, 9, 400, 0.1),
        ],
        right=_compared(),
        mistakes={
            "every method gets `budget` steps, but a step has its price: budget // price.": _compared(lambda b, p: b),
            "your n_steps are rounded up, and the last step is not paid for: budget // price.": (
                _compared(lambda b, p: -(-b // p))
            ),
            "your n_steps are rounded; what is left of the budget can't pay a whole step: budget // price.": (
                _compared(lambda b, p: round(b / p))
            ),
            "you multiply by the price: where a step costs more, *fewer* steps can be paid.": _compared(
                lambda b, p: b * p
            ),
            "you take the plain mean, which the worst runs decide. Average the logarithms over the runs, then exp.": (
                _compared(whole=np.mean)
            ),
            "a product of hundreds of small errors is too small for a float, and becomes 0, as in the next cell of the "
            "notebook. Average the logarithms, then exp.": _compared(whole=lambda e: np.prod(e) ** (1 / len(e))),
            "exp of the mean of the errors is taken, and their logarithms are missing: log, mean, exp.": (
                _compared(whole=lambda e: np.exp(e.mean()))
            ),
            "you return the mean logarithm: exp leads back to an error.": _compared(whole=lambda e: np.log(e).mean()),
            "log10 is undone by 10 ** ..., not by exp. Take log and exp, or 10 to the mean of log10.": (
                _compared(whole=lambda e: np.exp(np.log10(e).mean()))
            ),
            "exp is undone by log, and 10 ** ... by log10: yours mixes the two. Take log and exp.": (
                _compared(whole=lambda e: 10 ** np.log(e).mean())
            ),
            "the two are the other way round: n_steps comes first, then the error.": lambda *args: {
                name: two[::-1] for name, two in _compared()(*args).items()
            },
            "you return the best run: the one that a paper would show. Take all runs.": _compared(whole=np.min),
            "you return the worst run. Take all runs.": _compared(whole=np.max),
            "the first run is left out of the mean.": _compared(whole=lambda e: np.exp(np.log(e[1:]).mean())),
            "the last run is left out of the mean.": _compared(whole=lambda e: np.exp(np.log(e[:-1]).mean())),
            "the sum of logarithms leaves out the first run, which is counted where you divide.": (
                _compared(whole=lambda e: np.exp(np.log(e[1:]).sum() / len(e)))
            ),
            "the sum of logarithms leaves out the last run, which is counted where you divide.": (
                _compared(whole=lambda e: np.exp(np.log(e[:-1]).sum() / len(e)))
            ),
            "the sum of logarithms is divided by one less than there are runs.": (
                _compared(whole=lambda e: np.exp(np.log(e).sum() / (len(e) - 1)))
            ),
            "the squared errors of a line are added up over the points; the M in MSE is a mean.": (
                _compared(score=lambda path, x, y: _errors(path[:, -1], x, y) * len(x))
            ),
            "you return the first run alone. Take all runs.": _compared(whole=lambda e: e[0]),
            "you return the last run alone. Take all runs.": _compared(whole=lambda e: e[-1]),
            "the logarithms are added up: divide by the number of runs before exp.": (
                _compared(whole=lambda e: np.exp(np.log(e).sum()))
            ),
            "you take the median of the runs; this table asks for the geometric mean.": _compared(
                whole=lambda e: np.sort(e)[(len(e) - 1) // 2]
            ),
            "you score the first line of the path; the answer is the last, path[:, -1].": (
                _compared(score=lambda path, x, y: _errors(path[:, 0], x, y))
            ),
            "you score the last line but one of the path; the answer is the last, path[:, -1].": (
                _compared(score=lambda path, x, y: _errors(path[:, -2], x, y))
            ),
            "you score the best line of the path; the answer is the last, path[:, -1], even if another was better.": (
                _compared(score=lambda path, x, y: _errors(path, x, y).amin(1))
            ),
            "you score line number n_steps of the path. Some paths hold their start, too, and so one line more: the "
            "answer is the last, path[:, -1].": _compared(run=lambda method, n: method(n)[:, :n]),
            "a method takes another number of steps than you write down: methods[name](n_steps).": _compared(
                run=lambda method, n: method(n + 1)
            ),
            "you average over the whole path; only its last line is the answer, path[:, -1].": (
                _compared(score=lambda path, x, y: _errors(path, x, y))
            ),
            "you score on the notebook's x and y; score on the arguments `x` and `y`.": (
                _compared(score=lambda path, x, y: _errors(path[:, -1], NOTEBOOK_X, 2 * NOTEBOOK_X + 3))
            ),
            "your errors are roots of what they should be: an MSE is not rooted.": (
                _compared(whole=lambda e: np.exp(np.log(e).mean() / 2))
            ),
        },
        not_finite="Is a logarithm or a root taken of a negative number (`fitness` is *minus* the error), or a mean of "
        "nothing?",
        rtol=1e-3,
    )
