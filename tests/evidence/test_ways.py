"""Plain evolution, TPE and the study of their settings, on tables that we can see through."""

import json
from itertools import product

import numpy as np
import pytest
import torch

from evidence import design_search, runner
from evidence.runs import ways
from evidence.runs.ways import Setting
from neuroevo import results, stats
from neuroevo.search import Outcomes, Space, designs


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


SPACE = Space({"a": range(4), "b": range(3), "c": range(5)})


def table_of(values, noise=0.0):
    return ways.scored(torch.as_tensor(values, dtype=torch.float32), SPACE, noise, rng(9))


WIDE = designs.SPACE
CLIMB = table_of(SPACE.genes(torch.arange(60)).sum(dim=1))  # the best is the last


def test_a_mutation_moves_one_gene_to_any_other_value():
    before = torch.randint(60, (20_000,), generator=rng())
    moved = SPACE.genes(before) != SPACE.genes(design_search.mutated(SPACE, before, rng(1)))
    assert (moved.sum(dim=1) == 1).all()
    assert (moved.float().mean(dim=0) - 1 / 3).abs().max() < 0.02
    one = SPACE.genes(design_search.mutated(SPACE, torch.zeros(20_000, dtype=torch.long), rng(2)))
    counts = torch.bincount(one[:, 2], minlength=5)[1:] / 20_000
    assert (counts - 1 / 12).abs().max() < 0.01


def test_evolution_is_the_papers_loop_written_one_by_one():
    """A parent is the best of the population's sample; the population is the last n (the oldest dies)."""
    n, budget = 6, 40
    tried = design_search.evolve(table_of(torch.randn(60, generator=rng(1)), 0.1), 30, budget, rng(), n=n, rivals=60)
    genes = SPACE.genes(tried.designs)
    for i in range(n, budget):
        window = tried.scores[:, i - n : i]  # with sixty draws of six the best is nearly always among them
        best = window.argmax(dim=1, keepdim=True) + i - n
        parents = genes[torch.arange(30), best[:, 0]]
        assert ((genes[:, i] != parents).sum(dim=1) == 1).float().mean() > 0.9


@pytest.mark.parametrize(("new", "worst"), list(product([False, True], [False, True])))
def test_evolution_repeats_no_design_and_keeps_the_best_where_it_is_told_so(new, worst):
    hill = ways.scored(WIDE.genes(torch.arange(672)).sum(dim=1).float(), WIDE, 0.0, rng())
    tried = design_search.evolve(hill, 20, 50, rng(), n=8, new=new, worst=worst)
    repeats = [50 - len(set(row.tolist())) for row in tried.designs]
    first = [8 - len(set(row[:8].tolist())) for row in tried.designs]  # by lot, so there may be some
    more = sum(repeats) - sum(first)  # in 840 trainings; where all neighbours are known even a new one is a repeat
    assert more < 60 if new else more > 150, more
    assert (tried.at(50)[1] >= tried.at(20)[1]).all()


def test_selection_is_what_makes_it_better_than_guessing():
    values = ways.landscape(4, 0.0, rng(3))
    outcomes = ways.scored(values, Space({f"{i}": range(5) for i in range(4)}), 0.2, rng(4))
    worth = {k: values[design_search.evolve(outcomes, 300, 60, rng(5), rivals=k).at(60)[0]].numpy() for k in (1, 5)}
    assert stats.difference_interval(worth[5], worth[1], paired=False).low > 0.1


def test_the_densities_are_optunas():
    parzen = pytest.importorskip("optuna.samplers._tpe.parzen_estimator")
    optuna = pytest.importorskip("optuna")
    sampler = pytest.importorskip("optuna.samplers._tpe.sampler")
    try:
        options = parzen._ParzenEstimatorParameters(1.0, True, False, sampler.default_weights, True)
    except TypeError:
        pytest.skip("another Optuna has other parts inside")
    space = {n: optuna.distributions.CategoricalDistribution(tuple(c)) for n, c in SPACE.choices.items()}
    everywhere = {name: SPACE.genes(torch.arange(60))[:, i].numpy() for i, name in enumerate(SPACE.names)}
    for n in (1, 7, 25, 26, 90):
        seen = torch.randint(60, (1, n), generator=rng(n))
        ours = design_search.density(SPACE, seen)[0]
        genes = SPACE.genes(seen[0]).numpy()
        theirs = parzen._ParzenEstimator({name: genes[:, i] for i, name in enumerate(SPACE.names)}, space, options)
        np.testing.assert_allclose(ours.numpy(), np.exp(theirs.log_pdf(everywhere)), rtol=1e-4)
        assert float(ours.sum()) == pytest.approx(1, abs=1e-4)


