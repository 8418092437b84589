"""Evolution strategies: search that moves one mean by what a cloud of samples around it scores.

Three, in order of what they adapt: `OpenAIES` the mean alone, `SNES` also one step size for each parameter, `CMAES`
also the correlations between parameters. All maximise, and take a mean of shape (..., n_params): leading dimensions
are independent runs. All keep one contract, `Strategy`:

    search = strategies.SNES(start, sigma=0.5, rng=rng)
    for _ in range(n_generations):
        search.tell(fitness(search.ask()))
    search.mean                                            # where it has come to; start is as it was
"""

from neuroevo.strategies.cma_es import CMAES
from neuroevo.strategies.common import Strategy, centred_ranks
from neuroevo.strategies.openai_es import OpenAIES
from neuroevo.strategies.snes import SNES

__all__ = ["CMAES", "SNES", "OpenAIES", "Strategy", "centred_ranks"]
