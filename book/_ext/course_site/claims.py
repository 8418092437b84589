"""The claims on trial: all verdicts in one table, as a bar, and linked with the boxes that gave them.

The table is whole without scripting; `_static/claims.js` adds filters to it.
"""

import html
import re
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from .directives import depend_on

LEDGER = "book/claims"
_BOX = re.compile(r'<aside (class="verdict [^>]*>\s*<p class="verdict-claim"><strong>)(S\d-\d+)</strong>')
_ROW = re.compile(r'<tr (class="verdict-\w+">\s*<th scope="row">)(S\d-\d+), ')


class ClaimLedger(SphinxDirective):
    """List the verdicts of all chapters, read from the outputs of their notebooks."""

    def run(self) -> list[nodes.Node]:
        from evidence import ledger

        found = collected(self.env)
        if not found:
            return [nodes.paragraph("", "No chapter with a verdict has been written yet.")]
        script = '<script type="module" src="../_static/claims.js"></script>'
        shown: list[nodes.Node] = [tally(found), nodes.raw("", script, format="html")]
        named: set[str] = set()
        for key, document in ledger.DOCUMENTS.items():
            rows = [self._row(*entry, named) for entry in found if entry[0].document == document]
            if rows:
                title = nodes.title("", document[0].upper() + document[1:])
                shown.append(nodes.section("", title, _table(rows), ids=[f"claims-{key.lower()}"]))
        return shown

    def _row(self, entry: Any, page: str, named: set[str]) -> nodes.Node:
        from evidence import ledger

        where = "the evidence of chapter" if "/evidence/" in page else "chapter"
        builder = self.env.app.builder
        target = f"{builder.get_relative_uri(self.env.docname, page)}#{anchor(entry.claim)}"
        link = nodes.reference("", f"{where} {int(Path(page).name[:2])}", refuri=target, internal=True)
        claim = nodes.paragraph("", "", nodes.strong("", entry.claim), nodes.Text(", "), link)
        quote = nodes.paragraph("", f"“{entry.quote}”")
        word = nodes.paragraph("", "", nodes.strong("", ledger.VERDICTS[entry.verdict], classes=["verdict-word"]))
        measured = [nodes.paragraph("", f"Measured: {entry.measured}")] if entry.measured else []
        reply = [nodes.paragraph("", f"The author could reply: {entry.reply}")] if entry.reply else []
        row = nodes.row(
            "",
            nodes.entry("", claim, quote),
            nodes.entry("", word),
            nodes.entry("", nodes.paragraph("", entry.evidence), *measured, *reply),
            classes=[f"verdict-{entry.verdict}"],
        )
        if entry.claim not in named:  # two chapters may judge one claim; a link leads to the first
            row["ids"] = [anchor(entry.claim)]
            named.add(entry.claim)
        return row


class VerdictTally(SphinxDirective):
    """Draw how many claims got which verdict."""

    def run(self) -> list[nodes.Node]:
        return [tally(collected(self.env))]


def collected(env: BuildEnvironment) -> list[tuple[Any, str]]:
    """Every entry in the notebooks' outputs with its page, by claim."""
    from evidence import ledger  # other pages don't need the package, and its import takes seconds

    pages = [page for page in sorted(env.found_docs) if page.startswith("notebooks/")]
    depend_on(env, *(Path(env.doc2path(page)) for page in pages))
    found = [(entry, page) for page in pages for entry in ledger.collect([env.doc2path(page)])]
    return sorted(found, key=lambda entry: entry[0].claim)


def tally(found: list[tuple[Any, str]]) -> nodes.Node:
    """A bar with a part for each verdict, as wide as its number, and the same in words."""
    from evidence import ledger

    count = Counter(entry.verdict for entry, _ in found)
    verdicts = {key: name for key, name in ledger.VERDICTS.items() if count[key]}
    parts = "".join(f'<span class="verdict-{key}" style="flex-grow: {count[key]}"></span>' for key in verdicts)
    names = "".join(
        f'<li class="verdict-{key}"><strong>{count[key]}</strong> {html.escape(name)}</li>'
        for key, name in verdicts.items()
    )
    text = f"<p>{len(found)} passages of the five documents, tried:</p>"
    bar = f'<div class="tally">{text}<div class="tally-bar" aria-hidden="true">{parts}</div><ul>{names}</ul></div>'
    return nodes.raw("", bar, format="html")


def anchor(claim: str) -> str:
    """The name of a claim on its page and in the table."""
    return f"claim-{claim.lower()}"


def link_boxes(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Give each box, and each row of a chapter's table, its anchor and a link to the table of all."""
    if "body" not in context or not page.startswith("notebooks/") or LEDGER not in app.env.found_docs:
        return
    ledger = app.builder.get_relative_uri(page, LEDGER)
    named: set[str] = set()

    def name(claim: str) -> str:
        known = claim in named
        named.add(claim)
        return "" if known else f'id="{anchor(claim)}" '

    def link(claim: str) -> str:
        return f'<a href="{ledger}#{anchor(claim)}" title="among all claims">{claim}</a>'

    body = _BOX.sub(lambda m: f"<aside {name(m[2])}{m[1]}{link(m[2])}</strong>", context["body"])
    context["body"] = _ROW.sub(lambda m: f"<tr {name(m[2])}{m[1]}{link(m[2])}, ", body)


def _table(rows: list[nodes.Node]) -> nodes.Node:
    columns = {"Claim": 33, "Our verdict": 20, "Evidence": 47}  # per cent of the width
    head = nodes.thead("", nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in columns)))
    widths = [nodes.colspec(colwidth=width) for width in columns.values()]
    group = nodes.tgroup("", *widths, head, nodes.tbody("", *rows), cols=len(columns))
    return nodes.table("", group, classes=["claims", "colwidths-given"])
