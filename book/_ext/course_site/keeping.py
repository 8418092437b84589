"""The whole book as one file to keep: an EPUB for readers of books, a PDF for paper, made of the finished pages.

They are written beside the pages where the environment variable ``COURSE_KEEP`` names them (``epub``, ``pdf`` or both),
which `course.py book --keep` sets. What runs in a page is left out: films are there as their first frames.
"""

import html
import os
import re
import shutil
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from docutils import nodes
from PIL import Image
from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.errors import ConfigError, ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx_external_toc.api import SiteMap

from . import finishing, publishing

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

NAME = "descent-with-modification"
TITLE, AUTHOR = "Descent with Modification", "The Descent with Modification authors"
KINDS = {"epub": "EPUB, for readers of electronic books", "pdf": "PDF, for paper"}
STYLE = Path(__file__).parents[2] / "keep.css"
UNWANTED = (
    "script, style, noscript, svg, button, input, form, .headerlink, .play, .on-dark, .visually-hidden, .claim-filters"
    ", summary > .expanded"  # beside .collapsed: a browser shows one of the two
)
OBSOLETE = ("align", "halign", "valign", "loading", "tabindex")
NO_XML = re.compile("&(?!(amp|lt|gt|quot|#\\w+);)")  # what HTML lets pass, and an EPUB doesn't
FONT = "latin-modern-math.woff"
PAPER = """
@page { size: A4; margin: 18mm 20mm 20mm; @bottom-center { content: counter(page); font: 9pt sans-serif } }
@page :first { @bottom-center { content: none } }
"""
# Writes page numbers into the contents.
NUMBER = """numbers => document.querySelectorAll(".contents a").forEach(
    link => { link.nextSibling.textContent = numbers[link.hash.slice(1)] })"""


@dataclass(frozen=True)
class Leaf:
    """A page of the book: its name, its title in the table of contents, how deep it stands, the part it begins."""

    name: str
    title: str
    depth: int
    part: str = ""


class ToKeep(SphinxDirective):
    """Links to the files that this build makes, or nothing."""

    def run(self) -> list[nodes.Node]:
        if asked():
            self.env.note_reread()  # the next build may make none
        up = "../" * self.env.docname.count("/")
        links = [f'<a href="{up}{NAME}.{kind}">{KINDS[kind]}</a>' for kind in asked()]
        text = f"<p>To keep, the whole book: {' · '.join(links)}.</p>"
        return [nodes.raw("", text, format="html")] if links else []


def asked() -> list[str]:
    """The kinds that ``COURSE_KEEP`` names; `ConfigError` if it names others."""
    kinds = re.findall(r"\w+", os.environ.get("COURSE_KEEP", ""))
    if unknown := set(kinds) - set(KINDS):
        raise ConfigError(f"COURSE_KEEP names {', '.join(sorted(unknown))}; expected {' or '.join(KINDS)}.")
    return kinds


def keep(app: Sphinx, exception: Exception | None) -> None:
    """Write what was asked for, when the pages are finished."""
    if exception is None and app.builder.format == "html" and asked():
        titles = {name: title.astext() for name, title in app.env.titles.items()}
        leaves = leaves_of(app.config.external_site_map, titles)
        for kind in asked():
            {"epub": write_epub, "pdf": write_pdf}[kind](Path(app.outdir), leaves)
        tell_sizes(Path(app.outdir), leaves[0].name)


def tell_sizes(site: Path, name: str) -> None:
    """Write how large the files are into the links on a page, which counts as finished still."""
    page = site / f"{name}.html"
    finished, text = page.stat(), page.read_text("utf-8")
    for kind, told in KINDS.items():
        if (file := site / f"{NAME}.{kind}").is_file():
            megabytes = file.stat().st_size / 1e6
            text = text.replace(f'{file.name}">{told}</a>', f'{file.name}">{told} ({megabytes:.0f} MB)</a>')
    page.write_text(text, "utf-8")
    os.utime(page, ns=(finished.st_atime_ns, finished.st_mtime_ns))


