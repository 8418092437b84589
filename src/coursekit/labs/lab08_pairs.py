"""What lab 8 asks of a gradient from scores. A student's noise can't be foreseen, but a loss sees where it is asked."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Pattern, Student, TryAgain, compare, seems
from coursekit.labs.tensors import comes_from_rng, seeded

__all__ = ["judge_gradient", "normal", "stops_for_rows"]

Array = NDArray[np.float64]


def normal(*shape: int, seed: int) -> Tensor:
    """Standard normal numbers, float64."""
    return torch.randn(shape, dtype=torch.float64, generator=seeded(seed))


@seems("function")
class Loss:
    """A bumpy loss that remembers the points at which it was asked, and what it said."""

    def __init__(self, n_params: int, seed: int) -> None:
        self._centre, self._slope = normal(2, n_params, seed=seed)
        self.points, self.values = normal(0, n_params, seed=0), normal(0, seed=0)

    def __call__(self, points: Any) -> Tensor:
        d = len(self._centre)
        if not isinstance(points, Tensor) or points.dim() < 1 or points.shape[-1] != d:
            given = f"shape {tuple(points.shape)}" if isinstance(points, Tensor) else type(points).__name__
            raise TryAgain(f"loss takes points of shape (..., {d}), {d} parameters a point, but you gave it {given}.")
        points = points.double()
        values = ((points - self._centre) ** 2).sum(-1) + 3 * (points @ self._slope).sin() + 3
        self.points = torch.cat([self.points, points.detach().reshape(-1, d)])
        self.values = torch.cat([self.values, values.detach().reshape(-1)])
        return values

    def pairs(self, theta: Tensor, n_pairs: int, within: float = 40) -> tuple[Tensor, Tensor, Tensor]:
        """What was asked around one theta: a step (n, d) of each pair, and the scores of plus and minus, (n, 1) each.

        Raises TryAgain if the points near theta are not n_pairs distinct pairs that mirror each other.
        """
        near = (self.points - theta).abs().amax(-1) < within
        steps, values, n = self.points[near] - theta, self.values[near, None], int(near.sum())
        if len(near) == 0:
            raise TryAgain("your function never asks `loss`: it needs the scores of points around theta.")
        if n == 0:
            raise TryAgain(
                f"of the {len(near)} points for which you ask loss none is near the theta that begins with "
                f"{theta[0]:.3g}: ask at theta + sigma * noise and theta - sigma * noise."
            )
        if bool((steps == 0).all()):
            raise TryAgain(
                f"all {n} points for which you ask loss are theta itself, without a step: ask at theta + sigma * noise "
                "and theta - sigma * noise."
            )
        if n == n_pairs:
            lone = ", and none is the mirror image of another" if not _mirrored(steps).any() else ""
            raise TryAgain(
                f"for {n_pairs} pairs you ask for {n} points around theta{lone}. A pair is theta + step and theta - "
                f"step, two points, so {2 * n_pairs} are due."
            )
        if bool((steps == 0).all(-1).any()):
            raise TryAgain(
                "you ask for the loss at theta itself. Pairs need no such baseline: each point is compared with its "
                "mirror image."
            )
        if n != 2 * n_pairs:
            far = f" ({len(near) - n} more lie far away from it)" if len(near) == 2 * n_pairs else ""
            raise TryAgain(
                f"for {n_pairs} pairs, loss should be asked for {2 * n_pairs} points around a theta, but you ask for "
                f"{n}{far}."
            )
        mirrored = _mirrored(steps)
        if not bool((mirrored.sum(-1) == 1).all()):
            self._complain_of_mirrors(theta, steps, mirrored, n_pairs)
        other = mirrored.double().argmax(-1)
        first = torch.arange(n) < other
        return steps[first], values[first], values[other[first]]

    def _complain_of_mirrors(self, theta: Tensor, steps: Tensor, mirrored: Tensor, n_pairs: int) -> NoReturn:
        """TryAgain for steps (2 n_pairs, d) of which not each has its mirror image once."""
        alike, n = ((steps[:, None] - steps).abs().amax(-1) < 1e-9).sum(-1), len(steps)
        if n_pairs > 1 and n_pairs <= alike.min() < n:
            raise TryAgain("all pairs share one step: draw a row of noise for each of the n_pairs pairs.")
        if bool(mirrored.any(-1).all()):
            raise TryAgain(
                f"of the {n} points that you ask for, {int((alike > 1).sum())} come more than once, each beside its "
                "mirror image. Are fewer rows of noise drawn than n_pairs, or is it noise of a few values (as -1, 1) "
                "and not torch.randn's?"
            )
        if alike.min() > 1:
            raise TryAgain(
                "you ask twice for the same points, and not for their mirror images: the second half of each pair is "
                "theta *minus* the step."
            )
        if bool(((self.points[:, None] + self.points).abs().amax(-1) < 1e-9).any(-1).all()):
            raise TryAgain("your points lie around zero: theta is missing in theta + sigma * noise.")
        for halves in (steps[:n_pairs], steps[n_pairs:]), (steps[::2], steps[1::2]):
            _compare_sides(theta, *halves)
        if bool(((steps[:, None] + steps).abs().amax(-1) < 1e-4).any(-1).all()):
            raise TryAgain(
                "the two points of a pair are each other's mirror image but for the last digits: are they made in "
                "float32 (.float(), or an empty tensor made without dtype=theta.dtype)? Keep theta's float64."
            )
        lone = steps[~mirrored.any(-1)]
        raise TryAgain(
            f"{len(lone)} of your {n} points have no mirror image: for example you ask {lone[0, 0]:.3g} from theta in "
            f"its first parameter, and the same point never at {-lone[0, 0]:.3g}. Is the noise drawn anew between the "
            "two sides, or is it used in another way? Each step, sigma * noise, comes once with a plus and once with a "
            "minus."
        )


def _compare_sides(theta: Tensor, first: Tensor, second: Tensor) -> None:
    """TryAgain if something ties the steps (n, d) of one side to those of the other, which should be minus these."""
    longer, product = float(second.norm() / first.norm()), first * second
    if torch.allclose(second, -longer * first, rtol=1e-6):
        raise TryAgain(
            f"the steps of the second point of each pair are {-longer:.3g} times those of the first: a pair is theta + "
            "step and theta - step, with the same step, sigma * noise."
        )
    if len(first) > 1 and torch.allclose(product, product.mean().expand_as(product), rtol=1e-6):
        raise TryAgain(
            f"the two steps of a pair, multiplied, are {float(product.mean()):.3g} everywhere, as sigma / noise and "
            "sigma * noise are: take sigma * noise on both sides."
        )
    for here, there in ((first, second), (second, first)):
        if torch.allclose(here, -(there + theta)):
            raise TryAgain("theta is missing in one point of each pair: they are theta + step and theta - step.")
        if torch.allclose(here, there - theta):
            raise TryAgain("one point of each pair is the step alone: it should be theta - step.")
        if torch.allclose(here, there + 2 * theta):
            raise TryAgain("one point of each pair is step - theta: it should be theta - step.")


def _mirrored(steps: Tensor) -> Tensor:
    """Whether the second of two steps is the mirror image of the first: (n, d) to (n, n)."""
    return (steps[:, None] + steps).abs().amax(-1) < 1e-9


def _look_at_noise(student: Student) -> None:
    """TryAgain if steps are not sigma times standard normal noise, or if rng does not decide them."""
    theta = torch.tensor([0.4, -1.2, 2.0], dtype=torch.float64)

    def asked(rng: torch.Generator, n_pairs: int = 7, sigma: float = 0.3) -> Tensor:
        loss = Loss(3, 1)
        student(loss, theta, sigma, n_pairs, rng)
        if n_pairs == 7:
            loss.pairs(theta, n_pairs, within=500)  # there is one theta alone, and sigma / noise may go far
        return loss.points

    comes_from_rng(
        asked,
        elsewhere="two calls with the same seed ask for different points, so your function has another source of "
        "randomness. Draw the noise with generator=rng.",
        inside="two generators with different seeds give the same points: draw the noise from `rng`, and seed nothing "
        "inside your function.",
        repeats="a second call with the same generator asks for the same points again: draw from `rng` as it goes on.",
    )
    # 12,000 numbers and their mirror images: the right ones miss either bound with a chance below one in a million.
    small, large = (asked(seeded(3), 4000, sigma) - theta for sigma in (0.3, 3.0))
    spreads = float(small.std()), float(large.std())
    if torch.allclose(small, small[:, :1]):
        raise TryAgain("all parameters of a point get the same step: every parameter needs noise of its own.")
    if all(_is_standard(sigma / steps) for sigma, steps in ((0.3, small), (3.0, large))):
        raise TryAgain("your steps are sigma / noise: they should be sigma * noise.")
    if abs(_fourth(small) - 3) > 0.5:
        far, longest = float((small.abs() > 2 * spreads[0]).double().mean()), float(small.abs().max()) / spreads[0]
        raise TryAgain(
            f"your noise is not normal: {100 * far:.1f} % of your steps are longer than two of their standard "
            f"deviations, and the longest is {longest:.2g} of them; of normal ones 4.6 % are, and of so many the "
            "longest is about 4. Take what torch.randn draws as it is (torch.rand is uniform)."
        )
    if not all(0.95 < spread / sigma < 1.05 for spread, sigma in zip(spreads, (0.3, 3.0), strict=True)):
        known = (why for why, power in _POWERS.items() if np.allclose(spreads, [0.3**power, 3.0**power], rtol=0.05))
        raise TryAgain(
            f"your steps have a standard deviation of {spreads[0]:.2g} with sigma = 0.3, and of {spreads[1]:.2g} with "
            f"sigma = 3{next(known, '')}. The points are theta + sigma * noise and theta - sigma * noise, with "
            "standard normal noise."
        )


_POWERS = {  # of sigma, by which steps may go
    ", so sigma has no part in them": 0,
    ", as if the noise were divided by sigma": -1,
    ", as if sigma were squared": 2,
    ", as if the root of sigma were taken": 0.5,
}


def _is_standard(numbers: Tensor) -> bool:
    """Whether these look like standard normal numbers."""
    return abs(float(numbers.std()) - 1) < 0.05 and abs(_fourth(numbers) - 3) < 0.5


def _fourth(numbers: Tensor) -> float:
    """The mean of their fourth powers, in squared variances; of normal numbers it is 3."""
    return float((numbers**4).mean()) / float((numbers**2).mean()) ** 2


def _estimate(
    factor: Callable[[float, int], float] = lambda s, n: 1.0,
    value: Callable[[Tensor, Tensor], Tensor] = lambda plus, minus: (plus - minus) / 2,
    weigh: Callable[[Tensor, float], Tensor] = lambda steps, sigma: steps / sigma**2,
) -> Callable[..., Tensor]:
    """The estimate from the points that were asked, or a mistake: in the factor (sigma, pairs), a value or a weight.

    Of a pair, "plus" is the point that was asked for first.
    """

    def estimate(loss: Loss, theta: Tensor, sigma: float, n_pairs: int) -> Tensor:
        pairs = [loss.pairs(row, n_pairs) for row in theta.view(-1, theta.shape[-1])]
        means = [value(plus, minus).T @ weigh(steps, sigma) / n_pairs for steps, plus, minus in pairs]
        return torch.stack(means).view(theta.shape) * factor(sigma, n_pairs)

    return estimate


def _like(got: Array, other: Tensor) -> bool:
    return np.allclose(got, other.numpy(), rtol=1e-6, atol=1e-9)


def _one_of(estimates: Sequence[Callable[..., Tensor]]) -> Pattern:
    return Pattern(lambda got, right, *args: any(_like(got, estimate(*args)) for estimate in estimates))


def _valued(value: Callable[[Tensor, Tensor], Tensor]) -> Pattern:
    """This value of a pair, or half of it, with either sign: which side was asked for first isn't known."""

    def estimate(times: float) -> Callable[..., Tensor]:
        return _estimate(value=lambda plus, minus: times * value(plus, minus))

    return _one_of([estimate(times) for times in (1, -1, 0.5, -0.5)])


