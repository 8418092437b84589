"""A multi-layer network in NumPy with its gradient by backpropagation, as chapter 4 builds it, and a check for it.

A network is a row of parameters, as in `nets`: layer by layer the weights (out x in, row by row), then the biases
(out). All functions take one row, shape (n_params,), or rows with any axes before, such as (n_networks, n_params):
the axes before the last pass through, so many networks cost one call. `sizes` says how a row is read, (2, 3, 1) for
two inputs, three hidden units and one output. One output answers with a sigmoid, several with a softmax; the loss is
the mean cross-entropy in nats.

    slope = lambda theta: backprop.gradient(theta, x, y, (2, 3, 1))
    theta = descent.plain(start, slope, learning_rate=3, n_steps=2000)

Backpropagation: Rumelhart, Hinton and Williams (1986).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logsumexp, softmax

__all__ = ["ACTIVATIONS", "answer", "forward", "gradient", "gradient_check", "loss", "n_params", "unpack"]

Array = NDArray[np.float64]

ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "sigmoid": (expit, lambda h: h * (1 - h)),
    "tanh": (np.tanh, lambda h: 1 - h**2),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0).astype(float)),
    "identity": (lambda z: z, np.ones_like),
}
"""Name -> what a hidden unit does to its sum z, and the slope of that, written with the unit's own output h."""


def n_params(sizes: Sequence[int]) -> int:
    """Length of a row: weights and biases of all layers of a network with these `sizes`."""
    if len(sizes) < 2 or not all(isinstance(n, int | np.integer) and n >= 1 for n in sizes):
        raise ValueError(f"sizes needs at least two layers, each a whole number of units from 1, not {tuple(sizes)}")
    return sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes))


