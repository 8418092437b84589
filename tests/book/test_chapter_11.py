"""What chapter 11 and its evidence page build in full view is what the package and the stored runs use."""

from dataclasses import replace
from itertools import count

import pytest
import torch
from chapters import function_in

from evidence.runs import findings, findings_swept, published
from neuroevo import data, ga, nets
from neuroevo.data.transforms import shrink
from neuroevo.genreg import GENREG, Settings, reward

CHAPTER = "11_genregs_findings.ipynb"
NET = nets.MLP((196, 16, 10))


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def train() -> data.Split:
    return shrink(data.mnist().train)


@pytest.mark.parametrize("images", [1, 5])
def test_the_chapter_breeds_as_the_package_does(train: data.Split, images: int) -> None:
    breed = function_in(CHAPTER, "breed", torch=torch, nets=nets, ga=ga, train=train)
    n_generations, draws = 6, rng(3)
    ours = breed(NET, images, n_generations * 2000 * images, draws)
    settings, theirs = Settings(), rng(3)
    state = GENREG.start(NET, settings, theirs)
    for _ in range(n_generations):
        x, y = train.sample(images, theirs)
        right = nets.count_correct(NET.forward(state.ask(), x), y)
        state.tell(reward(right, len(y), settings))
    torch.testing.assert_close(ours, state.population)
    assert torch.equal(draws.get_state(), theirs.get_state())


def test_a_budget_is_spent_and_not_exceeded(train: data.Split) -> None:
    seen = []

    class Counted:
        def sample(self, n: int, source: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
            seen.append(n)
            return train.sample(n, source)

    breed = function_in(CHAPTER, "breed", torch=torch, nets=nets, ga=ga, train=Counted())
    breed(NET, 2, 4 * 4000 + 3999, rng(0))
    assert seen == [2] * 4


@pytest.mark.parametrize("who", ["children mutate", "some children mutate", "the living mutate"])
def test_the_chapter_mutates_whom_the_stored_run_mutates(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    to_mutate = function_in(CHAPTER, "to_mutate", torch=torch)
    living, children = torch.arange(10), torch.arange(10, 50)
    ours = to_mutate(who, living, children, rng(0))
    n = {"children mutate": 40, "some children mutate": 10, "the living mutate": 10}[who]
    assert len(set(ours.tolist())) == n
    assert set(ours.tolist()) <= set((living if who == "the living mutate" else children).tolist())
    setting = replace(findings_swept.SETTINGS[who], n_genomes=50)
    mutated = []
    monkeypatch.setattr(ga, "mutate_", lambda population, rate, scale, source, rows=None: mutated.append((rate, rows)))
    books = type("Books", (), {"net": NET, "pay": lambda *_: None})()
    turns = count()
    books.going = lambda: next(turns) < 3
    findings_swept._select(books, setting, 0, shrink(data.mnist().train))
    assert [len(rows) for rate, rows in mutated if rate] == [n] * 3


def test_the_chapter_probes_and_shuffles_as_the_stored_runs_do() -> None:
    probe = function_in(CHAPTER, "linear_probe", torch=torch)
    labels = torch.arange(200) % 10
    features = torch.randn(10, 6, generator=rng(0))[labels] + torch.randn(200, 6, generator=rng(1))
    parts = (features[:120], labels[:120], features[120:], labels[120:])
    assert 0.2 < probe(*parts) == findings.probe(*parts) < 1
    hidden = function_in(CHAPTER, "hidden", torch=torch, net=NET)
    shuffled = function_in(CHAPTER, "shuffled", torch=torch, net=NET)
    genome, x = NET.init(1, 0.3, rng(0)), torch.rand(5, 196, generator=rng(1))
    torch.testing.assert_close(hidden(genome, x), findings.hidden(NET, genome[0], x))
    assert torch.equal(shuffled(genome, rng(2))[0], published.shuffled(NET, genome[0], rng(2)))
    evidence = function_in(f"evidence/{CHAPTER}", "linear_probe", torch=torch)
    assert evidence(*parts) == probe(*parts)
