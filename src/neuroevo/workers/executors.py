"""Who evaluates: this process, new processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

Opener = Callable[[], AbstractContextManager[Executor]]


class WorkersError(RuntimeError):
    """An evaluation or its workers failed; the message names the design and says what is kept."""


class _Serial(Executor):
    """The simplest executor: `submit` does the work at once, here."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def serial() -> Executor:
    """Evaluate in this process, one task after the other."""
    return _Serial()


def processes(n_workers: int) -> Opener:
    """Evaluate in `n_workers` new processes of this machine, which end when this one does, also if it is killed.

    New processes import what they run: `evaluate` must stand in a module, not in a notebook, and a script needs
    `if __name__ == "__main__":` around what starts them.
    """
    # Spawned, not forked: a forked process can't use CUDA once its parent has asked for it.
    return lambda: ProcessPoolExecutor(n_workers, multiprocessing.get_context("spawn"), _end_with_parent)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def dask(address: str, timeout: float = 30.0, silence: float = 60.0) -> Opener:
    """Evaluate on the workers of the Dask scheduler at `address`, such as "tcp://10.0.0.7:8786".

    Args:
        address: of a scheduler that is running, on this machine or on another one.
        timeout: seconds to wait for its answer, and for its first worker; without either, opening is a WorkersError.
        silence: seconds after which a scheduler that answers no more is hung up on and called once more: if it answers
            then, the search goes on. On a machine with much else to do it answers late.
    """

    @contextmanager
    def opened() -> Iterator[Executor]:
        from distributed import Client

        try:
            with ThreadPoolExecutor(1) as thread:  # where no event loop runs, as one does in Jupyter
                thread.submit(asyncio.run, _greet(address, timeout)).result()
            client: Any = Client(address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError) as error:
            raise WorkersError(
                f"no Dask scheduler answers at {address!r} within {timeout:g} seconds: is it running (`dask scheduler` "
                "prints its address), and does a firewall stand between you and it?"
            ) from _alone(error)
        try:
            try:
                client.wait_for_workers(1, timeout)
            except TimeoutError as error:
                raise WorkersError(
                    f"the Dask scheduler at {address!r} has no workers: start some with `dask worker {address}`"
                ) from _alone(error)
            client.loop.add_callback(_watch, client, silence)
            yield _Dask(client)
        finally:
            client.close()

    return opened


class _Dask(Executor):
    """`Client.get_executor` (2026.8) takes a result whose worker dies just when it has been fetched for an error."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        theirs = self._client.submit(fn, *args, pure=False, **kwargs)
        return asyncio.run_coroutine_threadsafe(_result(theirs), self._client.loop.asyncio_loop)


async def _result(theirs: Any) -> Any:
    from distributed import KilledWorker  # told of each task that was with workers that died, also if it only waited

    try:
        return await theirs
    except KilledWorker as error:
        raise BrokenExecutor(str(error)) from None
    except asyncio.CancelledError:
        theirs.cancel()
        raise


def _alone(error: Exception) -> Exception:
    """The error without all that led to it: what Dask goes through before it gives up fills pages."""
    error.__cause__ = error.__context__ = error.__traceback__ = None
    return error


async def _greet(address: str, timeout: float) -> None:
    """Connect and hang up again. A `Client` waits for ever for a scheduler that accepts its call and says nothing."""
    from distributed import Security
    from distributed.comm import connect

    args = Security().get_connection_args("client")
    (await asyncio.wait_for(connect(address, timeout, **args), timeout)).abort()


async def _watch(client: Any, silence: float) -> None:
    """Hang up on a scheduler that has fallen silent: its tasks then count as lost, and it is called once more.

    A scheduler whose process dies closes its connections, and Dask notices. One that hangs doesn't, nor does one whose
    machine or network is gone.
    """
    answer, ticks = None, 0  # counted, so that nobody is blamed for time in which this process itself was held up
    while client.status == "running" and ticks < 10:
        if answer is None:
            answer = asyncio.ensure_future(client.scheduler.identity(n_workers=0))
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # or it counts as forgotten
        await asyncio.sleep(silence / 10)
        ticks += 1
        if answer.done():
            if not answer.cancelled() and answer.exception() is None:
                ticks = 0
            answer = None
    if client.status == "running":
        client.scheduler_comm.abort()
