"""Every mutant before the check that it should not pass."""

import io
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

from coursekit.feedback import Lab, Status
from coursekit.mutants.operators import HELPERS, Mutant, mutants_of

__all__ = ["Outcome", "table", "try_mutants"]

COLUMNS = ("named", "difference", "stopped", "passed")


@dataclass(frozen=True)
class Outcome:
    """What a check said to a mutant.

    `kind` is "named" (the hint names a fault), "difference" (it shows a failing case), "stopped" (an error, or no end)
    or "passed".
    """

    exercise: str
    mutant: Mutant
    kind: str
    message: str


def try_mutants(
    lab: Lab,
    number: str,
    source: str,
    namespace: Mapping[str, Any],
    function: str = "",
    choose: Callable[[list[Mutant]], Iterable[Mutant]] = iter,
) -> list[Outcome]:
    """Judge the mutants of one right answer.

    Args:
        lab: with the check.
        number: of the exercise.
        source: the right answer's definition, and whatever is defined beside it.
        namespace: the global names that the source needs; it is copied for each mutant.
        function: the name that the source defines, if it isn't that of the exercise.
        choose: all mutants -> those that are tried, for a sample.
    """
    function = function or lab.exercises[number].function
    outcomes = []
    for mutant in choose(mutants_of(source, function)):
        names = dict(namespace)
        exec(compile(HELPERS, "<helpers>", "exec"), names)
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            exec(compile(mutant.source, "<mutant>", "exec"), names)
            verdict = lab.judge(number, names[function])
        kind = "passed" if verdict.status is Status.PASS else verdict.kind
        outcomes.append(Outcome(number, mutant, kind, verdict.message))
    return outcomes


def table(outcomes: Iterable[Outcome], equivalent: Mapping[str, Mapping[str, str]]) -> str:
    """A row for each exercise, and one for all: how many mutants there are, and what became of them.

    `equivalent` is exercise -> a mutant's name -> why it is no fault. The share that is refused counts the others.
    """
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        known = outcome.kind == "passed" and outcome.mutant.name in equivalent.get(outcome.exercise, {})
        for row in (outcome.exercise, "all"):
            counts.setdefault(row, Counter())["equivalent" if known else outcome.kind] += 1
    last = counts.pop("all", Counter())
    lines = ["         mutants  equivalent    named  difference  stopped  passed   refused   named"]
    for row, count in [*counts.items(), ("all", last)]:
        faults = sum(count[kind] for kind in COLUMNS)
        refused = faults - count["passed"]
        told = [count.total(), count["equivalent"], *(count[kind] for kind in COLUMNS)]
        numbers = "".join(f"{n:>{width}}" for n, width in zip(told, (9, 12, 9, 12, 9, 8), strict=True))
        lines.append(f"{row:8}{numbers}{_share(refused, faults):>10}{_share(count['named'], refused):>8}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"
