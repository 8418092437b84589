"""The table of where the course was tested is what .ci/matrix.py writes, and what it finds in the output of pytest."""

import contextlib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("matrix", ROOT / ".ci" / "matrix.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["matrix"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


matrix = load()
ROW = ["as pinned", "3.11.7", "Linux x86_64, 2 cores", "2.13.0", "2.4.6", "abc1234", "2026-11-29", "9 passed", "8.1"]


def table(page: str) -> list[list[str]]:
    return matrix.rows(page.split(matrix.BEGIN)[1].split(matrix.END)[0])


def test_a_row_replaces_the_one_of_the_same_condition_python_and_system() -> None:
    empty = f"Before\n{matrix.BEGIN}{matrix.END}\nafter\n"
    page = matrix.with_row(empty, ROW)
    assert table(page) == [ROW]
    later = [*ROW[:1], "3.11.9", *ROW[2:7], "10 passed", "8.0"]
    assert table(matrix.with_row(page, later)) == [later]
    other = [ROW[0], "3.13.0", *ROW[2:]]
    assert table(matrix.with_row(page, other)) == [ROW, other]
    busy = ["busy: 4 processes, half the memory", *ROW[1:]]
    bare = ["busy: 4 processes, half the memory + without data", *ROW[1:]]
    pages = matrix.with_row(matrix.with_row(matrix.with_row(page, busy), bare), other)
    assert table(pages) == [ROW, other, busy, bare]
    assert page.startswith("Before\n")
    assert page.endswith("\nafter\n")


def test_conditions_may_be_joined() -> None:
    both = matrix.joined("busy: 4 processes, half the memory + without data + 2 threads + 4 threads")
    assert (both.busy, both.data, both.packages) == (4, False, "pinned")
    assert both.variables == {"OMP_NUM_THREADS": "4"}
    assert all(matrix.joined(name) == condition for name, condition in matrix.CONDITIONS.items())
    with pytest.raises(KeyError, match="3 threads"):
        matrix.joined("without data + 3 threads")


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ("...\n========== 2302 passed, 3 skipped in 755.12s (0:12:35) ==========\n", "2302 passed, 3 skipped"),
        ("== 1 failed, 9 passed, 1 error in 5.0s ==", "1 failed, 9 passed, 1 error"),
        ("9 passed in 0.02s\n", "9 passed"),
        ("error: no network", ""),
    ],
)
def test_the_outcome_is_what_pytest_counted(told: str, outcome: str) -> None:
    assert matrix.summary(told) == outcome


def test_busy_processes_run_until_they_are_no_longer_wanted() -> None:
    with matrix.busy(2, 10_000) as loops:
        assert [loop.poll() for loop in loops] == [None, None]
    assert all(loop.returncode for loop in loops)


@pytest.mark.parametrize(("last", "code"), [(True, 0), (False, 0), (True, 1), (True, 2)])
def test_a_row_is_written_only_if_the_busy_processes_lasted_and_pytest_came_to_its_end(
    last: bool, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before\n{matrix.BEGIN}{matrix.END}", "utf-8")

    @contextlib.contextmanager
    def busy(n_processes: int, n_bytes: int) -> Iterator[list[subprocess.Popen[bytes]]]:
        with kept(n_processes, 10_000) as loops:
            if not last:
                loops[0].kill()  # as the system does when memory is short
                loops[0].wait()
            yield loops

    kept = matrix.busy
    monkeypatch.setattr(matrix.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(matrix, "PAGE", page)
    monkeypatch.setattr(matrix, "busy", busy)
    monkeypatch.setattr(matrix, "tee", lambda command, variables: ("== 9 passed in 1.0s ==\n", code))
    monkeypatch.setattr(matrix.subprocess, "run", lambda *words, **more: subprocess.CompletedProcess(words, 0, "", ""))
    monkeypatch.setattr(sys, "argv", ["matrix.py", "busy: 4 processes, half the memory"])
    written = last and code < 2
    assert matrix.main() == (0 if written else 1)
    assert [row[7] for row in table(page.read_text("utf-8"))] == (["9 passed"] if written else [])
    assert ("1 of the processes" in capsys.readouterr().out) != last


@pytest.mark.parametrize("name", matrix.PINS)
def test_what_is_left_out_with_other_packages_is_there(name: str) -> None:
    """pytest says nothing of a test that it is to leave out and that isn't there."""
    path, _, function = name.partition("::")
    assert f"def {function}(" in (ROOT / path).read_text("utf-8")
