"""Every chapter keeps to the recipe, and no claim is lost; what doesn't, and why, stands in exceptions.toml."""

import tomllib
from functools import cache
from pathlib import Path

import pytest
from nbformat import NotebookNode

from coursekit import readability
from coursekit.notebooks import read_notebook
from evidence import ledger

ROOT = Path(__file__).parents[2]
SEEDS = ROOT.parent / "shared" / "seeds"  # the five documents; not ours to give away
HERE = Path(__file__).parent
EXCEPTIONS = tomllib.loads((HERE / "exceptions.toml").read_text("utf-8"))

Faults = dict[str, str]  # what is broken -> how


def pages(*folders: str) -> list[str]:
    paths = (path for folder in folders for path in sorted((ROOT / folder).glob("*.ipynb")))
    return [path.relative_to(ROOT).with_suffix("").as_posix() for path in paths]


CHAPTERS = pages("notebooks")
WITH_VERDICTS = pages("notebooks", "notebooks/evidence")
EXECUTED = pages("notebooks", "notebooks/evidence", "solutions")


@cache
def notebook(page: str) -> NotebookNode:
    return read_notebook(ROOT / f"{page}.ipynb")


@cache
def entries() -> dict[str, list[ledger.Entry]]:
    return {page: ledger.collect([ROOT / f"{page}.ipynb"]) for page in WITH_VERDICTS}


def complaints(found: Faults, excused: str | Faults) -> list[str]:
    """What a page breaks without an exception, and the exceptions that it doesn't need.

    `excused` is the reason of everything that the page breaks, or what it breaks -> the reason.
    """
    if isinstance(excused, str):
        excused = dict.fromkeys(found or ["anything"], excused)
    broken = [f"{name}: {how}" for name, how in found.items() if name not in excused]
    return broken + [f"{name} needs no exception: take it out" for name in excused if name not in found]


def hold(rule: str, page: str, found: Faults) -> None:
    told = complaints(found, EXCEPTIONS[rule].get(page, {}))
    assert not told, f"{page}, [{rule}] in exceptions.toml:\n" + "\n".join(told)


def recipe_faults(m: readability.Measures) -> Faults:
    limits = {
        "words": (m.all_words, 1800),
        "cells": (m.cells, 24),
        "median": (m.median_lines, 6),
        "long": (m.long_cells, 1),
        "longest": (m.too_long_cells, 0),
        "folded": (m.folded_share, 1 / 3),
        "boxes": (m.boxes, 5),
        "wide": (m.wide_lines, 0),
    }
    found = {name: f"{value:.4g}, at most {most:.4g}" for name, (value, most) in limits.items() if value > most}
    if m.minutes_announced is None or abs(m.minutes_announced - m.minutes) > 0.15 * m.minutes:
        found["minutes"] = f"{m.minutes:.0f}, announced as {m.minutes_announced}"
    return found


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_keeps_to_the_recipe(page: str) -> None:
    hold("recipe", page, recipe_faults(readability.measure(notebook(page))))


@pytest.mark.parametrize("page", EXECUTED)
def test_what_visible_code_uses_was_shown(page: str) -> None:
    found = {name: f"used in cell {cell}, removed" for cell, name in readability.hidden_names(notebook(page))}
    hold("hidden-names", page, found)


@pytest.mark.parametrize("page", EXECUTED)
def test_no_mark_of_a_tool_shows(page: str) -> None:
    hold("lint-marks", page, {mark: f"in cell {cell}" for cell, mark in readability.lint_marks(notebook(page))})


def by_claim(faults: list[tuple[str, str, str]], page: str) -> Faults:
    found: Faults = {}
    for where, claim, fault in faults:
        if where == page:
            found[claim] = f"{found[claim]}; {fault}" if claim in found else fault
    return found


@pytest.mark.parametrize("page", WITH_VERDICTS)
def test_a_claim_is_judged_once_and_answered(page: str) -> None:
    hold("verdicts", page, by_claim(ledger.rule_faults(entries()), page))


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the five documents aren't beside this checkout (../shared/seeds)")
@pytest.mark.parametrize("page", WITH_VERDICTS)
def test_quotes_are_the_documents_words(page: str) -> None:
    documents = {f"S{int(path.name[:3])}": path.read_text("utf-8") for path in SEEDS.glob("*.txt")}
    assert set(documents) == set(ledger.DOCUMENTS)
    hold("quotes", page, by_claim(ledger.quote_faults({page: entries()[page]}, documents), page))


def test_no_claim_is_lost() -> None:
    known = set((HERE / "claims.txt").read_text("utf-8").split())
    assert len(known) > 200
    missing = known - {entry.claim for found in entries().values() for entry in found}
    assert not missing, f"no page shows {', '.join(sorted(missing))} any more"


def test_exceptions_are_of_pages_that_there_are_and_have_reasons() -> None:
    assert set(EXCEPTIONS) == {"recipe", "hidden-names", "lint-marks", "verdicts", "quotes"}
    for rule, excused in EXCEPTIONS.items():
        assert set(excused) <= set(EXECUTED), rule
        reasons = [reason for why in excused.values() for reason in (why.values() if isinstance(why, dict) else [why])]
        assert all(isinstance(reason, str) and len(reason.split()) > 1 for reason in reasons), rule


# The tests above must be able to fail.


@pytest.mark.parametrize(
    ("found", "excused", "told"),
    [
        ({}, {}, []),
        ({"words": "2000"}, {}, ["words: 2000"]),
        ({"words": "2000"}, {"words": "a reason"}, []),
        ({"words": "2000", "boxes": "6"}, {"words": "a reason"}, ["boxes: 6"]),
        ({"words": "2000"}, {"boxes": "a reason"}, ["words: 2000", "boxes needs no exception: take it out"]),
        ({"words": "2000", "boxes": "6"}, "first edition", []),
        ({}, "first edition", ["anything needs no exception: take it out"]),
    ],
)
def test_an_exception_excuses_what_it_names_and_goes_when_it_can(
    found: Faults, excused: str | Faults, told: list[str]
) -> None:
    assert complaints(found, excused) == told


GOOD = {
    **{"words": 1600, "verdict_words": 200, "cells": 24, "median_lines": 6.0, "longest_cell": 40, "long_cells": 1},
    **{"too_long_cells": 0, "folded_share": 1 / 3, "removed_cells": 9, "wide_lines": 0, "boxes": 5, "figures": 5},
    **{"roles": 0, "minutes_announced": 23, "minutes": 20.0},
}


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({}, None),
        ({"words": 1601}, "words"),
        ({"cells": 25}, "cells"),
        ({"median_lines": 6.5}, "median"),
        ({"long_cells": 2}, "long"),
        ({"too_long_cells": 1}, "longest"),
        ({"folded_share": 0.34}, "folded"),
        ({"boxes": 6}, "boxes"),
        ({"wide_lines": 1}, "wide"),
        ({"minutes_announced": 16}, "minutes"),
        ({"minutes_announced": 24}, "minutes"),
        ({"minutes_announced": None}, "minutes"),
    ],
)
def test_each_limit_can_be_broken(change: dict[str, float | None], broken: str | None) -> None:
    assert list(recipe_faults(readability.Measures(**(GOOD | change)))) == ([broken] if broken else [])
