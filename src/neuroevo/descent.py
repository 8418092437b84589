"""Optimisers in NumPy, as chapter 1 builds them: plain gradient descent, momentum, RMSprop and Adam.

All four are called alike and leave the start as it was:

    path = []
    theta = descent.adam(start, slope, learning_rate=0.01, n_steps=500, trace=path.append)

`theta` is any array of parameters; with one network a row, all rows descend side by side. `slope(theta)` returns the
gradient of the loss, an array of the same shape. What blows up is not stopped: it becomes inf, then NaN, with NumPy's
warnings, because a learning rate that is too large is something to look at.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["adam", "gradient_descent", "momentum", "plain", "rmsprop"]

Array = NDArray[np.float64]
Slope = Callable[[Array], ArrayLike]
Trace = Callable[[Array], object]
Step = Callable[[int, Array, Array], Array]  # number of the step, theta, gradient -> theta

_TINY = 1e-8  # keeps a division by a vanished slope finite


def plain(theta: ArrayLike, slope: Slope, learning_rate: float, n_steps: int, *, trace: Trace | None = None) -> Array:
    """Gradient descent: theta - learning_rate * slope(theta), `n_steps` times.

    Args:
        theta: where to start; any shape, finite, not empty.
        slope: gradient of the loss at theta, of the same shape.
        learning_rate: length of a step in units of the gradient, above 0.
        n_steps: number of steps, and of calls of `slope`; 0 returns the start.
        trace: called with theta at the start and after each step; no theta is changed later, so it can be kept.

    Returns:
        theta after the last step, float64.

    Raises:
        ValueError: an argument outside of what is said above; the message names it.
    """

    def step(t: int, theta: Array, g: Array) -> Array:
        return theta - learning_rate * g

    return _descend(step, theta, slope, learning_rate, n_steps, trace)


def momentum(
    theta: ArrayLike, slope: Slope, learning_rate: float, n_steps: int, keep: float = 0.9, *, trace: Trace | None = None
) -> Array:
    """Step along a fading sum of past slopes (Polyak, 1964).

    `keep`, in [0, 1), is the share of that sum which survives a step; the other arguments are those of `plain`.
    """
    _check_share("keep", keep)
    velocity: Array | float = 0.0

    def step(t: int, theta: Array, g: Array) -> Array:
        nonlocal velocity
        velocity = keep * velocity + g
        return theta - learning_rate * velocity

    return _descend(step, theta, slope, learning_rate, n_steps, trace)


def rmsprop(
    theta: ArrayLike, slope: Slope, learning_rate: float, n_steps: int, keep: float = 0.9, *, trace: Trace | None = None
) -> Array:
    """Divide each slope by the root of its own fading mean square (Hinton, lecture of 2012).

    `keep`, in [0, 1), is the share of that mean which survives a step; the other arguments are those of `plain`.
    """
    _check_share("keep", keep)
    square: Array | float = 0.0

    def step(t: int, theta: Array, g: Array) -> Array:
        nonlocal square
        square = keep * square + (1 - keep) * g**2
        return theta - learning_rate * g / (np.sqrt(square) + _TINY)

    return _descend(step, theta, slope, learning_rate, n_steps, trace)


def adam(
    theta: ArrayLike,
    slope: Slope,
    learning_rate: float,
    n_steps: int,
    keep: float = 0.9,
    keep_square: float = 0.999,
    *,
    trace: Trace | None = None,
) -> Array:
    """Momentum and RMSprop together, corrected for averages that start at zero (Kingma and Ba, 2015).

    `keep` and `keep_square`, in [0, 1), are the shares of the fading means of the slope and of its square which
    survive a step; the other arguments are those of `plain`.
    """
    _check_share("keep", keep)
    _check_share("keep_square", keep_square)
    mean: Array | float = 0.0
    square: Array | float = 0.0

    def step(t: int, theta: Array, g: Array) -> Array:
        nonlocal mean, square
        mean = keep * mean + (1 - keep) * g
        square = keep_square * square + (1 - keep_square) * g**2
        scale = np.sqrt(square / (1 - keep_square**t)) + _TINY
        return theta - learning_rate * (mean / (1 - keep**t)) / scale

    return _descend(step, theta, slope, learning_rate, n_steps, trace)


def gradient_descent(gradient: Slope, start: ArrayLike, learning_rate: float, n_steps: int) -> Array:
    """Chapter 1's first function: `plain`, and the whole path, of shape (n_steps + 1, *shape of start)."""
    path: list[Array] = []
    plain(_finite("start", start), gradient, learning_rate, n_steps, trace=path.append)
    return np.array(path)


def _descend(
    step: Step, theta: ArrayLike, slope: Slope, learning_rate: float, n_steps: int, trace: Trace | None
) -> Array:
    here = _finite("theta", theta)
    if np.ndim(learning_rate) or not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate must be one number above 0, not {learning_rate}")
    if not isinstance(n_steps, int | np.integer) or n_steps < 0:
        raise ValueError(f"n_steps must be a whole number, 0 or more, not {n_steps}")
    if trace is not None:
        trace(here)
    for t in range(1, int(n_steps) + 1):
        g = np.asarray(slope(here), dtype=np.float64)
        if g.shape != here.shape:  # broadcasting would take a wrong step without a word
            raise ValueError(f"slope returned shape {g.shape} for theta of shape {here.shape}; they must be the same")
        if t == 1 and not np.isfinite(g).all():
            raise ValueError("slope is NaN or infinite at the start; look at the loss and the data there")
        here = step(t, here, g)
        if trace is not None:
            trace(here)
    return here


def _finite(name: str, values: ArrayLike) -> Array:
    array = np.array(values, dtype=np.float64)  # a copy: the caller's start stays as it was
    if array.size == 0:
        raise ValueError(f"{name} is empty; give at least one parameter")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {int((~np.isfinite(array)).sum())} NaN or infinite value(s)")
    return array


def _check_share(name: str, share: float) -> None:
    if not 0 <= share < 1:
        raise ValueError(f"{name} must lie in [0, 1), not {share}")
