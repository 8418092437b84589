"""Counted objectives, one linear unit: T3a, a line with outliers; T3b, F1 of a rare digit; T3c, T3a in 20 dimensions.

T3a. Points around the origin, labelled by the side of a line through it; a share of them, the outliers, stand far off
on one side with the other label. What counts is the number of errors. T3b. Is it an 8? What counts is F1.

A genome is the weights and the bias, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from evidence.runs.title_question.books import Books, Data, Parts, descend, digits, generator, steps_of
from neuroevo import ga
from neuroevo.strategies import OpenAIES

N_POINTS = (400, 400, 4000)  # train, validation, test
RARE_DIGIT = 8


def points(seeds: Sequence[int], n_in: int = 2, outliers: float = 0.2, far: float = 5.0) -> Parts:
    """Points (n_in) and labels 0 or 1; the true line goes through the origin, in a direction of the seed's own.

    Args:
        outliers: their share; they are labelled 1, though they stand deep in the region of 0.
        far: their distance from the line; across it they spread as the others do.
    """
    parts: list[list[Data]] = []
    for seed in seeds:
        rng = generator(10_000 + seed)
        direction = torch.randn(n_in, generator=rng)
        direction /= direction.norm()
        drawn = []
        for n in N_POINTS:
            x = torch.randn((n, n_in), generator=rng)
            y = (x @ direction > 0).long()
            out = torch.rand(n, generator=rng) < outliers
            side = x[out] - (x[out] @ direction)[:, None] * direction
            x[out] = side - far * direction + torch.randn((int(out.sum()), n_in), generator=rng)
            y[out] = 1
            drawn.append(Data(x, y))
        parts.append(drawn)
    train, validation, test = (
        Data(torch.stack([run[k].x for run in parts]), torch.stack([run[k].y for run in parts])) for k in range(3)
    )
    return train, validation, test


def rare(seeds: Sequence[int]) -> Parts:
    """The digits, labelled 1 where they are an 8."""
    train, validation, test = (Data(part.x, (part.y == RARE_DIGIT).long()) for part in digits(seeds))
    return train, validation, test


def sums(genomes: Tensor, x: Tensor) -> Tensor:
    """(n_runs, n_genomes, n_in + 1) and (n_runs, n, n_in) to (n_runs, n_genomes, n): above 0 says 1."""
    return genomes[..., :-1] @ x.mT + genomes[..., -1:]


def right(z: Tensor, y: Tensor) -> Tensor:
    """Per cent of right answers, (n_runs, n_genomes)."""
    return 100 * ((z > 0) == (y[:, None] > 0)).float().mean(dim=-1)


def f1(z: Tensor, y: Tensor) -> Tensor:
    """F1 in per cent: twice the hits, over twice the hits and the mistakes; 0 where nothing is hit."""
    says, true = z > 0, y[:, None] > 0
    hits = (says & true).sum(dim=-1)
    return 100 * 2 * hits / (says.sum(dim=-1) + true.sum(dim=-1)).clamp_min(1)


@dataclass(frozen=True)
class Counted:
    """A task: where its data come from, and what is counted."""

    draw: Callable[[Sequence[int]], Parts]
    count: Callable[[Tensor, Tensor], Tensor]
    threshold: bool  # whether the best reply moves its threshold to where the count on the training data is highest

    def merit(self, genomes: Tensor, part: Data) -> Tensor:
        """The count of a genome of each run."""
        return self.count(sums(genomes[:, None], part.x), part.y)[:, 0]

    def fitness(self, genomes: Tensor, part: Data) -> Tensor:
        """The count of all genomes."""
        return self.count(sums(genomes, part.x), part.y)

    def books(self, seeds: Sequence[int]) -> Books:
        """Empty ones."""
        return Books(seeds, self.draw(seeds), self.merit)


T3A = Counted(points, right, threshold=False)
T3C = Counted(partial(points, n_in=20), right, threshold=False)
T3B = Counted(rare, f1, threshold=True)


def trivial(task: Counted, seeds: Sequence[int], n_evaluations: int) -> Books:
    """Says 1 always."""
    books = task.books(seeds)
    genomes = torch.zeros(len(seeds), books.parts[0].x.shape[2] + 1)
    genomes[:, -1] = 1
    books.look(genomes)
    return books


def random_search(task: Counted, seeds: Sequence[int], n_evaluations: int, std: float = 1.0) -> Books:
    """Fresh weights and biases; the best so far stands."""
    books, rng, n_genomes = task.books(seeds), generator(seeds[0]), 100
    train = books.parts[0]
    best = torch.zeros(len(seeds), 1, train.x.shape[2] + 1)
    books.held_bytes = 4 * 2 * best.shape[2]
    for _, look in steps_of(books, n_evaluations, n_genomes * train.x.shape[1]):
        with books.clock():
            fresh = torch.randn((len(seeds), n_genomes, best.shape[2]), generator=rng)
            fresh[..., -1] *= std
            crowd = torch.cat([best, fresh], dim=1)
            best = ga.take(crowd, task.fitness(crowd, train).max(dim=1, keepdim=True).indices)
        if look:
            books.look(best[:, 0])
    return books


def genetic(
    task: Counted, seeds: Sequence[int], n_evaluations: int, scale: float, n_genomes: int = 100, single: bool = False
) -> Books:
    """A genetic algorithm: the best fifth breeds, uniform crossover, one elite; `single`: mutants of the best alone."""
    books, rng = task.books(seeds), generator(seeds[0])
    train = books.parts[0]
    loop = ga.GA(
        torch.randn((len(seeds), n_genomes, train.x.shape[2] + 1), generator=rng),
        select=partial(ga.from_best, fraction=1 / n_genomes if single else 0.2),
        crossover=None if single else ga.uniform,
        mutate=partial(ga.mutate_, rate=1, scale=scale),
        rng=rng,
    )
    books.held_bytes = 4 * 2 * n_genomes * (train.x.shape[2] + 1)
    for _, look in steps_of(books, n_evaluations, n_genomes * train.x.shape[1]):
        with books.clock():
            population = loop.ask()
            fitness = task.fitness(population, train)
            loop.tell(fitness)
        if look:
            books.look(ga.take(population, fitness.max(dim=1, keepdim=True).indices)[:, 0])
    return books


def strategy(task: Counted, seeds: Sequence[int], n_evaluations: int, sigma: float, learning_rate: float) -> Books:
    """OpenAI's evolution strategy, 50 pairs."""
    books, rng = task.books(seeds), generator(seeds[0])
    train = books.parts[0]
    mean = torch.randn((len(seeds), train.x.shape[2] + 1), generator=rng)
    search = OpenAIES(mean, n_pairs=50, sigma=sigma, learning_rate=learning_rate, rng=rng)
    books.held_bytes = 4 * mean.shape[1] * (50 + 1 + 4)
    for _, look in steps_of(books, n_evaluations, 100 * train.x.shape[1]):
        with books.clock():
            search.tell(task.fitness(search.ask(), train))
        if look:
            books.look(search.mean)
    return books


