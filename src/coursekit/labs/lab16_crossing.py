"""What lab 16 asks of a crossover of trees: one subtree of the father for one of the mother's, each as likely."""

import random
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from typing import Any, cast

from coursekit.feedback import Student, TryAgain, comes_from_rng, diagnose, hidden, refuse

__all__ = ["judge_crossing"]

Tree = Any
Path = tuple[int, ...]

AGAIN = "If what you drew doesn't fit, draw both again until something does, however many draws it takes."

MOTHER: Tree = ("add", ("mul", 1.125, 2.25), ("neg", 3.0625))
FATHER: Tree = ("max", ("tanh", ("abs", 4.0)), 5.375)
TOWER: Tree = reduce(lambda tree, name: (name, tree), ["neg"] * 39, cast(Tree, 0.5))  # forty nodes
BUSH: Tree = reduce(lambda tree, name: (name, tree, tree), ["add"] * 6, cast(Tree, 0.5))  # 127 nodes


def _places(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Tree]]:
    yield path, tree
    if isinstance(tree, tuple):
        for i, child in enumerate(tree[1:], 1):
            yield from _places(child, (*path, i))


def _graft(tree: Tree, path: Path, gift: Tree) -> Tree:
    if not path:
        return gift
    i, *rest = path
    return (*tree[:i], _graft(tree[i], tuple(rest), gift), *tree[i + 1 :])


def _size(tree: Tree) -> int:
    return sum(1 for _ in _places(tree))


def _rounded(tree: Tree, decimals: int) -> Tree:
    if isinstance(tree, tuple):
        return tuple(_rounded(child, decimals) for child in tree)
    return round(tree, decimals) if isinstance(tree, float) else tree


def _lists(tree: Any) -> Iterator[list[Any]]:
    """The lists that are, or stand in, what should be a tree."""
    if isinstance(tree, list):
        yield tree
    for child in tree[1:] if isinstance(tree, tuple) else ():
        yield from _lists(child)


def _is_tree(tree: Any) -> bool:
    if isinstance(tree, tuple):
        return len(tree) > 1 and isinstance(tree[0], str) and all(map(_is_tree, tree[1:]))
    return tree == "x" or (isinstance(tree, int | float) and not isinstance(tree, bool))


def _children(mother: Tree, father: Tree) -> dict[Tree, tuple[Path, Path]]:
    """Each child that there can be, and how it comes about; all are different if all leaves are."""
    return {
        _graft(mother, place, gift): (place, given) for place, _ in _places(mother) for given, gift in _places(father)
    }


def _draw(student: Student, mother: Tree, father: Tree, most: int, seed: int, n: int) -> Counter[tuple[Path, Path]]:
    """How often each pair of a place and a gift came up; TryAgain about a child that is none."""
    rng, right, turned = random.Random(hidden(seed)), _children(mother, father), _children(father, mother)
    found, unchanged = Counter[tuple[Path, Path]](), 0
    for _ in range(n):
        child = student.in_place(mother, father, most, rng)  # trees can't be changed
        if child is None and most < _size(mother) + _size(father):
            raise TryAgain(
                f"where little fits, your function sometimes returns None: with `most` {most}, a mother of "
                f"{_size(mother)} nodes and a father of {_size(father)}. {AGAIN}"
            )
        refuse(
            child is None and found, "your function sometimes returns None: does every way through it end in a tree?"
        )
        refuse(child is None, "your function returned None: did you forget `return`?")
        subtrees = list(dict(_places(father)).values())
        refuse(
            any(all(part in subtrees for part in inside) for inside in _lists(child)),
            "your child holds a list of subtrees of the father: one of them is to be drawn.",
        )
        refuse(
            isinstance(child, list),
            "your child is a list: trees are tuples, (name, child, ...), which nobody can change by accident.",
        )
        refuse(
            not _is_tree(child),
            f"your function returned {_told(child)}, which is no tree: 'x', a number, or a tuple (name, child, ...) "
            "whose children are trees.",
        )
        if child == mother and mother not in right:
            unchanged += 1
            continue
        refuse(
            child not in right and child in turned,
            "a subtree of the mother stands in the father's tree: it should be the other way round.",
        )
        refuse(
            child not in right and child in [_rounded(one, n) for one in right for n in range(4)],
            f"the numbers in your child are rounded: {child!r}. A subtree is handed on as it is.",
        )
        refuse(
            child not in right,
            f"your child isn't the mother's tree with one subtree of the father in place of one of hers: {child!r}.",
        )
        refuse(
            _size(child) > most,
            f"a child has {_size(child)} nodes, but at most {most} are allowed. (Each operator, each 'x' and each "
            f"number is a node.) {AGAIN}",
        )
        found[right[child]] += 1
    roomy = most >= _size(mother) + _size(father)
    refuse(
        unchanged == n and roomy,
        "the child is always its mother, unchanged, though every child would fit: the gift never arrives. Is the "
        "changed part put into the copy, at every level, and the copy returned?",
    )
    refuse(
        unchanged and roomy,
        f"in {unchanged} of {n} calls the child is its mother, unchanged, though every child would fit. Does the gift "
        "come from the father, and does it arrive at every place, at the root as well as far below?",
    )
    refuse(
        unchanged,
        f"in {unchanged} of {n} calls the child is its mother, unchanged. {AGAIN}",
    )
    return found


