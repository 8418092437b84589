"""How networks fail at XOR, and which wrong gradients still learn it: chapter 4's experiments, their knobs moved.

A unit is one setting: 100 or 200 networks, trained at the best of four learning rates (100 others choose it). A row
says for one network whether it solved XOR, and for one that didn't what becomes of it: by gradient flow (descent with
tiny steps, for a long time), by the quasi-Newton method BFGS, shaken there and run again, and with a penalty on the
squared weights.

    python3 course.py run stuck --seeds 1
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.special import expit

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import backprop, descent

Array = NDArray[np.float64]

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([[0.0], [1], [1], [0]])
SHARE_OF_NETS = {"smoke": 0.04, "laptop": 0.5, "full": 1.0}
SHARE_OF_STEPS = {"smoke": 0.05, "laptop": 1.0, "full": 1.0}
N_TUNING = 100
FLOW_TIMES = (1e4, 1e5, 1e6, 1e7)
"""Looks at a gradient flow; a step of plain descent at rate r is a time of r."""
PENALTY = 1e-4
MOST_SLOPES = 100_000  # for one flow; a thousand are usual


@dataclass(frozen=True)
class Setting:
    """What decides how networks are trained. `gradient` may have a bug; failures are followed if `follow` says so."""

    scale: float = 1.0
    n_hidden: int = 3
    n_steps: int = 2000
    gradient: str = "right"
    activation: str = "sigmoid"
    loss: str = "cross-entropy"
    optimiser: str = "plain"
    inputs: str = "0 and 1"
    biases: str = "zero"
    penalty: float = 0.0
    follow: bool = False
    n_nets: int = 200


SCALES = (0.1, 0.3, 1.0, 3.0, 10.0)
RATES = {"plain": (0.3, 1, 3, 10), "adam": (0.01, 0.03, 0.1, 0.3)}
_BUGGY: dict[str, dict[str, Any]] = {
    "as in the chapter": {},
    "2 hidden units": {"n_hidden": 2},
    "8 hidden units": {"n_hidden": 8},
    "scale 0.3": {"scale": 0.3},
    "scale 3": {"scale": 3.0},
    "500 steps": {"n_steps": 500},
    "10,000 steps": {"n_steps": 10_000},
}
GRADIENTS = ("right", "hidden biases forgotten", "slope at the wrong place", "slope forgotten")
_STARTS: dict[str, dict[str, Any]] = {
    "2 hidden units": {"n_hidden": 2},
    "4 hidden units": {"n_hidden": 4},
    "8 hidden units": {"n_hidden": 8},
    "squared error": {"loss": "squared"},
    "tanh": {"activation": "tanh"},
    "inputs -1 and 1": {"inputs": "-1 and 1"},
    "biases drawn, too": {"biases": "drawn"},
    "Adam": {"optimiser": "adam"},
    "penalty 0.0001": {"penalty": 1e-4},
    "penalty 0.001": {"penalty": 1e-3},
    "BFGS from the start": {"optimiser": "bfgs"},
}
SETTINGS = (
    {f"starts; as in the chapter; {s:g}": Setting(scale=s, follow=True) for s in SCALES}
    | {
        f"starts; {name}; {s:g}": Setting(scale=s, follow="penalty" not in name, n_nets=100, **change)
        for name, change in _STARTS.items()
        for s in (0.1, 1.0, 10.0)
    }
    | {
        f"bugs; {name}; {gradient}": Setting(gradient=gradient, **change)
        for name, change in _BUGGY.items()
        for gradient in GRADIENTS
    }
)
"""Which question, what differs from the chapter, and the start's scale or the bug -> the setting."""


def start(seeds: range, s: Setting) -> Array:
    """Rows of normal draws times the scale, biases zero unless they are drawn, too; as in the chapter."""
    sizes = (2, s.n_hidden, 1)
    rows = s.scale * np.array([np.random.default_rng(seed).normal(size=backprop.n_params(sizes)) for seed in seeds])
    if s.biases == "zero":
        for _, b in backprop.unpack(rows, sizes):
            b[...] = 0
    return rows


