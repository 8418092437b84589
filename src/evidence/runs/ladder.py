"""A ladder on MNIST: from GENREG as printed to the gradient, one change a rung, every rung at about the same price.

All rungs train a 784-64-10 tanh network from raw pixels and a cold start: no built features, no class means. They get
the generations that take about `CORE_SECONDS` of one quiet core (a third of that at laptop size), a fixed number so
that a run repeats on any machine. Four values of each rung's most sensitive setting are tried at a quarter of its
length, with a seed of their own. Each chooses its champion on the validation part and opens the test set once.

What a mutant costs depends on the rung: an *evaluation* is one genome on one image, but a mutant that differs in one
neuron is scored for a fraction of a network's multiplications. So the tables hold evaluations, multiply-adds of matrix
products and core-seconds, and no single one of them is the price.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from evidence.recorder import Recorder, load
from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import data, ga, nets, neurons
from neuroevo.data import transforms
from neuroevo.genreg import GENREG, Settings, reward
from neuroevo.strategies import OpenAIES

NET = nets.MLP((784, 64, 10))
N_WEIGHTS = 784 * 64 + 64 * 10  # multiply-adds of one network on one image
INIT_STD = 0.05
TUNING_SEED = 100
CORE_SECONDS = 30
SHARE = {"smoke": 0.005, "laptop": 1 / 3, "full": 1.0}  # of the generations
TUNING_SHARE = 0.25


@dataclasses.dataclass(frozen=True)
class Whole:
    """Whole networks mutate and compete.

    Attributes:
        n_generations: at full size.
        trust: GENREG's own selection; otherwise truncation by this generation's score, and parents drawn evenly.
        soft: rewarded by the mean log-likelihood of the right class, not by the count of right answers.
        top: share of the population that may become parents.
        crossover: a child takes every hidden neuron, with its output weights, from one of two parents.
        sigma, sigma_end: mutation scale at the start and at the end; it falls geometrically.
        tau: above 0, every genome has a mutation scale of its own, which starts at sigma and mutates by a factor
            exp(tau z) before its weights do (Schwefel 1977; Beyer and Schwefel 2002).
        n_genomes, images_per_class: size of the population, and of the batch that it is scored on.
    """

    n_generations: int
    trust: bool = False
    soft: bool = True
    top: float = 0.05
    crossover: bool = False
    sigma: float = 0.03
    sigma_end: float | None = None
    tau: float = 0.0
    n_genomes: int = 200
    images_per_class: int = 20


@dataclasses.dataclass(frozen=True)
class Parts:
    """One network; mutants differ from it in one part, a neuron or a filter.

    Attributes:
        n_generations: at full size.
        strategy: an evolution strategy for each part; otherwise pure selection.
        filters: `neurons.FilterNet` in place of the 784-64-10 network; sigma and learning rate are then in units of
            each layer's own scale of weights.
        n_pairs: steps for each part, tried both ways; one number a layer.
        n_images: size of the batch, drawn evenly from the training part.
        sigma, sigma_end: mutation scale at the start and at the end; it falls geometrically.
        learning_rate: of Adam; it falls in a straight line to 0.
        decay: share of the weights that is lost each generation; it falls with the mutation scale.
        shift: every image of the batch is moved by at most so many pixels.
    """

    n_generations: int
    strategy: bool = False
    filters: bool = False
    n_pairs: tuple[int, ...] = (2,)
    n_images: int = 250
    sigma: float = 0.02
    sigma_end: float | None = None
    learning_rate: float = 0.005
    decay: float = 0.0
    shift: int = 0


@dataclasses.dataclass(frozen=True)
class Cloud:
    """An evolution strategy on the whole network.

    Attributes:
        n_generations: at full size.
        rank_one: the noise of each weight matrix is an outer product of two vectors (Sarkar et al. 2025).
        n_pairs, images_per_class, sigma: the samples and the batch.
        learning_rate: of Adam, constant.
    """

    n_generations: int
    rank_one: bool = False
    n_pairs: int = 100
    images_per_class: int = 20
    sigma: float = 0.02
    learning_rate: float = 0.01


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Backpropagation, Adam and a learning rate that falls in a straight line to 0.

    Attributes:
        n_generations: steps at full size.
        filters, shift, n_images: as in `Parts`.
        learning_rate: of Adam.
    """

    n_generations: int
    filters: bool = False
    n_images: int = 250
    learning_rate: float = 0.002
    shift: int = 0


