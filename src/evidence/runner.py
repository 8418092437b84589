"""Stored runs: what `python3 course.py run NAME` can make, anywhere, and how a long run survives being stopped.

An experiment is a list of units (one method, one seed each) and a function that runs one unit and returns rows of
tables. Units are evaluated by `neuroevo.workers`; every finished one stands in the journal of a work folder, so a run
that is stopped, or killed, goes on where it was.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, cast

import pandas as pd
import torch
from tqdm import tqdm

from evidence import provenance
from neuroevo import workers
from neuroevo.files import replacing
from neuroevo.results import results_folder

NAMES = {
    "analogies": "analogies",
    "brakes": "brakes",
    "clothes": "clothes",
    "designs": "designs",
    "findings": "findings",
    "findings-28": "findings_28",
    "findings-swept": "findings_swept",
    "genreg-audit": "genreg_audit",
    "genreg-mnist": "genreg_mnist",
    "gpu": "gpu",
    "inheritance": "inheritance",
    "methods": "methods",
    "open-questions": "open_questions",
    "operators": "operators",
    "price": "price",
    "published": "published",
    "queues": "queues",
    "rules": "rules",
    "searchers": "searchers",
    "stuck": "stuck",
    "summits": "summits",
    "ladder": "ladder",
    "ladder-two": "ladder_two",
    "letters": "letters",
    "letters-moved": "letters_moved",
    "lost-digits": "lost_digits",
    "low-rank": "low_rank",
    "title-question": "title_question",
    "terms": "terms",
    "ways": "ways",
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
        given: what earlier units of the run have decided, see `Experiment.given`.
    """

    size: str
    device: torch.device
    scratch: Path
    source: Path | None = None
    progress: bool = True
    given: Mapping[str, Any] = field(default_factory=dict)

    def bar(self, steps: Iterable[Any] | None, unit: Unit, what: str, **words: Any) -> Any:
        """A unit's progress bar, tqdm's, which the environment (TQDM_DISABLE) may turn off, too."""
        off = {} if self.progress else {"disable": True}
        return tqdm(steps, unit.key, unit=what, leave=False, **words, **off)


@dataclass(frozen=True)
class Experiment:
    """What a module of this package offers as EXPERIMENT.

    Attributes:
        units: the units for given seeds, those first that others wait for.
        run_unit: runs one, returns rows for each table; called again with the same scratch folder after a stop.
        settings: whatever decides the numbers, for the provenance.
        given: what the rows of finished units decide for a unit, such as a setting that a sweep has chosen; None: not
            finished yet. The unit finds it in its context.
        device: where units run, if nobody says.
        seconds: about how long a unit would take in a context. An experiment that can tell is stored unit by unit, may
            be bounded by minutes, and runs its units one at a time, because their clocks count.
    """

    units: Callable[[list[int]], list[Unit]]
    run_unit: Callable[[Unit, Context], Rows]
    settings: Callable[[str], dict[str, Any]]
    given: Callable[[Unit, Mapping[Unit, Rows]], dict[str, Any] | None] = lambda unit, finished: {}
    device: str = "cpu"
    seconds: Callable[[Unit, Context], float] | None = None


