#!/usr/bin/env python3
"""Descent with Modification: the one door to this course. It sets itself up, then does what it is asked.

To read
  python3 course.py book [--serve]              build the site (and serve it on this machine);
                                                --keep: with the whole book as PDF and EPUB
To study
  python3 course.py lab                         open the labs in JupyterLab
  python3 course.py doctor                      check this machine, and say how to mend what is wrong
  python3 course.py lite [--serve]              build a site on which labs 1 to 3 run in the browser
To find out something yourself
  python3 course.py referee NOTEBOOK            look through the report of your capstone
  python3 course.py ladder FILE                 run a strategy of your own beside chapter 13's; or a FOLDER of them
To teach
  python3 course.py grade CLASS [LAB]           grade what a class has handed in; --new makes the folder of a class;
                                                --mark, --report, --feedback, --export, --similar: what comes after
  python3 course.py variants CLASS [LAB]        labs of each student's own, with other constants and other hidden cases
  python3 course.py quizzes [CHAPTER ...]       the chapters' quizzes, for learning platforms (--qti) or paper (--sheet)
  python3 course.py slides [CHAPTER ...]        slides for a lecture, made from chapters, with notes for the speaker
To doubt
  python3 course.py run NAME [--jobs 2]         make a stored run again, or go on with one that was stopped
  python3 course.py bench [--peers]             measure the package beside simpler code (and other libraries)
To change something
  python3 course.py test [--fast] [ARGS]        run all tests (or what takes under two minutes); ARGS go to pytest
  python3 course.py test --changed              run all but what passed here and depends on no change
  python3 course.py test --numbers              run only what computes: what another processor might change
  python3 course.py test --mutants [LAB]        put faults into right answers: do the labs' checks see them?
  python3 course.py labs [--check]              make labs/ from solutions/; --nbgrader, --otter: for these systems
  python3 course.py execute [FILES]             run notebooks and normalise what is committed
  python3 course.py measure [--before REV]      count what a reader of a chapter meets: words, code, figures, minutes
  python3 course.py clean                       remove what was made here: the environment, builds, caches

After a target, --help lists its options. The first command sets up; --cpu makes that small on Linux (PyTorch without
CUDA: 0.4 GB to download, not 2.9). On Windows, write `py` for `python3`.
"""

from __future__ import annotations

import argparse
import http.server
import os
import shutil
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "src"))

from coursekit.environment import Environment, SetupError  # noqa: E402 - it needs nothing that isn't there yet

COURSE = Environment(ROOT)
PYTHON = COURSE.python
JUPYTER_BOOK = PYTHON.with_name("jupyter-book" + PYTHON.suffix)  # it can't be run by python -m
SITE = ROOT / "_build" / "html"
LITE = ROOT / "_build" / "lite"
# Targets that are commands of a package; their words, --help among them, are read there.
PACKAGES = {
    **dict.fromkeys(
        ("grade", "labs", "execute", "doctor", "measure", "referee", "ladder", "quizzes", "slides", "variants"),
        "coursekit",
    ),
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
    setting_up = argparse.ArgumentParser(add_help=False)
    setting_up.add_argument("--cpu", action="store_true", help="where set-up is due: PyTorch without CUDA, if on Linux")
    add = partial(targets.add_parser, parents=[setting_up], allow_abbrev=False)
    for target, description in (
        ("book", "Build the site."),
        ("lite", "Build a site on which labs 1 to 3 run in a browser, with nothing installed (JupyterLite)."),
    ):
        site = add(target, description=description)
        site.add_argument("--serve", action="store_true", help="then serve it on this machine until Ctrl-C")
        site.add_argument("--port", type=int, default=8000)
        if target == "book":
            site.add_argument("--keep", action="store_true", help="and write the book as PDF (by Chromium) and EPUB")
    test = add("test", description="Run the tests. Other words go to pytest.")
    test.add_argument("--changed", action="store_true", help="leave out what passed here and depends on no change")
    test.add_argument("--fast", action="store_true", help="without the notebooks, the site and what else takes long")
    test.add_argument("--numbers", action="store_true", help="only what computes: processors may differ there")
    test.add_argument("--mutants", action="store_true", help="try the labs' checks on faulty answers; words are labs")
    targets.add_parser("clean", description="Remove the environment, builds and caches; nothing of yours.")
    add("lab", description="Open the labs in JupyterLab. Other words go to JupyterLab.")
    for target in PACKAGES:
        add(target, add_help=False)
    known, rest = parser.parse_known_args()
    if known.target is None:
        parser.print_help()
        return 0
    if rest and known.target in ("book", "lite", "clean"):
        parser.error(f"{known.target} takes no such argument: {' '.join(rest)}")
    os.chdir(ROOT)
    if known.target == "clean":
        return clean()
    try:
        COURSE.set_up(known.cpu)
        if known.target == "book":
            return build_book(known.serve, known.port, known.keep)
        if known.target == "lite":
            return build_lite(known.serve, known.port)
        if known.target == "test":
            return try_mutants(rest) if known.mutants else run_tests(rest, known.fast, known.changed, known.numbers)
        if known.target == "lab":
            return lab(rest)
        return command(known.target, rest)
    except KeyboardInterrupt:
        print("\nstopped; the same command begins again")
        return 130
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def command(target: str, words: list[str]) -> int:
    """A command of one of the packages; what it needs beyond the usual is installed first."""
    if target == "bench" and "--peers" in words:
        print("Installing the other libraries (0.7 GB), once.", flush=True)
        COURSE.install("peers")
    if target == "execute" and not words:
        words = [
            str(path) for folder in ("notebooks", "solutions") for path in sorted(Path(folder).rglob("[!.]*.ipynb"))
        ]
    return COURSE.run(PYTHON, "-m", PACKAGES[target], target, *words)


def build_book(serve: bool, port: int, keep: bool) -> int:
    print("Building the site, a minute or two.", flush=True)
    if keep:
        os.environ["COURSE_KEEP"] = "epub pdf"
    failed = COURSE.run(JUPYTER_BOOK, "build", ".", "-W", "-n", "--keep-going", "--quiet")
    if failed:
        return failed
    print(f"The site is at {SITE / 'index.html'}")
    if serve:
        return serve_site(SITE, port)
    print("Opened as a file, it can't search, and its figures can't be played: --serve shows it with both.")
    return 0


def build_lite(serve: bool, port: int) -> int:
    print("Building the labs for the browser, some seconds.", flush=True)
    COURSE.install("lite")
    failed = COURSE.run(PYTHON, "-m", "coursekit", "lite", LITE)
    return failed or (serve_site(LITE, port) if serve else 0)


def serve_site(site: Path, port: int) -> int:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=site)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        print(f"error: port {port} can't be had ({error.strerror}): name another with --port", file=sys.stderr)
        return 1
    with server:
        print(f"Serving on http://127.0.0.1:{port}/ until Ctrl-C.", flush=True)
        server.serve_forever()
    return 0


