"""The engine of the feedback, by what another course's author would ask of it; test_checks.py is the student's side."""

import itertools
import random
import subprocess
import sys
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest

from coursekit.feedback import (
    Lab,
    Part,
    Pattern,
    Status,
    Student,
    TryAgain,
    comes_from_rng,
    compare,
    compare_each,
    diagnose,
    refuse,
    rehearse,
)
from coursekit.feedback.copies import copied, same

Pair = namedtuple("Pair", "x y")
SEEN = SimpleNamespace()


def lab_with(check, signature="f(x)", **hints):
    lab = Lab(9, "Nine")
    lab.exercise("9.1", signature, title="One", points=1, **hints)(check)
    return lab


def said(check, function, signature="f(x)", **hints):
    return lab_with(check, signature, **hints).judge("9.1", function).message


def test_numpy_is_all_it_needs():
    code = "import coursekit.feedback, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert {"numpy", "coursekit"} <= loaded
    assert not loaded & {"torch", "scipy", "matplotlib", "neuroevo", "evidence"}


# Copies


@pytest.mark.parametrize(
    ("value", "change"),
    [
        (np.array([1.0, 2]), lambda v: v.__imul__(2)),
        ([np.array([1.0, 2]), np.array([3.0])], lambda v: v[0].__imul__(2)),
        ((np.array([1.0, 2]), 3), lambda v: v[0].__imul__(2)),
        (Pair(np.array([1.0, 2]), [1]), lambda v: v.y.append(2)),
        ({"a": [np.zeros(2)]}, lambda v: v["a"][0].__iadd__(1)),
        ([({"layers": 2}, 0.5), ({"layers": 3}, 0.7)], lambda v: v[0][0].update(layers=9)),
        ([[1, 2], [3]], lambda v: v[1].append(4)),
        ({1, 2}, lambda v: v.add(3)),
    ],
)
def test_copies_share_nothing_and_changes_are_seen(value, change):
    twin = copied(value)
    assert type(twin) is type(value)
    assert same(value, twin)
    change(twin)
    assert not same(value, twin)


def test_copies_of_tensors():
    torch = pytest.importorskip("torch")
    value = ([torch.tensor([1.0, np.nan], requires_grad=True)], torch.arange(3))
    twin = copied(value)
    assert twin[0][0].requires_grad
    assert same(value, twin)
    twin[1][0] = 5
    assert not same(value, twin)


def test_what_holds_no_numbers_is_passed_on():
    rng, thing = np.random.default_rng(1), object()
    twin = copied([rng, thing, abs])
    assert all(a is b for a, b in zip(twin, [rng, thing, abs], strict=True))
    assert same([rng, thing, abs], twin)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (np.nan, np.nan, True),
        ([np.array([np.nan, 1])], [np.array([np.nan, 1])], True),
        (np.array([1.0]), np.array([1.0, 1.0]), False),
        (np.array(["a"]), np.array(["a"]), True),
        ([np.array([1]), 2], [np.array([1])], False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": np.array([1])}, {"a": np.array([1])}, True),
        ((1, [2, np.array([3])]), (1, [2, np.array([4])]), False),
        ("a", "a", True),
    ],
)
def test_same_looks_inside(one, other, alike):
    assert same(one, other) is alike


@pytest.mark.parametrize(
    ("given", "copy_of"),
    [
        (([np.zeros(2)],), "x = copy.deepcopy(x)"),
        (((np.zeros(2), 1),), "x = copy.deepcopy(x)"),
        (([0.0, 1.0],), "x = x.copy()"),
    ],
)
def test_overwriting_what_is_inside_is_told(given, copy_of):
    def overwrites(x):
        if isinstance(x[0], np.ndarray):
            x[0][0] = 7
        else:
            x[0] = 7
        return 1

    assert copy_of in said(lambda student: student(*given), overwrites)
    assert same(given, copied(given))


# Hints of a lab's own


def test_errors_and_overwritten_inputs_in_the_labs_own_words():
    def stops(x):
        return [][int(x[0])]

    def wrong_kind(x):
        return x + "1"

    def overwrites(x):
        x += 1
        return x

    def stub(x):
        raise NotImplementedError("Your turn: do it")

    def complains(x):
        raise TryAgain("what the check hands out says so")

    check = lambda student: student(np.zeros(3))  # noqa: E731
    hints = {
        "on_error": {
            (IndexError, "no such words"): "not this one",
            ((IndexError, KeyError), "out of range"): "a list is empty ({error})",
            (TypeError, ""): lambda x: len(x) == 3 and f"no text beside {len(x)} numbers",
            (RuntimeError, ""): "never said of a stub",
            (Exception, "says so"): "never said of a hint",
        },
        "in_place": lambda name, x: f"`{name}` was mine, all {len(x)} of it",
    }
    assert said(check, stops, **hints) == "a list is empty (list index out of range)"
    assert said(check, wrong_kind, **hints) == "no text beside 3 numbers"
    assert said(check, overwrites, **hints) == "`x` was mine, all 3 of it"
    assert lab_with(check, **hints).judge("9.1", stub).status is Status.YOUR_TURN
    assert said(check, complains, **hints) == "what the check hands out says so"


