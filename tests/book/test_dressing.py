"""What the site makes of plain Markdown: figures, boxes, groups of choices, links to words and works."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from nbformat import v4
from PIL import Image

from neuroevo import plots

pytestmark = pytest.mark.slow  # a site is built

ROOT = Path(__file__).parents[2]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "sphinxcontrib.bibtex", "course_site"]
bibtex_bibfiles = ["works.bib"]
bibtex_cite_id = "{{key}}"
html_theme = "sphinx_book_theme"
nb_execution_mode = "off"
numfig = False
root_doc = "notebooks/05_a_chapter"
exclude_patterns = ["jupyter_execute", "out"]
myst_enable_extensions = ["dollarmath"]
"""

TEXT = """# 5 · A chapter

> **At a glance**
>
> - read a number

> Only a quotation, with a **bold** word.

The loss ends at <!--=loss-->0.034<!--/-->, **<!--=loss-->0.034<!--/-->** in bold, see [Figure 5.1](#fig-05-loss) and
[Figure 5.1](../notebooks/05_a_chapter.ipynb#fig-05-loss). A [loss](../book/glossary.md#term-loss), see
([Holland, 1975](../book/bibliography.md#holland1975)).

| method | loss |
|---|---|
| ours | <!--=loss-->0.034<!--/--> |

**Predict.** What happens to $x$?

<details><summary>It rises to $x^2$</summary>

That would need <!--=loss-->0.034<!--/--> and $y$.

</details>

<details><summary>It falls</summary>

Yes:

- quickly.

</details>

It falls.

<details><summary>Answer</summary>

Not a choice.

</details>
"""
CAPTION = '<a id="fig-05-loss"></a>**Figure 5.1.** The loss ends at <!--=loss-->0.034<!--/-->.'
WORKS = """
@book{holland1975, author = {John H. Holland}, title = {Adaptation}, publisher = {Press}, year = {1975}}
@book{nobody1900, author = {Nobody}, title = {Not cited}, publisher = {Press}, year = {1900}}
"""
GLOSSARY = "# Glossary\n\n```{glossary}\nloss\n  How wrong a network is: {told}`05 loss`.\n```\n"


def write(folder: Path, name: str, *cells: nbformat.NotebookNode) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    nbformat.write(v4.new_notebook(cells=list(cells), metadata=metadata), folder / name)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chapter, its lab, a glossary and a bibliography, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("dressing")
    (folder / "conf.py").write_text(CONF, "utf-8")
    (folder / "works.bib").write_text(WORKS, "utf-8")
    (folder / "book").mkdir()
    (folder / "book" / "glossary.md").write_text(GLOSSARY, "utf-8")
    (folder / "book" / "bibliography.md").write_text("# Bibliography\n\n```{bibliography}\n```\n", "utf-8")
    printed = v4.new_output("stream", text="printed\n")
    picture = v4.new_output("display_data", {"image/png": PIXEL})
    tree = "```{toctree}\n:hidden:\n../book/glossary\n../book/bibliography\n../labs/05_a_chapter\n```"
    write(
        folder,
        "notebooks/05_a_chapter.ipynb",
        v4.new_markdown_cell(TEXT),
        v4.new_code_cell("plot()", outputs=[printed, picture], metadata={"mystnb": {"image": {"alt": "It falls."}}}),
        v4.new_markdown_cell(CAPTION),
        v4.new_markdown_cell("Text below.\n\n" + tree),
    )
    lab = v4.new_markdown_cell("# Lab 5\n\nSee [Figure L5.1](#fig-lab).")
    caption = v4.new_markdown_cell('<a id="fig-lab"></a>**Figure L5.1.** What you will see.')
    shown = v4.new_output("display_data", {"text/html": plots.player(FRAMES, alt="It turns.", name="turning").data})
    film = v4.new_code_cell("film()", outputs=[shown])
    write(folder, "labs/05_a_chapter.ipynb", lab, v4.new_code_cell("plot()"), caption, film)
    build(folder)
    return folder / "out"


def build(folder: Path) -> str:
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "-b", "html", str(folder), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pixel(grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (2, 2), grey).save(buffer, format="png")
    return buffer.getvalue()


FRAMES = [pixel(grey) for grey in (0, 100, 200)]


def article(site: Path, page: str) -> Tag:
    found = BeautifulSoup((site / page).read_text("utf-8"), "html.parser").select_one("article")
    assert found is not None
    return found


