"""GENREG's findings on trial: equal budgets, one change at a time, and numbers that mean what they say."""

import dataclasses
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from evidence.runner import Unit
from evidence.runs import findings, findings_28
from neuroevo import data, nets


@pytest.fixture(autouse=True)
def no_umap(monkeypatch):
    """No half minute for the import of UMAP."""
    monkeypatch.setattr(findings, "umap_plane", lambda features, seed: np.array(features)[:, :2])


def rows_of(method, seed, context, size="smoke"):
    return findings.run_unit(Unit(method, seed), dataclasses.replace(context, size=size))


@pytest.mark.parametrize("module", [findings, findings_28])
def test_arms_that_are_compared_get_the_same_budget_and_are_looked_at_equally_often(module):
    printed = module.ARMS["printed"]
    for name, arm in module.ARMS.items():
        assert arm.budget / arm.every == pytest.approx(20), name
        if arm.gradient:
            assert arm.budget == printed.budget / 10
        else:
            assert 10 * arm.images * 200 <= arm.every, f"{name} has looks without a generation between them"
            assert arm.budget == printed.budget or name == "width 32, long"


@pytest.mark.parametrize("module", [findings, findings_28])
def test_arms_change_one_thing(module):
    measured = {"budget", "every", "embed", "by_digit", "gradient"}
    printed = module.ARMS["printed"]
    for name, arm in module.ARMS.items():
        changed = {f.name for f in dataclasses.fields(arm) if getattr(arm, f.name) != getattr(printed, f.name)}
        if "base" in name or name == "images 5, all inherited":
            continue
        assert len(changed - measured) <= 1, name


def test_at_28_pixels_the_arms_are_the_same_and_the_networks_larger(context):
    rows = {
        method: findings_28.run_unit(Unit(method, 0), context)["finals"][0]
        for method in ("printed", "twin 64", "twin 16")
    }
    assert {method: row["n_params"] for method, row in rows.items()} == {
        "printed": 50_890,
        "twin 64": 50_890,
        "twin 16": 12_730,
    }
    for name in findings.ARMS.keys() & findings_28.ARMS.keys():
        assert findings.ARMS[name].changes == findings_28.ARMS[name].changes
        assert findings.ARMS[name].width == findings_28.ARMS[name].width


def test_smoke_run(smoke):
    methods = ["printed", "images 20, fixed", "child 0, base 0.08", "top fifth lives on, child 0, base 0.08"]
    methods += ["twin 16", "width 32", "twin 32"]
    tables = smoke("findings", methods)
    finals, spaces = tables["finals"].set_index("arm"), tables["spaces"].set_index("space")
    assert list(finals.index) == methods
    assert (finals[[f"right_{digit}" for digit in range(10)]].sum(axis=1) == finals.test_correct).all()
    assert set(tables["digits"].arm) == {"printed", "width 32"}
    assert list(spaces.index) == ["printed", "random 64", "pixels", "width 32", "random 32", "twin 32"]
    assert (spaces.probe > 0.3).all()
    assert len(tables["points"]) == 6 * 150  # of the fallback's 300 validation images, 150 choose the champion
    stay = tables["curves"][tables["curves"].arm == methods[3]]
    assert (stay.distinct > 40).all()  # the survivors have changed, their children not


def test_without_any_mutation_the_population_becomes_one_genome(context):
    rows = rows_of("child 0, base 0", 0, context, "laptop")["curves"]
    first, last = rows[0], rows[-1]
    assert 1 == last["distinct"] <= first["distinct"] < 40
    assert last["diversity"] < 1e-6


def test_base_mutation_of_a_population_without_survivors_is_child_mutation_by_another_name(context):
    spread = {
        method: rows_of(method, 0, context)["curves"][-1]["distinct"]
        for method in ("child 0, base 0", "child 0, base 0.08", "printed")
    }
    assert spread["child 0, base 0"] < 100 < min(spread["child 0, base 0.08"], spread["printed"])


def test_fixed_images_stay_and_others_come_and_go(context, monkeypatch):
    draws = []
    sample = data.Split.sample
    monkeypatch.setattr(data.Split, "sample", lambda self, n, rng: draws.append(n) or sample(self, n, rng))
    rows_of("images 20, fixed", 0, context)
    assert draws == [20]
    rows_of("images 5", 0, context)
    assert len(draws) > 3


def test_a_run_repeats_and_seeds_differ(context, without_clocks):
    finals = [without_clocks(rows_of("images 5", seed, context)["finals"][0]) for seed in (0, 0, 1)]
    assert finals[0] == finals[1] != finals[2] | {"seed": 0}


def test_shrink_averages_four_pixels():
    x = torch.arange(28 * 28).remainder(251).to(torch.uint8)[None]
    small = findings.shrink(data.Split(x, torch.tensor([0]))).x
    assert small.shape == (1, 196)
    assert int(small[0, 15]) == round(sum(int(x[0, i]) for i in (58, 59, 86, 87)) / 4)


def test_hidden_is_what_the_network_reads_its_answer_from():
    net, rng = nets.MLP((6, 5, 10)), torch.Generator().manual_seed(0)
    genome, x = net.init(1, 1.0, rng)[0], torch.randn(7, 6, generator=rng)
    weights, biases = (part[0] for part in net.layers(genome[None])[1])
    torch.testing.assert_close(
        findings.hidden(net, genome, x) @ weights.T + biases, net.forward(genome[None], x)[0], rtol=1e-4, atol=1e-5
    )


def test_probe_reads_what_is_linear_and_nothing_from_noise():
    rng = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 10
    centres, noise = torch.randn(10, 8, generator=rng) * 5, torch.randn(600, 8, generator=rng)
    assert (
        findings.probe((centres[labels] + noise)[:400], labels[:400], (centres[labels] + noise)[400:], labels[400:])
        > 0.95
    )
    assert findings.probe(noise[:400], labels[:400], noise[400:], labels[400:]) < 0.25


def test_curves_go_forward(context):
    curve = pd.DataFrame(rows_of("images 1", 0, context, "laptop")["curves"])
    assert all(a < b for a, b in pairwise(curve.evaluations))
    assert (curve.evaluations % 120_000 == 0).all()
