"""Chapter 12 with its knobs moved: letters that are pushed, and selection on families of fonts for longer.

A push unit evolves a network on 26 pictures until it knows them all, with one change of the settings, and asks for the
pictures pushed to the four sides; what is said to those pushed to the right is kept, letter by letter. A families unit
breeds as the run `letters` does, four times as long.

    python3 course.py run letters-moved --seeds 8
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.letters import families
from evidence.runs.letters.task import SIDE, Answer, Sums, glorot, nearest, network
from evidence.runs.twin import descend
from neuroevo import ga, nets
from neuroevo.data import fonts
from neuroevo.data.transforms import moved
from neuroevo.genreg import Settings

PIXELS = (0, 1, 2, 3, 4, 6, 8)  # of 100
AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1))
N_GENERATIONS = {"smoke": 5, "laptop": 400, "full": 400}  # at most, until all pictures are known
N_GRADIENT = {"smoke": 2, "laptop": 20, "full": 20}
N_BREEDINGS = {"smoke": 10, "laptop": 300, "full": 1200}
LOOK_EVERY = {"smoke": 5, "laptop": 25, "full": 25}
REPORT_AT = {"smoke": (5, 10), "laptop": (150, 300), "full": (300, 600, 1200)}
N_FEW_SEEDS = 3  # of faces, trained pushes and families


@dataclass(frozen=True)
class Setting:
    """What decides a push unit beside its seed."""

    family: str = "DejaVu Sans"  # its first face
    scale: float = 0.05  # of a mutation
    start: float = 0.05  # standard deviation of the first weights
    n_hidden: int = 128
    parents: float = 0.05  # share that breeds
    more: int = 0  # generations after all pictures are known
    trained_push: int = 0  # pictures pushed this far to the four sides are trained on, too


SETTINGS = {
    "as in the chapter": Setting(),
    "scale and start 0.01": Setting(scale=0.01, start=0.01),
    "scale and start 0.02": Setting(scale=0.02, start=0.02),
    "scale and start 0.1": Setting(scale=0.1, start=0.1),
    "start 0.01": Setting(start=0.01),
    "scale 0.01": Setting(scale=0.01),
    "32 hidden units": Setting(n_hidden=32),
    "512 hidden units": Setting(n_hidden=512),
    "the best fifth breeds": Setting(parents=0.2),
    "300 generations more": Setting(more=300),
}
FACES = {family: Setting(family=family) for family in dict.fromkeys(source.family for source in fonts.SOURCES)}
PUSHED = {"trained on pushes of 2, too": Setting(trained_push=2)}
FAMILY_SCALES = (0.02, 0.05, 0.1)


@cache
def pictures(family: str) -> Tensor:
    """A to Z in the first face of a family, (26, 10000) in [0, 1]."""
    source = next(source for source in fonts.SOURCES if source.family == family)
    drawn = [fonts.draw(source, "plain", letter, SIDE) for letter in fonts.ALPHABET]
    return torch.stack([torch.from_numpy(picture) for picture in drawn]).flatten(1).float() / 255


def pushed(x: Tensor, pixels: int) -> list[Tensor]:
    """The pictures pushed to the four sides; themselves, once, for no push."""
    return [moved(x, pixels * right, pixels * down) for right, down in AROUND] if pixels else [x]


def evolve(x: Tensor, y: Tensor, s: Setting, rng: torch.Generator, n_generations: int) -> tuple[Sums, int, int]:
    """Breed with log-likelihood until a network knows all of x, and `s.more` generations on.

    Returns the population, the row of its best network, and the generations until all were known (n_generations if
    they never were).
    """
    settings = Settings(init_std=s.start, mutation_scale=s.scale)
    population, known = Sums(x, s.n_hidden, 26, settings, rng), 0
    for generation in range(1, n_generations + s.more + 1):
        logits = population.logits()
        correct = nets.count_correct(logits, y)
        if not known and (correct.max() == len(y) or generation == n_generations):
            known = generation
        if known and generation == known + s.more:
            break
        fitness = nets.mean_log_likelihood(logits, y)
        population.breed(ga.from_best(fitness, settings.n_genomes, rng, s.parents))
    return population, int(correct.argmax()), known


def _push(unit: Unit, context: Context, s: Setting) -> Rows:
    rng, x, y = torch.Generator().manual_seed(unit.seed), pictures(s.family), torch.arange(26)
    shown = [x, *(pushed(x, s.trained_push) if s.trained_push else [])]
    population, best, known = evolve(torch.cat(shown), y.repeat(len(shown)), s, rng, N_GENERATIONS[context.size])
    net = nets.MLP((SIDE**2, s.n_hidden, 26))
    readers: dict[str, Answer] = {
        "evolved": network(net, population.genome(best, rng)),
        "evolved, without drift": network(net, population.genome(best, None)),
        "template": lambda asked: nearest(asked, x, y),
    }
    if unit.method == "as in the chapter":
        for name, start in (("gradient", None), ("gradient, same start", s.start)):
            readers[name] = network(net, _by_gradient(net, x, y, start, rng, N_GRADIENT[context.size]))
    rows = []
    for reader, answer in readers.items():
        for pixels in PIXELS:
            answers = [answer(asked) for asked in pushed(x, pixels)]
            right = sum(int((said == y).sum()) for said in answers) / len(answers)
            row = {"setting": unit.method, "seed": unit.seed, "reader": reader, "pixels": pixels, "right": right}
            to_the_right = "".join(fonts.ALPHABET[said] for said in answers[0].tolist())
            rows.append(row | {"generations": known, "said": to_the_right})
    return {"pushes": rows}


def _by_gradient(
    net: nets.MLP, x: Tensor, y: Tensor, start: float | None, rng: torch.Generator, n_steps: int
) -> Tensor:
    """A genome by Adam; from Glorot's first draw if `start` is None."""
    genome = glorot(net, rng) if start is None else net.init(1, start, rng).requires_grad_()
    adam = torch.optim.Adam([genome], lr=0.001)
    for _ in range(n_steps):
        descend(net, genome, adam, x, y)
    return genome.detach()[0]


