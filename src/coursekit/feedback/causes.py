"""What an exception shows by itself: a name without a value, two shapes that don't fit, a value of the wrong kind."""

import dis
import re
from itertools import pairwise
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np

from coursekit.feedback.copies import as_array
from coursekit.feedback.reading import outward

__all__ = ["cause", "names_read"]

_LENGTHS = re.compile(  # two that should be equal
    r"size (\d+) is different from (\d+)"
    r"|tensor a \((\d+)\) must match the size of tensor b \((\d+)\)"
    r"|\(\d+x(\d+) and (\d+)x\d+\)"
    r"|mat \(\d+x(\d+)\), vec \((\d+)\)"
    r"|but got (\d+) and (\d+) elements"
    r"|numbers of samples: \[(\d+), (\d+)\]"
    r"|expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)"
    r"|size of axis is (\d+) but size of corresponding boolean axis is (\d+)"
)
_SHAPES = re.compile(r"broadcast together with shapes \(([\d,]*)\) \(([\d,]*)\)")
_KINDS = re.compile(  # of what stands where something else is needed
    r"(?:type\(s\) for|instances of|operand type for )[^']*'([\w.]+)'(?: and '([\w.]+)')?"
    r"|^'([\w.]+)' object (?:is not (?:iter|subs)|has no|does not support item)"
    r"|(?:non-iterable|must be an iterable, not) ([\w.]+)"
    r"|^(module) '[\w.]+' has no attribute"
    r"|of type '([\w.]+)' has no len"
    r"|of type ([\w.]*(?:function|method)) which has no callable"
)
_OF_ROWS = re.compile("inhomogeneous|with a sequence|same shape|concatenation axis|expected Tensor as element")
_IS = {  # kinds, and what can be said of them
    "module": "is a module, and not what one of its functions returns",
    "NoneType": "is None: it never got a value, or what gave it one returns nothing",
    "generator map zip filter enumerate range": "is no list or array yet: list(...) makes one of it, and sum(...), "
    "max(...) or min(...) one number",
    "function method builtin_function_or_method type": "is a function, and isn't called here",
}
_NUMBERS = {"int", "float", "bool", "float64", "float32", "int64"}
_BOXES = {"list", "tuple", "dict", "set", "str", "bytes"}
# What is found in an exception's message, and what it shows; {0} is the first group. If a library raised it:
_OF_ARGUMENTS = {
    r"axis -?\d+ is out of bounds for array of dimension 0": "what is given has no axis: it is one number, or one "
    "thing to NumPy, as a set is, of which sorted(...) makes a list",
    r"axis (-?\d+) is out of bounds for array of dimension (\d+)": "there are {1} axes (a new one counts, too), "
    "numbered from 0 or, from the end, from -1: none has the number {0}",
    r"range of \[(-\d+), (\d+)\], but got (-?\d+)": "axes (a new one, too) are numbered from 0 to {1} or, from the "
    "end, from -1 to {0}: none has the number {2}",
    r"except in dimension \d+\. Expected size (\d+) but got size (\d+)"
    r"|has size (\d+) and the array at index \d+ has size (\d+)": "only along the axis that is joined may lengths "
    "differ, and along another {0} meets {1}: is that the axis to join along, or is one of the two cut wrongly?",
    r"same number of dimensions.*?(\d+) (?:dim.*has|and) (\d+)": "what has {0} axes is put beside what has {1}; they "
    "need as many",
    r"\dD array, got \dD array|\d-dimensional array given": "what is given has another number of axes than is needed",
    r"must be square": "a matrix with as many rows as columns is needed here",
    r"Singular matrix": "this matrix has no inverse, because some of its rows follow from others",
    r"Incompatible dimensions|same length": "what belongs together isn't equally long",
    r"argument is empty|empty (?:sequence|(?:l|\w*L)ist)|zero-size array|at least one (?:array|data)"
    r"|[Ff]ound array with 0": (
        "nothing is in what this line works on: was nothing put into it, or all of it cut away?"
    ),
    r"inhomogeneous shape|array element with a sequence": "one place of an array is to hold several values, or its "
    "rows are of different lengths",
    r"only (?:integer scalar|0-dim|length-1|one element|int ind)|Tensor with \d+ elements|single element": (
        "one number is needed here (a place, a size, or how often a list or a tuple is repeated), and an array is given"
    ),
    r"interpreted as an integer|must be an? integer|must be integers|only integers, slices|used as indices must": (
        "only whole numbers can be places, sizes or counts, and one that is given isn't"
    ),
    r"data pointer of Tensor|calling \.item\(\)": "this tensor has no numbers of its own to take out, as inside vmap: "
    "leave out .tolist(), .numpy(), .item() and float(...), and calculate with the tensor itself",
    r"unhashable type: '(?!slice)": "what can change (a list, a dict, an array) can't be a key, nor stand in a set",
    r"math domain error": "the root of a negative number is asked for, or the logarithm of one or of 0",
    # Torch takes some of NumPy's names, too, without saying so.
    r"combination of arguments - got \(.*?\b(?!(?:axis|keepdims|a|x[12]?)=)(\w+)=(?!.*[\w\]?] \1\b)": (
        "what is called here has no argument `{0}`"
    ),
    r"invalid combination of arguments": "what is called here takes arguments of other kinds, or in another order",
    r"must be .*(?:, not|[Gg]ot|received) |^\W?\w+\W? (?:must be|needs|has shape) ": "one of the arguments isn't what "
    "this function takes; the message says which",
}
_OF_THE_LINE = {  # and if the student's own line did
    r"index -?\d+ is out of bounds for \w+ \d+ with size 0": "an entry of something is asked for that has none: it is "
    "empty, or one number without an axis",
    r"index -(\d+) is out of bounds for \w+ \d+ with size (\d+)": "there are only {1}, and the one with "
    "the number {0} from the end is asked for",
    r"(?:list|tuple|string) (?:assignment )?index out of range": "counting starts at 0, and the place that is asked "
    "for lies behind the end",
    r"^(?:string|byte) indices must": "what stands before the brackets is text, and has no entries with names",
    r"array is \d+-dimensional, but \d+ were|too many indices": "there are more indices in the brackets than axes",
    r"enough dimensions \(has 0|over a 0-d array|index to scalar|of unsized object": "an array is needed here, and "
    "what is given has no axis",
    r"zip\(\) argument \d is": "what is gone through side by side isn't equally long",
    r"sequence by non-int": "a list, a tuple or a text is repeated by whole numbers alone; np.array(...) makes of a "
    "list what can be calculated with, and len(...) tells how much is in it",
    r"can only concatenate": "a plus joins what is of one kind, and here two kinds meet",
    r"unexpected keyword argument '(\w+)'": "what is called here has no argument `{0}`",
    r"missing \d+ required [\w-]+ arguments?: (.+)": "the call leaves out {0}",
    r"takes .* positional arguments? but": "what is called here takes another number of arguments",
    r" not in (?:list|tuple|deque)$": "what is looked for equals none of the members: is it one of them, or all?",
    r"is not callable": "what stands before the round brackets is no function",
    r"unhashable type: 'slice'": "what is cut here has keys and no places: list(...) makes a list of it",
    r"more than one.* ambiguous": "a condition is one True or False, and this one has many: is it to hold for all of "
    "them (.all()), for any (.any()), for one alone, or for a number made of the many (a mean, a spread)?",
}


