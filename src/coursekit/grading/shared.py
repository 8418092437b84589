"""Files that a check and a student's function share by path: each side has its own, and they are kept alike.

No path of one process is used by the other, and nothing but the contents of ordinary files goes from side to side.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coursekit.grading.values import Blobs, WireError

__all__ = ["SharedFolder"]

_MOST_FILES, _MOST_BYTES = 500, 16 * 2**20


class SharedFolder:
    """This side's copy; it is used from the first path on that is told or heard of."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._known, self.is_used = folder, dict[str, bytes | None](), False

    def tell(self, path: Path) -> list[Any]:
        """What the other side gets for a path: whether it is in the shared folder, and its name."""
        self.is_used = True
        try:
            return [True, path.relative_to(self._folder).as_posix()]
        except ValueError:
            return [False, str(path)]

    def path(self, inside: Any, text: Any) -> Path:
        """The path that the other side has told."""
        self.is_used = True
        return self._folder / _checked(text) if inside else Path(str(text))

    def changes(self, blobs: Blobs) -> list[list[Any]]:
        """What has changed since the last time: [name, number of its contents; None for a folder or what is gone]."""
        now, found = self._contents(), list[list[Any]]()
        for name in sorted(self._known.keys() - now.keys(), reverse=True):  # what is in a folder before the folder
            found.append([f"-{name}", None])
        for name, data in sorted(now.items()):
            if name not in self._known or self._known[name] != data:
                found.append([f"+{name}", None if data is None else len(blobs)])
                blobs += [] if data is None else [data]
        self._known = now
        return found

    def take(self, changes: Sequence[Any] | None, blobs: Blobs) -> None:
        """Do here what has changed there; None: nothing is shared yet."""
        if changes is None:
            return
        self.is_used = True
        for name, blob in changes:
            self._write(_checked(name), None if blob is None else blobs[blob])

    def _write(self, name: str, data: bytes | None) -> None:
        path = self._folder / name[1:]
        if any(parent.is_symlink() for parent in [path, *path.parents[: len(Path(name[1:]).parts)]]):
            path.unlink(missing_ok=True)
        if name[0] == "-":
            self._known.pop(name[1:], None)
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        elif data is None:
            self._known[name[1:]] = None
            path.mkdir(parents=True, exist_ok=True)
        else:
            self._known[name[1:]] = data
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def _contents(self) -> dict[str, bytes | None]:
        """Contents of the ordinary files in the folder; folders have none."""
        found: dict[str, bytes | None] = {}
        left = _MOST_BYTES
        for path in sorted(self._folder.rglob("*")):
            if path.is_symlink() or len(found) >= _MOST_FILES:
                continue
            if path.is_dir():
                found[path.relative_to(self._folder).as_posix()] = None
            elif path.is_file() and (left := left - path.stat().st_size) >= 0:
                found[path.relative_to(self._folder).as_posix()] = path.read_bytes()
        return found


def _checked(name: Any) -> str:
    """The name of a file inside the shared folder."""
    text = str(name)
    if text.startswith("/") or "\\" in text or ":" in text or "\0" in text or ".." in text.split("/"):
        raise WireError("no name of a shared file")
    return text