def test_hints_for_one_kind_of_call():
    def check(student):
        student.telling({(ZeroDivisionError, ""): "zero, in the first call"}, in_place="{name}, there")(0)
        student(0)

    first = {(ZeroDivisionError, ""): "zero"}
    assert said(check, lambda x: 1 / x, on_error=first) == "zero, in the first call"
    n = itertools.count(-1)
    assert said(check, lambda x: 1 / next(n), on_error=first) == "zero"
    assert "in the first call" not in said(check, lambda x: None, on_error=first)


def test_a_hint_for_an_error_may_tell_its_line():
    def wrong(x):
        return x / 0

    hints = {(ZeroDivisionError, ""): "nothing is divided ({error}), in {line}."}
    line = wrong.__code__.co_firstlineno + 1
    told = f"nothing is divided (division by zero), in line {line} of its cell (`return x / 0`)."
    assert said(lambda student: student(1), wrong, on_error=hints) == told


def test_a_function_without_end_is_told_by_the_call_that_goes_round():
    def down(x):
        if isinstance(x, float):
            return max(down(x / 2) for _ in range(2))
        return x

    line = down.__code__.co_firstlineno + 2
    told = said(lambda student: student(1.0), down)
    assert told.startswith(f"your code stopped in line {line} of its cell (`return max(down(x / 2)")
    assert told.endswith("Here a function calls itself, or one that calls it, without end.")


def test_an_error_in_another_cell_names_that_cells_function():
    names = {}
    halves = "def half(x):\n    return x / 0\ndef halves(x):\n    return [y / 0 for y in x]"
    exec(compile(halves, "<cell one>", "exec"), names)
    exec(compile("def f(x):\n    return half(x)\ndef g(x):\n    return halves([x])", "<cell two>", "exec"), names)
    in_brackets = said(lambda student: student(1), names["g"])
    assert in_brackets.startswith("your code stopped in line 4 of the cell of `halves`, called in line 4 with")
    there = "your code stopped in line 2 of the cell of `half`, called in line 2 with"
    assert said(lambda student: student(1), names["f"]).startswith(there)
    assert said(lambda student: student(1), names["half"]).startswith("your code stopped in line 2 of its cell")


def test_an_error_in_the_courses_own_folder_is_not_the_students_line(tmp_path, monkeypatch):
    course = tmp_path / "course"
    course.mkdir()
    (course / "their_lab.py").write_text(
        "from coursekit.feedback import Lab\n"
        "LAB = Lab(1, 'One')\n"
        "def loss(x):\n    return {}[x]\n"
        "@LAB.exercise('1.1', 'f(loss)', title='t', points=1)\n"
        "def _(student):\n    student(loss)\n"
    )
    monkeypatch.syspath_prepend(course)
    lab = __import__("their_lab").LAB

    def asks_for_the_wrong_thing(loss):
        return loss("here")

    assert "(`return loss(\"here\")`) with KeyError: 'here'" in lab.judge("1.1", asks_for_the_wrong_thing).message


def test_a_raise_of_ones_own_is_told_with_what_came_in():
    def stops(x):
        if x != 1 or x != 2:
            raise ValueError("1 or 2")
        return x

    def asserts(x):
        assert x > 5
        return x

    def check(student):
        compare(student, returns="y", by_hand=[((2.0,), 2.0)], others=[], right=lambda x: x, mistakes={})

    assert "Your own `raise` stops it, though what your function was given is right" in said(check, stops)
    assert "Here, `x` is 2.0." in said(check, stops)
    assert "`raise`" not in said(check, asserts)


def test_articles_fit_the_kind_that_is_told():
    assert str(TryAgain("a int and a list, a AttributeError, a ndarray: a interval of a Image")) == (
        "an int and a list, an AttributeError, an ndarray: a interval of a Image"
    )


def test_what_is_right_but_for_its_last_digits_is_told_as_that():
    values = np.linspace(0.1, 3, 7)

    def check(student):
        others = [(values,), (values[:3] + 1,)]
        compare(student, returns="y", by_hand=[], others=others, right=lambda x: x**3, mistakes={}, rtol=1e-9)

    assert "y is rounded to float32" in said(check, lambda x: (x**3).astype(np.float32))
    assert "y is right to five digits only: is something rounded" in said(check, lambda x: x**3 * (1 + 1e-6))


def test_one_number_again_and_again_is_no_mean_that_lacks():
    def check(student):
        others = [(np.arange(3.0),), (np.arange(4.0) + 1,)]
        compare(student, returns="y", by_hand=[], others=others, right=np.mean, mistakes={})

    assert "It holds one number again and again, the right one: return it once" in said(
        check, lambda x: np.full(x.shape, x.mean())
    )


def test_the_example_is_shown_where_it_fails_and_not_a_shorter_case():
    def check(student):
        by_hand = [((np.array([1.0, 2, 4]),), 7.0)]
        compare(student, returns="y", by_hand=by_hand, others=[(np.array([3.0, 1]),)], right=np.sum, mistakes={})

    assert "y is 10.1, but should be 7, for x = [1. 2. 4.]" in said(check, lambda x: (x * x).sum() / 2 - 0.4)


