"""Chapter 16's rules: trees, tables, losses, inner trainings that don't mix, the outer loop, and a slice of the run."""

import math
import random

import numpy as np
import pandas as pd
import pytest
import torch

from evidence.runner import Unit
from evidence.runs import rules
from evidence.runs.rules import DEEP, NOISY, TANH, inner, outer, read, trees
from evidence.runs.rules.inner import GRID, Genome, Task
from neuroevo import results, stats

SHORT = Task(hidden=(8, 8), n_steps=40)


def run_rows():
    return results.load("rules")


@pytest.mark.parametrize(
    ("tree", "formula"),
    [
        (("max", "x", ("mul", 0.1, "x")), lambda x: torch.nn.functional.leaky_relu(x, 0.1)),
        (("mul", "x", ("sigmoid", "x")), torch.nn.functional.silu),
        (("add", ("square", "x"), ("neg", 1.5)), lambda x: x * x - 1.5),
    ],
)
def test_a_tree_is_computed(tree, formula):
    x = torch.linspace(-3, 3, 31)
    torch.testing.assert_close(trees.value(tree, x), formula(x))


@pytest.mark.parametrize(
    ("tree", "formula"),
    [
        (("square", ("neg", "x")), "(−x)²"),
        (("neg", ("square", "x")), "−(x²)"),
        (("square", ("square", "x")), "(x²)²"),
        (("neg", -0.5), "−(−0.5)"),
        (("mul", 0.1, ("max", "x", 1.0)), "(0.1 · max(x, 1.0))"),
    ],
)
def test_a_formula_can_be_read_in_one_way(tree, formula):
    assert trees.shown(tree) == formula


def test_an_address_leads_to_its_node_and_put_changes_nothing_else():
    tree = ("max", "x", ("mul", 0.1, ("tanh", "x")))
    addresses = list(trees.places(tree))
    assert addresses == [(), (1,), (2,), (2, 1), (2, 2), (2, 2, 1)]
    assert trees.put(tree, (2, 2, 1), 3.0) == ("max", "x", ("mul", 0.1, ("tanh", 3.0)))
    assert tree == ("max", "x", ("mul", 0.1, ("tanh", "x")))
    assert trees.put(tree, (), "x") == "x"


def test_random_trees_and_their_children_are_sound():
    rng = random.Random(0)
    for _ in range(300):
        tree = trees.newcomer(rng)
        child = trees.mutate(tree, rng)
        for found in (tree, child):
            assert len(list(trees.places(found))) <= trees.MOST_NODES
            assert "'x'" in repr(found)
            assert trees.value(found, GRID).shape == GRID.shape
    assert not trees.sound(("max", 0.1, 1.0))


@pytest.mark.parametrize("name", trees.CATALOGUE)
def test_a_table_stands_for_its_function_and_its_slope(name):
    tree = trees.CATALOGUE[name]
    h = torch.linspace(-7.9, 7.9, 1001).view(1, 7, 143).requires_grad_()
    found = inner.lines([tree])
    y, exact = inner.Lookup.apply(h, *found), trees.value(tree, h)
    torch.testing.assert_close(y, exact, rtol=0, atol=1e-3)
    got, wanted = (torch.autograd.grad(out.sum(), h)[0] for out in (y, exact))
    assert float((got - wanted).abs().median()) < 0.02
    ends = trees.value(tree, GRID)[-2:]
    beyond = inner.Lookup.apply(torch.full((1, 1, 1), 20.0), *found)
    assert float(beyond) == pytest.approx(float(ends[1] + 12 * inner.FINE * (ends[1] - ends[0])), rel=1e-3, abs=1e-3)


def test_mae_lies_within_the_polynomials_and_gce_lies_between():
    p = torch.rand(3, 5, 4, generator=torch.Generator().manual_seed(0)).softmax(-1)
    target = torch.eye(4)[torch.randint(4, (3, 5))]
    theta = torch.zeros(3, 8)
    theta[:, 5] = 1.0  # the product of target and prediction
    torch.testing.assert_close(inner.taylor(theta, p, target) + 1, inner.by_hand("MAE", p, target))
    torch.testing.assert_close(
        inner.by_hand("GCE 0.0001", p, target), inner.by_hand("cross-entropy", p, target), rtol=1e-3, atol=1e-3
    )
    torch.testing.assert_close(inner.by_hand("GCE 1", p, target), inner.by_hand("MAE", p, target))


@pytest.mark.parametrize("other", [Genome("x"), Genome(("square", "x"), "MAE", -1.0), Genome(loss=(0.5,) * 8)])
def test_networks_of_a_batch_train_as_if_alone(other):
    alone = inner.train(SHORT, [TANH], [3])
    beside = inner.train(SHORT, [other, TANH, other], [3, 3, 4])
    for ours, theirs in zip(alone, beside, strict=True):
        torch.testing.assert_close(ours[0], theirs[1], rtol=0.02, atol=0.02)


