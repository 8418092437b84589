"""The labs for the browser: what they import, what a browser lacks, and the site that JupyterLite makes of them."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coursekit import lite
from coursekit.feedback import Lab, Status, Student, refuse, running, surroundings
from coursekit.labs import lab_of

ROOT = Path(__file__).parents[2]

# Runs the cells of a notebook where some modules can't be imported, and no thread and no process can be had.
BROWSER = """
import json, os, subprocess, sys, threading

class Browser:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"no {name} in a browser", name=name)

def refused(*_, **__):
    raise RuntimeError("can't start new thread")

notebook, wheel, *absent = sys.argv[1:]
sys.meta_path.insert(0, Browser)
sys.path.insert(0, wheel)
threading.Thread.start = subprocess.Popen.__init__ = os.fork = refused
shared = {"__name__": "__main__"}
for cell in json.loads(open(notebook, encoding="utf-8").read())["cells"]:
    if cell["cell_type"] == "code":
        exec("".join(cell["source"]), shared)
"""


def with_needed(names: Iterable[str]) -> set[str]:
    """Distributions and what they need, as far as it is installed here."""
    found, ahead = set(), [canonicalize_name(name) for name in names]
    while ahead:
        found.add(name := ahead.pop())
        needs = [Requirement(line) for line in requires(name) or []]
        names = [canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate()]
        ahead += [name for name in names if name not in found]
    return found


def in_a_browser(notebook: Path, folder: Path) -> str:
    wheel = lite.course_wheel(ROOT / "src", folder)
    loaded = with_needed(lite.PACKAGES) | {"neuroevo"}
    absent = [
        top for top, names in packages_distributions().items() if not {canonicalize_name(n) for n in names} & loaded
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", BROWSER, notebook, wheel, *absent]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", lite.LABS)
def test_right_answers_pass_with_what_a_browser_has(name: str, tmp_path: Path) -> None:
    said = in_a_browser(ROOT / "solutions" / f"{name}.ipynb", tmp_path)
    automatic = [number for number, exercise in lab_of(name).exercises.items() if exercise.automatic]
    assert re.findall(r"^PASS (\S+)", said, re.MULTILINE) == automatic


@pytest.mark.slow
def test_other_labs_need_what_a_browser_lacks(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no torch in a browser"):
        in_a_browser(ROOT / "solutions" / "05_a_genetic_algorithm.ipynb", tmp_path)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)


@pytest.mark.usefixtures("no_threads")
def test_without_threads_an_endless_loop_is_stopped_all_the_same(capsys: pytest.CaptureFixture) -> None:
    lab = Lab(9, "Nine", time_limit=0.2)

    @lab.exercise("9.1", "double(x)", title="Double", points=3)
    def _(student: Student) -> None:
        refuse(student(2) != 4, "2 gives no 4")

    def endless(x: int) -> int:
        while True:
            x += 1

    def chatty(x: int) -> int:
        while True:
            print(x)

    def double(x: int) -> int:
        return 2 * x

    before = sys.gettrace()
    for function in (endless, chatty):
        verdict = lab.judge("9.1", function)
        assert verdict.status is Status.TRY_AGAIN
        assert "was not finished after 0.2 seconds and was stopped" in verdict.message
    assert len(capsys.readouterr().out.splitlines()) == surroundings.N_LINES + 1
    assert lab.judge("9.1", double).status is Status.PASS
    assert lab.judge("9.1", lambda x: x).status is Status.TRY_AGAIN
    assert sys.gettrace() is before


@pytest.mark.usefixtures("no_threads")
def test_without_threads_what_the_work_raises_is_raised() -> None:
    def work() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        running.run_limited(work, 5)


@pytest.mark.slow
def test_the_site_holds_the_labs_and_names_whom_it_asks(tmp_path: Path) -> None:
    pytest.importorskip("jupyterlite_core", reason="JupyterLite is installed by `python3 course.py lite`")
    first = lite.build(ROOT, tmp_path / "lite").read_text("utf-8")
    assert sorted(path.stem for path in (tmp_path / "lite" / "files").iterdir()) == sorted(lite.LABS)
    listed = json.loads((tmp_path / "lite" / "api" / "contents" / "all.json").read_text("utf-8"))["content"]
    assert sorted(entry["name"] for entry in listed) == [f"{name}.ipynb" for name in lite.LABS]
    assert re.findall(r'href="([^"]+)"', first) == [f"lab/index.html?path={name}.ipynb" for name in lite.LABS]
    assert "cdn.jsdelivr.net" in first
    assert not re.search(r"\ssrc=|<link", first)
    assert '<script id="jupyter-config-data"' in first  # without it JupyterLite's own pages stay empty
    config = json.loads((tmp_path / "lite" / "jupyter-lite.json").read_text("utf-8"))["jupyter-config-data"]
    kernel = config["litePluginSettings"]["@jupyterlite/pyodide-kernel-extension:kernel"]
    assert kernel["pyodideUrl"].startswith(lite.PYODIDE)
    script = tmp_path / "lite" / "extensions" / "@jupyterlite" / "pyodide-kernel-extension" / "static"
    wheels = [(script / package).resolve() for package in kernel["loadPyodideOptions"]["packages"] if "/" in package]
    assert len(wheels) == 2
    assert all(wheel.is_file() for wheel in wheels)
