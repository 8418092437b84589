"""How fast is the package, beside simpler programs for the same work?

`generation` measures a generation of GENREG, `line` a thousand runs of chapter 6. Machines are noisy, so quote ratios
of one run.
"""

from __future__ import annotations

import json

from neuroevo.bench import generation, line


def main(as_json: bool) -> None:
    """Print both measurements as tables, or as one JSON object (the line's keys begin with `line_`)."""
    one_generation, a_line = generation.measure(), line.measure()
    if as_json:
        print(json.dumps({**one_generation, **{f"line_{key}": value for key, value in a_line.items()}}))
    else:
        print(f"{generation.table(one_generation)}\n\n{line.table(a_line)}")
