"""Chapter 7's running figures: as many founders are left, and sigma and error end, as in the chapter."""

from itertools import islice, product

import numpy as np
import pytest
import torch
from playing import needs_node, node, told

from evidence.runs import inheritance
from neuroevo import ga, results

pytestmark = pytest.mark.slow  # Node.js is started for each

SIGMA_RULES = {
    **{"fixed": "fixed", "annealed": "annealed: to 1/1000", "1/5 rule": "the 1/5 rule"},
    **{"inherited": "inherited: self-adaptation", "raffled": "raffled: anybody's"},
}


@needs_node
def test_07_as_many_founders_are_left_as_in_the_chapter():
    def left(size: int) -> float:
        state = {"rows": 48, "size": size, "crossover": "one cut", "generation": 60}
        return node("fig-07-drift", "figure.compute(state).curve[60]", state=state)

    assert left(1) == pytest.approx(told("07", "blind"), abs=0.25)
    assert left(2) == pytest.approx(told("07", "unread"), abs=0.2)


@needs_node
def test_07_the_task_is_the_chapters():
    genomes = torch.randn(20, 25, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = node("fig-07-sigma", "genomes.map(figure.error)", genomes=genomes.tolist())
    assert np.allclose(found, -inheritance.sine(genomes), rtol=1e-4)


@needs_node
@pytest.mark.parametrize("rule", SIGMA_RULES)
def test_07_sigma_and_error_end_as_in_the_stored_runs(rule):
    """From the shortest, a middling and the longest start, whoever breeds."""
    runs = results.load("inheritance").tables["sigma"].query("rule == @rule")
    who = {"the best tenth": "the best tenth breeds", "the best fifth": "as in the chapter"}
    who["the better half"] = "the better half breeds"
    script = """breeds.flatMap(breed => starts.map(k =>
      seeds.map(seed => figure.evolve(rule, breed, "none", 10 ** (k / 2 - 2.5), seed).at(-1))))"""
    values = {"breeds": list(who), "starts": [0, 3, 6], "seeds": list(range(20)), "rule": SIGMA_RULES[rule]}
    for (setting, k), found in zip(
        product(who.values(), (0, 3, 6)), node("fig-07-sigma", script, **values), strict=True
    ):
        near = runs[(runs.setting == setting) & np.isclose(runs["first"], 10 ** (k / 2 - 2.5))]
        for what in ("error", "sigma"):
            ours, theirs = np.log10([one[what] for one in found]), np.log10(near[what])
            if what == "sigma" and rule in ("fixed", "annealed"):  # the stored run has it wrong where it is fixed
                assert np.allclose(ours, k / 2 - 2.5 - 3 * (rule == "annealed"))
            else:
                half = 3.5 * np.sqrt((ours.var() + theirs.var()) / 20)
                assert abs(ours.mean() - theirs.mean()) < half, (setting, k, what)


@needs_node
def test_07_the_starts_matter_as_much_as_in_the_chapter():
    script = """rules.map(rule =>
      figure.compute({rule, breed: "the best fifth", luck: "none", first: 1, generation: 120}).span)"""
    names = ("fixed", "inherited", "raffled")
    spans = node("fig-07-sigma", script, rules=[SIGMA_RULES[name] for name in names])
    for name, span in zip(names, spans, strict=True):
        assert 0.5 < span / told("07", f"span-{name}") < 2


@needs_node
def test_07_luck_in_the_score_makes_steps_too_short():
    """By the chapter's own loop, too: a fixed sigma, well set, then leads the inherited one."""
    rng, ends = torch.Generator().manual_seed(1), {}

    def score(rows: torch.Tensor) -> torch.Tensor:
        return inheritance.sine(rows) + 0.02 * torch.randn(rows.shape[:-1], generator=rng)

    for rule in ("fixed", "inherited"):
        start, way = torch.randn(60, 50, 25, generator=rng), inheritance.pace(rule, inheritance.Sigma(), 25)
        kit = score, ga.from_best, inheritance.no_crossover, way, torch.tensor(10**-1.5)
        rows, scores, *_ = next(islice(inheritance.evolve(start, *kit, rng), 120, None))
        theirs = np.log10(-inheritance.sine(rows).gather(-1, scores.argmax(-1, keepdim=True)).numpy())
        script = "seeds.map(seed => figure.evolve(rule, 'the best fifth', '± 0.02', 10 ** -1.5, seed).at(-1).error)"
        ours = np.log10(node("fig-07-sigma", script, seeds=list(range(60)), rule=SIGMA_RULES[rule]))
        assert abs(ours.mean() - theirs.mean()) < 3 * np.sqrt((ours.var() + theirs.var()) / 60)
        ends[rule] = ours.mean()
    assert ends["inherited"] > ends["fixed"] + 0.2
