"""What lab 3 asks of Rosenblatt's rule and of the logistic one, and the mistakes in either or both that it knows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Student, compare, hidden

__all__ = ["judge_rules"]

Array = NDArray[np.float64]
Error = Callable[[float, int, float], float]  # (sum, target, learning rate) -> what multiplies the row


def _sigmoid(z: float) -> float:
    return 0.5 + 0.5 * float(np.tanh(z / 2))


def _jump(z: float, target: int, rate: float) -> float:
    """Rosenblatt's error by cases: up where 1 was missed, down where 0 was missed, else nothing."""
    if target == 1:
        return 1.0 if z <= 0 else 0.0
    return -1.0 if z > 0 else 0.0


def _nudge(z: float, target: int, rate: float) -> float:
    return rate * (_sigmoid(-z) if target == 1 else -_sigmoid(z))


def _rules(
    hard: Error = _jump,
    soft: Error = _nudge,
    total: Callable[[Array, Array], float] = np.dot,
    along: Callable[[Array, Array], Any] = lambda theta, row: row,
) -> Callable[..., tuple[Array, Array]]:
    """Both rules, or a mistake: in one error, in the sum, or in what the error multiplies."""

    def both(theta: Array, row: Array, target: int, rate: float) -> tuple[Array, Array]:
        z, direction = total(theta, row), along(theta, row)
        return theta + hard(z, target, rate) * direction, theta + soft(z, target, rate) * direction

    return both


def _change_only(theta: Array, *rest: Any) -> tuple[Array, Array]:
    rosenblatt, logistic = _rules()(theta, *rest)
    return rosenblatt - theta, logistic - theta


_CUTS: dict[str, Callable[[float, Array], Any]] = {  # what becomes of error * row; an input may be negative
    "in {} the row is only ever added, and the weights stay where the output is too large: target - output is negative "
    "there. Is it cut off at 0, or its case left out?": lambda error, row: max(error, 0) * row,
    "in {} the row is only ever subtracted, and the weights stay where the output is too small: target - output is "
    "positive there. Is it cut off at 0, or its case left out?": lambda error, row: min(error, 0) * row,
    "in {} the row is only ever added, also where the output is too large: target - output is negative there. Has it "
    "lost its sign?": lambda error, row: abs(error) * row,
    "in {} the row is only ever subtracted, also where the output is too small: target - output is positive there. Has "
    "it lost its sign?": lambda error, row: -abs(error) * row,
    "in {} no weight ever falls: those that should fall stay, and the others are right. Is the step cut off at 0?": (
        lambda error, row: np.maximum(error * row, 0)
    ),
    "in {} no weight ever rises: those that should rise stay, and the others are right. Is the step cut off at 0?": (
        lambda error, row: np.minimum(error * row, 0)
    ),
    "in {} no weight ever falls: those that should fall rise by as much. Has the step lost its sign?": (
        lambda error, row: np.abs(error * row)
    ),
}


def _cut(cut: Callable[[float, Array], Any], wrong: tuple[bool, bool]) -> Callable[..., tuple[Array, ...]]:
    """Both rules with their steps cut, in Rosenblatt's, in the logistic one, or in both."""

    def both(theta: Array, row: Array, target: int, rate: float) -> tuple[Array, ...]:
        errors = (error(float(theta @ row), target, rate) for error in (_jump, _nudge))
        return tuple(theta + (cut(e, row) if off else e * row) for e, off in zip(errors, wrong, strict=True))

    return both


_RULES = {"Rosenblatt's rule": (True, False), "the logistic rule": (False, True), "both rules": (True, True)}


