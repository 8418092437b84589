"""What all rungs share: the network, how long they run, what they see, and when they are looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from evidence.recorder import Net, Recorder
from evidence.runner import Context, Rows, Unit
from neuroevo import data, nets

NET = nets.MLP((784, 64, 10))
N_WEIGHTS = 784 * 64 + 64 * 10  # multiply-adds of one network on one image
INIT_STD = 0.05
SHARE = {"smoke": 0.005, "laptop": 1 / 3, "full": 1.0}  # of the generations

Sweep = tuple[str, list[float]]
"""A setting, and the values of it that are tried."""


class Climber(Protocol):
    """What searches on a rung. A generation costs n_genomes evaluations and `multiply_adds` on each of its images."""

    n_genomes: int
    multiply_adds: int

    @property
    def net(self) -> Net:
        """What reads its genomes."""

    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        """Run one generation on images x with classes y, when `share` of the run is over; how to get at the genome to
        look at."""


@dataclasses.dataclass(frozen=True)
class Rung:
    """A way to search; each kind says what else there is to set."""

    n_generations: int  # at full size

    by_gradient: ClassVar[bool] = False

    def sweep(self) -> Sweep:
        """The most sensitive setting, and four values of it."""
        raise NotImplementedError

    def start(self, rng: torch.Generator) -> Climber:
        """Begin with a network or a population drawn from rng."""
        raise NotImplementedError

    def batch(self, train: data.Split, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """The images (n, 784) of a generation, and their classes."""
        raise NotImplementedError


def n_generations(rung: Rung, size: str) -> int:
    """Generations of a rung at one of the three sizes."""
    return max(4, round(rung.n_generations * SHARE[size]))


def _looks(n: int) -> set[int]:
    """Generations after which a run of n is looked at: about 30, more often at first."""
    return {round(n ** (i / 16)) for i in range(17)} | {round(n * i / 16) for i in range(1, 17)}


def scale(start: float, end: float | None, share: float) -> float:
    """A mutation scale that falls geometrically, when `share` of the run is over."""
    return start * ((end or start) / start) ** share


def run_rung(unit: Unit, context: Context, rung: Rung, images: data.ImageData | None = None) -> Rows:
    """Run one rung with one seed on MNIST, or other images; its rows for the tables finals and curves, or sweeps."""
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    climber = rung.start(rng)
    recorder = Recorder(unit, context, climber.net, images)
    n, multiply_adds = n_generations(rung, context.size), 0
    looks = {n} if "sweep" in unit.method else _looks(n)
    for step in context.bar(range(1, n + 1), unit, "gen"):
        with recorder.budget.clock():
            x, y = rung.batch(recorder.train, rng)
            genome = climber.step(x, y, (step - 1) / n)
        if rung.by_gradient:
            recorder.budget.gradient(1, len(y))
        else:
            recorder.budget.forward(climber.n_genomes, len(y))
        multiply_adds += climber.multiply_adds * len(y)
        if step in looks:
            recorder.look(genome(), step, multiply_adds=multiply_adds)
    return recorder.rows(multiply_adds=multiply_adds)
