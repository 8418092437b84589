"""The cell that the setup page gives to Colab: does nothing elsewhere, and brings there what every notebook needs."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
NOTEBOOKS = [path for folder in ("notebooks", "labs", "solutions") for path in (ROOT / folder).rglob("[!.]*.ipynb")]
OURS = {"neuroevo", "coursekit", "evidence"}


class Shell:
    """Writes down what a cell would have done."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def system(self, command: str) -> None:
        self.did.append(command)

    def run_line_magic(self, name: str, words: str) -> None:
        self.did.append(f"%{name} {words}")


def run_cell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the cell did; the path of imports is restored afterwards."""
    page = (ROOT / "book" / "setup.md").read_text("utf-8")
    (cell,) = re.findall(r"```ipython3\n(.*?)```", page, re.DOTALL)
    shell = Shell()
    monkeypatch.setattr(sys, "path", sys.path.copy())
    exec(TransformerManager().transform_cell(cell), {"get_ipython": lambda: shell})
    return shell.did


def test_it_does_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sys.path.copy()
    assert run_cell(monkeypatch) == []
    assert sys.path == before


def test_in_colab_it_fetches_and_installs_the_course(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    clone, install = run_cell(monkeypatch)
    folder = clone.split()[-1]
    assert clone.split()[:2] == ["git", "clone"]
    assert clone.split()[-2] == "COURSE_REPOSITORY"
    assert re.fullmatch(rf'%pip install .*--editable "{folder}\[notebooks\]"', install)
    # What is imported lies in the clone, so stored runs are found beside it.
    assert sys.path[0] == f"{folder}/src"


def imported(notebook: Path) -> set[str]:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    nodes = [node for source in sources for node in ast.walk(ast.parse(TransformerManager().transform_cell(source)))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def test_what_it_installs_is_what_the_notebooks_import() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = project["dependencies"] + project["optional-dependencies"]["notebooks"]
    installed = {canonicalize_name(Requirement(line).name) for line in lines} | {"dask"}  # distributed brings it
    providers = packages_distributions()
    needed = set().union(*map(imported, NOTEBOOKS)) - sys.stdlib_module_names - OURS
    assert {"cma", "distributed", "gymnasium"} <= needed
    missing = {name for name in needed if not {canonicalize_name(n) for n in providers.get(name, [name])} & installed}
    assert not missing
