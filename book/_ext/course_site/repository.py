"""Where the course lives, so that a fork's buttons open the fork.

The address is never written into the book. It is taken from the environment variable ``COURSE_REPOSITORY``, or else
from ``git remote get-url origin``. Where neither names a GitHub repository, launch, repository and edit buttons are
left out: a missing button is better than a broken one.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

SETUP, IN_BROWSER = "book/setup", "#in-your-browser-with-nothing-installed"
_GITHUB = re.compile(
    r"""(?: (?:https?|git|ssh)://  (?:[^@/\s]+@)?  (?:www\.|ssh\.)?github\.com  (?::\d+)?  /   # https://, ssh://
          | [^@/\s]+@github\.com:  /?                                                          # git@github.com:
        )
        (?P<owner>[A-Za-z0-9][A-Za-z0-9-]*) / (?P<name>[A-Za-z0-9._-]+?)  (?:\.git)?  /?""",
    re.VERBOSE | re.IGNORECASE,
)


def normalise(address: str) -> str | None:
    """Return ``https://github.com/OWNER/NAME`` for any https or ssh form of it, and None for every other address.

    A user name or a token inside the address is dropped: it must never reach a page.
    """
    match = _GITHUB.fullmatch(address.strip())
    return f"https://github.com/{match['owner']}/{match['name']}" if match else None


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints, or an empty text where git, the repository or the remote is missing."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def find_repository(folder: Path) -> str | None:
    """Return the GitHub address of the course in ``folder``, or None.

    Raises:
        ConfigError: ``COURSE_REPOSITORY`` is set to something that is not a GitHub address. It was set on purpose, so
            to ignore it would hide a slip of the pen.
    """
    given = os.environ.get("COURSE_REPOSITORY", "").strip()
    if given:
        address = normalise(given)
        if address is None:
            raise ConfigError(
                f"COURSE_REPOSITORY is {given!r}, which is not the address of a GitHub repository. Expected a form "
                "such as https://github.com/OWNER/NAME or git@github.com:OWNER/NAME.git; unset it to use git's origin."
            )
        return address
    top = git(folder, "rev-parse", "--show-toplevel")
    # A copy of the course inside somebody's larger repository: paths in that repository are not ours to guess.
    if not top or Path(top).resolve() != folder.resolve():
        return None
    return normalise(git(folder, "remote", "get-url", "origin"))


def set_theme_options(app: Sphinx, config: Config) -> None:
    """Turn the buttons on where the address is known, and off where it is not."""
    config.course_repository = find_repository(Path(app.srcdir))
    config.course_branch = os.environ.get("COURSE_BRANCH", "").strip() or "main"
    options = config.html_theme_options
    if config.course_repository:
        options["repository_url"] = config.course_repository
        options["repository_branch"] = config.course_branch
    else:
        # Jupyter Book's own default is the address of its own repository, which is not ours.
        options.pop("repository_url", None)
        options["launch_buttons"] = {}
    for button in ("use_repository_button", "use_edit_page_button", "use_issues_button"):
        options[button] = bool(config.course_repository)


def tell_of_first_cell(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Put below the button for Colab a link to the cell that a notebook needs there."""
    for group in context.get("header_buttons", []):
        if group.get("label") == "launch-buttons" and SETUP in app.env.found_docs:
            link = {
                "text": "Colab's first cell",
                "tooltip": "What a notebook needs in Colab",
                "icon": "fas fa-circle-info",
            }
            group["buttons"].append({"type": "link", "url": context["pathto"](SETUP) + IN_BROWSER} | link)
