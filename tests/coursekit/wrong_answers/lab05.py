"""Lab 5: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from neuroevo import ga, nets

NET = nets.MLP((2, 3, 1), "sigmoid")


# 5.1 A first generation


def one_genome_for_all(n_runs, n_genomes, n_params, std, rng):
    return std * torch.randn(n_runs, 1, n_params, generator=rng).repeat(1, n_genomes, 1)


def one_run_for_all(n_runs, n_genomes, n_params, std, rng):
    return std * torch.randn(n_genomes, n_params, generator=rng).repeat(n_runs, 1, 1)


def only_positive(n_runs, n_genomes, n_params, std, rng):
    return std * torch.rand(n_runs, n_genomes, n_params, generator=rng) * 12**0.5


def std_is_ignored(n_runs, n_genomes, n_params, std, rng):
    return torch.randn(n_runs, n_genomes, n_params, generator=rng)


def std_is_a_variance(n_runs, n_genomes, n_params, std, rng):
    return std**0.5 * torch.randn(n_runs, n_genomes, n_params, generator=rng)


def evenly_between_plus_and_minus(n_runs, n_genomes, n_params, std, rng):
    return std * (2 * torch.rand(n_runs, n_genomes, n_params, generator=rng) - 1)


def twice_the_std(n_runs, n_genomes, n_params, std, rng):
    return 2 * std * torch.randn(n_runs, n_genomes, n_params, generator=rng)


def one_number_for_a_genome(n_runs, n_genomes, n_params, std, rng):
    return std * torch.randn(n_runs, n_genomes, 1, generator=rng).repeat(1, 1, n_params)


def nothing_is_drawn(n_runs, n_genomes, n_params, std, rng):
    return torch.zeros(n_runs, n_genomes, n_params)


def runs_come_last(n_runs, n_genomes, n_params, std, rng):
    return std * torch.randn(n_genomes, n_params, n_runs, generator=rng)


def a_list_of_runs(n_runs, n_genomes, n_params, std, rng):
    return [std * torch.randn(n_genomes, n_params, generator=rng) for _ in range(n_runs)]


def rng_is_forgotten(n_runs, n_genomes, n_params, std, rng):
    return std * torch.randn(n_runs, n_genomes, n_params)


def seeded_inside(n_runs, n_genomes, n_params, std, rng):
    return std * torch.randn(n_runs, n_genomes, n_params, generator=torch.Generator().manual_seed(0))


def networks_one_by_one(n_runs, n_genomes, n_params, std, rng):
    """Right."""
    rows = [torch.empty(n_params).normal_(0, std, generator=rng) for _ in range(n_runs * n_genomes)]
    return torch.stack(rows).reshape(n_runs, n_genomes, n_params)


# 5.2 Fitness


def logits(population, x):
    return NET.forward(population.flatten(0, 1), x)[..., 0].unflatten(0, population.shape[:2])


def rows_of_loss(population, x, y):
    return softplus((1 - 2 * y) * logits(population, x))


def loss_not_fitness(population, x, y):
    return rows_of_loss(population, x, y).mean(-1)


def logarithm_of_the_sigmoid(population, x, y):
    p = torch.sigmoid(logits(population, x))
    return (y * p.log() + (1 - y) * (1 - p).log()).mean(-1)


def loss_of_the_library(population, x, y):
    """Right: PyTorch's own cross-entropy."""
    z = logits(population, x)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y.expand_as(z), reduction="none")
    return -loss.mean(-1)


def example_is_typed_in(population, x, y):
    return torch.tensor([[-0.693147, -0.562335]])


def numbers_in_lists(population, x, y):
    return loss_of_the_library(population, x, y).tolist()


def weights_are_clipped_in_place(population, x, y):
    population.clamp_(-1, 1)
    return -rows_of_loss(population, x, y).mean(-1)


def tensors_in_a_list(population, x, y):
    return list(loss_of_the_library(population, x, y))


def fitness_one_by_one(population, x, y):
    """Right: network by network, with torch's own loss."""
    return torch.stack(
        [
            torch.stack([-binary_cross_entropy_with_logits(NET.forward(row[None], x)[0, :, 0], y) for row in run])
            for run in population
        ]
    )


# 5.3 Selection


def tournament(fitness, n_draws, rng, size, pick=torch.argmax, look_up=True, replacement=False):
    n_runs, n_genomes = fitness.shape
    if replacement:
        entrants = torch.randint(n_genomes, (n_runs, n_draws, size), generator=rng)
    else:
        entrants = torch.rand(n_runs, n_draws, n_genomes, generator=rng).argsort(-1)[..., :size]
    winner = pick(fitness.unsqueeze(1).take_along_dim(entrants, -1), dim=-1, keepdim=True)
    return entrants.take_along_dim(winner, -1)[..., 0] if look_up else winner[..., 0]


def worst_entrant_wins(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, size, pick=torch.argmin)


def entrants_with_replacement(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, size, replacement=True)


def always_the_best_or_second(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, fitness.shape[1] if size > 2 else size)


def truncation_instead(fitness, n_draws, rng, size):
    best = fitness.argsort(-1, descending=True)[:, :size]
    return best.take_along_dim(torch.randint(size, (len(fitness), n_draws), generator=rng), -1)


def place_among_the_entrants(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, size, look_up=False)


def no_selection(fitness, n_draws, rng, size):
    return torch.randint(fitness.shape[1], (len(fitness), n_draws), generator=rng)


def always_two_entrants(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, 2)


def always_three_entrants(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, 3)


def rows_count_down(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, size) - 1


def row_0_wins(fitness, n_draws, rng, size):
    return torch.zeros(len(fitness), n_draws, dtype=torch.long)


def rows_are_floats(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, size).float()


def one_more_entrant(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, size + 1 if size < fitness.shape[1] else size)


def one_deck_a_run(fitness, n_draws, rng, size):
    decks = torch.rand(len(fitness), 1, fitness.shape[1], generator=rng).expand(-1, n_draws, -1)
    entrants = decks.argsort(-1)[..., :size]
    winner = fitness.unsqueeze(1).take_along_dim(entrants, -1).argmax(-1, keepdim=True)
    return entrants.take_along_dim(winner, -1)[..., 0]


def always_the_best(fitness, n_draws, rng, size):
    return fitness.argmax(-1, keepdim=True).repeat(1, n_draws)


