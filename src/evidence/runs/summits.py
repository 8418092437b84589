"""How high each kind of search gets on MNIST when it may take minutes: the ladder's best rungs, run for longer.

The networks start cold and read raw pixels. Where filters are evolved, the network is `filters.FilterNet`: nothing in
it is given but its shape. That shape was chosen among a few by training each with the gradient for half a minute; the
other settings on validation, in trials of 20 and 40 core-seconds with seed 100. First runs of the two strategies took
half of the ten core-minutes that were allowed; their test scores had been seen when these two lengths, and nothing
else, were raised. Each unit chooses its champion on the validation part and opens the test set once.
"""

from __future__ import annotations

from typing import Any

from evidence.recorder import load
from evidence.runner import Context, Experiment, Rows, Unit, seed_by_seed
from evidence.runs.ladder import INIT_STD, NET, SHARE, Gradient, Parts, Rung, described, run_rung

RUNGS: dict[str, Rung] = {
    "filters, evolution strategy": Parts(
        46_000, strategy=True, filters=True, n_pairs=(1, 4, 16), n_images=100, sigma=0.05, learning_rate=0.03, shift=1
    ),
    "evolution strategy": Parts(42_000, strategy=True, n_pairs=(4,), shift=1),
    "pure selection": Parts(16_000, sigma_end=0.003, n_images=500, decay=1e-3, shift=1),
    "filters, gradient": Gradient(3_000, filters=True, shift=1),
    "gradient": Gradient(6_000),
    "gradient, shifted images": Gradient(6_000, shift=1),
}


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one method with one seed; its rows for the tables finals and curves."""
    return run_rung(unit, context, RUNGS[unit.method])


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "data": load(size).source,
        "net": NET.sizes,
        "init_std": INIT_STD,
        "share_of_generations": SHARE[size],
        "rungs": described(RUNGS),
    }


EXPERIMENT = Experiment(seed_by_seed(RUNGS), run_unit, settings)
