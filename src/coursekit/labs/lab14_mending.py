"""What lab 14 asks of a mended generation: who lives on with which score, who breeds, and what children inherit."""

import random
from collections import Counter
from itertools import combinations
from typing import Any

from coursekit.feedback import Student, TryAgain, comes_from_rng, hidden, refuse
from coursekit.labs.lab14_breeding import CHOICES, Population, next_of, population_of

__all__ = ["judge_generations"]


def _lost(given: Population, answer: list[tuple[dict[str, int], Any]]) -> tuple[bool, bool]:
    """Whether the best design is gone, or another of the best 40 %; TryAgain if the scores are wrong in general."""
    best = sorted(given, key=lambda one: one[1], reverse=True)[: int(0.4 * len(given))]
    kept = [kept_score for _, kept_score in answer if kept_score is not None]
    alike = sum(any(design == old for old, _ in given) for design, _ in answer)  # a child may be like one by chance
    refuse(
        not kept and alike < len(best),
        f"nobody lives on: no design in your answer has a score, and {alike} of {len(answer)} are like one of "
        "`population`. The best 40 % live on, unchanged and with their score, and some of the others.",
    )
    refuse(
        not kept,
        "nobody keeps a score, so the next generation trains everybody again. Those who live on, unchanged, keep "
        "theirs: that is what makes 12 trainings of 20.",
    )
    return best[0][1] not in kept, any(old not in kept for _, old in best)


def _mutations(student: Student) -> None:
    n_changed, alike, several = [0] * 5, Counter[str](), 0
    redrawn: dict[str, Counter[int]] = {name: Counter() for name in CHOICES}
    for seed in range(150):
        _, answer = next_of(student, population_of("all alike", 20, random.Random(hidden(seed))), seed)
        children = [design for design, kept_score in answer if kept_score is None]
        changes = [{name: gene for name, gene in design.items() if gene != 0} for design in children]
        for change in changes:
            n_changed[len(change)] += 1
            for name, gene in change.items():
                redrawn[name][gene] += 1
        mutants = [change for change in changes if change]
        if len(mutants) > 1:
            several += 1
            alike["all"] += len(mutants) > 0.5 * len(changes)
            alike["names"] += len({name for change in mutants for name in change}) == 1
            alike["genes"] += len({gene for change in mutants for gene in change.values()}) == 1
    share = 1 - n_changed[0] / sum(n_changed)
    refuse(
        share == 0,
        "children of equal parents are all like them: no mutation shows. Is a coin tossed for each child, from `rng` "
        "as it goes on (a generator that begins anew tosses the same each time)? Is the gene redrawn from all its "
        "choices, and is the changed child in the list that you return?",
    )
    refuse(
        sum(n_changed[2:]) > 0,
        f"{100 * sum(n_changed[2:]) / sum(n_changed):.1f} % of your children have more than one gene mutated: with a "
        "chance of 20 % a child has *one* of its genes redrawn.",
    )
    refuse(
        share < 0.5 and alike["all"] > 0.5 * several,
        "in a generation either most children mutate or hardly any: toss a coin for each child, inside the loop, from "
        "`rng` as it goes on.",
    )
    refuse(
        not 0.13 < share < 0.23,
        f"{100 * share:.0f} % of your children differ by mutation. It should be about 18 %: a chance of 20 % for each "
        "child, and one redrawn gene in ten stays what it was.",
    )
    counts = {name: genes.total() for name, genes in redrawn.items()}
    shares = {name: round(count / sum(counts.values()), 2) for name, count in counts.items()}
    uneven = "A child's mutated gene is any of its four, one as often as another: rng.choice(list(choices))."
    idle = [name for name, count in counts.items() if not count]
    refuse(
        len(idle) == len(CHOICES) - 1,
        f"of all genes only {max(counts, key=counts.__getitem__)!r} is ever mutated. Is its name drawn for each child, "
        "from `rng` as it goes on, or by a generator that begins anew, or not at all?",
    )
    refuse(idle, f"{' and '.join(map(repr, idle))} {'are' if idle[1:] else 'is'} never mutated. {uneven}")
    refuse(
        max(shares.values()) > 0.4 or min(shares.values()) < 0.1, f"genes are mutated with shares {shares}. {uneven}"
    )
    drawn = {gene for genes in redrawn.values() for gene in genes}
    refuse(
        len(drawn) == 1,
        f"every mutated gene gets the same choice, {min(drawn)}: does a generator begin anew, or is no choice drawn?",
    )
    never = {name: sorted(set(CHOICES[name][1:]) - set(genes)) for name, genes in redrawn.items()}
    refuse(
        sum(map(len, never.values())) > 4,
        f"mutation never draws some of the choices: {never}. Draw from all of them: rng.choice(choices[name]).",
    )
    shared = [what for key, what in (("names", "gene"), ("genes", "choice")) if alike[key] > 0.5 * several]
    refuse(
        shared,
        f"the children of a generation that mutate do so alike, with the same {' and '.join(shared)}: draw anew for "
        "each child, inside the loop, from `rng` as it goes on.",
    )
    strays: list[int] = []
    n_other = n_children = 0
    two: dict[str, list[int]] = {name: [0, 1 + i] for i, name in enumerate(CHOICES)}
    for seed in range(100):
        for design, kept_score in student.in_place(
            population_of("all alike", 20, random.Random(hidden(seed))), two, random.Random(hidden(seed))
        ):
            strays += [gene for name, gene in design.items() if gene not in two[name]]
            if kept_score is None:
                n_children += 1
                n_other += any(gene != 0 for gene in design.values())
    refuse(
        any(all(gene not in genes for genes in two.values()) for gene in strays),
        "a child has a choice that isn't among the `choices` that were given. Are others kept, typed in or worked out?",
    )
    refuse(strays, "a child has a choice of another gene: draw from the list of the gene itself, choices[name].")
    refuse(
        n_other > 0.15 * n_children,
        f"with two choices for each gene, {100 * n_other / n_children:.0f} % of your children differ by mutation. It "
        "should be about 10 %: a redrawn gene may stay what it was, so draw from all of its choices.",
    )


