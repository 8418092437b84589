"""The site, built once for all tests that look at it, whichever of xdist's processes they run in."""

import os
from pathlib import Path

import pytest
from building import build_site
from filelock import FileLock


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built once."""
    together = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        together = together.parent  # each process has a folder of its own in it
    folder = together / "site"
    with FileLock(together / "site.lock"):
        if not (folder / "complaints").exists():
            folder.mkdir(exist_ok=True)
            complaints = seconds = ""
            try:
                _, seconds = build_site(folder)
            except AssertionError as failed:
                complaints = str(failed)
            (folder / "seconds").write_text(seconds, encoding="utf-8")
            (folder / "complaints").write_text(complaints, encoding="utf-8")
    complaints_found = (folder / "complaints").read_text("utf-8")
    assert not complaints_found, complaints_found
    return folder / "_build" / "html"