def lab(words: list[str]) -> int:
    # JupyterLab asks other hosts for news and newer versions, and asks the student about it: not here.
    settings = COURSE.folder / "etc" / "jupyter" / "labconfig" / "page_config.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}\n', "utf-8")
    # What chapters show as HTML (films, boxes) is alive only where they are trusted.
    COURSE.run(PYTHON, "-m", "coursekit", "trust", *sorted(Path("notebooks").rglob("[!.]*.ipynb")))
    hidden = ["__pycache__", "*.pyc", "*.pyo", ".DS_Store", "*~", "solutions"]
    return COURSE.run(
        *(PYTHON, "-m", "jupyterlab", "--notebook-dir", ".", "--FileContentsManager.preferred_dir=labs"),
        *("--LabApp.default_url=/lab/tree/labs/00_start_here.ipynb", f"--ContentsManager.hide_globs={hidden}"),
        *("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",),
        *("--ServerApp.contents_manager_class=coursekit.quiet_files.QuietFiles", *words),
    )


def run_tests(words: list[str], fast: bool, changed: bool = False, numbers: bool = False) -> int:
    """All of pytest: tests/ and, by nbval, every notebook but the labs, which tests run; one thread a process."""
    left_out = ["--changed"] * changed
    if words and not fast and not numbers:
        return COURSE.run(PYTHON, "-m", "pytest", *words, *left_out)
    n_processes = min(os.cpu_count() or 2, 4) + 1  # some tests wait more than they work
    # loadscope keeps the cells of a notebook, and the tests of a module, on one process and in order.
    together = ("-n", str(n_processes), "--dist", "loadscope", "--no-loadscope-reorder")
    pytest = (PYTHON, "-m", "pytest", *together, "--durations=8")
    one_thread = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"), "TQDM_DISABLE": "1"}
    if fast:
        print("Testing the packages, the labs' checks and the notebooks' form, under two minutes.", flush=True)
        return COURSE.run(*pytest, "-m", "not slow", "tests", *words, **one_thread)
    tests = ["tests/neuroevo", "tests/evidence"] if numbers else ["tests"]
    what = "what computes and" if numbers else "the packages, the labs, the site and"
    print(f"Testing {what} every notebook, several minutes.", flush=True)
    nbval = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=3600")
    return COURSE.run(*pytest, *tests, "notebooks", "solutions", *nbval, *words, *left_out, **one_thread)


def try_mutants(words: list[str]) -> int:
    return COURSE.run(PYTHON, Path("tests", "coursekit", "trying_mutants.py"), *words, OMP_NUM_THREADS="1")


def clean() -> int:
    for name in (".venv", "_build", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".import_linter_cache"):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for path in [*ROOT.glob("src/*.egg-info"), *ROOT.glob("*/**/__pycache__"), *ROOT.glob("*/**/.ipynb_checkpoints")]:
        shutil.rmtree(path, ignore_errors=True)
    if COURSE.folder.exists():
        print(f"error: {COURSE.folder} is another user's, or still in use: not removed", file=sys.stderr)
        return 1
    print("Removed .venv, the built site and caches. Notebooks, results and downloaded data were left alone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
