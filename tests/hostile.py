"""Hand-ins that mean harm, for any lab: what a notebook does before its functions, or what they answer instead.

Those that forge have no right function and deserve nothing; those that only do harm have the right functions below it
and deserve their points. `LEAK` in what is told of a notebook means that it has found what it was looking for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coursekit.feedback import Lab

__all__ = ["HOSTILE", "Hostile", "cells_of"]


@dataclass(frozen=True)
class Hostile:
    """A hand-in: cells, and the body of `attack(number, args)` if its functions answer with that.

    `notes` is a pattern of what its row must tell, "" for nothing in particular. `hits_itself`: it may harm its own
    functions, so that any mark is deserved. `slow`: its functions take all the time that a check gives them.
    """

    cells: tuple[str, ...] = ()
    attack: str = ""
    notes: str = ""
    hits_itself: bool = False
    slow: bool = False

    @property
    def forges(self) -> bool:
        """Whether its functions are none."""
        return bool(self.attack)


def cells_of(one: Hostile, lab: Lab, first: str, right: Sequence[str]) -> list[str]:
    """The code cells of a hostile hand-in; `right` are the cells of right functions, for those that have them."""
    cells = [first, *one.cells]
    if one.forges:
        body = one.attack.replace("\n", "\n    ")
        return [*cells, f"def attack(number, args):\n    {body}", *_forged(lab), "lab.score()"]
    return [*cells, *right, "lab.score()"]


def _forged(lab: Lab) -> Iterator[str]:
    for number, exercise in lab.exercises.items():
        if exercise.automatic:
            names = [re.split(r"[:=]", name)[0].strip() for name in exercise.parameters]
            told = f"def {exercise.function}({', '.join(names)}):\n    return attack({number!r}, [{', '.join(names)}])"
            yield f'{told}\nlab.check("{number}", {exercise.function})'


_YES = """yes = lambda *_, **__: True
"""
_ANYTHING = """
class Anything:
    __array__ = lambda self, *_, **__: np.ones(())
    __eq__ = __ge__ = __le__ = __lt__ = __gt__ = lambda *_: True
    __ne__ = lambda *_: False
    __hash__ = object.__hash__
    __float__ = lambda self: 1.0
    __getattr__ = lambda self, name: self if not name.startswith("_") else object.__getattribute__(self, name)
    __iter__ = lambda self: iter([self, self])
    __len__ = lambda self: 2
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = lambda self, other: self
    __abs__ = __neg__ = lambda self: self
"""
_EVERY_FD = """
import os
def every_fd(data):
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.write(int(name), data)
            except OSError:
                pass
"""
_RESULT = """'["1.1", {"points": 99, "status": "PASS", "message": "", "note": ""}]\\n'"""
_SECRETS = r"""
import glob, os, re
def look(data, where):
    if re.search(rb"BEGIN SOLUTION|coursekit[./]labs[./]lab\d\d\.py|gradebook\.sqlite|COURSEKIT_CANARY", data):
        raise RuntimeError("LEAK " + where)
"""

HOSTILE: dict[str, Hostile] = {
    # Tools of the checks, changed in the student's process
    "patches numpy": Hostile(
        (
            """
import numpy as np
yes = lambda *_, **__: True
np.allclose = np.array_equal = np.isclose = np.testing.assert_allclose = yes
""",
        ),
        attack="return 0.0",
    ),
    "patches json": Hostile(
        (
            """
import json
json.dumps = lambda *_, **__: '{"value": true, "status": "PASS"}'
""",
        ),
        attack="return 1",
    ),
    "patches operators": Hostile(
        (
            """
import builtins, operator
yes = lambda *_, **__: True
builtins.abs = lambda x: 0
builtins.all = builtins.isinstance = yes
""",
        ),
        attack="return 0",
    ),
    "rewrites the lab": Hostile(
        (
            _YES
            + """
lab.judge = lab.passed = yes
lab.check = lambda number, f: print('PASS', number)
lab.__class__.check = lambda *_: 'PASS'
lab.LAB = lab.score = lab.exercises = {'1.1': 4}
""",
            """
import sys, types
sys.modules['coursekit.labs'] = sys.modules['coursekit.feedback'] = types.SimpleNamespace()
""",
        ),
        attack="return None",
    ),
    "rewrites the wire": Hostile(
        (
            """
