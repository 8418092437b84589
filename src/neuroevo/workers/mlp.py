"""Something to evaluate: a small network in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def train_mlp(
    design: Mapping[str, Any],
    rng: np.random.Generator,
    *,
    x: ArrayLike,
    y: ArrayLike,
    x_valid: ArrayLike,
    y_valid: ArrayLike,
    n_steps: int = 600,
) -> float:
    """Train one small network by gradient descent with momentum, in NumPy: something to evaluate.

    Args:
        design: `layers` (hidden ones), `neurons` in each, `activation` (a key of backprop.ACTIVATIONS) and
            `learning_rate`.
        rng: draws the first weights and the batches of 50.
        x, y: images (n, n_pixels) and their classes (n,), whole numbers from 0.
        x_valid, y_valid: the same for validation.
        n_steps: number of batches.

    Returns:
        Share of right answers on the validation images; 0 for a network that has blown up.
    """
    from neuroevo import backprop  # a second of import that a worker spares which never trains

    x, y, y_valid = np.asarray(x, float), np.asarray(y), np.asarray(y_valid)
    n_classes = int(y.max()) + 1
    sizes = (x.shape[1], *[int(design["neurons"])] * int(design["layers"]), n_classes)
    targets = np.eye(n_classes)[y]
    scales = [np.full(n_out * (n_in + 1), n_in**-0.5) for n_in, n_out in pairwise(sizes)]
    theta = rng.normal(size=backprop.n_params(sizes)) * np.concatenate(scales)
    velocity = np.zeros_like(theta)
    for _ in range(n_steps):
        batch = rng.integers(len(x), size=50)
        slope = backprop.gradient(theta, x[batch], targets[batch], sizes, design["activation"])
        velocity = 0.9 * velocity + slope
        theta = theta - design["learning_rate"] * velocity
        if not np.isfinite(theta).all():
            return 0.0
    answers = backprop.forward(theta, x_valid, sizes, design["activation"])[-1].argmax(axis=1)
    return float((answers == y_valid).mean())
