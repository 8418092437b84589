"""The autograder at work: what a notebook defines is what counts, and no hand-in reaches beyond its own row."""

import os
import re
import time
from pathlib import Path

import pytest

from coursekit.grading.judging import Task, _Judging, judge
from coursekit.grading.reading import read_cells
from coursekit.grading.sandbox import Limits, Sandbox, has_bubblewrap
from coursekit.labs import lab_of

ROOT = Path(__file__).parents[2]
NAME = "01_rolling_downhill.ipynb"
LAB, SOLUTION = read_cells(ROOT / "labs" / NAME), read_cells(ROOT / "solutions" / NAME)
FIRST = "import numpy as np\nfrom coursekit.labs import lab01 as lab"
RIGHT = [source for _, source in SOLUTION.code if source.startswith("def ") and "SOLUTION" in source]
STUBS = [source for _, source in LAB.code if "Your turn" in source]
GRADIENT, LIMIT, MOMENTUM, FIT = RIGHT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_bubblewrap(), reason="needs Linux and bubblewrap"),
]


def _judged(*cells, seconds=30, **more):
    """({exercise: points}, {exercise: message or note}, notes) of a notebook with these code cells."""
    found = list(judge(Task(NAME, list(enumerate(cells)), FIRST, [], cell_seconds=seconds, **more)))
    exercises = {number: finding for number, finding in found if number}
    points = {number: finding.points for number, finding in exercises.items()}
    said = {number: finding.note or finding.message for number, finding in exercises.items()}
    return points, said, [note for number, note in found if not number]


@pytest.mark.parametrize(("seconds", "due"), [(3, 660), (60, 1260)])
def test_a_busy_machine_is_given_time(seconds, due):
    """However little may be computed: beside 28 others 17 seconds of computing took three minutes."""
    assert due - 10 < _Judging(Task(NAME, [], FIRST, [], cell_seconds=seconds), lab_of(NAME))._left_of_clock <= due


def test_deleted_moved_and_copied_cells_do_not_matter():
    # No imports, everything backwards, one function not there, the stubs pasted below, a syntax error.
    points, said, notes = _judged(FIT, LIMIT, GRADIENT, *STUBS, "def broken(:\n  x")
    assert points == {"1.1": 4, "1.2": 4, "1.3": 0, "1.4": 4}
    assert said["1.3"].startswith("take n_steps steps")
    assert [note for note in notes if "SyntaxError" in note]


def test_a_function_counts_as_it_stood_at_its_check_and_at_the_end():
    helper = "def half(a):\n    return a / 2\n"
    gradient = GRADIENT.replace("def mse_gradient", f"{helper}def mse_gradient").replace("2 *", "4 * half(1) *")
    assert "half(1)" in gradient
    points, said, _ = _judged(
        gradient,
        'lab.check("1.1", mse_gradient)',
        "def half(a):\n    return 'mine'",
        LIMIT.replace("np.", "numpy."),  # its check comes before what it needs
        'lab.check("1.2", stability_limit)',
        "import numpy",
        "lab.score(); lab.passed('1.1')",
    )
    assert (points["1.1"], points["1.2"]) == (4, 4)
    assert "passed at its check, and counts; at the end of the notebook it would fail" in said["1.1"]
    assert said["1.2"] == ""


def test_what_waits_for_passed_is_run_if_something_is_missing():
    inside = "if lab.passed('1.1'):\n" + "\n".join(f"    {line}" for line in LIMIT.split("\n"))
    points, _, _ = _judged(GRADIENT, 'lab.check("1.1", mse_gradient)', inside)
    assert points["1.2"] == 4


def test_trouble_costs_its_cell_or_its_exercise_alone(monkeypatch):
    monkeypatch.setattr(lab_of(NAME), "time_limit", 4)  # what is right needs next to none, but a busy machine more
    dies = "def stability_limit(x):\n    import os\n    os._exit(3)"
    hangs = "def momentum_descent(gradient, start, learning_rate, beta, n_steps):\n    while True: pass"
    points, said, notes = _judged(
        "while True:\n    print('x' * 10_000)",
        GRADIENT,
        dies,
        'lab.check("1.2", stability_limit)',
        "input()",
        "exit()",
        hangs,
        "import os; os.kill(os.getpid(), 9)",
        FIT,
        seconds=4,
    )
    assert points == {"1.1": 4, "1.2": 0, "1.3": 0, "1.4": 4}, (said, notes)
    assert "your function ended the process that it ran in" in said["1.2"]
    assert "was not finished after 4 seconds and was stopped" in said["1.3"]
    assert "cell 1 left out: not finished after 4 seconds" in notes
    assert "cell 8 left out: the process ended" in notes
    assert any(note.startswith("cell 5: EOFError") for note in notes)
    assert any("exit() and quit() do nothing" in note for note in notes)


