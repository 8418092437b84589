"""Building the site in a process of its own, without what this machine says of the course."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("COURSE_")}
    return subprocess.run(command, env=given | environment, capture_output=True, text=True, timeout=10_800)


def build_site(folder: Path) -> tuple[list[str], str]:
    """Build the site below a folder, as a fork on a branch called trunk would: what was said, and how long it took.

    Raises an AssertionError with the complaints if it fails.
    """
    before = os.times()
    start = "from jupyter_book.cli.main import main; main()"
    words = ["build", str(ROOT), "--path-output", str(folder), "-W", "-n", "--keep-going"]
    done = run(
        [sys.executable, "-c", start, *words],
        COURSE_REPOSITORY="git@github.com:fake-owner/fake-course.git",
        COURSE_BRANCH="trunk",
        NO_COLOR="1",
    )
    *cpu, wall = (new - old for new, old in zip(os.times()[2:], before[2:], strict=True))
    said = (done.stdout + done.stderr).splitlines()
    complaints = [line for line in said if re.search("WARNING:|ERROR:|[eE]rror:|Exception", line)]
    assert done.returncode == 0, "\n".join(complaints or said[-20:])
    return said, f"built in {wall:.0f} seconds, {sum(cpu):.0f} of a CPU"
