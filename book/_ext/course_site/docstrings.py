"""Docstrings are written to be read in an editor; this lets Sphinx read them in the same way."""

from sphinx.application import Sphinx


def show_examples(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Show what stands four spaces in, after an empty line, as code: so the eye reads it, and so does Markdown.

    reStructuredText takes such a block for a quotation, runs its lines together, and fails on code that is indented.
    """
    shown: list[str] = []
    for number, line in enumerate(lines):
        if line.startswith("    ") and number >= 2 and not lines[number - 1].strip() and _is_prose(lines[number - 2]):
            shown += ["::", ""]
        shown.append(line)
    lines[:] = shown


def _is_prose(line: str) -> bool:
    return bool(line.strip()) and not line.startswith((" ", "..", "-", "*")) and not line.rstrip().endswith("::")
