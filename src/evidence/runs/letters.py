"""Twenty-six letters (chapter 12): the seed's own task at its size, and letters of fonts that training has not seen.

The task: one picture of 100 x 100 pixels for each letter, a network 10000-128-26, and the training pictures as the
test. Because the pictures are fixed, a genome needs only its sums (weights times picture) while it evolves: see `Sums`.
What it learned is then asked of letters that were moved, turned, or drawn in another face.

The fonts: a network 1024-32-26 on letters of 32 x 32 pixels. Every seed deals the eleven families out anew: six to
train on (of which the first k are used), two to choose the champion, three for the test.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import data, ga, nets
from neuroevo.budget import Budget, peak_megabytes
from neuroevo.data import fonts
from neuroevo.data.transforms import moved
from neuroevo.genreg import Settings, reward

TUNING_SEED = 100  # of the sweeps only: a first population, and a deal of the families, that no judged run has


# The task


TASK = nets.MLP((10_000, 128, 26))
SIDE = 100
N_GENERATIONS = {"smoke": 5, "laptop": 400, "full": 1862}  # the published checkpoint's generation
SWEEP_GENERATIONS = {"smoke": 3, "laptop": 100, "full": 400}


@dataclasses.dataclass(frozen=True)
class Rule:
    """How one generation follows another: GENREG's settings, and whether the reward is the count of right answers (as
    printed) or the mean log-likelihood of the right class."""

    settings: Settings
    soft: bool = False


def _printed(scale: float) -> Rule:
    return Rule(Settings(mutation_scale=scale, init_std=scale))


def _soft(scale: float) -> Rule:
    settings = Settings(mutation_scale=scale, init_std=scale, survival_cutoff=0.05, parent_choice="uniform")
    return Rule(settings, soft=True)


TASK_SCALES = (0.01, 0.02, 0.05, 0.1)
TASK_RULES = {"printed": _printed(0.05), "log-likelihood": _soft(0.05)}


@cache
def task_images() -> tuple[Tensor, Tensor]:
    """The 26 pictures, (26, 10000) in [0, 1], in DejaVu Sans, and their classes."""
    (source, *_) = fonts.SOURCES
    pictures = [fonts.draw(source, "plain", letter, SIDE) for letter in fonts.ALPHABET]
    return torch.stack([torch.from_numpy(p) for p in pictures]).flatten(1).float() / 255, torch.arange(26)


class Sums:
    """A population of networks with one hidden layer of tanh that are only ever shown the same few pictures x.

    A hidden unit sees its weights w only through the sums w x^T, one a picture. Normal noise on w moves them by normal
    noise of covariance scale^2 x x^T, so a genome can hold its sums in place of its weights.

    Args:
        x: (n, n_inputs) the pictures.
        n_hidden, n_outputs: of the network.
        settings: of the population.
        rng: source of randomness.

    Attributes:
        sums: (n_genomes, n_hidden, n), without the biases.
        rest: (n_genomes, n_hidden + n_outputs * (n_hidden + 1)): biases, then the second layer as in `nets.MLP`.
        variance: of each first-layer weight of a genome, wherever no picture looks.
    """

    def __init__(self, x: Tensor, n_hidden: int, n_outputs: int, settings: Settings, rng: torch.Generator) -> None:
        self.x, self.settings, self.rng = x, settings, rng
        self.readout = nets.MLP((n_hidden, n_outputs))
        gram = (x @ x.T).double()
        self.root = torch.linalg.cholesky(gram).float()
        n_rest = n_hidden + self.readout.n_params
        self.sums = settings.init_std * self._noise((settings.n_genomes, n_hidden, len(x)))
        self.rest = settings.init_std * torch.randn((settings.n_genomes, n_rest), generator=rng)
        self.variance = settings.init_std**2

    def _noise(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self.rng) @ self.root.T

    def logits(self) -> Tensor:
        """(n_genomes, n, n_outputs)."""
        n_hidden = self.sums.shape[1]
        hidden = torch.tanh(self.sums + self.rest[:, :n_hidden, None])
        weights, biases = self.readout.layers(self.rest[:, n_hidden:])[0]
        return torch.baddbmm(biases.unsqueeze(2), weights, hidden).transpose(1, 2)

    def breed(self, parents: Tensor) -> Tensor:
        """Replace everybody by mutated children of these parents; returns each row's parent."""
        origin = ga.reproduce_(self.rest, parents)
        self.sums = self.sums[origin]
        rate, scale = self.settings.child_mutation_rate, self.settings.mutation_scale
        ga.mutate_(self.rest, rate, scale, self.rng)
        # A picture has a thousand lit pixels or more, so the sum over the 7 % that are hit is close to normal.
        self.sums += scale * math.sqrt(rate) * self._noise(tuple(self.sums.shape))
        self.variance += rate * scale**2
        return origin

    def genome(self, row: int, rng: torch.Generator | None) -> Tensor:
        """A row of `nets.MLP((n_inputs, n_hidden, n_outputs))` with these sums, (n_params,).

        The pictures fix each unit's weights along 26 directions. Along all others no selection looked, so they hold
        their start and all the noise since: drawn from `rng`, or left out if it is None.
        """
        fixed = self.sums[row] @ torch.cholesky_solve(self.x, self.root)
        if rng is not None:
            drift = math.sqrt(self.variance) * torch.randn(fixed.shape, generator=rng)
            fixed += drift - (drift @ self.x.T) @ torch.cholesky_solve(self.x, self.root)
        return torch.cat([fixed.flatten(), self.rest[row]])