PATCHED = """
import sys, types, builtins, json, inspect
import numpy as np, numpy
from coursekit.labs import lab01
yes = lambda *_, **__: True
np.allclose = numpy.array_equal = np.isclose = yes
json.dumps = lambda *_, **__: '{"value": true}'
class Anything:
    __array__ = lambda self, *_, **__: np.ones(())
    __eq__ = __ge__ = __le__ = __lt__ = __gt__ = yes
    __hash__ = object.__hash__
    __float__ = lambda self: 1.0
    __getattr__ = lambda self, name: self if not name.startswith("_") else object.__getattribute__(self, name)
    __iter__ = lambda self: iter([self, self])
    __len__ = lambda self: 2
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __truediv__ = lambda self, other: self
def mse_gradient(m, b, x, y): return Anything()
def stability_limit(x): return Anything()
def momentum_descent(gradient, start, learning_rate, beta, n_steps): return Anything()
def fit_line(x, y, learning_rate, n_steps): return Anything(), Anything()
"""
FORGED = """
import gc, os, json, struct
for name in os.listdir("/proc/self/fd"):
    if int(name) > 2:
        for text in ('{"reply": 3, "value": null}', '["1.1", {"points": 4, "status": "PASS", "message": ""}]'):
            try:
                os.write(int(name), text.encode() + b"\\n")
                os.write(int(name), struct.pack(">IQ", 1, len(text)) + text.encode())
            except OSError:
                pass
"""
PEEKS = """
import os, sys, glob
found = []
for folder in ("/", "/work", os.path.expanduser("~"), "..", "../solutions", sys.prefix):
    for base, _, names in os.walk(folder):
        if base.startswith(("/proc", "/sys", "/dev", "/usr")) or "site-packages" in base:
            continue
        found += [f"{base}/{n}" for n in names if n.endswith(".ipynb") or "lab01" in n or "gradebook" in n]
assert not found, found
for name in ("coursekit.feedback", "coursekit.labs.lab02", "coursekit.grading.judging", "evidence"):
    try:
        __import__(name)
    except ImportError:
        continue
    raise AssertionError(name)
"""
INSIDE_OUT = """
def mse_gradient(m, b, x, y):
    raise KeyboardInterrupt
def stability_limit(x):
    raise SystemExit
def fit_line(x, y, learning_rate, n_steps):
    a = []
    for _ in range(100_000):
        a = [a]
    return a
def momentum_descent(gradient, start, learning_rate, beta, n_steps):
    for name in ("__globals__", "__code__", "__self__", "__class__", "__func__", "mro", "f_back", "func_globals"):
        try:
            found = gradient._ask_peer({"on": gradient._number, "do": "get"}, (name,), {})
        except AttributeError:
            continue
        raise RuntimeError("LEAK " + name)
    try:
        gradient.x = 1
        type(gradient)(gradient._ask_peer, 99)("x")
    except Exception:
        pass
    raise TypeError("as it should be")
"""
BOMBS = {
    "memory": ("x = bytearray(10 ** 12)", "MemoryError"),
    "disk": ("f = open('big', 'wb')\nwhile True: f.write(b'x' * 10**7)", "OSError|left out"),
    "network": ("import socket; socket.create_connection(('127.0.0.1', 80), timeout=5)", "OSError|Refused|refused"),
    # If the course lies below /tmp, the sandbox has such a folder in memory: what counts is that the file is as it was.
    "write": (f"open({str(ROOT / 'README.md')!r}, 'a')", "FileNotFoundError|OSError|^$"),
    "parent": ("import os; os.kill(os.getppid(), 9)", "^$"),  # the first process of its world, which it can't end
    "pip": (
        "import subprocess, sys; subprocess.run([sys.executable, '-m', 'pip', 'install', 'x'], check=True)",
        "Error",
    ),
    "startup": ("import os; open(os.environ['IPYTHONDIR'] + '/profile_default/startup/x.py', 'w').write('1/0')", "^$"),
    "shadow": ("open('numpy.py', 'w').write('raise SystemExit')", "^$"),
    "exit": ("raise SystemExit", "SystemExit"),
    "threads": (
        "import threading, time\nfor _ in range(9): threading.Thread(target=time.sleep, args=(999,)).start()",
        "^$",
    ),
}


@pytest.mark.parametrize("source", [PATCHED, FORGED, INSIDE_OUT], ids=["patched", "forged", "inside out"])
def test_nothing_is_gained(source):
    points, said, _ = _judged(source, seconds=10)
    assert set(points.values()) == {0}
    assert "LEAK" not in str(said)


def test_nothing_of_the_course_or_the_class_is_to_be_seen():
    _, _, notes = _judged(PEEKS)
    assert notes == []


def test_bombs_go_off_in_their_own_room():
    """All of them in one notebook: each is noted as it deserves, and the function below them gets its points."""
    before = sorted(Path.cwd().iterdir()), (ROOT / "README.md").stat().st_mtime
    points, _, notes = _judged(*(source for source, _ in BOMBS.values()), GRADIENT, seconds=10)
    assert points["1.1"] == 4
    for index, (name, (_, expected)) in enumerate(BOMBS.items()):
        said = [
            note for note in notes if note.startswith(f"cell {index + 1} left") or note.startswith(f"cell {index + 1}:")
        ]
        assert re.search(expected, "".join(said)), (name, said)
    assert (sorted(Path.cwd().iterdir()), (ROOT / "README.md").stat().st_mtime) == before


def test_what_was_started_is_ended():
    """A child that leaves its parent, and one that ignores signals, are gone with the sandbox."""
    import psutil

    mark = f"sleep-{os.getpid()}"
    source = (
        "import subprocess, sys\n"
        "code = 'import signal, time\\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\\ntime.sleep(600)'\n"
        f"for _ in range(3): subprocess.Popen([sys.executable, '-c', code, {mark!r}], start_new_session=True)\n"
    )

    def count():
        found = 0
        for process in psutil.process_iter(["cmdline"]):
            found += mark in (process.info["cmdline"] or [])
        return found

    with Sandbox({}, Limits()) as box:
        box.call("set_up", "lab01", [], [])
        assert box.call("cell", source) is None
        assert count() == 3
    deadline = time.monotonic() + 600
    while count() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert count() == 0


def test_without_walls_nothing_runs_unless_it_is_typed(monkeypatch):
    monkeypatch.setattr("coursekit.grading.sandbox.has_bubblewrap", lambda: False)
    with pytest.raises(RuntimeError, match="--unsafe"), Sandbox({}):
        pass
    points, _, _ = _judged(GRADIENT, unsafe=True)
    assert points["1.1"] == 4
