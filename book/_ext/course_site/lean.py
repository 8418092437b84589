"""What a page needn't load: styles of things that are on no page, icons that nobody sees, pictures far below.

The theme brings two megabytes for every page. A rule of a style sheet stays where each class that it asks for is on
some page or in some script; a font of icons keeps the icons that a rule that stayed asks for.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import tinycss2
from bs4 import BeautifulSoup
from PIL import Image
from sphinx.application import Sphinx
from tinycss2.ast import Node

from . import dark

NESTED = ("media", "supports", "layer", "container")  # at-rules that hold rules
SVG_ICONS = "fontawesome.js"  # draws the icons a second time: the theme's style sheet has them as a font
SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")  # of Sphinx; finding.py has a better one
ICON_FONT = re.compile(r'url\(([^)]*/fa-[\w-]+)\.woff2\) format\("woff2"\),url\([^)]*\) format\("truetype"\)')
ICON = re.compile(r'"\\(f[0-9a-f]{3})"|"([\ue000-\uf8ff])"')  # a character of private use, written either way


def drop_scripts(soup: BeautifulSoup) -> None:
    """Leave out what draws icons a second time, and Sphinx's search."""
    for script in soup.select("script[src]"):
        if str(script["src"]).partition("?")[0].rpartition("/")[2] in (SVG_ICONS, *SEARCH):
            script.decompose()


def size_pictures(soup: BeautifulSoup, page: Path) -> None:
    """Say how large each picture is, so that nothing jumps; fetch those below the first late; few colours."""
    first = True
    for picture in soup.select("article img[src]"):
        file = page.parent / str(picture["src"])
        if file.suffix == ".png" and file.is_file() and not picture.get("width"):
            with Image.open(file) as image:
                picture["width"], picture["height"] = map(str, image.size)
            picture["src"] = str(picture["src"]).removesuffix(file.name) + dark.lighter(file).name
        if not first:
            picture["loading"] = "lazy"
        first = False


def thin_styles(app: Sphinx) -> None:
    """Keep what some page asks for of the style sheets and icons that Sphinx and the theme have copied."""
    out = Path(app.outdir)
    static = out / "_static"
    words = _classes(page.read_text(encoding="utf-8") for page in out.rglob("*.html"))
    for script in static.rglob("*.js"):
        if script.name != SVG_ICONS:
            words |= set(re.findall(r"[\w-]+", script.read_text(encoding="utf-8")))
    icons: set[int] = set()
    for sheet in (*static.glob("*.css"), *static.glob("styles/*.css")):
        rules = tinycss2.parse_stylesheet(sheet.read_text(encoding="utf-8"), skip_comments=True, skip_whitespace=True)
        css = ICON_FONT.sub(r'url(\1.woff) format("woff")', "".join(_kept(rules, words)))
        icons |= {int(code, 16) if code else ord(character) for code, character in ICON.findall(css)}
        sheet.write_text(css, encoding="utf-8")
    for font in static.glob("vendor/fontawesome/webfonts/*.ttf"):
        kept, now = font.with_suffix(".txt"), " ".join(map(hex, sorted(icons)))
        if not kept.is_file() or kept.read_text("utf-8") != now:
            font.with_suffix(".woff").write_bytes(_with_glyphs(font, icons))
            kept.write_text(now, "utf-8")


def _classes(pages: Iterable[str]) -> set[str]:
    """Every class and name of an element on these pages."""
    return {name for page in pages for found in re.findall(r'(?:class|id)="([^"]*)"', page) for name in found.split()}


def _kept(rules: Iterable[Node], words: set[str]) -> Iterator[str]:
    """The rules that can apply, as text."""
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [part for part in _between_commas(rule.prelude) if _asked_for(part) <= words]
            if selectors:
                yield f"{','.join(map(_text, selectors))}{{{_text(rule.content)}}}"
        elif rule.type == "at-rule" and rule.content is not None and rule.lower_at_keyword in NESTED:
            inner = "".join(_kept(tinycss2.parse_rule_list(rule.content, True, True), words))
            if inner:
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
        else:
            yield rule.serialize()


def _text(tokens: Iterable[Node]) -> str:
    return str(tinycss2.serialize(tokens)).strip()


def _between_commas(prelude: Iterable[Node]) -> Iterator[list[Node]]:
    part: list[Node] = []
    for token in prelude:
        if token == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _asked_for(selector: list[Node]) -> set[str]:
    """The classes and names that an element needs for this selector; what stands in :is() or :not() is no need."""
    pairs = pairwise(selector)
    classes = {token.value for dot, token in pairs if dot == "." and token.type == "ident"}
    return classes | {token.value for token in selector if token.type == "hash"}


def _with_glyphs(font: Path, codes: set[int]) -> bytes:
    """The font with these characters alone, compressed."""
    from fontTools import subset, ttLib  # a second that a build in which no icon is new needn't wait

    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells each step
    whole = ttLib.TTFont(font)
    cut = subset.Subsetter(subset.Options(notdef_outline=True))
    cut.populate(unicodes=codes & set(whole.getBestCmap()))
    cut.subset(whole)
    whole.flavor = "woff"
    written = BytesIO()
    whole.save(written)
    return written.getvalue()
