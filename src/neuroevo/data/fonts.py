"""The letters A to Z, drawn from the fonts that come with matplotlib. `neuroevo.data.letters` is the face.

Outlines are read without hinting, changed as curves (slanted, condensed, made heavier) and filled by matplotlib's own
Agg. Neither step asks the operating system for anything, so the images are the same wherever matplotlib is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# How each variant is made of a face: the width it is brought to, the lean, and the ink added to each stroke, both as
# shares of the height of a capital.
VARIANTS: dict[str, tuple[float, float, float]] = {
    "plain": (1.0, 0.0, 0.0),
    "slanted": (1.0, 0.25, 0.0),
    "condensed": (0.7, 0.0, 0.0),
    "heavy": (1.0, 0.0, 0.06),
    "slanted condensed": (0.7, 0.25, 0.0),
    "slanted heavy": (1.0, 0.25, 0.06),
    "condensed heavy": (0.7, 0.0, 0.06),
    "slanted condensed heavy": (0.7, 0.25, 0.06),
}
CAPITAL = 0.56  # height of an H, as a share of the image
WIDEST = 0.9  # a letter that would be wider or higher than this share of the image is made smaller
# Where Unicode's alphabets for mathematics begin, and where a letter of theirs stands that was there before.
_LATIN, _SCRIPT, _FRAKTUR, _DOUBLE, _BOLD_FRAKTUR = 0x41, 0x1D49C, 0x1D504, 0x1D538, 0x1D56C
_SANS, _MONO = (0x1D5A0, 0x1D5D4, 0x1D608, 0x1D63C), 0x1D670
_ELSEWHERE = {
    _SCRIPT: dict(zip("BEFHILMR", (0x212C, 0x2130, 0x2131, 0x210B, 0x2110, 0x2112, 0x2133, 0x211B), strict=True)),
    _FRAKTUR: dict(zip("CHIRZ", (0x212D, 0x210C, 0x2111, 0x211C, 0x2128), strict=True)),
    _DOUBLE: dict(zip("CHNPQRZ", (0x2102, 0x210D, 0x2115, 0x2119, 0x211A, 0x211D, 0x2124), strict=True)),
}


_STYLES = ("regular", "bold", "oblique", "bold oblique")
_MONO_STYLES = ("mono", "mono bold", "mono oblique", "mono bold oblique")


@dataclass(frozen=True)
class Source:
    """One alphabet of one font file: its family, its style, the file, and the character that is its A."""

    family: str
    style: str
    file: str
    first: int = _LATIN


def _four(family: str, stem: str, names: tuple[str, str, str, str], styles: tuple[str, ...] = _STYLES) -> list[Source]:
    return [Source(family, style, f"{stem}{name}.ttf") for style, name in zip(styles, names, strict=True)]


# A family is one design, whatever its files are called: DejaVu's monospaced letters are its sans brought to one width,
# and the two typewriter faces come close to being one drawing. A split that parted them would be a leak.
SOURCES: tuple[Source, ...] = (
    *_four("DejaVu Sans", "DejaVuSans", ("", "-Bold", "-Oblique", "-BoldOblique")),
    *_four("DejaVu Sans", "DejaVuSansMono", ("", "-Bold", "-Oblique", "-BoldOblique"), _MONO_STYLES),
    *_four("DejaVu Serif", "DejaVuSerif", ("", "-Bold", "-Italic", "-BoldItalic")),
    *_four("STIX", "STIXGeneral", ("", "Bol", "Italic", "BolIta")),
    *(Source("STIX Sans", style, "STIXGeneral.ttf", first) for style, first in zip(_STYLES, _SANS, strict=True)),
    Source("Typewriter", "STIX", "STIXGeneral.ttf", _MONO),
    Source("Typewriter", "Computer Modern", "cmtt10.ttf"),
    Source("Script", "STIX", "STIXGeneral.ttf", _SCRIPT),
    Source("Fraktur", "STIX", "STIXGeneral.ttf", _FRAKTUR),
    Source("Fraktur", "STIX bold", "STIXGeneral.ttf", _BOLD_FRAKTUR),
    Source("Double-struck", "STIX", "STIXGeneral.ttf", _DOUBLE),
    Source("Double-struck", "DejaVu Sans", "DejaVuSans.ttf", _DOUBLE),
    Source("Double-struck", "DejaVu Sans bold", "DejaVuSans-Bold.ttf", _DOUBLE),
    Source("Double-struck", "DejaVu Serif", "DejaVuSerif.ttf", _DOUBLE),
    Source("Computer Modern", "roman", "cmr10.ttf"),
    Source("Computer Modern", "bold", "cmb10.ttf"),
    Source("Computer Modern", "italic", "cmti10.ttf"),
    Source("Computer Modern", "math italic", "cmmi10.ttf"),
    Source("Computer Modern Sans", "regular", "cmss10.ttf"),
    Source("Calligraphic", "Computer Modern", "cmsy10.ttf"),
)


def code(first: int, letter: str) -> int:
    """The character that stands for `letter` in the alphabet whose A is `first`."""
    return _ELSEWHERE.get(first, {}).get(letter, first + ord(letter) - ord("A"))


@cache
def _font(file: str) -> FT2Font:
    font = FT2Font(str(FilePath(matplotlib.get_data_path()) / "fonts" / "ttf" / file))
    font.set_size(1000, 72)  # units to an em: fine enough that straight pieces do for curves, also on 100 pixels
    return font


@cache
def outline(source: Source, letter: str) -> Path:
    """The letter's outline in straight pieces, y upwards. Raises ValueError where the font has no such letter."""
    font, character = _font(source.file), code(source.first, letter)
    if not font.get_char_index(character):
        raise ValueError(f"{source.file} has no character U+{character:04X} for {letter}; use another face")
    font.load_char(character, flags=LoadFlags.NO_HINTING)
    vertices, codes = font.get_path()
    if len(vertices) == 0:
        raise ValueError(f"{source.file} draws nothing for {letter}; use another face")
    return Path(vertices, codes).cleaned(curves=False)


