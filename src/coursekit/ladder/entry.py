"""A newcomer's file: what is refused at sight, and what runs beside it in its process.

The look at the source only makes refusals friendly. What holds is where the file runs: behind the walls that
`coursekit.grading.sandbox` makes no image and no label is to be had, so no gradient of the score can be computed.
"""

from __future__ import annotations

import ast
from pathlib import Path

_MOST_BYTES = 20_000
"""A file that is longer could carry trained weights: the network has 50,890."""

_GRADIENT = {
    *("backward", "requires_grad", "requires_grad_", "autograd", "enable_grad", "set_grad_enabled", "functorch"),
    *("vjp", "jvp", "jacrev", "jacfwd", "grad_and_value", "value_and_grad"),
}
_MODULES = {
    **dict.fromkeys(("jax", "tensorflow", "autograd", "functorch"), "computes gradients"),
    **dict.fromkeys(("torchvision", "neuroevo.data", "sklearn.datasets", "tensorflow_datasets"), "reads data"),
}

BESIDE = """
import torch as _torch, torch.optim, torch.func

_torch.set_num_threads(1)
_torch.set_grad_enabled(False)


def _refuse(*_, **__):
    raise RuntimeError("autograd is switched off on the ladder")


class _Off(_torch.set_grad_enabled):
    def __init__(self, mode):
        _refuse() if mode else super().__init__(mode)


_torch.set_grad_enabled = _torch.autograd.set_grad_enabled = _torch.autograd.grad_mode.set_grad_enabled = _Off
_torch.enable_grad = _torch.autograd.enable_grad = _torch.autograd.grad_mode.enable_grad = _refuse
_torch.Tensor.backward = _torch.Tensor.requires_grad_ = _refuse
_torch.autograd.backward = _torch.autograd.grad = _torch.autograd.graph._engine_run_backward = _refuse
for _name in ("grad", "grad_and_value", "vjp", "jvp", "jacrev", "jacfwd", "linearize", "hessian"):
    setattr(_torch.func, _name, _refuse)
"""
"""Runs before the newcomer's file, in its process."""

START = """
_strategy = Strategy({n_params}, _torch.Generator().manual_seed({seed}))


def ask():
    return _torch.as_tensor(_strategy.ask()).detach()


def tell(fitness):
    _strategy.tell(_torch.as_tensor(fitness))


def best():
    found = getattr(_strategy, "best", None)
    found = found() if callable(found) else found
    return None if found is None else _torch.as_tensor(found).detach()


def images_per_class():
    return int(getattr(_strategy, "images_per_class", 20))
"""
"""Runs after it."""


def read(path: Path) -> str:
    """The source of a newcomer. OSError if it can't be read; ValueError says what is refused, and in which line."""
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"the file has {path.stat().st_size:,} bytes; {_MOST_BYTES:,} are enough for a strategy")
    source = path.read_text("utf-8")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.msg}") from None
    for node in ast.walk(tree):
        if told := _fault(node):
            raise ValueError(f"line {getattr(node, 'lineno', '?')}: {told}")
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Strategy"]
    if not classes:
        raise ValueError("there is no class Strategy at the top of the file")
    methods = {node.name for node in classes[-1].body if isinstance(node, ast.FunctionDef)}
    missing = sorted({"ask", "tell"} - methods)
    if missing and not classes[-1].bases:
        raise ValueError(f"class Strategy has no {' and no '.join(missing)}")
    return source


def _fault(node: ast.AST) -> str:
    modules: list[str] = []
    if isinstance(node, ast.Import):
        modules = [name.name for name in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        modules = [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
    for module in modules:
        for refused, does in _MODULES.items():
            if module == refused or module.startswith(refused + "."):
                return f"imports {refused}, which {does}: a strategy has the scores that it is told, nothing else"
    names = {getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "arg", None)}
    if isinstance(node, ast.ImportFrom):
        names |= {name.name for name in node.names}
    if isinstance(node, ast.Import):
        names |= {part for name in node.names for part in name.name.split(".")}
    if isinstance(node, ast.Attribute | ast.Name | ast.keyword | ast.Import | ast.ImportFrom) and names & _GRADIENT:
        return f"uses {(names & _GRADIENT).pop()}: the ladder is climbed without autograd"
    return ""
