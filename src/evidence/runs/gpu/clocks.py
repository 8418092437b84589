"""What takes how long on a device: forward passes and generations of populations, and products that are shared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psutil
import torch
from torch import Tensor

from evidence.runs.ladder import NET
from neuroevo import data, ga, nets
from neuroevo.genreg import GENREG, Settings, reward

WARM_UP = 2  # calls that don't count
Row = dict[str, Any]
Work = tuple[str, int, Callable[[], object]]
"""What is timed, on how many images a class, and a call of it."""


def times(work: Callable[[], object], device: torch.device, n_rounds: int) -> list[float]:
    """Seconds of `n_rounds` calls, each of them waited for, after `WARM_UP` others."""

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    seconds = []
    for _ in range(WARM_UP + n_rounds):
        began = now()
        work()
        seconds.append(now() - began)
    return seconds[WARM_UP:]


def rows(works: Iterable[Work], n_genomes: int, device: torch.device, n_rounds: int) -> list[Row]:
    """A row for each work: median, fastest and slowest; what is too large for the memory is noted and ends the list."""
    made: list[Row] = []
    about = {"device": device.type, "n_genomes": n_genomes}
    try:
        for name, n_images, work in works:
            seconds = times(work, device, n_rounds)
            found = {"seconds": statistics.median(seconds), "low": min(seconds), "high": max(seconds)}
            made.append(about | {"work": name, "images_per_class": n_images} | found | {"note": ""})
    except torch.OutOfMemoryError:
        made.append(about | {"work": "the next", "note": "out of memory"})
    return made


def speed(n_genomes: int, batches: Iterable[int], device: torch.device) -> Iterator[Work]:
    """Forward passes and whole generations of GENREG on batches of so many images a class, and a generation's parts."""
    rng = torch.Generator(device).manual_seed(0)
    needed = 3 * 4 * NET.n_params * n_genomes  # a population, and what mutates and copies it
    if device.type == "cpu" and needed > psutil.virtual_memory().available:
        raise torch.OutOfMemoryError  # a CPU's own comes too late: the system ends the process
    state = GENREG.start(NET, Settings(n_genomes=n_genomes), rng)
    population, rate, scale = state.population, state.settings.child_mutation_rate, state.settings.mutation_scale
    for n_images in batches:
        pictures = noise(n_images, rng)
        x, y = pictures.pixels(), pictures.y
        yield "forward", n_images, partial(NET.forward, population, x)
        if device.type == "cuda":
            with _tf32():
                yield "forward, TF32", n_images, partial(NET.forward, population, x)
        yield "generation", n_images, partial(generation, state, x, y)
    yield "mutation", 0, partial(ga.mutate_, population, rate, scale, rng)
    survivors = torch.arange(max(1, n_genomes // 5), device=device)
    parents = survivors[torch.randint(len(survivors), (n_genomes,), generator=rng, device=device)]
    yield "copies, row by row", 0, partial(ga.reproduce_, population, parents)
    yield "copies, all at once", 0, partial(copy_at_once_, population, parents)


def generation(state: GENREG, x: Tensor, y: Tensor) -> None:
    """One generation on images that have been drawn: score everybody, then tell."""
    with torch.inference_mode():
        correct = nets.count_correct(NET.forward(state.ask(), x), y)
        state.tell(reward(correct, len(y), state.settings))


def noise(n_per_class: int, rng: torch.Generator) -> data.Split:
    """Images of noise, so many of each class: a clock doesn't mind what they show."""
    x = torch.randint(256, (10 * n_per_class, NET.sizes[0]), generator=rng, device=rng.device, dtype=torch.uint8)
    return data.Split(x, torch.arange(len(x), device=rng.device) % 10)


@contextmanager
def _tf32() -> Iterator[None]:
    """Products of float32 may be rounded to TF32, as a GPU offers since 2020; elsewhere here they aren't."""
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


def copy_at_once_(population: Tensor, parents: Tensor) -> None:
    """`ga.reproduce_` in a single call, with all copied rows in memory twice for a moment."""
    n_children = torch.bincount(parents, minlength=len(population))
    rows = torch.arange(len(population), device=population.device)
    extra = rows.repeat_interleave((n_children - 1).clamp_(min=0))
    population[rows[n_children == 0]] = population[extra]


class Brood:
    """First layers of children that differ from their parents in 7 % of the weights, and two ways to run them all.

    Args:
        n_children: five of them to a parent.
        rng: source of randomness.

    Attributes:
        parents: (n_parents, n_hidden, n_in).
        parent_of: (n_children,) rows of `parents`.
        positions, noise: (n_hits,) what mutated, as places in all children's weights one after the other, and by how
            much.
        children: (n_children, n_hidden, n_in).
    """

    def __init__(self, n_children: int, rng: torch.Generator) -> None:
        n_in, n_hidden, _ = NET.sizes
        settings = Settings()
        shape = (max(1, n_children // 5), n_hidden, n_in)
        self.parents = torch.randn(shape, generator=rng, device=rng.device).mul_(settings.init_std)
        self.parent_of = torch.arange(n_children, device=rng.device) % shape[0]
        self.children = self.parents[self.parent_of]
        self.positions = ga.bernoulli_positions(self.children.numel(), settings.child_mutation_rate, rng)
        noise = torch.randn(self.positions.shape, generator=rng, device=rng.device)
        self.noise = noise.mul_(settings.mutation_scale)
        self.children.view(-1).scatter_add_(0, self.positions, self.noise)

    def differences(self) -> Tensor:
        """Children minus parents, a sparse matrix (n_children * n_hidden, n_in)."""
        n_children, n_hidden, n_in = self.children.shape
        places = torch.stack([self.positions // n_in, self.positions % n_in])
        size = (n_children * n_hidden, n_in)
        return torch.sparse_coo_tensor(places, self.noise, size, is_coalesced=True, check_invariants=False)

    def plain(self, x: Tensor) -> Tensor:
        """What the children's hidden neurons hear of images (n_images, n_in): (n_children, n_hidden, n_images)."""
        return torch.bmm(self.children, x.T.expand(len(self.children), -1, -1))

    def shared(self, x: Tensor, differences: Tensor | None = None) -> Tensor:
        """The same from the parents' products, each made once, and the products of what differs (made now, if None)."""
        differences = self.differences() if differences is None else differences
        n_parents, n_hidden, _ = self.parents.shape
        columns = x.T.contiguous()
        products = (self.parents.flatten(0, 1) @ columns).view(n_parents, n_hidden, -1)[self.parent_of]
        return products.add_(torch.sparse.mm(differences, columns).view_as(products))


def sharing(n_genomes: int, batches: Iterable[int], device: torch.device) -> Iterator[Work]:
    """The first layer of a generation of children, as one product each and by sharing their parents' product."""
    rng = torch.Generator(device).manual_seed(0)
    brood = Brood(n_genomes, rng)
    differences = brood.differences()
    for n_images in batches:
        x = noise(n_images, rng).pixels()
        yield "first layer, plain", n_images, partial(brood.plain, x)
        yield "first layer, shared", n_images, partial(brood.shared, x, differences)
        yield "first layer, shared, differences made", n_images, partial(brood.shared, x)
