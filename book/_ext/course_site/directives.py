"""What Markdown can't say: a map of the book, its verdicts in one table, its predictions counted, its own address."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

PLAN = "book/chapters.yml"


class CourseMap(SphinxDirective):
    """Draw the plan of the book: a link to what exists, a mark on what is planned.

    A chapter exists when a notebook whose name begins with its number is in the table of contents, so a new chapter
    needs its line in _toc.yml and nothing here.
    """

    def run(self) -> list[nodes.Node]:
        plan = Path(self.env.srcdir) / PLAN
        self.env.note_dependency(str(plan))
        # The map depends on which pages there are, not only on this page's text: draw it anew in each build.
        self.env.note_reread()
        parts = yaml.safe_load(plan.read_text(encoding="utf-8"))
        return [nodes.container("", *map(self._part, parts), classes=["course-map"])]

    def _part(self, part: dict) -> nodes.Node:
        title = nodes.paragraph("", "", nodes.strong("", f"Part {part['part']}"), classes=["course-part-title"])
        chapters = nodes.bullet_list("", *(self._chapter(*item) for item in part["chapters"].items()))
        return nodes.container("", title, nodes.paragraph("", part["about"]), chapters, classes=["course-part"])

    def _chapter(self, number: int, chapter: dict[str, str]) -> nodes.Node:
        title, page = f"{number} · {chapter['title']}", self._page("notebooks", number)
        heading = nodes.paragraph("", "", page_link(self.env, page, title) if page else nodes.inline("", title))
        question = question_of(Path(self.env.doc2path(page)).read_text("utf-8")) if page else chapter["question"]
        item = nodes.list_item("", heading, nodes.paragraph("", question, classes=["course-question"]))
        item["classes"].append("course-chapter" if page else "course-chapter-planned")
        if page is None:
            heading += [nodes.Text(" "), nodes.inline("", "planned", classes=["course-planned"])]
            return item
        for folder, name in (("labs", "Lab"), ("solutions", "Solutions"), ("notebooks/evidence", "Evidence")):
            extra = self._page(folder, number)
            if extra:
                heading += [nodes.Text(" · "), page_link(self.env, extra, f"{name} {number}")]
        return item

    def _page(self, folder: str, number: int) -> str | None:
        start = f"{folder}/{number:02d}_"
        return next((name for name in sorted(self.env.found_docs) if name.startswith(start)), None)


def question_of(notebook: str) -> str:
    """The question that a chapter puts below its title, as plain text."""
    found = re.search(r"^\*\*(.+?)\*\*$", "".join(json.loads(notebook)["cells"][0]["source"]), re.MULTILINE | re.DOTALL)
    return " ".join(found[1].replace("$", "").split()) if found else ""


class ClaimLedger(SphinxDirective):
    """List the verdicts of all chapters, read from the outputs of their notebooks."""

    def run(self) -> list[nodes.Node]:
        from evidence import ledger  # other pages don't need the package, and its import takes seconds

        self.env.note_reread()
        found = [
            (verdict, page)
            for page in sorted(self.env.found_docs)
            if page.startswith("notebooks/")
            for verdict in ledger.collect([self.env.doc2path(page)])
        ]
        found.sort(key=lambda entry: entry[0].claim)
        if not found:
            return [nodes.paragraph("", "No chapter with a verdict has been written yet.")]
        count = Counter(ledger.VERDICTS[verdict.verdict] for verdict, _ in found)
        words = ", ".join(f"{count[name]} {name}" for name in ledger.VERDICTS.values() if count[name])
        shown: list[nodes.Node] = [nodes.paragraph("", f"Verdicts so far: {len(found)} ({words}).")]
        for key, document in ledger.DOCUMENTS.items():
            rows = [self._row(*entry) for entry in found if entry[0].document == document]
            if rows:
                title = nodes.title("", document[0].upper() + document[1:])
                table = _table({"Claim": 33, "Our verdict": 20, "Evidence": 47}, rows)
                shown.append(nodes.section("", title, table, ids=[f"claims-{key.lower()}"]))
        return shown

    def _row(self, verdict: Any, page: str) -> list[nodes.Node]:
        from evidence import ledger

        where = "the evidence of chapter" if "/evidence/" in page else "chapter"
        link = page_link(self.env, page, f"{where} {int(Path(page).name[:2])}")
        claim = nodes.paragraph("", "", nodes.strong("", verdict.claim), nodes.Text(", "), link)
        quote = nodes.paragraph("", f"“{verdict.quote}”")
        tone = [f"verdict-{verdict.verdict}", "verdict-word"]
        word = nodes.paragraph("", "", nodes.strong("", ledger.VERDICTS[verdict.verdict], classes=tone))
        measured = [nodes.paragraph("", f"Measured: {verdict.measured}")] if verdict.measured else []
        reply = [nodes.paragraph("", f"The author could reply: {verdict.reply}")] if verdict.reply else []
        return [
            nodes.entry("", claim, quote),
            nodes.entry("", word),
            nodes.entry("", nodes.paragraph("", verdict.evidence), *measured, *reply),
        ]


class PredictionCount(SphinxDirective):
    """Say how many predictions were committed before their runs, and how many of them came true.

    They are the rows of the tables on evidence pages: `| P1 | predicted | came out | right, **wrong** or undecided |`.
    """

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        found, n_pages = Counter[str](), 0
        for page in sorted(self.env.found_docs):
            if page.startswith("notebooks/evidence/"):
                here = prediction_words(Path(self.env.doc2path(page)).read_text("utf-8"))
                found.update(here)
                n_pages += bool(here)
        if not found:
            return []
        text = (
            f"So far {found.total()} predictions on {n_pages} evidence pages were committed before their runs: "
            f"{found['right']} came true, {found['wrong']} were wrong in whole or in part, and {found['undecided']} "
            "are undecided in whole or in part."
        )
        return [nodes.paragraph("", text)]


def prediction_words(notebook: str) -> list[str]:
    """What became of each prediction in the tables of a notebook's text: "right", "wrong" or "undecided"."""
    cells = json.loads(notebook)["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    scores = [
        re.sub(r"<!--.*?-->", "", row) for row in re.findall(r"^\| *P\d+\w* *\|.*\|([^|]+)\| *$", text, re.MULTILINE)
    ]
    return ["wrong" if "wrong" in score else "right" if "undecided" not in score else "undecided" for score in scores]


