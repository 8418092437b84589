"""Evaluations on other workers: the same results, each once, whoever runs them and whatever happens to them.

The bookkeeping is tested with an executor that does what a script says. What real workers do, spawned processes and a
Dask cluster that are killed, falls silent or isn't there, runs in programs of its own: this file, called by name.
"""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import psutil
import pytest
from distributed import KilledWorker
from hypothesis import given
from hypothesis import strategies as st

from neuroevo import workers
from neuroevo.workers import Evaluator, WorkersError, dask, evaluator, executors, processes, rng_for, serial, task_key

TASKS = [({"size": size, "rate": 0.5}, seed) for size in (3, 1, 2) for seed in (0, 1)]


def draw(design, rng):
    """The sum of as many random numbers as the design says."""
    return float(rng.random(design["size"]).sum())


def fail(design, rng, *, bad=2):
    if design["size"] == bad:
        raise ValueError("no such size")
    return draw(design, rng)


def results(evaluations):
    return [[e.design, e.seed, e.result] for e in evaluations]


def expected(tasks=TASKS):
    return [[design, seed, draw(design, rng_for(design, seed))] for design, seed in tasks]


# Tasks and their random numbers


def test_random_numbers_belong_to_the_task():
    def first(design, seed):
        return rng_for(design, seed).integers(2**62)

    assert first({"a": 1, "b": 2}, 0) == first({"b": 2, "a": 1}, 0) == first({"a": np.int64(1), "b": 2.0}, np.int64(0))
    assert len({first({"a": 1}, 0), first({"a": 1}, 1), first({"a": 2}, 0), first({"b": 1}, 0)}) == 4
    assert task_key({"b": 1, "a": [1, "x"]}, 3) == '[{"a": [1, "x"], "b": 1}, 3]'
    for design in ({"a": {1, 2}}, {"a": np.zeros(2)}, {1: "a"}, {"a": {2: "b"}}):
        with pytest.raises(TypeError, match="JSON"):
            task_key(design, 0)


numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)
plain = st.none() | st.booleans() | numbers | st.text(max_size=3)
designs = st.dictionaries(st.text(max_size=2), st.recursive(plain, lambda one: st.lists(one, max_size=3)), max_size=3)


