"""All mutants of the labs' right answers before their checks: `python3 course.py test --mutants [LAB ...]`.

Right answers are those of solutions/ and, in other words, those of wrong_answers/. A mutant that passes and is no fault
stands, with the reason, in equivalent_mutants.toml; any other that passes is a hole in its check.
Then right answers stand in whole notebooks, and are judged on a busy machine (trying_right_answers.py).
With --keep the rows of the labs that were tried are written into the table of book/checks.md, with the commit.
"""

import argparse
import importlib.util
import inspect
import io
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib as mpl
import pytest

from coursekit.labs import lab_of
from coursekit.mutants import Outcome, table, try_mutants
from coursekit.notebooks import read_notebook

HERE = Path(__file__).parent
SOLUTIONS = sorted((HERE.parents[1] / "solutions").glob("*.ipynb"))
BROKEN = sorted((HERE.parents[1] / "solutions" / "broken").glob("*.ipynb"))
EQUIVALENT = tomllib.loads((HERE / "equivalent_mutants.toml").read_text("utf-8"))
PAGE = HERE.parents[1] / "book" / "checks.md"
COLUMNS = "| lab | mutants | no faults | in the answers | by an error | generic | passed | fault named | tried at |"
TIME_LIMIT = 4.0  # seconds for a mutant that never ends; the slowest right answer takes less than one


def answers(path: Path) -> ModuleType:
    """The module of named wrong and right answers to a lab."""
    name = f"lab{path.name[:2]}"
    spec = importlib.util.spec_from_file_location(f"wrong_answers_{name}", HERE / "wrong_answers" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Answer = tuple[str, str, dict[str, Any], str]
"""(exercise, source, the names it needs, its function)."""


def in_other_words(path: Path) -> Iterator[Answer]:
    """A lab's right answers beside the solution, those of whose source nothing is missing."""
    named = answers(path)
    for number, functions in named.RIGHT.items():
        for function in functions:
            if inspect.isfunction(function) and not function.__closure__ and function.__name__ != "<lambda>":
                yield number, inspect.getsource(function), vars(named), function.__name__


def right_answers(path: Path) -> Iterator[Answer]:
    """All of a lab's right answers: the solutions, then the others."""
    lab, namespace = lab_of(path), {}
    cells = [cell.source for cell in read_notebook(path).cells if cell.cell_type == "code"]
    with mpl.rc_context({"backend": "agg"}), redirect_stdout(io.StringIO()):
        for source in cells:
            if "lab.passed(" not in source and "lab.check(" not in source:
                exec(compile(source, path.name, "exec"), namespace)
    for number, exercise in lab.exercises.items():
        if exercise.automatic:
            (source,) = (cell for cell in cells if f"def {exercise.function}(" in cell)
            yield number, source, namespace, exercise.function
    yield from in_other_words(path)


def try_lab(path: Path, every: int = 1) -> list[Outcome]:
    """What the checks of a lab say to each mutant of its right answers, or to one in so many."""
    lab = lab_of(path)
    lab.time_limit = TIME_LIMIT
    tried = partial(try_mutants, lab, choose=lambda mutants: mutants[::every])
    found = [outcome for number, *answer in right_answers(path) for outcome in tried(number, *answer)]
    return sorted(found, key=lambda outcome: [int(part) for part in outcome.exercise.split(".")])


def holes(outcomes: list[Outcome]) -> list[Outcome]:
    """The mutants that pass and have no reason to."""
    return [o for o in outcomes if o.kind == "passed" and o.mutant.name not in EQUIVALENT.get(o.exercise, {})]


def row(lab: str, outcomes: list[Outcome], commit: str) -> list[str]:
    """A lab's line in the table of book/checks.md; whatever names a fault and isn't an error's text is the answers'."""
    named = [outcome for outcome in outcomes if outcome.kind == "named"]
    by_error = sum(outcome.message.startswith("your code stopped") for outcome in named)
    no_faults = sum(o.kind == "passed" and o.mutant.name in EQUIVALENT.get(o.exercise, {}) for o in outcomes)
    generic = sum(outcome.kind in ("difference", "stopped") for outcome in outcomes)
    counts = (len(outcomes), no_faults, len(named) - by_error, by_error, generic, len(holes(outcomes)))
    return [str(int(lab)), *map(str, counts), commit]


def with_rows(page: str, new: list[list[str]]) -> str:
    """The page with these rows in its table, in place of those of the same labs, and all of them in the last one."""
    before, table, after = re.split(rf"{re.escape(COLUMNS)}\n((?:\|.*\n)*)", page)
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()[1:-1]]
    rows = {line[0]: [*line[:-2], line[-1]] for line in lines} | {line[0]: line for line in new}
    kept = sorted(rows.values(), key=lambda line: int(line[0]))
    sums = [str(sum(int(line[i]) for line in kept)) for i in range(1, 7)]
    told = [[*line[:-1], share(line), line[-1]] for line in [*kept, ["all", *sums, ""]]]
    written = "".join(f"| {' | '.join(line)} |\n" for line in told)
    return f"{before}{COLUMNS}\n{'|---' * 9}|\n{written}{after}"


def share(line: list[str]) -> str:
    mutants, no_faults, in_answers, by_error, _, passed = map(int, line[1:7])
    return f"{(in_answers + by_error) / max(1, mutants - no_faults - passed):.0%}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 course.py test --mutants", description=__doc__)
    parser.add_argument("labs", nargs="*", help="numbers, such as 03; default: all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="try one mutant in so many")
    parser.add_argument("--show", choices=["passed", "named", "difference", "stopped"], default="passed")
    parser.add_argument("--keep", action="store_true", help="write the rows into book/checks.md")
    parser.add_argument("--no-details", action="store_true", help="the table alone")
    known = parser.parse_args()
    numbers = {path.name[:2]: path for path in SOLUTIONS + BROKEN}
    if odd := [lab for lab in known.labs if lab.zfill(2) not in numbers]:
        parser.error(f"no lab has the number {odd[0]}")
    if known.keep and known.every > 1:
        parser.error("--keep wants all mutants")
    chosen = [numbers[number] for number in (sorted({lab.zfill(2) for lab in known.labs}) or numbers)]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True).stdout
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(known.jobs) as pool:
        for path, found in zip(chosen, pool.map(partial(try_lab, every=known.every), chosen), strict=True):
            print(f"{path.stem}: {len(found)} mutants, {len(holes(found))} holes", file=sys.stderr, flush=True)
            outcomes += found
            if known.keep:
                row_of = row(path.name[:2], found, commit.strip())
                PAGE.write_text(with_rows(PAGE.read_text("utf-8"), [row_of]), "utf-8")
    if not known.no_details:
        shown = holes(outcomes) if known.show == "passed" else [o for o in outcomes if o.kind == known.show]
        for one in shown:
            print(one.exercise, one.mutant.name, *([f"\n      {one.message}"] if one.message else []))
    print(table(outcomes, EQUIVALENT), flush=True)
    whole = [str(HERE / "trying_right_answers.py"), "-q", "-n", str(known.jobs)]
    failed = pytest.main([*whole, "-k", " or ".join(path.stem for path in chosen)])
    return 1 if holes(outcomes) or failed else 0


if __name__ == "__main__":
    sys.exit(main())
