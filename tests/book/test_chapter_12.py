"""What chapter 12 and its evidence page build in full view is what the stored runs use."""

import math

import pytest
import torch
from chapters import function_in

from evidence.runs.letters import families, task
from neuroevo import data, ga, nets

CHAPTER = "12_twenty_six_letters.ipynb"
EVIDENCE = f"evidence/{CHAPTER}"
S = task.RULES["log-likelihood"].settings


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def built() -> dict:
    """The chapter's functions, with the names that they take from it."""
    x, y = task.images()
    names = {"torch": torch, "math": math, "ga": ga, "nets": nets, "x": x, "y": y, "SCALE": 0.05, "RATE": 0.07}
    names["readout"] = nets.MLP((128, 26))
    names["root"] = torch.linalg.cholesky((x @ x.T).double()).float()
    names["span"] = torch.cholesky_solve(x, names["root"])
    for name in ("sum_noise", "answers", "evolve", "rebuild", "template"):
        names[name] = function_in(CHAPTER, name, **names)
    return names


@pytest.mark.parametrize("seed", [0, 1])
def test_the_chapter_breeds_as_the_stored_run_does(built: dict, seed: int) -> None:
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def watched(sums: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
        seen.append((sums.clone(), rest.clone()))
        return built["answers"](sums, rest)

    evolve = function_in(CHAPTER, "evolve", **(built | {"answers": watched}))
    sums, rest, generation = evolve(rng(seed))
    assert 40 < generation < 120
    assert (built["answers"](sums[None], rest[None])[0].argmax(dim=1) == built["y"]).all()
    population = task.Sums(built["x"], 128, 26, S, rng(seed))
    for ours, small in seen[:3]:  # later ones part ways by rounding
        torch.testing.assert_close(ours, population.sums)
        torch.testing.assert_close(small, population.rest)
        said = population.logits()
        torch.testing.assert_close(built["answers"](ours, small), said)
        fitness = nets.mean_log_likelihood(said, built["y"])
        population.breed(ga.from_best(fitness, S.n_genomes, population.rng, S.survival_cutoff))


@pytest.mark.parametrize("drift", [0, 1])
def test_the_chapter_rebuilds_as_the_stored_run_does(built: dict, drift: int) -> None:
    population = task.Sums(built["x"], 128, 26, S, rng(0))
    for _ in range(2):
        population.breed(torch.arange(S.n_genomes))
    champion = population.sums[5], population.rest[5], 3
    theirs = population.genome(5, rng(1) if drift else None)
    torch.testing.assert_close(built["rebuild"](champion, rng(1), drift)[0], theirs, rtol=1e-3, atol=1e-5)


def test_the_filing_cabinet_is_the_nearest_template(built: dict) -> None:
    asked = torch.rand(5, 10_000, generator=rng(0))
    assert torch.equal(built["template"](asked), task.nearest(asked, built["x"], built["y"]))


@pytest.mark.parametrize(("face", "known"), [(0, [1, 8, 22]), (22, [0, 23]), (17, [3])])
def test_the_chapter_scores_as_the_nearest_template_does(face: int, known: list[int]) -> None:
    letters = data.letters()
    pixels = letters.x.float()
    names = {"torch": torch, "letters": letters, "gaps": torch.cdist(pixels, pixels)}
    score = function_in(CHAPTER, "score", **names)
    kept = torch.isin(letters.face, torch.tensor(known))
    said = task.nearest(pixels[letters.face == face], pixels[kept], letters.y[kept])
    assert score(face, known) == pytest.approx(100 * float((said == torch.arange(26)).float().mean()))


def test_the_evidence_page_deals_and_looks_up_as_the_stored_run_does() -> None:
    deal, nearest = (function_in(EVIDENCE, name, torch=torch) for name in ("deal", "nearest"))
    names = families.faces().families
    assert all(deal(names, rng(seed)) == families.deal(names, rng(seed)) for seed in range(5))
    x, templates, classes = torch.rand(7, 5), torch.rand(4, 5), torch.tensor([3, 1, 0, 2])
    assert torch.equal(nearest(x, templates, classes), task.nearest(x, templates, classes))
