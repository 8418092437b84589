"""Variants of the labs for a class: each student's own notebook, made from a key that only the instructor has.

A student's notebook holds a seed that was made from the key, the student's number and the lab. From it come the
constants, and the hidden cases that the notebook's checks try. The grader makes the same constants, and hidden cases of
another seed, which stands in no notebook. `coursekit.feedback.variant` says what a constant does to an exercise.
"""

import csv
import hmac
import io
import json
import re
import secrets
import tokenize
from pathlib import Path

from nbformat import NotebookNode, from_dict, v4

from coursekit.feedback import Lab, Variant
from coursekit.feedback.variant import MARK
from coursekit.grading.collecting import handouts
from coursekit.grading.handins import plain
from coursekit.grading.roster import ClassError, read_roster
from coursekit.labs import lab_of
from coursekit.make_labs import PLACEHOLDER
from coursekit.notebooks import read_notebook, tidy, to_text, write_atomically

__all__ = ["KEY", "read_key", "seed_in", "student_notebook", "table", "variant_of", "write_variants"]

KEY = "key.txt"
"""Where the key of a class lies, in its folder. It is nobody's but the instructor's."""

_SEED = re.compile(r'^lab\.variant\("(\w+)"\)', re.MULTILINE)


def variant_of(key: str, student: str, lab: str) -> Variant:
    """The variant of a student, by the class's key, the student's number and the lab's (for instance 01)."""

    def derived(purpose: str) -> str:
        return hmac.new(key.encode(), json.dumps([purpose, student, lab]).encode(), "sha256").hexdigest()[:16]

    return Variant(derived("notebook"), derived("grader"))


def read_key(folder: Path) -> str:
    """The key of a class; empty if it has none, which means that everybody has the published labs."""
    path = folder / KEY
    return path.read_text("utf-8").strip() if path.exists() else ""


def seed_in(text: str) -> str:
    """The seed that stands in a notebook; empty in the published lab."""
    found = _SEED.search(text)
    return found[1] if found else ""


def student_notebook(nb: NotebookNode, lab: Lab, variant: Variant) -> NotebookNode:
    """The notebook of one student: a lab as it is handed out, with the student's seed and constants in it."""
    nb, cells = from_dict(nb), []
    varied = {lab.exercises[number].function: number for number in lab.varies}
    for cell in nb.cells:
        stub = re.search(r"^def (\w+)\(", cell.source, re.MULTILINE) if "Your turn" in cell.source else None
        for name, number in varied.items():
            if cell.cell_type == "code" and stub and re.search(rf"^def {name}\(", cell.source, re.MULTILINE):
                told = lab.varies[number].told(variant.constant(number))
                cells.append(v4.new_markdown_cell(told, id=f"variant-{number.replace('.', '-')}"))
        if cell.cell_type == "code" and not stub and not cell.source.startswith("lab.check("):
            for name, number in varied.items():
                cell.source = _published(cell.source, name, number)
        if cell.source == PLACEHOLDER:
            own = int(variant.seed[:4], 16)
            cells.append(
                v4.new_markdown_cell(f"{MARK} Runs of your own begin with the seed {own}.", id=f"own-{len(cells)}")
            )
        cells.append(cell)
        if cell.cell_type == "code" and not any(_SEED.search(one.source) for one in cells):
            first = f'lab.variant("{variant.seed}")  # your variant of this lab: leave this line as it is'
            cells.append(v4.new_code_cell(first, id="variant"))
    nb.cells = cells
    tidy(nb)
    return nb


def _published(source: str, name: str, number: str) -> str:
    """Code of ours, in which a student's function is called without the student's constant."""
    lines = source.split("\n")
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for before, token, after in reversed(list(zip([tokens[0], *tokens], tokens, tokens[1:], strict=False))):
        if token.type == tokenize.NAME and token.string == name and before.string not in (".", "def"):
            if after.string == "=":  # the name of an argument
                continue
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = f'{line[:column]}lab.published("{number}", {name}){line[column + len(name) :]}'
    return "\n".join(lines)


def table(labs: Path = Path("labs")) -> list[str]:
    """A row for each lab, in Markdown: the exercises with a constant, and what it multiplies there."""
    rows = []
    for number, handout in handouts(labs).items():
        if not (labs / handout.name).exists():
            continue  # one that is broken on purpose
        told = [f"{exercise} ({constant.where})" for exercise, constant in lab_of(handout.name).varies.items()]
        rows.append(f"| {int(number)} | {'; '.join(told) or 'none: its constants are fixed'} |")
    return rows


def write_variants(folder: Path, lab: str = "", *, key: str = "", labs: Path = Path("labs")) -> list[Path]:
    """Write a notebook for each student of a class and each lab, or one lab; returns where.

    Args:
        folder: of the class; its roster says for whom.
        lab: number of the lab, for instance 01; without it, all.
        key: becomes the key of the class. Without it the class keeps the one it has, or gets a random one.
        labs: the folder of the labs as they are handed out.

    Raises:
        ClassError: nobody is on the roster, there is no such lab, or the class has another key.
    """
    students, known = read_roster(folder / "roster.csv").students, handouts(labs)
    number = lab.zfill(2) if lab else ""
    if not students:
        raise ClassError(f"{folder / 'roster.csv'} names nobody: a variant belongs to a student")
    if number and number not in known:
        raise ClassError(f"lab {lab}: there are the labs {', '.join(known)}")
    has = read_key(folder)
    if key and has and key != has:
        raise ClassError(f"the class has another key, in {folder / KEY}: with a new one, what was handed out is void")
    key = has or key or secrets.token_hex(16)
    if not has:
        write_atomically(folder / KEY, key + "\n")
        (folder / KEY).chmod(0o600)
    written, rows = [], []
    for one in [number] if number else known:
        (path,) = labs.rglob(known[one].name)
        nb, checks = read_notebook(path), lab_of(known[one].name)
        for student in students:
            variant = variant_of(key, student, one)
            path = folder / "variants" / one / plain(f"{Path(known[one].name).stem} {student}.ipynb")
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, to_text(student_notebook(nb, checks, variant)))
            written.append(path)
            rows += [[one, student, exercise, str(variant.constant(exercise))] for exercise in checks.varies]
    table = io.StringIO()
    csv.writer(table).writerows([["lab", "id", "exercise", "constant"], *rows])
    name = f"constants-{number}.csv" if number else "constants.csv"
    write_atomically(folder / "variants" / name, table.getvalue())
    return [*written, folder / "variants" / name]
