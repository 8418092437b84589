"""Letters of fonts that training has not seen: a network 1024-32-26 on letters of 32 x 32 pixels.

Every seed deals the eleven families out anew: six to train on (of which the first k are used), two to choose the
champion, three for the test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
from torch import Tensor

from evidence.recorder import Recorder
from evidence.runner import Context, Rows, Unit
from evidence.runs.letters.task import SCALES, Answer, glorot, nearest, network
from evidence.runs.twin import descend
from neuroevo import data, ga, nets
from neuroevo.data import fonts
from neuroevo.data.transforms import moved

NET = nets.MLP((1024, 32, 26))
LINEAR = nets.MLP((1024, 26))
N_TRAIN, N_VALIDATION = 6, 2  # families; the other three are the test
K_FAMILIES = (1, 2, 4, 6)
PER_LETTER = 4  # images of every letter in a batch
N_STEPS = {"smoke": 20, "laptop": 300, "full": 500}  # of gradient descent
N_BREEDINGS = {"smoke": 5, "laptop": 150, "full": 300}  # generations of selection
N_GENOMES, ELITE = 100, 0.1
LOOK_EVERY = {"smoke": 5, "laptop": 25, "full": 25}  # steps, or generations, between two looks at validation
SWEEPS = {"gradient": (0.0003, 0.001, 0.003, 0.01), "linear": (0.0003, 0.001, 0.003, 0.01), "selection": SCALES}
TUNED = {"gradient": 0.003, "linear": 0.01, "selection": 0.05}
N_IMAGES = 8  # of every letter, where the number of images is held and the number of families is not
DISTURBED_SEED = 12  # of the disturbed test images: the same for all methods of a seed
N_DISTURBED = 3  # disturbed copies of each test image


@cache
def faces() -> data.Letters:
    """All faces and all their variants."""
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


Batch = Callable[[], tuple[Tensor, Tensor]]


def sample(split: data.Split, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch: PER_LETTER images of every letter, with replacement where there are fewer."""
    rows = [letter[torch.randint(len(letter), (PER_LETTER,), generator=rng)] for letter in split.per_class]
    chosen = torch.cat(rows)
    return split.pixels(chosen), split.y[chosen]


def _by_gradient(
    recorder: Recorder[nets.MLP], batch: Batch, rng: torch.Generator, size: str, learning_rate: float
) -> None:
    genome = glorot(recorder.net, rng)
    adam = torch.optim.Adam([genome], lr=learning_rate)
    for step in range(1, N_STEPS[size] + 1):
        x, y = batch()
        descend(recorder.net, genome, adam, x, y)
        recorder.budget.gradient(1, len(y))
        if step % LOOK_EVERY[size] == 0:
            recorder.look(genome.detach()[0])


@torch.inference_mode()
def _by_selection(recorder: Recorder[nets.MLP], batch: Batch, rng: torch.Generator, size: str, scale: float) -> None:
    """GENREG's loop with log-likelihood: the best tenth are parents, all children are mutated."""
    population = recorder.net.init(N_GENOMES, scale, rng)
    for generation in range(1, N_BREEDINGS[size] + 1):
        x, y = batch()
        fitness = nets.mean_log_likelihood(recorder.net.forward(population, x), y)
        recorder.budget.forward(N_GENOMES, len(y))
        if generation % LOOK_EVERY[size] == 0:
            recorder.look(population[int(fitness.argmax())])
        ga.reproduce_(population, ga.from_best(fitness, N_GENOMES, rng, ELITE))
        ga.mutate_(population, 0.07, scale, rng)


def _train(
    unit: Unit,
    context: Context,
    method: str,
    images: data.ImageData,
    change: Change | None = None,
    value: float | None = None,
) -> Recorder[nets.MLP]:
    """Train one network; its champion by validation is in the books that come back."""
    net, rng = LINEAR if method == "linear" else NET, torch.Generator().manual_seed(unit.seed)
    recorder = Recorder(unit, dataclasses.replace(context, device=rng.device), net, images, who={}, clocks=False)

    def batch() -> tuple[Tensor, Tensor]:
        x, y = sample(images.train, rng)
        return (change(x, rng) if change else x), y

    search = _by_selection if method == "selection" else _by_gradient
    with recorder.budget.clock():
        search(recorder, batch, rng, context.size, TUNED[method] if value is None else value)
    return recorder


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
    in_order = [family for family in faces().families if family in families]
    sizes = [len(faces().of([family], ["plain"])) for family in in_order]
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
    return deal(faces().families, torch.Generator().manual_seed(seed))


def _images(seed: int, k: int, variants: Sequence[str] = ("plain",)) -> data.ImageData:
    """The first k training families of a seed's deal; the validation and test families don't depend on k."""
    train, validation, test = _dealt(seed)
    return faces().split(train[:k], validation, test, variants)


def _model(trained: Recorder[nets.MLP], method: str, k: int, change: str = "none") -> _Model:
    assert trained.champion is not None
    return _Model(method, k, len(trained.train) // 26, network(trained.net, trained.champion), change)


def _run_fonts(unit: Unit, context: Context, method: str) -> Rows:
    models, runs, curves = [], [], []
    for k in K_FAMILIES:
        trained = _train(unit, context, method, _images(unit.seed, k))
        models.append(_model(trained, method, k))
        shared = {"method": method, "seed": unit.seed, "n_families": k}
        runs.append(shared | {"validation": trained.chosen["validation"]} | dataclasses.asdict(trained.budget))
        curves += [shared | point for point in trained.curve if k == N_TRAIN]
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
            part = faces().of([family])
            pictures = part.x.view(-1, 26, part.x.shape[1])
            chosen.append(pictures[torch.randperm(len(pictures), generator=rng)[: N_IMAGES // k]])
        x = torch.cat(chosen)
        split = data.Split(x.flatten(0, 1), torch.arange(26).repeat(len(x)))
        trained = _train(unit, context, "gradient", dataclasses.replace(images, train=split))
        models.append(_model(trained, "gradient, eight images", k))
    return _judge(unit, models, _images(unit.seed, 1).test)


def _run_changes(unit: Unit, context: Context, method: str) -> Rows:
    """The same number of steps, with images changed at every step, or with all variants of the faces."""
    models = []
    for k in (1, N_TRAIN) if method == "gradient" else (N_TRAIN,):
        for name, change in CHANGES.items() if method == "gradient" else [("all three", disturb)]:
            trained = _train(unit, context, method, _images(unit.seed, k), change)
            models.append(_model(trained, method, k, name))
        if method == "gradient":
            trained = _train(unit, context, method, _images(unit.seed, k, tuple(fonts.VARIANTS)))
            models.append(_model(trained, method, k, "variants"))
    return _judge(unit, models, _images(unit.seed, 1).test)


def _run_sweep(unit: Unit, context: Context, method: str, value: float) -> Rows:
    trained = _train(unit, context, method, _images(unit.seed, N_TRAIN), value=value)
    return {"fonts_sweeps": [{"method": method, "value": value} | {"validation": trained.chosen["validation"]}]}


RUNNERS: dict[str, Callable[[Unit, Context], Rows]] = {}
for _method, _values in SWEEPS.items():
    RUNNERS |= {f"fonts sweep {_method} {v:g}": partial(_run_sweep, method=_method, value=v) for v in _values}
    RUNNERS[f"fonts {_method}"] = partial(_run_fonts, method=_method)
RUNNERS |= {
    "fonts memory": _run_memory,
    "fonts eight": _run_eight,
    "fonts changes gradient": partial(_run_changes, method="gradient"),
    "fonts changes selection": partial(_run_changes, method="selection"),
}
