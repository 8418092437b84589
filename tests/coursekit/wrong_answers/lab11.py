"""Lab 11: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import math

import numpy as np
from scipy import stats

# 11.1 As much as the budget pays


def right_run(step, n_genomes, n_images, gradient, budget):
    cost, spent, scores = n_genomes * n_images * (3 if gradient else 1), [0], []
    while spent[-1] + cost <= budget:
        scores.append(step())
        spent.append(spent[-1] + cost)
    return spent[1:], scores


def budget_in_generations(step, n_genomes, n_images, gradient, budget):
    cost = n_genomes * n_images * (3 if gradient else 1)
    scores = [step() for _ in range(budget)]
    return [cost * (i + 1) for i in range(budget)], scores


def last_score_only(*args):
    spent, scores = right_run(*args)
    return spent, scores[-1]


def step_is_not_called(step, *rest):
    spent, scores = right_run(step, *rest)
    return spent, [step] * len(scores)


def asked_twice(step, n_genomes, n_images, gradient, budget):
    cost, spent, scores = n_genomes * n_images * (3 if gradient else 1), [], []
    for i in range(budget // cost):
        step()
        scores.append(step())
        spent.append((i + 1) * cost)
    return spent, scores


def one_free_step(step, n_genomes, n_images, gradient, budget):
    step()
    return right_run(step, n_genomes, n_images, gradient, budget)


def one_step_after_the_end(step, n_genomes, n_images, gradient, budget):
    answer = right_run(step, n_genomes, n_images, gradient, budget)
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


def run_by_division(step, n_genomes, n_images, gradient, budget):
    """Right: how many whole steps fit is a division."""
    price = n_genomes * n_images + 2 * n_genomes * n_images * bool(gradient)
    n_steps = budget // price
    return np.arange(1, n_steps + 1) * price, np.array([step() for _ in range(n_steps)])


# 11.2 A paired effect


def independent_samples(treated, control):
    a, b = treated.var(ddof=1) / len(treated), control.var(ddof=1) / len(control)
    df = (a + b) ** 2 / (a**2 / (len(treated) - 1) + b**2 / (len(control) - 1))
    half, mean = stats.t.ppf(0.975, df) * (a + b) ** 0.5, treated.mean() - control.mean()
    return mean, mean - half, mean + half


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


def right_grid(score, child_rates, base_rates, seeds):
    means = np.array([[np.mean([score(c, b, s) for s in seeds]) for b in base_rates] for c in child_rates])
    i, j = np.unravel_index(means.argmax(), means.shape)
    return means, (child_rates[i], base_rates[j])


def rates_are_swapped(score, child_rates, base_rates, seeds):
    return right_grid(lambda c, b, s: score(b, c, s), child_rates, base_rates, seeds)


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


def best_is_never_set(score, child_rates, base_rates, seeds):
    return right_grid(score, child_rates, base_rates, seeds)[0], None


def first_score_is_kept(step, *rest):
    spent, scores = right_run(step, *rest)
    return spent, [scores[0]] * len(scores)


def zeros_are_left_out(score, child_rates, base_rates, seeds):
    return right_grid(score, [c for c in child_rates if c], [b for b in base_rates if b], seeds)


def runs_the_best_again(score, child_rates, base_rates, seeds):
    means, best = right_grid(score, child_rates, base_rates, seeds)
    score(*best, seeds[0])
    return means, best


def seed_is_forgotten(score, child_rates, base_rates, seeds):
    return right_grid(lambda c, b, s: score(c, b), child_rates, base_rates, seeds)


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


def answers_are_returned(features, labels, fresh, fresh_labels, ridge):
    a, targets = with_ones(features), np.eye(labels.max() + 1)[labels]
    w = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ targets)
    return (with_ones(fresh) @ w).argmax(axis=1)


def classes_of_the_fresh(features, labels, fresh, fresh_labels, ridge):
    a, targets = with_ones(features), np.eye(fresh_labels.max() + 1)[labels]
    w = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ targets)
    return np.mean((with_ones(fresh) @ w).argmax(axis=1) == fresh_labels)


def scored_on_what_it_has_seen(features, labels, fresh, fresh_labels, ridge):
    return np.mean(answers_are_returned(features, labels, features, labels, ridge) == labels)


def right_and_wrong(features, labels, fresh, fresh_labels, ridge):
    return answers_are_returned(features, labels, fresh, fresh_labels, ridge) == fresh_labels


def probe_by_inner_products(features, labels, fresh, fresh_labels, ridge):
    """Right: the same regression, seen from the rows: a weight for each image in place of one for each feature."""
    targets = (labels[:, None] == np.arange(labels.max() + 1)).astype(float)
    alike = 1 + features @ features.T
    weights = np.linalg.solve(alike + ridge * np.eye(len(alike)), targets)
    return np.mean(np.argmax((1 + fresh @ features.T) @ weights, axis=1) == fresh_labels)


def classes_that_fresh_rows_have(features, labels, fresh, fresh_labels, ridge):
    a, new = (np.c_[np.ones(len(rows)), rows] for rows in (features, fresh))
    targets = labels[:, None] == np.arange(fresh_labels.max() + 1)
    weights = np.linalg.solve(a.T @ a + ridge * np.eye(a.shape[1]), a.T @ targets)
    return np.mean((new @ weights).argmax(axis=1) == fresh_labels)


def zero_for_all(features, labels, fresh, fresh_labels, ridge):
    with np.errstate(all="ignore"):
        outputs = fresh @ np.full((fresh.shape[1], labels.max() + 1), np.nan)
    return np.mean(outputs.argmax(axis=1) == fresh_labels)


def t_of_the_example(treated, control):
    d = treated - control
    half = 4.302652729911275 * d.std(ddof=1) / len(d) ** 0.5
    return d.mean(), d.mean() - half, d.mean() + half


def features_are_centred(features, labels, fresh, fresh_labels, ridge):
    middle = features.mean(axis=0)
    return probe_by_inner_products(features - middle, labels, fresh - middle, fresh_labels, ridge)


def each_is_centred(features, labels, fresh, fresh_labels, ridge):
    return probe_by_inner_products(features - features.mean(0), labels, fresh - fresh.mean(0), fresh_labels, ridge)


WRONG = {
    "11.1": [
        (budget_in_generations, "the budget is counted in generations"),
        (last_score_only, "scores should be an array of shape"),
        (step_is_not_called, "holds a function, and not what it returns"),
        (step_called_once, "step() was called once"),
        (first_score_is_kept, "keep what each call of step() returns"),
        (asked_twice, "step() is called twice in each round"),
        (one_free_step, "once before the counting begins"),
        (one_step_after_the_end, "none before the first or after the last"),
        (generation_is_handed_over, "step takes no arguments"),
        (never_ends, "What ends your loop?"),
        (at_least_one_step, "return two empty lists"),
    ],
    "11.2": [
        (independent_samples, "two *independent* samples (Welch)"),
        (t_of_the_example, "the factor is 4.3027 whatever"),
        (mean_only, "should return 3 values"),
    ],
    "11.3": [
        (rates_are_swapped, "the rates are swapped in the call"),
        (search_finds_none, "`best` is None where all scores are negative"),
        (best_is_never_set, "is that line reached"),
        (zeros_are_left_out, "means should be an array of shape"),
        (runs_the_best_again, "runs too many were asked for"),
        (seed_is_forgotten, "score takes three arguments"),
    ],
    "11.4": [
        (scored_on_what_it_has_seen, "scored on the rows that it was fitted to"),
        (classes_of_the_fresh, "out of bounds"),
        (right_and_wrong, "a list of right and wrong"),
        (answers_are_returned, "accuracy should be one number"),
        (zero_for_all, "the share of class 0 in fresh_labels"),
        (classes_that_fresh_rows_have, "you count the classes in fresh_labels"),
        (features_are_centred, "the mean of the features is taken off"),
        (each_is_centred, "less a mean of their own"),
    ],
}

RIGHT = {
    "11.1": [run_by_division],
    "11.2": [effect_by_loop],
    "11.3": [grid_of_lists],
    "11.4": [probe_by_inner_products],
}