def test_refuse_and_diagnose():
    refuse(False, "no")
    refuse([], "no")
    diagnose({"no": False, "nor": np.bool_(False)})
    with pytest.raises(TryAgain, match="these: 3"):
        refuse([3], "these: 3")
    with pytest.raises(TryAgain, match="second"):
        diagnose({"first": False, "second": np.array(True), "third": True})


# Comparing


def test_a_pattern_explains_a_kind_of_answers():
    def check(student):
        compare(
            student,
            returns="your table",
            by_hand=[((np.array([1, 2]),), [1, 0])],
            others=[(np.array([3, 4, 5]),)],
            right=lambda x: x % 2,
            mistakes={
                "yes too often": Pattern(lambda table, right, x: (table >= right).all() and len(x) == len(right))
            },
        )

    assert said(check, lambda x: x % 2) == ""
    assert said(check, lambda x: np.ones(len(x))) == "yes too often"
    assert said(check, lambda x: np.where(x == 4, 1, x % 2)) == "yes too often"
    assert "your table" in said(check, lambda x: np.zeros(len(x)))
    assert "the shape (1,)" in said(check, lambda x: x[:1])


NUMBERS = np.array([0.123456, -2.2, 3.5, 0.5])


@pytest.mark.parametrize(
    ("wrong", "tie"),
    [
        (lambda x: np.round(x, 2), "your x is rounded to 2 decimals"),
        (lambda x: np.round(x), "your x is rounded to 0 decimals"),
        (lambda x: 1 / x, "your x is upside down"),
        (lambda x: x**2, "your x is the square"),
        (np.abs, "not always the right sign"),
        (lambda x: np.roll(x, 2), "in another order"),
        (lambda x: x[::-1], "your x stands back to front"),
        (np.sort, "your x is sorted"),
        (np.floor, "your x is rounded down"),
        (np.exp, "your x is exp of"),
        (lambda x: 1 - x, "your x is 1 minus"),
        (lambda x: np.maximum(x, 0), "your x is 0 wherever it should be negative"),
        (lambda x: np.append(0.7, x[:-1]), "comes one place too late"),
        (lambda x: np.append(x[1:], 0.7), "comes one place too early"),
        (np.cumsum, "your x adds up"),
        (lambda x: np.diff(x, prepend=0), "isn't added up"),
        (np.maximum.accumulate, "keeps the largest so far"),
        (lambda x: 0 * x + x[0], "its first entry throughout"),
        (lambda x: np.where(x > 0, 7, x), "is 7 wherever it is wrong"),
        (lambda x: np.where(x > 1, x.round(2), x), "is rounded to 2 decimals wherever it is wrong"),
        (lambda x: np.where(x > 0, 7 * x, x), "7 times what it should be wherever it is wrong"),
        (lambda x: x.max(), "is the largest of what is asked for"),
        (lambda x: x - 0.5, "your x is 0.5 too small in every case that was tried"),
        (lambda x: np.where(x > 0, x + 1, x), "your x is 1 too large wherever it is wrong"),
        (lambda x: [7, *x[1:]], "right but for its first entry"),
        (lambda x: [*x[:-1], 7], "right but for its last entry"),
        (lambda x: x[1:], "but begins too late"),
        (lambda x: x[:2], "but ends too early"),
        (lambda x: [0, *x], "begins too early"),
        (lambda x: [*x, 0, 0], "goes on too long"),
        (lambda x: np.repeat(x, 2), "right without its twins"),
        (lambda x: x[-1], "only the last of the entries"),
        (lambda x: x[:, None], "in the wrong shape"),
    ],
)
def test_what_ties_all_wrong_answers_to_the_right_ones_is_told(wrong, tie):
    def check(student):
        compare(
            student,
            returns="your x",
            by_hand=[],
            others=[(NUMBERS,), (NUMBERS[1:] * 1.01,)],
            right=lambda x: x,
            mistakes={},
        )

    assert tie in said(check, wrong)
    assert tie not in said(check, lambda x: wrong(x) if len(x) == 4 else np.multiply(wrong(x), 9)), "in one case alone"


@pytest.mark.parametrize(
    ("wrong", "tie"),
    [
        (lambda x: x, "It lacks a mean"),
        (lambda x: x / len(x), "It lacks a sum"),
        (lambda x: x.mean() ** 0.5, "your mean is the root"),
        (lambda x: x**2, "the shape (3,)"),
        (lambda x: [9, x.mean()], "It should be one number, its last entry"),
        (lambda x: x[:0], "It stays empty in every case"),
    ],
)
def test_a_single_number_is_tied_to_the_right_one(wrong, tie):
    def check(student):
        cases = [(np.array([0.5, 1, 4]),), (np.array([3.0, 4]),)]
        compare(student, returns="your mean", by_hand=[], others=cases, right=np.mean, mistakes={})

    assert tie in said(check, wrong)


