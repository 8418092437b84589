"""A world in which lab 16's outer loop evolves: rules, trainings, an exam, and a log of all that is asked for."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from coursekit.feedback import refuse

__all__ = ["Account", "Rule", "World", "mean"]

Rule = tuple[int, float]


@dataclass
class World:
    """Rules that are numbers, trainings that are draws, and a log of all that is asked for."""

    tasks: list[str]
    rng: random.Random
    trained: list[tuple[Rule, str, int]] = field(default_factory=list)
    born: dict[Rule, Rule | None] = field(default_factory=dict)  # its parent; None if it is fresh
    examined: list[tuple[Rule, int]] = field(default_factory=list)  # and how many trainings there had been

    latest: ClassVar["World"]

    def __post_init__(self) -> None:
        type(self).latest = self

    def knows(self, rule: Any) -> bool:
        """Whether this is one of its rules."""
        return self._is_rule(rule) and rule in self.born

    def fresh(self, rng: random.Random) -> Rule:
        """A new rule, of no parent."""
        self._owns(rng, "fresh")
        rule = (len(self.born), rng.random())
        self.born[rule] = None
        return rule

    def mutate(self, rule: Rule, rng: random.Random) -> Rule:
        """A child of a rule."""
        refuse(
            not self.knows(rule),
            f"mutate takes one rule, mutate(rule, rng); you give {self._kind(rule)}.",
        )
        self._owns(rng, "mutate")
        child = (len(self.born), rng.random())
        self.born[child] = rule
        return child

    @staticmethod
    def _is_rule(rule: Any) -> bool:
        return isinstance(rule, tuple) and [type(part) for part in rule] == [int, float]

    def _kind(self, rule: Any) -> str:
        if self._is_rule(rule):
            return "one that isn't of this evolution, perhaps kept from an earlier call"
        if callable(rule):
            return "a function (are its brackets missing?)"
        if isinstance(rule, tuple | list):
            return f"a {type(rule).__name__} of {len(rule)}, {str(rule)[:60]}"
        return f"a value of type {type(rule).__name__}"

    def _owns(self, rng: Any, name: str) -> None:
        refuse(
            self is not type(self).latest,
            f"{name} is one that an earlier call was given: take it from this call's arguments.",
        )
        refuse(
            not hasattr(rng, "random"),
            f"{name} gets a value of type {type(rng).__name__} where `rng` belongs: hand on `rng` itself, as it comes.",
        )
        refuse(
            rng is not self.rng,
            f"{name} gets another generator than you were given: hand on `rng` itself, as it comes.",
        )

    def train(self, rule: Rule, task: str, seed: int) -> float:
        """The accuracy of one training, which is written down."""
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
        """The accuracy on a task that nobody trains on, which is written down."""
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
        """What the exam says of a rule."""
        return round(0.3 + 0.4 * random.Random(rule[1]).random(), 6)


def mean(values: Sequence[float]) -> float:
    """Their mean."""
    return sum(values) / len(values)


class Account:
    """What each rule has scored in the generations up to one."""

    def __init__(self, world: World, generation: int) -> None:
        self.scores: dict[Rule, list[list[float]]] = {}
        for g in range(generation + 1):
            for rule in dict.fromkeys(rule for rule, _, seed in world.trained if seed == g):
                self.scores.setdefault(rule, []).append([world.accuracy(rule, task, g) for task in world.tasks])

    def ranked(self, rules: list[Rule], key: Callable[[list[list[float]]], float], n: int) -> set[Rule]:
        """The best n of these rules, by what the key makes of their scores."""
        return set(sorted(rules, key=lambda rule: key(self.scores[rule]), reverse=True)[:n])
