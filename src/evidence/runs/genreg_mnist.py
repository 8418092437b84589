"""GENREG on MNIST at the published size: the printed rule, one change at a time, and what it must be compared with.

Every method trains on the first 55,000 training images, chooses its champion on the other 5,000, and opens the test
set once, for that champion.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from sklearn.neighbors import NearestCentroid
from torch import Tensor

from evidence.recorder import Recorder, load, right_answers
from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.rule import Rule
from evidence.runs.twin import batches, descend, glorot
from neuroevo import nets
from neuroevo.budget import Budget
from neuroevo.files import replacing
from neuroevo.genreg import GENREG, Settings, uninterrupted
from neuroevo.strategies import OpenAIES

NET = nets.MLP((784, 64, 10))
SOFTMAX = nets.MLP((784, 10))
IMAGES_PER_CLASS = 20
BATCH = 256
TUNING_SEED = 100  # used for the sweeps only, so no seed of the comparison was tuned on

N_GENERATIONS = {"smoke": 12, "laptop": 150, "full": 600}
N_GENOMES = {"smoke": 20, "laptop": 200, "full": 200}
N_EPOCHS = {"smoke": 0.05, "laptop": 3.0, "full": 20.0}
CHECKPOINT_EVERY = 100

PRINTED = Settings()


def _rule(soft: bool = False, **changes: Any) -> Rule:
    return Rule(dataclasses.replace(PRINTED, **changes), soft)


RULES = {
    "printed": _rule(),
    # What the published weights suggest (chapter 10, the molecular clock).
    "printed, sigma 0.1": _rule(mutation_scale=0.1, init_std=0.1),
    # Readings of what the printed code leaves open: who lives on, and whether trust then piles up.
    "five elites": _rule(births=195),
    "five elites, no memory": _rule(births=195, trust_decay=1.0),
    "top fifth lives on": _rule(births=160),
    "top fifth lives on, no memory": _rule(births=160, trust_decay=1.0),
    "five births": _rule(births=5),
    "five births, no memory": _rule(births=5, trust_decay=1.0),
    # One change each.
    "no memory": _rule(trust_decay=1.0),
    "uniform parents": _rule(parent_choice="uniform"),
    "top 5 %": _rule(survival_cutoff=0.05),
    "sigma 0.02": _rule(mutation_scale=0.02),
    "log-likelihood": _rule(soft=True),
    # One more change at every step.
    "log-likelihood, top 5 %": _rule(soft=True, survival_cutoff=0.05),
    "log-likelihood, top 5 %, sigma 0.02": _rule(soft=True, survival_cutoff=0.05, mutation_scale=0.02),
}

# Four values each, one run a value, the best on validation: the same tuning for all.
SWEEPS: dict[str, list[float]] = {
    "printed": [0.01, 0.03, 0.1, 0.3],  # mutation scale
    "random search": [0.02, 0.05, 0.1, 0.3],  # standard deviation of the weights
    "evolution strategy": [0.003, 0.01, 0.03, 0.1],  # learning rate
    "gradient": [0.0003, 0.001, 0.003, 0.01],  # learning rate
    "softmax": [0.0003, 0.001, 0.003, 0.01],  # learning rate
}
TUNED = {"random search": 0.1, "evolution strategy": 0.003, "gradient": 0.003, "softmax": 0.003}


class DigitRecorder(Recorder[nets.MLP]):
    """A recorder that also watches each digit, and the weights of the pixels that no image lights.

    The second is chapter 10's molecular clock: no fitness sees those weights, so they show drift alone.
    """

    def __init__(self, unit: Unit, context: Context, net: nets.MLP) -> None:
        super().__init__(unit, context, net)
        self.dead = self.train.x.max(dim=0).values == 0

    def look(self, genome: Tensor, step: int | None = None, **columns: float) -> Tensor:
        """As `Recorder.look`; the curve gets the spread of weights and the right answers of each digit, too."""
        with torch.no_grad():
            weights = self.net.layers(genome[None])[0][0][0]
            dead, live = weights[:, self.dead].std(), weights[:, ~self.dead].std()
        right = super().look(genome, step, dead_std=float(dead), live_std=float(live), **columns)
        counts = torch.bincount(self.validation[1][right], minlength=10).tolist()
        self.curve[-1] |= {f"validation_{digit}": count for digit, count in enumerate(counts)}
        return right


def _run_rule(unit: Unit, context: Context, rule: Rule) -> Rows:
    recorder = DigitRecorder(unit, context, NET)
    n_genomes, births = N_GENOMES[context.size], rule.settings.births
    births = births and max(1, births * n_genomes // PRINTED.n_genomes)
    settings = dataclasses.replace(rule.settings, n_genomes=n_genomes, births=births)
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    state = _resume(context, recorder) or GENREG.start(NET, settings, rng)
    n_generations = N_GENERATIONS[context.size]
    bar = context.bar(None, unit, "gen", total=n_generations, initial=state.generation)
    saved = state.generation
    try:
        while state.generation < n_generations:
            # Half a generation has drawn its images but not told: a stop waits, and the resumed run is the same run.
            with uninterrupted():
                with recorder.budget.clock(), torch.inference_mode():
                    x, y = recorder.train.sample(IMAGES_PER_CLASS, state.rng)
                    logits = NET.forward(state.ask(), x)
                    recorder.budget.forward(settings.n_genomes, len(y))
                    correct = nets.count_correct(logits, y)
                    scores = rule.scores(logits, correct, y)
                best = int(scores.argmax())
                # The population is about to change: look at the best row while it is there.
                if (state.generation + 1) % 10 == 0 or state.generation == 0:
                    own = float(correct[best]) / len(y)
                    trust = float(state.trust.max())
                    recorder.look(state.ask()[best], state.generation + 1, own_images=own, max_trust=trust)
                with recorder.budget.clock():
                    state.tell(scores)
            bar.update()
            if state.generation - saved >= CHECKPOINT_EVERY:
                _checkpoint(context, recorder, state)
                saved = state.generation
    except KeyboardInterrupt:
        if state.generation:
            _checkpoint(context, recorder, state)
        raise
    finally:
        bar.close()
    return recorder.rows()


def _checkpoint(context: Context, recorder: DigitRecorder, state: GENREG) -> None:
    """Write all that the unit needs to go on; the folder appears under its name only when it is whole.

    A whole checkpoint is deleted only when a later one is whole, so a kill at any moment leaves one to go on from.
    """
    folder = context.scratch / f"generation-{state.generation:05d}"
    if folder.exists():  # stopped before the next generation: this one is saved
        return
    older = list(context.scratch.glob("generation-*"))
    with replacing(folder) as part:
        state.save(part / "state.safetensors")
        assert recorder.champion is not None
        save_file({"champion": recorder.champion.cpu()}, part / "champion.safetensors")
        log = {"curve": recorder.curve, "chosen": recorder.chosen, "budget": dataclasses.asdict(recorder.budget)}
        (part / "log.json").write_text(json.dumps(log), "utf-8")
    for path in older:
        shutil.rmtree(path)


def _resume(context: Context, recorder: DigitRecorder) -> GENREG | None:
    folders = sorted(context.scratch.glob("generation-*"))
    if not folders:
        return None
    log = json.loads((folders[-1] / "log.json").read_text("utf-8"))
    recorder.curve, recorder.chosen, recorder.budget = log["curve"], log["chosen"], Budget(**log["budget"])
    recorder.champion = load_file(folders[-1] / "champion.safetensors")["champion"].to(context.device)
    return GENREG.load(folders[-1] / "state.safetensors", NET, context.device)


def _run_random(unit: Unit, context: Context, std: float) -> Rows:
    """Random search: as many fresh random networks as GENREG evaluates, on the same kind of batch."""
    recorder = DigitRecorder(unit, context, NET)
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    for step in context.bar(range(1, N_GENERATIONS[context.size] + 1), unit, "gen"):
        with recorder.budget.clock(), torch.inference_mode():
            population = NET.init(N_GENOMES[context.size], std, rng)
            x, y = recorder.train.sample(IMAGES_PER_CLASS, rng)
            correct = nets.count_correct(NET.forward(population, x), y)
            recorder.budget.forward(len(population), len(y))
        best = int(correct.argmax())
        recorder.look(population[best], step, own_images=float(correct[best]) / len(y))
    return recorder.rows()


def _run_strategy(unit: Unit, context: Context, learning_rate: float) -> Rows:
    """OpenAI's evolution strategy with GENREG's population and images, fitness by log-likelihood."""
    recorder = DigitRecorder(unit, context, NET)
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    mean = NET.init(1, PRINTED.init_std, rng)[0]
    strategy = OpenAIES(mean, n_pairs=N_GENOMES[context.size] // 2, sigma=0.02, learning_rate=learning_rate, rng=rng)
    for step in context.bar(range(1, N_GENERATIONS[context.size] + 1), unit, "gen"):
        with recorder.budget.clock(), torch.no_grad():
            population = strategy.ask()
            x, y = recorder.train.sample(IMAGES_PER_CLASS, rng)
            strategy.tell(nets.mean_log_likelihood(NET.forward(population, x), y))
            recorder.budget.forward(len(population), len(y))
        if step % 10 == 0 or step == 1:
            recorder.look(strategy.mean, step)
    return recorder.rows()


def _run_gradient(unit: Unit, context: Context, net: nets.MLP, learning_rate: float) -> Rows:
    """The gradient-trained twin: a population of one, the same forward function, cross-entropy, Adam."""
    recorder = DigitRecorder(unit, context, net)
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    genome = glorot(net, rng)
    adam = torch.optim.Adam([genome], lr=learning_rate)
    coming = batches(recorder.train, BATCH, rng)
    n_steps = max(1, int(N_EPOCHS[context.size] * len(recorder.train) / BATCH))
    for step in context.bar(range(1, n_steps + 1), unit, "step"):
        with recorder.budget.clock():
            x, y = next(coming)
            descend(net, genome, adam, x, y)
            recorder.budget.gradient(1, len(y))
        # Often at first, where it climbs through the accuracies that selection reaches.
        if step == n_steps or step % (5 if step < 100 else 50) == 0:
            recorder.look(genome[0].detach(), step)
    return recorder.rows()


def _run_centroid(unit: Unit, context: Context) -> Rows:
    """Nearest class mean: no search at all. It has no randomness, so it runs once."""
    images, budget = load(context.size), Budget()
    with budget.clock(), warnings.catch_warnings():
        # Of pixels that are the same in all images of a class; the class means don't mind.
        warnings.filterwarnings("ignore", "self.within_class_std_dev_", UserWarning)
        model = NearestCentroid().fit(images.train.pixels().numpy(), images.train.y.numpy())
        budget.forward(1, len(images.train))
    validation = float(model.score(images.validation.pixels().numpy(), images.validation.y.numpy()))
    test = images.test.open("nearest class mean")
    answers = torch.as_tensor(model.predict(test.pixels().numpy()))
    final = {"method": unit.method, "seed": unit.seed, "n_params": 7840} | dataclasses.asdict(budget)
    return {"finals": [final | {"validation": validation, "champion_step": 1} | right_answers(answers, test.y)]}


_TRIED: dict[str, Callable[[float], Callable[[Unit, Context], Rows]]] = {  # with one value of what the sweep varies
    "printed": lambda value: partial(_run_rule, rule=_rule(mutation_scale=value)),
    "random search": lambda value: partial(_run_random, std=value),
    "evolution strategy": lambda value: partial(_run_strategy, learning_rate=value),
    "gradient": lambda value: partial(_run_gradient, net=NET, learning_rate=value),
    "softmax": lambda value: partial(_run_gradient, net=SOFTMAX, learning_rate=value),
}
RUNNERS: dict[str, Callable[[Unit, Context], Rows]] = {
    **{method: partial(_run_rule, rule=rule) for method, rule in RULES.items()},
    **{method: _TRIED[method](value) for method, value in TUNED.items()},
    "nearest class mean": _run_centroid,
    **{f"sweep {method} {v:g}": _TRIED[method](v) for method, values in SWEEPS.items() for v in values},
}


def units(seeds: list[int]) -> list[Unit]:
    """Seed by seed, so that a stopped run has whole comparisons; the sweeps have a seed of their own."""
    sweeps = [Unit(method, TUNING_SEED) for method in RUNNERS if method.startswith("sweep")]
    compared = [m for m in RUNNERS if not m.startswith("sweep") and m != "nearest class mean"]
    return sweeps + [Unit("nearest class mean", 0)] + [Unit(method, seed) for seed in seeds for method in compared]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one method with one seed; its rows for the tables finals and curves, or sweeps."""
    return RUNNERS[unit.method](unit, context)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "data": load(size).source,
        "net": NET.sizes,
        "n_generations": N_GENERATIONS[size],
        "n_genomes": N_GENOMES[size],
        "images_per_class": IMAGES_PER_CLASS,
        "n_epochs": N_EPOCHS[size],
        "batch": BATCH,
        "tuned": TUNED,
        "rules": {method: dataclasses.asdict(rule) for method, rule in RULES.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
