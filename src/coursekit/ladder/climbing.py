"""One strategy, one seed: it asks in its own process, and is scored in this one, by images that it never sees."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from coursekit.grading.peers import Gone
from coursekit.grading.sandbox import Limits, Sandbox
from coursekit.ladder.entry import BESIDE, START
from neuroevo import data, nets

NET = nets.MLP((784, 64, 10))
N_EVALUATIONS = 2_600_000  # what the arms of chapter 13's second ladder have
_SET_UP = 120  # seconds of computing for what is ours
_PATIENCE = 10  # seconds on the clock for each of computing: a machine may be busy
_LOOKS = 32


class RefusedError(Exception):
    """A newcomer that may not climb, or didn't come back; the text says why."""


@dataclass(frozen=True)
class Rules:
    """What every newcomer gets, for each seed.

    Attributes:
        n_evaluations: genomes x images.
        core_seconds: of computing in its own process, from the first ask to the last tell; as much for reading the file
            and for each thing that it sets up.
        unsafe: run it without walls where there are none to be had.
    """

    n_evaluations: int = N_EVALUATIONS
    core_seconds: float = 30
    unsafe: bool = False


@dataclass
class Climb:
    """What one run has come to; `champion` is the best on validation of those that were looked at."""

    seed: int
    evaluations: int
    generations: int
    core_seconds: float
    validation: float
    champion: Tensor


def climb(source: str, seed: int, rules: Rules, images: data.ImageData) -> Climb:
    """Run a newcomer's source once. `RefusedError` says why there is no score."""
    limits = Limits(computing=_SET_UP + 2 * rules.core_seconds + 120, clock=_PATIENCE * (_SET_UP + rules.core_seconds))
    with Sandbox({}, limits, rules.unsafe, data=False) as box:
        return _Climber(box, seed, rules, images).climb(source)


class _Climber:
    def __init__(self, box: Sandbox, seed: int, rules: Rules, images: data.ImageData) -> None:
        self.box, self.seed, self.rules, self.images = box, seed, rules, images
        self.validation = (images.validation.pixels(), images.validation.y)
        self.rng = torch.Generator().manual_seed(seed)

    def climb(self, source: str) -> Climb:
        box, rules = self.box, self.rules
        self._within(_SET_UP, lambda: box.call("set_up", "ladder", [], ["ask", "tell", "best", "images_per_class"]))
        self._run(BESIDE, _SET_UP)
        for cell in (source, START.format(n_params=NET.n_params, seed=self.seed)):
            self._run(cell, rules.core_seconds)
        ask, tell, best, per_class = (self._entry(name) for name in ("ask", "tell", "best", "images_per_class"))
        n_per_class = self._within(rules.core_seconds, per_class)
        if not isinstance(n_per_class, int) or not 1 <= n_per_class <= 100:
            raise RefusedError(f"images_per_class is {n_per_class!r}, not a whole number from 1 to 100")
        before = box.computed
        used, generations, next_look, score, champion = 0, 0, 0.0, -1.0, None

        def left() -> float:
            return rules.core_seconds - (box.computed - before)

        while True:
            genomes = self._genomes(self._within(left(), ask))
            x, y = self.images.train.sample(n_per_class, self.rng)
            cost = len(genomes) * len(y)
            if cost > rules.n_evaluations:
                raise RefusedError(f"the first ask() alone takes {cost:,} of {rules.n_evaluations:,} evaluations")
            if used + cost > rules.n_evaluations:
                break
            fitness = self._scored(genomes, x, y)
            used, generations = used + cost, generations + 1
            self._within(left(), partial(tell, fitness.numpy()))
            last = used + cost > rules.n_evaluations
            if used >= next_look or last:
                next_look += rules.n_evaluations / _LOOKS
                proposed = self._within(left(), best)
                genome = genomes[int(fitness.argmax())] if proposed is None else self._genomes(proposed[None])[0]
                found = float(nets.accuracy(NET.forward(genome[None], self.validation[0]), self.validation[1])[0])
                if found > score:
                    score, champion = found, genome.clone()
        assert champion is not None
        seconds = round(box.computed - before, 2)
        return Climb(self.seed, used, generations, seconds, score, champion)

    @staticmethod
    def _scored(genomes: Tensor, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            return nets.mean_log_likelihood(NET.forward(genomes, x), y)

    def _genomes(self, asked: Any) -> Tensor:
        shape = tuple(getattr(asked, "shape", ()))
        if not isinstance(asked, Tensor) or len(shape) != 2 or shape[0] < 1 or shape[1] != NET.n_params:
            given = f"{type(asked).__name__} {shape}"
            raise RefusedError(f"ask() gives a tensor (n, {NET.n_params}), best one genome of it, not {given}")
        genomes = asked.float().contiguous()
        if not bool(genomes.isfinite().all()):
            raise RefusedError("a genome that it asks for holds NaN or infinity")
        return genomes

    def _entry(self, name: str) -> Callable[..., Any]:
        versions = self._within(_SET_UP, lambda: self.box.call("versions", name))
        if not versions:
            raise RefusedError(f"its process has no {name}")
        entry: Callable[..., Any] = versions[-1]
        return entry

    def _run(self, cell: str, seconds: float) -> None:
        error = self._within(seconds, lambda: self.box.call("cell", cell))
        if error is not None:
            raise RefusedError(str(error))

    def _within(self, seconds: float, work: Callable[[], Any]) -> Any:
        """Do something that may take the newcomer's process so many seconds of computing."""
        box, began, computed = self.box, time.monotonic(), self.box.computed

        def tick() -> None:
            if box.computed - computed > seconds:
                box.end(f"over its budget of {self.rules.core_seconds:g} core-seconds")
            elif time.monotonic() - began > _PATIENCE * max(seconds, 1):
                box.end(f"it didn't come back within {_PATIENCE * max(seconds, 1):.0f} seconds")

        box.tick = tick
        try:
            return work()
        except Gone as gone:
            raise RefusedError(box.gone or str(gone)) from None
        except Exception as error:
            raise RefusedError(f"{type(error).__name__}: {error}") from None
        finally:
            box.tick = lambda: None
