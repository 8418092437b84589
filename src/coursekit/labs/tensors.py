"""What the labs with PyTorch ask of a tensor: its kind, where its randomness comes from, its distribution."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from coursekit import feedback
from coursekit.feedback import TryAgain, hidden

__all__ = ["comes_from_rng", "looks_normal", "seeded", "tensor"]


def seeded(seed: int) -> torch.Generator:
    """A fresh source of randomness."""
    return torch.Generator().manual_seed(hidden(seed))


comes_from_rng: Callable[..., None] = partial(
    feedback.comes_from_rng,
    source=seeded,
    elsewhere="two calls with the same seed differ, so there is another source of randomness. Give every torch "
    "function that draws the generator: generator=rng.",
)
"""The engine's check for a function that draws from a torch.Generator."""


def tensor(answer: Any, shape: tuple[int, ...], name: str, whole: bool = False) -> Tensor:
    """The student's answer if it is a tensor of this shape, of finite floats or of whole numbers; else TryAgain."""
    if not isinstance(answer, Tensor):
        raise TryAgain(f"{name} should be one tensor, but you return a {type(answer).__name__}.")
    if answer.shape != shape:
        raise TryAgain(f"{name} should have the shape {shape}, but yours has {tuple(answer.shape)}.")
    if whole and (answer.is_floating_point() or answer.dtype == torch.bool):
        rounded = answer.dtype == torch.bool or bool((answer == answer.round()).all())
        raise TryAgain(
            f"{name} should be whole numbers, but you return {answer.dtype}: "
            + (".long() makes whole numbers of them." if rounded else "are these fitness values?")
        )
    if not whole and not answer.is_floating_point():
        raise TryAgain(f"{name} should hold floats, but you return {answer.dtype}.")
    if not whole and not bool(answer.isfinite().all()):
        raise TryAgain(f"{name} should hold finite floats; {int((~answer.isfinite()).sum())} are NaN or infinity.")
    return answer.detach()


def looks_normal(noise: Tensor, std: float, what: str) -> None:
    """TryAgain unless these (thousands of) numbers look normal with mean 0 and this standard deviation."""
    ratio = float(noise.std()) / std
    mean, beyond = float(noise.mean()) / std, float((noise.abs() > 2 * std).float().mean())
    above = float((noise > 0).float().mean())
    if abs(mean) > 0.1 and abs(above - 0.5) > 0.03:  # a few huge numbers shift a mean, too
        one_sided = " No number is below 0: torch.randn is centred, torch.rand (from 0 to 1) isn't, nor is an abs()."
        raise TryAgain(f"{what} is not centred on 0: its mean is {mean * std:.3g}.{one_sided if above == 1 else ''}")
    for other, hint in (
        (
            std**-0.5,
            "it is taken as a variance, or its root is; torch.randn has a standard deviation of 1, so multiply once.",
        ),
        (std, "it is applied twice, or squared: multiply torch.randn(...) by it once."),
        (1 / std, "it is ignored, or taken out again: multiply torch.randn(...) by it."),
        (std**-2, "is torch.randn(...) divided by it?"),
    ):
        if abs(ratio - 1) > 0.06 and abs(ratio / other - 1) < 0.06:
            raise TryAgain(f"{what} has the wrong standard deviation: {hint} {ratio * std:.3g} came, for {std:g}.")
    if abs(ratio - 1) > 0.06 or abs(beyond - 0.0455) > 0.02:
        wide = float((noise.abs() > 2 * std * ratio).float().mean())  # beyond two of its own
        normal = "" if abs(wide - 0.0455) < 0.015 else " Is it torch.randn?"
        raise TryAgain(
            f"{what} should be normal with a standard deviation of {std:g}, but yours has {ratio * std:.3g}, and "
            f"{100 * beyond:.1f} % of it lies beyond {2 * std:g} (4.6 % would be normal).{normal}"
        )
