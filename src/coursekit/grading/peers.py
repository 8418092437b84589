"""Two processes that call each other's functions: the one that judges, and the one in which a student's code runs.

A call carries its arguments as data (`values`). What can be changed in place is known on both sides by a key as long as
the call lasts, and each message brings such values up to date, so that `population += noise` is seen by whoever passed
the population, and a generator that was drawn from has moved on for both. What is no data stays at home and is called
from afar (`Remote`): a student's function by a check, a check's callback by a student's function. Of an object of the
check a student can call it, use what its public names hold, iterate over it, and nothing else.

Both processes run this module, and the student's has nothing else of this package but what it needs.
"""

from __future__ import annotations

import os
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coursekit.grading import counting, errors, remotes, values
from coursekit.grading.incoming import ENDED, Incoming
from coursekit.grading.remotes import Remote
from coursekit.grading.shared import SharedFolder
from coursekit.grading.values import Blobs, WireError

__all__ = ["Gone", "Peer", "Remote"]

_CLOSED = (type, types.ModuleType, types.FunctionType, types.CodeType, types.FrameType, types.TracebackType)
_MOST_OBJECTS = 200_000


class Gone(BaseException):
    """The other process has ended, or says what is no message; the text says which."""


class _Scope:
    """The values that both sides know by a key while one call lasts."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.keys: dict[int, str] = {}
        self.fingerprints: dict[str, str] = {}

    def add(self, key: str, value: Any) -> None:
        self.values[key], self.keys[id(value)] = value, key


class Peer:
    """One end of the line.

    Args:
        read, write: the bytes of the other end; `read` may return fewer than asked, and none at the end.
        side: a letter that only this end has.
        entries: what the other end may call by name.
        folder: files that checks and functions share by path live here, on each side its own, kept alike.
        tick: called while an answer is waited for; what it raises ends the waiting.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        write: Callable[[bytes], Any],
        side: str,
        entries: dict[str, Callable[..., Any]],
        folder: Path,
        tick: Callable[[], None] | None = None,
    ) -> None:
        self._write, self._side, self.entries, self._tick = write, side, entries, tick
        self._folder = SharedFolder(folder)
        self._incoming = Incoming(read, threaded=tick is not None)
        self._owner = os.getpid()
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._remotes: dict[int, Remote] = {}
        self._errors: dict[int, BaseException] = {}
        self._scopes: list[_Scope] = []
        self.gone, self.waits = "", False
        self._n = 0
        self._replies: dict[int, tuple[dict[str, Any], Blobs]] = {}
        self._waiting: dict[int, list[tuple[dict[str, Any], Blobs]]] = {}  # calls that came while one of ours lasts
        self._serving: list[int] = []
        self._coding, self._reading, self._turn = threading.RLock(), threading.Lock(), threading.RLock()

    # Calls

    def ask(self, message: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call something of the other side, and return or raise what it returns or raises."""
        if os.getpid() != self._owner:
            raise RuntimeError("this can't be used in another process than the notebook's")
        scope = _Scope()
        modes = counting.modes()
        with self._turn if self._tick is None else _nothing():
            with self._coding:
                self._n += 1
                number = self._n
                self._scopes.append(scope)
                blobs: Blobs = []
                self._waiting[number] = []
                within = self._serving[-1] if self._serving else None
                message = {**message, "id": number, "within": within, "counts": bool(modes)}
                message["args"] = [self._encode(value, blobs, scope) for value in args]
                message["kwargs"] = {name: self._encode(value, blobs, scope) for name, value in kwargs.items()}
                self._send(message, blobs)
            try:
                reply, blobs = self._reply(number)
                with self._coding:
                    self._synchronise(reply, blobs)
                    try:
                        for mode in modes:
                            counting.replay(mode, reply.get("torch"))
                        if "error" not in reply:
                            return self._decode(reply.get("value"), blobs, None)
                        error = self._error(reply["error"])
                    except Exception as odd:
                        raise self._lost(f"it says what is no message ({type(odd).__name__})") from odd
            finally:
                self._scopes.remove(scope)
                del self._waiting[number]
        raise error

    def call(self, entry: str, *args: Any) -> Any:
        """Call one of the other side's entries."""
        return self.ask({"entry": entry}, args, {})

    def close(self) -> None:
        """Stop listening to an end that has ended."""
        self._incoming.close()

    def serve(self) -> None:
        """Answer calls until the other side ends."""
        while True:
            got = self._incoming.get(None)
            if isinstance(got, str):
                raise self._lost(got)
            self._answer(*got)

    def _lost(self, why: str) -> Gone:
        self.gone = self.gone or why
        return Gone(why)

    def _reply(self, number: int) -> tuple[dict[str, Any], Blobs]:
        while True:
            got = None
            if self._reading.acquire(timeout=0.05):
                try:
                    if number in self._replies:
                        return self._replies.pop(number)
                    got = self._waiting[number].pop(0) if self._waiting[number] else None
                    if got is None:
                        self.waits = True
                        got = self._incoming.get(0.05 if self._tick else None)
                        self.waits = False
                    if isinstance(got, str):
                        raise self._lost(got)
                    if got and "reply" in got[0]:
                        self._replies[got[0]["reply"]] = got
                        got = None
                    elif got and self._tick and got[0].get("within") in self._waiting.keys() - {number}:
                        self._waiting[got[0]["within"]].append(got)  # the thread that made that call answers
                        got = None
                finally:
                    self._reading.release()
            if got:
                self._answer(*got)
            if self._tick:
                self._tick()

    def _answer(self, message: dict[str, Any], blobs: Blobs) -> None:
        scope = _Scope()
        with self._coding:
            self._scopes.append(scope)
            try:
                self._synchronise(message, blobs)
                args = [self._decode(value, blobs, scope) for value in message["args"]]
                kwargs = {str(name): self._decode(value, blobs, scope) for name, value in message["kwargs"].items()}
                for key, value in scope.values.items():
                    scope.fingerprints[key] = values.fingerprint(value, self._named)
            except Gone:
                raise
            except Exception as error:
                raise self._lost(f"it says what is no message ({type(error).__name__})") from error
        reply: dict[str, Any] = {"reply": message.get("id")}
        blobs = []
        try:
            self._serving.append(message.get("id", 0))
            with counting.counted(bool(message.get("counts"))) as counted:
                value = self._do(message, args, kwargs)
            with self._coding:
                reply["value"] = self._encode(value, blobs, None)
        except Gone:
            raise
        except BaseException as error:
            if self._tick is not None and isinstance(error, KeyboardInterrupt):
                raise
            blobs = []
            reply["error"] = self._told(error)
        finally:
            self._serving.remove(message.get("id", 0))
        if counted:
            reply["torch"] = counted
        with self._coding:
            try:
                self._send(reply, blobs)
            except WireError as error:  # too much to be said
                self._send({"reply": reply["reply"], "error": self._told(error)}, [])
            self._scopes.remove(scope)

    def _do(self, message: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
        if "entry" in message:
            return self.entries[message["entry"]](*args)
        target = self._objects[message["on"]]
        match message["do"]:
            case "call":
                return target(*args, **kwargs)
            case "get":
                (name,) = args
                if not isinstance(name, str) or remotes.HIDDEN.match(name) or isinstance(target, _CLOSED):
                    raise AttributeError(f"{type(target).__name__!r} object has no attribute {name!r}")
                return getattr(target, name)
            case "iter":
                return iter(target)
            case "next":
                return next(target)
            case "len":
                return len(target)
            case "item":
                return target[args[0]]
            case "enter":
                return target.__enter__()
            case "exit":
                return target.__exit__(None, None, None)
            case "array":
                return values.np.asarray(target)
        raise WireError("no such thing to do")

    # Values and what they are known by

    def _named(self, value: Any) -> Any:
        """What stands for a value inside another one when fingerprints are made."""
        for scope in self._scopes:
            if id(value) in scope.keys:
                return scope.keys[id(value)]
        return values.encode(value, [], self._named, lambda one: id(one))

    def _encode(self, value: Any, blobs: Blobs, scope: _Scope | None) -> Any:
        if values.is_tracked(value):
            for known in self._scopes:
                if id(value) in known.keys:
                    return {"key": known.keys[id(value)]}
            if scope is not None:
                self._n += 1
                key = f"{self._side}{self._n}"
                scope.add(key, value)
                content = values.encode(value, blobs, lambda one: self._encode(one, blobs, scope), self._other)
                scope.fingerprints[key] = values.fingerprint(value, self._named)
                return {"new": [key, content]}
        if isinstance(value, Path):
            return {"path": self._folder.tell(value)}
        return values.encode(value, blobs, lambda one: self._encode(one, blobs, scope), self._other)

    def _decode(self, data: Any, blobs: Blobs, scope: _Scope | None) -> Any:
        def member(one: Any) -> Any:
            return self._decode(one, blobs, scope)

        def other(kind: str, content: Any) -> Any:
            match kind:
                case "key":
                    return next(known.values[content] for known in self._scopes if content in known.values)
                case "new":
                    key, inner = content
                    value = member(inner)
                    if scope is not None:
                        scope.add(str(key), value)
                    return value
                case "path":
                    return self._folder.path(content[0], content[1])
                case "yours":
                    return self._objects[content]
                case "mine":
                    return self._remote(*content)
            raise WireError("no value")

        return values.decode(data, blobs, member, other)

    def _other(self, value: Any) -> Any:
        """What is no data: a number for it, and what is known of it."""
        if isinstance(value, Remote):
            return {"yours": value._number}
        return {
            "mine": [
                self._number(value),
                type(value).__name__,
                callable(value) and remotes.signature(value),
                hasattr(type(value), "__array__"),
            ]
        }

    def _number(self, value: Any) -> int:
        if id(value) not in self._numbers:
            if len(self._objects) >= _MOST_OBJECTS:
                raise WireError("too many objects")
            number = len(self._objects) + 1
            self._objects[number], self._numbers[id(value)] = value, number
        return self._numbers[id(value)]

    def _remote(self, number: int, kind: str, signature: Any, has_array: bool) -> Remote:
        if number not in self._remotes:
            remote = remotes.of_kind(str(kind), bool(has_array))(self.ask, int(number))
            remotes.sign(remote, signature)
            self._remotes[number] = remote
        return self._remotes[number]

    def _told(self, error: BaseException) -> dict[str, Any]:
        if (origin := error.__dict__.get("_origin")) is not None:
            return {"yours": origin, **errors.describe(error)}
        number = len(self._errors) + 1
        if number < _MOST_OBJECTS:
            self._errors[number] = error
        return {"mine": number, **errors.describe(error)}

    def _error(self, told: Any) -> BaseException:
        if "yours" in told:
            error = self._errors[told["yours"]]
        else:
            error = errors.rebuild(told)
            error._origin = told["mine"]  # type: ignore[attr-defined]
        return error.with_traceback(errors.traceback_of(told))

    # What has changed since the last message

    def _send(self, message: dict[str, Any], blobs: Blobs) -> None:
        changes = []
        for scope in list(self._scopes):
            for key, before in list(scope.fingerprints.items()):
                value = scope.values[key]
                now = values.fingerprint(value, self._named)
                if now != before:
                    scope.fingerprints[key] = now
                    content = values.encode(value, blobs, lambda one: self._encode(one, blobs, None), self._other)
                    changes.append([key, content])
        message["changes"] = changes
        if self._folder.is_used:
            message["files"] = self._folder.changes(blobs)
        data = values.pack(message, blobs)
        try:
            self._write(data)
        except (OSError, ValueError):
            raise self._lost(ENDED) from None

    def _synchronise(self, message: dict[str, Any], blobs: Blobs) -> None:
        try:
            for key, content in message.get("changes", []):
                for scope in self._scopes:
                    if key in scope.values:
                        value = scope.values[key]
                        values.apply(value, self._decode(content, blobs, None))
                        scope.fingerprints[key] = values.fingerprint(value, self._named)
            self._folder.take(message.get("files"), blobs)
        except Exception as error:
            raise self._lost(f"it says what is no message ({type(error).__name__})") from error


@contextmanager
def _nothing() -> Iterator[None]:
    yield
