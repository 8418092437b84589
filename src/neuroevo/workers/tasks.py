"""What a task is called, and where its random numbers come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

Design = Mapping[str, Any]
Task = tuple[Design, int]


def task_key(design: Design, seed: int) -> str:
    """The task as text, the same for equal tasks: JSON with its keys in order, and whole numbers without a point.

    Raises:
        TypeError: the design holds something that JSON can't say, such as a key that is no text.
    """
    return json.dumps(_whole([design, seed]), sort_keys=True, default=plain)


def _whole(value: Any) -> Any:
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"{dict(value)!r} has keys that are no text, which JSON can't say")
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(one) for one in value]
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def plain(value: Any) -> Any:
    """What `json.dumps` should write for a NumPy number; a TypeError for anything else that JSON can't say."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is a {type(value).__name__}; use numbers, text, lists and dicts, which JSON can say")


def rng_for(design: Design, seed: int) -> np.random.Generator:
    """The task's own source of random numbers, from a hash of its design and the number of its replicate."""
    digest = hashlib.sha256(task_key(design, seed).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
