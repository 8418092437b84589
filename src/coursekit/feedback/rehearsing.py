"""Rehearse an exercise: what do its own comparisons say to each mistake that they name?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from coursekit.feedback.comparing import COMPARED, Comparison, Pattern
from coursekit.feedback.hints import TryAgain
from coursekit.feedback.lab import Lab, Status
from coursekit.feedback.student import Student

__all__ = ["Rehearsal", "rehearse"]


@dataclass(frozen=True)
class Rehearsal:
    """A mistake of a comparison: its hint, the wrong function, and what the comparison said to it ("" if it passed)."""

    hint: str
    wrong: Callable[..., Any]
    said: str


def rehearse(lab: Lab, number: str, solution: Callable[..., Any]) -> list[Rehearsal]:
    """Give every mistake that the comparisons of an exercise name to its own comparison, as if a student had made it.

    A mistake that passes equals the right answer on all cases; one that gets another hint is shadowed by it. Both are
    faults of the check. `solution` must pass, so that every comparison of the check is reached. A `Pattern` has no
    wrong answer to be tried.
    """
    compared: list[Comparison] = []
    token = COMPARED.set(compared)
    try:
        verdict = lab.judge(number, solution)
    finally:
        COMPARED.reset(token)
    if verdict.status is not Status.PASS:
        raise ValueError(f"Exercise {number} can't be rehearsed with an answer that doesn't pass: {verdict.message}")
    return [
        Rehearsal(hint, mistake, _said(comparison, mistake))
        for comparison in compared
        for hint, mistake in comparison.mistakes.items()
        if not isinstance(mistake, Pattern)
    ]


def _said(comparison: Comparison, wrong: Callable[..., Any]) -> str:
    try:
        with np.errstate(all="ignore"):
            comparison.judge(Student(wrong, list(comparison.parameters)))
    except TryAgain as hint:
        return str(hint)
    return ""
