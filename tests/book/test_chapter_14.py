"""What chapter 14 and its evidence page build in full view is what the package and the stored run do."""

import heapq
import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from chapters import function_in

from evidence import design_search
from neuroevo import ga, search
from neuroevo.search import designs

CHAPTER = "14_672_ways.ipynb"
EVIDENCE = f"evidence/{CHAPTER}"


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def built() -> dict:
    """The chapter's functions, with the names that they take from it."""
    space = designs.SPACE
    names = {"torch": torch, "math": math, "ga": ga, "space": space, "outcomes": designs.read().outcomes(patience=5)}
    chapter = ("seeded", "look_up", "mutate", "evolve", "genetic", "regret", "winner", "guess", "mutated")
    for name in (*chapter, "plain_evolution", "density", "maps", "tpe", "course"):
        names[name] = function_in(CHAPTER, name, **names)
    return names


@pytest.mark.parametrize("april", [True, False])
def test_the_chapter_breeds_as_the_package_does(built: dict, april: bool) -> None:
    searcher = search.GeneticSearch(designs.SPACE, rng(3), 50, published=april)
    for generation in range(4):
        genes, scores = searcher.genes, searcher.scores.clone()
        told = torch.rand(scores.shape, generator=rng(generation))
        scores = torch.where(searcher.todo, told, scores)
        same = torch.Generator()
        same.set_state(searcher.rng.get_state())
        searcher.tell(told)
        new_genes, new_scores = built["evolve"](genes, scores, same, april)
        assert torch.equal(new_genes, searcher.genes)
        torch.testing.assert_close(new_scores, searcher.scores, equal_nan=True)


def test_its_program_trains_who_has_no_score_and_prints_the_best(built: dict) -> None:
    log = built["genetic"](rng(0))
    known = built["outcomes"].validation
    assert len(log) == 10
    assert log[0][2].all()
    for (_, before, _), (design, scores, new) in itertools.pairwise(log):
        assert (known[design] == scores[..., None]).any(dim=2).all()  # mended: each score is one of its design's
        assert (scores.max(dim=1).values >= before.max(dim=1).values).all()
        assert new.sum(dim=1).double().mean() == pytest.approx(10.8, abs=0.4)
    design, score = built["winner"](*log[-1][:2])
    assert torch.equal(score, log[-1][1].max(dim=1).values)
    assert (known[design] == score[:, None]).any(dim=1).all()


def test_plain_evolution_and_tpe_are_those_of_the_stored_run(built: dict) -> None:
    outcomes = built["outcomes"]
    for ours, theirs in (("plain_evolution", design_search.evolve), ("tpe", design_search.tpe)):
        found, scores = built[ours](rng(1), n_runs=30, budget=60)
        stored = theirs(outcomes, 30, 60, rng(1))
        assert torch.equal(found, stored.designs), ours
        assert torch.equal(scores, stored.scores), ours
        assert all(map(torch.equal, built["winner"](found, scores), stored.at(60)))
        lost = built["regret"](*stored.at(60))
        torch.testing.assert_close(lost, design_search.regret(outcomes, *stored.at(60)))
        alone = (scores == scores.amax(dim=1, keepdim=True)).sum(dim=1) == 1  # of two equal scores either may win
        assert alone.any()
        torch.testing.assert_close(built["course"](found, scores)[alone, -1], lost[alone])


def test_its_maps_are_densities(built: dict) -> None:
    seen = torch.randint(672, (3, 40), generator=rng(2))
    torch.testing.assert_close(built["density"](seen), design_search.density(designs.SPACE, seen))
    good, rest = built["maps"](seen, torch.rand(3, 40, generator=rng(3)))
    for part in (good, rest):
        torch.testing.assert_close(part.sum(dim=1), torch.ones(3))


def test_guessing_deals_no_design_twice(built: dict) -> None:
    found, scores = built["guess"](rng(4), n_runs=50)
    assert all(len(row.unique()) == 120 for row in found)
    assert (built["outcomes"].validation[found] == scores[..., None]).any(dim=2).all()


