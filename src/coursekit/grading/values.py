"""Values as data: what a check and a student's function, in two processes, say to each other.

Numbers, arrays, tensors, random generators and containers of them travel as what they are; nothing is pickled, and what
is read back is built from a short list of types, so that no message can make its reader run anything. What is no data
(a function, an object with methods) stays where it is: the other side gets a number for it (see `peers`).

Both processes run this module, and the student's has nothing else of this package.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import pathlib
import random
import re
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Blobs", "WireError", "apply", "decode", "encode", "fingerprint", "is_tracked", "pack", "unpack"]

Blobs = list[bytes]
Named = Callable[[Any], Any]

_MOST_BYTES, _MOST_TEXT = 256 * 2**20, 32 * 2**20  # of one message, and of what in it isn't contents of arrays
_MOST_BITS, _LONGEST_RANGE = 2**16, 10**7  # what takes few bytes here must not take many there
_TOO_MUCH = f"more than {_MOST_BYTES >> 20} MB at once, or lists of more than {_MOST_TEXT >> 20} MB"
_PLAIN = "biufcSUmM?"
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


class WireError(RuntimeError):
    """A message that isn't one: too large, too deep, or of a kind that doesn't exist."""


# Frames


def pack(message: dict[str, Any], blobs: Blobs) -> bytes:
    """A message as bytes: lengths, JSON, then the contents of its arrays."""
    text = json.dumps(message).encode("utf-8", "surrogatepass")
    parts = [text, *blobs]
    if sum(map(len, parts)) > _MOST_BYTES or len(text) > _MOST_TEXT:
        raise WireError(_TOO_MUCH)
    return struct.pack(f">I{len(parts)}Q", len(parts), *map(len, parts)) + b"".join(parts)


def unpack(read: Callable[[int], bytes]) -> tuple[dict[str, Any], Blobs]:
    """The next message; EOFError if there is none any more."""
    (n_parts,) = struct.unpack(">I", _exactly(read, 4))
    if not 1 <= n_parts <= 100_000:
        raise WireError("no message")
    lengths = struct.unpack(f">{n_parts}Q", _exactly(read, 8 * n_parts))
    if sum(lengths) > _MOST_BYTES or lengths[0] > _MOST_TEXT:
        raise WireError(_TOO_MUCH)
    text, *blobs = (_exactly(read, length) for length in lengths)
    try:
        message = json.loads(text.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"no message: {type(error).__name__}") from None
    if not isinstance(message, dict):
        raise WireError("no message")
    return message, blobs


def _exactly(read: Callable[[int], bytes], n: int) -> bytes:
    found = bytearray()
    while len(found) < n:
        chunk = read(min(n - len(found), 1 << 20))
        if not chunk:
            raise EOFError
        found += chunk
    return bytes(found)


# Values


def is_tracked(value: Any) -> bool:
    """Whether a value can be changed in place, so that the other side must hear of it."""
    kind = type(value)
    return kind in (list, dict, set, np.ndarray, random.Random) or _is_tensor(value) or _is_generator(value)


def encode(value: Any, blobs: Blobs, member: Named, other: Named) -> Any:
    """A value as JSON; contents of arrays go to `blobs`.

    Args:
        member: encodes what is inside of it.
        other: encodes what is no data.
    """
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is float:
        return value
    if kind is int:
        if value.bit_length() > _MOST_BITS:
            raise WireError(f"a whole number of {value.bit_length()} bits")
        return value if -(2**63) <= value < 2**63 else {"int": hex(value)}
    if kind is complex:
        return {"complex": [value.real, value.imag]}
    if kind in (bytes, bytearray):
        return {"bytes": _blob(bytes(value), blobs)}
    if kind in (list, set, frozenset):
        return {kind.__name__: [member(one) for one in value]}
    if isinstance(value, tuple):  # named ones, too
        return {"tuple": [member(one) for one in value]}
    if isinstance(value, dict):
        return {"dict": [[member(key), member(one)] for key, one in value.items()]}
    if kind is range and _ends(value):
        return {"range": [value.start, value.stop, value.step]}
    if kind is slice:
        return {"slice": [member(value.start), member(value.stop), member(value.step)]}
    if value is Ellipsis:
        return {"ellipsis": 0}
    if isinstance(value, np.generic) and value.dtype.kind in _PLAIN:
        return {"scalar": [value.dtype.str, _blob(value.tobytes(), blobs)]}
    if isinstance(value, np.ndarray):
        if value.dtype.kind in _PLAIN:
            return {"array": [value.dtype.str, list(value.shape), _blob(value.tobytes(), blobs)]}
        if value.dtype == object:
            return {"objects": [list(value.shape), [member(one) for one in value.ravel()]]}
    if isinstance(value, np.dtype):
        return {"dtype": value.str}
    if _is_tensor(value):
        return {"tensor": _tensor_data(value, blobs)}
    if _is_generator(value):
        return {"generator": _generator_state(value, blobs)}
    if kind is random.Random:
        version, state, gauss = value.getstate()
        return {"random": [version, list(state), gauss]}
    if "torch" in sys.modules and kind in (_torch().dtype, _torch().device):
        return {"torch": str(value)}
    if kind.__module__.startswith("neuroevo.") and dataclasses.is_dataclass(value):
        fields = {one.name: member(getattr(value, one.name)) for one in dataclasses.fields(value)}
        return {"dataclass": [kind.__module__, kind.__qualname__, fields]}
    if kind.__name__ == "FreeTypeFont" and isinstance(getattr(value, "path", None), str):
        return {"font": [value.path, value.size, value.index]}
    return other(value)


def decode(data: Any, blobs: Blobs, member: Named, other: Callable[[str, Any], Any]) -> Any:
    """The value of what `encode` has made. WireError, or what a constructor raises: it isn't one."""
    if data is None or type(data) in (bool, int, float, str):
        return data
    if not isinstance(data, dict) or len(data) != 1:
        raise WireError("no value")
    ((kind, content),) = data.items()
    match kind:
        case "int" if len(content) < _MOST_BITS:
            return int(content, 16)
        case "complex":
            return complex(*content)
        case "bytes":
            return blobs[content]
        case "list":
            return [member(one) for one in content]
        case "tuple":
            return tuple(member(one) for one in content)
        case "set":
            return {member(one) for one in content}
        case "frozenset":
            return frozenset(member(one) for one in content)
        case "dict":
            return {member(key): member(one) for key, one in content}
        case "range" if _ends(range(*content)):
            return range(*content)
        case "slice":
            return slice(*map(member, content))
        case "ellipsis":
            return Ellipsis
        case "scalar":
            return np.frombuffer(blobs[content[1]], _dtype(content[0]))[0]
        case "array":
            return np.frombuffer(blobs[content[2]], _dtype(content[0])).reshape(content[1]).copy()
        case "objects":
            array = np.empty(len(content[1]), dtype=object)
            for index, one in enumerate(content[1]):
                array[index] = member(one)
            return array.reshape(content[0])
        case "dtype":
            return _dtype(content)
        case "tensor":
            return _tensor(content, blobs)
        case "generator":
            return _generator(content, blobs)
        case "random":
            source = random.Random()
            source.setstate((content[0], tuple(content[1]), content[2]))
            return source
        case "torch":
            name = content.removeprefix("torch.")
            found = getattr(_torch(), name, None)
            return found if isinstance(found, _torch().dtype) else _torch().device(content)
        case "dataclass":
            return _dataclass(content[0], content[1], content[2], member)
        case "font":
            return _font(*content)
    return other(kind, content)