def unpack(theta: ArrayLike, sizes: Sequence[int]) -> list[tuple[Array, Array]]:
    """Read rows as layers.

    Args:
        theta: (..., n_params), finite.
        sizes: units per layer, inputs first.

    Returns:
        For each layer its weights (..., out, in) and its biases (..., 1, out), views of theta; the 1 lets
        the biases be added to a batch.
    """
    rows = np.asarray(theta, dtype=np.float64)
    n_expected = n_params(sizes)
    if rows.ndim < 1 or rows.shape[-1] != n_expected or rows.size == 0:
        raise ValueError(f"theta must have shape (..., {n_expected}) for sizes {tuple(sizes)}, not {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("theta holds NaN or infinite values; a smaller learning rate may keep it finite")
    layers, start = [], 0
    for n_in, n_out in pairwise(sizes):
        stop = start + n_out * n_in
        weights = rows[..., start:stop].reshape(*rows.shape[:-1], n_out, n_in)
        layers.append((weights, rows[..., np.newaxis, stop : stop + n_out]))
        start = stop + n_out
    return layers


def forward(theta: ArrayLike, x: ArrayLike, sizes: Sequence[int], activation: str = "sigmoid") -> list[Array]:
    """Run the networks and keep what every layer said.

    Args:
        theta: (..., n_params).
        x: inputs (..., n_examples, sizes[0]); axes before the last two must fit those of theta.
        sizes: units per layer, inputs first.
        activation: a key of ACTIVATIONS, for every layer but the last.

    Returns:
        x, the outputs of each hidden layer, and the sums of the last layer, all (..., n_examples, units).
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, not {activation!r}")
    layers = unpack(theta, sizes)
    bend, _ = ACTIVATIONS[activation]
    outputs = [_examples("x", x, sizes[0])]
    _check_fit("x", outputs[0], "theta", layers[0][0])
    for depth, (w, b) in enumerate(layers, start=1):
        z = outputs[-1] @ w.mT + b
        outputs.append(bend(z) if depth < len(layers) else z)
    return outputs


def answer(z: ArrayLike) -> Array:
    """Turn the sums z of the last layer, (..., n_examples, n_outputs), into probabilities of the same shape."""
    sums = _examples("z", z)
    return expit(sums) if sums.shape[-1] == 1 else softmax(sums, axis=-1)


def loss(
    theta: ArrayLike, x: ArrayLike, y: ArrayLike, sizes: Sequence[int], activation: str = "sigmoid"
) -> NDArray[np.float64]:
    """Mean cross-entropy of each network, in nats; shape that of theta without its last axis.

    Args:
        y: targets (..., n_examples, sizes[-1]): a column of 0 and 1 for one output, else a probability for each
            class (1 for the right one, 0 for the others). The other arguments are those of `forward`.
    """
    z = forward(theta, x, sizes, activation)[-1]
    targets = _targets(y, z, sizes)
    log_total = np.logaddexp(0, z[..., 0]) if sizes[-1] == 1 else logsumexp(z, axis=-1)
    return np.mean(log_total - np.sum(targets * z, axis=-1), axis=-1)


def gradient(theta: ArrayLike, x: ArrayLike, y: ArrayLike, sizes: Sequence[int], activation: str = "sigmoid") -> Array:
    """Slope of `loss` along every parameter, by backpropagation; arguments as there.

    Returns:
        (..., n_params), in the order of theta.
    """
    *outputs, z = forward(theta, x, sizes, activation)
    _, slope = ACTIVATIONS[activation]
    blame = (answer(z) - _targets(y, z, sizes)) / z.shape[-2]
    parts: list[Array] = []
    for (w, _), below in zip(reversed(unpack(theta, sizes)), reversed(outputs), strict=True):
        weight_slopes = blame.mT @ below
        parts = [weight_slopes.reshape(*weight_slopes.shape[:-2], -1), blame.sum(axis=-2), *parts]
        blame = blame @ w * slope(below)
    return np.concatenate(parts, axis=-1)


def gradient_check(
    loss: Callable[[Array], ArrayLike], gradient: Callable[[Array], ArrayLike], theta: ArrayLike, h: float = 1e-5
) -> float:
    """Compare a gradient with nudges of the loss to both sides: the relative error |g - nudged| / (|g| + |nudged|).

    Args:
        loss: takes (n_params,), returns one number.
        gradient: takes (n_params,), returns (n_params,): what is to be checked.
        theta: (n_params,), the place; away from kinks such as those of relu.
        h: size of a nudge. In float64, 1e-5 gives about 1e-9 for a right gradient.

    Returns:
        A number from 0 (equal) to 1 (nothing in common); 0 where both are zero.
    """
    row = np.array(theta, dtype=np.float64)
    if row.ndim != 1 or row.size == 0 or not np.isfinite(row).all():
        raise ValueError(f"theta must be one row of finite numbers, at least one, not shape {row.shape}: {row}")
    if not (math.isfinite(h) and h > 0):
        raise ValueError(f"h must be a number above 0, such as 1e-5, not {h}")
    claimed = np.asarray(gradient(row), dtype=np.float64)
    if claimed.shape != row.shape:
        raise ValueError(f"gradient returned shape {claimed.shape} for theta of shape {row.shape}")
    nudges = h * np.eye(row.size)
    sides = [(np.asarray(loss(row + nudge)), np.asarray(loss(row - nudge))) for nudge in nudges]
    if sides[0][0].shape != ():
        raise ValueError(f"loss returned shape {sides[0][0].shape} for one row; it must return one number")
    nudged = np.array([(up - down) / (2 * h) for up, down in sides])
    if not np.isfinite(nudged).all():
        raise ValueError("loss is NaN or infinite next to theta; look at the data and the place")
    if not np.isfinite(claimed).all():
        raise ValueError("gradient holds NaN or infinite values at theta")
    size = np.linalg.norm(claimed) + np.linalg.norm(nudged)
    return float(np.linalg.norm(claimed - nudged) / size) if size > 0 else 0.0


def _examples(name: str, values: ArrayLike, n_columns: int | None = None) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < 2 or array.size == 0 or n_columns not in (None, array.shape[-1]):
        columns = "n_columns" if n_columns is None else n_columns
        wanted = f"(..., n_examples, {columns}), at least one example"
        raise ValueError(f"{name} must have shape {wanted}, not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite values")
    return array


def _targets(y: ArrayLike, z: Array, sizes: Sequence[int]) -> Array:
    targets = _examples("y", y, sizes[-1])
    if targets.shape[-2] != z.shape[-2]:  # one target would be broadcast over all examples without a word
        raise ValueError(f"y has {targets.shape[-2]} examples, x has {z.shape[-2]}; give one target for each")
    _check_fit("y", targets, "theta and x", z)
    return targets


def _check_fit(name: str, array: Array, others: str, other: Array) -> None:
    try:
        np.broadcast_shapes(array.shape[:-2], other.shape[:-2])
    except ValueError:
        shapes = f"{array.shape[:-2]} before its last two axes, {others} {other.shape[:-2]}"
        raise ValueError(f"{name} has {shapes}: they don't fit") from None
