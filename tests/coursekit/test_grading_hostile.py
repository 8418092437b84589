"""A class in which most mean harm, graded in one run: what each deserves, and nothing beyond its own row."""

import csv
import inspect
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np
import psutil
import pytest
from hostile import HOSTILE, cells_of

from coursekit import grade
from coursekit.feedback import Status
from coursekit.grading.collecting import handouts
from coursekit.grading.judges import _Judge
from coursekit.grading.judging import Task, judge
from coursekit.grading.questions import questions
from coursekit.grading.reading import read_cells
from coursekit.grading.sandbox import has_bubblewrap
from coursekit.labs import lab_of

ROOT = Path(__file__).parents[2]
LABS = handouts(ROOT / "labs")
HANDOUT = LABS["01"]
LAB = lab_of(HANDOUT.name)
NUMBERS = [number for number, exercise in LAB.exercises.items() if exercise.automatic]
RIGHT = [s for _, s in read_cells(ROOT / "solutions" / HANDOUT.name).code if "### BEGIN SOLUTION" in s]
FAST = {name: one for name, one in HOSTILE.items() if not one.slow}
SECONDS = 3  # of computing that a cell may take here
needs_walls = pytest.mark.skipif(not has_bubblewrap(), reason="needs Linux and bubblewrap")


