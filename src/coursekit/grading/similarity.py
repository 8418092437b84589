"""Which hand-ins of a class have passages in common that weren't handed out: questions for a talk, never verdicts.

copydetect makes fingerprints of the code (winnowing, as MOSS does): names, comments, blanks and the order of functions
make no difference. What the lab and its published solution have isn't counted, nor are outputs and free texts.
"""

import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from coursekit.grading.collecting import Attempt
from coursekit.grading.pages import render
from coursekit.grading.reading import Notebook
from coursekit.grading.roster import ClassError
from coursekit.notebooks import write_atomically

__all__ = ["THRESHOLD", "Pair", "similar", "write_similar"]

_K = 20  # characters of code with its names taken out: the shortest passage that counts
THRESHOLD = 0.7
"""Share of both students' own code from which a pair is shown; tests/coursekit/test_similarity.py says why."""


@dataclass(frozen=True)
class Pair:
    """Two students' hand-ins, the share of each one's own code, at least, that stands in both, and where, by lines.

    `passages` are (first student's, second student's) source lines, with True for those that stand in both.
    """

    students: tuple[str, str]
    share: float
    passages: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = field(compare=False)


def similar(hand_ins: Mapping[str, Notebook], known: Iterable[Notebook], threshold: float = THRESHOLD) -> list[Pair]:
    """The pairs that have as much in common as the threshold, most first.

    Args:
        hand_ins: student -> notebook.
        known: what was handed out, and what is published: it doesn't count.
        threshold: of the share.

    Raises:
        ClassError: copydetect isn't installed.
    """
    detector = _detector()
    cells = [cell for notebook in known for cell in _cells(notebook)]
    code = "\n".join(cells)
    common = set(detector.CodeFingerprint("known.py", _K, 1, fp=io.StringIO(code)).hashes)
    prints = {}
    for student, notebook in hand_ins.items():
        own = "\n\n".join(cell for cell in _cells(notebook) if cell not in cells)
        one = detector.CodeFingerprint(f"{student}.py", _K, 1, fp=io.StringIO(own))
        one.hash_idx = {mark: places for mark, places in one.hash_idx.items() if mark not in common}
        one.hashes = set(one.hash_idx)
        one.token_coverage = detector.utils.get_token_coverage(one.hash_idx, _K, len(one.filtered_code))
        prints[student] = one
    found = []
    for first, second in combinations(prints, 2):
        a, b = prints[first], prints[second]
        # Fewer common fingerprints can't cover the code: then nothing is compared place by place, which takes longer.
        if len(a.hashes & b.hashes) * _K < threshold * max(a.token_coverage, b.token_coverage, 1):
            continue
        _, both, slices = detector.compare_files(a, b)
        if min(both) >= threshold:
            marked = (_lines(a, slices[0], detector), _lines(b, slices[1], detector))
            found.append(Pair((first, second), float(min(both)), marked))
    return sorted(found, key=lambda pair: -pair.share)


def write_similar(
    path: Path, title: str, attempts: Iterable[Attempt], known: Iterable[Notebook]
) -> tuple[Path, list[str]]:
    """Write the page with the pairs of a lab; returns it, and a line for each pair. Last attempts count."""
    last = {one.student: one for one in sorted(attempts, key=lambda one: one.modified) if one.notebook}
    notebooks = {student: one.notebook for student, one in last.items() if one.notebook}
    pairs = similar(notebooks, known)
    names = {student: one.name for student, one in last.items()}
    page = render("similar", title=title, pairs=pairs, names=names, n=len(last), threshold=THRESHOLD)
    write_atomically(path, page)
    told = [f"{pair.students[0]} and {pair.students[1]}: {pair.share:.0%} of the code is alike" for pair in pairs]
    return path, told


def _cells(notebook: Notebook) -> list[str]:
    """The code cells of a notebook, without what makes it a student's variant (see `coursekit.variants`)."""
    sources = [re.sub(r"^lab\.variant\(.*$", "", source, flags=re.MULTILINE) for _, source in notebook.code]
    return [re.sub(r'lab\.published\("[\d.]+", (\w+)\)', r"\1", source).strip() for source in sources]


def _lines(one: Any, slices: Any, detector: Any) -> list[tuple[str, bool]]:
    """The lines of a hand-in's code, and whether something that stands in both begins or goes on there."""
    inside = detector.utils.np.zeros(len(one.raw_code) + 1, dtype=bool)
    for start, end in zip(*slices, strict=True):
        inside[_raw(one, int(start)) : _raw(one, int(end) - 1) + 1] = True
    marked, at = [], 0
    for line in one.raw_code.split("\n"):
        marked.append((line, bool(inside[at : at + len(line)].any())))
        at += len(line) + 1
    return marked


def _raw(one: Any, place: int) -> int:
    """Where a place of the code without names is in the code as it was written."""
    before = one.offsets[one.offsets[:, 0] < place] if len(one.offsets) else one.offsets
    return min(place + int(before[-1, 1] if len(before) else 0), len(one.raw_code))


def _detector() -> Any:
    try:
        import copydetect
        import copydetect.utils
    except ImportError:
        raise ClassError(
            "this needs copydetect (MIT licence): python -m pip install copydetect, with the course's Python"
        ) from None
    return copydetect
