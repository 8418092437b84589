"""Compare a student's answers with the right ones, and say the difference in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback.running import Student, TryAgain

__all__ = ["compare"]

Answer = tuple[NDArray[np.float64], ...]


def compare(
    student: Student,
    *,
    parts: Sequence[str],
    by_hand: Sequence[tuple[tuple[Any, ...], Any]],
    others: Sequence[tuple[Any, ...]],
    right: Callable[..., Any],
    mistakes: Mapping[str, Callable[..., Any]],
    run_away: str = "Print the numbers on the way there, and find where they begin to grow.",
    rtol: float = 1e-6,
) -> None:
    """Pass silently if every answer is right, else raise TryAgain with the best explanation there is.

    Args:
        parts: the names of what the function returns, ("dm", "db"); one name for a single number or array.
        by_hand: (arguments, answer worked out by hand) pairs; the first is the example of the notebook.
        others: arguments of further cases, drawn by the check from a seed of its own.
        right: the right answer to `others`, written independently of what students are led to write.
        mistakes: hint -> what a student who makes that mistake returns. A hint is given when its mistake explains
            every case; the first in order wins.
        run_away: what to look at when an answer holds NaN, infinity or a number far too large.
        rtol: largest relative error that counts as right.
    """
    cases = [args for args, _ in by_hand] + list(others)
    expected = [_arrays(answer, parts) for _, answer in by_hand] + [_arrays(right(*a), parts) for a in others]
    answers = [_read(student(*args), parts) for args in cases]

    def agree(ours: Sequence[Answer], theirs: Sequence[Answer]) -> bool:
        return all(
            _close(a, b, rtol) for one, two in zip(ours, theirs, strict=True) for a, b in zip(one, two, strict=True)
        )

    if agree(answers, expected):
        return
    for hint, mistake in mistakes.items():
        if agree(answers, [_arrays(mistake(*args), parts) for args in cases]):
            raise TryAgain(hint)
    for number, part in enumerate(parts):
        _judge_part(
            part,
            [answer[number] for answer in answers],
            [answer[number] for answer in expected],
            [_case(student.parameters, args) for args in cases],
            run_away,
            rtol,
        )


def _arrays(answer: Any, parts: Sequence[str]) -> Answer:
    values = [answer] if len(parts) == 1 else list(answer)
    return tuple(np.asarray(_plain(value), dtype=np.float64) for value in values)


def _plain(value: Any) -> Any:
    """A torch tensor as a NumPy array; anything else as it is."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _read(answer: Any, parts: Sequence[str]) -> Answer:
    """The student's answer as arrays of floats, one for each part; TryAgain if it is of another kind."""
    values: list[Any]
    if len(parts) == 1:
        values = [answer]
    else:
        listed = ", ".join(parts)
        if not isinstance(answer, tuple | list) and not (isinstance(answer, np.ndarray) and answer.ndim):
            raise TryAgain(
                f"your function should return {len(parts)} values, ({listed}); it returned {_kind(answer)}. "
                f"End it with `return {listed}`."
            )
        values = list(answer)
        if len(values) != len(parts):
            raise TryAgain(f"your function should return {len(parts)} values, ({listed}); it returned {len(values)}.")
    return tuple(_floats(part, value) for part, value in zip(parts, values, strict=True))


def _floats(part: str, value: Any) -> NDArray[np.float64]:
    value = _plain(value)
    if not isinstance(value, str | bytes | bool | dict | set) and not callable(value):
        try:
            array = np.asarray(value)
        except ValueError:
            raise TryAgain(f"{part} has rows of different lengths, so it is no array.") from None
        if array.dtype.kind in "iuf":
            return array.astype(np.float64)
    raise TryAgain(f"{part} should hold real numbers, but it is {_kind(value)}.")


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    if isinstance(value, int | float | np.number):
        return f"one number ({value:.6g})"
    if callable(value):
        return "a function (are brackets missing at the end?)"
    return f"a value of type {type(value).__name__}"


def _close(a: NDArray[np.float64], b: NDArray[np.float64], rtol: float) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=1e-9, equal_nan=True)


def _judge_part(
    part: str,
    got: list[NDArray[np.float64]],
    expected: list[NDArray[np.float64]],
    cases: list[str],
    run_away: str,
    rtol: float,
) -> None:
    """Raise TryAgain if one part of the answers is wrong: about its shape, NaN, a factor, or the first difference."""
    for a, b, case in zip(got, expected, cases, strict=True):
        if a.shape != b.shape:
            wanted = f"an array of shape {b.shape}" if b.shape else "one number"
            forgot = " Was a mean or a sum forgotten?" if a.size > b.size == 1 else ""
            raise TryAgain(f"{part} should be {wanted}, but yours has the shape {a.shape} for {case}.{forgot}")
    for a, b, case in zip(got, expected, cases, strict=True):
        far = a[~(np.abs(a) <= 1e9 * (1 + np.abs(b).max()))]  # true for NaN too
        if far.size:
            raise TryAgain(f"{part} has run away to {far[0]:.3g} for {case}. {run_away}")
    wrong = [not _close(a, b, rtol) for a, b in zip(got, expected, strict=True)]
    if not any(wrong):
        return
    differs = [not _close(b, expected[0], rtol) for b in expected]
    typed_in = (
        "Is a number typed in, or taken from a variable of the notebook, where an argument of the function is meant?"
    )
    if any(differs) and all(_close(a, got[0], rtol) for a in got):
        raise TryAgain(f"{part} is the same whatever the inputs are. {typed_in}")
    first = wrong.index(True)
    a, b = got[first], expected[first]
    index = tuple(int(i) for i in np.argwhere(~np.isclose(a, b, rtol=rtol, atol=1e-9))[0])
    place = f"{part}[{', '.join(map(str, index))}]" if index else part
    difference = f"{place} is {a[index]:.6g}, but should be {b[index]:.6g}, for {cases[first]}."
    if first > 0:
        raise TryAgain(f"your answer fits the example but not other inputs: {difference} {typed_in}")
    factor = _factor(got, expected, rtol)
    if factor is not None:
        if np.isclose(factor, -1):
            raise TryAgain(f"{part} has the wrong sign in every case that was tried.")
        raise TryAgain(
            f"{part} is {factor:.4g} times what it should be in every case that was tried: look for a factor that is "
            "missing, or there twice."
        )
    raise TryAgain(difference)


def _factor(got: list[NDArray[np.float64]], expected: list[NDArray[np.float64]], rtol: float) -> float | None:
    """The one number that turns every right answer into the given one, if there is one."""
    a, b = np.concatenate([v.ravel() for v in got]), np.concatenate([v.ravel() for v in expected])
    largest = int(np.argmax(np.abs(b)))
    if b.size < 2 or b[largest] == 0 or a[largest] == 0:
        return None
    factor = float(a[largest] / b[largest])
    return factor if np.allclose(a, factor * b, rtol=rtol, atol=1e-9) else None


def _case(parameters: Sequence[str], args: Sequence[Any]) -> str:
    """The arguments of a case, short enough to be read: `m = 1, x = [1. 2. 3.]`."""
    shown = []
    for name, value in zip(parameters, args, strict=True):
        if callable(value):
            continue
        value = _plain(value)
        if isinstance(value, np.ndarray):
            text = np.array2string(value, precision=4, threshold=8, edgeitems=3).replace("\n", "")
        else:
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
        shown.append(f"{name} = {text}")
    return ", ".join(shown)
