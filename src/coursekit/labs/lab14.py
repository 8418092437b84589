"""The checks of lab 14, "672 ways to build a network": odds, a mended bug, a replay study, a winner scored again."""

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Pattern, Student, compare, hidden
from coursekit.labs.lab14_mending import judge_generations

LAB = Lab(
    14,
    "672 ways to build a network",
    time_limit=30,
    varies={"14.1": Constant(returned={"chance": 0}), "14.3": Constant(), "14.4": Constant()},
)
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]


# 14.1 What guessing finds


def _chance(n_designs: int, n_top: int, n_draws: int) -> float:
    return 1 - comb(n_designs - n_top, n_draws) / comb(n_designs, n_draws)


def _rank(n_designs: int, n_draws: int) -> float:
    return (n_designs + 1) / (n_draws + 1)


def _exactly_one(n: int, top: int, draws: int) -> float:
    return top * comb(n - top, draws - 1) / comb(n, draws)


def _odds(chance: Callable[[int, int, int], float], rank: Callable[[int, int], float]) -> Callable[..., Any]:
    return lambda n, top, draws: (chance(n, top, draws), rank(n, draws))


@LAB.exercise("14.1", "random_search_odds(n_designs, n_top, n_draws)", title="What guessing finds", points=4)
def _(student: Student) -> None:
    compare(
        student,
        returns=("chance", "rank"),
        by_hand=[((10, 2, 3), (1 - 56 / 120, 2.75)), ((5, 1, 5), (1.0, 1.0)), ((6, 5, 3), (1.0, 1.75))],
        others=[(672, 10, 117), (672, 1, 128), (50, 7, 1), (40, 4, 12)],
        right=_odds(_chance, _rank),
        mistakes={
            "you draw with replacement: 1 - (1 - n_top / n_designs) ** n_draws lets a design be drawn twice. Each draw "
            "leaves one design less: count the hands without a top design, comb(n_designs - n_top, n_draws), among all "
            "hands.": _odds(lambda n, top, draws: 1 - (1 - top / n) ** draws, _rank),
            "chance is 1 minus the *number* of hands without a top design: divide that number by the one of all hands, "
            "comb(n_designs, n_draws).": _odds(lambda n, top, draws: 1 - comb(n - top, draws), _rank),
            "chance is that of missing all the top designs. You want at least one: 1 minus it.": _odds(
                lambda *args: 1 - _chance(*args), _rank
            ),
            "chance is the *expected number* of top designs in the hand, n_draws * n_top / n_designs. It can be above "
            "1; a chance can't.": _odds(lambda n, top, draws: draws * top / n, _rank),
            "chance is n_draws * n_top / n_designs, cut off at 1. The chances of the draws don't add up: a hand with "
            "two top designs would count twice. Count the hands that miss.": _odds(
                lambda n, top, draws: min(1.0, draws * top / n), _rank
            ),
            "chance is that *all* that you draw are top designs. You want at least one.": _odds(
                lambda n, top, draws: comb(top, draws) / comb(n, draws), _rank
            ),
            "chance is that of exactly one top design. At least one may be two, or more.": _odds(_exactly_one, _rank),
            "chance is in per cent: leave it between 0 and 1.": _odds(lambda *args: 100 * _chance(*args), _rank),
            "rank is n_designs / n_draws. Of n numbered places, n_draws cut the row into n_draws + 1 gaps of equal "
            "mean length, and the best one stands at the end of the first gap.": _odds(_chance, lambda n, d: n / d),
            "rank is one too small: it counts the designs that stand before the best one drawn, and the best design of "
            "all has rank 1.": _odds(_chance, lambda n, d: _rank(n, d) - 1),
            "rank is rounded down to a whole number: a mean may lie between two ranks. Divide with /, not with //, and "
            "leave out int().": _odds(_chance, lambda n, d: (n + 1) // (d + 1)),
            "rank is n_designs / (n_draws + 1). With one draw the mean rank of 1, 2, 3 is 2, not 1.5.": _odds(
                _chance, lambda n, d: n / (d + 1)
            ),
            "the two answers are swapped: return chance, rank.": lambda n, top, d: (_rank(n, d), _chance(n, top, d)),
        },
    )


# 14.2 Mend the bug

LAB.exercise("14.2", "next_generation(population, choices, rng)", title="Mend the bug", points=5)(judge_generations)


# 14.3 A replay study


def _curves(
    asked: Any,
    validation: Any,
    test: Any,
    budget: int,
    *,
    free: bool = True,
    chosen_by: str = "validation",
    judged_by: str = "test",
    stay: bool = True,
    goal: str = "all",
    in_order: bool = True,
    all_but_last: bool = False,
    ahead: int = 0,
    fill: float | None = None,
) -> Array:
    choose, judge = ({"validation": validation, "test": test}[name] for name in (chosen_by, judged_by))
    rows = []
    for run in np.asarray(asked).tolist():
        trained: list[int] = list(dict.fromkeys(run)) if free else list(run)
        trained = trained if in_order else sorted(trained)
        trained = trained[: max(1, len(trained) - all_but_last)]
        line = []
        for k in range(1, budget + 1):
            seen = trained[: max(1, k + ahead)]
            champion = max(seen, key=lambda i: choose[i]) if stay else seen[-1]
            top = judge.max() if goal == "all" else max(judge[i] for i in trained)
            empty = fill is not None and k > len(trained)
            line.append(fill if empty else top - judge[champion])
        rows.append(line)
    return np.array(rows)


def _without(number: int) -> Callable[..., bool]:
    """Whether a design is never the champion; what is one while no other is trained is left open."""

    def fits(got: Array, right: Array, asked: Any, validation: Array, test: Array, budget: int) -> bool:
        never = validation.copy()
        never[number] = -np.inf
        runs = [list(dict.fromkeys(run)) for run in np.asarray(asked).tolist()]
        alone = np.array([[run[:k] == [number % len(test)] for k in range(1, budget + 1)] for run in runs])
        return bool((alone | np.isclose(got, _curves(asked, never, test, budget))).all())

    return fits


def _study(seed: int, n_designs: int, n_runs: int, n_steps: int, budget: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(hidden(seed))
    validation = rng.permutation(np.linspace(0.2, 0.6, n_designs))
    test = validation + rng.normal(0, 0.05, n_designs)
    asked = rng.integers(n_designs, size=(n_runs, n_steps))
    return asked, validation, test, budget


@LAB.exercise("14.3", "regret_curves(asked, validation, test, budget)", title="A replay study", points=5)
def _(student: Student) -> None:
    example = (
        np.array([[0, 0, 1, 2]]),
        np.array([0.50, 0.70, 0.60, 0.40]),
        np.array([0.55, 0.60, 0.65, 0.30]),
        3,
    )
    few = (np.array([[1, 1, 1], [3, 0, 3]]), np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.2, 0.1, 0.5, 0.4]), 3)
    mistakes: dict[str, Callable[..., Any] | Pattern] = {
        "the design with the highest number is never the champion, unless it is the only one: does a slice or a range "
        "over the designs end before it?": Pattern(_without(-1)),
        "design number 0 is never the champion, unless it is the only one: does a slice or a range over the designs "
        "leave it out?": Pattern(_without(0)),
        "a design that is asked for again is counted as a new training. There is a cache: it costs nothing, so it "
        "takes no place on the axis of trainings.": lambda *a: _curves(*a, free=False),
        "regret is measured on the score that was used to choose, so luck counts as quality. Choose on validation, and "
        "measure on test.": lambda *a: _curves(*a, judged_by="validation"),
        "the champion is chosen on test, so your searches know what they can't know. Choose on validation; test only "
        "measures.": lambda *a: _curves(*a, chosen_by="test"),
        "choosing and measuring are swapped: the champion has the highest validation score, its regret is on test.": (
            lambda *a: _curves(*a, chosen_by="test", judged_by="validation")
        ),
        "the champion is the design that was trained last. It is the best on validation of all trained so far.": (
            lambda *a: _curves(*a, stay=False)
        ),
        "regret is measured against the best design of the run. A search that never sees a good design would have no "
        "regret: take the best of the whole table, test.max().": lambda *a: _curves(*a, goal="run"),
        "regret is measured against the design that validation likes best. What is missing is counted from the truly "
        "best one: test.max().": (
            lambda asked, validation, test, budget: (
                _curves(asked, validation, test, budget) - test.max() + test[validation.argmax()]
            )
        ),
        "you return the accuracy of the champion. Regret is what is missing to the best: test.max() minus it.": (
            lambda asked, validation, test, budget: test.max() - _curves(asked, validation, test, budget)
        ),
        "the sign is wrong: regret is test.max() minus the champion's, never below zero.": lambda *a: -_curves(*a),
        "the designs of a run are trained in the order of their numbers, not in that in which it asked (set() and "
        "np.unique sort). list(dict.fromkeys(run)) leaves out repeats and keeps the order.": lambda *a: _curves(
            *a, in_order=False
        ),
        "your champion knows one training too many: after k trainings only the first k different designs are known.": (
            lambda *a: _curves(*a, ahead=1)
        ),
        "your champion knows one training too few: the design that was trained last counts, too.": (
            lambda *a: _curves(*a, ahead=-1)
        ),
        "the last of a run's different designs is never its champion: does a slice or a range end before it?": (
            lambda *a: _curves(*a, all_but_last=True)
        ),
        "your champion knows one training too few, and the last of a run's different designs never counts: does a "
        "slice or a range end before it?": lambda *a: _curves(*a, ahead=-1, all_but_last=True),
        "the last design that a run asks for is never trained: does a slice or a range end before it?": (
            lambda asked, *a: _curves(asked[:, :-1], *a)
        ),
        "the first design that a run asks for is never trained: does a slice or a range leave it out?": (
            lambda asked, *a: _curves(asked[:, 1:], *a)
        ),
        "regret is measured against the best of all designs but the one with the highest number. Take them all, "
        "test.max().": lambda asked, validation, test, budget: (
            _curves(asked, validation, test, budget) - test.max() + test[:-1].max()
        ),
        "regret is measured against the best of all designs but number 0. Take them all, test.max().": (
            lambda asked, validation, test, budget: (
                _curves(asked, validation, test, budget) - test.max() + test[1:].max()
            )
        ),
        "a run that has fewer different designs than `budget` has a regret of 0 in the last columns. It keeps its last "
        "champion to the end.": lambda *a: _curves(*a, fill=0.0),
        "the champion's *validation* score is taken from test.max(). Choose on validation, and measure on test.": (
            lambda *a: a[2].max() - a[1].max() + _curves(*a, judged_by="validation")
        ),
        "your champion is the worst on validation: take the highest score.": (
            lambda asked, validation, test, budget: _curves(asked, -validation, test, budget)
        ),
        "you average over the runs: return a row for each run, (n_runs, budget).": lambda *a: _curves(*a).mean(axis=0),
        "your regret only falls: you keep the smallest regret so far. A search doesn't know its regret, and may well "
        "leave a good design for one that validation likes better.": (
            lambda *a: np.minimum.accumulate(_curves(*a), axis=1)
        ),
    }
    compare(
        student,
        returns="regret",
        by_hand=[
            (example, [[0.10, 0.05, 0.05]]),
            (few, [[0.4, 0.4, 0.4], [0.1, 0.1, 0.1]]),
            ((np.array([[0, 1], [1, 3]]), *few[1:3], 2), [[0.3, 0.4], [0.4, 0.1]]),  # the last design counts
            ((np.array([[0, 3, 0]]), *few[1:3], 3), [[0.3, 0.1, 0.1]]),  # it isn't always what is asked for last
            # The best on test is the last one of all, and then the first.
            ((np.array([[0, 1], [1, 3]]), few[1], np.array([0.2, 0.1, 0.4, 0.5]), 2), [[0.3, 0.4], [0.4, 0.0]]),
            ((np.array([[1, 0], [2, 3]]), few[1][::-1], np.array([0.5, 0.1, 0.4, 0.2]), 2), [[0.4, 0.0], [0.1, 0.1]]),
        ],
        others=[_study(1, 30, 4, 25, 10), _study(2, 12, 3, 40, 9), _study(3, 6, 2, 5, 6)],
        right=_curves,
        mistakes=mistakes,
        not_finite="A run that has fewer different designs than `budget` keeps its last champion to the end; no place "
        "stays empty.",
    )


