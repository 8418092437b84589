"""Quizzes on paper: a page that a browser prints, each quiz followed by its key on a page of its own."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from coursekit.quizzes.reading import Question, Quiz, xhtml

_PAGE = """<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ max-width: 42rem; margin: 2rem auto; padding: 0 1rem; font: 12pt/1.45 serif; color: #000; background: #fff; }}
h1 {{ font-size: 1.4rem; }}
section + section {{ margin-top: 4rem; border-top: 1px solid #000; }}
.who {{ display: flex; gap: 1rem; }}
.who span {{ flex: 1; border-bottom: 1px solid #000; }}
article {{ break-inside: avoid; margin: 1.5rem 0; }}
ol {{ margin: 0.4rem 0; padding-left: 2rem; list-style: upper-alpha; }}
li {{ padding-left: 0.3rem; margin: 0.2rem 0; }}
p {{ margin: 0; }}
.promise {{ font-style: italic; }}
@media print {{
  body {{ margin: 0; max-width: none; font-size: 11pt; }}
  section + section {{ break-before: page; margin-top: 0; border: 0; }}
}}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def sheet(quizzes: Iterable[Quiz]) -> str:
    """A page in HTML to print: for each quiz its questions with a line for a name, then the key with explanations."""
    quizzes = list(quizzes)
    title = quizzes[0].title if len(quizzes) == 1 else "Quizzes"
    return _PAGE.format(title=escape(title), body="\n".join(map(_questions_and_key, quizzes)))


def _questions_and_key(quiz: Quiz) -> str:
    title = escape(quiz.title)
    asked = "\n".join(map(_asked, quiz.questions))
    answered = "\n".join(map(_answered, quiz.questions))
    who = '<p class="who">Name <span></span> Date <span></span></p>'
    return (
        f"<section>\n<h1>{title}</h1>\n{who}\n{asked}\n</section>\n"
        f"<section>\n<h1>{title}: key</h1>\n{answered}\n</section>"
    )


def _asked(question: Question) -> str:
    choices = "\n".join(f"<li>{xhtml(choice.text)}</li>" for choice in question.choices)
    return f"<article>\n<p><b>{question.number}</b> {xhtml(question.text)}</p>\n<ol>\n{choices}\n</ol>\n</article>"


def _answered(question: Question) -> str:
    told = "\n".join(
        f"<li>{'<b>Right.</b> ' if choice.right else ''}{xhtml(choice.explanation)}</li>" for choice in question.choices
    )
    promise = f'<p class="promise">{xhtml(question.objective)}</p>'
    return f"<article>\n<p><b>{question.number}: {question.letter}</b></p>\n{promise}\n<ol>\n{told}\n</ol>\n</article>"
