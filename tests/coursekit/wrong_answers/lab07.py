"""Lab 7: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import math

import torch

from neuroevo import ga

# 7.1 Sigma is a gene


def draw(like, rng):
    return torch.randn(like.shape, generator=rng, dtype=like.dtype)


def crossed(mothers, fathers, share):
    return share * mothers[..., :-1] + (1 - share) * fathers[..., :-1]


def halfway(mothers, fathers):
    return (mothers[..., -1:] + fathers[..., -1:]) / 2


def breeder(*, cross=crossed, inherit=halfway, sigma=None, move=None):
    """`breed` with one part replaced: sigma(log_sigma, tau, rng), move(weights, old, new, tau, rng)."""

    def breed(mothers, fathers, share, tau, rng):
        weights, old = cross(mothers, fathers, share), inherit(mothers, fathers)
        new = sigma(old, tau, rng) if sigma else old + tau * draw(old, rng)
        weights = move(weights, old, new, tau, rng) if move else weights + new.exp() * draw(weights, rng)
        return torch.cat([weights, new], dim=-1)

    return breed


parents_are_swapped = breeder(cross=lambda m, f, share: crossed(f, m, share))
sigma_is_not_inherited = breeder(inherit=lambda m, f: torch.full_like(m[..., -1:], math.log(0.1)))
sigma_is_clamped = breeder(sigma=lambda old, tau, rng: (old + tau * draw(old, rng)).clamp(min=0))
sigma_is_never_mutated = breeder(sigma=lambda old, tau, rng: old)
tau_is_forgotten = breeder(sigma=lambda old, tau, rng: old + draw(old, rng))
tau_is_squared = breeder(sigma=lambda old, tau, rng: old + tau**2 * draw(old, rng))
gene_is_multiplied = breeder(sigma=lambda old, tau, rng: old * torch.exp(tau * draw(old, rng)))
one_draw_for_all_sigmas = breeder(sigma=lambda old, tau, rng: old + tau * torch.randn(1, generator=rng))
tau_is_added_to_sigma = breeder(sigma=lambda old, tau, rng: (old.exp() + tau * draw(old, rng)).abs().log())
old_sigma_is_used = breeder(move=lambda w, old, new, tau, rng: w + old.exp() * draw(w, rng))
exp_is_forgotten = breeder(move=lambda w, old, new, tau, rng: w + new * draw(w, rng))
sigma_is_not_used = breeder(move=lambda w, old, new, tau, rng: w + draw(w, rng))
weights_stay = breeder(move=lambda w, old, new, tau, rng: w)
noise_times_tau = breeder(move=lambda w, old, new, tau, rng: w + tau * new.exp() * draw(w, rng))
one_draw_a_child = breeder(move=lambda w, old, new, tau, rng: w + new.exp() * draw(new, rng))
one_draw_a_column = breeder(move=lambda w, old, new, tau, rng: w + new.exp() * draw(w[..., :1, :], rng))
another_sigma_is_used = breeder(
    move=lambda w, old, new, tau, rng: w + (old + tau * draw(old, rng)).exp() * draw(w, rng)
)
noise_is_uniform = breeder(
    move=lambda w, old, new, tau, rng: w + new.exp() * (2 * torch.rand(w.shape, generator=rng) - 1)
)
generator_is_forgotten = breeder(move=lambda w, old, new, tau, rng: w + new.exp() * torch.randn(w.shape))
sigma_turns_negative = breeder(sigma=lambda old, tau, rng: (old.exp() * (1 + tau * draw(old, rng))).log())
sigma_is_cut_off = breeder(
    sigma=lambda old, tau, rng: torch.where(
        old > 0, (old + tau * draw(old, rng)).abs(), -(old + tau * draw(old, rng)).abs()
    )
)
tau_without_chance = breeder(sigma=lambda old, tau, rng: old + tau)
tau_is_divided = breeder(sigma=lambda old, tau, rng: old + tau / draw(old, rng))
sigma_explodes = breeder(sigma=lambda old, tau, rng: old + 1000 * tau * draw(old, rng))
sigma_loses_its_sign = breeder(move=lambda w, old, new, tau, rng: w + (-new).exp() * draw(w, rng))
weights_by_a_quotient = breeder(move=lambda w, old, new, tau, rng: w + new.exp() / draw(w, rng))
sigma_comes_twice = breeder(move=lambda w, old, new, tau, rng: w + (2 * new).exp() * draw(w, rng))
root_of_sigma = breeder(move=lambda w, old, new, tau, rng: w + (new / 2).exp() * draw(w, rng))
weights_only_rise = breeder(move=lambda w, old, new, tau, rng: w + new.exp() * draw(w, rng).abs())
some_weights_break = breeder(move=lambda w, old, new, tau, rng: w + new.exp() * draw(w, rng) / (new < 1))
tau_times_even_noise = breeder(
    sigma=lambda old, tau, rng: old + tau * 12**0.5 * (torch.rand(old.shape, generator=rng) - 0.5)
)
power_of_ten = breeder(move=lambda w, old, new, tau, rng: w + 10**new * draw(w, rng))


def noise_reaches_the_last_column(mothers, fathers, share, tau, rng):
    children = torch.cat([crossed(mothers, fathers, share), halfway(mothers, fathers)], dim=-1)
    children[..., -1] += tau * draw(children[..., -1], rng)
    return children + children[..., -1:].exp() * draw(children, rng)


def children_are_the_mothers(mothers, fathers, share, tau, rng):
    children = mothers
    children[..., :-1] = crossed(mothers, fathers, share)
    children[..., -1] += tau * draw(children[..., -1], rng)
    children[..., :-1] += children[..., -1:].exp() * draw(children[..., :-1], rng)
    return children


def sigma_is_left_out(mothers, fathers, share, tau, rng):
    return breeder()(mothers, fathers, share, tau, rng)[..., :-1]


def a_draw_is_used_twice(mothers, fathers, share, tau, rng):
    noise = torch.randn(share.shape, generator=rng, dtype=share.dtype)
    log_sigma = halfway(mothers, fathers) + tau * noise[..., :1]
    return torch.cat([crossed(mothers, fathers, share) + log_sigma.exp() * noise, log_sigma], dim=-1)


def seeded_inside(mothers, fathers, share, tau, rng):
    return breeder()(mothers, fathers, share, tau, torch.Generator().manual_seed(0))


def bred_in_place(mothers, fathers, share, tau, rng):
    """Right: as in the chapter, in place, on a new tensor."""
    half = torch.full_like(share[..., :1], 0.5)
    children = ga.cross(mothers, fathers, torch.cat([share, half], dim=-1))
    children[..., -1] += tau * torch.randn(children.shape[:-1], generator=rng)
    children[..., :-1] += torch.exp(children[..., -1:]) * torch.randn(share.shape, generator=rng)
    return children


def bred_by_products(mothers, fathers, share, tau, rng):
    """Right: sigma itself, its geometric mean, and a log-normal factor; the weights' noise is drawn first."""
    noise = torch.normal(torch.zeros_like(share), torch.ones_like(share), generator=rng)
    factor = torch.exp(tau * torch.randn(*share.shape[:-1], 1, generator=rng))
    sigma = (mothers[..., -1:].exp() * fathers[..., -1:].exp()).sqrt() * factor
    return torch.cat([torch.lerp(fathers[..., :-1], mothers[..., :-1], share) + sigma * noise, sigma.log()], dim=-1)


