"""A lab: its exercises, their checks, and what one notebook's student has got so far."""

import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from coursekit.feedback.hints import TryAgain
from coursekit.feedback.memory import Memory
from coursekit.feedback.mishaps import file_of, misfit, mishap, unwritten
from coursekit.feedback.reading import outward
from coursekit.feedback.running import TooLong, run_limited
from coursekit.feedback.student import Hint, OnError, Student
from coursekit.feedback.surroundings import Lost, cut_output, say, watch_cells
from coursekit.feedback.variant import CHOICES, VARIANT, Constant, Variant

__all__ = ["Exercise", "Lab", "Status", "Verdict"]

Check = Callable[[Student], None]


class Status(Enum):
    """What a check found."""

    PASS = "PASS"
    TRY_AGAIN = "TRY AGAIN"
    YOUR_TURN = "YOUR TURN"


@dataclass(frozen=True)
class Verdict:
    """A check's answer; `message` is the hint, or what a stub asks for, and empty after PASS.

    `kind` is what the hint rests on, for those who test checks: a fault that it names ("named"), a failing case
    ("difference"), or an error that shows no more, or a time limit, that stopped the function ("stopped").
    """

    status: Status
    message: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Exercise:
    """One exercise: a function with its automatic check, or a free text that is read with a rubric.

    `rubric` maps points to what earns them, and is empty for an automatic exercise; `function` and `parameters` are
    empty for a free text. `on_error` and `in_place` are hints for a `Student`.
    """

    number: str
    title: str
    points: int
    function: str = ""
    parameters: list[str] = field(default_factory=list)
    run: Check | None = None
    on_error: OnError | None = None
    in_place: Hint | None = None
    rubric: Mapping[int, str] = field(default_factory=dict)

    @property
    def automatic(self) -> bool:
        """Whether a check gives the points."""
        return self.run is not None


