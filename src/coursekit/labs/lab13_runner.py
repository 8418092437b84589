"""What lab 13 asks of a runner that can be stopped: pairs, a journal, and what becomes of them after a power cut."""

import json
import tempfile
from numbers import Integral
from pathlib import Path
from typing import Any

import torch

from coursekit.feedback import Student, TryAgain, refuse, seems

__all__ = ["judge_runner"]

Row = dict[str, Any]


class _Stop(Exception):  # noqa: N818 - what a power cut would be
    """Ends a run in the middle."""


@seems("function")
class _Work:
    """What a runner is given as `work`: answers like an experiment and remembers how it was asked.

    `calls` holds a unit's condition, first random number, budget, and the number of lines in the journal; `seen` what
    `progress` was told, and `lines_then` the number of lines at that moment.
    """

    def __init__(self, journal: Path, stop_at: int | None = None, evaluations: int = 900) -> None:
        self.journal, self.stop_at, self.evaluations = journal, stop_at, evaluations
        self.calls: list[tuple[str, float, int, int]] = []
        self.seen: list[tuple[int, int]] = []
        self.lines_then: list[int] = []

    def __call__(self, condition: Any = None, rng: Any = None, budget: Any = None) -> Row:
        refuse(
            not isinstance(rng, torch.Generator),
            f"`work` gets a value of type {type(rng).__name__} as its second argument; give it a torch.Generator: "
            "work(condition, rng, budget).",
        )
        refuse(
            rng is torch.default_generator,
            "`work` gets PyTorch's global generator, from which everybody draws: that is what torch.manual_seed seeds. "
            "Make a generator for each unit, torch.Generator().manual_seed(seed).",
        )
        if self.stop_at == len(self.calls):
            raise _Stop
        first = float(torch.rand((), generator=rng))
        torch.rand((sum(map(ord, str(condition))) % 7,), generator=rng)  # conditions draw unequal amounts
        self.calls.append((str(condition), first, budget, self._n_lines()))
        return {
            "score": round(first + len(str(condition)) / 100, 6),
            "evaluations": self.evaluations,
            "note": f"unit {len(self.calls)}",
        }

    def progress(self, done: Any = None, total: Any = None) -> None:
        """What a runner is given as `progress`."""
        for name, value in (("done", done), ("total", total)):
            refuse(
                not isinstance(value, Integral),
                f"`progress` gets a value of type {type(value).__name__} as `{name}`: give it two whole numbers.",
            )
        self.seen.append((done, total))
        self.lines_then.append(self._n_lines())

    def _n_lines(self) -> int:
        return len(self.journal.read_text("utf-8").splitlines()) if self.journal.exists() else 0


def _first_draw(seed: int) -> float:
    return float(torch.rand((), generator=torch.Generator().manual_seed(seed)))


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


Plan = tuple[list[str], list[int], int]
CONDITIONS, SEEDS, BUDGET = ["as it is", "changed"], [3, 5, 8], 1000


def _units_of(conditions: list[str], seeds: list[int]) -> list[tuple[str, int]]:
    return [(condition, seed) for seed in seeds for condition in conditions]


_ASKED = _units_of(CONDITIONS, SEEDS)


def judge_runner(student: Student) -> None:
    """Six runs: two fresh ones, a stopped one, half a line, units that nobody asked for, a budget overspent."""
    with tempfile.TemporaryDirectory() as folder:
        _fresh_run(student, Path(folder) / "fresh.jsonl")
        _another_plan(student, Path(folder) / "another.jsonl")
        _stopped_run(student, Path(folder) / "stopped.jsonl")
        _half_a_line(student, Path(folder) / "half.jsonl")
        _other_units(student, Path(folder) / "other.jsonl")
        _overspent(student, Path(folder) / "overspent.jsonl")


def _run(student: Student, work: _Work, plan: Plan = (CONDITIONS, SEEDS, BUDGET)) -> Any:
    try:
        return student(*plan, work, work.journal, work.progress)
    except ValueError as error:
        refuse(
            work.calls and work.calls[-1][0] in str(error) and work.evaluations < plan[2],
            f"a unit that spends {work.evaluations} evaluations of a budget of {plan[2]} is refused ({error}). Only "
            "more than the `budget` that was given is too much.",
        )
        raise


