"""What passed on this machine, and none of whose inputs has changed since: `test --changed` leaves it out.

Without that word everything runs, as it does in CI. What a notebook depends on is taken generously: its own bytes, all
files of the packages that it names and of `neuroevo`, all stored runs, every installed package's version, the settings
that steer threads, processor and data. One that reads other files (`READS`) always runs. A module of tests depends on
the same, on its folder's package, on the helpers that it names, and on whatever else of the project it or they name.
The site's tests and the house's look at everything, and always run.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
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
TESTS = ("neuroevo", "evidence", "coursekit")  # folders of tests/, by the package that they test
UNKEPT = (".git", ".venv", "_build", "src", "tests")  # made by tools, or looked at more closely; so is *_cache
SETTINGS = ("NEUROEVO_", "OMP_", "MKL_", "ATEN_", "NPY_")
RECORD = "unchanged/passed"  # in pytest's cache
LEFT_OUT = "COURSE_TESTS_LEFT_OUT"  # the main process finds out once and tells xdist's workers


def inputs(notebook: Path) -> str | None:
    """A fingerprint of all that a notebook depends on; None if that can't be told."""
    code = "\n".join(_code_cells(notebook))
    if any(word in code for word in READS):
        return None
    packages = [f"src/{name}" for name in NAMED if name in code]
    return _hash([_hash_files(notebook), _hash_files(*(ROOT / name for name in (*SHARED, *packages))), _machine()])


def inputs_of_tests(module: Path) -> str:
    """A fingerprint of all that a module of tests depends on."""
    helpers = [path for path in (ROOT / "tests").rglob("*.py") if not path.name.startswith("test_")]
    read, text = {module}, module.read_text("utf-8")
    while more := {path for path in helpers if re.search(rf"\b{path.stem}\b", text)} - read:
        read |= more
        text += "".join(path.read_text("utf-8") for path in more)
    tops = [path for path in ROOT.iterdir() if path.name not in UNKEPT and not path.name.endswith("_cache")]
    named = [path for path in tops if re.search(rf"\b{re.escape(path.name)}", text)]
    packages = [ROOT / "src" / name for name in NAMED if name in text or module.parent.name == name]
    shared = [ROOT / name for name in SHARED]
    return _hash([_hash_files(module, *helpers, *sorted(named), *packages, *shared), _machine()])


class Unchanged:
    """A plug-in that leaves out what may be left out, and writes down what passes."""

    def __init__(self, config: pytest.Config) -> None:
        self.cache, self.is_main = config.cache, not hasattr(config, "workerinput")
        self.passed: Counter[str] = Counter()
        self.failed: set[str] = set()
        if self.is_main:  # before anything runs: what is edited meanwhile hasn't passed
            folders = ("notebooks", "solutions")
            paths = [path for folder in folders for path in (ROOT / folder).rglob("[!.]*.ipynb")]
            modules = [path for folder in TESTS for path in (ROOT / "tests" / folder).rglob("test_*.py")]
            self.before = {path.relative_to(ROOT).as_posix(): inputs(path) for path in paths} | {
                path.relative_to(ROOT).as_posix(): inputs_of_tests(path) for path in modules
            }
            self.whole = not any(config.getoption(name, "") for name in ("keyword", "markexpr")) and not any(
                "::" in word for word in getattr(config, "args", ())
            )
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

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.is_main:
            recorded = self.cache.get(RECORD, {})
            for name in self.before.keys() & (self.passed.keys() | self.failed):
                if name.endswith(".ipynb"):
                    whole = self.passed[name] == len(_code_cells(ROOT / name))
                else:  # how many tests there are isn't known here: only that nothing was left out
                    whole = self.whole and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
                recorded[name] = self.before[name] if whole and name not in self.failed else None
            self.cache.set(RECORD, recorded)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.left_out:
            n_notebooks = sum(name.endswith(".ipynb") for name in self.left_out)
            what = f"{n_notebooks} notebooks and {len(self.left_out) - n_notebooks} modules of tests"
            terminalreporter.write_line(
                f"Left out, as they passed here and depend on nothing that changed since: {what}."
            )


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
