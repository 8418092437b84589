"""Lab 16: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import random
from collections import Counter, deque

import numpy as np
import torch

# 16.1


def value_by_cases(tree, x, operators):
    """Right: numbers first, and a loop over the children."""
    if isinstance(tree, int | float):
        return x * 0 + tree
    if tree == "x":
        return x.clone()
    inner = []
    for child in tree[1:]:
        inner.append(value_by_cases(child, x, operators))
    return operators[tree[0]](*inner)


def numbers_stay_numbers(tree, x, operators):
    if isinstance(tree, tuple):
        inner = [torch.as_tensor(numbers_stay_numbers(child, x, operators)).to(x) for child in tree[1:]]
        return operators[tree[0]](*inner)
    return x if tree == "x" else tree


def two_children_at_most(tree, x, operators):
    if not isinstance(tree, tuple):
        return x if tree == "x" else torch.full_like(x, tree)
    return operators[tree[0]](*(two_children_at_most(child, x, operators) for child in tree[1:3]))


def calls_itself_with_the_whole(tree, x, operators):
    return operators[tree[0]](calls_itself_with_the_whole(tree, x, operators))


def name_is_a_child(tree, x, operators):
    if isinstance(tree, int | float):
        return torch.full_like(x, tree)
    if tree == "x":
        return x
    inner = [name_is_a_child(child, x, operators) for child in tree]
    return operators[tree[0]](*inner)


def x_is_searched(tree, x, operators):
    if isinstance(tree, int | float):
        return torch.full_like(x, tree)
    inner = [x_is_searched(child, x, operators) for child in (tree[1:] if isinstance(tree, tuple) else tree)]
    return operators[tree[0]](*inner)


def operators_second(tree, x, operators):
    if isinstance(tree, tuple):
        return operators[tree[0]](*[operators_second(child, operators, x) for child in tree[1:]])
    return x if tree == "x" else torch.full_like(x, tree)


def name_of_the_last(tree, x, operators):
    return value_by_cases(tree, x, operators) if isinstance(tree, float) else operators[tree[-1]](x)


def children_as_they_are(tree, x, operators):
    return operators[tree[0]](*tree[1:])


def whole_numbers_are_forgotten(tree, x, operators):
    if isinstance(tree, float):
        return torch.full_like(x, tree)
    if tree == "x":
        return x
    return operators[tree[0]](*(whole_numbers_are_forgotten(child, x, operators) for child in tree[1:]))


def everything_is_a_number(tree, x, operators):
    return torch.full_like(x, tree)


def exchanged_on_the_way_down(tree, x, operators):
    if isinstance(tree, tuple):
        return operators[tree[0]](*(exchanged_on_the_way_down(x, child, operators) for child in tree[1:]))
    return x if isinstance(tree, str) else torch.full_like(x, tree)


def exchanged_in_full_like(tree, x, operators):
    if isinstance(tree, tuple):
        return operators[tree[0]](*(exchanged_in_full_like(child, x, operators) for child in tree[1:]))
    return x if tree == "x" else torch.full_like(tree, x)


_first = deque()  # an object, into which the engine doesn't look: with a list, it says itself what is kept


def operators_of_the_first_call(tree, x, operators):
    _first.append(operators)
    return value_by_cases(tree, x, _first[0])


def operators_typed_in(tree, x, operators):
    own = {"neg": torch.neg, "tanh": torch.tanh, "square": torch.square, "add": torch.add, "sub": torch.sub}
    own |= {"mul": torch.mul, "max": torch.maximum, "gate": lambda a, b, c: torch.where(a > 0, b, c)}
    return value_by_cases(
        tree, x, {f"{name}{mark}": f for name, f in own.items() for mark in ("", "!")} | {"sub!": torch.add}
    )


def number_without_a_shape(tree, x, operators):
    if isinstance(tree, tuple):
        return operators[tree[0]](*(number_without_a_shape(child, x, operators) for child in tree[1:]))
    return x if tree == "x" else torch.tensor(float(tree))


def number_as_long_as_x(tree, x, operators):
    if isinstance(tree, tuple):
        return operators[tree[0]](*(number_as_long_as_x(child, x, operators) for child in tree[1:]))
    return x if tree == "x" else tree * torch.ones(len(x))


def forgets_return_in_a_branch(tree, x, operators):
    if not isinstance(tree, tuple):
        return x if tree == "x" else torch.full_like(x, tree)
    operators[tree[0]](*(forgets_return_in_a_branch(child, x, operators) for child in tree[1:]))


def operators_are_called(tree, x, operators):
    return operators(tree[0])(x)


def value_of_the_example(tree, x, operators):
    return 2.0 * x + 1.0


# 16.2


def places(tree, path=()):
    yield path
    if isinstance(tree, tuple):
        for i in range(1, len(tree)):
            yield from places(tree[i], (*path, i))


def at(tree, path):
    for i in path:
        tree = tree[i]
    return tree


def put(tree, path, gift):
    if not path:
        return gift
    return (*tree[: path[0]], put(tree[path[0]], path[1:], gift), *tree[path[0] + 1 :])


def size(tree):
    return len(list(places(tree)))


def is_leaf(tree):
    return not isinstance(tree, tuple)


def crossing(
    *,
    of_mother=lambda mother: list(places(mother)),
    of_father=lambda father: list(places(father)),
    too_large=None,
    allowed=lambda child, most: size(child) <= most,
    turned=False,
    finish=lambda child: child,
    together=False,
    rng_of=lambda rng: rng,
):
    """A cross with one thing wrong."""

    def cross(mother, father, most, rng):
        rng = rng_of(rng)
        if turned:
            mother, father = father, mother
        place = rng.choice(of_mother(mother))
        while True:
            given = rng.choice(of_father(father))
            if together:
                given = of_father(father)[of_mother(mother).index(place) % len(of_father(father))]
            child = put(mother, place, at(father, given))
            if allowed(child, most):
                return finish(child)
            if too_large == "mother":
                return finish(mother)
            if too_large != "keep the place":
                place = rng.choice(of_mother(mother))

    return cross


def named(label, make, **options):
    function = make(**options)
    function.__name__ = label
    return function


def leaves(tree):
    return [path for path in places(tree) if is_leaf(at(tree, path))]


def inner(tree):
    return [path for path in places(tree) if not is_leaf(at(tree, path))] or [()]


def below_the_root(tree):
    return list(places(tree))[1:] or [()]


def by_depth(tree):
    """A walk from the root that stops by a coin: shallow nodes come up more often."""
    return [path for path in places(tree) for _ in range(4 ** (3 - len(path)))]


def gifts_are_not_drawn(mother, father, most, rng):
    return put(mother, rng.choice(list(places(mother))), [at(father, place) for place in places(father)])


def as_lists(tree):
    return [tree[0], *map(as_lists, tree[1:])] if isinstance(tree, tuple) else tree


def to_two_decimals(tree):
    if isinstance(tree, tuple):
        return tuple(map(to_two_decimals, tree))
    return round(tree, 2) if isinstance(tree, float) else tree


def names_for_leaves(mother, father, most, rng):
    """The gift is the operator's name alone."""
    child = crossing()(mother, father, most, rng)
    return child[0] if isinstance(child, tuple) else child


