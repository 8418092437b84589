"""The referee: ten damaged copies of the good capstone, and what it says to each; nothing on the good one."""

import copy
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat import NotebookNode, v4
from traitlets.config import Config

from coursekit import plain, referee
from coursekit.__main__ import main
from coursekit.capstone import RECORD, Plan
from coursekit.referee import prose
from coursekit.referee.reading import Paper

ROOT = Path(__file__).parents[2]
CAPSTONES = ROOT / "notebooks" / "capstones"
GOOD, BAD, TEMPLATE = (CAPSTONES / f"{name}.ipynb" for name in ("fresh_or_fixed", "whole_neurons", "template"))


def cell(nb: NotebookNode, name: str) -> NotebookNode:
    return next(one for one in nb.cells if one.id == name)


def change(nb: NotebookNode, name: str, old: str, new: str) -> None:
    assert cell(nb, name).source.count(old) == 1, (name, old)
    cell(nb, name).source = cell(nb, name).source.replace(old, new)


def lock(nb: NotebookNode) -> None:
    """Lock the plan as it stands."""
    source = cell(nb, "plan").source
    names: dict[str, Any] = {}
    code = source[source.index("study = Study(") :].replace("study = Study(", "plan = dict(")
    exec(code, names)
    names["plan"].pop("lock")
    cell(nb, "plan").source = re.sub(r'lock="\w*"', f'lock="{Plan.of(**names["plan"]).key()}"', source)


def run(nb: NotebookNode, path: Path) -> None:
    """Run a notebook in this process, and keep what it shows."""
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    try:
        for place, one in enumerate([one for one in nb.cells if one.cell_type == "code"], start=1):
            with capture_output() as shown:
                shell.run_cell(one.source, store_history=True).raise_error()
            texts = [v4.new_output("stream", name="stdout", text=shown.stdout)] if shown.stdout else []
            rich = [v4.new_output("display_data", out.data, metadata=out.metadata or {}) for out in shown.outputs]
            one.outputs, one.execution_count = texts + rich, place
    finally:
        InteractiveShell.clear_instance()
    assert plain.refresh(nb, path) == []


@pytest.fixture(scope="module")
def small() -> NotebookNode:
    """The good capstone, not yet run, with so small a budget that it takes a second."""
    nb = nbformat.read(GOOD, as_version=4)
    change(nb, "plan", "n_evaluations=400_000", "n_evaluations=10_000")
    for one in nb.cells:
        if one.cell_type == "code":
            one.outputs, one.execution_count = [], None
        else:
            one.source = one.source.replace("400,000", "10,000").replace("80 generations", "2 generations")
    lock(nb)
    return nb


@pytest.fixture(scope="module")
def ran(small: NotebookNode) -> NotebookNode:
    nb = copy.deepcopy(small)
    run(nb, GOOD)
    return nb


def judge(nb: NotebookNode, folder: Path) -> referee.Opinion:
    path = folder / "fresh_or_fixed.ipynb"
    nbformat.write(nb, path)
    return referee.judge(path)


# What an author does in the code, and then runs.
CODE: dict[str, tuple[str, str, Callable[[NotebookNode], None]]] = {
    "a seed is left out": (
        "seeds",
        "'fixed batch' has no run for seed 7",
        lambda nb: change(
            nb,
            "runs",
            "        with",
            '        if (arm, seed) == ("fixed batch", 7):\n            continue\n        with',
        ),
    ),
    "five seeds": ("seeds", "5 seeds are planned", lambda nb: change(nb, "plan", "range(20)", "range(5)")),
    "one arm spends half": (
        "budgets",
        "'fresh batch' spends 10,000 evaluations a run, 'fixed batch' 5,000",
        lambda nb: change(
            nb,
            "method",
            "while run.left >= n_genomes * len(y):",
            'while run.left >= n_genomes * len(y) * (2 if arm == "fixed batch" else 1):',
        ),
    ),
    "one arm is tuned less": (
        "budgets",
        "on tuning",
        lambda nb: change(
            nb, "tuning", "in (0.025, 0.05, 0.1, 0.2)", 'in ((0.1,) if arm == "fixed batch" else (0.025, 0.1))'
        ),
    ),
    "the test set is opened twice": (
        "test set",
        "opened 2 times",
        lambda nb: change(nb, "figure", "plots.use_style()", 'plots.use_style()\nimages.test.open("once more")'),
    ),
    "the test set is opened before the choice": (
        "test set",
        "before the choice",
        lambda nb: (
            change(nb, "runs", "champions = {}", 'champions = {}\ntest = images.test.open("which arm is it?")'),
            change(nb, "choice", 'test = study.open_test(images.test, "score the 60 champions")\n', ""),
        ),
    ),
}

