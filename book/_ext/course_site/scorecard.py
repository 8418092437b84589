"""The title question's scorecard: what selection did beside the gradient's best reply, task by task."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from .directives import depend_on, page_link

_COLUMNS = {  # the verdict is second, where a phone shows it
    "No slope to follow": 30,
    "Selection …": 26,
    "Its score": 22,
    "The gradient's best reply": 22,
}
_SHOWN = {
    "T1": "units that are steps",
    "T2": "weights of −1, 0 and 1",
    "T3a": "errors counted, a line among outliers",
    "T4": "which connections there are",
    "T5": "a simulator that can't be looked into",
}


class Scorecard(SphinxDirective):
    """Draw the five rows of the stored run title-question; the argument is the page that tells of them."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        from evidence.runs.title_question import verdicts
        from neuroevo import results

        depend_on(self.env, results.results_folder() / "title-question" / "provenance.json")
        rows = [self._row(verdict) for verdict in verdicts.card(results.load("title-question"))]
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", name)) for name in _COLUMNS))
        widths = [nodes.colspec(colwidth=width) for width in _COLUMNS.values()]
        group = nodes.tgroup("", *widths, nodes.thead("", head), nodes.tbody("", *rows), cols=len(_COLUMNS))
        return [nodes.table("", group, classes=["scorecard", "colwidths-given"])]

    def _row(self, verdict: "verdicts.Verdict") -> nodes.Node:  # noqa: F821
        word = nodes.strong("", verdict.word, classes=["verdict-word"])
        unit = " points" if verdict.larger else ""
        gain = nodes.Text(f" {verdict.gain_text()}{unit}".replace("-", "−"))
        cells = [
            [page_link(self.env, self.arguments[0], _SHOWN[verdict.task])],
            [word, gain],
            [nodes.Text(f"{number(verdict.mean, verdict.score)}, {verdict.arm}")],
            [nodes.Text(f"{number(verdict.reply_mean, verdict.score)}, {verdict.reply}")],
        ]
        entries = [nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells]
        return nodes.row("", *entries, classes=[f"selection-{verdict.word}"])


def number(mean: float, score: str) -> str:
    """A mean score with its unit, short."""
    return f"{mean:.1f} %" if score.endswith("%") else f"{mean:,.0f} {score.split()[0]}"
