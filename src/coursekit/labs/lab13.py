"""The checks of lab 13, "Open questions": a fair budget, a runner that can be stopped, forgetting, a paired verdict."""

import json
import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from coursekit.feedback import Lab, Student, TryAgain, compare, refuse
from coursekit.labs.tensors import seeded

LAB = Lab(13, "Open questions", time_limit=20)
check, passed, score = LAB.check, LAB.passed, LAB.score

Row = dict[str, Any]

# 13.1 Before you run

LAB.free_text(
    "13.1",
    title="Before you run",
    points=4,
    rubric={
        4: "Two questions of the list. For each: a direction and a size in a unit, what would refute it, the "
        "conditions "
        "with their control, the budget, the seeds, and what will be measured on which images. Nothing in it can be "
        "bent afterwards.",
        2: "Predictions with a direction and a control, but no size, or nothing that would refute them.",
        1: "A question and an expectation, without conditions.",
        0: "Written after the run, or true whatever comes out.",
    },
)


# 13.2 What a budget buys


def _generations(
    first: Callable[[int, int, bool], int] = lambda new, kept, fresh: new + kept,
    later: Callable[[int, int, bool], int] = lambda new, kept, fresh: new + kept * fresh,
    images: Callable[[int], int] = lambda n: n,
    whole: Callable[[float], float] = math.floor,
) -> Callable[..., float]:
    def count(budget: int, n_new: int, n_kept: int, n_images: int, fresh: bool) -> float:
        start = first(n_new, n_kept, fresh) * images(n_images)
        if budget < start:
            return 0
        return 1 + whole((budget - start) / (later(n_new, n_kept, fresh) * images(n_images)))

    return count


def _steps(cost: int, whole: Callable[[float], float] = math.floor) -> Callable[..., float]:
    return lambda budget, n_new, n_kept, n_images, fresh: whole(budget / (cost * n_images))


_BUYS: list[tuple[str, Callable[..., float], dict[str, Callable[..., float]]]] = [
    ("generations", _generations(), {
        "generations count the kept ones in every generation, also where the images stay the same. Their scores are "
        "still good, nobody looks at them again, so they cost nothing after the first generation: you count what is "
        "reused twice.": _generations(later=lambda new, kept, fresh: new + kept),
        "generations never count the kept ones after the first generation. With fresh images an old score says "
        "nothing: "
        "the kept ones must be scored again, and that is paid for.": _generations(later=lambda new, kept, fresh: new),
        "generations never count the kept ones at all. In the first generation nobody has a score yet, and with fresh "
        "images nobody has one later.": _generations(lambda new, kept, fresh: new, lambda new, kept, fresh: new),
        "generations have the first one too cheap: there the kept ones have no scores yet, whatever the images do "
        "later.": _generations(lambda new, kept, fresh: new + kept * fresh),
        "generations have it the wrong way round: fresh images mean that old scores are worth nothing.": _generations(
            later=lambda new, kept, fresh: new + kept * (not fresh)
        ),
        "generations are counted in genomes. An evaluation is one genome on one image: multiply by n_images.": (
            _generations(images=lambda n: 1)
        ),
        "generations are rounded up: what is left doesn't pay for another whole one.": _generations(whole=math.ceil),
        "generations are rounded to the nearest: what is left doesn't pay for another whole one.": _generations(
            whole=round
        ),
        "generations are no whole number: round down, //.": _generations(whole=float),
        "generations come second in your answer, and steps first: return generations, steps.": _steps(3),
        "generations fall below 0 where the budget is too small for the first one: then there are 0.": (
            lambda budget, new, kept, images, fresh: (
                1 + (budget - (new + kept) * images) // ((new + kept * fresh) * images)
            )
        ),
        "generations leave out the first one: you pay for it, but count only those after it.": (
            lambda *args: max(0, _generations()(*args) - 1)
        ),
        "generations count the first one without paying for it: take its cost off the budget before you divide.": (
            lambda budget, new, kept, images, fresh: (
                0 if budget < (new + kept) * images else 1 + budget // ((new + kept * fresh) * images)
            )
        ),
        "generations all cost the same in your count, but the first one costs more where the images stay the same.": (
            lambda budget, new, kept, images, fresh: (
                0 if budget < (new + kept) * images else budget // ((new + kept * fresh) * images)
            )
        ),
    }),
    ("steps", _steps(3), {
        "steps count the forward pass alone. A gradient step on one image costs three evaluations: one forward, "
        "and the "
        "backward pass counts two.": _steps(1),
        "steps count the backward pass as one evaluation; in this book it is two, so a step costs three an image.": (
            _steps(2)
        ),
        "steps count four evaluations an image: one forward, and the backward pass counts two, are three.": _steps(4),
        "steps are rounded up: what is left doesn't pay for another whole one.": _steps(3, math.ceil),
        "steps are rounded to the nearest: what is left doesn't pay for another whole one.": _steps(3, round),
        "steps are no whole number: round down, //.": _steps(3, float),
        "steps are 0 where the budget is too small for a generation. A step is cheaper: count the two apart.": (
            lambda budget, new, kept, images, fresh: (
                0 if budget < (new + kept) * images else budget // (3 * images)
            )
        ),
        "steps don't count the images: each image in the batch costs three evaluations.": (
            lambda budget, *_: budget // 3
        ),
    }),
]  # fmt: skip


