import json
from dataclasses import FrozenInstanceError, asdict
from html.parser import HTMLParser
from xml.etree import ElementTree

import nbformat
import numpy as np
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
    assert set(metadata[ledger.MIME]) == {*GOOD, "value", "interval", "unit"}


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
        ({"verdict": "maybe"}, "verdict is 'maybe'; give one of confirmed, partly, undecided, refuted, untestable"),
        ({"verdict": "used"}, "'used' is no verdict on a claim: show it in a table"),
        ({"quote": "word " * 26 + "…"}, "quote has 26 words; cut it to 25, or quote the whole sentence"),
        ({"quote": "... " + "word " * 26}, "quote has 26 words"),
        ({"quote": " … "}, "quote has no words"),
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


REPLIED = ledger.verdict(**{**GOOD, "verdict": "refuted"}, reply="It holds for <wide> networks. Ours are wide.")


def test_a_whole_sentence_may_be_long():
    assert len(ledger.verdict(**{**GOOD, "quote": "word " * 60}).quote.split()) == 60


def test_a_reply_is_shown_and_kept():
    data, metadata = REPLIED._repr_mimebundle_()
    assert "The author could reply: It holds for &lt;wide&gt; networks." in data["text/html"]
    assert data["text/plain"].endswith(REPLIED.reply)
    assert metadata[ledger.MIME]["reply"] == REPLIED.reply


def test_numbers_of_any_kind_are_kept_as_floats():
    shown = ledger.verdict(**GOOD, value=np.float32(0.5), interval=(np.int64(0), 1))
    json.dumps(shown._repr_mimebundle_()[1])
    assert (shown.value, shown.interval) == (0.5, (0.0, 1.0))


SETTING = ledger.Entry("S0-27", "learning_rate=0.01", "used", "With <1,000> steps.", value=3, unit="times")


def test_rows_are_a_table_with_all_that_a_box_tells():
    data, metadata = ledger.rows([SETTING, REPLIED])._repr_mimebundle_()
    root = ElementTree.fromstring(data["text/html"])
    assert root.get("class") == "verdicts"
    head, first, second = ([" ".join("".join(cell.itertext()).split()) for cell in row] for row in root.iter("tr"))
    assert len(head) == len(first) == len(second) == 4
    assert first == [
        *("S0-27, the evolution essay", "learning_rate=0.01", "used"),
        "With <1,000> steps. Measured: 3 times",
    ]
    assert "The author could reply:" in second[3]
    assert data["text/plain"].count("\n") == 1
    assert [row["claim"] for row in metadata[ledger.MIME]] == ["S0-27", "S0-13"]


def test_an_empty_table_is_refused():
    with pytest.raises(ValueError, match="entries is empty"):
        ledger.rows([])


def test_collect_reads_back_what_was_shown(tmp_path):
    first = ledger.verdict(**GOOD, value=1, interval=(0, 2), unit="steps")
    second = ledger.verdict(**{**GOOD, "claim": "S0-12", "verdict": "refuted"})
    outputs = []
    for shown in (first, second, ledger.rows([SETTING, REPLIED])):
        data, metadata = shown._repr_mimebundle_()
        outputs.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata))
    cells = [
        nbformat.v4.new_markdown_cell("no outputs"),
        nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")]),
        nbformat.v4.new_code_cell("two", outputs=outputs),
    ]
    page = tmp_path / "01_page.ipynb"
    page.write_text(json.dumps(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")
    in_row = ledger.Entry(**asdict(REPLIED))
    assert ledger.collect([page]) == [second, first, in_row, SETTING]
    assert ledger.collect([]) == []


def entry(claim="S0-13", quote="a quote", verdict="confirmed", reply=""):
    return ledger.Entry(claim, quote, verdict, "So it is.", reply=reply)


def test_rules_of_the_ledger():
    pages = {
        "a": [entry("S0-01"), entry("S0-02", verdict="refuted", reply="No."), entry("S0-03", verdict="refuted")],
        "b": [entry("S0-01", verdict="used"), entry("S0-04"), entry("S0-04")],
    }
    assert ledger.rule_faults(pages) == [
        ("a", "S0-01", "has 2 verdicts: a, b"),
        ("a", "S0-03", "is refuted without its author's best reply"),
        ("b", "S0-01", "has 2 verdicts: a, b"),
        ("b", "S0-04", "has 2 verdicts: b, b"),
    ]


ESSAY = """so you wanna know  right  Like "evolution" but with maths and code  It's cool
Networks adapt: They learn. *Some* don’t  the rest – mostly – do.

* one item, in a list
    w += rate * error * x[j]
数据很小。方法很慢,结果很好。"""
PAPER = "A title\n\nEvolution of minimal\n\nnetworks works. Lines are\n\nwrapped\n\n- 1. Start: Random rows."


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("S0-01", "so you wanna know right"),
        ("S0-01", "Like 'evolution' but with maths and code"),
        ("S0-01", "Like “evolution” … code It's cool"),
        ("S0-01", "… wanna know …"),
        ("S0-01", "... you ... right"),
        ("S0-01", "Networks adapt: They learn."),
        ("S0-01", "They learn"),
        ("S0-01", "Some don't the rest - mostly — do."),
        ("S0-01", "one item, in a list"),
        ("S0-01", "w += rate * error * x[j]"),
        ("S0-01", "方法很慢,结果很好"),
        ("S0-01", "… 结果很好。"),
        ("S2-01", "Evolution of minimal networks works"),
        ("S2-01", "Lines are wrapped"),
        ("S2-01", "Random rows"),
        ("S4-01", "There is no such document here"),
    ],
)
def test_quotes_that_are_right(claim, quote):
    assert ledger.quote_faults({"page": [entry(claim, quote)]}, {"S0": ESSAY, "S2": PAPER}) == []


@pytest.mark.parametrize(
    ("claim", "quote", "words"),
    [
        ("S0-01", "so you want to know right", "isn't in its document"),
        ("S0-01", "right … so you wanna know", "isn't in its document"),
        ("S0-01", "… anna know …", "isn't in its document"),
        ("S0-01", "… you wan …", "isn't in its document"),
        ("S0-01", "w -= rate * error * x[j]", "isn't in its document"),
        ("S0-01", "like 'evolution' but with maths and code", "isn't in its document"),
        ("S2-01", "so you wanna know right", "isn't in its document"),
        ("S0-01", "wanna know right", "inside a sentence"),
        ("S0-01", "so you wanna", "inside a sentence"),
        ("S0-01", "right", "inside a sentence"),
        ("S0-01", "so you … know", "inside a sentence"),
        ("S0-01", "… you wanna", "inside a sentence"),
        ("S0-01", "in a list", "inside a sentence"),
        ("S0-01", "结果很好。", "inside a sentence"),
        ("S2-01", "networks works.", "inside a sentence"),
        ("S2-01", "Evolution of minimal", "inside a sentence"),
    ],
)
def test_quotes_that_are_wrong(claim, quote, words):
    ((page, found, fault),) = ledger.quote_faults({"page": [entry(claim, quote)]}, {"S0": ESSAY, "S2": PAPER})
    assert (page, found) == ("page", claim)
    assert words in fault
    assert repr(quote) in fault
