"""What lab 5 asks of a loop whose operators can be switched off: who breeds, what is handed on, what is returned."""

from collections import Counter
from itertools import combinations, pairwise
from operator import index
from typing import Any

import torch
from torch import Tensor

from coursekit.feedback import Student, TryAgain
from coursekit.labs.tensors import comes_from_rng, seeded, tensor
from neuroevo import ga

__all__ = ["everything_is_on", "something_is_off"]

UNSELECTED = (
    "some parents are genomes of the generation that was scored last, but were not selected: take the rows that select "
    "returns, in each run its own."
)
STRANGERS = "some parents are no genomes of their run in the generation that was scored last: take them from there."
NOT_GIVEN = object()  # None may be given


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
        self.mutations: Counter[int] = Counter()  # calls of mutate in each generation

    def score(self, population: Tensor) -> Tensor:
        """The sum of the genes."""
        self.seen.append(population.clone())
        return population.sum(-1)

    def _holds(self, rng: Any, by_place: tuple[Any, ...], name: str) -> None:
        given = by_place[0] if by_place else rng
        if given is NOT_GIVEN:
            raise TryAgain(f"{name} is called without a generator: hand on rng=rng.")
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

    def select(self, fitness: Tensor, n_draws: int, *by_place: Any, rng: Any = NOT_GIVEN) -> Tensor:
        """Tournaments of two."""
        self._holds(rng, by_place, "select")
        try:
            n_draws = index(n_draws)
        except TypeError:
            many = f"{round(n_draws, 4)} rows" if isinstance(n_draws, float) else f"a {type(n_draws).__name__} of rows"
            raise TryAgain(
                f"select is asked for {many}: a whole number is needed, and two for each of the 11 children are 22."
            ) from None
        now, rows = len(self.seen) - 1, ga.tournament(fitness, n_draws, rng)
        self.asked.append((now, fitness.clone()))
        self.rows[now] = torch.cat([self.rows.get(now, rows[:, :0]), rows], dim=-1)
        return rows

    def crossover(self, mothers: Tensor, fathers: Tensor, *by_place: Any, rng: Any = NOT_GIVEN) -> Tensor:
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

    def mutate(self, children: Tensor, *by_place: Any, rng: Any = NOT_GIVEN) -> None:
        """A little noise on every gene."""
        self._holds(rng, by_place, "mutate")
        if not children.is_contiguous():
            raise TryAgain("mutate gets a window into another tensor: let children be a copy, mothers.clone().")
        children += 0.01 * torch.randn(children.shape, generator=rng)
        now = len(self.seen) - 1
        self.mutations[now] += 1
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
    is_none = (
        f"None is called. {' and '.join(off)} {are} None here: that switches {them} off. Ask `if ... is None` first."
    )
    no_children = (
        "a None stands where something is needed ({error}). Is it what mutate gave back? mutate works in place and "
        "returns nothing, so `children = mutate(...)` loses them: call it on a line of its own."
    )
    told = student.telling(
        {
            ((TypeError, AttributeError), "NoneType' object is not callable"): is_none if off else "",
            ((TypeError, AttributeError), "NoneType"): "" if "mutate" in off else no_children,
        }
    )
    best = told(watch.score, start, n, *operators, rng)
    if len(watch.seen) != n:
        twice = any(torch.equal(now, late) for now, late in pairwise(watch.seen))
        why = "The first one counts, and each is scored once."
        if twice:
            why = "One population is scored twice running: score each generation once."
        if len(watch.seen) == 1:
            why = "Are the offspring scored anew, or does your loop end too early?"
        times = "once" if len(watch.seen) == 1 else f"{len(watch.seen)} times"
        raise TryAgain(f"score is called {times} where n_generations is {n}. {why}")
    for population in watch.seen:
        if population.shape != start.shape:
            raise TryAgain(
                f"a population of shape {tuple(population.shape)} is scored, not {tuple(start.shape)}: one elite "
                "and 11 children are 12 again, in every run."
            )
    if not torch.equal(watch.seen[0], start):
        raise TryAgain(
            "what you score first is not the population that came in, as it is: that is the first generation."
        )
    best = tensor(best, (n_runs, n), "the best of each generation").float()
    for generation in range(n - 1):
        _has_its_elite(watch, generation)
    _is_the_best(best, torch.stack([population.sum(-1) for population in watch.seen], -1))
    return watch


