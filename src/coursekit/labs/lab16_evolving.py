"""What lab 16 asks of an outer loop: who is trained on what and with which seed, who breeds, and when the exam is."""

import random
from collections.abc import Callable
from itertools import product
from typing import Any

from coursekit.feedback import Student, TryAgain, comes_from_rng, diagnose, hidden, refuse
from coursekit.labs.lab16_choosing import blame_choice, mean_of_all
from coursekit.labs.lab16_world import Account, Rule, World, mean

__all__ = ["divided_by_0", "judge_evolving"]


def _judge_seeds(world: World, n: int, n_generations: int) -> None:
    """TryAgain unless generation g trains with seed g, on all tasks, everybody once."""
    seeds = list(dict.fromkeys(seed for _, _, seed in world.trained))
    begins: dict[Rule, int] = {}
    for rule, _, seed in world.trained:
        begins.setdefault(rule, seed)
    made = [rule for rule, parent in world.born.items() if parent is None]
    n_mutants = len(world.born) - len(made)
    refuse(
        len(made) == 1 < n and len(world.trained) > 0,
        f"fresh is called once, and all {n} rules of the first generation should be fresh ones: call fresh(rng) for "
        "each place.",
    )
    first = {begins[rule] for rule in list(world.born)[:n] if rule in begins and world.born[rule] is None}
    diagnose(
        {
            "nothing is ever trained: train(rule, task, seed) gives the accuracy of one inner training.": not seeds,
            f"the first generation trains with {len(first)} different seeds, so some may have luckier starts. A "
            "generation has one seed, its number, the same for every rule and every task.": len(first) > 1,
            f"all generations train with the seed {seeds[0] if seeds else ''}: selection would then fit the luck of "
            "these starts. The seed is the number of the generation.": (
                len(seeds) == 1 < n_generations and len(world.trained) > n * len(world.tasks)
            ),
            f"only the first generation is trained, of {n_generations} that are asked for; {n_mutants} mutants are "
            "made, and never trained.": seeds == [0] and n_generations > 1 and n_mutants > 0,
            f"only the first generation is trained, of {n_generations} that are asked for. Is there a `break`, or a "
            "`return` inside the loop?": seeds == [0] and n_generations > 1,
            "a rule of the first generation is trained on one task with one seed and on another task with another. All "
            "trainings of a generation have one seed, its number.": len(world.tasks) > 1
            and all(_seeds_by_task(world, rule) for rule in made[:n]),
            "the seeds count from 1: the first generation has the seed 0.": seeds == list(range(1, n_generations + 1)),
            f"train gets the seeds 0 to {len(seeds) - 1}, so there are {len(seeds)} generations, of {n_generations} "
            "that are asked for. (The first, of fresh rules, is one of them.)": seeds == list(range(len(seeds)))
            and len(seeds) != n_generations,
            f"the seeds are {seeds[:6]}{'...' if len(seeds) > 6 else ''}; generation 0 should train with 0, generation "
            "1 with 1, and so on.": seeds != list(range(n_generations)),
        }
    )
    for task in world.tasks:
        refuse(
            all(task != other for _, other, _ in world.trained),
            f"no rule is trained on {task}: each is trained on all of `tasks`.",
        )
    for g in seeds:
        asked = [(rule, task) for rule, task, seed in world.trained if seed == g]
        refuse(
            len(set(asked)) < len(asked) and len(world.born) == n,
            "mutate is never called, so those who aren't parents are copies of the parents: mutate(parent, rng) gives "
            "a child.",
        )
        refuse(
            len(set(asked)) < len(asked),
            f"in generation {g} a rule is trained twice on the same task with the same seed, which says nothing new, "
            "and costs: does your loop train twice, or does the rule stand in two places of the population?",
        )
        for rule, task in product(dict(asked), world.tasks):
            refuse(
                (rule, task) not in asked,
                f"in generation {g} the rule that was made as number {rule[0]} (from 0 on) isn't trained on {task}: "
                "each is trained on all of `tasks`.",
            )


def _seeds_by_task(world: World, rule: Rule) -> bool:
    """Whether a rule's first trainings are on different tasks, and not with one seed."""
    rows = [(task, seed) for one, task, seed in world.trained if one == rule][: len(world.tasks)]
    return len({task for task, _ in rows}) == len(world.tasks) and len({seed for _, seed in rows}) > 1


