"""Random search and the tuning post's genetic algorithm, in ask/tell form."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from neuroevo import ga
from neuroevo.search.space import Design, Space


class Searcher:
    """What all searchers share: a generation of designs, which of them need a training, and their scores.

    Args:
        space: what is searched.
        rng: source of randomness, on the CPU.
        n_runs: independent runs side by side.

    Attributes:
        genes: (n_runs, n_genomes, n_genes) the designs of this generation.
        todo: (n_runs, n_genomes) which of them need a training; the others have a score already.
        scores: (n_runs, n_genomes), NaN where there is none yet.
        generation: how many generations have been told.
    """

    genes: Tensor
    todo: Tensor
    scores: Tensor

    def __init__(self, space: Space, rng: torch.Generator, n_runs: int = 1) -> None:
        if n_runs < 1:
            raise ValueError(f"n_runs must be at least 1, not {n_runs}")
        self.space, self.rng, self.n_runs, self.generation = space, rng, n_runs, 0
        self._champion = torch.zeros(n_runs, len(space.sizes), dtype=torch.int64), torch.full((n_runs,), -math.inf)

    def _start(self, genes: Tensor) -> None:
        self.genes = genes
        self.todo = torch.ones(genes.shape[:2], dtype=torch.bool)
        self.scores = torch.full(genes.shape[:2], math.nan)

    def ask(self) -> list[Design]:
        """The designs of this generation that need a training; asking again gives the same ones."""
        if self.n_runs > 1:
            raise ValueError(f"ask() is for one run, and here are {self.n_runs}: read `genes` and `todo` instead")
        return self.space.designs(self.genes[0, self.todo[0]])

    def tell(self, scores: Sequence[float] | Tensor) -> None:
        """Take the scores of what was asked for, and make the next generation.

        Args:
            scores: one run: a number for each design of `ask()`, in its order. Many runs: (n_runs, n_genomes), read
                where `todo` is true.

        Raises:
            ValueError: another number of scores, or one that is NaN or infinite. Nothing has changed then.
        """
        given = torch.as_tensor(scores, dtype=torch.float32)
        wanted = self.todo.shape if self.n_runs > 1 else (int(self.todo.sum()),)
        if given.shape != wanted:
            shapes = f"{tuple(wanted)}, one for each design that was asked for, not {tuple(given.shape)}"
            raise ValueError(f"scores must have shape {shapes}")
        asked = given[self.todo] if self.n_runs > 1 else given
        if not bool(asked.isfinite().all()):
            first = int((~asked.isfinite()).nonzero()[0])
            design = self.space.designs(self.genes[self.todo])[first]
            raise ValueError(f"the score of {design} is {float(asked[first])}: give a finite number")
        self.scores[self.todo] = asked
        self.generation += 1
        self._next()

    def _next(self) -> None:
        raise NotImplementedError

    def champion(self) -> tuple[Tensor, Tensor]:
        """What each run would report after the last `tell`: genomes (n_runs, n_genes), and their scores (n_runs,)."""
        if self.generation == 0:
            raise ValueError("there is nothing to report yet: tell() the scores of the first generation")
        return self._champion

    def best(self) -> tuple[Design, float]:
        """The design that one run would report, with its score."""
        genes, scores = self.champion()
        return self.space.designs(genes)[0], float(scores[0])

    def _leaders(self) -> tuple[Tensor, Tensor]:
        top = self.scores.max(dim=1)
        return self.genes[torch.arange(self.n_runs), top.indices], top.values

    def _keep_leaders(self) -> None:
        """Whoever is better than the champion so far is the champion."""
        if self.scores.shape[1]:
            (genes, scores), (leaders, tops) = self._champion, self._leaders()
            better = tops > scores
            self._champion = torch.where(better[:, None], leaders, genes), torch.where(better, tops, scores)


class RandomSearch(Searcher):
    """Draws every design evenly.

    Args:
        space, rng, n_runs: see `Searcher`.
        n: designs in a generation.
        replace: True may draw a design again; False deals the space out like cards, until none is left.
    """

    def __init__(
        self, space: Space, rng: torch.Generator, n_runs: int = 1, *, n: int = 20, replace: bool = False
    ) -> None:
        super().__init__(space, rng, n_runs)
        if n < 1:
            raise ValueError(f"a generation needs n >= 1 designs, not {n}")
        self.n = n
        self._deck: Tensor | None = None
        if not replace:
            self._deck = torch.rand((n_runs, space.n_designs), generator=rng).argsort(dim=1)
        self._start(self._draw())

    def _draw(self) -> Tensor:
        if self._deck is None:
            return self.space.random((self.n_runs, self.n), self.rng)
        first = self.generation * self.n
        return self.space.genes(self._deck[:, first : first + self.n])

    def _next(self) -> None:
        self._keep_leaders()
        self._start(self._draw())


class GeneticSearch(Searcher):
    """The genetic algorithm of the tuning post, as its repository has it, with its parts to switch off.

    Source: harvitronix/neural-network-genetic-algorithm, optimizer.py (2017). Each generation the best `retain` of the
    genomes live on, each other one with chance `keepers`; children of two of these fill the places that are left.

    Args:
        space, rng, n_runs: see `Searcher`.
        n: genomes.
        retain: share that lives on for its score.
        keepers: chance of each other genome to live on; 0 switches it off.
        crossover: True takes each gene of a child from mother or father by a fair coin; False copies the mother.
        mutation: chance of a genome to have one gene drawn anew (it may be the same again); 0 switches it off.
        cache: True never trains a design twice: it gets its first score again.
        published: True mutates those who live on instead of the children, and lets them keep the score they had, as
            the repository did from April to September 2017. A score may then stand beside a design that never had it.
    """

    def __init__(
        self,
        space: Space,
        rng: torch.Generator,
        n_runs: int = 1,
        *,
        n: int = 20,
        retain: float = 0.4,
        keepers: float = 0.1,
        crossover: bool = True,
        mutation: float = 0.2,
        cache: bool = False,
        published: bool = False,
    ) -> None:
        super().__init__(space, rng, n_runs)
        self.n_parents = int(n * retain)
        if not (0 <= keepers <= 1 and 0 <= mutation <= 1) or not 2 <= self.n_parents < n:
            raise ValueError(
                "need chances in [0, 1], and at least two parents and one child: "
                f"not keepers={keepers}, mutation={mutation}, n={n} with retain={retain}"
            )
        self.keepers, self.crossover, self.mutation, self.published = keepers, crossover, mutation, published
        self._known = torch.full((n_runs, space.n_designs), math.nan) if cache else None
        self._start(space.random((n_runs, n), rng))
        self._look_up()

    def _look_up(self) -> None:
        """Of designs that are known, or are asked for twice, none but the first needs a training."""
        if self._known is None:
            return
        places = self.space.indices(self.genes)
        same = places.unsqueeze(1) == places.unsqueeze(2)
        earlier = (same & self.todo.unsqueeze(1)).tril(diagonal=-1).any(dim=2)
        self.todo &= self._known.gather(1, places).isnan() & ~earlier

    def _next(self) -> None:
        if self._known is not None:
            places = self.space.indices(self.genes)
            first = torch.where(self.todo, places, self.space.n_designs)  # one column more, for what is not new
            wide = torch.nn.functional.pad(self._known, (0, 1)).scatter(1, first, self.scores)
            self._known = wide[:, :-1]
            self.scores = self._known.gather(1, places)
        # As the program prints it: the highest score of the generation, beside the design as it is now.
        self._champion = self._leaders()
        self.genes, self.scores, self.todo = self._evolve()
        self._look_up()

    def _evolve(self) -> tuple[Tensor, Tensor, Tensor]:
        """The next generation: those who live on first, then their children, who have no score yet."""
        n_runs, n, _ = self.genes.shape
        order = self.scores.argsort(dim=1, descending=True, stable=True)
        lives = self._coins((n_runs, n), self.keepers)
        lives[:, : self.n_parents] = True
        order = order.gather(1, (~lives).byte().argsort(dim=1, stable=True))
        genes, scores = ga.take(self.genes, order), self.scores.gather(1, order)
        n_lives = lives.sum(dim=1, keepdim=True)
        child = torch.arange(n) >= n_lives
        if self.published:
            genes = torch.where(child[..., None], genes, self._mutate(genes))
        # Two parents who differ; each pair has two children.
        mother = (self._rand((n_runs, n)) * n_lives).long()
        father = (mother + 1 + (self._rand((n_runs, n)) * (n_lives - 1)).long()) % n_lives
        pair = ((torch.arange(n) - n_lives) // 2).clamp(min=0)
        mothers, fathers = (ga.take(genes, parent.gather(1, pair)) for parent in (mother, father))
        children = torch.where(self._coins(genes.shape, 0.5), mothers, fathers) if self.crossover else mothers
        if not self.published:
            children = self._mutate(children)
        genes = torch.where(child[..., None], children, genes)
        return genes, scores.masked_fill(child, math.nan), child

    def _mutate(self, genes: Tensor) -> Tensor:
        """Each genome with chance `mutation`: one of its genes is drawn anew."""
        which = (self._rand(genes.shape[:2]) * genes.shape[2]).long()
        hit = which[..., None] == torch.arange(genes.shape[2])
        hit &= self._coins(genes.shape[:2], self.mutation)[..., None]
        return torch.where(hit, self.space.random(tuple(genes.shape[:2]), self.rng), genes)

    def _rand(self, shape: Sequence[int]) -> Tensor:
        return torch.rand(tuple(shape), generator=self.rng)

    def _coins(self, shape: Sequence[int], chance: float) -> Tensor:
        return self._rand(shape) < chance
