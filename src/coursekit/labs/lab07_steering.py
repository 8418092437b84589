"""What lab 7 lets a policy steer: a walk with gymnasium's interface, and the mean returns that are asked for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Student, TryAgain, compare, diagnose, hidden, refuse

__all__ = ["Corridor", "judge_steering"]


@dataclass
class Corridor:
    """A walk with gymnasium's interface, whose rules exercise 7.3 tells; it says in words how it is misused."""

    width: int
    time_limit: int
    seeds: list[int] = field(default_factory=list, repr=False)  # of all episodes so far

    _state, _over = np.zeros(4, dtype=np.float32), "not begun"

    def finish(self) -> None:
        """Complain if an episode has begun and not ended."""
        refuse(
            not self._over,
            f"an episode was left before its end, after {int(self._state[3])} steps: go on until terminated or "
            "truncated.",
        )

    def reset(self, *, seed: int | None = None) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode: (state, info)."""
        self.finish()
        if seed is None:
            raise TryAgain("reset() without a seed begins by chance: write env.reset(seed=seed).")
        self.seeds.append(int(seed))
        self._state, self._over = np.array([0, seed % 2, seed % 3 - 1, 0], dtype=np.float32), ""
        return self._state.copy(), {}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Push to the left (0) or right (1): (state, reward, terminated, truncated, info)."""
        wrong: dict[str, Any] = {
            "step() came before any reset(seed=seed), which begins an episode.": self._over == "not begun",
            f"step() came though the episode was {self._over}: it ends with terminated *or* truncated, and "
            "reset(seed=seed) begins the next.": self._over,
            f"an action is a plain 0 or 1, such as int(push > 0); yours is {action!r} ({type(action).__name__}).": (
                not isinstance(action, int | np.integer) or action not in (0, 1)
            ),
        }
        diagnose(wrong)
        position, velocity, wind, clock = self._state
        velocity = np.clip(velocity + 2 * int(action) - 1, -2, 2)
        self._state = np.array([position + velocity + wind, velocity, wind, clock + 1], dtype=np.float32)
        terminated, truncated = bool(abs(self._state[0]) > self.width), bool(self._state[3] >= self.time_limit)
        self._over = "terminated" * terminated or "truncated" * truncated
        return self._state.copy(), 1 + 0.5 * int(action), terminated, truncated, {}


def _steered(
    push: Callable[[Any, Any], Any] = lambda w, s: w[:4] @ s + w[4] > 0,
    look: bool = True,
    earn: Callable[[float, bool], float] = lambda reward, over: reward,
    total: Callable[[list[float]], Any] = np.mean,
    keep: float = 0,
) -> Callable[..., Tensor]:
    """Mean returns in a Corridor, or a mistake."""

    def returns(env: Corridor, policies: Tensor, seeds: list[int]) -> Tensor:
        scores = []
        for weights in policies.double().numpy():
            episodes = [0.0]
            for seed in seeds:
                (state, _), earned, over = env.reset(seed=seed), keep * episodes[-1], False
                while not over:
                    seen, reward, *ends, _ = env.step(int(push(weights, state)))
                    state, over = (seen if look else state), any(ends)
                    earned += earn(reward, over)
                episodes.append(earned)
            scores.append(total(episodes[1:]))
        return torch.tensor(np.array(scores))

    return returns


def judge_steering(student: Student) -> None:
    """Four corridors and one by hand, with wind and without, some so long that only the clock ends an episode."""

    def watched(env: Corridor, policies: Tensor, seeds: list[int]) -> Any:
        env = Corridor(env.width, env.time_limit)
        answer = student(env, policies, seeds)
        env.finish()
        strange = [seed for seed in env.seeds if seed not in seeds]
        played = Counter(env.seeds)
        uneven = [f"seed {seed} was played {played[seed]} times" for seed in seeds if played[seed] != len(policies)]
        wrong: dict[str, Any] = {
            f"an episode began from seed {strange[:1]}, not from {seeds}: all genomes meet these, or the lucky one "
            "wins, not the better.": strange,
            f"{len(policies)} genomes with {len(seeds)} seeds played {len(env.seeds)} episodes: each genome plays each "
            f"seed once, {len(policies) * len(seeds)} in all.": len(env.seeds) != len(policies) * len(seeds),
            f"{''.join(uneven[:1])} by {len(policies)} genomes, though the number of episodes is right: "
            "each genome plays each seed once.": uneven,
            f"return a tensor, torch.tensor(scores), not a {type(answer).__name__}.": not isinstance(answer, Tensor),
        }
        diagnose(wrong)
        return answer

    rng = np.random.default_rng(hidden(73))
    worlds = (
        (4, 12, 6, [0, 1, 2]),
        (5, 9, 4, [5]),
        (3, 20, 8, [3, 4, 10, 11]),
        (2000, 510, 1, [1]),  # no walk of 510 steps gets so far
    )
    compare(
        Student(watched, student.parameters),
        returns="the mean return",
        # No wind. Always left: position 0, -1, -3 from velocity 1; -1, -3 from velocity 0. Always right: 2, 4; 1, 3.
        by_hand=[((Corridor(2, 9), torch.tensor([[0.0] * 5, [0.0] * 4 + [1]]), [1, 4]), [2.5, 3])],
        others=[
            (Corridor(width, limit), torch.from_numpy(rng.integers(-3, 4, size=(n, 5))).float(), seeds)
            for width, limit, n, seeds in worlds
        ],
        right=_steered(),
        mistakes={
            "the bias is forgotten: push right where w . state + b > 0.": _steered(lambda w, s: w[:4] @ s > 0),
            "the first number is taken for the bias: it is the last.": _steered(lambda w, s: w[1:] @ s + w[0] > 0),
            "left and right are swapped: 1 where the sum is above 0.": _steered(lambda w, s: w[:4] @ s + w[4] <= 0),
            "a sum of exactly 0 pushes right; here it pushes left: > 0.": _steered(lambda w, s: w[:4] @ s + w[4] >= 0),
            "your policies steer with their eyes shut: keep the state that step() returns.": _steered(look=False),
            "you push right below 0; right is for a sum above it.": _steered(lambda w, s: w[:4] @ s + w[4] < 0),
            "only the last reward of an episode counts: add each, inside the loop.": _steered(
                earn=lambda r, over: r * over
            ),
            "a genome starts with the total of the one before: set it to 0 for each.": (
                lambda *a: _steered()(*a).cumsum(0)
            ),
            "the total is divided by the number of policies: by that of seeds.": (
                lambda env, w, s: _steered()(env, w, s) * len(s) / len(w)
            ),
            "the last reward is lost: add it, then ask whether all is over.": _steered(
                earn=lambda r, over: r * (not over)
            ),
            "you count steps: a return is the sum of rewards, which aren't 1 everywhere.": _steered(earn=lambda *_: 1),
            "that is the sum over the episodes: take their mean.": _steered(total=sum),
            "that is the last episode's return alone: take the mean of all.": _steered(total=lambda e: e[-1]),
            "an episode starts with the rewards of the one before: begin each at 0.": _steered(keep=1),
            "the sign is flipped: larger returns are better fitness.": _steered(total=lambda e: -np.mean(e)),
        },
    )
