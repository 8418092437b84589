"""What chapter 11's first edition held fixed, moved: budget, population, mutation scale, who mutates, the twins' rate.

As in `findings`: the printed rule with one change, MNIST averaged to 14x14 pixels, the champion chosen from the
whole population on 1,000 validation images. New are its seeds, which begin at 100, several budgets on the way of
one run, and that a champion is scored on the 4,000 validation images that didn't choose it: a sweep opens no test set.

    python3 course.py run findings-swept --seeds 1
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from evidence.recorder import load
from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.twin import batches, descend, glorot
from neuroevo import ga, nets
from neuroevo.data.transforms import shrink
from neuroevo.genreg import GENREG, Settings, reward, update_trust

FIRST_SEED = 100
N_CHOOSE = 1_000
BATCH = 256
MILLION = 1_000_000
SHARE_OF_BUDGET = {"smoke": 0.05, "laptop": 0.25, "full": 1.0}


@dataclass(frozen=True)
class Setting:
    """One way to train, and where it is looked at.

    Attributes:
        looks: evaluations at which a champion is chosen; the last one ends the run.
        width: hidden units.
        images: of each class in a generation.
        n_genomes: population size.
        scale: mutation scale.
        mutants: who is mutated: "all" are children, as printed. Otherwise the top fifth lives on, trust has no memory,
            and "children" mutates the other 160, "some children" 40 of them, "living" the 40 that live on.
        rate: chance of each weight of a mutant to be mutated.
        learning_rate: of Adam, which then trains in place of selection; 0 is selection.
        repeats: runs for each seed that is asked for.
    """

    looks: tuple[float, ...] = (1.2 * MILLION, 2.4 * MILLION)
    width: int = 64
    images: int = 20
    n_genomes: int = 200
    scale: float = 0.03
    mutants: str = "all"
    rate: float = 0.07
    learning_rate: float = 0.0
    repeats: int = 1


_LONG = tuple(share * MILLION for share in (0.6, 1.2, 2.4, 4.8))
_DIGITS = tuple(0.48 * MILLION * look for look in range(1, 21))
_SETTINGS = {
    "population 50": {"n_genomes": 50},
    "population 800": {"n_genomes": 800},
    "scale 0.01": {"scale": 0.01},
    "scale 0.1": {"scale": 0.1},
}

SETTINGS: dict[str, Setting] = {
    # Finding 2: who mutates, where the top fifth lives on.
    "children mutate": Setting(mutants="children", repeats=3),
    "some children mutate": Setting(mutants="some children", repeats=3),
    "the living mutate": Setting(mutants="living", repeats=3),
    # Finding 1: images of each class at equal evaluations.
    **{f"images {n}": Setting(_LONG, images=n) for n in (50, 20, 5, 1)},
    **{
        f"images {n}, {name}": replace(Setting(images=n), **change)  # type: ignore[arg-type]
        for n in (20, 5, 1)
        for name, change in _SETTINGS.items()
    },
    # Finding 3: width, with every scale and every learning rate; its long runs, digit by digit.
    **{
        f"width {width}, scale {scale:g}": Setting(width=width, scale=scale)
        for width in (16, 256)
        for scale in (0.01, 0.03, 0.1)
    },
    **{
        f"twin {width}, rate {rate:g}": Setting((0.24 * MILLION,), width=width, learning_rate=rate)
        for width in (16, 64, 256)
        for rate in (0.001, 0.003, 0.01)
    },
    "width 32, long": Setting(_DIGITS, width=32),
}


@cache
def _images(size: str) -> tuple[Any, Tensor, Tensor]:
    images = load(size)
    validation = shrink(images.validation)
    return shrink(images.train), validation.pixels(), validation.y


class _Books:
    """Rows of one run: at every look a champion is chosen, and scored on images that didn't choose it."""

    def __init__(self, unit: Unit, size: str, s: Setting, net: nets.MLP) -> None:
        self.who = {"setting": unit.method, "seed": unit.seed}
        self.net, self.rows = net, list[dict[str, Any]]()
        _, self.x, self.y = _images(size)
        self.n_choose = min(N_CHOOSE, len(self.y) // 2)
        self.looks = [look * SHARE_OF_BUDGET[size] for look in s.looks]
        self.spent = 0

    def going(self) -> bool:
        """Whether there is a look left."""
        return len(self.rows) < len(self.looks)

    def pay(self, evaluations: int, population: Tensor, step: int) -> None:
        """Add to what is spent; look, if that is due."""
        self.spent += evaluations
        if self.spent < self.looks[len(self.rows)]:
            return
        x, y = self.x[: self.n_choose], self.y[: self.n_choose]
        with torch.inference_mode():
            scores = nets.accuracy(self.net.forward(population, x), y)
            best = population[int(scores.argmax())].clone()
            fresh, labels = self.x[self.n_choose :], self.y[self.n_choose :]
            right = self.net.forward(best[None], fresh)[0].argmax(dim=1) == labels
        row = self.who | {"budget": self.looks[len(self.rows)], "spent": self.spent, "step": step}
        row |= {"right": int(right.sum()), "n": len(labels), "chosen_with": round(float(scores.max()), 4)}
        row |= {
            "population_mean": round(float(scores.mean()), 4),
            "spread": float(population.std(dim=0, correction=0).mean()),
        }
        row |= {f"share_{d}": round(float(right[labels == d].float().mean()), 4) for d in range(10)}
        self.rows.append(row)


def _select(books: _Books, s: Setting, seed: int, train: Any) -> None:
    lives_on = s.mutants != "all"
    changes: dict[str, Any] = {"births": s.n_genomes * 4 // 5, "trust_decay": 1.0} if lives_on else {}
    settings = Settings(
        n_genomes=s.n_genomes, mutation_scale=s.scale, child_mutation_rate=0.0 if lives_on else s.rate, **changes
    )
    rng = torch.Generator().manual_seed(seed)
    state = GENREG.start(books.net, settings, rng)
    with torch.inference_mode():
        while books.going():
            x, y = train.sample(s.images, rng)
            correct = nets.count_correct(books.net.forward(state.ask(), x), y)
            books.pay(s.n_genomes * len(y), state.population, state.generation + 1)
            rewards = reward(correct, len(y), settings)
            trust = update_trust(state.trust, rewards, settings)
            state.tell(rewards)
            if lives_on:
                order = torch.argsort(trust, descending=True, stable=True)  # as `tell` ranks them
                living, children = order[: s.n_genomes // 5], order[s.n_genomes // 5 :]
                some = children[torch.randperm(len(children), generator=rng)[: len(living)]]
                rows = {"children": children, "some children": some, "living": living}[s.mutants]
                ga.mutate_(state.population, s.rate, s.scale, rng, rows)


def _descend(books: _Books, s: Setting, seed: int, train: Any) -> None:
    rng = torch.Generator().manual_seed(seed)
    genome = glorot(books.net, rng)
    adam = torch.optim.Adam([genome], lr=s.learning_rate)
    coming, step = batches(train, BATCH, rng), 0
    while books.going():
        x, y = next(coming)
        descend(books.net, genome, adam, x, y)
        step += 1
        books.pay(3 * len(y), genome.detach(), step)  # a gradient step counts three evaluations for each image


def run_unit(unit: Unit, context: Context) -> Rows:
    """A row for every look of one run."""
    s = SETTINGS[unit.method]
    books = _Books(unit, context.size, s, nets.MLP((196, s.width, 10)))
    train, *_ = _images(context.size)
    (_descend if s.learning_rate else _select)(books, s, unit.seed, train)
    return {"runs": books.rows}


def units(seeds: list[int]) -> list[Unit]:
    """Setting by setting within a seed; those with repeats have so many runs for each seed."""
    return [
        Unit(name, FIRST_SEED + s.repeats * seed + again)
        for seed in seeds
        for name, s in SETTINGS.items()
        for again in range(s.repeats)
    ]


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "data": load(size).source,
        "share_of_budget": SHARE_OF_BUDGET[size],
        "printed": dataclasses.asdict(Settings()),
        "n_choose": N_CHOOSE,
        "batch": BATCH,
        "settings": {name: dataclasses.asdict(s) for name, s in SETTINGS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
