"""What lab 5 asks of a loop whose operators can be switched off: who breeds, what is handed on, what is returned."""

from itertools import combinations, pairwise
from typing import Any

import torch
from torch import Tensor

from coursekit.feedback import Student, TryAgain
from coursekit.labs.tensors import comes_from_rng, seeded, tensor
from neuroevo import ga

__all__ = ["everything_is_on", "something_is_off"]

UNSELECTED = "children come from genomes that were not selected: take the rows that select returns."


class Watch:
    """Operators that keep what goes through them: populations, fitness, what crossover returned, who was mutated."""

    def __init__(self, rng: torch.Generator) -> None:
        self.rng = rng
        self.seen: list[Tensor] = []
        self.asked: list[tuple[int, Tensor]] = []  # with the number of the generation scored last
        self.rows: dict[int, Tensor] = {}
        self.born: list[Tensor] = []
        self.parents: dict[int, tuple[Tensor, Tensor]] = {}
        self.mutants: dict[int, Tensor] = {}

    def score(self, population: Tensor) -> Tensor:
        """The sum of the genes."""
        self.seen.append(population.clone())
        return population.sum(-1)

    def _holds(self, rng: Any, by_place: tuple[Any, ...], name: str) -> None:
        given = by_place[0] if by_place else rng
        if not isinstance(given, torch.Generator):
            raise TryAgain(
                f"{name} gets something of type {type(given).__name__} where its generator belongs: hand on rng=rng."
            )
        if given is not self.rng:
            raise TryAgain(f"{name} gets another generator than yours: hand on the one that came in, rng=rng.")
        if by_place:
            raise TryAgain(
                f"hand the generator on to {name} by its name, rng=rng: in your own operators it has another place."
            )

    def select(self, fitness: Tensor, n_draws: int, *by_place: Any, rng: Any = None) -> Tensor:
        """Tournaments of two."""
        self._holds(rng, by_place, "select")
        now, rows = len(self.seen) - 1, ga.tournament(fitness, n_draws, rng)
        self.asked.append((now, fitness.clone()))
        self.rows[now] = torch.cat([self.rows.get(now, rows[:, :0]), rows], dim=-1)
        return rows

    def crossover(self, mothers: Tensor, fathers: Tensor, *by_place: Any, rng: Any = None) -> Tensor:
        """Uniform crossover."""
        self._holds(rng, by_place, "crossover")
        if torch.equal(mothers, fathers) and mothers.shape[1] > 1:
            alone = bool((mothers == mothers[:, :1]).all())
            raise TryAgain(
                "all children of a run have the same mother, who is their father, too: draw a row for each."
                if alone
                else "mothers and fathers are the same genomes: take two halves of the rows."
            )
        now = len(self.seen) - 1
        earlier = self.parents.get(now, (mothers[:, :0], fathers[:, :0]))
        self.parents[now] = torch.cat([earlier[0], mothers], dim=1), torch.cat([earlier[1], fathers], dim=1)
        self.born.append(ga.cross(mothers, fathers, ga.uniform(tuple(mothers.shape), rng)))
        return self.born[-1].clone()

    def mutate(self, children: Tensor, *by_place: Any, rng: Any = None) -> None:
        """A little noise on every gene."""
        self._holds(rng, by_place, "mutate")
        if not children.is_contiguous():
            raise TryAgain("mutate gets a window into another tensor: let children be a copy, mothers.clone().")
        children += 0.01 * torch.randn(children.shape, generator=rng)
        now = len(self.seen) - 1
        self.mutants[now] = torch.cat([self.mutants.get(now, children[:, :0]), children], dim=1)


def is_in(genomes: Tensor, population: Tensor) -> Tensor:
    """Which genomes (r, k, p) are rows of their run's population (r, n, p): (r, k)."""
    return (genomes.unsqueeze(2) == population.unsqueeze(1)).all(-1).any(-1)


