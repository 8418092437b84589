"""The checks of lab 5, "A genetic algorithm": five operators, a test that finds broken ones, and switches."""

from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from coursekit.feedback import Lab, Pattern, Student, TryAgain, compare
from coursekit.labs.lab05_planted import BROKEN, FAR_OFF, SELECTION, WIN, Chances, breed, breed_in_another_order
from coursekit.labs.lab05_switches import everything_is_on, something_is_off
from coursekit.labs.tensors import comes_from_rng, looks_normal, seeded, tensor

# Exercise 5.6 calls the student's test some hundred times.
LAB = Lab(5, "A genetic algorithm", time_limit=20)
check, passed, score = LAB.check, LAB.passed, LAB.score


# 5.1 A first generation


@LAB.exercise(
    "5.1", "create_random_networks(n_runs, n_genomes, n_params, std, rng)", title="A first generation", points=2
)
def _(student: Student) -> None:
    def draw(rng: torch.Generator, std: float = 0.5, shape: tuple[int, int, int] = (3, 40, 200)) -> Tensor:
        what = "the population of {} runs, {} genomes and {} parameters".format(*shape)
        return tensor(student(*shape, std, rng), shape, what)

    for std, shape in ((0.5, (3, 40, 200)), (3.0, (2, 50, 300))):
        population = draw(seeded(51), std, shape)
        if torch.equal(population[:, :1].expand(shape), population):
            raise TryAgain("all genomes of a run are the same: selection has nothing to choose from. Draw each anew.")
        if torch.equal(population[:1].expand(shape), population):
            raise TryAgain("all runs start from the same genomes, so they aren't independent. Draw every run anew.")
        if len(population.unique()) < 5000:
            raise TryAgain("many numbers of the population are the same: round nothing, and draw each of them.")
        looks_normal(population, std, f"the population for std = {std:g}")
    comes_from_rng(draw)


# 5.2 Fitness


def _logits(population: Tensor, x: Tensor) -> Tensor:
    """What enters the output unit of 2-3-1 networks: (..., 13) and (n, 2) to (..., n)."""
    weights, biases, out = population[..., :6].unflatten(-1, (3, 2)), population[..., 6:9], population[..., 9:12]
    hidden = torch.sigmoid(torch.einsum("...hi,ni->...nh", weights, x) + biases.unsqueeze(-2))
    return torch.einsum("...nh,...h->...n", hidden, out) + population[..., 12:]


def _log_likelihood(z: Tensor, y: Tensor) -> Tensor:
    return y * logsigmoid(z) + (1 - y) * logsigmoid(-z)


