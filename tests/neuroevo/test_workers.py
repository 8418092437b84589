"""Evaluations on other workers: the same results, each once, whoever runs them and whatever happens to them."""

import json
import os
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from distributed import Client

from neuroevo import workers
from neuroevo.workers import Evaluator, WorkersError, dask, processes, rng_for, serial, task_key

TASKS = [({"size": size, "rate": 0.5}, seed) for size in (3, 1, 2) for seed in (0, 1)]


def draw(design, rng):
    """The sum of as many random numbers as the design says."""
    time.sleep(0.01 * design["size"])
    return float(rng.random(design["size"]).sum())


def fail(design, rng, *, bad=2):
    if design["size"] == bad:
        raise ValueError("no such size")
    return draw(design, rng)


def die_once(design, rng, *, folder):
    """The first worker that gets size 1 is killed in the middle of it."""
    (Path(folder) / f"{design['size']}-{rng.integers(2**62)}-{os.getpid()}").touch()
    if design["size"] == 1 and not (Path(folder) / "died").exists():
        (Path(folder) / "died").touch()
        psutil.Process().kill()
    return float(rng.random())


def die(design, rng):
    if design["size"] == 1:
        psutil.Process().kill()
    return 1.0


def results(evaluations):
    return [(e.design, e.seed, e.result) for e in evaluations]


def expected():
    with Evaluator(draw) as evaluator:
        return results(evaluator.map(TASKS))


@pytest.fixture(scope="module")
def cluster():
    """A scheduler with two workers, each in a process of its own with somebody to start it again."""
    import dask.config
    from distributed import LocalCluster

    # A worker that dies is started again. On a busy machine that takes longer than the 15 seconds after which a local
    # cluster gives it up.
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "300s"}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster,
    ):
        yield cluster.scheduler_address


def test_random_numbers_belong_to_the_task():
    def first(design, seed):
        return rng_for(design, seed).integers(2**62)

    assert first({"a": 1, "b": 2}, 0) == first({"b": 2, "a": 1}, 0) == first({"a": np.int64(1), "b": 2}, np.int64(0))
    assert len({first({"a": 1}, 0), first({"a": 1}, 1), first({"a": 2}, 0), first({"b": 1}, 0)}) == 4
    assert task_key({"b": 1, "a": [1, "x"]}, 3) == '[{"a": [1, "x"], "b": 1}, 3]'
    with pytest.raises(TypeError, match="JSON"):
        task_key({"a": {1, 2}}, 0)


def test_serial_gives_results_in_the_order_of_the_tasks_and_each_once():
    calls = []

    def evaluate(design, rng):
        calls.append(design)
        return rng.integers(10)  # a NumPy number becomes a number

    with Evaluator(evaluate) as evaluator:
        found = evaluator.map([*TASKS, TASKS[0]])
        assert len(calls) == len(TASKS)
        assert [task_key(e.design, e.seed) for e in found] == [task_key(*task) for task in [*TASKS, TASKS[0]]]
        assert type(found[0].result) is int
        evaluator.map(TASKS)
        assert len(calls) == len(TASKS)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_processes_and_dask_give_what_serial_gives(cluster, n_workers):
    where = processes(1) if n_workers == 1 else dask(cluster)
    with Evaluator(draw, where) as evaluator:
        assert results(evaluator.map([*TASKS, TASKS[0]])) == [*expected(), expected()[0]]
        assert len({e.worker for e in evaluator.done.values()}) == n_workers


def test_a_generator_is_asked_when_there_is_room():
    told, in_flight = [], []

    def ask():
        for task in TASKS:
            in_flight.append(len(in_flight) - len(told))
            yield task

    with Evaluator(draw, processes(2)) as evaluator:
        for evaluation in evaluator.as_completed(ask(), n_ahead=2):
            told.append(evaluation)
    assert sorted(map(str, results(told))) == sorted(map(str, expected()))
    assert max(in_flight) <= 2
    with pytest.raises(ValueError, match="n_ahead"):
        next(Evaluator(draw).as_completed(TASKS, n_ahead=0))


def test_a_journal_is_gone_on_with(tmp_path):
    journal = tmp_path / "j.jsonl"
    with (
        Evaluator(fail, journal=journal) as evaluator,
        pytest.raises(WorkersError, match=r"'size': 2.*ValueError") as e,
    ):
        evaluator.map(TASKS)
    assert "4 completed evaluations are kept in" in str(e.value)
    lines = journal.read_text().splitlines(keepends=True)
    assert len(lines) == 4
    journal.write_text("".join(lines[:3]) + lines[3][:20])  # killed while it wrote

    calls = []

    def evaluate(design, rng):
        calls.append(design)
        return draw(design, rng)

    with Evaluator(evaluate, journal=journal) as evaluator:
        assert results(evaluator.map(TASKS)) == expected()
    assert len(calls) == 3
    assert len([json.loads(line) for line in journal.read_text().splitlines()]) == 6
    journal.write_text("nonsense\n" + lines[0])
    with pytest.raises(WorkersError, match=r"line 1 of .*j\.jsonl"):
        Evaluator(evaluate, journal=journal)