def cause(error: BaseException, frame: FrameType, last: int, raised_there: bool = True, called: int = 0) -> str:
    """The fault that an exception shows, in a sentence; empty if it shows none.

    `last` is the instruction of the frame that stopped; `raised_there` is false if it called what raised the exception;
    `called` is the student's line that called the frame's function, 0 if none did.
    Nothing is guessed: what is said follows from the exception, and from the values of the names that this instruction
    works on.
    """
    text, operands = outward(str(error)), _operands(frame, last) if raised_there else {}
    shown = _gap(text, frame, last) or _clash(text, operands)
    if raised_there:
        shown = (
            _unset(error)
            or _module(text, frame, last)
            or _counts(text)
            or shown
            or _condition(text, operands, frame, last)
            or _joined(text, frame, last)
            or _kind(error, text, operands, frame, last, called)
            or _missing(error, frame, last)
        )
    for pattern, words in ((_OF_THE_LINE if raised_there else {}) | _OF_ARGUMENTS).items() if not shown else ():
        if match := re.search(pattern, text, re.DOTALL):
            said = words.format(*(one for one in match.groups() if one is not None))
            asked = _judged(frame, last) if raised_there and "ambiguous" in pattern else ""
            return f"{said[0].upper()}{said[1:]}{'' if said.endswith('?') else '.'}{asked}"
    return shown


