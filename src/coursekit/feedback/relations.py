"""What ties wrong answers to the right ones in every case: they are rounded, upside down, turned, or lack a mean."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["nearly", "relation", "wherever_wrong"]

Array = NDArray[np.float64]
Relations = dict[str, Callable[[Array, Array], bool]]


def _same(a: Array | np.float64, b: Array) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-9)


def _rounded(decimals: int) -> Callable[[Array, Array], bool]:
    return lambda a, b: bool(np.allclose(a, np.round(b, decimals), rtol=1e-6, atol=1e-9))


def _shuffled(a: Array, b: Array) -> bool:
    """The same values in another order; where b has but few of them, that comes about by chance."""
    return _same(a, b) or (len(np.unique(b)) > 2 and _same(np.sort(a, axis=None), np.sort(b, axis=None)))


def _no_twins(a: Array) -> Array:
    new = (a[1:] != a[:-1]).any(axis=tuple(range(1, a.ndim)))
    return a[np.append(True, new)]


def _varied(b: Array) -> bool:
    """Whether neighbours differ, so that a shift or a flip shows."""
    return len(b) > 2 and not _same(b[1:], b[:-1])


_SUMMARIES: dict[str, Callable[..., Any]] = {**{"mean": np.mean, "sum": np.sum, "largest": np.max, "smallest": np.min}}


def _summed_up(of: Callable[..., Any]) -> Callable[[Array, Array], bool]:
    return lambda a, b: a.ndim == 0 and _same(a, of(b))


def _along(of: Callable[..., Any], axis: int, missing: bool) -> Callable[[Array, Array], bool]:
    """Whether a summary along an axis was taken, or is missing."""
    return lambda a, b: _same(of(a, axis=axis), b) if missing else _same(a, of(b, axis=axis))


_TURNED = "is turned: its rows stand where its columns should"
_ALIKE: Relations = {
    **{f"is rounded to {n} decimals; keep them all": _rounded(n) for n in range(5)},
    "is rounded down; keep its decimals": lambda a, b: _same(a, np.floor(b)),
    "is rounded up; keep its decimals": lambda a, b: _same(a, np.ceil(b)),
    "is upside down: it is 1 divided by what it should be": lambda a, b: bool(np.all(b)) and _same(a, 1 / b),
    "is the square of what it should be": lambda a, b: _same(a, b**2),
    "is the root of what it should be": lambda a, b: bool(np.all(a >= 0)) and _same(a**2, b),
    "is the fourth root of what it should be: a root is taken twice": lambda a, b: (
        bool(np.all(a >= 0)) and _same(a**4, b)
    ),
    "is the logarithm of what it should be": lambda a, b: _same(np.exp(a), b),
    "is exp of what it should be": lambda a, b: _same(a, np.exp(b)),
    "is 1 minus what it should be": lambda a, b: _same(a, 1 - b),
    "is -1 minus what it should be": lambda a, b: _same(a, -1 - b),
    "has the right size, but not always the right sign": lambda a, b: _same(np.abs(a), np.abs(b)),
    "is 0 wherever it should be negative; everything else is right": lambda a, b: _same(a, np.maximum(b, 0)),
    "is 1 wherever it should be larger; everything else is right": lambda a, b: _same(a, np.minimum(b, 1)),
    _TURNED: lambda a, b: a.ndim > 1 and _same(a, b.T),
    "stands back to front": lambda a, b: _varied(b) and _same(a, b[::-1]),
    "stands back to front in each row": lambda a, b: b.ndim > 1 and _varied(b.T) and _same(a, b[:, ::-1]),
    "is sorted, and should stand in the order in which it came about": lambda a, b: (
        b.ndim == 1 and _same(a, np.sort(b))
    ),
    "comes one place too late: each entry stands where the next should": lambda a, b: (
        _varied(b) and _same(a[1:], b[:-1])
    ),
    "comes one place too early: each entry stands where the one before should": lambda a, b: (
        _varied(b) and _same(a[:-1], b[1:])
    ),
    "holds the right values, but in another order": _shuffled,
    "adds up: each entry is the sum of those that were asked for so far": lambda a, b: (
        len(b) > 2 and _same(a, np.cumsum(b, axis=0))
    ),
    "isn't added up: each entry holds only what has come since the last": lambda a, b: (
        len(b) > 2 and _same(np.cumsum(a, axis=0), b)
    ),
    "keeps the largest so far, where each entry is asked for": lambda a, b: (
        len(b) > 2 and _same(a, np.maximum.accumulate(b))
    ),
    "is right but for its first entry": lambda a, b: len(a) > 2 and _same(a[1:], b[1:]),
    "is right but for its last entry": lambda a, b: len(a) > 2 and _same(a[:-1], b[:-1]),
    "is right but for its first column": lambda a, b: a.shape[1] > 2 and _same(a[:, 1:], b[:, 1:]),
    "is right but for its last column": lambda a, b: a.shape[1] > 2 and _same(a[:, :-1], b[:, :-1]),
    "holds its first entry throughout": lambda a, b: _varied(b) and _same(a, 0 * b + b[:1]),
    "holds its last entry throughout": lambda a, b: _varied(b) and _same(a, 0 * b + b[-1:]),
    "holds its mean throughout": lambda a, b: _varied(b) and _same(a, 0 * b + b.mean(axis=0)),
}
_OF_OTHER_SHAPE: Relations = {
    _TURNED: lambda a, b: b.ndim > 1 and _same(a, b.T),
    "is right as far as it goes, but begins too late": lambda a, b: a.size > 0 and _same(a, b[-len(a) :]),
    "is right as far as it goes, but ends too early": lambda a, b: a.size > 0 and _same(a, b[: len(a)]),
    "is right as far as it goes, but its rows begin too late": lambda a, b: (
        a.size > 0 and _same(a, b[:, -a.shape[1] :])
    ),
    "is right as far as it goes, but its rows end too early": lambda a, b: a.size > 0 and _same(a, b[:, : a.shape[1]]),
    "begins too early; what follows is right": lambda a, b: _same(a[-len(b) :], b),
    "goes on too long; what comes before is right": lambda a, b: _same(a[: len(b)], b),
    "holds an entry more than once in a row, and is right without its twins": lambda a, b: _same(_no_twins(a), b),
    "holds one number again and again, the right one: return it once": lambda a, b: (
        b.ndim == 0 and a.size > 1 and _same(a, 0 * a + b)
    ),
    "should be one number, its last entry, which is right": lambda a, b: (
        b.ndim == 0 and a.ndim == 1 and _same(a[-1], b)
    ),
    "should be one number, its first entry, which is right": lambda a, b: (
        b.ndim == 0 and a.ndim == 1 and _same(a[0], b)
    ),
    "lacks a mean: that of what you return is right": lambda a, b: b.ndim == 0 and a.size > 1 and _same(a.mean(), b),
    "lacks a sum: that of what you return is right": lambda a, b: b.ndim == 0 and a.size > 1 and _same(a.sum(), b),
    "holds the right values, in the wrong shape": lambda a, b: _same(a.ravel(), b.ravel()),
    "is only the last of the entries that are asked for": lambda a, b: _same(a, b[-1]),
    "is only the first of the entries that are asked for": lambda a, b: _same(a, b[0]),
    "holds each entry twice, and is right without the second ones": lambda a, b: _same(a[::2], b) and _same(a[1::2], b),
    "should be one number, its smallest, which is right": lambda a, b: b.ndim == 0 and _same(a.min(), b),
    "should be one number, its largest, which is right": lambda a, b: b.ndim == 0 and _same(a.max(), b),
    **{f"lacks `all` along its axis {n}; with it, it would be right": _along(np.min, n, True) for n in range(3)},
    **{f"lacks `any` along its axis {n}; with it, it would be right": _along(np.max, n, True) for n in range(3)},
    **{f"is the {word} of what is asked for; leave it whole": _summed_up(of) for word, of in _SUMMARIES.items()},
    **{f"is a mean over axis {n} of what is asked for": _along(np.mean, n, False) for n in range(3)},
    **{f"is a sum over axis {n} of what is asked for": _along(np.sum, n, False) for n in range(3)},
    **{f"lacks a mean over its axis {n}; with it, it would be right": _along(np.mean, n, True) for n in range(3)},
    **{f"lacks a sum over its axis {n}; with it, it would be right": _along(np.sum, n, True) for n in range(3)},
}


def relation(got: Sequence[Array], expected: Sequence[Array]) -> str:
    """What ties the wrong answers to the right ones, to be said after "your answer"; empty if nothing simple does.

    It must hold in every case, and two different numbers at least must show it.
    """
    alike, shown = _shown(got, expected)
    if len({value for _, b in shown for value in b.ravel().tolist()}) > 1:
        with np.errstate(all="ignore"):
            varied = len({value for a, _ in shown for value in a.ravel().tolist()}) > 1
            for text, holds in (_ALIKE if alike else _OF_OTHER_SHAPE).items():
                if "rounded" in text and not varied:  # a number that is always the same isn't a rounded one
                    continue
                if all(_holds(holds, a, b) for a, b in zip(got, expected, strict=True)):
                    return text
    return ""


def _near(a: Array, b: Array) -> bool:
    return np.allclose(a, b, rtol=1e-5, atol=1e-6 * np.abs(b).max(initial=0))


def nearly(got: Sequence[Array], right: Sequence[Array]) -> str:
    """What is said of values that are right but for their last digits."""
    if any(a.shape != b.shape or not _near(a, b) for a, b in zip(got, right, strict=True)):
        return ""
    if all((a == a.astype(np.float32)).all() for a in got):
        return "is rounded to float32, which keeps 7 digits: keep float64 from the first step to the last"
    return "is right to five digits only: is something rounded on the way, in float32, or searched for and not solved"


def wherever_wrong(got: Sequence[Array], expected: Sequence[Array]) -> str:
    """What all wrong entries have in common: they are off by one number, by one factor, or always the same."""
    alike, shown = _shown(got, expected)
    if not alike:
        return ""
    a, b = map(np.concatenate, zip(*shown, strict=True))
    where = "wherever it is wrong" if a.size < sum(one.size for one in got) else "in every case that was tried"
    for n in range(1, 4):
        if np.allclose(a, np.round(b, n), rtol=1e-6) and (np.abs(a) >= 100 * 0.1**n).all():  # three digits: no chance
            return f"is rounded to {n} decimals {where}; keep them all"
    if len(np.unique(b)) > 1 and np.allclose(a - b, a[0] - b[0], rtol=1e-5, atol=1e-9):
        return f"is {abs(a[0] - b[0]):.4g} too {'large' if a[0] > b[0] else 'small'} {where}"
    if len(a) > 2 and len(np.unique(b)) > 2:
        if np.all(a == a[0]):
            return f"is {a[0]:.4g} {where}, though different numbers are asked for there"
        if b[0] and abs(a[0]) > 1e-9 and np.allclose(a, a[0] / b[0] * b, rtol=1e-5, atol=1e-9):
            return f"is {a[0] / b[0]:.4g} times what it should be {where}"
    return ""


def _shown(got: Sequence[Array], expected: Sequence[Array]) -> tuple[bool, list[tuple[Array, Array]]]:
    """Whether wrong answers have the right shapes, and what is wrong: then their wrong entries, else all of them."""
    pairs = [(a, b) for a, b in zip(got, expected, strict=True) if not _same(a, b)]
    alike = bool(pairs) and all(a.shape == b.shape for a, b in pairs)
    return alike, [_wrong_entries(a, b) for a, b in pairs] if alike else pairs


def _wrong_entries(a: Array, b: Array) -> tuple[Array, Array]:
    wrong = ~np.isclose(a, b, rtol=1e-5, atol=1e-9)
    return a[wrong], b[wrong]


def _holds(relation: Callable[[Array, Array], bool], a: Array, b: Array) -> bool:
    try:
        return bool(relation(a, b)) if b.size else _same(a, b)
    except (TypeError, IndexError, ValueError):  # a number has no entries, a row no columns
        return False
