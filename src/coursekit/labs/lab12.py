"""The checks of lab 12, "Twenty-six letters, thirty fonts": a renderer, a split by family, templates, a curve."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Student, TryAgain, compare, diagnose, hidden, refuse
from coursekit.labs.lab12_rendering import judge_rendering
from coursekit.labs.lab12_splitting import judge_split

LAB = Lab(12, "Twenty-six letters, thirty fonts", time_limit=20, varies={"12.1": Constant(), "12.4": Constant()})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Image = NDArray[np.float64]


# 12.1 A letter in the middle

LAB.exercise("12.1", "render(letter, font, size)", title="A letter in the middle", points=4)(judge_rendering)


# 12.2 Families stay together

LAB.exercise("12.2", "split_by_family(families, n_test, n_validation, rng)", title="Families stay together", points=5)(
    judge_split
)


# 12.3 One template a letter


def _nearest(
    templates: Any,
    labels: Any,
    images: Any,
    score: Callable[[Image, Image], Image] = lambda a, b: -((a - b) ** 2).sum(axis=-1),
    pick: Callable[..., Any] = np.argmax,
    name: bool = True,
) -> NDArray[np.int64]:
    a = np.asarray(images, dtype=np.float64)[:, None]
    b = np.asarray(templates, dtype=np.float64)[None]
    places = pick(score(a, b), axis=1)
    return np.asarray(labels)[places] if name else places


def _by_means(templates: Any, labels: Any, images: Any) -> NDArray[np.int64]:
    names = np.unique(labels)
    means = np.stack([np.asarray(templates, dtype=np.float64)[np.asarray(labels) == n].mean(axis=0) for n in names])
    return _nearest(means, names, images)


def _by_one_of_each(templates: Any, labels: Any, images: Any, last: bool = False) -> NDArray[np.int64]:
    """One template of each label, the first or the last."""
    place = {label: place for place, label in enumerate(labels) if last or label not in list(labels)[:place]}
    rows = list(place.values())
    return _nearest(templates[rows], labels[rows], images)


def _vote(templates: Any, labels: Any, images: Any, n: int) -> NDArray[np.int64]:
    """The most frequent label among the n nearest."""
    distance = ((images[:, None] - templates[None]) ** 2).sum(axis=-1)
    return np.array([np.bincount(labels[row[:n]]).argmax() for row in distance.argsort(axis=1)])


def _pictures(n: int, n_templates: int, n_labels: int, seed: int, dtype: Any = np.float64) -> tuple[Any, Any, Any]:
    """Templates of unequal ink, their labels in no order, and images near them."""
    rng = np.random.default_rng(hidden(seed))
    ink = rng.uniform(0.1, 1.0, size=(n_templates, 1))
    inked = rng.random((n_templates, 30)) < rng.uniform(0.2, 0.8, size=(n_templates, 1))
    templates = np.minimum(1.4 * ink * inked, 1)  # black in some, which whole numbers leave as it is
    labels = rng.permutation(np.arange(n_templates) % n_labels) + 3
    near = templates[rng.integers(n_templates, size=n)] + rng.normal(0, 0.45, size=(n, 30))
    if dtype is np.uint8:
        return (255 * templates).astype(np.uint8), labels, (255 * near.clip(0, 1)).astype(np.uint8)
    return templates.astype(dtype), labels, near.astype(dtype)


@LAB.exercise(
    "12.3", "nearest_template(templates, labels, images)", title="One template a letter, and no search", points=3
)
def _(student: Student) -> None:
    example = (
        np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.4, 0.0]]),
        np.array([7, 3, 7]),
        np.array([[0.9, 0.1, 0.0], [0.1, 0.8, 0.7], [0.0, 0.5, 0.1], [0.3, 0.3, 0.2]]),
    )
    one = lambda a, b: (a * b).sum(axis=-1)  # noqa: E731
    bytes_ = _pictures(80, 12, 6, 3, np.uint8)
    compare(
        student,
        returns="answers",
        by_hand=[(example, [7, 3, 7, 7])],
        others=[_pictures(60, 10, 10, 1), _pictures(60, 15, 5, 2), _pictures(1, 4, 4, 4)],
        right=_nearest,
        mistakes={
            "you return the template's place, not its label: look that up, labels[place].": (
                lambda t, labels, x: _nearest(t, labels, x, name=False)
            ),
            "you answer with the label of the template that is farthest away: argmin, not argmax.": (
                lambda t, labels, x: _nearest(t, labels, x, pick=np.argmin)
            ),
            "you compare by the product image x template. A template with much ink then wins everywhere: take the "
            "distance.": lambda t, labels, x: _nearest(t, labels, x, one),
            "you compare by the angle (a product, divided by lengths); asked for is the distance, the sum of squared "
            "differences.": lambda t, labels, x: _nearest(
                t, labels, x, lambda a, b: one(a, b) / np.sqrt(one(a, a) * one(b, b) + 1e-300)
            ),
            "you add up absolute differences. Square them: one pixel that is far off should count for more than two "
            "that are half as far off.": lambda t, labels, x: _nearest(
                t, labels, x, lambda a, b: -np.abs(a - b).sum(axis=-1)
            ),
            "you add up the differences with their signs, so that too much ink here and too little there cancel. "
            "Square each first.": lambda t, labels, x: _nearest(t, labels, x, lambda a, b: -np.abs((a - b).sum(-1))),
            "you compare with the mean of each label's templates. Asked for is the nearest single template.": _by_means,
            "you add up the differences without squaring them, so the template with the least ink always wins.": (
                lambda t, labels, x: _nearest(t, labels, x, lambda a, b: (a - b).sum(axis=-1))
            ),
            "you take the largest difference of a pixel; asked for is the sum of all squared differences.": (
                lambda t, labels, x: _nearest(t, labels, x, lambda a, b: -np.abs(a - b).max(axis=-1))
            ),
            "every image gets the label of the first template. Are all your distances of an image equal: does each use "
            "both the image and its template?": lambda t, labels, x: np.repeat(labels[0], len(x)),
            "you turn the pixels into whole numbers, and greys between 0 and 1 become 0. Turn both into floats.": (
                lambda t, labels, x: _nearest(t.astype(int), labels, x.astype(int))
            ),
            "you use only the first template of each label; there may be several, and any may be the nearest.": (
                _by_one_of_each
            ),
            "you use only the last template of each label; there may be several, and any may be the nearest.": (
                lambda t, labels, x: _by_one_of_each(t, labels, x, last=True)
            ),
            "you let the three nearest templates vote; asked for is the label of the nearest one.": (
                lambda t, labels, x: _vote(t, labels, x, 3)
            ),
        },
    )
    templates, labels, images = bytes_

    def is_right(*args: Any) -> bool:
        return np.array_equal(np.asarray(student(*args), dtype=np.float64), _nearest(*bytes_))

    if not is_right(templates, labels, images):
        kind = is_right(templates.astype(float), labels, images.astype(float))
        raise TryAgain(
            "your answer fits floats, and goes wrong on uint8 pixels: there 3 - 5 is 254, and 20 * 20 is 144. Turn "
            "both into floats before you reckon with them: templates.astype(float)."
            if kind
            else "your answer fits floats from 0 to 1, and goes wrong where pixels go up to 255: what in it depends on "
            "how large they are?"
        )


# 12.4 Accuracy against fonts


def _curve(
    x: Any,
    y: Any,
    family: Any,
    order: Any,
    test: Any,
    ks: Any,
    classify: Callable[..., Any],
    known: Callable[..., Any] = lambda family, order, k, test: np.isin(family, order[:k]),
    asked: Callable[..., Any] = lambda family, order, k, test: np.isin(family, test),
    total: Callable[..., Any] = np.mean,
    templates: Callable[..., Any] = lambda x, y, known, asked: (x[known], y[known]),
) -> NDArray[np.float64]:
    x, y, family, order, test = (np.asarray(value) for value in (x, y, family, order, test))
    scores = []
    for k in ks:
        here, there = known(family, order, k, test), asked(family, order, k, test)
        if not np.asarray(here).any() or not np.asarray(there).any():
            scores.append(np.nan)
            continue
        scores.append(total(np.asarray(classify(*templates(x, y, here, there), x[there])) == y[there]))
    return np.array(scores, dtype=np.float64)


def _partly(**parts: Any) -> Callable[..., NDArray[np.float64]]:
    return lambda *args: _curve(*args, **parts)


def _but_the_last(mask: Any) -> Any:
    """The same places but the last of them."""
    return mask & (mask[::-1].cumsum()[::-1] > 1)


def _by_family(x: Any, y: Any, family: Any, order: Any, test: Any, ks: Any, classify: Any) -> NDArray[np.float64]:
    parts = [_curve(x, y, family, order, [one], ks, classify) for one in test]
    return np.mean(parts, axis=0)


def _classify(templates: Any, labels: Any, images: Any) -> NDArray[np.int64]:
    shapes = [np.shape(value) for value in (templates, labels, images)]
    given = f"classify(templates, labels, images) gets arrays of the shapes {', '.join(map(str, shapes))}"
    n = len(templates)
    diagnose(
        {
            f"{given}. Templates and images have a row of pixels for each, and labels are one row of numbers. Do the "
            "three stand in this order?": [len(shape) for shape in shapes] != [2, 1, 2],
            "classify gets no templates: which families are the first k of `order`?": n == 0,
            f"classify gets {n} templates, but {len(labels)} labels, as many as images: give one label for each "
            "template. Are templates and images exchanged, or are these the images' labels?": (
                n != len(labels) == len(images)
            ),
            f"classify gets {n} templates and {len(labels)} labels: give one label for each.": n != len(labels),
        }
    )
    return _nearest(templates, labels, images)


def _fonts(seed: int, sizes: Sequence[int]) -> tuple[Any, Any, Any]:
    """Families of different sizes, their faces like one another; rows in no order."""
    rng = np.random.default_rng(hidden(seed))
    letters = rng.normal(size=(6, 20))
    rows = []
    for name, n_faces in enumerate(sizes):
        style = 0.9 * rng.normal(size=(6, 20))
        for _ in range(n_faces):
            own = letters + style + 0.25 * rng.normal(size=(6, 20))
            rows += [(own[letter], letter, 10 * name + 5) for letter in range(6)]
    places = rng.permutation(len(rows))
    x, y, family = (np.array([rows[place][part] for place in places]) for part in range(3))
    return x, y, family


def _case(seed: int, sizes: Sequence[int], n_test: int, ks: list[int]) -> tuple[Any, ...]:
    x, y, family = _fonts(seed, sizes)
    names = np.random.default_rng(hidden(seed + 100)).permutation(np.unique(family))
    # One family is left out of both: it was for validation.
    return x, y, family, names[n_test + 1 :], names[:n_test], ks, _classify


def _told(student: Student) -> None:
    """TryAgain if `classify` isn't called, or is told the test images: nothing but what it gets can show that."""
    x, y, family, order, test, ks, _ = _case(4, [2, 1, 3, 1, 2], 1, [1, 2])
    tested = {row.tobytes() for row in x[np.isin(family, test)]}
    shares: list[float] = []
    n_calls = 0

    def among(rows: Any) -> list[bool]:
        return [np.ascontiguousarray(row).tobytes() in tested for row in np.asarray(rows)]

    def spy(templates: Any, labels: Any, images: Any) -> NDArray[np.int64]:
        nonlocal n_calls
        n_calls += 1
        refuse(
            len(np.shape(images)) == 2 and len(images) and all(among(templates)) and not any(among(images)),
            "classify gets the test images as templates, and others as images: it is the other way round, "
            "classify(templates, labels, images).",
        )
        if all(among(images)):
            shares.append(float(np.mean(among(templates))))
        return _classify(templates, labels, images)

    student(x, y, family, order, test, ks, spy)
    diagnose(
        {
            "your function never calls `classify`, the reader whose accuracy is asked for. Write "
            "classify(templates, labels, images), also if you have a function of that kind.": n_calls == 0,
            "the templates are made of the test images. Then the test asks what it has told: take the images of the "
            "first k families of `order`.": bool(shares) and min(shares) == 1,
            "you train on the test families too: the templates should be those of order[:k] alone.": any(shares),
        }
    )


