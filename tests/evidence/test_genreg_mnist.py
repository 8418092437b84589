"""GENREG on MNIST beside what it must be compared with: who is run, at what price, and what is written down."""

import dataclasses

import pytest

from evidence import runner
from evidence.runner import Unit
from evidence.runs import genreg_mnist
from neuroevo import results


def test_every_method_is_run_with_every_seed_and_every_sweep_with_none_of_them():
    units = genreg_mnist.units([0, 1, 2])
    sweeps = {unit for unit in units if unit.method.startswith("sweep")}
    assert {unit.seed for unit in sweeps} == {genreg_mnist.TUNING_SEED}
    assert {unit.method for unit in units} == genreg_mnist.RUNNERS.keys()
    for method in genreg_mnist.RULES.keys() | {"random search", "gradient", "softmax", "evolution strategy"}:
        assert [unit.seed for unit in units if unit.method == method] == [0, 1, 2]


def test_tuned_values_come_from_the_sweeps():
    for method, value in genreg_mnist.TUNED.items():
        assert value in genreg_mnist.SWEEPS[method]


# A smoke run


def test_smoke_run_of_every_kind_of_method(smoke, tmp_path):
    methods = ["printed", "five births", "log-likelihood", "random search", "evolution strategy", "gradient"]
    methods += ["softmax", "nearest class mean", "sweep printed 0.1", "sweep gradient 0.001"]
    tables = smoke("genreg-mnist", methods)
    finals, curves, sweeps = tables["finals"].set_index("method"), tables["curves"], tables["sweeps"]
    assert list(finals.index) == methods[:8]
    assert list(sweeps["method"]) == methods[8:]
    right = finals[[f"right_{digit}" for digit in range(10)]].sum(axis=1)
    assert (right == finals["test_correct"]).all()
    assert (finals["n_test"] == 300).all()
    assert not {"test_correct", "n_test"} & set(sweeps.columns)  # no sweep opens the test set
    by_digit = curves[[f"validation_{digit}" for digit in range(10)]].sum(axis=1)
    shares = curves["validation"] / by_digit.where(by_digit > 0)
    assert shares.max() == pytest.approx(shares.min(), rel=1e-4)  # all digits together, of as many images at every look
    best = curves.groupby("method")["validation"].max()
    assert best.to_dict() == finals.drop("nearest class mean")["validation"].to_dict()

    per_generation = genreg_mnist.N_GENOMES["smoke"] * 10 * genreg_mnist.IMAGES_PER_CLASS
    selection = ["printed", "five births", "log-likelihood", "random search", "evolution strategy"]
    assert (finals.loc[selection, "evaluations"] == 12 * per_generation).all()
    for method, curve in curves.groupby("method"):
        per_step = per_generation if method in selection else 3 * genreg_mnist.BATCH
        assert (curve["evaluations"] == curve["step"] * per_step).all()
        assert curve["seconds"].is_monotonic_increasing

    provenance = results.load("genreg-mnist", tmp_path / "out").provenance
    assert provenance["command"] == "python3 course.py run genreg-mnist --seeds 1 --size smoke"
    assert provenance["settings"]["data"] == "digits fallback"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".work", "genreg-mnist"]
    assert not list((tmp_path / "out" / ".work").iterdir())


def test_a_run_repeats_and_seeds_differ(context, without_clocks):
    rows = [without_clocks(genreg_mnist.run_unit(Unit("printed", seed), context)["finals"]) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != [row | {"seed": 0} for row in rows[2]]


def test_a_full_size_run_needs_mnist_itself(tmp_path, monkeypatch):
    short = dataclasses.replace(genreg_mnist.EXPERIMENT, units=lambda seeds: [Unit("nearest class mean", 0)])
    monkeypatch.setattr(genreg_mnist, "EXPERIMENT", short)
    with pytest.raises(RuntimeError, match=r"a full-size run needs MNIST itself.*this is not MNIST"):
        runner.run("genreg-mnist", size="full", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
