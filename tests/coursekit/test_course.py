"""The one door: set-up happens once, old Pythons are told, and every target's program is there."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

COURSE = Path(__file__).parents[2] / "course.py"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """course.py as a module that believes to live in an empty folder, and only writes down what it would run."""
    spec = importlib.util.spec_from_file_location("course", COURSE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, content in (("pyproject.toml", "a"), ("constraints.txt", "b")):
        (tmp_path / name).write_text(content)
    module.ROOT, module.VENV, module.STAMP = tmp_path, tmp_path / ".venv", tmp_path / ".venv" / "stamp.txt"
    module.PYTHON = module.VENV / "python"
    module.ran = []

    def run(*command: str | Path, **environment: str) -> int:
        module.ran.append([str(word) for word in command])
        module.VENV.mkdir(exist_ok=True)
        module.PYTHON.touch()
        return 0

    monkeypatch.setattr(module, "run", run)
    monkeypatch.chdir(tmp_path)
    return module


def test_set_up_runs_once_and_again_when_its_inputs_change(course: ModuleType, capsys: pytest.CaptureFixture) -> None:
    course.set_up()
    assert [command[1:3] for command in course.ran] == [["-m", "venv"], ["-m", "pip"]]
    assert "Setting up .venv" in capsys.readouterr().out
    course.set_up()
    assert len(course.ran) == 2
    (course.ROOT / "constraints.txt").write_text("c")
    course.set_up()
    assert [command[1:3] for command in course.ran[2:]] == [["-m", "pip"]]


def test_a_moved_folder_gets_a_new_environment(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    course.set_up()
    (course.VENV / "old").touch()
    course.STAMP.write_text(f"3.11 elsewhere\n{course.STAMP.read_text().splitlines()[1]}")
    course.set_up()
    assert not (course.VENV / "old").exists()
    assert [command[1:3] for command in course.ran[2:]] == [["-m", "venv"], ["-m", "pip"]]


def test_a_failed_installation_is_tried_again(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    succeed = course.run
    monkeypatch.setattr(course, "run", lambda *command, **_: succeed(*command) or int("pip" in command))
    with pytest.raises(course.SetupError, match="the same command tries again"):
        course.set_up()
    assert not course.STAMP.exists()


def test_an_old_python_is_told(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ast.parse(COURSE.read_text("utf-8"), feature_version=(3, 8))  # else it would only see a syntax error
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    monkeypatch.setattr(sys, "version", "3.10.1 (main)")
    with pytest.raises(course.SetupError, match=r"this is Python 3\.10\.1; the course needs 3\.11"):
        course.set_up()


def test_clean_removes_what_was_made_and_nothing_else(course: ModuleType) -> None:
    for name in (".venv/lib", "_build/html", "notebooks", "results/.work"):
        (course.ROOT / name).mkdir(parents=True)
    course.clean()
    assert sorted(path.name for path in course.ROOT.iterdir()) == [
        *("constraints.txt", "notebooks", "pyproject.toml", "results")
    ]


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
            "grade 01 submissions --out marks.csv",
            ["-m", "coursekit", "grade", "01", "submissions", "--out", "marks.csv"],
        ),
        ("bench --help", ["-m", "evidence", "bench", "--help"]),
        ("test tests/neuroevo -x", ["-m", "pytest", "tests/neuroevo", "-x"]),
    ],
)
def test_words_reach_the_command(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["course.py", *line.split()])
    assert course.main() == 0
    assert course.ran[-1][1:] == expected


def test_other_libraries_are_installed_before_they_are_measured(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["course.py", "bench", "--peers"])
    course.main()
    assert course.ran[-2][-1] == ".[peers]"
    assert course.ran[-1][1:] == ["-m", "evidence", "bench", "--peers"]


def test_without_a_target_it_says_what_it_can_do(course: ModuleType) -> None:
    done = subprocess.run([sys.executable, COURSE], capture_output=True, text=True)
    assert done.returncode == 0
    for target in (*course.PACKAGES, "book", "lab", "test", "clean"):
        assert f"  python3 course.py {target} " in done.stdout


def test_an_unknown_target_is_refused() -> None:
    done = subprocess.run([sys.executable, COURSE, "boook"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "invalid choice: 'boook'" in done.stderr
