"""What all tests of the house share: how hypothesis looks for examples, figures that are closed, and a browser."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

# The same examples on every machine and every day; a busy machine is no failure; nothing is written into the tree.
settings.register_profile("house", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("house")
set_hypothesis_home_dir(Path(tempfile.gettempdir(), "neuroevo-hypothesis"))


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    """Else matplotlib warns of too many in whichever test comes twenty figures later."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, as this machine has it or `playwright install chromium` has put it; without one, tests are skipped."""
    from playwright.sync_api import Error, sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        try:
            # Without a sandbox of its own it runs as root, too, as CI does; the pages are ours.
            started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"no Chromium on this machine; `playwright install chromium` brings one ({error.message[:80]})")
        yield started
        started.close()
