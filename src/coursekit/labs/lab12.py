"""The checks of lab 12, "Twenty-six letters, thirty fonts": a renderer, a split by family, templates, a curve."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Constant, Lab, Student, compare, diagnose, hidden, refuse
from coursekit.labs.lab12_matching import judge_match, nearest
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

LAB.exercise(
    "12.3", "nearest_template(templates, labels, images)", title="One template a letter, and no search", points=3
)(judge_match)


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
    return nearest(templates, labels, images)


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
            "classify gets test images as templates, and others as images. Are the two exchanged, classify(templates, "
            "labels, images), or numbers of families taken for those of rows?",
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
