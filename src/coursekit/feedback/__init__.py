"""Feedback in the labs: `lab.check("1.1", my_function)` prints at once what is wrong and where to look.

A check doesn't only ask whether an answer is right. It knows the usual wrong ones, too: beside the right version it
runs each of them, and the first that explains what the student's function returned gives its hint. This package is the
engine. It knows nothing of any lab or subject and needs NumPy alone, so another course can use it.

A lab makes a `Lab`, registers a check for each exercise, and offers what its notebook calls:

    LAB = Lab(1, "Rolling downhill")
    check, passed, score = LAB.check, LAB.passed, LAB.score

    @LAB.exercise("1.1", "mse_gradient(m, b, x, y)", title="Two slopes", points=4)
    def _(student: Student) -> None:
        compare(student, returns=("dm", "db"), ...)      # or raise TryAgain("what is wrong and what to look at")

    LAB.free_text("1.5", title="...", points=4, rubric={4: "...", 2: "...", 0: "..."})

A check gets the function as a `Student`: calling it passes copies, and sees to `return` being forgotten and to inputs
changed in place. Expected values come from the check alone, never from the student's function. The book's page "How
the checks work" shows an exercise with its check, and its test, in full.

    lab                     exercises, verdicts, the time limit, what is printed
    comparing, reading      answers against the right ones and named wrong ones; answers as arrays, values as text
    explaining              what explains a wrong value in all cases, found by trying
    relations               what ties wrong answers to the right ones: rounded, turned, a mean forgotten
    quantities              what they have too much of, or lack: an argument, a length, another answer
    changes                 inputs changed in one way, for which they would be right
    randomness              does all randomness come from the generator that was given?
    hints, student          TryAgain, and short ways to raise it; the student's function, safe to call
    copies, running         copies of inputs, and whether they stayed the same; stopping a call that takes too long
    surroundings            the notebook: cells that fail, endless output, colour
    mishaps, causes         exceptions, stubs and misfits in words; what an exception shows by itself
    breaking                the first line that gives a name NaN
    variant                 a student's own constants and hidden cases, where a class has a key
    rehearsing              for tests: each mistake that a check names, judged by that check
"""

from coursekit.feedback.comparing import Part, Pattern, compare, compare_each
from coursekit.feedback.hints import TryAgain, diagnose, refuse
from coursekit.feedback.lab import Exercise, Lab, Status, Verdict
from coursekit.feedback.randomness import comes_from_rng
from coursekit.feedback.reading import seems
from coursekit.feedback.rehearsing import Rehearsal, rehearse
from coursekit.feedback.student import Student
from coursekit.feedback.variant import Constant, Variant, hidden

__all__ = [
    "Constant",
    "Exercise",
    "Lab",
    "Part",
    "Pattern",
    "Rehearsal",
    "Status",
    "Student",
    "TryAgain",
    "Variant",
    "Verdict",
    "comes_from_rng",
    "compare",
    "compare_each",
    "diagnose",
    "hidden",
    "refuse",
    "rehearse",
    "seems",
]