def seed_by_seed(methods: Iterable[str]) -> Callable[[list[int]], list[Unit]]:
    """Units of an experiment that runs every method with every seed; a stopped run then has whole comparisons."""
    return lambda seeds: [Unit(method, seed) for seed in seeds for method in methods]


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
    device: str | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    minutes: float | None = None,
    out: Path | None = None,
    source: Path | None = None,
) -> Path:
    """Run every unit that is not finished yet, or for which there is time, then store the tables.

    Args:
        name: see `NAMES`.
        n_seeds: seeds 0 ... n_seeds - 1.
        size: "smoke" (seconds), "laptop" (minutes) or "full" (the stored size).
        device: "cpu", "cuda" or "cuda:N"; the experiment's own, if None.
        jobs: units at a time, each with one thread if there are several.
        scheduler: address of a Dask scheduler whose workers run the units, with one thread each.
        minutes: a unit that doesn't fit into what is left of them isn't begun; for experiments whose units tell.
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
    if scheduler and jobs > 1:
        raise ValueError(f"either {jobs} jobs on this machine or the workers of {scheduler}, not both")
    if out is None and size != "full":
        raise ValueError(f"a {size} run doesn't belong beside the stored ones: give it a folder with --out")
    if minutes is not None and experiment.seconds is None:
        raise ValueError(f"{name} can't be bounded by minutes: its units don't tell how long they take")
    if minutes is not None and not minutes > 0:
        raise ValueError(f"minutes must be above 0, not {minutes:g}")
    if experiment.seconds and (scheduler or jobs > 1):
        raise ValueError(f"the units of {name} are timed: they run here, one at a time")
    target = parse_device(device or experiment.device)
    if size == "full" and target.type != experiment.device and experiment.device != "cpu":
        raise ValueError(f"{name} measures a GPU: on {target.type} it can only be tried out, with --size smoke")
    root = out or results_folder()
    work = root.absolute() / ".work" / f"{name}-{size}-{target.type}"
    units = experiment.units(list(range(n_seeds)))
    settings = experiment.settings(size)
    _same_run(work, settings)
    evaluate, opener = _evaluate, cast(workers.Opener, workers.serial)
    if scheduler:
        evaluate, opener = _evaluate_on_a_cluster, workers.dask(scheduler)
    elif jobs > 1:
        evaluate, opener = _evaluate_in_a_process, workers.processes(jobs)
    context = Context(size, target, work, source and source.absolute(), opener is workers.serial)
    bound = _Bound(minutes)
    made: dict[Unit, workers.Evaluation] = {}
    finished: dict[Unit, Rows] = {}

    def tasks() -> Iterator[tuple[dict[str, Any], int] | None]:
        for unit in units:
            while (given := experiment.given(unit, finished)) is None:
                yield None
            task = {"method": unit.method} | given, unit.seed
            known = workers.task_key(*task) in evaluator.done
            if known or experiment.seconds is None or bound.admits(unit, partial(experiment.seconds, unit, context)):
                yield task

    def store() -> Path:
        done = [made[unit] for unit in units if unit in made]
        tables: dict[str, list[dict[str, Any]]] = {}
        for evaluation in done:
            for table, rows in evaluation.result["rows"].items():
                tables.setdefault(table, []).extend(rows)
        if experiment.seconds:
            tables["units"] = bound.table(units, made)
        flags = "" if size == "full" else f" --size {size}"
        flags += "" if target.type == experiment.device else f" --device {device}"
        flags += "" if minutes is None else f" --minutes {minutes:g}"
        flags += "" if source is None else f" --source {source.name}"
        return provenance.save(
            name,
            {table: pd.DataFrame(rows) for table, rows in tables.items()},
            command=f"python3 course.py run {name} --seeds {n_seeds}{flags}",
            seeds=sorted({evaluation.seed for evaluation in done}),
            settings=settings,
            commits=list(dict.fromkeys(evaluation.result["commit"] for evaluation in done)),
            hardware=list(dict.fromkeys(evaluation.result["hardware"] for evaluation in done)),
            root=root,
        )

    n_stored = _n_stored(root / name) if experiment.seconds else 0
    with workers.Evaluator(
        partial(evaluate, name, context), opener, by_seed=True, journal=work / "units.jsonl"
    ) as evaluator:
        n_before = len(evaluator.done)
        print(f"{name}: {len(units)} units, {n_before} finished before; work folder {work}", file=sys.stderr)
        # Never more than can run: leaving the block, after Ctrl-C or an error, waits for all that was submitted.
        evaluations = evaluator.as_completed(tasks(), n_ahead=jobs if jobs > 1 else None)
        try:
            for evaluation in tqdm(evaluations, name, len(units), unit="unit"):
                unit = Unit(evaluation.design["method"], evaluation.seed)
                made[unit], finished[unit] = evaluation, evaluation.result["rows"]
                shutil.rmtree(work / unit.key, ignore_errors=True)
                if experiment.seconds and len(made) >= n_stored:
                    store()
        except KeyboardInterrupt:
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
    if len(made) < len(units):
        print(bound.left_out(units, made), file=sys.stderr)
        if len(made) < max(1, n_stored):
            raise ValueError(f"{len(made)} units are finished; {root / name} keeps its {n_stored} until there are more")
        return root / name
    folder = store()
    shutil.rmtree(work)
    return folder


class _Bound:
    """Which units may begin in a run of so many minutes, and what became of each."""

    def __init__(self, minutes: float | None) -> None:
        self._ends = math.inf if minutes is None else time.monotonic() + 60 * minutes
        self._expected: dict[Unit, float] = {}

    def admits(self, unit: Unit, seconds: Callable[[], float]) -> bool:
        """Whether there is time for a unit that takes about so many seconds, which takes time to find out, too."""
        if time.monotonic() > self._ends:
            return False
        self._expected[unit] = seconds()
        return time.monotonic() + self._expected[unit] <= self._ends

    def table(self, units: list[Unit], made: Mapping[Unit, workers.Evaluation]) -> list[dict[str, Any]]:
        """A row for each unit: whether it is finished, how many seconds it was expected to take, and has taken."""
        return [
            {
                "method": unit.method,
                "seed": unit.seed,
                "finished": unit in made,
                "expected": self._expected.get(unit),
                "seconds": made[unit].seconds if unit in made else None,
            }
            for unit in units
        ]

    def left_out(self, units: list[Unit], made: Mapping[Unit, workers.Evaluation]) -> str:
        """What a bounded run says at its end."""
        left = [unit for unit in units if unit not in made]
        about = [f" (about {self._expected[unit]:.0f} s)" if unit in self._expected else "" for unit in left]
        names = ", ".join(f"{unit.key}{seconds}" for unit, seconds in zip(left, about, strict=True))
        return f"no time was left for {len(left)} of {len(units)} units: {names}; the same command goes on from here"


def _n_stored(folder: Path) -> int:
    """Finished units of a run that was stored unit by unit."""
    table = folder / "units.csv"
    return int(pd.read_csv(table)["finished"].sum()) if table.exists() else 0


def _same_run(work: Path, settings: dict[str, Any]) -> None:
    """Refuse to go on with units that were made with other settings."""
    stamp, text = work / "settings.json", json.dumps(settings, indent=1)
    if not stamp.exists():
        with replacing(stamp) as part:  # a kill while writing must not leave half a stamp, which would block the run
            part.write_text(text, "utf-8")
    elif json.loads(stamp.read_text("utf-8")) != json.loads(text):
        raise ValueError(f"{work} was made with other settings: finish that run with its code, or delete the folder")


# What runs on a worker


def _evaluate(name: str, context: Context, design: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Run one unit in a scratch folder of its own; its rows, and what they were made by."""
    if context.device.index:
        torch.cuda.set_device(context.device)  # the one that clocks wait for
    unit = Unit(design["method"], seed)
    scratch = context.scratch / unit.key
    scratch.mkdir(parents=True, exist_ok=True)
    rows = find(name).run_unit(unit, replace(context, scratch=scratch, given=design))
    return {"rows": rows, "commit": _commit(), "hardware": provenance.hardware_of(context.device)}


