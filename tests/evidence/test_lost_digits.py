"""Chapter 10's rule with its knobs moved: what each kind of fitness sees, and a slice of the stored run."""

import dataclasses
import json

import pytest
import torch

from evidence.runner import Unit
from evidence.runs import genreg_mnist, lost_digits
from evidence.runs.lost_digits import FITNESS, Setting


def logits(answers, sureness=1.0):
    """One genome a row, which answers so, each time with this lead."""
    return sureness * torch.nn.functional.one_hot(torch.tensor(answers), 3).float()


Y = torch.tensor([0] * 4 + [1] * 4 + [2] * 4)
ALL = Y.tolist()


def test_a_count_sees_neither_sureness_nor_which_digit_is_lost():
    one_lost, half_of_each = [0] * 4 + [1] * 4 + [0] * 4, [0, 0, 1, 1, 1, 1, 0, 0, 2, 2, 0, 0]  # 8 right, 6 right
    worse = [0, 0, 1, 1, 1, 1, 0, 0, 2, 0, 0, 0]
    for kind, fitness in FITNESS.items():
        first, second, third = fitness(logits([one_lost, half_of_each, worse]), Y).tolist()
        assert (second > first) == (kind == "balanced count")
        assert second > third
        surer, sure = (fitness(logits([ALL], lead), Y).item() for lead in (2.0, 1.0))
        assert (surer > sure) == (kind in ("probability", "log-likelihood"))


def test_a_balanced_count_is_the_mean_of_logarithms():
    expected = torch.tensor([5 / 5, 2 / 5, 1 / 5]).log().mean().item()
    got = FITNESS["balanced count"](logits([[0] * 4 + [1, 0, 0, 0] + [0] * 4]), Y)
    assert got.item() == pytest.approx(expected, abs=1e-6)


def test_seeds_go_to_the_settings_that_take_them():
    units = lost_digits.units([0, 1, 2, 3, 4])
    assert len(units) == sum(setting.n_seeds for setting in lost_digits.SETTINGS.values())
    assert len(set(units)) == len(units)


def test_a_count_of_the_defaults_is_the_printed_rule(context, without_clocks, monkeypatch):
    monkeypatch.setitem(genreg_mnist.N_GENOMES, "smoke", 10)
    monkeypatch.setitem(lost_digits.SETTINGS, "printed", Setting())
    ours, theirs = (run.run_unit(Unit("printed", 0), context)["finals"] for run in (lost_digits, genreg_mnist))
    assert without_clocks(ours) == without_clocks(theirs)


def test_a_smoke_run(smoke):
    methods = ["probability, uniform parents", "balanced count, uniform parents", "5 images a digit"]
    tables = smoke("lost-digits", methods)
    assert list(tables["finals"]["method"]) == methods
    few, many = (tables["curves"].query("method == @name")["evaluations"].max() for name in (methods[2], methods[0]))
    assert 4 * few == many


def test_settings_can_be_stored():
    stored = json.loads(json.dumps(lost_digits.settings("smoke")))
    assert stored["settings"]["5 images a digit"] == dataclasses.asdict(Setting(n_images=5, n_seeds=3))
