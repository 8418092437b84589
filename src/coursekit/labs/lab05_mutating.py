"""What lab 5 asks of a mutation: normal noise of the right size, in place, on genes that are hit one by one."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from coursekit.feedback import Student, TryAgain
from coursekit.labs.tensors import comes_from_rng, looks_normal, seeded, tensor

__all__ = ["judge_mutation"]

BEFORE = torch.arange(2 * 20 * 500).view(2, 20, 500) % 7 - 3.0  # whole numbers from -3 to 3
HUGE = 1e4  # a scale so large that no noise is lost in rounding
Draw = Callable[..., Tensor]  # (rng, rate, scale) -> what was added


def judge_mutation(student: Student) -> None:
    """What is hit, and by what; both come from rng."""

    written = False

    def draw(rng: torch.Generator, rate: float = 0.3, scale: float = 0.2) -> Tensor:
        nonlocal written
        children = BEFORE.clone()
        answer = student.in_place(children, rate, scale, rng)
        written = written or children._version > 0  # torch counts what is done to a tensor in place
        noise = tensor(children, tuple(BEFORE.shape), "children") - BEFORE
        if rate and scale and not bool(noise.any()):
            _is_returned(answer)
        return noise

    _has_coins(draw, lambda: written)
    for rate, scale in ((0.3, 0.2), (0.2, 3.0)):
        noise = draw(seeded(55), rate, scale)
        hit = noise != 0
        if float(hit.float().mean()) < 0.99:
            _hits_one_by_one(hit)
            _nobody_is_spared(draw)
        _noise_is_added(noise, hit, draw(seeded(550), rate, scale))
        _hits_the_share(draw)
        if not bool((hit[0] & hit[1]).any()):
            raise TryAgain("no gene is hit in both runs, of 10,000 in each: runs have nothing to do with each other.")
        _noise_is_drawn_for_each(noise, hit)
        if abs(float((BEFORE + noise)[hit].std()) / scale - 1) < 0.1:
            raise TryAgain("the old value is lost where a gene is hit: noise is added to it, children += ...")
        comes_from_rng(lambda rng: draw(rng, 0.3, HUGE) != 0, of="what is hit")
        comes_from_rng(lambda rng: draw(rng, 1.0))
        looks_normal(noise[hit], scale, f"the noise for scale = {scale:g}")
    # Once in a while noise is so small that adding it changes nothing.
    if (share := float((draw(seeded(56), 1.0) != 0).float().mean())) < 0.999:
        raise TryAgain(f"rate = 1 should hit every gene; with you it hits {100 * share:.1f} % of them.")
    if bool(draw(seeded(57), 0.0).any()):
        raise TryAgain("rate = 0 should hit no gene, and with you some change.")
    if bool(draw(seeded(58), 0.3, 0.0).any()):
        raise TryAgain("scale = 0 should change nothing, and with you some genes change.")
    comes_from_rng(draw)


def _is_returned(answer: object) -> None:
    """Raise TryAgain if nothing has changed but what the student's function returns."""
    if isinstance(answer, Tensor) and answer.shape == BEFORE.shape and not torch.equal(answer, BEFORE):
        raise TryAgain(
            "the children are as they were: you return the mutated children, but whoever called `mutate_(children, "
            "...)` looks at its own tensor. `children = children + ...` makes a new tensor; `children += ...` changes "
            "the one that came in."
        )


def _has_coins(draw: Draw, is_written: Callable[[], bool]) -> None:
    """TryAgain if nothing changes, if there is one coin for all or for a run, or if as many are hit each time."""
    hits = torch.stack([draw(seeded(n), 0.3, HUGE) != 0 for n in range(550, 558)])
    if not bool(hits.any()):
        if bool(draw(seeded(558), 1.0, HUGE).any()):
            raise TryAgain(
                "with rate = 0.3 no gene changes in 8 calls, and with rate = 1 some do: is rate rounded, or no coin "
                "tossed? torch.rand(...) < rate is true of the share `rate`."
            )
        if is_written():
            raise TryAgain(
                "the children are changed in place, and are as they were, even with rate = 1: what is added is 0. Is "
                "the noise 0, or no gene hit?"
            )
        raise TryAgain(
            "the children are as they were, even with rate = 1. Is anything written into the tensor that came in, at "
            "which whoever called looks? `children += ...` does so; `children = children + ...` makes a new tensor, "
            "and children[hit] a copy."
        )
    shares = hits.float().mean((2, 3))  # of each call and run
    if not bool(hits.all()) and bool(((shares == 0) | (shares == 1)).all()):
        who = "all genes of all runs" if bool((shares[:, 0] == shares[:, 1]).all()) else "all genes of a run"
        raise TryAgain(f"{who} are hit together, or none: draw a mask of the children's shape, a coin for each gene.")
    counts = hits.flatten(1).sum(1)
    if bool((counts == counts[0]).all()) and not torch.equal(hits[0], hits[1]):
        raise TryAgain(
            f"in 8 calls with rate = 0.3 exactly {int(counts[0])} of {BEFORE.numel()} genes are hit each time. Each "
            "gene has a coin of its own, so that their number differs from call to call."
        )


