"""What an exception shows by itself, and that nothing is said where it shows nothing."""

import numpy as np
import pytest
import torch

from coursekit.feedback import Lab, Student

LAB = Lab(1, "One")


@LAB.exercise("1.1", "stops(x)", title="Stops", points=1)
def _(student: Student) -> None:
    student(np.ones((2, 3)))


def never_set(x):
    total += x  # noqa: F821
    return total


def mistyped(x):
    return undefined_name + x  # noqa: F821


def one_name_too_many(x):
    first, second, third = x
    return first + second + third


def a_name_too_few(x):
    (first,) = x
    return first


def one_too_far(x):
    return [x[i] for i in range(3)]


def many_truths(x):
    return 1 if x > 0 else 0


def shapes(x):
    other = np.ones(4)
    return x * other


def tensors(x):
    one, other = torch.ones(2, 3), torch.ones(4)
    return one + other


def nothing_came_back(x):
    row = [3, 1].sort()
    return row[0]


def a_number_in_place_of_an_array(x):
    size = len(x)
    return size.mean()


SHOWN = [
    (never_set, "Nothing has given `total` a value"),
    (mistyped, "Nothing has given `undefined_name` a value"),
    (one_name_too_many, "Here 3 names stand on the left, and 2 values on the right"),
    (a_name_too_few, "Here one name stands on the left, and more values on the right"),
    (one_too_far, "the last of 2 has the number 1; number 2 is asked for"),
    (many_truths, "this one has many"),
    (shapes, "`x` has the shape (2, 3) and `other` (4,)"),
    (tensors, "`one` has the shape (2, 3) and `other` (4,)"),
    (nothing_came_back, "`row` is None"),
    (a_number_in_place_of_an_array, "`size` is of type int here"),
]


@pytest.mark.parametrize(("function", "said"), SHOWN)
def test_what_is_shown_is_said_and_names_the_fault(function, said):
    verdict = LAB.judge("1.1", function)
    assert said in verdict.message
    assert verdict.kind == "named"


def shapes_of_expressions(x):
    other = np.ones((3, 4))
    return x[0, :2] * other  # x doesn't clash with it; x[0, :2] does


def a_library_complains(x):
    return np.linalg.inv(x)


def a_librarys_own_name(x):
    import re

    return re.compile("(")


def from_the_end(x):
    return x[-3]


def a_module_in_place_of_a_tensor(x):
    return x @ torch


def not_implemented_by_torch(x):
    return torch.ones(2) & torch.ones(2)  # a NotImplementedError, but no stub


NOTHING = [shapes_of_expressions, a_library_complains, a_librarys_own_name, from_the_end, a_module_in_place_of_a_tensor]
NOTHING += [not_implemented_by_torch]


@pytest.mark.parametrize("function", NOTHING)
def test_nothing_is_said_where_nothing_is_shown(function):
    assert LAB.judge("1.1", function).kind == "stopped"