@LAB.exercise("12.4", "font_curve(x, y, family, order, test, ks, classify)", title="Accuracy against fonts", points=4)
def _(student: Student) -> None:
    example = (
        np.array([[0.0], [1.0], [0.5], [-1.0], [0.1], [0.9]]),
        np.array([0, 1, 0, 1, 0, 1]),
        np.array([5, 5, 8, 8, 2, 2]),
        np.array([8, 5]),
        np.array([2]),
        [1, 2],
        _classify,
    )
    _told(student)
    compare(
        student,
        returns="accuracy",
        by_hand=[
            (example, [0.5, 1.0]),
            # The known family stands in the first row and in the last, and both are needed; family 3, kept for
            # validation, would mislead.
            (
                (
                    *(np.array([[0.0], [0.1], [0.05], [0.15], [0.9], [1.0]]), np.array([0, 0, 0, 1, 1, 1])),
                    np.array([7, 2, 2, 3, 2, 7]),
                    *(np.array([7]), np.array([2]), [1], _classify),
                ),
                [1.0],
            ),
            (  # the test's images stand in the first row and in the last
                (
                    *(np.array([[0.0], [0.1], [0.9], [1.0]]), np.array([1, 0, 1, 1])),
                    np.array([2, 7, 7, 2]),
                    *(np.array([7]), np.array([2]), [1], _classify),
                ),
                [0.5],
            ),
        ],
        others=[
            _case(1, [3, 1, 4, 2, 1, 2, 1, 3], 2, [1, 2, 4]),
            _case(2, [1, 2, 5, 1, 1, 3, 2, 1, 2], 3, [1, 3, 5]),
            _case(3, [2, 1, 1, 1, 4, 1, 2], 2, [2, 1, 4]),
        ],
        right=_curve,
        mistakes={
            "you test on the families that you train on, where every image finds itself. Test on those in `test`.": (
                _partly(asked=lambda family, order, k, test: np.isin(family, order[:k]))
            ),
            "your test set changes with k: it is whatever is not trained on yet, so it gets smaller, and a rise may be "
            "the test getting easier. Test on the families in `test`, for every k.": _partly(
                asked=lambda family, order, k, test: ~np.isin(family, order[:k])
            ),
            "you test on all families, those of training included, where every image finds itself.": _partly(
                asked=lambda family, order, k, test: np.ones(len(family), dtype=bool)
            ),
            "you test on everything that is not in `order`. That takes in the family that was kept for validation: "
            "test on those in `test`.": _partly(asked=lambda family, order, k, test: ~np.isin(family, order)),
            "k has no influence: you train on all of `order` every time.": _partly(
                known=lambda family, order, k, test: np.isin(family, order)
            ),
            "you train on the k-th family alone; asked for are the first k together.": _partly(
                known=lambda family, order, k, test: family == order[k - 1]
            ),
            "you train on one family too many, order[: k + 1].": _partly(
                known=lambda family, order, k, test: np.isin(family, order[: k + 1])
            ),
            "you take the last k families; `order` says in which order they come in: order[:k].": _partly(
                known=lambda family, order, k, test: np.isin(family, order[-k:])
            ),
            "you take k *images* instead of the images of k families.": _partly(
                known=lambda family, order, k, test: np.arange(len(family)) < k
            ),
            "you take k *images* of the training families instead of the images of k families.": _partly(
                known=lambda family, order, k, test: np.isin(family, order) & (np.isin(family, order).cumsum() <= k)
            ),
            "you train on everything that is not in `test`, whatever k is. Take order[:k] alone.": _partly(
                known=lambda family, order, k, test: ~np.isin(family, test)
            ),
            "you leave out the first of the test images.": _partly(
                asked=lambda family, order, k, test: np.isin(family, test) & (np.isin(family, test).cumsum() > 1)
            ),
            "you leave out the last of the test images.": _partly(
                asked=lambda family, order, k, test: _but_the_last(np.isin(family, test))
            ),
            "row 0 is never among your test images: does a slice or a range leave it out?": _partly(
                asked=lambda family, order, k, test: np.isin(family, test) & (np.arange(len(family)) > 0)
            ),
            "the last row is never among your test images: does a slice or a range leave it out?": _partly(
                asked=lambda family, order, k, test: np.isin(family, test) & (np.arange(len(family)) < len(family) - 1)
            ),
            "row 0 is never among your templates: does a slice or a range leave it out?": _partly(
                known=lambda family, order, k, test: np.isin(family, order[:k]) & (np.arange(len(family)) > 0)
            ),
            "the last row is never among your templates: does a slice or a range leave it out?": _partly(
                known=lambda family, order, k, test: (
                    np.isin(family, order[:k]) & (np.arange(len(family)) < len(family) - 1)
                )
            ),
            "you test on all images but those of `test`: is a condition turned round?": _partly(
                asked=lambda family, order, k, test: ~np.isin(family, test)
            ),
            "you test on the first family of `test` alone: test on the images of all of them.": _partly(
                asked=lambda family, order, k, test: family == test[0]
            ),
            "you test on the first k test families, so the test changes with k. Take all of `test` for every k.": (
                _partly(asked=lambda family, order, k, test: np.isin(family, test[:k]))
            ),
            "you take the families with the k smallest numbers, not the first k of `order`.": _partly(
                known=lambda family, order, k, test: np.isin(family, np.sort(order)[:k])
            ),
            "you return the share of wrong answers; accuracy is the share of right ones.": _partly(
                total=lambda right: 1 - np.mean(right)
            ),
            "you return how many are right: divide by the number of test images.": _partly(total=np.sum),
            "you return per cent; asked for is a share from 0 to 1.": _partly(total=lambda right: 100 * np.mean(right)),
            "you average over families. Here every test image counts the same.": _by_family,
        },
    )


LAB.free_text(
    "12.5",
    title="Design a fair test",
    points=4,
    rubric={
        4: "The claim is turned into a question about letters that training has not seen, with a unit (family, writer, "
        "...) that is left out whole; every choice is made on a third part; at least one baseline could embarrass the "
        "network; several splits with an interval; and a result is named beforehand that would refute the claim.",
        3: "One of these is missing or vague.",
        2: "A test on unseen writers, but choices made on it, or no baseline, or one split only.",
        1: "More images, or other images, but the unit that leaks isn't named.",
        0: "The training images are still the test, or no answer.",
    },
)
