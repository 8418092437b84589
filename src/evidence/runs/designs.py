"""The table of 672 designs: every multilayer perceptron of the tuning post's space, trained on CIFAR-10.

Space and training follow the repository behind the post (harvitronix/neural-network-genetic-algorithm, 2017): 1 to 4
hidden layers of 64 to 1024 units, four activations, seven optimisers with Keras' defaults of that time, dropout 0.2,
batches of 64, Glorot's uniform start. Validation and test accuracy are kept at every epoch, so early stopping and
successive halving can be replayed from the table.

Designs of one shape train side by side: their weights are one stack, and a layer of all of them is one batched product.
On a GPU all 28 are one stack; on a CPU only as many as its cache holds, because a larger stack is slower than one
network after the other. A unit is one shape with one seed; the units called `time` measure what stacking saves.

    python3 course.py run designs --seeds 3 --device cuda                     # full size
    python3 course.py run designs --seeds 3 --size laptop --out results       # the stated reduction
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo.data import cifar
from neuroevo.search.designs import LAYERS, NEURONS

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "elu": functional.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}
# Learning rates and constants are Keras 2.0's (2017), which the post didn't change. Of PyTorch's ways to compute a step
# the one is chosen that is fastest on a CPU: `foreach` and `fused` save up to a third of a large network's step.
OPTIMISERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.001, alpha=0.9, foreach=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.001, fused=True),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.01),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=1.0, rho=0.95, eps=1e-8, foreach=True),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.002, foreach=True),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.002, foreach=True),
}
DESIGNS = tuple(product(OPTIMISERS, ACTIVATIONS))  # of one shape, in the order of the stack
DROPOUT, BATCH, N_CLASSES = 0.2, 64, 10
CACHE_BYTES = 4 * 2**20  # weights of a stack on a CPU


@dataclass(frozen=True)
class Size:
    """How much of CIFAR-10, and how long.

    Attributes:
        n_train, n_validation, n_test: images; the first two are cut from the training file in an order that is the same
            for all seeds.
        side: pixels of a side, 32 or a power of two below it (blocks are averaged).
        n_epochs: epochs of every design; early stopping is replayed from the table.
    """

    n_train: int
    n_validation: int
    n_test: int
    side: int
    n_epochs: int


SIZES = {
    "smoke": Size(256, 200, 200, 8, 2),
    "laptop": Size(2_560, 1_500, 2_000, 8, 10),
    "full": Size(45_000, 5_000, 10_000, 32, 40),
}


class Stack:
    """Networks of one shape that train side by side, each with its own activation and optimiser.

    Args:
        n_inputs: pixels of an image.
        n_layers, n_neurons: the shape.
        designs: (optimiser, activation) of each network, all activations of an optimiser together.
        rng: source of the weights and of dropout, on the device where all of it happens.

    Attributes:
        weights: for each layer (n_designs, out, in); biases: (n_designs, out, 1).
    """

    def __init__(
        self,
        n_inputs: int,
        n_layers: int,
        n_neurons: int,
        designs: tuple[tuple[str, str], ...],
        rng: torch.Generator,
    ) -> None:
        self.activations = [ACTIVATIONS[activation] for _, activation in designs]
        self.rng = rng
        sizes = [n_inputs, *[n_neurons] * n_layers, N_CLASSES]
        self.weights, self.biases = [], []
        for n_in, n_out in pairwise(sizes):
            bound = math.sqrt(6 / (n_in + n_out))
            # One draw for all designs: they differ by their settings alone.
            start = torch.rand((n_out, n_in), generator=rng, device=rng.device).mul_(2 * bound).sub_(bound)
            self.weights.append(start.repeat(len(designs), 1, 1).requires_grad_())
            self.biases.append(torch.zeros(len(designs), n_out, 1, device=rng.device).requires_grad_())
        self._optimisers = []
        for name in dict.fromkeys(optimiser for optimiser, _ in designs):
            rows = [i for i, (optimiser, _) in enumerate(designs) if optimiser == name]
            part = slice(rows[0], rows[-1] + 1)
            views = [(whole, part, nn.Parameter(whole.detach()[part])) for whole in (*self.weights, *self.biases)]
            self._optimisers.append((OPTIMISERS[name]([view for *_, view in views]), views))

    def forward(self, x: Tensor, *, train: bool) -> Tensor:
        """Logits (n_designs, n_classes, n) of images x (n, n_inputs)."""
        n_designs = len(self.activations)
        h = (self.weights[0].flatten(0, 1) @ x.T).unflatten(0, (n_designs, -1)) + self.biases[0]
        for weights, biases in zip(self.weights[1:], self.biases[1:], strict=True):
            h = torch.stack([activate(row) for activate, row in zip(self.activations, h, strict=True)])
            if train:
                mask = torch.empty_like(h, requires_grad=False).bernoulli_(1 - DROPOUT, generator=self.rng)
                h = h * mask.div_(1 - DROPOUT)
            h = torch.baddbmm(biases, weights, h)
        return h

    def step(self, x: Tensor, y: Tensor) -> None:
        """One training step of every network on one batch: images (n, n_inputs), labels (n,)."""
        logits = self.forward(x, train=True)
        # A sum over designs: each network gets the gradient of its own mean loss and nothing else.
        labels = y.expand(len(logits), -1).reshape(-1)
        loss = functional.cross_entropy(logits.transpose(1, 2).flatten(0, 1), labels, reduction="sum") / len(y)
        for whole in (*self.weights, *self.biases):
            whole.grad = None
        loss.backward()
        for optimiser, views in self._optimisers:
            for whole, part, view in views:
                assert whole.grad is not None
                view.grad = whole.grad[part]
            optimiser.step()

    @torch.no_grad()
    def count_correct(self, x: Tensor, y: Tensor) -> list[int]:
        """Right answers of every network on images (n, n_inputs) with labels (n,)."""
        right = [
            (self.forward(images, train=False).argmax(dim=1) == labels).sum(dim=1)
            for images, labels in zip(x.split(500), y.split(500), strict=True)
        ]
        return torch.stack(right).sum(dim=0).tolist()


@dataclass(frozen=True)
class _Data:
    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    source: str


@cache
def _load(size: str, source: Path | None, device: torch.device) -> _Data:
    s = SIZES[size]
    x, y, x_test, y_test, origin = cifar.read(source)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    test_order = torch.randperm(len(y_test), generator=torch.Generator().manual_seed(1))

    def part(images: Tensor, labels: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        pixels = images[rows].permute(0, 3, 1, 2).float() / 255
        small = functional.avg_pool2d(pixels, 32 // s.side)
        return small.flatten(1).to(device), labels[rows].to(device)

    return _Data(
        part(x, y, order[: s.n_train]),
        part(x, y, order[s.n_train : s.n_train + s.n_validation]),
        part(x_test, y_test, test_order[: s.n_test]),
        origin,
    )


def _train(unit: Unit, context: Context) -> Rows:
    """Train the 28 designs of one shape with one seed: a row for each design and epoch."""
    n_layers, n_neurons = (int(word) for word in unit.method.split("x"))
    size = SIZES[context.size]
    parts = _load(context.size, context.source, context.device)
    x, y = parts.train
    n_params = n_neurons * (x.shape[1] + (n_layers - 1) * n_neurons + N_CLASSES)
    together = len(DESIGNS) if context.device.type == "cuda" else max(1, CACHE_BYTES // (4 * n_params))
    rows = []
    for designs in _batched(DESIGNS, together):
        # The same seed for every stack: designs share their start and the order of the images.
        rng = torch.Generator(context.device).manual_seed(unit.seed)
        stack = Stack(x.shape[1], n_layers, n_neurons, designs, rng)
        for epoch in context.bar(range(1, size.n_epochs + 1), unit, "epoch"):
            start = time.process_time()
            for batch in torch.randperm(len(y), generator=rng, device=context.device).split(BATCH):
                stack.step(x[batch], y[batch])
            seconds = (time.process_time() - start) / len(designs)
            scores = zip(designs, stack.count_correct(*parts.validation), stack.count_correct(*parts.test), strict=True)
            for (optimiser, activation), validation, test in scores:
                row = {"layers": n_layers, "neurons": n_neurons, "activation": activation, "optimiser": optimiser}
                row |= {"seed": unit.seed, "epoch": epoch, "validation_correct": validation, "test_correct": test}
                rows.append(row | {"core_seconds": round(seconds, 4)})
    return {"epochs": rows}


def _batched(designs: tuple[tuple[str, str], ...], n: int) -> Iterator[tuple[tuple[str, str], ...]]:
    # itertools.batched needs Python 3.12
    for first in range(0, len(designs), n):
        yield designs[first : first + n]


def _time(unit: Unit, context: Context) -> Rows:
    """Seconds of a training step of each optimiser alone (relu), and of the whole stack, for one shape."""
    n_layers, n_neurons = (int(word) for word in unit.method.removeprefix("time ").split("x"))
    x, y = _load(context.size, context.source, context.device).train
    x, y = x[:BATCH], y[:BATCH]
    rows = []
    stacks = {name: ((name, "relu"),) for name in OPTIMISERS} | {"all 28": DESIGNS}
    for name, designs in stacks.items():
        rng = torch.Generator(context.device).manual_seed(unit.seed)
        stack = Stack(x.shape[1], n_layers, n_neurons, designs, rng)
        n_steps = 3 if context.size == "smoke" else 20
        times = []
        for _ in range(n_steps + 3):
            start = time.perf_counter()
            stack.step(x, y)
            if context.device.type == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        seconds = sorted(times[3:])[n_steps // 2]
        rows.append({"layers": n_layers, "neurons": n_neurons, "networks": name, "seconds_a_step": round(seconds, 6)})
    return {"timing": rows}


def units(seeds: list[int]) -> list[Unit]:
    """Seed by seed, small shapes first, so that a stopped run has whole tables; the timing last."""
    shapes = sorted(product(LAYERS, NEURONS), key=lambda shape: shape[0] * shape[1] ** 2)
    trained = [Unit(f"{layers}x{neurons}", seed) for seed in seeds for layers, neurons in shapes]
    return trained + [Unit(f"time {layers}x{neurons}", 0) for layers, neurons in shapes]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Train or time one shape; rows for the tables epochs and timing."""
    return _time(unit, context) if unit.method.startswith("time ") else _train(unit, context)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds and the source of the images, for the provenance."""
    s = SIZES[size]
    return {
        "size": size,
        "images": {"train": s.n_train, "validation": s.n_validation, "test": s.n_test, "side": s.side},
        "source": "CIFAR-10; with --source from JPEG files of quality 75, near the published pixels, not equal",
        "n_epochs": s.n_epochs,
        "batch": BATCH,
        "dropout": DROPOUT,
        "activations": list(ACTIVATIONS),
        "optimisers": {name: _constants(make) for name, make in OPTIMISERS.items()},
        "start": "Glorot uniform, the same for all designs of a shape and seed",
    }


def _constants(make: Callable[[list[nn.Parameter]], torch.optim.Optimizer]) -> dict[str, float]:
    defaults = make([nn.Parameter(torch.zeros(1))]).defaults
    return {key: value for key, value in defaults.items() if isinstance(value, int | float) and value}


EXPERIMENT = Experiment(units, run_unit, settings)
