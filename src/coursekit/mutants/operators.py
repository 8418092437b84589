"""Faults by rule: each rule looks at one node of a function's syntax tree, and yields what may stand in its place."""

import ast
import copy
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["HELPERS", "Mutant", "mutants_of"]

Replacements = Iterator[tuple[str, ast.AST]]  # what the fault is called, and what stands there now

HELPERS = """
def _first_seen(name, value, seen={}):
    return seen.setdefault(name, value)
def _along_first(draw):
    return draw[[0] * len(draw)] if getattr(draw, "ndim", 0) else draw
def _along_last(draw):
    return draw[..., [0] * draw.shape[-1]] if getattr(draw, "ndim", 0) else draw
def _from_its_seed(rng):
    if hasattr(rng, "initial_seed"):
        import torch
        return torch.Generator(rng.device).manual_seed(rng.initial_seed())
    return _seeded_anew(rng)
def _seeded_anew(rng):
    if hasattr(rng, "initial_seed"):
        import torch
        return torch.Generator(rng.device).manual_seed(0)
    import random, numpy
    return random.Random(0) if isinstance(rng, random.Random) else numpy.random.default_rng(0)
def _rounded(value):
    if isinstance(value, (tuple, list)):
        return type(value)(map(_rounded, value))
    if hasattr(value, "is_floating_point"):
        return value.round(decimals=2) if value.is_floating_point() else value
    if hasattr(value, "dtype"):
        return value.round(2) if value.dtype.kind == "f" else value
    return round(value, 2) if isinstance(value, float) else value
def _as_list(value):
    return value.tolist() if hasattr(value, "tolist") else value
"""


@dataclass(frozen=True)
class Mutant:
    """A right answer with one fault.

    `name` says where and what, on one line, and tells it from the other mutants of its answer.
    """

    name: str
    fault: str
    source: str


def mutants_of(source: str, function: str) -> list[Mutant]:
    """All mutants of a function, each once; the source holds its definition and whatever stands beside it.

    A mutant's source may call the functions of HELPERS. ValueError: the function isn't defined there.
    """
    tree = ast.parse(source)
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    if not defined:
        raise ValueError(f"{function} isn't defined in the source that was given.")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):  # a zip that is strict, and has nothing to complain of, is a zip
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "strict"]
    seen, found, named = {ast.unparse(tree)}, [], Counter[str]()
    for node in ast.walk(defined[-1]):
        for rule in RULES:
            for fault, other in rule(node):
                mutated = ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree, {id(node): other})))
                if mutated not in seen and _compiles(mutated):
                    seen.add(mutated)
                    name = " ".join(f"{function}, {fault}: {_shown(node)} -> {_shown(other)}".split())
                    named[name] += 1
                    again = f" (place {named[name]})" if named[name] > 1 else ""
                    found.append(Mutant(name + again, fault, mutated))
    return found


def _compiles(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what students shouldn't write either
            compile(source, "<mutant>", "exec")
    except SyntaxError:
        return False
    return True


def _shown(node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef):
        return ast.unparse(node.body[0])
    return ast.unparse(node)[:200] if isinstance(node, ast.expr | ast.stmt | ast.comprehension) else ast.dump(node)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _plus(expression: ast.expr, step: int) -> ast.expr:
    operator = ast.Add() if step > 0 else ast.Sub()
    return ast.BinOp(expression, operator, ast.Constant(abs(step)))


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


# --- The rules ------------------------------------------------------------------------------------------------------

OTHER_OPERATOR = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult},
}
OTHER_COMPARISONS = {
    **{ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE)},
    **{ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)},
    **{ast.In: (ast.NotIn,), ast.NotIn: (ast.In,)},
}
COPIES = {"clone", "copy", "deepcopy", "detach", "array", "list", "dict"}
ONCE = {  # applied twice, these do what they do once, or nothing that anybody would write
    *(COPIES | {"abs", "asarray", "bool", "double", "enumerate", "float", "int", "item", "iter", "len", "max", "mean"}),
    *("min", "norm", "range", "set", "sorted", "sum", "tensor", "tuple", "zip"),
}


def _arithmetic(node: ast.AST) -> Replacements:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OTHER_OPERATOR:
        yield "another operator", _with(node, op=OTHER_OPERATOR[type(node.op)]())
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div | ast.Mod | ast.MatMult):
        yield "operands exchanged", _with(node, left=node.right, right=node.left)
    if isinstance(node, ast.BinOp):
        yield "operand dropped", node.left
        yield "operand dropped", node.right
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "sign dropped", node.operand


def _comparison(node: ast.AST) -> Replacements:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in OTHER_COMPARISONS[type(node.ops[0])]:
            yield "another comparison", _with(node, ops=[other()])


def _condition(node: ast.AST) -> Replacements:
    if isinstance(node, ast.BoolOp):
        yield "and for or", _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "condition turned round", _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        yield "condition always true", _with(node, test=ast.Constant(True))
    if isinstance(node, ast.comprehension) and node.ifs:
        yield "condition dropped", _with(node, ifs=[])


def _constant(node: ast.AST) -> Replacements:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield "another constant", ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield "another constant", ast.Constant(node.value + 1)
            yield "another constant", ast.Constant(node.value - 1)
        elif isinstance(node.value, float):
            yield "another constant", ast.Constant(node.value * 2 or 1.0)


