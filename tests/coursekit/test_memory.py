"""What a student's function keeps between calls: it is found, the function is tried without it, and it stays theirs."""

import functools

import pytest

from coursekit.feedback import Lab, compare
from coursekit.feedback.memory import Memory

notes = {}
SUM = 0


def by_default(x, seen={}):  # noqa: B006
    return seen.setdefault("x", x)


def by_a_helper(x):
    return by_default(x)


def by_a_variable(x):
    return notes.setdefault("x", x)


def by_a_new_variable(x):
    global LAST
    LAST, before = x, globals().get("LAST", x)
    return before


def by_adding_up(x):
    global SUM
    SUM += x
    return SUM


def by_itself(x):
    by_itself.x = getattr(by_itself, "x", x)
    return by_itself.x


def by_a_cell():
    first = None

    def kept(x):
        nonlocal first
        first = x if first is None else first
        return first

    return kept


def by_an_empty_cell():
    def kept(x):
        nonlocal first
        try:
            return first
        except NameError:  # in the first call
            first = x
            return first

    if False:
        first = None
    return kept


def by_a_cache():
    @functools.cache
    def once():
        return []

    def kept(x):
        once().append(x)
        return once()[0]

    return kept


class Box:
    """An object of the student's own, into which nobody looks."""


def by_an_object(x, box=Box()):  # noqa: B008
    box.x = getattr(box, "x", x)
    return box.x


KEEPING = [
    (by_default, "`seen`"),
    (by_a_helper, "`seen`"),
    (by_a_variable, "`notes`"),
    (by_a_new_variable, "`LAST`"),
    (by_adding_up, "`SUM`"),
    (by_itself, "`by_itself`"),
    (by_a_cell(), "`first`"),
    (by_an_empty_cell(), "`first`"),
    (by_a_cache(), "`cache`"),
]


def said(function):
    lab = Lab(99, "Memory")

    @lab.exercise("99.1", "f(x)", title="The same again", points=1)
    def _(student):
        compare(student, returns="x", by_hand=[((1.0,), 1.0)], others=[(2.0,), (3.0,)], right=lambda x: x, mistakes={})

    return lab.judge("99.1", function).message


@pytest.mark.parametrize(("function", "name"), KEEPING, ids=lambda value: getattr(value, "__name__", value))
def test_what_is_kept_is_named_and_the_function_is_tried_without_it(function, name):
    assert said(function).startswith(f"each call is right by itself, but not after another one: {name} keeps something")


def test_what_is_wrong_in_the_first_call_is_told_as_ever():
    log = []
    assert said(lambda x: log.append(x) or x + 1).startswith("x is 1 too large")
    assert log  # it keeps something, and that is no fault
    assert "each call" not in said(by_an_object)
    assert said(lambda x: log.append(x) or x) == ""


def test_what_was_kept_stays_the_students():
    history = []

    def keeping(x):
        history.append(x)
        return history[0]

    memory = Memory(keeping)
    assert list(memory.without()) == []
    assert [keeping(1), keeping(2)] == [1, 1]
    ((names, alone),) = memory.without()
    assert names == "`history`"
    assert [alone(3), alone(4)] == [3, 4]
    assert history == [1, 2]
    assert keeping(5) == 1


@pytest.mark.parametrize(("function", "name"), [KEEPING[0], KEEPING[5]])
def test_what_was_kept_before_the_check_is_found_as_well(function, name):
    function(7.0)
    test_what_is_kept_is_named_and_the_function_is_tried_without_it(function, name)
