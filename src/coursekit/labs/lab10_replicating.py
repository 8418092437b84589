"""What lab 10 asks of a generation of GENREG, step by step on small populations, and of five whole runs."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from coursekit.feedback import Student, TryAgain
from coursekit.labs.tensors import comes_from_rng, seeded
from neuroevo import data, genreg, nets

NET = nets.MLP((64, 16, 10))
SETTINGS = genreg.Settings(n_genomes=50, mutation_scale=0.3, init_std=0.1)
N_GENERATIONS, IMAGES_PER_DIGIT, SEEDS = 60, 10, range(5)
# Measured with the operators of `ga` (truncation, proportional, mutate_) over seeds 0 ... 199: mean 0.465, standard
# deviation 0.045. The mean of five runs lies within four of its standard errors, 0.080, of that.
EXPECTED = (0.38, 0.55)
"""Where the mean validation accuracy of the five runs should lie."""


def chances_of(rows: Tensor, weights: Tensor, n: int) -> Tensor | None:
    """Chance of each of n rows if drawn by these weights; None where torch.multinomial refuses them."""
    if bool((weights < 0).any()) or float(weights.sum()) == 0:
        return None
    return torch.zeros(n, dtype=torch.float64).index_add_(0, rows, weights.double() / weights.double().sum())


def agree(drawn: Tensor | None, chances: Tensor | None, tolerance: float) -> bool:
    """Whether half the sum of |drawn share - chance| is below the tolerance; None, an error, agrees with None only."""
    if drawn is None or chances is None:
        return drawn is chances
    return float((drawn - chances).abs().sum()) / 2 < tolerance


@cache
def _digits() -> data.ImageData:
    return data.digits()


def evolve(one_generation: Callable[..., tuple[Tensor, Tensor]], seed: int) -> float:
    """Validation accuracy of the last generation's best, for one run on scikit-learn's digits."""
    images, rng = _digits(), seeded(seed)
    population, trust = NET.init(SETTINGS.n_genomes, SETTINGS.init_std, rng), torch.zeros(SETTINGS.n_genomes)
    champion = population[:1]
    for _ in range(N_GENERATIONS):
        x, y = images.train.sample(IMAGES_PER_DIGIT, rng)
        rewards = genreg.reward(nets.count_correct(NET.forward(population, x), y), len(y), SETTINGS)
        champion = population[rewards.argmax()][None]
        population, trust = one_generation(population, trust, rewards, rng, SETTINGS)
    validation = images.validation
    return float(nets.accuracy(NET.forward(champion, validation.pixels()), validation.y))


def overwritten(name: str, *args: Any) -> str:
    """What is said of an input that was overwritten."""
    if name == "population" and args[-1].mutation_scale:
        return (
            "where mutation_scale isn't 0 your function changes `population`: its noise reaches the old genomes. Do "
            "you mutate `population` itself, or windows into it? population[p] with one number p is a window; "
            "population[parents] with a tensor of rows is a copy: mutate that."
        )
    return (
        f"your function overwrites its input `{name}`. (The chapter does so to save memory; here the caller keeps the "
        "old generation.) Make new tensors: population[parents] is a copy, and a = a + b makes a new a where a += b "
        "changes the old one."
    )


def _generation(
    student: Student,
    population: Tensor,
    trust: Tensor,
    rewards: Tensor,
    rng: torch.Generator,
    settings: genreg.Settings,
) -> tuple[Tensor, Tensor]:
    """The student's children and their trust; TryAgain if they are not two tensors of the right shapes."""
    answer = student(population, trust, rewards, rng, settings)
    if isinstance(answer, Tensor) or not isinstance(answer, tuple | list) or len(answer) != 2:
        raise TryAgain(
            "your function should return two things, `children, inherited`: the new population, and the trust that "
            "each child starts with. (The chapter's version changes the population in place, and returns trust alone.)"
        )
    for name, value, shape in zip(("children", "inherited"), answer, (population.shape, trust.shape), strict=True):
        if not isinstance(value, Tensor):
            raise TryAgain(f"{name} should be a tensor, but it is a {type(value).__name__}: try torch.stack.")
        if value.shape != shape:
            raise TryAgain(
                f"{name} should have the shape {tuple(shape)}, but it has {tuple(value.shape)}. As many children are "
                "born as there were genomes, and all the old ones go."
            )
        if not bool(value.isfinite().all()):
            what = "trust" if name == "inherited" else "population[parents], and what you add to it"
            raise TryAgain(f"{name} holds NaN or infinity. Print {what}, step by step, and find where it begins.")
    return answer[0].detach(), answer[1].detach()


