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
        more = answer.shape[1] - population.shape[1] if len(answer.shape) == 3 else 0
        why = {
            0: "",
            -1: " The elite and a child for every other place fill it: which is one too few, or is one lost?",
            1: " One row of elite and one child fewer than genomes make a generation: which has one too many?",
        }
        raise TryAgain(
            f"from a population of shape {tuple(population.shape)} the next one should have the same shape, but yours "
            f"has {tuple(answer.shape)}.{why.get(more, ' As many genomes come out as go in.')}"
        )
    refuse(not answer.isfinite().all(), "your next generation holds NaN or infinity. Print it after each step.")
    return answer.detach()


def _numbered(n_runs: int, n_genomes: int) -> tuple[Tensor, Tensor, Tensor]:
    """The genomes' numbers and ranks (n_runs, n_genomes), and a population in which a gene tells whose it is."""
    numbers = torch.arange(n_runs * n_genomes).view(n_runs, n_genomes)
    old = torch.rand(n_runs, n_genomes, generator=seeded(n_genomes)).argsort(dim=1).argsort(dim=1)
    return numbers, old, torch.stack([numbers, 5000 + numbers], dim=-1).float()


def _ranks_at(student: Student, n_runs: int, n_genomes: int, fraction: float) -> list[int]:
    """The ranks of all whose genes children have, nothing else being looked at; empty if a gene is nobody's."""
    numbers, old, population = _numbered(n_runs, n_genomes)
    answer = bred(student, population, -old.float(), fraction, 0.0, seeded(1))
    owners = (answer - Tensor([0, 5000])).long()[:, 1:]
    return old.flatten()[owners].unique().tolist() if bool(torch.isin(owners, numbers).all()) else []


def inherited(student: Student, n_runs: int, n_genomes: int, n_best: int, rng: torch.Generator | None = None) -> Tensor:
    """Without mutation: the rank (0 is the best) of the old genome that every gene comes from; all must be allowed."""
    numbers, old, population = _numbered(n_runs, n_genomes)
    answer = bred(student, population, -old.float(), n_best / n_genomes, 0.0, rng or seeded(1))
    _look_for_strangers(student, answer, population)
    owners = (answer - Tensor([0, 5000])).long()
    refuse(
        torch.equal(owners, numbers[..., None].expand_as(owners)),
        "with scale = 0 your next generation is `population` as it was, row by row: does what you breed get into what "
        "you return, and what becomes of the scores?",
    )
    rows = owners - numbers[:, :1, None]
    foreign = (rows < 0) | (rows >= n_genomes)
    refuse(
        foreign.any(),
        f"{'some children have' if foreign[:, 1:].any() else 'row 0, the elite, has'} genes of another run. Runs are "
        "independent: choose parents in each run by itself, along dimension 1, as `ga.from_best` and `ga.take` do.",
    )
    found = old.flatten()[owners]
    _look_at_parents(found[:, 1:], rows[:, 1:], n_best)
    _look_at_elite(found, rows[:, 0], n_best)
    _look_how_far(student, found[:, 1:], rows[:, 1:], old[0], n_best)
    return found


def _look_for_strangers(student: Student, answer: Tensor, population: Tensor) -> None:
    """TryAgain if a gene is nobody's in the old generation, all of whose genes are whole numbers."""
    low, high = population.amin(dim=(0, 1)), population.amax(dim=(0, 1))
    outside = (answer < low) | (answer > high)
    strange = outside | (answer != answer.round())
    if not strange.any():
        return
    swapped = answer.flip(2)
    refuse(
        bool(((swapped >= low) & (swapped <= high)).all()),
        "W and b have changed places: with scale = 0 your first column holds old values of b, and your second those "
        "of W.",
    )
    refuse(
        not outside.any() and torch.equal(2 * answer, (2 * answer).round()),
        "with scale = 0 some genes lie halfway between two of the old generation's. This crossover swaps: each gene "
        "comes whole, from mother or father, with a fair coin for each gene (`ga.uniform`).",
    )
    refuse(
        answer[:, 1:].unique().tolist() == [0, 1],
        "with scale = 0 every gene of the children is 0 or 1, whatever the genomes are: do the coins themselves stand "
        "there, and not the genes that they choose?",
    )
    # Which one it is, and whether genomes that are all alike, and so crossed without effect, have other children.
    where = "the children" if strange[:, 1:].any() else "row 0"
    run, row, gene = max(strange.nonzero().tolist(), key=lambda place: place[1] > 0)
    stranger = (
        f"with scale = 0 some genes in {where} are nobody's in the old generation: one {'Wb'[gene]} is "
        f"{answer[run, row, gene]:.6g}, and the old ones are whole numbers from {low[gene]:.6g} to {high[gene]:.6g}."
    )
    refuse(where == "row 0", f"{stranger} Row 0 is for the elite, the best genome of the run as it is.")
    alike = Tensor([1, 2]).expand(2, 6, 2).contiguous()
    moved = (bred(student, alike, torch.arange(12.0).view(2, 6), 0.5, 0.0, seeded(1)) - alike).abs() > 1e-4
    refuse(
        moved.any(),
        f"{stranger} Even if all genomes are alike, children are not like them. Is there noise that isn't multiplied "
        "by `scale`, or is something else added, multiplied or typed in?",
    )
    raise TryAgain(
        f"{stranger} If all genomes are alike, children are like them, so it is no noise: what comes from mother and "
        "father is mixed. This crossover swaps: each gene comes whole, from one of the two."
    )


