"""What lab 16 asks of a score: nothing broken, tied or dead is right, and no class counts more than another."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Student, compare, hidden

__all__ = ["judge_score"]

Answers = Sequence[NDArray[np.float64] | None]


def _alone(logits: Any) -> NDArray[np.bool_]:
    """Which rows are finite and have one largest entry."""
    with np.errstate(all="ignore"):
        largest = np.nan_to_num(logits, nan=0.0).max(axis=1, keepdims=True)
        single: NDArray[np.bool_] = (logits == largest).sum(axis=1) == 1
        return np.isfinite(logits).all(axis=1) & single


def _hits(logits: Any, labels: Any) -> NDArray[np.bool_]:
    return _alone(logits) & (np.nan_to_num(logits).argmax(axis=1) == labels)


def _balanced(hits: Any, labels: Any) -> float:
    return float(np.mean([np.mean(hits[labels == k]) for k in np.unique(labels)]))


def _with(
    *,
    hits: Callable[[Any, Any], Any] = _hits,
    share: Callable[[Any, Any], Any] = _balanced,
    over: Callable[[list[Any]], Any] = np.mean,
    dead: float | None = 0.0,
    run: Callable[[Any, Any], Any] | None = None,
) -> Callable[..., Any]:
    """A score with one part replaced; `run` replaces what one run is worth."""

    def score(answers: Answers, labels: NDArray[np.int64]) -> Any:
        one = run or (lambda logits, labels: share(hits(logits, labels), labels))
        worth = [dead if logits is None else one(np.asarray(logits), labels) for logits in answers]
        return over([value for value in worth if value is not None])

    return score


def _argmax(logits: Any, labels: Any) -> Any:
    return logits.argmax(axis=1) == labels


def _ties_to_the_first(logits: Any, labels: Any) -> Any:
    return np.isfinite(logits).all(axis=1) & (np.nan_to_num(logits).argmax(axis=1) == labels)


def _no_inf(logits: Any, labels: Any) -> Any:
    largest = np.nan_to_num(logits, nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    single = (largest == largest.max(axis=1, keepdims=True)).sum(axis=1) == 1
    return ~np.isnan(logits).any(axis=1) & single & (largest.argmax(axis=1) == labels)


def _cleaned(to: float | None) -> Callable[[Any, Any], Any]:
    """What is broken becomes a number: the same, or (None) what NumPy makes of it."""

    def hits(logits: Any, labels: Any) -> Any:
        clean = np.nan_to_num(logits) if to is None else np.where(np.isfinite(logits), logits, to)
        single = (clean == clean.max(axis=1, keepdims=True)).sum(axis=1) == 1
        return single & (clean.argmax(axis=1) == labels)

    return hits


def _letting(let: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """One kind of infinity is let through as if it were a number."""

    def hits(logits: Any, labels: Any) -> Any:
        broken = ~np.isfinite(logits) & ~let(logits)
        return ~broken.any(axis=1) & _no_inf(logits, labels)

    return hits


def _guessed(logits: Any, labels: Any) -> Any:
    return np.where(np.isfinite(logits).all(axis=1), _hits(logits, labels), 1 / logits.shape[1])


def _any_tie(logits: Any, labels: Any) -> Any:
    own = logits[np.arange(len(labels)), labels]
    return np.isfinite(logits).all(axis=1) & (own == np.nan_to_num(logits).max(axis=1))


def _rows_dropped(logits: Any, labels: Any) -> float:
    finite = np.isfinite(logits).all(axis=1)
    return _balanced(_hits(logits, labels)[finite], labels[finite]) if finite.any() else 0.0


def _all_or_nothing(logits: Any, labels: Any) -> float:
    return _balanced(_hits(logits, labels), labels) if np.isfinite(logits).all() else 0.0


def _precision(hits: Any, labels: Any) -> float:
    return float(np.sum(hits) / len(labels) / len(np.unique(labels)))


def _runs(seed: int, counts: Sequence[int], n_runs: int, dead: Sequence[int]) -> tuple[list[Any], NDArray[np.int64]]:
    """Logits of networks that know a little, with holes: NaN, infinity, ties, and runs that died."""
    rng = np.random.default_rng(hidden(seed))
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    answers: list[Any] = []
    for run in range(n_runs):
        logits = rng.normal(size=(len(labels), len(counts))) + (1 + rng.random()) * np.eye(len(counts))[labels]
        logits = logits.round(2)
        for k, hole in enumerate((np.nan, np.inf, -np.inf)):
            rows = rng.permutation(len(labels))[:3]
            logits[rows, (labels[rows] if k else rng.integers(len(counts), size=3))] = hole
        logits[np.argmax(labels == 0)] = [0.5] * len(counts)  # a tie of all
        last = np.argmax(labels == len(counts) - 1)
        logits[last] = [1.0 if k in (0, len(counts) - 1) else -1.0 for k in range(len(counts))]
        logits[np.argmax(labels == 1), :2] = [np.nan, 3.0]  # 3 would be the largest
        answers.append(None if run in dead else logits)
    return answers, labels


def judge_score(student: Student) -> None:
    """Logits with every kind of hole, worked out by hand and drawn."""
    nan, inf = np.nan, np.inf
    labels = np.array([0, 0, 0, 1])
    two = [np.array([[2.0, 1.0], [1.0, 1.0], [nan, 0.0], [0.0, 3.0]]), None]
    infinite = [np.array([[inf, 0.0], [5.0, -inf], [4.0, 1.0], [0.0, 1.0]])]
    always_0 = [np.array([[1.0, 0.0]] * 4), np.array([[1.0, 0.0]] * 3 + [[0.0, 1.0]])]
    compare(
        student,
        returns="score",
        by_hand=[((two, labels), 1 / 3), ((infinite, labels), 2 / 3), ((always_0, labels), 0.75)],
        not_finite="A NaN of the logits, or a mean of nothing, comes through: a broken row is wrong, None counts 0.",
        others=[
            _runs(1, (20, 9, 5), 4, (1,)),
            _runs(2, (7, 30), 3, ()),
            _runs(3, (6, 8, 11, 25), 5, (0, 3)),
        ],
        right=_with(),
        mistakes={
            "this is plain argmax and the share of hits, with all the holes open: NaN and ties are answered with "
            "class 0, and the commonest class counts most.": _with(hits=_argmax, share=lambda h, _: np.mean(h)),
            "argmax alone decides: where a row is NaN it gives the NaN's place, and of equal logits the first, so a "
            "broken network knows every image of class 0. Both are wrong answers.": _with(hits=_argmax),
            "every image counts the same, so who always answers with the commonest class looks good. Take the share "
            "of each class, and the mean over classes.": _with(share=lambda h, _: np.mean(h)),
            "ties count for the first of the equal logits. A network that says the same of all classes has said "
            "nothing.": _with(hits=_ties_to_the_first),
            "a tie counts as right if the label is among the equal logits. It must be the *single* largest.": _with(
                hits=_any_tie
            ),
            "NaN is caught, infinity isn't: np.isfinite is False for both.": _with(hits=_no_inf),
            "-inf comes through: a row with it is broken, though its largest logit is a number. np.isfinite is False "
            "for NaN, inf and -inf, and a row must be finite as a whole.": _with(hits=_letting(np.isneginf)),
            "inf comes through, as if it were a large number: np.isfinite is False for NaN, inf and -inf.": _with(
                hits=_letting(np.isposinf)
            ),
            "NaN and infinity are turned into ordinary numbers, so a row that broke is still answered. It is wrong.": (
                _with(hits=_cleaned(None))
            ),
            "NaN and infinity become 0, so a row that broke is still answered. It is wrong.": _with(hits=_cleaned(0.0)),
            "NaN and infinity become -inf, so the rest of a row that broke is still answered. It is wrong.": _with(
                hits=_cleaned(-np.inf)
            ),
            "rows with NaN or infinity are left out. Then a rule that breaks on hard images is judged on the easy "
            "ones: a broken row is a wrong answer.": _with(run=_rows_dropped),
            "a run with one broken row counts nothing. Only that row is wrong.": _with(run=_all_or_nothing),
            "runs that died are left out. Then a rule that dies of every hard start is judged on the easy ones: None "
            "counts 0.": _with(dead=None, over=lambda worth: np.mean(worth) if worth else 0.0),
            "one training that died makes the whole score 0. It counts 0 itself; the others count what they are "
            "worth.": lambda a, y: 0.0 if any(logits is None for logits in a) else _with()(a, y),
            "only the classes 0 and 1 count: go through all that occur, np.unique(labels).": _with(
                share=lambda h, y: np.mean([np.mean(h[y == k]) for k in (0, 1)])
            ),
            "you divide by the number of images: divide by that of the trainings.": lambda a, y: (
                _with(over=np.sum)(a, y) / len(y)
            ),
            "class 0 is left out: every class counts.": _with(
                share=lambda h, y: np.mean([np.mean(h[y == k]) for k in np.unique(y)[1:]])
            ),
            "the last class is left out: every class counts.": _with(
                share=lambda h, y: np.mean([np.mean(h[y == k]) for k in np.unique(y)[:-1]])
            ),
            "the first training counts 0, whatever its logits are: is it left out?": lambda a, y: _with()(
                [None, *a[1:]], y
            ),
            "the last training counts 0, whatever its logits are: is it left out?": lambda a, y: _with()(
                [*a[:-1], None], y
            ),
            "the first image is never right, whatever its logits are: is it left out?": _with(
                hits=lambda logits, y: _hits(logits, y) & (np.arange(len(y)) > 0)
            ),
            "the last image is never right, whatever its logits are: is it left out?": _with(
                hits=lambda logits, y: _hits(logits, y) & (np.arange(len(y)) < len(y) - 1)
            ),
            "an image of a common class counts *more*. It should count less: each class has the same weight.": _with(
                share=lambda h, y: np.average(h, weights=np.bincount(y)[y])
            ),
            "a training that died counts twice.": lambda a, y: _with()([*a, *(one for one in a if one is None)], y),
            "a training that lived counts twice.": lambda a, y: _with()(
                [*a, *(one for one in a if one is not None)], y
            ),
            "you multiply by the number of trainings: divide by it.": lambda a, y: _with()(a, y) * len(a) ** 2,
            "score is 0 whatever the logits are: is no image ever counted as right, or is 0 returned before one is "
            "looked at?": _with(hits=lambda logits, y: np.zeros(len(y))),
            "every image that isn't broken is right: compare the argmax with the labels.": _with(
                hits=lambda logits, y: _alone(logits)
            ),
            "what is wrong is counted as right, and the other way round.": _with(hits=lambda *a: ~_hits(*a)),
            "the *smallest* logit decides; it is the largest.": _with(hits=lambda logits, y: _hits(-logits, y)),
            "a run that died counts as guessing, 0.5. It counts 0.": _with(dead=0.5),
            "a run that died counts as 1. It counts 0.": _with(dead=1.0),
            "the best run counts alone, so luck is selected: take the mean over the runs.": _with(over=np.max),
            "the worst run counts alone; asked for is the mean over the runs.": _with(over=np.min),
            "you take the median of the runs; asked for is their mean.": _with(over=np.median),
            "you add up the runs: divide by their number, those that died among them.": _with(over=np.sum),
            "you return the share of wrong answers; more should be better.": lambda a, y: 1 - _with()(a, y),
            "you return per cent; asked for is a share from 0 to 1.": lambda a, y: 100 * _with()(a, y),
            "you add up the shares of the classes: take their mean.": _with(
                share=lambda h, y: _balanced(h, y) * len(np.unique(y))
            ),
            "the hits of a class are divided by all images: divide by the images of this class.": _with(
                share=_precision
            ),
            "the worst class counts alone; asked for is the mean over classes.": _with(
                share=lambda h, y: min(np.mean(h[y == k]) for k in np.unique(y))
            ),
            "you return one score a run: take the mean over the runs.": _with(over=np.array),
            "the first run counts alone: take the mean over the runs.": _with(over=lambda worth: worth[0]),
            "the last run counts alone: take the mean over the runs. Is the score overwritten in the loop?": _with(
                over=lambda worth: worth[-1]
            ),
            "a broken row counts as a guess. It is a wrong answer: guessing is what a rule should do better than.": (
                _with(hits=_guessed)
            ),
        },
    )
