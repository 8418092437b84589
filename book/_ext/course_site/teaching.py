"""What a teacher plans with, read from notebooks and checks: minutes, points, needs, named mistakes."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from .directives import depend_on, page_link, question_of

_EXERCISE = re.compile(
    r"^## Exercise ([\d.]+) · (.+)\n\n(\d+) minutes · difficulty ([123]) of 3 · (\d+) points · (.+)$", re.MULTILINE
)


@dataclass(frozen=True)
class Chapter:
    """What a chapter and its lab say of themselves; minutes as announced, `texts` is how many answers people mark."""

    number: int
    page: str
    title: str
    question: str
    minutes: int
    needs: tuple[int, ...]
    lab: str
    lab_minutes: int
    exercises: tuple[tuple[str, ...], ...]

    @property
    def texts(self) -> int:
        return sum(kind != "automatic" for *_, kind in self.exercises)


def _text(path: Path) -> str:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def _only(root: Path, folder: str, number: int) -> Path | None:
    return next(iter(sorted((root / folder).glob(f"{number:02d}_*.ipynb"))), None)


def chapter(root: Path, number: int) -> Chapter:
    """Chapter `number` of the book below `root`, with its lab, if there is one."""
    path, lab = _only(root, "notebooks", number), _only(root, "labs", number)
    if path is None:
        raise ExtensionError(f"there is no chapter {number}")
    text, lab_text = _text(path), _text(lab) if lab else ""
    time = re.search(r"\*\*Time:\*\* (\d+) minutes", text)
    lab_time = re.search(r"^About (\d+) minutes", lab_text, re.MULTILINE)
    known = re.search(r"\*\*What to know first:\*\*(.*)", text)
    if time is None or (lab and lab_time is None):
        raise ExtensionError(f"chapter {number} or its lab doesn't say how long it takes")
    needs = re.findall(r"\((\d\d)_\w+\.ipynb", known[1]) if known else []
    return Chapter(
        number,
        f"notebooks/{path.stem}",
        text.split("\n", 1)[0].removeprefix("# "),
        question_of(path.read_text("utf-8")),
        int(time[1]),
        tuple(sorted({int(n) for n in needs})),
        f"labs/{lab.stem}" if lab else "",
        int(lab_time[1]) if lab_time else 0,
        tuple(_EXERCISE.findall(lab_text)),
    )


def _checks(root: Path, number: int) -> list[Path]:
    return sorted((root / "src/coursekit/labs").glob(f"lab{number:02d}*.py"))


def mistakes(root: Path, number: int) -> list[str]:
    """The wrong answers that a lab's checks know by name, in the words that a student gets: keys of their tables."""
    found = []
    for path in _checks(root, number):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
                found += [key for key in keys if len(key) > 40]
    return list(dict.fromkeys(found))


def _table(widths: list[int], head: list[str], rows: list[list[list[nodes.Node]]]) -> nodes.Node:
    def row(cells: list[list[nodes.Node]]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))

    specs = [nodes.colspec(colwidth=width) for width in widths]
    body = nodes.tbody("", *map(row, rows))
    group = nodes.tgroup("", *specs, nodes.thead("", row([[nodes.Text(name)] for name in head])), body, cols=len(head))
    return nodes.table("", group, classes=["colwidths-given"])


class _Teaching(SphinxDirective):
    has_content = True

    def chapters(self, numbers: list[int]) -> list[Chapter]:
        root = Path(self.env.srcdir)
        files = [_only(root, folder, number) for folder in ("notebooks", "labs") for number in numbers]
        depend_on(self.env, *filter(None, files))
        return [chapter(root, number) for number in numbers]

    def links(self, chapters: list[Chapter]) -> list[nodes.Node]:
        found: list[nodes.Node] = []
        for one in chapters:
            found += [nodes.Text(", " if found else ""), page_link(self.env, one.page, str(one.number))]
        return found


