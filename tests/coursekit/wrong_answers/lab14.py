"""Lab 14: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import random

import numpy as np
from scipy.stats import hypergeom

# 14.1


def right_rank(n_designs, n_draws):
    return (n_designs + 1) / (n_draws + 1)


def odds_with_replacement(n_designs, n_top, n_draws):
    return 1 - (1 - n_top / n_designs) ** n_draws, right_rank(n_designs, n_draws)


def odds_typed_in(n_designs, n_top, n_draws):
    return 1 - 56 / 120, 2.75


def odds_by_scipy(n_designs, n_top, n_draws):
    return hypergeom(n_designs, n_top, n_draws).sf(0), right_rank(n_designs, n_draws)


def odds_card_by_card(n_designs, n_top, n_draws):
    miss = 1.0
    for k in range(n_draws):
        miss *= max(0, n_designs - n_top - k) / (n_designs - k)
    return 1 - miss, right_rank(n_designs, n_draws)


# 14.2


def breeder(
    *,
    retain=0.4,
    keepers=0.1,
    mutate_parents=False,
    mutate_children=True,
    reset=False,
    train_again=False,
    inherit=False,
    chance=0.2,
    every_gene=False,
    crossover="coins",
    distinct=True,
    pool="kept",
    reverse=True,
    copies=True,
    more=0,
    own_rng=False,
    sort_in_place=False,
    ranked_at_all=True,
    always_new=False,
    once=(),
    names=list,
    first_other=0,
    whole=int,
    lives=lambda rng: rng,
    mutates=lambda rng: rng,
):
    """A next_generation with one thing wrong; what is named in `once` is drawn once in a generation.

    `lives` and `mutates` give the generators that toss for those who aren't among the best, and for each child.
    """

    def next_generation(population, choices, rng):
        memo = {}

        def drawn(key, value):
            return memo.setdefault(key, value) if key[0] in once else value

        if own_rng:
            rng = random.Random()
        if sort_in_place:
            population.sort(key=lambda one: one[1], reverse=True)
        ranked = sorted(population, key=lambda one: one[1], reverse=reverse)
        ranked = ranked if ranked_at_all else list(population)
        n_best = whole(retain * len(population))
        others = ranked[n_best + first_other :]
        coins = lives(rng)
        kept = ranked[:n_best] + [one for one in others if drawn(("lives",), coins.random()) < keepers]

        def mutated(design):
            some = list(choices) if every_gene else [drawn(("name",), rng.choice(names(choices)))]
            return design | {
                name: drawn(("choice",), rng.choice([c for c in choices[name] if not always_new or c != design[name]]))
                for name in some
            }

        if mutate_parents == "in place":
            for design, _ in kept:
                if rng.random() < chance:
                    design.update(mutated(design))
        elif mutate_parents:
            changed = [(mutated(design), s) if rng.random() < chance else (design, s) for design, s in kept]
            kept = [(d, s if d == old or not reset else None) for (d, s), (old, _) in zip(changed, kept, strict=True)]
        children = []
        while len(kept) + len(children) < len(population) + more:
            parents = kept if pool == "kept" else population
            mother, father = rng.sample(parents, 2) if distinct else (rng.choice(parents), rng.choice(parents))
            mother, father = drawn(("parents",), (mother, father))
            if distinct == "neighbours":
                i = rng.randrange(len(parents))
                mother, father = parents[i], parents[i - 1]
            if crossover == "coins":
                child = {name: (mother, father)[drawn(("coins", name), rng.randrange(2))][0][name] for name in choices}
            elif crossover == "two each":
                hers = rng.sample(list(choices), 2)
                child = {name: (mother if name in hers else father)[0][name] for name in choices}
            elif crossover == "halves":
                child = {name: (mother, father)[i >= 2][0][name] for i, name in enumerate(choices)}
            elif crossover == "first":
                child = {
                    name: (rng.choice([mother, father]) if i else mother)[0][name] for i, name in enumerate(choices)
                }
                child[next(iter(choices))] = max(mother, father, key=lambda one: one[1])[0][next(iter(choices))]
            else:
                child = dict(mother[0]) if copies else mother[0]
            if mutate_children and drawn(("mutates",), mutates(rng).random()) < chance:
                child = mutated(child)
            parents_scores = {"mother": lambda m, _: m, "mean": lambda m, f: (m + f) / 2, False: lambda *_: None}
            children.append((child, parents_scores[inherit](mother[1], father[1])))
        return [(d, None if train_again else s) for d, s in kept] + children

    return next_generation


def named(name, **options):
    function = breeder(**options)
    function.__name__ = name
    return function


def returns_designs_only(population, choices, rng):
    return [design for design, _ in breeder()(population, choices, rng)]


def forgets_return(population, choices, rng):
    breeder()(population, choices, rng)


def mended_in_another_order(population, choices, rng):
    """Children first, parents by index, mutation drawn before the crossover."""
    order = np.argsort([-one for _, one in population], kind="stable")
    n_best = int(0.4 * len(population))
    alive = [population[i] for rank, i in enumerate(order) if rank < n_best or rng.random() < 0.1]
    children = []
    for _ in range(len(population) - len(alive)):
        gene = rng.choice(list(choices)) if rng.random() < 0.2 else None
        i = rng.randrange(len(alive))
        j = (i + rng.randrange(1, len(alive))) % len(alive)
        child = {}
        for name in choices:
            source = alive[i] if rng.random() < 0.5 else alive[j]
            child[name] = rng.choice(choices[name]) if name == gene else source[0][name]
        children.append((child, None))
    return children + [(dict(design), s) for design, s in alive]


def rounded_scores(population, choices, rng):
    return [(design, s and round(s, 1)) for design, s in breeder()(population, choices, rng)]


def the_best_is_left_out(population, choices, rng):
    ranked = sorted(population, key=lambda one: one[1], reverse=True)
    return breeder(more=1)(ranked[1:], choices, rng)


def children_alone(population, choices, rng):
    return [(design, score) for design, score in breeder()(population, choices, rng) if score is None]


def the_best_is_forgotten(population, choices, rng):
    return breeder()(population, choices, rng)[1:]


def scores_change_sides(population, choices, rng):
    """Children get a score, and those who live on None."""
    return [(design, 0.5 if s is None else None) for design, s in breeder()(population, choices, rng)]


def children_are_given_0(population, choices, rng):
    return [(design, 0.0 if s is None else s) for design, s in breeder()(population, choices, rng)]


def another_one_s_score(population, choices, rng):
    (a, first), (b, second), *rest = breeder()(population, choices, rng)
    return [(a, second), (b, first), *rest]


def only_children(population, choices, rng):
    return [({name: rng.choice(population)[0][name] for name in choices}, None) for _ in population]


def first_population_kept(population, choices, rng, seen=[]):  # noqa: B006 - that is the mistake
    seen.append(population)
    return breeder()(seen[0], choices, rng)


def choice_begins_anew(population, choices, rng):
    redrawn = {name: [random.Random(0).choice(options)] for name, options in choices.items()}
    return breeder()(population, redrawn, rng)


def choices_typed_in(population, choices, rng):
    return breeder()(population, {name: list(range(10)) for name in choices}, rng)


def choices_of_another_gene(population, choices, rng):
    names = list(choices)
    return breeder()(population, {name: choices[names[i - 1]] for i, name in enumerate(names)}, rng)


def draws_half_of_the_choices(population, choices, rng):
    halves = {name: options[: (len(options) + 1) // 2] for name, options in choices.items()}
    first = next(iter(choices))
    halves[first] = choices[first]  # which the check's designs are made of
    return breeder()(population, {name: halves[name] for name in choices}, rng)


# 14.3


def champions(asked, validation, budget, free=True):
    """The champion's number after each training: (n_runs, budget)."""
    rows = []
    for run in asked:
        trained = []
        for design in run.tolist():
            if not free or design not in trained:
                trained.append(design)
        rows.append([max(trained[:k], key=lambda i: validation[i]) for k in range(1, budget + 1)])
    return np.array(rows)


