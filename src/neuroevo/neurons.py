"""Mutants that differ in one neuron of a network, scored at the price of that neuron.

A network of one hidden layer is a population of neurons: one row for each, holding what it listens to (input weights
and bias) and what it says (output weights). A mutant of the network replaces one row, so its outputs are the parent's
minus what the old neuron said plus what the new one says: 784 + 10 multiply-adds an image in place of 50,816. All
neurons have their mutants at once, and all of them can keep their own winner: a crossover of whole neurons.

    rows = neurons.split(net, genome)                      # (n_hidden, n_in + 1 + n_out): one neuron, one row
    search = neurons.Selection(rows, n_pairs=4, rng=rng)
    steps = search.ask(sigma)                              # mutants are rows + steps and rows - steps
    search.tell(*neurons.score(rows, steps, x, y))         # mutants' and parent's log-likelihood; rows change
    genome = neurons.join(net, rows)                       # the network that it has become

It asks and tells a little differently from the `strategies`, as chapter 13 and its lab show it: `sigma` comes with each
`ask`, because it falls from generation to generation; steps come in place of genomes, because `score` needs them apart
from their parents; `tell` hears of the parent, whom a mutant has to beat; and the rows given are the state, changed in
place, as the operators of `ga` whose names end in `_` change theirs.

Source: a population of neurons is as old as ESP (Gomez and Miikkulainen 1997); here one network holds one neuron of
each kind, and the whole network's log-likelihood is the only score.
"""

from __future__ import annotations

import torch
from torch import Tensor

from neuroevo.nets import MLP


def split(net: MLP, genome: Tensor) -> Tensor:
    """Read a network of one hidden layer as neurons.

    Args:
        net: an MLP with sizes (n_in, n_hidden, n_out) and tanh.
        genome: (n_params,) one row of a population.

    Returns:
        (n_hidden, n_in + 1 + n_out), a copy: input weights, bias and output weights of each hidden neuron. The output
        biases belong to no neuron and are left out.
    """
    _check(net)
    (w_in, bias), (w_out, _) = net.layers(genome[None])
    return torch.cat([w_in[0], bias[0][:, None], w_out[0].T], dim=1)


def join(net: MLP, rows: Tensor) -> Tensor:
    """The genome (n_params,) of a network of these neurons, with output biases of 0: `split` backwards."""
    _check(net)
    n_in, n_hidden, n_out = net.sizes
    if rows.shape != (n_hidden, n_in + 1 + n_out):
        wanted = f"({n_hidden}, {n_in} + 1 + {n_out})"
        raise ValueError(f"rows must have shape {wanted}, a neuron each, not {tuple(rows.shape)}")
    genome = rows.new_zeros(1, net.n_params)
    (w_in, bias), (w_out, _) = net.layers(genome)
    w_in[0], bias[0], w_out[0] = rows[:, :n_in], rows[:, n_in], rows[:, n_in + 1 :].T
    return genome[0]


def _check(net: MLP) -> None:
    if len(net.sizes) != 3 or net.activation != "tanh":
        raise ValueError(f"neurons needs an MLP of one hidden layer and tanh, not {net.sizes} with {net.activation}")


