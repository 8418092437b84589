"""Spaces refuse what can't be searched; searchers keep their books; replays come from a whole table."""

import itertools
import math

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuroevo import search

CHOICES = {"layers": [1, 2, 3], "neurons": [64, 512], "activation": ["relu", "elu", "tanh", "sigmoid"]}
SPACE = search.Space(CHOICES)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def value(design):
    """Better with more layers and neurons, and with later activations; no two designs alike."""
    return SPACE.index(design) / SPACE.n_designs


# Spaces


def test_designs_stand_in_the_order_of_product():
    assert SPACE.n_designs == 24
    designs = [SPACE.design(i) for i in range(24)]
    assert [tuple(design.values()) for design in designs] == list(itertools.product(*CHOICES.values()))
    assert [SPACE.index(design) for design in designs] == list(range(24))
    genes = SPACE.genes(torch.arange(24).view(2, 12))
    assert genes.shape == (2, 12, 3)
    assert torch.equal(SPACE.indices(genes), torch.arange(24).view(2, 12))


CHOICE = st.integers() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=3) | st.none() | st.tuples()


@given(
    st.dictionaries(st.text(max_size=3), st.lists(CHOICE, min_size=1, max_size=5, unique=True), min_size=1, max_size=4)
)
def test_a_space_finds_each_of_its_designs_again(choices):
    space = search.Space(choices)
    places = torch.arange(space.n_designs)
    assert torch.equal(space.indices(space.genes(places)), places)
    for place in {0, space.n_designs // 2, space.n_designs - 1}:
        design = space.design(place)
        assert space.index(design) == place
        assert space.designs(space.genes(places[place : place + 1])) == [design]
        assert all(design[name] in options for name, options in choices.items())


def test_random_designs_are_even():
    counts = torch.bincount(SPACE.indices(SPACE.random((1000, 24), rng())).flatten(), minlength=24)
    assert counts.sum() == 24_000
    assert (counts - 1000).abs().max() < 150


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"layers": []}, r"'layers' has no choice"),
        ({"layers": [1, 2, 1]}, r"'layers' has the choice 1 twice"),
        ({"layers": [1, 1.0]}, r"'layers' has the choice 1.0 twice"),
        ({"activation": "relu"}, r"the choices of 'activation' are 'relu': give a list"),
        ({"layers": 3}, r"the choices of 'layers' are 3: give a list"),
        ({}, "at least one name"),
    ],
)
def test_a_space_says_what_is_wrong_with_it(choices, message):
    with pytest.raises(ValueError, match=message):
        search.Space(choices)


def test_designs_of_other_spaces_are_refused():
    with pytest.raises(ValueError, match=r"'neurons' can't be 65: the space has \[64, 512\]"):
        SPACE.index({"layers": 1, "neurons": 65, "activation": "elu"})
    with pytest.raises(ValueError, match=r"has the names \['layers', 'neurons', 'activation'\], not \['layers'\]"):
        SPACE.index({"layers": 1})
    with pytest.raises(ValueError, match="there is no number 24"):
        SPACE.design(24)


# Searchers


@pytest.mark.parametrize(
    "make",
    [
        lambda: search.RandomSearch(SPACE, rng(), n=8),
        lambda: search.RandomSearch(SPACE, rng(), n=8, replace=True),
        lambda: search.GeneticSearch(SPACE, rng(), n=8),
        lambda: search.GeneticSearch(SPACE, rng(), n=8, cache=True),
    ],
)
def test_ask_and_tell(make):
    one, again, seen = make(), make(), []
    for _ in range(3):
        asked = one.ask()
        assert asked == one.ask() == again.ask()
        seen += asked
        for searcher in (one, again):
            searcher.tell([value(design) for design in asked])
    design, score = one.best()
    assert value(design) == pytest.approx(score) == pytest.approx(max(map(value, seen)))


def test_random_search_deals_the_whole_space_once():
    searcher, seen = search.RandomSearch(SPACE, rng(), n=7), []
    while asked := searcher.ask():
        seen += asked
        searcher.tell([value(design) for design in asked])
    assert sorted(map(SPACE.index, seen)) == list(range(24))
    assert searcher.best()[0] == SPACE.design(23)
    searcher.tell([])  # nothing is left, and nothing breaks
    assert searcher.best()[0] == SPACE.design(23)


def test_a_run_among_many_is_a_run():
    many = search.GeneticSearch(SPACE, rng(), 50, n=10)
    for _ in range(4):
        before = many.genes
        many.tell(SPACE.indices(many.genes).float())
        kept = ~many.todo
        assert (kept.sum(dim=1) >= 4).all()
        # Who lives on has the score of its design.
        assert torch.equal(many.scores[kept], SPACE.indices(many.genes)[kept].float())
        best = SPACE.indices(before).max(dim=1).values
        assert torch.equal(many.champion()[1], best.float())


