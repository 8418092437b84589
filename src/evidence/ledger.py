"""Verdicts on what the five source documents claim: shown in a chapter, gathered for the ledger page.

`verdict` returns a `Verdict` that displays itself as a box and leaves the same facts, machine-readable, in
the output's metadata; `collect` reads them back from committed notebooks without running anything.
"""

import html
import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["DOCUMENTS", "MIME", "VERDICTS", "Verdict", "collect", "verdict"]

MIME = "application/vnd.neuroevo.verdict+json"
"""Key of the machine-readable record in the metadata of an output."""

DOCUMENTS = {
    "S0": "the evolution essay",
    "S1": "the brain essay",
    "S2": "the EMNN paper",
    "S3": "GENREG",
    "S4": "the tuning post",
}
"""Source document -> its name in the book."""

VERDICTS = {
    "confirmed": "confirmed",
    "partly": "partly confirmed",
    "refuted": "refuted",
    "untestable": "untestable",
}
"""Verdict -> the words that the reader sees."""

_MAX_QUOTE_WORDS = 25


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


@dataclass(frozen=True)
class Verdict:
    """One claim, quoted in a few words, and what our evidence says about it."""

    claim: str
    quote: str
    verdict: str
    evidence: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"S\d-\d{2,3}", self.claim) or self.claim[:2] not in DOCUMENTS:
            raise ValueError(f"claim is {self.claim!r}; give a row of the ledger, such as 'S0-13' (S0 to S4).")
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict is {self.verdict!r}; give one of {', '.join(VERDICTS)}.")
        n_words = len(self.quote.split())
        if not 1 <= n_words <= _MAX_QUOTE_WORDS:
            raise ValueError(f"quote has {n_words} words; quote 1 to {_MAX_QUOTE_WORDS}.")
        if not self.evidence.strip():
            raise ValueError("evidence is empty; say in a sentence what was measured.")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"value is {self.value}; give a finite number, or leave it out.")
        if self.interval is not None:
            low, high = self.interval
            if self.value is None or not (math.isfinite(low) and math.isfinite(high) and low <= high):
                raise ValueError(f"interval is {self.interval}; give (low, high) with low <= high, and its value.")

    @property
    def document(self) -> str:
        """The name of the source document in the book."""
        return DOCUMENTS[self.claim[:2]]

    @property
    def measured(self) -> str:
        """The value with its unit and 95 % interval, in words; empty without a value."""
        if self.value is None:
            return ""
        text = f"{_number(self.value)} {self.unit}".strip()
        if self.interval is not None:
            text += f" (95 % interval {_number(self.interval[0])} to {_number(self.interval[1])})"
        return text

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        words, e = VERDICTS[self.verdict], html.escape
        measured = f'\n<p class="verdict-measured">Measured: {e(self.measured)}</p>' if self.measured else ""
        page = (
            f'<aside class="verdict verdict-{self.verdict}" aria-label="Claim {self.claim}: {words}">\n'
            f'<p class="verdict-claim"><strong>{self.claim}</strong>, {e(self.document)}: '
            f"<q>{e(self.quote)}</q></p>\n"
            f'<p class="verdict-word"><strong>Our verdict: {words}.</strong></p>\n'
            f'<p class="verdict-evidence">{e(self.evidence)}</p>{measured}\n'
            "</aside>"
        )
        plain = f"{self.claim} ({self.document}): {self.quote!r}. Verdict: {words}. {self.evidence}"
        record = {name: entry for name, entry in asdict(self).items() if entry not in (None, "")}
        return {"text/html": page, "text/plain": f"{plain} {self.measured}".strip()}, {MIME: record}


def verdict(
    claim: str,
    quote: str,
    verdict: str,
    evidence: str,
    value: float | None = None,
    interval: tuple[float, float] | None = None,
    unit: str = "",
) -> Verdict:
    """Judge one claim; as the last line of a cell, or passed to `display`, it shows as a box.

    `claim` is a row of the ledger ("S0-13"), `quote` at most 25 words of the document, `verdict` one of
    confirmed, partly, refuted, untestable, `evidence` a sentence of plain text on what was measured; `value`
    with its 95 % `interval` (low, high) and `unit` is the number that carries it. Anything else is a
    ValueError.
    """
    number = None if value is None else float(value)
    bounds = None if interval is None else (float(interval[0]), float(interval[1]))
    return Verdict(claim, quote, verdict, evidence, number, bounds, unit)


def collect(paths: Iterable[str | Path]) -> list[Verdict]:
    """Read all verdicts shown in the outputs of the notebooks at `paths`, in order of claim, then of page."""
    found = []
    for path in paths:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                record = output.get("metadata", {}).get(MIME)
                if record is not None:
                    found.append(verdict(**record))
    return sorted(found, key=lambda entry: entry.claim)
