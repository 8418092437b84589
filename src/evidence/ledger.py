"""What the five source documents say, and what our evidence says to it: shown in a chapter, gathered for the ledger.

`verdict` judges a claim and shows itself as a box; `rows` shows many entries in a table, also those that nobody can
judge: settings, plans and opinions. Both leave the same facts, machine-readable, in the output's metadata; `collect`
reads them back from committed notebooks without running anything. `quote_faults` and `rule_faults` check them.
"""

import html
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = [
    *("DOCUMENTS", "JUDGED", "MIME", "VERDICTS"),
    *("Entry", "Rows", "Verdict", "collect", "quote_faults", "rows", "rule_faults", "verdict"),
]

MIME = "application/vnd.neuroevo.verdict+json"
"""Key of the machine-readable record in the metadata of an output: one entry, or a list of them."""

DOCUMENTS = {
    "S0": "the evolution essay",
    "S1": "the brain essay",
    "S2": "the EMNN paper",
    "S3": "GENREG",
    "S4": "the tuning post",
}
"""Source document -> its name in the book."""

JUDGED = {
    "confirmed": "confirmed",
    "partly": "partly confirmed",
    "undecided": "undecided",
    "refuted": "refuted",
    "untestable": "untestable",
}
"""Verdict on a claim -> the words that the reader sees."""

VERDICTS = JUDGED | {"opinion": "an opinion", "tried": "tried", "used": "used"}
"""The same, with what becomes of an opinion, of a plan or a question, and of a setting; these stand in tables only."""

_MOST_WORDS = 25
_CUT = r"…|\.\.\."


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


@dataclass(frozen=True)
class Entry:
    """One passage of a document, and what our evidence says about it.

    Args:
        claim: a row of the ledger ("S0-13").
        quote: the document's sentence, whole or cut: "…" where words are left out, at its ends too. A cut one has at
            most 25 words.
        verdict: a key of `VERDICTS`.
        evidence: in plain text, what was measured.
        value: the number that carries it.
        interval: its 95 % interval (low, high).
        unit: of the number.
        reply: to "refuted", the best that the author could say, and why it doesn't save the claim.

    Raises:
        ValueError: something is none of this.
    """

    claim: str
    quote: str
    verdict: str
    evidence: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    unit: str = ""
    reply: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"S\d-\d{2,3}", self.claim) or self.claim[:2] not in DOCUMENTS:
            raise ValueError(f"claim is {self.claim!r}; give a row of the ledger, such as 'S0-13' (S0 to S4).")
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict is {self.verdict!r}; give one of {', '.join(VERDICTS)}.")
        n_words = len(re.sub(_CUT, " ", self.quote).split())
        if n_words == 0:
            raise ValueError("quote has no words; quote the document.")
        if n_words > _MOST_WORDS and re.search(_CUT, self.quote):
            raise ValueError(f"quote has {n_words} words; cut it to {_MOST_WORDS}, or quote the whole sentence.")
        if not self.evidence.strip():
            raise ValueError("evidence is empty; say in a sentence what was measured.")
        if self.value is not None:
            object.__setattr__(self, "value", float(self.value))  # so a tensor will do
            if not math.isfinite(self.value):
                raise ValueError(f"value is {self.value}; give a finite number, or leave it out.")
        if self.interval is not None:
            low, high = map(float, self.interval)
            object.__setattr__(self, "interval", (low, high))
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

    @property
    def _record(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}

    @property
    def _paragraphs(self) -> str:
        """The evidence and what follows it, as HTML."""
        shown = {"evidence": self.evidence, "measured": self.measured, "reply": self.reply}
        before = {"measured": "Measured: ", "reply": "The author could reply: "}
        return "\n".join(
            f'<p class="verdict-{part}">{before.get(part, "")}{html.escape(text)}</p>'
            for part, text in shown.items()
            if text
        )

    def __str__(self) -> str:
        words = f"{self.claim} ({self.document}): {self.quote!r}. Verdict: {VERDICTS[self.verdict]}. {self.evidence}"
        return " ".join(part for part in (words, self.measured, self.reply) if part)


