"""CIFAR-10 (Krizhevsky 2009): 50,000 train and 10,000 test photographs of 32 x 32 pixels in ten classes."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from neuroevo.data.sources import DataError, folder
from neuroevo.data.vision import import_torchvision

_SHAPE = (32, 32, 3)


def read(source: Path | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor, str]:
    """Train images and labels, test images and labels, and where they came from.

    Args:
        source: a folder with `cifar10_train_jpeg.npz` and `cifar10_test_jpeg.npz` (arrays `jpeg`, `offsets` and
            `labels`: the images as JPEG files one after the other). None asks torchvision, which looks in the data
            folder and downloads what is not there.

    Returns:
        (50000, 32, 32, 3) uint8, (50000,) int64, (10000, 32, 32, 3) uint8, (10000,) int64, and a description for the
        provenance: JPEG pixels are close to the published ones, not equal to them.

    Raises:
        DataError: a file is missing, or not what it should be.
    """
    if source is not None:
        return (
            *_read_jpegs(source / "cifar10_train_jpeg.npz"),
            *_read_jpegs(source / "cifar10_test_jpeg.npz"),
            "CIFAR-10 from JPEG files of quality 75",
        )
    torchvision = import_torchvision()
    root = folder()
    try:
        train, test = (torchvision.datasets.CIFAR10(root, train=train, download=True) for train in (True, False))
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"CIFAR-10 is not in {root}, and could not be downloaded ({error})",
            "Run again with a network, or set NEUROEVO_DATA to a folder that holds cifar-10-batches-py",
        ) from error
    parts = [part for half in (train, test) for part in (torch.from_numpy(half.data), torch.tensor(half.targets))]
    return parts[0], parts[1], parts[2], parts[3], "CIFAR-10"


def _read_jpegs(path: Path) -> tuple[Tensor, Tensor]:
    mend = "Give a folder that holds cifar10_train_jpeg.npz and cifar10_test_jpeg.npz, or leave --source out"
    if not path.is_file():
        raise DataError(f"{path} is not there", mend)
    with np.load(path, allow_pickle=False) as file:
        missing = {"jpeg", "offsets", "labels"} - set(file)
        if missing:
            raise DataError(f"{path} lacks the arrays {', '.join(sorted(missing))}", mend)
        jpeg, offsets, labels = file["jpeg"], file["offsets"], file["labels"]
    images = np.empty((len(labels), *_SHAPE), np.uint8)
    for i, (start, stop) in enumerate(pairwise(offsets)):
        image = np.asarray(Image.open(io.BytesIO(jpeg[start:stop].tobytes())).convert("RGB"))
        if image.shape != _SHAPE:
            raise DataError(f"image {i} of {path} has shape {image.shape}, not {_SHAPE}", mend)
        images[i] = image
    return torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64))
