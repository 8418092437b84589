"""The process in which a student's notebook runs: cells in IPython, and functions that are called from outside.

It is started by `sandbox` as a program, in a folder where the package `coursekit` holds nothing but this module,
`peers` and `values`: no checks, no solutions, no expected values. What a notebook imports as `coursekit.labs.labNN` is
made here; its `check` asks the judge outside, and tells nobody the verdict.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

_COURSE = str(Path(__file__).parents[2])


class _Lab(types.ModuleType):
    """What `from coursekit.labs import lab01 as lab` gives; what isn't a check comes from outside."""

    _offers: tuple[str, ...] = ()
    _peer: Any = None

    def check(self, number: Any = None, function: Any = None) -> None:
        if callable(function):
            self._peer.call("check", str(number), function)

    def passed(self, *numbers: Any) -> bool:
        """Cells that show what a right function can do are for students, and nobody keeps their pictures."""
        return bool(self._peer.call("passed", [str(number) for number in numbers]))

    def score(self) -> None:
        return None

    def variant(self, *_: Any) -> None:
        """Whose variant it is, the judge knows."""

    def published(self, _: Any, function: Any) -> Any:
        """Without the student's constant, for pictures: as above."""
        return function

    def __getattr__(self, name: str) -> Any:
        if name not in self._offers:
            raise AttributeError(f"the lab has no {name}")
        value = self._peer.call("offer", name)
        setattr(self, name, value)
        return value


class Notebook:
    """The entries that the judge calls."""

    def __init__(self) -> None:
        self.peer: Any = None
        self.shell: Any = None
        self._names: list[str] = []
        self._versions: dict[str, list[Any]] = {}

    def set_up(self, lab: str, offers: list[str], functions: list[str]) -> None:
        """Make the lab's module, and IPython; `functions` are the names whose every version is remembered."""
        from IPython.core.interactiveshell import InteractiveShell

        labs, module = types.ModuleType("coursekit.labs"), _Lab(f"coursekit.labs.{lab}")
        labs.__path__ = []
        module._offers, module._peer = tuple(offers), self.peer
        setattr(labs, lab, module)
        sys.modules |= {"coursekit.labs": labs, f"coursekit.labs.{lab}": module}
        self.shell = InteractiveShell.instance()
        self.shell.showtraceback = self.shell.showsyntaxtraceback = lambda *_, **__: None
        self.shell.enable_matplotlib = lambda *_, **__: ("agg", "agg")
        self.shell._tee = lambda *_, **__: contextlib.nullcontext()  # it keeps in memory what is printed
        _wait_for_remote_futures(self.peer)
        self.shell.user_ns |= {"exit": _stays, "quit": _stays}
        self._names = functions

    def cell(self, source: str) -> str | None:
        """Run a cell; returns what it raised, in words."""
        result = self.shell.run_cell(source, store_history=False, silent=True)
        error = result.error_before_exec or result.error_in_exec
        for name in self._names:
            value, seen = self.shell.user_ns.get(name), self._versions.setdefault(name, [])
            if callable(value) and not any(value is one for one in seen):
                seen.append(value)
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")
        return None if error is None else _told(error)

    def versions(self, name: str) -> list[Any]:
        """Every function that had this name at the end of a cell, oldest first."""
        return self._versions.get(name, [])[-20:]

    def settle(self, name: str, function: Any) -> None:
        """From now on this is what the name stands for."""
        self.shell.user_ns[name] = function


def _told(error: BaseException) -> str:
    try:
        if isinstance(error, SyntaxError):  # its own words name a file that no student knows
            return f"{type(error).__name__}: {error.msg} (line {error.lineno})"[:500]
        return f"{type(error).__name__}: {error}"[:500]
    except BaseException:
        return type(error).__name__


def _stays(*_: Any) -> None:
    raise RuntimeError("exit() and quit() do nothing while a notebook is graded")


def _wait_for_remote_futures(peer: Any) -> None:
    """Let `as_completed` and `wait` know the futures of an executor that a check has handed over."""
    from concurrent import futures

    from coursekit.grading.remotes import Remote

    known_as_completed, known_wait = futures.as_completed, futures.wait

    def as_completed(fs: Any, timeout: float | None = None) -> Any:
        fs = list(fs)
        if not any(isinstance(future, Remote) for future in fs):
            return known_as_completed(fs, timeout)
        return iter(peer.call("as_completed", fs))

    def wait(fs: Any, timeout: float | None = None, return_when: str = futures.ALL_COMPLETED) -> Any:
        fs = list(fs)
        if not any(isinstance(future, Remote) for future in fs):
            return known_wait(fs, timeout, return_when)
        return futures._base.DoneAndNotDoneFutures(set(peer.call("as_completed", fs)), set())

    futures.as_completed, futures.wait = as_completed, wait


def limit(limits: dict[str, int]) -> None:
    """Limits that the system keeps, where it knows them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for name, value in limits.items():
        if kind := getattr(resource, f"RLIMIT_{name}", None):
            _, hard = resource.getrlimit(kind)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            try:
                resource.setrlimit(kind, (value, value))
            except (ValueError, OSError):
                continue


def main() -> None:
    """Talk with the judge over what were standard input and output; notebooks find these shut."""
    source, sink = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    settings = json.loads(sys.argv[1])
    for folder in ("HOME", "IPYTHONDIR", "MPLCONFIGDIR"):
        os.makedirs(os.environ[folder], exist_ok=True)
    for folder in (settings["work"], settings["shared"]):
        os.makedirs(folder, exist_ok=True)
    os.chdir(settings["work"])
    limit(settings["limits"])
    sys.path[:0] = [_COURSE, *settings["path"]]

    from coursekit.grading.peers import Gone, Peer

    def write(data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[sink.write(view) :]

    notebook = Notebook()
    entries = {name: getattr(notebook, name) for name in ("set_up", "cell", "versions", "settle")}
    notebook.peer = Peer(source.read, write, "s", entries, Path(settings["shared"]))
    sys.path.insert(0, "")
    try:
        notebook.peer.serve()
    except Gone:
        os._exit(0)


if __name__ == "__main__":
    main()
