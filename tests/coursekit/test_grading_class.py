"""A class on paper: who is who, what lies in the folder, and tables that forget nothing that was typed into them."""

import csv
import itertools
import json
import os
import re
import shlex
import sqlite3
import zipfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from coursekit import grade
from coursekit.__main__ import _parser
from coursekit.grading import handins, judges
from coursekit.grading.collecting import handouts, lab_of_notebook
from coursekit.grading.reading import Cell, Notebook, read_cells
from coursekit.grading.record import Record
from coursekit.grading.roster import ClassError, Roster, Student, read_roster
from coursekit.grading.rows import Policy
from coursekit.labs import lab_of
from coursekit.notebooks import NotebookError

ROOT = Path(__file__).parents[2]
LABS = ROOT / "labs"
LAB = LABS / "01_rolling_downhill.ipynb"
NUMBERS = {f"{number:02d}" for number in (*range(1, 18), *range(21, 27))}  # the last six are broken on purpose
CLASS = Roster(
    [
        Student("007", "Jane Mary Doe", ("4242", "jdoe", "jane@example.org")),
        Student("008", "Zoë Ångström", ("4243",)),
        Student("009", "Lee, Ann", ("Participant 555",)),
        Student("010", "Sam Lee"),
    ]
)


def test_names_as_platforms_write_them():
    for label, number in {
        "doejanemary": "007",
        "Jane Mary Doe": "007",
        "lab 1 jane mary doe final": "007",
        "jdoe_lab01": "007",
        "jane": "007",
        "angstromzoe": "008",
        "Zoe Angstrom": "008",
        "leeann": "009",
        "Ann Lee": "009",
        "7": "007",
    }.items():
        found = CLASS.find(label)
        assert found, label
        assert found.number == number, label
    assert CLASS.find("whoever", "4242").number == "007"
    assert CLASS.find("Participant", "555").number == "009"
    for nobody in ("lee", "lab 01", "rolling_downhill", "", "jane_and_sam", "1"):
        assert CLASS.find(nobody) is None, nobody


@pytest.mark.parametrize(
    ("text", "numbers", "names"),
    [
        ("id,name\n1,Ada\n2,Bob\n", ["1", "2"], ["Ada", "Bob"]),
        ("\ufeffname;id\nAda;01\n", ["01"], ["Ada"]),
        (
            'Student,ID,SIS User ID,SIS Login ID,Section\n    Points Possible,,,,\n"Doe, Jane",4242,S1,jd,A\n',
            ["4242"],
            ["Doe, Jane"],
        ),
        ("Identifier,Full name,Email address\nParticipant 555,Ann Lee,a@x\n", ["Participant 555"], ["Ann Lee"]),
        ("First name\tSurname\tUsername\nAnn\tLee\tal\n", ["al"], ["Ann Lee"]),
    ],
)
def test_rosters_as_platforms_export_them(tmp_path, text, numbers, names):
    (tmp_path / "roster.csv").write_text(text, "utf-8")
    students = read_roster(tmp_path / "roster.csv").students.values()
    assert [student.number for student in students] == numbers
    assert [student.name for student in students] == names


def test_rosters_that_are_none(tmp_path):
    roster = tmp_path / "roster.csv"
    assert not read_roster(roster)
    roster.write_text("colour\nred\n")
    with pytest.raises(ClassError, match="no column is called id"):
        read_roster(roster)
    roster.write_text("id,name\n1,Ada\n1,Bob\n")
    with pytest.raises(ClassError, match="line 3: 1 is there twice"):
        read_roster(roster)


