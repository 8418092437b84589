"""What lab 13 asks of a runner that can be stopped: pairs, a journal, and what becomes of them after a power cut."""

import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from coursekit.feedback import Student, TryAgain, refuse
from coursekit.labs.lab13_work import Stop, Work, grows, lines_of

__all__ = ["judge_runner"]

Row = dict[str, Any]


def _first_draw(seed: int) -> float:
    return float(torch.rand((), generator=torch.Generator().manual_seed(seed)))


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
        first = _fresh_run(student, Path(folder) / "fresh.jsonl")
        _another_plan(student, Path(folder) / "another.jsonl", first)
        _stopped_run(student, Path(folder) / "stopped.jsonl")
        _half_a_line(student, Path(folder) / "half.jsonl")
        _other_units(student, Path(folder) / "other.jsonl")
        _overspent(student, Path(folder) / "overspent.jsonl")


def _run(student: Student, work: Work, plan: Plan = (CONDITIONS, SEEDS, BUDGET)) -> Any:
    try:
        return student(*plan, work, work.journal, work.progress)
    except ValueError as error:
        refuse(
            work.calls and work.calls[-1][0] in str(error) and work.evaluations < plan[2],
            f"after a unit that spent {work.evaluations} evaluations of a budget of {plan[2]} a ValueError comes "
            f"({error}). Is that its complaint of the budget? Only more than the `budget` that was given is too much.",
        )
        raise


