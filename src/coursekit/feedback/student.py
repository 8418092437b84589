"""A student's function, safe to call from a check: on copies, with its usual errors told in the lab's own words."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from coursekit.feedback.copies import copied, same
from coursekit.feedback.hints import TryAgain
from coursekit.feedback.mishaps import where_it_stopped

__all__ = ["Hint", "OnError", "Student"]

Hint = str | Callable[..., Any]
"""A text, or a function of the arguments of the call that returns one, or something false where none fits."""
OnError = Mapping[tuple[type[Exception] | tuple[type[Exception], ...], str], Hint]
"""{(types of errors, a regular expression to be found in the message): what the student is told in their place}."""


class Student:
    """A student's function. Calling it passes copies, and sees to `return` being forgotten and to inputs overwritten.

    Functions, random generators and other objects are passed on as they are.

    Args:
        function: the function itself.
        parameters: the names of its arguments.
        on_error: errors that are told in other words than `mishaps.mishap` finds. The first entry that fits wins;
            "{error}" in its hint stands for the message, "{line}" for the student's line. What a stub raises, and
            a TryAgain, is left alone.
        in_place: what is said about an input that was overwritten; "{name}" stands for its name, which a function
            gets as its first argument, before those of the call.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        parameters: list[str],
        on_error: OnError | None = None,
        in_place: Hint | None = None,
    ) -> None:
        self._function = function
        self.parameters = parameters
        self._on_error = list((on_error or {}).items())
        self._in_place = in_place

    def telling(self, on_error: OnError | None = None, in_place: Hint | None = None) -> "Student":
        """The same function, with hints for one kind of call; those that it had come after these."""
        twin = Student(self._function, self.parameters, on_error, in_place or self._in_place)
        twin._on_error += self._on_error
        return twin

    def in_place(self, *args: Any) -> Any:
        """Call the function on the arguments themselves, where the exercise asks it to change them."""
        try:
            return self._function(*args)
        except (NotImplementedError, TryAgain):  # a stub, or what the check gave to the function complains
            raise
        except Exception as error:
            for (types, words), hint in self._on_error:
                if isinstance(error, types) and re.search(words, str(error)) and (text := _said(hint, args)):
                    line = where_it_stopped(error)[0] or "your code"
                    raise TryAgain(text.replace("{error}", str(error)).replace("{line}", line)) from None
            raise

    def __call__(self, *args: Any) -> Any:
        given = [copied(value) for value in args]
        answer = self.in_place(*given)
        if answer is None:
            raise TryAgain("your function returned None: did you forget `return`?")
        for name, before, after in zip(self.parameters, args, given, strict=True):
            if not same(before, after):
                copying = f"`{name} = {name}.{'clone' if hasattr(before, 'detach') else 'copy'}()`"
                if isinstance(before, tuple | list | dict) and _is_deep(before):
                    copying = f"`{name} = copy.deepcopy({name})` (after `import copy`)"
                text = _said(self._in_place, (name, *args)) or (
                    "your function changed its input `{name}` in place, so whoever called it now has other data. "
                    f"Work on a copy: {copying} before the line that changes it, as `a += b` does. A second name, "
                    "`mine = {name}`, is no copy."
                )
                raise TryAgain(text.replace("{name}", name))
        return answer


def _is_deep(value: Any) -> bool:
    """Whether a copy of this container would share what its members hold."""
    members = value.values() if isinstance(value, dict) else value
    return isinstance(value, tuple) or any(copied(member) is not member for member in members)


def _said(hint: Hint | None, args: tuple[Any, ...]) -> str:
    return (hint(*args) if callable(hint) else hint) or ""