from coursekit.grading import peers, values
n = [0]
def encode(self, value, blobs, scope):
    n[0] += 1
    return {'yours': n[0] % 7 + 1}
peers.Peer._encode = encode
""",
        ),
        attack="return args",
    ),
    # Objects in the place of answers
    "answers that equal anything": Hostile(
        (
            "import numpy as np",
            _ANYTHING,
        ),
        attack="return Anything(), Anything()",
    ),
    "one object that equals anything": Hostile(
        (
            "import numpy as np",
            _ANYTHING,
        ),
        attack="return Anything()",
    ),
    "arrays that lie": Hostile(
        (
            """
import numpy as np
class ndarray(np.ndarray):
    __eq__ = __le__ = __lt__ = __ge__ = __gt__ = lambda self, other: np.array(True)
    __array_function__ = __array_ufunc__ = lambda self, *_, **__: np.array(True)
    __module__ = 'numpy'
""",
        ),
        attack="return np.zeros(3).view(ndarray)",
    ),
    "floats that lie": Hostile(
        (
            """
class float(float):
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
    __hash__ = None
""",
        ),
        attack="return float(7), float(7)",
    ),
    "a class that calls itself an array": Hostile(
        (
            """
Fake = type('ndarray', (), {'__module__': 'numpy', 'shape': (2,), '__len__': lambda self: 10**12})
""",
        ),
        attack="return Fake()",
    ),
    "a flood of NaN": Hostile(
        ("import numpy as np",), attack="return np.full(3_000_000, np.nan), np.full(3_000_000, -np.inf)"
    ),
    "a huge answer": Hostile(("import numpy as np",), attack="return np.zeros(80_000_000)"),
    "a list of millions": Hostile(attack="return [0] * 12_000_000", slow=True),
    "a range without end": Hostile(attack="return range(10**15), range(10**15)", slow=True),
    "a number without end": Hostile(attack="return 1 << 400_000_000"),
    "an answer that never ends": Hostile(("import itertools",), attack="return itertools.count()", slow=True),
    "an answer of a thousand floors": Hostile(
        attack="""
a = []
for _ in range(100_000):
    a = [a]
return a
"""
    ),
    "a generator that keeps the judge waiting": Hostile(
        (
            """
import time
def slow():
    while True:
        time.sleep(0.1)
        yield 0
""",
        ),
        attack="return slow()",
        slow=True,
    ),
    "a function that sleeps": Hostile(("import time",), attack="time.sleep(10**6)", slow=True),
    "a function that never ends": Hostile(
        attack="""
while True:
    pass
""",
        slow=True,
    ),
    "pickles": Hostile(
        (
            """
import os, pickle
class Bomb:
    def __reduce__(self):
        return os.system, ('touch PICKLED /tmp/PICKLED ~/PICKLED',)
    __getstate__ = __reduce__
""",
        ),
        attack="return Bomb(), pickle.dumps(Bomb())",
    ),
    "a function that is none": Hostile(
        (
            """
class Function:
    __call__ = lambda self, *_: 0
    def __getattribute__(self, name):
        if name in ('__name__', '__signature__', '__wrapped__', '__module__', '__code__'):
            raise RuntimeError('asked for ' + name)
        return object.__getattribute__(self, name)
""",
            """
def forge(names):
    for name in names:
        globals()[name] = Function()
""",
        ),
        attack="""
return 0
import sys
""",
    ),
    "inputs made easy": Hostile(
        ("import numpy as np",),
        attack="""
for one in args:
    try:
        one *= 0
    except Exception:
        pass
    if isinstance(one, list):
        one.clear()
return (0.0, 0.0) if len(args) % 2 else 0.0
""",
    ),
    # Looking for what isn't theirs
    "reads the solutions": Hostile(
        (
            _SECRETS
            + """
import sys
for folder in ('/work', '/home', '/root', '/srv', '/mnt', '..', '../solutions', '/course', '/tmp'):
    for base, _, names in os.walk(folder):
        if 'site-packages' in base or '/grading' in base:
            continue
        for name in names:
            if name.endswith(('.ipynb', '.sqlite', '.csv', '.py')):
                with open(os.path.join(base, name), 'rb') as file:
                    look(os.path.join(base, name).encode() + file.read(200_000), base)
