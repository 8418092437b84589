"""MNIST's files: where they are, whether they are sound, and how they get there. `neuroevo.data` is the face."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import queue
import re
import socket
import tempfile
import threading
import time
import urllib.request
from functools import cache
from http.client import HTTPException
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import platformdirs
import torch
from torch import Tensor


class DataError(ValueError):
    """A data set cannot be read. finding: the file and what was expected of it; mend: what to do about it."""

    def __init__(self, finding: str, mend: str) -> None:
        super().__init__(finding, mend)
        self.finding, self.mend = finding, mend

    def __str__(self) -> str:
        return f"{self.finding}. {self.mend}"


class IdxFile(NamedTuple):
    shape: tuple[int, ...]
    sha256: str


# The published files, unpacked. torchvision checks only the archives, and only when it downloads them.
FILES = {
    "train-images-idx3-ubyte": IdxFile(
        (60_000, 28, 28), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte": IdxFile((60_000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "t10k-images-idx3-ubyte": IdxFile(
        (10_000, 28, 28), "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte": IdxFile((10_000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
TIMEOUT = 5.0  # seconds without an answer after which the network counts as missing

_failed_download = ""  # remembered for the process, so that a second call does not wait again


def folder(root: str | os.PathLike[str] | None = None) -> Path:
    """Where the four files are looked for, ROOT/MNIST/raw, which need not exist yet.

    ROOT is `root`, else `$NEUROEVO_DATA` (either must exist), else this user's cache folder.
    """
    given = root or os.environ.get("NEUROEVO_DATA")
    if not given:
        return Path(platformdirs.user_cache_dir("neuroevo", appauthor=False)) / "MNIST" / "raw"
    base = Path(given).expanduser().absolute()
    if not base.is_dir():
        what = "is not a folder" if base.exists() else "does not exist"
        raise DataError(
            f"{'root' if root else 'NEUROEVO_DATA'} names {base}, which {what}",
            "Make that folder, or name one that holds MNIST/raw, or leave it unset to use the cache folder.",
        )
    return base / "MNIST" / "raw"


def present(raw: Path) -> bool:
    """Whether the four files are in `raw` (unread). Raises DataError where only some of them are."""
    try:
        found = {path.name for path in raw.iterdir()}
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DataError(
            f"{raw} cannot be looked into ({error.strerror}); expected a folder with MNIST's files",
            "Mend its permissions or what stands in its way, or set NEUROEVO_DATA to another folder.",
        ) from error
    missing = [name for name in FILES if name not in found]
    if missing and found:
        raise DataError(
            f"{raw} is incomplete: {', '.join(missing)} not found (unpacked, without .gz)",
            "Add what is missing, or delete that folder so that MNIST is downloaded again, or set NEUROEVO_DATA to "
            "another folder.",
        )
    return not missing


def read(raw: Path) -> list[Tensor]:
    """The four files in FILES' order, as uint8 of their shapes. Raises DataError for one that is not sound."""
    return [_read_idx(raw / name, *known) for name, known in FILES.items()]


def _read_idx(path: Path, shape: tuple[int, ...], sha256: str) -> Tensor:
    # The digest fixes every byte, so the reading itself is one line; torchvision's reader would cost each
    # notebook its import (about three seconds) and tell none of the faults below apart.
    magic = bytes([0, 0, 8, len(shape)])  # 8: unsigned bytes
    n_header = len(magic) + 4 * len(shape)
    size = n_header + torch.Size(shape).numel()
    mend = "Delete the folder it is in so that MNIST is downloaded again, or set NEUROEVO_DATA to a sound copy."
    try:
        content = bytearray(path.stat().st_size)
        with path.open("rb") as file:
            file.readinto(content)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})", mend) from error
    if content and content[:4] != magic:
        raise DataError(
            f"{path} starts with the wrong magic number, {content[:4].hex()}; expected {magic.hex()}, the mark of "
            f"an unpacked idx file",
            mend,
        )
    if len(content) != size:
        fault = "cut short" if len(content) < size else "too long"
        raise DataError(f"{path} is {fault}: {len(content):,} bytes; expected {size:,}", mend)
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise DataError(
            f"{path} is corrupted: its sha256 is {digest[:12]}...; expected {sha256[:12]}..., that of the "
            f"published file",
            mend,
        )
    return torch.frombuffer(content, dtype=torch.uint8, offset=n_header).view(shape)


