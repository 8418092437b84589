"""Compare a student's answers with the right ones and with named wrong ones, and say the difference in words."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback.hints import TryAgain
from coursekit.feedback.reading import Answer, case_text, read_floats, read_several, to_arrays
from coursekit.feedback.relations import relation
from coursekit.feedback.student import Student

__all__ = ["COMPARED", "Comparison", "Part", "Pattern", "compare", "compare_each"]

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
    run_away: str = "Print the numbers on the way there, and find where they begin to grow.",
    rtol: float = 1e-6,
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
        run_away: what to look at when an answer holds NaN, infinity or a number far too large.
        rtol: largest relative error that counts as right.
    """
    names = (returns,) if isinstance(returns, str) else tuple(returns)
    comparison = Comparison(student.parameters, names, by_hand, others, right, mistakes, read, run_away, rtol)
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
    rtol: float

    @property
    def cases(self) -> list[Case]:
        """The arguments of all cases."""
        return [args for args, _ in self.by_hand] + list(self.others)

    def judge(self, student: Student) -> None:
        """Pass silently if every answer is right, else raise TryAgain with the best explanation there is."""
        answers = [read_floats(self.read(student(*args), *args), self.names) for args in self.cases]
        expected = [to_arrays(self.read(answer, *args), self.names) for args, answer in self.by_hand]
        expected += [self._answer(self.right, args) for args in self.others]
        if self._agree(answers, expected):
            return
        for hint, mistake in self.mistakes.items():
            if self._explains(mistake, answers, expected):
                raise TryAgain(hint)
        for order in permutations(range(len(self.names))) if 1 < len(self.names) < 5 else ():
            if self._agree([tuple(answer[i] for i in order) for answer in answers], expected):
                raise TryAgain(f"the values are right, but in another order than ({', '.join(self.names)}).")
        for number in range(len(self.names)):
            got, wanted = [answer[number] for answer in answers], [answer[number] for answer in expected]
            self._judge_part(number, got, wanted, student)

    def _answer(self, function: Callable[..., Any], args: Case) -> Answer:
        return to_arrays(self.read(function(*args), *args), self.names)

    def _agree(self, ours: Sequence[Answer], theirs: Sequence[Answer]) -> bool:
        pairs = zip(ours, theirs, strict=True)
        return all(self._close(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))

    def _close(self, a: Array, b: Array) -> bool:
        return a.shape == b.shape and np.allclose(a, b, rtol=self.rtol, atol=1e-9, equal_nan=True)

    def _explains(self, mistake: Callable[..., Any] | Pattern, answers: list[Answer], expected: list[Answer]) -> bool:
        if not isinstance(mistake, Pattern):
            return self._agree(answers, [self._answer(mistake, args) for args in self.cases])
        for got, right, args in zip(answers, expected, self.cases, strict=True):
            one, other = (got, right) if len(self.names) > 1 else (got[0], right[0])
            if [part.shape for part in got] != [part.shape for part in right] or not mistake.fits(one, other, *args):
                return False
        return True

    def _ignored(self, student: Student, number: int, wrong: Sequence[int], got: list[Array]) -> str:
        """The argument that explains a wrong value by having no effect on it; empty if none does.

        In the first few cases where it is wrong, each argument is exchanged for that of other cases. If the value
        stays what it was though the right one would not, in the first case and wherever else it can be tried, then the
        argument isn't read. Where staying would be right, nothing is shown.
        """
        for place, parameter in enumerate(self.parameters):
            stays: dict[int, list[bool]] = {i: [] for i in wrong[:3]}
            for i, other in product(stays, self.cases[:6]):
                args = (*self.cases[i][:place], other[place], *self.cases[i][place + 1 :])
                try:
                    before, right = (self._answer(self.right, one)[number] for one in (self.cases[i], args))
                    if not (self._close(right, before) or self._close(right, got[i])):
                        answer = read_floats(self.read(student(*args), *args), self.names)
                        stays[i].append(self._close(answer[number], got[i]))
                except Exception:  # arguments of two cases needn't fit together
                    continue
                if not all(stays[i]):
                    break
            if stays[wrong[0]] and all(map(all, stays.values())):
                return parameter
        return ""

    def _read_as_others(self, number: int, got: list[Array]) -> str:
        """How the arguments are read, if that explains every value: one keeps its first value, or two are exchanged."""
        names, first = self.parameters, self.cases[0]
        for place, name in enumerate(names):
            if self._is_right(number, got, [(*args[:place], first[place], *args[place + 1 :]) for args in self.cases]):
                return f"would be right if `{name}` were always what it is in the first case. Is it typed in, or kept?"
        for one, other in combinations(range(len(names)), 2):
            order = list(range(len(names)))
            order[one], order[other] = other, one
            if self._is_right(number, got, [tuple(args[i] for i in order) for args in self.cases]):
                return f"would be right if `{names[one]}` and `{names[other]}` were exchanged."
        return ""

    def _is_right(self, number: int, got: list[Array], cases: list[Case]) -> bool:
        """Whether a value is the right one for these cases in place of those that were asked."""
        try:
            with warnings.catch_warnings(action="error"):
                answers = (self._answer(self.right, args)[number] for args in cases)
                return all(self._close(a, b) for a, b in zip(got, answers, strict=True))
        except Exception:  # arguments of two cases, or two arguments, needn't fit together
            return False

    def _judge_part(self, number: int, got: list[Array], expected: list[Array], student: Student) -> None:
        """Raise TryAgain if one value is wrong: about its shape, NaN, a factor, or the shortest case that fails."""
        name = self.names[number]
        texts = [case_text(self.parameters, args) for args in self.cases]
        for a, b, case in zip(got, expected, texts, strict=True):
            if a.shape != b.shape:
                wanted = f"an array of shape {b.shape}" if b.shape else "one number"
                tie = relation(got, expected)
                shown = f" It {tie}." if tie else ""
                shapes = f"{name} should be {wanted}, but yours has the shape {a.shape} for {case}.{shown}"
                raise TryAgain(shapes, names_fault=bool(tie))
        for a, b, case in zip(got, expected, texts, strict=True):
            far = a[~(np.abs(a) <= 1e9 * (1 + np.abs(b).max()))]  # true for NaN too
            if far.size:
                raise TryAgain(f"{name} has run away to {far[0]:.3g} for {case}. {self.run_away}", names_fault=False)
        wrong = [not self._close(a, b) for a, b in zip(got, expected, strict=True)]
        if not any(wrong):
            return
        typed_in = "Is a number typed in, or taken from a variable of the notebook, where an argument is meant?"
        if any(not self._close(b, expected[0]) for b in expected) and all(self._close(a, got[0]) for a in got):
            raise TryAgain(f"{name} is the same whatever the inputs are. {typed_in}")
        failing = sorted((i for i, fails in enumerate(wrong) if fails), key=lambda i: len(texts[i]))
        a, b = got[failing[0]], expected[failing[0]]
        if ignored := self._ignored(student, number, failing, got):
            raise TryAgain(f"{name} doesn't change when `{ignored}` does. {typed_in}")
        if (factor := self._factor(got, expected)) is not None:
            if np.isclose(factor, -1):
                raise TryAgain(f"{name} has the wrong sign in every case that was tried.")
            raise TryAgain(
                f"{name} is {factor:.4g} times what it should be in every case that was tried: look for a factor that "
                "is missing, or there twice."
            )
        if tie := relation(got, expected):
            raise TryAgain(f"{name} {tie}.")
        if reading := self._read_as_others(number, got):
            raise TryAgain(f"{name} {reading}")
        index = tuple(int(i) for i in np.argwhere(~np.isclose(a, b, rtol=self.rtol, atol=1e-9))[0])
        place = f"{name}[{', '.join(map(str, index))}]" if index else name
        fits = "" if wrong[0] else "your answer fits the example but not other inputs: "
        difference = f"{fits}{place} is {a[index]:.6g}, but should be {b[index]:.6g}, for {texts[failing[0]]}."
        raise TryAgain(difference, names_fault=False)

    def _factor(self, got: list[Array], expected: list[Array]) -> float | None:
        """The one number that turns every right answer into the given one, if there is one."""
        a, b = np.concatenate([v.ravel() for v in got]), np.concatenate([v.ravel() for v in expected])
        largest = int(np.argmax(np.abs(b)))
        if b.size < 2 or b[largest] == 0 or a[largest] == 0:
            return None
        factor = float(a[largest] / b[largest])
        return factor if np.allclose(a, factor * b, rtol=self.rtol, atol=1e-9) else None


COMPARED: ContextVar[list[Comparison] | None] = ContextVar("COMPARED", default=None)
"""Where comparisons are noted while somebody rehearses an exercise (see `rehearsing`)."""
