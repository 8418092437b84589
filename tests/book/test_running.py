"""Figures that run in the page: their numbers are the book's, every setting has words, all they fetch is at hand."""

import random
import re
import tomllib
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.polynomial.legendre import legvander
from playing import PLAY, ROOT, needs_node, node, running, told
from scipy.special import stdtrit

from evidence.runs.rules import trees
from neuroevo import results

pytestmark = pytest.mark.slow  # Node.js is started for each

STORED = tomllib.loads((ROOT / "book" / "play" / "stored.toml").read_text("utf-8"))
FIGURES = sorted(path.stem for path in PLAY.glob("fig-*.js"))  # of chapters; the race stands on the landing page


@pytest.mark.parametrize("name", FIGURES)
def test_a_running_figure_stands_below_a_figure_of_a_chapter(name):
    chapters = [
        path.stem for path in (ROOT / "notebooks").glob("*.ipynb") if f'<a id=\\"{name}\\">' in path.read_text("utf-8")
    ]
    assert len(chapters) == 1
    assert chapters[0][:2] == name[4:6]


@pytest.mark.parametrize("name", sorted(path.stem for path in PLAY.glob("*.js")))
def test_modules_import_only_their_neighbours(name):
    source = (PLAY / f"{name}.js").read_text("utf-8")
    imported = re.findall(r'(?:from|import\()\s*["`]([^"`]+)["`]', source)
    assert all(re.fullmatch(r"\./[\w$.{}-]+\.js", module) for module in imported)
    assert set(re.findall(r"https?://([\w.]+)", source)) <= {"www.w3.org"}


@needs_node
@pytest.mark.parametrize("name", [*FIGURES, "race"])
def test_every_end_of_every_control_has_words(name):
    """One control at a time at its first and last value, the others where they start."""
    tried = """figure.controls.flatMap(c => [c.values[0], c.values.at(-1), c.value].map(value => {
      const state = Object.fromEntries(figure.controls.map(d => [d.name, d === c ? value : d.value]));
      return {known: c.values.includes(c.value), text: figure.describe(figure.compute(state, data), state)};
    }))"""
    source = re.search(r'export const data = "([\w-]+)"', (PLAY / f"{name}.js").read_text("utf-8"))
    for found in node(name, tried, data=running.stored(source[1]) if source else None):
        assert found["known"]
        assert 20 < len(found["text"]) < 420
        assert not re.search(r"NaN|undefined|null|\[object|(?<!\d)-\d", found["text"]), found["text"]


def test_stored_data_are_read_by_figures():
    sources = "".join((PLAY / f"{name}.js").read_text("utf-8") for name in FIGURES)
    assert set(re.findall(r'export const data = "([\w-]+)"', sources)) == set(STORED)


# The numbers are the book's


@needs_node
def test_01_the_descent_is_chapter_1s():
    x, y = np.arange(1, 6), np.array([2, 4, 5, 4, 5])
    design = np.column_stack([x, np.ones(5)])
    best = np.linalg.lstsq(design, y)[0]
    hessian = 2 * design.T @ design / 5
    for rate, keep in ((0.01, 0), (0.07, 0), (0.05, 0.9)):
        c, velocity, path = -best, 0, []
        for _ in range(200):
            path.append(c)
            velocity = keep * velocity + hessian @ c
            c = c - rate * velocity
        state = {"rate": rate, "x": "raw", "keep": keep}
        found = node("fig-01-limit", "figure.compute(state)", state=state)
        assert np.allclose(found["path"], path[:41], rtol=1e-9, atol=1e-12)
        assert found["left"] == pytest.approx(c @ hessian @ c / 2, rel=1e-8)
        assert found["limit"] == pytest.approx(2 * (1 + keep) / np.linalg.eigvalsh(hessian).max())
    for kind, kappa in (("raw", 70.0), ("centred", 2.0), ("standardised", 1.0)):
        found = node("fig-01-limit", "figure.compute(state)", state={"rate": 0.01, "x": kind, "keep": 0})
        assert found["steepest"] / found["flattest"] == pytest.approx(kappa, rel=1e-2)


