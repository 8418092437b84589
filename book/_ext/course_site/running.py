"""Figures that run in the page: each stands below the figure of the book whose name its module bears.

`book/_static/play` says how a module is written. Where scripting is off, in print and in JupyterLab the book's own
figure, above, is all there is, and enough.
"""

import json
import tomllib
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from neuroevo import results

PLAY = Path(__file__).parents[2] / "_static" / "play"
STORED = PLAY.parents[1] / "play" / "stored.toml"


class PlaceFigures(SphinxTransform):
    """Put an empty stage, and the script that fills it, below each figure that has a module."""

    default_priority = 510  # after plain.DressPlainText, which makes the figures

    def apply(self, **kwargs: object) -> None:
        places = [node for node in self.document.findall() if isinstance(node, nodes.figure | nodes.target)]
        names = {name: node for node in places for name in node["ids"] if (PLAY / f"{name}.js").exists()}
        for name, node in names.items():
            while not isinstance(node.parent, nodes.section):
                node = node.parent
            node.parent.insert(node.parent.index(node) + 1, _stage(self.env, name))


class RunningFigure(SphinxDirective):
    """A figure that runs on a page which isn't a notebook; the argument names its module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return [_stage(self.env, self.arguments[0])]


def _stage(env: BuildEnvironment, name: str) -> nodes.Node:
    """The place that the figure fills, and the script that fills all: a browser runs a module once."""
    env.note_dependency(str(PLAY / f"{name}.js"))
    static = "../" * env.docname.count("/") + "_static"
    script = f'<script type="module" src="{static}/play/play.js"></script>'
    return nodes.raw("", f'<div class="play" data-figure="{name}"></div>{script}', format="html")


def write_data(app: Sphinx, exception: Exception | None) -> None:
    """Write what the figures show of stored runs beside their modules."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "play" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in tomllib.loads(STORED.read_text("utf-8")).items():
        file, run = folder / f"{name}.json", results.results_folder() / part.get("run", "designs")
        if not file.exists() or file.stat().st_mtime < max(path.stat().st_mtime for path in (STORED, *run.iterdir())):
            file.write_text(json.dumps(stored(name), separators=(",", ":")), encoding="utf-8")
    write_letters(folder)


def write_letters(folder: Path) -> None:
    """Draw chapter 12's letters, a PNG a font: A to Z beside each other, white on black, pixel by pixel the run's."""
    source, drawn = Path(results.__file__).parents[1], list(folder.glob("letters-*.png"))
    code = (source / "neuroevo" / "data" / "fonts.py", source / "evidence" / "runs" / "letters_moved.py")
    if drawn and min(path.stat().st_mtime for path in drawn) > max(path.stat().st_mtime for path in code):
        return
    from evidence.runs import letters_moved  # with PyTorch, as below

    for family in letters_moved.FACES:
        letters = (255 * letters_moved.pictures(family)).round().byte().view(26, letters_moved.SIDE, -1)
        strip = Image.fromarray(letters.permute(1, 0, 2).flatten(1).numpy())
        strip.save(folder / f"letters-{family.replace(' ', '-')}.png", optimize=True)


def stored(name: str) -> dict[str, list]:
    """The columns that book/play/stored.toml says a figure needs."""
    part = tomllib.loads(STORED.read_text("utf-8"))[name]
    if "patience" in part:
        from neuroevo.search import designs  # with PyTorch, which takes a second

        # Every design, once a network: trained until that many epochs brought nothing better.
        outcomes = designs.read().outcomes(patience=part["patience"])
        columns = {key: getattr(outcomes, key).round(decimals=4).tolist() for key in ("validation", "test", "seconds")}
        return columns | {"sizes": list(designs.SPACE.sizes)}
    table = results.load(part["run"]).tables[part["table"]]
    rows = table.query(part["rows"]) if "rows" in part else table
    if "each" in part:
        rows = rows.groupby(part["each"], sort=False, as_index=False).agg(part["becomes"])
    return dict(rows[part["columns"]].to_dict("list"))
