"""Messages as they come in from another process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from coursekit.grading import values
from coursekit.grading.values import WireError

__all__ = ["ENDED", "Incoming"]

ENDED = "the process ended"


class Incoming:
    """Messages as they come in; read by a thread of its own where an end mustn't be held up."""

    def __init__(self, read: Callable[[int], bytes], threaded: bool) -> None:
        self._read, self._threaded = read, threaded
        if threaded:
            self._queue: queue.Queue[Any] = queue.Queue(maxsize=8)
            self._empty = queue.Empty
            self._thread = threading.Thread(target=self._fill, daemon=True)
            self._thread.start()

    def _next(self) -> tuple[dict[str, Any], values.Blobs]:
        message, blobs = values.unpack(self._read)
        if not all(isinstance(message.get(name, 0), int | None) for name in ("id", "reply", "within")):
            raise WireError("no message")
        return message, blobs

    def _fill(self) -> None:
        while True:
            try:
                found: Any = self._next()
            except EOFError:
                found = ENDED
            except (WireError, OSError, ValueError, MemoryError) as error:
                found = f"it says what is no message ({str(error) or type(error).__name__})"
            self._queue.put(found)
            if isinstance(found, str):
                return

    def close(self) -> None:
        """Wait for the thread that reads, once the other end is closed."""
        while self._thread.is_alive():
            self.get(0.05)

    def get(self, seconds: float | None) -> Any:
        """The next message; None if there is none in so many seconds; why there will be none any more."""
        if not self._threaded:
            try:
                return self._next()
            except EOFError:
                return ENDED
        try:
            found = self._queue.get(timeout=seconds)
        except self._empty:
            return None
        if isinstance(found, str):
            self._queue.put(found)  # for whoever asks next
        return found