def by_gradient(
    task: Counted,
    seeds: Sequence[int],
    n_evaluations: int,
    learning_rate: float,
    how: str,
    starts: int = 1,
    steepest: float = 10.0,
) -> Books:
    """Adam on all training data: "plain" on cross-entropy; "reply" on what stands nearer to the count.

    The reply in T3a climbs a sigmoid that is annealed from slope 1 to `steepest` toward the count, from several starts
    at once, and keeps the one that counts best on the training data (Nguyen and Sanner 2013). In T3b it is
    cross-entropy whose threshold is moved to where F1 is highest on the training data (Koyejo and others 2014).
    """
    books, rng = task.books(seeds), generator(seeds[0])
    train = books.parts[0]
    start = torch.randn((len(seeds), starts, train.x.shape[2] + 1), generator=rng)

    def loss(theta: Tensor, part: Data, share: float) -> Tensor:
        margins = sums(theta, part.x) * (2 * part.y[:, None] - 1)
        if how == "plain" or task.threshold:
            return softplus(-margins).mean(dim=-1).sum()
        size = theta[..., :-1].norm(dim=-1, keepdim=True)
        return torch.sigmoid(-(steepest**share) * margins / size).mean(dim=-1).sum()

    def chosen(theta: Tensor) -> Tensor:
        if how == "reply" and task.threshold:
            theta = moved(theta, train)
        return ga.take(theta, task.fitness(theta, train).max(dim=1, keepdim=True).indices)[:, 0]

    words: dict[str, Any] = {
        "n_evaluations": n_evaluations,
        "learning_rate": learning_rate,
        "batch": train.x.shape[1],
        "rng": rng,
    }
    descend(books, start, loss, project=chosen, **words)
    return books


def moved(theta: Tensor, train: Data) -> Tensor:
    """The bias at which F1 on the training data is highest, tried at every example's own sum."""
    z = sums(theta, train.x)  # (n_runs, starts, n)
    order = z.sort(dim=-1, descending=True)
    true = train.y[:, None].expand(z.shape).gather(-1, order.indices)
    hits, said = true.cumsum(-1), torch.arange(1, z.shape[-1] + 1)
    scores = 2 * hits / (said + true.sum(-1, keepdim=True))
    at = scores[..., :-1].argmax(dim=-1, keepdim=True)
    cut = (order.values.gather(-1, at) + order.values.gather(-1, at + 1)) / 2
    return torch.cat([theta[..., :-1], theta[..., -1:] - cut], dim=-1)