# What an author does afterwards, and doesn't run.
TEXT: dict[str, tuple[str, str, Callable[[NotebookNode], None]]] = {
    "an interval is left out": (
        "intervals",
        "stands there without an interval",
        lambda nb: cell(nb, "results").update(
            source=re.sub(r"(-->[−\d.]+) \[[^\]]*\]", r"\1", cell(nb, "results").source)
        ),
    ),
    "a number is typed": (
        "numbers",
        'no cell has computed "91.37"',
        lambda nb: change(nb, "results", "## What came out\n", "## What came out\n\nA longer run had 91.37 % right.\n"),
    ),
    "the plan isn't locked": (
        "prediction",
        "isn't locked",
        lambda nb: cell(nb, "plan").update(source=re.sub(r'lock="\w+"', 'lock=""', cell(nb, "plan").source)),
    ),
    "the prediction is changed after its hash": (
        "prediction",
        "changed after it was locked",
        lambda nb: change(nb, "plan", "low=1,", "low=-2,"),
    ),
}


@pytest.mark.parametrize("fault", [*CODE, *TEXT])
def test_a_planted_fault_is_found(fault: str, small: NotebookNode, ran: NotebookNode, tmp_path: Path) -> None:
    rule, told, damage = (CODE | TEXT)[fault]
    nb = copy.deepcopy(small if fault in CODE else ran)
    damage(nb)
    if fault in CODE:
        lock(nb)
        run(nb, GOOD)
    opinion = judge(nb, tmp_path)
    assert any(found.rule == rule and told in found.what for found in opinion.findings), referee.words(opinion)
    # Nothing else is blamed; but text that was changed after the run is said to have been.
    assert {found.rule for found in opinion.findings} <= {rule} | ({"order"} if fault in TEXT else set()), (
        referee.words(opinion)
    )


def test_nothing_is_found_in_the_good_ones(ran: NotebookNode, tmp_path: Path) -> None:
    for opinion in (judge(ran, tmp_path), referee.judge(GOOD)):
        assert opinion.findings == [], referee.words(opinion)


def test_in_the_template_only_the_history_is_found_for_its_toy_was_never_locked_first() -> None:
    assert all("together with the results" in finding.what for finding in referee.judge(TEMPLATE).findings)


def test_three_of_five_are_found_in_the_bad_one() -> None:
    found = referee.judge(BAD).findings
    assert {finding.rule for finding in found} == {"seeds", "budgets", "test set"}
    assert all(finding.cell and finding.remedy for finding in found)
    told = " ".join(finding.what for finding in found)
    assert "for seed 1, 9" in told
    assert "opened 2 times" in told
    assert "before the choice" in told
    assert "'with crossover' spends 400,000 evaluations a run, 'mutation alone' 300,000" in told


def edited(ran: NotebookNode, do: Callable[[NotebookNode, dict[str, Any]], object], folder: Path) -> set[str]:
    nb = copy.deepcopy(ran)
    do(nb, next(out.data[RECORD] for out in cell(nb, "report").outputs if RECORD in out.get("data", {})))
    return {finding.rule for finding in judge(nb, folder).findings}


