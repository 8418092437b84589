"""Compare a student's answers with the right ones and with named wrong ones, and say the difference in words."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback.explaining import explained
from coursekit.feedback.hints import TryAgain
from coursekit.feedback.reading import Answer, case_text, read_floats, read_several, to_arrays
from coursekit.feedback.student import Student

__all__ = ["COMPARED", "Comparison", "Part", "Pattern", "compare", "compare_each"]

ADVICE = "Print the numbers on the way there: which is the first that is far too large, infinite or nan?"

QUESTION = re.compile(r": is |\. Is |: what |\. What ")  # in what is wrong with a value, where it asks for the cause

Case = tuple[Any, ...]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pattern:
    """A mistake that isn't one wrong answer but a kind of them, which a look at the answer tells.

    `fits` gets the answer, the right answer (two arrays of the same shape; of several values, two tuples of them) and
    the arguments of the case. It must be true of every case.
    """

    fits: Callable[..., Any]


@dataclass(frozen=True)
class Part:
    """One of several values that a function returns: the right one, and the mistakes that are told by it alone.

    `right` and the functions of `mistakes` (hint -> function) return this value alone; `read` makes it comparable;
    `label` is what messages call it, if its name won't do.
    """

    right: Callable[..., Any]
    mistakes: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    read: Callable[[Any], Any] = lambda value: value
    label: str = ""


def compare(
    student: Student,
    *,
    returns: str | Sequence[str],
    by_hand: Sequence[tuple[Case, Any]],
    others: Sequence[Case],
    right: Callable[..., Any],
    mistakes: Mapping[str, Callable[..., Any] | Pattern],
    read: Callable[..., Any] = lambda answer, *args: answer,
    run_away: str = "",
    not_finite: str = "",
    rtol: float = 1e-6,
    linked: Collection[str] = (),
) -> None:
    """Pass silently if every answer is right, else raise TryAgain with the best explanation there is.

    Args:
        student: the function, and the names of its arguments.
        returns: what messages call the number or array that the function returns; the names of several, if it does.
        by_hand: (arguments, answer worked out by hand) pairs; the first is the example of the notebook.
        others: arguments of further cases, drawn by the check from a seed of its own.
        right: the right answer to `others`, written independently of what students are led to write.
        mistakes: hint -> what a student who makes that mistake returns, or a `Pattern`. A hint is given when its
            mistake explains every case; the first in order wins.
        read: (answer, *arguments) -> what is compared, for answers that are no numbers or arrays. It reads the right
            ones and the mistakes as well, and may raise TryAgain about a student's.
        run_away: what to look at when an answer holds NaN, infinity or a number far too large; what the engine finds
            out about it comes before.
        not_finite: the same of NaN and infinity alone.
        rtol: largest relative error that counts as right.
        linked: arguments that follow from others, so that a right answer needn't read each: none is tried by itself.
    """
    names = (returns,) if isinstance(returns, str) else tuple(returns)
    words = run_away, not_finite
    comparison = Comparison(student.parameters, names, by_hand, others, right, mistakes, read, *words, rtol, linked)
    if (compared := COMPARED.get()) is not None:
        compared.append(comparison)
    comparison.judge(student)


def compare_each(
    student: Student,
    parts: Mapping[str, Part],
    *,
    by_hand: Sequence[tuple[Case, Any]],
    others: Sequence[Case],
    rtol: float = 1e-6,
    linked: Collection[str] = (),
) -> None:
    """Compare each of several returned values by itself, one after the other; `by_hand` has whole answers.

    So mistakes in two values are told one after the other, and no table needs a row for every pair of them.
    """
    names = list(parts)

    def right(*args: Any) -> list[Any]:
        return [part.right(*args) for part in parts.values()]

    def alone(number: int, read: Callable[[Any], Any]) -> Callable[..., Any]:
        return lambda answer, *args: read(read_several(answer, names)[number])

    def beside(number: int, mistake: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: [*right(*args)[:number], mistake(*args), *right(*args)[number + 1 :]]

    for number, (name, part) in enumerate(parts.items()):
        compare(
            student,
            returns=part.label or name,
            by_hand=by_hand,
            others=others,
            right=right,
            mistakes={hint: beside(number, mistake) for hint, mistake in part.mistakes.items()},
            read=alone(number, part.read),
            rtol=rtol,
            linked=linked,
        )


@dataclass(frozen=True)
class Comparison:
    """What `compare` was asked, and how it judges."""

    parameters: Sequence[str]
    names: Sequence[str]
    by_hand: Sequence[tuple[Case, Any]]
    others: Sequence[Case]
    right: Callable[..., Any]
    mistakes: Mapping[str, Callable[..., Any] | Pattern]
    read: Callable[..., Any]
    run_away: str
    not_finite: str
    rtol: float
    linked: Collection[str] = ()

    @property
    def cases(self) -> list[Case]:
        """The arguments of all cases."""
        return [args for args, _ in self.by_hand] + list(self.others)

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """The mistakes that are functions."""
        return [mistake for mistake in self.mistakes.values() if not isinstance(mistake, Pattern)]

    def judge(self, student: Student) -> None:
        """Pass silently if every answer is right, else raise TryAgain with the best explanation there is."""
        answers = [read_floats(self.read(student(*args), *args), self.names) for args in self.cases]
        expected = [to_arrays(self.read(answer, *args), self.names) for args, answer in self.by_hand]
        expected += [self.answer(self.right, args) for args in self.others]
        if self._agree(answers, expected):
            return
        for hint, mistake in self.mistakes.items():
            if self._explains(mistake, answers, expected):
                raise TryAgain(hint)
        for order in permutations(range(len(self.names))) if 1 < len(self.names) < 5 else ():
            if self._agree([tuple(answer[i] for i in order) for answer in answers], expected):
                raise TryAgain(f"the values are right, but in another order than ({', '.join(self.names)}).")
        # What is wrong in the first examples, or in the most cases, comes first: the rest may follow from it.
        wrong = [
            [not self.close(a[i], b[i]) for a, b in zip(answers, expected, strict=True)] for i in range(len(self.names))
        ]
        for number in sorted(range(len(wrong)), key=lambda i: (-wrong[i][0], -sum(wrong[i]))):
            self._judge_part(number, answers, expected, student)

    def answer(self, function: Callable[..., Any], args: Case) -> Answer:
        """What the right function, or a mistake, returns, as arrays."""
        return to_arrays(self.read(function(*args), *args), self.names)

    def _agree(self, ours: Sequence[Answer], theirs: Sequence[Answer]) -> bool:
        pairs = zip(ours, theirs, strict=True)
        return all(self.close(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))

    def close(self, a: Array, b: Array) -> bool:
        """Whether two values are the same up to `rtol`."""
        return a.shape == b.shape and np.allclose(a, b, rtol=self.rtol, atol=1e-9, equal_nan=True)

    def _explains(self, mistake: Callable[..., Any] | Pattern, answers: list[Answer], expected: list[Answer]) -> bool:
        if not isinstance(mistake, Pattern):
            return self._agree(answers, [self.answer(mistake, args) for args in self.cases])
        for got, right, args in zip(answers, expected, self.cases, strict=True):
            one, other = (got, right) if len(self.names) > 1 else (got[0], right[0])
            if [part.shape for part in got] != [part.shape for part in right] or not mistake.fits(one, other, *args):
                return False
        return True

    def _judge_part(self, number: int, answers: list[Answer], expected: list[Answer], student: Student) -> None:
        """Raise TryAgain if one value is wrong: with what explains it in every case, or the shortest that fails."""
        name, got = self.names[number], [answer[number] for answer in answers]
        right = [answer[number] for answer in expected]
        texts = [case_text(self.parameters, args) for args in self.cases]
        failing = [i for i, (a, b) in enumerate(zip(got, right, strict=True)) if not self.close(a, b)]
        if not failing:
            return
        failing.sort(key=lambda i: len(texts[i]))
        far = [a[~(np.abs(a) <= 1e9 * (1 + np.abs(b).max(initial=0)))] for a, b in zip(got, right, strict=True)]
        away = sorted((i for i in failing if far[i].size), key=lambda i: bool(np.isfinite(far[i]).all()))
        fault, cure = explained(self, student, number, answers, expected, failing)
        said = f" {fault}{'?' if QUESTION.search(fault) else '.'}" if fault else ""
        for a, b, case in zip(got, right, texts, strict=True):
            if a.shape != b.shape:
                wanted = f"an array of shape {b.shape}" if b.shape else "one number"
                shapes = f"{name} should be {wanted}, but yours has the shape {a.shape} for {case}."
                told = " It" + said if fault else f" {cure}" if cure else ""
                raise TryAgain(shapes + told, names_fault=bool(told))
        example = bool(self.by_hand) and 0 in failing  # is wrong, and can be reworked by hand
        if away and (0 in away or not example):
            # NaN and infinity before large numbers: of one of them `explained` tells the line
            one, case = far[away[0]], texts[away[0]]
            shown = "It" + said if fault else cure
            known = self.run_away if np.isfinite(one).all() else self.not_finite or self.run_away
            why = [shown, known] if shown else [known or ADVICE]
            became = "is nan" if np.isnan(one[0]) else f"has run away to {one[0]:.3g}"
            told = f"{name} {became} for {case}. {' '.join(filter(None, why))}"
            raise TryAgain(told, names_fault=bool(shown))
        if fault:
            raise TryAgain(name + said)
        shown_case = 0 if 0 in failing else failing[0]  # the example can be reworked by hand
        a, b = got[shown_case], right[shown_case]
        index = tuple(int(i) for i in np.argwhere(~np.isclose(a, b, rtol=self.rtol, atol=1e-9))[0])
        place = f"{name}[{', '.join(map(str, index))}]" if index else name
        fits = "" if 0 in failing or not self.by_hand else f"{name} fits the example but not other inputs: "
        shown, due = f"{a[index]:.6g}", f"{b[index]:.6g}"
        if shown == due:  # they differ further on
            shown, due = f"{a[index]:.12g}", f"{b[index]:.12g}"
        difference = f"{fits}{place} is {shown}, but should be {due}, for {texts[shown_case]}."
        raise TryAgain(f"{difference} {cure}".strip(), names_fault=bool(cure))


COMPARED: ContextVar[list[Comparison] | None] = ContextVar("COMPARED", default=None)
"""Where comparisons are noted while somebody rehearses an exercise (see `rehearsing`)."""
