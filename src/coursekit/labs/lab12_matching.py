"""Lab 12.3: the label of the nearest template, by the squared distance."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coursekit.feedback import Student, TryAgain, compare, hidden

__all__ = ["judge_match", "nearest"]

Image = NDArray[np.float64]


def nearest(
    templates: Any,
    labels: Any,
    images: Any,
    score: Callable[[Image, Image], Image] = lambda a, b: -((a - b) ** 2).sum(axis=-1),
    pick: Callable[..., Any] = np.argmax,
    name: bool = True,
) -> NDArray[np.int64]:
    """For each image the label (or, without `name`, the place) of the template whose score is best."""
    a = np.asarray(images, dtype=np.float64)[:, None]
    b = np.asarray(templates, dtype=np.float64)[None]
    places = pick(score(a, b), axis=1)
    return np.asarray(labels)[places] if name else places


def _by_means(templates: Any, labels: Any, images: Any) -> NDArray[np.int64]:
    names = np.unique(labels)
    means = np.stack([np.asarray(templates, dtype=np.float64)[np.asarray(labels) == n].mean(axis=0) for n in names])
    return nearest(means, names, images)


def _by_one_of_each(templates: Any, labels: Any, images: Any, last: bool = False) -> NDArray[np.int64]:
    """One template of each label, the first or the last."""
    place = {label: place for place, label in enumerate(labels) if last or label not in list(labels)[:place]}
    rows = list(place.values())
    return nearest(templates[rows], labels[rows], images)


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


def judge_match(student: Student) -> None:
    """12.3: templates and labels in no order, images near them; then the same as bytes."""
    example = (
        np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.4, 0.0]]),
        np.array([7, 3, 7]),
        np.array([[0.9, 0.1, 0.0], [0.1, 0.8, 0.7], [0.0, 0.5, 0.1], [0.3, 0.3, 0.2]]),
    )
    one = lambda a, b: (a * b).sum(axis=-1)  # noqa: E731
    compare(
        student,
        returns="answers",
        by_hand=[(example, [7, 3, 7, 7])],
        others=[_pictures(60, 10, 10, 1), _pictures(60, 15, 5, 2), _pictures(1, 4, 4, 4)],
        right=nearest,
        mistakes={
            "you return the template's place, not its label: look that up, labels[place].": (
                lambda t, labels, x: nearest(t, labels, x, name=False)
            ),
            "you answer with the label of the template that is farthest away: argmin, not argmax.": (
                lambda t, labels, x: nearest(t, labels, x, pick=np.argmin)
            ),
            "you compare by the product image x template. A template with much ink then wins everywhere: take the "
            "distance.": lambda t, labels, x: nearest(t, labels, x, one),
            "you compare by the angle (a product, divided by lengths); asked for is the distance, the sum of squared "
            "differences.": lambda t, labels, x: nearest(
                t, labels, x, lambda a, b: one(a, b) / np.sqrt(one(a, a) * one(b, b) + 1e-300)
            ),
            "you add up absolute differences. Square them: one pixel that is far off should count for more than two "
            "that are half as far off.": lambda t, labels, x: nearest(
                t, labels, x, lambda a, b: -np.abs(a - b).sum(axis=-1)
            ),
            "you add up the differences with their signs, so that too much ink here and too little there cancel. "
            "Square each first.": lambda t, labels, x: nearest(t, labels, x, lambda a, b: -np.abs((a - b).sum(-1))),
            "you compare with the mean of each label's templates. Asked for is the nearest single template.": _by_means,
            "you add up the differences without squaring them, so the template with the least ink always wins.": (
                lambda t, labels, x: nearest(t, labels, x, lambda a, b: (a - b).sum(axis=-1))
            ),
            "you take the largest difference of a pixel; asked for is the sum of all squared differences.": (
                lambda t, labels, x: nearest(t, labels, x, lambda a, b: -np.abs(a - b).max(axis=-1))
            ),
            "every image gets the first template's label. Does each distance use both, the image and its template?": (
                lambda t, labels, x: np.repeat(labels[0], len(x))
            ),
            "you turn the pixels into whole numbers, and greys between 0 and 1 become 0. Turn both into floats.": (
                lambda t, labels, x: nearest(t.astype(int), labels, x.astype(int))
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
    large = tuple(1e5 * one if i != 1 else one for i, one in enumerate(_pictures(20, 8, 4, 5)))
    if not np.array_equal(np.asarray(student(*large), dtype=np.float64), nearest(*large)):
        raise TryAgain(
            "your answer fits pixels from 0 to 1, and goes wrong where numbers are 100,000 times as large: does the "
            "smallest distance so far begin at a fixed number? float('inf'), or the first distance, is no bound."
        )
    templates, labels, images = bytes_ = _pictures(80, 12, 6, 3, np.uint8)

    def is_right(*args: Any) -> bool:
        return np.array_equal(np.asarray(student(*args), dtype=np.float64), nearest(*bytes_))

    if not is_right(templates, labels, images):
        kind = is_right(templates.astype(float), labels, images.astype(float))
        raise TryAgain(
            "your answer fits floats, and goes wrong on uint8 pixels: there 3 - 5 is 254, and 20 * 20 is 144. Turn "
            "both into floats before you reckon with them: templates.astype(float)."
            if kind
            else "your answer fits floats from 0 to 1, and goes wrong where pixels go up to 255: what in it depends on "
            "how large they are?"
        )