""",
        ),
        attack="return None",
    ),
    "imports the checks": Hostile(
        (
            """
import importlib, sys
for name in ('coursekit.feedback', 'coursekit.labs.lab02', 'coursekit.grading.judging', 'evidence'):
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    raise RuntimeError('LEAK ' + name)
""",
        ),
        attack="return None",
    ),
    "reads the judge": Hostile(
        (
            _SECRETS
            + r"""
paths = glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline') + glob.glob('/proc/[0-9]*/maps')
for path in paths:
    with open(path, 'rb') as file:
        look(file.read(), path)
""",
            r"""
found = [path for link in ('root', 'cwd') for path in glob.glob(f'/proc/[0-9]*/{link}/**/*.ipynb')]
if found:
    raise RuntimeError('LEAK ' + found[0])
""",
            r"""
for line in open(f'/proc/{os.getppid()}/maps'):
    begin, end = (int(part, 16) for part in line.split()[0].split('-'))
    if ' rw' in line:
        with open(f'/proc/{os.getppid()}/mem', 'rb') as file:
            file.seek(begin)
            look(file.read(end - begin), 'memory')
""",
        ),
        attack="return None",
    ),
    "walks the memory": Hostile(
        (
            """
import gc, sys
found = [o for o in gc.get_objects() if type(o).__name__ in ('Exercise', 'Student', 'Verdict')]
if found:
    raise RuntimeError('LEAK ' + str(found)[:200])
""",
        ),
        attack="""
import sys
frame = sys._getframe()
while frame:
    if {'expected', 'verdict', 'exercise'} & frame.f_locals.keys():
        raise RuntimeError('LEAK frame')
    frame = frame.f_back
return 0.0
""",
    ),
    "asks the judge": Hostile(
        (
            """
for entry in ('judge', 'keep', 'findings', 'check_all', '__class__'):
    try:
        lab._peer.call(entry, '1.1')
    except Exception:
        continue
    raise RuntimeError('LEAK ' + entry)
""",
            """
for number in range(40):
    for name in ('__globals__', '__self__', 'lab', 'judge', '__code__', '__closure__'):
        for what in ('get', 'call', 'item', 'iter', 'enter'):
            try:
                lab._peer.ask({'on': number, 'do': what}, (name,), {})
            except Exception:
                continue
            raise RuntimeError('LEAK ' + name)
""",
        ),
        attack="return None",
    ),
    "asks for a verdict on every guess": Hostile(
        (
            """
known = {}
def guess(value):
    return lambda *args: value
for number in list(range(60)) + [0.5, -1.0]:
    for exercise in ('1.1', '1.2', '10.1', '10.2'):
        lab.check(exercise, guess(number))
        if lab.passed(exercise):
            raise RuntimeError('LEAK a verdict')
""",
        ),
        attack="return known.get(number)",
    ),
    "sees through callbacks": Hostile(
        attack="""
for one in args:
    if not callable(one):
        continue
    for name in ('__globals__', '__code__', '__self__', '__class__', '__func__', 'mro', 'f_back', 'gi_frame'):
        try:
            one._ask_peer({'on': one._number, 'do': 'get'}, (name,), {})
        except AttributeError:
            continue
        raise RuntimeError('LEAK ' + name)
raise KeyboardInterrupt
"""
    ),
    # Forging what is told
    "prints PASS": Hostile(
        (
            r"""
print('PASS 1.1 4 of 4 points')
print('["1.1", {"points": 99, "status": "PASS", "message": "", "note": ""}]\n')
""",
        ),
        attack=r"""
print('["1.1", {"points": 99, "status": "PASS", "message": "", "note": ""}]\n')
return 'PASS'
""",
    ),
    "writes results to every file": Hostile(
        (
            _EVERY_FD
            + r"""
every_fd('["1.1", {"points": 99, "status": "PASS", "message": "", "note": ""}]\n'.encode())
""",
        ),
        attack="return None",
        notes="no message|the process ended|given up",
    ),
    "answers before it is asked": Hostile(
        (
            "import struct, json",
            _EVERY_FD,
        ),
        attack="""
