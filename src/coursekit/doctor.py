"""Look at this machine: would the book, the labs and the tests run here, and if not, what mends it?

Nothing is downloaded or installed. Every check stands alone, so one that breaks hides none of the others.
"""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

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


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < _OLDEST_PYTHON:
        oldest = ".".join(map(str, _OLDEST_PYTHON))
        return "FAIL", f"{found}; the course needs {oldest} or newer", "run course.py with a newer python3"
    return "ok", found


def _packages() -> Finding:
    from packaging.requirements import Requirement

    declared = [Requirement(line) for line in metadata.requires("neuroevo") or []]
    declared = [requirement for requirement in declared if requirement.name != "neuroevo"]
    versions = {requirement.name: _version(requirement.name) for requirement in declared}
    missing = [name for name, version in versions.items() if version is None]
    # A requirement of the package itself has no marker; those of the extras (labs, book, tests) do.
    core = [requirement.name for requirement in declared if requirement.marker is None]
    needed = [name for name in missing if name in core]
    if needed:
        return "FAIL", f"not installed: {', '.join(needed)}", _REINSTALL
    outside = [
        f"{wanted.name} {version} (needs {wanted.specifier})"
        for wanted in declared
        if (version := versions[wanted.name]) and not wanted.specifier.contains(version, prereleases=True)
    ]
    if outside:
        return "FAIL", f"too old or too new: {', '.join(outside)}", _REINSTALL
    modules = {dist.lower(): module for module, dists in metadata.packages_distributions().items() for dist in dists}
    for name in core:
        if name != "torchvision":  # it has a check of its own
            importlib.import_module(modules.get(name, name))
    if missing:
        return "warn", f"the package runs; labs, book or tests lack {', '.join(missing)}", _REINSTALL
    return "ok", f"{len(declared)} installed, {len(core)} of them imported"


def _versions() -> Finding:
    from packaging.requirements import Requirement

    file = _ROOT / "constraints.txt"
    if not file.is_file():
        return "ok", "no constraints.txt beside the package, nothing to compare with"
    pins = [Requirement(line) for line in file.read_text().splitlines() if line.strip() and line[0] != "#"]
    different = [
        f"{pin.name} {version} (pinned {pin.specifier})"
        for pin in pins
        if (version := _version(pin.name)) and not pin.specifier.contains(version, prereleases=True)
    ]
    if different:
        return "warn", f"not those that the book was made with: {', '.join(different)}", _REINSTALL
    return "ok", f"as in constraints.txt ({len(pins)} pins)"


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
