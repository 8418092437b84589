"""The programs that `peers` compares: ours, and the same generation in five other libraries.

A library's name and versions stand in the extra `peers` of pyproject.toml as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from evidence.bench.generation import N_IMAGES, NET, package_generation
from neuroevo import nets
from neuroevo.genreg import GENREG, Settings
from neuroevo.strategies import OpenAIES

RULE = Settings()  # GENREG's, which the others follow where they have such a setting
N_GENOMES, SIGMA, LEARNING_RATE = RULE.n_genomes, RULE.mutation_scale, 0.01

Step = Callable[[], float]


class Task:
    """What all have to do: score a population on the next 200 of a few thousand images.

    Attributes:
        batches: pairs of images (200, 784) and labels (200,); random pixels, since speed doesn't depend on them.
        start: (50890,), weights to start from.
    """

    def __init__(self, n_batches: int = 10, seed: int = 0) -> None:
        self.rng = torch.Generator().manual_seed(seed)
        y = torch.arange(N_IMAGES) % NET.sizes[-1]
        self.batches = [(torch.rand((N_IMAGES, NET.sizes[0]), generator=self.rng), y) for _ in range(n_batches)]
        self.start = NET.init(1, RULE.init_std, self.rng)[0]
        self._cycle = cycle(self.batches)

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """Images and labels that nobody has seen for a while."""
        return next(self._cycle)

    @torch.no_grad()
    def correct(self, population: Tensor) -> Tensor:
        """Right answers of every row, all at once: (n_genomes, 50890) to (n_genomes,)."""
        x, y = self.next_batch()
        return nets.count_correct(NET.forward(population, x), y)


def timed(work: Callable[[], object]) -> Step:
    """A step that does the work once and returns the processor seconds that it took."""

    def step() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    return step


# This package


def our_genreg(task: Task) -> Step:
    """GENREG as printed."""
    state = GENREG.start(NET, RULE, task.rng)
    return timed(lambda: package_generation(state, *task.next_batch()))


def our_strategy(task: Task) -> Step:
    """The package's evolution strategy, beside those of the others."""
    strategy = OpenAIES(task.start, n_pairs=N_GENOMES // 2, sigma=SIGMA, learning_rate=LEARNING_RATE, rng=task.rng)
    return timed(lambda: strategy.tell(task.correct(strategy.ask())))


# EvoTorch


def _evotorch_problem(task: Task) -> Any:
    from evotorch import Problem
    from evotorch.decorators import vectorized

    @vectorized
    def fitness(population: Tensor) -> Tensor:
        return task.correct(population.as_subclass(torch.Tensor))  # theirs refuses to be changed in place

    return Problem("max", fitness, solution_length=NET.n_params, initial_bounds=(-RULE.init_std, RULE.init_std))


def evotorch_ga(task: Task) -> Step:
    """Its GeneticAlgorithm; parents keep their score, so that 200 networks are scored and not 400."""
    from evotorch.algorithms import GeneticAlgorithm
    from evotorch.operators import GaussianMutation

    problem = _evotorch_problem(task)
    mutation = GaussianMutation(problem, stdev=SIGMA, mutation_probability=RULE.child_mutation_rate)
    return timed(GeneticAlgorithm(problem, popsize=N_GENOMES, operators=[mutation], re_evaluate=False).step)


def evotorch_snes(task: Task) -> Step:
    """Its SNES, all networks scored at once."""
    from evotorch.algorithms import SNES

    return timed(SNES(_evotorch_problem(task), stdev_init=SIGMA, popsize=N_GENOMES).step)


def evotorch_supervised(task: Task) -> Step:
    """SNES on SupervisedNE, its class for supervised learning, which scores network by network."""
    from evotorch.algorithms import SNES
    from evotorch.neuroevolution import SupervisedNE

    images = torch.utils.data.TensorDataset(*(torch.cat(part) for part in zip(*task.batches, strict=True)))
    problem = SupervisedNE(images, _module, nn.CrossEntropyLoss(), minibatch_size=N_IMAGES, common_minibatch=True)
    return timed(SNES(problem, stdev_init=SIGMA, popsize=N_GENOMES).step)


def _module() -> nn.Sequential:
    n_in, n_hidden, n_out = NET.sizes
    return nn.Sequential(nn.Linear(n_in, n_hidden), nn.Tanh(), nn.Linear(n_hidden, n_out)).requires_grad_(False)


# EvoX


def evox_supervised(task: Task) -> Step:
    """OpenES on SupervisedLearningProblem, its class for supervised learning: vmap over an nn.Module."""
    from evox.algorithms import OpenES
    from evox.problems.neuroevolution.supervised_learning import SupervisedLearningProblem
    from evox.utils import ParamsAndVector
    from evox.workflows import StdWorkflow

    module = _module()
    adapter = ParamsAndVector(dummy_model=module)
    problem = SupervisedLearningProblem(
        model=module,
        data_loader=task.batches,
        criterion=nn.CrossEntropyLoss(reduction="none"),
        pop_size=N_GENOMES,
    )
    algorithm = OpenES(N_GENOMES, task.start.clone(), LEARNING_RATE, SIGMA, optimizer="adam")
    workflow = StdWorkflow(algorithm, problem, solution_transform=adapter)
    workflow.init_step()
    return timed(workflow.step)


def evox_vectorised(task: Task) -> Step:
    """OpenES with our forward pass in its own Problem."""
    from evox.algorithms import OpenES
    from evox.core import Problem
    from evox.workflows import StdWorkflow

    class Images(Problem):
        def evaluate(self, pop: Tensor) -> Tensor:
            return -task.correct(pop)

    algorithm = OpenES(N_GENOMES, task.start.clone(), LEARNING_RATE, SIGMA, optimizer="adam")
    workflow = StdWorkflow(algorithm, Images())
    workflow.init_step()
    return timed(workflow.step)


# evosax


def evosax_ga(task: Task) -> Step:
    """SimpleGA, mutating every weight: it has no mutation rate."""
    import optax
    from evosax.algorithms import SimpleGA

    algorithm = SimpleGA(N_GENOMES, _jax_weights(task), std_schedule=optax.constant_schedule(SIGMA))
    algorithm.elite_ratio = RULE.survival_cutoff
    return _evosax(task, algorithm, has_population=True)


def evosax_strategy(task: Task) -> Step:
    """Open_ES with Adam."""
    import optax
    from evosax.algorithms import Open_ES

    algorithm = Open_ES(
        N_GENOMES,
        _jax_weights(task),
        optimizer=optax.adam(LEARNING_RATE),
        std_schedule=optax.constant_schedule(SIGMA),
    )
    return _evosax(task, algorithm, has_population=False)


def _jax_weights(task: Task) -> dict[str, Any]:
    import jax.numpy as jnp

    (w1, b1), (w2, b2) = NET.layers(task.start[None])
    return {"w1": jnp.asarray(w1[0].T), "b1": jnp.asarray(b1[0]), "w2": jnp.asarray(w2[0].T), "b2": jnp.asarray(b2[0])}


def _evosax(task: Task, algorithm: Any, has_population: bool) -> Step:
    import jax
    import jax.numpy as jnp

    batches = cycle([(jnp.asarray(x.numpy()), jnp.asarray(y.numpy())) for x, y in task.batches])
    params = algorithm.default_params

    def wrong(weights: dict[str, Any], x: Any, y: Any) -> Any:  # evosax minimises
        logits = jnp.tanh(x @ weights["w1"] + weights["b1"]) @ weights["w2"] + weights["b2"]
        return (logits.argmax(axis=1) != y).mean()

    @jax.jit
    def generation(key: Any, state: Any, x: Any, y: Any) -> tuple[Any, Any]:
        key, for_ask, for_tell = jax.random.split(key, 3)
        population, state = algorithm.ask(for_ask, state, params)
        fitness = jax.vmap(wrong, (0, None, None))(population, x, y)
        state, _ = algorithm.tell(for_tell, population, fitness, state, params)
        return key, state

    key, weights = jax.random.key(0), _jax_weights(task)
    if has_population:
        first = jax.tree.map(lambda w: RULE.init_std * jax.random.normal(key, (N_GENOMES, *w.shape)), weights)
        state = algorithm.init(key, first, jnp.zeros(N_GENOMES), params)
    else:
        state = algorithm.init(key, weights, params)
    now = [key, state]

    def work() -> None:
        now[:] = jax.block_until_ready(generation(*now, *next(batches)))

    return timed(work)


# DEAP


def _deap(task: Task, vectorised: bool) -> Step:
    from deap import algorithms, base, creator, tools

    if not hasattr(creator, "NeuroevoGenome"):
        creator.create("NeuroevoFitness", base.Fitness, weights=(1.0,))
        creator.create("NeuroevoGenome", np.ndarray, fitness=creator.NeuroevoFitness)
    numbers = np.random.default_rng(0)

    def mutate(genome: Any) -> tuple[Any]:
        hit = numbers.random(genome.shape, dtype=np.float32) < RULE.child_mutation_rate
        genome += hit * numbers.standard_normal(genome.shape, dtype=np.float32) * np.float32(SIGMA)
        return (genome,)

    def evaluate(genome: Any) -> tuple[float]:
        return (float(nets.count_correct(NET.forward(torch.from_numpy(np.asarray(genome))[None], x), y)),)

    def evaluate_all(_: Any, genomes: list[Any]) -> list[tuple[float]]:
        rows = torch.from_numpy(np.stack(genomes))
        return [(score,) for score in nets.count_correct(NET.forward(rows, x), y).tolist()]

    toolbox = base.Toolbox()
    toolbox.register("evaluate", evaluate)
    toolbox.register("select", tools.selTournament, tournsize=3)
    if vectorised:
        toolbox.register("map", evaluate_all)
        toolbox.register("mutate", mutate)
    else:
        toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=SIGMA, indpb=RULE.child_mutation_rate)
    population = [creator.NeuroevoGenome(row) for row in NET.init(N_GENOMES, RULE.init_std, task.rng).numpy()]
    x, y = task.next_batch()

    def work() -> None:
        nonlocal population, x, y
        x, y = task.next_batch()
        offspring = algorithms.varAnd(population, toolbox, cxpb=0.0, mutpb=1.0)
        for genome, score in zip(offspring, toolbox.map(toolbox.evaluate, offspring), strict=True):
            genome.fitness.values = score
        population = toolbox.select(offspring, k=N_GENOMES)

    return timed(work)


