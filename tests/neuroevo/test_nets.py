import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from neuroevo import nets

PLAIN = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda z: z}
NET = nets.MLP((6, 5, 4, 3))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def plain_forward(net, row, x):
    """One genome, read column by column, in torch's own words."""
    start, h = 0, x
    for depth, (n_in, n_out) in enumerate(zip(net.sizes, net.sizes[1:], strict=False), start=1):
        weights = row[start : start + n_in * n_out].reshape(n_out, n_in)
        biases = row[start + n_in * n_out : start + n_in * n_out + n_out]
        h = functional.linear(h, weights, biases)
        if depth < len(net.sizes) - 1:
            h = PLAIN[net.activation](h)
        start += n_in * n_out + n_out
    assert start == net.n_params
    return h


@pytest.mark.parametrize("activation", PLAIN)
@pytest.mark.parametrize("sizes", [(3, 2), (6, 5, 4), (6, 5, 4, 3), (1, 1, 1)])
def test_forward_equals_a_loop_over_plain_networks(sizes, activation):
    net = nets.MLP(sizes, activation)
    population, x = net.init(7, 1.0, rng()), torch.randn(11, sizes[0], generator=rng(1))
    before = population.clone()
    loop = torch.stack([plain_forward(net, row, x) for row in population])
    torch.testing.assert_close(net.forward(population, x), loop)
    assert torch.equal(population, before)


def test_forward_in_float64_and_on_borders():
    population, x = NET.init(3, 1.0, rng(), dtype=torch.float64), torch.randn(4, 6, dtype=torch.float64)
    assert NET.forward(population, x).dtype == torch.float64
    assert NET.forward(population[:0], x).shape == (0, 4, 3)
    assert NET.forward(population, x[:0]).shape == (3, 0, 3)


@pytest.mark.parametrize("chunk_bytes", [0, 1, 3 * 11 * 5 * 4, 7 * 11 * 5 * 4])
def test_chunks_change_nothing(chunk_bytes):
    population, x = NET.init(20, 1.0, rng()), torch.randn(11, 6, generator=rng(1))
    assert torch.equal(NET.forward(population, x, chunk_bytes=chunk_bytes), NET.forward(population, x))


@pytest.mark.parametrize("sizes", [(4, 64, 2), (4, 64, 64, 2)])
def test_chunks_bound_the_activations_held_at_once(sizes):
    class Held(TorchDispatchMode):
        """Bytes of the inputs and outputs of a layer; bmm is the only operation that makes new activations."""

        most = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            out = function(*args, **(kwargs or {}))
            if function is torch.ops.aten.bmm.default:
                inputs = args[1] if args[1].shape[1] != sizes[0] else args[1][:0]  # the images are shared, not held
                self.most = max(self.most, inputs.nbytes + out.nbytes)
            return out

    net, n_inputs = nets.MLP(sizes), 50
    population, x = net.init(40, 1.0, rng()), torch.rand(n_inputs, 4)
    one_genome = n_inputs * 4 * (64 + sizes[2])
    for chunk_bytes in (10 * one_genome, 1):
        with Held() as held:
            net.forward(population, x, chunk_bytes=chunk_bytes)
        assert held.most == max(chunk_bytes, one_genome)


def test_layers_are_views_that_write_through():
    population = torch.zeros(3, NET.n_params)
    for weights, biases in NET.layers(population):
        weights[1] += 1
        biases[1] += 1
    assert torch.equal(population, torch.tensor([[0.0], [1.0], [0.0]]).expand(3, NET.n_params))
    shapes = [(tuple(weights.shape), tuple(biases.shape)) for weights, biases in NET.layers(population)]
    assert shapes == [((3, 5, 6), (3, 5)), ((3, 4, 5), (3, 4)), ((3, 3, 4), (3, 3))]


def test_init_has_the_asked_spread_and_repeats():
    net = nets.MLP((784, 64, 10))
    population = net.init(5, 0.05, rng())
    assert population.shape == (5, 50_890)
    assert population.mean().abs() < 5 * 0.05 / population.numel() ** 0.5
    assert population.std() == pytest.approx(0.05, rel=0.01)
    assert torch.equal(population, net.init(5, 0.05, rng()))
    assert not torch.equal(population, net.init(5, 0.05, rng(1)))