@pytest.mark.parametrize("options", [{}, {"cache": True}, {"published": True}])
def test_runs_side_by_side_do_not_touch_each_other(options):
    one, other = (search.GeneticSearch(SPACE, rng(), 3, n=10, **options) for _ in range(2))
    for generation in range(5):
        scores = SPACE.indices(one.genes).float()
        elsewhere = SPACE.indices(other.genes).float()
        elsewhere[1] = torch.rand(10, generator=rng(generation))  # the second run is told something else
        one.tell(scores)
        other.tell(elsewhere)
    for run, same in ((0, True), (1, False), (2, True)):
        assert torch.equal(one.genes[run], other.genes[run]) == same
        assert torch.equal(one.champion()[1][run], other.champion()[1][run]) == same


def test_a_generation_keeps_trains_and_crosses_as_the_post_says():
    many = search.GeneticSearch(SPACE, rng(), 4000, mutation=0.0)
    parents = many.genes
    many.tell(SPACE.indices(parents).float())
    trained = many.todo.sum(dim=1).float()
    assert abs(float(trained.mean()) - 12 * 0.9) < 0.1  # 20 - 8 kept, less a tenth of the other 12
    assert int(trained.max()) <= 12
    # Every gene of a child is one of those who live on (without mutation).
    alive = ~many.todo
    for gene in range(3):
        has = torch.nn.functional.one_hot(many.genes[..., gene], 4) * alive[..., None]
        assert has.any(dim=1).gather(1, many.genes[..., gene]).all()


def test_a_copy_of_a_parent_without_crossover_and_mutation():
    many = search.GeneticSearch(SPACE, rng(), 200, crossover=False, mutation=0.0)
    many.tell(SPACE.indices(many.genes).float())
    places = SPACE.indices(many.genes)
    for run in range(200):
        assert set(places[run][many.todo[run]].tolist()) <= set(places[run][~many.todo[run]].tolist())


def test_one_mutation_in_five_children_one_gene_each():
    # All choices of a gene are equally likely, the old one too: a gene with k choices changes in 1 - 1/k of the cases.
    space = search.Space({"a": range(100), "b": range(100)})
    many = search.GeneticSearch(space, rng(), 500)
    genes = torch.zeros(500, 20, 2, dtype=torch.int64)
    changed = many._mutate(genes) != 0
    assert abs(float(changed.any(dim=2).float().mean()) - 0.2 * 0.99) < 0.015
    assert not changed.all(dim=2).any()


def test_the_published_program_mislabels_and_the_mended_one_does_not():
    for published in (True, False):
        many = search.GeneticSearch(SPACE, rng(), 500, published=published)
        stale = 0
        for _ in range(6):
            many.tell(SPACE.indices(many.genes).float())
            stale += int(((many.scores != SPACE.indices(many.genes)) & ~many.todo).sum())
        genes, scores = many.champion()
        wrong = (SPACE.indices(genes) != scores).float().mean()
        assert (stale > 0) == published
        assert (float(wrong) > 0.1) if published else (float(wrong) == 0)


def test_a_cache_trains_no_design_twice_and_changes_no_score():
    many, calls = search.GeneticSearch(SPACE, rng(), 30, cache=True), []
    noise = torch.rand(30, 200, generator=rng(1))
    for generation in range(10):
        places = SPACE.indices(many.genes)
        calls += [(run, int(places[run, i])) for run, i in many.todo.nonzero().tolist()]
        # A score that depends on the moment: a second training would be seen.
        many.tell(places + noise[:, 20 * generation : 20 * generation + 20] * 0.9)
        kept = ~many.scores.isnan()
        assert torch.equal(many.scores[kept].floor().long(), SPACE.indices(many.genes)[kept])
    assert len(calls) == len(set(calls))
    assert len(calls) < 30 * 24


def test_tell_refuses_what_is_no_score_and_changes_nothing():
    searcher = search.GeneticSearch(SPACE, rng())
    asked = searcher.ask()
    with pytest.raises(ValueError, match=r"scores must have shape \(20,\), one for each design .* not \(19,\)"):
        searcher.tell([0.5] * 19)
    with pytest.raises(ValueError, match=rf"the score of .*{asked[3]['activation']}.* is nan: give a finite number"):
        searcher.tell([0.5] * 3 + [math.nan] + [0.5] * 16)
    assert searcher.ask() == asked
    with pytest.raises(ValueError, match="nothing to report yet"):
        searcher.best()
    many = search.RandomSearch(SPACE, rng(), 3)
    with pytest.raises(ValueError, match="here are 3: read `genes` and `todo`"):
        many.ask()


@pytest.mark.parametrize("options", [{"n": 4}, {"keepers": 1.1}, {"mutation": -0.1}, {"retain": 1.0}])
def test_settings_out_of_range(options):
    with pytest.raises(ValueError, match="at least two parents and one child"):
        search.GeneticSearch(SPACE, rng(), **options)


# Tables and replays