def _has_its_elite(watch: Watch, generation: int) -> None:
    """TryAgain unless the best of a generation is row 0 of the next."""
    now, late = watch.seen[generation : generation + 2]
    champion, first = ga.take(now, now.sum(-1).argmax(-1, keepdim=True)), late[:, :1]
    if torch.equal(champion, first):
        return
    if torch.equal(now, late):
        raise TryAgain("the next generation is the old one, unchanged: elite and children should take its place.")
    if bool(is_in(champion, late).all()):
        raise TryAgain("the elite is not in row 0: put it before the children, torch.cat([elite, children], 1).")
    if generation in watch.mutants and bool(is_in(first, watch.mutants[generation]).all()):
        if float((champion - first).abs().max()) < 0.1:  # ten standard deviations of what mutate adds
            raise TryAgain("the elite is mutated: put it beside the children only after `mutate`.")
        raise TryAgain(
            "row 0 of a new generation is a child, not the best genome of the old one: row 0 is the elite's."
        )
    if torch.equal(ga.take(now, now.sum(-1).argmin(-1, keepdim=True)), first):
        raise TryAgain("row 0 of a new generation is the worst genome of the old one: it should be the best.")
    if torch.equal(now[:, :1], first):
        raise TryAgain("row 0 of a new generation is row 0 of the old one: it should be the best genome.")
    run = int((champion != first).flatten(1).any(1).nonzero()[0, 0])
    whose = "another genome" if bool(is_in(first, now)[run]) else "no genome"
    raise TryAgain(
        "row 0 of a new generation should be the elite, the best genome of its run in the old one, unchanged: in run "
        f"{run} (from 0 on) it is {whose} of that generation."
    )


def _is_the_best(best: Tensor, fitness: Tensor) -> None:
    """TryAgain unless these are the largest fitnesses (r, n, generations), along the genomes."""
    due = fitness.amax(1)
    if torch.allclose(best, due):
        return
    for n in range(4):
        if torch.allclose(best, due.round(decimals=n)):
            raise TryAgain(f"what you return is rounded to {n} decimals; keep them all.")
    run, generation = divmod(int((best - due).abs().argmax()), due.shape[1])
    kinds = {"the mean": fitness.mean(1), "the smallest": fitness.amin(1), "that of row 0": fitness[:, 0]}
    what = next((f", {name}" for name, other in kinds.items() if torch.allclose(best, other, atol=1e-5)), "")
    raise TryAgain(
        "what you return isn't the largest fitness of each generation, one column a generation: of run "
        f"{run} and generation {generation} (from 0 on) it is {float(due[run, generation]):.4g}, and yours is "
        f"{float(best[run, generation]):.4g}{what}."
    )


def everything_is_on(student: Student) -> None:
    """Three runs with all operators: what they get, and whose children are scored."""
    watch = _run(student, 3, 6)
    _are_called(watch, select=watch.rows, crossover=watch.parents)
    for generation, asked in watch.asked:
        fitness = watch.seen[generation].sum(-1)
        if torch.equal(asked, -fitness):
            raise TryAgain("select gets the fitness with its sign flipped, so the worst breed.")
        if not torch.equal(asked, fitness):
            if any(torch.equal(asked, other.sum(-1)) for other in watch.seen):
                raise TryAgain("select gets the fitness of another generation: give it what was scored last.")
            raise TryAgain(f"select should get what score returned last, as it is; {_difference(asked, fitness)}.")
    for rows in watch.rows.values():
        if rows.shape[1] != 22:
            raise TryAgain(
                f"select is asked for {rows.shape[1]} rows in a generation: two for each of the 11 children are 22."
            )
    for generation, (mothers, fathers) in watch.parents.items():
        selected = ga.take(watch.seen[generation], watch.rows[generation])
        first, second = selected.chunk(2, dim=-2)
        both = torch.cat([mothers, fathers], dim=-2)
        if not bool(is_in(both, selected).all()):
            raise TryAgain(UNSELECTED if bool(is_in(both, watch.seen[generation]).all()) else STRANGERS)
        if torch.equal(mothers, second) and torch.equal(fathers, first):
            raise TryAgain("mothers and fathers are swapped: the first half of the rows are the mothers.")
        if not (torch.equal(mothers, first) and torch.equal(fathers, second)):
            raise TryAgain(
                "mothers should be the first half of the rows that select returns, and fathers the second half: "
                "chunk(2, dim=-2) of the genomes in these rows, in this order."
            )
    _work_is_done(watch)


def _difference(given: Tensor, due: Tensor) -> str:
    """What tells two tensors apart, in words."""
    if given.shape != due.shape:
        return f"it gets the shape {tuple(given.shape)}, where {tuple(due.shape)} is due"
    run, row = (given != due).nonzero()[0].tolist()
    return f"for row {row} of run {run} it gets {float(given[run, row]):.4g}, where {float(due[run, row]):.4g} is due"


