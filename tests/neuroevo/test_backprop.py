from itertools import pairwise

import numpy as np
import pytest
import torch
from chapters import function_in
from scipy.special import expit, logsumexp, softmax
from torch import nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from neuroevo import backprop, descent, nets

CHAPTER = "04_layers_and_blame.ipynb"
XOR_X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
XOR_Y = np.array([[0], [1], [1], [0]], dtype=float)
TORCH = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "identity": nn.Identity}
SIZES = [(2, 3, 1), (2, 1), (4, 5), (4, 5, 3), (3, 5, 4, 1), (3, 6, 5, 4)]


def problem(sizes, seed=0, n_examples=7):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_examples, sizes[0]))
    if sizes[-1] == 1:
        y = rng.integers(2, size=(n_examples, 1)).astype(float)
    else:
        y = np.eye(sizes[-1])[rng.integers(sizes[-1], size=n_examples)]
    return rng.normal(size=backprop.n_params(sizes)), x, y


def twin(sizes, activation, theta):
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), TORCH[activation]()]
    net = nn.Sequential(*layers[:-1]).double()
    vector_to_parameters(torch.from_numpy(theta.copy()), net.parameters())
    return net


def torch_loss(net, x, y):
    z, targets = net(torch.from_numpy(x)), torch.from_numpy(y)
    if z.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(z, targets)
    return functional.cross_entropy(z, targets)


@pytest.mark.parametrize("activation", backprop.ACTIVATIONS)
@pytest.mark.parametrize("sizes", SIZES)
def test_loss_and_gradient_agree_with_torch(sizes, activation):
    theta, x, y = problem(sizes)
    net = twin(sizes, activation, theta)
    value = torch_loss(net, x, y)
    value.backward()
    expected = parameters_to_vector([p.grad for p in net.parameters()]).numpy()
    assert abs(float(backprop.loss(theta, x, y, sizes, activation)) - value.item()) < 1e-12
    assert np.abs(backprop.gradient(theta, x, y, sizes, activation) - expected).max() < 1e-12


def test_training_agrees_with_torch():
    theta, net = problem((2, 3, 1))[0], twin((2, 3, 1), "sigmoid", problem((2, 3, 1))[0])
    optimiser = torch.optim.SGD(net.parameters(), lr=1.0)
    for _ in range(300):
        optimiser.zero_grad()
        torch_loss(net, XOR_X, XOR_Y).backward()
        optimiser.step()
    end = descent.plain(theta, lambda t: backprop.gradient(t, XOR_X, XOR_Y, (2, 3, 1)), 1.0, 300)
    assert np.abs(end - parameters_to_vector(net.parameters()).detach().numpy()).max() < 1e-8


@pytest.mark.parametrize("sizes", SIZES)
def test_a_row_reads_as_in_the_population_mlp(sizes):
    theta, x, _ = problem(sizes)
    population = nets.MLP(sizes, "sigmoid")
    assert population.n_params == backprop.n_params(sizes)
    logits = population.forward(torch.from_numpy(theta)[None], torch.from_numpy(x))[0].numpy()
    np.testing.assert_allclose(backprop.forward(theta, x, sizes)[-1], logits, rtol=1e-12)


@pytest.mark.parametrize("sizes", SIZES)
def test_many_networks_at_once_are_each_alone(sizes):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(2, 4, backprop.n_params(sizes)))
    _, x, y = problem(sizes)
    for function in (backprop.loss, backprop.gradient):
        alone = [[function(row, x, y, sizes) for row in block] for block in rows]
        np.testing.assert_allclose(function(rows, x, y, sizes), alone, rtol=1e-12, atol=1e-14)
    own_x, own_y = np.stack([x, x + 1, x - 1, 2 * x]), np.stack([y, y, y[::-1], y])
    alone = [backprop.gradient(row, a, b, sizes) for row, a, b in zip(rows[0], own_x, own_y, strict=True)]
    np.testing.assert_allclose(backprop.gradient(rows[0], own_x, own_y, sizes), alone, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "identity"])
@pytest.mark.parametrize("sizes", SIZES)
def test_the_gradient_passes_its_check(sizes, activation):
    theta, x, y = problem(sizes, seed=1)
    error = backprop.gradient_check(
        lambda t: backprop.loss(t, x, y, sizes, activation),
        lambda t: backprop.gradient(t, x, y, sizes, activation),
        theta,
    )
    assert error < 1e-6


