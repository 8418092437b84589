"""Kernels for nbval that start with the heavy imports done: on Linux, each is forked from one process that has them.

Sixty notebooks each pay about six seconds for importing torch and its like; a fork costs a tenth of a second, and is
as much a kernel of its own as a new process is. Elsewhere (a fork after such imports isn't safe on macOS, and unknown
to Windows) kernels start as usual.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
from typing import Any
from unittest import mock

import nbval.kernel
from jupyter_client.provisioning import local_provisioner

PRELOAD = ["ipykernel.kernelapp", "matplotlib.pyplot", "myst_nb", "pandas", "scipy.stats", "sklearn", "torch"]
INLINE = "module://matplotlib_inline.backend_inline"  # ipykernel sets it before a notebook imports matplotlib


class ForkedKernel:
    """A kernel's process as `subprocess.Popen` would show it, as far as jupyter_client looks."""

    stdin = stdout = stderr = None

    def __init__(self, command: list[str], environment: dict[str, str], folder: str | None) -> None:
        context = multiprocessing.get_context("forkserver")
        own_session = context.Event()
        self._process = context.Process(target=_be_a_kernel, args=(command, environment, folder, own_session))
        self._process.start()
        own_session.wait(60)  # jupyter_client signals the kernel's process group, which must not be ours
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self) -> int | None:
        self._process.join()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None and self.pid:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _be_a_kernel(command: list[str], environment: dict[str, str], folder: str | None, own_session: Any) -> None:
    """In the forked process: what `python -m ipykernel_launcher -f FILE` does."""
    os.setsid()
    own_session.set()
    os.environ.clear()
    os.environ.update(environment)
    if folder:
        os.chdir(folder)
    sys.path[:] = ["", *(entry for entry in sys.path if os.path.basename(entry) != "tests")]
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what a kernel says beside its messages is nobody's, as where nbval starts it
        os.dup2(nowhere, stream)
    import pandas

    pandas.set_option("display.max_columns", 20)  # its default in a kernel; imported elsewhere it sees a terminal
    words = command[command.index("ipykernel_launcher") + 1 :]
    from ipykernel.kernelapp import IPKernelApp

    # The parent to watch is the process that was forked, not the one that asked.
    app = IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize(words)
    app.start()


def launch_kernel(command: list[str], env: dict[str, str] | None = None, cwd: str | None = None, **_: Any) -> Any:
    """In place of jupyter_client's function of this name."""
    return ForkedKernel(command, dict(os.environ if env is None else env), cwd)


def install() -> None:
    """From now on, nbval in this process forks its kernels, where that is safe; nobody else does."""
    if sys.platform != "linux":
        return
    multiprocessing.forkserver.set_forkserver_preload(PRELOAD)
    with mock.patch.dict(os.environ, MPLBACKEND=INLINE):
        multiprocessing.forkserver.ensure_running()
    start_new_kernel = nbval.kernel.start_new_kernel

    def start_forked_kernel(*words: Any, **named: Any) -> Any:
        with mock.patch.object(local_provisioner, "launch_kernel", launch_kernel):
            return start_new_kernel(*words, **named)

    nbval.kernel.start_new_kernel = start_forked_kernel
