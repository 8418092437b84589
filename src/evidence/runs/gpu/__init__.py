"""What the book wants from a GPU, in one bounded call, the most valuable first:

    python3 course.py run gpu --minutes 6

1. How long a forward pass and a generation of GENREG take, by population and batch, there and on this machine's CPU.
2. GENREG as printed, 600 generations: is it as good there, and how soon?
3. Two of the ladder's upper rungs at the evaluations of the stored ladder: how soon?
4. Filters that evolve from a cold start, at the stored size and in a wider network. The mark to beat is the 99.10 % of
   GENREG 2.0, whose features were built by hand and which started from class means.
5. Children share 93 % of their weights with a parent: does it pay to share its product? It takes seconds, so it comes
   before the filters, of which one unit takes minutes.

The wider network's shape was chosen by training two with the gradient, 3,000 steps, seed 100 (on validation 99.0 and
99.3 %), its learning rate among 0.03, 0.06 and 0.12 in 1,200 generations of the smaller of these; nothing else was.

How long a unit will take is found out by timing a few of its steps. One that doesn't fit into what is left of the
minutes isn't begun; the table `units` says which. Products are float32 without TF32, but where a row says so.

Predictions. They were written before any run, without a GPU at hand: from the number of calls that PyTorch makes in a
generation, 5 to 10 microseconds each, and from the rates of a data-centre GPU of 2022 (about 40 TFLOP/s of float32
products without TF32, 2 TB/s). Each is refuted where the measured median (or mean) lies outside of its range.

1a. 200 genomes, 200 images: a forward pass makes 5 calls and takes 0.08 to 0.4 ms; a CPU of few cores takes 5 to 60.
1b. With 200 genomes the batch hardly matters: 1,000 images take at most 10 times as long as 10. With 10,000 genomes
    the arithmetic rules: 1,000 images take 20 to 60 ms, and at least 10 times as long as 10.
1c. A generation of 200 makes 248 calls, of which 160 copy one row each, and takes 1.5 to 6 ms with any batch: 5 to 40
    times as fast as on the CPU. Copying row by row rules large populations: more than half of a generation of 10,000,
    which takes 60 to 250 ms. All copies at once take less than a tenth of that. (A CPU gains nothing from it.)
1d. TF32 makes the forward pass of 2,000 or more genomes on 1,000 images 1.5 to 6 times as fast, that of 200 genomes on
    200 images by less than a quarter.
2.  600 generations take 1.5 to 5 s where a CPU's core took 30 to 36. The accuracy is the CPU's: a mean of five seeds
    between 60 and 72 % on the test set (stored: 66.5), with other random numbers.
3.  About 200 calls a generation: 5 to 14 s where a core took 22 to 31. The test scores lie within 0.7 points of the
    stored means (one-neuron mutants 93.5, one-neuron ES 94.1).
4a. At the stored size, 260 calls a generation: 90 to 250 s where a core took 321 to 346, so hardly worth a GPU; 97.9 to
    98.5 % on the test set.
4b. The wider network makes as many calls, with a hundred times the operations: 3 to 8 ms a generation, 50 to 170 s.
    98.6 to 99.08 % on the test set in the mean: more than the stored size, and not the mark.
5.  No: sharing takes 1.2 to 6 times as long as plain products, at each size. It needs a fifth of the operations for the
    parents and a fourteenth for what differs, but these in a sparse product, whose rate is a tenth or less. On a CPU it
    came out even.
"""

from __future__ import annotations

from typing import Any, ClassVar

from evidence.recorder import load
from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs import summits
from evidence.runs.genreg_mnist import N_GENERATIONS
from evidence.runs.gpu.clocks import WARM_UP, sharing, speed
from evidence.runs.gpu.jobs import BATCHES, N_ROUNDS, N_ROUNDS_OF_CPU, Climb, Clocked, Job, Printed
from evidence.runs.ladder import Parts, Rung, described

POPULATIONS = (200, 500, 1000, 2000, 5000, 10_000)


class Wide(Parts):
    """Filters in a network of 47,050 weights; the stored ones have 6,970."""

    shape: ClassVar = (32, 128, 4)


FILTERS: dict[str, Rung] = {
    "wide filters, evolution strategy": Wide(
        20_000,
        strategy=True,
        filters=True,
        n_pairs=(2, 8, 64),
        n_images=500,
        sigma=0.05,
        learning_rate=0.06,
        shift=1,
    ),
    "filters, evolution strategy": summits.RUNGS["filters, evolution strategy"],
}


def _on_cpu(n_genomes: int) -> Clocked:
    # The whole grid would take a CPU minutes: all batches for one population, one batch for the others.
    return Clocked(speed, n_genomes, (20,) if n_genomes > 200 else None, on_cpu=True)


JOBS: dict[str, Job] = {
    **{f"speed of {n}": Clocked(speed, n) for n in POPULATIONS},
    **{f"speed of {n}, CPU": _on_cpu(n) for n in POPULATIONS[:4]},
    "GENREG as printed": Printed(),
    "one-neuron mutants": Climb(),
    "one-neuron ES": Climb(),
    **{f"shared products of {n}": Clocked(sharing, n, (20, 100)) for n in (200, 2000)},
    **{f"speed of {n}, CPU": _on_cpu(n) for n in POPULATIONS[4:]},  # a minute, on few cores
    **{name: Climb(rung) for name, rung in FILTERS.items()},
}


def units(seeds: list[int]) -> list[Unit]:
    """In the order of their value; the filters seed by seed, because each takes a minute or more."""
    repeated = {"GENREG as printed": seeds, "one-neuron mutants": seeds[:3], "one-neuron ES": seeds[:3]}
    first = [Unit(method, seed) for method in JOBS if method not in FILTERS for seed in repeated.get(method, [0])]
    return first + [Unit(method, seed) for seed in seeds[:3] for method in FILTERS]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one unit; rows for the table speed, or for finals and curves."""
    return JOBS[unit.method].run(unit, context)


def seconds(unit: Unit, context: Context) -> float:
    """About how long a unit takes on this device."""
    return JOBS[unit.method].seconds(unit, context)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    climbs = {method: job.rung_of(method, size) for method, job in JOBS.items() if isinstance(job, Climb)}
    return {
        "size": size,
        "data": load(size).source,
        "products": "float32; TF32 only where a row says so",
        "batches": BATCHES[size],
        "calls": {"warm-up": WARM_UP, "timed": N_ROUNDS[size], "timed on the CPU at most": N_ROUNDS_OF_CPU},
        "n_generations of GENREG as printed": N_GENERATIONS[size],
        "rungs": described(climbs),
        "wide": Wide.shape,
        "to beat": {"GENREG 2.0, test accuracy": 0.991},
    }


EXPERIMENT = Experiment(units, run_unit, settings, device="cuda", seconds=seconds)