def _divided(times: int, power: int) -> Callable[..., Tensor]:
    return _estimate(weigh=lambda steps, sigma: times * sigma**power / steps)


_FACTORS: dict[str, Callable[[float, int], float]] = {
    "n_pairs * sigma": lambda s, n: n * s,
    "2 * n_pairs * sigma": lambda s, n: 2 * n * s,
    "2 * n_pairs * sigma**2": lambda s, n: 2 * n * s**2,
    "(2 * n_pairs * sigma)**2": lambda s, n: (2 * n * s) ** 2,
    "(2 * n_pairs * sigma**2)**2": lambda s, n: (2 * n * s**2) ** 2,
}
_GRADIENT_MISTAKES: dict[str, Callable[..., Tensor] | Pattern] = {
    "your estimate points downhill. It should be the gradient, which points uphill: the score of plus minus the score "
    "of minus (whoever descends subtracts it later).": _estimate(lambda s, n: -1),
    "the estimate is sigma times what it should be. Is sigma missing in what you divide by, 2 * sigma? Or do you "
    "multiply by the step sigma * noise, and not by the noise? Then divide by 2 * sigma ** 2.": (
        _estimate(lambda s, n: s)
    ),
    "the estimate is 1 / sigma times what it should be: divide by 2 * sigma, once.": _estimate(lambda s, n: 1 / s),
    "the estimate is sigma ** 2 times what it should be. Do you divide by sigma, and not multiply (x / 2 * sigma is "
    "(x / 2) * sigma)? Or do you multiply by the step sigma * noise? Then divide by 2 * sigma ** 2.": (
        _estimate(lambda s, n: s**2)
    ),
    "the estimate is twice too large: the points of a pair lie 2 * sigma * noise apart.": _estimate(lambda s, n: 2),
    "the estimate is half of what it should be: is the mean taken over 2 * n_pairs points, not over n_pairs pairs, or "
    "is there a 2 too many in what you divide by?": _estimate(lambda s, n: 0.5),
    "that is the sum over the pairs, n_pairs times what it should be: take their mean.": _estimate(lambda s, n: n),
    **{
        f"the estimate is {text} times what it should be: divide the sum over the pairs by n_pairs and by 2 * sigma, "
        "once.": _estimate(factor)
        for text, factor in _FACTORS.items()
    },
    "only the score that you ask for first enters your estimate, though you pay for both: use their difference.": (
        _valued(lambda plus, minus: plus)
    ),
    "only the score that you ask for second enters your estimate, though you pay for both: use their difference.": (
        _valued(lambda plus, minus: minus)
    ),
    "you add the two scores of a pair: take their difference, plus minus minus.": (
        _valued(lambda plus, minus: plus + minus)
    ),
    "the scores have no part in your estimate: it is made of the noise alone.": (
        _valued(lambda plus, minus: torch.ones_like(plus))
    ),
    "the difference of the two scores has lost its sign.": _valued(lambda plus, minus: (plus - minus).abs()),
    "only the sign of the difference of the two scores enters your estimate: take all of it.": (
        _valued(lambda plus, minus: (plus - minus).sign())
    ),
    "the differences are divided by the noise of their pair: multiply.": _one_of(
        [_divided(times, power) for times in (1, 2) for power in (-2, -1, 0, 1)]
    ),
    "only the sign of the noise enters your estimate: multiply each difference by the noise as it is.": _estimate(
        weigh=lambda steps, sigma: steps.sign() / sigma
    ),
    "all entries of a row of your estimate are the same number: each difference multiplies its own row of noise.": (
        Pattern(lambda got, right, *_: _like(got, torch.from_numpy(got[..., :1]).expand(got.shape)))
    ),
}


