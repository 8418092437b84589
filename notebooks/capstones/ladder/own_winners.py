"""One network; every hidden neuron has mutants of its own, and keeps the best. Chapter 13's best selection."""

import torch

from neuroevo import nets, neurons

NET, PAIRS, SIGMA = nets.MLP((784, 64, 10)), 2, 0.02


class Strategy:
    """Own winners, mirrored: each step of a neuron is tried both ways, and all winners move at once."""

    def __init__(self, n_params, rng):
        rows = neurons.split(NET, NET.init(1, 0.05, rng)[0])
        self.search = neurons.Selection(rows, n_pairs=PAIRS, rng=rng)

    def ask(self):
        """The parent, and mutants that differ from it in one neuron."""
        steps = self.search.ask(SIGMA)
        both = torch.cat([steps, -steps], dim=1)  # (64, 2 * PAIRS, genes)
        parent = self.search.parts
        genomes = [neurons.join(NET, parent)]
        for neuron in range(len(parent)):
            for step in both[neuron]:
                mutant = parent.clone()
                mutant[neuron] += step
                genomes.append(neurons.join(NET, mutant))
        return torch.stack(genomes)

    def tell(self, fitness):
        self.search.tell(fitness[1:].view(len(self.search.parts), -1), fitness[0])

    def best(self):
        return neurons.join(NET, self.search.parts)