def retyped(value):
    """An equal value of other types."""
    if isinstance(value, dict):
        return {key: retyped(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return tuple(map(retyped, value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if isinstance(value, int):
        return float(value) if float(value) == value else np.int64(value)
    return int(value) if value.is_integer() else np.float64(value)


@given(designs)
def test_equal_tasks_have_one_key_and_come_back_from_it(design):
    key = task_key(design, 3)
    assert key == task_key(retyped(design), 3.0)
    assert json.loads(key) == [design, 3]  # so that unequal ones have another


def test_a_key_stays_what_it_was():
    """Or all random numbers change, and journals are forgotten."""
    design = {"layers": 2, "act": "tanh", "rate": 0.03, "flags": [True, None]}
    assert task_key(design, 1) == '[{"act": "tanh", "flags": [true, null], "layers": 2, "rate": 0.03}, 1]'
    assert int(rng_for({"layers": 2, "activation": "tanh", "learning_rate": 0.03}, 1).integers(10**6)) == 765_237


# The books, with an executor that does what a script says


class Task(Future):
    """A future that is at work, so that it can't be called off; who waits for it without looking gets its result."""

    def __init__(self, fn, args):
        super().__init__()
        self.set_running_or_notify_cancel()
        self.work = fn, args

    def finish(self):
        fn, args = self.work
        try:
            self.set_result(fn(*args))
        except Exception as error:
            self.set_exception(error)

    def exception(self, timeout=None):
        if not self.done():
            self.finish()
        return super().exception(timeout)


class Scripted(Executor):
    """Hands out futures and keeps them; `happen` settles one of them, in a way that the script says."""

    def __init__(self, script):
        self.script, self.running, self.broken, self.most = script, [], False, 0

    def submit(self, fn, /, *args):
        if self.broken:
            raise BrokenExecutor("no worker is left")
        self.running.append(Task(fn, args))
        self.most = max(self.most, len(self.running))
        return self.running[-1]

    def happen(self):
        """An event: which of those that run; and "done", "raise", "lose" (its worker alone) or "die" (all workers)."""
        which, what = next(self.script, (0, "done"))
        task = self.running.pop(which % len(self.running))
        if what == "done":
            task.finish()
        elif what == "raise":
            task.set_exception(OSError("the disk hiccups"))
        else:
            task.set_exception(CancelledError() if what == "lose" else BrokenExecutor("killed"))
            self.broken = what == "die"
            while self.broken and self.running:
                self.running.pop().set_exception(BrokenExecutor("killed"))


class Books:
    """An evaluator on scripted workers."""

    def __init__(self, monkeypatch, script, evaluate=draw, **words):
        self.script, self.opened = iter(script), []
        self.calls = Counter()

        def counted(design, rng):
            self.calls[task_key(design, 0)] += 1
            return evaluate(design, rng)

        monkeypatch.setattr(evaluator, "wait", self.wait)
        self.evaluator = Evaluator(counted, self.open, **words)

    def open(self):
        self.opened.append(Scripted(self.script))
        return nullcontext(self.opened[-1])

    def wait(self, futures, timeout, return_when):
        while not any(future.done() for future in futures):
            self.opened[-1].happen()
        return evaluator_wait(futures, 0, return_when)


evaluator_wait = evaluator.wait
DONE, RAISE, DIE = (0, "done"), (0, "raise"), (0, "die")
ONE = TASKS[:1]


def test_serial_gives_results_in_the_order_of_the_tasks_and_each_once():
    calls = []

    def evaluate(design, rng):
        calls.append(design)
        return rng.integers(10)  # a NumPy number becomes a number

    with Evaluator(evaluate) as ours:
        found = ours.map([*TASKS, TASKS[0]])
        assert len(calls) == len(TASKS)
        assert [task_key(e.design, e.seed) for e in found] == [task_key(*task) for task in [*TASKS, TASKS[0]]]
        assert type(found[0].result) is int
        ours.map(TASKS)
        assert len(calls) == len(TASKS)


def test_by_seed_the_function_gets_the_seed():
    with Evaluator(lambda design, seed: [design["size"], seed], by_seed=True) as ours:
        assert [e.result for e in ours.map(TASKS)] == [[design["size"], seed] for design, seed in TASKS]


def test_a_task_is_tried_again_as_often_as_allowed_and_no_more(monkeypatch):
    for retries in (0, 1, 3):
        books = Books(monkeypatch, [RAISE] * retries, retries=retries)
        assert results(books.evaluator.map(ONE)) == expected(ONE)
        books = Books(monkeypatch, [RAISE] * (retries + 1), retries=retries)
        with pytest.raises(WorkersError, match=r"'size': 3.*replicate 0\) raised OSError: the disk hiccups"):
            books.evaluator.map(ONE)
        assert next(books.script, None) is None  # all of it has happened
        assert not books.calls


def test_retries_come_with_the_same_random_numbers():
    seen = []

    def evaluate(design, rng):
        seen.append(rng.integers(2**62))
        if len(seen) < 3:
            raise OSError("the disk hiccups")
        return 1.0

    with Evaluator(evaluate, retries=2) as ours:
        assert len(ours.map(ONE)) == 1
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_deaths_count_only_in_a_row(monkeypatch):
    books = Books(monkeypatch, [DIE, DIE, DONE, DIE, DIE, DONE, DIE, DIE, DONE])
    assert results(books.evaluator.map(TASKS)) == expected()
    assert len(books.opened) == 7
    books = Books(monkeypatch, [DONE, DIE, DIE, DIE, DONE])
    with pytest.raises(WorkersError, match=r"died 3 times without finishing anything.*'size': 1.*1 completed"):
        books.evaluator.map(TASKS)
    assert next(books.script) == DONE


def test_what_runs_on_when_a_worker_is_lost_is_waited_for_and_told_to_all(monkeypatch):
    books = Books(monkeypatch, [(0, "lose")])
    twice = [*TASKS, *TASKS[1:3]]
    told = results(books.evaluator.as_completed(twice))
    assert Counter(map(str, told)) == Counter(map(str, expected(twice)))
    assert set(books.calls.values()) == {2}  # the two replicates of each size
    assert len(books.opened) == 2


def test_what_is_finished_when_another_task_raises_is_kept(monkeypatch, tmp_path):
    journal = tmp_path / "j.jsonl"
    books = Books(monkeypatch, [(1, "raise")], journal=journal)

    def wait_for_all(futures, timeout, return_when):
        told = books.wait(futures, timeout, return_when)
        while books.opened[-1].running:  # all others finish before anybody looks
            books.opened[-1].happen()
        return told

    monkeypatch.setattr(evaluator, "wait", wait_for_all)
    with pytest.raises(WorkersError, match=f"5 completed evaluations are kept in .*{journal.name}"):
        books.evaluator.map(TASKS)
    assert len(books.evaluator.done) == len(journal.read_text().splitlines()) == 5
    assert results(Evaluator(draw, journal=journal).map(TASKS)) == expected()


def test_what_is_finished_when_nobody_asks_any_more_is_kept(monkeypatch):
    books = Books(monkeypatch, [])
    coming = books.evaluator.as_completed(TASKS)
    next(coming)
    books.opened[-1].happen()
    coming.close()
    assert len(books.evaluator.done) == 2


def test_a_generator_is_asked_when_there_is_room_and_may_wait(monkeypatch):
    books, told = Books(monkeypatch, []), []

    def ask():
        yield TASKS[0]
        yield TASKS[1]
        while len(told) < 2:
            yield None
        assert books.opened[-1].running == []  # there was nothing else to do
        yield from TASKS[2:]

    for evaluation in books.evaluator.as_completed(ask(), n_ahead=3):
        told.append(evaluation)
    assert sorted(results(told), key=str) == sorted(expected(), key=str)
    assert books.opened[-1].most == 3
    with pytest.raises(WorkersError, match="waits for an evaluation that nobody makes"):
        list(Books(monkeypatch, []).evaluator.as_completed(chain(ONE, repeat(None))))
    with pytest.raises(ValueError, match="n_ahead"):
        next(Evaluator(draw).as_completed(TASKS, n_ahead=0))


events = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["done", "done", "raise", "lose", "die"])), max_size=30)


@given(
    wanted=st.lists(st.integers(0, 5), max_size=12),
    script=events,
    n_ahead=st.none() | st.integers(1, 4),
    retries=st.integers(0, 3),
    before=st.sets(st.integers(0, 5)),
)
def test_whatever_happens_each_task_counts_once(wanted, script, n_ahead, retries, before):
    tasks = [TASKS[i] for i in wanted]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        journal = Path(folder, "j.jsonl")
        Evaluator(draw, journal=journal).map([TASKS[i] for i in before])
        books, told, error = Books(patch, script, journal=journal, retries=retries), [], None
        try:
            for evaluation in books.evaluator.as_completed(tasks, n_ahead):
                told.append(evaluation)
        except WorkersError as raised:
            error = str(raised)
        happened = [what for _, what in script[: len(script) - len(list(books.script))]]
        lines = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
    # Each is evaluated once at most, and stands once in the journal, with what it gives.
    found = [[line["design"], line["seed"], line["result"]] for line in lines]
    assert len({str(one) for one in found}) == len(found) == len(books.evaluator.done)
    assert all(one in expected() for one in found)
    assert all(one in found for one in results(told))
    assert max(executor.most for executor in books.opened) <= (n_ahead or 6)
    if error is None:  # everybody got an answer
        assert Counter(map(str, results(told))) == Counter(map(str, expected(tasks)))
    elif "died" in error:
        assert happened.count("die") + happened.count("lose") >= 3
        assert happened[-1] in ("die", "lose")
    else:
        assert happened.count("raise") > retries
        assert happened[-1] not in ("die", "lose")


def test_a_result_that_json_can_not_say_is_an_error_of_the_evaluation():
    with pytest.raises(WorkersError, match=r"'size': 3.*raised TypeError: .*use numbers, text"):
        Evaluator(lambda design, rng: {1, 2}).map(ONE)


def test_a_journal_is_gone_on_with(tmp_path):
    journal = tmp_path / "j.jsonl"
    with (
        Evaluator(fail, journal=journal) as ours,
        pytest.raises(WorkersError, match=r"'size': 2.*ValueError") as e,
    ):
        ours.map(TASKS)
    assert "4 completed evaluations are kept in" in str(e.value)
    assert isinstance(e.value.__cause__, ValueError)
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 4
    for torn in (lines[3][:20], '{"design": {"size": 3, "na', "\x00\x00"):
        journal.write_text("".join(lines[:3]) + torn)  # killed while it wrote
        with Evaluator(draw, journal=journal) as ours:
            assert len(ours.done) == 3
            assert journal.read_text() == "".join(lines[:3])
    calls = []

    def evaluate(design, rng):
        calls.append(design)
        return draw(design, rng)

    with Evaluator(evaluate, journal=journal) as ours:
        assert results(ours.map(TASKS)) == expected()
    assert len(calls) == 3
    assert len([json.loads(line) for line in journal.read_text().splitlines()]) == 6
    journal.write_text("nonsense\n" + lines[0])
    with pytest.raises(WorkersError, match=r"line 1 of .*j\.jsonl"):
        Evaluator(evaluate, journal=journal)


def test_patience_ends():
    class Nobody(Executor):
        def submit(self, fn, /, *args):
            return Future()

    with (
        Evaluator(draw, Nobody, patience=0.001) as ours,
        pytest.raises(WorkersError, match=r"nothing was finished for 0\.001 seconds"),
    ):
        ours.map(TASKS)


def test_workers_that_can_not_be_opened_again_say_why_and_what_is_kept(monkeypatch):
    books = Books(monkeypatch, [DONE, DIE])

    def closed():
        raise WorkersError("no scheduler answers.") from OSError("refused")

    books.evaluator._opener = closed
    with pytest.raises(WorkersError, match=r"no scheduler answers\. 1 completed evaluations are kept") as e:
        books.evaluator.map(TASKS)
    assert str(e.value).endswith(f"Under way were {[design for design, _ in TASKS[1:]]}.")
    assert str(e.value.__cause__) == "refused"
    assert e.value.__cause__.__cause__ is None  # a short story


def test_a_task_that_was_with_workers_that_died_is_not_blamed_alone():
    """Dask gives up each one that was with four of them, also one that only waited there."""

    async def theirs():
        raise KilledWorker("a task", SimpleNamespace(address="tcp://10.0.0.7:1234"), 3)

    with pytest.raises(BrokenExecutor, match="all those workers died"):
        asyncio.run(executors._result(theirs()))


def test_mlp_learns_and_is_the_same_twice():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=200)
    x = np.eye(3)[y] + 0.3 * rng.normal(size=(200, 3))
    data = {"x": x[:100], "y": y[:100], "x_valid": x[100:], "y_valid": y[100:]}
    design = {"layers": 1, "neurons": 4, "activation": "tanh", "learning_rate": 0.1}
    scores = [workers.train_mlp(design, rng_for(design, 0), **data, n_steps=50) for _ in range(2)]
    assert scores[0] == scores[1] > 0.8
    assert serial().submit(len, "abc").result() == 3


