"""What lab 6 asks of a next generation, whatever dice it was bred with: elite, parents, genes and noise."""

import torch
from torch import Tensor

from coursekit.feedback import Student, TryAgain, refuse
from coursekit.labs.tensors import seeded

__all__ = ["bred", "draws_go_on", "has_fair_families", "has_fresh_noise", "inherited"]


def bred(
    student: Student, population: Tensor, scores: Tensor, fraction: float, scale: float, rng: torch.Generator
) -> Tensor:
    """The student's next generation, once its kind and shape are right."""
    answer = student(population, scores, fraction, scale, rng)
    if not isinstance(answer, Tensor):
        raise TryAgain(f"the next generation should be one tensor, but it is a {type(answer).__name__}.")
    if answer.shape != population.shape:
        more = len(answer.shape) == 3 and answer.shape[1] - population.shape[1]
        why = {
            -1: "The elite and a child for every other place fill it: which has one too few?",
            1: "One row of elite and one child fewer than genomes make a generation: which has one too many?",
        }
        raise TryAgain(
            f"from a population of shape {tuple(population.shape)} the next one should have the same shape, but yours "
            f"has {tuple(answer.shape)}. {why.get(int(more), 'As many genomes come out as go in.')}"
        )
    refuse(not answer.isfinite().all(), "your next generation holds NaN or infinity. Print it after each step.")
    return answer.detach()


def inherited(student: Student, n_runs: int, n_genomes: int, n_best: int, rng: torch.Generator | None = None) -> Tensor:
    """Without mutation: the rank (0 is the best) of the old genome that every gene comes from; all must be allowed."""
    numbers = torch.arange(n_runs * n_genomes).view(n_runs, n_genomes)
    old = torch.rand(n_runs, n_genomes, generator=seeded(n_genomes)).argsort(dim=1).argsort(dim=1)
    population = torch.stack([numbers, 5000 + numbers], dim=-1).float()  # a gene tells whose it is
    genes = bred(student, population, -old.float(), n_best / n_genomes, 0.0, rng or seeded(1)) - Tensor([0, 5000])
    owners = genes.round().long()
    if not torch.equal(genes, owners.float()) or int(owners.min()) < 0 or int(owners.max()) >= old.numel():
        refuse(
            0 <= genes.min() <= genes.max() < old.numel() and torch.equal(2 * genes, (2 * genes).round()),
            "your children lie halfway between their parents. This crossover swaps: each gene comes whole, from mother "
            "or father, with a fair coin for each gene (`ga.uniform`).",
        )
        refuse(
            torch.equal(genes, owners.float()),
            "without noise (scale = 0) some genes are nobody's in the old generation. Is a number typed in, or have W "
            "and b changed places?",
        )
        raise TryAgain(
            "with scale = 0 every gene should be an exact copy of a parent's, but some of yours are nobody's. Is the "
            "noise multiplied by `scale`?"
        )
    rows = owners - numbers[:, :1, None]
    refuse(
        ((rows < 0) | (rows >= n_genomes)).any(),
        "some children have genes of another run. Runs are independent: choose parents in each run by itself, along "
        "dimension 1, as `ga.from_best` and `ga.take` do.",
    )
    found = old.flatten()[owners]
    elite, children = found[:, 0], found[:, 1:]
    refuse(
        int(children.min()) >= n_genomes - n_best,
        "your parents are the *worst* genomes: larger fitness is better, so sort descending.",
    )
    refuse(
        n_runs > 1 and n_best < n_genomes and (old[0][rows[:, 1:]] < n_best).all(),
        "in all runs the parents are the rows that are best in run 0. Each run has its own ranking: `ga.from_best` "
        "gives rows for each run, and `ga.take` takes them there.",
    )
    refuse(
        int(elite.max()) > 0 and int(found[:, -1].max()) == 0,
        "your elite stands in the last row; as in `ga.GA`, it comes first.",
    )
    refuse(
        int(elite.max()) > 0,
        "row 0 of your next generation is not the champion of the old one. Let one genome, the best of its run, live "
        "on as it is, and put it first.",
    )
    reach = int(children.max()) + 1
    refuse(
        reach > n_best > int(rows[:, 1:].max()),
        f"your parents are rows 0 to {n_best - 1} of each run, whoever is best: those are positions in the list of "
        "survivors, not their rows. `ga.from_best` gives rows.",
    )
    refuse(
        reach != n_best,
        f"of {n_genomes} genomes with fraction = {n_best / n_genomes:.3g} the best {n_best} should be parents, but "
        f"yours come from the best {reach}. Is `fraction` used?",
    )
    return found


