"""Newcomers below the rungs of chapter 13: one file, or a folder of them, kept as it goes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from coursekit.ladder.climbing import N_EVALUATIONS, NET, Climb, RefusedError, Rules, climb
from coursekit.ladder.entry import read
from coursekit.notebooks import write_atomically
from neuroevo import data, nets, results
from neuroevo.stats import mean_interval

KEPT, TABLE, CHAMPIONS = "ladder.json", "ladder.csv", "ladder"


def hold(place: Path, seeds: int = 3, rules: Rules | None = None, *, test: bool = False, again: bool = False) -> str:
    """Run every newcomer of a folder, or one file, with each seed, and return the table.

    What was run is kept in the folder (`ladder.json`; the champions below `ladder/`), so a stopped contest goes on, and
    a file that hasn't changed isn't run again.

    Args:
        test: open the test set and score the champions: when the contest is over.
        again: forget what was kept.

    Raises:
        ValueError: no such file, or no newcomer in the folder.
        RuntimeError: there are no walls on this machine, and `rules` isn't unsafe.
    """
    rules, place = rules or Rules(), Path(place)
    files = [place] if place.is_file() else sorted(place.glob("*.py"))
    if not files:
        raise ValueError(f"{place} is no file with a strategy, and no folder that holds one (*.py)")
    images = data.mnist()
    torch.set_num_threads(1)
    books = Books(files[0].parent / KEPT, images.source, rules, again)
    for path in files:
        _run(path, seeds, rules, images, books)
    if test:
        books.open_test(images, seeds, files)
    rows = [books.row(path, seeds) for path in files]
    if place.is_dir():
        write_atomically(place / TABLE, _csv(rows))
    return "\n".join([*_rungs(rules, images), *_newcomers(rows, rules, test)])


def _run(path: Path, seeds: int, rules: Rules, images: data.ImageData, books: Books) -> None:
    entry = books.entry(path)
    if "refused" in entry:
        return
    try:
        source = read(path)
        for seed in range(seeds):
            if str(seed) not in entry["runs"]:
                print(f"{path.name}, seed {seed} ...", flush=True)
                books.keep(path, climb(source, seed, rules, images))
    except (RefusedError, ValueError) as refused:
        books.refuse(path, str(refused))


class Books:
    """What is kept of a contest, in one JSON file: for each file's content, its runs or why it was refused."""

    def __init__(self, path: Path, source: str, rules: Rules, again: bool) -> None:
        self.path = path
        self._kept: dict[str, Any] = {} if again or not path.is_file() else json.loads(path.read_text("utf-8"))
        self._under = f"{source}, {rules.n_evaluations} evaluations, {rules.core_seconds:g} core-seconds"

    def _key(self, path: Path) -> str:
        return f"{hashlib.sha256(path.read_bytes()).hexdigest()[:16]} {path.name} {self._under}"

    def entry(self, path: Path) -> dict[str, Any]:
        """What is known of a file as it is now."""
        entry: dict[str, Any] = self._kept.setdefault(self._key(path), {"runs": {}})
        return entry

    def _write(self) -> None:
        write_atomically(self.path, json.dumps(self._kept, indent=1) + "\n")

    def _champion(self, path: Path, seed: int | str) -> Path:
        return self.path.parent / CHAMPIONS / f"{self._key(path).split()[0]}-{seed}.safetensors"

    def keep(self, path: Path, run: Climb) -> None:
        """Keep a run at once."""
        champion = self._champion(path, run.seed)
        champion.parent.mkdir(exist_ok=True)
        save_file({"genome": run.champion}, champion)
        told = {name: value for name, value in vars(run).items() if name != "champion"}
        self.entry(path)["runs"][str(run.seed)] = told
        self._write()

    def refuse(self, path: Path, why: str) -> None:
        """Keep that a file was refused."""
        self.entry(path)["refused"] = why
        self._write()

    def open_test(self, images: data.ImageData, seeds: int, files: list[Path]) -> None:
        """Score all champions that aren't scored yet, with one opening."""
        open_ = [
            (path, seed, run)
            for path in files
            for seed, run in self.entry(path)["runs"].items()
            if int(seed) < seeds and "test" not in run
        ]
        if not open_:
            return
        test = images.test.open(f"score {len(open_)} champions of the open ladder")
        x = test.pixels()
        for path, seed, run in open_:
            champion = load_file(self._champion(path, seed))["genome"]
            run["test"] = float(nets.accuracy(NET.forward(champion[None], x), test.y)[0])
        self._write()

    def row(self, path: Path, seeds: int) -> dict[str, Any]:
        """A line of the table."""
        entry = self.entry(path)
        runs = [run for seed, run in entry["runs"].items() if int(seed) < seeds]
        row: dict[str, Any] = {"name": path.stem, "refused": entry.get("refused", ""), "seeds": len(runs)}
        for name in ("evaluations", "core_seconds"):
            row[name] = sum(run[name] for run in runs) / len(runs) if runs else None
        for part in ("validation", "test"):
            row[part] = [100 * run[part] for run in runs if part in run]
        return row