def duplicates_are_new(asked, validation, test, budget):
    return test.max() - test[champions(asked, validation, budget, free=False)]


def padded(value):
    def curves(asked, validation, test, budget):
        regret = curves_right(asked, validation, test, budget)
        for row, run in zip(regret, asked, strict=True):
            row[len(set(run.tolist())) :] = value
        return regret

    return curves


def filled_with_nan(asked, validation, test, budget):
    return padded(np.nan)(asked, validation, test, budget)


def last_of_a_run_is_left_out(asked, validation, test, budget):
    """The champion is looked for among those before the k-th and before the run's last."""
    regret = np.empty((len(asked), budget))
    for row, run in zip(regret, asked, strict=True):
        trained = list(dict.fromkeys(run.tolist()))
        for k in range(budget):
            champion = trained[0]
            for i in range(min(k, len(trained) - 1)):
                champion = max(champion, trained[i], key=lambda design: validation[design])
            row[k] = test.max() - test[champion]
    return regret


def last_training_counts_late(asked, validation, test, budget):
    late = champions(asked, validation, budget)
    return test.max() - test[np.concatenate([late[:, :1], late[:, :-1]], axis=1)]


def last_asked_is_left_out(asked, validation, test, budget):
    return curves_right(asked[:, : asked.shape[1] - 1], validation, test, budget)