def has_fair_families(student: Student) -> None:
    """Many families without mutation: fair draws, a coin for each gene, and dice of its own for every run."""
    children = inherited(student, 200, 16, 4)[:, 1:]
    refuse(
        torch.equal(children, children[:1].expand_as(children)),
        "all runs throw the same dice: the same places in the ranking have children in every run. Draw for (n_runs, "
        "n_children), or 1,000 runs are one run counted 1,000 times.",
    )
    shares = torch.bincount(children.flatten(), minlength=4) / children.numel()

    def refuse_uneven(most: float) -> None:
        refuse(
            (shares - 0.25).abs().max() > most,
            f"the best four give {', '.join(f'{100 * share:.0f}' for share in shares)} % of the genes. Draw parents "
            "evenly among the survivors.",
        )

    refuse_uneven(0.1)  # where children share a parent, fair draws are off by 4 % now and then
    refuse(
        max(len(family.unique()) for family in children) <= 2,
        "all children of a run have the same two parents. Draw a mother and a father for each child.",
    )
    most = torch.nn.functional.one_hot(children, 4).float().mean(dim=(1, 2)).amax(dim=1)
    refuse(
        most.mean() > 0.5,  # 0.38 if every child draws both its parents, 0.64 if one of them is the same for all
        "in each run one genome gives more than half of all genes: all children have the same mother, or the same "
        "father. Draw one of each for every child.",
    )
    # 6,000 genes from four parents: each gives 25 %, and 4 % more or less not once in a million times.
    refuse_uneven(0.04)
    # Both genes from one parent: 5/8 of the children if a genome may be both, 1/2 if not, 1/4 if W and b never meet.
    whole = (children[..., 0] == children[..., 1]).float().mean(dim=1)
    refuse(
        whole.mean() > 0.9,
        "every child has W and b from one and the same parent: there is no crossover. Draw mothers and fathers "
        "separately, and throw a coin for each gene: `ga.uniform` needs the shape of the children.",
    )
    refuse(
        whole.var() > 0.05,
        "in a run either all children swap their genes or none does: the coins are thrown once for all of them. "
        "`ga.uniform` needs the shape of the children, (n_runs, n_children, 2).",
    )
    refuse(
        whole.mean() < 0.4,
        "W always comes from the one parent and b from the other. A fair coin for each gene (`ga.uniform`) leaves half "
        "the children with both genes of one parent.",
    )


def has_fresh_noise(student: Student) -> None:
    """All genomes of a run alike, so that what differs afterwards is noise: whom it hits, how, and how much."""
    population = torch.linspace(-1, 1, 200)[:, None, None].expand(200, 16, 2).contiguous()
    noise = bred(student, population, torch.rand(200, 16, generator=seeded(62)), 0.25, 0.5, seeded(1)) - population
    refuse(
        noise[:, 0].abs().max() > 5,  # ten standard deviations
        "row 0 of your next generation is far from all genomes of `population`: is something of an earlier call kept?",
    )
    refuse(noise[:, 0].any(), "your elite is mutated: it lives on as it is. Mutate the children, then join them.")
    noise = noise[:, 1:]
    share, spread = float((noise != 0).float().mean()), float(noise.std())
    refuse(share == 0, "no child is mutated: add normal noise with standard deviation `scale` to every gene.")
    refuse(
        share < 0.99,
        f"only {100 * share:.0f} % of the children's genes are mutated. The lab's mutation rate is 1: every gene.",
    )
    for other, who in ((noise.flip(2), "W and b"), (noise.roll(1, 0), "all runs"), (noise.roll(1, 1), "all children")):
        refuse(
            torch.allclose(noise, other, atol=1e-5),
            f"{who} get the same noise: draw it in the shape of the children, (n_runs, n_children, 2).",
        )
    refuse(
        min(len(family.unique()) for family in (1e4 * noise[..., 0]).round()) <= 8,
        "brothers and sisters carry the same noise: parents were mutated, and copied afterwards. Make the children "
        "first, then mutate them.",
    )
    inside = float((noise.abs() < 0.5).float().mean())
    refuse(
        abs(spread - 0.5) > 0.04 or abs(float(noise.mean())) > 0.05 or abs(inside - 0.683) > 0.04,
        f"your noise has a mean of {noise.mean():.2f} and a standard deviation of {spread:.2f}. With scale = 0.5 "
        "these should be 0 and 0.5, and the noise normal: `ga.mutate_`, or torch.randn (not torch.rand) times scale.",
    )


def draws_go_on(student: Student) -> None:
    """A second call with one generator chooses other parents and throws other coins."""
    rng = seeded(1)
    first, second = (inherited(student, 200, 16, 4, rng)[:, 1:] for _ in range(2))
    refuse(
        (first == second).float().mean() > 0.35,  # 1/4, or 7/16 if mothers or fathers are the same
        "a second call with the same generator chooses the same mothers, or fathers, again: take `rng` as it comes.",
    )
    whole, later = (genes[..., 0] == genes[..., 1] for genes in (first, second))
    refuse(
        (whole == whole.roll(1, 0)).float().mean() > 0.67,
        "all runs throw the same coins: `ga.uniform` needs the shape of the children, (n_runs, n_children, 2).",
    )
    refuse(
        (whole == later).float().mean() > 0.67,  # 17/32, or 13/16 if the coins are the same
        "a second call with the same generator throws the same coins again: take `rng` as it comes.",
    )