def _judge_generations(world: World, n: int, n_parents: int, n_generations: int) -> list[list[Rule]]:
    """The population of each generation; TryAgain unless the right ones live on and breed."""
    populations = [
        list(dict.fromkeys(rule for rule, _, seed in world.trained if seed == g)) for g in range(n_generations)
    ]
    never = [rule for rule in world.born if not any(rule in population for population in populations)]
    first = populations[0]
    made = [rule for rule, parent in world.born.items() if parent is None]
    refuse(
        len(first) < n <= len(made),
        f"of {len(made)} fresh rules only {len(first)} are trained with the seed 0: all {n} of the first generation "
        "should be.",
    )
    early = sum(world.born[rule] is not None for rule in first)
    refuse(
        early > 0,
        f"the first generation that is trained holds {early} mutants, bred before there was any score: it should be "
        "all fresh.",
    )
    refuse(len(first) != n, f"the first generation has {len(first)} rules; it should have {n}, all fresh.")
    changed = next((g for g, population in enumerate(populations) if set(population) != set(first)), n_generations)
    diagnose(
        {
            f"the generations 0 to {changed - 1} have the same {n} rules, and new ones come in generation {changed}: "
            "does breeding begin too late, or are mutants kept waiting?": 1 < changed < n_generations
            and set(populations[changed]) - set(first),
            f"all {n_generations} generations have the same {n} rules, and {len(never)} others are made and never "
            "trained: do these ever come into the population?": changed == n_generations > 1 and never,
            f"all {n_generations} generations have the same {n} rules, and nobody is bred: is mutate never reached, or "
            "do so many live on that no place is left?": changed == n_generations > 1,
        }
    )
    for g in range(1, n_generations):
        old, new = populations[g - 1], populations[g]
        stayed = [rule for rule in new if rule in old]
        back = [rule for rule in new if rule not in old and any(rule in earlier for earlier in populations[:g])]
        newborn = [rule for rule in new if rule not in stayed and rule not in back]
        account = Account(world, g - 1)
        best = account.ranked(old, mean_of_all, n_parents)
        diagnose(
            {
                f"in generation {g} the {n - n_parents} mutants alone are trained. The {n_parents} parents live on, "
                "and are trained with the new seed like everybody: else whoever was lucky once stays on top.": (
                    not stayed and not back and len(new) == n - n_parents
                ),
                f"nobody lives on: no rule of generation {g - 1} is trained in generation {g}. The best `n_parents` "
                "stay in the next generation, beside their mutants, and are trained again.": not stayed and not back,
                f"a rule that was dropped, for it wasn't trained in generation {g - 1}, comes back in generation {g}: "
                "parents come from the last generation alone.": back,
                f"of generation {g - 1}, {len(stayed)} rules live on in generation {g}; it should be the best "
                f"{n_parents}.": len(stayed) != n_parents,
                f"a generation has {len(new)} rules, and should have {n}: {n_parents} parents, and {n - n_parents} "
                "mutants.": (len(new) != n),
                f"{[world.born[rule] for rule in newborn].count(None)} of {len(newborn)} new rules are fresh ones, and "
                "the others mutants: after the first generation all are mutants of parents.": (
                    0 < [world.born[rule] for rule in newborn].count(None) < len(newborn)
                ),
                "new rules are fresh ones, so nothing is inherited (this is random search): after the first generation "
                "they are mutants of parents.": all(world.born[rule] is None for rule in newborn),
            }
        )
        if set(stayed) != best:
            blame_choice(world, populations, n_parents)
        strangers = {world.born[rule] for rule in newborn} - best
        refuse(
            strangers & set(old),
            f"a mutant's parent is a rule of generation {g - 1} that isn't one of its best {n_parents}: only they are "
            "mutated.",
        )
        refuse(
            strangers - set().union(*populations[:g]),
            "a mutant's parent is a rule that hadn't been trained by then: only the best `n_parents` are mutated, and "
            "their mutants not again before they have been trained.",
        )
        refuse(
            strangers,
            f"a mutant's parent in generation {g} was dropped before: the parents are the best of generation {g - 1}.",
        )
    makers = sorted({"fresh" if world.born[rule] is None else "mutate" for rule in never})
    refuse(
        never,
        f"{len(never)} rules are made by {' and '.join(makers)} and never trained: make as many as there are places.",
    )
    return populations


