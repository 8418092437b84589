"""Who is done first on N workers: the grid, random search and a genetic algorithm in a simulated queue (chapter 15).

No network is trained: a training lasts the core-seconds that the stored run `designs` measured for it, and scores what
it scored there. A unit is one setting with one seed: all searches, numbers of workers and replays.

    python3 course.py run queues --seeds 10
"""

from __future__ import annotations

import dataclasses
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo.search import designs

PATIENCE = 5
N_REPLAYS = {"smoke": 1, "laptop": 4, "full": 20}  # of a seed, as in the chapter; a tenth of them in other settings
N_WORKERS = (1, 2, 4, 8, 12, 16, 20, 25, 30, 40, 50, 60, 80, 100, 300, 1000)
FEWER_WORKERS = (1, 8, 12, 16, 20, 25, 30, 40, 50, 60, 80, 100)  # in other settings
N_DRAWN = 100  # workers of the replay that is stored bar by bar
N_WATCHED = (12, 100)  # workers of the replays whose champions are followed as time goes on

Array = NDArray[Any]
Trial = tuple[int, int]  # a design and one of its seeds
Search = Callable[[Generator, list[Trial]], Iterator[Any]]  # yields designs; None: wait until a trial is back
Log = list[tuple[Trial, int, float, float]]  # trial, worker, start, end


@dataclass(frozen=True)
class Setting:
    """What decides a queue and its searches."""

    lengths: str = "stored"  # or "equal", "dealt" (to other designs), "root" (of the stored ones, to the same mean)
    children: int = 12  # of a generation
    n_children: int = 108  # of a search
    keep: int = 8  # parents
    mutation: float = 0.2  # chance of a child to have one gene drawn anew
    dispatch: float = 0.0  # seconds to hand out a job
    longest_first: bool = False  # the order of grid and random search; else by lot


SETTINGS = {
    "as in the chapter": Setting(),
    "all lengths equal": Setting(lengths="equal"),
    "root of the lengths": Setting(lengths="root"),
    "lengths dealt to other designs": Setting(lengths="dealt"),
    "longest first": Setting(longest_first=True),
    "27 children a generation": Setting(children=27),
    "54 children a generation": Setting(children=54),
    "108 children a generation": Setting(children=108),
    "as many trainings as the grid": Setting(n_children=652),
    "best 4 as parents": Setting(keep=4),
    "best 16 as parents": Setting(keep=16),
    "no mutation": Setting(mutation=0.0),
    "every child mutated": Setting(mutation=1.0),
    "10 ms to hand out": Setting(dispatch=0.01),
    "100 ms to hand out": Setting(dispatch=0.1),
}


@dataclass(frozen=True)
class Stored:
    """What the stored run `designs` knows: (672, 3) for each design and seed; genes (672, 4)."""

    lengths: Array
    validation: Array
    test: Array
    genes: Array


@cache
def stored(root: Path | None = None) -> Stored:
    """The table of designs as arrays."""
    outcomes = designs.read(root).outcomes(PATIENCE)
    genes = outcomes.space.genes(torch.arange(outcomes.space.n_designs)).numpy()
    seconds = outcomes.seconds.numpy().astype(float)
    return Stored(seconds, outcomes.validation.numpy(), 100 * outcomes.test.numpy(), genes)


def lengths(kind: str, seconds: Array) -> Array:
    """Core-seconds of each design and seed, (672, 3), all of the same mean."""
    if kind == "equal":
        return np.full_like(seconds, seconds.mean())
    if kind == "root":
        return np.sqrt(seconds) * seconds.mean() / np.sqrt(seconds).mean()
    if kind == "dealt":
        return seconds[np.random.default_rng(15).permutation(len(seconds))]
    return seconds


def simulate(search: Search, seconds: Array, n_workers: int, rng: Generator, dispatch: float = 0.0) -> Log:
    """A queue in virtual time: whoever is idle gets the search's next design, with a seed by lot."""
    clock, free_again = 0.0, 0.0
    idle, running = list(range(n_workers)), []  # type: ignore[var-annotated]
    log, back = [], []  # type: ignore[var-annotated]
    coming = search(rng, back)
    while True:
        while idle and (design := next(coming, None)) is not None:
            trial = int(design), int(rng.integers(seconds.shape[1]))
            worker = heapq.heappop(idle)
            start = free_again = max(clock, free_again) + dispatch
            heapq.heappush(running, (start + seconds[trial], worker, start, trial))
        if not running:
            return log
        clock, worker, start, trial = heapq.heappop(running)
        log.append((trial, worker, start, clock))
        heapq.heappush(idle, worker)
        back.append(trial)


def deal(rng: Generator, back: list[Trial], n: int, order: Array | None = None) -> Iterator[int]:
    """The first n of all designs in an order by lot; `order`: ranks by which these are sorted then."""
    dealt = rng.permutation(672)[:n]
    yield from dealt if order is None else dealt[np.argsort(-order[dealt], kind="stable")]


def best(back: list[Trial], n: int, validation: Array) -> list[int]:
    """Designs of the n best trials that are back."""
    return [design for design, _ in heapq.nsmallest(n, back, key=lambda trial: -validation[trial])]


