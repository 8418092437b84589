"""Formulas as MathML, which browsers draw by themselves: nothing to load, and readable in print and by screen readers.

MathJax, in its place, weighed 1.2 MB on every page that has a formula.
"""

import re
from itertools import cycle
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util.math import get_node_equation_number

BARS = ("&#x0007C;", "&#x02016;")
# What the converter leaves for a reader of TeX to mend: primes as exponents of letters' size, a tilde that is a letter,
# and names of functions that touch what follows them.
MENDED = (
    (
        re.compile(r"<msup>(<m(?:i|text)[^>]*>[^<]*</m(?:i|text)>)<mi>&#x02032;</mi></msup>"),
        r'\1<mo lspace="0" rspace="0">&#x02032;</mo>',
    ),
    (re.compile(r"<mi>&#x0007E;</mi>"), "<mo>&#x0223C;</mo>"),
    (re.compile(r"<mo>&#x022A4;</mo>"), '<mi mathvariant="normal">&#x022A4;</mi>'),  # transposed
    (re.compile(r"<mo>&#x0002F;</mo>"), '<mo lspace="0" rspace="0">/</mo>'),
    (
        re.compile(r"(<mo[^>]*>(?:&#x00028;|&#x0003D;|&#x0003C;|&#x0003E;|&#x02248;|,)</mo>)<mo>&#x02212;</mo>"),
        r'\1<mo form="prefix">&#x02212;</mo>',
    ),
    (re.compile(r"(?<!<msu[bp]>)(<mi>(?:ln|log|cos|sin|tanh|exp)</mi>)(?=<m[inrfs])"), r'\1<mspace width="0.167em"/>'),
)


def mathml(tex: str, display: str) -> str:
    """TeX, without its dollars, as an element `math` that is "inline" or a "block"."""
    written = convert(tex.strip(), display=display)
    for pattern, replacement in MENDED:
        written = pattern.sub(replacement, written)
    for bar in BARS:
        pairs = re.findall(rf"<mo[^>]*>{bar}</mo>", written)
        if len(pairs) % 2 == 0:  # norms and absolute values; a single bar is a condition
            forms = cycle(("prefix", "postfix"))
            mark = f'stretchy="false">{bar}</mo>'
            written = re.sub(rf"<mo[^>]*>{bar}</mo>", lambda _, m=mark, f=forms: f'<mo form="{next(f)}" {m}', written)
    return written


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
