"""What all rungs share: the network, how long they run, what they see, and when they are looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from evidence.recorder import Net, Recorder
from evidence.runner import Context, Rows, Unit
from neuroevo import data, nets
from neuroevo.data import transforms

NET = nets.MLP((784, 64, 10))
N_WEIGHTS = 784 * 64 + 64 * 10  # multiply-adds of one network on one image
INIT_STD = 0.05
SHARE = {"smoke": 0.005, "laptop": 1 / 3, "full": 1.0}  # of the generations

Batch = Callable[[Any, data.Split, torch.Generator], tuple[Tensor, Tensor]]


class Climber:
    """What searches on a rung. A generation costs n_genomes evaluations and `multiply_adds` on each of its images."""

    net: Net = NET
    n_genomes: int
    multiply_adds: int

    def __init__(self, rung: Any, rng: torch.Generator) -> None:
        self.rung, self.rng = rung, rng

    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        """Run one generation on images x (n, 784) with classes y, when `share` of the run is over; gives back how to
        get at the genome to look at."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Rung:
    """A way to search; each kind says what else there is to set, who climbs it, and by which images.

    Attributes:
        n_generations: at full size.
    """

    n_generations: int

    by_gradient: ClassVar[bool] = False
    climber: ClassVar[type[Climber]]
    batch: ClassVar[Batch]


def balanced(rung: Any, train: data.Split, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch of so many images of each class."""
    return train.sample(rung.images_per_class, rng)


def scattered(rung: Any, train: data.Split, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch of images drawn evenly, with replacement, each moved a little."""
    chosen = torch.randint(len(train), (rung.n_images,), generator=rng, device=rng.device)
    return transforms.shift(train.pixels(chosen), rung.shift, rng), train.y[chosen]


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
    climber = rung.climber(rung, rng)
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
