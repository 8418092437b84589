"""What chapter 17 builds in full view is what its stored runs use, and its two pictures of the audit agree."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import torch
from chapters import function_in

from evidence import ledger
from evidence.runs import analogies, terms
from neuroevo import data, ga, nets

ROOT = Path(__file__).parents[2]
CHAPTER = "17_the_analogy_audit.ipynb"
CELLS = json.loads((ROOT / "notebooks" / CHAPTER).read_text("utf-8"))["cells"]
NET = nets.MLP((64, 32, 10))


def rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def built() -> dict:
    """The chapter's functions, with the names that they take from it."""
    held_out = data.digits().validation
    names = {"torch": torch, "ga": ga, "nets": nets, "net": NET, "digits": data.digits()}
    names |= {"asked": held_out.pixels(), "truth": held_out.y, "OWNER": analogies.unit_of(32)}
    names["range"] = lambda start, stop: range(start, min(stop, 61))  # of evolve's 400 generations
    for name in ("seeded", "price", "answers", "breed", "likelihood", "trait", "slope", "evolve", "read"):
        names[name] = function_in(CHAPTER, name, **names)
    return names


def test_a_gene_belongs_to_the_unit_that_the_chapter_says() -> None:
    source = next("".join(cell["source"]) for cell in CELLS if "OWNER = " in "".join(cell["source"]))
    names: dict = {"torch": torch}
    exec(source, names)
    assert torch.equal(names["OWNER"], analogies.unit_of(32))


@pytest.mark.parametrize("arm", ["plain", "sex", "bottleneck"])
def test_the_chapter_breeds_as_the_stored_run_does(built: dict, arm: str) -> None:
    population, fitness = NET.init(100, 0.1, rng(0)), torch.randn(100, generator=rng(1))
    ours = built["breed"](population, fitness, rng(2), sex=arm == "sex", lots=arm == "bottleneck")
    theirs = analogies.breed(population, fitness, rng(2), analogies.ARMS[arm], lots=arm == "bottleneck")
    assert all(map(torch.equal, ours, theirs))


@pytest.mark.parametrize("arm", ["sex", "bottleneck"])
def test_the_chapter_evolves_and_silences_as_the_stored_run_does(built: dict, arm: str) -> None:
    ours = built["evolve"](rng(3), **{arm: True})
    theirs = analogies.evolve(analogies.ARMS[arm], (60,), rng(3))[60]
    torch.testing.assert_close(ours, theirs)
    for share in analogies.LOST:
        expected = analogies.after_losing(ours, share, built["asked"], built["truth"])
        assert built["read"](ours, share) == pytest.approx(expected)


def test_the_chapter_takes_changes_apart_as_the_stored_run_does(built: dict) -> None:
    population = NET.init(50, 0.3, rng(4))
    torch.testing.assert_close(built["trait"](population), terms.trait(population))
    x, y = data.digits().train.sample(2, rng(5))
    torch.testing.assert_close(built["slope"](population.clone(), x, y), terms.slope(population, x, y))
    z, z_children = torch.randn(2, 50, generator=rng(6), dtype=torch.float64)
    mothers, fathers = torch.randint(50, (2, 50), generator=rng(7))
    ours = built["price"](z, mothers, fathers, z_children)
    assert ours == terms.price(z, mothers, fathers, z_children)
    assert float(sum(ours)) == pytest.approx(float(z_children.mean() - z.mean()), abs=1e-12)


def test_figure_and_table_of_the_audit_agree() -> None:
    source = next("".join(cell["source"]) for cell in CELLS if "AUDIT = " in "".join(cell["source"]))
    figure = _audit(source)
    text = next("".join(cell["source"]) for cell in CELLS if "## Twelve words" in "".join(cell["source"]))
    rows = re.findall(r"^\| ([a-z -]+) \| (\w+) \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    table = {word: f"{gradient} {bred}" for word, gradient, bred, _ in rows if word != "word"}
    assert table == figure
    assert len(figure) == 12
    assert all("](" in evidence for word, _, _, evidence in rows if word != "word")  # a click away


def _audit(source: str) -> dict[str, str]:
    names: dict = {}
    tree = ast.parse(source)
    exec(compile(ast.Module(tree.body[:1], []), "AUDIT", "exec"), names)
    return names["AUDIT"]


def test_the_ledger_is_complete() -> None:
    pages = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "notebooks" / "evidence").glob("*.ipynb")]
    judged = {entry.claim for entry in ledger.collect(pages)}
    of_document = Counter(claim[:2] for claim in judged)
    assert of_document == {"S0": 41, "S1": 35, "S2": 38, "S3": 100, "S4": 36}  # 250