def test_an_argument_that_follows_from_another_is_not_blamed_alone():
    def check(student, **linked):
        cases = [(np.array([k, 2 * k]), np.square([k, 2 * k])) for k in (1.0, 1.5, 0.3)]
        right = lambda x, square: x + square  # noqa: E731
        compare(student, returns="y", by_hand=[], others=cases, right=right, mistakes={}, **linked)

    def wrong(x, square):
        return x + 3 * x**2  # right would be x + x**2 as well, which doesn't read `square`

    assert "doesn't change when `square` does" in said(check, wrong, "f(x, square)")
    message = said(lambda student: check(student, linked=("square",)), wrong, "f(x, square)")
    assert message == "y is too large by 2 times `x` squared."


def test_an_argument_that_counts_where_the_answer_is_right_is_not_called_ignored():
    """Many cases fail, and in all of them x has no effect; in the others it has."""

    def check(student):
        cases = [(x, sign) for sign in (-1, 1) for x in np.linspace(1, 2, 12)]
        right = lambda x, sign: sign * x**2  # noqa: E731
        compare(student, returns="y", by_hand=[], others=cases, right=right, mistakes={})

    assert "doesn't change" not in said(check, lambda x, sign: max(sign * x**2, 0), "f(x, sign)")


def test_what_few_whole_numbers_don_t_show_to_be_read_is_tried_otherwise():
    """The place of the largest is the same in all cases, though the function looks for it."""

    def check(student):
        cases = [(np.array([0.1, 0.2, 0.9]), 5), (np.array([0.3, 0.2, 0.7]), 7), (np.array([0.5, 0.1, 0.8]), 4)]
        right = lambda x, n: int(x.argmin()) + n  # noqa: E731
        compare(student, returns="place", by_hand=[], others=cases, right=right, mistakes={})

    assert "doesn't change when `x` does" in said(check, lambda x, n: 2 + n, "f(x, n)")
    assert "doesn't change" not in said(check, lambda x, n: x.argmax() + n, "f(x, n)")


def test_an_answer_that_is_left_to_chance_is_told():
    def check(student):
        compare(student, returns="y", by_hand=[((1.5,), 3), ((2.5,), 5)], others=[], right=np.copy, mistakes={})

    draws = iter(np.random.default_rng(0).normal(size=1000))
    assert "is another each time, for the same inputs" in said(check, lambda x: x + next(draws))
    assert "another each time" not in said(check, lambda x: x + 1)


def test_one_number_for_all_is_not_a_rounded_one():
    def check(student):
        cases = [(np.array([0.2, 0.7]),), (np.array([0.4, 0.5, 0.9]),)]
        compare(student, returns="share", by_hand=[], others=cases, right=lambda x: x, mistakes={})

    assert "share is 1 in every case that was tried" in said(check, np.ones_like)
    assert "rounded" in said(check, lambda x: np.round(x) * 1.0)


def test_a_table_is_turned_and_two_values_agree_by_chance():
    def check(student):
        cases = [(np.array([[1.0, 2], [3, 4]]),), (np.array([[1.0, 2, 3], [4, 5, 6]]),)]
        compare(student, returns="your table", by_hand=[], others=cases, right=lambda x: x, mistakes={})

    assert "turned" in said(check, np.transpose)

    def yes_or_no(student):
        compare(student, returns="yes", by_hand=[], others=[(np.array([1.0, 0, 0]),)], right=lambda x: x, mistakes={})

    assert "order" not in said(yes_or_no, lambda x: x[::-1])


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (lambda x, y: x * 3, "your product doesn't change when `y` does"),
        (
            lambda x, y: x * vars(SEEN).setdefault("y", y),
            "is what it should be if `y` were always as in the first case: is it looked at in every call?",
        ),
        (lambda x, y: y * y - x - y, "is what it should be if `x` and `y` were exchanged."),
    ],
)
def test_arguments_that_are_not_read_as_they_should_be(wrong, fault):
    def check(student):
        cases = [(5.0, 2.0), (3.0, 4.0), (1.5, 4.0)]
        right = (lambda x, y: x * x - x - y) if "exchanged" in fault else (lambda x, y: x * y)
        compare(student, returns="your product", by_hand=[], others=cases, right=right, mistakes={})

    assert fault in said(check, wrong, "f(x, y)")


