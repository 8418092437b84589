"""Lab 11: the usual wrong answers, each with a piece of the hint that it must get; and right answers in other words."""

import math

import numpy as np
from scipy import stats

# 11.1 As much as the budget pays


def run_with(price=lambda g, n, gradient: g * n * (3 if gradient else 1), stop=None, note=None):
    """A runner with another price, another end (spent, price, budget), or another note (spent, price, scores)."""

    def run_to_budget(step, n_genomes, n_images, gradient, budget):
        cost, spent, list_spent, scores = price(n_genomes, n_images, gradient), 0, [], []
        while stop(spent, cost, budget) if stop else spent + cost <= budget:
            scores.append(step())
            spent += cost
            list_spent.append(spent)
        return note(list_spent, cost, scores) if note else (list_spent, scores)

    return run_to_budget


def budget_in_generations(step, n_genomes, n_images, gradient, budget):
    cost = n_genomes * n_images * (3 if gradient else 1)
    scores = [step() for _ in range(budget)]
    return [cost * (i + 1) for i in range(budget)], scores


steps_are_the_currency = run_with(lambda g, n, gradient: 1)
genomes_are_free = run_with(lambda g, n, gradient: n * (3 if gradient else 1))
images_are_free = run_with(lambda g, n, gradient: g * (3 if gradient else 1))
backward_is_free = run_with(lambda g, n, gradient: g * n)
backward_counts_once = run_with(lambda g, n, gradient: g * n * (2 if gradient else 1))
everything_counts_three = run_with(lambda g, n, gradient: 3 * g * n)
last_step_unpaid = run_with(stop=lambda spent, cost, budget: spent < budget)
stops_before_the_budget = run_with(stop=lambda spent, cost, budget: spent + cost < budget)
noted_before_the_step = run_with(note=lambda spent, cost, scores: ([s - cost for s in spent], scores))
prices_are_not_added_up = run_with(note=lambda spent, cost, scores: ([cost] * len(spent), scores))
best_so_far = run_with(note=lambda spent, cost, scores: (spent, np.maximum.accumulate(scores)))
running_average = run_with(note=lambda spent, cost, scores: (spent, np.cumsum(scores) / np.arange(1, len(scores) + 1)))
last_score_only = run_with(note=lambda spent, cost, scores: (spent, scores[-1]))
two_more_a_step = run_with(lambda g, n, gradient: g * n + (2 if gradient else 0))
step_is_not_called = run_with(note=lambda spent, cost, scores: (spent, [max] * len(scores)))
scores_first = run_with(note=lambda spent, cost, scores: (scores, spent))


def what_is_left(step, n_genomes, n_images, gradient, budget):
    cost, left, list_left, scores = n_genomes * n_images * (3 if gradient else 1), budget, [], []
    while left >= cost:
        scores.append(step())
        left -= cost
        list_left.append(left)
    return list_left, scores


