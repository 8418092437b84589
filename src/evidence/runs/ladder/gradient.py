"""The summit: the same networks by the gradient."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from evidence import filters
from evidence.runs.ladder.parts import shifted_batch
from evidence.runs.ladder.rung import INIT_STD, N_WEIGHTS, NET, Climber, Rung, Sweep
from evidence.runs.twin import descend
from neuroevo import data


@dataclasses.dataclass(frozen=True)
class Gradient(Rung):
    """Backpropagation, Adam and a learning rate that falls in a straight line to 0; a generation is a step.

    Attributes:
        filters, shift, n_images: as in `Parts`.
        learning_rate: of Adam.
    """

    filters: bool = False
    n_images: int = 250
    learning_rate: float = 0.002
    shift: int = 0

    by_gradient: ClassVar[bool] = True

    def sweep(self) -> Sweep:
        """The learning rate."""
        return "learning_rate", [0.001, 0.002, 0.004, 0.008]

    def start(self, rng: torch.Generator) -> Climber:
        """One random network."""
        return _Descent(self, rng)

    def batch(self, train: data.Split, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Images from anywhere in the training part, moved a little."""
        return shifted_batch(self.n_images, self.shift, train, rng)


class _Descent:
    n_genomes = 1

    def __init__(self, rung: Gradient, rng: torch.Generator) -> None:
        net = filters.FilterNet()
        self.rung, self.net = rung, (net if rung.filters else NET)
        self.genome = (net.init(rng)[None] if rung.filters else NET.init(1, INIT_STD, rng)).requires_grad_()
        self.adam = torch.optim.Adam([self.genome], lr=rung.learning_rate)
        self.multiply_adds = 3 * (net.multiply_adds((0, 0, 0)) if rung.filters else N_WEIGHTS)

    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        for group in self.adam.param_groups:
            group["lr"] = self.rung.learning_rate * (1 - share)
        descend(self.net, self.genome, self.adam, x, y)
        return lambda: self.genome[0].detach()
