"""Whole networks mutate and compete: from GENREG as printed to annealed crossover of neurons."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from evidence.runs.ladder.rung import INIT_STD, N_WEIGHTS, NET, Climber, Rung, balanced, scale
from neuroevo import ga, nets
from neuroevo.genreg import GENREG, Settings, reward


class _Population(Climber):
    """A population of whole networks."""

    net: nets.MLP

    def __init__(self, rung: Whole, rng: torch.Generator, net: nets.MLP = NET) -> None:
        super().__init__(rung, rng)
        self.net = net
        self.n_genomes, self.multiply_adds = rung.n_genomes, rung.n_genomes * N_WEIGHTS
        self.settings = Settings(n_genomes=rung.n_genomes, survival_cutoff=rung.top, mutation_scale=rung.sigma)
        self.trusted = GENREG.start(net, self.settings, rng) if rung.trust else None
        self.genomes = self.trusted.population if self.trusted else net.init(rung.n_genomes, INIT_STD, rng)
        self.sigmas = torch.full((rung.n_genomes, 1), rung.sigma, device=rng.device)  # for self-adaptation

    @torch.no_grad()
    def step(self, x: Tensor, y: Tensor, share: float) -> Callable[[], Tensor]:
        rung = self.rung
        logits = self.net.forward(self.genomes, x)
        correct = nets.count_correct(logits, y)
        fitness = nets.mean_log_likelihood(logits, y) if rung.soft else reward(correct, len(y), self.settings)
        champion = self.genomes[int(fitness.argmax())].clone()
        if self.trusted:
            self.trusted.tell(fitness)
            self.genomes = self.trusted.population
        else:
            self._breed(ga.from_best(fitness, 2 * self.n_genomes, self.rng, rung.top), share)
        return lambda: champion

    def _breed(self, parents: Tensor, share: float) -> None:
        rung, (mothers, fathers) = self.rung, parents.chunk(2)
        children = self.genomes[mothers]
        if rung.crossover:
            cross_neurons_(self.net, children, self.genomes, fathers, self.rng)
        sigma: float | Tensor = scale(rung.sigma, rung.sigma_end, share)
        if rung.tau:
            noise = torch.randn(self.sigmas.shape, generator=self.rng, device=self.rng.device)
            sigma = self.sigmas = self.sigmas[mothers] * (rung.tau * noise).exp()
        ga.mutate_(children, self.settings.child_mutation_rate, sigma, self.rng)
        self.genomes = children


@dataclasses.dataclass(frozen=True)
class Whole(Rung):
    """Whole networks mutate and compete.

    Attributes:
        trust: GENREG's own selection; otherwise truncation by this generation's score, and parents drawn evenly.
        soft: rewarded by the mean log-likelihood of the right class, not by the count of right answers.
        top: share of the population that may become parents.
        crossover: a child takes every hidden neuron, with its output weights, from one of two parents.
        sigma, sigma_end: mutation scale at the start and at the end; it falls geometrically.
        tau: above 0, every genome has a mutation scale of its own, which starts at sigma and mutates by a factor
            exp(tau z) before its weights do (Schwefel 1977; Beyer and Schwefel 2002).
        n_genomes, images_per_class: size of the population, and of the batch that it is scored on.
    """

    trust: bool = False
    soft: bool = True
    top: float = 0.05
    crossover: bool = False
    sigma: float = 0.03
    sigma_end: float | None = None
    tau: float = 0.0
    n_genomes: int = 200
    images_per_class: int = 20

    climber: ClassVar = _Population
    batch: ClassVar = balanced


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
