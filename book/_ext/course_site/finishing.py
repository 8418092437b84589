"""The last hand on a page that Sphinx has written: every repair, in one reading of it.

A page that hasn't been written anew since it was finished is left alone: where little has changed, a build is short.
"""

import json
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx

from . import accessible, dark, films, finding, lean

DONE = ".finished.json"  # page -> when it was finished; beside the pages, so that it goes with them


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
            soup = BeautifulSoup(films.with_files(page.read_text(encoding="utf-8"), page, out), "html.parser")
            for repair in accessible.REPAIRS:
                repair(soup)
            lean.drop_scripts(soup)
            lean.size_pictures(soup, page)
            dark.add_twins(soup, page)
            finding.rank(soup, name, terms.get(name, []))
            page.write_text(str(soup), encoding="utf-8")
            done[name] = page.stat().st_mtime_ns
            new = True
    (out / DONE).write_text(json.dumps(done), encoding="utf-8")
    lean.thin_styles(app)
    if new:
        finding.write_index(app)
