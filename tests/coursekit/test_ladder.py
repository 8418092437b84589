"""The open ladder: what it refuses, what goes on where it stopped, and that a known rung gets its own score back."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from coursekit.grading.sandbox import has_bubblewrap
from coursekit.ladder import RefusedError, Rules, climbing, contest, entry, hold
from coursekit.ladder.climbing import NET, Climb
from evidence.runner import Context, Unit
from evidence.runs.ladder import run_rung
from evidence.runs.ladder_two import ARMS
from neuroevo import data, results
from neuroevo.stats import difference_interval

ROOT = Path(__file__).parents[2]
STRATEGIES = ROOT / "notebooks" / "capstones" / "ladder"
contained = pytest.mark.skipif(not has_bubblewrap(), reason="newcomers are shut in by bubblewrap, which isn't here")

PLAIN = """
import torch

class Strategy:
    images_per_class = 5

    def __init__(self, n_params, rng):
        self.n_params, self.rng = n_params, rng

    def ask(self):
        return 0.05 * torch.randn((4, self.n_params), generator=self.rng)

    def tell(self, fitness):
        pass
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> data.ImageData:
    """Digits at MNIST's size, whatever is on this machine."""
    patch = pytest.MonkeyPatch()
    patch.setenv("NEUROEVO_OFFLINE", "1")
    found = data.mnist(tmp_path_factory.mktemp("empty"))
    patch.undo()
    return found


def newcomer(folder: Path, source: str, name: str = "mine") -> Path:
    path = folder / f"{name}.py"
    path.write_text(source, "utf-8")
    return path