def _judge_breeding(student: Student) -> None:
    """TryAgain unless each parent has about as many mutants, but not exactly."""
    shares, in_runs = [0, 0, 0], set()
    uneven = False
    for seed in range(30):
        world, _ = _run(student, ["a"], 15, 3, 2, seed)
        first = [rule for rule, _, g in world.trained if g == 0]
        best = sorted(first, key=lambda rule: world.accuracy(rule, "a", 0), reverse=True)[:3]
        mutants = [sum(parent == one for parent in world.born.values()) for one in best]
        uneven |= len(set(mutants)) > 1
        in_runs.add(max(mutants) == sum(mutants) > 0)
        shares = [a + b for a, b in zip(shares, mutants, strict=True)]
    total = sum(shares)
    diagnose(
        {
            f"all mutants have the same parent, the one with the rank {shares.index(max(shares))} (from 0), in every "
            "run. Is its place fixed, or drawn by a generator that begins anew? Draw it for each mutant, from `rng` as "
            "it goes on.": max(shares) == total > 0,
            "all mutants of a run have the same parent, in every run: draw one for each mutant, inside the loop.": (
                in_runs == {True}
            ),
            f"the parents have {shares[0]}, {shares[1]} and {shares[2]} mutants, the best one first; each should have "
            "as many on average. Choose a parent for each mutant, rng.choice(parents).": not (
                min(shares) > 0.24 * total and max(shares) < 0.43 * total
            ),
            "all parents have exactly as many mutants, as if they took turns: choose one by chance for each mutant.": (
                not uneven
            ),
        }
    )


def _run(
    student: Student, tasks: list[str], n: int, n_parents: int, n_generations: int, seed: int | random.Random
) -> tuple[World, Any]:
    rng = seed if isinstance(seed, random.Random) else random.Random(hidden(seed))
    world = World(tasks, rng)
    given = (world.train, tasks, world.exam, world.fresh, world.mutate, n, n_parents, n_generations)
    return world, student(*given, rng)


def judge_evolving(student: Student) -> None:
    """Whole evolutions, watched: seeds, populations, parents, the exam, and what is returned."""
    cases = [((10, 3, 6), ["moons", "rings"]), ((6, 1, 4), ["a", "bb", "ccc"]), ((7, 4, 5), ["a"])]
    cases += [((3, 1, 5), ["a"])] * 12  # so few that the best score of all is often that of a rule that was dropped
    ends: list[_End] = []
    for seed, ((n, n_parents, n_generations), tasks) in enumerate(cases):
        world, answer = _run(student, tasks, n, n_parents, n_generations, seed)
        _judge_seeds(world, n, n_generations)
        populations = _judge_generations(world, n, n_parents, n_generations)
        ends.append((world, answer, populations[-1], Account(world, n_generations - 1).scores))
    _judge_champions(ends)
    for world, answer, _, scores in ends:
        _judge_exam(world, answer, scores)
    _judge_breeding(student)
    comes_from_rng(lambda rng: [*_run(student, ["a"], 8, 3, 3, rng)[0].born.items()], random.Random)


def divided_by_0(*_: Any) -> str:
    """What may be wrong where a division by 0 stops a student's function, which has been given the latest world."""
    if World.latest.trained:
        return (
            "something is divided by 0 ({error}): is a rule ranked before it is trained, are its trainings not "
            "counted, or do you divide by the number of the generation, which begins with 0?"
        )
    return (
        "something is divided by 0 ({error}), and train has not been called until then: is a rule ranked, or a mean "
        "taken, before anything is trained?"
    )


_End = tuple[World, Any, list[Rule], dict[Rule, list[list[float]]]]
"""A world, what was returned, the last generation, and the scores of all rules."""