def _run(student: Student, n_runs: int, n: int, *off: str, rng: torch.Generator | None = None) -> Watch:
    """What a run of n generations asked of its operators; TryAgain if it loses its elite or its score."""
    rng = rng or seeded(58)
    watch, start = Watch(rng), torch.randn(n_runs, 12, 5, generator=seeded(57))
    operators = [None if name in off else getattr(watch, name) for name in ("select", "crossover", "mutate")]
    are, them = ("are", "them") if len(off) > 1 else ("is", "it")
    is_none = f"{' and '.join(off)} {are} None: that switches {them} off. Ask `if ... is None` first."
    no_children = (
        "your children are None: mutate works in place and returns nothing, so `children = mutate(...)` loses them. "
        "Write mutate(children, rng=rng) on a line of its own."
    )
    told = student.telling(
        {
            ((TypeError, AttributeError), "NoneType' object is not callable"): is_none,
            ((TypeError, AttributeError), "NoneType"): "" if "mutate" in off else no_children,
        }
    )
    best = told(watch.score, start, n, *operators, rng)
    if len(watch.seen) != n:
        twice = any(torch.equal(now, late) for now, late in pairwise(watch.seen))
        why = "Score a generation only once." if twice else "The first one counts, and each is scored once."
        if len(watch.seen) == 1:
            why = "The offspring are not scored anew."
        raise TryAgain(f"score is called {len(watch.seen)} times for {n} generations. {why}")
    for population in watch.seen:
        if population.shape != start.shape:
            raise TryAgain(
                f"a population of shape {tuple(population.shape)} is scored, not {tuple(start.shape)}: one elite "
                "and 11 children are 12 again, in every run."
            )
    if not torch.equal(watch.seen[0], start):
        raise TryAgain("the first generation to be scored is the population that came in, as it is.")
    best = tensor(best, (n_runs, n), "the best of each generation")
    for now, late in pairwise(watch.seen):
        champion = ga.take(now, now.sum(-1).argmax(-1, keepdim=True))
        if torch.equal(champion, late[:, :1]):
            continue
        if bool(is_in(champion, late).all()):
            raise TryAgain("the elite is not in row 0: put it before the children, torch.cat([elite, children], 1).")
        if float((champion - late[:, :1]).abs().max()) < 0.1:
            raise TryAgain("the elite is mutated: put it beside the children only after `mutate`.")
        raise TryAgain("the best genome of a generation is not in the next one: row 0 should be this elite.")
    if not torch.allclose(best, torch.stack([population.sum(-1).amax(-1) for population in watch.seen], -1)):
        raise TryAgain("what you return isn't the largest fitness of each generation, one column a generation.")
    return watch


def everything_is_on(student: Student) -> None:
    """Three runs with all operators: what they get, and whose children are scored."""
    watch = _run(student, 3, 6)
    if len(watch.asked) < 5 or len(watch.born) < 5:
        raise TryAgain("select or crossover isn't called in every generation, though both are switched on.")
    for generation, asked in watch.asked:
        fitness = watch.seen[generation].sum(-1)
        if torch.equal(asked, -fitness):
            raise TryAgain("select gets the fitness with its sign flipped, so the worst breed.")
        if not torch.equal(asked, fitness):
            raise TryAgain("select gets the fitness of another generation: give it what was scored last.")
    for rows in watch.rows.values():
        if rows.shape[1] != 22:
            raise TryAgain(
                f"select is asked for {rows.shape[1]} rows in a generation: two for each of the 11 children are 22."
            )
    for generation, (mothers, fathers) in watch.parents.items():
        selected = ga.take(watch.seen[generation], watch.rows[generation])
        first, second = selected.chunk(2, dim=-2)
        if not bool(is_in(torch.cat([mothers, fathers], dim=-2), selected).all()):
            raise TryAgain(UNSELECTED)
        if torch.equal(mothers, second) and torch.equal(fathers, first):
            raise TryAgain("mothers and fathers are swapped: the first half of the rows are the mothers.")
        if not (torch.equal(mothers, first) and torch.equal(fathers, second)):
            raise TryAgain(
                "mothers should be the first half of the rows that select returns, and fathers the second half: "
                "chunk(2, dim=-2) of the genomes in these rows, in this order."
            )
    _work_is_done(watch)