text = json.dumps({'reply': 3, 'value': None, 'changes': []}).encode()
every_fd(struct.pack('>IQ', 1, len(text)) + text)
return None
""",
    ),
    "forges when it ends": Hostile(
        (
            _EVERY_FD
            + r"""
import atexit
atexit.register(every_fd, '["1.1", {"points": 99, "status": "PASS", "message": "", "note": ""}]\n'.encode())
atexit.register(os.abort)
""",
        ),
        attack="return None",
    ),
    "shadows packages": Hostile(
        (
            r"""
import os, site
for folder in ('.', 'coursekit/labs', 'coursekit/feedback', site.getusersitepackages()):
    os.makedirs(folder, exist_ok=True)
    for name in ('numpy', 'json', 'sitecustomize', 'usercustomize', '__init__', 'lab01', 'lab10'):
        with open(f'{folder}/{name}.py', 'w') as file:
            file.write('import os; os._exit(0)\nchecked = passed = lambda *_: True')
""",
        ),
        attack="return None",
    ),
    "startup files": Hostile(
        (
            """
import os
for folder in (os.environ['IPYTHONDIR'] + '/profile_default/startup', os.path.expanduser('~/.config')):
    os.makedirs(folder, exist_ok=True)
    open(folder + '/00-mine.py', 'w').write('raise SystemExit')
for name in ('.bashrc', '.profile', '.pdbrc', '.condarc', '.netrc'):
    open(os.path.expanduser('~/' + name), 'w').write('exit 1')
""",
        ),
        attack="return None",
    ),
    # Harm, with the right functions below it
    "installs": Hostile(
        (
            "%pip install --quiet sixpack",
            "!pip install x; rm -rf ~/* ../* /work 2>/dev/null",
        )
    ),
    "fork bomb": Hostile(
        (
            """
import os
while True:
    os.fork()
""",
        ),
        notes="cell 2 left out|cell 2: ",
    ),
    "process bomb": Hostile(
        (
            """
import subprocess, sys
while True:
    subprocess.Popen(['sleep', '999'])
""",
        ),
        notes="cell 2 left out|cell 2: ",
    ),
    "memory bomb": Hostile(
        (
            """
import numpy as np
kept = [np.ones(10**8) for _ in range(99)]
""",
        ),
        notes="memory|MemoryError|cell 2 left out: not finished",
    ),
    "fills shared memory": Hostile(
        (
            """
for n in range(9):
    with open(f'/dev/shm/{n}', 'wb') as file:
        file.write(b'x' * 10**8)
""",
            "open('/dev/kept', 'w')",
        ),
        notes="cell 2: OSError.*cell 3: OSError",
    ),
    "disk bomb": Hostile(
        (
            """
with open('big', 'wb') as f:
    while True:
        f.write(b'x' * 10**7)
""",
        ),
        notes="cell 2",
    ),
    "many files": Hostile(
        (
            """
import os
for i in range(20_000):
    open(f'f{i}', 'w').close()
""",
            "open('../f', 'w').write('x')",
        )
    ),
    "endless output": Hostile(
        (
            """
while True:
    print('x' * 100_000)
""",
        ),
        notes="cell 2 left out: not finished after",
    ),
    "kills what it can": Hostile(
        (
            """
import os, signal
for pid in {1, os.getppid(), -1}:
    try:
        os.kill(pid, 9)
    except OSError:
        pass
""",
        )
    ),
    "kills itself": Hostile(
        (
            """
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
""",
        ),
        notes="cell 2 left out",
    ),
    "stops itself": Hostile(
        (
            """
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
""",
        ),
        notes="cell 2 left out",
    ),
    "signals": Hostile(
        (
            """
import signal
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
    signal.signal(s, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 60))
""",
        )
    ),
    "an alarm in a later cell": Hostile(
        (
            """
import signal
signal.signal(signal.SIGALRM, signal.SIG_DFL)
signal.setitimer(signal.ITIMER_REAL, 0.3)
""",
        ),
        hits_itself=True,
    ),
    "errors out of nowhere": Hostile(
        (
            """
import signal
signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
""",
        ),
        hits_itself=True,
    ),
    "threads that stay": Hostile(
        (
            """
