"""Lab 1: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import numpy as np

# 1.1 Two slopes


def db_points_the_wrong_way(m, b, x, y):
    residual = m * x + b - y
    return 2 * np.mean(residual * x), 2 * np.mean(y - (m * x + b))


def mean_is_forgotten(m, b, x, y):
    residual = m * x + b - y
    return 2 * residual * x, 2 * residual


def example_is_typed_in(m, b, x, y):
    return -6.0, -8 / 3


def points_of_the_example_are_typed_in(m, b, x, y):
    residual = m * np.array([1.0, 2.0, 3.0]) + b - np.array([2.0, 3.0, 5.0])
    return 2 * np.mean(residual * np.array([1.0, 2.0, 3.0])), 2 * np.mean(residual)


def residual_overwrites_y(m, b, x, y):
    y -= m * x + b
    return -2 * np.mean(y * x), -2 * np.mean(y)


def return_is_forgotten(m, b, x, y):
    _ = 2 * np.mean((m * x + b - y) * x), 2 * np.mean(m * x + b - y)


def loss_in_place_of_slopes(m, b, x, y):
    return np.mean((m * x + b - y) ** 2)


def name_is_misspelled(m, b, x, y):
    residual = m * x + b - y
    return 2 * np.mean(residuals * x), 2 * np.mean(residual)  # noqa: F821


def arguments_are_swapped(x, y, m, b):
    residual = m * x + b - y
    return 2 * np.mean(residual * x), 2 * np.mean(residual)


def slopes_by_probing(m, b, x, y):
    """Right: central differences are exact for a parabola."""

    def loss(m, b):
        return sum((m * xi + b - yi) ** 2 for xi, yi in zip(x, y, strict=True)) / len(x)

    return [loss(m + 0.5, b) - loss(m - 0.5, b), loss(m, b + 0.5) - loss(m, b - 0.5)]


# 1.2 The speed limit


def hessian(x):
    return np.array([[2 * np.mean(x**2), 2 * np.mean(x)], [2 * np.mean(x), 2]])


def one_over_the_curvature(x):
    return 1 / np.linalg.eigvalsh(hessian(x)).max()


def learning_rate_of_the_essay(x):
    return 0.01


def number_of_points_is_typed_in(x):
    return 2 / np.linalg.eigvalsh([[2 * np.sum(x**2) / 5, 2 * np.sum(x) / 5], [2 * np.sum(x) / 5, 2]]).max()


def both_limits(x):
    return 2 / np.linalg.eigvalsh(hessian(x))


def limit_by_power_iteration(x):
    """Right: multiply by the Hessian until only its steepest direction is left."""
    matrix, direction = hessian(x), np.array([0.6, 0.8])
    for _ in range(2000):
        direction = matrix @ direction
        direction = direction / np.linalg.norm(direction)
    return 2 / (direction @ matrix @ direction)


# 1.3 Momentum


def descend(step):
    """A whole descent from one step (gradient, theta, v, learning_rate, beta) -> (theta, v)."""

    def momentum_descent(gradient, start, learning_rate, beta, n_steps):
        theta, v = start, np.zeros_like(start)
        path = [theta]
        for _ in range(n_steps):
            theta, v = step(gradient, theta, v, learning_rate, beta)
            path.append(theta)
        return np.array(path)

    return momentum_descent


@descend
def velocity_is_not_carried_over(gradient, theta, v, learning_rate, beta):
    v = -learning_rate * gradient(theta)
    return theta + v, v


def start_is_moved(gradient, start, learning_rate, beta, n_steps):
    v, path = np.zeros_like(start), [start.copy()]
    for _ in range(n_steps):
        v = beta * v - learning_rate * gradient(start)
        start += v
        path.append(start.copy())
    return np.array(path)


def loop_never_ends(gradient, start, learning_rate, beta, n_steps):
    step = 0
    while step < n_steps:
        start = start - learning_rate * gradient(start)
    return start


def momentum_without_a_velocity(gradient, start, learning_rate, beta, n_steps):
    """Right: the velocity is the way made by the last step."""
    path = np.zeros((n_steps + 1, len(start)))
    path[0] = previous = start
    for step in range(n_steps):
        here = path[step]
        path[step + 1] = here + beta * (here - previous) - learning_rate * gradient(here)
        previous = here
    return path


# 1.4 A run that oscillates


def slopes(m, b, x, y):
    residual = m * x + b - y
    return 2 * np.mean(residual * x), 2 * np.mean(residual)


def run(x, y, learning_rate, n_steps):
    m, b = 0.0, 0.0
    for _ in range(n_steps):
        dm, db = slopes(m, b, x, y)
        m, b = m - learning_rate * dm, b - learning_rate * db
    return m, b


def standardised(x):
    return (x - x.mean()) / x.std()


def x_is_not_standardised(x, y, learning_rate, n_steps):
    return run(x, y, learning_rate, n_steps)


def x_is_standardised_in_place(x, y, learning_rate, n_steps):
    mean, std = x.mean(), x.std()
    x -= mean
    x /= std
    m, b = run(x, y, learning_rate, n_steps)
    return m / std, b - m / std * mean


def line_of_the_essay_is_typed_in(x, y, learning_rate, n_steps):
    return 0.6, 2.2


def steps_go_uphill(x, y, learning_rate, n_steps):
    m, b = run(standardised(x), y, -learning_rate, n_steps)
    return m / x.std(), b - m / x.std() * x.mean()


def intercept_climbs(x, y, learning_rate, n_steps):
    z, slope, intercept = standardised(x), 0.0, 0.0
    for _ in range(n_steps):
        residual = slope * z + intercept - y
        slope, intercept = (
            slope - 2 * learning_rate * np.mean(residual * z),
            intercept + 2 * learning_rate * np.mean(residual),
        )
    return slope / x.std(), intercept - slope / x.std() * x.mean()


def line_as_two_points(x, y, learning_rate, n_steps):
    """Right: read the line over z at two places of x, and put a line through them."""
    theta, design = np.zeros(2), np.column_stack([standardised(x), np.ones_like(x)])
    for _ in range(n_steps):
        theta = theta - learning_rate * 2 / len(x) * design.T @ (design @ theta - y)
    heights = [theta[0] * (place - x.mean()) / x.std() + theta[1] for place in (0.0, 1.0)]
    return np.array([heights[1] - heights[0], heights[0]])


def one_step_at_least(x, y, learning_rate, n_steps):
    return line_as_two_points(x, y, learning_rate, max(n_steps, 1))


# What students tried who had only the chapter


def squares_stay(m, b, x, y):
    error = (m * x + b - y) ** 2
    return 2 * np.mean(error * x), 2 * np.mean(error)


def nudged(m, b, x, y):
    def loss(m, b):
        return np.mean((m * x + b - y) ** 2)

    return (loss(m + 1e-6, b) - loss(m, b)) / 1e-6, (loss(m, b + 1e-6) - loss(m, b)) / 1e-6


def towards_the_gradient(m, b, x, y):
    """Its length is 0 where the line goes through all the points."""
    dm, db = slopes(m, b, x, y)
    return dm / np.hypot(dm, db), db / np.hypot(dm, db)


def limit_is_rounded(x):
    return round(2 / np.linalg.eigvalsh(hessian(x))[-1], 5)


def limit_of_standardised_points(x):
    return 2 / np.linalg.eigvalsh(hessian(standardised(x)))[-1]


def variance_in_the_corner(x):
    return 2 / np.linalg.eigvalsh([[2 * np.var(x), 2 * np.mean(x)], [2 * np.mean(x), 2]])[1]


def corners_without_a_factor(x):
    return 2 / np.linalg.eigvalsh([[2 * np.mean(x * x), np.mean(x)], [np.mean(x), 2]])[1]


def asked_at_the_intercept_and_the_slope(x, y, learning_rate, n_steps):
    z, slope, intercept = standardised(x), 0.0, 0.0
    for _ in range(n_steps):
        d_slope, d_intercept = slopes(intercept, slope, z, y)
        slope, intercept = slope - learning_rate * d_slope, intercept - learning_rate * d_intercept
    return slope / x.std(), intercept - slope * x.mean() / x.std()


def intercept_of_the_best_line(x, y, learning_rate, n_steps):
    m, _ = run(standardised(x), y, learning_rate, n_steps)
    return m / x.std(), y.mean() - m / x.std() * x.mean()


def divided_before_it_is_subtracted(x, y, learning_rate, n_steps):
    z = x - x.mean() / x.std()
    m, b = run(z, y, learning_rate, n_steps)
    return m / x.std(), b - m / x.std() * x.mean()


def whole_numbers_stay(x, y, learning_rate, n_steps):
    theta, z = np.array([0, 0]), standardised(x)
    for _ in range(n_steps):
        dm, db = slopes(*theta, z, y)
        theta[0] -= learning_rate * dm
        theta[1] -= learning_rate * db
    return theta[0] / x.std(), theta[1] - theta[0] / x.std() * x.mean()


def way_back_with_the_slope_for_z(x, y, learning_rate, n_steps):
    m, b = run(standardised(x), y, learning_rate, n_steps)
    return m / x.std(), b - m * x.mean()


WRONG = {
    "1.1": [
        (db_points_the_wrong_way, "the sign of db is flipped"),
        (mean_is_forgotten, "It lacks a mean"),
        (example_is_typed_in, "the same in all"),
        (points_of_the_example_are_typed_in, "dm doesn't change when `x` does"),
        (residual_overwrites_y, "changed its input `y` in place"),
        (return_is_forgotten, "did you forget `return`?"),
        (loss_in_place_of_slopes, "should return 2 values"),
        (name_is_misspelled, "NameError: name 'residuals' is not defined"),
        (arguments_are_swapped, "the arguments stand in another order"),
        (squares_stay, "the residual is still squared"),
        (nudged, "or found by a nudge"),
        (towards_the_gradient, "dm is -0.913812, but should be -6, for"),
    ],
    "1.2": [
        (one_over_the_curvature, "that is 1 / lambda_max"),
        (learning_rate_of_the_essay, "the same in all"),
        (number_of_points_is_typed_in, "fits the example but not other inputs"),
        (both_limits, "should be one number"),
        (variance_in_the_corner, "holds the variance of x"),
        (corners_without_a_factor, "lack their factor 2"),
        (limit_is_rounded, "your limit is 0.08452, but should be 0.0845241"),
        (limit_of_standardised_points, "your limit is 1, but should be 0.0845241, for x = [1. 2. 3. 4. 5.]"),
    ],
    "1.3": [
        (velocity_is_not_carried_over, "v is not carried over"),
        (start_is_moved, "changed its input `start` in place"),
        (loop_never_ends, "Does a loop never end"),
    ],
    "1.4": [
        (one_step_at_least, "m is 0.12, but should be 0, for"),
        (x_is_not_standardised, "the run still works on x as it is given"),
        (x_is_standardised_in_place, "changed its input `x` in place"),
        (line_of_the_essay_is_typed_in, "b is the same in all"),
        (intercept_climbs, "b is -2.9, but should be 1.1, for x = [1. 2. 3. 4. 5.]"),
        (steps_go_uphill, "if `learning_rate` were of the other sign"),
        (asked_at_the_intercept_and_the_slope, "mse_gradient takes the slope first"),
        (way_back_with_the_slope_for_z, "the slope for z went the way back"),
        (intercept_of_the_best_line, "as only the best line's is"),
        (divided_before_it_is_subtracted, "m is 1.6669, but should be 0.3, for x = [1. 2. 3. 4. 5.]"),
        (whole_numbers_stay, "m is 0, the same in all"),
    ],
}

RIGHT = {
    "1.1": [slopes_by_probing],
    "1.2": [limit_by_power_iteration],
    "1.3": [momentum_without_a_velocity],
    "1.4": [line_as_two_points],
}