def _told(child: Any) -> str:
    return repr(child) if isinstance(child, tuple | str | float | int) else f"a {type(child).__name__}"


def _named(path: Path, tree: Tree) -> str:
    return "the root" if not path else f"the subtree {dict(_places(tree))[path]!r}"


def _judge_shares(found: Counter[tuple[Path, Path]]) -> None:
    """TryAgain unless all places and all gifts come up alike, and independently."""
    n, places, gifts = found.total(), dict(_places(MOTHER)), dict(_places(FATHER))
    drawn = "Are all of them in what you draw from, is one drawn for each child, from `rng` as it goes on, "
    "and does it arrive?"
    shares: list[tuple[Tree, str, str, dict[Path, float]]] = []
    for number, tree, there, verb in ((0, MOTHER, places, "replaced in"), (1, FATHER, gifts, "given by")):
        share = {path: sum(k for pair, k in found.items() if pair[number] == path) / n for path in there}
        whose = ("mother", "father")[number]
        inner = {path for path, subtree in there.items() if isinstance(subtree, tuple)}
        diagnose(
            {
                f"only the root is {verb} the {whose}: every node counts, also those below it. {drawn}": share[()] == 1,
                f"the same node is {verb} the {whose} every time. {drawn}": max(share.values()) == 1,
                f"only leaves are {verb} the {whose}: every node counts, with all that hangs below it.": all(
                    share[path] == 0 for path in inner
                ),
                f"leaves are never {verb} the {whose}: every node counts, the leaves too.": all(
                    share[path] == 0 for path in there.keys() - inner
                ),
                f"the root is never {verb} the {whose}: it is a node like the others.": share[()] == 0,
            }
        )
        shares.append((tree, whose, verb, share))
    pairs = [found[place, gift] for place in places for gift in gifts]
    linked = "some places get some gifts only: draw the place in the mother and the gift of the father by themselves."
    refuse(min(pairs) == 0 and min(min(share.values()) for *_, share in shares) > 0.02, linked)
    for tree, whose, verb, share in shares:
        off = max(share, key=lambda path: abs(share[path] - 1 / len(share)))
        refuse(
            abs(share[off] - 1 / len(share)) > 0.06,
            f"{_named(off, tree)} is {verb} the {whose} in {100 * share[off]:.0f} % of the children. Each of "
            f"{len(share)} nodes should be in {100 / len(share):.0f} %: list them all, and choose one.",
        )
    refuse(min(pairs) < 0.3 * n / len(pairs), linked)


def _judge_small(student: Student) -> None:
    """TryAgain unless, where little fits, all pairs that fit come up alike."""
    most, n = 6, 2000
    found = _draw(student, MOTHER, FATHER, most, 3, n)
    fitting = [pair for child, pair in _children(MOTHER, FATHER).items() if _size(child) <= most]
    counts = [found[pair] for pair in fitting]
    largest = max(_size(child) for child, pair in _children(MOTHER, FATHER).items() if found[pair])
    refuse(
        largest < most,
        f"of {n} children the largest has {largest} nodes, where {most} are allowed: `most` itself is still allowed.",
    )
    expected = n / len(fitting)
    refuse(
        min(counts) < 0.6 * expected or max(counts) > 1.45 * expected,
        f"with at most {most} nodes there are {len(fitting)} pairs of a place and a gift that fit; one comes up "
        f"{min(counts)} times and one {max(counts)} times in {n}. Where a child is too large, draw both anew.",
    )


def _judge_patience(student: Student) -> None:
    """TryAgain unless a child is drawn until it fits, where one pair in 24 does: three at the root, two below it."""
    found = _draw(student, ("max", 1.25, 2.5), TOWER, 3, 5, 120)
    at_root = sum(k for (place, _), k in found.items() if not place) / found.total()
    refuse(
        abs(at_root - 0.6) > 0.18,
        f"where only 5 of 120 pairs of a place and a gift fit, 3 of them at the root, {100 * at_root:.0f} % of the "
        f"children are grafted there; it should be 60 %. {AGAIN}",
    )
    _draw(student, BUSH, "x", 1, 6, 20)  # one place of 127: who gives up after 100 draws does so in 9 of 20 calls


def judge_crossing(student: Student) -> None:
    """Two trees whose leaves all differ, so that a child tells where it was cut; then leaves, and small children."""
    _judge_shares(_draw(student, MOTHER, FATHER, 20, 2, 1200))
    _judge_small(student)
    _draw(student, FATHER, MOTHER, 20, 4, 60)
    _judge_patience(student)
    child = student("x", 2.0, 3, random.Random(hidden(0)))
    refuse(
        child != 2.0,
        f"two trees of one node each, 'x' and 2.0, have one child, 2.0, and yours is {_told(child)}. The root is a "
        "node, too.",
    )
    comes_from_rng(lambda rng: [student(MOTHER, FATHER, 20, rng) for _ in range(30)], random.Random)
