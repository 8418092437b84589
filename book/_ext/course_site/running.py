"""Figures that run in the page: each stands below the figure of the book whose name its module bears.

`book/_static/play` says how a module is written. Where scripting is off, in print and in JupyterLab the book's own
figure, above, is all there is, and enough.
"""

import json
import tomllib
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from neuroevo import results

PLAY = Path(__file__).parents[2] / "_static" / "play"
STORED = PLAY.parents[1] / "play" / "stored.toml"


class PlaceFigures(SphinxTransform):
    """Put an empty stage, and the script that fills it, below each figure that has a module."""

    default_priority = 510  # after plain.DressPlainText, which makes the figures

    def apply(self, **kwargs: object) -> None:
        places = [node for node in self.document.findall() if isinstance(node, nodes.figure | nodes.target)]
        names = {name: node for node in places for name in node["ids"] if (PLAY / f"{name}.js").exists()}
        static = "../" * self.env.docname.count("/") + "_static"
        for i, (name, node) in enumerate(names.items()):
            self.env.note_dependency(str(PLAY / f"{name}.js"))
            while not isinstance(node.parent, nodes.section):
                node = node.parent
            script = "" if i else f'<script type="module" src="{static}/play/play.js"></script>'
            stage = nodes.raw("", f'<div class="play" data-figure="{name}"></div>{script}', format="html")
            node.parent.insert(node.parent.index(node) + 1, stage)


def write_data(app: Sphinx, exception: Exception | None) -> None:
    """Write what the figures show of stored runs, as book/play/stored.toml says, column by column."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "play" / "data"
    for name, part in tomllib.loads(STORED.read_text("utf-8")).items():
        table = results.load(part["run"]).tables[part["table"]]
        rows = table.query(part["rows"]) if "rows" in part else table
        folder.mkdir(parents=True, exist_ok=True)
        columns = rows[part["columns"]].to_dict("list")
        (folder / f"{name}.json").write_text(json.dumps(columns, separators=(",", ":")), encoding="utf-8")