@torch.no_grad()
def score(rows: Tensor, steps: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Score every one-neuron mutant of a network exactly, without ever running a whole network for it.

    Args:
        rows: (n_hidden, n_in + 1 + n_out), the parent's neurons.
        steps: (n_hidden, n_pairs, n_in + 1 + n_out); neuron j has the mutants rows[j] + steps[j] and rows[j] -
            steps[j].
        x: (n_images, n_in).
        y: (n_images,) int64, the classes.

    Returns:
        The mutants' mean log-likelihood, (n_hidden, 2 * n_pairs): first those of + steps, then those of - steps; and
        the parent's, a tensor of one number.
    """
    n_in, n_out = x.shape[1], rows.shape[1] - x.shape[1] - 1
    if steps.dim() != 3 or steps.shape[::2] != rows.shape or n_out < 1 or len(y) != len(x):
        raise ValueError(
            "score needs rows (n_hidden, n_in + 1 + n_out), steps (n_hidden, n_pairs, the same), x (n_images, n_in) "
            f"and y (n_images,), not {tuple(rows.shape)}, {tuple(steps.shape)}, {tuple(x.shape)} and {tuple(y.shape)}"
        )
    x1 = torch.cat([x, x.new_ones(len(x), 1)], dim=1).T.contiguous()  # the bias listens to a pixel that is always 1
    says, d_says = rows[:, n_in + 1 :], steps[:, :, n_in + 1 :]
    hears = rows[:, : n_in + 1] @ x1
    # Both signs share this product.
    d_hears = (steps[:, :, : n_in + 1].flatten(0, 1) @ x1).unflatten(0, steps.shape[:2])
    h = hears.tanh()  # (n_hidden, n_images)
    logits = (says.T @ h).log_softmax(dim=0)  # (n_out, n_images)
    mutant_h = torch.cat([hears[:, None] + d_hears, hears[:, None] - d_hears], dim=1).tanh_()
    mutant_says = torch.cat([says[:, None] + d_says, says[:, None] - d_says], dim=1)

    fitness = hears.new_empty(mutant_h.shape[:2])
    for start in range(0, len(rows), 4):  # four neurons at a time: what they need stays in the processor's cache
        j = slice(start, start + 4)
        others = logits - says[j, :, None] * h[j, None]
        outputs = torch.addcmul(others[:, None], mutant_says[j, :, :, None], mutant_h[j, :, None])
        fitness[j] = log_likelihood(outputs, y)
    return fitness, log_likelihood(logits, y)


def log_likelihood(logits: Tensor, y: Tensor) -> Tensor:
    """Mean log-probability of the right class, (...) of logits (..., n_classes, n_images) that are not far from 0."""
    right = logits.gather(-2, y.expand(*logits.shape[:-2], 1, -1)).squeeze(-2)
    return (right - logits.exp().sum(dim=-2).log()).mean(dim=-1)


class Search:
    """Parts and how mutants of them are drawn; `Selection` says what becomes of these.

    Args:
        parts: (n_parts, n_genes), the parents; they change in place.
        n_pairs: each part has 2 * n_pairs mutants: parent + step and parent - step for each of n_pairs steps.
        rng: source of randomness, on the device of the parts.
    """

    def __init__(self, parts: Tensor, *, n_pairs: int, rng: torch.Generator) -> None:
        if parts.dim() != 2 or not parts.is_floating_point() or n_pairs < 1:
            given = f"{parts.dtype} of shape {tuple(parts.shape)} and {n_pairs}"
            raise ValueError(f"a search needs parts as floats (n_parts, n_genes) and n_pairs >= 1, not {given}")
        self.parts, self.n_pairs, self.rng = parts, n_pairs, rng
        self.sigma = 0.0
        self._steps: Tensor | None = None

    @torch.no_grad()
    def ask(self, sigma: float) -> Tensor:
        """Gaussian steps of standard deviation `sigma`, (n_parts, n_pairs, n_genes), to be tried both ways.

        They are what `tell` will take: set some of their genes to 0 to keep these as they are.
        """
        if not 0 < sigma < float("inf"):
            raise ValueError(f"sigma must be a finite number above 0, not {sigma}")
        shape = (self.parts.shape[0], self.n_pairs, self.parts.shape[1])
        noise = torch.randn(shape, generator=self.rng, device=self.parts.device, dtype=self.parts.dtype)
        self.sigma, self._steps = sigma, noise.mul_(sigma)
        return self._steps

    def asked(self, fitness: Tensor) -> Tensor:
        """The steps of the last `ask`, if this is the fitness (n_parts, 2 * n_pairs) of their mutants."""
        steps, shape = self._steps, (self.parts.shape[0], 2 * self.n_pairs)
        if steps is None or fitness.shape != shape or bool(fitness.isnan().any()):
            raise ValueError(
                f"tell needs the fitness of the mutants of the last ask(), of shape {shape} and without NaN, not "
                f"{tuple(fitness.shape)}"
            )
        self._steps = None
        return steps


class Selection(Search):
    """Pure selection: each part has its own parent and its own mutants, and the best of them lives on.

    A mutant replaces its parent only if it scores higher. All parts are judged beside the parents of all others and are
    replaced together.
    """

    @torch.no_grad()
    def tell(self, fitness: Tensor, parent: Tensor) -> float:
        """Keep every part's best mutant if it beats the parent.

        Args:
            fitness: (n_parts, 2 * n_pairs) of the mutants of the last `ask()`, those of + steps first.
            parent: fitness of the unchanged network, one number.

        Returns:
            The share of parts that were replaced.
        """
        steps = self.asked(fitness)
        best = fitness.max(dim=1)
        better = best.values > parent
        pair, sign = best.indices % self.n_pairs, 1 - 2 * (best.indices // self.n_pairs)
        taken = steps[torch.arange(len(steps), device=steps.device), pair]
        self.parts += taken * (sign * better)[:, None]
        return float(better.float().mean())
