import pytest
import torch

from evidence.filters import FilterNet, Strategy
from neuroevo import nets

NET = FilterNet(4, 6, 2)


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def batch(rng):
    return torch.rand(7, 784, generator=rng), torch.randint(10, (7,), generator=rng)


def likelihood(net, genomes, batch):
    return nets.mean_log_likelihood(net.forward(genomes, batch[0]), batch[1])


def test_filter_net_is_a_convolution_network(rng, batch):
    genome = NET.init(rng)
    genome += torch.randn(genome.shape, generator=rng) * 0.1  # biases too
    first, second, classes = NET.split(genome)
    h = batch[0].view(-1, 1, 28, 28)
    h = torch.nn.functional.conv2d(h, first[:, :-1].view(4, 1, 5, 5), first[:, -1], stride=2).relu()
    h = torch.nn.functional.conv2d(h, second[:, :-1].view(6, 2, 5, 5), second[:, -1], stride=2, groups=2).relu()
    logits = h.flatten(1) @ classes[:, :-1].T + classes[:, -1]
    torch.testing.assert_close(NET.forward(genome[None], batch[0])[0], logits, atol=1e-5, rtol=1e-4)
    assert NET.n_params == 4 * 26 + 6 * 51 + 10 * 97 == len(genome)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_filter_scores_are_those_of_whole_mutants(rng, batch, layer):
    genome = NET.init(rng)
    parts = NET.split(genome)
    steps = [torch.randn(len(p), 2, p.shape[1], generator=rng) * 0.2 for p in parts]
    fitness, parent = NET.score(parts, steps, *batch)
    assert parent == pytest.approx(float(likelihood(NET, genome[None], batch)), abs=1e-5)
    for j in range(len(parts[layer])):
        for column in range(4):
            mutant = genome.clone()
            NET.split(mutant)[layer][j] += steps[layer][j, column % 2] * (1 if column < 2 else -1)
            expected = float(likelihood(NET, mutant[None], batch))
            assert fitness[layer][j, column] == pytest.approx(expected, abs=1e-5)


def test_strategy_climbs_a_slope_that_it_only_sees_in_scores(rng):
    parts, slope = torch.zeros(2, 3), torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, -1.0]])
    search = Strategy(parts, n_pairs=500, learning_rate=0.1, rng=rng)
    steps = search.ask(0.2)
    mutants = torch.cat([parts[:, None] + steps, parts[:, None] - steps], dim=1)
    search.tell((mutants * slope[:, None]).sum(-1), torch.tensor(0.0))
    torch.testing.assert_close(parts.grad, slope, atol=0.25, rtol=0)
    assert torch.equal(parts.sign()[slope != 0], slope.sign()[slope != 0])


def test_bad_input_is_refused(rng):
    parts = torch.zeros(3, 2)
    search = Strategy(parts, n_pairs=2, learning_rate=0.1, rng=rng)
    with pytest.raises(ValueError, match="last ask"):
        search.tell(torch.zeros(3, 4))
    search.ask(0.1)
    with pytest.raises(ValueError, match="without NaN"):
        search.tell(torch.zeros(3, 4) / 0)
    assert parts.tolist() == [[0, 0]] * 3
    with pytest.raises(ValueError, match="n_groups must divide"):
        FilterNet(8, 30, 4)
    with pytest.raises(ValueError, match="genome must"):
        NET.split(torch.zeros(3))
