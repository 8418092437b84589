"""The open questions of GENREG's README, each with its controls, at sizes that two cores can repeat with five seeds.

Nearly all of them are asked of one method, the pure selection of `neurons`: one network, its neurons as rows, mutants
that differ from it in one row. The gradient-trained twin has the same rows, the same start and the same images. Rows
may also be filters that slide over the image, or neurons with an activation of their own.

A unit of the run is one experiment's method with one seed. The final network is scored; no champion is chosen. The
test set is opened once in each unit, at its end.

    python3 course.py run open-questions --seeds 5 --source FOLDER   # CIFAR-10 as JPEG files, see `cifar`
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs.rows import (
    ACTIVATIONS,
    DECAY,
    LEARNING_RATE,
    N_CLASSES,
    N_PAIRS,
    SIGMA,
    SIGMA_END,
    Bent,
    BentLearner,
    Filters,
    Learner,
    Plain,
    accuracy,
)
from neuroevo import data, nets
from neuroevo.budget import Budget
from neuroevo.data import cifar, transforms
from neuroevo.genreg import GENREG, Settings, reward

BATCH = 256
GENERATIONS, STEPS = 600, 1000  # of selection, and of the gradient twin, where nothing else is said
TUNING_SEED = 100  # the settings above were chosen on validation with it; no seed of the run is tuned on

Batch = Callable[[torch.Generator], tuple[Tensor, Tensor]]

# Images


@dataclass(frozen=True)
class Images:
    """Train, validation and test as pixels in [0, 1] with labels; `test` is a call, so that it is opened late."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: Callable[[str], tuple[Tensor, Tensor]]