# Real workers: programs of their own, because what they do to themselves must not be done to the tests


def program(what, folder):
    done = subprocess.run([sys.executable, __file__, what, str(folder)], capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["processes", "dask"])
def test_real_workers_give_what_serial_gives_though_they_are_killed(where, tmp_path):
    told = program(where, tmp_path)
    assert told["results"] == expected([*TASKS, TASKS[0]])
    assert told["n_workers"] == 2
    assert told["raised"].startswith("the evaluation of {'size': 2, 'rate': 0.5} (replicate ")
    assert "raised ValueError: no such size." in told["raised"]
    assert told["redone"] == expected()
    assert told["n_lines"] == len(TASKS) < told["n_begun"]  # something was done again, and counts once
    assert re.search(r"^the workers died 3 times .* is what kills them: \[[^]]*'size': 1[^]]*\]\.", told["killer"])


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them(tmp_path):
    with subprocess.Popen([sys.executable, __file__, "sleep", str(tmp_path)]) as parent:
        children = []
        while len(list(tmp_path.glob("*.pid"))) < 2:
            assert parent.poll() is None
            time.sleep(0.05)
        children = [int(path.stem) for path in tmp_path.glob("*.pid")]
        parent.kill()
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in children if psutil.pid_exists(pid)], timeout=600)
    assert alive == []


