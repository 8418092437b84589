"""The checks of lab 9, "Thinking in batches": a batched forward pass, sparse mutation, and a plan for the memory."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from coursekit.feedback import Constant, Lab, Student, TryAgain, compare, refuse
from coursekit.labs.lab09_mutating import (
    Calls,
    added,
    counts_are_binomial,
    ends_are_hit,
    gaps_suffice,
    hits_are_fair,
    noise_is_added,
    noise_is_fresh,
)
from coursekit.labs.lab09_planning import judge_plan
from coursekit.labs.tensors import comes_from_rng, looks_normal, seeded, tensor

LAB = Lab(9, "Thinking in batches", time_limit=20, varies={"9.1": Constant(), "9.2": Constant("scale")})
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Array = NDArray[np.float64]


# 9.1 One pass for all. First a world in which all sizes are equal: every mix-up of axes fits there, and has its values.

Layers = list[tuple[Array, Array]]


def _cut(population: Array, sizes: Sequence[int], order: str = "wb", back: str = "") -> Layers:
    """Weights (G, out, in) and biases (G, out) of each layer, in this order; those named `back` begin at column 0."""
    shapes = [(b, a) for a, b in pairwise(sizes)]
    pieces = [(part, layer) for layer in range(len(shapes)) for part in order]
    if order == "WB":  # all the weights come first
        pieces = [(part, layer) for part in order for layer in range(len(shapes))]
    found, start = {}, 0
    for part, layer in pieces:
        shape = shapes[layer] if part in "wW" else shapes[layer][:1]
        size, begin = int(np.prod(shape)), 0 if part in back else start
        found[part.lower(), layer] = population[:, begin : begin + size].reshape(-1, *shape)
        start = (begin if part == "w" else start) + size
    return [(found["w", layer], found["b", layer]) for layer in range(len(shapes))]


def _outputs(
    order: str = "wb",
    product: str = "goi,gni->gno",
    bias: Callable[[Array], Any] = lambda b: b[:, None],
    hidden: Callable[[Array], Array] = np.tanh,
    last: Callable[[Array], Array] = lambda z: z,
    first: Callable[[Array], Array] = lambda x: x,
    owners: Callable[[Array], Array] = lambda population: population,
    turned: Callable[[Array], Array] = lambda z: z,
    back: str = "",
) -> Callable[..., Tensor]:
    """The outputs of all genomes by einsum, or a mistake in one of the steps."""

    def outputs(population: Tensor, x: Tensor, sizes: Sequence[int]) -> Tensor:
        layers = _cut(owners(population.numpy()), sizes, order, back)
        h = np.broadcast_to(first(x.numpy()), (len(population), *x.shape))
        for depth, (weights, biases) in enumerate(layers, start=1):
            z = np.einsum(product, weights, h)
            z = (turned(z) if depth == 1 else z) + bias(biases)
            h = hidden(z) if depth < len(layers) else last(z)
        return torch.tensor(h)

    return outputs


def _then(change: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda *args: change(_outputs()(*args))


def _first_layer(hidden: Callable[[Array], Array]) -> Callable[..., Tensor]:
    return lambda population, x, sizes: (_outputs(last=hidden) if len(sizes) > 2 else _outputs())(
        population, x, sizes[:2]
    )


def _softmax(z: Array) -> Array:
    return np.asarray(np.exp(z) / np.exp(z).sum(-1, keepdims=True))


_FORWARD_MISTAKES: dict[str, Callable[..., Any]] = {
    "the activation is on the output layer too. tanh comes after every layer but the last.": _outputs(last=np.tanh),
    "there is no activation: without tanh between them, two layers are one.": _outputs(hidden=lambda z: z),
    "the images themselves go through tanh. It comes after every layer but the last, and not before the first.": (
        _outputs(first=np.tanh)
    ),
    "your hidden layers use relu; this lab's activation is tanh.": _outputs(hidden=lambda z: np.maximum(z, 0)),
    "your hidden layers use a sigmoid; this lab's activation is tanh.": _outputs(hidden=lambda z: 1 / (1 + np.exp(-z))),
    "you return probabilities; the outputs of the last layer go out as they are.": _outputs(last=_softmax),
    "the biases are missing.": _outputs(bias=lambda b: 0),
    "genomes get each other's biases. (G, out) beside (G, n, out) lines up with the images, and broadcasts without a "
    "word if n is G (or a bias is (1, G, out)): image i gets genome i's bias. Use biases[:, None, :].": _outputs(
        bias=lambda b: b[None]
    ),
    "in your product the weights are turned round: W[i, j] stands where W[j, i] belongs. A row holds them as (out, "
    "in), one output unit after the other: cut so, the layer is x @ weights.mT. Where in = out, other cuts and other "
    "products fit as well, and are wrong.": _outputs(product="gio,gni->gno"),
    "a row is cut in the wrong order: in each layer the weights come first, and then the biases.": _outputs("bw"),
    "a row is cut in the wrong order: it holds layer after layer, W1, b1, W2, b2, and not all weights first.": (
        _outputs("WB")
    ),
    "layer 2 reads layer 1's columns: every layer is cut from column 0 on. Move `start` on behind each layer, by its "
    "weights and its biases.": _outputs(back="w"),
    "layer 2 reads layer 1's columns, and tanh comes after the last layer too: `start` stays at 0. Move it on behind "
    "each layer, by its weights and its biases.": _outputs(back="w", last=np.tanh),
    "the biases are cut from column 0 on, where weights lie. A layer's biases begin where its weights end.": _outputs(
        back="b"
    ),
    "all genomes compute with the weights of genome 0.": _outputs(owners=lambda p: p[:1].repeat(len(p), 0)),
    "genomes and images are mixed up after the first product: at [g, i] stands what belongs at [i, g]. Is it one big "
    "product, x against the weights of all? That is (n, G * out): unflatten(1, (G, out)) makes (n, G, out) of it, "
    "and then the first two axes are to be swapped.": _outputs(turned=lambda z: z.swapaxes(0, 1)),
    "you return what the first layer gives, after tanh: go on to the end of `sizes`.": _first_layer(np.tanh),
    "you return what the first layer gives, before tanh: go on to the end of `sizes`.": _first_layer(lambda z: z),
    "your answer is (n, G, out): genomes come first, (G, n, out).": _then(lambda z: z.swapaxes(0, 1)),
    "your answer is (G, out, n): images come before outputs, (G, n, out).": _then(lambda z: z.swapaxes(1, 2)),
}


def _stops(population: Tensor, x: Tensor, sizes: Sequence[int]) -> str:
    ran = ""  # what was asked before, and didn't stop
    if len(sizes) > 3:
        ran = " With one layer and with two it ran: does your loop go through any number of them?"
    elif sizes == (2, 2, 2):
        ran = " With one layer it ran: what is different in the second?"
    elif (len(population), len(x)) == (3, 5):
        ran = " Where all sizes are equal it ran: which axes may meet there that don't belong together?"
    return (
        f"your function stops for {len(population)} genomes, {len(x)} images and sizes = {sizes}, in {{line}} "
        f"({{error}}). Write the shape of every tensor beside its line.{ran}"
    )


def _read(answer: Any, population: Tensor, x: Tensor, sizes: Sequence[int]) -> Tensor:
    """The outputs; TryAgain if their axes stand in another order."""
    g, n = len(population), len(x)
    shape, got = (g, n, sizes[-1]), tuple(np.shape(answer))
    refuse(
        len(sizes) > 3 and got != shape and got == (g, n, sizes[2]),
        f"for sizes = {sizes} your answer has the shape {got}: it ends with the second layer. Go on to the end of "
        "`sizes`, two neighbours at a time, pairwise(sizes).",
    )
    if isinstance(answer, Tensor) and got != shape and sorted(got) == sorted(shape):
        names = {g: "genomes", n: "images", sizes[-1]: "outputs"}
        raise TryAgain(
            f"your answer has the shape {got}, that is ({', '.join(names[size] for size in got)}), but it should "
            f"be (genomes, images, outputs), {shape}."
        )
    return tensor(answer, shape, "the answer")


def _case(n_genomes: int, n_images: int, sizes: tuple[int, ...]) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    rng, n_params = seeded(n_images + len(sizes)), sum((a + 1) * b for a, b in pairwise(sizes))
    shapes = (n_genomes, n_params), (n_images, sizes[0])
    population, x = (torch.randn(shape, generator=rng, dtype=torch.float64) for shape in shapes)
    return population, x, sizes


@LAB.exercise(
    "9.1",
    "forward(population, x, sizes)",
    title="One pass for all",
    points=6,
    on_error={
        (
            (RuntimeError, IndexError, ValueError),
            r"(?i)size|shape|\dD|dim|axis|index|unpack|matri|vector|subscript",
        ): _stops
    },
)
def _(student: Student) -> None:
    small = torch.tensor([[1, 2, 3, 4, 10, 20], [0, 1, 1, 0, 0, 5.0]], dtype=torch.float64)
    x = torch.tensor([[1, 0], [1, 1.0]], dtype=torch.float64)
    example = torch.tensor([[[11, 23], [13, 27]], [[0, 6], [1, 6.0]]])  # genome 1, image 1: (0 + 1 + 0, 1 + 0 + 5)
    compare(
        student,
        returns="the answer",
        by_hand=[((small, x, (2, 2)), example)],
        others=[_case(2, 2, (2, 2, 2)), _case(3, 3, (3, 3)), _case(4, 4, (4, 4, 4))],
        right=_outputs(),
        mistakes=_FORWARD_MISTAKES,
        read=_read,
        rtol=1e-4,
    )
    compare(
        student,
        returns="the answer",
        by_hand=[],
        others=[_case(3, 5, (4, 6, 2)), _case(7, 2, (3, 5)), _case(2, 6, (5, 3, 4, 7)), _case(1, 4, (3, 2, 5))],
        right=_outputs(),
        mistakes={},
        read=_read,
        rtol=1e-4,
    )
    calls = []
    for n_genomes, n_images in ((3, 4), (12, 4), (3, 16)):
        with Calls() as counted:
            student(*_case(n_genomes, n_images, (5, 6, 2)))
        calls.append(counted.n_calls)
        refuse(
            "tolist" in counted.names,
            "your numbers are right, but `.tolist()` takes numbers out of torch. Is what follows a loop over genomes "
            "or images? Leave it out, and let products of tensors take all of them at once.",
        )
    for more, what in zip(calls[1:], ("genomes", "images"), strict=True):
        refuse(
            more > calls[0] + 3,
            f"your numbers are right, but you loop: for four times as many {what} your function calls torch "
            f"{more} times instead of {calls[0]}. Loop over layers only, and let each product take all {what} at once.",
        )


# 9.2 Mutate a few of ten million


@LAB.exercise(
    "9.2",
    "mutate_(population, rows, rate, scale, rng)",
    title="Mutate a few of ten million",
    points=5,
    on_error={
        # Not "Dimension out of range": that is an axis, and no place.
        ((IndexError, RuntimeError), "^(?!Dimension).*out of (bounds|range)"): lambda population, rows, *_: (
            f"a place is asked for that isn't there ({{error}}). Here {len(population)} genomes have "
            f"{population.shape[1]} weights each, and {len(rows)} of them are children: the positions p end at "
            f"{rows.numel() * population.shape[1] - 1}. Position p is weight p % n_params of child p // n_params, and "
            "that child is row rows[p // n_params]."
        )
    },
)
def _(student: Student) -> None:
    rate, scale = 0.4, 0.35  # a scale whose root, square and double are told from noise that comes twice, 1.41 times it
    rows = torch.randperm(60, generator=seeded(9))[:40]
    noise = added(student, (60, 1000), rows, rate, scale, seeded(1))
    hit = noise != 0
    noise_is_added(noise, rows, scale)
    # First of the two: where places come twice, torch's threads decide which noise is lost, and two calls differ.
    hits_are_fair(hit, noise, rate, scale)
    comes_from_rng(lambda rng: added(student, (60, 1000), rows, rate, scale, rng))
    noise_is_fresh(student, rows, rate, scale)
    looks_normal(noise[hit], scale, "your noise")
    counts_are_binomial(student)
    ends_are_hit(student)
    gaps_suffice(student)
    added(student, (4, 3), torch.tensor([1, 3]), 1e-4, 0.1, seeded(3))  # hardly ever a hit: does it stop?
    with Calls() as counted:
        added(student, (110, 1000), torch.arange(100), 0.01, 0.1, seeded(4))
    refuse(
        counted.n_drawn > 6_000,  # 2,200 are enough: as many gaps as hits, some more, and the noise
        f"the mutations are right, but for about 1,000 hits among 100,000 weights you draw {counted.n_drawn:,} random "
        "numbers. Draw for the hits alone: their gaps, and their noise.",
    )


# 9.3 Will it fit?

LAB.exercise("9.3", "memory_plan(sizes, n_genomes, n_images, limit_bytes)", title="Will it fit?", points=4)(judge_plan)


# 9.4 Why is it slow?

LAB.free_text(
    "9.4",
    title="Why is it slow?",
    points=5,
    rubric={
        5: "A warm generation is worked out without the first one (about 60.6 ms), and the verdict turned round with "
        "it. The forward pass's floor from operations and bytes (0.4 ms), and why its line shows less: calls return "
        "before the work is done, and .item() waits. The 55 ms of copies and mutation on the CPU named as the cause; "
        "two changes in the order of their gain, each with a predicted time. The log doesn't tell how long "
        "breeding takes on the card: accept any stated assumption (some ms, or bytes over bandwidth). And a sentence "
        "on how to measure: a warm-up, synchronize() before the clock is read, or the mean of many warm generations.",
        3: "The copies and the CPU mutation are found, with their share, but the first generation or the impossible "
        "forward time stays unexplained; or all are explained without a floor or a predicted time.",
        1: "One cause with a number, for example warm-up.",
        0: "The GPU is called too slow, or more genomes are advised, without a number from the log.",
    },
)
