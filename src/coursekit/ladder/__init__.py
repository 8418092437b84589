"""The open ladder: `python3 course.py ladder FILE` runs a strategy of your own beside the rungs of chapter 13.

One file with a class `Strategy` in ask/tell form proposes weights for a 784-64-10 network. It never sees an image: it
gets scores. It runs in a process of its own (`entry`), and is scored here (`climbing`); a folder of files becomes a
table, and what is stopped goes on (`contest`).
"""

from coursekit.ladder.climbing import N_EVALUATIONS, RefusedError, Rules
from coursekit.ladder.contest import hold

__all__ = ["N_EVALUATIONS", "RefusedError", "Rules", "hold"]
