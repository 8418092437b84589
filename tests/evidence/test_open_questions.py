"""The open questions: mutants are scored as the networks that they are, and every unit gives the rows it promises."""

import dataclasses
import json

import pytest
import torch
from torch.nn import functional

from evidence.runner import Unit
from evidence.runs import open_questions
from evidence.runs.open_questions import architecture, curriculum, images, task
from evidence.runs.open_questions.rows import ACTIVATIONS, Bent, BentLearner, Filters, Learner, Plain, accuracy


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def log_likelihood(net, rows, x, y):
    return -float(functional.cross_entropy(net.logits(rows, x), y))


def nets():
    acts, mutant_acts = torch.arange(6) % len(ACTIVATIONS), torch.randint(len(ACTIVATIONS), (6, 4), generator=rng(3))
    return [Plain(196), Filters(14), Bent(196, acts=acts, mutant_acts=mutant_acts)]


@pytest.mark.parametrize("net", nets(), ids=lambda net: type(net).__name__)
def test_a_mutant_scores_what_its_whole_network_would(net):
    x, y = torch.rand(20, 196, generator=rng(1)), torch.randint(10, (20,), generator=rng(2))
    rows = net.start(6, rng())
    steps = 0.1 * torch.randn(6, 2, rows.shape[1], generator=rng(4))
    fitness, parent = net.score(rows, steps, x, y)
    assert float(parent) == pytest.approx(log_likelihood(net, rows, x, y), abs=1e-5)
    for j in range(6):
        for k in range(4):
            mutant = rows.clone()
            mutant[j] += steps[j, k % 2] * (1 if k < 2 else -1)
            whole = net
            if isinstance(net, Bent):
                acts = net.acts.clone()
                acts[j] = net.mutant_acts[j, k]
                whole = Bent(196, acts=acts)
            assert float(fitness[j, k]) == pytest.approx(log_likelihood(whole, mutant, x, y), abs=1e-5)


def easy(n=200):
    """Ten classes, each with a bright stripe of its own."""
    y = torch.arange(n) % 10
    x = 0.1 * torch.rand(n, 14, 14, generator=rng(5))
    x[torch.arange(n), y + 2] += 0.8
    return x.flatten(1), y


@pytest.mark.parametrize("method", ["selection", "gradient"])
@pytest.mark.parametrize("net", [Plain(196), Filters(14)], ids=["plain", "filters"])
def test_both_methods_learn_and_leave_alone_what_is_not_free(net, method):
    x, y = easy()
    rows = net.start(12, rng())
    free = torch.ones(rows.shape[1])
    free[:20] = 0
    before = rows.clone()
    learner = Learner(net, rows, method, 60, rng(1), decay=0.0, free=free, sigma=(0.1, 0.03))
    worse = log_likelihood(net, before, x, y)
    for _ in range(60):
        learner.step(x, y)
    assert log_likelihood(net, learner.rows, x, y) > worse + 0.3
    assert torch.equal(learner.rows[:, :20], before[:, :20])
    genomes = 1 + 2 * 2 * 12 if method == "selection" else 3
    assert learner.budget.evaluations == 60 * 200 * genomes


@pytest.mark.parametrize("method", ["selection", "gradient"])
def test_one_task_leaves_the_head_of_the_other_alone(method):
    x, y = easy()
    net = Plain(196, 36)
    learner = Learner(net, net.start(8, rng()), method, 0, rng(1), decay=0.0)
    before = learner.rows.clone()
    for _ in range(5):
        learner.step(x, y, slice(0, 10))
    assert torch.equal(learner.rows[:, 207:], before[:, 207:])
    assert not torch.equal(learner.rows[:, 197:207], before[:, 197:207])


def test_an_activation_spreads_only_with_the_mutant_that_has_it():
    x, y = easy()
    net = Bent(196, acts=torch.zeros(8, dtype=torch.int64))
    learner = BentLearner(net, net.start(8, rng()), "selection", 0, rng(1), decay=0.0, sigma=(0.1, 0.1))
    learner.flip_rate = 1.0
    values = []
    for _ in range(20):
        values.append(log_likelihood(net, learner.rows, x, y))
        learner.step(x, y)
    assert values[-1] > values[0]
    assert net.acts.any()


