"""A report checker for capstones: `python3 course.py referee NOTEBOOK`.

It reads a notebook, runs nothing, and looks for what an honest hurry leaves behind: seeds that are missing, budgets
that differ, numbers without an interval or without a cell, a test set that was opened too often or too early, a
prediction that isn't locked or isn't the one that was. It reads the code and the outputs, and holds the record that
`capstone.Study` leaves against both. What it can't see, it says.
"""

from coursekit.referee.judging import BLIND, RULES, Finding, Opinion, judge, rerun, words

__all__ = ["BLIND", "RULES", "Finding", "Opinion", "judge", "rerun", "words"]
