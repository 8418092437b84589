"""What an exception shows by itself, and that nothing is said where it shows nothing."""

import math

import numpy as np
import pandas as pd
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


def a_method_of_a_module(x):
    means = np
    return means.argmax()


def inside_cython(x):
    wide = pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 3.0]})
    return wide[[wide.mean(), "a"]]


def all_looked_for(x):
    row = [3, 1]
    return row.index(row)


def nothing_came_back(x):
    row = [3, 1].sort()
    return row[0]


def a_number_in_place_of_an_array(x):
    size = len(x)
    return size.mean()


def shapes_of_expressions(x):
    other = np.ones((3, 4))
    return x[0, :2] * other


def a_product(x):
    other = np.ones(5)
    return x @ other


def a_product_of_tensors(x):
    one, other = torch.ones(2, 3), torch.ones(5)
    return one @ other


def put_side_by_side(x):
    return np.hstack([x, np.ones(5)])


def of_a_library(x):
    return np.linalg.inv(x)


def a_module(x):
    return 2 * np


def a_promise_of_numbers(x):
    return (2 * row for row in x) / 2


def a_module_under_another_name(x):
    ranks = math
    return math.floor(ranks)


def a_function_from_outside(x):
    return not_called.shape


def a_set_is_shuffled(x):
    return np.random.default_rng(0).permutation(set(x.ravel().tolist()))


def not_called(x):
    return x.sum / 2


def a_list_in_place_of_an_array(x):
    rows = [1.0, 2.0]
    return 0.5 * rows


def one_number_gone_through(x):
    return [row for row in len(x)]


def nothing_in_it(x):
    return max([])


def an_axis_too_far(x):
    return x.sum(axis=2)


def an_array_for_a_count(x):
    return list(range(x))


def a_float_for_a_place(x):
    return x[: len(x) / 2]


def never_put_in(x):
    table = {}
    return table["a", 1]


def divided_by_nothing(x):
    rest = len(x) - 2
    return 1 / rest


def from_the_end(x):
    return x[-3]


def an_argument_left_out(x):
    return (lambda first, second: first)(x)


class Net:
    """Something from outside that has no entries."""


net = Net()


def a_module_under_a_root(x):
    return np.sqrt(np)


def a_function_under_a_root(x):
    return np.exp(np.sum)


def joined_along_another_axis(x):
    return torch.cat([torch.ones(4, 1), torch.ones(4, 15)])


def arrays_joined_along_another_axis(x):
    return np.concatenate([np.ones((1, 4)), np.ones((15, 4))], axis=1)


def a_new_axis_too_far(x):
    scores = torch.ones(10)
    return scores.unsqueeze(-3)


def shapes_of_other_lengths(x):
    return np.ones((18, 20)) - np.ones(12)


def what_append_returns(x):
    rows = [x]
    rows.append(rows.append(x))
    return np.array(rows)


def not_to_be_taken_apart(x):
    def ends(path):
        first, last = path
        return first, last

    return ends(net)


def not_asked_for_its_answer(x):
    return net[0]


def the_other_librarys_argument(x):
    return torch.ones(3, 4).std(ddof=0)


def alone_as_a_condition(x):
    mothers = torch.ones(1000, 20)
    return 1 if mothers else 0


def truths_as_a_condition(x):
    large = x > 0
    return 1 if large else 0


def numbers_out_of_vmap(x):
    return torch.vmap(lambda row: torch.tensor(row.tolist()))(torch.ones(3, 4))


def a_number_out_of_vmap(x):
    return torch.vmap(lambda row: float(row.sum()))(torch.ones(3, 4))


def a_number_and_a_list(x):
    n_lost, k = 3, 4
    return n_lost + [True] * k


def a_list_and_a_number(x):
    rows = [x]
    return rows + 1


def lists_added_up(x):
    return sum([[1], [2]])


def a_list_taken_off(x):
    rows = [1.0, 2.0]
    return 3.0 - rows


def what_came_in_is_judged(x):
    bound = 0.5
    return 1 if not bound < x else 0