def fitness_of_the_first_run(fitness, n_draws, rng, size):
    return tournament(fitness[:1].expand_as(fitness), n_draws, rng, size)


def same_tournaments_in_every_run(fitness, n_draws, rng, size):
    entrants = torch.rand(1, n_draws, fitness.shape[1], generator=rng).argsort(-1)[..., :size]
    entrants = entrants.expand(len(fitness), -1, -1)
    winner = fitness.unsqueeze(1).take_along_dim(entrants, -1).argmax(-1, keepdim=True)
    return entrants.take_along_dim(winner, -1)[..., 0]


def nobody_wins_twice(fitness, n_draws, rng, size):
    n_genomes = fitness.shape[1]
    return torch.rand(len(fitness), max(n_draws, n_genomes), generator=rng).argsort(-1)[:, :n_draws] % n_genomes


def fitness_is_returned(fitness, n_draws, rng, size):
    return fitness.take_along_dim(tournament(fitness, n_draws, rng, size), -1)


def one_run_of_winners(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, rng, size)[0]


def selection_by_torchs_own_chance(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, None, size)


def selection_seeded_inside(fitness, n_draws, rng, size):
    return tournament(fitness, n_draws, torch.Generator().manual_seed(1), size)


def best_in_proportion(fitness, n_draws, rng, size):
    rank = fitness.argsort(-1).argsort(-1) + 1.0
    return torch.multinomial(rank, n_draws, replacement=True, generator=rng)


def tournaments_in_a_loop(fitness, n_draws, rng, size):
    """Right: entrants from a shuffled deck, the best by its rank."""
    chosen = []
    for run in fitness:
        best_first = run.argsort(descending=True)
        ranks = torch.multinomial(torch.ones(n_draws, len(run)), size, replacement=False, generator=rng)
        chosen.append(best_first[ranks.min(1).values])
    return torch.stack(chosen)


# 5.4 Crossover


def coins(mothers, blocks, rng):
    return torch.rand(*mothers.shape[:2], int(blocks.max()) + 1, generator=rng) < 0.5


def coin_for_each_gene(mothers, fathers, blocks, rng):
    return torch.where(torch.rand(mothers.shape, generator=rng) < 0.5, mothers, fathers)


def generator_begins_anew(mothers, fathers, blocks, rng):
    seed, children = int(torch.randint(1000, (1,), generator=rng)), fathers.clone()
    for block in blocks.unique():
        tossed = torch.randint(2, mothers.shape[:2], generator=torch.Generator().manual_seed(seed)).bool()
        children = torch.where(tossed[..., None] & (blocks == block), mothers, children)
    return children


def coins_overwrite_the_whole_child(mothers, fathers, blocks, rng):
    children = fathers.clone()
    for _ in blocks.unique():
        tossed = torch.randint(2, mothers.shape[:2], generator=rng).bool()
        children = torch.where(tossed[..., None], mothers, children)
    return children


def coin_for_each_run(mothers, fathers, blocks, rng):
    tossed = torch.rand(len(mothers), 1, int(blocks.max()) + 1, generator=rng) < 0.5
    return torch.where(tossed[..., blocks], mothers, fathers)


def last_block_has_no_coin(mothers, fathers, blocks, rng):
    return torch.where(coins(mothers, blocks, rng)[..., blocks] & (blocks < blocks.max()), mothers, fathers)


def same_coins_for_all(mothers, fathers, blocks, rng):
    return torch.where(coins(mothers[:1, :1], blocks, rng)[..., blocks], mothers, fathers)


def same_coins_for_all_runs(mothers, fathers, blocks, rng):
    return torch.where(coins(mothers[:1], blocks, rng)[..., blocks], mothers, fathers)


def always_the_mother(mothers, fathers, blocks, rng):
    return mothers.clone()


def written_into_the_mothers(mothers, fathers, blocks, rng):
    children = mothers
    from_father = coins(mothers, blocks, rng)[..., blocks]
    children[from_father] = fathers[from_father]
    return children


def averages(mothers, fathers, blocks, rng):
    return (mothers + fathers) / 2


def parents_plus_parents(mothers, fathers, blocks, rng):
    return mothers + fathers


def father_is_forgotten(mothers, fathers, blocks, rng):
    return mothers * coins(mothers, blocks, rng)[..., blocks]


def fathers_from_the_next_row(mothers, fathers, blocks, rng):
    return torch.where(coins(mothers, blocks, rng)[..., blocks], mothers, fathers.roll(1, 1))


def one_coin_too_few(mothers, fathers, blocks, rng):
    tossed = torch.rand(*mothers.shape[:2], int(blocks.max()), generator=rng) < 0.5
    return torch.where(tossed[..., blocks], mothers, fathers)


def mother_nine_times_of_ten(mothers, fathers, blocks, rng):
    tossed = torch.rand(*mothers.shape[:2], int(blocks.max()) + 1, generator=rng) < 0.9
    return torch.where(tossed[..., blocks], mothers, fathers)


def every_other_block(mothers, fathers, blocks, rng):
    tossed = torch.rand(*mothers.shape[:2], 1, generator=rng) < 0.5
    return torch.where(tossed == (blocks % 2 == 0), mothers, fathers)


def crossover_by_torchs_own_chance(mothers, fathers, blocks, rng):
    return torch.where(coins(mothers, blocks, None)[..., blocks], mothers, fathers)


def mother_is_forgotten(mothers, fathers, blocks, rng):
    return fathers * coins(mothers, blocks, rng)[..., blocks]


def nothing_is_inherited(mothers, fathers, blocks, rng):
    return torch.zeros_like(mothers)


def only_the_shares(mothers, fathers, blocks, rng):
    return coins(mothers, blocks, rng)[..., blocks].float()


def children_block_by_block(mothers, fathers, blocks, rng):
    """Right: a copy of the fathers, and the mothers' blocks written over it."""
    children = fathers.clone()
    for block in blocks.unique():
        tossed = torch.randint(2, mothers.shape[:2], generator=rng).bool()
        children = torch.where(tossed[..., None] & (blocks == block), mothers, children)
    return children


# 5.5 Mutation


def mutation(children, rate, scale, rng, shape=None, noise=torch.randn):
    hit = torch.rand(shape or children.shape, generator=rng) < rate
    return hit * scale * noise(children.shape, generator=rng)


