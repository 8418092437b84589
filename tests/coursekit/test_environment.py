"""Set-up: once, told before it begins, small on request; what goes wrong gets one line, and the next try works."""

import ast
import errno
import functools
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections import namedtuple
from pathlib import Path

import pytest

from coursekit import environment
from coursekit.environment import Environment, SetupError

ROOT = Path(__file__).parents[2]
GB = 10**9
posix_only = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")


def free_space(monkeypatch, free):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(free, 0, free))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with inputs alone, on a roomy Linux; its commands are written down in `ran`, not run."""
    for name, content in (("pyproject.toml", "a"), ("constraints.txt", "numpy==1.2\ntorch==2.13.0\ntorchvision==0.28")):
        (tmp_path / name).write_text(content)
    free_space(monkeypatch, 100 * GB)
    monkeypatch.setattr(sys, "platform", "linux")
    course = Environment(tmp_path)
    course.ran = []

    def watched(*command, show=lambda line: None):
        course.ran.append([str(word) for word in command])
        course.python.parent.mkdir(parents=True, exist_ok=True)
        course.python.touch()
        if "pip" in command:
            show("Installing collected packages: a, b\n")

    monkeypatch.setattr(course, "_watched", watched)
    return course


def steps(course):
    """The modules that were run since the last call."""
    modules = [words[2] for words in course.ran]
    course.ran.clear()
    return modules


# When, and what of


def test_it_runs_once_and_again_when_its_inputs_change(course, capsys):
    course.set_up()
    assert steps(course) == ["venv", "pip"]
    assert "Setting up .venv" in capsys.readouterr().out
    course.set_up()
    assert steps(course) == []
    (course.root / "constraints.txt").write_text("c")
    course.set_up()
    assert steps(course) == ["pip"]


@pytest.mark.parametrize("line", [0, 1], ids=["place", "build"])
def test_another_place_or_build_gets_a_new_environment(course, line):
    course.set_up()
    (course.folder / "old").touch()
    stamp = course._stamp.read_text().splitlines()
    stamp[line] = "3.11 linux elsewhere"
    course._stamp.write_text("\n".join(stamp))
    steps(course)
    course.set_up()
    assert not (course.folder / "old").exists()
    assert steps(course) == ["venv", "pip"]


def test_a_python_that_has_gone_gets_a_new_environment(course):
    course.set_up()
    steps(course)
    course.python.unlink()
    course.set_up()
    assert steps(course) == ["venv", "pip"]


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_what_was_cut_short_is_made_anew(course, monkeypatch, step):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    watched = course._watched

    def cut(*command, **options):
        watched(*command, **options)
        if step in command:
            raise KeyboardInterrupt

    monkeypatch.setattr(course, "_watched", cut)
    with pytest.raises(KeyboardInterrupt):
        course.set_up()
    (course.folder / "half").touch()
    monkeypatch.setattr(course, "_watched", watched)
    steps(course)
    course.set_up()
    assert steps(course) == ["venv", "pip"]
    assert not (course.folder / "half").exists()


def test_an_extra_cut_short_before_it_unpacks_costs_nothing(course, monkeypatch):
    course.set_up()
    watched = course._watched

    def offline(*command, **options):
        raise SetupError("no network")

    monkeypatch.setattr(course, "_watched", offline)
    with pytest.raises(SetupError):
        course.install("peers")
    monkeypatch.setattr(course, "_watched", watched)
    steps(course)
    course.set_up()
    assert steps(course) == []
    course.install("peers")
    assert course.ran[-1][-1] == ".[peers]"
    course.set_up()
    assert steps(course) == ["pip"]


def test_one_that_is_going_on_in_another_window_is_left_alone(course, monkeypatch):
    course.folder.mkdir()
    course._stamp.write_text("3.11 here\ncpu")
    monkeypatch.setattr(time, "sleep", lambda seconds: os.utime(course._stamp, (1, 1)))  # as its sign of life does
    with pytest.raises(SetupError, match="another course"):
        course.set_up()
    assert course.ran == []
    assert course.folder.exists()


def test_what_python_compiles_is_kept_whatever_the_machine_says(tmp_path, monkeypatch):
    """Set-up compiles nothing, so every process would do it again."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert Environment(tmp_path).run(sys.executable, "-c", "import sys; sys.exit(sys.dont_write_bytecode)") == 0


# The small PyTorch


def test_sizes_are_told_before_anything_is_done(course, capsys, monkeypatch):
    monkeypatch.setattr(course, "_watched", lambda *command, **options: pytest.fail(capsys.readouterr().out))
    with pytest.raises(
        pytest.fail.Exception, match=r"(?s)2\.9 GB.*5\.3 GB on disk.*add --cpu.*0\.4 GB.*1\.4 GB on disk"
    ):
        course.set_up()
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(pytest.fail.Exception) as told:
        course.set_up(cpu=True)
    assert "0.4 GB of Python packages to download, 1.4 GB on disk" in str(told.value)
    assert "NVIDIA" not in str(told.value)