@LAB.exercise("13.2", "affordable(budget, n_new, n_kept, n_images, fresh)", title="What a budget buys", points=2)
def _(student: Student) -> None:
    names = [name for name, *_ in _BUYS]
    by_hand = [
        ((1000, 8, 2, 10, False), (12, 33)),  # 100 for the first, then 80 each: 900 / 80 is 11 and some
        ((1000, 8, 2, 10, True), (10, 33)),
        ((99, 8, 2, 10, False), (0, 3)),
        ((50, 2, 8, 10, False), (0, 1)),  # far from a first generation
        ((24_000_000, 195, 5, 200, True), (600, 40_000)),
    ]
    others = [(5555, 7, 3, 11, False), (5555, 7, 3, 11, True), (100, 8, 2, 10, False), (179, 8, 2, 10, False)]
    others += [(90_000, 128, 1, 256, True), (90_000, 128, 1, 256, False), (1, 1, 1, 1, True), (12_345, 3, 30, 7, False)]

    def part(number: int) -> Callable[..., Any]:
        def one(*args: Any) -> Any:
            answer = student(*args)
            if not isinstance(answer, tuple | list) or len(answer) != 2:
                raise TryAgain(f"your function should return 2 values: end it with `return {', '.join(names)}`.")
            return answer[number]

        return one

    for number, (name, right, mistakes) in enumerate(_BUYS):
        compare(
            Student(part(number), student.parameters),
            returns=(name,),
            by_hand=[(args, answers[number]) for args, answers in by_hand],
            others=others,
            right=right,
            mistakes=mistakes,
        )


# 13.3 A run that can be stopped


class _Stop(Exception):  # noqa: N818 - what a power cut would be
    """Ends a run in the middle."""


class _Work:
    """What a runner is given as `work`: answers like an experiment and remembers how it was asked."""

    def __init__(self, journal: Path, stop_at: int | None = None, evaluations: int = 900) -> None:
        self.journal, self.stop_at, self.evaluations = journal, stop_at, evaluations
        self.calls: list[tuple[str, float, int, int]] = []

    def __call__(self, condition: Any = None, rng: Any = None, budget: Any = None) -> Row:
        refuse(
            not isinstance(rng, torch.Generator),
            f"`work` gets a value of type {type(rng).__name__} as its second argument; give it a torch.Generator: "
            "work(condition, rng, budget).",
        )
        lines = self.journal.read_text("utf-8").splitlines() if self.journal.exists() else []
        if self.stop_at == len(self.calls):
            raise _Stop
        first = float(torch.rand((), generator=rng))
        torch.rand((sum(map(ord, str(condition))) % 7,), generator=rng)  # conditions draw unequal amounts
        self.calls.append((str(condition), first, budget, len(lines)))
        return {
            "score": round(first + len(str(condition)) / 100, 6),
            "evaluations": self.evaluations,
            "note": f"unit {len(self.calls)}",
        }


def _first_draw(seed: int) -> float:
    return float(torch.rand((), generator=seeded(seed)))


def _lines(journal: Path) -> list[Row]:
    """What can be read of a journal."""
    found = []
    for line in journal.read_text("utf-8").splitlines() if journal.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            found.append(row)
    return found


