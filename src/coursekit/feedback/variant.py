"""Variants of a lab: a constant of the student's own in some exercises, and hidden cases of their own in all.

A constant multiplies an argument or what is returned. So a check knows nothing of it: the function that it gets is the
student's with the constant taken out, and every right answer and every named mistake stands as it is.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["CHOICES", "MARK", "VARIANT", "Constant", "Variant", "hidden"]

CHOICES = (3, 5, 7, 11, 13, 17)
"""What a constant may be. None is twice another, as many mistakes are; 1 is the published lab's."""

MARK = "**Your variant.**"
"""How a paragraph begins that tells a student of a constant."""


@dataclass(frozen=True)
class Variant:
    """A student's variant of a lab.

    Args:
        seed: where constants come from; it stands in the student's notebook.
        cases: where hidden cases come from; the grader's isn't known to students. Without it, `seed`.
    """

    seed: str
    cases: str = ""

    def constant(self, exercise: str) -> int:
        """The student's constant in an exercise that varies."""
        return CHOICES[_number(f"{self.seed} {exercise}") % len(CHOICES)]


@dataclass(frozen=True)
class Constant:
    """What a student's constant multiplies: an argument by its name, or what is returned.

    `returned` names those of several returned values that are multiplied, each with its place; none are all of them.
    """

    argument: str = ""
    returned: Mapping[str, int] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """What is multiplied, in words."""
        names = [self.argument] if self.argument else list(self.returned)
        return ", ".join(f"`{name}`" for name in names) or "what is returned"

    def told(self, value: int) -> str:
        """The paragraph for the student."""
        if self.argument:
            what = f"Wherever the text says `{self.argument}`, use **{value}** times `{self.argument}`."
        elif self.returned:
            what = f"Return {self.where} multiplied by **{value}**, and the rest as the text says."
        else:
            what = f"Return **{value}** times what the text says."
        return f"{MARK} {what} (The text's example is without it.)"

    def taken_out(self, function: Callable[..., Any], parameters: Sequence[str], value: float) -> Callable[..., Any]:
        """The function as the published lab has it, made of one that has this constant."""
        if value == 1:
            return function

        def published(*args: Any) -> Any:
            if self.argument:
                place = parameters.index(self.argument)
                return function(*args[:place], args[place] / value, *args[place + 1 :])
            answer = function(*args)
            if not self.returned:
                return _divided(answer, value)
            if not np.iterable(answer):
                return answer  # the check says what is missing
            places = self.returned.values()
            return tuple(_divided(one, value) if i in places else one for i, one in enumerate(answer))

        return published


VARIANT: ContextVar[Variant | None] = ContextVar("VARIANT", default=None)
"""The variant that is judged; None is the published lab."""


def hidden(seed: int) -> int:
    """The seed of a check's hidden cases: as given in the published lab, in a variant another for each student."""
    variant = VARIANT.get()
    return seed if variant is None else _number(f"{variant.cases or variant.seed} {seed}")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def _divided(answer: Any, value: float) -> Any:
    """An answer by a number, at any depth; a text, or nothing at all, stays what it is."""
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, dict):
        return {key: _divided(one, value) for key, one in answer.items()}
    try:
        return answer / value
    except TypeError:
        return [_divided(one, value) for one in answer] if np.iterable(answer) else answer
