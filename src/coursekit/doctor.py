"""Look at this machine: would the book, the labs and the tests run here, and if not, what mends it?

Nothing is downloaded or installed. Every check stands alone, so one that breaks hides none of the others.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import neuroevo

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_OLDEST_PYTHON = (3, 11)
_REINSTALL = "run `python3 course.py clean`, then the same command again"
_ROOT = Path(__file__).parents[2]  # of the repository, for an editable install


Finding = tuple[str, str] | tuple[str, str, str]  # status, finding and, if needed, how to mend it


@dataclass(frozen=True)
class Check:
    """One finding. status: "ok"; "warn", all runs but not as in the book; or "FAIL"."""

    name: str
    status: str
    finding: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.status:<4} {self.name}: {self.finding}" + (f"; mend: {self.mend}" if self.mend else "")


def report() -> list[Check]:
    """All checks, in order. Takes about ten seconds, most of them for importing torch and its like."""
    return list(_checks(PROBES))


def main() -> int:
    """Print each check as it is made. Returns 1 if any failed, else 0."""
    checks = []
    for check in _checks(PROBES):
        print(check, flush=True)
        checks.append(check)
    n_failed, n_warned = (sum(check.status == status for check in checks) for status in ("FAIL", "warn"))
    print(f"{len(checks)} checks: {n_failed} failed, {n_warned} to look at.")
    return 1 if n_failed else 0


def _checks(probes: dict[str, Callable[[], Finding]]) -> Iterator[Check]:
    for name, probe in probes.items():
        try:
            yield Check(name, *probe())
        except Exception as error:
            yield Check(name, "FAIL", f"{type(error).__name__}: {' '.join(str(error).split())}", _REINSTALL)


def _course() -> Finding:
    try:
        words = ["git", "-C", str(_ROOT), "log", "-1", "--format=, commit %h of %cs"]
        commit = subprocess.run(words, capture_output=True, text=True, timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        commit = ""
    return "ok", f"version {neuroevo.__version__}{commit}"


def _tested(what: str) -> list[str]:
    """What the course was tested with, from [tool.course] in pyproject.toml; empty where only the package is there."""
    file = _ROOT / "pyproject.toml"
    return tomllib.loads(file.read_text("utf-8"))["tool"]["course"][f"tested-{what}"] if file.is_file() else []


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < _OLDEST_PYTHON:
        oldest = ".".join(map(str, _OLDEST_PYTHON))
        return "FAIL", f"{found}; the course needs {oldest} or newer", "run course.py with a newer python3"
    tested = _tested("python")
    if tested and ".".join(platform.python_version_tuple()[:2]) not in tested:
        return (
            "warn",
            f"{found}; tested were {', '.join(tested)}",
            "if something fails, run course.py with one of these",
        )
    return "ok", found


def _packages() -> Finding:
    from packaging.requirements import Requirement

    lines = [Requirement(line) for line in metadata.requires("neuroevo") or []]
    # The extra `all` names what course.py installs; what runs and benchmarks need beside that may be missing.
    extras = {"", *(extra for line in lines if line.name == "neuroevo" for extra in line.extras)}
    usual = [line for line in lines if not line.marker or any(line.marker.evaluate({"extra": name}) for name in extras)]
    declared = [line for line in usual if line.name != "neuroevo"]
    missing = [line.name for line in declared if _version(line.name) is None]
    # A requirement of the package itself has no marker; those of the extras (labs, book, tests) do.
    core = [requirement.name for requirement in declared if requirement.marker is None]
    needed = [name for name in missing if name in core]
    if needed:
        return "FAIL", f"not installed: {', '.join(needed)}", _REINSTALL
    outside = _outside(declared, "needs")
    if outside:
        return "FAIL", f"too old or too new: {outside}", _REINSTALL
    modules = {dist.lower(): module for module, dists in metadata.packages_distributions().items() for dist in dists}
    for name in core:
        if name != "torchvision":  # it has a check of its own
            importlib.import_module(modules.get(name, name))
    if missing:
        return "warn", f"the package runs; labs, book or tests lack {', '.join(missing)}", _REINSTALL
    return "ok", f"{len(declared)} installed, {len(core)} of them imported"


def _versions() -> Finding:
    from packaging.requirements import Requirement

    outside = _outside([Requirement(line) for line in _tested("packages")], "tested")
    if outside:
        return "warn", f"not those that the course was tested with: {outside}", _REINSTALL
    file = _ROOT / "constraints.txt"
    if not file.is_file():
        return "ok", "no constraints.txt beside the package, nothing to compare with"
    pins = [Requirement(line) for line in file.read_text().splitlines() if line.strip() and line[0] != "#"]
    different = _outside(pins, "pinned")
    if different:
        return "warn", f"not those that the book was made with: {different}", _REINSTALL
    return "ok", f"as in constraints.txt ({len(pins)} pins)"


def _outside(wanted: list[Requirement], word: str) -> str:
    """What is installed in another version than is wanted, listed; the word says what wanting means."""
    return ", ".join(
        f"{line.name} {version} ({word} {line.specifier})"
        for line in wanted
        if (version := _version(line.name)) and not line.specifier.contains(version, prereleases=True)
    )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _torch_pair() -> Finding:
    import torch

    from neuroevo import data

    torchvision = data.import_torchvision()
    pair = f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    if hasattr(torch.ops.torchvision, "roi_align"):
        return "ok", pair
    return "ok", f"{pair}; its compiled operators don't fit this torch and the course doesn't use them"


def _disk() -> Finding:
    free = {path: shutil.disk_usage(path).free for path in (_ROOT, Path.home())}
    path, least = min(free.items(), key=lambda item: item[1])
    finding = f"{least / 1e9:.1f} GB free at {path}"
    if least < 0.2e9:
        return "FAIL", finding, "free at least 1 GB"
    if least < 1e9:
        return "warn", f"{finding}; a site build and the tests can take 0.5 GB", "free at least 1 GB"
    return "ok", finding


def _data() -> Finding:
    from neuroevo.data import DataError
    from neuroevo.data.idx import MNIST

    try:
        raw = MNIST.raw()
        if MNIST.present(raw):
            MNIST.read(raw)
            return "ok", f"MNIST is in {raw}, its four files as published"
        reason = MNIST.why_no_download(raw)
    except DataError as error:
        return "FAIL", error.finding, error.mend
    if reason:
        finding = f"MNIST is not in {raw} and {reason}: scikit-learn's digits stand in for it"
        return "warn", finding, "go online once, or set NEUROEVO_DATA to a folder that holds MNIST/raw"
    return "ok", f"MNIST is not on disk yet; its first use downloads it (11 MB) into {raw}"


def _device() -> Finding:
    import torch

    cpu = f"{os.cpu_count()} CPU cores, {torch.get_num_threads()} threads"
    if not torch.cuda.is_available():
        return "ok", f"{cpu}, no CUDA device; none is needed"
    x = torch.ones(64, 64, device="cuda")
    if (x @ x).sum().item() != 64**3:
        return "FAIL", f"{cpu}; {torch.cuda.get_device_name()} multiplies wrongly", "use --device cpu"
    return "ok", f"{cpu}; CUDA device {torch.cuda.get_device_name()} (optional: --device cuda)"


def _fonts() -> Finding:
    from matplotlib import font_manager

    missing = []
    for family in ("DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"):
        try:
            font_manager.findfont(family, fallback_to_default=False)
        except ValueError:
            missing.append(family)
    if missing:
        return "warn", f"matplotlib doesn't find {', '.join(missing)}, which come with it", _REINSTALL
    return "ok", "matplotlib's DejaVu fonts"


def _tiny_run() -> Finding:
    import torch

    from neuroevo import genreg, nets

    start = time.perf_counter()
    rng = torch.Generator().manual_seed(0)
    evolution = genreg.GENREG.start(nets.MLP((784, 64, 10)), genreg.Settings(n_genomes=20), rng)
    images, labels = torch.rand(50, 784, generator=rng), torch.arange(50) % 10
    before = evolution.population.clone()
    n_correct = nets.count_correct(evolution.net.forward(evolution.ask(), images), labels)
    evolution.tell(genreg.reward(n_correct, len(labels), evolution.settings))
    whole = evolution.generation == 1 and bool(evolution.population.isfinite().all())
    if not whole or torch.equal(evolution.population, before):
        return "FAIL", "a generation of 20 genomes left the population unchanged or not finite", _REINSTALL
    return "ok", f"one generation of 20 genomes in {time.perf_counter() - start:.2f} s"


PROBES: dict[str, Callable[[], Finding]] = {
    "course": _course,
    "Python": _python,
    "packages": _packages,
    "versions": _versions,
    "torch": _torch_pair,
    "disk": _disk,
    "data": _data,
    "device": _device,
    "fonts": _fonts,
    "tiny run": _tiny_run,
}