def _hits_one_by_one(hit: Tensor) -> None:
    """TryAgain if genes, children or runs are hit together."""
    if torch.equal(hit, hit[..., :1].expand_as(hit)):
        raise TryAgain("a child is hit in all its genes or in none: `rate` is the chance of each single gene.")
    if torch.equal(hit, hit[:, :1].expand_as(hit)):
        raise TryAgain("all children of a run are hit in the same genes: draw a mask of the children's shape.")
    if torch.equal(hit[0], hit[1]):
        raise TryAgain("all runs are hit in the same genes: draw a mask of the children's shape.")


def _nobody_is_spared(draw: Draw) -> None:
    """TryAgain if a run, a child or a place among the genes is never hit."""
    hits = torch.stack([draw(seeded(n), 0.3, HUGE) != 0 for n in range(550, 558)])
    for axis, who in enumerate(("run {}", "child {}, in any run,", "place {}"), 1):
        spared = hits.float().amax([other for other in range(4) if other != axis]) == 0
        if bool(spared.any()):
            what = who.format(int(spared.float().argmax()))
            raise TryAgain(f"no gene of {what} is hit in 8 calls with rate = 0.3 (counted from 0): is it left out?")


def _noise_is_added(noise: Tensor, hit: Tensor, other: Tensor) -> None:
    """TryAgain if what is added is one number, in an`other` call too, or isn't added."""
    after = (BEFORE + noise)[hit]
    if float(after.max() - after.min()) < 1e-4:
        raise TryAgain(f"every gene that is hit becomes {float(after.mean()):.3g}: noise is added to its old value.")
    if float(noise[hit].max() - noise[hit].min()) < 1e-4:
        now, then = float(noise[hit].mean()), float(other[other != 0].mean())
        if abs(now - then) < 1e-4:
            raise TryAgain(f"every gene that is hit changes by {now:.3g}: draw a number for each.")
        raise TryAgain(
            f"all genes that are hit change by one number, {now:.3g} in one call and {then:.3g} in another: draw one "
            "for each gene."
        )
    if not bool(hit[BEFORE == 0].any()):
        raise TryAgain("genes that are 0 stay 0, and others change: noise is added, and no gene is multiplied.")


def _noise_is_drawn_for_each(noise: Tensor, hit: Tensor) -> None:
    """TryAgain if one number is added to many genes: along an axis, or anywhere."""
    for axis, who in enumerate(("runs", "children of a run", "genes of a child")):
        most, least = noise.masked_fill(~hit, -math.inf).amax(axis), noise.masked_fill(~hit, math.inf).amin(axis)
        several = hit.sum(axis) > 1
        if bool(several.any()) and float((most - least)[several].max()) < 1e-4:
            raise TryAgain(f"all {who} get the same noise where they are hit: draw it in the children's whole shape.")
    n_values, n_hit = len(noise[hit].round(decimals=4).unique()), int(hit.sum())
    if n_values < 0.5 * n_hit and n_values < 500:
        raise TryAgain(
            f"many genes get the same noise: every gene that is hit needs a number of its own, and {n_hit} genes share "
            f"{n_values}."
        )


def _below(rate: float) -> float:
    """The share of normal numbers below this one."""
    return 0.5 + 0.5 * math.erf(rate / 2**0.5)


_SHARES: dict[str, Callable[[float], float]] = {  # of genes that are hit
    "the mask is the wrong way round: the share `rate` of the genes is spared.": lambda rate: 1 - rate,
    "half as many genes are hit as `rate` says.": lambda rate: rate / 2,
    "twice as many genes are hit as `rate` says.": lambda rate: min(2 * rate, 1),
    "the share rate * rate of the genes is hit: is it squared, or are two coins tossed for a gene?": lambda rate: (
        rate**2
    ),
    "the share of the genes that are hit is the root of rate.": lambda rate: rate**0.5,
    "as many genes are hit as normal numbers are below rate: torch.randn draws these, and torch.rand evenly from 0 "
    "to 1.": _below,
    "as many genes are hit as normal numbers are above rate: torch.randn draws these, and torch.rand evenly from 0 "
    "to 1, the share `rate` of them *below* rate.": lambda rate: 1 - _below(rate),
}


def _hits_the_share(draw: Draw) -> None:
    """TryAgain unless the share of genes that are hit is `rate`; 20,000 tosses stray from it by 0.0035."""

    def share(rate: float, scale: float = HUGE) -> float:
        return float((draw(seeded(559), rate, scale) != 0).float().mean())

    rates = (0.05, 0.3, 0.6)
    shares = [share(rate) for rate in rates]

    def fits(chance: Callable[[float], float]) -> bool:
        return all(abs(got - chance(rate)) < 0.02 for got, rate in zip(shares, rates, strict=True))

    if fits(lambda rate: rate):
        return
    if all(abs(share(0.3, scale) - scale) < 0.02 for scale in (0.2, 0.6)):
        raise TryAgain("the share `scale` of the genes is hit: it is `rate` that says how many are.")
    for hint, chance in _SHARES.items():
        if fits(chance):
            raise TryAgain(hint)
    if fits(lambda rate: shares[0]):
        raise TryAgain(f"{100 * shares[0]:.0f} % of the genes are hit, whatever rate is: torch.rand(...) < rate.")
    told = ", ".join(f"{100 * got:.0f} % with rate = {rate}" for got, rate in zip(shares, rates, strict=True))
    raise TryAgain(f"these genes are hit: {told}. torch.rand(...) < rate is true of the share `rate`.")
