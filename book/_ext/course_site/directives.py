"""What Markdown can't say: a map of the book, its predictions counted, bars of results, its own address."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.parsers.rst.states import Inliner
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from . import publishing

PLAN = "book/chapters.yml"


class CourseMap(SphinxDirective):
    """Draw the plan of the book: a link to what exists, a mark on what is planned.

    A chapter exists when a notebook whose name begins with its number is in the table of contents, so a new chapter
    needs its line in _toc.yml and nothing here.
    """

    def run(self) -> list[nodes.Node]:
        plan = Path(self.env.srcdir) / PLAN
        depend_on(self.env, plan)
        parts = yaml.safe_load(plan.read_text(encoding="utf-8"))
        return [nodes.container("", *map(self._part, parts), classes=["course-map"])]

    def _part(self, part: dict) -> nodes.Node:
        title = nodes.paragraph("", "", nodes.strong("", f"Part {part['part']}"), classes=["course-part-title"])
        chapters = nodes.bullet_list("", *(self._chapter(*item) for item in part["chapters"].items()))
        return nodes.container("", title, nodes.paragraph("", part["about"]), chapters, classes=["course-part"])

    def _chapter(self, number: int, chapter: dict[str, str]) -> nodes.Node:
        title, page = f"{number} · {chapter['title']}", self._page("notebooks", number)
        heading = nodes.paragraph("", "", page_link(self.env, page, title) if page else nodes.inline("", title))
        notebook = text_of(self.env, page) if page else ""
        question = question_of(notebook) if page else chapter["question"]
        item = nodes.list_item("", heading, nodes.paragraph("", question, classes=["course-question"]))
        item["classes"].append("course-chapter" if page else "course-chapter-planned")
        if page is None:
            heading += [nodes.Text(" "), nodes.inline("", "planned", classes=["course-planned"])]
            return item
        for folder, name in (("labs", "Lab"), ("solutions", "Solutions"), ("notebooks/evidence", "Evidence")):
            extra = self._page(folder, number)
            if extra:
                heading += [nodes.Text(" · "), page_link(self.env, extra, f"{name} {number}")]
        if minutes := re.search(r"\*\*Time:\*\* (?:about )?(\d+) minutes", notebook):
            heading += [nodes.Text(f" · {minutes[1]} min")]
        return item

    def _page(self, folder: str, number: int) -> str | None:
        start = f"{folder}/{number:02d}_"
        return next((name for name in sorted(self.env.found_docs) if name.startswith(start)), None)


def read_on(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """From the first page "Next" leads to chapter 1; set-up and notation are for when they are needed."""
    first = next((name for name in sorted(app.env.found_docs) if name.startswith("notebooks/01_")), None)
    if page == app.config.root_doc and first:
        title = app.env.titles[first].astext()
        context["next"] = {"link": app.builder.get_relative_uri(page, first), "title": title}


def question_of(notebook: str) -> str:
    """The question that a chapter puts below its title, as plain text."""
    found = re.search(r"^\*\*(.+?)\*\*$", "".join(json.loads(notebook)["cells"][0]["source"]), re.MULTILINE | re.DOTALL)
    return " ".join(found[1].replace("$", "").split()) if found else ""


def told(
    name: str, rawtext: str, text: str, lineno: int, inliner: Inliner, options: object = None, content: object = None
) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """A number that a chapter prints: {told}`12 mean-two` is what chapter 12 calls mean-two."""
    env = inliner.document.settings.env
    number, _, value = text.partition(" ")
    for page in sorted(env.found_docs):
        if page.startswith(f"notebooks/{number}_"):
            found = re.search(rf"<!--={re.escape(value)}-->(.*?)<!--/-->", text_of(env, page))
            if found:
                return [nodes.Text(found[1])], []
    return [], [inliner.reporter.warning(f"chapter {number} prints no number called {value!r}", line=lineno)]


class ResultBars(SphinxDirective):
    """Results of stored runs as bars, with what they cost: a line of YAML a method, in the order of the page.

    Of ``{name, run, rows, page, tone}``, ``rows`` is a query for the rows of the stored run's table finals (or
    ``table``), whose means are shown, and ``page`` tells of them. ``right`` and ``of`` name other columns.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        from neuroevo import results

        bars = []
        for bar in yaml.safe_load("\n".join(self.content)):
            depend_on(self.env, results.results_folder() / bar["run"] / "provenance.json")
            table = results.load(bar["run"]).tables[bar.get("table", "finals")].query(bar["rows"])
            right, of = table[bar.get("right", "test_correct")].mean(), table[bar.get("of", "n_test")].mean()
            share = 100 * right / of
            seconds = f"{table['core_seconds'].mean():,.0f} s" if "core_seconds" in table else "not told"
            length = nodes.raw(
                "", f'<span class="result-bar tone-{bar["tone"]}" style="width: {share:.1f}%"></span>', format="html"
            )
            bars.append(
                [
                    nodes.entry("", nodes.paragraph("", "", page_link(self.env, bar["page"], bar["name"]))),
                    nodes.entry("", nodes.paragraph("", "", length, nodes.Text(f"{share:.1f} %"))),
                    nodes.entry("", nodes.paragraph("", seconds)),
                ]
            )
        columns = {"Method": 40, "Right on the test images": 37, "Core-seconds": 23}
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in columns))
        widths = [nodes.colspec(colwidth=width) for width in columns.values()]
        body = nodes.tbody("", *(nodes.row("", *cells) for cells in bars))
        group = nodes.tgroup("", *widths, nodes.thead("", head), body, cols=len(columns))
        return [nodes.table("", group, classes=["result-bars", "colwidths-given"])]


