#!/usr/bin/env python3
"""Run the test command on the last commit, in a fresh clone, under one condition, and keep its row in CONTRIBUTING.md.

    python3.13 .ci/matrix.py "as pinned"          with the Python that it is called with
    python3 .ci/matrix.py "lowest packages + without data"      both at once
    python3 .ci/matrix.py --list                  the conditions
    python3 .ci/matrix.py --load 4                only the busy processes, for several runs with --loaded beside them

The row of the same condition, Python and system is replaced; the clone is removed unless something failed. A run takes
the test command's time and its set-up; Ctrl-C stops all of it and writes nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "CONTRIBUTING.md"
HEAD = "| condition | Python | system | torch | NumPy | commit | date | result | minutes |\n" + "|---" * 9 + "|\n"
BEGIN, END = "<!-- matrix: written by .ci/matrix.py -->\n", "<!-- end of matrix -->"


@dataclass(frozen=True)
class Condition:
    """What differs from a quiet machine with the pinned packages.

    Attributes:
        variables: of the environment.
        busy: processes that never rest; the first holds half of the memory.
        packages: pinned, lowest (that pyproject.toml allows) or newest (that there are).
        data: whether MNIST may be found.
        numbers: only what computes is tested, as nothing else knows of processors and threads.
    """

    variables: dict[str, str] = field(default_factory=dict)
    busy: int = 0
    packages: str = "pinned"
    data: bool = True
    numbers: bool = False


PLAIN_NUMPY = {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"}  # the names of NumPy 2.4
PINS = (  # tests of constraints.txt, which a run with other packages overwrites
    "tests/coursekit/test_doctor.py::test_the_tested_versions_are_those_of_the_course",
    "tests/test_release.py::test_binder_builds_what_was_tested",
)
CONDITIONS = {
    "as pinned": Condition(),
    "without data": Condition(data=False),
    "busy: 4 processes, half the memory": Condition(busy=4),
    "busy: another run of this beside it": Condition(),  # which is started by hand
    "torch without vector instructions": Condition({"ATEN_CPU_CAPABILITY": "default"}, numbers=True),
    "NumPy without vector instructions": Condition(PLAIN_NUMPY, numbers=True),
    "2 threads": Condition({"OMP_NUM_THREADS": "2"}, numbers=True),
    "4 threads": Condition({"OMP_NUM_THREADS": "4"}, numbers=True),
    "lowest packages": Condition(packages="lowest"),
    "newest packages": Condition(packages="newest"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("condition", nargs="?", help="one of --list, or several of them joined by ' + '")
    parser.add_argument("--list", action="store_true", help="print the conditions")
    parser.add_argument("--load", type=int, metavar="N", help="keep the machine busy with N processes until Ctrl-C")
    parser.add_argument("--loaded", action="store_true", help="the machine is kept busy already, by --load")
    parser.add_argument("--cpu", action="store_true", help="on Linux, PyTorch without CUDA")
    parser.add_argument("words", nargs="*", help="for pytest, to try a part; then nothing is written")
    known = parser.parse_args()
    if known.load:
        with busy(known.load, half_the_memory()) as loops, contextlib.suppress(KeyboardInterrupt):
            return loops[0].wait()  # which only comes to an end if the system ends it
    if known.list or known.condition is None:
        print("\n".join(CONDITIONS))
        return 0
    try:
        condition = joined(known.condition)
    except KeyError as error:
        parser.error(f"there is no condition {error}; --list prints them")
    folder = Path(tempfile.mkdtemp(prefix="course-"))
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    replace_pins(clone, condition.packages)
    variables = {**os.environ, **condition.variables}
    if not condition.data:
        (folder / "no data").mkdir()
        variables.update(NEUROEVO_DATA=str(folder / "no data"), NEUROEVO_OFFLINE="1")
    if condition.packages != "pinned":  # as words, they would stand in place of the whole
        variables["PYTEST_ADDOPTS"] = " ".join(f"--deselect={name}" for name in PINS)
    door = [sys.executable, str(clone / "course.py")]
    subprocess.run([*door, "doctor", *["--cpu"] * known.cpu], env=variables)  # sets up; what it says is for the reader
    start = time.monotonic()
    with busy(0 if known.loaded else condition.busy, half_the_memory()) as loops:
        told, code = tee([*door, "test", *["--numbers"] * condition.numbers, *known.words], variables)
        ended = sum(loop.poll() is not None for loop in loops)
    minutes = (time.monotonic() - start) / 60
    outcome = summary(told)
    print(f"{known.condition}: {outcome or 'pytest never came to its end'} in {minutes:.1f} minutes")
    if ended:
        print(
            f"{ended} of the processes that keep the machine busy didn't last; if memory is short, the system ends one."
        )
    if code not in (0, 1):  # pytest's codes for a run that came to its end
        print(f"The test command ended with {code}: it was stopped on its way.")
    if ended or not outcome or code not in (0, 1):
        print(f"Nothing was written. The clone is kept: {clone}")
        return 1
    if known.words:
        return 0
    python = clone / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    versions = [version(python, name) for name in ("torch", "numpy")]
    commit = subprocess.run(["git", "-C", clone, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    date = time.strftime("%Y-%m-%d")
    cells = [known.condition, platform.python_version(), system, *versions, commit.strip(), date, outcome]
    PAGE.write_text(with_row(PAGE.read_text("utf-8"), [*cells, f"{minutes:.1f}"]), "utf-8")
    if "failed" in outcome or "error" in outcome:
        print(f"The clone is kept: {clone}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def joined(names: str) -> Condition:
    """What several conditions say together: `"2 threads + without data"`. Each may set what the others leave alone."""
    parts = [CONDITIONS[name] for name in names.split(" + ")]
    plain, said = Condition(), {}
    for part in parts:
        said.update({key: value for key, value in vars(part).items() if value != getattr(plain, key)})
    return Condition(**said | {"variables": {k: v for part in parts for k, v in part.variables.items()}})


def replace_pins(clone: Path, packages: str) -> None:
    """Write what set-up is to install into the clone's constraints.txt."""
    pins = clone / "constraints.txt"
    if packages == "newest":
        pins.write_text("", "utf-8")
    elif packages == "lowest":  # of what is declared; what those packages need is the newest that fits
        pins.unlink()  # uv would keep to them
        tool = clone.parent / "uv"
        subprocess.run([sys.executable, "-m", "venv", tool], check=True)
        scripts = tool / ("Scripts" if os.name == "nt" else "bin")
        subprocess.run([scripts / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
        words = ("--extra", "all", "--resolution", "lowest-direct", "--no-annotate", "--no-header", "--quiet")
        subprocess.run(
            [scripts / "uv", "pip", "compile", "pyproject.toml", *words, "--python", sys.executable, "-o", pins],
            cwd=clone,
            check=True,
        )


@contextlib.contextmanager
def busy(n_processes: int, n_bytes: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that never rest; the first one holds memory."""
    code = "b = bytearray({}); b[::4096] = b'1' * len(b[::4096])\nwhile True: pass"
    memory = [n_bytes] + [0] * (n_processes - 1)
    loops = [subprocess.Popen([sys.executable, "-c", code.format(size)]) for size in memory[:n_processes]]
    try:
        yield loops
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def half_the_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 if hasattr(os, "sysconf") else 0


def tee(command: list[str], variables: dict[str, str]) -> tuple[str, int]:
    """Run a command, show what it prints, and return that, and its exit code."""
    told = []
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            told.append(line)
    return "".join(told), process.returncode


def summary(told: str) -> str:
    """What pytest counted, such as "2300 passed, 3 skipped"; empty if it never came so far."""
    found = re.findall(r"^=* ?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s", told, re.MULTILINE)
    return found[-1] if found else ""


def version(python: Path, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def with_row(page: str, cells: list[str]) -> str:
    """The page with this row in its table, in place of the one of the same condition, Python and system."""
    before, rest = page.split(BEGIN)
    table, after = rest.split(END)
    found = {key(row): row for row in rows(table)}
    found[key(cells)] = cells
    order = list(CONDITIONS)
    lines = sorted(found.values(), key=lambda row: (order.index(row[0].split(" + ")[0]), row))
    return before + BEGIN + HEAD + "".join(f"| {' | '.join(row)} |\n" for row in lines) + END + after


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def key(row: list[str]) -> tuple[str, ...]:
    return row[0], *row[1].split(".")[:2], row[2]


if __name__ == "__main__":
    sys.exit(main())