def why_no_download(raw: Path) -> str:
    """Why MNIST cannot be downloaded into `raw`, or "" if it can.

    Raises DataError where that folder cannot be written. Asks the mirrors once a process, for TIMEOUT at most.
    """
    if os.environ.get("NEUROEVO_OFFLINE", "") not in ("", "0"):
        return "NEUROEVO_OFFLINE is set, so it is not downloaded"
    base = raw.parents[1]
    try:
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=base):
            pass
    except OSError as error:
        raise DataError(
            f"MNIST is not in {raw}, and {base} cannot be written ({error.strerror}), so it cannot be downloaded there",
            "Make that folder writable, or set NEUROEVO_DATA to one that is, or set NEUROEVO_OFFLINE=1 to go on with "
            "scikit-learn's digits.",
        ) from error
    return _failed_download or ("" if _answering_mirror() else "no server that offers it could be reached")


@cache
def _answering_mirror() -> str | None:
    return answering(MIRRORS, "t10k-labels-idx1-ubyte.gz")


def answering(mirrors: tuple[str, ...], file: str) -> str | None:
    """The mirror that answers first when asked for `file`; None if none does within TIMEOUT.

    Asked in daemon threads: name resolution obeys no time-out of its own.
    """
    answers: queue.Queue[str | None] = queue.Queue()

    def ask(mirror: str) -> None:
        request = urllib.request.Request(f"{mirror}{file}", method="HEAD")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):
                answers.put(mirror)
        except (OSError, HTTPException):
            answers.put(None)

    for mirror in mirrors:
        threading.Thread(target=ask, args=(mirror,), daemon=True).start()
    deadline = time.monotonic() + TIMEOUT
    with contextlib.suppress(queue.Empty):
        for _ in mirrors:
            if answer := answers.get(timeout=max(0.0, deadline - time.monotonic())):
                return answer
    return None


def download(raw: Path) -> str:
    """Download MNIST into `raw`. Returns "" or why it failed (once a process); leaves all four files or none.

    The files arrive in a temporary folder beside, which is moved when it is whole: an interruption leaves
    nothing half-made, and of two kernels that download at once the second finds the first one's files.
    """
    global _failed_download
    if reason := why_no_download(raw):
        return reason
    if not os.environ.get("TQDM_DISABLE"):  # which also hides torchvision's bars: a test compares what a cell prints
        print("Downloading MNIST (11 MB), once for all notebooks.")
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torchvision passes none
    try:
        mnist = import_torchvision().datasets.MNIST
        with tempfile.TemporaryDirectory(prefix=".mnist-", dir=raw.parents[1]) as work:
            # torchvision names its folder after the class
            type("MNIST", (mnist,), {"mirrors": [_answering_mirror()]})(work, download=True)
            raw.parent.mkdir(exist_ok=True)
            with contextlib.suppress(OSError):
                raw.rmdir()  # only ever an empty one, over which Windows would not move
            try:
                (Path(work) / "MNIST" / "raw").rename(raw)
            except OSError:
                if not present(raw):
                    raise
    except (OSError, RuntimeError, HTTPException) as error:
        _failed_download = f"its download failed ({' '.join(str(error).split()) or type(error).__name__})"
    finally:
        socket.setdefaulttimeout(timeout)
    return _failed_download


def import_torchvision() -> ModuleType:
    """Import torchvision, also beside a torch that its compiled operators do not fit.

    Such a pair (a CPU torch with a CUDA torchvision, say) fails with "operator torchvision::nms does not exist",
    though data sets and transforms need no such operator. Declaring the missing names is enough; where the pair
    fits, nothing is declared. `torchvision.ops` stays unusable in the first case, with an error of its own.
    """
    while True:
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            missing = re.fullmatch(r"operator (torchvision::\w+) does not exist", str(error))
            if not missing:
                raise
            torch.library.define(missing[1], "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
