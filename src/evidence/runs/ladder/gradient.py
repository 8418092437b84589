"""The summit: the same networks by the gradient."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from evidence import filters
from evidence.runs.ladder.rung import INIT_STD, N_WEIGHTS, NET, Climber, Rung, scattered
from evidence.runs.twin import descend


class _Descent(Climber):
    n_genomes = 1

    def __init__(self, rung: Gradient, rng: torch.Generator) -> None:
        super().__init__(rung, rng)
        if rung.filters:
            self.net = net = filters.FilterNet()
            genome, products = net.init(rng)[None], net.multiply_adds((0, 0, 0))
        else:
            genome, products = NET.init(1, INIT_STD, rng), N_WEIGHTS
        self.genome, self.multiply_adds = genome.requires_grad_(), 3 * products
        self.adam = torch.optim.Adam([self.genome], lr=rung.learning_rate)

    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        for group in self.adam.param_groups:
            group["lr"] = self.rung.learning_rate * (1 - share)
        descend(self.net, self.genome, self.adam, x, y)
        return lambda: self.genome[0].detach()


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
    climber: ClassVar = _Descent
    batch: ClassVar = scattered
