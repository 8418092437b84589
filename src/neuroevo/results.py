"""Stored runs: tables with the provenance that makes them worth storing.

A stored run is a folder `results/NAME/` of CSV tables and one `provenance.json`. Only `python -m neuroevo run` writes
there; chapters load.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

REQUIRED = ("name", "command", "commit", "date", "seeds", "settings", "hardware", "versions", "files")
_PACKAGES = ("neuroevo", "numpy", "scikit-learn", "torch", "torchvision")


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
    folder = (root or results_folder()) / name
    again = f"make it again with `python -m neuroevo run {name}`, or take the folder from a fresh clone"
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
    for file, digest in provenance["files"].items():
        path = folder / file
        if not path.is_file() or _digest(path) != digest:
            raise ResultsError(f"{path} is missing or is not the file that was stored: {again}")
        tables[path.stem] = pd.read_csv(path)
    return StoredRun(tables, provenance)


def save(
    name: str,
    tables: dict[str, pd.DataFrame],
    *,
    command: str,
    seeds: list[int],
    settings: dict[str, Any],
    commits: list[str] | None = None,
    device: torch.device | str = "cpu",
    root: Path | None = None,
) -> Path:
    """Store tables with their provenance; an older run of that name is replaced only when all is written.

    Args:
        name: folder under `results/`.
        tables: name -> table, written as NAME.csv with 6 significant digits.
        command: what a reader types to make it again.
        seeds: all seeds that went in.
        settings: whatever else decides the numbers, as JSON.
        commits: of the code that ran, several where a run was stopped and went on; today's if None.
        device: where it ran.
        root: another folder of stored runs.

    Returns:
        The folder.
    """
    if not tables or any(table.empty for table in tables.values()):
        raise ResultsError(f"run {name!r} has nothing to store: every table needs a row")
    folder = (root or results_folder()) / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{name}-"))
    try:
        for table, frame in tables.items():
            frame.to_csv(scratch / f"{table}.csv", index=False, float_format="%.6g", lineterminator="\n")
        provenance = {
            "name": name,
            "command": command,
            "commit": ", ".join(commits or [commit()]),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seeds": seeds,
            "settings": settings,
            "hardware": hardware(device),
            "versions": {"python": platform.python_version()} | {package: version(package) for package in _PACKAGES},
            "files": {path.name: _digest(path) for path in sorted(scratch.glob("*.csv"))},
        }
        (scratch / "provenance.json").write_text(json.dumps(provenance, indent=1) + "\n", "utf-8")
        os.chmod(scratch, 0o755)
        older = scratch.with_suffix(".old")
        if folder.exists():
            os.replace(folder, older)
        try:
            os.replace(scratch, folder)
        except BaseException:
            if older.exists():
                os.replace(older, folder)
            raise
        shutil.rmtree(older, ignore_errors=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def commit() -> str:
    """The checkout's commit, with "-dirty" where tracked files differ from it, or "unknown" outside of git."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":/src", ":/pyproject.toml")
        return git("rev-parse", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def hardware(device: torch.device | str = "cpu") -> str:
    """The device in words: processor, threads and, on a GPU, its name."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    words = f"{processor}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {platform.system()}"
    if torch.device(device).type == "cuda":
        words += f", {torch.cuda.get_device_name(device)}"
    return words
