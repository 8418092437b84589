"""Networks as rows for the open questions: plain neurons, neurons with an activation of their own, filters; and what
trains them, selection row by row (`neurons.Selection`) or the gradient, from the same start and on the same images."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from neuroevo import neurons
from neuroevo.budget import Budget

SIGMA, SIGMA_END, DECAY, N_PAIRS = 0.03, 0.003, 5e-4, 2  # of selection on rows of neurons
LEARNING_RATE = 0.003
N_CLASSES = 10

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sine": torch.sin,
    "identity": lambda z: z,
}


@dataclass
class Plain:
    """One layer of tanh neurons: rows of n_in weights, a bias and n_outputs weights."""

    n_in: int
    n_outputs: int = N_CLASSES

    def start(self, n_rows: int, rng: torch.Generator) -> Tensor:
        """Rows (n_rows, n_in + 1 + n_outputs) of a network before it learns."""
        w = torch.randn((n_rows, self.n_in), generator=rng) / math.sqrt(self.n_in)
        v = torch.randn((n_rows, self.n_outputs), generator=rng) / math.sqrt(n_rows)
        return torch.cat([w, torch.zeros(n_rows, 1), v], dim=1)

    def logits(self, rows: Tensor, x: Tensor) -> Tensor:
        """What the network says to images x (n, n_in): (n, n_outputs)."""
        h = torch.tanh(x @ rows[:, : self.n_in].T + rows[:, self.n_in])
        return h @ rows[:, self.n_in + 1 :]

    def score(self, rows: Tensor, steps: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """`neurons.score`: fitness of the mutants and of the parent."""
        return neurons.score(rows, steps, x, y)


@dataclass
class Bent(Plain):
    """Neurons of which each has an activation of its own, given as a place in ACTIVATIONS.

    Attributes:
        acts: (n_rows,) those of the parents; mutant_acts: (n_rows, 2 * n_pairs), set before `score`.
    """

    acts: Tensor = field(default_factory=lambda: torch.empty(0))
    mutant_acts: Tensor = field(default_factory=lambda: torch.empty(0))

    def logits(self, rows: Tensor, x: Tensor) -> Tensor:
        """What the network says to images x (n, n_in): (n, n_outputs)."""
        h = _bend(rows[:, : self.n_in] @ x.T + rows[:, self.n_in, None], self.acts)
        return h.T @ rows[:, self.n_in + 1 :]

    def score(self, rows: Tensor, steps: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """As `neurons.score`, each mutant with its own activation."""
        x1 = torch.cat([x, x.new_ones(len(x), 1)], dim=1).T
        genes = torch.cat([rows[:, None] + steps, rows[:, None] - steps], dim=1)
        hears = self.n_in + 1
        own = rows[:, hears:, None] * _bend(rows[:, :hears] @ x1, self.acts)[:, None]
        new = genes[..., hears:, None] * _bend(genes[..., :hears] @ x1, self.mutant_acts).unsqueeze(-2)
        return _replaced(own, new, y)


def _bend(z: Tensor, acts: Tensor) -> Tensor:
    """z (..., n) of neurons with the activations `acts` (...)."""
    h = torch.empty_like(z)
    for number, bend in enumerate(ACTIVATIONS.values()):
        h[acts == number] = bend(z[acts == number])
    return h


@dataclass(frozen=True)
class Filters:
    """5 x 5 filters on images of side x side, relu, means of 2 x 2 places, and a linear head."""

    side: int
    n_outputs: int = N_CLASSES

    @property
    def n_places(self) -> int:
        """Features that a filter gives."""
        return ((self.side - 4) // 2) ** 2

    def start(self, n_rows: int, rng: torch.Generator) -> Tensor:
        """Rows (n_rows, 26 + n_places * 10)."""
        w = torch.randn((n_rows, 25), generator=rng) / 5
        v = torch.randn((n_rows, self.n_places * N_CLASSES), generator=rng) / math.sqrt(n_rows * self.n_places)
        return torch.cat([w, torch.zeros(n_rows, 1), v], dim=1)

    def _patches(self, x: Tensor) -> Tensor:
        """(26, places * n): the 25 pixels under the filter at each place, and a 1 for the bias."""
        patches = functional.unfold(x.view(-1, 1, self.side, self.side), 5).permute(1, 2, 0).flatten(1)
        return torch.cat([patches, patches.new_ones(1, patches.shape[1])])

    def _features(self, z: Tensor, n: int) -> Tensor:
        """(..., places * n) sums -> (..., n_places, n)."""
        edge = self.side - 4
        grid = torch.relu(z).unflatten(-1, (edge, edge, n))[..., : edge // 2 * 2, : edge // 2 * 2, :]
        grid = grid[..., 0::2, :, :] + grid[..., 1::2, :, :]
        return ((grid[..., 0::2, :] + grid[..., 1::2, :]) / 4).flatten(-3, -2)

    def logits(self, rows: Tensor, x: Tensor) -> Tensor:
        """What the network says to images x (n, side * side): (n, 10)."""
        h = self._features(rows[:, :26] @ self._patches(x), len(x))
        return (rows[:, 26:].unflatten(1, (self.n_places, N_CLASSES)).flatten(0, 1).T @ h.flatten(0, 1)).T

    def score(self, rows: Tensor, steps: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """As `neurons.score`, for filters."""
        patches, n = self._patches(x), len(x)
        z, dz = rows[:, :26] @ patches, steps[..., :26] @ patches
        both = [z[:, None] + dz, z[:, None] - dz]
        new = torch.cat([self._features(one, n) for one in both], dim=1)
        v, dv = (genes[..., 26:].unflatten(-1, (self.n_places, N_CLASSES)) for genes in (rows, steps))
        says = torch.cat([v[:, None] + dv, v[:, None] - dv], dim=1)
        return _replaced(v.mT @ self._features(z, n), says.mT @ new, y)


def _replaced(own: Tensor, new: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Fitness of mutants and parent from what rows say, own (n_rows, n_outputs, n), and what mutants of them would."""
    said = own.sum(dim=0)
    return _log_likelihood((said - own)[:, None] + new, y), _log_likelihood(said, y)


