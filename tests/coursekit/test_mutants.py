"""Mutants differ from the right answer in one place, and are told apart by what the check says to them."""

import ast
import textwrap

import numpy as np
import pytest

from coursekit.feedback import Lab, Student, compare
from coursekit.mutants import mutants_of, table, try_mutants

MEAN = """
def mean(x):
    total = 0
    for value in x[0:]:
        total += value
    return total / len(x)
"""


def mutated(body: str, arguments: str = "x, rng") -> set[str]:
    source = f"def f({arguments}):\n" + textwrap.indent(body, "    ")
    return {f"{mutant.fault}: {one_line(mutant.source)}" for mutant in mutants_of(source, "f")}


def one_line(source: str) -> str:
    return "; ".join(ast.unparse(statement) for statement in ast.parse(source).body[0].body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x + 1", "another operator: return x - 1"),
        ("return x - 1", "operands exchanged: return 1 - x"),
        ("return x - 1", "operand dropped: return x"),
        ("return -x", "sign dropped: return x"),
        ("return x < 1", "another comparison: return x <= 1"),
        ("return x and rng", "and for or: return x or rng"),
        ("return 1 if x else 2", "condition turned round: return 1 if not x else 2"),
        ("return 1 if x else 2", "branches exchanged: return 2 if x else 1"),
        ("return [y for y in x if y]", "condition dropped: return [y for y in x]"),
        ("return x * 3", "another constant: return x * 4"),
        ("return x[:3]", "off by one in a slice: return x[1:3]"),
        ("return range(len(x))", "off by one in a range: return range(len(x) - 1)"),
        ("return x.sum(axis=1)", "another axis: return x.sum(axis=0)"),
        ("return x.std()", "another ddof: return x.std(ddof=1)"),
        ("return x.copy()", "a copy forgotten: return x"),
        ("return f(x)", "called twice: return f(f(x))"),
        ("return f(x, rng)", "arguments exchanged: return f(rng, x)"),
        ("return x, 1", "values exchanged: return (1, x)"),
        ("x = 2\nreturn x", "statement dropped: pass; return x"),
        ("for y in x:\n    f(y)", "stops after the first round: for y in x:\n    f(y)\n    break"),
        ("for y in x:\n    f(y)", "the last round is left out: for y in list(x)[:-1]:\n    f(y)"),
        ("return draw(generator=rng)", "the global generator: return draw()"),
        ("return rng.normal(3)", "one draw for the last axis: return _along_last(rng.normal(3))"),
        ("return rng.normal(3)", "a generator of its own: return _seeded_anew(rng).normal(3)"),
        ("return x", "rounded: return _rounded(x)"),
        ("return x", "an argument ignored: x = _first_seen('x', x); return x"),
    ],
)
def test_each_rule_puts_its_fault_in(body: str, expected: str) -> None:
    assert expected in mutated(body)


def test_no_mutant_is_the_answer_and_none_comes_twice() -> None:
    found = mutants_of(MEAN, "mean")
    assert len({mutant.source for mutant in found}) == len({mutant.name for mutant in found}) == len(found) > 15
    assert ast.unparse(ast.parse(MEAN)) not in {mutant.source for mutant in found}


def test_a_function_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="median isn't defined"):
        mutants_of(MEAN, "median")


def test_what_the_check_says_is_counted() -> None:
    lab = Lab(7, "Seven", time_limit=2)

    @lab.exercise("7.1", "mean(x)", title="Mean", points=1)
    def _(student: Student) -> None:
        compare(
            student,
            returns="mean",
            by_hand=[(([1.0, 2.0, 6.0],), 3.0)],
            others=[([1.5, 2.0],), ([0.25, 0.5, 1, 1],)],
            right=np.mean,
            mistakes={"that is the sum": sum},
        )

    outcomes = try_mutants(lab, "7.1", MEAN, {})
    said = {outcome.mutant.name: outcome for outcome in outcomes}
    assert said["mean, operand dropped: total / len(x) -> total"].message == "that is the sum"
    assert said["mean, operand dropped: total / len(x) -> total"].kind == "named"
    assert said["mean, off by one in a slice: 0: -> 0 + 1:"].kind == "difference"
    assert said["mean, statement dropped: total = 0 -> pass"].kind == "named"
    passed = {name for name, outcome in said.items() if outcome.kind == "passed"}
    same = "mean, a list for an array: return total / len(x) -> return _as_list(total / len(x))"
    assert same in passed
    head, row, last = table(outcomes, {"7.1": {same: "a float has no list"}}).splitlines()
    assert row.split()[0] == "7.1"
    assert last.split()[1:3] == [str(len(outcomes)), "1"]
    kinds = [int(n) for n in last.split()[3:7]]
    assert kinds == [sum(o.kind == kind for o in outcomes) - (kind == "passed") for kind in head.split()[2:6]]
    assert last.split()[7] == f"{sum(kinds[:3]) / sum(kinds):.0%}"
