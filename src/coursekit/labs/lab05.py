"""The checks of lab 5, "A genetic algorithm": five operators, a test that finds broken ones, and switches."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from coursekit.feedback import Constant, Lab, Student, TryAgain
from coursekit.labs.lab05_fitness import judge_fitness
from coursekit.labs.lab05_mutating import judge_mutation
from coursekit.labs.lab05_planted import BROKEN, FAR_OFF, SELECTION, WIN, Chances, breed, breed_in_another_order
from coursekit.labs.lab05_switches import everything_is_on, something_is_off
from coursekit.labs.tensors import comes_from_rng, looks_normal, seeded, tensor

# Exercise 5.6 calls the student's test some hundred times.
LAB = Lab(
    5,
    "A genetic algorithm",
    time_limit=20,
    varies={"5.1": Constant("std"), "5.2": Constant(), "5.5": Constant("scale")},
)
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published


# 5.1 A first generation


@LAB.exercise(
    "5.1", "create_random_networks(n_runs, n_genomes, n_params, std, rng)", title="A first generation", points=2
)
def _(student: Student) -> None:
    def draw(rng: torch.Generator, std: float = 0.3, shape: tuple[int, int, int] = (3, 40, 200)) -> Tensor:
        what = "the population of {} runs, {} genomes and {} parameters".format(*shape)
        return tensor(student(*shape, std, rng), shape, what)

    for std, shape in ((0.3, (3, 40, 200)), (3.0, (2, 50, 300))):  # no other is 2 times, or half of, its square or 1
        population = draw(seeded(51), std, shape)
        if (n_different := len(population.unique())) == 1:
            raise TryAgain(f"all numbers of the population are {float(population.max()):g}: draw each of them.")
        if torch.equal(population[:, :1].expand(shape), population):
            raise TryAgain("all genomes of a run are the same: selection has nothing to choose from. Draw each anew.")
        if torch.equal(population[:1].expand(shape), population):
            raise TryAgain("all runs start from the same genomes, so they aren't independent. Draw every run anew.")
        if torch.equal(population[..., :1].expand(shape), population):
            raise TryAgain("all numbers of a genome are the same: draw each of them.")
        if n_different < 5000:
            raise TryAgain(
                f"many numbers of the population are the same: of {population.numel()} only {n_different} are "
                "different. Are they rounded, or is one draw used in several places?"
            )
        looks_normal(population, std, f"the population for std = {std:g}")
    comes_from_rng(draw)


# 5.2 Fitness

LAB.exercise("5.2", "fitness_function(population, x, y)", title="Fitness", points=2)(judge_fitness)


# 5.3 Selection


@LAB.exercise("5.3", "select_parents(fitness, n_draws, rng, size)", title="Who breeds?", points=2)
def _(student: Student) -> None:
    def draw(fitness: Tensor, n_draws: int, rng: torch.Generator, size: int) -> Tensor:
        rows = tensor(student(fitness, n_draws, rng, size), (len(fitness), n_draws), "the rows", whole=True)
        if int(rows.min()) < 0 or int(rows.max()) >= fitness.shape[1]:
            row = int(rows.min() if int(rows.min()) < 0 else rows.max())
            raise TryAgain(f"row {row} is outside a population of {fitness.shape[1]} (rows count from 0).")
        return rows

    eight = torch.tensor([[3.0, 1, 4, 1.5, 9, 2.5, 6, 5]] * 2)
    runs = torch.cat([draw(eight, 40, seeded(n), 2) for n in range(6)])
    if bool((runs == 4).all()):
        raise TryAgain("one genome, the best of the run, wins all tournaments. Chance should choose who competes.")
    if bool((runs == runs[0, 0]).all()):
        raise TryAgain(f"row {int(runs[0, 0])} wins all tournaments of all runs. Chance should choose who competes.")
    if bool((runs == runs[:, :1]).all()):
        raise TryAgain(
            "one genome wins all tournaments of a run, now this one, now that. Have they all the same entrants? "
            "Shuffle a deck for every draw, torch.rand(n_runs, n_draws, n_genomes, generator=rng); one deck that is "
            "expanded deals the same cards again."
        )
    if torch.equal(*draw(eight, 50, seeded(3), 2)):
        raise TryAgain(
            "two runs with the same fitness have the same winners in every draw. Do they hold the same tournaments? "
            "Draw entrants of shape (n_runs, n_draws, ...), and let each run have winners of its own."
        )
    comes_from_rng(lambda rng: draw(eight, 40, rng, 2))
    small = torch.cat([draw(eight, 4, seeded(n), 2) for n in range(60)])
    if all(len(set(rows)) == 4 for rows in small.tolist()):
        raise TryAgain("no genome ever wins twice. Tournaments are independent: a good genome may win many of them.")
    cases = [
        (torch.tensor([[2.0, -1, 7, 0, 5], [1, 8, 3, 9, 4]]), 3),
        (torch.tensor([[0.3, 0.1, 0.6, 0.2, 0.5, 0.4], [-6, -2, -3, -1, -5, -4]]), 4),
    ]
    drawn = [
        torch.stack([torch.bincount(r, minlength=f.shape[1]) for r in draw(f, 10_000, seeded(53), n)]) for f, n in cases
    ]

    # 10,000 draws stray from their chances by 0.01 or so (half the sum of the differences); 0.04 never happens.
    def fits(chances: Chances, run: int | None = None) -> bool:
        return all(
            float((counts / 10_000 - torch.tensor([chances(row, n) for row in rows])).abs().sum(-1).max()) / 2 < 0.04
            for counts, (f, n) in zip(drawn, cases, strict=True)
            for rows in [f.tolist() if run is None else [f[run].tolist()] * 2]
        )

    if fits(WIN):
        return
    for hint, mistake in SELECTION.items():
        if fits(mistake):
            raise TryAgain(hint)
    if fits(WIN, run=0):
        raise TryAgain("every run uses the fitness of run 0: look the entrants up in their own run.")
    odds = [torch.tensor([WIN(row, n) for row in f.tolist()]) for f, n in cases]
    off = [counts / 10_000 - chance for counts, chance in zip(drawn, odds, strict=True)]
    case = max(range(len(cases)), key=lambda i: float(off[i].abs().max()))
    run, row = divmod(int(off[case].abs().argmax()), off[case].shape[1])
    raise TryAgain(
        f"for fitness {[round(v, 1) for v in cases[case][0][run].tolist()]} and size {cases[case][1]} row {row} should "
        f"win {100 * float(odds[case][run, row]):.0f} % of the tournaments; with you it wins "
        f"{float(drawn[case][run, row]) / 100:.0f} %. Has each tournament `size` different entrants, and its own?"
    )


# 5.4 Crossover


@LAB.exercise(
    "5.4",
    "crossover(mothers, fathers, blocks, rng)",
    title="Children in blocks",
    points=2,
    on_error={
        ((IndexError, RuntimeError), r"index \d+ is out of bounds"): "you look up what isn't there ({error}). If it is "
        "the coin of a block: blocks are numbered from 0, so there are blocks.max() + 1 of them, and coins[..., "
        "blocks] looks along the last axis."
    },
    in_place="your function writes into `{name}`. (`children = mothers`, too, is only a second name for the same "
    "tensor, not a copy.) Make a new tensor, with torch.where or with sums.",
)
def _(student: Student) -> None:
    def draw(blocks: list[int], rng: torch.Generator) -> tuple[Tensor, Tensor]:
        mothers = torch.arange(1.0625, 2000 * len(blocks) + 1).view(2, 1000, -1)
        fathers = 50_000 + mothers
        answer = student(mothers, fathers, torch.tensor(blocks), rng)
        if isinstance(answer, Tensor) and not bool(answer.any()):
            raise TryAgain("all that you return is 0: nothing of the parents arrives in their children.")
        if isinstance(answer, Tensor) and bool(((answer == 0) | (answer == 1)).all()):
            raise TryAgain(
                "all that you return is 0 or 1. Are these shares, as the chapter's crossovers return them? Mix the "
                "parents by them."
            )
        children = tensor(answer, tuple(mothers.shape), "the children")
        mine = children == mothers
        odd = ~mine & (children != fathers)
        fathers_are_missing, mothers_are_missing = not bool((children == fathers).any()), not bool(mine.any())
        missing = "father's" if fathers_are_missing else "mother's" if mothers_are_missing else "one parent's"
        for value, wrong in (
            ((mothers + fathers) / 2, "genes are the averages of their parents'. Here a gene comes whole from one."),
            (mothers + fathers, "genes are the sums of mother's and father's: a gene is one or the other."),
            (torch.zeros(()), f"genes are lost, and 0: where they should be the {missing}, nothing arrives."),
        ):
            if bool(odd.any()) and torch.equal(children[odd], value.expand_as(children)[odd]):
                raise TryAgain(wrong)
        if bool(odd.any()):
            strangers = not bool(torch.isin(children[odd], torch.cat([mothers, fathers])).all())
            raise TryAgain(
                f"{100 * float(odd.float().mean()):.0f} % of the genes are neither the mother's nor the father's gene "
                f"of that row and place, {'nor of any other' if strangers else 'but one of another row or place'}."
            )
        return children, mine

    for blocks in (list(range(8)), [0, 0, 1, 2, 2, 2, 1]):
        _, mine = draw(blocks, seeded(54))
        coins = [mine[..., [i for i, b in enumerate(blocks) if b == block]] for block in range(max(blocks) + 1)]
        if bool((mine == mine[0, 0, 0]).all()):
            who = "mothers" if bool(mine[0, 0, 0]) else "fathers"
            raise TryAgain(
                f"all children are copies of their {who}. Are coins tossed, of shape (n_runs, n_children, n_blocks), "
                "and do both sides of a coin have an effect?"
            )
        if bool((mine == mine[:1, :1]).all()):
            raise TryAgain(
                "all children take the same genes from their mother: toss coins of shape (n_runs, n_children, "
                "n_blocks)."
            )
        if torch.equal(mine[0], mine[1]):
            raise TryAgain(
                "the children of both runs take the same genes from their mothers: toss coins of shape (n_runs, "
                "n_children, n_blocks)."
            )
        torn = [bool((part != part[..., :1]).any()) for part in coins]
        if any(torn):
            raise TryAgain(
                f"a block is torn apart, number {torn.index(True)}: genes with the same number in `blocks` share one "
                "coin, wherever they stand."
            )
        stuck = [block for block, part in enumerate(coins) if bool((part == part[:, :1]).all())]
        if len(stuck) == len(coins):
            raise TryAgain(
                "all children of a run have the same coins: toss coins of shape (n_runs, n_children, n_blocks)."
            )
        if stuck:
            raise TryAgain(
                f"block {stuck[0]} (of {max(blocks) + 1}, from 0 on) comes from the same parent in all children of a "
                "run: has it a coin of its own, and do both sides of it have an effect?"
            )
        tossed = torch.stack([part[..., 0] for part in coins], dim=-1).flatten(0, 1)
        if bool((tossed == tossed[:, :1]).all()):
            share = float(draw([0, 1], seeded(56))[1][..., 0].float().mean())
            # Of n coins that decide about the whole child, each overwrites what those before it decided.
            overwritten = all(
                abs(abs(got - 0.5) - (0.5 - 0.5**n)) < 0.05
                for n, got in ((len(coins), float(tossed.float().mean())), (2, share))
            )
            raise TryAgain(
                f"a child gets all its blocks from one parent, the mother in {100 * share:.0f} % of the children if "
                "there are 2 blocks, as if each coin decided about the whole child: let it decide about the genes of "
                "its block alone."
                if overwritten
                else "a child gets all its blocks from one parent: is a coin tossed for each block, and used for that "
                "block's genes alone, and does the generator go on from block to block?"
            )
        shares = tossed.float().mean(0)
        worst = int((shares - 0.5).abs().argmax())
        if abs(float(shares[worst]) - 0.5) > 0.08:
            raise TryAgain(
                f"the coins aren't fair: block {worst} comes from the mother in {100 * float(shares[worst]):.0f} % of "
                "the children, and from the father in the others."
            )
        for (i, a), (j, b) in combinations(enumerate(tossed.T), 2):
            if abs((alike := float((a == b).float().mean())) - 0.5) > 0.08:
                raise TryAgain(
                    f"the coins of two blocks aren't independent of each other: blocks {i} and {j} come from the same "
                    f"parent in {100 * alike:.0f} % of the children, where 50 % is due."
                )
    comes_from_rng(lambda rng: draw([0, 0, 1, 1], rng)[0])


# 5.5 Mutation

LAB.exercise("5.5", "mutate_(children, rate, scale, rng)", title="Noise in place", points=2)(judge_mutation)


# 5.6 A test that finds broken operators


@LAB.exercise("5.6", "keeps_its_word(breed, rng)", title="Catch a broken operator", points=4)
def _(student: Student) -> None:
    def accepts(candidate: Callable[..., Tensor], seed: int) -> bool:
        answer = student(candidate, seeded(seed))
        answer = answer.item() if getattr(answer, "ndim", 1) == 0 else answer  # a bool of torch or NumPy will do
        if not isinstance(answer, bool):
            raise TryAgain(
                f"your test should return True or False, but it returns something of type {type(answer).__name__}."
            )
        return answer

    one, other = (sum(accepts(b, 600 + i) for i in range(15)) for b in (breed, breed_in_another_order))
    caught = {hint: sum(not accepts(broken, 700 + i) for i in range(4)) for hint, broken in BROKEN.items()}
    if one + other == 0:
        far = {f"{text}. ": sum(not accepts(wrong, 700 + i) for i in range(4)) for text, wrong in FAR_OFF.items()}
        passed = [hint[: hint.index(". ")] for hint, times in (caught | far).items() if times == 0]
        if passed:
            if sum(times == 0 for times in caught.values()) > len(caught) / 2:
                raise TryAgain(
                    f"your test refuses every right breed, and lets {len(passed)} of {len(caught | far)} broken ones "
                    "pass: is its answer the wrong way round, or one of its conditions?"
                )
            raise TryAgain(
                f"your test refuses every right breed, but lets one pass {passed[0]}. Look at the condition for that: "
                "what it measures, what it expects, and on which side of its bound it says True."
            )
        what = "everything" if min(caught.values()) == 4 else "every right breed, and most broken ones"
        raise TryAgain(
            f"your test refuses {what}. Try it on your own `breed`, and print which of your conditions fails.",
            names_fault=False,
        )
    if min(one, other) == 0 and max(one, other) >= 14:
        raise TryAgain(
            "your test refuses a right breed that makes its draws in another order. Compare properties (shares, means, "
            "spreads), never digits."
        )
    if one + other < 29:
        raise TryAgain(
            f"your test refuses right breeds in {30 - one - other} of 30 trials. Are its bounds too narrow for that "
            "many children, or does it ask for what chance needn't bring? A share of n coins strays by 0.5 / n**0.5, a "
            "mean of n normal numbers by 1 / n**0.5; allow five times that."
        )
    if not any(caught.values()):
        raise TryAgain(
            "your test lets everything pass. Begin with one sentence of the specification, and test it. (If you have "
            "conditions: is each of them in what you return?)"
        )
    missed = {hint: times for hint, times in caught.items() if times < 4}
    for hint, times in missed.items():
        many = f" {len(missed)} of {len(caught)} broken breeds: are all your conditions in what you return? One is"
        of_rates = [n for text, n in caught.items() if "the mutation rate" in text]
        if "the mutation rate" in hint and not any(of_rates) and 2 * len(missed) <= len(caught):
            raise TryAgain(
                "your test lets pass a breed with half the mutation rate, and one with twice: is the share of genes "
                "that are hit (from parents that are all 0, of those that are not) compared with `rate`, and is the "
                "bound small enough? A share of n genes strays by (rate * (1 - rate) / n)**0.5."
            )
        passes = many if 2 * len(missed) > len(caught) else f", in {4 - times} of 4 trials," if times else ""
        raise TryAgain(f"your test lets pass{passes} a breed {hint}")

    def children(rng: torch.Generator) -> list[float]:
        """What `breed` was made to draw, a number for each call."""
        sums: list[float] = []

        def listening(*given: Any) -> Tensor:
            born = breed(*given)
            sums.append(float(born.double().sum()))
            return born

        student(listening, rng)
        return sums

    comes_from_rng(
        children,
        elsewhere="two calls with the same `rng` differ: draw the parents that you make up from `rng`, or from a "
        "generator with a seed.",
        inside=None,  # a test may seed generators of its own, and must for equal ones
        repeats=None,
    )


# 5.7 Switches


@LAB.exercise(
    "5.7",
    "ablate(score, population, n_generations, select, crossover, mutate, rng)",
    title="Switches",
    points=3,
    in_place="your loop changes the population that it was given. Is it mutated, or written over by the next one? "
    "Children are a copy (ga.take copies; a slice like population[:, 1:] is a window), and a new generation is a new "
    "tensor.",
)
def _(student: Student) -> None:
    everything_is_on(student)
    something_is_off(student)


LAB.free_text(
    "5.8",
    title="Verdict on crossover",
    points=3,
    rubric={
        3: "both effects of crossover with numbers and intervals; why they differ; a limit, and what would change it",
        2: "both effects with numbers, but one of these is missing: intervals, a reason, a limit with a run",
        1: "both effects with numbers, but two of these are missing; or only one effect with a number",
        0: "no result of the ablation is used",
    },
)
