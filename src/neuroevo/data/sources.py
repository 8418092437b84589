"""Where data sets come from: the folder they are looked for in, and the server that offers one that isn't there."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path

import platformdirs

TIMEOUT = 5.0  # seconds without an answer after which the network counts as missing


class DataError(ValueError):
    """A data set cannot be read. finding: the file and what was expected of it; mend: what to do about it."""

    def __init__(self, finding: str, mend: str) -> None:
        super().__init__(finding, mend)
        self.finding, self.mend = finding, mend

    def __str__(self) -> str:
        return f"{self.finding}. {self.mend}"


def folder(root: str | os.PathLike[str] | None = None) -> Path:
    """Where data sets are looked for: `root`, else `$NEUROEVO_DATA`, else this user's cache folder.

    The first two must exist; the last is made by the first download.
    """
    given = root or os.environ.get("NEUROEVO_DATA")
    if not given:
        return Path(platformdirs.user_cache_dir("neuroevo", appauthor=False))
    base = Path(given).expanduser().absolute()
    if not base.is_dir():
        what = "is not a folder" if base.exists() else "does not exist"
        raise DataError(
            f"{'root' if root else 'NEUROEVO_DATA'} names {base}, which {what}",
            "Make that folder, or name one that holds MNIST/raw, or leave it unset to use the cache folder.",
        )
    return base


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