# 14.4 Score the winner again


def _again(validation: Array, test: Array, seed: int) -> tuple[float, float]:
    winner = validation[:, seed].argmax()
    return validation[winner, seed], np.delete(test[winner], seed).mean()


def _winner(choose: Callable[..., Any], printed: Any = None, fresh: Any = None) -> Callable[..., Any]:
    """What a student returns who takes another winner, prints another score, or re-scores in another way."""

    def answer(validation: Array, test: Array, seed: int) -> tuple[Any, Any]:
        winner = choose(validation, test, seed)
        shown = validation[winner, seed] if printed is None else printed(validation, test, seed, winner)
        again = np.delete(test[winner], seed).mean() if fresh is None else fresh(validation, test, seed, winner)
        return shown, again

    return answer


def _scores(seed: int, n_designs: int, n_seeds: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(hidden(seed))
    true = rng.uniform(0.3, 0.5, (n_designs, 1))
    noisy: tuple[Array, Array] = tuple(true + rng.normal(0, 0.04, (n_designs, n_seeds)) for _ in range(2))  # type: ignore[assignment]
    return noisy


def _own(validation: Array, test: Array, seed: int) -> Any:
    return validation[:, seed].argmax()


@LAB.exercise("14.4", "rescore(validation, test, seed)", title="Score the winner again", points=2)
def _(student: Student) -> None:
    validation = np.array([[0.50, 0.44, 0.46], [0.52, 0.38, 0.42], [0.40, 0.56, 0.41]])
    test = np.array([[0.47, 0.45, 0.47], [0.50, 0.41, 0.39], [0.42, 0.44, 0.40]])
    compare(
        student,
        returns=("printed", "fresh"),
        by_hand=[  # each design wins once, the first and the last one too
            ((validation, test, 0), (0.52, 0.40)),
            ((validation, test, 1), (0.56, 0.41)),
            ((validation, test, 2), (0.46, 0.46)),
        ],
        others=[(*_scores(s, 40, 5), s % 5) for s in range(4)],
        right=_again,
        mistakes={
            "fresh averages over all seeds, the one that chose the winner among them. It has had its say: leave it "
            "out.": _winner(_own, fresh=lambda v, t, s, w: t[w].mean()),
            "fresh is the test score of the same seed: the same network, on other images. Half of the luck is still "
            "in it: take the other seeds.": _winner(_own, fresh=lambda v, t, s, w: t[w, s]),
            "the winner is the best over all seeds, but the search saw one seed only: the column `seed` of "
            "validation.": _winner(lambda v, t, s: v.max(axis=1).argmax()),
            "the winner has the best mean over the seeds, but the search saw one seed only: the column `seed` of "
            "validation.": _winner(lambda v, t, s: v.mean(axis=1).argmax()),
            "the winner is chosen on test. It is chosen on validation; test is for the second look.": _winner(
                lambda v, t, s: t[:, s].argmax()
            ),
            "fresh is measured on validation, whose images chose the winner: take test.": _winner(
                _own, fresh=lambda v, t, s, w: np.delete(v[w], s).mean()
            ),
            "fresh is the best of the other seeds. That is choosing again: take their mean.": _winner(
                _own, fresh=lambda v, t, s, w: np.delete(t[w], s).max()
            ),
            "fresh belongs to another design: for every seed you look for a new winner. Score the one winner again.": (
                _winner(_own, fresh=lambda v, t, s, w: np.delete(t.max(axis=0), s).mean())
            ),
            "fresh belongs to other designs: for every seed you take the winner of that seed. Score the one winner, of "
            "column `seed`, again.": _winner(
                _own, fresh=lambda v, t, s, w: np.delete(t[v.argmax(axis=0), np.arange(t.shape[1])], s).mean()
            ),
            "fresh is one other seed's score: take the mean of all the others.": _winner(
                _own, fresh=lambda v, t, s, w: t[w, (s + 1) % t.shape[1]]
            ),
            "fresh is how much the winner loses. Return its worth: its mean test accuracy over the other seeds.": (
                _winner(_own, fresh=lambda v, t, s, w: v[w, s] - np.delete(t[w], s).mean())
            ),
            "np.delete(test, seed) without an axis makes one long row of the table. Take the winner's row first: "
            "np.delete(test[winner], seed).": _winner(_own, fresh=lambda v, t, s, w: np.delete(t, s)[w].mean()),
            "printed is the number of the winner. Return its score in column `seed` of validation.": _winner(
                _own, printed=lambda v, t, s, w: w
            ),
            "the last design never wins: does your look for the best end one too early?": _winner(
                lambda v, t, s: v[:-1, s].argmax()
            ),
            "the first design never wins: does your look for the best begin one too late?": _winner(
                lambda v, t, s: v[1:, s].argmax() + 1
            ),
            "the winner is that of column 0, whatever `seed` says.": _winner(lambda v, t, s: v[:, 0].argmax()),
            "printed is the mean over the seeds. What gets printed is the one score that won.": _winner(
                _own, printed=lambda v, t, s, w: v[w].mean()
            ),
            "printed is a test score. What gets printed is the validation score that won.": _winner(
                _own, printed=lambda v, t, s, w: t[w, s]
            ),
            "the two answers are swapped: return printed, fresh.": lambda v, t, s: _again(v, t, s)[::-1],
        },
    )


LAB.free_text(
    "14.5",
    title="The conclusion, rewritten",
    points=4,
    rubric={
        4: "Says what was found, with numbers and their uncertainty (56.56 and 56.03 differ by less than one standard "
        "error); splits the factor of nine into fewer trainings (5.7, which any 117 trainings give) and the rest; "
        "compares with random search at equal cost, by a number of the student's own replays; names the test set's "
        "three roles or the winner's curse; and says what was not shown and what would show it.",
        2: "Two or three of these, with a number; or all of them in words alone.",
        0: "The old conclusion in other words, or blame without a number.",
    },
)
