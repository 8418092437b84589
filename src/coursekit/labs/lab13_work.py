"""What lab 13 gives to a runner as `work`, which remembers how it was asked and may be stopped, and its journal."""

import json
from numbers import Integral
from pathlib import Path
from typing import Any

import torch

from coursekit.feedback import TryAgain, refuse, seems

__all__ = ["Stop", "Work", "grows", "lines_of"]

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


def grows(journal: Path, n_lines: list[int], asked: list[tuple[str, int]]) -> None:
    """TryAgain unless the journal held no line before the first unit, one before the second, and so on."""
    n = len(n_lines)
    refuse(
        n_lines == [0] * n and not lines_of(journal),
        "no line is in the journal, neither while the units run nor after it: is one written, and to `journal`?",
    )
    refuse(
        n_lines == [0] * n,
        "while the units run, the journal stays empty. If the power goes, all is lost: write a unit's line as soon as "
        "it is finished, and close (or flush) the file.",
    )
    refuse(
        n_lines[0] > 0,
        "the journal holds a line before the first unit is finished. It has one line for each finished unit, and "
        "nothing else.",
    )
    text = journal.read_text("utf-8")
    double = n_lines == list(range(0, 2 * n, 2))
    refuse(double and "\n\n" in text, 'in the journal an empty line follows each unit\'s: end it with one "\\n".')
    refuse(double, "each unit is written as two lines of the journal; write one.")
    if n_lines == [0] + [1] * (n - 1):
        refuse(
            "}{" in text,
            "the journal's lines stand one behind the other, as a single one: write a line's end, \"\\n\", after each.",
        )
        held = [(row.get("condition"), row.get("seed")) for row in lines_of(journal)]
        refuse(
            held == asked[-1:],
            "the journal never holds more than one line: each unit's takes the place of what stood there. Open it with "
            "mode 'a', which writes at its end.",
        )
        raise TryAgain(
            f"the journal holds one line before each unit but the first, and {text[:90]!r} in the end. It should hold "
            'one more after each unit, with a line\'s end, "\\n".'
        )
    refuse(
        n_lines != list(range(n)),
        "the journal should hold one line for each finished unit when the next one starts; it holds "
        f"{n_lines} lines before the units.",
    )
    lines = text.splitlines()
    refuse(
        len(lines) < n, f"after the run the journal holds {len(lines)} lines for {n} units: the last one's is missing."
    )
    refuse(
        len(lines_of(journal)) < n,
        f"a line of the journal isn't a dictionary in JSON (the first line is {lines[0][:60]!r}): write "
        "json.dumps(row), where row is the unit's dictionary.",
    )
