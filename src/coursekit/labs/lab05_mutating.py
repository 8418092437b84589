"""What lab 5 asks of a mutation: normal noise of the right size, in place, on genes that are hit one by one."""

import torch
from torch import Tensor

from coursekit.feedback import Student, TryAgain
from coursekit.labs.tensors import comes_from_rng, looks_normal, seeded, tensor

__all__ = ["judge_mutation"]

BEFORE = torch.arange(2 * 100 * 1000).view(2, 100, 1000) % 7 - 3.0  # whole numbers from -3 to 3


def judge_mutation(student: Student) -> None:
    """What is hit, and by what; both come from rng."""

    def draw(rng: torch.Generator, rate: float = 0.3, scale: float = 0.2) -> Tensor:
        children = BEFORE.clone()
        answer = student.in_place(children, rate, scale, rng)
        noise = tensor(children, tuple(BEFORE.shape), "children") - BEFORE
        if rate and scale and not bool(noise.any()):
            _is_in_place(answer)
        return noise

    for rate, scale in ((0.3, 0.2), (0.05, 3.0)):
        noise = draw(seeded(55), rate, scale)
        hit = noise != 0
        if float(hit.float().mean()) < 0.99:
            _hits_one_by_one(hit)
        _noise_is_added(noise, hit)
        _hits_the_share(float(hit.float().mean()), rate)
        if not bool((hit[0] & hit[1]).any()):
            raise TryAgain("no gene is hit in both runs, of 100,000 in each: runs have nothing to do with each other.")
        values = noise[hit].round(decimals=4).unique()
        if len(values) < 0.5 * int(hit.sum()) and len(values) < 500:
            raise TryAgain(
                "many genes get the same noise: every gene that is hit needs a number of its own, and "
                f"{int(hit.sum())} genes share {len(values)}."
            )
        if abs(float((BEFORE + noise)[hit].std()) / scale - 1) < 0.1:
            raise TryAgain("the old value is lost where a gene is hit: noise is added to it, children += ...")
        comes_from_rng(lambda rng: draw(rng, 0.3, 1e4) != 0)  # so large that no noise is lost in rounding
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


def _is_in_place(answer: object) -> None:
    """Raise TryAgain, for nothing has changed."""
    returned = isinstance(answer, Tensor) and answer.shape == BEFORE.shape and not torch.equal(answer, BEFORE)
    if returned:
        raise TryAgain(
            "the children are as they were: you return the mutated children, but whoever called `mutate_(children, "
            "...)` looks at its own tensor. `children = children + ...` makes a new tensor; `children += ...` changes "
            "the one that came in."
        )
    raise TryAgain(
        "the children are as they were. Is the noise added to another tensor, or is no gene hit? `children = children "
        "+ ...` makes a new tensor; `children += ...` changes the one that came in, at which whoever called looks."
    )


def _hits_one_by_one(hit: Tensor) -> None:
    """TryAgain if genes, children or runs are hit together."""
    if torch.equal(hit, hit[..., :1].expand_as(hit)):
        raise TryAgain("a child is hit in all its genes or in none: `rate` is the chance of each single gene.")
    if torch.equal(hit, hit[:, :1].expand_as(hit)):
        raise TryAgain("all children of a run are hit in the same genes: draw a mask of the children's shape.")
    if torch.equal(hit[0], hit[1]):
        raise TryAgain("all runs are hit in the same genes: draw a mask of the children's shape.")


def _noise_is_added(noise: Tensor, hit: Tensor) -> None:
    """TryAgain if what is added is one number, or isn't added."""
    after, both = (BEFORE + noise)[hit], hit[0] & hit[1]
    if float(after.max() - after.min()) < 1e-4:
        raise TryAgain(f"every gene that is hit becomes {float(after.mean()):.3g}: noise is added to its old value.")
    if float(noise[hit].max() - noise[hit].min()) < 1e-4:
        raise TryAgain(f"every gene that is hit changes by {float(noise[hit].mean()):.3g}: draw a number for each.")
    if not bool(hit[BEFORE == 0].any()):
        raise TryAgain("genes that are 0 stay 0, and others change: noise is added, and no gene is multiplied.")
    if bool(both.any()) and torch.allclose(noise[0][both], noise[1][both], atol=1e-4):
        raise TryAgain("all runs get the same noise: draw it in the children's whole shape.")


def _hits_the_share(share: float, rate: float) -> None:
    """TryAgain unless about this share of the genes is hit."""
    if abs(share - (1 - rate)) < 0.02 and share < 0.99:
        raise TryAgain("the mask is the wrong way round: the share `rate` of the genes is spared.")
    if abs(share - rate) > 0.02:
        raise TryAgain(
            f"{100 * share:.0f} % of the genes are hit where rate = {rate:g}. torch.rand(...) < rate is true of that "
            "share."
        )