def evolve(rule: Rule, rng: torch.Generator, n_generations: int, progress: bool = False) -> tuple[Sums, int, int, int]:
    """Breed networks on the 26 pictures until one knows them all.

    Returns:
        The population, the row of its best network, that network's right answers, and the generations it took
        (`n_generations` if none got all of them: then the best network of the last one, which need not be the best
        that there ever was).
    """
    (x, y), s = task_images(), rule.settings
    population, trust = Sums(x, TASK.sizes[1], 26, s, rng), torch.zeros(s.n_genomes)
    for generation in tqdm(range(1, n_generations + 1), disable=not progress):
        logits = population.logits()
        correct = nets.count_correct(logits, y)
        best = int(correct.argmax())
        if correct[best] == len(y) or generation == n_generations:
            break
        rewards = nets.mean_log_likelihood(logits, y) if rule.soft else reward(correct, len(y), s)
        trust = trust * (1 - s.trust_decay) + rewards if not rule.soft else rewards
        survivors = ga.truncation(trust, s.survival_cutoff)
        weights = trust[survivors] if s.parent_choice == "trust" else torch.ones(len(survivors))
        parents = ga.proportional(survivors, weights, s.n_genomes, rng)
        trust = trust[population.breed(parents)] * s.trust_inheritance
    return population, best, int(correct[best]), generation


@cache
def task_questions() -> dict[str, list[Tensor]]:
    """What a network that knows the 26 pictures is asked next: name -> pictures of A to Z, (26, 10000) each."""
    x, _ = task_images()
    around = ((1, 0), (-1, 0), (0, 1), (0, -1))
    questions = {"as trained": [x]}
    for pixels in (1, 2, 5):
        questions[f"moved by {pixels}"] = [moved(x, pixels * right, pixels * down) for right, down in around]
    for degrees in (5, 10):
        questions[f"turned by {degrees}"] = [moved(x, degrees=degrees), moved(x, degrees=-degrees)]
    faces = data.letters(SIDE)
    pictures = faces.x.view(len(faces.faces), 26, -1).float() / 255
    same = [face.family == "DejaVu Sans" for face in faces.faces]
    questions["same family"] = [p for p, is_same in zip(pictures[1:], same[1:], strict=True) if is_same]
    questions["other families"] = [p for p, is_same in zip(pictures, same, strict=True) if not is_same]
    return questions


Answer = Callable[[Tensor], Tensor]


def _ask(unit: Unit, method: str, answer: Answer) -> list[dict[str, Any]]:
    """Right answers of 26, the mean over the pictures of a question; `answer` maps (26, 10000) to (26,) classes."""
    y = torch.arange(26)
    rows = []
    for question, pictures in task_questions().items():
        right = sum(int((answer(x) == y).sum()) for x in pictures) / len(pictures)
        rows.append({"method": method, "seed": unit.seed, "question": question, "right": right})
    return rows


def _network(net: nets.MLP, genome: Tensor) -> Answer:
    def answer(x: Tensor) -> Tensor:
        with torch.no_grad():
            return net.forward(genome[None], x)[0].argmax(dim=1)

    return answer