def _parents(student: Student) -> None:
    """Ten designs, each with its own choice for all genes: who had children with whom, among the four best."""
    pairs, litters, alike = Counter[frozenset[int]](), 0, 0
    for seed in range(300):
        _, answer = next_of(student, population_of("ten kinds", 10, random.Random(hidden(seed))), seed)
        if sum(kept_score is not None for _, kept_score in answer) > 4:
            continue
        found = [set(design.values()) for design, kept_score in answer if kept_score is None]
        couples = [frozenset(genes) for genes in found if len(genes) == 2]
        pairs.update(couples)
        litters += len(couples) > 1
        alike += len(couples) > 1 and len(set(couples)) == 1
    refuse(
        alike > 0.5 * litters,
        "all children of a generation have the same two parents: draw two for each child, inside the "
        "loop, from `rng` as it goes on.",
    )
    expected = [frozenset(two) for two in combinations(range(4), 2)]
    rare = [sorted(two) for two in expected if pairs[two] < 0.4 * sum(pairs[one] for one in expected) / len(expected)]
    refuse(
        rare,
        "some who live on hardly ever have children together: of the four best, those with the ranks "
        f"{', '.join(f'{i} and {j}' for i, j in rare)} (from 0). Any two are parents as often as any other two: "
        "rng.sample(alive, 2).",
    )


