"""Optuna's samplers replayed on the table of designs (chapter 14), for which a chapter has no time.

A unit is one sampler with one seed: a number of whole searches. Every training that a search asks for is looked up in
the stored run `designs`, with one of its seeds drawn at random, as the chapter's own searchers do.

    python3 course.py run searchers --seeds 10
"""

from __future__ import annotations

from typing import Any

import torch

from evidence.optuna_search import OptunaSearch
from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import search
from neuroevo.search import designs

SAMPLERS = ("tpe", "nsga2")
N_REPLAYS = {"smoke": 2, "laptop": 20, "full": 100}  # of each sampler and seed
BUDGET, STEP = 117, 13  # trainings of a search, and how often its champion is stored
PATIENCE = 5


def run_unit(unit: Unit, context: Context) -> Rows:
    """Search again and again with one sampler: a row for each search and milestone."""
    outcomes = designs.read(context.source).outcomes(PATIENCE)
    milestones = torch.arange(STEP, BUDGET + 1, STEP)
    rows = []
    replays = range(N_REPLAYS[context.size])
    for i in context.bar(replays, unit, "search"):
        number = unit.seed * len(replays) + i
        searcher = OptunaSearch(outcomes.space, unit.method, seed=number)
        rng = torch.Generator().manual_seed(number)
        played = search.replay(searcher, outcomes, budget=BUDGET, rng=rng, most=BUDGET)
        for n in milestones.tolist():
            row = {"sampler": unit.method, "replay": number, "trainings": n}
            row |= {"seconds": round(float(played.seconds[0, n - 1]), 1), "design": int(played.reported[0, n - 1])}
            rows.append(row | {"score": round(float(played.score[0, n - 1]), 5)})
    return {"replays": rows}


def units(seeds: list[int]) -> list[Unit]:
    """Every sampler with every seed."""
    return [Unit(sampler, seed) for sampler in SAMPLERS for seed in seeds]


def settings(size: str) -> dict[str, Any]:
    """What decides the numbers beside the seeds, Optuna's version and the table."""
    from importlib.metadata import version

    return {
        "size": size,
        "replays of a seed": N_REPLAYS[size],
        "trainings of a search": BUDGET,
        "patience": PATIENCE,
        "optuna": version("optuna"),
        "table": "the stored run designs",
    }


EXPERIMENT = Experiment(units, run_unit, settings)
