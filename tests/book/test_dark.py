"""Figures on a dark ground: on every figure of the book, what is seen on white is seen there, in its own hue."""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw

from neuroevo.plots import COLOURS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from course_site import inks  # noqa: E402  the extension is no package of the environment

NOTEBOOKS = sorted(path for folder in ("notebooks", "solutions") for path in (ROOT / folder).rglob("[!.]*.ipynb"))
MAPS = np.concatenate([mpl.colormaps[name](np.arange(256))[:, :3] for name in inks.WHOLE])


def contrast(colours: np.ndarray, ground: np.ndarray) -> np.ndarray:
    light = np.stack([inks.luminance(colours), np.full(len(colours), inks.luminance(ground))])
    return (light.max(axis=0) + 0.05) / (light.min(axis=0) + 0.05)


def faults(png: bytes) -> list[str]:
    """What of a figure's colours is seen on white and not on the dark ground, or in another hue."""
    with Image.open(io.BytesIO(png)) as image:
        found = image.convert("RGB").getcolors(1 << 24)
    count, colours = np.array([n for n, _ in found]), np.array([colour for _, colour in found]) / 255
    main = colours[count >= 200]
    shown = inks.recoloured(main, main)
    mapped = np.array([np.abs(MAPS - ink).max(axis=1).min() < 3 / 255 for ink in main])  # may be left as it is
    lost = (contrast(main, np.ones(3)) >= 3) & (contrast(shown, inks.GROUND) < 3) & ~mapped
    hues, others = mpl.colors.rgb_to_hsv(main)[:, 0], mpl.colors.rgb_to_hsv(np.clip(shown, 0, 1))[:, 0]
    turn = np.abs((hues - others + 0.5) % 1 - 0.5)
    turned = (np.ptp(main, axis=1) > 0.3) & (turn > 20 / 360) & ~mapped
    return [
        f"{mpl.colors.to_hex(ink)} as {mpl.colors.to_hex(new)}"
        for ink, new in zip(main[lost | turned], shown[lost | turned], strict=True)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_figure_keeps_what_is_seen_and_its_hues(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    pictures = [output.get("data", {}).get("image/png") for cell in cells for output in cell.get("outputs", [])]
    assert [found for png in pictures if png for found in faults(base64.b64decode(png))] == []


def test_each_colour_of_the_book_is_itself_or_lighter_in_its_hue() -> None:
    colours = np.array([mpl.colors.to_rgb(colour) for colour in COLOURS.values()])
    shown = dict(zip(COLOURS, inks.recoloured(colours, colours), strict=True))
    light = [name for name, ink in zip(COLOURS, colours, strict=True) if inks.lightness(ink) > inks.LIGHT]
    assert set(light) == {"random", "linear", "train", "validation", "test", "highlight"}
    for name in light:
        np.testing.assert_allclose(shown[name], mpl.colors.to_rgb(COLOURS[name]), atol=1 / 255)
    assert (contrast(np.array(list(shown.values())), inks.GROUND) >= 4.5).all()


def test_paper_becomes_the_ground_and_a_map_of_one_hue_keeps_its_order() -> None:
    blues = mpl.colormaps["Blues"](np.linspace(0, 1, 50))[:, :3]
    shown = inks.recoloured(np.concatenate([np.ones((1, 3)), blues]), blues)
    np.testing.assert_allclose(shown[0], inks.GROUND)
    assert (np.diff(inks.luminance(shown)) > -0.01).all()


def test_a_map_from_dark_to_light_stays_whole_with_what_is_written_on_it() -> None:
    picture = Image.new("RGB", (200, 100), "white")
    table = np.repeat(mpl.colormaps["inferno"](np.linspace(0, 1, 10), bytes=True)[None, :, :3], 8, axis=1)
    picture.paste(Image.fromarray(table).resize((100, 80), Image.Resampling.NEAREST), (50, 10))
    ImageDraw.Draw(picture).line((80, 50, 90, 50), fill="white", width=3)
    ImageDraw.Draw(picture).line((10, 50, 30, 50), fill="black", width=3)
    ImageDraw.Draw(picture).point([(38, 50), (44, 52)], fill=tuple(map(int, table[0, 40])))  # as at a letter's edge
    new, old = np.asarray(inks.darkened(inks.few_colours(picture)).convert("RGB")), np.asarray(picture)
    np.testing.assert_array_equal(new[15:85, 60:140], old[15:85, 60:140])
    assert new[50, 20].min() > 200
    for place in (new[0, 0], new[51, 40], new[51, 46]):
        np.testing.assert_array_equal(place, np.round(255 * inks.GROUND))


def test_few_colours_are_those_of_the_picture_or_near_them() -> None:
    shades = np.linspace(0, 255, 40, dtype=np.uint8)
    surface = np.stack([*np.meshgrid(shades, shades), np.full((40, 40), 90, np.uint8)], axis=2)  # 1,600 colours
    surface[:20, :20] = (213, 94, 0)
    new = np.asarray(inks.few_colours(Image.fromarray(surface)).convert("RGB"))
    assert np.abs(new.astype(int) - surface).max() <= 20
    np.testing.assert_array_equal(new[:20, :20], surface[:20, :20])


def test_a_build_that_draws_nothing_loads_nothing_that_draws() -> None:
    heavy = "{'matplotlib', 'pandas', 'scipy', 'torch', 'fontTools', 'IPython'}"
    code = f"import sys; sys.path.insert(0, 'book/_ext'); import course_site; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