def _crossover(student: Student) -> None:
    first = last = pure = mixed = halves = litters = alike = 0
    for seed in range(400):
        _, answer = next_of(student, population_of("two kinds", 5, random.Random(hidden(seed))), seed)
        if sum(kept_score is not None for _, kept_score in answer) > 2:
            continue
        litter = [list(design.values()) for design, kept_score in answer if kept_score is None]
        plain = [tuple(gene == genes[0] for gene in genes) for genes in litter if set(genes) == {0, 1}]
        litters += len(plain) == 3
        alike += len(plain) == 3 and len(set(plain)) == 1
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
    refuse(
        mixed < 0.1 * n,
        "every child, but for mutation, is like one parent in all genes. Mother and father are two, and each gene "
        "comes from one of them, by a coin for each gene, from `rng` as it goes on.",
    )
    refuse(
        halves > 0.9 * mixed,
        "your children take one half from one parent and the other half from the other: toss a coin for every gene.",
    )
    refuse(
        alike > 0.5 * litters,
        "all children of a generation get the same genes from the same parents: toss new coins for each child, inside "
        "the loop, from `rng` as it goes on.",
    )
    refuse(
        pure > 0.3 * n,
        f"{100 * pure / n:.0f} % of the children are like one parent in every gene; with two parents who differ in all "
        "four, it should be 2 in 16. Are mother and father sometimes the same one, or is the coin of a gene not fair?",
    )
    refuse(
        not (0.35 < first / n < 0.65 and 0.35 < last / n < 0.65),
        f"the first gene comes from the better parent in {100 * first / n:.0f} % of your children, and the last gene "
        f"in {100 * last / n:.0f} %. It should be 50 % for every gene: toss a fair coin for each.",
    )
    refuse(
        pure <= 0.05 * n,
        f"{100 * pure / n:.0f} % of your children are like one parent in every gene, but it should be 2 in 16: toss "
        "the coin of each gene by itself, whatever the others came to.",
    )


