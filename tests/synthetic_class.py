"""A class that doesn't exist, with the marks that it deserves: solutions, right answers in other words, named wrong
answers, mutants, damaged and hostile notebooks, in one zip file as Canvas makes it.

    python tests/synthetic_class.py CLASS --lab 10 --students 300      # makes CLASS
    python3 course.py grade CLASS 10 --jobs 2
    python tests/synthetic_class.py CLASS --lab 10 --compare           # tells every mark that isn't as deserved
"""

import argparse
import importlib.util
import inspect
import io
import json
import random
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hostile import HOSTILE, cells_of

from coursekit import grade
from coursekit.feedback import Status
from coursekit.grading.record import Record
from coursekit.labs import lab_of
from coursekit.mutants import mutants_of
from coursekit.mutants.operators import HELPERS
from coursekit.notebooks import write_atomically

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("trying_mutants", ROOT / "tests" / "coursekit" / "trying_mutants.py")
assert _SPEC
assert _SPEC.loader
_trying = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_trying)
ENDLESS = "was not finished"  # such an answer costs its time limit twice: a few of the hostile ones do that
SHARES = {"solution": 30, "other words": 12, "named": 18, "mutants": 12, "damaged": 8, "hostile": 20}


@dataclass
class Deserved:
    """What a student handed in, the points that each exercise deserves, and what the notes must match.

    `any_mark`: it harms itself.
    """

    kind: str
    points: dict[str, int]
    notes: str = ""
    any_mark: bool = False


@dataclass
class Maker:
    """Makes hand-ins for one lab, from its solution and its named answers."""

    solution: Path
    seed: int = 0
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.lab = lab_of(self.solution)
        self.numbers = [n for n, e in self.lab.exercises.items() if e.automatic]
        self.whole = json.loads(self.solution.read_text("utf-8"))
        self.code = ["".join(c["source"]) for c in self.whole["cells"] if c["cell_type"] == "code"]
        self.first = self.code[0]
        self.named = _trying.answers(self.solution)
        self.sources: dict[str, str] = {}
        self.names: dict[str, Any] = {}
        for number, source, names, function in _trying.right_answers(self.solution):
            if function == self.lab.exercises[number].function and number not in self.sources:
                self.sources[number], self.names = source, names
        self._mutants = {n: mutants_of(s, self.lab.exercises[n].function) for n, s in self.sources.items()}
        self._hostile = list(HOSTILE)
        self._damages = list(_DAMAGES)

    def points(self, *without: str) -> dict[str, int]:
        """Full points, but none for some exercises."""
        return {n: 0 if n in without else self.lab.exercises[n].points for n in self.numbers}

    def make(self, kind: str, nth: int) -> tuple[bytes, Deserved]:
        """The nth hand-in of a kind: the contents of its file, and what it deserves."""
        match kind:
            case "solution":
                return _file(self.whole), Deserved(kind, self.points())
            case "other words":
                chosen = {n: ("RIGHT", self.rng.randrange(len(self.named.RIGHT[n]))) for n in self.numbers}
                return self._written(chosen), Deserved(kind, self.points())
            case "named":
                some = {n: [i for i, a in enumerate(self.named.WRONG[n]) if ENDLESS not in a[-1]] for n in self.numbers}
                wrong = {n: ("WRONG", self.rng.choice(some[n])) for n in self.numbers if self.rng.random() < 0.7}
                right = {n: ("RIGHT", 0) for n in self.numbers if n not in wrong}
                told = ", ".join(_name(self.named.WRONG[n][i][0]) for n, (_, i) in wrong.items())
                return self._written(wrong | right), Deserved(f"{kind}: {told}", self.points(*wrong))
            case "mutants":
                return self._mutated()
            case "damaged":
                name = self._damages[nth % len(self._damages)]
                data, missing, notes = _DAMAGES[name](self)
                return data, Deserved(f"{kind}: {name}", self.points(*missing), notes)
            case "hostile":
                name = self._hostile[nth % len(self._hostile)]
                one = HOSTILE[name]
                cells = cells_of(one, self.lab, self.first, list(self._right_cells()))
                deserved = self.points(*(self.numbers if one.forges or one.hits_itself else ()))
                return _file(_notebook(cells)), Deserved(f"{kind}: {name}", deserved, one.notes, one.hits_itself)
        raise ValueError(kind)

    def _right_cells(self) -> Iterator[str]:
        for number, source in self.sources.items():
            yield source
            yield f'lab.check("{number}", {self.lab.exercises[number].function})'

    def _written(self, chosen: dict[str, tuple[str, int]]) -> bytes:
        """A notebook with these answers of the module of named ones."""
        cells = [self.first, inspect.getsource(self.named)]
        for number, (table, place) in chosen.items():
            name = self.lab.exercises[number].function
            pick = f"answer = {table}['{number}'][{place}]\n{name} = answer[0] if isinstance(answer, tuple) else answer"
            cells += [pick, f'lab.check("{number}", {name})']
        return _file(_notebook([*cells, "lab.score()"]))

    def _mutated(self) -> tuple[bytes, Deserved]:
        """A notebook with a mutant in each place; it deserves what its check says here, in one process."""
        cells, told, missing = [self.first, HELPERS], [], []
        names = dict(self.names)  # as in the notebook: a later exercise finds the earlier ones' mutants
        exec(compile(HELPERS, "<helpers>", "exec"), names)
        for number in self.numbers:
            name = self.lab.exercises[number].function
            while True:
                mutant = self.rng.choice(self._mutants[number])
                exec(compile(mutant.source, "<mutant>", "exec"), names)
                with redirect_stdout(io.StringIO()):
                    verdict = self.lab.judge(number, names[name])
                if ENDLESS not in verdict.message:
                    break
            missing += [number] if verdict.status is not Status.PASS else []
            told.append(mutant.name)
            cells += [mutant.source, f'lab.check("{number}", {name})']
        return _file(_notebook([*cells, "lab.score()"])), Deserved("mutants: " + "; ".join(told), self.points(*missing))


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _cell(source: str, kind: str = "code") -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "metadata": {}} | (
        {"outputs": [], "execution_count": None} if kind == "code" else {}
    )