def child(parents: list[int], rng: Generator, genes: Array, mutation: float) -> int:
    """Each gene from one of two parents by a fair coin; sometimes one is drawn anew."""
    sizes = genes.max(axis=0) + 1
    pair = rng.choice(parents, 2, replace=False)
    made = genes[pair[rng.integers(2, size=4)], range(4)]
    if rng.random() < mutation:
        gene = rng.integers(4)
        made[gene] = rng.integers(sizes[gene])
    return int(np.ravel_multi_index(made, sizes))


def genetic(rng: Generator, back: list[Trial], s: Setting, known: Stored, *, waits: bool) -> Iterator[int | None]:
    """20 designs by lot, then children: generation by generation, or (waits=False) as soon as somebody is idle."""
    yield from rng.integers(672, size=20)
    for born in range(s.n_children):
        if waits and born % s.children == 0:
            while len(back) < 20 + born:
                yield None
            parents = best(back, s.keep, known.validation)
        if not waits:
            parents = best(back, s.keep, known.validation)
        if len(back) < s.keep:
            yield int(rng.integers(672))
        else:
            yield child(parents, rng, known.genes, s.mutation)


def searches(s: Setting, known: Stored) -> dict[str, Search]:
    """Name -> search; "random 672" would be the grid."""
    order = known.lengths.mean(axis=1) if s.longest_first else None
    return {
        "grid": partial(deal, n=672, order=order),
        "random": partial(deal, n=128, order=order),
        "genetic": partial(genetic, s=s, known=known, waits=True),
        "asynchronous": partial(genetic, s=s, known=known, waits=False),
    }


def worth(back: list[Trial], known: Stored) -> float:
    """Test accuracy (%) of the champion, in the mean of the seeds that didn't score it."""
    design, seed = max(back, key=lambda trial: known.validation[trial])
    return float(np.delete(known.test[design], seed).mean())


def span(log: Log, s: Setting, *, waits: bool) -> float:
    """What can't be shorter on any number of workers: the longest job, or the sum of each generation's longest."""
    seconds = [end - start for _, _, start, end in log]
    if not waits:
        return max(seconds)
    cuts = [0, *range(20, len(log), s.children), len(log)]
    return sum(max(seconds[a:b]) for a, b in pairwise(cuts))


def _worth_in_time(log: Log, known: Stored, clock: Array) -> list[float]:
    """The same at each moment of `clock`; NaN before the first result."""
    n_back = np.searchsorted([end for *_, end in log], clock, side="right")
    trials = [trial for trial, *_ in log]
    return [worth(trials[:n], known) if n else float("nan") for n in n_back]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Every search on every number of workers, again and again: a row each."""
    s, known = SETTINGS[unit.method], stored(context.source)
    seconds = lengths(s.lengths, known.lengths)
    base = unit.method == next(iter(SETTINGS))
    n_replays = N_REPLAYS[context.size] if base else max(1, N_REPLAYS[context.size] // 10)
    tables: Rows = {"runs": [], "bars": [], "champions": []}
    clock, watched = np.geomspace(1, 100, 25), defaultdict(list)
    for i in context.bar(range(n_replays), unit, "replay"):
        replay = unit.seed * n_replays + i
        for name, search in searches(s, known).items():
            before = 0
            for n in N_WORKERS if base else FEWER_WORKERS:
                if name != "genetic" or before < max(20, s.children):  # more workers than jobs change nothing
                    log = simulate(search, seconds, n, np.random.default_rng(replay), s.dispatch)
                before = n
                # In the order in which they were handed out: the first 20 are no children.
                lasted = [end - start for _, _, start, end in sorted(log, key=lambda row: (row[2], row[1]))]
                row = {"setting": unit.method, "search": name, "workers": n, "replay": replay}
                measured = {
                    "makespan": log[-1][-1],
                    "work": sum(lasted),
                    "span": span(log, s, waits=name == "genetic"),
                    "child_seconds": float(np.mean(lasted[20:])),
                    "worth": worth([trial for trial, *_ in log], known),
                }
                tables["runs"].append(row | {key: round(value, 3) for key, value in measured.items()})
                if base and replay == 0 and n == N_DRAWN:
                    bars = [{"search": name, "worker": w, "start": a, "end": b} for _, w, a, b in log]
                    tables["bars"] += bars
                if base and n in N_WATCHED:
                    watched[name, n].append(_worth_in_time(log, known, clock))
    for (name, n), curves in watched.items():
        for moment, worths in zip(clock.tolist(), np.transpose(curves), strict=True):
            if np.isfinite(worths).all():
                row = {"search": name, "workers": n, "seed": unit.seed}
                tables["champions"].append(row | {"seconds": moment, "worth": round(float(worths.mean()), 3)})
    return {name: rows for name, rows in tables.items() if rows}


def units(seeds: list[int]) -> list[Unit]:
    """Setting by setting."""
    return [Unit(name, seed) for seed in seeds for name in SETTINGS]


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "replays of a seed": N_REPLAYS[size],
        "workers": {"as in the chapter": N_WORKERS, "others": FEWER_WORKERS},
        "patience": PATIENCE,
        "lengths and scores": "the stored run designs",
        "settings": {name: dataclasses.asdict(s) for name, s in SETTINGS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
