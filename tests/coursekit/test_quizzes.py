"""The quizzes: of the right form, true to their chapters, without a pattern; and what is made of them."""

import os
import re
import shutil
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes
from scipy.stats import binom

from coursekit import quizzes
from coursekit.__main__ import main
from coursekit.notebooks import read_notebook
from coursekit.quizzes import Question, Quiz, qti

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "book" / "quizzes").glob("*.md"))
QTI = "{http://www.imsglobal.org/xsd/imsqti_v2p1}"
CP = "{http://www.imsglobal.org/xsd/imscp_v1p1}"
MATH = "{http://www.w3.org/1998/Math/MathML}math"

every_quiz = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


@cache
def chapter(path: Path) -> NotebookNode:
    return read_notebook(ROOT / "notebooks" / f"{path.stem}.ipynb")


@cache
def quiz(path: Path) -> Quiz:
    return quizzes.read(path)


# What is written.


@every_quiz
def test_a_quiz_has_no_faults(path: Path) -> None:
    assert quizzes.faults(quiz(path), chapter(path)) == []


@every_quiz
def test_marked_numbers_are_the_chapters(path: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(path, tmp_path))
    assert quizzes.bring_up_to_date(copy, ROOT / "notebooks" / f"{path.stem}.ipynb") == []
    assert copy.read_text("utf-8") == path.read_text("utf-8"), "run `python3 course.py quizzes`"


NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
# Made up for a question, or worked out by whoever answers it: number -> how.
WORKED_OUT = {
    "02": {"1.4": "round(2**0.5, 1)"},
    "04": {"0.6": "6e-01"},
    "05": {"8": "2**3"},
    "08": {"140": "60 * 0.7 / 0.3", "372,100": "610**2"},
    "09": {"199": "200 - 1"},
    "10": {"16": "round(97.2 - 81.47)", "18.5": "round(100 - 81.47, 1)"},
    "11": {"40,000": "200 * 200", "784": "28 * 28"},
    "13": {"63": "64 - 1"},
    "14": {"0.83": "1 - 0.17", "0.15": "1 - 0.85", "17": "100 * 0.17"},
    "16": {"120": "20 * 6"},
    "18": {"1.4": "round(2**0.5, 1)", "2.2": "(3.4 + 1.0) / 2", "40": "2 * 20", "44": "20 * 2.2"},
}
MADE_UP = {"01": {"40"}, "02": {"99"}, "04": {"0.999"}, "18": {"300", "6,000"}}


def numbers(text: str) -> set[str]:
    return {found.group().rstrip(",").replace(",", "") for found in NUMBER.finditer(text)}


def strangers(text: str, nb: NotebookNode) -> set[str]:
    """Numbers in a quiz that the chapter nowhere shows; those up to 12 may be counted or made up."""
    shown = " ".join(re.sub(r"<!--.*?-->", "", cell.source) for cell in nb.cells)
    outputs = [output for cell in nb.cells for output in cell.get("outputs", [])]
    shown += " ".join(output.get("text", "") + str(output.get("data", {}).get("text/plain", "")) for output in outputs)
    unmarked = re.sub(r"<!--=.*?<!--/-->", "", text)
    body = re.sub(r"(?m)^#.*$|\*\*Question [\d.]+\*\*|\([^()]*\.ipynb\)", "", unmarked)
    return {number for number in numbers(body) - numbers(shown) if not (number.isdigit() and int(number) <= 12)}


@every_quiz
def test_other_numbers_stand_in_the_chapter_or_can_be_worked_out(path: Path) -> None:
    known = {*WORKED_OUT.get(path.stem[:2], ()), *MADE_UP.get(path.stem[:2], ())}
    found = strangers(path.read_text("utf-8"), chapter(path))
    assert sorted(found - {number.replace(",", "") for number in known}) == []


def test_what_is_worked_out_is_right() -> None:
    for found in WORKED_OUT.values():
        for number, how in found.items():
            assert eval(how) == pytest.approx(float(number.replace(",", ""))), how


def test_a_number_from_nowhere_is_found() -> None:
    nb = new_notebook(cells=[new_code_cell("x = 1_500", outputs=[new_output("stream", text="loss 0.25\n")])])
    assert strangers("**Question 1.13.** From 0.25 to <!--=a-->77<!--/--> in 33 steps.", nb) == {"33"}


