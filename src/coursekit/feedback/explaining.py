"""Search for what explains a wrong value in every case: what ties it to the right one, or other inputs.

Each explanation is a fact that was tried in all cases and could have failed; what the student did is not guessed.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback.breaking import first_broken
from coursekit.feedback.changes import misreadings, plainer
from coursekit.feedback.mishaps import where_it_stopped
from coursekit.feedback.quantities import quantities, taken_for, tie
from coursekit.feedback.reading import Answer, brief, read_floats
from coursekit.feedback.relations import nearly, relation, wherever_wrong
from coursekit.feedback.running import TooLong, run_limited
from coursekit.feedback.student import Student
from coursekit.feedback.surroundings import mute_libraries

if TYPE_CHECKING:
    from coursekit.feedback.comparing import Comparison

__all__ = ["explained"]

SECONDS = 1.5  # of work that the search may take

Case = tuple[Any, ...]
Array = NDArray[np.float64]


def explained(
    asked: "Comparison",
    student: Student,
    number: int,
    answers: Sequence[Answer],
    expected: Sequence[Answer],
    failing: Sequence[int],
) -> tuple[str, str]:
    """What is wrong with a value, to be said after its name; else a sentence: where it breaks, or what makes it right.

    Both may be empty.

    Args:
        asked: the comparison in which it is wrong.
        student: the function that gave it.
        number: of the value among those that the function returns.
        answers: all that it returned, in all cases.
        expected: what is right.
        failing: the cases in which the value is wrong, the one to be shown first.
    """
    search = _Search(asked, student, number, [one[number] for one in answers], expected, failing)
    found: list[str] = []

    def work() -> None:
        found.append(search.fault())
        found.append("" if found[0] else search.broken_line() or search.cure())

    # What is printed, or warned of, about inputs that nobody has asked for would only confuse; and an argument that was
    # changed may lead into a loop without end.
    with (
        redirect_stdout(io.StringIO()),
        mute_libraries(),
        warnings.catch_warnings(action="ignore"),
        suppress(TooLong),
    ):
        run_limited(work, SECONDS)
    fault, cure = [*found, "", ""][:2]
    return fault, cure


@dataclass(frozen=True)
class _Search:
    asked: "Comparison"
    student: Student
    number: int
    got: list[Array]
    expected: Sequence[Answer]
    failing: Sequence[int]

    @property
    def right(self) -> list[Array]:
        return [one[self.number] for one in self.expected]

    @property
    def order(self) -> list[int]:
        """All cases, those that fail first."""
        return [*self.failing, *(i for i in range(len(self.got)) if i not in self.failing)]

    def fault(self) -> str:
        if text := self._differs_by_chance():
            return text
        if not all(np.isfinite(one).all() for one in self.got):
            return ""
        pairs = zip(self.got, self.right, strict=True)
        if any((abs(a) > 1e9 * (1 + abs(b).max(initial=0))).any() for a, b in pairs):
            return self._read_as_others()
        shapes = all(a.shape == b.shape for a, b in zip(self.got, self.right, strict=True))
        first = (self._stands_still, self._related) if shapes else (self._related, self._stands_still)
        tried = *first, self._ignores, self._tied, self._read_as_others, self._somewhere
        return next(filter(None, (one() for one in (*tried, self._grows))), "")

    def broken_line(self) -> str:
        """Where NumPy first divides by zero, say, if a value is no finite number any more; empty if it doesn't."""
        if any(a.shape != b.shape for a, b in zip(self.got, self.right, strict=True)):
            return ""  # that is told first, of another case
        if self.asked.by_hand and 0 in self.failing and np.isfinite(self.got[0]).all():
            return ""  # the example is
        broken = [i for i in self.failing if not np.isfinite(self.got[i]).all() and np.isfinite(self.right[i]).all()]
        states = np.errstate(divide="raise"), np.errstate(invalid="raise"), np.errstate(over="raise")
        later = ""  # what follows from a number that is infinite already
        for raising in states if broken else ():
            try:
                with raising:
                    self.student(*self.asked.cases[broken[0]])
            except FloatingPointError as error:
                line, values = where_it_stopped(error)
                if line and not re.search(r"\binf\b", values):
                    return f"It begins in {line}: {error}. {values}".strip()
                later = later or (line and f"In {line}, NumPy tells: {error}. {values}")
            except Exception:
                return ""
        if later:
            return later
        nan = bool(broken) and bool(np.isnan(self.got[broken[0]]).any())
        line, name = first_broken(self.student, self.asked.cases[broken[0]]) if nan else ("", "")
        return f"From {line} on, `{name}` holds NaN." if line else ""

    def cure(self) -> str:
        """Which argument has to be made plainer so that the value is right in every case; empty if none does."""
        cures: dict[tuple[str, ...], str] = {}
        if len(self.failing) < 2:
            return ""  # what cures one case does so by chance
        for text, names, change in plainer(self.asked.parameters, self.asked.cases):
            new = not any(set(known) <= set(names) for known in cures) and not set(names) & set(self.asked.linked)
            if new and self._is_cured(change) and not self._is_trivial(change):
                cures[names] = text
        if not 0 < len(cures) < 4:
            return ""
        named = " or ".join(f"`{name}`" for name in sorted({name for one in cures for name in one}))
        value = self.asked.names[self.number] if len(self.asked.names) > 1 else "it"
        return f"Tried with {', or '.join(cures.values())}, {value} was right: what changes with {named}?"

    # --- Arguments that have no effect ---

    def _stands_still(self) -> str:
        if not any(a.size for a in self.got):
            return "stays empty in every case: is anything put into it"
        close = self.asked.close
        if any(not close(b, self.right[0]) for b in self.right) and all(close(a, self.got[0]) for a in self.got):
            stays = not any(one.any() for one in self.got)
            return f"is {'0, ' * stays}the same in all {len(self.got)} cases that were tried. What is it made of"
        return ""

    def _ignores(self) -> str:
        ignored = self._ignored() if self.got[self.failing[0]].size else ""
        asked = "is it looked at, and what becomes of it on the way to what you return"
        return f"doesn't change when {ignored}: {asked}" if ignored else ""

    def _ignored(self) -> str:
        """The argument that explains the value by having no effect on it, as "`x` does"; empty if none does.

        In the first few cases where it is wrong, each argument is exchanged for that of other cases. If the value
        stays what it was though the right one would not, in the first case and wherever else it can be tried, then the
        argument isn't read. Where staying would be right, nothing is shown.
        """
        cases, close = self.asked.cases, self.asked.close
        for place, parameter in enumerate(self.asked.parameters):
            if parameter in self.asked.linked:
                continue
            stays: dict[int, list[bool]] = {i: [] for i in self.failing[:3]}
            shown = f"`{parameter}` does"
            for i, other in product(stays, cases[:6]):
                args = (*cases[i][:place], other[place], *cases[i][place + 1 :])
                try:
                    before, right = self._right(cases[i]), self._right(args)
                    if not (close(right, before) or close(right, self.got[i])):
                        stays[i].append(close(self._given(args), self.got[i]))
                        own, its = cases[i][place], brief(other[place])  # of lists few fit, and tell little
                        if isinstance(own, list | tuple) and its != brief(own):
                            shown = f"`{parameter}` is {its} and not {brief(own)}"
                except Exception:  # arguments of two cases needn't fit together
                    continue
                if not all(stays[i]):
                    break
            if stays[self.failing[0]] and all(map(all, stays.values())) and not self._has_effect(parameter):
                return shown
        return ""

    def _has_effect(self, parameter: str) -> bool:
        """Whether some change of an argument changes the value in some case, one that fails or one that passes."""
        some = dict.fromkeys([*self.order[:8], *self.order[-2:]])
        for _, names, change in misreadings(self.asked.parameters, self.asked.cases):
            for i in some if names == (parameter,) else ():
                with suppress(Exception):  # a changed argument needn't make sense
                    if not self.asked.close(self._given(change(self.asked.cases[i])), self.got[i]):
                        return True
        return False

    def _differs_by_chance(self) -> str:
        """Whether the same numbers, given once more, make another value: something is drawn."""
        args = self.asked.cases[self.failing[0]]
        if all(isinstance(value, int | float | str | np.ndarray) or hasattr(type(value), "detach") for value in args):
            with suppress(Exception):
                if not self.asked.close(self._given(args), self.got[self.failing[0]]):
                    return (
                        "is another each time, for the same inputs: is something in it left to chance, or is a place "
                        "of an array that begins empty (np.empty) never filled"
                    )
        return ""

    def _right(self, args: Case) -> Array:
        return self.asked.answer(self.asked.right, args)[self.number]

    def _given(self, args: Case) -> Array:
        return read_floats(self.asked.read(self.student(*args), *args), self.asked.names)[self.number]

    # --- What ties the value to what is known ---

    def _related(self) -> str:
        """What ties all answers to the right ones, or which quantity was taken for what is asked."""
        near = nearly(self.got, self.right) or _scaled(self.got, self.right)
        return near or relation(self.got, self.right) or taken_for(self.got, self._known())

    def _tied(self) -> str:
        """A quantity that ties all answers to the right ones, or their distances from another of the right answers."""
        known = self._known()
        if text := tie(self.got, self.right, known):
            return text
        for i, name in enumerate(self.asked.names):
            origin = [one[i] for one in self.expected]
            like = all(a.shape == o.shape == b.shape for a, o, b in zip(self.got, origin, self.right, strict=True))
            if like and i != self.number:
                off, wanted = ([a - o for a, o in zip(ends, origin, strict=True)] for ends in (self.got, self.right))
                if text := _scaled(off, wanted) or relation(off, wanted) or tie(off, wanted, known):
                    return f"lies wrong: its distance from what {name} should be {text}"
        return ""

    def _known(self) -> list[dict[str, Array]]:
        names = self.asked.names
        return [
            quantities(self.asked.parameters, args, {names[i]: one[i] for i in range(len(names)) if i != self.number})
            for args, one in zip(self.asked.cases, self.expected, strict=True)
        ]

    def _somewhere(self) -> str:
        return wherever_wrong(self.got, self.right) or self._misshapen() or self._in_some_cases()

    def _misshapen(self) -> str:
        """An axis that is there in every case though it shouldn't, or the other way round."""
        shapes = [(a.shape, b.shape) for a, b in zip(self.got, self.right, strict=True)]
        for long, short, text in ((0, 1, "has an axis too many"), (1, 0, "lacks an axis")):
            most = max(len(pair[long]) for pair in shapes)
            for axis in range(-most, most):
                if all(-len(p[long]) <= axis < len(p[long]) and _without(p[long], axis) == p[short] for p in shapes):
                    lengths, known = [pair[long][axis] for pair in shapes], self._known()
                    named = known[0] if len(set(lengths)) > 1 else {}
                    same = [
                        name
                        for name in named
                        if ("len(" in name or ".shape[" in name)
                        and all(one.get(name) == n for one, n in zip(known, lengths, strict=True))
                    ]
                    return f"{text}, of {same[0]} entries" if same else text
        return "is one number in every case" if all(b and not a for a, b in shapes) else ""

    def _in_some_cases(self) -> str:
        """An argument that is one value in all cases that fail and in no other, or the other way round.

        It is tried: exchanged for a value of the other cases, it must make what was wrong right, and what was right
        wrong.
        """
        cases, places = self.asked.cases, range(len(self.asked.parameters))
        n_passing = len(cases) - len(self.failing)
        for place in places if min(len(self.failing), n_passing) > 1 else ():
            if not all(isinstance(args[place], bool | int | str) for args in cases):
                continue
            wrong = {args[place] for i, args in enumerate(cases) if i in self.failing}
            right = {args[place] for i, args in enumerate(cases) if i not in self.failing}
            if wrong & right or min(len(wrong), len(right)) > 1:
                continue
            with suppress(Exception):  # such a value needn't make sense in another case
                tried = product(range(len(cases)), wrong | right)
                changed = (((*cases[i][:place], value, *cases[i][place + 1 :]), value in right) for i, value in tried)
                if all(self.asked.close(self._given(args), self._right(args)) == passes for args, passes in changed):
                    (value,), word, other = (right, "right", "wrong") if len(wrong) > 1 else (wrong, "wrong", "right")
                    return f"is {word} wherever `{self.asked.parameters[place]}` is {value!r}, and {other} elsewhere"
        return ""

    def _grows(self) -> str:
        """By how much the value grows when an argument is doubled, if that shows that it should grow otherwise."""
        for text, names, change in misreadings(self.asked.parameters, self.asked.cases):
            if text.endswith(" twice as large") and len(names) == 1:
                grown, wanted = set[float](), set[float]()
                with suppress(Exception):  # arguments needn't make sense
                    for i in self.order[:5]:
                        args = change(self.asked.cases[i])
                        grown |= _ratios(self._given(args), self.got[i])
                        wanted |= _ratios(self._right(args), self.right[i])
                    if len(grown) == len(wanted) == 1 and grown != wanted and 0 not in grown | wanted:
                        now, right = (
                            f"{n:g} times as large" if n != 1 else "as large as before" for n in (*grown, *wanted)
                        )
                        return f"is {now} with {text}, and should be {right}"
        return ""

    # --- Other inputs ---

    def _read_as_others(self) -> str:
        """How the arguments are read, if that explains every value and different ones show it."""
        if len({value for i in self.failing for value in self.got[i].ravel().tolist()}) < 2:
            return ""
        for text, names, change in misreadings(self.asked.parameters, self.asked.cases):
            alone = len(names) == 1 and names[0] in self.asked.linked
            if not alone and self._is_right(change(self.asked.cases[i]) for i in self.order):
                return f"is what it should be if {_were(text)}"
        return ""

    def _is_right(self, cases: Iterable[Case]) -> bool:
        """Whether the value is the right one for these cases in place of those that were asked."""
        try:
            values = (self.got[i] for i in self.order)
            return all(self.asked.close(a, self._right(args)) for a, args in zip(values, cases, strict=True))
        except Exception:  # arguments of two cases, or two arguments, needn't fit together
            return False

    def _is_cured(self, change: Callable[[Case], Case]) -> bool:
        """Whether the value is right in all changed cases; those that failed must show it by numbers of no chance."""
        met = set[float]()
        try:
            for i in self.order[:6]:
                args = change(self.asked.cases[i])
                right = self._right(args)
                if not (np.isfinite(right).all() and self.asked.close(self._given(args), right)):
                    return False
                met.update(right.ravel().tolist() if i in self.failing else [])
        except Exception:  # plainer arguments needn't make sense
            return False
        return len(met) > 1 or any(value % 0.5 for value in met)

    def _is_trivial(self, change: Callable[[Case], Case]) -> bool:
        """Whether a change cures more than a quarter of the known mistakes, too, and so tells nothing of this one."""
        cured = 0
        for mistake in self.asked.functions:
            with suppress(Exception):
                before, after = (
                    [
                        self.asked.close(self.asked.answer(mistake, args)[self.number], self._right(args))
                        for args in cases
                    ]
                    for cases in (self.asked.cases, list(map(change, self.asked.cases)))
                )
                cured += all(after) and not all(before)
        return cured > len(self.asked.functions) / 4


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(int(n) for n in np.delete(shape, axis))


