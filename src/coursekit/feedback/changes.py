"""Inputs changed in one way: an entry fewer, a number one larger, the other sign or order, nothing but zeros."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

__all__ = ["misreadings", "plainer"]

Case = tuple[Any, ...]
Change = Callable[[Any], Any]
Changed = tuple[str, tuple[str, ...], Callable[[Case], Case]]
"""What is changed, to be said after "with"; the names of the arguments; and arguments of a case -> the changed ones.

A change raises an error, of any kind, where it makes no sense.
"""

_TRUTHS: dict[str, Change] = {"always false": lambda v: False, "always true": lambda v: True}
_OTHER_TRUTHS: dict[str, Change] = {"turned round": lambda v: not v}
_PLAIN_NUMBERS: dict[str, Change] = {
    "always 0": lambda v: type(v)(0),
    "always 1": lambda v: type(v)(1),
    "without its sign": abs,
}
_COUNTS: dict[str, Change] = {"one larger": lambda v: v + 1, "one smaller": lambda v: v - 1}
_NUMBERS: dict[str, Change] = {
    "twice as large": lambda v: v * 2,
    "half as large": lambda v: v / 2,
    "of the other sign": lambda v: -v,
    "squared": lambda v: v**2,
    "under a root": lambda v: v**0.5,
    "upside down (1 divided by it)": lambda v: 1 / v,
    "replaced by 1 minus it": lambda v: 1 - v,
}
_FIRST_ALONE: dict[str, Change] = {"cut to its first entry": lambda v: v[:1]}
_ENTRIES: dict[str, Change] = {
    "cut to its last entry": lambda v: v[-1:],
    "without its last entry": lambda v: v[:-1],
    "without its first entry": lambda v: v[1:],
}
_PLAIN_ARRAYS: dict[str, Change] = {
    "all 0": lambda v: 0 * v,
    "all 1": lambda v: 0 * v + 1,
    "replaced by its first entry throughout": lambda v: 0 * v + v[0],
    "without its signs": np.abs,
    "sorted": lambda v: np.sort(v, axis=0),
}
_ARRAYS: dict[str, Change] = {
    "back to front": lambda v: np.flip(v, 0),
    "of the other sign": lambda v: -v,
    "twice as large": lambda v: 2 * v,
    "squared": lambda v: v**2,
    "less its mean": lambda v: v - v.mean(axis=0),
    "replaced by its mean throughout": lambda v: 0 * v + v.mean(axis=0),
    "rounded to whole numbers": np.round,
    "turned, its rows for columns": lambda v: np.swapaxes(v, 0, 1),
    "without its last column": lambda v: v[:, :-1],
    "without its first column": lambda v: v[:, 1:],
    "back to front in each row": lambda v: np.flip(v, 1),
}


def misreadings(parameters: Sequence[str], cases: Sequence[Case]) -> Iterator[Changed]:
    """What students may have taken the arguments for."""
    for place, name in enumerate(parameters):
        yield _one(name, place, "always as in the first case: is it looked at in every call", _always(cases[0][place]))
    for one, other in combinations(range(len(parameters)), 2):
        order = list(range(len(parameters)))
        order[one], order[other] = other, one
        names = parameters[one], parameters[other]
        yield f"`{names[0]}` and `{names[1]}` exchanged", names, _in_order(order)
    yield from _each(parameters, cases, plain=False)
    yield from _together(parameters, cases, _ENTRIES | _FIRST_ALONE)


def plainer(parameters: Sequence[str], cases: Sequence[Case]) -> Iterator[Changed]:
    """Values of the arguments that take most of what can be wrong with them away."""
    yield from _each(parameters, cases, plain=True)
    yield from _together(parameters, cases, _FIRST_ALONE)


def _one(name: str, place: int, text: str, change: Change) -> Changed:
    return f"`{name}` {text}", (name,), _at([place], change)


def _at(places: Sequence[int], change: Change) -> Callable[[Case], Case]:
    return lambda args: tuple(change(value) if place in places else value for place, value in enumerate(args))


def _in_order(order: Sequence[int]) -> Callable[[Case], Case]:
    return lambda args: tuple(args[place] for place in order)


def _always(first: Any) -> Change:
    return lambda value: first


def _each(parameters: Sequence[str], cases: Sequence[Case], plain: bool) -> Iterator[Changed]:
    """The changes that make sense for an argument, by what it is in all cases."""
    for place, name in enumerate(parameters):
        values = [args[place] for args in cases]
        kinds: dict[str, Change] = {}
        if all(isinstance(value, bool | np.bool_) for value in values):
            kinds = _TRUTHS | ({} if plain else _OTHER_TRUTHS)
        elif all(isinstance(value, int | float | np.number) for value in values):
            whole = all(isinstance(value, int | np.integer) for value in values)
            kinds = _PLAIN_NUMBERS | ({} if plain else (_COUNTS if whole else {}) | _NUMBERS)
        elif all(isinstance(value, dict) for value in values):
            entries = _FIRST_ALONE | ({} if plain else _ENTRIES)
            kinds = {text: _of_items(change) for text, change in entries.items()}
        elif all(_n_entries(value) is not None for value in values):
            arrays = _PLAIN_ARRAYS | ({} if plain else _ARRAYS)
            kinds = _FIRST_ALONE | ({} if plain else _ENTRIES)
            kinds = kinds | {text: _of_array(change) for text, change in arrays.items()}
        yield from (_one(name, place, text, change) for text, change in kinds.items())


def _together(parameters: Sequence[str], cases: Sequence[Case], changes: dict[str, Change]) -> Iterator[Changed]:
    """The same change of all arguments that have as many entries as each other in all cases."""
    lengths = [tuple(_n_entries(args[place]) for args in cases) for place in range(len(parameters))]
    for length in dict.fromkeys(one for one in lengths if None not in one and lengths.count(one) > 1):
        places = [place for place, one in enumerate(lengths) if one == length]
        names = tuple(parameters[place] for place in places)
        for text, change in changes.items():
            said = text.replace("its", "their").replace("entry", "entries" if "cut" in text else "entry")
            yield f"{' and '.join(f'`{name}`' for name in names)} {said}", names, _at(places, change)


def _n_entries(value: Any) -> int | None:
    """How many entries an array, a tensor, a list or a tuple has; None for whatever else."""
    if isinstance(value, list | tuple):
        return len(value)
    return len(value) if getattr(value, "ndim", 0) else None


def _of_items(change: Change) -> Change:
    return lambda value: dict(change(list(value.items())))


def _of_array(change: Change) -> Change:
    """A change of an array, for whatever holds numbers; the kind of thing is kept."""

    def changed(value: Any) -> Any:
        if hasattr(value, "detach"):
            return value.new_tensor(np.ascontiguousarray(change(value.detach().cpu().numpy())))
        array = np.asarray(value)
        if array.dtype.kind not in "iuf":
            raise TypeError("no numbers")
        new = np.ascontiguousarray(change(array))
        return type(value)(new.tolist()) if isinstance(value, list | tuple) else new

    return changed
