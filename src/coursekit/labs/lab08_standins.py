"""What lab 8 gives to a student's function in place of a loss: it remembers how it was asked."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from coursekit.feedback import TryAgain
from coursekit.labs.tensors import seeded

__all__ = ["Loss", "Trials", "normal"]


def normal(*shape: int, seed: int) -> Tensor:
    """Standard normal numbers, float64."""
    return torch.randn(shape, dtype=torch.float64, generator=seeded(seed))


class Loss:
    """A bumpy loss that remembers the points at which it was asked, and what it said."""

    def __init__(self, n_params: int, seed: int) -> None:
        self._centre, self._slope = normal(2, n_params, seed=seed)
        self.points, self.values = normal(0, n_params, seed=0), normal(0, seed=0)

    def __call__(self, points: Any) -> Tensor:
        d = len(self._centre)
        if not isinstance(points, Tensor) or points.dim() < 1 or points.shape[-1] != d:
            given = f"shape {tuple(points.shape)}" if isinstance(points, Tensor) else type(points).__name__
            raise TryAgain(f"loss takes points of shape (..., {d}), {d} parameters a point, but you gave it {given}.")
        points = points.double()
        values = ((points - self._centre) ** 2).sum(-1) + 3 * (points @ self._slope).sin() + 3
        self.points = torch.cat([self.points, points.detach().reshape(-1, d)])
        self.values = torch.cat([self.values, values.detach().reshape(-1)])
        return values

    def pairs(self, theta: Tensor, n_pairs: int) -> tuple[Tensor, Tensor, Tensor]:
        """What was asked around one theta: a step (n, d) of each pair, and the scores of plus and minus, (n, 1) each.

        Raises TryAgain if the points near theta are not n_pairs distinct pairs that mirror each other.
        """
        near = (self.points - theta).abs().amax(-1) < 40
        steps, values, n = self.points[near] - theta, self.values[near, None], int(near.sum())
        if len(near) == 0:
            raise TryAgain("your function never asks `loss`: it needs the scores of points around theta.")
        if n == n_pairs:
            raise TryAgain(
                f"for {n_pairs} pairs you ask for {n} points, on one side of theta alone. A pair is theta + step and "
                "theta - step, two points."
            )
        if bool((steps == 0).all(-1).any()):
            raise TryAgain(
                "you ask for the loss at theta itself. Pairs need no such baseline: each point is compared with its "
                "mirror image."
            )
        if n != 2 * n_pairs:
            raise TryAgain(f"for {n_pairs} pairs, loss should be asked for {2 * n_pairs} points, but you ask for {n}.")
        n_alike = ((steps[:, None] - steps).abs().amax(-1) < 1e-9).sum(-1).min()
        if n_pairs > 1 and n_alike >= n_pairs:
            raise TryAgain("all pairs share one step: draw a row of noise for each of the n_pairs pairs.")
        if n_alike > 1:
            raise TryAgain("you ask twice for the same points: the second half of each pair is theta *minus* the step.")
        mirrored = (steps[:, None] + steps).abs().amax(-1) < 1e-9
        if not bool((mirrored.sum(-1) == 1).all()):
            if bool(((self.points[:, None] + self.points).abs().amax(-1) < 1e-9).any()):
                raise TryAgain("your points lie around zero: theta is missing in theta + sigma * noise.")
            raise TryAgain(
                "the second half of your points is no mirror image of the first: is the noise redrawn? Draw it once, "
                "and use the same noise with a plus and with a minus."
            )
        other = mirrored.double().argmax(-1)
        first = torch.arange(n) < other
        return steps[first], values[first], values[other[first]]


class Trials:
    """Estimates from a table: trial after trial of the rows that belong to a number of pairs."""

    def __init__(self, table: Mapping[int, Any], n_trials: int) -> None:
        self.table, self.n_trials = {n: torch.as_tensor(rows).double() for n, rows in table.items()}, n_trials
        self._used = dict.fromkeys(table, 0)

    def __call__(self, n_pairs: Any, n_trials: Any) -> Tensor:
        n, start = int(n_pairs), self._used.get(int(n_pairs))
        if start is None:
            raise TryAgain(
                f"you ask for estimates from {n} pairs, but the counts are {list(self.table)}: estimate(n_pairs, "
                "n_trials) takes one of the counts first, and then the number of trials."
            )
        self._used[n] += int(n_trials)
        return self.table[n][start : self._used[n]].clone()

    def close(self) -> None:
        """TryAgain if more or less was asked for than wanted; then start again."""
        for n, used in self._used.items():
            if used != self.n_trials:
                raise TryAgain(
                    f"with n_trials = {self.n_trials} you ask for {used} estimates from {n} pairs: every count in "
                    "`counts` gets n_trials of them, estimate(count, n_trials)."
                )
        self._used = dict.fromkeys(self.table, 0)
