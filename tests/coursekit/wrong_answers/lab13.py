"""Lab 13: the usual wrong answers, each with a piece of the hint that it must get; and right answers in other words."""

import json
import math

import numpy as np
import torch
from scipy import stats

# 13.2 What a budget buys


def buys(first=None, later=None, *, images=True, whole=math.floor, cost=3, step_whole=math.floor, swap=False):
    """The right answer, or one with a part replaced."""

    def affordable(budget, n_new, n_kept, n_images, fresh):
        size = n_images if images else 1
        begin = (first or (lambda new, kept, fresh: new + kept))(n_new, n_kept, fresh) * size
        each = (later or (lambda new, kept, fresh: new + kept if fresh else new))(n_new, n_kept, fresh) * size
        generations = 1 + whole((budget - begin) / each) if budget >= begin else 0
        steps = step_whole(budget / (cost * n_images))
        return (steps, generations) if swap else (generations, steps)

    return affordable


reuse_is_counted_twice = buys(later=lambda new, kept, fresh: new + kept)
kept_are_free_with_fresh_images = buys(later=lambda new, kept, fresh: new)
kept_are_always_free = buys(lambda new, kept, fresh: new, lambda new, kept, fresh: new)
first_generation_is_cheap = buys(lambda new, kept, fresh: new + kept * fresh)
fresh_turned_round = buys(later=lambda new, kept, fresh: new if fresh else new + kept)
genomes_for_evaluations = buys(images=False)
generations_rounded_up = buys(whole=math.ceil)
generations_as_a_fraction = buys(whole=float)
steps_first = buys(swap=True)
backward_for_free = buys(cost=1)
backward_counts_once = buys(cost=2)
four_an_image = buys(cost=4)
steps_rounded_up = buys(step_whole=math.ceil)
steps_as_a_fraction = buys(step_whole=float)


def steps_without_images(budget, n_new, n_kept, n_images, fresh):
    return buys()(budget, n_new, n_kept, n_images, fresh)[0], budget // 3


def below_nothing(budget, n_new, n_kept, n_images, fresh):
    first = (n_new + n_kept) * n_images
    return 1 + (budget - first) // (first if fresh else n_new * n_images), budget // (3 * n_images)


def first_generation_left_out(*args):
    generations, steps = buys()(*args)
    return max(0, generations - 1), steps


def first_generation_unpaid(budget, n_new, n_kept, n_images, fresh):
    first = (n_new + n_kept) * n_images
    later = first if fresh else n_new * n_images
    return 0 if budget < first else 1 + budget // later, budget // (3 * n_images)


def all_cost_the_same(budget, n_new, n_kept, n_images, fresh):
    first = (n_new + n_kept) * n_images
    later = first if fresh else n_new * n_images
    return 0 if budget < first else budget // later, budget // (3 * n_images)


def no_generation_no_steps(*args):
    generations, steps = buys()(*args)
    return (generations, steps) if generations else (0, 0)


steps_to_the_nearest = buys(step_whole=round)


def affordable_by_spending(budget, n_new, n_kept, n_images, fresh):
    """Right: spends until nothing is left."""
    generations, left, scored = 0, budget, 0
    while left >= (cost := (n_new + n_kept - (0 if fresh else scored)) * n_images):
        if generations > 5000:
            return 1 + (budget - (n_new + n_kept) * n_images) // cost, budget // (3 * n_images)
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


def rows_of_the_journal(asked, old, new):
    return old + new


