"""What GENREG's two published networks hold in their hidden layers, and how many of their units they need.

The README reads its fourth finding off pictures of these layers. Here each layer is asked for numbers, beside the same
network with every unit's weights shuffled among the pixels, a layer that nothing has trained, and a gradient-trained
twin of its width; the table `probes` moves what such a number hangs on. The checkpoints are pickles of strangers: see
`genreg_audit` for how they are read.

    git clone https://github.com/A1CST/GENREG_ALPHA_MNIST
    python3 course.py run published --seeds 5 --source GENREG_ALPHA_MNIST
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import silhouette_score
from torch import Tensor

from evidence.recorder import load
from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.findings import hidden, probe
from evidence.runs.genreg_audit import read_plain_pickle
from evidence.runs.twin import batches, descend, glorot
from neuroevo import nets
from neuroevo.data import ImageData, Split
from neuroevo.genreg import Settings

WIDTHS = (32, 64)
N_PROBE = 2_000
BATCH, LEARNING_RATE = 256, 0.003
TWIN_STEPS = {"smoke": 20, "laptop": 200, "full": 800}
READERS = ((2_000, 1.0), (2_000, 100.0), (20_000, 1.0))  # images that a probe is fitted to, its ridge penalty
FIRST_DRAWS = (0.02, 0.05, 0.1, 0.2)  # standard deviation of the weights
SHRUNK = 0.1  # what the published first layer is multiplied with, so that its units hardly saturate


@cache
def published(folder: Path) -> dict[int, Tensor]:
    """Hidden units -> the genome, (n_params,), of each published MNIST network in a clone of the repository.

    Raises:
        ValueError: there is none.
    """
    genomes = {}
    for path in sorted(folder.glob("best_genomes/best_genome_mnist_*.pkl")):
        layers = read_plain_pickle(path)["controller"]
        parts = [np.array(layers[key], dtype=np.float32).ravel() for key in ("w1", "b1", "w2", "b2")]
        genomes[len(parts[1])] = torch.from_numpy(np.concatenate(parts))
    if set(genomes) != set(WIDTHS):
        raise ValueError(
            f"--source must be a clone of the GENREG repository with its folder best_genomes, not {folder}"
        )
    return genomes


def shuffled(net: nets.MLP, genome: Tensor, rng: torch.Generator) -> Tensor:
    """The genome with every hidden unit's weights in another order: the same numbers, at other pixels."""
    genome = genome.clone()
    (weights, _), *_ = net.layers(genome[None])
    for row in weights[0]:
        row.copy_(row[torch.randperm(len(row), generator=rng)])
    return genome


def make_twin(net: nets.MLP, train: Split, n_steps: int, rng: torch.Generator) -> Tensor:
    """The same network by Adam, (n_params,)."""
    genome = glorot(net, rng)
    adam = torch.optim.Adam([genome], lr=LEARNING_RATE)
    coming = batches(train, BATCH, rng)
    for _ in range(n_steps):
        descend(net, genome, adam, *next(coming))
    return genome.detach()[0]


def silenced(net: nets.MLP, genome: Tensor, x: Tensor, y: Tensor) -> list[int]:
    """Hidden units in the order in which they are best silenced: each time the one that is missed least on x.

    A silenced unit says its mean, whatever the image, so that the output layer's thresholds still fit.
    """
    layer = hidden(net, genome, x)
    *_, (weights, biases) = net.layers(genome[None])
    logits = layer @ weights[0].T + biases[0]
    parts = (layer.mean(dim=0) - layer).T[:, :, None] * weights[0].T[:, None, :]  # (units, images, 10)
    order: list[int] = []
    left = list(range(net.sizes[1]))
    while left:
        right = ((logits + parts[left]).argmax(dim=2) == y).sum(dim=1)
        unit = left.pop(int(right.argmax()))
        logits = logits + parts[unit]
        order.append(unit)
    return order


def read_without(net: nets.MLP, genome: Tensor, order: list[int], means: Tensor, x: Tensor, y: Tensor) -> list[int]:
    """Right answers on x with none, one, two, ... all of the units silenced, in this order, at these means (units,)."""
    layer = hidden(net, genome, x)
    *_, (weights, biases) = net.layers(genome[None])
    right = []
    for unit in [None, *order]:
        if unit is not None:
            layer[:, unit] = means[unit]
        right.append(int(((layer @ weights[0].T + biases[0]).argmax(dim=1) == y).sum()))
    return right


