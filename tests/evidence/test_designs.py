"""The table of designs: what stands in a stack is what would train alone, and the images are what they should be."""

import dataclasses
import json
import os
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from evidence.runner import Unit
from evidence.runs import designs
from neuroevo.data import DataError, cifar
from neuroevo.search.designs import read

AGAIN = (("adam", "relu"), ("adamax", "elu"), ("sgd", "tanh"))
FOLDER = os.environ.get("NEUROEVO_DATA", ".")  # where CIFAR-10 may be: a fixture hides it from the tests


@pytest.fixture(scope="module")
def source(tmp_path_factory, save_jpegs):
    folder = tmp_path_factory.mktemp("cifar")
    save_jpegs(folder / "cifar10_train_jpeg.npz", 500, lambda i: 25 * (i % 10) + i // 100)
    save_jpegs(folder / "cifar10_test_jpeg.npz", 220, lambda i: 25 * (i % 10) + i // 100)
    return folder


def test_jpegs_are_read_in_order(source):
    x, y, x_test, y_test, origin = cifar.read(source)
    assert x.shape == (500, 32, 32, 3)
    assert x_test.shape == (220, 32, 32, 3)
    assert y.tolist() == [i % 10 for i in range(500)]
    assert len(y_test) == 220
    grey = x.float().mean(dim=(1, 2, 3))
    expected = torch.tensor([25.0 * (i % 10) + i // 100 for i in range(500)])
    assert (grey - expected).abs().max() < 2
    assert "JPEG" in origin


def test_missing_and_foreign_files_are_named(tmp_path, save_jpegs):
    with pytest.raises(DataError, match=r"cifar10_train_jpeg.npz is not there"):
        cifar.read(tmp_path)
    save_jpegs(tmp_path / "cifar10_train_jpeg.npz", 3, lambda i: 0, labels=True)
    with pytest.raises(DataError, match="lacks the arrays labels"):
        cifar.read(tmp_path)


def stack(which, seed=0, n_layers=2):
    return designs.Stack(12, n_layers, 8, which, torch.Generator().manual_seed(seed))


def batches(n=6):
    rng = torch.Generator().manual_seed(5)
    return [(torch.rand((20, 12), generator=rng), torch.randint(10, (20,), generator=rng)) for _ in range(n)]


@pytest.mark.parametrize("n_layers", [1, 3])
def test_a_network_in_a_stack_learns_what_it_would_learn_alone(monkeypatch, n_layers):
    monkeypatch.setattr(designs, "DROPOUT", 0.0)
    together = stack(designs.DESIGNS, n_layers=n_layers)
    for x, y in batches():
        together.step(x, y)
    x, y = batches(1)[0]
    logits = together.forward(x, train=False)
    for i, design in enumerate(designs.DESIGNS):
        alone = stack((design,), n_layers=n_layers)
        for images, labels in batches():
            alone.step(images, labels)
        torch.testing.assert_close(logits[i], alone.forward(x, train=False)[0], rtol=1e-3, atol=1e-4)
    assert together.count_correct(x, y) == (logits.argmax(dim=1) == y).sum(dim=1).tolist()


def test_a_stack_is_the_network_that_torch_would_build(monkeypatch):
    monkeypatch.setattr(designs, "DROPOUT", 0.0)
    ours = stack((("adam", "elu"),))
    layers = [nn.Linear(12, 8), nn.Linear(8, 8), nn.Linear(8, 10)]
    twin = nn.Sequential(layers[0], nn.ELU(), layers[1], nn.ELU(), layers[2])
    with torch.no_grad():
        for layer, weights in zip(layers, ours.weights, strict=True):
            layer.weight.copy_(weights[0])
            layer.bias.zero_()
    optimiser = torch.optim.Adam(twin.parameters(), lr=0.001)
    for x, y in batches():
        ours.step(x, y)
        optimiser.zero_grad()
        nn.functional.cross_entropy(twin(x), y).backward()
        optimiser.step()
    torch.testing.assert_close(ours.forward(x, train=False)[0].T, twin(x), rtol=1e-4, atol=1e-5)


def test_dropout_silences_a_fifth_of_the_hidden_units_and_only_in_training():
    one = stack((("sgd", "sigmoid"),))
    with torch.no_grad():
        one.weights[-1].zero_()
        one.weights[-1][0, 0, 0] = 1.0  # the first output is the first unit of the last hidden layer
    x = torch.rand((4000, 12), generator=torch.Generator().manual_seed(1))
    assert (one.forward(x, train=False)[0, 0] != 0).all()
    seen = one.forward(x, train=True)[0, 0]
    assert abs(float((seen == 0).float().mean()) - 0.2) < 0.03


def test_a_unit_gives_a_row_for_each_design_and_epoch(source, context):
    context = dataclasses.replace(context, source=source)
    rows = designs.run_unit(Unit("2x64", 1), context)["epochs"]
    assert len(rows) == 28 * 2
    assert len({(row["activation"], row["optimiser"], row["epoch"]) for row in rows}) == 56
    assert all(0 <= row["validation_correct"] <= 200 and 0 <= row["test_correct"] <= 200 for row in rows)
    # One grey level a class: the better designs see more than chance within two epochs.
    assert max(row["validation_correct"] for row in rows) > 40
    times = designs.run_unit(Unit("time 1x64", 0), context)["timing"]
    assert [row["networks"] for row in times] == [*designs.OPTIMISERS, "all 28"]
    assert all(row["seconds_a_step"] > 0 for row in times)


def test_a_run_has_every_shape_with_every_seed():
    units = designs.units([0, 1, 2])
    trained = [unit for unit in units if not unit.method.startswith("time")]
    assert len(trained) == 24 * 3 == len(set(trained))
    assert len(designs.DESIGNS) * 24 == 672
    for size in designs.SIZES:
        assert json.loads(json.dumps(designs.settings(size)))["optimisers"]["adamax"]["lr"] == 0.002


def test_the_stored_table_is_whole():
    table = read()
    assert table.validation.shape[0] == 672
    assert table.validation.shape[1] >= 3
    assert float(table.validation.max()) < 1
    assert float(table.test.mean(dim=1)[:, -1].max()) > 0.25
    assert (table.seconds > 0).all()


def test_a_few_designs_trained_again_score_what_the_table_says(context, monkeypatch):
    packed = (Path(FOLDER) / "cifar10_train_jpeg.npz").exists()
    if not packed and not (Path(FOLDER) / "cifar-10-batches-py").is_dir():
        pytest.skip("CIFAR-10 is not in $NEUROEVO_DATA")
    monkeypatch.setenv("NEUROEVO_DATA", FOLDER)
    monkeypatch.setattr(designs, "DESIGNS", AGAIN)
    where = dataclasses.replace(context, size="laptop", source=Path(FOLDER) if packed else None)
    rows = designs.run_unit(Unit("1x64", 99), where)
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
