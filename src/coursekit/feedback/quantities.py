"""A quantity that wrong answers have too much of, or lack: an argument, a length, a mean, or another of the answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback.copies import as_array

__all__ = ["quantities", "taken_for", "tie"]

Array = NDArray[np.float64]
Ties = dict[str, Callable[[Array, Array], Array]]

_FACTORS: Ties = {  # (right answer, quantity) -> what the wrong answer is a multiple of
    "{q} times what it should be": lambda b, q: b * q,
    "what it should be, divided by {q}": lambda b, q: b / q,
}
_FACTORS_OF_COUNTS: Ties = {
    "({q} - 1) / {q} times what it should be: look at what you divide by": lambda b, q: b * (q - 1) / q,
    "{q} / ({q} - 1) times what it should be: look at what you divide by": lambda b, q: b * q / (q - 1),
    "({q} - 1) times what it should be": lambda b, q: b * (q - 1),
    "what it should be, divided by ({q} - 1)": lambda b, q: b / (q - 1),
    "the root of ({q} - 1) / {q} times what it should be: is it `ddof`, or a number under a root": lambda b, q: (
        b * ((q - 1) / q) ** 0.5
    ),
    "the root of {q} / ({q} - 1) times what it should be: is it `ddof`, or a number under a root": lambda b, q: (
        b * (q / (q - 1)) ** 0.5
    ),
    "the root of {q} times what it should be": lambda b, q: b * q**0.5,
    "what it should be, divided by the root of {q}": lambda b, q: b / q**0.5,
    "{q} squared times what it should be": lambda b, q: b * q**2,
    "what it should be, divided by {q} squared": lambda b, q: b / q**2,
}
_DIFFERENCES: Ties = {"{q}": lambda b, q: q + 0 * b, "{q} squared": lambda b, q: q**2 + 0 * b}


_SUMMARIES: dict[str, Callable[[Array], Any]] = {
    **{"mean": np.mean, "sum": np.sum, "largest entry": np.max, "smallest entry": np.min}
}


def quantities(parameters: Sequence[str], args: Sequence[Any], others: Mapping[str, Array]) -> dict[str, Array]:
    """What can be named in a case, by what messages call it; `others` are further right answers."""
    found: dict[str, Array] = {}
    for name, value in zip(parameters, args, strict=True):
        array = _numbers(value)
        if array is None:
            continue
        found[f"`{name}`"] = array
        if array.ndim and array.size:
            found |= {f"`len({name})`": np.asarray(float(len(array)))}
            found |= {f"`{name}.shape[{i}]`": np.asarray(float(n)) for i, n in enumerate(array.shape) if i}
            found |= {f"`{name}.shape[-1]`": np.asarray(float(array.shape[-1]))}
            found |= {f"the {word} of `{name}`": np.asarray(of(array)) for word, of in _SUMMARIES.items()}
    return found | {f"what {name} should be": value for name, value in others.items()}


def taken_for(got: Sequence[Array], known: Sequence[Mapping[str, Array]]) -> str:
    """Which of the known quantities all answers are; empty if none is, or if few numbers show it."""
    for name in _shared(known) if _many(got) else ():
        if all(_same(a, one[name]) for a, one in zip(got, known, strict=True)):
            given = " as it was given" if name.startswith("`") and "(" not in name else ""
            return f"is {name}{given}, and not what is asked for"
    return ""


def tie(got: Sequence[Array], expected: Sequence[Array], known: Sequence[Mapping[str, Array]]) -> str:
    """Which of the known quantities ties all answers to the right ones, and how; empty if none does.

    It must hold in every case, and enough different numbers must show it, so that it is no chance.
    """
    with np.errstate(all="ignore"):
        for name in _shared(known):
            values = [one[name] for one in known]
            if _shown(got, expected, values):
                factors = _FACTORS | (_FACTORS_OF_COUNTS if name.startswith("`") else {})
                off = [a - b for a, b in zip(got, expected, strict=True)]
                summed = [a + b for a, b in zip(got, expected, strict=True)]
                for text, make in factors.items():
                    if c := _multiple(got, list(map(make, expected, values))):
                        return f"is {'' if np.isclose(c, 1) else f'{c:.4g} times '}{text}".replace("{q}", name)
                for text, make in _DIFFERENCES.items():
                    if c := _multiple(off, list(map(make, expected, values))):
                        times = "" if np.isclose(abs(c), 1) else f"{abs(c):.4g} times "
                        return f"is too {'large' if c > 0 else 'small'} by {times}{text}".replace("{q}", name)
                if np.isclose(_multiple(summed, values), 1):
                    return f"is {name} minus what it should be"
    return ""


def _shared(known: Sequence[Mapping[str, Array]]) -> list[str]:
    return [name for name in known[0] if all(name in one for one in known)]


def _multiple(got: Sequence[Array], of: Sequence[Array]) -> float:
    """The one number that all of these are times the others, wherever these aren't 0; 0 if there is none."""
    a, b = (
        np.concatenate([np.broadcast_to(v, g.shape).ravel() for v, g in zip(one, got, strict=True)])
        for one in (got, of)
    )
    if not (np.isfinite(a).all() and np.isfinite(b).all() and a.any() and b.any()):
        return 0.0
    factor = float(a[np.argmax(np.abs(b))] / np.abs(b).max() * np.sign(b[np.argmax(np.abs(b))]))
    factor = round(factor, 9)
    return factor if np.allclose(a, factor * b, rtol=1e-5, atol=1e-9) else 0.0


def _numbers(value: Any) -> Array | None:
    if isinstance(value, bool | str | bytes | dict | set) or callable(value):
        return None
    try:
        array = np.asarray(as_array(value))
    except (TypeError, ValueError, RuntimeError):  # rows of several lengths, or tensors in lists
        return None
    return array.astype(float) if array.dtype.kind in "iuf" else None


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-9)


def _many(*numbers: Sequence[Array]) -> bool:
    """Whether these numbers, one of each kind at a time, are too many for chance: three, or two of which one is odd."""
    met = set(zip(*(np.concatenate([one.ravel() for one in kind]).tolist() for kind in numbers), strict=True))
    return len(met) > 2 or (len(met) > 1 and any(value % 0.5 for one in met for value in one))


def _shown(got: Sequence[Array], expected: Sequence[Array], values: Sequence[Array]) -> bool:
    met: list[list[Array]] = [[], [], []]
    for a, b, q in zip(got, expected, values, strict=True):
        if a.shape != b.shape or (q.ndim and q.shape != b.shape):
            return False
        wrong = ~np.isclose(a, b, rtol=1e-5, atol=1e-9)
        for numbers, one in zip(met, (a, b, np.broadcast_to(q, b.shape)), strict=True):
            numbers.append(one[wrong])
    one_each = (len(np.unique(np.concatenate(numbers))) > 1 for numbers in met)
    return all(one_each) and _many(*met)