def resize(pixels: Tensor, side: int) -> Tensor:
    """(n, 784) images as (n, side * side): means of blocks below 28, interpolated above."""
    image = pixels.view(-1, 1, 28, 28)
    if side < 28:
        image = functional.avg_pool2d(image, 28 // side)
    elif side > 28:
        image = functional.interpolate(image, size=(side, side), mode="bilinear", align_corners=False)
    return image.flatten(1)


def _part(split: data.Split, side: int, n: int | None = None) -> tuple[Tensor, Tensor]:
    rows = torch.arange(len(split))[:n].split(5000)
    return torch.cat([resize(split.pixels(some), side) for some in rows]), split.y[:n]


@cache
def _mnist() -> data.ImageData:
    return data.mnist()


@cache
def _digits(side: int, size: str) -> Images:
    images = _mnist()
    if size == "full" and images.notice:
        raise RuntimeError(f"a full-size run needs MNIST itself. {images.notice}")
    n = 15_000 if side > 28 else None  # what memory allows for images that hold no more than 28 x 28 do
    return Images(
        _part(images.train, side, n),
        _part(images.validation, side),
        lambda reason: _part(images.test.open(reason), side),
    )


# Whole families of fonts, so that no letter of validation or test is a variant of one that was learned.
VALIDATION_FONTS, TEST_FONTS = ("DejaVu Serif",), ("STIX", "Computer Modern Sans")


@cache
def _letters(side: int, size: str) -> Images:
    variants = (
        ("plain",)
        if size == "smoke"
        else (
            "plain",
            "slanted",
            "condensed",
            "heavy",
            "slanted condensed",
            "slanted heavy",
            "condensed heavy",
            "slanted condensed heavy",
        )
    )
    letters = data.letters(28, variants)
    learned = [name for name in letters.families if name not in VALIDATION_FONTS + TEST_FONTS]
    vault = data.TestVault(letters.of(TEST_FONTS))
    return Images(
        _part(letters.of(learned), side),
        _part(letters.of(VALIDATION_FONTS), side),
        lambda reason: _part(vault.open(reason), side),
    )


@cache
def _photographs(source: Path | None, n_train: int) -> Images:
    """CIFAR-10 as 16 x 16 pixels in three colours; 5,000 of the training file, or half of a small one, validate."""
    x, y, x_test, y_test, _ = cifar.read(source)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    cut = len(y) - min(5_000, len(y) // 2)

    def part(images: Tensor, labels: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        pixels = images[rows].permute(0, 3, 1, 2).float() / 255
        return functional.avg_pool2d(pixels, 2).flatten(1), labels[rows].long()

    test = part(x_test, y_test, torch.arange(len(y_test)))
    vault = data.TestVault(data.Split(torch.empty(len(y_test), 0), test[1]))

    def open_test(reason: str) -> tuple[Tensor, Tensor]:
        vault.open(reason)
        return test

    return Images(part(x, y, order[:cut][:n_train]), part(x, y, order[cut:]), open_test)


def _from(x: Tensor, y: Tensor, n: int = BATCH) -> Batch:
    """Batches of n images, drawn with replacement."""

    def batch(rng: torch.Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(y), (n,), generator=rng)
        return x[rows], y[rows]

    return batch


# The experiments


@dataclass(frozen=True)
class Size:
    """How long and how much.

    Attributes:
        share: of the full number of generations or steps.
        n_photographs: training images of CIFAR-10.
        genomes: share of GENREG's populations.
    """

    share: float
    n_photographs: int
    genomes: float


SIZES = {"smoke": Size(0.01, 200, 0.1), "laptop": Size(0.2, 4_000, 0.5), "full": Size(1.0, 20_000, 1.0)}


@dataclass
class Task:
    """A unit on its way: who it is, at which size, with which source of randomness."""

    unit: Unit
    context: Context
    rng: torch.Generator

    def steps(self, full: int) -> int:
        """So many generations or steps in place of `full`."""
        return max(2, round(SIZES[self.context.size].share * full))

    def digits(self, side: int = 14) -> Images:
        """MNIST at side x side pixels."""
        return _digits(side, self.context.size)

    def reason(self) -> str:
        """Why the test set is opened."""
        return f"{self.unit.key}: score the final network"

    def learn(
        self, net: Plain | Filters, n_rows: int, method: str, batch: Batch, n_steps: int, **words: Any
    ) -> Learner:
        """A whole run of n_steps (at full size) on batches of one kind."""
        n = self.steps(n_steps)
        learner = Learner(net, net.start(n_rows, self.rng), method, n, self.rng, **words)
        for _ in range(n):
            learner.step(*batch(self.rng))
        return learner

    def row(self, learner: Learner, images: Images, outputs: slice = slice(None), **columns: Any) -> dict[str, Any]:
        """The final network on the validation images and on the test images, and what it has cost."""
        x, y = images.test(self.reason())
        test = accuracy(learner.net, learner.rows, x, y, outputs)
        validation = accuracy(learner.net, learner.rows, *images.validation, outputs)
        return self.scored(learner.rows.numel(), learner.budget, validation, round(test * len(y)), len(y)) | columns

    def scored(self, n_params: int, budget: Budget, validation: float, right: int, n_test: int) -> dict[str, Any]:
        """A row of the table of final networks."""
        return {
            "method": self.unit.method,
            "seed": self.unit.seed,
            "n_params": n_params,
            "evaluations": budget.evaluations,
            "core_seconds": round(budget.core_seconds, 3),
            "validation": validation,
            "test_correct": right,
            "n_test": n_test,
        }


def _length(method: str) -> int:
    return GENERATIONS if method == "selection" else STEPS


def _width(task: Task, method: str, side: int, width: int) -> Rows:
    """E13.8 and E13.9: so many neurons on images of side x side."""
    images = task.digits(side)
    learner = task.learn(Plain(side * side), width, method, _from(*images.train), _length(method))
    return {"finals": [task.row(learner, images, side=side, width=width)]}


def _mutants(task: Task, n_pairs: int, n_generations: int) -> Rows:
    """E13.1: how many mutants a neuron has in a generation."""
    images = task.digits()
    learner = task.learn(Plain(196), 32, "selection", _from(*images.train), n_generations, n_pairs=n_pairs)
    return {"finals": [task.row(learner, images, side=14, width=32, genomes=2 * n_pairs)]}


def _genreg(task: Task, n_genomes: int, n_generations: int) -> Rows:
    """E13.1: GENREG's printed rule with another population; the best of its last generation is scored."""
    images, net = task.digits(), nets.MLP((196, 32, N_CLASSES))
    n_genomes = max(5, round(n_genomes * SIZES[task.context.size].genomes))
    settings, budget = Settings(n_genomes=n_genomes), Budget()
    state = GENREG.start(net, settings, task.rng)
    split = data.Split((images.train[0] * 255).round().to(torch.uint8), images.train[1])
    champion = state.ask()[:1]
    for _ in range(task.steps(n_generations)):
        with budget.clock(), torch.inference_mode():
            x, y = split.sample(20, state.rng)
            correct = nets.count_correct(net.forward(state.ask(), x), y)
            budget.forward(n_genomes, len(y))
            champion = state.ask()[[int(correct.argmax())]].clone()
            state.tell(reward(correct, len(y), settings))
    x, y = images.test(task.reason())
    with torch.inference_mode():
        validation = float(nets.accuracy(net.forward(champion, images.validation[0]), images.validation[1]))
        right = int(nets.count_correct(net.forward(champion, x), y))
    row = task.scored(net.n_params, budget, validation, right, len(y))
    return {"finals": [row | {"side": 14, "width": 32, "genomes": n_genomes}]}


def _pairs(images: tuple[Tensor, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """The five tasks of split digits: 0 and 1, 2 and 3, and so on."""
    x, y = images
    return [(x[y // 2 == k], y[y // 2 == k]) for k in range(5)]


def _continual(task: Task, method: str, n_steps: int, replay: int = 0, until: float = 0.0) -> Rows:
    """E13.3: five pairs of digits one after the other, one head of ten outputs, nothing shrinks.

    Args:
        n_steps: for each pair; at most, if `until` is given.
        replay: images kept of each digit that was learned; then half of every later batch are such.
        until: accuracy on the pair's validation images, told which pair, at which the next pair begins; 0 for never.
    """
    images, net = task.digits(), Plain(196)
    train, validation = _pairs(images.train), _pairs(images.validation)
    learner = Learner(net, net.start(32, task.rng), method, 0, task.rng)
    kept: list[tuple[Tensor, Tensor]] = []
    after: list[tuple[Tensor, int]] = []
    for k, (x, y) in enumerate(train):
        new, step = _from(x, y, BATCH // 2 if kept else BATCH), 0
        old = _from(torch.cat([a for a, _ in kept]), torch.cat([b for _, b in kept]), BATCH // 2) if kept else None
        for step in range(1, task.steps(n_steps) + 1):
            batch, labels = new(task.rng)
            if old is not None:
                again, old_labels = old(task.rng)
                batch, labels = torch.cat([batch, again]), torch.cat([labels, old_labels])
            learner.step(batch, labels)
            if until and step % 5 == 0 and _told(net, learner.rows, *validation[k], k) >= until:
                break
        after.append((learner.rows.clone(), step))
        if replay:
            for digit in (2 * k, 2 * k + 1):
                places = (y == digit).nonzero().squeeze(1)
                places = places[torch.randperm(len(places), generator=task.rng)[:replay]]
                kept.append((x[places], y[places]))
    test = images.test(task.reason())
    who = {"method": task.unit.method, "seed": task.unit.seed}
    matrix = [
        who
        | {"after": number, "on": k, "told": _told(net, rows, x, y, k), "untold": accuracy(net, rows, x, y)}
        | {"steps": steps}
        for number, (rows, steps) in enumerate(after)
        for k, (x, y) in enumerate(_pairs(test))
    ]
    final = task.row(learner, Images(images.train, images.validation, lambda reason: test), side=14, width=32)
    return {"finals": [final], "matrix": matrix}


def _told(net: Plain, rows: Tensor, x: Tensor, y: Tensor, k: int) -> float:
    """Accuracy on pair k when only its two outputs compete."""
    return accuracy(net, rows, x, y - 2 * k, slice(2 * k, 2 * k + 2))


def difficulty(x: Tensor, y: Tensor) -> Tensor:
    """How hard each image is, as its rank within its class, 0 to 1.

    Ranked by the distance to the own class's mean image less that to the nearest other class's: no network is asked.
    """
    means = torch.stack([x[y == k].mean(dim=0) for k in range(N_CLASSES)])
    distance = torch.cdist(x, means)
    own = distance.gather(1, y[:, None])
    margin = (own - distance.scatter(1, y[:, None], math.inf).min(dim=1, keepdim=True).values).squeeze(1)
    rank = torch.empty(len(y))
    for k in range(N_CLASSES):
        places = (y == k).nonzero().squeeze(1)
        rank[places[margin[places].argsort()]] = torch.linspace(0, 1, len(places))
    return rank


def _curriculum(task: Task, method: str, order: str) -> Rows:
    """E13.4: the share of the images that may be drawn grows from a tenth to all over 70 % of the run; or all from the
    start, if the order is "natural"."""
    images, net = task.digits(), Plain(196)
    x, y = images.train
    hard = difficulty(x, y)
    shuffled = torch.rand(len(y), generator=task.rng)
    ranked = {"easy first": hard, "hard first": -hard}.get(order, shuffled).argsort()
    n = task.steps(_length(method))
    learner = Learner(net, net.start(32, task.rng), method, n, task.rng)
    vx, vy = images.validation
    third = (difficulty(vx, vy) * 3).long().clamp(max=2)
    looks = {round(n ** (k / 24)) for k in range(1, 25)}
    curve = []
    for step in range(1, n + 1):
        share = 1.0 if order == "natural" else min(1.0, 0.1 + 0.9 * (step - 1) / (0.7 * n))
        places = ranked[torch.randint(max(1, round(share * len(y))), (BATCH,), generator=task.rng)]
        learner.step(x[places], y[places])
        if step in looks:
            scores = [accuracy(net, learner.rows, vx[third == k], vy[third == k]) for k in range(3)]
            row: dict[str, Any] = {"method": task.unit.method, "seed": task.unit.seed, "step": step}
            row |= {"evaluations": learner.budget.evaluations}
            curve.append(row | dict(zip(("easy", "middle", "hard"), scores, strict=True)))
    return {"finals": [task.row(learner, images, side=14, width=32)], "curves": curve}


def _filters(task: Task, method: str, learned: bool) -> Rows:
    """E13.5: eight filters and a linear head, learned together, or the head alone on filters that stay random."""
    images, net = task.digits(), Filters(14)
    free = torch.ones(26 + net.n_places * N_CLASSES)
    free[:26] = float(learned)
    first = net.start(8, torch.Generator().manual_seed(task.unit.seed))
    learner = task.learn(net, 8, method, _from(*images.train), GENERATIONS, decay=0.0, free=free)
    tables = {"finals": [task.row(learner, images, side=14, width=8)]}
    if learned:
        tables["filters"] = [
            {"method": task.unit.method, "seed": task.unit.seed, "filter": k, "place": place}
            | {"start": float(first[k, place]), "end": float(learner.rows[k, place])}
            for k in range(8)
            for place in range(25)
        ]
    return tables


def _lenet() -> nn.Sequential:
    """LeNet-5's sizes (LeCun et al. 1998) with relu and means of 2 x 2: 61,706 parameters."""
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, N_CLASSES)),
    )


def _small_convolution() -> nn.Sequential:
    """Two layers of filters for 16 x 16 pixels in three colours: 10,218 parameters."""
    return nn.Sequential(
        *(nn.Unflatten(1, (3, 16, 16)), nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, N_CLASSES)),
    )


def _linear() -> nn.Sequential:
    """No hidden layer."""
    return nn.Sequential(nn.Linear(768, N_CLASSES))


def _torch(task: Task, images: Images, make: Callable[[], nn.Sequential], n_epochs: int) -> Rows:
    """E13.5 and E13.7: a network of torch's layers by Adam, its learning rate shrinking to nothing."""
    torch.manual_seed(task.unit.seed)  # torch's layers take their start from the global generator
    net, budget = make(), Budget()
    x, y = images.train
    n = task.steps(n_epochs * max(1, len(y) // 128))
    adam = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    batch = _from(x, y, 128)
    for step in range(n):
        with budget.clock():
            some, labels = batch(task.rng)
            for group in adam.param_groups:
                group["lr"] = LEARNING_RATE * (1 - step / n)
            adam.zero_grad()
            functional.cross_entropy(net(some), labels).backward()
            adam.step()
            budget.gradient(1, len(labels))

    @torch.no_grad()
    def count(x: Tensor, y: Tensor) -> int:
        return sum(int((net(a).argmax(dim=1) == b).sum()) for a, b in zip(x.split(1000), y.split(1000), strict=True))

    validation = count(*images.validation) / len(images.validation[1])
    x, y = images.test(task.reason())
    n_params = sum(parameter.numel() for parameter in net.parameters())
    return {"finals": [task.scored(n_params, budget, validation, count(x, y), len(y))]}


def _photograph_images(task: Task) -> Images:
    return _photographs(task.context.source, SIZES[task.context.size].n_photographs)


def _photograph(task: Task, method: str) -> Rows:
    """E13.7: 64 tanh neurons on CIFAR-10."""
    images = _photograph_images(task)
    learner = task.learn(Plain(768), 64, method, _from(*images.train), _length(method))
    return {"finals": [task.row(learner, images, width=64)]}


def _two_tasks(task: Task, method: str, which: str, width: int) -> Rows:
    """E13.6: digits and letters with one trunk and a head for each, by turns; or one of them alone."""
    sets = {"digits": task.digits(), "letters": _letters(14, task.context.size)}
    outputs = {"digits": slice(0, 10), "letters": slice(10, 36)}
    names = list(sets) if which == "both" else [which]
    net, n = Plain(196, 36), task.steps(_length(method) // 2) * len(names)
    learner = Learner(net, net.start(width, task.rng), method, n, task.rng)
    batches = {name: _from(*sets[name].train) for name in names}
    for step in range(n):
        name = names[step % len(names)]
        x, y = batches[name](task.rng)
        learner.step(transforms.shift(x, 1, task.rng, side=14), y, outputs[name])
    finals = [task.row(learner, sets[name], outputs[name], side=14, width=width, on=name) for name in names]
    return {"finals": finals}


def widen(rows: Tensor, change: int, n_in: int, rng: torch.Generator) -> Tensor:
    """A copy with `change` more neurons that say nothing yet, or without the -change that say least."""
    if change > 0:
        new = Plain(n_in, rows.shape[1] - n_in - 1).start(change, rng)
        new[:, n_in + 1 :] = 0
        return torch.cat([rows, new])
    loud = rows[:, n_in + 1 :].norm(dim=1).argsort(descending=True)
    return rows[loud[: max(1, len(rows) + change)].sort().values].clone()


def _evolved_width(task: Task, price: float) -> Rows:
    """E13.10: six networks of 8 neurons; after each of 30 rounds of 20 generations the two worst give way to copies of
    the two best, a fifth wider or narrower. Price: what a neuron costs, in nats of log-likelihood."""
    images, net = task.digits(), Plain(196)
    x, y = images.train
    n_rounds, n_steps = task.steps(30), 20 if task.context.size == "full" else 3
    n = n_rounds * n_steps
    learners = [Learner(net, net.start(8, task.rng), "selection", n, task.rng) for _ in range(6)]
    trace, spent, order = [], Budget(), list(range(6))
    for number in range(1, n_rounds + 1):
        for learner in learners:
            for _ in range(n_steps):
                learner.step(*_from(x, y)(task.rng))
        with spent.clock():
            fresh, labels = _from(x, y, 1000)(task.rng)
            said = [-functional.cross_entropy(net.logits(one.rows, fresh), labels) for one in learners]
            worth = [float(one) - price * len(two.rows) for one, two in zip(said, learners, strict=True)]
            spent.forward(len(learners), len(labels))
            order = sorted(range(6), key=worth.__getitem__)
        who = {"method": task.unit.method, "seed": task.unit.seed, "price": price}
        trace += [who | {"round": number, "network": k, "width": len(one.rows)} for k, one in enumerate(learners)]
        if number < n_rounds:
            for worst, best in zip(order[:2], order[-2:], strict=True):
                rows = learners[best].rows
                step = max(1, round(0.2 * len(rows)))
                wider = bool(torch.rand((), generator=task.rng) < 0.5)
                learners[worst].rows = widen(rows, step if wider else -step, net.n_in, task.rng)
    champion = learners[order[-1]]
    row = task.row(champion, images, side=14, width=len(champion.rows), price=price)
    row["evaluations"] = sum(one.budget.evaluations for one in learners) + spent.evaluations
    row["core_seconds"] = round(sum(one.budget.core_seconds for one in learners) + spent.core_seconds, 3)
    return {"finals": [row], "widths": trace}


def _activations(task: Task, flip_rate: float) -> Rows:
    """E13.10: eight neurons of each activation at the start, which a mutation may draw anew."""
    images, n = task.digits(), task.steps(GENERATIONS)
    net = Bent(196, acts=torch.arange(32) % len(ACTIVATIONS))
    learner = BentLearner(net, net.start(32, task.rng), "selection", n, task.rng)
    learner.flip_rate = flip_rate
    batch = _from(*images.train)
    for _ in range(n):
        learner.step(*batch(task.rng))
    counts = torch.bincount(net.acts, minlength=len(ACTIVATIONS)).tolist()
    who = {"method": task.unit.method, "seed": task.unit.seed}
    shares = [who | {"activation": name, "neurons": count} for name, count in zip(ACTIVATIONS, counts, strict=True)]
    return {"finals": [task.row(learner, images, side=14, width=32)], "activations": shares}


METHODS = ("selection", "gradient")
WIDTHS = (2, 3, 4, 6, 8, 12, 16, 32)


def _runners() -> dict[str, Callable[[Task], Rows]]:
    runners: dict[str, Callable[[Task], Rows]] = {
        "continual, selection": partial(_continual, method="selection", n_steps=100, until=UNTIL),
        "continual, gradient": partial(_continual, method="gradient", n_steps=1000, until=UNTIL),
        "continual, selection, replay": partial(
            _continual, method="selection", n_steps=100, until=UNTIL, replay=REPLAY
        ),
        "continual, gradient, replay": partial(_continual, method="gradient", n_steps=1000, until=UNTIL, replay=REPLAY),
        # 60 generations of 129 networks are as many evaluations as 2,580 steps.
        "continual, selection, 60 generations": partial(_continual, method="selection", n_steps=60),
        "continual, gradient, as many evaluations": partial(_continual, method="gradient", n_steps=2580),
    }
    for order in ("natural", "easy first", "hard first", "random order"):
        runners[f"curriculum, {order}"] = partial(_curriculum, method="selection", order=order)
    runners["curriculum, gradient"] = partial(_curriculum, method="gradient", order="natural")
    for method in METHODS:
        runners[f"filters, {method}"] = partial(_filters, method=method, learned=True)
        runners[f"filters, random, {method}"] = partial(_filters, method=method, learned=False)
    for method, width in ((method, width) for method in METHODS for width in (32, 64)):
        for which in ("digits", "letters", *(["both"] if width == 64 else [])):
            name = f"tasks, {which}, {width}, {method}"
            runners[name] = partial(_two_tasks, method=method, which=which, width=width)
    for method in METHODS:
        for side in (7, 14, 28):
            for width in WIDTHS:
                runners[f"width, {side}, {width}, {method}"] = partial(_width, method=method, side=side, width=width)
        runners[f"width, 56, 32, {method}"] = partial(_width, method=method, side=56, width=32)
    # At equal generations, and at equal evaluations (but for the parent's own).
    for n_pairs in (1, 4, 8):
        runners[f"mutants, {2 * n_pairs}"] = partial(_mutants, n_pairs=n_pairs, n_generations=GENERATIONS)
        equal = GENERATIONS * N_PAIRS // n_pairs
        runners[f"mutants, {2 * n_pairs}, equal evaluations"] = partial(_mutants, n_pairs=n_pairs, n_generations=equal)
    for n_genomes in (50, 200, 800):
        runners[f"genreg, {n_genomes}"] = partial(_genreg, n_genomes=n_genomes, n_generations=150 * 200 // n_genomes)
    runners["genreg, 800, more"] = partial(_genreg, n_genomes=800, n_generations=150)
    for price in PRICES:
        runners[f"evolved width, {price}"] = partial(_evolved_width, price=price)
    runners["activations"] = partial(_activations, flip_rate=0.1)
    runners["lenet"] = lambda task: _torch(task, task.digits(28), _lenet, 4)
    for method in METHODS:
        runners[f"photographs, {method}"] = partial(_photograph, method=method)
    runners["photographs, linear"] = lambda task: _torch(task, _photograph_images(task), _linear, 10)
    runners["photographs, convolution"] = lambda task: _torch(task, _photograph_images(task), _small_convolution, 6)
    return runners


UNTIL, REPLAY, PRICES = 0.97, 50, (0.0, 0.003, 0.02)
RUNNERS = _runners()
FEWER_SEEDS = {"lenet": 3}


def units(seeds: list[int]) -> list[Unit]:
    """Seed by seed, so that a stopped run has whole comparisons."""
    return [
        Unit(method, seed)
        for place, seed in enumerate(seeds)
        for method in RUNNERS
        if place < FEWER_SEEDS.get(method, len(seeds))
    ]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one method with one seed; rows for the tables finals, matrix, curves, filters, widths and activations."""
    return RUNNERS[unit.method](Task(unit, context, torch.Generator().manual_seed(unit.seed)))


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    s = SIZES[size]
    return {
        "size": size,
        "share_of_full_length": s.share,
        "selection": {"generations": GENERATIONS, "n_pairs": N_PAIRS, "sigma": [SIGMA, SIGMA_END], "decay": DECAY},
        "filters": {"generations": GENERATIONS, "gradient_steps": GENERATIONS, "decay": 0.0},
        "gradient": {"steps": STEPS, "learning_rate": LEARNING_RATE, "optimiser": "Adam"},
        "batch": BATCH,
        "tuning_seed": TUNING_SEED,
        "photographs": {
            "source": "CIFAR-10 from JPEG files of quality 75, where a source is given",
            "pixels": "16 x 16 x 3, means of 2 x 2",
            "train": s.n_photographs,
        },
        "letters": {"validation": VALIDATION_FONTS, "test": TEST_FONTS, "shift": 1},
        "continual": {"until": UNTIL, "replay_images_of_a_digit": REPLAY},
        "prices_of_a_neuron": PRICES,
        "seeds_of_lenet": FEWER_SEEDS["lenet"],
    }


EXPERIMENT = Experiment(units, run_unit, settings)
