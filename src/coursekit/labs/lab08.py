"""The checks of lab 8, "The bridge": a gradient from scores, centred ranks, a cosine curve, a step of CMA-ES."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

from coursekit.feedback import Constant, Lab, Pattern, Student, TryAgain, compare, refuse, seems
from coursekit.labs.lab08_pairs import judge_gradient, normal, stops_for_rows

Array = NDArray[np.float64]

LAB = Lab(8, "The bridge", time_limit=20, varies={"8.1": Constant("sigma"), "8.2": Constant(), "8.4": Constant("c_mu")})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published


# 8.1 A gradient from scores

LAB.exercise(
    "8.1",
    "smoothed_gradient(loss, theta, sigma, n_pairs, rng)",
    title="A gradient from scores",
    points=5,
    on_error={(RuntimeError, ""): stops_for_rows},
)(judge_gradient)


# 8.2 Only the order counts


def _ranks(scale: Callable[[Any, int], Any] = lambda r, n: r / (n - 1) - 0.5, method: str = "average") -> Any:
    """SciPy's ranks, counted from 0, and what is made of them and of their number."""
    return lambda values: scale(rankdata(values.numpy(), method=method, axis=-1) - 1, values.shape[-1])


def _shared(answer: Array, right: Array, values: Tensor) -> bool:
    """Whether the means over equals are right, so that equals have the places of their group in some order."""
    equal = (values[..., None, :] == values[..., None]).numpy()
    shared = np.where(equal, answer[..., None, :], 0).sum(-1) / equal.sum(-1)
    return np.allclose(shared, right, atol=1e-5)


def _sorts(answer: Array, right: Array, values: Tensor) -> bool:
    """Whether the answer, as places, sorts the values; equal ones in any order."""
    places = np.rint((answer + 0.5) * (values.shape[-1] - 1)).astype(int)
    if (np.sort(places) != np.arange(values.shape[-1])).any():
        return False
    return bool((np.diff(np.take_along_axis(values.numpy(), places, -1)) >= 0).all())


