"""What spreads in a population, and why: chapter 7's three experiments, with their knobs moved one at a time.

A unit is one part of the chapter with one change of the settings: "founders" counts how many first rows a column still
shows, "sigma" compares six ways to set the mutation scale, "pole" balances CartPole within a budget of environment
steps. The loop is the chapter's. What stays as it is there is in `Founders`, `Sigma` and `Pole`.

    python3 course.py run inheritance --seeds 1

The run of a3b381b holds wrong numbers in the column `sigma` where the rule is "fixed" (torch's median of an expanded
tensor; `evolve` clones now). Nothing reads them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import ga, strategies

N_RUNS = {
    "founders": {"smoke": 3, "laptop": 30, "full": 100},
    "sigma": {"smoke": 2, "laptop": 10, "full": 20},
    "pole": {"smoke": 2, "laptop": 20, "full": 50},
}
STARTS = tuple(10 ** (k / 2 - 2.5) for k in range(7))
Generation = tuple[Tensor, Tensor, Tensor, Tensor]
Pace = Callable[..., Tensor]


def evolve(
    start: Tensor, score: Any, select: ga.Selection, cross: Any, pace: Pace, sigma: Tensor, rng: torch.Generator
) -> Iterator[Generation]:
    """Yields population, fitness, founders and sigma of one generation after the other, without an end."""
    n = start.shape[-2]
    population = start
    founders = torch.arange(n)[:, None].expand(start.shape)
    sigma = sigma.expand(*start.shape[:-1], 1).clone()
    record = torch.full(start.shape[:-1], torch.inf)
    while True:
        fitness = score(population)
        yield population, fitness, founders, sigma
        success = (fitness > record).double().mean(-1)
        mothers, fathers = select(fitness, 2 * n, rng=rng).chunk(2, dim=-1)
        record = fitness.gather(-1, mothers)
        share = cross(start.shape, rng=rng)
        population = mix(population, mothers, fathers, share)
        founders = mix(founders, mothers, fathers, share)
        sigma = pace(sigma, mothers, success, rng=rng)
        population = population + sigma * torch.randn(start.shape, generator=rng, dtype=start.dtype)


def mix(table: Tensor, mothers: Tensor, fathers: Tensor, share: Tensor) -> Tensor:
    """Each entry of the mother's row or of the father's, by the mother's share, 1 or 0."""
    return torch.where(share > 0.5, ga.take(table, mothers), ga.take(table, fathers))