def _of_logits(value: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda population, x, y: value(_logits(population, x), y)


def _has_other_signs(answer: Any, right: Any, population: Tensor, x: Tensor, y: Tensor) -> bool:
    """Whether this is minus the mean of softplus(s * z), with another s than 1 and -1 for the answers 0 and 1."""
    z = _logits(population, x)
    means = (-softplus((a + (b - a) * y) * z).mean(-1) for a, b in product(range(-3, 4), repeat=2) if (a, b) != (1, -1))
    return any(np.allclose(answer, mean, rtol=2e-3) for mean in means)


@LAB.exercise("5.2", "fitness_function(population, x, y)", title="Fitness", points=2)
def _(student: Student) -> None:
    rng, right = seeded(52), _of_logits(lambda z, y: _log_likelihood(z, y).mean(-1))
    two = torch.zeros(1, 2, 13)
    two[0, 1, 12] = torch.tensor(3.0).log()  # p = 3/4 whatever the input is
    x, y = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), torch.tensor([0.0, 1, 1, 1])
    others = [
        (2 * torch.randn(r, g, 13, generator=rng), torch.randn(n, 2, generator=rng), (torch.arange(n) % 3 == 1).float())
        for r, g, n in ((3, 5, 4), (2, 7, 6), (1, 4, 9))
    ]

    def answered(*args: Tensor) -> Tensor:
        answer = student(*args)
        if not isinstance(answer, Tensor):
            raise TryAgain(
                f"fitness should be one tensor, but you return a {type(answer).__name__}: the next exercises index it "
                "by run. torch.stack makes a tensor of a list of tensors."
            )
        return answer

    compare(
        Student(answered, student.parameters),
        returns="fitness",
        # log(1/2), and the mean of log(1/4) and three times log(3/4)
        by_hand=[((two, x, y), [[-0.693147, -0.562335]])],
        others=others,
        right=right,
        mistakes={
            "the sign is flipped: you return the loss. Fitness is larger for a better network, so it is minus the "
            "cross-entropy, or the worst will be chosen.": lambda *a: -right(*a),
            "you add the rows up. It is their mean: more rows should not mean less fitness.": (
                _of_logits(lambda z, y: _log_likelihood(z, y).sum(-1))
            ),
            "every output meets every answer: shapes (..., n, 1) and (n,) broadcast to (..., n, n). Drop the output's "
            "last axis, [..., 0], before you compare.": (
                _of_logits(lambda z, y: _log_likelihood(z.unsqueeze(-1), y).mean((-1, -2)))
            ),
            "there is one sigmoid too many: softplus, and binary_cross_entropy_with_logits, want z itself.": (
                _of_logits(lambda z, y: _log_likelihood(z.sigmoid(), y).mean(-1))
            ),
            "this is minus the squared error; the fitness here is minus the cross-entropy.": (
                _of_logits(lambda z, y: -((z.sigmoid() - y) ** 2).mean(-1))
            ),
            "you count right answers. A count doesn't see that a network has come closer; take the cross-entropy.": (
                _of_logits(lambda z, y: ((z > 0) == (y == 1)).float().mean(-1))
            ),
            "rows with the answer 0 count for nothing: softplus(-z) belongs to the answer 1, softplus(z) to 0.": (
                _of_logits(lambda z, y: (y * logsigmoid(z)).mean(-1))
            ),
            "the answers are the wrong way round: softplus(z) is the loss where the answer is 0, softplus(-z) where "
            "it is 1.": _of_logits(lambda z, y: _log_likelihood(-z, y).mean(-1)),
            "you return a number for every row: take their mean, .mean(-1).": _of_logits(_log_likelihood),
            "the mean is taken over the genomes; take it over the rows of x, the last axis of z and y: .mean(-1).": (
                _of_logits(lambda z, y: _log_likelihood(z, y).mean(1))
            ),
            "the mean is taken over the runs; take it over the rows of x, the last axis of z and y: .mean(-1).": (
                _of_logits(lambda z, y: _log_likelihood(z, y).mean(0))
            ),
            "rows with the answer 1 count for nothing: softplus(-z) belongs to the answer 1, softplus(z) to 0.": (
                _of_logits(lambda z, y: ((1 - y) * logsigmoid(-z)).mean(-1))
            ),
            "the answers y have no effect: every row is taken for a 1.": _of_logits(
                lambda z, y: logsigmoid(z).mean(-1)
            ),
            "the answers y have no effect: every row is taken for a 0.": _of_logits(
                lambda z, y: logsigmoid(-z).mean(-1)
            ),
            "the answers y have no effect: every row counts as a 1 and as a 0.": _of_logits(
                lambda z, y: (logsigmoid(z) + logsigmoid(-z)).mean(-1)
            ),
            "rows with the answer 0 have the wrong sign: what rows of both kinds pay adds up.": _of_logits(
                lambda z, y: (y * logsigmoid(z) - (1 - y) * logsigmoid(-z)).mean(-1)
            ),
            "rows with the answer 1 pay the loss of a 0, too: weight the two losses by y and 1 - y.": _of_logits(
                lambda z, y: (y * logsigmoid(z) + logsigmoid(-z)).mean(-1)
            ),
            "rows with the answer 0 pay the loss of a 1, too: weight the two losses by y and 1 - y.": _of_logits(
                lambda z, y: (logsigmoid(z) + (1 - y) * logsigmoid(-z)).mean(-1)
            ),
            "this is the mean probability of the right answers; take the mean of its logarithm.": _of_logits(
                lambda z, y: _log_likelihood(z, y).exp().mean(-1)
            ),
            "the loss of a row is z itself, with the sign of its answer; it is the softplus of that.": _of_logits(
                lambda z, y: ((2 * y - 1) * z).mean(-1)
            ),
            "softplus is applied twice.": _of_logits(lambda z, y: -softplus(-_log_likelihood(z, y)).mean(-1)),
            "softplus gets z with another factor than it should: 1 where the answer is 0, and -1 where it is 1. Print "
            "1 - 2 * y for both.": Pattern(_has_other_signs),
            "you average over the genomes too: each genome needs a fitness of its own, so take the mean over the rows "
            "only, .mean(-1).": lambda *a: right(*a).mean(),
            "the runs have run together: unflatten the result to (n_runs, n_genomes).": lambda *a: right(*a).flatten(),
        },
        rtol=2e-3,  # log(1 - sigmoid(z)) is right too, and loses digits in float32
    )


