"""GENREG's findings once more, on MNIST's own 28x28 pixels: images of each class, both mutation rates, and the width.

The arms are those of `findings` (see there), with 6 million evaluations each, which is 150 generations of the printed
rule, and with finer steps: five numbers of images, and every pair of four child and two base rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from evidence.runner import Context, Experiment, Rows, Unit, seed_by_seed
from evidence.runs.findings import MILLION, Arm, make_arm, make_twin, run_arm
from evidence.runs.findings import settings as settings_of


@dataclass(frozen=True)
class FullArm(Arm):
    """An arm on images as they are; attributes as of `Arm`."""

    side: ClassVar[int] = 28
    budget: float = 6 * MILLION
    every: float = 0.3 * MILLION


_arm = partial(make_arm, FullArm)
WIDTHS = (16, 32, 64, 128, 256)

ARMS: dict[str, Arm] = {
    "printed": FullArm(),
    **{f"images {n}": _arm(images=n) for n in (1, 5, 10, 50)},
    "images 20, fixed": _arm(fixed=True),
    **{
        f"child {child:g}, base {base:g}": _arm(child_mutation_rate=child, base_rate=base)
        for child in (0.0, 0.02, 0.07, 0.2)
        for base in (0.0, 0.08)
        if (child, base) != (0.07, 0.0)
    },
    **{f"width {width}": FullArm(width=width) for width in WIDTHS if width != 64},
    **{f"twin {width}": make_twin(FullArm(width=width)) for width in WIDTHS},
}


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one arm with one seed; its rows for the tables finals and curves."""
    return run_arm(unit, context, ARMS[unit.method])


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return settings_of(size, ARMS) | {"pixels": FullArm.side}


EXPERIMENT = Experiment(seed_by_seed(ARMS), run_unit, settings)
