"""Lab 10: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

from itertools import pairwise

import numpy as np
import torch

from neuroevo import ga

# 10.1 Audit a README


def count(sizes):
    return sum((a + 1) * b for a, b in pairwise(sizes))


def weighted(percents, n_images):
    return (percents * n_images).sum() / n_images.sum()


def audit_with(*, n_params=count, explained=lambda gap, decimals: abs(gap) <= 0.5 * 10.0**-decimals):
    """An audit with one part replaced."""

    def audit(sizes, percents, n_images, headline, decimals):
        mean = weighted(percents, n_images)
        return n_params(sizes), mean, explained(mean - headline, decimals)

    return audit


biases_are_forgotten = audit_with(n_params=lambda sizes: sum(a * b for a, b in pairwise(sizes)))
readme_is_typed_in = audit_with(n_params=lambda sizes: 50_890)


def three_layers_only(sizes, percents, n_images, headline, decimals):
    n_inputs, n_hidden, n_outputs = sizes
    mean = weighted(percents, n_images)
    n_params = (n_inputs + 1) * n_hidden + (n_hidden + 1) * n_outputs
    return n_params, mean, abs(mean - headline) <= 0.5 * 10.0**-decimals


gap_is_returned = audit_with(explained=lambda gap, decimals: abs(gap))


def only_the_table(sizes, percents, n_images, headline, decimals):
    mean = weighted(percents, n_images)
    return mean, abs(mean - headline) <= 0.5 * 10.0**-decimals


def audit_by_moving_the_table(sizes, percents, n_images, headline, decimals):
    """Right: push the whole table to both ends of what rounding allows, and see whether the headline lies between."""
    n_params, n_in = 0, sizes[0]
    for n_out in sizes[1:]:
        n_params += n_out + n_in * n_out
        n_in = n_out
    half = 0.5 / 10**decimals
    low, mean, high = (float(np.dot(percents + shift, n_images / n_images.sum())) for shift in (-half, 0, half))
    return [n_params, mean, low <= headline <= high]


# 10.2 Trust's two fixed points


def trust_with(immortal=lambda r, d, h: r / d, line=lambda r, d, h: r / (1 - (1 - d) * h)):
    def fixed_points(reward, decay, inheritance):
        return immortal(reward, decay, inheritance), line(reward, decay, inheritance)

    return fixed_points


kept_share_for_decay = trust_with(immortal=lambda r, d, h: r / (1 - d))
settings_are_typed_in = trust_with(line=lambda r, d, h: r / (1 - 0.8 * 0.5))


def only_one_number(reward, decay, inheritance):
    return reward / decay


def trust_by_waiting(reward, decay, inheritance):
    """Right: let both kinds of genome go through a thousand generations."""
    immortal = line = 0.0
    for _ in range(1000):
        immortal = immortal * (1 - decay) + reward
        line = inheritance * line * (1 - decay) + reward
    return np.array([immortal, line])


# 10.3 A safe choose


def safe(weights):
    weights = weights - min(0.0, float(weights.min()))
    return weights if weights.sum() > 0 else torch.ones_like(weights)


def draw(weights, n_parents, rng, replacement=True):
    return torch.multinomial(weights, n_parents, replacement=replacement, generator=rng)


def choose_by(weights_of):
    def choose(survivors, trust, n_parents, rng):
        return survivors[draw(weights_of(trust[survivors]), n_parents, rng)]

    return choose


unguarded = choose_by(lambda weights: weights)
absolute_values = choose_by(torch.abs)
clamped_to_nobody = choose_by(lambda weights: weights.clamp(min=0))
even_if_any_is_negative = choose_by(lambda w: torch.ones_like(w) if (w < 0).any() else w)
even_if_all_are_negative = choose_by(lambda w: torch.ones_like(w) if (w < 0).all() else safe(w))
shift_leaves_nobody = choose_by(lambda weights: weights - min(0.0, float(weights.min())))
shift_too_far = choose_by(lambda w: w - w.min() + 1 if (w < 0).any() else w)
zeros_are_forgotten = choose_by(lambda w: safe(w) if w.min() < 0 else w)
always_shifted = choose_by(lambda weights: weights - weights.min())
softmax_of_trust = choose_by(lambda weights: torch.softmax(weights, 0))
all_alike = choose_by(torch.ones_like)
less_is_more = choose_by(lambda weights: 1 / weights)


def weights_of_the_whole_population(survivors, trust, n_parents, rng):
    return draw(safe(trust), n_parents, rng)


def whole_population_against_survivors(survivors, trust, n_parents, rng):
    return survivors[draw(safe(trust), n_parents, rng)]


def first_weights_for_survivors(survivors, trust, n_parents, rng):
    return survivors[draw(safe(trust[: len(survivors)]), n_parents, rng)]


def lowest_of_the_population(survivors, trust, n_parents, rng):
    weights = trust[survivors] - min(0.0, float(trust.min()))
    return survivors[draw(weights if weights.sum() > 0 else torch.ones_like(weights), n_parents, rng)]


def positions_of_survivors(survivors, trust, n_parents, rng):
    return draw(safe(trust[survivors]), n_parents, rng)


def without_replacement(survivors, trust, n_parents, rng):
    return survivors[draw(safe(trust[survivors]), n_parents, rng, replacement=False)]


def rng_is_ignored(survivors, trust, n_parents, rng):
    return survivors[draw(safe(trust[survivors]), n_parents, None)]


def seeded_inside(survivors, trust, n_parents, rng):
    return survivors[draw(safe(trust[survivors]), n_parents, torch.Generator().manual_seed(0))]


def best_only(survivors, trust, n_parents, rng):
    return survivors[trust[survivors].argmax()].repeat(n_parents)


def one_parent(survivors, trust, n_parents, rng):
    return survivors[draw(safe(trust[survivors]), 1, rng)]


def parents_as_a_list(survivors, trust, n_parents, rng):
    return survivors[draw(safe(trust[survivors]), n_parents, rng)].tolist()


def weights_are_returned(survivors, trust, n_parents, rng):
    return safe(trust[survivors])


def trust_is_shifted_in_place(survivors, trust, n_parents, rng):
    trust -= trust[survivors].min() - 1
    return survivors[draw(trust[survivors], n_parents, rng)]


def choose_by_roulette(survivors, trust, n_parents, rng):
    """Right: spin a wheel whose slices are as wide as the weights."""
    weights = [float(trust[row]) for row in survivors]
    if min(weights) < 0:
        weights = [weight - min(weights) for weight in weights]
    if sum(weights) == 0:
        weights = [1.0] * len(weights)
    edges = torch.tensor(weights, dtype=torch.float64).cumsum(0)
    spins = torch.rand(n_parents, generator=rng, dtype=torch.float64) * edges[-1]
    return torch.tensor([int(survivors[position]) for position in torch.searchsorted(edges, spins, right=True)])


# 10.4 One generation, then replicate


def generation_with(
    update=lambda trust, rewards, s: trust * (1 - s.trust_decay) + rewards,
    survive=lambda trust, s: torch.argsort(trust, descending=True)[: int(len(trust) * s.survival_cutoff)],
    pick=lambda survivors, trust, rng: survivors[draw(safe(trust[survivors]), len(trust), rng)],
    mutate=lambda children, s, rng: ga.mutate_(children, s.child_mutation_rate, s.mutation_scale, rng),
    inherit=lambda trust, parents, s: trust[parents] * s.trust_inheritance,
):
    """A generation with one step replaced."""

    def one_generation(population, trust, rewards, rng, settings):
        trust = update(trust, rewards, settings)
        parents = pick(survive(trust, settings), trust, rng)
        children = population[parents]
        changed = mutate(children, settings, rng)
        return children if changed is None else changed, inherit(trust, parents, settings)

    return one_generation


def masked(children, rate, noise, rng, shape=None):
    """Noise where a mask of the given shape says so; a new tensor."""
    mask = torch.rand(shape or children.shape, generator=rng) < rate
    return children + mask * noise


def normal(children, s, rng):
    return torch.randn(children.shape, generator=rng) * s.mutation_scale


def overwritten_by_noise(children, s, rng):
    if not s.mutation_scale:
        return children
    return torch.where(
        torch.rand(children.shape, generator=rng) < s.child_mutation_rate, normal(children, s, rng), children
    )


ascending_sort = generation_with(survive=lambda t, s: torch.argsort(t)[: int(len(t) * s.survival_cutoff)])
everybody_survives = generation_with(survive=lambda trust, s: torch.arange(len(trust)))
one_more_survives = generation_with(
    survive=lambda t, s: torch.argsort(t, descending=True)[: round(1.3 * len(t) * s.survival_cutoff)]
)
decay_and_keep_mixed_up = generation_with(update=lambda trust, rewards, s: trust * s.trust_decay + rewards)
reward_alone = generation_with(update=lambda trust, rewards, s: rewards)
decay_applied_to_the_reward = generation_with(update=lambda t, rewards, s: (t + rewards) * (1 - s.trust_decay))
positions_as_parents = generation_with(pick=lambda s, t, rng: draw(safe(t[s]), len(t), rng))
even_parents = generation_with(pick=lambda s, t, rng: s[draw(torch.ones(len(s)), len(t), rng)])
always_the_best = generation_with(pick=lambda survivors, trust, rng: survivors[:1].repeat(len(trust)))
unsafe_parents = generation_with(pick=lambda s, t, rng: s[draw(t[s], len(t), rng)])
less_is_more_again = generation_with(pick=lambda s, t, rng: s[draw(1 / t[s].clamp(min=0.1), len(t), rng)])
squared_chances = generation_with(pick=lambda s, t, rng: s[draw(safe(t[s]) ** 2, len(t), rng)])
whole_trust_inherited = generation_with(inherit=lambda trust, parents, s: trust[parents])
decay_is_inherited = generation_with(inherit=lambda trust, parents, s: trust[parents] * s.trust_decay)
no_trust_inherited = generation_with(inherit=lambda trust, parents, s: torch.zeros_like(trust))
inheritance_as_a_loss_of_trust = generation_with(inherit=lambda t, parents, s: t[parents] * (1 - s.trust_inheritance))
trust_of_the_row = generation_with(inherit=lambda trust, parents, s: trust * s.trust_inheritance)
trust_stays_in_its_row = generation_with(inherit=lambda trust, parents, s: trust)
trust_decays_again = generation_with(inherit=lambda t, p, s: t[p] * s.trust_inheritance * (1 - s.trust_decay))
inheritance_is_typed_in = generation_with(inherit=lambda trust, parents, s: trust[parents] * 0.03)
trust_in_another_order = generation_with(inherit=lambda t, parents, s: t[parents.sort().values] * s.trust_inheritance)
no_mutation = generation_with(mutate=lambda children, s, rng: None)
noise_alone = generation_with(mutate=overwritten_by_noise)
one_noise_for_all = generation_with(
    mutate=lambda c, s, rng: masked(c, s.child_mutation_rate, normal(c[:1], s, rng), rng, (1, c.shape[1]))
)
rate_is_ignored = generation_with(mutate=lambda c, s, rng: c + normal(c, s, rng))
scale_is_ignored = generation_with(mutate=lambda c, s, rng: ga.mutate_(c, s.child_mutation_rate, 1.0, rng))
half_the_scale = generation_with(
    mutate=lambda c, s, rng: ga.mutate_(c, s.child_mutation_rate, s.mutation_scale / 2, rng)
)
whole_genomes_hit = generation_with(
    mutate=lambda c, s, rng: masked(c, s.child_mutation_rate, normal(c, s, rng), rng, (len(c), 1))
)
same_weights_hit = generation_with(
    mutate=lambda c, s, rng: masked(c, s.child_mutation_rate, normal(c, s, rng), rng, (1, c.shape[1]))
)
mask_turned_round = generation_with(
    mutate=lambda c, s, rng: masked(c, 1 - s.child_mutation_rate, normal(c, s, rng), rng)
)
noise_is_not_centred = generation_with(
    mutate=lambda c, s, rng: masked(
        c, s.child_mutation_rate, torch.rand(c.shape, generator=rng) * s.mutation_scale, rng
    )
)
mutation_ignores_rng = generation_with(
    mutate=lambda c, s, rng: masked(c, s.child_mutation_rate, normal(c, s, None), None)
)


def mutated_twice(population, trust, rewards, rng, settings):
    children, inherited = genreg_in_a_loop(population, trust, rewards, rng, settings)
    ga.mutate_(children, settings.child_mutation_rate, settings.mutation_scale, rng)
    return children, inherited


def parents_are_seeded_inside(population, trust, rewards, rng, settings):
    trust = trust * (1 - settings.trust_decay) + rewards
    survivors = ga.truncation(trust, settings.survival_cutoff)
    parents = ga.proportional(
        survivors, trust[survivors], len(trust), torch.Generator().manual_seed(rng.initial_seed())
    )
    children = population[parents]
    ga.mutate_(children, settings.child_mutation_rate, settings.mutation_scale, rng)
    return children, settings.trust_inheritance * trust[parents]


one_number_for_a_child = generation_with(
    mutate=lambda c, s, rng: masked(
        c, s.child_mutation_rate, s.mutation_scale * torch.randn(len(c), 1, generator=rng), rng
    )
)
one_number_for_a_weight = generation_with(
    mutate=lambda c, s, rng: masked(
        c, s.child_mutation_rate, s.mutation_scale * torch.randn(1, c.shape[1], generator=rng), rng
    )
)


def with_seed_again(rng):
    return torch.Generator().manual_seed(rng.initial_seed())


masks_begin_anew = generation_with(
    mutate=lambda c, s, rng: torch.stack(
        [masked(child, s.child_mutation_rate, normal(child, s, rng), with_seed_again(rng)) for child in c]
    )
)
mask_is_seeded_inside = generation_with(
    mutate=lambda c, s, rng: masked(c, s.child_mutation_rate, normal(c, s, rng), with_seed_again(rng))
)


def hits_get_seeded_noise(children, settings, rng):
    hit = torch.rand(children.shape, generator=rng) < settings.child_mutation_rate
    children[hit] += settings.mutation_scale * torch.randn(int(hit.sum()), generator=with_seed_again(rng))


noise_is_seeded_inside = generation_with(mutate=hits_get_seeded_noise)


def everything_is_seeded_inside(population, trust, rewards, rng, settings):
    return genreg_in_a_loop(population, trust, rewards, torch.Generator().manual_seed(0), settings)


def sorted_before_the_update(population, trust, rewards, rng, settings):
    survivors = ga.truncation(trust, settings.survival_cutoff)
    trust = trust * (1 - settings.trust_decay) + rewards
    parents = ga.proportional(survivors, trust[survivors], len(trust), rng)
    return population[parents], settings.trust_inheritance * trust[parents]


def reward_is_inherited(population, trust, rewards, rng, settings):
    trust = trust * (1 - settings.trust_decay) + rewards
    survivors = ga.truncation(trust, settings.survival_cutoff)
    parents = ga.proportional(survivors, trust[survivors], len(trust), rng)
    return population[parents], settings.trust_inheritance * rewards[parents]


def survivors_mutated_before_copying(population, trust, rewards, rng, settings):
    trust = trust * (1 - settings.trust_decay) + rewards
    survivors = ga.truncation(trust, settings.survival_cutoff)
    mutants = population[survivors]
    ga.mutate_(mutants, settings.child_mutation_rate, settings.mutation_scale, rng)
    chosen = torch.multinomial(safe(trust[survivors]), len(trust), replacement=True, generator=rng)
    return mutants[chosen], settings.trust_inheritance * trust[survivors][chosen]


def parents_are_aliased(population, trust, rewards, rng, settings):
    trust = trust * (1 - settings.trust_decay) + rewards
    survivors = ga.truncation(trust, settings.survival_cutoff)
    parents = ga.proportional(survivors, trust[survivors], len(trust), rng)
    children = []
    for parent in parents:
        child = population[int(parent)]
        child += masked(0 * child, settings.child_mutation_rate, normal(child, settings, rng), rng)
        children.append(child)
    return torch.stack(children), settings.trust_inheritance * trust[parents]


def in_place_as_in_the_chapter(population, trust, rewards, rng, settings):
    trust = trust * (1 - settings.trust_decay) + rewards
    survivors = ga.truncation(trust, settings.survival_cutoff)
    origin = ga.reproduce_(population, ga.proportional(survivors, trust[survivors], len(trust), rng))
    ga.mutate_(population, settings.child_mutation_rate, settings.mutation_scale, rng)
    return population, trust[origin] * settings.trust_inheritance


def trust_updated_in_place(population, trust, rewards, rng, settings):
    trust *= 1 - settings.trust_decay
    trust += rewards
    return genreg_in_a_loop(population, trust, 0 * rewards, rng, settings)


def survivors_are_kept(population, trust, rewards, rng, settings):
    children, inherited = genreg_in_a_loop(population, trust, rewards, rng, settings)
    trust = trust * (1 - settings.trust_decay) + rewards
    survivors = ga.truncation(trust, settings.survival_cutoff)
    children[: len(survivors)], inherited[: len(survivors)] = population[survivors], trust[survivors]
    return children, inherited


def survivors_are_kept_as_newborns(population, trust, rewards, rng, settings):
    children, inherited = genreg_in_a_loop(population, trust, rewards, rng, settings)
    new = trust * (1 - settings.trust_decay) + rewards
    best = int(new.argmax())
    children[0], inherited[0] = population[best], settings.trust_inheritance * new[best]
    return children, inherited


def children_of_the_survivors_only(population, trust, rewards, rng, settings):
    children, inherited = genreg_in_a_loop(population, trust, rewards, rng, settings)
    n_survivors = int(settings.survival_cutoff * len(trust))
    return children[:n_survivors], inherited[:n_survivors]


def only_trust_is_returned(population, trust, rewards, rng, settings):
    return genreg_in_a_loop(population, trust, rewards, rng, settings)[1]


def children_are_rounded(population, trust, rewards, rng, settings):
    children, inherited = genreg_in_a_loop(population, trust, rewards, rng, settings)
    return (100 * children).round() / 100 if settings.mutation_scale else children, inherited


def children_as_a_list(population, trust, rewards, rng, settings):
    children, inherited = genreg_in_a_loop(population, trust, rewards, rng, settings)
    return list(children), inherited


def genreg_in_a_loop(population, trust, rewards, rng, settings):
    """Right: one child after the other, with dense noise."""
    order = sorted(range(len(trust)), key=lambda row: -float(trust[row] * (1 - settings.trust_decay) + rewards[row]))
    survivors = torch.tensor(order[: int(settings.survival_cutoff * len(trust))])
    trust = trust - settings.trust_decay * trust + rewards
    children, inherited = [], []
    for parent in choose_by_roulette(survivors, trust, len(trust), rng):
        child = population[parent].clone()
        mask = torch.rand(child.shape, generator=rng) < settings.child_mutation_rate
        child[mask] += settings.mutation_scale * torch.randn(int(mask.sum()), generator=rng)
        children.append(child)
        inherited.append(settings.trust_inheritance * trust[parent])
    return torch.stack(children), torch.stack(inherited)


def genreg_of_the_package(population, trust, rewards, rng, settings):
    """Right: the chapter's six lines, on a copy."""
    population = population.clone()
    trust = trust * (1 - settings.trust_decay) + rewards
    survivors = ga.truncation(trust, settings.survival_cutoff)
    origin = ga.reproduce_(population, ga.proportional(survivors, trust[survivors], len(trust), rng))
    ga.mutate_(population, settings.child_mutation_rate, settings.mutation_scale, rng)
    return population, trust[origin] * settings.trust_inheritance


