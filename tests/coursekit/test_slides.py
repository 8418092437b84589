"""Slides show what a chapter shows and tell, as notes, what it tells; they ask no other host."""

import re
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from coursekit import slides
from coursekit.notebooks import NotebookError, read_notebook

ROOT = Path(__file__).parents[2]
CHAPTERS = slides.chapters(ROOT, [])
PICTURE = new_output("display_data", {"image/png": "AAAA"})


def made_of(*cells):
    return slides.slides_of(new_notebook(cells=list(cells)))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_keeps_its_question_pictures_guesses_and_takeaways(path: Path) -> None:
    nb = read_notebook(path)
    made = slides.slides_of(nb)
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown").partition("\n## Exercises")[0]
    assert made[0].kind == "title"
    assert made[0].body, "the question is on the first slide"
    shown = "\n".join(part for slide in made for part in slide.body)
    assert len(re.findall(r'class="caption"', shown)) == len(re.findall(r'<a id="fig-[\w-]+"></a>', text))
    predictions = [slide for slide in made if slide.kind == "predict"]
    assert len(predictions) == text.count("**Predict.**")
    for slide in predictions:
        assert sum('class="choice"' in part for part in slide.body) >= 2
        assert slide.notes, "what each choice gets right and wrong is for the speaker"
    assert made[-1].title == "Take-aways"
    assert "<li>" in made[-1].body[0]
    assert not any("Exercise" in slide.title for slide in made)
    assert all(slide.body or slide.notes for slide in made)


def test_what_is_told_goes_into_the_notes_and_what_is_shown_on_the_slide() -> None:
    (first, second) = made_of(
        new_markdown_cell("# 1 · Title\n\n**Why?**\n\nBecause of [this](../book/glossary.md#x)."),
        new_markdown_cell("## Next\n\nIt costs <!--=n-->7<!--/--> steps.\n\n$$x^2$$\n\n- one\n- two"),
    )
    assert first.body == ["<p><strong>Why?</strong></p>\n"]
    assert first.notes == ["<p>Because of this.</p>\n"]
    assert second.title == "Next"
    assert second.notes == ["<p>It costs 7 steps.</p>\n"]
    assert "<math" in second.body[0]
    assert second.body[1].startswith("<ul>")


def test_choices_are_shown_and_their_explanations_are_not() -> None:
    source = "**Predict.** How many?\n\n<details><summary>$n$ of them</summary>\n\nToo many.\n\n</details>\n\nWe count."
    made = made_of(new_markdown_cell("# T\n\n**Q?**"), new_markdown_cell(source))
    assert made[1].kind == "predict"
    assert len(made[1].body) == 2
    assert "<math" in made[1].body[1]
    assert "Too many" not in "".join(made[1].body)
    assert "Too many" in "".join(made[1].notes)
    assert "We count" in "".join(made[1].notes)


def test_code_is_shown_unless_it_is_folded_or_too_long_for_a_slide() -> None:
    long = "\n".join(f"x = {n}" for n in range(slides.MOST_LINES + 1))
    made = made_of(
        new_markdown_cell("# T\n\n**Q?**"),
        new_code_cell("print('a < b')", outputs=[new_output("stream", name="stdout", text="a < b\n")]),
        new_code_cell("secret = 1", metadata={"tags": ["hide-input"]}, outputs=[PICTURE]),
        new_markdown_cell('<a id="fig-01-x"></a>**Figure 1.1.** A picture.'),
        new_code_cell(long),
    )
    assert [slide.kind for slide in made] == ["title", "code", "picture"]
    assert "a &lt; b" in made[1].body[1]
    assert "secret" not in "".join(made[2].body)
    assert "A picture." in made[2].body[1]


def test_a_page_is_whole_and_says_what_its_pictures_show() -> None:
    cell = new_code_cell("p", metadata={"mystnb": {"image": {"alt": 'It "rises"'}}}, outputs=[PICTURE])
    page = slides.page(new_notebook(cells=[new_markdown_cell("# T & U\n\n**Q?**"), cell]))
    assert "<title>T &amp; U</title>" in page
    assert 'alt="It &quot;rises&quot;"' in page
    assert not re.search(r"""(?:src|href) ?= ?["']?https?:|@import|url\(["']?https?:""", page)


def test_a_chapter_that_is_not_there_is_named() -> None:
    with pytest.raises(NotebookError, match="there is no chapter 99"):
        slides.chapters(ROOT, ["99"])
    assert [path.stem[:2] for path in slides.chapters(ROOT, ["5", "05"])] == ["05", "05"]


def test_slides_are_written_where_they_are_wanted(tmp_path: Path) -> None:
    (written,) = slides.write(CHAPTERS[:1], tmp_path / "new folder")
    assert written.read_text("utf-8").startswith("<!doctype html>")
