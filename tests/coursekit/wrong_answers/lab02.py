"""Lab 2: wrong answers beside those of its tables, each with a piece of its hint; right answers in other words."""

import numpy as np
from numpy.polynomial.legendre import legvander
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler


def rmse(prediction, target):
    return np.sqrt(np.mean((prediction - target) ** 2))


def fit(x, y, degree):
    return np.linalg.lstsq(legvander(x, degree), y)[0]


def predict(theta, x):
    return legvander(x, len(theta) - 1) @ theta


# 2.1 The script, repaired


def residuals(x, y, x_new, y_new, degree):
    theta = fit(x, y, degree)
    return predict(theta, x) - y, predict(theta, x_new) - y_new


def both_errors(x, y, x_new, y_new, degree):
    theta = fit(x, y, degree)
    return rmse(predict(theta, x), y), rmse(predict(theta, x_new), y_new)


def errors_are_swapped(x, y, x_new, y_new, degree):
    return both_errors(x, y, x_new, y_new, degree)[::-1]


def residuals_are_returned(x, y, x_new, y_new, degree):
    return residuals(x, y, x_new, y_new, degree)


def only_the_new_error(x, y, x_new, y_new, degree):
    return both_errors(x, y, x_new, y_new, degree)[1]


def example_of_the_line_is_typed_in(x, y, x_new, y_new, degree):
    return np.sqrt(1 / 2), np.sqrt(1 / 8)


def new_points_are_stretched_in_place(x, y, x_new, y_new, degree):
    x_new *= 1.5
    return both_errors(x, y, x_new, y_new, degree)


def both_errors_by_scikit_learn(x, y, x_new, y_new, degree):
    """Right: plain powers in a pipeline."""
    model = make_pipeline(PolynomialFeatures(degree), LinearRegression()).fit(x[:, None], y)
    return [np.std(model.predict(x[:, None]) - y), np.mean((model.predict(x_new[:, None]) - y_new) ** 2) ** 0.5]


def both_errors_by_polyfit(x, y, x_new, y_new, degree):
    """Right: NumPy's own polynomial."""
    line = np.poly1d(np.polyfit(x, y, degree))
    return rmse(line(x), y), rmse(line(x_new), y_new)


# 2.2 A split without a leak


