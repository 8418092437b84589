"""Searching designs: a space of named choices, searchers that speak ask/tell, and replays from a table of results.

A design is a dictionary, `{"layers": 2, "neurons": 512, ...}`; as a genome it is a row of whole numbers, each the
place of a choice. A population of designs is a tensor of shape (n_runs, n_genomes, n_genes): a thousand replays of a
search are one tensor, and take hardly longer than one.

With one run, `ask()` gives the designs to train as dictionaries and `tell(scores)` takes a score for each. With many,
`genes` and `todo` say the same as tensors. Larger scores are better.
"""

from neuroevo.search.searchers import GeneticSearch, RandomSearch, Searcher
from neuroevo.search.space import Design, Space
from neuroevo.search.tables import Outcomes, Replay, Table, replay

__all__ = ["Design", "GeneticSearch", "Outcomes", "RandomSearch", "Replay", "Searcher", "Space", "Table", "replay"]
