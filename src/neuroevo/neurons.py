"""Mutants that differ in one part of a network, a neuron or a filter, scored at the price of that part.

A network of one hidden layer is a population of neurons: one row for each, holding what it listens to (input weights
and bias) and what it says (output weights). A mutant of the network replaces one row, so its outputs are the parent's
minus what the old neuron said plus what the new one says: 784 + 10 multiply-adds an image in place of 50,816. All
neurons have their mutants at once, and all of them can keep their own winner: a crossover of whole neurons.

    rows = neurons.split(net, genome)                      # (n_hidden, n_in + 1 + n_out): one neuron, one row
    search = neurons.Selection(rows, n_pairs=4, rng=rng)   # or neurons.Strategy(...), the same questions and answers
    steps = search.ask(sigma)                              # mutants are rows + steps and rows - steps
    search.tell(*neurons.score(rows, steps, x, y))         # mutants' and parent's log-likelihood; rows change
    genome = neurons.join(net, rows)                       # the network that it has become

`FilterNet` does the same for a small convolution network; its parts are filters and classes:

    parts = net.split(genome)                              # three matrices, a part in each row: views of the genome
    searches = [neurons.Strategy(p, n_pairs=4, learning_rate=0.01, rng=rng) for p in parts]
    fitness, parent = net.score(parts, [s.ask(sigma) for s in searches], x, y)
    for search, scores in zip(searches, fitness):
        search.tell(scores, parent)

Sources: a population of neurons is as old as ESP (Gomez and Miikkulainen 1997); here one network holds one neuron of
each kind, and the whole network's log-likelihood is the only score. The strategy is OpenAI's (Salimans et al. 2017),
one for each part.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        raise ValueError(
            f"rows must have shape ({n_hidden}, {n_in} + 1 + {n_out}), a neuron each, not {tuple(rows.shape)}"
        )
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
    d_hears = (steps[:, :, : n_in + 1].flatten(0, 1) @ x1).unflatten(
        0, steps.shape[:2]
    )  # both signs share this product
    h = hears.tanh()  # (n_hidden, n_images)
    logits = (says.T @ h).log_softmax(dim=0)  # (n_out, n_images)
    mutant_h = torch.cat([hears[:, None] + d_hears, hears[:, None] - d_hears], dim=1).tanh_()
    mutant_says = torch.cat([says[:, None] + d_says, says[:, None] - d_says], dim=1)

    fitness = hears.new_empty(mutant_h.shape[:2])
    for start in range(0, len(rows), 4):  # four neurons at a time: what they need stays in the processor's cache
        j = slice(start, start + 4)
        others = logits - says[j, :, None] * h[j, None]
        outputs = torch.addcmul(others[:, None], mutant_says[j, :, :, None], mutant_h[j, :, None])
        fitness[j] = _log_likelihood(outputs, y)
    return fitness, _log_likelihood(logits, y)


def _log_likelihood(logits: Tensor, y: Tensor) -> Tensor:
    """Mean log-probability of the right class, (...) of logits (..., n_classes, n_images) that are not far from 0."""
    right = logits.gather(-2, y.expand(*logits.shape[:-2], 1, -1)).squeeze(-2)
    return (right - logits.exp().sum(dim=-2).log()).mean(dim=-1)


@dataclass(frozen=True)
class FilterNet:
    """A convolution network whose parts can be mutated one by one: two layers of filters, then a class score each.

    28x28 pixels -> `n_first` maps of 12x12 -> `n_second` maps of 4x4 -> 10 classes. Filters are 5x5, move by two pixels
    and end in a ReLU; nothing is pooled. A filter of the second layer hears only the maps of its own group, so that a
    mutant of the first concerns few of the second. A part is a filter of either layer or a class: what it listens to,
    and its bias last. Made for the same jobs as `nets.MLP`: `forward` runs a population.

    Attributes:
        n_first, n_second: filters of the two layers.
        n_groups: divides both; the filters of a layer fall into so many groups, one after the other.
    """

    n_first: int = 8
    n_second: int = 32
    n_groups: int = 4

    def __post_init__(self) -> None:
        if min(self.n_first, self.n_second, self.n_groups) < 1 or self.n_first % self.n_groups + (
            self.n_second % self.n_groups
        ):
            raise ValueError(
                f"n_groups must divide the filters of both layers, not {self.n_groups} groups of {self.n_first} and "
                f"{self.n_second}"
            )

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(n_parts, n_genes) of the three layers."""
        hears = 25 * (self.n_first // self.n_groups)
        return [(self.n_first, 26), (self.n_second, hears + 1), (10, 16 * self.n_second + 1)]

    @property
    def n_params(self) -> int:
        """Columns of a population."""
        return sum(n_parts * n_genes for n_parts, n_genes in self.shapes)

    def split(self, genome: Tensor) -> list[Tensor]:
        """Read a genome (n_params,) as parts: three matrices (n_parts, n_genes), views of it."""
        if genome.shape != (self.n_params,):
            raise ValueError(f"genome must have shape ({self.n_params},), not {tuple(genome.shape)}")
        sizes = [n_parts * n_genes for n_parts, n_genes in self.shapes]
        return [block.view(shape) for block, shape in zip(genome.split(sizes), self.shapes, strict=True)]

    def init(self, rng: torch.Generator) -> Tensor:
        """A random genome, (n_params,): weights of variance 2 / n_inputs (He et al. 2015), biases 0."""
        genome = torch.randn(self.n_params, generator=rng, device=rng.device)
        for part in self.split(genome):
            part *= (2 / (part.shape[1] - 1)) ** 0.5
            part[:, -1] = 0
        return genome

    def multiply_adds(self, n_pairs: tuple[int, ...]) -> int:
        """Multiplications of `score` on one image with so many pairs in each layer; with (0, 0, 0), of `forward`."""
        first, second, classes = (n_parts * n_genes for n_parts, n_genes in self.shapes)
        # What a step on a first filter costs: its map, then for both mutants what its group hears of it, and says.
        group = self.n_second // self.n_groups * 16 * (25 + 10)
        of_first = 144 * first + 2 * self.n_first * group
        of_second = 16 * second + 2 * classes
        whole = 144 * first + 16 * second + classes
        return whole + n_pairs[0] * of_first + n_pairs[1] * of_second + n_pairs[2] * classes

    def forward(self, population: Tensor, x: Tensor) -> Tensor:
        """Logits (n_genomes, n_images, 10) of every genome (n_genomes, n_params) on images (n_images, 784)."""
        return torch.stack([self._run(self.split(genome), x)[-1].T for genome in population])

    def _run(self, parts: list[Tensor], x: Tensor) -> tuple[Tensor, ...]:
        """What each layer hears, and what it makes of it; images come last in all shapes."""
        n = len(x)
        heard1 = _with_one(_windows(x.T.reshape(1, 28, 28, n))[0])  # (26, 144 * n)
        maps1 = (parts[0] @ heard1).view(-1, 12, 12, n)
        heard2 = _windows(maps1.relu()).unflatten(0, (self.n_groups, -1)).flatten(1, 2)
        heard2 = torch.stack([_with_one(group) for group in heard2])  # (n_groups, genes of a second filter, 16 * n)
        maps2 = (parts[1].unflatten(0, (self.n_groups, -1)) @ heard2).view(-1, 16, n)
        heard3 = _with_one(maps2.relu().flatten(0, 1))  # (16 * n_second + 1, n)
        return heard1, maps1, heard2, maps2, heard3, parts[2] @ heard3

    @torch.no_grad()
    def score(self, parts: list[Tensor], steps: list[Tensor], x: Tensor, y: Tensor) -> tuple[list[Tensor], Tensor]:
        """Score every one-part mutant exactly: only what hears the part is computed again.

        Args:
            parts: as `split` gives them.
            steps: for each layer (n_parts, n_pairs, n_genes); part j has the mutants parts[j] + steps[j] and
                parts[j] - steps[j].
            x: (n_images, 784).
            y: (n_images,) int64, the classes.

        Returns:
            For each layer the mutants' mean log-likelihood, (n_parts, 2 * n_pairs), first those of + steps; and the
            parent's, a tensor of one number.
        """
        heard1, maps1, heard2, maps2, heard3, logits = self._run(parts, x)
        logits = logits.log_softmax(dim=0)  # (10, n)
        parent = _log_likelihood(logits, y)
        fitness = [layer.new_empty(layer.shape[0], 2 * layer.shape[1]) for layer in steps]

        n_maps, n_hearers = self.n_first // self.n_groups, self.n_second // self.n_groups
        listens = parts[1][:, :-1].unflatten(1, (n_maps, 25))  # (n_second, n_maps, 25)
        says = parts[2][:, :-1].unflatten(1, (self.n_second, 16)).transpose(0, 1)  # (n_second, 10, 16)
        for g in range(self.n_groups):
            first, second = slice(g * n_maps, (g + 1) * n_maps), slice(g * n_hearers, (g + 1) * n_hearers)
            # A first filter: its map changes, with it some of what the group's second filters hear, and what they say.
            change = _change(maps1[first], (steps[0][first] @ heard1).unflatten(-1, maps1.shape[1:]))
            windows = _windows(change.flatten(0, 1)).unflatten(0, change.shape[:2])  # (n_maps, 2 n_pairs, 25, 16 n)
            moved = (listens[second].transpose(0, 1)[:, None] @ windows).unflatten(-1, maps2.shape[1:])
            change = (moved + maps2[second]).relu_().sub_(maps2[second].relu()).flatten(-3, -2)
            fitness[0][first] = _log_likelihood(logits + says[second].transpose(0, 1).flatten(1) @ change, y)
            # A second filter: its 16 features change, and what they say.
            change = _change(maps2[second], (steps[1][second] @ heard2[g]).unflatten(-1, maps2.shape[1:]))
            fitness[1][second] = _log_likelihood(logits + says[second][:, None] @ change, y)

        # A class: one score changes. Its probability is p; the sum of all moves from 1 to 1 + p (exp(change) - 1).
        change = steps[2] @ heard3  # (10, n_pairs, n)
        change = torch.cat([change, -change], dim=1)
        right = y == torch.arange(10, device=y.device)[:, None]
        gain = change * right[:, None] - (logits.exp()[:, None] * change.expm1()).log1p()
        fitness[2] = parent + gain.mean(dim=-1)
        return fitness, parent


def _change(heard: Tensor, steps: Tensor) -> Tensor:
    """How the answers of ReLUs change when what they hear moves by + and by - each of their steps.

    From (n_parts, ...) and (n_parts, n_pairs, ...) to (n_parts, 2 * n_pairs, ...).
    """
    heard = heard[:, None]
    return torch.cat([heard + steps, heard - steps], dim=1).relu_().sub_(heard.relu())


def _windows(maps: Tensor) -> Tensor:
    """All 5x5 windows of maps, two pixels apart: (n_maps, side, side, n) to (n_maps, 25, n_windows * n)."""
    windows = maps.unfold(1, 5, 2).unfold(2, 5, 2)  # (n_maps, down, right, n, 5, 5)
    return windows.permute(0, 4, 5, 1, 2, 3).reshape(len(maps), 25, -1)


def _with_one(rows: Tensor) -> Tensor:
    """A row of ones below: what a bias listens to."""
    return torch.cat([rows, rows.new_ones(1, rows.shape[1])])


class _Search:
    """What selection and strategy share: the parts, and how mutants are drawn."""

    def __init__(self, parts: Tensor, *, n_pairs: int, rng: torch.Generator) -> None:
        if parts.dim() != 2 or not parts.is_floating_point() or n_pairs < 1:
            raise ValueError(
                f"a search needs parts as floats (n_parts, n_genes) and n_pairs >= 1, not {parts.dtype} of shape "
                f"{tuple(parts.shape)} and {n_pairs}"
            )
        self.parts, self.n_pairs, self.rng = parts, n_pairs, rng
        self.sigma = 0.0
        self._steps: Tensor | None = None

    @torch.no_grad()
    def ask(self, sigma: float) -> Tensor:
        """Gaussian steps of standard deviation `sigma`, (n_parts, n_pairs, n_genes), to be tried both ways."""
        if not 0 < sigma < float("inf"):
            raise ValueError(f"sigma must be a finite number above 0, not {sigma}")
        shape = (self.parts.shape[0], self.n_pairs, self.parts.shape[1])
        noise = torch.randn(shape, generator=self.rng, device=self.parts.device, dtype=self.parts.dtype)
        self.sigma, self._steps = sigma, noise.mul_(sigma)
        return self._steps

    def _asked(self, fitness: Tensor) -> Tensor:
        steps, shape = self._steps, (self.parts.shape[0], 2 * self.n_pairs)
        if steps is None or fitness.shape != shape or bool(fitness.isnan().any()):
            raise ValueError(
                f"tell needs the fitness of the mutants of the last ask(), of shape {shape} and without NaN, not "
                f"{tuple(fitness.shape)}"
            )
        self._steps = None
        return steps


class Selection(_Search):
    """Pure selection: each part has its own parent and its own mutants, and the best of them lives on.

    A mutant replaces its parent only if it scores higher. All parts are judged beside the parents of all others and are
    replaced together.

    Args:
        parts: (n_parts, n_genes), the parents; they change in place.
        n_pairs: each part has 2 * n_pairs mutants: parent + step and parent - step for each of n_pairs steps.
        rng: source of randomness, on the device of the parts.
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
        steps = self._asked(fitness)
        best = fitness.max(dim=1)
        better = best.values > parent
        pair, sign = best.indices % self.n_pairs, 1 - 2 * (best.indices // self.n_pairs)
        taken = steps[torch.arange(len(steps), device=steps.device), pair]
        self.parts += taken * (sign * better)[:, None]
        return float(better.float().mean())


class Strategy(_Search):
    """An evolution strategy for each part: the mean moves along the slope that the scores of its mutants show, by Adam.

    Source: Salimans et al. (2017), without rank shaping: the log-likelihood has no outliers to tame.

    Args:
        parts: (n_parts, n_genes), the means; they change in place.
        n_pairs: antithetic pairs for each part.
        learning_rate: of Adam (Kingma and Ba 2015); the attribute `learning_rate` may be changed between generations.
        rng: source of randomness, on the device of the parts.
    """

    def __init__(self, parts: Tensor, *, n_pairs: int, learning_rate: float, rng: torch.Generator) -> None:
        super().__init__(parts, n_pairs=n_pairs, rng=rng)
        self.learning_rate = learning_rate
        self._adam = torch.optim.Adam([parts], lr=learning_rate, maximize=True)

    @torch.no_grad()
    def tell(self, fitness: Tensor, parent: Tensor | None = None) -> None:
        """Move every part along its estimated slope; arguments as in `Selection.tell`, of which it needs the first."""
        steps = self._asked(fitness)
        plus, minus = fitness.chunk(2, dim=1)
        # (f+ - f-) / (2 sigma) is the slope along a noise vector; times that vector, averaged, it is the gradient.
        weights = (plus - minus) / (2 * self.sigma**2 * self.n_pairs)
        self.parts.grad = torch.einsum("np,npg->ng", weights, steps)
        for group in self._adam.param_groups:
            group["lr"] = self.learning_rate
        self._adam.step()