def spread(x, scale, n, up):
    """Right: an answer in which every argument can be mistaken."""
    total = sum((v - np.mean(x)) ** 2 for v in x) / len(x) * scale
    return (total if up else total / 2) + 0.1 * n * x[0]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (lambda x, scale, n, up: spread(x, scale, n + 1, up), "is what it should be if `n` were one larger."),
        (lambda x, scale, n, up: spread(x, scale**2, n, up), "is what it should be if `scale` were squared."),
        (lambda x, scale, n, up: spread(x, scale, n, not up), "is what it should be if `up` were turned round."),
        (
            lambda x, scale, n, up: spread(x[:-1], scale, n, up),
            "is what it should be if `x` were without its last entry.",
        ),
        (lambda x, scale, n, up: spread(x[::-1], scale, n, up), "is what it should be if `x` were back to front."),
        (lambda x, scale, n, up: spread(x, scale, n, up) + n, "is too large by `n`."),
        (lambda x, scale, n, up: spread(x, scale, n, up) - 3 * scale, "is too small by 3 times `scale`."),
        (lambda x, scale, n, up: spread(x, scale, n, up) * len(x), "is `len(x)` times what it should be."),
        (lambda x, scale, n, up: 2 * spread(x, scale, n, up) / n, "is 2 times what it should be, divided by `n`."),
        (
            lambda x, scale, n, up: spread(x, scale, n, up) * (len(x) / (len(x) - 1)) ** 0.5,
            "is it `ddof`, or a number under a root?",
        ),
        (lambda x, scale, n, up: spread(x, scale, n, up) * (len(x) - 1), "is (`len(x)` - 1) times what it should be."),
        (lambda x, scale, n, up: x.sum(), "is the sum of `x`, and not what is asked for."),
        (lambda x, scale, n, up: n - spread(x, scale, n, up), "is `n` minus what it should be."),
        (
            lambda x, scale, n, up: spread(x, scale, n, True) - 0.3 * (not up),
            "is wrong wherever `up` is False, and right elsewhere",
        ),
        (
            lambda x, scale, n, up: spread(x, scale, np.sin(n), up),
            "Tried with `n` always 0, it was right: what changes with `n`?",
        ),
    ],
)
def test_what_other_input_or_quantity_explains_all_answers_is_told(wrong, fault):
    rng = np.random.default_rng(5)

    def check(student):
        cases = [
            (rng.normal(size=k).round(2), *rest)
            for k, rest in ((4, (0.5, 2, True)), (3, (0.7, 3, False)), (6, (1.6, 5, True)), (5, (0.9, 7, False)))
        ]
        one_sided = {"half of it": lambda x, scale, n, up: spread(x, scale, n, up) / 2}
        compare(student, returns="your spread", by_hand=[], others=cases, right=spread, mistakes=one_sided)

    names = "f(x, scale, n, up)"
    assert said(check, spread, names) == ""
    assert fault in said(check, wrong, names)
    once = said(check, lambda x, *rest: wrong(x, *rest) * (1.37 if len(x) == 6 else 1), names)
    assert fault not in once, "in all cases but one"
    assert len(once) <= 400


def test_empty_rows_are_not_right_as_far_as_they_go():
    def check(student):
        cases = [(np.array([[1.0, 2, 3]]),), (np.array([[4.0, 5, 6], [7, 8, 9]]),)]
        compare(student, returns="your table", by_hand=[], others=cases, right=np.array, mistakes={})

    assert "its rows end too early" in said(check, lambda x: x[:, :2])
    assert "(1, 3), but yours has the shape (1, 0)" in said(check, lambda x: [[] for _ in x])
    assert "It stays empty in every case: is anything put into it?" in said(check, lambda x: [[] for _ in x])


def test_an_axis_too_many_is_told_with_what_it_is_as_long_as():
    def check(student):
        cases = [(np.arange(n * 3.0).reshape(n, 3) % 7,) for n in (2, 4)]
        compare(student, returns="sums", by_hand=[], others=cases, right=lambda x: (x**2).sum(0), mistakes={})

    assert "It has an axis too many, of `len(x)` entries." in said(check, lambda x: np.sin(x))
    assert "It lacks an axis." in said(check, lambda x: np.sin(x).max() + len(x))
    assert "It has an axis too many." in said(check, lambda x: np.sin(x.T) @ x)
    assert "axis" not in said(check, lambda x: np.sin(x) if len(x) == 2 else (x**2).sum(0))


def test_a_value_of_an_argument_that_all_failing_cases_share_is_told():
    def check(student):
        cases = [(1.7 * n, kind) for n in (1, 2, 3) for kind in ("half", "double")]
        right = lambda x, kind: x / 2 if kind == "half" else 2 * x  # noqa: E731
        compare(student, returns="y", by_hand=[], others=cases, right=right, mistakes={})

    wrong = lambda x, kind: np.sin(x) if kind == "half" else 2 * x  # noqa: E731
    assert "is wrong wherever `kind` is 'half', and right elsewhere" in said(check, wrong, "f(x, kind)")
    wrong = lambda x, kind: np.sin(x) if kind == "half" and x > 2 else x / 2 if kind == "half" else 2 * x  # noqa: E731
    assert "wherever" not in said(check, wrong, "f(x, kind)")


def test_how_an_answer_grows_with_an_argument_is_told():
    def check(student):
        cases = [(np.array([1.0, 2.5, 4]), 1.5), (np.array([2.0, 0.3]), 0.7), (np.array([1.2, 3.1]), 2.1)]
        right = lambda x, a: np.sin(a) * x.std()  # noqa: E731
        compare(student, returns="y", by_hand=[], others=cases, right=right, mistakes={})

    told = "is 4 times as large with `x` twice as large, and should be 2 times as large"
    assert told in said(check, lambda x, a: np.sin(a) * (x**2).sum(), "f(x, a)")
    told = "is as large as before with `x` twice as large, and should be 2 times as large"
    assert told in said(check, lambda x, a: np.sin(a) * len(x[x > 0]) + x[0] / x[1], "f(x, a)")
    assert "twice as large" not in said(check, lambda x, a: np.sin(a) * (x**2).sum() + a, "f(x, a)")