def _run_rule(unit: Unit, context: Context, rule: Rule) -> Rows:
    rng, budget = torch.Generator().manual_seed(unit.seed), Budget()
    limit = (SWEEP_GENERATIONS if "sweep" in unit.method else N_GENERATIONS)[context.size]
    with budget.clock():
        population, best, right, generation = evolve(rule, rng, limit, context.progress)
    budget.forward(rule.settings.n_genomes * generation, 26)
    run = {"method": unit.method, "seed": unit.seed, "right": right, "generations": generation}
    run |= dataclasses.asdict(budget) | {"peak_megabytes": round(peak_megabytes())}
    run |= {"scale": rule.settings.mutation_scale}
    if "sweep" in unit.method:
        return {"task_sweeps": [run]}
    name = unit.method.removeprefix("task ")
    asked = _ask(unit, name, _network(TASK, population.genome(best, rng)))
    asked += _ask(unit, f"{name}, without drift", _network(TASK, population.genome(best, None)))
    return {"task_runs": [run], "task": asked}


def nearest(x: Tensor, templates: Tensor, classes: Tensor) -> Tensor:
    """The class of the nearest template: (n, n_pixels), (m, n_pixels) and (m,) to (n,)."""
    return classes[torch.cdist(x, templates).argmin(dim=1)]


def _run_template(unit: Unit, context: Context) -> Rows:
    x, y = task_images()
    return {"task": _ask(unit, "nearest template", lambda pictures: nearest(pictures, x, y))}


def _run_features(unit: Unit, context: Context) -> Rows:
    """128 hidden units that nobody trained, and the readout by least squares."""
    x, y = task_images()
    rng = torch.Generator().manual_seed(unit.seed)
    weights = torch.randn((x.shape[1], TASK.sizes[1]), generator=rng) / x.square().sum(dim=1).mean().sqrt()

    def hidden(pictures: Tensor) -> Tensor:
        return torch.cat([torch.tanh(pictures @ weights), torch.ones(len(pictures), 1)], dim=1)

    readout = torch.linalg.pinv(hidden(x)) @ functional.one_hot(y, 26).float()
    return {"task": _ask(unit, "random features", lambda pictures: (hidden(pictures) @ readout).argmax(dim=1))}


def _run_task_gradient(unit: Unit, context: Context) -> Rows:
    x, y = task_images()
    rng = torch.Generator().manual_seed(unit.seed)
    genome = glorot(TASK, rng)
    budget = Budget()
    with budget.clock():
        adam = torch.optim.Adam([genome], lr=0.001)
        for _ in range(3 if context.size == "smoke" else 20):
            _descend(TASK, genome, adam, x, y)
            budget.gradient(1, 26)
    return {"task": _ask(unit, "gradient", _network(TASK, genome.detach()[0]))}


# The fonts


NET = nets.MLP((1024, 32, 26))
LINEAR = nets.MLP((1024, 26))
N_TRAIN, N_VALIDATION = 6, 2  # families; the other three are the test
K_FAMILIES = (1, 2, 4, 6)
PER_LETTER = 4  # images of every letter in a batch
N_STEPS = {"smoke": 20, "laptop": 300, "full": 500}  # of gradient descent
N_BREEDINGS = {"smoke": 5, "laptop": 150, "full": 300}  # generations of selection
N_GENOMES, ELITE = 100, 0.1
LOOK_EVERY = {
    "smoke": 5,
    "laptop": 25,
    "full": 25,
}  # steps, or generations, between two looks at the validation families
SWEEPS = {"gradient": (0.0003, 0.001, 0.003, 0.01), "linear": (0.0003, 0.001, 0.003, 0.01), "selection": TASK_SCALES}
TUNED = {"gradient": 0.003, "linear": 0.01, "selection": 0.05}
N_IMAGES = 8  # of every letter, where the number of images is held and the number of families is not
DISTURBED_SEED = 12  # of the disturbed test images: the same for all methods of a seed
N_DISTURBED = 3  # disturbed copies of each test image


@cache
def _faces() -> data.Letters:
    return data.letters(variants=tuple(fonts.VARIANTS))


def deal(families: Sequence[str], rng: torch.Generator) -> tuple[list[str], list[str], list[str]]:
    """Families for training, in the order in which they come in, for validation and for the test."""
    order = [families[i] for i in torch.randperm(len(families), generator=rng)]
    return order[:N_TRAIN], order[N_TRAIN : N_TRAIN + N_VALIDATION], order[N_TRAIN + N_VALIDATION :]


def shift(x: Tensor, rng: torch.Generator) -> Tensor:
    """Each picture moved by up to two pixels along and down."""
    by = 4 * torch.rand((2, len(x)), generator=rng) - 2
    return moved(x, by[0], by[1])


