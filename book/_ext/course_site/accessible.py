"""Mend what stands in the way of a keyboard, a screen reader or a small screen, in pages that are already written.

The faults are the theme's and its tools', found with axe-core. They are spread over templates of five packages, so the
finished pages are mended here, one function for each fault, instead of keeping copies of all those templates. Each
function leaves a page as it is where its fault isn't there: when a new version of the theme has mended it, nothing
breaks, and the function can go.
"""

from bs4 import BeautifulSoup


def let_text_name_buttons(soup: BeautifulSoup) -> None:
    """A button that shows "Search" and "Ctrl K" but is called "Search" can't be found by people who say what they see.

    The text is the name; keys and icons are decoration.
    """
    for control in soup.select(".search-button-field[aria-label], details > summary[aria-label]"):
        if control.get_text(strip=True):
            del control["aria-label"]
    for decoration in soup.select(".search-button__kbd-shortcut, .theme-switch"):
        decoration["aria-hidden"] = "true"
        del decoration["title"]  # an icon's title counts as text that is seen


def name_chevrons(soup: BeautifulSoup) -> None:
    """The arrows that open a chapter in the sidebar hold nothing but an icon: say which pages they open."""
    for details in soup.select(".bd-links li > details"):
        link, summary = details.find_previous_sibling("a"), details.find("summary", recursive=False)
        if link and summary and not summary.get_text(strip=True):
            summary["aria-label"] = f"Pages below {link.get_text(' ', strip=True)}"


def put_logo_in_a_region(soup: BeautifulSoup) -> None:
    """The logo stands outside every landmark, so that people who go from landmark to landmark never meet it."""
    for logo in soup.select("a.navbar-brand"):
        if logo.parent and logo.parent.name == "div":
            logo.parent["role"], logo.parent["aria-label"] = "region", "Book"


def keep_one_title(soup: BeautifulSoup) -> None:
    """For printing, the theme adds a second h1 to each page; a page has one title."""
    for title in soup.select("#jb-print-docs-body > h1"):
        title.name, title["class"] = "p", "print-title"


def plain_bibliography(soup: BeautifulSoup) -> None:
    """Entries carry a role that is deprecated and that a div may not have, in a list that holds other things, too."""
    for entry in soup.select('.citation-list[role="list"], .citation[role="doc-biblioentry"]'):
        del entry["role"]


def fill_table_corners(soup: BeautifulSoup) -> None:
    """An empty header cell, as in the corner of every pandas table, heads nothing: make it an ordinary cell."""
    for cell in soup.select("th"):
        if not cell.get_text(strip=True) and not cell.find("img"):
            cell.name = "td"


def nest_lists(soup: BeautifulSoup) -> None:
    """A list that stands in a list belongs to the item above it, not beside it (the list of modules)."""
    for inner in soup.select("ul > ul"):
        item = inner.find_previous_sibling("li")
        if item is not None:
            item.append(inner.extract())


def make_verdicts_notes(soup: BeautifulSoup) -> None:
    """An aside is a landmark of the page; a chapter with six verdicts would get six of them inside its main part."""
    for box in soup.select("aside.verdict"):
        box["role"] = "note"


REPAIRS = (
    let_text_name_buttons,
    name_chevrons,
    put_logo_in_a_region,
    keep_one_title,
    plain_bibliography,
    fill_table_corners,
    nest_lists,
    make_verdicts_notes,
)