def frame(n_seeds=2, n_epochs=4):
    rows = [
        dict(SPACE.design(i), seed=seed, epoch=epoch, core_seconds=0.5 + seed)
        | {"validation_correct": 2 * i + seed + 10 * epoch, "test_correct": 2 * i + 10 * epoch}
        for seed, i, epoch in itertools.product(range(n_seeds), range(24), range(1, n_epochs + 1))
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def read(rows):
    return search.Table.read(rows, SPACE, n_validation=100, n_test=200)


def test_a_table_is_read_whatever_the_order_of_its_rows():
    table = read(frame())
    assert table.validation.shape == table.test.shape == table.seconds.shape == (24, 2, 4)
    assert float(table.validation[5, 1, 2]) == pytest.approx((10 + 1 + 30) / 100)
    assert float(table.test[5, 1, 2]) == pytest.approx((10 + 30) / 200)
    assert float(table.seconds[5, 1, 2]) == pytest.approx(1.5)


def test_rows_that_are_missing_twice_or_foreign_are_named():
    rows = frame().reset_index(drop=True)
    gone = rows[(rows.layers == 2) & (rows.neurons == 64) & (rows.activation == "elu") & (rows.seed == 1)]
    with pytest.raises(
        ValueError,
        match=r"^4 of 192 rows .* are missing: layers 2, neurons 64, activation elu, seed 1, epoch 1;.*1 more",
    ):
        read(rows.drop(gone.index))
    with pytest.raises(ValueError, match=r"^1 of 192 rows of the table are there more than once: layers 2, neurons 64"):
        read(pd.concat([rows, gone[:1]]))
    with pytest.raises(ValueError, match="belong to no design of the space: layers 9"):
        read(pd.concat([rows, gone[:1].assign(layers=9)]))
    with pytest.raises(ValueError, match="lacks the columns test_correct"):
        read(rows.drop(columns="test_correct"))


def test_a_training_ends_when_validation_has_not_risen_for_the_patience():
    curves = torch.tensor(
        [[0.1, 0.2, 0.2, 0.15, 0.3, 0.3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]]
    )
    space = search.Space({"a": [1, 2, 3]})
    table = search.Table(space, curves[:, None], curves[:, None] + 1, torch.ones(3, 1, 6))
    for patience, epochs in ((2, [4, 6, 3]), (3, [6, 6, 4]), (1, [3, 6, 2]), (9, [6, 6, 6])):
        ended = table.outcomes(patience)
        assert ended.seconds[:, 0].tolist() == epochs
        expected = [float(curves[i, n - 1]) for i, n in enumerate(epochs)]
        assert ended.validation[:, 0].tolist() == pytest.approx(expected)
        assert ended.test[:, 0].tolist() == pytest.approx([1 + v for v in expected])


def test_a_replay_pays_for_trainings_and_reports_the_best():
    outcomes = read(frame()).outcomes()
    played = search.replay(search.RandomSearch(SPACE, rng(), 40, n=1), outcomes, budget=10, rng=rng(1))
    assert played.trainings[0].tolist() == list(range(1, 11))
    assert (played.seconds[:, -1] >= 10 * 4 * 0.5).all()
    assert (played.score.diff(dim=1) >= 0).all()
    shared = torch.arange(40) % 2
    fixed = search.replay(search.RandomSearch(SPACE, rng(), 40, n=1), outcomes, budget=24, rng=rng(1), seeds=shared)
    assert (fixed.reported[:, -1] == 23).all()
    torch.testing.assert_close(fixed.score[:, -1], outcomes.validation[23][shared])
    torch.testing.assert_close(fixed.seconds[:, -1].float(), 24 * 4 * (0.5 + shared))
    reported, _ = fixed.at(3)
    assert torch.equal(reported, fixed.reported[:, 2])
    reported, _ = fixed.at(torch.where(shared == 0, 4.0, 12.0), "seconds")  # 2 s or 6 s a training: two each
    assert torch.equal(reported, fixed.reported[:, 1])
    with pytest.raises(ValueError, match=r"have no generation within 0\.5"):
        fixed.at(0.5)
    with pytest.raises(ValueError, match="in trainings or seconds, not in 'hours'"):
        fixed.at(1, "hours")


@pytest.mark.parametrize("n_runs", [1, 5])
@pytest.mark.parametrize("cache", [False, True])
def test_a_replay_pays_for_a_cached_design_once(n_runs, cache):
    searcher = search.GeneticSearch(SPACE, rng(), n_runs, cache=cache)
    played = search.replay(searcher, read(frame()).outcomes(), budget=30, rng=rng(), most=60)
    last = played.trainings[:, -1]
    if cache:  # there are 24 designs to pay for, so the budget is never spent
        assert played.trainings.shape == (n_runs, 60)
        assert (last <= SPACE.n_designs).all()
    else:
        assert played.trainings.shape[1] < 5
        assert ((last >= 30) & (last <= 30 + 20)).all()
    with pytest.raises(ValueError, match="begun already"):
        search.replay(searcher, read(frame()).outcomes(), budget=20, rng=rng())
