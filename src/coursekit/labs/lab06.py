"""The checks of lab 6, "Evolving a line": the missing figure, who makes its jumps, and four methods at one budget."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Constant, Lab, Student, TryAgain, compare, refuse
from coursekit.labs.lab06_ablating import judge_ablation
from coursekit.labs.lab06_breeding import bred, draws_go_on, has_fair_families, has_fresh_noise, inherited
from coursekit.labs.lab06_comparing import judge_baselines
from coursekit.labs.lab06_evolving import told, toy_breed, toy_score
from coursekit.labs.tensors import comes_from_rng, seeded

LAB = Lab(6, "Evolving a line", varies={"6.2": Constant("scale"), "6.4": Constant()})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]


SHAPES = RuntimeError, IndexError  # what torch raises where shapes don't fit
NONE = TypeError, AttributeError  # what Python raises where None is used
OVERWRITTEN = (
    "your function changed its input `{name}` in place, so whoever called it now has another one. `ga.take` and "
    "`ga.cross` give new tensors, which you may mutate; clone() all else."
)


def _stops_for_one_run(population: Tensor, *_: Any) -> str:
    """What is said of an error where there is a single run; those with more come first, so that these went well."""
    if population.dim() > 2:
        return ""
    return (
        f"your function stops for a single run, a population of shape {tuple(population.shape)} ({{error}}), though "
        "not for one of three dimensions. With `population[..., :1]` the dots stand for however many there are."
    )


def _stays_empty(population: Tensor, score: Any, breed: Any, n_generations: int) -> str:
    return (
        f"with n_generations = {n_generations} a list that you join stays empty. In each of so many rounds a champion "
        "is written down, the first generation's too."
    )


# 6.1 The paper's fitness


def _fitness(
    line: Callable[..., Array] = lambda w, b, x: w * x + b,
    badness: Callable[[Array], Any] = lambda error: np.square(error).mean(-1),
) -> Callable[..., Tensor]:
    """Minus the badness of every line's errors (..., n_genomes, n_points), or a mistake in one of the two."""

    def scored(population: Tensor, x: Tensor, y: Tensor) -> Tensor:
        w, b = np.moveaxis(population.double().numpy(), -1, 0)
        errors = line(w[..., None], b[..., None], x.double().numpy()) - y.double().numpy()
        return torch.as_tensor(-badness(errors))

    return scored


@LAB.exercise(
    "6.1",
    "fitness(population, x, y)",
    title="The paper's fitness",
    points=2,
    on_error={
        ((*SHAPES, ValueError, TypeError), ""): _stops_for_one_run,
        (SHAPES, "must match"): "the shapes don't fit ({error}). Does y meet the value of each line at each point, of "
        "shape (n_runs, n_genomes, n_points), or the genomes themselves? And if W or b alone meets x: it needs the "
        "shape (n_runs, n_genomes, 1), as `population[..., :1]` has it, and `population[..., 0]` hasn't.",
    },
)
def _(student: Student) -> None:
    def tensor_alone(answer: Any, *args: Any) -> Any:
        refuse(
            not isinstance(answer, Tensor),
            f"your fitness should be a tensor, and not of type {type(answer).__name__}. torch does it all: .square(), "
            ".mean(dim=-1).",
        )
        return answer

    rng = seeded(61)
    compare(
        student,
        returns="your fitness",
        by_hand=[
            # Errors against y = 2x + 3: none; -1 everywhere; 2, 0 and -2.
            ((Tensor([[[2, 3], [2, 2], [0, 3]]]), Tensor([-1, 0, 1]), Tensor([1, 3, 5])), Tensor([[0, -1, -8 / 3]])),
            ((Tensor([[[1, 0]], [[0, 1]]]), Tensor([2, 4]), Tensor([2, 4])), Tensor([[0], [-5]])),
        ],
        others=[
            (torch.randn(*shape, 2, generator=rng), *torch.randn(2, n, generator=rng))
            for shape, n in (((3, 4), 5), ((2, 7), 7), ((4, 6), 3), ((5,), 4))
        ],
        right=_fitness(),
        mistakes={
            "your fitness is the error itself, so the worst line would be the fittest. Larger must be better: take "
            "*minus* the mean squared error.": _fitness(badness=lambda e: -np.square(e).mean(-1)),
            "the two genes are the other way round: a genome is (W, b), and W is the one that multiplies x.": (
                _fitness(lambda w, b, x: b * x + w)
            ),
            "b is missing in the line: it is W * x + b.": _fitness(lambda w, b, x: w * x),
            "the squares are added up; the M in MSE is a mean.": _fitness(badness=lambda e: np.square(e).sum(-1)),
            "the errors are averaged before they are squared, so that those above and below the line cancel.": (
                _fitness(badness=lambda e: np.square(e.mean(-1)))
            ),
            "you take absolute errors; the paper squares them.": _fitness(badness=lambda e: np.abs(e).mean(-1)),
            "you take a root: the paper's fitness is minus the mean squared error as it is.": (
                _fitness(badness=lambda e: np.sqrt(np.square(e).mean(-1)))
            ),
            "your mean runs over everything, runs and genomes too. Only the points may go: .mean(dim=-1).": (
                _fitness(badness=lambda e: np.square(e).mean())
            ),
        },
        read=tensor_alone,
        rtol=1e-4,
    )
    cut = (
        "nobody can descend along your fitness, as exercise 6.5 does: its slope is lost on the way. Does it pass "
        "`torch.no_grad()`, `.detach()`, `.item()`, `.tolist()`, `torch.tensor()` or NumPy? Tensors alone will do."
    )
    lines, points = Tensor([[[2, 3], [0, 1]]]).requires_grad_(), Tensor([-1, 0, 1])
    answer = student.telling({(RuntimeError, "requires grad"): cut})(lines, points, 2 * points + 3)
    refuse(not answer.requires_grad, cut)