def leaves_of(tree: SiteMap, titles: Mapping[str, str]) -> list[Leaf]:
    """The pages of a table of contents, in its order; it may give them shorter titles than their own."""

    def below(name: str, depth: int) -> Iterator[Leaf]:
        for part in tree[name].subtrees:
            caption = part.caption or ""
            for item in map(str, part.items):
                yield Leaf(item, tree[item].title or titles[item], depth, caption)
                yield from below(item, depth + 1)
                caption = ""

    first = tree.root.docname
    return [Leaf(first, titles[first], 0), *below(first, 0)]


def article(site: Path, leaf: Leaf) -> tuple[Tag, list[str]]:
    """The text of a page without what only a browser can use, its titles as deep as it stands; what is laid aside."""
    text = (site / f"{leaf.name}.html").read_text("utf-8")
    text, aside = finishing.lay_aside(text[text.index("<article") : text.index("</article>")])
    aside = [str(BeautifulSoup(piece, "html.parser")) if NO_XML.search(piece) else piece for piece in aside]
    found = BeautifulSoup(text, "html.parser").article
    for player in found.select(".player"):
        player.replace_with(player.img.extract())
    for part in found.select(UNWANTED):
        part.decompose()
    for line in found.select("summary > p"):
        line.name = "span"
    for block in found.select("p:has(> dl, > ul, > ol, > div)"):
        block.name = "div"
    for part in found.find_all(True):
        part.attrs = {name: value for name, value in part.attrs.items() if name not in OBSOLETE}
        if leaf.depth and re.fullmatch("h[1-6]", part.name):
            part["class"] = [*part.get("class", []), f"title-{part.name[1]}"]
            part.name = f"h{min(6, int(part.name[1]) + leaf.depth)}"
    return found, aside


def target(page: str, address: str) -> tuple[str, str] | None:
    """(page or file, anchor) that a link leads to within the site, or None."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    path = normpath(str(PurePosixPath(page).parent / unquote(parts.path))) if parts.path else f"{page}.html"
    return path, parts.fragment


def _lead(found: Tag, page: str, there: dict[str, str], anchored: bool) -> None:
    """Let links lead to pages of the book, or where the site stands; others are none."""
    for link in found.select("a[href]"):
        to = target(page, str(link["href"]))
        if to is None:
            if urlsplit(str(link["href"])).scheme not in ("http", "https", "mailto"):  # an example of an address
                link.unwrap()
            continue
        path, anchor = to
        name = path.removesuffix(".html")
        if name in there:
            link["href"] = f"#{there[name]}{'-' + anchor if anchor else ''}" if anchored else ""
            if not anchored:
                file = relpath(there[name], str(PurePosixPath(page).parent))
                link["href"] = file + (f"#{anchor}" if anchor else "")
        elif publishing.address():
            link["href"] = publishing.address() + path + (f"#{anchor}" if anchor else "")
        else:
            link.unwrap()


# ---- EPUB


def write_epub(site: Path, leaves: list[Leaf]) -> Path:
    """Write the book as an EPUB 3."""
    there = {leaf.name: f"{leaf.name}.xhtml" for leaf in leaves}
    files: dict[str, bytes] = {"keep.css": _style().encode(), FONT: (site / "_static/fonts" / FONT).read_bytes()}
    items = []
    for number, leaf in enumerate(leaves):
        found, aside = article(site, leaf)
        _lead(found, leaf.name, there, anchored=False)
        for picture in found.select("img[src]"):
            path = target(leaf.name, str(picture["src"]))
            if path is None:
                raise ExtensionError(f"{leaf.name} shows a picture of another host")
            file = site / path[0]
            if file.with_suffix(".png").is_file():
                file = file.with_suffix(".png")
            name = f"images/{file.name}"
            files[name] = files.get(name) or _fewer_bytes(file)
            picture["src"] = relpath(name, str(PurePosixPath(leaf.name).parent))
        style = relpath("keep.css", str(PurePosixPath(leaf.name).parent))
        text = finishing.put_back(str(found), aside)
        files[there[leaf.name]] = _xhtml(leaf.title, text, style).encode()
        properties = ' properties="mathml"' if "<math" in text else ""
        items.append(f'<item id="p{number}" href="{there[leaf.name]}" media-type="application/xhtml+xml"{properties}/>')
    kinds = {".png": "image/png", ".svg": "image/svg+xml", ".css": "text/css", ".woff": "font/woff"}
    items += [
        f'<item id="f{number}" href="{name}" media-type="{kinds[Path(name).suffix]}"/>'
        for number, name in enumerate(sorted(name for name in files if not name.endswith(".xhtml")))
    ]
    files["nav.xhtml"] = _xhtml("Contents", _nav(leaves, there), "keep.css").encode()
    items.append('<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>')
    spine = "".join(f'<itemref idref="p{number}"/>' for number in range(len(leaves)))
    files["book.opf"] = f"""<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" xml:lang="en-GB" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, publishing.address() or NAME)}</dc:identifier>