CHAMPIONS: dict[str, Callable[[World, list[Rule], dict[Rule, list[list[float]]]], Rule]] = {
    "the champion isn't of the last generation: it has the best score of all that were ever trained, and was dropped "
    "since. Choose from the last generation.": lambda world, last, scores: max(
        scores, key=lambda rule: mean_of_all(scores[rule])
    ),
    "the champion has the best score of the *last* generation alone. Take the mean of all its trainings.": (
        lambda world, last, scores: max(last, key=lambda rule: mean(scores[rule][-1]))
    ),
    "the champion is the worst of the last generation.": lambda world, last, scores: min(
        last, key=lambda rule: mean_of_all(scores[rule])
    ),
    "the champion is the rule that was trained last, whatever its score: is it taken from a variable that your loop "
    "has left?": lambda world, last, scores: world.trained[-1][0],
    "the champion is the best by the scores before the last generation's training, so one of its parents, whatever "
    "came since. Rank once more, after the last training.": lambda world, last, scores: max(
        (rule for rule in last if len(scores[rule]) > 1), key=lambda rule: mean_of_all(scores[rule][:-1])
    ),
    "the champion is the rule that was trained first in the last generation, whatever its score: rank once more, after "
    "the last training.": lambda world, last, scores: last[0],
}


def _judge_champions(ends: list[_End]) -> None:
    """TryAgain unless each champion is the right one: with what explains all of them, or one that isn't."""
    for world, answer, _, _ in ends:
        several = isinstance(answer, tuple | list)
        got = f"a {type(answer).__name__} of {len(answer)}" if several else f"a {type(answer).__name__}"
        refuse(
            not several or len(answer) != 3,
            f"return three things, the champion, its score, and what exam(champion) gave; you return {got}.",
        )
        refuse(
            not world.knows(answer[0]),
            f"the first of what you return should be a rule, the champion; it is {str(answer[0])[:100]}.",
        )
    rest = [(world, answer[0], last, scores) for world, answer, last, scores in ends]
    best = [max(last, key=lambda rule: mean_of_all(scores[rule])) for _, _, last, scores in rest]
    if [champion for _, champion, _, _ in rest] == best:
        return
    for hint, way in CHAMPIONS.items():
        refuse(all(champion == way(world, last, scores) for world, champion, last, scores in rest), hint)
    for (_, champion, last, scores), right in zip(rest, best, strict=True):
        refuse(champion not in last, "the champion isn't one of the rules that were trained in the last generation.")
        refuse(
            champion != right,
            f"the champion's score is {mean_of_all(scores[champion]):.6g}, and another rule of the last generation "
            f"has {mean_of_all(scores[right]):.6g}: choose the one with the best mean of all its trainings, "
            "after the last.",
        )


def _judge_exam(world: World, answer: Any, scores: dict[Rule, list[list[float]]]) -> None:
    champion, inside, outside = answer
    diagnose(
        {
            "the exam is never taken: call exam(champion) once, at the very end, and return what it gives as the "
            "third. It is the accuracy on a task that no rule was selected for.": not world.examined,
            f"the exam is taken {len(world.examined)} times. Whoever looks twice may choose by it, and then it is held "
            "out no more: once, by the champion.": len(world.examined) > 1,
            "somebody else than the champion takes the exam.": any(rule != champion for rule, _ in world.examined),
            "the exam is taken before the last training: it comes at the very end.": any(
                n < len(world.trained) for _, n in world.examined
            ),
        }
    )
    try:
        inside, outside = float(inside), float(outside)
    except (TypeError, ValueError):
        raise TryAgain(
            f"the second and the third of what you return should be numbers, a mean and what exam(champion) gave; "
            f"yours are a {type(inside).__name__} and a {type(outside).__name__}."
        ) from None
    diagnose(
        {
            "score and exam are swapped: return champion, score, outside.": (
                abs(inside - world.outside(champion)) < 1e-9 and abs(outside - mean_of_all(scores[champion])) < 1e-9
            ),
            "the score that you return is that of the last generation alone: take the mean of all its trainings.": (
                abs(inside - mean_of_all(scores[champion])) > 1e-9 and abs(inside - mean(scores[champion][-1])) < 1e-9
            ),
        }
    )
    if abs(inside - mean_of_all(scores[champion])) > 1e-9:
        raise TryAgain(
            f"the score is {inside:.6g}, but the mean of all the champion's trainings is "
            f"{mean_of_all(scores[champion]):.6g}.",
            names_fault=False,
        )
    if abs(outside - world.outside(champion)) > 1e-9:
        raise TryAgain(
            f"the third is {outside:.6g}, but exam(champion) gave {world.outside(champion):.6g}.", names_fault=False
        )
