"""Lab 6: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import math
from itertools import pairwise

import torch

from neuroevo import ga

# 6.1 The paper's fitness


def errors(population, x, y):
    return population[..., :1] * x + population[..., 1:] - y


def sign_is_forgotten(population, x, y):
    return errors(population, x, y).square().mean(dim=-1)


def genes_without_a_dimension(population, x, y):
    return -(population[..., 0] * x + population[..., 1] - y).square().mean(dim=-1)


def genomes_for_lines(population, x, y):
    return -(y - population).square().mean(dim=-1)


def three_dimensions_only(population, x, y):
    return -(population[:, :, :1] * x + population[:, :, 1:] - y).square().mean(dim=-1)


def target_is_typed_in(population, x, y):
    return -errors(population, x, 2 * x + 3).square().mean(dim=-1)


def population_becomes_errors(population, x, y):
    population -= torch.tensor([2.0, 3.0])
    return -(population[..., :1] * x + population[..., 1:]).square().mean(dim=-1)


def numbers_leave_torch(population, x, y):
    return (-errors(population, x, y).square().mean(dim=-1)).numpy()


@torch.no_grad()
def slope_is_lost(population, x, y):
    return -errors(population, x, y).square().mean(dim=-1)


def fitness_by_a_matrix(population, x, y):
    """Right: the lines' values by a product with [x, 1]."""
    design = torch.stack([x, torch.ones_like(x)])
    gap = y - population @ design
    return -(gap * gap).sum(-1) / len(x)


# 6.2 One generation with an elite


def generation(
    *, elite=None, draw=None, share=None, noise=None, mutate=None, join=None, n_children=lambda n: n - 1, scored=None
):
    """One generation with a part replaced."""

    def next_generation(population, scores, fraction, scale, rng):
        scores = scored(scores) if scored else scores
        n = n_children(population.shape[1])
        best = elite(population, scores) if elite else ga.take(population, ga.truncation(scores, fraction)[:, :1])
        pick = draw or ga.from_best
        mothers = ga.take(population, pick(scores, n, rng, fraction))
        fathers = ga.take(population, pick(scores, n, rng, fraction))
        part = share(mothers.shape, rng) if share else ga.uniform(mothers.shape, rng)
        children = ga.cross(mothers, fathers, part)
        if mutate:
            mutate(children, scale, rng)
        else:
            children = children + (noise or normal)(children.shape, scale, rng)
        return join(best, children) if join else torch.cat([best, children], dim=1)

    return next_generation


def normal(shape, scale, rng):
    return scale * torch.randn(shape, generator=rng)


def anew(rng):
    return torch.Generator().manual_seed(rng.initial_seed())


def one_mother_for_all(population, scores, fraction, scale, rng):
    rows = ga.from_best(scores, 1, rng, fraction).expand(-1, population.shape[1] - 1)
    return _with_mothers(rows, population, scores, fraction, scale, rng)


def same_mothers_again(population, scores, fraction, scale, rng):
    rows = ga.from_best(scores, population.shape[1] - 1, torch.Generator().manual_seed(5), fraction)
    return _with_mothers(rows, population, scores, fraction, scale, rng)


def _with_mothers(rows, population, scores, fraction, scale, rng):
    fathers = ga.take(population, ga.from_best(scores, population.shape[1] - 1, rng, fraction))
    children = ga.cross(ga.take(population, rows), fathers, ga.uniform(fathers.shape, rng))
    elite = ga.take(population, ga.truncation(scores, fraction)[:, :1])
    return torch.cat([elite, children + normal(children.shape, scale, rng)], dim=1)