def apply(value: Any, now: Any) -> None:
    """Make a value that can be changed in place what it is on the other side."""
    if isinstance(value, np.ndarray):
        if value.shape == now.shape and value.flags.writeable:
            value[...] = now
    elif isinstance(value, list):
        value[:] = now
    elif isinstance(value, dict):
        value.clear()
        value.update(now)
    elif isinstance(value, set):
        value.clear()
        value |= now
    elif isinstance(value, random.Random):
        value.setstate(now.getstate())
    elif _is_tensor(value):
        with _torch()._C.DisableTorchFunction(), _torch().no_grad():
            value.copy_(now) if value.shape == now.shape else setattr(value, "data", now)
    elif isinstance(value, np.random.Generator):
        value.bit_generator.state = now.bit_generator.state
    else:
        value.set_state(now.get_state())


def fingerprint(value: Any, named: Callable[[Any], Any]) -> str:
    """Changes when `value` does; `named` encodes what is inside of it."""
    blobs: Blobs = []
    text = json.dumps(encode(value, blobs, named, named))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
    for blob in blobs:
        digest.update(blob)
    return digest.hexdigest()


def _ends(value: range) -> bool:
    return abs(value.stop - value.start) < _LONGEST_RANGE * abs(value.step)


def _blob(data: bytes, blobs: Blobs) -> int:
    blobs.append(data)
    return len(blobs) - 1


