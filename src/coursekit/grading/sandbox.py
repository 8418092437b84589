"""A process for a student's code, and what it may do.

On Linux with bubblewrap (https://github.com/containers/bubblewrap): namespaces of its own for users, processes and
network, no capability, the system's programs and this Python read-only, an empty HOME, one scratch folder in memory,
and nothing else of this machine: no solutions, no checks, no other hand-in, no network. Everywhere: limits of computing
time, memory, processes and file sizes, and an end for everything that was started. Where there is no bubblewrap, that
is all there is, and the code has the rights of whoever grades: such a process is only made if `unsafe` says so.

Each notebook gets a process that is started anew, which costs about a second for its imports. One that is forked from a
process which has imported them would need namespaces and a root made by hand in place of bubblewrap's.
"""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from coursekit.grading.peers import Gone, Peer

__all__ = ["Limits", "Sandbox", "has_bubblewrap"]

_RESTING = 4  # seconds of sleep count as one of computing
_MARK = "COURSEKIT_SANDBOX"
_INSIDE = tuple(
    f"{name}.py" for name in ("counting", "errors", "incoming", "inside", "peers", "remotes", "shared", "values")
)


@dataclass(frozen=True)
class Limits:
    """What one notebook may use: seconds of computing and on the clock, bytes of memory and on disk, processes."""

    computing: float = 600
    clock: float = 1200
    memory: int = 4 * 2**30
    processes: int = 64
    disk: int = 256 * 2**20


@functools.cache
def has_bubblewrap() -> bool:
    """Whether this machine can shut a process in: bubblewrap is there, and may make namespaces."""
    program = shutil.which("bwrap")
    if not sys.platform.startswith("linux") or program is None:
        return False
    try:
        command = [program, *_walls(), "--size", "1048576", "--tmpfs", "/tmp", "/usr/bin/env", "true"]
        return subprocess.run(command, capture_output=True, timeout=20, stdin=subprocess.DEVNULL).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _walls() -> list[str]:
    """What bubblewrap is told about the world: namespaces, and the parts of this system that programs need."""
    told = ["--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--new-session"]
    told += ["--die-with-parent", "--hostname", "classroom", "--clearenv", "--dev", "/dev", "--proc", "/proc"]
    told += ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        path = Path(name)
        if path.is_symlink():
            told += ["--symlink", os.readlink(path), name]
        elif path.is_dir():
            told += ["--ro-bind", name, name]
    for name in ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives"):
        told += ["--ro-bind-try", name, name]
    return told


