"""Twenty-six letters (chapter 12): the seed's own task at its size (`task`), and letters of fonts that training has not
seen (`families`)."""

from __future__ import annotations

import dataclasses
from typing import Any

from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.letters import families, task

TUNING_SEED = 100  # of the sweeps only: a first population, and a deal of the families, that no judged run has
N_TASK_SEEDS = 5

RUNNERS = task.RUNNERS | families.RUNNERS


def units(seeds: list[int]) -> list[Unit]:
    """Sweeps first, then seed by seed; the task's own runs stop at N_TASK_SEEDS seeds."""
    sweeps = [Unit(method, TUNING_SEED) for method in RUNNERS if "sweep" in method]
    judged = [method for method in RUNNERS if "sweep" not in method]
    return sweeps + [
        Unit(method, seed)
        for seed in seeds
        for method in judged
        if method.startswith("fonts") or (seed < N_TASK_SEEDS and (seed == 0 or method != "task nearest template"))
    ]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one unit; rows for the tables task, task_runs, task_sweeps, fonts, fonts_runs, fonts_curves, fonts_sweeps and
    confusions."""
    return RUNNERS[unit.method](unit, context)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "task": {"net": task.TASK.sizes, "n_generations": task.N_GENERATIONS[size], "face": "DejaVu Sans, regular"},
        "rules": {name: dataclasses.asdict(rule) for name, rule in task.RULES.items()},
        "sweep generations": task.SWEEP_GENERATIONS[size],
        "fonts": {
            "net": families.NET.sizes,
            "train": families.N_TRAIN,
            "validation": families.N_VALIDATION,
            "families": list(families.faces().families),
        },
        "n_steps": families.N_STEPS[size],
        "n_breedings": families.N_BREEDINGS[size],
        "population": families.N_GENOMES,
        "elite": families.ELITE,
        "per_letter": families.PER_LETTER,
        "tuned": families.TUNED,
    }


EXPERIMENT = Experiment(units, run_unit, settings)
