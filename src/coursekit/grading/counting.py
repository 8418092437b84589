"""What a function asks of torch, counted in its own process for a check that counts it (as lab 9's do)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["counted", "modes", "replay"]


def modes() -> list[Any]:
    """What counts the calls of torch just now."""
    if "torch" not in sys.modules:
        return []
    from torch.overrides import _get_current_function_mode_stack

    return list(_get_current_function_mode_stack())


@contextmanager
def counted(wanted: bool) -> Iterator[list[Any]]:
    """Counts: [calls of torch without a random generator, numbers drawn by each call with one]."""
    counts: list[Any] = []
    if not wanted:
        yield counts
        return
    import torch
    from torch.overrides import TorchFunctionMode

    counts += [0, []]

    class Counts(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            answer = func(*args, **(kwargs or {}))
            if any(isinstance(value, torch.Generator) for value in (*args, *(kwargs or {}).values())):
                counts[1].append(int(answer.numel()))
            else:
                counts[0] += 1
            return answer

    with Counts():
        yield counts


def replay(mode: Any, counts: Any) -> None:
    """Let a mode count here what was counted there."""
    if not counts:
        return
    import torch

    with torch._C.DisableTorchFunction():
        generator = torch.Generator()
        for _ in range(min(int(counts[0]), 10_000_000)):
            mode.__torch_function__(lambda *_: None, (), ())
        for n in counts[1][:1_000_000]:
            mode.__torch_function__(lambda *_, n=int(n): torch.empty(n), (), (generator,))