def _work_is_done(watch: Watch, *off: str) -> None:
    """TryAgain unless every operator that is on has worked in each generation, and its work is what comes next."""
    when = f", with {' and '.join(off)} switched off" if off else ""
    for name, calls in (("select", watch.rows), ("crossover", watch.parents), ("mutate", watch.mutants)):
        if name not in off and len(calls) < len(watch.seen) - 1:
            raise TryAgain(f"{name} isn't called in every generation{when}, though it is switched on.")
    for generation, late in enumerate(watch.seen[1:]):
        if "mutate" in off:
            continue
        mutants = watch.mutants[generation]
        if mutants.shape[1] > 11:
            raise TryAgain(
                f"mutate gets {mutants.shape[1]} genomes where 11 children are born{when}: call it once, for them."
            )
        if not bool(is_in(late[:, 1:], mutants).all()):
            raise TryAgain(f"the children that are scored next are not those that mutate has changed in place{when}.")


def something_is_off(student: Student) -> None:
    """A copy of the mother, a child of crossover, an even draw; and all randomness from rng."""
    watch = _run(student, 3, 6, "crossover", "mutate")
    for generation, (now, late) in enumerate(pairwise(watch.seen)):
        if not bool(is_in(late, now).all()):
            raise TryAgain("with crossover and mutate switched off a child should be a copy of its mother.")
        selected = ga.take(now, watch.rows[generation])
        if not bool(is_in(late[:, 1:], selected).all()):
            raise TryAgain(UNSELECTED)
        if not bool(is_in(late[:, 1:], selected[:, : late.shape[1] - 1]).all()):
            raise TryAgain(
                "with crossover switched off a child is a copy of a mother, from the first half of the rows."
            )
    watch = _run(student, 3, 4, "mutate")
    if not all(bool(is_in(born, late).all()) for born, late in zip(watch.born, watch.seen[1:], strict=False)):
        raise TryAgain("with mutate switched off the children should be what crossover returns; yours differ.")
    for off in ((), ("select", "crossover", "mutate")):
        comes_from_rng(
            lambda rng, off=off: _run(student, 2, 4, *off, rng=rng).seen,
            elsewhere="two calls with the same seed differ, so there is another source of randomness. Give "
            "torch.randint the generator too: generator=rng.",
        )
    first, second = _run(student, 200, 2, "select", "crossover", "mutate").seen
    bred = (second[:, 1:].unsqueeze(2) == first.unsqueeze(1)).all(-1)
    if torch.equal(bred, bred[:1].expand_as(bred)):
        raise TryAgain(
            "with select switched off all runs draw the same rows: draw them in the shape (n_runs, n_draws)."
        )
    counts = bred.sum(1)
    if bool((counts <= 1).all()):
        raise TryAgain(
            "with select switched off everybody gets one child: draw rows evenly *with* replacement (torch.randint), "
            "or you switch chance off too."
        )
    if bool((counts <= 2).all()):
        raise TryAgain(
            "with select switched off no genome of 200 runs has three children. Draw rows evenly *with* replacement "
            "(torch.randint): some are drawn three times then, and some never."
        )
    by_rank = ga.take(counts.unsqueeze(-1), first.sum(-1).argsort(-1)).squeeze(-1)
    for share in (counts.float().mean(0) / 11, by_rank.float().mean(0) / 11):
        if float(share.max()) > 0.15 or float(share.min()) < 0.03:
            raise TryAgain(f"with select switched off all 12 genomes should breed evenly; one has {share.max():.0%}.")
    for n_off in range(1, 4):
        for some in combinations(("select", "crossover", "mutate"), n_off):
            _work_is_done(_run(student, 2, 3, *some), *some)
    for parents in _run(student, 2, 3, "select", "mutate").parents.values():
        if any(bool((one == one[:, :1]).all()) for one in parents):
            raise TryAgain("with select switched off all children of a run have the same mother, or father: draw each.")
