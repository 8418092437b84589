"""Labs generated from solutions, and notebooks executed so that the same results are the same bytes."""

import json
import os
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from coursekit import notebooks
from coursekit.execute import execute
from coursekit.make_labs import build_labs, check_labs
from coursekit.notebooks import NotebookError

SOLUTION = '''def double(x):
    """Twice x."""
    if x:
        ### BEGIN SOLUTION: return "twice" x
        y = 2 * x
        return y
        ### END SOLUTION
    ### BEGIN SOLUTION
    return 0
    ### END SOLUTION'''
STUDENT = '''def double(x):
    """Twice x."""
    if x:
        raise NotImplementedError("Your turn: return \\"twice\\" x")
    raise NotImplementedError("Your turn: replace this line with your code")'''


def write(path, cells):
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def solution(tmp_path, *sources):
    cells = [new_code_cell(source, id=f"code-{n}") for n, source in enumerate(sources)]
    return write(tmp_path / "solutions" / "02_lab.ipynb", cells)


class TestLabs:
    def test_answers_are_taken_out(self, tmp_path):
        output = nbformat.v4.new_output("stream", text="4")
        cells = [
            new_markdown_cell("# Lab"),
            new_code_cell(SOLUTION, id="mine", execution_count=3, outputs=[output]),
            new_markdown_cell("Because.", metadata={"tags": ["solution", "other"]}),
        ]
        cells[0].metadata["collapsed"] = True
        write(tmp_path / "solutions" / "02_lab.ipynb", cells)
        (lab,) = build_labs(tmp_path / "solutions", tmp_path / "labs")
        nb = nbformat.read(lab, 4)
        assert lab == tmp_path / "labs" / "02_lab.ipynb"
        assert [cell.source for cell in nb.cells] == ["# Lab", STUDENT, "*Your answer here.*"]
        assert nb.cells[1].id == "mine"
        assert nb.cells[1].outputs == []
        assert nb.cells[1].execution_count is None
        assert nb.cells[0].metadata == {}
        assert nb.cells[2].metadata == {"tags": ["other"]}
        assert set(nb.metadata) == {"kernelspec", "language_info"}

    def test_twice_is_the_same_bytes(self, tmp_path):
        solution(tmp_path, SOLUTION)
        (lab,) = build_labs(tmp_path / "solutions", tmp_path / "labs")
        first, stamp = lab.read_bytes(), lab.stat().st_mtime_ns
        build_labs(tmp_path / "solutions", tmp_path / "labs")
        assert lab.read_bytes() == first
        assert lab.stat().st_mtime_ns == stamp
        assert first.endswith(b"}\n")
        assert b"\r" not in first

    def test_differences_are_found(self, tmp_path):
        solution(tmp_path, SOLUTION)
        folders = tmp_path / "solutions", tmp_path / "labs"
        assert check_labs(*folders) == [tmp_path / "labs" / "02_lab.ipynb"]
        (lab,) = build_labs(*folders)
        assert check_labs(*folders) == []
        orphan = tmp_path / "labs" / "01_old.ipynb"
        orphan.write_bytes(lab.read_bytes())
        lab.write_text(lab.read_text("utf-8").replace("Your turn", "My turn"), "utf-8")
        assert check_labs(*folders) == [orphan, lab]

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("### BEGIN SOLUTION\nx = 1", "BEGIN SOLUTION without ### END SOLUTION after it"),
            ("x = 1\n### END SOLUTION", "END SOLUTION without ### BEGIN SOLUTION before it"),
            ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "a second ### BEGIN SOLUTION"),
            ("# BEGIN SOLUTION\nx = 1\n# END SOLUTION", "'# BEGIN SOLUTION' looks like a mark"),
            ("x = 1  ### END SOLUTION", "looks like a mark"),
        ],
    )
    def test_marks_that_do_not_fit_name_the_cell(self, tmp_path, source, message):
        solution(tmp_path, "x = 0", source)
        with pytest.raises(NotebookError, match=r"02_lab\.ipynb, cell 2 \(code-1\): .*") as caught:
            build_labs(tmp_path / "solutions", tmp_path / "labs")
        assert message in str(caught.value)
        assert not (tmp_path / "labs").exists()

    def test_code_is_not_tagged_solution(self, tmp_path):
        write(tmp_path / "solutions" / "02_lab.ipynb", [new_code_cell("x", metadata={"tags": ["solution"]})])
        with pytest.raises(NotebookError, match="only Markdown cells are tagged solution"):
            build_labs(tmp_path / "solutions", tmp_path / "labs")

    def test_empty_folder_is_refused(self, tmp_path):
        with pytest.raises(NotebookError, match="holds no notebook"):
            check_labs(tmp_path, tmp_path)