def test_the_choice_of_the_small_one_is_kept(course):
    course.set_up(cpu=True)
    index = ["--extra-index-url", environment.CPU_INDEX]
    assert course.ran[1][-4:] == [*index, "torch==2.13.0+cpu", "torchvision==0.28"]
    assert course.ran[2][-1] == ".[all]"
    assert "--extra-index-url" not in course.ran[2]  # nothing else comes from there
    assert steps(course) == ["venv", "pip", "pip"]
    course.set_up()
    course.set_up(cpu=True)
    assert steps(course) == []
    (course.root / "constraints.txt").write_text("torch==3.0")
    course.set_up()
    assert "torch==3.0+cpu" in course.ran[0]


def test_the_small_one_replaces_the_large_one(course):
    course.set_up()
    assert "--extra-index-url" not in course.ran[-1]
    steps(course)
    course.set_up(cpu=True)
    assert steps(course) == ["venv", "pip", "pip"]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_have_the_small_one_anyway(course, monkeypatch, capsys, system):
    monkeypatch.setattr(sys, "platform", system)
    course.set_up()
    assert "0.4 GB" in capsys.readouterr().out
    assert "--extra-index-url" not in course.ran[-1]
    steps(course)
    course.set_up(cpu=True)
    assert steps(course) == []


# What goes wrong


def test_an_old_python_is_told(course, monkeypatch):
    for file in (ROOT / "course.py", Path(environment.__file__), ROOT / "src" / "coursekit" / "__init__.py"):
        ast.parse(file.read_text("utf-8"), feature_version=(3, 8))  # else it would only see a syntax error
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    monkeypatch.setattr(sys, "version", "3.10.1 (main)")
    with pytest.raises(SetupError, match=r"this is Python 3\.10\.1; the course needs 3\.11"):
        course.set_up()


def test_it_needs_the_standard_library_alone():
    for file in (ROOT / "course.py", Path(environment.__file__)):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"coursekit"}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("OSError: [WinError 112] There is not enough space on the disk", "the disk is full"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot connect to proxy.', "
            "NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))': /simple/x/",
            "HTTPS_PROXY",
        ),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(': Failed to establish "
            "a new connection: [Errno -3] Temporary failure in name resolution')': /simple/x/\n"
            "ERROR: Could not find a version that satisfies the requirement x (from versions: none)\n"
            "ERROR: No matching distribution found for x",
            "no answer from the network",
        ),
        ("HTTPSConnectionPool(host='a.example', port=443): Read timed out.", "no answer from the network"),
        ("SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed')", "PIP_CERT"),
        ("[Errno 13] Permission denied: '.venv'", "another user's"),
        ("[Errno 30] Read-only file system: '.venv'", "copy the course to a folder of your own"),
        (
            "The virtual environment was not created successfully because ensurepip is not\navailable.",
            "install the package python3-venv",
        ),
        ("ERROR: No matching distribution found for torch==2.13.0", "isn't to be had for Python 3."),
        ("Collecting a\nerror: something new\n\n", "set-up failed: error: something new (more in "),
        ("", "it ended without a word"),
    ],
)
def test_each_failure_is_one_line_that_says_what_to_do(course, said, told):
    reason = course._reason(said)
    assert told in reason
    assert "\n" not in reason
    assert "{" not in reason


def test_a_failure_leaves_pips_own_words_in_a_log(course):
    course.folder.mkdir()
    assert str(course.folder / "course-setup.log") in course._reason("first\nsomething new\n")
    assert (course.folder / "course-setup.log").read_text() == "first\nsomething new\n"


