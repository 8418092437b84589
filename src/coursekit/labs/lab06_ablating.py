"""What lab 6 asks of an ablation: parts switched off one at a time, and what is counted of the moves that are left."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Student, refuse
from coursekit.labs.lab06_evolving import compare_tables
from coursekit.labs.tensors import seeded

__all__ = ["judge_ablation"]

Array = NDArray[np.float64]


def toy_evolve(crossover: str | None = "swap", scale: float = 0.1, n_elites: int = 1) -> Tensor:
    """Champions (7, 12, 2), drawn anew for each setting: moves in quarters, many rests, and some tiny moves of W."""
    rng = seeded(640 + (crossover is None) + 2 * (scale == 0) + 4 * (n_elites == 0))
    steps = 0.25 * torch.randint(-6, 7, (7, 12, 2), generator=rng) * (torch.rand(7, 12, 2, generator=rng) < 0.6)
    steps *= torch.rand(7, 12, 1, generator=rng) < 0.7
    tiny = (steps == 0).all(dim=2) & (torch.rand(7, 12, generator=rng) < 0.3)
    return (steps + 2.0**-12 * tiny[..., None] * Tensor([1, 0])).cumsum(dim=1)


def evolve_by_hand(
    n_generations: Any = 30, crossover: str | None = "swap", scale: float = 0.1, n_elites: int = 1
) -> Tensor:
    """Moves of 1, 0, 0.25, 0.5 and 1.25 in the one run, none in the other; with scale 0, two moves of 2 and none."""
    refuse(isinstance(n_generations, dict), "settings are handed over by two stars: evolve(**settings).")
    line = Tensor([[1, 1], [1, 2], [1, 2], [0.75, 2.25], [0.25, 2.25], [-1, 2.25]])
    return torch.stack([line, 0 * line]) if scale else Tensor([[[0, 0], [0, 2], [2, 2]], [[0, 0], [0, 0], [0, 0]]])


def _ablated(
    settings: Callable[[Mapping[str, Any], str], dict[str, Any]] = lambda off, name: off[name],
    jump: Callable[[Array, float], Any] = lambda moves, size: moves > size,
    rest: Callable[[Array, float], Any] = lambda moves, size: moves == 0,
    whole: Callable[[Array], Any] = lambda counts: counts.mean(),
    move: Callable[[Array], Array] = lambda change: np.abs(change).max(axis=2),
    change: Callable[[Array], Array] = lambda lines: np.diff(lines, axis=1),
) -> Callable[..., Any]:
    """The table of an ablation, or a mistake: in what is switched off, or in what is counted."""

    def ablated(evolve: Callable[..., Tensor], off: Mapping[str, Any], size: float) -> dict[str, tuple[Any, Any]]:
        variants = {"all on": dict[str, Any](), **off}
        moves = {name: move(change(evolve(**settings(variants, name)).numpy())) for name in variants}
        return {n: (whole(jump(m, size).sum(axis=1)), whole(rest(m, size).sum(axis=1))) for n, m in moves.items()}

    return ablated


def _until(variants: Mapping[str, Any], name: str) -> dict[str, Any]:
    names = list(variants)
    return {key: value for n in names[: names.index(name) + 1] for key, value in variants[n].items()}


def _all_but(variants: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {k: v for n, s in variants.items() if n != name != "all on" for k, v in s.items()}


def _times_runs(jumps: int, flat: int) -> Callable[..., Any]:
    """A table whose columns are multiplied by these powers of the number of runs: 1 for a sum over all of them."""

    def ablated(evolve: Callable[..., Tensor], off: Mapping[str, Any], size: float) -> dict[str, tuple[Any, Any]]:
        n = len(evolve())
        return {name: (a * n**jumps, b * n**flat) for name, (a, b) in _ablated()(evolve, off, size).items()}

    return ablated


def judge_ablation(student: Student) -> None:
    """Three ablations of an evolution that draws anew for each setting, and one that is counted by hand."""
    parts = {"no crossover": {"crossover": None}, "no mutation": {"scale": 0.0}, "no elite": {"n_elites": 0}}
    backwards = {name: parts[name] for name in reversed(parts)}
    compare_tables(
        student,
        "all on",
        ("jumps", "flat"),
        by_hand=[((evolve_by_hand, {"still": {"scale": 0.0}}, 0.5), {"all on": (1, 3), "still": (1, 1)})],
        others=[(toy_evolve, parts, 0.5), (toy_evolve, backwards, 0.25), (toy_evolve, parts, 1.0)],
        right=_ablated(),
        mistakes={
            "every variant has the numbers of the whole algorithm: do its settings arrive, evolve(**settings), and are "
            "its own moves counted?": (_ablated(lambda off, name: {})),
            "you switch the parts off one after another, and none on again. Each variant lacks one part only.": (
                _ablated(_until)
            ),
            "your variants have all parts off but one. An ablation leaves all on but one.": _ablated(_all_but),
            "your counts are of all runs together: give the mean of a run.": _ablated(whole=np.sum),
            "you give the share of the moves; count them in each run, then take the mean over runs.": (
                _ablated(jump=lambda m, size: (m > size) / m.shape[1], rest=lambda m, size: (m == 0) / m.shape[1])
            ),
            "a move of exactly `size` counts in yours; a jump is larger.": _ablated(jump=lambda m, size: m >= size),
            "your moves are lengths of steps; a move is the larger of the two changes, as `moves` has it.": (
                _ablated(move=lambda c: np.linalg.norm(c, axis=2))
            ),
            "your moves are sums of the two changes; a move is the larger of the two, as `moves` has it.": (
                _ablated(move=lambda c: np.abs(c).sum(axis=2))
            ),
            "all but tiny moves are jumps in yours, whatever `size` is. Is another number typed in, such as 0.2?": (
                _ablated(jump=lambda m, size: m > 0.2)
            ),
            "jumps is 0 everywhere: is anything added to it?": _ablated(jump=lambda m, size: 0 * m),
            "flat is 0 everywhere: is anything added to it?": _ablated(rest=lambda m, size: 0 * m),
            "jumps is of all runs together: give the mean of a run, as you do for flat.": _times_runs(1, 0),
            "flat is of all runs together: give the mean of a run, as you do for jumps.": _times_runs(0, 1),
            "jumps is multiplied by the number of runs: divide by it.": _times_runs(2, 0),
            "flat is multiplied by the number of runs: divide by it.": _times_runs(0, 2),
            "your counts are multiplied by the number of runs: divide by it.": _times_runs(2, 2),
            "a tiny move is a move, too; flat means none at all, == 0.": _ablated(rest=lambda m, size: m < 0.01),
            "flat counts all that is no jump; it means no move at all.": _ablated(rest=lambda m, size: m <= size),
            "only moves upwards count in yours; take the absolute change.": _ablated(move=lambda c: c.max(axis=2)),
            "the two are the other way round: jumps come first.": lambda *args: {
                name: two[::-1] for name, two in _ablated()(*args).items()
            },
            "b is counted by what it is, and not by how much it changes.": _ablated(
                change=lambda lines: np.stack([np.diff(lines[..., 0]), lines[:, 1:, 1]], axis=2)
            ),
            "only W is looked at; a jump of b counts as well.": _ablated(move=lambda c: np.abs(c[..., 0])),
        },
    )
    called: list[dict[str, Any]] = []

    def watched(**settings: Any) -> Tensor:
        called.append(settings)
        return evolve_by_hand(**settings)

    student(watched, {"still": {"scale": 0.0}}, 0.5)
    refuse(
        len(called) > 2,
        f"your table is right, but `evolve` ran {len(called)} times for two variants, and a run is long: let each run "
        "once, and count both things in its moves.",
    )