class TestReading:
    def test_what_is_no_notebook(self, tmp_path):
        bad = tmp_path / "bad.ipynb"
        with pytest.raises(NotebookError, match="can't be read"):
            notebooks.read_notebook(bad)
        for content in (b"{", b"\xff\xfe", b"[]", b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}'):
            bad.write_bytes(content)
            with pytest.raises(NotebookError, match=r"bad\.ipynb is not a Jupyter notebook"):
                notebooks.read_notebook(bad)

    def test_ids_are_kept_or_all_made_anew(self, tmp_path):
        path = solution(tmp_path, "1", "2")
        assert [cell.id for cell in notebooks.read_notebook(path).cells] == ["code-0", "code-1"]
        for new in ("code-0", "not well formed", None):
            raw = json.loads(path.read_text("utf-8"))
            raw["cells"][1] |= {"id": new}
            if new is None:
                del raw["cells"][1]["id"]
            (tmp_path / "other.ipynb").write_text(json.dumps(raw), "utf-8")
            nb = notebooks.read_notebook(tmp_path / "other.ipynb")
            assert [cell.id for cell in nb.cells] == ["cell-001", "cell-002"]


class TestExecute:
    def test_twice_is_the_same_bytes(self, tmp_path):
        path = write(
            tmp_path / "book" / "run.ipynb",
            [
                new_code_cell("import os, sys\nfrom IPython.display import display\nprint('out')"),
                new_code_cell("print('err', file=sys.stderr)\nprint('more')\nsys.executable"),
                new_code_cell("print(os.path.basename(os.getcwd()), os.environ['TQDM_DISABLE'])"),
                new_code_cell("from tqdm import tqdm\nfor _ in tqdm(range(3)): pass"),
                new_code_cell(
                    "import ipywidgets\nipywidgets.IntSlider()", metadata={"tags": ["keep"], "scrolled": True}
                ),
                new_markdown_cell("Text"),
            ],
        )
        raw = json.loads(path.read_text("utf-8"))
        raw["cells"][1]["id"] = raw["cells"][0]["id"]
        raw["metadata"]["kernelspec"] = {"name": "no-such-kernel", "display_name": "X", "language": "R"}
        path.write_text(json.dumps(raw), "utf-8")
        assert execute([path]) == [path]
        once = path.read_bytes()
        assert execute([str(path)]) == []
        assert path.read_bytes() == once

        nb = nbformat.read(path, 4)
        assert [cell.id for cell in nb.cells] == [f"cell-{n:03d}" for n in range(1, 7)]
        assert [cell.execution_count for cell in nb.cells[:5]] == [1, 2, 3, 4, 5]
        assert set(nb.metadata) == {"kernelspec", "language_info"}
        assert nb.metadata.language_info == {"name": "python"}
        assert nb.metadata.kernelspec.name == "python3"
        assert nb.cells[1].outputs[-1].data["text/plain"] == repr(sys.executable)
        assert nb.cells[2].outputs[0].text == "book 1\n"
        assert nb.cells[3].outputs == []
        assert nb.cells[4].metadata == {"tags": ["keep"]}
        assert "IntSlider" in nb.cells[4].outputs[0].data["text/plain"]
        assert b"widget-view" not in once
        assert b"timing" not in once
        assert os.listdir(path.parent) == ["run.ipynb"]

    def test_failing_cell_leaves_the_file(self, tmp_path):
        path = solution(tmp_path, "x = 1", "1 / 0", "x = 2")
        before = path.read_bytes()
        with pytest.raises(
            NotebookError, match=r"02_lab\.ipynb, cell 2 \(code-1\): ZeroDivisionError: division by zero$"
        ):
            execute([path])
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == ["02_lab.ipynb"]

    def test_bar_that_cannot_be_switched_off_is_refused(self, tmp_path):
        path = solution(tmp_path, "from tqdm.auto import tqdm\nfor _ in tqdm(range(3)): pass")
        with pytest.raises(NotebookError, match=r"cell 1 \(code-0\): .* use `from tqdm import tqdm`"):
            execute([path])

    def test_other_digits_than_the_books_are_refused(self, tmp_path, monkeypatch):
        monkeypatch.setenv("NEUROEVO_DATA", str(tmp_path))
        monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
        path = solution(tmp_path, "from neuroevo.data import mnist\nmnist().source")
        before = path.read_bytes()
        with pytest.raises(NotebookError, match=r"cell 1 \(code-0\): MNIST isn't here.* Set NEUROEVO_DATA"):
            execute([path])
        assert path.read_bytes() == before

    def test_slow_cell_and_dead_kernel_are_told(self, tmp_path):
        path = solution(tmp_path, "import time; time.sleep(60)")
        with pytest.raises(NotebookError, match=r"cell 1 \(code-0\): not finished after 1 seconds"):
            execute([path], timeout=1)
        path = solution(tmp_path, "x = 1", "import os; os._exit(1)")
        with pytest.raises(NotebookError, match=r"cell 2 \(code-1\): the kernel died"):
            execute([path])


def test_files_are_written_all_at_once(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    assert notebooks.write_atomically(path, "one\n")
    assert not notebooks.write_atomically(path, "one\n")

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        notebooks.write_atomically(path, "two\n")
    assert path.read_text("utf-8") == "one\n"
    assert os.listdir(tmp_path) == ["file.txt"]
