"""What a check looks like in action, on each lab's page: a wrong answer, and what the check said to it just now."""

import inspect
import re

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransform


class ShowCheck(SphinxTransform):
    """Put a box with a wrong answer and its hint before the first cell of a lab."""

    default_priority = 600  # behind what `plain` makes of the page

    def apply(self, **kwargs: object) -> None:
        if not re.fullmatch(r"labs/(?!00)\d\d_\w+", self.env.docname):
            return
        cells = self.document.findall(lambda node: isinstance(node, nodes.container) and "cell" in node["classes"])
        cell = next(cells)
        cell.parent.insert(cell.parent.index(cell), _box(self.env.docname.removeprefix("labs/")))


def said(name: str) -> tuple[str, str, str]:
    """(exercise, a wrong answer's source, what the check says to it) for a lab, as `13_open_questions`.

    ExtensionError if there is no wrong answer to the lab, or if its check has nothing to say to it.
    """
    from coursekit.feedback import Status
    from coursekit.labs import lab_of

    from . import wrong_answers  # with PyTorch, which takes a second: a build in which no lab has changed needs none

    lab = lab_of(name)
    for number, exercise in lab.exercises.items():
        answer = getattr(wrong_answers, exercise.function or "-", None)
        if answer and list(inspect.signature(answer).parameters) == exercise.parameters:  # two labs have a `forward`
            verdict = lab.judge(number, answer)
            if verdict.status is Status.TRY_AGAIN and verdict.kind == "named":
                return number, inspect.getsource(answer).strip(), verdict.message
            raise ExtensionError(
                f"the check of {number} finds nothing wrong with {exercise.function}, or can't say what"
            )
    raise ExtensionError(f"wrong_answers has none to lab {name}")


def _box(name: str) -> nodes.admonition:
    number, source, message = said(name)
    hint = nodes.paragraph("", "", nodes.strong("", f"TRY AGAIN {number}:"), nodes.Text(" "))
    for text, code, stressed in re.findall(r"((?:[^`*]|\*(?!\w[\w ]*\*))+)|`([^`]+)`|\*([^*]+)\*", message):
        kind = nodes.literal if code else nodes.emphasis if stressed else nodes.inline
        hint += kind("", text or code or stressed)
    return nodes.admonition(
        "",
        nodes.title("", "A check in action"),
        nodes.paragraph("", f"A wrong answer to exercise {number}:"),
        nodes.literal_block(source, source, language="python"),
        nodes.paragraph("", "The check tries it on inputs of its own, and says at once:"),
        hint,
        classes=["admonition-a-check-in-action"],
    )