def _survivors(student: Student) -> None:
    n_calls, gone, unranked, crowds, deserts = 150, [0, 0], 0, 0, 0
    lived = [0] * 20  # by rank
    for seed in range(n_calls):
        given, answer = next_of(student, population_of("any", 20, random.Random(hidden(seed))), seed)
        for i, lost in enumerate(_lost(given, answer)):
            gone[i] += lost
        kept = {kept_score for _, kept_score in answer}
        unranked += all(old in kept for _, old in given[:8])
        living = [old in kept for old in sorted((old for _, old in given), reverse=True)]
        crowds += all(living[8:])
        deserts += not any(living[8:])
        lived = [n + alive for n, alive in zip(lived, living, strict=True)]
    best, lives = lived[:8], lived[8:]
    refuse(
        crowds == n_calls and gone[1],
        "those who aren't among the best 40 % all live on, in every generation, and the best 40 % don't: is it the "
        "wrong part of the ranking that lives on without a coin?",
    )
    refuse(
        crowds == n_calls,
        "everybody lives on, and no place is left for children: of those who aren't among the best 40 %, each lives on "
        "with a chance of 10 %.",
    )
    refuse(
        unranked == n_calls,
        "the first 40 % of `population` live on, whatever their scores: it comes in any order. Rank it by score first.",
    )
    always = [rank for rank, n in enumerate(lived) if n == n_calls]
    refuse(
        min(lived[11:]) == n_calls and gone[0],
        f"those with the ranks {always} (from 0) live on in every generation, and the best doesn't: is the comparison "
        "with the number of the best turned round, or the slice, or the order?",
    )
    refuse(
        min(lived[12:]) == n_calls and gone[0],
        "the worst 40 % live on in every generation, and the best doesn't: does the ranking begin with the lowest "
        "score, or is the comparison (or the slice) that takes the best turned round?",
    )
    refuse(
        gone[0] > 0.7 * n_calls and not any(n_calls - n for n in best[1:]),
        f"the best design of all lives on in {100 * best[0] / n_calls:.0f} % of your generations only, the next seven "
        "in all of them: does your slice begin at 0?",
    )
    refuse(
        gone[0] > 0.7 * n_calls,
        f"of {n_calls} generations, the best eight of 20 live on with their score in {best} (the best of all first). "
        "The best 40 % always live on as they are: rank by score, the highest first.",
    )
    refuse(
        gone[0] > 0,
        f"in {100 * gone[0] / n_calls:.0f} % of your generations the best design is gone, or has lost its score. The "
        "best 40 % live on as they are: rank everybody by score, and mutate children alone.",
    )
    missing = [rank for rank, n in enumerate(best) if n < n_calls]
    refuse(
        gone[1] > 0,
        f"of the best 40 % (8 of 20), not all live on with their score: those with the ranks {missing} (from 0) are "
        "missing in some generations, or in all.",
    )
    share = sum(lives) / (12 * n_calls)
    refuse(share == 0, "nobody but the best 40 % lives on: each of the others does with a chance of 10 %.")
    refuse(
        crowds and crowds + deserts == n_calls,
        "of those who aren't among the best 40 %, either all live on or none: toss a coin for each of them, not one "
        "for all.",
    )
    lucky = always[8:]
    tossed = any(0 < n < n_calls for n in lives)  # a generator that begins anew may choose the first of them, too
    refuse(
        tossed and lucky == [8],
        "of 20 designs the best nine live on in every generation. The best 40 % are eight, those with the ranks 0 to "
        "7: is it <= where < is meant, or a slice that is one too long?",
    )
    refuse(
        tossed and lucky and lucky == list(range(8, 8 + len(lucky))),
        f"the designs with the ranks {lucky} (from 0) live on in all {n_calls} generations, as if they were among the "
        "best 40 %, which are the ranks 0 to 7. Are too many taken without a coin?",
    )
    refuse(
        lucky,
        f"of those who aren't among the best 40 %, the ones with the ranks {lucky} (from 0) live on in all {n_calls} "
        "generations; each should with a chance of 10 %. Is a coin tossed for them, from `rng` as it goes on, and not "
        "by a generator that begins anew?",
    )
    refuse(
        not 0.06 < share < 0.14,
        f"of those who aren't among the best 40 %, {100 * share:.0f} % live on in your generations, but it should be "
        "10 %: one coin for each of them, rng.random() < 0.1.",
    )
    never = [rank for rank in range(8, 20) if not lived[rank]]
    refuse(
        never,
        f"of 20 designs, those with the ranks {never} (from 0) never live on in {n_calls} generations: each of the "
        "others, from rank 8 to rank 19, has a chance of 10 %.",
    )


def _rounding(student: Student) -> None:
    """Of twelve designs, 4.8 are 40 %."""
    n_calls, lives = 60, [0] * 12
    for seed in range(n_calls):
        given, answer = next_of(student, population_of("any", 12, random.Random(hidden(seed))), seed)
        ranked = sorted((old for _, old in given), reverse=True)
        for rank, score in enumerate(ranked):
            lives[rank] += any(kept_score == score for _, kept_score in answer)
    always = sum(n == n_calls for n in lives)
    refuse(
        lives[3] < n_calls,
        f"of 12 designs the fourth best lives on in {lives[3]} of {n_calls} generations; it should in all, for "
        "int(0.4 * 12) is 4.",
    )
    refuse(
        lives[4] == n_calls and always > 5,
        f"40 % of 12 designs are 4.8, and with yours {always} always live on: is their number typed in, or kept?",
    )
    refuse(
        lives[4] == n_calls,
        "40 % of 12 designs are 4.8, and with yours five always live on. Round down, as int(0.4 * 12) does.",
    )


def judge_generations(student: Student) -> None:
    """Generations of twenty designs, then mutation, crossover and the parents, each alone."""
    _survivors(student)
    _rounding(student)
    _mutations(student)
    _crossover(student)
    _parents(student)
    comes_from_rng(
        lambda rng: student.in_place(population_of("any", 20, random.Random(hidden(0))), CHOICES, rng),
        random.Random,
        elsewhere="two calls with the same rng differ: take all randomness from `rng`, and keep nothing from call to "
        "call.",
    )
