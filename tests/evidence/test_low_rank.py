"""Kinds of mutation: their moments, their ranks, and a slice of the stored run."""

import json

import pytest
import torch

from evidence import runner
from evidence.runner import Unit
from evidence.runs import low_rank
from neuroevo import data, nets, results


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("kind", "variance"), [("full", 1), ("rank one", 1), ("rank one, equal lengths", 1), ("7 %", 0.07)]
)
def test_noise_has_mean_nought_and_its_variance(kind: str, variance: float):
    noise = low_rank.KINDS[kind][0](500, rng(0))
    assert noise.shape == (500, low_rank.NET.n_params)
    assert abs(noise.mean()) < 0.02
    assert noise.var().item() == pytest.approx(variance, rel=0.05)


def test_ranks_and_lengths():
    for kind, rank in {"full": 32, "rank one": 1, "rank one, equal lengths": 1}.items():
        (weights, _), _ = low_rank.NET.layers(low_rank.KINDS[kind][0](20, rng(1)))
        assert (torch.linalg.matrix_rank(weights) == rank).all()
    loose, equal = (
        low_rank.NET.layers(low_rank.KINDS[k][0](200, rng(2)))[0][0].norm(dim=(1, 2)) for k in list(low_rank.KINDS)[1:3]
    )
    assert equal.std() < 1e-3 < loose.std()
    assert (loose**2).mean().item() == pytest.approx(float(equal[0]) ** 2, rel=0.1)


def test_a_smoke_run(tmp_path, monkeypatch):
    monkeypatch.setattr(
        low_rank, "KINDS", {kind: (noise, scales[:1]) for kind, (noise, scales) in low_rank.KINDS.items()}
    )
    runner.run("low-rank", n_seeds=1, size="smoke", out=tmp_path)
    rows = results.load("low-rank", tmp_path).tables["runs"]
    assert list(rows["kind"]) == list(low_rank.KINDS)
    assert rows["right"].between(0, 100).all()
    assert rows["right"].nunique() > 1


def test_units_and_settings():
    assert Unit("full; 0.02", 3) in low_rank.units([2, 3])
    assert json.loads(json.dumps(low_rank.settings("full")))["scales"]["7 %"] == [0.05, 0.1, 0.2, 0.4]


def test_more_generations_read_more():
    def right(n: int) -> float:
        champion = low_rank.evolve("rank one", 0.05, n, rng(0))
        held_out = data.digits().validation
        return float(nets.accuracy(low_rank.NET.forward(champion, held_out.pixels()), held_out.y))

    assert right(60) > right(0) + 0.1