def names_read(code: CodeType, last: int, whole: bool = False) -> list[str]:
    """The names that are read in the expression whose instruction stopped; `whole`: not those with a dot behind."""
    instructions = list(dis.get_instructions(code))
    where = next((one.positions for one in instructions if one.offset == last), None)
    if where is None or where.lineno is None:
        return []
    names: dict[str, None] = {}
    for one, after in pairwise(instructions):
        # Python 3.13 stores one name and loads the next in one step, whose place is that of the store.
        at = after.positions if one.opname == "STORE_FAST_LOAD_FAST" else one.positions
        loaded = _loaded(one)[:-1] if whole and after.opname in ("LOAD_ATTR", "LOAD_METHOD") else _loaded(one)
        if loaded and at and at.lineno is not None:
            begin, end = (at.lineno, at.col_offset), (at.end_lineno, at.end_col_offset)
            if (where.lineno, where.col_offset) <= begin and end <= (where.end_lineno, where.end_col_offset):
                names.update(dict.fromkeys(loaded))
    return list(names)


def _given(code: CodeType) -> set[str]:
    """The arguments to which no line gives another value."""
    stores = [one.argval for one in dis.get_instructions(code) if one.opname.startswith(("STORE_", "DELETE_"))]
    stored = [names if isinstance(names, tuple) else (names,) for names in stores]  # two at once, since Python 3.13
    return set(code.co_varnames[: code.co_argcount]).difference(*stored)


def _loaded(one: dis.Instruction) -> tuple[str, ...]:
    """The names that an instruction reads."""
    if one.opname == "STORE_FAST_LOAD_FAST":
        return one.argval[1:]
    if one.opname.startswith(("LOAD_FAST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_DEREF")):
        return one.argval if isinstance(one.argval, tuple) else (one.argval,)
    return ()


def _operands(frame: FrameType, last: int) -> dict[str, Any]:
    """The names that stand directly before the instruction that stopped, and their values."""
    names: list[str] = []
    for one in dis.get_instructions(frame.f_code):
        if one.offset >= last:
            break
        if loaded := _loaded(one):
            names = [*names, *loaded][-2:]
        elif one.opname == "LOAD_CONST":
            names = [*names, ""][-2:]
        else:
            names = []
    scope = {**frame.f_globals, **frame.f_locals}
    return {name: scope[name] for name in names if name in scope}


def _unset(error: BaseException) -> str:
    unset = re.search(r"name '(\w+)'|variable '(\w+)'", str(error)) if isinstance(error, NameError) else None
    return f"Nothing has given `{unset[1] or unset[2]}` a value before this line." if unset else ""


def _module(text: str, frame: FrameType, last: int) -> str:
    """A module that is itself worked on; or under a name that the function has given it, and without what is asked."""
    code, scope = frame.f_code, {**frame.f_globals, **frame.f_locals}
    worked_on = names_read(code, last, whole=True)
    imports = any(one.opname == "IMPORT_NAME" for one in dis.get_instructions(code))
    for name, value in ((name, scope.get(name)) for name in names_read(code, last)):
        stopped = re.search(rf"module '{getattr(value, '__name__', '')}' has no|missing \d+ required pos", text)
        lacks = stopped and name in code.co_varnames and not imports
        if isinstance(value, ModuleType) and (lacks or name in worked_on):
            return f"`{name}` is the module {value.__name__} itself, and not what one of its functions returns."
    return ""


