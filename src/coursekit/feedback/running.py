"""Run a student's function with a time limit."""

import contextvars
import ctypes
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["TooLong", "run_limited"]

_TICK = 0.05  # seconds between two looks at a thread


class TooLong(Exception):  # noqa: N818 - a verdict, not an error
    """The function was still busy after so many seconds of work; `still_busy`: it couldn't be stopped either."""

    def __init__(self, seconds: float, still_busy: bool) -> None:
        super().__init__(f"not finished after {seconds:g} seconds of work")
        self.seconds = seconds
        self.still_busy = still_busy


class _Stop(BaseException):
    """Thrown into a function that runs too long; no `except Exception` catches it."""


def run_limited(work: Callable[[], None], seconds: float) -> None:
    """Call `work()` in a thread of its own; raises what it raises, or TooLong after `seconds` of work.

    What counts is computing: not the waiting for a processor that others keep busy, nor an import, which isn't stopped
    either (half of a module would stay behind). Whatever rests, in a `sleep` say, is stopped after ten times as long.

    A thread works the same in a Jupyter kernel on Linux, macOS and Windows, where signals don't. Its limits: at
    the time limit an exception is thrown into the thread, which ends any loop written in Python, but neither one
    that catches everything (`except:`) nor a single long call into compiled code (a huge matrix product); those
    go on in the background until they end or the kernel is restarted, and a compiled call that holds Python's
    lock delays the verdict until it returns. `input()` and debuggers don't work inside.

    Where no thread can be started, as in a browser, the clock is looked at before each line of Python instead.
    """
    raised: list[BaseException] = []

    def target() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    # The context is copied so that what a function prints goes to the cell that called the check.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(target,), daemon=True)
    try:
        thread.start()
    except RuntimeError:
        _run_here(work, seconds)
        return
    try:
        _wait(thread, seconds)
    finally:  # also when the student presses the stop button
        busy = thread.is_alive()
        if busy:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
            thread.join(1)
    if busy:
        raise TooLong(seconds, thread.is_alive())
    if raised:
        raise raised[0]


def _run_here(work: Callable[[], None], seconds: float) -> None:
    """Call `work()` without a thread; waiting counts, too, and a long call into compiled code isn't stopped."""
    end, before = time.monotonic() + seconds, sys.gettrace()

    def look(frame: FrameType, event: str, arg: object) -> Any:
        if time.monotonic() > end:
            raise _Stop
        return look

    sys.settrace(look)
    try:
        work()
    except _Stop:
        raise TooLong(seconds, still_busy=False) from None
    finally:
        sys.settrace(before)


def _wait(thread: threading.Thread, seconds: float) -> None:
    """Wait until a thread ends, or has worked for so long."""
    worked = waited = 0.0
    cpu, wall = time.process_time(), time.monotonic()
    while worked < seconds and waited < 10 * seconds:
        thread.join(min(_TICK, seconds))
        if not thread.is_alive():
            return
        last_cpu, last_wall = cpu, wall
        cpu, wall = time.process_time(), time.monotonic()
        if not _imports(thread):
            worked += min(cpu - last_cpu, wall - last_wall)  # a matrix product may work on several cores
            waited += wall - last_wall


def _imports(thread: threading.Thread) -> bool:
    """Whether a thread is just importing a module."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