@pytest.mark.parametrize("where", ["processes", "dask"])
def test_a_worker_that_raises_names_the_design_and_the_rest_is_kept(cluster, where):
    opener = processes(1) if where == "processes" else dask(cluster)
    with Evaluator(fail, opener) as evaluator:
        with pytest.raises(WorkersError, match=r"'size': 2.*raised ValueError: no such size"):
            evaluator.map(TASKS)
        kept = len(evaluator.done)
        evaluator.evaluate = draw
        assert results(evaluator.map(TASKS)) == expected()
        assert kept == 4 or where == "dask"


def test_retries_come_with_the_same_random_numbers():
    seen = []

    def evaluate(design, rng):
        seen.append(rng.integers(2**62))
        if len(seen) < 3:
            raise OSError("the disk hiccups")
        return 1.0

    with Evaluator(evaluate, retries=2) as evaluator:
        assert len(evaluator.map(TASKS[:1])) == 1
    assert len(seen) == 3
    assert len(set(seen)) == 1


@pytest.mark.parametrize("where", ["processes", "dask"])
def test_the_work_of_a_killed_worker_is_redone_and_nothing_counts_twice(cluster, where, tmp_path):
    opener = processes(2) if where == "processes" else dask(cluster)
    journal = tmp_path / "journal.jsonl"
    (tmp_path / "runs").mkdir()
    evaluate = partial(die_once, folder=str(tmp_path / "runs"))
    with Evaluator(evaluate, opener, journal=journal) as evaluator:
        found = evaluator.map(TASKS)
    assert [e.result for e in found] == [alone(*task) for task in TASKS]
    assert len(journal.read_text().splitlines()) == len(TASKS)
    assert len(list((tmp_path / "runs").iterdir())) > len(TASKS)  # something was done again


def alone(design, seed):
    rng = rng_for(design, seed)
    rng.integers(2**62)
    return float(rng.random())


@pytest.mark.parametrize("where", ["processes", "dask"])
def test_a_design_that_always_kills_is_named(cluster, where):
    opener = processes(1) if where == "processes" else dask(cluster)
    with Evaluator(die, opener) as evaluator:
        with pytest.raises(WorkersError, match="'size': 1"):
            evaluator.map(TASKS)
        assert {e.design["size"] for e in evaluator.done.values()} <= {2, 3}


def test_no_scheduler_and_no_workers_are_told_at_once():
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        before = time.monotonic()
        with pytest.raises(WorkersError, match=f"no Dask scheduler answers at '{address}'"):
            Evaluator(draw, dask(address, timeout=1))
        assert time.monotonic() - before < 8
    with pytest.raises(WorkersError, match="no Dask scheduler"):
        Evaluator(draw, dask("not an address", timeout=1))
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=50) as empty,
        pytest.raises(WorkersError, match="has no workers"),
    ):
        Evaluator(draw, dask(empty.scheduler_address, timeout=1))


def test_a_scheduler_that_falls_silent_is_told_and_one_that_hesitates_is_not(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, journal = f"tcp://127.0.0.1:{port}", tmp_path / "j.jsonl"
    commands = (
        ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        ["worker", address, "--no-nanny", "--no-dashboard", "--nthreads", "1"],
    )
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}  # where `draw` is found
    scheduler, worker = (
        psutil.Popen([sys.executable, "-m", f"distributed.cli.dask_{what}", *how], env=here, stderr=subprocess.DEVNULL)
        for what, *how in commands
    )
    tasks = [({"size": 10, "rate": rate}, 0) for rate in range(40)]
    try:
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(1, 60)
        with Evaluator(draw, dask(address, timeout=2), journal=journal, patience=30) as evaluator:
            coming = evaluator.as_completed(tasks)
            next(coming)
            scheduler.suspend()
            time.sleep(1)
            scheduler.resume()
            found = [next(coming) for _ in range(10)]
            scheduler.suspend()
            before = time.monotonic()
            with pytest.raises(WorkersError, match=r"no Dask scheduler answers .* evaluations are kept"):
                found.extend(coming)
            assert time.monotonic() - before < 15
        assert len(tasks) > len(evaluator.done) == len(journal.read_text().splitlines()) == len(found) + 1
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()


def test_patience_ends():
    with Evaluator(draw, processes(1), patience=0.001) as evaluator, pytest.raises(WorkersError, match="nothing was"):
        evaluator.map(TASKS)


def test_mlp_learns_and_is_the_same_twice():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=200)
    x = np.eye(3)[y] + 0.3 * rng.normal(size=(200, 3))
    data = {"x": x[:100], "y": y[:100], "x_valid": x[100:], "y_valid": y[100:]}
    design = {"layers": 1, "neurons": 4, "activation": "tanh", "learning_rate": 0.1}
    scores = [workers.train_mlp(design, rng_for(design, 0), **data, n_steps=50) for _ in range(2)]
    assert scores[0] == scores[1] > 0.8
    assert serial().submit(len, "abc").result() == 3
