"""T5, an opaque simulator: two poles on one cart, their speeds hidden, and a recurrent controller that keeps them up.

The cart and its poles are Wieland's (1991), with the constants that the literature has used since: half-lengths 0.5 and
0.05 m, start with the long pole 4.5 degrees off, an action every 0.02 s, failure beyond 36 degrees or 2.4 m. Solved is
what stays up for 1,000 actions (20 s; the literature asks for 100,000). The currency is actions simulated.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evidence.runs.title_question.books import Table, generator
from neuroevo import ga
from neuroevo.strategies import OpenAIES

Array = NDArray[np.float64]

N_STEPS = 1_000
N_HIDDEN, N_SEEN = 4, 3
N_PARAMS = N_HIDDEN * (N_SEEN + 1) + N_HIDDEN**2 + N_HIDDEN
N_FRESH_STARTS = 50
_START = np.array([0.0, math.radians(4.5), 0.0, 0.0, 0.0, 0.0])  # place, two angles; their speeds
_LIMITS = np.array([2.4, math.radians(36), math.radians(36)])
_MASS, _MASSES, _HALVES = 1.0, (0.1, 0.01), (0.5, 0.05)
_GRAVITY, _FRICTION, _STEP = -9.8, 2e-6, 0.02


def slope(state: Array, force: Array) -> Array:
    """How a state (6, n) changes in a second under a force (n,)."""
    push, mass = force, np.full_like(force, _MASS)
    tilts = []
    for k, (m, half) in enumerate(zip(_MASSES, _HALVES, strict=True)):
        angle, speed = state[1 + k], state[4 + k]
        cos, sin = np.cos(angle), np.sin(angle)
        tilt = _FRICTION * speed / (m * half) + _GRAVITY * sin
        push = push + m * half * speed * speed * sin + 0.75 * m * cos * tilt
        mass = mass + m * (1 - 0.75 * cos * cos)
        tilts.append((half, cos, tilt))
    cart = push / mass
    return np.stack([*state[3:], cart, *(-0.75 / half * (cart * cos + tilt) for half, cos, tilt in tilts)])


def moved(state: Array, force: Array, h: float = _STEP) -> Array:
    """The state (6, n) one action later: a step of Runge and Kutta's fourth order."""
    k1 = slope(state, force)
    k2 = slope(state + h / 2 * k1, force)
    k3 = slope(state + h / 2 * k2, force)
    k4 = slope(state + h * k3, force)
    return state + h / 6 * (k1 + 2 * (k2 + k3) + k4)


def balance(
    genomes: Array, starts: Array, noise: Callable[[int, NDArray[np.int64]], Array] | None = None, log: Any = None
) -> NDArray[np.int64]:
    """Actions until a pole or the cart is out of bounds, at most `N_STEPS`.

    Args:
        genomes: (n, n_params), controllers: weights of what is seen and 1, of the memory, of the output.
        starts: (6, n) or (6, 1).
        noise: of the step's number and of the rows still up, what is added to the output before it is squashed.
        log: a list that takes (rows, seen (n_up, 4), noise) of each step.
    """
    n = len(genomes)
    weights, memory, says = _read(genomes)
    state = np.broadcast_to(starts, (6, n)).copy()
    h = np.zeros((n, N_HIDDEN))
    rows, lasted = np.arange(n), np.zeros(n, dtype=np.int64)
    for step in range(N_STEPS):
        seen = np.concatenate([state[:3].T / _LIMITS, np.ones((len(rows), 1))], axis=1)
        h = np.tanh((weights @ seen[:, :, None] + memory @ h[:, :, None])[:, :, 0])
        out = (says * h).sum(axis=1)
        if noise is not None:
            extra = noise(step, rows)
            log.append((rows, seen, extra))
            out = out + extra
        state = moved(state, 10 * np.tanh(out))
        lasted[rows] += 1
        up = (np.abs(state[:3]) <= _LIMITS[:, None]).all(axis=0)
        if not up.all():
            state, h, rows = state[:, up], h[up], rows[up]
            weights, memory, says = weights[up], memory[up], says[up]
            if len(rows) == 0:
                break
    return lasted


def _read(genomes: Any) -> tuple[Any, Any, Any]:
    a, b = N_HIDDEN * (N_SEEN + 1), N_HIDDEN**2
    shape = genomes.shape[:-1]
    return (
        genomes[..., :a].reshape(*shape, N_HIDDEN, N_SEEN + 1),
        genomes[..., a : a + b].reshape(*shape, N_HIDDEN, N_HIDDEN),
        genomes[..., a + b :],
    )


def fresh_starts(seed: int) -> Array:
    """(6, N_FRESH_STARTS): places and angles within a quarter of the bounds of place and 4.5 degrees, at rest."""
    rng = np.random.default_rng(seed)
    state = np.zeros((6, N_FRESH_STARTS))
    state[:3] = rng.uniform(-1, 1, (3, N_FRESH_STARTS)) * np.array([[0.6], [_START[1]], [_START[1] / 4]])
    return state