def moved_probes(images: ImageData, genomes: dict[int, Tensor], seed: int) -> list[dict[str, Any]]:
    """Probes of the published layers and their controls with other readers, first draws and sizes of the weights."""
    rng = torch.Generator().manual_seed(seed)
    x, y = _draw(images.train, rng, max(n for n, _ in READERS))
    x_new, y_new = _draw(images.validation, rng)
    layers = {"pixels": (x, x_new)}
    for width, genome in sorted(genomes.items()):
        net = nets.MLP((784, width, 10))
        small = genome.clone()
        for part in net.layers(small[None])[0]:
            part.mul_(SHRUNK)
        asked = {f"published {width}": genome, f"published {width}, a tenth": small}
        asked[f"shuffled {width}"] = shuffled(net, genome, rng)
        asked |= {f"random {width}, {std:g}": net.init(1, std, rng)[0] for std in FIRST_DRAWS}
        layers |= {name: (hidden(net, one, x), hidden(net, one, x_new)) for name, one in asked.items()}
    return [
        {"space": name, "seed": seed, "n": n, "ridge": ridge, "probe": probe(old[:n], y[:n], new, y_new, ridge)}
        for name, (old, new) in layers.items()
        for n, ridge in READERS
    ]


def run_unit(unit: Unit, context: Context) -> Rows:
    """One draw of images, shuffles and twins: rows of the tables spaces, cuts and probes."""
    if context.source is None:
        raise ValueError("--source must be a clone of the GENREG repository")
    images, seed = load(context.size), unit.seed
    rng = torch.Generator().manual_seed(seed)
    x, y = _draw(images.train, rng)
    x_new, y_new = _draw(images.validation, rng)
    networks: dict[str, tuple[nets.MLP, Tensor]] = {}
    for width, genome in sorted(published(context.source).items()):
        net = nets.MLP((784, width, 10))
        networks |= {
            f"published {width}": (net, genome),
            f"shuffled {width}": (net, shuffled(net, genome, rng)),
            f"random {width}": (net, net.init(1, Settings().init_std, rng)[0]),
            f"twin {width}": (net, make_twin(net, images.train, TWIN_STEPS[context.size], rng)),
        }
    layers = {name: (hidden(*network, x), hidden(*network, x_new)) for name, network in networks.items()}
    rows: Rows = {"spaces": [], "cuts": [], "probes": moved_probes(images, published(context.source), seed)}
    for name, (old, new) in (layers | {"pixels": (x, x_new)}).items():
        space: dict[str, Any] = {"space": name, "seed": seed, "probe": probe(old, y, new, y_new)}
        space["silhouette"] = float(silhouette_score(new.numpy(), y_new.numpy()))
        if name in networks:
            net, genome = networks[name]
            space["accuracy"] = float(nets.accuracy(net.forward(genome[None], x_new), y_new))
            space["saturated"] = float((new.abs() > 0.99).float().mean())
        rows["spaces"].append(space)
    for name in (f"{kind} {width}" for kind in ("published", "twin") for width in WIDTHS):
        net, genome = networks[name]
        chance = torch.randperm(net.sizes[1], generator=rng).tolist()
        for how, order in {"least missed first": silenced(net, genome, x, y), "by lot": chance}.items():
            means = layers[name][0].mean(dim=0)
            for cut, right in enumerate(read_without(net, genome, order, means, x_new, y_new)):
                row = {"network": name, "seed": seed, "order": how, "kept": net.sizes[1] - cut}
                rows["cuts"].append(row | {"right": right, "n": len(y_new)})
    return rows


def _draw(part: Split, rng: torch.Generator, n: int = N_PROBE) -> tuple[Tensor, Tensor]:
    some = torch.randperm(len(part), generator=rng)[:n]
    return part.pixels(some), part.y[some]


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "source": "https://github.com/A1CST/GENREG_ALPHA_MNIST, commit b45c348 of 2025-12-29",
        "data": load(size).source,
        "n_probe": N_PROBE,
        "twins": {"steps": TWIN_STEPS[size], "batch": BATCH, "learning_rate": LEARNING_RATE},
        "std of random weights": Settings().init_std,
        "probes": {"readers": READERS, "std of first draws": FIRST_DRAWS, "shrunk to": SHRUNK},
    }


EXPERIMENT = Experiment(lambda seeds: [Unit("hidden layers", seed) for seed in seeds], run_unit, settings)
