import json
import shutil
import subprocess
from pathlib import Path

import pytest
from nbformat import NotebookNode, v4, write

from coursekit import readability
from coursekit.__main__ import main

PICTURE = v4.new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"})
BOX = v4.new_output(
    "display_data", {"text/html": '<aside class="verdict verdict-partly"><p>Two &lt; words</p></aside>'}
)
ROWS = v4.new_output("display_data", {"text/html": '<table class="verdicts"><tr><td>one</td></tr></table>'})
PLAYER = v4.new_output("display_data", {"text/html": f'<div><img src="data:{"A" * 300}" alt="x"> Play</div>'})


def text(source: str) -> NotebookNode:
    return v4.new_markdown_cell(source)


def code(source: str, *tags: str, outputs: tuple[NotebookNode, ...] = (), caption: str = "") -> NotebookNode:
    metadata = {"tags": list(tags), "mystnb": {"figure": {"caption": caption}}}
    return v4.new_code_cell(source, outputs=list(outputs), metadata=metadata)


def measured(*cells: NotebookNode) -> readability.Measures:
    return readability.measure(v4.new_notebook(cells=list(cells)))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("# One *two*: three -\n\n- four", 4),
        ("a loss of {glue:text}`mean-loss`.", 4),
        ("a loss of <!--=mean-loss:.2f-->0.03<!--/-->.", 4),
        ("an interval of <!--=gap-->0.1 [0.0, 0.2]<!--/-->", 6),
        ("{term}`Truncation <truncation selection>` keeps {cite:p}`deb1993`", 3),
        ("[Truncation](../book/glossary.md#term-truncation-selection) keeps ([Deb, 1993](../book/x.md#deb1993))", 4),
        ("where $a < b$ or $$\\sum_i\nx_i > 0$$ holds", 5),
        ("<details><summary>Yes</summary>\n\nRight.\n\n</details>", 2),
        (
            "````{exercise} A title\n:label: ex-1\n\nSolve it.\n````\n\n````{solution} ex-1\n:class: x\n\nSo.\n````",
            5,
        ),
        ("> **At a glance**\n>\n> - write", 4),
        ("Before\n\n```python\nx = 1\n```\n\nafter\n\n```python\ny = 2\n```", 2),
        ('<a id="fig-01-loss"></a>**Figure 1.1.** What it shows.', 5),
        ("![Eight words that nobody reads aloud at all](x.svg) seen", 1),
    ],
)
def test_words_are_what_is_read(source: str, words: int) -> None:
    assert measured(text(source)).words == words


def test_captions_count_wherever_they_stand() -> None:
    in_metadata = measured(code("plot()", outputs=(PICTURE,), caption="It falls to {glue:text}`end`."))
    below = measured(code("plot()", outputs=(PICTURE,)), text("It falls to <!--=end-->0.1<!--/-->."))
    assert in_metadata.words == below.words == 4
    assert in_metadata.figures == below.figures == 1


def test_verdicts_are_counted_apart() -> None:
    m = measured(text("One."), code("display(...)", "hide-input", outputs=(BOX, BOX, ROWS)))
    assert (m.words, m.verdict_words, m.all_words, m.boxes, m.figures) == (1, 5, 6, 2, 0)


def test_code_is_visible_folded_or_removed() -> None:
    long = "x = 1\n\n" * 16
    m = measured(
        code("a = 1\n\n# why\nb = 2"),
        code(long),
        code(long * 2, "algorithm"),
        code("x = 1\n" * 15),
        code("x = 1\n" * 30),
        code("x = 1\n" * 31, "nbval-ignore-output"),
        code("y = 0" + " " * 76 + "\n" + "z" * 80, "hide-output"),
        code("z" * 81 + "\n" * 3 + "2", "hide-input"),
        code("1", "hide-cell"),
        code("1\n2\n3", "remove-input"),
        code("1", "remove-cell"),
    )
    assert (m.cells, m.median_lines, m.longest_cell) == (7, 16, 32)
    assert (m.long_cells, m.too_long_cells) == (3, 1)
    assert m.folded_share == pytest.approx(7 / (129 + 7))
    assert (m.removed_cells, m.wide_lines) == (2, 1)


def test_figures_are_what_is_seen() -> None:
    m = measured(
        text("![a valley](x.svg)"),
        code("1", "remove-input", outputs=(PICTURE, PLAYER)),
        code("2", "remove-cell", outputs=(PICTURE,)),
        code("3", outputs=(v4.new_output("stream", text="<img> no"),)),
    )
    assert m.figures == 3


def test_minutes_of_words_lines_and_figures() -> None:
    m = measured(text("word " * 400), code("x = 1\n" * 24, outputs=(PICTURE,)), code("y = 1\n" * 9, "hide-input"))
    assert m.minutes == pytest.approx(2 + 2 + 0.5)


