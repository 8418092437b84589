"""Chapter 16: activations and losses that are bred by the accuracy of the networks that they train.

`trees` are functions as genomes, `inner` trains many small networks at once, `outer` breeds the rules. A unit is one
outer run with one seed, its winner judged beside the functions made by hand: the best of six rates on three seeds, then
24 other seeds on test images that no search has seen; and once more at the rate that it was bred with.

    python3 course.py run rules --seeds 8

Predictions before the run of eight (known: the run of three outer runs; and, from a trial of how long it takes, four
winners' own scores of outer run 0: activation 91.5 after six generations and 90.7 after 24, loss 52.0 and 58.2). P15
and P16, committed earlier, are tried in it, too (the arms called "long"; by outer run, their first six generations are
those of the short arms).

P21 Deep: evolved activations are above ReLU, the interval without 0 and less than 6 points wide (with three runs 9.2);
    against the best of the catalogue, and against random trees, the interval holds 0 and the mean is within 1 point.
P22 Noisy: evolved losses are above cross-entropy and below the best GCE; neither interval holds 0.
P23 Noisy letters: they keep more than half of their gain over cross-entropy.
P24 Deep and noisy: both genes are above neither (the interval without 0), at most 2 points above the better single one,
    and within 2 of alternating; against the best by hand the interval holds 0, and that of the interaction does.
P25 At least six of eight activations bred on deep are nearly straight, and at most two of those bred on parity.
P26 Deep and parity: either kind of winner is better at home, and neither interval holds 0 (with three runs one does).
P27 Winners on one fixed seed flatter themselves more than those on fresh seeds; the interval doesn't hold 0.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.rules import inner, outer
from evidence.runs.rules.inner import Genome, Task
from evidence.runs.rules.trees import CATALOGUE

DEEP = Task()
NOISY = Task(hidden=(64,), noise=0.4, n_steps=300)
BOTH = Task(noise=0.4)
RELU, TANH = (Genome(CATALOGUE[name]) for name in ("ReLU", "tanh"))
HAND_LOSSES = ("cross-entropy", "GCE 0.3", "GCE 0.5", "GCE 0.7", "GCE 0.9", "MAE")

TASKS = {
    "deep": DEEP,
    "deep, 600 steps": replace(DEEP, n_steps=600),
    "deep, first weights not scaled": replace(DEEP, scaled=False),
    "deep letters": replace(DEEP, source="letters", n_steps=400),
    "deep, shares learned": replace(DEEP, learned=True),
    "deep parity": replace(DEEP, source="parity"),
    "deep parity, shares learned": replace(DEEP, source="parity", learned=True),
    "noisy": NOISY,
    "noisy, 20 %": replace(NOISY, noise=0.2),
    "noisy letters": replace(NOISY, source="letters"),
    "deep and noisy": BOTH,
}
ARMS: dict[str, tuple[str, tuple[str, ...], Genome, dict[str, bool]]] = {
    "activation": ("deep", ("tree",), TANH, {}),
    "activation, blind": ("deep", ("tree",), TANH, {"blind": True}),
    "activation, parity": ("deep parity", ("tree",), TANH, {}),
    "activation, parity, blind": ("deep parity", ("tree",), TANH, {"blind": True}),
    "loss": ("noisy", ("loss",), RELU, {}),
    "loss, blind": ("noisy", ("loss",), RELU, {"blind": True}),
    "2x2 neither": ("deep and noisy", (), TANH, {}),
    "2x2 activation": ("deep and noisy", ("tree",), TANH, {}),
    "2x2 loss": ("deep and noisy", ("loss",), TANH, {}),
    "2x2 both": ("deep and noisy", ("tree", "loss"), TANH, {}),
    "2x2 alternating": ("deep and noisy", ("tree", "loss"), TANH, {"alternate": True}),
    "hole: one seed": ("noisy", ("loss",), RELU, {"fixed_seed": True}),
    "hole: its own value": ("noisy", ("loss",), RELU, {}),
    "hole: confidence": ("noisy", ("loss",), RELU, {}),
    "hole: training images": ("noisy", ("loss",), RELU, {}),
    "activation, long": ("deep", ("tree",), TANH, {}),
    "activation, blind, long": ("deep", ("tree",), TANH, {"blind": True}),
    "loss, long": ("noisy", ("loss",), RELU, {}),
    "loss, blind, long": ("noisy", ("loss",), RELU, {"blind": True}),
}
MARKS = {
    "hole: its own value": lambda scores: -scores.own_loss,
    "hole: confidence": lambda scores: scores.confidence,
    "hole: training images": lambda scores: scores.train,
}
ELSEWHERE = {  # where winners are judged beside their own task
    "activation": ["deep, 600 steps", "deep, first weights not scaled", "deep letters", "deep parity"],
    "activation, parity": ["deep", "deep letters"],
    "loss": [name for name in TASKS if name.startswith("noisy") and name != "noisy"],
    "activation, blind": ["deep letters"],
    "loss, CMA-ES": ["noisy letters"],
}
RATES = (0.0005, 0.001, 0.003, 0.01, 0.02, 0.04)
N_TUNING, N_JUDGED = {"smoke": 1, "laptop": 3, "full": 3}, {"smoke": 2, "laptop": 24, "full": 24}
TUNING, JUDGED = 90_000_000, 91_000_000  # first seeds
N_GENERATIONS = {"smoke": 1, "laptop": 6, "full": 6}
N_LONG_GENERATIONS = {"smoke": 2, "laptop": 24, "full": 24}
N_HOLE_GENERATIONS = {"smoke": 1, "laptop": 3, "full": 3}  # of fitness that isn't accuracy on validation images
N_CMA_GENERATIONS = {"smoke": 1, "laptop": 7, "full": 7}  # of 16 samples: nearly as many trainings
NECKS = (2, 4, 8)  # width of the third hidden layer
LOOK_EVERY = 20


def _task(name: str, size: str) -> Task:
    return replace(TASKS[name], n_steps=3) if size == "smoke" else TASKS[name]


def judge(
    task: Task, genome: Genome, size: str, stop: bool = False, rates: Sequence[float] = RATES
) -> list[dict[str, Any]]:
    """Rows of one function: the best of `rates` by validation on the tuning seeds, then every judging seed.

    `stop` stops each training where its validation accuracy was highest, in tuning, too.
    """
    look = (LOOK_EVERY if size != "smoke" else 1) if stop else 0
    tuning = range(TUNING, TUNING + N_TUNING[size])
    tried = [genome._replace(log_rate=math.log10(rate)) for rate in rates for _ in tuning]
    scores = inner.train(task, tried, list(tuning) * len(rates), look)
    found = (scores.stopped_validation if stop else scores.validation).view(len(rates), -1).mean(1)
    rate = rates[int(found.argmax())]
    judged = range(JUDGED, JUDGED + N_JUDGED[size])
    scores = inner.train(task, [genome._replace(log_rate=math.log10(rate))] * len(judged), list(judged), look)
    marks = (scores.stopped_validation, scores.stopped_test) if stop else (scores.validation, scores.test)
    return [
        {"rate": rate, "inner_seed": i, "validation": 100 * v, "test": 100 * t}
        for i, (v, t) in enumerate(zip(*(mark.tolist() for mark in marks), strict=True))
    ]


def _bred(unit: Unit, context: Context) -> Rows:
    name, genes, base, how = ARMS.get(unit.method, ("noisy", ("loss",), RELU, {}))
    task, size = _task(name, context.size), context.size
    fitness = outer.fitness_on(task, MARKS.get(unit.method, lambda scores: scores.validation))
    start = time.process_time()
    if unit.method == "loss, CMA-ES":
        n_generations = N_CMA_GENERATIONS[size]
        winner = outer.evolve_by_cma(fitness, unit.seed, base, n_generations)
        n_trainings = 16 * outer.N_SEEDS * n_generations
    else:
        counts = N_HOLE_GENERATIONS if unit.method in MARKS else N_GENERATIONS
        n_generations = (N_LONG_GENERATIONS if unit.method.endswith("long") else counts)[size]
        winner = outer.evolve(fitness, unit.seed, genes, base, n_generations=n_generations, **how)
        n_trainings = outer.N_GENOMES * outer.N_SEEDS * n_generations
    seconds, key = time.process_time() - start, {"method": unit.method, "seed": unit.seed}
    genome = winner.genome
    row = key | {"task": name, "tree": repr(genome.tree), "loss": json.dumps(genome.loss), "log_rate": genome.log_rate}
    row |= {"score": 100 * winner.score, "n_scores": winner.n_scores, "n_trainings": n_trainings}
    rows: Rows = {"winners": [row | {"core_seconds": seconds}], "judged": []}
    rows["families"] = _family(key, winner) if "tree" in genes else []
    own = {"method": f"{unit.method}, own rate", "seed": unit.seed, "task": name}
    rows["judged"] += [own | line for line in judge(task, genome, size, rates=[10**genome.log_rate])]
    for where in [name, *ELSEWHERE.get(unit.method, [])]:
        rows["judged"] += [key | {"task": where} | line for line in judge(_task(where, size), genome, size)]
    return rows


def _family(key: dict[str, Any], winner: outer.Winner) -> list[dict[str, Any]]:
    """Parents of each generation, best first.

    `mother` is her place among the parents before, or the genome's own place if it was one of them; -1: none of them.
    """
    rows: list[dict[str, Any]] = []
    before: list[Genome] = []
    for generation, parents in enumerate(winner.line):
        for place, (genome, score) in enumerate(parents.items()):
            source = genome if genome in before else winner.born[genome][1]
            row = key | {"generation": generation, "place": place, "tree": repr(genome.tree), "score": 100 * score}
            rows.append(row | {"mother": before.index(source) if source in before else -1})
        before = list(parents)
    return rows


def _by_hand(context: Context) -> Rows:
    rows, size = [], context.size
    for where in TASKS:
        task = _task(where, size)
        functions: dict[str, Genome] = {}
        if where.startswith("deep"):
            few = where == "deep, 600 steps" or task.learned
            names = ("identity", "ReLU", "tanh") if few else CATALOGUE
            functions = {name: Genome(CATALOGUE[name]) for name in names}
        if where == "deep and noisy":
            functions |= {f"tanh, {loss}": TANH._replace(loss=loss) for loss in HAND_LOSSES[1:]}
        if where.startswith("noisy"):
            functions = {loss: RELU._replace(loss=loss) for loss in HAND_LOSSES}
        for name, genome in functions.items():
            key = {"method": name, "seed": -1, "task": where}
            rows += [key | line for line in judge(task, genome, size)]
            if genome.loss == "cross-entropy" and "noisy" in where and name in ("cross-entropy", "tanh"):
                rows += [key | {"method": f"{name}, stopped"} | line for line in judge(task, genome, size, stop=True)]
    return {"judged": rows}


def _necks(context: Context) -> Rows:
    rows = []
    for width in NECKS:
        task = replace(_task("deep", context.size), hidden=(16, 16, width, 16, 16, 16))
        for name in ("identity", "ReLU", "tanh", "swish"):
            found = judge(task, Genome(CATALOGUE[name]), context.size)
            rows += [{"activation": name, "width": width} | line for line in found]
    return {"necks": rows}


def units(seeds: list[int]) -> list[Unit]:
    """What is made by hand once, then seed by seed; the long arms when all others are done."""
    bred = [Unit(method, seed) for seed in seeds for method in [*ARMS, "loss, CMA-ES"]]
    bred.sort(key=lambda unit: unit.method.endswith("long"))
    return [Unit("by hand", 0), Unit("necks", 0), *bred]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one unit; rows for the tables winners, families, judged and necks."""
    if unit.method == "by hand":
        return _by_hand(context)
    return _necks(context) if unit.method == "necks" else _bred(unit, context)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    constants: Sequence[str] = ("N_GENOMES", "N_PARENTS", "N_SEEDS")
    return {
        "size": size,
        "tasks": {name: asdict(task) for name, task in TASKS.items()},
        "outer": {name: getattr(outer, name) for name in constants},
        "n_generations": N_GENERATIONS[size],
        "n_long_generations": N_LONG_GENERATIONS[size],
        "n_hole_generations": N_HOLE_GENERATIONS[size],
        "n_cma_generations": N_CMA_GENERATIONS[size],
        "rates": RATES,
        "n_tuning_seeds": N_TUNING[size],
        "n_judging_seeds": N_JUDGED[size],
        "catalogue": {name: repr(tree) for name, tree in CATALOGUE.items()},
        "hand losses": HAND_LOSSES,
    }


EXPERIMENT = Experiment(units, run_unit, settings)
