"""Where evolution explains training: three experiments of chapter 17, on readers of 8 x 8 digits, 64-32-10.

Table `losses`: networks that selection has bred, or a gradient trained, with and without sex (units from two parents),
bottlenecks (two parents by lot) and dropout, are asked again when some of their hidden units are gone.
Table `clock`: weights that read pixels which are never lit, in populations of three sizes.
Table `ties`: one network and its mutants, scored by a count, where a mutant that ties is taken or refused.

    python3 course.py run analogies --seeds 20
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import data, ga, nets

N_GENOMES = 100
INIT_STD = 0.1
RATE = 0.07
SURVIVE = 0.2
LEARNING_RATE = 0.5
LOST = (0.0, 0.25, 0.5, 0.75)
N_MASKS = 40
LOOKS = {
    "selection": {"smoke": (2, 4), "laptop": (50, 100, 200, 400), "full": (50, 100, 200, 400)},
    "gradient": {"smoke": (2, 4), "laptop": (30, 100, 300, 1000), "full": (30, 100, 300, 1000)},
}
CLOCK_LOOKS = {"smoke": (2, 4), "laptop": (1, 30, 100, 200, 300), "full": (1, 30, 100, 200, 300)}
CLOCK_SIZES = (10, 40, 160)
CLOCK_SCALE = 0.05
TIE_LOOKS = {"smoke": (2, 4), "laptop": (300, 1000, 3000), "full": (300, 1000, 3000)}
TIE_RATE, TIE_SCALE = 0.005, 0.3


@dataclass(frozen=True)
class Arm:
    """How networks are made.

    Attributes:
        engine: "selection" breeds a population, "gradient" descends with `members` networks, of which the first counts.
        mates: what a child takes whole from mother or father: "units", "genes", or "" for copies of the mother;
            "dealt": all units of the members are dealt out among them anew, so that none is lost.
        left: parents that a bottleneck leaves, drawn by lot among all; 0: there is none.
        every: generations from one bottleneck to the next.
        dropout: chance of a hidden unit to be silent for an image; the others are louder by 1 / (1 - dropout).
        own_masks: each genome draws its own silent units; otherwise they are the same for all of a generation.
        scale: of mutations.
        width: hidden units at the end.
        cut: begin with twice as many hidden units, and lose half of them, by lot and for good, at half-time.
    """

    engine: str = "selection"
    mates: str = ""
    left: int = 0
    every: int = 25
    dropout: float = 0.0
    own_masks: bool = False
    scale: float = 0.1
    width: int = 32
    members: int = 1
    cut: bool = False


_GRADIENT = Arm("gradient")
ARMS = {
    "plain": Arm(),
    "sex": Arm(mates="units"),
    "bottleneck": Arm(left=2),
    "dropout": Arm(dropout=0.5),
    "gradient": _GRADIENT,
    "gradient, dropout": replace(_GRADIENT, dropout=0.5),
    "gradient, units exchanged": replace(_GRADIENT, mates="units", members=8),
    "gradient, units dealt": replace(_GRADIENT, mates="dealt", members=8),
    "gradient, half lost for good": replace(_GRADIENT, cut=True),
    "plain, scale 0.05": Arm(scale=0.05),
    "sex, scale 0.05": Arm(mates="units", scale=0.05),
    "bottleneck, scale 0.05": Arm(left=2, scale=0.05),
    "sex by genes": Arm(mates="genes"),
    "bottleneck of 10, every 10": Arm(left=10, every=10),
    "dropout 0.2": Arm(dropout=0.2),
    "dropout, own masks": Arm(dropout=0.5, own_masks=True),
    "plain, 64 units": Arm(width=64),
    "sex, 64 units": Arm(mates="units", width=64),
    "gradient, 64 units": replace(_GRADIENT, width=64),
    "gradient, dropout, 64 units": replace(_GRADIENT, dropout=0.5, width=64),
}
"""What is compared, and the same with a setting moved."""
MOVED = list(ARMS)[list(ARMS).index("sex, scale 0.05") :]
MOVED_SEEDS = 5
"""Arms with a setting moved that the chapter doesn't tell, and the seeds that these, dropout and ties get."""


def unit_of(n_hidden: int) -> Tensor:
    """The hidden unit that a gene of 64-n_hidden-10 belongs to, (n_params,); the ten last biases count as one more."""
    units = torch.arange(n_hidden)
    return torch.cat([units.repeat_interleave(64), units, units.repeat(10), torch.full((10,), n_hidden)])


def answers(net: nets.MLP, population: Tensor, x: Tensor, alive: Tensor | float = 1.0) -> Tensor:
    """Logits (n_genomes, n_inputs, 10); `alive` multiplies the hidden units (n_genomes, n_hidden, n_inputs)."""
    (w1, b1), (w2, b2) = net.layers(population)
    hidden = torch.tanh(w1 @ x.T + b1[:, :, None]) * alive
    return (w2 @ hidden + b2[:, :, None]).mT


