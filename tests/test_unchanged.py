"""What `course.py test --changed` leaves out has passed here, with the inputs that it has now."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import unchanged

PLAIN, NAMING, READING = "from neuroevo import ga", "from evidence import ledger", "print(open(Path('x')))"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three notebooks of two cells each, and what they depend on."""
    monkeypatch.setattr(unchanged, "ROOT", tmp_path)
    for name in ("src/neuroevo/ga.py", "src/evidence/ledger.py", "src/coursekit/plain.py", "results/a/run.csv"):
        write(tmp_path / name, "1")
    for name in ("conftest.py", "tests/warm_kernels.py", "pyproject.toml", "constraints.txt"):
        write(tmp_path / name, "1")
    write(tmp_path / "tests/neuroevo/test_ga.py", "import kept")
    write(tmp_path / "tests/neuroevo/test_nets.py", "")
    write(tmp_path / "tests/kept.py", 'read("book")')
    write(tmp_path / "book/intro.md", "1")
    for name, code in {"plain": PLAIN, "naming": NAMING, "reading": READING}.items():
        cells = [{"cell_type": "code", "source": [code, "\n1"]}, {"cell_type": "code", "source": "2"}]
        write(tmp_path / f"notebooks/{name}.ipynb", json.dumps({"cells": cells}))
    monkeypatch.setenv(unchanged.LEFT_OUT, "")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def run(
    kept: dict[str, Any],
    outcomes: dict[str, list[str]],
    changed: bool = False,
    modules: tuple[str, ...] = (),
    keyword: str = "",
    status: int = 0,
) -> set[str]:
    """One run of the tests in which cells have these outcomes and modules pass; what it left out."""
    unchanged._hash_files.cache_clear()
    unchanged._machine.cache_clear()
    cache = SimpleNamespace(get=kept.get, set=kept.__setitem__)
    options = {"changed": changed, "keyword": keyword, "markexpr": ""}
    config = SimpleNamespace(cache=cache, getoption=lambda name, default=None: options[name], args=["tests"])
    plugin = unchanged.Unchanged(config)  # type: ignore[arg-type]
    worker = unchanged.Unchanged(SimpleNamespace(cache=cache, workerinput={}))  # type: ignore[arg-type]
    for name, cells in outcomes.items():
        for i, outcome in enumerate(cells):
            of = {"nodeid": f"notebooks/{name}.ipynb::Cell {i}", "when": "call", "passed": outcome == "passed"}
            plugin.pytest_runtest_logreport(SimpleNamespace(**of))  # type: ignore[arg-type]
    for name in modules:
        of = {"nodeid": f"tests/neuroevo/{name}.py::test_it", "when": "call", "passed": True}
        plugin.pytest_runtest_logreport(SimpleNamespace(**of))  # type: ignore[arg-type]
    plugin.pytest_sessionfinish(status)
    assert plugin.left_out == worker.left_out
    paths = [*(unchanged.ROOT / "notebooks").iterdir(), *(unchanged.ROOT / "tests" / "neuroevo").iterdir()]
    return {path.stem for path in paths if worker.pytest_ignore_collect(path)}


ALL = {name: ["passed", "passed"] for name in ("plain", "naming", "reading")}


def test_what_passed_is_left_out_if_that_is_asked_for(project: Path) -> None:
    kept: dict[str, Any] = {}
    assert run(kept, ALL, changed=True) == set()
    assert run(kept, {}) == set()
    assert run(kept, {}, changed=True) == {"plain", "naming"}


@pytest.mark.parametrize("outcomes", [["passed", "failed"], ["passed"], ["passed", "skipped"]])
def test_what_did_not_pass_whole_runs_again(project: Path, outcomes: list[str]) -> None:
    kept: dict[str, Any] = {}
    run(kept, ALL)
    run(kept, {"plain": outcomes})
    assert run(kept, {}, changed=True) == {"naming"}


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("src/neuroevo/ga.py", set()),
        ("src/neuroevo/new.py", set()),
        ("results/a/run.csv", set()),
        ("constraints.txt", set()),
        ("src/evidence/ledger.py", {"plain"}),
        ("src/coursekit/plain.py", {"plain", "naming"}),
        ("notebooks/plain.ipynb", {"naming"}),
    ],
)
def test_a_change_runs_what_depends_on_it(project: Path, name: str, left_out: set[str]) -> None:
    kept: dict[str, Any] = {}
    run(kept, ALL)
    path = project / name
    write(path, (path.read_text("utf-8") if path.exists() else "") + " ")
    assert run(kept, {}, changed=True) == left_out


def test_another_setting_or_version_runs_everything(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[str, Any] = {}
    run(kept, ALL)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert run(kept, {}, changed=True) == set()
    monkeypatch.undo()
    assert os.environ.get("OMP_NUM_THREADS") != "7"


def test_what_is_edited_while_it_runs_has_not_passed(project: Path) -> None:
    kept: dict[str, Any] = {}
    cache = SimpleNamespace(get=kept.get, set=kept.__setitem__)
    unchanged._hash_files.cache_clear()
    config = SimpleNamespace(cache=cache, getoption=lambda name, default=None: default, args=["tests"])
    plugin = unchanged.Unchanged(config)  # type: ignore[arg-type]
    (project / "src/neuroevo/ga.py").write_text("2", "utf-8")
    for i in range(2):
        of = {"nodeid": f"notebooks/plain.ipynb::Cell {i}", "when": "call", "passed": True}
        plugin.pytest_runtest_logreport(SimpleNamespace(**of))  # type: ignore[arg-type]
    plugin.pytest_sessionfinish(0)
    assert run(kept, {}, changed=True) == set()


MODULES = ("test_ga", "test_nets")


def test_modules_of_tests_that_passed_are_left_out_until_what_they_name_changes(project: Path) -> None:
    kept: dict[str, Any] = {}
    run(kept, {}, modules=MODULES)
    assert run(kept, {}, changed=True) == set(MODULES)
    write(project / "book/intro.md", "2")  # which a helper reads that one of them imports
    assert run(kept, {}, changed=True) == {"test_nets"}
    write(project / "tests/kept.py", "")
    assert run(kept, {}, changed=True) == set()


@pytest.mark.parametrize("how", [{"keyword": "this"}, {"status": 2}])  # 2: interrupted
def test_of_a_module_that_ran_in_part_nothing_is_known(project: Path, how: dict[str, Any]) -> None:
    kept: dict[str, Any] = {}
    run(kept, {}, modules=MODULES, **how)
    assert run(kept, {}, changed=True) == set()
