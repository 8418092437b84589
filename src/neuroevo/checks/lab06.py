"""The checks of lab 6, "Evolving a line": the missing figure, who makes its jumps, and four methods at one budget."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuroevo.checks import Lab, Student, TryAgain, compare
from neuroevo.checks.breeding import bred, has_fair_families, has_fresh_noise, inherited, refuse, unchanged
from neuroevo.checks.drawing import seeded

LAB = Lab(6, "Evolving a line")
check, passed, score = LAB.check, LAB.passed, LAB.score

Array = NDArray[np.float64]


# 6.1 The paper's fitness


def _fitness(
    line: Callable[..., Array] = lambda w, b, x: w * x + b,
    badness: Callable[[Array], Any] = lambda error: np.square(error).mean(-1),
) -> Callable[..., Any]:
    """Minus the badness of every line's errors (..., n_genomes, n_points), or a mistake in one of the two."""

    def scored(population: Tensor, x: Tensor, y: Tensor) -> Any:
        w, b = np.moveaxis(population.double().numpy(), -1, 0)
        return -badness(line(w[..., None], b[..., None], x.double().numpy()) - y.double().numpy())

    return scored


@LAB.exercise("6.1", "fitness(population, x, y)", title="The paper's fitness", points=2)
def _(student: Student) -> None:
    def shapes_told(*args: Any) -> Any:
        try:
            return student(*args)
        except (RuntimeError, IndexError) as error:
            refuse(
                "must match" in str(error),
                "the shapes don't fit: `population[..., 0]` is (n_runs, n_genomes), and x is (n_points,). Keep a "
                "last dimension of 1, `population[..., :1]`, and each genome meets each point.",
            )
            refuse(
                any(words in str(error) for words in ("too many indices", "0-dim", "too many values")),
                "your function takes three dimensions and no other. With `population[..., :1]` the dots stand for "
                "however many there are: a single run, (n_genomes, 2), must do as well.",
            )
            raise

    rng = seeded(61)
    compare(
        unchanged(Student(shapes_told, student.parameters)),
        parts=("your fitness",),
        by_hand=[
            # Errors against y = 2x + 3: none; -1 everywhere; 2, 0 and -2.
            ((Tensor([[[2, 3], [2, 2], [0, 3]]]), Tensor([-1, 0, 1]), Tensor([1, 3, 5])), [[0, -1, -8 / 3]]),
            ((Tensor([[[1, 0]], [[0, 1]]]), Tensor([2, 4]), Tensor([2, 4])), [[0], [-5]]),
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
        rtol=1e-4,
    )


# 6.2 One generation with an elite


@LAB.exercise(
    "6.2", "next_generation(population, scores, fraction, scale, rng)", title="One generation with an elite", points=2
)
def _(student: Student) -> None:
    has_fair_families(student)
    has_fresh_noise(student)
    inherited(student, 90, 5, 2)
    inherited(student, 3, 60, 1)
    scores = torch.arange(18.0).view(2, 9)
    first, again, other = (bred(student, torch.zeros(2, 9, 2), scores, 0.5, 0.1, seed) for seed in (7, 7, 8))
    refuse(
        not torch.equal(first, again),
        "the same seed gives other children the second time: every random number must come from `rng`.",
    )
    refuse(torch.equal(first, other), "another seed gives the same children: draw from `rng`, and don't seed anything.")


# 6.3 The three curves

Curves = tuple[Array, Array]


def _toy_score(population: Tensor) -> Tensor:
    return -(population - Tensor([2, 3])).square().sum(dim=-1)


def _toy_breed(population: Tensor, scores: Tensor) -> Tensor:
    """No elite, no chance: rows move on by one, and genes by steps of their own. It notices stale scores."""
    right = isinstance(scores, Tensor) and scores.shape == population.shape[:2]
    refuse(not right, "`breed` needs a population and the scores of all its genomes: breed(population, scores).")
    refuse(
        not torch.allclose(scores, _toy_score(population), atol=1e-4),
        "`breed` was given scores that don't belong to the population beside them. Each new generation has to be "
        "scored, by score(population), before it can breed.",
    )
    return population.roll(1, dims=1) + torch.linspace(-0.75, 1.25, population.shape[1])[:, None] * Tensor([1, 0.5])


def _curves(
    pick: Callable[[Array], Any] = lambda scores: scores.argmax(axis=1),
    best: Callable[[Array], Array] = lambda scores: scores.max(axis=1),
    skipped: int = 0,
    more: int = 0,
    then: Callable[[Array, Array], Any] = lambda best, champions: (best, champions),
) -> Callable[..., Any]:
    """The curves, or a mistake: in who is picked, in what is written down, when, or in what shape."""

    def curves(population: Tensor, score: Any, breed: Any, n_generations: int) -> Any:
        generations = [population]
        for _ in range(skipped + n_generations + more - 1):
            generations.append(_toy_breed(generations[-1], _toy_score(generations[-1])))
        genes = torch.stack(generations[skipped:], dim=1).double().numpy()
        scores = np.stack([_toy_score(one).double().numpy() for one in generations[skipped:]], axis=2)
        rows = pick(scores)
        return then(best(scores), np.take_along_axis(genes, rows[..., None, None], axis=2)[:, :, 0])

    return curves


@LAB.exercise("6.3", "three_curves(population, score, breed, n_generations)", title="The three curves", points=2)
def _(student: Student) -> None:
    def three_dimensions(*args: Any) -> Any:
        answer = student(*args)
        refuse(
            isinstance(answer, tuple) and any(isinstance(part, Tensor) and part.dim() > 3 for part in answer),
            "champions has four dimensions. `population[:, rows]` takes the rows of all champions from every run; "
            "ga.take(population, rows[:, None]) is (n_runs, 1, 2), and torch.cat along dimension 1 joins these.",
        )
        return answer

    rng = seeded(63)
    compare(
        unchanged(Student(three_dimensions, student.parameters)),
        parts=("best", "champions"),
        by_hand=[
            # (1, 3) is 1 from (2, 3). Then rows change places and move on; (1 + 1.25, 3 + 0.625) is the better one.
            (
                (Tensor([[[1, 3], [9, 9]]]), _toy_score, _toy_breed, 2),
                ([[-1, -(0.25**2) - 0.625**2]], [[[1, 3], [2.25, 3.625]]]),
            )
        ],
        others=[
            (2 * torch.randn(n_runs, n_genomes, 2, generator=rng), _toy_score, _toy_breed, n_generations)
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
        rtol=1e-4,
    )


# 6.4 Switch off one part at a time


def _table(student: Callable[..., Any], first: str | None, what: str) -> Callable[..., Any]:
    """A function's answer, a pair of numbers for each name, as rows in the order of its second argument's names."""

    def rows(*args: Any) -> Any:
        answer, names = student(*args), [*([first] if first else []), *args[1]]
        if not isinstance(answer, dict) or sorted(map(str, answer)) != sorted(names):
            got = f"names {sorted(map(str, answer))}" if isinstance(answer, dict) else type(answer).__name__
            raise TryAgain(f"your function should return a dictionary with the names {names}; it returned {got}.")
        try:
            return np.array([[float(number) for number in answer[name]] for name in names]).reshape(len(names), 2)
        except (TypeError, ValueError, RuntimeError):
            raise TryAgain(f"each name should have two plain numbers, ({what}), not one for each run.") from None

    return rows


def _ablated(
    settings: Callable[[Mapping[str, Any], str], dict[str, Any]] = lambda off, name: off[name],
    jump: Callable[[Array, float], Any] = lambda moves, size: moves > size,
    rest: Callable[[Array, float], Any] = lambda moves, size: moves == 0,
    whole: Callable[[Array], Any] = lambda counts: counts.mean(),
    move: Callable[[Array], Array] = lambda change: np.abs(change).max(axis=2),
) -> Callable[..., Any]:
    """The table of an ablation, or a mistake: in what is switched off, or in what is counted."""

    def ablated(evolve: Callable[..., Tensor], off: Mapping[str, Any], size: float) -> dict[str, tuple[Any, Any]]:
        variants = {"all on": dict[str, Any](), **off}
        moves = {name: move(np.diff(evolve(**settings(variants, name)).numpy(), axis=1)) for name in variants}
        return {n: (whole(jump(m, size).sum(axis=1)), whole(rest(m, size).sum(axis=1))) for n, m in moves.items()}

    return _table(ablated, "all on", "")


def _until(variants: Mapping[str, Any], name: str) -> dict[str, Any]:
    names = list(variants)
    return {key: value for n in names[: names.index(name) + 1] for key, value in variants[n].items()}


def _all_but(variants: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {k: v for n, s in variants.items() if n != name != "all on" for k, v in s.items()}


def _toy_evolve(crossover: str | None = "swap", scale: float = 0.1, n_elites: int = 1) -> Tensor:
    """Champions (5, 12, 2) on a grid of quarters, drawn anew for each setting; many of their steps are rests."""
    rng = seeded(640 + (crossover is None) + 2 * (scale == 0) + 4 * (n_elites == 0))
    steps = torch.randint(-6, 7, (5, 12, 2), generator=rng) * (torch.rand(5, 12, 2, generator=rng) < 0.6)
    return 0.25 * (steps * (torch.rand(5, 12, 1, generator=rng) < 0.7)).cumsum(dim=1)


def _by_hand(n_generations: int = 30, scale: float = 0.1) -> Tensor:
    """Moves of 1, 0, 0.25, 0.5 and 1.25 in the one run, none in the other; with scale 0, two moves of 2 and none."""
    refuse(isinstance(n_generations, dict), "settings are handed over by two stars: evolve(**settings).")
    line = Tensor([[1, 1], [1, 2], [1, 2], [0.75, 2.25], [0.25, 2.25], [-1, 2.25]])
    return torch.stack([line, 0 * line]) if scale else Tensor([[[0, 0], [0, 2], [2, 2]], [[0, 0], [0, 0], [0, 0]]])


@LAB.exercise("6.4", "ablation(evolve, off, size)", title="Switch off one part at a time", points=5)
def _(student: Student) -> None:
    parts = {"no crossover": {"crossover": None}, "no mutation": {"scale": 0.0}, "no elite": {"n_elites": 0}}
    backwards = {name: parts[name] for name in reversed(parts)}
    compare(
        Student(_table(student, "all on", "jumps, flat"), student.parameters),
        parts=("table",),
        by_hand=[((_by_hand, {"still": {"scale": 0.0}}, 0.5), [[1, 3], [1, 1]])],
        others=[(_toy_evolve, parts, 0.5), (_toy_evolve, backwards, 0.25), (_toy_evolve, parts, 1.0)],
        right=_ablated(),
        mistakes={
            "every variant is the whole algorithm: hand its settings over, evolve(**settings).": (
                _ablated(lambda off, name: {})
            ),
            "you switch the parts off one after another, and none on again. Each variant lacks one part only.": (
                _ablated(_until)
            ),
            "your variants have all parts off but one. An ablation leaves all on but one.": _ablated(_all_but),
            "your counts are of all runs together: give the mean of a run.": _ablated(whole=np.sum),
            "you give the share of the moves; count them in each run, then take the mean over runs.": (
                _ablated(jump=lambda m, size: (m > size) / m.shape[1], rest=lambda m, size: (m == 0) / m.shape[1])
            ),
            "a move of exactly `size` counts in yours; a jump is larger.": _ablated(jump=lambda m, size: m >= size),
            "flat counts all that is no jump; it means no move at all.": _ablated(rest=lambda m, size: m <= size),
            "only moves upwards count in yours; take the absolute change.": _ablated(move=lambda c: c.max(axis=2)),
            "the two are the other way round: jumps come first.": lambda *args: _ablated()(*args)[:, ::-1],
            "only W is looked at; a jump of b counts as well.": _ablated(move=lambda c: np.abs(c[..., 0])),
        },
    )


# 6.5 The same number of scorings


class _Method:
    """A search that quarters its error each step, from an offset of its own in each run."""

    def __init__(self, goal: Array, offsets: Array) -> None:
        self.goal, self.offsets = goal, offsets

    def __call__(self, n_steps: int) -> Tensor:
        refuse(not isinstance(n_steps, int), "a method takes whole steps: budget // price, with two strokes.")
        left = self.offsets[:, None, :] * 0.5 ** np.arange(1, n_steps + 1)[:, None]
        return torch.as_tensor(self.goal + left)

    def __deepcopy__(self, memo: Any) -> "_Method":
        return self

    def __repr__(self) -> str:
        return "..."


def _compared(
    steps: Callable[[int, int], int] = lambda budget, price: budget // price,
    line: Callable[[Tensor], Tensor] = lambda path: path[:, -1],
    whole: Callable[[Array], Any] = lambda errors: np.exp(np.log(errors).mean()),
) -> Callable[..., Any]:
    """The table of baselines, or a mistake: in the steps, in which line is scored, or in the mean over runs."""

    def compared(methods: Any, prices: Mapping[str, int], budget: int, x: Tensor, y: Tensor) -> Any:
        n_steps = {name: steps(budget, price) for name, price in prices.items()}
        lines = {name: line(methods[name](n)) for name, n in n_steps.items()}
        return {name: (n, whole(-_fitness()(lines[name], x, y))) for name, n in n_steps.items()}

    return _table(compared, None, "")


@LAB.exercise("6.5", "baseline_table(methods, prices, budget, x, y)", title="The same number of scorings", points=4)
def _(student: Student) -> None:
    def case(seed: int, prices: dict[str, int], budget: int) -> tuple[Any, ...]:
        rng = np.random.default_rng(seed)
        goal, x = rng.normal(size=2), torch.as_tensor(rng.normal(size=6))
        methods = {name: _Method(goal, rng.normal(size=(7, 2)) * np.geomspace(1, 9, 7)[:, None]) for name in prices}
        return methods, prices, budget, x, goal[0] * x + goal[1]

    # Both lines are off in b alone: by 1 and 4 before the first step, so by 1/4 and 1 after two.
    x = torch.tensor([-1.0, 0, 1], dtype=torch.float64)
    example = {"a": _Method(np.array([2.0, 3]), np.array([[0.0, 1], [0, 4]]))}
    compare(
        Student(_table(student, None, "n_steps, error"), student.parameters),
        parts=("table",),
        by_hand=[((example, {"a": 5}, 13, x, 2 * x + 3), [[2, 0.25]])],
        others=[case(651, {"a": 4, "b": 1, "c": 3}, 14), case(652, {"b": 2, "a": 6}, 13)],
        right=_compared(),
        mistakes={
            "every method gets `budget` steps, but a step has its price: budget // price.": _compared(lambda b, p: b),
            "your n_steps are rounded up, and the last step is not paid for: budget // price.": (
                _compared(lambda b, p: -(-b // p))
            ),
            "you multiply by the price: where a step costs more, *fewer* steps can be paid.": _compared(
                lambda b, p: b * p
            ),
            "you take the plain mean, which is the worst runs' own. Average the logarithms over the runs, then exp.": (
                _compared(whole=np.mean)
            ),
            "you return the mean logarithm: exp leads back to an error.": _compared(whole=lambda e: np.log(e).mean()),
            "you return the best run: the one that a paper would show. Take all runs.": _compared(whole=np.min),
            "you take the median of the runs; this table asks for the geometric mean.": _compared(
                whole=lambda e: np.sort(e)[(len(e) - 1) // 2]
            ),
            "you score the first line of the path; the answer is the last, path[:, -1].": (
                _compared(line=lambda path: path[:, 0])
            ),
            "your errors are roots of what they should be: an MSE is not rooted.": (
                _compared(whole=lambda e: np.exp(np.log(e).mean() / 2))
            ),
        },
        run_away="Is it the logarithm of a negative number? `fitness` is *minus* the error.",
        rtol=1e-3,
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
        3: "Two or three settings are missing, or choices are passed off as the paper's, or the result stands without "
        "an interval or without a baseline.",
        1: "The steps in words, as the paper has them, with hardly a number.",
        0: "Nothing that could be rebuilt, or no Methods.",
    },
)