@LAB.exercise(
    "8.2",
    "centred_ranks(values)",
    title="Only the order counts",
    points=3,
    on_error={
        ((RuntimeError, IndexError), ""): lambda values: (
            values.dim() > 1
            and f"your function stops for values of shape {tuple(values.shape)}: rank along the last axis, however "
            "many there are before it. ({error})"
        )
    },
)
def _(student: Student) -> None:
    compare(
        student,
        returns="the answer",
        by_hand=[
            ((torch.tensor([3, 900, -2, 3, 5]).double(),), [-0.125, 0.5, -0.5, -0.125, 0.25]),
            ((torch.tensor([0.1, 0.4, 0.3, 0.2]).double(),), [-1 / 2, 1 / 2, 1 / 6, -1 / 6]),
            ((torch.tensor([7, 7, 7]).double(),), [0, 0, 0]),
        ],
        others=[(normal(*shape, seed=82).round(decimals=1),) for shape in ((9,), (40,), (6, 8), (2, 3, 6))],
        right=_ranks(),
        rtol=1e-5,
        not_finite="Is something divided by zero? All values of a run may be equal, as in [7, 7, 7].",
        mistakes={
            "your ranks are reversed: the largest value should get 0.5, the smallest -0.5.": _ranks(
                lambda r, n: 0.5 - r / (n - 1)
            ),
            "your ranks are not centred: they go from 0 to 1. Subtract 0.5, so that they add up to zero.": _ranks(
                lambda r, n: r / (n - 1)
            ),
            "your ranks are counted, 0, 1, 2 ..., but not scaled: divide by n - 1 and subtract 0.5.": _ranks(
                lambda r, n: r
            ),
            "you divide by n. The ranks 0 to n - 1 reach 0.5 at the top if they are divided by n - 1.": _ranks(
                lambda r, n: r / n - 0.5
            ),
            "you count ranks from 1, so the largest comes out above 0.5: count from 0.": _ranks(
                lambda r, n: (r + 1) / (n - 1) - 0.5
            ),
            "you divide by n + 1. The ranks 0 to n - 1 reach 0.5 at the top if they are divided by n - 1.": _ranks(
                lambda r, n: r / (n + 1) - 0.5
            ),
            "you multiply by n - 1. Divide the ranks by it, so that they reach from 0 to 1.": _ranks(
                lambda r, n: r * (n - 1) - 0.5
            ),
            "0.5 is taken off the ranks as they are counted. Divide them by n - 1 first.": _ranks(lambda r, n: r - 0.5),
            "your ranks are twice as large before 0.5 is taken off: is the mean of two numbers only their sum?": _ranks(
                lambda r, n: 2 * r / (n - 1) - 0.5
            ),
            "your ranks are half as large before 0.5 is taken off.": _ranks(lambda r, n: r / 2 / (n - 1) - 0.5),
            "your ranks begin at a half: each is 0.5 too large before it is scaled. Count both ends of a group of "
            "equals from 0.": _ranks(lambda r, n: (r + 0.5) / (n - 1) - 0.5),
            "your ranks begin at minus a half: each is 0.5 too small before it is scaled. Count both ends of a group "
            "of equals from 0.": _ranks(lambda r, n: (r - 0.5) / (n - 1) - 0.5),
            "that is argsort, and it is taken for ranks. It tells which value stands in each place; a rank tells in "
            "which place each value stands.": Pattern(_sorts),
            "the mean of two ranks is cut to a whole number, as by // or .long(): equal values may have half a rank.": (
                _ranks(lambda r, n: np.floor(r) / (n - 1) - 0.5)
            ),
            "equal values get the highest rank of their group. Let them share the mean of their ranks.": _ranks(
                method="max"
            ),
            "equal values get the lowest rank of their group. Let them share the mean of their ranks.": _ranks(
                method="min"
            ),
            "equal values get different ranks, whose mean is right. Points with the same score must count the same: "
            "let them share that mean.": Pattern(_shared),
            "you centre and scale the values themselves, so that one huge loss still decides everything. Only their "
            "order may count.": lambda values: (
                (values - values.mean(-1, True)) / values.std(-1, keepdim=True).clamp(min=1e-300)
            ),
            "you stretch the values themselves to fit between the two ends, so that one huge loss still decides "
            "everything (and equal values give 0 / 0). Only their order may count.": lambda values: (
                (values - values.amin(-1, True)) / (values.amax(-1, True) - values.amin(-1, True)) - 0.5
            ),
            "equal values fill one place together, so ranks above them are too low (and if all are equal, you divide "
            "0 by 0). A group fills as many places as it has members.": _ranks(
                lambda r, n: (t := torch.from_numpy(r)) / t.amax(-1, True) - 0.5, "dense"
            ),
            "you rank all rows together: each row is a run of its own, ranked along the last axis.": lambda values: (
                np.reshape(_ranks()(values.flatten()), values.shape)
            ),
        },
    )
    near = torch.tensor([1 + 1e-9, 1000.001, 1, 1000, -1e-9, 0]).double()
    refuse(
        not np.allclose(np.asarray(student(near), float), _ranks()(near), atol=1e-5),
        "your answer is right where values differ much, and wrong for [1 + 1e-9, 1000.001, 1, 1000, -1e-9, 0], of "
        "which no two are equal. Are values rounded, compared with isclose, or turned into float32? Only values that "
        "are equal, ==, share a rank.",
    )


# 8.3 How good is the compass?