def deap_documented(task: Task) -> Step:
    """NumPy genomes, tournament selection and its Gaussian mutation, genome by genome."""
    return _deap(task, vectorised=False)


def deap_vectorised(task: Task) -> Step:
    """The same loop with a mutation of our own in NumPy and all genomes scored at once."""
    return _deap(task, vectorised=True)


# PyGAD


def _pygad(task: Task, **settings: Any) -> Step:
    import pygad

    clock = {}

    def on_fitness(*_: Any) -> None:  # at the head of a generation, when all are scored
        clock["began"] = time.process_time()

    def on_generation(*_: Any) -> None:  # when the children are scored
        clock["ended"] = time.process_time()

    search = pygad.GA(
        num_generations=1,
        initial_population=NET.init(N_GENOMES, RULE.init_std, task.rng).numpy(),
        gene_type=np.float32,
        num_parents_mating=round(N_GENOMES * RULE.survival_cutoff),
        keep_elitism=0,
        keep_parents=0,
        crossover_type=None,
        on_fitness=on_fitness,
        on_generation=on_generation,
        suppress_warnings=True,
        random_seed=0,
        **settings,
    )

    def step() -> float:
        search.run()
        return clock["ended"] - clock["began"]

    return step


def pygad_documented(task: Task) -> Step:
    """Its random mutation of 7 % of the genes, scored solution by solution through pygad.torchga."""
    from pygad import torchga

    module = _module()

    def fitness(search: Any, solution: Any, index: int) -> float:
        x, y = task.batches[search.generations_completed % len(task.batches)]
        return int((torchga.predict(module, solution, x).argmax(dim=1) == y).sum())

    return _pygad(
        task,
        fitness_func=fitness,
        mutation_percent_genes=100 * RULE.child_mutation_rate,
        random_mutation_min_val=-SIGMA,
        random_mutation_max_val=SIGMA,
    )


