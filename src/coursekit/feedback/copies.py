"""Copies of what is given to a student's function, and whether a value is still the same afterwards."""

import copy
from typing import Any

import numpy as np

__all__ = ["as_array", "copied", "same"]


def as_array(value: Any) -> Any:
    """A tensor as a NumPy array, anything else as it is; tensors are known by `detach`, so nobody imports torch.

    (It is their class that has it: the module `torch` has a `detach`, too.)
    """
    return value.detach().cpu().numpy() if hasattr(type(value), "detach") else value


def copied(value: Any) -> Any:
    """A copy of what holds numbers: arrays, tensors, and lists, tuples, dicts and sets of any depth.

    Everything else (functions, random generators, objects of the check's own) is passed on as it is, inside too.
    """
    if hasattr(type(value), "detach"):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray):
        return copy.deepcopy(value)
    if isinstance(value, tuple):
        members = [copied(member) for member in value]
        return value._make(members) if hasattr(value, "_make") else tuple(members)
    if isinstance(value, list):
        return [copied(member) for member in value]
    if isinstance(value, dict):
        twin = copy.copy(value)  # a defaultdict stays one
        twin.update((key, copied(member)) for key, member in value.items())
        return twin
    return copy.copy(value) if isinstance(value, set) else value


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, to the last bit and of any depth; NaN equals NaN."""
    if hasattr(type(one), "detach") or isinstance(one, np.ndarray):
        a, b = np.asarray(as_array(one)), np.asarray(as_array(other))
        return a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc")
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(member, other[key]) for key, member in one.items())
    return one is other or bool(one == other) or bool(one != one and other != other)
