"""What lab 16 says of the rules that live on, if they aren't the best: what all choices of parents have in common."""

from collections.abc import Callable
from itertools import pairwise

from coursekit.feedback import TryAgain, refuse
from coursekit.labs.lab16_world import Account, Rule, World, mean

__all__ = ["blame_choice", "mean_of_all"]


def _flat(rows: list[list[float]]) -> list[float]:
    return [value for row in rows for value in row]


_KEYS: dict[str, Callable[[list[list[float]]], float]] = {
    "the parents are those with the best scores of the last generation alone, so one lucky training is enough. A "
    "rule's score is the mean of all its trainings, those of earlier generations too.": lambda rows: mean(rows[-1]),
    "the parents are those with the best single training. A rule's score is the mean of all its trainings.": (
        lambda rows: max(_flat(rows))
    ),
    "the parents are those with the largest *sum* of trainings, so age counts as quality: take the mean.": (
        lambda rows: sum(_flat(rows))
    ),
    "the parents keep the score of their first generation; a lucky one would live for ever. Take the mean of all "
    "trainings.": lambda rows: mean(rows[0]),
    "the parents are the *worst* of the population, and those with the largest mean should live on. Is the order "
    "turned round, or is a sign wrong, in the order or where scores are added up?": lambda rows: -mean(_flat(rows)),
    "the parents are chosen by the first task alone: a score is the mean over the tasks.": (
        lambda rows: mean([row[0] for row in rows])
    ),
    "the parents are chosen by the last task alone: a score is the mean over the tasks.": (
        lambda rows: mean([row[-1] for row in rows])
    ),
    "the parents are chosen by their worst training: a score is the mean of all.": lambda rows: min(_flat(rows)),
    "the parents are chosen by their very last training, one task with one seed: is a score overwritten where another "
    "should be added? It is the mean of all.": lambda rows: rows[-1][-1],
}


def mean_of_all(rows: list[list[float]]) -> float:
    """A rule's score, from its trainings in each generation."""
    return mean(_flat(rows))


def _are_best(account: Account, old: list[Rule], new: list[Rule], decimals: int) -> bool:
    """Whether nobody who is dropped has a larger mean, if it is rounded, than anybody who lives on."""
    score = {rule: round(mean_of_all(account.scores[rule]), decimals) for rule in old}
    return min(score[rule] for rule in old if rule in new) >= max(score[rule] for rule in old if rule not in new)


def blame_choice(world: World, populations: list[list[Rule]], n_parents: int) -> None:
    """TryAgain with what all choices of parents have in common."""
    # Rounded means have ties, whose order isn't known: those who live on are among the best then.
    rounded = "".join(
        f" (Or do you round it to {n} decimals? They would be among the best then, too.)"
        for n in (2, 3)
        if all(_are_best(Account(world, g), old, new, n) for g, (old, new) in enumerate(pairwise(populations)))
    )
    for hint, key in _KEYS.items():
        if all(
            set(new) & set(old) == Account(world, g).ranked(old, key, n_parents)
            for g, (old, new) in enumerate(pairwise(populations))
        ):
            raise TryAgain(hint + rounded)
    for place, part in (("first", slice(n_parents)), ("last", slice(-n_parents, None))):
        refuse(
            all(set(new) & set(old) == set(old[part]) for old, new in pairwise(populations)),
            f"the rules that live on are the {place} {n_parents} that are trained in a generation, whatever their "
            "scores: does the ranking by score reach your choice?",
        )
    for g, (old, new) in enumerate(pairwise(populations)):
        account = Account(world, g)
        score = {rule: round(mean_of_all(account.scores[rule]), 3) for rule in old}
        lived, due = sorted((score[rule] for rule in old if rule in new), reverse=True), sorted(score.values())[::-1]
        refuse(
            set(new) & set(old) != account.ranked(old, mean_of_all, n_parents),
            f"the rules that live on aren't those with the best scores: after generation {g} they have {lived[:4]}, "
            f"and the best have {due[: min(n_parents, 4)]}. A rule's score is the mean of all its trainings: over the "
            "tasks, and over the generations it has lived in.",
        )
