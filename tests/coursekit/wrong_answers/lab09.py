"""Lab 9: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import math
from itertools import pairwise

import torch

from neuroevo import ga, nets

# 9.1 One pass for all


def cut(population, sizes):
    """Weights (G, out, in) and biases (G, out) of every layer."""
    return nets.MLP(sizes).layers(population)


def network(
    *,
    read=cut,
    last=lambda z: z,
    then=lambda z: z,
):
    """The forward pass with a part replaced."""

    def forward(population, x, sizes):
        h, layers = x, read(population, sizes)
        for depth, (weights, biases) in enumerate(layers, start=1):
            z = h @ weights.mT + biases[:, None]
            h = z.tanh() if depth < len(layers) else last(z)
        return then(h)

    return forward


activation_on_the_output = network(last=torch.tanh)
two_layers_only = network(read=lambda population, sizes: cut(population, sizes)[:2])
population_in_numpy = network(then=lambda z: z.numpy())
answer_for_one_genome = network(then=lambda z: z[0])


def loop_over_genomes(population, x, sizes):
    return torch.stack([network()(genome[None], x, sizes)[0] for genome in population])


def loop_over_images(population, x, sizes):
    return torch.stack([network()(population, image[None], sizes)[:, 0] for image in x], dim=1)


def genomes_where_images_belong(population, x, sizes):
    h = x.expand(len(population), -1, -1)
    for depth, (w, b) in enumerate(cut(population, sizes), start=1):
        h = torch.bmm(w, h.mT).mT + b.unsqueeze(1)
        h = h.view(len(population), len(population), -1) if depth < len(sizes) - 1 else h
        h = h.tanh() if depth < len(sizes) - 1 else h
    return h


def activation_overwrites_the_images(population, x, sizes):
    return network()(population, x.tanh_(), sizes)


def forward_by_vmap(population, x, sizes):
    """Right: one network, mapped over the rows."""

    def one_network(row, x):
        h, start = x, 0
        for depth, (a, b) in enumerate(pairwise(sizes), start=1):
            h = h @ row[start : start + a * b].view(b, a).T + row[start + a * b : start + a * b + b]
            start += a * b + b
            h = torch.tanh(h) if depth < len(sizes) - 1 else h
        return h

    return torch.func.vmap(one_network, in_dims=(0, None))(population, x)


def numbers_out_of_vmap(population, x, sizes):
    def one_network(row):
        return forward_by_vmap(torch.tensor([row.tolist()]), x, sizes)[0]

    return torch.vmap(one_network)(population)


def forward_by_columns(population, x, sizes):
    """Right: images as columns, as the package has it."""
    return nets.MLP(sizes).forward(population, x)


def forward_by_one_big_product(population, x, sizes):
    """Right: the first layer as one product, with genomes and images put in order afterwards."""
    (w, b), *rest = cut(population, sizes)
    h = (x @ w.flatten(0, 1).T).unflatten(1, b.shape).transpose(0, 1) + b[:, None]
    for w, b in rest:
        h = torch.einsum("gni,goi->gno", torch.tanh(h), w) + b[:, None]
    return h


# 9.2 Mutate a few of ten million


def gaps(n, rate, rng, n_gaps=None, first=-1):
    m = math.ceil(n * rate + 6 * math.sqrt(n * rate) + 6) if n_gaps is None else n_gaps
    places = torch.empty(m, dtype=torch.int64).geometric_(rate, generator=rng).cumsum(0) + first
    return places[places < n]


def scaled(hits, scale, rng):
    return scale * torch.randn(hits.shape, generator=rng)


def mutation(*, places=gaps, noise=scaled, rows=lambda rows, population: rows, row_of=None, add=None):
    """A sparse mutation with a part replaced."""

    def mutate_(population, chosen, rate, scale, rng):
        n_params = population.shape[1]
        chosen = rows(chosen, population)
        hits = places(len(chosen) * n_params, rate, rng)
        row = row_of(hits // n_params, chosen) if row_of else chosen[hits // n_params]
        values = noise(hits, scale, rng)
        if add:
            add(population, row, hits % n_params, values)
        else:
            population[row, hits % n_params] += values

    return mutate_


def fixed_count(n, rate, rng):
    return torch.randperm(n, generator=rng)[: round(n * rate)]


def evenly_spread(n, rate, rng):
    """Gaps of uniform length, of the right mean."""
    m = math.ceil(2 * n * rate) + 10
    places = torch.randint(1, round(2 / rate), (m,), generator=rng).cumsum(0) - 1
    return places[places < n]


def per_row(n_params):
    def places(n, rate, rng):
        in_row = torch.rand(n // n_params, n_params, generator=rng).argsort(dim=1)[:, : round(rate * n_params)]
        return (in_row + n_params * torch.arange(n // n_params)[:, None]).flatten()

    return places


def adds_up(population, row, column, values):
    population.view(-1).scatter_add_(0, row * population.shape[1] + column, values)


def from_zero(n, rate, rng):
    places = torch.empty(2 * n, dtype=torch.int64).geometric_(rate, generator=rng).sub(1).cumsum(0)
    return places[places < n]


def with_repeats(n, rate, rng):
    return torch.randint(n, (round(n * rate),), generator=rng)


double_hits_add = mutation(places=with_repeats, add=adds_up)
double_hits_are_lost = mutation(places=with_repeats)
gaps_from_zero_add = mutation(places=from_zero, add=adds_up)
fixed_number_of_hits = mutation(places=fixed_count)
rate_is_ignored = mutation(places=lambda n, rate, rng: torch.arange(n))
rate_comes_twice = mutation(places=lambda n, rate, rng: gaps(n, rate**2, rng))
rate_is_turned_round = mutation(places=lambda n, rate, rng: gaps(n, 1 - rate, rng))
rate_is_typed_in = mutation(places=lambda n, rate, rng: gaps(n, 0.07, rng))
first_weight_is_spared = mutation(places=lambda n, rate, rng: gaps(n, rate, rng, first=0))
gaps_run_out = mutation(places=lambda n, rate, rng: gaps(n, rate, rng, n_gaps=int(n * rate)))
gaps_are_hardly_enough = mutation(places=lambda n, rate, rng: gaps(n, rate, rng, n_gaps=int(1.3 * n * rate)))
gaps_are_often_enough = mutation(
    places=lambda n, rate, rng: gaps(n, rate, rng, n_gaps=int(n * rate + math.sqrt(n * rate) + 6))
)
gaps_for_six_times_the_hits = mutation(places=lambda n, rate, rng: gaps(n, rate, rng, n_gaps=int(6 * n * rate) + 9))
gaps_are_not_cut = mutation(
    places=lambda n, rate, rng: (
        torch.empty(math.ceil(n * rate + 6 * math.sqrt(n * rate) + 6), dtype=torch.int64)
        .geometric_(rate, generator=rng)
        .cumsum(0)
        - 1
    )
)
gaps_are_uniform = mutation(places=evenly_spread)
dense_mask = mutation(places=lambda n, rate, rng: (torch.rand(n, generator=rng) < rate).nonzero().flatten())
weights_are_multiplied = mutation(
    add=lambda population, row, column, values: population.__setitem__((row, column), population[row, column] * values)
)
gaps_are_not_added_up = mutation(
    places=lambda n, rate, rng: torch.empty(n, dtype=torch.int64).geometric_(rate, generator=rng) - 1
)
column_for_row = mutation(row_of=lambda child, chosen: chosen.flip(0)[child] - 1)
scale_is_ignored = mutation(noise=lambda hits, scale, rng: torch.randn(hits.shape, generator=rng))
scale_is_typed_in = mutation(noise=lambda hits, scale, rng: scaled(hits, 0.35, rng))
scale_comes_twice = mutation(noise=lambda hits, scale, rng: scale * scaled(hits, scale, rng))
noise_is_uniform = mutation(noise=lambda hits, scale, rng: scale * torch.rand(hits.shape, generator=rng))
one_number_for_all_hits = mutation(noise=lambda hits, scale, rng: scaled(torch.zeros(1), scale, rng).expand(hits.shape))
scale_without_noise = mutation(noise=lambda hits, scale, rng: torch.full(hits.shape, scale))
own_randomness = mutation(noise=lambda hits, scale, rng: scale * torch.randn(hits.shape))
positions_for_rows = mutation(row_of=lambda position, chosen: position)
parents_are_mutated = mutation(rows=lambda rows, population: torch.arange(len(population)))


def counts_for_each_row(population, rows, rate, scale, rng):
    mutation(places=per_row(population.shape[1]))(population, rows, rate, scale, rng)


def seeded_inside(population, rows, rate, scale, rng):
    mutation()(population, rows, rate, scale, torch.Generator().manual_seed(0))


def noise_is_seeded_inside(population, rows, rate, scale, rng):
    fixed = torch.Generator().manual_seed(0)
    mutation(noise=lambda hits, scale, _: scaled(hits, scale, fixed))(population, rows, rate, scale, rng)


def gaps_are_seeded_inside(population, rows, rate, scale, rng):
    fixed = torch.Generator().manual_seed(0)
    mutation(places=lambda n, rate, _: gaps(n, rate, fixed))(population, rows, rate, scale, rng)


def weights_are_overwritten(population, rows, rate, scale, rng):
    hits = gaps(len(rows) * population.shape[1], rate, rng)
    population[rows[hits // population.shape[1]], hits % population.shape[1]] = scaled(hits, scale, rng)


def noise_of_a_weight_is_shared(population, rows, rate, scale, rng):
    shared = scale * torch.randn(population.shape[1], generator=rng)
    hits = gaps(len(rows) * population.shape[1], rate, rng)
    column = hits % population.shape[1]
    population[rows[hits // population.shape[1]], column] += shared[column]


def count_begins_anew(population, rows, rate, scale, rng):
    anew = torch.Generator().manual_seed(rng.initial_seed())

    def places(n, rate, rng):
        count = int(torch.binomial(torch.tensor(float(n)), torch.tensor(rate), generator=anew))
        return torch.randperm(n, generator=rng)[:count]

    mutation(places=places)(population, rows, rate, scale, rng)


def same_mutations_for_all(population, rows, rate, scale, rng):
    hits = gaps(population.shape[1], rate, rng)
    population[rows[:, None], hits] += scaled(hits, scale, rng)


def same_weights_for_all(population, rows, rate, scale, rng):
    hits = gaps(population.shape[1], rate, rng)
    population[rows[:, None], hits] += scale * torch.randn(len(rows), len(hits), generator=rng)


def whole_genomes(population, rows, rate, scale, rng):
    hit = rows[gaps(len(rows), rate, rng)]
    population[hit] += scale * torch.randn(len(hit), population.shape[1], generator=rng)


def copy_is_mutated(population, rows, rate, scale, rng):
    children = population[rows]
    mutation()(children, torch.arange(len(rows)), rate, scale, rng)


def copy_is_returned(population, rows, rate, scale, rng):
    population = population.clone()
    mutation()(population, rows, rate, scale, rng)
    return population


def rows_are_sorted_in_place(population, rows, rate, scale, rng):
    rows.copy_(rows.sort().values)
    mutation()(population, rows, rate, scale, rng)


def mutation_by_the_package(population, rows, rate, scale, rng):
    """Right: the package's own, which knows rows."""
    ga.mutate_(population, rate, scale, rng, rows)