# 6.2 One generation with an elite


@LAB.exercise(
    "6.2",
    "next_generation(population, scores, fraction, scale, rng)",
    title="One generation with an elite",
    points=4,
    on_error={
        (
            NONE,
            "NoneType",
        ): "something on the way is None ({error}). Which call returned nothing? One that changes what it is given "
        "doesn't return it, as `ga.mutate_(children, ...)`, `tell` or `append`: it stands on a line of its own, "
        "without a name and = before it.",
    },
    in_place=OVERWRITTEN,
)
def _(student: Student) -> None:
    has_fair_families(student)
    has_fresh_noise(student)
    inherited(student, 90, 5, 2)
    inherited(student, 3, 60, 1)
    for population, what in ((torch.zeros(2, 9, 2), "noise"), (torch.arange(36.0).view(2, 9, 2), "children")):
        comes_from_rng(  # first with genomes all alike: what differs is the noise alone
            lambda rng, old=population: bred(student, old, torch.arange(18.0).view(2, 9), 0.5, 0.1, rng),
            elsewhere=f"the same seed gives other {what} the second time: every random number must come from `rng`.",
            inside=f"another seed gives the same {what}: draw from `rng`, and don't seed anything.",
            repeats=f"a second call with one generator gives the same {what} again: draw from `rng` as it goes on.",
        )
    draws_go_on(student)


# 6.3 The three curves

Curves = tuple[Array, Array]


def _curves(
    pick: Callable[[Array], Any] = lambda scores: scores.argmax(axis=1),
    best: Callable[[Array], Array] = lambda scores: scores.max(axis=1),
    skipped: int = 0,
    more: int = 0,
    behind: int = 0,
    bred: Callable[[Tensor, Tensor], Tensor] = toy_breed,
    then: Callable[[Array, Array], Any] = lambda best, champions: (best, champions),
) -> Callable[..., Any]:
    """The curves, or a mistake: in who is picked, in what is written down, when, in breeding, or in shape."""

    def curves(population: Tensor, score: Any, breed: Any, n_generations: int) -> Any:
        generations, first, last = [population], skipped, skipped + n_generations + more
        for _ in range(last + behind):
            generations.append(bred(generations[-1], toy_score(generations[-1])))
        genes = torch.stack(generations[first + behind : last + behind], dim=1).double().numpy()
        scores = np.stack([toy_score(one).double().numpy() for one in generations[first:last]], axis=2)
        rows = pick(scores)
        return then(best(scores), np.take_along_axis(genes, rows[..., None, None], axis=2)[:, :, 0])

    return curves