same_coins_in_all_runs = generation(share=lambda shape, rng: ga.uniform(shape[1:], rng).expand(shape))
same_coins_again = generation(share=lambda shape, rng: ga.uniform(shape, anew(rng)))
same_noise_again = generation(noise=lambda shape, scale, rng: normal(shape, scale, anew(rng)))
fitness_is_flipped = generation(scored=lambda scores: -scores)
elite_is_forgotten = generation(elite=lambda p, s: p[:, :0], n_children=lambda n: n)
elite_is_left_out = generation(join=lambda best, children: children)
elite_is_one_too_many = generation(n_children=lambda n: n)
parents_and_children = generation(elite=lambda p, s: p, n_children=lambda n: n)
elite_is_last = generation(join=lambda best, children: torch.cat([children, best], dim=1))
everybody_breeds = generation(draw=lambda s, n, rng, fraction: ga.from_best(s, n, rng, 1.0))
fraction_is_typed_in = generation(draw=lambda s, n, rng, fraction: ga.from_best(s, n, rng, 0.125))
half_of_them_breed = generation(draw=lambda s, n, rng, fraction: ga.from_best(s, n, rng, fraction / 2))
only_the_best_breed_often = generation(
    draw=lambda s, n, rng, fraction: ga.proportional(
        ga.truncation(s, fraction),
        torch.arange(ga.truncation(s, fraction).shape[1], 0, -1).expand(len(s), -1).double(),
        n,
        rng,
    )
)
positions_for_rows = generation(
    draw=lambda s, n, rng, fraction: torch.randint(ga.truncation(s, fraction).shape[1], (len(s), n), generator=rng)
)


def parents_of_any_run(population, scores, fraction, scale, rng):
    n_runs, n_genomes, _ = population.shape
    everyone, all_scores = population.reshape(1, -1, 2), scores.reshape(1, -1)
    elite = ga.take(population, ga.truncation(scores, fraction)[:, :1])
    rows = [ga.from_best(all_scores, n_runs * (n_genomes - 1), rng, fraction) for _ in range(2)]
    mothers, fathers = (ga.take(everyone, r).reshape(n_runs, n_genomes - 1, 2) for r in rows)
    children = ga.cross(mothers, fathers, ga.uniform(mothers.shape, rng))
    return torch.cat([elite, children + normal(children.shape, scale, rng)], dim=1)


same_dice_in_all_runs = generation(
    draw=lambda s, n, rng, fraction: ga.truncation(s, fraction)[
        :, torch.randint(ga.truncation(s, fraction).shape[1], (n,), generator=rng)
    ],
    share=lambda shape, rng: ga.uniform(shape[1:], rng).expand(shape),
)
one_pair_for_all = generation(draw=lambda s, n, rng, fraction: ga.from_best(s, 1, rng, fraction).expand(-1, n))
rows_of_run_zero = generation(draw=lambda s, n, rng, fraction: ga.from_best(s, n, rng, fraction)[:1].expand(len(s), -1))
target_is_the_elite = generation(elite=lambda p, s: torch.tensor([2.0, 3.0]).expand(len(p), 1, 2))
parents_are_averaged = generation(share=lambda shape, rng: torch.full(shape, 0.5))
one_coin_a_child = generation(share=lambda shape, rng: ga.uniform((*shape[:2], 1), rng).expand(shape))
one_coin_for_all_children = generation(share=lambda shape, rng: ga.uniform((shape[0], 1, 2), rng).expand(shape))
weight_from_mother_bias_from_father = generation(share=ga.one_point)


def coins_are_children(population, scores, fraction, scale, rng):
    coins = ga.uniform(population[:, 1:].shape, rng).float()
    elite = ga.take(population, ga.truncation(scores, fraction)[:, :1])
    return torch.cat([elite, coins + normal(coins.shape, scale, rng)], dim=1)


noise_without_scale = generation(noise=lambda shape, scale, rng: normal(shape, 0.1, rng))


def generation_is_rounded(population, scores, fraction, scale, rng):
    return generation()(population, scores, fraction, scale, rng).round(decimals=2)


def elite_is_mutated(population, scores, fraction, scale, rng):
    unmutated = generation(noise=lambda shape, scale, rng: 0)(population, scores, fraction, scale, rng)
    return unmutated + normal(unmutated.shape, scale, rng)


def parents_are_mutated_through_a_view(population, scores, fraction, scale, rng):
    survivors = population[:, : max(1, round(fraction * population.shape[1]))]
    survivors += normal(survivors.shape, scale, rng) + 1e-3
    return generation()(population, scores, fraction, scale, rng)


