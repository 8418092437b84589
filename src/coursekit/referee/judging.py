"""What the referee looks for, rule by rule."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coursekit.capstone import Plan, differences, means, source_hash, table
from coursekit.execute import execute
from coursekit.notebooks import to_text
from coursekit.referee import prose
from coursekit.referee.reading import Paper, record_of, texts
from neuroevo.stats import mean_interval

RULES = {
    "order": ("run from top to bottom, and unchanged since", 2),
    "seeds": ("every planned seed, at least 20, in every arm", 2),
    "budgets": ("the same budget for every arm, tuning included", 2),
    "test set": ("opened once, after the choice", 2),
    "prediction": ("locked before the runs, and unchanged", 2),
    "intervals": ("an interval beside every mean, and the one that the runs give", 3),
    "numbers": ("every number in the text comes from a cell", 2),
}
"""Rule -> what keeps it, and its points; the first five are *reproducibility*, the others half of *statistics*."""

BLIND = """What a referee that only reads can't see, and you must ask:
- what was tried and not metered: settings that came from pilots, runs that were thrown away, a lock made after them
- whether the parts are apart: an image, or a copy of it, in training and in validation
- whether the rival is any good, and was tuned by somebody who wanted it to win
- whether the code does what the text says (a number may be typed there, too), and whether the runs bear what is said
- a record that somebody forged; --rerun runs the notebook again and compares (it runs the code with your rights)"""

_FEWEST = 20
_TOLERANCE = 1.02  # budgets that differ by less are equal: a last generation may not fit
_MOST = 4  # of the same kind are listed one by one


@dataclass(frozen=True)
class Finding:
    """What is wrong, in which cell (from 1; None: in no single one), and what to do about it."""

    rule: str
    cell: int | None
    what: str
    remedy: str


@dataclass
class Opinion:
    """What the referee has to say on one notebook: faults, and remarks that cost nothing."""

    path: Path
    findings: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def points(self, rules: list[str]) -> tuple[int, int]:
        """Points given and points to be had."""
        broken = {finding.rule for finding in self.findings}
        return sum(RULES[rule][1] for rule in rules if rule not in broken), sum(RULES[rule][1] for rule in rules)


def judge(path: str | Path) -> Opinion:
    """Read a notebook; NotebookError if it is none."""
    paper, opinion = Paper(Path(path)), Opinion(Path(path))
    remark = opinion.remarks.append
    if paper.record is None:
        opinion.findings += [
            Finding(rule, None, "there is no record of the runs", "end the notebook with study.report(), and run all")
            for rule in ("seeds", "budgets", "intervals")
        ]
    for look in (_order, _prediction, _test_set, _numbers):
        opinion.findings += look(paper, remark)
    if paper.record is not None:
        try:
            plan = Plan.of(**paper.record["plan"])
            for weigh in (_seeds, _budgets, _intervals):
                opinion.findings += weigh(paper, plan, paper.record["rows"], remark)
        except (TypeError, ValueError, KeyError) as error:
            what = f"the record doesn't hold together ({error})"
            opinion.findings.append(Finding("order", paper.record_cell, what, "restart and run all"))
    opinion.findings.sort(key=lambda finding: (list(RULES).index(finding.rule), finding.cell or 0))
    return opinion


Found = Iterator[Finding]
Remark = Callable[[str], None]


def _order(paper: Paper, remark: Remark) -> Found:
    for place, (n, cell) in enumerate(paper.code, start=1):
        if cell.execution_count != place:
            ran = "wasn't run" if cell.execution_count is None else f"was run as number {cell.execution_count}"
            yield Finding("order", n, f"it stands at place {place} of the code and {ran}", "restart and run all")
            break
    for n, cell in paper.code:
        for output in cell.outputs:
            if output.output_type == "error":
                yield Finding("order", n, f"it ended with {output.ename}", "mend it, restart and run all")
    ran_cells = paper.record["cells"] if paper.record else []
    for (n, cell), ran in zip(paper.code, ran_cells, strict=False):
        if source_hash(cell.source) != ran:
            yield Finding("order", n, "its code was changed after it was run", "restart and run all")


def _prediction(paper: Paper, remark: Remark) -> Found:
    calls = paper.calls("Study")
    if len(calls) != 1:
        what = "there is no plan" if not calls else f"there are {len(calls)} plans"
        yield Finding("prediction", calls[1].cell if calls else None, what, "state one plan, in one Study(...)")
        return
    (call,) = calls
    plan, lock = paper.plan(call)
    if not lock:
        yield Finding(
            "prediction",
            call.cell,
            "the prediction isn't locked",
            "write the hash that is printed into lock=..., commit the notebook, then run it",
        )
        return
    if plan is None:
        remark(f"cell {call.cell}: the plan isn't written out in plain values, so its lock can't be checked here")
    elif plan.key() != lock:
        what = f"the plan was changed after it was locked: its hash is {plan.key()}, not {lock}"
        yield Finding("prediction", call.cell, what, "put the plan back, or say in the text what changed and why")
    if paper.record and (paper.record["lock"] != lock or _key(paper.record) != lock):
        what = "the runs were made under another plan than the one that is locked here"
        yield Finding("prediction", call.cell, what, "restart and run all, under the plan that was locked first")
    early = [run.cell for run in paper.calls("run") if run.cell < call.cell]
    if early:
        yield Finding("prediction", early[0], "it runs before the plan is stated", "state and lock the plan first")
    committed = paper.first_committed(lock)
    if committed is None:
        remark(f"no history shows when the plan was locked: ask where {lock} was written down, and when")
    elif committed[1]:
        what = f"the lock came into the history together with the results (commit {committed[0]})"
        yield Finding("prediction", call.cell, what, "commit the locked plan before the runs; now say so in the text")
    else:
        remark(f"commit {committed[0]} holds the lock, and no results yet")


def _key(record: dict[str, Any]) -> str:
    try:
        return Plan.of(**record["plan"]).key()
    except (TypeError, ValueError):
        return ""


def _test_set(paper: Paper, remark: Remark) -> Found:
    record = paper.record or {"openings": [], "events": []}
    # What is printed is counted where the test set itself is; code in a loop opens more often than it is written.
    places = max(paper.openings, paper.shown_openings, key=len)
    n = max(len(places), len(record["openings"]))
    if n > 1:
        what = f"the test set is opened {n} times"
        yield Finding("test set", places[1] if len(places) > 1 else None, what, "decide on validation; open it once")
    choices = [call.cell for call in paper.calls("choose")]
    events = [event["event"] for event in record["events"]]
    first = min([*paper.openings, *paper.shown_openings], default=None)
    unchosen = "open" in events and "choose" not in events[: events.index("open")]
    early = first is not None and (not choices or first < min(choices) or unchosen)
    if early:
        what = "the test set is opened before the choice is made"
        yield Finding("test set", first, what, "call study.choose(...) on validation first, then study.open_test(...)")
    later = [call.cell for call in paper.calls("run") if first is not None and call.cell > first]
    if later and not early:
        yield Finding("test set", later[0], "it runs after the test set was opened", "run everything before")
    for cell, name in paper.past_the_seal:
        what = f"{name} takes images past the test set's seal"
        yield Finding("test set", cell, what, "take the parts from neuroevo.data, the test set by study.open_test")
    if not n and not paper.past_the_seal:
        remark("the test set was never opened: all scores are those that the choice was made by")


def _numbers(paper: Paper, remark: Remark) -> Found:
    known = prose.computed(paper)
    stray = [number for number in prose.numbers(paper) if not prose.is_among(number, known)]
    for number in stray[:_MOST]:
        what = f'no cell has computed "{number.text}"'
        yield Finding("numbers", number.cell, what, "print it in a cell, or link to where it comes from")
    if len(stray) > _MOST:
        remark(f"and {len(stray) - _MOST} more numbers that no cell has computed")


def _seeds(paper: Paper, plan: Plan, rows: list[dict[str, Any]], remark: Remark) -> Found:
    cell = paper.record_cell
    if len(plan.seeds) < _FEWEST:
        what = f"{len(plan.seeds)} seeds are planned"
        yield Finding("seeds", cell, what, f"plan at least {_FEWEST}: an interval over fewer is a guess at the spread")
    for arm in plan.arms:
        ran = [row["seed"] for row in rows if row["arm"] == arm and not row["tuning"]]
        if missing := sorted(set(plan.seeds) - set(ran)):
            told = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
            what = f"{arm!r} has no run for seed {told}"
            yield Finding("seeds", cell, what, "run it, or keep the failed run as what it is: a bad score")
        tested = means(rows, arm, "test")
        if tested and (untested := sorted(set(ran) - set(tested))):
            what = f"{arm!r} has no test score for seed {', '.join(map(str, untested))}"
            yield Finding("seeds", cell, what, "score every champion, also the bad ones")


def _budgets(paper: Paper, plan: Plan, rows: list[dict[str, Any]], remark: Remark) -> Found:
    for is_tuning, name, remedy in (
        (False, "a run", "give every arm the same evaluations; what one saves it may spend on more generations"),
        (True, "on tuning", "try as many values, on as many seeds, for each arm"),
    ):
        spent = {}
        for arm in plan.arms:
            runs = [row["evaluations"] for row in rows if row["arm"] == arm and bool(row["tuning"]) is is_tuning]
            spent[arm] = sum(runs) / (1 if is_tuning else max(1, len(runs)))
        few, many = min(spent, key=spent.__getitem__), max(spent, key=spent.__getitem__)
        if spent[many] > _TOLERANCE * spent[few]:
            what = f"{many!r} spends {spent[many]:,.0f} evaluations {name}, {few!r} {spent[few]:,.0f}"
            yield Finding("budgets", paper.record_cell, what, remedy)
    clocks = {a: sum(row["core_seconds"] for row in rows if row["arm"] == a and not row["tuning"]) for a in plan.arms}
    slow, fast = max(clocks, key=clocks.__getitem__), min(clocks, key=clocks.__getitem__)
    if clocks[slow] > 3 * clocks[fast]:
        remark(f"in core-seconds {slow!r} takes {clocks[slow] / max(clocks[fast], 1e-3):.0f} times what {fast!r} takes")


def _intervals(paper: Paper, plan: Plan, rows: list[dict[str, Any]], remark: Remark) -> Found:
    cell = dict(paper.cells)[paper.record_cell or 0]
    if table(plan, rows) not in list(texts(cell)):
        what = "the table that is shown isn't the one that the runs give"
        yield Finding("intervals", paper.record_cell, what, "restart and run all")
    centres: dict[str, tuple[float, str]] = {}
    for part in ("validation", "test"):
        for arm in plan.arms:
            if len(scores := list(means(rows, arm, part).values())) > 1:
                found = mean_interval(scores)
                centres[f"{arm}, {part}"] = (found.mean, found.text(1))
        for better in plan.arms:
            for than in plan.arms:
                gap = None if better == than else differences(rows, better, than, part)
                if gap is not None:
                    centres[f"{better} − {than}, {part}"] = (gap.mean, gap.text(1))
    seen, settings = set(), prose.constants(paper)
    for number in prose.numbers(paper):
        if number.has_interval or not (number.decimals or number.share) or number.value in settings:
            continue
        for name, (mean, told) in centres.items():
            if number.is_(mean) and (number.cell, number.text) not in seen:
                seen.add((number.cell, number.text))
                what = f'"{number.text}" stands there without an interval'
                yield Finding("intervals", number.cell, what, f"if it is {name}: write {told}")


def rerun(path: str | Path) -> list[str]:
    """Run a copy of a notebook, in its folder, and say where its record comes out differently.

    This runs the code with the rights of whoever calls it. NotebookError if a cell fails.
    """
    paper = Paper(Path(path))
    if paper.record is None:
        return ["there is no record to compare with"]
    place = paper.path.with_name(f".{paper.path.stem}.again.ipynb")
    try:
        place.write_text(to_text(copy.deepcopy(paper.nb)), "utf-8")
        execute([place])
        again = record_of(Paper(place).nb)
    finally:
        place.unlink(missing_ok=True)
    if again is None:
        return ["run again, it leaves no record"]
    old, new = (
        {(r["arm"], r["seed"], r["tuning"]): (r["evaluations"], r["validation"], r.get("test")) for r in record["rows"]}
        for record in (paper.record, again)
    )
    told = [
        f"{arm!r}, seed {seed}{tuning and ', ' + tuning}"
        for arm, seed, tuning in old.keys() | new.keys()
        if old.get((arm, seed, tuning)) != new.get((arm, seed, tuning))
    ]
    return (
        [f"run again, {len(told)} of {len(old)} runs come out differently: {'; '.join(sorted(told)[:_MOST])}"]
        if told
        else []
    )


def words(opinion: Opinion) -> str:
    """The opinion as it is printed."""
    lines = [f"{opinion.path.name}: {len(opinion.findings)} found"]
    for finding in opinion.findings:
        where = f"cell {finding.cell}" if finding.cell else "the notebook"
        lines += [f"  {finding.rule:10} {where}: {finding.what}", f"  {'':10} -> {finding.remedy}"]
    lines += [f"  remark     {remark}" for remark in opinion.remarks]
    rules = list(RULES)
    for name, some in (("Reproducibility", rules[:5]), ("Statistics, the automatic half", rules[5:])):
        given, most = opinion.points(some)
        lines.append(f"{name}: {given} of {most}")
    return "\n".join([*lines, "", BLIND])
