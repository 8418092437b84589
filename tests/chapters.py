"""What a chapter defines in full view, for tests that hold it equal to the package."""

import ast
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def function_in(notebook: str, name: str, **names: Any) -> Any:
    """The function `name` as the notebook's code defines it, with `names` as its globals."""
    cells = json.loads((ROOT / "notebooks" / notebook).read_text("utf-8"))["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and f"def {name}(" in source:
            found = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == name]
            exec(compile(ast.Module(found, []), notebook, "exec"), names)
            return names[name]
    raise AssertionError(f"{notebook} defines no function {name}")