def test_whatever_lies_there_is_found_and_has_an_owner(tmp_path):
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep/work.ipynb", "{}")
    folder = tmp_path / "01"
    folder.mkdir()
    with zipfile.ZipFile(folder / "canvas.zip", "w") as archive:
        archive.writestr("doejanemary_LATE_4242_90001_lab-1.ipynb", "{}")
        archive.write(inner, "angstromzoe_4243_90002_work.zip")
        archive.writestr("strange_99_90003_lab.ipynb", "{}")
        archive.writestr("__MACOSX/._x", "")
        archive.writestr("../../outside.ipynb", "{}")
    moodle = folder / "Ann Lee_555_assignsubmission_file"
    moodle.mkdir()
    (moodle / "report.pdf").write_text("no notebook")
    (folder / "Sam Lee").mkdir()
    (folder / "broken.zip").write_bytes(b"PK no zip file")
    (folder / ".DS_Store").write_text("")
    found = {file.source: file for file in handins.find(folder, CLASS)}
    assert {source: file.owner for source, file in found.items()} == {
        "canvas.zip/doejanemary_LATE_4242_90001_lab-1.ipynb": "007",
        "canvas.zip/angstromzoe_4243_90002_work.zip/deep/work.ipynb": "008",
        "canvas.zip/strange_99_90003_lab.ipynb": "99",
        "canvas.zip/outside.ipynb": "canvas.zip/outside.ipynb",
        "Ann Lee_555_assignsubmission_file/report.pdf": "009",
        "Sam Lee": "010",
        "broken.zip": "broken",
    }
    assert found["canvas.zip/doejanemary_LATE_4242_90001_lab-1.ipynb"].late
    assert found["Sam Lee"].problem == "an empty folder"
    assert found["broken.zip"].problem == "a zip file that is damaged"
    assert not found["canvas.zip/strange_99_90003_lab.ipynb"].on_roster
    with handins.opened(found["canvas.zip/angstromzoe_4243_90002_work.zip/deep/work.ipynb"]) as path:
        assert path.read_text() == "{}"
    assert not path.exists()
    assert not (tmp_path / "outside.ipynb").exists()


# Reading


def _json(cells, **more):
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more)


CODE = {"cell_type": "code", "source": ["a = 1\n", "b = '\"\\\\'"]}
WANTED = [Cell("code", "a = 1\nb = '\"\\\\'")]


@pytest.mark.parametrize(
    "data",
    [
        _json([CODE]).encode(),
        b"\xef\xbb\xbf" + _json([CODE]).encode(),
        _json([CODE]).encode("utf-16"),
        _json(
            [CODE | {"outputs": [{"data": "x" * 1000}], "id": "no id!", "metadata": 7, "more": {"[": "]}"}}]
        ).encode(),
        _json([CODE | {"source": "a = 1\r\nb = '\"\\\\'"}]).encode(),
        _json([CODE, 3]).encode(),
        json.dumps(
            {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": CODE["source"]}]}]}
        ).encode(),
        json.dumps({"cells": [{"source": CODE["source"], "outputs": None}]}).encode(),
        _json([CODE]).replace("]}]", "]}, {]").encode() + b"<cut",
        _json([CODE]).encode()[: _json([CODE]).index("]}") + 2],
        b"\n\n  " + _json([CODE], nbformat="four").encode(),
    ],
)
def test_cells_are_read_from_whatever_holds_them(tmp_path, data):
    (path := tmp_path / "x.ipynb").write_bytes(data)
    assert read_cells(path).cells == WANTED


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"\0\0\0\0", "is empty"),
        (b"<!DOCTYPE html><html>", "a saved web page"),
        (b"PK\x03\x04", "a zip file or a document"),
        (b"import numpy as np\n", "a Python file or a text"),
        (b"{}", "no notebook: it has no cells"),
        (_json([]).encode(), "has no cells"),
        (b'{"cells": [{"cell_type": "co', "damaged"),
        (b"<<<<<<< HEAD\n{}", "conflict"),
        (b"[1, 2]", "not a Jupyter notebook"),
    ],
)
def test_what_is_no_notebook_is_told_to_the_student(tmp_path, data, reason):
    (path := tmp_path / "x.ipynb").write_bytes(data)
    with pytest.raises(NotebookError, match=reason):
        read_cells(path)


