"""A small convolution network whose filters evolve one by one, and an evolution strategy for each part of a network.

    net = FilterNet()
    parts = net.split(genome)                              # three matrices, a part in each row: views of the genome
    searches = [Strategy(p, n_pairs=4, learning_rate=0.01, rng=rng) for p in parts]
    fitness, parent = net.score(parts, [s.ask(sigma) for s in searches], x, y)
    for search, scores in zip(searches, fitness):
        search.tell(scores, parent)

`Strategy` asks and tells as `neuroevo.neurons.Selection` does, and takes neurons as well for its parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neuroevo.neurons import Search, log_likelihood


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
        parent = log_likelihood(logits, y)
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
            fitness[0][first] = log_likelihood(logits + says[second].transpose(0, 1).flatten(1) @ change, y)
            # A second filter: its 16 features change, and what they say.
            change = _change(maps2[second], (steps[1][second] @ heard2[g]).unflatten(-1, maps2.shape[1:]))
            fitness[1][second] = log_likelihood(logits + says[second][:, None] @ change, y)

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


class Strategy(Search):
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
        """Move every part along its estimated slope; arguments as in `neurons.Selection.tell`, the second unused."""
        steps = self.asked(fitness)
        plus, minus = fitness.chunk(2, dim=1)
        # (f+ - f-) / (2 sigma) is the slope along a noise vector; times that vector, averaged, it is the gradient.
        weights = (plus - minus) / (2 * self.sigma**2 * self.n_pairs)
        self.parts.grad = torch.einsum("np,npg->ng", weights, steps)
        for group in self._adam.param_groups:
            group["lr"] = self.learning_rate
        self._adam.step()
