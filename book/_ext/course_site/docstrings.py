"""Docstrings are written to be read in an editor, with Markdown in mind; this lets Sphinx read them in the same way."""

import re
from collections.abc import Iterator

from sphinx.application import Sphinx

# What keeps its meaning: `code`, ``code`` and **bold**. Every other sign of markup in prose is meant as it stands.
_MARKUP = re.compile(r"(``.+?``|`[^`]+`|\*\*\S(?:[^*]*\S)?\*\*)")
_SIGNS = re.compile(r"(?<!^)[*]|[|]|(?<=\w)_(?!\w)")


def read_as_markdown(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Show examples as code and formulas as they are.

    reStructuredText takes a block that is set in by four spaces for a quotation and runs its lines together, takes
    `|g|` for the name of a substitution, `2 * (a *b` for the start of emphasis and `mutate_` for a link.
    """
    lines[:] = list(_converted(lines))
    if what in ("attribute", "data", "property"):
        lines.insert(0, "")  # else napoleon takes what stands before a colon in the first line for a type


def _converted(lines: list[str]) -> Iterator[str]:
    example = False
    for number, line in enumerate(lines):
        if line.startswith("    ") and number >= 2 and not lines[number - 1].strip() and _is_prose(lines[number - 2]):
            example = True
            yield from ("::", "")
        elif line.strip() and not line.startswith("    "):
            example = False
        yield line if example else _literal(line)


def _is_prose(line: str) -> bool:
    return bool(line.strip()) and not line.startswith((" ", "..", "-", "*")) and not line.rstrip().endswith("::")


def _literal(line: str) -> str:
    start = len(line) - len(line.lstrip())
    parts = _MARKUP.split(line[start:])
    parts[::2] = [_SIGNS.sub(r"\\\g<0>", part) for part in parts[::2]]
    return line[:start] + "".join(parts)
