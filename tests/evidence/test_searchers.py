"""Optuna's samplers on a small table: whole searches, each training paid for once."""

import json
from itertools import product

import pandas as pd
import pytest

from evidence import provenance, runner
from evidence.runs import searchers
from neuroevo import results, search
from neuroevo.search import designs

SPACE = search.Space({"layers": [1, 2], "neurons": [64, 128, 256]})


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A stored run `designs` of six designs: the more layers and neurons, the better."""
    monkeypatch.setattr(designs, "SPACE", SPACE)
    rows = [
        SPACE.design(i) | {"seed": seed, "epoch": epoch, "validation_correct": 10 * i + seed + epoch}
        for i, seed, epoch in product(range(6), range(2), (1, 2))
    ]
    table = pd.DataFrame(rows).assign(test_correct=3, core_seconds=1.5)
    settings = {"images": {"validation": 100, "test": 100}}
    provenance.save("designs", {"epochs": table}, command="x", seeds=[0, 1], settings=settings, root=tmp_path)
    return tmp_path


def test_a_smoke_run(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(searchers, "BUDGET", 26)
    runner.run("searchers", n_seeds=2, size="smoke", out=tmp_path / "out", source=stored)
    rows = results.load("searchers", tmp_path / "out").tables["replays"]
    assert set(rows["sampler"]) == {"tpe", "nsga2"}
    assert rows.groupby("sampler")["replay"].nunique().eq(4).all()
    assert sorted(rows["trainings"].unique()) == [13, 26]
    # Two epochs of 1.5 seconds each, for every training.
    assert (rows["seconds"] == 3 * rows["trainings"]).all()
    assert rows[rows["trainings"] == 26]["design"].eq(5).mean() > 0.8


def test_the_stored_run_without_its_table_says_what_to_do(tmp_path):
    with pytest.raises(results.ResultsError, match=r"there is no stored run at .*designs"):
        designs.read(tmp_path)


def test_units_and_settings():
    assert len(searchers.units([0, 1])) == 2 * len(searchers.SAMPLERS)
    assert json.loads(json.dumps(searchers.settings("full")))["trainings of a search"] == 117
