"""Keep every page on this host: nothing is asked of another one when a page is opened."""

from typing import Any

from sphinx.application import Sphinx


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