class PoleBooks:
    """Runs side by side that end when solved or when their budget is spent.

    Attributes:
        spent: (n_runs,) actions simulated.
        solved: (n_runs,) whether a controller stayed up.
        best: (n_runs, n_params) the controller that solved it, or else the one that stayed up longest.
    """

    def __init__(self, seeds: Sequence[int], n_actions: int, held_bytes: int) -> None:
        n = len(seeds)
        self.seeds, self.n_actions, self.held_bytes = seeds, n_actions, held_bytes
        self.spent, self.solved, self.longest = np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n)
        self.best, self.core_seconds = np.zeros((n, N_PARAMS)), np.zeros(n)
        self.curve: Table = []
        self._clock = time.process_time()

    def open(self) -> NDArray[np.int64]:
        """The runs that go on; time since the last call is divided among those that were open."""
        return np.flatnonzero(~self.solved & (self.spent < self.n_actions))

    def tried(self, runs: NDArray[np.int64], genomes: Array, lasted: NDArray[np.int64]) -> None:
        """Add trials: genomes (n_runs, n, n_params) of the open runs, and how long they stayed up, (n_runs, n)."""
        self.spent[runs] += lasted.sum(axis=1)
        top = lasted.argmax(axis=1)
        here = lasted[np.arange(len(runs)), top]
        better = here > self.longest[runs]
        self.best[runs[better]] = genomes[np.arange(len(runs)), top][better]
        self.longest[runs] = np.maximum(self.longest[runs], here)
        self.solved[runs] = self.longest[runs] >= N_STEPS
        now = time.process_time()
        self.core_seconds[runs] += (now - self._clock) / len(runs)
        self._clock = now

    def _merit(self, k: int) -> float:
        """For tuning: few actions are better, in powers of ten; unsolved runs are worse, and told apart by how long."""
        if self.solved[k]:
            return -math.log10(self.spent[k])
        return -math.log10(2 * self.n_actions) - 0.1 * (1 - float(self.longest[k]) / N_STEPS)

    def finals(self) -> Table:
        """A row a run: actions until solved, at most the budget; and the share of fresh starts that it manages."""
        rows = []
        for k, seed in enumerate(self.seeds):
            fresh = balance(np.repeat(self.best[k : k + 1], N_FRESH_STARTS, axis=0), fresh_starts(50_000 + seed))
            rows.append(
                {
                    "seed": seed,
                    "score": float(min(self.spent[k], self.n_actions) if self.solved[k] else self.n_actions),
                    "validation": self._merit(k),
                    "solved": int(self.solved[k]),
                    "longest": int(self.longest[k]),
                    "fresh_share": float((fresh >= N_STEPS).mean()),
                    "evaluations": int(self.spent[k]),
                    "core_seconds": float(self.core_seconds[k]),
                    "peak_bytes": self.held_bytes,
                }
            )
        return rows


