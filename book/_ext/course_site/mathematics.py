"""How the site writes formulas: as MathML (see coursekit.mathematics), inline or in a line of their own."""

from typing import Any

from docutils import nodes
from sphinx.util.math import get_node_equation_number

from coursekit.mathematics import mathml


def visit_inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    # On a phone a long formula scrolls, which a keyboard can do where the focus is.
    writer.body.append(writer.starttag(node, "div", CLASS="math", tabindex="0"))
    if node["number"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})</span>')
    writer.body.append(mathml(node.astext(), "block") + "</div>\n")
    raise nodes.SkipNode