Rung = Whole | Parts | Cloud | Gradient

RUNGS: dict[str, Rung] = {
    # Pure selection, a change at a time.
    "GENREG as printed": Whole(260, trust=True, soft=False, top=0.2),
    "log-likelihood": Whole(260, trust=True, top=0.2),
    "stronger selection": Whole(260),
    "neuron crossover": Whole(230, crossover=True),
    "self-adapted": Whole(230, crossover=True, sigma=0.04, tau=0.1),
    "annealed": Whole(230, crossover=True, sigma_end=0.003),
    "bigger batch": Whole(130, crossover=True, sigma_end=0.003, images_per_class=50),
    "population 50": Whole(920, crossover=True, sigma_end=0.003, n_genomes=50),
    "population 800": Whole(57, crossover=True, sigma_end=0.003, n_genomes=800),
    "one-neuron mutants": Parts(3300, sigma_end=0.003, n_images=500),
    "weight decay": Parts(3300, sigma_end=0.003, n_images=500, decay=1e-3),
    "shifted images": Parts(3300, sigma_end=0.003, n_images=500, decay=1e-3, shift=1),
    # Evolution strategies.
    "OpenAI-ES": Cloud(190),
    "rank-one ES": Cloud(680, rank_one=True),
    "one-neuron ES": Parts(3800, strategy=True, n_pairs=(4,)),
    "one-neuron ES, shifted images": Parts(3800, strategy=True, n_pairs=(4,), shift=1),
    # The summit.
    "gradient": Gradient(12_000),
}

# Four values of one setting for every rung; the best on validation is taken.
SWEEPS: dict[str, tuple[str, list[float]]] = {
    name: ("learning_rate", [0.003, 0.01, 0.03, 0.1])
    if isinstance(rung, Cloud)
    else ("learning_rate", [0.001, 0.002, 0.004, 0.008])
    if isinstance(rung, Gradient)
    else ("learning_rate", [0.003, 0.006, 0.012, 0.024])
    if isinstance(rung, Parts) and rung.strategy
    else ("decay", [1e-4, 3e-4, 1e-3, 3e-3])
    if isinstance(rung, Parts) and rung.decay
    else ("tau", [0.05, 0.1, 0.2, 0.4])
    if isinstance(rung, Whole) and rung.tau
    else ("sigma", [0.01, 0.02, 0.04, 0.08])
    for name, rung in RUNGS.items()
}


def n_generations(rung: Rung, size: str) -> int:
    """Generations of a rung at one of the three sizes."""
    return max(4, round(rung.n_generations * SHARE[size]))


def _looks(n: int) -> set[int]:
    """Generations after which a run of n is looked at: about 30, more often at first."""
    return {round(n ** (i / 16)) for i in range(17)} | {round(n * i / 16) for i in range(1, 17)}


def _scale(start: float, end: float | None, share: float) -> float:
    return start * ((end or start) / start) ** share


def run_rung(unit: Unit, context: Context, rung: Rung, images: data.ImageData | None = None) -> Rows:
    """Run one rung with one seed on MNIST, or other images; its rows for the tables finals and curves, or sweeps."""
    net: Any = neurons.FilterNet() if isinstance(rung, Parts | Gradient) and rung.filters else NET
    recorder = Recorder(unit, context, net, images)
    rng = torch.Generator(context.device).manual_seed(unit.seed)
    runner: Any = {Whole: _Whole, Parts: _Parts, Cloud: _Cloud, Gradient: _Gradient}[type(rung)](rung, net, rng)
    n, multiply_adds = n_generations(rung, context.size), 0
    looks = {n} if "sweep" in unit.method else _looks(n)
    for step in tqdm(range(1, n + 1), desc=unit.key, unit="gen", disable=not context.progress):
        with recorder.budget.clock():
            if isinstance(rung, Parts | Gradient):
                chosen = torch.randint(len(recorder.train), (rung.n_images,), generator=rng, device=context.device)
                x, y = transforms.shift(recorder.train.pixels(chosen), rung.shift, rng), recorder.train.y[chosen]
            else:
                x, y = recorder.train.sample(rung.images_per_class, rng)
            genome = runner.step(x, y, (step - 1) / n)
        if runner.by_gradient:
            recorder.budget.gradient(1, len(y))
        else:
            recorder.budget.forward(runner.n_genomes, len(y))
        multiply_adds += runner.multiply_adds * len(y)
        if step in looks:
            recorder.look(genome(), step, multiply_adds=multiply_adds)
    return recorder.rows(multiply_adds=multiply_adds)