def test_the_first_line_that_gives_nan_is_told_where_no_library_complains():
    torch = pytest.importorskip("torch")

    def check(student):
        compare(student, returns="y", by_hand=[], others=[(1.5,), (2.5,)], right=lambda x: x, mistakes={})

    def breaks(x):
        root = torch.tensor(-x).sqrt()
        return root + x

    assert "(`root = torch.tensor(-x).sqrt()`) on, `root` holds NaN." in said(check, breaks)
    assert "It begins" not in said(check, lambda x: float("nan"))


def test_a_change_that_makes_every_answer_right_tells_nothing():
    def check(student):
        cases = [(np.array([1.0, 2.5]), 3.0), (np.array([4.0, 0.5, 2]), 2.0)]
        right = lambda x, a: a + (x**3).sum()  # noqa: E731
        mistakes = {"squares": lambda x, a: a + (x**2).sum(), "a sum": lambda x, a: a + x.sum()}
        compare(student, returns="y", by_hand=[], others=cases, right=right, mistakes=mistakes)

    message = said(check, lambda x, a: a + np.sin(x).sum(), "f(x, a)")
    assert "should be" in message
    assert "With" not in message, "with x all 0, every answer is right"


def test_a_search_for_what_explains_an_answer_comes_to_an_end():
    def down(n, step):
        total = 0.3 * n
        while n > 0:
            n, total = n - step, total + 1
        return total

    def check(student):
        right = lambda n, step: n // step  # noqa: E731
        compare(student, returns="steps", by_hand=[((9, 2), 4)], others=[(20, 3), (8, 5)], right=right, mistakes={})

    assert "but should be" in said(check, down, "f(n, step)"), "with a step of 0 it would never end"


def test_a_search_for_what_explains_an_answer_is_silent(capsys, recwarn):
    def check(student):
        compare(
            student, returns="mean", by_hand=[((given,), 2.5)], others=[(given * given,)], right=np.mean, mistakes={}
        )

    def wrong(x):
        print("called")
        return np.mean(x[x > 2]) + 0.3

    given = np.array([1.0, 4])
    assert "should be" in said(check, wrong)
    assert capsys.readouterr().out == "called\n" * 2
    assert not recwarn.list, "of empty slices"


def test_two_answers_are_told_apart_by_what_lies_between_them():
    def check(student):
        cases = [(1.5, 0.5), (2.0, 0.75), (4.0, 3.0)]
        right = lambda x, half: (3 * x, 3 * x - np.sin(half))  # noqa: E731
        compare(student, returns=("middle", "low"), by_hand=[], others=cases, right=right, mistakes={})

    assert "low is what middle should be, and not" in said(check, lambda x, half: (3 * x, 3 * x), "f(x, half)")
    distance = "low lies wrong: its distance from what middle should be is 3 times what it should be"
    assert distance in said(check, lambda x, half: (3 * x, 3 * x - 3 * np.sin(half)), "f(x, half)")


def test_of_several_values_the_one_that_the_example_shows_to_be_wrong_is_told_first():
    """The slope is wrong by rounding alone, where the height has run away."""

    def right(x, n):
        return 0.3 * x, x + 0.5

    def runs_away(x, n):
        height = (x + 0.5) * 8.0 ** (n + 1)
        return height + 0.3 * x - height, height

    def check(student):
        cases = [(2.5, 1), (3.5, 2), (4.5, 18)]
        compare(student, returns=("slope", "height"), by_hand=[], others=cases, right=right, mistakes={})

    assert runs_away(4.5, 18)[0] != 0.3 * 4.5
    told = said(check, runs_away, "f(x, n)")
    assert "height" in told
    assert "slope" not in told


@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_no_number_is_told_of_the_case_whose_line_is_shown():
    def f(x, n):
        return np.float64(x) * np.float64(10.0) ** n

    def check(student):
        cases = [(2.5, 1), (3.5, 20), (4.123, 400)]
        compare(student, returns="y", by_hand=[], others=cases, right=lambda x, n: x, mistakes={})

    told = said(check, f, "f(x, n)")
    assert "inf for x = 4.123, n = 400" in told
    assert "`n` is 400" in told


def test_a_case_without_a_number_comes_after_a_wrong_example():
    def check(student):
        by_hand = [(([1.0, 2.0],), 1.5), (([0.0, 0.0],), 0.0)]
        compare(student, returns="y", by_hand=by_hand, others=[([3.0, 5.0, 5.5],)], right=np.mean, mistakes={})

    def divided_by_its_length(x):
        with np.errstate(all="ignore"):
            return np.mean(x) / np.linalg.norm(x)

    def given_up(x):
        return np.mean(x) if np.any(x) else np.nan

    assert "but should be 1.5, for x = [1.0, 2.0]" in said(check, divided_by_its_length)
    assert "y is nan for x = [0.0, 0.0]" in said(check, given_up)


@pytest.mark.filterwarnings("ignore")
def test_where_it_begins_nothing_is_infinite_yet():
    def right(x, n):
        return x

    def check(student):
        cases = [(2.5, 1), (3.5, 2), (4.5, 400)]
        compare(student, returns="y", by_hand=[], others=cases, right=right, mistakes={})

    def lost(x, n):
        huge = np.float64(x) * np.float64(10.0) ** n
        return x + (huge - huge)

    told = said(check, lost, "f(x, n)")
    assert "huge = np.float64(x)" in told
    assert "overflow" in told


