"""What holds for the package as a whole: its floors, its docstrings, its dependencies, its types and its style."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "neuroevo"
FILES = sorted(PACKAGE.rglob("*.py"))

# A module imports only from floors below its own. (`_mnist`, `_cifar` and `_letters` hold what is behind data sets.)
FLOORS = [
    {"_mnist", "_letters", "stats"},
    {"_cifar", "_fashion"},
    {"nets", "data", "budget", "plots", "ledger", "results"},
    {"ga", "descent", "backprop"},
    {"genreg", "neurons", "strategies", "search", "workers"},
    {"checks", "notebooks"},
    {"grade", "bench", "doctor", "experiments"},
    {"__main__"},
]
FACES = set.union(*FLOORS[5:])
# The only steps within the ground floor.
GROUND_STEPS = {
    ("_cifar", "_mnist"),
    ("_fashion", "_mnist"),
    ("data", "_fashion"),
    ("data", "_mnist"),
    ("data", "_letters"),
    ("plots", "stats"),
}


def module_of(path):
    """A folder of the package is one module of these floors."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path, *, lazy=True):
    """Every module that a file imports, as dotted names; with `lazy`, also inside functions."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = set() if lazy else {node for function in functions for node in ast.walk(function)}
    for node in nodes:
        if node in inside:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            if node.module == "neuroevo":
                yield from (f"neuroevo.{alias.name}" for alias in node.names)
            else:
                yield node.module


def floor_of(module):
    (floor,) = [i for i, modules in enumerate(FLOORS) if module in modules]
    return floor


def relative(path):
    return path.relative_to(PACKAGE).as_posix()


def test_every_module_has_a_floor():
    modules = {module_of(path) for path in FILES} - {"__init__"}
    assert modules == set.union(*FLOORS)


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_go_down(path):
    module = module_of(path)
    used = {name.split(".")[1] for name in imports(path) if name.startswith("neuroevo.")} - {module}
    if module == "__init__":
        assert not used
        return
    assert [other for other in used if floor_of(other) >= floor_of(module)] == []
    if floor_of(module) < 3:
        assert {(module, other) for other in used} <= GROUND_STEPS


def distributions(lines):
    return {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in lines}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_what_is_imported_is_declared(path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = distributions(project["dependencies"])
    # Notebooks need more: what runs them, and what a function does in one, may come from the extra for the labs.
    extras = project["optional-dependencies"]
    allowed = needed | distributions(extras["lab"])
    for module, extra in (("experiments", "runs"), ("bench", "peers")):
        if module_of(path) == module:
            allowed |= distributions(extras[extra])
    # Named here because the extra isn't installed where the tests run; the other optional names are their modules'.
    providers = {"umap": ["umap-learn"]} | packages_distributions()
    at_once = set(imports(path, lazy=False))
    for name in imports(path):
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names | {"neuroevo"}:
            declared = needed if name in at_once and module_of(path) not in FACES else allowed
            assert distributions(providers.get(top, [top])) & declared, f"{name} is not declared in pyproject.toml"


def public_definitions(node, prefix=""):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child, f"{child.name}.")


@pytest.mark.parametrize("path", [path for path in FILES if not re.match("_[^_]", path.name)], ids=relative)
def test_what_is_public_says_what_it_is(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    assert [name for name, node in public_definitions(tree) if not ast.get_docstring(node)] == []


def tool(*words):
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_types():
    tool("mypy")


def test_style():
    tool("ruff", "check", "--output-format", "concise", ".")
    tool("ruff", "format", "--check", ".")
