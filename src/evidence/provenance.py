"""Writing stored runs: tables with the provenance that makes them worth storing. `neuroevo.results` reads them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from neuroevo.files import replacing
from neuroevo.results import ResultsError, digest, results_folder

_PACKAGES = ("matplotlib", "neuroevo", "numpy", "scikit-learn", "torch", "torchvision")  # matplotlib draws the letters


def save(
    name: str,
    tables: dict[str, pd.DataFrame],
    *,
    command: str,
    seeds: list[int],
    settings: dict[str, Any],
    commits: list[str] | None = None,
    hardware: list[str] | None = None,
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
        hardware: what it ran on, several for the workers of a cluster; this machine if None.
        root: another folder of stored runs.

    Returns:
        The folder.
    """
    if not tables or any(table.empty for table in tables.values()):
        raise ResultsError(f"run {name!r} has nothing to store: every table needs a row")
    folder = (root or results_folder()) / name
    with replacing(folder) as scratch:
        scratch.mkdir()
        for table, frame in tables.items():
            frame.to_csv(scratch / f"{table}.csv", index=False, float_format="%.6g", lineterminator="\n")
        provenance = {
            "name": name,
            "command": command,
            "commit": ", ".join(commits or [commit()]),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seeds": seeds,
            "settings": settings,
            "hardware": "; ".join(hardware or [hardware_of("cpu")]),
            "versions": {"python": platform.python_version()} | {package: version(package) for package in _PACKAGES},
            "files": {path.name: digest(path) for path in sorted(scratch.glob("*.csv"))},
        }
        (scratch / "provenance.json").write_text(json.dumps(provenance, indent=1) + "\n", "utf-8")
    return folder


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


def hardware_of(device: torch.device | str) -> str:
    """The device in words: processor, threads and, on a GPU, its name.

    Asked by `runner` in the process that did the work; the number of threads is set there.
    """
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = names[0] if names else processor
    words = f"{processor}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {platform.system()}"
    if torch.device(device).type == "cuda":
        words += f", {torch.cuda.get_device_name(device)}"
    return words