class PredictionCount(SphinxDirective):
    """Say how many predictions were committed before their runs, and how many of them came true.

    They are the rows of the tables on evidence pages: `| P1 | predicted | came out | right, **wrong** or undecided |`.
    """

    def run(self) -> list[nodes.Node]:
        found, n_pages = Counter[str](), 0
        for page in sorted(self.env.found_docs):
            if page.startswith("notebooks/evidence/"):
                here = prediction_words(text_of(self.env, page))
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

    With ``:unless:`` it is shown where the address is not known, with ``:published:`` only on a site that knows its
    own. The words stay in the page, where they are edited; only ``COURSE_REPOSITORY``, ``COURSE_BRANCH`` and
    ``COURSE_SITE`` in them are replaced.
    """

    has_content = True
    option_spec = {"unless": directives.flag, "published": directives.flag}  # noqa: RUF012  docutils reads it from the class

    def run(self) -> list[nodes.Node]:
        address, branch = self.config.course_repository, self.config.course_branch
        site = publishing.address()
        if bool(address) == ("unless" in self.options) or ("published" in self.options and not site):
            return []
        words = {"COURSE_REPOSITORY": address or "", "COURSE_BRANCH": branch, "COURSE_SITE": site}
        lines = [_fill_in(line, words) for line in self.content]
        shown = nodes.Element()
        self.state.nested_parse(StringList(lines, source=self.env.docname), self.content_offset, shown)
        return shown.children


def _fill_in(line: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        line = line.replace(word, value)
    return line


def depend_on(env: BuildEnvironment, *files: Path) -> None:
    """Let the page be read again when one of these files has changed, or which pages there are."""
    contents = Path(env.srcdir) / str(getattr(env.config, "external_toc_path", None) or "_toc.yml")
    for file in (contents, *files):
        if file.is_file():
            env.note_dependency(str(file))


def text_of(env: BuildEnvironment, page: str) -> str:
    """The source of another page, on which this one depends."""
    depend_on(env, Path(env.doc2path(page)))
    return Path(env.doc2path(page)).read_text("utf-8")


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