def test_difficulty_ranks_within_each_class_and_knows_the_outlier():
    x, y = easy()
    x[7] = x[8]  # looks like another class
    hard = curriculum.difficulty(x, y)
    assert float(hard[7]) == 1.0
    for k in range(10):
        assert hard[y == k].sort().values.tolist() == pytest.approx(torch.linspace(0, 1, 20).tolist())


def test_new_neurons_say_nothing_and_the_quietest_go_first():
    net, x = Plain(196), easy()[0]
    rows = net.start(5, rng())
    wider = architecture.widen(rows, 2, 196, rng(1))
    assert wider.shape == (7, rows.shape[1])
    torch.testing.assert_close(net.logits(wider, x), net.logits(rows, x))
    rows[3, 197:] *= 0.01
    assert torch.equal(architecture.widen(rows, -1, 196, rng()), rows[[0, 1, 2, 4]])
    assert len(architecture.widen(rows, -9, 196, rng())) == 1


def test_images_change_their_size_and_keep_their_ink():
    pixels = torch.rand(3, 784, generator=rng())
    for side in (7, 14, 28, 56):
        small = images.resize(pixels, side)
        assert small.shape == (3, side * side)
        torch.testing.assert_close(small.mean(dim=1), pixels.mean(dim=1), rtol=0.05, atol=0)


@pytest.fixture
def context(context, tmp_path, save_jpegs):
    """With a few small photographs, and no images that another test has read."""
    for name, n in (("train", 120), ("test", 50)):
        save_jpegs(tmp_path / f"cifar10_{name}_jpeg.npz", n, lambda i: 25 * (i % 10))
    cached = (images.mnist, images.digits, images.photographs)
    for one in cached:
        one.cache_clear()
    yield dataclasses.replace(context, source=tmp_path)
    for one in cached:
        one.cache_clear()


ONE_OF_EACH = {
    "continual, selection": {"matrix": 25},
    "continual, gradient, replay": {"matrix": 25},
    "curriculum, easy first": {"curves": 6},
    "filters, selection": {"filters": 200},
    "filters, random, gradient": {},
    "tasks, both, 64, selection": {},
    "width, 7, 2, gradient": {},
    "mutants, 8, equal evaluations": {},
    "genreg, 50": {},
    "evolved width, 0.003": {"widths": 6 * 2},
    "activations": {"activations": 4},
    "photographs, selection": {},
    "photographs, convolution": {},
}


@pytest.mark.parametrize("method", ONE_OF_EACH)
def test_a_unit_gives_its_rows(context, method):
    tables = open_questions.run_unit(Unit(method, 0), context)
    finals = tables.pop("finals")
    assert len(finals) == (2 if "both" in method else 1)
    for row in finals:
        assert (row["method"], row["seed"]) == (method, 0)
        assert 0 <= row["test_correct"] <= row["n_test"]
        assert row["evaluations"] > 0
    assert {name: len(rows) for name, rows in tables.items()} == ONE_OF_EACH[method]


def test_a_seed_fixes_a_unit(context):
    rows = [open_questions.run_unit(Unit("evolved width, 0.003", 3), context)["finals"][0] for _ in range(2)]
    assert len({row.pop("core_seconds") for row in rows}) > 0
    assert rows[0] == rows[1]


def test_a_run_has_every_method_with_every_seed():
    units = open_questions.units([0, 1, 2, 3, 4])
    assert len(units) == len(set(units)) == 5 * len(open_questions.RUNNERS) - 2
    for size in task.SIZES:
        assert json.loads(json.dumps(open_questions.settings(size)))["size"] == size


def test_accuracy_counts_only_the_outputs_that_compete():
    net = Plain(196)
    x, y = easy(20)
    rows = net.start(4, rng())
    assert 0 <= accuracy(net, rows, x, y) <= 1
    assert accuracy(net, rows, x[:2], torch.zeros(2, dtype=torch.int64), slice(3, 4)) == 1.0