def returns_a_copy(children, rate, scale, rng):
    children = children + mutation(children, rate, scale, rng)
    return children


def forgets_to_return_the_copy(children, rate, scale, rng):
    children = children + mutation(children, rate, scale, rng)


def whole_children_are_hit(children, rate, scale, rng):
    children += mutation(children, rate, scale, rng, shape=(*children.shape[:2], 1))


def same_genes_are_hit(children, rate, scale, rng):
    children += mutation(children, rate, scale, rng, shape=(children.shape[-1],))


def mask_is_inverted(children, rate, scale, rng):
    children += mutation(children, 1 - rate, scale, rng)


def everything_is_hit(children, rate, scale, rng):
    children += scale * torch.randn(children.shape, generator=rng)


def scale_is_a_variance(children, rate, scale, rng):
    children += mutation(children, rate, scale**0.5, rng)


def scale_is_ignored(children, rate, scale, rng):
    children += mutation(children, rate, 1, rng)


def same_hits_in_all_runs(children, rate, scale, rng):
    hit = torch.rand(children.shape[1:], generator=rng) < rate
    children += hit * scale * torch.randn(children.shape, generator=rng)


def same_sizes_in_all_runs(children, rate, scale, rng):
    hit = torch.rand(children.shape, generator=rng) < rate
    children += hit * scale * torch.randn(children.shape[1:], generator=rng)


def hits_come_again(children, rate, scale, rng):
    hit = torch.rand(children.shape, generator=torch.Generator().manual_seed(rng.initial_seed() + 1)) < rate
    children += hit * scale * torch.randn(children.shape, generator=rng)


def noise_is_positive(children, rate, scale, rng):
    children += mutation(children, rate, scale * 12**0.5, rng, noise=torch.rand)


def noise_is_uniform(children, rate, scale, rng):
    children += mutation(children, rate, scale * 12**0.5, rng, noise=lambda *a, **k: torch.rand(*a, **k) - 0.5)


def genes_are_replaced(children, rate, scale, rng):
    noise = mutation(children, rate, scale, rng)
    children[noise != 0] = noise[noise != 0]


def genes_are_multiplied(children, rate, scale, rng):
    children *= 1 + mutation(children, rate, scale, rng)


def hit_genes_are_cleared(children, rate, scale, rng):
    children[torch.rand(children.shape, generator=rng) < rate] = 0


def noise_is_one_number(children, rate, scale, rng):
    children += (torch.rand(children.shape, generator=rng) < rate) * scale


def rate_0_hits_some(children, rate, scale, rng):
    children += mutation(children, max(rate, 0.01), scale, rng)


def one_number_for_a_child(children, rate, scale, rng):
    hit = torch.rand(children.shape, generator=rng) < rate
    children += hit * scale * torch.randn(*children.shape[:2], 1, generator=rng)


def mutation_by_torchs_own_chance(children, rate, scale, rng):
    children += mutation(children, rate, scale, None)


def mutation_seeded_inside(children, rate, scale, rng):
    children += mutation(children, rate, scale, torch.Generator().manual_seed(1))


def mutating(hit=lambda u, rate: u < rate, noise=torch.randn, of=lambda shape: shape, coins=lambda shape: shape):
    """A mutation with its coins, its noise, or the shape of either replaced."""

    def mutate_(children, rate, scale, rng):
        tossed = hit(torch.rand(coins(children.shape), generator=rng), rate)
        children += tossed * scale * noise(of(children.shape), generator=rng)

    return mutate_


noise_is_0 = mutating(noise=lambda shape, generator: torch.zeros(shape))
noise_is_drawn_once = mutating(of=lambda shape: (1,))
noise_of_a_child = mutating(of=lambda shape: (shape[0], 1, shape[2]))
noise_of_signs = mutating(noise=lambda shape, generator: torch.randn(shape, generator=generator).sign())
coin_is_fair = mutating(hit=lambda u, rate: u < 0.5)
coin_of_half_the_rate = mutating(hit=lambda u, rate: u < rate / 2)
two_coins = mutating(hit=lambda u, rate: u < rate * rate)
coin_is_no_chance = mutating(hit=lambda u, rate: (rate == 1) * torch.ones_like(u))
one_coin_for_all = mutating(coins=lambda shape: (1,))
one_coin_a_run = mutating(coins=lambda shape: (shape[0], 1, 1))


def coins_are_normal(children, rate, scale, rng):
    hit = torch.randn(children.shape, generator=rng) < rate
    children += hit * scale * torch.randn(children.shape, generator=rng)


def coin_of_another_shape_of_rate(children, rate, scale, rng):
    hit = torch.randn(children.shape, generator=rng).abs() < rate
    children += hit * scale * torch.randn(children.shape, generator=rng)


def rate_and_scale_are_swapped(children, rate, scale, rng):
    children += mutation(children, scale, rate, rng)


def exactly_so_many_are_hit(children, rate, scale, rng):
    places = torch.randperm(children.numel(), generator=rng)[: int(rate * children.numel())]
    children.view(-1)[places] += scale * torch.randn(len(places), generator=rng)


def first_child_is_spared(children, rate, scale, rng):
    children[:, 1:] += mutation(children[:, 1:], rate, scale, rng)


def scale_divides(children, rate, scale, rng):
    children += mutation(children, rate, 1 / scale if scale else 0, rng)


def mutation_at_positions(children, rate, scale, rng):
    """Right: noise only where it is needed, and the tensor is returned too."""
    hit = torch.bernoulli(torch.full(children.shape, float(rate)), generator=rng).bool()
    children[hit] += torch.empty(int(hit.sum())).normal_(0, 1, generator=rng) * scale
    return children


# 5.6 A test that finds broken operators


def everything_passes(breed, rng):
    return True


def nothing_passes(breed, rng):
    return False


def number_of_faults(breed, rng):
    return 0


