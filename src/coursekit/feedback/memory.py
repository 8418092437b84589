"""What a student's function keeps from one call to the next, and the same function without a memory."""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType
from typing import Any

from coursekit.feedback.copies import copied, same

__all__ = ["Memory"]

NOTHING = object()  # where no value is


@dataclass(frozen=True)
class _Place:
    """Something that outlives a call: its name, how its value is read and replaced, and what it is if nothing is kept.

    `empty` is None where that can't be said.
    """

    name: str
    get: Callable[[], Any]
    put: Callable[[Any], None]
    empty: Any = None


class Memory:
    """What a function, and what it calls by name, can keep between calls, as it was when this was made.

    That is default values, variables of the notebook and of functions around it, attributes of functions, and what
    `functools.cache` holds. Random generators and other objects aren't looked into.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._places = [(place, copied(place.get())) for place in _places(function, set())]

    def without(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Names, and the function as if nothing were kept under them when a call begins.

        First what has changed since the beginning, as it was then; after it each default value, cache and attribute
        in which something lay then already.
        """
        changed = [(place, before) for place, before in self._places if _differs(place.get(), before)]
        if changed:
            yield " and ".join(sorted({f"`{place.name}`" for place, _ in changed})), self._beginning(changed)
        for place, before in self._places:
            if place.empty is not None and _differs(before, place.empty):
                yield f"`{place.name}`", self._beginning([*changed, (place, place.empty)])

    def _beginning(self, values: Sequence[tuple[_Place, Any]]) -> Callable[..., Any]:
        """The function, each of whose calls begins with these values."""

        @functools.wraps(self._function)
        def alone(*args: Any) -> Any:
            now = [place.get() for place, _ in values]
            for place, value in values:
                place.put(copied(value))
            try:
                return self._function(*args)
            finally:  # what has been kept so far is the student's own
                for (place, _), value in zip(values, now, strict=True):
                    place.put(value)

        return alone


def _differs(value: Any, before: Any) -> bool:
    with suppress(Exception):  # not all objects can be compared
        return not same(value, before)
    return False


def _places(function: Any, seen: set[int]) -> Iterator[_Place]:
    """All places where something can lie when a call has ended; what is decorated is looked into, not the decorator."""
    if id(function) in seen:
        return
    seen.add(id(function))
    if hasattr(function, "cache_clear"):
        yield _Place("cache", lambda: function.cache_info().currsize, lambda _: function.cache_clear(), 0)
    if hasattr(function, "__wrapped__"):
        yield from _places(function.__wrapped__, seen)
    elif isinstance(function, FunctionType):
        parameters = function.__code__.co_varnames[: function.__code__.co_argcount]
        defaults = range(-len(function.__defaults__ or ()), 0)
        yield from (_default(function, parameters[i], i) for i in defaults)
        yield _Place(function.__name__, lambda: dict(vars(function)), functools.partial(_refill, vars(function)), {})
        names = _names(function.__code__)
        yield from (_entry(function.__globals__, name) for name in names)
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        yield from (_cell(name, cell) for name, cell in cells.items())
        for one in [function.__globals__.get(name) for name in names] + [_inside(cell) for cell in cells.values()]:
            written = getattr(one, "__wrapped__", one)
            if isinstance(written, FunctionType) and written.__globals__ is function.__globals__:
                yield from _places(one, seen)


def _names(code: CodeType) -> set[str]:
    """The global names, and the attributes, that a function and those within it speak of."""
    return set(code.co_names).union(*(_names(one) for one in code.co_consts if isinstance(one, CodeType)))


def _refill(table: dict[str, Any], values: dict[str, Any]) -> None:
    table.clear()
    table.update(values)


def _default(function: FunctionType, name: str, i: int) -> _Place:
    def put(value: Any) -> None:
        values = list(function.__defaults__ or ())
        values[i] = value
        function.__defaults__ = tuple(values)

    value = (function.__defaults__ or ())[i]
    empty = type(value)() if isinstance(value, list | dict | set) else None
    return _Place(name, lambda: (function.__defaults__ or ())[i], put, empty)


def _entry(table: dict[str, Any], key: str) -> _Place:
    def put(value: Any) -> None:
        if value is NOTHING:
            table.pop(key, None)
        else:
            table[key] = value

    return _Place(key, lambda: table.get(key, NOTHING), put)


def _cell(name: str, cell: CellType) -> _Place:
    def put(value: Any) -> None:
        if value is NOTHING:
            del cell.cell_contents
        else:
            cell.cell_contents = value

    return _Place(name, lambda: _inside(cell), put)


def _inside(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it yet
        return NOTHING
