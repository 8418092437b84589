"""The broken notebook of part V: wrong repairs with a piece of their hints; right ones."""

import numpy as np


def each_of(search, seeds):
    return [search(np.random.default_rng(seed)) for seed in seeds]


def one_seed(search, n_runs, seed):
    return each_of(search, [seed] * n_runs)


def next_seeds(search, n_runs, seed):
    return each_of(search, range(seed, seed + n_runs))


def numbers_alone(search, n_runs, seed):
    return each_of(search, range(n_runs))


def unseeded(search, n_runs, seed):
    return each_of(search, [None] * n_runs)


def in_pairs(search, n_runs, seed):
    return each_of(search, [[seed, i // 2] for i in range(n_runs)])


def by_their_number(search, n_runs, seed):
    return each_of(search, [[seed, n_runs, i] for i in range(n_runs)])


def backwards(search, n_runs, seed):
    return each_of(search, [[seed, i] for i in range(n_runs)])[::-1]


def run_once(search, n_runs, seed):
    return [search(np.random.default_rng(seed))] * n_runs


def one_number_later(search, n_runs, seed):
    results = []
    for i in range(n_runs):
        rng = np.random.default_rng(seed)
        rng.random(i)
        results.append(search(rng))
    return results


def thousands(search, n_runs, seed):
    return each_of(search, range(1000 * seed, 1000 * seed + n_runs))


def small_lots(search, n_runs, seed):
    return each_of(search, np.random.default_rng(seed).integers(10_000, size=n_runs))


def last_alone(search, n_runs, seed):
    return each_of(search, [[seed, i] for i in range(n_runs)])[-1]


def spawned(search, n_runs, seed):
    return each_of(search, np.random.SeedSequence(seed).spawn(n_runs))


def by_one_stream(search, n_runs, seed):
    rng, results = np.random.default_rng(seed), []
    for _ in range(n_runs):
        results.append(search(rng))
    return results


WRONG = {
    "25.2": [
        (one_seed, "all runs still have the same numbers"),
        (next_seeds, "run 1 of one seed is run 0 of the seed that is 1 larger"),
        (numbers_alone, "the seed makes no difference"),
        (unseeded, "two calls with the same seed differ"),
        (in_pairs, "two of your runs"),
        (by_their_number, "with more runs the first ten are others"),
        (backwards, "in the order of the runs"),
        (run_once, "called once for each of"),
        (one_number_later, "have numbers in common"),
        (thousands, "is the first run of a later seed"),
        (small_lots, "runs some have the same numbers"),
        (last_alone, "return a list"),
    ],
}
RIGHT = {"25.2": [spawned, by_one_stream]}
