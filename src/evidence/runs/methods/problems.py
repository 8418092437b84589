"""What is minimised: five functions with one thing that is hard about each, and two small networks."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from neuroevo import data, nets

XOR = nets.MLP((2, 3, 1))
DIGITS = nets.MLP((64, 8, 10))


@dataclass(frozen=True)
class Problem:
    """Something to minimise.

    Attributes:
        loss: parameters (..., n_params) to losses (...), float64, differentiable where the problem is.
        n_params: number of parameters.
        budget: evaluations that a run may spend at full size.
        spread: standard deviation of a first guess around zero; settings are in units of it.
        solved: losses at or below this count as a solution, and as equally good.
    """

    loss: Callable[[Tensor], Tensor]
    n_params: int
    budget: int
    spread: float
    solved: float


def _vector(n: int, seed: int) -> Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _rotation(n: int, seed: int) -> Tensor:
    return torch.linalg.qr(_vector(n * n, seed).view(n, n)).Q


def ellipsoid(theta: Tensor, condition: float = 1e6) -> Tensor:
    """A turned bowl, `condition` times as steep along one axis as along another; its lowest point is no special one."""
    n = theta.shape[-1]
    scales = condition ** -torch.linspace(0, 1, n, dtype=torch.float64)
    return (((theta - _vector(n, 1)) @ _rotation(n, 2)).square() * scales).sum(-1)


def rosenbrock(theta: Tensor) -> Tensor:
    """A bent valley with its lowest point at (1, ..., 1) (Rosenbrock 1960, in more dimensions)."""
    here, following = theta[..., :-1], theta[..., 1:]
    return (100 * (following - here.square()).square() + (1 - here).square()).sum(-1)


def rastrigin(theta: Tensor) -> Tensor:
    """A bowl with a dent at about every whole step along every axis, moved to a lowest point that is no special one."""
    z = theta - _vector(theta.shape[-1], 3)
    return (z.square() + 10 - 10 * (2 * math.pi * z).cos()).sum(-1)


def stairs(theta: Tensor) -> Tensor:
    """Counts whole steps of distance from the lowest flat: the slope is zero wherever there is one."""
    return (theta - _vector(theta.shape[-1], 4)).abs().mul(2).floor().sum(-1)


def two_valleys(theta: Tensor) -> Tensor:
    """A wide valley that leads to 1, and a narrow one, elsewhere, that leads to 0."""
    wide = 1 + 0.01 * (theta + 1).square().sum(-1)
    narrow = 4 * (theta - 1.5).square().sum(-1)
    return torch.minimum(wide, narrow)


def _flat(net: nets.MLP, theta: Tensor, x: Tensor) -> Tensor:
    """Outputs for every network of any number of leading dimensions: (n_networks, n_inputs, n_outputs)."""
    return net.forward(theta.reshape(-1, net.n_params), x)


def xor(theta: Tensor) -> Tensor:
    """Mean squared error of a 2-3-1 network on the four rows of XOR."""
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
    y = torch.tensor([0.0, 1, 1, 0], dtype=torch.float64)
    return (_flat(XOR, theta, x)[..., 0] - y).square().mean(-1).view(theta.shape[:-1])


@functools.cache
def _digits() -> tuple[data.ImageData, Tensor, Tensor]:
    images = data.digits()
    return images, images.train.pixels(), images.train.y


def digits(theta: Tensor) -> Tensor:
    """Cross-entropy of a 64-8-10 network on the 1,197 handwritten training digits of 8 x 8 pixels."""
    _, x, y = _digits()
    logits = _flat(DIGITS, theta.float(), x)  # float32: enough for a loss of 0.01, and twice as fast
    return -nets.mean_log_likelihood(logits, y).double().view(theta.shape[:-1])


PROBLEMS = {
    "ellipsoid": Problem(ellipsoid, 10, 6000, 1.0, 1e-6),
    "rosenbrock": Problem(rosenbrock, 10, 10_000, 1.0, 1e-6),
    "rastrigin": Problem(rastrigin, 10, 10_000, 2.0, 1e-1),
    "stairs": Problem(stairs, 50, 3000, 3.0, 0.5),
    "two valleys": Problem(two_valleys, 3, 2000, 2.0, 1e-1),
    "xor": Problem(xor, XOR.n_params, 6000, 1.0, 1e-4),
    "digits": Problem(digits, DIGITS.n_params, 3000, 0.3, 1e-2),
}


def accuracy_on_test(genomes: Tensor) -> float:
    """Share of the test digits that a network (n_genomes, n_params) answers right; opens the test set."""
    test = _digits()[0].test.open("score one champion, chosen by its training loss")
    return float(nets.accuracy(_flat(DIGITS, genomes.float(), test.pixels()), test.y))
