"""The checks of lab 12, "Twenty-six letters, thirty fonts": a renderer, a split by family, templates, a curve."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from coursekit.feedback import Lab, Student, TryAgain, compare

LAB = Lab(12, "Twenty-six letters, thirty fonts", time_limit=20)
check, passed, score = LAB.check, LAB.passed, LAB.score

Image = NDArray[np.float64]


def _refuse(wrong: Mapping[str, Any]) -> None:
    """TryAgain with the first hint whose condition holds."""
    for hint, holds in wrong.items():
        if holds:
            raise TryAgain(hint)


# 12.1 A letter in the middle


@cache
def font(file: str, points: int) -> Any:
    """One of matplotlib's fonts, for Pillow."""
    return ImageFont.truetype(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / file), points)


def _drawn(font: Any, letter: str) -> Image:
    """The ink of a letter alone, cut to the box around it."""
    mask = font.getmask(letter)
    return _cut(np.array(mask, dtype=np.float64).reshape(mask.size[1], mask.size[0]) / 255)


def _cut(image: Image) -> Image:
    rows, columns = np.nonzero(image.max(axis=1) > 0.02)[0], np.nonzero(image.max(axis=0) > 0.02)[0]
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else image[:0, :0]


def _alike(a: Image, b: Image, tolerance: float = 0.03) -> bool:
    return a.shape == b.shape and float(np.abs(a - b).mean()) < tolerance


def _margins(image: Image) -> tuple[int, int, int, int]:
    """Empty rows and columns at the left, right, top and bottom."""
    rows, columns = np.nonzero(image.max(axis=1) > 0.02)[0], np.nonzero(image.max(axis=0) > 0.02)[0]
    height, width = image.shape
    return int(columns[0]), width - 1 - int(columns[-1]), int(rows[0]), height - 1 - int(rows[-1])


def _picture(student: Student, letter: str, face: Any, size: int) -> Image:
    """The student's image, if it is one of this size with numbers from 0 to 1, ink on paper."""
    answer = student(letter, face, size)
    if hasattr(answer, "detach"):
        answer = answer.detach().cpu().numpy()
    kind = f"a {type(answer).__name__}"
    hint = f"return a NumPy array; you return {kind}: np.asarray(image) turns Pillow's image into one."
    _refuse({hint: not isinstance(answer, np.ndarray)})
    shape = f"for size = {size} the image should have the shape ({size}, {size}); yours has {answer.shape}."
    colours = f"{shape} Pillow's mode 'L' has one grey level a pixel, 'RGB' has three."
    _refuse({colours: answer.ndim == 3, shape: answer.shape != (size, size)})
    hint = f"the pixels should be floats from 0 to 1; yours are {answer.dtype}. Divide by 255."
    _refuse({hint: answer.dtype.kind not in "f"})
    image = answer.astype(np.float64)
    frame = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    _refuse(
        {
            "your image holds NaN or infinity.": not np.isfinite(image).all(),
            "ink and paper are swapped: paper should be 0 and ink 1, so that no ink is nothing.": (
                np.median(frame) > 0.5 * max(1.0, image.max())
            ),
            "the pixels go up to 255: divide by 255, so that full ink is 1.": image.max() > 1.01,
            "your image is empty: nothing is drawn, or with fill=0, which is paper.": image.max() < 0.02,
            "full ink should be 1; yours is paler. Is it divided by 255 twice, or drawn in grey?": image.max() < 0.8,
        }
    )
    return image


_FACES = (("DejaVuSans.ttf", 24), ("DejaVuSerif-Bold.ttf", 22), ("STIXGeneralItalic.ttf", 26), ("cmtt10.ttf", 28))
_LETTERS = "JQAIGFW"


