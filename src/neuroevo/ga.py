"""Operators of a genetic algorithm on a population matrix (n_genomes, n_params).

Operators whose name ends in `_` change the population in place, as torch's do: a population of 200 networks is
40 MB, and a generation should not copy it more often than selection asks for.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def truncation(fitness: Tensor, fraction: float) -> Tensor:
    """Truncation selection: the rows of the best genomes, best first; ties go to the lower row.

    Args:
        fitness: (n_genomes,), larger is better, no NaN.
        fraction: share that survives, in (0, 1]; at least one genome does.

    Returns:
        (max(1, floor(fraction * n_genomes)),) row numbers.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction must lie in (0, 1], not {fraction}")
    check_fitness(fitness)
    # 0.29 * 100 is 28.999...: without the nudge a survivor is lost to rounding.
    n_survivors = max(1, math.floor(fraction * fitness.shape[0] + 1e-9))
    return torch.argsort(fitness, descending=True, stable=True)[:n_survivors]


def check_fitness(fitness: Tensor) -> None:
    """Refuse fitness that can't be ranked: wrong shape, no genome, NaN."""
    if fitness.dim() != 1 or fitness.shape[0] == 0:
        raise ValueError(f"fitness must have shape (n_genomes,) with n_genomes >= 1, not {tuple(fitness.shape)}")
    if bool(fitness.isnan().any()):
        rows = fitness.isnan().nonzero().flatten()[:5].tolist()
        raise ValueError(f"fitness of genomes {rows} is NaN: it can't be ranked; look for inf or NaN weights")


def proportional(candidates: Tensor, weights: Tensor, n_draws: int, rng: torch.Generator) -> Tensor:
    """Fitness-proportional choice with replacement.

    Negative weights have no meaning as probabilities. As soon as one is negative, all are shifted so that the
    smallest becomes zero; where all weights are equal, the choice is uniform.

    Args:
        candidates: (n_candidates,) row numbers.
        weights: (n_candidates,), one for each candidate, in the same order.
        n_draws: number of parents to draw.
        rng: source of randomness, on the device of the weights.

    Returns:
        (n_draws,) row numbers.
    """
    if candidates.shape != weights.shape:
        raise ValueError(
            f"weights has shape {tuple(weights.shape)}, candidates {tuple(candidates.shape)}: "
            "give one weight for each candidate"
        )
    if not bool(weights.isfinite().all()):
        raise ValueError("weights hold NaN or infinity, which are no chances to be chosen: look at the fitness")
    shifted = weights.double() - min(0.0, float(weights.min()))
    if float(shifted.sum()) == 0:
        shifted = torch.ones_like(shifted)
    return candidates[torch.multinomial(shifted, n_draws, replacement=True, generator=rng)]


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


def mutate_(population: Tensor, rate: float, scale: float, rng: torch.Generator, rows: Tensor | None = None) -> None:
    """Add normal noise of standard deviation `scale` to every entry with probability `rate`, in place.

    Exactly what a dense mask does (every entry is hit independently), at the cost of the entries that are hit:
    see `bernoulli_positions`.

    Args:
        population: (n_genomes, n_params), contiguous.
        rate: mutation rate, in [0, 1].
        scale: mutation scale (sigma), finite and >= 0.
        rng: source of randomness, on the population's device.
        rows: (n_rows,) row numbers of the genomes to mutate, each at most once; all of them if None.
    """
    if not 0 <= rate <= 1 or not 0 <= scale < math.inf:
        raise ValueError(f"mutation needs 0 <= rate <= 1 and a finite scale >= 0, not {rate} and {scale}")
    if population.dim() != 2 or not population.is_contiguous():
        raise ValueError(
            f"population must be a contiguous (n_genomes, n_params) tensor, not of shape {tuple(population.shape)} "
            f"and strides {population.stride()}"
        )
    n_params = population.shape[1]
    n_entries = population.numel() if rows is None else rows.shape[0] * n_params
    if rate == 0 or scale == 0 or n_entries == 0:
        return
    hits = torch.arange(n_entries, device=population.device) if rate == 1 else bernoulli_positions(n_entries, rate, rng)
    if rows is not None:
        hits = rows[hits // n_params] * n_params + hits % n_params
    noise = torch.randn(hits.shape, generator=rng, device=population.device, dtype=population.dtype)
    population.view(-1).scatter_add_(0, hits, noise.mul_(scale))  # the fastest of torch's ways to add at positions


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
        steps = gaps.cumsum_(0).add_(last)
        positions.append(steps)
        last = int(steps[-1])
    hits = torch.cat(positions) if len(positions) > 1 else positions[0]
    return hits[: int(torch.searchsorted(hits, n))]