# 7.2 A life between two generations


def life(*, hand=lambda inherit: inherit == "lamarck"):
    """`live`, or one with a mistake in when what was learned is handed on."""

    def live(genomes, loss, step_, inherit, n_steps):
        if inherit not in ("lamarck", "baldwin", "none"):
            raise ValueError(f"inherit is lamarck, baldwin or none, not {inherit}")
        learned = genomes.clone()
        for _ in range(n_steps):
            step_(learned)
        learns = inherit != "none"
        fitness = -loss(learned if learns else genomes)
        return fitness, learned if hand(inherit) else genomes, 1 + 3 * n_steps * learns

    return live


def nobody_learns(genomes, loss, step_, inherit, n_steps):
    fitness, heirs, cost = life()(genomes, loss, lambda learned: None, inherit, n_steps)
    return fitness, heirs, cost


modes_are_swapped = life(hand=lambda inherit: inherit == "baldwin")


def bare_error(genomes, loss, step_, inherit, n_steps):
    if inherit not in ("lamarck", "baldwin", "none"):
        raise ValueError("bad inherit")
    return life()(genomes, loss, step_, inherit, n_steps)


def cost_is_typed_in(genomes, loss, step_, inherit, n_steps):
    fitness, heirs, _ = life()(genomes, loss, step_, inherit, n_steps)
    return fitness, heirs, 7


def births_are_lost(genomes, loss, step_, inherit, n_steps):
    learned = genomes
    for _ in range(n_steps if inherit != "none" else 0):
        step_(learned)
    return -loss(learned), learned if inherit == "lamarck" else genomes, 1 + 3 * n_steps


def step_returns_something(genomes, loss, step_, inherit, n_steps):
    learned = genomes.clone()
    for _ in range(n_steps):
        learned = step_(learned)
    return -loss(learned), learned, 1


