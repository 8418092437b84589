"""Lab 13: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import json
import math
from collections import deque

import numpy as np
import torch
from scipy import stats

# 13.2 What a budget buys


def reuse_is_counted_twice(budget, n_new, n_kept, n_images, fresh):
    return budget // ((n_new + n_kept) * n_images), budget // (3 * n_images)


def affordable_by_spending(budget, n_new, n_kept, n_images, fresh):
    """Right: spends until nothing is left."""
    generations, left, scored = 0, budget, 0
    while left >= (cost := (n_new + n_kept - (0 if fresh else scored)) * n_images):
        generations, left, scored = generations + 1, left - cost, n_kept
    return generations, budget // n_images // 3


# 13.3 A run that can be stopped


def finished(journal, *, broken="skip"):
    rows = []
    if journal.exists():
        for line in journal.read_text("utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                if broken == "raise":
                    raise
    return rows


def end_line(journal):
    if journal.exists() and not journal.read_text("utf-8").endswith("\n"):
        with journal.open("a") as file:
            file.write("\n")


def runner(
    *,
    by_seed=True,
    read=finished,
    mend=end_line,
    mode="a",
    at_once=True,
    skip=True,
    source=lambda seed, condition, number: torch.Generator().manual_seed(seed),
    share=lambda budget, n: budget,
    watch=True,
    tell=lambda done, new, total, n_new: (done, total),
    tell_before=False,
    answer=lambda asked, old, new: [next(r for r in old + new if (r["condition"], r["seed"]) == u) for u in asked],
    swallow=False,
    again=False,
    look_first=True,
    keep=lambda result: result,
    complain="{c}, seed {s}: {spent} evaluations, but the budget is {budget}",
):
    """The right answer, or one with a part replaced."""

    def run_all(conditions, seeds, budget, work, journal, progress):
        asked = [(c, s) for s in seeds for c in conditions] if by_seed else [(c, s) for c in conditions for s in seeds]
        old = read(journal)
        mend(journal)
        if mode == "w":
            journal.write_text("")
        have = {(r["condition"], r["seed"]) for r in old} if skip else set()
        todo = [unit for unit in asked if unit not in have]
        new = []
        lines = []
        for number, (c, s) in enumerate(todo):
            if tell_before:
                progress(len(asked) - len(todo) + number, len(asked))
            try:
                result = work(c, source(s, c, number), share(budget, len(conditions)))
            except Exception:
                if swallow:
                    continue
                raise
            row = {"condition": c, "seed": s, **keep(result)}
            if not look_first:
                with journal.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            if watch and result["evaluations"] > budget:
                raise ValueError(complain.format(c=c, s=s, spent=result["evaluations"], budget=budget))
            new.append(row)
            if look_first:
                lines.append(json.dumps(row) + "\n")
            if at_once:
                with journal.open("a") as file:
                    file.writelines(lines)
                lines = []
            if not tell_before and (told := tell(len(asked) - len(todo) + len(new), len(new), len(asked), len(todo))):
                progress(*told)
        with journal.open("a") as file:
            file.writelines(lines)
            if again:
                file.writelines(json.dumps(row) + "\n" for row in old if (row["condition"], row["seed"]) in asked)
        return answer(asked, old if skip else [], new)

    return run_all


_one_source = {}


def shared_generator(seed, condition, number):
    """One generator a seed, which the second condition finds used."""
    if number == 0:
        _one_source.clear()
    return _one_source.setdefault(seed, torch.Generator().manual_seed(seed))


condition_by_condition = runner(by_seed=False)
second_condition_goes_on = runner(source=shared_generator)
running_number_as_seed = runner(source=lambda seed, c, number: torch.Generator().manual_seed(100 + number))
_one_for_all = []


def one_generator(seed, condition, number):
    """One generator for all units, which goes on."""
    if number == 0:
        _one_for_all[:] = [torch.Generator().manual_seed(seed)]
    return _one_for_all[0]


one_generator_for_all = runner(source=one_generator)
another_seed_for_the_second = runner(
    source=lambda seed, c, number: torch.Generator().manual_seed(seed + 1000 * (number % 2))
)
same_seed_for_all = runner(source=lambda seed, c, number: torch.Generator().manual_seed(0))
seed_as_generator = runner(source=lambda seed, c, number: seed)
budget_is_shared_out = runner(share=lambda budget, n: budget // n)
written_at_the_end = runner(at_once=False)
begins_anew = runner(mode="w", skip=False)
does_all_again = runner(skip=False)
old_rows_twice_in_the_journal = runner(again=True)
only_new_rows = runner(answer=lambda asked, old, new: new)
any_order = runner(answer=lambda asked, old, new: [r for r in old + new if (r["condition"], r["seed"]) in asked])
all_of_the_journal = runner(
    answer=lambda asked, old, new: sorted(
        old + new, key=lambda r: [*asked, (r["condition"], r["seed"])].index((r["condition"], r["seed"]))
    )
)
sorted_rows = runner(answer=lambda asked, old, new: sorted(new, key=lambda r: (r["seed"], r["condition"])))
stops_at_half_a_line = runner(read=lambda journal: finished(journal, broken="raise"))
glued_line = runner(mend=lambda journal: None)
exception_is_swallowed = runner(swallow=True, answer=lambda asked, old, new: old + new)
nobody_watches_the_budget = runner(watch=False)
written_before_it_is_looked_at = runner(look_first=False)
no_progress = runner(tell=lambda done, new, total, n_new: None)
progress_from_nothing = runner(tell=lambda done, new, total, n_new: (new, n_new))
progress_too_early = runner(tell_before=True)


keeps_two_numbers = runner(keep=lambda result: {key: result[key] for key in ("score", "evaluations")})
nameless_complaint = runner(complain="more than the budget")


def stops_reading(journal):
    rows = []
    for line in journal.read_text("utf-8").splitlines() if journal.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


reads_up_to_the_half_line = runner(read=stops_reading)


def says(count, skipped=False):
    """A runner with another idea of progress: count(asked, table, unit)."""

    def run_all(conditions, seeds, budget, work, journal, progress):
        asked = [(c, s) for s in seeds for c in conditions]
        table = {(row["condition"], row["seed"]): row for row in finished(journal)}
        for unit in asked:
            if unit not in table:
                rows = runner()([unit[0]], [unit[1]], budget, work, journal, lambda done, total: None)
                table[unit] = rows[0]
            elif not skipped:
                continue
            progress(count(asked, table, unit), len(asked))
        return [table[unit] for unit in asked]

    return run_all


progress_gives_the_place = says(lambda asked, table, unit: asked.index(unit) + 1)
progress_counts_the_journal = says(lambda asked, table, unit: len(table))
progress_for_the_skipped = says(lambda asked, table, unit: asked.index(unit) + 1, skipped=True)


progress_one_too_few = says(lambda asked, table, unit: sum(other in table for other in asked) - 1)


def always(place, value):
    """A runner that takes an argument for this value."""

    def run_all(*given):
        return runner()(*given[:place], value, *given[place + 1 :])

    return as_asked(run_all)


def as_asked(function):
    """The function with the arguments of the exercise."""

    def run_all(conditions, seeds, budget, work, journal, progress):
        return function(conditions, seeds, budget, work, journal, progress)

    return run_all


def kept(place):
    """A runner that keeps an argument of its first call, and never looks again."""
    first = deque()  # an object, into which the engine doesn't look: with a list, it says itself what is kept

    def run_all(*given):
        if given[0] == ["as it is", "changed"] and not given[4].exists() and given[4].stem == "fresh":
            first.clear()
        first.append(given[place])
        return runner()(*given[:place], first[0], *given[place + 1 :])

    return as_asked(run_all)


typed_in_conditions = always(0, ["as it is", "changed"])
typed_in_budget = always(2, 1000)
first_work = kept(3)
first_journal = kept(4)
first_progress = kept(5)
global_generator = runner(source=lambda seed, condition, number: torch.manual_seed(seed))
progress_exchanged = runner(tell=lambda done, new, total, n_new: (total, done))


class Odd:
    """A journal that is written in another way."""

    def __init__(self, journal, mode, text):
        self.journal, self.mode, self.text = journal, mode, text

    def __getattr__(self, name):
        return getattr(self.journal, name)

    def open(self, _):
        journal, text = self.journal, self.text

        class File:
            def __init__(self, file):
                self.file = file

            def __enter__(self):
                return self

            def __exit__(self, *_):
                self.file.close()

            def writelines(self, lines):
                self.file.writelines(text(line) for line in lines)

            def write(self, line):
                self.file.write(line)

        return File(journal.open(self.mode))


def writes(text, mode="a"):
    """A runner that writes something else in place of a line."""

    def run_all(conditions, seeds, budget, work, journal, progress):
        return runner()(conditions, seeds, budget, work, Odd(journal, mode, text), progress)

    return run_all


each_line_twice = writes(lambda line: line * 2)
empty_line_after_each = writes(lambda line: line + "\n")
elsewhere = writes(lambda line: "")
no_line_ends = writes(str.rstrip)
dumped_twice = writes(lambda line: json.dumps(line.strip()) + "\n")
empty_line_first = runner(
    mend=lambda journal: journal.write_text((journal.read_text("utf-8") if journal.exists() else "") + "\n", "utf-8")
)


def exactly_the_budget_is_refused(conditions, seeds, budget, work, journal, progress):
    return runner()(conditions, seeds, budget, spends_more(work, budget), journal, progress)


def spends_more(work, budget):
    def working(condition, rng, given):
        result = work(condition, rng, given)
        if result["evaluations"] == budget:
            raise ValueError("too much")
        return result

    return working


def run_all_with_a_table(conditions, seeds, budget, work, journal, progress):
    """Right: keeps a table by unit, and writes each line as bytes."""
    table = {}
    if journal.exists():
        content = journal.read_bytes()
        if content and content[-1:] != b"\n":
            journal.write_bytes(content[: content.rfind(b"\n") + 1])  # cut the half line off
        for line in journal.read_bytes().splitlines():
            row = json.loads(line)
            table[row["seed"], row["condition"]] = row
    asked = [(s, c) for s in seeds for c in conditions]
    for s, c in asked:
        if (s, c) in table:
            continue
        result = dict(work(c, torch.Generator().manual_seed(s), budget))
        if result["evaluations"] > budget:
            raise ValueError(f"{c} with seed {s} overspent")
        table[s, c] = {"condition": c, "seed": s} | result
        with open(journal, "ab") as file:
            file.write(json.dumps(table[s, c]).encode() + b"\n")
        progress(sum(unit in table for unit in asked), len(asked))
    return [table[unit] for unit in asked]


# 13.4 What was forgotten


def against_the_first(accuracy):
    return np.mean(np.diag(accuracy)[:-1] - accuracy[-1, :-1])


def forgetting_in_loops(accuracy):
    """Right: loops, lists, nothing else."""
    *earlier, last = [list(map(float, row)) for row in accuracy]
    total = 0.0
    for k in range(len(last) - 1):
        best = earlier[0][k]
        for row in earlier:
            best = row[k] if row[k] > best else best
        total += best - last[k]
    return total / (len(last) - 1)


# 13.5 Is it better?


def by_seed(rows, setting):
    return {row["seed"]: row["test"] for row in rows if row["setting"] == setting}


def judge(
    *,
    by="validation",
    control_too=False,
    pick=max,
    over=np.mean,
    unpaired=False,
):
    def is_better(rows, control, n_comparisons):
        names = {row["setting"] for row in rows} - (set() if control_too else {control})
        scores = {name: [row[by] for row in rows if row["setting"] == name] for name in sorted(names)}
        chosen = pick(scores, key=lambda name: over(scores[name]))
        a, b = by_seed(rows, chosen), by_seed(rows, control)
        if unpaired:
            x, y = np.array(list(a.values())), np.array(list(b.values()))
            low, high = stats.ttest_ind(x, y, equal_var=False).confidence_interval(1 - 0.05 / n_comparisons)
            return chosen, x.mean() - y.mean(), low, high
        d = np.array([a[seed] - b[seed] for seed in a if seed in b])
        half = stats.t.ppf(1 - 0.05 / n_comparisons / 2, len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d))
        return chosen, d.mean(), d.mean() - half, d.mean() + half

    return is_better


chosen_by_test = judge(by="test")
control_is_chosen = judge(control_too=True)
luckiest_run_chooses = judge(over=np.max)
worst_is_chosen = judge(pick=min)
independent_samples = judge(unpaired=True)


def all_seeds_of_the_chosen(rows, control, n_comparisons):
    found = judge()(rows, control, n_comparisons)
    a, b = by_seed(rows, found[0]), by_seed(rows, control)
    assert len([a[seed] - b[seed] for seed in a]) > 1
    return found


def three_values(rows, control, n_comparisons):
    return judge()(rows, control, n_comparisons)[1:]


def is_better_by_scipy(rows, control, n_comparisons):
    """Right: pandas and scipy do the work."""
    import pandas as pd

    table = pd.DataFrame(rows)
    chosen = table[table.setting != control].groupby("setting").validation.mean().idxmax()
    wide = table.pivot(index="seed", columns="setting", values="test")[[chosen, control]].dropna()
    found = stats.ttest_rel(wide[chosen], wide[control])
    interval = found.confidence_interval(1 - 0.05 / n_comparisons)
    return chosen, (wide[chosen] - wide[control]).mean(), interval.low, interval.high


def seeds_of_the_control_choose(rows, control, n_comparisons):
    seeds = {row["seed"] for row in rows if row["setting"] == control}
    runs = {}
    for row in rows:
        if row["setting"] != control and row["seed"] in seeds:
            runs.setdefault(row["setting"], []).append(row["validation"])
    chosen = max(runs, key=lambda name: np.mean(runs[name]))
    return is_better_by_scipy([row for row in rows if row["setting"] in (chosen, control)], control, n_comparisons)


def broken_journal_is_thrown_away(conditions, seeds, budget, work, journal, progress):
    done, asked = {}, [(condition, seed) for seed in seeds for condition in conditions]
    try:
        for line in journal.read_text().splitlines() if journal.exists() else []:
            row = json.loads(line)
            done[row["condition"], row["seed"]] = row
    except ValueError:
        journal.unlink()
    for condition, seed in asked:
        if (condition, seed) not in done:
            result = work(condition, torch.Generator().manual_seed(seed), budget)
            if result["evaluations"] > budget:
                raise ValueError(f"{condition}, {seed}")
            done[condition, seed] = {"condition": condition, "seed": seed} | result
            with journal.open("a") as file:
                file.write(json.dumps(done[condition, seed]) + "\n")
            progress(sum(unit in done for unit in asked), len(asked))
    return [done[unit] for unit in asked]


def two_samples_with_one_variance(rows, control, n_comparisons):
    chosen, mean, *_ = is_better_by_scipy(rows, control, n_comparisons)
    a, b = ({r["seed"]: r["test"] for r in rows if r["setting"] == name} for name in (chosen, control))
    pairs = [(a[seed], b[seed]) for seed in a if seed in b]
    found = stats.ttest_ind(*zip(*pairs, strict=True)).confidence_interval(1 - 0.05 / n_comparisons)
    return chosen, mean, found.low, found.high


WRONG = {
    "13.2": [
        (reuse_is_counted_twice, "you count what is reused twice"),
    ],
    "13.3": [
        (condition_by_condition, "all units of one condition run before"),
        (second_condition_goes_on, "goes on with the generator that the first has used"),
        (running_number_as_seed, "your generators have the seeds [100, 101"),
        (same_seed_for_all, "all units draw the same numbers"),
        (one_generator_for_all, "all units share one generator"),
        (another_seed_for_the_second, "your generators have the seeds [3, 1003, 5"),
        (seed_as_generator, "gets a value of type int as its second argument"),
        (budget_is_shared_out, "the units get the budgets"),
        (written_at_the_end, "while the units run, the journal stays empty"),
        (begins_anew, "overwrites the journal"),
        (does_all_again, "the second run does every unit again"),
        (old_rows_twice_in_the_journal, "after the resumed run a unit is in the journal twice"),
        (only_new_rows, "returns only what it did itself"),
        (any_order, "your rows stand in the order of the journal"),
        (all_of_the_journal, "was not asked for (seed 99)"),
        (stops_at_half_a_line, "leave it out, and nothing else"),
        (broken_journal_is_thrown_away, "What is finished stays there"),
        (glued_line, "glued to the half line"),
        (exception_is_swallowed, "an exception in `work` disappears"),
        (nobody_watches_the_budget, "and no error comes"),
        (written_before_it_is_looked_at, "a unit that spent more than its budget stands in the journal"),
        (exactly_the_budget_is_refused, "a unit that spends exactly its budget"),
        (no_progress, "`progress` is never called"),
        (progress_from_nothing, "`progress` starts again from nothing"),
        (progress_gives_the_place, "not the place in the list"),
        (progress_counts_the_journal, "counts a unit that is in the journal but was not asked for"),
        (progress_for_the_skipped, "is called for units that the journal held"),
        (keeps_two_numbers, "lacks a part of what `work` returned"),
        (nameless_complaint, "Name the condition and the seed"),
        (reads_up_to_the_half_line, "you stop reading at the half line"),
        (progress_too_early, "`progress` is called before the unit's line is in the journal"),
        (progress_exchanged, "`progress` gets its numbers in the wrong order"),
        (progress_one_too_few, "`progress` gets [(0, 6), (1, 6)"),
        (sorted_rows, "your rows are for [('early', 4)"),
        (typed_in_conditions, "your function runs [('as it is', 21)"),
        (typed_in_budget, "a ValueError comes (late, seed 21: 1500 evaluations"),
        (first_work, "the `work` that it is given is never called"),
        (first_journal, "the `journal` that it is given stays empty"),
        (first_progress, "the `progress` that it is given is never called"),
        (global_generator, "PyTorch's global generator"),
        (each_line_twice, "each unit is written as two lines"),
        (no_line_ends, "stand one behind the other"),
        (dumped_twice, "isn't a dictionary in JSON"),
        (empty_line_after_each, "an empty line follows each"),
        (elsewhere, "neither while the units run nor after it"),
        (empty_line_first, "holds a line before the first unit is finished"),
    ],
    "13.4": [
        (against_the_first, "you measure against the first accuracy"),
    ],
    "13.5": [
        (chosen_by_test, "the setting is chosen by its test accuracy"),
        (seeds_of_the_control_choose, "by the seeds that the control has, too"),
        (control_is_chosen, "the control is among those you choose from"),
        (luckiest_run_chooses, "chosen by its best single run"),
        (worst_is_chosen, "the worst setting is chosen"),
        (independent_samples, "that of two independent samples"),
        (all_seeds_of_the_chosen, "Pair only the seeds of both"),
        (two_samples_with_one_variance, "two samples that have nothing in common"),
        (three_values, "your function should return 4 values"),
    ],
}

RIGHT = {
    "13.2": [affordable_by_spending],
    "13.3": [run_all_with_a_table],
    "13.4": [forgetting_in_loops],
    "13.5": [is_better_by_scipy],
}
