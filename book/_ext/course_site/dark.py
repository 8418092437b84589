"""Figures for a dark ground: each picture gets a twin, drawn in other inks (inks.py), and a page shows one of the two.

What draws them, Matplotlib among it, is imported where one is drawn: most builds draw none.
"""

from pathlib import Path

from bs4 import BeautifulSoup
from PIL import Image

INKS = Path(__file__).with_name("inks.py")
# Before anything is drawn: else a page for a dark ground fetches what a light one shows, until the theme has looked.
LOOK = (
    'if(document.documentElement.dataset.theme==="auto")document.documentElement.dataset.theme='
    'matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light"'
)


def add_twins(soup: BeautifulSoup, page: Path) -> None:
    """Put beside each figure its dark twin; of the two, a browser fetches the one that custom.css lets be seen."""
    for picture in soup.select("article .cell_output img[src]:not(.player img)"):
        file = page.parent / str(picture["src"])
        drawn = file.with_suffix(".png")
        if drawn.is_file():
            if picture.parent.name == "a":  # to the file: one stop more for a keyboard, and light in either mode
                picture.parent.unwrap()
            name = str(picture["src"]).removesuffix(file.name) + twin_of(drawn).name
            twin = soup.new_tag("img", attrs=picture.attrs | {"src": name})
            for image, mode in ((picture, "on-light"), (twin, "on-dark")):
                image["class"], image["loading"] = [*image.get("class", []), mode], "lazy"
            picture.insert_after(twin)


def twin_of(drawn: Path) -> Path:
    """The file of a picture's dark twin, drawn if it isn't there or older than the picture or its inks."""
    twin = drawn.with_suffix(".dark.png")
    if _older(twin, drawn):
        from . import inks

        with Image.open(drawn) as image:
            inks.darkened(inks.few_colours(image)).save(twin)
    return twin


def lighter(drawn: Path) -> Path:
    """The same picture in fewer bytes, where there is one."""
    other = drawn.with_suffix(".few.png")
    if _older(other, drawn):
        from . import inks

        with Image.open(drawn) as image:
            inks.few_colours(image).save(other)
    return min(drawn, other, key=lambda path: path.stat().st_size)


def _older(made: Path, drawn: Path) -> bool:
    """Whether a file that was made of a picture isn't there, or older than the picture or what drew it."""
    return not made.exists() or made.stat().st_mtime < max(path.stat().st_mtime for path in (drawn, INKS))