class IfRepository(SphinxDirective):
    """Show the content where the repository's address is known, with the address and the branch filled in.

    With ``:unless:`` it is shown where the address is not known. The words stay in the page, where they are edited;
    only ``COURSE_REPOSITORY`` and ``COURSE_BRANCH`` in them are replaced.
    """

    has_content = True
    option_spec = {"unless": directives.flag}  # noqa: RUF012  docutils reads it from the class

    def run(self) -> list[nodes.Node]:
        address, branch = self.config.course_repository, self.config.course_branch
        if bool(address) == ("unless" in self.options):
            return []
        words = {"COURSE_REPOSITORY": address or "", "COURSE_BRANCH": branch}
        lines = [_fill_in(line, words) for line in self.content]
        shown = nodes.Element()
        self.state.nested_parse(StringList(lines, source=self.env.docname), self.content_offset, shown)
        return shown.children


def _fill_in(line: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        line = line.replace(word, value)
    return line


def page_link(env: BuildEnvironment, page: str, text: str) -> nodes.Node:
    """A link to a page of the book, checked by Sphinx like any other."""
    return addnodes.pending_xref(
        "",
        nodes.inline("", text),
        refdomain="std",
        reftype="doc",
        reftarget=f"/{page}",
        refexplicit=True,
        refwarn=True,
        refdoc=env.docname,
    )


def _table(columns: dict[str, int], rows: list[list[nodes.Node]]) -> nodes.Node:
    """A table from its header, with the width of each column in per cent, and the cells of its rows."""
    head = nodes.thead("", nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in columns)))
    body = nodes.tbody("", *(nodes.row("", *cells) for cells in rows))
    widths = [nodes.colspec(colwidth=width) for width in columns.values()]
    group = nodes.tgroup("", *widths, head, body, cols=len(columns))
    return nodes.table("", group, classes=["claims", "colwidths-given"])