def test_a_cut_off_or_conflicting_notebook_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "x.ipynb"
    whole = LAB.read_text("utf-8")
    n_cells = len(read_cells(LAB).cells)
    path.write_text(whole[: len(whole) // 2], "utf-8")
    half = read_cells(path)
    assert 5 < len(half.cells) < n_cells
    assert half.cells == read_cells(LAB).cells[: len(half.cells)]
    assert "damaged or cut off" in half.notes[0]
    path.write_text(whole.replace('"cells": [', '"cells": [\n<<<<<<< HEAD\n', 1), "utf-8")
    both = read_cells(path)
    assert both.cells == read_cells(LAB).cells
    assert "conflict" in both.notes[0]


def test_huge_outputs_cost_nothing(tmp_path):
    path = tmp_path / "x.ipynb"
    with path.open("w") as file:
        file.write('{"cells": [{"outputs": ["')
        for _ in range(10):
            file.write('A\\"' * 500_000)
        file.write('"], "cell_type": "code", "source": "a = 1"}]}')
    import tracemalloc

    tracemalloc.start()
    assert read_cells(path).cells == [Cell("code", "a = 1")]
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_a_lab_is_known_by_its_contents():
    labs = handouts(LABS)
    assert set(labs) == NUMBERS
    for lab in labs.values():
        exercises = lab_of(lab.name).exercises.values() if lab.number == "01" else []
        assert {e.function for e in exercises if e.automatic} <= lab.functions
        for asked in ("01", "15"):
            assert lab_of_notebook(lab.notebook, labs, asked) == lab.number
    assert lab_of_notebook(Notebook([Cell("code", "print('hello')")]), labs, "04") == "04"


# The record and the tables


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A class of three with two hand-ins, where judges give everybody what `marks` says, and note each notebook."""
    grade.set_up_class(tmp_path / "class", LABS)
    (tmp_path / "class" / "roster.csv").write_text("id,name\n1,Ada\n2,Bob\n03,Cleo\n")
    for name in ("Ada", "Bob"):
        _hand_in(tmp_path / "class" / "01" / f"{name}.ipynb", f"# {name}")
    monkeypatch.setattr(grade, "has_bubblewrap", lambda: True)
    monkeypatch.setattr(grade, "judged", _judged)
    _judged.marks, _judged.seen, _judged.stop_after = {}, [], None
    return tmp_path / "class"


def _hand_in(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"cell_type": "code", "source": "\n".join(["from coursekit.labs import lab01 as lab", *lines])}]
    path.write_text(_json(cells))


def _judged(tasks, jobs):
    for number, (key, task) in enumerate(tasks):
        if number == _judged.stop_after:
            raise KeyboardInterrupt
        _judged.seen.append(key[0])
        numbers = task.only or ["1.1", "1.2", "1.3", "1.4"]
        points = _judged.marks.get(task.cells[0][1].split("# ")[-1], 4)
        yield key, {n: {"points": points, "status": "PASS", "message": "", "note": ""} for n in numbers}, []


def _sheet(folder, name="marks-01.csv"):
    with open(folder / name, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    return {row[0]: dict(zip((cell.partition(" (")[0] for cell in rows[0]), row, strict=True)) for row in rows[1:]}


def _type(folder, student, column, value, name="marks-01.csv", delimiter=","):
    with open(folder / name, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    if column not in [cell.partition(" (")[0] for cell in rows[0]]:
        rows = [[*row, column if not number else ""] for number, row in enumerate(rows)]
    place = [cell.partition(" (")[0] for cell in rows[0]].index(column)
    for row in rows:
        if row[0] == student:
            row[place] = value
    with open(folder / name, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)


FREE = "1.5 With and without the ball"


def test_everybody_has_a_row_and_nobody_is_graded_twice(folder):
    summary = grade.grade_class(folder, "1", labs=LABS)
    sheet = _sheet(folder)
    assert [(row["name"], row["automatic"], row["total"]) for row in sheet.values()] == [
        ("Ada", "16", ""),
        ("Bob", "16", ""),
        ("Cleo", "0", "0"),
    ]
    assert sheet["03"]["notes"] == "no hand-in"
    assert "3 students; 2 handed in, 2 graded, 1 without a hand-in, 2 free texts to be marked" in str(summary)
    assert _judged.seen == ["1", "2"]
    before = (folder / "marks-01.csv").read_bytes()
    grade.grade_class(folder, "1", labs=LABS)
    assert _judged.seen == ["1", "2"]
    assert (folder / "marks-01.csv").read_bytes() == before


def test_what_was_typed_is_never_overwritten(folder):
    grade.grade_class(folder, "1", labs=LABS)
    _type(folder, "1", FREE, "3")
    _type(folder, "1", "comment", "well done; =SUM(A1)")
    _type(folder, "03", "excused", "yes")
    _type(folder, "2", "1.2 The speed limit", "2", delimiter=";")
    _judged.marks = {"Ada": 3, "Bob": 3}
    grade.grade_class(folder, "1", labs=LABS, again=True)
    sheet = _sheet(folder)
    ada, bob, cleo = (sheet[number] for number in ("1", "2", "03"))
    assert (ada[FREE], ada["automatic"], ada["total"], ada["comment"]) == ("3", "12", "15", "well done; =SUM(A1)")
    assert (bob["1.2 The speed limit"], bob["automatic"], cleo["excused"]) == ("2", "11", "yes")
    assert "1.2: 3 by the check, 2 by you" in bob["notes"]
    _type(folder, "1", FREE, "")  # taken back
    _type(folder, "2", "1.2 The speed limit", "")
    grade.grade_class(folder, labs=LABS)
    grade.grade_class(folder, "1", labs=LABS)
    sheet = _sheet(folder)
    assert (sheet["1"][FREE], sheet["1"]["total"], sheet["2"]["1.2 The speed limit"]) == ("", "", "3")


def test_a_sheet_that_lay_open_while_marks_changed_does_not_bring_the_old_ones_back(folder):
    grade.grade_class(folder, "1", labs=LABS)
    opened = (folder / "marks-01.csv").read_bytes()
    _judged.marks = {"Ada": 1}
    grade.grade_class(folder, "1", labs=LABS, again=True)
    (folder / "marks-01.csv").write_bytes(opened)  # the spreadsheet saves what it has had open
    _type(folder, "2", FREE, "4")
    grade.grade_class(folder, "1", labs=LABS)
    assert [_sheet(folder)[n]["automatic"] for n in ("1", "2")] == ["4", "16"]
    assert _sheet(folder)["2"]["total"] == "20"


def test_spreadsheets_may_change_how_numbers_look(folder):
    grade.grade_class(folder, "1", labs=LABS)
    text = (folder / "marks-01.csv").read_text("utf-8-sig").replace(",4,", ",4.0,").replace("\n03,", "\n3,")
    (folder / "marks-01.csv").write_text(text, "utf-16")
    grade.grade_class(folder, "1", labs=LABS)
    with Record(folder / "gradebook.sqlite") as record:
        assert record.typed("01") == {}
    assert list(_sheet(folder)) == ["1", "2", "03"]


def test_rows_and_files_that_were_removed_come_back(folder):
    grade.grade_class(folder, "1", labs=LABS)
    _type(folder, "1", FREE, "4")
    grade.grade_class(folder, "1", labs=LABS)
    for path in folder.glob("*.csv"):
        if path.name != "roster.csv":
            path.unlink()
    grade.grade_class(folder, "1", labs=LABS)
    assert _sheet(folder)["1"]["total"] == "20"
    assert _sheet(folder, "gradebook.csv")["1"]["sum"] == "20"
    assert _judged.seen == ["1", "2"]


def test_a_stopped_run_goes_on_where_it_was(folder):
    _judged.stop_after = 1
    summary = grade.grade_class(folder, "1", labs=LABS)
    assert summary.stopped
    assert "1 graded, 1 still to be graded" in str(summary)
    assert _sheet(folder)["1"]["automatic"] == "16"
    assert _sheet(folder)["2"]["notes"] == "not graded yet"
    _judged.stop_after = None
    grade.grade_class(folder, "1", labs=LABS)
    assert _judged.seen == ["1", "2"]


def test_one_student_or_one_exercise_again(folder):
    grade.grade_class(folder, "1", labs=LABS)
    _judged.marks = {"Ada": 1, "Bob": 1}
    grade.grade_class(folder, "1", labs=LABS, students=["Bob"], exercises=["1.3"])
    assert [_sheet(folder)[n]["automatic"] for n in ("1", "2")] == ["16", "13"]
    grade.grade_class(folder, "1", labs=LABS, exercises=["1.1"])
    assert [_sheet(folder)[n]["automatic"] for n in ("1", "2")] == ["13", "10"]
    with pytest.raises(ClassError, match=r"exercise 1\.5: lab 01 has"):
        grade.grade_class(folder, "1", labs=LABS, exercises=["1.5"])
    with pytest.raises(ClassError, match=r"03: nothing was handed in"):
        grade.grade_class(folder, "1", labs=LABS, students=["Cleo"])


@pytest.mark.parametrize(("policy", "counts"), [("best", "16 16 4"), ("last", "4 16 4"), ("last in time", "12 16 4")])
def test_attempts_by_policy(folder, policy, counts):
    due = datetime(2030, 1, 10)
    for name, download, day, mark in [
        ("Ada", "a", 8, 4),
        ("Ada", "b", 9, 3),
        ("Ada", "c", 12, 1),
        ("Bob", "a", 8, 4),
        ("Cleo", "c", 13, 1),
    ]:
        path = folder / "01" / download / f"{name}.ipynb"
        _hand_in(path, f"# {name} {download}")
        _judged.marks[f"{name} {download}"] = mark
        when = due.replace(day=day).timestamp()
        os.utime(path, (when, when))
    for name in ("Ada", "Bob"):
        (folder / "01" / f"{name}.ipynb").unlink()
    (folder / "class.toml").write_text(
        f'attempts = "{policy}"\npoints_off_per_late_day = 2\nfree_late_days = 1\n[due]\n01 = 2030-01-10T00:00:00\n'
    )
    grade.grade_class(folder, "1", labs=LABS)
    sheet = _sheet(folder)
    assert " ".join(row["automatic"] for row in sheet.values()) == counts
    assert sheet["03"]["days late"] == "3"
    _type(folder, "03", FREE, "4")
    grade.grade_class(folder, "1", labs=LABS)
    assert _sheet(folder)["03"]["total"] == "4"  # 8, less 2 for each of 3 - 1 days
    assert "4 points off for being late" in _sheet(folder)["03"]["notes"]


def test_several_notebooks_of_one_student(folder):
    _hand_in(folder / "01" / "Cleo" / "draft.ipynb", "# Cleo")
    _hand_in(folder / "01" / "Cleo" / "final.ipynb", "x = 1", "y = 2", "# Cleo")
    (folder / "01" / "Cleo" / "lab2.ipynb").write_bytes((LABS / "02_fitting_too_well.ipynb").read_bytes())
    (folder / "01" / "Cleo" / "data.csv").write_text("1")
    (folder / "01" / "stray.txt").write_text("1")
    summary = grade.grade_class(folder, "1", labs=LABS)
    cleo = _sheet(folder)["03"]
    assert cleo["notebook"] == "Cleo/final.ipynb"
    assert "lab2.ipynb is of lab 02" in cleo["notes"]
    assert "2 notebooks of this lab: the fullest counts, final.ipynb" in cleo["notes"]
    assert "data.csv is no notebook" in cleo["notes"]
    assert "stray.txt: no notebook, and nobody's on the roster" in summary.to_look_at


def test_marks_that_are_none_are_told(folder):
    grade.grade_class(folder, "1", labs=LABS)
    _type(folder, "1", FREE, "four")
    _type(folder, "2", FREE, "40")
    summary = grade.grade_class(folder, "1", labs=LABS)
    assert "1: 1.5 is 'four', which is no number" in summary.to_look_at
    assert "2: 1.5 is 40, of 4 points" in summary.to_look_at


def test_names_and_errors_are_no_formulas(folder):
    (folder / "roster.csv").write_text("id,name\n1,=cmd()\n")
    for path in (folder / "01").iterdir():
        path.unlink()
    grade.grade_class(folder, "1", labs=LABS)
    grade.grade_class(folder, "1", labs=LABS)
    assert _sheet(folder)["1"]["name"] == "'=cmd()"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("attempts = ", "class.toml"),
        ('attempts = "first"', "it can be 'best'"),
        ("colour = 1", "nothing is called colour"),
        ('[due]\n01 = "monday"', "write a time"),
    ],
)
def test_a_policy_that_is_none(tmp_path, text, problem):
    (tmp_path / "class.toml").write_text(text)
    with pytest.raises(ClassError, match=problem):
        Policy.read(tmp_path / "class.toml")


def test_what_is_no_class(tmp_path, folder, monkeypatch):
    with pytest.raises(ClassError, match="--new` makes one"):
        grade.grade_class(tmp_path / "none", "1", labs=LABS)
    with pytest.raises(ClassError, match="lab 77: there are the labs 01, 02"):
        grade.grade_class(folder, "77", labs=LABS)
    with pytest.raises(ClassError, match="holds no lab"):
        grade.grade_class(folder, "1", labs=tmp_path)
    monkeypatch.setattr(grade, "has_bubblewrap", lambda: False)
    with pytest.raises(ClassError, match="--unsafe"):
        grade.grade_class(folder, "1", labs=LABS)
    (folder / "gradebook.sqlite").write_text("no database, and long enough to be seen as none" * 40)
    with pytest.raises(ClassError, match="can't be used as the record"):
        grade.grade_class(folder, labs=LABS)


def test_a_record_that_can_not_be_used_is_closed(tmp_path):
    broken, later = tmp_path / "broken.sqlite", tmp_path / "later.sqlite"
    broken.write_text("no database, and long enough to be seen as none" * 40)
    with Record(later), closing(sqlite3.connect(later)) as db:
        db.execute("PRAGMA user_version = 2")
    for path, message in ((broken, "can't be used"), (later, "a later version")):
        record = Record.__new__(Record)
        with pytest.raises(ClassError, match=message):
            record.__init__(path)
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            record._db.execute("SELECT 1")
    with pytest.raises(ClassError, match="can't be used"):
        Record(tmp_path / "none" / "x.sqlite")


def test_setting_up_touches_nothing_that_is_there(tmp_path):
    made = grade.set_up_class(tmp_path / "new", LABS)
    assert {path.name for path in made} == {"roster.csv", "class.toml", *NUMBERS}
    (tmp_path / "new" / "roster.csv").write_text("id\n1\n")
    assert grade.set_up_class(tmp_path / "new", LABS) == []
    assert (tmp_path / "new" / "roster.csv").read_text() == "id\n1\n"
    assert Policy.read(tmp_path / "new" / "class.toml") == Policy()


def test_the_container_of_the_guide():
    """It can't be started here: what it is made of is looked at."""
    guide = (ROOT / "book" / "instructor.md").read_text("utf-8")
    recipe = re.search(r"docker build -t (\S+) -f (\S+) \.", guide)
    lines = (ROOT / recipe[2]).read_text("utf-8").splitlines()
    assert "bubblewrap" in next(line for line in lines if line.startswith("RUN apt-get"))
    (entry,) = [json.loads(line.removeprefix("ENTRYPOINT ")) for line in lines if line.startswith("ENTRYPOINT ")]
    run = shlex.split(re.search(r"docker run .*", guide)[0])
    image = run.index(recipe[1])
    mounted = run[run.index("-v") + 1].partition(":")[2]
    assert run[run.index("--network") + 1] == "none"
    assert entry[:2] == ["python3", "course.py"]
    known = _parser().parse_args([*entry[2:], *run[image + 1 :]])
    assert (str(known.folder), known.lab, known.unsafe) == (mounted, "01", False)


def test_a_judge_that_is_ended_is_replaced_once(monkeypatch):
    asked = itertools.count()

    class Ended(judges._Judge):
        def _ask(self, task):
            return {}, [], next(asked) % 2 == 1

    judge = Ended()
    assert judge(None) == ({}, [])
    monkeypatch.setattr(Ended, "_ask", lambda self, task: ({"1.1": {}}, [], False))
    assert judge(None) == ({"1.1": {}}, ["the judge was ended twice while this notebook was graded"])
