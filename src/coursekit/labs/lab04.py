"""The checks of lab 4, "Layers and blame": forward, backward, a check of every slope, a second opinion, a flat log."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit

from coursekit.feedback import Constant, Lab, Student, TryAgain, compare, hidden
from coursekit.labs.lab04_nudging import MISTAKES, ZEROS, errors, wave

LAB = Lab(4, "Layers and blame", varies={"4.2": Constant(), "4.3": Constant("h"), "4.4": Constant()})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]
Slopes = Callable[..., tuple[Array, ...]]


def _network(rng: np.random.Generator, n: int, d: int, k: int) -> tuple[Array, Array, Array, Array, Array]:
    """Random x (n, d), w1 (k, d), b1 (k,), w2 (1, k), b2 (1,)."""
    x, w1, b1, w2, b2 = (rng.normal(size=shape) for shape in ((n, d), (k, d), k, (1, k), 1))
    return x, w1, b1, w2, b2


def _hold_arrays(answer: tuple[Any, ...] | list[Any], names: tuple[str, ...]) -> None:
    """TryAgain if a value that is right is a list or a tensor, with which no later cell can calculate."""
    for name, value in zip(names, answer, strict=True):
        if isinstance(value, list | tuple | torch.Tensor):
            kind = type(value).__name__
            raise TryAgain(f"{name} holds the right numbers, but as a {kind}: return an array, np.array(...).")


# 4.1 Forward


def _forward(
    x: Array, w1: Array, b1: Array, w2: Array, b2: Array, *, bend: Any = np.tanh, out: Any = expit
) -> tuple[Array, Array, Array]:
    z1 = np.einsum("nd,kd->nk", x, w1) + b1
    h = bend(z1)
    return z1, h, out(np.einsum("nk,ok->no", h, w2) + b2)


@LAB.exercise("4.1", "forward(x, w1, b1, w2, b2)", title="Forward", points=3)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(41))
    w1, b1, w2 = np.array([[2.0, -1], [1, 0]]), np.array([0.0, -1]), np.array([[1.0, 3]])
    log_w1, log_b1 = np.log(np.array([[2.0, 5], [1, 7]])), np.log(np.array([1.0, 3]))
    log_w2 = np.array([[5.0, -5]])
    by_hand: list[tuple[tuple[Any, ...], Any]] = [
        ((np.array([[1.0, 2]]), w1, b1, w2, np.zeros(1)), ([[0, 0]], [[0, 0]], [[0.5]])),
        # tanh(log 2) = 0.6 and tanh(log 3) = 0.8; 5 * 0.6 - 5 * 0.8 + 1 = 0.
        ((np.eye(2)[:1], log_w1, log_b1, log_w2, np.ones(1)), ([np.log([2, 3])], [[0.6, 0.8]], [[0.5]])),
    ]
    mistakes: dict[str, Callable[..., Any]] = {
        "you turned w1 round with reshape, which gives units each other's weights. w1.T swaps rows and columns.": (
            lambda x, w1, *a: _forward(x, w1.reshape(w1.T.shape).T, *a)
        ),
        "the hidden units answer with the chapter's sigmoid; here it is np.tanh.": lambda *a: _forward(*a, bend=expit),
        "the hidden units have no bend: h is np.tanh(z1).": lambda *a: _forward(*a, bend=np.copy),
        "p is still the sum of the output unit: put it through expit.": lambda *a: _forward(*a, out=np.copy),
        "the output unit bends with tanh, from -1 to 1; a chance needs expit.": lambda *a: _forward(*a, out=np.tanh),
        "b1 has no effect: each hidden unit adds its bias.": lambda x, w1, b1, *a: _forward(x, w1, 0 * b1, *a),
        "b2 has no effect: the output unit adds its bias too.": lambda x, w1, b1, w2, b2: _forward(
            x, w1, b1, w2, 0 * b2
        ),
        "the output unit reads z1: it should read h, what the hidden units say after the bend.": (
            lambda *a: (*_forward(*a)[:2], _forward(*a, bend=np.copy)[2])
        ),
        "z1 holds the same numbers as h: it is the sums, before the bend. Is the bend applied in place, or h returned "
        "twice?": (lambda *a: tuple(_forward(*a)[part] for part in (1, 1, 2))),
        "p has lost its second axis. Keep (n, 1), like y: with (n,), p - y would silently become an (n, n) table.": (
            lambda *a: (*_forward(*a)[:2], _forward(*a)[2][:, 0])
        ),
    }
    square: list[tuple[Any, ...]] = [_network(rng, 4, 2, 2), _network(rng, 5, 3, 3)]
    wide = [_network(rng, n, d, k) for n, d, k in ((4, 2, 3), (1, 5, 2), (7, 3, 4))]
    try:
        student(*wide[0])
        others = square + wide
    except ValueError:  # with as many hidden units as inputs a forgotten .T runs, and can be told by its numbers
        others = square
        hint = "w1 is not transposed. It has one row for each hidden unit, so x @ w1 gives units each other's weights."
        mistakes = {hint: lambda x, w1, *a: _forward(x, w1.T, *a)} | mistakes
    compare(student, returns=("z1", "h", "p"), by_hand=by_hand, others=others, right=_forward, mistakes=mistakes)
    _hold_arrays(student(*wide[0]), ("z1", "h", "p"))


# 4.2 Backward


def _slopes(x: Array, y: Array, w2: Array, z1: Array, h: Array, p: Array) -> tuple[Array, ...]:
    """Slopes with no backpropagation: nudge each parameter by an imaginary step, which is exact to rounding."""
    k, d = h.shape[1], x.shape[1]

    def slope(nudge: Array) -> float:
        dw1, db1, dw2, db2 = np.split(1e-30j * nudge, np.cumsum([k * d, k, k]))
        shift = np.tanh(z1 + x @ dw1.reshape(k, d).T + db1) - h
        z = logit(p) + shift @ w2.T + h @ dw2[:, np.newaxis] + db2
        return float(np.imag(np.mean(np.log(1 + np.exp(z)) - y * z)) / 1e-30)

    row = np.array([slope(axis) for axis in np.eye(k * d + 2 * k + 1)])
    dw1, db1, dw2, db2 = np.split(row, np.cumsum([k * d, k, k]))
    return dw1.reshape(k, d), db1, dw2[np.newaxis], db2


def _but(
    error: Callable[[Array, Array], Array] = lambda p, y: p - y,
    share: Callable[[Array], float] = len,
    back: Callable[[Array, Array], Array] = np.matmul,
    bend: Callable[[Array, Array], Any] = lambda z1, h: 1 - h**2,
    below: Callable[[Array, Array, Array], tuple[Array, Array]] = lambda x, z1, h: (x, h),
    total: Callable[[Array], Any] = lambda blame: blame.sum(axis=0),
    after: Callable[..., tuple[Any, ...]] = lambda *slopes: slopes,
) -> Slopes:
    """Backpropagation with one piece replaced."""

    def slopes(x: Array, y: Array, w2: Array, z1: Array, h: Array, p: Array) -> tuple[Array, ...]:
        blame = error(p, y) / share(x)
        hidden = back(blame, w2) * bend(z1, h)
        first, second = below(x, z1, h)
        return after(hidden.T @ first, total(hidden), blame.T @ second, total(blame))

    return slopes


PARTS = ("slope_w1", "slope_b1", "slope_w2", "slope_b2")
# Input, target and output weights of 4.2's example: blame -0.5; times the weights, -1 and 2; tanh has slope 1 at 0.
ONE = np.array([[1.0, 3]]), np.ones((1, 1)), np.array([[2.0, -4]])
ONES_SLOPES = [[-1, -3], [2, 6]], [-1, 2], [[0, 0]], [-0.5]


@LAB.exercise("4.2", "backward(x, y, w2, z1, h, p)", title="Backward", points=6)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(42))

    def case(n: int, d: int, k: int) -> tuple[Array, ...]:
        x, *weights = _network(rng, n, d, k)
        return x, rng.integers(2, size=(n, 1)).astype(float), weights[2], *_forward(x, *weights)

    h, p, y, two = (np.array(v) for v in ([[0.5], [0]], [[0.5], [0.75]], [[1.0], [0]], [[2.0]]))
    compare(
        student,
        returns=PARTS,
        by_hand=[
            ((*ONE, np.zeros((1, 2)), np.zeros((1, 2)), h[:1]), ONES_SLOPES),
            # Blame -0.5 / 2 and 0.75 / 2; times 2, times 0.75 and 1.
            ((np.eye(2), y, two, np.arctanh(h), h, p), ([[-0.375, 0.75]], [0.375], [[-0.125]], [0.125])),
        ],
        others=[case(4, 2, 3), case(3, 2, 2), case(7, 3, 5), case(5, 4, 2)],
        right=_slopes,
        mistakes={
            "all slopes are n times too large: the loss is a mean, so blame is (p - y) / len(x).": _but(
                share=lambda _: 1
            ),
            "the biases' slopes are n times too small: sums of a blame that is divided by n once.": _but(
                total=lambda blame: blame.mean(axis=0)
            ),
            "slope_b1 is zero: it is the hidden blame, summed.": _but(after=lambda a, b, *c: (a, 0 * b, *c)),
            "slope_b2 is zero: it is the output's blame, summed.": _but(after=lambda *s: (*s[:3], 0 * s[3])),
            "all four signs are flipped. Is blame p - y, and does nothing later turn its sign?": _but(
                error=lambda p, y: y - p
            ),
            "a factor p * (1 - p) too many: cross-entropy has none.": _but(lambda p, y: (p - y) * p * (1 - p)),
            "the bend's slope is missing: multiply what arrives at a hidden unit by it.": _but(bend=lambda z1, h: 1),
            "h * (1 - h) is the slope of the sigmoid. What is that of tanh?": _but(bend=lambda z1, h: h * (1 - h)),
            "tanh's slope is taken at h, but h is tanh of the sum already: 1 - np.tanh(h)**2 bends twice.": _but(
                bend=lambda z1, h: 1 - np.tanh(h) ** 2
            ),
            "1 - z1**2 mixes two forms: 1 - h**2, or 1 - np.tanh(z1)**2.": _but(bend=lambda z1, h: 1 - z1**2),
            "blame is divided by the number of inputs, x.shape[1], and not of examples, len(x).": _but(
                share=lambda x: x.shape[1]
            ),
            "blame is divided by p * (1 - p), and the sigmoid's slope, which cancels it, is left out: it is p - y.": (
                _but(lambda p, y: (p - y) / (p * (1 - p)))
            ),
            "blame is that of a hard answer, p > 0.5: take p itself.": _but(lambda p, y: (p > 0.5) - y),
            "(1 - h)**2 is another thing than 1 - h**2.": _but(bend=lambda z1, h: (1 - h) ** 2),
            "every unit gets the whole blame: pass it back through w2.": _but(back=lambda blame, w2: blame + 0 * w2),
            "both weight slopes are transposed. w2 - slope_w2 would broadcast to a square without a word: make each "
            "slope as large as its weights.": _but(after=lambda w1, b1, w2, b2: (w1.T, b1, w2.T, b2)),
            "slope_w2 is transposed, (k, 1) for (1, k): subtracted from w2 it would silently make a (k, k) table.": (
                _but(after=lambda w1, b1, w2, b2: (w1, b1, w2.T, b2))
            ),
            "slope_w2 uses x. What came in at the start of the weights in w2?": _but(below=lambda x, z1, h: (x, x)),
            "slope_w2 uses z1: through w2 went h, after the bend.": _but(below=lambda x, z1, h: (x, z1)),
            "slope_w1 uses h, which comes out of the first layer, not in.": _but(below=lambda x, z1, h: (h, h)),
            "the biases' slopes still have a row for every example: sum over axis 0.": _but(total=lambda blame: blame),
            "the biases' slopes are single numbers: sum over the examples alone, axis=0.": _but(total=np.sum),
            "the layers are in the wrong order: w1, b1, w2, b2.": _but(after=lambda a, b, c, d: (c, d, a, b)),
        },
        linked=("z1", "h"),
    )
    _hold_arrays(student(*case(4, 2, 3)), PARTS)


# 4.3 Which slope is wrong?


@LAB.exercise("4.3", "relative_errors(loss, gradient, theta, h)", title="Which slope is wrong?", points=3)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(43))
    square = lambda t: np.sum(t**2)  # noqa: E731
    compare(
        student,
        returns="errors",
        by_hand=[
            # Nudged by a half: slopes 2 and -6, but 1 and -3 are claimed.
            ((square, np.copy, np.array([1.0, -3]), 0.5), [1 / 3, 1 / 3]),
            # Nudged 3.25 and 12.25, claimed 3 and 12: these errors are the nudge's own.
            ((lambda t: np.sum(t**3), lambda t: 3 * t**2, np.array([1.0, 2]), 0.5), [0.25 / 6.25, 0.25 / 24.25]),
        ],
        others=[wave(rng, 3, 0.1), wave(rng, 6, 0.01), wave(rng, 4, 0.3)],
        right=errors(),
        mistakes=MISTAKES,
    )
    nothing = "two zeros agree, but your answer there is 0 / 0: return 0 where claimed and nudged are both 0."
    compare(
        student,
        returns="errors",
        by_hand=[  # both are 0; claimed alone is; nudged alone is
            ((square, lambda t: 2 * t, np.array([0.0, 1]), 0.5), [0, 0]),
            ((square, lambda t: np.array([0, 2 * t[1]]), np.array([1.0, 3]), 0.5), [1, 0]),
            ((square, lambda t: 2 * t + np.array([1, 0]), np.array([0.0, 1]), 0.5), [1, 0]),
        ],
        others=[],
        right=errors(),
        mistakes={nothing: errors(), **ZEROS},
    )


# 4.4 A second opinion


def _of_weights(slopes: Slopes, bend: Any = np.tanh) -> Slopes:
    """Slopes of (x, y, w1, b1, w2, b2), from a function of what the forward pass found."""
    return lambda x, y, w1, b1, w2, b2: slopes(x, y, w2, *_forward(x, w1, b1, w2, b2, bend=bend))


@LAB.exercise(
    "4.4",
    "torch_slopes(x, y, w1, b1, w2, b2)",
    title="A second opinion",
    points=3,
    on_error={
        (
            RuntimeError,
            "on Tensor that requires grad",
        ): "a function of NumPy meets a tensor whose slope is asked "
        "for, in {line}: NumPy keeps no record of slopes. PyTorch's own do, such as torch.tanh; leave .detach() out.",
        (RuntimeError, "does not require grad"): "your loss knows of no slope that is asked for: make the four weights "
        "tensors with requires_grad=True, and compute the loss from them, with no .detach(), .item() or torch.tensor "
        "on the way.",
        (RuntimeError, "only for scalar"): "slopes are those of one number, and here are several: take the mean of the "
        "loss over the examples.",
        (
            RuntimeError,
            "have been used in the graph",
        ): "one of those whose slope you ask for has no part in your loss. Do w1, b1, w2 and b2 all lead to it, and do "
        "you ask for these very tensors, not for copies?",
        (RuntimeError, "a second time"): "the slopes of one loss, or of a part of it, are asked for twice: one call "
        "finds all four, and each call of your function computes a loss of its own.",
        (RuntimeError, "same dtype"): "two kinds of numbers meet ({error}): arrays are float64, and tensors and layers "
        "that you make get it with dtype=torch.float64 or .double().",
        (
            ValueError,
            "arget size",
        ): "what the loss puts side by side has two shapes ({error}): for n examples, both are (n, 1).",
    },
)
def _(student: Student) -> None:
    rng, cases = np.random.default_rng(hidden(44)), []
    for n, d, k in ((4, 2, 3), (30, 4, 2), (9, 3, 5)):
        x, *weights = _network(rng, n, d, k)
        cases.append((x, rng.integers(2, size=(n, 1)).astype(float), *weights))
    backward, grad = torch.autograd.backward, torch.autograd.grad
    with (
        patch.object(torch.autograd, "backward", side_effect=backward) as one,
        patch.object(torch.autograd, "grad", side_effect=grad) as other,
    ):
        answers = [student(*case) for case in cases]
    # When it is graded, torch is asked in another process: see coursekit.grading.remotes.
    elsewhere = "_ask_peer" in getattr(student._function, "__dict__", {})
    for answer in answers:
        for part, slope in zip(PARTS, answer if isinstance(answer, tuple | list) else (), strict=False):
            if slope is None and not (one.called or elsewhere):
                raise TryAgain(f"{part} is None: loss.backward() fills .grad, and it was never called.")
            if slope is None:
                raise TryAgain(
                    f"{part} is None: .grad is filled by loss.backward(), and only in the very tensors that were made "
                    "with requires_grad and lead to the loss, not in copies of them (.double(), .clone())."
                )
    twice = "the slopes are doubled. Is your loss the mean of the cross-entropy, and .grad empty before .backward()?"
    if one.call_count > len(cases):
        twice = "the slopes are doubled: .backward() is called more than once, and adds to .grad."
    compare(
        student,
        returns=PARTS,
        by_hand=[((*ONE[:2], np.zeros((2, 2)), np.zeros(2), ONE[2], np.zeros(1)), ONES_SLOPES)],
        others=cases,
        right=_of_weights(_slopes),
        mistakes={
            "these are the slopes of a loss that is summed over the examples: it should be their mean.": _of_weights(
                _but(share=lambda _: 1)
            ),
            twice: (_of_weights(_but(share=lambda x: len(x) / 2))),
            "that is the slope of the mean squared error: this network is trained on the cross-entropy.": (
                _of_weights(_but(error=lambda p, y: 2 * (p - y) * p * (1 - p)))
            ),
            "the sigmoid is applied twice: ..._with_logits does it itself, and wants the output's sum.": (
                _of_weights(_but(error=lambda p, y: (expit(p) - y) * p * (1 - p)))
            ),
            "what the network says and the targets are exchanged in the loss: first z, then the targets.": (
                _of_weights(_but(error=lambda p, y: -y))
            ),
            "the hidden units of your twin answer with a sigmoid: here it is torch.tanh.": (
                _of_weights(_but(bend=lambda z1, h: h * (1 - h)), bend=expit)
            ),
        },
        rtol=1e-4,
    )
    if not (one.called or other.called or elsewhere):
        raise TryAgain(
            "the slopes are right, but PyTorch was never asked for them, so this is no second opinion: write the loss "
            "with tensors, and call .backward()."
        )
    for case, answer in zip(cases, answers, strict=True):
        for part, ours, theirs in zip(PARTS, answer, _of_weights(_slopes)(*case), strict=True):
            found = np.asarray(torch.as_tensor(ours).detach(), dtype=float)
            gap = np.abs(found - theirs).max() / np.abs(theirs).max()
            if gap > 1e-8:
                single = bool((found == found.astype(np.float32)).all())
                why = (
                    "that is the rounding of float32, PyTorch's habit" if single else "is it rounded, or float32 before"
                )
                raise TryAgain(
                    f"{part} is right only to a relative gap of {gap:.0e}: {why}{'. ' if single else '? '}Keep "
                    "everything in float64, with .double() or dtype=torch.float64."
                )


# 4.5 A log that stays flat

LAB.free_text(
    "4.5",
    title="A log that stays flat",
    points=5,
    rubric={
        5: "States from the log by what factor slopes shrink from layer to layer, and explains it as a product of "
        "weights and slopes of the bend (at most 1/4 for the sigmoid), once for every layer. Rules out another cause "
        "with a number of the log. Changes one thing, with a prediction before the run and what came of it.",
        3: "Vanishing slopes are named and explained by the product, with a number of the log; but no other cause is "
        "ruled out, or the change was not predicted or not run.",
        1: "Says that the slopes vanish, or proposes a change that works, with no reason why.",
        0: "Only that the loss is flat; or a cause that the log contradicts, such as a wrong gradient.",
    },
)