class Lab:
    """The exercises of one lab, and what this notebook's student has got so far.

    Args:
        number: of the chapter; exercise numbers start with it.
        title: of the lab.
        time_limit: seconds that one check may take before it is stopped (see `running.run_limited` for its limits).
        varies: the exercises in which a student of a class may have a constant of their own.
    """

    def __init__(
        self, number: int, title: str, time_limit: float = 10, varies: Mapping[str, Constant] | None = None
    ) -> None:
        self.number = number
        self.title = title
        self.time_limit = time_limit
        self.varies = dict(varies or {})
        self.own: Variant | None = None
        self.exercises: dict[str, Exercise] = {}
        self._latest: dict[str, Verdict] = {}
        watch_cells(lambda: (exercise.function for exercise in self.exercises.values()), self._lose)

    def exercise(
        self,
        number: str,
        signature: str,
        *,
        title: str,
        points: int,
        on_error: OnError | None = None,
        in_place: Hint | None = None,
    ) -> Callable[[Check], Check]:
        """Register the decorated check for the function `signature`, for instance "mse_gradient(m, b, x, y)".

        `on_error` and `in_place` say what a student is told about certain errors, and about an input that was
        overwritten, in place of the engine's own words (see `Student`).
        """
        function, _, rest = signature.partition("(")
        parameters = [name.strip() for name in rest.rstrip(")").split(",")]

        def register(run: Check) -> Check:
            self._add(Exercise(number, title, points, function, parameters, run, on_error, in_place))
            return run

        return register

    def free_text(self, number: str, *, title: str, points: int, rubric: Mapping[int, str]) -> None:
        """Register an exercise that is answered in words and read by the instructor."""
        if max(rubric) != points:
            raise ValueError(f"The rubric of {number} ends at {max(rubric)} points; the exercise has {points}.")
        self._add(Exercise(number, title, points, rubric=rubric))

    def _add(self, exercise: Exercise) -> None:
        if not exercise.number.startswith(f"{self.number}.") or exercise.number in self.exercises:
            raise ValueError(f"Exercise {exercise.number}: give a new number that starts with {self.number}.")
        self.exercises[exercise.number] = exercise

    def judge(self, number: str, function: Any) -> Verdict:
        """Run one check on one function and return its verdict: nothing is printed, nothing is remembered.

        Whatever the function does, nothing is raised (but KeyboardInterrupt, which is the student's own wish).
        """
        exercise = self.exercises[number]
        if isinstance(function, Lost):
            return Verdict(
                Status.TRY_AGAIN,
                f"the cell that defines {exercise.function} failed when it was run last: mend it and run it again.",
            )
        check = exercise.run
        if check is None:
            raise ValueError(f"Exercise {number} is answered in words; there is no function to judge.")
        if not callable(function):
            return Verdict(
                Status.TRY_AGAIN,
                f'give the function itself, without brackets: lab.check("{number}", {exercise.function}). '
                f"You gave a value of type {type(function).__name__}.",
            )
        problem = misfit(function, exercise.function, exercise.parameters)
        if problem:
            return Verdict(Status.TRY_AGAIN, problem)

        def work() -> None:
            # Warnings, of an overflow or of a spread of one number, would come before the verdict that explains them.
            with np.errstate(all="ignore"):
                self._judge_own(exercise, check, function)

        token = VARIANT.set(self.own)
        try:
            with cut_output(), warnings.catch_warnings():
                for kind in (RuntimeWarning, UserWarning):  # NumPy's, and torch's
                    warnings.simplefilter("ignore", kind)
                run_limited(work, self.time_limit)
        except TryAgain as hint:
            return Verdict(Status.TRY_AGAIN, outward(str(hint)), "named" if hint.names_fault else "difference")
        except TooLong as late:
            restart = " It could not be stopped: choose Kernel > Restart before you go on." if late.still_busy else ""
            return Verdict(
                Status.TRY_AGAIN,
                f"your function was not finished after {late.seconds:g} seconds and was stopped. Does a loop never "
                f"end, or does it do far more steps than it was asked for?{restart}",
                "stopped",
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            ours = self._folders_but_of(function)
            name = getattr(function, "__name__", exercise.function)
            message = unwritten(error, name, ours) if isinstance(error, NotImplementedError) else None
            if message is not None:
                return Verdict(Status.YOUR_TURN, message)
            text, names_fault = mishap(error, ours)
            return Verdict(Status.TRY_AGAIN, text, "named" if names_fault else "stopped")
        finally:
            VARIANT.reset(token)
        return Verdict(Status.PASS)

    def _judge_own(self, exercise: Exercise, check: Check, function: Callable[..., Any]) -> None:
        """Run a check on what a function is without the student's constant; raises what the check raises.

        A function that is right for another constant, a classmate's or the published lab's, is told so; and so is one
        whose calls are right by themselves, but not one after the other.
        """

        def run(constant: int, function: Callable[..., Any] = function) -> None:
            published = varies.taken_out(function, exercise.parameters, constant) if varies else function
            check(Student(published, exercise.parameters, exercise.on_error, exercise.in_place))

        def passes(constant: int, function: Callable[..., Any] = function) -> bool:
            if time.process_time() - began > self.time_limit / 2:  # of work, as the limit itself
                return False
            with suppress(Exception):
                run(constant, function)
                return True
            return False

        varies = self.varies.get(exercise.number) if self.own else None
        own = self.own.constant(exercise.number) if self.own and varies else 1
        memory = Memory(function)
        began = time.process_time()
        try:
            run(own)
        except NotImplementedError:
            raise
        except Exception as error:
            for kept, alone in memory.without():
                if passes(own, alone):
                    raise TryAgain(
                        f"each call is right by itself, but not after another one: {kept} keeps something of an "
                        "earlier call. Let every call begin anew, from its own arguments."
                    ) from None
            for other in (1, *CHOICES) if varies else ():
                if other == own or not passes(other):
                    continue
                whose = f"for the constant {other}, which is somebody else's" if other > 1 else "for the published lab"
                raise TryAgain(f"this is right {whose}; yours is {own}: see *Your variant* above.") from None
            if varies and isinstance(error, TryAgain) and not error.names_fault:
                raise TryAgain(f"{error} (Numbers in this hint are without your constant, {own}.)", False) from None
            raise

    def variant(self, seed: str) -> None:
        """From now on this is the lab of the student to whom this seed belongs."""
        self.own = Variant(seed)

    def published(self, number: str, function: Any) -> Any:
        """A student's function without the student's constant, for the pictures of the lab."""
        if self.own is None or number not in self.varies or not callable(function):
            return function
        return self.varies[number].taken_out(function, self.exercises[number].parameters, self.own.constant(number))

    def _folders_but_of(self, function: Any) -> set[Path]:
        """Where the checks were written, which is no student's work; but not where this function was written."""
        files = {file_of(exercise.run) for exercise in self.exercises.values() if exercise.run}
        own = file_of(function)
        return {file.parent for file in files if file and not (own and own.is_relative_to(file.parent))}

    def check(self, number: Any = None, function: Any = None) -> None:
        """Check one function and print the verdict: `lab.check("1.1", mse_gradient)`."""
        number = str(number)
        exercise = self.exercises.get(number)
        if exercise is None:
            say(
                "TRY AGAIN",
                "",
                f": give the number of an exercise and its function, as in {self._example()}. {self._listed()}",
            )
        elif not exercise.automatic:
            say("TO BE READ", number, ": your instructor reads this answer; there is no automatic check.")
        elif function is None:
            say("TRY AGAIN", number, f': give your function too: lab.check("{number}", {exercise.function})')
        else:
            verdict = self._latest[number] = self.judge(number, function)
            if verdict.status is Status.PASS:
                say("PASS", number, f" {exercise.title}: {exercise.points} of {exercise.points} points.")
            else:
                say(verdict.status.value, number, f": {verdict.message}")

    def passed(self, *numbers: Any) -> bool:
        """Whether the latest checks of these exercises said PASS; prints what this cell waits for if they did not."""
        waits = []
        for number in map(str, numbers):
            if number not in self.exercises or not self.exercises[number].automatic:
                say(f"There is no automatic exercise {number}. {self._listed()}")
                return False
            if not self._points(number):
                waits.append(number)
        if waits:
            which = (
                f"exercises {', '.join(waits[:-1])} and {waits[-1]} say" if waits[1:] else f"exercise {waits[0]} says"
            )
            say(f"(This cell comes alive when the check of {which} PASS.)")
        return not waits

    def _lose(self, function: str) -> None:
        """A cell that should define a function anew has failed: what its older version got doesn't count."""
        for number, exercise in self.exercises.items():
            if exercise.function == function and number in self._latest:
                del self._latest[number]

    def score(self) -> None:
        """Print a table: what passed, what was tried, and what the instructor will read."""
        width = max(len(exercise.title) for exercise in self.exercises.values())
        print(f"Lab {self.number}: {self.title}")
        for number, exercise in self.exercises.items():
            latest = self._latest.get(number)
            if not exercise.automatic:
                points, state = "-", "read by your instructor"
            elif latest is None or latest.status is Status.YOUR_TURN:
                points, state = "0", "your turn"
            else:
                points, state = str(self._points(number)), "passed" if self._points(number) else "try again"
            print(f"  {number}  {exercise.title:<{width}}  {points:>2} of {exercise.points:>2}  {state}")
        automatic = sum(e.points for e in self.exercises.values() if e.automatic)
        free = sum(e.points for e in self.exercises.values() if not e.automatic)
        got = sum(self._points(number) for number in self.exercises)
        print(
            f"Checked here: {got} of {automatic} points."
            + (f" Your instructor gives up to {free} more." if free else "")
        )

    def _points(self, number: str) -> int:
        latest = self._latest.get(number)
        return self.exercises[number].points if latest is not None and latest.status is Status.PASS else 0

    def _example(self) -> str:
        first = next(exercise for exercise in self.exercises.values() if exercise.automatic)
        return f'lab.check("{first.number}", {first.function})'

    def _listed(self) -> str:
        return f"Lab {self.number} has the exercises {', '.join(self.exercises)}."
