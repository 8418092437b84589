import pytest
import torch

from neuroevo import nets, neurons
from neuroevo.data import transforms

NET = nets.MLP((784, 6, 10))
FILTERS = neurons.FilterNet(4, 6, 2)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def batch(rng):
    return torch.rand(7, 784, generator=rng), torch.randint(10, (7,), generator=rng)


def likelihood(net, genomes, batch):
    return nets.mean_log_likelihood(net.forward(genomes, batch[0]), batch[1])


def test_a_network_is_its_neurons(rng, batch):
    genome = NET.init(1, 0.1, rng)[0]
    genome[-10:] = 0  # the output biases belong to no neuron
    rows = neurons.split(NET, genome)
    assert rows.shape == (6, 784 + 1 + 10)
    assert torch.equal(neurons.join(NET, rows), genome)


def test_scores_are_those_of_whole_mutants(rng, batch):
    rows = neurons.split(NET, NET.init(1, 0.1, rng)[0])
    steps = torch.randn(6, 2, 795, generator=rng) * 0.1
    fitness, parent = neurons.score(rows, steps, *batch)
    assert fitness.shape == (6, 4)
    assert parent == pytest.approx(float(likelihood(NET, neurons.join(NET, rows)[None], batch)), abs=1e-5)
    for j, i, sign in [(0, 0, 1), (5, 1, 1), (2, 0, -1), (3, 1, -1)]:
        mutant = rows.clone()
        mutant[j] += sign * steps[j, i]
        column = i if sign > 0 else 2 + i
        assert fitness[j, column] == pytest.approx(
            float(likelihood(NET, neurons.join(NET, mutant)[None], batch)), abs=1e-5
        )


def test_filter_net_is_a_convolution_network(rng, batch):
    genome = FILTERS.init(rng)
    genome += torch.randn(genome.shape, generator=rng) * 0.1  # biases too
    first, second, classes = FILTERS.split(genome)
    h = batch[0].view(-1, 1, 28, 28)
    h = torch.nn.functional.conv2d(h, first[:, :-1].view(4, 1, 5, 5), first[:, -1], stride=2).relu()
    h = torch.nn.functional.conv2d(h, second[:, :-1].view(6, 2, 5, 5), second[:, -1], stride=2, groups=2).relu()
    logits = h.flatten(1) @ classes[:, :-1].T + classes[:, -1]
    torch.testing.assert_close(FILTERS.forward(genome[None], batch[0])[0], logits, atol=1e-5, rtol=1e-4)
    assert FILTERS.n_params == 4 * 26 + 6 * 51 + 10 * 97 == len(genome)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_filter_scores_are_those_of_whole_mutants(rng, batch, layer):
    genome = FILTERS.init(rng)
    parts = FILTERS.split(genome)
    steps = [torch.randn(len(p), 2, p.shape[1], generator=rng) * 0.2 for p in parts]
    fitness, parent = FILTERS.score(parts, steps, *batch)
    assert parent == pytest.approx(float(likelihood(FILTERS, genome[None], batch)), abs=1e-5)
    for j in range(len(parts[layer])):
        for column in range(4):
            mutant = genome.clone()
            FILTERS.split(mutant)[layer][j] += steps[layer][j, column % 2] * (1 if column < 2 else -1)
            expected = float(likelihood(FILTERS, mutant[None], batch))
            assert fitness[layer][j, column] == pytest.approx(expected, abs=1e-5)


def test_selection_takes_the_best_mutant_and_only_if_it_beats_the_parent(rng):
    parts = torch.zeros(3, 2)
    search = neurons.Selection(parts, n_pairs=2, rng=rng)
    steps = search.ask(0.1).clone()
    fitness = torch.tensor([[1.0, 3.0, 0.0, 2.0], [0.0, 1.0, 5.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
    assert search.tell(fitness, torch.tensor(1.0)) == pytest.approx(2 / 3)
    assert torch.equal(parts, torch.stack([steps[0, 1], -steps[1, 0], torch.zeros(2)]))


def test_strategy_climbs_a_slope_that_it_only_sees_in_scores(rng):
    parts, slope = torch.zeros(2, 3), torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, -1.0]])
    search = neurons.Strategy(parts, n_pairs=500, learning_rate=0.1, rng=rng)
    steps = search.ask(0.2)
    mutants = torch.cat([parts[:, None] + steps, parts[:, None] - steps], dim=1)
    search.tell((mutants * slope[:, None]).sum(-1), torch.tensor(0.0))
    torch.testing.assert_close(parts.grad, slope, atol=0.25, rtol=0)
    assert torch.equal(parts.sign()[slope != 0], slope.sign()[slope != 0])


@pytest.mark.parametrize("kind", [neurons.Selection, neurons.Strategy])
def test_fitness_of_something_else_is_refused(kind, rng):
    words = {"learning_rate": 0.1} if kind is neurons.Strategy else {}
    search = kind(torch.zeros(3, 2), n_pairs=2, rng=rng, **words)
    fitness = torch.zeros(3, 4)
    with pytest.raises(ValueError, match="last ask"):
        search.tell(fitness, torch.tensor(0.0))
    search.ask(0.1)
    with pytest.raises(ValueError, match="without NaN"):
        search.tell(fitness / 0, torch.tensor(0.0))
    with pytest.raises(ValueError, match="sigma"):
        search.ask(0.0)
    with pytest.raises(ValueError, match="n_pairs"):
        kind(torch.zeros(3, 2), n_pairs=0, rng=rng, **words)


def test_wrong_shapes_are_named(rng, batch):
    rows = neurons.split(NET, NET.init(1, 0.1, rng)[0])
    with pytest.raises(ValueError, match="one hidden layer"):
        neurons.split(nets.MLP((784, 10)), rows[0])
    with pytest.raises(ValueError, match="a neuron each"):
        neurons.join(NET, rows[1:])
    with pytest.raises(ValueError, match="n_pairs, the same"):
        neurons.score(rows, rows[None], *batch)
    with pytest.raises(ValueError, match="n_groups must divide"):
        neurons.FilterNet(8, 30, 4)
    with pytest.raises(ValueError, match="genome must"):
        FILTERS.split(torch.zeros(3))


def test_shift_moves_every_image_by_its_own_amount(rng):
    x = torch.zeros(200, 784)
    x[:, 400] = 1
    moved = transforms.shift(x, 1, rng)
    assert (moved.sum(dim=1) == 1).all()
    assert set((moved.argmax(dim=1) - 400).tolist()) == {
        28 * down + right for down in (-1, 0, 1) for right in (-1, 0, 1)
    }
    assert torch.equal(neurons.shift(x, 0, rng), x)
    corner = torch.zeros(50, 784)
    corner[:, 0] = 1
    assert 0 < transforms.shift(corner, 1, rng).sum() < 50  # what leaves doesn't come back on the other side
