"""GENREG's four findings, one change at a time, at equal budgets: what chapter 11 puts on trial.

Every arm changes something of the printed rule, or trains the same network by gradient. The arms of one comparison get
the same number of evaluations; all are looked at equally often; every champion is chosen in the same way, on the same
1,000 validation images, and scored on the test set once. They read MNIST averaged to 14x14 pixels, which costs a
quarter; the run findings-28 repeats the three that are about accuracy at 28x28, with more budget and finer steps.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from torch import Tensor

from evidence.recorder import Recorder, load
from evidence.runner import Context, Experiment, Rows, Unit, seed_by_seed
from evidence.runs.twin import batches, descend, glorot
from neuroevo import ga, nets
from neuroevo.data.transforms import shrink
from neuroevo.genreg import GENREG, Settings, reward, update_trust

BATCH = 256
LEARNING_RATE = 0.003  # the best of four for 784-64-10 in the run genreg-mnist
N_CHOOSE = 1_000  # the first validation images choose the champion
N_PROBE = 2_000
N_SHOWN = 250
N_PICTURES = 3  # seeds with coordinates in the plane
MILLION = 1_000_000

SHARE_OF_BUDGET = {"smoke": 0.02, "laptop": 0.25, "full": 1.0}


@dataclasses.dataclass(frozen=True)
class Arm:
    """What is trained, and for how long.

    Attributes:
        side: images are side x side pixels.
        width: hidden units.
        images: of each class in a generation.
        fixed: whether every generation sees the same images.
        budget: evaluations; a gradient-trained twin gets a tenth of what its rival gets.
        every: evaluations between two looks.
        base_rate: mutation rate of the existing population, before it is scored: all of it, or where genomes live on,
            those that do.
        gradient: train by Adam, not by selection.
        embed: also measure what the hidden layer holds.
        by_digit: also keep the champion's score on every digit at every look.
        changes: of the printed settings.
    """

    side: ClassVar[int] = 14
    width: int = 64
    images: int = 20
    fixed: bool = False
    budget: float = 2.4 * MILLION
    every: float = 0.12 * MILLION
    base_rate: float = 0.0
    gradient: bool = False
    embed: bool = False
    by_digit: bool = False
    changes: tuple[tuple[str, float], ...] = ()

    @property
    def net(self) -> nets.MLP:
        """The architecture."""
        return nets.MLP((self.side**2, self.width, 10))


def make_arm(kind: type[Arm] = Arm, **words: Any) -> Arm:
    """An arm of its own words, and of changes to the printed settings."""
    own = {field.name for field in dataclasses.fields(Arm)}
    changes = tuple((name, value) for name, value in words.items() if name not in own)
    return kind(changes=changes, **{name: value for name, value in words.items() if name in own})


def make_twin(full: Arm) -> Arm:
    """The same network trained by gradient with a tenth of the evaluations that selection gets."""
    return dataclasses.replace(full, gradient=True, budget=full.budget / 10, every=full.every / 10)


_STAY: dict[str, Any] = {"births": 160, "trust_decay": 1.0}

ARMS: dict[str, Arm] = {
    "printed": Arm(embed=True, by_digit=True),
    # Finding 1: images of each class, at equal evaluations.
    **{f"images {n}": make_arm(images=n) for n in (1, 5, 40)},
    "images 20, fixed": make_arm(fixed=True),
    # Finding 2: mutation of the children, and of those that are there already.
    **{
        f"child {child:g}, base {base:g}": make_arm(child_mutation_rate=child, base_rate=base)
        for child, base in ((0.0, 0.0), (0.02, 0.0), (0.2, 0.0), (0.0, 0.08), (0.07, 0.08))
    },
    **{
        f"top fifth lives on, child {child:g}, base {base:g}": make_arm(
            child_mutation_rate=child, base_rate=base, **_STAY
        )
        for child, base in ((0.0, 0.0), (0.07, 0.0), (0.0, 0.08))
    },
    # Finding 3: width, and the gradient-trained twin of every width.
    **{
        f"width {width}": make_arm(width=width, embed=width == 32, by_digit=width == 32) for width in (16, 32, 128, 256)
    },
    **{f"twin {width}": make_twin(Arm(width=width, embed=width in (32, 64))) for width in (16, 32, 64, 128, 256)},
    "width 32, long": make_arm(width=32, budget=9.6 * MILLION, every=0.48 * MILLION, by_digit=True),
    # Trust: how much of it lasts, and what a wrong answer costs.
    "no memory": make_arm(trust_decay=1.0),
    "all inherited": make_arm(trust_inheritance=1.0),
    "all inherited, no decay": make_arm(trust_inheritance=1.0, trust_decay=0.0),
    "penalty -10": make_arm(wrong_penalty=-10.0),
    "images 5, all inherited": make_arm(images=5, trust_inheritance=1.0),
}


class _Recorder(Recorder[nets.MLP]):
    """The books of an arm: looked at at equal stretches of its budget, its champion chosen from the last population."""

    def __init__(self, unit: Unit, context: Context, arm: Arm) -> None:
        who = {"arm": unit.method, "seed": unit.seed}
        resize = shrink if arm.side == 14 else lambda split: split
        super().__init__(unit, context, arm.net, resize=resize, who=who, clocks=False)
        self.arm = arm
        self.n_choose = min(N_CHOOSE, len(self.validation[1]) // 2)
        self.budget_in_all = arm.budget * SHARE_OF_BUDGET[context.size]
        self.digits: list[dict[str, Any]] = []
        self.bar = context.bar(None, unit, "eval", total=self.budget_in_all)

    def going(self) -> bool:
        """Whether there is budget left for another step."""
        self.bar.update(self.budget.evaluations - self.bar.n)
        return self.budget.evaluations < self.budget_in_all

    def due(self) -> bool:
        """Whether this step ends a stretch between two looks, or the run."""
        return self.budget.evaluations >= min(self.budget_in_all, (len(self.curve) + 1) * self.arm.every)

    def look(self, genome: Tensor, step: int | None = None, **columns: float) -> Tensor:
        right = super().look(genome, step, **columns)
        if self.arm.by_digit:
            y = self.validation[1]
            share = {f"right_{digit}": float(right[y == digit].float().mean()) for digit in range(10)}
            self.digits.append(self.who | {"step": step, "evaluations": self.budget.evaluations} | share)
        return right

    def finish(self, population: Tensor, step: int) -> Rows:
        """Choose the champion of the last population, open the test set for it, and measure its hidden layer."""
        self.bar.close()
        x, y = (part[: self.n_choose] for part in self.validation)
        with torch.inference_mode():
            scores = nets.accuracy(self.net.forward(population, x), y)
        self.champion = population[int(scores.argmax())].detach().clone().cpu()
        self.chosen = {"chosen_with": float(scores.max()), "population_mean": float(scores.mean())}
        tables = self.rows(steps=step) | {"digits": self.digits}
        if self.arm.embed:
            tables["spaces"], tables["points"] = _embed(self, self.champion)
        return {name: rows for name, rows in tables.items() if rows}


def _run_selection(unit: Unit, context: Context, arm: Arm) -> Rows:
    recorder = _Recorder(unit, context, arm)
    changes: dict[str, Any] = dict(arm.changes)
    s = dataclasses.replace(Settings(), **changes)
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    state = GENREG.start(arm.net, s, rng)
    still: tuple[Tensor, Tensor] | None = recorder.train.sample(arm.images, rng) if arm.fixed else None
    with torch.inference_mode():
        while recorder.going():
            with recorder.budget.clock():
                x, y = still or recorder.train.sample(arm.images, rng)
                correct = nets.count_correct(arm.net.forward(state.ask(), x), y)
                recorder.budget.forward(s.n_genomes, len(y))
                rewards = reward(correct, len(y), s)
            if recorder.due():
                spread = state.population.std(dim=0)
                recorder.look(
                    state.population[int(correct.argmax())],
                    state.generation + 1,
                    own_images=float(correct.max()) / len(y),
                    own_std=float(correct.std()) / len(y),
                    diversity=float(spread.mean()),
                    distinct=len(torch.unique(state.population[:, :20], dim=0)),
                )
            if not recorder.going():
                break
            with recorder.budget.clock():
                living = None
                if s.births is not None:
                    trust = update_trust(state.trust, rewards, s)
                    living = torch.argsort(trust, descending=True, stable=True)[: s.n_genomes - s.births]
                state.tell(rewards)
                # The base mutation, as we read it: of the population that is there, before it is scored. Those
                # that live on keep their rows.
                ga.mutate_(state.population, arm.base_rate, s.mutation_scale, rng, living)
    return recorder.finish(state.population, state.generation + 1)


def _run_gradient(unit: Unit, context: Context, arm: Arm) -> Rows:
    recorder = _Recorder(unit, context, arm)
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    genome = glorot(arm.net, rng)
    adam = torch.optim.Adam([genome], lr=LEARNING_RATE)
    coming, step = batches(recorder.train, BATCH, rng), 0
    while recorder.going():
        with recorder.budget.clock():
            x, y = next(coming)
            descend(arm.net, genome, adam, x, y)
            recorder.budget.gradient(1, len(y))
            step += 1
        if recorder.due():
            recorder.look(genome[0].detach(), step)
    return recorder.finish(genome.detach(), step)


# What a hidden layer holds


def hidden(net: nets.MLP, genome: Tensor, x: Tensor) -> Tensor:
    """Activations of the hidden layer of one network: (n_inputs, width) from a genome (n_params,)."""
    (weights, biases), *_ = net.layers(genome[None])
    return torch.tanh(x @ weights[0].T + biases[0])


def probe(features: Tensor, labels: Tensor, fresh: Tensor, fresh_labels: Tensor, ridge: float = 1.0) -> float:
    """Accuracy, on fresh rows, of the linear reader fitted by ridge regression on one-hot labels.

    Args:
        features, labels: (n, n_features) and (n,) int64, what the reader is fitted to.
        fresh, fresh_labels: what it is scored on.
        ridge: weight of the squared coefficients (a first column of ones is added).
    """

    def with_ones(rows: Tensor) -> Tensor:
        return torch.cat([torch.ones(len(rows), 1), rows], dim=1).double()

    a, targets = with_ones(features), torch.nn.functional.one_hot(labels, 10).double()
    coefficients = torch.linalg.solve(a.T @ a + ridge * torch.eye(a.shape[1], dtype=torch.double), a.T @ targets)
    return float(((with_ones(fresh) @ coefficients).argmax(dim=1) == fresh_labels).double().mean())


def umap_plane(features: np.ndarray[Any, Any], seed: int) -> np.ndarray[Any, Any]:
    """UMAP's two coordinates (McInnes et al. 2018), n_neighbors and min_dist as they come."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP  # its import alone takes half a minute

        return np.asarray(UMAP(random_state=seed, n_jobs=1).fit_transform(features))


