"""A thousand runs that evolve y = 2x + 3, as in chapter 6: all at once, and in the loops that one writes first."""

from __future__ import annotations

import copy
import statistics
from functools import partial

import torch
from torch import Tensor, nn

from evidence.bench.timing import seconds, side_by_side
from neuroevo import ga

N_RUNS, N_GENOMES, N_GENERATIONS, N_PARENTS, SCALE = 1000, 50, 30, 10, 0.1
X = torch.linspace(-1, 1, 20)
Y = 2 * X + 3


def fitness(population: Tensor) -> Tensor:
    """Minus the mean squared error of every line (w, b): (..., n_genomes, 2) to (..., n_genomes)."""
    w, b = population.unbind(-1)
    return -(w[..., None] * X + b[..., None] - Y).square().mean(dim=-1)


def population_runs(n_runs: int, rng: torch.Generator) -> Tensor:
    """Runs as one tensor, all side by side: the champions (n_runs, 2) after the last generation."""
    search = ga.GA(
        torch.randn(n_runs, N_GENOMES, 2, generator=rng),
        select=partial(ga.from_best, fraction=N_PARENTS / N_GENOMES),
        crossover=ga.uniform,
        mutate=partial(ga.mutate_, rate=1.0, scale=SCALE),
        rng=rng,
    )
    for _ in range(N_GENERATIONS):
        search.tell(fitness(search.ask()))
    return search.ask()[:, 0]


def module_run(rng: torch.Generator) -> Tensor:
    """One run whose genomes are `nn.Linear` objects, as the EMNN paper describes them: the champion (2,)."""

    def child_of(mother: nn.Linear, father: nn.Linear) -> nn.Linear:
        child = copy.deepcopy(mother)
        for gene, other in zip(child.parameters(), father.parameters(), strict=True):
            if torch.rand((), generator=rng) < 0.5:
                gene.copy_(other)
            gene.add_(SCALE * torch.randn(gene.shape, generator=rng))
        return child

    with torch.no_grad():
        x, y = X[:, None], Y[:, None]
        models = [nn.Linear(1, 1) for _ in range(N_GENOMES)]
        for model in models:
            for gene in model.parameters():
                gene.copy_(torch.randn(gene.shape, generator=rng))
        for _ in range(N_GENERATIONS):
            models.sort(key=lambda model: float(nn.functional.mse_loss(model(x), y)))
            pairs = torch.randint(N_PARENTS, (N_GENOMES - 1, 2), generator=rng).tolist()
            models = [models[0], *(child_of(models[i], models[j]) for i, j in pairs)]
        return torch.cat([gene.flatten() for gene in models[0].parameters()])


def measure(n_rounds: int = 5) -> dict[str, float]:
    """Measure the three programs round by round; the loops are timed on a few runs and scaled to a thousand.

    Returns:
        seconds (of the batch), seconds_run_loop and seconds_module_loop (scaled to `N_RUNS`), and the ratios of these
        two to the batch: medians over the rounds.
    """
    rng = torch.Generator().manual_seed(0)
    population_runs(N_RUNS, rng)
    times = []
    for _ in range(n_rounds):
        batch = seconds(lambda: population_runs(N_RUNS, rng))
        run_loop = seconds(lambda: [population_runs(1, rng) for _ in range(20)]) * N_RUNS / 20
        module_loop = seconds(lambda: module_run(rng)) * N_RUNS
        times.append((batch, run_loop, module_loop))
    batch, run_loop, module_loop = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "seconds": batch,
        "seconds_run_loop": run_loop,
        "seconds_module_loop": module_loop,
        "ratio_run_loop": statistics.median(loop / one for one, loop, _ in times),
        "ratio_module_loop": statistics.median(loop / one for one, _, loop in times),
    }


def table(m: dict[str, float]) -> str:
    """What `measure` found, for people."""
    title = (
        f"{N_RUNS} runs of y = 2x + 3: {N_GENOMES} genomes, {N_GENERATIONS} generations (loops scaled from a few runs)"
    )
    rows = [
        ("loop over runs, genomes as modules", m["seconds_module_loop"], m["ratio_module_loop"]),
        ("loop over runs, a population a tensor", m["seconds_run_loop"], m["ratio_run_loop"]),
        ("this package, all runs in one tensor", m["seconds"], 1.0),
    ]
    return side_by_side(title, rows)