import threading, time
for _ in range(20):
    threading.Thread(target=time.sleep, args=(9999,)).start()
""",
        )
    ),
    "a sleeping worker": Hostile(
        (
            """
import time
time.sleep(10**6)
""",
        ),
        notes="cell 2 left out: not finished after",
    ),
    "a pool that waits for ever": Hostile(
        (
            """
import multiprocessing as mp
with mp.get_context('fork').Pool(2) as pool:
    pool.map_async(__import__('time').sleep, [999, 999])
""",
        )
    ),
    "closes every file": Hostile(
        (
            """
import os
os.closerange(0, 4096)
""",
        ),
        notes="cell 2 left out",
    ),
    "a crash in C": Hostile(
        (
            """
import ctypes
ctypes.string_at(0)
""",
        ),
        notes="cell 2 left out",
    ),
    "too deep": Hostile(
        (
            """
import sys
sys.setrecursionlimit(10**9)
def f(x): return f(x)
f(1)
""",
        ),
        notes="cell 2",
    ),
    "removes what it can": Hostile(
        (
            """
import os, shutil
for folder in ('/tmp/work', '/tmp/home', '/srv', '/var/tmp', '/course', os.getcwd()):
    shutil.rmtree(folder, ignore_errors=True)
os.makedirs('/tmp/work', exist_ok=True)
os.chdir('/tmp/work')
""",
        )
    ),
    "takes Python apart": Hostile(
        (
            """
import sys
sys.stdout = sys.stderr = None
sys.path.clear()
sys.argv.clear()
""",
            """
import builtins
builtins.open = builtins.print = builtins.exit = None
import gc
gc.disable()
""",
        ),
    ),
    "network": Hostile(
        (
            """
import socket
for address in (('127.0.0.1', 22), ('10.0.0.1', 80), ('192.0.2.1', 443)):
    try:
        socket.create_connection(address, timeout=2)
    except OSError:
        continue
    raise RuntimeError('LEAK ' + str(address))
""",
            """
import glob, stat, os
for path in glob.glob('/run/**', recursive=True) + glob.glob('/var/run/*'):
    if stat.S_ISSOCK(os.lstat(path).st_mode):
        raise RuntimeError('LEAK ' + path)
""",
            "socket.getaddrinfo('example.org', 80)",
        ),
        notes="cell 4: gaierror",
    ),
    "links out of its folder": Hostile(
        (
            """
import os
for target in ('/etc/passwd', '/', '../../../..', '/proc/1/root'):
    for folder in ('.', '/tmp/shared-inside'):
        os.symlink(target, f'{folder}/link{abs(hash(target))}')
""",
            """
import pathlib
for path in pathlib.Path('/tmp/shared-inside').iterdir():
    try:
        (path / 'OUTSIDE').write_text('x')
    except OSError:
        continue
    if not str(path.resolve()).startswith('/tmp'):
        raise RuntimeError('LEAK ' + str(path))
""",
        )
    ),
    "hooks into later cells": Hostile(
        (
            """
shell = get_ipython()
shell.events.register('pre_run_cell', lambda *_: 1 / 0)
shell.events.register('post_run_cell', lambda *_: 1 / 0)
shell.ast_transformers.append(None)
""",
        )
    ),
    "an error that can't be told": Hostile(
        (
            """
class Odd(Exception):
    def __str__(self):
        raise SystemExit('no')
    __repr__ = __str__
raise Odd
""",
            "raise ValueError('x' * 10**8)",
            """
raise type('=HYPERLINK("http://x")', (Exception,), {})('=1+1')
""",
            """
class Base(BaseException): pass
raise Base('<script>alert(1)</script>')
""",
        ),
        notes="cell 2: Odd",
    ),
    "names that are traps": Hostile(
        (
            """
class Trap:
    def __getattribute__(self, name):
        raise RuntimeError('trap')
    __call__ = lambda self: 0
    __eq__ = __bool__ = lambda *_: 1 / 0
""",
            """
trap = Trap()
for name in list(globals()):
    if not name.startswith('_') and name not in ('lab', 'np', 'Trap'):
        pass
lab.check('1.1', trap)
lab.check(trap, trap)
""",
        )
    ),
}
"""Every hostile hand-in by its name."""
