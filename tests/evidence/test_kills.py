"""Kill -9 a stored run, or one of its workers, at random moments: it goes on to the same tables, byte for byte.

The runs are made by this file as a program, so that nothing that is killed is the tests' own:

    python tests/evidence/test_kills.py processes 10 FOLDER [NAME [SEEDS [SEED]]]    # or dask
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from pathlib import Path

import psutil
import pytest

from evidence import runner
from neuroevo import results

CLOCKS = ["seconds", "core_seconds", "peak_megabytes", "seconds_a_step"]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["processes", "dask"])
def test_a_run_that_is_killed_ends_with_the_same_tables(where, tmp_path):
    done = subprocess.run([sys.executable, __file__, where, "2", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert len(told["kills"]) == 2
    assert told["tables"] == {"replays": 8 * 2 * 9}
    for run in told["runs"]:
        assert run["same"], run
        assert run["lost"] == [], run  # whatever was finished at a kill is there at the next start


# As a program


def tables(folder, name):
    """Every table as text, without what clocks say."""
    loaded = results.load(name, folder).tables
    return {table: frame.drop(columns=CLOCKS, errors="ignore").to_csv() for table, frame in sorted(loaded.items())}


def main(where, n_kills, folder, name="searchers", seeds="4", seed="0"):
    rng, folder, kills, runs = random.Random(int(seed)), Path(folder), [], []
    n_units = len(runner.find(name).units(list(range(int(seeds)))))
    with cluster() if where == "dask" else nullcontext() as workers:
        how = ["--scheduler", workers.scheduler_address] if workers else ["--jobs", "2"]
        command = [sys.executable, "-m", "evidence", "run", name, "--seeds", seeds, "--size", "smoke", *how, "--out"]

        def start(out, logs):
            logs.append(out.with_suffix(f".{len(logs)}.log"))
            with logs[-1].open("w") as log:
                return subprocess.Popen([*command, str(out)], stdout=log, stderr=log)

        began = time.monotonic()
        with redirect_stdout(sys.stderr):
            runner.run(name, n_seeds=int(seeds), size="smoke", out=folder / "whole")  # here, one after the other
        whole, seconds = tables(folder / "whole", name), time.monotonic() - began
        while len(kills) < int(n_kills):
            out, kept, logs = folder / f"run {len(runs)}", [0], []
            journal = out / ".work" / f"{name}-smoke-cpu" / "units.jsonl"

            def n_finished(journal=journal):
                return journal.read_text().count("\n") if journal.exists() else 0

            run = start(out, logs)
            while run.poll() is None:
                # So many units from now, and a part of one.
                units, part = divmod(rng.uniform(0, n_units / 3), 1)
                wanted = n_finished() + units
                while len(kills) < int(n_kills) and run.poll() is None and n_finished() < wanted:
                    time.sleep(0.01)
                time.sleep(part * seconds / n_units)
                if len(kills) == int(n_kills):
                    run.wait()
                    break
                who = kill(run, workers, len(kills) % 3 == 1)
                if run.poll() == 0:  # it has ended by itself
                    break
                kills.append([who, n_finished()])
                print(f"killed {who} at {units + part:.2f} units, {n_finished()} kept", file=sys.stderr)
                if run.poll() is not None:
                    kept.append(n_finished())
                    run = start(out, logs)
            assert run.returncode == 0, logs[-1].read_text()
            found = [re.search(r" units, (\d+) finished before", log.read_text()) for log in logs]
            # A start that is killed before it has looked says nothing.
            lost = [n for n, said in zip(kept, found, strict=True) if said and int(said[1]) != n]
            runs.append({"same": tables(out, name) == whole, "starts": len(logs), "lost": lost})
    shapes = {table: len(text.splitlines()) - 1 for table, text in whole.items()}
    print(json.dumps({"kills": kills, "runs": runs, "tables": shapes, "seconds": round(seconds, 1)}))


def kill(run, workers, worker_alone):
    """SIGKILL the run, or one of its workers if there are any yet."""
    here = []
    with suppress(psutil.Error):  # it may end by itself just now
        here = [one for one in psutil.Process(run.pid).children() if "spawn_main" in " ".join(one.cmdline())]
    others = [worker.pid for worker in workers.workers.values()] if workers else [child.pid for child in here]
    victim = others[0] if worker_alone and others else run.pid
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    if victim != run.pid:
        return "worker"
    run.wait()
    psutil.wait_procs(here)  # they end by themselves
    return "run"


@contextmanager
def cluster():
    import dask.config
    from distributed import LocalCluster

    dask.config.set({"distributed.deploy.lost-worker-timeout": "900s"})
    found = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50)
    try:
        yield found
    finally:
        with suppress(Exception):  # Dask's own, where a dead worker is just being started again; it ends with us
            found.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
