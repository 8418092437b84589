"""The stored table of designs: every row is there, and designs that are trained again score what it says."""

import os
from pathlib import Path

import pandas as pd
import pytest
import torch

from evidence.runner import Context, Unit
from evidence.runs import designs
from neuroevo.search.designs import read

AGAIN = (("adam", "relu"), ("adamax", "elu"), ("sgd", "tanh"))


def test_the_stored_table_is_whole():
    table = read()
    assert table.validation.shape[0] == 672
    assert table.validation.shape[1] >= 3
    assert float(table.validation.max()) < 1
    assert float(table.test.mean(dim=1)[:, -1].max()) > 0.25
    assert (table.seconds > 0).all()


def cifar() -> Path | None:
    """Where the images are, as `designs` wants it; the test is skipped rather than a download begun."""
    folder = Path(os.environ.get("NEUROEVO_DATA", "."))
    if (folder / "cifar10_train_jpeg.npz").exists():
        return folder
    if not (folder / "cifar-10-batches-py").is_dir():
        pytest.skip("CIFAR-10 is not in $NEUROEVO_DATA")
    return None


def test_a_few_designs_trained_again_score_what_the_table_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = cifar()
    monkeypatch.setattr(designs, "DESIGNS", AGAIN)
    torch.set_num_threads(1)
    rows = designs.run_unit(Unit("1x64", 99), Context("laptop", torch.device("cpu"), tmp_path, source, False))
    fresh = pd.DataFrame(rows["epochs"]).query("epoch == 10")
    table = read()
    for row in fresh.to_dict("records"):
        place = table.space.index({name: row[name] for name in table.space.names})
        for stored, now in (
            (table.validation, row["validation_correct"] / 1500),
            (table.test, row["test_correct"] / 2000),
        ):
            seeds = stored[place, :, -1]
            # A few seeds give a rough spread: a floor of one point, and four of it.
            assert abs(now - float(seeds.mean())) < 4 * max(0.01, float(seeds.std()))
