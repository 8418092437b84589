"""A notebook as the referee reads it: what its code says, what its outputs show, and the record that it carries."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from coursekit.capstone import RECORD, Plan
from coursekit.notebooks import read_notebook

_MAGIC = re.compile(r"(?m)^\s*[%!?].*$")
OPENED = re.compile(r"Test set opened for the \d+\w\w time")
_PAST_THE_SEAL = {"_split", "load_digits", "fetch_openml"}


@dataclass(frozen=True)
class Call:
    """Where a method or class is called: the cell's number, from 1, and the words it is given."""

    cell: int
    node: ast.Call


class Paper:
    """What was handed in.

    Args:
        path: of the notebook. NotebookError if it is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.nb = read_notebook(path)
        self.cells: list[tuple[int, NotebookNode]] = list(enumerate(self.nb.cells, start=1))
        self.code = [(n, cell) for n, cell in self.cells if cell.cell_type == "code" and cell.source.strip()]

    @cached_property
    def trees(self) -> dict[int, ast.Module]:
        """The code of each cell that Python can read."""
        trees = {}
        for n, cell in self.code:
            try:
                trees[n] = ast.parse(_MAGIC.sub("pass", cell.source))
            except SyntaxError:
                continue
        return trees

    def calls(self, *names: str) -> list[Call]:
        """Where something of these names is called, as f(...) or x.f(...)."""
        return [
            Call(n, node)
            for n, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and _name(node.func) in names
        ]

    @cached_property
    def openings(self) -> list[int]:
        """Cells whose code opens a test set: x.test.open(...), vault.open(...), study.open_test(...)."""
        opens = [call for call in self.calls("open") if re.search("test|vault", ast.unparse(call.node.func).lower())]
        return sorted(call.cell for call in [*opens, *self.calls("open_test")])

    @cached_property
    def shown_openings(self) -> list[int]:
        """Cells whose output says that a test set was opened, once for each time."""
        return [n for n, cell in self.code for _ in OPENED.findall(" ".join(texts(cell)))]

    @cached_property
    def past_the_seal(self) -> list[tuple[int, str]]:
        """Cells that take data from behind the test set's seal, and by what name."""
        found = []
        for n, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute | ast.Name) and (name := _name(node)) in _PAST_THE_SEAL:
                    found.append((n, name))
                if isinstance(node, ast.keyword) and node.arg == "train" and ast.unparse(node.value) == "False":
                    found.append((n, "train=False"))
        return found

    @cached_property
    def record(self) -> dict[str, Any] | None:
        """The last record among the outputs, if there is one that holds together."""
        return record_of(self.nb)

    @cached_property
    def record_cell(self) -> int | None:
        """The cell that carries it."""
        with_record = [n for n, cell in self.code if any(RECORD in o.get("data", {}) for o in cell.outputs)]
        return with_record[-1] if with_record else None

    @cached_property
    def constants(self) -> dict[str, Any]:
        """Names at the top of cells that stand for one plain value throughout."""
        values: dict[str, list[Any]] = {}
        for tree in self.trees.values():
            for node in tree.body:
                if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                    values.setdefault(node.targets[0].id, []).append(node.value)
        plain = {}
        for name, found in values.items():
            try:
                (plain[name],) = (_literal(node, {}) for node in found)
            except ValueError:
                continue
        return plain

    def plan(self, call: Call) -> tuple[Plan | None, str | None]:
        """The plan that a `Study(...)` in the code states, and its lock; None for what isn't plainly written there."""
        words: dict[str, Any] = {}
        for word in call.node.keywords:
            try:
                words[word.arg or ""] = _literal(word.value, self.constants)
            except ValueError:
                words[word.arg or ""] = None
        lock = words.pop("lock", "")
        try:
            return (None if call.node.args or None in words.values() else Plan.of(**words)), lock
        except (TypeError, ValueError):
            return None, lock

    def first_committed(self, lock: str) -> tuple[str, bool] | None:
        """The commit that brought a lock into this notebook's history, and whether there were results in it already.

        None where there is no such commit, or where the history begins with it: what came before it, nobody sees.
        """
        folder, name = self.path.resolve().parent, self.path.name
        try:
            log = _git(folder, "log", "--reverse", "--format=%H", f"-S{lock}", "--", name).split()
            if not log or len(_git(folder, "rev-list", "--parents", "-1", log[0]).split()) < 2:
                return None
            then = nbformat.reads(_git(folder, "show", f"{log[0]}:./{name}"), as_version=4)
        except (OSError, subprocess.SubprocessError, nbformat.reader.NotJSONError):
            return None
        record = record_of(then)
        return log[0][:10], bool(record and record["rows"])


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, timeout=30, check=True)
    return done.stdout.decode("utf-8", "replace")


def record_of(nb: NotebookNode) -> dict[str, Any] | None:
    """The last record among a notebook's outputs."""
    outputs = [output for cell in nb.cells for output in cell.get("outputs", [])]
    records = [output["data"][RECORD] for output in outputs if RECORD in output.get("data", {})]
    keys = {"plan", "lock", "rows", "events", "openings", "cells"}
    return records[-1] if records and isinstance(records[-1], dict) and keys <= records[-1].keys() else None


def texts(cell: NotebookNode) -> Iterator[str]:
    """What a cell's outputs say in words."""
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        for kind, content in output.get("data", {}).items():
            if kind.startswith("text/") or kind.endswith("record/text/plain"):
                text = content if isinstance(content, str) else "".join(content)
                yield re.sub(r"<(style|script|svg)\b.*?</\1>|<[^>]+>", " ", text, flags=re.DOTALL)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _literal(node: ast.expr, known: dict[str, Any]) -> Any:
    """The value of a plain expression: a literal, a known name, range(...), list(...), tuple(...)."""
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.Call) and _name(node.func) in ("range", "list", "tuple") and not node.keywords:
        kinds: dict[str, Any] = {"range": range, "list": list, "tuple": tuple}
        try:
            return kinds[_name(node.func)](*(_literal(word, known) for word in node.args))
        except TypeError:
            raise ValueError("no plain value") from None
    return ast.literal_eval(node)
