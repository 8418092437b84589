"""A genetic algorithm in parts: selection, crossover, mutation, and the loop that puts them together.

A population is one tensor of shape (..., n_genomes, n_params). Leading dimensions are independent runs, seeds or
settings side by side: a thousand small runs take hardly longer than one. Fitness has the population's shape without
its last dimension, and larger is better.

Operators whose name ends in `_` change the population in place, as torch's do: a population of 200 networks is
40 MB, and a generation should not copy it more often than selection asks for.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor


class Selection(Protocol):
    """How parents are chosen: `from_best` or `tournament`, with `functools.partial` for their settings."""

    def __call__(self, fitness: Tensor, n_draws: int, *, rng: torch.Generator) -> Tensor:
        """Row numbers (..., n_draws) of parents, from fitness (..., n_genomes)."""


class Crossover(Protocol):
    """How two parents mix: `uniform`, `one_point` or `blend`."""

    def __call__(self, shape: tuple[int, ...], *, rng: torch.Generator) -> Tensor:
        """The mother's share in each gene of children of this shape (..., n_children, n_params)."""


class Mutation(Protocol):
    """How a child differs from its parents: `mutate_` or `flip_`, with `functools.partial` for their settings."""

    def __call__(self, population: Tensor, *, rng: torch.Generator) -> None:
        """Change children (..., n_children, n_params) in place."""


class GA:
    """A generational genetic algorithm in ask/tell form: elites live on, children replace all others.

    Source: Eiben and Smith (2015), chapters 3 to 5.

    Args:
        population: (..., n_genomes, n_params), the first generation; it is not changed.
        select: draws the parents.
        crossover: mixes two parents; None makes every child a copy of one parent.
        mutate: changes the children; None leaves them as they are.
        rng: source of randomness, on the population's device.
        n_elites: best genomes that live on unchanged; they are asked for and told again each generation.

    Attributes:
        select, crossover, mutate, n_elites: may be replaced between generations.
        generation: number of generations told so far.
        parents: (..., n_genomes, 2) int64, mother and father of each genome: rows of the generation before. An
            elite's parents are itself. None before the first `tell`.
        founders: (..., n_genomes, n_params) int32, the row of the first population that each gene was copied from,
            through any number of crossovers; of a blend, the row that gave the larger share.
    """

    def __init__(
        self,
        population: Tensor,
        *,
        select: Selection,
        crossover: Crossover | None,
        mutate: Mutation | None,
        rng: torch.Generator,
        n_elites: int = 1,
    ) -> None:
        if population.dim() < 2 or 0 in population.shape or not population.is_floating_point():
            wanted = "floats of shape (..., n_genomes, n_params), with at least one of each"
            found = f"{population.dtype} of shape {tuple(population.shape)}"
            raise ValueError(f"population must hold {wanted}, not {found}")
        n = population.shape[-2]
        if not 0 <= n_elites < n:
            raise ValueError(f"n_elites must leave room for children: 0 <= n_elites < {n}, not {n_elites}")
        self.select, self.crossover, self.mutate, self.rng, self.n_elites = select, crossover, mutate, rng, n_elites
        self.generation = 0
        self.parents: Tensor | None = None
        rows = torch.arange(n, dtype=torch.int32, device=population.device)
        self.founders = rows[:, None].expand(population.shape)
        self._population = population

    def ask(self) -> Tensor:
        """The population to score, (..., n_genomes, n_params); it is the state itself: look, don't write.

        From the second generation on its first `n_elites` rows are the elites, best first.
        """
        return self._population

    @torch.no_grad()
    def tell(self, fitness: Tensor) -> None:
        """Select, cross and mutate: the next generation.

        Args:
            fitness: (..., n_genomes) of the rows of the last `ask()`, larger is better, no NaN.
        """
        here = self._population
        if fitness.shape != here.shape[:-1]:
            wanted = f"{tuple(here.shape[:-1])}, one for each genome of the last ask()"
            raise ValueError(f"fitness must have shape {wanted}, not {tuple(fitness.shape)}")
        elites = _best(fitness, self.n_elites)
        n_children = here.shape[-2] - self.n_elites
        if self.crossover is None:
            mothers = fathers = self.select(fitness, n_children, rng=self.rng)
            children, founders = take(here, mothers), take(self.founders, mothers)
        else:
            mothers, fathers = self.select(fitness, 2 * n_children, rng=self.rng).chunk(2, dim=-1)
            share = self.crossover((*here.shape[:-2], n_children, here.shape[-1]), rng=self.rng)
            children = cross(take(here, mothers), take(here, fathers), share)
            founders = torch.where(share > 0.5, take(self.founders, mothers), take(self.founders, fathers))
        if self.mutate is not None:
            self.mutate(children, rng=self.rng)
        self._population = torch.cat([take(here, elites), children], dim=-2)
        self.founders = torch.cat([take(self.founders, elites), founders], dim=-2)
        pairs = torch.stack([mothers, fathers], dim=-1)
        self.parents = torch.cat([torch.stack([elites, elites], dim=-1), pairs], dim=-2)
        self.generation += 1


