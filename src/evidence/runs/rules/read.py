"""What the stored run `rules` says: tables of outer runs by judging seeds, and how far one kind is above another."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import stdtrit

from evidence.runs.rules import trees
from neuroevo.results import StoredRun
from neuroevo.stats import Interval, mean_interval

Table = NDArray[np.float64]


def crossed(table: Table) -> Interval:
    """Mean of a table with its 95 % interval, when rows (outer runs) and columns (judging seeds) were both drawn.

    The variances of both means are added, their degrees of freedom by Welch and Satterthwaite; a single row leaves the
    columns'.
    """
    rows, columns = table.mean(1), table.mean(0)
    if len(rows) == 1:
        return mean_interval(columns)
    parts = np.array([means.var(ddof=1) / len(means) for means in (rows, columns)])
    freedom = parts.sum() ** 2 / (parts**2 / (np.array(table.shape) - 1)).sum()
    half, mean = float(np.sqrt(parts.sum()) * stdtrit(freedom, 0.975)), float(table.mean())
    return Interval(mean, mean - half, mean + half)


def straightness(tree: trees.Tree) -> float:
    """Share of a function's variance that a straight line explains, for standard normal x; 0 for a constant."""
    x = torch.randn(20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = trees.value(tree, x)
    return float(torch.corrcoef(torch.stack([x, y]))[0, 1].nan_to_num() ** 2)


class Judged:
    """The tables of a stored run, asked by task and method."""

    def __init__(self, run: StoredRun) -> None:
        self.winners, self._judged = run.tables["winners"], run.tables["judged"]

    def table(self, task: str, method: str, mark: str = "test") -> Table:
        """One row an outer run (a single one of what is made by hand), one column a judging seed."""
        part = self._judged[(self._judged.task == task) & (self._judged.method == method)]
        if part.empty:
            raise ValueError(f"{method!r} wasn't judged on {task!r}")
        return part.pivot(index="seed", columns="inner_seed", values=mark).to_numpy()

    def mean(self, task: str, method: str) -> Interval:
        """Accuracy on the test, with its interval."""
        return crossed(self.table(task, method))

    def ahead(self, task: str, method: str, other: str) -> Interval:
        """How many points a method is above another, paired by judging seed, and by outer run where both have them."""
        return crossed(self.table(task, method) - self.table(task, other))

    def best(self, task: str, names: Iterable[str]) -> str:
        """The one that is highest on validation images."""
        return max(names, key=lambda name: self.table(task, name, "validation").mean())

    def flattered(self, task: str, method: str) -> Table:
        """How far winners' own scores are above their accuracy on validation images of fresh seeds."""
        own = self.winners[self.winners.method == method].sort_values("seed").score.to_numpy()
        return own[:, None] - self.table(task, method, "validation")

    def flattery(self, task: str, method: str) -> Interval:
        """The mean of that, with its interval."""
        return crossed(self.flattered(task, method))

    def straight(self, method: str = "activation") -> list[float]:
        """`straightness` of each winner, in the order of seeds."""
        won = self.winners[self.winners.method == method].sort_values("seed")
        return [straightness(literal_eval(tree)) for tree in won.tree]