@dataclass(frozen=True)
class Verdict(Entry):
    """A claim and our judgement of it; as the last line of a cell, or passed to `display`, it shows as a box."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.verdict not in JUDGED:
            raise ValueError(f"{self.verdict!r} is no verdict on a claim: show it in a table, `rows([Entry(...)])`.")

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        words, e = JUDGED[self.verdict], html.escape
        page = (
            f'<aside class="verdict verdict-{self.verdict}" aria-label="Claim {self.claim}: {words}">\n'
            f'<p class="verdict-claim"><strong>{self.claim}</strong>, {e(self.document)}: '
            f"<q>{e(self.quote)}</q></p>\n"
            f'<p class="verdict-word"><strong>Our verdict: {words}.</strong></p>\n'
            f"{self._paragraphs}\n"
            "</aside>"
        )
        return {"text/html": page, "text/plain": str(self)}, {MIME: self._record}


def verdict(
    claim: str,
    quote: str,
    verdict: str,
    evidence: str,
    value: float | None = None,
    interval: tuple[float, float] | None = None,
    unit: str = "",
    reply: str = "",
) -> Verdict:
    """Judge one claim, in a box. The arguments are those of `Entry`; `verdict` is a key of `JUDGED`."""
    return Verdict(claim, quote, verdict, evidence, value, interval, unit, reply)


@dataclass(frozen=True)
class Rows:
    """Entries as a table with a row for each; shows itself as a verdict does."""

    entries: tuple[Entry, ...]

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        e = html.escape
        body = "\n".join(
            f'<tr class="verdict-{entry.verdict}">\n'
            f'<th scope="row">{entry.claim}, {e(entry.document)}</th>\n'
            f"<td><q>{e(entry.quote)}</q></td>\n"
            f'<td class="verdict-word">{VERDICTS[entry.verdict]}</td>\n'
            f"<td>{entry._paragraphs}</td>\n"
            "</tr>"
            for entry in self.entries
        )
        head = "".join(
            f'<th scope="col">{title}</th>' for title in ("Where", "What it says", "Verdict", "What we found")
        )
        page = f'<table class="verdicts">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'
        plain = "\n".join(map(str, self.entries))
        return {"text/html": page, "text/plain": plain}, {MIME: [entry._record for entry in self.entries]}


def rows(entries: Iterable[Entry]) -> Rows:
    """A table of entries: settings, plans, opinions, and claims that need no box. ValueError: there is none."""
    table = Rows(tuple(entries))
    if not table.entries:
        raise ValueError("entries is empty; give one Entry or more.")
    return table


def collect(paths: Iterable[str | Path]) -> list[Entry]:
    """Read all entries shown in the outputs of the notebooks at `paths`, in order of claim, then of page."""
    found: list[Entry] = []
    for path in paths:
        notebook = json.loads(Path(path).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                record = output.get("metadata", {}).get(MIME, [])
                found += [Entry(**row) for row in record] if isinstance(record, list) else [Verdict(**record)]
    return sorted(found, key=lambda entry: entry.claim)


def rule_faults(pages: Mapping[str, Iterable[Entry]]) -> list[tuple[str, str, str]]:
    """(page, claim, what is wrong) for each claim with two verdicts, wherever they are, or refuted without a reply.

    `pages` is the name of a page -> the entries that it shows.
    """
    shown = [(page, entry) for page, entries in pages.items() for entry in entries]
    where = defaultdict(list)
    for page, entry in shown:
        where[entry.claim].append(page)
    found = set()
    for page, entry in shown:
        if len(at := where[entry.claim]) > 1:
            found.add((page, entry.claim, f"has {len(at)} verdicts: {', '.join(at)}"))
        if entry.verdict == "refuted" and not entry.reply:
            found.add((page, entry.claim, "is refuted without its author's best reply"))
    return sorted(found)


# --- Quotes beside their documents ---------------------------------------------------------------------------------

_WRAPPED = ("S2",)  # a line of this document may go on with the sentence of the line before
_TYPOGRAPHY = str.maketrans({**dict.fromkeys('‘’“”"', "'"), **dict.fromkeys("–—−‐‑", "-"), "\xa0": " "})


def quote_faults(pages: Mapping[str, Iterable[Entry]], documents: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(page, claim, what is wrong) for each quote that isn't in its document, or hides that it is cut.

    Kinds of quotation marks and dashes, white space and Markdown's marks for emphasis make no difference.

    Args:
        pages: name of a page -> the entries that it shows.
        documents: a key of `DOCUMENTS` -> its text; quotes from others are not looked at.
    """
    texts = {key: _with_sentences(text, wrapped=key in _WRAPPED) for key, text in documents.items()}
    found = []
    for page, entries in pages.items():
        for entry in entries:
            text = texts.get(entry.claim[:2])
            if text is not None and (fault := _misquoted(entry.quote, text)):
                found.append((page, entry.claim, f"{fault}: {entry.quote!r}"))
    return found


def _with_sentences(document: str, wrapped: bool) -> str:
    """The text on one line, with ¶ where a sentence starts, and at the end.

    The two essays have no full stops: two spaces and a capital letter start a sentence too, as does a new line.
    """
    text = document.translate(_TYPOGRAPHY)
    text = re.sub(r"([.!?:][')\]*]*)\s+(?=[^a-z\s])", r"\1 ¶", text).replace("。", "。¶")
    text = re.sub(r"[ \t]{2,}(?=[^a-z\s])", " ¶", text)
    text = re.sub(r"\n\s*(?=[^a-z\s])" if wrapped else r"\n\s*", " ¶", text)
    return f"¶{_one_line(text)} ¶"


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"[*`$]", "", text).split())


def _misquoted(quote: str, text: str) -> str:
    """What is wrong with a quote, or nothing."""
    pieces = [_one_line(piece).strip(" '.,;:!?()") for piece in re.split(_CUT, quote.translate(_TYPOGRAPHY))]
    words = [r"[ ¶]+".join(map(re.escape, piece.split())) for piece in pieces if piece]
    inside = r"(?<!\w)" + r"(?!\w).*?(?<!\w)".join(words) + r"(?!\w)"
    if not re.search(inside, text):
        return "the quote isn't in its document"
    start, stop = r"¶\W*" if pieces[0] else "", r"\W*¶" if pieces[-1] else ""
    if not re.search(start + inside + stop, text):
        return "the quote starts or stops inside a sentence; put an ellipsis there"
    return ""
