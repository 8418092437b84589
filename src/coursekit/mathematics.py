"""Formulas as MathML, which browsers draw by themselves: nothing to load, and readable in print and by screen readers.

MathJax, in its place, weighed 1.2 MB on every page that has a formula.
"""

from __future__ import annotations

import re
from itertools import cycle

from latex2mathml.converter import convert

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
_INLINE = re.compile(r"(?<![\\$])\$([^$\n]+)\$")


def mathml(tex: str, display: str) -> str:
    """TeX, without its dollars, as an element `math` that is "inline" or a "block"."""
    written = convert(tex.strip().replace("{aligned}", "{split}"), display=display)  # of the two it knows the second
    for pattern, replacement in MENDED:
        written = pattern.sub(replacement, written)
    for bar in BARS:
        first, *others = re.split(rf"<mo[^>]*>{bar}</mo>", written)
        if others and len(others) % 2 == 0:  # norms and absolute values; a single bar is a condition
            forms = zip(cycle(("prefix", "postfix")), others, strict=False)
            written = first + "".join(f'<mo form="{form}" stretchy="false">{bar}</mo>{part}' for form, part in forms)
    return str(written)


def in_html(html: str) -> str:
    """HTML whose formulas, between single dollars, are MathML: Markdown leaves them alone where HTML is typed."""
    return _INLINE.sub(lambda tex: mathml(tex[1], "inline"), html)
