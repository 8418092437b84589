"""What a check tells a student: `TryAgain`, raised with the hint, and two short ways to raise it."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["TryAgain", "diagnose", "refuse"]


_AN = re.compile(
    r"\ba (?=(?:int|object|ndarray|[AEIO]\w*(?:Error|Exception|Executor))\b)"
)  # before kinds of values and errors


class TryAgain(Exception):  # noqa: N818 - a verdict, not an error
    """Raised by a check: the message tells the student what is wrong and what to look at.

    `names_fault` is false where it only shows a case that fails.
    """

    def __init__(self, message: str, names_fault: bool = True) -> None:
        super().__init__(_AN.sub("an ", message))
        self.names_fault = names_fault


def refuse(wrong: Any, hint: str) -> None:
    """Raise TryAgain with the hint if something is wrong: a bool, an array or tensor of one, a list of offenders."""
    if wrong:
        raise TryAgain(hint)


def diagnose(wrong: Mapping[str, Any]) -> None:
    """Raise TryAgain with the first hint whose condition holds: `{hint: condition}`."""
    for hint, holds in wrong.items():
        refuse(holds, hint)