SHOWN = [
    (a_number_and_a_list, "its length, len(...)? There, `n_lost` is 3, `k` is 4."),
    (a_list_and_a_number, "should a list stand there ([...] * n has n members)"),
    (lists_added_up, "a place in it, np.array(...) if each member is meant, or len(...)?"),
    (
        a_list_taken_off,
        "`rows` is a list, and here a number or an array is needed: min, max or sum of it, a place rows[i]",
    ),
    (what_came_in_is_judged, "or for a number made of the many (a mean, a spread)? `x` is what came in: is something"),
    (many_truths, "`x` is what came in"),
    (never_set, "Nothing has given `total` a value"),
    (mistyped, "Nothing has given `undefined_name` a value"),
    (one_name_too_many, "Here 3 names stand on the left, and 2 values on the right"),
    (a_name_too_few, "Here one name stands on the left, and more values on the right"),
    (one_too_far, "the last of 2 has the number 1; number 2 is asked for"),
    (many_truths, "this one has many"),
    (shapes, "`x` has the shape (2, 3) and `other` (4,)"),
    (tensors, "`one` has the shape (2, 3) and `other` (4,)"),
    (a_method_of_a_module, "`means` is the module numpy itself"),
    (inside_cython, '(`return wide[[wide.mean(), "a"]]`) with TypeError: unhashable'),
    (all_looked_for, "equals none of the members"),
    (nothing_came_back, "`row` is None"),
    (shapes_of_expressions, "2 numbers meet 4"),
    (a_product, "`x` has the shape (2, 3) and `other` (5,)"),
    (a_product_of_tensors, "`one` has the shape (2, 3) and `other` (5,)"),
    (put_side_by_side, "What has 2 axes is put beside what has 1"),
    (of_a_library, "as many rows as columns"),
    (a_module, "`np` is the module numpy itself"),
    (a_promise_of_numbers, "is no list or array yet"),
    (a_module_under_another_name, "`ranks` is the module math itself"),
    (a_function_from_outside, "`not_called` is a function from outside here"),
    (a_set_is_shuffled, "or one thing to NumPy, as a set is"),
    (not_called, "isn't called here"),
    (a_list_in_place_of_an_array, "np.array(...) makes of a list what can be calculated with"),
    (one_number_gone_through, "is one number, and no row of values"),
    (nothing_in_it, "was nothing put into it"),
    (an_axis_too_far, "from the end, from -1: none has the number 2"),
    (an_array_for_a_count, "One number is needed here (a place, a size, or how often"),
    (a_float_for_a_place, "Only whole numbers can be places"),
    (never_put_in, "`table` has no such key: it is empty"),
    (divided_by_nothing, "`rest` is 0"),
    (from_the_end, "There are only 2, and the one with the number 3 from the end"),
    (an_argument_left_out, "The call leaves out 'second'"),
    (a_number_in_place_of_an_array, "`size` is one number, and no row of values"),
    (a_module_under_a_root, "`np` is the module numpy itself"),
    (a_function_under_a_root, "is a function, and isn't called here"),
    (joined_along_another_axis, "along another 1 meets 15: is that the axis to join along"),
    (arrays_joined_along_another_axis, "along another 1 meets 15: is that the axis to join along"),
    (a_new_axis_too_far, "from the end, from -1 to -2: none has the number -3. There, `scores` has the shape (10,)"),
    (shapes_of_other_lengths, "20 numbers meet 12, where there should be as many. One side has 2 axes, the other 1:"),
    (what_append_returns, "`rows` holds None at place 2"),
    (not_to_be_taken_apart, "`path` is of type Net, as it was given in line "),
    (not_asked_for_its_answer, "`net` comes from outside and is of type Net"),
    (the_other_librarys_argument, "got (ddof=int, ). What is called here has no argument `ddof`"),
    (alone_as_a_condition, "`mothers` has the shape (1000, 20) and stands alone as a condition"),
    (truths_as_a_condition, "this one has many: is it to hold for all of them"),
    (numbers_out_of_vmap, "no numbers of its own to take out"),
    (a_number_out_of_vmap, "no numbers of its own to take out"),
]


@pytest.mark.parametrize(("function", "said"), SHOWN)
def test_what_is_shown_is_said_and_names_the_fault(function, said):
    verdict = LAB.judge("1.1", function)
    assert said in verdict.message
    assert verdict.kind == "named"


def a_librarys_own_name(x):
    import re

    return re.compile("(")


def an_attribute_of_an_argument(x):
    return x.shape.mean()  # it isn't x that is a tuple


def three_shapes(x):
    return np.where(np.ones((2, 1)) > 0, np.ones((2, 3)), np.ones(4))  # the first two fit


def divided_by_nothing_named(x):
    return 1 / int(0 * x[0, 0])


def not_implemented_by_torch(x):
    return torch.ones(2) & torch.ones(2)  # a NotImplementedError, but no stub


def a_module_of_its_own(x):
    import numpy as own

    return own.sin(x, x, x, x)


def an_alias_of_torch(x):
    return torch.ones(3).sum(axis="a")


def a_part_is_judged(x):
    return 1 if x[0] > 0 else 0


def a_difference_is_judged(x):
    bound = 0.5
    return 1 if bound < x - 1 else 0


def another_value_is_judged(x):
    x = x - 1
    return 1 if x > 0 else 0


def two_are_compared(x):
    other = np.ones((2, 3))
    return 1 if x > other else 0


@pytest.mark.parametrize(
    "function", [a_part_is_judged, a_difference_is_judged, another_value_is_judged, two_are_compared]
)
def test_no_argument_is_said_to_be_judged_that_is_not(function):
    message = LAB.judge("1.1", function).message
    assert "this one has many" in message
    assert "what came in" not in message


@pytest.mark.parametrize("function", [a_module_of_its_own, an_alias_of_torch])
def test_no_module_and_no_argument_is_blamed_that_is_right(function):
    message = LAB.judge("1.1", function).message
    assert "itself" not in message
    assert "has no argument" not in message


NOTHING = [a_librarys_own_name, an_attribute_of_an_argument, three_shapes, divided_by_nothing_named]
NOTHING += [not_implemented_by_torch]


@pytest.mark.parametrize("function", NOTHING)
def test_nothing_is_said_where_nothing_is_shown(function):
    assert LAB.judge("1.1", function).kind == "stopped"
