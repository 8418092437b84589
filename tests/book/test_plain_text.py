"""A chapter reads right wherever a notebook is opened: plain Markdown, whose numbers, names and links are true."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pybtex.database import Entry, parse_file

from coursekit import plain

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path for folder in ("notebooks", "labs", "solutions") for path in (ROOT / folder).rglob("*.ipynb"))
QUIZZES = sorted((ROOT / "book" / "quizzes").glob("*.md"))
EXECUTED = [path for path in NOTEBOOKS if path.relative_to(ROOT).parts[0] != "labs"]

# What every reader of Markdown shows, in the words of the site's own parser, which knows more than that.
PLAIN = {
    *("paragraph", "heading", "bullet_list", "ordered_list", "list_item", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td", "link", "strong", "em"),
    *("inline", "text", "softbreak", "hardbreak", "hr", "code_inline", "code_block", "fence", "image"),
    *("math_inline", "math_inline_double", "math_block", "amsmath", "html_inline", "html_block"),
}
HTML = re.compile(
    r'<!--=[^>]*-->|<!--/-->|<a id="[\w-]+">|</a>'  # around a number; above a caption
    r"|<details><summary>[^\n]+</summary>\n?|</details>\n?"
)
# A notebook is read by readers with all of these, and by readers with none.
PARSER = create_md_parser(
    MdParserConfig(
        enable_extensions={
            *("amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath", "fieldlist"),
            *("substitution", "tasklist"),
        }
    ),
    RendererHTML,
)


def tokens(source: str) -> Iterator[Token]:
    for token in PARSER.parse(source):
        yield token
        yield from token.children or []


def markdown(nb: NotebookNode) -> Iterator[tuple[int, str]]:
    return ((number, cell.source) for number, cell in enumerate(nb.cells, start=1) if cell.cell_type == "markdown")


def raw_faults(nb: NotebookNode) -> Iterator[str]:
    """What is shown raw, or not at all, in JupyterLab, on Colab or on a repository's page."""
    for number, source in markdown(nb):
        depth = 0
        for token in tokens(source):
            kind = re.sub("_(open|close)$", "", token.type)
            depth += token.content.count("<details>") - token.content.count("</details>")
            if kind not in PLAIN or (kind == "fence" and token.info.startswith("{")):
                yield f"cell {number} holds a {kind} ({(token.info or token.content)[:40]!r}), which only MyST knows"
            elif kind.startswith("html") and not HTML.fullmatch(token.content):
                yield f"cell {number} holds HTML that is shown raw somewhere: {token.content[:60]!r}"
            elif token.attrs and {"class", "id"} & token.attrs.keys() and kind not in ("math_block", "amsmath"):
                yield f"cell {number} gives a {kind} attributes, which only MyST knows"
        if depth:
            yield f"cell {number}: <details> and </details> stand alone in their paragraphs, and come in pairs"
    for number, cell in enumerate(nb.cells, start=1):
        if "figure" in cell.metadata.get("mystnb", {}):
            yield f"cell {number} keeps a caption in its metadata; write it below, as a paragraph"


def links(source: str) -> Iterator[tuple[str, str]]:
    """Address and visible text of each link."""
    for block in PARSER.parse(source):
        address: str | None = None
        text = ""
        for token in block.children or []:
            if token.type == "link_open":
                address, text = str(token.attrs["href"]), ""
            elif token.type == "link_close" and address is not None:
                yield address, text
                address = None
            elif token.type in ("text", "code_inline", "softbreak"):
                text += token.content or " "


@cache
def works() -> dict[str, Entry]:
    return dict(parse_file(str(ROOT / "book" / "references.bib"), bib_format="bibtex").entries)


@cache
def terms() -> set[str]:
    """The anchors that Sphinx gives to the words of the glossary."""
    text = (ROOT / "book" / "glossary.md").read_text("utf-8")
    entries = [word for part in re.findall(r"(?s)```\{glossary\}\n(.*?)```", text) for word in part.split("\n")]
    words = [line for line in entries if line and not line.startswith(" ")]
    return {"term-" + re.sub(r"[^A-Za-z0-9]+", "-", word).strip("-") for word in words}