def last_design_never_wins(asked, validation, test, budget):
    low = validation.copy()
    low[-1] = 0
    return curves_right(asked, low, test, budget)


def best_of_all_but_the_last(asked, validation, test, budget):
    return test[:-1].max() - test[champions(asked, validation, budget)]


def places_are_never_filled(asked, validation, test, budget):
    """As what np.empty leaves in them, which is another each time."""
    regret = curves_right(asked, validation, test, budget)
    regret[:, -1] = np.random.default_rng().random(len(asked))
    return regret


def one_too_many(asked, validation, test, budget):
    return curves_right(asked, validation, test, budget + 1)


def curves_right(asked, validation, test, budget):
    return test.max() - test[champions(asked, validation, budget)]


def curves_step_by_step(asked, validation, test, budget):
    regret = np.empty((len(asked), budget))
    for row, run in zip(regret, asked, strict=True):
        seen, best, k = set(), None, 0
        for design in run:
            if design in seen or k == budget:
                continue
            seen.add(design)
            if best is None or validation[design] > validation[best]:
                best = design
            row[k] = test.max() - test[best]
            k += 1
        row[k:] = row[k - 1]
    return regret


# 14.4


def own(validation, seed):
    return validation[:, seed].argmax()


def all_seeds(validation, test, seed):
    w = own(validation, seed)
    return validation[w, seed], test[w].mean()


def last_never_wins(validation, test, seed):
    w = own(validation[:-1], seed)
    return validation[w, seed], np.delete(test[w], seed).mean()


def first_never_wins(validation, test, seed):
    w = own(validation[1:], seed) + 1
    return validation[w, seed], np.delete(test[w], seed).mean()


def rescore_with_a_mask(validation, test, seed):
    w = int(np.argmax(validation.T[seed]))
    n = test.shape[1]
    return validation[w][seed], (test[w].sum() - test[w][seed]) / (n - 1)


def rescore_with_a_list(validation, test, seed):
    scores = list(validation[:, seed])
    w = scores.index(max(scores))
    return scores[w], np.mean([test[w, s] for s in range(test.shape[1]) if s != seed])