def _look_at_parents(parents: Tensor, rows: Tensor, n_best: int) -> None:
    """TryAgain if in every run all genes come from one genome, or from the worst."""
    n_genomes = parents.shape[1] + 1
    one = bool((parents == parents[:, :1, :1]).all())
    refuse(
        one and (n_best > 1 or bool(parents.any())),
        f"with scale = 0 all genes of a run's children come from one genome alone, in run 0 from number "
        f"{int(parents[0, 0, 0]) + 1} of {n_genomes} by the scores (number 1 has the largest). Draw a mother and a "
        f"father for each child, from the best {n_best}.",
    )
    refuse(
        parents.unique().tolist() == list(range(n_genomes - n_best, n_genomes)),
        f"your parents are the {n_best} *worst* genomes of each run, and larger fitness is better. Is the order "
        "ascending, a sign wrong, or a place counted from the end?",
    )


def _look_at_elite(found: Tensor, rows: Tensor, n_best: int) -> None:
    """TryAgain if row 0 isn't the champion: `found` has ranks, `rows` those rows that the genes of row 0 had."""
    elite = found[:, 0]
    if not elite.any():
        return
    n_runs, n_genomes = found.shape[:2]
    champion = (found == 0).all(dim=2)
    everywhere = champion.all(dim=0).nonzero().flatten().tolist()
    refuse(
        n_best > 1 and everywhere,  # if only the best breeds, it is in all rows
        f"your elite stands in row {everywhere[-1] if everywhere else 0}; as in `ga.GA`, it comes first, in row 0.",
    )
    what = ""
    if bool((elite == elite[0, 0]).all()):
        what = f" Yours is number {int(elite[0, 0]) + 1} of {n_genomes} by the scores, in every run."
    elif bool((rows == rows[0, 0]).all()):
        what = f" Yours is row {int(rows[0, 0])} of `population` in every run, whoever is best."
    raise TryAgain(
        "row 0 of your next generation should be the champion of the old one, the genome with the largest score, as "
        f"it is. In {int(champion[:, 0].sum())} of {n_runs} runs it is.{what}"
    )


def _look_how_far(student: Student, parents: Tensor, rows: Tensor, first: Tensor, n_best: int) -> None:
    """TryAgain unless the parents are exactly the best; `first` has the ranks of run 0."""
    n_runs, n_genomes = len(parents), parents.shape[1] + 1
    ranks = parents.unique().tolist()
    if ranks == list(range(n_best)):
        return
    # By chance a quarter of the genes would come from these rows, where four of 16 breed in 200 runs.
    shares = [float((first[rows] < n_best).float().mean()), float((rows < n_best).float().mean())]
    telling = n_runs > 100
    refuse(
        telling and shares[0] > 0.5,
        f"{100 * shares[0]:.0f} % of your children's genes come from the rows that are best in run 0, in whatever run. "
        "Each run has its own ranking: `ga.from_best` gives rows for each run, and `ga.take` takes them there.",
    )
    refuse(
        telling and shares[1] > 0.5,
        f"{100 * shares[1]:.0f} % of your children's genes come from the first {n_best} rows of each run, whoever is "
        "best. Are these rows of `population`, or positions in a list of survivors? `ga.from_best` gives the rows of "
        "the best.",
    )
    names = ", ".join(str(rank + 1) for rank in ranks[:6]) + ", ..." * (len(ranks) > 6)
    who = f"the best {len(ranks)}" if ranks[-1] == len(ranks) - 1 else f"numbers {names} by the scores"
    beyond = f" ({100 * float((parents >= n_best).float().mean()):.0f} % of the genes from beyond the best {n_best})"
    why = f"`ga.truncation` makes {n_best} of this fraction."
    if ranks == list(range(n_genomes)):
        why = "All breed: do `fraction` and the scores arrive where each of the parents is drawn?"
    elif n_best == 1:
        why = "With more breeders yours are right: what if there is a single one?"
    elif 2 * n_best <= n_genomes and _ranks_at(student, n_runs, n_genomes, 2 * n_best / n_genomes) == ranks:
        more = f"With fraction = {2 * n_best / n_genomes:.3g} they do, too"
        why = f"{more}: does `fraction` arrive where the parents are drawn?"
    elif len(ranks) < min(3, n_best) and ranks[-1] >= len(ranks):
        why = "Is a mother and a father drawn for each child, from `rng` as it goes on?"
    raise TryAgain(
        f"of {n_genomes} genomes with fraction = {n_best / n_genomes:.3g} the best {n_best} should be parents, but "
        f"yours come from {who}{beyond if ranks[-1] >= n_best else ''}. {why}"
    )