def answers(theta: Array, s: Setting) -> tuple[Array, Array, Array, Array]:
    """The inputs, output weights, hidden outputs and output sums of networks (..., n_params)."""
    x = 2 * X - 1 if s.inputs == "-1 and 1" else X
    (_, _), (w2, _) = backprop.unpack(theta, (2, s.n_hidden, 1))
    _, h, z = backprop.forward(theta, x, (2, s.n_hidden, 1), s.activation)
    return x, w2, h, z


def loss(theta: Array, s: Setting, penalty: float = 0.0) -> Array:
    """Mean cross-entropy or squared error, and half the squared length of the row times the penalty."""
    *_, z = answers(theta, s)
    each = np.logaddexp(0, z) - Y * z if s.loss == "cross-entropy" else (expit(z) - Y) ** 2
    return np.mean(each, axis=(-2, -1)) + penalty / 2 * np.sum(theta**2, axis=-1)


def slopes(theta: Array, s: Setting, penalty: float = 0.0) -> Array:
    """Gradient of `loss`, or what a bug makes of it."""
    x, w2, h, z = answers(theta, s)
    p = expit(z)
    blame = (p - Y) / 4 if s.loss == "cross-entropy" else (p - Y) * p * (1 - p) / 2
    slope: Array | float = h * (1 - h) if s.activation == "sigmoid" else 1 - h**2
    if s.gradient == "slope at the wrong place":
        slope = expit(h) * (1 - expit(h))
    elif s.gradient == "slope forgotten":
        slope = 1.0
    hidden = blame @ w2 * slope
    biases = hidden.sum(axis=-2) * (s.gradient != "hidden biases forgotten")
    parts = [hidden.mT @ x, biases, blame.mT @ h, blame.sum(axis=-2)]
    return np.concatenate([part.reshape(*theta.shape[:-1], -1) for part in parts], axis=-1) + penalty * theta


def solved(theta: Array, s: Setting) -> NDArray[np.bool_]:
    """Whether all four answers are within 0.25 of their targets."""
    *_, z = answers(theta, s)
    return np.all(np.abs(expit(z) - Y) < 0.25, axis=(-2, -1))


def bfgs(theta: Array, s: Setting, penalty: float = 0.0) -> Array:
    """Each row run to a largest slope of 1e-9; begun anew where rounding stopped it earlier."""
    ends = []
    for row in theta:
        for _ in range(4):
            found = minimize(
                lambda t: float(loss(t, s, penalty)),
                row,
                jac=lambda t: slopes(t, s, penalty),
                method="BFGS",
                options={"gtol": 1e-9, "maxiter": 20_000},
            )
            row = found.x
            if np.abs(found.jac).max() <= 1e-9:
                break
        ends.append(row)
    return np.array(ends).reshape(theta.shape)


def flow(row: Array, s: Setting) -> Array:
    """One network, (n_params,), on its gradient flow at `FLOW_TIMES`, (looks, n_params).

    Where rounding keeps the solver from getting on, at an end of BFGS, the network stays where it is.
    """
    n_slopes = 0

    def velocity(_: float, theta: Array) -> Array:
        nonlocal n_slopes
        n_slopes += 1
        if n_slopes > MOST_SLOPES:
            raise TimeoutError
        return -slopes(theta, s)

    times = list(FLOW_TIMES)
    try:
        found = solve_ivp(velocity, (0, times[-1]), row, method="LSODA", t_eval=times, rtol=1e-6, atol=1e-9)
    except TimeoutError:
        return np.repeat(row[None], len(times), axis=0)
    ends: Array = found.y.T
    return ends


def lowest_curvature(theta: Array, s: Setting, h: float = 1e-5) -> Array:
    """Smallest eigenvalue of the Hessian of each row, from nudges of the gradient."""
    changes = [(slopes(theta + step, s) - slopes(theta - step, s)) / (2 * h) for step in h * np.eye(theta.shape[-1])]
    return np.asarray(np.linalg.eigvalsh(np.moveaxis(np.array(changes), 0, -1))[..., 0], dtype=np.float64)


