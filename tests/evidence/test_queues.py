"""Searches in a simulated queue: the queue's bounds, what the searches ask for, and a smoke run."""

import json
from itertools import pairwise

import numpy as np
import pytest

from evidence import runner
from evidence.runs import queues
from evidence.runs.queues import SETTINGS, Setting
from neuroevo import results

S, KNOWN = Setting(), queues.stored()
SEARCHES = queues.searches(S, KNOWN)


def log_of(name, n_workers, seed=0, **changes):
    return queues.simulate(SEARCHES[name], KNOWN.lengths, n_workers, np.random.default_rng(seed), **changes)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("n_workers", [1, 7, 200])
def test_a_queue_lies_between_its_bounds(name, n_workers):
    log = log_of(name, n_workers)
    work, span = sum(end - start for _, _, start, end in log), queues.span(log, S, waits=name == "genetic")
    makespan = max(end for *_, end in log)
    assert max(work / n_workers, span) <= makespan + 1e-9
    if name != "asynchronous":  # it asks for other designs when there are more workers; the bound holds for these
        assert makespan <= work / n_workers + span + 1e-9
    if n_workers == 1:
        assert makespan == pytest.approx(work)


@pytest.mark.parametrize("name", SEARCHES)
def test_no_worker_does_two_things_at_a_time_and_nothing_is_lost(name):
    log = log_of(name, 7, dispatch=0.01)
    assert len(log) == (672 if name == "grid" else 128)
    for worker in range(7):
        mine = sorted((start, end) for _, w, start, end in log if w == worker)
        assert all(end <= start for (_, end), (start, _) in pairwise(mine))
    starts = sorted(start for _, _, start, _ in log)
    assert min(np.diff(starts)) >= 0.01 - 1e-9  # one scheduler hands them out, one by one


def test_a_generation_waits_and_an_asynchronous_search_does_not():
    logs = {name: log_of(name, 12) for name in ("genetic", "asynchronous")}
    for n in (20, 32, 44):
        ends = sorted(end for *_, end in logs["genetic"])
        starts = sorted(start for _, _, start, _ in logs["genetic"])
        assert starts[n] >= ends[n - 1]
    assert max(end for *_, end in logs["asynchronous"]) < max(end for *_, end in logs["genetic"]) / 1.5


def test_the_grid_trains_each_design_once_in_any_order():
    assert sorted(design for (design, _), *_ in log_of("grid", 30)) == list(range(672))
    longest = queues.searches(Setting(longest_first=True), KNOWN)["grid"]
    first, *_ = queues.simulate(longest, KNOWN.lengths, 1, np.random.default_rng(0))
    assert KNOWN.lengths[first[0][0]].mean() == KNOWN.lengths.mean(axis=1).max()


def test_children_have_their_parents_genes():
    rng = np.random.default_rng(0)
    for _ in range(50):
        mother, father, child = KNOWN.genes[[5, 600, queues.child([5, 600], rng, KNOWN.genes, 0.0)]]
        assert all(gene in pair for gene, *pair in zip(child, mother, father, strict=True))
        changed = KNOWN.genes[queues.child([5, 5], rng, KNOWN.genes, 1.0)]
        assert (changed != mother).sum() <= 1


@pytest.mark.parametrize("kind", ["stored", "equal", "root", "dealt"])
def test_lengths_have_one_mean(kind):
    found = queues.lengths(kind, KNOWN.lengths)
    assert found.mean() == pytest.approx(KNOWN.lengths.mean())
    assert (found > 0).all()


def test_worth_is_told_by_seeds_that_did_not_choose():
    found = queues.worth([(3, 1), (4, 0)], KNOWN)
    design, seed = max([(3, 1), (4, 0)], key=lambda trial: KNOWN.validation[trial])
    assert found == pytest.approx(np.mean([KNOWN.test[design, k] for k in range(3) if k != seed]))


def test_a_smoke_run(tmp_path, monkeypatch):
    names = ["as in the chapter", "54 children a generation", "longest first"]
    monkeypatch.setattr(queues, "SETTINGS", {name: SETTINGS[name] for name in names})
    runner.run("queues", n_seeds=1, size="smoke", out=tmp_path)
    tables = results.load("queues", tmp_path).tables
    assert set(tables["runs"]["setting"]) == set(names)
    assert len(tables["bars"]) == 672 + 3 * 128
    assert tables["champions"].groupby(["search", "workers"]).worth.last().between(20, 45).all()


def test_units_and_settings():
    assert [unit.method for unit in queues.units([0])] == list(SETTINGS)
    assert json.loads(json.dumps(queues.settings("full")))["settings"]["no mutation"]["mutation"] == 0
