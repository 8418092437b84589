import json
from dataclasses import FrozenInstanceError
from html.parser import HTMLParser

import nbformat
import pytest

from evidence import ledger

GOOD = {
    "claim": "S0-13",
    "quote": "prone to getting stuck in local minima",
    "verdict": "partly",
    "evidence": "Its own example is one bowl: 100 of 100 starts end in the same place.",
}


def test_verdict_shows_claim_document_quote_and_words():
    data, metadata = ledger.verdict(**GOOD, value=0.123456, interval=(0.1, 0.2), unit="a step")._repr_mimebundle_()
    page = data["text/html"]
    assert page.startswith('<aside class="verdict verdict-partly" aria-label="Claim S0-13: partly confirmed">')
    for words in (
        "S0-13",
        "the evolution essay",
        GOOD["quote"],
        "Our verdict: partly confirmed.",
        GOOD["evidence"],
    ):
        assert words in page
        assert words.removeprefix("Our ").casefold() in data["text/plain"].casefold()
    assert "0.123 a step (95 % interval 0.1 to 0.2)" in page
    assert set(metadata) == {ledger.MIME}


def test_verdict_is_well_formed_and_escaped():
    class Tags(HTMLParser):
        def __init__(self):
            super().__init__()
            self.seen, self.open = [], []

        def handle_starttag(self, tag, attrs):
            self.seen.append(tag)
            self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    parser = Tags()
    shown = ledger.verdict(**{**GOOD, "evidence": "loss < 0 <script>"})._repr_mimebundle_()[0]["text/html"]
    parser.feed(shown)
    assert parser.open == []
    assert "script" not in parser.seen
    assert "loss &lt; 0" in shown


@pytest.mark.parametrize(("value", "text"), [(None, ""), (0.08452, "0.0845"), (12345.6, "12,346"), (-2.0, "-2")])
def test_measured_in_words(value, text):
    assert ledger.verdict(**GOOD, value=value).measured == text


@pytest.mark.parametrize("document", ledger.DOCUMENTS)
def test_document_comes_from_the_claim(document):
    assert ledger.verdict(**{**GOOD, "claim": f"{document}-07"}).document == ledger.DOCUMENTS[document]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"claim": "S0-1"}, "claim is 'S0-1'"),
        ({"claim": "S5-01"}, "claim is 'S5-01'"),
        ({"verdict": "maybe"}, "verdict is 'maybe'; give one of confirmed, partly, refuted, untestable"),
        ({"quote": "word " * 26}, "quote has 26 words"),
        ({"quote": " "}, "quote has 0 words"),
        ({"evidence": " "}, "evidence is empty"),
        ({"value": float("nan")}, "value is nan"),
        ({"interval": (0.0, 1.0)}, "interval is"),
        ({"value": 1.0, "interval": (2.0, 1.0)}, "low <= high"),
        ({"value": 1.0, "interval": (0.0, float("inf"))}, "interval is"),
    ],
)
def test_bad_verdicts_say_what_is_wrong(change, message):
    with pytest.raises(ValueError, match="^" + message if "low" not in message else message):
        ledger.verdict(**{**GOOD, **change})


def test_verdict_is_frozen():
    with pytest.raises(FrozenInstanceError):
        ledger.verdict(**GOOD).quote = "another"


def test_collect_reads_back_what_was_shown(tmp_path):
    first = ledger.verdict(**GOOD, value=1, interval=(0, 2), unit="steps")
    second = ledger.verdict(**{**GOOD, "claim": "S0-12", "verdict": "refuted"})
    outputs = []
    for entry in (first, second):
        data, metadata = entry._repr_mimebundle_()
        outputs.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata))
    cells = [
        nbformat.v4.new_markdown_cell("no outputs"),
        nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")]),
        nbformat.v4.new_code_cell("two", outputs=outputs),
    ]
    page = tmp_path / "01_page.ipynb"
    page.write_text(json.dumps(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    assert ledger.collect([page]) == [second, first]
    assert ledger.collect([]) == []