def test_too_small_a_disk_is_told_before_anything_is_fetched(course, monkeypatch):
    free_space(monkeypatch, 4 * GB)
    with pytest.raises(
        SetupError, match=r"disk is full: 8\.2 GB are needed .* 4\.0 GB are free; with --cpu it takes 1\.8"
    ):
        course.set_up()
    assert course.ran == []
    course.set_up(cpu=True)
    assert steps(course) == ["venv", "pip", "pip"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_refuses_is_told(course, monkeypatch, number):
    def mkdir(self, **options):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(SetupError, match="to a folder of your own"):
        course.set_up()


def test_an_environment_that_cannot_be_removed_is_told(course, monkeypatch):
    (course.folder / "lib").mkdir(parents=True)

    def rmtree(path, ignore_errors=False):
        if not ignore_errors:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    with pytest.raises(SetupError, match="another user's"):
        course.set_up()


def test_a_step_is_told_line_by_line_and_what_fails_is_explained(tmp_path):
    course, lines = Environment(tmp_path), []
    course.folder.mkdir()
    program = "import sys; print('one', flush=True); print('No space left', file=sys.stderr); sys.exit(3)"
    with pytest.raises(SetupError, match="disk is full"):
        course._watched(sys.executable, "-c", program, show=lines.append)
    assert lines == ["one\n", "No space left\n"]
    assert not (course.folder / "tmp").exists()


@posix_only
def test_a_step_that_is_killed_is_told(tmp_path):
    course = Environment(tmp_path)
    course.folder.mkdir()
    with pytest.raises(SetupError, match=r"killed \(signal 9"):
        course._watched(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")


@posix_only
@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind_that_writes(tmp_path):
    (tmp_path / ".venv").mkdir()
    child = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    program = f"""
import signal, sys
from pathlib import Path
from coursekit.environment import Environment
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in what a shell has put in the background
Environment(Path({str(tmp_path)!r}))._watched(sys.executable, "-c", {child!r}, show=sys.stdout.write)
"""
    words = [sys.executable, "-u", "-c", program]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)  # to itself alone, as a stop button does; a terminal tells its children, too
        process.stdout.read()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@posix_only
def test_ctrl_c_waits_for_what_a_command_has_to_write_down(tmp_path):
    """As a terminal sends it, to all at once; a command that ends well after it has not been stopped."""
    command = (
        "import time, pathlib\n"
        "try:\n    print('ready', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.7); pathlib.Path('kept').touch()"
    )
    script = (
        "import signal, sys; from pathlib import Path; from coursekit.environment import Environment\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # as above
        f"sys.exit(Environment(Path()).run(sys.executable, '-c', {command!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True
    )
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 0
    assert (tmp_path / "kept").exists()


def test_what_takes_long_is_shown_and_the_rest_is_not(course, monkeypatch, capsys):
    lines = [
        "Collecting torch>=2.6",
        "  Downloading torch-2.13.0-cp313-cp313-manylinux_2_28_x86_64.whl (526.6 MB)",
        "  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)",
        "  Downloading jedi-0.20.1-py2.py3-none-any.whl (4.9 MB)",
        "  Downloading https://an.example/whl/cpu/torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl (191.8 MB)",
        "Using cached jupyterlab-4.6.6-py3-none-any.whl (17.3 MB)",
        "WARNING: Retrying (Retry(total=4)) after connection broken by ...",
        "WARNING: Retrying (Retry(total=3)) after connection broken by ...",
        "Installing collected packages: six, torch, jedi",
    ]
    monkeypatch.setattr(course, "_watched", lambda *command, show: [show(line + "\n") for line in lines])
    course.folder.mkdir()
    course._install("all", ["place", "cuda", "inputs"])
    assert capsys.readouterr().out.splitlines() == [
        "  fetching torch 2.13.0, 526 MB",
        "  fetching torch 2.13.0+cpu, 191 MB",
        "  fetching jupyterlab 4.6.6, 17 MB",
        "  no answer from the network; trying again",
        "  unpacking 3 packages",
    ]


# With pip, against an index on this machine


def write_wheel(folder, name, version, *more):
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        "METADATA": ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *more],
        "WHEEL": ["Wheel-Version: 1.0", "Generator: test", "Root-Is-Purelib: true", "Tag: py3-none-any"],
        "RECORD": [f"{info}/{file},," for file in ("METADATA", "WHEEL", "RECORD")],
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, lines in files.items():
            wheel.writestr(f"{info}/{file}", "\n".join(lines) + "\n")


BACKEND = """
import shutil

def build_editable(directory, config_settings=None, metadata_directory=None):
    name = "course-1-py3-none-any.whl"
    shutil.copy(name, directory)
    return name
"""


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A course that needs torch, and two indexes: one has the usual builds, the other one that with the suffix."""
    for version in ("2.13.0", "2.14.0"):
        write_wheel(tmp_path / "index" / "usual" / "torch", "torch", version)
    write_wheel(tmp_path / "index" / "small" / "torch", "torch", "2.13.0+cpu")
    root = tmp_path / "Bücher & Übungen"
    write_wheel(root, "course", "1", "Provides-Extra: all", "Requires-Dist: torch>=2; extra == 'all'")
    (root / "constraints.txt").write_text("torch==2.13.0\n")
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]'
    )
    (root / "backend.py").write_text(BACKEND)
    handler = functools.partial(Quiet, directory=tmp_path / "index")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for name in [name for name in os.environ if name.startswith("PIP_") or name.lower().endswith("_proxy")]:
            monkeypatch.delenv(name)
        for name, value in (("INDEX_URL", f"{address}/usual"), ("CONFIG_FILE", os.devnull), ("RETRIES", "1")):
            monkeypatch.setenv(f"PIP_{name}", value)
        monkeypatch.setattr(environment, "CPU_INDEX", f"{address}/small")
        monkeypatch.setattr(sys, "platform", "linux")
        free_space(monkeypatch, 100 * GB)
        yield Environment(root)
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


def version_of_torch(course):
    program = "from importlib.metadata import version; print(version('torch'))"
    return subprocess.run([course.python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the small PyTorch is a matter of Linux")
def test_pip_takes_the_build_that_was_asked_for_and_never_the_large_one_instead(served, monkeypatch):
    served.set_up(cpu=True)
    assert version_of_torch(served) == "2.13.0+cpu"
    (served.root / "constraints.txt").write_text("torch==2.14.0\n")
    monkeypatch.setattr(environment, "CPU_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(SetupError, match="no answer from the network"):
        served.set_up()
    assert version_of_torch(served) == "2.13.0+cpu"
    (served.root / "constraints.txt").write_text("torch==2.13.0\n")
    served.set_up()
