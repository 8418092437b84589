"""Write a file, or a folder, all at once or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A place to write to, which takes the name `path` when the block ends; after an error nothing has changed.

    A program that is killed in between leaves whatever had that name before, and a hidden folder beside it.

    Args:
        path: of a file or a folder; what is there gives way as a whole.

    Yields:
        A path in the same folder where there is nothing yet: make a file or a folder of it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        yield new
        if path.is_dir():  # no system puts one folder in the place of another that isn't empty
            os.replace(path, old)
        try:
            os.replace(new, path)
        except BaseException:
            if old.exists():
                os.replace(old, path)
            raise
