"""Searchers of designs with their settings moved, on the table of 672 and on made-up landscapes (chapter 14).

A unit is one task with one seed. Every setting of every searcher plays the same number of searches; a row is the mean
of a seed's searches. `regret` leaves out the network that chose; in the task "spared" one network of each design takes
no part in the search, and judges alone.

    python3 course.py run ways --seeds 10
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from evidence import design_search
from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import search
from neuroevo.search import Outcomes, Space, designs

TASKS = ("table", "spared", "landscapes", "taken apart", "made up")
N_MADE_UP = 2  # landscapes for tuning: as many as a busy machine had time for
N_SEARCHES = {"smoke": 6, "laptop": 30, "full": 150}  # of each setting and seed; three judges share them
BUDGETS = (40, 80, 120)
PATIENCE = 5
NOISE = 0.26  # of a score, against the spread of the designs: the table's
N_GUESSES = {"smoke": 500, "laptop": 12_000, "full": 12_000}  # at most, to catch up with a searcher
N_TRAININGS = 117


@dataclass(frozen=True)
class Setting:
    """A searcher and its knobs; those of the others mean nothing to it."""

    searcher: str  # "random", "genetic" (the post's), "evolution" (steady-state) or "TPE"
    n: int = 20  # population
    retain: float = 0.4  # genetic: share that lives on
    mutation: float = 0.2
    keepers: float = 0.1
    cache: bool = False
    rivals: int = 5  # evolution: in a tournament
    new: bool = False  # no design twice
    worst: bool = False  # dies, in place of the oldest
    start: int = 10  # TPE: trainings by lot
    share: float = 0.1  # TPE: of the good


MAIN = {
    "random": Setting("random"),
    "genetic": Setting("genetic"),
    "evolution": Setting("evolution"),
    "evolution, new": Setting("evolution", new=True),
    "evolution, worst": Setting("evolution", worst=True),
    "evolution, new and worst": Setting("evolution", new=True, worst=True),
    "evolution, no selection": Setting("evolution", rivals=1),
    "TPE": Setting("TPE"),
}


def _words(s: Setting) -> str:
    plain = Setting(s.searcher)
    moved = [f"{k} {v}" for k, v in dataclasses.asdict(s).items() if v != getattr(plain, k)]
    return ", ".join([s.searcher, *moved])


def _grid() -> dict[str, Setting]:
    found = [
        Setting("genetic", n, retain, mutation, cache=cache)
        for n, retain, mutation, cache in product((6, 10, 20, 40), (0.2, 0.4, 0.6), (0.2, 0.5, 1.0), (False, True))
        if int(n * retain) >= 2
    ]
    found += [
        Setting("evolution", n, rivals=rivals, new=new, worst=worst)
        for n, rivals, new, worst in product((5, 10, 20, 40), (2, 5, 10, 20), (False, True), (False, True))
    ]
    found += [Setting("TPE", start=start, share=share) for start, share in product((5, 10, 20), (0.05, 0.1, 0.2, 0.4))]
    return {_words(s): s for s in found}


GRID = _grid()


def rng_of(*numbers: int) -> torch.Generator:
    """A source of randomness of its own for each tuple of numbers."""
    seed = 0
    for number in numbers:
        seed = 1009 * seed + number + 1
    return torch.Generator().manual_seed(seed)


def champions(s: Setting, outcomes: Outcomes, n_runs: int, rng: torch.Generator) -> dict[int, tuple[Tensor, Tensor]]:
    """Budget -> (design, score), (n_runs,) each, that the searches would report."""
    space, most = outcomes.space, max(BUDGETS)
    if s.searcher in ("evolution", "TPE"):
        if s.searcher == "TPE":
            tried = design_search.tpe(outcomes, n_runs, most, rng, start=s.start, share=s.share)
        else:
            tried = design_search.evolve(outcomes, n_runs, most, rng, n=s.n, rivals=s.rivals, new=s.new, worst=s.worst)
        return {budget: tried.at(budget) for budget in BUDGETS}
    searcher: search.Searcher = search.RandomSearch(space, rng, n_runs, n=1)
    if s.searcher == "genetic":
        searcher = search.GeneticSearch(
            space, rng, n_runs, n=s.n, retain=s.retain, keepers=s.keepers, mutation=s.mutation, cache=s.cache
        )
    played = search.replay(searcher, outcomes, budget=most, rng=rng, most=most)
    return {budget: played.at(budget) for budget in BUDGETS}


# --- Landscapes that are made up ------------------------------------------------------------------------------------


def landscape(n_dims: int, share: float, rng: torch.Generator) -> Tensor:
    """Worth of all 5 ** n_dims designs; `share` of the variance is in pairs of settings."""
    pairs = [(i, j) for i in range(n_dims) for j in range(i)]
    parts: list[tuple[tuple[int, ...], float]] = [((i,), (1 - share) / n_dims) for i in range(n_dims)]
    parts += [(pair, share / len(pairs)) for pair in pairs]
    values = torch.zeros((5,) * n_dims)
    for axes, weight in parts:
        shape = [5 if axis in axes else 1 for axis in range(n_dims)]
        values = values + math.sqrt(weight) * torch.randn(shape, generator=rng)
    flat = values.flatten()
    return (flat - flat.mean()) / flat.std()


def scored(values: Tensor, space: Space, noise: float, rng: torch.Generator) -> Outcomes:
    """A table whose designs are worth `values`, with three noisy scores each."""
    noisy = values[:, None] + noise * torch.randn(len(values), 3, generator=rng)
    return Outcomes(space, noisy, noisy, torch.ones(1).expand_as(noisy))


def guesses(values: Tensor, outcomes: Outcomes, n_runs: int, most: int, rng: torch.Generator) -> Tensor:
    """Mean worth (n_guesses,) of what random search reports after each training; it deals no design twice."""
    n = len(values)
    deck = torch.randperm(n, generator=rng)
    first = torch.randint(n, (n_runs, 1), generator=rng)
    dealt = deck[(first + torch.arange(min(n, most))) % n]
    seen = design_search.look_up(outcomes, dealt, rng)
    best = seen.cummax(dim=1).indices
    return values[dealt.gather(1, best)].mean(dim=0)


def multiples(values: Tensor, outcomes: Outcomes, n_runs: int, most: int, rng: torch.Generator) -> list[dict[str, Any]]:
    """For each evolution: how many times its trainings random search needs to be worth as much; and if it got there."""
    curve = guesses(values, outcomes, 4 * n_runs, most, rng)
    genetic = search.GeneticSearch(outcomes.space, rng, n_runs)
    played = search.replay(genetic, outcomes, budget=10_000, rng=rng, most=10)
    n_paid = float(played.trainings[:, -1].mean())
    tried = design_search.evolve(outcomes, n_runs, N_TRAININGS, rng)
    rows = []
    for name, found, paid in (
        ("genetic", played.reported[:, -1], n_paid),
        ("evolution", tried.at(N_TRAININGS)[0], float(N_TRAININGS)),
    ):
        enough = curve >= values[found].mean()
        there = bool(enough.any())
        n = int(enough.byte().argmax()) + 1 if there else len(curve)
        rows.append({"searcher": name, "multiple": round(n / paid, 3), "caught_up": there})
    return rows


def main_effects(values: Tensor, space: Space) -> Tensor:
    """What is left of (n_designs,) values when the interactions of the choices are taken out."""
    shaped, axes = values.view(space.sizes), range(len(space.sizes))
    parts = [shaped.mean(dim=[d for d in axes if d != axis], keepdim=True) - shaped.mean() for axis in axes]
    total: Tensor = shaped.mean() + torch.stack([part.expand(space.sizes) for part in parts]).sum(dim=0)
    return total.flatten()


# --- The run --------------------------------------------------------------------------------------------------------


def _table(outcomes: Outcomes, seed: int, n: int) -> list[dict[str, Any]]:
    rows = []
    for place, (name, s) in enumerate((MAIN | GRID).items()):
        for budget, (design, score) in champions(s, outcomes, n, rng_of(seed, place)).items():
            lost = float(design_search.regret(outcomes, design, score).mean())
            rows.append({"setting": name, "seed": seed, "trainings": budget, "regret": round(lost, 4)})
    return rows


def _spared(outcomes: Outcomes, seed: int, n: int) -> list[dict[str, Any]]:
    best, rows = outcomes.test.mean(dim=1).max(), []
    for place, (name, s) in enumerate(MAIN.items()):
        lost: dict[int, list[float]] = {budget: [] for budget in BUDGETS}
        for judge in range(3):
            others = [network for network in range(3) if network != judge]
            parts = (part[:, others] for part in (outcomes.validation, outcomes.test, outcomes.seconds))
            for budget, (design, _) in champions(
                s, Outcomes(outcomes.space, *parts), n // 3, rng_of(seed, place, judge)
            ).items():
                lost[budget].append(float(best - outcomes.test[design, judge].mean()))
        rows += [
            {"setting": name, "seed": seed, "trainings": budget, "regret": round(100 * sum(values) / 3, 4)}
            for budget, values in lost.items()
        ]
    return rows


def _made_up(seed: int, n: int) -> list[dict[str, Any]]:
    space, rows = Space({f"setting {i}": range(5) for i in range(4)}), []
    values = landscape(4, 0.5, rng_of(seed, 7))
    outcomes = scored(values, space, NOISE, rng_of(seed, 8))
    for place, (name, s) in enumerate((MAIN | GRID).items()):
        if name not in MAIN and s.searcher != "evolution":
            continue
        design, _ = champions(s, outcomes, n, rng_of(seed, place, 9))[max(BUDGETS)]
        lost = float(values.max() - values[design].mean())
        rows.append({"setting": name, "seed": seed, "trainings": max(BUDGETS), "regret": round(lost, 4)})
    return rows


def _landscapes(seed: int, n: int, most: int) -> list[dict[str, Any]]:
    rows = []
    for share, n_dims, which in product((0.0, 0.5), range(4, 9), (0, 1)):
        number = 2 * seed + which
        rng = rng_of(number, n_dims, int(10 * share))
        space = Space({f"setting {i}": range(5) for i in range(n_dims)})
        values = landscape(n_dims, share, rng)
        for row in multiples(values, scored(values, space, NOISE, rng), n, most, rng):
            rows.append({"landscape": f"pairs {share:g}", "n_dims": n_dims, "seed": number} | row)
    return rows


def _taken_apart(outcomes: Outcomes, seed: int, n: int) -> list[dict[str, Any]]:
    space, worth = outcomes.space, outcomes.test.mean(dim=1)
    noise = float(outcomes.validation.var(dim=1).mean().sqrt())
    tables = {
        "as it is": worth,
        "main effects only": main_effects(worth, space),
        "dealt to other designs": worth[torch.randperm(len(worth), generator=rng_of(seed, 5))],
    }
    rows = []
    for place, (name, values) in enumerate(tables.items()):
        rng = rng_of(seed, place, 6)
        for row in multiples(values, scored(values, space, noise, rng), 4 * n, len(worth), rng):
            rows.append({"landscape": name, "n_dims": 4, "seed": seed} | row)
    return rows


def run_unit(unit: Unit, context: Context) -> Rows:
    """One task with one seed."""
    n = N_SEARCHES[context.size]
    if unit.method == "made up":
        return {"made_up": _made_up(unit.seed, n)}
    if unit.method == "landscapes":
        return {"multiples": _landscapes(unit.seed, n // 3, N_GUESSES[context.size])}
    outcomes = designs.read(context.source).outcomes(PATIENCE)
    if unit.method == "taken apart":
        return {"multiples": _taken_apart(outcomes, unit.seed, n)}
    if unit.method == "spared":
        return {"spared": _spared(outcomes, unit.seed, n)}
    return {"table": _table(outcomes, unit.seed, n)}


def units(seeds: list[int]) -> list[Unit]:
    """Every task with every seed; made-up landscapes for tuning are few."""
    return [Unit(task, seed) for task in TASKS for seed in (seeds[:N_MADE_UP] if task == "made up" else seeds)]


def settings(size: str) -> dict[str, Any]:
    """What decides the numbers beside the seeds and the table."""
    return {
        "size": size,
        "searches of a setting and seed": N_SEARCHES[size],
        "trainings": list(BUDGETS),
        "patience": PATIENCE,
        "noise of made-up scores": NOISE,
        "guesses at most": N_GUESSES[size],
        "settings": {name: dataclasses.asdict(s) for name, s in (MAIN | GRID).items()},
        "table": "the stored run designs",
    }


EXPERIMENT = Experiment(units, run_unit, settings)