# At sight


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("pass", "fitness.sum().backward()"), "line 14: uses backward"),
        (("import torch", "from torch import autograd"), "line 2: uses autograd"),
        (("import torch", "import torch.autograd as quiet"), "line 2: uses autograd"),
        (("import torch", "from torch.func import vjp"), "line 2: uses vjp"),
        (("pass", "torch.zeros(1, requires_grad=True)"), "line 14: uses requires_grad"),
        (("import torch", "import jax.numpy"), "line 2: imports jax"),
        (("import torch", "from neuroevo import data"), "line 2: imports neuroevo.data"),
        (("import torch", "from sklearn.datasets import load_digits"), "imports sklearn.datasets"),
        (("import torch", "import torchvision"), "imports torchvision"),
        (("def tell", "def told"), "class Strategy has no tell"),
        (("class Strategy", "class Other"), "no class Strategy"),
        (("pass", "pass pass"), "line 14"),
        (("pass", f"x = '{'w' * 20_000}'"), "bytes"),
    ],
)
def test_a_file_is_refused_at_sight(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        entry.read(newcomer(tmp_path, PLAIN.replace(*change, 1)))


def test_a_strategy_may_call_its_own_things_grad_and_inherit(tmp_path: Path) -> None:
    own = PLAIN.replace("pass", "self.grad = fitness")
    assert entry.read(newcomer(tmp_path, own)) == own
    heir = PLAIN.replace("class Strategy", "class Base") + "\nclass Strategy(Base):\n    x = 1\n"
    assert entry.read(newcomer(tmp_path, heir)) == heir


# In its process

HIDDEN = {
    "calls autograd": ("w = torch.ones(2); getattr(w, 'requires_' + 'grad_')()", "autograd is switched off"),
    "lets torch differentiate": (
        "w = torch.nn.Linear(2, 1)(torch.ones(2)); getattr(w, 'back' + 'ward')()",
        "autograd is switched off",
    ),
    "reads the stand-in's test set": (
        "import importlib; importlib.import_module('sklearn.data' + 'sets').load_digits()",
        "No such file",
    ),
    "reads MNIST": (
        "import importlib; importlib.import_module('neuroevo.da' + 'ta').mnist().test.open('to have a look')",
        "No such file|DataError|FileNotFound",
    ),
    "looks for files": (
        "import os; assert not os.path.exists('/data') and not os.listdir(os.environ['HOME']); 1 / 0",
        "ZeroDivision",
    ),
    "never returns": ("while True: pass", "over its budget of 2 core-seconds"),
    "asks for too many": ("self.ask = lambda: torch.zeros((300, self.n_params))", "the first ask"),
}  # fmt: skip


@pytest.mark.slow
@contained
@pytest.mark.parametrize("fault", HIDDEN)
def test_a_newcomer_is_refused_for_what_it_does(fault: str, images: data.ImageData, tmp_path: Path) -> None:
    deed, told = HIDDEN[fault]
    place = "self.n_params, self.rng = n_params, rng"
    source = entry.read(newcomer(tmp_path, PLAIN.replace(place, f"{place}\n        {deed}")))
    with pytest.raises(RefusedError, match=told):
        climbing.climb(source, 0, Rules(10_000, 2 if fault == "never returns" else 30), images)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (torch.full((1, NET.n_params), torch.nan), "NaN"),
        (torch.zeros((1, 3)), "gives a tensor"),
        (torch.zeros(NET.n_params), "gives a tensor"),
        ([0.0] * NET.n_params, "not list"),
        (None, "not NoneType"),
    ],
)
def test_what_is_asked_for_must_be_genomes(asked: object, told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        climbing._Climber.__new__(climbing._Climber)._genomes(asked)


@pytest.mark.slow
@contained
def test_who_sleeps_is_ended_too(images: data.ImageData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climbing, "_PATIENCE", 2)
    with pytest.raises(RefusedError, match="didn't come back within"):
        climbing.climb(PLAIN.replace("pass", "import time; time.sleep(600)"), 0, Rules(10_000, 3), images)


@pytest.mark.slow
@contained
def test_evaluations_are_counted_outside_and_end_the_run(images: data.ImageData) -> None:
    run = climbing.climb(PLAIN, 3, Rules(2_000, 20), images)
    assert (run.seed, run.evaluations, run.generations) == (3, 2_000, 10)  # 4 genomes on 50 images
    x, y = images.validation.pixels(), images.validation.y
    found = (NET.forward(run.champion[None], x)[0].argmax(dim=1) == y).float().mean()
    assert run.validation == pytest.approx(float(found))


@pytest.mark.slow
@contained
def test_best_may_be_a_genome_or_say_one_and_nothing_else(images: data.ImageData) -> None:
    kept = PLAIN.replace("pass", "self.best = torch.full((self.n_params,), 0.25)")
    said = PLAIN + "\n    def best(self):\n        return torch.full((self.n_params,), 0.25)\n"
    for source in (kept, said):
        assert bool((climbing.climb(source, 0, Rules(400, 20), images).champion == 0.25).all())
    with pytest.raises(RefusedError, match="best one genome"):
        climbing.climb(PLAIN.replace("pass", "self.best = 0.5"), 0, Rules(400, 20), images)


# A rung of chapter 13 enters as a newcomer


@pytest.mark.slow
@contained
@pytest.mark.parametrize(
    ("name", "arm", "sigma"),
    [("population", "whole, population", 0.04), ("own_winners", "own winners, mirrored", 0.02)],
)
def test_a_rung_gets_its_own_score_back(
    name: str, arm: str, sigma: float, images: data.ImageData, tmp_path: Path
) -> None:
    """A fifth of the budget, on digits: newcomer and rung differ by chance alone."""
    stored = results.load("ladder-two").tables["finals"]
    assert set(stored[stored.method == arm].value) == {sigma}
    known = ARMS[arm].rung
    known = dataclasses.replace(known, n_generations=known.n_generations // 5, sigma=sigma)  # type: ignore[call-arg]
    context = Context("full", torch.device("cpu"), tmp_path, progress=False)
    rows = [run_rung(Unit(arm, 50 + seed), context, known, images)["finals"][0] for seed in range(3)]
    rules, source = Rules(rows[0]["evaluations"], 60), entry.read(STRATEGIES / f"{name}.py")
    runs = [climbing.climb(source, seed, rules, images) for seed in range(3)]
    assert all(run.evaluations == rules.n_evaluations for run in runs)
    old, new = [row["validation"] for row in rows], [run.validation for run in runs]
    gap = difference_interval(new, old, paired=False)
    assert gap.low <= 0 <= gap.high
    assert min(new) > 0.2  # chance is 0.1
    assert abs(gap.mean) < 0.1


# A contest


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, images: data.ImageData) -> list[str]:
    """A contest without processes: what was climbed is written down."""
    climbed: list[str] = []

    def climb(source: str, seed: int, rules: Rules, images: data.ImageData) -> Climb:
        if "stop" in source and climbed:
            raise KeyboardInterrupt
        climbed.append(f"{source.strip()[-1]}{seed}")
        if "refuse me" in source:
            raise RefusedError("over its budget")
        genome = NET.init(1, 0.05, torch.Generator().manual_seed(seed))[0]
        return Climb(seed, 100, 5, 0.5, 0.5 + seed / 100, genome)

    monkeypatch.setattr(contest, "climb", climb)
    monkeypatch.setattr(contest.data, "mnist", lambda: images)
    return climbed


def test_a_folder_becomes_a_table_and_goes_on_where_it_was(
    quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    newcomer(tmp_path, PLAIN + "# a", "a")
    newcomer(tmp_path, PLAIN + "# refuse me b", "b")
    shown = hold(tmp_path, 2)
    assert quick == ["a0", "a1", "b0"]
    assert hold(tmp_path, 2) == shown
    assert quick == ["a0", "a1", "b0"]
    hold(tmp_path, 3)
    assert quick == ["a0", "a1", "b0", "a2"]
    newcomer(tmp_path, PLAIN + "# c", "a")  # another content is another newcomer
    hold(tmp_path, 1)
    assert quick[4:] == ["c0"]
    with (tmp_path / "ladder.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [row["name"] for row in table] == ["a", "b"]
    assert table[1]["refused"] == "over its budget"


def test_all_rungs_stand_above_the_newcomer_and_its_test_set_is_shut(
    quick: list[str], tmp_path: Path, images: Any
) -> None:
    opened = len(images.test.openings)
    shown = hold(newcomer(tmp_path, PLAIN + "# a"), 3)
    lines = shown.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("mine "))
    for stored in ("ladder", "ladder-two"):
        for name in set(results.load(stored).tables["finals"].method):
            assert any(line.startswith(name[:40]) for line in lines[:place]), name
    assert "51.0 [48.5, 53.5]" in lines[place]
    assert lines[place].endswith(" -")
    assert "stays shut" in shown
    assert len(images.test.openings) == opened
    tested = hold(tmp_path / "mine.py", 3, test=True)
    assert len(images.test.openings) == opened + 1
    assert not next(line for line in tested.splitlines() if line.startswith("mine ")).endswith(" -")
    hold(tmp_path / "mine.py", 3, test=True)
    assert len(images.test.openings) == opened + 1


def test_what_is_kept_is_kept_when_it_is_stopped(quick: list[str], tmp_path: Path) -> None:
    path = newcomer(tmp_path, PLAIN + "# stop a")
    with pytest.raises(KeyboardInterrupt):
        hold(path, 2)
    ((_, kept),) = json.loads((tmp_path / "ladder.json").read_text("utf-8")).items()
    assert list(kept["runs"]) == ["0"]


def test_bad_input_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no file with a strategy"):
        hold(tmp_path)


@pytest.mark.skipif(has_bubblewrap(), reason="there are walls here")
def test_without_walls_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="--unsafe"):
        hold(newcomer(tmp_path, PLAIN), 1)
