"""What a check asks of a function that draws random numbers: that they all come from the generator it is given."""

from collections.abc import Callable
from typing import Any

from coursekit.feedback.copies import copied, same
from coursekit.feedback.hints import refuse

__all__ = ["comes_from_rng"]


def comes_from_rng(
    draw: Callable[[Any], Any],
    source: Callable[[int], Any],
    *,
    elsewhere: str = "two calls with the same seed differ, so there is another source of randomness: draw every "
    "number from `rng`.",
    inside: str = "two different generators give the same draws: take `rng` as it comes, and seed nothing inside.",
    repeats: str = "a second call with the same generator repeats the first: take `rng` as it comes, and seed nothing "
    "inside.",
) -> None:
    """Raise TryAgain unless all randomness comes from the generator: equal ones agree, and others differ.

    Args:
        draw: calls the student's function with this generator, and returns all that was drawn (numbers, arrays,
            tensors, lists of them). What it draws must be so rich that two right answers never agree by chance.
        source: seed -> a fresh generator: np.random.default_rng, random.Random, or whatever the course draws from.
        elsewhere: the hint where equal generators give different draws.
        inside: the hint where different generators give the same draws.
        repeats: the hint where two calls with one generator give the same draws.
    """
    rng = source(1)
    first, second, again, other = (copied(draw(one)) for one in (rng, rng, source(1), source(2)))
    refuse(not same(first, again), elsewhere)
    refuse(same(first, other), inside)
    refuse(same(first, second), repeats)
