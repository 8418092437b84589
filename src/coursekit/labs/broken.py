"""The exercise that the notebooks of `solutions/broken` share: which of some suspects is to blame?"""

from collections.abc import Mapping

from coursekit.feedback import Lab, Student, TryAgain

__all__ = ["asks_what_is_wrong"]


def asks_what_is_wrong(lab: Lab, culprit: str, innocent: Mapping[str, str]) -> None:
    """Register the exercise N.1: a function that returns the letter of the culprit.

    `innocent` maps the letters of the others to what in the curves speaks for them.
    """
    letters = sorted([culprit, *innocent])

    @lab.exercise(f"{lab.number}.1", "diagnosis(suspects)", title="What is wrong?", points=4)
    def _(student: Student) -> None:
        answer = student(letters)
        letter = answer.strip().lower() if isinstance(answer, str) else ""
        if letter not in letters:
            raise TryAgain(f"return one of the letters of the table, such as {letters[0]!r}: one suspect is enough.")
        if letter != culprit:
            raise TryAgain(innocent[letter])