BUGS = {
    "mean forgotten": lambda g: 7 * g,
    "sign flipped": lambda g: -g,
    "hidden biases forgotten": lambda g: np.where(np.arange(len(g)) // 3 == 2, 0, g),
    "largest slope off by 1 %": lambda g: g * np.where(np.abs(g) == np.abs(g).max(), 1.01, 1),
    "product transposed": lambda g: np.concatenate([g[:6].reshape(3, 2).T.ravel(), g[6:]]),
}


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("seed", range(5))
def test_the_check_finds_planted_bugs(bug, seed):
    theta, x, y = problem((2, 3, 1), seed)
    error = backprop.gradient_check(
        lambda t: backprop.loss(t, x, y, (2, 3, 1)),
        lambda t: BUGS[bug](backprop.gradient(t, x, y, (2, 3, 1))),
        theta,
    )
    assert error > 1e-3


def test_the_check_of_two_zeros_is_zero_and_leaves_theta_alone():
    theta = np.ones(3)
    assert backprop.gradient_check(lambda t: 1.0, np.zeros_like, theta) == 0
    np.testing.assert_array_equal(theta, 1)


@pytest.mark.parametrize("sizes", [(2, 3, 1), (4, 5, 3), (4, 5)])
@pytest.mark.parametrize("activation", ["sigmoid", "identity"])
def test_the_package_computes_what_chapter_4_shows(sizes, activation):
    shown = {"np": np, "expit": expit, "logsumexp": logsumexp, "softmax": softmax, "pairwise": pairwise}
    shown["ACTIVATIONS"] = backprop.ACTIVATIONS
    for name in ("unpack", "forward", "answer", "loss", "gradient", "nudge", "gradient_check"):
        shown[name] = function_in(CHAPTER, name, **shown)
    theta, x, y = problem(sizes)
    theta = np.stack([theta, theta + 1])
    for ours, theirs in zip(backprop.unpack(theta, sizes), shown["unpack"](theta, sizes), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    outputs = zip(
        backprop.forward(theta, x, sizes, activation), shown["forward"](theta, x, sizes, activation), strict=True
    )
    for ours, theirs in outputs:
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    for name in ("loss", "gradient"):
        ours = getattr(backprop, name)(theta, x, y, sizes, activation)
        np.testing.assert_allclose(ours, shown[name](theta, x, y, sizes, activation), rtol=1e-12, atol=1e-15)
    arguments = (
        lambda t: backprop.loss(t, x, y, sizes),
        lambda t: 1.1 * backprop.gradient(t, x, y, sizes),
        theta[0],
    )
    assert backprop.gradient_check(*arguments) == pytest.approx(shown["gradient_check"](*arguments), rel=1e-9)


GOOD = {"theta": np.zeros(13), "x": XOR_X, "y": XOR_Y, "sizes": (2, 3, 1)}


@pytest.mark.parametrize("function", [backprop.loss, backprop.gradient])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.zeros(12)}, r"theta must have shape \(..., 13\) for sizes \(2, 3, 1\), not \(12,\)"),
        ({"theta": 1.0}, "theta must have shape"),
        ({"theta": np.zeros((0, 13))}, "theta must have shape"),
        ({"theta": np.full(13, np.nan)}, "theta holds NaN"),
        ({"x": XOR_X[0]}, r"x must have shape \(..., n_examples, 2\), at least one example, not \(2,\)"),
        ({"x": XOR_X.T}, "x must have shape"),
        ({"x": XOR_X[:0]}, "x must have shape"),
        ({"x": XOR_X + np.inf}, "x holds NaN or inf"),
        ({"theta": np.zeros((3, 13)), "x": np.zeros((2, 4, 2))}, "x has .* before its last two axes, theta"),
        ({"y": XOR_Y[:, 0]}, "y must have shape"),
        ({"y": XOR_Y[:1]}, "y has 1 examples, x has 4"),
        ({"y": XOR_Y * np.nan}, "y holds NaN"),
        ({"theta": np.zeros((3, 13)), "y": np.zeros((2, 4, 1))}, "y has .* before its last two axes, theta and x"),
        ({"sizes": (13,)}, "sizes needs at least two layers"),
        ({"sizes": (2, 0, 1)}, "sizes needs at least two layers"),
        ({"sizes": (2, 3.0, 1)}, "sizes needs at least two layers"),
        ({"activation": "step"}, "activation must be one of .*'sigmoid'.* not 'step'"),
    ],
)
def test_bad_input_is_named(function, change, message):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        function(**GOOD | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": []}, "theta must be one row"),
        ({"theta": [[1.0, 2.0]]}, "theta must be one row"),
        ({"theta": [1.0, np.nan]}, "theta must be one row of finite"),
        ({"h": 0}, "h must be a number above 0"),
        ({"h": -1e-5}, "h must be a number above 0"),
        ({"loss": lambda t: t**2}, r"loss returned shape \(2,\) for one row"),
        ({"loss": lambda t: np.nan}, "loss is NaN or infinite"),
        ({"gradient": lambda t: t[:1]}, r"gradient returned shape \(1,\) for theta of shape \(2,\)"),
        ({"gradient": lambda t: t * np.nan}, "gradient holds NaN"),
    ],
)
def test_bad_input_of_the_check_is_named(change, message):
    good = {"loss": lambda t: np.sum(t**2), "gradient": lambda t: 2 * t, "theta": [1.0, 2.0]}
    assert backprop.gradient_check(**good) < 1e-9
    with pytest.raises(ValueError, match=message):
        backprop.gradient_check(**good | change)


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((0, 3)), [[np.nan, 1.0]]])
def test_bad_sums_are_named(bad):
    with pytest.raises(ValueError, match="z "):
        backprop.answer(bad)