def asked_twice(step, n_genomes, n_images, gradient, budget):
    cost, spent, scores = n_genomes * n_images * (3 if gradient else 1), [], []
    for i in range(budget // cost):
        step()
        scores.append(step())
        spent.append((i + 1) * cost)
    return spent, scores


def one_free_step(step, n_genomes, n_images, gradient, budget):
    step()
    return run_with()(step, n_genomes, n_images, gradient, budget)


def one_step_after_the_end(step, n_genomes, n_images, gradient, budget):
    answer = run_with()(step, n_genomes, n_images, gradient, budget)
    step()
    return answer


def generation_is_handed_over(step, n_genomes, n_images, gradient, budget):
    cost = n_genomes * n_images * (3 if gradient else 1)
    return [cost], [step(generation) for generation in range(budget // cost)]


def never_ends(step, n_genomes, n_images, gradient, budget):
    spent = 0
    while spent <= budget:
        step()
    return [], []


def at_least_one_step(step, n_genomes, n_images, gradient, budget):
    cost = n_genomes * n_images * (3 if gradient else 1)
    n_steps = max(1, budget // cost)
    return [cost * (i + 1) for i in range(n_steps)], [step() for _ in range(n_steps)]


def step_called_once(step, n_genomes, n_images, gradient, budget):
    cost = n_genomes * n_images * (3 if gradient else 1)
    n_steps = budget // cost
    return [cost * (i + 1) for i in range(n_steps)], [step()] * n_steps


def steps_are_rounded(step, n_genomes, n_images, gradient, budget):
    cost = n_genomes * n_images * (3 if gradient else 1)
    n_steps = round(budget / cost)
    return [cost * (i + 1) for i in range(n_steps)], [step() for _ in range(n_steps)]


def run_by_division(step, n_genomes, n_images, gradient, budget):
    """Right: how many whole steps fit is a division."""
    price = n_genomes * n_images + 2 * n_genomes * n_images * bool(gradient)
    n_steps = budget // price
    return np.arange(1, n_steps + 1) * price, np.array([step() for _ in range(n_steps)])


# 11.2 A paired effect


def effect_with(spread=lambda d: d.std(ddof=1) / len(d) ** 0.5, t=lambda k: stats.t.ppf(0.975, k - 1), middle=np.mean):
    def paired_effect(treated, control):
        d = treated - control
        half = t(len(d)) * spread(d)
        return middle(d), middle(d) - half, middle(d) + half

    return paired_effect


def independent_samples(treated, control):
    a, b = treated.var(ddof=1) / len(treated), control.var(ddof=1) / len(control)
    df = (a + b) ** 2 / (a**2 / (len(treated) - 1) + b**2 / (len(control) - 1))
    half, mean = stats.t.ppf(0.975, df) * (a + b) ** 0.5, treated.mean() - control.mean()
    return mean, mean - half, mean + half


def pooled_samples(treated, control):
    k, mean = len(treated), treated.mean() - control.mean()
    half = stats.t.ppf(0.975, 2 * k - 2) * ((treated.var(ddof=1) + control.var(ddof=1)) / k) ** 0.5
    return mean, mean - half, mean + half


standard_deviation = effect_with(lambda d: d.std(ddof=1))
divided_by_k = effect_with(lambda d: d.std(ddof=1) / len(d))
numpys_std = effect_with(lambda d: d.std() / len(d) ** 0.5)
normal_quantile = effect_with(t=lambda k: stats.norm.ppf(0.975))
one_sided = effect_with(t=lambda k: stats.t.ppf(0.95, k - 1))
k_degrees = effect_with(t=lambda k: stats.t.ppf(0.975, k))
two_k_degrees = effect_with(t=lambda k: stats.t.ppf(0.975, 2 * k - 2))
one_standard_error = effect_with(t=lambda k: 1)
median_effect = effect_with(middle=np.median)


rule_of_thumb = effect_with(t=lambda k: 2)
typed_quantile = effect_with(t=lambda k: 1.96)


def errors_are_added(treated, control):
    k, mean = len(treated), treated.mean() - control.mean()
    half = stats.t.ppf(0.975, k - 1) * (treated.var(ddof=1) / k + control.var(ddof=1) / k) ** 0.5
    return mean, mean - half, mean + half


def sorted_samples(treated, control):
    return effect_with()(np.sort(treated), np.sort(control))


def absolute_differences(treated, control):
    return effect_with()(abs(treated - control), 0 * control)


def percentiles_of_differences(treated, control):
    d = treated - control
    low, high = np.percentile(d, [2.5, 97.5])
    return d.mean(), low, high


def half_width_twice(treated, control):
    mean, _, high = effect_with()(treated, control)
    return mean, high - mean, high - mean


def ends_changed_places(treated, control):
    mean, low, high = effect_with()(treated, control)
    return mean, high, low


def median_with_the_means_interval(treated, control):
    return np.median(treated - control), *effect_with()(treated, control)[1:]


def control_minus_treated(treated, control):
    return effect_with()(control, treated)


def relative_effect(treated, control):
    return effect_with()(100 * treated / control, np.full(len(control), 100.0))


def spread_of_the_treated(treated, control):
    mean = (treated - control).mean()
    half = stats.t.ppf(0.975, len(treated) - 1) * stats.sem(treated)
    return mean, mean - half, mean + half


def centred_on_zero(treated, control):
    mean, low, high = effect_with()(treated, control)
    return mean, low - mean, high - mean


def low_comes_first(treated, control):
    mean, low, high = effect_with()(treated, control)
    return low, mean, high


def mean_only(treated, control):
    return (treated - control).mean()


def effect_by_loop(treated, control):
    """Right: sums, and a root."""
    d = [a - b for a, b in zip(treated, control, strict=True)]
    k, mean = len(d), sum(d) / len(d)
    error = math.sqrt(sum((x - mean) ** 2 for x in d) / (k - 1) / k)
    half = error * stats.t.isf(0.025, k - 1)
    return [mean, mean - half, mean + half]


# 11.3 A grid of rates


def grid_with(
    ask=lambda score, c, b, s: score(c, b, s), cell=np.mean, best=None, shape=lambda means: means, seeds=None
):
    def rate_grid(score, child_rates, base_rates, all_seeds):
        chosen = seeds(all_seeds) if seeds else all_seeds
        means = np.array([[cell([ask(score, c, b, s) for s in chosen]) for b in base_rates] for c in child_rates])
        i, j = np.unravel_index(means.argmax(), means.shape)
        choice = best(means, child_rates, base_rates) if best else (child_rates[i], base_rates[j])
        return shape(means), choice

    return rate_grid


rates_are_swapped = grid_with(lambda score, c, b, s: score(b, c, s))
table_on_its_side = grid_with(shape=lambda means: means.T)
first_seed_only = grid_with(seeds=lambda seeds: seeds[:1])
last_seed_only = grid_with(seeds=lambda seeds: seeds[-1:])
best_seed = grid_with(cell=np.max)
median_seed = grid_with(cell=np.median)
sum_of_seeds = grid_with(cell=np.sum)
place_in_place_of_rates = grid_with(best=lambda means, c, b: np.unravel_index(means.argmax(), means.shape))
one_axis_at_a_time = grid_with(
    best=lambda means, c, b: (c[means.mean(axis=1).argmax()], b[means.mean(axis=0).argmax()])
)


def base_rate_first(score, child_rates, base_rates, seeds):
    means, (child, base) = grid_with()(score, child_rates, base_rates, seeds)
    return means, (base, child)


def lowest_is_best(score, child_rates, base_rates, seeds):
    means, _ = grid_with()(score, child_rates, base_rates, seeds)
    i, j = np.unravel_index(means.argmin(), means.shape)
    return means, (child_rates[i], base_rates[j])


def luckiest_run(score, child_rates, base_rates, seeds):
    runs = np.array([[[score(c, b, s) for s in seeds] for b in base_rates] for c in child_rates])
    i, j, _ = np.unravel_index(runs.argmax(), runs.shape)
    return runs.mean(axis=2), (child_rates[i], base_rates[j])


def a_seed_for_each_cell(score, child_rates, base_rates, seeds):
    means, k = np.zeros((len(child_rates), len(base_rates))), 0
    for i, c in enumerate(child_rates):
        for j, b in enumerate(base_rates):
            means[i, j] = score(c, b, seeds[k % len(seeds)])
            k += 1
    i, j = np.unravel_index(means.argmax(), means.shape)
    return means, (child_rates[i], base_rates[j])


def places_for_rates(score, child_rates, base_rates, seeds):
    means, (i, j) = grid_with()(score, range(len(child_rates)), range(len(base_rates)), seeds)
    return means, (child_rates[i], base_rates[j])


def counted_seeds(score, child_rates, base_rates, seeds):
    return grid_with()(score, child_rates, base_rates, range(len(seeds)))


def search_begins_at_zero(score, child_rates, base_rates, seeds, best=(0.0, 0.0)):
    means, highest = np.zeros((len(child_rates), len(base_rates))), 0
    for i, c in enumerate(child_rates):
        for j, b in enumerate(base_rates):
            means[i, j] = np.mean([score(c, b, s) for s in seeds])
            if means[i, j] > highest:
                highest, best = means[i, j], (c, b)
    return means, best


def search_finds_none(score, child_rates, base_rates, seeds):
    return search_begins_at_zero(score, child_rates, base_rates, seeds, best=None)


def split_the_wrong_way(score, child_rates, base_rates, seeds):
    means, _ = grid_with()(score, child_rates, base_rates, seeds)
    k, n = means.argmax(), len(child_rates)
    return means, (child_rates[k % n], base_rates[k // n])


def zeros_are_left_out(score, child_rates, base_rates, seeds):
    return grid_with()(score, [c for c in child_rates if c], [b for b in base_rates if b], seeds)


def runs_the_best_again(score, child_rates, base_rates, seeds):
    means, best = grid_with()(score, child_rates, base_rates, seeds)
    score(*best, seeds[0])
    return means, best


def seed_is_forgotten(score, child_rates, base_rates, seeds):
    return grid_with(lambda score, c, b, s: score(c, b))(score, child_rates, base_rates, seeds)


def grid_of_lists(score, child_rates, base_rates, seeds):
    """Right: a dictionary of means, and the best of its keys."""
    table = {}
    for seed in seeds:
        for b in base_rates:
            for c in child_rates:
                table[c, b] = table.get((c, b), 0) + score(c, b, seed) / len(seeds)
    return [[table[c, b] for b in base_rates] for c in child_rates], list(max(table, key=table.get))


# 11.4 A linear probe


def with_ones(x):
    return np.hstack([np.ones((len(x), 1)), x])


def probe_with(design=with_ones, solve=None, fit=None, test=None, read=None, report=np.mean):
    def linear_probe(features, labels, fresh, fresh_labels, ridge):
        x, y = fit(features, labels, fresh, fresh_labels) if fit else (features, labels)
        a, targets = design(x), np.eye(labels.max() + 1)[y]
        w = solve(a, targets, ridge) if solve else np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ targets)
        x, y = test(features, labels, fresh, fresh_labels) if test else (fresh, fresh_labels)
        outputs = design(x) @ w
        return float(report((read(outputs) if read else outputs.argmax(axis=1)) == y))

    return linear_probe


def fresh_rows(features, labels, fresh, fresh_labels):
    return fresh, fresh_labels


def old_rows(features, labels, fresh, fresh_labels):
    return features, labels


scored_on_what_it_has_seen = probe_with(test=old_rows)
fitted_to_the_fresh = probe_with(fit=fresh_rows)
fitted_to_both = probe_with(fit=lambda x, y, x_new, y_new: (np.vstack([x, x_new]), np.concatenate([y, y_new])))
changed_places = probe_with(fit=fresh_rows, test=old_rows)
no_ones = probe_with(lambda x: x)
no_ridge = probe_with(solve=lambda a, t, ridge: np.linalg.lstsq(a, t, rcond=None)[0])
ridge_times_rows = probe_with(
    solve=lambda a, t, ridge: np.linalg.solve(a.T @ a / len(a) + ridge * np.eye(a.shape[1]), a.T @ t / len(a))
)
ridge_everywhere = probe_with(solve=lambda a, t, ridge: np.linalg.solve(a.T @ a + ridge, a.T @ t))
smallest_output = probe_with(read=lambda outputs: outputs.argmin(axis=1))
wrong_answers = probe_with(report=lambda right: 1 - np.mean(right))
number_right = probe_with(report=np.sum)
in_per_cent = probe_with(report=lambda right: 100 * np.mean(right))


def ones_unpunished(features, labels, fresh, fresh_labels, ridge):
    def solve(a, t, ridge):
        penalty = ridge * np.eye(a.shape[1])
        penalty[0, 0] = 0
        return np.linalg.solve(a.T @ a + penalty, a.T @ t)

    return probe_with(solve=solve)(features, labels, fresh, fresh_labels, ridge)


def classes_as_numbers(features, labels, fresh, fresh_labels, ridge):
    a = with_ones(features)
    w = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ labels)
    return float((np.round(with_ones(fresh) @ w) == fresh_labels).mean())


def nearest_mean(features, labels, fresh, fresh_labels, ridge):
    means = np.array([features[labels == c].mean(axis=0) for c in np.unique(labels)])
    return float((((fresh[:, None] - means) ** 2).sum(axis=2).argmin(axis=1) == fresh_labels).mean())


def answers_are_returned(features, labels, fresh, fresh_labels, ridge):
    a, targets = with_ones(features), np.eye(labels.max() + 1)[labels]
    w = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ targets)
    return (with_ones(fresh) @ w).argmax(axis=1)


def ridge_is_one(features, labels, fresh, fresh_labels, ridge):
    return probe_with()(features, labels, fresh, fresh_labels, 1.0)


def standardised(features, labels, fresh, fresh_labels, ridge):
    mean, std = features.mean(axis=0), features.std(axis=0) + 1e-9
    return probe_with()((features - mean) / std, labels, (fresh - mean) / std, fresh_labels, ridge)


def classes_of_the_fresh(features, labels, fresh, fresh_labels, ridge):
    a, targets = with_ones(features), np.eye(fresh_labels.max() + 1)[labels]
    w = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ targets)
    return np.mean((with_ones(fresh) @ w).argmax(axis=1) == fresh_labels)


def right_and_wrong(features, labels, fresh, fresh_labels, ridge):
    return answers_are_returned(features, labels, fresh, fresh_labels, ridge) == fresh_labels


def probe_by_inner_products(features, labels, fresh, fresh_labels, ridge):
    """Right: the same regression, seen from the rows: a weight for each image in place of one for each feature."""
    targets = (labels[:, None] == np.arange(labels.max() + 1)).astype(float)
    alike = 1 + features @ features.T
    weights = np.linalg.solve(alike + ridge * np.eye(len(alike)), targets)
    return np.mean(np.argmax((1 + fresh @ features.T) @ weights, axis=1) == fresh_labels)


WRONG = {
    "11.1": [
        (budget_in_generations, "the budget is counted in generations"),
        (steps_are_the_currency, "the budget is counted in steps, and so is `spent`"),
        (genomes_are_free, "a step costs n_images in your count"),
        (images_are_free, "a step costs n_genomes in your count"),
        (backward_is_free, "costs as much as a forward pass"),
        (backward_counts_once, "costs two evaluations for each image"),
        (everything_counts_three, "every step costs three evaluations"),
        (last_step_unpaid, "the last step is not paid for"),
        (stops_before_the_budget, "you stop one too early"),
        (noted_before_the_step, "*before* each step"),
        (prices_are_not_added_up, "it should add up, step after step"),
        (what_is_left, "`spent` counts down"),
        (best_so_far, "holds the best score so far"),
        (running_average, "holds running averages"),
        (last_score_only, "scores should be an array of shape"),
        (scores_first, "the two lists have changed places"),
        (two_more_a_step, "two evaluations more in your count"),
        (step_is_not_called, "holds the function step itself"),
        (step_called_once, "step() was called once"),
        (steps_are_rounded, "rounded to the nearest"),
        (asked_twice, "step() is called twice in each round"),
        (one_free_step, "once before the counting begins"),
        (one_step_after_the_end, "more often than it is paid for"),
        (generation_is_handed_over, "step takes no arguments"),
        (never_ends, "What ends your loop?"),
        (at_least_one_step, "return two empty lists"),
    ],
    "11.2": [
        (independent_samples, "two *independent* samples (Welch)"),
        (pooled_samples, "the two samples are pooled"),
        (standard_deviation, "built from the standard deviation"),
        (divided_by_k, "a standard error divides by sqrt(k)"),
        (numpys_std, "(ddof=1)"),
        (normal_quantile, "1.96 is for a standard deviation that is known"),
        (typed_quantile, "the factor is 1.96"),
        (rule_of_thumb, "the factor is 2, a rule of thumb"),
        (errors_are_added, "the errors of the two samples are added"),
        (sorted_samples, "each sample is sorted"),
        (absolute_differences, "have lost their sign"),
        (percentiles_of_differences, "percentiles of the differences"),
        (half_width_twice, "both hold half the width"),
        (ends_changed_places, "low and high have changed places"),
        (median_with_the_means_interval, "handed over with their median"),
        (one_sided, "leaves 5 % on each side"),
        (k_degrees, "t has k degrees of freedom"),
        (two_k_degrees, "t has 2k - 2 degrees of freedom"),
        (one_standard_error, "one standard error away"),
        (median_effect, "the median of the differences"),
        (control_minus_treated, "the sign is turned round"),
        (relative_effect, "in per cent of the control"),
        (spread_of_the_treated, "the spread is that of `treated` alone"),
        (centred_on_zero, "the interval is centred on 0"),
        (low_comes_first, "return mean, low, high, in this order"),
        (mean_only, "should return 3 values"),
    ],
    "11.3": [
        (rates_are_swapped, "the rates are swapped in the call"),
        (table_on_its_side, "the table lies on its side"),
        (first_seed_only, "only the first seed is used"),
        (last_seed_only, "its last seed alone"),
        (a_seed_for_each_cell, "every cell has a seed of its own"),
        (best_seed, "holds the best of its seeds"),
        (median_seed, "holds the median of its seeds"),
        (sum_of_seeds, "holds a sum over the seeds"),
        (place_in_place_of_rates, "holds places in the table"),
        (base_rate_first, "holds the base rate first"),
        (lowest_is_best, "the pair with the lowest mean"),
        (luckiest_run, "the single best run"),
        (one_axis_at_a_time, "the base rate with the best column"),
        (places_for_rates, "gets the places of the rates"),
        (counted_seeds, "the seeds are counted"),
        (search_begins_at_zero, "your search for the best begins at 0"),
        (search_finds_none, "`best` was never set"),
        (split_the_wrong_way, "split the wrong way round"),
        (zeros_are_left_out, "means should be an array of shape"),
        (runs_the_best_again, "runs too many were asked for"),
        (seed_is_forgotten, "score takes three arguments"),
    ],
    "11.4": [
        (scored_on_what_it_has_seen, "scored on the rows that it was fitted to"),
        (fitted_to_the_fresh, "fitted to the fresh rows, and scored on them too"),
        (fitted_to_both, "fitted to both sets together"),
        (changed_places, "the two sets have changed places"),
        (no_ones, "the column of ones is missing"),
        (no_ridge, "ridge is ignored"),
        (ridge_times_rows, "ridge is multiplied by the number of rows"),
        (ridge_everywhere, "ridge is added to every entry"),
        (ones_unpunished, "the column of ones goes unpunished"),
        (classes_as_numbers, "the classes are fitted as numbers"),
        (nearest_mean, "that is the nearest class mean"),
        (smallest_output, "the smallest output"),
        (wrong_answers, "the share of wrong answers"),
        (number_right, "the number of right answers"),
        (in_per_cent, "in per cent; return a share"),
        (ridge_is_one, "ridge is 1 in your code"),
        (standardised, "the features are standardised first"),
        (classes_of_the_fresh, "out of bounds"),
        (right_and_wrong, "a list of right and wrong"),
        (answers_are_returned, "accuracy should be one number"),
    ],
}

RIGHT = {
    "11.1": [run_by_division],
    "11.2": [effect_by_loop],
    "11.3": [grid_of_lists],
    "11.4": [probe_by_inner_products],
}
