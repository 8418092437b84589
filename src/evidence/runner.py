"""Stored runs: what `python3 course.py run NAME` can make, and how a long run survives being stopped.

An experiment is a list of units (one method, one seed each) and a function that runs one unit and returns rows of
tables. Every finished unit is kept in a work folder, so a run that is stopped goes on where it was.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from evidence import provenance
from neuroevo.nets import parse_device
from neuroevo.results import results_folder

NAMES = {
    "clothes": "clothes",
    "designs": "designs",
    "findings": "findings",
    "findings-28": "findings_28",
    "genreg-audit": "genreg_audit",
    "genreg-mnist": "genreg_mnist",
    "methods": "methods",
    "open-questions": "open_questions",
    "operators": "operators",
    "searchers": "searchers",
    "summits": "summits",
    "ladder": "ladder",
    "letters": "letters",
}
SIZES = ("smoke", "laptop", "full")

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Unit:
    """One method with one seed: the smallest piece that is finished or not."""

    method: str
    seed: int

    @property
    def key(self) -> str:
        """Its name in file names and in what is printed."""
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
    return import_module(f"evidence.runs.{NAMES[name]}").EXPERIMENT


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
    root = out or results_folder()
    work = root / ".work" / f"{name}-{size}-{target.type}"
    units = experiment.units(list(range(n_seeds)))
    settings = experiment.settings(size)
    todo = [unit for unit in units if not (work / f"{unit.key}.json").exists()]
    commits = _same_run(work, settings, adding=bool(todo))
    print(f"{name}: {len(units)} units, {len(units) - len(todo)} finished before; work folder {work}", file=sys.stderr)
    tasks = [(name, unit, Context(size, target, work / unit.key, source, jobs == 1)) for unit in todo]
    if jobs == 1:
        for i, task in enumerate(tasks, start=1):
            _finish(*task)
            print(f"[{i}/{len(tasks)}] {task[1].key}", file=sys.stderr)
    else:
        torch.set_num_threads(1)  # as in the workers: the provenance says how many threads a unit had
        _run_side_by_side(tasks, jobs)
    tables: dict[str, list[dict[str, Any]]] = {}
    for unit in units:
        for table, rows in json.loads((work / f"{unit.key}.json").read_text("utf-8")).items():
            tables.setdefault(table, []).extend(rows)
    flags = "" if size == "full" else f" --size {size}"
    flags += "" if target.type == "cpu" else f" --device {device}"
    flags += "" if source is None else f" --source {source.name}"
    folder = provenance.save(
        name,
        {table: pd.DataFrame(rows) for table, rows in tables.items()},
        command=f"python3 course.py run {name} --seeds {n_seeds}{flags}",
        seeds=sorted({unit.seed for unit in units}),
        settings=settings,
        commits=commits,
        device=target,
        root=root,
    )
    shutil.rmtree(work)
    return folder


def _same_run(work: Path, settings: dict[str, Any], adding: bool) -> list[str]:
    """Refuse to go on with units that were made with other settings; return the commits that make the units."""
    stamp = work / "run.json"
    about: dict[str, Any] = {"settings": settings, "commits": []}
    if stamp.exists():
        about = json.loads(stamp.read_text("utf-8"))
        if about["settings"] != json.loads(json.dumps(settings)):
            raise ValueError(
                f"{work} was made with other settings: finish that run with its code, or delete the folder"
            )
    if adding and (now := provenance.commit()) not in about["commits"]:
        about["commits"].append(now)
    work.mkdir(parents=True, exist_ok=True)
    part = stamp.with_suffix(".part")
    part.write_text(json.dumps(about, indent=1), "utf-8")
    os.replace(part, stamp)  # a kill while writing must not leave half a stamp, which would block the run
    return about["commits"]


def _run_side_by_side(tasks: list[tuple[str, Unit, Context]], jobs: int) -> None:
    """Run the tasks in `jobs` processes of one thread each."""
    # Spawned, not forked: a forked process can't use CUDA once its parent has asked for it.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker) as pool:
        waiting, running = list(tasks), dict[Future[None], Unit]()
        while waiting or running:
            # Never more than can run: leaving the block, after Ctrl-C or an error, waits for all that was submitted.
            while waiting and len(running) < jobs:
                task = waiting.pop(0)
                running[pool.submit(_finish, *task)] = task[1]
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                unit = running.pop(future)
                future.result()
                print(f"[{len(tasks) - len(waiting) - len(running)}/{len(tasks)}] {unit.key}", file=sys.stderr)


def _start_worker() -> None:
    torch.set_num_threads(1)
    stop_like_ctrl_c()


def stop_like_ctrl_c() -> None:
    """Let SIGTERM, and SIGINT where a shell had it ignored, raise KeyboardInterrupt, so that a unit is saved."""
    # A batch system says SIGTERM; a shell that starts a program with & has SIGINT ignored.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)


def _finish(name: str, unit: Unit, context: Context) -> None:
    """Run one unit and keep its rows; the file appears only when it is whole."""
    context.scratch.mkdir(parents=True, exist_ok=True)
    rows = find(name).run_unit(unit, context)
    done = context.scratch.with_name(f"{unit.key}.json")
    part = done.with_suffix(".part")
    part.write_text(json.dumps(rows), "utf-8")
    os.replace(part, done)
    shutil.rmtree(context.scratch, ignore_errors=True)
