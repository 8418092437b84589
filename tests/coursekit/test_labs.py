"""Every lab in solutions/: generated as committed, kind to the untouched stub, precise on each named wrong answer."""

import importlib.util
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from coursekit.feedback import Status, Student, TryAgain, rehearse
from coursekit.labs import lab_of
from coursekit.labs.lab06_evolving import compare_tables
from coursekit.make_labs import PLACEHOLDER, START, check_labs
from coursekit.notebooks import read_notebook

ROOT = Path(__file__).parents[2]
SOLUTIONS = sorted((ROOT / "solutions").glob("*.ipynb"))
# Where a mistake of a table can't be called as a student's function: the split is the student's own draw (2.2), or the
# check watches what is asked of a loss (8.1) or of trials (8.3).
PROTOCOLS = {"2.2", "8.1", "8.3"}
PLAIN = re.compile(r"\x1b\[[\d;]*m")  # colours, in a kernel alone
CHECK = re.compile(r"^lab\.check\(\"([\d.]+)\", (\w+)\)$")


def answers(path):
    """The module of named wrong and right answers to a lab."""
    name = f"lab{path.name.partition('_')[0]}"
    spec = importlib.util.spec_from_file_location(
        f"wrong_answers_{name}", ROOT / "tests" / "coursekit" / "wrong_answers" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_cells(nb):
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def run_here(path, monkeypatch):
    """Run an untouched lab's cells one by one in this process; (cell, what it printed) pairs."""
    monkeypatch.setattr(lab_of(path), "_latest", {})
    monkeypatch.chdir(path.parent)
    namespace, printed = {}, []
    with mpl.rc_context({"backend": "agg"}):
        for cell in code_cells(read_notebook(path)):
            with redirect_stdout(io.StringIO()) as out:
                exec(compile(cell.source, f"{path.name}, {cell.id}", "exec"), namespace)
            printed.append((cell, out.getvalue()))
        plt.close("all")
    return printed


def checked(printed):
    """{exercise: what its check said}, from (cell, output) pairs."""
    return {found[1]: PLAIN.sub("", text) for cell, text in printed if (found := CHECK.match(cell.source))}


def automatic(lab):
    return {number: exercise for number, exercise in lab.exercises.items() if exercise.automatic}


def test_there_are_labs():
    assert SOLUTIONS


def test_labs_are_those_that_the_solutions_make():
    assert check_labs(ROOT / "solutions", ROOT / "labs") == []


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
class TestLab:
    def test_twenty_points(self, path):
        assert sum(exercise.points for exercise in lab_of(path).exercises.values()) == 20

    def test_every_exercise_is_in_the_notebook(self, path):
        nb, lab = read_notebook(ROOT / "labs" / path.name), lab_of(path)
        text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
        headers = re.findall(
            r"^## Exercise ([\d.]+) · (.+)\n\n\d+ minutes · difficulty [123] of 3 · (\d+) points · (.+)$", text, re.M
        )
        expected = [
            (n, e.title, str(e.points), "automatic" if e.automatic else "read by your instructor")
            for n, e in lab.exercises.items()
        ]
        assert headers == expected
        code = "\n".join(cell.source for cell in code_cells(nb))
        for number, exercise in automatic(lab).items():
            assert f"def {exercise.function}({', '.join(exercise.parameters)}):" in code
            assert f'\nlab.check("{number}", {exercise.function})\n' in code
        assert sum(cell.source == PLACEHOLDER for cell in nb.cells) == len(lab.exercises) - len(automatic(lab))
        assert text.count("<summary>Hint</summary>") == text.count("<summary>Bigger hint</summary>")
        assert text.count("<summary>Hint</summary>") >= len(automatic(lab))

    def test_untouched_lab_says_your_turn(self, path, monkeypatch):
        said = checked(run_here(ROOT / "labs" / path.name, monkeypatch))
        assert said.keys() == automatic(lab_of(path)).keys()
        for number, text in said.items():
            assert text.startswith(f"YOUR TURN {number}: ")

    def test_solution_passes(self, path):
        """As committed, to which nbval holds every run."""
        cells = [cell for cell in code_cells(read_notebook(path)) if CHECK.match(cell.source)]
        assert [cell.metadata.get("tags", []) for cell in cells] == [[]] * len(cells)
        said = checked([(cell, "".join(o.get("text", "") for o in cell.outputs)) for cell in cells])
        assert said.keys() == automatic(lab_of(path)).keys()
        for number, text in said.items():
            assert text.startswith(f"PASS {number} ")

    def test_mistakes_of_the_tables_get_their_own_hints(self, path):
        lab, named = lab_of(path), answers(path)
        for number, functions in named.RIGHT.items():
            mistakes = rehearse(lab, number, functions[0])
            assert len(mistakes) + len(named.WRONG[number]) >= 4
            for one in mistakes:
                assert one.said == one.hint
                if number not in PROTOCOLS:
                    assert lab.judge(number, one.wrong).message == one.hint

    def test_wrong_answers_get_their_own_hints(self, path, monkeypatch):
        """What no table holds: other faults, ways to break a protocol; and of each table one in a student's words."""
        lab, wrong = lab_of(path), answers(path).WRONG
        monkeypatch.setattr(lab, "time_limit", 2.0)  # seconds: for loops that never end; a busy machine is slow, too
        assert wrong.keys() == automatic(lab).keys()
        for number, named in wrong.items():
            hints = {}
            for function, fragment in named:
                verdict = lab.judge(number, function)
                assert verdict.status is Status.TRY_AGAIN, function.__name__
                assert fragment in verdict.message, f"{function.__name__}: {verdict.message}"
                hints[fragment] = verdict.message
            assert len(hints) == len(named)
            for fragment in hints:
                assert sum(fragment in message for message in hints.values()) == 1, fragment

    def test_right_answers_in_other_words_pass(self, path):
        lab, right = lab_of(path), answers(path).RIGHT
        assert right.keys() == automatic(lab).keys()
        for number, functions in right.items():
            for function in functions:
                assert lab.judge(number, function).message == "", function.__name__

    def test_pictures_come_alive_and_have_words(self, path):
        cells = code_cells(read_notebook(path))
        drawn = [cell for cell in cells if any("image/png" in o.get("data", {}) for o in cell.outputs)]
        assert any("if lab.passed(" in cell.source for cell in drawn)
        for cell in drawn:
            assert len(cell.metadata["mystnb"]["image"]["alt"]) > 40


def test_a_failing_case_in_a_table_s_words_names_no_fault():
    student, case = Student(lambda x, names: {"a": (1, 7)}, ["x", "names"]), ((0, ["a"]), {"a": (1, 2)})
    with pytest.raises(TryAgain, match="error of 'a' is 7") as told:
        compare_tables(student, None, ("n", "error"), [case], [], right=None, mistakes={})
    assert not told.value.names_fault


def test_rounding_is_seen_where_a_check_must_be_lenient():
    """In 5.2, for float32; not with a student's own constant in it, so it is no wrong answer for variants."""
    path = ROOT / "solutions" / "05_a_genetic_algorithm.ipynb"
    right = answers(path).RIGHT["5.2"][1]
    said = lab_of(path).judge("5.2", lambda population, x, y: right(population, x, y).round(decimals=3)).message
    assert said.startswith("fitness is rounded to 3 decimals")


def test_the_start_page_leads_to_every_lab():
    (cell,) = read_notebook(ROOT / "labs" / START).cells
    assert re.findall(r"\]\((\d\d_\w+\.ipynb)\) \| \d+ \| \[chapter", cell.source) == [path.name for path in SOLUTIONS]
