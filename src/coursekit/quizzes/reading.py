"""Read a quiz, and say what is wrong with it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from coursekit import plain
from coursekit.mathematics import mathml
from coursekit.notebooks import read_notebook, write_atomically

FEWEST_QUESTIONS, FEWEST_CHOICES = 6, 3
MOST_WORDS = {"question": 60, "choice": 20, "explanation": 40}

_RIGHT = "**Right.** "
_MARK = re.compile(r"<!--.*?-->")
_QUESTION = re.compile(r"\*\*Question (?P<number>\d+\.\d+)\.\*\* (?P<text>.+)", re.DOTALL)
_CHOICE = re.compile(r"<details><summary>(?P<text>.+)</summary>")
_ABILITY = re.compile(r"(?s)\*\*You will be able to\*\*(.*?)\*\*Time:")
# In a question as in an answer: what every reader of Markdown and every learning platform shows.
_SIMPLE = {"text", "softbreak", "em", "strong", "code_inline", "math_inline", "html_inline"}
_TAGS = {"<code>", "</code>", "<em>", "</em>"}


@dataclass(frozen=True)
class Choice:
    """One answer to choose, in HTML with formulas between dollars, and in Markdown what there is to say about it."""

    text: str
    explanation: str
    right: bool


@dataclass(frozen=True)
class Question:
    """A question in Markdown. `objective` is what its chapter promises the reader to be able to do."""

    number: str
    objective: str
    text: str
    choices: tuple[Choice, ...]

    @property
    def identifier(self) -> str:
        """Of the question, among those of all chapters: `quiz-01-3`."""
        chapter, place = self.number.split(".")
        return f"quiz-{int(chapter):02}-{place}"

    @property
    def letter(self) -> str:
        """Of the right choice, A for the first."""
        return "ABCDEFGH"[[choice.right for choice in self.choices].index(True)]


@dataclass(frozen=True)
class Quiz:
    """The questions of one chapter."""

    chapter: int
    title: str
    questions: tuple[Question, ...]

    @property
    def identifier(self) -> str:
        """Of the quiz, `quiz-01`."""
        return f"quiz-{self.chapter:02}"


def read(path: Path) -> Quiz:
    """Read one file of `book/quizzes`.

    Raises:
        ValueError: If it isn't of the form that `coursekit.quizzes` describes.
    """
    blocks = iter(re.split(r"\n\s*\n", _MARK.sub("", path.read_text("utf-8")).strip()))
    title = next(blocks).removeprefix("# ")
    objective, questions = "", list[tuple[str, str, str, list[Choice]]]()
    for block in blocks:
        if block.startswith("## "):
            objective = block.removeprefix("## ")
        elif asked := _QUESTION.fullmatch(block):
            questions.append((asked["number"], objective, asked["text"], []))
        elif questions and (chosen := _CHOICE.fullmatch(block)):
            told, end = next(blocks, ""), next(blocks, "")
            if end != "</details>":
                raise ValueError(f"{path.name}: the choice {chosen['text']!r} needs one paragraph, then </details>")
            text = told.removeprefix(_RIGHT)
            questions[-1][3].append(Choice(chosen["text"], text, right=text != told))
        elif questions or objective:
            raise ValueError(f"{path.name}: {block[:50]!r} is no question, no choice and no objective")
    made = tuple(Question(number, what, text, tuple(choices)) for number, what, text, choices in questions)
    return Quiz(int(path.name[:2]), title, made)


def objectives(chapter: NotebookNode) -> list[str]:
    """What a chapter promises its readers to be able to do, line by line."""
    found = (_ABILITY.search(cell.source) for cell in chapter.cells if cell.cell_type == "markdown")
    lines = [line for match in found if match for line in re.findall(r"(?m)^> - (.+?)[;.]?$", match[1])]
    return [line[0].upper() + line[1:] for line in lines]


def faults(quiz: Quiz, chapter: NotebookNode) -> list[str]:
    """What is wrong with a quiz, in words; an empty list if nothing is."""
    promised, found = objectives(chapter), []
    if len(quiz.questions) < FEWEST_QUESTIONS:
        found.append(f"{len(quiz.questions)} questions, at least {FEWEST_QUESTIONS} are asked for")
    numbers = [question.number for question in quiz.questions]
    if numbers != (wanted := [f"{quiz.chapter}.{place}" for place in range(1, len(numbers) + 1)]):
        found.append(f"the questions are numbered {', '.join(numbers)}, not {', '.join(wanted)}")
    asked = {question.objective for question in quiz.questions}
    found += [f"{line!r} is no objective of the chapter" for line in sorted(asked - set(promised))]
    found += [f"no question tests {line!r}" for line in promised if line not in asked]
    return found + [
        f"question {question.number}: {fault}" for question in quiz.questions for fault in _faults(question)
    ]


def _faults(question: Question) -> list[str]:
    choices, found = question.choices, []
    if len(choices) < FEWEST_CHOICES:
        found.append(f"{len(choices)} choices, at least {FEWEST_CHOICES} are asked for")
    if (n_right := sum(choice.right for choice in choices)) != 1:
        found.append(f"{n_right} choices are marked as right")
    found += [f"the choice {text!r} comes twice" for text, n in Counter(c.text for c in choices).items() if n > 1]
    texts = [("question", question.text)]
    for choice in choices:
        texts += [("choice", choice.text), ("explanation", choice.explanation)]
        if re.search(r"`|\*", choice.text):
            found.append(f"the choice {choice.text!r} is shown as typed: write <code> or <em>")
        if n_words(choice.explanation) < 5:
            found.append(f"the choice {choice.text!r} is hardly explained")
    for kind, text in texts:
        if (n := n_words(text)) > MOST_WORDS[kind]:
            found.append(f"the {kind} {text[:40]!r} has {n} words, at most {MOST_WORDS[kind]}")
        found += [f"the {kind} {text[:40]!r} holds a {strange}" for strange in sorted(_strange(text))]
    return found


def n_words(text: str) -> int:
    """Words that are read; a formula is one."""
    return len(re.sub(r"\$[^$]+\$", "formula", re.sub(r"</?\w+>", "", text)).split())


def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"xhtmlOut": True}).use(dollarmath_plugin)
    reader.add_render_rule("math_inline", lambda _, tokens, place, *rest: mathml(tokens[place].content, "inline"))
    return reader


_READER = _reader()


def _strange(text: str) -> set[str]:
    (block,) = _READER.parseInline(text)
    kinds = ((re.sub("_(open|close)$", "", token.type), token) for token in block.children or [])
    return {
        kind for kind, token in kinds if kind not in _SIMPLE or (kind == "html_inline" and token.content not in _TAGS)
    }


def xhtml(text: str) -> str:
    """A question, a choice or an explanation as XHTML, its formulas as MathML."""
    return str(_READER.renderInline(text))


def bring_up_to_date(path: Path, chapter: Path) -> list[str]:
    """Write the chapter's numbers into a quiz. Returns what couldn't be, in words.

    Args:
        path: of the quiz; it is changed only if a number has.
        chapter: its notebook, run.
    """
    text = path.read_text("utf-8")
    code = [cell for cell in read_notebook(chapter).cells if cell.cell_type == "code"]
    page = new_notebook(cells=[*code, new_markdown_cell(text)])
    complaints = plain.refresh(page, path)
    if (new := page.cells[-1].source) != text:
        write_atomically(path, new)
    return [re.sub(r"^cell \d+", "the text", complaint) for complaint in complaints]