def test_gradients_flow_through_forward_and_equal_torchs_own():
    population = NET.init(3, 1.0, rng()).requires_grad_()
    x, y = torch.randn(8, 6, generator=rng(1)), torch.arange(8) % 3
    (-nets.mean_log_likelihood(NET.forward(population, x, chunk_bytes=1), y)).sum().backward()
    rows = population.detach().clone().requires_grad_()
    sum(functional.cross_entropy(plain_forward(NET, row, x), y) for row in rows).backward()
    torch.testing.assert_close(population.grad, rows.grad)


def test_count_correct_picks_the_first_of_equals_like_argmax():
    logits = torch.randint(0, 3, (50, 40, 10), generator=rng()).float()
    labels = torch.arange(40) % 10
    for given in (logits, logits.transpose(1, 2).contiguous().transpose(1, 2)):  # as forward lays them out
        assert torch.equal(nets.count_correct(given, labels), (given.argmax(2) == labels).sum(1).float())
    assert nets.count_correct(torch.zeros(1, 4, 5), torch.tensor([0, 0, 1, 4])).tolist() == [2.0]
    assert nets.accuracy(torch.zeros(1, 4, 5), torch.tensor([0, 0, 1, 4])).tolist() == [0.5]


def test_mean_log_likelihood_is_minus_cross_entropy():
    logits, labels = 50 * torch.randn(6, 9, 4, generator=rng()), torch.arange(9) % 4
    expected = torch.stack([-functional.cross_entropy(genome, labels) for genome in logits])
    torch.testing.assert_close(nets.mean_log_likelihood(logits, labels), expected)


@pytest.mark.parametrize(
    ("sizes", "activation", "word"),
    [((5,), "tanh", "sizes"), ((5, 0, 2), "tanh", "sizes"), ((), "tanh", "sizes"), ((5, 2), "swish", "activation")],
)
def test_impossible_architectures(sizes, activation, word):
    with pytest.raises(ValueError, match=f"^{word}"):
        nets.MLP(sizes, activation)


@pytest.mark.parametrize(("n_genomes", "std"), [(0, 1.0), (3, -1.0), (3, float("nan"))])
def test_impossible_populations(n_genomes, std):
    with pytest.raises(ValueError, match="n_genomes >= 1 and std >= 0"):
        NET.init(n_genomes, std, rng())


POPULATION, X = torch.zeros(4, NET.n_params), torch.zeros(9, 6)


@pytest.mark.parametrize(
    ("population", "x", "named"),
    [
        (POPULATION[:, 1:], X, f"population .*{NET.n_params}"),
        (POPULATION[0], X, "population"),
        (POPULATION[0, 0], X, "population"),
        (POPULATION.long(), X.long(), "population must hold floats"),
        (POPULATION, X[:, 1:], r"x must have shape \(n_inputs, 6\), not \(9, 5\)"),
        (POPULATION, X[0], "x must have shape"),
        (POPULATION, X.double(), r"x is torch.float64 .* population torch.float32 .*x.to\(population\)"),
        (POPULATION, X.to("meta"), "x is .* on meta, the population .* on cpu"),
    ],
)
def test_what_does_not_fit_is_named(population, x, named):
    with pytest.raises(ValueError, match=named):
        NET.forward(population, x)


@pytest.mark.parametrize("score", [nets.count_correct, nets.accuracy, nets.mean_log_likelihood])
@pytest.mark.parametrize(
    "labels",
    [
        torch.zeros(1, dtype=torch.long),
        torch.zeros((5, 1), dtype=torch.long),
        torch.zeros(5),
        torch.zeros(5, dtype=torch.long, device="meta"),
    ],
)
def test_labels_that_would_broadcast_or_lack_a_class_are_refused(score, labels):
    with pytest.raises(ValueError, match=r"^labels must be int64 of shape"):
        score(torch.zeros(5, 5, 3), labels)
    with pytest.raises(ValueError, match=r"^logits must have shape"):
        score(torch.zeros(5, 3), labels)
