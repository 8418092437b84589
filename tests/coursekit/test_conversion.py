"""Labs as nbgrader and otter want them: both accept them, give a solution all points, and an untouched lab none."""

import csv
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

from coursekit.conversion import convert, for_nbgrader, for_otter
from coursekit.labs import lab_of
from coursekit.make_labs import student_version
from coursekit.notebooks import NotebookError, read_notebook

ROOT = Path(__file__).parents[2]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
SOLUTION = SOLUTIONS[0]
NAME = SOLUTION.name
LAB = lab_of(SOLUTION)
AUTOMATIC = {number: exercise.points for number, exercise in LAB.exercises.items() if exercise.automatic}


def needs(package):
    return pytest.mark.skipif(
        find_spec(package) is None, reason=f"{package} isn't installed here: pip install '.[graders]' to run this"
    )


@pytest.fixture
def tool(tmp_path):
    """Runs `python -m ...` where notebooks find this Python as their kernel."""
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    paths = os.pathsep.join(path for path in (str(ROOT / "src"), os.environ.get("PYTHONPATH")) if path)
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # nbgrader calls alembic
    environment = os.environ | {"JUPYTER_PATH": str(tmp_path / "jupyter"), "PYTHONPATH": paths, "PATH": programs}

    def run(folder, *words):
        command = [sys.executable, "-m", *map(str, words)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=3600)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_each_exercise_is_a_question_with_its_points(path):
    lab, nb = lab_of(path), read_notebook(path)
    points = {number.replace(".", "-"): exercise.points for number, exercise in lab.exercises.items()}
    told = [cell.metadata["nbgrader"] for cell in for_nbgrader(nb, lab, path.name).cells if "nbgrader" in cell.metadata]
    assert {one["grade_id"].partition("-")[2]: one["points"] for one in told if one["grade"]} == points
    assert len({one["grade_id"] for one in told}) == len(told)
    converted = for_otter(nb, lab, path.name)
    nbformat.validate(converted)
    raw = [cell.source for cell in converted.cells if cell.cell_type == "raw"]
    assert sum("# BEGIN QUESTION" in source for source in raw) == len(points)
    for number, exercise in lab.exercises.items():
        (question,) = (source for source in raw if f"exercise_{number.replace('.', '_')}\n" in source)
        assert f"points: {exercise.points}" in question
        assert ("manual: true" in question) is not exercise.automatic


def test_a_notebook_that_lacks_an_exercise_is_refused():
    nb = read_notebook(SOLUTION)
    nb.cells = [cell for cell in nb.cells if not cell.source.startswith("lab.check")]
    with pytest.raises(NotebookError, match="one check"):
        for_nbgrader(nb, LAB, NAME)


def test_a_configuration_that_is_there_is_kept(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("mine")
    made = convert([SOLUTION], "nbgrader", tmp_path)
    assert made == [tmp_path / "source" / "lab01" / NAME]
    assert (tmp_path / "nbgrader_config.py").read_text() == "mine"


@pytest.mark.slow
@needs("nbgrader")
def test_nbgrader_takes_it_and_grades(tmp_path, tool):
    course = tmp_path / "course"
    convert([SOLUTION], "nbgrader", course)
    tool(course, "nbgrader", "generate_assignment", "lab01")
    release = course / "release" / "lab01" / NAME
    assert "BEGIN SOLUTION" not in release.read_text("utf-8")
    for student, source in {"solved": course / "source" / "lab01" / NAME, "untouched": release}.items():
        (course / "submitted" / student / "lab01").mkdir(parents=True)
        shutil.copy(source, course / "submitted" / student / "lab01")
    tool(course, "nbgrader", "autograde", "lab01")
    tool(course, "nbgrader", "export")
    with open(course / "grades.csv", newline="") as file:
        rows = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    assert rows == {"solved": (sum(AUTOMATIC.values()), 20), "untouched": (0, 20)}


@pytest.mark.slow
@needs("otter")
def test_otter_takes_it_and_grades(tmp_path, tool):
    convert([SOLUTION], "otter", tmp_path)
    folder = tmp_path / "lab01"
    tool(folder, "otter", "assign", NAME, "dist")
    student = folder / "dist" / "student" / NAME
    given = [line for cell in read_notebook(student).cells for line in cell.source.split("\n")]
    handed_out = student_version(read_notebook(SOLUTION), NAME)
    kept = [line for cell in handed_out.cells for line in cell.source.split("\n") if line.startswith("    raise ")]
    assert [line for line in given if line.startswith("    raise ")] == kept
    assert len(kept) == len(AUTOMATIC)
    assert not [line for line in given if "SOLUTION" in line or "PROMPT" in line]
    (archive,) = (folder / "dist" / "autograder").glob("*.zip")
    scores = {}
    for name, source in {"solved": folder / "dist" / "autograder" / NAME, "untouched": student}.items():
        (folder / name).mkdir()
        tool(folder, "otter", "run", source, "-a", archive, "-o", folder / name)
        tests = json.loads((folder / name / "results.json").read_text())["tests"]
        scores[name] = {one["name"]: one["score"] for one in tests if "exercise" in one["name"]}
    names = {f"exercise_{number.replace('.', '_')}": points for number, points in AUTOMATIC.items()}
    assert scores == {"solved": names, "untouched": dict.fromkeys(names, 0)}
