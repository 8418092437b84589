"""Inner trainings: many small networks, each with an activation, a loss and a learning rate of its own, in one batch.

Networks are trained along a run axis R. An activation is read off once, on 513 points, and straight lines between them
stand for it, so that forty different ones cost no more than forty times the same one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from evidence.runs.rules import trees
from neuroevo import data

REACH, FINE = 8, 32  # the table's points: from -8 to 8, 32 a unit
GRID = torch.arange(-REACH * FINE, REACH * FINE + 1) / FINE
N_VALIDATION = 300
FIRST_SHARE = 0.25


class Genome(NamedTuple):
    """The rules of one training.

    tree: the activation. loss: a name of `BY_HAND` or eight Taylor coefficients. log_rate: log10 of Adam's rate.
    """

    tree: trees.Tree = ("tanh", "x")
    loss: str | tuple[float, ...] = "cross-entropy"
    log_rate: float = -2.0


@dataclass(frozen=True)
class Task:
    """What is trained, and on what.

    source: "digits", "parity" (odd digits against even ones) or "letters". hidden: widths of the hidden layers. noise:
    share of the training and validation labels that are wrong. scaled: whether first weights are scaled so that a
    layer's sums have standard deviation 1. learned: whether each layer learns how much of the identity it mixes into
    its activation, from FIRST_SHARE on: with ReLU a PReLU (He et al., 2015).
    """

    source: str = "digits"
    hidden: tuple[int, ...] = (16,) * 6
    noise: float = 0.0
    n_steps: int = 200
    batch: int = 32
    scaled: bool = True
    learned: bool = False


class Deal(NamedTuple):
    """What one seed deals out: images with labels (wrong ones among them), a clean test, first weights, batches."""

    x: Tensor
    y: Tensor
    x_validation: Tensor
    y_validation: Tensor
    x_test: Tensor
    y_test: Tensor
    weights: list[Tensor]
    batches: Tensor


@cache
def _images(source: str) -> tuple[Tensor, ...]:
    """The pool of digits that seeds deal from; all letters, with their families, of the letters."""
    if source == "letters":
        letters = data.letters(16)
        families = torch.tensor([letters.families.index(face.family) for face in letters.faces])
        return letters.x.float() / 255, letters.y, families[letters.face]
    train = data.digits().train
    return train.pixels(), train.y % _n_classes(source)


@cache
def _sealed_images(source: str) -> tuple[Tensor, Tensor]:
    """Images of digits that no search sees."""
    digits = data.digits()
    test = digits.test.open("chapter 16: images that no search sees")
    y = torch.cat([digits.validation.y, test.y])
    return torch.cat([digits.validation.pixels(), test.pixels()]), y % _n_classes(source)


def _n_classes(source: str) -> int:
    return 2 if source == "parity" else 10


def _mislabelled(y: Tensor, share: float, n_classes: int, rng: torch.Generator) -> Tensor:
    hit = torch.rand(len(y), generator=rng) < share
    return torch.where(hit, (y + torch.randint(1, n_classes, (len(y),), generator=rng)) % n_classes, y)


@lru_cache(maxsize=256)
def deal(task: Task, seed: int, sealed: bool = False) -> Deal:
    """All that a seed decides. Digits: 600 to train on and 300 to validate; letters: 400, 100, and 100 of 3 families
    that neither of them shows to test. `sealed` leaves the digits' test shut."""
    rng = torch.Generator().manual_seed(seed)
    x, y, *rest = _images(task.source)
    n_classes = int(y.max()) + 1
    order = torch.randperm(len(x), generator=rng)
    if task.source == "letters":
        unmet = torch.isin(rest[0][order], torch.randperm(int(rest[0].max()) + 1, generator=rng)[:3])
        test, known = order[unmet][:100], order[~unmet]
        train, validation = known[:400], known[400:500]
        x_test, y_test = x[test], y[test]
    else:
        x_test, y_test = (x[:0], y[:0]) if sealed else _sealed_images(task.source)
        train, validation = order[:600], order[600 : 600 + N_VALIDATION]
    labels = _mislabelled(y, task.noise, n_classes, rng)
    widths = (x.shape[1], *task.hidden, n_classes)
    weights = [torch.randn(i, o, generator=rng) / math.sqrt(i) for i, o in pairwise(widths)]
    batches = torch.randint(len(train), (task.n_steps, task.batch), generator=rng)
    return Deal(x[train], labels[train], x[validation], labels[validation], x_test, y_test, weights, batches)