def _dtype(name: str) -> np.dtype[Any]:
    dtype = np.dtype(str(name))
    if dtype.kind not in _PLAIN or dtype.itemsize > 1 << 20:
        raise WireError("no type of numbers")
    return dtype


def _torch() -> Any:
    return importlib.import_module("torch")


def _is_tensor(value: Any) -> bool:
    return "torch" in sys.modules and isinstance(value, _torch().Tensor)


def _is_generator(value: Any) -> bool:
    if isinstance(value, np.random.Generator):
        return type(value.bit_generator).__name__ in _BIT_GENERATORS
    return "torch" in sys.modules and isinstance(value, _torch().Generator)


def _tensor_data(value: Any, blobs: Blobs) -> list[Any]:
    torch = _torch()
    with torch._C.DisableTorchFunction():  # a check may be counting calls
        plain = value.detach().cpu().resolve_conj().resolve_neg().to_dense().contiguous()
        data = plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
        return [str(plain.dtype), list(plain.shape), _blob(data, blobs), bool(value.requires_grad)]


def _tensor(content: list[Any], blobs: Blobs) -> Any:
    torch = _torch()
    name, shape, blob, requires_grad = content
    dtype = getattr(torch, str(name).removeprefix("torch."), None)
    if not isinstance(dtype, torch.dtype):
        raise WireError("no type of numbers")
    with torch._C.DisableTorchFunction():
        data = blobs[blob]
        flat = torch.frombuffer(bytearray(data), dtype=dtype) if data else torch.empty(0, dtype=dtype)
        return flat.reshape(shape).requires_grad_(bool(requires_grad))


def _generator_state(value: Any, blobs: Blobs) -> list[Any]:
    if isinstance(value, np.random.Generator):
        return ["numpy", json.dumps(value.bit_generator.state, default=lambda array: array.tolist())]
    with _torch()._C.DisableTorchFunction():
        # The one from which everybody draws is told from others, as the checks of a runner tell it.
        library = "torch, global" if value is _torch().default_generator else "torch"
        return [library, _blob(value.get_state().numpy().tobytes(), blobs)]


def _generator(content: list[Any], blobs: Blobs) -> Any:
    library, state = content
    if library == "numpy":
        found = json.loads(state)
        if found["bit_generator"] not in _BIT_GENERATORS:
            raise WireError("no random generator")
        for array in ("key", "counter", "buffer", "state"):  # lists are arrays there
            for table in (found, found["state"]):
                if isinstance(table.get(array), list):
                    table[array] = np.array(
                        table[array], dtype=np.uint32 if array == "key" and len(table[array]) == 624 else np.uint64
                    )
        bits = getattr(np.random, found["bit_generator"])()
        bits.state = found
        return np.random.Generator(bits)
    torch = _torch()
    with torch._C.DisableTorchFunction():
        generator = torch.default_generator if library == "torch, global" else torch.Generator()
        generator.set_state(torch.frombuffer(bytearray(blobs[state]), dtype=torch.uint8))
        return generator


def _dataclass(module: str, name: str, fields: dict[str, Any], member: Named) -> Any:
    if not re.fullmatch(r"neuroevo(\.[a-z]\w*)+", module):
        raise WireError("no class of the course")
    kind = getattr(importlib.import_module(module), name, None)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise WireError("no class of the course")
    value = object.__new__(kind)
    for one in dataclasses.fields(kind):
        object.__setattr__(value, one.name, member(fields[one.name]))
    return value


def _font(path: str, size: float, index: int) -> Any:
    from matplotlib import get_data_path
    from PIL import ImageFont

    if not pathlib.Path(path).resolve().is_relative_to(pathlib.Path(get_data_path()).resolve()):
        raise WireError("no font of the course")
    return ImageFont.truetype(path, size, index)
