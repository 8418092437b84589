"""Links to the glossary and the bibliography, written as `glossary.md#term-loss` and `bibliography.md#kingma2015`.

Every reader of Markdown shows such a link; only Sphinx must be told where it leads, as MyST knows no anchors but those
of headings, and that a link to the bibliography is a citation, as the bibliography lists only what is cited.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinxcontrib.bibtex.citation_target import CitationTarget
from sphinxcontrib.bibtex.nodes import bibliography
from sphinxcontrib.bibtex.roles import CitationRef

BIBLIOGRAPHY = "book/bibliography"


def add_anchors(env: BuildEnvironment, document: nodes.document, titles: dict[str, str]) -> None:
    """Let links of the form `#name` and `page#name` find what has that id."""
    anchors = {name: (0, name, title) for name, title in titles.items()}
    document.myst_slugs = getattr(document, "myst_slugs", {}) | anchors  # for links within the page
    metadata = env.metadata[env.docname]
    metadata["myst_slugs"] = metadata.get("myst_slugs", {}) | anchors  # for links from other pages


def add_reference_anchors(app: Sphinx, document: nodes.document) -> None:
    """Let links find the terms of the glossary, and the entries of the bibliography by their keys."""
    titles = {
        name: term.astext()
        for glossary in document.findall(addnodes.glossary)
        for term in glossary.findall(nodes.term)
        for name in term["ids"]
    }
    for _ in document.findall(bibliography):
        titles |= {key: key for key in app.env.get_domain("cite").bibdata.data.entries}
    if titles:
        add_anchors(app.env, document, titles)


def note_citations(app: Sphinx, document: nodes.document) -> None:
    """Count a link to an entry of the bibliography as a citation of it."""
    for number, link in enumerate(document.findall(addnodes.pending_xref)):
        if link["reftarget"] == BIBLIOGRAPHY and (key := link.get("reftargetid")):
            name, target = f"cited-{number}", CitationTarget(key, "", "")
            cited = CitationRef(citation_ref_id=name, docname=app.env.docname, line=link.line or 0, targets=[target])
            app.env.get_domain("cite").citation_refs.append(cited)
