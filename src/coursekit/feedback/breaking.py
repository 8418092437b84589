"""Where numbers break: the first line after which a name holds NaN."""

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import numpy as np

from coursekit.feedback.copies import as_array
from coursekit.feedback.mishaps import is_students, line_of

__all__ = ["first_broken"]


def first_broken(function: Callable[..., Any], args: Sequence[Any]) -> tuple[str, str]:
    """The student's line that first gives a name of its function NaN, and that name; both empty if none does."""
    found: list[tuple[str, str]] = []
    seen: dict[FrameType, tuple[int, set[str]]] = {}  # the line that runs, and the names that held NaN before it

    def watch(frame: FrameType, event: str, _: Any) -> Any:
        if found or not (seen or is_students(frame.f_code.co_filename)):
            return None
        if seen and frame.f_code.co_filename != next(iter(seen)).f_code.co_filename:
            return None
        broken = {name for name, value in frame.f_locals.items() if _holds_nan(value)}
        line, before = seen.get(frame, (0, broken))
        found.extend((line_of(frame.f_code, line), name) for name in broken - before)
        seen[frame] = frame.f_lineno, broken
        return watch

    tracing = sys.gettrace()
    sys.settrace(watch)
    try:
        function(*args)
    finally:
        sys.settrace(tracing)
    return found[0] if found else ("", "")


def _holds_nan(value: Any) -> bool:
    array = as_array(value) if isinstance(value, float | np.ndarray) or hasattr(type(value), "detach") else 0
    return np.asarray(array).dtype.kind == "f" and bool(np.isnan(array).any())