def no_crossover(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """All of it is the mother's."""
    return torch.ones(shape)


CROSSOVERS = {"no crossover": no_crossover, "one-point": ga.one_point, "uniform": ga.uniform}


# --- Ways to set sigma, (..., n_genomes, 1) -------------------------------------------------------------------------


def fixed(sigma: Tensor, mothers: Tensor, success: Tensor, rng: torch.Generator) -> Tensor:
    """As it was."""
    return sigma


def annealed(sigma: Tensor, mothers: Tensor, success: Tensor, rng: torch.Generator, factor: float) -> Tensor:
    """Smaller by a factor."""
    return sigma * factor


def one_fifth(sigma: Tensor, mothers: Tensor, success: Tensor, rng: torch.Generator, factor: float = 0.85) -> Tensor:
    """Wider if more than a fifth of the children beat their mother, else narrower (Rechenberg 1973)."""
    return sigma * torch.where(success > 0.2, 1 / factor, factor)[..., None, None].to(sigma)


def inherited(sigma: Tensor, mothers: Tensor, success: Tensor, rng: torch.Generator, tau: float) -> Tensor:
    """The mother's, mutated (Schwefel 1977)."""
    sigma = ga.take(sigma, mothers)
    return sigma * torch.exp(tau * torch.randn(sigma.shape, generator=rng, dtype=sigma.dtype))


def raffled(sigma: Tensor, mothers: Tensor, success: Tensor, rng: torch.Generator, tau: float) -> Tensor:
    """As `inherited`, but from any row of the generation: nobody's success decides which scales go on."""
    anyone = torch.randint(mothers.shape[-1], mothers.shape, generator=rng)
    return inherited(sigma, anyone, success, rng, tau)


def shuffled(sigma: Tensor, mothers: Tensor, success: Tensor, rng: torch.Generator, tau: float) -> Tensor:
    """As `inherited`, but the mothers' scales are dealt anew among their children."""
    order = torch.rand(mothers.shape, generator=rng).argsort(-1)
    return inherited(sigma, mothers.gather(-1, order), success, rng, tau)


# --- Founders -------------------------------------------------------------------------------------------------------

LEFT_AT = (5, 10, 15, 20, 30, 60)


@dataclass(frozen=True)
class Founders:
    """What decides a run beside who breeds and who crosses."""

    n_genomes: int = 48
    tournament: int = 2
    sigma: float = 0.1
    n_unread: int = 5  # genes that the score doesn't read, behind 25 weights


FOUNDERS = {
    "as in the chapter": Founders(),
    "12 rows": Founders(n_genomes=12),
    "192 rows": Founders(n_genomes=192),
    "tournaments of 5": Founders(tournament=5),
    "sigma 0.02": Founders(sigma=0.02),
    "sigma 0.5": Founders(sigma=0.5),
}

X = torch.linspace(-1, 1, 20)


def sine(genomes: Tensor) -> Tensor:
    """Minus the squared error of 1-8-1 tanh networks on a sine, from the first 25 genes."""
    w, b, v, c = genomes[..., :25].split([8, 8, 8, 1], dim=-1)
    hidden = torch.tanh(w.unsqueeze(-2) * X[:, None] + b.unsqueeze(-2))
    return -((hidden * v.unsqueeze(-2)).sum(dim=-1) + c - torch.sin(torch.pi * X)).square().mean(dim=-1)


def line(genomes: Tensor) -> Tensor:
    """Minus the squared error of y = wx + b on y = 2x + 3."""
    x = X.double()
    return -((genomes[..., :1] - 2) * x + (genomes[..., 1:] - 3)).square().mean(dim=-1)


def colours(founders: Tensor) -> Tensor:
    """How many founders each column shows: (..., n_genomes, n_params) to (..., n_params)."""
    return torch.zeros(founders.shape).scatter(-2, founders, 1.0).sum(-2)


def count_founders(s: Founders, breeds: str, crosses: str, n_runs: int, seed: int) -> list[dict[str, Any]]:
    """How many founders a column shows, and which founder has taken over: its rank at birth, 0 for the best."""
    rng = _rng(seed)
    start = torch.randn(n_runs, s.n_genomes, 25 + s.n_unread, generator=rng)
    select = partial(ga.tournament, size=s.tournament if breeds == "selected" else 1)
    rows: list[dict[str, Any]] = []
    last = max(*LEFT_AT, s.n_genomes)
    loop = evolve(start, sine, select, CROSSOVERS[crosses], fixed, torch.tensor(s.sigma), rng)
    for t, (_, fitness, founders, _) in enumerate(loop):
        if t == 0:
            rank = fitness.argsort(-1, descending=True).argsort(-1)
        if t in (*LEFT_AT, s.n_genomes):
            shown = colours(founders)
            winner = rank.gather(-1, founders[:, 0, :1])[:, 0].tolist()
            alone = (shown == 1).all(-1) & (crosses == "no crossover")
            for run in range(n_runs):
                kinds = {"weights": shown[run, :25].mean().item(), "unread": shown[run, 25:].mean().item()}
                rows.append({"run": run, "generation": t, **kinds, "winner": winner[run] if alone[run] else -1})
        if t == last:
            return rows
    raise AssertionError("evolve has no end")


# --- Sigma ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sigma:
    """What decides a run beside the way to set sigma and where it starts."""

    n_generations: int = 120
    n_genomes: int = 50
    fraction: float = 0.2  # that breeds
    crossover: str = "no crossover"
    task: str = "sine"
    tau: float = 1.0  # in units of 1 / sqrt(n_params)
    factor: float = 0.85  # of the 1/5 rule
    shrinks: float = 0.001  # by annealing, in all


SIGMA = {
    "as in the chapter": Sigma(),
    "30 generations": Sigma(n_generations=30),
    "480 generations": Sigma(n_generations=480),
    "15 rows": Sigma(n_genomes=15),
    "200 rows": Sigma(n_genomes=200),
    "the better half breeds": Sigma(fraction=0.5),
    "the best tenth breeds": Sigma(fraction=0.1),
    "uniform crossover": Sigma(crossover="uniform"),
    "tau, factor and annealing gentler": Sigma(tau=0.5, factor=0.92, shrinks=0.01),
    "tau, factor and annealing harsher": Sigma(tau=2, factor=0.7, shrinks=0.0001),
    "line, 2 weights": Sigma(task="line", n_generations=50),
}
RULES = ("fixed", "annealed", "1/5 rule", "inherited", "raffled", "shuffled")


def pace(rule: str, s: Sigma, n_params: int) -> Pace:
    """The way to set sigma, with its own settings."""
    tau = s.tau * n_params**-0.5
    ways: dict[str, Pace] = {
        "fixed": fixed,
        "annealed": partial(annealed, factor=s.shrinks ** (1 / s.n_generations)),
        "1/5 rule": partial(one_fifth, factor=s.factor),
        "inherited": partial(inherited, tau=tau),
        "raffled": partial(raffled, tau=tau),
        "shuffled": partial(shuffled, tau=tau),
    }
    return ways[rule]


def errors(s: Sigma, rule: str, n_runs: int, seed: int, starts: tuple[float, ...] = STARTS) -> tuple[Tensor, Tensor]:
    """Error of the last generation's best, and its median sigma: (n_starts, n_runs) each."""
    rng, score, n_params, dtype = _rng(seed), sine, 25, torch.float32
    if s.task == "line":
        score, n_params, dtype = line, 2, torch.float64
    start = torch.randn(len(starts), n_runs, s.n_genomes, n_params, generator=rng, dtype=dtype)
    first = torch.tensor(starts, dtype=dtype)[:, None, None, None]
    select = partial(ga.from_best, fraction=s.fraction)
    loop = evolve(start, score, select, CROSSOVERS[s.crossover], pace(rule, s, n_params), first, rng)
    for t, (_, fitness, _, sigma) in enumerate(loop):
        if t == s.n_generations:
            return -fitness.amax(-1), sigma[..., 0].median(-1).values
    raise AssertionError("evolve has no end")


# --- The pole -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pole:
    """A method, what it sets, and what it may spend."""

    method: str
    n_episodes: int = 1  # for each score
    sigma: float = 1.0  # the first; of the evolution strategy: its learning rate
    n_genomes: int = 20
    n_steps: int = 80_000  # of the environment


def _poles() -> dict[str, Pole]:
    cases = [Pole(m, k) for m in ("GA", "random") for k in (1, 2, 4, 8, 16)]
    cases += [Pole("hill", k) for k in (1, 2, 4)]
    cases += [Pole("GA", k, sigma=s) for s in (0.3, 3.0, 10.0) for k in (1, 2)]
    cases += [Pole("inherited", 1, sigma=s) for s in (0.1, 1.0, 10.0)]
    cases += [Pole("ES", 1, sigma=s) for s in (0.1, 0.3, 1.0, 3.0)]
    cases += [Pole("GA", k, n_genomes=n) for n in (8, 50) for k in (1, 2)]
    cases += [Pole(m, k, n_steps=n) for n in (20_000, 320_000) for m in ("GA", "random") for k in (1, 4)]
    return {", ".join(map(str, dataclasses.astuple(p))): p for p in cases}


POLE = _poles()


def physics(state: Tensor, push: Tensor) -> tuple[Tensor, Tensor]:
    """One step of CartPole-v1 (gymnasium): the next state, and whether the pole is down or the cart is off."""
    place, speed, angle, spin = state.unbind(-1)
    sin, cos = angle.sin(), angle.cos()
    pull = (torch.where(push, 10.0, -10.0) + 0.05 * spin**2 * sin) / 1.1
    turn = (9.8 * sin - cos * pull) / (2 / 3 - 0.05 * cos**2 / 1.1)
    change = torch.stack([speed, pull - 0.05 * turn * cos / 1.1, spin, turn], -1)
    state = state + 0.02 * change
    place, _, angle, _ = state.unbind(-1)
    return state, (place.abs() > 2.4) | (angle.abs() > torch.pi / 15)


def returns(policies: Tensor, n_episodes: int, rng: torch.Generator) -> Tensor:
    """Steps that each (..., 5) policy keeps the pole up, 500 at most: (..., n_episodes)."""
    rows = policies.reshape(-1, 5).repeat_interleave(n_episodes, 0)
    state = 0.1 * torch.rand((len(rows), 4), generator=rng) - 0.05
    steps, up = torch.zeros(len(rows)), torch.arange(len(rows))
    for _ in range(500):
        state, down = physics(state, (rows[:, :4] * state).sum(-1) + rows[:, 4] > 0)
        steps[up] += 1
        up, state, rows = up[~down], state[~down], rows[~down]
    return steps.reshape(*policies.shape[:-1], n_episodes)


def balance(p: Pole, n_runs: int, seed: int) -> tuple[Tensor, Tensor]:
    """The policy that each run believes in when its steps are spent, and the first that scored 500 (or NaN)."""
    rng = _rng(seed)
    spent = torch.zeros(n_runs)
    kept = first = torch.full((n_runs, 5), torch.nan)
    for population, scores, steps in _tries(p, n_runs, rng):
        spent = spent + steps
        within = spent <= p.n_steps
        best = ga.take(population, scores.argmax(-1, keepdim=True))[..., 0, :]
        kept = torch.where((within | kept.isnan().any(-1))[:, None], best, kept)
        new = within & (scores.amax(-1) == 500) & first.isnan().any(-1)
        first = torch.where(new[:, None], best, first)
        if not within.any():
            return kept, first
    raise AssertionError("no method has an end")


def _tries(p: Pole, n_runs: int, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Generation after generation: candidates, their scores, and the environment steps of each run."""

    def score(population: Tensor) -> Tensor:
        return returns(population, p.n_episodes, rng).mean(-1)

    n, start = p.n_genomes, torch.randn(n_runs, p.n_genomes, 5, generator=rng)
    if p.method in ("GA", "inherited", "raffled"):
        way = pace("fixed" if p.method == "GA" else p.method, Sigma(), 5)
        loop = evolve(start, score, ga.from_best, no_crossover, way, torch.tensor(p.sigma), rng)
        for population, scores, _, _ in loop:
            yield population, scores, p.n_episodes * scores.sum(-1)
    elif p.method == "ES":
        search = strategies.OpenAIES(torch.zeros(n_runs, 5), n_pairs=n // 2, sigma=1.0, learning_rate=p.sigma, rng=rng)
        while True:
            scores = score(search.ask())
            steps = p.n_episodes * scores.sum(-1)
            search.tell(scores)
            yield search.mean[:, None], scores.amax(-1, keepdim=True), steps
    else:
        believed, record = start[:, :1], torch.full((n_runs, 1), -torch.inf)
        while True:
            tries = torch.randn(n_runs, n, 5, generator=rng)
            if p.method == "hill" and record.isfinite().all():
                tries = believed + p.sigma * tries
            scores = score(tries)
            candidates, marks = torch.cat([believed, tries], 1), torch.cat([record, scores], 1)
            if p.method == "hill":  # a tie moves: a record of one lucky episode must not stop it
                candidates, marks = candidates.flip(1), marks.flip(1)
            row = marks.argmax(-1, keepdim=True)
            believed, record = ga.take(candidates, row), marks.gather(-1, row)
            yield believed, record, p.n_episodes * scores.sum(-1)


PARTS: dict[str, dict[str, Any]] = {"founders": FOUNDERS, "sigma": SIGMA, "pole": POLE}


# --- The run --------------------------------------------------------------------------------------------------------


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def units(seeds: list[int]) -> list[Unit]:
    """Part by part, change by change."""
    return [Unit(f"{part}; {setting}", seed) for seed in seeds for part, known in PARTS.items() for setting in known]


def run_unit(unit: Unit, context: Context) -> Rows:
    """A row for each run: of "founders" one a moment, of "sigma" one a rule and a first sigma, of "pole" one."""
    part, _, setting = unit.method.partition("; ")
    n_runs, small = N_RUNS[part][context.size], context.size == "smoke"
    about = {"setting": setting, "seed": unit.seed}
    rows: list[dict[str, Any]] = []
    if part == "founders":
        for breeds, crosses in [(b, c) for b in ("selected", "blind") for c in CROSSOVERS]:
            case = about | {"breeds": breeds, "crosses": crosses}
            rows += [case | row for row in count_founders(FOUNDERS[setting], breeds, crosses, n_runs, unit.seed)]
    elif part == "sigma":
        s = SIGMA[setting]
        n_runs *= 3 if s == Sigma() else 1
        s = dataclasses.replace(s, n_generations=5) if small else s
        for rule in context.bar(RULES, unit, "rule"):
            error, sigma = errors(s, rule, n_runs, unit.seed)
            for k, first in enumerate(STARTS):
                for run in range(n_runs):
                    ends = {"error": error[k, run].item(), "sigma": sigma[k, run].item()}
                    rows.append(about | {"rule": rule, "first": first, "run": run, **ends})
    else:
        p = POLE[setting]
        p = dataclasses.replace(p, n_steps=2000) if small else p
        kept, first_500 = balance(p, n_runs, 100 + unit.seed)
        judged = returns(torch.stack([kept, first_500]).nan_to_num(), 100, _rng(999)).mean(-1)
        judged[1][first_500.isnan().any(-1)] = torch.nan
        for run in range(n_runs):
            ends = {"kept": judged[0, run].item(), "first_500": judged[1, run].item()}
            rows.append(about | dataclasses.asdict(p) | {"run": run, **ends})
    return {part: rows}


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "runs of a seed": {part: n[size] for part, n in N_RUNS.items()},
        "first sigmas": STARTS,
        **{part: {name: dataclasses.asdict(s) for name, s in known.items()} for part, known in PARTS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
