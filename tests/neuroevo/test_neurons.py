import pytest
import torch

from neuroevo import nets, neurons

NET = nets.MLP((784, 6, 10))


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


def test_selection_takes_the_best_mutant_and_only_if_it_beats_the_parent(rng):
    parts = torch.zeros(3, 2)
    search = neurons.Selection(parts, n_pairs=2, rng=rng)
    steps = search.ask(0.1).clone()
    fitness = torch.tensor([[1.0, 3.0, 0.0, 2.0], [0.0, 1.0, 5.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
    assert search.tell(fitness, torch.tensor(1.0)) == pytest.approx(2 / 3)
    assert torch.equal(parts, torch.stack([steps[0, 1], -steps[1, 0], torch.zeros(2)]))


def test_steps_that_are_set_to_zero_are_not_taken(rng):
    parts = torch.zeros(3, 2)
    search = neurons.Selection(parts, n_pairs=1, rng=rng)
    search.ask(0.1)[..., 1] = 0
    search.tell(torch.ones(3, 2), torch.tensor(0.0))
    assert (parts[:, 0] != 0).all()
    assert (parts[:, 1] == 0).all()


def test_fitness_of_something_else_is_refused(rng):
    parts = torch.zeros(3, 2)
    search = neurons.Selection(parts, n_pairs=2, rng=rng)
    fitness = torch.zeros(3, 4)
    with pytest.raises(ValueError, match="last ask"):
        search.tell(fitness, torch.tensor(0.0))
    search.ask(0.1)
    with pytest.raises(ValueError, match="without NaN"):
        search.tell(fitness / 0, torch.tensor(0.0))
    with pytest.raises(ValueError, match="sigma"):
        search.ask(0.0)
    with pytest.raises(ValueError, match="n_pairs"):
        neurons.Selection(parts, n_pairs=0, rng=rng)
    assert parts.tolist() == [[0, 0]] * 3


def test_wrong_shapes_are_named(rng, batch):
    rows = neurons.split(NET, NET.init(1, 0.1, rng)[0])
    with pytest.raises(ValueError, match="one hidden layer"):
        neurons.split(nets.MLP((784, 10)), rows[0])
    with pytest.raises(ValueError, match="a neuron each"):
        neurons.join(NET, rows[1:])
    with pytest.raises(ValueError, match="n_pairs, the same"):
        neurons.score(rows, rows[None], *batch)
