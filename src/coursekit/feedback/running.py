"""Run a student's function: with a time limit, on copies, and with its exceptions told in words."""

import contextvars
import copy
import ctypes
import inspect
import linecache
import sysconfig
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Student", "TooLong", "TryAgain", "mishap", "run_limited", "unwritten"]

_PACKAGES = Path(__file__).parents[2]  # src/, or site-packages: coursekit and what stands beside it
_LIBRARIES = [*{Path(sysconfig.get_paths()[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib")}]
_ADVICE: dict[type[BaseException], str] = {
    UnboundLocalError: "A variable is read before it has a value: set it first, in every branch.",
    NameError: "Is the name spelled right, and did you run the cell that defines it?",
    TypeError: "Look at the number and the kind of the values that this line works on.",
    IndexError: "Print the length or the shape next to the index: counting starts at 0.",
    KeyError: "Print the keys that are there.",
    AttributeError: "Print type(...) of the thing before the dot: is it what you think it is?",
    ZeroDivisionError: "Something on this line is 0: print it.",
    ValueError: "Print the shapes of the arrays on this line: do they fit together?",
    RecursionError: "Your function calls itself without end.",
    MemoryError: "The array is too large: print its shape before you make it.",
    ImportError: "Only the packages that the first cell imports are needed.",
    AssertionError: "An assert of your own failed here.",
    SystemExit: "Leave with `return`: exit() and quit() stop the whole notebook.",
}


class TryAgain(Exception):  # noqa: N818 - a verdict, not an error
    """Raised by a check: the message tells the student what is wrong and what to look at."""


class TooLong(Exception):  # noqa: N818
    """The function was still busy at the time limit; `still_busy` says that it couldn't be stopped either."""

    def __init__(self, seconds: float, still_busy: bool) -> None:
        super().__init__(f"not finished after {seconds:g} seconds")
        self.seconds = seconds
        self.still_busy = still_busy


class _Stop(BaseException):
    """Thrown into a function that runs too long; no `except Exception` catches it."""


def run_limited(work: Callable[[], None], seconds: float) -> None:
    """Call `work()` in a thread of its own; raises what it raises, or TooLong after `seconds`.

    A thread works the same in a Jupyter kernel on Linux, macOS and Windows, where signals don't. Its limits: at
    the time limit an exception is thrown into the thread, which ends any loop written in Python, but neither one
    that catches everything (`except:`) nor a single long call into compiled code (a huge matrix product); those
    go on in the background until they end or the kernel is restarted, and a compiled call that holds Python's
    lock delays the verdict until it returns. `input()` and debuggers don't work inside.
    """
    raised: list[BaseException] = []

    def target() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    # The context is copied so that what a function prints goes to the cell that called the check.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(target,), daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:  # also when the student presses the stop button
        busy = thread.is_alive()
        if busy:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
            thread.join(1)
    if busy:
        raise TooLong(seconds, thread.is_alive())
    if raised:
        raise raised[0]


def _is_students(filename: str) -> bool:
    """Whether a frame's file was written by the student: not a library's, not ours, not built in."""
    if filename.startswith(("<frozen", "<__array_function__")):
        return False
    path = Path(filename)
    return not any(path.is_relative_to(folder) for folder in [_PACKAGES, *_LIBRARIES])


def unwritten(error: NotImplementedError, name: str) -> str | None:
    """What a stub says, at whatever depth it was reached; None if a library raised the error, not a stub."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not _is_students(frames[-1].filename):
        return None
    message = str(error).removeprefix("Your turn:").strip() or "this function is still to be written."
    inner = frames[-1].name
    if inner == name:
        return message
    return f"your function calls {inner}, which is still to be written: {message}"


def mishap(error: BaseException) -> str:
    """An exception in a student's code in one or two sentences: type, message, line, advice."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_students(f.filename)]
    what = (f"{type(error).__name__}: {error}" if str(error) else type(error).__name__).rstrip(".")
    if not frames:
        return f"the check could not work with what you gave ({what}). Is it the kind of thing that is asked for?"
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip()
    where = f"line {frames[-1].lineno} of its cell" + (f" (`{line}`)" if line else "")
    advice = next((text for kind, text in _ADVICE.items() if isinstance(error, kind)), "")
    return f"your code stopped in {where} with {what}. {advice}".strip()


def _copy(value: Any) -> Any:
    """A copy of what holds numbers; everything else (functions, random generators) is passed on as it is."""
    if hasattr(value, "detach"):  # a torch tensor; labs in NumPy never import torch
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray | list | dict | set):
        return copy.deepcopy(value)
    return value


def _same(before: Any, after: Any) -> bool:
    if hasattr(before, "detach"):
        before, after = before.detach().cpu().numpy(), after.detach().cpu().numpy()
    if isinstance(before, np.ndarray):
        return before.shape == after.shape and np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
    return bool(before == after) if isinstance(before, list | dict | set) else True


class Student:
    """A student's function, safe to call from a check.

    Calling it passes copies of the arguments, and raises TryAgain when the function returns None or has changed
    an argument in place. Functions and random generators are passed on as they are.
    """

    def __init__(self, function: Callable[..., Any], parameters: list[str]) -> None:
        self._function = function
        self.parameters = parameters

    def in_place(self, *args: Any) -> Any:
        """Call the function on the arguments themselves, where the exercise asks it to change them."""
        return self._function(*args)

    def __call__(self, *args: Any) -> Any:
        given = [_copy(value) for value in args]
        answer = self._function(*given)
        if answer is None:
            raise TryAgain("your function returned None: did you forget `return`?")
        for name, before, after in zip(self.parameters, args, given, strict=True):
            if not _same(before, after):
                copy_of = f"{name}.clone()" if hasattr(before, "detach") else f"{name}.copy()"
                raise TryAgain(
                    f"your function changed its input `{name}` in place, so whoever called it now has other data. "
                    f"Work on a copy: `{name} = {copy_of}`, and write `a = a + b` where you have `a += b`."
                )
        return answer


def misfit(function: Callable[..., Any], name: str, parameters: list[str]) -> str | None:
    """Why a function can't be called as the exercise calls it, in words; None if it can."""
    wanted = f"{name}({', '.join(parameters)})"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C don't tell
        return None
    given = f"{getattr(function, '__name__', 'yours')}{signature}"
    try:
        signature.bind(*parameters)
    except TypeError:
        return f"this exercise calls {wanted}, but you gave {given}. Keep the first line of the function as it was."
    own = list(signature.parameters)
    if own != parameters and sorted(own) == sorted(parameters):
        return f"the arguments stand in another order: this exercise calls {wanted}, but you gave {given}."
    return None
