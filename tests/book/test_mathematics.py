"""Formulas: each that the book holds becomes MathML, in characters that the book's font of mathematics has."""

import html
import re
from pathlib import Path

import nbformat
import pytest
from fontTools.ttLib import TTFont

from coursekit.mathematics import mathml

ROOT = Path(__file__).parents[2]
FONT = ROOT / "book" / "_static" / "fonts" / "latin-modern-math.woff"
FORMULA = re.compile(r"(?s)(?<![\\$])\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+)\$")


def formulas() -> list[str]:
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "book").rglob("*.md"))]
    for path in sorted(path for folder in ("notebooks", "solutions") for path in (ROOT / folder).rglob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        texts += [cell.source for cell in cells if cell.cell_type == "markdown"]
    code = re.compile(r"(?s)```.*?```|`[^`]*`")
    found = [match for text in texts for match in FORMULA.findall(code.sub("", text))]
    return sorted({block or inline for block, inline in found})


def test_every_formula_is_written_in_characters_of_the_font() -> None:
    known = set(map(chr, TTFont(FONT).getBestCmap()))
    written = {tex: html.unescape(re.sub(r"<[^>]*>", "", mathml(tex, "inline"))) for tex in formulas()}
    assert len(written) > 300
    missing = {tex: set(text) - known - set("\u2061\n") for tex, text in written.items()}
    assert {tex: left for tex, left in missing.items() if left} == {}
    assert [tex for tex, text in written.items() if set("\\&") & set(text)] == [], "commands that weren't understood"


@pytest.mark.parametrize(
    ("tex", "part"),
    [
        (r"\theta' = 1", '<mi>&#x003B8;</mi><mo lspace="0" rspace="0">&#x02032;</mo>'),
        (r"z \sim N", "<mo>&#x0223C;</mo>"),
        (r"A^\top", '<mi mathvariant="normal">&#x022A4;</mi>'),
        (r"\ln\sigma", '<mi>ln</mi><mspace width="0.167em"/><mi>'),
        (r"\cos^2 x", "<msup><mi>cos</mi><mn>2</mn></msup>"),
        (r"\sigma(-z)", '<mo form="prefix">&#x02212;</mo>'),
        (r"|g|^2", '<mo form="prefix" stretchy="false">&#x0007C;</mo><mi>g</mi><msup><mo form="postfix"'),
    ],
)
def test_what_the_converter_leaves_is_mended(tex: str, part: str) -> None:
    assert part in mathml(tex, "inline")


def test_the_font_keeps_its_licence() -> None:
    assert "GUST Font License" in FONT.with_name("LICENSE").read_text("utf-8")
