"""The checks of lab 17, "The analogy audit": Price's two terms, a fair test of robustness, a citation set right."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Part, Student, compare_each, hidden
from coursekit.labs.lab17_citing import judge_citing
from coursekit.labs.lab17_harness import judge_harness

LAB = Lab(17, "The analogy audit", time_limit=20, varies={"17.1": Constant(), "17.2": Constant()})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]


# 17.1 Price's two terms


def _fitness(parents: Array, whose: Any) -> Array:
    """How many children each parent has, by its shares in them."""
    table = np.zeros(len(parents))
    np.add.at(table, np.asarray(whose), 1 / whose.shape[1])
    return table


def _once(whose: Any) -> Array:
    """Which parents stand in which child's row, (m, n), however often."""
    n = int(np.max(whose)) + 1
    return np.array([np.isin(np.arange(n), row) for row in whose], dtype=float)


def _covariance(parents: Array, fitness: Array) -> float:
    return float(np.mean((fitness - fitness.mean()) * (parents - parents.mean())))


def _selection(parents: Array, children: Array, whose: Any) -> float:
    fitness = _fitness(parents, whose)
    return _covariance(parents, fitness) / float(fitness.mean())


def _of_shares(parents: Array, shares: Array) -> float:
    """Selection by a table of shares in children, (children, parents) or its sums; parents behind its end have none."""
    fitness = np.zeros(len(parents))
    fitness[: shares.shape[1]] = shares.sum(axis=0)
    return _covariance(parents, fitness) / float(fitness.mean())


def _change(parents: Array, children: Array, whose: Any) -> float:
    return float(np.mean(children) - np.mean(parents))


def _steps(parents: Array, children: Array, whose: Any) -> Array:
    """How far each child is from the mean of its parents."""
    return np.asarray(children) - parents[whose].mean(axis=1)


def _transmission(parents: Array, children: Array, whose: Any) -> float:
    return float(_steps(parents, children, whose).mean())


def _bred(parents: Array, children: Array, whose: Any) -> Array:
    return parents[np.unique(whose)]


def _of_breeders(parents: Array, children: Array, whose: Any) -> float:
    """Selection among those alone who have a child."""
    fitness, bred = _fitness(parents, whose), np.unique(whose)
    return _covariance(parents[bred], fitness[bred]) / float(fitness[bred].mean())


def _each_parent_once(parents: Array, children: Array, whose: Any) -> float:
    """The mean step of a parent's children, averaged over parents however many children they have."""
    steps, shares = _steps(parents, children, whose), np.zeros((len(children), len(parents)))
    for column in np.asarray(whose).T:
        shares[np.arange(len(children)), column] += 1
    shares = shares[:, shares.any(axis=0)]
    return float(np.mean(steps @ shares / shares.sum(axis=0)))