condition_by_condition = runner(by_seed=False)
second_condition_goes_on = runner(source=shared_generator)
running_number_as_seed = runner(source=lambda seed, c, number: torch.Generator().manual_seed(100 + number))
seed_and_condition = runner(source=lambda seed, c, number: torch.Generator().manual_seed(seed + 1000 * len(c)))
same_seed_for_all = runner(source=lambda seed, c, number: torch.Generator().manual_seed(0))
seed_as_generator = runner(source=lambda seed, c, number: seed)
budget_is_shared_out = runner(share=lambda budget, n: budget // n)
written_at_the_end = runner(at_once=False)
begins_anew = runner(mode="w", skip=False)
does_all_again = runner(skip=False)
old_rows_twice_in_the_journal = runner(again=True)
only_new_rows = runner(answer=lambda asked, old, new: new)
any_order = runner(answer=lambda asked, old, new: [r for r in old + new if (r["condition"], r["seed"]) in asked])
all_of_the_journal = runner(answer=lambda asked, old, new: sorted(old + new, key=lambda r: (r["seed"], r["condition"])))
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


def drop(peak=None, *, tasks=lambda n: range(n - 1), over=np.mean, turn=False):
    def forgetting(accuracy):
        a = np.asarray(accuracy, dtype=float)
        a = a.T if turn else a
        best = peak or (lambda a, k: a[:-1, k].max())
        return float(over([best(a, k) - a[-1, k] for k in tasks(len(a))]))

    return forgetting


against_the_first = drop(lambda a, k: a[k, k])
from_its_turn_on = drop(lambda a, k: a[k:-1, k].max())
last_row_among_the_earlier = drop(lambda a, k: a[:, k].max())
last_task_in_the_mean = drop(tasks=range)
sign_turned = drop(over=lambda d: -np.mean(d))
rows_are_tasks = drop(turn=True)
summed = drop(over=np.sum)
worst_task = drop(over=np.max)
gains_are_losses = drop(over=lambda d: np.mean(np.abs(d)))
mean_cut_off = drop(over=lambda d: max(0.0, np.mean(d)))
divided_by_all = drop(over=lambda d: np.sum(d) / (len(d) + 1))
against_the_last_but_one = drop(lambda a, k: a[-2, k])
best_of_a_row = drop(lambda a, k: a[k, :-1].max())


def relative_loss(accuracy):
    best, end = accuracy[:-1, :-1].max(axis=0), accuracy[-1, :-1]
    return float(((best - end) / best).mean())


in_per_cent = drop(over=lambda d: 100 * np.mean(d))


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


def judge(
    *,
    by="validation",
    control_too=False,
    pick=max,
    over=np.mean,
    single=False,
    what="test",
    sign=1,
    width=lambda d, q: stats.t.ppf(q, len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d)),
    quantile=lambda n: 1 - 0.05 / n / 2,
    position=False,
    unpaired=False,
):
    def is_better(rows, control, n_comparisons):
        names = {row["setting"] for row in rows} - (set() if control_too else {control})
        scores = {name: [row[by] for row in rows if row["setting"] == name] for name in sorted(names)}
        chosen = pick(scores, key=lambda name: np.max(scores[name]) if single else over(scores[name]))
        a = {row["seed"]: row[what] for row in rows if row["setting"] == chosen}
        b = {row["seed"]: row[what] for row in rows if row["setting"] == control}
        if unpaired:
            x, y = np.array(list(a.values())), np.array(list(b.values()))
            low, high = stats.ttest_ind(x, y, equal_var=False).confidence_interval(1 - 0.05 / n_comparisons)
            return chosen, x.mean() - y.mean(), low, high
        if position:
            d = np.array([p - q for p, q in zip(a.values(), b.values(), strict=False)])
        else:
            d = np.array([a[seed] - b[seed] for seed in a if seed in b])
        half = width(d, quantile(n_comparisons))
        return chosen, sign * d.mean(), sign * d.mean() - half, sign * d.mean() + half

    return is_better


chosen_by_test = judge(by="test")
control_is_chosen = judge(control_too=True)
luckiest_run_chooses = judge(single=True)
worst_is_chosen = judge(pick=min)
independent_samples = judge(unpaired=True)
paired_by_position = judge(position=True)
control_less_chosen = judge(sign=-1)
judged_by_validation = judge(what="validation")
divides_by_n = judge(width=lambda d, q: stats.t.ppf(q, len(d) - 1) * d.std() / math.sqrt(len(d)))
normal_quantile = judge(width=lambda d, q: stats.norm.ppf(q) * d.std(ddof=1) / math.sqrt(len(d)))
spread_of_the_seeds = judge(width=lambda d, q: stats.t.ppf(q, len(d) - 1) * d.std(ddof=1))
comparisons_ignored = judge(quantile=lambda n: 0.975)
one_sided = judge(quantile=lambda n: 1 - 0.05 / n)
correction_the_wrong_way = judge(quantile=lambda n: 1 - min(0.49, 0.025 * n))
n_degrees_of_freedom = judge(width=lambda d, q: stats.t.ppf(q, len(d)) * d.std(ddof=1) / math.sqrt(len(d)))


divides_by_n_not_its_root = judge(width=lambda d, q: stats.t.ppf(q, len(d) - 1) * d.std(ddof=1) / len(d))


def counts_the_settings(rows, control, n_comparisons):
    return judge()(rows, control, len({row["setting"] for row in rows}) - 1)


def high_first(rows, control, n_comparisons):
    chosen, mean, low, high = judge()(rows, control, n_comparisons)
    return chosen, mean, high, low


def by_seed(rows, setting):
    return {row["seed"]: row["test"] for row in rows if row["setting"] == setting}


def difference_of_means(rows, control, n_comparisons):
    chosen, mean, low, high = judge()(rows, control, n_comparisons)
    half = (high - low) / 2
    mean = np.mean(list(by_seed(rows, chosen).values())) - np.mean(list(by_seed(rows, control).values()))
    return chosen, mean, mean - half, mean + half


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


