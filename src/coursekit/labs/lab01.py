"""The checks of lab 1, "Rolling downhill": slopes, the speed limit, momentum, and a run that oscillates."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Pattern, Student, compare, hidden

LAB = Lab(
    1,
    "Rolling downhill",
    varies={"1.2": Constant(), "1.3": Constant("learning_rate"), "1.4": Constant("learning_rate")},
)
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]
Gradient = Callable[[Array], Array]

# The five points of the evolution essay.
X = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
Y = np.array([2.0, 4.0, 5.0, 4.0, 5.0])


# 1.1 Two slopes


def _slopes(m: float, b: float, x: Array, y: Array) -> tuple[Any, Any]:
    """The gradient in matrix form: 2/n * design^T (design @ (m, b) - y)."""
    design = np.column_stack([x, np.ones_like(x)])
    dm, db = 2 / len(x) * design.T @ (design @ [m, b] - y)
    return dm, db


@LAB.exercise("1.1", "mse_gradient(m, b, x, y)", title="Two slopes", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(11))
    compare(
        student,
        returns=("dm", "db"),
        by_hand=[
            # Residuals -1, -1, -2: dm = 2/3 * (-1 - 2 - 6), db = 2/3 * (-4).
            ((1.0, 0.0, np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0])), (-6, -8 / 3)),
            # The line goes through all the points: no slope at all.
            ((2.0, 3.0, np.array([0.0, 1.0, 4.0]), np.array([3.0, 5.0, 11.0])), (0, 0)),
        ],
        others=[(*rng.normal(size=2), rng.normal(size=n), rng.normal(size=n)) for n in (3, 5, 8)],
        right=_slopes,
        mistakes={
            "you return the two slopes the other way round: dm comes first, then db.": lambda *a: _slopes(*a)[::-1],
            "the sign of db is flipped: a step from b to b - learning_rate * db would climb. Is the residual the "
            "prediction minus y in both lines, with no minus before it?": lambda *a: (_slopes(*a)[0], -_slopes(*a)[1]),
            "the sign of dm is flipped: a step from m to m - learning_rate * dm would climb. Is the residual the "
            "prediction minus y in both lines, with no minus before it?": lambda *a: (-_slopes(*a)[0], _slopes(*a)[1]),
            "both signs are flipped, so you point downhill, but a gradient points uphill. Is your residual y minus the "
            "prediction (it is the prediction minus y), or is there a minus too many?": lambda *a: (
                -_slopes(*a)[0],
                -_slopes(*a)[1],
            ),
            "both slopes are half of what they should be: the derivative of a square brings down a factor 2, and the "
            "mean divides by n alone.": (lambda *a: (_slopes(*a)[0] / 2, _slopes(*a)[1] / 2)),
            "your slopes are n times too large for n points: the loss is a mean over the points, so a sum over them is "
            "divided by n.": lambda m, b, x, y: tuple(len(x) * slope for slope in _slopes(m, b, x, y)),
            "the residual is missing: after the power rule, 2 * (m*x + b - y) stays there as a factor.": (
                lambda m, b, x, y: (2 * x.mean(), 2.0)
            ),
            "the residual is still squared: the power rule leaves 2 times the residual itself.": lambda m, b, x, y: (
                2 * np.mean((m * x + b - y) ** 2 * x),
                2 * np.mean((m * x + b - y) ** 2),
            ),
            "dm is the number that db should be. Do you return db twice, or does dm lack the inner derivative? m "
            "stands beside x in m*x + b, so each residual counts x "
            "times.": (lambda *a: (_slopes(*a)[1], _slopes(*a)[1])),
            "your slopes are right to four digits or so, and no further. Are they rounded, or found by a nudge, as "
            "(L(m + h, b) - L(m, b)) / h? Here they come from formulas, which need no h.": Pattern(
                lambda got, right, *_: np.allclose(got, right, rtol=1e-4, atol=1e-4)
            ),
            "b has no effect on your answer: the prediction is m*x + b.": lambda m, b, x, y: _slopes(m, 0, x, y),
        },
    )


# 1.2 The speed limit


def _curvatures(x: Array) -> tuple[float, float]:
    """Smallest and largest eigenvalue of the Hessian [[2 mean x^2, 2 mean x], [2 mean x, 2]], by its quadratic."""
    half_trace = np.mean(x**2) + 1
    root = np.sqrt(half_trace**2 - 4 * np.var(x))
    return half_trace - root, half_trace + root


def _limit_of(a: Any, b: Any, c: float) -> Any:
    """2 / the largest eigenvalue of [[a, b], [b, c]]."""
    return 2 / ((a + c) / 2 + np.sqrt((a - c) ** 2 / 4 + b**2))


@LAB.exercise("1.2", "stability_limit(x)", title="The speed limit", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(12))
    compare(
        student,
        returns="your limit",
        by_hand=[
            # Hessian [[22, 6], [6, 2]]: trace 24, determinant 8, largest eigenvalue 12 + sqrt(136).
            ((X,), 2 / (12 + np.sqrt(136))),
            ((np.array([-1.0, 1.0]),), 1.0),  # Hessian [[2, 0], [0, 2]]
            ((np.zeros(3),), 1.0),  # Hessian [[0, 0], [0, 2]]
        ],
        others=[(rng.normal(loc=centre, size=n),) for centre, n in ((0, 4), (2, 7), (-5, 10))],
        right=lambda x: 2 / _curvatures(x)[1],
        mistakes={
            "that is 1 / lambda_max, half of the limit: the step that lands at the bottom in one go. At which step "
            "does a run land exactly as far away on the other side? (Or are all entries of your Hessian doubled?)": (
                lambda x: 1 / _curvatures(x)[1]
            ),
            "you return lambda_max itself, a curvature. The limit is a learning rate: steep curves allow only "
            "small steps, so divide by it.": lambda x: _curvatures(x)[1],
            "you used the smallest eigenvalue: that is the limit along the flattest direction, but the "
            "steepest direction is the one that breaks first.": lambda x: 2 / _curvatures(x)[0],
            "you divided by the trace, the sum of both curvatures. (That is the learning rate that settles soonest, "
            "but it is not the largest that settles.) Take the largest eigenvalue alone.": lambda x: (
                2 / sum(_curvatures(x))
            ),
            "your limit is twice too large. Has each entry of your Hessian its factor 2, and is the limit 2 divided by "
            "the largest eigenvalue?": (lambda x: 4 / _curvatures(x)[1]),
            "your limit is n times too small for n points: the entries of the Hessian are means over the points, not "
            "sums.": lambda x: 2 / (len(x) * _curvatures(x)[1]),
            "you looked at the curvature along m alone, the entry at the top left. The steepest direction mixes m and "
            "b: use the eigenvalues of the whole matrix.": lambda x: 1 / np.mean(x**2),
            "the lower right corner of your Hessian is 4: the slope by b grows by 2 when b grows by 1.": (
                lambda x: _limit_of(2 * np.mean(x**2), 2 * np.mean(x), 4)
            ),
            "the lower right corner of your Hessian is 1: the slope by b grows by 2 when b grows by 1.": (
                lambda x: _limit_of(2 * np.mean(x**2), 2 * np.mean(x), 1)
            ),
            "the upper left corner of your Hessian holds the mean of x, not that of its squares.": (
                lambda x: _limit_of(2 * np.mean(x), 2 * np.mean(x), 2)
            ),
            "the upper left corner of your Hessian holds the square of a mean: take the mean of the squares.": (
                lambda x: _limit_of(2 * np.mean(x) ** 2, 2 * np.mean(x), 2)
            ),
            "that is 2 * lambda_max: steep curves allow only small steps, so divide by it.": (
                lambda x: 2 * _curvatures(x)[1]
            ),
            "that is lambda_max / 2, upside down: steep curves allow only small steps.": lambda x: (
                _curvatures(x)[1] / 2
            ),
            "the corners of your Hessian lack their factor 2: both hold 2 * mean(x).": lambda x: _limit_of(
                2 * np.mean(x**2), np.mean(x), 2
            ),
            "the upper left corner of your Hessian holds the variance of x: take the mean of the squares.": (
                lambda x: _limit_of(2 * np.var(x), 2 * np.mean(x), 2)
            ),
            "that is 2 / the larger entry of the diagonal. Are the corners of your Hessian zero (m and b are coupled, "
            "so both hold 2 * mean(x)), or do you take no eigenvalue?": (lambda x: 1 / max(np.mean(x**2), 1)),
        },
        rtol=1e-5,
    )


# 1.3 Momentum


def _heavy_ball(
    gradient: Gradient, start: Array, learning_rate: float, beta: float, n_steps: int, first: Any = 0.0
) -> Array:
    """Momentum without a velocity: it is beta times the way made by the last step."""
    path = [start, start + first - learning_rate * gradient(start)]
    while len(path) <= n_steps:
        path.append(path[-1] + beta * (path[-1] - path[-2]) - learning_rate * gradient(path[-1]))
    return np.array(path)


def _with_velocity(step: Callable[[Gradient, Array, Array, float, float], tuple[Array, Array]]) -> Callable[..., Array]:
    """A descent with a mistaken step: (gradient, theta, v, learning_rate, beta) -> (theta, v)."""

    def descent(gradient: Gradient, start: Array, learning_rate: float, beta: float, n_steps: int) -> Array:
        theta, v = start, np.zeros_like(start)
        path = [theta]
        for _ in range(n_steps):
            theta, v = step(gradient, theta, v, learning_rate, beta)
            path.append(theta)
        return np.array(path)

    return descent


def _averaged(g: Gradient, theta: Array, v: Array, rate: float, beta: float) -> tuple[Array, Array]:
    v = beta * v + (1 - beta) * g(theta)
    return theta - rate * v, v


def _late(g: Gradient, theta: Array, v: Array, rate: float, beta: float) -> tuple[Array, Array]:
    return theta + v, beta * v - rate * g(theta)


def _looking_ahead(g: Gradient, theta: Array, v: Array, rate: float, beta: float) -> tuple[Array, Array]:
    v = beta * v - rate * g(theta + beta * v)
    return theta + v, v


def _valley(rng: np.random.Generator, dimension: int) -> Gradient:
    """The gradient of a random bowl: curvatures from 0.5 to 4, in random directions, bottom anywhere."""
    axes = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
    curvature = axes * np.linspace(0.5, 4, dimension) @ axes.T
    bottom = rng.normal(size=dimension)
    return lambda theta: curvature @ (theta - bottom)


@LAB.exercise("1.3", "momentum_descent(gradient, start, learning_rate, beta, n_steps)", title="Momentum", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(13))
    compare(
        student,
        returns="path",
        by_hand=[
            # v = -0.5 * (1, -2), then 0.5 * v - 0.5 * (0.5, -1).
            ((np.copy, np.array([1.0, -2.0]), 0.5, 0.5, 2), [[1, -2], [0.5, -1], [0, 0]]),
        ],
        others=[
            (_valley(rng, dimension), rng.normal(size=dimension), 0.2, beta, n_steps)
            for dimension, beta, n_steps in ((2, 0.9, 6), (2, 0.5, 5), (5, 0.8, 8))
        ],
        right=_heavy_ball,
        mistakes={
            "the start is missing: path[0] is `start`, and n_steps steps make n_steps + 1 rows.": (
                lambda *a: _heavy_ball(*a)[1:]
            ),
            "the last step is missing: the path should hold the start and then n_steps more rows.": (
                lambda *a: _heavy_ball(*a)[:-1]
            ),
            "you return only the last position: keep every position, one row each.": lambda *a: _heavy_ball(*a)[-1],
            "all rows of your path are the same, the last position. Is one array stored many times, and changed in "
            "place (then write theta = theta + v, or store a copy), or is the path filled after the loop?": (
                lambda *a: np.tile(_heavy_ball(*a)[-1], (a[-1] + 1, 1))
            ),
            "v is not carried over: this is plain gradient descent, as if beta were 0. Each new v keeps beta times "
            "the old v.": _with_velocity(lambda g, theta, v, rate, beta: (theta - rate * g(theta), v)),
            "you climb: the gradient points uphill, so its step is subtracted in v = beta * v - learning_rate * ..., "
            "and then v is added to theta.": (
                _with_velocity(lambda g, theta, v, rate, beta: (theta + (w := beta * v + rate * g(theta)), w))
            ),
            "beta multiplies the position, which pulls it to zero. It belongs to the velocity: v = beta * v - ..., "
            "then theta = theta + v.": _with_velocity(
                lambda g, theta, v, rate, beta: (beta * theta - rate * g(theta), v)
            ),
            "the gradient is taken at theta + beta * v, ahead of where you are. That is Nesterov's variant; here it "
            "is taken at theta.": _with_velocity(_looking_ahead),
            "the gradient is taken at `start` in every step: take it at theta, where you are now.": lambda g, *a: (
                _heavy_ball(lambda _: g(a[0]), *a)
            ),
            "each gradient counts (1 - beta) times too little, as where gradients are averaged. Our convention has no "
            "(1 - beta).": _with_velocity(_averaged),
            "theta moves with the old v: update v first, and then move.": _with_velocity(_late),
            "you forget where you were: theta is the old theta plus v.": (
                _with_velocity(lambda g, theta, v, rate, beta: ((w := beta * v - rate * g(theta)), w))
            ),
            "v begins at `start`. It is zero before the first step.": lambda g, start, rate, beta, n: _heavy_ball(
                g, start, rate, beta, n, first=beta * start
            ),
        },
        run_away="Is the gradient's step subtracted, times learning_rate, and is v multiplied by beta?",
    )


# 1.4 A run that oscillates


def _calm(x: Array, y: Array, learning_rate: float, n_steps: int, ddof: int = 0) -> tuple[float, float, float, float]:
    """What descent on z = (x - mean) / std finds, in closed form: (slope for z, intercept for z, mean, std).

    On z both curvatures are 2 (with ddof = 0) and nothing is coupled, so each step leaves 1 - 2 * learning_rate of what
    is missing to the best line.
    """
    mean, std = x.mean(), x.std(ddof=ddof)
    z = (x - mean) / std
    slope, intercept = (
        best * (1 - (1 - 2 * learning_rate * curvature) ** n_steps)
        for best, curvature in ((np.mean(z * y) / np.mean(z**2), np.mean(z**2)), (y.mean(), 1))
    )
    return slope, intercept, mean, std


def _line(x: Array, y: Array, learning_rate: float, n_steps: int, ddof: int = 0) -> tuple[float, float]:
    slope, intercept, mean, std = _calm(x, y, learning_rate, n_steps, ddof)
    return slope / std, intercept - slope / std * mean


def _raw(
    x: Array, y: Array, learning_rate: float, n_steps: int, *, slopes: Callable[..., Any] = _slopes
) -> tuple[float, float]:
    m, b = 0.0, 0.0
    for _ in range(n_steps):
        dm, db = slopes(m, b, x, y)
        m, b = m - learning_rate * dm, b - learning_rate * db
    return m, b


def _centred_only(x: Array, *a: Any) -> tuple[float, float]:
    m, b = _raw(x - x.mean(), *a)
    return m, b - m * x.mean()


def _scaled_only(x: Array, *a: Any) -> tuple[float, float]:
    m, b = _raw(x / x.std(), *a)
    return m / x.std(), b


def _exchanged(x: Array, *a: Any) -> tuple[float, float]:
    m, b = _raw((x - x.mean()) / x.std(), *a, slopes=lambda m, b, *points: _slopes(b, m, *points))
    return m / x.std(), b - m / x.std() * x.mean()


def _shifted(x: Array, y: Array, rate: float, n_steps: int) -> tuple[float, float]:
    """Both x and y standardised, which starts the run at the mean of y."""
    m, b = _line(x, y - y.mean(), rate, n_steps)
    return m, b + y.mean()


def _wrong_way_back(how: Callable[[float, float, float, float], tuple[float, float]]) -> Callable[..., Any]:
    return lambda *a: how(*_calm(*a))


@LAB.exercise("1.4", "fit_line(x, y, learning_rate, n_steps)", title="A run that oscillates", points=4)
def _(student: Student) -> None:
    rng = np.random.default_rng(hidden(14))
    x = [rng.normal(loc=centre, scale=scale, size=n) for centre, scale, n in ((2, 1.5, 6), (-3, 0.5, 9), (8, 3, 7))]
    compare(
        student,
        returns=("m", "b"),
        by_hand=[
            ((X, Y, 0.25, 1), (0.3, 1.1)),  # one step of 0.25 goes half of the way
            ((X, Y, 0.1, 200), (0.6, 2.2)),  # the best line of the essay's points
            ((X + 2000, Y, 0.25, 60), (0.6, 2.2 - 0.6 * 2000)),
            ((X, Y, 0.1, 0), (0, 0)),  # no step yet
        ],
        others=[
            (x[0], rng.normal(size=6), 0.1, 3),
            (x[1], rng.normal(size=9), 0.3, 4),
            (x[2], rng.normal(size=7), 0.2, 5),
        ],
        right=_line,
        mistakes={
            "the run still works on x as it is given. Make z = (x - x.mean()) / x.std() and descend on z.": _raw,
            "you centred x but did not divide by its spread: when x.std() is large, the run still oscillates.": (
                _centred_only
            ),
            "you divided by the spread but did not subtract the mean: far from zero, m and b are still coupled.": (
                _scaled_only
            ),
            "m and b are those of the line over z. Put z = (x - mean) / std into slope * z + intercept and sort by x: "
            "what stands beside x, and what stays?": _wrong_way_back(lambda slope, c, mean, std: (slope, c)),
            "m is right, but b is still the height at the mean of x: the line's height at x = 0 is wanted, and "
            "that is m * mean lower.": _wrong_way_back(lambda slope, c, mean, std: (slope / std, c)),
            "m is right, but b went the wrong way: from the mean of x back to x = 0 the line loses m * mean.": (
                _wrong_way_back(lambda slope, c, mean, std: (slope / std, c + slope / std * mean))
            ),
            "m is right, but in b the slope for z went the way back to x = 0. The line loses m * mean there, with the "
            "slope for x.": _wrong_way_back(lambda slope, c, mean, std: (slope / std, c - slope * mean)),
            "m was multiplied by the spread: one unit of z is std units of x, so the slope for x is the slope "
            "for z divided by std.": _wrong_way_back(lambda slope, c, mean, std: (slope * std, c - slope * std * mean)),
            "you return the best line, however few steps were allowed. Is it a formula, or do you make more steps? "
            "n_steps steps of gradient descent from m = 0 and b = 0 are asked for, and no "
            "more.": lambda x, y, rate, n: np.polyfit(x, y, 1),
            "the run makes one step too many.": lambda x, y, rate, n: _line(x, y, rate, n + 1),
            "the run makes one step too few.": lambda x, y, rate, n: _line(x, y, rate, max(n - 1, 0)),
            "your std divides by n - 1 (ddof=1); here it is np.std(x), which divides by n.": (
                lambda x, y, rate, n: _line(x, y, rate, n, ddof=1)
            ),
            "b lacks what a run over z finds for its intercept, and is -m * mean alone. Is the intercept updated in "
            "every step, like the slope, and is it part of b?": lambda *a: (
                _line(*a)[0],
                -_line(*a)[0] * a[0].mean(),
            ),
            "m is right, and b is the mean of y less m * the mean of x, as only the best line's is. Is y centred, or b "
            "worked out from its mean? It comes from the intercept that the run has reached, from 0.": _shifted,
            "the gradient is taken at (intercept, slope): mse_gradient takes the slope first.": _exchanged,
        },
        run_away="Is each step taken downhill? Does the loop use z = (x - x.mean()) / x.std(), and x nowhere?",
    )


# 1.5 With and without the ball

LAB.free_text(
    "1.5",
    title="With and without the ball",
    points=4,
    rubric={
        4: "Both explanations fit the picture that was chosen. The second one has no ball in it (nothing rolls, falls "
        "or gains speed by itself) and names gradient, learning rate and curvature, or velocity as a sum of past "
        "gradients. It says one thing that the ball gets wrong: plain descent has no inertia, a step can land higher "
        "than it started, or a real ball never leaves the surface.",
        2: "One of the two explanations is sound; or both are, but nothing is said about where the ball misleads.",
        0: "Only what is seen is described (the line goes down), or the ball comes back in other words.",
    },
)