_SELECTION: dict[str, Callable[[Array, Array, Any], Any]] = {
    "selection is the whole change of the mean. Selection looks at the parents alone: do those with more children "
    "have more of the trait?": _change,
    "selection, which you return first, is what transmission should be. Return selection, transmission: are the two "
    "swapped, or is one there twice?": _transmission,
    "selection is divided by n - 1 (np.cov does that unless you say ddof=0). These parents are the whole population, "
    "no sample of one: divide by n.": lambda z, c, w: _selection(z, c, w) * len(z) / (len(z) - 1),
    "selection isn't divided by the mean fitness: without it, twice as many children for everybody would be twice "
    "the selection.": lambda z, c, w: _covariance(z, _fitness(z, w)),
    "selection is divided by the mean fitness twice.": lambda z, c, w: _selection(z, c, w) / _fitness(z, w).mean(),
    "selection leaves out the parents without children. Theirs is the strongest selection of all: their fitness is "
    "0, and counts.": _of_breeders,
    "selection compares the mean of all who have children with the mean of all. Somebody with three children counts "
    "three times.": lambda z, c, w: _bred(z, c, w).mean() - z.mean(),
    "selection counts only the first parent of each child. All k have a share of 1 / k.": (
        lambda z, c, w: _selection(z, c, w[:, :1])
    ),
    "selection counts only the last parent of each child. All k have a share of 1 / k.": (
        lambda z, c, w: _selection(z, c, w[:, -1:])
    ),
    "a parent who stands twice in a child's row counts once in its fitness. Its share in this child is twice as "
    "large, 2 / k.": lambda z, c, w: _of_shares(z, _once(w) / w.shape[1]),
    "a parent who stands twice in a child's row counts once, and the shares in this child are dealt out anew. Each "
    "of the k places has a share of 1 / k.": lambda z, c, w: _of_shares(
        z, _once(w) / _once(w).sum(axis=1, keepdims=True)
    ),
    "fitness loses what stands behind the point. A share may be a half: is it divided by //, or put into an array of "
    "whole numbers?": (lambda z, c, w: _of_shares(z, (_fitness(z, w) + 1e-9)[None] // 1)),
    "selection takes the larger trait of a child's parents; each has the same share, so take their mean.": (
        lambda z, c, w: z[w].max(axis=1).mean() - z.mean()
    ),
    "selection is the mean trait of the children's parents. It is the *change*: the mean of all parents goes off.": (
        lambda z, c, w: z[w].mean()
    ),
    "selection has the wrong sign: above 0 where those with more of the trait have more children.": (
        lambda z, c, w: -_selection(z, c, w)
    ),
    "selection is a correlation, between -1 and 1. Asked for is a covariance, in the unit of the trait: don't divide "
    "by the standard deviations.": lambda z, c, w: _covariance(z, _fitness(z, w)) / (z.std() * _fitness(z, w).std()),
    "selection is the mean of fitness x trait. For a covariance the product of the two means goes off, and then comes "
    "the division by the mean fitness.": lambda z, c, w: np.mean(_fitness(z, w) * z),
    "selection looks at the children's traits. It is told by the parents' alone: what children are like is "
    "transmission.": lambda z, c, w: np.mean([c[(w == i).any(axis=1)].sum() for i in range(len(z))]) - z.mean(),
    "selection is the mean trait of all parents. Which of them had the children?": lambda z, c, w: z.mean(),
    "selection is 0 less the mean trait of all parents: those who had the children are missing.": (
        lambda z, c, w: -z.mean()
    ),
    "selection is a *sum*, of the mean of the children's parents and that of all parents: the second goes off, or, "
    "in a covariance, the product of the two means.": (lambda z, c, w: z[w].mean() + z.mean()),
    "selection takes the sum of a child's parents; take their mean: each has a share of 1 / k.": (
        lambda z, c, w: z[w].sum(axis=1).mean() - z.mean()
    ),
    "selection takes a sum over the children; divide by their number.": (
        lambda z, c, w: z[w].mean(axis=1).sum() - z.mean()
    ),
    "selection leaves out the first child.": lambda z, c, w: z[w].mean(axis=1)[1:].sum() / len(c) - z.mean(),
    "selection leaves out the last child.": lambda z, c, w: z[w].mean(axis=1)[:-1].sum() / len(c) - z.mean(),
    "selection looks at the first child only. Is there a `break`, or a `return` inside the loop?": (
        lambda z, c, w: z[w[0]].mean() / len(c) - z.mean()
    ),
    "selection is the mean fitness. Which parents had the children?": lambda z, c, w: len(c) / len(z),
    "selection is a variance of the trait. A covariance takes the fitness, too: np.cov(fitness, trait, "
    "ddof=0)[0, 1].": (lambda z, c, w: z.var() / _fitness(z, w).mean()),
    "selection is a variance of fitness. A covariance takes the trait, too: np.cov(fitness, trait, ddof=0)[0, 1].": (
        lambda z, c, w: _fitness(z, w).var() / _fitness(z, w).mean()
    ),
    "selection is multiplied by the mean fitness; divide by it.": lambda z, c, w: (
        _covariance(z, _fitness(z, w)) * _fitness(z, w).mean()
    ),
}

_TRANSMISSION: dict[str, Callable[[Array, Array, Any], Any]] = {
    "transmission is the whole change of the mean. Take from each child what its own parents have, not what all "
    "parents have.": _change,
    "transmission has the wrong sign: above 0 where children have more of the trait than their parents.": (
        lambda z, c, w: -_transmission(z, c, w)
    ),
    "transmission lets every parent count once. A parent of three children counts three times: take the mean over "
    "the children.": _each_parent_once,
    "transmission is a sum: divide it by the number of children.": lambda z, c, w: _steps(z, c, w).sum(),
    "transmission is divided by the number of *parents*: take the mean over the children.": (
        lambda z, c, w: _steps(z, c, w).sum() / len(z)
    ),
    "transmission compares each child with its first parent alone: take the mean of its k parents.": (
        lambda z, c, w: np.mean(c - z[w[:, 0]])
    ),
    "transmission compares each child with its last parent alone: take the mean of its k parents.": (
        lambda z, c, w: np.mean(c - z[w[:, -1]])
    ),
    "transmission compares each child with the *sum* of its parents; take their mean.": (
        lambda z, c, w: np.mean(c - z[w].sum(axis=1))
    ),
    "transmission counts a parent who stands twice in a child's row once: take the mean of all k places.": (
        lambda z, c, w: np.mean(c - _once(w) @ z[: _once(w).shape[1]] / _once(w).sum(axis=1))
    ),
    "transmission compares each child with the largest of its parents; take the mean of its k parents.": (
        lambda z, c, w: np.mean(c - z[w].max(axis=1))
    ),
    "transmission is the mean trait of the children: what their own parents have goes off.": (
        lambda z, c, w: np.mean(c)
    ),
    "transmission is a mean of sizes, so steps up and steps down don't cancel. Leave the signs.": (
        lambda z, c, w: np.abs(_steps(z, c, w)).mean()
    ),
    "transmission is a median; it is the mean over the children.": lambda z, c, w: np.median(_steps(z, c, w)),
    "transmission compares the children with the mean of those who have any; take for each child its own parents.": (
        lambda z, c, w: np.mean(c) - _bred(z, c, w).mean()
    ),
    "transmission *adds* a child and its parents' mean: take the difference.": (
        lambda z, c, w: np.mean(c + z[w].mean(axis=1))
    ),
    "transmission is the mean of the children's own parents: how far are the children from it?": (
        lambda z, c, w: z[w].mean()
    ),
    "transmission is the mean trait of all parents: how far is each child from its own?": lambda z, c, w: z.mean(),
    "transmission is the whole change, turned round. Take from each child what its own parents have.": (
        lambda z, c, w: -_change(z, c, w)
    ),
    "selection is added to the change; it goes off, and what is left is transmission.": (
        lambda z, c, w: _change(z, c, w) + _selection(z, c, w)
    ),
    "transmission is selection once more.": _selection,
    "transmission is multiplied by the number of children; divide by it.": (
        lambda z, c, w: _steps(z, c, w).sum() * len(c)
    ),
    "transmission leaves out the first child.": lambda z, c, w: _steps(z, c, w)[1:].sum() / len(c),
    "transmission leaves out the last child.": lambda z, c, w: _steps(z, c, w)[:-1].sum() / len(c),
    "transmission looks at the first child only. Is there a `break`, or a `return` inside the loop?": (
        lambda z, c, w: _steps(z, c, w)[0] / len(c)
    ),
}


def _family(seed: int, n: int, n_children: int, k: int) -> tuple[Array, Array, NDArray[np.int64]]:
    """Parents of whom some have many children and some none, and children a little worse than theirs."""
    rng = np.random.default_rng(hidden(seed))
    parents = rng.gamma(2.0, 3.0, n).round(2)
    chances = rng.dirichlet(0.1 + parents[:-1])  # the last one has no children
    whose = rng.choice(n - 1, size=(n_children, k), p=chances)
    children = parents[whose].mean(axis=1) + rng.normal(-0.4, 1.0, n_children)
    return parents, children.round(2), whose


def _lengths(parents: Any, children: Any, whose: Any) -> str:
    return (
        f"one line puts together what isn't equally long. Here are {len(parents)} parents and {len(children)} children "
        f"of {whose.shape[1]} parents each: which of these lengths meet there? A table of fitness has a place for "
        "every parent (minlength); the mean of `parents[whose]` along its rows is one number for every child."
    )


@LAB.exercise(
    "17.1",
    "price_terms(parents, children, whose)",
    title="Price's two terms",
    points=5,
    on_error={
        (
            ValueError,
            "too deep|at most 1-d|not 1-d|1-dimensional",
        ): "what stops here takes one long row, and is given a "
        "table ({error}). np.bincount, for one, counts in one long row: whose.ravel(), and weights that are as long.",
        (ValueError, "broadcast together|must match exactly"): _lengths,
    },
)
def _(student: Student) -> None:
    example = (np.array([1.0, 2.0, 6.0]), np.array([6.5, 5.0, 2.0, 6.0]), np.array([[2], [2], [1], [2]]))
    sexual = (np.array([0.0, 10.0]), np.array([4.0, 9.0, 3.0]), np.array([[0, 1], [1, 1], [0, 1]]))
    compare_each(
        student,
        {"selection": Part(_selection, _SELECTION), "transmission": Part(_transmission, _TRANSMISSION)},
        by_hand=[(example, (2.0, -0.125)), (sexual, (5 / 3, -4 / 3))],
        others=[_family(1, 12, 30, 2), _family(2, 9, 5, 1), _family(3, 20, 20, 3), _family(4, 40, 25, 2)],
        linked=("whose",),  # it has a row for each child
    )


# 17.2 A fair test of robustness

LAB.exercise(
    "17.2",
    "robustness(groups, n_units, n_lost, n_draws, accuracy, rng)",
    title="A fair test of robustness",
    points=5,
)(judge_harness)


# 17.3 Who really wrote it

LAB.exercise("17.3", "bibtex(record)", title="Who really wrote it", points=4)(judge_citing)


LAB.free_text(
    "17.4",
    title="Defend it or retire it",
    points=6,
    rubric={
        6: "Says in the terms of both fields which two processes are set side by side; names something measurable that "
        "the analogy predicts and a rival doesn't; decides it by a number with its uncertainty, from the lab's "
        "figures, the chapter, or what its table links to; says where it breaks; and ends with a verdict (holds, "
        "partly, breaks) and a result that would turn it.",
        4: "One of these is missing or vague.",
        2: "Two or three of these, or all in words without a number.",
        1: "A likeness or a difference is named, and nothing follows from it.",
        0: "The analogy is told again.",
    },
)
