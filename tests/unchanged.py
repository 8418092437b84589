"""Notebooks that passed on this machine, and none of whose inputs has changed since: `test --changed` leaves them out.

Without that word everything runs, as it does in CI. What a notebook depends on is taken generously: its own bytes, all
files of the packages that it names and of `neuroevo`, all stored runs, every installed package's version, the settings
that steer threads, processor and data. One that reads other files (`READS`) always runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections import Counter
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ("src/neuroevo", "results", "conftest.py", "tests/warm_kernels.py", "pyproject.toml", "constraints.txt")
NAMED = ("evidence", "coursekit")  # packages that some notebooks import
READS = ("Path(", ".glob(", "read_notebook", "importlib")
SETTINGS = ("NEUROEVO_", "OMP_", "MKL_", "ATEN_", "NPY_")
RECORD = "notebooks/passed"  # in pytest's cache
LEFT_OUT = "COURSE_TESTS_LEFT_OUT"  # the main process finds out once and tells xdist's workers


def inputs(notebook: Path) -> str | None:
    """A fingerprint of all that a notebook depends on; None if that can't be told."""
    code = "\n".join(_code_cells(notebook))
    if any(word in code for word in READS):
        return None
    packages = [f"src/{name}" for name in NAMED if name in code]
    return _hash([_hash_files(notebook), _hash_files(*(ROOT / name for name in (*SHARED, *packages))), _machine()])


class Unchanged:
    """A plug-in that leaves out what may be left out, and writes down what passes."""

    def __init__(self, config: pytest.Config) -> None:
        self.cache, self.is_main = config.cache, not hasattr(config, "workerinput")
        self.passed: Counter[str] = Counter()
        self.failed: set[str] = set()
        if self.is_main:  # before anything runs: what is edited meanwhile hasn't passed
            folders = ("notebooks", "solutions")
            paths = [path for folder in folders for path in (ROOT / folder).rglob("[!.]*.ipynb")]
            self.before = {path.relative_to(ROOT).as_posix(): inputs(path) for path in paths}
            recorded = self.cache.get(RECORD, {})
            known = [name for name, now in self.before.items() if now and now == recorded.get(name)]
            os.environ[LEFT_OUT] = os.pathsep.join(known if config.getoption("changed") else [])
        self.left_out = set(filter(None, os.environ[LEFT_OUT].split(os.pathsep)))

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if any(collection_path == ROOT / name for name in self.left_out) else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.split("::")[0]
        self.passed[name] += report.when == "call" and report.passed
        if not report.passed:
            self.failed.add(name)

    def pytest_sessionfinish(self) -> None:
        if self.is_main:
            recorded = self.cache.get(RECORD, {})
            for name in self.before.keys() & (self.passed.keys() | self.failed):
                whole = self.passed[name] == len(_code_cells(ROOT / name)) and name not in self.failed
                recorded[name] = self.before[name] if whole else None
            self.cache.set(RECORD, recorded)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.left_out:
            what = "Notebooks left out, as they passed here and depend on nothing that changed since"
            terminalreporter.write_line(f"{what}: {len(self.left_out)}.")


def _code_cells(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _hash_files(*starts: Path) -> str:
    found = [path for start in starts for path in (sorted(start.rglob("*")) if start.is_dir() else [start])]
    files = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return _hash([f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files])


@cache
def _machine() -> str:
    packages = sorted(f"{found.name} {found.version}" for found in metadata.distributions())
    settings = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(SETTINGS))
    return _hash([sys.version, platform.machine(), *packages, *settings])
