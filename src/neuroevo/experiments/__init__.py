"""Stored runs: what `python -m neuroevo run NAME` can make, and how a long run survives being stopped.

An experiment is a list of units (one method, one seed each) and a function that runs one unit and returns rows of
tables. Every finished unit is kept in a work folder, so a run that is stopped goes on where it was.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from neuroevo import results
from neuroevo.nets import parse_device

NAMES = {"genreg-mnist": "genreg_mnist", "genreg-audit": "genreg_audit"}
SIZES = ("smoke", "laptop", "full")

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Unit:
    """One method with one seed: the smallest piece that is finished or not."""

    method: str
    seed: int

    @property
    def key(self) -> str:
        return f"{self.method}-seed{self.seed}"


@dataclass(frozen=True)
class Context:
    """Where a unit runs.

    Attributes:
        size: "smoke", "laptop" or "full".
        device: as `parse_device` gave it.
        scratch: a folder of the unit's own, for checkpoints.
        source: a folder of foreign files that the experiment reads, if it needs one.
        progress: whether to show a progress bar.
    """

    size: str
    device: torch.device
    scratch: Path
    source: Path | None = None
    progress: bool = True


@dataclass(frozen=True)
class Experiment:
    """What a module of this package offers as EXPERIMENT.

    Attributes:
        units: the units for given seeds.
        run_unit: runs one, returns rows for each table; called again with the same scratch folder after a stop.
        settings: whatever decides the numbers, for the provenance.
    """

    units: Callable[[list[int]], list[Unit]]
    run_unit: Callable[[Unit, Context], Rows]
    settings: Callable[[str], dict[str, Any]]


def find(name: str) -> Experiment:
    """The experiment called `name`."""
    if name not in NAMES:
        raise ValueError(f"there is no run called {name!r}: choose one of {', '.join(sorted(NAMES))}")
    return import_module(f"neuroevo.experiments.{NAMES[name]}").EXPERIMENT


def run(
    name: str,
    *,
    n_seeds: int = 5,
    size: str = "full",
    device: str = "cpu",
    jobs: int = 1,
    out: Path | None = None,
    source: Path | None = None,
) -> Path:
    """Run every unit that is not finished yet, then store the tables.

    Args:
        name: see `NAMES`.
        n_seeds: seeds 0 ... n_seeds - 1.
        size: "smoke" (seconds), "laptop" (minutes) or "full" (the stored size).
        device: "cpu", "cuda" or "cuda:N".
        jobs: units at a time, each with one thread if there are several.
        out: folder of stored runs; `results/` for full size, otherwise it must be given.
        source: folder of foreign files, for the experiments that read some.

    Returns:
        The folder of the stored run.
    """
    experiment = find(name)
    if size not in SIZES or n_seeds < 1 or jobs < 1:
        raise ValueError(
            f"need a size of {', '.join(SIZES)}, n_seeds >= 1 and jobs >= 1, not {size}, {n_seeds}, {jobs}"
        )
    if out is None and size != "full":
        raise ValueError(f"a {size} run doesn't belong beside the stored ones: give it a folder with --out")
    target = parse_device(device)
    root = out or results.results_folder()
    work = root / ".work" / f"{name}-{size}-{target.type}"
    units = experiment.units(list(range(n_seeds)))
    settings = experiment.settings(size)
    _same_run(work, settings)
    todo = [unit for unit in units if not (work / f"{unit.key}.json").exists()]
    print(f"{name}: {len(units)} units, {len(units) - len(todo)} finished before; work folder {work}", file=sys.stderr)
    tasks = [(name, unit, Context(size, target, work / unit.key, source, jobs == 1), jobs) for unit in todo]
    if jobs == 1:
        for i, task in enumerate(tasks, start=1):
            _finish(*task)
            print(f"[{i}/{len(tasks)}] {task[1].key}", file=sys.stderr)
    else:
        with ProcessPoolExecutor(jobs) as pool:
            futures = {pool.submit(_finish, *task): task[1] for task in tasks}
            try:
                for i, future in enumerate(as_completed(futures), start=1):
                    future.result()
                    print(f"[{i}/{len(tasks)}] {futures[future].key}", file=sys.stderr)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # else leaving the block waits for every unit
                raise
    tables: dict[str, list[dict[str, Any]]] = {}
    for unit in units:
        for table, rows in json.loads((work / f"{unit.key}.json").read_text("utf-8")).items():
            tables.setdefault(table, []).extend(rows)
    flags = "" if size == "full" else f" --size {size}"
    flags += "" if target.type == "cpu" else f" --device {device}"
    folder = results.save(
        name,
        {table: pd.DataFrame(rows) for table, rows in tables.items()},
        command=f"python -m neuroevo run {name} --seeds {n_seeds}{flags}",
        seeds=sorted({unit.seed for unit in units}),
        settings=settings,
        device=target,
        root=root,
    )
    shutil.rmtree(work)
    return folder


def _same_run(work: Path, settings: dict[str, Any]) -> None:
    """Refuse to go on with units that were made with other settings."""
    stamp, now = work / "settings.json", json.dumps(settings, indent=1)
    if stamp.exists() and stamp.read_text("utf-8") != now:
        raise ValueError(
            f"{work} holds units of a run with other settings: finish it with that code, or delete the folder"
        )
    work.mkdir(parents=True, exist_ok=True)
    stamp.write_text(now, "utf-8")


def _finish(name: str, unit: Unit, context: Context, jobs: int) -> None:
    """Run one unit and keep its rows; the file appears only when it is whole."""
    if jobs > 1:
        torch.set_num_threads(1)
    context.scratch.mkdir(parents=True, exist_ok=True)
    rows = find(name).run_unit(unit, context)
    done = context.scratch.with_name(f"{unit.key}.json")
    part = done.with_suffix(".part")
    part.write_text(json.dumps(rows), "utf-8")
    os.replace(part, done)
