"""What lab 6 gives to a student's function in place of an evolution, and how it reads a table of two numbers a name."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Student, TryAgain, compare, refuse

__all__ = [
    "Search",
    "compare_tables",
    "once",
    "told",
    "toy_breed",
    "toy_score",
]


def toy_score(population: Tensor) -> Tensor:
    """Minus the squared distance from (2, 3)."""
    return -(population - Tensor([2, 3])).square().sum(dim=-1)


def toy_breed(population: Tensor, scores: Tensor) -> Tensor:
    """No elite, no chance: rows move on by one, and genes by steps of their own. It notices stale scores."""
    right = isinstance(scores, Tensor) and scores.shape == population.shape[:2]
    if not right:
        got = tuple(scores.shape) if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
        raise TryAgain(
            "`breed` needs a population and the scores of all its genomes, breed(population, scores). Beside a "
            f"population of shape {tuple(population.shape)} you give it {got}, not scores of shape "
            f"{tuple(population.shape[:2])}."
        )
    refuse(
        not torch.allclose(scores, toy_score(population), atol=1e-4),
        "`breed` was given scores that don't belong to the population beside them. Each new generation has to be "
        "scored, by score(population), before it can breed, and breed gets these scores as they are.",
    )
    return population.roll(1, dims=1) + torch.linspace(-0.75, 1.25, population.shape[1])[:, None] * Tensor([1, 0.5])


class Search:
    """A search that quarters its error each step, from an offset of its own in each run; `last` spoils the last one.

    Its path holds the start if it is `with_start`, as those of some methods of the notebook do.
    """

    def __init__(
        self, goal: NDArray[np.float64], offsets: NDArray[np.float64], last: float = 1, with_start: bool = False
    ) -> None:
        self.goal, self.offsets, self.last, self.with_start = goal, offsets, last, with_start

    def __call__(self, n_steps: int) -> Tensor:
        refuse(
            not isinstance(n_steps, int),
            f"a method takes whole steps, an int such as budget // price (with two strokes); yours got {n_steps!r}.",
        )
        left = self.offsets[:, None, :] * 0.5 ** np.arange(1 - self.with_start, n_steps + 1)[:, None]
        left[:, -1:] *= self.last
        return torch.as_tensor(self.goal + left)

    def __repr__(self) -> str:
        return "..."


def once(student: Callable[..., Any]) -> Callable[..., Any]:
    """The student's function; TryAgain where it calls one of the methods, its first argument, twice.

    Where it stops, what is most basic is said first: a method that was asked for other steps than the budget pays.
    """

    def call(methods: dict[str, Search], prices: dict[str, int], budget: int, *rest: Any) -> Any:
        called: dict[str, int] = {}
        over = False

        def watched(name: str) -> Callable[[int], Tensor]:
            def method(n_steps: int) -> Tensor:
                refuse(
                    over, "you call a method that an earlier call of your function was given: take it from `methods`."
                )
                refuse(
                    name in called,
                    f"method {name!r} is called a second time, so more than its budget is spent. Each method is called "
                    "once, by its own name: keep its path in a variable.",
                )
                called[name] = n_steps
                return methods[name](n_steps)

            return method

        try:
            answer = student({name: watched(name) for name in methods}, prices, budget, *rest)
        except (TryAgain, NotImplementedError):
            raise
        except (ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
            if text := _stopped(error, called, prices, budget):
                raise TryAgain(text) from None
            raise
        over = True
        return answer

    return call


def _stopped(error: Exception, called: dict[str, int], prices: dict[str, int], budget: int) -> str:
    """What is said of an error after these methods were asked for so many steps; empty where that shows nothing."""
    for name, n_steps in called.items():
        if n_steps != budget // prices[name]:
            return (
                f"method {name!r} is asked for {n_steps} steps, where a budget of {budget} pays "
                f"{budget // prices[name]} at a price of {prices[name]}: budget // price. (Then your function stops: "
                f"{error}.)"
            )
    if isinstance(error, IndexError) and "out of bounds for " in str(error):
        return (
            f"a path is shorter than your index asks for ({error}). It has n_steps + 1 lines if it holds its start, "
            "and n_steps if it doesn't. The answer is the last line, path[:, -1], however many there are."
        )
    return ""


def told(about: str, student: Student, **cases: Any) -> None:
    """Compare; where only the numbers can be said to differ, say `about` the case what can't be printed."""
    try:
        compare(student, **cases)
    except TryAgain as hint:
        raise TryAgain(
            f"{hint} {about}" if " is " in str(hint) and " for population" in str(hint) else str(hint),
            hint.names_fault,
        ) from None


def compare_tables(
    student: Student, first: str | None, columns: Sequence[str], by_hand: Any, others: Any, **cases: Any
) -> None:
    """Compare dictionaries of two numbers a name, the columns; say which number of which name is wrong.

    The names are `first`, if there is one, and those of the second argument. Those of `others` must be, in
    alphabetical order, the beginning of the same list.
    """

    def table(answer: Any, *args: Any) -> NDArray[np.float64]:
        """One row a name, in alphabetical order."""
        names = _names(first, args)
        if not isinstance(answer, dict) or sorted(map(str, answer)) != names:
            got = f"names {sorted(map(str, answer))}" if isinstance(answer, dict) else type(answer).__name__
            raise TryAgain(
                f"your function should return a dictionary with the names {names} for these arguments; it returned "
                f"{got}."
            )
        for name in names:
            refuse(
                not _is_pair(answer[name]),
                f"each name should have two plain numbers for all runs together, ({', '.join(columns)}). Yours has for "
                f"{name!r}: {_shown(answer[name])}.",
            )
        return np.array([[float(number) for number in answer[name]] for name in names])

    try:
        compare(student, returns="table", by_hand=by_hand, others=others, read=table, **cases)
    except TryAgain as hint:
        example = "fits the example" not in str(hint)
        case = by_hand[0][0] if example else max(others, key=lambda args: len(args[1]))
        names = _names(first, case)
        raise TryAgain(
            re.sub(r"table\[(\d), (\d)\]", lambda at: f"{columns[int(at[2])]} of {names[int(at[1])]!r}", str(hint)),
            hint.names_fault,
        ) from None


def _is_pair(value: Any) -> bool:
    try:
        return len([float(number) for number in value]) == 2
    except (TypeError, ValueError, RuntimeError):
        return False


def _shown(value: Any) -> str:
    """What a value is, with its parts if it has two; by shape where it is an array."""
    if isinstance(value, tuple | list) and len(value) == 2:
        return f"({', '.join(map(_shown, value))})"
    if shape := tuple(getattr(value, "shape", ())):
        return f"an array of shape {shape}"
    if isinstance(value, tuple | list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}" if callable(value) else repr(value)[:60]


def _names(first: str | None, args: Sequence[Any]) -> list[str]:
    return sorted([*([first] if first else []), *args[1]])
