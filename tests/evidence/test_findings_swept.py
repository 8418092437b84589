"""What chapter 11 held fixed, moved: every setting runs, is paid for as it says, and mutates whom it says."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from evidence.runner import Context, Unit
from evidence.runs import findings_swept as swept
from neuroevo import ga


@pytest.mark.parametrize("name", swept.SETTINGS)
def test_every_setting_runs_and_looks_where_it_says(name: str, context: Context) -> None:
    rows = swept.run_unit(Unit(name, 100), context)["runs"]
    s = swept.SETTINGS[name]
    assert [row["budget"] for row in rows] == pytest.approx([look * 0.05 for look in s.looks])
    assert all(row["budget"] <= row["spent"] for row in rows)
    assert all(0 <= row["right"] <= row["n"] for row in rows)


def test_no_look_of_a_full_run_falls_into_the_step_of_another() -> None:
    for name, s in swept.SETTINGS.items():
        step = 3 * swept.BATCH if s.learning_rate else 10 * s.images * s.n_genomes
        assert step <= min(after - before for before, after in pairwise((0, *s.looks))), name


def test_seeds_are_new_and_never_shared_within_a_setting() -> None:
    units = swept.units([0, 1])
    assert len(set(units)) == len(units)
    assert min(unit.seed for unit in units) == 100
    assert sum(unit.method == "children mutate" for unit in units) == 6


@pytest.mark.parametrize(("mutants", "n"), [("children", 160), ("some children", 40), ("living", 40), ("all", 200)])
def test_as_many_are_mutated_as_the_setting_says(
    mutants: str, n: int, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(population: torch.Tensor, rate: float, scale: float, rng: object, rows: torch.Tensor | None = None) -> None:
        if rate:
            seen.append(len(population) if rows is None else len(rows))

    monkeypatch.setattr(ga, "mutate_", spy)
    one = replace(swept.SETTINGS["children mutate"], mutants=mutants)
    monkeypatch.setitem(swept.SETTINGS, "children mutate", one)
    swept.run_unit(Unit("children mutate", 100), context)
    assert seen
    assert set(seen) == {n}
