"""Data sets of pictures, each split once and for all: scikit-learn's digits, MNIST and Fashion-MNIST."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

from neuroevo.data import idx
from neuroevo.data.sources import DataError
from neuroevo.data.splits import ImageData, Split, TestVault

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

    root: the folder that holds, or shall hold, `MNIST/raw`; see the text of `neuroevo.data` for where it is looked for.
    Returns the digits fallback, with a printed `notice`, where MNIST is neither on disk nor to be had.
    Raises DataError for a file that is broken or missing from its set, and for a folder that cannot be written.
    """
    raw = idx.MNIST.raw(root)
    reason = "" if idx.MNIST.present(raw) else idx.MNIST.download(raw)
    return _fallback(raw, reason) if reason else _split(idx.MNIST, raw)


def fashion_mnist(root: str | os.PathLike[str] | None = None) -> ImageData:
    """Fashion-MNIST (Xiao et al., 2017): photographs of ten kinds of clothes, in MNIST's form and split like MNIST.

    root: the folder that holds, or shall hold, `FashionMNIST/raw`; looked for like MNIST's, and downloaded there once.
    Raises DataError, within seconds, where the files are neither on disk nor to be had, or are not sound.
    """
    raw = idx.FASHION_MNIST.raw(root)
    reason = "" if idx.FASHION_MNIST.present(raw) else idx.FASHION_MNIST.download(raw)
    if reason:
        raise DataError(
            f"Fashion-MNIST is not in {raw}, and {reason}",
            "Run again with a network and without NEUROEVO_OFFLINE, or set NEUROEVO_DATA to a folder that holds "
            "FashionMNIST/raw with the four unpacked idx files.",
        )
    return _split(idx.FASHION_MNIST, raw)


def _split(known: idx.IdxSet, raw: Path) -> ImageData:
    x, y, x_test, y_test = known.read(raw)
    cut = len(y) - _N_VALIDATION
    parts = [Split(a.flatten(1), b.long()) for a, b in ((x[:cut], y[:cut]), (x[cut:], y[cut:]), (x_test, y_test))]
    return ImageData(known.name, known.name, parts[0], parts[1], TestVault(parts[2]))


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
