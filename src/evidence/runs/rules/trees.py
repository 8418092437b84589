"""Functions as expression trees: "x", a number, or (operator, child, ...); what chapter 16 and its lab evolve."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

Tree = Any
"""A nested tuple such as ("max", "x", ("mul", 0.1, "x")); hashable, and its own text."""

UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "neg": torch.neg,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "sin": torch.sin,
    "sigmoid": torch.sigmoid,
    "abs": torch.abs,
    "square": torch.square,
    "gauss": lambda x: torch.exp(-x * x),
}
BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"add": torch.add, "mul": torch.mul, "max": torch.maximum}
OPERATORS: dict[str, Callable[..., Tensor]] = UNARY | BINARY
MOST_NODES = 12

CATALOGUE: dict[str, Tree] = {
    "identity": "x",
    "ReLU": ("relu", "x"),
    "tanh": ("tanh", "x"),
    "sin": ("sin", "x"),
    "sigmoid": ("sigmoid", "x"),
    "leaky ReLU": ("max", "x", ("mul", 0.1, "x")),
    "swish": ("mul", "x", ("sigmoid", "x")),
    "gauss": ("gauss", "x"),
}
"""Eight functions by hand; swish is x sigmoid(x)."""


def value(tree: Tree, x: Tensor) -> Tensor:
    """What the tree makes of each x."""
    if tree == "x":
        return x
    if not isinstance(tree, tuple):
        return torch.full_like(x, tree)
    name, *children = tree
    return OPERATORS[name](*(value(child, x) for child in children))


def places(tree: Tree, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The way from the root to every node, as positions in the tuples."""
    yield path
    if isinstance(tree, tuple):
        for i, child in enumerate(tree[1:], start=1):
            yield from places(child, (*path, i))


def put(tree: Tree, path: tuple[int, ...], new: Tree) -> Tree:
    """A copy of the tree in which `new` stands at `path`."""
    if not path:
        return new
    i, *rest = path
    return (*tree[:i], put(tree[i], tuple(rest), new), *tree[i + 1 :])


def grow(rng: random.Random, depth: int) -> Tree:
    """A random tree, at most `depth` operators deep."""
    if depth == 0 or rng.random() < 0.2:
        return "x" if rng.random() < 0.75 else round(rng.gauss(0, 1), 1)
    names = UNARY if rng.random() < 0.6 else BINARY
    n_children = 1 if names is UNARY else 2
    return rng.choice(list(names)), *(grow(rng, depth - 1) for _ in range(n_children))


def sound(tree: Tree) -> bool:
    """Whether the tree is small enough and looks at x."""
    return "'x'" in repr(tree) and len(list(places(tree))) <= MOST_NODES


def newcomer(rng: random.Random) -> Tree:
    """A sound random tree, three operators deep at most."""
    while not sound(tree := grow(rng, 3)):
        pass
    return tree


def mutate(tree: Tree, rng: random.Random) -> Tree:
    """A sound copy in which a random subtree is replaced by a new one, two operators deep at most."""
    while True:
        path = rng.choice(list(places(tree)))
        if sound(new := put(tree, path, grow(rng, 2))):
            return new


def shown(tree: Tree) -> str:
    """The tree as a formula."""
    if not isinstance(tree, tuple):
        return str(tree).replace("-", "−")
    name, *children = tree
    words = [shown(child) for child in children]
    if name in ("add", "mul"):
        return f"({words[0]} {'+' if name == 'add' else '·'} {words[1]})"
    if name in ("neg", "square"):
        word = f"({words[0]})" if words[0].startswith("−") or words[0].endswith("²") else words[0]
        return f"−{word}" if name == "neg" else f"{word}²"
    return f"{name}({', '.join(words)})"