def parents_are_mutated_first(population, scores, fraction, scale, rng):
    mutated = population + normal(population.shape, scale, rng)
    elite = ga.take(population, ga.truncation(scores, fraction)[:, :1])
    return torch.cat([elite, generation(noise=lambda *_: 0)(mutated, scores, fraction, scale, rng)[:, 1:]], dim=1)


def mutation_returns_nothing(population, scores, fraction, scale, rng):
    children = generation(noise=lambda *_: 0)(population, scores, fraction, scale, rng)[:, 1:]
    children = ga.mutate_(children.contiguous(), 1.0, scale, rng)
    return torch.cat([population[:, :1], children], dim=1)


nobody_is_mutated = generation(noise=lambda shape, scale, rng: 0)
tenth_of_the_genes = generation(mutate=lambda children, scale, rng: ga.mutate_(children, 0.1, scale, rng))
same_noise_in_both_genes = generation(noise=lambda shape, scale, rng: normal((*shape[:2], 1), scale, rng))
same_noise_in_all_runs = generation(noise=lambda shape, scale, rng: normal(shape[1:], scale, rng))
same_noise_in_all_children = generation(noise=lambda shape, scale, rng: normal((shape[0], 1, 2), scale, rng))
noise_from_rand = generation(noise=lambda shape, scale, rng: scale * torch.rand(shape, generator=rng))
own_randomness = generation(noise=lambda shape, scale, rng: scale * torch.randn(shape))


def seed_inside(population, scores, fraction, scale, rng):
    return generation()(population, scores, fraction, scale, torch.Generator().manual_seed(0))


def list_of_two(population, scores, fraction, scale, rng):
    bred = generation()(population, scores, fraction, scale, rng)
    return [bred[:, :1], bred[:, 1:]]


def nothing_is_bred(population, scores, fraction, scale, rng):
    generation()(population, scores, fraction, scale, rng)
    return population.clone()


the_third_last_breeds_alone = generation(
    draw=lambda s, n, rng, fraction: s.argsort(dim=1, descending=True)[:, [-3] * n]
)
two_breed_at_least = generation(draw=lambda s, n, rng, fraction: ga.from_best(s, n, rng, max(fraction, 2 / s.shape[1])))


def mothers_in_the_rows_of_run_zero(population, scores, fraction, scale, rng):
    rows = ga.from_best(scores, population.shape[1] - 1, rng, fraction)[:1].expand(len(scores), -1)
    return _with_mothers(rows, population, scores, fraction, scale, rng)


def two_elites(population, scores, fraction, scale, rng):
    elite = ga.take(population, ga.truncation(scores, 1.0)[:, :2])
    return torch.cat([elite, generation()(population, scores, fraction, scale, rng)[:, 2:]], dim=1)


first_row_is_the_elite = generation(elite=lambda p, s: p[:, :1])
parents_are_blended = generation(share=lambda shape, rng: torch.rand(shape, generator=rng))


def genes_are_swapped(population, scores, fraction, scale, rng):
    return generation()(population, scores, fraction, scale, rng).flip(-1)


same_mothers_in_all_runs = generation(
    draw=lambda s, n, rng, fraction: ga.truncation(s, fraction)[
        :, torch.randint(ga.truncation(s, fraction).shape[1], (n,), generator=rng)
    ]
)


def generation_by_the_package(population, scores, fraction, scale, rng):
    """Right: one tell of ga.GA."""
    algorithm = ga.GA(
        population,
        select=lambda fitness, n_draws, rng: ga.from_best(fitness, n_draws, rng, fraction),
        crossover=ga.uniform,
        mutate=lambda children, rng: ga.mutate_(children, 1.0, scale, rng),
        rng=rng,
    )
    algorithm.tell(scores)
    return algorithm.ask()


def generation_by_loops(population, scores, fraction, scale, rng):
    """Right: run by run and child by child, with a father who is never the mother where there are two."""
    n_genomes, bred = population.shape[1], []
    n_best = max(1, round(fraction * n_genomes))
    coins = torch.rand(*population.shape, generator=rng) < 0.5
    noise = scale * torch.randn(population.shape, generator=rng)
    for run, order in enumerate(scores.argsort(dim=1, descending=True).tolist()):
        family = [population[run, order[0]]]
        for child in range(1, n_genomes):
            mother, father = torch.randperm(max(2, n_best), generator=rng)[:2].clamp(max=n_best - 1).tolist()
            genes = torch.where(coins[run, child], population[run, order[mother]], population[run, order[father]])
            family.append(genes + noise[run, child])
        bred.append(torch.stack(family))
    return torch.stack(bred)