@LAB.exercise("12.1", "render(letter, font, size)", title="A letter in the middle", points=4)
def _(student: Student) -> None:
    cases = [(letter, font(*face), size) for face in _FACES for letter in _LETTERS for size in (48, 61)]
    images = [_picture(student, *case) for case in cases]
    wanted = [_drawn(face, letter) for letter, face, _ in cases]
    inks = [_cut(image) for image in images]
    margins = np.array([_margins(image) for image in images])
    sizes = np.array([[image.shape[0]] * 2 for image in images])
    touching = [0 in margin for margin in margins]
    first = cases[touching.index(True)] if any(touching) else cases[0]
    left, right, top, bottom = np.median(margins, axis=0)
    blown_up = (
        "every letter is blown up until it fills the image, so an I is as wide as a W. Keep the size at which the font "
        "draws."
    )
    _refuse(
        {
            "every letter is stretched until it touches the edges. Keep the size at which the font draws, and draw on "
            "a sheet of the image's size.": not margins[:, 2:].any(),
            "your letters stand at the top left, where drawing at (0, 0) puts them. What point puts the middle of the "
            "letter's box, font.getbbox(letter), into the middle of the image?": (
                left <= 4 and top <= 10 and min(right, bottom) > 12
            ),
            f"part of the letter is cut off at the edge, for instance of {first[0]} where size = {first[2]}. Pillow "
            "draws a letter below and to the right of the point that you give it: see what font.getbbox says.": (
                any(touching)
            ),
        }
    )

    def all_alike(change: Callable[[Image], Image]) -> bool:
        return all(_alike(ink, _cut(change(want))) for ink, want in zip(inks, wanted, strict=True))

    n_of_a_face = len(cases) // len(_FACES)
    one_font = all(_alike(ink, inks[place % n_of_a_face]) for place, ink in enumerate(inks))
    same_letter = all(_alike(ink, _drawn(face, "A")) for ink, (_, face, _) in zip(inks, cases, strict=True))
    small = all(_alike(ink, _drawn(face, letter.lower())) for ink, (letter, face, _) in zip(inks, cases, strict=True))
    boxes = np.array([ink.shape for ink in inks])
    spans = boxes / sizes
    one_size = spans.max(axis=1).std() < 0.03 and not all_alike(lambda want: want)
    grey = [float(((image > 0.02) & (image < 0.98)).mean()) for image in images]
    shape_hint = (
        "the letters' shapes are not those that the font draws. Draw each once, with font=font, and change nothing "
        "afterwards but the numbers' range."
    )
    soft = all(
        abs(ink.sum() / want.sum() - 1) < 0.05 and np.abs(np.subtract(ink.shape, want.shape)).max() <= 1
        for ink, want in zip(inks, wanted, strict=True)
    )
    _refuse(
        {
            "your letters stand on their head: row 0 of the array is the top of the image. Turn nothing round.": (
                all_alike(np.flipud)
            ),
            "your letters are mirrored, left and right: turn nothing round.": all_alike(np.fliplr),
            "your letters are upside down: they are turned by 180 degrees.": all_alike(lambda want: want[::-1, ::-1]),
            "your letters lie on their side: rows and columns are swapped. An array is image[row, column], and "
            "Pillow's image needs no .T.": all_alike(np.transpose),
            "whatever `letter` is, you draw an A.": same_letter,
            "you draw small letters, where `letter` is a capital: draw it as it is given.": small,
            "you draw in one font, whatever `font` is: give it to Pillow, font=font.": one_font,
            blown_up: one_size,
            "there are no greys: every pixel is paper or ink. Mode 'L' keeps the soft edges, mode '1' doesn't, and "
            "nothing should be rounded.": max(grey) < 0.002,
            "your letters are blurred by half a pixel: draw them at whole pixels, with // where you halve.": (
                soft and not all_alike(lambda want: want)
            ),
            shape_hint: not all_alike(lambda want: want),
        }
    )
    off = np.stack([margins[:, 0] - margins[:, 1], margins[:, 2] - margins[:, 3]], axis=1)
    centre_of_mass = []
    for image in images:
        grid = np.indices(image.shape) + 0.5
        mass = (grid * image).sum(axis=(1, 2)) / image.sum() - np.array(image.shape) / 2
        centre_of_mass.append(np.abs(mass).max())
    across, down = np.abs(off).max(axis=0)
    begins = np.array([face.getbbox(letter)[:2] for letter, face, _ in cases])
    kept = np.abs(off - 2 * begins).max() <= 3
    worst = cases[int(np.abs(off).max(axis=1).argmax())]
    left, right, top, bottom = margins[int(np.abs(off).max(axis=1).argmax())].tolist()
    where = (
        f"for {worst[0]} and size = {worst[2]} there are {left} empty columns at the left and {right} at the right, "
        f"{top} empty rows above and {bottom} below"
    )
    _refuse(
        {
            f"the middle of the *ink's weight* is in the middle of the image. It should be the box around the ink: "
            f"{where}.": max(centre_of_mass) < 1.1 and max(across, down) > 3,
            f"you halve what the letter leaves free, but forget that its box begins at (left, top) and not at (0, 0): "
            f"{where}. Take left away from x, and top away from y.": kept and max(across, down) > 3,
            f"the letter is in the middle from left to right, but not from top to bottom: {where}. The box that "
            "font.getbbox gives doesn't begin at 0: take its top away from y.": across <= 3 < down,
            f"the letter is in the middle from top to bottom, but not from left to right: {where}. The box that "
            "font.getbbox gives doesn't begin at 0: take its left away from x.": down <= 3 < across,
            f"the letter is not in the middle: {where}. The box that font.getbbox gives begins at (left, top), so "
            "its height is bottom - top; and what is left of `size` is shared by both sides.": max(across, down) > 3,
        }
    )


