"""A search that finds while one types: Pagefind makes a static index of the finished pages, and finding.js asks it.

Sphinx's own index counts words and knows no order of pages: for "learning rate" it offered solutions before chapters.
"""

import re
import subprocess
import sys
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

# How much a word on a page counts, by the start of the page's name; a page of another name isn't found.
WEIGHTS = {
    "notebooks/evidence/": 0.5,
    "notebooks/capstones/": 0.5,
    "notebooks/": 4,
    "book/glossary": 2,
    "book/claims": 0.5,
    "book/api": 0.5,
}
WEIGHTS |= {"book/bibliography": 0.5, "book/intro": 0.5, "book/": 1, "labs/": 0.5}
TERM = re.compile(r"glossary\.md#term-([\w-]+)")
DEFINED = re.compile(r"\*\*\[[^]]*\]\([^)]*" + TERM.pattern + r"\)\*\*")  # as books do it: in bold
UNREAD = (
    ".cell_input, .cell summary, .cell_output, .headerlink, .play"  # code and what it prints name everything everywhere
)


def drop_sphinx_search(app: Sphinx) -> None:
    """Let Sphinx write the page for a search, and no index of its own: that would read every page once more."""
    if app.builder.format == "html":
        app.builder.search = False
        app.config.html_additional_pages["search"] = "search.html"


def introduced(source: Path) -> dict[str, list[str]]:
    """Each chapter's terms of the glossary: its links in bold, and those that no chapter before it links to."""
    chapters = sorted((source / "notebooks").glob("[0-9]*.ipynb"))
    texts = {f"notebooks/{chapter.stem}.html": chapter.read_text(encoding="utf-8") for chapter in chapters}
    home: dict[str, str] = {}
    for link in (DEFINED, TERM):
        for name, text in texts.items():
            for term in link.findall(text):
                home.setdefault(term, name)
    return {name: [term.replace("-", " ") for term in home if home[term] == name] for name in texts}


def rank(soup: BeautifulSoup, page: str, terms: list[str]) -> None:
    """Mark what Pagefind reads of a page, how much it counts, and which terms it introduces."""
    weight = next((weight for start, weight in WEIGHTS.items() if page.startswith(start)), None)
    article = soup.select_one("article")
    if weight is not None and article is not None:
        article["data-pagefind-body"], article["data-pagefind-weight"] = "", str(weight)
        title = article.find("h1")
        if title is not None:
            title["data-pagefind-weight"] = str(min(10, 7 * weight))
            title["data-terms"], title["data-pagefind-meta"] = "; ".join(terms).lower(), "title, terms[data-terms]"
        for part in article.select(UNREAD):
            part["data-pagefind-ignore"] = ""


def write_index(app: Sphinx) -> None:
    """Let Pagefind read the finished pages, and write its index beside them."""
    command = [sys.executable, "-m", "pagefind", "--site", str(Path(app.outdir)), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ExtensionError(f"Pagefind could not make the index for the search: {done.stderr or done.stdout}")
