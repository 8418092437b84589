"""Free texts: which words of a notebook are the student's own, and under which exercise they stand."""

import re
from collections.abc import Sequence

from coursekit.feedback.variant import MARK
from coursekit.grading.reading import Cell, Notebook
from coursekit.make_labs import PLACEHOLDER

__all__ = ["own_lines", "own_words"]


def _handed_out(handout: Notebook) -> set[str]:
    return {line.strip() for cell in handout.cells for line in cell.source.split("\n")} | {""}


def own_lines(notebook: Notebook, handout: Notebook) -> int:
    """How many lines of a notebook were not handed out: how full it is."""
    known = _handed_out(handout)
    return sum(line.strip() not in known for cell in notebook.cells for line in cell.source.split("\n"))


def own_words(cells: Sequence[Cell], handout: Notebook, numbers: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The student's own text under the heading of each free text; a note if there is some elsewhere and one is blank.

    The student's own is every line that was not handed out.
    """
    known = _handed_out(handout) - {""}
    found: dict[str, list[str]] = {number: [] for number in numbers}
    elsewhere, here = 0, ""
    for cell in cells:
        if cell.kind != "markdown":
            continue
        for line in cell.source.split("\n"):
            if line.strip() in known or line.startswith(MARK):
                if line.startswith("#"):
                    here = next((n for n in numbers if re.search(rf"\b{re.escape(n)}\b", line)), "")
                continue
            line = line.replace(PLACEHOLDER, "").rstrip()
            if here:
                found[here].append(line)
            else:
                elsewhere += len(line.split())
    texts = {number: re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() for number, lines in found.items()}
    if elsewhere and not all(texts.values()):
        return texts, [f"{elsewhere} words of the student's own stand elsewhere in the notebook"]
    return texts, []
