"""What a study needs: a locked plan, a metered budget, a test set that opens once, and a record for the referee.

    study = Study(question="...", arms=["new", "old"], seeds=range(20), n_evaluations=100_000,
                  better="new", than="old", low=1, high=5, because="...", lock="")
    with study.run("new", seed) as run:                 # refuses until the plan is locked
        run.forward(n_genomes, n_images)                # refuses what the budget doesn't hold
        run.validation = 91.2
    study.choose("new")                                 # on validation
    test = study.open_test(images.test, "score the champions")
    study.test("new", seed, 90.7)
    study.report()                                      # the last cell: shows the table, and leaves the record

This is bookkeeping, not security: it says no to mistakes. `course.py referee` looks at what went past it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from neuroevo.budget import Budget
from neuroevo.data import Split, TestVault
from neuroevo.stats import Interval, difference_interval, mean_interval

RECORD = "application/vnd.neuroevo.study+json"
"""The kind of output by which a notebook carries its record."""


@dataclass(frozen=True)
class Plan:
    """What is settled before the first run.

    Attributes:
        question: one sentence that ends in a question mark.
        arms: what is compared.
        seeds: each arm runs once with each.
        n_evaluations: what one run may spend, the same for all.
        better, than: two of the arms.
        low, high: what you predict for the score of `better` minus that of `than`, in percentage points.
        because: why you think so.
    """

    question: str
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    n_evaluations: int
    better: str
    than: str
    low: float
    high: float
    because: str

    def __post_init__(self) -> None:
        if not {self.better, self.than} <= set(self.arms) or self.better == self.than:
            raise ValueError(f"better and than must be two of the arms {self.arms}, not {self.better!r}, {self.than!r}")
        if len(set(self.arms)) < len(self.arms) or len(set(self.seeds)) < len(self.seeds) or not self.seeds:
            raise ValueError("arms and seeds must each be named once, and there must be some")
        if not self.low < self.high:
            raise ValueError(f"a prediction is a range: low < high, not {self.low} and {self.high}")

    @classmethod
    def of(cls, arms: Iterable[str], seeds: Iterable[int], **rest: Any) -> Plan:
        """A plan from what a notebook gives; TypeError if a part is missing."""
        return cls(arms=tuple(arms), seeds=tuple(map(int, seeds)), **rest)

    def key(self) -> str:
        """Sixteen hexadecimal digits of SHA-256 of all of it: change a word, and they are others."""
        told = asdict(self) | {"low": float(self.low), "high": float(self.high)}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]

    def verdict(self, found: Interval) -> str:
        """ "right" if the whole interval lies in what was predicted, "wrong" if none of it does, else "undecided"."""
        if self.low <= found.low and found.high <= self.high:
            return "right"
        return "wrong" if found.high < self.low or found.low > self.high else "undecided"


@dataclass
class Meter(Budget):
    """The budget of one run, which can't be passed; put the run's score into `validation`, in per cent."""

    limit: int = 0
    validation: float | None = None

    @property
    def left(self) -> int:
        """Evaluations that may still be spent."""
        return self.limit - self.evaluations

    def _add(self, evaluations: int) -> None:
        if evaluations > self.left:
            raise RuntimeError(f"the budget holds {self.left:,} more evaluations, not {evaluations:,}")
        super()._add(evaluations)


@dataclass(frozen=True)
class Row:
    """One run, as the record keeps it; `tuning` says what was tried if it only chose a setting."""

    arm: str
    seed: int
    evaluations: int
    core_seconds: float
    validation: float
    tuning: str = ""


def means(rows: Iterable[dict[str, Any]], arm: str, part: str) -> dict[int, float]:
    """Seed -> score of an arm on one part ("validation" or "test"), of the runs that count."""
    return {row["seed"]: row[part] for row in rows if row["arm"] == arm and not row["tuning"] and part in row}


def differences(rows: list[dict[str, Any]], better: str, than: str, part: str) -> Interval | None:
    """`better` minus `than`, paired by seed; None with fewer than two seeds that both have."""
    a, b = means(rows, better, part), means(rows, than, part)
    both = sorted(a.keys() & b.keys())
    if len(both) < 2:
        return None
    return difference_interval([a[s] for s in both], [b[s] for s in both], paired=True)


def table(plan: Plan, rows: list[dict[str, Any]]) -> str:
    """The results in Markdown: an interval for each arm and for the difference that was predicted."""
    parts = [part for part in ("validation", "test") if any(part in row for row in rows)]
    lines = ["| arm | seeds | evaluations a run |" + "".join(f" {part}, % |" for part in parts)]
    lines.append("|---|---|---|" + "---|" * len(parts))
    for arm in plan.arms:
        runs = [row for row in rows if row["arm"] == arm and not row["tuning"]]
        spent = sum(row["evaluations"] for row in runs) / max(1, len(runs))
        scores = [list(means(rows, arm, part).values()) for part in parts]
        told = [mean_interval(values).text(1) if len(values) > 1 else "?" for values in scores]
        lines.append(f"| {arm} | {len(runs)} | {spent:,.0f} | " + " | ".join(told) + " |")
    lines.append("")
    for part in parts:
        if found := differences(rows, plan.better, plan.than, part):
            lines.append(f"{plan.better} − {plan.than}, {part}, paired by seed: {_signed(found)} percentage points.")
    if parts and (found := differences(rows, plan.better, plan.than, parts[-1])):
        lines.append(f"Predicted: {plan.low:g} to {plan.high:g}. **{plan.verdict(found).capitalize()}.**")
    return "\n".join([*lines, "", "In brackets: 95 % intervals over seeds."])


def _signed(found: Interval) -> str:
    return found.text(1).replace("-", "−")


class Study:
    """The books of one study.

    Args:
        lock: the plan's hash. Empty, it is printed, and nothing runs. ValueError if it is another plan's.
        plan: what `Plan` names, word for word. TypeError if a part is missing.
    """

    def __init__(self, *, lock: str = "", **plan: Any) -> None:
        self.plan, self.lock = Plan.of(**plan), lock
        self.arms, self.seeds = self.plan.arms, self.plan.seeds
        self.rows: list[Row] = []
        self._events: list[dict[str, str]] = []
        self._tests: dict[tuple[str, int], float] = {}
        self._vault: TestVault | None = None
        key = self.plan.key()
        if lock and lock != key:
            raise ValueError(
                f"the plan was changed after it was locked: its hash is {key}, and lock says {lock}. Put the plan "
                "back, or lock the new one and say in the text what changed, when and why"
            )
        if lock:
            print(f"The plan is locked: {key}")
        else:
            print(f'Not locked, so nothing runs yet. Write  lock="{key}"  into this cell and run it again;')
            print("then commit the notebook, or send that line to somebody, before you go on.")

    def __repr__(self) -> str:
        return f"Study({self.plan.question!r}, {len(self.rows)} runs)"

    @contextmanager
    def run(self, arm: str, seed: int, *, tuning: str = "") -> Iterator[Meter]:
        """One run: meters what is spent inside the block, and keeps its score.

        Args:
            tuning: what is tried, for example "sigma 0.1", if this run only chooses a setting; any seed will do then.

        Raises:
            RuntimeError: the plan isn't locked, the test set is open, or the block spends more than there is.
            ValueError: not in the plan, run before, or left without a score.
        """
        if not self.lock:
            raise RuntimeError("lock the plan first: write the hash that is printed above into Study(..., lock=...)")
        if any(event["event"] == "open" for event in self._events):
            raise RuntimeError("the test set is open: whatever runs now has seen it")
        if arm not in self.plan.arms or (not tuning and seed not in self.plan.seeds):
            raise ValueError(f"{arm!r} with seed {seed} is not in the plan")
        if any((row.arm, row.seed, row.tuning) == (arm, seed, tuning) for row in self.rows):
            raise ValueError(f"{arm!r} has run with seed {seed}; to run it again, restart and run all")
        meter = Meter(limit=self.plan.n_evaluations)
        with meter.clock():
            yield meter
        if meter.validation is None:
            raise ValueError(f"{arm!r} with seed {seed} has no score: set run.validation")
        spent = meter.evaluations, round(meter.core_seconds, 3)
        self.rows.append(Row(arm, int(seed), *spent, float(meter.validation), tuning))

    def tuned(self, arm: str) -> str:
        """What did best on validation, on average, of what was tried for an arm."""
        tried: dict[str, list[float]] = {}
        for row in self.rows:
            if row.arm == arm and row.tuning:
                tried.setdefault(row.tuning, []).append(row.validation)
        if not tried:
            raise ValueError(f"nothing was tried for {arm!r}")
        return max(tried, key=lambda what: sum(tried[what]) / len(tried[what]))

    def choose(self, arm: str) -> None:
        """Say which arm you would recommend, by its validation scores; the test set opens only after that."""
        if arm not in self.plan.arms:
            raise ValueError(f"{arm!r} is none of the arms")
        self._events.append({"event": "choose", "what": arm})
        print(f"Chosen on validation: {arm}")

    def open_test(self, vault: TestVault, reason: str) -> Split:
        """The test split, once, after the choice. RuntimeError otherwise."""
        events = [event["event"] for event in self._events]
        if "open" in events or vault.openings:
            raise RuntimeError("the test set has been opened: there is no second first look")
        if "choose" not in events:
            raise RuntimeError("choose first, on validation: study.choose(arm)")
        self._events.append({"event": "open", "what": reason})
        self._vault = vault
        return vault.open(reason)

    def test(self, arm: str, seed: int, score: float) -> None:
        """Keep a run's test score, in per cent."""
        self._tests[arm, int(seed)] = float(score)

    def results(self) -> list[dict[str, Any]]:
        """The rows, with the test scores that there are."""
        rows = [asdict(row) for row in self.rows]
        for row in rows:
            if not row["tuning"] and (row["arm"], row["seed"]) in self._tests:
                row["test"] = self._tests[row["arm"], row["seed"]]
        return rows

    def difference(self, better: str, than: str, part: str = "validation") -> Interval:
        """`better` minus `than`, paired by seed, in percentage points. ValueError with fewer than two pairs."""
        found = differences(self.results(), better, than, part)
        if found is None:
            raise ValueError(f"{better!r} and {than!r} have fewer than two seeds in common")
        return found

    def report(self) -> None:
        """Show the table, and leave the record in the notebook."""
        from IPython.display import display

        text = table(self.plan, self.results())
        record = {
            "plan": asdict(self.plan),
            "lock": self.lock,
            "rows": self.results(),
            "events": self._events,
            "openings": self._vault.openings if self._vault else [],
            "cells": _executed(),
        }
        display({"text/plain": text, RECORD: record}, raw=True)


def source_hash(source: str) -> str:
    """What the record keeps of a cell: whoever edits it later is found."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:16]


def _executed() -> list[str]:
    """Hashes of the cells that were run so far, in this order; none outside of IPython."""
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    return [source_hash(cell) for cell in shell.history_manager.input_hist_raw[1:]] if shell else []
