"""What lab 9 asks of a plan for the memory: bytes of a population and of one genome's activations, and a chunk."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from coursekit.feedback import Part, Student, compare_each

__all__ = ["judge_plan"]

Plan = Callable[[Sequence[int], int, int, int], float]


def _population(sizes: Sequence[int], n_genomes: int, *_: int) -> int:
    return 4 * n_genomes * sum((a + 1) * b for a, b in pairwise(sizes))


def _images(sizes: Sequence[int], n_genomes: int, n_images: int, *_: int) -> int:
    return 4 * n_images * sizes[0]


def _widest(sizes: Sequence[int], n_genomes: int, n_images: int, *_: int) -> int:
    return 4 * n_images * max(a + b for a, b in pairwise((0, *sizes[1:])))


def _units(count: Callable[[Sequence[int]], int]) -> Plan:
    """So many numbers for each image."""
    return lambda sizes, n_genomes, n_images, limit: 4 * n_images * count(sizes)


def _times(factor: float, plan: Plan) -> Plan:
    return lambda *args: factor * plan(*args)


def _chunk(
    left: Callable[..., int] = lambda *a: a[3] - _population(*a) - _images(*a),
    each: Callable[..., int] = _widest,
    whole: Callable[[float], float] = np.floor,
    between: Callable[[float, int], float] = lambda chunk, n_genomes: min(max(chunk, 1), n_genomes),
) -> Plan:
    return lambda *args: between(whole(left(*args) / each(*args)), args[1])


_PLAN: dict[str, Part] = {
    "population": Part(_population, {
        "population is 8 times too large: is it in bits? float32 takes 4 bytes a number.": _times(8, _population),
        "population is twice what it should be. float32 takes 4 bytes a number, not 8; or is something counted "
        "twice?": _times(2, _population),
        "population is the number of weights, not yet of bytes: float32 takes 4 bytes.": _times(1 / 4, _population),
        "population forgets the biases: every unit behind the inputs has one.": lambda sizes, g, *_: (
            4 * g * sum(a * b for a, b in pairwise(sizes))
        ),
        "population counts a bias for every input: a layer from a to b units has a * b weights and b biases, which "
        "is (a + 1) * b.": lambda sizes, g, *_: 4 * g * sum(a * (b + 1) for a, b in pairwise(sizes)),
        "population holds what activations should be: return population, activations, chunk, in this order.": (
            _widest
        ),
        "population holds what chunk should be: return population, activations, chunk, in this order.": _chunk(),
        "population takes the biases off: a layer from a to b units has a * b weights and b biases, (a + 1) * b.": (
            lambda sizes, g, *_: 4 * g * sum((a - 1) * b for a, b in pairwise(sizes))
        ),
        "population leaves out the first layer: pairwise(sizes) goes through all of them.": (
            lambda sizes, g, *_: _population(sizes[1:], g)
        ),
        "population leaves out the last layer: pairwise(sizes) goes through all of them.": (
            lambda sizes, g, *_: _population(sizes[:-1], g)
        ),
        "population is one genome's: multiply by n_genomes.": lambda sizes, g, *_: _population(sizes, 1),
        "population is in megabytes; keep to bytes.": _times(1e-6, _population),
        "population holds the images as well: it is the genomes alone.": lambda *a: _population(*a) + _images(*a),
    }),
    "activations": Part(_widest, {
        "activations are 8 times too large: are they in bits? float32 takes 4 bytes a number.": _times(8, _widest),
        "activations are twice what they should be. float32 takes 4 bytes a number, not 8; or is something counted "
        "twice?": _times(2, _widest),
        "activations are numbers, not yet bytes: float32 takes 4 bytes.": _times(1 / 4, _widest),
        "activations come out as those of the widest layer alone. While its outputs are made, its inputs are still "
        "there: add the two, and take the largest sum.": _units(lambda s: max(s[1:])),
        "activations are those of the last layer only: look at every layer's inputs plus outputs.": (
            _units(lambda s: s[-1])
        ),
        "activations add up all layers. But memory is reused: what no later layer needs is freed, so only one layer's "
        "inputs and outputs are there at a time.": _units(lambda s: sum(s[1:])),
        "activations add up all layers, images included. Memory is reused, and the images are shared.": _units(sum),
        "activations count the images as the first layer's inputs. All genomes share them, so they don't belong to "
        "any one genome.": _units(lambda s: max(a + b for a, b in pairwise(s))),
        "activations are those of the first layer alone: look at every layer's inputs plus outputs.": (
            _units(lambda s: s[1])
        ),
        "activations leave out the last layer: pairwise(sizes) goes through all of them.": (
            _units(lambda s: max([s[1], *(a + b for a, b in pairwise(s[1:-1]))]))
        ),
        "activations count the images as the first layer's inputs, and no other layer's inputs: it is the other way "
        "round.": _units(lambda s: max([s[0] + s[1], *s[2:]])),
        "activations hold what chunk should be: return population, activations, chunk, in this order.": _chunk(),
        "activations are for one image: multiply by n_images.": lambda sizes, *_: _widest(sizes, 1, 1),
        "activations are for all genomes; give those of one genome.": lambda sizes, g, n, _: g * _widest(sizes, g, n),
    }),
    "chunk": Part(_chunk(), {
        "chunk is below 1 where memory is short. One genome must go through: never below 1.": _chunk(
            between=lambda chunk, g: min(chunk, g)
        ),
        "chunk is 0 where memory is short. One genome must go through: never below 1.": _chunk(
            between=lambda chunk, g: min(max(chunk, 0), g)
        ),
        "chunk is larger than the population: n_genomes is the most.": _chunk(between=lambda chunk, g: max(chunk, 1)),
        "chunk is rounded up, and the last genome doesn't fit: round down, //.": _chunk(whole=np.ceil),
        "chunk is rounded to the nearest; half a genome doesn't go through: round down, //.": _chunk(whole=np.round),
        "chunk is no whole number: round down, //.": _chunk(whole=lambda chunk: chunk),
        # "Hardly any": a chunk is rounded down, so it needn't show a few bytes.
        "chunk gives the population no room, or hardly any: all n_genomes take memory from the "
        "limit.": _chunk(lambda *a: a[3] - _images(*a)),
        "chunk gives images no room, or hardly any: they take 4 * n_images * sizes[0] bytes from the limit, "
        "once.": _chunk(lambda *a: a[3] - _population(*a)),
        "chunk gives population and images no room, or hardly any: only what they leave of the limit is "
        "free.": _chunk(lambda *a: a[3]),
        "chunk is the evidence page's chunk_rows, whose limit is for activations alone; population and images come "
        "off the limit first; n_genomes is the most.": _chunk(lambda *a: a[3], between=lambda chunk, g: max(chunk, 1)),
        "chunk takes another room for the images than they need: an image has as many numbers as the first layer has "
        "inputs, sizes[0].": _chunk(lambda *a: a[3] - _population(*a) - 4 * a[2] * a[0][-1]),
        "chunk gives the images a fourth of their room: these are their numbers, and float32 takes 4 bytes a number.": (
            _chunk(lambda *a: a[3] - _population(*a) - _images(*a) // 4)
        ),
        "chunk gives the images the room of the first layer's outputs: an image has sizes[0] numbers, one for each "
        "input.": _chunk(lambda *a: a[3] - _population(*a) - 4 * a[2] * a[0][1]),
        "chunk gives the population a fourth of its room: these are its numbers, and float32 takes 4 bytes a number.": (
            _chunk(lambda *a: a[3] - _population(*a) // 4 - _images(*a))
        ),
        "chunk takes population and images for numbers: float32 takes 4 bytes a number.": (
            _chunk(lambda *a: a[3] - (_population(*a) + _images(*a)) // 4)
        ),
        "chunk takes activations for numbers: divide what is left by the bytes of one genome's.": (
            _chunk(each=lambda *a: _widest(*a) // 4)
        ),
        "chunk adds the images' bytes to what is left: they go off.": _chunk(
            lambda *a: a[3] - _population(*a) + _images(*a)
        ),
        "chunk adds the population's bytes to what is left: they go off.": _chunk(
            lambda *a: a[3] + _population(*a) - _images(*a)
        ),
        "chunk has the wrong sign in what is left: it is the limit less population and images.": _chunk(
            lambda *a: _population(*a) + _images(*a) - a[3]
        ),
        "chunk is as many genomes as bytes are left: how often do the activations of one genome fit in there?": (
            _chunk(each=lambda *a: 1)
        ),
        "chunk counts the images for each genome. All genomes share them: count them once.": _chunk(
            lambda *a: a[3] - _population(*a), lambda *a: _widest(*a) + _images(*a)
        ),
        "chunk counts the weights twice: they are views of the population, which is paid for already.": _chunk(
            each=lambda *a: _widest(*a) + _population(a[0], 1)
        ),
        "chunk divides by the activations of all genomes; divide by those of one.": _chunk(
            each=lambda *a: a[1] * _widest(*a)
        ),
    }),
}  # fmt: skip


def judge_plan(student: Student) -> None:
    """Three numbers, one after the other, for plans that fit, plans that don't, and one that just fits."""
    by_hand = [
        # 23 numbers a genome; 3, then 3 + 2 for each image; 1,350 - 920 - 80 = 350 bytes left.
        (((4, 3, 2), 10, 5, 1350), (920, 100, 3)),
        (((784, 64, 10), 200, 200, 50_000_000), (40_712_000, 59_200, 146)),
        (((10_000, 128, 26), 200, 26, 3_000_000_000), (1_026_785_600, 16_016, 200)),
    ]
    others = [
        ((7, 4), 9, 6, 1800),
        ((6, 2, 30, 3, 9), 12, 7, 12_000),
        ((5, 8, 8, 3), 4, 3, 100),
        ((3, 2, 2), 50, 40, 4500),
        ((30, 2, 2), 12, 50, 13_264),
    ]
    exact = (6, 9, 5, 2), 20, 4
    others += [(*exact, _population(*exact) + _images(*exact) + 2 * _widest(*exact) - short) for short in (0, 1)]
    compare_each(student, _PLAN, by_hand=by_hand, others=others)