def _notebook(cells: list[str]) -> dict[str, Any]:
    return {"cells": [_cell(source) for source in cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _file(notebook: dict[str, Any]) -> bytes:
    return json.dumps(notebook, indent=1).encode()


# Damages: a maker -> (the file, exercises that are lost, what the notes must match)

Damaged = tuple[bytes, list[str], str]


def _cut(maker: Maker) -> Damaged:
    lost = maker.numbers[-1]
    data = _file(maker.whole)
    return data[: data.index(f"def {maker.lab.exercises[lost].function}(".encode())], [lost], "damaged or cut off"


def _changed(**more: Any) -> Any:
    return lambda maker: (_file(maker.whole | more), [], "")


def _bare(maker: Maker) -> Damaged:
    cells = [{"cell_type": c["cell_type"], "source": c["source"]} for c in maker.whole["cells"]]
    return _file({"cells": cells}), [], ""


def _old(maker: Maker) -> Damaged:
    cells = [
        {"cell_type": "code", "input": c["source"]} if c["cell_type"] == "code" else c for c in maker.whole["cells"]
    ]
    return _file({"nbformat": 3, "worksheets": [{"cells": cells}]}), [], ""


def _backwards(maker: Maker) -> Damaged:
    return _file(maker.whole | {"cells": maker.whole["cells"][::-1]}), [], ""


def _without(maker: Maker) -> Damaged:
    lost = maker.numbers[0]
    name = f"def {maker.lab.exercises[lost].function}("
    cells = [c for c in maker.whole["cells"] if name not in "".join(c["source"])]
    return _file(maker.whole | {"cells": cells}), [lost], f"{lost}: no function"


def _syntax(maker: Maker) -> Damaged:
    cells = [_cell("def broken(:\n    pass"), *maker.whole["cells"], _cell("1 / 0"), _cell("exit()")]
    return _file(maker.whole | {"cells": cells}), [], "SyntaxError.*ZeroDivisionError"


def _other_lab(maker: Maker) -> Damaged:
    path = next(p for p in sorted((ROOT / "solutions").glob("*.ipynb")) if p != maker.solution)
    return path.read_bytes(), maker.numbers, f"is of lab {path.name[:2]}"


def _told(data: bytes, notes: str) -> Any:
    return lambda maker: (data, maker.numbers, notes)


_DAMAGES: dict[str, Any] = {
    "cut off": _cut,
    "a byte order mark": lambda maker: (b"\xef\xbb\xbf" + _file(maker.whole), [], ""),
    "UTF-16": lambda maker: (_file(maker.whole).decode().encode("utf-16"), [], ""),
    "nothing but cells": _bare,
    "of version 3": _old,
    "keys that no format knows": _changed(colour="red", nbformat="four", metadata=7),
    "huge outputs": lambda maker: (
        _file(maker.whole | {"cells": [*maker.whole["cells"], _cell("") | {"outputs": ["x" * 5_000_000]}]}),
        [],
        "",
    ),
    "backwards": _backwards,
    "a cell deleted": _without,
    "errors": _syntax,
    "a conflict": lambda maker: (
        _file(maker.whole).replace(b'"cells": [', b'"cells": [\n<<<<<<< HEAD\n', 1),
        [],
        "conflict",
    ),
    "as handed out": lambda maker: (
        (ROOT / "labs" / maker.solution.name).read_bytes(),
        maker.numbers,
        f"{maker.numbers[0]}: not done",
    ),
    "another lab": _other_lab,
    "a web page": _told(b"<!DOCTYPE html><html>", "a saved web page"),
    "empty": _told(b"", "is empty"),
    "a program": _told(b"import numpy as np\n", "a Python file or a text"),
}


def make_class(folder: Path, solution: Path, n_students: int, seed: int = 0) -> dict[str, Deserved]:
    """Write the folder of a class with one hand-in a student; returns what each student deserves, by number."""
    maker, rng = Maker(solution, seed), random.Random(seed)
    total = sum(SHARES.values())
    kinds = [kind for kind, share in SHARES.items() for _ in range(round(n_students * share / total))]
    kinds = [*kinds, *["solution"] * n_students][:n_students]
    rng.shuffle(kinds)
    grade.set_up_class(folder, ROOT / "labs")
    deserved: dict[str, Deserved] = {}
    seen: dict[str, int] = {}
    number = solution.name[:2]
    with zipfile.ZipFile(folder / number / "submissions.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for place, kind in enumerate(kinds):
            student = str(1001 + place)
            data, deserved[student] = maker.make(kind, seen.get(kind, 0))
            seen[kind] = seen.get(kind, 0) + 1
            archive.writestr(f"student{place:03}_{student}_{90_001 + place}_{solution.name}", data)
    rows = [f"{student},Student {place:03}" for place, student in enumerate(deserved)]
    (folder / "roster.csv").write_text("\n".join(["id,name", *rows, ""]), "utf-8")
    told = {student: asdict(one) for student, one in deserved.items()}
    write_atomically(folder / f"deserved-{number}.json", json.dumps(told, indent=1))
    return deserved


def compare(folder: Path, number: str) -> list[str]:
    """Every mark and note in the record of a class that isn't as deserved."""
    told = json.loads((folder / f"deserved-{number}.json").read_text("utf-8"))
    with Record(folder / "gradebook.sqlite") as record:
        sheet = record.edition(number)[1]
    found = []
    for student, one in told.items():
        row = sheet.get(student, {})
        marks = {n: row.get(n, "") for n in one["points"]}
        if not one["any_mark"] and marks != {n: str(points) for n, points in one["points"].items()}:
            found.append(f"{student} ({one['kind']}): {marks}, not {one['points']}: {row.get('notes', '')[:600]}")
        elif not re.search(one["notes"], row["notes"]) or "LEAK" in row["notes"]:
            found.append(f"{student} ({one['kind']}): {row['notes'][:600]!r} doesn't tell {one['notes']!r}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lab", type=int, default=10)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compare", action="store_true")
    known = parser.parse_args()
    (solution,) = (ROOT / "solutions").glob(f"{known.lab:02d}_*.ipynb")
    if not known.compare:
        make_class(known.folder, solution, known.students, known.seed)
        return 0
    found = compare(known.folder, solution.name[:2])
    print("\n".join(found) or "every mark is as deserved")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