# A runner takes one generation's images and the share of the run that is over, and gives back how to get at the genome
# to look at. `n_genomes` and `multiply_adds` are what a generation costs on each image.


class _Whole:
    by_gradient = False

    def __init__(self, rung: Whole, net: nets.MLP, rng: torch.Generator) -> None:
        self.rung, self.net, self.rng = rung, net, rng
        self.n_genomes, self.multiply_adds = rung.n_genomes, rung.n_genomes * N_WEIGHTS
        self.settings = Settings(n_genomes=rung.n_genomes, survival_cutoff=rung.top, mutation_scale=rung.sigma)
        self.trusted = GENREG.start(net, self.settings, rng) if rung.trust else None
        self.population = self.trusted.population if self.trusted else net.init(rung.n_genomes, INIT_STD, rng)
        self.sigmas = torch.full((rung.n_genomes, 1), rung.sigma, device=rng.device)  # for self-adaptation

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        rung = self.rung
        logits = self.net.forward(self.population, x)
        correct = nets.count_correct(logits, y)
        fitness = nets.mean_log_likelihood(logits, y) if rung.soft else reward(correct, len(y), self.settings)
        champion = self.population[int(fitness.argmax())].clone()
        if self.trusted:
            self.trusted.tell(fitness)
            self.population = self.trusted.population
        else:
            parents = ga.from_best(fitness, 2 * self.n_genomes, self.rng, rung.top)
            mothers, fathers = parents.chunk(2)
            children = self.population[mothers]
            if rung.crossover:
                cross_neurons_(self.net, children, self.population, fathers, self.rng)
            scale: float | Tensor = _scale(rung.sigma, rung.sigma_end, share)
            if rung.tau:
                noise = torch.randn(self.sigmas.shape, generator=self.rng, device=self.rng.device)
                scale = self.sigmas = self.sigmas[mothers] * (rung.tau * noise).exp()
            ga.mutate_(children, self.settings.child_mutation_rate, scale, self.rng)
            self.population = children
        return lambda: champion


def cross_neurons_(net: nets.MLP, children: Tensor, population: Tensor, fathers: Tensor, rng: torch.Generator) -> None:
    """Crossover of whole neurons: each hidden neuron of a child is its father's with probability one half.

    A neuron comes with its input weights, its bias and its output weights, so what it says still fits what it hears.

    Args:
        net: an MLP of one hidden layer.
        children: (n_children, n_params), copies of the mothers; changed in place.
        population: (n_genomes, n_params).
        fathers: (n_children,) rows of the population.
        rng: source of randomness.
    """
    (w_in, bias), (w_out, _) = net.layers(children)
    (w_in_of, bias_of), (w_out_of, _) = net.layers(population)
    swapped = torch.rand(bias.shape, generator=rng, device=rng.device) < 0.5
    child, neuron = swapped.nonzero(as_tuple=True)
    father = fathers[child]
    w_in[child, neuron] = w_in_of[father, neuron]
    bias[child, neuron] = bias_of[father, neuron]
    w_out[child, :, neuron] = w_out_of[father, :, neuron]


class _Parts:
    by_gradient = False

    def __init__(self, rung: Parts, net: Any, rng: torch.Generator) -> None:
        self.rung, self.net = rung, net
        if rung.filters:
            self.genome = net.init(rng)
            self.parts = net.split(self.genome)
            self.scales = [(2 / (part.shape[1] - 1)) ** 0.5 for part in self.parts]
        else:
            self.genome = net.init(1, INIT_STD, rng)[0]
            self.parts, self.scales = [neurons.split(net, self.genome)], [1.0]
        words = {"learning_rate": rung.learning_rate} if rung.strategy else {}
        kind: Any = neurons.Strategy if rung.strategy else neurons.Selection
        self.searches = [
            kind(part, n_pairs=n, rng=rng, **words) for part, n in zip(self.parts, rung.n_pairs, strict=True)
        ]
        self.n_genomes = 1 + 2 * sum(len(p) * n for p, n in zip(self.parts, rung.n_pairs, strict=True))
        self.multiply_adds = net.multiply_adds(rung.n_pairs) if rung.filters else _neuron_products(rung.n_pairs[0])

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        rung = self.rung
        sigma = _scale(rung.sigma, rung.sigma_end, share)
        steps = [search.ask(sigma * scale) for search, scale in zip(self.searches, self.scales, strict=True)]
        if rung.filters:
            fitness, parent = self.net.score(self.parts, steps, x, y)
        else:
            one, parent = neurons.score(self.parts[0], steps[0], x, y)
            fitness = [one]
        for search, scores, scale in zip(self.searches, fitness, self.scales, strict=True):
            if rung.strategy:
                search.learning_rate = rung.learning_rate * scale * (1 - share)
            search.tell(scores, parent)
            if rung.decay:
                search.parts.mul_(1 - rung.decay * sigma / rung.sigma)
        return lambda: self.genome if rung.filters else neurons.join(self.net, self.parts[0])


