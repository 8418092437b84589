"""The broken notebook of part III: wrong repairs with a piece of their hints; right ones."""

import numpy as np


def of_two(fitness, n, rng, size=2, best=True):
    entrants = rng.integers(len(fitness), size=(n, size))
    order = fitness[entrants] if best else -fitness[entrants]
    return entrants[np.arange(n), order.argmax(axis=1)]


def champion_only(fitness, n_draws, rng):
    return np.full(n_draws, fitness.argmax())


def worse_wins(fitness, n_draws, rng):
    return of_two(fitness, n_draws, rng, best=False)


def anybody(fitness, n_draws, rng):
    return rng.integers(len(fitness), size=n_draws)


def of_three(fitness, n_draws, rng):
    return of_two(fitness, n_draws, rng, size=3)


def half_blind(fitness, n_draws, rng):
    return np.where(rng.random(n_draws) < 0.3, anybody(fitness, n_draws, rng), of_two(fitness, n_draws, rng))


def seeded(fitness, n_draws, rng):
    return of_two(fitness, n_draws, np.random.default_rng(0))


def by_fitness_itself(fitness, n_draws, rng):
    return fitness


def truncated(fitness, n_draws, rng):
    """The better half, evenly: nobody meets anybody."""
    return rng.choice(np.argsort(fitness)[len(fitness) // 2 :], size=n_draws)


def last_is_left_out(fitness, n_draws, rng):
    return of_two(fitness[:-1], n_draws, rng)


def by_the_larger(fitness, n_draws, rng):
    entrants = rng.integers(len(fitness), size=(n_draws, 2))
    return entrants[np.arange(n_draws), fitness[entrants].argmax(axis=1)]


def one_for_all(fitness, n_draws, rng):
    return np.full(n_draws, of_two(fitness, 1, rng)[0])


def against_one(fitness, n_draws, rng):
    one, other = np.zeros(n_draws, dtype=int), rng.integers(len(fitness), size=n_draws)
    return np.where(fitness[one] > fitness[other], one, other)


def which_of_two(fitness, n_draws, rng):
    return fitness[rng.integers(len(fitness), size=(n_draws, 2))].argmax(axis=1)


def in_sorted_rows(fitness, n_draws, rng):
    return of_two(np.sort(fitness), n_draws, rng)


def fitness_of_two(fitness, n_draws, rng):
    return fitness[of_two(fitness, n_draws, rng)]


def nobody(fitness, n_draws, rng):
    return []


def against_a_fixed_one(fitness, n_draws, rng):
    one, other = np.arange(n_draws) % len(fitness), rng.integers(len(fitness), size=n_draws)
    return np.where(fitness[one] > fitness[other], one, other)


def against(seed_of):
    """One entrant from `rng`, the other from a generator that begins anew in each call."""

    def select(fitness, n_draws, rng):
        one = seed_of(rng).integers(len(fitness), size=n_draws)
        other = rng.integers(len(fitness), size=n_draws)
        return np.where(fitness[one] > fitness[other], one, other)

    return select


against_a_seed = against(lambda rng: np.random.default_rng(0))
against_its_seed = against(lambda rng: np.random.default_rng(rng.bit_generator.seed_seq.entropy + 1))


def against_oneself(fitness, n_draws, rng):
    one, other = (np.random.default_rng(0).integers(len(fitness), size=n_draws) for _ in range(2))
    return np.where(fitness[one] > fitness[other], one, other)


def against_one_of_the_call(fitness, n_draws, rng):
    one, other = rng.integers(len(fitness)), rng.integers(len(fitness), size=n_draws)
    return np.where(fitness[one] > fitness[other], one, other)


def seeded_for_each(fitness, n_draws, rng):
    return [int(of_two(fitness, 1, np.random.default_rng(0))[0]) for _ in range(n_draws)]


def in_proportion(fitness, n_draws, rng):
    return rng.choice(len(fitness), size=n_draws, p=fitness / fitness.sum())


def without_replacement(fitness, n_draws, rng):
    one = rng.integers(len(fitness), size=n_draws)
    other = (one + rng.integers(1, len(fitness), size=n_draws)) % len(fitness)
    return np.where(fitness[one] > fitness[other], one, other)


def by_loops(fitness, n_draws, rng):
    winners = []
    for _ in range(n_draws):
        one, other = rng.choice(len(fitness), size=2, replace=False)
        winners.append(int(one) if fitness[one] > fitness[other] else int(other))
    return winners


WRONG = {
    "23.2": [
        (champion_only, "do all meet in each tournament"),
        (worse_wins, "the worse of the two entrants wins"),
        (against_oneself, "are they two draws, not one draw twice"),
        (of_three, "tournaments of three entrants"),
        (half_blind, "Does the better one always win"),
        (seeded, "different generators give the same draws"),
        (by_fitness_itself, "has the shape (10,)"),
        (nobody, "has the shape (0,)"),
        (fitness_of_two, "fitness values, and no rows"),
        (in_proportion, "in proportion to the fitness"),
        (one_for_all, "wins every tournament of a call"),
        (seeded_for_each, "wins every tournament, in each call"),
        (against_one, "is it in every tournament"),
        (which_of_two, "the rows 0 and 1 alone win"),
        (in_sorted_rows, "but over other rows"),
        (against_a_fixed_one, "the winner of the one 10 before it"),
        (against_a_seed, "is drawn is the same whatever `rng` is"),
        (against_its_seed, "with another generator they don't"),
        (against_one_of_the_call, "drawn once for the whole call"),
        (truncated, "the worse half never wins"),
        (last_is_left_out, "never wins, though"),
    ],
}
RIGHT = {"23.2": [by_the_larger, without_replacement, by_loops]}
