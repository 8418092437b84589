"""Lab 3: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import numpy as np
from scipy.optimize import linprog


def threshold(z):
    return int(z > 0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# 3.1 Two rules


def signs_are_flipped(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (threshold(z) - target) * row, theta + learning_rate * (sigmoid(z) - target) * row


def theta_is_changed(theta, row, target, learning_rate):
    z = theta @ row
    soft = theta + learning_rate * (target - sigmoid(z)) * row
    theta += (target - threshold(z)) * row
    return theta, soft


def example_is_typed_in(theta, row, target, learning_rate):
    return np.array([1.5, 0, 1.5]), np.array([0.75, -0.75, 0.75])


def rate_of_the_example_is_typed_in(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (target - threshold(z)) * row, theta + 0.5 * (target - sigmoid(z)) * row


def errors_are_returned(theta, row, target, learning_rate):
    z = theta @ row
    return target - threshold(z), target - sigmoid(z)


def only_one_rule(theta, row, target, learning_rate):
    error = target - threshold(theta @ row)
    return np.stack([theta + error * row])


def rules(*, error=float, step=np.asarray, soft=False):
    """Both rules; what becomes of the error, or of the step, in Rosenblatt's, or in the logistic one."""

    def both_rules(theta, row, target, learning_rate):
        z = theta @ row
        steps = [(target - threshold(z)) * row, learning_rate * (target - sigmoid(z)) * row]
        steps[soft] = step(error(target - (sigmoid if soft else threshold)(z)) * (learning_rate if soft else 1) * row)
        return theta + steps[0], theta + steps[1]

    return both_rules


only_adds = rules(error=lambda error: max(error, 0))
only_subtracts = rules(error=lambda error: min(error, 0))
adds_where_it_should_subtract = rules(error=abs)
soft_only_adds = rules(error=lambda error: max(error, 0), soft=True)
soft_only_subtracts = rules(error=lambda error: min(error, 0), soft=True)
no_weight_falls = rules(step=lambda step: step.clip(min=0))
no_weight_rises = rules(step=lambda step: step.clip(max=0), soft=True)


def rests_where_it_is_wrong(theta, row, target, learning_rate):
    soft = rules()(theta, row, target, learning_rate)[1]
    return (theta + (row if target else -row) if threshold(theta @ row) == target else theta), soft


def rules_by_nudging(theta, row, target, learning_rate):
    """Right: the slope of the cross-entropy from central differences, and Rosenblatt's rule by cases."""

    def loss(weights):
        p = 1 / (1 + np.exp(-(weights @ row)))
        return -np.log(p if target else 1 - p)

    slope = [(loss(theta + 1e-4 * axis) - loss(theta - 1e-4 * axis)) / 2e-4 for axis in np.eye(len(theta))]
    said = 1 if sum(theta * row) > 0 else 0
    hard = theta.copy() if said == target else (theta + row if target else theta - row)
    return [hard, theta - learning_rate * np.array(slope)]


# 3.2 The table of gates


def gates(x):
    return [np.array(gate) for gate in np.ndindex(*[2] * len(x))]


def learn(x, y, n_passes, theta=None):
    theta = np.zeros(x.shape[1]) if theta is None else theta
    for _ in range(n_passes):
        before = theta
        for row, target in zip(x, y, strict=True):
            theta = theta + (target - threshold(theta @ row)) * row
        if np.array_equal(theta, before):  # at rest, or once round a loop: more passes change nothing
            break
    return theta


def fits(x, y, theta):
    return bool((((x @ theta) > 0) == y).all())


def feasible(x, y, least, **kwargs):
    signed = np.where(y[:, None] == 1, -x, x)
    return linprog(np.zeros(x.shape[1]), A_ub=signed, b_ub=-least, **kwargs).status == 0


def yes_means_impossible(x):
    return np.array([not fits(x, y, learn(x, y, 100)) for y in gates(x)])


def first_row_alone(x):
    return np.array([fits(x, y, learn(x[:1], y[:1], 100)) for y in gates(x)])


def last_row_alone(x):
    return np.array([fits(x, y, learn(x[-1:], y[-1:], 100)) for y in gates(x)])


def one_row_may_be_wrong(x):
    right = [np.sum(((x @ learn(x, y, 100)) > 0) == y) for y in gates(x)]
    return np.array(right) >= len(x) - 1


def example_of_the_line_is_typed_in(x):
    return np.array([1, 1, 0, 1, 1, 0, 1, 1])


def number_of_gates(x):
    return sum(fits(x, y, learn(x, y, 100)) for y in gates(x))


def gates_are_listed(x):
    return np.array([y for y in gates(x) if fits(x, y, learn(x, y, 100))])


def words_are_listed(x):
    return ["yes" if fits(x, y, learn(x, y, 100)) else "no" for y in gates(x)]


def table_is_forgotten(x):
    np.array([fits(x, y, learn(x, y, 100)) for y in gates(x)])


def until_it_is_right(x):
    table = []
    for y in gates(x):
        theta = np.zeros(x.shape[1])
        while not fits(x, y, theta):
            theta = learn(x, y, 1, theta)
        table.append(True)
    return np.array(table)


def inputs_become_signs_in_place(x):
    x *= 2
    x -= 1
    return np.array([feasible(x, y, y, bounds=(None, None)) for y in gates(x)])