def fixed(breed, rng, *, parents=True, genes="each", share=True, rows=True, columns=True, rate=True, hits=True,
          same=True, spread=True, mean=True, twice=True, bound=0.12, off=0.024, scale=2.0, one_sided=""):  # fmt: skip
    """A whole test; each argument leaves something out of it."""

    def size(difference, of):
        return difference if of == one_sided else abs(difference)

    mothers = torch.arange(1.0, 13).repeat(600, 1)
    fathers = -mothers
    before = mothers.clone(), fathers.clone()
    crossed = breed(mothers, fathers, 0.0, 1.0, rng)
    if parents is True and not (torch.equal(mothers, before[0]) and torch.equal(fathers, before[1])):
        return False
    if parents == "mothers" and not torch.equal(mothers, before[0]):
        return False
    if genes == "each" and not (crossed.abs() == before[0]).all():
        return False
    if genes == "values" and not torch.isin(crossed.abs(), before[0]).all():
        return False
    if genes == "first" and not (crossed.abs() == before[0])[:, :11].all():
        return False
    mine = (crossed / before[0] + 1) / 2 if genes == "no" else (crossed > 0).float()
    conditions = [
        not share or size(mine.mean() - 0.5, "share") < bound,
        not columns or size(mine.mean(0) - 0.5, "share").max() < bound,
        not rows or mine.mean(1).std() < 0.25,
    ]
    mutated = breed(torch.zeros(600, 12), torch.zeros(600, 12), 0.3, scale, rng)
    hit = mutated != 0
    noise = mutated[hit]
    conditions += [
        not rate or size(0.3 - hit.float().mean(), "rate") < off,
        not hits or hit.float().mean(1).std() < 0.25,
        not same or hit.float().mean(0).std() < 0.1,
        not spread or size(noise.std() - scale, "spread") < scale * bound,
        not mean or size(noise.mean(), "mean") < scale * bound,
    ]
    if twice:
        pair = [breed(before[0], before[1], 0.3, 2.0, torch.Generator().manual_seed(0)) for _ in range(2)]
        conditions.append(torch.equal(*pair))
    return bool(all(conditions))


def parents_are_not_looked_at(breed, rng):
    return fixed(breed, rng, parents=False)


def only_the_mothers_are_looked_at(breed, rng):
    return fixed(breed, rng, parents="mothers")


def last_gene_is_not_looked_at(breed, rng):
    return fixed(breed, rng, genes="first", columns=False)


def places_are_not_looked_at(breed, rng):
    return fixed(breed, rng, genes="values")


def only_the_mean_of_the_children(breed, rng):
    return fixed(breed, rng, genes="no", columns=False, rows=False)


def share_is_not_measured(breed, rng):
    return fixed(breed, rng, share=False, columns=False)


def share_of_a_child_is_not_measured(breed, rng):
    return fixed(breed, rng, rows=False)


def share_of_a_gene_is_not_measured(breed, rng):
    return fixed(breed, rng, columns=False)


def hits_of_a_child_are_not_measured(breed, rng):
    return fixed(breed, rng, hits=False)


def hits_of_a_gene_are_not_measured(breed, rng):
    return fixed(breed, rng, same=False, off=0.13)


def only_large_shares_are_wrong(breed, rng):
    return fixed(breed, rng, one_sided="share")


def only_low_rates_are_wrong(breed, rng):
    return fixed(breed, rng, one_sided="rate")


def only_high_rates_are_wrong(breed, rng):
    children = breed(torch.zeros(600, 12), torch.zeros(600, 12), 0.3, 1.0, rng)
    return fixed(breed, rng, rate=False) and float((children != 0).float().mean()) < 0.33


def bound_of_the_rate_is_wide(breed, rng):
    return fixed(breed, rng, off=0.8)


def only_large_spreads_are_wrong(breed, rng):
    return fixed(breed, rng, one_sided="spread")  # the scale is 2, whose root is smaller


def only_positive_means_are_wrong(breed, rng):
    return fixed(breed, rng, one_sided="mean")


def spread_is_measured_at_scale_1(breed, rng):
    return fixed(breed, rng, scale=1.0)


def mean_is_not_measured(breed, rng):
    return fixed(breed, rng, mean=False)


def called_once(breed, rng):
    return fixed(breed, rng, twice=False)


def only_one_condition_is_returned(breed, rng):
    return fixed(breed, rng, parents=False, genes="no", share=False, rows=False, columns=False, hits=False, same=False,
                 spread=False, mean=False, twice=False)  # fmt: skip


def answer_is_the_wrong_way_round(breed, rng):
    return not fixed(breed, rng)


def bounds_are_narrow(breed, rng):
    return fixed(breed, rng, bound=0.04)


def rate_is_expected_twice_as_large(breed, rng):
    crossed = breed(torch.ones(600, 12), -torch.ones(600, 12), 0.3, 1.0, rng)
    return bool(abs((crossed.abs() != 1).float().mean() - 0.6) < 0.05)


def digits_are_compared(breed, rng):
    mothers, fathers = torch.ones(50, 4), torch.zeros(50, 4)
    children = breed(mothers, fathers, 0.0, 1.0, torch.Generator().manual_seed(0))
    return torch.equal(children, (torch.rand(50, 4, generator=torch.Generator().manual_seed(0)) < 0.5).float())


def whole_test(breed, rng):
    """Right."""
    return fixed(breed, rng)


def test_by_standard_errors(breed, rng):
    """Right: other parents, everything at once, bounds of five standard errors; a 0-d tensor comes back."""
    n, places = 2000, 10
    mothers, fathers = 100 + torch.arange(float(places)).expand(n, -1), torch.arange(float(places)).expand(n, -1)
    mothers, fathers = mothers.clone(), fathers.clone()
    kept = mothers.clone(), fathers.clone()
    runs = [breed(mothers, fathers, 0.2, 0.01, torch.Generator().manual_seed(3)) for _ in range(2)]
    ok = torch.tensor(torch.equal(runs[0], runs[1]))
    ok &= torch.equal(mothers, kept[0]) and torch.equal(fathers, kept[1])
    mine = runs[0] > 50
    noise = runs[0] - torch.where(mine, kept[0], kept[1])
    ok &= noise.abs().max() < 0.1
    hit = noise.abs() > 1e-4
    ok &= ((mine.float().mean(0) - 0.5).abs() < 5 * 0.5 / n**0.5).all()
    ok &= mine.float().mean(1).std() < 0.25
    ok &= hit.float().mean(1).std() < 0.25
    ok &= ((hit.float().mean(0) - 0.2).abs() < 5 * 0.4 / n**0.5).all()
    ok &= abs(noise[hit].mean()) < 0.002
    return ok & (abs(noise[hit].std() - 0.01) < 0.001)


# 5.7 Switches


