"""What a data set is made of: its images as rows of pixels, and its three parts, the test kept shut."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

Index = Tensor | slice | list[int] | int | None


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Images as rows of pixels, with their classes.

    x: (n, n_pixels) uint8; y: (n,) int64, classes from 0; white: the value of x that `pixels` returns as 1.0.
    """

    x: Tensor
    y: Tensor
    white: int = 255

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        return f"Split({len(self):,} images of {self.x.shape[1]} pixels)"

    def to(self, device: torch.device | str) -> Split:
        """The same split with its tensors on `device`."""
        return replace(self, x=self.x.to(device), y=self.y.to(device))

    def pixels(self, index: Index = None, device: torch.device | str | None = None) -> Tensor:
        """The images chosen by `index` (all, if None) as float32 in [0, 1], on `device` (where x is, if None)."""
        rows = self.x if index is None else self.x[index]
        return rows.to(device).float().div_(self.white)  # moved as bytes, a quarter of the traffic

    @cached_property
    def _counts(self) -> list[int]:
        return [int(count) for count in torch.bincount(self.y)]

    @cached_property
    def _rows_by_class(self) -> Tensor:
        return self.y.argsort(stable=True)

    @cached_property
    def _first_of_class(self) -> Tensor:
        counts = torch.tensor(self._counts, device=self.y.device)
        return (counts.cumsum(0) - counts)[:, None]

    @property
    def per_class(self) -> tuple[Tensor, ...]:
        """Row numbers of each class: per_class[k] is an int64 tensor, ascending."""
        return self._rows_by_class.split(self._counts)

    def sample(self, n_per_class: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw `n_per_class` images of every class, without replacement, in class order.

        Returns x, float32 (n_classes * n_per_class, n_pixels) in [0, 1], and y, int64. The draw is made on the
        generator's device, so a CPU generator picks the same images wherever the tensors are.
        """
        if not isinstance(rng, torch.Generator):
            raise TypeError(
                f"rng is a {type(rng).__name__}; give a torch.Generator, e.g. torch.Generator().manual_seed(0)"
            )
        if not 1 <= n_per_class <= min(self._counts):
            raise ValueError(
                f"n_per_class is {n_per_class}; this split has between {min(self._counts)} and {max(self._counts)} "
                f"images of a class, so give a number from 1 to {min(self._counts)}"
            )
        draws = [torch.randperm(n, generator=rng, device=rng.device)[:n_per_class] for n in self._counts]
        places = torch.stack(draws).to(self.y.device)
        rows = self._rows_by_class[(places + self._first_of_class).flatten()]
        return self.pixels(rows), self.y[rows]


@dataclass(eq=False)
class TestVault:
    """The test split, kept shut: each opening needs a reason, is counted and is printed.

    This is bookkeeping, not security. A test set measures progress only as long as no choice was made with it;
    the count in your output is what lets a reader judge that.
    """

    _split: Split = field(repr=False)
    openings: list[str] = field(default_factory=list)

    __test__: ClassVar[bool] = False  # the name would make pytest collect it

    @property
    def n_images(self) -> int:
        """How many images it holds; looking at the size does not count as an opening."""
        return len(self._split)

    def open(self, reason: str) -> Split:
        """Return the test split; `reason` is noted in `openings` and printed with the count."""
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError('the test set opens only for a stated reason: test.open("what this score decides")')
        self.openings.append(reason.strip())
        print(f"Test set opened for the {_ordinal(len(self.openings))} time: {reason.strip()}")
        return self._split


@dataclass(frozen=True, eq=False)
class ImageData:
    """A data set in three parts. `notice` is empty unless `source` is a stand-in for what `name` promises."""

    name: str
    source: str
    train: Split
    validation: Split
    test: TestVault
    n_classes: int = 10
    notice: str = ""


def _ordinal(n: int) -> str:
    suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"
