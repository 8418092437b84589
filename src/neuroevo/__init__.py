"""Support package of *Descent with Modification*: batched neuroevolution in plain view.

A population is a matrix: one row per genome, one column per parameter. Selection picks rows, crossover mixes
two rows, mutation adds noise to a few columns, and a network architecture reads a row as weights.
"""

__version__ = "0.1.0"