def _gap(text: str, frame: FrameType, last: int) -> str:
    """A None in a list of what is to become rows."""
    scope = {**frame.f_globals, **frame.f_locals}
    for name in names_read(frame.f_code, last) if _OF_ROWS.search(text) else ():
        members = scope.get(name)
        for place, member in enumerate(members if isinstance(members, list) else ()):
            if member is None:
                return f"`{name}` holds None at place {place}: what was put there? (append returns None.)"
    return ""


def _condition(text: str, names: dict[str, Any], frame: FrameType, last: int) -> str:
    """A name for many numbers that stands alone as a condition; a comparison has its own True and False."""
    if names and re.search("more than one.* ambiguous", text):
        stopped = next(one.opname for one in dis.get_instructions(frame.f_code) if one.offset == last)
        name, value = list(names.items())[-1]
        kind = str(getattr(value, "dtype", "bool"))
        if "bool" not in kind and any(word in stopped for word in ("JUMP", "BOOL", "NOT")):
            return (
                f"`{name}` has the shape {tuple(value.shape)} and stands alone as a condition, which is one True or "
                "False: is it to be compared with something, or is its length meant?"
            )
    return ""


def _judged(frame: FrameType, last: int) -> str:
    """An argument as it came in, if it alone has many numbers in a comparison that is a condition."""
    names: list[str] = []
    before = [one for one in dis.get_instructions(frame.f_code) if one.offset <= last][:-5:-1]
    before = before if before[0].opname == "COMPARE_OP" else before[1:]  # Python 3.13 compares and judges in one step
    for one in before[1:] if before and before[0].opname == "COMPARE_OP" else ():
        if len(names) < 2:
            names += _loaded(one) or [""]
            if not names[-1] and one.opname not in ("LOAD_CONST", "LOAD_SMALL_INT"):
                return ""
    scope = {**frame.f_globals, **frame.f_locals}
    arrays = {name: as_array(scope[name]) for name in names if hasattr(scope.get(name), "shape")}
    many = [name for name, value in arrays.items() if np.size(value) > 1]
    if len(many) == 1 and many[0] in _given(frame.f_code):
        return f" `{many[0]}` is what came in: is something to be asked of it first?"
    return ""


def _counts(text: str) -> str:
    """More names or values than are there, or a place behind the end."""
    if found := re.search(r"unpack \(expected (\d+)(?:, got (\d+))?", text):
        names = "one name stands" if found[1] == "1" else f"{found[1]} names stand"
        values = "one value" if found[2] == "1" else f"{found[2] or 'more'} values"
        return f"Here {names} on the left, and {values} on the right."
    found = re.search(r"index (\d+) is out of bounds for (?:axis|dimension) \d+ with size ([1-9]\d*)", text)
    if found and int(found[1]) >= int(found[2]):
        last = f"the last of {found[2]} has the number {int(found[2]) - 1}"
        return f"Counting starts at 0, so {last}; number {found[1]} is asked for."
    return ""


def _clash(text: str, names: dict[str, Any]) -> str:
    """Two arrays whose shapes don't fit together, or two lengths in them."""
    lengths: tuple[int, ...] = ()
    more = ""
    if found := _SHAPES.search(text):
        one, other = ([int(n) for n in group.split(",") if n][::-1] for group in found.groups())
        pairs = zip(one, other, strict=False)
        lengths = next((pair for pair in pairs if pair[0] != pair[1] and 1 not in pair), ())
        few, many = sorted((len(one), len(other)))
        more = f" One side has {many} axes, the other {few}: should both have as many?" if few < many else ""
    elif found := _LENGTHS.search(text):
        lengths = tuple(int(n) for n in found.groups() if n)
    if not lengths:
        return ""
    held = {name: np.shape(as_array(value)) for name, value in names.items() if hasattr(value, "shape")}
    for (name, shape), (another, its) in pairwise(held.items()):
        if any(a in shape and b in its for a, b in (lengths, lengths[::-1])):
            return f"`{name}` has the shape {shape} and `{another}` {its}: they don't fit together.{more}"
    return f"Along one axis {lengths[0]} numbers meet {lengths[1]}, where there should be as many.{more}"


