"""What the stored run says of each task: selection wins, ties or loses against the gradient's best reply."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from neuroevo import stats
from neuroevo.results import StoredRun

FIVE = ("T1", "T2", "T3a", "T4", "T5")  # the card's rows; T3b and T3c stand beside it


@dataclass(frozen=True)
class Verdict:
    """One comparison, by seed.

    Attributes:
        task, title, score: as in `Task`.
        larger: whether more of the score is better.
        arm, reply: who is compared.
        mean, reply_mean: their mean scores; geometric ones where less is better.
        gain: of the arm over the reply: points, or a factor (the reply's number over the arm's) where less is better.
        word: "wins", "ties", "loses" or "undecided".
    """

    task: str
    title: str
    score: str
    larger: bool
    arm: str
    reply: str
    mean: float
    reply_mean: float
    gain: stats.Interval
    word: str

    def gain_text(self) -> str:
        """The gain with its interval, in points or as a factor."""
        points = self.gain.text(1 if self.larger else 2)
        return points if self.larger else f"{points} times"


def arm_of(run: StoredRun, task: str, role: str) -> str:
    """The arm of a role that did best on the tuning seeds, at as many evaluations as the others."""
    tuning = run.tables["tuning"]
    rows = tuning[(tuning.task == task) & (tuning.role == role) & ~tuning.arm.str.contains("seconds")]
    if rows.empty:  # a role of one arm that has nothing to tune
        finals = run.tables["finals"]
        return str(finals[(finals.task == task) & (finals.role == role)].arm.iloc[0])
    return str(rows.sort_values("validation", ascending=False, kind="stable").arm.iloc[0])


def scores(run: StoredRun, task: str, arm: str) -> pd.Series:
    """An arm's scores by seed."""
    finals = run.tables["finals"]
    return finals[(finals.task == task) & (finals.arm == arm)].set_index("seed").score.sort_index()


def compare(run: StoredRun, task: str, arm: str, other: str) -> Verdict:
    """An arm against another of its task, seed by seed."""
    about: dict[str, Any] = run.provenance["settings"]["tasks"][task]
    ours, theirs = scores(run, task, arm), scores(run, task, other)
    both = ours.index.intersection(theirs.index)  # a run that was stopped may have more seeds of one
    ours, theirs = ours[both], theirs[both]
    if about["larger"]:
        gain = stats.difference_interval(ours, theirs, paired=True)
        low, zero, high = -about["margin"], 0.0, about["margin"]
        means = float(ours.mean()), float(theirs.mean())
    else:
        logs = stats.difference_interval(np.log(theirs), np.log(ours), paired=True)
        gain = stats.Interval(math.exp(logs.mean), math.exp(logs.low), math.exp(logs.high), logs.level)
        low, zero, high = 1 / about["margin"], 1.0, about["margin"]
        means = float(np.exp(np.log(ours).mean())), float(np.exp(np.log(theirs).mean()))
    return Verdict(
        task, about["title"], about["score"], about["larger"], arm, other, *means, gain, word(gain, low, zero, high)
    )


def word(gain: stats.Interval, low: float, zero: float, high: float) -> str:
    """The verdict on a gain, of which `low` to `high` counts as nothing."""
    if low <= gain.low and gain.high <= high:
        return "ties"
    return "wins" if gain.low > zero else "loses" if gain.high < zero else "undecided"


def judged(run: StoredRun) -> list[str]:
    """The tasks whose arms are all there: a run that was stopped may lack the last ones."""
    finals, tasks = run.tables["finals"], run.provenance["settings"]["tasks"]
    return [task for task in tasks if set(tasks[task]["arms"]) <= set(finals[finals.task == task].arm)]


def card(run: StoredRun, role: str = "selection", tasks: Sequence[str] = FIVE) -> list[Verdict]:
    """The scorecard: the role's better arm against the reply, task by task, of those that were judged."""
    there = [task for task in tasks if task in judged(run)]
    return [compare(run, task, arm_of(run, task, role), arm_of(run, task, "reply")) for task in there]
