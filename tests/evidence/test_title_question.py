"""The title question: five tasks without a slope, their arms, and a slice of the stored run."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from evidence import runner
from evidence.runner import Unit
from evidence.runs import title_question
from evidence.runs.title_question import TASKS, books, digits, lines, poles, topology, verdicts
from neuroevo import nets, results

RNG = partial(books.generator, 3)


def test_each_seed_has_a_split_of_its_own():
    train, validation, test = books.digits([0, 1])
    assert [part.x.shape[1] for part in (train, validation, test)] == [897, 300, 600]
    images = torch.cat([train.x[0], validation.x[0], test.x[0]])
    assert len(images.unique(dim=0)) == len(torch.cat([p.x[1] for p in (train, validation, test)]).unique(dim=0))
    assert not torch.equal(train.x[0], train.x[1])


@pytest.mark.parametrize(("module", "sizes"), [(digits, (64, 32, 10)), (topology, (64, 16, 10))])
def test_networks_with_an_axis_of_runs_are_those_of_the_package(module, sizes):
    """`nets.MLP` reads the same numbers, layer by layer; topology keeps its biases at the end."""
    genomes, x = 0.3 * torch.randn((2, 3, module.N_PARAMS), generator=RNG()), books.digits([0, 1])[0].x[:, :20]
    ours = module.logits(genomes, x, torch.tanh) if module is digits else module.logits(genomes, x)
    row = genomes[1]
    if module is topology:
        w1, w2, b1, b2 = row.split([64 * 16, 160, 16, 10], dim=-1)
        row = torch.cat([w1, b1, w2, b2], dim=-1)
    theirs = nets.MLP(sizes).forward(row, x[1])
    assert torch.allclose(ours[1].mT, theirs, atol=1e-5)


@pytest.mark.parametrize("kind", [digits.T1, digits.T2])
def test_one_neuron_mutants_are_scored_exactly(kind):
    rows = kind.start((1, 32, 75), 0.2, RNG())
    mutants = rows[:, :, None].repeat(1, 1, 2, 1)
    kind.change_(mutants, 0.3, 0.5, RNG())
    part = books.digits([0])[0].batch(50, RNG())
    fitness, parent = digits._one_neuron_scores(kind, rows[0], mutants[0], part.x[0], part.y[0])
    whole = rows.clone()
    whole[0, 7] = mutants[0, 7, 1]
    assert torch.allclose(kind.fitness(digits.joined(whole)[:, None], part)[0, 0], fitness[7, 1], atol=1e-5)
    assert torch.allclose(kind.fitness(digits.joined(rows)[:, None], part)[0, 0], parent, atol=1e-5)


def test_the_plain_gradient_has_nothing_to_say_where_it_is_zero():
    theta = torch.randn((1, digits.N_PARAMS), generator=RNG(), requires_grad=True)
    x = books.digits([0])[0].x
    for kind, first_layer, all_of_it in ((digits.T1, True, False), (digits.T2, True, True)):
        theta.grad = None
        digits.logits(kind.read(theta)[:, None], x, kind.bend, kind.scales).square().sum().backward()
        assert bool((theta.grad[:, :2048] == 0).all()) is first_layer
        assert bool((theta.grad == 0).all()) is all_of_it
        theta.grad = None
        digits.logits(kind.soft_read(theta)[:, None], x, kind.soft_bend, kind.scales).square().sum().backward()
        assert bool((theta.grad[:, :2048] != 0).any())


def test_ternary_genomes_stay_ternary():
    rows = digits.T2.start((2, 3, 100), 0.2, RNG())
    digits.redraw_(rows, 0.5, RNG())
    assert set(rows.unique().tolist()) == {-1.0, 0.0, 1.0}
    assert set(digits.rounded(torch.randn((2, digits.N_PARAMS), generator=RNG())).unique().tolist()) == {-1.0, 0.0, 1.0}


def test_the_true_line_errs_on_the_outliers_alone():
    train, _, _ = lines.points([4], outliers=0.0)
    fitted = torch.linalg.lstsq(train.x[0], 2.0 * train.y[0] - 1).solution
    clean = lines.T3A.merit(torch.cat([fitted, torch.zeros(1)])[None], lines.points([4], outliers=0.0)[2])
    dirty = lines.T3A.merit(torch.cat([fitted, torch.zeros(1)])[None], lines.points([4])[2])
    assert float(clean) > 95
    assert 77 < float(dirty) < 82


def test_f1_is_scikit_learns_and_the_moved_threshold_is_the_best():
    from sklearn.metrics import f1_score

    train, _, _ = lines.rare([0])
    genome = torch.randn((1, 65), generator=RNG())
    z = lines.sums(genome[:, None], train.x)
    assert float(lines.f1(z, train.y)) == pytest.approx(100 * f1_score(train.y[0], z[0, 0] > 0), abs=1e-3)
    best = float(lines.T3B.merit(lines.moved(genome[:, None], train)[:, 0], train))
    cuts = torch.linspace(float(z.min()), float(z.max()), 500)
    tried = [float(lines.f1(z - cut, train.y)) for cut in cuts]
    assert best >= max(tried) - 1e-3


def test_connections_come_and_go_and_biases_stay():
    genomes = topology.sparse((1, 50), 0.2, RNG())
    before = topology.connections(genomes)
    topology.rewire_(genomes, 0.1, 0.1, 5.0, 5.0, RNG())
    after = topology.connections(genomes)
    assert 200 < before.float().mean() < 280
    assert (before != after).any()
    assert (genomes[..., topology.N_CONNECTIONS :] != 0).all()


def test_a_pole_that_nobody_holds_falls_as_physics_says():
    """A long pole alone: small angles grow as exp(t sqrt(3 g / 4 l)) on a cart that hardly moves."""
    state = np.zeros((6, 1))
    state[1] = 1e-4
    for _ in range(25):
        state = poles.moved(state, np.zeros(1))
    rate = np.sqrt(0.75 * 9.8 / 0.5)
    assert state[1, 0] == pytest.approx(1e-4 * np.cosh(rate * 0.5), rel=0.15)
    one, two = np.zeros((6, 1)) + 0.01, np.zeros((6, 1)) + 0.01
    one = poles.moved(one, np.ones(1))
    for _ in range(10):
        two = poles.moved(two, np.ones(1), h=0.002)
    assert np.allclose(one, two, atol=1e-5)


def test_reinforce_follows_the_slope_that_it_should():
    """With a return for small outputs, a step along the surrogate's slope makes outputs smaller."""
    theta = torch.randn((1, poles.N_PARAMS), generator=RNG()).requires_grad_(True)
    draws = np.random.default_rng(0)
    log = []
    crowd = np.repeat(theta.detach().double().numpy(), 400, axis=0)
    lasted = poles.balance(crowd, poles._START[:, None], lambda step, rows: 0.5 * draws.standard_normal(len(rows)), log)
    poles._surrogate(theta, log, lasted, 400, 0.5, 0.97).backward()
    better = theta.detach() - 0.1 * theta.grad / theta.grad.norm()
    noisy = [
        poles.balance(
            np.repeat(t.double().numpy(), 2000, axis=0),
            poles._START[:, None],
            lambda step, rows: 0.5 * draws.standard_normal(len(rows)),
            [],
        ).mean()
        for t in (theta.detach(), better)
    ]
    assert noisy[1] > noisy[0]


