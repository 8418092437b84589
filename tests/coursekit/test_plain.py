"""Text that follows the outputs: numbers, figures, alternative texts."""

import json

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from coursekit import plain
from coursekit.execute import execute
from coursekit.notebooks import NotebookError, to_text


def glue(**values: object) -> NotebookNode:
    """A code cell as it is after `glue(name, value, display=False)` for each of `values` (`_` stands for a hyphen)."""
    outputs = [
        new_output(
            "display_data",
            {"application/papermill.record/text/plain": repr(value)},
            metadata={"scrapbook": {"mime_prefix": "application/papermill.record/", "name": name.replace("_", "-")}},
        )
        for name, value in values.items()
    ]
    return new_code_cell("glue(...)", outputs=outputs)


def notebook(*texts: str, **values: object) -> NotebookNode:
    return new_notebook(cells=[glue(**values), *map(new_markdown_cell, texts)])


@pytest.fixture
def path(tmp_path):
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks" / "05_a_chapter.ipynb"


def refreshed(path, text: str, **values: object) -> str:
    nb = notebook(text, **values)
    assert plain.refresh(nb, path) == []
    assert plain.faults(nb, path) == []
    return nb.cells[1].source


class TestNumbers:
    @pytest.mark.parametrize(
        ("mark", "value", "shown"),
        [
            ("loss", "0.034", "0.034"),  # a text has no quotes
            ("loss", 0.034, "0.034"),
            ("loss", 7, "7"),
            ("loss:.2f", 0.034, "0.03"),
            ("loss:,", 12345, "12,345"),
            ("loss:.1f", "0.034", "0.0"),  # as MyST-NB's glue:text has it
            ("loss:.0%", 0.68, "68%"),
            ("loss", "9 [-573, 591]", "9 [-573, 591]"),
        ],
    )
    def test_a_value_stands_between_two_comments(self, path, mark, value, shown):
        for before in ("", "old", "two\nlines"):
            text = f"It is <!--={mark}-->{before}<!--/-->."
            assert refreshed(path, text, loss=value) == f"It is <!--={mark}-->{shown}<!--/-->."

    def test_names_with_hyphens_and_points(self, path):
        nb = notebook("so <!--=a-b-->?<!--/--> and <!--=x.5-->?<!--/-->", a_b=1, **{"x.5": 2})
        assert plain.refresh(nb, path) == []
        assert nb.cells[1].source == "so <!--=a-b-->1<!--/--> and <!--=x.5-->2<!--/-->"

    def test_a_line_that_would_begin_with_a_comment_joins_the_line_before(self, path):
        text = "Between\n<!--=a-->1<!--/--> and\n<!--=b-->2<!--/-->.\n\n- a list of\n  <!--=a-->1<!--/--> item"
        joined = "Between <!--=a-->1<!--/--> and <!--=b-->2<!--/-->.\n\n- a list of <!--=a-->1<!--/--> item"
        assert refreshed(path, text, a=1, b=2) == joined

    @pytest.mark.parametrize(
        "text",
        [
            "<!--=a-->1<!--/--> begins",
            "Text.\n\n<!--=a-->1<!--/--> begins",
            "- <!--=a-->1<!--/--> begins",
            "> 1. <!--=a-->1<!--/--> begins",
            "# Heading\n<!--=a-->1<!--/--> begins",
            "| table |\n<!--=a-->1<!--/--> begins",
        ],
    )
    def test_where_there_is_no_such_line_it_is_told(self, path, text):
        nb = notebook(text, a=1)
        assert plain.refresh(nb, path) == ["cell 2: a line begins with a number's comment; put a word before it"]
        assert nb.cells[1].source == text

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("so <!--=b-->1<!--/-->", "asks for 'b', which no cell glues"),
            ("so <!--=a:d-->1<!--/-->", "'a' is 0.5, which the format 'd' doesn't fit"),
            ("so <!--=a-->1", "holds <!--=a--> that is not of the form"),
            ("so <!--=a-->1<!--=a-->1<!--/-->", "holds <!--=a--> that is not of the form"),
            ("so 1<!--/-->", "holds <!--/--> that is not of the form"),
            ("so <!--= a -->1<!--/-->", "holds <!--= a --> that is not of the form"),
        ],
    )
    def test_what_cannot_be_filled_in_is_told(self, path, text, complaint):
        found = plain.refresh(notebook(text, a=0.5), path)
        assert complaint in found[0]

    def test_what_is_not_a_text_or_a_number_is_shown_as_python_prints_it(self, path):
        nb = notebook("so <!--=a--><!--/-->", a=1)
        nb.cells[0].outputs[0].data["application/papermill.record/text/plain"] = "tensor(0.5)"
        assert plain.refresh(nb, path) == []
        assert "tensor(0.5)" in nb.cells[1].source