# Selection: from fitness to row numbers


def truncation(fitness: Tensor, fraction: float) -> Tensor:
    """Truncation selection: the rows of the best genomes, best first; ties go to the lower row.

    Args:
        fitness: (..., n_genomes), larger is better, no NaN.
        fraction: share that survives, in (0, 1]; at least one genome does.

    Returns:
        (..., max(1, floor(fraction * n_genomes))) row numbers.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must lie in (0, 1], not {fraction}")
    check_fitness(fitness)
    # 0.29 * 100 is 28.999...: without the nudge a survivor is lost to rounding.
    return _best(fitness, max(1, math.floor(fraction * fitness.shape[-1] + 1e-9)))


def _best(fitness: Tensor, n: int) -> Tensor:
    if n < 2 and fitness.shape[-1]:
        return fitness.argmax(dim=-1, keepdim=True)[..., :n]  # of equals the first, as in the sorted order
    return torch.argsort(fitness, dim=-1, descending=True, stable=True)[..., :n]


def from_best(fitness: Tensor, n_draws: int, rng: torch.Generator, fraction: float = 0.2) -> Tensor:
    """Parents drawn evenly, with replacement, from the survivors of `truncation`: (..., n_draws) row numbers."""
    survivors = truncation(fitness, fraction)
    picks = torch.randint(survivors.shape[-1], (*fitness.shape[:-1], n_draws), generator=rng, device=fitness.device)
    return survivors.gather(-1, picks)


def tournament(fitness: Tensor, n_draws: int, rng: torch.Generator, size: int = 2) -> Tensor:
    """Tournament selection: each parent is the best of `size` genomes drawn evenly, with replacement.

    Args:
        fitness: (..., n_genomes), larger is better, no NaN.
        n_draws: number of tournaments.
        rng: source of randomness, on the device of the fitness.
        size: entrants of a tournament, at least 1 (1 is no selection at all).

    Returns:
        (..., n_draws) row numbers; among equals the entrant that was drawn first wins.
    """
    if size < 1:
        raise ValueError(f"a tournament needs at least one entrant, not size={size}")
    check_fitness(fitness)
    shape = (*fitness.shape[:-1], n_draws, size)
    entrants = torch.randint(fitness.shape[-1], shape, generator=rng, device=fitness.device)
    scores = fitness.gather(-1, entrants.flatten(-2)).view(shape)
    return entrants.gather(-1, scores.max(dim=-1, keepdim=True).indices).squeeze(-1)


def check_fitness(fitness: Tensor) -> None:
    """Refuse fitness that can't be ranked: wrong shape, no genome, NaN."""
    if fitness.dim() < 1 or fitness.shape[-1] == 0:
        raise ValueError(f"fitness must have shape (..., n_genomes) with n_genomes >= 1, not {tuple(fitness.shape)}")
    if bool(fitness.isnan().any()):
        rows = fitness.isnan().nonzero()[:, -1].unique()[:5].tolist()
        raise ValueError(f"fitness of genomes {rows} is NaN: it can't be ranked; look for inf or NaN weights")


def proportional(candidates: Tensor, weights: Tensor, n_draws: int, rng: torch.Generator) -> Tensor:
    """Fitness-proportional choice with replacement.

    Negative weights have no meaning as probabilities. As soon as one of a run is negative, all of that run are
    shifted so that the smallest becomes zero; where all weights are equal, the choice is uniform.

    Args:
        candidates: (..., n_candidates) row numbers.
        weights: (..., n_candidates), one for each candidate, in the same order.
        n_draws: number of parents to draw.
        rng: source of randomness, on the device of the weights.

    Returns:
        (..., n_draws) row numbers.
    """
    if candidates.shape != weights.shape:
        shapes = f"weights has shape {tuple(weights.shape)}, candidates {tuple(candidates.shape)}"
        raise ValueError(f"{shapes}: give one weight for each candidate")
    if 0 in weights.shape or weights.shape[-1] > 2**24 or n_draws < 1:  # 2**24: all that multinomial can tell apart
        asked = f"{n_draws} draws from shape {tuple(weights.shape)}"
        raise ValueError(f"a choice needs 1 to 2**24 candidates and a draw, not {asked}")
    shifted = weights.double() - weights.double().amin(dim=-1, keepdim=True).clamp_(max=0)
    totals = shifted.sum(dim=-1, keepdim=True)
    if not bool(totals.isfinite().all()):
        raise ValueError("weights hold NaN or infinity, or add up to it, and are no chances: look at the fitness")
    shifted += totals == 0
    rows = shifted.view(-1, shifted.shape[-1])  # multinomial knows at most one leading dimension
    picks = torch.multinomial(rows, n_draws, replacement=True, generator=rng)
    return candidates.gather(-1, picks.view(*weights.shape[:-1], n_draws))


