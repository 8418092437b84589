"""What goes wrong before an answer can be judged, in words: an exception, a stub, a function that can't be called."""

import inspect
import linecache
import sysconfig
import traceback
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

__all__ = ["file_of", "misfit", "mishap", "unwritten"]

_PACKAGES = Path(__file__).parents[2]  # src/, or site-packages: coursekit and what stands beside it
_LIBRARIES = [_PACKAGES, *{Path(sysconfig.get_paths()[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib")}]
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


def file_of(function: Any) -> Path | None:
    """The file that a function was written in; None if it is no Python function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return Path(code.co_filename) if code else None


def _students(error: BaseException, ours: Collection[Path]) -> list[traceback.FrameSummary]:
    """The frames of an exception that the student wrote: in no library, in none of our folders, not built in."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(("<frozen", "<__array_function__"))
        and not frame.filename.endswith(".pyx")  # compiled Cython tells lines of a source that isn't there
        and not any(Path(frame.filename).is_relative_to(folder) for folder in [*_LIBRARIES, *ours])
    ]


def unwritten(error: NotImplementedError, name: str, ours: Collection[Path] = ()) -> str | None:
    """What a stub says, at whatever depth it was reached; None if a library raised the error, not a stub.

    `ours` are the folders of the course's own modules, which are no student's work.
    """
    frames, all_frames = _students(error, ours), traceback.extract_tb(error.__traceback__)
    if not frames or frames[-1] != all_frames[-1]:
        return None
    message = str(error).removeprefix("Your turn:").strip() or "this function is still to be written."
    inner = frames[-1].name
    if inner == name:
        return message
    return f"your function calls {inner}, which is still to be written: {message}"


def mishap(error: BaseException, ours: Collection[Path] = ()) -> str:
    """An exception in a student's code in one or two sentences: type, message, line, advice."""
    frames = _students(error, ours)
    what = (f"{type(error).__name__}: {error}" if str(error) else type(error).__name__).rstrip(".")
    if not frames:
        return f"the check could not work with what you gave ({what}). Is it the kind of thing that is asked for?"
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip()
    where = f"line {frames[-1].lineno} of its cell" + (f" (`{line}`)" if line else "")
    advice = next((text for kind, text in _ADVICE.items() if isinstance(error, kind)), "")
    return f"your code stopped in {where} with {what}. {advice}".strip()


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
