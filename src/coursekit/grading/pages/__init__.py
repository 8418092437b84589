"""Pages for instructors and students: one style, dark where the reader's system is, and nothing asked of any host."""

from pathlib import Path
from typing import Any

import jinja2

__all__ = ["render"]

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,  # what students wrote is text, whatever it looks like
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(page: str, **values: Any) -> str:
    """The page called `page` with these values: a whole HTML file, in which every value is shown as text."""
    return _TEMPLATES.get_template(f"{page}.html").render(**values)
