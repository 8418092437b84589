"""What holds for the house as a whole: its walls, its map, its sizes, docstrings, dependencies, types and style.

`python tests/test_house.py` writes the map in CONTRIBUTING.md anew from the docstrings.
"""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PACKAGES = ("neuroevo", "coursekit", "evidence")
FILES = sorted(path for package in PACKAGES for path in (SOURCE / package).rglob("*.py"))
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
MARKS = ("<!-- map: written by tests/test_house.py -->\n", "<!-- end of map -->")
MOST_LINES, MOST_LINES_OF_NEUROEVO = 400, 4217


def relative(path):
    return path.relative_to(SOURCE).as_posix()


def tool(*words):
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# Walls


def test_walls_and_floors():
    program = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


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
            yield node.module


def distributions(lines):
    return {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in lines}


@cache
def providers():
    """{module: distributions it comes from}, for which every installed one is looked through."""
    # Named here because the extra isn't installed where the tests run; the other optional names are their modules'.
    return {"umap": ["umap-learn"]} | packages_distributions()


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_what_is_imported_is_declared(path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = distributions(project["dependencies"])
    # Notebooks need more: what makes them a course, and what a function does in one, may come from the extra for labs.
    extras = project["optional-dependencies"]
    allowed = needed | distributions(extras["lab"] + extras["notebooks"])
    of_their_own = {"evidence/runs": "runs", "evidence/bench": "peers", "coursekit/grading/similarity": "similarity"}
    for folder, extra in of_their_own.items():
        if relative(path).startswith(folder):
            allowed |= distributions(extras[extra])
    at_once_allowed = needed if relative(path).startswith("neuroevo") else allowed
    at_once = set(imports(path, lazy=False))
    for name in imports(path):
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names | set(PACKAGES):
            declared = at_once_allowed if name in at_once else allowed
            assert distributions(providers().get(top, [top])) & declared, f"{name} is not declared in pyproject.toml"


# Sizes


def n_lines(path):
    return len(path.read_text("utf-8").splitlines())


def test_the_package_for_readers_stays_small():
    assert sum(n_lines(path) for path in FILES if relative(path).startswith("neuroevo/")) <= MOST_LINES_OF_NEUROEVO


def test_a_file_does_one_job():
    assert [f"{relative(path)}: {n_lines(path)}" for path in FILES if n_lines(path) > MOST_LINES] == []


# Words


def public_definitions(node, prefix=""):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child, f"{child.name}.")


def test_programs_that_tests_start_may_take_an_hour():
    """On a busy machine everything takes longer; a limit is for what hangs."""
    calls = [
        (path.name, node.lineno, keyword.value.value)
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "subprocess.run"
        for keyword in node.keywords
        if keyword.arg == "timeout" and isinstance(keyword.value, ast.Constant)
    ]
    assert len(calls) > 3
    assert [call for call in calls if call[2] < 3600] == []


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_what_is_public_says_what_it_is(path):
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    assert [name for name, node in public_definitions(tree) if not ast.get_docstring(node)] == []


def the_map():
    """The packages as a table: every module, and folders of many alike as one, with the first line of its docstring."""
    lines = []
    for package in PACKAGES:
        lines += ["", f"| `src/{package}/` | {first_line(SOURCE / package / '__init__.py')} |", "|---|---|"]
        for path in sorted((SOURCE / package).iterdir()):
            if path.is_dir() and (path / "__init__.py").exists():
                lines.append(f"| `{path.name}/` | {first_line(path / '__init__.py')} |")
            elif path.suffix == ".py" and path.stem != "__init__":
                lines.append(f"| `{path.name}` | {first_line(path)} |")
    return "\n".join([*lines[1:], ""])


def first_line(path):
    line = ast.get_docstring(ast.parse(path.read_text("utf-8"))).partition("\n\n")[0]
    return " ".join(line.split()).replace("|", "\\|")


def test_the_map_is_the_house():
    _, after = CONTRIBUTING.read_text("utf-8").split(MARKS[0])
    assert after.partition(MARKS[1])[0] == the_map(), "run `python tests/test_house.py`"


OLD_NUMPY = Version(version("numpy")) < Version("2.4")


@pytest.mark.slow
@pytest.mark.skipif(OLD_NUMPY, reason="an older NumPy tells other types")
def test_types():
    tool("mypy")


def test_style():
    tool("ruff", "check", "--output-format", "concise", ".")
    tool("ruff", "format", "--check", ".")


if __name__ == "__main__":
    text = CONTRIBUTING.read_text("utf-8")
    before, rest = text.split(MARKS[0])
    CONTRIBUTING.write_text(before + MARKS[0] + the_map() + MARKS[1] + rest.partition(MARKS[1])[2], "utf-8")