def test_a_smoke_run(tmp_path, monkeypatch):
    for task in TASKS.values():
        for name in list(task.arms):
            if "seconds" in name:
                monkeypatch.delitem(task.arms, name)
    monkeypatch.setitem(title_question.SHARES, "smoke", 0.005)
    runner.run("title-question", n_seeds=1, size="smoke", out=tmp_path)
    tables = results.load("title-question", tmp_path).tables
    finals, tuning = tables["finals"], tables["tuning"]
    assert set(finals["task"]) == set(TASKS)
    assert {"task", "arm", "role", "seed", "score", "evaluations", "core_seconds", "peak_bytes"} <= set(finals)
    assert finals["score"].notna().all()
    assert (tuning.groupby(["task", "arm"])["chosen"].sum() == 1).all()


def test_units_and_settings():
    made = title_question.units([0, 1])
    assert made.index(Unit("tune T1; GA", 0)) < made.index(Unit("T1; GA", 0)) < made.index(Unit("tune T2; GA", 0))
    assert made.index(Unit("T4; GA", 0)) < made.index(Unit("T1; GA", 1))
    assert set(title_question.ORDER) == set(TASKS)
    assert json.loads(json.dumps(title_question.settings("full")))["tasks"]["T4"]["larger"] is False


def stored(larger: bool, ours: list[float], theirs: list[float]) -> results.StoredRun:
    """A run of one task and two arms."""
    rows = [
        {"task": "T", "arm": arm, "role": role, "seed": seed, "score": score}
        for arm, role, scores in (("GA", "selection", ours), ("descent", "reply", theirs))
        for seed, score in enumerate(scores)
    ]
    tuning = [
        {"task": "T", "arm": arm, "role": "selection", "validation": value}
        for arm, value in (("GA", 3.0), ("one", 2.0), ("one, as many seconds", 9.0))
    ]
    about = {
        "title": "a task",
        "score": "points",
        "larger": larger,
        "margin": 0.5 if larger else 1.25,
        "arms": {"GA": [], "descent": []},
    }
    tables = {"finals": pd.DataFrame(rows), "tuning": pd.DataFrame(tuning)}
    return results.StoredRun(tables, {"settings": {"tasks": {"T": about}}})


@pytest.mark.parametrize(
    ("larger", "ours", "theirs", "gain", "word"),
    [
        (True, [80.0, 81.0, 82.0], [70.0, 71.1, 72.0], 10.0, "wins"),
        (True, [70.0, 71.1, 72.0], [80.0, 81.0, 82.0], -10.0, "loses"),
        (True, [80.0, 81.0, 82.0], [80.1, 81.0, 82.1], -0.07, "ties"),
        (True, [80.0, 85.0, 90.0], [84.0, 82.0, 88.0], 0.33, "undecided"),
        (False, [100.0, 110.0, 90.0], [400.0, 450.0, 350.0], 4.0, "wins"),
        (False, [400.0, 450.0, 350.0], [100.0, 110.0, 90.0], 0.25, "loses"),
    ],
)
def test_a_verdict_is_about_paired_seeds_and_better_is_more_or_less(larger, ours, theirs, gain, word):
    [made] = verdicts.card(stored(larger, ours, theirs), tasks=("T",))
    assert (made.arm, made.reply, made.word) == ("GA", "descent", word)
    assert made.gain.mean == pytest.approx(gain, rel=0.05)


def test_seeds_of_one_arm_alone_are_left_out():
    made = verdicts.compare(stored(True, [1.0, 2.0, 99.0], [1.0, 2.0]), "T", "GA", "descent")
    assert made.gain.mean == 0
    assert made.mean == 1.5


def test_a_task_that_was_not_finished_has_no_row():
    run = stored(True, [1.0, 2.0], [1.0, 2.0])
    run.provenance["settings"]["tasks"]["T"]["arms"]["a third"] = []
    assert verdicts.card(run, tasks=("T",)) == []