def turn(x: Tensor, rng: torch.Generator) -> Tensor:
    """Each picture turned by up to 15 degrees either way."""
    return moved(x, degrees=30 * torch.rand(len(x), generator=rng) - 15)


def noise(x: Tensor, rng: torch.Generator) -> Tensor:
    """Normal noise of standard deviation 0.2 on each pixel."""
    return x + 0.2 * torch.randn(x.shape, generator=rng)


def disturb(x: Tensor, rng: torch.Generator) -> Tensor:
    """All three."""
    by = 4 * torch.rand((2, len(x)), generator=rng) - 2
    return noise(moved(x, by[0], by[1], 30 * torch.rand(len(x), generator=rng) - 15), rng)


Change = Callable[[Tensor, torch.Generator], Tensor]
CHANGES: dict[str, Change] = {"shifts": shift, "turns": turn, "noise": noise, "all three": disturb}


def glorot(net: nets.MLP, rng: torch.Generator) -> Tensor:
    """One genome, (1, n_params), that requires a gradient: normal weights of variance 2 / (in + out), biases 0."""
    genome = torch.zeros(1, net.n_params)
    for weights, _ in net.layers(genome):
        _, n_out, n_in = weights.shape
        weights.copy_(math.sqrt(2 / (n_in + n_out)) * torch.randn(weights.shape, generator=rng))
    return genome.requires_grad_()


def _descend(net: nets.MLP, genome: Tensor, adam: torch.optim.Adam, x: Tensor, y: Tensor) -> None:
    loss = -nets.mean_log_likelihood(net.forward(genome, x), y).sum()
    adam.zero_grad()
    loss.backward()
    adam.step()