def short_names(key: str) -> tuple[str, str]:
    """How a work is cited: "Deb and Goldberg, 1993" in brackets and "Deb and Goldberg (1993)" in a sentence."""
    entry = works()[key]
    people = entry.persons.get("author") or entry.persons["editor"]
    names = [" ".join(map(str, person.rich_prelast_names + person.rich_last_names)) for person in people]
    who = names[0] + " et al." if len(names) > 2 else " and ".join(names)
    return f"{who}, {entry.fields['year']}", f"{who} ({entry.fields['year']})"


def reference_faults(nb: NotebookNode) -> Iterator[str]:
    """Citations that name another work than they link to, and links to words that the glossary doesn't have."""
    for number, source in markdown(nb):
        for address, text in links(source):
            page, _, anchor = address.partition("#")
            if page.endswith("book/bibliography.md"):
                if anchor not in works():
                    yield f"cell {number} cites {anchor!r}, which is not in book/references.bib"
                elif text not in short_names(anchor):
                    yield f"cell {number} cites {anchor!r} as {text!r}; write {' or '.join(short_names(anchor))}"
            elif page.endswith("book/glossary.md") and anchor not in terms():
                yield f"cell {number} links to {anchor!r}, which is no word of the glossary"


def order_faults(nb: NotebookNode, path: Path) -> Iterator[str]:
    """A chapter carries its number; its exercises are counted."""
    if path.parent.name != "notebooks":
        return
    sources = [source for _, source in markdown(nb)]
    if not sources[0].startswith(f"# {int(path.name[:2])} · "):
        yield f"its title doesn't begin with {int(path.name[:2])} ·"
    exercises = [int(number) for source in sources for number in re.findall(r"(?m)^### Exercise (\d+)", source)]
    if exercises != list(range(1, len(exercises) + 1)):
        yield f"its exercises are numbered {exercises}"