@needs_node
def test_02_the_fits_are_numpys():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, 15), rng.normal(size=15)
    for count in (1, 4, 12, 15, 16, 31, 100):
        theta = np.linalg.lstsq(legvander(x, count - 1), y)[0]
        found = node("fig-02-double-descent", "figure.fit(x, y, count)", x=x.tolist(), y=y.tolist(), count=count)
        assert np.allclose(found, theta, rtol=1e-5, atol=1e-7 * abs(theta).max())


@needs_node
def test_02_the_error_peaks_where_coefficients_equal_points():
    for points in (10, 15, 30):
        state = {"count": 4, "points": points, "noise": 0.3}
        found = node("fig-02-double-descent", "figure.compute(state)", state=state)
        medians = dict(found["medians"])
        assert abs(found["worst"] - points) <= 1
        assert medians[points] > 100 * medians[100]


@needs_node
def test_03_fourteen_gates_have_a_line():
    assert node("fig-03-gates", "figure.controls[0].values.map(figure.best)").count(4) == 14
    assert node("fig-03-gates", "figure.controls[0].values.map(figure.best).flatMap((b, n) => b === 4 ? [] : n)") == [
        6,
        9,
    ]


@needs_node
@pytest.mark.parametrize(
    ("landscape", "genomes", "operators", "name"),
    [
        ("OneMax", 10, "mutation off", "mutation-10"),
        ("OneMax", 1000, "crossover off", "crossover-1000"),
        ("Rastrigin", 1000, "mutation off", "Rastrigin-mutation"),
        ("trap", 300, "all on", "trap-all"),
        ("trap", 300, "crossover off", "trap-crossover"),
    ],
)
def test_05_thirty_runs_reach_what_the_chapters_thirty_reach(landscape, genomes, operators, name):
    best = node(
        "fig-05-landscapes",
        "seeds.map(seed => figure.evolve(landscape, genomes, operators, seed).at(-1).best)",
        seeds=list(range(30)),
        landscape=landscape,
        genomes=genomes,
        operators=operators,
    )
    place = node("fig-05-landscapes", "figure.LANDSCAPES[landscape]", landscape=landscape)
    reached = 100 * (np.array(best) - place["chance"]) / (place["top"] - place["chance"])
    assert abs(reached.mean() - told("05", name)) < 12


@needs_node
def test_06_the_swarm_walks_at_the_chapters_pace():
    films = """seeds.map(seed => figure.evolve(sigma, 10, [2, 3], seed)
      .slice(0, 30).map(({champion: [w, b]}) => [w, b]))"""
    slow = np.array(node("fig-06-pace", films, seeds=list(range(200)), sigma=0.05)) - (2, 3)
    distance = np.linalg.norm(slow, axis=2)
    assert ((distance[:, 2] - distance[:, 10]) / 8 / 0.05).mean() == pytest.approx(told("06", "pace"), abs=0.08)
    assert 100 * (abs(slow[:, -1]) < 0.05).all(axis=1).mean() == pytest.approx(told("06", "share-0.05"), abs=11)


@needs_node
def test_08_the_average_points_as_in_the_chapter():
    drawn = "seeds.map(seed => figure.estimate(n, d, new maths.Random(seed)))"
    for n, d in ((1, 10), (60, 610), (100, 30)):
        noise = np.random.default_rng(0).normal(size=(200, n, d))
        means = (noise[:, :, :1] * noise).mean(axis=1)
        found = node("fig-08-compass", drawn, seeds=list(range(200)), n=n, d=d)
        cosines = [one["along"] / np.hypot(one["along"], one["across"]) for one in found]
        assert np.mean(cosines) == pytest.approx((means[:, 0] / np.linalg.norm(means, axis=1)).mean(), abs=0.04)
        if d == 610:
            assert np.mean(cosines) == pytest.approx(told("08", "compass-60"), abs=0.02)


# The race on the landing page


@needs_node
def test_both_runners_have_the_best_of_their_eight_settings():
    """On starts that the race doesn't use; where several are equally good, the first."""
    tuned = """Object.entries(figure.LANDSCAPES).map(([name, f]) => {
      const best = (settings, path) => {
        const heights = settings.map(v => maths.mean(seeds.map(seed => figure.height(f, path(f, v, seed), 300))));
        return settings[heights.indexOf(Math.min(...heights))];
      };
      const {RATES, SIGMAS, descend, select} = figure;
      return [figure.TUNED[name], {rate: best(RATES, descend), sigma: best(SIGMAS, select)}];
    })"""
    for used, best in node("race", tuned, seeds=list(range(101, 161))):
        assert used == best


