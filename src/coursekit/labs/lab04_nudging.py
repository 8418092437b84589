"""How lab 4's gradients are checked: by nudging each parameter, and the ways to go wrong there."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MISTAKES", "ZEROS", "errors", "wave"]

Array = NDArray[np.float64]


def _nudged(loss: Callable[[Array], float], theta: Array, h: float, side: float = 1) -> Array:
    nudges = h * np.eye(len(theta))
    return np.array([(loss(theta + nudge) - loss(theta - side * nudge)) / (h + side * h) for nudge in nudges])


def _share(claimed: Array, nudged: Array) -> Any:
    return np.abs(claimed - nudged) / (np.abs(claimed) + np.abs(nudged))


def errors(nudge: Callable[..., Any] = _nudged, error: Callable[[Array, Any], Any] = _share) -> Callable[..., Any]:
    """The answer to exercise 4.3, or a mistake in how it nudges or compares."""
    return lambda loss, gradient, theta, h: error(gradient(theta), nudge(loss, theta, h))


def _none_where(zero: Callable[[Array, Array], Any]) -> Callable[..., Any]:
    """Errors that are 0 wherever `zero` of what is claimed and nudged is true."""
    return errors(error=lambda a, b: np.where(zero(a, b), 0, np.abs(a - b) / np.maximum(np.abs(a) + np.abs(b), 1e-300)))


def wave(rng: np.random.Generator, n: int, h: float) -> tuple[Any, ...]:
    """A loss, a gradient that is wrong everywhere and has a wrong sign at times, a place, the size of the nudges."""
    table, off = rng.normal(size=(n, n)), rng.uniform(0.3, 1.7, size=n) * np.resize([1, -1, 1], n)
    return lambda t: np.sum(np.sin(table @ t)), lambda t: off * (table.T @ np.cos(table @ t)), rng.normal(size=n), h


ZEROS: dict[str, Callable[..., Any]] = {
    "your error is 0 wherever claimed is 0: only where nudged is 0, too. A gradient that forgot a parameter claims "
    "0.": _none_where(lambda a, b: a == 0),
    "your error is 0 wherever nudged is 0: only where claimed is 0, too.": _none_where(lambda a, b: b == 0),
    "your error is 0 wherever one of the two slopes is 0: only where both are. A gradient that forgot a parameter "
    "claims 0.": _none_where(lambda a, b: a * b == 0),
}

MISTAKES: dict[str, Callable[..., Any]] = {
    "you nudge to one side only, which is far coarser: loss(theta + nudge) - loss(theta - nudge), over 2 * h.": (
        errors(lambda loss, theta, h: _nudged(loss, theta, h, side=0))
    ),
    "your nudged slopes are doubled: the two nudged places are 2 * h apart, so divide by 2 * h.": errors(
        lambda *a: 2 * _nudged(*a)
    ),
    "that is the absolute error: divide by |claimed| + |nudged|.": errors(error=lambda a, b: np.abs(a - b)),
    "your errors have a sign: take np.abs.": errors(error=lambda a, b: (a - b) / (np.abs(a) + np.abs(b))),
    "you divide by |nudged| alone: add |claimed| to it.": errors(error=lambda a, b: np.abs(a / b - 1)),
    "you divide by |claimed| alone: add |nudged| to it.": errors(error=lambda a, b: np.abs(b / a - 1)),
    "you divide by |claimed| - |nudged|: add the two.": errors(
        error=lambda a, b: np.abs(a - b) / (np.abs(a) - np.abs(b))
    ),
    "you multiply by |claimed| + |nudged|: divide by it.": errors(
        error=lambda a, b: np.abs(a - b) * (np.abs(a) + np.abs(b))
    ),
    "you divide by claimed + |nudged|: |claimed| has lost its sign there, too.": errors(
        error=lambda a, b: np.abs(a - b) / (a + np.abs(b))
    ),
    "you divide by |claimed| + nudged: |nudged| has lost its sign there, too.": errors(
        error=lambda a, b: np.abs(a - b) / (np.abs(a) + b)
    ),
    "you divide by |claimed + nudged|, which is small where the two differ in sign: |claimed| + |nudged|.": errors(
        error=lambda a, b: np.abs(a - b) / np.abs(a + b)
    ),
    "that is the sum of the two sizes, |claimed| + |nudged|; divide |claimed - nudged| by it.": errors(
        error=lambda a, b: np.abs(a) + np.abs(b)
    ),
    "nudged is missing above the line: take it off claimed.": errors(
        error=lambda a, b: np.abs(a) / (np.abs(a) + np.abs(b))
    ),
    "claimed is missing above the line: take nudged off it.": errors(
        error=lambda a, b: np.abs(b) / (np.abs(a) + np.abs(b))
    ),
    "the difference of the two losses isn't divided by 2 * h.": errors(lambda *a: 2 * a[2] * _nudged(*a)),
    "the difference of the two losses is multiplied by 2 * h: divide by it.": errors(
        lambda *a: (2 * a[2]) ** 2 * _nudged(*a)
    ),
    "the difference of the two losses is multiplied by h: divide by 2 * h.": errors(
        lambda *a: 2 * a[2] ** 2 * _nudged(*a)
    ),
    "your slope is upside down: the difference of the losses stands above, 2 * h below.": errors(
        lambda *a: 1 / _nudged(*a)
    ),
    "the two losses are added: take their difference.": errors(
        lambda loss, theta, h: np.array([loss(theta + n) + loss(theta - n) for n in h * np.eye(len(theta))]) / 2 / h
    ),
    "only the loss at theta + nudge is used: take the loss at theta - nudge off it.": errors(
        lambda loss, theta, h: np.array([loss(theta + n) for n in h * np.eye(len(theta))]) / 2 / h
    ),
    "only the loss at theta - nudge is used: take it off the loss at theta + nudge.": errors(
        lambda loss, theta, h: np.array([loss(theta - n) for n in h * np.eye(len(theta))]) / 2 / h
    ),
    "one of the two losses is that at theta itself, so the places are h apart, but you divide by 2 * h: nudge to "
    "both sides.": errors(lambda loss, theta, h: _nudged(loss, theta, h, 0) / 2),
    "the nudge of one parameter isn't taken back before the next is nudged.": errors(
        lambda loss, theta, h: np.diag([_nudged(loss, theta - h * before, h) for before in np.tri(len(theta), k=-1)])
    ),
    "the gradient is taken twice, of the gradient itself: claimed is gradient(theta).": (
        lambda loss, gradient, theta, h: _share(gradient(gradient(theta)), _nudged(loss, theta, h))
    ),
    "what you compare with the nudges is theta itself: claimed is gradient(theta).": (
        lambda loss, gradient, theta, h: _share(theta, _nudged(loss, theta, h))
    ),
    "that is the chapter's check, one number for all of theta. Here each parameter gets an error of its own.": (
        errors(error=lambda a, b: np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b)))
    ),
    "all parameters are nudged at the same time, so nobody knows whose slope it is: one after the other.": (
        errors(lambda loss, theta, h: (loss(theta + h) - loss(theta - h)) / (2 * h))
    ),
    "your nudge is tiny whatever h is: use the argument h.": lambda *a: errors()(*a[:3], 1e-5),
    "every error is 0, whatever the gradient says. Do you compare it with nudges of the loss, or with itself, or is "
    "nothing written into your errors?": (lambda loss, gradient, theta, h: np.zeros(len(theta))),
}