def anything_goes(genomes, loss, step_, inherit, n_steps):
    return life()(genomes, loss, step_, inherit if inherit in ("lamarck", "baldwin") else "none", n_steps)


def best_of_a_life(genomes, loss, step_, inherit, n_steps):
    learned = genomes.clone()
    fitness = -loss(learned)
    for _ in range(n_steps if inherit != "none" else 0):
        step_(learned)
        fitness = torch.maximum(fitness, -loss(learned))
    return fitness, learned if inherit == "lamarck" else genomes, life()(genomes, loss, step_, inherit, n_steps)[2]


def right_words_are_refused(genomes, loss, step_, inherit, n_steps):
    if inherit != "lamarck" or inherit != "baldwin" or inherit != "none":
        raise ValueError("lamarck, baldwin or none")
    return life()(genomes, loss, step_, inherit, n_steps)


def cost_of_each(genomes, loss, step_, inherit, n_steps):
    fitness, heirs, cost = life()(genomes, loss, step_, inherit, n_steps)
    return fitness, heirs, torch.full(fitness.shape, cost)


def fitness_alone(genomes, loss, step_, inherit, n_steps):
    return life()(genomes, loss, step_, inherit, n_steps)[0]


def life_by_cases(genomes, loss, step_, inherit, n_steps):
    """Right: one case after the other."""
    if inherit == "none":
        return -loss(genomes), genomes.clone(), 1
    learned = genomes + 0
    for _ in range(n_steps):
        step_(learned)
    if inherit == "lamarck":
        return -loss(learned), learned, 3 * n_steps + 1
    if inherit == "baldwin":
        return [-loss(learned), genomes, 3 * n_steps + 1]
    raise ValueError("Lamarck, Baldwin or none")


# 7.3 The steering test


def played(env, policy, seed, *, push=lambda w, state: w[:4] @ state + w[4] > 0, over=None):
    """The rewards of one episode, with one part replaced."""
    state, _ = env.reset(seed=seed)
    rewards, ended = [], False
    while not ended:
        state, reward, terminated, truncated, _ = env.step(int(push(policy, torch.as_tensor(state))))
        rewards.append(reward)
        ended = over(terminated, truncated, len(rewards)) if over else terminated or truncated
    return rewards


def steering(*, seeds_of=lambda seeds, row: seeds, **parts):
    """`mean_returns` with one part replaced."""

    def mean_returns(env, policies, seeds):
        scores = []
        for row, policy in enumerate(policies):
            episodes = [sum(played(env, policy, seed, **parts)) for seed in seeds_of(seeds, row)]
            scores.append(sum(episodes) / len(episodes))
        return torch.tensor(scores)

    return mean_returns


bias_is_forgotten = steering(push=lambda w, state: w[:4] @ state > 0)
push_is_cut_off = steering(push=lambda w, state: w[:4] @ state + w[4])
time_limit_is_ignored = steering(over=lambda terminated, truncated, n: terminated)
falling_is_ignored = steering(over=lambda terminated, truncated, n: truncated)
five_hundred_steps = steering(over=lambda terminated, truncated, n: terminated or truncated or n == 500)
every_genome_its_own_seeds = steering(seeds_of=lambda seeds, row: [seed + 100 * row for seed in seeds])
first_seed_again = steering(seeds_of=lambda seeds, row: seeds[:1] * len(seeds))


def nothing_is_reset(env, policies, seeds):
    return torch.tensor([env.step(0)[1] for _ in policies])


first_seed_alone = steering(seeds_of=lambda seeds, row: seeds[:1])


def seed_is_forgotten(env, policies, seeds):
    env.reset()
    return torch.zeros(len(policies))


def action_is_a_tensor(env, policies, seeds):
    state, _ = env.reset(seed=seeds[0])
    env.step((policies[0, :4] @ torch.as_tensor(state) > 0).long())
    return torch.zeros(len(policies))


def a_list_of_scores(env, policies, seeds):
    return steering()(env, policies, seeds).tolist()


def mean_of_everything(env, policies, seeds):
    return steering()(env, policies, seeds).mean()


def seeds_outside(env, policies, seeds):
    """Right: seed by seed, in NumPy, with a loop that is left by break."""
    weights, totals = policies.numpy(), torch.zeros(len(policies))
    for seed in seeds:
        for row in range(len(policies)):
            state = env.reset(seed=seed)[0]
            while True:
                action = 1 if (weights[row, :-1] * state).sum() > -weights[row, -1] else 0
                state, reward, terminated, truncated, _info = env.step(action)
                totals[row] += float(reward)
                if terminated or truncated:
                    break
    return totals / len(seeds)


