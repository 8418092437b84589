"""The 672 designs of the tuning post's space, and the stored table of what each of them reaches.

Source: harvitronix/neural-network-genetic-algorithm (2017). `evidence.runs.designs` trains them.
"""

from __future__ import annotations

from pathlib import Path

from neuroevo import results
from neuroevo.search.space import Space
from neuroevo.search.tables import Table

LAYERS = (1, 2, 3, 4)
NEURONS = (64, 128, 256, 512, 768, 1024)
ACTIVATIONS = ("relu", "elu", "tanh", "sigmoid")
OPTIMISERS = ("rmsprop", "adam", "sgd", "adagrad", "adadelta", "adamax", "nadam")
SPACE = Space({"layers": LAYERS, "neurons": NEURONS, "activation": ACTIVATIONS, "optimiser": OPTIMISERS})


def read(root: Path | None = None) -> Table:
    """The stored run as a table for replays; an error names what is missing (see `Table.read`).

    Args:
        root: another folder of stored runs than `results/`.
    """
    run = results.load("designs", root)
    images = run.provenance["settings"]["images"]
    return Table.read(run.tables["epochs"], SPACE, n_validation=images["validation"], n_test=images["test"])