@dataclass
class Sandbox:
    """A process for one notebook; use it as a context, which ends everything that was started in it.

    Args:
        entries: what the code inside may call by name.
        limits: what it may use.
        unsafe: do without walls where there are none to be had. RuntimeError if they can't be had and it is False.
        data: whether the data sets are there to be read.
    """

    entries: dict[str, Callable[..., Any]]
    limits: Limits = field(default_factory=Limits)
    unsafe: bool = False
    data: bool = True
    why: str = ""
    """Why it was ended, if it was: the limit that was passed."""
    used: float = 0
    """Seconds of computing so far, and a share of those in which nothing was done."""
    computed: float = 0
    """Seconds of computing so far, nothing else."""

    def __enter__(self) -> "Sandbox":
        self.contained = has_bubblewrap()
        if not (self.contained or self.unsafe):
            raise RuntimeError(
                "Students' code can't be shut in here: that needs Linux and bubblewrap (apt install bubblewrap). "
                "With --unsafe it runs without walls: it can read and delete your files, and forge marks."
            )
        self._closing = contextlib.ExitStack()
        self._scratch = Path(self._closing.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        self.shared = self._scratch / "shared"
        self.shared.mkdir()
        self._mark = uuid.uuid4().hex
        course = self._scratch / "course"
        (course / "coursekit" / "grading").mkdir(parents=True)
        (course / "coursekit" / "__init__.py").write_text('"""Nothing: this is a classroom."""\n', "utf-8")
        (course / "coursekit" / "grading" / "__init__.py").touch()
        for name in _INSIDE:
            shutil.copyfile(Path(__file__).with_name(name), course / "coursekit" / "grading" / name)
        self._process = subprocess.Popen(
            self._command(course),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # Not ours: what bubblewrap was started with can be read inside, in /proc/1/environ.
            env={} if self.contained else self._environment(self._scratch),
            cwd=self._scratch,
            start_new_session=True,
        )
        self._ended, self._tree = threading.Event(), psutil.Process(self._process.pid)
        assert self._process.stdin
        assert self._process.stdout
        stdin = self._process.stdin

        def write(data: bytes) -> None:
            view = memoryview(data)
            while view:
                view = view[stdin.write(view) :]

        self.tick: Callable[[], None] = lambda: None
        self.peer = Peer(self._process.stdout.read, write, "j", self.entries, self.shared, tick=lambda: self.tick())
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end("")
        with contextlib.suppress(OSError):
            self._process.stdin and self._process.stdin.close()
        self._process.wait()
        self.peer.close()
        if self._process.stdout:
            self._process.stdout.close()
        self._closing.close()

    def end(self, why: str) -> None:
        """End every process of it."""
        self.why = self.why or why
        self._ended.set()
        if self.contained:  # bubblewrap dies first, and with it at once all that it holds, however fast that forks
            with contextlib.suppress(OSError):
                self._process.kill()
        for process in [*self._processes(), *self._strays()]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(OSError):
            self._process.kill()

    def call(self, entry: str, *args: Any) -> Any:
        """Call an entry inside. `Gone` says why there is no answer."""
        try:
            return self.peer.call(entry, *args)
        except Gone as gone:
            if type(gone) is Gone:
                raise Gone(self.gone) from None
            raise

    @property
    def gone(self) -> str:
        """Why the process can't be asked any more; empty if it can."""
        return self.why or self.peer.gone

    # The command

    def _command(self, course: Path) -> list[str]:
        import neuroevo

        package = Path(neuroevo.__file__).parent
        limits = {"CPU": int(self.limits.computing) + 10, "DATA": self.limits.memory, "CORE": 0, "NOFILE": 512}
        limits |= {"FSIZE": self.limits.disk, "NPROC": 4 * self.limits.processes}
        place = "/tmp" if self.contained else str(self._scratch)
        settings: dict[str, Any] = {
            "limits": limits,
            "work": f"{place}/work",
            "shared": f"{place}/shared-inside",
            "path": [],
        }
        if not self.contained:
            settings["path"] = [str(package.parent)]
            inside = course / "coursekit" / "grading" / "inside.py"
            return [sys.executable, "-I", "-B", str(inside), json.dumps(settings)]
        (course / "neuroevo").mkdir()
        program = shutil.which("bwrap") or "bwrap"
        told = [program, *_walls()]
        for memory in ("/tmp", "/dev/shm"):
            told += ["--size", str(self.limits.disk), "--tmpfs", memory]
        # Two of these may be one, or lie below /usr; a later line covers an earlier one.
        python = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
        for folder in sorted({*python, *_homes_of_python()}):
            if not folder.is_relative_to("/usr"):
                told += ["--ro-bind", str(folder), str(folder)]
        for package_name in ("coursekit", "evidence"):
            told += [word for hidden in _installed(package_name) for word in ("--tmpfs", str(hidden))]
        told += ["--ro-bind", str(course), "/course", "--ro-bind", str(package), "/course/neuroevo"]
        for data in _data_folders() if self.data else []:
            told += ["--ro-bind", str(data), "/data", "--setenv", "NEUROEVO_DATA", "/data"]
        for data in [] if self.data else _data_in_libraries():
            told += ["--tmpfs", str(data)]
        for fonts in _font_lists():
            told += ["--ro-bind", str(fonts), f"/tmp/matplotlib/{fonts.name}"]
        for variable, value in self._environment(Path("/tmp")).items():
            told += ["--setenv", variable, value]
        told += ["--remount-ro", "/", "--remount-ro", "/dev", "--chdir", "/tmp"]
        return [*told, sys.executable, "-I", "-B", "/course/coursekit/grading/inside.py", json.dumps(settings)]

    def _environment(self, place: Path) -> dict[str, str]:
        kept = (
            {}
            if self.contained
            else {k: v for k, v in os.environ.items() if k.upper() in ("SYSTEMROOT", "PATH", "TEMP")}
        )
        return kept | {
            "HOME": str(place / "home"),
            "USERPROFILE": str(place / "home"),
            "IPYTHONDIR": str(place / "ipython"),
            "MPLCONFIGDIR": str(place / "matplotlib"),
            "MPLBACKEND": "agg",
            "LANG": "C.UTF-8",
            "NEUROEVO_OFFLINE": "1",
            "TQDM_DISABLE": "1",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            _MARK: self._mark,
        }

    # What it uses

    def _processes(self) -> list[psutil.Process]:
        """The process and all below it."""
        try:
            return [self._tree, *self._tree.children(recursive=True)]
        except psutil.Error:
            return []

    def _strays(self) -> Iterator[psutil.Process]:
        """Processes that were started inside and have left their parents; behind walls there can be none."""
        if self.contained:
            return
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_MARK) == self._mark:
                    yield process

    def _watch(self) -> None:
        try:
            self._look_on()
        except MemoryError:  # ours: nobody may go on unwatched
            self.end("what it answered took more memory than the judge may use")

    def _look_on(self) -> None:
        """Look at what is used a few times a second, and end it when that is too much."""
        if sys.platform == "linux":  # the kernel doesn't count root's processes, and a thousand would hold this up
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        began = last = time.monotonic()
        latest: dict[int, float] = {}
        resting = 0.0
        while not self._ended.wait(0.1):
            memory, n, works = 0, 0, False
            for process in self._processes():
                with contextlib.suppress(psutil.Error), process.oneshot():
                    times = process.cpu_times()
                    latest[process.pid] = times.user + times.system
                    memory += process.memory_info().rss
                    works |= process.status() not in (psutil.STATUS_SLEEPING, psutil.STATUS_STOPPED)
                    n += 1
            # Who sleeps holds up the others, too; who only waits for a busy machine, or for the judge, doesn't.
            now = time.monotonic()
            resting += 0 if works or not self.peer.waits else (now - last) / _RESTING
            last = now
            self.computed = sum(latest.values())
            self.used = self.computed + resting
            if self.used > self.limits.computing:
                self.end(f"the limit of {self.limits.computing:.0f} seconds of computing was passed")
            elif time.monotonic() - began > self.limits.clock:
                self.end(f"the limit of {self.limits.clock:.0f} seconds was passed")
            elif memory > self.limits.memory:
                self.end(f"the limit of {self.limits.memory / 2**30:.3g} GB of memory was passed")
            elif n > self.limits.processes:
                self.end(f"the limit of {self.limits.processes} processes was passed")


def _homes_of_python() -> Iterator[Path]:
    """Where the interpreter is, and what its link points to."""
    program = Path(sys.executable)
    while program.is_symlink():
        program = program.parent / os.readlink(program)
        if program.parent.name in ("bin", "Scripts"):
            yield Path(os.path.normpath(program.parent.parent))


def _installed(name: str) -> list[Path]:
    """Where a package lies among the libraries, which a notebook can see; nowhere if it is used from its source."""
    spec = find_spec(name)
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    return [folder for folder in folders if folder.is_relative_to(sys.prefix)]


def _data_folders() -> list[Path]:
    from neuroevo.data.sources import folder

    return [path for path in [Path(folder())] if path.is_dir()]


def _data_in_libraries() -> list[Path]:
    """Where scikit-learn keeps the digits that stand in for MNIST."""
    spec = find_spec("sklearn")
    return [Path(place) / "datasets" / "data" for place in (spec.submodule_search_locations or [])] if spec else []


@functools.cache
def _font_lists() -> list[Path]:
    """matplotlib's list of fonts, which takes seconds to make."""
    import matplotlib.font_manager

    return sorted(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"))
