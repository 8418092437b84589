"""Chapter 18: what it says of the two worked capstones is what the referee and the runs say."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from coursekit import referee
from coursekit.capstone import Plan, differences
from coursekit.notebooks import read_notebook
from coursekit.plain import glued
from coursekit.referee.reading import record_of
from neuroevo import results

ROOT = Path(__file__).parents[2]
CAPSTONES = ROOT / "notebooks" / "capstones"
PAGE = ROOT / "notebooks" / "18_capstones.ipynb"
GUIDE = (ROOT / "book" / "instructor.md").read_text("utf-8")


@cache
def numbers() -> dict[str, Any]:
    return glued(read_notebook(PAGE))


def text() -> str:
    return "\n\n".join(cell.source for cell in read_notebook(PAGE).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize(("name", "glue"), [("fresh_or_fixed", "gap-a"), ("whole_neurons", "gap-b")])
def test_the_chapter_quotes_the_capstones(name: str, glue: str) -> None:
    record = record_of(read_notebook(CAPSTONES / f"{name}.ipynb"))
    assert record is not None
    plan = Plan.of(**record["plan"])
    found = differences(record["rows"], plan.better, plan.than, "test")
    assert found is not None
    assert numbers()[glue] == found.text(1).replace("-", "−")


def test_the_good_one_is_undecided_and_the_bad_one_looks_clear() -> None:
    for name, holds_zero in (("fresh_or_fixed", True), ("whole_neurons", False)):
        record = record_of(read_notebook(CAPSTONES / f"{name}.ipynb"))
        assert record is not None
        found = differences(record["rows"], record["plan"]["better"], record["plan"]["than"], "test")
        assert found is not None
        assert (found.low < 0 < found.high) is holds_zero
    assert "**undecided**" in read_notebook(CAPSTONES / "fresh_or_fixed.ipynb").cells[-2].source


def test_three_faults_are_counted_and_two_are_told() -> None:
    rules = {finding.rule for finding in referee.judge(CAPSTONES / "whole_neurons.ipynb").findings}
    assert rules == {"seeds", "budgets", "test set"}
    assert referee.judge(CAPSTONES / "fresh_or_fixed.ipynb").findings == []
    for summary in ("The fourth", "The fifth"):
        assert f"<summary>{summary}</summary>" in text()


def test_ten_briefs_each_with_all_that_a_brief_has() -> None:
    briefs = re.findall(r"<details><summary>(\d+)\. [^<]*\?[^<]*</summary>(.*?)</details>", text(), re.DOTALL)
    assert [int(number) for number, _ in briefs] == list(range(1, 11))
    for number, brief in briefs:
        for part in ("**Budget:**", "**Trap:**", "**Publishable:**"):
            assert part in brief, (number, part)
        assert "**Guess:**" in brief or "**To beat:**" in brief, number


def test_the_marks_add_up_and_the_referee_gives_what_the_table_says() -> None:
    rows = dict(re.findall(r"(?m)^\| (\w+) \| (\d+) \| [a-z]", GUIDE))
    assert sum(map(int, rows.values())) == 40
    rules = list(referee.RULES)
    automatic = [sum(referee.RULES[rule][1] for rule in some) for some in (rules[:5], rules[5:])]
    assert automatic == [int(rows["reproducibility"]), int(rows["statistics"]) // 2]
    assert f"{numbers()['gap-a']} points over 20 seeds" in GUIDE


def test_the_best_rung_at_the_ladders_budget_is_named() -> None:
    finals = results.load("ladder-two").tables["finals"]
    equal = finals[(finals.evaluations / 2_600_000 - 1).abs() < 0.05]
    assert equal.groupby("method").test_correct.mean().idxmax() == "own winners, mirrored"


@pytest.mark.parametrize("name", ["population", "own_winners"])
def test_the_strategies_to_start_from_have_the_form_that_is_shown(name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, CAPSTONES / "ladder" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for method in ("__init__", "ask", "tell"):
        assert callable(getattr(module.Strategy, method))
