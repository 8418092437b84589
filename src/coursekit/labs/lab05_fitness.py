"""What lab 5 asks of a fitness: minus the mean cross-entropy of 2-3-1 networks, for a whole population at once."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from coursekit.feedback import Pattern, Student, TryAgain, compare
from coursekit.labs.tensors import seeded

__all__ = ["judge_fitness"]


def _logits(population: Tensor, x: Tensor) -> Tensor:
    """What enters the output unit of 2-3-1 networks: (..., 13) and (n, 2) to (..., n)."""
    weights, biases, out = population[..., :6].unflatten(-1, (3, 2)), population[..., 6:9], population[..., 9:12]
    hidden = torch.sigmoid(torch.einsum("...hi,ni->...nh", weights, x) + biases.unsqueeze(-2))
    return torch.einsum("...nh,...h->...n", hidden, out) + population[..., 12:]


def _log_likelihood(z: Tensor, y: Tensor) -> Tensor:
    return y * logsigmoid(z) + (1 - y) * logsigmoid(-z)


def _of_logits(value: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda population, x, y: value(_logits(population, x), y)


def _has_other_signs(answer: Any, right: Any, population: Tensor, x: Tensor, y: Tensor) -> bool:
    """Whether this is minus the mean of softplus(s * z), with another s than 1 and -1 for the answers 0 and 1."""
    z = _logits(population, x)
    means = (-softplus((a + (b - a) * y) * z).mean(-1) for a, b in product(range(-3, 4), repeat=2) if (a, b) != (1, -1))
    return any(np.allclose(answer, mean, rtol=2e-3) for mean in means)


def judge_fitness(student: Student) -> None:
    """Compare the fitness of whole populations with ours, and with what faulty ones would give."""
    rng, right = seeded(52), _of_logits(lambda z, y: _log_likelihood(z, y).mean(-1))
    two = torch.zeros(1, 2, 13)
    two[0, 1, 12] = torch.tensor(3.0).log()  # p = 3/4 whatever the input is
    x, y = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), torch.tensor([0.0, 1, 1, 1])
    others = [
        (2 * torch.randn(r, g, 13, generator=rng), torch.randn(n, 2, generator=rng), (torch.arange(n) % 3 == 1).float())
        for r, g, n in ((3, 5, 4), (2, 7, 6), (1, 4, 9))
    ]

    def answered(*args: Tensor) -> Tensor:
        answer = student(*args)
        if not isinstance(answer, Tensor):
            member = answer
            while isinstance(member, list | tuple) and member:
                member = member[0]
            made = "torch.stack makes a tensor of a list of tensors"
            if isinstance(member, float | int | np.ndarray | np.number):
                made = "torch.tensor makes a tensor of numbers, in lists of lists, too"
            raise TryAgain(
                f"fitness should be one tensor, but you return a {type(answer).__name__}: the next exercises index it "
                f"by run. {made}."
            )
        return answer

    compare(
        Student(answered, student.parameters),
        returns="fitness",
        # log(1/2), and the mean of log(1/4) and three times log(3/4)
        by_hand=[((two, x, y), [[-0.693147, -0.562335]])],
        others=others,
        right=right,
        mistakes={
            "the sign is flipped: you return the loss. Fitness is larger for a better network, so it is minus the "
            "cross-entropy, or the worst will be chosen.": lambda *a: -right(*a),
            "you add the rows up. It is their mean: more rows should not mean less fitness.": (
                _of_logits(lambda z, y: _log_likelihood(z, y).sum(-1))
            ),
            "every output meets every answer: shapes (..., n, 1) and (n,) broadcast to (..., n, n). Drop the output's "
            "last axis, [..., 0], before you compare.": (
                _of_logits(lambda z, y: _log_likelihood(z.unsqueeze(-1), y).mean((-1, -2)))
            ),
            "there is one sigmoid too many: softplus, and binary_cross_entropy_with_logits, want z itself.": (
                _of_logits(lambda z, y: _log_likelihood(z.sigmoid(), y).mean(-1))
            ),
            "this is minus the squared error; the fitness here is minus the cross-entropy.": (
                _of_logits(lambda z, y: -((z.sigmoid() - y) ** 2).mean(-1))
            ),
            "you count right answers. A count doesn't see that a network has come closer; take the cross-entropy.": (
                _of_logits(lambda z, y: ((z > 0) == (y == 1)).float().mean(-1))
            ),
            "rows with the answer 0 count for nothing: softplus(-z) belongs to the answer 1, softplus(z) to 0.": (
                _of_logits(lambda z, y: (y * logsigmoid(z)).mean(-1))
            ),
            "the answers are the wrong way round: softplus(z) is the loss where the answer is 0, softplus(-z) where "
            "it is 1.": _of_logits(lambda z, y: _log_likelihood(-z, y).mean(-1)),
            "you return a number for every row: take their mean, .mean(-1).": _of_logits(_log_likelihood),
            "the mean is taken over the genomes; take it over the rows of x, the last axis of z and y: .mean(-1).": (
                _of_logits(lambda z, y: _log_likelihood(z, y).mean(1))
            ),
            "the mean is taken over the runs; take it over the rows of x, the last axis of z and y: .mean(-1).": (
                _of_logits(lambda z, y: _log_likelihood(z, y).mean(0))
            ),
            "rows with the answer 1 count for nothing: softplus(-z) belongs to the answer 1, softplus(z) to 0.": (
                _of_logits(lambda z, y: ((1 - y) * logsigmoid(-z)).mean(-1))
            ),
            "the answers y have no effect: every row is taken for a 1.": _of_logits(
                lambda z, y: logsigmoid(z).mean(-1)
            ),
            "the answers y have no effect: every row is taken for a 0.": _of_logits(
                lambda z, y: logsigmoid(-z).mean(-1)
            ),
            "the answers y have no effect: every row counts as a 1 and as a 0.": _of_logits(
                lambda z, y: (logsigmoid(z) + logsigmoid(-z)).mean(-1)
            ),
            "rows with the answer 0 have the wrong sign: what rows of both kinds pay adds up.": _of_logits(
                lambda z, y: (y * logsigmoid(z) - (1 - y) * logsigmoid(-z)).mean(-1)
            ),
            "rows with the answer 1 pay the loss of a 0, too: weight the two losses by y and 1 - y.": _of_logits(
                lambda z, y: (y * logsigmoid(z) + logsigmoid(-z)).mean(-1)
            ),
            "rows with the answer 0 pay the loss of a 1, too: weight the two losses by y and 1 - y.": _of_logits(
                lambda z, y: (logsigmoid(z) + (1 - y) * logsigmoid(-z)).mean(-1)
            ),
            "this is the mean probability of the right answers; take the mean of its logarithm.": _of_logits(
                lambda z, y: _log_likelihood(z, y).exp().mean(-1)
            ),
            "the loss of a row is z itself, with the sign of its answer; it is the softplus of that.": _of_logits(
                lambda z, y: ((2 * y - 1) * z).mean(-1)
            ),
            "softplus is applied twice.": _of_logits(lambda z, y: -softplus(-_log_likelihood(z, y)).mean(-1)),
            "softplus gets z with another factor than it should: 1 where the answer is 0, and -1 where it is 1. Print "
            "1 - 2 * y for both.": Pattern(_has_other_signs),
            "you average over the genomes too: each genome needs a fitness of its own, so take the mean over the rows "
            "only, .mean(-1).": lambda *a: right(*a).mean(),
            "the runs have run together: unflatten the result to (n_runs, n_genomes).": lambda *a: right(*a).flatten(),
        },
        rtol=2e-3,  # float32 loses digits on other ways
    )
    values = torch.cat([answered(*case).flatten() for case in others])
    for decimals in range(1, 5):
        if torch.equal(values, values.round(decimals=decimals)):
            raise TryAgain(f"fitness is rounded to {decimals} decimals: keep them all, or equals are chosen by lot.")
    sure = torch.zeros(1, 1, 13)
    sure[..., 12] = 200  # which networks come to: wrong by 200 where the answer is 0, and by nothing elsewhere
    compare(
        Student(answered, student.parameters),
        returns="fitness",
        by_hand=[((sure, x, y), [[-50.0]])],
        others=[],
        right=right,
        mistakes={},
        not_finite="A network that is very sure has a sigmoid of exactly 0 or 1, with no finite logarithm, and an "
        "exp(z) that no float holds. softplus of z and of -z is always finite.",
    )
