"""Two tasks on the digits with a network 64-32-10: T1, hidden units that are steps; T2, weights of -1, 0 and 1.

A genome is a row as in `nets.MLP`. What the tasks change is a `Kind`: the bend of a hidden unit, how a genome is read
as weights, how children differ, and what the gradient may do about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, hardtanh

from evidence.runs.title_question.books import Books, Data, descend, digits, generator, steps_of
from neuroevo import ga, neurons
from neuroevo.strategies import OpenAIES

SIZES = (64, 32, 10)
N_IN, N_HIDDEN, N_OUT = SIZES
N_PARAMS = N_HIDDEN * (N_IN + 1) + N_OUT * (N_HIDDEN + 1)
SCALES = (0.25, 0.5)  # what a ternary weight of 1 stands for, in the two layers
Bend = Callable[[Tensor], Tensor]


def step(z: Tensor) -> Tensor:
    """1 above 0, else -1: its slope is 0 wherever it has one."""
    return torch.where(z > 0, 1.0, -1.0)


def straight_through(z: Tensor) -> Tensor:
    """A step forward, the slope of a clipped line backward (Hubara and others 2016)."""
    line = hardtanh(z)
    return line + (step(z) - line).detach()


def ternary(latents: Tensor) -> Tensor:
    """-1, 0 or 1: rounded, and clipped."""
    return latents.clamp(-1, 1).round()


def ternary_straight_through(latents: Tensor) -> Tensor:
    """Ternary forward, the slope of the latents backward (Courbariaux and others 2015)."""
    return latents + (ternary(latents) - latents).detach()


def redraw_(population: Tensor, rate: float, rng: torch.Generator) -> None:
    """Replace each entry with probability `rate` by -1, 0 or 1, in place."""
    hits = ga.bernoulli_positions(population.numel(), rate, rng)
    population.view(-1)[hits] = torch.randint(-1, 2, hits.shape, generator=rng).float()


def logits(genomes: Tensor, x: Tensor, bend: Bend, scales: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """(n_runs, n_genomes, n_params) and (n_runs, n, 64) to (n_runs, n_genomes, 10, n)."""
    n_runs, n_genomes, _ = genomes.shape
    w1, b1, w2, b2 = genomes.split([N_HIDDEN * N_IN, N_HIDDEN, N_OUT * N_HIDDEN, N_OUT], dim=-1)
    z = w1.reshape(n_runs, n_genomes * N_HIDDEN, N_IN) @ x.mT
    h = bend(scales[0] * (z.unflatten(1, (n_genomes, N_HIDDEN)) + b1[..., None]))
    return scales[1] * (w2.unflatten(-1, (N_OUT, N_HIDDEN)) @ h + b2[..., None])


@dataclass(frozen=True)
class Kind:
    """A task: what stands between a genome and a network.

    Attributes:
        bend: of a hidden unit, as it is scored.
        read: latents to the weights that are scored.
        soft_bend, soft_read: the same with a slope, for the gradient's best reply.
        scales: of the two layers.
        bits: of a weight, as a genome is kept.
    """

    bend: Bend
    read: Bend
    soft_bend: Bend
    soft_read: Bend
    scales: tuple[float, float]
    bits: int

    def start(self, shape: tuple[int, ...], std: float, rng: torch.Generator) -> Tensor:
        """Random genomes; ternary ones hold -1, 0 and 1 equally often."""
        if self.bits == 2:
            return torch.randint(-1, 2, shape, generator=rng).float()
        return std * torch.randn(shape, generator=rng)

    def change_(self, rows: Tensor, rate: float, scale: float, rng: torch.Generator) -> None:
        """Mutate in place: normal noise, or entries drawn anew."""
        if self.bits == 2:
            redraw_(rows, rate, rng)
        else:
            ga.mutate_(rows, rate, scale, rng)

    @torch.no_grad()
    def fitness(self, genomes: Tensor, batch: Data) -> Tensor:
        """Mean log-likelihood (n_runs, n_genomes): run by run, so that what it needs stays in the cache."""
        scores = [
            neurons.log_likelihood(logits(g[None], x[None], self.bend, self.scales)[0], y)
            for g, x, y in zip(genomes, batch.x, batch.y, strict=True)
        ]
        return torch.stack(scores)

    def accuracy(self, genomes: Tensor, part: Data) -> Tensor:
        """Per cent of right answers, (n_runs,), of genomes (n_runs, n_params) as they are scored."""
        answers = logits(self.read(genomes)[:, None], part.x, self.bend, self.scales)[:, 0].max(dim=1).indices
        return 100 * (answers == part.y).float().mean(dim=1)

    def books(self, seeds: Sequence[int]) -> Books:
        """Empty ones."""
        return Books(seeds, digits(seeds), self.accuracy)


T1 = Kind(step, lambda g: g, straight_through, lambda g: g, (1.0, 1.0), bits=32)
T2 = Kind(torch.tanh, ternary, torch.tanh, ternary_straight_through, SCALES, bits=2)


def random_search(kind: Kind, seeds: Sequence[int], n_evaluations: int, std: float, batch: int = 200) -> Books:
    """Fresh networks, all scored on the same images; the best so far stands."""
    books, rng = kind.books(seeds), generator(seeds[0])
    part, n_genomes = books.parts[0].batch(batch, rng), 100
    best = kind.start((len(seeds), 1, N_PARAMS), std, rng)
    top = torch.full((len(seeds), 1), -torch.inf)
    books.held_bytes = 2 * N_PARAMS * kind.bits // 8
    for _, look in steps_of(books, n_evaluations, n_genomes * batch):
        with books.clock():
            fresh = torch.cat([best, kind.start((len(seeds), n_genomes, N_PARAMS), std, rng)], dim=1)
            scores = torch.cat([top, kind.fitness(fresh[:, 1:], part)], dim=1)
            top, rows = scores.max(dim=1, keepdim=True)
            best = ga.take(fresh, rows)
        if look:
            books.look(best[:, 0])
    return books


def genetic(
    kind: Kind, seeds: Sequence[int], n_evaluations: int, rate: float, scale: float, batch: int, n_genomes: int = 100
) -> Books:
    """A genetic algorithm: the best tenth breeds, uniform crossover, one elite."""
    books, rng = kind.books(seeds), generator(seeds[0])
    loop = ga.GA(
        kind.start((len(seeds), n_genomes, N_PARAMS), 0.2, rng),
        select=partial(ga.from_best, fraction=0.1),
        crossover=ga.uniform,
        mutate=partial(kind.change_, rate=rate, scale=scale),
        rng=rng,
    )
    books.held_bytes = 2 * n_genomes * N_PARAMS * kind.bits // 8  # parents and children
    for _, look in steps_of(books, n_evaluations, n_genomes * batch):
        with books.clock():
            population = loop.ask()
            fitness = kind.fitness(population, books.parts[0].batch(batch, rng))
            loop.tell(fitness)
        if look:
            books.look(ga.take(population, fitness.max(dim=1, keepdim=True).indices)[:, 0])
    return books


@torch.no_grad()
def one_neuron(
    kind: Kind, seeds: Sequence[int], n_evaluations: int, rate: float, scale: float, batch: int, n_mutants: int = 4
) -> Books:
    """Each hidden neuron tries mutants beside the unchanged others and keeps its best if it beats the parent.

    As `neurons.Selection`, with an axis of runs, any bend, and any way to change a row.
    """
    books, rng, n_runs = kind.books(seeds), generator(seeds[0]), len(seeds)
    rows = kind.start((n_runs, N_HIDDEN, N_IN + 1 + N_OUT), 0.2, rng)
    n_all = N_HIDDEN * n_mutants
    books.held_bytes = (1 + n_mutants) * rows[0].numel() * kind.bits // 8
    for _, look in steps_of(books, n_evaluations, (n_all + 1) * batch):
        with books.clock():
            part = books.parts[0].batch(batch, rng)
            mutants = rows[:, :, None].repeat(1, 1, n_mutants, 1)
            kind.change_(mutants, rate, scale, rng)
            scores = [_one_neuron_scores(kind, *each) for each in zip(rows, mutants, part.x, part.y, strict=True)]
            fitness, parent = (torch.stack(column) for column in zip(*scores, strict=True))
            best = fitness.max(dim=2)
            chosen = mutants.gather(2, best.indices[..., None, None].expand(-1, -1, 1, rows.shape[2]))[:, :, 0]
            rows = torch.where((best.values > parent[:, None])[..., None], chosen, rows)
        if look:
            books.look(joined(rows))
    return books


def _one_neuron_scores(kind: Kind, rows: Tensor, mutants: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Log-likelihood of the mutants (n_hidden, n_mutants) and of their parent, exactly, at the price of a neuron."""
    first, second = kind.scales
    x1 = torch.cat([x, x.new_ones(len(x), 1)], dim=1).T
    says, new_says = second * rows[:, N_IN + 1 :], second * mutants[..., N_IN + 1 :]
    h = kind.bend(first * (rows[:, : N_IN + 1] @ x1))
    new_h = kind.bend(first * (mutants[..., : N_IN + 1] @ x1))
    whole = says.T @ h
    others = whole - says[:, :, None] * h[:, None]  # (n_hidden, n_out, n)
    outputs = torch.addcmul(others[:, None], new_says[..., None], new_h[:, :, None])
    return neurons.log_likelihood(outputs, y), neurons.log_likelihood(whole, y)