@pytest.mark.parametrize(
    ("rule", "do"),
    [
        ("order", lambda nb, record: cell(nb, "runs").update(execution_count=9)),
        ("order", lambda nb, record: change(nb, "method", "50, 10", "60, 10")),
        ("order", lambda nb, record: cell(nb, "runs").outputs.append(v4.new_output("error", ename="E", evalue="x"))),
        ("intervals", lambda nb, record: record["rows"][-1].update(validation=99.0)),
        ("prediction", lambda nb, record: record["plan"].update(low=0.0)),
        ("test set", lambda nb, record: record["openings"].append("again")),
        ("test set", lambda nb, record: change(nb, "choice", "study.test(arm", "images.test._split, study.test(arm")),
        ("seeds", lambda nb, record: record["rows"][-1].pop("test")),
        ("seeds", lambda nb, record: nb.cells.remove(cell(nb, "report"))),
        ("order", lambda nb, record: record.update(plan={})),
    ],
)  # fmt: skip
def test_what_was_done_to_the_outputs_is_found(rule: str, do: Any, ran: NotebookNode, tmp_path: Path) -> None:
    assert rule in edited(ran, do, tmp_path)


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_the_history_says_whether_the_lock_came_first(small: NotebookNode, ran: NotebookNode, tmp_path: Path) -> None:
    for folder, steps in (("first", [small, ran]), ("together", [ran])):
        (tmp_path / folder).mkdir()
        git(tmp_path / folder, "init", "-q")
        git(tmp_path / folder, "commit", "-q", "--allow-empty", "-m", "an empty folder")
        for nb in steps:
            nbformat.write(nb, tmp_path / folder / "study.ipynb")
            git(tmp_path / folder, "add", "study.ipynb")
            git(tmp_path / folder, "commit", "-qm", "a step")
    shallow = f"file://{tmp_path / 'together'}"
    git(tmp_path, "clone", "-q", "--depth", "1", shallow, "shallow")
    assert not referee.judge(tmp_path / "shallow" / "study.ipynb").findings  # its history was cut off: nobody knows
    first, together = (referee.judge(tmp_path / folder / "study.ipynb") for folder in ("first", "together"))
    assert first.findings == []
    assert any("holds the lock, and no results yet" in remark for remark in first.remarks)
    assert [finding.rule for finding in together.findings] == ["prediction"]
    assert "together with the results" in together.findings[0].what


def numbers_of(*texts: str) -> Iterator[tuple[str, bool]]:
    nb = v4.new_notebook(cells=[v4.new_markdown_cell(text) for text in texts])
    paper = Paper.__new__(Paper)
    paper.nb, paper.cells, paper.code = nb, list(enumerate(nb.cells, start=1)), []
    return ((number.text, number.has_interval) for number in prose.numbers(paper))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It has 84.2 % right.", [("84.2", False)]),
        ("It has 84.2 [83.1, 85.3] % right.", [("84.2", True), ("83.1", True), ("85.3", True)]),
        ("It has 84.2 ± 1.1 % right.", [("84.2", True), ("1.1", True)]),
        ("At 400,000 evaluations, −2.5 points.", [("400,000", False), ("−2.5", False)]),
        ("A <!--=x-->7.5<!--/--> in `12.5` and $13.5$ of 784-64-10.", [("7.5", False)]),
        ("## 3.5 things", []),
        ("1. Two arms, 3 seeds, since 2019, 95 times.", [("95", False)]),
        ("They [report](https://example.org) 81.47 %.", []),
    ],
)
def test_numbers_that_a_reader_takes_for_results(text: str, found: list[tuple[str, bool]]) -> None:
    assert list(numbers_of(text)) == found


def test_the_command_says_it_and_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["referee", str(GOOD)]) == 0
    assert "Reproducibility: 10 of 10" in capsys.readouterr().out
    assert main(["referee", str(BAD)]) == 1
    shown = capsys.readouterr().out
    assert "Reproducibility: 4 of 10" in shown
    assert "can't see" in shown
    (tmp_path / "no.ipynb").write_text(json.dumps({}), "utf-8")
    assert main(["referee", str(tmp_path / "no.ipynb")]) == 2


@pytest.mark.slow
def test_run_again_the_record_comes_out_the_same_or_it_says_so(small: NotebookNode, tmp_path: Path) -> None:
    from coursekit.execute import execute

    path = tmp_path / "fresh_or_fixed.ipynb"
    nbformat.write(small, path)
    execute([path])
    assert referee.rerun(path) == []
    nb = nbformat.read(path, as_version=4)
    record = next(out.data[RECORD] for out in cell(nb, "report").outputs if RECORD in out.get("data", {}))
    record["rows"][-1]["validation"] += 1
    nbformat.write(nb, path)
    assert "1 of " in referee.rerun(path)[0]
    assert [left.name for left in tmp_path.iterdir()] == [path.name]
