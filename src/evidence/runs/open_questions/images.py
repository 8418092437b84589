"""The images: digits at several sizes, letters of whole families of fonts, and small photographs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from evidence.recorder import load
from neuroevo import data
from neuroevo.data import cifar, fonts

BATCH = 256

Batch = Callable[[torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Images:
    """Train, validation and test as pixels in [0, 1] with labels; `test` is a call, so that it is opened late."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: Callable[[str], tuple[Tensor, Tensor]]


def resize(pixels: Tensor, side: int) -> Tensor:
    """(n, 784) images as (n, side * side): means of blocks below 28, interpolated above."""
    image = pixels.view(-1, 1, 28, 28)
    if side < 28:
        image = functional.avg_pool2d(image, 28 // side)
    elif side > 28:
        image = functional.interpolate(image, size=(side, side), mode="bilinear", align_corners=False)
    return image.flatten(1)


def _part(split: data.Split, side: int, n: int | None = None) -> tuple[Tensor, Tensor]:
    rows = torch.arange(len(split))[:n].split(5000)
    return torch.cat([resize(split.pixels(some), side) for some in rows]), split.y[:n]


@cache
def mnist(size: str) -> data.ImageData:
    """MNIST as it comes, once for all."""
    return load(size)


@cache
def digits(side: int, size: str) -> Images:
    """MNIST at side x side pixels."""
    images = mnist(size)
    n = 15_000 if side > 28 else None  # what memory allows for images that hold no more than 28 x 28 do
    return Images(
        _part(images.train, side, n),
        _part(images.validation, side),
        lambda reason: _part(images.test.open(reason), side),
    )


# Whole families of fonts, so that no letter of validation or test is a variant of one that was learned.
VALIDATION_FONTS, TEST_FONTS = ("DejaVu Serif",), ("STIX", "Computer Modern Sans")


@cache
def letters(side: int, size: str) -> Images:
    """Letters at side x side pixels, with all variants of their faces if it isn't a smoke run."""
    drawn = data.letters(28, ("plain",) if size == "smoke" else tuple(fonts.VARIANTS))
    learned = [name for name in drawn.families if name not in VALIDATION_FONTS + TEST_FONTS]
    vault = data.TestVault(drawn.of(TEST_FONTS))
    return Images(
        _part(drawn.of(learned), side),
        _part(drawn.of(VALIDATION_FONTS), side),
        lambda reason: _part(vault.open(reason), side),
    )


@cache
def photographs(source: Path | None, n_train: int) -> Images:
    """CIFAR-10 as 16 x 16 pixels in three colours; 5,000 of the training file, or half of a small one, validate."""
    x, y, x_test, y_test, _ = cifar.read(source)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    cut = len(y) - min(5_000, len(y) // 2)

    def part(images: Tensor, labels: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        pixels = images[rows].permute(0, 3, 1, 2).float() / 255
        return functional.avg_pool2d(pixels, 2).flatten(1), labels[rows].long()

    test = part(x_test, y_test, torch.arange(len(y_test)))
    vault = data.TestVault(data.Split(torch.empty(len(y_test), 0), test[1]))

    def open_test(reason: str) -> tuple[Tensor, Tensor]:
        vault.open(reason)
        return test

    return Images(part(x, y, order[:cut][:n_train]), part(x, y, order[cut:]), open_test)


def drawn_from(x: Tensor, y: Tensor, n: int = BATCH) -> Batch:
    """Batches of n images, drawn with replacement."""

    def batch(rng: torch.Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(y), (n,), generator=rng)
        return x[rows], y[rows]

    return batch