def sample(split: data.Split, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch: PER_LETTER images of every letter, with replacement where there are fewer."""
    rows = [letter[torch.randint(len(letter), (PER_LETTER,), generator=rng)] for letter in split.per_class]
    chosen = torch.cat(rows)
    return split.pixels(chosen), split.y[chosen]


@dataclasses.dataclass
class _Training:
    """One training: its data, its change of the images, and the champion by validation."""

    net: nets.MLP
    images: data.ImageData
    rng: torch.Generator
    size: str
    change: Change | None = None
    budget: Budget = dataclasses.field(default_factory=Budget)
    curve: list[dict[str, float]] = dataclasses.field(default_factory=list)
    champion: Tensor | None = None
    score: float = -1.0

    def batch(self) -> tuple[Tensor, Tensor]:
        x, y = sample(self.images.train, self.rng)
        return (self.change(x, self.rng) if self.change else x), y

    def look(self, genome: Tensor) -> None:
        validation = self.images.validation
        with torch.no_grad():
            score = float(nets.accuracy(self.net.forward(genome[None], validation.pixels()), validation.y))
        self.curve.append({"evaluations": self.budget.evaluations, "validation": score})
        if score > self.score:
            self.score, self.champion = score, genome.clone()

    def by_gradient(self, learning_rate: float) -> None:
        genome, n_steps = glorot(self.net, self.rng), N_STEPS[self.size]
        adam = torch.optim.Adam([genome], lr=learning_rate)
        with self.budget.clock():
            for step in range(1, n_steps + 1):
                x, y = self.batch()
                _descend(self.net, genome, adam, x, y)
                self.budget.gradient(1, len(y))
                if step % LOOK_EVERY[self.size] == 0:
                    self.look(genome.detach()[0])

    def by_selection(self, scale: float) -> None:
        """GENREG's loop with log-likelihood: the best tenth are parents, all children are mutated."""
        population = self.net.init(N_GENOMES, scale, self.rng)
        with self.budget.clock(), torch.inference_mode():
            for generation in range(1, N_BREEDINGS[self.size] + 1):
                x, y = self.batch()
                fitness = nets.mean_log_likelihood(self.net.forward(population, x), y)
                self.budget.forward(N_GENOMES, len(y))
                if generation % LOOK_EVERY[self.size] == 0:
                    self.look(population[int(fitness.argmax())])
                ga.reproduce_(population, ga.from_best(fitness, N_GENOMES, self.rng, ELITE))
                ga.mutate_(population, 0.07, scale, self.rng)


@dataclasses.dataclass
class _Model:
    """Something that reads letters, with what the tables say about it."""

    method: str
    n_families: int
    n_images: int
    answer: Answer
    change: str = "none"


def _judge(unit: Unit, models: list[_Model], test: data.TestVault, confusions: bool = False) -> Rows:
    """Open the test families, once, for all models of a unit; right answers by family, as they are and disturbed."""
    split, (_, _, families) = test.open(f"{unit.key}: score its champions"), _dealt(unit.seed)
    # `of` keeps the order of the faces, not that of the names that it is given.
    in_order = [family for family in _faces().families if family in families]
    sizes = [len(_faces().of([family], ["plain"])) for family in in_order]
    rng, x = torch.Generator().manual_seed(DISTURBED_SEED), split.pixels()
    asked = {"as drawn": [x], "disturbed": [disturb(x, rng) for _ in range(N_DISTURBED)]}
    rows, mixed = [], []
    for model in models:
        shared = {"method": model.method, "seed": unit.seed, "n_families": model.n_families}
        shared |= {"n_images": model.n_images, "change": model.change}
        for question, pictures in asked.items():
            right = sum((model.answer(p) == split.y).float() for p in pictures) / len(pictures)
            for family, part in zip(in_order, torch.as_tensor(right).split(sizes), strict=True):
                row = {"question": question, "family": family, "right": round(float(part.sum()), 3), "n": len(part)}
                rows.append(shared | row)
        if confusions and model.n_families == N_TRAIN:
            table = torch.bincount(26 * split.y + model.answer(x), minlength=26 * 26).view(26, 26)
            for letter, answer in table.nonzero().tolist():
                pair = {"letter": fonts.ALPHABET[letter], "answer": fonts.ALPHABET[answer]}
                mixed.append({"method": model.method, "seed": unit.seed} | pair | {"count": int(table[letter, answer])})
    return {"fonts": rows} | ({"confusions": mixed} if mixed else {})


def _dealt(seed: int) -> tuple[list[str], list[str], list[str]]:
    return deal(_faces().families, torch.Generator().manual_seed(seed))


def _images(seed: int, k: int, variants: Sequence[str] = ("plain",)) -> data.ImageData:
    """The first k training families of a seed's deal; the validation and test families don't depend on k."""
    train, validation, test = _dealt(seed)
    return _faces().split(train[:k], validation, test, variants)


def _train(
    unit: Unit,
    context: Context,
    method: str,
    images: data.ImageData,
    change: Change | None = None,
    value: float | None = None,
) -> _Training:
    rng = torch.Generator().manual_seed(unit.seed)
    training = _Training(LINEAR if method == "linear" else NET, images, rng, context.size, change)
    value = TUNED[method] if value is None else value
    training.by_selection(value) if method == "selection" else training.by_gradient(value)
    return training


def _model(training: _Training, method: str, k: int, change: str = "none") -> _Model:
    assert training.champion is not None
    n_images = len(training.images.train) // 26
    return _Model(method, k, n_images, _network(training.net, training.champion), change)


def _run_fonts(unit: Unit, context: Context, method: str) -> Rows:
    models, runs, curves = [], [], []
    for k in K_FAMILIES:
        training = _train(unit, context, method, _images(unit.seed, k))
        models.append(_model(training, method, k))
        shared = {"method": method, "seed": unit.seed, "n_families": k}
        runs.append(shared | {"validation": training.score} | dataclasses.asdict(training.budget))
        curves += [shared | point for point in training.curve if k == N_TRAIN]
    rows = _judge(unit, models, _images(unit.seed, 1).test, confusions=method != "linear")
    return rows | {"fonts_runs": runs, "fonts_curves": curves}


def _run_memory(unit: Unit, context: Context) -> Rows:
    """No training: the nearest training image, and the nearest mean of a letter's training images."""
    models = []
    for k in K_FAMILIES:
        train = _images(unit.seed, k).train
        x, y, n_images = train.pixels(), train.y, len(train) // 26
        means = torch.stack([x[rows].mean(dim=0) for rows in train.per_class])

        def template(pictures: Tensor, x: Tensor = x, y: Tensor = y) -> Tensor:
            return nearest(pictures, x, y)

        def centroid(pictures: Tensor, means: Tensor = means) -> Tensor:
            return nearest(pictures, means, torch.arange(26))

        models += [_Model("nearest template", k, n_images, template), _Model("nearest mean", k, n_images, centroid)]
    return _judge(unit, models, _images(unit.seed, 1).test, confusions=True)


def _run_eight(unit: Unit, context: Context) -> Rows:
    """Eight images of every letter from one, two or four families: the faces and variants of each drawn at random."""
    models = []
    for k in (1, 2, 4):
        images, rng = _images(unit.seed, k, tuple(fonts.VARIANTS)), torch.Generator().manual_seed(unit.seed)
        train, chosen = _dealt(unit.seed)[0][:k], []
        for family in train:
            part = _faces().of([family])
            pictures = part.x.view(-1, 26, part.x.shape[1])
            chosen.append(pictures[torch.randperm(len(pictures), generator=rng)[: N_IMAGES // k]])
        x = torch.cat(chosen)
        split = data.Split(x.flatten(0, 1), torch.arange(26).repeat(len(x)))
        training = _train(unit, context, "gradient", dataclasses.replace(images, train=split))
        models.append(_model(training, "gradient, eight images", k))
    return _judge(unit, models, _images(unit.seed, 1).test)


def _run_changes(unit: Unit, context: Context, method: str) -> Rows:
    """The same number of steps, with images changed at every step, or with all variants of the faces."""
    models = []
    for k in (1, N_TRAIN) if method == "gradient" else (N_TRAIN,):
        for name, change in CHANGES.items() if method == "gradient" else [("all three", disturb)]:
            training = _train(unit, context, method, _images(unit.seed, k), change)
            models.append(_model(training, method, k, name))
        if method == "gradient":
            training = _train(unit, context, method, _images(unit.seed, k, tuple(fonts.VARIANTS)))
            models.append(_model(training, method, k, "variants"))
    return _judge(unit, models, _images(unit.seed, 1).test)


def _run_sweep(unit: Unit, context: Context, method: str, value: float) -> Rows:
    training = _train(unit, context, method, _images(unit.seed, N_TRAIN), value=value)
    return {"fonts_sweeps": [{"method": method, "value": value, "validation": training.score}]}


def _runners() -> dict[str, Callable[[Unit, Context], Rows]]:
    runners: dict[str, Callable[[Unit, Context], Rows]] = {}

    def add(method: str, run: Callable[..., Rows], *settings: Any) -> None:
        runners[method] = lambda unit, context: run(unit, context, *settings)

    for name, make in (("printed", _printed), ("log-likelihood", _soft)):
        for scale in TASK_SCALES:
            add(f"task sweep {name} {scale:g}", _run_rule, make(scale))
        add(f"task {name}", _run_rule, TASK_RULES[name])
    add("task nearest template", _run_template)
    add("task random features", _run_features)
    add("task gradient", _run_task_gradient)
    for method, values in SWEEPS.items():
        for value in values:
            add(f"fonts sweep {method} {value:g}", _run_sweep, method, value)
        add(f"fonts {method}", _run_fonts, method)
    add("fonts memory", _run_memory)
    add("fonts eight", _run_eight)
    add("fonts changes gradient", _run_changes, "gradient")
    add("fonts changes selection", _run_changes, "selection")
    return runners


RUNNERS = _runners()
N_TASK_SEEDS = 5


def units(seeds: list[int]) -> list[Unit]:
    """Sweeps first, then seed by seed; the task's own runs stop at N_TASK_SEEDS seeds."""
    sweeps = [Unit(method, TUNING_SEED) for method in RUNNERS if "sweep" in method]
    judged = [method for method in RUNNERS if "sweep" not in method]
    return sweeps + [
        Unit(method, seed)
        for seed in seeds
        for method in judged
        if method.startswith("fonts") or (seed < N_TASK_SEEDS and (seed == 0 or method != "task nearest template"))
    ]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one unit; rows for the tables task, task_runs, task_sweeps, fonts, fonts_runs, fonts_curves, fonts_sweeps and
    confusions."""
    return RUNNERS[unit.method](unit, context)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "task": {"net": TASK.sizes, "n_generations": N_GENERATIONS[size], "face": "DejaVu Sans, regular"},
        "rules": {name: dataclasses.asdict(rule) for name, rule in TASK_RULES.items()},
        "sweep generations": SWEEP_GENERATIONS[size],
        "fonts": {"net": NET.sizes, "train": N_TRAIN, "validation": N_VALIDATION, "families": list(_faces().families)},
        "n_steps": N_STEPS[size],
        "n_breedings": N_BREEDINGS[size],
        "population": N_GENOMES,
        "elite": ELITE,
        "per_letter": PER_LETTER,
        "tuned": TUNED,
    }


EXPERIMENT = Experiment(units, run_unit, settings)
