"""IDX files of MNIST and Fashion-MNIST: what they hold, whether they are sound, and how they get to this machine."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import socket
import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from neuroevo.data import sources
from neuroevo.data.sources import DataError
from neuroevo.data.vision import import_torchvision


class IdxFile(NamedTuple):
    """One unpacked file: the shape of its bytes, and its digest where it is known ("" where not)."""

    shape: tuple[int, ...]
    sha256: str = ""


@dataclass(eq=False)
class IdxSet:
    """A data set of four IDX files.

    Attributes:
        name: for messages.
        folder: of ROOT/folder/raw, where the files lie; also torchvision's class.
        megabytes: size of the download.
        mirrors: addresses of the servers that offer the archives.
        files: name of a file -> what it holds; train images and labels, then those of the test.
        stand_in: what serves in its place without a network, if anything does.
    """

    name: str
    folder: str
    megabytes: int
    mirrors: tuple[str, ...]
    files: dict[str, IdxFile]
    stand_in: str = ""
    _failed: str = field(default="", init=False)  # remembered, so that a second call does not wait again

    def raw(self, root: str | os.PathLike[str] | None = None) -> Path:
        """The folder of the files, ROOT/folder/raw, which need not exist yet; see `sources.folder` for ROOT."""
        return sources.folder(root) / self.folder / "raw"

    def present(self, raw: Path) -> bool:
        """Whether the four files are in `raw` (unread). Raises DataError where only some of them are."""
        try:
            found = {path.name for path in raw.iterdir()}
        except FileNotFoundError:
            return False
        except OSError as error:
            raise DataError(
                f"{raw} cannot be looked into ({error.strerror}); expected a folder with {self.name}'s files",
                "Mend its permissions or what stands in its way, or set NEUROEVO_DATA to another folder.",
            ) from error
        missing = [name for name in self.files if name not in found]
        if missing and found:
            raise DataError(
                f"{raw} is incomplete: {', '.join(missing)} not found (unpacked, without .gz)",
                f"Add what is missing, or delete that folder so that {self.name} is downloaded again, or set "
                "NEUROEVO_DATA to another folder.",
            )
        return not missing

    def read(self, raw: Path) -> list[Tensor]:
        """The four files in order, as uint8 of their shapes. Raises DataError for one that is not sound."""
        mend = (
            f"Delete the folder it is in so that {self.name} is downloaded again, or set NEUROEVO_DATA to a sound copy."
        )
        return [_read(raw / name, known, mend) for name, known in self.files.items()]

    def why_no_download(self, raw: Path) -> str:
        """Why the files cannot be downloaded into `raw`, or "" if they can.

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
            way_on = f", or set NEUROEVO_OFFLINE=1 to go on with {self.stand_in}" if self.stand_in else ""
            raise DataError(
                f"{self.name} is not in {raw}, and {base} cannot be written ({error.strerror}), so it cannot be "
                "downloaded there",
                f"Make that folder writable, or set NEUROEVO_DATA to one that is{way_on}.",
            ) from error
        return self._failed or ("" if self._mirror else "no server that offers it could be reached")

    @cached_property
    def _mirror(self) -> str | None:
        return sources.answering(self.mirrors, "t10k-labels-idx1-ubyte.gz")

    def download(self, raw: Path) -> str:
        """Download into `raw`. Returns "" or why it failed (once a process); leaves all four files or none.

        The mirror that answered first is asked first; one that gives up, or gives other bytes, is passed over.
        """
        if reason := self.why_no_download(raw):
            return reason
        if not os.environ.get("TQDM_DISABLE"):  # hides torchvision's bars, too: a test compares what a cell prints
            print(f"Downloading {self.name} ({self.megabytes} MB), once for all notebooks.")
        failures = []
        for mirror in sorted(self.mirrors, key=lambda one: one != self._mirror):
            if not (failure := self._fetch(mirror, raw)):
                return ""
            failures.append(failure)
        self._failed = f"its download failed ({failures[0]})"
        return self._failed

    def _fetch(self, mirror: str, raw: Path) -> str:
        # All four arrive in a temporary folder beside, which is moved when it is whole: an interruption leaves nothing
        # half-made, and of two kernels that download at once the second finds the first one's files.
        timeout = socket.getdefaulttimeout()
        socket.setdefaulttimeout(sources.TIMEOUT)  # torchvision passes none
        try:
            published = getattr(import_torchvision().datasets, self.folder)
            with tempfile.TemporaryDirectory(prefix=f".{self.folder.lower()}-", dir=raw.parents[1]) as work:
                # torchvision names its folder after the class, and holds each archive to its check sum
                type(self.folder, (published,), {"mirrors": [mirror]})(work, download=True)
                raw.parent.mkdir(exist_ok=True)
                with contextlib.suppress(OSError):
                    raw.rmdir()  # only ever an empty one, over which Windows would not move
                try:
                    (Path(work) / self.folder / "raw").rename(raw)
                except OSError:
                    if not self.present(raw):
                        raise
        except (OSError, RuntimeError, HTTPException) as error:
            return " ".join(str(error).split()) or type(error).__name__
        finally:
            socket.setdefaulttimeout(timeout)
        return ""


def _read(path: Path, known: IdxFile, mend: str) -> Tensor:
    # torchvision's reader would cost each notebook its import (about three seconds) and tell no fault from another.
    try:
        content = bytearray(path.stat().st_size)
        with path.open("rb") as file:
            file.readinto(content)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})", mend) from error
    if fault := _fault(content, *known):
        raise DataError(f"{path} {fault}", mend)
    return torch.frombuffer(content, dtype=torch.uint8, offset=4 + 4 * len(known.shape)).view(known.shape)


def _fault(content: bytearray, shape: tuple[int, ...], sha256: str) -> str:
    magic = bytes([0, 0, 8, len(shape)])  # 8: unsigned bytes
    n_header = len(magic) + 4 * len(shape)
    size = n_header + math.prod(shape)
    if content and content[:4] != magic:
        there, wanted = content[:4].hex(), magic.hex()
        return f"starts with the wrong magic number, {there}; expected {wanted}, the mark of an unpacked idx file"
    lengths = tuple(int.from_bytes(content[start : start + 4], "big") for start in range(4, n_header, 4))
    if content and lengths != shape and not sha256:
        return f"holds an array of shape {lengths}; expected {shape}"
    if len(content) != size:
        return f"is {'cut short' if len(content) < size else 'too long'}: {len(content):,} bytes; expected {size:,}"
    if sha256 and (digest := hashlib.sha256(content).hexdigest()) != sha256:
        return f"is corrupted: its sha256 is {digest[:12]}...; expected {sha256[:12]}..., that of the published file"
    return ""


def _four(*sha256: str) -> dict[str, IdxFile]:
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    shapes = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))
    return {name: IdxFile(shape, digest) for name, shape, digest in zip(names, shapes, sha256, strict=True)}


# Digests are those of the unpacked files; torchvision checks only the archives, and only when it downloads them.
MNIST = IdxSet(
    "MNIST",
    "MNIST",
    11,
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"),
    _four(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    stand_in="scikit-learn's digits",
)
FASHION_MNIST = IdxSet(
    "Fashion-MNIST",
    "FashionMNIST",
    30,
    ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    _four("", "", "", ""),  # their digests aren't known to us: the archives' are checked, and the shapes
)