def _units(rows: Any) -> list[tuple[Any, Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TryAgain("return a list with a dictionary for each unit: condition, seed, score and evaluations.")
    for row in rows:
        missing = {"condition", "seed", "score", "evaluations"} - set(row)
        refuse(bool(missing), f"a row of your answer lacks {', '.join(sorted(missing))}.")
    return [(row["condition"], row["seed"]) for row in rows]


CONDITIONS, SEEDS, BUDGET = ["as it is", "changed"], [3, 5, 8], 1000
_ASKED = [(condition, seed) for seed in SEEDS for condition in CONDITIONS]


@LAB.exercise(
    "13.3", "run_all(conditions, seeds, budget, work, journal, progress)", title="A run that can be stopped", points=4
)
def _(student: Student) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _fresh_run(student, Path(folder) / "fresh.jsonl")
        _stopped_run(student, Path(folder) / "stopped.jsonl")
        _half_a_line(student, Path(folder) / "half.jsonl")
        _other_units(student, Path(folder) / "other.jsonl")
        _overspent(student, Path(folder) / "overspent.jsonl")


def _run(student: Student, journal: Path, work: _Work, seen: list[tuple[int, int]] | None = None) -> Any:
    def progress(done: Any, total: Any) -> None:
        if seen is not None:
            seen.append((done, total))

    return student(CONDITIONS, SEEDS, BUDGET, work, journal, progress)


def _fresh_run(student: Student, journal: Path) -> None:
    work, seen = _Work(journal), list[tuple[int, int]]()
    answer = _run(student, journal, work, seen)
    units = _units(answer)
    names, draws = [name for name, *_ in work.calls], [draw for _, draw, *_ in work.calls]
    refuse(
        len(work.calls) != len(_ASKED),
        f"for {len(CONDITIONS)} conditions and {len(SEEDS)} seeds `work` should be called {len(_ASKED)} times; "
        f"you call "
        f"it {len(work.calls)} times.",
    )
    refuse(
        names == [condition for condition in CONDITIONS for _ in SEEDS],
        "all seeds of one condition run before the next condition begins. If the run is stopped halfway, one condition "
        "has everything and the other nothing, and no pair is whole: let the outer loop go over the seeds.",
    )
    refuse(names != [condition for condition, _ in _ASKED], f"the conditions come as {names}: keep the order given.")
    budgets = [budget for _, _, budget, _ in work.calls]
    refuse(
        budgets != [BUDGET] * len(budgets),
        f"the units get the budgets {budgets}. Each unit may spend the whole of `budget`, {BUDGET}: the same for all.",
    )
    expected = [_first_draw(seed) for _, seed in _ASKED]
    if draws != expected:
        firsts = draws[:: len(CONDITIONS)]
        if firsts == expected[:: len(CONDITIONS)]:
            raise TryAgain(
                "the second condition of a seed goes on with the generator that the first has used. It then sees other "
                "images in another order, although the seed is the same, and the pair is no pair. Make a fresh "
                "generator for each unit: torch.Generator().manual_seed(seed)."
            )
        if len(set(draws)) == 1:
            raise TryAgain("all units draw the same numbers: seed each generator with the unit's own `seed`.")
        if len(set(draws)) == len(draws):
            raise TryAgain(
                "the two conditions of a seed draw different numbers, so they are not paired. Seed the generator with "
                "`seed` alone: manual_seed(seed), without the condition and without a running number."
            )
        raise TryAgain("the generators are not seeded as asked: torch.Generator().manual_seed(seed) for each unit.")
    refuse(
        [n for *_, n in work.calls] == [0] * len(work.calls),
        "while the units run, the journal stays empty. If the power goes, all is lost: write a unit's line as soon as "
        "it is finished, and close (or flush) the file.",
    )
    refuse(
        [n for *_, n in work.calls] != list(range(len(work.calls))),
        "the journal should hold one line for each finished unit when the next one starts. It holds "
        f"{[n for *_, n in work.calls]} lines before the units: open it with mode 'a' and write one line a unit.",
    )
    refuse(units != _ASKED, f"your rows are for {units}; they should be for {_ASKED}, seed by seed.")
    refuse(
        not all("note" in row for row in [*answer, *_lines(journal)]),
        "a row, or its line in the journal, lacks a part of what `work` returned: keep all of it, not only score and "
        "evaluations.",
    )
    totals = [(k, len(_ASKED)) for k in range(1, len(_ASKED) + 1)]
    refuse(
        not seen,
        "`progress` is never called: call progress(done, total) after each unit.",
    )
    refuse(
        seen == [(k - 1, n) for k, n in totals],
        "`progress` is called before the unit is finished: call it when its line is in the journal.",
    )
    refuse(seen != totals, f"`progress` gets {seen}; it should get {totals}: units finished so far, and all units.")


def _stopped_run(student: Student, journal: Path) -> None:
    try:
        _run(student, journal, _Work(journal, stop_at=3))
    except _Stop:
        pass
    else:
        raise TryAgain(
            "an exception in `work` disappears in your function. Let it through: whoever stops a run wants it to stop, "
            "and a unit that failed is no result."
        )
    kept = _lines(journal)
    refuse(len(kept) != 3, f"a run was stopped after 3 units, and its journal holds {len(kept)} of them.")
    work, seen = _Work(journal), list[tuple[int, int]]()
    units = _units(_run(student, journal, work, seen))
    after = [(row.get("condition"), row.get("seed")) for row in _lines(journal)]
    refuse(
        len(work.calls) == len(_ASKED) and len(after) == len(_ASKED),
        "the second run begins from nothing and overwrites the journal. Read it first, and skip what is in it.",
    )
    refuse(
        len(work.calls) == len(_ASKED),
        "the second run does every unit again, and the journal holds the first three twice. They would count twice in "
        "every mean: skip what is in the journal.",
    )
    refuse(
        len(work.calls) != 3,
        f"3 of {len(_ASKED)} units were finished before, so `work` should be called 3 times, not {len(work.calls)}.",
    )
    refuse(
        len(after) > len(set(after)) or len(units) > len(set(units)),
        "after the resumed run a unit is there twice. It counts twice in every mean: write only what is new, "
        "and return "
        "each unit once.",
    )
    refuse(
        set(units) == set(_ASKED[3:]),
        "the resumed run returns only what it did itself. Return all the units that were asked for, old and new.",
    )
    refuse(units != _ASKED, f"after a stop your rows are for {units}; they should be for {_ASKED}, seed by seed.")
    refuse(
        seen == [(1, 3), (2, 3), (3, 3)] or seen == [(1, 6), (2, 6), (3, 6)],
        f"`progress` starts again from nothing, {seen}. Count the units that the journal held: (4, 6), (5, 6), (6, 6).",
    )
    refuse(
        seen[-3:] != [(4, 6), (5, 6), (6, 6)],
        f"after a stop `progress` gets {seen}; it should get (4, 6), (5, 6) and (6, 6).",
    )


def _half_a_line(student: Student, journal: Path) -> None:
    """The power went while the third unit was written."""
    lines = [json.dumps({"condition": c, "seed": s, "score": 0.5, "evaluations": 900}) for c, s in _ASKED[:3]]
    journal.write_text("\n".join([lines[0], lines[1], lines[2][:25]]), "utf-8")
    work = _Work(journal)
    try:
        units = _units(_run(student, journal, work))
    except (ValueError, KeyError) as error:
        raise TryAgain(
            "the journal ends in half a line, because the power went while it was written, and your function stops at "
            f"it ({type(error).__name__}). Leave out a line that json.loads refuses: its unit is not finished."
        ) from None
    refuse(
        [name for name, *_ in work.calls] != [condition for condition, _ in _ASKED[2:]],
        f"the journal held two whole lines and half a third one, so 4 units are left to do; you do {len(work.calls)}. "
        "Only what can be read is finished.",
    )
    refuse(set(units) != set(_ASKED), f"after half a line your rows are for {units}; they should be for {_ASKED}.")
    whole = {(row.get("condition"), row.get("seed")) for row in _lines(journal)} == set(_ASKED)
    again = _Work(journal)
    _run(student, journal, again)
    refuse(
        whole and bool(again.calls),
        "you stop reading at the half line, and what stands after it in the journal is run again: leave out that one "
        "line, and read on (continue, not break).",
    )
    refuse(
        bool(again.calls),
        "a new line was glued to the half line that was there, and so both are lost: the next run does a unit again. "
        "Before you append, see to it that the file ends in a line's end.",
    )


def _other_units(student: Student, journal: Path) -> None:
    """The journal holds a seed that isn't asked for, and stands in another order."""
    rows = [{"condition": c, "seed": s, "score": s / 10, "evaluations": 7} for c, s in [*_ASKED[::-1], ("changed", 99)]]
    journal.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    work, seen = _Work(journal), list[tuple[int, int]]()
    answer = _run(student, journal, work, seen)
    units = _units(answer)
    refuse(bool(work.calls), "all units were in the journal, and yet `work` is called.")
    refuse(
        ("changed", 99) in units,
        "your rows hold a unit that is in the journal but was not asked for (seed 99). Return what this call asks for.",
    )
    refuse(
        units != _ASKED,
        "your rows stand in the order of the journal. Put them in the order asked for, seed by seed: whoever pairs by "
        "position pairs the wrong ones.",
    )
    refuse(
        any(row["score"] != row["seed"] / 10 for row in answer),
        "a row's score is not the one that the journal holds for its condition and seed.",
    )
    refuse(bool(seen), "`progress` is called for units that the journal held: call it after those that you ran.")
    journal.write_text("".join(json.dumps(row) + "\n" for row in rows if row is not rows[4]), "utf-8")
    _run(student, journal, _Work(journal), seen)  # the second unit is missing
    refuse(
        seen == [(len(rows), len(_ASKED))],
        f"`progress` says {len(rows)} of {len(_ASKED)}: it counts a unit that is in the journal but was not asked for.",
    )
    refuse(
        seen != [(len(_ASKED), len(_ASKED))],
        f"the journal held all units but the second, and after it `progress` gets {seen}. All {len(_ASKED)} are done "
        "then: count the finished units, not the place in the list.",
    )


def _overspent(student: Student, journal: Path) -> None:
    work = _Work(journal, evaluations=BUDGET + 1)
    try:
        _run(student, journal, work)
    except ValueError as error:
        kept = len(_lines(journal))
        refuse(kept > 0, "a unit that spent more than its budget stands in the journal. Look before you write.")
        condition, seed = _ASKED[0]
        refuse(
            condition not in str(error) or str(seed) not in str(error),
            f"your ValueError says {str(error)!r}. Name the condition and the seed: after a night of runs, which was "
            "it?",
        )
    else:
        raise TryAgain(
            f"a unit reports {BUDGET + 1} evaluations with a budget of {BUDGET}, and nobody notices. Raise a "
            f"ValueError "
            "that names the condition and the seed: a comparison at unequal budgets is none."
        )
    exact = _Work(journal, evaluations=BUDGET)
    try:
        _run(student, journal, exact)
    except ValueError:
        raise TryAgain(
            "a unit that spends exactly its budget is refused; only more than the budget is too much."
        ) from None


# 13.4 What was forgotten

Array = NDArray[np.float64]


def _forgotten(
    peak: Callable[[Array, int], float] = lambda a, k: float(a[:-1, k].max()),
    tasks: Callable[[int], Sequence[int]] = lambda n: range(n - 1),
    over: Callable[[list[float]], float] = lambda drops: float(np.mean(drops)),
    view: Callable[[Array], Array] = lambda a: a,
) -> Callable[[Array], float]:
    def forgetting(accuracy: Array) -> float:
        a = view(np.asarray(accuracy, dtype=float))
        return over([peak(a, k) - a[-1, k] for k in tasks(len(a))])

    return forgetting


@LAB.exercise("13.4", "forgetting(accuracy)", title="What was forgotten", points=2)
def _(student: Student) -> None:
    rng = np.random.default_rng(13)
    example = np.array([[0.9, 0.2, 0.1], [0.95, 0.8, 0.3], [0.6, 0.9, 0.7]])
    rising = np.array([[0.5, 0.1], [0.7, 0.9]])  # the first task got better: forgetting is below 0
    early = np.array([[0.8, 0.6, 0.2], [0.7, 0.5, 0.1], [0.4, 0.3, 0.9]])  # task 1 was best before it was learned
    others = [rng.uniform(size=(n, n)).round(3) for n in (2, 4, 5, 7)]
    compare(
        student,
        returns="the answer",
        by_hand=[((example,), 0.125), ((rising,), -0.2), ((early,), 0.35)],
        others=[(a,) for a in others],
        right=_forgotten(),
        mistakes={
            "you measure against the first accuracy, the one right after a task was learned (the diagonal). A task can "
            "get better later and be forgotten from there: take the best earlier accuracy.": _forgotten(
                lambda a, k: float(a[k, k])
            ),
            "you look for the best accuracy only from the task's own turn on. Earlier rows count too: what was known "
            "before can be forgotten as well.": _forgotten(lambda a, k: float(a[k:-1, k].max())),
            "a task that got better counts as 0 instead of below it. Do you cut off at 0? Or is the last row among the "
            "earlier ones? The best accuracy is taken over all rows but the last.": _forgotten(
                lambda a, k: float(a[:, k].max())
            ),
            "the last task is in your mean. It was only just learned, and nothing can have been forgotten.": _forgotten(
                tasks=range
            ),
            "the last task is in your mean, and the last row among the earlier ones.": _forgotten(
                lambda a, k: float(a[:, k].max()), range
            ),
            "the sign is turned round: forgetting is positive where accuracy was lost.": _forgotten(
                over=lambda drops: -float(np.mean(drops))
            ),
            "rows and columns are swapped: row i is after task i, column k is on task k.": _forgotten(
                view=lambda a: a.T
            ),
            "the mean is cut off at 0: below 0 it says that old tasks got better.": _forgotten(
                over=lambda drops: max(0.0, float(np.mean(drops)))
            ),
            "you divide by all T tasks, but the last one isn't in the sum: divide by T - 1.": _forgotten(
                over=lambda drops: float(np.sum(drops)) / (len(drops) + 1)
            ),
            "you measure against the last row but one. The best may stand further up: take the best of all rows but "
            "the last.": _forgotten(lambda a, k: float(a[-2, k])),
            "the best is taken along the rows (axis=1). A column is a task: take the best of each column, axis=0.": (
                _forgotten(lambda a, k: float(a[k, :-1].max()))
            ),
            "you give the loss as a part of the best accuracy: subtract, and don't divide.": lambda accuracy: float(
                np.mean(1 - accuracy[-1, :-1] / accuracy[:-1, :-1].max(axis=0))
            ),
            "you sum over the tasks; take their mean.": _forgotten(over=lambda drops: float(np.sum(drops))),
            "you give the largest drop of all tasks; take their mean.": _forgotten(over=max),
            "gains count as losses: there is an absolute value too many.": _forgotten(
                over=lambda drops: float(np.mean(np.abs(drops)))
            ),
            "your answer is in per cent; keep to shares of 1.": _forgotten(
                over=lambda drops: 100 * float(np.mean(drops))
            ),
        },
    )


# 13.5 Is it better?

Verdict = tuple[str, float, float, float]


def _by_seed(rows: list[Row], setting: str, what: str) -> dict[int, float]:
    return {row["seed"]: row[what] for row in rows if row["setting"] == setting}


def _choose(rows: list[Row], control: str, by: str, with_control: bool = False) -> str:
    names = sorted({row["setting"] for row in rows} - (set() if with_control else {control}))
    return max(names, key=lambda name: float(np.mean(list(_by_seed(rows, name, by).values()))))


def _one_best(rows: list[Row], control: str) -> str:
    others = [row for row in rows if row["setting"] != control]
    return str(max(others, key=lambda row: float(row["validation"]))["setting"])


def _judged(
    chosen: Callable[[list[Row], str], str] = lambda rows, control: _choose(rows, control, "validation"),
    what: str = "test",
    sign: int = 1,
    half: Callable[[Array, float], float] = lambda d, tail: float(
        stats.t.ppf(1 - tail, d.size - 1) * d.std(ddof=1) / math.sqrt(d.size)
    ),
    tail: Callable[[int], float] = lambda n: 0.025 / n,
    pair: str = "seed",
) -> Callable[..., Verdict]:
    def judge(rows: list[Row], control: str, n_comparisons: int) -> Verdict:
        name = chosen(rows, control)
        a, b = _by_seed(rows, name, what), _by_seed(rows, control, what)
        if pair == "position":
            n = min(len(a), len(b))
            d = np.array(list(a.values())[:n]) - np.array(list(b.values())[:n])
        else:
            d = np.array([a[seed] - b[seed] for seed in sorted(set(a) & set(b))])
        mean, width = sign * float(d.mean()), half(d, tail(n_comparisons))
        if pair == "means":
            mean = float(np.mean(list(a.values()))) - float(np.mean(list(b.values())))
        if pair == "none":
            x, y = (np.array(list(values.values())) for values in (a, b))
            level = 1 - 2 * tail(n_comparisons)
            found = stats.ttest_ind(x, y, equal_var=False).confidence_interval(level)
            return name, float(x.mean() - y.mean()), float(found.low), float(found.high)
        return name, mean, mean - width, mean + width

    return judge


_Z = stats.norm.ppf


@LAB.exercise("13.5", "is_better(rows, control, n_comparisons)", title="Is it better?", points=4)
def _(student: Student) -> None:
    def rows(table: dict[str, list[tuple[int, float, float]]]) -> list[Row]:
        return [
            {"setting": name, "seed": seed, "validation": validation, "test": test}
            for name, entries in table.items()
            for seed, validation, test in entries
        ]

    example = rows(
        {
            "as it is": [(0, 0.70, 0.80), (1, 0.70, 0.82), (2, 0.70, 0.84)],
            "wide": [(2, 0.92, 0.87), (0, 0.90, 0.81), (1, 0.88, 0.84)],
            "narrow": [(0, 0.97, 0.85), (1, 0.80, 0.84), (2, 0.80, 0.86)],
            "deep": [(0, 0.75, 0.90), (1, 0.76, 0.91), (2, 0.74, 0.95)],
        }
    )
    rng = np.random.default_rng(5)

    def case(n_settings: int, n_seeds: int, best_control: bool) -> list[Row]:
        hard = rng.normal(scale=0.05, size=n_seeds)  # what a seed does to all settings alike
        table: dict[str, list[tuple[int, float, float]]] = {}
        for k in range(n_settings):
            level = 0.9 if k == 0 and best_control else 0.8 - 0.01 * k
            entries = [
                (
                    seed,
                    round(level + hard[seed] + rng.normal(scale=0.02), 4),
                    round((0.70, 0.72, 0.76, 0.73)[k] + hard[seed], 4),
                )
                for seed in rng.permutation(n_seeds).tolist()
            ]
            noisy = [(seed, float(v), float(round(t + rng.normal(scale=0.01), 4))) for seed, v, t in entries]
            lacks = 1 if k == 1 or (k == 0 and n_settings == 3) else 0  # a seed is missing in one, or in both
            table[f"setting {k}"] = noisy[lacks:]
        return rows(table)

    cases = [
        (case(3, 6, False), "setting 0", 2),
        (case(4, 8, True), "setting 0", 3),
        (case(2, 5, False), "setting 0", 1),
    ]
    right = _judged()
    answers = []

    def told(*args: Any) -> tuple[float, float, float]:
        try:
            answer = student(*args)
        except KeyError as error:
            refuse(
                isinstance(error.args[0], int),
                f"your function looks for seed {error} in a setting that lacks it: pair only the seeds of both.",
            )
            raise
        if not isinstance(answer, tuple | list) or len(answer) != 4 or not isinstance(answer[0], str):
            raise TryAgain(
                "your function should return 4 values, the name of the setting and three numbers: end it with "
                "`return chosen, mean, low, high`."
            )
        answers.append((args, answer[0]))
        return answer[1], answer[2], answer[3]

    for args in [(example, "as it is", 1), *cases]:
        told(*args)
    ways: dict[str, Callable[[list[Row], str], str]] = {
        "the setting is chosen by its test accuracy. Then the test set has chosen, and the same images can't "
        "also judge: "
        "choose by validation.": lambda r, c: _choose(r, c, "test"),
        "the control is among those you choose from, and it wins: choose from the others.": lambda r, c: _choose(
            r, c, "validation", with_control=True
        ),
        "the setting is chosen by its best single run. The luckiest seed says little: choose by the mean over seeds.": (
            _one_best
        ),
        "the worst setting is chosen: take the one with the highest mean validation accuracy.": lambda r, c: min(
            sorted({row["setting"] for row in r} - {c}),
            key=lambda name: float(np.mean(list(_by_seed(r, name, "validation").values()))),
        ),
    }
    if any(name != right(*args)[0] for args, name in answers):
        for hint, way in ways.items():
            if all(name == way(args[0], args[1]) for args, name in answers):
                raise TryAgain(hint)
        wrong, name = next((args, name) for args, name in answers if name != right(*args)[0])
        raise TryAgain(
            f"the chosen setting is {name!r}, but {right(*wrong)[0]!r} has the highest mean validation accuracy of all "
            f"but the control {wrong[1]!r}."
        )

    def numbers(judge: Callable[..., Verdict]) -> Callable[..., Any]:
        return lambda *args: judge(*args)[1:]

    def counts_settings(rows: list[Row], control: str, n_comparisons: int) -> Verdict:
        return right(rows, control, len({row["setting"] for row in rows}) - 1)

    def high_first(*args: Any) -> Any:
        name, mean, low, high = right(*args)
        return name, mean, high, low

    mistakes = {
        "you subtract two means, each over its own seeds. Where a seed is missing in one of the two, the means are "
        "over different seeds: take the mean of the differences.": _judged(pair="means"),
        "you divide by n; the standard deviation of a mean is divided by the square root of n.": _judged(
            half=lambda d, tail: float(stats.t.ppf(1 - tail, d.size - 1) * d.std(ddof=1) / d.size)
        ),
        "the number of comparisons is taken from the rows: it is given, n_comparisons.": counts_settings,
        "high comes before low: return chosen, mean, low, high.": high_first,
        "the interval is that of two independent samples. Both settings ran with the same seeds: take the "
        "difference seed "
        "by seed first, and then the mean and the interval of the differences.": _judged(pair="none"),
        "you pair by position, and rows stand in any order. Pair by seed, and leave out a seed that one of the two "
        "lacks.": _judged(pair="position"),
        "the difference is taken the wrong way round: the chosen setting less the control.": _judged(sign=-1),
        "the difference is that of the validation accuracies, which chose the setting and flatter it. Judge by test.": (
            _judged(what="validation")
        ),
        "the standard deviation divides by n; of a sample it divides by n - 1 (ddof=1).": _judged(
            half=lambda d, tail: float(stats.t.ppf(1 - tail, d.size - 1) * d.std() / math.sqrt(d.size))
        ),
        "the interval uses the normal distribution's quantile (1.96 for 95 %). With a handful of seeds take "
        "Student's t "
        "with n - 1 degrees of freedom.": _judged(
            half=lambda d, tail: float(_Z(1 - tail) * d.std(ddof=1) / d.size**0.5)
        ),
        "the interval has the spread of the seeds, not of their mean: divide by the square root of n.": _judged(
            half=lambda d, tail: float(stats.t.ppf(1 - tail, d.size - 1) * d.std(ddof=1))
        ),
        "the interval ignores n_comparisons. If you look at several, each must be wider: its level is "
        "1 - 0.05 / n_comparisons.": _judged(tail=lambda n: 0.025),
        "the interval is one-sided: with 5 % outside, 2.5 % lie on each side. The quantile is that of "
        "1 - 0.025 / n_comparisons.": _judged(tail=lambda n: 0.05 / n),
        "the correction goes the wrong way: with more comparisons your interval gets narrower.": _judged(
            tail=lambda n: min(0.49, 0.025 * n)
        ),
        "the interval has n degrees of freedom; it has one less.": _judged(
            half=lambda d, tail: float(stats.t.ppf(1 - tail, d.size) * d.std(ddof=1) / math.sqrt(d.size))
        ),
    }
    compare(
        Student(told, student.parameters),
        returns=("mean", "low", "high"),
        by_hand=[((example, "as it is", 1), (0.02, 0.02 - 0.0248414, 0.02 + 0.0248414))],
        others=cases,
        right=numbers(right),
        mistakes={hint: numbers(judge) for hint, judge in mistakes.items()},
        rtol=1e-5,
    )


# 13.6 What you found

LAB.free_text(
    "13.6",
    title="What you found",
    points=4,
    rubric={
        4: "For both questions: the prediction as written, the difference with its interval and unit, confirmed or "
        "refuted without a new definition of either; the price in evaluations; every departure from the plan; a "
        "sentence "
        "on what it does not show (data, size, seeds). A null is told as what the interval rules out.",
        2: "Numbers with intervals, but the prediction is bent, the price is missing, or the limits are.",
        1: "A conclusion from means alone.",
        0: "A claim that the run can't carry, or a result that the notebook doesn't hold.",
    },
)
