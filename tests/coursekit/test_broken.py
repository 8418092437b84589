"""The notebooks that are broken on purpose: made as labs are, graded as labs are, and precise about wrong guesses."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from coursekit.feedback import Status, rehearse
from coursekit.grading.collecting import handouts, lab_of_notebook
from coursekit.grading.judging import Task, judge
from coursekit.grading.reading import read_cells
from coursekit.grading.sandbox import has_bubblewrap
from coursekit.labs import lab_of
from coursekit.labs.questions import QUESTIONS
from coursekit.make_labs import check_labs
from coursekit.notebooks import read_notebook

ROOT = Path(__file__).parents[2]
SOURCES, LABS = ROOT / "solutions" / "broken", ROOT / "labs" / "broken"
PATHS = sorted(SOURCES.glob("*.ipynb"))
each = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def run(path, monkeypatch):
    """(names, what was printed) of a notebook whose cells run in this process."""
    monkeypatch.setattr(lab_of(path), "_latest", {})
    names, out = {}, io.StringIO()
    with mpl.rc_context({"backend": "agg"}), redirect_stdout(out):
        for cell in read_notebook(path).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, path.name, "exec"), names)
        plt.close("all")
    return names, re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())


def test_there_is_one_for_each_part_of_the_book_and_the_labs_are_made_from_it():
    toc = (ROOT / "_toc.yml").read_text("utf-8")
    assert len(PATHS) == len(re.findall(r'caption: "Part ', toc)) == 6
    assert check_labs(SOURCES, LABS) == []
    for path in PATHS:
        assert f"labs/broken/{path.stem}," in toc
        assert len(path.read_text("utf-8").split('"outputs"')) > 5
        assert len((LABS / path.name).read_text("utf-8").splitlines()) <= 400


@each
def test_its_points_and_minutes_are_what_it_says(path):
    lab, text = lab_of(path), read_cells(path).text
    minutes, points = map(int, re.search(r"About (\d+) minutes · (\d+) points", text).groups())
    head = r"^## Exercise ([\d.]+) · (.+)\n\n\d+ minutes · difficulty [123] of 3 · (\d+) points · automatic$"
    assert [(n, title, int(p)) for n, title, p in re.findall(head, text, re.MULTILINE)] == [
        (n, e.title, e.points) for n, e in lab.exercises.items()
    ]
    assert minutes in range(20, 31)
    assert sum(e.points for e in lab.exercises.values()) == points == 10
    assert all("?" in QUESTIONS[number] for number in lab.exercises)


@each
def test_the_solution_passes_and_the_untouched_one_says_your_turn(path, monkeypatch):
    number = lab_of(path).number
    _, solved = run(path, monkeypatch)
    assert [line[:9] for line in solved.splitlines() if "PASS" in line] == [f"PASS {number}.1", f"PASS {number}.2"]
    _, untouched = run(LABS / path.name, monkeypatch)
    assert f"YOUR TURN {number}.1" in untouched
    assert f"YOUR TURN {number}.2" in untouched


@each
def test_each_wrong_guess_gets_what_speaks_against_it(path):
    lab, rows = lab_of(path), re.findall(r"^\| ([a-d]) \| (.+) \|$", read_cells(path).text, re.M)
    assert [letter for letter, _ in rows] == list("abcd")
    said = {}
    for letter, _ in rows:
        verdict = lab.judge(f"{lab.number}.1", lambda suspects, letter=letter: letter.upper())
        said[letter] = verdict.message if verdict.status is Status.TRY_AGAIN else ""
    assert sorted(map(bool, said.values())) == [False, True, True, True]
    assert len(set(said.values())) == 4
    for odd in (lambda suspects: suspects, lambda suspects: "e", lambda suspects: 2):
        assert "return one of the letters" in lab.judge(f"{lab.number}.1", odd).message


def test_mistakes_of_the_tables_get_their_own_hints(monkeypatch):
    for number in (22, 24, 26):
        (path,) = SOURCES.glob(f"{number}_*")
        names, _ = run(path, monkeypatch)
        exercise = lab_of(path).exercises[f"{number}.2"]
        mistakes = rehearse(lab_of(path), exercise.number, names[exercise.function])
        assert len(mistakes) >= 5
        assert [one.said for one in mistakes] == [one.hint for one in mistakes]


def largest(x):
    return np.linalg.eigvalsh(2 * np.array([[np.mean(x**2), np.mean(x)], [np.mean(x), 1]]))[-1]


def of_two(fitness, n, rng, size=2, best=True):
    entrants = rng.integers(len(fitness), size=(n, size))
    order = fitness[entrants] if best else -fitness[entrants]
    return entrants[np.arange(n), order.argmax(axis=1)]


def by_one_stream(search, n_runs, seed):
    rng = np.random.default_rng(seed)
    return [search(rng) for _ in range(n_runs)]


def each_row(search, seeds):
    return [search(np.random.default_rng(seed)) for seed in seeds]


def without_replacement(fitness, n, rng):
    one = rng.integers(len(fitness), size=n)
    other = (one + rng.integers(1, len(fitness), size=n)) % len(fitness)
    return np.where(fitness[one] > fitness[other], one, other)


def half_blind(fitness, n, rng):
    return np.where(rng.random(n) < 0.3, rng.integers(len(fitness), size=n), of_two(fitness, n, rng))


def one_number_later(search, n_runs, seed):
    results = []
    for i in range(n_runs):
        rng = np.random.default_rng(seed)
        rng.random(i)
        results.append(search(rng))
    return results


WRONG = {
    "21.2": [
        (lambda x: 0.1, "same for all data"),
        (lambda x: 2 / largest(x), "the limit itself"),
        (lambda x: 4 / largest(x), "still makes the loss climb"),
        (lambda x: 1 / np.mean(x**2), "still makes the loss climb"),
        (lambda x: 0.01 / largest(x), "so careful"),
        (lambda x: -1.0, "one positive number"),
        (lambda x: x, "one positive number"),
    ],
    "22.2": [
        (
            lambda score, widths, rates: [np.nanmin([score(w, r) for r in rates[:2]]) for w in widths],
            "Did you try every rate",
        ),
        (lambda score, widths, rates: [score(w, rates[0]) for w in widths], "all widths still have the first rate"),
    ],
    "23.2": [
        (lambda f, n, rng: np.full(n, f.argmax()), "still finds the champion"),
        (lambda f, n, rng: of_two(f, n, rng, best=False), "whoever is worse wins"),
        (lambda f, n, rng: rng.integers(len(f), size=n), "makes no difference"),
        (lambda f, n, rng: of_two(f, n, rng, size=3), "too often"),
        (half_blind, "counts for less"),
        (lambda f, n, rng: of_two(f, n, np.random.default_rng(0)), "different generators give the same draws"),
        (lambda f, n, rng: f, "row numbers"),
    ],
    "24.2": [(lambda sigma, share: 0.8 * sigma, "doesn't change when `share_better` does")],
    "25.2": [
        (lambda s, n, seed: each_row(s, [seed] * n), "all runs still have the same numbers"),
        (lambda s, n, seed: each_row(s, range(seed, seed + n)), "run 1 of one seed is run 0 of the next"),
        (lambda s, n, seed: each_row(s, range(n)), "the seed makes no difference"),
        (lambda s, n, seed: each_row(s, [None] * n), "two calls with the same seed differ"),
        (lambda s, n, seed: each_row(s, [[seed, i // 2] for i in range(n)]), "two of your runs"),
        (lambda s, n, seed: each_row(s, [[seed, n, i] for i in range(n)]), "with more runs the first ten are others"),
        (lambda s, n, seed: each_row(s, [[seed, i] for i in range(n)])[::-1], "in the order of the runs"),
        (lambda s, n, seed: [s(np.random.default_rng(seed))] * n, "called once for each of"),
        (one_number_later, "have numbers in common"),
        (lambda s, n, seed: 3, "return a list"),
    ],
    "26.2": [(lambda v, t: (v.argmax(), np.median(t)), "doesn't change when `validation` does")],
}
RIGHT = {
    "21.2": [lambda x: 1.9 / largest(x), lambda x: 1 / np.trace(np.array([[2 * np.mean(x**2), 0], [0, 2]]))],
    "23.2": [of_two, without_replacement],
    "25.2": [
        lambda s, n, seed: each_row(s, np.random.SeedSequence(seed).spawn(n)),
        lambda s, n, seed: by_one_stream(s, n, seed),
    ],
}


@pytest.mark.parametrize("number", WRONG)
def test_wrong_repairs_are_told_what_is_wrong(number):
    lab = lab_of(f"{number[:2]}_x.ipynb")
    for function, fragment in WRONG[number]:
        said = lab.judge(number, function)
        assert said.status is Status.TRY_AGAIN
        assert fragment in said.message, said.message
    for function in RIGHT.get(number, []):
        assert lab.judge(number, function).status is Status.PASS


@pytest.mark.slow
@pytest.mark.skipif(not has_bubblewrap(), reason="needs Linux and bubblewrap")
@each
def test_it_is_graded_as_a_lab_is(path):
    labs, notebook = handouts(ROOT / "labs"), read_cells(path)
    number = path.name[:2]
    assert lab_of_notebook(notebook, labs, "01") == number
    task = Task(path.name, notebook.code, labs[number].first, labs[number].offers)
    found = {n: finding for n, finding in judge(task) if n}
    assert {n: finding.points for n, finding in found.items()} == {f"{number}.1": 4, f"{number}.2": 6}
