"""What readers and students import: batched neuroevolution in plain view, and the gradient beside it.

A population is a matrix: one row per genome, one column per parameter. Selection picks rows, crossover mixes two rows,
mutation adds noise to a few columns, and a network architecture reads a row as weights. Tensors go in, tensors
come out; randomness comes from an explicit generator, and what searches speaks ask/tell.

    search, workers                        look for designs, and evaluate them anywhere
    genreg, neurons, strategies            algorithms: trust, mutants of one neuron, OpenAI-ES, SNES, CMA-ES
    ga, descent, backprop                  operators and loops: selection, crossover, mutation; slopes and steps
    nets, data, budget, stats, plots,      the ground: architectures, data sets, meters, intervals, figures,
    results                                stored runs (reading)

A module imports only from lines below its own, and nothing of `coursekit` (the labs' feedback, the course's tools) or
`evidence` (the programs behind stored runs, the ledger of claims). What teaches is first written out in a chapter; a
test holds the two equal.
"""

__version__ = "0.2.0.dev0"
