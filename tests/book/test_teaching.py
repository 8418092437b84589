"""The pages for teachers say what chapters, labs and checks say, and cover all of them."""

import json
import re
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from course_site import release, teaching  # noqa: E402  the extension is no package of the environment

PAGES = ROOT / "book" / "teaching"
NUMBERS = sorted(int(path.name[:2]) for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
LABS = sorted(int(path.name[:2]) for path in (ROOT / "solutions").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("number", LABS)
def test_what_is_read_off_a_lab_adds_up(number: int) -> None:
    chapter = teaching.chapter(ROOT, number)
    assert sum(int(points) for *_, points, _ in chapter.exercises) == 20
    assert chapter.texts >= 1
    assert chapter.lab_minutes >= sum(int(minutes) for _, _, minutes, *_ in chapter.exercises) > 0
    assert len(teaching.mistakes(ROOT, number)) >= 15


def test_no_chapter_needs_a_later_one() -> None:
    for number in NUMBERS:
        assert all(need < number for need in teaching.chapter(ROOT, number).needs), number


def test_a_mistake_is_what_a_check_says_and_stands_once() -> None:
    found = teaching.mistakes(ROOT, 5)
    assert len(found) == len(set(found))
    assert any(text.startswith("the sign is flipped: you return the loss.") for text in found)


def test_each_chapter_has_its_session_and_each_lab_its_mistakes() -> None:
    text = (PAGES / "sessions.md").read_text("utf-8")
    assert [int(n) for n in re.findall(r"\{chapter-facts\} (\d+)", text)] == NUMBERS
    assert [int(n) for n in re.findall(r"\{named-mistakes\} (\d+)", text)] == LABS
    assert [int(n) for n in re.findall(r"^## (\d+) · ", text, re.MULTILINE)] == NUMBERS
    for section in text.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        assert title == teaching.chapter(ROOT, int(title.split(" ")[0])).title
        for words in ("**50 minutes.**", "**100 minutes.**", "**Ask.**"):
            assert words in section, f"{title}: {words}"
        first, rest = section.split("**50 minutes.**")[1].split("**100 minutes.**")
        more = rest.split("**Ask.**")[0]
        assert sum(int(n) for n in re.findall(r"\((\d+)\)", first)) in range(45, 51), title
        assert sum(int(n) for n in re.findall(r"\((\d+)\)", more)) in range(25, 51), title


def test_what_a_large_class_took_is_what_its_run_printed() -> None:
    run = tomllib.loads((ROOT / "tests" / "coursekit" / "class_of_300.toml").read_text("utf-8"))
    text = " ".join((ROOT / "book" / "instructor.md").read_text("utf-8").split())
    told = text.split("What to reckon with: ")[1].split("While a notebook")[0]
    minutes = run["seconds_of_computing_a_notebook"] * run["students"] / 2 / 60
    assert told.startswith(
        f"on {run['date']} (commit {run['commit']}; {run['machine']}) a made-up class of {run['students']}"
    )
    for words in (
        f"for lab {run['lab']},",
        f"`--jobs {run['jobs']}`, killed or stopped {run['times_killed_or_stopped']} times",
        f"took {run['seconds_of_computing_a_notebook']} seconds of computing a notebook",
        f"{run['gigabytes_at_most']} GB at most, about {run['gigabytes_a_job']} GB a job",
        f"and {run['wrong_marks']} marks",
        f"about {minutes:.0f} minutes for {run['students']}",
    ):
        assert words in told, words


def test_each_lab_has_its_rubrics() -> None:
    text = (PAGES / "rubrics.md").read_text("utf-8")
    assert [int(n) for n in re.findall(r"\{rubrics\} (\d+)", text)] == LABS
    titles = [(ROOT / "labs").glob(f"{n:02d}_*.ipynb") for n in LABS]
    heads = [json.loads(next(found).read_text("utf-8"))["cells"][0]["source"][0].strip() for found in titles]
    assert re.findall(r"^## (.+)", text, re.MULTILINE) == [head.removeprefix("# ") for head in heads]


def test_a_chapter_that_says_no_time_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="there is no chapter 4"):
        teaching.chapter(tmp_path, 4)


# Solutions that are held back


def test_solutions_are_held_back_until_their_day() -> None:
    assert release.is_ahead("2027-05-01", date(2027, 4, 30))
    assert not release.is_ahead("2027-05-01", date(2027, 5, 1))
    with pytest.raises(Exception, match="'May 2027', not a day such as 2027-05-01"):
        release.is_ahead("May 2027", date(2027, 4, 30))


def test_a_table_of_contents_without_solutions_has_all_other_pages() -> None:
    whole, pruned = parse_toc_yaml(ROOT / "_toc.yml"), parse_toc_yaml(ROOT / "_toc.yml")
    solutions = {name for name in whole if name.startswith("solutions/")}
    assert len(solutions) == len(list((ROOT / "solutions").rglob("[0-9]*.ipynb")))
    release.prune(pruned)
    assert set(pruned) == set(whole) - solutions
    left = {str(item) for document in pruned.values() for tree in document.subtrees for item in tree.items}
    assert left == {name for name in pruned if name != pruned.root.docname}
