"""One network, and mutants that differ from it in one neuron or one filter."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from evidence import filters
from evidence.runs.ladder.rung import INIT_STD, N_WEIGHTS, NET, Climber, Rung, scale, scattered
from neuroevo import neurons


class _Neurons:
    """The parts are the hidden neurons of the 784-64-10 network."""

    net = NET
    scales = (1.0,)

    def __init__(self, rung: Parts, rng: torch.Generator) -> None:
        self.parts = [neurons.split(NET, NET.init(1, INIT_STD, rng)[0])]
        # On one image: the parent, one product of inputs a pair, one of outputs a mutant.
        self.multiply_adds = N_WEIGHTS + 64 * rung.n_pairs[0] * (784 + 2 * 10)

    def genome(self) -> Tensor:
        return neurons.join(NET, self.parts[0])

    def score(self, steps: list[Tensor], x: Tensor, y: Tensor) -> tuple[list[Tensor], Tensor]:
        fitness, parent = neurons.score(self.parts[0], steps[0], x, y)
        return [fitness], parent


class _Filters:
    """The parts are the filters of `filters.FilterNet`."""

    def __init__(self, rung: Parts, rng: torch.Generator) -> None:
        self.net = filters.FilterNet(*rung.shape)
        self._genome = self.net.init(rng)
        self.parts = self.net.split(self._genome)
        self.scales = [(2 / (part.shape[1] - 1)) ** 0.5 for part in self.parts]
        self.multiply_adds = self.net.multiply_adds(rung.n_pairs)

    def genome(self) -> Tensor:
        return self._genome  # the parts are views of it

    def score(self, steps: list[Tensor], x: Tensor, y: Tensor) -> tuple[list[Tensor], Tensor]:
        return self.net.score(self.parts, steps, x, y)


class _Search(Climber):
    """A search for each part."""

    def __init__(self, rung: Parts, rng: torch.Generator) -> None:
        super().__init__(rung, rng)
        self.whole = whole = (_Filters if rung.filters else _Neurons)(rung, rng)
        self.net, self.multiply_adds = whole.net, whole.multiply_adds
        words = {"learning_rate": rung.learning_rate} if rung.strategy else {}
        kind: Any = filters.Strategy if rung.strategy else neurons.Selection
        pairs = list(zip(whole.parts, rung.n_pairs, strict=True))
        self.searches = [kind(part, n_pairs=n, rng=rng, **words) for part, n in pairs]
        self.n_genomes = 1 + 2 * sum(len(part) * n for part, n in pairs)

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        rung, scales = self.rung, self.whole.scales
        sigma = scale(rung.sigma, rung.sigma_end, share)
        steps = [search.ask(sigma * unit) for search, unit in zip(self.searches, scales, strict=True)]
        fitness, parent = self.whole.score(steps, x, y)
        for search, scores, unit in zip(self.searches, fitness, scales, strict=True):
            if rung.strategy:
                search.learning_rate = rung.learning_rate * unit * (1 - share)
            search.tell(scores, parent)
            if rung.decay:
                search.parts.mul_(1 - rung.decay * sigma / rung.sigma)
        return self.whole.genome


@dataclasses.dataclass(frozen=True)
class Parts(Rung):
    """One network; mutants differ from it in one part, a neuron or a filter.

    Attributes:
        strategy: an evolution strategy for each part; otherwise pure selection.
        filters: `filters.FilterNet` in place of the 784-64-10 network; sigma and learning rate are then in units of
            each layer's own scale of weights.
        n_pairs: steps for each part, tried both ways; one number a layer.
        n_images: size of the batch, drawn evenly from the training part.
        sigma, sigma_end: mutation scale at the start and at the end; it falls geometrically.
        learning_rate: of Adam; it falls in a straight line to 0.
        decay: share of the weights that is lost each generation; it falls with the mutation scale.
        shift: every image of the batch is moved by at most so many pixels.
    """

    strategy: bool = False
    filters: bool = False
    n_pairs: tuple[int, ...] = (2,)
    n_images: int = 250
    sigma: float = 0.02
    sigma_end: float | None = None
    learning_rate: float = 0.005
    decay: float = 0.0
    shift: int = 0

    shape: ClassVar[tuple[int, int, int]] = (8, 32, 4)  # of the FilterNet
    climber: ClassVar = _Search
    batch: ClassVar = scattered