def mutation_by_counts(population, rows, rate, scale, rng):
    """Right: how many first, then distinct places, drawn until there are enough; the children put back as a whole."""
    children = population[rows]
    n = children.numel()
    count = int(torch.binomial(torch.tensor(float(n)), torch.tensor(rate), generator=rng))
    places = torch.zeros(0, dtype=torch.int64)
    while len(places) < count:
        more = torch.randint(n, (count - len(places),), generator=rng)
        places = torch.cat([places, more]).unique()
    children.view(-1)[places] += scaled(places, scale, rng)
    population[rows] = children


# 9.3 Will it fit?


def plan(
    *,
    element=4,
    image=lambda sizes: 4 * sizes[0],
    chunk=lambda left, each, g: min(g, max(1, left // each)),
    after=lambda *three: three,
):
    """A plan with a part replaced."""

    def memory_plan(sizes, n_genomes, n_images, limit_bytes):
        population = element * n_genomes * sum((a + 1) * b for a, b in pairwise(sizes))
        one = element * n_images * max([sizes[1]] + [a + b for a, b in pairwise(sizes[1:])])
        left = limit_bytes - population - n_images * image(sizes)
        return after(population, one, chunk(left, one, n_genomes))

    return memory_plan


bits = plan(element=32)


numbers_of_an_image = plan(image=lambda sizes: sizes[0])
outputs_of_an_image = plan(image=lambda sizes: 4 * sizes[1])
images_give_room = plan(image=lambda sizes: -4 * sizes[0])
everything_fits = plan(chunk=lambda left, each, g: g)
two_numbers = plan(after=lambda population, one, chunk: (population, one))
example_is_typed_in = plan(after=lambda population, one, chunk: (population, one, 3))


def plan_by_trying(sizes, n_genomes, n_images, limit_bytes):
    """Right: tensors of these shapes are asked for their size, and genomes are added while they fit."""
    rows = torch.empty(n_genomes, nets.MLP(sizes).n_params, device="meta")
    layers = [torch.empty(n_images, width, device="meta").nbytes for width in sizes]
    one = layers[1]
    for before, behind in pairwise(layers[1:]):
        one = max(one, before + behind)
    chunk = 1
    while chunk < n_genomes and rows.nbytes + layers[0] + (chunk + 1) * one <= limit_bytes:
        chunk += 1
    return [rows.nbytes, one, chunk]


def forward_by_lists(population, x, sizes):
    answers = []
    for genome in population.tolist():
        said = [list(image) for image in x.tolist()]
        place = 0
        for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
            rows = [genome[place + i * n_in : place + (i + 1) * n_in] for i in range(n_out)]
            biases = genome[place + n_in * n_out : place + (n_in + 1) * n_out]
            place += (n_in + 1) * n_out
            sums = [
                [sum(w * v for w, v in zip(row, one, strict=True)) + b for row, b in zip(rows, biases, strict=True)]
                for one in said
            ]
            said = sums if layer == len(sizes) - 2 else [[math.tanh(z) for z in one] for one in sums]
        answers.append(said)
    return torch.tensor(answers, dtype=population.dtype)


WRONG = {
    "9.1": [
        (activation_on_the_output, "the activation is on the output layer too"),
        (two_layers_only, "it ends with the second layer"),
        (loop_over_genomes, "for four times as many genomes"),
        (loop_over_images, "for four times as many images"),
        (forward_by_lists, "takes numbers out of torch"),
        (genomes_where_images_belong, "your function stops for 3 genomes, 5 images"),
        (numbers_out_of_vmap, "no numbers of its own to take out"),
        (activation_overwrites_the_images, "changed its input `x` in place"),
        (population_in_numpy, "should be one tensor"),
        (answer_for_one_genome, "should have the shape (2, 2, 2)"),
    ],
    "9.2": [
        (double_hits_add, "as if that of two hits added up"),
        (gaps_from_zero_add, "as if some weights were hit more than once"),
        (double_hits_are_lost, "Then one of two is lost"),
        (counts_for_each_row, "every child is hit in exactly 60 of 200 weights"),
        (fixed_number_of_hits, "there are exactly 600 hits"),
        (count_begins_anew, "the number of hits is drawn from a generator that begins anew"),
        (rate_is_ignored, "every weight of every child is hit"),
        (rate_comes_twice, "that is its square"),
        (rate_is_turned_round, "so many should be spared"),
        (rate_is_typed_in, "of the children's weights are hit, where the rate is 40 %"),
        (first_weight_is_spared, "the very first weight, at position 0"),
        (gaps_run_out, "Do your gaps run out"),
        (gaps_are_hardly_enough, "of the 6 at once"),
        (gaps_are_often_enough, "not one of the last 60 weights is hit"),
        (gaps_for_six_times_the_hits, "among 100,000 weights you draw 6,"),
        (gaps_are_not_cut, "the positions p end at"),
        (gaps_are_uniform, "hits are not independent"),
        (dense_mask, "among 100,000 weights you draw 101,"),
        (noise_of_a_weight_is_shared, "the noise is shared over the genomes"),
        (same_mutations_for_all, "all children get the same mutations"),
        (same_weights_for_all, "the same weights are hit in every child"),
        (whole_genomes, "a child is hit in all its weights or in none"),
        (scale_is_ignored, "it is ignored"),
        (scale_is_typed_in, "should be normal with a standard deviation of 2"),
        (scale_comes_twice, "your noise has the wrong standard deviation: it is applied twice"),
        (noise_is_uniform, "torch.rand (from 0 to 1) isn't"),
        (scale_without_noise, "every hit gets `scale` itself"),
        (one_number_for_all_hits, "every hit gets the same number"),
        (weights_are_multiplied, "is multiplied by noise"),
        (gaps_are_not_added_up, "the last hit is at position"),
        (column_for_row, "isn't in `rows`, and has changed. Position p"),
        (weights_are_overwritten, "nothing of the old weight is left"),
        (noise_is_seeded_inside, "the noise comes again"),
        (gaps_are_seeded_inside, "two calls in a row hit the same weights"),
        (own_randomness, "another source of randomness"),
        (seeded_inside, "seed nothing inside"),
        (positions_for_rows, "is p // n_params taken for the row?"),
        (parents_are_mutated, "every row of the population has changed"),
        (copy_is_mutated, "should be hit. Are there hits"),
        (copy_is_returned, "should be hit. What you return"),
        (rows_are_sorted_in_place, "your function changes `rows`"),
    ],
    "9.3": [
        (bits, "population is 8 times"),
        (numbers_of_an_image, "chunk gives the images a fourth of their room"),
        (outputs_of_an_image, "the room of the first layer's outputs"),
        (images_give_room, "chunk adds the images' bytes"),
        (everything_fits, "chunk is `n_genomes` as it was given, and not what is asked for"),
        (two_numbers, "your function should return 3 values"),
        (example_is_typed_in, "chunk is the same in all"),
    ],
}

RIGHT = {
    "9.1": [forward_by_vmap, forward_by_columns, forward_by_one_big_product],
    "9.2": [mutation_by_the_package, mutation_by_counts],
    "9.3": [plan_by_trying],
}
