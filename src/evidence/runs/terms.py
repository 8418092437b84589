"""Who earns what: the Price equation on bred populations and on descending networks, for chapter 17.

The mean of a trait z changes from one generation to the next by a selection term, the covariance of z with the share
of children, and a transmission term, the mean difference of children from their parents (Price 1970). Here z is the
log-likelihood on 100 images that nobody is selected or trained on. Table `terms`: the sums up to a look; `ends`: what
a run was like.

    python3 course.py run terms --seeds 20
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from evidence.runs import analogies
from evidence.runs.analogies import ARMS, Arm
from neuroevo import data, nets

NET = nets.MLP((64, 32, 10))
N_GENERATIONS = {"smoke": 10, "laptop": 200, "full": 200}
N_NETWORKS = 20  # that descend side by side, each with one successor
LOOK_EVERY = 10
METHODS: dict[str, tuple[Arm, bool]] = {
    "selection": (ARMS["plain"], False),
    "selection, scale 0.05": (Arm(scale=0.05), False),
    "selection, scale 0.02": (Arm(scale=0.02), False),
    "selection and sex": (ARMS["sex"], False),
    "lots": (ARMS["plain"], True),
    "gradient": (ARMS["gradient"], False),
    "gradient, rate 5": (ARMS["gradient"], False),
}
"""Name -> the arm, and whether parents are drawn by lot."""
FEW = {"selection, scale 0.05", "selection and sex"}
FEW_SEEDS = 5
"""What the chapter doesn't tell, and the seeds that it gets."""


def price(z: Tensor, mothers: Tensor, fathers: Tensor, z_children: Tensor) -> tuple[Tensor, Tensor]:
    """The selection term and the transmission term of the change of the mean of z.

    Args:
        z: (n,) the trait of the parents' generation.
        mothers, fathers: (n,) rows of each child's parents, each of which gives half.
        z_children: (n,) the trait of the children.
    """
    n = len(z)
    shares = (torch.bincount(mothers, minlength=n) + torch.bincount(fathers, minlength=n)) / 2
    selection = ((shares - 1) * z).mean()
    transmission = (z_children - (z[mothers] + z[fathers]) / 2).mean()
    return selection, transmission


@cache
def _judged() -> tuple[Tensor, Tensor]:
    held_out = data.digits().validation
    return held_out.pixels()[:100], held_out.y[:100]


def trait(population: Tensor) -> Tensor:
    """z: log-likelihood on the 100 images, (n_genomes,) float64."""
    x, y = _judged()
    return nets.mean_log_likelihood(analogies.answers(NET, population, x), y).double()


def slope(networks: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The gradient of the log-likelihood, for each network, (n, n_params)."""
    networks = networks.detach().requires_grad_()
    likelihood = nets.mean_log_likelihood(analogies.answers(NET, networks, x), y).sum()
    return torch.autograd.grad(likelihood, networks)[0]


def run_unit(unit: Unit, context: Context) -> Rows:
    """One population, its terms summed up."""
    arm, lots = METHODS[unit.method]
    by_gradient = arm.engine == "gradient"
    rate = 5.0 if unit.method.endswith("rate 5") else analogies.LEARNING_RATE
    rng, train = torch.Generator().manual_seed(unit.seed), data.digits().train
    population = NET.init(N_NETWORKS if by_gradient else analogies.N_GENOMES, analogies.INIT_STD, rng)
    n = len(population)
    rows, founders, z = [], torch.arange(n), trait(population)
    start, sums, cosines = z.mean(), torch.zeros(2).double(), []
    residual, worse, worse_children, childless = 0.0, 0, 0.0, 0.0
    for t in range(1, N_GENERATIONS[context.size] + 1):
        x, y = train.sample(10, rng)
        if by_gradient:
            mothers = fathers = torch.arange(n)
            children = population + rate * slope(population, x, y)
        else:
            fitness = nets.mean_log_likelihood(analogies.answers(NET, population, x), y)
            fitness = torch.rand(n, generator=rng) if lots else fitness
            children, mothers, fathers = analogies.breed(population, fitness, rng, arm)
            shares = (torch.bincount(mothers, minlength=n) + torch.bincount(fathers, minlength=n)) / 2
            differential = ((shares - 1)[:, None] * population).mean(dim=0)
            uphill = slope(population.mean(dim=0, keepdim=True), *_judged())[0]
            cosines.append(float(torch.cosine_similarity(differential, uphill, dim=0)))
            childless += float((shares == 0).double().mean())
        z_children = trait(children)
        both = torch.stack(price(z, mothers, fathers, z_children))
        residual = max(residual, abs(float(both.sum() - (z_children.mean() - z.mean()))))
        sums += both
        worse += int(both[1] < 0)
        worse_children += float((z_children < (z[mothers] + z[fathers]) / 2).double().mean())
        population, z, founders = children, z_children, founders[mothers]
        if t == 1 or t % LOOK_EVERY == 0:
            row = {"method": unit.method, "seed": unit.seed, "step": t, "change": float(z.mean() - start)}
            rows.append(row | {"selection": float(sums[0]), "transmission": float(sums[1])})
    steps = N_GENERATIONS[context.size]
    end = {
        "method": unit.method,
        "seed": unit.seed,
        "worse": worse / steps,  # generations in which transmission was negative
        "worse_children": worse_children / steps,
        "residual": residual,  # of the identity, the largest
        "childless": childless / steps if not by_gradient else 0.0,
        "founders": len(founders.unique()),
        "n": n,
        "cosine": sum(cosines) / len(cosines) if cosines else float("nan"),
        "spread": float(z.std()),
    }
    return {"terms": rows, "ends": [end]}


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "network": "64-32-10, tanh",
        "generations": N_GENERATIONS[size],
        "n_genomes": analogies.N_GENOMES,
        "networks that descend": N_NETWORKS,
        "learning_rate": analogies.LEARNING_RATE,
        "mutation": {name: arm.scale for name, (arm, _) in METHODS.items() if arm.engine == "selection"},
        "mutation rate": analogies.RATE,
        "share of genomes that are parents": analogies.SURVIVE,
        "trait": "log-likelihood on the first 100 validation images",
    }


def units(seeds: list[int]) -> list[Unit]:
    """Seed by seed, so that a run that is cut short has whole seeds."""
    return [Unit(name, seed) for seed in seeds for name in METHODS if seed < FEW_SEEDS or name not in FEW]


EXPERIMENT = Experiment(units, run_unit, settings)