class Workload(_Teaching):
    """Hours of paths through the book, a line of YAML each: ``{name, chapters: [1, 3], labs: [1, 3]}``.

    Labs are those of the chapters unless they are named. Marking is three minutes for each free text of a student.
    """

    def run(self) -> list[nodes.Node]:
        rows = []
        for path in yaml.safe_load("\n".join(self.content)):
            read, labs = (self.chapters(path.get(key, path["chapters"])) for key in ("chapters", "labs"))
            hours = [sum(one.minutes for one in read) / 60, sum(one.lab_minutes for one in labs) / 60]
            marking = 30 * 3 * sum(one.texts for one in labs) / 60
            cells = [[nodes.Text(f"{hour:.1f}")] for hour in [*hours, marking]]
            rows.append([[nodes.Text(path["name"])], self.links(read), *cells])
        head = ["", "Chapters", "Reading, h", "Labs, h", "Marking for 30 students, h"]
        return [_table([32, 32, 10, 10, 16], head, rows)]


class ChapterNeeds(_Teaching):
    """Which chapters each one names as what to know first."""

    def run(self) -> list[nodes.Node]:
        numbers = range(1, len(list((Path(self.env.srcdir) / "notebooks").glob("[0-9]*.ipynb"))) + 1)
        rows = [
            [
                [page_link(self.env, one.page, one.title)],
                self.links(self.chapters(list(one.needs))) or [nodes.Text("none")],
            ]
            for one in self.chapters(list(numbers))
        ]
        return [_table([60, 40], ["Chapter", "Needs"], rows)]


class ChapterFacts(_Teaching):
    """A chapter's question, its minutes, and its lab's exercises."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (one,) = self.chapters([int(self.arguments[0])])
        said = [nodes.strong("", one.question), nodes.Text(f" {one.minutes} minutes to read.")]
        if one.lab:
            parts = [f"{number} {title} ({minutes})" for number, title, minutes, *_ in one.exercises]
            by_hand = sum(int(points) for *_, points, kind in one.exercises if kind != "automatic")
            said += [
                nodes.Text(" "),
                page_link(self.env, one.lab, f"Lab {one.number}"),
                nodes.Text(f": {one.lab_minutes} minutes; {by_hand} of 20 points are yours to give. Exercises, and "),
                nodes.Text(f"their minutes: {', '.join(parts)}."),
            ]
        return [nodes.paragraph("", "", *said)]


class NamedMistakes(_Teaching):
    """The wrong answers that a lab's checks know by name, folded."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        root, number = Path(self.env.srcdir), int(self.arguments[0])
        depend_on(self.env, *_checks(root, number))
        found = mistakes(root, number)
        summary = (
            f"<summary>What students get wrong in lab {number}: {len(found)} mistakes that its checks name</summary>"
        )
        items = [nodes.list_item("", nodes.paragraph("", text)) for text in found]
        opening = nodes.raw("", f"<details>{summary}", format="html")
        return [opening, nodes.bullet_list("", *items), nodes.raw("", "</details>", format="html")]


class Rubrics(_Teaching):
    """A lab's free texts: what earns how many points, with an answer at each mark; the full one is the solution's."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        from coursekit.labs import lab_of, samples  # with PyTorch, which takes a second

        number, root = int(self.arguments[0]), Path(self.env.srcdir)
        depend_on(self.env, Path(samples.__file__), *_checks(root, number))
        solution = next(iter((root / "solutions").glob(f"{number:02d}_*.ipynb")), Path())
        docname, found = f"solutions/{solution.stem}", list[nodes.Node]()
        lab = lab_of(f"{number:02d}_")
        for exercise in (one for one in lab.exercises.values() if not one.automatic):
            texts, marks = samples.samples_of(lab, Path())[exercise.number], nodes.definition_list()
            for points, text in sorted(exercise.rubric.items(), reverse=True):
                told: list[nodes.Node] = [nodes.paragraph("", text)]
                if points in texts:
                    told.append(nodes.block_quote("", nodes.paragraph("", texts[points])))
                elif docname in self.env.found_docs:
                    told.append(nodes.paragraph("", "", page_link(self.env, docname, "The solution's own answer")))
                term = nodes.term("", "1 point" if points == 1 else f"{points} points")
                marks += nodes.definition_list_item("", term, nodes.definition("", *told))
            found += [nodes.paragraph("", "", nodes.strong("", f"{exercise.number} {exercise.title}")), marks]
        return found
