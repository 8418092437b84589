"""What lab 12 asks of a letter that is drawn: ink on paper, shapes as the font draws them, the box in the middle."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from coursekit.feedback import Student, TryAgain, diagnose

__all__ = ["font", "judge_rendering"]

Image = NDArray[np.float64]


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
    diagnose({hint: not isinstance(answer, np.ndarray)})
    shape = f"for size = {size} the image should have the shape ({size}, {size}); yours has {answer.shape}."
    colours = f"{shape} Pillow's mode 'L' has one grey level a pixel, 'RGB' has three."
    coloured = answer.ndim == 3 and answer.shape[-1] in (2, 3, 4)
    diagnose({colours: coloured, shape: answer.shape != (size, size)})
    hint = f"the pixels should be floats from 0 to 1; yours are {answer.dtype}"
    bytes_ = answer.dtype.kind in "iu" and answer.max() > 1
    diagnose(
        {
            f"{hint}. Divide by 255.": bytes_,
            f"{hint}, and no grey of the soft edges is left in them. Divide, and keep the floats.": (
                answer.dtype.kind in "iub"
            ),
            f"{hint}.": answer.dtype.kind != "f",
        }
    )
    image = answer.astype(np.float64)
    diagnose({"your image holds NaN or infinity.": not np.isfinite(image).all()})
    low, high = image.min(), image.max()
    if high - low < 0.02:
        raise TryAgain(
            f"your image is {high:.3g} all over, for {letter} and size = {size}, and paper should be 0. Is the paper "
            "white when you look for the ink's box (getbbox boxes whatever isn't 0) or paste it? Is anything drawn in "
            "another grey?"
            if low > 0.5
            else f"your image is empty, {high:.3g} all over, for {letter} and size = {size}: is anything drawn or "
            "pasted, at a point from which it lies within the image, and in another grey than the paper?"
        )
    paper = np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]))
    inked = np.argwhere(image > 0)
    box = image[tuple(slice(first, last + 1) for first, last in zip(inked.min(0), inked.max(0), strict=True))]
    diagnose(
        {
            f"the edges of your image are {paper:.4g}, where paper, 0, should be ({letter}, size = {size}); full ink "
            "is 1. Are ink and paper swapped, or does the letter reach to the edges?": paper > 0.5 * max(1.0, high),
            f"the letter is a filled box, {high:.4g} in each of its pixels ({letter}, size = {size}): are the font's "
            "pixels put in, divided by 255, or one number for all?": high > 1.01
            and letter != "I"
            and box.min() == high,
            f"the pixels go up to {high:.4g}: full ink is 1. Pillow's greys are whole numbers up to 255: divide by 255 "
            "once.": high > 1.01,
            f"full ink should be 1; the most in your image is {high:.3g}. Is it divided by 255 twice, drawn in grey, "
            f"or is only an edge of the letter within the image? (It is {letter}, size = {size}.)": high < 0.8,
        }
    )
    return image


_FACES = (("DejaVuSans.ttf", 24), ("DejaVuSerif-Bold.ttf", 22), ("STIXGeneralItalic.ttf", 26), ("cmtt10.ttf", 28))
_LETTERS = "JQAIGFW"


def judge_rendering(student: Student) -> None:
    """Seven letters in four faces and two sizes: their kind, their shape, and then their place."""
    cases = [(letter, font(*face), size) for face in _FACES for letter in _LETTERS for size in (48, 61)]
    images = [_picture(student, *case) for case in cases]
    wanted = [_drawn(face, letter) for letter, face, _ in cases]
    inks = [_cut(image) for image in images]
    margins = np.array([_margins(image) for image in images])
    sizes = np.array([[image.shape[0]] * 2 for image in images])
    touching = [0 in margin for margin in margins]
    first = touching.index(True) if any(touching) else 0
    edges = zip(("left", "right", "upper", "lower"), margins[first], strict=True)
    edge = " and the ".join(name for name, margin in edges if margin == 0)
    left, right, top, bottom = np.median(margins, axis=0)
    (height, width), (due_height, due_width) = inks[first].shape, wanted[first].shape
    across, down = np.abs(margins[:, [0, 2]] - margins[:, [1, 3]]).max(axis=0)
    if across <= 3 < down:
        why = "From left to right all letters are in the middle: share what is left of `size` from top to bottom, too."
    elif down <= 3 < across:
        why = "From top to bottom all letters are in the middle: share what is left of `size` from left to right, too."
    else:
        why = (
            "Where should its ink begin? (ImageDraw's text draws it below and to the right of the point that it gets.)"
        )
    diagnose(
        {
            "every letter reaches from the upper edge to the lower: is it stretched? Keep the size at which the font "
            "draws, and draw on a sheet of the image's size.": not margins[:, 2:].any(),
            f"your letters stand at the top left, as if drawn at (0, 0): usually {left:g} columns are empty at the "
            f"left and {right:g} at the right, {top:g} rows above and {bottom:g} below. What point puts the middle of "
            "the letter's box, font.getbbox(letter), into the middle of the image?": (
                left <= 4 and top <= 10 and min(right, bottom) > 12
            ),
            f"the letter ends at the {edge} edge, for instance {cases[first][0]} where size = {cases[first][2]}: of "
            f"{due_height} rows and {due_width} columns of ink your image shows {height} and {width}. {why}": (
                any(touching)
            ),
        }
    )

    def all_alike(change: Callable[[Image], Image]) -> bool:
        return all(_alike(ink, _cut(change(want))) for ink, want in zip(inks, wanted, strict=True))

    n_of_a_face = len(cases) // len(_FACES)
    one_font = all(_alike(ink, inks[place % n_of_a_face]) for place, ink in enumerate(inks))
    letters = {letter for letter, *_ in cases} | {"A"}
    same_letter = any(
        all(_alike(ink, _drawn(face, letter)) for ink, (_, face, _) in zip(inks, cases, strict=True))
        for letter in sorted(letters)
    )
    small = all(_alike(ink, _drawn(face, letter.lower())) for ink, (letter, face, _) in zip(inks, cases, strict=True))
    boxes = np.array([ink.shape for ink in inks])
    spans = boxes / sizes
    one_size = spans.max(axis=1).std() < 0.03 and not all_alike(lambda want: want)
    span = f"{100 * spans.max(axis=1).mean():.0f} %"
    blown_up = (
        f"every letter fills {span} of the image's height or width, whatever `letter` and `font` are: is it blown up? "
        "Keep the size at which the font draws."
    )
    grey = [float(((image > 0.02) & (image < 0.98)).mean()) for image in images]
    unlike = [place for place, ink in enumerate(inks) if not _alike(ink, wanted[place])] or [0]
    (height, width), (due_height, due_width) = inks[unlike[0]].shape, wanted[unlike[0]].shape
    shape_hint = (
        f"the letters' shapes are not those that the font draws, for instance of {cases[unlike[0]][0]}: its ink is "
        f"{height} x {width} pixels, where the font makes it {due_height} x {due_width}, or looks otherwise. Draw each "
        "once, with font=font, and change nothing afterwards but the numbers' range."
    )
    full = max(image.max() for image in images) / max(want.max() for want in wanted)
    soft = all(
        abs(ink.sum() / want.sum() - 1) < 0.05 and np.abs(np.subtract(ink.shape, want.shape)).max() <= 1
        for ink, want in zip(inks, wanted, strict=True)
    )
    diagnose(
        {
            "your letters stand on their head: row 0 of the array is the top of the image. Turn nothing round.": (
                all_alike(np.flipud)
            ),
            "your letters are mirrored, left and right: turn nothing round.": all_alike(np.fliplr),
            "your letters are upside down: they are turned by 180 degrees.": all_alike(lambda want: want[::-1, ::-1]),
            "your letters lie on their side: rows and columns are swapped. An array is image[row, column], and "
            "Pillow's image needs no .T.": all_alike(np.transpose),
            "whatever `letter` is, you draw the same one.": same_letter,
            "you draw small letters, where `letter` is a capital: draw it as it is given.": small,
            "you draw in one font, whatever `font` is: give it to Pillow, font=font.": one_font,
            blown_up: one_size,
            "there are no greys: every pixel is paper or ink. Mode 'L' keeps the soft edges, mode '1' doesn't, and "
            "nothing should be rounded.": max(grey) < 0.002,
            "your letters are blurred: they have as much ink as the font draws, but not in the same pixels. Do you "
            "draw at half pixels (// where you halve keeps them whole), resize, or filter?": (
                soft and not all_alike(lambda want: want)
            ),
            shape_hint: not all_alike(lambda want: want),
            "your greys are no whole 255ths, as Pillow's are once they are divided: are they rounded, or changed after "
            "that?": abs(full - 1) < 1e-3
            and max(np.abs(255 * image - np.round(255 * image)).max() for image in images) > 0.02,
            f"full ink should be 1; yours is {full:.4g}. Draw with the full contrast, 255 on 0 (or 0 on 255, if you "
            "turn it round afterwards), and divide by 255.": abs(full - 1) > 1e-3,
        }
    )
    off = np.stack([margins[:, 0] - margins[:, 1], margins[:, 2] - margins[:, 3]], axis=1)
    centre_of_mass = []
    for image in images:
        grid = np.indices(image.shape) + 0.5
        mass = (grid * image).sum(axis=(1, 2)) / image.sum() - np.array(image.shape) / 2
        centre_of_mass.append(np.abs(mass).max())
    begins = np.array([face.getbbox(letter)[:2] for letter, face, _ in cases])
    forgotten = np.abs(off - 2 * begins).max(axis=0) <= 3
    level = "the letter is in the middle from left to right, but not from top to bottom"
    upright = "the letter is in the middle from top to bottom, but not from left to right"
    worst = cases[int(np.abs(off).max(axis=1).argmax())]
    left, right, top, bottom = margins[int(np.abs(off).max(axis=1).argmax())].tolist()
    where = (
        f"for {worst[0]} and size = {worst[2]} there are {left} empty columns at the left and {right} at the right, "
        f"{top} empty rows above and {bottom} below"
    )
    diagnose(
        {
            f"the middle of the *ink's weight* is in the middle of the image. It should be the box around the ink: "
            f"{where}.": max(centre_of_mass) < 1.1 and max(across, down) > 3,
            f"the letter is off by where its box begins, (left, top) of font.getbbox: {where}. "
            "Take left away from x, and top away from y.": forgotten.all() and min(across, down) > 3,
            f"{level}: {where}. The box that font.getbbox gives doesn't begin at 0: take its top away from y.": (
                across <= 3 < down and forgotten[1]
            ),
            f"{upright}: {where}. The box that font.getbbox gives doesn't begin at 0: take its left away from x.": (
                down <= 3 < across and forgotten[0]
            ),
            f"{level}: {where}. The ink's height is bottom - top, and both sides share what is left of `size`.": (
                across <= 3 < down
            ),
            f"{upright}: {where}. The ink's width is right - left, and both sides share what is left of `size`.": (
                down <= 3 < across
            ),
            f"the letter is not in the middle: {where}. The ink's box begins at (left, top) of font.getbbox, its "
            "height is bottom - top, and what is left of `size` is shared by both sides.": max(across, down) > 3,
        }
    )
