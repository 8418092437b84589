"""Network architectures that read the rows of a population as weights.

A population is one float32 tensor of shape (n_genomes, n_params). An architecture owns no weights: it says which
columns of a row are which layer's weights and biases, and runs all rows on one shared batch of inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

ACTIVATIONS = {"tanh": torch.tanh_, "relu": torch.relu_, "sigmoid": torch.sigmoid_, "identity": lambda z: z}


@dataclass(frozen=True)
class MLP:
    """A fully connected network: `sizes` units per layer, `activation` after every layer but the last.

    A row holds, layer by layer, the weights (out x in, row by row) and then the biases (out).

    Args:
        sizes: units per layer, inputs first, for example (784, 64, 10).
        activation: "tanh", "relu", "sigmoid" or "identity".

    Raises:
        ValueError: fewer than two layers, a layer without units, or an unknown activation.
    """

    sizes: tuple[int, ...]
    activation: str = "tanh"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(int(n) for n in self.sizes))
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            raise ValueError(f"sizes needs at least two layers of at least one unit each, not {self.sizes}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, not {self.activation!r}")

    @property
    def n_params(self) -> int:
        """Columns of a population: weights and biases of all layers."""
        return sum(n_out * (n_in + 1) for n_in, n_out in pairwise(self.sizes))

    def layers(self, population: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Read a population as weights: views, not copies.

        Args:
            population: (n_genomes, n_params).

        Returns:
            For each layer its weights (n_genomes, out, in) and biases (n_genomes, out); writing into them
            writes into the population.
        """
        self._check_population(population)
        views, start = [], 0
        for n_in, n_out in pairwise(self.sizes):
            stop = start + n_out * n_in
            weights = population[:, start:stop].unflatten(1, (n_out, n_in))
            views.append((weights, population[:, stop : stop + n_out]))
            start = stop + n_out
        return views

    def init(self, n_genomes: int, std: float, rng: torch.Generator, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw a population, every weight and bias from a normal distribution of mean 0.

        Args:
            n_genomes: number of rows.
            std: standard deviation of every entry.
            rng: source of randomness; the population lives on its device.

        Returns:
            (n_genomes, n_params).
        """
        if n_genomes < 1 or not std >= 0:
            raise ValueError(f"init needs n_genomes >= 1 and std >= 0, not {n_genomes} and {std}")
        shape = (n_genomes, self.n_params)
        return torch.randn(shape, generator=rng, device=rng.device, dtype=dtype).mul_(std)

    def forward(self, population: Tensor, x: Tensor, *, chunk_bytes: int = 64 * 2**20) -> Tensor:
        """Run every genome on one shared batch of inputs.

        The genomes go through in chunks whose hidden activations take at most `chunk_bytes`, so memory
        doesn't grow with the population. The chunks change nothing in the result.

        Args:
            population: (n_genomes, n_params).
            x: (n_inputs, sizes[0]), the dtype and device of the population.
            chunk_bytes: bound on the activations that are held at once (at least one genome goes through).

        Returns:
            Outputs of the last layer (logits), shape (n_genomes, n_inputs, sizes[-1]).
        """
        self._check_inputs(population, x)
        # A layer's inputs are still there when its outputs are made; the images themselves are shared.
        widest = max(n_in + n_out for n_in, n_out in pairwise((0, *self.sizes[1:])))
        per_genome = x.shape[0] * widest * population.element_size()
        rows = max(1, int(chunk_bytes // max(1, per_genome)))
        if rows >= population.shape[0]:
            return self._forward(population, x)
        return torch.cat([self._forward(chunk, x) for chunk in population.split(rows)])

    def _forward(self, population: Tensor, x: Tensor) -> Tensor:
        activate = ACTIVATIONS[self.activation]
        # Columns are inputs: W @ h then needs no transposed copy of the weights, which are the big operand.
        h = x.T.expand(population.shape[0], -1, -1)
        layers = self.layers(population)
        for depth, (weights, biases) in enumerate(layers, start=1):
            h = torch.bmm(weights, h).add_(biases.unsqueeze(2))
            if depth < len(layers):
                h = activate(h)
        return h.transpose(1, 2)

    def _check_population(self, population: Tensor) -> None:
        if population.dim() != 2 or population.shape[1] != self.n_params:
            wanted = f"(n_genomes, {self.n_params}) for an MLP {self.sizes}"
            raise ValueError(f"population must have shape {wanted}, not {tuple(population.shape)}")

    def _check_inputs(self, population: Tensor, x: Tensor) -> None:
        self._check_population(population)
        if not population.is_floating_point():
            raise ValueError(f"population must hold floats, not {population.dtype}")
        if x.dim() != 2 or x.shape[1] != self.sizes[0]:
            raise ValueError(f"x must have shape (n_inputs, {self.sizes[0]}), not {tuple(x.shape)}")
        if x.dtype != population.dtype or x.device != population.device:
            raise ValueError(
                f"x is {x.dtype} on {x.device}, the population {population.dtype} on {population.device}: "
                "bring x to the population's dtype and device first, x.to(population)"
            )


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of right answers.

    Args:
        logits: (n_genomes, n_inputs, n_classes).
        labels: (n_inputs,) int64, on the device of the logits.

    Returns:
        (n_genomes,) in [0, 1].
    """
    return count_correct(logits, labels) / labels.shape[0]


def count_correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Number of right answers, shape (n_genomes,), float32; arguments as in `accuracy`."""
    _check_labels(logits, labels)
    # max, not argmax: same answer (the first of equals), ten times as fast on a CPU in torch 2.13.
    return (logits.max(dim=2).indices == labels).sum(dim=1).float()


def mean_log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean log-probability that a softmax over the logits gives the right class (minus the cross-entropy).

    Returns:
        (n_genomes,), at most 0; arguments as in `accuracy`.
    """
    _check_labels(logits, labels)
    right = logits.gather(2, labels.view(1, -1, 1).expand(logits.shape[0], -1, 1)).squeeze(2)
    return (right - logits.logsumexp(dim=2)).mean(dim=1)


def _check_labels(logits: Tensor, labels: Tensor) -> None:
    # Broadcasting would score a single label, or a column of them, without a word.
    if logits.dim() != 3:
        raise ValueError(f"logits must have shape (n_genomes, n_inputs, n_classes), not {tuple(logits.shape)}")
    if labels.shape != logits.shape[1:2] or labels.dtype != torch.int64 or labels.device != logits.device:
        raise ValueError(
            f"labels must be int64 of shape ({logits.shape[1]},) on {logits.device}, one for each input, "
            f"not {labels.dtype} of shape {tuple(labels.shape)} on {labels.device}"
        )