def lines(trees_of_runs: Sequence[trees.Tree]) -> tuple[Tensor, Tensor]:
    """The lines between the points of each run's table, one run's after the other's: starts and slopes, (R * 512,).

    A line starts at h = 0: its value at h is start + slope * h.
    """
    read = {tree: trees.value(tree, GRID).nan_to_num().clamp(-1e3, 1e3) for tree in set(trees_of_runs)}
    table = torch.stack([read[tree] for tree in trees_of_runs])
    slopes = table.diff(dim=1) * FINE
    return (table[:, :-1] - slopes * GRID[:-1]).flatten(), slopes.flatten()


class Lookup(torch.autograd.Function):
    """A table's values, with straight lines between its points; beyond its ends the last line goes on."""

    @staticmethod
    def forward(ctx: Any, h: Tensor, starts: Tensor, slopes: Tensor) -> Tensor:
        """h (R, n, width); `starts` and `slopes` as `lines` gives them."""
        n_lines, h = len(GRID) - 1, h.nan_to_num()
        first = torch.arange(len(h), dtype=torch.float32)[:, None, None] * n_lines
        place = torch.add(first + REACH * FINE, h, alpha=FINE).clamp_(first, first + n_lines - 1).long()
        slope = slopes.take(place)
        ctx.save_for_backward(slope)
        return torch.addcmul(starts.take(place), slope, h)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """The slope of the line that each value lay on."""
        return grad * ctx.saved_tensors[0], None, None


def taylor(theta: Tensor, p: Tensor, target: Tensor) -> Tensor:
    """The loss of each run as a polynomial of third order (Gonzalez and Miikkulainen, 2021).

    theta (R, 8): centres of the target and of the prediction, six coefficients; p and target (R, n, classes) -> (R,).
    """
    t = theta.T[..., None, None]
    a, b = target - t[0], p - t[1]
    terms = t[2] * b + t[3] * b**2 / 2 + t[4] * b**3 / 6 + t[5] * a * b + t[6] * a * b**2 / 2 + t[7] * a**2 * b / 2
    return -terms.sum(-1).mean(-1)


def by_hand(name: str, p: Tensor, target: Tensor) -> Tensor:
    """The loss of each run: "cross-entropy", "MAE" or "GCE q" (Zhang and Sabuncu, 2018); shapes as in `taylor`."""
    right = (target * p).sum(-1).clamp_min(1e-7)
    if name == "cross-entropy":
        return -right.log().mean(-1)
    q = 1.0 if name == "MAE" else float(name.split()[1])
    return ((1 - right**q) / q).mean(-1)


def losses(kinds: Sequence[str | tuple[float, ...]], p: Tensor, target: Tensor) -> Tensor:
    """The loss of each run by its own rule, (R,); neighbours of a kind are computed together."""
    found, start = [], 0
    names = [kind if isinstance(kind, str) else None for kind in kinds]
    for kind, group in groupby(zip(names, kinds, strict=True), key=lambda pair: pair[0]):
        theta = [coefficients for _, coefficients in group]
        rows = slice(start, start := start + len(theta))
        here = p[rows], target[rows]
        found.append(taylor(torch.tensor(theta), *here) if kind is None else by_hand(kind, *here))
    return torch.cat(found)


class Scores(NamedTuple):
    """Of each run, (R,): accuracies on (noisy) labels of 300 training and all validation images, and on the test's; the
    highest validation accuracy on the way and the test accuracy there; at the end and on validation images, the loss's
    own value and the mean largest probability."""

    train: Tensor
    validation: Tensor
    test: Tensor
    stopped_validation: Tensor
    stopped_test: Tensor
    own_loss: Tensor
    confidence: Tensor


