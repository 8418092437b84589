"""The outer loop: rules are bred by the accuracy of the networks that they train."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evidence.runs.rules import trees
from evidence.runs.rules.inner import Genome, Scores, Task, train
from neuroevo.strategies import CMAES

N_GENOMES, N_PARENTS, N_SEEDS, N_GENERATIONS = 20, 5, 2, 6
RATES = -3.0, -1.5  # log10, between which first rates are drawn
Fitness = Callable[[Sequence[Genome], Sequence[int]], Tensor]
"""(genomes, seeds) -> (n_genomes, n_seeds), higher is better."""


class Winner(NamedTuple):
    """What an outer run ends with: the genome, the mean of its own scores, how many they were, and who begot whom.

    born: genome -> (generation, mother or None). line: the parents after each generation, best first, with their means.
    """

    genome: Genome
    score: float
    n_scores: int
    born: dict[Genome, tuple[int, Genome | None]]
    line: list[dict[Genome, float]]


def fitness_on(task: Task, mark: Callable[[Scores], Tensor] = lambda scores: scores.validation) -> Fitness:
    """Fitness by one of the scores; by accuracy on validation images, if nobody says otherwise."""

    def fitness(genomes: Sequence[Genome], seeds: Sequence[int]) -> Tensor:
        runs = sorted(genomes, key=lambda g: isinstance(g.loss, str))  # one kind of loss beside the other
        scores = train(task, [g for g in runs for _ in seeds], list(seeds) * len(runs), sealed=True)
        found = dict(zip(runs, mark(scores).view(len(runs), -1), strict=True))
        return torch.stack([found[g] for g in genomes])

    return fitness


def newcomer(rng: random.Random, genes: Sequence[str], base: Genome) -> Genome:
    """`base` with the named genes ("tree", "loss") drawn anew, and always a new rate."""
    drawn = {"tree": lambda: trees.newcomer(rng), "loss": lambda: tuple(rng.gauss(0, 1) for _ in range(8))}
    return base._replace(log_rate=rng.uniform(*RATES), **{gene: drawn[gene]() for gene in genes})


def mutant(mother: Genome, rng: random.Random, genes: Sequence[str]) -> Genome:
    """A child with one of the named genes changed, and always a slightly different rate."""
    gene = rng.choice(genes) if genes else ""
    child = mother._replace(log_rate=min(-1.0, max(-3.5, mother.log_rate + rng.gauss(0, 0.2))))
    if gene == "tree":
        return child._replace(tree=trees.mutate(mother.tree, rng))
    if gene == "loss" and not isinstance(mother.loss, str):
        return child._replace(loss=tuple(c + rng.gauss(0, 0.3) for c in mother.loss))
    return child


def evolve(
    fitness: Fitness,
    seed: int,
    genes: Sequence[str],
    base: Genome,
    *,
    n_generations: int = N_GENERATIONS,
    blind: bool = False,
    alternate: bool = False,
    fixed_seed: bool = False,
) -> Winner:
    """Breed rules. The best stay and are scored again on fresh seeds; a score is the mean of all that a genome has.

    Args:
        fitness: of genomes on seeds.
        seed: of the outer run.
        genes: which genes evolve beside the rate: "tree", "loss".
        base: what the other genes are.
        n_generations: N_GENOMES trainings on each of N_SEEDS seeds in each.
        blind: draw newcomers in place of mutants (random search).
        alternate: change one gene for two generations, then the other.
        fixed_seed: score on the same seeds in all generations (a hole).
    """
    rng = random.Random(seed)
    scores: dict[Genome, list[float]] = {}
    born: dict[Genome, tuple[int, Genome | None]] = {}
    parents: list[Genome] = []
    line: list[dict[Genome, float]] = []

    def mean(genome: Genome) -> float:
        return sum(scores[genome]) / len(scores[genome])

    for generation in range(n_generations):
        turn = [genes[generation // 2 % len(genes)]] if alternate else genes
        population = list(parents)
        while len(population) < N_GENOMES:
            mother = rng.choice(parents) if parents and not blind else None
            child = mutant(mother, rng, turn) if mother else newcomer(rng, genes, base)
            if child not in born:
                born[child] = generation, mother
                population.append(child)
        first = 10_000 * (seed + 1) + (0 if fixed_seed else generation * N_SEEDS)
        found = fitness(population, range(first, first + N_SEEDS)).tolist()
        for genome, row in zip(population, found, strict=True):
            scores.setdefault(genome, []).extend(row)
        parents = sorted(population, key=mean, reverse=True)[:N_PARENTS]
        line.append({parent: mean(parent) for parent in parents})
    return Winner(parents[0], mean(parents[0]), len(scores[parents[0]]), born, line)


def evolve_by_cma(fitness: Fitness, seed: int, base: Genome, n_generations: int) -> Winner:
    """CMA-ES on the eight coefficients and the rate, 16 samples a generation; its winner is the cloud's mean.

    The mean was never scored itself: its score is the mean of the last generation's better half.
    """
    cloud = CMAES(torch.zeros(9, dtype=torch.float64), sigma=1.0, rng=torch.Generator().manual_seed(seed), n_genomes=16)

    def genome(row: list[float]) -> Genome:
        return base._replace(loss=tuple(row[:8]), log_rate=min(-1.0, max(-3.5, -2.25 + 0.4 * row[8])))

    found = torch.zeros(16)
    for generation in range(n_generations):
        population = [genome(row) for row in cloud.ask().tolist()]
        first = 10_000 * (seed + 1) + generation * N_SEEDS
        found = fitness(population, range(first, first + N_SEEDS)).mean(1)
        cloud.tell(found)
    return Winner(genome(cloud.mean.tolist()), float(found.topk(8).values.mean()), 0, {}, [])
