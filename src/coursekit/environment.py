"""The environment of the course: `.venv`, made before anything else is there, and brought up to date with its inputs.

`course.py` imports this module with whatever Python it is run by: it needs the standard library alone, and holds no
syntax that Python 3.8 can't read, so that an old Python comes as far as being told that it is too old.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # PyTorch's own: its builds for Linux without CUDA
SIZES = {"cuda": (2.9, 5.3), "cpu": (0.4, 1.4)}  # GB to download and then on disk, measured on Linux x86-64
_BIG = re.compile(r"(?:Downloading|Using cached) (?:\S*/)?([^/\s-]+)-([^\s-]+)-\S+\.whl \((\d{2,})[.\d]* MB\)")
SIGN_OF_LIFE = 15  # seconds

# What the system, venv or pip say when a set-up fails, and what to tell; the first that is found counts.
_REASONS = {
    r"Errno 28|No space left|WinError 112|not enough space|quota exceeded": (
        "the disk is full: free some space for {root} and for pip's cache{smaller}"
    ),
    r"ProxyError|Cannot connect to proxy|Tunnel connection failed|407 Proxy|proxy URL|SOCKS support": (
        "the proxy refuses or isn't there: set HTTPS_PROXY to its right address, or unset it"
    ),
    r"CERTIFICATE_VERIFY_FAILED": (
        "a certificate isn't trusted: if a proxy reads along, set PIP_CERT to the file of its certificate"
    ),
    r"host='[^']+'|NewConnectionError|getaddrinfo|Network is unreachable|[Tt]imed out|IncompleteRead": (
        "no answer from the network: look at the connection; what has been fetched is kept"
    ),
    r"Errno 30|Read-only file system": "{root} can't be written to: copy the course to a folder of your own",
    r"Errno (?:1|13)\b|Permission denied|WinError (?:5|32)\b|Access is denied": (
        "no right to write: {root} or its .venv is another user's (copy the course to a folder of your own), "
        "or still in use (close JupyterLab)"
    ),
    r"WinError 206|Long Path": "the folder's path is too long for Windows: move the course to a shorter one",
    r"ensurepip|No module named '?venv": (
        "this Python can't make environments: on Debian and Ubuntu, install the package python3-venv"
    ),
    r"No matching distribution found|ResolutionImpossible": (
        "a package isn't to be had for {python}, or not just now: try once more, then with a Python that the README "
        "names as tested"
    ),
}


class SetupError(Exception):
    """Set-up can't go on; the message says in one line why and how to mend it."""