def _fresh_run(student: Student, journal: Path) -> Work:
    work = Work(journal)
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
        "all units of one condition run before the next condition begins. If the run is stopped halfway, one condition "
        "has everything and the other nothing, and no pair is whole: let the outer loop go over the seeds.",
    )
    wanted = [condition for condition, _ in _ASKED]
    refuse(
        names != wanted, f"the conditions come as {names}, and should come as {wanted}: seed by seed, in their order."
    )
    budgets = [budget for _, _, budget, _ in work.calls]
    refuse(
        budgets != [BUDGET] * len(budgets),
        f"the units get the budgets {budgets}. Each unit may spend the whole of `budget`, {BUDGET}: the same for all.",
    )
    if draws != [_first_draw(seed) for _, seed in _ASKED]:
        _blame_generators(work, draws)
    grows(journal, [n for *_, n in work.calls], _ASKED)
    refuse(units != _ASKED, f"your rows are for {units}; they should be for {_ASKED}, seed by seed.")
    for where, rows in (("row of your answer", answer), ("line of the journal", lines_of(journal))):
        refuse(
            not all("note" in row for row in rows),
            f"a {where} lacks a part of what `work` returned: keep all of it, not only score and evaluations.",
        )
    totals = [(k, len(_ASKED)) for k in range(1, len(_ASKED) + 1)]
    refuse(not work.seen, "`progress` is never called: call progress(done, total) after each unit.")
    refuse(
        work.lines_then == list(range(len(_ASKED))),
        "`progress` is called before the unit's line is in the journal: only then is it finished, and told.",
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
    return work


def _blame_generators(work: Work, draws: list[float]) -> None:
    """TryAgain that tells how the generators began, which is not as asked."""
    wanted, n = [seed for _, seed in _ASKED], len(CONDITIONS)
    seconds = [work.goes_on[k] for k in range(len(_ASKED)) if k % n]
    refuse(
        all(seconds) and not any(work.goes_on[::n]) and work.seeds == wanted,
        "the second condition of a seed goes on with the generator that the first has used. It then sees other images "
        "in another order, although the seed is the same, and the pair is no pair. Make a fresh generator for each "
        "unit: torch.Generator().manual_seed(seed).",
    )
    refuse(
        all(work.goes_on[1:]),
        "all units share one generator, which goes on from unit to unit, so the conditions of a seed aren't paired. "
        "Make a fresh one for each unit: torch.Generator().manual_seed(seed).",
    )
    refuse(
        work.seeds == wanted,
        "the generators have the right seeds, but numbers were drawn from some of them before `work` gets them: make a "
        "fresh one for each unit, torch.Generator().manual_seed(seed).",
    )
    refuse(
        len(set(draws)) == 1,
        f"all units draw the same numbers, from generators with the seed {work.seeds[0]}: seed each with the unit's "
        "own `seed`.",
    )
    refuse(
        all(draws[k] != draws[k - 1] for k in range(len(draws)) if k % n),
        "the two conditions of a seed draw different numbers, so they are not paired: your generators have the seeds "
        f"{work.seeds}. Take `seed` alone, manual_seed(seed): {wanted}.",
    )
    raise TryAgain(
        f"your generators have the seeds {work.seeds}; they should have {wanted}: torch.Generator().manual_seed(seed) "
        "for each unit."
    )


def _another_plan(student: Student, journal: Path, first: Work) -> None:
    """Other conditions and seeds, neither in order, and a budget that is twice as large."""
    conditions, seeds, budget = ["late", "early", "never"], [21, 4], 2 * BUDGET
    asked = _units_of(conditions, seeds)
    work = Work(journal, evaluations=BUDGET + 500)
    before = len(first.calls), len(first.seen), first.n_lines()
    units = _units(_run(student, work, (conditions, seeds, budget)))
    grown = [now > then for now, then in zip((len(first.calls), len(first.seen), first.n_lines()), before, strict=True)]
    for name, silent, kept in zip(
        ("`work`", "`progress`", "`journal`"),
        (not work.calls, not work.seen, not lines_of(journal)),
        grown,
        strict=True,
    ):
        met = "stays empty" if name == "`journal`" else "is never called"
        why = "that of the first call is used in its place" if kept else "does your function run any unit of this call"
        refuse(silent, f"in a second call the {name} that it is given {met}: {why}{'.' if kept else '?'}")
    seed_of = {_first_draw(seed): seed for seed in [*SEEDS, *seeds]}
    ran = [(name, seed_of.get(draw, seed)) for (name, draw, *_), seed in zip(work.calls, work.seeds, strict=True)]
    wish = f"For conditions {conditions} and seeds {seeds}, take both as they are given, in their order."
    refuse(ran != asked, f"your function runs {ran}. {wish}")
    refuse(units != asked, f"your rows are for {units}. {wish}")
    budgets = {given for _, _, given, _ in work.calls}
    refuse(budgets != {budget}, f"with budget = {budget} your function gives each unit {budgets}: take `budget`.")


def _stopped_run(student: Student, journal: Path) -> None:
    stopped = Work(journal, stop_at=3)
    try:
        _run(student, stopped)
    except Stop:
        pass
    else:
        refuse(
            not stopped.stopped,
            f"in a call with a new journal, after others, `work` should run for {len(_ASKED)} units, and runs for "
            f"{len(stopped.calls)}: is what is done kept from an earlier call?",
        )
        raise TryAgain(
            "an exception in `work` disappears in your function. Let it through: whoever stops a run wants it to stop, "
            "and a unit that failed is no result."
        )
    kept = lines_of(journal)
    refuse(
        len(kept) != 3,
        f"a run was stopped after 3 finished units; then its journal should hold 3 lines, not {len(kept)}.",
    )
    work = Work(journal)
    units = _units(_run(student, work))
    seen = work.seen
    after = [(row.get("condition"), row.get("seed")) for row in lines_of(journal)]
    refuse(
        len(work.calls) == len(_ASKED) and len(after) == len(_ASKED),
        "the second run begins from nothing and overwrites the journal. Read it first, and skip what is in it.",
    )
    refuse(
        len(work.calls) == len(_ASKED),
        f"the second run does every unit again, and the journal holds {len(after)} lines for {len(_ASKED)} units. Skip "
        "what is in it: is it read first, is each line that you read kept, and do its condition and seed compare equal "
        "to those asked for?",
    )
    refuse(
        len(work.calls) != 3,
        f"3 of {len(_ASKED)} units were finished before, so `work` should be called 3 times, not {len(work.calls)}.",
    )
    refuse(
        len(after) > len(set(after)),
        "after the resumed run a unit is in the journal twice. It counts twice in every mean: write only what is new.",
    )
    refuse(
        len(units) > len(set(units)), "the resumed run returns a unit twice, and it would count twice in every mean."
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


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _half_a_line(student: Student, journal: Path) -> None:
    """The power went while the third unit was written."""
    lines = [json.dumps({"condition": c, "seed": s, "score": 0.5, "evaluations": 900}) for c, s in _ASKED[:3]]
    journal.write_text("\n".join([lines[0], lines[1], lines[2][:25]]), "utf-8")
    work = Work(journal)
    try:
        units = _units(_run(student, work))
    except (ValueError, KeyError) as error:
        raise TryAgain(
            "where the journal ends in half a line, because the power went while it was written, your function stops "
            f"with {type(error).__name__}: {str(error)[:120]}. The unit of that line is not finished: leave it out, "
            "and nothing else."
        ) from None
    refuse(
        [name for name, *_ in work.calls] != [condition for condition, _ in _ASKED[2:]],
        f"the journal held two whole lines and half a third one, so {_ASKED[2:]} are left to do; you do "
        f"{work.units}. Only what can be read is finished.",
    )
    refuse(set(units) != set(_ASKED), f"after half a line your rows are for {units}; they should be for {_ASKED}.")
    whole = {(row.get("condition"), row.get("seed")) for row in lines_of(journal)} == set(_ASKED)
    half = lines[2][:25]
    left = journal.read_text("utf-8").splitlines()
    found = [(row.get("condition"), row.get("seed")) for row in lines_of(journal)]
    lost = [unit for unit in _ASKED[:2] if unit not in found]
    refuse(
        lost,
        f"the journal held whole lines of {_ASKED[:2]} and half a line; after your run those of {lost} are gone. "
        "What is finished stays there: leave out the half line, and nothing else.",
    )
    glued = any(line.startswith(half) and line != half and not _is_json(line) for line in left)
    again = Work(journal)
    _run(student, again)
    refuse(
        whole and again.units == _ASKED[2:],
        "you stop reading at the half line, and what stands after it in the journal is run again: leave out that one "
        "line, and read on (continue, not break).",
    )
    refuse(
        whole and again.calls,
        f"after half a line and a run, the journal holds whole lines of all {len(_ASKED)} units, and yet the next run "
        f"does {again.units} again: leave out the half line, and nothing else.",
    )
    refuse(
        glued and again.calls,
        "a new line was glued to the half line that was there, and so both are lost: the next run does a unit again. "
        "Before you append, see to it that the file ends in a line's end.",
    )
    refuse(
        again.calls,
        f"after half a line and a run, the journal lacks whole lines of some units: the next run does {again.units} "
        "again. What stood in the journal must stay there, and each new unit gets a line of its own.",
    )


def _other_units(student: Student, journal: Path) -> None:
    """The journal holds a seed that isn't asked for, and stands in another order."""
    rows = [{"condition": c, "seed": s, "score": s / 10, "evaluations": 7} for c, s in [*_ASKED[::-1], ("changed", 99)]]
    journal.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    work = Work(journal)
    answer = _run(student, work)
    units = _units(answer)
    refuse(work.calls, f"all units were in the journal, and yet `work` is called for {work.units}.")
    refuse(
        ("changed", 99) in units,
        "your rows hold a unit that is in the journal but was not asked for (seed 99). Return what this call asks for.",
    )
    refuse(
        units == _ASKED[::-1],
        "your rows stand in the order of the journal. Put them in the order asked for, seed by seed: whoever pairs by "
        "position pairs the wrong ones.",
    )
    refuse(units != _ASKED, f"all units were in the journal; your rows are for {units}, and should be for {_ASKED}.")
    for row in answer:
        refuse(
            row["score"] != row["seed"] / 10,
            f"the score of {row['condition']!r} with seed {row['seed']} is {row['score']}, but the journal holds "
            f"{row['seed'] / 10} for it.",
        )
    refuse(bool(work.seen), "`progress` is called for units that the journal held: call it after those that you ran.")
    journal.write_text("".join(json.dumps(row) + "\n" for row in rows if row is not rows[4]), "utf-8")
    work = Work(journal)
    _run(student, work)  # the second unit is missing
    seen = work.seen
    refuse(
        seen == [(len(rows), len(_ASKED))],
        f"`progress` says {len(rows)} of {len(_ASKED)}: it counts a unit that is in the journal but was not asked for.",
    )
    cure = "count the finished units, not the place in the list" if seen == [(2, 6)] else "it should get (6, 6)"
    refuse(
        seen != [(len(_ASKED), len(_ASKED))],
        f"the journal held all units but the second, and after it `progress` gets {seen}. All {len(_ASKED)} are done "
        f"then: {cure}.",
    )


def _overspent(student: Student, journal: Path) -> None:
    work = Work(journal, evaluations=BUDGET + 1)
    try:
        _run(student, work)
    except ValueError as error:
        kept = len(lines_of(journal))
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
            f"a unit that spends more than its budget ends in a {type(error).__name__} ({str(error)[:120]}): raise a "
            "ValueError that names the condition and the seed."
        ) from None
    else:
        raise TryAgain(
            f"a unit reports {BUDGET + 1} evaluations with a budget of {BUDGET}, and no error comes. Raise a "
            "ValueError that names the condition and the seed: a comparison at unequal budgets is none."
        )
    exact = Work(journal, evaluations=BUDGET)
    try:
        _run(student, exact)
    except ValueError:
        raise TryAgain(
            "a unit that spends exactly its budget is refused; only more than the budget is too much."
        ) from None
