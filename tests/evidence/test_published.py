"""The published networks: read safely, shuffled within a unit, silenced at the mean."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from evidence.runner import Context, Unit
from evidence.runs import published
from neuroevo import nets


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder like a clone of the repository, with two networks of normal weights."""
    folder = tmp_path / "clone" / "best_genomes"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for width in published.WIDTHS:
        shapes = {"w1": (width, 784), "b1": (width,), "w2": (10, width), "b2": (10,)}
        controller = {name: rng.normal(size=shape).tolist() for name, shape in shapes.items()}
        (folder / f"best_genome_mnist_gen{width}.pkl").write_bytes(pickle.dumps({"controller": controller}, 4))
    return folder.parent


def test_a_run_of_both_networks_and_their_controls(clone: Path, context: Context) -> None:
    context = Context("smoke", context.device, context.scratch, source=clone, progress=False)
    rows = published.run_unit(Unit("hidden layers", 0), context)
    assert {row["space"] for row in rows["spaces"]} == {
        *(f"{kind} {width}" for kind in ("published", "shuffled", "random", "twin") for width in (32, 64)),
        "pixels",
    }
    probes = {row["space"]: row["probe"] for row in rows["spaces"]}
    assert probes["pixels"] > probes["random 32"] > 0.2
    kept = [row["kept"] for row in rows["cuts"] if row["network"] == "twin 64" and row["order"] == "by lot"]
    assert kept == list(range(64, -1, -1))
    moved = {(row["space"], row["n"], row["ridge"]): row["probe"] for row in rows["probes"]}
    assert len(moved) == len(rows["probes"]) == 3 * (1 + 2 * 7)
    assert moved["published 64, a tenth", 2_000, 1.0] != moved["published 64", 2_000, 1.0]
    assert moved["pixels", 2_000, 1.0] > 0.2


def test_without_a_clone_it_says_what_it_needs(context: Context, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be a clone"):
        published.run_unit(Unit("hidden layers", 0), context)
    with pytest.raises(ValueError, match="must be a clone"):
        published.published(tmp_path)


def test_shuffling_keeps_every_units_numbers() -> None:
    net = nets.MLP((50, 4, 3))
    genome = net.init(1, 1.0, torch.Generator().manual_seed(0))[0]
    other = published.shuffled(net, genome, torch.Generator().manual_seed(1))
    (before, bias), second = net.layers(genome[None])
    (after, bias_after), second_after = net.layers(other[None])
    assert not torch.equal(before, after)
    assert torch.equal(before.sort(dim=2).values, after.sort(dim=2).values)
    assert torch.equal(bias, bias_after)
    assert all(torch.equal(a, b) for a, b in zip(second, second_after, strict=True))


def test_silencing_all_leaves_one_answer_and_a_useless_unit_goes_first() -> None:
    net = nets.MLP((20, 5, 3))
    rng = torch.Generator().manual_seed(0)
    genome = net.init(1, 1.0, rng)[0]
    _, (readout, _) = net.layers(genome[None])
    readout[0, :, 3] = 0.0  # nobody listens to unit 3
    x = torch.randn(400, 20, generator=rng)
    y = net.forward(genome[None], x)[0].argmax(dim=1)
    order = published.silenced(net, genome, x, y)
    assert order[0] == 3
    assert sorted(order) == [0, 1, 2, 3, 4]
    means = published.hidden(net, genome, x).mean(dim=0)
    right = published.read_without(net, genome, order, means, x, y)
    assert right[0] == right[1] == 400
    assert right[-1] in torch.bincount(y, minlength=3).tolist()