class Environment:
    """The `.venv` in the folder of a course.

    Its stamp says what it was made from: place, build of PyTorch, inputs. While packages are being unpacked the inputs
    are missing; an environment whose stamp is cut short may be half of one, and is made anew.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self._stamp = self.folder / "course-setup.txt"
        self._temporary = self.folder / "tmp"  # for pip: the system's is often a small disk in memory
        self._smaller = ""  # what --cpu would save, if anything

    def set_up(self, cpu: bool = False) -> None:
        """Make `.venv` and install into it, unless it was made from the same inputs before.

        Args:
            cpu: on Linux, take PyTorch without CUDA. The choice is kept until `.venv` is removed.

        Raises:
            SetupError: it can't be made.
        """
        # Nothing up to here may need a newer Python than the one that is told here to be replaced.
        if sys.version_info < (3, 11):  # noqa: UP036
            raise SetupError(
                f"this is Python {sys.version.split()[0]}; the course needs 3.11 or newer: run it with a newer python3"
            )
        with self._told():
            made = self._made()
            build = "cpu" if cpu or "cpu" in made or sys.platform != "linux" else "cuda"
            wanted = self._wanted(build)
            if made == wanted and self.python.exists():
                return
            small, large = (sum(SIZES[size]) for size in ("cpu", "cuda"))
            self._smaller = f"; with --cpu it takes {small:.1f} GB, not {large:.1f}" if build == "cuda" else ""
            start = time.monotonic()
            if len(made) == len(wanted) and made[:2] == wanted[:2] and self.python.exists():
                print("Bringing .venv up to date with pyproject.toml and constraints.txt.", flush=True)
            else:
                self._begin(wanted[:2])
            self._install("all", wanted)
            print(f"Set-up done in {time.monotonic() - start:.0f} s.", flush=True)

    def install(self, extra: str) -> None:
        """Install one more of the extras of pyproject.toml. SetupError: it can't be."""
        with self._told():
            self._install(extra, self._made())

    def run(self, *command: str | Path, **variables: str) -> int:
        """Run a command with the environment's programs on the path; returns its exit code.

        Ctrl-C reaches the command as well, which may have something to write down: it has until a second Ctrl-C.
        """
        with subprocess.Popen([str(word) for word in command], env=self._variables(variables)) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                try:
                    if process.wait():
                        raise
                except KeyboardInterrupt:
                    process.kill()
                    raise
                return 0

    def _variables(self, more: dict[str, str]) -> dict[str, str]:
        path = os.pathsep.join([str(self.python.parent), os.environ.get("PATH", "")])
        # A user's own packages must not shine through: they would hide what this project forgot to declare.
        # Set-up leaves compiling to the first import: not to keep what comes of it would double each later start.
        return {**os.environ, "PATH": path, "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "", **more}

    def _made(self) -> list[str]:
        return self._stamp.read_text("utf-8").splitlines() if self._stamp.is_file() else []

    def _wanted(self, build: str) -> list[str]:
        place = f"{sys.version_info[0]}.{sys.version_info[1]} {sys.platform} {platform.machine()} {self.root}"
        inputs = b"".join((self.root / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
        return [place, build, hashlib.sha256(inputs).hexdigest()]

    def _begin(self, stamp: list[str]) -> None:
        """Make an empty environment, in place of what is there."""
        if len(self._made()) == len(stamp):  # cut short, or still going on in another window?
            touched = self._stamp.stat().st_mtime
            time.sleep(3)
            if self._stamp.exists() and self._stamp.stat().st_mtime != touched:
                raise SetupError("another course.py is just setting up .venv: wait for it, then try again")
        if self.folder.exists():
            print("Removing .venv: it isn't whole, or was made for another place, Python or PyTorch.", flush=True)
            shutil.rmtree(self.folder, ignore_errors=True)  # what a dying pip takes away meanwhile is no error
            if self.folder.exists():
                shutil.rmtree(self.folder)
        self.folder.mkdir()
        download, size = SIZES[stamp[1]]
        free = shutil.disk_usage(self.root).free / 1e9
        if free < download + size:
            self.folder.rmdir()
            raise SetupError(
                f"the disk is full: {download + size:.1f} GB are needed for {self.root} while packages are unpacked, "
                f"{free:.1f} GB are free{self._smaller}"
            )
        self._stamp.write_text("\n".join(stamp), "utf-8")
        print(f"Setting up .venv, once: {download} GB of Python packages to download, {size} GB on disk.", flush=True)
        if self._smaller:
            download, size = SIZES["cpu"]
            print("Most of it is PyTorch for NVIDIA cards. To do without, press Ctrl-C and add --cpu to the command:")
            print(f"{download} GB to download, {size} GB on disk.", flush=True)
        # Inside an environment, its own Python would be removed above; _base_executable is the one that made it.
        self._watched(getattr(sys, "_base_executable", sys.executable), "-m", "venv", self.folder)

    def _install(self, extra: str, stamp: list[str]) -> None:
        """Let pip install the course with an extra, and stamp the environment as whole."""

        shown = ""

        def show(line: str) -> None:
            nonlocal shown
            before, big = shown, _BIG.search(line)
            if big:
                shown = "  fetching {} {}, {} MB".format(*big.groups()).replace("%2B", "+")
            elif "Retrying (" in line:
                shown = "  no answer from the network; trying again"
            elif line.startswith("Installing collected packages"):
                shown = f"  unpacking {line.count(',') + 1} packages"
                self._stamp.write_text("\n".join(stamp[:2]), "utf-8")
            if shown != before:
                print(shown, flush=True)

        # Skipping byte-compilation saves about a minute; Python does it when a module is first imported.
        pip: list[str | Path] = [self.python, "-m", "pip", "install", "--no-compile", "--no-input"]
        pip += ["--disable-pip-version-check", "-c", "constraints.txt"]
        if stamp[1] == "cpu" and sys.platform == "linux":
            # First and alone, so that nothing else comes from there; named with its suffix, else pip would quietly take
            # the large one where the index doesn't answer.
            pins = re.findall(
                r"^torch(?:vision)?==\S+", (self.root / "constraints.txt").read_text("utf-8"), re.MULTILINE
            )
            small = [f"{pin}+cpu" if pin.startswith("torch==") else pin for pin in pins]
            self._watched(*pip, "--extra-index-url", CPU_INDEX, *small, show=show)
        self._watched(*pip, "-e", f".[{extra}]", show=show)
        self._stamp.write_text("\n".join(stamp), "utf-8")

    def _watched(self, *command: str | Path, show: Callable[[str], None] = lambda line: None) -> None:
        """Run a step of the set-up, with a sign of life; its output goes to `show`, line by line."""
        said = []
        self._temporary.mkdir(exist_ok=True)
        variables = self._variables({"TMPDIR": str(self._temporary), "PYTHONUNBUFFERED": "1"})
        ended = threading.Event()
        threading.Thread(target=self._show_life, args=[ended], daemon=True).start()
        with subprocess.Popen(
            [str(word) for word in command],
            cwd=self.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    said.append(line)
                    show(line)
                code = process.wait()
            except BaseException:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(3)  # Ctrl-C has reached it, too, and it tidies up
                process.terminate()  # nothing may go on writing
                process.wait()
                raise
            finally:
                ended.set()
                shutil.rmtree(self._temporary, ignore_errors=True)
        if code < 0:
            raise SetupError(f"set-up was killed (signal {-code}; too little memory?); the same command tries again")
        if code:
            raise SetupError(self._reason("".join(said)))

    def _show_life(self, ended: threading.Event) -> None:
        """Touch the stamp each second, for others that would like to set up, and now and then say what has come."""
        seconds = 0
        while not ended.wait(1):
            seconds += 1
            with contextlib.suppress(OSError):  # what was there a moment ago may be gone
                self._stamp.touch()
                if seconds % SIGN_OF_LIFE == 0:
                    fetched = sum(path.stat().st_size for path in self._temporary.glob("pip-unpack-*/*"))
                    print(f"  {seconds // 60}:{seconds % 60:02} min, {fetched / 1e6:.0f} MB fetched", flush=True)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What the system refuses in here is told in one line."""
        try:
            yield
        except OSError as error:
            raise SetupError(self._reason(str(error))) from error

    def _reason(self, said: str) -> str:
        """One line on why a set-up failed, from what was said on the way; a log keeps all of that, if there is room."""
        log = self.folder / "course-setup.log"
        with contextlib.suppress(OSError):
            log.write_text(said, "utf-8")
        for pattern, reason in _REASONS.items():
            if re.search(pattern, said):
                python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
                return reason.format(root=self.root, smaller=self._smaller, python=python)
        lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it ended without a word"]
        last = next((line for line in reversed(lines) if line.lower().startswith("error")), lines[-1])
        return f"set-up failed: {last} (more in {log}); the same command tries again"
