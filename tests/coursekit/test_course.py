"""The one door: what it says, where words go, and that every target's program is there."""

import http.server
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from coursekit.environment import Environment, SetupError

COURSE = Path(__file__).parents[2] / "course.py"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """course.py as a module that believes to live in an empty folder, and only writes down what it would run."""
    spec = importlib.util.spec_from_file_location("course", COURSE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ROOT, module.COURSE = tmp_path, Environment(tmp_path)
    module.ran = []

    def run(*command: str | Path, **environment: str) -> int:
        module.ran.append([str(word) for word in command])
        return 0

    monkeypatch.setattr(module.COURSE, "run", run)
    monkeypatch.setattr(module.COURSE, "set_up", lambda cpu: module.ran.append(f"set up {cpu}"))
    monkeypatch.setattr(module.COURSE, "install", lambda extra: module.ran.append(f"install {extra}"))
    monkeypatch.chdir(tmp_path)
    return module


def test_clean_removes_what_was_made_and_nothing_else(course: ModuleType) -> None:
    for name in (".venv/lib", "_build/html", "notebooks", "results/.work"):
        (course.ROOT / name).mkdir(parents=True)
    course.clean()
    assert sorted(path.name for path in course.ROOT.iterdir()) == [*("notebooks", "results")]


def test_clean_says_what_it_could_not_remove(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (course.ROOT / ".venv").mkdir()
    monkeypatch.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
    assert course.clean() == 1
    assert ".venv is another user's" in capsys.readouterr().err


def test_what_stops_the_set_up_is_one_line(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def set_up(cpu: bool) -> None:
        raise SetupError("the disk is full")

    monkeypatch.setattr(course.COURSE, "set_up", set_up)
    monkeypatch.setattr(sys, "argv", ["course.py", "book"])
    assert course.main() == 1
    assert capsys.readouterr().err == "error: the disk is full\n"
    assert course.ran == []


def test_a_port_that_is_taken_is_told(course: ModuleType, capsys: pytest.CaptureFixture) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        assert course.build_book(serve=True, port=other.server_port, keep=False) == 1
    assert "name another with --port" in capsys.readouterr().err


def test_whoever_opens_the_site_as_a_file_is_told_what_is_dead_there(
    course: ModuleType, capsys: pytest.CaptureFixture
) -> None:
    assert course.build_book(serve=False, port=0, keep=False) == 0
    assert "--serve shows it with both" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("4", "4")])
def test_tests_use_one_thread_unless_told_otherwise(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, given: str | None, expected: str
) -> None:
    variables = {}
    monkeypatch.setattr(course.COURSE, "run", lambda *command, **more: variables.update(more) or 0)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    course.run_tests([], fast=False)
    assert variables["OMP_NUM_THREADS"] == expected


def test_numbers_are_every_notebook_and_the_packages_that_compute(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(course.COURSE, "run", lambda *command, **more: called.extend(map(str, command)) or 0)
    course.run_tests([], fast=False, numbers=True)
    assert {"tests/neuroevo", "tests/evidence", "notebooks", "solutions", "--nbval"} <= set(called)
    assert "tests" not in called


@pytest.mark.parametrize(
    "words",
    [["jupyter-book"], ["python", "-m", "jupyterlab"], ["python", "-m", "coursekit"], ["python", "-m", "evidence"]],
)
def test_the_programs_that_it_calls_are_there(words: list[str]) -> None:
    folder, suffix = Path(sys.executable).parent, Path(sys.executable).suffix
    done = subprocess.run([folder / (words[0] + suffix), *words[1:], "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("run ladder --jobs 2 --size smoke", ["-m", "evidence", "run", "ladder", "--jobs", "2", "--size", "smoke"]),
        (
            "grade myclass 01 --jobs 2",
            ["-m", "coursekit", "grade", "myclass", "01", "--jobs", "2"],
        ),
        ("bench --help", ["-m", "evidence", "bench", "--help"]),
        ("test tests/neuroevo -x", ["-m", "pytest", "tests/neuroevo", "-x"]),
        ("run ladder --cpu --jobs 2", ["-m", "evidence", "run", "ladder", "--jobs", "2"]),
    ],
)
def test_words_reach_the_command(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["course.py", *line.split()])
    assert course.main() == 0
    assert course.ran[0] == f"set up {'--cpu' in line}"
    assert course.ran[-1][1:] == expected


def test_other_libraries_are_installed_before_they_are_measured(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["course.py", "bench", "--peers"])
    course.main()
    assert course.ran[-2] == "install peers"
    assert course.ran[-1][1:] == ["-m", "evidence", "bench", "--peers"]


def test_without_a_target_it_says_what_it_can_do(course: ModuleType) -> None:
    done = subprocess.run([sys.executable, COURSE], capture_output=True, text=True)
    assert done.returncode == 0
    for target in (*course.PACKAGES, "book", "lite", "lab", "test", "clean"):
        assert f"  python3 course.py {target} " in done.stdout


def test_lite_installs_what_it_needs_first(course: ModuleType) -> None:
    assert course.build_lite(serve=False, port=8000) == 0
    assert course.ran[0] == "install lite"
    assert course.ran[1][1:4] == ["-m", "coursekit", "lite"]


def test_an_unknown_target_is_refused() -> None:
    done = subprocess.run([sys.executable, COURSE, "boook"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "invalid choice: 'boook'" in done.stderr


def test_the_lab_opens_on_its_start_page_trusts_chapters_and_asks_about_no_news(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course.ROOT / "notebooks").mkdir()
    (course.ROOT / "notebooks" / "01_a.ipynb").touch()
    monkeypatch.setattr(sys, "argv", ["course.py", "lab", "--no-browser"])
    assert course.main() == 0
    _, trust, lab = course.ran
    assert trust[1:] == ["-m", "coursekit", "trust", str(Path("notebooks", "01_a.ipynb"))]
    assert "--LabApp.default_url=/lab/tree/labs/00_start_here.ipynb" in lab
    assert lab[-1] == "--no-browser"
    settings = json.loads((course.COURSE.folder / "etc/jupyter/labconfig/page_config.json").read_text("utf-8"))
    assert settings["disabledExtensions"] == {"@jupyterlab/apputils-extension:announcements": True}
