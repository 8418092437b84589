"""What lab 8 asks of a gradient from scores. A student's noise can't be foreseen, but a loss sees where it is asked."""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from coursekit.feedback import Student, TryAgain, compare, seems
from coursekit.labs.tensors import comes_from_rng, seeded

__all__ = ["judge_gradient", "normal", "stops_for_rows"]


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

    def pairs(self, theta: Tensor, n_pairs: int) -> tuple[Tensor, Tensor, Tensor]:
        """What was asked around one theta: a step (n, d) of each pair, and the scores of plus and minus, (n, 1) each.

        Raises TryAgain if the points near theta are not n_pairs distinct pairs that mirror each other.
        """
        near = (self.points - theta).abs().amax(-1) < 40
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
            self._complain_of_mirrors(steps, mirrored, n_pairs)
        other = mirrored.double().argmax(-1)
        first = torch.arange(n) < other
        return steps[first], values[first], values[other[first]]

    def _complain_of_mirrors(self, steps: Tensor, mirrored: Tensor, n_pairs: int) -> NoReturn:
        """TryAgain for steps (2 n_pairs, d) of which not each has its mirror image once."""
        alike, n = ((steps[:, None] - steps).abs().amax(-1) < 1e-9).sum(-1), len(steps)
        if n_pairs > 1 and n_pairs <= alike.min() < n:
            raise TryAgain("all pairs share one step: draw a row of noise for each of the n_pairs pairs.")
        if bool(mirrored.any(-1).all()):
            raise TryAgain(
                f"of the {n} points that you ask for, {int((alike > 1).sum())} come more than once, each beside its "
                "mirror image, so some pairs share a step: draw a row of noise for each of the n_pairs pairs."
            )
        if alike.min() > 1:
            raise TryAgain(
                "you ask twice for the same points, and not for their mirror images: the second half of each pair is "
                "theta *minus* the step."
            )
        if bool(((self.points[:, None] + self.points).abs().amax(-1) < 1e-9).any(-1).all()):
            raise TryAgain("your points lie around zero: theta is missing in theta + sigma * noise.")
        first, second = steps[:n_pairs], steps[n_pairs:]
        longer = float(second.norm() / first.norm())
        if abs(longer - 1) > 1e-6 and torch.allclose(second, -longer * first, rtol=1e-6):
            raise TryAgain(
                f"the steps of the second half of your points are {-longer:.3g} times those of the first: a pair is "
                "theta + step and theta - step, with the same step, sigma * noise."
            )
        lone = steps[~mirrored.any(-1)]
        raise TryAgain(
            f"{len(lone)} of your {n} points have no mirror image: for example you ask {lone[0, 0]:.3g} from theta in "
            f"its first parameter, and the same point never at {-lone[0, 0]:.3g}. Is the noise drawn anew between the "
            "two sides, or is it used in another way? Each step, sigma * noise, comes once with a plus and once with a "
            "minus."
        )


def _mirrored(steps: Tensor) -> Tensor:
    """Whether the second of two steps is the mirror image of the first: (n, d) to (n, n)."""
    return (steps[:, None] + steps).abs().amax(-1) < 1e-9


def _look_at_noise(student: Student) -> None:
    """TryAgain if steps are not sigma times standard normal noise, or if rng does not decide them."""
    theta, sigma = torch.tensor([0.4, -1.2, 2.0], dtype=torch.float64), 0.3

    def asked(rng: torch.Generator, n_pairs: int = 7) -> Tensor:
        loss = Loss(3, 1)
        student(loss, theta, sigma, n_pairs, rng)
        if n_pairs == 7:
            loss.pairs(theta, n_pairs)
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
    steps = asked(seeded(3), 4000) - theta
    spread = float(steps.std())
    if torch.allclose(steps, steps[:, :1]):
        raise TryAgain("all parameters of a point get the same step: every parameter needs noise of its own.")
    if abs(fourth := float((steps**4).mean()) / spread**4 - 3) > 0.5:
        raise TryAgain(
            f"your noise is not normal: the mean of its fourth powers is {fourth + 3:.2g} squared variances, and of "
            "normal noise it is 3. Take what torch.randn draws as it is (torch.rand is uniform)."
        )
    if not 0.95 < spread / sigma < 1.05:
        raise TryAgain(
            f"with sigma = {sigma} your steps have a standard deviation of {spread:.2g}. The points are "
            "theta + sigma * noise and theta - sigma * noise, with standard normal noise."
        )


def _estimate(
    factor: Callable[[float, int], float] = lambda s, n: 1.0,
    value: Callable[[Tensor, Tensor], Tensor] = lambda plus, minus: (plus - minus) / 2,
) -> Callable[..., Tensor]:
    """The estimate from the points that were asked, or a mistake: in the factor (sigma, pairs), in a pair's value."""

    def estimate(loss: Loss, theta: Tensor, sigma: float, n_pairs: int) -> Tensor:
        pairs = [loss.pairs(row, n_pairs) for row in theta.view(-1, theta.shape[-1])]
        means = [value(plus, minus).T @ steps / sigma**2 / n_pairs for steps, plus, minus in pairs]
        return torch.stack(means).view(theta.shape) * factor(sigma, n_pairs)

    return estimate


_GRADIENT_MISTAKES: dict[str, Callable[..., Tensor]] = {
    "your estimate points downhill. It should be the gradient, which points uphill: the score of plus minus the score "
    "of minus (whoever descends subtracts it later).": _estimate(lambda s, n: -1),
    "sigma is missing in the denominator (or you multiply by the step sigma * noise, and not by the noise): divide by "
    "2 * sigma.": _estimate(lambda s, n: s),
    "the estimate is 1 / sigma times what it should be: divide by 2 * sigma, once.": _estimate(lambda s, n: 1 / s),
    "the estimate is sigma ** 2 times what it should be: divide by 2 * sigma. In code, x / 2 * sigma is (x / 2) * "
    "sigma.": _estimate(lambda s, n: s**2),
    "the estimate is twice too large: the points of a pair lie 2 * sigma * noise apart.": _estimate(lambda s, n: 2),
    "the estimate is half of what it should be: is the mean taken over 2 * n_pairs points, not over n_pairs pairs, or "
    "is there a 2 too many in what you divide by?": _estimate(lambda s, n: 0.5),
    "that is the sum over the pairs, n_pairs times what it should be: take their mean.": _estimate(lambda s, n: n),
    "only the plus side enters your estimate, though you pay for both: use the difference of the two scores.": (
        _estimate(value=lambda plus, minus: plus)
    ),
    "you add the two scores of a pair: take their difference, plus minus minus.": (
        _estimate(value=lambda plus, minus: (plus + minus) / 2)
    ),
}


def _noise_shape(theta: Tensor, n_pairs: int) -> tuple[int, ...]:
    return (*theta.shape[:-1], n_pairs, theta.shape[-1])


def stops_for_rows(loss: Loss, theta: Tensor, sigma: float, n_pairs: int, rng: torch.Generator) -> str:
    """What is said of an error of torch, if theta has rows."""
    if theta.dim() == 1:
        return ""
    return (
        f"your function stops when theta has the shape {tuple(theta.shape)}: every row of theta needs noise of its "
        f"own, of shape {_noise_shape(theta, n_pairs)}. theta[..., None, :] and (plus - minus)[..., None] fit to it. "
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
            raise TryAgain(
                f"for theta of shape {shape} and {n_pairs} pairs your estimate has the shape "
                f"{tuple(np.shape(answer))}. Give each difference its row of noise, (plus - minus)[..., None] * noise, "
                "and take the mean over the pairs alone: they are the second axis from the end, -2."
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