def has_fair_families(student: Student) -> None:
    """Many families without mutation: fair draws, a coin for each gene, and dice of its own for every run."""
    children = inherited(student, 200, 16, 4)[:, 1:]
    fixed = (children == children[:1]).all(dim=0).all(dim=1)  # children with the same parents in all runs
    if fixed.all():
        again = inherited(student, 200, 16, 4, seeded(2))[:, 1:]
        refuse(
            torch.equal(children, again),
            "the same places in the ranking have children in every run, and whatever seed `rng` has: are parents "
            "drawn, and from `rng`?",
        )
        raise TryAgain(
            "all runs throw the same dice: the same places in the ranking have children in every run. Draw for "
            "(n_runs, n_children), or 1,000 runs are one run counted 1,000 times."
        )
    counts = torch.nn.functional.one_hot(children, 4).float()
    shares = counts.mean(dim=(0, 1, 2))
    refuse(
        (counts.mean(dim=(0, 2)) - shares).amax(dim=1).mean() > 0.2,  # 0.03 by chance, 0.37 if runs share mothers
        "children in the same row of all runs have far too often a parent from the same place in the ranking: mothers "
        "or fathers are not drawn for each run. Draw both for (n_runs, n_children).",
    )
    if fixed.any():
        row = int(fixed.nonzero()[0, 0])
        ranks = [f"number {int(rank) + 1}" for rank in children[0, row].unique()]
        raise TryAgain(
            f"row {row + 1} of your next generation comes, in every run, from {' and '.join(ranks)} by the scores. "
            "One genome lives on as it is; every other row is a child, whose parents are drawn for each run."
        )

    def refuse_uneven(most: float) -> None:
        refuse(
            (shares - 0.25).abs().max() > most,
            f"the best four give {', '.join(f'{100 * share:.0f}' for share in shares)} % of the genes. Draw parents "
            "evenly among the survivors.",
        )

    refuse_uneven(0.1)  # where children share a parent, fair draws are off by 4 % now and then
    refuse(
        max(len(family.unique()) for family in children) <= 2,
        "in every run all children together have two parents at most. Draw a mother and a father for each child.",
    )
    most = float(counts.mean(dim=(1, 2)).amax(dim=1).mean())
    refuse(
        most > 0.5,  # 0.38 if every child draws both its parents, 0.64 if one of them is the same for all
        f"in each run one genome gives {100 * most:.0f} % of the genes on average, where fair draws come to 38 %. Do "
        "all children of a run have the same mother, or the same father? Draw one of each for every child.",
    )
    # 6,000 genes from four parents: each gives 25 %, and 4 % more or less not once in a million times.
    refuse_uneven(0.04)
    # Both genes from one parent: 5/8 of the children if a genome may be both, 1/2 if not, 1/4 if W and b never meet.
    whole = (children[..., 0] == children[..., 1]).float().mean(dim=1)
    percent = f"{100 * float(whole.mean()):.0f} %"
    refuse(
        whole.mean() > 0.9,
        f"{percent} of the children have W and b from one and the same parent, where a fair coin for each gene leaves "
        "50 to 62 %. Are mother and father one genome, or is one coin thrown for both genes? Draw the two separately; "
        "`ga.uniform` needs the shape of the children.",
    )
    refuse(
        whole.var() > 0.05,
        f"in some runs {100 * float(whole.max()):.0f} % of the children have both genes of one parent, in others "
        f"{100 * float(whole.min()):.0f} %: are the coins thrown once for all children of a run? `ga.uniform` needs "
        "the shape of the children, (n_runs, n_children, 2).",
    )
    refuse(
        whole.mean() < 0.4,
        f"only {percent} of the children have both genes of one parent; a fair coin for each gene (`ga.uniform`) "
        "leaves half of them, or more. Does W come from the one parent and b from the other, always or too often?",
    )