@needs_node
def test_who_wins_the_race_depends_on_the_landscape():
    means = "figure.controls[0].values.map(landscape => figure.compute({landscape, looks: 300}).means)"
    valley, hills, stairs = node("race", means)
    assert valley[0] < 0.01 * valley[1]
    assert hills[1] < 0.2 * hills[0]
    assert stairs[1] < 0.2 * stairs[0]


@needs_node
def test_09_gaps_hit_as_often_as_coins_do():
    counts = node(
        "fig-09-rates", "seeds.map(s => figure.gaps(10000, 0.07, new maths.Random(s)).length)", seeds=list(range(400))
    )
    assert np.mean(counts) == pytest.approx(700, abs=5)
    assert 540 < np.var(counts) < 770
    weights = node("fig-09-rates", "figure.compute({rate: 0.07, images: 200, hidden: 64}).counts")
    assert weights["mask"] == 2 * 200 * 50_890


@needs_node
def test_10_a_run_misses_the_digits_that_the_chapter_says():
    state = {"rule": "counted (printed rule)", "seed": 0, "step": 300}
    found = node("fig-10-digits", "figure.compute(state, data)", state=state, data=running.stored("fig-10-digits"))
    assert found["missing"] == pytest.approx(told("10", "black-300"), abs=0.05)
    curves = results.load("genreg-mnist").tables["curves"].query("method == 'printed' and step == 300")
    assert found["mean"] == pytest.approx(100 * curves.validation.mean(), abs=0.01)


@needs_node
def test_11_who_reads_most_depends_on_what_is_equal():
    data = running.stored("fig-11-budget")
    found = node("fig-11-budget", "figure.compute({equal: 'generations', spent: 1}, data).points", data=data)
    means = {one["images"]: one["mean"] for one in found}
    for images in (1, 5, 20):
        assert means[images] == pytest.approx(told("11", f"after-{images}"), abs=0.6)
    found = node("fig-11-budget", "figure.compute({equal: 'evaluations', spent: 20}, data).points", data=data)
    assert max(found, key=lambda one: one["mean"])["images"] == 5


@needs_node
def test_13_with_the_whole_budget_each_rule_has_its_champion():
    found = node(
        "fig-13-ladder",
        "figure.compute({equal: 'core-seconds', share: 1}, data).bars",
        data=running.stored("fig-13-ladder"),
    )
    finals = results.load("ladder").tables["finals"].groupby("method").validation.mean()
    means = {one["name"]: one["mean"] for one in found}
    assert means["printed rule"] == pytest.approx(100 * finals["GENREG as printed"], abs=0.02)
    assert means["a strategy a neuron"] == pytest.approx(100 * finals["one-neuron ES"], abs=0.02)
    assert means["gradient"] > max(value for name, value in means.items() if name != "gradient")


@needs_node
def test_15_workers_wait_as_long_as_in_the_chapter():
    script = "seeds.map(seed => figure.simulate(state, seed, table))"
    state = {"search": "genetic", "workers": 12, "children": 12, "lengths": "as they were"}
    logs = node("fig-15-waiting", script, seeds=list(range(60)), state=state, table=running.stored("designs"))
    work = np.array([sum(end - start for _, start, end in log) for log in logs])
    done = np.array([log[-1][2] for log in logs])
    assert {len(log) for log in logs} == {128}
    assert 100 * work.mean() / done.mean() / 12 == pytest.approx(told("15", "busy-genetic"), abs=7)
    for log in logs[:5]:  # nobody does two things at a time
        for worker in range(12):
            times = sorted((start, end) for who, start, end in log if who == worker)
            assert all(end <= start for (_, end), (start, _) in pairwise(times))


