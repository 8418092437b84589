"""What went wrong with other graders, by their public reports, tried here: one small case each.

The reports are in the trackers of jupyter/nbgrader, ucbds-infra/otter-grader, RunestoneInteractive/RunestoneServer,
sagemathinc/cocalc, data-8/Gofer-Grader and PrairieLearn/PrairieLearn. Each case says what was reported, in a line.
"""

import csv
import json
from pathlib import Path

import pytest

from coursekit import grade
from coursekit.grading.reading import read_cells
from coursekit.grading.sandbox import has_bubblewrap

ROOT = Path(__file__).parents[2]
NAME = "01_rolling_downhill.ipynb"
SOLUTION = json.loads((ROOT / "solutions" / NAME).read_text("utf-8"))
HANDED_OUT = json.loads((ROOT / "labs" / NAME).read_text("utf-8"))
FIRST = read_cells(ROOT / "labs" / NAME).code[0][1]
RIGHT = [s for _, s in read_cells(ROOT / "solutions" / NAME).code if "### BEGIN SOLUTION" in s]
GRADIENT, LIMIT, MOMENTUM, FIT = RIGHT
FULL = "16"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_bubblewrap(), reason="needs Linux and bubblewrap"),
]


def _code(*sources, **more):
    return {"cells": [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]} | more


def _solution(change):
    """The solution with its list of cells changed."""
    notebook = json.loads(json.dumps(SOLUTION))
    notebook["cells"] = change(notebook["cells"])
    return notebook


def _is(cell, source):
    return "".join(cell["source"]) == source


def _inserted(cells):
    return [one for cell in cells for one in (cell | {"cell_type": "code", "source": "1 + 1"}, cell)]


def _as_markdown(cells):
    return [cell | {"cell_type": "markdown"} if _is(cell, LIMIT) else cell for cell in cells]


def _with_metadata(cells):
    same = {"nbgrader": {"grade_id": "task", "locked": True, "schema_version": 3, "grade": True}, "id": 7}
    return [cell | {"metadata": same, "id": "the same"} for cell in cells]


# Name of the case -> (what was reported, file name, notebook, automatic points, a piece of the notes)
CASES = {
    "nbgrader 1083": (
        "copied cells carry the same id, and the notebook can't be graded",
        _solution(lambda cells: _with_metadata([one for cell in cells for one in (cell, cell)])),
        FULL,
        "",
    ),
    "nbgrader 1682": (
        "a grade cell was deleted: for ever in need of manual grading",
        _solution(lambda cells: [cell for cell in cells if "lab.check(" not in "".join(cell["source"])]),
        FULL,
        "",
    ),
    "nbgrader 1941": (
        "cells inserted, deleted, turned into another kind: 15 of 300 notebooks break the batch",
        _solution(lambda cells: _as_markdown(_inserted(cells))),
        "12",
        "1.2: no function stability_limit",
    ),
    "nbgrader 92": (
        "a check was turned into Markdown, and nobody notices",
        _solution(
            lambda cells: [
                cell | {"cell_type": "markdown"} if "lab.check(" in "".join(cell["source"]) else cell for cell in cells
            ]
        ),
        FULL,
        "",
    ),
    "nbgrader 1423": (
        "checksums of changed cells don't fit, and most notebooks of a class fail",
        _solution(lambda cells: [cell | {"metadata": {"nbgrader": {"checksum": "0"}}} for cell in cells]),
        FULL,
        "",
    ),
    "nbgrader 1429": (
        "a list from a generator needs all memory, the kernel is killed, the notebook can't be graded",
        _code(FIRST, GRADIENT, "kept = []\nwhile True:\n    kept.append(np.ones(10**7))", LIMIT, MOMENTUM, FIT),
        FULL,
        "cell 3",
    ),
    "nbgrader 1033": (
        "a cell runs into the time limit, and the notebook stays ungraded",
        _code(FIRST, GRADIENT, "while True:\n    pass", LIMIT, MOMENTUM, FIT),
        FULL,
        "cell 3 left out: not finished after 3 seconds",
    ),
    "nbgrader 916": (
        "old notebooks fail validation",
        {
            "nbformat": 3,
            "worksheets": [{"cells": [{"cell_type": "code", "input": s} for s in (FIRST, *RIGHT)]}],
        },
        FULL,
        "",
    ),
    "nbgrader 1492": (
        "right code gets no points, and no error is shown: here, each exercise without points says why",
        _code(FIRST, GRADIENT.replace("return", "return None #"), LIMIT, MOMENTUM, "def fit_line(x):\n    return 0"),
        "8",
        "1.1: your function returned None",
    ),
    "otter 469": (
        "an infinite loop: nothing says which question, and the others aren't graded",
        _code(FIRST, GRADIENT, "def stability_limit(x):\n    while True:\n        pass", MOMENTUM, FIT),
        "12",
        "1.2: your function was not finished after",
    ),
    "otter 723": (
        "a notebook that ends its process leaves no results at all",
        _code(FIRST, GRADIENT, "import os\nos._exit(1)", LIMIT, MOMENTUM, FIT),
        FULL,
        "cell 3 left out: the process ended",
    ),
    "otter 793": (
        "all checks run at the end, when a later cell has used a name again",
        _code(
            FIRST,
            f"helper = 2\n{GRADIENT.replace('2 *', 'helper *')}",
            'lab.check("1.1", mse_gradient)',
            LIMIT,
            MOMENTUM,
            FIT,
            'lab.check("1.4", fit_line)',
            "helper = 3",
        ),
        FULL,
        "1.1: passed at its check, and counts",
    ),
    "otter 890": (
        "the grader doesn't find the notebook's variables",
        _code(FIRST, f"two = 2\n{GRADIENT.replace('2 *', 'two *')}", LIMIT, MOMENTUM, FIT),
        FULL,
        "",
    ),
    "otter 701": (
        "ids of cells that the format's version doesn't know make a notebook invalid",
        _solution(_with_metadata) | {"nbformat_minor": 0},
        FULL,
        "",
    ),
    "cocalc 4588": (
        "a function that kills the kernel takes all others with it",
        _code(FIRST, GRADIENT, "def stability_limit(x):\n    import os\n    os.abort()", MOMENTUM, FIT),
        "12",
        "1.2: your function ended the process that it ran in",
    ),
    "Gofer 9": (
        "a function is judged as it stands at the end alone",
        _code(FIRST, GRADIENT, 'lab.check("1.1", mse_gradient)', "del mse_gradient", LIMIT, MOMENTUM, FIT),
        FULL,
        "",
    ),
    "PrairieLearn 5184": (
        "code in the grader's own process changes what the grader compares with",
        _code(
            FIRST,
            "import builtins, sys\nfor module in list(sys.modules.values()):\n    if hasattr(module, 'allclose'):\n"
            "        module.allclose = lambda *_, **__: True",
            *(f"def {name}(*_):\n    return 0" for name in ("mse_gradient", "stability_limit", "fit_line")),
            MOMENTUM,
        ),
        "4",
        "1.1: ",
    ),
}
RENAMED = "WMS q3 (final) – Kopie.ipynb"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """All cases in one class and one run: case -> row, and what the run says."""
    folder = tmp_path_factory.mktemp("reports") / "class"
    (folder / "01").mkdir(parents=True)
    for name, (_, notebook, _, _) in CASES.items():
        (folder / "01" / f"{name}.ipynb").write_text(json.dumps(notebook), "utf-8")
    (folder / "01" / "wms16").mkdir()
    (folder / "01" / "wms16" / RENAMED).write_text(json.dumps(SOLUTION), "utf-8")
    (folder / "01" / "notes.ipynb").write_text("no notebook", "utf-8")
    summary = grade.grade_class(folder, "1", labs=ROOT / "labs", jobs=3, cell_seconds=3)
    return folder, _sheet(folder), summary


