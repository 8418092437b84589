"""Feedback: a page for each student, in a zip file whose names Canvas and Moodle read when feedback is uploaded.

A page holds nothing that gives an expected value away: one may be passed on, and the next class has the same lab. So a
hint stands there as the lab's author wrote it; where a check has put numbers into its words, they are left out, and
where it only showed a case that fails, the page says so.
"""

import ast
import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import coursekit.labs
from coursekit.feedback import Lab, Status
from coursekit.grading import handins
from coursekit.grading.pages import render
from coursekit.grading.rows import Entry, mark_of
from neuroevo.files import replacing

__all__ = ["STOPPED", "feedback_page", "hint_of", "write_feedback", "written"]

STOPPED = "your code stopped in"
"""How the engine begins to tell of an error."""

_A_CASE = "one of the cases that are tried comes out wrong"
_VALUES = re.compile(
    r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|(?<![\w.])[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?(?!\w)", re.IGNORECASE
)
_ARRAYS = re.compile(r"[\[(][\s.,+-]*…[\s.,…+-]*[\])]")
_CASES = re.compile(r" for (?:\w+ = …(?:, )?)+(?=[.?!]|$)")


def _without_values(text: str) -> str:
    """A message without the numbers, arrays and names that a check has put into it."""
    text = _VALUES.sub("…", text)
    while (shorter := _ARRAYS.sub("…", text)) != text:
        text = shorter
    return _CASES.sub("", text)


def hint_of(checks: Lab, found: Mapping[str, Any]) -> str:
    """What a check found, in words without values of its own; empty if there is nothing to say.

    Args:
        checks: the lab.
        found: of one exercise, as the record has it.
    """
    message = str(found.get("message", ""))
    if message.startswith(STOPPED):
        return message.partition(" There, ")[0]  # what follows are values of a case
    # What kind it is wasn't kept before the second edition: then it is taken for the one that tells least.
    kind = found.get("kind", "difference" if message else "")
    if kind == "named" and message not in written(checks.number):
        sentences = re.split(r"(?<=[.?!])\s+(?=[A-Z`])", _without_values(message))
        return " ".join(one for one in sentences if "but should be" not in one) or _A_CASE
    return _A_CASE if kind == "difference" else message


@cache
def written(lab: int) -> frozenset[str]:
    """Every text in the modules of a lab, as its author wrote it."""
    files = Path(coursekit.labs.__file__).parent.glob(f"lab{lab:02d}*.py")
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def feedback_page(checks: Lab, entry: Entry) -> str:
    """The page of one student, as HTML."""
    exercises = []
    for n, exercise in checks.exercises.items():
        found, mark = entry.report.get(n, {}), entry.cells.get(n, "")
        if not exercise.automatic:
            said = "" if mark else "not marked yet"
        elif found.get("status") == Status.PASS.value:
            said = "passed"
            if found.get("note"):
                said = "passed at its check, and counts; at the end of the notebook something it needs has changed"
        elif found.get("status") == Status.YOUR_TURN.value:
            said = "not done"
        else:
            said = hint_of(checks, found)
        texts = {"words": entry.texts.get(n, ""), "comment": entry.cells.get(f"{n} comment", "")}
        facts = {"number": n, "title": exercise.title, "points": exercise.points, "rubric": exercise.rubric}
        exercises.append(facts | texts | {"mark": mark, "said": said})
    total, marks = mark_of(entry.cells["total"]), [mark_of(entry.cells.get(n, "")) for n in checks.exercises]
    off = sum(mark or 0 for mark in marks) - total if total is not None else 0
    return render(
        "feedback",
        lab=f"Lab {checks.number}: {checks.title}",
        name=entry.name or entry.student,
        total=entry.cells["total"],
        points=sum(exercise.points for exercise in checks.exercises.values()),
        late=f"{off:g}" if off > 0 and entry.cells.get("late") else "",
        comment=entry.cells.get("comment", ""),
        exercises=exercises,
        notes=[*(entry.attempt.notes if entry.attempt else ()), *entry.notes],
        source=entry.attempt.source.rpartition("/")[2] if entry.attempt else "",
    )


def write_feedback(folder: Path, checks: Lab, entries: Sequence[Entry]) -> tuple[list[Path], list[str]]:
    """Write a page for everybody who handed something in, into a folder and a zip file; returns both, and remarks."""
    name = f"feedback-{checks.number:02d}"
    some = [entry for entry in entries if entry.attempt]
    if not some:
        return [], [f"lab {checks.number:02d}: nobody has handed anything in, so there is no feedback"]
    uploaded = {entry.student: handins.upload_name(entry.attempt.source) for entry in some if entry.attempt}
    pages = {
        uploaded[entry.student] or handins.plain(f"{entry.name} {entry.student}.html"): feedback_page(checks, entry)
        for entry in some
    }
    with replacing(folder / name) as new:
        for path, page in pages.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(page, "utf-8")
    with replacing(folder / f"{name}.zip") as new, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, page in pages.items():
            archive.writestr(path, page)
    told = [f"{len(pages)} pages of feedback"]
    if without := sum(not place for place in uploaded.values()):
        told.append(f"{without} of them for files without a platform's name: hand these out yourself")
    if unmarked := [entry.student for entry in some if not entry.cells["total"]]:
        told.append(f"{len(unmarked)} of them without a total, since a free text has no mark: {', '.join(unmarked)}")
    return [folder / name, folder / f"{name}.zip"], told