def _are_called(watch: Watch, when: str = "", **calls: dict[int, Any]) -> None:
    """TryAgain unless these operators were called in each generation but the last."""
    due = range(len(watch.seen) - 1)
    for name, generations in calls.items():
        if missing := set(due) - set(generations):
            raise TryAgain(
                f"{name} isn't called in every generation{when}, though it is switched on: in {len(missing)} of "
                f"{len(due)} it is missing."
            )


def _work_is_done(watch: Watch, *off: str) -> None:
    """TryAgain unless every operator that is on has worked in each generation, and its work is what comes next."""
    when = f", with {' and '.join(off)} switched off" if off else ""
    calls: dict[str, dict[int, Any]] = {"select": watch.rows, "crossover": watch.parents, "mutate": watch.mutants}
    _are_called(watch, when, **{name: made for name, made in calls.items() if name not in off})
    for generation, late in enumerate(watch.seen[1:]):
        if "mutate" in off:
            continue
        mutants, times = watch.mutants[generation], watch.mutations[generation]
        pairs = [len(one[0]) for one in watch.parents.get(generation, ())]
        if pairs and pairs != [11, 11]:
            raise TryAgain(
                f"crossover gets {pairs[0]} mothers and {pairs[1]} fathers of a run{when}, where 11 children are due: "
                "as many mothers, and as many fathers."
            )
        if mutants.shape[1] != 11:
            raise TryAgain(
                f"mutate gets {mutants.shape[1]} genome{'s' * (mutants.shape[1] > 1)}{when}, in {times} "
                f"call{'s' * (times > 1)}, where 11 children are due: hand them to it once, all of them, and nobody "
                "else."
            )
        if not bool(is_in(late[:, 1:], mutants).all()):
            raise TryAgain(
                f"the children that are scored next are not as mutate left them in place{when}. Does it get a copy of "
                "them, or are they changed after it?"
            )


def something_is_off(student: Student) -> None:
    """A copy of the mother, a child of crossover, an even draw; and all randomness from rng."""
    watch = _run(student, 3, 6, "crossover", "mutate")
    _are_called(watch, ", with crossover and mutate switched off", select=watch.rows)
    for generation, (now, late) in enumerate(pairwise(watch.seen)):
        if not bool(is_in(late, now).all()):
            raise TryAgain(
                "with crossover and mutate switched off a child should be a copy of its mother, but some are no genome "
                "of the generation before."
            )
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
        when = " with all three operators switched off" if off else ""
        comes_from_rng(
            lambda rng, off=off: _run(student, 2, 4, *off, rng=rng).seen,
            of=f"what is scored{when}",
            inside=f"two different generators give the same draws{when}: draw from `rng` as it goes on, seed nothing "
            "inside.",
            repeats=f"a second call with the same generator repeats the first{when}: draw from `rng` as it goes on, "
            "and seed nothing inside.",
        )
    first, second = _run(student, 200, 2, "select", "crossover", "mutate").seen
    bred = (second[:, 1:].unsqueeze(2) == first.unsqueeze(1)).all(-1)
    if not bool(bred.any(-1).all()):
        raise TryAgain("with all three switched off a child should be a copy of a genome; some of yours are none.")
    if torch.equal(bred, bred[:1].expand_as(bred)):
        raise TryAgain(
            "with select switched off all runs draw the same rows: draw them in the shape (n_runs, n_draws)."
        )
    counts = bred.sum(1)
    if bool((counts <= 1).all()):
        raise TryAgain(
            "with select switched off nobody has more than one child, in 200 runs: draw rows evenly *with* replacement "
            "(torch.randint), or you switch chance off too."
        )
    if bool((counts <= 2).all()):
        raise TryAgain(
            "with select switched off no genome of 200 runs has three children. Draw rows evenly *with* replacement "
            "(torch.randint): some are drawn three times then, and some never."
        )
    by_rank = ga.take(counts.unsqueeze(-1), first.sum(-1).argsort(-1)).squeeze(-1)
    by_row, by_fitness = counts.float().mean(0) / 11, by_rank.float().mean(0) / 11
    for share in (by_row, by_fitness):
        if float(share.max()) > 0.15 or float(share.min()) < 0.03:
            off_most = share.max() if float(share.max()) > 0.15 else share.min()
            raise TryAgain(
                "with select switched off all 12 genomes should breed evenly, and have 8 % of the children each; in "
                f"200 runs one {'row' if share is by_row else 'rank in fitness'} has {off_most:.0%}."
            )
    for n_off in range(1, 4):
        for some in combinations(("select", "crossover", "mutate"), n_off):
            _work_is_done(_run(student, 2, 3, *some), *some)
    for parents in _run(student, 2, 3, "select", "mutate").parents.values():
        if any(bool((one == one[:, :1]).all()) for one in parents):
            raise TryAgain("with select switched off all children of a run have the same mother, or father: draw each.")
