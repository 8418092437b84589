"""Does the ladder's order hold on other images? Some of its rungs on Fashion-MNIST (Xiao et al. 2017), not tuned again.

Lengths are those of about 30 core-seconds on MNIST, settings those that were chosen there; no unit of this run was
looked at before. `neuroevo.data.fashion_mnist` says where the images come from.

    python3 course.py run clothes --seeds 3
"""

from __future__ import annotations

from functools import cache
from typing import Any

from evidence.runner import Context, Experiment, Rows, Unit, seed_by_seed
from evidence.runs.ladder import INIT_STD, NET, RUNGS, SHARE, Gradient, Parts, Rung, described, run_rung
from neuroevo import data

METHODS: dict[str, Rung] = {
    **{name: RUNGS[name] for name in ("GENREG as printed", "one-neuron mutants", "one-neuron ES", "gradient")},
    "filters, evolution strategy": Parts(
        4_000, strategy=True, filters=True, n_pairs=(1, 4, 16), n_images=100, sigma=0.05, learning_rate=0.03
    ),
    "filters, gradient": Gradient(2_000, filters=True),
}


@cache
def _load() -> data.ImageData:
    return data.fashion_mnist()


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one method with one seed; its rows for the tables finals and curves."""
    return run_rung(unit, context, METHODS[unit.method], _load())


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "data": "Fashion-MNIST",
        "net": NET.sizes,
        "init_std": INIT_STD,
        "share_of_generations": SHARE[size],
        "methods": described(METHODS),
    }


EXPERIMENT = Experiment(seed_by_seed(METHODS), run_unit, settings)
