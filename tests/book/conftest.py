"""The site, built once for all tests that look at it, whichever of xdist's processes they run in."""

import os
import re
import sys
from pathlib import Path

import pytest
from building import run
from filelock import FileLock

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, as a fork on a branch called trunk would build it."""
    together = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        together = together.parent  # each process has a folder of its own in it
    folder = together / "site"
    with FileLock(together / "site.lock"):
        if not (folder / "complaints").exists():
            folder.mkdir(exist_ok=True)
            before = os.times()
            start = "from jupyter_book.cli.main import main; main()"
            done = run(
                [
                    sys.executable,
                    "-c",
                    start,
                    "build",
                    str(ROOT),
                    "--path-output",
                    str(folder),
                    "-W",
                    "-n",
                    "--keep-going",
                ],
                COURSE_REPOSITORY="git@github.com:fake-owner/fake-course.git",
                COURSE_BRANCH="trunk",
                NO_COLOR="1",
            )
            *cpu, wall = (new - old for new, old in zip(os.times()[2:], before[2:], strict=True))
            (folder / "seconds").write_text(f"built in {wall:.0f} seconds, {sum(cpu):.0f} of a CPU", encoding="utf-8")
            lines = (done.stdout + done.stderr).splitlines()
            complaints = [line for line in lines if re.search("WARNING:|ERROR:|[eE]rror:|Exception", line)]
            (folder / "complaints").write_text("\n".join(complaints) if done.returncode else "", encoding="utf-8")
    complaints_found = (folder / "complaints").read_text("utf-8")
    assert not complaints_found, complaints_found
    return folder / "_build" / "html"