def _fresh_run(student: Student, journal: Path) -> None:
    work = _Work(journal)
    answer = _run(student, work)
    units = _units(answer)
    names, draws = [name for name, *_ in work.calls], [draw for _, draw, *_ in work.calls]
    refuse(
        len(work.calls) != len(_ASKED),
        f"for {len(CONDITIONS)} conditions and {len(SEEDS)} seeds `work` should be called {len(_ASKED)} times; "
        f"you call it {len(work.calls)} times.",
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
    _grows(journal, [n for *_, n in work.calls])
    refuse(units != _ASKED, f"your rows are for {units}; they should be for {_ASKED}, seed by seed.")
    refuse(
        not all("note" in row for row in [*answer, *_lines(journal)]),
        "a row, or its line in the journal, lacks a part of what `work` returned: keep all of it, not only score and "
        "evaluations.",
    )
    totals = [(k, len(_ASKED)) for k in range(1, len(_ASKED) + 1)]
    refuse(not work.seen, "`progress` is never called: call progress(done, total) after each unit.")
    refuse(
        work.lines_then == list(range(len(_ASKED))),
        "`progress` is called before the unit is finished: call it when its line is in the journal.",
    )
    refuse(
        work.seen == [(n, k) for k, n in totals],
        "`progress` gets its numbers in the wrong order: call progress(done, total), units finished so far and all.",
    )
    refuse(
        len(work.seen) > len(_ASKED),
        f"`progress` is called {len(work.seen)} times for {len(_ASKED)} units: call it once after each.",
    )
    refuse(work.seen != totals, f"`progress` gets {work.seen}; it should get {totals}: units finished so far, and all.")


def _grows(journal: Path, n_lines: list[int]) -> None:
    """TryAgain unless the journal held no line before the first unit, one before the second, and so on."""
    n = len(n_lines)
    refuse(
        n_lines == [0] * n,
        "while the units run, the journal stays empty. If the power goes, all is lost: write a unit's line as soon as "
        "it is finished, and close (or flush) the file.",
    )
    refuse(
        n_lines[0] > 0,
        "the journal holds a line before the first unit is finished. It has one line for each finished unit, and "
        "nothing else.",
    )
    refuse(n_lines == list(range(0, 2 * n, 2)), "each unit is written as two lines of the journal; write one.")
    if n_lines == [0] + [1] * (n - 1):
        refuse(
            "}{" in journal.read_text("utf-8"),
            "the journal's lines stand one behind the other, as a single one: write a line's end, \"\\n\", after each.",
        )
        raise TryAgain(
            "the journal never holds more than one line: what stood there is overwritten. Open it with mode 'a', which "
            "writes at its end."
        )
    refuse(
        n_lines != list(range(n)),
        "the journal should hold one line for each finished unit when the next one starts; it holds "
        f"{n_lines} lines before the units.",
    )
    refuse(
        len(_lines(journal)) < n,
        "a line of the journal isn't a dictionary in JSON: write json.dumps(row), where row is the unit's dictionary.",
    )


def _another_plan(student: Student, journal: Path) -> None:
    """Other conditions and seeds, neither in order, and a budget that is twice as large."""
    conditions, seeds, budget = ["late", "early", "never"], [21, 4], 2 * BUDGET
    asked = _units_of(conditions, seeds)
    work = _Work(journal, evaluations=BUDGET + 500)
    units = _units(_run(student, work, (conditions, seeds, budget)))
    refuse(not work.calls, "in a second call the `work` that it is given is never called: is the first one kept?")
    refuse(not work.seen, "in a second call the `progress` that it is given is never called: is the first one kept?")
    refuse(
        not _lines(journal),
        "in a second call the `journal` that it is given stays empty: is the first one kept, or typed in?",
    )
    seed_of = {_first_draw(seed): seed for seed in [*SEEDS, *seeds]}
    ran = [(name, seed_of.get(draw)) for name, draw, *_ in work.calls]
    wish = f"For conditions {conditions} and seeds {seeds}, take both as they are given, in their order."
    refuse(ran != asked, f"your function runs {ran}. {wish}")
    refuse(units != asked, f"your rows are for {units}. {wish}")
    budgets = {given for _, _, given, _ in work.calls}
    refuse(budgets != {budget}, f"with budget = {budget} your function gives each unit {budgets}: take `budget`.")


def _stopped_run(student: Student, journal: Path) -> None:
    try:
        _run(student, _Work(journal, stop_at=3))
    except _Stop:
        pass
    else:
        raise TryAgain(
            "an exception in `work` disappears in your function. Let it through: whoever stops a run wants it to stop, "
            "and a unit that failed is no result."
        )
    kept = _lines(journal)
    refuse(len(kept) != 3, f"a run was stopped after 3 units, and its journal holds {len(kept)} of them.")
    work = _Work(journal)
    units = _units(_run(student, work))
    seen = work.seen
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
        "after the resumed run a unit is there twice. It counts twice in every mean: write only what is new, and "
        "return each unit once.",
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
        units = _units(_run(student, work))
    except (ValueError, KeyError) as error:
        raise TryAgain(
            "where the journal ends in half a line, because the power went while it was written, your function stops "
            f"with {type(error).__name__}. The unit of that line is not finished: leave it out, and nothing else."
        ) from None
    refuse(
        [name for name, *_ in work.calls] != [condition for condition, _ in _ASKED[2:]],
        f"the journal held two whole lines and half a third one, so 4 units are left to do; you do {len(work.calls)}. "
        "Only what can be read is finished.",
    )
    refuse(set(units) != set(_ASKED), f"after half a line your rows are for {units}; they should be for {_ASKED}.")
    whole = {(row.get("condition"), row.get("seed")) for row in _lines(journal)} == set(_ASKED)
    again = _Work(journal)
    _run(student, again)
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
    work = _Work(journal)
    answer = _run(student, work)
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
    refuse(bool(work.seen), "`progress` is called for units that the journal held: call it after those that you ran.")
    journal.write_text("".join(json.dumps(row) + "\n" for row in rows if row is not rows[4]), "utf-8")
    work = _Work(journal)
    _run(student, work)  # the second unit is missing
    seen = work.seen
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
        _run(student, work)
    except ValueError as error:
        kept = len(_lines(journal))
        refuse(kept > 0, "a unit that spent more than its budget stands in the journal. Look before you write.")
        condition, seed = _ASKED[0]
        refuse(
            condition not in str(error) or str(seed) not in str(error),
            f"your ValueError says {str(error)!r}. Name the condition and the seed: after a night of runs, which "
            "was it?",
        )
    except TryAgain:
        raise
    except Exception as error:
        raise TryAgain(
            f"a unit that spends more than its budget ends in a {type(error).__name__}: raise a ValueError that names "
            "the condition and the seed."
        ) from None
    else:
        raise TryAgain(
            f"a unit reports {BUDGET + 1} evaluations with a budget of {BUDGET}, and nobody notices. Raise a "
            "ValueError that names the condition and the seed: a comparison at unequal budgets is none."
        )
    exact = _Work(journal, evaluations=BUDGET)
    try:
        _run(student, exact)
    except ValueError:
        raise TryAgain(
            "a unit that spends exactly its budget is refused; only more than the budget is too much."
        ) from None