@LAB.exercise(
    "6.3",
    "three_curves(population, score, breed, n_generations)",
    title="The three curves",
    points=2,
    on_error={(RuntimeError, "non-empty"): _stays_empty},
)
def _(student: Student) -> None:
    def three_dimensions(answer: Any, *args: Any) -> Any:
        champions = answer[1] if isinstance(answer, tuple) and len(answer) == 2 else None
        if isinstance(champions, Tensor) and champions.dim() > 3:
            raise TryAgain(
                f"champions should have three dimensions, but yours has the shape {tuple(champions.shape)}. "
                "`population[:, rows]` takes the rows of all champions from every run, and torch.stack makes a new "
                "dimension. ga.take(population, rows[:, None]) is (n_runs, 1, 2), and torch.cat along dimension 1 "
                "joins these."
            )
        return answer

    rng = seeded(63)
    told(
        "Here score is minus the squared distance from (2, 3), and breed moves every row on by one and adds a step "
        "that differs from row to row.",
        student,
        returns=("best", "champions"),
        by_hand=[
            # (1, 3) is 1 from (2, 3). Then rows change places and move on; (1 + 1.25, 3 + 0.625) is the better one.
            (
                (Tensor([[[1, 3], [9, 9]]]), toy_score, toy_breed, 2),
                ([[-1, -(0.25**2) - 0.625**2]], [[[1, 3], [2.25, 3.625]]]),
            )
        ],
        others=[
            (2 * torch.randn(n_runs, n_genomes, 2, generator=rng), toy_score, toy_breed, n_generations)
            for n_runs, n_genomes, n_generations in ((3, 4, 9), (5, 7, 6), (2, 3, 1))
        ],
        right=_curves(),
        mistakes={
            "you write down the worst genome of each generation: larger fitness is better.": (
                _curves(lambda scores: scores.argmin(axis=1), lambda scores: scores.min(axis=1))
            ),
            "you write down row 0. With an elite that is the champion of the generation *before*, and here there is "
            "none: look for the largest score of each run.": (
                _curves(lambda scores: 0 * scores.argmax(axis=1), lambda scores: scores[:, 0])
            ),
            "your best is right, but your champions are row 0 of each generation. With an elite that is the champion "
            "of the generation *before*; take the row of the largest score.": _curves(lambda s: 0 * s.argmax(axis=1)),
            "every generation is the first one: is `breed` called, and does what it returns take the place of "
            "`population`? It leaves its input as it is.": _curves(bred=lambda population, scores: population),
            "your champions come from the *next* generation: you breed before you look up the champion. Score, write "
            "down, then breed.": _curves(behind=1),
            "you begin to write after the first breeding, so the random generation is missing. Generation 1 is the "
            "population that you were given.": _curves(skipped=1),
            "you write down one generation too many: n_generations are scored, the first one included.": (
                _curves(more=1)
            ),
            "best holds a generation's mean fitness; the paper's figure shows the best.": (
                _curves(best=lambda scores: scores.mean(axis=1))
            ),
            "best keeps the best score so far. The figure shows each generation's own champion, which may be worse "
            "than the last one if there is no elite.": (
                _curves(best=lambda scores: np.maximum.accumulate(scores.max(axis=1), axis=1))
            ),
            "runs and generations have changed places: best is (n_runs, n_generations): torch.stack(a_list, dim=1).": (
                _curves(then=lambda best, champions: (best.T, champions.swapaxes(0, 1)))
            ),
            "best comes first, then champions.": _curves(then=lambda best, champions: (champions, best)),
        },
        read=three_dimensions,
        rtol=1e-4,
    )


# 6.4 Switch off one part at a time

LAB.exercise("6.4", "ablation(evolve, off, size)", title="Switch off one part at a time", points=3)(judge_ablation)


# 6.5 The same number of scorings

LAB.exercise("6.5", "baseline_table(methods, prices, budget, x, y)", title="The same number of scorings", points=4)(
    judge_baselines
)


# 6.6 The missing Methods

LAB.free_text(
    "6.6",
    title="The missing Methods",
    points=5,
    rubric={
        5: "A stranger could rebuild the figure: data, genome, first population, fitness, selection with its fraction, "
        "elite, crossover, mutation with rate and scale, generations and scorings, number of runs, a criterion of "
        "success fixed beforehand. Says which of these the paper states and which are choices; one result with its "
        "interval; a baseline at the same number of scorings.",
        3: "One to three settings are missing, or choices are passed off as the paper's, or the result stands without "
        "an interval or without a baseline.",
        1: "The steps in words, as the paper has them, with hardly a number.",
        0: "Nothing that could be rebuilt, or no Methods.",
    },
)
