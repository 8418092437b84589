"""Images made smaller, moved and turned."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neuroevo.data.splits import Split


def shrink(split: Split) -> Split:
    """Images of 28x28 pixels averaged to 14x14: every pixel is the mean of four, rounded to a byte."""
    square = split.x.view(-1, 1, 28, 28).float()
    return Split(functional.avg_pool2d(square, 2).round().to(torch.uint8).flatten(1), split.y)


def moved(x: Tensor, right: Any = 0.0, down: Any = 0.0, degrees: Any = 0.0) -> Tensor:
    """Pictures moved by pixels and turned (anticlockwise) about their middle, bilinear, paper coming in.

    Args:
        x: (n, side * side).
        right, down, degrees: numbers, or tensors (n,) with one for each picture.
    """
    n, side = len(x), math.isqrt(x.shape[1])
    dx, dy, angle = (torch.as_tensor(v, dtype=torch.float32, device=x.device).expand(n) for v in (right, down, degrees))
    cos, sin = torch.deg2rad(angle).cos(), torch.deg2rad(angle).sin()
    # Where each new pixel comes from, in coordinates from -1 to 1.
    sx, sy = -2 * dx / side, -2 * dy / side
    theta = torch.stack([cos, -sin, cos * sx - sin * sy, sin, cos, sin * sx + cos * sy], dim=1).view(n, 2, 3)
    grid = functional.affine_grid(theta, [n, 1, side, side], align_corners=False)
    return functional.grid_sample(x.view(n, 1, side, side), grid, align_corners=False).flatten(1)


def shift(x: Tensor, most: int, rng: torch.Generator, side: int = 28) -> Tensor:
    """The images, each moved by a random number of pixels of its own, at most `most` in each direction.

    Args:
        x: (n_images, side * side) pixels; what comes in at an edge is 0.
        most: largest move; 0 changes nothing.
        rng: source of randomness, on the device of x.

    Returns:
        (n_images, side * side).
    """
    if most == 0:
        return x
    framed = functional.pad(x.view(-1, side, side), [most] * 4)
    windows = framed.unfold(1, side, 1).unfold(2, side, 1)  # (n_images, down, right, side, side), a view
    down, right = torch.randint(2 * most + 1, (2, len(x)), generator=rng, device=x.device)
    return windows[torch.arange(len(x), device=x.device), down, right].flatten(1)
