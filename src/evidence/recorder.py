"""What the runs on MNIST share: the meter, the curve, the champion by validation, and the one look at the test set."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

import torch
from torch import Tensor

from evidence.runner import Context, Rows, Unit
from neuroevo import data, nets
from neuroevo.budget import Budget


class Net(Protocol):
    """An architecture that reads rows as weights: `nets.MLP`, `neurons.FilterNet`."""

    @property
    def n_params(self) -> int:
        """Columns of a population."""

    def forward(self, population: Tensor, x: Tensor) -> Tensor:
        """Logits (n_genomes, n_images, n_classes)."""


def load(size: str) -> data.ImageData:
    """MNIST; at full size no stand-in will do."""
    images = data.mnist()
    if size == "full" and images.notice:
        raise RuntimeError(f"a full-size run needs MNIST itself. {images.notice}")
    return images


class Recorder:
    """The books of one unit: add to `budget` while it runs, `look` now and then, and take the `rows` at the end."""

    def __init__(self, unit: Unit, context: Context, net: Net, images: data.ImageData | None = None) -> None:
        images = images or load(context.size)
        self.unit, self.net, self.budget, self.test = unit, net, Budget(), images.test
        self.train = images.train.to(context.device)
        validation = images.validation
        self.validation = (validation.pixels(device=context.device), validation.y.to(context.device))
        self.curve: list[dict[str, Any]] = []
        self.champion: Tensor | None = None
        self.final: dict[str, Any] = {"validation": -1.0}

    def look(self, genome: Tensor, step: int, **columns: float) -> None:
        """Score one genome on the validation part, extend the curve, keep it if it is the best so far."""
        x, y = self.validation
        with torch.no_grad():
            validation = float(nets.accuracy(self.net.forward(genome[None], x), y))
        row = {
            "method": self.unit.method,
            "seed": self.unit.seed,
            "step": step,
            "evaluations": self.budget.evaluations,
            "seconds": self.budget.seconds,
            "core_seconds": self.budget.core_seconds,
            "validation": validation,
            **columns,
        }
        self.curve.append(row)
        if validation > self.final["validation"]:
            self.final = {"validation": validation, "champion_step": step}
            self.champion = genome.detach().clone()

    def rows(self, **columns: float) -> Rows:
        """The unit's rows; this opens the test set, once, unless the unit belongs to a sweep."""
        shared = {"method": self.unit.method, "seed": self.unit.seed, "n_params": self.net.n_params, **columns}
        cost = dataclasses.asdict(self.budget)
        if "sweep" in self.unit.method:
            return {"sweeps": [shared | cost | self.final]}
        assert self.champion is not None
        test = self.test.open(f"{self.unit.key}: score its champion")
        with torch.no_grad():
            answers = self.net.forward(self.champion[None].cpu(), test.pixels())[0].max(dim=1).indices
        right = {f"right_{digit}": int((answers[test.y == digit] == digit).sum()) for digit in range(10)}
        final = shared | cost | self.final | {"test_correct": sum(right.values()), "n_test": len(test.y)} | right
        return {"finals": [final], "curves": self.curve}
