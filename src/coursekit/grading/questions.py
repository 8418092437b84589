"""What an instructor may want to ask a student about: code that no exercise needs, and that a forger would.

A list of places, not a verdict: no mark depends on it. It is read from the source alone (`ast`), so it misses what is
hidden well, and finds what is harmless; walls (`sandbox`), not this list, keep students' code apart.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

__all__ = ["questions"]

_MOST = 5  # of one notebook: whoever asks after five places will look at the rest, too
_MODULES = {
    *(
        "atexit",
        "builtins",
        "cffi",
        "cloudpickle",
        "code",
        "ctypes",
        "dill",
        "dis",
        "evidence",
        "faulthandler",
        "fcntl",
    ),
    *("ftplib", "gc", "http", "httpx", "imaplib", "importlib", "inspect", "marshal", "mmap", "os", "pickle", "pkgutil"),
    *("poplib", "psutil", "pty", "requests", "resource", "runpy", "shelve", "shutil", "signal", "site", "smtplib"),
    *("socket", "socketserver", "ssl", "subprocess", "telnetlib", "trace", "urllib", "urllib3", "webbrowser"),
}
_CALLS = {"eval", "exec", "compile", "__import__", "get_ipython", "globals", "breakpoint"}
_ATTRIBUTES = {
    *("__bases__", "__builtins__", "__class__", "__closure__", "__code__", "__func__", "__globals__", "__loader__"),
    *(
        "__mro__",
        "__reduce__",
        "__self__",
        "__subclasses__",
        "__wrapped__",
        "_ask_peer",
        "_getframe",
        "_peer",
        "f_back",
    ),
    *("f_builtins", "f_globals", "f_locals", "gi_frame", "modules", "setprofile", "settrace", "tb_frame"),
}
_METHODS = {
    *("__array__", "__array_function__", "__array_ufunc__", "__array_interface__", "__bool__", "__eq__", "__float__"),
    *("__getattribute__", "__index__", "__instancecheck__", "__ne__", "__reduce__", "__reduce_ex__", "__setstate__"),
    *("__torch_function__",),
}
_PLACES = re.compile(
    r"/proc\b|/etc/|/root\b|/home/|\.\./|^~|solutions/|gradebook|\.ssh\b|coursekit[./](?:labs|feedback|grading)"
)
_HARMLESS_MAGICS = {"matplotlib", "time", "timeit", "config", "load_ext", "autoreload", "precision"}


def questions(cells: Iterable[tuple[int, str]], handed_out: Iterable[str]) -> list[str]:
    """Places to ask about, as "cell 4: import socket"; each thing once.

    Args:
        cells: (place, source) of the code cells of a hand-in.
        handed_out: sources of code cells as they were handed out, which aren't looked at.
    """
    known = {source.strip() for source in handed_out}
    found: dict[str, int] = {}
    for place, source in cells:
        if source.strip() not in known:
            for what in _found(source):
                found.setdefault(" ".join(what.split())[:80], place)
    told = [f"cell {place + 1}: {what}" for what, place in found.items()]
    more = len(told) - _MOST
    return [*told[:_MOST], *([f"{more} more"] if more > 0 else [])]


def _found(source: str) -> Iterator[str]:
    tree = _parsed(source)
    if tree is None:  # what Python can't read isn't run either
        return
    imported = {"lab", "np", "torch"}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                imported |= {(one.asname or one.name).split(".")[0] for one in names}
                yield from (f"import {one.name}" for one in names if _is_odd(one.name))
            case ast.ImportFrom(module=module, names=names):
                for one in names:
                    if _is_odd(module or ".", one.name):
                        yield f"from {module} import {one.name}"
            case ast.Call(func=ast.Name(id="open"), args=[first, *_]):
                yield f"open({ast.unparse(first)})"
            case ast.Call(func=ast.Attribute(attr="run_line_magic"), args=[ast.Constant(value=str(magic)), *_]):
                if magic not in _HARMLESS_MAGICS:
                    yield f"%{magic}"
            case ast.Call(func=ast.Attribute(attr="system" | "getoutput" | "run_cell_magic" as name)):
                yield f"{name}: {', '.join(map(ast.unparse, node.args))}"
            case ast.Call(func=ast.Name(id=name)) if name in _CALLS and not _is_magic(name, source):
                yield f"{name}({', '.join(map(ast.unparse, node.args))})"
            case ast.Call(func=ast.Name(id="getattr" | "setattr" | "delattr"), args=[_, name, *_]):
                if not isinstance(name, ast.Constant) or str(name.value).startswith("_"):
                    yield ast.unparse(node)
            case ast.Attribute(attr=name) if name in _ATTRIBUTES:
                yield ast.unparse(node)
            case ast.Name(id="__builtins__" | "__loader__" as name):
                yield name
            case ast.Constant(value=str(text)) if len(text) < 500 and _PLACES.search(text):
                yield f"the text {text!r}"
            case ast.ClassDef(name=name, body=body):
                odd = {part.name for part in body if isinstance(part, ast.FunctionDef)} | {
                    target.id
                    for part in body
                    if isinstance(part, ast.Assign)
                    for target in part.targets
                    if isinstance(target, ast.Name)
                }
                yield from (f"class {name} with {method}" for method in sorted(odd & _METHODS))
            case ast.For() | ast.While():
                if any(isinstance(n, ast.Attribute) and ast.unparse(n) == "lab.check" for n in ast.walk(node)):
                    yield "lab.check in a loop"
    for node in ast.walk(tree):  # once it is known what was imported
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
        for target in targets:
            owner = target
            while isinstance(owner, ast.Attribute):
                owner = owner.value
            if isinstance(target, ast.Attribute) and isinstance(owner, ast.Name) and owner.id in imported:
                yield f"{ast.unparse(target)} = ..."


def _parsed(source: str) -> ast.Module | None:
    from IPython.core.inputtransformer2 import TransformerManager

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(TransformerManager().transform_cell(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _is_magic(name: str, source: str) -> bool:
    """Whether a call was made of a magic, which is told as what it is."""
    return name == "get_ipython" and "get_ipython" not in source


def _is_odd(module: str, name: str = "") -> bool:
    package, _, rest = module.partition(".")
    if package == "coursekit":
        return not (module == "coursekit.labs" and re.fullmatch(r"lab\d\d", name))
    return package in _MODULES and (module, name) not in {("inspect", "signature")} and rest != "path"
