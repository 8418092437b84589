"""The book to keep: the EPUB and the PDF hold every page, lead where they say, and cut nothing."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from course_site import keeping  # noqa: E402  the extension is no package of the environment

pytestmark = pytest.mark.slow

XHTML = "{http://www.w3.org/1999/xhtml}"
# As wide as the text on paper; what lies beyond its right edge would be cut.
BEYOND = """[...document.querySelectorAll('pre, table, img, p, math, .verdict')]
    .filter(part => part.getBoundingClientRect().right > document.body.getBoundingClientRect().right + 2)
    .map(part => part.closest('.leaf').id + ' ' + part.tagName + ' ' + part.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def leaves(site: Path) -> list[keeping.Leaf]:
    tree = parse_toc_yaml(ROOT / "_toc.yml")
    titles = {}
    for name in tree:
        found = re.search(r"<title>(.*?)(?: — .*)?</title>", (site / f"{name}.html").read_text("utf-8"))
        titles[name] = found[1] if found else ""
    return keeping.leaves_of(tree, titles)


@pytest.fixture(scope="module")
def epub(site: Path, leaves: list[keeping.Leaf]) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "_fewer_bytes", Path.read_bytes)  # half a minute of work that no test looks at
        return keeping.write_epub(site, leaves)


def test_the_leaves_are_the_table_of_contents(leaves: list[keeping.Leaf]) -> None:
    chapters = [leaf.title for leaf in leaves if re.fullmatch(r"notebooks/\d\d_\w+", leaf.name)]
    assert [title.split(" ")[0] for title in chapters] == [str(number) for number in range(1, 19)]
    assert all(leaf.title and leaf.title != "None" for leaf in leaves)
    assert sum(bool(leaf.part) for leaf in leaves) == 8


def test_the_epub_holds_all_pages_and_what_they_show(epub: Path, leaves: list[keeping.Leaf]) -> None:
    with zipfile.ZipFile(epub) as book:
        names = set(book.namelist())
        assert book.namelist()[0] == "mimetype"
        pages = {name: ElementTree.fromstring(book.read(name)) for name in names if name.endswith(".xhtml")}
    assert set(pages) == {f"{leaf.name}.xhtml" for leaf in leaves} | {"nav.xhtml"}
    contents = ["".join(link.itertext()) for link in pages["nav.xhtml"].iter(f"{XHTML}a")]
    assert contents == [leaf.title for leaf in leaves]
    ids = {name: {part.get("id") for part in page.iter()} for name, page in pages.items()}
    lost = []
    for name, page in pages.items():
        for part in page.iter():
            address = part.get("src") or (part.get("href") if part.tag == f"{XHTML}a" else None)
            if address and not re.match(r"https?:|mailto:", address):
                path, _, anchor = address.partition("#")
                file = normpath(join(dirname(name), path)) if path else name
                if file not in names or (anchor and anchor not in ids[file]):
                    lost.append(f"{name} -> {address}")
    assert lost == []
    assert not [name for name, page in pages.items() if list(page.iter(f"{XHTML}script"))]
    parts = [part for page in pages.values() for part in page.iter()]
    assert not {name for part in parts for name in part.attrib} & {"align", "halign", "valign"}  # no EPUB may have them
    formulas = sum(len(list(page.iter("{http://www.w3.org/1998/Math/MathML}math"))) for page in pages.values())
    assert formulas > 500
    assert "None" not in contents


@pytest.mark.skipif(shutil.which("epubcheck") is None, reason="the command epubcheck is not installed")
def test_the_epub_is_valid(epub: Path) -> None:
    done = subprocess.run(["epubcheck", "--quiet", str(epub)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_the_book_is_too_wide_for_paper(site: Path, leaves: list[keeping.Leaf], browser: Browser) -> None:
    some = [leaf for leaf in leaves if not leaf.name.startswith(("labs/", "solutions/", "book/quizzes/"))]
    source = site / "wide.html"
    source.write_text(keeping.printed(keeping.sheets(site, some), some), "utf-8")
    page = browser.new_page(viewport={"width": 642, "height": 900})  # 170 mm
    page.emulate_media(media="print")
    page.goto(source.resolve().as_uri(), timeout=600_000)
    beyond = page.evaluate(BEYOND)
    page.close()
    source.unlink()
    assert beyond == []


def flat(outline: list[Any]) -> list[Any]:
    return [part for item in outline for part in (flat(item) if isinstance(item, list) else [item])]


def test_the_pdf_says_on_which_page_each_of_its_pages_begins(
    site: Path, leaves: list[keeping.Leaf], browser: Browser
) -> None:
    some = [leaf for leaf in leaves if re.search("intro|notebooks/01_|labs/01_|glossary", leaf.name)]
    reader = pytest.importorskip("pypdf").PdfReader
    file = keeping.print_pdf(browser, site, some)
    book = reader(file)
    texts = [" ".join(page.extract_text().split()) for page in book.pages]
    marks = {item.title: book.get_destination_page_number(item) + 1 for item in flat(book.outline)}
    numbers = dict(re.findall(r"(1 · Rolling downhill|Lab 1|Glossary) (\d+)", texts[1]))
    assert len(numbers) == 3
    for title, number in numbers.items():
        assert texts[int(number) - 1].startswith(f"{number} {title}")  # the foot's number is read first
        assert marks[title] == int(number)
    assert "None" not in texts[1]
    file.unlink()


def test_links_say_how_large_the_files_are(tmp_path: Path) -> None:
    page, file = tmp_path / "intro.html", tmp_path / f"{keeping.NAME}.pdf"
    page.write_text(f'<a href="../{file.name}">{keeping.KINDS["pdf"]}</a> <a href="#x">other</a>', "utf-8")
    file.write_bytes(bytes(2_400_000))
    before = page.stat().st_mtime_ns
    keeping.tell_sizes(tmp_path, "intro")
    told = f'<a href="../{file.name}">{keeping.KINDS["pdf"]} (2 MB)</a> <a href="#x">other</a>'
    assert page.read_text("utf-8") == told
    assert page.stat().st_mtime_ns == before


def test_another_kind_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "COURSE_KEEP", "epub, mobi")
    with pytest.raises(keeping.ConfigError, match="names mobi"):
        keeping.asked()
