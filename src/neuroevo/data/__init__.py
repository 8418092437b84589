"""Data sets in three parts: train, validation, and a test set that keeps count of its openings.

    images = data.mnist()
    x, y = images.train.sample(20, rng)          # 20 images of every digit, pixels in [0, 1]
    test = images.test.open("final score")       # prints that it was opened, and how often

MNIST (LeCun et al., 1998) is looked for in the folder given, else in `$NEUROEVO_DATA`, else in this user's
cache folder, and is downloaded there once. Without a network the same call returns scikit-learn's handwritten
digits at MNIST's size, with a notice that says so; `NEUROEVO_OFFLINE=1` rules the network out from the start.
A file that is there but broken is an error, never a reason for the fallback, and nothing is ever deleted.

`fashion_mnist()` is Fashion-MNIST in the same form; it has no stand-in.
`letters()` draws A to Z in the fonts that come with matplotlib; it needs no file of its own and no network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from neuroevo.data import _fashion, _mnist
from neuroevo.data._mnist import DataError, import_torchvision

__all__ = [
    "DataError",
    "Face",
    "ImageData",
    "Letters",
    "Split",
    "TestVault",
    "digits",
    "fashion_mnist",
    "import_torchvision",
    "letters",
    "mnist",
]

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


_DIGITS_SEED = 8  # fixes which digits are train, validation and test, for everybody


def digits() -> ImageData:
    """scikit-learn's 1,797 handwritten digits of 8x8 pixels (64 features, grey levels 0 to 16).

    Split once and for all, each digit in proportion: 1,197 train, 300 validation, 300 test.
    """
    x, y = _load_digits()
    return _digits_data(x, y, white=16, name="digits", source="scikit-learn digits")


def _load_digits() -> tuple[Tensor, Tensor]:
    from sklearn.datasets import load_digits  # a second of import that MNIST does not need

    bunch = load_digits()
    return torch.from_numpy(bunch.data).to(torch.uint8), torch.from_numpy(bunch.target).long()


def _digits_data(x: Tensor, y: Tensor, *, white: int, name: str, source: str, notice: str = "") -> ImageData:
    from sklearn.model_selection import train_test_split

    def cut(rows: Tensor, n: int) -> tuple[Tensor, Tensor]:
        rest, taken = train_test_split(rows.numpy(), test_size=n, stratify=y[rows], random_state=_DIGITS_SEED)
        return torch.from_numpy(rest).sort().values, torch.from_numpy(taken).sort().values

    rest, test = cut(torch.arange(len(y)), 300)
    train, validation = cut(rest, 300)
    split = [Split(x[rows], y[rows], white) for rows in (train, validation, test)]
    return ImageData(name, source, split[0], split[1], TestVault(split[2]), notice=notice)


def _enlarge(x: Tensor) -> Tensor:
    """Bring (n, 64) digits to MNIST's form, (n, 784) uint8: 20 pixels high, centre of mass in the middle."""
    image = x.float().view(-1, 1, 8, 8) / 16
    mass = image.sum(dim=(2, 3)).clamp_min(1e-6)
    place = torch.linspace(-7 / 8, 7 / 8, 8)  # pixel centres, in grid_sample's coordinates
    theta = torch.zeros(len(x), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 28 / 20
    theta[:, 0, 2:] = (image.sum(dim=2) * place).sum(dim=2) / mass
    theta[:, 1, 2:] = (image.sum(dim=3) * place).sum(dim=2) / mass
    grid = torch.nn.functional.affine_grid(theta, [len(x), 1, 28, 28], align_corners=False)
    large = torch.nn.functional.grid_sample(image, grid, mode="bicubic", align_corners=False)
    return (large.clamp(0, 1) * 255).round().to(torch.uint8).view(-1, 784)


_N_VALIDATION = 5_000
_printed: set[str] = set()  # notices already shown in this process


def mnist(root: str | os.PathLike[str] | None = None) -> ImageData:
    """MNIST: 55,000 train images, 5,000 validation (the training file's last), 10,000 test, of 784 pixels.

    root: the folder that holds, or shall hold, `MNIST/raw`; see the module's text for where it is looked for.
    Returns the digits fallback, with a printed `notice`, where MNIST is neither on disk nor to be had.
    Raises DataError for a file that is broken or missing from its set, and for a folder that cannot be written.
    """
    raw = _mnist.folder(root)
    if not _mnist.present(raw):
        reason = _mnist.download(raw)
        if reason:
            return _fallback(raw, reason)
    x, y, x_test, y_test = _mnist.read(raw)
    cut = len(y) - _N_VALIDATION
    return ImageData(
        "MNIST",
        "MNIST",
        Split(x[:cut].flatten(1), y[:cut].long()),
        Split(x[cut:].flatten(1), y[cut:].long()),
        TestVault(Split(x_test.flatten(1), y_test.long())),
    )


def fashion_mnist(root: str | os.PathLike[str] | None = None) -> ImageData:
    """Fashion-MNIST (Xiao et al., 2017): photographs of ten kinds of clothes, in MNIST's form and split like MNIST.

    root: the folder that holds, or shall hold, `FashionMNIST/raw`; looked for like MNIST's, and downloaded there once.
    Raises DataError, within seconds, where the files are neither on disk nor to be had, or are not sound.
    """
    x, y, x_test, y_test = _fashion.read(root)
    cut = len(y) - min(_N_VALIDATION, len(y) // 2)
    return ImageData(
        "Fashion-MNIST",
        "Fashion-MNIST",
        Split(x[:cut].flatten(1), y[:cut].long()),
        Split(x[cut:].flatten(1), y[cut:].long()),
        TestVault(Split(x_test.flatten(1), y_test.long())),
    )


def _fallback(raw: Path, reason: str) -> ImageData:
    notice = (
        "NOTICE: this is not MNIST. Its files are not in\n"
        f"  {raw}\n"
        f"and {reason}.\n"
        "You get scikit-learn's 1,797 handwritten digits instead, enlarged to 28x28: everything runs, but\n"
        "numbers and pictures differ from the book's. To use MNIST: run again with a network, or set\n"
        "NEUROEVO_DATA to a folder that holds MNIST/raw with the four unpacked idx files."
    )
    if notice not in _printed:
        print(notice)
        _printed.add(notice)
    x, y = _load_digits()
    return _digits_data(_enlarge(x), y, white=255, name="MNIST", source="digits fallback", notice=notice)


class Face(NamedTuple):
    """One alphabet of 26 images: the family that designed it, its style there, and what was done to it."""

    family: str
    style: str
    variant: str


@dataclass(frozen=True, eq=False, repr=False)
class Letters:
    """Letters of many faces, as rows of pixels.

    x: (n, size * size) uint8, 0 is paper and 255 is ink; y: (n,) int64, A is 0; face: (n,) int64, a place in `faces`.
    Rows stand face by face, and in each from A to Z.
    """

    x: Tensor
    y: Tensor
    face: Tensor
    faces: tuple[Face, ...]
    size: int

    def __len__(self) -> int:
        return len(self.y)

    def __repr__(self) -> str:
        n_families = len(self.families)
        return (
            f"Letters({len(self):,} images of {self.size}x{self.size}: {len(self.faces)} faces, {n_families} families)"
        )

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the families, in order of their first face."""
        return tuple(dict.fromkeys(face.family for face in self.faces))

    def of(self, families: Sequence[str], variants: Sequence[str] | None = None) -> Split:
        """All images of some families (of all their variants, if None), in the order of the rows.

        Raises ValueError for a family or variant that isn't there.
        """
        self._check("families", families, self.families)
        there = tuple(dict.fromkeys(face.variant for face in self.faces))
        self._check("variants", there if variants is None else variants, there)
        chosen = torch.tensor(
            [f.family in families and (variants is None or f.variant in variants) for f in self.faces]
        )
        rows = chosen[self.face]
        return Split(self.x[rows], self.y[rows])

    def split(
        self,
        train: Sequence[str],
        validation: Sequence[str],
        test: Sequence[str],
        train_variants: Sequence[str] | None = None,
    ) -> ImageData:
        """Train, validation and test by family, so that no variant of a test face is trained on.

        Validation and test hold the plain faces only. Raises ValueError for a family that stands in two parts.
        """
        parts = {"train": set(train), "validation": set(validation), "test": set(test)}
        for one, other in combinations(parts, 2):
            if shared := parts[one] & parts[other]:
                raise ValueError(
                    f"{', '.join(sorted(shared))} stands in {one} and in {other}; give each family to one part"
                )
        return ImageData(
            "letters",
            "letters of matplotlib's fonts",
            self.of(train, train_variants),
            self.of(validation, ["plain"]),
            TestVault(self.of(test, ["plain"])),
            n_classes=26,
        )

    @staticmethod
    def _check(what: str, given: Sequence[str], known: Sequence[str]) -> None:
        if isinstance(given, str) or not given or (unknown := [name for name in given if name not in known]):
            wrong = repr(given) if isinstance(given, str) or not given else ", ".join(unknown)
            raise ValueError(f"{what} should be a list of some of {', '.join(known)}; not known: {wrong}")


def letters(size: int = 32, variants: Sequence[str] = ("plain",)) -> Letters:
    """The letters A to Z in 35 faces of 11 families, drawn from matplotlib's own fonts; always the same images.

    A letter stands in the middle of its image, by the box around its ink; all letters of a face have one scale, at
    which its H takes 56 % of the image's height (only a letter that would not fit is made smaller).

    Args:
        size: height and width in pixels, from 8 to 512.
        variants: some of "plain", "slanted", "condensed", "heavy" and combinations, such as "slanted heavy"; each makes
            another 35 faces, of the same families.
    """
    from neuroevo.data import fonts  # imports matplotlib

    if not isinstance(size, int) or not 8 <= size <= 512:
        raise ValueError(f"size is {size}; give a whole number of pixels from 8 to 512")
    Letters._check("variants", variants, tuple(fonts.VARIANTS))
    faces = [(source, variant) for variant in variants for source in fonts.SOURCES]
    images = [fonts.draw(source, variant, letter, size) for source, variant in faces for letter in fonts.ALPHABET]
    n = len(fonts.ALPHABET)
    return Letters(
        torch.stack([torch.from_numpy(image) for image in images]).flatten(1),
        torch.arange(n).repeat(len(faces)),
        torch.arange(len(faces)).repeat_interleave(n),
        tuple(Face(source.family, source.style, variant) for source, variant in faces),
        size,
    )
