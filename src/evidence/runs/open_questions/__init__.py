"""The open questions of GENREG's README, each with its controls, at sizes that two cores can repeat with five seeds.

Nearly all of them are asked of one method, the pure selection of `neurons`: one network, its neurons as rows, mutants
that differ from it in one row. The gradient-trained twin has the same rows, the same start and the same images. Rows
may also be filters that slide over the image, or neurons with an activation of their own.

A unit of the run is one experiment's method with one seed. The final network is scored; no champion is chosen. The
test set is opened once in each unit, at its end.

    python3 course.py run open-questions --seeds 5 --source FOLDER   # CIFAR-10 as JPEG files, see `cifar`
"""

from __future__ import annotations

from typing import Any

import torch

from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.open_questions import (
    architecture,
    continual,
    curriculum,
    filters,
    layers,
    photographs,
    population,
    two_tasks,
    width,
)
from evidence.runs.open_questions.images import BATCH, TEST_FONTS, VALIDATION_FONTS
from evidence.runs.open_questions.rows import DECAY, LEARNING_RATE, N_PAIRS, SIGMA, SIGMA_END
from evidence.runs.open_questions.task import LENGTHS, SIZES, Task

TUNING_SEED = 100  # the settings were chosen on validation with it; no seed of the run is tuned on

QUESTIONS = (continual, curriculum, filters, two_tasks, width, population, architecture, layers, photographs)
RUNNERS = {method: run for question in QUESTIONS for method, run in question.RUNNERS.items()}
FEWER_SEEDS = {"lenet": 3}


def units(seeds: list[int]) -> list[Unit]:
    """Seed by seed, so that a stopped run has whole comparisons."""
    return [
        Unit(method, seed)
        for place, seed in enumerate(seeds)
        for method in RUNNERS
        if place < FEWER_SEEDS.get(method, len(seeds))
    ]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one method with one seed; rows for the tables finals, matrix, curves, filters, widths and activations."""
    return RUNNERS[unit.method](Task(unit, context, torch.Generator().manual_seed(unit.seed)))


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    s, n_generations = SIZES[size], LENGTHS["selection"]
    return {
        "size": size,
        "share_of_full_length": s.share,
        "selection": {
            "generations": n_generations,
            "n_pairs": N_PAIRS,
            "sigma": [SIGMA, SIGMA_END],
            "decay": DECAY,
        },
        "filters": {"generations": n_generations, "gradient_steps": n_generations, "decay": 0.0},
        "gradient": {"steps": LENGTHS["gradient"], "learning_rate": LEARNING_RATE, "optimiser": "Adam"},
        "batch": BATCH,
        "tuning_seed": TUNING_SEED,
        "photographs": {
            "source": "CIFAR-10 from JPEG files of quality 75, where a source is given",
            "pixels": "16 x 16 x 3, means of 2 x 2",
            "train": s.n_photographs,
        },
        "letters": {"validation": VALIDATION_FONTS, "test": TEST_FONTS, "shift": 1},
        "continual": {"until": continual.UNTIL, "replay_images_of_a_digit": continual.REPLAY},
        "prices_of_a_neuron": architecture.PRICES,
        "seeds_of_lenet": FEWER_SEEDS["lenet"],
    }


EXPERIMENT = Experiment(units, run_unit, settings)
