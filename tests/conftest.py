"""What all tests of the house share: how hypothesis looks for examples."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

# The same examples on every machine and every day; a busy machine is no failure; nothing is written into the tree.
settings.register_profile("house", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("house")
set_hypothesis_home_dir(Path(tempfile.gettempdir(), "neuroevo-hypothesis"))