# Who knows nothing should not do better than chance.


def length(text: str) -> int:
    return len(re.sub(r"[$\\{}]|</?\w+>", "", text))


def by_length(place: int) -> Callable[[Question], int]:
    return lambda question: sorted(range(len(question.choices)), key=lambda k: (length(question.choices[k].text), k))[
        place
    ]


def by_words(question: Question) -> int:
    """The choice that takes most of its words from the question."""
    asked = set(re.findall(r"\w{4,}", question.text.lower()))
    shared = [len(asked & set(re.findall(r"\w{4,}", choice.text.lower()))) for choice in question.choices]
    return shared.index(max(shared))


GUESSERS: dict[str, Callable[[Question], int]] = {
    "the first": lambda question: 0,
    "the second": lambda question: 1,
    "the last": lambda question: len(question.choices) - 1,
    "the longest": by_length(-1),
    "the shortest": by_length(0),
    "the middle one": by_length(1),
    "the question's words": by_words,
}


def patterns(questions: list[Question]) -> list[str]:
    """Guessers that do better, or worse, than 998 of 1,000 that toss a die; and whether right places take turns."""
    n, found = len(questions), []
    hits = {name: sum(q.choices[guess(q)].right for q in questions) for name, guess in GUESSERS.items()}
    places = [q.letter for q in questions]
    hits["the place before"] = sum(a == b for a, b in pairwise(places))
    for name, right in hits.items():
        low, high = binom.ppf([0.001, 0.999], n - (name == "the place before"), 1 / 3)
        if not low <= right <= high:
            found.append(f"{name}: {right} of {n} right")
    return found


def test_right_choices_follow_no_pattern() -> None:
    assert patterns([question for path in PATHS for question in quiz(path).questions]) == []


@every_quiz
def test_no_place_is_right_most_of_the_time(path: Path) -> None:
    letters = [question.letter for question in quiz(path).questions]
    assert max(letters.count(letter) for letter in letters) <= (len(letters) + 1) // 2
    assert len(set(letters)) > 2


@pytest.mark.parametrize("pattern", ["the first", "the longest", "the place before"])
def test_a_pattern_is_found(pattern: str) -> None:
    asked = []
    for question in (question for path in PATHS for question in quiz(path).questions):
        wrong = [choice for choice in question.choices if not choice.right]
        (right,) = (choice for choice in question.choices if choice.right)
        match pattern:
            case "the first":
                choices = [right, *wrong]
            case "the longest":
                choices = [
                    replace(choice, text=choice.text + " and so on" * choice.right) for choice in question.choices
                ]
            case _:
                turn = len(asked) % 3
                choices = [*wrong[:turn], right, *wrong[turn:]]
        asked.append(replace(question, choices=tuple(choices)))
    assert any(found.startswith(pattern) for found in patterns(asked))


# What can be wrong is found.

OBJECTIVES = """> **At a glance**
>
> **You will be able to**
>
> - add numbers;
> - multiply $\\sigma$ by two.
>
> **Time:** 1 minute to read."""


def asked(number: str, *, right: int = 0, text: str = "What is it?", choices: int = 3) -> str:
    blocks = [f"**Question {number}.** {text}"]
    for k in range(choices):
        told = ("**Right.** " if k == right else "") + "It says what is right and what is wrong."
        blocks += [f"<details><summary>Choice {k} of $n^2$</summary>", told, "</details>"]
    return "\n\n".join(blocks)


def page(*, first: str = asked("3.1"), last: str = asked("3.6"), objective: str = "Multiply $\\sigma$ by two") -> str:
    middle = "\n\n".join(asked(f"3.{place}", right=place % 3) for place in range(2, 6))
    text = "# Quiz 3: Sums\n\nSome words.\n\n## Add numbers"
    return f"{text}\n\n{first}\n\n{middle}\n\n## {objective}\n\n{last}\n"


def written(text: str, folder: Path) -> Quiz:
    path = folder / "03_sums.md"
    path.write_text(text, "utf-8")
    return quizzes.read(path)


