"""A population that lab 14 has bred once, and what can be said of the next generation before anybody is counted."""

import copy
import random
from typing import Any

from coursekit.feedback import Student, TryAgain, hidden, refuse

__all__ = ["CHOICES", "Population", "next_of", "population_of"]

CHOICES = {name: list(range(10)) for name in ("layers", "neurons", "activation", "optimiser")}

Population = list[tuple[dict[str, int], float]]


def next_of(student: Student, population: Population, seed: int) -> tuple[Population, list[tuple[dict[str, int], Any]]]:
    """What was given, untouched, and what came back, looked over."""
    given, designs = copy.deepcopy(population), [design for design, _ in population]
    answer = student.in_place(population, CHOICES, random.Random(hidden(seed)))
    refuse(answer is None, "your function returned None: did you forget `return`?")
    right = isinstance(answer, list) and all(isinstance(one, tuple | list) and len(one) == 2 for one in answer)
    if not right:
        kind = f"a list that holds {_kind(answer)}" if isinstance(answer, list) else f"a {type(answer).__name__}"
        raise TryAgain(f"return a list of pairs (design, score), as `population` is one; yours is {kind}.")
    if len(answer) < len(given):
        _judge_too_few(given, answer)
    refuse(
        len(answer) != len(given),
        f"the next generation has {len(answer)} members, of {len(given)}: children fill the places of those who don't "
        "live on, no more and no fewer.",
    )
    for design, _ in answer:
        names = list(design) if isinstance(design, dict) else []
        refuse(
            names != list(CHOICES) and sorted(map(str, names)) == sorted(CHOICES),
            f"a design has its names in the order {names}: keep that of `choices`.",
        )
        refuse(
            names != list(CHOICES) or any(design[name] not in CHOICES[name] for name in CHOICES),
            f"a design is {str(design)[:120]}: it should be a dictionary with the names of `choices`, and one of its "
            "choices for each.",
        )
    scored = [(design, kept_score) for design, kept_score in answer if kept_score is not None]
    _judge_scores(given, answer, scored)
    for one in given:
        refuse(
            scored.count(one) > given.count(one),
            f"somebody lives on twice, with the score {one[1]}: every design of `population` lives on once or not at "
            "all, and the score of a child, even of one that is like a parent, is None.",
        )
    if designs != [design for design, _ in given]:
        raise TryAgain(
            "your function changes the designs that it was given: a child and its parent are one and the same "
            "dictionary, or a parent was mutated. Make a new dictionary for every child."
        )
    refuse(population != given, "your function changes the list `population`: build a new list.")
    refuse(
        len({id(design) for design, _ in answer}) < len(answer),
        "two members of the next generation are one and the same dictionary: whoever changes one changes both.",
    )
    return given, [(design, kept_score) for design, kept_score in answer]


def _kind(answer: list[Any]) -> str:
    wrong = next(one for one in answer if not isinstance(one, tuple | list) or len(one) != 2)
    return f"a {type(wrong).__name__}" + (f" of {len(wrong)}" if isinstance(wrong, tuple | list) else "")


def _judge_too_few(given: Population, answer: list[Any]) -> None:
    """TryAgain if nobody in the answer lives on, or if all places that it is short of are those of the best."""
    best = sorted((score for _, score in given), reverse=True)[: int(0.4 * len(given))]
    scores = [score for _, score in answer if score is not None]
    alike = sum(any(design == old for old, _ in given) for design, _ in answer)  # a child may be like one by chance
    n, lost = len(answer), [rank for rank, score in enumerate(best) if score not in scores]
    refuse(
        answer and not scores and alike < len(best),
        f"your answer has {n} members, of {len(given)}, none of them with a score, and {alike} like a design of "
        "`population`. Are they the children alone? Those who live on, unchanged and with their score, belong in it, "
        "too.",
    )
    refuse(
        scores and len(given) - n == len(lost),
        f"the next generation has {n} members, of {len(given)}: {n - len(scores)} with the score None, {len(scores)} "
        f"with one. Of the best 40 %, those with the ranks {lost} (from 0) aren't there. Are all who live on in the "
        "list that you return?",
    )


def _judge_scores(given: Population, answer: list[Any], scored: list[Any]) -> None:
    """TryAgain unless each score in the answer stands beside the design that earned it."""
    designs, scores = [design for design, _ in given], [score for _, score in given]
    old = [design for design, _ in scored if design in designs]
    turned = [design for design, kept_score in answer if kept_score is None and design in designs]
    refuse(
        turned and 2 * len(old) < len(scored),
        f"of {len(scored)} designs with a score in your answer {len(scored) - len(old)} aren't of `population`, and "
        f"{len(turned)} that are have the score None: those who live on keep their score, and children have None.",
    )
    refuse(
        scored and not old,
        "none of the designs with a score in your answer is one of `population`: is an older population kept, or is "
        "everybody changed who lives on?",
    )
    refuse(
        scored and len(old) == len(scored) and not any(one in given for one in scored),
        "those who live on have other scores than in `population`: leave the scores as they are.",
    )
    for design, kept_score in scored:
        if (design, kept_score) in given:
            continue
        refuse(
            kept_score not in scores,
            f"a design has the score {kept_score!s:.12}, which none of `population` has: a score that nobody gave it. "
            "Children have not been trained: their score is None.",
        )
        refuse(
            sum(kept_score == other for _, other in scored) > 1,
            f"the score {kept_score} of one of `population` stands beside two designs, and only one has earned it. "
            "Children have not been trained: their score is None. And who lives on isn't mutated.",
        )
        refuse(
            design in designs,
            f"a design of `population` has the score of another, {kept_score}: leave each score beside its design.",
        )
        earner = designs[scores.index(kept_score)]
        raise TryAgain(
            f"the score {kept_score} was earned by {earner}, and stands beside {design}. Has somebody who lives on "
            "been changed, while the score stayed? That is the bug: mutate the children alone. Or does a child have a "
            "parent's score? A child's is None."
        )


def population_of(kind: str, n: int, rng: random.Random) -> Population:
    """So many designs with scores, of the kind that a question needs."""
    if kind == "all alike":
        designs = [dict.fromkeys(CHOICES, 0) for _ in range(n)]
    elif kind == "two kinds":  # the two that live on differ in every gene
        designs = [dict.fromkeys(CHOICES, i if i < 2 else 2) for i in range(n)]
    elif kind == "ten kinds":
        designs = [dict.fromkeys(CHOICES, i) for i in range(n)]
    else:
        designs = [{name: rng.choice(options) for name, options in CHOICES.items()} for _ in range(n)]
    scores = [round(0.9 - 0.01 * i + 0.001 * rng.random(), 6) for i in range(n)]
    population = list(zip(designs, scores, strict=True))
    if kind == "any":
        rng.shuffle(population)
    return population
