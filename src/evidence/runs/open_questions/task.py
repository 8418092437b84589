"""What a unit of any question needs: its size, its source of randomness, and its row in the table of finals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from evidence.runner import Context, Rows, Unit
from evidence.runs.open_questions.images import Batch, Images, digits, photographs
from evidence.runs.open_questions.rows import Filters, Learner, Plain, accuracy
from neuroevo.budget import Budget

METHODS = ("selection", "gradient")
LENGTHS = {"selection": 600, "gradient": 1000}  # generations, or steps, where nothing else is said


@dataclass(frozen=True)
class Size:
    """How long and how much.

    Attributes:
        share: of the full number of generations or steps.
        n_photographs: training images of CIFAR-10.
        genomes: share of GENREG's populations.
    """

    share: float
    n_photographs: int
    genomes: float


SIZES = {"smoke": Size(0.01, 200, 0.1), "laptop": Size(0.2, 4_000, 0.5), "full": Size(1.0, 20_000, 1.0)}


@dataclass
class Task:
    """A unit on its way: who it is, at which size, with which source of randomness."""

    unit: Unit
    context: Context
    rng: torch.Generator

    @property
    def who(self) -> dict[str, Any]:
        """The columns that name the unit."""
        return {"method": self.unit.method, "seed": self.unit.seed}

    def steps(self, full: int) -> int:
        """So many generations or steps in place of `full`."""
        return max(2, round(SIZES[self.context.size].share * full))

    def digits(self, side: int = 14) -> Images:
        """MNIST at side x side pixels."""
        return digits(side, self.context.size)

    def photographs(self) -> Images:
        """CIFAR-10, as much of it as the size asks for."""
        return photographs(self.context.source, SIZES[self.context.size].n_photographs)

    def reason(self) -> str:
        """Why the test set is opened."""
        return f"{self.unit.key}: score the final network"

    def learn(
        self, net: Plain | Filters, n_rows: int, method: str, batch: Batch, n_steps: int, **words: Any
    ) -> Learner:
        """A whole run of n_steps (at full size) on batches of one kind."""
        n = self.steps(n_steps)
        learner = Learner(net, net.start(n_rows, self.rng), method, n, self.rng, **words)
        for _ in range(n):
            learner.step(*batch(self.rng))
        return learner

    def row(self, learner: Learner, images: Images, outputs: slice = slice(None), **columns: Any) -> dict[str, Any]:
        """The final network on the validation images and on the test images, and what it has cost."""
        x, y = images.test(self.reason())
        test = accuracy(learner.net, learner.rows, x, y, outputs)
        validation = accuracy(learner.net, learner.rows, *images.validation, outputs)
        return self.scored(learner.rows.numel(), learner.budget, validation, round(test * len(y)), len(y)) | columns

    def scored(self, n_params: int, budget: Budget, validation: float, right: int, n_test: int) -> dict[str, Any]:
        """A row of the table of final networks."""
        return self.who | {
            "n_params": n_params,
            "evaluations": budget.evaluations,
            "core_seconds": round(budget.core_seconds, 3),
            "validation": validation,
            "test_correct": right,
            "n_test": n_test,
        }


Runners = dict[str, Callable[[Task], Rows]]
"""A question's methods, and what runs one of them."""