def pygad_vectorised(task: Task) -> Step:
    """A mutation of our own in NumPy, and all solutions scored at once."""
    numbers = np.random.default_rng(0)

    def mutate(offspring: Any, _: Any) -> Any:
        hit = numbers.random(offspring.shape, dtype=np.float32) < RULE.child_mutation_rate
        offspring += hit * numbers.standard_normal(offspring.shape, dtype=np.float32) * np.float32(SIGMA)
        return offspring

    def fitness(_: Any, solutions: Any, indices: Any) -> list[float]:
        return task.correct(torch.from_numpy(np.asarray(solutions, dtype=np.float32))).tolist()

    return _pygad(task, fitness_func=fitness, fitness_batch_size=N_GENOMES, mutation_type=mutate)


@dataclass(frozen=True)
class Contender:
    """One row of the table.

    Attributes:
        library: its name on PyPI.
        algorithm: what runs.
        kind: "GA" (selection of whole networks) or "ES" (an estimate of a gradient).
        use: "documented", or "ours" for a faster way that we found.
        start: makes ready, and returns the step of one generation.
    """

    library: str
    algorithm: str
    kind: str
    use: str
    start: Callable[[Task], Step]


CONTENDERS = (
    Contender("neuroevo", "GENREG", "GA", "documented", our_genreg),
    Contender("neuroevo", "OpenAIES", "ES", "documented", our_strategy),
    Contender("evotorch", "GeneticAlgorithm", "GA", "documented", evotorch_ga),
    Contender("evotorch", "SNES, SupervisedNE", "ES", "documented", evotorch_supervised),
    Contender("evotorch", "SNES, vectorised", "ES", "ours", evotorch_snes),
    Contender("evosax", "SimpleGA", "GA", "documented", evosax_ga),
    Contender("evosax", "Open_ES", "ES", "documented", evosax_strategy),
    Contender("evox", "OpenES, SupervisedLearningProblem", "ES", "documented", evox_supervised),
    Contender("evox", "OpenES, our forward pass", "ES", "ours", evox_vectorised),
    Contender("deap", "selTournament, mutGaussian", "GA", "documented", deap_documented),
    Contender("deap", "selTournament, vectorised", "GA", "ours", deap_vectorised),
    Contender("pygad", "random mutation, torchga", "GA", "documented", pygad_documented),
    Contender("pygad", "vectorised", "GA", "ours", pygad_vectorised),
)
