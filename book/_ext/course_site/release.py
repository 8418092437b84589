"""Solutions that aren't shown before a day: pages of `solutions/` are left out of the site until then.

The day is `course_solutions_from` in _config.yml or COURSE_SOLUTIONS_FROM, such as 2027-05-01. What links to solutions
(the map of the book, the table of contents) asks which pages there are, so links go with them.
"""

import os
from datetime import date

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx_external_toc.api import SiteMap

FOLDER = "solutions/"


def hold_back(app: Sphinx, config: Config) -> None:
    """Leave the solutions out if their day is still to come. To be called when the table of contents has been read."""
    day = os.environ.get("COURSE_SOLUTIONS_FROM") or config.course_solutions_from
    if day and is_ahead(str(day), date.today()):
        prune(config.external_site_map)
        config.exclude_patterns.append(f"{FOLDER}**")


def is_ahead(day: str, today: date) -> bool:
    """Whether a day, written 2027-05-01, is still to come; `ExtensionError` if it is no day."""
    try:
        return date.fromisoformat(day) > today
    except ValueError:
        raise ExtensionError(f"course_solutions_from is {day!r}, not a day such as 2027-05-01") from None


def prune(site_map: SiteMap) -> None:
    """Take the solutions' pages out of a table of contents, and lists that become empty with them."""
    for document in list(site_map.values()):
        for tree in document.subtrees:
            tree.items = [item for item in tree.items if not str(item).startswith(FOLDER)]
        document.subtrees = [tree for tree in document.subtrees if tree.items]
    for name in [name for name in site_map if name.startswith(FOLDER)]:
        del site_map[name]