def test_tpe_splits_and_finds_as_optuna_does():
    """The same searches by other random numbers: the means agree."""
    pytest.importorskip("optuna")
    from evidence.optuna_search import OptunaSearch
    from neuroevo import search

    theirs = []
    for seed in range(40):
        played = search.replay(OptunaSearch(SPACE, seed=seed), CLIMB, budget=25, rng=rng(seed), most=25)
        theirs.append(float(played.at(25)[1]))
    ours = design_search.tpe(CLIMB, 400, 25, rng()).at(25)[1].numpy()
    apart = stats.difference_interval(ours, np.array(theirs), paired=False)
    guessed = design_search.evolve(CLIMB, 400, 25, rng(), n=25).at(25)[1].numpy()
    assert apart.low < 0.35
    assert apart.high > -0.35
    assert ours.mean() > guessed.mean() + 0.5


def test_the_network_that_chose_does_not_judge():
    space = Space({"a": range(2)})
    validation = torch.tensor([[0.5, 0.4, 0.3], [0.2, 0.1, 0.0]])
    test = torch.tensor([[0.6, 0.5, 0.4], [0.3, 0.3, 0.0]])
    outcomes = Outcomes(space, validation, test, test)
    lost = design_search.regret(outcomes, torch.tensor([0, 1, 1]), torch.tensor([0.5, 0.0, 0.9]))
    torch.testing.assert_close(lost, torch.tensor([5.0, 20.0, 30.0]))  # nobody's score: all three judge


def test_main_effects_leave_no_interaction():
    values = ways.landscape(3, 0.5, rng(1)).view(5, 5, 5)[:4, :3].flatten()
    only = ways.main_effects(values, SPACE).view(SPACE.sizes)
    assert float((only - ways.main_effects(only.flatten(), SPACE).view(SPACE.sizes)).abs().max()) < 1e-5
    assert float((only[0] - only[1]).std()) < 1e-5  # the same step wherever it is taken
    for axis in range(3):
        others = [d for d in range(3) if d != axis]
        torch.testing.assert_close(only.mean(dim=others), values.view(SPACE.sizes).mean(dim=others))


def test_guessing_deals_no_design_twice_and_ends_with_all():
    values = torch.randn(60, generator=rng(1))
    curve = ways.guesses(values, table_of(values), 20, 100, rng(2))
    assert curve.shape == (60,)
    assert float(curve[-1]) == pytest.approx(float(values.max()))
    assert (curve.diff() > -1e-6).all()


def test_a_smoke_run(tmp_path, monkeypatch):
    few = {name: ways.GRID[name] for name in ("genetic, n 10", "evolution, n 5", "TPE, start 5")}
    monkeypatch.setattr(ways, "GRID", few)
    runner.run("ways", n_seeds=1, size="smoke", out=tmp_path)
    tables = results.load("ways", tmp_path).tables
    assert set(tables["table"]["setting"]) == set(ways.MAIN | few)
    assert tables["table"]["regret"].between(-2, 12).all()
    assert set(tables["spared"]["setting"]) == set(ways.MAIN)
    assert "TPE, start 5" not in set(tables["made_up"]["setting"])
    assert len(tables["multiples"]) == 2 * (2 * 5 * 2 + 3)


def test_units_and_settings():
    assert len(ways.units([0, 1, 2])) == 3 * (len(ways.TASKS) - 1) + ways.N_MADE_UP
    shown = json.loads(json.dumps(ways.settings("full")))["settings"]
    assert Setting(**shown["evolution, new True, worst True"]) == ways.MAIN["evolution, new and worst"]