class TestFaults:
    def test_stale_and_unused_values_are_found(self, path):
        nb = notebook("First line.\nIt is <!--=a-->1<!--/-->.", a=2, b=3, b_1=4)
        nb.cells[0].source = 'glue("a", 2); glue("b", 3); glue(f"b-{i}", 4)'
        stale, unused = plain.faults(nb, path)
        assert "cell 2 says 'It is <!--=a-->1<!--/-->.', its outputs 'It is <!--=a-->2<!--/-->.'" in stale
        assert unused == "'b' is glued and used nowhere"
        assert "-->1<!--" in nb.cells[1].source  # looking changes nothing

    def test_alternative_texts_follow_the_values(self, path):
        nb = notebook("so <!--=a-->68<!--/-->", a="68", b=0.25)
        nb.cells[0].metadata = nbformat.from_dict({"course": {"alt": "{a} % of {0, 1}, {b:.1f} and {{b}}"}})
        assert "says '', its outputs '68 % of" in plain.faults(nb, path)[0]
        assert plain.refresh(nb, path) == []
        assert nb.cells[0].metadata["mystnb"]["image"]["alt"] == "68 % of {0, 1}, 0.2 and {0.25}"
        assert plain.faults(nb, path) == []
        nb.cells[0].metadata["mystnb"]["image"]["alt"] = "three quarters"
        assert plain.faults(nb, path) != []
        nb.cells[0].metadata.course.alt = "{c}"
        assert plain.refresh(nb, path) == ["cell 1 asks for 'c', which no cell glues"]


class TestFigures:
    CAPTION = '<a id="fig-{0}"></a>**Figure {1}.** It falls.'

    def test_captions_are_numbered_in_their_order(self, path):
        texts = ["See [Figure ?](#fig-b), [Figure 1.7, left](#fig-a).", self.CAPTION.format("a", "?")]
        nb = notebook(*texts, "Then.\n\n" + self.CAPTION.format("b", "5.1"))
        assert plain.refresh(nb, path) == []
        assert nb.cells[1].source == "See [Figure 5.2](#fig-b), [Figure 5.1, left](#fig-a)."
        assert nb.cells[2].source == self.CAPTION.format("a", "5.1")
        assert nb.cells[3].source.endswith(self.CAPTION.format("b", "5.2"))

    @pytest.mark.parametrize(("folder", "number"), [("labs", "L5.1"), ("solutions", "L5.1"), ("evidence", "E5.1")])
    def test_labs_and_evidence_count_for_themselves(self, tmp_path, folder, number):
        nb = notebook(self.CAPTION.format("a", "?"))
        plain.refresh(nb, tmp_path / folder / "05_a_chapter.ipynb")
        assert nb.cells[1].source == self.CAPTION.format("a", number)

    def test_figures_of_other_chapters(self, path):
        path.with_name("12_other.ipynb").write_text(
            to_text(notebook(self.CAPTION.format("x", "12.1"), self.CAPTION.format("y", "12.2"))), "utf-8"
        )
        nb = notebook("See [Figure ?](12_other.ipynb#fig-y).")
        assert plain.refresh(nb, path) == []
        assert nb.cells[1].source == "See [Figure 12.2](12_other.ipynb#fig-y)."
        nb = notebook("See [Figure 12.3](12_other.ipynb#fig-z) and [Figure 5.9](#fig-z).")
        assert len(plain.refresh(nb, path)) == 2

    def test_two_of_one_name_are_told(self, path):
        nb = notebook(self.CAPTION.format("a", "5.1"), self.CAPTION.format("a", "5.2"))
        assert "two figures have the same identifier" in plain.refresh(nb, path)


class TestExecute:
    CODE = 'from myst_nb import glue\nglue("loss", "0.034", display=False)'

    def write(self, path, *cells):
        nbformat.write(new_notebook(cells=list(cells)), path)
        return path

    def test_the_text_is_brought_in_line(self, path):
        alt = {"course": {"alt": "It ends at {loss}."}}
        self.write(path, new_code_cell(self.CODE, metadata=alt), new_markdown_cell("so <!--=loss-->1<!--/-->"))
        assert execute([path]) == [path]
        nb = nbformat.read(path, 4)
        assert nb.cells[1].source == "so <!--=loss-->0.034<!--/-->"
        assert nb.cells[0].metadata == {**alt, "mystnb": {"image": {"alt": "It ends at 0.034."}}}
        assert execute([path], text_only=True) == []

    def test_without_running(self, path):
        cell = glue(loss="0.5")
        cell.source, cell.execution_count = "1 / 0", 7
        self.write(path, cell, new_markdown_cell("so <!--=loss-->1<!--/-->"))
        assert execute([path], text_only=True) == [path]
        nb = nbformat.read(path, 4)
        assert nb.cells[1].source == "so <!--=loss-->0.5<!--/-->"
        assert nb.cells[0].execution_count == 7

    def test_an_unknown_name_costs_no_results(self, path):
        self.write(path, new_code_cell(self.CODE), new_markdown_cell("so <!--=los-->1<!--/--> <!--=loss-->1<!--/-->"))
        with pytest.raises(NotebookError, match=r"05_a_chapter\.ipynb: cell 2 asks for 'los', which no cell glues"):
            execute([path])
        assert "<!--=loss-->0.034<!--/-->" in path.read_text("utf-8")
        assert json.loads(path.read_text("utf-8"))["cells"][0]["outputs"]
