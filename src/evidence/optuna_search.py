"""Optuna's samplers as searchers, to stand beside the book's own."""

from __future__ import annotations

from typing import Any

import torch

from neuroevo.search import Searcher, Space


class OptunaSearch(Searcher):
    """One of Optuna's samplers, as a searcher of one run.

    Source: Akiba et al. (2019), "Optuna: a next-generation hyperparameter optimization framework".

    Args:
        space: what is searched; every name is a categorical parameter.
        sampler: "tpe" (tree-structured Parzen estimator), "nsga2" (a genetic algorithm) or "random", each with
            Optuna's defaults (but "nsga2" with 20 genomes, as many as the post has).
        seed: of the sampler.
        n: designs in a generation; all of them are chosen before the first one is scored.
    """

    def __init__(self, space: Space, sampler: str = "tpe", *, seed: int, n: int = 1) -> None:
        super().__init__(space, torch.Generator().manual_seed(seed))
        try:
            import optuna
        except ImportError as error:
            raise ImportError("this search needs Optuna: install it with `pip install optuna`") from error
        samplers = {
            "tpe": lambda: optuna.samplers.TPESampler(seed=seed),
            "nsga2": lambda: optuna.samplers.NSGAIISampler(population_size=20, seed=seed),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        }
        if sampler not in samplers or n < 1:
            raise ValueError(f"need n >= 1 and a sampler of {', '.join(samplers)}, not {n} and {sampler!r}")
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(direction="maximize", sampler=samplers[sampler]())
        # Choices as numbers: any object may be a choice, and Optuna stores numbers.
        self._choices: dict[str, Any] = {
            name: optuna.distributions.CategoricalDistribution(tuple(range(size)))
            for name, size in zip(space.names, space.sizes, strict=True)
        }
        self.n = n
        self._draw()

    def _draw(self) -> None:
        self._trials = [self._study.ask(self._choices) for _ in range(self.n)]
        self._start(torch.tensor([[[trial.params[name] for name in self.space.names] for trial in self._trials]]))

    def _next(self) -> None:
        for trial, score in zip(self._trials, self.scores[0].tolist(), strict=True):
            self._study.tell(trial, score)
        self._keep_leaders()
        self._draw()
