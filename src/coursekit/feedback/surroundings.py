"""The notebook around a check: cells that fail, functions that print without end, and words in colour."""

import os
import re
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Lost", "cut_output", "mute_libraries", "say", "watch_cells"]

N_LINES = 50  # of what a student's functions print while one check runs
WIDTH = 96  # characters
COLOURS = {"PASS": 32, "TRY AGAIN": 31, "YOUR TURN": 34, "TO BE READ": 34}  # ANSI: green, red, blue


class Lost:
    """What stands in place of a function when the cell that should define it has failed."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise NameError(f"the cell that defines {self.name} failed when it was run last: mend it and run it again")


def watch_cells(names: Callable[[], Iterator[str]], lose: Callable[[str], None]) -> None:
    """In a notebook, see to it that no older version of a function outlives a cell that fails to define it anew.

    Args:
        names: of the functions, asked after each cell.
        lose: is told the name of a function that is lost.
    """
    shell = _shell()
    if shell is None:
        return
    before: dict[str, Any] = {}

    def remember(*_: Any) -> None:
        before.clear()
        before.update({name: shell.user_ns.get(name) for name in names()})

    def compare(result: Any) -> None:
        if not result.success:
            for name in re.findall(r"^def +(\w+) *\(", result.info.raw_cell or "", re.MULTILINE):
                if before.get(name) is not None and shell.user_ns.get(name) is before[name]:
                    shell.user_ns[name] = Lost(name)
                    lose(name)

    shell.events.register("pre_run_cell", remember)
    shell.events.register("post_run_cell", compare)


def _shell() -> Any:
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def say(status: str, number: str = "", text: str = "") -> None:
    """Print a status and its text as a paragraph of readable lines, in ASCII, so that no console chokes on it.

    In a notebook the status has a colour. Code in backticks stays on one line if it is short enough for one.
    """
    head = f"{status} {number}".strip()
    whole = f"{head}{text}".encode("ascii", "backslashreplace").decode("ascii")
    held = re.sub(r"`[^`]*`", lambda code: code[0].replace(" ", "\0"), whole)
    filled = textwrap.fill(held, width=WIDTH, break_long_words=False, break_on_hyphens=False).replace("\0", " ")
    shell = _shell()
    if shell is not None and hasattr(shell, "kernel") and status in COLOURS:
        filled = f"\x1b[1;{COLOURS[status]}m{head}\x1b[0m{filled.removeprefix(head)}"
    print(filled)


class _Cut:
    """A stream that lets the first lines through, all once it is `open`, and of `muted` threads nothing any more."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._n_lines = stream, 0
        self.open, self.muted = False, set[threading.Thread]()

    def write(self, text: str) -> int:
        thread = threading.current_thread()
        if self.open and thread not in self.muted:
            self._stream.write(text)
        elif thread not in self.muted and self._n_lines < N_LINES:
            lines = text.splitlines(keepends=True)[: N_LINES - self._n_lines]
            self._n_lines += sum(line.endswith("\n") for line in lines) + len(text) // 2000
            self._stream.write("".join(lines)[:2000])
            if self._n_lines >= N_LINES:
                self._stream.write(f"(What your function prints is cut here, after {N_LINES} lines.)\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def cut_output() -> Iterator[None]:
    """Let a few lines be printed; a function that prints without end would freeze the page.

    What a thread prints that can't be stopped is lost from then on, and `sys.stdout` stays behind this filter.
    """
    stream, before = sys.stdout, set(threading.enumerate())
    cut = sys.stdout = _Cut(stream)
    try:
        yield
    finally:
        cut.open, cut.muted = True, set(threading.enumerate()) - before
        if not cut.muted:
            sys.stdout = stream


@contextmanager
def mute_libraries() -> Iterator[None]:
    """Nothing is seen of what compiled code writes past `sys.stdout`, as LAPACK does about a matrix that holds NaN."""
    try:
        kept = {stream: os.dup(stream) for stream in (1, 2)}
    except OSError:  # there are none in a browser
        yield
        return
    try:
        with open(os.devnull, "w") as nothing:
            for stream in kept:
                os.dup2(nothing.fileno(), stream)
        yield
    finally:
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