def _joined(text: str, frame: FrameType, last: int) -> str:
    """A plus between a whole number and a list; sum(...) of lists has the same message, and is no plus."""
    stopped = next(one.opname for one in dis.get_instructions(frame.f_code) if one.offset == last)
    if stopped.startswith("BINARY") and re.search(
        r" for \+=?: '(?:int' and 'list|list' and 'int)'|concatenate list \(not \"int\"\)", text
    ):
        return (
            "A list is joined by + to a list alone, and one side is a number: should a list stand there ([...] * n has "
            "n members), or is the list to be an array, np.array(...), or its length, len(...)?"
        )
    return ""


def _kind(error: BaseException, text: str, names: dict[str, Any], frame: FrameType, last: int, called: int) -> str:
    """A value of a kind with which this can't be done."""
    found = _KINDS.search(text) if isinstance(error, AttributeError | TypeError | ValueError) else None
    kinds = [kind.rpartition(".")[2] for kind in found.groups() if kind] if found else []
    calculates = found is not None and found[1] is not None
    for kind in kinds:
        named = [name for name, value in names.items() if type(value).__name__ == kind and kind != "module"]
        it = f"`{named[0]}`" if len(named) == 1 else "what stands here" if len(kinds) == 1 else "one side"
        it = "each side" if len(kinds) == 2 and len(set(kinds)) == 1 else it
        said = next((words for known, words in _IS.items() if kind in known.split()), "")
        if not said and calculates and kind in _BOXES:
            said = f"is a {kind}, with which this can't be done"
            if kind == "list" and not _BOXES.issuperset(kinds):
                said = "is a list, and here a number or an array is needed: min, max or sum of it, a place "
                said += f"{named[0]}[i]" if len(named) == 1 else "in it"
                said += ", np.array(...) if each member is meant, or len(...)?"
        elif not said and not calculates and kind in _NUMBERS:
            said = "is one number, and no row of values"
        elif not said and not calculates and len(named) == 1:
            asked, outside = isinstance(error, AttributeError), named[0] not in frame.f_locals
            said = f"comes from outside and is of type {kind}: " if outside else f"is of type {kind} here: "
            of_it = "is that what this line wants, or something that is made of it?"
            said += of_it if asked or outside else "which line made it so?"
            if named[0] in _given(frame.f_code):
                said = f"is of type {kind}, as it was given" + (f" in line {called}" if called else "")
                said += ": what is asked for is no part of it" if asked else ""
                said += ", and can't be taken apart" if "unpack" in text else ""
        if len(named) == 1 and isinstance(names[named[0]], FunctionType) and named[0] not in frame.f_locals:
            said = "is a function from outside here: your function gives this name no value of its own"
        if kind == "builtin_function_or_method" and isinstance(error, AttributeError | TypeError):
            scope = {**frame.f_globals, **frame.f_locals}
            arrays = [name for name in names_read(frame.f_code, last) if hasattr(scope.get(name), "shape")]
            if len(arrays) == 1 and not calculates:
                it = f"`{arrays[0]}` has the shape {tuple(scope[arrays[0]].shape)}, and what stands behind its dot"
                said = "is a function of all such arrays, which isn't called here"
        if said:
            return f"{it[0].upper()}{it[1:]} {said}".rstrip(".") + ("" if said.endswith("?") else ".")
    return ""


def _missing(error: BaseException, frame: FrameType, last: int) -> str:
    """A key that a dict doesn't have, or a divisor that is 0."""
    if isinstance(error, KeyError):
        scope = {**frame.f_globals, **frame.f_locals}
        dicts = {name: scope[name] for name in names_read(frame.f_code, last) if isinstance(scope.get(name), dict)}
        for name, value in dicts.items() if len(dicts) == 1 and error.args else ():
            if error.args[0] not in value:
                return f"`{name}` has no such key{'' if value else ': it is empty'}."
    if isinstance(error, ZeroDivisionError):
        for name, value in list(_operands(frame, last).items())[-1:]:
            if isinstance(value, int | float | np.number) and value == 0:
                return f"`{name}` is {value}, and something is divided by it."
    return ""