def has_fresh_noise(student: Student) -> None:
    """All genomes of a run alike, so that what differs afterwards is noise: whom it hits, how, and how much."""
    population = torch.linspace(-1, 1, 200)[:, None, None].expand(200, 16, 2).contiguous()
    answer = bred(student, population, torch.rand(200, 16, generator=seeded(62)), 0.25, 0.5, seeded(1))
    noise = answer - population
    far = noise[:, 0].abs().amax(dim=1)
    refuse(
        far.max() > 5,  # ten standard deviations
        f"row 0 of your next generation holds {answer[far.argmax(), 0].abs().max():.3g} in a run where all genomes of "
        f"`population` hold {population[far.argmax(), 0, 0]:.2g}: is something of an earlier call kept, or typed in?",
    )
    for n in range(5):
        refuse(
            torch.allclose(answer, answer.round(decimals=n), rtol=1e-6, atol=0),
            f"your next generation is rounded to {n} decimals: genes live on, and noise is added, as they are.",
        )
    refuse(
        noise[:, 0].any(),
        f"your elite isn't the best genome as it was, but differs by up to {far.max():.3g}: is it mutated with the "
        "children? Mutate these alone, and then join them.",
    )
    noise = noise[:, 1:]
    share, spread = float((noise != 0).float().mean()), float(noise.std())
    by_gene = (100 * (noise != 0).float().mean(dim=(0, 1))).tolist()
    refuse(share == 0, "no child is mutated: add normal noise with standard deviation `scale` to every gene.")
    refuse(
        share < 0.99,
        f"only {100 * share:.0f} % of the children's genes are mutated ({by_gene[0]:.0f} % of W, {by_gene[1]:.0f} % of "
        "b). The lab's mutation rate is 1: every gene.",
    )
    refuse(
        spread < 1e-5,
        f"with scale = 0.5 every gene moves by {float(noise.mean()):.3g}, without chance: N(0, 1) times scale is due.",
    )
    for other, who in ((noise.flip(2), "W and b"), (noise.roll(1, 0), "all runs"), (noise.roll(1, 1), "all children")):
        refuse(
            torch.allclose(noise, other, atol=1e-5),
            f"{who} get the same noise: draw it in the shape of the children, (n_runs, n_children, 2).",
        )
    n_draws = min(len(family.unique()) for family in (1e4 * noise[..., 0]).round())
    refuse(
        n_draws <= 8,
        f"brothers and sisters carry the same noise: in a run of {noise.shape[1]} children there are {n_draws} "
        "different draws for W. Were parents mutated, and copied afterwards, or is noise drawn for fewer? Make the "
        "children first, then mutate all of them.",
    )
    inside = float((noise.abs() < 0.5).float().mean())
    refuse(
        abs(spread - 0.5) > 0.04 or abs(float(noise.mean())) > 0.05 or abs(inside - 0.683) > 0.04,
        f"your noise has a mean of {noise.mean():.2f} and a standard deviation of {spread:.2f}, and {100 * inside:.0f} "
        "% of it lies within 0.5 of zero. With scale = 0.5 that should be 0, 0.5 and 68 %: normal noise, from "
        "`ga.mutate_`, or torch.randn (not torch.rand) times scale.",
    )


def draws_go_on(student: Student) -> None:
    """A second call with one generator chooses other parents and throws other coins."""
    rng = seeded(1)
    first, second = (inherited(student, 200, 16, 4, rng)[:, 1:] for _ in range(2))
    same = float((first == second).float().mean())
    refuse(
        same > 0.35,  # 1/4, or 7/16 if mothers or fathers are the same
        f"a second call with the same generator chooses the same mothers, or fathers, again: {100 * same:.0f} % of the "
        "genes come from where they came from in the first, and 25 % is chance. Draw both from `rng` as it goes on.",
    )
    whole, later = (genes[..., 0] == genes[..., 1] for genes in (first, second))
    refuse(
        (whole == whole.roll(1, 0)).float().mean() > 0.67,
        "all runs throw the same coins: the same children have both genes of one parent in every run. `ga.uniform` "
        "needs the shape of the children, (n_runs, n_children, 2).",
    )
    refuse(
        (whole == later).float().mean() > 0.67,  # 17/32, or 13/16 if the coins are the same
        "a second call with the same generator throws the same coins again: draw them from `rng` as it goes on.",
    )