def _shown(scores: list[float]) -> str:
    if not scores:
        return "-"
    return mean_interval(scores).text(1) if len(scores) > 1 else f"{scores[0]:.1f}"


def _line(name: str, seeds: object, evaluations: str, seconds: str, validation: str, test: str) -> str:
    return f"{name:<40} {seeds!s:>5} {evaluations:>13} {seconds:>8}  {validation:<19} {test}"


def _rungs(rules: Rules, images: data.ImageData) -> list[str]:
    """The rungs of both ladders of chapter 13: those of about this budget, then the others, the best first."""
    lines = [
        _line("rung of chapter 13 (784-64-10, MNIST)", "seeds", "evaluations", "core-s", "validation, %", "test, %")
    ]
    rungs = []
    for stored in ("ladder-two", "ladder"):
        for name, runs in results.load(stored).tables["finals"].groupby("method", sort=False):
            test = list(100 * runs.test_correct / runs.n_test)
            spent, seconds = runs.evaluations.mean(), runs.core_seconds.mean()
            told = _line(
                str(name)[:40],
                len(runs),
                f"{spent:,.0f}",
                f"{seconds:.1f}",
                _shown(list(100 * runs.validation)),
                _shown(test),
            )
            near = abs(spent / rules.n_evaluations - 1) < 0.05
            rungs.append((not near, -sum(test) / len(test), told))
    rungs.sort()
    equal, others = ([told for is_far, _, told in rungs if is_far is far] for far in (False, True))
    if equal:
        lines += [f"-- about {rules.n_evaluations:,} evaluations", *equal]
    lines += ["-- other budgets", *others]
    return [*lines, *([f"\n{images.notice}"] if images.notice else [])]


def _newcomers(rows: list[dict[str, Any]], rules: Rules, test: bool) -> list[str]:
    lines = [
        f"-- newcomers, {rules.n_evaluations:,} evaluations, at most {rules.core_seconds:g} core-seconds of their own"
    ]
    for row in sorted(rows, key=lambda row: -sum(row["validation"]) / max(1, len(row["validation"]))):
        if row["refused"]:
            lines.append(f"{row['name'][:40]:<40} refused: {row['refused']}")
        else:
            spent, seconds = f"{row['evaluations']:,.0f}", f"{row['core_seconds']:.1f}"
            lines.append(
                _line(row["name"][:40], row["seeds"], spent, seconds, _shown(row["validation"]), _shown(row["test"]))
            )
    lines.append(
        "In brackets: 95 % intervals over seeds. Core-seconds of rungs hold the scoring, too, newcomers' don't."
    )
    if not test:
        lines.append("The test set stays shut until you say --test: when nothing more will be changed.")
    if rules.n_evaluations != N_EVALUATIONS:
        lines.append(f"This is another budget than the ladder's {N_EVALUATIONS:,} evaluations: a trial, no entry.")
    return lines


def _csv(rows: list[dict[str, Any]]) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    columns = ["name", "refused", "seeds", "evaluations", "core_seconds"]
    writer.writerow([*columns, "validation", "test"])
    for row in rows:
        means = [sum(row[part]) / len(row[part]) if row[part] else "" for part in ("validation", "test")]
        writer.writerow([*(row[name] for name in columns), *means])
    return sink.getvalue()
