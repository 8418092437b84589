"""Labs as nbgrader and otter want them, for schools that grade with these.

Both make a student's version of what is written here and grade with it. A question is one exercise: the cell with its
function, and a test that asks the lab's own check; a free text is marked by hand. The points are the lab's.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from coursekit.feedback import Exercise, Lab
from coursekit.labs import lab_of
from coursekit.make_labs import student_version
from coursekit.notebooks import NotebookError, read_notebook, tidy, to_text, write_atomically

__all__ = ["FORMATS", "convert", "for_nbgrader", "for_otter"]

_CHECK = re.compile(r"lab\.check\(\"([\d.]+)\", (\w+)\)")
_CONFIG = """\
c = get_config()
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("Your turn")'}
c.ClearSolutions.text_stub = "*Your answer here.*"
c.ExecutePreprocessor.timeout = 600  # seconds, for the longest cell
"""

Place = tuple[NotebookNode, Exercise | None, str]


def _places(nb: NotebookNode, lab: Lab, name: str) -> Iterator[Place]:
    """(cell, its exercise, what it is there: "answer", "check" or "text"); no exercise and "" for all other cells."""
    functions = {exercise.function: exercise for exercise in lab.exercises.values() if exercise.automatic}
    texts = [exercise for exercise in lab.exercises.values() if not exercise.automatic]
    seen: list[tuple[str, str]] = []
    for cell in nb.cells:
        exercise, what = None, ""
        if "solution" in cell.metadata.get("tags", []):
            exercise, what = (texts.pop(0) if texts else None), "text"
        elif cell.cell_type == "code" and (found := _CHECK.fullmatch(cell.source.strip())):
            exercise, what = lab.exercises[found[1]], "check"
        elif cell.cell_type == "code" and "### BEGIN SOLUTION" in cell.source:
            defined = re.findall(r"^(?:def|class) (\w+)", cell.source, re.MULTILINE)
            exercise, what = next((functions[one] for one in defined if one in functions), None), "answer"
        if what:
            if exercise is None:
                raise NotebookError(f"{name}, cell {cell.get('id')}: no exercise is answered here")
            seen.append((exercise.number, what))
        yield cell, exercise, what
    due = [(n, what) for n, e in lab.exercises.items() for what in (("answer", "check") if e.automatic else ("text",))]
    if sorted(seen) != sorted(due):
        raise NotebookError(f"{name}: each exercise needs one cell to be answered in, and each function one check")


def for_nbgrader(nb: NotebookNode, lab: Lab, name: str) -> NotebookNode:
    """The source of an assignment for `nbgrader generate_assignment`."""
    nb = nbformat.from_dict(nb)
    for cell, exercise, what in _places(nb, lab, name):
        if exercise is None:
            continue
        told: dict[str, Any] = {"schema_version": 3, "grade_id": f"{what}-{exercise.number.replace('.', '-')}"}
        told |= {"grade": what != "answer", "solution": what != "check", "locked": what == "check", "task": False}
        told |= {"points": exercise.points} if what != "answer" else {}
        cell.metadata["nbgrader"] = told
        if what == "check":
            cell.source += f'\nassert lab.passed("{exercise.number}")'
    return nb


def for_otter(nb: NotebookNode, lab: Lab, name: str) -> NotebookNode:
    """The source of an assignment for `otter assign`."""
    nb = nbformat.from_dict(nb)
    stubs = {cell.id: cell.source for cell in student_version(nb, name).cells}
    cells = [_raw("ASSIGNMENT CONFIG", f"name: lab{lab.number:02d}", "export_cell:", "  pdf: false")]
    for cell, exercise, what in _places(nb, lab, name):
        if exercise is None or what == "check":
            cells.append(cell)
            continue
        manual = [] if exercise.automatic else ["manual: true"]
        told = [f"name: exercise_{exercise.number.replace('.', '_')}", f"points: {exercise.points}", *manual]
        cells += [_raw("BEGIN QUESTION", *told), _raw("BEGIN SOLUTION"), cell, _raw("END SOLUTION")]
        if exercise.automatic:
            cell.source = _with_prompt(cell.source, stubs[cell.id])
            test = v4.new_code_cell(f'lab.LAB.judge("{exercise.number}", {exercise.function}).status.name')
            test.outputs = [v4.new_output("execute_result", {"text/plain": "'PASS'"}, execution_count=1)]
            cells += [_raw("BEGIN TESTS"), test, _raw("END TESTS")]
        cells.append(_raw("END QUESTION"))
    for place, cell in enumerate(cells):
        cell.id = cell.id if cell.cell_type != "raw" and "id" in cell else f"otter-{place}"
    nb.cells = cells
    return nb


def _raw(*lines: str) -> NotebookNode:
    return v4.new_raw_cell("\n".join([f"# {lines[0]}", *lines[1:]]))


def _with_prompt(source: str, stub: str) -> str:
    """The cell as otter reads it: the answer in its marks, then the lines that a student gets in its place."""
    source = re.sub(r"^(\s*)### BEGIN SOLUTION.*$", r"\1# BEGIN SOLUTION NO PROMPT", source, flags=re.MULTILINE)
    prompts = iter(line for line in stub.split("\n") if "raise NotImplementedError(" in line)

    def prompt(end: re.Match[str]) -> str:
        return f'{end[1]}# END SOLUTION\n{end[1]}""" # BEGIN PROMPT\n{next(prompts)}\n{end[1]}""" # END PROMPT'

    return re.sub(r"^([^\S\n]*)### END SOLUTION[^\S\n]*$", prompt, source, flags=re.MULTILINE)


FORMATS: dict[str, Callable[[NotebookNode, Lab, str], NotebookNode]] = {"nbgrader": for_nbgrader, "otter": for_otter}
"""What makes an assignment's source, for each system."""


def convert(solutions: Sequence[Path], system: str, target: Path) -> list[Path]:
    """Write the sources of assignments into a folder, as a system wants to find them; returns what was written.

    nbgrader's folder is a course of its own: `source/labNN/`, and its configuration. NotebookError: one of the
    solutions isn't what an assignment can be made of.
    """
    made = {}
    for path in solutions:
        nb, lab = read_notebook(path), lab_of(path)
        below = Path("source", f"lab{lab.number:02d}") if system == "nbgrader" else Path(f"lab{lab.number:02d}")
        tidy(nb)
        made[target / below / path.name] = to_text(FORMATS[system](nb, lab, str(path)))
    if system == "nbgrader" and not (target / "nbgrader_config.py").exists():
        made[target / "nbgrader_config.py"] = _CONFIG
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    return list(made)
