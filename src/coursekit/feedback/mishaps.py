"""What goes wrong before an answer can be judged, in words: an exception, a stub, a function that can't be called."""

import contextlib
import dis
import inspect
import linecache
import sysconfig
import traceback
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from coursekit.feedback.causes import cause, names_read
from coursekit.feedback.copies import as_array
from coursekit.feedback.reading import brief, outward, shortened

__all__ = [
    "file_of",
    "is_students",
    "line_of",
    "misfit",
    "mishap",
    "round_after_round",
    "unwritten",
    "where_it_stopped",
]

MOST = 400  # characters of a hint
_ROUNDS = 50  # calls of one function inside each other that may be those without end
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
    ValueError: "Print what this line works on: is it what you think it is, and of the shape that you think?",
    RecursionError: "Here a function calls itself, or one that calls it, without end.",
    MemoryError: "The array is too large: print its shape before you make it.",
    ImportError: "Only the packages that the first cell imports are needed.",
    AssertionError: "An assert of your own failed here.",
    SystemExit: "Leave with `return`: exit() and quit() stop the whole notebook.",
}


def file_of(function: Any) -> Path | None:
    """The file that a function was written in; None if it is no Python function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return Path(code.co_filename) if code else None


def is_students(filename: str, ours: Collection[Path] = ()) -> bool:
    """Whether the student wrote this file: it is in no library, in none of our folders, and not built in."""
    return (
        not filename.startswith(("<frozen", "<__array_function__"))
        and not filename.endswith((".pyx", ".pxi", ".pxd"))  # Cython tells lines of a source that isn't there
        and not any(Path(filename).is_relative_to(folder) for folder in [*_LIBRARIES, *ours])
    )


def _frames(error: BaseException, ours: Collection[Path]) -> list[tuple[FrameType, int, int]]:
    """The student's frames of an exception, each with its line and with where in its code it stopped."""
    steps, tb = [], error.__traceback__
    while tb is not None:
        steps.append((tb.tb_frame, tb.tb_lineno, tb.tb_lasti))
        tb = tb.tb_next
    steps = [step for step in steps if is_students(step[0].f_code.co_filename, ours)]
    if isinstance(error, RecursionError):  # where it stopped is chance: what counts is the call that goes round
        times = Counter(frame.f_code for frame, _, _ in steps)
        round_ = [i for i, (frame, _, _) in enumerate(steps) if times[frame.f_code] >= _ROUNDS]
        return steps[: round_[-1]] if round_ else steps
    return steps


def round_after_round(error: RecursionError) -> list[Any]:
    """What a function that calls itself without end got as its first argument, in its last calls."""
    frames = [frame for frame, _, _ in _frames(error, ())]
    code = next((frame.f_code for frame in reversed(frames) if not frame.f_code.co_name.startswith("<")), None)
    named = [frame.f_locals for frame in frames if frame.f_code is code]
    return [held.get(code.co_varnames[0]) for held in named[-4:]] if code and code.co_argcount else []


def _called_in(frames: list[tuple[FrameType, int, int]]) -> int:
    """The student's line that called the function that stopped; 0 if none did, or the function itself."""
    i = len(frames) - 1
    # A comprehension has a frame of its own until Python 3.12, a generator expression in all.
    while i > 0 and frames[i][0].f_code.co_name.endswith(("comp>", "<genexpr>")):
        i -= 1
    frame, caller = frames[i][0], frames[i - 1][0] if i > 0 else None
    own = frame.f_code.co_name.startswith("<") or caller is None or frame.f_code is caller.f_code
    return 0 if own or frame.f_back is not caller else frames[i - 1][1]


def _values(frame: FrameType, last: int) -> str:
    """What the names hold that stand in the expression that stopped; empty if none of them holds data."""
    held = {}
    for name in names_read(frame.f_code, last):
        for scope in (frame.f_locals, frame.f_globals):
            if name in scope:
                with contextlib.suppress(Exception):  # a value may refuse to be looked at, as tensors inside vmap do
                    if text := brief(scope[name]):
                        held[name] = f"has the shape {as_array(scope[name]).shape}" if "shape" in text else f"is {text}"
                break
    return ", ".join(f"`{name}` {text}" for name, text in list(held.items())[:4])


