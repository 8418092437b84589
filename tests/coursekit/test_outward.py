"""No hint tells what only looks into the check: its classes, the address of an object."""

import ast
import re
from pathlib import Path

import pytest
from trying_mutants import SOLUTIONS

from coursekit import labs
from coursekit.feedback import Lab, Student
from coursekit.feedback.reading import outward
from coursekit.labs import lab_of

MISUSED = "{}()", "{}(1)", "{} + 1", "{}[0]", "len({})", "{}.nothing", "{{}}[{}]", "str({})", "({},) * 3", "{}"
TREES = [ast.parse(path.read_text("utf-8")) for path in Path(labs.__file__).parent.glob("lab*.py")]
OWN = {node.name for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
INSIDE = r"\b_[A-Za-z]\w*\b", "coursekit", "at 0x", "<locals>"


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_nothing_internal_is_in_a_hint_about_what_students_are_given(path):
    lab, shown = lab_of(path), path.read_text("utf-8")
    inside = re.compile("|".join([*(rf"\b{name}\b" for name in OWN if name not in shown), *INSIDE]))
    for number, exercise in lab.exercises.items():
        for parameter in _objects(lab, number) if exercise.automatic else ():
            for misuse in MISUSED:
                message = lab.judge(number, _returning(exercise, misuse.format(parameter))).message
                assert not inside.search(message), f"{number}, {misuse.format(parameter)}: {message}"


def _returning(exercise, text):
    names = {}
    head = f"def {exercise.function}({', '.join(exercise.parameters)}):"
    exec(compile(f"{head}\n    return {text}\n", "<student>", "exec"), names)
    return names[exercise.function]


def _objects(lab, number):
    """The parameters of an exercise for which the check gives functions, generators or objects of its own."""
    names, given = lab.exercises[number].parameters, []
    lab.judge(number, lambda *args: given.append(args))
    plain = int, float, str, bool, list, tuple, type(None)
    return [
        name
        for name, value in zip(names, given[0] if given else (), strict=False)
        if not isinstance(value, plain) and not hasattr(value, "ndim")
    ]


def test_what_python_says_of_the_inside_is_left_out():
    class Watched:
        def __call__(self, one):
            return one

        def method(self, one):
            return one

    watched = Watched()
    lab = Lab(9, "Nine")

    @lab.exercise("9.1", "f(x)", title="F", points=1)
    def _(student: Student) -> None:
        student(watched)

    assert "this call is missing 1 required" in lab.judge("9.1", lambda x: x()).message
    assert "TypeError: method() missing 1 required" in lab.judge("9.1", lambda x: x.method()).message
    assert "KeyError: <function method>" in lab.judge("9.1", lambda x: {}[x.method]).message
    assert "KeyError: <Watched>" in lab.judge("9.1", lambda x: {}[x]).message
    assert outward("take torch.full_like(x, 2), not x.y() of it") == "take torch.full_like(x, 2), not x.y() of it"
