"""Grading: what is handed in, the record of a class, and a judge that no student's code can reach.

    roster, handins, reading    who is in the class; whose each file is; the cells of whatever is a notebook
    record, sheet               one SQLite file that loses nothing; the tables that an instructor types into
    judging                     a notebook is run, and its functions are judged, in two processes
    sandbox                     the students' process: its walls and its limits
    inside, peers, values       what runs in there; calls between the two, whose arguments travel as data
    texts, marking              free texts: how much of them is the student's own; a page and tables to mark them
    exporting, returning, reporting, pages    what leaves a class: marks, feedback, a report
    similarity                  whose code is alike

`coursekit.grade` puts them together.
"""