@torch.inference_mode()
def _families(unit: Unit, context: Context, scale: float) -> Rows:
    """Selection as in `families`, longer; the champion by validation up to each of a few generations."""
    rng, (train, validation, test) = torch.Generator().manual_seed(unit.seed), families._dealt(unit.seed)
    images = families.faces().split(train, validation, test, ["plain"])
    population = families.NET.init(families.N_GENOMES, scale, rng)
    x_v, y_v = images.validation.pixels(), images.validation.y
    champion, highest, reported = population[0], -1.0, {}
    for generation in range(1, N_BREEDINGS[context.size] + 1):
        x, y = families.sample(images.train, rng)
        fitness = nets.mean_log_likelihood(families.NET.forward(population, x), y)
        if generation % LOOK_EVERY[context.size] == 0:
            best = population[int(fitness.argmax())].clone()
            accuracy = float((network(families.NET, best)(x_v) == y_v).float().mean())
            if accuracy > highest:
                champion, highest = best, accuracy
        if generation in REPORT_AT[context.size]:
            reported[generation] = champion
        ga.reproduce_(population, ga.from_best(fitness, families.N_GENOMES, rng, families.ELITE))
        ga.mutate_(population, 0.07, scale, rng)
    images.test.open(f"{unit.key}: score its champions")
    rows = []
    for generation, genome in reported.items():
        for family in test:
            split = families.faces().of([family], ["plain"])
            right = float((network(families.NET, genome)(split.pixels()) == split.y).float().mean())
            row = {"scale": scale, "seed": unit.seed, "generations": generation, "family": family}
            rows.append(row | {"share": 100 * right})
    return {"families": rows}


def units(seeds: list[int]) -> list[Unit]:
    """Seed by seed; faces, trained pushes and families stop at a few seeds."""
    few = [*FACES, *PUSHED, *(f"families {scale:g}" for scale in FAMILY_SCALES)]
    return [
        Unit(method, seed) for seed in seeds for method in (*SETTINGS, *few) if method in SETTINGS or seed < N_FEW_SEEDS
    ]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one unit; rows for the table `pushes` or `families`."""
    if unit.method.startswith("families"):
        return _families(unit, context, float(unit.method.split()[1]))
    return _push(unit, context, (SETTINGS | FACES | PUSHED)[unit.method])


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    everything = SETTINGS | FACES | PUSHED
    return {
        "size": size,
        "settings": {name: dataclasses.asdict(s) for name, s in everything.items()},
        "n_generations": N_GENERATIONS[size],
        "n_gradient_steps": N_GRADIENT[size],
        "families": {"scales": FAMILY_SCALES, "generations": REPORT_AT[size], "as in": "the run letters"},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