def _noise_shape(theta: Tensor, n_pairs: int) -> tuple[int, ...]:
    return (*theta.shape[:-1], n_pairs, theta.shape[-1])


def stops_for_rows(loss: Loss, theta: Tensor, sigma: float, n_pairs: int, rng: torch.Generator) -> str:
    """What is said of an error of torch, if theta has rows."""
    if theta.dim() == 1:
        return ""
    return (
        f"your function stops when theta has the shape {tuple(theta.shape)}: each row of theta needs its own "
        f"noise, of shape {_noise_shape(theta, n_pairs)}. theta[..., None, :] and (plus - minus)[..., None] fit to it. "
        "It stops in {line} ({error})."
    )


def judge_gradient(student: Student) -> None:
    """Five thetas, three of them with rows; and after the first, where the noise comes from."""
    cases, answers = [], []
    for seed, (shape, sigma, n_pairs) in enumerate(
        [((4,), 0.2, 5), ((1,), 1.5, 1), ((8,), 0.7, 9), ((2, 4), 0.4, 6), ((3, 2, 5), 0.1, 3)]
    ):
        theta, loss = normal(*shape, seed=seed + 20), Loss(shape[-1], seed)
        rows = theta.view(-1, shape[-1])
        rows += 100 * torch.arange(len(rows))[:, None]  # so far apart that every point tells whose it is
        answer = student(loss, theta, sigma, n_pairs, seeded(seed))
        if seed == 0:
            _look_at_noise(student)
        steps = [loss.pairs(row, n_pairs)[0] for row in rows]
        if len(steps) > 1 and torch.allclose(steps[0], steps[1]):
            raise TryAgain(
                f"with theta of shape {shape} all its rows get the same noise: they are independent trials, so draw "
                f"noise of shape {_noise_shape(theta, n_pairs)}."
            )
        if np.shape(answer) != shape:
            why = (
                "Give each difference its row of noise, (plus - minus)[..., None] * noise, and take the mean over the "
                "pairs alone: they are the second axis from the end, -2."
            )
            if np.prod(np.shape(answer)) == theta.numel():
                why = f"These are as many numbers as theta has, in another shape: give them theta's, {shape}."
            raise TryAgain(
                f"for theta of shape {shape} and {n_pairs} pairs your estimate has the shape "
                f"{tuple(np.shape(answer))}. {why}"
            )
        cases.append((loss, theta, sigma, n_pairs))
        answers.append(answer)
    replies = iter(answers)
    compare(
        Student(lambda *_: next(replies), ["loss", "theta", "sigma", "n_pairs"]),
        returns="the estimate",
        by_hand=[],
        others=cases,
        right=_estimate(),
        mistakes=_GRADIENT_MISTAKES,
    )