@pytest.mark.slow
def test_a_scheduler_that_is_not_there_or_falls_silent_is_told_and_one_that_hesitates_is_not(tmp_path):
    told = program("scheduler", tmp_path)
    assert f"no Dask scheduler answers at '{told['absent']}' within 1 seconds" in told["nobody"]
    assert "no Dask scheduler answers at 'not an address'" in told["nonsense"]
    assert "has no workers: start some with `dask worker tcp://127.0.0.1" in told["idle"]
    assert "no Dask scheduler answers" in told["silent"]
    assert "evaluations are kept" in told["silent"]
    assert told["n_after_hesitating"] == 10
    assert 11 <= told["n_done"] == told["n_lines"] < 40
    assert max(told["depths"].values()) <= 2  # of the chains of causes, which a person must read


@pytest.mark.slow
def test_a_result_that_dask_loses_when_it_has_been_fetched_is_no_error(tmp_path):
    assert program("lost", tmp_path)["results"] == expected()


# As a program


def slow(design, rng, *, folder=None):
    """With a folder: not before another worker has begun, too."""
    time.sleep(0.05)
    if folder:
        Path(folder, f"{os.getpid()}").touch()
        while len(list(Path(folder).iterdir())) < 2:
            time.sleep(0.01)
    return draw(design, rng)