def test_one_array_is_not_told_as_several_values():
    def check(student):
        compare(student, returns=("a", "b"), by_hand=[], others=[(1.0,), (2.0,)], right=lambda x: (x, x), mistakes={})

    assert "it returned one array of shape (3, 2)" in said(check, lambda x: np.zeros((3, 2)))
    assert "it returned a list of 3" in said(check, lambda x: [1, 2, 3])


def test_what_is_none_among_rows_is_no_row_of_another_length():
    def check(student):
        compare(student, returns="y", by_hand=[], others=[([1.5, 2.5],)], right=np.array, mistakes={})

    assert "y should hold real numbers, but place 1 is None." in said(check, lambda x: [x, None, x])
    assert "y has rows of different lengths" in said(check, lambda x: [x, x[:1]])


def test_of_a_list_without_effect_the_two_that_were_tried_are_told():
    """Only its length could be changed: its first entry is read."""

    def right(rows, sizes):
        return rows[0] * sum(sizes)

    def check(student):
        cases = [([1.5], (2, 2)), ([2.5], (2, 2, 2)), ([3.5], (3, 3))]
        compare(student, returns="y", by_hand=[], others=cases, right=right, mistakes={})

    told = said(check, lambda rows, sizes: rows[0] * 0.3, "f(rows, sizes)")
    assert "y doesn't change when `sizes` is (2, 2" in told
    assert " and not (2, 2" in told


def test_what_cures_one_case_alone_cures_it_by_chance():
    def check(student):
        cases = [(1.5, 3), (2.5, 0), (3.5, 0), (4.5, 0)]
        compare(student, returns="y", by_hand=[], others=cases, right=lambda x, n: x - n**2, mistakes={})

    assert "it is right" not in said(check, lambda x, n: x, "f(x, n)")


def test_values_in_another_order_are_told():
    def check(student):
        returns = ("half", "double", "square")
        right = lambda x: (x / 2, 2 * x, x * x)  # noqa: E731
        compare(student, returns=returns, by_hand=[], others=[(3.0,), (5.0,)], right=right, mistakes={})

    assert "another order than (half, double, square)" in said(check, lambda x: (x * x, x / 2, 2 * x))
    assert "another order" not in said(check, lambda x: (x * x, x / 2, 3 * x))


def test_an_argument_that_has_no_effect_in_one_case_alone_is_not_blamed():
    """A step that happens to arrive at once doesn't care how many follow."""

    def check(student):
        cases = [(0.5, 1), (0.25, 2), (0.125, 3)]
        right = lambda rate, n: 1 - (1 - rate) ** n  # noqa: E731
        compare(student, returns="your way", by_hand=[], others=cases, right=right, mistakes={})

    assert "doesn't change" not in said(check, lambda rate, n: 1 - (1 - 2 * rate) ** n, "f(rate, n)")


def test_answers_are_read_before_they_are_compared():
    def names(answer, x):
        refuse(not isinstance(answer, dict), "return a dictionary")
        return [answer[name] for name in sorted(answer)]

    def check(student):
        compare(
            student,
            returns="table",
            by_hand=[((2,), {"a": 2, "b": 4})],
            others=[(3,)],
            right=lambda x: {"a": x, "b": x**2},
            mistakes={"swapped": lambda x: {"b": x, "a": x**2}},
            read=names,
        )

    assert said(check, lambda x: {"b": x * x, "a": x}) == ""
    assert said(check, lambda x: {"a": x * x, "b": x}) == "swapped"
    assert said(check, lambda x: [x, x**2]) == "return a dictionary"


def test_each_of_several_values_is_judged_by_itself():
    def check(student):
        parts = {
            "size": Part(lambda x: len(x), {"size is one too large": lambda x: len(x) + 1}),
            "even": Part(
                lambda x: float(len(x) % 2 == 0),
                {"even is odd": lambda x: float(len(x) % 2)},
                read=float,
                label="even (1 or 0)",
            ),
        }
        compare_each(student, parts, by_hand=[(([1, 2],), (2, True))], others=[([1, 2, 3],)])

    assert said(check, lambda x: (len(x), len(x) % 2 == 0)) == ""
    assert said(check, lambda x: np.array([len(x), len(x) % 2 == 0])) == ""
    assert said(check, lambda x: (len(x) + 1, len(x) % 2 == 1)) == "size is one too large"
    assert said(check, lambda x: (len(x), len(x) % 2 == 1)) == "even is odd"
    assert "even (1 or 0) is the same in all" in said(check, lambda x: (len(x), 1.0))
    assert "2 values, (size, even); it returned one number (2). End it with `return size, even`" in said(check, len)
    assert "it returned 3" in said(check, lambda x: (1, 2, 3))


def test_lists_of_tensors_are_arrays():
    torch = pytest.importorskip("torch")

    def check(student):
        compare(student, returns=("a", "b"), by_hand=[((2,), ([2, 4], 1))], others=[], right=abs, mistakes={})

    one = torch.tensor(2.0, requires_grad=True)
    assert said(check, lambda x: ([one, 2 * one], torch.tensor(1))) == ""
    assert "it returned a value of type Tensor" in said(check, lambda x: torch.ones(2, 2, 2)[:1])


