"""What ties wrong answers to the right ones in every case: they are rounded, upside down, turned, or lack a mean."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["relation"]

Array = NDArray[np.float64]
Relations = dict[str, Callable[[Array, Array], bool]]


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-9)


def _rounded(decimals: int) -> Callable[[Array, Array], bool]:
    return lambda a, b: bool(np.allclose(a, np.round(b, decimals), rtol=0, atol=1e-9))


def _shuffled(a: Array, b: Array) -> bool:
    """The same values in another order; where b has but few of them, that comes about by chance."""
    return _same(a, b) or (len(np.unique(b)) > 2 and _same(np.sort(a, axis=None), np.sort(b, axis=None)))


def _no_twins(a: Array) -> Array:
    new = (a[1:] != a[:-1]).any(axis=tuple(range(1, a.ndim)))
    return a[np.append(True, new)]


_TURNED = "is turned: its rows stand where its columns should"
_ALIKE: Relations = {
    **{f"is rounded to {n} decimals; keep them all": _rounded(n) for n in range(5)},
    "is upside down: it is 1 divided by what it should be": lambda a, b: bool(np.all(b)) and _same(a, 1 / b),
    "is the square of what it should be": lambda a, b: _same(a, b**2),
    "is the root of what it should be": lambda a, b: bool(np.all(a >= 0)) and _same(a**2, b),
    "has the right size, but not always the right sign": lambda a, b: _same(np.abs(a), np.abs(b)),
    _TURNED: lambda a, b: a.ndim > 1 and _same(a, b.T),
    "holds the right values, but in another order": _shuffled,
    "is right but for its first entry": lambda a, b: len(a) > 2 and _same(a[1:], b[1:]),
    "is right but for its last entry": lambda a, b: len(a) > 2 and _same(a[:-1], b[:-1]),
}
_OF_OTHER_SHAPE: Relations = {
    _TURNED: lambda a, b: b.ndim > 1 and _same(a, b.T),
    "is right as far as it goes, but begins too late": lambda a, b: _same(a, b[-len(a) :]),
    "is right as far as it goes, but ends too early": lambda a, b: _same(a, b[: len(a)]),
    "begins too early; what follows is right": lambda a, b: _same(a[-len(b) :], b),
    "goes on too long; what comes before is right": lambda a, b: _same(a[: len(b)], b),
    "holds an entry more than once in a row, and is right without its twins": lambda a, b: _same(_no_twins(a), b),
    "lacks a mean: that of what you return is right": lambda a, b: b.ndim == 0 and a.size > 1 and _same(a.mean(), b),
    "lacks a sum: that of what you return is right": lambda a, b: b.ndim == 0 and a.size > 1 and _same(a.sum(), b),
    "is only the last of the entries that are asked for": lambda a, b: _same(a, b[-1]),
    "holds the right values, in the wrong shape": lambda a, b: _same(a.ravel(), b.ravel()),
}


def relation(got: Sequence[Array], expected: Sequence[Array]) -> str:
    """What ties the wrong answers to the right ones, to be said after "your answer"; empty if nothing simple does.

    It must hold in every case, and two different numbers at least must show it.
    """
    pairs = [(a, b) for a, b in zip(got, expected, strict=True) if not _same(a, b)]
    alike = all(a.shape == b.shape for a, b in pairs)
    shown = [_wrong_entries(a, b) for a, b in pairs] if alike else pairs
    if len({value for _, b in shown for value in b.ravel().tolist()}) < 2:
        return ""
    with np.errstate(all="ignore"):
        for text, holds in (_ALIKE if alike else _OF_OTHER_SHAPE).items():
            if all(_holds(holds, a, b) for a, b in zip(got, expected, strict=True)):
                return text
    off = np.concatenate([a - b for a, b in shown]) if alike else np.zeros(0)
    if off.size and np.allclose(off, off[0], rtol=1e-6, atol=1e-9):
        return f"is {abs(off[0]):.4g} too {'large' if off[0] > 0 else 'small'} wherever it is wrong"
    return ""


def _wrong_entries(a: Array, b: Array) -> tuple[Array, Array]:
    wrong = ~np.isclose(a, b, rtol=1e-6, atol=1e-9)
    return a[wrong], b[wrong]


def _holds(relation: Callable[[Array, Array], bool], a: Array, b: Array) -> bool:
    try:
        return bool(a.size and b.size and relation(a, b))
    except (TypeError, IndexError):  # a number has no entries
        return False
