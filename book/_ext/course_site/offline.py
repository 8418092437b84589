"""Keep every page on this host: nothing is asked of another one when a page is opened."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

# The package is a folder whose name has dashes, holding MathJax 3 as it was published. It can be loaded as an
# extension, but then it copies all 24 MB of it. We take from it what a page that writes TeX can ask for.
# MathJax and its fonts are under the Apache License 2.0, whose text must go with every copy. The package names the
# licence and leaves out the text, so that is in book/_static/mathjax/LICENSE.
MATHJAX_PACKAGE = "sphinx-mathjax-offline"
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions")


def use_local_mathjax(app: Sphinx, config: Config) -> None:
    """Point pages with formulas at the copy in _static instead of a content delivery network."""
    config.mathjax_path = "mathjax/tex-chtml.js"


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Put the needed parts of MathJax beside the pages."""
    if exception is not None or app.builder.format != "html":
        return
    spec = importlib.util.find_spec(MATHJAX_PACKAGE)
    if spec is None or spec.origin is None:
        raise ExtensionError(f"{MATHJAX_PACKAGE} is not installed; pip install -e '.[book]' brings it.")
    source = Path(spec.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in MATHJAX_PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            shutil.copy2(source / part, target / part)


def drop_thebe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Leave out the scripts of sphinx-thebe, which Jupyter Book loads even where live code is switched off.

    They name another host, and on every page they end in an error: the same constant is declared twice.
    """
    for kind in ("script_files", "css_files"):
        context[kind] = [item for item in context[kind] if not _is_thebe(item)]


def _is_thebe(item: object) -> bool:
    filename = str(getattr(item, "filename", item) or "")
    body = str(getattr(item, "attributes", {}).get("body") or "")
    return "thebe" in filename or "THEBE" in body


def drop_thebe_config(app: Sphinx, doctree: Any, docname: str) -> None:
    """Take sphinx-thebe's settings, which name a repository that is not ours, out of the end of each page."""
    for node in [node for node in doctree.children if "thebe" in node.astext() or "kernelName" in node.astext()]:
        if node.tagname == "raw":
            doctree.remove(node)