# 6.3 The three curves


def curves(*, row=lambda scores: scores.argmax(dim=1), after=lambda best, champions: (best, champions)):
    """The curves with a part replaced."""

    def three_curves(population, score, breed, n_generations):
        best, champions = [], []
        for _ in range(n_generations):
            scores = score(population)
            best.append(scores[torch.arange(len(scores)), row(scores)])
            champions.append(population[torch.arange(len(scores)), row(scores)])
            population = breed(population, scores)
        return after(torch.stack(best, dim=1), torch.stack(champions, dim=1))

    return three_curves


worst_is_shown = curves(row=lambda scores: scores.argmin(dim=1))
genes_change_places = curves(after=lambda best, champions: (best, champions.flip(-1)))
error_is_shown = curves(after=lambda best, champions: (-best, champions))
thirty_is_typed_in = curves(after=lambda best, champions: (best[:, :1].expand(-1, 30), champions))
best_alone = curves(after=lambda best, champions: best)


def offspring_are_not_scored(population, score, breed, n_generations):
    scores = score(population)
    best, champions = [], []
    for _ in range(n_generations):
        best.append(scores.max(dim=1).values)
        champions.append(ga.take(population, scores.argmax(dim=1, keepdim=True)))
        population = breed(population, scores)
    return torch.stack(best, dim=1), torch.cat(champions, dim=1)


def last_generation_is_missing(population, score, breed, n_generations):
    return curves()(population, score, breed, n_generations - 1)


def breed_gets_the_champions(population, score, breed, n_generations):
    for _ in range(n_generations):
        scores = score(population)
        population = breed(population, scores.max(dim=1).values)
    return scores, population


def champions_of_all_runs_in_every_run(population, score, breed, n_generations):
    champions = []
    for _ in range(n_generations):
        scores = score(population)
        champions.append(population[:, scores.argmax(dim=1)])
        population = breed(population, scores)
    return torch.zeros(len(population), n_generations), torch.stack(champions, dim=1)


def first_generation_is_changed(population, score, breed, n_generations):
    found = curves()(population, score, breed, n_generations)
    population.copy_(breed(population, score(population)))
    return found


def curves_into_a_table(population, score, breed, n_generations):
    """Right: written into tensors made beforehand, and bred one time less."""
    best = torch.empty(len(population), n_generations)
    champions = torch.empty(len(population), n_generations, 2)
    for generation in range(n_generations):
        scores = score(population)
        for run, row in enumerate(scores.max(dim=1).indices.tolist()):
            best[run, generation] = scores[run, row]
            champions[run, generation] = population[run, row]
        if generation < n_generations - 1:
            population = breed(population, scores)
    return best, champions


# 6.4 Switch off one part at a time


def ablation(
    *,
    settings=lambda off, name: off.get(name, {}),
    jump=lambda m, size: m > size,
    names=lambda off: ["all on", *off],
    after=lambda table: table,
):
    """An ablation with a part replaced."""

    def table(evolve, off, size):
        moves = {name: evolve(**settings(off, name)).diff(dim=1).abs().amax(dim=2) for name in names(off)}
        counts = {name: (jump(m, size).sum(dim=1), (m == 0).sum(dim=1)) for name, m in moves.items()}
        return after({name: tuple(count.float().mean().item() for count in pair) for name, pair in counts.items()})

    return table


nothing_is_switched_off = ablation(settings=lambda off, name: {})
all_on_is_missing = ablation(names=list)
jumps_alone = ablation(after=lambda table: {name: pair[0] for name, pair in table.items()})
list_of_pairs = ablation(after=lambda table: list(table.values()))
example_is_typed_in = ablation(jump=lambda m, size: m > 0.5)


def settings_are_typed_in(evolve, off, size):
    parts = {"no crossover": {"crossover": None}, "no mutation": {"scale": 0.0}, "no elite": {"n_elites": 0}}
    return ablation()(evolve, parts, size)


