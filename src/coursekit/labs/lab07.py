"""The checks of lab 7, "Beyond the line": a sigma that evolves, a life between two generations, a body to steer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.feedback import Constant, Lab, Student, TryAgain, compare, diagnose, hidden, refuse
from coursekit.labs.lab07_living import judge_life
from coursekit.labs.lab07_steering import Corridor, judge_steering
from coursekit.labs.tensors import comes_from_rng, seeded

__all__ = ["Corridor"]

LAB = Lab(7, "Beyond the line", varies={"7.1": Constant("tau"), "7.3": Constant()})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published


# 7.1 Sigma is a gene


def _read(children: Any, *args: Any) -> tuple[Tensor, Tensor]:
    """The children's weights and ln sigma."""
    shape = tuple(args[0].shape)
    got = tuple(children.shape) if isinstance(children, Tensor) else f"a {type(children).__name__}"
    refuse(got != shape, f"return one tensor of the mothers' shape, {shape}, with ln sigma last; you gave {got}.")
    children = children.detach().double()
    return children[..., :-1], children[..., -1]


def _bred(student: Student, *args: Any) -> tuple[Tensor, Tensor]:
    return _read(student(*args), *args)


def _parents(shape: tuple[int, ...], low: float, high: float, seed: int, blend: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Mothers and fathers with ln sigma in [low, high], and the mother's share: as in blend crossover, or coins."""
    rng = np.random.default_rng(hidden(seed))
    pair = rng.normal(size=(2, *shape[:-1], shape[-1] + 1))
    pair[..., -1] = rng.uniform(low, high, size=pair.shape[:-1])
    share = rng.uniform(-0.5, 1.5, size=shape) if blend else rng.integers(2, size=shape)
    return torch.from_numpy(pair[0]), torch.from_numpy(pair[1]), torch.from_numpy(share).double()


def _crossed(mothers: Tensor, fathers: Tensor, share: Tensor) -> Tensor:
    return fathers[..., :-1] + share * (mothers - fathers)[..., :-1]


def _inherit(
    weights: Callable[..., Tensor] = _crossed, sigma: Callable[..., Tensor] = lambda m, f: (m + f) / 2
) -> Callable[..., Tensor]:
    """Children without any noise, or a mistake in them: in their weights, or in ln sigma."""
    return lambda m, f, share, *_: torch.cat([weights(m, f, share), sigma(m[..., -1:], f[..., -1:])], dim=-1)


def _judge_inheritance(student: Student) -> None:
    """With tau = 0 and a sigma next to nothing no noise is left: what is inherited shows exactly."""
    cases = [_parents(s, -60, -50, n, n > 1) for n, s in enumerate([(5, 4), (9, 3), (2, 3, 3)], start=1)]
    (one, log_sigma), (two, again) = (_bred(student, *cases[0], 0.0, seeded(seed)) for seed in (71, 72))
    apart, by_chance, mean = (one - two).abs().max(), (log_sigma - again).abs().max(), float(log_sigma.mean())
    wrong: dict[str, Any] = {
        f"ln sigma differs by up to {float(by_chance):.3g} between two seeds, though tau is 0: is it the last column "
        "of what you return, and tau * N(0, 1) all that chance adds to it?": by_chance > 1e-6,
        "the children's ln sigma is at 0 where it should be near -55. Is it clamped, or never written, or sigma "
        "itself? A logarithm may be negative; exp makes it positive whenever sigma is needed.": (
            log_sigma.abs().max() < 1e-9
        ),
        f"sigma is not inherited: every child's ln sigma is {mean:.3g}, whoever its parents are.": (
            log_sigma.std() < 1e-9 and log_sigma[0] > -20
        ),
        f"the children's ln sigma is up to {float(log_sigma.max()):.3g}, where it should be near -55, halfway between "
        "their parents': half the sum of the two.": log_sigma.max() > -20,
        f"two seeds give weights up to {float(apart):.3g} apart, as if sigma were exp({-mean:.0f}), though ln sigma is "
        f"{mean:.0f} on average: has it lost its minus, or is the noise divided by sigma?": (
            1e-3 < ((one - two) * log_sigma[..., None].exp()).abs().max() < 20
        ),
        f"the children's ln sigma is {mean:.0f} on average, yet they are flung far away: two seeds give weights up to "
        f"{float(apart):.3g} apart. Is the noise multiplied by sigma, which is exp of the last column?": apart > 15,
        f"two seeds give weights up to {float(apart):.3g} apart, though sigma is exp({mean:.0f}), next to nothing: is "
        "the noise multiplied by it, exp of the last column, once, and does the crossover go by `share` alone?": (
            apart > 1e-6
        ),
    }
    diagnose(wrong)
    mother, father, coins = (torch.tensor([row]).double() for row in ([1, 2, 3, -60], [5, 6, 7, -50], [1, 0, 1]))
    compare(
        student,
        returns=("the children's weights", "ln sigma"),
        by_hand=[((mother, father, coins, 0.0, seeded(73)), torch.tensor([[1, 6, 3, -55]]))],
        others=[(*parents, 0.0, seeded(74)) for parents in cases],
        right=_inherit(),
        mistakes={
            "mother and father are swapped: 1 is the mother's.": _inherit(lambda m, f, share: _crossed(f, m, share)),
            "a share of 0.3 takes all of the father, as if there were 0 and 1 alone.": (
                _inherit(lambda m, f, share: torch.where(share > 0.5, m[..., :-1], f[..., :-1]))
            ),
            "sigma comes from the mother alone: it should be halfway.": _inherit(sigma=lambda m, f: m),
            "sigma comes from the father alone: it should be halfway.": _inherit(sigma=lambda m, f: f),
            "you average the sigmas, not their logs.": _inherit(sigma=lambda m, f: torch.logaddexp(m, f) - np.log(2)),
            "ln sigma is the sum of the parents': take half.": _inherit(sigma=torch.add),
            "with tau = 0 ln sigma is 1 larger than halfway: is exp taken of tau * N(0, 1) once too often?": _inherit(
                sigma=lambda m, f: (m + f) / 2 + 1
            ),
            "the inherited weights are lost: what you return is near 0, the noise alone.": (
                _inherit(lambda m, f, share: torch.zeros_like(share))
            ),
            "ln sigma goes by `share`, as the first weight does: it should be halfway, whatever the share.": (
                lambda m, f, share, *_: torch.cat(
                    [_crossed(m, f, share), f[..., -1:] + share[..., :1] * (m - f)[..., -1:]], -1
                )
            ),
            "all children get one mean sigma.": _inherit(sigma=lambda m, f: (m + f).mean().expand_as(m) / 2),
        },
        read=_read,
    )


def _size(z: Tensor) -> Tensor:
    """The mean logarithm of a child's numbers: (n, k) to (n,)."""
    return z.abs().clamp(min=1e-12).log().mean(dim=1)


def _tie(*columns: Tensor) -> Tensor:
    """The largest correlation between two of these columns."""
    return torch.corrcoef(torch.stack(columns)).fill_diagonal_(0).abs().max()


def _normal(z: Tensor, change: Tensor) -> bool:
    """Whether z (60,000 numbers, six a child) looks standard normal, and its size owes nothing to `change`.

    Each bound is six standard errors away or more: a right answer fails with a chance below one in a million.
    """
    away = [abs(float((z**power).mean()) - due) for power, due in ((1, 0), (2, 1), (4, 3))]
    return bool(away[0] < 0.03 and away[1] < 0.04 and away[2] < 0.35 and _tie(_size(z), change) < 0.06)


def _weights_broke(log_sigma: Tensor, turned: Tensor) -> None:
    """TryAgain for weights that are no numbers, in children of this ln sigma; `turned` is tau by its change."""
    if log_sigma.min() < 80:
        raise TryAgain(
            f"some weights are NaN or infinite, as of a child with ln sigma {float(log_sigma.min()):.3g}: print them."
        )
    moments = [float((turned**power).mean()) for power in (1, 2, 4)]
    told = f"sigma becomes huge: ln sigma goes up to {float(log_sigma.max()):.3g}, and exp of that overflows"
    if np.allclose(moments, [0, 1, 3], atol=0.3):
        raise TryAgain(f"{told}. It moves by tau / N(0, 1), which is huge where the draw is near 0: multiply.")
    raise TryAgain(
        f"{told} (weights, too). The parents' lie between -2 and 1.5, and tau * N(0, 1) adds no more than 4 or "
        "so: is it tau times torch.randn(...), added to ln sigma once?"
    )


def _judge_noise(student: Student) -> None:
    """Ten thousand children: how ln sigma and the weights are scattered."""
    tau, parents = 0.7, _parents((2, 5000, 6), -2, 1.5, 6, False)
    weights, log_sigma = _bred(student, *parents, tau, seeded(75))
    before = (parents[0] + parents[1])[..., -1] / 2
    change, steps, old, new = log_sigma - before, weights - _crossed(*parents), before.exp(), log_sigma.exp()
    z, mean, spread = steps / new[..., None], float(change.mean()), float(change.std())
    low, high = (float(change[half].std()) for half in (before <= before.median(), before > before.median()))
    unequal = f"ln sigma moves by {low:.2f} (standard deviation) where sigma is small and {high:.2f} where it is large"
    n_bad = int((~torch.isfinite(log_sigma)).sum())
    nan = (
        f"{n_bad} of {log_sigma.numel()} ln sigma are NaN or infinite: is a logarithm or a root taken of a negative "
        "number, as sigma + tau * N(0, 1) or 1 + tau * N(0, 1) may be? exp(tau * N(0, 1)) is always positive, and for "
        "ln sigma it is a sum."
    )
    refuse(n_bad, nan)
    if bool((bad := ~torch.isfinite(weights).all(-1)).any()):
        _weights_broke(log_sigma[bad], tau / change)
    if spread < 1e-4 < abs(mean):
        again = _bred(student, *parents, tau, seeded(76))[1]
        refuse(
            torch.allclose(again, log_sigma, atol=1e-6),
            f"ln sigma moves by {mean:.2f} in every child, whatever the seed: add tau * N(0, 1), with a draw for each.",
        )
    scaled = (log_sigma / before).log()  # by which factor ln sigma was multiplied, as a logarithm
    wrong: dict[str, Any] = {
        "sigma is inherited but never mutated: add tau * N(0, 1) to ln sigma.": change.abs().max() < 1e-6,
        "children share the draw that moves ln sigma: one number for each child, of the shape mothers.shape[:-1].": (
            change.std(dim=1).max() < 1e-4 or torch.allclose(change[0], change[1], atol=1e-4)
        ),
        "ln sigma never changes its sign: it is multiplied by exp(tau * N(0, 1)). Sigma is; for its logarithm the "
        "product is a sum, ln sigma + tau * N(0, 1).": abs(float(scaled.std()) / tau - 1) < 0.06,
        "ln sigma never changes its sign, in 10,000 children from both sides of 0. ln sigma + tau * N(0, 1) now and "
        "then does: is it multiplied by something, or cut off?": (log_sigma * before >= 0).all(),
        f"{unequal}, and should move by {tau} everywhere. Did noise of the weights reach the last column, or is tau * "
        "N(0, 1) multiplied by sigma?": high > 1.14 * low,
        f"{unequal}, and should move by {tau} everywhere. Is tau * N(0, 1) added to sigma, or multiplied by something "
        "that is larger for small ones? Add it to ln sigma.": low > 1.14 * high,
        f"for tau = {tau}, ln sigma moves by {mean:.2f} on average, with a standard deviation of {spread:.2f}; 0 and "
        f"{tau} are due: add tau * N(0, 1), once.": abs(spread / tau - 1) > 0.06 or abs(mean) > 0.07,
        f"ln sigma moves by {spread:.2f} (standard deviation), as it should, and in 10,000 children by "
        f"{float(change.abs().max()) / tau:.1f} * tau at most, where N(0, 1) goes up to about 4: draw with "
        "torch.randn, for ln sigma, too.": abs((change / spread).pow(4).mean() - 3) > 0.6,
        "the weights never mutate: add sigma * N(0, 1) after the crossover.": steps.abs().max() < 1e-6,
        f"the weights move by {float(z.mean()):.2f} times sigma in every child, without chance: multiply sigma by "
        "N(0, 1).": z.std() < 1e-3 and z.abs().max() > 1e-3,
        "all weights of a child move by the same draw: draw for each.": (z - z[..., :1]).abs().median() < 1e-4,
        "children's weights move by the same draws: draw noise of the whole shape of the weights.": (
            z.std(dim=1).max() < 1e-3 or torch.allclose(z[0], z[1], atol=1e-3)
        ),
    }
    diagnose(wrong)
    old, new, change = old.view(-1, 1), new.view(-1, 1), change.flatten()
    steps, z = steps.flatten(0, 1), z.flatten(0, 1)
    if _normal(z, change):
        of_sigma = max(_tie(change, one) for one in z.T) > 0.1
        both = "those of ln sigma and of a weight" if of_sigma else "those of two weights of a child"
        return refuse(
            _tie(change, *z.T) > 0.1,
            f"one draw does two jobs: {both} go together. Ln sigma and every weight need their own.",
        )
    wrong = {
        "no weight ever moves down: multiply sigma by N(0, 1), by torch.randn, which is as often negative.": z.min()
        > 0,
        "the weights move by sigma / N(0, 1): multiply sigma by it.": _normal(1 / z, change),
        "the weights move by sigma * sigma times N(0, 1): sigma once is enough.": _normal(z / new, change),
        "the weights move by the root of sigma times N(0, 1): take sigma as it is.": _normal(z * new**0.5, change),
        "the weights move by the parents' sigma. Mutate sigma first and use the new one: a child should live or die by "
        "the sigma that it hands on.": _normal(steps / old, change),
        "you take a power of 10; the last column is a natural logarithm: exp.": _normal(
            steps / 10 ** new.log(), change
        ),
        "the noise is multiplied by tau as well; sigma is enough.": _normal(steps / (tau * new), change),
        "the weights move by another sigma than the one in the last column: how far they go differs from child to "
        "child, but not with the change of ln sigma. Is tau * N(0, 1) drawn twice?": (
            _tie(_size(steps / old), change) < 0.06 and _size(steps / old).std() > 0.6
        ),
    }
    diagnose(wrong)
    raise TryAgain(
        "a weight should move by its child's new sigma times N(0, 1), by torch.randn. Divided by that sigma your steps "
        f"have the mean {float(z.mean()):.2f} and the standard deviation {float(z.std()):.2f}, or another shape."
    )


@LAB.exercise(
    "7.1",
    "breed(mothers, fathers, share, tau, rng)",
    title="Sigma is a gene",
    points=6,
    in_place="your function writes into `{name}`, which whoever called it still needs. children = {name} is one tensor "
    "with two names, and {name}[..., :-1] a window into it: make new tensors, or begin with .clone().",
)
def _(student: Student) -> None:
    _judge_inheritance(student)
    _judge_noise(student)
    parents = _parents((4, 3), -1, 1, 7, False)

    def draws(rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """What the weights and ln sigma drew, apart: one may come from rng, and the other not."""
        weights, log_sigma = _bred(student, *parents, 0.5, rng)
        return ((weights - _crossed(*parents)) / log_sigma.exp()[..., None]).round(decimals=4), log_sigma

    for part, what in enumerate(("noise for the weights", "ln sigma")):
        comes_from_rng(
            lambda rng, part=part: draws(rng)[part],
            elsewhere=f"the same seed gives other {what} the second time, so a draw does not come from `rng`: "
            "generator=rng.",
            inside=f"other seeds of `rng` give the same {what}: draw from `rng`, and don't seed anything inside.",
            repeats=f"a second call with the same generator gives the same {what} again: draw from `rng` as it goes "
            "on.",
        )


# 7.2 A life between two generations

LAB.exercise(
    "7.2",
    "live(genomes, loss, step_, inherit, n_steps)",
    title="A life between two generations",
    points=5,
    in_place="the weights of birth are lost, as `{name}` is changed. step_ learns in place: does it get `{name}` "
    "itself, or a second name of it? That is no copy: learned = genomes.clone(), then step_(learned).",
)(judge_life)


# 7.3 The steering test

LAB.exercise("7.3", "mean_returns(env, policies, seeds)", title="The steering test", points=5)(judge_steering)


# 7.4 What a sweep tells

LAB.free_text(
    "7.4",
    title="What a sweep tells",
    points=4,
    rubric={
        4: "All three: unread genes ride along with one founder, and crossover parts them; without selection colours "
        "vanish too (drift), so a sweep proves no advantage; a colour is descent, not value, and a test follows (many "
        "runs, compared with unread genes or no selection).",
        2: "Riding along or drift is explained from the picture and the other is missing, with a test or without; or "
        "both, but no test.",
        0: "It retells the colours, or takes a colour that wins for a proof that its genes were good.",
    },
)