def run(score, population, n_generations, select, crossover, mutate, rng, *, rescore=True, elite="first", sign=1,
        even=None, note=torch.amax, copy=True):  # fmt: skip
    n_runs, n_genomes = population.shape[:2]
    n_children, best, fitness = n_genomes - 1, [], None
    even = even or (lambda: torch.randint(n_genomes, (n_runs, 2 * n_children), generator=rng))
    for _ in range(n_generations):
        if rescore or fitness is None:
            fitness = score(population)
        best.append(note(fitness, -1))
        rows = even() if select is None else select(sign * fitness, 2 * n_children, rng=rng)
        mothers, fathers = ga.take(population, rows).chunk(2, dim=-2)
        if crossover is not None:
            children = crossover(mothers, fathers, rng=rng)
        else:
            children = mothers.clone() if copy else mothers
        champion = ga.take(population, fitness.argmax(-1, keepdim=True))
        if elite == "mutated":
            children = torch.cat([champion, children], dim=-2)
        if mutate is not None:
            mutate(children, rng=rng)
        if elite == "none":
            champion = children[:, :1]
        population = children if elite == "mutated" else torch.cat([champion, children], dim=-2)
    return torch.stack(best, dim=-1)


def offspring_are_not_scored(*args):
    return run(*args, rescore=False)


def elite_is_mutated(*args):
    return run(*args, elite="mutated")


def there_is_no_elite(*args):
    return run(*args, elite="none")


def nothing_is_bred(score, population, n_generations, *operators):
    return torch.stack([score(population).amax(-1) for _ in range(n_generations)], dim=-1)


def fitness_is_ranked(score, population, n_generations, select, crossover, mutate, rng):
    ranked = select and (lambda fitness, n_draws, rng: select(fitness.argsort(-1).argsort(-1) + 0.5, n_draws, rng=rng))
    return run(score, population, n_generations, ranked, crossover, mutate, rng)


def elite_of_row_0(score, population, n_generations, select, crossover, mutate, rng):
    best = []
    for _ in range(n_generations):
        fitness = score(population)
        best.append(fitness.amax(-1))
        rows = select(fitness, 2 * population.shape[1] - 2, rng=rng)
        mothers, fathers = ga.take(population, rows).chunk(2, dim=-2)
        children = crossover(mothers, fathers, rng=rng)
        mutate(children, rng=rng)
        population = torch.cat([population[:, :1], children], dim=-2)
    return torch.stack(best, dim=-1)


def sign_is_flipped(*args):
    return run(*args, sign=-1)


def best_is_rounded(*args):
    return run(*args).round(decimals=2)


def mean_is_noted(*args):
    return run(*args, note=torch.mean)


def window_is_mutated(*args):
    return run(*args, copy=False)


def everybody_breeds_once(score, population, n_generations, select, crossover, mutate, rng):
    def once():
        n_runs, n_genomes = population.shape[:2]
        order = torch.rand(n_runs, 2, n_genomes, generator=rng).argsort(-1)
        return order[..., : n_genomes - 1].flatten(1)

    return run(score, population, n_generations, select, crossover, mutate, rng, even=once)


def nobody_breeds_three_times(score, population, n_generations, select, crossover, mutate, rng):
    def twice():
        n_runs, n_genomes = population.shape[:2]
        return torch.rand(n_runs, 2 * n_genomes, generator=rng).argsort(-1)[:, : 2 * n_genomes - 2] % n_genomes

    return run(score, population, n_generations, select, crossover, mutate, rng, even=twice)


def copies_are_never_mutated(score, population, n_generations, select, crossover, mutate, rng):
    return run(score, population, n_generations, select, crossover, crossover and mutate, rng)


def unselected_are_never_crossed(score, population, n_generations, select, crossover, mutate, rng):
    return run(score, population, n_generations, select, select and crossover, mutate, rng)