def _parents(children: Tensor, population: Tensor) -> Tensor:
    """The row of the old population that each child is nearest to."""
    return (children[:, None] - population[None]).abs().mean(dim=2).argmin(dim=1)


def _near(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-4)


def one_survivor(student: Student) -> None:
    """Eight genomes, one survivor, no mutation: who is the parent tells by what the genomes were sorted."""
    share, decay = 0.3, 0.25
    settings = replace(
        SETTINGS, n_genomes=8, survival_cutoff=0.125, mutation_scale=0, trust_decay=decay, trust_inheritance=share
    )
    population = 10 * torch.arange(8.0)[:, None] + torch.linspace(0, 1, 6)
    old = torch.tensor([8.4, 2, -4, 16, 20, -2, 1, 3])
    rewards = torch.tensor([10, 12.4, 13, 3, -6, -10, 1, 2])
    new = old * (1 - decay) + rewards  # 16.3, 13.9, 10, 15, 9, -11.5, 1.75, 4.25
    children, inherited = _generation(student, population, old, rewards, seeded(0), settings)
    parents = _parents(children, population)
    n_changed = int((children != population[parents]).any(dim=1).sum())
    if n_changed:
        raise TryAgain(
            f"with mutation_scale = 0 children should be exact copies of their parents, but {n_changed} of 8 are none "
            "of the old genomes. The noise is torch.randn(...) * settings.mutation_scale, and nothing else changes a "
            "child."
        )
    if len(set(parents.tolist())) > 1:
        raise TryAgain(
            "a survival_cutoff of 0.125 leaves one of eight genomes, but your children have "
            f"{len(set(parents.tolist()))} different parents. Sort by trust, and let only the top "
            "settings.survival_cutoff be drawn."
        )
    by = {
        1: "the parent is row 1, where old trust counts for less than it should beside the reward, as if the share "
        "trust_decay of it were kept. That is the share that is lost: multiply by 1 - settings.trust_decay.",
        2: "the parent is the genome with the largest reward: its old trust is below zero, and doesn't count as it "
        "should. Let old trust decay, and add the rewards to it.",
        3: "the parent is row 3, which is the second by trust * (1 - settings.trust_decay) + rewards, with 15 after "
        "16.3. Does old trust count for too much (it decays, and the reward is added whole), or do you leave out the "
        "first of your ranking?",
        4: "the parent is the genome with the largest old trust: update trust with the rewards before you sort.",
        5: "the parent is the genome with the lowest trust, and the highest should be. (torch.argsort sorts upwards "
        "unless you say descending=True.)",
    }
    found = int(parents[0])
    if found:
        raise TryAgain(by.get(found, f"the parent should be row 0, which has the highest trust, not row {found}."))
    for value, hint in (
        (new[0], "children start with their parent's whole trust; they inherit settings.trust_inheritance of it."),
        (0 * new[0], "children start with no trust; they inherit settings.trust_inheritance of their parent's."),
        (new, "trust stays with the row, whole: each child should start with a share of its parent's trust."),
        (
            share * new,
            "the child in row i starts with a share of the trust of whoever was in row i before. It needs its "
            "parent's: trust[parents].",
        ),
        ((1 - share) * new[0], "children lose the share trust_inheritance; it is the share that they get."),
        (decay * new[0], "children start with the share trust_decay; settings.trust_inheritance is what they get."),
        (share * old[0], "children inherit from the trust before this generation's decay and reward; use the new one."),
        (share * rewards[0], "children inherit a share of the reward alone; it is a share of the parent's trust."),
        (
            share * (1 - decay) * new[0],
            "what children inherit has decayed once too often: decay comes once a generation.",
        ),
        (
            share * (1 - decay) * (old[0] + rewards[0]),
            "the reward decays too: it is trust * (1 - settings.trust_decay) + rewards, where only old trust decays.",
        ),
        (share * (old[0] + rewards[0]), "old trust doesn't decay: multiply it by 1 - settings.trust_decay."),
    ):
        if _near(inherited, value.expand(8)):
            raise TryAgain(hint)
    whole, part = (bool((inherited - value).abs().min() < 1e-4) for value in (new[0], share * new[0]))
    if whole and part:
        raise TryAgain(
            "some rows start with their parent's whole trust, and others with a share: does the survivor live on? In "
            "the printed loop nobody does; parents leave children, and all the rows are children."
        )
    if not _near(inherited, share * new[0].expand(8)):
        first = float(inherited[0])
        alike = f", as of a trust of {first / share:.4g}: is it updated rightly, and is it this share?"
        raise TryAgain(
            f"a parent with trust {float(new[0]):g} and an inheritance of {share} gives each child "
            f"{share * float(new[0]):.4g}, but yours start with {[round(value, 3) for value in inherited.tolist()]}"
            + (alike if _near(inherited, inherited[:1].expand(8)) else ".")
        )