def faults(nb: NotebookNode, path: Path) -> list[str]:
    filled_in = [] if path.relative_to(ROOT).parts[0] == "labs" else plain.faults(nb, path)
    return [*raw_faults(nb), *filled_in, *reference_faults(nb), *order_faults(nb, path)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_notebook_is_plain_and_true(path: Path) -> None:
    found = faults(nbformat.read(path, as_version=4), path)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", QUIZZES, ids=lambda path: path.stem)
def test_a_quiz_is_plain(path: Path) -> None:
    assert list(raw_faults(chapter(path.read_text("utf-8")))) == []


# Each of the rules above must be able to fail.

GOOD = """# 5 · A chapter

> **At a glance**
>
> - write [selection](../book/glossary.md#term-selection) ([Deb and Goldberg, 1993](../book/bibliography.md#deb1993))

**Predict.** Is $x > 0$, as in `{term}`?

<details><summary>Yes, $x = 1$</summary>

[Mitchell *et al.* (1993)](../book/bibliography.md#mitchell1993) found {0, 1}.

```python
x = {"a": 1}
```

</details>

<a id="fig-05-x"></a>**Figure 5.1.** A table. See [Figure 5.1](#fig-05-x).

| a | b |
|---|---|
| 1 | 2 |

### Exercise 1: Why?
"""

BROKEN = {
    "role": ("{glue:text}`loss`", "which only MyST knows"),
    "citation": ("as {cite:p}`deb1993`", "which only MyST knows"),
    "directive": ("```{exercise} Why\n```", "which only MyST knows"),
    "nested directive": ("> ````{note}\n> x\n> ````", "which only MyST knows"),
    "directive of colons": (":::{note}\nx\n:::", "which only MyST knows"),
    "target": ("(here)=\n\nText", "which only MyST knows"),
    "comment": ("% a comment", "which only MyST knows"),
    "break": ("+++", "which only MyST knows"),
    "definition": ("word\n: meaning", "which only MyST knows"),
    "substitution": ("so {{ x }} much", "which only MyST knows"),
    "attributes": ("a `word`{.class}", "gives a code_inline attributes"),
    "other HTML": ("a <span>b</span>", "shown raw somewhere"),
    "details without a summary": ("<details>\n\nx\n\n</details>", "shown raw somewhere"),
    "details that don't end": ("<details><summary>a</summary>\n\nx", "come in pairs"),
    "details without empty lines": ("<details><summary>a</summary>\nx\n</details>", "shown raw somewhere"),
    "no such work": ("[A, 1993](../book/bibliography.md#nobody1993)", "not in book/references.bib"),
    "wrong year": ("[Deb and Goldberg, 1994](../book/bibliography.md#deb1993)", "write Deb and Goldberg, 1993 or"),
    "wrong author": ("[Mitchell (1993)](../book/bibliography.md#mitchell1993)", "write Mitchell et al., 1993 or"),
    "no such word": ("[it](../book/glossary.md#term-it)", "no word of the glossary"),
    "no such figure": ("[Figure 5.1](#fig-other)", "no figure is called so"),
    "figure number": ("[Figure 5.2](#fig-05-x)", "its outputs '[Figure 5.1](#fig-05-x)'"),
    "unknown number": ("so <!--=loss-->1<!--/-->", "no cell glues"),
    "exercises": ("### Exercise 3", "its exercises are numbered"),
}

PATH = ROOT / "notebooks" / "05_a_chapter.ipynb"


def chapter(*texts: str) -> NotebookNode:
    return new_notebook(cells=[new_markdown_cell(text) for text in texts])


def test_plain_text_has_no_fault() -> None:
    assert faults(chapter(GOOD), PATH) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_plain_or_not_true_is_found(name: str) -> None:
    text, message = BROKEN[name]
    found = faults(chapter(GOOD, text), PATH)
    assert any(message in fault for fault in found), found


def test_a_title_without_a_number_and_a_hidden_caption_are_found() -> None:
    assert "title" in faults(chapter("# A chapter"), PATH)[0]
    cell = new_code_cell("plot()", metadata={"mystnb": {"figure": {"caption": "It falls."}}})
    assert "caption" in faults(new_notebook(cells=[new_markdown_cell(GOOD), cell]), PATH)[0]


def strangers(cells: list[NotebookNode]) -> list[str]:
    """Captions without a figure right above them, where the site looks for it."""
    found = []
    for above, cell in pairwise(cells):
        if cell.cell_type == "markdown" and cell.source.startswith('<a id="fig-'):
            shown = [output.get("data", {}) for output in above.get("outputs", [])]
            if not any("image/png" in data or re.search("<img|<svg", data.get("text/html", "")) for data in shown):
                found.append(cell.source[:60])
    return found


@pytest.mark.parametrize("path", EXECUTED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_caption_stands_right_below_its_figure(path: Path) -> None:
    assert strangers(nbformat.read(path, as_version=4).cells) == []


def test_a_caption_below_a_folded_cell_is_found() -> None:
    picture = new_output("display_data", {"image/png": "iVBORw0KGgo="})
    figure, other = new_code_cell("plot()", outputs=[picture]), new_code_cell("x = 1")
    caption = new_markdown_cell('<a id="fig-01-a"></a>**Figure 1.1.** A line.')
    assert strangers([figure, caption]) == []
    assert strangers([figure, other, caption]) == [caption.source]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").rglob("*.ipynb")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_figures_name_says_where_it_stands(path: Path) -> None:
    """`fig-05-onemax` in chapter 5, `fig-e05-onemax` on its evidence: links and running figures find it by that."""
    evidence = "e" if path.parent.name == "evidence" else ""
    names = re.findall(r'<a id=\\"(fig-[\w-]+)\\">', path.read_text("utf-8"))
    assert [name for name in names if not name.startswith(f"fig-{evidence}{path.name[:2]}-")] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").rglob("*.ipynb")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_no_number_is_glued_twice(path: Path) -> None:
    """Else the text shows the last one, and the site isn't built."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    names = [output.metadata.scrapbook.name for output in outputs if "scrapbook" in output.get("metadata", {})]
    assert [name for name in set(names) if names.count(name) > 1] == []