def asha_one_by_one(validation, seconds, deck, n_workers, budget, rungs=(1, 3, 10)):
    """ASHA as Li et al. (2020) print it, with a queue of events; (epochs paid, best design so far) at each event."""
    known = [{}, {}, {}]
    moved = [set(), set(), set()]
    events, fresh, epochs, number, log = [], iter(deck), 0, itertools.count(), []

    def next_job():
        for rung in (1, 0):
            top = sorted(known[rung], key=known[rung].get, reverse=True)[: len(known[rung]) // 3]
            for design in top:
                if design not in moved[rung]:
                    moved[rung].add(design)
                    return rung + 1, design
        return 0, next(fresh)

    def start(now):
        nonlocal epochs
        rung, design = next_job()
        first, last = (0, *rungs)[rung], rungs[rung]
        epochs += last - first
        heapq.heappush(events, (now + seconds[design, first:last].sum(), next(number), rung, design))

    for _ in range(n_workers):
        start(0.0)
    while epochs < budget:
        now, _, rung, design = heapq.heappop(events)
        known[rung][design] = validation[design, rungs[rung] - 1]
        highest = max(r for r in range(3) if known[r])
        log.append((epochs, max(known[highest], key=known[highest].get)))
        start(now)
    return log


@pytest.fixture
def small() -> dict:
    """A table of 80 designs with one network each, and the names that the page's searchers take."""
    n = 80
    table = SimpleNamespace(
        validation=torch.rand(n, 1, 10, generator=rng(0)), seconds=0.1 + torch.rand(n, 1, 10, generator=rng(1))
    )
    names = {"torch": torch, "pairwise": itertools.pairwise, "search": search, "n_seeds": 1, "table": table}
    return names | {"space": SimpleNamespace(n_designs=n)}


@pytest.mark.parametrize("n_workers", [1, 5])
def test_the_evidence_page_halves_asynchronously_as_the_paper_does(small: dict, n_workers: int) -> None:
    small["next_job"] = function_in(EVIDENCE, "next_job", torch=torch)
    many = function_in(EVIDENCE, "asha", **small)(3, 15, rng(2), n_workers)
    decks = torch.rand((3, 80), generator=rng(2)).argsort(dim=1)
    table = small["table"]
    for run in range(3):
        plain = asha_one_by_one(
            table.validation[:, 0].double().numpy(),
            table.seconds[:, 0].double().numpy(),
            decks[run].tolist(),
            n_workers,
            150,
        )
        paid = [round(10 * float(t)) for t in many.trainings[run]]
        assert list(zip(paid, many.reported[run].tolist(), strict=True))[: len(plain)] == plain


def test_the_evidence_page_halves_brackets(small: dict) -> None:
    played = function_in(EVIDENCE, "halving", **small)(4, 2, rng(3))
    deck = torch.rand((4, 80), generator=rng(3)).argsort(dim=1)
    curves = small["table"].validation[:, 0]
    for run in range(4):
        first = deck[run, :27]
        nine = first[curves[first, 0].topk(9).indices]
        three = nine[curves[nine, 2].topk(3).indices]
        assert int(played.reported[run, 0]) == int(three[curves[three, 9].argmax()])
        assert float(played.trainings[run, 0]) == pytest.approx((27 + 9 * 2 + 3 * 7) / 10)


def test_effects_that_add_up_are_found_whatever_the_luck() -> None:
    space = designs.SPACE
    genes = space.genes(torch.arange(672))
    steps = [torch.randn(size, generator=rng(k)) for k, size in enumerate(space.sizes)]
    values = sum(step[genes[:, k]] for k, step in enumerate(steps))
    crossed = values + 2 * torch.randn(672, generator=rng(8))  # as many interactions as there are designs
    for worth, low, high in ((values, 99, 101), (crossed, 20, 70)):
        noisy = worth[:, None] + 0.5 * torch.randn(672, 3, generator=rng(9))
        names = {"torch": torch, "space": space, "n_seeds": 3, "outcomes": SimpleNamespace(test=noisy)}
        fitted, luck, rest = function_in(EVIDENCE, "additive", **names)(torch.ones(672, dtype=torch.bool))
        true = 100 * float(values.var() / worth.var())
        assert low < rest < high
        assert abs(rest - true) < 6
        assert luck == pytest.approx(100 * 0.25 / 3 / float(noisy.mean(dim=1).var()), rel=0.15)
        assert np.isfinite(fitted)
