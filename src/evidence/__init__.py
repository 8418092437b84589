"""What the book's numbers rest on: the programs behind results/, benchmarks, provenance, and the ledger of claims.

For whoever doubts a number, makes it again, or adds one.

    bench                                  this package beside simpler code and other libraries
    runs                                   a module or a folder a stored run: its units, and how one is run
    runner                                 runs units anywhere, resumes what was stopped, stores the tables
    recorder, provenance                   what a unit writes down; what a stored run says about itself
    ledger                                 verdicts on the documents' claims, as boxes and as a table

It may import `neuroevo`, and nothing of `coursekit`. Chapters load what is stored by `neuroevo.results`.
"""
