"""Slides for a lecture, made from a chapter: `python3 course.py slides 05` writes one file that any browser shows.

What a chapter shows becomes slides: headings, pictures and films with their captions, visible code with what it
prints, displayed formulas, tables, each **Predict** with its choices, take-aways. What it tells becomes the speaker's
notes (key S): its paragraphs, and what each choice gets right and wrong. Nothing is typed twice, so slides can't
contradict the chapter.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from coursekit.mathematics import in_html, mathml
from coursekit.notebooks import NotebookError, read_notebook

__all__ = ["Slide", "page", "slides_of", "write"]

MOST_LINES = 17  # of code or output on one slide, as many as the back row can read
_HERE = Path(__file__).parent
_CAPTION = re.compile(r'^<a id="fig-[\w-]+"></a>')
_SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PREDICT = "**Predict.**"
_ENDS = "Exercises"  # what follows is for home


def _math(tex: str, options: dict[str, bool]) -> str:
    return mathml(tex, "block" if options["display_mode"] else "inline")


_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table").use(dollarmath_plugin, renderer=_math)
for _name in ("link_open", "link_close"):  # a slide leads nowhere
    _MARKDOWN.add_render_rule(_name, lambda *_: "")


@dataclass
class Slide:
    """One slide: `title` above it, `body` and `notes` are HTML; `kind` is title, text, picture, code or predict."""

    title: str
    kind: str = "text"
    body: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def slides_of(nb: NotebookNode) -> list[Slide]:
    """The slides of a chapter, as read by `coursekit.notebooks.read_notebook`, in its order, without its exercises."""
    maker = _Maker()
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            maker.text(_COMMENT.sub("", cell.source))
        elif cell.cell_type == "code":
            maker.code(cell)
        if maker.done:
            break
    return [slide for slide in maker.slides if slide.body or slide.notes or slide.title]


class _Maker:
    """Goes through a chapter and says for each thing whether it is shown or told."""

    def __init__(self) -> None:
        self.slides: list[Slide] = []
        self.done = False
        self._guessing = False  # between a **Predict** and the next heading, code or plain paragraph
        self._choice = ""

    @property
    def _last(self) -> Slide:
        if not self.slides:
            self.slides.append(Slide(""))
        return self.slides[-1]

    def _new(self, kind: str, title: str | None = None) -> Slide:
        title = self._last.title if title is None else title
        last = self._last
        if last.kind == kind == "text" or not (last.body or last.notes or last.title != title):
            last.kind, last.title = kind, title
        else:
            self.slides.append(Slide(title, kind))
        return self.slides[-1]

    def text(self, source: str) -> None:
        for block in _blocks(_MARKDOWN.parse(source)):
            if not self.done:
                self._block(block)

    def _block(self, block: list[Token]) -> None:
        kind, written = block[0].type, _MARKDOWN.renderer.render(block, _MARKDOWN.options, {})
        inline = block[1].content if len(block) > 1 else ""
        if kind == "heading_open":
            title = _MARKDOWN.renderInline(inline)
            self.done = inline == _ENDS
            if not self.done:
                self._guessing = False
                self.slides.append(Slide(title, "title" if block[0].tag == "h1" else "text"))
        elif kind == "html_block":
            self._details(block[0].content)
        elif self._choice:
            self._last.notes.append(written)
        elif kind == "paragraph_open" and _CAPTION.match(inline):
            written = f'<p class="caption">{_MARKDOWN.renderInline(_CAPTION.sub("", inline))}</p>'
            (self._last.body if self._last.kind == "picture" else self._last.notes).append(written)
        elif kind == "paragraph_open" and _PREDICT in inline:
            before, _, question = inline.partition(_PREDICT)
            slide = self._new("predict")
            slide.body.append(_MARKDOWN.render(_PREDICT + question))
            slide.notes += [_MARKDOWN.render(before)] * bool(before)
            self._guessing = True
        elif kind == "table_open":
            self._shown(written.replace("<table", '<table class="long"') if written.count("<tr>") > 8 else written)
        elif kind in ("math_block", "blockquote_open") or (kind.endswith("list_open") and len(written) < 2500):
            self._shown(written)
        elif self._last.kind == "title" and not self._last.body and inline.startswith("**"):
            self._last.body.append(written)  # the chapter's question
        else:
            self._guessing = False
            self._last.notes.append(written)

    def _shown(self, written: str) -> None:
        """On this slide if it is one of text, else on one of its own."""
        (self._last if self._last.kind == "text" else self._new("text")).body.append(written)

    def _details(self, written: str) -> None:
        summary = _SUMMARY.search(written)
        if summary:
            self._choice = in_html(summary[1])
            if self._guessing:
                self._last.body.append(f'<p class="choice">{self._choice}</p>')
            self._last.notes.append(f"<p><strong>{self._choice}</strong></p>")
        if "</details>" in written:
            self._choice = ""

    def code(self, cell: NotebookNode) -> None:
        self._guessing = False
        folded = {"hide-input", "remove-input", "remove-cell", "hide-cell"} & set(cell.metadata.get("tags", []))
        shown = [] if folded or cell.source.count("\n") >= MOST_LINES else [_coloured(cell.source)]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        for output in cell.outputs:
            data = output.get("data", {})
            if output.output_type == "stream" and output.text.count("\n") <= MOST_LINES:
                if shown and shown[0].count("\n") + output.text.count("\n") > MOST_LINES:
                    self._new("code").body += shown
                    shown = []
                shown.append(f"<pre class='printed'>{html.escape(output.text.rstrip())}</pre>")
            elif "image/png" in data:
                if shown:
                    self._new("code").body += shown
                source = data["image/png"].replace("\n", "")
                picture = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{source}">'
                self._new("picture").body.append(picture)
                shown = []
            elif 'class="player"' in data.get("text/html", ""):
                self._new("picture").body.append(data["text/html"])
            elif 'class="verdict' in data.get("text/html", ""):
                self._new("text").body.append(data["text/html"])
        if shown:
            room = MOST_LINES - sum(part.count("\n") for part in self._last.body + shown)
            (self._last if self._last.kind == "code" and room >= 0 else self._new("code")).body += shown


def _blocks(tokens: list[Token]) -> list[list[Token]]:
    """Tokens grouped into the blocks of the top level."""
    blocks: list[list[Token]] = []
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            blocks.append([])
        blocks[-1].append(token)
    return blocks


def _coloured(source: str) -> str:
    return str(highlight(re.sub(r"\n{3,}", "\n\n", source), PythonLexer(), HtmlFormatter(nobackground=True)))


def page(nb: NotebookNode) -> str:
    """One HTML file with all slides of a chapter and all that shows them: it asks no other host."""
    slides = slides_of(nb)
    reveal = {name: (_HERE / "reveal" / name).read_text("utf-8") for name in ("reveal.css", "reveal.js", "notes.js")}
    style = (
        reveal["reveal.css"] + HtmlFormatter().get_style_defs(".highlight") + (_HERE / "slides.css").read_text("utf-8")
    )
    parts = []
    for slide in slides:
        heading = "h1" if slide.kind == "title" else "h2"
        notes = f'<aside class="notes">{"".join(slide.notes)}</aside>' if slide.notes else ""
        body = "\n".join(slide.body)
        parts.append(f'<section class="{slide.kind}">\n<{heading}>{slide.title}</{heading}>\n{body}\n{notes}</section>')
    title = re.sub("<.*?>", "", slides[0].title) if slides else ""
    return f"""<!doctype html>