def trained(s: Setting, n_tuning: int, n_nets: int, n_steps: int) -> tuple[float, Array]:
    """The rate that solves XOR most often, and the ends of fresh networks at that rate."""
    if s.optimiser == "bfgs":
        return 0.0, bfgs(start(range(n_nets), s), s)
    optimiser: Callable[..., Array] = getattr(descent, s.optimiser)

    def ends(seeds: range, rate: float) -> Array:
        return optimiser(start(seeds, s), lambda t: slopes(t, s, s.penalty), rate, n_steps)

    counts = {rate: int(solved(ends(range(1000, 1000 + n_tuning), rate), s).sum()) for rate in RATES[s.optimiser]}
    rate = max(counts, key=lambda r: counts[r])
    return rate, ends(range(n_nets), rate)


def run_unit(unit: Unit, context: Context) -> Rows:
    """A row for each network; what became of it later stands only in rows of failures that were followed."""
    s, share = SETTINGS[unit.method], SHARE_OF_NETS[context.size]
    n_tuning, n_nets = round(N_TUNING * share), round(s.n_nets * share)
    rate, ends = trained(s, n_tuning, n_nets, round(s.n_steps * SHARE_OF_STEPS[context.size]))
    question, change, case = unit.method.split("; ")
    about = {"question": question, "change": change, "case": case, "seed": unit.seed, "rate": rate}
    done, rng = solved(ends, s), np.random.default_rng(unit.seed)
    rows: list[dict[str, Any]] = []
    for net, row in context.bar(list(enumerate(ends)), unit, "network"):
        found: dict[str, Any] = about | {"net": net, "solved": bool(done[net]), "loss": float(loss(row, s))}
        if s.follow and not done[net]:
            found |= {"curvature": float(lowest_curvature(row, s)), **later(row, s, rng)}
        rows.append(found)
    return {"runs": rows}


def later(row: Array, s: Setting, rng: np.random.Generator) -> dict[str, Any]:
    """What becomes of a network, (n_params,), that hasn't solved XOR."""
    path, end = flow(row, s), bfgs(row[None], s)[0]
    looks = zip(FLOW_TIMES, solved(path, s), strict=True)
    found: dict[str, Any] = {f"flow {time:.0e}": bool(now) for time, now in looks}
    found |= {"flow loss": float(loss(path[-1], s)), "flow largest": float(np.abs(path[-1]).max())}
    found |= {"bfgs": bool(solved(end, s)), "bfgs loss": float(loss(end, s)), "bfgs largest": float(np.abs(end).max())}
    found |= {"bfgs slope": float(np.abs(slopes(end, s)).max()), "bfgs curvature": float(lowest_curvature(end, s))}
    for noise in (0.3, 3.0):
        again = bfgs(end[None] + noise * rng.normal(size=(1, row.size)), s)[0]
        found |= {f"shaken {noise:g}": bool(solved(again, s)), f"shaken {noise:g} loss": float(loss(again, s))}
    return found | {"penalised": bool(solved(bfgs(row[None], s, PENALTY)[0], s))}


def units(seeds: list[int]) -> list[Unit]:
    """Setting by setting."""
    return [Unit(name, seed) for seed in seeds for name in SETTINGS]


def settings(size: str) -> dict[str, Any]:
    """All that decides the numbers beside the seeds."""
    return {
        "size": size,
        "share of the networks": SHARE_OF_NETS[size],
        "networks to choose the rate": N_TUNING,
        "share of the steps": SHARE_OF_STEPS[size],
        "rates": RATES,
        "times of the flow": FLOW_TIMES,
        "penalty": PENALTY,
        "settings": {name: dataclasses.asdict(s) for name, s in SETTINGS.items()},
    }


EXPERIMENT = Experiment(units, run_unit, settings)