def _neuron_products(n_pairs: int) -> int:
    """Multiply-adds on one image: the parent, one product of inputs a pair, one of outputs a mutant."""
    return N_WEIGHTS + 64 * n_pairs * (784 + 2 * 10)


class _Cloud:
    by_gradient = False

    def __init__(self, rung: Cloud, net: nets.MLP, rng: torch.Generator) -> None:
        self.rung, self.net, mean = rung, net, net.init(1, INIT_STD, rng)[0]
        words: Any = {"n_pairs": rung.n_pairs, "sigma": rung.sigma, "learning_rate": rung.learning_rate, "rng": rng}
        self.strategy = RankOneES(net, mean, **words) if rung.rank_one else OpenAIES(mean, **words)
        self.n_genomes = 2 * rung.n_pairs
        products = N_WEIGHTS + rung.n_pairs * (784 + 2 * (64 * 10 + 64)) if rung.rank_one else N_WEIGHTS
        self.multiply_adds = products if rung.rank_one else products * self.n_genomes

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        if isinstance(self.strategy, RankOneES):
            self.strategy.step(x, y)
        else:
            self.strategy.tell(nets.mean_log_likelihood(self.net.forward(self.strategy.ask(), x), y))
        return lambda: self.strategy.mean


class RankOneES:
    """An evolution strategy whose noise is an outer product for each weight matrix, so that samples share the products.

    W x + sigma a (b . x) needs W x once for all samples, and one product of length n_in for each.

    Source: Sarkar et al. (2025), arXiv:2511.16652, at rank 1, with antithetic pairs, Adam and no shaping of the scores.

    Args:
        net: an MLP of one hidden layer and tanh.
        mean: (n_params,) where the search starts; it moves in place.
        n_pairs, sigma, learning_rate, rng: as in `strategies.OpenAIES`.
    """

    def __init__(
        self, net: nets.MLP, mean: Tensor, *, n_pairs: int, sigma: float, learning_rate: float, rng: torch.Generator
    ) -> None:
        self.net, self.mean, self.n_pairs, self.sigma, self.rng = net, mean, n_pairs, sigma, rng
        self._adam = torch.optim.Adam([mean], lr=learning_rate, maximize=True)
        self._grad = torch.zeros_like(mean)

    @torch.no_grad()
    def scores(self, noise: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        """Mean log-likelihood (2 * n_pairs,) of the samples, + noise first; `noise` as `draw` gives it."""
        a1, b1, c1, a2, b2, c2 = noise
        (w1, bias1), (w2, bias2) = ((w[0], b[0]) for w, b in self.net.layers(self.mean[None]))
        sign = torch.cat([torch.ones(self.n_pairs), -torch.ones(self.n_pairs)]).to(x)[:, None, None] * self.sigma
        d_hears = a1[:, :, None] * (b1 @ x.T)[:, None] + c1[:, :, None]  # (n_pairs, n_hidden, n_images)
        h = (w1 @ x.T + bias1[:, None] + sign * d_hears.repeat(2, 1, 1)).tanh_()
        d_says = a2.repeat(2, 1)[:, :, None] * (b2.repeat(2, 1)[:, None] @ h) + c2.repeat(2, 1)[:, :, None]
        logits = w2 @ h + bias2[:, None] + sign * d_says
        return nets.mean_log_likelihood(logits.transpose(1, 2), y)

    def draw(self) -> list[Tensor]:
        """Vectors for rows and columns of the first matrix, its biases, and the same of the second, for every pair."""
        n_in, n_hidden, n_out = self.net.sizes
        sizes = (n_hidden, n_in, n_hidden, n_out, n_hidden, n_out)
        return [torch.randn((self.n_pairs, n), generator=self.rng, device=self.rng.device) for n in sizes]

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor) -> None:
        """Draw, score on images x (n, n_in) with classes y (n,), and move the mean."""
        noise = self.draw()
        plus, minus = self.scores(noise, x, y).chunk(2)
        weights = (plus - minus) / (2 * self.sigma * self.n_pairs)
        a1, b1, c1, a2, b2, c2 = noise
        (w1, bias1), (w2, bias2) = self.net.layers(self._grad[None])
        w1[0], bias1[0] = (weights[:, None] * a1).T @ b1, weights @ c1
        w2[0], bias2[0] = (weights[:, None] * a2).T @ b2, weights @ c2
        self.mean.grad = self._grad
        self._adam.step()


