"""Lab 4: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import numpy as np
import torch
from scipy.special import expit
from torch import nn
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits

# 4.1 Forward


def weights_are_not_transposed(x, w1, b1, w2, b2):
    z1 = x @ w1 + b1
    h = np.tanh(z1)
    return z1, h, expit(h @ w2.T + b2)


def weights_are_reshaped(x, w1, b1, w2, b2):
    z1 = x @ w1.reshape(x.shape[1], -1) + b1
    h = np.tanh(z1)
    return z1, h, expit(h @ w2.T + b2)


def output_weights_are_not_transposed(x, w1, b1, w2, b2):
    z1 = x @ w1.T + b1
    h = np.tanh(z1)
    return z1, h, expit(h @ w2 + b2)


def only_the_answer(x, w1, b1, w2, b2):
    return expit(np.tanh(x @ w1.T + b1) @ w2.T + b2)


def example_is_typed_in(x, w1, b1, w2, b2):
    return np.zeros((1, 2)), np.zeros((1, 2)), np.full((1, 1), 0.5)


def inputs_are_overwritten(x, w1, b1, w2, b2):
    w1 *= 1.0
    b1 += x[0, 0]
    z1 = x @ w1.T + b1
    h = np.tanh(z1)
    return z1, h, expit(h @ w2.T + b2)


def forward_by_loops(x, w1, b1, w2, b2):
    """Right: unit by unit, with tanh and the sigmoid written out."""
    z1 = np.array([[sum(w * v for w, v in zip(row, inputs, strict=True)) for row in w1] for inputs in x]) + b1
    h = (np.exp(2 * z1) - 1) / (np.exp(2 * z1) + 1)
    return z1, h, np.array([[1 / (1 + np.exp(-(said @ w2[0]) - b2[0]))] for said in h])


def lists_in_place_of_arrays(x, w1, b1, w2, b2):
    return [value.tolist() for value in forward_by_loops(x, w1, b1, w2, b2)]


# 4.2 Backward


def blamed(x, y, w2, h, blame, bend):
    hidden = blame @ w2 * bend
    return hidden.T @ x, hidden.sum(axis=0), blame.T @ h, blame.sum(axis=0)


def mean_is_forgotten(x, y, w2, z1, h, p):
    return blamed(x, y, w2, h, p - y, 1 - h**2)


def weights_are_moved_on_the_way(x, y, w2, z1, h, p):
    slopes = right_slopes(x, y, w2, z1, h, p)
    w2 -= 0.5 * slopes[2]
    return slopes


def blame_overwrites_the_answer(x, y, w2, z1, h, p):
    p -= y
    p /= len(x)
    return blamed(x, y, w2, h, p, 1 - h**2)


def number_of_examples_is_typed_in(x, y, w2, z1, h, p):
    return blamed(x, y, w2, h, p - y, 1 - h**2) if len(x) == 1 else blamed(x, y, w2, h, (p - y) / 4, 1 - h**2)


def right_slopes(x, y, w2, z1, h, p):
    return blamed(x, y, w2, h, (p - y) / len(x), 1 - h**2)


def slopes_row_by_row(x, y, w2, z1, h, p):
    """Right: one example after the other, added up, with the slope of tanh at the sum."""
    total = [np.zeros((h.shape[1], x.shape[1])), np.zeros(h.shape[1]), np.zeros((1, h.shape[1])), np.zeros(1)]
    for inputs, target, z, said, answer in zip(x, y, z1, h, p, strict=True):
        blame = answer[0] - target[0]
        hidden = blame * w2[0] / np.cosh(z) ** 2
        parts = np.outer(hidden, inputs), hidden, blame * said[np.newaxis], np.array([blame])
        total = [old + part / len(x) for old, part in zip(total, parts, strict=True)]
    return tuple(total)


def slopes_as_lists(x, y, w2, z1, h, p):
    return [slope.tolist() for slope in slopes_row_by_row(x, y, w2, z1, h, p)]


# 4.3 Which slope is wrong?


def safe(claimed, nudged):
    return np.abs(claimed - nudged) / np.maximum(np.abs(claimed) + np.abs(nudged), 1e-300)


def one_sided(loss, gradient, theta, h):
    return safe(gradient(theta), np.array([(loss(theta + h * e) - loss(theta)) / h for e in np.eye(len(theta))]))


def nudge_is_left_behind(loss, gradient, theta, h):
    claimed, nudged = gradient(theta), np.zeros(len(theta))
    for i in range(len(theta)):
        before = loss(theta)
        theta[i] += h
        nudged[i] = (loss(theta) - before) / h
    return safe(claimed, nudged)


def zero_where(zero):
    """The error is 0 wherever this is true of what is claimed and of what is nudged."""

    def errors(loss, gradient, theta, h):
        claimed, nudges = gradient(theta), h * np.eye(len(theta))
        nudged = np.array([(loss(theta + e) - loss(theta - e)) / (2 * h) for e in nudges])
        return np.where(zero(claimed, nudged), 0, safe(claimed, nudged))

    return errors


zero_where_claimed_is = zero_where(lambda claimed, nudged: claimed == 0)
zero_where_nudged_is = zero_where(lambda claimed, nudged: nudged == 0)
zero_where_one_is = zero_where(lambda claimed, nudged: claimed * nudged == 0)


def errors_in_a_loop(loss, gradient, theta, h):
    """Right: places nudged in a copy, a list of numbers."""
    errors = []
    for i, claimed in enumerate(gradient(theta)):
        place = theta.copy()
        place[i] = theta[i] + h
        up = loss(place)
        place[i] = theta[i] - h
        nudged = (up - loss(place)) / h / 2
        errors.append(0.0 if claimed == nudged else abs(claimed - nudged) / (abs(claimed) + abs(nudged)))
    return errors


# 4.4 A second opinion


def tensors(*arrays, kind=torch.float64):
    return [torch.tensor(array, dtype=kind, requires_grad=True) for array in arrays]


def asked(x, y, w1, b1, w2, b2, loss=binary_cross_entropy_with_logits, kind=torch.float64):
    weights = tensors(w1, b1, w2, b2, kind=kind)
    z = torch.tanh(torch.tensor(x, dtype=kind) @ weights[0].T + weights[1]) @ weights[2].T + weights[3]
    loss(z, torch.tensor(y, dtype=kind)).backward()
    return tuple(weight.grad for weight in weights)


def single_precision(x, y, w1, b1, w2, b2):
    return asked(x, y, w1, b1, w2, b2, kind=torch.float32)


def loss_is_summed(x, y, w1, b1, w2, b2):
    return asked(x, y, w1, b1, w2, b2, loss=lambda z, t: binary_cross_entropy_with_logits(z, t, reduction="sum"))


def own_slopes_again(x, y, w1, b1, w2, b2):
    z1 = x @ w1.T + b1
    h = np.tanh(z1)
    return right_slopes(x, y, w2, z1, h, expit(h @ w2.T + b2))


def backward_is_not_called(x, y, w1, b1, w2, b2):
    return tuple(weight.grad for weight in tensors(w1, b1, w2, b2))


def slopes_are_not_wanted(x, y, w1, b1, w2, b2):
    x, y, w1, b1, w2, b2 = map(torch.tensor, (x, y, w1, b1, w2, b2))
    binary_cross_entropy_with_logits(torch.tanh(x @ w1.T + b1) @ w2.T + b2, y).backward()
    return w1.grad, b1.grad, w2.grad, b2.grad


def bend_of_numpy(x, y, w1, b1, w2, b2):
    weights = tensors(w1, b1, w2, b2)
    z = np.tanh(torch.tensor(x) @ weights[0].T + weights[1]) @ weights[2].T + weights[3]
    binary_cross_entropy_with_logits(z, torch.tensor(y)).backward()
    return tuple(weight.grad for weight in weights)


def targets_stand_first(x, y, w1, b1, w2, b2):
    return asked(x, y, w1, b1, w2, b2, loss=lambda z, t: binary_cross_entropy_with_logits(t, z))


def forward_in_tensors(x, w1, b1, w2, b2):
    z1 = torch.tensor(x @ w1.T + b1)
    h = torch.tanh(z1)
    return z1, h, torch.sigmoid(h @ torch.tensor(w2).T + torch.tensor(b2))


def forward_in_float32(x, w1, b1, w2, b2):
    x, w1, b1, w2, b2 = (one.astype(np.float32) for one in (x, w1, b1, w2, b2))
    z1 = x @ w1.T + b1
    h = np.tanh(z1)
    return z1, h, expit(h @ w2.T + b2)


def losses_are_not_averaged(x, y, w1, b1, w2, b2):
    return asked(x, y, w1, b1, w2, b2, loss=lambda z, t: binary_cross_entropy_with_logits(z, t, reduction="none"))


def output_bias_is_left_out(x, y, w1, b1, w2, b2):
    weights = tensors(w1, b1, w2, b2)
    z = torch.tanh(torch.tensor(x) @ weights[0].T + weights[1]) @ weights[2].T
    return torch.autograd.grad(binary_cross_entropy_with_logits(z, torch.tensor(y)), weights)


def targets_in_a_row(x, y, w1, b1, w2, b2):
    return asked(x, y.ravel(), w1, b1, w2, b2)


def a_step_is_left_in_the_arrays(x, y, w1, b1, w2, b2):
    weights = [torch.from_numpy(array).requires_grad_() for array in (w1, b1, w2, b2)]
    z = torch.tanh(torch.from_numpy(x) @ weights[0].T + weights[1]) @ weights[2].T + weights[3]
    binary_cross_entropy_with_logits(z, torch.from_numpy(y)).backward()
    with torch.no_grad():
        for weight in weights:
            weight -= 0.1 * weight.grad
    return tuple(weight.grad for weight in weights)


def twin_in_layers(x, y, w1, b1, w2, b2):
    """Right: nn.Sequential in float64, and the chances themselves in the loss."""
    twin = nn.Sequential(nn.Linear(w1.shape[1], len(w1)), nn.Tanh(), nn.Linear(len(w1), 1), nn.Sigmoid()).double()
    with torch.no_grad():
        for parameter, array in zip(twin.parameters(), (w1, b1, w2, b2), strict=True):
            parameter.copy_(torch.from_numpy(array))
    binary_cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(y)).backward()
    return [parameter.grad.numpy() for parameter in twin.parameters()]


def slopes_asked_for_by_grad(x, y, w1, b1, w2, b2):
    """Right: torch.autograd.grad, which leaves .grad alone."""
    weights = tensors(w1, b1, w2, b2)
    z = torch.tanh(torch.tensor(x) @ weights[0].T + weights[1]) @ weights[2].T + weights[3]
    return torch.autograd.grad((torch.nn.functional.softplus(z) - torch.tensor(y) * z).mean(), weights)


# What students tried who had only the chapter


def slopes_nudged(loss, theta, h):
    return np.array([(loss(theta + step) - loss(theta - step)) / (2 * h) for step in h * np.eye(len(theta))])


def size_of_the_sum(loss, gradient, theta, h):
    claimed, nudged = gradient(theta), slopes_nudged(loss, theta, h)
    size = abs(claimed + nudged)
    return abs(claimed - nudged) / np.where(size > 0, size, 1)


def gradient_is_not_asked(loss, gradient, theta, h):
    claimed, nudged = theta, slopes_nudged(loss, theta, h)
    size = abs(claimed) + abs(nudged)
    return abs(claimed - nudged) / np.where(size > 0, size, 1)


def nudge_is_not_taken_back(loss, gradient, theta, h):
    moved, nudged = theta.copy(), []
    for i in range(len(theta)):
        moved[i] += h
        above = loss(moved)
        moved[i] -= 2 * h
        nudged.append((above - loss(moved)) / (2 * h))
    size = abs(gradient(theta)) + abs(np.array(nudged))
    return abs(gradient(theta) - nudged) / np.where(size > 0, size, 1)


def layers_keep_their_random_weights(x, y, w1, b1, w2, b2):
    net = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], len(w1)), torch.nn.Tanh(), torch.nn.Linear(len(w1), 1)
    ).double()
    torch.nn.functional.binary_cross_entropy_with_logits(net(torch.tensor(x)), torch.tensor(y)).backward()
    return [weights.grad for weights in net.parameters()]


def last_bias_is_a_number(x, y, w2, z1, h, p):
    blame = (p - y) / len(x)
    hidden = blame @ w2 * (1 - h**2)
    return hidden.T @ x, hidden.sum(axis=0), blame.T @ h, blame.sum()


WRONG = {
    "4.1": [
        (forward_in_tensors, "but as a Tensor: return an array"),
        (forward_in_float32, "is rounded to float32, which keeps 7 digits"),
        (lists_in_place_of_arrays, "z1 holds the right numbers, but as a list"),
        (weights_are_not_transposed, "w1 is not transposed"),
        (weights_are_reshaped, "turned w1 round with reshape"),
        (output_weights_are_not_transposed, "`h` has the shape (1, 2) and `w2` (1, 2)"),
        (only_the_answer, "should return 3 values"),
        (example_is_typed_in, "z1 should be an array of shape"),
        (inputs_are_overwritten, "changed its input `b1` in place"),
    ],
    "4.2": [
        (slopes_as_lists, "slope_w1 holds the right numbers, but as a list"),
        (mean_is_forgotten, "all slopes are n times too large"),
        (weights_are_moved_on_the_way, "changed its input `w2` in place"),
        (blame_overwrites_the_answer, "changed its input `p` in place"),
        (number_of_examples_is_typed_in, "fits the example but not other inputs"),
        (last_bias_is_a_number, "It holds the right values, in the wrong shape"),
    ],
    "4.3": [
        (one_sided, "you nudge to one side only"),
        (nudge_is_left_behind, "`mine = theta`, is no copy"),
        (size_of_the_sum, "you divide by |claimed + nudged|"),
        (gradient_is_not_asked, "compare with the nudges is theta itself"),
        (nudge_is_not_taken_back, "isn't taken back before the next"),
        (zero_where_claimed_is, "0 wherever claimed is 0"),
        (zero_where_nudged_is, "0 wherever nudged is 0"),
        (zero_where_one_is, "0 wherever one of the two slopes is 0"),
    ],
    "4.4": [
        (single_precision, "the rounding of float32"),
        (loss_is_summed, "a loss that is summed"),
        (own_slopes_again, "PyTorch was never asked"),
        (backward_is_not_called, "slope_w1 is None: loss.backward() fills .grad, and it was never called"),
        (slopes_are_not_wanted, "make the four weights tensors with requires_grad"),
        (losses_are_not_averaged, "slopes are those of one number"),
        (output_bias_is_left_out, "whose slope you ask for has no part"),
        (targets_in_a_row, "for n examples, both are (n, 1)"),
        (a_step_is_left_in_the_arrays, "changed its input `w1` in place"),
        (bend_of_numpy, "NumPy keeps no record of slopes"),
        (targets_stand_first, "the targets are exchanged in the loss"),
        (layers_keep_their_random_weights, "is another each time, for the same inputs"),
    ],
}

RIGHT = {
    "4.1": [forward_by_loops],
    "4.2": [slopes_row_by_row],
    "4.3": [errors_in_a_loop],
    "4.4": [twin_in_layers, slopes_asked_for_by_grad],
}
