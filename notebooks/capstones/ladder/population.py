"""A population of whole networks: the best twentieth have children that differ in a few weights.

Chapter 13 calls this rung "whole, population". A file for the open ladder holds one class, `Strategy`.
"""

from neuroevo import ga, nets

N_GENOMES, SIGMA, RATE, TOP = 200, 0.04, 0.07, 0.05


class Strategy:
    """Proposes weights, hears how good they are, proposes better ones.

    Args:
        n_params: numbers in one genome, the weights of `nets.MLP((784, 64, 10))`.
        rng: a torch.Generator with this run's seed.
    """

    images_per_class = 20  # every generation is scored on so many fresh images of each digit

    def __init__(self, n_params, rng):
        self.rng = rng
        self.genomes = nets.MLP((784, 64, 10)).init(N_GENOMES, 0.05, rng)

    def ask(self):
        """The genomes to score, (n, n_params); n images each are counted."""
        return self.genomes

    def tell(self, fitness):
        """Their mean log-likelihood (n,), larger is better."""
        parents = ga.from_best(fitness, N_GENOMES, self.rng, TOP)
        self.genomes = self.genomes[parents]
        ga.mutate_(self.genomes, RATE, SIGMA, self.rng)

    # best: a genome, or a method that gives one, to look at on validation; without it, the fittest of the last ask.