def _sheet(folder):
    with open(folder / "marks-01.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    heading = [cell.partition(" (")[0].partition(" ")[0] for cell in rows[0]]
    return {row[0]: dict(zip(heading, row, strict=True)) for row in rows[1:]}


@pytest.mark.parametrize("name", CASES)
def test_a_report_that_does_not_happen_here(graded, name):
    _, _, points, notes = CASES[name]
    row = graded[1][name]
    assert row["automatic"] == points, row["notes"]
    assert notes in row["notes"]


def test_a_renamed_notebook_is_graded(graded):
    """nbgrader 1302, 1219: one that was renamed is unknown, and the whole hand-in fails."""
    (row,) = [row for row in graded[1].values() if row["notebook"].endswith(RENAMED)]
    assert row["automatic"] == FULL


def test_one_bad_notebook_stops_nobody(graded):
    """nbgrader 416, otter 813: one that can't be graded ends the run, and no mark of the others is written."""
    assert len(graded[1]) == len(CASES) + 2
    assert "not a Jupyter notebook" in graded[1]["notes"]["notes"] or "a text" in graded[1]["notes"]["notes"]
    assert f"{len(CASES) + 1} graded, 1 without a notebook that can be read" in str(graded[2])
    assert f"{len(CASES) + 1} free texts to be marked" in str(graded[2])


def test_marks_by_hand_outlive_grading_again(graded):
    """Runestone 1013, 1348: grading automatically again replaces what was marked by hand."""
    folder, sheet, _ = graded
    text = (folder / "marks-01.csv").read_text("utf-8-sig")
    rows = list(csv.reader(text.splitlines()))
    heading = [cell.partition(" (")[0] for cell in rows[0]]
    free = next(place for place, cell in enumerate(heading) if cell.startswith("1.5 ") and not cell.endswith("words"))
    (mine,) = [row for row in rows if row[0] == "otter 890"]
    mine[free], mine[heading.index("comment")] = "3", "by hand"
    with open(folder / "marks-01.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    grade.grade_class(folder, "1", labs=ROOT / "labs", students=["otter 890"], cell_seconds=3)
    row = _sheet(folder)["otter 890"]
    assert (row["total"], row["comment"]) == ("19", "by hand")
    assert {name: one["automatic"] for name, one in _sheet(folder).items()} == {
        name: one["automatic"] for name, one in sheet.items()
    }


def test_the_order_of_exercises_is_always_the_same(graded):
    """otter 955: questions come in a random order."""
    heading = (graded[0] / "marks-01.csv").read_text("utf-8-sig").splitlines()[0]
    places = [heading.index(f"1.{number} ") for number in range(1, 6)]
    assert places == sorted(places)


def test_what_was_handed_out_shows_no_hidden_answer():
    """otter 495: what students get shows what the answers are compared with."""
    told = json.dumps(HANDED_OUT)
    assert "BEGIN SOLUTION" not in told
    assert "assert" not in "".join(
        "".join(cell["source"]) for cell in HANDED_OUT["cells"] if cell["cell_type"] == "code"
    )
