"""What an exception shows by itself: a name without a value, two shapes that don't fit, a value of the wrong kind."""

import dis
import re
from itertools import pairwise
from types import FrameType
from typing import Any

import numpy as np

from coursekit.feedback.copies import as_array

__all__ = ["cause"]

_COUNTS = re.compile(r"unpack \(expected (\d+)(?:, got (\d+))?")
_BEYOND = re.compile(r"index (\d+) is out of bounds for (?:axis|dimension) \d+ with size (\d+)")
_KIND = re.compile(r"'(\w+)' object (?:has no attribute|is not|does not|cannot)")


def cause(error: BaseException, frame: FrameType, last: int) -> str:
    """The fault that an exception shows, in a sentence; empty if it shows none.

    `last` is the instruction of the frame that stopped. Nothing is guessed: what is said follows from the exception,
    and from the values of the names that this instruction works on.
    """
    text = str(error)
    if isinstance(error, NameError):
        unset = re.search(r"name '(\w+)'|variable '(\w+)'", text)
        return f"Nothing has given `{unset[1] or unset[2]}` a value before this line." if unset else ""
    if found := _COUNTS.search(text):
        names = "one name stands" if found[1] == "1" else f"{found[1]} names stand"
        values = "one value" if found[2] == "1" else f"{found[2] or 'more'} values"
        return f"Here {names} on the left, and {values} on the right."
    if (found := _BEYOND.search(text)) and int(found[1]) >= int(found[2]):
        size = int(found[2])
        there = f"the last of {size} has the number {size - 1}" if size else "there is none at all"
        return f"Counting starts at 0, so {there}; number {found[1]} is asked for."
    if "is ambiguous" in text and "more than one" in text:
        return "A condition is one True or False, and this one has many: .all() or .any() makes one of them."
    operands = _operands(frame, last)
    return _clash(error, operands) or _kind(error, operands)


def _operands(frame: FrameType, last: int) -> dict[str, Any]:
    """The names that stand directly before the instruction that stopped, and their values."""
    names: list[str] = []
    for one in dis.get_instructions(frame.f_code):
        if one.offset >= last:
            break
        given = one.argval if isinstance(one.argval, tuple) else (one.argval,)
        if one.opname.startswith(("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF")):
            names = [*names, *given][-2:]
        elif one.opname == "LOAD_CONST":
            names = [*names, ""][-2:]
        else:
            names = []
    scope = {**frame.f_globals, **frame.f_locals}
    return {name: scope[name] for name in names if name in scope}


def _clash(error: BaseException, names: dict[str, Any]) -> str:
    """Two arrays whose shapes don't fit together."""
    if not re.search(r"must match the size|broadcast together", str(error)):
        return ""
    shapes = {name: np.shape(as_array(value)) for name, value in names.items() if hasattr(value, "shape")}
    for (one, shape), (other, its) in pairwise(shapes.items()):
        try:
            np.broadcast_shapes(shape, its)
        except ValueError:
            return f"`{one}` has the shape {shape} and `{other}` {its}: they don't fit together."
    return ""


def _kind(error: BaseException, names: dict[str, Any]) -> str:
    """A name that holds a value of a kind with which this can't be done."""
    found = _KIND.match(str(error)) if isinstance(error, AttributeError | TypeError) else None
    kind = found[1] if found else ""
    named = [name for name, value in names.items() if type(value).__name__ == kind and kind != "module"]
    if len(named) != 1:
        return ""
    if kind == "NoneType":
        return f"`{named[0]}` is None: what gave it its value returns nothing."
    return f"`{named[0]}` is of type {kind} here. Which line gave it that value?"
