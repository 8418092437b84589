"""How fast is the package, beside simpler programs and other libraries (`contenders`) for the same work?

`generation` measures a generation of GENREG, `line` a thousand runs of chapter 6, `peers` a generation in other
libraries. Machines are noisy, so quote ratios of one run. What a chapter measures before its reader's eyes
(mask against gaps, in chapter 9) stands in the chapter.
"""

from __future__ import annotations

import json

from evidence.bench import generation, line, peers


def main(as_json: bool, with_peers: bool = False, keep: bool = False) -> None:
    """Print measurements as tables, or as one JSON object.

    Args:
        as_json: JSON instead of tables.
        with_peers: measure the other libraries; otherwise a generation and the line (whose keys begin with `line_`).
        keep: store what the other libraries took as the run `peers`.
    """
    if with_peers:
        others = peers.measure()
        print(json.dumps(others) if as_json else peers.table(others))
        if keep:
            print(f"stored in {peers.keep(others)}")
        return
    one_generation, a_line = generation.measure(), line.measure()
    if as_json:
        print(json.dumps({**one_generation, **{f"line_{key}": value for key, value in a_line.items()}}))
    else:
        print(f"{generation.table(one_generation)}\n\n{line.table(a_line)}")