@seems("function")
class Trials:
    """Estimates from a table: trial after trial of the rows that belong to a number of pairs."""

    def __init__(self, table: Mapping[int, Any], n_trials: int) -> None:
        self.table, self.n_trials = {n: torch.as_tensor(rows).double() for n, rows in table.items()}, n_trials
        self._used = dict.fromkeys(table, 0)
        self._over = False

    def __call__(self, n_pairs: Any, n_trials: Any) -> Tensor:
        refuse(self._over, "you call the estimate of an earlier call of your function: take it from the arguments.")
        n, start = int(n_pairs), self._used.get(int(n_pairs))
        if start is None:
            raise TryAgain(
                f"you ask for estimates from {n} pairs, but the counts are {list(self.table)}: estimate(n_pairs, "
                "n_trials) takes one of the counts first, and then the number of trials."
            )
        self._used[n] += int(n_trials)
        return self.table[n][start : self._used[n]].clone()

    def close(self) -> None:
        """TryAgain if more or less was asked for than wanted; then nobody may ask any more."""
        for n, used in self._used.items():
            if used != self.n_trials:
                raise TryAgain(
                    f"with n_trials = {self.n_trials} you ask for {used} estimates from {n} pairs: every count in "
                    "`counts` gets n_trials of them, estimate(count, n_trials)."
                )
        self._over = True


