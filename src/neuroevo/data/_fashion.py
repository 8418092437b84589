"""Fashion-MNIST's files (Xiao et al. 2017): clothes in the form of MNIST. `neuroevo.data.fashion_mnist` is the face.

torchvision reads and downloads them, and checks the archives that it downloads. Clothes have no stand-in:
where they are neither on disk nor to be had, that is an error, at once.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from http.client import HTTPException
from pathlib import Path

from torch import Tensor

from neuroevo.data import _mnist
from neuroevo.data._mnist import DataError, import_torchvision

MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
N_TRAIN, N_TEST = 60_000, 10_000
_MEND = (
    "Run again with a network and without NEUROEVO_OFFLINE, or set NEUROEVO_DATA to a folder that holds "
    "FashionMNIST/raw with the four unpacked idx files."
)


def read(root: str | os.PathLike[str] | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Train images (60000, 28, 28) uint8 and labels (60000,) int64, test images and labels.

    Args:
        root: the folder that holds, or shall hold, FashionMNIST/raw; looked for like MNIST's.

    Raises:
        DataError: the files are neither there nor to be had, some are missing, or one isn't what it should be.
    """
    base = _mnist.folder(root).parents[1]
    raw = base / "FashionMNIST" / "raw"
    missing = [name for name in NAMES if not (raw / name).is_file()]
    if len(missing) == len(NAMES):
        _download(base, raw)
    elif missing:
        raise DataError(
            f"{raw} is incomplete: {', '.join(missing)} not found (unpacked, without .gz)",
            "Add what is missing, or delete that folder so that Fashion-MNIST is downloaded again.",
        )
    parts: list[Tensor] = []
    try:
        for train in (True, False):
            half = import_torchvision().datasets.FashionMNIST(base, train=train)
            parts += [half.data, half.targets]
    except (OSError, RuntimeError, ValueError, AssertionError) as error:
        raise DataError(
            f"a file in {raw} cannot be read ({error})", "Delete that folder, or put sound files in."
        ) from error
    x, y, x_test, y_test = parts
    for images, labels, n in ((x, y, N_TRAIN), (x_test, y_test, N_TEST)):
        if images.shape != (n, 28, 28) or labels.shape != (n,):
            raise DataError(
                f"{raw} holds images of shape {tuple(images.shape)} and labels of {tuple(labels.shape)}; expected "
                f"({n}, 28, 28) and ({n},)",
                "Delete that folder, or put the published files in.",
            )
    return x, y, x_test, y_test


def _download(base: Path, raw: Path) -> None:
    """Download into `raw`; leaves all four files or none, and asks for no longer than MNIST's loader does."""
    where = f"Fashion-MNIST is not in {raw}, and"
    if os.environ.get("NEUROEVO_OFFLINE", "") not in ("", "0"):
        raise DataError(f"{where} NEUROEVO_OFFLINE is set, so it is not downloaded", _MEND)
    if _mnist.answering(MIRRORS, "t10k-labels-idx1-ubyte.gz") is None:
        raise DataError(f"{where} no server that offers it could be reached", _MEND)
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_mnist.TIMEOUT)  # torchvision passes none
    try:
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fashion-", dir=base) as work:
            import_torchvision().datasets.FashionMNIST(work, download=True)
            raw.parent.mkdir(exist_ok=True)
            with contextlib.suppress(OSError):
                raw.rmdir()  # only ever an empty one, over which Windows would not move
            (Path(work) / "FashionMNIST" / "raw").rename(raw)
    except (OSError, RuntimeError, HTTPException) as error:
        raise DataError(f"{where} its download failed ({' '.join(str(error).split())})", _MEND) from error
    finally:
        socket.setdefaulttimeout(timeout)