def with_mutation(student: Student) -> None:
    """Forty genomes, ten survivors, mutation: which weights are hit, how hard, and whether siblings differ."""
    rate, scale = 0.25, 0.1
    settings = replace(
        SETTINGS, n_genomes=40, survival_cutoff=0.25, child_mutation_rate=rate, mutation_scale=scale, trust_decay=0.5
    )
    population = 10 * torch.arange(40.0)[:, None] + 0.1 * torch.randn(40, 400, generator=seeded(1))
    old, rewards = torch.zeros(40), 100 + torch.arange(40.0)
    rng = seeded(2)
    children, _ = _generation(student, population, old, rewards, rng, settings)
    parents = _parents(children, population)
    noise = children - population[parents]
    hit = noise != 0
    untouched = int((~hit.any(dim=1)).sum())
    if untouched == 40:
        raise TryAgain(
            "no child is mutated, though child_mutation_rate is 0.25. Is there noise, and does it reach what you "
            "return? Copy, and then mutate the copies."
        )
    if untouched and float(hit[hit.any(dim=1)].float().mean()) > 0.99:  # noise may be too small to change a float
        raise TryAgain(
            f"{40 - untouched} of 40 children are mutated in all their weights, and {untouched} in none: the chance "
            "child_mutation_rate belongs to each single weight of each child, so draw a mask of the shape of "
            "`children`."
        )
    if untouched:
        raise TryAgain(
            f"{untouched} of 40 rows of the new population are exact copies of old genomes. Do survivors live on? In "
            "the printed loop they don't: all rows are children, and all children are mutated."
        )
    far = (children - population[parents]).abs()[hit].median()
    if float(far) > 100 and float(children[hit].abs().median()) < 10:  # all parents' weights are near 300 and above
        raise TryAgain(
            "a weight that is hit holds noise alone, and its parent's value is lost: add the noise to what is there."
        )
    if float((hit != hit[:1]).float().mean()) < 0.01 and torch.allclose(noise, noise[:1].expand_as(noise), atol=1e-3):
        raise TryAgain(
            "all children get the same mutations: draw for each weight of each child, in the shape of `children`."
        )
    siblings = [noise[parents == parent] for parent in set(parents.tolist())]
    if all(torch.equal(group, group[:1].expand_as(group)) for group in siblings):
        raise TryAgain(
            "siblings are identical: all children of a parent have the same mutations. Copy first and mutate then, so "
            "that each child has its own."
        )
    if float((hit != hit[:1]).float().mean()) < 0.01 and not hit[0].float().mean() > 0.9:
        later, _ = _generation(student, population, old, rewards, rng, settings)
        if float((hit != (later != population[_parents(later, population)])).float().mean()) < 0.01:
            raise TryAgain(
                "the same weights are hit in every child, and again in the next generation: does the mask come from a "
                "generator that begins anew? Draw it from `rng` as it goes on, in the shape of `children`."
            )
        raise TryAgain("the same weights are hit in every child: draw a mask of the shape of `children`.")
    share = float(hit.float().mean())
    if share > 0.99 and float(noise.abs().median()) < scale / 10:
        raise TryAgain(
            "nearly every weight of every child differs a little from its parent's (half of them by less than "
            f"{float(noise.abs().median()):.2g}), as if it were rounded. A child is an exact copy but for its "
            "mutations."
        )
    if share > 0.99:
        raise TryAgain(
            "every weight of every child is mutated, where child_mutation_rate is 0.25: only that share of the weights "
            "gets noise."
        )
    if abs(share - (1 - rate)) < 0.02:
        raise TryAgain(
            f"{100 * share:.0f} % of the weights are mutated, where child_mutation_rate is {rate:g}, as if that share "
            "were *spared*: is the mask the wrong way round?"
        )
    if abs(share - scale) < 0.02 and abs(float(noise[hit].std()) / rate - 1) < 0.08:
        raise TryAgain("the rate and the scale of the mutations have changed places: which is which in your call?")
    if abs(share - rate) > 0.02:
        raise TryAgain(
            f"{100 * share:.1f} % of the children's weights are mutated, where child_mutation_rate is {rate:g}. "
            f"(Mutated twice, {100 * (2 * rate - rate**2):.1f} % would be; with its square, {100 * rate**2:.1f} %.)"
        )
    values = noise[hit]
    low, high = noise.where(hit, torch.inf), noise.where(hit, -torch.inf)
    for dim, same in ((1, "all hits of a child get"), (0, "children that are hit in the same weight get")):
        if bool((high.amax(dim) - low.amin(dim) < 1e-3).all()):  # the noise of ten hits is hundreds of times as wide
            raise TryAgain(f"{same} the same number: draw one for each hit, or one for each weight of each child.")
    if abs(float(values.mean())) > 0.2 * float(values.std()):
        raise TryAgain(
            f"your noise has a mean that isn't zero, but {float(values.mean()):.2g}: torch.randn is centred, "
            "torch.rand isn't."
        )
    spread = float(values.std())
    if abs(spread / scale - 1) > 0.08:
        raise TryAgain(
            f"the noise has a standard deviation of {spread:.3g}, where settings.mutation_scale is {scale:g}. It is "
            "torch.randn(...) * settings.mutation_scale."
        )
    comes_from_rng(
        lambda rng: _generation(student, population, old, rewards, rng, settings)[0],
        elsewhere="the same seed gives other children the second time: every random number must come from `rng`, also "
        "in the mutation (generator=rng).",
        inside="another seed gives the same children: draw from `rng` as it goes on, and don't seed anything.",
    )
    _mutation_is_fresh(student)


