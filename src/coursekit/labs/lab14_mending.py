"""What lab 14 asks of a mended generation: who lives on with which score, who breeds, and what children inherit."""

import copy
import random
from typing import Any

from coursekit.feedback import Student, TryAgain, comes_from_rng, refuse

__all__ = ["judge_generations"]

CHOICES = {name: list(range(10)) for name in ("layers", "neurons", "activation", "optimiser")}

Population = list[tuple[dict[str, int], float]]


def _call(student: Student, population: Population, seed: int) -> tuple[Population, list[tuple[dict[str, int], Any]]]:
    """What was given, untouched, and what came back, looked over."""
    given, designs = copy.deepcopy(population), [design for design, _ in population]
    answer = student.in_place(population, CHOICES, random.Random(seed))
    refuse(answer is None, "your function returned None: did you forget `return`?")
    right = isinstance(answer, list) and all(isinstance(one, tuple | list) and len(one) == 2 for one in answer)
    refuse(not right, "return a list of pairs (design, score), as `population` is one.")
    refuse(
        len(answer) != len(given),
        f"the next generation has {len(answer)} members, of {len(given)}: children fill the places of those who don't "
        "live on, no more and no fewer.",
    )
    whole = all(
        isinstance(design, dict)
        and list(design) == list(CHOICES)
        and all(design[name] in CHOICES[name] for name in CHOICES)
        for design, _ in answer
    )
    refuse(not whole, "a design is a dictionary with the names of `choices`, and one of its choices for each.")
    for design, kept_score in answer:
        if kept_score is not None and (design, kept_score) not in given:
            if sum(kept_score == other for _, other in answer) > 1:
                raise TryAgain(
                    "a child has the score of one of its parents. Children have not been trained: their score is None."
                )
            if any(kept_score == old for _, old in given):
                raise TryAgain(
                    "a design that lives on has changed, and its score stayed: the score now stands beside a design "
                    "that never earned it. That is the bug. Mutate the children, who have no score yet."
                )
            raise TryAgain(
                "a design has a score that nobody gave it. Children have not been trained: their score is None."
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


def _population(kind: str, n: int, rng: random.Random) -> Population:
    if kind == "all alike":
        designs = [dict.fromkeys(CHOICES, 0) for _ in range(n)]
    elif kind == "two kinds":  # the two that live on differ in every gene
        designs = [dict.fromkeys(CHOICES, i if i < 2 else 2) for i in range(n)]
    else:
        designs = [{name: rng.choice(options) for name, options in CHOICES.items()} for _ in range(n)]
    scores = [round(0.9 - 0.01 * i + 0.001 * rng.random(), 6) for i in range(n)]
    population = list(zip(designs, scores, strict=True))
    if kind == "any":
        rng.shuffle(population)
    return population


def _lost(given: Population, answer: list[tuple[dict[str, int], Any]]) -> tuple[bool, bool]:
    """Whether the best design is gone, or another of the best 40 %; TryAgain if the scores are wrong in general."""
    best = sorted(given, key=lambda one: one[1], reverse=True)[: int(0.4 * len(given))]
    kept = [kept_score for _, kept_score in answer if kept_score is not None]
    refuse(
        not kept,
        "nobody keeps a score, so the next generation trains everybody again. Those who live on, unchanged, keep "
        "theirs: that is what makes 12 trainings of 20.",
    )
    refuse(
        len(kept) == len(given),
        "everybody has a score: children have not been trained, so theirs is None (a parent's score isn't theirs).",
    )
    refuse(len(set(kept)) < len(kept), "somebody lives on twice.")
    return best[0][1] not in kept, any(old not in kept for _, old in best)


def _mutations(student: Student) -> None:
    n_changed = [0] * 5
    for seed in range(150):
        _, answer = _call(student, _population("all alike", 20, random.Random(seed)), seed)
        for design, kept_score in answer:
            if kept_score is None:
                n_changed[sum(gene != 0 for gene in design.values())] += 1
    share = 1 - n_changed[0] / sum(n_changed)
    refuse(share == 0, "children of equal parents are all equal: nobody mutates. One child in five has a gene redrawn.")
    refuse(
        sum(n_changed[2:]) > 0,
        "a child has more than one gene mutated: with a chance of 20 % a child has *one* of its genes redrawn.",
    )
    refuse(
        not 0.13 < share < 0.23,
        f"{100 * share:.0f} % of your children differ by mutation. It should be about 18 %: a chance of 20 % for each "
        "child, and one redrawn gene in ten stays what it was.",
    )
    n_other = n_children = 0
    two: dict[str, list[int]] = {name: [0, 1] for name in CHOICES}
    for seed in range(100):
        for design, kept_score in student.in_place(
            _population("all alike", 20, random.Random(seed)), two, random.Random(seed)
        ):
            if kept_score is None:
                n_children += 1
                n_other += any(gene != 0 for gene in design.values())
    refuse(
        n_other > 0.15 * n_children,
        f"with two choices for each gene, {100 * n_other / n_children:.0f} % of your children differ by mutation. It "
        "should be about 10 %: a redrawn gene may stay what it was, so draw from all of its choices.",
    )


def _crossover(student: Student) -> None:
    first = last = pure = mixed = halves = 0
    for seed in range(400):
        _, answer = _call(student, _population("two kinds", 5, random.Random(seed)), seed)
        if sum(kept_score is not None for _, kept_score in answer) > 2:
            continue
        for design, kept_score in answer:
            genes = list(design.values())
            if kept_score is None and set(genes) <= {0, 1}:
                pure += len(set(genes)) == 1
                mixed += len(set(genes)) == 2
                first += genes[0] == 0
                last += genes[-1] == 0
                halves += genes in ([0, 0, 1, 1], [1, 1, 0, 0])
            elif kept_score is None and sum(gene > 1 for gene in genes) > 1:
                raise TryAgain(
                    "a child has genes of somebody who doesn't live on: parents are drawn from those who do."
                )
    n = pure + mixed
    refuse(mixed < 0.1 * n, "every child is a copy of one parent: each gene comes from mother or father, by a coin.")
    refuse(
        halves > 0.9 * mixed,
        "your children take one half from one parent and the other half from the other: toss a coin for every gene.",
    )
    refuse(
        pure > 0.3 * n,
        f"{100 * pure / n:.0f} % of the children are like one parent in every gene; with two parents who differ in all "
        "four, it should be 2 in 16. Are mother and father sometimes the same one?",
    )
    refuse(
        not (0.35 < first / n < 0.65 and 0.35 < last / n < 0.65 and pure > 0.05 * n),
        "the coin isn't fair, or is tossed for some genes only: each gene comes from mother or father equally often.",
    )


def judge_generations(student: Student) -> None:
    """A hundred and fifty generations of twenty designs, then mutation alone, then crossover alone."""
    n_kept, n_calls, gone, unranked = 0, 150, [0, 0], 0
    for seed in range(n_calls):
        given, answer = _call(student, _population("any", 20, random.Random(seed)), seed)
        for i, lost in enumerate(_lost(given, answer)):
            gone[i] += lost
        kept = {kept_score for _, kept_score in answer}
        unranked += all(old in kept for _, old in given[:8])
        n_kept += sum(kept_score is not None for _, kept_score in answer) - 8
    refuse(
        unranked == n_calls,
        "the first 40 % of `population` live on, whatever their scores: it comes in any order. Rank it by score first.",
    )
    refuse(
        gone[0] > 0.7 * n_calls,
        "the best designs don't live on. Sort by score, the highest first, and let the best 40 % live on as they are.",
    )
    refuse(
        gone[0] > 0,
        f"in {100 * gone[0] / n_calls:.0f} % of your generations the best design is gone, or has lost its score. Was "
        "it mutated? Those who live on stay as they are; mutate children.",
    )
    refuse(gone[1] > 0, "of the best 40 % (8 of 20), not all live on with their score.")
    share = n_kept / (12 * n_calls)
    refuse(n_kept == 0, "nobody but the best 40 % lives on: each of the others does with a chance of 10 %.")
    refuse(
        not 0.06 < share < 0.14,
        f"of those who aren't among the best 40 %, {100 * share:.0f} % live on in your generations, but it should be "
        "10 %: one coin for each of them, rng.random() < 0.1.",
    )
    _mutations(student)
    _crossover(student)
    comes_from_rng(
        lambda rng: student.in_place(_population("any", 20, random.Random(0)), CHOICES, rng),
        random.Random,
        elsewhere="two calls with the same rng differ: take all randomness from `rng`.",
    )
