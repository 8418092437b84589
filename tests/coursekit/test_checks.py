"""Feedback: whatever a student gives to a check, a short verdict in plain words, and never a traceback."""

import contextlib
import gc
import threading
import time

import numpy as np
import pytest

from coursekit.feedback import Lab, Status, Student, TryAgain, compare
from coursekit.labs import lab_of


def make_lab(time_limit=10.0):
    lab = Lab(9, "Nine", time_limit)

    @lab.exercise("9.1", "double(x)", title="Double", points=3)
    def _(student: Student) -> None:
        cases = [(np.array(values),) for values in ([1.0, 3.0], [0.5, -2.0, 7.0])]
        compare(
            student,
            returns="y",
            by_hand=[((np.array([1.0, 2.0]),), [2, 4])],
            others=cases,
            right=lambda x: x + x,
            mistakes={"that is the square": lambda x: x**2},
        )

    @lab.exercise("9.2", "split(x, y)", title="Split", points=2)
    def _(student: Student) -> None:
        if student(3, 1) != (4, 2):
            raise TryAgain("split should return the sum and the difference")

    lab.free_text("9.3", title="Say why", points=5, rubric={5: "why", 2: "what", 0: "nothing"})
    return lab


def endless(x):
    while True:
        pass


def overwritten(x):
    x *= 2
    return x


def unfinished(x):
    raise NotImplementedError("Your turn: return twice x")


def uses_unfinished(x):
    return unfinished(x)


def misspelled(x):
    return 2 * X  # noqa: F821


def leaves(x):
    raise SystemExit


def mismatched(x):
    return x @ np.ones(7)


def too_far(x):
    steps = []
    for i in range(len(x)):  # of a comprehension, newer Pythons have forgotten i by then
        steps.append(x[i + 1])
    return steps


def empty_handed(x, most=None):
    return x + most


def too_small(x):
    return np.log(0 * x)


def of_a_module(x):
    import torch  # which has a function that tensors are known by

    return torch.no_such_function(x)


def no_number(x):
    return int("two")


@pytest.mark.parametrize(
    ("function", "fragment"),
    [
        (lambda x: x**2, "that is the square"),
        (lambda x: None, "did you forget `return`?"),
        (overwritten, "changed its input `x` in place"),
        (lambda x: (2 * x).sum(), "y should be an array of shape (2,), but yours has the shape ()"),
        (lambda x: 2 * x * np.nan, "y is nan for x = [1. 2.]"),
        (lambda x: 2e12 * x, "y has run away to 2e+12"),
        (too_small, "y has run away to -inf for x = [1. 2.]. It begins in line"),
        (too_small, "divide by zero encountered in log. There, `x` has the shape (2,)."),
        (lambda x: -2 * x, "y has the wrong sign"),
        (lambda x: x, "y is 0.5 times what it should be"),
        (lambda x: np.where(x > 6, 0, 2 * x), "fits the example but not other inputs: y[2] is 0, but should be 14"),
        (lambda x: 2 * x + x[0], "y[0] is 3, but should be 2, for x = [1. 2.]"),
        (lambda x: "24", "y should hold real numbers, but it is a value of type str"),
        (lambda x: [[1], [1, 2]], "rows of different lengths"),
        (lambda x: x.sum, "a function (are brackets missing at the end?)"),
        (lambda x: 2 * x + 0j, "an array of complex128"),
        (lambda: 1, "this exercise calls double(x), but you gave <lambda>()"),
        (
            misspelled,
            f"line {misspelled.__code__.co_firstlineno + 1} of its cell (`return 2 * X  # noqa: F821`) with NameError",
        ),
        (leaves, "SystemExit"),
        (mismatched, "There, `x` has the shape (2,)."),
        (too_far, "There, `x` has the shape (2,), `i` is 1."),
        (empty_handed, "`most` is None: it never got a value, or what gave it one returns nothing."),
        (no_number, "Print what this line works on"),
        (of_a_module, "no attribute 'no_such_function'"),
        (3, "give the function itself, without brackets"),
    ],
)
def test_each_mishap_is_told_in_its_own_words(function, fragment):
    verdict = make_lab().judge("9.1", function)
    assert verdict.status is Status.TRY_AGAIN
    assert fragment in verdict.message