def test_training_is_what_torch_does():
    """One network against torch's own layers and Adam, from the same first weights."""
    task = Task(hidden=(8,), n_steps=25, scaled=False)
    deal = inner.deal(task, 0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.Tanh(), torch.nn.Linear(8, 10))
    with torch.no_grad():
        for layer, weight in zip((net[0], net[2]), deal.weights, strict=True):
            layer.weight.copy_(weight.T)
            layer.bias.zero_()
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    for rows in deal.batches:
        adam.zero_grad()
        torch.nn.functional.cross_entropy(net(deal.x[rows]), deal.y[rows]).backward()
        adam.step()
    theirs = (net(deal.x_test).argmax(1) == deal.y_test).float().mean()
    assert float(inner.train(task, [TANH], [0]).test) == pytest.approx(float(theirs), abs=0.02)


def test_a_learned_share_with_relu_is_torchs_prelu():
    task = Task(hidden=(8,), n_steps=25, scaled=False, learned=True)
    deal = inner.deal(task, 0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.PReLU(init=inner.FIRST_SHARE), torch.nn.Linear(8, 10))
    with torch.no_grad():
        for layer, weight in zip((net[0], net[2]), deal.weights, strict=True):
            layer.weight.copy_(weight.T)
            layer.bias.zero_()
    adam = torch.optim.Adam(net.parameters(), lr=0.05)
    for rows in deal.batches:
        adam.zero_grad()
        torch.nn.functional.cross_entropy(net(deal.x[rows]), deal.y[rows]).backward()
        adam.step()
    assert abs(net[1].weight.item() - inner.FIRST_SHARE) > 0.2  # it was learned
    sure = net(deal.x_validation).softmax(1).max(1).values.mean()
    found = inner.train(task, [Genome(("relu", "x"), log_rate=math.log10(0.05))], [0])
    assert float(found.confidence) == pytest.approx(sure.item(), abs=0.002)


def test_parity_is_the_digits_with_two_classes():
    digits, parity = inner.deal(Task(), 2), inner.deal(Task(source="parity"), 2)
    assert torch.equal(digits.x, parity.x)
    assert torch.equal(digits.y % 2, parity.y)
    assert parity.weights[-1].shape == (16, 2)


def test_a_family_is_told_by_places():
    a, b, c = (TANH._replace(log_rate=rate) for rate in (-1.0, -1.5, -2.0))
    born = {a: (0, None), b: (0, None), c: (1, b)}
    winner = outer.Winner(c, 0.9, 2, born, [{a: 0.6, b: 0.5}, {c: 0.9, b: 0.7}])
    rows = rules._family({"seed": 3}, winner)
    assert [(row["generation"], row["place"], row["mother"]) for row in rows] == [
        (0, 0, -1),
        (0, 1, -1),
        (1, 0, 1),
        (1, 1, 1),
    ]
    assert [row["score"] for row in rows] == pytest.approx([60, 50, 90, 70])


def test_a_deal_keeps_its_parts_apart_and_its_noise():
    deal = inner.deal(NOISY, 1)
    everything = torch.cat([deal.x, deal.x_validation, deal.x_test])
    assert len(everything.unique(dim=0)) >= len(everything) - 2
    clean = inner.deal(Task(hidden=(64,), n_steps=300), 1)
    share = float((deal.y != clean.y).float().mean())
    assert 0.33 < share < 0.47
    assert torch.equal(deal.y_test, clean.y_test)


def test_a_search_leaves_the_test_images_shut(monkeypatch):
    monkeypatch.setattr(inner, "_sealed_images", lambda source: pytest.fail("the test images were opened"))
    inner.deal.cache_clear()
    outer.fitness_on(Task(hidden=(8,), n_steps=2))([TANH], [0])
    open_deal = inner.deal(Task(), 0, sealed=True)
    assert len(open_deal.x_test) == 0


def test_letters_are_tested_on_families_never_met():
    from neuroevo import data

    letters = data.letters(16)
    deal = inner.deal(Task(source="letters"), 0)
    pictures = letters.x.float() / 255

    def families(x):
        rows = [int((pictures - row).abs().sum(1).argmin()) for row in x[:40]]
        return {letters.faces[int(letters.face[row])].family for row in rows}

    assert not families(deal.x_test) & families(deal.x)
    assert len(deal.x_test) == len(deal.x_validation) == 100


