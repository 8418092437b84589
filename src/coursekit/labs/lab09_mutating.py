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
        back = "What you return is a new tensor. " if isinstance(answer, Tensor) else ""
        raise TryAgain(
            f"the population is as it was. {back}Does what you write reach `population` itself? population[rows], with "
            "a tensor of row numbers, would be a copy; population[row_of_hit, column_of_hit] += noise arrives."
        )
    refuse(not after.isfinite().all(), "the population now holds NaN or infinity: print what you add.")
    others = torch.ones(len(before), dtype=torch.bool)
    others[rows] = False
    refuse(
        bool(where.all()) and bool(others.any()),
        "you mutate everybody, the parents too, who live on. Only `rows` are children.",
    )
    refuse(
        where[others].any(),
        "you mutate parents: rows that are not in `rows` have changed. Position p of the children is weight "
        "p % n_params of row rows[p // n_params], not of row p // n_params.",
    )
    return (after - before)[rows]


def noise_is_added(noise: Tensor, rows: Tensor, scale: float) -> None:
    """One large call, of 60 genomes: noise comes on top of the old weights, and it is noise."""
    hit = noise != 0
    old, new = _before((60, noise.shape[1]))[rows][hit], noise[hit]
    slope = float(((old - old.mean()) * (new - new.mean())).mean() / old.var())
    refuse(
        abs(slope + 1) < 0.1,  # what is added takes the old weight away
        "`=` overwrites the old weight, and noise alone is left: population[row_of_hit, column_of_hit] += noise.",
    )
    refuse(
        (new - scale).abs().max() < 1e-4,
        "you add `scale` itself, and draw no noise: scale * torch.randn(len(hits), generator=rng).",
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
        "the same weights are hit in every call: draw the gaps from `rng` too, as it comes, with no seed of its own.",
    )
    once, again = first[first != 0], second[second != 0].sort().values
    at = torch.searchsorted(again, once).clamp(1, len(again) - 1)
    twice = torch.minimum((again[at] - once).abs(), (again[at - 1] - once).abs()) < 1e-6
    refuse(
        float(twice.float().mean()) > 0.3,  # by chance it is 0.02
        "the noise comes again: two calls in a row add the same numbers, if to other weights. Draw the noise from "
        "`rng` too, as it comes, with no seed of its own.",
    )


def hits_are_fair(hit: Tensor, noise: Tensor, rate: float, scale: float) -> None:
    """One large call: how many weights are hit, and whether children, weights and neighbours are independent."""
    per_child, per_weight = hit.float().mean(dim=1), hit.float().mean(dim=0)
    refuse(bool(hit.all()), f"every weight of every child is mutated, though the rate is {rate}: `rate` is ignored.")
    refuse(
        ((per_child == 0) | (per_child == 1)).all(),
        "a child is hit in all its weights or in none. The rate is each single weight's chance.",
    )
    refuse(torch.allclose(noise, noise[:1].expand_as(noise), atol=1e-4), "all children get the same mutations.")
    refuse(
        ((per_weight == 0) | (per_weight == 1)).all(),
        "the same weights are hit in every child: draw positions among all n_rows * n_params of them.",
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
        adds = float(noise[hit].std()) > 1.05 * scale
        raise TryAgain(
            f"{100 * share:.0f} % of the weights are hit instead of {100 * rate:.0f} %: the positions are drawn with "
            "replacement, so some come twice, and "
            + ("their noise adds up." if adds else "one of the two is lost: `+=` writes each place once.")
        )
    refuse(abs(share - rate**2) < 0.015, "the rate is applied twice: only its square is hit.")
    refuse(abs(share - (1 - rate)) < 0.015, "the share `rate` of the weights is spared, instead of hit.")
    refuse(
        abs(share - rate) > 0.015,
        f"{100 * share:.1f} % of the children's weights are hit, where the rate is {100 * rate:.0f} %.",
    )
    refuse(
        abs(float(noise[hit].std()) / scale - (1 - rate) ** -0.5) < 0.04,
        "some weights are hit more than once, and their noise adds up. A gap of 0 stays in its place: the smallest gap "
        "is 1, the next weight.",
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
    refuse(
        total.max() == total.min(),
        f"there are exactly {int(total.max())} hits among 2,000 weights in every call. With a chance for every weight "
        "this number is binomial: it varies from call to call.",
    )
    refuse(
        total.max() <= 600,
        "there are never more hits than rate * n, which should be their mean: your gaps run out. Draw more of them "
        "than you need, and drop the positions beyond the end.",
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
        "the very first weight is never hit. A gap of 1 means the next weight, and the first one comes next to the "
        "position -1: subtract 1 from the cumulated gaps.",
    )
    refuse(
        hits.sum(dim=1).max() < 5 or often[-1] < 0.4 < often[0],
        f"with 2 children of 3 weights and a rate of 0.5, the last weight is hit in {100 * often[-1]:.0f} % of the "
        f"calls, and at most {int(hits.sum(dim=1).max())} of the 6 at once: your gaps end too early. "
        "Draw some more of them.",
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
        "your gaps don't always reach the end: with 20,000 weights and a rate of 0.3, not one of the last 60 weights "
        f"is hit in {empty} of 100 calls. The number of hits varies; draw several of its standard deviations more than "
        "its mean.",
    )
    looks_normal(noise[-1][noise[-1] != 0], scale, "your noise")