def _log_likelihood(said: Tensor, y: Tensor) -> Tensor:
    """Mean log-probability of the right class; said is (..., n_outputs, n), y is (n,)."""
    right = said.gather(-2, y.expand(*said.shape[:-2], 1, -1)).squeeze(-2)
    return (right - said.logsumexp(dim=-2)).mean(dim=-1)


class Learner:
    """A network with the method that trains it, and the meter that runs along.

    Args:
        net: reads the rows.
        rows: the network; they change in place.
        method: "selection" or "gradient" (Adam on the same rows and the same log-likelihood).
        n_steps: over how many steps the mutation scale, or the learning rate, shrinks; 0 leaves it as it is.
        sigma: mutation scale at the start and at the end.
        free: (n_genes,) which genes may change; all, if None.
    """

    def __init__(
        self,
        net: Plain | Filters,
        rows: Tensor,
        method: str,
        n_steps: int,
        rng: torch.Generator,
        *,
        n_pairs: int = N_PAIRS,
        sigma: tuple[float, float] = (SIGMA, SIGMA_END),
        decay: float = DECAY,
        free: Tensor | None = None,
    ) -> None:
        self.net, self.method, self.n_steps, self.rng = net, method, n_steps, rng
        self.n_pairs, self.sigma, self.decay, self.free = n_pairs, sigma, decay, free
        self.budget, self.step_number = Budget(), 0
        self.rows = rows
        if method == "gradient":
            self._adam = torch.optim.Adam([rows.requires_grad_()], lr=LEARNING_RATE)

    @property
    def rows(self) -> Tensor:
        """The network, apart from the gradient's bookkeeping."""
        return self._rows.detach()

    @rows.setter
    def rows(self, rows: Tensor) -> None:
        """Go on with another network."""
        self._rows = rows
        self._search = neurons.Selection(rows.detach(), n_pairs=self.n_pairs, rng=self.rng)

    def step(self, x: Tensor, y: Tensor, outputs: slice = slice(None)) -> None:
        """Learn from one batch; only `outputs` compete, and labels count from the first of them."""
        share = self.step_number / self.n_steps if self.n_steps else 0.0
        self.step_number += 1
        with self.budget.clock():
            (self._select if self.method == "selection" else self._descend)(x, y, outputs, share)

    @torch.no_grad()
    def _select(self, x: Tensor, y: Tensor, outputs: slice, share: float) -> None:
        steps = self._search.ask(self.sigma[0] * (self.sigma[1] / self.sigma[0]) ** share)
        rows = self.rows
        if self.free is not None:
            steps *= self.free
        if outputs == slice(None):
            scores = self.net.score(rows, steps, x, y)
        else:
            genes = self._genes(outputs)
            others = torch.ones(rows.shape[1], dtype=torch.bool)
            others[genes] = False
            steps[..., others] = 0  # what this task doesn't see must not ride along
            scores = self.net.score(rows[:, genes], steps[..., genes], x, y)
        self._keep(*scores)
        rows *= 1 - self.decay
        self.budget.forward(1 + 2 * self.n_pairs * len(rows), len(y))

    def _keep(self, fitness: Tensor, parent: Tensor) -> None:
        self._search.tell(fitness, parent)

    def _genes(self, outputs: slice) -> Tensor:
        hears = self.rows.shape[1] - self.net.n_outputs
        return torch.cat([torch.arange(hears), torch.arange(hears, self.rows.shape[1])[outputs]])

    def _descend(self, x: Tensor, y: Tensor, outputs: slice, share: float) -> None:
        for group in self._adam.param_groups:
            group["lr"] = LEARNING_RATE * (1 - share)
        self._adam.zero_grad()
        loss = functional.cross_entropy(self.net.logits(self._rows, x)[:, outputs], y)
        loss.backward()
        if self.free is not None and self._rows.grad is not None:
            self._rows.grad *= self.free
        self._adam.step()
        self.budget.gradient(1, len(y))


class BentLearner(Learner):
    """Selection of neurons whose activation a mutation may draw anew, with the chance `flip_rate`."""

    net: Bent
    flip_rate: float

    def _select(self, x: Tensor, y: Tensor, outputs: slice, share: float) -> None:
        net, shape = self.net, (len(self.rows), 2 * self.n_pairs)
        anew = torch.randint(len(ACTIVATIONS), shape, generator=self.rng)
        flips = torch.rand(shape, generator=self.rng) < self.flip_rate
        net.mutant_acts = torch.where(flips, anew, net.acts[:, None])
        super()._select(x, y, outputs, share)

    def _keep(self, fitness: Tensor, parent: Tensor) -> None:
        best = fitness.max(dim=1)
        of_best = self.net.mutant_acts.gather(1, best.indices[:, None]).squeeze(1)
        self.net.acts = torch.where(best.values > parent, of_best, self.net.acts)
        super()._keep(fitness, parent)


@torch.no_grad()
def accuracy(net: Plain | Filters, rows: Tensor, x: Tensor, y: Tensor, outputs: slice = slice(None)) -> float:
    """Share of images answered right when only `outputs` compete."""
    said = [net.logits(rows, part)[:, outputs].max(dim=1).indices for part in x.split(1000)]
    return float((torch.cat(said) == y).float().mean())