def chapter_3() -> NotebookNode:
    number = new_output("display_data", {"application/papermill.record/text/plain": "'0.25'"})
    number.metadata = {"scrapbook": {"name": "loss"}}
    return new_notebook(cells=[new_markdown_cell(OBJECTIVES), new_code_cell("tell(loss=x)", outputs=[number])])


def test_a_quiz_is_read_as_it_is_written(tmp_path: Path) -> None:
    read = written(page(), tmp_path)
    assert quizzes.faults(read, chapter_3()) == []
    assert (read.chapter, read.title, len(read.questions)) == (3, "Quiz 3: Sums", 6)
    question = read.questions[1]
    assert (question.number, question.identifier, question.objective) == ("3.2", "quiz-03-2", "Add numbers")
    assert (question.letter, question.choices[2].right) == ("C", True)
    assert question.choices[2].explanation == "It says what is right and what is wrong."


LONG = "very " * 60
FAULTY = {
    "too few": (page(last=""), "5 questions, at least 6"),
    "numbers": (page(last=asked("3.7")), "numbered 3.1, 3.2, 3.3, 3.4, 3.5, 3.7"),
    "twice": (page(last=asked("3.5")), "numbered"),
    "objective": (page(objective="Divide"), "'Divide' is no objective"),
    "untested": (page(objective="Add numbers"), "no question tests 'Multiply"),
    "two right": (page(first=asked("3.1").replace("\n\nIt says", "\n\n**Right.** It says", 1)), "2 choices are marked"),
    "none right": (page(first=asked("3.1", right=9)), "question 3.1: 0 choices are marked"),
    "two choices": (page(first=asked("3.1", choices=2)), "2 choices, at least 3"),
    "same choice": (page(first=asked("3.1").replace("Choice 1", "Choice 0")), "comes twice"),
    "long question": (page(first=asked("3.1", text=LONG + "much?")), "has 61 words, at most 60"),
    "long choice": (page(first=asked("3.1").replace("Choice 1", LONG)), "words, at most 20"),
    "long answer": (page(first=asked("3.1").replace("It says", LONG, 1)), "words, at most 40"),
    "no answer": (
        page(first=asked("3.1").replace("It says what is right and what is wrong.", "Wrong.", 1)),
        "hardly expl",
    ),
    "code in a choice": (page(first=asked("3.1").replace("Choice 1", "`x`")), "is shown as typed"),
    "link": (page(first=asked("3.1", text="Is [this](a.md) so?")), "holds a link"),
    "picture": (page(first=asked("3.1", text="Is ![this](a.png) so?")), "holds a image"),
    "other HTML": (page(first=asked("3.1", text="Is <b>this</b> so?")), "holds a html_inline"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_found(name: str, tmp_path: Path) -> None:
    text, told = FAULTY[name]
    found = quizzes.faults(written(text, tmp_path), chapter_3())
    assert any(told in fault for fault in found), found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (page(first=asked("3.1").replace("</details>", "Another paragraph.\n\n</details>", 1)), "needs one paragraph"),
        (page(first="A stray paragraph."), "is no question, no choice and no objective"),
    ],
)
def test_what_has_another_form_is_refused_in_a_line(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        written(text, tmp_path)
    assert "\n" not in str(refused.value)


def test_numbers_are_filled_in_and_unknown_ones_told(tmp_path: Path) -> None:
    notebook, path = tmp_path / "03_sums.ipynb", tmp_path / "03_sums.md"
    notebook.write_text(writes(chapter_3()), "utf-8")
    path.write_text("From <!--=loss-->?<!--/--> to <!--=gone-->2<!--/-->.", "utf-8")
    assert quizzes.bring_up_to_date(path, notebook) == ["the text asks for 'gone', which no cell glues"]
    assert path.read_text("utf-8") == "From <!--=loss-->0.25<!--/--> to <!--=gone-->2<!--/-->."


# What is made of them.


def plain(html: str) -> str:
    """The words of a text, without its formulas."""
    soup = BeautifulSoup(html, "html.parser")
    for formula in soup.find_all("math"):
        formula.decompose()
    return " ".join(soup.get_text().split())


def words(text: str) -> str:
    """The same of the source: Markdown without formulas and marks of emphasis."""
    return " ".join(
        BeautifulSoup(re.sub(r"\$[^$]+\$|\*(?=\S)|(?<=\S)\*|`", "", text), "html.parser").get_text().split()
    )


def n_formulas(text: str) -> int:
    return len(re.findall(r"\$[^$]+\$", text))


@every_quiz
def test_an_item_asks_and_answers_as_the_quiz(path: Path) -> None:
    made = qti.files(quiz(path))
    for question in quiz(path).questions:
        item = ET.fromstring(made[f"{question.identifier}.xml"])
        (prompt,) = item.iter(f"{QTI}prompt")
        choices = list(item.iter(f"{QTI}simpleChoice"))
        feedback = item.findall(f"{QTI}modalFeedback")
        letters = [choice.get("identifier") for choice in choices]
        assert letters == [told.get("identifier") for told in feedback]
        assert letters == list("ABCDEFGH")[: len(letters)]
        assert item.findtext(f"{QTI}responseDeclaration/{QTI}correctResponse/{QTI}value") == question.letter
        pairs = [(prompt, question.text)]
        for choice, shown, told in zip(question.choices, choices, feedback, strict=True):
            pairs += [(shown, choice.text), (told, ("Right. " if choice.right else "") + choice.explanation)]
        for element, source in pairs:
            assert sum(1 for _ in element.iter(MATH)) == n_formulas(source)
            for formula in list(element.iter(MATH)):
                formula.text, formula[:] = "", []
            assert " ".join("".join(element.itertext()).split()) == words(source)


def test_an_item_has_the_parts_of_its_standard_in_their_order(tmp_path: Path) -> None:
    """What QTI 2.1 says of an item with one choice; the schema itself isn't part of the course, see the next test."""
    item = ET.fromstring(qti.files(written(page(), tmp_path))["quiz-03-2.xml"])
    assert [part.tag.removeprefix(QTI) for part in item] == [
        *("responseDeclaration", "outcomeDeclaration", "outcomeDeclaration", "itemBody", "responseProcessing"),
        *["modalFeedback"] * 3,
    ]
    assert {"identifier", "title", "adaptive", "timeDependent"} <= set(item.keys())
    (interaction,) = item.find(f"{QTI}itemBody")
    assert interaction.attrib == {"responseIdentifier": "RESPONSE", "shuffle": "true", "maxChoices": "1"}
    assert item.find(f"{QTI}responseDeclaration").attrib == {
        "identifier": "RESPONSE",
        "cardinality": "single",
        "baseType": "identifier",
    }
    declared = {part.get("identifier") for part in item.findall(f"{QTI}outcomeDeclaration")}
    assert declared == {"SCORE", "FEEDBACK"}
    assert {part.get("identifier") for part in item.iter(f"{QTI}setOutcomeValue")} == declared
    assert {part.get("outcomeIdentifier") for part in item.findall(f"{QTI}modalFeedback")} == {"FEEDBACK"}


@pytest.mark.skipif("QTI_SCHEMAS" not in os.environ, reason="QTI_SCHEMAS names no folder with 1EdTech's schemas")
def test_packages_fit_the_schemas() -> None:
    etree = pytest.importorskip("lxml.etree")
    folder = Path(os.environ["QTI_SCHEMAS"])
    item, manifest = (
        etree.XMLSchema(etree.parse(next(folder.rglob(name)))) for name in ("imsqti_v2p1.xsd", "imscp_v1p1.xsd")
    )
    for path in PATHS:
        for name, text in qti.files(quiz(path)).items():
            (manifest if name == "imsmanifest.xml" else item).assertValid(etree.fromstring(text.encode()))


def test_a_package_holds_what_its_manifest_names(tmp_path: Path) -> None:
    package = qti.export(written(page(), tmp_path), tmp_path / "out")
    with zipfile.ZipFile(package) as opened:
        names = opened.namelist()
        manifest = ET.fromstring(opened.read("imsmanifest.xml"))
        test = ET.fromstring(opened.read("quiz-03.xml"))
    resources = list(manifest.iter(f"{CP}resource"))
    assert names == ["imsmanifest.xml", *(resource.get("href") for resource in resources)]
    assert names == ["imsmanifest.xml", *(file.get("href") for file in manifest.iter(f"{CP}file"))]
    items = [resource.get("identifier") for resource in resources[1:]]
    assert [resource.get("type") for resource in resources] == ["imsqti_test_xmlv2p1", *["imsqti_item_xmlv2p1"] * 6]
    assert items == [part.get("identifierref") for part in manifest.iter(f"{CP}dependency")]
    assert items == [part.get("identifier") for part in test.iter(f"{QTI}assessmentItemRef")]
    first = package.read_bytes()
    assert qti.export(written(page(), tmp_path), tmp_path / "out").read_bytes() == first


def test_what_looks_like_markup_is_escaped(tmp_path: Path) -> None:
    text = page(first=asked("3.1", text='Is 1 < 2 & "so", and `a < b`?'))
    read = written(text, tmp_path)
    item = ET.fromstring(qti.files(read)["quiz-03-1.xml"])
    assert "".join(next(item.iter(f"{QTI}prompt")).itertext()) == 'Is 1 < 2 & "so", and a < b?'
    assert 'Is 1 < 2 & "so", and a < b?' in BeautifulSoup(quizzes.sheet([read]), "html.parser").get_text()


def test_a_sheet_has_the_questions_and_then_the_key() -> None:
    read = [quiz(path) for path in PATHS[:2]]
    soup = BeautifulSoup(quizzes.sheet(read), "html.parser")
    sections = soup.find_all("section")
    assert len(sections) == 4
    for page_of, key, of in zip(sections[::2], sections[1::2], read, strict=True):
        for one, answer, question in zip(page_of("article"), key("article"), of.questions, strict=True):
            assert plain(str(one.p)) == f"{question.number} {words(question.text)}"
            assert [plain(str(item)) for item in one("li")] == [words(choice.text) for choice in question.choices]
            assert answer.p.get_text() == f"{question.number}: {question.letter}"
            right = [k for k, item in enumerate(answer("li")) if item.get_text().startswith("Right.")]
            assert ["ABCDEFGH"[k] for k in right] == [question.letter]
    asked_for = [tag for tag in soup.find_all(True) if tag.get("src") or tag.get("href")]
    assert asked_for == []
    assert "@media print" in soup.style.get_text()


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with one chapter and its quiz."""
    for folder in ("book/quizzes", "notebooks"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "notebooks" / "03_sums.ipynb").write_text(writes(chapter_3()), "utf-8")
    (tmp_path / "book" / "quizzes" / "03_sums.md").write_text(page(), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_looks_and_exports(course: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["quizzes", "3", "--qti", "out", "--sheet", "sheet.html"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{Path('book/quizzes/03_sums.md')}: 6 questions",
        f"made {Path('out/quiz-03.zip')}",
        "made sheet.html",
    ]
    assert (course / "out" / "quiz-03.zip").is_file()
    assert "Quiz 3: Sums: key" in (course / "sheet.html").read_text("utf-8")


def test_the_command_exports_nothing_that_is_faulty(course: Path, capsys: pytest.CaptureFixture) -> None:
    (course / "book" / "quizzes" / "03_sums.md").write_text(page(last=""), "utf-8")
    assert main(["quizzes", "--qti", "out"]) == 1
    assert "5 questions, at least 6 are asked for" in capsys.readouterr().out
    assert not (course / "out").exists()


def test_a_chapter_without_a_quiz_is_told_in_a_line(course: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["quizzes", "4"]) == 2
    assert capsys.readouterr().err == "error: there is no quiz for chapter 4, only for 3\n"


def test_a_chapter_that_is_executed_brings_its_quiz_up_to_date(course: Path) -> None:
    path = course / "book" / "quizzes" / "03_sums.md"
    path.write_text(page(last=asked("3.6", text="Why <!--=loss-->0.3<!--/-->?")), "utf-8")
    assert main(["execute", "--text-only", "notebooks/03_sums.ipynb"]) == 0
    assert "Why <!--=loss-->0.25<!--/-->?" in path.read_text("utf-8")


def test_every_chapter_has_a_quiz() -> None:
    assert [path.stem for path in PATHS] == sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