def _embed(recorder: _Recorder, champion: Tensor) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The champion's hidden layer, a random one of the same width, and the pixels: numbers, and points to draw."""
    arm, seed, net = recorder.arm, recorder.unit.seed, recorder.arm.net
    rng = torch.Generator().manual_seed(1000 + seed)
    rows = torch.randperm(len(recorder.train), generator=rng)[:N_PROBE]
    x, y = recorder.train.pixels(rows).cpu(), recorder.train.y[rows].cpu()
    x_new, y_new = (part[recorder.n_choose :][:N_PROBE].cpu() for part in recorder.validation)
    genomes: dict[str, Tensor | None] = {recorder.unit.method: champion}
    if not arm.gradient:
        # As wide as the champion, and with weights as large: what no selection and no gradient has touched.
        genomes[f"random {arm.width}"] = net.init(1, float(champion.std()), rng)[0]
        if arm.width == 64:
            genomes["pixels"] = None
    spaces, points = [], []
    for name, genome in genomes.items():
        old, new = (part if genome is None else hidden(net, genome, part) for part in (x, x_new))
        shown, digits = new[:N_SHOWN].numpy(), y_new[:N_SHOWN].numpy()
        space = {
            "space": name,
            "seed": seed,
            "width": new.shape[1],
            "probe": probe(old, y, new, y_new),
            "silhouette": float(silhouette_score(new.numpy(), y_new.numpy())),
        }
        if seed < N_PICTURES:
            pca, plane = PCA(2, random_state=0).fit_transform(shown), umap_plane(shown, seed)
            space |= {
                f"{key}_silhouette": float(silhouette_score(flat, digits))
                for key, flat in {"shown": shown, "pca": pca, "umap": plane}.items()
            }
            points += [
                {"space": name, "seed": seed, "digit": int(d), "pca_x": a, "pca_y": b, "umap_x": c, "umap_y": e}
                for d, (a, b), (c, e) in zip(digits, pca.tolist(), plane.tolist(), strict=True)
            ]
        spaces.append(space)
    return spaces, points


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one arm with one seed; its rows for the tables finals, curves, digits, spaces and points."""
    return run_arm(unit, context, ARMS[unit.method])


def run_arm(unit: Unit, context: Context, arm: Arm) -> Rows:
    """Train what the arm says, with the unit's seed; rows as of `run_unit`."""
    return (_run_gradient if arm.gradient else _run_selection)(unit, context, arm)


def settings(size: str, arms: dict[str, Arm] = ARMS) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "data": load(size).source,
        "share_of_budget": SHARE_OF_BUDGET[size],
        "printed": dataclasses.asdict(Settings()),
        "batch": BATCH,
        "learning_rate": LEARNING_RATE,
        "n_choose": N_CHOOSE,
        "n_probe": N_PROBE,
        "n_shown": N_SHOWN,
        "arms": {name: dataclasses.asdict(arm) for name, arm in arms.items()},
    }


EXPERIMENT = Experiment(seed_by_seed(ARMS), run_unit, settings)