# 12.2 Families stay together


def _split(student: Student, families: list[str], n_test: int, n_validation: int, seed: int) -> list[list[int]]:
    """The student's three lists of face numbers."""
    answer = student(families, n_test, n_validation, np.random.default_rng(seed))
    if not isinstance(answer, tuple | list) or len(answer) != 3:
        kind = f"{len(answer)} things" if isinstance(answer, tuple | list) else f"a {type(answer).__name__}"
        raise TryAgain(f"return three lists, (train, validation, test); you return {kind}.")
    parts = []
    for name, part in zip(("train", "validation", "test"), answer, strict=True):
        numbers = np.asarray(list(part))
        _refuse(
            {
                f"{name} holds names; give the numbers of the faces, their places in `families`.": (
                    numbers.dtype.kind in "US"
                ),
                f"{name} holds True and False; give the numbers of the faces.": numbers.dtype == bool,
                f"{name} should hold whole numbers, but holds {numbers.dtype}.": (
                    len(numbers) > 0 and numbers.dtype.kind not in "iu"
                ),
                f"{name} should be a flat list of face numbers; yours is nested.": numbers.ndim != 1,
            }
        )
        parts.append([int(number) for number in numbers])
    flat = [number for part in parts for number in part]
    last = len(families) - 1
    strange = [number for number in flat if not 0 <= number <= last]
    twice = [number for number, count in Counter(flat).items() if count > 1]
    missing = sorted(set(range(last + 1)) - set(flat))
    train, validation, test = ({families[i] for i in part if 0 <= i <= last} for part in parts)
    _refuse(
        {
            f"there is no face {strange[:1]}: they are numbered 0 to {last}, their places in `families`.": strange,
            f"face {twice[:1]} is in two parts, and its whole family with it. In `families` a name stands once for "
            "each of its faces, so a shuffle of it deals a family out more than once: shuffle sorted(set(families)).": (
                twice and test & (train | validation) and train != set(families)
            ),
            f"face {twice[:1]} is in two parts, or twice in one. Face i goes by its own name, families[i], and train "
            "is what the two others leave.": twice,
            f"face {missing[:1]} is in none of the three parts: what is neither test nor validation is train.": missing,
        }
    )
    return parts


_MANY = ["Sans"] * 8 + ["Serif"] * 4 + ["Roman"] * 4 + ["Script", "Mono", "Sans", "Mono", "Gothic", "Round"]
_FEW = ["b", "a", "c", "a", "b", "d", "a", "e"]


@LAB.exercise("12.2", "split_by_family(families, n_test, n_validation, rng)", title="Families stay together", points=5)
def _(student: Student) -> None:
    tested: Counter[str] = Counter()
    draws = []
    n_draws = 400
    for families, n_test, n_validation in ((_MANY, 2, 1), (_MANY, 2, 3), (_FEW, 1, 1), (_FEW, 2, 1)):
        for seed in range(6):
            parts = _split(student, families, n_test, n_validation, seed)
            _judge_parts(families, parts, n_test, n_validation)
    for seed in range(n_draws):
        _, _, test = _split(student, _MANY, 2, 1, seed)
        of = tuple(sorted({_MANY[face] for face in test}))
        tested.update(of)
        draws.append(of)
    # Of 105 splits two agree by chance once in 105 pairs; five pairs never do.
    again = [[[sorted(part) for part in _split(student, _MANY, 2, 1, seed)] for seed in range(5)] for _ in range(2)]
    names = sorted(set(_MANY))
    share = {name: tested[name] / n_draws for name in names}
    fair = 2 / len(names)
    large, small = share["Sans"], np.mean([share[name] for name in ("Script", "Gothic", "Round")])
    never = [name for name in names if tested[name] == 0]
    _refuse(
        {
            "two calls with the same `rng` give two splits, so there is another source of randomness: draw from rng "
            "alone.": again[0] != again[1],
            "the test families are the same for every `rng`: let rng.permutation(names) decide who they are.": (
                len(set(draws)) == 1
            ),
            f"{never[:1]} is never in the test, in {n_draws} splits: every family should have the same chance.": never,
            "large families are in the test more often than small ones: do you draw faces, and take their families? "
            "Draw from the *names*, each once: sorted(set(families)).": large > fair + 0.12 and large > small,
            "small families are in the test more often than large ones: every family should have the same chance.": (
                large < fair - 0.12
            ),
            "not every family is in the test equally often, over many splits: shuffle the names once, and cut.": any(
                abs(value - fair) > 0.12 for value in share.values()
            ),
        }
    )


