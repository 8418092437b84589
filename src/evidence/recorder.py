"""What the runs on images share: the meter, the curve, the champion by validation, and the one look at the test set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from evidence.runner import Context, Rows, Unit
from neuroevo import data
from neuroevo.budget import Budget


class Net(Protocol):
    """An architecture that reads rows as weights: `nets.MLP`, `filters.FilterNet`."""

    @property
    def n_params(self) -> int:
        """Columns of a population."""

    def forward(self, population: Tensor, x: Tensor) -> Tensor:
        """Logits (n_genomes, n_images, n_classes)."""


N = TypeVar("N", bound=Net)


def load(size: str) -> data.ImageData:
    """MNIST; at full size no stand-in will do."""
    images = data.mnist()
    if size == "full" and images.notice:
        raise RuntimeError(f"a full-size run needs MNIST itself. {images.notice}")
    return images


class Recorder(Generic[N]):
    """The books of one unit: add to `budget` while it runs, `look` now and then, and take the `rows` at the end.

    Args:
        unit: whose books these are.
        context: where it runs.
        net: reads genomes.
        images: MNIST, if None.
        resize: what is done to each part of the images.
        who: the columns that name the unit; method and seed, if None.
        clocks: whether the curve holds seconds.

    Attributes:
        champion: (n_params,) the best genome on the validation part, of those that were looked at.
        chosen: what the table of finals says of that choice.
    """

    def __init__(
        self,
        unit: Unit,
        context: Context,
        net: N,
        images: data.ImageData | None = None,
        *,
        resize: Callable[[data.Split], data.Split] = lambda split: split,
        who: dict[str, Any] | None = None,
        clocks: bool = True,
    ) -> None:
        images = images or load(context.size)
        self.unit, self.net, self.budget, self.clocks = unit, net, Budget(), clocks
        self.who = {"method": unit.method, "seed": unit.seed} if who is None else who
        self._vault, self._resize = images.test, resize
        self.train = resize(images.train).to(context.device)
        validation = resize(images.validation)
        self.validation = (validation.pixels(device=context.device), validation.y.to(context.device))
        self.curve: list[dict[str, Any]] = []
        self.champion: Tensor | None = None
        self.chosen: dict[str, Any] = {"validation": -1.0}

    def look(self, genome: Tensor, step: int | None = None, **columns: float) -> Tensor:
        """Score one genome on the validation part, extend the curve, keep it if it is the best so far.

        Returns:
            Which images it answers right, (n_images,) bool.
        """
        x, y = self.validation
        with torch.no_grad():
            right = self.net.forward(genome[None], x)[0].max(dim=1).indices == y
        score = float(right.sum().float() / len(y))
        spent = dataclasses.asdict(self.budget) if self.clocks else {"evaluations": self.budget.evaluations}
        when = {} if step is None else {"step": step}
        self.curve.append(self.who | when | spent | {"validation": score} | columns)
        if score > self.chosen["validation"]:
            self.chosen = {"validation": score, "champion_step": step}
            self.champion = genome.detach().clone()
        return right

    def rows(self, **columns: float) -> Rows:
        """The unit's rows; this opens the test set, once, unless the unit belongs to a sweep."""
        if "sweep" in self.unit.method:
            return {"sweeps": [self._final(columns)]}
        assert self.champion is not None
        return {"finals": [self._final(columns) | self._test(self.champion)], "curves": self.curve}

    def _final(self, columns: dict[str, float]) -> dict[str, Any]:
        return self.who | {"n_params": self.net.n_params} | columns | dataclasses.asdict(self.budget) | self.chosen

    def _test(self, champion: Tensor) -> dict[str, int]:
        test = self._resize(self._vault.open(f"{self.unit.key}: score its champion"))
        with torch.no_grad():
            answers = self.net.forward(champion[None].cpu(), test.pixels())[0].max(dim=1).indices
        return right_answers(answers, test.y)


def right_answers(answers: Tensor, y: Tensor) -> dict[str, int]:
    """Columns of the test: right answers in all and of each digit, and the number of images."""
    right = {f"right_{digit}": int((answers[y == digit] == digit).sum()) for digit in range(10)}
    return {"test_correct": sum(right.values()), "n_test": len(y)} | right