@cache
def _commit() -> str:
    # Of the code that this process has loaded, whatever is checked out while it runs.
    return provenance.commit()


def _evaluate_in_a_process(name: str, context: Context, design: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """`_evaluate` in a process of its own, which a stop signal ends after the unit has saved what it has."""

    def stop(*_: object) -> NoReturn:
        for number in STOPS:  # a terminal and the main process may both say it, and saving must not be disturbed
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    torch.set_num_threads(1)
    before = [signal.signal(number, stop) for number in STOPS]
    try:
        return _evaluate(name, context, design, seed)
    except KeyboardInterrupt:
        os._exit(130)
    finally:
        for number, handler in zip(STOPS, before, strict=True):
            signal.signal(number, handler)


_ONE_AT_A_TIME = threading.Lock()  # clocks, and torch's own generator, belong to the process


def _evaluate_on_a_cluster(name: str, context: Context, design: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """`_evaluate` on a machine that may have nothing of this one; only the rows travel back."""
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory() as scratch:
        torch.set_num_threads(1)
        return _evaluate(name, replace(context, scratch=Path(scratch)), design, seed)


STOPS = (signal.SIGINT, signal.SIGTERM)


def stop_like_ctrl_c() -> None:
    """Let SIGTERM, and SIGINT where a shell had it ignored, raise KeyboardInterrupt, so that a unit is saved."""
    # A batch system says SIGTERM; a shell that starts a program with & has SIGINT ignored.
    for number in STOPS:
        signal.signal(number, signal.default_int_handler)


def parse_device(name: str) -> torch.device:
    """Turn "cpu", "cuda" or "cuda:1" into a device that is really there.

    Raises:
        ValueError: an unknown device, or one that this machine or this build of torch doesn't have.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is not known to torch: use cpu, cuda or cuda:N") from error
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
    }
    if not available.get(device.type, False):
        here = [kind for kind, there in available.items() if there]
        raise ValueError(f"device {name!r} is not available here: this machine has {', '.join(here)}")
    return device
