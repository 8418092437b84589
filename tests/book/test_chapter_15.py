"""What chapter 15 and its evidence page build in full view: queues and searches, against the stored run and the lab."""

import heapq
import itertools
from typing import Any

import numpy as np
import pytest
import torch
from chapters import function_in

from coursekit.labs import lab15
from evidence.runs import queues

CHAPTER = "15_scaling_out.ipynb"
EVIDENCE = f"evidence/{CHAPTER}"
KNOWN = queues.stored()


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    """The chapter's functions, with the names that they take from it."""
    names: dict[str, Any] = {"np": np, "heapq": heapq, "score": KNOWN.validation, "genes": KNOWN.genes}
    for name in ("simulate", "deal", "best", "child", "genetic", "asynchronous", "busy"):
        names[name] = function_in(CHAPTER, name, **names)
    return names


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("n_workers", [1, 12, 100])
@pytest.mark.parametrize("name", ["genetic", "asynchronous"])
def test_the_chapter_searches_as_the_stored_run_does(built: dict, name: str, n_workers: int, seed: int) -> None:
    theirs = queues.searches(queues.Setting(), KNOWN)[name]
    logs = [
        simulate(search, KNOWN.lengths, n_workers, np.random.default_rng(seed), 0.01)
        for simulate, search in ((built["simulate"], built[name]), (queues.simulate, theirs))
    ]
    assert logs[0] == logs[1]
    assert 0 < built["busy"](logs[0], n_workers) <= 1


@pytest.mark.parametrize("n", [128, 672])
def test_the_chapter_deals_as_the_stored_run_does(built: dict, n: int) -> None:
    dealt = [list(deal(np.random.default_rng(0), [], n)) for deal in (built["deal"], queues.deal)]
    assert dealt[0] == dealt[1]
    assert len(set(dealt[0])) == n


@pytest.mark.parametrize(("n_workers", "dispatch"), [(1, 0.0), (3, 0.2), (7, 0.05), (50, 1.0)])
def test_both_pages_queue_as_lab_15_does(built: dict, n_workers: int, dispatch: float) -> None:
    seconds = torch.rand(40, generator=torch.Generator().manual_seed(n_workers)).mul(3).tolist()
    starts, makespan = lab15._queue(seconds, n_workers, dispatch)

    lengths = np.array(seconds)[:, None]
    log = built["simulate"](lambda rng, back: iter(range(40)), lengths, n_workers, np.random.default_rng(0), dispatch)
    assert [start for _, _, start, _ in sorted(log)] == pytest.approx(list(starts))
    assert log[-1][-1] == pytest.approx(makespan)

    ask_and_tell = function_in(EVIDENCE, "simulate", heapq=heapq, count=itertools.count)
    jobs = iter(enumerate(seconds))
    log = sorted(ask_and_tell(lambda: next(jobs, None), lambda job: None, n_workers, dispatch))
    assert [start for _, _, start, _ in log] == pytest.approx(list(starts))
    assert max(end for *_, end in log) == pytest.approx(makespan)