# 5.3 Selection


@LAB.exercise("5.3", "select_parents(fitness, n_draws, rng, size)", title="Who breeds?", points=2)
def _(student: Student) -> None:
    def draw(fitness: Tensor, n_draws: int, rng: torch.Generator, size: int) -> Tensor:
        rows = tensor(student(fitness, n_draws, rng, size), (len(fitness), n_draws), "the rows", whole=True)
        if int(rows.min()) < 0 or int(rows.max()) >= fitness.shape[1]:
            raise TryAgain(f"row {int(rows.max())} is outside a population of {fitness.shape[1]} (rows count from 0).")
        return rows

    eight = torch.tensor([[3.0, 1, 4, 1.5, 9, 2.5, 6, 5]] * 2)
    runs = torch.cat([draw(eight, 40, seeded(n), 2) for n in range(6)])
    if bool((runs == 4).all()):
        raise TryAgain("one genome, the best of the run, wins all tournaments. Chance should choose who competes.")
    if bool((runs == runs[:, :1]).all()):
        raise TryAgain(
            "all tournaments of a run have the same entrants: shuffle a deck for every draw, torch.rand(n_runs, "
            "n_draws, n_genomes, generator=rng). Expanding one deck deals the same cards again."
        )
    if torch.equal(*draw(eight, 50, seeded(3), 2)):
        raise TryAgain("all runs hold the same tournaments: draw entrants of shape (n_runs, n_draws, ...).")
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
        f"{float(drawn[case][run, row]) / 100:.0f} %. Count them on paper."
    )


# 5.4 Crossover


