"""Objects of the other process: called, asked for what their public names hold, iterated over, and nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

__all__ = ["HIDDEN", "Remote", "of_kind", "sign", "signature"]

HIDDEN = re.compile(r"_|gi_|cr_|ag_|f_|tb_|co_|func_|mro$")
"""Names that no other process may ask for: private ones, and ways from an object to the program around it."""


class Remote:
    """An object of the other process."""

    def __init__(self, ask: Callable[..., Any], number: int) -> None:
        self.__dict__.update(_ask_peer=ask, _number=number)

    def _ask(self, what: str, *args: Any, **kwargs: Any) -> Any:
        return self._ask_peer({"on": self._number, "do": what}, args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("call", *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if HIDDEN.match(name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._ask("get", name)

    def __iter__(self) -> Any:
        return self._ask("iter")

    def __next__(self) -> Any:
        return self._ask("next")

    def __len__(self) -> int:
        return int(self._ask("len"))

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, key: Any) -> Any:
        return self._ask("item", key)

    def __enter__(self) -> Any:
        return self._ask("enter")

    def __exit__(self, *error: Any) -> None:
        self._ask("exit")


_KINDS: dict[tuple[str, bool], type[Remote]] = {}


def of_kind(name: str, has_array: bool) -> type[Remote]:
    """A class of remote objects that is called what the object's own class is called."""
    name = name if re.fullmatch(r"\w{1,80}", name) else "object"
    if (name, has_array) not in _KINDS:
        more = {"__array__": lambda self, *_, **__: self._ask("array")} if has_array else {}
        _KINDS[name, has_array] = type(name, (Remote,), more)
    return _KINDS[name, has_array]


class _Told:
    """Something whose repr is this text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def signature(function: Any) -> list[Any]:
    """[name, parameters] of something that can be called; None in their place where Python doesn't know."""
    name = type(function).__name__
    try:
        name = getattr(function, "__name__", name)
        parameters = inspect.signature(function).parameters.values()
    except Exception:  # of a class that was made to raise them, too
        return [str(name), None]
    empty = inspect.Parameter.empty
    return [
        str(name),
        [
            [
                one.name,
                int(one.kind),
                None if one.default is empty else repr(one.default)[:200],
                None if one.annotation is empty else inspect.formatannotation(one.annotation)[:200],
            ]
            for one in parameters
        ],
    ]


def sign(remote: Remote, told: Any) -> None:
    """Give a remote function the name and the parameters that `signature` has told of it."""
    if not told:
        return
    name, parameters = told
    remote.__dict__["__name__"] = str(name)
    if parameters is None:
        return
    empty = inspect.Parameter.empty
    remote.__dict__["__signature__"] = inspect.Signature(
        [
            inspect.Parameter(
                one,
                inspect._ParameterKind(place),
                default=empty if default is None else _Told(default),
                annotation=empty if annotation is None else _Told(annotation),
            )
            for one, place, default, annotation in parameters
        ]
    )