WRONG = {
    "13.2": [
        (reuse_is_counted_twice, "you count what is reused twice"),
        (kept_are_free_with_fresh_images, "With fresh images an old score says nothing"),
        (kept_are_always_free, "generations never count the kept ones at all"),
        (first_generation_is_cheap, "generations have the first one too cheap"),
        (fresh_turned_round, "the wrong way round: fresh images"),
        (genomes_for_evaluations, "generations are counted in genomes"),
        (generations_rounded_up, "generations are rounded up"),
        (generations_as_a_fraction, "generations are no whole number"),
        (steps_first, "generations come second in your answer"),
        (backward_for_free, "steps count the forward pass alone"),
        (backward_counts_once, "steps count the backward pass as one"),
        (four_an_image, "steps count four evaluations"),
        (steps_rounded_up, "steps are rounded up"),
        (steps_as_a_fraction, "steps are no whole number"),
        (below_nothing, "generations fall below 0"),
        (first_generation_left_out, "generations leave out the first one"),
        (first_generation_unpaid, "without paying for it"),
        (all_cost_the_same, "generations all cost the same"),
        (steps_to_the_nearest, "steps are rounded to the nearest"),
        (no_generation_no_steps, "count the two apart"),
        (steps_without_images, "steps don't count the images"),
    ],
    "13.3": [
        (condition_by_condition, "all seeds of one condition run before"),
        (second_condition_goes_on, "goes on with the generator that the first has used"),
        (running_number_as_seed, "so they are not paired. Seed the generator with"),
        (same_seed_for_all, "all units draw the same numbers"),
        (seed_as_generator, "gets a value of type int as its second argument"),
        (budget_is_shared_out, "the units get the budgets"),
        (written_at_the_end, "while the units run, the journal stays empty"),
        (begins_anew, "overwrites the journal"),
        (does_all_again, "the second run does every unit again"),
        (old_rows_twice_in_the_journal, "after the resumed run a unit is there twice"),
        (only_new_rows, "returns only what it did itself"),
        (any_order, "your rows stand in the order of the journal"),
        (all_of_the_journal, "was not asked for (seed 99)"),
        (stops_at_half_a_line, "your function stops at it"),
        (glued_line, "glued to the half line"),
        (exception_is_swallowed, "an exception in `work` disappears"),
        (nobody_watches_the_budget, "and nobody notices"),
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
        (progress_too_early, "`progress` is called before the unit is finished"),
    ],
    "13.4": [
        (against_the_first, "you measure against the first accuracy"),
        (from_its_turn_on, "only from the task's own turn on"),
        (last_row_among_the_earlier, "a task that got better counts as 0"),
        (last_task_in_the_mean, "It was only just learned"),
        (sign_turned, "the sign is turned round"),
        (rows_are_tasks, "rows and columns are swapped"),
        (summed, "you sum over the tasks"),
        (worst_task, "you give the largest drop"),
        (gains_are_losses, "gains count as losses"),
        (mean_cut_off, "the mean is cut off at 0"),
        (divided_by_all, "divide by T - 1"),
        (against_the_last_but_one, "against the last row but one"),
        (best_of_a_row, "the best is taken along the rows"),
        (relative_loss, "as a part of the best accuracy"),
        (in_per_cent, "your answer is in per cent"),
    ],
    "13.5": [
        (chosen_by_test, "the setting is chosen by its test accuracy"),
        (control_is_chosen, "the control is among those you choose from"),
        (luckiest_run_chooses, "chosen by its best single run"),
        (worst_is_chosen, "the worst setting is chosen"),
        (independent_samples, "that of two independent samples"),
        (paired_by_position, "you pair by position"),
        (control_less_chosen, "taken the wrong way round"),
        (judged_by_validation, "the difference is that of the validation accuracies"),
        (divides_by_n, "the standard deviation divides by n;"),
        (normal_quantile, "the interval uses the normal distribution's quantile"),
        (spread_of_the_seeds, "the interval has the spread of the seeds"),
        (comparisons_ignored, "the interval ignores n_comparisons"),
        (one_sided, "the interval is one-sided"),
        (correction_the_wrong_way, "the correction goes the wrong way"),
        (n_degrees_of_freedom, "the interval has n degrees of freedom"),
        (divides_by_n_not_its_root, "divided by the square root of n"),
        (counts_the_settings, "it is given, n_comparisons"),
        (high_first, "high comes before low"),
        (difference_of_means, "you subtract two means"),
        (all_seeds_of_the_chosen, "pair only the seeds of both"),
        (three_values, "your function should return 4 values"),
    ],
}

RIGHT = {
    "13.2": [affordable_by_spending],
    "13.3": [run_all_with_a_table],
    "13.4": [forgetting_in_loops],
    "13.5": [is_better_by_scipy],
}