def traced(design, rng, *, folder, always=False):
    """The worker that gets size 1 is killed in the middle of it, once or always."""
    folder = Path(folder)
    (folder / f"{design['size']}-{time.time_ns()}-{os.getpid()}").touch()
    if design["size"] == 1 and (always or not (folder / "died").exists()):
        (folder / "died").touch()
        psutil.Process().kill()
    return draw(design, rng)


def sleep(design, rng, *, folder):
    Path(folder, f"{os.getpid()}.pid").touch()
    time.sleep(600)


def message(function, *args):
    try:
        function(*args)
    except WorkersError as error:
        return error
    return None


def on_real_workers(two, one, folder):
    """What two workers, and one, make of it."""
    told, runs, both = {}, folder / "runs", folder / "both"
    runs.mkdir()
    both.mkdir()
    with Evaluator(partial(slow, folder=str(both)), two) as ours:
        told["results"] = results(ours.map([*TASKS, TASKS[0]]))
        told["n_workers"] = len({e.worker for e in ours.done.values()})
    with Evaluator(fail, one) as ours:
        told["raised"] = str(message(ours.map, TASKS))
    journal = folder / "j.jsonl"
    with Evaluator(partial(traced, folder=str(runs)), two, journal=journal) as ours:
        told["redone"] = results(ours.map(TASKS))
    told["n_lines"] = len(journal.read_text().splitlines())
    told["n_begun"] = len(list(runs.iterdir())) - 1
    with Evaluator(partial(traced, folder=str(runs), always=True), one) as ours:
        told["killer"] = str(message(ours.map, TASKS))
    return told