@LAB.exercise(
    "5.4",
    "crossover(mothers, fathers, blocks, rng)",
    title="Children in blocks",
    points=2,
    on_error={
        ((IndexError, RuntimeError), "index"): "there are fewer coins than blocks ({error}). Blocks are numbered from "
        "0, so there are blocks.max() + 1 of them."
    },
    in_place="your children are written into their parents: `children = mothers` is a second name for the same "
    "tensor, not a copy. Make a new one, with torch.where or with sums.",
)
def _(student: Student) -> None:
    def draw(blocks: list[int], rng: torch.Generator) -> tuple[Tensor, Tensor]:
        mothers = torch.arange(1.0625, 2000 * len(blocks) + 1).view(2, 1000, -1)
        fathers = 50_000 + mothers
        answer = student(mothers, fathers, torch.tensor(blocks), rng)
        if isinstance(answer, Tensor) and bool(((answer == 0) | (answer == 1)).all()):
            raise TryAgain("you return the shares (0 or 1), as the chapter's crossovers do. Mix the parents by them.")
        children = tensor(answer, tuple(mothers.shape), "the children")
        mine = children == mothers
        odd = ~mine & (children != fathers)
        for value, wrong in (
            ((mothers + fathers) / 2, "children are the averages of their parents. Here a gene comes whole from one."),
            (mothers + fathers, "you add mothers and fathers: a gene is one or the other."),
            (torch.zeros(()), "genes are lost: where the mother's share is 0, the father's gene is missing."),
        ):
            if bool(odd.any()) and torch.equal(children[odd], value.expand_as(children)[odd]):
                raise TryAgain(wrong)
        if bool(odd.any()):
            raise TryAgain("some genes are neither the mother's nor the father's gene of that row and place.")
        return children, mine

    for blocks in (list(range(8)), [0, 0, 1, 2, 2, 2, 1]):
        _, mine = draw(blocks, seeded(54))
        coins = [mine[..., [i for i, b in enumerate(blocks) if b == block]] for block in range(max(blocks) + 1)]
        if bool((mine == mine[:1, :1]).all()):
            same = "copies of one parent" if bool((mine == mine[0, 0, 0]).all()) else "mixed by the same coins"
            raise TryAgain(f"all children are {same}: toss coins of shape (n_runs, n_children, n_blocks).")
        if torch.equal(mine[0], mine[1]):
            raise TryAgain("both runs have the same coins: toss coins of shape (n_runs, n_children, n_blocks).")
        if any(bool((part != part[..., :1]).any()) for part in coins):
            raise TryAgain("a block is torn apart: genes with the same number in `blocks` share one coin.")
        tossed = torch.stack([part[..., 0] for part in coins], dim=-1).flatten(0, 1)
        if bool((tossed == tossed[:, :1]).all()):
            raise TryAgain("a child gets all its blocks from one parent: toss one for each block.")
        worst = float((tossed.float().mean(0) - 0.5).abs().max())
        if worst > 0.08:
            raise TryAgain(f"the coins aren't fair: a block comes from the mother {100 * worst:.0f} points off 50 %.")
        if any(abs(float((a == b).float().mean()) - 0.5) > 0.08 for a, b in combinations(tossed.T, 2)):
            raise TryAgain("the coins of two blocks aren't independent of each other.")
    comes_from_rng(lambda rng: draw([0, 0, 1, 1], rng)[0])


# 5.5 Mutation


@LAB.exercise("5.5", "mutate_(children, rate, scale, rng)", title="Noise in place", points=2)
def _(student: Student) -> None:
    before = torch.arange(2 * 100 * 1000).view(2, 100, 1000) % 7 - 3.0

    def draw(rng: torch.Generator, rate: float = 0.3, scale: float = 0.2) -> Tensor:
        children = before.clone()
        answer = student.in_place(children, rate, scale, rng)
        noise = tensor(children, tuple(before.shape), "children") - before
        if rate and scale and not bool(noise.any()):
            end = "you return the mutated children, but whoever called" if answer is not None else "whoever called"
            raise TryAgain(
                f"the children are as they were: {end} `mutate_(children, ...)` looks at its own tensor. `children = "
                "children + ...` makes a new tensor; `children += ...` changes the one that came in."
            )
        return noise

    for rate, scale in ((0.3, 0.2), (0.05, 3.0)):
        noise = draw(seeded(55), rate, scale)
        hit = noise != 0
        share = float(hit.float().mean())
        if bool((hit == hit[..., :1]).all()) and share < 0.99:
            raise TryAgain("a child is hit in all its genes or in none: `rate` is the chance of each single gene.")
        if torch.equal(hit, hit[:, :1].expand_as(hit)) and share < 0.99:
            raise TryAgain("all children of a run are hit in the same genes: draw a mask of the children's shape.")
        both = hit[0] & hit[1]
        if torch.equal(hit[0], hit[1]) and share < 0.99:
            raise TryAgain("all runs are hit in the same genes: draw a mask of the children's shape.")
        if torch.allclose(noise[0][both], noise[1][both], atol=1e-4):
            raise TryAgain("all runs get the same noise: draw it in the children's whole shape.")
        if abs(share - (1 - rate)) < 0.02 and share < 0.99:
            raise TryAgain("the mask is the wrong way round: the share `rate` of the genes is spared.")
        if abs(share - rate) > 0.02:
            raise TryAgain(f"{100 * share:.0f} % of the genes are hit where rate = {rate:g}: torch.rand(...) < rate.")
        values = noise[hit].round(decimals=4).unique()
        if len(values) < 0.5 * int(hit.sum()) and len(values) < 500:
            raise TryAgain("many genes get the same noise: every gene that is hit needs a number of its own.")
        if abs(float((before + noise)[hit].std()) / scale - 1) < 0.1:
            raise TryAgain("the old value is lost where a gene is hit: noise is added to it, children += ...")
        comes_from_rng(lambda rng: draw(rng, 0.3, 1e4) != 0)  # so large that no noise is lost in rounding
        comes_from_rng(lambda rng: draw(rng, 1.0))
        looks_normal(noise[hit], scale, f"the noise for scale = {scale:g}")
    # Once in a while noise is so small that adding it changes nothing.
    if (
        float((draw(seeded(56), 1.0) != 0).float().mean()) < 0.999
        or bool(draw(seeded(57), 0.0).any())
        or bool(draw(seeded(58), 0.3, 0.0).any())
    ):
        raise TryAgain("rate = 1 should hit every gene, rate = 0 none, and scale = 0 should change nothing.")
    comes_from_rng(draw)