def _notebook(cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": source} for source in cells]})


def _zip(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def _link(name, target):
    """A member of a zip file that says it is a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target


def _state(folder):
    """Every file of a folder with its contents."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def _around():
    """What a hand-in would change or leave behind if there were no walls."""
    folders = [ROOT, ROOT / "labs", ROOT / "solutions", ROOT / "src" / "coursekit" / "grading"]
    found = {str(p): sha256(p.read_bytes()).hexdigest() for folder in folders for p in folder.iterdir() if p.is_file()}
    names = (".bashrc", ".profile", ".pdbrc", ".condarc", ".netrc", ".config/00-mine.py", "PICKLED", "OUTSIDE")
    names += ("numpy.py", "sitecustomize.py", "coursekit", "big", "f0", "f", "x", "slipped.ipynb", "slipped.txt")
    for folder in (Path.home(), Path.cwd(), Path.cwd().parent, Path("/tmp"), Path("/"), Path("/etc")):
        found |= {str(folder / name): str((folder / name).exists()) for name in names}
    return found


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """(sheet, summary, changes outside) of one run over the class."""
    top = tmp_path_factory.mktemp("hostile")
    folder, neighbour = top / "class" / "01", top / "neighbour"
    folder.mkdir(parents=True)
    neighbour.mkdir()
    (neighbour / "secret.ipynb").write_text(_notebook([HANDOUT.first, *RIGHT]))
    honest = _notebook([HANDOUT.first, *RIGHT])
    names = {name: f"s{place:02}" for place, name in enumerate(FAST)}
    for place, (name, number) in enumerate(names.items()):
        (folder / f"{number}.ipynb").write_text(_notebook(cells_of(FAST[name], LAB, HANDOUT.first, RIGHT)))
        if place % 15 == 7:  # between those that mean harm
            (folder / f"honest{place}.ipynb").write_text(honest)
    # What a zip file or a name can do
    (folder / "slip.zip").write_bytes(
        _zip({"../../../slipped.ipynb": honest, "/tmp/slipped.ipynb": honest, "..\\..\\slipped.txt": "x"})
    )
    with zipfile.ZipFile(folder / "links.zip", "w") as archive:
        archive.writestr(*_link("a.ipynb", str(neighbour / "secret.ipynb")))
        archive.writestr(*_link("b.ipynb", "/etc/passwd"))
    bomb = _zip({"zeros.ipynb": b"\0" * 30_000_000})
    (folder / "bomb.zip").write_bytes(_zip({f"{i}/{j}.zip": bomb for i in range(3) for j in range(3)}))
    deep = honest.encode()
    for _ in range(8):
        deep = _zip({"deeper.zip": deep})
    (folder / "deep.zip").write_bytes(deep)
    (folder / "liar.zip").write_bytes(_zip({"x.ipynb": honest}).replace(b"x.ipynb", b"y.ipynb", 1))
    (folder / "link.ipynb").symlink_to(neighbour / "secret.ipynb")
    (folder / "linked").symlink_to(neighbour, target_is_directory=True)
    (folder / "=cmd()|' !A0.ipynb").write_text(honest)
    (folder / "nested.ipynb").write_text('{"cells": ' + "[" * 200_000)
    os.mkfifo(folder / "pipe.ipynb")
    before = _around(), _state(neighbour), _state(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSEKIT_CANARY", "a key of the instructor's")
        summary = grade.grade_class(top / "class", "1", labs=ROOT / "labs", jobs=4, cell_seconds=SECONDS)
    after = _around(), _state(neighbour), _state(folder)
    changed = [one for one, other in zip(before, after, strict=True) if one != other]
    with open(top / "class" / "marks-01.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    heading = [cell.partition(" (")[0].partition(" ")[0] for cell in rows[0]]
    sheet = {row[0]: dict(zip(heading, row, strict=True)) for row in rows[1:]}
    return {name: sheet[number] for name, number in names.items()}, sheet, summary, (changed, sorted(top.iterdir()))


@pytest.mark.slow
@needs_walls
class TestClass:
    """The one run."""

    @pytest.mark.parametrize("name", FAST)
    def test_each_gets_what_it_deserves(self, graded, name):
        row, one = graded[0][name], FAST[name]
        marks = [row[number] for number in NUMBERS]
        if one.hits_itself:
            assert all(marks), row
        else:
            assert marks == ["0" if one.forges else str(LAB.exercises[n].points) for n in NUMBERS], row
        assert re.search(one.notes, row["notes"]), row
        assert "LEAK" not in row["notes"]

    def test_honest_students_among_them_lose_and_gain_nothing(self, graded):
        honest = [row for number, row in graded[1].items() if number.startswith("honest")]
        assert len(honest) >= 4
        assert {row["automatic"] for row in honest} == {"16"}
        assert {row["notes"] for row in honest} == {""}

    def test_nothing_is_written_outside(self, graded):
        changed, top = graded[3]
        assert changed == []
        assert [path.name for path in top] == ["class", "neighbour"]

    def test_zip_files_and_names_are_taken_for_what_they_are(self, graded):
        sheet = graded[1]
        assert sheet["slip"]["automatic"] == "16", "its names are no paths, its notebook is one"
        assert "no notebook of this lab" in sheet["links"]["notes"]
        assert sheet["links"]["automatic"] == "0"
        assert sheet["bomb"]["automatic"] == "0"
        assert "automatic" in sheet["deep"]
        assert sheet["deep"]["automatic"] == "0"
        assert "a link: what it points to isn't looked at" in sheet["link"]["notes"]
        assert "a link: what it points to isn't looked at" in sheet["linked"]["notes"]
        assert sheet["nested"]["automatic"] == "0"
        assert all(not number.startswith(("=", "+", "@")) for number in sheet)

    def test_no_feedback_gives_an_expected_value_away(self, graded):
        returned, names = [], {"np": np}
        for number, source in zip(NUMBERS, RIGHT, strict=True):
            exec(source, names)
            function = names[LAB.exercises[number].function]

            def recorder(*args, _function=function):
                answer = _function(*args)
                returned.append(answer)
                return answer

            recorder.__name__ = function.__name__
            recorder.__signature__ = inspect.signature(function)
            assert LAB.judge(number, recorder).status is Status.PASS
        flat = [np.ravel(part) for one in returned for part in (one if isinstance(one, tuple) else [one])]
        expected = {f"{value:.4g}" for value in np.concatenate(flat).astype(float)}
        expected = {text for text in expected if len(re.sub(r"e.*|[-.]|^0+", "", text)) == 4}
        assert len(expected) > 20

        def gives_away(text):
            numbers = re.findall(r"-?\d+\.\d+(?:e[-+]?\d+)?", text)
            return {f"{float(number):.4g}" for number in numbers} & expected

        assert gives_away(f"it should be {float(next(iter(expected))):.6f}")
        for name, row in graded[0].items():
            assert not gives_away(row["notes"]), name

    def test_questions_are_asked_and_no_mark_depends_on_them(self, graded):
        asked = "\n".join(graded[2].to_ask)
        assert "import socket" in asked
        assert "np.allclose = ..." in asked
        assert "to ask about: cell 2: import socket" in graded[0]["network"]["notes"]
        assert graded[0]["network"]["automatic"] == "16"
        told = str(graded[2])
        assert "Questions to the student, not verdicts" in told
        assert f"  ? {len(graded[2].to_ask) - 30} more: see the notes" in told

    def test_nothing_is_left_running(self, graded):
        assert [p for p in psutil.Process().children(recursive=True) if "inside.py" in " ".join(p.cmdline())] == []


@pytest.mark.slow
@needs_walls
@pytest.mark.parametrize("name", [name for name, one in HOSTILE.items() if one.slow])
def test_who_holds_a_check_up_is_stopped_soon(monkeypatch, name):
    """One exercise, so that a test takes seconds: its time limit is what it costs."""
    monkeypatch.setattr(LAB, "time_limit", 1)
    cells = [cell for cell in cells_of(HOSTILE[name], LAB, HANDOUT.first, RIGHT)]
    began = psutil.Process().cpu_times().user
    found = dict(judge(Task(HANDOUT.name, list(enumerate(cells)), HANDOUT.first, [], cell_seconds=5, only=["1.2"])))
    assert found["1.2"].points == 0
    assert found["1.2"].message
    assert psutil.Process().cpu_times().user - began < 20
    assert psutil.Process().memory_info().rss < 4e9


FLOOD = """
import os, struct
def FUNCTION:
    text = b'{"reply": 1, "value": [' + b','.join([b'{"list":[]}'] * 2_500_000) + b'], "changes": []}'
    message = memoryview(struct.pack('>IQ', 1, len(text)) + text)
    for name in os.listdir('/proc/self/fd'):
        try:
            sent = 0 if int(name) > 2 else len(message)
            while sent < len(message):
                sent += os.write(int(name), message[sent:])
        except OSError:
            pass
lab.check('1.2', NAME)
"""
JUDGE = """
import psutil
import torch  # hundreds of megabytes where it is built for CUDA: no answer's fault
from coursekit.grading import judging
judging._MOST_MEMORY = psutil.Process().memory_info().data + 300 * 2**20
judging.main()
"""


@pytest.mark.slow
@needs_walls
def test_what_is_answered_can_cost_the_judge_so_much_memory_and_the_next_one_nothing():
    one = LAB.exercises["1.2"]
    flood = FLOOD.replace("FUNCTION", f"{one.function}({', '.join(one.parameters)})").replace("NAME", one.function)
    handed_in = [[HANDOUT.first, flood], [HANDOUT.first, *RIGHT]]
    tasks = [Task(HANDOUT.name, list(enumerate(cells)), HANDOUT.first, [], 20, ["1.2"]) for cells in handed_in]
    told = "".join(json.dumps(asdict(task)) + "\n" for task in tasks)
    done = subprocess.run([sys.executable, "-c", JUDGE], input=told, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    first, second = (finding for number, finding in found if number == "1.2")
    assert first["points"] == 0
    assert "MemoryError" in first["message"]
    assert second["points"] == one.points


@needs_walls
def test_a_judge_has_a_limit_of_memory():
    resource = pytest.importorskip("resource")
    judge = _Judge()
    try:
        judge(Task(HANDOUT.name, [], HANDOUT.first, []))
        assert psutil.Process(judge.process.pid).rlimit(resource.RLIMIT_DATA)[0] == 4 * 2**30
    finally:
        judge.stop()


def solution_of(number):
    (path,) = (ROOT / "solutions").rglob(LABS[number].name)
    return read_cells(path)


@pytest.mark.parametrize("number", LABS)
def test_what_a_solution_takes_from_its_lab_is_there_when_it_is_graded(number):
    code = "\n".join(source for _, source in solution_of(number).code)
    assert set(re.findall(r"\blab\.(\w+)", code)) <= {*LABS[number].offers, "check", "passed", "score", "variant"}


@pytest.mark.parametrize("number", LABS)
def test_no_solution_is_asked_about(number):
    solution = solution_of(number)
    assert questions(solution.code, []) == []


def test_what_is_asked_about():
    loud = [n for n, one in HOSTILE.items() if questions(enumerate(cells_of(one, LAB, HANDOUT.first, RIGHT)), [])]
    assert len(loud) > len(HOSTILE) / 2
    assert questions([(3, "import os\nimport os"), (4, "%pip install x\n!ls"), (5, "import os")], []) == [
        "cell 4: import os",
        "cell 5: %pip",
        "cell 5: system: 'ls'",
    ]
    assert questions([(0, "import os")], ["import os"]) == [], "it was handed out"
    for harmless in (
        "%matplotlib inline",
        "from inspect import signature",
        "def broken(:",
        "x.shape = 3\nself.lab = 1",
        "from coursekit.labs import lab07 as lab\nlab.check('7.1', f)",
        "for i in range(3):\n    print(f'{i}')",
    ):
        assert questions([(0, harmless)], []) == [], harmless
    many = "\n".join(f"import {name}" for name in ("os", "gc", "dis", "site", "ctypes", "signal", "socket"))
    assert questions([(0, many)], [])[-1] == "2 more"
