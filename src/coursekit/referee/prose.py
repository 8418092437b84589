"""Numbers in prose: which of them a cell has computed, and which stand without their interval."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from coursekit.referee.reading import Paper, texts

_NUMBER = re.compile(
    r"(?<![\w.,:/#-])[-−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w/])|(?<![\w.,:/#-])[-−]?\d+(?:\.\d+)?(?![\w/-]|\.\d)"
)
_ANY_NUMBER = re.compile(r"[-−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_NOT_PROSE = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]+\$|<!--.*?-->|<[^>]+>|^#.*?$|^\s*\d+[.)]\s|\]\([^)]*\)",
    re.DOTALL | re.MULTILINE,
)
_INTERVAL = re.compile(
    r"\[\s*[-−]?[\d.,]+\s*(?:,|;|to)\s*[-−]?[\d.,]+\s*\]|±|[-−]?[\d.]+ (?:%|points?)? ?(?:to|and) [-−]?[\d.]+"
)
_NAMED = re.compile(
    r"\b(?:[Cc]hapters?|[Ff]igures?|[Tt]ables?|[Ss]ections?|[Ll]abs?|[Ee]xercises?|[Ss]eeds?|[Cc]ells?)\s+$"
)
_SMALL = 12  # whole numbers up to here are words: "two arms", "3 of them"


@dataclass(frozen=True)
class Number:
    """A number in a paragraph of a Markdown cell; `share` if a per cent sign follows."""

    cell: int
    text: str
    paragraph: str
    share: bool

    @property
    def value(self) -> float:
        """What it says."""
        return read(self.text)

    @property
    def decimals(self) -> int:
        """How many places are written."""
        return len(self.text.partition(".")[2])

    @property
    def has_interval(self) -> bool:
        """Whether an interval stands in its paragraph."""
        return bool(_INTERVAL.search(self.paragraph))

    def is_(self, value: float) -> bool:
        """Whether it is that value, rounded to as many decimals as are written."""
        return abs(self.value - value) <= 0.5 * 10**-self.decimals + 1e-9


def read(text: str) -> float:
    """A number as people write it: with commas, or with a typographer's minus."""
    return float(text.replace(",", "").replace("−", "-"))


def numbers(paper: Paper) -> Iterator[Number]:
    """The numbers in prose that a reader takes for results.

    Not those in code, formulas, headings and addresses, those that name a chapter or a figure, years, small whole
    numbers, and paragraphs with a link: these are somebody else's, or come from there.
    """
    for n, cell in paper.cells:
        if cell.cell_type != "markdown":
            continue
        for paragraph in re.split(r"\n\s*\n", cell.source):
            if re.search(r"\]\(|https?://|doi", paragraph):
                continue
            plain = _NOT_PROSE.sub(lambda m: "\n" if m[0].startswith("#") else "", paragraph)
            for match in _NUMBER.finditer(plain):
                number = Number(n, match[0], plain, bool(re.match(r"\s?%", plain[match.end() :])))
                whole = number.decimals == 0 and not number.share
                if _NAMED.search(plain[: match.start()]):
                    continue
                if whole and (abs(number.value) <= _SMALL or 1900 <= number.value < 2100):
                    continue
                yield number


def computed(paper: Paper) -> list[float]:
    """All numbers that the outputs show and the code states."""
    found = [read(m) for _, cell in paper.code for text in texts(cell) for m in _ANY_NUMBER.findall(text)]
    return found + constants(paper)


def constants(paper: Paper) -> list[float]:
    """The numbers that the code states: settings."""
    found = []
    for tree in paper.trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
                found.append(float(node.value))
    return found


def is_among(number: Number, values: Iterable[float]) -> bool:
    """Whether some value is this number as it is written, also as a share in per cent, also without its sign."""
    kinds = [1.0, 100.0] if number.share else [1.0]
    return any(number.is_(sign * kind * value) for value in values for kind in kinds for sign in (1, -1))