@pytest.mark.parametrize(
    ("source", "minutes"),
    [
        ("**Time:** 25 minutes to read, a minute to run.", 25),
        ("**Reading** 20 minutes. **Running** under a minute.", 20),
        ("**Time:** <!--=minutes-->17<!--/--> minutes to read", 17),
        ("It takes 3 minutes to run.", None),
    ],
)
def test_minutes_announced(source: str, minutes: int | None) -> None:
    assert measured(text(source)).minutes_announced == minutes


def test_roles_and_directives_that_a_notebook_shows_as_typed() -> None:
    roles = text("{term}`x` and {cite:p}`y`, not {a} nor `{b}`.\n\n```\n{c}\n```")
    directives = text("```{admonition} Note\nhi\n```\n\n> :::{tip}\n> :::")
    assert measured(roles, directives, code("1", caption="{glue:text}`z`")).roles == 5


def hidden(*cells: NotebookNode) -> list[str]:
    return [name for _, name in readability.hidden_names(v4.new_notebook(cells=list(cells)))]


SECRET = code("import os\nloss, gap = 1, 2\n\ndef name():\n    local = 1", "remove-cell")


@pytest.mark.parametrize(
    "source",
    [
        "print(loss)",
        "def f(x):\n    return x + loss",
        "f = lambda: [loss for _ in range(3)]",
        "class A:\n    size = loss",
        "loss += 1",
        "loss = loss + 1",
        "for i in range(3):\n    loss = loss * i",
        "loss = [x for x in loss]",
        "def f():\n    def g():\n        return loss\n    return g",
        "%time print(1)\nprint(loss)",
        "await loss",
    ],
)
def test_a_name_from_a_removed_cell_is_noticed(source: str) -> None:
    assert hidden(SECRET, code(source)) == ["loss"]


@pytest.mark.parametrize(
    "source",
    [
        "loss = 1\nprint(loss)",
        "for loss in range(3):\n    print(loss)",
        "print([loss for loss in range(3)])",
        "def f(loss):\n    return loss",
        "def f():\n    loss = 1\n    return loss",
        "class A:\n    loss = 1\n    other = loss",
        "def f():\n    return g()\n\ndef g():\n    return loss()\n\ndef loss():\n    return 1",
        "import torch as loss\nloss.x",
        "x.loss, dict(loss=1), local, print",
        "def name():\n    return name()",
        "def f():\n    global loss\n    loss = 1\n\ndef g():\n    return loss",
    ],
)
def test_a_name_of_the_cell_itself_is_not(source: str) -> None:
    assert hidden(SECRET, code(source)) == []


def test_what_is_shown_or_folded_above_excuses_what_is_removed() -> None:
    use = code("loss, os, name")
    assert hidden(SECRET, use) == ["loss", "name", "os"]
    assert hidden(SECRET, code("from x import y as loss\nos = name = 1", "hide-input"), use) == []
    assert hidden(code("loss = 1"), SECRET, use) == ["name", "os"]
    assert hidden(use, SECRET) == []
    assert hidden(SECRET, code("print(loss)", "hide-input"), code("print(loss)", "remove-input")) == []


def test_lint_marks_in_visible_code() -> None:
    source = (
        "import x  # noqa: F401\ny = 1  # fmt: skip\nz = 2  # type: ignore[x]\nw = 3  # a noqa note of our own type"
    )
    nb = v4.new_notebook(cells=[code(source), code(source, "hide-input"), code(source, "remove-cell")])
    assert [mark for _, mark in readability.lint_marks(nb)] == ["# noqa: F401", "# fmt: skip", "# type: ignore[x]"]


@pytest.fixture
def chapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks").mkdir()
    write(v4.new_notebook(cells=[text("one two three")]), tmp_path / "notebooks" / "01_a.ipynb")
    return tmp_path


def test_the_command_prints_a_row_a_chapter(chapters: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["measure"]) == 0
    header, row, *_ = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["words", "boxed", "cells"]
    assert row.split()[:5] == ["notebooks/01_a", "now", "3", "0", "0"]
    assert main(["measure", "--json", "notebooks/01_a.ipynb"]) == 0
    assert json.loads(capsys.readouterr().out)["now"]["notebooks/01_a.ipynb"]["words"] == 3


@pytest.mark.parametrize(
    ("path", "words"), [("none.ipynb", "none.ipynb can't be read"), ("x.md", "not a Jupyter notebook")]
)
def test_what_is_no_notebook_is_told(chapters: Path, capsys: pytest.CaptureFixture, path: str, words: str) -> None:
    (chapters / "x.md").write_text("# X")
    assert main(["measure", path]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_revision_beside_today(chapters: Path, capsys: pytest.CaptureFixture) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    write(v4.new_notebook(cells=[text("one two")]), chapters / "notebooks" / "01_a.ipynb")
    write(v4.new_notebook(cells=[text("one")]), chapters / "notebooks" / "02_b.ipynb")
    assert main(["measure", "--before", "HEAD"]) == 0
    rows = [line.split()[:3] for line in capsys.readouterr().out.splitlines()[1:4]]
    expected = [["notebooks/01_a", "HEAD", "3"], ["notebooks/01_a", "now", "2"], ["notebooks/02_b", "now", "1"]]
    assert rows == expected
    assert main(["measure", "--before", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
