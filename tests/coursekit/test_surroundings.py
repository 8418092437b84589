"""What happens around a check in a notebook: cells that fail, endless output, words in colour."""

import os
import sys
import threading
import warnings
from functools import partial

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from coursekit.feedback import Lab, Status, Student, compare, refuse, surroundings

CELL = """
def double(x):
    return 2 * x
"""


@pytest.fixture
def shell():
    yield InteractiveShell.instance(colors="nocolor")
    InteractiveShell.clear_instance()


@pytest.fixture
def lab(shell):
    lab = Lab(9, "Nine")

    @lab.exercise("9.1", "double(x)", title="Double", points=3)
    def _(student: Student) -> None:
        refuse(student(2) != 4, "2 gives no 4")

    shell.user_ns["lab"] = lab
    return lab


def run(shell, cell):
    return shell.run_cell(cell, store_history=True)


def test_a_cell_that_no_longer_compiles_takes_the_pass_of_the_older_version_along(shell, lab, capsys):
    run(shell, CELL)
    run(shell, "lab.check('9.1', double)")
    assert lab.passed("9.1")
    run(shell, CELL.replace("2 * x", "2 *"))
    assert not lab.passed("9.1")
    capsys.readouterr()
    run(shell, "lab.check('9.1', double)")
    assert "TRY AGAIN 9.1: the cell that defines double failed" in capsys.readouterr().out
    run(shell, CELL)
    run(shell, "lab.check('9.1', double)")
    assert lab.passed("9.1")


def test_a_cell_that_fails_behind_its_definition_has_defined_it(shell, lab):
    run(shell, CELL)
    run(shell, CELL + "\ndouble(1, 2)")
    run(shell, "lab.check('9.1', double)")
    assert lab.passed("9.1")


def test_other_cells_may_fail(shell, lab):
    run(shell, CELL)
    run(shell, "lab.check('9.1', double)")
    run(shell, "def other(:")
    run(shell, "1 / 0")
    assert lab.passed("9.1")


def test_what_a_lost_function_says_when_another_one_calls_it():
    with pytest.raises(NameError, match="the cell that defines double failed"):
        surroundings.Lost("double")(2)


def test_endless_output_is_cut(lab, capsys):
    def chatty(x):
        for i in range(10_000):
            print("line", i)
        return 2 * x

    assert lab.judge("9.1", chatty).status is Status.PASS
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "line 0"
    assert len(lines) == surroundings.N_LINES + 1
    assert "cut here" in lines[-1]
    print("as ever")
    assert capsys.readouterr().out == "as ever\n"


def test_a_long_line_is_cut_too(lab, capsys):
    assert lab.judge("9.1", lambda x: print("x" * 1_000_000) or 2 * x).status is Status.PASS
    assert len(capsys.readouterr().out) < 3000


def test_a_thread_that_is_left_behind_prints_nothing_more(capsys):
    go, done = threading.Event(), threading.Event()

    def stubborn():
        go.wait()
        print("from behind")
        done.set()

    stream = sys.stdout
    try:
        with surroundings.cut_output():
            threading.Thread(target=stubborn, daemon=True).start()
        go.set()
        done.wait()
        print("from here")
        later = threading.Thread(target=print, args=["from a later check"])
        later.start()
        later.join()
        out = capsys.readouterr().out
        assert out == "from here\nfrom a later check\n"
    finally:
        sys.stdout = stream


def test_code_in_backticks_stays_on_its_line(capsys):
    surroundings.say("TRY AGAIN", "9.1", ": " + "word " * 17 + "`a = a + b` and more")
    assert "`a = a + b`" in capsys.readouterr().out


def test_in_a_kernel_the_status_has_a_colour(monkeypatch, capsys):
    surroundings.say("PASS", "9.1", " Double: 3 of 3 points.")
    plain = capsys.readouterr().out
    monkeypatch.setattr(surroundings, "_shell", lambda: type("Shell", (), {"kernel": None}))
    surroundings.say("PASS", "9.1", " Double: 3 of 3 points.")
    coloured = capsys.readouterr().out
    assert plain == "PASS 9.1 Double: 3 of 3 points.\n"
    assert coloured == "\x1b[1;32mPASS 9.1\x1b[0m Double: 3 of 3 points.\n"


def test_what_a_picture_waits_for_is_told_whole(lab, capsys):
    @lab.exercise("9.2", "halve(x)", title="Halve", points=3)
    def _(student: Student) -> None:
        refuse(student(2) != 1, "2 gives no 1")

    assert not lab.passed("9.1", "9.2")
    assert "exercises 9.1 and 9.2 say PASS" in capsys.readouterr().out
    lab.check("9.1", lambda x: 2 * x)
    capsys.readouterr()
    assert not lab.passed("9.1", "9.2")
    assert "exercise 9.2 says PASS" in capsys.readouterr().out


def test_what_compiled_code_writes_while_a_hint_is_searched_for_is_not_seen(capfd):
    """LAPACK's complaints about inputs that nobody has asked for."""

    def complains(x):
        os.write(1, b"illegal value\n" if x not in (1.5, 2.5) else b"asked for\n")
        os.write(2, b"illegal value\n" if x not in (1.5, 2.5) else b"asked for\n")
        return x**2

    lab = Lab(9, "Nine")
    check = partial(compare, returns="y", by_hand=[((1.5,), 2), ((2.5,), 4)], others=[], right=round, mistakes={})
    lab.exercise("9.1", "f(x)", title="One", points=1)(check)
    assert lab.judge("9.1", complains).status is Status.TRY_AGAIN
    out, err = capfd.readouterr()
    assert "asked for" in out
    assert "illegal" not in out + err


def test_numpys_warnings_do_not_come_before_a_verdict():
    lab = Lab(9, "Nine")
    check = partial(compare, returns="y", by_hand=[((1.5,), 2)], others=[], right=round, mistakes={})
    lab.exercise("9.1", "f(x)", title="One", points=1)(check)
    with warnings.catch_warnings(record=True, action="always") as seen:
        assert lab.judge("9.1", lambda x: np.polyfit([x, x], [x, x], 1)[0]).status is Status.TRY_AGAIN
    assert not seen
