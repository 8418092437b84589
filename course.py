#!/usr/bin/env python3
"""Descent with Modification: the one door to this course. It sets itself up, then does what it is asked.

To read
  python3 course.py book [--serve]              build the site (and serve it on this machine)
To study
  python3 course.py lab                         open the labs in JupyterLab
  python3 course.py doctor                      check this machine, and say how to mend what is wrong
To teach
  python3 course.py grade LAB FOLDER            turn a folder of hand-ins into a table of marks
To doubt
  python3 course.py run NAME [--jobs 2]         make a stored run again, or go on with one that was stopped
  python3 course.py bench [--peers]             measure the package beside simpler code (and other libraries)
To change something
  python3 course.py test [--fast] [ARGS]        run all tests (or what takes under two minutes); ARGS go to pytest
  python3 course.py labs [--check]              make labs/ from solutions/
  python3 course.py execute [FILES]             run notebooks and normalise what is committed
  python3 course.py clean                       remove what was made here: the environment, builds, caches

After a target, --help lists its options. On Windows, write `py` for `python3`.
"""

from __future__ import annotations

import argparse
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "course-setup.txt"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
JUPYTER_BOOK = PYTHON.with_name("jupyter-book" + PYTHON.suffix)  # it can't be run by python -m
SITE = ROOT / "_build" / "html"
# Targets that are commands of a package; their words, --help among them, are read there.
PACKAGES = {
    **dict.fromkeys(("grade", "labs", "execute", "doctor"), "coursekit"),
    **dict.fromkeys(("run", "bench"), "evidence"),
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="course.py",
        usage="python3 course.py TARGET",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    targets = parser.add_subparsers(dest="target", metavar="TARGET", help=argparse.SUPPRESS)
    book = targets.add_parser("book", description="Build the site.")
    book.add_argument("--serve", action="store_true", help="then serve it on this machine until Ctrl-C")
    book.add_argument("--port", type=int, default=8000)
    test = targets.add_parser("test", description="Run the tests. Other words go to pytest.")
    test.add_argument("--fast", action="store_true", help="without the notebooks, the site and what else takes long")
    targets.add_parser("clean", description="Remove the environment, builds and caches; nothing of yours.")
    targets.add_parser("lab", description="Open the labs in JupyterLab. Other words go to JupyterLab.")
    for target in PACKAGES:
        targets.add_parser(target, add_help=False)
    known, rest = parser.parse_known_args()
    if known.target is None:
        parser.print_help()
        return 0
    if rest and known.target in ("book", "clean"):
        parser.error(f"{known.target} takes no such argument: {' '.join(rest)}")
    os.chdir(ROOT)
    if known.target == "clean":
        return clean()
    try:
        set_up()
        if known.target == "book":
            return build_book(known.serve, known.port)
        if known.target == "test":
            return run_tests(rest, known.fast)
        if known.target == "lab":
            return lab(rest)
        return command(known.target, rest)
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


class SetupError(Exception):
    """Set-up can't go on; the message says why and how to mend it."""


def set_up() -> None:
    """Make .venv and install into it, unless it was made from the same inputs before."""
    # Nothing in this file may need a newer Python than the one that is told here to be replaced.
    if sys.version_info < (3, 11):  # noqa: UP036
        raise SetupError(
            f"this is Python {sys.version.split()[0]}; the course needs 3.11 or newer: run it with a newer python3"
        )
    place = f"{sys.version_info[0]}.{sys.version_info[1]} {ROOT}"
    inputs = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")))
    wanted = [place, inputs.hexdigest()]
    made = STAMP.read_text("utf-8").splitlines() if STAMP.is_file() else []
    if made == wanted:
        return
    print("Setting up .venv: installing Python packages, about two to five minutes, once.", flush=True)
    start = time.monotonic()
    if not PYTHON.exists() or (made and made[0] != place):  # a new Python or a moved folder needs a new environment
        shutil.rmtree(VENV, ignore_errors=True)
        if run(sys.executable, "-m", "venv", VENV):
            raise SetupError("python3 -m venv failed: on Debian and Ubuntu, install the package python3-venv")
    install("all")
    STAMP.write_text("\n".join(wanted), "utf-8")
    print(f"Set-up done in {time.monotonic() - start:.0f} s.", flush=True)


def install(extra: str) -> None:
    """Install the course into .venv with one of the extras of pyproject.toml."""
    # Skipping byte-compilation saves about a minute; Python does it when a module is first imported.
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")
    if run(*pip, "-c", "constraints.txt", "-e", f".[{extra}]"):
        raise SetupError("installing failed (see above); the same command tries again. Is there a network connection?")


def run(*command: str | Path, **environment: str) -> int:
    """Run a command in this folder with the environment's programs on the path; returns its exit code."""
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", "")])
    # A user's own packages must not shine through: they would hide what this project forgot to declare.
    clean_environment = {"PATH": path, "PYTHONNOUSERSITE": "1", **environment}
    return subprocess.run([str(word) for word in command], env=os.environ | clean_environment).returncode


def command(target: str, words: list[str]) -> int:
    """A command of one of the packages; what it needs beyond the usual is installed first."""
    if target == "bench" and "--peers" in words:
        print("Installing the other libraries (0.7 GB), once.", flush=True)
        install("peers")
    if target == "execute" and not words:
        words = [
            str(path) for folder in ("notebooks", "solutions") for path in sorted(Path(folder).rglob("[!.]*.ipynb"))
        ]
    return run(PYTHON, "-m", PACKAGES[target], target, *words)


def build_book(serve: bool, port: int) -> int:
    print("Building the site, under a minute.", flush=True)
    failed = run(JUPYTER_BOOK, "build", ".", "-W", "-n", "--keep-going", "--quiet")
    if failed:
        return failed
    print(f"The site is at {SITE / 'index.html'}")
    if serve:
        handler = partial(http.server.SimpleHTTPRequestHandler, directory=SITE)
        with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
            print(f"Serving on http://127.0.0.1:{port}/ until Ctrl-C.", flush=True)
            server.serve_forever()
    return 0


def lab(words: list[str]) -> int:
    return run(
        *(PYTHON, "-m", "jupyterlab", "--notebook-dir", ".", "--FileContentsManager.preferred_dir=labs", *words),
        # Without these, JupyterLab asks other hosts for news and newer versions, and tells the student so.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    )


def run_tests(words: list[str], fast: bool) -> int:
    """All of pytest: tests/ and, by nbval, every notebook; two processes, one thread each."""
    if words and not fast:
        return run(PYTHON, "-m", "pytest", *words)
    # loadscope keeps the cells of a notebook, and the tests of a module, on one process and in order.
    pytest = (PYTHON, "-m", "pytest", "-n", "2", "--dist", "loadscope", "--durations=8")
    one_thread = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    if fast:
        print("Testing the packages, the labs' checks and the notebooks' form, under two minutes.", flush=True)
        return run(*pytest, "-m", "not slow", "tests", *words, **one_thread)
    print("Testing the packages, the labs, the site and every notebook, several minutes.", flush=True)
    nbval = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=600")
    return run(*pytest, "tests", "notebooks", "solutions", "labs", *nbval, **one_thread)


def clean() -> int:
    for name in (".venv", "_build", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache"):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for path in [*ROOT.glob("src/*.egg-info"), *ROOT.glob("*/**/__pycache__"), *ROOT.glob("*/**/.ipynb_checkpoints")]:
        shutil.rmtree(path, ignore_errors=True)
    print("Removed .venv, the built site and caches. Notebooks, results and downloaded data were left alone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