def settings_in_one_piece(evolve, off, size):
    return {name: evolve(settings) for name, settings in {"all on": {}, **off}.items()}


def variants_are_written_into_off(evolve, off, size):
    off["all on"] = {}
    return ablation(names=list)(evolve, off, size)


def variants_run_twice(evolve, off, size):
    jumps = {name: evolve(**settings).diff(dim=1).abs().amax(dim=2) for name, settings in {"all on": {}, **off}.items()}
    flat = {name: evolve(**settings).diff(dim=1).abs().amax(dim=2) for name, settings in {"all on": {}, **off}.items()}
    return {
        name: ((jumps[name] > size).sum(dim=1).float().mean(), (flat[name] == 0).sum(dim=1).float().mean())
        for name in jumps
    }


def sum_of_the_jumps(evolve, off, size):
    n_runs = len(evolve())
    return {name: (n_runs * a, b) for name, (a, b) in ablation()(evolve, off, size).items()}


def ablation_by_loops(evolve, off, size):
    """Right: run by run, move by move, with "all on" last."""
    table = {}
    for name in [*off, "all on"]:
        champions = evolve(**off[name]).tolist() if name in off else evolve().tolist()
        jumps = flat = 0
        for run in champions:
            for (w, b), (new_w, new_b) in pairwise(run):
                move = max(abs(new_w - w), abs(new_b - b))
                jumps += move > size
                flat += move == 0
        table[name] = [jumps / len(champions), flat / len(champions)]
    return table


# 6.5 The same number of scorings


def baselines(
    *,
    n_steps=lambda budget, price: budget // price,
    whole=lambda mse: mse.log().mean().exp().item(),
    answer=lambda path, n: path[:, -1],
    after=lambda table: table,
):
    """A table of baselines with a part replaced."""

    def table(methods, prices, budget, x, y):
        found = {}
        for name, method in methods.items():
            n = n_steps(budget, prices[name])
            found[name] = (n, whole(errors(answer(method(n), n), x, y).square().mean(dim=-1)))
        return after(found)

    return table


def first_methods_kept(methods, prices, budget, x, y, seen=[]):  # noqa: B006 - that is the mistake
    seen.append(methods)
    return baselines()(seen[0], prices, budget, x, y)