def test_several_parts_are_told_apart():
    lab = Lab(9, "Nine")

    @lab.exercise("9.1", "parts(x)", title="Parts", points=1)
    def _(student: Student) -> None:
        compare(
            student, returns=("a", "b"), by_hand=[((2,), (2, 4)), ((3,), (3, 9))], others=[], right=abs, mistakes={}
        )

    assert lab.judge("9.1", lambda x: [x, np.float32(x**2)]).status is Status.PASS
    assert "b is 2 times what it should be" in lab.judge("9.1", lambda x: (x, 2 * x**2)).message
    assert "a is the same in all" in lab.judge("9.1", lambda x: (2, x**2)).message
    assert "(a, b); it returned one number (2)" in lab.judge("9.1", lambda x: x).message
    assert "(a, b); it returned 3" in lab.judge("9.1", lambda x: (1, 2, 3)).message


def test_stub_is_your_turn_at_any_depth():
    lab = make_lab()
    assert lab.judge("9.1", unfinished).message == "return twice x"
    deep = lab.judge("9.1", uses_unfinished)
    assert deep.status is Status.YOUR_TURN
    assert "your function calls unfinished, which is still to be written: return twice x" in deep.message


def test_not_implemented_in_a_library_is_no_stub():
    class Base(np.random.BitGenerator):
        pass

    assert make_lab().judge("9.1", lambda x: Base()).status is Status.TRY_AGAIN


def test_arguments_in_another_order():
    assert "another order: this exercise calls split(x, y)" in make_lab().judge("9.2", lambda y, x: (4, 2)).message
    assert make_lab().judge("9.2", lambda a, b: (a + b, a - b)).status is Status.PASS


def test_endless_loop_is_stopped():
    lab = make_lab(time_limit=0.3)
    before = threading.active_count()
    verdict = lab.judge("9.1", endless)
    assert threading.active_count() <= before  # what earlier tests have left may end, too
    assert "was not finished after 0.3 seconds and was stopped" in verdict.message
    assert "Restart" not in verdict.message


def test_loop_that_catches_everything_is_left_behind():
    release = threading.Event()

    def stubborn(x):
        while not release.is_set():
            with contextlib.suppress(BaseException):
                release.wait(0.01)

    try:
        assert "Kernel > Restart" in make_lab(time_limit=0.2).judge("9.1", stubborn).message
    finally:
        release.set()


def test_what_waits_for_a_busy_machine_or_an_import_is_not_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(time, "process_time", lambda: 7.0)  # the processor works for others
    assert make_lab(time_limit=0.2).judge("9.1", lambda x: time.sleep(0.3) or 2 * x).status is Status.PASS
    monkeypatch.undo()
    (tmp_path / "slow_to_import.py").write_text("x = 0\nfor i in range(3_000_000):\n    x += i\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def importing(x):
        import slow_to_import

        return 2 * x + 0 * slow_to_import.x

    assert make_lab(time_limit=0.05).judge("9.1", importing).status is Status.PASS


def test_what_rests_is_stopped_after_ten_times_as_long():
    assert "not finished after 0.02 seconds" in make_lab(time_limit=0.02).judge("9.1", lambda x: time.sleep(1)).message


def test_check_prints_and_remembers(capsys):
    lab = make_lab()
    lab.check("9.1", lambda x: 2 * x)
    assert capsys.readouterr().out == "PASS 9.1 Double: 3 of 3 points.\n"
    assert lab.passed("9.1")
    assert not lab.passed("9.2")
    assert "comes alive when the check of exercise 9.2 says PASS" in capsys.readouterr().out
    lab.check("9.1", lambda x: x)
    assert capsys.readouterr().out.startswith("TRY AGAIN 9.1: y is 0.5 times")
    assert not lab.passed("9.1")
    lab.check("9.1", unfinished)
    assert capsys.readouterr().out.endswith("YOUR TURN 9.1: return twice x\n")
    lab.score()
    assert capsys.readouterr().out.splitlines() == [
        "Lab 9: Nine",
        "  9.1  Double    0 of  3  your turn",
        "  9.2  Split     0 of  2  your turn",
        "  9.3  Say why   - of  5  read by your instructor",
        "Checked here: 0 of 5 points. Your instructor gives up to 5 more.",
    ]


def test_students_own_printing_is_shown(capsys):
    def talks(x):
        print("x is", x.shape)
        return 2 * x

    make_lab().check("9.1", talks)
    assert capsys.readouterr().out.startswith("x is (2,)\n")


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (("8.8", abs), "Lab 9 has the exercises 9.1, 9.2, 9.3."),
        ((), 'as in lab.check("9.1", double)'),
        ((abs, "9.1"), 'as in lab.check("9.1", double)'),
        (("9.1",), 'give your function too: lab.check("9.1", double)'),
        (("9.3", abs), "TO BE READ 9.3"),
        ((9.1, lambda x: 2 * x), "PASS 9.1"),
    ],
)
def test_misused_check_gets_one_clear_message(arguments, fragment, capsys):
    make_lab().check(*arguments)
    assert fragment in " ".join(capsys.readouterr().out.split())