@pytest.fixture
def chapter(site: Path) -> Tag:
    return article(site, "notebooks/05_a_chapter.html")


def test_the_comments_around_a_number_are_dropped(chapter: Tag) -> None:
    assert "The loss ends at 0.034, 0.034 in bold" in chapter.get_text()
    assert "<!--" not in str(chapter)
    assert "ours" in chapter.table.get_text()
    assert "0.034" in chapter.table.get_text()


def test_a_picture_and_its_caption_are_one_figure(chapter: Tag) -> None:
    (figure,) = chapter.find_all("figure")
    assert figure["id"] == "fig-05-loss"
    assert [image["alt"] for image in figure.find_all("img")] == ["It falls."] * 2  # for a light ground and a dark one
    assert [image["loading"] for image in figure.find_all("img")] == ["lazy"] * 2
    assert figure.figcaption.get_text(strip=True).startswith("Figure 5.1.The loss ends at 0.034.")
    assert "printed" not in figure.get_text()
    assert "printed" in chapter.get_text()
    assert "Text below." not in figure.get_text()


def test_links_lead_to_figures_words_and_works(chapter: Tag, site: Path) -> None:
    here = [link["href"] for link in chapter.find_all("a", string="Figure 5.1")]
    assert here == ["#fig-05-loss", "#fig-05-loss"]
    assert chapter.find("a", string="loss")["href"] == "../book/glossary.html#term-loss"
    assert article(site, "book/glossary.html").find(id="term-loss") is not None
    assert chapter.find("a", string="Holland, 1975")["href"] == "../book/bibliography.html#holland1975"
    works = article(site, "book/bibliography.html")
    assert "Adaptation" in works.find(id="holland1975").get_text()
    assert "Not cited" not in works.get_text()


def test_a_bold_first_line_makes_a_box(chapter: Tag) -> None:
    (box,) = chapter.select("div.admonition-at-a-glance")
    assert box.select_one("p.admonition-title").get_text() == "At a glance"
    assert "read a number" in box.get_text()
    assert "Only a quotation" in chapter.blockquote.get_text()


def test_predict_groups_its_choices_and_nothing_else(chapter: Tag) -> None:
    (group,) = chapter.select("div.predict")
    assert group.p.get_text().startswith("Predict. What happens to")
    assert [choice.summary.get_text() for choice in group.find_all("details")] == ["It rises to x2", "It falls"]
    assert all("open" not in choice.attrs for choice in group.find_all("details"))
    assert "That would need 0.034" in group.details.get_text()
    assert "quickly" in group.find_all("details")[1].li.get_text()
    assert "It falls." not in group.get_text()
    assert "Not a choice" in chapter.get_text()
    assert "Not a choice" not in group.get_text()


def test_mathematics_in_a_summary_is_mathematics(chapter: Tag) -> None:
    formula = chapter.select_one("summary math")
    assert formula is not None
    assert formula.msup.get_text() == "x2"


def test_a_lab_without_pictures_has_no_captions(site: Path) -> None:
    lab = article(site, "labs/05_a_chapter.html")
    assert "What you will see" not in lab.get_text()
    assert lab.find(id="fig-lab") is not None
    assert lab.find("a", string="Figure L5.1")["href"] == "#fig-lab"


def test_the_frames_of_a_film_are_files_fetched_when_they_are_wanted(site: Path) -> None:
    (film,) = article(site, "labs/05_a_chapter.html").select("div.player")
    script = film.script.get_text()
    assert "base64" not in str(film)
    others = json.loads(re.search(r"concat\((\[.*?\])", script)[1])
    files = [site / "labs" / name for name in [film.img["src"], *others]]
    greys = [Image.open(file).convert("L").getpixel((0, 0)) for file in files]
    assert greys == [0, 100, 200]
    assert "focusin" in script


def test_a_page_is_read_again_only_when_it_or_what_it_tells_has_changed(site: Path) -> None:
    assert "0.034" in article(site, "book/glossary.html").get_text()
    assert "0 added, 0 changed" in build(site.parent)
    notebook = site.parent / "notebooks" / "05_a_chapter.ipynb"
    notebook.write_text(notebook.read_text("utf-8").replace("0.034", "0.035"), "utf-8")
    assert "0 added, 2 changed" in build(site.parent)
    assert "0.035" in article(site, "book/glossary.html").get_text()