def pieces(n, rng):
    return np.split(rng.permutation(n), [n * 3 // 5, n * 4 // 5])


def scaled(x, y, rows, rulers):
    """What students write, for the rows of each part and the rows whose mean and std it gets."""
    return [((x[part] - x[r].mean(axis=0)) / x[r].std(axis=0), y[part]) for part, r in zip(rows, rulers, strict=True)]


def scaler_sees_all_rows(x, y, rng):
    z = StandardScaler().fit_transform(x)
    return [(z[part], y[part]) for part in pieces(len(y), rng)]


def each_part_has_its_own_scaler(x, y, rng):
    return [(StandardScaler().fit_transform(x[part]), y[part]) for part in pieces(len(y), rng)]


def scaler_sees_validation(x, y, rng):
    rows = pieces(len(y), rng)
    return scaled(x, y, rows, [np.append(rows[0], rows[1])] * 3)


def test_has_its_own_scaler(x, y, rng):
    rows = pieces(len(y), rng)
    return scaled(x, y, rows, [rows[0], rows[0], rows[2]])


def nothing_is_scaled(x, y, rng):
    return [(x[part], y[part]) for part in pieces(len(y), rng)]


def only_training_is_scaled(x, y, rng):
    a, b, c = pieces(len(y), rng)
    return scaled(x, y, [a], [a])[0], (x[b], y[b]), (x[c], y[c])


def only_centred(x, y, rng):
    rows = pieces(len(y), rng)
    return [(x[part] - x[rows[0]].mean(axis=0), y[part]) for part in rows]


def only_divided(x, y, rng):
    rows = pieces(len(y), rng)
    return [(x[part] / x[rows[0]].std(axis=0), y[part]) for part in rows]


def axis_is_forgotten(x, y, rng):
    rows = pieces(len(y), rng)
    return [((x[part] - x[rows[0]].mean()) / x[rows[0]].std(), y[part]) for part in rows]


def divided_by_the_variance(x, y, rng):
    rows = pieces(len(y), rng)
    return [((x[part] - x[rows[0]].mean(axis=0)) / x[rows[0]].var(axis=0), y[part]) for part in rows]


def std_of_a_sample(x, y, rng):
    rows = pieces(len(y), rng)
    return [((x[part] - x[rows[0]].mean(axis=0)) / x[rows[0]].std(axis=0, ddof=1), y[part]) for part in rows]


def rng_is_ignored(x, y, rng):
    rows = pieces(len(y), np.random.default_rng(0))
    return scaled(x, y, rows, rows[:1] * 3)


def global_chance(x, y, rng):
    rows = pieces(len(y), np.random.default_rng())
    return scaled(x, y, rows, rows[:1] * 3)


def splits_overlap(x, y, rng):
    order = rng.permutation(len(y))
    n = len(y)
    rows = order[: n * 3 // 5], order[n * 3 // 5 : n * 4 // 5], order[n * 3 // 5 : n * 4 // 5]
    return scaled(x, y, rows, rows[:1] * 3)


def drawn_independently(x, y, rng):
    n = len(y)
    rows = [rng.permutation(n)[:size] for size in (n * 3 // 5, n // 5, n // 5)]
    rows[1] = np.append(rows[1][:-1], rows[0][0])
    return scaled(x, y, rows, rows[:1] * 3)


def drawn_with_putting_back(x, y, rng):
    n = len(y)
    a, b, c = np.split(np.arange(n), [n * 3 // 5, n * 4 // 5])
    rows = [rng.choice(part, len(part)) for part in (a, b, c)]
    rows[0][0] = rows[0][1]
    return scaled(x, y, rows, rows[:1] * 3)


def rows_are_lost(x, y, rng):
    rows = [part[:-1] for part in pieces(len(y), rng)]
    return scaled(x, y, rows, rows[:1] * 3)


def eighty_ten_ten(x, y, rng):
    rows = np.split(rng.permutation(len(y)), [len(y) * 4 // 5, len(y) * 9 // 10])
    return scaled(x, y, rows, rows[:1] * 3)


def x_and_y_in_different_orders(x, y, rng):
    rows, others = pieces(len(y), rng), pieces(len(y), rng)
    parts = scaled(x, y, rows, rows[:1] * 3)
    return [(part, y[other]) for (part, _), other in zip(parts, others, strict=True)]


def y_is_scaled(x, y, rng):
    rows = pieces(len(y), rng)
    return scaled(x, (y - y[rows[0]].mean()) / y[rows[0]].std(), rows, rows[:1] * 3)


def row_numbers_for_y(x, y, rng):
    rows = pieces(len(y), rng)
    return [(part, r) for (part, _), r in zip(scaled(x, y, rows, rows[:1] * 3), rows, strict=True)]


def y_comes_first(x, y, rng):
    rows = pieces(len(y), rng)
    return [pair[::-1] for pair in scaled(x, y, rows, rows[:1] * 3)]


def turned_and_bent(x, y, rng):
    """In another order than x, and yet the rows go with their y."""
    rows = pieces(len(y), rng)
    return [(-part * abs(part), labels) for part, labels in scaled(x, y, rows, rows[:1] * 3)]


def six_arrays(x, y, rng):
    rows = pieces(len(y), rng)
    return tuple(array for pair in scaled(x, y, rows, rows[:1] * 3) for array in pair)


def three_arrays(x, y, rng):
    rows = pieces(len(y), rng)
    return [part for part, _ in scaled(x, y, rows, rows[:1] * 3)]


def x_is_scaled_in_place(x, y, rng):
    rows = pieces(len(y), rng)
    x -= x[rows[0]].mean(axis=0)
    x /= x[rows[0]].std(axis=0)
    return [(x[part], y[part]) for part in rows]


def split_by_scikit_learn(x, y, rng):
    """Right: two calls of train_test_split with a seed drawn from rng, and a StandardScaler."""
    seed = int(rng.integers(2**31))
    a, rest, y_a, y_rest = train_test_split(x, y, train_size=len(y) * 3 // 5, random_state=seed)
    b, c, y_b, y_c = train_test_split(rest, y_rest, test_size=0.5, random_state=seed)
    scaler = StandardScaler().fit(a)
    return [[scaler.transform(a), y_a], [scaler.transform(b), y_b], [scaler.transform(c), y_c]]


def split_by_shuffling(x, y, rng):
    """Right: the test rows first, from a shuffled list."""
    rows = list(range(len(y)))
    rng.shuffle(rows)
    fifth = len(y) // 5
    parts = rows[2 * fifth :], rows[fifth : 2 * fifth], rows[:fifth]
    return tuple(scaled(x, y, parts, parts[:1] * 3))


def rows_as_lists(x, y, rng):
    return [(part.tolist(), labels) for part, labels in split_by_shuffling(x, y, rng)]


# 2.3 Choose once, open once


def held_out(fitted, scored, degrees):
    return np.array([rmse(predict(fit(*fitted, degree), scored[0]), scored[1]) for degree in degrees])


def chosen_on_training(train, validation, test, degrees):
    i = held_out(train, train, degrees).argmin()
    return degrees[i], held_out(train, test, degrees)[i]


def only_the_degree(train, validation, test, degrees):
    return degrees[held_out(train, validation, degrees).argmin()]


def all_test_errors(train, validation, test, degrees):
    return degrees[held_out(train, validation, degrees).argmin()], held_out(train, test, degrees)


def degree_of_the_example_is_typed_in(train, validation, test, degrees):
    return 1, held_out(train, test, [1])[0]


def degrees_are_sorted_in_place(train, validation, test, degrees):
    degrees.sort()
    i = held_out(train, validation, degrees).argmin()
    return degrees[i], held_out(train, test, degrees)[i]


def validation_is_changed(train, validation, test, degrees):
    validation[1].sort()
    i = held_out(train, validation, degrees).argmin()
    return degrees[i], held_out(train, test, degrees)[i]


def choose_by_a_loop(train, validation, test, degrees):
    """Right: keep the best so far, by the mean squared error, with polyfit."""
    best = None
    for degree in degrees:
        theta = np.polyfit(*train, degree)
        loss = np.mean((np.polyval(theta, validation[0]) - validation[1]) ** 2)
        if best is None or loss < best[0]:
            best = loss, degree, theta
    return np.array([best[1], rmse(np.polyval(best[2], test[0]), test[1])])


# 2.4 A ridge path


def solve(A, y, prices, D=None):
    """What students write, with a diagonal."""
    n, D = len(y), np.diag(np.arange(A.shape[1]) > 0) if D is None else D
    return np.array([np.linalg.solve(A.T @ A / n + price * D, A.T @ y / n) for price in prices])


def constant_is_charged(A, y, prices):
    return solve(A, y, prices, np.eye(A.shape[1]))


def path_is_transposed(A, y, prices):
    return solve(A, y, prices).T


def only_the_last_price(A, y, prices):
    return solve(A, y, prices)[-1]


def example_of_the_path_is_typed_in(A, y, prices):
    return solve(A, y, np.array([0, 1, 3][: len(prices)] + [3] * (len(prices) - 3)))


def ones_are_overwritten(A, y, prices):
    A[:, 0] = 0
    return np.array([np.linalg.lstsq(A, y)[0] for _ in prices])


def path_is_forgotten(A, y, prices):
    solve(A, y, prices)


def path_by_more_rows(A, y, prices):
    """Right: least squares with rows that ask the coefficients to be 0."""
    wish = np.eye(A.shape[1])[1:]
    rows = [np.vstack([A, np.sqrt(len(y) * price) * wish]) for price in prices]
    return [np.linalg.lstsq(a, np.append(y, np.zeros(len(wish))))[0] for a in rows]


def path_by_scikit_learn(A, y, prices):
    """Right: scikit-learn's ridge adds up the errors, so its alpha is n times the price, and its constant is free."""
    models = [Ridge(alpha=len(y) * price).fit(A[:, 1:], y) for price in prices]
    return np.array([[model.intercept_, *model.coef_] for model in models])


# What students tried who had only the chapter


def spread_of_the_errors(x, y, x_new, y_new, degree):
    theta = np.polyfit(x, y, degree)
    return (np.polyval(theta, x) - y).std(), (np.polyval(theta, x_new) - y_new).std()


def scaled_by_the_ends(x, y, rng):
    parts = np.split(rng.permutation(len(x)), [3 * len(x) // 5, 4 * len(x) // 5])
    low, high = x[parts[0]].min(axis=0), x[parts[0]].max(axis=0)
    return [((x[part] - low) / (high - low), y[part]) for part in parts]


def both_errors_choose(train, validation, test, degrees):
    degree = min(degrees, key=lambda d: sum(both_errors_by_polyfit(*train, *validation, d)))
    return degree, both_errors_by_polyfit(*train, *test, degree)[1]


def validation_fits_the_winner(train, validation, test, degrees):
    degree = min(degrees, key=lambda d: both_errors_by_polyfit(*train, *validation, d)[1])
    return degree, both_errors_by_polyfit(*validation, *test, degree)[1]


def places_are_fitted(train, validation, test, degrees):
    """It reads all that it is given, but the degree stays the same when two cases exchange their training points."""
    errors = [both_errors_by_polyfit(*train, *validation, place)[1] for place in range(len(degrees))]
    degree = degrees[int(np.argmin(errors))]
    return degree, both_errors_by_polyfit(*train, *test, degree)[1]


def what_is_left_is_cut_in_its_order(x, y, rng):
    n = len(x) // 5
    a = rng.choice(len(x), 3 * n, replace=False)
    rest = np.setdiff1d(np.arange(len(x)), a)
    mean, std = x[a].mean(axis=0), x[a].std(axis=0)
    return tuple(((x[rows] - mean) / std, y[rows]) for rows in (a, rest[:n], rest[n:]))


def rmse_of(fitted, scored, degree):
    curve = np.polynomial.Polynomial.fit(*fitted, degree)
    return np.sqrt(np.mean((curve(scored[0]) - scored[1]) ** 2))


def minimum_begins_at_ten(train, validation, test, degrees):
    best, best_error = degrees[0], 10
    for degree in degrees:
        if (error := rmse_of(train, validation, degree)) < best_error:
            best, best_error = degree, error
    return best, rmse_of(train, test, best)


def last_degree(train, validation, test, degrees):
    for degree in degrees:
        best = degree
    return best, rmse_of(train, test, best)


def place_of_the_degree(train, validation, test, degrees):
    best = int(np.argmin([rmse_of(train, validation, degree) for degree in degrees]))
    return best, rmse_of(train, test, best)


WRONG = {
    "2.1": [
        (errors_are_swapped, "the two are the other way round"),
        (residuals_are_returned, "train_rmse should be one number"),
        (only_the_new_error, "should return 2 values"),
        (example_of_the_line_is_typed_in, "train_rmse is the same in all"),
        (new_points_are_stretched_in_place, "changed its input `x_new` in place"),
        (spread_of_the_errors, "this is the standard deviation of the errors"),
    ],
    "2.2": [
        (rows_as_lists, "the x of the training part is a list"),
        (scaler_sees_all_rows, "the mean and std come from all rows"),
        (each_part_has_its_own_scaler, "every part is scaled with a mean and std of its own"),
        (scaler_sees_validation, "those of training and validation together"),
        (test_has_its_own_scaler, "the test part is scaled with a mean and std of its own"),
        (nothing_is_scaled, "nothing is scaled yet"),
        (only_training_is_scaled, "only the training part is scaled"),
        (only_centred, "but don't divide by the std"),
        (only_divided, "but don't subtract the mean"),
        (axis_is_forgotten, "one mean and one std for the whole table"),
        (divided_by_the_variance, "you divide by the variance"),
        (std_of_a_sample, "your std divides by n - 1"),
        (what_is_left_is_cut_in_its_order, "shuffle all rows once, and cut twice"),
        (rng_is_ignored, "the same rows of y are in a part whatever rng is"),
        (global_chance, "the same rng gives another split each time"),
        (splits_overlap, "validation and test share 4 rows"),
        (drawn_independently, "train and validation share"),
        (drawn_with_putting_back, "holds the same row twice"),
        (rows_are_lost, "3 of 20 rows are lost"),
        (eighty_ten_ten, "the sizes are [16, 2, 2]"),
        (turned_and_bent, "x_train[0, 0] is"),
        (x_and_y_in_different_orders, "the rows of x don't go with their y"),
        (y_is_scaled, "values of y that were not given"),
        (row_numbers_for_y, "holds row numbers"),
        (y_comes_first, "has an array of shape (12, 2), and in that of x"),
        (six_arrays, "you return a tuple of 6"),
        (three_arrays, "the training part is no pair, but an array of shape (12, 2)"),
        (x_is_scaled_in_place, "changed its input `x` in place"),
        (scaled_by_the_ends, "the smallest and the largest value"),
    ],
    "2.3": [
        (minimum_begins_at_ten, "Does the best so far begin above any"),
        (last_degree, "the last degree of the list is returned"),
        (place_of_the_degree, "and the error isn't the winner's, either"),
        (chosen_on_training, "chosen on the training points"),
        (only_the_degree, "should return 2 values"),
        (all_test_errors, "test_rmse should be one number"),
        (degree_of_the_example_is_typed_in, "degree is the same in all"),
        (degrees_are_sorted_in_place, "changed its input `degrees` in place"),
        (validation_is_changed, "changed its input `validation` in place"),
        (both_errors_choose, "chosen by the sum of both errors"),
        (validation_fits_the_winner, "fitted to the validation points"),
        (places_are_fitted, "fits the example but not other inputs"),
    ],
    "2.4": [
        (constant_is_charged, "the constant is charged too"),
        (path_is_transposed, "but yours has the shape (2, 3)"),
        (only_the_last_price, "but yours has the shape (2,)"),
        (example_of_the_path_is_typed_in, "fits the example but not other inputs"),
        (ones_are_overwritten, "changed its input `A` in place"),
        (path_is_forgotten, "did you forget `return`?"),
    ],
}

RIGHT = {
    "2.1": [both_errors_by_scikit_learn, both_errors_by_polyfit],
    "2.2": [split_by_scikit_learn, split_by_shuffling],
    "2.3": [choose_by_a_loop],
    "2.4": [path_by_more_rows, path_by_scikit_learn],
}
