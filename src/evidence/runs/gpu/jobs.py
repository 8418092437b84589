"""Kinds of units: each can run itself, and tell before about how long that takes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import torch

from evidence.runner import Context, Rows, Unit
from evidence.runs import genreg_mnist, ladder
from evidence.runs.gpu import clocks
from evidence.runs.ladder import Rung, run_rung
from evidence.runs.ladder.rung import n_generations
from neuroevo import results
from neuroevo.genreg import GENREG, Settings

BATCHES: dict[str, tuple[int, ...]] = {
    "smoke": (1, 20),
    "laptop": (1, 2, 5, 10, 20, 50, 100),
    "full": (1, 2, 5, 10, 20, 50, 100),
}
N_ROUNDS = {"smoke": 2, "laptop": 7, "full": 7}
N_ROUNDS_OF_CPU = 3  # at most
BESIDE = 3.0  # seconds that a search takes beside its generations: reading images, looking at champions
MARGIN = 1.2  # of what is measured on a few steps


class Job(Protocol):
    """What a unit does."""

    def run(self, unit: Unit, context: Context) -> Rows:
        """Do it; the rows."""

    def seconds(self, unit: Unit, context: Context) -> float:
        """About how long `run` takes; 0 where only the trial shows it."""


@dataclass(frozen=True)
class Clocked:
    """What is timed for one population.

    Attributes:
        works: `clocks.speed` or `clocks.sharing`.
        n_genomes: of the population; few at smoke size.
        batches: images a class; `BATCHES` if None.
        on_cpu: on the CPU, whatever the run's device.
    """

    works: Callable[[int, Iterable[int], torch.device], Iterator[clocks.Work]]
    n_genomes: int
    batches: tuple[int, ...] | None = None
    on_cpu: bool = False

    def run(self, unit: Unit, context: Context) -> Rows:
        """Rows for the table speed."""
        n_genomes, batches, device, n_rounds = self._at(context)
        return {"speed": clocks.rows(self.works(n_genomes, batches, device), n_genomes, device, n_rounds)}

    def seconds(self, unit: Unit, context: Context) -> float:
        """From one round with a tenth of the population and one batch."""
        n_genomes, batches, device, n_rounds = self._at(context)
        tenth = max(4, n_genomes // 10)
        found = clocks.rows(self.works(tenth, (20,), device), tenth, device, 1)
        a_round = sum(row.get("seconds", 0.0) for row in found) * n_genomes / tenth
        return MARGIN * a_round * (clocks.WARM_UP + n_rounds) * sum(max(1.0, n / 20) for n in batches)

    def _at(self, context: Context) -> tuple[int, tuple[int, ...], torch.device, int]:
        device = torch.device("cpu") if self.on_cpu else context.device
        n_genomes = max(4, self.n_genomes // 250) if context.size == "smoke" else self.n_genomes
        n_rounds = N_ROUNDS[context.size]
        if self.on_cpu:
            n_rounds = min(n_rounds, N_ROUNDS_OF_CPU)
        return n_genomes, self.batches or BATCHES[context.size], device, n_rounds


class Printed:
    """GENREG as its README prints it, as `genreg_mnist` runs it."""

    def run(self, unit: Unit, context: Context) -> Rows:
        """Rows for the tables finals and curves."""
        tables = genreg_mnist.run_unit(Unit("printed", unit.seed), context)
        return {table: [row | {"method": unit.method} for row in rows] for table, rows in tables.items()}

    def seconds(self, unit: Unit, context: Context) -> float:
        """From a few generations."""
        rng = torch.Generator(context.device).manual_seed(0)
        state = GENREG.start(genreg_mnist.NET, Settings(n_genomes=genreg_mnist.N_GENOMES[context.size]), rng)
        pictures = clocks.noise(100, rng)

        def step() -> None:
            clocks.generation(state, *pictures.sample(genreg_mnist.IMAGES_PER_CLASS, rng))

        return _search_seconds(step, genreg_mnist.N_GENERATIONS[context.size], context)


@dataclass(frozen=True)
class Climb:
    """A search that goes on from one network.

    Attributes:
        rung: what runs; the ladder's rung of the unit's name, with the setting that the stored sweeps chose, if None.
    """

    rung: Rung | None = None

    def rung_of(self, method: str, size: str) -> Rung:
        """The rung at one of the three sizes."""
        few: dict[str, Any] = {"n_generations": 800, "n_images": 20}  # a filter costs more than a neuron
        if self.rung is None:
            return _stored(method)
        return replace(self.rung, **few) if size == "smoke" else self.rung

    def run(self, unit: Unit, context: Context) -> Rows:
        """Rows for the tables finals and curves."""
        return run_rung(unit, context, self.rung_of(unit.method, context.size))

    def seconds(self, unit: Unit, context: Context) -> float:
        """From a few generations."""
        rung, rng = self.rung_of(unit.method, context.size), torch.Generator(context.device).manual_seed(0)
        climber = rung.climber(rung, rng)
        pictures = clocks.noise(100, rng)
        n = n_generations(rung, context.size)
        return _search_seconds(lambda: climber.step(*rung.batch(pictures, rng), 0.0), n, context)


@cache
def _stored(method: str) -> Rung:
    finals = results.load("ladder").tables["finals"]
    chosen = finals[finals["method"] == method].iloc[0]
    rung = ladder.RUNGS[method]
    changes: dict[str, Any] = {chosen["setting"]: float(chosen["value"])}
    return replace(rung, **changes)


def _search_seconds(step: Callable[[], object], n_steps: int, context: Context) -> float:
    return BESIDE + MARGIN * n_steps * statistics.median(clocks.times(step, context.device, 3))
