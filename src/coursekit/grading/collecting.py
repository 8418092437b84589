"""From files to attempts: which lab a notebook belongs to, whose it is, and which of several counts as the attempt."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from coursekit.grading.handins import HandedIn, find, opened
from coursekit.grading.questions import questions
from coursekit.grading.reading import Notebook, read_cells
from coursekit.grading.roster import ClassError, Roster
from coursekit.grading.texts import own_lines
from coursekit.notebooks import NotebookError

__all__ = ["Attempt", "Handout", "collect", "handouts", "lab_of_notebook"]

_CHECKS = {"check", "passed", "score", "variant", "published"}


@dataclass(frozen=True)
class Handout:
    """A lab as it was handed out."""

    name: str
    notebook: Notebook

    @property
    def number(self) -> str:
        """For instance 01."""
        return self.name.partition("_")[0]

    @cached_property
    def functions(self) -> set[str]:
        """The functions that students write."""
        code = "\n\n".join(source for _, source in self.notebook.code)
        return set(re.findall(r"^def (\w+)\((?:(?!^def )[\s\S])*?Your turn", code, re.MULTILINE))

    @property
    def offers(self) -> list[str]:
        """What the notebook takes from its lab beside the checks, or tells students to take."""
        told = "\n".join(cell.source for cell in self.notebook.cells)
        return sorted(set(re.findall(r"\blab\.(\w+)", told)) - _CHECKS)

    @property
    def first(self) -> str:
        """The first code cell: imports."""
        return self.notebook.code[0][1]


@dataclass
class Attempt:
    """What a student has handed in at one time; `notebook` is None where there is none that could be read.

    `asks` are places in its code that an instructor may want to ask about.
    """

    student: str
    name: str
    on_roster: bool
    source: str
    modified: float
    late: bool = False
    notebook: Notebook | None = None
    notes: list[str] = field(default_factory=list)
    other_lab: str = ""
    asks: list[str] = field(default_factory=list)

    @cached_property
    def digest(self) -> str:
        """Known by what is in the cells: two copies of a notebook are graded once."""
        cells = [(cell.kind, cell.source) for cell in self.notebook.cells] if self.notebook else []
        return hashlib.sha256(json.dumps(cells).encode("utf-8", "surrogatepass")).hexdigest()


def handouts(folder: Path) -> dict[str, Handout]:
    """Number -> lab, for every lab of a folder, and of its folder `broken`. ClassError: there is none."""
    paths = [path for place in (folder, folder / "broken") for path in sorted(place.glob("[0-9][0-9]_*.ipynb"))]
    found = [Handout(path.name, read_cells(path)) for path in paths]
    labs = {lab.number: lab for lab in found if lab.functions}
    if not labs:
        raise ClassError(f"{folder.absolute()} holds no lab; give the command in the folder of the course")
    return labs


def lab_of_notebook(notebook: Notebook, labs: Mapping[str, Handout], asked: str) -> str:
    """The number of the lab that a notebook is of; the one asked for, if it shows no sign of any."""
    text = notebook.text

    def signs(lab: Handout) -> int:
        defined = sum(f"def {name}(" in text for name in lab.functions)
        checked = len(set(re.findall(rf'lab\.check\("({int(lab.number)}\.\d+)"', text)))
        return defined + checked + 3 * (f"lab{lab.number}" in text)

    best = max(labs.values(), key=lambda lab: (signs(lab), lab.number == asked))
    return best.number if signs(best) else asked


def collect(folder: Path, roster: Roster, labs: Mapping[str, Handout], asked: str) -> tuple[list[Attempt], list[str]]:
    """(attempts, files that are nobody's and no notebook). Whatever lies in the folder is in one of the two.

    Files of one student from one download are one attempt: of several notebooks the fullest of the right lab counts.
    """
    groups: dict[tuple[str, str], list[HandedIn]] = {}
    left = []
    for file in find(folder, roster):
        if file.is_notebook or file.on_roster or file.problem or len(file.parts) > 1:
            groups.setdefault((file.owner, file.download), []).append(file)
        else:
            left.append(f"{file.source}: no notebook, and nobody's on the roster")
    return [_attempt(files, labs, asked) for files in groups.values()], left


def _attempt(files: list[HandedIn], labs: Mapping[str, Handout], asked: str) -> Attempt:
    right: list[tuple[int, HandedIn, Notebook]] = []
    notes: list[str] = []
    other_lab = ""
    for file in files:
        name = file.parts[-1]
        if file.problem:
            notes.append(f"{name}: {file.problem}")
        elif not file.is_notebook:
            notes.append(f"{name} is no notebook")
        else:
            try:
                with opened(file) as path:
                    notebook = read_cells(path)
            except NotebookError as error:
                notes.append(f"{name}: {error}")
            except Exception as error:  # whatever a zip file can be: the others are still to be read
                notes.append(f"{name}: can't be read ({type(error).__name__})")
            else:
                lab = lab_of_notebook(notebook, labs, asked)
                if lab != asked:
                    other_lab = lab
                    notes.append(f"{name} is of lab {lab}")
                else:
                    right.append((own_lines(notebook, labs[asked].notebook), file, notebook))
    first = files[0]
    if not right:
        attempt = Attempt(first.owner, first.name, first.on_roster, first.source, first.modified, first.late)
        attempt.notes, attempt.other_lab = [*notes, f"no notebook of this lab: hand in {labs[asked].name}"], other_lab
        return attempt
    # The same number of own lines twice: the later one.
    _, file, notebook = max(right, key=lambda one: (one[0], one[1].modified, one[1].source))
    if len(right) > 1:
        notes.append(f"{len(right)} notebooks of this lab: the fullest counts, {file.parts[-1]}")
    notes = [*notes, *notebook.notes]
    attempt = Attempt(file.owner, file.name, file.on_roster, file.source, file.modified, file.late, notebook, notes)
    attempt.asks = questions(notebook.code, [source for _, source in labs[asked].notebook.code])
    return attempt
