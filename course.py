#!/usr/bin/env python3
"""The one door to this course: sets itself up, then runs a target. Standard library only.

python3 course.py book [--serve]    build the site (and serve it on this machine)
python3 course.py test [ARGS]       run all tests; ARGS go to pytest
python3 course.py lab               open the labs in JupyterLab
python3 course.py labs [--check]    generate labs/ from solutions/
python3 course.py execute [FILES]   run notebooks and normalise what is committed
python3 course.py doctor            check this machine
python3 course.py clean             remove what was made here: the environment, builds, caches
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


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="course.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    targets = parser.add_subparsers(dest="target", required=True, metavar="TARGET")
    book = targets.add_parser("book", help="build the site")
    book.add_argument("--serve", action="store_true", help="then serve it on this machine until Ctrl-C")
    book.add_argument("--port", type=int, default=8000)
    targets.add_parser("test", help="run all tests")
    targets.add_parser("lab", help="open the labs in JupyterLab")
    targets.add_parser("labs", help="generate labs/ from solutions/")
    targets.add_parser("execute", help="run notebooks and normalise what is committed")
    targets.add_parser("doctor", help="check this machine")
    targets.add_parser("clean", help="remove what was made here")
    known, rest = parser.parse_known_args()
    if rest and known.target in ("book", "doctor", "clean"):
        parser.error(f"{known.target} takes no such argument: {' '.join(rest)}")
    os.chdir(ROOT)
    if known.target == "clean":
        return clean()
    commands = {
        "book": lambda: build_book(known.serve, known.port),
        "test": lambda: test(rest),
        # Without the last two, JupyterLab asks other hosts for news and newer versions, and tells the student so.
        "lab": lambda: run(
            *(PYTHON, "-m", "jupyterlab", "--notebook-dir", ".", "--FileContentsManager.preferred_dir=labs", *rest),
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ),
        "labs": lambda: run(PYTHON, "-m", "coursekit", "labs", *rest),
        "execute": lambda: run(PYTHON, "-m", "coursekit", "execute", *(rest or notebooks("notebooks", "solutions"))),
        "doctor": lambda: run(PYTHON, "-m", "coursekit", "doctor"),
    }
    try:
        set_up()
        return commands[known.target]()
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
    inputs = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        inputs.update((ROOT / name).read_bytes())
    wanted = inputs.hexdigest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    print("Setting up .venv: installing Python packages, about two to five minutes, once.", flush=True)
    start = time.monotonic()
    if not PYTHON.exists() or STAMP.is_file():  # a new Python or a moved folder needs a new environment
        shutil.rmtree(VENV, ignore_errors=True)
        if run(sys.executable, "-m", "venv", VENV):
            raise SetupError("python3 -m venv failed: on Debian and Ubuntu, install the package python3-venv")
    # Skipping byte-compilation saves about a minute; Python does it when a module is first imported.
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")
    if run(*pip, "-c", "constraints.txt", "-e", ".[all]"):
        raise SetupError("installing failed (see above); the same command tries again. Is there a network connection?")
    STAMP.write_text(wanted)
    print(f"Set-up done in {time.monotonic() - start:.0f} s.", flush=True)


def run(*command: str | Path, **environment: str) -> int:
    """Run a command in this folder with the environment's programs on the path; returns its exit code."""
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", "")])
    # A user's own packages must not shine through: they would hide what this project forgot to declare.
    clean_environment = {"PATH": path, "PYTHONNOUSERSITE": "1", **environment}
    return subprocess.run([str(word) for word in command], env=os.environ | clean_environment).returncode


def notebooks(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted(Path(folder).glob("*.ipynb"))]


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


def test(arguments: list[str]) -> int:
    """All of pytest: tests/ and, by nbval, every notebook; two processes, one thread each."""
    if arguments:
        return run(PYTHON, "-m", "pytest", *arguments)
    print("Testing the package, the labs, the site and every notebook, several minutes.", flush=True)
    # loadscope keeps the cells of a notebook, and the tests of a module, on one process and in order.
    return run(
        *(PYTHON, "-m", "pytest", "-n", "2", "--dist", "loadscope", "--durations=8"),
        *("tests", "notebooks", "solutions", "labs"),
        *("--nbval", "--nbval-current-env", "--nbval-cell-timeout=600"),
        OMP_NUM_THREADS="1",
        TQDM_DISABLE="1",
    )


def clean() -> int:
    for name in (".venv", "_build", ".pytest_cache", ".mypy_cache", ".ruff_cache"):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for path in [*ROOT.glob("src/*.egg-info"), *ROOT.glob("*/**/__pycache__"), *ROOT.glob("*/**/.ipynb_checkpoints")]:
        shutil.rmtree(path, ignore_errors=True)
    print("Removed .venv, the built site and caches. Notebooks, results and downloaded data were left alone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