# Randomness


@pytest.mark.parametrize("source", [np.random.default_rng, random.Random, np.random.RandomState])
def test_all_randomness_comes_from_rng(source):
    def draw(rng):
        return [rng.random() for _ in range(5)], np.array([rng.random()])

    comes_from_rng(draw, source)
    with pytest.raises(TryAgain, match="another source of randomness"):
        comes_from_rng(lambda rng: (draw(rng), np.random.default_rng().random()), source)
    with pytest.raises(TryAgain, match="two different generators give the same draws"):
        comes_from_rng(lambda rng: draw(source(3)), source)
    with pytest.raises(TryAgain, match="two different generators"):
        comes_from_rng(lambda rng: 0.5, source)
    with pytest.raises(TryAgain, match="my own words"):
        comes_from_rng(lambda rng: 0.5, source, inside="my own words")


@pytest.mark.parametrize(
    ("touch", "name"),
    [(random.random, "random"), (lambda: np.random.seed(0), "np.random"), (np.random.rand, "np.random")],
)
def test_global_generators_stay_as_they_are(touch, name):
    def draw(rng):
        touch()
        return rng.random()

    with pytest.raises(TryAgain, match=rf"the global generator of {name}, or seeds it"):
        comes_from_rng(draw, np.random.default_rng)


@pytest.mark.parametrize(("shape", "axis"), [((1, 4), 0), ((3, 1), 1)])
def test_no_draw_is_shared_along_an_axis(shape, axis):
    def draw(rng):
        return {"fixed": np.ones(4), "drawn": [np.broadcast_to(rng.random(shape), (3, 4))]}

    with pytest.raises(TryAgain, match=f"along axis {axis} of what you draw, all entries are the same"):
        comes_from_rng(draw, np.random.default_rng)
    comes_from_rng(lambda rng: (np.ones((3, 4)), rng.random((3, 4)), rng.random((1, 4))), np.random.default_rng)


def test_generators_seeded_inside_are_forgiven_where_a_check_says_so():
    comes_from_rng(lambda rng: np.random.default_rng(3).random(), np.random.default_rng, inside=None, repeats=None)
    with pytest.raises(TryAgain, match="another source of randomness"):
        comes_from_rng(lambda rng: np.random.default_rng().random(), np.random.default_rng, inside=None, repeats=None)


def test_a_generator_that_is_rewound_repeats_itself():
    torch = pytest.importorskip("torch")
    from coursekit.labs.tensors import comes_from_rng as all_from_rng

    all_from_rng(lambda rng: torch.rand(4, generator=rng))
    with pytest.raises(TryAgain, match="generator=rng"):
        all_from_rng(lambda rng: torch.rand(4))
    with pytest.raises(TryAgain, match="a second call with the same generator repeats the first"):
        all_from_rng(lambda rng: torch.rand(4, generator=rng.manual_seed(rng.initial_seed())))


# Rehearsing


def test_rehearsing_finds_mistakes_that_pass_and_mistakes_that_are_shadowed():
    def check(student):
        compare(
            student,
            returns="y",
            by_hand=[((2.0,), 4.0)],
            others=[(3.0,)],
            right=lambda x: x**2,
            mistakes={
                "doubled": lambda x: 2 * x,
                "a cube": lambda x: x**3,
                "right in disguise": lambda x: x * x,
                "a cube again": lambda x: x * x * x,
                "a kind": Pattern(lambda y, right, x: y < 0),
            },
        )

    lab = lab_with(check)
    found = {one.hint: one.said for one in rehearse(lab, "9.1", lambda x: x**2)}
    assert "a kind" not in found
    assert found["a cube"] == "a cube"
    assert found["right in disguise"] == ""
    assert found["a cube again"] == "a cube"
    assert found["doubled"] == "doubled"
    with pytest.raises(ValueError, match=r"9\.1 can't be rehearsed .* doubled"):
        rehearse(lab, "9.1", lambda x: 2 * x)


def test_a_student_is_called_with_copies_by_whoever_holds_it():
    given = [np.zeros(2)]
    student = Student(lambda x: x.pop(), ["x"])
    with pytest.raises(TryAgain, match="changed its input `x` in place"):
        student(given)
    assert len(given) == 1


def test_an_argument_is_blamed_only_where_it_is_shown_to_have_no_effect():
    def check(student):
        cases = [((3, 2), 5), ((4, 10), 14)]
        compare(student, returns="total", by_hand=cases, others=[(5, 7)], right=lambda x, y: x + y, mistakes={})

    assert "total doesn't change when `y` does" in said(check, lambda x, y: x + 2, "f(x, y)")
    assert "doesn't change" not in said(check, lambda x, y: x + 2 * y, "f(x, y)")

    def larger(student):
        cases = [((3, 2), 1), ((4, 10), 0)]
        compare(student, returns="larger", by_hand=cases, others=[(5, 7)], right=lambda x, y: int(x > y), mistakes={})

    # Wrong in one case only; with the other case's y staying there would be right, so nothing is shown.
    assert "doesn't change" not in said(larger, lambda x, y: int(x > y or x == 4), "f(x, y)")