WRONG = {
    "14.1": [
        (odds_with_replacement, "you draw with replacement"),
        (odds_typed_in, "the same in all"),
    ],
    "14.2": [
        (named("mutated_parent_keeps_its_score", mutate_parents=True, mutate_children=False), "That is the bug"),
        (
            named("mutated_parent_loses_its_score", mutate_parents=True, reset=True, mutate_children=False),
            "the best design is gone, or has lost its score",
        ),
        (named("everybody_is_trained_again", train_again=True), "trains everybody again"),
        (named("children_inherit_a_score", inherit="mean"), "a design has the score 0.87"),
        (
            named("children_are_their_mothers", crossover="copy", copies=False, chance=0.0),
            "two members of the next generation",
        ),
        (named("children_have_their_mothers_score", inherit="mother"), "stands beside two designs"),
        (named("nobody_is_ranked", ranked_at_all=False), "whatever their scores"),
        (named("always_another_gene", always_new=True), "a redrawn gene may stay what it was"),
        (named("one_coin_for_all_lives", once=["lives"]), "either all live on or none"),
        (named("the_best_of_the_others_never_lives", first_other=1), "ranks [8] (from 0) never live on"),
        (named("eight_live_on", whole=lambda n: 8), "is their number typed in"),
        (the_best_is_left_out, "does your slice begin at 0?"),
        (scores_change_sides, "and children have None"),
        (children_are_given_0, "a design has the score 0.0"),
        (another_one_s_score, "has the score of another"),
        (only_children, "nobody lives on: no design in your answer"),
        (named("two_genes_each", crossover="two each"), "toss the coin of each gene by itself"),
        (named("one_redrawn_gene", once=["name"]), "alike, with the same gene:"),
        (named("rounded_up", whole=lambda n: int(n + 0.99)), "with yours five always live on"),
        (named("one_coin_for_all_children", once=["mutates"]), "either most children mutate or hardly any"),
        (named("the_last_gene_never_mutates", names=lambda c: list(c)[:-1]), "'optimiser' is never mutated"),
        (named("two_genes_never_mutate", names=lambda c: list(c)[:2]), "'activation' and 'optimiser' are never"),
        (named("one_gene_mutates", names=lambda c: list(c)[1:2]), "of all genes only 'neurons' is ever mutated"),
        (named("genes_mutate_unevenly", names=lambda c: [*c, *list(c)[:1] * 4]), "genes are mutated with shares"),
        (named("one_redrawn_gene_for_all", once=["name", "choice"]), "alike, with the same gene and choice"),
        (named("one_pair_for_all", once=["parents"]), "have the same two parents"),
        (named("neighbours_pair", distinct="neighbours"), "ranks 0 and 2, 1 and 3 (from 0)"),
        (named("same_coins_for_all", once=["coins"]), "toss new coins for each child"),
        (named("everybody_lives", keepers=1.0), "everybody lives on, and no place is left"),
        (named("nine_live_on_eight_again", first_other=-1), "somebody lives on twice"),
        (rounded_scores, "leave the scores as they are"),
        (first_population_kept, "`seen` keeps something of an earlier call"),
        (choice_begins_anew, "every mutated gene gets the same choice, 6"),
        (choices_typed_in, "Are others kept, typed in or worked out?"),
        (choices_of_another_gene, "a child has a choice of another gene"),
        (named("mutation_begins_anew", mutates=lambda rng: random.Random(0)), "no mutation shows"),
        (named("everybody_mutates", chance=1.0), "It should be about 18 %"),
        (named("every_gene_mutates", every_gene=True), "more than one gene mutated"),
        (named("no_keepers", keepers=0.0), "nobody but the best 40 % lives on"),
        (named("too_many_keepers", keepers=0.4), "but it should be 10 %"),
        (named("worst_live_on", reverse=False), "does the ranking begin with the lowest score"),
        (named("all_above_a_rank", reverse=False, retain=0.55), "with the ranks [9, 10, 11, 12,"),
        (named("sixteen_live_on", retain=0.8), "with the ranks [8, 9, 10, 11, 12, 13, 14, 15] (from 0) live on in all"),
        (named("nine_live_on", whole=lambda n: int(n) + 1), "the best nine live on in every generation"),
        (named("lives_begin_anew", lives=lambda rng: random.Random(1)), "the ones with the ranks ["),
        (children_alone, "Are they the children alone?"),
        (the_best_is_forgotten, "the ranks [0] (from 0) aren't there"),
        (named("too_few_live_on", retain=0.25), "not all live on"),
        (named("no_crossover", crossover="copy"), "is like one parent in all genes"),
        (named("one_cut_in_the_middle", crossover="halves"), "toss a coin for every gene"),
        (named("parents_may_be_one", distinct=False), "Are mother and father sometimes the same one"),
        (named("first_gene_of_the_better", crossover="first"), "comes from the better parent in"),
        (named("anybody_is_a_parent", pool="all"), "genes of somebody who doesn't live on"),
        (named("one_child_too_many", more=1), "21 members, of 20"),
        (named("own_randomness", own_rng=True), "take all randomness from `rng`"),
        (named("sorts_what_it_was_given", sort_in_place=True), "changes the list `population`"),
        (draws_half_of_the_choices, "mutation never draws some of the choices"),
        (returns_designs_only, "return a list of pairs"),
        (forgets_return, "returned None"),
    ],
    "14.3": [
        (duplicates_are_new, "asked for again is counted as a new training"),
        (filled_with_nan, "no place stays empty"),
        (last_of_a_run_is_left_out, "and the last of a run's different designs never counts"),
        (last_training_counts_late, "the design that was trained last counts, too"),
        (last_asked_is_left_out, "the last design that a run asks for is never trained"),
        (last_design_never_wins, "the design with the highest number is never the champion"),
        (best_of_all_but_the_last, "the best of all designs but the one with the highest number"),
        (places_are_never_filled, "that begins empty (np.empty) never filled"),
        (one_too_many, "regret should be an array of shape (1, 3)"),
    ],
    "14.4": [
        (all_seeds, "fresh averages over all seeds"),
        (last_never_wins, "the last design never wins"),
        (first_never_wins, "the first design never wins"),
    ],
}

RIGHT = {
    "14.1": [odds_by_scipy, odds_card_by_card],
    "14.2": [breeder(), mended_in_another_order],
    "14.3": [curves_right, curves_step_by_step],
    "14.4": [rescore_with_a_mask, rescore_with_a_list],
}
