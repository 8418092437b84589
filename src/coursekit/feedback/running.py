"""Run a student's function with a time limit."""

import contextvars
import ctypes
import threading
from collections.abc import Callable

__all__ = ["TooLong", "run_limited"]


class TooLong(Exception):  # noqa: N818 - a verdict, not an error
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