def joined(rows: Tensor) -> Tensor:
    """Genomes (n_runs, n_params) of neurons (n_runs, n_hidden, n_in + 1 + n_out), output biases 0."""
    parts = [rows[..., :N_IN], rows[..., N_IN], rows[..., N_IN + 1 :].mT, rows.new_zeros(len(rows), N_OUT)]
    return torch.cat([part.flatten(1) for part in parts], dim=1)


def strategy(
    kind: Kind, seeds: Sequence[int], n_evaluations: int, sigma: float, learning_rate: float, batch: int = 100
) -> Books:
    """OpenAI's evolution strategy on the latents, 50 pairs."""
    books, rng = kind.books(seeds), generator(seeds[0])
    start = 0.2 if kind.bits == 32 else 0.5
    search = OpenAIES(
        start * torch.randn((len(seeds), N_PARAMS), generator=rng),
        n_pairs=50,
        sigma=sigma,
        learning_rate=learning_rate,
        rng=rng,
    )
    books.held_bytes = 4 * N_PARAMS * (50 + 1 + 4)  # noise, a genome, the mean, its slope and two moments
    for _, look in steps_of(books, n_evaluations, 100 * batch):
        with books.clock():
            search.tell(kind.fitness(kind.read(search.ask()), books.parts[0].batch(batch, rng)))
        if look:
            books.look(search.mean)
    return books


