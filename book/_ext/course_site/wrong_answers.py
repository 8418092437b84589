"""One wrong answer to each lab: its page gives it to the check, and shows what that says (see `answering`)."""

import heapq
from itertools import pairwise

import numpy as np
import torch


def mse_gradient(m, b, x, y):
    residual = y - (m * x + b)
    return 2 * np.mean(residual * x), 2 * np.mean(residual)


def ridge_path(A, y, prices):
    n, p = A.shape
    bent = [A.T @ A / n + price * np.eye(p) for price in prices]
    return np.array([np.linalg.solve(M, A.T @ y / n) for M in bent])


def mistake_bound(inputs, y, theta):
    rows = np.column_stack([inputs, np.ones(len(y))])
    R = np.linalg.norm(rows, axis=1).max()
    gamma = np.min((2 * y - 1) * (rows @ theta))
    return R, gamma, (R / gamma) ** 2


def backward(x, y, w2, z1, h, p):
    blame = (p - y) / len(x)
    hidden = blame @ w2
    return hidden.T @ x, hidden.sum(axis=0), blame.T @ h, blame.sum(axis=0)


def create_random_networks(n_runs, n_genomes, n_params, std, rng):
    first = std * torch.randn(n_genomes, n_params, generator=rng)
    return first.expand(n_runs, -1, -1)


def fitness(population, x, y):
    W, b = population[..., :1], population[..., 1:]
    return (W * x + b - y).square().mean(dim=-1)


def breed(mothers, fathers, share, tau, rng):
    weights = share * mothers[..., :-1] + (1 - share) * fathers[..., :-1]
    log_sigma = (mothers[..., -1:] + fathers[..., -1:]) / 2
    weights += log_sigma.exp() * torch.randn(weights.shape, generator=rng)
    log_sigma += tau * torch.randn(log_sigma.shape, generator=rng)
    return torch.cat([weights, log_sigma], dim=-1)


def centred_ranks(values):
    ranks = values.argsort(dim=-1).argsort(dim=-1)
    return ranks / (values.shape[-1] - 1) - 0.5


def forward(population, x, sizes):
    h, start = x, 0
    for n_in, n_out in pairwise(sizes):
        stop = start + n_in * n_out
        weights = population[:, start:stop].unflatten(1, (n_out, n_in))
        start = stop + n_out
        h = (h @ weights.mT + population[:, None, stop:start]).tanh()
    return h


def fixed_points(reward, decay, inheritance):
    immortal = reward / decay
    return immortal, inheritance * immortal


def paired_effect(treated, control):
    d = treated - control
    half = 1.96 * d.std(ddof=1) / len(d) ** 0.5
    return d.mean(), d.mean() - half, d.mean() + half


def nearest_template(templates, labels, images):
    off = [((templates - image) ** 2).sum(axis=1) for image in images]
    return labels[np.argmin(off, axis=1)]


def forgetting(accuracy):
    learned = np.diag(accuracy)[:-1]
    return float((learned - accuracy[-1, :-1]).mean())


def random_search_odds(n_designs, n_top, n_draws):
    chance = 1 - (1 - n_top / n_designs) ** n_draws
    return chance, (n_designs + 1) / (n_draws + 1)


def queue(seconds, n_workers, dispatch):
    idle, starts = [0.0] * n_workers, []
    for length in seconds:
        start = heapq.heappop(idle) + dispatch
        starts.append(start)
        heapq.heappush(idle, start + length)
    return starts, max(idle)


def value(tree, x, operators):
    if isinstance(tree, tuple):
        name, *children = tree
        return operators[name](*(value(child, x, operators) for child in children))
    return x if tree == "x" else tree


def price_terms(parents, children, whose):
    fitness = np.bincount(whose.ravel(), minlength=len(parents)) / 2
    covariance = np.cov(fitness, parents)[0, 1]
    transmission = np.mean(children - parents[whose].mean(axis=1))
    return covariance / fitness.mean(), transmission
