#!/bin/bash
# From the root of the checkout, with results/designs and results/searchers stored.
set -e
F=$(dirname "$0"); PY=${PY:-.venv/bin/python}
test -f results/designs/epochs.csv && test -f results/searchers/replays.csv
cp $F/notebooks/14_672_ways.ipynb notebooks/; cp $F/solutions/14_672_ways.ipynb solutions/
cp $F/tests/test_designs_table.py tests/
$PY - "$F" <<'P'
import sys
from pathlib import Path
f = Path(sys.argv[1])
p = Path("tests/test_chapters.py"); s = p.read_text()
if "CHAPTER_14" not in s:
    s = s.rstrip() + "\n\n\n" + (f / "tests/test_chapters_snippet.txt").read_text()
    line = next(l for l in s.splitlines() if l.startswith("from neuroevo import "))
    names = sorted(set(line.removeprefix("from neuroevo import ").split(", ")) | {"search"})
    s = s.replace(line, "from neuroevo import " + ", ".join(names), 1)
    if "from neuroevo.experiments import designs" not in s:
        after = "from neuroevo.checks import lab15\n"
        s = s.replace(after, after + "from neuroevo.experiments import designs\n", 1)
    s = s.replace("from typing import Any\n", "from types import SimpleNamespace\nfrom typing import Any\n", 1)
    p.write_text(s)
p = Path("_toc.yml"); s = p.read_text()
entry = '''      - {file: notebooks/14_672_ways, title: 14 · 672 ways to build a network,
         sections: [{file: labs/14_672_ways, title: Lab 14, sections: [{file: solutions/14_672_ways, title: Solutions}]}]}
'''
if "14_672_ways" not in s:
    part = '  - caption: "Part V: Searching designs"\n    chapters:\n'
    if part in s:
        s = s.replace(part, part + entry, 1)
    else:
        s = s.replace("  - caption: Reference\n", part + entry + "  - caption: Reference\n", 1)
    p.write_text(s)
P
$PY -m neuroevo execute notebooks/14_672_ways.ipynb solutions/14_672_ways.ipynb
$PY -m neuroevo labs
.venv/bin/ruff check notebooks/14_672_ways.ipynb solutions/14_672_ways.ipynb tests/test_designs_table.py tests/test_chapters.py
