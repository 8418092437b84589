"""A space of designs: named choices, and designs as dictionaries, places and genomes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

Design = dict[str, Any]


class Space:
    """All designs that can be made from named choices, in the order in which `itertools.product` makes them.

    Args:
        choices: name -> its choices: at least one, each of them once.

    Attributes:
        choices: name -> tuple of its choices.
        names: the names, in the order of the genes.
        sizes: number of choices of each name.
        n_designs: how many designs there are.

    Raises:
        ValueError: no name, a name without a choice, or a choice that is there twice.
    """

    def __init__(self, choices: Mapping[str, Iterable[Any]]) -> None:
        self.choices: dict[str, tuple[Any, ...]] = {}
        for name, values in choices.items():
            if isinstance(values, str) or not isinstance(values, Iterable):
                raise ValueError(f"the choices of {name!r} are {values!r}: give a list, for example [{values!r}]")
            options = tuple(values)
            if not options:
                raise ValueError(f"{name!r} has no choice, so there is no design at all: give it one, or leave it out")
            twice = [value for i, value in enumerate(options) if value in options[:i]]
            if twice:
                raise ValueError(
                    f"{name!r} has the choice {twice[0]!r} twice: it would be drawn twice as often, and the same "
                    "design would count as two"
                )
            self.choices[name] = options
        if not self.choices:
            raise ValueError("a space needs at least one name with its choices, for example {'layers': [1, 2, 3]}")
        self.names = tuple(self.choices)
        self.sizes = tuple(len(options) for options in self.choices.values())
        self.n_designs = math.prod(self.sizes)
        self._strides = torch.tensor([math.prod(self.sizes[i + 1 :]) for i in range(len(self.sizes))])

    def design(self, index: int) -> Design:
        """The design at a place, 0 to n_designs - 1."""
        if not 0 <= index < self.n_designs:
            raise ValueError(f"there are {self.n_designs} designs, numbered from 0; there is no number {index}")
        return self.designs(self.genes(torch.tensor([index])))[0]

    def index(self, design: Mapping[str, Any]) -> int:
        """The place of a design; a ValueError if it isn't one of this space."""
        if set(design) != set(self.names):
            raise ValueError(f"a design of this space has the names {list(self.names)}, not {list(design)}")
        for name, options in self.choices.items():
            if design[name] not in options:
                raise ValueError(f"{name!r} can't be {design[name]!r}: the space has {list(options)}")
        return int(self.indices(torch.tensor([self.choices[name].index(design[name]) for name in self.names])))

    def designs(self, genes: Tensor) -> list[Design]:
        """Rows of genes, (n, n_genes), as dictionaries."""
        return [
            {name: self.choices[name][gene] for name, gene in zip(self.names, row, strict=True)}
            for row in genes.tolist()
        ]

    def indices(self, genes: Tensor) -> Tensor:
        """Places (...) of genomes (..., n_genes)."""
        return (genes * self._strides).sum(dim=-1)

    def genes(self, indices: Tensor) -> Tensor:
        """Genomes (..., n_genes) of places (...)."""
        return indices.unsqueeze(-1) // self._strides % torch.tensor(self.sizes)

    def random(self, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
        """Genomes (*shape, n_genes), each gene drawn evenly from its choices; the same one may come twice."""
        draws = torch.rand((*shape, len(self.sizes)), generator=rng, dtype=torch.float64)
        return (draws * torch.tensor(self.sizes)).long()
