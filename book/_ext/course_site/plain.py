"""Dress up what chapters say in plain Markdown, so that it reads right wherever a notebook is opened.

In the source there are only Markdown, mathematics and `<details>` (see coursekit.plain). What the site makes of them:

* the two comments around a number that was written into the text are dropped;
* a picture and the paragraph below it that begins with **Figure 5.1.** become one figure with its caption;
* a quotation whose first paragraph is bold becomes a box with that title ("At a glance");
* **Predict.**, or **Question 5.1.** of a quiz, and the choices below it, each a `<details>`, become one group;
* mathematics in a `<summary>`, which is raw HTML to Sphinx, is shown as mathematics.
"""

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.transforms import SphinxTransform

from coursekit.mathematics import in_html

from .references import add_anchors

_MARK = re.compile(r"<!--[=/].*?-->")
_ANCHOR = re.compile(r'<a id="(fig-[\w-]+)">')
_FIGURE = re.compile(r"Figure [A-Z]?\d+\.\d+\.")
_SUMMARY = re.compile(r"(?s)<summary>.*?</summary>")
_ASKS = re.compile(r"Predict\.|Question \d+\.\d+\.")


class DressPlainText(SphinxTransform):
    """Turn plain Markdown into the nodes that Sphinx has for what is meant."""

    default_priority = 500  # MyST's links within the page (879) must find the figures

    def apply(self, **kwargs: object) -> None:
        for raw in list(self.document.findall(nodes.raw)):
            _clean_html(raw)
        for text in [text for text in self.document.findall(nodes.Text) if not text.astext()]:
            text.parent.remove(text)  # the parser puts an empty one before bold words
        for paragraph in list(self.document.findall(nodes.paragraph)):
            if name := _take_anchor(paragraph):
                self._make_figure(name, paragraph)
            elif _asks(paragraph):
                _group_choices(paragraph)
        for quotation in list(self.document.findall(nodes.block_quote)):
            _make_box(quotation)

    def _make_figure(self, name: str, caption: nodes.paragraph) -> None:
        """Put the pictures of the cell above and the caption into a figure.

        A lab has no pictures before it is run, so nothing is said about them.
        """
        add_anchors(self.env, self.document, {name: caption[0].astext().removesuffix(".")})
        pictures = _pictures_above(caption)
        if pictures:
            outputs = pictures[0].parent
            figure = nodes.figure("", *pictures, nodes.caption("", "", *caption.children), ids=[name])
            outputs.children = [part for part in outputs if part not in pictures]
            outputs += figure
        else:
            caption.parent.insert(caption.parent.index(caption), nodes.target(ids=[name]))
        caption.parent.remove(caption)


def _clean_html(raw: nodes.raw) -> None:
    """Drop the comments around numbers, and show mathematics, which Markdown leaves alone in HTML."""
    html = _MARK.sub("", raw.astext())
    if not html.strip():
        raw.parent.remove(raw)
        return
    html = _SUMMARY.sub(lambda match: in_html(match[0]), html)
    raw.replace_self(nodes.raw("", html, **raw.attributes))


def _take_anchor(paragraph: nodes.paragraph) -> str | None:
    """The name of the figure whose caption this is. The anchor's two tags are taken out: its id moves to the figure."""
    opening, closing, *rest = [*paragraph.children, None, None]
    found = _ANCHOR.fullmatch(opening.astext()) if isinstance(opening, nodes.raw) else None
    if not found or not rest or not isinstance(rest[0], nodes.strong) or not _FIGURE.fullmatch(rest[0].astext()):
        return None
    paragraph.remove(opening)
    paragraph.remove(closing)
    return found[1]


def _pictures_above(caption: nodes.Element) -> list[nodes.Element]:
    """What the cell above the caption shows, but for what it prints."""
    place = caption.parent.index(caption)
    cell = caption.parent[place - 1] if place else None
    if not isinstance(cell, nodes.container) or cell.get("nb_element") != "cell_code":
        return []
    return [part for part in cell.findall(nodes.container) if part.get("nb_element") == "mime_bundle"]


def _asks(paragraph: nodes.paragraph) -> bool:
    first = paragraph[0] if paragraph.children else None
    return isinstance(first, nodes.strong) and _ASKS.fullmatch(first.astext()) is not None


def _group_choices(question: nodes.paragraph) -> None:
    parent, start = question.parent, question.parent.index(question)
    choices = list(_details(parent.children[start + 1 :]))
    if choices:
        for node in (question, *choices):
            parent.remove(node)
        parent.insert(start, nodes.container("", question, *choices, classes=["predict"]))


def _details(siblings: list[nodes.Node]) -> Iterator[nodes.Node]:
    """The `<details>` at the start of `siblings`, with all that is in them."""
    depth = 0
    for node in siblings:
        html = node.astext() if isinstance(node, nodes.raw) else ""
        if depth == 0 and not html.startswith("<details"):
            return
        depth += html.count("<details") - html.count("</details>")
        yield node


def _make_box(quotation: nodes.block_quote) -> None:
    title = quotation[0] if quotation.children else None
    if isinstance(title, nodes.paragraph) and len(title) == 1 and isinstance(title[0], nodes.strong):
        name = f"admonition-{nodes.make_id(title.astext())}"
        heading = nodes.title("", "", *title[0].children)
        quotation.replace_self(nodes.admonition("", heading, *quotation[1:], classes=[name]))