def judge_rules(student: Student) -> None:
    """Compare both rules: on paper, and on rows that nobody has seen."""
    rng = np.random.default_rng(hidden(31))
    three = np.array([np.log(3), 0, 0])  # with a first input of 1 the sum is log 3, and the sigmoid 3/4
    compare(
        student,
        returns=("rosenblatt", "logistic"),
        by_hand=[
            # The sum is 0: the threshold says 0, which is wrong by 1; the sigmoid says 1/2.
            ((np.array([0.5, -1, 0.5]), np.ones(3), 1, 0.5), ([1.5, 0, 1.5], [0.75, -0.75, 0.75])),
            ((np.zeros(3), np.array([2.0, -1, 1]), 0, 0.1), ([0, 0, 0], [-0.1, 0.05, -0.05])),
            ((three, np.array([1.0, 5, 1]), 0, 0.4), (three - [1, 5, 1], three - [0.3, 1.5, 0.3])),
            ((three, np.array([1.0, 0, 1]), 1, 0.4), (three, np.add(three, [0.1, 0, 0.1]))),
        ],
        others=[
            (rng.normal(size=n), np.append(rng.normal(size=n - 1), 1), target, rng.uniform(0.1, 0.9))
            for n in (3, 4, 6)
            for target in (0, 1, 0, 1)
        ],
        right=_rules(),
        mistakes={
            "both steps go the wrong way: a missed 1 must raise the sum. Add (target - output) times the row.": (
                _rules(lambda *a: -_jump(*a), lambda *a: -_nudge(*a))
            ),
            "Rosenblatt's step goes the wrong way: its error is target - threshold(z), and the step is added.": (
                _rules(hard=lambda *a: -_jump(*a))
            ),
            "the logistic step goes the wrong way: p - target is the slope of the loss, and a slope points uphill. "
            "Subtract it, or add target - p.": _rules(soft=lambda *a: -_nudge(*a)),
            "the two are the other way round: Rosenblatt's weights come first, then the logistic ones.": (
                lambda *a: _rules()(*a)[::-1]
            ),
            "you return the steps alone: add them to theta.": _change_only,
            "the logistic step is half as long as it should be: its error is target - p, as it is.": (
                _rules(soft=lambda *a: _nudge(*a) / 2)
            ),
            "the logistic step begins where Rosenblatt's has ended: both begin at the theta that was given.": (
                lambda theta, *rest: (_rules()(theta, *rest)[0], _rules()(_rules()(theta, *rest)[0], *rest)[1])
            ),
            "the last weight never moves, so the bias is not learned. It belongs to the input that is always 1, and "
            "gets its share of the step like every other weight.": (
                _rules(along=lambda theta, row: np.append(row[:-1], 0))
            ),
            "the bias is forgotten in the sum: z = theta @ row, with all entries, the last one too.": (
                _rules(total=lambda theta, row: float(theta[:-1] @ row[:-1]))
            ),
            "the error multiplies theta, but it belongs to the input: nudging one weight by h moves z by h times the "
            "*input* beside it.": _rules(along=lambda theta, row: theta),
            "every weight gets the same step: the input is missing. A weight whose input is 0 had no part in the "
            "answer and must stay.": _rules(along=lambda theta, row: 1.0),
            "Rosenblatt's rule also moves when the answer was right. It must rest then: the error is the difference of "
            "target and output, and that is 0.": _rules(hard=lambda z, target, rate: 2 * target - 1),
            "Rosenblatt's rule moves where the answer was right, and rests where it was wrong. Is its threshold the "
            "wrong way round, or the question whether the answer is right?": (
                _rules(hard=lambda z, target, rate: float(target - (z <= 0)))
            ),
            "Rosenblatt's threshold says 1 for z < 0: it should for z > 0.": (
                _rules(hard=lambda z, target, rate: float(target - (z < 0)))
            ),
            "the sigmoid falls where it should rise: with z = 2 yours is what sigmoid(-2) should be.": (
                _rules(soft=lambda z, target, rate: rate * (target - _sigmoid(-z)))
            ),
            "Rosenblatt's error is the logistic one, target - sigmoid(z): his neuron says threshold(z).": (
                _rules(hard=lambda z, target, rate: target - _sigmoid(z))
            ),
            "the logistic error is Rosenblatt's, target - threshold(z): this neuron says sigmoid(z).": (
                _rules(soft=lambda z, target, rate: rate * _jump(z, target, rate))
            ),
            "Rosenblatt's threshold lies at a sum of 1; it lies at 0: 1 for z > 0.": (
                _rules(hard=lambda z, target, rate: float(target - (z > 1)))
            ),
            "your threshold says 1 when the sum is exactly 0. In the chapter it says 1 only for z > 0.": (
                _rules(hard=lambda z, target, rate: float(target - (z >= 0)))
            ),
            "the learning rate scales Rosenblatt's step: here that rule has none, or, as the chapter "
            "has it, a rate of 1.": (_rules(hard=lambda z, target, rate: rate * _jump(z, target, rate))),
            "the logistic step has the slope of the sigmoid, p * (1 - p), as a factor. That is the step of the squared "
            "error; for the cross-entropy the factor cancels, and target - p is all.": (
                _rules(soft=lambda z, target, rate: _nudge(z, target, rate) * _sigmoid(z) * _sigmoid(-z))
            ),
            "the logistic step ignores learning_rate: multiply its error by it.": (
                _rules(soft=lambda z, target, rate: _nudge(z, target, 1))
            ),
            "the logistic error is target - z, with the bare sum: p = sigmoid(z) is missing.": (
                _rules(soft=lambda z, target, rate: rate * (target - z))
            ),
            "Rosenblatt's error is target - z, with the bare sum: the neuron's answer is threshold(z).": (
                _rules(hard=lambda z, target, rate: target - z)
            ),
            "Rosenblatt's error is the target alone: subtract what the neuron says.": (
                _rules(hard=lambda z, target, rate: target)
            ),
            "the logistic error is the target alone: subtract what the neuron says.": (
                _rules(soft=lambda z, target, rate: rate * target)
            ),
            "Rosenblatt's error is the output alone: it is the target minus the output.": (
                _rules(hard=lambda z, target, rate: float(z > 0))
            ),
            "the logistic error is the output alone: it is the target minus the output.": (
                _rules(soft=lambda z, target, rate: rate * _sigmoid(z))
            ),
            "Rosenblatt's error is the sum of target and output: take their difference.": (
                _rules(hard=lambda z, target, rate: target + (z > 0))
            ),
            "the logistic error is the sum of target and output: take their difference.": (
                _rules(soft=lambda z, target, rate: rate * (target + _sigmoid(z)))
            ),
            "the sigmoid is taken twice: p = sigmoid(z).": (
                _rules(soft=lambda z, target, rate: rate * (target - _sigmoid(_sigmoid(z))))
            ),
            "Rosenblatt's step is returned alone: add it to theta.": lambda theta, *rest: (
                _rules()(theta, *rest)[0] - theta,
                _rules()(theta, *rest)[1],
            ),
            "the logistic step is returned alone: add it to theta.": lambda theta, *rest: (
                _rules()(theta, *rest)[0],
                _rules()(theta, *rest)[1] - theta,
            ),
            "in Rosenblatt's step the input is missing: every weight moves by the error.": (
                lambda *a: (_rules(along=lambda theta, row: 1.0)(*a)[0], _rules()(*a)[1])
            ),
            "in the logistic step the input is missing: every weight moves by the error.": (
                lambda *a: (_rules()(*a)[0], _rules(along=lambda theta, row: 1.0)(*a)[1])
            ),
            **{hint.format(rule): _cut(cut, wrong) for hint, cut in _CUTS.items() for rule, wrong in _RULES.items()},
        },
    )
