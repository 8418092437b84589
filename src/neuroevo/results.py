"""Stored runs: tables with the provenance that makes them worth storing.

A stored run is a folder `results/NAME/` of CSV tables and one `provenance.json`. Only `python3 course.py run` writes
there (`evidence.provenance`); chapters load.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd  # a second of import, for `load` alone

REQUIRED = ("name", "command", "commit", "date", "seeds", "settings", "hardware", "versions", "files")


class ResultsError(RuntimeError):
    """A stored run that can't be trusted or found; the message says what is missing and how to mend it."""


@dataclass(frozen=True)
class StoredRun:
    """What `load` gives back.

    Attributes:
        tables: name of the CSV file, without its ending -> table.
        provenance: command, commit, date, seeds, settings, hardware, versions, and the digests of the files.
    """

    tables: dict[str, pd.DataFrame]
    provenance: dict[str, Any]

    def summary(self) -> str:
        """For a chapter's prose: when it was made, and by which code."""
        commits = [f"{commit[:7]}{commit[40:]}" for commit in self.provenance["commit"].split(", ")]
        return f"made on {self.provenance['date'][:10]} by the code of {', '.join(commits)}"


def results_folder() -> Path:
    """`$NEUROEVO_RESULTS` if set, else the `results/` of the checkout that the package was installed from."""
    if chosen := os.environ.get("NEUROEVO_RESULTS"):
        return Path(chosen)
    return Path(__file__).parents[2] / "results"


def load(name: str, root: Path | None = None) -> StoredRun:
    """Read a stored run.

    Args:
        name: its folder under `results/`.
        root: another folder of stored runs.

    Raises:
        ResultsError: no such run, provenance missing or incomplete, or a table that isn't the one that was stored.
    """
    import pandas as pd

    folder = (root or results_folder()) / name
    again = f"make it again with `python3 course.py run {name}`, or take the folder from a fresh clone"
    try:
        provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
    except FileNotFoundError:
        raise ResultsError(f"there is no stored run at {folder} (provenance.json not found): {again}") from None
    except ValueError as error:  # not JSON, or not even text
        raise ResultsError(f"{folder / 'provenance.json'} is not JSON ({error}): {again}") from error
    missing = [key for key in REQUIRED if not isinstance(provenance, dict) or not provenance.get(key)]
    if missing:
        raise ResultsError(
            f"the provenance of {folder} lacks {', '.join(missing)}, so its numbers prove nothing: {again}"
        )
    tables = {}
    for file, wanted in provenance["files"].items():
        path = folder / file
        if not path.is_file() or digest(path) != wanted:
            raise ResultsError(f"{path} is missing or is not the file that was stored: {again}")
        tables[path.stem] = pd.read_csv(path)
    return StoredRun(tables, provenance)


def digest(path: Path) -> str:
    """SHA-256 of a stored file, as the provenance keeps it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
