"""What a run has cost, in the book's currencies: evaluations and seconds.

One evaluation is one genome on one input, forward. A backward pass counts as two forward passes, so a gradient
step on one input costs three evaluations.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Budget:
    """A meter that only goes up; add to it where the work is done.

    Attributes:
        evaluations: genomes x inputs, backward passes counted twice.
        seconds: wall-clock seconds inside `clock()`.
        core_seconds: CPU seconds of this process inside `clock()`, all threads together.
    """

    evaluations: int = 0
    seconds: float = 0.0
    core_seconds: float = 0.0

    def forward(self, n_genomes: int, n_inputs: int) -> None:
        """Count a forward pass of `n_genomes` genomes on `n_inputs` inputs each."""
        self._add(n_genomes * n_inputs)

    def gradient(self, n_genomes: int, n_inputs: int) -> None:
        """Count a forward and a backward pass: three evaluations for each genome and input."""
        self._add(3 * n_genomes * n_inputs)

    def _add(self, evaluations: int) -> None:
        if evaluations < 0:
            raise ValueError(f"a budget only goes up: {evaluations} evaluations can't be added")
        self.evaluations += evaluations

    @contextmanager
    def clock(self) -> Iterator[None]:
        """Count the time spent inside the block, also when it ends by an exception."""
        _wait_for_gpu()
        wall, core = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            _wait_for_gpu()
            self.seconds += time.perf_counter() - wall
            self.core_seconds += time.process_time() - core


def _wait_for_gpu() -> None:
    # Its calls return when the work is queued. Who hasn't imported torch, or used a GPU, needn't wait for either.
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def peak_megabytes() -> float:
    """The most memory this process has held so far, in MB; NaN where the system doesn't say (Windows)."""
    try:
        import resource
    except ImportError:
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