def _trial(genomes: Tensor, runs: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """The open runs' genomes in NumPy and how long each stays up: (n_open, n_genomes, ...)."""
    here = genomes[torch.from_numpy(runs)].double().numpy()
    return here, balance(here.reshape(-1, N_PARAMS), _START[:, None]).reshape(here.shape[:2])


def untrained(seeds: Sequence[int], n_actions: int) -> PoleBooks:
    """One random controller a run. The plain gradient is no more than this: the simulator hands out no slope."""
    books = PoleBooks(seeds, n_actions, 4 * N_PARAMS)
    genomes = torch.randn((len(seeds), 1, N_PARAMS), generator=generator(seeds[0]))
    runs = books.open()
    books.tried(runs, *_trial(genomes, runs))
    return books


def random_search(seeds: Sequence[int], n_actions: int, std: float) -> PoleBooks:
    """Fresh controllers."""
    books, rng = PoleBooks(seeds, n_actions, 8 * N_PARAMS), generator(seeds[0])
    while len(runs := books.open()):
        books.tried(runs, *_trial(std * torch.randn((len(seeds), 200, N_PARAMS), generator=rng), runs))
    return books


def genetic(
    seeds: Sequence[int], n_actions: int, scale: float, n_genomes: int = 100, single: bool = False
) -> PoleBooks:
    """A genetic algorithm: the best fifth breeds, uniform crossover, one elite; `single`: mutants of the best alone."""
    rng = generator(seeds[0])
    books = PoleBooks(seeds, n_actions, 4 * 2 * n_genomes * N_PARAMS)
    loop = ga.GA(
        torch.randn((len(seeds), n_genomes, N_PARAMS), generator=rng),
        select=partial(ga.from_best, fraction=1 / n_genomes if single else 0.2),
        crossover=None if single else ga.uniform,
        mutate=partial(ga.mutate_, rate=0.3, scale=scale),
        rng=rng,
    )
    while len(runs := books.open()):
        genomes, lasted = _trial(loop.ask(), runs)
        books.tried(runs, genomes, lasted)
        fitness = torch.zeros(len(seeds), n_genomes)
        fitness[torch.from_numpy(runs)] = torch.from_numpy(lasted).float()
        loop.tell(fitness)
    return books


def strategy(seeds: Sequence[int], n_actions: int, sigma: float, learning_rate: float, n_pairs: int = 25) -> PoleBooks:
    """OpenAI's evolution strategy; one of its samples may solve the task, as one of a population may."""
    rng = generator(seeds[0])
    books = PoleBooks(seeds, n_actions, 4 * N_PARAMS * (n_pairs + 5))
    mean = torch.randn((len(seeds), N_PARAMS), generator=rng)
    search = OpenAIES(mean, n_pairs=n_pairs, sigma=sigma, learning_rate=learning_rate, rng=rng)
    while len(runs := books.open()):
        genomes, lasted = _trial(search.ask(), runs)
        books.tried(runs, genomes, lasted)
        fitness = torch.zeros(len(seeds), 2 * n_pairs)
        fitness[torch.from_numpy(runs)] = torch.from_numpy(lasted).float()
        search.tell(fitness)
    return books


def reinforce(
    seeds: Sequence[int],
    n_actions: int,
    learning_rate: float,
    sigma: float,
    discount: float = 0.97,
    n_episodes: int = 20,
) -> PoleBooks:
    """REINFORCE (Williams 1992) through the controller's memory, with the mean return at each moment as baseline.

    Actions are tried with noise of standard deviation `sigma` before the squashing; an episode without noise is run
    after each update, at the expense of the same budget. An episode with noise that stays up isn't a solution.
    """
    rng = generator(seeds[0])
    draws = np.random.default_rng(seeds[0])
    theta = torch.randn((len(seeds), N_PARAMS), generator=rng).requires_grad_(True)
    adam = torch.optim.Adam([theta], lr=learning_rate)
    books = PoleBooks(seeds, n_actions, 4 * 4 * N_PARAMS)
    while len(runs := books.open()):
        quiet, lasted = _trial(theta.detach()[:, None], runs)
        books.tried(runs, quiet, lasted)
        runs = books.open()
        if len(runs) == 0:
            break
        crowd = np.repeat(theta.detach()[torch.from_numpy(runs)].double().numpy(), n_episodes, axis=0)
        log: list[tuple[NDArray[np.int64], Array, Array]] = []
        tried = balance(crowd, _START[:, None], lambda step, rows: sigma * draws.standard_normal(len(rows)), log)
        books.spent[runs] += tried.reshape(len(runs), n_episodes).sum(axis=1)
        longest = len(log)
        # 4 floats seen, 4 remembered and a noise, at each step of each episode, for the way back through time.
        books.held_bytes = max(books.held_bytes, 4 * 4 * N_PARAMS + 4 * 9 * n_episodes * longest)
        loss = _surrogate(theta[torch.from_numpy(runs)], log, tried, n_episodes, sigma, discount)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([theta], math.sqrt(len(seeds)))
        adam.step()
    return books


def _surrogate(
    theta: Tensor,
    log: Sequence[tuple[NDArray[np.int64], Array, Array]],
    lasted: NDArray[np.int64],
    n_episodes: int,
    sigma: float,
    discount: float,
) -> Tensor:
    """A number whose slope along theta (n_runs, n_params) is REINFORCE's estimate, summed over the runs."""
    n_runs, n_steps = len(theta), len(log)
    n = n_runs * n_episodes
    seen, noise = np.zeros((n_steps, n, N_SEEN + 1)), np.zeros((n_steps, n))
    for step, (rows, here, extra) in enumerate(log):
        seen[step, rows], noise[step, rows] = here, extra
    left = np.maximum(lasted[None] - np.arange(n_steps)[:, None], 0)  # actions still to come
    up = left > 0
    returns = (1 - discount**left) / (1 - discount)
    by_run, up_by_run = (a.reshape(n_steps, n_runs, n_episodes) for a in (returns, up))
    baseline = by_run.sum(axis=2, keepdims=True) / np.maximum(1, up_by_run.sum(axis=2, keepdims=True))
    gain = (by_run - baseline) * up_by_run
    spread = np.sqrt(
        (gain**2).sum(axis=(0, 2), keepdims=True) / np.maximum(1, up_by_run.sum(axis=(0, 2), keepdims=True))
    )
    gain = torch.from_numpy(gain / (spread + 1e-8)).float()
    # The output was out + noise: (out + noise - out(theta))**2 has the slope of the log-probability.
    inputs = torch.from_numpy(seen).float().view(n_steps, n_runs, n_episodes, -1)
    weights, memory, says = _read(theta)
    drives = inputs @ weights.mT  # (n_steps, n_runs, n_episodes, n_hidden)
    h, outs = torch.zeros(n_runs, n_episodes, N_HIDDEN), []
    for drive in drives:
        h = torch.tanh(drive + h @ memory.mT)
        outs.append((h * says[:, None]).sum(-1))
    out = torch.stack(outs)
    tried = out.detach() + torch.from_numpy(noise).float().view(out.shape)
    log_probability = -((tried - out) ** 2) / (2 * sigma**2)
    counts = torch.from_numpy(up_by_run).float().sum(dim=(0, 2)).clamp_min(1)
    return -((gain * log_probability).sum(dim=(0, 2)) / counts).sum()
