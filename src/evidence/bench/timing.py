"""How the benchmarks take time, and how they print it."""

from __future__ import annotations

import time
from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def side_by_side(title: str, rows: list[tuple[str, float, float]]) -> str:
    """A table of programs that do the same work: name, seconds, and seconds over those of this package."""
    lines = [f"{name:<42}{1000 * time:>11.1f}  {ratio:>13.2f}x" for name, time, ratio in rows]
    return "\n".join([title, "", f"{'program':<42}{'ms':>11}  {'time over ours':>14}", *lines])