@needs_node
def test_17_the_terms_are_the_chapters_and_sum_to_the_change():
    data = running.stored("fig-17-price")
    state = {"way": "bred, mutations of 0.1", "step": 200}
    found = node("fig-17-price", "figure.compute(state, data)", state=state, data=data)
    selection, transmission, change = (one["now"] for one in found["terms"])
    assert found["seeds"] == 20
    assert selection + transmission == pytest.approx(change, abs=1e-4)
    assert selection / change == pytest.approx(told("17", "earned"), abs=0.06)
    descended = node("fig-17-price", "figure.compute({way: 'by gradient', step: 100}, data).terms", data=data)
    assert {value for line in descended[0]["lines"] for _, value in line} == {0}


@needs_node
def test_16_trees_are_the_chapters():
    rng, x = random.Random(0), [-2.5, -1.0, 0.3, 2.0]
    grown = [trees.newcomer(rng) for _ in range(40)]
    script = "grown.map(tree => [x.map(at => figure.value(tree, at)), figure.shown(tree)])"
    for tree, (values, shown) in zip(grown, node("fig-16-family", script, grown=grown, x=x), strict=True):
        assert values == pytest.approx(trees.value(tree, torch.tensor(x)).tolist(), rel=1e-4, abs=1e-5)
        assert shown == re.sub(r"\.0(?=\D|$)", "", trees.shown(tree))


@needs_node
def test_16_where_a_bend_is_needed_winners_bend():
    """And a network with a straight activation can't do it, however it is trained."""
    tasks = node("fig-16-family", "figure.controls[0].values")
    script = """[1, 2, 3, 4, 5, 6].map(seed => figure.compute({task, seed, generation: 6}).film.at(-1)[0])
      .map(({tree, score}) => [figure.straightness(tree), score])"""
    alone = "maths.mean([1, 2, 3, 4, 5, 6].map(seed => figure.train('x', 0.05, task, seed)))"
    for task, bends in zip(tasks, (False, True), strict=True):
        straight, score = np.array(node("fig-16-family", script, task=task)).T
        assert bool(straight.mean() < 0.3) is bends
        assert score.min() > 0.8
        assert (node("fig-16-family", alone, task=task) < 0.7) is bends


@needs_node
def test_05_random_search_is_as_good_as_the_figure_says():
    rng = np.random.default_rng(6)
    places = node("fig-05-landscapes", "figure.LANDSCAPES")
    best: dict[str, list[float]] = {name: [] for name in ("OneMax", "trap", "Rastrigin")}
    for _ in range(20):
        bits, points = rng.integers(2, size=(10_000, 60)), rng.uniform(-5.12, 5.12, (10_000, 20))
        ones = bits.reshape(-1, 12, 5).sum(axis=2)
        best["OneMax"].append(bits.sum(axis=1).max())
        best["trap"].append(np.where(ones == 5, 5, 4 - ones).sum(axis=1).max())
        best["Rastrigin"].append(-(10 + points**2 - 10 * np.cos(2 * np.pi * points)).sum(axis=1).min())
    for name, found in best.items():
        assert np.mean(found) == pytest.approx(places[name]["chance"], abs=3 * np.std(found) / 20**0.5 + 0.05)


@needs_node
def test_10_the_validation_images_of_each_digit_are_the_chapters():
    (source,) = [path.read_text("utf-8") for path in (ROOT / "notebooks").glob("10_*.ipynb")]
    counts = node("fig-10-digits", "figure.IN_ALL")
    assert str(counts) in source
    assert sum(counts) == 5000


@needs_node
def test_18_as_many_studies_find_nothing_as_in_the_chapter():
    for seeds, value in node("fig-18-forks", "Object.entries(figure.T)"):
        assert value == pytest.approx(stdtrit(int(seeds) - 1, 0.975), abs=1e-4)
    script = "judges.map(judge => figure.compute({seeds, tried: 20, judge}))"
    judges = node("fig-18-forks", "figure.controls[2].values")
    for seeds in (3, 10, 40):
        chose, fresh = node("fig-18-forks", script, judges=judges, seeds=seeds)
        assert fresh["share"] == pytest.approx(2.5, abs=2)
        assert chose["share"] > 3 * fresh["share"]
        if seeds == 10:
            assert chose["share"] == pytest.approx(told("18", "forks-chose"), abs=4.5)
    three, forty = (node("fig-18-forks", script, judges=judges, seeds=seeds)[0]["told"] for seeds in (3, 40))
    assert three > 2 * forty  # few seeds don't find more of nothing, but say that it is larger