def train(
    task: Task, genomes: Sequence[Genome], seeds: Sequence[int], look_every: int = 0, sealed: bool = False
) -> Scores:
    """Train one network a genome and seed (two lists of length R), by Adam.

    look_every: steps between looks for early stopping; 0: none. sealed: leave the test images alone (scores are NaN).
    """
    runs, deals = len(seeds), [deal(task, seed, sealed) for seed in seeds]
    x_train, y_train = torch.stack([d.x for d in deals]), torch.stack([d.y for d in deals])
    x_val, y_val = torch.stack([d.x_validation for d in deals]), torch.stack([d.y_validation for d in deals])
    batches, every = torch.stack([d.batches for d in deals]), torch.arange(runs)[:, None]
    starts, slopes = lines([g.tree for g in genomes])
    kinds = [g.loss for g in genomes]
    rate = torch.tensor([10**g.log_rate for g in genomes])[:, None]

    # All parameters of a run are one row; a layer is a view of it (chapter 8).
    shapes = [w.shape for w in deals[0].weights]
    row = torch.zeros(runs, sum((i + 1) * o for i, o in shapes) + len(task.hidden) * task.learned)
    layers, place = [], 0
    for k, (i, o) in enumerate(shapes):
        bias, weight = (
            row[:, place : place + o].view(runs, 1, o),
            row[:, place + o : place + o + i * o].view(runs, i, o),
        )
        weight.copy_(torch.stack([d.weights[k] for d in deals]))
        layers.append((bias, weight))
        place += o + i * o
    shares = list(row[:, place:, None].fill_(FIRST_SHARE).split(1, dim=1))  # one a hidden layer, if they are learned

    def bend(sums: Tensor, layer: int) -> Tensor:
        bent = Lookup.apply(sums, starts, slopes)
        return torch.lerp(bent, sums, shares[layer]) if task.learned else bent

    def forward(h: Tensor) -> Tensor:
        for layer, (bias, weight) in enumerate(layers[:-1]):
            h = bend(torch.baddbmm(bias, h, weight), layer)
        bias, weight = layers[-1]
        return torch.baddbmm(bias, h, weight)

    if task.scaled:
        h = x_train[:, :100]
        for layer, (_, weight) in enumerate(layers):
            sums = h @ weight
            spread = sums.flatten(1).std(1)[:, None, None].clamp_min(1e-6)
            weight /= spread
            h = bend(sums / spread, layer) if layer < len(task.hidden) else h
    layers = [(bias.detach().requires_grad_(), weight.detach().requires_grad_()) for bias, weight in layers]
    shares = [share.detach().requires_grad_() for share in shares] if task.learned else []
    leaves = [leaf for layer in layers for leaf in layer] + shares
    eye, first, second = torch.eye(shapes[-1][1]), torch.zeros_like(row), torch.zeros_like(row)

    @torch.no_grad()
    def accuracy(x: Tensor, y: Tensor) -> Tensor:
        return (forward(x).argmax(-1) == y).float().mean(-1)

    def tested() -> Tensor:
        if sealed:
            return torch.full((runs,), math.nan)
        return accuracy(torch.stack([d.x_test for d in deals]), torch.stack([d.y_test for d in deals]))

    best, there = torch.full((runs,), -1.0), torch.zeros(runs)
    for step in range(1, task.n_steps + 1):
        rows = batches[:, step - 1]
        p, target = forward(x_train[every, rows]).softmax(-1), eye[y_train[every, rows]]
        grads = torch.autograd.grad(losses(kinds, p, target).sum(), leaves)
        with torch.no_grad():
            grad = torch.cat([g.flatten(1) for g in grads], 1)
            first.lerp_(grad, 0.1)
            second.mul_(0.999).addcmul_(grad, grad, value=0.001)
            scale = math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            row -= rate * scale * first / (second.sqrt() + 1e-8)
        if look_every and step % look_every == 0:
            seen = accuracy(x_val, y_val)
            better = seen > best
            best, there = torch.where(better, seen, best), torch.where(better, tested(), there)
    with torch.no_grad():
        p = forward(x_val).softmax(-1)
        own, sure = losses(kinds, p, eye[y_val]), p.max(-1).values.mean(-1)
        validation = (p.argmax(-1) == y_val).float().mean(-1)
    return Scores(accuracy(x_train[:, :300], y_train[:, :300]), validation, tested(), best, there, own, sure)
