"""Figures that run in the page, run by Node.js; and what the chapters say in numbers."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PLAY = ROOT / "book" / "_static" / "play"

sys.path.insert(0, str(ROOT / "book" / "_ext"))
from course_site import running  # noqa: E402  the extension is no package of the environment

__all__ = ["PLAY", "ROOT", "needs_node", "node", "running", "told"]

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js, which runs the figures here, is missing")


def node(name: str, expression: str, **values: Any) -> Any:
    """What a JavaScript expression gives, with a figure's module as `figure` and each value under its name."""
    names = "".join(f"const {key} = {json.dumps(value)};\n" for key, value in values.items())
    modules = {"figure": f"{name}.js", "maths": "maths.js", "tables": "table.js"}
    script = "".join(f"import * as {key} from '{(PLAY / file).as_uri()}';\n" for key, file in modules.items()) + names
    script += f"process.stdout.write(JSON.stringify({expression}));"
    found = subprocess.run(
        ["node", "--input-type=module", "-"],
        input=script,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def told(chapter: str, name: str) -> float:
    """The number that a chapter prints under a name."""
    (source,) = [path.read_text("utf-8") for path in (ROOT / "notebooks").glob(f"{chapter}_*.ipynb")]
    found = re.search(rf"<!--={re.escape(name)}-->([−\d.,]+)", source)
    assert found, f"chapter {chapter} prints no {name}"
    return float(found[1].replace("−", "-").replace(",", ""))