class _Gradient:
    by_gradient = True
    n_genomes = 1

    def __init__(self, rung: Gradient, net: Any, rng: torch.Generator) -> None:
        self.rung, self.net = rung, net
        self.genome = net.init(rng)[None] if rung.filters else net.init(1, INIT_STD, rng)
        self.genome.requires_grad_()
        self.adam = torch.optim.Adam([self.genome], lr=rung.learning_rate)
        self.multiply_adds = 3 * (net.multiply_adds((0, 0, 0)) if rung.filters else N_WEIGHTS)

    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        for group in self.adam.param_groups:
            group["lr"] = self.rung.learning_rate * (1 - share)
        loss = -nets.mean_log_likelihood(self.net.forward(self.genome, x), y).sum()
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return lambda: self.genome[0].detach()


# The run


def _sweep(name: str, value: float) -> Unit:
    return Unit(f"sweep {name} {value:g}", TUNING_SEED)


def _changed(rung: Rung, setting: str, value: float, share: float = 1.0) -> Rung:
    changes: dict[str, Any] = {setting: value, "n_generations": max(4, round(rung.n_generations * share))}
    return dataclasses.replace(rung, **changes)


def tuned(name: str, context: Context) -> float:
    """The value of a rung's setting that did best on validation, from the sweep's units of this run."""
    _, values = SWEEPS[name]
    scores = []
    for value in values:
        unit = _sweep(name, value)
        done = context.scratch.parent / f"{unit.key}.json"
        rows = json.loads(done.read_text("utf-8")) if done.exists() else run_unit(unit, context)
        scores.append(rows["sweeps"][0]["validation"])
    return values[max(range(len(values)), key=scores.__getitem__)]


def units(seeds: list[int]) -> list[Unit]:
    """The sweeps, then seed by seed, so that a stopped run has whole ladders."""
    sweeps = [_sweep(name, value) for name, (_, values) in SWEEPS.items() for value in values]
    return sweeps + [Unit(name, seed) for seed in seeds for name in RUNGS]


def run_unit(unit: Unit, context: Context) -> Rows:
    """Run one rung with one seed; its rows for the tables finals and curves, or sweeps."""
    if unit.method in RUNGS:
        setting, _ = SWEEPS[unit.method]
        value = tuned(unit.method, context)
        rows = run_rung(unit, context, _changed(RUNGS[unit.method], setting, value))
        rows["finals"][0] |= {"setting": setting, "value": value}
        return rows
    for name, (setting, values) in SWEEPS.items():
        for value in values:
            if unit == _sweep(name, value):
                rows = run_rung(unit, context, _changed(RUNGS[name], setting, value, TUNING_SHARE))
                rows["sweeps"][0] |= {"method": name, "setting": setting, "value": value}
                return rows
    raise ValueError(f"the ladder has no rung {unit.method!r}")


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds, for the provenance."""
    return {
        "size": size,
        "data": load(size).source,
        "net": NET.sizes,
        "init_std": INIT_STD,
        "core_seconds": CORE_SECONDS,
        "share_of_generations": SHARE[size],
        "tuning_share": TUNING_SHARE,
        "rungs": {name: {"kind": type(rung).__name__} | dataclasses.asdict(rung) for name, rung in RUNGS.items()},
        "sweeps": {name: list(sweep) for name, sweep in SWEEPS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