def unknown_word_is_looked_up(genomes, loss, step_, inherit, n_steps):
    n_steps = {"lamarck": n_steps, "baldwin": n_steps, "none": 0}[inherit]
    learned = genomes.clone()
    for _ in range(n_steps):
        step_(learned)
    return -loss(learned), learned if inherit == "lamarck" else genomes, 1 + 3 * n_steps


WRONG = {
    "7.1": [
        (parents_are_swapped, "mother and father are swapped"),
        (sigma_is_not_inherited, "sigma is not inherited"),
        (sigma_is_clamped, "Is it clamped, or never written"),
        (sigma_is_never_mutated, "never mutated"),
        (tau_is_forgotten, "though tau is 0"),
        (tau_is_squared, "with a standard deviation of 0.49"),
        (gene_is_multiplied, "never changes its sign: it is multiplied by exp"),
        (one_draw_for_all_sigmas, "share the draw that moves ln sigma"),
        (tau_is_added_to_sigma, "added to sigma, or multiplied by something"),
        (noise_reaches_the_last_column, "Did noise of the weights reach"),
        (old_sigma_is_used, "by the parents' sigma"),
        (exp_is_forgotten, "flung far away"),
        (sigma_is_not_used, "though sigma is exp(-55)"),
        (weights_stay, "the weights never mutate"),
        (noise_times_tau, "multiplied by tau as well"),
        (one_draw_a_child, "all weights of a child move by the same draw"),
        (one_draw_a_column, "children's weights move by the same draws"),
        (another_sigma_is_used, "drawn twice?"),
        (noise_is_uniform, "the standard deviation 0.58"),
        (generator_is_forgotten, "does not come from `rng`"),
        (children_are_the_mothers, "your function writes into `mothers`"),
        (sigma_is_left_out, "with ln sigma last"),
        (sigma_turns_negative, "a logarithm or a root taken of a negative number"),
        (power_of_ten, "a natural logarithm"),
        (tau_times_even_noise, "where N(0, 1) goes up to about 4"),
        (tau_is_divided, "It moves by tau / N(0, 1)"),
        (sigma_explodes, "is it tau times torch.randn(...)"),
        (sigma_loses_its_sign, "as if sigma were exp(55)"),
        (weights_by_a_quotient, "the weights move by sigma / N(0, 1)"),
        (sigma_comes_twice, "the weights move by sigma * sigma"),
        (root_of_sigma, "the weights move by the root of sigma"),
        (weights_only_rise, "no weight ever moves down"),
        (some_weights_break, "as of a child with ln sigma"),
        (a_draw_is_used_twice, "one draw does two jobs: those of ln sigma and of a weight"),
        (seeded_inside, "don't seed anything"),
        (sigma_is_cut_off, "is it multiplied by something, or cut off?"),
        (tau_without_chance, "ln sigma moves by 0.70 in every child, whatever the seed"),
    ],
    "7.2": [
        (modes_are_swapped, "Lamarck and Baldwin are swapped"),
        (best_of_a_life, "the best of a whole life"),
        (right_words_are_refused, "Your own `raise` stops it"),
        (cost_of_each, "cost should be one number"),
        (bare_error, "name the three words"),
        (cost_is_typed_in, "cost is the same in all"),
        (births_are_lost, "the weights of birth are lost"),
        (step_returns_something, "returns None"),
        (anything_goes, "raise a ValueError"),
        (nobody_learns, "nobody learns"),
        (fitness_alone, "should return 3 values"),
        (unknown_word_is_looked_up, "ends in a KeyError"),
    ],
    "7.3": [
        (bias_is_forgotten, "the bias is forgotten"),
        (push_is_cut_off, "(int)."),
        (time_limit_is_ignored, "the episode was truncated"),
        (falling_is_ignored, "the episode was terminated"),
        (five_hundred_steps, "left before its end"),
        (every_genome_its_own_seeds, "began from seed [101]"),
        (first_seed_alone, "played 2 episodes"),
        (first_seed_again, "seed 1 was played 4 times by 2 genomes"),
        (nothing_is_reset, "before any reset(seed=seed)"),
        (seed_is_forgotten, "reset() without a seed"),
        (action_is_a_tensor, "(Tensor)."),
        (a_list_of_scores, "not a list"),
        (mean_of_everything, "but yours has the shape ()"),
    ],
}

RIGHT = {
    "7.1": [bred_in_place, bred_by_products],
    "7.2": [life_by_cases],
    "7.3": [seeds_outside],
}
