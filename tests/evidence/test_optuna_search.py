"""Optuna's samplers keep the books that the package's own searchers keep."""

import pytest
import torch

from evidence.optuna_search import OptunaSearch
from neuroevo import search

SPACE = search.Space({"layers": [1, 2, 3], "neurons": [64, 512], "activation": ["relu", "elu", "tanh", "sigmoid"]})


def value(design):
    """Better with more layers and neurons, and with later activations; no two designs alike."""
    return SPACE.index(design) / SPACE.n_designs


@pytest.mark.parametrize(("sampler", "n"), [("tpe", 4), ("nsga2", 1), ("random", 1)])
def test_ask_and_tell(sampler, n):
    one, again = (OptunaSearch(SPACE, sampler, seed=0, n=n) for _ in range(2))
    seen = []
    for _ in range(3):
        asked = one.ask()
        assert len(asked) == n
        assert asked == one.ask() == again.ask()
        seen += asked
        for searcher in (one, again):
            searcher.tell([value(design) for design in asked])
    design, score = one.best()
    assert value(design) == pytest.approx(score) == pytest.approx(max(map(value, seen)))


def test_it_learns_and_unknown_samplers_are_named():
    gained = {"tpe": 0.0, "random": 0.0}  # by what is asked after the first ten, which TPE draws at random
    for sampler in gained:
        for seed in range(5):
            searcher = OptunaSearch(SPACE, sampler, seed=seed)
            seen = []
            for _ in range(24):
                seen.append(value(*searcher.ask()))
                searcher.tell(seen[-1:])
            gained[sampler] += (sum(seen[10:]) / 14 - sum(seen[:10]) / 10) / 5
    assert gained["random"] < 0.1 < gained["tpe"]
    with pytest.raises(ValueError, match="a sampler of tpe, nsga2, random"):
        OptunaSearch(SPACE, "best", seed=0)


def test_a_replay_pays_for_every_training():
    scores = torch.arange(24.0)[:, None] / 24
    outcomes = search.Outcomes(SPACE, scores, scores, torch.ones(24, 1))
    rng = torch.Generator().manual_seed(0)
    searcher = OptunaSearch(SPACE, "nsga2", seed=0, n=3)
    played = search.replay(searcher, outcomes, budget=20, rng=rng)
    assert played.trainings[0].tolist() == list(range(3, 22, 3))
    assert played.seconds[0].tolist() == played.trainings[0].tolist()
    with pytest.raises(ValueError, match="begun already"):
        search.replay(searcher, outcomes, budget=20, rng=rng)