def table_by_the_program(x):
    """Right: a linear program for each gate, as a list of Python's own truth values."""
    return [bool(feasible(x, y, y, bounds=(None, None))) for y in gates(x)]


def table_by_many_passes(x):
    """Right: the rule, from a start that is not zero."""
    return np.array([int(fits(x, y, learn(x, y, 300, np.full(x.shape[1], 0.3)))) for y in gates(x)])


# 3.3 A promise before the first mistake


def promise(inputs, y, theta):
    """What students write."""
    rows = np.column_stack([inputs, np.ones(len(inputs))])
    longest = np.linalg.norm(rows, axis=1).max()
    gamma = np.min(np.where(y == 1, 1, -1) * (rows @ theta)) / np.linalg.norm(theta)
    return longest, gamma, (longest / gamma) ** 2


def ones_are_left_out_of_r(inputs, y, theta):
    longest = np.linalg.norm(inputs, axis=1).max()
    gamma = promise(inputs, y, theta)[1]
    return longest, gamma, (longest / gamma) ** 2


def and_is_typed_in(inputs, y, theta):
    return np.sqrt(3), 1 / np.sqrt(17), 51


def distance_of_every_row(inputs, y, theta):
    longest = promise(inputs, y, theta)[0]
    gamma = (2 * y - 1) * (inputs @ theta[:-1] + theta[-1]) / np.linalg.norm(theta)
    return longest, gamma, np.max((longest / gamma) ** 2)


def only_the_bound(inputs, y, theta):
    return promise(inputs, y, theta)[2]


def answers_become_signs_in_place(inputs, y, theta):
    y[y == 0] = -1
    return promise(inputs, y, theta)


def promise_by_loops(inputs, y, theta):
    """Right: row by row, without NumPy's norms."""
    squares, gaps = [], []
    size = sum(weight**2 for weight in theta) ** 0.5
    for point, answer in zip(inputs, y, strict=True):
        row = [*point, 1]
        squares.append(sum(value**2 for value in row))
        total = sum(weight * value for weight, value in zip(theta, row, strict=True))
        gaps.append((total if answer else -total) / size)
    return [max(squares) ** 0.5, min(gaps), max(squares) / min(gaps) ** 2]


def logistic_goes_on_from_rosenblatt(theta, row, target, learning_rate):
    first = theta + (target - (theta @ row > 0)) * row
    return first, first + learning_rate * (target - 1 / (1 + np.exp(-first @ row))) * row


def random_directions(x):
    theta = np.random.default_rng(0).normal(size=(2000, x.shape[1]))
    return [int(((theta @ x.T > 0) == y).all(axis=1).any()) for y in gates(x)]


WRONG = {
    "3.1": [
        (signs_are_flipped, "both steps go the wrong way"),
        (theta_is_changed, "changed its input `theta` in place"),
        (example_is_typed_in, "rosenblatt should be an array of shape (4,)"),
        (rate_of_the_example_is_typed_in, "logistic doesn't change when `learning_rate` does"),
        (errors_are_returned, "rosenblatt should be an array of shape (3,)"),
        (only_one_rule, "should return 2 values"),
        (logistic_goes_on_from_rosenblatt, "begins where Rosenblatt's has ended"),
        (
            only_adds,
            "in Rosenblatt's rule the row is only ever added, and the weights stay where the output is too large",
        ),
        (only_subtracts, "in Rosenblatt's rule the row is only ever subtracted, and the weights stay"),
        (adds_where_it_should_subtract, "in Rosenblatt's rule the row is only ever added, also where"),
        (soft_only_adds, "in the logistic rule the row is only ever added, and the weights stay"),
        (soft_only_subtracts, "in the logistic rule the row is only ever subtracted, and the weights stay"),
        (no_weight_falls, "in Rosenblatt's rule no weight ever falls"),
        (no_weight_rises, "in the logistic rule no weight ever rises"),
        (rests_where_it_is_wrong, "and rests where it was wrong"),
    ],
    "3.2": [
        (yes_means_impossible, "the wrong way round"),
        (random_directions, "at random or in a grid, miss"),
        (first_row_alone, "has learned the first row alone"),
        (last_row_alone, "has learned the last row alone"),
        (one_row_may_be_wrong, "says yes to some gates that have no line"),
        (example_of_the_line_is_typed_in, "your table should be an array of shape (16,)"),
        (number_of_gates, "but yours has the shape ()"),
        (gates_are_listed, "but yours has the shape (6, 3)"),
        (words_are_listed, "your table should hold real numbers"),
        (table_is_forgotten, "did you forget `return`?"),
        (until_it_is_right, "Does a loop never end"),
        (inputs_become_signs_in_place, "changed its input `x` in place"),
    ],
    "3.3": [
        (ones_are_left_out_of_r, "R leaves out the input that is always 1"),
        (and_is_typed_in, "R is the same in all"),
        (distance_of_every_row, "gamma should be one number"),
        (only_the_bound, "should return 3 values"),
        (answers_become_signs_in_place, "changed its input `y` in place"),
    ],
}

RIGHT = {
    "3.1": [rules_by_nudging],
    "3.2": [table_by_the_program, table_by_many_passes],
    "3.3": [promise_by_loops],
}
