"""The last hand on a page that Sphinx has written: every repair, in one reading of it.

A page that hasn't been written anew since it was finished is left alone: where little has changed, a build is short.
"""

import json
import re
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from . import accessible, dark, films, finding, lean

DONE = ".finished.json"  # page -> when it was finished; beside the pages, so that it goes with them
# Code and formulas: two thirds of all elements, and nothing in them is repaired. A mark stands for each meanwhile.
UNTOUCHED = re.compile(r"<(pre|math)\b.*?</\1>", re.DOTALL)
LAID_ASIDE = re.compile("\ue010(\\d+)\ue011")


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Finish what a build that went well has written, then what all pages share."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    done = json.loads((out / DONE).read_text("utf-8")) if (out / DONE).is_file() else {}
    terms = finding.introduced(Path(app.srcdir))
    pages = [
        page for page in sorted(out.rglob("*.html")) if page.relative_to(out).parts[0] not in ("_static", "pagefind")
    ]
    new = False
    for page in pages:
        name = page.relative_to(out).as_posix()
        if done.get(name) != page.stat().st_mtime_ns:
            page.write_text(_finished(page, out, terms.get(name, [])), encoding="utf-8")
            done[name] = page.stat().st_mtime_ns
            new = True
    (out / DONE).write_text(json.dumps(done), encoding="utf-8")
    lean.thin_styles(app)
    if new:
        finding.write_index(app)


def _finished(page: Path, out: Path, terms: list[str]) -> str:
    """The text of a page of the site `out` with all repairs; a chapter introduces some terms of the glossary."""
    text, aside = lay_aside(films.with_files(page.read_text(encoding="utf-8"), page, out))
    soup = BeautifulSoup(text, "html.parser")
    for repair in accessible.REPAIRS:
        repair(soup)
    lean.drop_scripts(soup)
    lean.size_pictures(soup, page)
    dark.add_twins(soup, page)
    finding.rank(soup, page.relative_to(out).as_posix(), terms)
    return put_back(str(soup), aside)


def lay_aside(text: str) -> tuple[str, list[str]]:
    """A page with a mark for each piece of code and each formula, and these."""
    aside: list[str] = []

    def mark(found: re.Match[str]) -> str:
        aside.append(found[0])
        return f"\ue010{len(aside) - 1}\ue011"

    return UNTOUCHED.sub(mark, text), aside


def put_back(text: str, aside: list[str]) -> str:
    """The page whole again."""
    return LAID_ASIDE.sub(lambda mark: aside[int(mark[1])], text)
