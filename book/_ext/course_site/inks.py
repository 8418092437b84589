"""Figures on a dark ground: what was drawn on white paper, drawn anew from its pixels, with the colours that it names.

A pixel is ink on paper: white, covered by some ink as far as it needs. On a dark ground the same ink covers as much.
Inks that are too dark for it become lighter in their hue, the darker the lighter, so black becomes nearly white and a
map from white to dark blue one from the ground to light blue; the book's colours of lines stay as they are. A picture
in one of Matplotlib's maps from dark to light stays whole: in it, dark means little.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree

from neuroevo.plots import COLOURS

GROUND = np.full(3, 0x12) / 255  # the theme's
WHOLE = ("viridis", "plasma", "inferno", "magma", "cividis")
LIGHT = 0.57  # an ink's lightness that is enough, of 1: 4.5:1 on the ground
_Array = NDArray[np.float64]


def few_colours(image: Image.Image) -> Image.Image:
    """The picture in 256 colours, which a drawing hardly needs: half of them its most frequent, as they are.

    A browser fetches a third of the bytes, and a dark twin is the same picture with other colours.
    """
    if image.mode == "P":
        return image
    codes = np.asarray(image.convert("RGBA")).view(np.uint32)[..., 0]
    place, found = pd.factorize(codes.ravel())
    count = np.bincount(place)
    colours = np.ascontiguousarray(found).view(np.uint8).reshape(-1, 4)[:, :3]
    order = list(np.argsort(-count, kind="stable")[:128])
    wide = colours.astype(np.float32)
    near, off = cKDTree(wide[order]).query(wide)[::-1]
    while len(order) < min(256, len(found)):  # then, each time, the one whose pixels are furthest from their colour
        order.append(int(np.argmax(count * off**2)))
        new = np.sqrt(((wide - wide[order[-1]]) ** 2).sum(axis=1))
        near, off = np.where(new < off, len(order) - 1, near), np.minimum(off, new)
    few = Image.fromarray(near.astype(np.uint8)[place].reshape(codes.shape)).convert("P")
    few.putpalette(colours[order].tobytes())
    return few


def darkened(image: Image.Image) -> Image.Image:
    """A picture of few colours for a dark ground."""
    index = np.asarray(image)
    count = np.bincount(index.ravel(), minlength=256)
    table = np.resize(np.array(image.getpalette("RGB"), dtype=np.uint8), (256, 3))
    colours = table / 255
    new = np.round(255 * recoloured(colours, colours[count >= 200])).astype(np.uint8)
    kept = _of_maps(colours, count)
    if kept.any():
        return few_colours(Image.fromarray(np.where(_closed(kept[index])[..., None], table[index], new[index])))
    dark = image.copy()
    dark.putpalette(new.tobytes())
    return dark


def recoloured(colours: _Array, inks: _Array) -> _Array:
    """Colours of shape (n, 3), from 0 to 1, as they look on the dark ground in a drawing with these inks."""
    cover = 1 - colours.min(axis=1, keepdims=True)
    ink = 1 - (1 - colours) / np.maximum(cover, 1e-9)
    shown = GROUND + cover**0.85 * (_lighter(ink) - GROUND)
    for colour in map(np.array, map(mpl.colors.to_rgb, COLOURS.values())):
        if lightness(colour) > LIGHT and (np.abs(inks - colour) < 1 / 255).all(axis=1).any():
            ray, cast = 1 - colour, 1 - colours
            part = cast @ ray / (ray @ ray)
            near = (np.abs(cast - part[:, None] * ray).max(axis=1) < 3 / 255) & (part < 1.01)
            shown[near] = (GROUND + part[:, None] * (colour - GROUND))[near]
    return shown


def lightness(colours: _Array) -> _Array:
    """How light colours look, from 0 to 1 (L* of CIELAB)."""
    y = luminance(colours)
    return np.where(y > 0.008856, 1.16 * np.cbrt(y) - 0.16, 9.033 * y)


def luminance(colours: _Array) -> _Array:
    """The light that colours send, from 0 to 1, as rules for contrast count it."""
    return _linear(colours) @ np.array([0.2126, 0.7152, 0.0722])


def _linear(colours: _Array) -> _Array:
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def _lighter(inks: _Array) -> _Array:
    """Inks turned up, then mixed with white, until they are light enough."""
    light = np.minimum(lightness(inks) / LIGHT, 1)
    y = np.where(light < 1, ((LIGHT + 0.38 * (1 - light) ** 2 + 0.16) / 1.16) ** 3, luminance(inks))
    up = np.minimum(np.minimum(y / (luminance(inks) + 1e-9), 1 / (_linear(inks).max(axis=1) + 1e-9)), 6)
    mixed = up[:, None] * _linear(inks)
    white = (y - up * luminance(inks)) / (1 - up * luminance(inks) + 1e-9)
    mixed += np.clip(white, 0, 1)[:, None] * (1 - mixed)
    return np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055)


def _of_maps(colours: _Array, count: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which colours are of a map from dark to light that much of the picture is drawn in."""
    kept, many = np.zeros(len(colours), dtype=bool), count >= 200
    for name in WHOLE:
        table = mpl.colormaps[name](np.arange(256))[:, :3]
        if count[many][_off(colours[many], table) < 1 / 255].sum() > 0.05 * count.sum():
            kept |= _off(colours, table) < 3 / 255  # a bar that explains the map blends neighbours
    return kept


def _off(colours: _Array, table: _Array) -> _Array:
    return np.abs(colours[:, None] - table).max(axis=2).min(axis=1)


def _closed(kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same without specks (a letter's edge may have a colour of the map), with all that is thin and within."""
    tiles = ndimage.maximum_filter(ndimage.minimum_filter(kept, 3), 3)
    return tiles | ndimage.minimum_filter(ndimage.maximum_filter(tiles, 15), 15, mode="constant")
