"""The experiment that lab 13 gives to a runner as `work`: it remembers how it was asked, and may be stopped."""

import json
from numbers import Integral
from pathlib import Path
from typing import Any

import torch

from coursekit.feedback import refuse, seems

__all__ = ["Stop", "Work", "lines_of"]

Row = dict[str, Any]


class Stop(Exception):  # noqa: N818 - what a power cut would be
    """Ends a run in the middle."""


@seems("function")
class Work:
    """What a runner is given as `work`: answers like an experiment and remembers how it was asked.

    `calls` holds a unit's condition, first random number, budget, and the number of lines in the journal; `seeds` the
    seed of its generator, and `goes_on` whether that one begins where an earlier unit's ended; `seen` what `progress`
    was told, and `lines_then` the number of lines at that moment.
    """

    def __init__(self, journal: Path, stop_at: int | None = None, evaluations: int = 900) -> None:
        self.journal, self.stop_at, self.evaluations = journal, stop_at, evaluations
        self.calls: list[tuple[str, float, int, int]] = []
        self.seen: list[tuple[int, int]] = []
        self.lines_then: list[int] = []
        self.seeds: list[int] = []
        self.goes_on: list[bool] = []
        self.stopped = False
        self._ends: list[torch.Tensor] = []

    def __call__(self, condition: Any = None, rng: Any = None, budget: Any = None) -> Row:
        refuse(
            not isinstance(rng, torch.Generator),
            f"`work` gets a value of type {type(rng).__name__} as its second argument; give it a torch.Generator: "
            "work(condition, rng, budget).",
        )
        refuse(
            rng is torch.default_generator,
            "`work` gets PyTorch's global generator, from which everybody draws: that is what torch.manual_seed seeds. "
            "Make a generator for each unit, torch.Generator().manual_seed(seed).",
        )
        if self.stop_at == len(self.calls):
            self.stopped = True
            raise Stop
        self.seeds.append(rng.initial_seed())
        self.goes_on.append(any(torch.equal(rng.get_state(), end) for end in self._ends))
        first = float(torch.rand((), generator=rng))
        torch.rand((sum(map(ord, str(condition))) % 7,), generator=rng)  # conditions draw unequal amounts
        self._ends.append(rng.get_state())
        self.calls.append((str(condition), first, budget, self.n_lines()))
        return {
            "score": round(first + len(str(condition)) / 100, 6),
            "evaluations": self.evaluations,
            "note": f"unit {len(self.calls)}",
        }

    @property
    def units(self) -> list[tuple[str, int]]:
        """Condition and seed of each unit that ran."""
        return [(name, seed) for (name, *_), seed in zip(self.calls, self.seeds, strict=True)]

    def progress(self, done: Any = None, total: Any = None) -> None:
        """What a runner is given as `progress`."""
        for name, value in (("done", done), ("total", total)):
            refuse(
                not isinstance(value, Integral),
                f"`progress` gets a value of type {type(value).__name__} as `{name}`: give it two whole numbers.",
            )
        self.seen.append((done, total))
        self.lines_then.append(self.n_lines())

    def n_lines(self) -> int:
        """How many lines there are in the journal."""
        return len(self.journal.read_text("utf-8").splitlines()) if self.journal.exists() else 0


def lines_of(journal: Path) -> list[Row]:
    """What can be read of a journal."""
    found = []
    for line in journal.read_text("utf-8").splitlines() if journal.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            found.append(row)
    return found
