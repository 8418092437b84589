"""Evaluate designs in this process, in several, or on Dask: a lost task is started again by Dask, else `evaluator`.

    evaluate = partial(train_mlp, **data)                  # evaluate(design, rng) -> a number, or anything JSON can say
    with Evaluator(evaluate, processes(2), journal="search.jsonl") as evaluator:
        for evaluation in evaluator.map([({"neurons": 32}, 0), ({"neurons": 64}, 0)]):
            print(evaluation.design, evaluation.result)

A task is a design, a dict, and the number of a replicate. Its random numbers come from these two and from nothing else,
so it doesn't matter who evaluates it, when, or how often. Whatever runs the tasks is a `concurrent.futures.Executor`:
`serial`, `processes(n)`, `dask(address)`, or any other. Distributed execution itself is theirs; this package keeps the
books: one entry for each task, in a journal that a search which broke off goes on from.

    evaluator               tasks and their journal, retries, what happens when workers die or fall silent
    executors, tasks        who runs them: this process, several, Dask; what a task's name and random numbers are
    mlp                     something to evaluate
"""

from neuroevo.workers.evaluator import Evaluation, Evaluator
from neuroevo.workers.executors import Opener, WorkersError, dask, processes, serial
from neuroevo.workers.mlp import train_mlp
from neuroevo.workers.tasks import rng_for, task_key

__all__ = [
    "Evaluation",
    "Evaluator",
    "Opener",
    "WorkersError",
    "dask",
    "processes",
    "rng_for",
    "serial",
    "task_key",
    "train_mlp",
]