def by_gradient(
    kind: Kind, seeds: Sequence[int], n_evaluations: int, learning_rate: float, how: str, batch: int = 100
) -> Books:
    """Adam: "plain" on what is scored, "reply" through the straight-through slope, "trivial" on a smooth network.

    The trivial baseline trains tanh units and free weights, which are made steps, or rounded, when it is scored.
    """
    books, rng = kind.books(seeds), generator(seeds[0])
    start = (0.2 if kind.bits == 32 else 0.5) * torch.randn((len(seeds), N_PARAMS), generator=rng)
    bend, read = {
        "plain": (kind.bend, kind.read),
        "reply": (kind.soft_bend, kind.soft_read),
        "trivial": (torch.tanh, lambda g: g),
    }[how]

    def loss(theta: Tensor, part: Data, share: float) -> Tensor:
        out = logits(read(theta)[:, None], part.x, bend, kind.scales)[:, 0]
        return len(seeds) * cross_entropy(out, part.y)

    def keep(theta: Tensor, share: float) -> None:
        if kind.bits == 2 and how != "trivial":
            theta.clamp_(-1, 1)

    rounding = rounded if kind.bits == 2 and how == "trivial" else lambda theta: theta
    words: dict[str, Any] = {"n_evaluations": n_evaluations, "learning_rate": learning_rate, "batch": batch, "rng": rng}
    descend(books, start, loss, project=rounding, after=keep, **words)
    return books


def rounded(genomes: Tensor) -> Tensor:
    """Trained weights made ternary: 0 below 0.7 of their layer's mean size (Li, Zhang and Liu 2016), else the sign."""
    layers = genomes.split([N_HIDDEN * (N_IN + 1), N_OUT * (N_HIDDEN + 1)], dim=-1)
    return torch.cat([w.sign() * (w.abs() > 0.7 * w.abs().mean(dim=-1, keepdim=True)) for w in layers], dim=-1)