def silent(arm: Arm, n_genomes: int, n_images: int, rng: torch.Generator) -> Tensor | float:
    """Dropout's factor for each hidden unit and image, 0 or 1 / (1 - dropout)."""
    if not arm.dropout:
        return 1.0
    shape = (n_genomes if arm.own_masks or arm.engine == "gradient" else 1, arm.width, n_images)
    return (torch.rand(shape, generator=rng) >= arm.dropout) / (1 - arm.dropout)


def mixed(mothers: Tensor, fathers: Tensor, mates: str, n_hidden: int, rng: torch.Generator) -> Tensor:
    """Children (..., n_params) that take units, or genes, whole from mother or father."""
    if mates == "genes":
        coins = torch.randint(2, mothers.shape, generator=rng)
    else:
        coins = torch.randint(2, (*mothers.shape[:-1], n_hidden + 1), generator=rng)[..., unit_of(n_hidden)]
    return torch.where(coins.bool(), mothers, fathers)


def dealt(networks: Tensor, n_hidden: int, rng: torch.Generator) -> Tensor:
    """The units of all networks (n, n_params), each at its place, and their output biases, given to others by lot."""
    order = torch.rand((len(networks), n_hidden + 1), generator=rng).argsort(dim=0)
    return networks.gather(0, order[:, unit_of(n_hidden)])


