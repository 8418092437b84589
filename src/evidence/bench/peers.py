"""How fast is a generation here, beside the same generation in other libraries?

The work is the same for all: 200 networks 784-64-10, scored on 200 images that are new in every generation, and the
next 200 networks. Each library is used as its own documentation recommends, and, where we found something faster, in
that way too; the table says which is which (`contenders` holds the programs). Everything runs on one core of the
machine, one thread, library after library in every round. Time is the processor's: it doesn't count what other
programs do meanwhile.

The libraries are an extra of their own, `pip install 'neuroevo[peers]'`; what isn't installed gets a row that says so.

Predicted before the stored run `peers` (known: the first edition's table on another machine, in which EvoX took 2.46
times as long as we do and the fastest genetic algorithm of another library 4.7 times):

P1 As documented, the fastest of the others takes 2 to 3 times as long as we do, and it is EvoX.
P2 Their fastest genetic algorithm, as documented, takes 4 to 6 times as long.
P3 With our help (`use` is "ours") none is faster than we are.
"""

from __future__ import annotations

import logging
import os
import statistics
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from evidence import provenance
from evidence.bench.contenders import CONTENDERS, N_GENOMES, Contender, Step, Task
from evidence.bench.generation import N_IMAGES, NET

MISSING = "not installed: pip install 'neuroevo[peers]'"
SLOW = 5.0  # seconds: such a generation is measured once, and isn't warmed up for


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, torch and (if it isn't imported yet) JAX to one core and one thread; undone at the end."""
    ours = {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    }
    before = {name: os.environ.get(name) for name in ours}
    n_threads = torch.get_num_threads()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None  # Linux
    os.environ.update(ours)
    torch.set_num_threads(1)
    if cores:
        os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
        torch.set_num_threads(n_threads)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _hushed() -> Iterator[None]:
    """Other libraries' logs and warnings are no part of the table."""
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def measure(n_rounds: int = 7, contenders: tuple[Contender, ...] = CONTENDERS) -> dict[str, Any]:
    """Measure all that are installed, round by round; the first contender is what the others are compared with.

    Returns:
        rows: for each contender library, version, algorithm, kind, use, and either seconds (the median), seconds_min,
            seconds_max, n (generations measured), generations_per_second and ratio (its seconds over the first
            contender's, the median over rounds), or a note that says why not.
        ratio_fastest_peer, fastest_peer: the ratio and name of the fastest of the other libraries as documented, None
            without any; with `_ga` in place of `_peer` among their genetic algorithms only, with `_tuned` among all
            rows, faster ways of ours included.
    """
    rows: list[dict[str, Any]] = []
    steps: list[tuple[dict[str, Any], Step, list[float]]] = []
    with one_core(), _hushed():
        for contender in contenders:
            row = {name: getattr(contender, name) for name in ("library", "algorithm", "kind", "use")}
            rows.append(row)
            try:
                row["version"] = metadata.version(contender.library)
                step = contender.start(Task())
                first = step()
            except (ImportError, metadata.PackageNotFoundError):
                row |= {"version": None, "note": MISSING}
            except Exception as error:  # whatever another library raises becomes its row
                row["note"] = f"failed: {type(error).__name__}: {error}"[:200]
            else:
                if first < SLOW:
                    step()
                steps.append((row, step, [first] if first >= SLOW else []))
        for _ in range(n_rounds):
            for _, step, times in steps:
                if not times or times[0] < SLOW:
                    times.append(step())
    return {"rows": rows, **_compare(steps)}


def _compare(steps: list[tuple[dict[str, Any], Step, list[float]]]) -> dict[str, Any]:
    (reference, _, ours), *_ = steps
    for row, _, times in steps:
        ratios = [theirs / mine for theirs, mine in zip(times, ours, strict=False)]
        row |= {
            "seconds": statistics.median(times),
            "seconds_min": min(times),
            "seconds_max": max(times),
            "n": len(times),
            "generations_per_second": 1 / statistics.median(times),
            "ratio": statistics.median(ratios),
        }
    peers = [row for row, _, _ in steps if row["library"] != reference["library"]]

    groups = {
        "peer": [row for row in peers if row["use"] == "documented"],
        "ga": [row for row in peers if row["use"] == "documented" and row["kind"] == "GA"],
        "tuned": peers,
    }
    found: dict[str, Any] = {}
    for name, group in groups.items():
        best = min(group, key=lambda row: row["ratio"], default=None)
        found[f"ratio_fastest_{name}"] = best and best["ratio"]
        found[f"fastest_{name}"] = best and f"{best['library']}, {best['algorithm']}"
    return found


def table(m: dict[str, Any]) -> str:
    """What `measure` found, for people."""
    lines = [
        f"One generation: {N_GENOMES} networks {NET.sizes}, {N_IMAGES} new images, one core, processor time",
        "",
        f"{'library':<20}{'algorithm':<35}{'kind':<5}{'use':<12}{'gen/s':>8}{'ms':>10}  {'time over ours':>14}",
    ]
    for row in m["rows"]:
        name = f"{row['library']} {row['version'] or ''}"
        head = f"{name:<20}{row['algorithm']:<35}{row['kind']:<5}{row['use']:<12}"
        if "note" in row:
            lines.append(f"{head}{row['note']}")
        else:
            speed, ms = row["generations_per_second"], 1000 * row["seconds"]
            lines.append(f"{head}{speed:>8.3g}{ms:>10,.0f}  {row['ratio']:>13.2f}x")
    lines += [
        "",
        "kind: GA selects whole networks, ES estimates a gradient; use: as documented, or a faster way of ours",
    ]
    names = {"peer": "fastest as documented", "ga": "fastest GA as documented", "tuned": "fastest with our help"}
    for key, name in names.items():
        if (ratio := m[f"ratio_fastest_{key}"]) is not None:
            lines.append(f"{name}: {m[f'fastest_{key}']}, {ratio:.2f} times our time")
    return "\n".join(lines)


def keep(m: dict[str, Any], root: Path | None = None) -> Path:
    """Store what `measure` found as the run `peers`; only where every library was there.

    Raises:
        ValueError: a library is missing.
    """
    if missing := [row["library"] for row in m["rows"] if row.get("note") == MISSING]:
        raise ValueError(f"not stored, as {', '.join(sorted(set(missing)))} isn't installed: pip install '.[peers]'")
    settings = {"n_genomes": N_GENOMES, "sizes": list(NET.sizes), "n_images": N_IMAGES, "cores": 1, "threads": 1}
    command = "python3 course.py bench --peers --keep"
    return provenance.save(
        "peers", {"generation": pd.DataFrame(m["rows"])}, command=command, seeds=[0], settings=settings, root=root
    )
