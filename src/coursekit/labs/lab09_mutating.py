"""What lab 9 asks of a mutation that changes a population in place: whom it hits, how often, and at what price."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from coursekit.feedback import Student, TryAgain, refuse
from coursekit.labs.tensors import looks_normal, seeded

__all__ = [
    "Calls",
    "added",
    "counts_are_binomial",
    "ends_are_hit",
    "gaps_suffice",
    "hits_are_fair",
    "noise_is_added",
    "noise_is_fresh",
]


class Calls(TorchFunctionMode):
    """Notes what a function asks of torch: how many calls, which, and how many numbers drawn from a generator."""

    def __init__(self) -> None:
        super().__init__()
        self.n_calls = self.n_drawn = 0
        self.names = set[str]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = func(*args, **(kwargs or {}))
        self.n_calls += 1
        self.names.add(getattr(func, "__name__", ""))
        if any(isinstance(value, torch.Generator) for value in (*args, *(kwargs or {}).values())):
            self.n_drawn += answer.numel()
        return answer


def _before(shape: tuple[int, int]) -> Tensor:
    return torch.linspace(-1, 1, shape[0] * shape[1]).view(shape)


def added(student: Student, shape: tuple[int, int], rows: Tensor, rate: float, scale: float, rng: Any) -> Tensor:
    """What one call adds to these rows of a population, (n_rows, n_params); TryAgain if it touches others."""
    before = _before(shape)
    after, rows_given = before.clone(), rows.clone()
    answer = student.in_place(after, rows_given, rate, scale, rng)
    refuse(not torch.equal(rows, rows_given), "your function changes `rows`, which the caller still needs.")
    changed = after != before
    where = changed.any(dim=1)
    if rows.numel() * shape[1] * rate > 100 and not bool(where.any()):
        other = isinstance(answer, Tensor) and answer.data_ptr() != after.data_ptr()
        back = "What you return is another tensor. " if other else ""
        raise TryAgain(
            f"the population is as it was, where about {rows.numel() * shape[1] * rate:,.0f} weights should be hit. "
            f"{back}Are there hits, with noise for them, and does it reach `population` itself? population[rows], with "
            "a tensor of row numbers, would be a copy; population[row_of_hit, column_of_hit] += noise arrives."
        )
    refuse(not after.isfinite().all(), "the population now holds NaN or infinity: print what you write into it.")
    others = torch.ones(len(before), dtype=torch.bool)
    others[rows] = False
    refuse(
        bool(where.all()) and bool(others.any()),
        "every row of the population has changed, the parents' too, who live on. Only `rows` are children.",
    )
    strange = (where & others).nonzero().flatten().tolist()
    first = not bool(where[len(rows) :].any()) and len(rows) > 1
    if strange:
        raise TryAgain(
            f"you mutate parents: row {strange[0]} isn't in `rows`, and has changed. "
            + (f"All that has changed are the rows 0 to {len(rows) - 1}: is p // n_params taken for the row? " * first)
            + "Position p of the children is weight p % n_params of row rows[p // n_params]."
        )
    return (after - before)[rows]


def noise_is_added(noise: Tensor, rows: Tensor, scale: float) -> None:
    """One large call, of 60 genomes: noise comes on top of the old weights, and it is noise."""
    hit = noise != 0
    old, new = _before((60, noise.shape[1]))[rows][hit], noise[hit]
    slope = float(((old - old.mean()) * (new - new.mean())).mean() / old.var())
    if abs(slope + 1) < 0.1:  # what is added takes the old weight away
        left = torch.stack([old.abs(), (old + new).abs()])  # of weights that were multiplied, large ones are larger
        refuse(
            float(torch.corrcoef(left)[0, 1]) > 0.2,
            "a weight that is hit is multiplied by noise, so that small weights hardly change: add the noise, "
            "population[row_of_hit, column_of_hit] += noise.",
        )
        raise TryAgain(
            "where there is a hit, nothing of the old weight is left: `=` would overwrite it so. The noise comes on "
            "top: population[row_of_hit, column_of_hit] += noise."
        )
    refuse(
        (new - scale).abs().max() < 1e-4,
        f"every hit gets `scale` itself, {scale}, with nothing left to chance. Noise is another number for each hit: "
        "scale * torch.randn(len(hits), generator=rng).",
    )
    refuse(
        new.max() - new.min() < 1e-4,
        f"every hit gets the same number, {float(new.mean()):.3g}. Draw noise, one normal number for each hit: "
        "scale * torch.randn(len(hits), generator=rng).",
    )


def noise_is_fresh(student: Student, rows: Tensor, rate: float, scale: float) -> None:
    """Two large calls with one generator: neither the hits nor the noise come again."""
    rng = seeded(2)
    first, second = (added(student, (60, 1000), rows, rate, scale, rng) for _ in range(2))
    refuse(
        torch.equal(first != 0, second != 0),
        "two calls in a row hit the same weights: draw the gaps, too, from `rng` as it goes on.",
    )
    once, again = first[first != 0], second[second != 0].sort().values
    at = torch.searchsorted(again, once).clamp(1, len(again) - 1)
    twice = torch.minimum((again[at] - once).abs(), (again[at - 1] - once).abs()) < 1e-6
    refuse(
        float(twice.float().mean()) > 0.3,  # by chance it is 0.03
        "the noise comes again: two calls in a row add the same numbers, if to other weights. Draw the noise, too, "
        "from `rng` as it goes on.",
    )


def hits_are_fair(hit: Tensor, noise: Tensor, rate: float, scale: float) -> None:
    """One large call: how many weights are hit, and whether children, weights and neighbours are independent."""
    per_child, per_weight = hit.float().mean(dim=1), hit.float().mean(dim=0)
    refuse(
        bool(hit.all()),
        f"every weight of every child is hit, where the rate is {rate}: that is each weight's chance. Which line of "
        "yours leaves weights out?",
    )
    refuse(
        ((per_child == 0) | (per_child == 1)).all(),
        "a child is hit in all its weights or in none. The rate is each single weight's chance.",
    )
    refuse(
        torch.allclose(noise, noise[:1].expand_as(noise), atol=1e-4),
        "all children get the same mutations: draw positions among all n_rows * n_params, and a number for each.",
    )
    refuse(
        ((per_weight == 0) | (per_weight == 1)).all(),
        "the same weights are hit in every child: draw positions among all n_rows * n_params of them.",
    )
    last = int(hit.flatten().nonzero().max())
    refuse(
        last < 0.9 * hit.numel(),
        f"the last hit is at position {last} of {hit.numel():,}, the children's weights in the order of `rows`. Are "
        "the gaps added up (each counts from the hit before it), are there enough of them, and do the positions go up "
        "to len(rows) * n_params?",
    )
    low, high = noise.where(hit, torch.inf), noise.where(hit, -torch.inf)
    for dim, hint in (
        (0, "the noise is shared over the genomes: where two children are hit in the same weight, they get the same "
            "number. Draw one number for each hit."),
        (1, "all hits of a child get the same number: draw one for each hit."),
    ):  # fmt: skip
        several = hit.sum(dim) > 1
        refuse(several.sum() > 1 and (high.amax(dim) - low.amin(dim) < 1e-4)[several].all(), hint)
    share, lost = float(hit.float().mean()), 1 - float(np.exp(-rate))
    # 40,000 weights: the share of a right answer is off by 0.015 once in a billion times.
    if abs(share - lost) < 0.015:
        wide = float(noise[hit].std()) / scale
        raise TryAgain(
            f"{100 * share:.0f} % of the weights are hit instead of {100 * rate:.0f} %. So many are left if positions "
            "are drawn with replacement, and some come twice: are yours? "
            + (
                f"The noise is {wide:.2f} times as wide as `scale`, too, as if that of two hits added up."
                if wide > 1.05
                else "Then one of two is lost, in unique(), or as `+=` writes each place once."
            )
        )
    shares = f"{100 * share:.0f} % of the weights are hit, where the rate is {100 * rate:.0f} %"
    refuse(abs(share - rate**2) < 0.015, f"{shares}: that is its square. Is it applied twice?")
    refuse(abs(share - (1 - rate)) < 0.015, f"{shares}: so many should be spared. Is a comparison turned round?")
    refuse(
        abs(share - rate) > 0.015,
        f"{100 * share:.1f} % of the children's weights are hit, where the rate is {100 * rate:.0f} %. (Mutated twice, "
        f"{100 * (2 * rate - rate**2):.0f} % would be.)",
    )
    refuse(
        abs(float(noise[hit].std()) / scale - (1 - rate) ** -0.5) < 0.04,
        f"the noise is {float(noise[hit].std()) / scale:.2f} times as wide as `scale`, as if some weights were hit "
        "more than once, and their noise added up. Are there gaps of 0, which stay in their place? The smallest gap is "
        "1, the next weight.",
    )
    flat = hit.flatten()
    both = float((flat[1:] & flat[:-1]).float().mean())
    refuse(
        abs(both - rate**2) > 0.025,
        f"hits are not independent: {100 * both:.0f} % of all neighbours are both hit, and by chance it would be "
        f"{100 * rate**2:.0f} %. Gaps of a fair coin are geometric: a gap of 1 has chance `rate`.",
    )


def counts_are_binomial(student: Student) -> None:
    """A hundred calls of middle size: how much the number of hits varies."""
    rng, rows = seeded(92), torch.arange(10)
    hits = torch.stack([added(student, (10, 200), rows, 0.3, 1.0, rng) != 0 for _ in range(100)])
    counts = hits.sum(dim=2)
    total = counts.sum(dim=1)
    refuse(
        counts.max() == counts.min(),
        f"every child is hit in exactly {int(counts.max())} of 200 weights. With a chance for every weight this "
        "number varies from child to child.",
    )
    if total.max() == total.min():
        other = int((added(student, (10, 200), rows, 0.3, 1.0, seeded(95)) != 0).sum())
        raise TryAgain(
            f"all calls with one generator have {int(total.max())} hits among 2,000 weights, and a call with another "
            f"seed has {other}: the number of hits is drawn from a generator that begins anew. Draw it from `rng` as "
            "it goes on."
            if other != total.max()
            else f"there are exactly {int(total.max())} hits among 2,000 weights in every call. With a chance for "
            "every weight this number is binomial: it varies from call to call."
        )
    refuse(
        total.max() <= 600,
        f"in 100 calls with 2,000 weights and a rate of 0.3 there are never more than {int(total.max())} hits, and 600 "
        "should be their mean. Do your gaps run out, or are hits lost? Draw more gaps than you need, and drop the "
        "positions beyond the end.",
    )
    spread = float(total.float().std()) / (2000 * 0.3 * 0.7) ** 0.5
    refuse(
        not 0.6 < spread < 1.5,
        f"the number of hits varies from call to call {spread:.1f} times as much as a binomial number does.",
    )


def ends_are_hit(student: Student) -> None:
    """A thousand tiny calls, six weights each: both ends are hit like the rest, and all six can be."""
    rng, rows = seeded(93), torch.tensor([2, 0])
    hits = torch.stack([added(student, (3, 3), rows, 0.5, 1.0, rng).flatten() != 0 for _ in range(1000)]).float()
    often = hits.mean(dim=0)
    refuse(
        often[0] < 0.02,
        f"the very first weight, at position 0, is hit in {100 * often[0]:.0f} % of 1,000 calls with a rate of 0.5. "
        "It is hit if the first gap is 1, the smallest: cumulated gaps, less 1. Do your positions begin at 0, and is 0 "
        "kept?",
    )
    refuse(
        hits.sum(dim=1).max() < 5 or often[-1] < 0.4 < often[0],
        f"with 2 children of 3 weights and a rate of 0.5, the last weight is hit in {100 * often[-1]:.0f} % of the "
        f"calls, and at most {int(hits.sum(dim=1).max())} of the 6 at once. Are there enough gaps, some more than the "
        "mean number of hits, and is each position below n kept?",
    )
    refuse(
        (often - 0.5).abs().max() > 0.085,
        f"at a rate of 0.5 the 6 weights of two children are hit in {[round(100 * float(p)) for p in often]} % of "
        "1,000 calls: all should be near 50.",
    )


def gaps_suffice(student: Student) -> None:
    """A hundred larger calls with another scale: the gaps reach the end of each, and the noise has that scale."""
    rng, rows, scale = seeded(94), torch.arange(20), 2.0
    noise = [added(student, (20, 1000), rows, 0.3, scale, rng) for _ in range(100)]
    empty = sum(not bool(one.flatten()[-60:].any()) for one in noise)  # by chance once in two thousand million calls
    refuse(
        empty > 0,
        "your hits don't always reach the end: with 20,000 weights and a rate of 0.3, not one of the last 60 weights "
        f"is hit in {empty} of 100 calls. Are there enough gaps? The number of hits varies; draw several of its "
        "standard deviations more than its mean.",
    )
    looks_normal(noise[-1][noise[-1] != 0], scale, "your noise")
