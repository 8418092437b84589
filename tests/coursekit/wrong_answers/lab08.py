"""Lab 8: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import math

import numpy as np
import torch

from neuroevo import strategies

# 8.1 A gradient from scores


def draw(theta, n_pairs, rng):
    shape = (*theta.shape[:-1], n_pairs, theta.shape[-1])
    return torch.randn(shape, generator=rng, dtype=theta.dtype)


def pairs(loss, theta, sigma, n_pairs, rng):
    """Difference of the two scores of each pair (..., n, 1), and the noise (..., n, d)."""
    noise = draw(theta, n_pairs, rng)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return (plus - minus)[..., None], noise


def minus_comes_first(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return -(difference * noise).mean(-2) / (2 * sigma)


def sigma_is_forgotten(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).mean(-2) / 2


def sigma_is_squared(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).mean(-2) / (2 * sigma**2)


def step_is_the_weight(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * (sigma * noise)).mean(-2) / 2


def shape_of_theta_is_lost(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).mean(-2, keepdim=theta.dim() == 1) / (2 * sigma)


def two_is_forgotten(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).mean(-2) / sigma


def two_comes_twice(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).sum(-2) / (2 * n_pairs) / (2 * sigma)


def sum_for_mean(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).sum(-2) / (2 * sigma)


def plus_side_only(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return (plus[..., None] * noise + 0 * minus[..., None]).mean(-2) / sigma


def scores_are_added(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus + minus)[..., None] * noise).mean(-2) / (2 * sigma)


def one_sided_without_baseline(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    return (loss(theta[..., None, :] + sigma * noise)[..., None] * noise).mean(-2) / sigma


def baseline_at_theta(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    score = loss(theta[..., None, :] + sigma * noise) - loss(theta)[..., None]
    return (score[..., None] * noise).mean(-2) / sigma


def as_many_as_axes(loss, theta, sigma, n_pairs, rng):
    steps = 1e-4 * torch.eye(theta.shape[-1], dtype=theta.dtype)
    return (loss(theta[..., None, :] + steps) - loss(theta[..., None, :] - steps)) / 2e-4


def noise_is_redrawn(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    plus = loss(theta[..., None, :] + sigma * noise)
    minus = loss(theta[..., None, :] - sigma * draw(theta, n_pairs, rng))
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def both_points_are_plus(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] + sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def one_step_for_all_pairs(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, 1, rng).expand(*theta.shape[:-1], n_pairs, theta.shape[-1])
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def theta_is_forgotten(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    return ((loss(sigma * noise) - loss(-sigma * noise))[..., None] * noise).mean(-2) / (2 * sigma)


def torchs_own_noise(loss, theta, sigma, n_pairs, rng):
    noise = torch.randn(*theta.shape[:-1], n_pairs, theta.shape[-1], dtype=theta.dtype)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def seeded_inside(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, torch.Generator().manual_seed(0))
    return (difference * noise).mean(-2) / (2 * sigma)


def one_number_a_pair(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)[..., :1].expand(*theta.shape[:-1], n_pairs, theta.shape[-1])
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def uniform_noise(loss, theta, sigma, n_pairs, rng):
    noise = torch.rand(*theta.shape[:-1], n_pairs, theta.shape[-1], generator=rng, dtype=theta.dtype)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def estimated(*, plus=lambda sigma, noise: sigma * noise, minus=None, value=lambda plus, minus: plus - minus,
              weigh=lambda noise, sigma: noise / (2 * sigma), centre=1):  # fmt: skip
    """An estimate with the steps of a side, the value of a pair, or its weight replaced."""

    def smoothed_gradient(loss, theta, sigma, n_pairs, rng):
        noise, middle = draw(theta, n_pairs, rng), theta[..., None, :]
        there = loss(middle + plus(sigma, noise))
        back = loss(centre * middle - (minus or plus)(sigma, noise))
        return (value(there, back)[..., None] * weigh(noise, sigma)).mean(-2)

    return smoothed_gradient


sigma_by_noise = estimated(plus=lambda sigma, noise: sigma / noise)
sigma_by_noise_on_one_side = estimated(minus=lambda sigma, noise: sigma / noise)
noise_by_sigma = estimated(plus=lambda sigma, noise: noise / sigma)
sigma_is_squared_in_steps = estimated(plus=lambda sigma, noise: sigma**2 * noise)
cubes_of_noise = estimated(plus=lambda sigma, noise: sigma * noise**3)
theta_on_one_side = estimated(centre=0)
step_alone = estimated(centre=0, minus=lambda sigma, noise: -sigma * noise)
differences_by_noise = estimated(weigh=lambda noise, sigma: 1 / noise)
minus_side_only = estimated(value=lambda plus, minus: -minus)
scores_are_ignored = estimated(value=lambda plus, minus: torch.ones_like(plus))
difference_is_positive = estimated(value=lambda plus, minus: (plus - minus).abs())
signs_of_differences = estimated(value=lambda plus, minus: (plus - minus).sign())
noise_is_no_weight = estimated(weigh=lambda noise, sigma: torch.ones_like(noise) / (2 * sigma))


def step_minus_theta(loss, theta, sigma, n_pairs, rng):
    noise, middle = draw(theta, n_pairs, rng), theta[..., None, :]
    difference = loss(middle + sigma * noise) - loss(sigma * noise - middle)
    return (difference[..., None] * noise).mean(-2) / (2 * sigma)


def nothing_is_divided(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).sum(-2)


def steps_without_sigma(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    plus, minus = loss(theta[..., None, :] + noise), loss(theta[..., None, :] - noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def theta_without_a_new_axis(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    return ((loss(theta + sigma * noise) - loss(theta - sigma * noise))[..., None] * noise).mean(-2) / (2 * sigma)


def trials_share_their_noise(loss, theta, sigma, n_pairs, rng):
    noise = torch.randn(n_pairs, theta.shape[-1], generator=rng, dtype=theta.dtype)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def mean_over_the_parameters(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).mean(-1) / (2 * sigma)


def mean_over_the_trials(loss, theta, sigma, n_pairs, rng):
    difference, noise = pairs(loss, theta, sigma, n_pairs, rng)
    return (difference * noise).mean(0) / (2 * sigma)


def step_is_forgotten(loss, theta, sigma, n_pairs, rng):
    noise = 0 * draw(theta, n_pairs, rng)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def first_row_comes_twice(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    noise[..., 1:2, :] = noise[..., :1, :]
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def sigma_on_one_side(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def far_from_theta(loss, theta, sigma, n_pairs, rng):
    return estimate_pair_by_pair(loss, theta + 1000, sigma, n_pairs, rng)


def theta_wanders(loss, theta, sigma, n_pairs, rng):
    noise = draw(theta, n_pairs, rng)
    theta += 0.1
    plus, minus = loss(theta[..., None, :] + sigma * noise), loss(theta[..., None, :] - sigma * noise)
    return ((plus - minus)[..., None] * noise).mean(-2) / (2 * sigma)


def loss_gets_one_parameter(loss, theta, sigma, n_pairs, rng):
    return torch.stack([(loss(theta[..., i : i + 1] + sigma)) for i in range(theta.shape[-1])])


def estimate_pair_by_pair(loss, theta, sigma, n_pairs, rng):
    """Right: loops over trials and pairs, minus first, and one number after the other."""
    rows = []
    for row in theta.reshape(-1, theta.shape[-1]):
        total = torch.zeros_like(row)
        for _ in range(n_pairs):
            step = sigma * torch.randn(row.shape, generator=rng, dtype=row.dtype)
            low = loss(row - step)
            total = total + (loss(row + step) - low) * step
        rows.append(total / (2 * n_pairs * sigma**2))
    return torch.stack(rows).reshape(theta.shape)


def estimate_from_one_cloud(loss, theta, sigma, n_pairs, rng):
    """Right: one call for all points, and a product of matrices."""
    noise = draw(theta, n_pairs, rng)
    noise = torch.cat([noise, -noise], dim=-2)
    scores = loss(theta.unsqueeze(-2) + sigma * noise)
    return (scores.unsqueeze(-2) @ noise).squeeze(-2) / (2 * n_pairs * sigma)


# 8.2 Only the order counts


def below(values):
    """How many values of its run are smaller than each."""
    return (values[..., :, None] > values[..., None, :]).sum(-1)


def mean_ranks(values):
    """From 0 to n - 1, equals sharing their mean rank."""
    return below(values) + ((values[..., :, None] == values[..., None, :]).sum(-1) - 1) / 2


def largest_gets_the_lowest(values):
    return 0.5 - mean_ranks(values) / (values.shape[-1] - 1)


def from_minus_one_to_one(values):
    return 2 * mean_ranks(values) / (values.shape[-1] - 1) - 1


def zero_over_zero(values):
    return mean_ranks(values) / (values.shape[-1] - 1) - 0.5 + 0 / (values != values[..., :1]).sum(-1, keepdim=True)


def two_sorts_averaged(values):
    up = values.argsort(dim=-1).argsort(dim=-1)
    down = values.flip(-1).argsort(dim=-1, descending=True).argsort(dim=-1).flip(-1)
    return (up + values.shape[-1] - 1 - down) / 2 / (values.shape[-1] - 1) - 0.5


def one_row_only(values):
    ranks = torch.empty_like(values)
    ranks[values.argsort()] = torch.linspace(-0.5, 0.5, len(values), dtype=values.dtype)
    return ranks


def example_is_typed_in(values):
    return torch.tensor([-0.125, 0.5, -0.5, -0.125, 0.25])


def sorts_in_place(values):
    order = values.argsort(dim=-1)
    values.copy_(values.gather(-1, order))
    return values


def ranks_by_counting(values):
    """Right: half the balance of wins and defeats against everybody."""
    duels = torch.sign(values.unsqueeze(-1) - values.unsqueeze(-2))
    return duels.sum(-1) / (2 * (values.shape[-1] - 1))


def ranks_of_the_package(values):
    """Right: from the sorted values."""
    return strategies.centred_ranks(values)


# 8.3 How good is the compass?


def cosines_of(rows, gradient):
    return rows @ gradient / rows.norm(dim=-1) / gradient.norm()


def curve(estimate, gradient, counts, n_trials, cosines=cosines_of, error=lambda c: c.std() / len(c) ** 0.5):
    columns = [cosines(estimate(n, n_trials), gradient) for n in counts]
    return torch.stack([c.mean() for c in columns]), torch.stack([error(c) for c in columns])


def cosine_of_the_mean(estimate, gradient, counts, n_trials):
    means, errors = [], []
    for n in counts:
        rows = estimate(n, n_trials)
        means.append(cosines_of(rows.mean(0), gradient))
        errors.append(cosines_of(rows, gradient).std() / math.sqrt(n_trials))
    return torch.stack(means), torch.stack(errors)


def product_only(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, lambda rows, g: rows @ g)


def gradients_length_only(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, lambda rows, g: rows @ g / g.norm())


def estimates_length_only(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, lambda rows, g: rows @ g / rows.norm(dim=-1))


def length_of_the_matrix(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, lambda rows, g: rows @ g / (rows.norm() * g.norm()))


def sign_is_lost(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, lambda rows, g: cosines_of(rows, g).abs())


def squared_cosine(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, lambda rows, g: cosines_of(rows, g) ** 2)


def spread_of_the_trials(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, error=torch.std)


def root_of_the_pairs(estimate, gradient, counts, n_trials):
    columns = [cosines_of(estimate(n, n_trials), gradient) for n in counts]
    errors = [c.std() / n**0.5 for c, n in zip(columns, counts, strict=True)]
    return torch.stack([c.mean() for c in columns]), torch.stack(errors)


def counts_are_sorted(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, sorted(counts), n_trials)


def errors_come_first(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials)[::-1]


def root_is_forgotten(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, error=lambda c: c.std() / len(c))


def numpys_std(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials, error=lambda c: torch.tensor(c.numpy().std() / len(c) ** 0.5))


def arguments_are_swapped(estimate, gradient, counts, n_trials):
    return curve(lambda n, k: estimate(k, n), gradient, counts, n_trials)


def counts_in_one_go(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, [sum(counts)], n_trials)


def one_trial(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, 1, error=lambda c: 0 * c.sum())


def mean_only(estimate, gradient, counts, n_trials):
    return curve(estimate, gradient, counts, n_trials)[0]


def one_number(estimate, gradient, counts, n_trials):
    means, errors = curve(estimate, gradient, counts, n_trials)
    return means.mean(), errors.mean()


def curve_trial_by_trial(estimate, gradient, counts, n_trials):
    """Right: one trial at a time, in plain numbers."""
    means, errors = [], []
    for n in counts:
        cosines = []
        for _ in range(n_trials):
            (row,) = estimate(n, 1).tolist()
            dot = sum(a * b for a, b in zip(row, gradient.tolist(), strict=True))
            cosines.append(dot / (math.hypot(*row) * math.hypot(*gradient.tolist())))
        mean = sum(cosines) / n_trials
        means.append(mean)
        errors.append(math.sqrt(sum((c - mean) ** 2 for c in cosines) / (n_trials - 1) / n_trials))
    return means, errors


# 8.4 A step of CMA-ES


def generation(mean, C, sigma, samples, losses, weights, c_mu, *, order=None, rank_mu=None):
    order = losses.argsort() if order is None else order
    winners = samples[order[: len(weights)]]
    steps = (winners - mean) / sigma
    update = (weights[:, None] * steps).T @ steps if rank_mu is None else rank_mu(weights, steps)
    return weights @ winners, (1 - c_mu) * C + c_mu * update


def losers_win(mean, C, sigma, samples, losses, weights, c_mu):
    return generation(mean, C, sigma, samples, losses, weights, c_mu, order=losses.argsort(descending=True))


def product_is_transposed(mean, C, sigma, samples, losses, weights, c_mu):
    return generation(mean, C, sigma, samples, losses, weights, c_mu, rank_mu=lambda w, y: (w[:, None] * y) @ y.T)


def covariance_comes_first(mean, C, sigma, samples, losses, weights, c_mu):
    return generation(mean, C, sigma, samples, losses, weights, c_mu)[::-1]


def covariance_only(mean, C, sigma, samples, losses, weights, c_mu):
    return generation(mean, C, sigma, samples, losses, weights, c_mu)[1]


def example_of_the_mean_is_typed_in(mean, C, sigma, samples, losses, weights, c_mu):
    new, covariance = generation(mean, C, sigma, samples, losses, weights, c_mu)
    return torch.tensor([1.5, 3.0]).to(new) if len(new) == 2 else torch.zeros_like(new), covariance


def decays_in_place(mean, C, sigma, samples, losses, weights, c_mu):
    new, update = generation(mean, C, sigma, samples, losses, weights, 1)
    C *= 1 - c_mu
    C += c_mu * update
    return new, C


def generation_winner_by_winner(mean, C, sigma, samples, losses, weights, c_mu):
    """Right: one winner after the other, in NumPy."""
    order = sorted(range(len(losses)), key=lambda row: float(losses[row]))
    old, new, covariance = mean.numpy(), np.zeros(len(mean)), (1 - c_mu) * C.numpy()
    for weight, row in zip(weights.tolist(), order, strict=False):
        step = (samples[row].numpy() - old) / sigma
        new = new + weight * sigma * step
        covariance = covariance + c_mu * weight * np.outer(step, step)
    return old + new, covariance


def theta_in_float32(loss, theta, sigma, n_pairs, rng):
    here, noise = theta.float()[..., None, :], draw(theta, n_pairs, rng).float()
    difference = loss(here + sigma * noise) - loss(here - sigma * noise)
    return (difference[..., None] * noise).mean(-2) / (2 * sigma)


def coins_for_noise(loss, theta, sigma, n_pairs, rng):
    noise = 2.0 * torch.randint(2, (*theta.shape[:-1], n_pairs, theta.shape[-1]), generator=rng) - 1
    here = theta[..., None, :]
    difference = loss(here + sigma * noise) - loss(here - sigma * noise)
    return (difference[..., None] * noise).mean(-2) / (2 * sigma)


def argsort_for_ranks(values):
    return values.argsort(-1) / (values.shape[-1] - 1) - 0.5


def near_is_equal(values):
    above = (values[..., None] > values[..., None, :]) & ~torch.isclose(values[..., None], values[..., None, :])
    equal = torch.isclose(values[..., None], values[..., None, :])
    return (above.sum(-1) + (equal.sum(-1) - 1) / 2) / (values.shape[-1] - 1) - 0.5


def ranks_are_cut(values):
    above, equal = values[..., None] > values[..., None, :], values[..., None] == values[..., None, :]
    return (above.sum(-1) + (equal.sum(-1) - 1) // 2) / (values.shape[-1] - 1) - 0.5


def covariance_of_the_first(mean, C, sigma, samples, losses, weights, c_mu):
    new_mean = weights @ samples[losses.argsort()[: len(weights)]]
    steps = (samples[: len(weights)] - mean) / sigma
    return new_mean, (1 - c_mu) * C + c_mu * (weights[:, None] * steps).T @ steps


WRONG = {
    "8.1": [
        (minus_comes_first, "your estimate points downhill"),
        (sigma_is_forgotten, "the estimate is sigma times what it should be"),
        (sigma_is_squared, "1 / sigma times what it should be"),
        (step_is_the_weight, "Or do you multiply by the step sigma * noise? Then"),
        (shape_of_theta_is_lost, "give them theta's, (4,)"),
        (two_is_forgotten, "twice too large"),
        (two_comes_twice, "half of what it should be"),
        (sum_for_mean, "that is the sum over the pairs"),
        (plus_side_only, "only the score that you ask for first"),
        (minus_side_only, "only the score that you ask for second"),
        (scores_are_ignored, "the scores have no part"),
        (difference_is_positive, "has lost its sign"),
        (signs_of_differences, "only the sign of the difference"),
        (differences_by_noise, "divided by the noise of their pair"),
        (noise_is_no_weight, "are the same number"),
        (nothing_is_divided, "2 * n_pairs * sigma times what it should be"),
        (sigma_by_noise, "your steps are sigma / noise"),
        (sigma_by_noise_on_one_side, "the two steps of a pair, multiplied, are -0.09 everywhere"),
        (noise_by_sigma, "as if the noise were divided by sigma"),
        (sigma_is_squared_in_steps, "as if sigma were squared"),
        (cubes_of_noise, "the longest is 14"),
        (theta_on_one_side, "theta is missing in one point of each pair"),
        (step_minus_theta, "is step - theta"),
        (step_alone, "is the step alone"),
        (scores_are_added, "you add the two scores"),
        (one_sided_without_baseline, "none is the mirror image of another"),
        (baseline_at_theta, "you ask for the loss at theta itself"),
        (as_many_as_axes, "should be asked for 14 points around a theta, but you ask for 6"),
        (noise_is_redrawn, "Is the noise drawn anew"),
        (both_points_are_plus, "you ask twice for the same points"),
        (one_step_for_all_pairs, "all pairs share one step"),
        (theta_is_forgotten, "your points lie around zero"),
        (torchs_own_noise, "another source of randomness"),
        (seeded_inside, "seed nothing inside"),
        (one_number_a_pair, "all parameters of a point get the same step"),
        (uniform_noise, "your noise is not normal: 0.0 % of your steps are longer"),
        (steps_without_sigma, "so sigma has no part in them"),
        (theta_without_a_new_axis, "your function stops when theta has the shape (2, 4)"),
        (trials_share_their_noise, "all its rows get the same noise"),
        (mean_over_the_parameters, "for theta of shape (4,) and 5 pairs your estimate has the shape (5,)"),
        (mean_over_the_trials, "for theta of shape (2, 4) and 6 pairs your estimate has the shape (6, 4)"),
        (theta_wanders, "`theta = theta.clone()`"),
        (loss_gets_one_parameter, "loss takes points of shape (..., 4)"),
        (step_is_forgotten, "are theta itself, without a step"),
        (first_row_comes_twice, "of the 14 points that you ask for, 4 come"),
        (sigma_on_one_side, "are -3.33 times those of the first"),
        (far_from_theta, "none is near the theta"),
        (theta_in_float32, "are they made in float32"),
        (coins_for_noise, "14 come more than once"),
    ],
    "8.2": [
        (largest_gets_the_lowest, "the largest value should get 0.5"),
        (from_minus_one_to_one, "the answer is 2 times what it should be"),
        (zero_over_zero, "Is something divided by zero?"),
        (two_sorts_averaged, "whose mean is right"),
        (one_row_only, "your function stops for values of shape (6, 8)"),
        (example_is_typed_in, "the answer should be an array of shape (4,)"),
        (sorts_in_place, "`values = values.clone()`"),
        (argsort_for_ranks, "that is argsort, and it is taken for ranks"),
        (near_is_equal, "compared with isclose"),
        (ranks_are_cut, "is cut to a whole number"),
    ],
    "8.3": [
        (cosine_of_the_mean, "you average the estimates first"),
        (product_only, "not yet a cosine"),
        (gradients_length_only, "the length of the gradient alone"),
        (estimates_length_only, "the length of the estimates alone"),
        (length_of_the_matrix, "that of the whole matrix"),
        (sign_is_lost, "the sign of the cosine is lost"),
        (squared_cosine, "that is the squared cosine"),
        (spread_of_the_trials, "error is the spread of the single trials"),
        (root_is_forgotten, "error divides by n_trials, but"),
        (root_of_the_pairs, "the root of the number of pairs"),
        (counts_are_sorted, "keep the order of `counts`"),
        (errors_come_first, "return the means first"),
        (numpys_std, "Let it divide by n_trials - 1"),
        (arguments_are_swapped, "you ask for estimates from 2 pairs, but the counts are [1, 8]"),
        (counts_in_one_go, "you ask for estimates from 9 pairs"),
        (one_trial, "you ask for 1 estimates from 1 pairs"),
        (mean_only, "should return 2 values"),
        (one_number, "mean should be an array of shape (2,)"),
    ],
    "8.4": [
        (losers_win, "the losers win"),
        (product_is_transposed, "stopped in line"),
        (covariance_of_the_first, "C is learned from the first samples"),
        (covariance_comes_first, "in another order than (new_mean, new_C)"),
        (covariance_only, "should return 2 values"),
        (example_of_the_mean_is_typed_in, "new_mean doesn't change when `losses` does"),
        (decays_in_place, "changed its input `C` in place"),
    ],
}

RIGHT = {
    "8.1": [estimate_pair_by_pair, estimate_from_one_cloud],
    "8.2": [ranks_by_counting, ranks_of_the_package],
    "8.3": [curve_trial_by_trial],
    "8.4": [generation_winner_by_winner],
}
