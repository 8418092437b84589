"""Seven methods on seven problems at equal evaluations (chapter 8), and what noise on the weights does to networks of
equal loss that were found in different ways.

Every method gets a grid of eight settings a problem. The grid is tried on runs that are not judged, and the setting
with the lowest mean score is then run with every seed. A backward pass counts as two forward passes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.methods import shaken
from evidence.runs.methods.problems import PROBLEMS, Problem, accuracy_on_test, ellipsoid
from evidence.runs.methods.searches import METHODS, Setting, run_method
from evidence.runs.methods.shaken import FINDERS

__all__ = ["EXPERIMENT", "FINDERS", "METHODS", "PROBLEMS", "ellipsoid"]

TUNING_SEED = 1000  # of the runs that choose the settings: none of the seeds that are judged
N_TUNING_RUNS = 5
SHARES = {"smoke": 0.02, "laptop": 0.25, "full": 1.0}  # of the budgets


def merit(problem: Problem, losses: Tensor) -> Tensor:
    """What is averaged and tuned: the decimal logarithm of the loss, so that one bad run doesn't drown the others;
    a loss below `solved` counts as `solved`, so that one very exact run doesn't either."""
    return losses.clamp(problem.solved, 1e12).log10()


def _tune(unit: Unit, context: Context) -> Rows:
    """The mean merit of each of a method's eight settings, for every problem; the lowest is chosen."""
    method = unit.method.removeprefix("tuning ")
    n_runs, share = 2 if context.size == "smoke" else N_TUNING_RUNS, SHARES[context.size]
    rows = []
    for name, problem in PROBLEMS.items():
        scores = []
        for setting in METHODS[method][1]:
            meter = run_method(method, problem, setting, n_runs=n_runs, seed=TUNING_SEED, share=share)
            scores.append(float(merit(problem, meter.best).mean()))
        for i, (setting, score) in enumerate(zip(METHODS[method][1], scores, strict=True)):
            row = {"method": method, "problem": name, "setting": _words(setting), "log10_loss": score}
            rows.append(row | {"chosen": int(i == scores.index(min(scores)))})
    return {"tuning": rows}


def given(unit: Unit, finished: Mapping[Unit, Rows]) -> dict[str, Any] | None:
    """The settings of a method that its tuning has chosen, problem -> setting; None before it is finished."""
    if unit.method not in METHODS:
        return {}
    tuning = finished.get(Unit(f"tuning {unit.method}", TUNING_SEED))
    chosen = {row["problem"]: row["setting"] for row in tuning["tuning"] if row["chosen"]} if tuning else None
    return chosen and {"settings": chosen}


def _words(setting: Setting) -> str:
    return "; ".join(f"{key} {value}" for key, value in setting.items())


def _judge(unit: Unit, context: Context) -> Rows:
    rows = []
    for number, (name, problem) in enumerate(PROBLEMS.items()):
        (setting,) = (one for one in METHODS[unit.method][1] if _words(one) == context.given["settings"][name])
        began = time.perf_counter()
        seed = 100 * unit.seed + number  # the same first guess for every method
        meter = run_method(unit.method, problem, setting, n_runs=1, seed=seed, share=SHARES[context.size])
        row = {
            "method": unit.method,
            "problem": name,
            "seed": unit.seed,
            "setting": _words(setting),
            "loss": float(meter.best),
            "log10_loss": float(merit(problem, meter.best)),
            "solved": int(meter.best <= problem.solved),
            "evaluations": meter.used,
            "seconds": time.perf_counter() - began,
        }
        row |= {f"milestone_{i}": float(merit(problem, losses)) for i, losses in enumerate(meter.milestones)}
        rows.append(row | {"test_accuracy": accuracy_on_test(meter.champion) if name == "digits" else None})
    return {"finals": rows}


def units(seeds: list[int]) -> list[Unit]:
    """The tuning first, then seed by seed, so that a stopped run has whole comparisons."""
    tuning = [Unit(f"tuning {method}", TUNING_SEED) for method in METHODS]
    return tuning + [Unit(method, seed) for seed in seeds for method in (*METHODS, "shaken networks")]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one method with one seed on all problems, or tune it, or shake the networks of one seed."""
    if unit.method == "shaken networks":
        return shaken.run_unit(unit, context)
    return _tune(unit, context) if unit.method.startswith("tuning ") else _judge(unit, context)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "share_of_budget": SHARES[size],
        "problems": {
            name: {"n_params": p.n_params, "budget": p.budget, "spread": p.spread, "solved": p.solved}
            for name, p in PROBLEMS.items()
        },
        "grids": {method: grid for method, (_, grid) in METHODS.items()},
        "tuning": {"seed": TUNING_SEED, "runs": N_TUNING_RUNS},
        "target": shaken.TARGET,
        "noises": shaken.NOISES,
        "finders": FINDERS,
    }


EXPERIMENT = Experiment(units, run_unit, settings, given)
