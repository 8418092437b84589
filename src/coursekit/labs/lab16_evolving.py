"""What lab 16 asks of an outer loop: who is trained on what and with which seed, who breeds, and when the exam is."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

from coursekit.feedback import Student, TryAgain, comes_from_rng, diagnose, hidden, refuse

__all__ = ["judge_evolving"]

Rule = tuple[int, float]


@dataclass
class _World:
    """Rules that are numbers, trainings that are draws, and a log of all that is asked for."""

    tasks: list[str]
    rng: random.Random
    trained: list[tuple[Rule, str, int]] = field(default_factory=list)
    born: dict[Rule, Rule | None] = field(default_factory=dict)  # its parent; None if it is fresh
    examined: list[tuple[Rule, int]] = field(default_factory=list)  # and how many trainings there had been

    latest: ClassVar["_World"]

    def __post_init__(self) -> None:
        type(self).latest = self

    def knows(self, rule: Any) -> bool:
        """Whether this is one of its rules."""
        return isinstance(rule, tuple) and rule in self.born

    def fresh(self, rng: random.Random) -> Rule:
        self._owns(rng)
        rule = (len(self.born), rng.random())
        self.born[rule] = None
        return rule

    def mutate(self, rule: Rule, rng: random.Random) -> Rule:
        refuse(
            not self.knows(rule),
            f"mutate takes one rule, mutate(rule, rng); you give {self._kind(rule)}.",
        )
        self._owns(rng)
        child = (len(self.born), rng.random())
        self.born[child] = rule
        return child

    @staticmethod
    def _kind(rule: Any) -> str:
        if isinstance(rule, tuple):
            return "one that isn't of this evolution, perhaps kept from an earlier call"
        if callable(rule):
            return "a function (are its brackets missing?)"
        return f"a value of type {type(rule).__name__}"

    def _owns(self, rng: Any) -> None:
        refuse(
            self is not type(self).latest,
            "fresh or mutate is one that an earlier call was given: take them from this call's arguments.",
        )
        refuse(
            rng is not self.rng,
            "fresh or mutate gets another generator than you were given: hand on `rng` itself, as it comes.",
        )

    def train(self, rule: Rule, task: str, seed: int) -> float:
        refuse(
            self is not type(self).latest,
            "train is one that an earlier call was given: take it from this call's arguments.",
        )
        refuse(
            not self.knows(rule),
            f"train takes one rule, train(rule, task, seed); you give {self._kind(rule)}.",
        )
        refuse(
            task not in self.tasks,
            f"train takes a task of `tasks`, train(rule, task, seed); you give {task!r}.",
        )
        refuse(
            not isinstance(seed, int) or isinstance(seed, bool),
            f"a seed is a whole number, the number of the generation; yours is {seed!r}.",
        )
        self.trained.append((rule, task, seed))
        return self.accuracy(rule, task, seed)

    def exam(self, rule: Rule) -> float:
        refuse(not self.knows(rule), f"exam takes one rule, exam(champion); you give {self._kind(rule)}.")
        self.examined.append((rule, len(self.trained)))
        return self.outside(rule)

    @staticmethod
    def accuracy(rule: Rule, task: str, seed: int) -> float:
        """Between 0.2 and 0.9, and mostly luck."""
        draw = random.Random(f"{rule[1]} {task} {seed}")
        return round(0.35 + 0.2 * rule[1] + 0.3 * draw.random() + 0.05 * len(task) / 10, 6)

    @staticmethod
    def outside(rule: Rule) -> float:
        return round(0.3 + 0.4 * random.Random(rule[1]).random(), 6)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


class _Account:
    """What each rule has scored in the generations up to one."""

    def __init__(self, world: _World, generation: int) -> None:
        self.scores: dict[Rule, list[list[float]]] = {}
        for g in range(generation + 1):
            for rule in dict.fromkeys(rule for rule, _, seed in world.trained if seed == g):
                self.scores.setdefault(rule, []).append([world.accuracy(rule, task, g) for task in world.tasks])

    def ranked(self, rules: list[Rule], key: Callable[[list[list[float]]], float], n: int) -> set[Rule]:
        return set(sorted(rules, key=lambda rule: key(self.scores[rule]), reverse=True)[:n])


def _flat(rows: list[list[float]]) -> list[float]:
    return [value for row in rows for value in row]


KEYS: dict[str, Callable[[list[list[float]]], float]] = {
    "the parents are those with the best scores of the last generation alone, so one lucky training is enough. A "
    "rule's score is the mean of all its trainings, those of earlier generations too.": lambda rows: _mean(rows[-1]),
    "the parents are those with the best single training. A rule's score is the mean of all its trainings.": (
        lambda rows: max(_flat(rows))
    ),
    "the parents are those with the largest *sum* of trainings, so age counts as quality: take the mean.": (
        lambda rows: sum(_flat(rows))
    ),
    "the parents keep the score of their first generation; a lucky one would live for ever. Take the mean of all "
    "trainings.": lambda rows: _mean(rows[0]),
    "the parents are the *worst* of the population: those with the largest mean live on.": lambda rows: (
        -_mean(_flat(rows))
    ),
    "the parents are chosen by the first task alone: a score is the mean over the tasks.": (
        lambda rows: _mean([row[0] for row in rows])
    ),
    "the parents are chosen by the last task alone: a score is the mean over the tasks.": (
        lambda rows: _mean([row[-1] for row in rows])
    ),
    "the parents are chosen by their worst training: a score is the mean of all.": lambda rows: min(_flat(rows)),
    "the parents are chosen by their very last training, one task with one seed: is a score overwritten where another "
    "should be added? It is the mean of all.": lambda rows: rows[-1][-1],
}


def _mean_of_all(rows: list[list[float]]) -> float:
    return _mean(_flat(rows))


def _judge_seeds(world: _World, n: int, n_generations: int) -> None:
    """TryAgain unless generation g trains with seed g, on all tasks, everybody once."""
    seeds = list(dict.fromkeys(seed for _, _, seed in world.trained))
    begins: dict[Rule, int] = {}
    for rule, _, seed in world.trained:
        begins.setdefault(rule, seed)
    refuse(
        len({rule for rule, _, seed in world.trained if seed == 0}) == 1 < n,
        f"the first generation is one rule in all of its {n} places: call fresh(rng) for each place.",
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
            f"only the first generation is trained, of {n_generations} that are asked for. Is there a `return` inside "
            "the loop?": seeds == [0] and n_generations > 1,
            "the seeds count from 1: the first generation has the seed 0.": seeds == list(range(1, n_generations + 1)),
            f"there are {len(seeds)} generations, of {n_generations} that are asked for. (The first, of fresh rules, "
            "is one of them.)": seeds == list(range(len(seeds))) and len(seeds) != n_generations,
            f"the seeds are {seeds[:6]}{'...' if len(seeds) > 6 else ''}; generation 0 should train with 0, generation "
            "1 with 1, and so on.": seeds != list(range(n_generations)),
        }
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
            "a rule is trained twice on the same task with the same seed: that says nothing new, and costs.",
        )
        rules = {rule for rule, _ in asked}
        refuse(
            len(asked) < len(rules) * len(world.tasks),
            f"not every rule is trained on every task ({', '.join(world.tasks)}).",
        )


def _judge_generations(world: _World, n: int, n_parents: int, n_generations: int) -> list[list[Rule]]:
    """The population of each generation; TryAgain unless the right ones live on and breed."""
    populations = [
        list(dict.fromkeys(rule for rule, _, seed in world.trained if seed == g)) for g in range(n_generations)
    ]
    never = [rule for rule in world.born if not any(rule in population for population in populations)]
    first = populations[0]
    refuse(len(first) != n, f"the first generation has {len(first)} rules; it should have {n}, all fresh.")
    for g in range(1, n_generations):
        old, new = populations[g - 1], populations[g]
        stayed = [rule for rule in new if rule in old]
        back = [rule for rule in new if rule not in old and any(rule in earlier for earlier in populations[:g])]
        newborn = [rule for rule in new if rule not in stayed and rule not in back]
        account = _Account(world, g - 1)
        best = account.ranked(old, _mean_of_all, n_parents)
        diagnose(
            {
                "the parents aren't trained again, so whoever was lucky once stays on top. They are trained with the "
                "new seed like everybody.": not stayed and len(new) == n - n_parents,
                "nobody lives on: the best `n_parents` stay in the next generation, beside their mutants.": not stayed,
                "a rule that was dropped comes back: parents come from the last generation alone.": back,
                f"{len(stayed)} rules live on; it should be the best {n_parents}.": len(stayed) != n_parents,
                f"a generation has {len(new)} rules, of {n}: {n_parents} parents, and {n - n_parents} mutants.": (
                    len(new) != n
                ),
                "new rules are fresh ones, so nothing is inherited (this is random search): after the first generation "
                "they are mutants of parents.": all(world.born[rule] is None for rule in newborn),
            }
        )
        if set(stayed) != best:
            _blame(world, populations, n_parents)
        parents = {world.born[rule] for rule in newborn}
        refuse(
            not parents <= best,
            "a mutant's parent isn't one of the best `n_parents`: only they are mutated, and their mutants not again "
            "before they have been trained.",
        )
    refuse(
        never,
        f"{len(never)} rules are made by fresh or mutate and never trained: make as many as there are places.",
    )
    return populations


def _blame(world: _World, populations: list[list[Rule]], n_parents: int) -> None:
    """TryAgain with what all choices of parents have in common."""
    for hint, key in KEYS.items():
        if all(
            set(new) & set(old) == _Account(world, g).ranked(old, key, n_parents)
            for g, (old, new) in enumerate(pairwise(populations))
        ):
            raise TryAgain(hint)
    raise TryAgain(
        "the rules that live on aren't those with the best scores. A rule's score is the mean of all its trainings: "
        "over the tasks, and over the generations it has lived in.",
    )


def _judge_breeding(student: Student) -> None:
    """TryAgain unless each parent has about as many mutants, but not exactly."""
    shares = [0, 0, 0]
    uneven = False
    for seed in range(30):
        world, _ = _run(student, ["a"], 15, 3, 2, seed)
        first = [rule for rule, _, g in world.trained if g == 0]
        best = sorted(first, key=lambda rule: world.accuracy(rule, "a", 0), reverse=True)[:3]
        mutants = [sum(parent == one for parent in world.born.values()) for one in best]
        uneven |= len(set(mutants)) > 1
        shares = [a + b for a, b in zip(shares, mutants, strict=True)]
    total = sum(shares)
    diagnose(
        {
            "only the best parent has mutants: choose a parent for each, rng.choice(parents).": shares[0] == total,
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
) -> tuple[_World, Any]:
    rng = seed if isinstance(seed, random.Random) else random.Random(hidden(seed))
    world = _World(tasks, rng)
    given = (world.train, tasks, world.exam, world.fresh, world.mutate, n, n_parents, n_generations)
    return world, student(*given, rng)


def judge_evolving(student: Student) -> None:
    """Whole evolutions, watched: seeds, populations, parents, the exam, and what is returned."""
    cases = [((10, 3, 6), ["moons", "rings"]), ((6, 1, 4), ["a", "bb", "ccc"]), ((7, 4, 5), ["a"])]
    cases += [((3, 1, 5), ["a"])] * 12  # so few that the best score of all is often that of a rule that was dropped
    for seed, ((n, n_parents, n_generations), tasks) in enumerate(cases):
        world, answer = _run(student, tasks, n, n_parents, n_generations, seed)
        _judge_seeds(world, n, n_generations)
        populations = _judge_generations(world, n, n_parents, n_generations)
        _judge_end(world, answer, populations, n_generations)
    _judge_breeding(student)
    comes_from_rng(lambda rng: [*_run(student, ["a"], 8, 3, 3, rng)[0].born.items()], random.Random)


def _judge_end(world: _World, answer: Any, populations: list[list[Rule]], n_generations: int) -> None:
    refuse(
        not isinstance(answer, tuple | list) or len(answer) != 3,
        "return three things: the champion, its score, and what exam(champion) gave.",
    )
    champion, inside, outside = answer
    refuse(
        not world.knows(champion), f"the first of what you return should be a rule, the champion; it is {champion!r}."
    )
    scores = _Account(world, n_generations - 1).scores
    diagnose(
        {
            "the exam is never taken: call exam(champion) once, at the very end, and return what it gives as the "
            "third. It is the accuracy on a task that no rule was selected for.": not world.examined,
            f"the exam is taken {len(world.examined)} times. Whoever looks twice may choose by it, and then it is held "
            "out no more: once, by the champion.": len(world.examined) > 1,
        }
    )
    last = populations[-1]
    best = max(last, key=lambda rule: _mean_of_all(scores[rule]))
    if champion != best:
        diagnose(
            {
                "the champion isn't of the last generation: a rule that was dropped long ago had a lucky score.": (
                    champion not in last
                ),
                "the champion has the best score of the *last* generation alone. Take the mean of all its "
                "trainings.": champion == max(last, key=lambda rule: _mean(scores[rule][-1])),
                "the champion is the worst of the last generation.": champion
                == min(last, key=lambda rule: _mean_of_all(scores[rule])),
            }
        )
        raise TryAgain(
            "the champion isn't the rule with the best score of the last generation, after its training. (Is it the "
            "best of the parents before it?)"
        )
    diagnose(
        {
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
                abs(inside - world.outside(champion)) < 1e-9 and abs(outside - _mean_of_all(scores[champion])) < 1e-9
            ),
            "the score that you return is that of the last generation alone: take the mean of all its trainings.": (
                abs(inside - _mean_of_all(scores[champion])) > 1e-9 and abs(inside - _mean(scores[champion][-1])) < 1e-9
            ),
        }
    )
    if abs(inside - _mean_of_all(scores[champion])) > 1e-9:
        raise TryAgain(
            f"the score is {inside:.6g}, but the mean of all the champion's trainings is "
            f"{_mean_of_all(scores[champion]):.6g}.",
            names_fault=False,
        )
    if abs(outside - world.outside(champion)) > 1e-9:
        raise TryAgain(
            f"the third is {outside:.6g}, but exam(champion) gave {world.outside(champion):.6g}.", names_fault=False
        )
