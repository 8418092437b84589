"""The checks of lab 16, "Evolving the rules": trees, their crossover, an outer loop, and a score without a hole."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from coursekit.feedback import Constant, Lab, Student, TryAgain, compare, refuse, seems
from coursekit.feedback.mishaps import round_after_round, where_it_stopped
from coursekit.labs.lab16_crossing import judge_crossing
from coursekit.labs.lab16_evolving import divided_by_0, judge_evolving
from coursekit.labs.lab16_scoring import judge_score

LAB = Lab(
    16,
    "Evolving the rules",
    time_limit=20,
    varies={"16.3": Constant(returned={"score": 1, "outside": 2}), "16.4": Constant()},
)
check, passed, score = LAB.check, LAB.passed, LAB.score
variant, published = LAB.variant, LAB.published

Tree = Any
NUMBER = "A number says the same at every x: torch.full_like(x, number)."


# 16.1 What a tree says

OPERATORS: dict[str, Callable[..., Tensor]] = {
    "neg": torch.neg,
    "tanh": torch.tanh,
    "square": torch.square,
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "max": torch.maximum,
    "gate": lambda a, b, c: torch.where(a > 0, b, c),
}


def _value(
    tree: Tree,
    x: Tensor,
    operators: Any = OPERATORS,
    *,
    number: Callable[[Tensor, float], Any] = torch.full_like,
    children: Callable[[list[Tree]], list[Tree]] = lambda children: children,
    below: bool = True,
) -> Any:
    if isinstance(tree, str):
        return x
    if not isinstance(tree, tuple):
        return number(x, tree)
    name, *rest = tree
    inner = [_value(child, x, operators, number=number, children=children) for child in children(rest)]
    return operators[name](*(inner if below else [x] * len(inner)))


def _top(tree: Tree, x: Tensor, *_: Any) -> Any:
    """The operator at the root alone, as if all below it were x."""
    return _value(tree, x, below=False)


@seems("dict")
class _Watched(dict[str, Callable[..., Tensor]]):
    """Operators that say what is wrong with what they are given."""

    def __init__(self, mark: str = "") -> None:
        super().__init__({name + mark: self._watched(name, function) for name, function in OPERATORS.items()})
        self._mark = mark

    def __missing__(self, name: Any) -> Any:
        refuse(
            isinstance(name, str) and name[:-1] in OPERATORS and not self._mark,
            f"you look up the operator {name!r} of a later call in the `operators` of an earlier one: take those that "
            "are given with the tree.",
        )
        refuse(
            name in OPERATORS and self._mark,
            f"you look up an operator {name!r}, and in this call's `operators` there is none: its names are others. "
            "Take the name from the tree.",
        )
        raise TryAgain(
            f"you look up an operator {name!r}, and there is none. A tuple's operator is its first entry; the text 'x' "
            "and numbers are no tuples."
        )

    @staticmethod
    def _watched(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        n = 3 if name == "gate" else 2 if name in ("add", "sub", "mul", "max") else 1

        def operator(*values: Any) -> Tensor:
            refuse(
                len(values) != n,
                f"the operator {name!r} has {n} {'child' if n == 1 else 'children'} in a tree, and gets "
                f"{len(values)} {'value' if len(values) == 1 else 'values'}: give it those of all its children, "
                "operators[name](*values).",
            )
            for value in values:
                refuse(
                    value is None,
                    f"the operator {name!r} gets None where a tensor should be: does every branch of your function "
                    "return a value?",
                )
                refuse(
                    not isinstance(value, Tensor),
                    f"the operator {name!r} gets a {type(value).__name__} where a tensor should be. It needs the "
                    f"children's *values*. {NUMBER}",
                )
            shapes = {tuple(value.shape) for value in values} - {()}
            refuse(
                len(shapes) > 1,
                f"the operator {name!r} gets values of different shapes, {' and '.join(map(str, sorted(shapes)))}: "
                f"each should have the shape of x. {NUMBER}",
            )
            return function(*values)

        return operator


def _shown(tree: Tree) -> str:
    text = repr(tree)
    return text if len(text) < 60 else f"{text[:50]}..."


def _endless(error: RecursionError) -> str:
    """Which call of a function goes round, and for which tree."""
    trees = [tree for tree in round_after_round(error) if isinstance(tree, str | int | float | tuple)]
    told = f"your function calls itself without end, in {where_it_stopped(error)[0] or 'your code'}."
    if len(trees) < 2 or trees[-1] != trees[-2]:
        return f"{told} Is each call for a child, which is smaller than its tree? Do 'x' and numbers end it?"
    told += f" Each call there is for {_shown(trees[-1])} once more."
    if isinstance(trees[-1], tuple):
        return f"{told} Call it for the children, tree[1:], which are smaller, and not for the tree itself."
    if isinstance(trees[-1], str) and trees[-1] != "x":
        return f"{told} That is an operator's name, or a part of one, and no child: the children are tree[1:]."
    return f"{told} It has no children: its value needs no call."


@LAB.exercise(
    "16.1",
    "value(tree, x, operators)",
    title="What a tree says",
    points=2,
    on_error={
        (TypeError, "fill_value.* not (str|tuple)|Tensor' and 'tuple'"): "'x' or a tuple stands where a number should "
        "({error}). Has each kind of tree its own branch, the right one, and do your calls for the children give the "
        "tree first, value(child, x, operators)?",
        (
            TypeError,
            "non-iterable (float|int)|'(float|int)' object is not subscriptable",
        ): "a number is taken apart like "
        "a tuple ({error}). Numbers may be whole or not; ask whether the tree is a tuple.",
        (TypeError, "'input' .* must be Tensor, not (tuple|str)"): "a tree stands where the tensor x should ({error}). "
        "Do your calls for the children give the tree first, value(child, x, operators)? Or has torch.full_like(x, "
        "number) its arguments the other way round?",
        (TypeError, "'input' .* must be Tensor"): "a number stands where the tensor x should ({error}). Is it "
        "torch.full_like(x, number), the tensor first? Or do your calls for the children give x as the tree?",
        (IndexError, "tensor of dimension|0-dim tensor"): "a tensor has fewer axes than are asked for ({error}), in "
        "{line}. Does it stand there for a tree or for the operators? Your calls for the children should give "
        "value(child, x, operators), in this order.",
    },
)
def _(student: Student) -> None:
    x = torch.tensor([0.0, 1.0, -2.0], dtype=torch.float64)
    table = torch.tensor([[0.5, -1.5625, 3.0], [2.0, -0.2539, 0.75]], dtype=torch.float64)

    def given(tree: Tree, x: Tensor, operators: _Watched) -> Any:
        try:
            return student(tree, x, operators)
        except RecursionError as error:
            raise TryAgain(_endless(error)) from None

    def asked(tree: Tree, x: Tensor) -> Any:
        answer = given(tree, x, _Watched())
        if not isinstance(answer, Tensor):
            raise TryAgain(
                f"the value of {tree!r} is a {type(answer).__name__}, but should be a tensor, like x. {NUMBER}"
            )
        refuse(
            answer.shape != x.shape and isinstance(tree, int | float),
            f"the value of the tree {tree!r} has the shape {tuple(answer.shape)}, and should have that of x, "
            f"{tuple(x.shape)}. {NUMBER}",
        )
        return answer

    compare(
        Student(asked, student.parameters[:2]),
        returns="value",
        by_hand=[((("add", ("mul", 2.0, "x"), 1.0), x), [1.0, 3.0, -3.0]), ((0.5, x), [0.5, 0.5, 0.5]), (("x", x), x)],
        others=[
            (("tanh", ("sub", ("square", "x"), ("mul", 0.3125, "x"))), table),
            (("gate", ("sub", 1, "x"), ("neg", "x"), ("max", "x", 0.2)), x),
            (("sub", ("gate", "x", -1.0, ("square", ("square", "x"))), ("add", 0.1, "x")), table),
            (-2, table),
        ],
        right=_value,
        mistakes={
            "the children are read from right to left: x - 1 became 1 - x.": lambda tree, x, *_: _value(
                tree, x, children=lambda rest: rest[::-1]
            ),
            "each operator works on x itself, whatever hangs below it. Work out the children first, and give it their "
            "values.": _top,
            "a number counts as 0: it says the same number at every x, torch.full_like(x, number).": (
                lambda tree, x, *_: _value(tree, x, number=lambda x, _: torch.zeros_like(x))
            ),
            "a number counts as x times it: it says the same number at every x, torch.full_like(x, number).": (
                lambda tree, x, *_: _value(tree, x, number=lambda x, c: c * x)
            ),
            "a number counts as x: it says the same number at every x, torch.full_like(x, number).": (
                lambda tree, x, *_: _value(tree, x, number=lambda x, c: x)
            ),
            "x is added to a number: it says the same number at every x, torch.full_like(x, number).": (
                lambda tree, x, *_: _value(tree, x, number=lambda x, c: x + c)
            ),
            "x is taken off a number: it says the same number at every x, torch.full_like(x, number).": (
                lambda tree, x, *_: _value(tree, x, number=lambda x, c: c - x)
            ),
            "a number has the wrong sign.": lambda tree, x, *_: _value(
                tree, x, number=lambda x, c: torch.full_like(x, -c)
            ),
            "every tree is taken for x: which kind of tree is it?": lambda tree, x, *_: x,
            "every tuple is taken for x: its value is that of its operator, given the values of its children.": (
                lambda tree, x, *_: x if isinstance(tree, str | tuple) else torch.full_like(x, tree)
            ),
            "numbers lose what stands behind the point.": (
                lambda tree, x, *_: _value(tree, x, number=lambda x, c: torch.full_like(x, int(c)))
            ),
        },
    )
    other = given(("sub!", ("tanh!", "x"), 2.0), x, _Watched("!"))
    if not torch.allclose(other, torch.tanh(x) - 2):
        raise TryAgain(
            "with `operators` that have other names your function is wrong: does it take operators[name] from its "
            "argument, or look elsewhere?"
        )


# 16.2 Cut and graft

LAB.exercise(
    "16.2",
    "cross(mother, father, most, rng)",
    title="Cut and graft",
    points=4,
    on_error={
        (TypeError, "generator' (?:has no len|object is not subscr)"): "a generator, which gives its paths one after "
        "the other, stands where a list is needed ({error}): list(places(tree)) is a list of them."
    },
)(judge_crossing)


# 16.3 The outer loop

LAB.exercise(
    "16.3",
    "evolve_rules(train, tasks, exam, fresh, mutate, n, n_parents, n_generations, rng)",
    title="The outer loop",
    points=5,
    on_error={
        (
            KeyError,
            r"^\(\d+, 0\.\d+",
        ): "a rule is asked for its score that has none: is it ranked before it is trained, "
        "or is its training not written down?",
        (ZeroDivisionError, ""): divided_by_0,
    },
)(judge_evolving)


# 16.4 A score without a hole

LAB.exercise(
    "16.4",
    "honest_score(answers, labels)",
    title="A score without a hole",
    points=5,
    on_error={
        (
            (AttributeError, TypeError, ValueError),
            "^(?!.*and 'NoneType')(?!.*attribute '(?:append|extend|add|insert)').*NoneType",
        ): "None stands where an array is needed ({error}). A training that died is None, and no array: ask for that "
        "first, `if logits is None`."
    },
)(judge_score)


LAB.free_text(
    "16.5",
    title="Explain a hack",
    points=4,
    rubric={
        4: "Says what was selected for, word for word as the fitness has it, and what was meant; shows by a number "
        "from the student's own run that the one rose and the other didn't; explains why selection found it (what the "
        "hole pays, and how many mutations it is away); names a guard that closes it and what that guard costs; and a "
        "hack that this guard would still let through.",
        3: "One of these is missing.",
        2: "The hack is described with a number, but neither why selection finds it nor what the guard leaves open.",
        1: "The hack is described, without a number.",
        0: "The program is said to have a bug, or to be clever.",
    },
)