def _mutation_is_fresh(student: Student) -> None:
    """One survivor, which is zero: what its children hold is noise, whose places and sizes come from rng."""
    settings = replace(SETTINGS, n_genomes=8, survival_cutoff=0.125, child_mutation_rate=0.25, mutation_scale=0.1)
    population = torch.arange(8.0)[:, None].expand(8, 400).clone()

    def noise(rng: torch.Generator) -> Tensor:
        return _generation(student, population, torch.zeros(8), 100 - torch.arange(8.0), rng, settings)[0]

    for part, drawn in (
        ("hits the same weights", lambda rng: noise(rng) != 0),
        ("adds the same noise", lambda rng: _first_hits(noise(rng))),
    ):
        comes_from_rng(
            drawn,
            inside=f"with another seed the mutation {part}: draw from `rng` as it goes on, and don't seed anything.",
            repeats=f"in the next generation the mutation {part} again: draw from `rng` as it goes on, and don't seed "
            "anything.",
        )


def _first_hits(noise: Tensor) -> Tensor:
    """The first twenty numbers that were added, in the order of rows."""
    return noise[noise != 0][:20]


def four_survivors(student: Student) -> None:
    """Sixteen genomes, four survivors, no mutation, many times: parents in proportion, trust beside its owner."""
    settings = replace(
        SETTINGS, n_genomes=16, survival_cutoff=0.25, mutation_scale=0, trust_decay=0.2, trust_inheritance=0.5
    )
    population = 10 * torch.arange(16.0)[:, None] + torch.linspace(0, 1, 6)
    survivors = torch.tensor([11, 6, 15, 3])
    old, new = torch.zeros(16), torch.linspace(0.1, 0.7, 16)
    old[survivors], new[survivors] = torch.tensor([2.0, 8, 1, 4]), torch.tensor([8.0, 4, 2, 1])
    rewards = new - 0.8 * old
    counts, lonely = torch.zeros(16), 0
    for seed in range(80):
        children, inherited = _generation(student, population, old, rewards, seeded(seed), settings)
        parents = _parents(children, population)
        if not _near(inherited, 0.5 * new[parents]):
            child = int((inherited - 0.5 * new[parents]).abs().argmax())
            raise TryAgain(
                f"with several survivors, a child of row {int(parents[child])}, whose trust is "
                f"{float(new[parents[child]]):g}, starts with {float(inherited[child]):.3g}, and the share is 0.5. Row "
                "i of `children` and entry i of `inherited` come from one parent: population[parents] and "
                "trust[parents], where trust is the updated one of the whole population."
            )
        counts += torch.bincount(parents, minlength=16)
        lonely += len(parents.unique()) == 1
    strangers = sorted(set(counts.nonzero().flatten().tolist()) - set(survivors.tolist()))
    if strangers and set(strangers) <= set(range(4)):
        raise TryAgain(
            f"rows {strangers} have children, though the survivors are rows {survivors.tolist()}: are those positions "
            "in the list of survivors? `choose` should return rows of the population (exercise 10.3)."
        )
    if strangers:
        raise TryAgain(
            f"of 16 genomes with a survival_cutoff of 0.25 the top four may be parents, rows {survivors.tolist()}, "
            f"but rows {strangers[:4]} had children too."
        )
    drawn, tolerance = counts / counts.sum(), 0.08  # 1,280 draws
    for weights, hint in (
        (torch.ones(4), "all survivors have equally many children: draw parents in proportion to trust."),
        (1 / new[survivors], "the less trust a survivor has, the more children: is a sort or a division turned round?"),
        (old[survivors], "parents are drawn in proportion to their old trust: give `choose` the updated one."),
        (torch.tensor([1.0, 0, 0, 0]), "only the very best has children: draw parents in proportion to trust."),
    ):
        if agree(drawn, chances_of(survivors, weights, 16), tolerance):
            raise TryAgain(hint)
    if not agree(drawn, chances_of(survivors, new[survivors], 16), tolerance):
        shares = ", ".join(f"{100 * share:.0f}" for share in drawn[survivors])
        raise TryAgain(
            "survivors with trust 8, 4, 2 and 1 should have 53, 27, 13 and 7 % of the children, but yours have "
            f"{shares} %. Print the weights by which you draw them: they are the updated trust of the survivors."
        )
    if lonely > 40:
        raise TryAgain(
            f"in {lonely} of 80 generations all children have the same parent: draw one parent for each child, "
            "n_genomes in all."
        )
    comes_from_rng(
        lambda rng: _parents(_generation(student, population, old, rewards, rng, settings)[0], population),
        inside="another seed gives the same parents: draw them from `rng` as it goes on, and don't seed anything.",
        repeats="the next generation draws the same parents again: draw from `rng` as it goes on, and don't seed "
        "anything.",
    )
    _generation(student, population, old, rewards - 300, seeded(0), settings)  # all trust is negative: does it stop?