# Crossover: from two parents to a child


def take(population: Tensor, rows: Tensor) -> Tensor:
    """The genomes of these rows: (..., n_genomes, n_params) and (..., n_rows) to (..., n_rows, n_params), a copy."""
    *runs, n_genomes, n_params = population.shape
    if rows.dim() == 0 or [*rows.shape[:-1]] != runs:
        raise ValueError(f"rows has shape {tuple(rows.shape)}: give row numbers of shape {(*runs, 'n_rows')}")
    if rows.dtype != torch.long or ((rows < 0) | (rows >= n_genomes)).any():
        raise IndexError(f"rows is out of bounds: give row numbers, torch.long, from 0 to {n_genomes - 1}")
    first = n_genomes * torch.arange(math.prod(runs), device=rows.device).view(*runs, 1)
    return population.reshape(-1, n_params).index_select(0, (first + rows).flatten()).view(*rows.shape, n_params)


def cross(mothers: Tensor, fathers: Tensor, share: Tensor) -> Tensor:
    """Children share * mothers + (1 - share) * fathers, gene by gene; exact where the share is 0 or 1.

    All three, and the result, have shape (..., n_children, n_params).
    """
    share = share.to(mothers)
    children = torch.lerp(fathers, mothers, share)
    if not bool(children.sum().isfinite()):  # an infinite gene, of which a share of 0 would be NaN
        children = torch.where(share == 0, fathers, torch.where(share == 1, mothers, children))
    return children