def breed(
    population: Tensor, fitness: Tensor, rng: torch.Generator, arm: Arm, lots: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """The next generation, and the rows of its mothers and fathers.

    Args:
        population: (n_genomes, n_params); not changed.
        fitness: (n_genomes,).
        rng: source of randomness.
        arm: whether children have one parent or two, and the scale of mutations.
        lots: a bottleneck: `arm.left` parents, drawn by lot.
    """
    n = len(population)
    parents = torch.randperm(n, generator=rng)[: arm.left] if lots else ga.truncation(fitness, SURVIVE)
    mothers, fathers = parents[torch.randint(len(parents), (2, n), generator=rng)]
    if not arm.mates:
        fathers = mothers
    children = mixed(population[mothers], population[fathers], arm.mates, arm.width, rng)
    ga.mutate_(children, RATE, arm.scale, rng)
    return children, mothers, fathers


def evolve(arm: Arm, looks: tuple[int, ...], rng: torch.Generator) -> dict[int, Tensor]:
    """Generation -> the genome (1, n_params) that is best on all training images then."""
    net, train = nets.MLP((64, arm.width, 10)), data.digits().train
    population, seen = net.init(N_GENOMES, INIT_STD, rng), {}
    for t in range(1, looks[-1] + 1):
        x, y = train.sample(10, rng)
        alive = silent(arm, len(population), len(y), rng)
        fitness = nets.mean_log_likelihood(answers(net, population, x, alive), y)
        population = breed(population, fitness, rng, arm, bool(arm.left) and t % arm.every == 0)[0]
        if t in looks:
            fitness = nets.mean_log_likelihood(answers(net, population, train.pixels()), train.y)
            seen[t] = population[fitness.argmax()][None]
    return seen


def descend(arm: Arm, looks: tuple[int, ...], rng: torch.Generator) -> dict[int, Tensor]:
    """Step -> a network (1, n_params), by plain gradient descent on 100 images a step."""
    width = arm.width * (2 if arm.cut else 1)
    net, train = nets.MLP((64, width, 10)), data.digits().train
    networks, seen = net.init(arm.members, INIT_STD, rng), {}
    for t in range(1, looks[-1] + 1):
        x, y = train.sample(10, rng)
        networks.requires_grad_()
        alive = silent(arm, arm.members, len(y), rng)
        loss = -nets.mean_log_likelihood(answers(net, networks, x, alive), y).sum()
        networks = (networks - LEARNING_RATE * torch.autograd.grad(loss, networks)[0]).detach()
        if arm.mates == "dealt":
            networks = dealt(networks, width, rng)
        elif arm.mates:
            mothers, fathers = torch.randint(arm.members, (2, arm.members), generator=rng)
            networks = mixed(networks[mothers], networks[fathers], arm.mates, width, rng)
        if arm.cut and t == looks[-1] // 2:
            kept = torch.randperm(width, generator=rng)[: arm.width]
            networks = networks[:, torch.isin(unit_of(width), torch.cat([kept, torch.tensor([width])]))]
            width, net = arm.width, nets.MLP((64, arm.width, 10))
        if t in looks:
            seen[t] = networks[:1]
    return seen


def after_losing(genome: Tensor, share: float, x: Tensor, y: Tensor) -> float:
    """Images read (%) when this share of the hidden units is silent, mean of `N_MASKS` draws, the same for all."""
    n_hidden = (genome.shape[1] - 10) // 75
    order = torch.rand((N_MASKS, n_hidden), generator=torch.Generator().manual_seed(0)).argsort(dim=1)
    alive = (order >= round(share * n_hidden)).float()[:, :, None]
    logits = answers(nets.MLP((64, n_hidden, 10)), genome.expand(N_MASKS, -1), x, alive)
    return 100 * float(nets.accuracy(logits, y).mean())


@cache
def _judges() -> tuple[Tensor, Tensor]:
    test = data.digits().test.open("which networks bear the loss of units")
    return test.pixels(), test.y


def _losses(name: str, seed: int, size: str) -> Rows:
    arm, rng = ARMS[name], torch.Generator().manual_seed(seed)
    made = (evolve if arm.engine == "selection" else descend)(arm, LOOKS[arm.engine][size], rng)
    rows = [
        {
            "arm": name,
            "seed": seed,
            "step": t,
            "lost": share,
            "right": round(after_losing(genome, share, *_judges()), 3),
        }
        for t, genome in made.items()
        for share in LOST
        if genome.shape[1] == 75 * arm.width + 10  # not before a cut
    ]
    return {"losses": rows}


def never_lit() -> Tensor:
    """Which of the 64 pixels no training image lights, (64,) bool."""
    return (data.digits().train.x == 0).flatten(1).all(dim=0)


def _clock(name: str, seed: int, size: str) -> Rows:
    """Weights on pixels that are never lit: how far a line of descent has gone, how far its members are apart."""
    rule, n = name.split(", ")
    rng = torch.Generator().manual_seed(seed)
    net, train, arm = nets.MLP((64, 32, 10)), data.digits().train, Arm(scale=CLOCK_SCALE)
    population, rows = net.init(int(n), INIT_STD, rng), []
    for t in range(1, CLOCK_LOOKS[size][-1] + 1):
        x, y = train.sample(2, rng)
        fitness = nets.mean_log_likelihood(answers(net, population, x), y)
        if rule == "by lot":
            fitness = torch.rand(len(population), generator=rng)
        population = breed(population, fitness, rng, arm)[0]
        if t in CLOCK_LOOKS[size]:
            dead = net.layers(population)[0][0][:, :, never_lit()].double()
            rows.append(
                {"rule": rule, "n": int(n), "seed": seed, "generation": t, "square": float((dead**2).mean())}
                | {"within": float(dead.var(dim=0).mean())}
            )
    return {"clock": rows}


def _ties(rule: str, seed: int, size: str) -> Rows:
    """A network and one mutant at a time, scored by a count of right training images."""
    rng = torch.Generator().manual_seed(seed)
    net, train = nets.MLP((64, 32, 10)), data.digits().train
    x, y = train.pixels(), train.y
    genome, rows = net.init(1, INIT_STD, rng), []
    n_right, tied, better = nets.count_correct(answers(net, genome, x), y), 0, 0
    for t in range(1, TIE_LOOKS[size][-1] + 1):
        mutant = genome.clone()
        ga.mutate_(mutant, TIE_RATE, TIE_SCALE, rng)
        found = nets.count_correct(answers(net, mutant, x), y)
        tied, better = tied + int(found == n_right), better + int(found > n_right)
        if found > n_right or (found == n_right and rule == "ties taken"):
            genome, n_right = mutant, found
        if t in TIE_LOOKS[size]:
            dead = net.layers(genome)[0][0][0][:, never_lit()]
            test = 100 * float(nets.accuracy(answers(net, genome, _judges()[0]), _judges()[1]))
            row = {"rule": rule, "seed": seed, "step": t, "train": 100 * float(n_right) / len(y), "test": test}
            rows.append(row | {"tied": tied, "better": better, "square": float((dead**2).mean())})
    return {"ties": rows}


_TABLES = {"losses": _losses, "clock": _clock, "ties": _ties}
METHODS = [
    *(f"losses; {name}" for name in ARMS),
    *(f"clock; {rule}, {n}" for rule in ("selected", "by lot") for n in CLOCK_SIZES),
    *("ties; ties taken", "ties; ties refused"),
]


def units(seeds: list[int]) -> list[Unit]:
    """Seed by seed, so that a run that is cut short has whole seeds."""
    few = {f"losses; {name}" for name in (*MOVED, "dropout")} | {f"ties; ties {what}" for what in ("taken", "refused")}
    return [Unit(method, seed) for seed in seeds for method in METHODS if seed < MOVED_SEEDS or method not in few]


def run_unit(unit: Unit, context: Context) -> Rows:
    """One arm of one table, one seed."""
    table, name = unit.method.split("; ")
    return _TABLES[table](name, unit.seed, context.size)


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "network": "64-32-10, tanh",
        "arms": {name: asdict(arm) for name, arm in ARMS.items()},
        "n_genomes": N_GENOMES,
        "init_std": INIT_STD,
        "mutation rate": RATE,
        "share of genomes that are parents": SURVIVE,
        "images a generation or step": 100,
        "learning_rate": LEARNING_RATE,
        "looks": {engine: looks[size] for engine, looks in LOOKS.items()},
        "shares of units lost": LOST,
        "draws of lost units": N_MASKS,
        "clock": {"sizes": CLOCK_SIZES, "scale": CLOCK_SCALE, "looks": CLOCK_LOOKS[size], "images": 20},
        "ties": {"rate": TIE_RATE, "scale": TIE_SCALE, "looks": TIE_LOOKS[size]},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
