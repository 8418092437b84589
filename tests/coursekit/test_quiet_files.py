"""A notebook that is opened in JupyterLab and saved as it was stays as it was, byte for byte."""

import asyncio
import json
from pathlib import Path

import pytest
from ipykernel.ipkernel import IPythonKernel
from nbformat.sign import MemorySignatureStore, NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook

from coursekit.notebooks import tidy, to_text
from coursekit.quiet_files import QuietFiles


@pytest.fixture
def files(tmp_path: Path) -> QuietFiles:
    """A manager of the files below tmp_path, whose trust in notebooks is kept nowhere."""
    return QuietFiles(root_dir=str(tmp_path), notary=NotebookNotary(store_factory=MemorySignatureStore))


def test_what_is_opened_and_saved_stays_as_it_was(tmp_path: Path, files: QuietFiles) -> None:
    nb = new_notebook(cells=[new_code_cell("1 + 1")])
    tidy(nb)
    path = tmp_path / "lab.ipynb"
    path.write_text(to_text(nb), "utf-8")
    before = path.read_bytes()
    opened = asyncio.run(files.get("lab.ipynb"))
    assert opened["content"]["metadata"]["language_info"] == IPythonKernel.language_info  # what a kernel would write
    asyncio.run(files.save({**opened, "content": json.loads(json.dumps(opened["content"]))}, "lab.ipynb"))
    assert path.read_bytes() == before


def test_other_files_are_left_alone(tmp_path: Path, files: QuietFiles) -> None:
    (tmp_path / "words.txt").write_text("no notebook", "utf-8")
    assert asyncio.run(files.get("words.txt"))["content"] == "no notebook"
    assert [entry["name"] for entry in asyncio.run(files.get(""))["content"]] == ["words.txt"]
    asyncio.run(files.save({"type": "file", "format": "text", "content": "changed"}, "words.txt"))
    assert (tmp_path / "words.txt").read_text("utf-8") == "changed"