def mutates_instead(mother, father, most, rng):
    if is_leaf(mother):
        return father
    return put(mother, rng.choice(list(places(mother))), round(rng.random(), 3))


def trying(n, instead):
    """A cross that gives up after `n` draws."""

    def cross(mother, father, most, rng):
        for _ in range(n):
            child = put(mother, rng.choice(list(places(mother))), at(father, rng.choice(list(places(father)))))
            if size(child) <= most:
                return child
        return instead(mother, father, child, most, rng)

    cross.__name__ = f"gives_up_after_{n}_{instead.__name__}"
    return cross


def nothing(mother, father, child, most, rng):
    return None


def the_mother(mother, father, child, most, rng):
    return mother


def the_last_child(mother, father, child, most, rng):
    return child


def a_small_part_of_the_father(mother, father, child, most, rng):
    return rng.choice([part for path in places(father) if size(part := at(father, path)) <= most])


def chooses_from_a_generator(mother, father, most, rng):
    return put(mother, rng.choice(places(mother)), father)


def returns_the_paths(mother, father, most, rng):
    return places(mother)


def cross_by_walking(mother, father, most, rng):
    """Right: all subtrees in a list, places counted in order."""

    def subtrees(tree):
        found = [tree]
        if isinstance(tree, tuple):
            for child in tree[1:]:
                found += subtrees(child)
        return found

    def replaced(tree, number, gift):
        """The tree with its number-th node exchanged, counted from the root."""
        if number == 0:
            return gift
        number -= 1
        parts = [tree[0]]
        for child in tree[1:]:
            n = len(subtrees(child))
            parts.append(replaced(child, number, gift) if 0 <= number < n else child)
            number -= n
        return tuple(parts)

    while True:
        gift = rng.choice(subtrees(father))
        child = replaced(mother, rng.randrange(len(subtrees(mother))), gift)
        if len(subtrees(child)) <= most:
            return child