def _cosines(rows: Tensor, g: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(rows, g[None], dim=-1)


def _curve(
    cosines: Callable[[Tensor, Tensor], Tensor] = _cosines,
    error: Callable[[Tensor, int], Tensor] = lambda c, n: c.std() / len(c) ** 0.5,
    average_first: bool = False,
    order: Callable[[Sequence[int]], Sequence[int]] = list,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Means and standard errors, or a mistake: in the cosines, in the error, or in the order of the steps."""

    def curve(trials: Trials, g: Tensor, counts: Sequence[int], n_trials: int) -> tuple[Tensor, Tensor]:
        counts = order(counts)
        columns = [cosines(trials.table[n], g) for n in counts]
        means = [trials.table[n].mean(0, keepdim=True) for n in counts] if average_first else columns
        means = [_cosines(m, g) for m in means] if average_first else means
        errors = [error(c, n) for c, n in zip(columns, counts, strict=True)]
        return torch.stack([m.mean() for m in means]), torch.stack(errors)

    return curve


@LAB.exercise("8.3", "cosine_curve(estimate, gradient, counts, n_trials)", title="How good is the compass?", points=4)
def _(student: Student) -> None:
    def curve(trials: Trials, *rest: Any) -> Any:
        lent = Trials(trials.table, trials.n_trials)
        answer = student(lent, *rest)
        lent.close()
        return tuple(answer) if isinstance(answer, Tensor) and answer.shape == (2, len(rest[1])) else answer

    example = Trials({1: [[4, 3], [0, -1]], 8: [[3, 4], [-8, 6]]}, 2), torch.tensor([3, 4]).double(), [1, 8], 2
    others = []
    for seed, (counts, n_trials, d) in enumerate((([7, 30, 2], 12, 4), ([1, 5], 4, 4), ([3, 4, 9, 20], 6, 9))):
        g = 3 * normal(d, seed=seed)
        table = {n: 0.4 * g + 4 * normal(n_trials, d, seed=n) / n**0.5 for n in counts}
        others.append((Trials(table, n_trials), g, counts, n_trials))
    compare(
        Student(curve, student.parameters),
        returns=("mean", "error"),
        by_hand=[(example, ([0.08, 0.5], [0.88, 0.5]))],
        others=others,
        right=_curve(),
        mistakes={
            "you average the estimates first and take the cosine of their mean: that is one estimate, from n_trials "
            "times as many pairs. Take the cosine of every trial, then the mean of the cosines.": _curve(
                average_first=True
            ),
            "that is the product of the two vectors, not yet a cosine: divide by both lengths.": _curve(
                lambda rows, g: rows @ g
            ),
            "you divide by the length of the gradient alone, so long estimates count more. Divide by both "
            "lengths.": _curve(lambda rows, g: rows @ g / g.norm()),
            "you divide by the length of the estimates alone: divide by the gradient's length too.": _curve(
                lambda rows, g: _cosines(rows, g) * g.norm()
            ),
            "you divide all trials by one length, that of the whole matrix. Every trial has its own: "
            "norm(dim=-1).": _curve(lambda rows, g: rows @ g / rows.norm() / g.norm()),
            "the sign of the cosine is lost: an estimate that points downhill must pull the mean down.": _curve(
                lambda rows, g: _cosines(rows, g).abs()
            ),
            "that is the squared cosine: squares hide which estimates point downhill.": _curve(
                lambda rows, g: _cosines(rows, g) ** 2
            ),
            "error is the spread of the single trials. That of their mean is smaller: divide by the root of "
            "n_trials.": _curve(error=lambda c, n: c.std()),
            "error divides by n_trials, but the spread of a mean shrinks with the root of it.": _curve(
                error=lambda c, n: c.std() / len(c)
            ),
            "error comes from a standard deviation that divides by n_trials. Let it divide by n_trials - 1, as "
            "torch.std does.": _curve(error=lambda c, n: c.std(correction=0) / len(c) ** 0.5),
            "error divides by the root of the number of pairs: let it be that of n_trials.": _curve(
                error=lambda c, n: c.std() / n**0.5
            ),
            "the numbers are right but sorted by their counts: keep the order of `counts`.": _curve(order=sorted),
            "the two are swapped: return the means first, then the errors.": lambda *args: _curve()(*args)[::-1],
        },
    )


# 8.4 A step of CMA-ES


def _generation(
    chosen: Callable[[Tensor], Tensor] = torch.argsort,
    weigh: Callable[[Tensor], Tensor] = lambda w: w,
    centre: Callable[[Tensor, Tensor], Tensor] = lambda old, new: old,
    length: Callable[[float], float] = lambda sigma: sigma,
    spread: Callable[[Tensor, Tensor], Tensor] = lambda w, y: torch.einsum("k,ki,kj->ij", w, y, y),
    keep: Callable[[float], float] = lambda c: 1 - c,
    learn: Callable[[float], float] = lambda c: c,
    moved: Callable[[Tensor, Tensor, float], Tensor] = lambda old, new, sigma: new,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """The next mean and covariance, or a mistake in one of the parts."""

    def update(
        mean: Tensor, C: Tensor, sigma: float, samples: Tensor, losses: Tensor, weights: Tensor, c_mu: float
    ) -> tuple[Tensor, Tensor]:
        winners, weights = samples[chosen(losses)[: len(weights)]], weigh(weights)
        new = weights @ winners
        steps = (winners - centre(mean, new)) / length(sigma)
        return moved(mean, new, sigma), keep(c_mu) * C + learn(c_mu) * spread(weights, steps)

    return update


def _cloud(d: int, n: int, n_winners: int, seed: int) -> tuple[Any, ...]:
    mean, root, sigma = normal(d, seed=seed), normal(d, d, seed=seed + 1), 0.3 + 0.4 * seed
    samples = mean + sigma * normal(n, d, seed=seed + 2) @ root.T
    weights = torch.arange(n_winners, 0, -1).double() ** 1.5
    losses = normal(n, seed=seed + 3)
    losses[-1] -= 5  # the last sample wins
    return mean, root @ root.T, sigma, samples, losses, weights / weights.sum(), 0.1 + 0.05 * seed


@LAB.exercise("8.4", "cma_update(mean, C, sigma, samples, losses, weights, c_mu)", title="A step of CMA-ES", points=4)
def _(student: Student) -> None:
    on_paper = torch.tensor([[3, 0], [-5, 0], [1, 4], [1, -6]]).double(), torch.tensor([2, 9, 1, 7]).double()
    example = torch.tensor([1, 0]).double(), torch.eye(2).double(), 2.0, *on_paper, torch.tensor([0.75, 0.25]).double()
    compare(
        student,
        returns=("new_mean", "new_C"),
        by_hand=[((*example, 0.5), ([1.5, 3], [[0.625, 0], [0, 2]]))],
        others=[
            _cloud(d, n, n_winners, seed) for seed, (d, n, n_winners) in enumerate([(3, 8, 4), (4, 9, 4), (2, 12, 5)])
        ],
        right=_generation(),
        mistakes={
            "the mean is that of the winners, but C is learned from the first samples, winners or not.": (
                lambda *args: (_generation()(*args)[0], _generation(lambda losses: torch.arange(len(losses)))(*args)[1])
            ),
            "the losers win: these are losses, so the smallest are the best.": _generation(
                lambda losses: losses.argsort(descending=True)
            ),
            "you take the first samples, not the best: sort by losses.": _generation(
                lambda losses: torch.arange(len(losses))
            ),
            "the weights are the wrong way round: the first and largest belongs to the best sample.": _generation(
                weigh=lambda w: w.flip(0)
            ),
            "all winners count the same, as if every weight were 1 / mu: multiply each by its own of `weights`.": (
                _generation(weigh=lambda w: torch.ones_like(w) / len(w))
            ),
            "your covariance has the wrong weights: the outer products of the steps all count the same there.": (
                _generation(spread=lambda w, y: y.T @ y / len(w))
            ),
            "your covariance has the weights twice: weigh one of the two factors, not both.": _generation(
                spread=lambda w, y: (w[:, None] * y).T @ (w[:, None] * y)
            ),
            "your covariance has no weights: every outer product of a step is multiplied by its weight.": _generation(
                spread=lambda w, y: y.T @ y
            ),
            "the new mean is the centre of your steps. The old one must be: else the cloud forgets which way it "
            "has just moved, and shrinks.": _generation(centre=lambda old, new: new),
            "your steps are not divided by sigma: C is the shape of the cloud, and sigma its size.": _generation(
                length=lambda sigma: 1.0
            ),
            "the old C does not decay: it is multiplied by 1 - c_mu.": _generation(keep=lambda c: 1.0),
            "the old C is forgotten at once: add (1 - c_mu) * C.": _generation(keep=lambda c: 0.0),
            "new_C is what the winners did alone: that is one part, times c_mu, beside (1 - c_mu) * C.": _generation(
                keep=lambda c: 0.0, learn=lambda c: 1.0
            ),
            "what the winners did is added in full: multiply it by c_mu.": _generation(learn=lambda c: 1.0),
            "c_mu and 1 - c_mu are the wrong way round: c_mu is the share of what is new.": _generation(
                keep=lambda c: c, learn=lambda c: 1 - c
            ),
            "that is the outer product of the mean step alone. Take the outer product of every winner's step, then "
            "their weighted sum.": _generation(spread=lambda w, y: torch.outer(w @ y, w @ y)),
            "only the diagonal of C learns, as in SNES: outer products also hold the products of different "
            "parameters.": _generation(spread=lambda w, y: torch.diag(w @ y**2)),
            "new_mean is the step alone: add it to the mean.": _generation(moved=lambda old, new, sigma: new - old),
            "new_mean moves by steps that were divided by sigma: multiply them by it again.": _generation(
                moved=lambda old, new, sigma: old + (new - old) / sigma
            ),
            "new_mean has sigma once too often: it is the weighted mean of the winners, who moved by sigma "
            "already.": _generation(moved=lambda old, new, sigma: old + (new - old) * sigma),
        },
    )


# 8.5 Is it worth it?

LAB.free_text(
    "8.5",
    title="Is it worth it?",
    points=4,
    rubric={
        4: "The bill per unit of progress is right (about 2 (n + d + 1) evaluations against 3, thousands to one for "
        "the network) and so is what follows for n: no number of pairs helps on one machine, but up to d of them in "
        "parallel cost at most a factor of two. A case for and one against, each with a number; one assumption named.",
        2: "The bill is right but stops at one estimate (pairs for a given cosine), or the cases have no number; or "
        "sound cases on a bill with one slip.",
        0: "No bill; or evolution is called better or worse in general.",
    },
)