def test_verdicts_are_ascii(capsys):
    def fails(x):
        raise ValueError("größe")

    make_lab().check("9.1", fails)
    assert capsys.readouterr().out.isascii()


def test_interrupt_reaches_the_student(monkeypatch):
    gc.collect()  # what earlier tests have left may join its threads, too

    def interrupted(self, timeout=None):
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_lab().judge("9.1", lambda x: 2 * x)


def test_random_generators_are_passed_on():
    lab = Lab(9, "Nine")
    rng = np.random.default_rng(1)

    @lab.exercise("9.1", "draw(rng)", title="Draw", points=1)
    def _(student: Student) -> None:
        if student(rng) == student(rng):
            raise TryAgain("twice the same number")

    assert lab.judge("9.1", lambda rng: rng.random()).status is Status.PASS


def test_a_value_that_refuses_to_be_looked_at_is_left_out():
    class Shy(list):
        def __len__(self):
            raise RuntimeError("leave me alone")

    def fails(x):
        shy = Shy()
        return shy + x

    assert make_lab().judge("9.1", fails).message.startswith("your code stopped in line")


def test_tensors_are_copied_and_compared():
    torch = pytest.importorskip("torch")
    lab = Lab(9, "Nine")

    @lab.exercise("9.1", "double(x)", title="Double", points=1)
    def _(student: Student) -> None:
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        compare(student, returns="y", by_hand=[((x,), [2, 4])], others=[], right=abs, mistakes={})

    assert lab.judge("9.1", lambda x: 2 * x).status is Status.PASS
    assert "changed its input `x`" in lab.judge("9.1", lambda x: x.data.mul_(2)).message


def test_lab_refuses_to_be_built_wrongly():
    lab = make_lab()
    with pytest.raises(ValueError, match=r"9\.1: give a new number"):
        lab.exercise("9.1", "f(x)", title="Again", points=1)(lambda student: None)
    with pytest.raises(ValueError, match=r"8\.1: give a new number"):
        lab.exercise("8.1", "f(x)", title="Other", points=1)(lambda student: None)
    with pytest.raises(ValueError, match="ends at 3 points; the exercise has 4"):
        lab.free_text("9.4", title="Text", points=4, rubric={3: "all"})
    with pytest.raises(ValueError, match="answered in words"):
        lab.judge("9.3", abs)


def test_lab_of_a_notebook():
    lab = lab_of("labs/01_rolling_downhill.ipynb")
    assert lab.number == 1
    assert "the check could not work with what you gave (LinAlgError" in lab.judge("1.2", np.linalg.inv).message
    with pytest.raises(ValueError, match="there are no checks for it"):
        lab_of("99_nothing.ipynb")
