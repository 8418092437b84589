"""What a check asks of a function that draws random numbers: that they all come from the generator it is given."""

import random
import sys
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from coursekit.feedback.copies import as_array, copied, same
from coursekit.feedback.hints import refuse

__all__ = ["comes_from_rng"]


def comes_from_rng(
    draw: Callable[[Any], Any],
    source: Callable[[int], Any],
    *,
    of: str = "what you draw",
    elsewhere: str = "two calls with the same seed differ, so something beside `rng` has a part in it, such as "
    "another source of randomness: draw every number from `rng`.",
    inside: str
    | None = "two different generators give the same draws: draw from `rng` as it goes on, seed nothing inside.",
    repeats: str
    | None = "a second call with the same generator repeats the first: draw from `rng` as it goes on, and seed "
    "nothing inside.",
) -> None:
    """Raise TryAgain unless all randomness comes from the generator, and each number is drawn for itself.

    Equal generators must agree, others and a second call must differ, the global generators must stay as they are, and
    no axis of an array may hold one draw again and again.

    Args:
        draw: calls the student's function with this generator, and returns all that was drawn (numbers, arrays,
            tensors, lists of them). What it draws must be so rich that two right answers never agree by chance, nor
            all rows of an array.
        source: seed -> a fresh generator: np.random.default_rng, random.Random, or whatever the course draws from.
        of: what `draw` returns, for the student.
        elsewhere: the hint where equal generators give different draws.
        inside: the hint where different generators give the same draws; None where they may.
        repeats: the hint where two calls with one generator give the same draws; None where they may.
    """
    rng, before = source(1), _global_states()
    draws = [copied(draw(one)) for one in (rng, rng, source(1), source(2))]
    first, second, again, other = draws
    after = _global_states()
    refuse(not same(first, again), elsewhere)
    if inside:
        refuse(same(first, other), inside)
    if repeats:
        refuse(same(first, second), repeats)
    for name, state in before.items():
        refuse(
            not same(state, after[name]),
            f"your function draws from the global generator of {name}, or seeds it. Whoever called it draws from that "
            "one, too: leave it alone, and draw from `rng`.",
        )
    for place, axis in set.intersection(*map(_shared, draws)):
        refuse(
            not same(_member(first, place), _member(other, place)),  # it is random, and yet
            f"along axis {axis} of {of}, all entries are the same: one draw is shared where each should have its own. "
            "Is an array of the full shape drawn from `rng`, and does each entry of it go to its own place?",
        )


def _global_states() -> dict[str, Any]:
    """The states of the generators that everybody shares, of the libraries that are there."""
    states: dict[str, Any] = {"random": random.getstate(), "np.random": np.random.get_state()}
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state()
    return states


def _shared(value: Any, place: tuple[Hashable, ...] = ()) -> set[tuple[tuple[Hashable, ...], int]]:
    """(where, axis) of arrays, at any depth, in which all entries along an axis are equal."""
    array = as_array(value)
    if isinstance(array, np.ndarray):
        axes = [axis for axis in range(array.ndim) if array.size and array.shape[axis] > 1]
        return {(place, axis) for axis in axes if (array == array.take([0], axis)).all()}
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return set().union(*(_shared(member, (*place, key)) for key, member in members))


def _member(value: Any, place: tuple[Hashable, ...]) -> Any:
    for key in place:
        value = value[key]
    return value