<html lang="en-GB">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>{style}</style></head>
<body><div class="reveal"><div class="slides">
{chr(10).join(parts)}
</div></div>
<script>{reveal["reveal.js"]}</script>
<script>{reveal["notes.js"]}</script>
<script>Reveal.initialize({{hash: true, width: 1280, height: 800, margin: 0.04, center: false, transition: "none",
slideNumber: "c/t", plugins: [RevealNotes]}});</script>
</body></html>
"""


def write(notebooks: list[Path], folder: Path) -> list[Path]:
    """Write a page of slides a chapter into `folder`; returns the files. `NotebookError`: a notebook can't be read."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for path in notebooks:
        target = folder / f"{path.stem}.html"
        target.write_text(page(read_notebook(path)), "utf-8")
        written.append(target)
    return written


def chapters(root: Path, numbers: list[str]) -> list[Path]:
    """The chapters with these numbers ("5", "05"), or all. `NotebookError`: there is no such chapter."""
    found = {int(path.name[:2]): path for path in sorted((root / "notebooks").glob("[0-9]*.ipynb"))}
    unknown = [number for number in numbers if not number.isdecimal() or int(number) not in found]
    if unknown:
        raise NotebookError(f"there is no chapter {unknown[0]}: they are {min(found)} to {max(found)}")
    return [found[int(number)] for number in numbers] or list(found.values())