# 5.6 A test that finds broken operators


@LAB.exercise("5.6", "keeps_its_word(breed, rng)", title="Catch a broken operator", points=4)
def _(student: Student) -> None:
    def accepts(candidate: Callable[..., Tensor], seed: int) -> bool:
        answer = student(candidate, seeded(seed))
        answer = answer.item() if getattr(answer, "ndim", 1) == 0 else answer  # a bool of torch or NumPy will do
        if not isinstance(answer, bool):
            raise TryAgain(f"your test should return True or False, not a {type(answer).__name__}.")
        return answer

    one, other = (sum(accepts(b, 600 + i) for i in range(15)) for b in (breed, breed_in_another_order))
    caught = {hint: sum(not accepts(broken, 700 + i) for i in range(4)) for hint, broken in BROKEN.items()}
    if one + other == 0:
        far = {f"{text}. ": sum(not accepts(wrong, 700 + i) for i in range(4)) for text, wrong in FAR_OFF.items()}
        passed = [hint[: hint.index(". ")] for hint, times in (caught | far).items() if times == 0]
        if passed:
            raise TryAgain(
                f"your test refuses every right breed, but lets one pass {passed[0]}. Look at the condition for that: "
                "what it measures, what it expects, and on which side of its bound it says True."
            )
        raise TryAgain(
            "your test refuses everything. Try it on your own `breed`, and print which of your conditions fails.",
            names_fault=False,
        )
    if min(one, other) == 0 and max(one, other) >= 14:
        raise TryAgain(
            "your test refuses a right breed that makes its draws in another order. Compare properties (shares, means, "
            "spreads), never digits."
        )
    if one + other < 29:
        raise TryAgain(
            f"your test refuses right breeds in {30 - one - other} of 30 trials: its bounds are too narrow. A share of "
            "n coins strays by 0.5 / n**0.5, a mean of n normal numbers by 1 / n**0.5; allow five times that."
        )
    if not any(caught.values()):
        raise TryAgain("your test lets everything pass. Begin with one sentence of the specification, and test it.")
    for hint, times in caught.items():
        if times < 4:
            raise TryAgain(f"your test lets pass a breed {hint}")

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
    in_place="your loop changes the population that it was given: mutate children, which are a copy (ga.take copies; a "
    "slice like population[:, 1:] is a window), and never the parents.",
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