<dc:title>{TITLE}</dc:title><dc:creator>{AUTHOR}</dc:creator><dc:language>en-GB</dc:language>
<dc:rights>Text CC BY 4.0, code MIT</dc:rights>
<meta property="dcterms:modified">{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}</meta>
</metadata><manifest>{"".join(items)}</manifest><spine><itemref idref="nav"/>{spine}</spine></package>""".encode()
    container = """<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
    with zipfile.ZipFile(site / f"{NAME}.epub", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)  # first, and as it is
        book.writestr("META-INF/container.xml", container)
        for name, data in files.items():
            book.writestr(name, data)
    return site / f"{NAME}.epub"


def _xhtml(title: str, body: str, style: str) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en-GB" xml:lang="en-GB">
<head><title>{html.escape(title)}</title><link rel="stylesheet" href="{style}"/></head>
<body>{body}</body></html>"""


def _nav(leaves: list[Leaf], there: dict[str, str]) -> str:
    """The table of contents: parts, their pages, what stands below these."""
    rest = list(leaves)

    def branch(depth: int) -> str:
        parts: list[tuple[str, list[str]]] = [("", [])]
        while rest and rest[0].depth >= depth:
            leaf = rest.pop(0)
            if leaf.part:
                parts.append((leaf.part, []))
            link = f'<a href="{there[leaf.name]}">{html.escape(leaf.title)}</a>'
            parts[-1][1].append(f"<li>{link}{branch(depth + 1)}</li>")
        shown = "".join(
            f"<li><span>{html.escape(part)}</span><ol>{''.join(items)}</ol></li>" if part else "".join(items)
            for part, items in parts
        )
        return f"<ol>{shown}</ol>" if shown else ""

    return f'<nav epub:type="toc" class="contents"><h1>Contents</h1>{branch(0)}</nav>'


def _style() -> str:
    return STYLE.read_text("utf-8") + HtmlFormatter(style="a11y-high-contrast-light").get_style_defs(".highlight")


def _fewer_bytes(file: Path) -> bytes:
    """A picture of a drawing needs no more than 255 colours."""
    if file.suffix != ".png":
        return file.read_bytes()
    buffer = BytesIO()
    with Image.open(file) as image:
        image.convert("RGB").quantize(255, dither=Image.Dither.NONE).save(buffer, format="png")
    return min(file.read_bytes(), buffer.getvalue(), key=len)


# ---- PDF


def write_pdf(site: Path, leaves: list[Leaf]) -> None:
    """Write the book as a PDF."""
    from playwright.sync_api import sync_playwright  # only who asks for a PDF needs it

    with sync_playwright() as playwright:
        browser = chromium(playwright)
        print_pdf(browser, site, leaves)
        browser.close()


def print_pdf(browser: "Browser", site: Path, leaves: list[Leaf]) -> Path:
    """Let a browser print the book, twice: the first time tells on which pages its pages begin.

    Without the tags of an accessible PDF, which made 28 MB 96 and took half as long again: the EPUB reads out well.
    """
    source, file = site / f"{NAME}.html", site / f"{NAME}.pdf"
    source.write_text(printed(sheets(site, leaves), leaves), "utf-8")
    page = browser.new_page()
    page.goto(source.resolve().as_uri(), timeout=300_000)
    page.pdf(path=file, prefer_css_page_size=True, print_background=True)
    numbers = pages_of(file)
    page.evaluate(NUMBER, numbers)
    page.pdf(path=file, prefer_css_page_size=True, print_background=True)
    page.close()
    source.unlink()
    add_bookmarks(file, leaves, numbers)
    return file


def add_bookmarks(file: Path, leaves: list[Leaf], numbers: dict[str, int]) -> None:
    """Give a PDF an outline: parts, their pages, what stands below these."""
    from pypdf import PdfWriter

    writer, there, above = PdfWriter(clone_from=file), _anchors(leaves), list[Any]([None])
    for leaf in leaves:
        place = numbers[there[leaf.name]] - 1
        if leaf.part:
            above = [writer.add_outline_item(title=leaf.part, page_number=place)]
        del above[leaf.depth + 1 :]
        above.append(writer.add_outline_item(title=leaf.title, page_number=place, parent=above[-1]))
    writer.page_mode = "/UseOutlines"
    writer.write(file)


def chromium(playwright: "Playwright") -> "Browser":
    """Chromium, as this machine has it, or as `playwright install chromium` has put it."""
    from playwright.sync_api import Error

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    try:
        return playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])  # the pages are ours
    except Error as error:
        raise ExtensionError(
            f"a PDF needs Chromium; `playwright install chromium` brings one ({error.message})"
        ) from None


def sheets(site: Path, leaves: list[Leaf]) -> list[str]:
    """The pages as parts of one, with all that is folded open."""
    there = _anchors(leaves)
    parts = []
    for leaf in leaves:
        found, aside = article(site, leaf)
        _lead(found, leaf.name, there, anchored=True)
        for part in found.select("[id]"):
            part["id"] = f"{there[leaf.name]}-{part['id']}"
        for picture in found.select("img[src]"):
            path = target(leaf.name, str(picture["src"]))
            picture["src"] = path[0] if path else picture["src"]
        for folded in found.select("details"):
            folded["open"] = ""
        text = finishing.put_back(str(found), aside)
        parts.append(f'<section class="leaf" id="{there[leaf.name]}">{text}</section>')
    return parts


def _anchors(leaves: list[Leaf]) -> dict[str, str]:
    return {leaf.name: f"p{number}" for number, leaf in enumerate(leaves)}


def pages_of(file: Path) -> dict[str, int]:
    """On which page of a PDF each of its anchors stands."""
    from pypdf import PdfReader

    reader = PdfReader(file)
    found = reader.named_destinations.items()
    return {name.removeprefix("/"): (reader.get_destination_page_number(place) or 0) + 1 for name, place in found}


def printed(parts: list[str], leaves: list[Leaf]) -> str:
    """The book as one page to print from the folder of the site: a cover, the contents, the parts."""
    there, lines = _anchors(leaves), []
    for leaf in leaves:
        if leaf.part:
            lines.append(f'<p class="part">{html.escape(leaf.part)}</p>')
        link = f'<a href="#{there[leaf.name]}">{html.escape(leaf.title)}</a>'
        lines.append(f'<p class="depth-{leaf.depth}">{link}<span>0</span></p>')
    style = _style().replace(FONT, f"_static/fonts/{FONT}") + PAPER
    return (
        f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>{TITLE}</title><style>{style}</style>'
        f'</head><body class="printed"><section class="cover"><p class="book">{TITLE}</p><p>{AUTHOR}</p></section>'
        f'<section class="contents"><h1>Contents</h1>{"".join(lines)}</section>{"".join(parts)}</body></html>'
    )