def _ratios(after: Array, before: Array) -> set[float]:
    """By which factors entries have grown; those that were 0 must have stayed so."""
    if after.shape != before.shape or (after[before == 0] != 0).any():
        raise ValueError("nothing to be compared")
    return set(np.round(after[before != 0] / before[before != 0], 4).tolist())


def _were(change: str) -> str:
    """A change of arguments, as in "`x` without its signs", as what might be so: "`x` were without its signs"."""
    return re.sub(r"^(`\w+`(?: and `\w+`)?)", r"\1 were", change)


def _scaled(got: Sequence[Array], right: Sequence[Array]) -> str:
    """The one factor that turns every right answer into the given one, in words."""
    if any(a.shape != b.shape for a, b in zip(got, right, strict=True)):
        return ""
    a, b = np.concatenate([one.ravel() for one in got]), np.concatenate([one.ravel() for one in right])
    largest = int(np.argmax(np.abs(b)))
    if b.size < 2 or b[largest] == 0 or a[largest] == 0:
        return ""
    factor = float(a[largest] / b[largest])
    if abs(factor) < 1e-9 or not np.allclose(a, factor * b, rtol=1e-5, atol=1e-9 * min(1, abs(factor))):
        return ""
    if np.isclose(factor, -1):
        return "has the wrong sign in every case that was tried"
    return (
        f"is {factor:.4g} times what it should be in every case that was tried: look for a factor that is missing, "
        "there twice, or another than it should be"
    )