def uniform(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Uniform crossover (Syswerda 1989): each gene comes whole, with a fair coin each, from mother or father.

    Returns the mother's share, 0.0 or 1.0, of shape (..., n_children, n_params).
    """
    return torch.randint(2, shape, generator=rng, device=rng.device).float()


def one_point(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """One-point crossover (Holland 1975): the genes before a cut come from the mother, the others from the father.

    The cut lies after 1 to n_params - 1 genes, all equally likely, so each parent gives something; a genome of one
    gene comes from the mother. Returns the mother's share, as `uniform` does.
    """
    *runs, n_params = shape
    cut = torch.randint(1, max(2, n_params), (*runs, 1), generator=rng, device=rng.device)
    return (torch.arange(n_params, device=rng.device) < cut).float()


def blend(shape: tuple[int, ...], rng: torch.Generator, extend: float = 0.5) -> Tensor:
    """Blend crossover, BLX-alpha (Eshelman and Schaffer 1993): each gene is drawn evenly around its parents' two.

    Args:
        shape: of the children, (..., n_children, n_params).
        rng: source of randomness.
        extend: alpha >= 0: how far the interval goes beyond each parent, in units of their distance.

    Returns:
        The mother's share of each gene, evenly distributed in [-extend, 1 + extend].
    """
    if not 0 <= extend < math.inf:
        raise ValueError(f"extend must be a finite number >= 0, not {extend}")
    return torch.rand(shape, generator=rng, device=rng.device) * (1 + 2 * extend) - extend


# Reproduction and mutation in place


def reproduce_(population: Tensor, parents: Tensor) -> Tensor:
    """Replace the population by copies of the parents, moving as few rows as possible.

    The first child of every parent stays in its parent's row; the others overwrite rows that have no child. So
    there is no second population in memory, and a row is copied only when it changes.

    Args:
        population: (n_genomes, n_params), changed in place.
        parents: (n_genomes,) row number of each child's parent, in any order.

    Returns:
        (n_genomes,) the parent's old row number of the child that now sits in each row.
    """
    n_genomes = population.shape[0]
    if parents.shape != (n_genomes,):
        raise ValueError(f"parents must have shape ({n_genomes},), one for each child, not {tuple(parents.shape)}")
    if n_genomes and not 0 <= int(parents.min()) <= int(parents.max()) < n_genomes:
        raise ValueError(f"parents must lie in 0..{n_genomes - 1}, not in {int(parents.min())}..{int(parents.max())}")
    n_children = torch.bincount(parents, minlength=n_genomes)
    rows = torch.arange(n_genomes, device=population.device)
    free = rows[n_children == 0]
    extra = rows.repeat_interleave((n_children - 1).clamp_(min=0))
    for row, parent in zip(free.tolist(), extra.tolist(), strict=True):
        population[row].copy_(population[parent])
    rows[free] = extra
    return rows


def mutate_(
    population: Tensor, rate: float, scale: float | Tensor, rng: torch.Generator, rows: Tensor | None = None
) -> None:
    """Add normal noise of standard deviation `scale` to every entry with probability `rate`, in place.

    Exactly what a dense mask does (every entry is hit independently), at the cost of the entries that are hit:
    see `bernoulli_positions`.

    Args:
        population: (..., n_genomes, n_params), contiguous.
        rate: mutation rate, in [0, 1].
        scale: mutation scale (sigma), finite and >= 0: a number, or a tensor that broadcasts to the population's shape,
            for a scale of its own for each run, genome or gene.
        rng: source of randomness, on the population's device.
        rows: (n_rows,) row numbers of the genomes to mutate, each at most once; all of them if None. Only for
            one run, (n_genomes, n_params), and a number as scale.
    """
    scales = torch.as_tensor(scale)
    if not bool(((scales >= 0) & scales.isfinite()).all()):
        raise ValueError(f"mutation needs a finite scale >= 0, not {scale}")
    _check_mutable(population, rate)
    if rows is not None and (population.dim() != 2 or scales.dim() > 0):
        raise ValueError(f"rows can only be chosen from one run with one scale, not from {tuple(population.shape)}")
    n_params = population.shape[-1]
    n_entries = population.numel() if rows is None else rows.shape[0] * n_params
    if rate == 0 or n_entries == 0 or not bool(scales.any()):
        return
    if rate == 1 and rows is None:
        noise = torch.randn(population.shape, generator=rng, device=population.device, dtype=population.dtype)
        population += noise.mul_(scales.to(population.device) if scales.dim() else scale)
        return
    hits = torch.arange(n_entries, device=population.device) if rate == 1 else bernoulli_positions(n_entries, rate, rng)
    noise = torch.randn(hits.shape, generator=rng, device=population.device, dtype=population.dtype)
    noise *= scales.to(population).expand(population.shape).reshape(-1)[hits] if scales.dim() else scale
    if rows is not None:
        hits = rows[hits // n_params] * n_params + hits % n_params
    population.view(-1).scatter_add_(0, hits, noise)  # the fastest of torch's ways to add at positions


def flip_(population: Tensor, rate: float, rng: torch.Generator) -> None:
    """Flip every bit with probability `rate`, in place.

    Args:
        population: (..., n_genomes, n_params) of 0.0 and 1.0, contiguous.
        rate: mutation rate, in [0, 1].
        rng: source of randomness, on the population's device.
    """
    _check_mutable(population, rate)
    bits = population.view(-1)
    if rate == 0 or bits.shape[0] == 0:
        return
    hits = slice(None) if rate == 1 else bernoulli_positions(bits.shape[0], rate, rng)
    bits[hits] = 1 - bits[hits]


def _check_mutable(population: Tensor, rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ValueError(f"mutation needs 0 <= rate <= 1, not {rate}")
    if population.dim() < 2 or not population.is_contiguous():
        found = f"shape {tuple(population.shape)} and strides {population.stride()}"
        raise ValueError(f"population must be a contiguous (..., n_genomes, n_params) tensor, not of {found}")


def bernoulli_positions(n: int, rate: float, rng: torch.Generator) -> Tensor:
    """Positions 0 <= i < n, each present independently with probability `rate`, in increasing order.

    The gaps between the hits of a Bernoulli process are geometric: P(gap > k) = (1 - rate)^k. So a uniform number
    u becomes a gap by inversion, 1 + floor(log(1 - u) / log(1 - rate)), and only the hits cost anything.

    Args:
        n: number of trials, at least 1.
        rate: in (0, 1).
        rng: source of randomness; the result lives on its device.

    Returns:
        (n_hits,) int64, n_hits ~ Binomial(n, rate).
    """
    # Enough gaps to pass n nearly always (six standard deviations); the loop pays for the rest.
    n_gaps = math.ceil(n * rate + 6 * math.sqrt(n * rate) + 6)
    # float32 has 2**24 values of u: plenty for common hits, but the gaps of rare ones would show the grain.
    dtype = torch.float32 if rate >= 0.001 else torch.float64
    positions: list[Tensor] = []
    last = -1
    while last < n:
        u = torch.rand(n_gaps, generator=rng, device=rng.device, dtype=dtype)
        # A gap of n passes the end from anywhere; clamped, a tiny rate can't overflow the integers.
        gaps = u.neg_().log1p_().div_(math.log1p(-rate)).clamp_(max=n).long().add_(1)
        positions.append(gaps.cumsum_(0).add_(last))
        last = int(positions[-1][-1])
    hits = torch.cat(positions) if len(positions) > 1 else positions[0]
    return hits[: int(torch.searchsorted(hits, n))]
