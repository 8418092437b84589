"""T4, the topology: with how few connections does a network 64-16-10 read nine digits of ten on validation?

A genome is a row of weights and biases; a weight of 0 is a connection that isn't there, biases are free. The dense
network has 1,184 connections. A run's score is the sparsest network that it showed with at least 90 % on validation;
its test accuracy is told beside it, because who looks for the sparsest that passes picks lucky ones. Only what a method
is sure of is looked at: once in a while, one network a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from evidence.runs.title_question.books import Books, Data, Table, digits, generator, steps_of
from neuroevo import ga, neurons
from neuroevo.strategies import OpenAIES

N_IN, N_HIDDEN, N_OUT = 64, 16, 10
N_FIRST, N_SECOND = N_IN * N_HIDDEN, N_HIDDEN * N_OUT
N_CONNECTIONS = N_FIRST + N_SECOND
N_PARAMS = N_CONNECTIONS + N_HIDDEN + N_OUT  # weights of both layers, then the biases
GOAL = 90.0
_steps = partial(steps_of, n_looks=50)


def logits(genomes: Tensor, x: Tensor) -> Tensor:
    """(n_runs, n_genomes, n_params) and (n_runs, n, 64) to (n_runs, n_genomes, 10, n)."""
    n_runs, n_genomes, _ = genomes.shape
    w1, w2, b1, b2 = genomes.split([N_FIRST, N_SECOND, N_HIDDEN, N_OUT], dim=-1)
    z = (w1.reshape(n_runs, n_genomes * N_HIDDEN, N_IN) @ x.mT).unflatten(1, (n_genomes, N_HIDDEN))
    return w2.unflatten(-1, (N_OUT, N_HIDDEN)) @ torch.tanh(z + b1[..., None]) + b2[..., None]


def connections(genomes: Tensor) -> Tensor:
    """How many weights are not 0, biases aside."""
    return (genomes[..., :N_CONNECTIONS] != 0).sum(dim=-1)


def accuracy(genomes: Tensor, part: Data) -> Tensor:
    """Per cent of right answers, (n_runs,), of genomes (n_runs, n_params)."""
    return 100 * (logits(genomes[:, None], part.x)[:, 0].max(dim=1).indices == part.y).float().mean(dim=1)


def merit(genomes: Tensor, part: Data) -> Tensor:
    """Fewer connections are better once the goal is met; until then, more right answers."""
    right = accuracy(genomes, part)
    return torch.where(right >= GOAL, -connections(genomes).float(), right - GOAL - 2 * N_CONNECTIONS)


@torch.no_grad()
def fitness(genomes: Tensor, part: Data) -> Tensor:
    """Mean log-likelihood (n_runs, n_genomes), run by run."""
    scores = [
        neurons.log_likelihood(logits(g[None], x[None])[0], y) for g, x, y in zip(genomes, part.x, part.y, strict=True)
    ]
    return torch.stack(scores)


def finals(books: Books) -> Table:
    """A row a run: connections (those of the dense network where the goal wasn't met) and accuracy on the test."""
    assert books.best is not None
    rows = books.finals()
    test, found = accuracy(books.best, books.parts[2]).tolist(), connections(books.best).tolist()
    for row, right, n in zip(rows, test, found, strict=True):
        met = row["validation"] >= -N_CONNECTIONS
        row |= {"score": float(n if met else N_CONNECTIONS), "solved": int(met), "test_accuracy": right}
    return rows


def new_books(seeds: Sequence[int]) -> Books:
    """Empty ones."""
    return Books(seeds, digits(seeds), merit)


def dense(n_runs: int, rng: torch.Generator) -> Tensor:
    """Dense networks (n_runs, n_params)."""
    return 0.3 * torch.randn((n_runs, N_PARAMS), generator=rng)


def sparse(shape: tuple[int, int], share: float, rng: torch.Generator) -> Tensor:
    """Random networks (*shape, n_params) with this share of the connections."""
    genomes = 0.3 * torch.randn((*shape, N_PARAMS), generator=rng)
    keep = torch.rand((*shape, N_CONNECTIONS), generator=rng) < share
    genomes[..., :N_CONNECTIONS] *= keep / share**0.5
    return genomes


# --- Selection ------------------------------------------------------------------------------------------------------


def rewire_(population: Tensor, scale: float, rate: float, grow: float, prune: float, rng: torch.Generator) -> None:
    """Mutate in place: noise on connections that are there, and connections that come (with a small weight) and go.

    Args:
        population: (..., n_genomes, n_params).
        scale, rate: of the noise, and which share of the weights it hits.
        grow, prune: connections that come and go, in a child, on average.
    """
    flat = population.view(-1, N_PARAMS)
    there = flat != 0
    ga.mutate_(population, rate, scale, rng)
    flat *= there | (torch.arange(N_PARAMS) >= N_CONNECTIONS)
    weights = flat[:, :N_CONNECTIONS]
    present = there[:, :N_CONNECTIONS]
    gone = torch.rand(weights.shape, generator=rng) < prune / present.sum(dim=1, keepdim=True).clamp_min(1)
    come = torch.rand(weights.shape, generator=rng) < grow / N_CONNECTIONS
    new = 0.3 * torch.randn(weights.shape, generator=rng)
    weights.copy_(torch.where(present, weights * ~gone, torch.where(come, new, 0.0)))


def genetic(
    seeds: Sequence[int],
    n_evaluations: int,
    start: float,
    scale: float,
    price: float,
    single: bool = False,
    batch: int = 100,
    n_genomes: int = 100,
) -> Books:
    """A genetic algorithm on weights and topology; connections cost fitness in the second half, more and more.

    Args:
        start: share of the connections that the first genomes have.
        price: of all connections together, in nats, at the end.
        single: mutants of the best alone, in place of the best tenth with crossover.
    """
    books, rng = new_books(seeds), generator(seeds[0])
    loop = ga.GA(
        sparse((len(seeds), n_genomes), start, rng),
        select=partial(ga.from_best, fraction=1 / n_genomes if single else 0.1),
        crossover=None if single else ga.uniform,
        mutate=partial(rewire_, scale=scale, rate=0.1, grow=2.0, prune=2.0),
        rng=rng,
    )
    books.held_bytes = 4 * 2 * n_genomes * N_PARAMS
    for share, look in _steps(books, n_evaluations, n_genomes * batch):
        with books.clock():
            population = loop.ask()
            part = books.parts[0].batch(batch, rng)
            costs = price * max(0.0, 2 * share - 1) * connections(population) / N_CONNECTIONS
            scores = fitness(population, part) - costs
            loop.tell(scores)
        if look:
            books.look(ga.take(population, scores.max(dim=1, keepdim=True).indices)[:, 0])
    return books


def random_search(seeds: Sequence[int], n_evaluations: int, share: float, batch: int = 200) -> Books:
    """Fresh topologies with fresh weights."""
    books, rng, n_genomes = new_books(seeds), generator(seeds[0]), 100
    best = sparse((len(seeds), 1), share, rng)
    books.held_bytes = 4 * 2 * N_PARAMS
    part = books.parts[0].batch(batch, rng)
    for _, look in _steps(books, n_evaluations, n_genomes * batch):
        with books.clock():
            crowd = torch.cat([best, sparse((len(seeds), n_genomes), share, rng)], dim=1)
            best = ga.take(crowd, fitness(crowd, part).max(dim=1, keepdim=True).indices)
        if look:
            books.look(best[:, 0])
    return books


# --- Training, and pruning in rounds --------------------------------------------------------------------------------

Trainer = Callable[[Books, Tensor, Tensor, int, torch.Generator, float], Tensor]


def by_adam(
    books: Books,
    theta: Tensor,
    mask: Tensor,
    n_evaluations: int,
    rng: torch.Generator,
    learning_rate: float,
    batch: int = 100,
) -> Tensor:
    """Train the weights that the mask leaves, by gradient."""
    books.held_bytes = 4 * 5 * N_PARAMS  # weights, mask, slope, two moments
    here = theta.clone().requires_grad_(True)
    adam = torch.optim.Adam([here], lr=learning_rate)
    n_steps = max(1, n_evaluations // (3 * batch))
    for step in range(n_steps):
        books.evaluations += 3 * batch
        with books.clock():
            adam.param_groups[0]["lr"] = learning_rate * (1 - step / n_steps)
            part = books.parts[0].batch(batch, rng)
            adam.zero_grad()
            out = logits((here * mask)[:, None], part.x)[:, 0]
            (len(here) * cross_entropy(out, part.y)).backward()
            adam.step()
    return (here * mask).detach()


def by_strategy(
    books: Books,
    theta: Tensor,
    mask: Tensor,
    n_evaluations: int,
    rng: torch.Generator,
    learning_rate: float,
    sigma: float = 0.1,
    batch: int = 100,
) -> Tensor:
    """Train the weights that the mask leaves, by OpenAI's evolution strategy, 50 pairs."""
    books.held_bytes = 4 * N_PARAMS * (50 + 1 + 5)
    search = OpenAIES(theta, n_pairs=50, sigma=sigma, learning_rate=learning_rate, rng=rng)
    for _ in range(max(1, n_evaluations // (100 * batch))):
        books.evaluations += 100 * batch
        with books.clock():
            genomes = search.ask() * mask[:, None]
            search.tell(fitness(genomes, books.parts[0].batch(batch, rng)))
    return search.mean * mask


def in_rounds(
    seeds: Sequence[int],
    n_evaluations: int,
    learning_rate: float,
    keep: float,
    train: Trainer = by_adam,
    by: str = "size",
    first: float = 0.3,
    least: int = 40,
) -> Books:
    """Train densely, then remove the smallest weights and train again, round after round (Han and others 2015).

    Args:
        keep: share of the connections that survives a round.
        train: `by_adam` or `by_strategy`.
        by: "size" removes the smallest weights, "chance" any.
        first: share of the budget that goes into the dense network; the rounds share the rest evenly.
        least: connections at which it ends.
    """
    books, rng = new_books(seeds), generator(seeds[0])
    counts = [N_CONNECTIONS]
    while counts[-1] * keep > least:
        counts.append(round(counts[-1] * keep))
    mask = torch.ones(len(seeds), N_PARAMS)
    theta = dense(len(seeds), rng)
    for k, n in enumerate(counts):
        if k > 0:
            sizes = theta[:, :N_CONNECTIONS].abs()
            if by == "chance":
                sizes = mask[:, :N_CONNECTIONS] * torch.rand(sizes.shape, generator=rng)
            left = sizes.topk(n, dim=1).indices
            mask[:, :N_CONNECTIONS] = torch.zeros_like(sizes).scatter_(1, left, 1.0)
        share = first if k == 0 else (1 - first) / (len(counts) - 1)
        theta = train(books, theta * mask, mask, round(n_evaluations * share), rng, learning_rate)
        books.look(theta)
    return books


def densely(seeds: Sequence[int], n_evaluations: int, learning_rate: float) -> Books:
    """The plain gradient: it trains the weights, and has no slope along connections; all of them stay."""
    books, rng = new_books(seeds), generator(seeds[0])
    books.look(
        by_adam(books, dense(len(seeds), rng), torch.ones(len(seeds), N_PARAMS), n_evaluations, rng, learning_rate)
    )
    return books