def draw(source: Source, variant: str, letter: str, size: int) -> NDArray[np.uint8]:
    """One letter in the middle of an image, (size, size) uint8: 0 is paper, 255 is ink; row 0 is the top.

    All letters of a face have the same scale, at which its H is CAPITAL of the image high, unless a letter would
    be wider or higher than WIDEST of it.
    """
    width, lean, ink = VARIANTS[variant]
    capital, path = np.ptp(_corners(source, "H")[:, 1]), outline(source, letter)
    stroke = CAPITAL * size * ink
    scale = (CAPITAL * size - stroke) / capital
    corners = _corners(source, letter) @ (scale * np.array([[width, 0.0], [lean, 1.0]]))
    low, high = corners.min(axis=0), corners.max(axis=0)
    shrink = min(1.0, WIDEST * size / ((high - low).max() + stroke))
    place = Affine2D().translate(*(-(low + high) / 2)).scale(shrink).translate(size / 2, size / 2)
    vertices = np.asarray(path.vertices) @ (scale * np.array([[width, 0.0], [lean, 1.0]]))
    renderer = RendererAgg(size, size, 72)
    context = renderer.new_gc()
    context.set_linewidth(stroke * shrink)
    context.set_joinstyle("round")
    context.set_snap(False)
    renderer.draw_path(context, Path(vertices, path.codes), place, (0.0, 0.0, 0.0, 1.0))
    return np.asarray(renderer.buffer_rgba())[:, :, 3].copy()


@cache
def _corners(source: Source, letter: str) -> NDArray[np.float64]:
    """The outline's points; those of STOP and CLOSEPOLY are none."""
    path = outline(source, letter)
    assert path.codes is not None
    return np.asarray(path.vertices)[(path.codes == Path.MOVETO) | (path.codes == Path.LINETO)]