prices_are_ignored = baselines(n_steps=lambda budget, price: budget)
steps_are_fractions = baselines(n_steps=lambda budget, price: budget / price)
one_line_before = baselines(answer=lambda path, n: path[:, n - 1])
one_line_behind = baselines(answer=lambda path, n: path[:, n])
first_run_alone = baselines(whole=lambda mse: mse[0].item())
last_run_left_out = baselines(whole=lambda mse: mse[:-1].log().mean().exp().item())
first_run_left_out = baselines(answer=lambda path, n: path[1:, -1])
last_run_left_out_of_the_sum = baselines(whole=lambda mse: (mse[:-1].log().sum() / len(mse)).exp().item())
mean_of_the_first_half = baselines(whole=lambda mse: mse[: len(mse) // 2].log().mean().exp().item())
product_of_errors = baselines(whole=lambda mse: mse.prod().item() ** (1 / len(mse)))
fitness_under_the_logarithm = baselines(whole=lambda mse: (-mse).log().mean().exp().item())
errors_alone = baselines(after=lambda table: {name: pair[1] for name, pair in table.items()})
rows_without_names = baselines(after=lambda table: list(table.values()))


def price_divides_too_late(methods, prices, budget, x, y):
    found = {}
    for name, price in prices.items():
        n = next(n for n in range(budget * price + 1) if (n + 1) / price > budget)
        mse = errors(methods[name](n)[:, -1], x, y).square().mean(dim=-1).tolist()
        found[name] = (n, math.exp(sum(math.log(error) for error in mse) / len(mse)))
    return found


def methods_run_twice(methods, prices, budget, x, y):
    n_steps = {name: len(methods[name](budget // prices[name])[0]) for name in methods}
    return {
        name: (n, pair[1])
        for (name, n), pair in zip(n_steps.items(), baselines()(methods, prices, budget, x, y).values(), strict=True)
    }


def first_method_only(methods, prices, budget, x, y):
    for name, method in methods.items():
        return {name: (budget // prices[name], errors(method(1)[:, -1], x, y).square().mean().item())}


def table_of_plain_numbers(methods, prices, budget, x, y):
    """Right: on plain numbers."""
    table = {}
    for name in prices:
        n_steps = 0
        while (n_steps + 1) * prices[name] <= budget:
            n_steps += 1
        answers = methods[name](n_steps)[:, -1].tolist()
        mse = [
            sum((w * a + b - c) ** 2 for a, c in zip(x.tolist(), y.tolist(), strict=True)) / len(x) for w, b in answers
        ]
        table[name] = [n_steps, math.exp(sum(math.log(error) for error in mse) / len(mse))]
    return table


def ablation_with(step_of, finish=float):
    """`ablation` with other moves, or other numbers at the end."""

    def ablated(evolve, off, size):
        table = {}
        for name, settings in {"all on": {}, **off}.items():
            step = step_of(evolve(**settings).diff(dim=1).abs())
            counts = (step > size).sum(dim=1), (step == 0).sum(dim=1)
            table[name] = tuple(finish(count.float().mean().item()) for count in counts)
        return table

    return ablated


rounded_counts = ablation_with(lambda change: change.amax(dim=2), lambda mean: round(mean, 1))
sums_of_changes = ablation_with(lambda change: change.sum(dim=2))


def exchanged_baselines(methods, prices, budget, x, y):
    return {name: two[::-1] for name, two in table_of_plain_numbers(methods, prices, budget, x, y).items()}


WRONG = {
    "6.1": [
        (sign_is_forgotten, "your fitness is the error itself"),
        (genes_without_a_dimension, "at non-singleton dimension 1). Does y meet"),
        (genomes_for_lines, "at non-singleton dimension 2). Does y meet"),
        (three_dimensions_only, "stops for a single run"),
        (target_is_typed_in, "fits the example but not other inputs"),
        (population_becomes_errors, "changed its input `population` in place"),
        (numbers_leave_torch, "and not of type ndarray"),
        (slope_is_lost, "nobody can descend along your fitness"),
    ],
    "6.2": [
        (one_mother_for_all, "one genome gives 63 %"),
        (same_mothers_again, "chooses the same mothers"),
        (same_coins_in_all_runs, "all runs throw the same coins"),
        (same_coins_again, "throws the same coins again"),
        (same_noise_again, "gives the same noise again"),
        (fitness_is_flipped, "*worst* genomes of each run"),
        (elite_is_forgotten, "In 29 of 200 runs it is"),
        (elite_is_left_out, "which is one too few"),
        (elite_is_one_too_many, "which has one too many?"),
        (parents_and_children, "As many genomes come out as go in"),
        (elite_is_last, "your elite stands in row 15"),
        (everybody_breeds, "come from the best 16 (75 % of"),
        (fraction_is_typed_in, "come from the best 2. With fraction = 0.5 they do, too"),
        (half_of_them_breed, "come from the best 2. `ga.truncation`"),
        (only_the_best_breed_often, "Draw parents evenly"),
        (positions_for_rows, "positions in a list of survivors"),
        (parents_of_any_run, "genes of another run"),
        (same_dice_in_all_runs, "all runs throw the same dice"),
        (one_pair_for_all, "have two parents at most"),
        (parents_are_averaged, "lie halfway between two"),
        (coins_are_children, "do the coins themselves stand there"),
        (one_coin_a_child, "one coin thrown for both genes"),
        (one_coin_for_all_children, "are the coins thrown once for all"),
        (weight_from_mother_bias_from_father, "Does W come from the one parent"),
        (noise_without_scale, "Is there noise that isn't multiplied by `scale`"),
        (elite_is_mutated, "is it mutated with the children?"),
        (generation_is_rounded, "is rounded to 2 decimals"),
        (parents_are_mutated_through_a_view, "changed its input `population` in place"),
        (parents_are_mutated_first, "brothers and sisters carry the same noise"),
        (mutation_returns_nothing, "without a name and = before it"),
        (rows_of_run_zero, "100 % of your children's genes come from the rows that are best in run 0"),
        (target_is_the_elite, "some genes in row 0 are nobody's"),
        (nobody_is_mutated, "no child is mutated"),
        (tenth_of_the_genes, "only 10 % of the children's genes"),
        (same_noise_in_both_genes, "W and b get the same noise"),
        (same_noise_in_all_runs, "all runs get the same noise"),
        (same_noise_in_all_children, "all children get the same noise"),
        (noise_from_rand, "your noise has a mean of"),
        (own_randomness, "every random number must come from `rng`"),
        (seed_inside, "another seed gives the same noise"),
        (list_of_two, "should be one tensor"),
        (nothing_is_bred, "as it was, row by row"),
        (the_third_last_breeds_alone, "from one genome alone, in run 0 from number 14 of 16"),
        (two_breed_at_least, "what if there is a single one?"),
        (mothers_in_the_rows_of_run_zero, "63 % of your children's genes"),
        (two_elites, "row 1 of your next generation comes, in every run, from number 2"),
        (first_row_is_the_elite, "Yours is row 0 of `population` in every run"),
        (parents_are_blended, "it is no noise: what comes from mother and father is mixed"),
        (genes_are_swapped, "W and b have changed places"),
        (same_mothers_in_all_runs, "are not drawn for each run"),
    ],
    "6.3": [
        (worst_is_shown, "you write down the worst genome"),
        (last_generation_is_missing, "a list that you join stays empty"),
        (genes_change_places, "champions holds the right values, but in another order"),
        (error_is_shown, "best has the wrong sign"),
        (thirty_is_typed_in, "best should be an array of shape"),
        (best_alone, "should return 2 values"),
        (offspring_are_not_scored, "scores that don't belong to the population"),
        (breed_gets_the_champions, "the scores of all its genomes"),
        (champions_of_all_runs_in_every_run, "champions should have three dimensions"),
        (first_generation_is_changed, "changed its input `population` in place"),
    ],
    "6.4": [
        (nothing_is_switched_off, "every variant has the numbers of the whole"),
        (all_on_is_missing, "it returned names ['still']"),
        (settings_are_typed_in, "it returned names ['all on', 'no crossover'"),
        (example_is_typed_in, "table doesn't change when `size` does"),
        (list_of_pairs, "it returned list"),
        (jumps_alone, "Yours has for 'all on': 1.0"),
        (settings_in_one_piece, "by two stars"),
        (variants_are_written_into_off, "changed its input `off` in place"),
        (variants_run_twice, "ran 4 times for two variants"),
        (rounded_counts, "table is rounded to 1 decimals"),
        (sums_of_changes, "your moves are sums of the two changes"),
        (sum_of_the_jumps, "jumps is of all runs together"),
    ],
    "6.5": [
        (prices_are_ignored, "every method gets `budget` steps"),
        (first_methods_kept, "`seen` keeps something of an earlier call"),
        (first_run_alone, "you return the first run alone"),
        (last_run_left_out, "the last run is left out of the mean"),
        (first_run_left_out, "the first run is left out of the mean"),
        (last_run_left_out_of_the_sum, "leaves out the last run, which is counted where you divide"),
        (mean_of_the_first_half, "error of 'a' is"),
        (one_line_before, "you score line number n_steps of the path"),
        (one_line_behind, "a path is shorter than your index asks for"),
        (methods_run_twice, "is called a second time"),
        (steps_are_fractions, "a method takes whole steps"),
        (fitness_under_the_logarithm, "a logarithm or a root taken of a negative number"),
        (product_of_errors, "too small for a float"),
        (exchanged_baselines, "n_steps comes first, then the error"),
        (errors_alone, "Yours has for 'a': 0.25"),
        (rows_without_names, "it returned list"),
        (first_method_only, "it returned names ['a']"),
        (price_divides_too_late, "method 'a' is asked for 65 steps, where a budget of 13 pays 2"),
    ],
}

RIGHT = {
    "6.1": [fitness_by_a_matrix],
    "6.2": [generation_by_the_package, generation_by_loops],
    "6.3": [curves_into_a_table],
    "6.4": [ablation_by_loops],
    "6.5": [table_of_plain_numbers],
}
