"""Letters as a data set: A to Z in many faces, parted by the family that designed them. `fonts` draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

from neuroevo.data.splits import ImageData, Split, TestVault


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
        faces, families = len(self.faces), len(self.families)
        return f"Letters({len(self):,} images of {self.size}x{self.size}: {faces} faces, {families} families)"

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
        wanted = [f.family in families and (variants is None or f.variant in variants) for f in self.faces]
        rows = torch.tensor(wanted)[self.face]
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
                names = ", ".join(sorted(shared))
                raise ValueError(f"{names} stands in {one} and in {other}; give each family to one part")
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
