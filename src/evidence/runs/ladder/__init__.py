"""A ladder on MNIST: from GENREG as printed to the gradient, one change a rung, every rung at about the same price.

All rungs train a 784-64-10 tanh network from raw pixels and a cold start: no built features, no class means. They get
the generations that take about `CORE_SECONDS` of one quiet core (a third of that at laptop size), a fixed number so
that a run repeats on any machine. Four values of each rung's most sensitive setting are tried at a quarter of its
length, with a seed of their own. Each chooses its champion on the validation part and opens the test set once.

What a mutant costs depends on the rung: an *evaluation* is one genome on one image, but a mutant that differs in one
neuron is scored for a fraction of a network's multiplications. So the tables hold evaluations, multiply-adds of matrix
products and core-seconds, and no single one of them is the price.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from evidence.recorder import load
from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.ladder.cloud import Cloud
from evidence.runs.ladder.gradient import Gradient
from evidence.runs.ladder.parts import Parts
from evidence.runs.ladder.rung import INIT_STD, NET, SHARE, Rung, run_rung
from evidence.runs.ladder.whole import Whole

TUNING_SEED = 100
CORE_SECONDS = 30
TUNING_SHARE = 0.25

RUNGS: dict[str, Rung] = {
    # Pure selection, a change at a time.
    "GENREG as printed": Whole(260, trust=True, soft=False, top=0.2),
    "log-likelihood": Whole(260, trust=True, top=0.2),
    "stronger selection": Whole(260),
    "neuron crossover": Whole(230, crossover=True),
    "self-adapted": Whole(230, crossover=True, sigma=0.04, tau=0.1),
    "annealed": Whole(230, crossover=True, sigma_end=0.003),
    "bigger batch": Whole(130, crossover=True, sigma_end=0.003, images_per_class=50),
    "population 50": Whole(920, crossover=True, sigma_end=0.003, n_genomes=50),
    "population 800": Whole(57, crossover=True, sigma_end=0.003, n_genomes=800),
    "one-neuron mutants": Parts(3300, sigma_end=0.003, n_images=500),
    "weight decay": Parts(3300, sigma_end=0.003, n_images=500, decay=1e-3),
    "shifted images": Parts(3300, sigma_end=0.003, n_images=500, decay=1e-3, shift=1),
    # Evolution strategies.
    "OpenAI-ES": Cloud(190),
    "rank-one ES": Cloud(680, rank_one=True),
    "one-neuron ES": Parts(3800, strategy=True, n_pairs=(4,)),
    "one-neuron ES, shifted images": Parts(3800, strategy=True, n_pairs=(4,), shift=1),
    # The summit.
    "gradient": Gradient(12_000),
}


def _tried(rung: Rung) -> tuple[str, list[float]]:
    """The most sensitive setting, and four values of it; the best on validation is taken."""
    match rung:
        case Cloud():
            return "learning_rate", [0.003, 0.01, 0.03, 0.1]
        case Gradient():
            return "learning_rate", [0.001, 0.002, 0.004, 0.008]
        case Parts(strategy=True):
            return "learning_rate", [0.003, 0.006, 0.012, 0.024]
        case Parts(decay=decay) if decay:
            return "decay", [1e-4, 3e-4, 1e-3, 3e-3]
        case Whole(tau=tau) if tau:
            return "tau", [0.05, 0.1, 0.2, 0.4]
    return "sigma", [0.01, 0.02, 0.04, 0.08]


SWEEPS = {name: _tried(rung) for name, rung in RUNGS.items()}


def _sweep(name: str, value: float) -> Unit:
    return Unit(f"sweep {name} {value:g}", TUNING_SEED)


def _changed(rung: Rung, setting: str, value: float, share: float = 1.0) -> Rung:
    changes: dict[str, Any] = {setting: value, "n_generations": max(4, round(rung.n_generations * share))}
    return dataclasses.replace(rung, **changes)


def units(seeds: list[int]) -> list[Unit]:
    """The sweeps, then seed by seed, so that a stopped run has whole ladders."""
    sweeps = [_sweep(name, value) for name, (_, values) in SWEEPS.items() for value in values]
    return sweeps + [Unit(name, seed) for seed in seeds for name in RUNGS]


def given(unit: Unit, finished: Mapping[Unit, Rows]) -> dict[str, Any] | None:
    """The value of a rung's setting that did best on validation; None before its sweeps are finished."""
    if unit.method not in RUNGS:
        return {}
    setting, values = SWEEPS[unit.method]
    sweeps = [_sweep(unit.method, value) for value in values]
    if not all(sweep in finished for sweep in sweeps):
        return None
    scores = [finished[sweep]["sweeps"][0]["validation"] for sweep in sweeps]
    return {setting: values[max(range(len(values)), key=scores.__getitem__)]}


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one rung with one seed; its rows for the tables finals and curves, or sweeps."""
    if unit.method in RUNGS:
        setting, _ = SWEEPS[unit.method]
        value = context.given[setting]
        rows = run_rung(unit, context, _changed(RUNGS[unit.method], setting, value))
        rows["finals"][0] |= {"setting": setting, "value": value}
        return rows
    for name, (setting, values) in SWEEPS.items():
        for value in values:
            if unit == _sweep(name, value):
                rows = run_rung(unit, context, _changed(RUNGS[name], setting, value, TUNING_SHARE))
                rows["sweeps"][0] |= {"method": name, "setting": setting, "value": value}
                return rows
    raise ValueError(f"the ladder has no rung {unit.method!r}")


def described(rungs: Mapping[str, Rung]) -> dict[str, dict[str, Any]]:
    """Rungs for the provenance."""
    return {name: {"kind": type(rung).__name__} | dataclasses.asdict(rung) for name, rung in rungs.items()}


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "data": load(size).source,
        "net": NET.sizes,
        "init_std": INIT_STD,
        "core_seconds": CORE_SECONDS,
        "share_of_generations": SHARE[size],
        "tuning_share": TUNING_SHARE,
        "rungs": described(RUNGS),
        "sweeps": {name: list(sweep) for name, sweep in SWEEPS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings, given)