def test_survivors_are_scored_again_and_on_fresh_seeds():
    seen = []

    def fitness(genomes, seeds):
        seen.append((list(genomes), list(seeds)))
        return torch.tensor([[g.log_rate, g.log_rate] for g in genomes])

    winner = outer.evolve(fitness, 0, ("tree",), TANH)
    assert len(seen) == outer.N_GENERATIONS
    assert len({seed for _, seeds in seen for seed in seeds}) == 2 * outer.N_GENERATIONS
    assert all(len(set(genomes)) == outer.N_GENOMES for genomes, _ in seen)
    assert winner.genome == max(winner.born, key=lambda g: g.log_rate)
    assert winner.n_scores == 2 * sum(winner.genome in genomes for genomes, _ in seen)
    assert seen[1][0][0] in seen[0][0]


def test_each_way_of_breeding_changes_what_it_should():
    def fitness(genomes, seeds):
        return torch.tensor([[float(len(repr(g.tree)))] * len(seeds) for g in genomes])

    base = Genome()
    only_rates = outer.evolve(fitness, 1, (), base)
    assert {(g.tree, g.loss) for g in only_rates.born} == {(base.tree, base.loss)}
    blind = outer.evolve(fitness, 1, ("tree",), base, blind=True)
    assert all(mother is None for _, mother in blind.born.values())
    both = outer.evolve(fitness, 1, ("tree", "loss"), base, alternate=True)
    for child, (generation, mother) in both.born.items():
        if mother is not None:
            assert (child.tree == mother.tree) or generation // 2 % 2 == 0
            assert (child.loss == mother.loss) == (generation // 2 % 2 == 0)


def test_cma_es_finds_a_loss_that_is_asked_for():
    def fitness(genomes, seeds):
        return torch.tensor([[-sum((c - 0.5) ** 2 for c in g.loss)] for g in genomes])

    winner = outer.evolve_by_cma(fitness, 0, Genome(), 60)
    assert all(math.isclose(c, 0.5, abs_tol=0.1) for c in winner.genome.loss)


@pytest.mark.parametrize("method", ["necks", *rules.ARMS, "loss, CMA-ES"])
def test_every_unit_runs(method, context):
    tables = rules.run_unit(Unit(method, 0), context)
    rows = tables["necks"] if method == "necks" else tables["judged"]
    assert all(0 <= row["test"] <= 100 for row in rows)
    if method == "activation":
        again = rules.run_unit(Unit(method, 0), context)
        assert again["judged"] == tables["judged"]


def test_a_slice_of_the_stored_run():
    judged = run_rows().tables["judged"]
    row = judged[(judged.method == "tanh") & (judged.task == "deep")].iloc[0]
    genome = TANH._replace(log_rate=math.log10(row.rate))
    found = 100 * float(inner.train(DEEP, [genome], [int(row.inner_seed)]).test)
    assert found == pytest.approx(row.test, abs=6)  # another processor rounds otherwise


def test_an_interval_of_a_table_grows_with_what_its_rows_differ_by():
    columns = np.random.default_rng(0).normal(size=24)
    one = read.crossed(columns[None])
    assert one == stats.mean_interval(columns)
    close = read.crossed(columns + np.array([[0.0], [0.1], [-0.1]]))
    apart = read.crossed(columns + np.array([[0.0], [5.0], [-5.0]]))
    assert close.mean == pytest.approx(one.mean)
    assert apart.high - apart.low > 5 * (close.high - close.low)


@pytest.mark.parametrize(("tree", "low", "high"), [("x", 0.999, 1), (("neg", "x"), 0.999, 1), (("abs", "x"), 0, 0.01)])
def test_straightness(tree, low, high):
    assert low <= read.straightness(tree) <= high


def test_the_reader_pairs_outer_runs_and_judging_seeds():
    rows = [
        {"task": "t", "method": method, "seed": seed, "inner_seed": i, "test": base + i + seed, "validation": base}
        for method, seeds, base in (("bred", (0, 1), 5.0), ("hand", (-1,), 3.0))
        for seed in seeds
        for i in (1, 0)
    ]
    winners = pd.DataFrame({"method": ["bred", "bred"], "seed": [1, 0], "score": [7.0, 8.0], "tree": ["'x'"] * 2})
    judged = read.Judged(results.StoredRun({"judged": pd.DataFrame(rows), "winners": winners}, {}))
    assert judged.table("t", "bred").tolist() == [[5, 6], [6, 7]]
    assert judged.ahead("t", "bred", "hand").mean == pytest.approx(3.5)
    assert judged.flattery("t", "bred").mean == pytest.approx(2.5)
    assert judged.best("t", ["bred", "hand"]) == "bred"
    assert judged.straight("bred") == pytest.approx([1, 1])
    with pytest.raises(ValueError, match="judged"):
        judged.table("t", "nobody")
