"""The books of a unit: the champion is chosen on validation, the test set opens once, and not for a sweep."""

import pytest
import torch

from evidence.recorder import Recorder
from evidence.runner import Unit
from neuroevo import data, nets
from neuroevo.data.transforms import shrink

NET = nets.MLP((784, 10))


@pytest.fixture
def genomes():
    return NET.init(5, 0.1, torch.Generator().manual_seed(0))


def test_the_champion_is_the_best_that_was_looked_at(context, genomes, capsys):
    images = data.mnist()
    recorder = Recorder(Unit("trial", 3), context, NET, images)
    x, y = images.validation.pixels(), images.validation.y
    scores = nets.accuracy(NET.forward(genomes, x), y).tolist()
    for step, genome in enumerate(genomes, start=1):
        recorder.budget.forward(1, 100)
        right = recorder.look(genome, step, extra=0.5)
        assert float(right.sum()) == pytest.approx(scores[step - 1] * len(y))
    assert [row["validation"] for row in recorder.curve] == scores
    best = scores.index(max(scores))
    capsys.readouterr()
    rows = recorder.rows(cost=7)
    assert capsys.readouterr().out.count("Test set opened") == 1
    (final,) = rows["finals"]
    assert list(final)[:5] == ["method", "seed", "n_params", "cost", "evaluations"]
    assert (final["validation"], final["champion_step"], final["evaluations"]) == (scores[best], best + 1, 500)
    test = images.test.open("compare")
    assert final["test_correct"] == int(nets.count_correct(NET.forward(genomes[[best]], test.pixels()), test.y))
    assert list(rows["curves"][0]) == [
        *("method", "seed", "step", "evaluations", "seconds", "core_seconds", "validation", "extra")
    ]


def test_a_sweep_opens_no_test_set(context, genomes, capsys):
    recorder = Recorder(Unit("sweep trial 0.1", 100), context, NET)
    recorder.look(genomes[0], 1)
    rows = recorder.rows()
    assert list(rows) == ["sweeps"]
    assert "test_correct" not in rows["sweeps"][0]
    assert "Test set opened" not in capsys.readouterr().out


def test_names_clocks_and_sizes_are_as_asked(context):
    small = nets.MLP((196, 10))
    recorder = Recorder(Unit("trial", 3), context, small, resize=shrink, who={"arm": "a"}, clocks=False)
    recorder.look(small.init(1, 0.1, torch.Generator().manual_seed(0))[0])
    assert list(recorder.curve[0]) == ["arm", "evaluations", "validation"]
    assert recorder.rows()["finals"][0]["n_test"] == 300
