"""The table of where the course was tested is what .ci/matrix.py writes, and what it finds in the output of pytest."""

import importlib.util
import sys
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
    assert table(matrix.with_row(matrix.with_row(page, busy), other)) == [ROW, other, busy]
    assert page.startswith("Before\n")
    assert page.endswith("\nafter\n")


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