@contextmanager
def cluster(n_workers):
    import dask.config
    from distributed import LocalCluster

    # A worker that dies is started again. On a busy machine that takes longer than the 15 seconds after which a local
    # cluster gives it up.
    dask.config.set({"distributed.deploy.lost-worker-timeout": "900s"})
    port = "127.0.0.1:0"
    found = LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=port, silence_logs=50)
    try:
        yield found
    finally:
        with suppress(Exception):  # Dask's own, where a dead worker is just being started again; it ends with us
            found.close()


def lost():
    """Each result's worker dies between the fetching and the next look at its future."""
    from distributed import Client

    gather = Client._gather

    async def gathered(self, futures, *args, **kwargs):
        found = await gather(self, futures, *args, **kwargs)
        for future in futures:
            future._state.lose()
        return found

    with mock.patch.object(Client, "_gather", gathered), cluster(1) as one:
        return {"results": results(Evaluator(draw, dask(one.scheduler_address, timeout=600)).map(TASKS))}


def a_scheduler(folder):
    """One that isn't there, one without workers, and one that hesitates and then falls silent."""
    from distributed import Client

    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        absent = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        errors = {"nobody": message(Evaluator, draw, dask(absent, timeout=1))}
    errors["nonsense"] = message(Evaluator, draw, dask("not an address", timeout=1))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, journal = f"tcp://127.0.0.1:{port}", folder / "j.jsonl"
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}  # where `slow` is found

    def start(what, *how):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *how, "--no-dashboard"]
        return psutil.Popen(command, env=here, stderr=subprocess.DEVNULL)

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", str(port))
    worker = None
    try:
        with Client(address, timeout=600, set_as_default=False) as client:
            errors["idle"] = message(Evaluator, draw, dask(address, timeout=10))
            worker = start("worker", address, "--no-nanny", "--nthreads", "1")
            client.wait_for_workers(1, 600)
        tasks = [({"size": 10, "rate": rate}, 0) for rate in range(40)]
        with Evaluator(slow, dask(address, timeout=15, silence=15), journal=journal, patience=600) as ours:
            coming = ours.as_completed(tasks)
            next(coming)
            scheduler.suspend()
            time.sleep(1)
            scheduler.resume()
            n_after = len([next(coming) for _ in range(10)])
            scheduler.suspend()
            errors["silent"] = message(list, coming)
            n_done = len(ours.done)
    finally:
        for process in (scheduler, worker):
            if process is not None:
                process.kill()
                process.wait()

    def depth(error):
        return 0 if error is None else 1 + depth(error.__cause__ or error.__context__)

    n_lines = len(journal.read_text().splitlines())
    told = {"absent": absent, "n_after_hesitating": n_after, "n_done": n_done, "n_lines": n_lines}
    return told | {"depths": {k: depth(e) for k, e in errors.items()}} | {k: str(e) for k, e in errors.items()}


def main(what, folder):
    if what == "processes":
        told = on_real_workers(processes(2), processes(1), folder)
    elif what == "dask":
        with cluster(2) as two:
            there = dask(two.scheduler_address, timeout=600, silence=600)  # a machine may be busy
            told = on_real_workers(there, there, folder)
    elif what == "lost":
        told = lost()
    elif what == "scheduler":
        told = a_scheduler(folder)
    else:
        Evaluator(partial(sleep, folder=str(folder)), processes(2)).map(TASKS)
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