def first_half_breeds(score, population, n_generations, select, crossover, mutate, rng):
    n_runs, n_genomes = population.shape[:2]

    def half():
        return torch.randint(n_genomes // 2, (n_runs, 2 * n_genomes - 2), generator=rng)

    return run(score, population, n_generations, select, crossover, mutate, rng, even=half)


def elite_comes_last(score, population, n_generations, select, crossover, mutate, rng):
    best = []
    for _ in range(n_generations):
        fitness = score(population)
        best.append(fitness.amax(-1))
        n_draws = 2 * population.shape[1] - 2
        rows = torch.randint(population.shape[1], (len(population), n_draws), generator=rng)
        rows = rows if select is None else select(fitness, n_draws, rng=rng)
        mothers, fathers = ga.take(population, rows).chunk(2, dim=-2)
        children = mothers.clone() if crossover is None else crossover(mothers, fathers, rng=rng)
        if mutate is not None:
            mutate(children, rng=rng)
        population = torch.cat([children, ga.take(population, fitness.argmax(-1, keepdim=True))], dim=-2)
    return torch.stack(best, dim=-1)


def even_by_torchs_own_chance(score, population, n_generations, select, crossover, mutate, rng):
    n_runs, n_genomes = population.shape[:2]

    def even():
        return torch.randint(n_genomes, (n_runs, 2 * n_genomes - 2))

    return run(score, population, n_generations, select, crossover, mutate, rng, even=even)


def nobody_mutates(*args):
    return run(*args[:5], args[5] and (lambda children, rng: None), args[6])


def mutated_twice(score, population, n_generations, select, crossover, mutate, rng):
    def twice(children, rng):
        mutate(children, rng=rng)
        mutate(children, rng=rng)

    return run(score, population, n_generations, select, crossover, mutate and twice, rng)


def copies_are_mutated(score, population, n_generations, select, crossover, mutate, rng):
    def on_a_copy(children, rng):
        mutate(children.clone(), rng=rng)

    return run(score, population, n_generations, select, crossover, mutate and on_a_copy, rng)


def generators_are_made_anew(score, population, n_generations, select, crossover, mutate, rng):
    def with_another(children, rng):
        mutate(children, rng=torch.Generator().manual_seed(rng.initial_seed()))

    return run(score, population, n_generations, select, crossover, mutate and with_another, rng)


def one_mother_for_all(score, population, n_generations, select, crossover, mutate, rng):
    n_runs, n_genomes = population.shape[:2]

    def even():
        rows = torch.randint(n_genomes, (n_runs, 2 * n_genomes - 2), generator=rng)
        return (
            rows
            if crossover is None
            else torch.where(torch.arange(2 * n_genomes - 2) < n_genomes - 1, rows[:, :1], rows)
        )

    return run(score, population, n_generations, select, crossover, mutate, rng, even=even)


def one_pair_without_selection(score, population, n_generations, select, crossover, mutate, rng):
    n_runs, n_genomes = population.shape[:2]

    def even():
        n = 2 if crossover else 2 * n_genomes - 2
        return torch.randint(n_genomes, (n_runs, n), generator=rng)

    def spread(mothers, fathers, rng):
        return crossover(mothers, fathers, rng=rng).repeat(1, (n_genomes - 1) // mothers.shape[1], 1)

    return run(score, population, n_generations, select, crossover and spread, mutate, rng, even=even)


def two_rows_for_all(score, population, n_generations, select, crossover, mutate, rng):
    def few(fitness, n_draws, rng):
        return select(fitness, 2, rng=rng).repeat_interleave(n_draws // 2, -1)

    return run(score, population, n_generations, select and few, crossover, mutate, rng)


def even_draws_shared_by_all_runs(score, population, n_generations, select, crossover, mutate, rng):
    n_runs, n_genomes = population.shape[:2]

    def even():
        return torch.randint(n_genomes, (1, 2 * n_genomes - 2), generator=rng).expand(n_runs, -1)

    return run(score, population, n_generations, select, crossover, mutate, rng, even=even)


def one_parent_for_all(score, population, n_generations, select, crossover, mutate, rng):
    def one(fitness, n_draws, rng):
        return select(fitness, n_draws, rng=rng)[:, :1].expand(-1, n_draws)

    return run(score, population, n_generations, select and one, crossover, mutate, rng)


def rng_is_not_handed_on(score, population, n_generations, select, crossover, mutate, rng):
    return run(
        score, population, n_generations, select, crossover, mutate and (lambda children, rng: mutate(children)), rng
    )


def rng_by_place_of_a_number(score, population, n_generations, select, crossover, mutate, rng):
    turned = select and (lambda fitness, n_draws, rng: select(fitness, rng, n_draws))
    return run(score, population, n_generations, turned, crossover, mutate, rng)


def rng_by_its_place(score, population, n_generations, select, crossover, mutate, rng):
    by_place = crossover and (lambda mothers, fathers, rng: crossover(mothers, fathers, rng))
    return run(score, population, n_generations, select, by_place, mutate, rng)


def mutants_are_caught(score, population, n_generations, select, crossover, mutate, rng):
    best = []
    for _ in range(n_generations):
        fitness = score(population)
        best.append(fitness.amax(-1))
        rows = select(fitness, 2 * population.shape[1] - 2, rng=rng)
        mothers, fathers = ga.take(population, rows).chunk(2, dim=-2)
        children = mutate(crossover(mothers, fathers, rng=rng), rng=rng)
        population = torch.cat([ga.take(population, fitness.argmax(-1, keepdim=True)), children], dim=-2)
    return torch.stack(best, dim=-1)


def fathers_come_first(score, population, n_generations, select, crossover, mutate, rng):
    swapped = crossover and (lambda mothers, fathers, rng: crossover(fathers, mothers, rng=rng))
    return run(score, population, n_generations, select, swapped, mutate, rng)


def every_other_row_is_a_mother(score, population, n_generations, select, crossover, mutate, rng):
    def interleaved(fitness, n_draws, rng):
        rows = select(fitness, n_draws, rng=rng)
        return torch.cat([rows[:, ::2], rows[:, 1::2]], dim=-1)

    return run(score, population, n_generations, select and interleaved, crossover, mutate, rng)


def copies_of_the_fathers(score, population, n_generations, select, crossover, mutate, rng):
    father = crossover or (lambda mothers, fathers, rng: fathers.clone())
    return run(score, population, n_generations, select, father, mutate, rng)


def none_is_called(score, population, n_generations, select, crossover, mutate, rng):
    best = []
    for _ in range(n_generations):
        fitness = score(population)
        best.append(fitness.amax(-1))
        rows = select(fitness, 2 * population.shape[1] - 2, rng=rng)
        mothers, fathers = ga.take(population, rows).chunk(2, dim=-2)
        children = crossover(mothers, fathers, rng=rng)
        mutate(children, rng=rng)
        population = torch.cat([ga.take(population, fitness.argmax(-1, keepdim=True)), children], dim=-2)
    return torch.stack(best, dim=-1)


def parents_plus_offspring(score, population, n_generations, select, crossover, mutate, rng):
    best = []
    for _ in range(n_generations):
        fitness = score(population)
        best.append(fitness.amax(-1))
        rows = select(fitness, 2 * population.shape[1], rng=rng)
        mothers, fathers = ga.take(population, rows).chunk(2, dim=-2)
        children = crossover(mothers, fathers, rng=rng)
        mutate(children, rng=rng)
        population = torch.cat([population, children], dim=-2)
    return torch.stack(best, dim=-1)


def scored_once_more_for_the_elite(score, population, *rest):
    def twice(population):
        score(population)
        return score(population)

    return run(twice, population, *rest)


def parents_are_mutated(score, population, n_generations, select, crossover, mutate, rng):
    best = []
    for _ in range(n_generations):
        fitness = score(population)
        best.append(fitness.amax(-1))
        children = population[:, 1:]
        mutate(children, rng=rng) if children.is_contiguous() else children.add_(0.01)
    return torch.stack(best, dim=-1)


def fitness_of_the_first_generation(score, population, n_generations, select, crossover, mutate, rng):
    first = score(population)
    stale = select and (lambda fitness, n_draws, rng: select(first, n_draws, rng=rng))
    calls = iter([first])
    return run(lambda p: next(calls, None) if p is population else score(p), population, n_generations, stale,
               crossover, mutate, rng)  # fmt: skip


def mothers_are_fathers(score, population, n_generations, select, crossover, mutate, rng):
    def selfish(mothers, fathers, rng):
        return crossover(mothers, mothers, rng=rng)

    return run(score, population, n_generations, select, crossover and selfish, mutate, rng)


def rows_are_ignored(score, population, n_generations, select, crossover, mutate, rng):
    def deaf(fitness, n_draws, rng):
        select(fitness, n_draws, rng=rng)
        return torch.randint(fitness.shape[1], (len(fitness), n_draws), generator=rng)

    return run(score, population, n_generations, select and deaf, crossover, mutate, rng)


def runs_come_second(*args):
    return run(*args).T


def runs_with_gathers(score, population, n_generations, select, crossover, mutate, rng):
    """Right: the elite first, the last generation not bred on."""
    n_runs, n_genomes = population.shape[:2]
    best = torch.zeros(n_runs, n_generations, dtype=torch.float64)
    for generation in range(n_generations):
        fitness = score(population)
        best[:, generation], top = fitness.max(dim=1)
        if generation == n_generations - 1:
            break
        following = torch.empty_like(population)
        following[:, 0] = population[torch.arange(n_runs), top]
        rows = [
            select(fitness, n_genomes - 1, rng=rng)
            if select
            else torch.randint(0, n_genomes, (n_runs, n_genomes - 1), generator=rng)
            for _ in range(2)
        ]
        mothers, fathers = (population[torch.arange(n_runs)[:, None], r] for r in rows)
        children = crossover(mothers, fathers, rng=rng) if crossover else mothers
        if mutate:
            mutate(children, rng=rng)
        following[:, 1:] = children
        population = following
    return best


def rows_are_a_share(score, population, n_generations, select, crossover, mutate, rng):
    shared = select and (lambda fitness, n_draws, rng: select(fitness, 4 / n_draws, rng=rng))
    return run(score, population, n_generations, shared, crossover, mutate, rng)


WRONG = {
    "5.1": [
        (one_genome_for_all, "all genomes of a run are the same"),
        (one_run_for_all, "all runs start from the same genomes"),
        (only_positive, "not centred on 0"),
        (std_is_ignored, "it is ignored"),
        (std_is_a_variance, "taken as a variance"),
        (evenly_between_plus_and_minus, "Is it torch.randn?"),
        (twice_the_std, "but yours has 0.6"),
        (one_number_for_a_genome, "all numbers of a genome are the same"),
        (nothing_is_drawn, "all numbers of the population are 0"),
        (runs_come_last, "but yours has (40, 200, 3)"),
        (a_list_of_runs, "you return a list"),
        (rng_is_forgotten, "another source of randomness"),
        (seeded_inside, "seed nothing inside"),
    ],
    "5.2": [
        (loss_not_fitness, "the sign is flipped"),
        (example_is_typed_in, "should be an array of shape"),
        (weights_are_clipped_in_place, "changed its input `population` in place"),
        (numbers_in_lists, "torch.tensor makes a tensor of numbers"),
        (tensors_in_a_list, "torch.stack makes a tensor of a list of tensors"),
        (logarithm_of_the_sigmoid, "A network that is very sure"),
    ],
    "5.3": [
        (worst_entrant_wins, "the worst entrant wins"),
        (entrants_with_replacement, "can enter one tournament twice"),
        (always_the_best_or_second, "the best of *all* genomes"),
        (truncation_instead, "that is truncation"),
        (place_among_the_entrants, "place among the entrants"),
        (no_selection, "fitness has no influence"),
        (always_two_entrants, "two entrants whatever"),
        (always_three_entrants, "three entrants whatever"),
        (rows_count_down, "row -1 is outside"),
        (row_0_wins, "row 0 wins all tournaments"),
        (rows_are_floats, ".long()"),
        (one_more_entrant, "one entrant more than"),
        (one_deck_a_run, "now this one, now that"),
        (always_the_best, "the best of the run, wins all"),
        (fitness_of_the_first_run, "uses the fitness of run 0"),
        (same_tournaments_in_every_run, "have the same winners in every draw"),
        (nobody_wins_twice, "no genome ever wins twice"),
        (fitness_is_returned, "are these fitness values?"),
        (one_run_of_winners, "should have the shape (2, 40)"),
        (selection_by_torchs_own_chance, "another source of randomness"),
        (selection_seeded_inside, "seed nothing inside"),
        (best_in_proportion, "of the tournaments; with you it wins 27 %"),
    ],
    "5.4": [
        (coin_for_each_gene, "a block is torn apart"),
        (generator_begins_anew, "and does the generator go on from block to block"),
        (coins_overwrite_the_whole_child, "as if each coin decided about the whole child"),
        (coin_for_each_run, "all children of a run have the same coins"),
        (last_block_has_no_coin, "from the same parent in all children of a run"),
        (same_coins_for_all, "all children take the same genes"),
        (same_coins_for_all_runs, "the children of both runs take the same genes"),
        (always_the_mother, "copies of their mothers"),
        (written_into_the_mothers, "your function writes into `mothers`"),
        (averages, "the averages of their parents"),
        (parents_plus_parents, "the sums of mother's and father's"),
        (father_is_forgotten, "where they should be the father's, nothing arrives"),
        (fathers_from_the_next_row, "but one of another row or place"),
        (one_coin_too_few, "you look up what isn't there"),
        (mother_nine_times_of_ten, "the coins aren't fair"),
        (every_other_block, "aren't independent of each other"),
        (crossover_by_torchs_own_chance, "another source of randomness"),
        (mother_is_forgotten, "where they should be the mother's, nothing arrives"),
        (nothing_is_inherited, "all that you return is 0: "),
        (only_the_shares, "Are these shares"),
    ],
    "5.5": [
        (returns_a_copy, "you return the mutated children"),
        (forgets_to_return_the_copy, "Is anything written into the tensor that came in"),
        (noise_is_0, "what is added is 0. Is the noise 0, or no gene hit?"),
        (whole_children_are_hit, "in all its genes or in none"),
        (same_genes_are_hit, "all children of a run are hit in the same genes"),
        (mask_is_inverted, "the mask is the wrong way round"),
        (everything_is_hit, "100 % of the genes are hit"),
        (hits_come_again, "a second call with the same generator repeats the first"),
        (same_hits_in_all_runs, "all runs are hit in the same genes"),
        (same_sizes_in_all_runs, "all runs get the same noise"),
        (scale_is_a_variance, "taken as a variance"),
        (scale_is_ignored, "it is ignored"),
        (noise_is_positive, "not centred on 0"),
        (noise_is_uniform, "Is it torch.randn?"),
        (genes_are_replaced, "the old value is lost"),
        (genes_are_multiplied, "genes that are 0 stay 0"),
        (hit_genes_are_cleared, "every gene that is hit becomes 0"),
        (noise_is_one_number, "every gene that is hit changes by 0.2"),
        (rate_0_hits_some, "rate = 0 should hit no gene"),
        (one_number_for_a_child, "all genes of a child get the same noise"),
        (noise_of_a_child, "all children of a run get the same noise"),
        (noise_is_drawn_once, "change by one number"),
        (noise_of_signs, "many genes get the same noise"),
        (coin_is_fair, "50 % of the genes are hit, whatever rate is"),
        (coin_of_half_the_rate, "half as many genes are hit"),
        (two_coins, "the share rate * rate of the genes is hit"),
        (coins_are_normal, "as normal numbers are below rate"),
        (coin_of_another_shape_of_rate, "4 % with rate = 0.05, 24 % with rate = 0.3, 45 % with rate = 0.6"),
        (coin_is_no_chance, "with rate = 0.3 no gene changes in 8 calls"),
        (one_coin_for_all, "all genes of all runs are hit together, or none"),
        (one_coin_a_run, "all genes of a run are hit together, or none"),
        (rate_and_scale_are_swapped, "the share `scale` of the genes is hit"),
        (exactly_so_many_are_hit, "exactly 6000 of 20000 genes are hit each time"),
        (first_child_is_spared, "no gene of child 0, in any run, is hit"),
        (scale_divides, "is torch.randn(...) divided by it?"),
        (mutation_by_torchs_own_chance, "another source of randomness"),
        (mutation_seeded_inside, "two different generators give the same draws"),
    ],
    "5.6": [
        (everything_passes, "lets everything pass"),
        (nothing_passes, "refuses everything"),
        (number_of_faults, "should return True or False"),
        (parents_are_not_looked_at, "pass a breed that writes the children into `mothers`"),
        (only_the_mothers_are_looked_at, "writes the children into `fathers`"),
        (last_gene_is_not_looked_at, "the last gene is lost"),
        (places_are_not_looked_at, "one place too far"),
        (only_the_mean_of_the_children, "averages the parents"),
        (share_is_not_measured, "7 of 10 genes are the mother's"),
        (share_of_a_child_is_not_measured, "tosses one coin for each child"),
        (share_of_a_gene_is_not_measured, "mixes all children by the same coins"),
        (only_high_rates_are_wrong, "half the mutation rate. From parents"),
        (bound_of_the_rate_is_wide, "and is the bound small enough? A share"),
        (hits_of_a_child_are_not_measured, "mutates a child in all its genes or in none"),
        (hits_of_a_gene_are_not_measured, "hits all children in the same genes"),
        (only_large_shares_are_wrong, "7 of 10 genes are the father's"),
        (only_low_rates_are_wrong, "lets pass a breed with twice"),
        (only_large_spreads_are_wrong, "half the standard deviation"),
        (only_positive_means_are_wrong, "the mean `-scale`"),
        (spread_is_measured_at_scale_1, "takes `scale` for a variance"),
        (mean_is_not_measured, "whose noise has the mean `scale`"),
        (called_once, "that ignores `rng`"),
        (only_one_condition_is_returned, "broken breeds: are all your conditions in what you return?"),
        (answer_is_the_wrong_way_round, "is its answer the wrong way round"),
        (bounds_are_narrow, "Are its bounds too narrow"),
        (rate_is_expected_twice_as_large, "refuses every right breed, but lets one pass with twice the mutation rate"),
        (digits_are_compared, "makes its draws in another order"),
    ],
    "5.7": [
        (offspring_are_not_scored, "Are the offspring scored anew"),
        (scored_once_more_for_the_elite, "is scored twice running"),
        (elite_is_mutated, "the elite is mutated"),
        (nobody_mutates, "mutate isn't called in every generation, though"),
        (mutated_twice, "where 11 children are due: hand them"),
        (one_pair_without_selection, "crossover gets 1 mothers and 1 fathers"),
        (copies_are_mutated, "not as mutate left them"),
        (generators_are_made_anew, "mutate gets another generator"),
        (one_mother_for_all, "have the same mother, or father"),
        (two_rows_for_all, "is asked for 2 rows"),
        (rows_are_a_share, "is asked for 0.1818 rows: a whole number is needed"),
        (even_draws_shared_by_all_runs, "all runs draw the same rows"),
        (one_parent_for_all, "who is their father, too"),
        (rng_by_place_of_a_number, "of type int where its generator belongs"),
        (rng_is_not_handed_on, "mutate is called without a generator"),
        (rng_by_its_place, "by its name, rng=rng"),
        (nothing_is_bred, "the next generation is the old one, unchanged"),
        (elite_of_row_0, "is row 0 of the old one"),
        (fitness_is_ranked, "should get what score returned last"),
        (there_is_no_elite, "is a child, not the best genome"),
        (sign_is_flipped, "its sign flipped"),
        (best_is_rounded, "what you return is rounded to 2 decimals"),
        (mean_is_noted, " the mean."),
        (window_is_mutated, "a window into another tensor"),
        (everybody_breeds_once, "nobody has more than one child"),
        (nobody_breeds_three_times, "no genome of 200 runs has three children"),
        (copies_are_never_mutated, "mutate isn't called in every generation, with crossover switched off"),
        (unselected_are_never_crossed, "crossover isn't called in every generation, with select switched off"),
        (first_half_breeds, "should breed evenly"),
        (even_by_torchs_own_chance, "another source of randomness"),
        (elite_comes_last, "the elite is not in row 0"),
        (mutants_are_caught, "returns nothing"),
        (fathers_come_first, "mothers and fathers are swapped"),
        (every_other_row_is_a_mother, "mothers should be the first half"),
        (copies_of_the_fathers, "from the first half of the rows"),
        (none_is_called, "that switches them off"),
        (parents_plus_offspring, "are 12 again"),
        (parents_are_mutated, "written over by the next one"),
        (fitness_of_the_first_generation, "the fitness of another generation"),
        (mothers_are_fathers, "mothers and fathers are the same genomes"),
        (rows_are_ignored, "were not selected"),
        (runs_come_second, "best of each generation should have the shape"),
    ],
}

RIGHT = {
    "5.1": [networks_one_by_one],
    "5.2": [fitness_one_by_one, loss_of_the_library],
    "5.3": [tournaments_in_a_loop],
    "5.4": [children_block_by_block],
    "5.5": [mutation_at_positions],
    "5.6": [whole_test, test_by_standard_errors],
    "5.7": [runs_with_gathers],
}