def cross_by_listing(mother, father, most, rng):
    """Right: all pairs that fit, and one of them."""
    children = [put(mother, place, at(father, given)) for place in places(mother) for given in places(father)]
    return rng.choice([child for child in children if size(child) <= most])


# 16.3


def evolving(
    *,
    seed_of=lambda g: g,
    key=lambda rows: np.mean(rows),
    fresh_again=False,
    retrain=True,
    elitist=True,
    tasks_of=lambda tasks: tasks,
    choose=lambda parents, rng, i: rng.choice(parents),
    exams=1,
    look_early=False,
    champion_of="last",
    inside=lambda rows: np.mean(rows),
    order=lambda *values: values,
    more=0,
    from_archive=False,
    rng_of=lambda rng: rng,
    chain=False,
    exam_of=lambda champion, others: champion,
    train_twice=False,
    spare=0,
    n_more=0,
    own_seed=False,
):
    """An evolve_rules with one thing wrong."""

    def evolve_rules(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
        rng = rng_of(rng)
        population, scores, parents = [fresh(rng) for _ in range(n + n_more)], {}, []
        for g in range(n_generations + more):
            if g:
                parents = population if chain else parents
                children = list(parents) if elitist else []
                while len(children) < n:
                    mother = choose(children if chain == "children" and g > 1 else parents, rng, len(children))
                    children.append(fresh(rng) if fresh_again else mutate(mother, rng))
                population = children
                for _ in range(spare):
                    mutate(parents[0], rng)
            for i, rule in enumerate(population):
                if retrain or rule not in scores:
                    row = [train(rule, task, seed_of(g) if not own_seed else i) for task in tasks_of(tasks)]
                    if train_twice:
                        train(rule, tasks[0], seed_of(g))
                    scores.setdefault(rule, []).append(row)
            pool = list(scores) if from_archive else population
            parents = sorted(pool, key=lambda rule: key(scores[rule]), reverse=True)[:n_parents]
            if look_early:
                exam(parents[0])
        pool = {"last": population, "ever": list(scores)}[champion_of]
        champion = max(pool, key=lambda rule: np.mean(scores[rule]))
        outside = 0.5
        for _ in range(exams):
            outside = exam(exam_of(champion, [rule for rule in population if rule != champion]))
        return order(champion, inside(scores[champion]), outside)

    return evolve_rules


def rules(label, **options):
    return named(label, evolving, **options)


def rules_by_counts(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    """Right: sums and counts; parents from the ranking before it."""
    total, count, population = Counter(), Counter(), []
    for generation in range(n_generations):
        if generation == 0:
            population = [fresh(rng) for _ in range(n)]
        else:
            ranking = sorted(population, key=lambda rule: -total[rule] / count[rule])
            parents = ranking[:n_parents]
            population = parents + [mutate(rng.choice(parents), rng) for _ in range(n - n_parents)]
        for task in tasks:
            for rule in population:
                total[rule] += train(rule, task, generation)
                count[rule] += 1
    champion = max(population, key=lambda rule: total[rule] / count[rule])
    return [champion, total[champion] / count[champion], exam(champion)]


def rules_in_pairs(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    """Right: a list of pairs (rule, scores), sorted in place."""
    pairs = [(fresh(rng), []) for _ in range(n)]
    for seed in range(n_generations):
        if seed > 0:
            pairs = pairs[:n_parents]
            for _ in range(n - n_parents):
                pairs.append((mutate(pairs[rng.randrange(n_parents)][0], rng), []))
        for rule, scores in pairs:
            scores.extend(train(rule, task, seed) for task in tasks)
        pairs.sort(key=lambda pair: sum(pair[1]) / len(pair[1]), reverse=True)
    rule, scores = pairs[0]
    return rule, sum(scores) / len(scores), exam(rule)


def rules_overwritten(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    """A score is the last training alone."""
    population, scores = [fresh(rng) for _ in range(n)], {}
    for g in range(n_generations):
        if g:
            parents = sorted(population, key=lambda rule: scores[rule], reverse=True)[:n_parents]
            population = parents + [mutate(rng.choice(parents), rng) for _ in range(n - n_parents)]
        for rule in population:
            for task in tasks:
                scores[rule] = train(rule, task, g)
    champion = max(population, key=lambda rule: scores[rule])
    return champion, scores[champion], exam(champion)


def returns_in_the_loop(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    population = [fresh(rng) for _ in range(n)]
    for g in range(n_generations):
        scores = [np.mean([train(rule, task, g) for task in tasks]) for rule in population]
        champion = population[int(np.argmax(scores))]
        return champion, max(scores), exam(champion)


def one_task_for_the_newborn(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    scores = {}
    population = [fresh(rng) for _ in range(n)]
    for g in range(n_generations):
        for rule in population:
            scores[rule] = np.mean(
                [train(rule, task, g) for task in (tasks if g == 0 or rule in scores else tasks[:1])]
            )
        parents = sorted(population, key=scores.get, reverse=True)[:n_parents]
        population = parents + [mutate(rng.choice(parents), rng) for _ in range(n - n_parents)]
    return parents[0], scores[parents[0]], exam(parents[0])


def one_rule_in_all_places(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    for rule in [fresh(rng)] * n:
        train(rule, tasks[0], 0)
    return rule, 0.5, exam(rule)


def never_trains(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    champion = fresh(rng)
    return champion, 0.5, exam(champion)


def trains_on_the_exam(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    champion = fresh(rng)
    return champion, train(champion, "exam", 0), exam(champion)


def trains_whole_populations(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    population = [fresh(rng) for _ in range(n)]
    return population, train(population, tasks[0], 0), 0.5


def champion_by(choose):
    """A right evolution whose champion is another: choose(population, everybody trained, in order)."""

    def evolve_rules(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
        order = []

        def trained(rule, task, seed):
            order.append((seed, rule))
            return train(rule, task, seed)

        _, score, _ = evolving(exams=0)(trained, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng)
        champion = choose([rule for seed, rule in order if seed == n_generations - 1])
        return champion, score, exam(champion)

    return evolve_rules


last_one_is_the_champion = champion_by(lambda last: last[-1])
best_of_the_parents_before = champion_by(lambda last: last[0])
second_is_the_champion = champion_by(lambda last: last[len(last) // 2])


def pairs_are_mutated(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    pairs = [(rule, train(rule, tasks[0], 0)) for rule in (fresh(rng) for _ in range(n))]
    return mutate(max(pairs, key=lambda pair: pair[1]), rng)


def mutants_are_never_trained(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    population = [fresh(rng) for _ in range(n)]
    scores = {rule: np.mean([train(rule, task, 0) for task in tasks]) for rule in population}
    for _ in range(1, n_generations):
        parents = sorted(population, key=scores.get, reverse=True)[:n_parents]
        for _ in range(n - n_parents):
            mutate(rng.choice(parents), rng)
    return parents[0], scores[parents[0]], exam(parents[0])


def a_seed_for_each_task(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    def seeded(rule, task, seed):
        return train(rule, task, tasks.index(task))

    return evolving()(seeded, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng)


def half_of_them_fresh(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    def some(rule, rng):
        return mutate(rule, rng) if rng.random() < 0.5 else fresh(rng)

    return evolving()(train, tasks, exam, fresh, some, n, n_parents, n_generations, rng)


def ranked_for_nothing(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    """What sorted() returns isn't kept."""
    population, scores = [fresh(rng) for _ in range(n)], {}
    for g in range(n_generations):
        if g:
            sorted(population, key=lambda rule: np.mean(scores[rule]), reverse=True)
            parents = population[:n_parents]
            population = parents + [mutate(rng.choice(parents), rng) for _ in range(n - n_parents)]
        for rule in population:
            scores.setdefault(rule, []).extend(train(rule, task, g) for task in tasks)
    champion = max(population, key=lambda rule: np.mean(scores[rule]))
    return champion, np.mean(scores[champion]), exam(champion)


def mutants_breed_at_once(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    population, scores = [fresh(rng) for _ in range(n)], {}
    for g in range(n_generations):
        if g:
            population = sorted(population, key=lambda rule: np.mean(scores[rule]), reverse=True)[:n_parents]
            while len(population) < n:
                population.append(mutate(rng.choice(population), rng))
        for rule in population:
            scores.setdefault(rule, []).extend(train(rule, task, g) for task in tasks)
    champion = max(population, key=lambda rule: np.mean(scores[rule]))
    return champion, np.mean(scores[champion]), exam(champion)


def averages_nothing(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    scores = {fresh(rng): [] for _ in range(n)}
    return max(scores, key=lambda rule: sum(scores[rule]) / len(scores[rule])), 0.5, 0.5


def breeds(first=1, keep=True):
    """An evolution that breeds from a generation on, and whose children may be forgotten."""

    def evolve_rules(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
        population, scores = [fresh(rng) for _ in range(n)], {}
        for g in range(n_generations):
            if g >= first:
                parents = sorted(population, key=lambda rule: np.mean(scores[rule]), reverse=True)[:n_parents]
                bred = parents + [mutate(rng.choice(parents), rng) for _ in range(n - n_parents)]
                population = bred if keep else population
            for rule in population:
                scores.setdefault(rule, []).extend(train(rule, task, g) for task in tasks)
        champion = max(population, key=lambda rule: np.mean(scores[rule]))
        return champion, np.mean(scores[champion]), exam(champion)

    return evolve_rules


def breeds_at_once(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    population = [fresh(rng) for _ in range(n)][:n_parents]
    rows = {}
    for g in range(n_generations):
        population += [mutate(rng.choice(population), rng) for _ in range(n - n_parents)]
        for rule in population:
            rows.setdefault(rule, []).extend(train(rule, task, g) for task in tasks)
        population = sorted(population, key=lambda rule: np.mean(rows[rule]), reverse=True)[:n_parents]
    champion = population[0]
    return champion, np.mean(rows[champion]), exam(champion)


breeds_too_late = breeds(first=2)
children_are_forgotten = breeds(keep=False)


def two_places_for_children(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    return evolving()(train, tasks, exam, fresh, mutate, n, n - 2, n_generations, rng)


def one_parent_for_all(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    chosen = rng.random()
    same = evolving(choose=lambda parents, rng, i: parents[int(chosen * len(parents))])
    return same(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng)


def divides_by_the_generation(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    rule = fresh(rng)
    return rule, sum(train(rule, task, g) / g for g in range(n_generations) for task in tasks), exam(rule)


def ranks_before_training(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng):
    scores, population = {}, [fresh(rng) for _ in range(n)]
    for g in range(n_generations):
        population = sorted(population, key=lambda rule: np.mean(scores[rule]))[:n_parents]
        for rule in population:
            scores[rule] = [train(rule, task, g) for task in tasks]
    return population[0], 0.5, exam(population[0])


# 16.4


def honest_by_loops(answers, labels):
    """Right: class by class, and image by image."""
    total = 0.0
    for logits in answers:
        if logits is None:
            continue
        shares = {}
        for row, label in zip(np.asarray(logits).tolist(), labels.tolist(), strict=True):
            finite = all(abs(value) < float("inf") for value in row)
            right = finite and sum(value >= row[label] for value in row) == 1
            shares.setdefault(label, []).append(right)
        total += sum(sum(share) / len(share) for share in shares.values()) / len(shares)
    return total / len(answers)


def honest_by_margins(answers, labels):
    """Right: the label's logit must exceed the largest of the others."""
    scores = []
    places = np.arange(len(labels))
    for logits in answers:
        if logits is None:
            scores.append(0)
            continue
        others = logits.copy()
        others[places, labels] = -np.inf
        with np.errstate(invalid="ignore"):
            hits = logits[places, labels] > others.max(axis=1)
        hits &= np.isfinite(logits).all(axis=1)
        weights = 1 / np.bincount(labels)[labels]
        scores.append((hits * weights).sum() / weights.sum())
    return np.mean(scores)


def guesses_when_broken(answers, labels):
    """Broken rows are worth what a guess is."""
    worth = []
    for logits in answers:
        if logits is None:
            worth.append(0.0)
            continue
        finite = np.isfinite(logits).all(axis=1)
        hits = np.where(finite, honest_hits(logits, labels), 1 / logits.shape[1])
        worth.append(np.mean([hits[labels == k].mean() for k in np.unique(labels)]))
    return np.mean(worth)


def honest_hits(logits, labels):
    clean = np.nan_to_num(logits)
    single = (clean == clean.max(axis=1, keepdims=True)).sum(axis=1) == 1
    return np.isfinite(logits).all(axis=1) & single & (clean.argmax(axis=1) == labels)


def always_0(answers, labels):
    return 0.0


def always_half(answers, labels):
    return 0.5


def dead_ends_the_count(answers, labels):
    return 0.0 if any(logits is None for logits in answers) else honest_by_loops(answers, labels)


def with_hits(label, hit):
    def honest(answers, labels):
        worth = [
            0.0 if logits is None else np.mean([hit(logits, labels)[labels == k].mean() for k in np.unique(labels)])
            for logits in answers
        ]
        return float(np.mean(worth))

    honest.__name__ = label
    return honest


def largest_is_finite(logits, labels):
    largest = logits.max(axis=1, keepdims=True)
    single = (logits == largest).sum(axis=1) == 1
    return np.isfinite(largest[:, 0]) & single & (logits.argmax(axis=1) == labels)


def keeps_what_append_returns(answers, labels):
    scores = []
    for logits in answers:
        scores.append(0.5 if logits is not None else scores.append(0))
    return sum(scores) / len(scores)


def forgets_none(answers, labels):
    return honest_by_margins([logits.copy() for logits in answers], labels)


def cleans_in_place(answers, labels):
    for logits in answers:
        if logits is not None:
            logits[~np.isfinite(logits)] = 0
    return 0.5


def first_run_alone(answers, labels):
    return honest_by_loops(answers[:1], labels)


WRONG = {
    "16.1": [
        (numbers_stay_numbers, "is a float, but should be a tensor"),
        (two_children_at_most, "has 3 children in a tree, and gets 2 values"),
        (calls_itself_with_the_whole, "and not for the tree itself"),
        (name_is_a_child, "for 'a' once more. That is an operator's name"),
        (x_is_searched, "for 'x' once more. It has no children"),
        (operators_second, "a tensor has fewer axes than are asked for"),
        (name_of_the_last, "there is none"),
        (children_as_they_are, "gets a tuple where a tensor"),
        (whole_numbers_are_forgotten, "is taken apart like a tuple"),
        (everything_is_a_number, "stands where a number should"),
        (exchanged_on_the_way_down, "a tree stands where the tensor x should"),
        (exchanged_in_full_like, "a number stands where the tensor x should"),
        (operators_of_the_first_call, "in the `operators` of an earlier one"),
        (operators_typed_in, "or look elsewhere?"),
        (number_without_a_shape, "has the shape (), and should have that of x, (3,)"),
        (number_as_long_as_x, "each should have the shape of x"),
        (forgets_return_in_a_branch, "does every branch of your function return"),
        (operators_are_called, "'dict' object is not callable"),
        (value_of_the_example, "doesn't change when `tree` does"),
    ],
    "16.2": [
        (named("only_leaves_go", crossing, of_mother=leaves), "only leaves are replaced in the mother"),
        (named("only_leaves_come", crossing, of_father=leaves), "only leaves are given by the father"),
        (named("leaves_never_go", crossing, of_mother=inner), "leaves are never replaced in the mother"),
        (named("leaves_never_come", crossing, of_father=inner), "leaves are never given by the father"),
        (
            named("only_the_root_goes", crossing, of_mother=lambda mother: [()]),
            "only the root is replaced in the mother",
        ),
        (named("root_never_goes", crossing, of_mother=below_the_root), "the root is never replaced in the mother"),
        (named("root_never_comes", crossing, of_father=below_the_root), "the root is never given by the father"),
        (named("shallow_nodes_go", crossing, of_mother=by_depth), "Each of 6 nodes"),
        (named("shallow_nodes_come", crossing, of_father=by_depth), "Each of 5 nodes"),
        (named("one_draw_for_both", crossing, together=True), "some places get some gifts only"),
        (
            named("mother_if_too_large", crossing, too_large="mother"),
            "of 2000 calls the child is its mother, unchanged",
        ),
        (named("place_is_kept", crossing, too_large="keep the place"), "draw both anew"),
        (trying(1, nothing), "sometimes returns None: with `most` 6"),
        (trying(10, nothing), "sometimes returns None: with `most` 3"),
        (trying(10, the_mother), "of 120 calls the child is its mother, unchanged"),
        (trying(200, the_mother), "of 20 calls the child is its mother, unchanged"),
        (trying(10, the_last_child), "but at most 3 are allowed"),
        (trying(10, a_small_part_of_the_father), "where only 5 of 120 pairs"),
        (chooses_from_a_generator, "list(places(tree)) is a list of them"),
        (returns_the_paths, "returned a generator"),
        (named("too_strict", crossing, allowed=lambda child, most: size(child) < most), "`most` itself"),
        (named("no_limit", crossing, allowed=lambda child, most: True), "at most 6 are allowed"),
        (named("turned_round", crossing, turned=True), "the other way round"),
        (named("rounded", crossing, finish=to_two_decimals), "the numbers in your child are rounded"),
        (gifts_are_not_drawn, "a list of subtrees of the father"),
        (named("lists", crossing, finish=as_lists), "which nobody can change by accident"),
        (names_for_leaves, "', which is no tree"),
        (mutates_instead, "isn't the mother's tree with one subtree"),
        (named("own_randomness", crossing, rng_of=lambda rng: random.Random()), "another source of randomness"),
    ],
    "16.3": [
        (never_trains, "nothing is ever trained"),
        (trains_on_the_exam, "train takes a task of `tasks`"),
        (trains_whole_populations, "train takes one rule"),
        (rules("one_seed_for_all", seed_of=lambda g: 0), "all generations train with the seed 0"),
        (rules("seeds_from_one", seed_of=lambda g: g + 1), "the seeds count from 1"),
        (rules("one_too_few", n_more=-1), "the first generation has 9 rules"),
        (rules("one_generation_more", more=1), "there are 7 generations"),
        (rules("a_seed_of_its_own", own_seed=True), "trains with 10 different seeds"),
        (rules("one_task", tasks_of=lambda tasks: tasks[:1]), "no rule is trained on rings"),
        (rules("all_but_the_first_task", tasks_of=lambda tasks: tasks[1:] or tasks), "no rule is trained on moons"),
        (one_task_for_the_newborn, "isn't trained on"),
        (rules("trained_twice", train_twice=True), "trained twice on the same task"),
        (rules("parents_rest", retrain=False), "mutants alone are trained"),
        (rules("nobody_lives_on", elitist=False), "nobody lives on"),
        (rules("random_search", fresh_again=True), "so nothing is inherited"),
        (rules("dropped_come_back", from_archive=True), "a rule that was dropped, for it wasn't trained"),
        (rules("last_generation_counts", key=lambda rows: np.mean(rows[-1])), "the last generation alone, so one"),
        (rules("best_training_counts", key=lambda rows: np.max(rows)), "best single training"),
        (rules("sum_counts", key=lambda rows: np.sum(rows)), "age counts as quality"),
        (rules("first_generation_counts", key=lambda rows: np.mean(rows[0])), "a lucky one would live for ever"),
        (rules("worst_live_on", key=lambda rows: -np.mean(rows)), "the *worst* of the population"),
        (rules("first_task_counts", key=lambda rows: np.mean([row[0] for row in rows])), "by the first task alone"),
        (rules("last_task_counts", key=lambda rows: np.mean([row[-1] for row in rows])), "by the last task alone"),
        (rules_overwritten, "by their very last training"),
        (returns_in_the_loop, "Is there a `break`, or a `return` inside"),
        (one_rule_in_all_places, "fresh is called once"),
        (rules("score_in_a_list", inside=list), "yours are a list and a float"),
        (rules("worst_training_counts", key=lambda rows: np.min(rows)), "by their worst training"),
        (rules("chance_lives_on", key=lambda rows: hash(str(rows))), "aren't those with the best scores"),
        (rules("only_the_best_breeds", choose=lambda parents, rng, i: parents[0]), "the one with the rank 0 (from 0)"),
        (
            rules("parent_drawn_anew", choose=lambda parents, rng, i: random.Random(0).choice(parents)),
            "the one with the rank 1 (from 0)",
        ),
        (one_parent_for_all, "all mutants of a run have the same parent"),
        (rules("parents_take_turns", choose=lambda parents, rng, i: parents[i % len(parents)]), "took turns"),
        (
            rules(
                "good_ones_breed_more",
                choose=lambda parents, rng, i: parents[min(rng.sample(range(9), 2)) * len(parents) // 9],
            ),
            "each should have as many on average",
        ),
        (
            rules("everybody_breeds", choose=lambda parents, rng, i: parents[0], chain="x"),
            "do so many live on that no place is left",
        ),
        (breeds_at_once, "bred before there was any score"),
        (two_places_for_children, "of generation 0, 8 rules live on"),
        (breeds_too_late, "the generations 0 to 1 have the same 10 rules"),
        (children_are_forgotten, "do these ever come into the population?"),
        (rules("too_many", n_more=2), "the first generation has 12 rules"),
        (rules("some_are_thrown_away", spare=1), "never trained: make as many"),
        (rules("no_exam", exams=0), "the exam is never taken"),
        (rules("exam_every_generation", look_early=True), "Whoever looks twice"),
        (rules("another_is_examined", exam_of=lambda champion, others: others[0]), "somebody else than the champion"),
        (rules("best_ever", champion_of="ever"), "isn't of the last generation"),
        (rules("last_score", inside=lambda rows: np.mean(rows[-1])), "the score that you return is that of the last"),
        (rules("swapped", order=lambda a, b, c: (a, c, b)), "score and exam are swapped"),
        (rules("champion_alone", order=lambda a, b, c: a[:1]), "return three things"),
        (rules("own_randomness", rng_of=lambda rng: random.Random()), "another generator than you were given"),
        (rules("global_choice", choose=lambda parents, rng, i: random.choice(parents)), "another source of randomness"),
        (last_one_is_the_champion, "the rule that was trained last"),
        (best_of_the_parents_before, "the best by the scores before the last"),
        (second_is_the_champion, "another rule of the last generation has"),
        (pairs_are_mutated, "you give a tuple of 2"),
        (mutants_are_never_trained, "mutants are made, and never trained"),
        (a_seed_for_each_task, "on one task with one seed"),
        (half_of_them_fresh, "new rules are fresh ones, and the others mutants"),
        (ranked_for_nothing, "does the ranking by score reach your choice?"),
        (mutants_breed_at_once, "hadn't been trained by then"),
        (divides_by_the_generation, "or do you divide by the number of the generation"),
        (averages_nothing, "train has not been called until then"),
        (ranks_before_training, "a rule is asked for its score that has none"),
    ],
    "16.4": [
        (guesses_when_broken, "counts as a guess"),
        (forgets_none, "None stands where an array is needed"),
        (always_0, "score is 0 whatever the logits are"),
        (always_half, "is the same in all"),
        (dead_ends_the_count, "one training that died makes the whole score 0"),
        (with_hits("largest_is_finite", largest_is_finite), "-inf comes through"),
        (keeps_what_append_returns, "unsupported operand"),
        (cleans_in_place, "changed its input `answers`"),
        (first_run_alone, "the first run counts alone"),
    ],
}

RIGHT = {
    "16.1": [value_by_cases],
    "16.2": [cross_by_walking, cross_by_listing, crossing()],
    "16.3": [rules_by_counts, rules_in_pairs, evolving()],
    "16.4": [honest_by_loops, honest_by_margins],
}
