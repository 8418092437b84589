"""A small synthetic class, killed again and again: every mark is as deserved in the end, whatever was ended when."""

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from synthetic_class import SHARES, compare, make_class

from coursekit import grade
from coursekit.grading.sandbox import has_bubblewrap
from neuroevo.workers import WorkersError, dask

ROOT = Path(__file__).parents[2]
ON_DASK = """
import sys
from distributed import LocalCluster
from coursekit import grade
if __name__ == "__main__":
    with LocalCluster(2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50) as cluster:
        print(grade.grade_class(sys.argv[1], "1", labs=sys.argv[2], scheduler=cluster.scheduler_address))
"""
SOLUTION = ROOT / "solutions" / "01_rolling_downhill.ipynb"
N_STUDENTS, N_KILLS = 18, 5


def _n_graded(folder):
    with closing(sqlite3.connect(f"file:{folder / 'gradebook.sqlite'}?mode=ro", uri=True)) as record:
        return record.execute("SELECT count(*) FROM graded").fetchone()[0]


def _alive(processes):
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def _until(holds, seconds=3600):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    assert holds()


def test_the_same_seed_is_the_same_class(tmp_path):
    made = [make_class(tmp_path / name, SOLUTION, N_STUDENTS, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    assert made[0] == made[1] != made[2]
    assert {one.kind.partition(":")[0] for one in made[0].values()} == set(SHARES)
    lost = [one for one in made[0].values() if one.kind.startswith("named")]
    assert lost
    assert all(0 in one.points.values() for one in lost if one.kind != "named: ")


@pytest.mark.slow
@pytest.mark.skipif(not has_bubblewrap(), reason="needs Linux and bubblewrap")
def test_killed_at_random_moments_and_resumed_to_the_same_book(tmp_path):
    """kill -9 of the grader, a judge or a sandbox, or Ctrl-C: the same command goes on, and nothing is left running."""
    folder, rng = tmp_path / "class", random.Random(0)
    make_class(folder, SOLUTION, N_STUDENTS)
    grade.grade_class(folder, labs=ROOT / "labs")  # the record is there
    command = [sys.executable, "-m", "coursekit", "grade", str(folder), "01", "--jobs", "2", "--timeout", "5"]
    ends, left = [], []
    for number in range(1, N_KILLS + 1):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            _until(lambda number=number, run=run: _n_graded(folder) >= 2 * number or run.poll() is not None)
            time.sleep(rng.random() / 2)
            family = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
            victim = family[0] if number == N_KILLS else rng.choice(family)
            ends.append(victim.pid == run.pid)
            with suppress(psutil.NoSuchProcess):  # it has just ended by itself
                victim.kill()
            if victim.pid != run.pid:  # the run goes on; then it is interrupted
                n = _n_graded(folder)
                _until(lambda n=n, run=run: _n_graded(folder) > n or run.poll() is not None)
                run.send_signal(2)
            run.wait(120)
        _until(lambda family=family: not _alive(family), 600)
        left.append(_n_graded(folder) < N_STUDENTS)
    assert any(ends)
    assert left[0], "the first kill left something to do"
    before = _n_graded(folder)
    assert before >= 2 * N_KILLS
    summary = grade.grade_class(folder, "1", labs=ROOT / "labs", jobs=2, cell_seconds=5)
    assert not summary.stopped
    assert _n_graded(folder) >= before
    assert compare(folder, "01") == []


@pytest.mark.slow
@pytest.mark.skipif(not has_bubblewrap(), reason="needs Linux and bubblewrap")
def test_a_dask_cluster_grades_the_same(tmp_path):
    folder, script = tmp_path / "class", tmp_path / "on_dask.py"
    make_class(folder, SOLUTION, 6)
    script.write_text(ON_DASK, "utf-8")
    found = subprocess.run(
        [sys.executable, str(script), str(folder), str(ROOT / "labs")], cwd=tmp_path, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert _n_graded(folder) >= 4
    assert compare(folder, "01") == []


def test_a_scheduler_that_is_none_is_told_in_a_line(tmp_path, monkeypatch):
    make_class(tmp_path / "class", SOLUTION, 6)
    monkeypatch.setattr("coursekit.grading.judges.dask", lambda address: dask(address, timeout=0.5))
    with pytest.raises(WorkersError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        grade.grade_class(tmp_path / "class", "1", labs=ROOT / "labs", scheduler="tcp://127.0.0.1:9")