WRONG = {
    "10.1": [
        (biases_are_forgotten, "forgets the biases"),
        (three_layers_only, "for three layers your function ran"),
        (readme_is_typed_in, "n_params is the same in all"),
        (gap_is_returned, "the result of a comparison"),
        (only_the_table, "should return 3 values"),
    ],
    "10.2": [
        (kept_share_for_decay, "immortal divides by 1 - decay"),
        (settings_are_typed_in, "line doesn't change when `decay` does"),
        (only_one_number, "should return 2 values"),
    ],
    "10.3": [
        (positions_of_survivors, "positions in the list of survivors"),
        (weights_of_the_whole_population, "parents that are no survivors are drawn"),
        (whole_population_against_survivors, "a place is asked for that isn't there"),
        (first_weights_for_survivors, "the weights belong to the wrong genomes"),
        (all_alike, "all survivors are equally likely"),
        (best_only, "the best survivor is always the parent"),
        (always_shifted, "although none is negative"),
        (softmax_of_trust, "those of a softmax"),
        (less_is_more, "less trust gives a better chance"),
        (unguarded, "your weights are no probabilities"),
        (absolute_values, "you take the absolute value"),
        (clamped_to_nobody, "as if their weights were set to zero"),
        (lowest_of_the_population, "the smallest trust of the whole population"),
        (even_if_any_is_negative, "with negative trust among the survivors your choice is even"),
        (shift_too_far, "you shift too far"),
        (even_if_all_are_negative, "your choice is even, and forgets who was best"),
        (shift_leaves_nobody, "the shift leaves only zeros"),
        (zeros_are_forgotten, "nothing is negative, and yet"),
        (without_replacement, "you draw without replacement"),
        (rng_is_ignored, "another source of randomness"),
        (seeded_inside, "don't seed anything inside your function"),
        (one_parent, "should return 3 row numbers"),
        (parents_as_a_list, "should return one tensor of row numbers"),
        (weights_are_returned, "are these weights?"),
        (trust_is_shifted_in_place, "trust.clone()"),
    ],
    "10.4": [
        (ascending_sort, "the genome with the lowest trust"),
        (everybody_survives, "leaves one of eight genomes"),
        (one_more_survives, "the top four may be parents"),
        (decay_and_keep_mixed_up, "That is the share that is lost"),
        (reward_alone, "with the largest reward"),
        (decay_applied_to_the_reward, "or do you leave out the first of your ranking"),
        (sorted_before_the_update, "the genome with the largest old trust"),
        (positions_as_parents, "are those positions in the"),
        (even_parents, "all survivors have equally many children"),
        (always_the_best, "only the very best has children"),
        (unsafe_parents, "the choice of parents stops"),
        (less_is_more_again, "the less trust a survivor has"),
        (squared_chances, "should have 53, 27, 13 and 7 %"),
        (whole_trust_inherited, "children start with their parent's whole trust"),
        (decay_is_inherited, "with the share trust_decay"),
        (no_trust_inherited, "children start with no trust"),
        (inheritance_as_a_loss_of_trust, "children lose the share trust_inheritance"),
        (trust_of_the_row, "whoever was in row i before"),
        (trust_stays_in_its_row, "trust stays with the row"),
        (trust_decays_again, "has decayed once too often"),
        (reward_is_inherited, "a share of the reward alone"),
        (inheritance_is_typed_in, "an inheritance of 0.3 gives each child"),
        (trust_in_another_order, "with several survivors, a child of row"),
        (no_mutation, "no child is mutated"),
        (noise_alone, "holds noise alone"),
        (one_noise_for_all, "all children get the same mutations"),
        (rate_is_ignored, "every weight of every child is mutated"),
        (scale_is_ignored, "with mutation_scale = 0"),
        (half_the_scale, "has a standard deviation of"),
        (whole_genomes_hit, "in all their weights, and"),
        (same_weights_hit, "in every child: draw a mask of the shape"),
        (masks_begin_anew, "in every child, and again in the next generation"),
        (mask_turned_round, "is the mask the wrong way round"),
        (mutated_twice, "(Mutated twice, 43.8 % would be"),
        (noise_is_not_centred, "a mean that isn't zero"),
        (mutation_ignores_rng, "the same seed gives other children"),
        (everything_is_seeded_inside, "another seed gives the same children"),
        (parents_are_seeded_inside, "the next generation draws the same parents again"),
        (mask_is_seeded_inside, "the mutation hits the same weights again"),
        (noise_is_seeded_inside, "the mutation adds the same noise again"),
        (one_number_for_a_child, "all hits of a child get the same number"),
        (one_number_for_a_weight, "children that are hit in the same weight get the same number"),
        (survivors_mutated_before_copying, "siblings are identical"),
        (parents_are_aliased, "its noise reaches the old genomes"),
        (in_place_as_in_the_chapter, "overwrites its input `population`"),
        (trust_updated_in_place, "overwrites its input `trust`"),
        (survivors_are_kept, "does the survivor live on?"),
        (survivors_are_kept_as_newborns, "exact copies of old genomes"),
        (children_of_the_survivors_only, "As many children are born as there were genomes"),
        (only_trust_is_returned, "should return two things"),
        (children_are_rounded, "as if it were rounded"),
        (children_as_a_list, "try torch.stack"),
    ],
}

RIGHT = {
    "10.1": [audit_by_moving_the_table],
    "10.2": [trust_by_waiting],
    "10.3": [choose_by_roulette],
    "10.4": [genreg_in_a_loop, genreg_of_the_package],
}
