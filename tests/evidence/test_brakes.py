"""Chapter 2's networks with and without a brake: tasks, rows, and a slice of the stored run."""

import json

import torch

from evidence import runner
from evidence.runner import Unit
from evidence.runs import brakes
from neuroevo import data, results


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_network_has_ten_images_of_each_digit_and_a_share_of_wrong_labels():
    x, y = brakes.make_task(20, 0.2, rng(0))
    _, clean = brakes.make_task(20, 0.0, rng(0))
    assert x.shape == (20, 100, 64)
    assert all(labels.bincount(minlength=10).tolist() == [10] * 10 for labels in clean)
    assert 0.15 < (y != clean).float().mean() < 0.25


def test_all_settings_start_from_the_same_weights_and_long_training_knows_wrong_labels():
    x, y = brakes.make_task(3, 0.2, rng(1))
    validation = data.digits().validation
    watch = [(x, y), (validation.pixels(), validation.y)]
    slow, fast = (brakes.train(x, y, watch, 64, rate, 0.0, 300) for rate in (0.0003, 0.01))
    assert torch.equal(slow[0], fast[0])
    assert fast[-1, 0].max() == 0 < slow[-1, 0].min()
    assert fast[-1, 1].mean() > fast[:, 1].amin(0).mean() + 2  # it was better before it knew them by heart


def test_dropout_silences_and_turns_up():
    layers = [torch.ones(1, 4, 1000), torch.zeros(1, 1, 1000), torch.ones(1, 1000, 1), torch.zeros(1, 1, 1)]
    x = torch.ones(1, 50, 4)
    whole, dropped = brakes.scores_of(x, layers), brakes.scores_of(x, layers, 0.5, rng(2))
    assert (whole == 4000).all()
    assert dropped.std() > 50
    assert abs(dropped.mean() - 4000) < 60


def test_a_smoke_run(tmp_path, monkeypatch):
    monkeypatch.setattr(brakes, "PLAIN", brakes.PLAIN[-2:])
    monkeypatch.setattr(brakes, "DROPOUT", brakes.DROPOUT[:1])
    runner.run("brakes", n_seeds=1, size="smoke", out=tmp_path)
    rows = results.load("brakes", tmp_path).tables["runs"]
    assert len(rows) == 3 * 3 * 2 * 5
    assert set(rows["steps"]) == {20, 40}
    assert (rows["validation then"] <= rows["validation"]).all()
    assert (rows["stopped at"] <= rows["steps"]).all()


def test_units_and_settings():
    assert Unit("narrow; 0.001; 0.5", 0) in brakes.units([0])
    assert len(brakes.units([0])) == len(brakes.TASKS) * (len(brakes.PLAIN) + len(brakes.DROPOUT))
    assert json.loads(json.dumps(brakes.settings("full")))["steps"] == [150, 300, 600, 1500]
