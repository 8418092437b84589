"""A table of what every design scored, and searches replayed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from neuroevo.search.searchers import Searcher
from neuroevo.search.space import Space

if TYPE_CHECKING:
    import pandas as pd  # a second of import that a search doesn't need


@dataclass(frozen=True)
class Table:
    """Results of all designs of a space, with several seeds each.

    Attributes:
        space: the designs, in its order.
        validation, test: (n_designs, n_seeds, n_epochs) accuracy after each epoch.
        seconds: (n_designs, n_seeds, n_epochs) that each epoch took.
    """

    space: Space
    validation: Tensor
    test: Tensor
    seconds: Tensor

    @classmethod
    def read(cls, epochs: pd.DataFrame, space: Space, *, n_validation: int, n_test: int) -> Table:
        """From a row for each design, seed and epoch: the table `epochs` of the stored run `designs`.

        Args:
            epochs: the columns are the names of the space, seed, epoch, validation_correct, test_correct,
                core_seconds; rows may come in any order.
            space: the designs that must be there.
            n_validation, n_test: images that were scored.

        Raises:
            ValueError: a column or a row is missing, a row is there twice or belongs to no design; they are named.
        """
        import pandas as pd

        keys = [*space.names, "seed", "epoch"]
        columns = [*keys, "validation_correct", "test_correct", "core_seconds"]
        if absent := [name for name in columns if name not in epochs]:
            raise ValueError(f"the table lacks the columns {', '.join(absent)}; it has {', '.join(map(str, epochs))}")
        values = [*space.choices.values(), sorted(epochs["seed"].unique()), range(1, int(epochs["epoch"].max()) + 1)]
        wanted = pd.MultiIndex.from_product(values, names=keys)
        indexed = epochs[columns].set_index(keys)
        there = pd.MultiIndex.from_frame(epochs[keys])
        for wrong, what in (
            (there[there.duplicated()].unique(), "are there more than once"),
            (there.difference(wanted), "belong to no design of the space"),
            (wanted.difference(there), "are missing"),
        ):
            if len(wrong):
                named = "; ".join(", ".join(f"{k} {v}" for k, v in zip(keys, row, strict=True)) for row in wrong[:3])
                more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
                raise ValueError(f"{len(wrong)} of {len(wanted)} rows of the table {what}: {named}{more}")
        ordered = indexed.loc[wanted].to_numpy(dtype="float32").reshape(space.n_designs, *map(len, values[-2:]), 3)
        counts = torch.from_numpy(ordered)
        return cls(space, counts[..., 0] / n_validation, counts[..., 1] / n_test, counts[..., 2])

    def outcomes(self, patience: int = 5) -> Outcomes:
        """Every training as it ends when validation hasn't risen for `patience` epochs, or after the last epoch."""
        best = self.validation.cummax(dim=-1).values
        n_epochs = best.shape[-1]
        # An epoch is stale if the best of all is as old as the patience.
        stale = best[..., patience:] <= best[..., : max(0, n_epochs - patience)]
        stops = torch.nn.functional.pad(stale, (min(patience, n_epochs), 0)).int()
        stops[..., -1] = 1
        last = stops.argmax(dim=-1, keepdim=True)  # the first epoch that stops
        ends = (curves.gather(-1, last)[..., 0] for curves in (self.validation, self.test, self.seconds.cumsum(dim=-1)))
        return Outcomes(self.space, *ends)


@dataclass(frozen=True)
class Outcomes:
    """One number for each design and seed.

    Attributes:
        space: the designs, in its order.
        validation, test: (n_designs, n_seeds) accuracy at the end of the training.
        seconds: (n_designs, n_seeds) that it took.
    """

    space: Space
    validation: Tensor
    test: Tensor
    seconds: Tensor


@dataclass(frozen=True)
class Replay:
    """What searches would have reported, after each of their generations.

    Attributes:
        trainings: (n_runs, n_generations) trainings so far.
        seconds: (n_runs, n_generations) that they took.
        reported: (n_runs, n_generations) the design that a run would report, as its place in the space.
        score: (n_runs, n_generations) the score that it would report with it.
    """

    trainings: Tensor
    seconds: Tensor
    reported: Tensor
    score: Tensor

    def at(self, budget: float | Tensor, currency: str = "trainings") -> tuple[Tensor, Tensor]:
        """(reported, score), (n_runs,) each, of the last generation that a budget pays for.

        Args:
            budget: one for all runs, or one for each, (n_runs,).
            currency: "trainings" or "seconds".

        Raises:
            ValueError: a run has no generation within its budget.
        """
        if currency not in ("trainings", "seconds"):
            raise ValueError(f"a budget is in trainings or seconds, not in {currency!r}")
        paid = (getattr(self, currency) <= torch.as_tensor(budget).reshape(-1, 1)).sum(dim=1, keepdim=True)
        if not bool(paid.all()):
            raise ValueError(f"{int((paid == 0).sum())} runs have no generation within {budget} {currency}")
        return self.reported.gather(1, paid - 1)[:, 0], self.score.gather(1, paid - 1)[:, 0]


def replay(
    searcher: Searcher,
    outcomes: Outcomes,
    *,
    budget: int,
    rng: torch.Generator,
    seeds: Tensor | None = None,
    most: int = 200,
) -> Replay:
    """Let a searcher search, with scores from the table in place of trainings.

    Args:
        searcher: a fresh one, with any number of runs.
        outcomes: of its space.
        budget: trainings that every run may at least do; a generation that was begun is finished.
        rng: draws the seed of every training from those in the table: training a design again may give another score.
        seeds: (n_runs,) one seed of the table for all trainings of a run, in place of that.
        most: generations, for searches that stop finding new designs.

    Raises:
        ValueError: the searcher has begun already.
    """
    if searcher.generation:
        raise ValueError("this searcher has begun already: a replay needs a fresh one")
    n_seeds = outcomes.validation.shape[1]
    spent = torch.zeros(2, searcher.n_runs, dtype=torch.float64)
    steps: list[tuple[Tensor, ...]] = []
    while len(steps) < most and int(spent[0].min()) < budget and searcher.genes.shape[1]:
        places = searcher.space.indices(searcher.genes)
        if seeds is None:
            seed = torch.randint(n_seeds, places.shape, generator=rng)
        else:
            seed = seeds[:, None].expand_as(places)
        spent = spent + torch.stack([searcher.todo, outcomes.seconds[places, seed] * searcher.todo]).sum(dim=-1)
        scores = outcomes.validation[places, seed]
        searcher.tell(scores if searcher.n_runs > 1 else scores[searcher.todo])
        genes, best = searcher.champion()
        steps.append((*spent, searcher.space.indices(genes), best))
    return Replay(*(torch.stack(step, dim=1) for step in zip(*steps, strict=True)))
