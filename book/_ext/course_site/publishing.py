"""What a site tells search engines and those who share a link: its address, a map, descriptions and a card.

Its address is taken from the environment variable ``COURSE_SITE``, which whoever publishes it sets; a copy that is
built for reading at home has none, and says nothing of this kind but the descriptions.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

import neuroevo

from . import repository

EXTENSIONS = ("sphinxext.opengraph", "notfound.extension")


def load_extensions(app: Sphinx) -> None:
    """Load what writes the tags, and the page for an address that isn't there."""
    for extension in EXTENSIONS + (("sphinx_sitemap",) if address() else ()):
        app.setup_extension(extension)


def address() -> str:
    """Where this site will stand, with a slash at its end, or an empty text.

    Raises:
        ConfigError: ``COURSE_SITE`` is set to something that is no address of a page.
    """
    given = os.environ.get("COURSE_SITE", "").strip()
    if given and urlsplit(given).scheme not in ("http", "https"):
        raise ConfigError(f"COURSE_SITE is {given!r}; expected an address such as https://OWNER.github.io/NAME/.")
    return given and given.rstrip("/") + "/"


def tell_address(app: Sphinx, config: Config) -> None:
    """Set what the extensions and Sphinx (which writes the canonical address) read."""
    site = address()
    config.html_baseurl = config.ogp_site_url = site
    config.ogp_site_name = config.project
    config.ogp_social_cards = {"enable": False}  # a picture a page, drawn anew in each build
    config.ogp_image = "_static/card.png"
    config.ogp_image_alt = "A valley, blue, with a population of orange dots that goes down one of its sides."
    config.ogp_enable_meta_description = True
    config.notfound_urls_prefix = urlsplit(site).path or "/"
    config.sitemap_url_scheme = "{link}"
    config.sitemap_excludes = ["search.html", "genindex.html", "py-modindex.html", "404.html", "solutions/*"]


def write_footer(app: Sphinx, config: Config) -> None:
    """Say below each page its version, when the notebooks last ran, the licences, and where to turn."""
    parts = [f"Version {neuroevo.__version__}"]
    if executed := repository.git(Path(app.srcdir), "log", "-1", "--format=%cs", "--", "notebooks"):
        parts.append(f"notebooks last executed by {executed}")
    parts.append("text CC BY 4.0, code MIT")
    if course := config.course_repository:
        cite = f"{course}/blob/{config.course_branch}/CITATION.cff"
        parts += [f'<a href="{cite}">how to cite</a>', f'<a href="{course}/issues/new">report an error</a>']
    config.html_theme_options["extra_footer"] = f"<p>{' · '.join(parts)}</p>"
