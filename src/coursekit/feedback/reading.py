"""A student's answer as arrays of floats, or what kind of thing it is instead; and values as short text."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback.copies import as_array
from coursekit.feedback.hints import TryAgain

__all__ = ["Answer", "brief", "case_text", "outward", "read_floats", "read_several", "seems", "shortened", "to_arrays"]

Answer = tuple[NDArray[np.float64], ...]

_WITHIN: dict[
    str, str | Callable[[re.Match[str]], str]
] = {  # what Python says of things that have an inside: of an object, a function, a method, and of a call
    r"<(?:[\w<>]+\.)*(\w+) object at 0x\w+>": r"<\1>",
    r"<function (?:[\w<>]+\.)*([\w<>]+) at 0x\w+>": r"<function \1>",
    r"<bound method (?:[\w<>]+\.)*(\w+) of .*>": r"<function \1>",
    r" at 0x\w+": "",
    r"(?:\w+\.)+\w+\(\) takes .*? given": lambda found: _without_self(found[0]),
    r"(?:[\w<>]+\.)*__call__\(\) (missing )?": lambda found: f"this call {'is missing ' if found[1] else ''}",
    r"(?:(?:\w+|<locals>)\.)+(\w+|<lambda>\w*)\(\) (?=missing|takes|got)": r"\1() ",
    r"\bnumpy\.(?:_ArrayFunctionDispatcher|ufunc)\b": "function",
    r"'(?:torch|numpy)\.(?:\w+\.)*_\w+\.(\w+)'": r"'\1'",
}


def to_arrays(answer: Any, names: Sequence[str]) -> Answer:
    """An answer of the check's own as arrays of floats, one for each name."""
    values = [answer] if len(names) == 1 else answer
    return tuple(np.asarray(_plain(value), dtype=np.float64) for value in values)


def read_floats(answer: Any, names: Sequence[str]) -> Answer:
    """A student's answer as arrays of floats, one for each name; TryAgain if it is of another kind."""
    values = [answer] if len(names) == 1 else read_several(answer, names)
    return tuple(_floats(name, value) for name, value in zip(names, values, strict=True))


def read_several(answer: Any, names: Sequence[str]) -> list[Any]:
    """As many values as there are names; TryAgain if an answer isn't that."""
    listed = ", ".join(names)
    several = isinstance(answer, tuple | list) or (isinstance(answer, np.ndarray) and answer.ndim > 0)
    row = hasattr(type(answer), "detach") and answer.ndim == 1  # a tensor of single numbers will do
    if (several or row) and len(answer) == len(names):
        return list(answer)
    shown = f"one array of shape {answer.shape}" if isinstance(answer, np.ndarray) and several else _kind(answer)
    if isinstance(answer, tuple | list):
        shown = f"{'a list of ' * isinstance(answer, list)}{len(answer)}"
    raise TryAgain(
        f"your function should return {len(names)} values, ({listed}); it returned {shown}. "
        f"End it with `return {listed}`.",
        names_fault=False,
    )


def _plain(value: Any) -> Any:
    """Tensors as arrays, also inside lists and tuples."""
    return type(value)(_plain(member) for member in value) if type(value) in (list, tuple) else as_array(value)


def _floats(name: str, value: Any) -> NDArray[np.float64]:
    value = _plain(value)
    if not isinstance(value, str | bytes | bool | dict | set) and not callable(value):
        try:
            array = np.asarray(value)
        except ValueError:
            if all(member is not None for member in value):
                raise TryAgain(f"{name} has rows of different lengths, so it is no array.") from None
        else:
            if array.dtype.kind in "iuf":
                return array.astype(np.float64)
            if array.dtype == object and all(type(member) is int for member in array.flat):  # beyond 64 bits
                return np.array([_float(member) for member in array.flat]).reshape(array.shape)
    if isinstance(value, list | tuple):
        for place, member in enumerate(value):
            if member is None or isinstance(member, str | bytes | dict | set):
                raise TryAgain(f"{name} should hold real numbers, but place {place} is {member!r:.40}.")
    raise TryAgain(f"{name} should hold real numbers, but it is {_kind(value)}.")


def _float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return np.inf if number > 0 else -np.inf


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    if isinstance(value, int | float | np.number):
        return f"one number ({value:.6g})"
    if callable(value):
        return "a function (are brackets missing at the end?)"
    return f"a value of type {type(value).__name__}"


def case_text(parameters: Sequence[str], args: Sequence[Any], most: int = 200) -> str:
    """The arguments of a case, short enough to be read: `m = 1, x = [1. 2. 3.]`; of the longest only what they are."""
    values = {name: value for name, value in zip(parameters, args, strict=True) if not callable(value)}
    texts = {name: f"{name} = {_text(value)}" for name, value in values.items()}
    for name in sorted(values, key=lambda name: -len(texts[name])):
        if len(", ".join(texts.values())) <= most:
            break
        texts[name] = f"{name} = {shortened(brief(values[name]) or _text(values[name]), 60)}"
    return ", ".join(texts.values())


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters, with three dots where it was cut."""
    return text if len(text) <= most else text[: most - 4].rstrip() + " ..."


def outward(text: str) -> str:
    """A text without what only looks into the check or the machine: addresses, and the classes of what is given."""
    for inside, outside in _WITHIN.items():
        text = re.sub(inside, outside, text, flags=re.DOTALL)
    return text


def _without_self(text: str) -> str:
    """What Python says of a method that got too many arguments, without the object, which it counts."""
    fewer = re.sub(r"\d+", lambda n: str(int(n[0]) - 1), text)
    return re.sub(r"(?<=\b1 positional argument)s", "", fewer)


def seems(kind: str) -> Callable[[type[Any]], type[Any]]:
    """Decorate a class of a check's own whose objects students get: Python's messages call it by this name."""

    def named(own: type[Any]) -> type[Any]:
        own.__name__ = own.__qualname__ = kind
        return own

    return named


def brief(value: Any) -> str:
    """What a value is, in a few words; empty for functions, modules, classes and generators."""
    value = as_array(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if isinstance(value, bool | int | float | np.number | np.ndarray):
        if isinstance(value, float):
            if value.is_integer():
                return f"{value:.1f}" if abs(value) < 1e4 else f"{value:.4g}"
            texts = (f"{value:.{digits}g}" for digits in (4, 8, 17))
            return next((text for text in texts if not float(text).is_integer()), str(value))  # 1.00002 is no 1
        return str(value)
    if isinstance(value, str):
        return repr(shortened(value, 30))
    if isinstance(value, list | tuple | dict | set | range):
        whole = str(value) if len(value) < 4 and not any(hasattr(member, "shape") for member in value) else ""
        return whole if whole and len(whole) < 40 else f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else ""


def _text(value: Any) -> str:
    value = as_array(value)
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, threshold=8, edgeitems=3).replace("\n", "")
    if isinstance(value, tuple) and any(isinstance(as_array(member), np.ndarray) for member in value):
        return f"({', '.join(map(_text, value))})"
    if isinstance(value, list | tuple | dict):
        return " ".join(str(value).split())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
