"""The gradient-trained twin of an evolved network: a population of one, and Adam on the same forward function."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from evidence.recorder import Net
from neuroevo import data, nets


def glorot(net: nets.MLP, rng: torch.Generator) -> Tensor:
    """One network to start from, (1, n_params): Glorot's scale for tanh (Glorot and Bengio 2010), biases zero."""
    genome = net.init(1, 1.0, rng)
    for weights, biases in net.layers(genome):
        weights.mul_((2 / sum(weights.shape[1:])) ** 0.5)
        biases.zero_()
    return genome.requires_grad_()


def descend(net: Net, genome: Tensor, adam: torch.optim.Adam, x: Tensor, y: Tensor) -> None:
    """One step on the log-likelihood of classes y of images x."""
    loss = -nets.mean_log_likelihood(net.forward(genome, x), y).sum()
    adam.zero_grad()
    loss.backward()
    adam.step()


def batches(train: data.Split, n: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of n images and their classes, epoch after epoch, each in a new order."""
    order = torch.empty(0, dtype=torch.long)
    while True:
        if len(order) < n:
            order = torch.randperm(len(train), generator=rng, device=rng.device)
        batch, order = order[:n], order[n:]
        yield train.pixels(batch), train.y[batch]
