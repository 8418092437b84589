"""How lab 7's life between two generations is judged: who learns, what is judged, what is handed on, and its price."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from coursekit.feedback import Student, TryAgain, compare, hidden, refuse

__all__ = ["judge_life"]


@dataclass
class _Bowl:
    """A loss, the squared distance from a centre, and a learner whose steps leave a share of the distance."""

    centre: Tensor
    share: float = 0.5

    def _way(self, genomes: Tensor) -> Tensor:
        if genomes is None:
            raise TryAgain(
                "loss or step_ is given None. step_ changes its argument in place and returns None: write "
                "step_(learned) alone, without a name and = before it."
            )
        if not isinstance(genomes, Tensor):
            raise TryAgain(f"loss and step_ take a tensor of genomes, but one is given a {type(genomes).__name__}.")
        return self.centre - genomes

    def loss(self, genomes: Tensor) -> Tensor:
        return (self._way(genomes) ** 2).sum(-1)

    def step_(self, genomes: Tensor) -> None:
        genomes += self._way(genomes) * (1 - self.share)


def _life(
    fit: tuple[str, ...] = ("lamarck", "baldwin"),
    hand: tuple[str, ...] = ("lamarck",),
    pay: Callable[[int, bool], int] = lambda n, learns: 1 + 3 * n * learns,
    sign: float = -1,
    most: float = np.inf,
    more: int = 0,
    best: bool = False,
) -> Callable[..., tuple[Tensor, Tensor, int]]:
    """A right `live` or a mistake: in which modes fitness, and what is handed on, are those after learning."""

    def live(born: Tensor, loss: Any, step_: Any, inherit: str, n_steps: int) -> tuple[Tensor, Tensor, int]:
        bowl, n_taken = loss.__self__, min(max(n_steps + more, 0), most)
        learned = bowl.centre + (born - bowl.centre) * bowl.share**n_taken
        fitness = sign * loss(learned if inherit in fit else born)
        if best and inherit in fit:
            fitness = torch.maximum(fitness, sign * loss(born))  # each step is better than the one before, or worse
        return fitness, learned if inherit in hand else born, pay(n_steps, inherit != "none")

    return live


def judge_life(student: Student) -> None:
    """Broods of Lamarck's, of Baldwin's and of neither, and of all three where learning makes things worse."""
    rng = np.random.default_rng(hidden(72))
    first, one = torch.tensor([[4.0], [-2.0]]).double(), _Bowl(torch.zeros(1))
    by_hand = {
        "lamarck": ([-1, -0.25], [[1], [-0.5]], 7),
        "baldwin": ([-1, -0.25], [[4], [-2]], 7),
        "none": ([-16, -4], [[4], [-2]], 1),
    }
    kept = ("lamarck", "none")  # in mistakes: what was learned is handed on

    def all_pay(n_steps: int, learns: bool) -> int:
        return 1 + 3 * n_steps

    others = []
    for *shape, n_steps in ((4, 3, 1), (2, 3, 2, 5), (3, 4, 0)):
        born, bowl = torch.from_numpy(rng.normal(size=shape)), _Bowl(torch.from_numpy(rng.normal(size=shape[-1])))
        others += [(born, bowl.loss, bowl.step_, inherit, n_steps) for inherit in by_hand]
    steep = _Bowl(torch.zeros(1), share=-2)  # steps that go too far: what is learned is worse
    others += [(first, steep.loss, steep.step_, inherit, 2) for inherit in by_hand]
    compare(
        student,
        returns=("fitness", "heirs", "cost"),
        by_hand=[((first, one.loss, one.step_, inherit, 2), answer) for inherit, answer in by_hand.items()],
        others=others,
        right=_life(),
        mistakes={
            "Lamarck and Baldwin are swapped: what Lamarck's learn is inherited.": _life(hand=("baldwin",)),
            "Baldwin's children inherit what was learned: then they are Lamarck's.": _life(hand=("lamarck", "baldwin")),
            "Lamarck's children get the weights of birth: then they are Baldwin's.": _life(hand=()),
            "nobody learns: fitness and heirs are those of birth, whatever n_steps is. Does step_ get the copy that "
            "is evaluated and handed on?": _life(most=0),
            "fitness is measured at birth, so learning helps nobody: learn first, then evaluate.": _life(fit=()),
            "Baldwin's are judged at birth, so their learning changes nothing.": _life(fit=("lamarck",)),
            'with "none" nobody takes a step: fitness is that at birth.': _life(fit=tuple(by_hand)),
            'with "none" the weights of birth are handed on.': _life(hand=kept),
            'with "none" fitness and heirs are those of birth.': _life(fit=tuple(by_hand), hand=kept),
            'with "none" nobody learns: judge at birth, and cost is 1.': _life(fit=tuple(by_hand), pay=all_pay),
            'with "none" nobody learns: judge and hand on what was born, cost is 1.': (
                _life(fit=tuple(by_hand), hand=kept, pay=all_pay)
            ),
            "the sign of fitness is flipped: a large loss is a poor fit, and larger fitness is better.": _life(sign=1),
            "fitness is the best of a whole life, where learning can make it worse: it is that after the last step.": (
                _life(best=True)
            ),
            "they take one step, whatever n_steps is.": _life(most=1),
            "they take one step less than n_steps.": _life(more=-1),
            "they take one step more than n_steps.": _life(more=1),
            "cost counts a step as one evaluation; it is 3.": _life(pay=lambda n, on: 1 + n * on),
            'with "none" cost pays for steps that nobody takes: it is 1.': _life(pay=all_pay),
        },
    )
    try:
        student(first, one.loss, one.step_, "darwin", 1)
    except ValueError as error:
        unsaid = any(word not in str(error).lower() for word in by_hand)
        refuse(unsaid, f"your ValueError says {str(error)!r}: name the three words that are right.")
        return
    except TryAgain:  # nothing was returned, or None given to loss: so it goes on
        pass
    except Exception as error:
        kind = type(error).__name__
        raise TryAgain(
            f'inherit="darwin" ends in a {kind}. A ValueError is asked for, which names the three words.'
        ) from None
    raise TryAgain('inherit="darwin" raises no error, so a slip like "Lamarck" goes unseen: raise a ValueError.')