def unwritten(error: NotImplementedError, name: str, ours: Collection[Path] = ()) -> str | None:
    """What a stub says, at whatever depth it was reached; None if a library raised the error (PyTorch's compiled code
    does), not a stub.

    `ours` are the folders of the course's own modules, which are no student's work.
    """
    frames = _frames(error, ours)
    if not frames or frames[-1][0] is not [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1]:
        return None
    frame, _, last = frames[-1]
    if not any(one.offset == last and one.opname == "RAISE_VARARGS" for one in dis.get_instructions(frame.f_code)):
        return None
    message = str(error).removeprefix("Your turn:").strip() or "this function is still to be written."
    inner = frames[-1][0].f_code.co_name
    if inner == name:
        return message
    return f"your function calls {inner}, which is still to be written: {message}"


def mishap(error: BaseException, ours: Collection[Path] = ()) -> tuple[str, bool]:
    """An exception in a student's code in a few sentences, and whether they name the fault.

    Type, message and line, and then what the exception shows, the values there, or advice.
    """
    frames, kind, text = _frames(error, ours), type(error).__name__, outward(str(error))
    text = text.partition(", but expected one of")[0]  # PyTorch lists each way of calling a function, and it is cut
    text = text.rstrip(". ")
    what, short = (f"{kind}: {shortened(text, most)}" if text else kind for most in (160, 60))
    if not frames:
        return (
            f"the check could not work with what you gave ({what}). Is it the kind of thing that is asked for?",
            False,
        )
    frame, lineno, last = frames[-1]
    where, there = where_it_stopped(error, ours)
    advice = next((text for kind, text in _ADVICE.items() if isinstance(error, kind)), "")
    raised_there = frame is [one for one, _ in traceback.walk_tb(error.__traceback__)][-1]
    shown = cause(error, frame, last, raised_there, _called_in(frames))
    if "`" in shown or isinstance(error, NameError | SystemExit | RecursionError):
        there = ""  # a cause that names values has told them, and here they tell nothing
    told = f"{shown} {there}".strip() or advice
    if raised_there and not isinstance(error, AssertionError) and _is_a_raise(frame, lineno, last):
        told = shown = _of_a_raise(frame)
    hint = ""
    for message, rest in ((what, told), (short, told), (short, shown or there or advice)):
        hint = f"your code stopped in {where} with {message}{'' if message.endswith('...') else '.'} {rest}".strip()
        if len(hint) <= MOST:
            break
    return hint, bool(shown)


def _is_a_raise(frame: FrameType, lineno: int, last: int) -> bool:
    """Whether the instruction that stopped raises an exception of the student's own; one that passes on another's has
    no argument."""
    stopped = next((one for one in dis.get_instructions(frame.f_code) if one.offset == last), None)
    written = "raise" in linecache.getline(frame.f_code.co_filename, lineno)  # not in a copy of a frame, for grading
    return written and stopped is not None and stopped.opname == "RAISE_VARARGS" and bool(stopped.arg)


def _of_a_raise(frame: FrameType) -> str:
    """What came in where a student's function complains of inputs that are right."""
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    given = {name: brief(frame.f_locals[name]) for name in names if name in frame.f_locals}
    told = ", ".join(f"`{name}` is {text}" for name, text in given.items() if text and "shape" not in text)
    said = "Your own `raise` stops it, though what your function was given is right: when is it to be reached?"
    return said + (f" Here, {told}." if told else "")


def where_it_stopped(error: BaseException, ours: Collection[Path] = ()) -> tuple[str, str]:
    """The student's line in which an exception was raised, and the values of the names there; both may be empty."""
    frames = _frames(error, ours)
    if not frames:
        return "", ""
    frame, number, last = frames[-1]
    values = _values(frame, last)
    where = line_of(frame.f_code, number, frames[0][0].f_code)
    called = _called_in(frames)
    if called and not isinstance(error, RecursionError):  # which calls itself
        where += f", called in line {called}"
    return where, f"There, {values}." if values else ""


def line_of(code: CodeType, number: int, called: CodeType | None = None) -> str:
    """A line of a student's code, by its number and, where it can be had, its text.

    If it lies in another cell than that of the function that was called, that cell is named after its own function.
    """
    line = shortened(linecache.getline(code.co_filename, number).strip(), 100)
    elsewhere = called is not None and called.co_filename != code.co_filename
    cell = f"the cell of `{code.co_qualname.partition('.')[0]}`" if elsewhere else "its cell"
    return f"line {number} of {cell}" + (f" (`{line}`)" if line else "")


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