def _judge_parts(families: list[str], parts: list[list[int]], n_test: int, n_validation: int) -> None:
    """TryAgain unless whole families stand in one part each, as many as are asked for."""
    names = [{families[face] for face in part} for part in parts]
    train, validation, test = names
    asked = f"n_test = {n_test}, n_validation = {n_validation}"
    shared = sorted((train & test) | (validation & test)) or sorted(train & validation)
    where = "train and test" if train & test else "validation and test" if validation & test else "train and validation"
    part_of = {face: number for number, part in enumerate(parts) for face in part}
    neighbours = [face for face in range(1, len(families)) if families[face] == families[face - 1]]
    torn = any(part_of[face] != part_of[face - 1] for face in neighbours)
    example = shared[:1] and [face for face, family in enumerate(families) if family == shared[0]][:4]
    got, wanted = [len(part) for part in names], [len(set(families)) - n_test - n_validation, n_validation, n_test]
    _refuse(
        {
            f"family {shared[:1]} stands in {where} (its faces are {example}, ...). You split by *face*: "
            f"{asked} count families, and a family goes to one part with all its faces.": shared and torn,
            f"family {shared[:1]} stands in {where}: its faces are {example}, ... A face tells on its relatives, so "
            "all of a family belong in one part, also where they don't stand side by side in `families`.": shared,
            f"the parts stand in another order: return train, validation, test. Here {asked}, and yours hold {got} "
            "families.": got != wanted and sorted(got) == sorted(wanted),
            f"{asked}, and your test holds {got[2]} families ({len(parts[2])} faces): n_test counts families, not "
            "faces, and none may be drawn twice (rng.permutation draws each once).": got[2] != n_test,
            f"{asked}, and your validation holds {got[1]} families: n_validation counts families.": (
                got[1] != n_validation
            ),
        }
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
    rng = np.random.default_rng(seed)
    ink = rng.uniform(0.1, 1.0, size=(n_templates, 1))
    templates = ink * (rng.random((n_templates, 30)) < rng.uniform(0.2, 0.8, size=(n_templates, 1)))
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
    if not np.array_equal(np.asarray(student(*bytes_), dtype=np.float64), _nearest(*bytes_)):
        raise TryAgain(
            "your answer fits floats, and goes wrong on uint8 pixels: there 3 - 5 is 254, and 20 * 20 is 144. Turn "
            "both into floats before you reckon with them: templates.astype(float)."
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


def _by_family(x: Any, y: Any, family: Any, order: Any, test: Any, ks: Any, classify: Any) -> NDArray[np.float64]:
    parts = [_curve(x, y, family, order, [one], ks, classify) for one in test]
    return np.mean(parts, axis=0)


def _classify(templates: Any, labels: Any, images: Any) -> NDArray[np.int64]:
    if len(templates) != len(labels):
        raise TryAgain(f"classify gets {len(templates)} templates and {len(labels)} labels: give one label for each.")
    if len(templates) == 0:
        raise TryAgain("classify gets no templates: which families are the first k of `order`?")
    return _nearest(templates, labels, images)


def _fonts(seed: int, sizes: Sequence[int]) -> tuple[Any, Any, Any]:
    """Families of different sizes, their faces like one another; rows in no order."""
    rng = np.random.default_rng(seed)
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
    names = np.random.default_rng(seed + 100).permutation(np.unique(family))
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
        if all(among(images)):
            shares.append(float(np.mean(among(templates))))
        return _classify(templates, labels, images)

    student(x, y, family, order, test, ks, spy)
    _refuse(
        {
            "your function never calls `classify`, so it measures another reader than the one it is given. Write "
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
        by_hand=[(example, [0.5, 1.0])],
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
