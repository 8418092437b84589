"""Lab 3: the usual wrong answers, each with a piece of the hint that it must get; and right answers in other words."""

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


def rosenblatts_sign_is_flipped(theta, row, target, learning_rate):
    z = theta @ row
    return theta - (target - threshold(z)) * row, theta + learning_rate * (target - sigmoid(z)) * row


def slope_is_added(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (target - threshold(z)) * row, theta + learning_rate * (sigmoid(z) - target) * row


def rules_are_swapped(theta, row, target, learning_rate):
    z = theta @ row
    return theta + learning_rate * (target - sigmoid(z)) * row, theta + (target - threshold(z)) * row


def steps_without_theta(theta, row, target, learning_rate):
    z = theta @ row
    return (target - threshold(z)) * row, learning_rate * (target - sigmoid(z)) * row


def bias_is_not_learned(theta, row, target, learning_rate):
    z, hard, soft = theta @ row, theta.copy(), theta.copy()
    hard[:-1] += (target - threshold(z)) * row[:-1]
    soft[:-1] += learning_rate * (target - sigmoid(z)) * row[:-1]
    return hard, soft


def bias_is_not_in_the_sum(theta, row, target, learning_rate):
    z = theta[:-1] @ row[:-1]
    return theta + (target - threshold(z)) * row, theta + learning_rate * (target - sigmoid(z)) * row


def error_times_theta(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (target - threshold(z)) * theta, theta + learning_rate * (target - sigmoid(z)) * theta


def input_is_forgotten(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (target - threshold(z)), theta + learning_rate * (target - sigmoid(z))


def updates_when_right(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (1 if target else -1) * row, theta + learning_rate * (target - sigmoid(z)) * row


def zero_counts_as_one(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (target - int(z >= 0)) * row, theta + learning_rate * (target - sigmoid(z)) * row


def rosenblatt_with_a_rate(theta, row, target, learning_rate):
    z = theta @ row
    return theta + learning_rate * (target - threshold(z)) * row, theta + learning_rate * (target - sigmoid(z)) * row


def sigmoid_derivative_is_added(theta, row, target, learning_rate):
    z = theta @ row
    p = sigmoid(z)
    return theta + (target - threshold(z)) * row, theta + learning_rate * (target - p) * p * (1 - p) * row


def rate_is_forgotten(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (target - threshold(z)) * row, theta + (target - sigmoid(z)) * row


def sigmoid_is_forgotten(theta, row, target, learning_rate):
    z = theta @ row
    return theta + (target - threshold(z)) * row, theta + learning_rate * (target - z) * row


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


def weights_of_zero_are_allowed(x):
    return np.array([feasible(x, y, 0 * y, bounds=(None, None)) for y in gates(x)])


def weights_cannot_be_negative(x):
    return np.array([feasible(x, y, y) for y in gates(x)])


def zero_is_not_allowed(x):
    return np.array([feasible(x, y, np.ones(len(y)), bounds=(None, None)) for y in gates(x)])


def one_pass(x):
    return np.array([fits(x, y, learn(x, y, 1)) for y in gates(x)])


def four_passes(x):
    return np.array([fits(x, y, learn(x, y, 4)) for y in gates(x)])


def bias_is_dropped(x):
    return np.array([fits(x[:, :-1], y, learn(x[:, :-1], y, 100)) for y in gates(x)])


def bias_is_added(x):
    return np.array([feasible(np.c_[x, np.ones(len(x))], y, y, bounds=(None, None)) for y in gates(x)])


def zeros_ask_for_the_impossible(x):
    programs = [(-(y[:, None] * x), -np.ones(len(y))) for y in gates(x)]
    nothing = np.zeros(x.shape[1])
    return np.array([linprog(nothing, A_ub=a, b_ub=b, bounds=(None, None)).status == 0 for a, b in programs])


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


def promise(inputs, y, theta, rows=None, power=2):
    """What students write, from rows that already hold the ones."""
    rows = np.column_stack([inputs, np.ones(len(inputs))]) if rows is None else rows
    longest = np.linalg.norm(rows, axis=1).max()
    gamma = np.min(np.where(y == 1, 1, -1) * (rows @ theta)) / np.linalg.norm(theta)
    return longest, gamma, (longest / gamma) ** power


def ones_are_left_out_of_r(inputs, y, theta):
    longest = np.linalg.norm(inputs, axis=1).max()
    gamma = promise(inputs, y, theta)[1]
    return longest, gamma, (longest / gamma) ** 2


def length_of_theta_is_forgotten(inputs, y, theta):
    longest, gamma, _ = promise(inputs, y, theta)
    gamma = gamma * np.linalg.norm(theta)
    return longest, gamma, (longest / gamma) ** 2


def length_without_the_bias(inputs, y, theta):
    longest, gamma, _ = promise(inputs, y, theta)
    gamma = gamma * np.linalg.norm(theta) / np.linalg.norm(theta[:-1])
    return longest, gamma, (longest / gamma) ** 2


def signs_are_kept(inputs, y, theta):
    return promise(inputs, np.ones(len(y)), theta)


def zeros_drop_out(inputs, y, theta):
    longest, gamma = promise(inputs, y, theta)[0], np.min(y * (inputs @ theta[:-1] + theta[-1]))
    gamma = gamma / np.linalg.norm(theta)
    return longest, gamma, (longest / gamma) ** 2


def square_is_forgotten(inputs, y, theta):
    return promise(inputs, y, theta, power=1)


def fraction_is_upside_down(inputs, y, theta):
    return promise(inputs, y, theta, power=-2)


def r_is_squared(inputs, y, theta):
    longest, gamma, bound = promise(inputs, y, theta)
    return longest**2, gamma, bound


def bias_is_left_out_of_the_sums(inputs, y, theta):
    longest = promise(inputs, y, theta)[0]
    gamma = np.min((2 * y - 1) * (inputs @ theta[:-1])) / np.linalg.norm(theta)
    return longest, gamma, (longest / gamma) ** 2


def ones_come_first(inputs, y, theta):
    return promise(inputs, y, theta, rows=np.column_stack([np.ones(len(inputs)), inputs]))


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


WRONG = {
    "3.1": [
        (signs_are_flipped, "both steps go the wrong way"),
        (rosenblatts_sign_is_flipped, "Rosenblatt's step goes the wrong way"),
        (slope_is_added, "the logistic step goes the wrong way"),
        (rules_are_swapped, "the other way round"),
        (steps_without_theta, "you return the steps alone"),
        (bias_is_not_learned, "the last weight never moves"),
        (bias_is_not_in_the_sum, "the bias is forgotten in the sum"),
        (error_times_theta, "the error multiplies theta"),
        (input_is_forgotten, "every weight gets the same step"),
        (updates_when_right, "also moves when the answer was right"),
        (zero_counts_as_one, "says 1 when the sum is exactly 0"),
        (rosenblatt_with_a_rate, "the learning rate scales Rosenblatt's step"),
        (sigmoid_derivative_is_added, "has the slope of the sigmoid"),
        (rate_is_forgotten, "ignores learning_rate"),
        (sigmoid_is_forgotten, "with the bare sum"),
        (theta_is_changed, "changed its input `theta` in place"),
        (example_is_typed_in, "rosenblatt should be an array of shape (4,)"),
        (rate_of_the_example_is_typed_in, "fits the example but not other inputs"),
        (errors_are_returned, "rosenblatt should be an array of shape (3,)"),
        (only_one_rule, "should return 2 values"),
    ],
    "3.2": [
        (yes_means_impossible, "the wrong way round"),
        (weights_of_zero_are_allowed, "says yes to every gate"),
        (weights_cannot_be_negative, "your weights can't be negative"),
        (zero_is_not_allowed, "a sum of at most -1"),
        (one_pass, "you give up after one pass"),
        (four_passes, "some gates that have a line are missing"),
        (bias_is_dropped, "the last column of x is dropped"),
        (bias_is_added, "you add a column of ones"),
        (zeros_ask_for_the_impossible, "rows with answer 0 ask for nothing"),
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
        (length_of_theta_is_forgotten, "gamma is not divided by the length of theta"),
        (length_without_the_bias, "the length of the weights without the bias"),
        (signs_are_kept, "with its sign as it is"),
        (zeros_drop_out, "rows with answer 0 have dropped out"),
        (square_is_forgotten, "the bound is not squared"),
        (fraction_is_upside_down, "the bound is upside down"),
        (r_is_squared, "you return R squared"),
        (bias_is_left_out_of_the_sums, "the bias is left out of the sums"),
        (ones_come_first, "stands in front of the inputs"),
        (and_is_typed_in, "R is the same whatever the inputs are"),
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