def _bounds(node: ast.AST) -> Replacements:
    if isinstance(node, ast.Slice):
        for edge, missing in (("lower", 1), ("upper", -1)):
            given = getattr(node, edge)
            for other in (_plus(given, 1), _plus(given, -1)) if given else (ast.Constant(missing),):
                yield "off by one in a slice", _with(node, **{edge: other})
    if isinstance(node, ast.Call) and _name_of(node) in ("range", "arange", "linspace") and node.args:
        last = min(len(node.args) - 1, 1)
        for step in (1, -1):
            arguments = [*node.args[:last], _plus(node.args[last], step), *node.args[last + 1 :]]
            yield "off by one in a range", _with(node, args=arguments)


def _axis(node: ast.AST) -> Replacements:
    if isinstance(node, ast.Call):
        for i, keyword in enumerate(node.keywords):
            rest = [*node.keywords[:i], *node.keywords[i + 1 :]]
            if keyword.arg in ("axis", "dim"):
                for value in (0, 1, -1):
                    other = ast.keyword(keyword.arg, ast.Constant(value))
                    yield "another axis", _with(node, keywords=[*node.keywords[:i], other, *node.keywords[i + 1 :]])
            fault = "the global generator" if keyword.arg in ("generator", "rng") else "keyword dropped"
            if keyword.arg:
                yield fault, _with(node, keywords=rest)
        if _name_of(node) in ("std", "var", "stdev", "variance"):
            given = [keyword for keyword in node.keywords if keyword.arg not in ("ddof", "correction", "unbiased")]
            for word in ("ddof", "correction"):
                for value in (0, 1):
                    other = ast.keyword(word, ast.Constant(value))
                    yield "another ddof", _with(node, keywords=[*given, other])


def _calls(node: ast.AST) -> Replacements:
    if isinstance(node, ast.Call):
        fault = "a copy forgotten" if _name_of(node) in COPIES else "call dropped"
        if isinstance(node.func, ast.Attribute):
            yield fault, node.func.value
        if node.args:
            yield fault, node.args[0]
        if len(node.args) == 1 and not node.keywords and _name_of(node) not in ONCE:
            yield "called twice", _with(node, args=[node])
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "called twice", ast.If(ast.Constant(True), [node, node], [])


def _exchanged(node: ast.AST) -> Replacements:
    if isinstance(node, ast.Call) and len(node.args) > 1:
        for i in range(len(node.args) - 1):
            swapped = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
            yield "arguments exchanged", _with(node, args=swapped)
    if isinstance(node, ast.IfExp) or (isinstance(node, ast.If) and node.orelse):
        yield "branches exchanged", _with(node, body=node.orelse, orelse=node.body)
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        yield "values exchanged", _with(node, value=_with(node.value, elts=node.value.elts[::-1]))


def _dropped(node: ast.AST) -> Replacements:
    documentation = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr) and not documentation:
        yield "statement dropped", ast.Pass()
    if isinstance(node, ast.If | ast.For | ast.While):
        yield "block dropped", ast.Pass()


def _loops(node: ast.AST) -> Replacements:
    if isinstance(node, ast.For | ast.While):
        yield "stops after the first round", _with(node, body=[*node.body, ast.Break()])
    if isinstance(node, ast.For | ast.comprehension):
        as_list = _call("list", node.iter)
        for edge, part in (("first", ast.Slice(ast.Constant(1))), ("last", ast.Slice(None, ast.Constant(-1)))):
            yield f"the {edge} round is left out", _with(node, iter=ast.Subscript(as_list, part, ast.Load()))


def _randomness(node: ast.AST) -> Replacements:
    if isinstance(node, ast.Call):
        given = [word.value for word in node.keywords if word.arg in ("generator", "rng")] + list(node.args)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if any(isinstance(value, ast.Name) and value.id == "rng" for value in [*given, owner]):
            yield "one draw for the first axis", _call("_along_first", node)
            yield "one draw for the last axis", _call("_along_last", node)
    if isinstance(node, ast.Name) and node.id == "rng" and isinstance(node.ctx, ast.Load):
        yield "the generator begins anew", _call("_from_its_seed", node)
        yield "a generator of its own", _call("_seeded_anew", node)


def _answers(node: ast.AST) -> Replacements:
    if isinstance(node, ast.Return) and node.value is not None:
        yield "rounded", _with(node, value=_call("_rounded", node.value))
        yield "a list for an array", _with(node, value=_call("_as_list", node.value))


def _arguments(node: ast.AST) -> Replacements:
    if isinstance(node, ast.FunctionDef):
        for argument in node.args.args:
            if argument.arg != "rng":
                first = _call("_first_seen", ast.Constant(argument.arg), ast.Name(argument.arg, ast.Load()))
                frozen = ast.Assign([ast.Name(argument.arg, ast.Store())], first)
                yield "an argument ignored", _with(node, body=[frozen, *node.body])


RULES: tuple[Callable[[ast.AST], Replacements], ...] = (
    *(_arithmetic, _comparison, _condition, _constant, _bounds, _axis, _calls, _exchanged, _dropped, _loops),
    *(_randomness, _answers, _arguments),
)
