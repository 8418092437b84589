"""What `course.py run gpu` does where there is no GPU: at smoke size on the CPU, and on a pretended one."""

import dataclasses
import json
import subprocess
import sys
import time

import pytest
import torch
from pretended_gpu import pretended_gpu

from evidence import filters, runner
from evidence.runner import Unit
from evidence.runs import gpu
from evidence.runs.gpu import clocks, jobs
from neuroevo import ga, results

CPU = torch.device("cpu")
SEARCHES = ["GENREG as printed", "one-neuron mutants", "one-neuron ES", *gpu.FILTERS]


# The whole run


@pytest.mark.slow
def test_a_run_that_is_killed_keeps_what_it_has_and_goes_on(tmp_path):
    words = [sys.executable, "-m", "evidence", "run", "gpu", "--device", "cpu", "--size", "smoke", "--seeds", "1"]
    words += ["--out", str(tmp_path), "--minutes", "60"]
    journal = tmp_path / ".work/gpu-smoke-cpu/units.jsonl"
    with subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as running:
        while not (journal.exists() and journal.read_bytes().count(b"\n") > 3):
            assert running.poll() is None
            time.sleep(0.01)
        running.kill()
    before = [json.loads(line) for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    kept = results.load("gpu", tmp_path).tables["units"]
    assert 0 < kept["finished"].sum() <= len(before) < len(kept)

    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{len(before)} finished before" in done.stderr
    run = results.load("gpu", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".work", "gpu"] or not (journal.parent).exists()
    units = run.tables["units"]
    assert units["finished"].all()
    assert [Unit(*row) for row in units[["method", "seed"]].itertuples(index=False)] == gpu.units([0])
    # What stood in the journal was not run again: it has its old seconds, and nobody asked how long it would take.
    assert units["seconds"][: len(before)].tolist() == pytest.approx([one["seconds"] for one in before], rel=1e-4)
    assert units["expected"].isna().tolist() == [i < len(before) for i in range(len(units))]
    assert set(run.tables) == {"units", "speed", "finals", "curves"}
    assert run.provenance["command"].endswith("run gpu --seeds 1 --size smoke --device cpu --minutes 60")


@pytest.mark.slow
def test_on_a_pretended_gpu(smoke, monkeypatch, tmp_path, without_clocks):
    here = smoke("gpu", SEARCHES, "here", device="cpu")
    with pretended_gpu(monkeypatch):
        there = smoke("gpu", [*gpu.JOBS], "there")
    assert there["units"]["finished"].all()
    for table in ("finals", "curves"):  # the same random numbers, and each on its device
        assert without_clocks(there[table]) == without_clocks(here[table])
    speed = there["speed"]
    assert speed["note"].isna().all()
    assert (speed[["low", "seconds", "high"]].diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (speed["low"] > 0).all()
    grid = speed[speed["work"] == "generation"].groupby("device")["images_per_class"].unique()
    assert {device: sorted(batches) for device, batches in grid.items()} == {"cpu": [1, 20], "cuda": [1, 20]}
    assert set(speed["device"][speed["work"].isin(["forward, TF32", "first layer, shared"])]) == {"cuda"}
    assert torch.get_float32_matmul_precision() == "highest"
    about = results.load("gpu", tmp_path / "there").provenance
    assert about["hardware"].endswith("Pretended GPU")
    assert about["command"] == "python3 course.py run gpu --seeds 1 --size smoke"


def test_what_forgets_a_device_fails_on_the_pretended_gpu(smoke, monkeypatch):
    monkeypatch.setattr(filters, "_with_one", lambda rows: torch.cat([rows, torch.ones(1, rows.shape[1])]))
    assert len(smoke("gpu", ["filters, evolution strategy"], "here", device="cpu")["finals"]) == 1
    with pretended_gpu(monkeypatch), pytest.raises(RuntimeError, match="same device"):
        smoke("gpu", ["filters, evolution strategy"], "there")


# Its units


def test_the_most_valuable_comes_first_and_the_dearest_seed_by_seed():
    units = gpu.units([0, 1, 2, 3, 4])
    methods = list(dict.fromkeys(unit.method for unit in units))
    assert methods == list(gpu.JOBS)
    seeds = {method: [unit.seed for unit in units if unit.method == method] for method in methods}
    assert seeds["GENREG as printed"] == [0, 1, 2, 3, 4]
    assert seeds["one-neuron mutants"] == seeds["one-neuron ES"] == [0, 1, 2]
    assert [(unit.method, unit.seed) for unit in units[-6:]] == [(m, s) for s in (0, 1, 2) for m in gpu.FILTERS]
    assert {len(s) for m, s in seeds.items() if m.startswith(("speed", "shared"))} == {1}


def test_the_rungs_have_the_settings_and_evaluations_of_the_stored_ladder():
    stored = results.load("ladder")
    for method in ("one-neuron mutants", "one-neuron ES"):
        rung = gpu.JOBS[method].rung_of(method, "full")
        finals = stored.tables["finals"][stored.tables["finals"]["method"] == method]
        settings = stored.provenance["settings"]["rungs"][method] | {"kind": None}
        changed = {finals["setting"].iloc[0]: finals["value"].iloc[0]}
        assert dataclasses.asdict(rung) | {"kind": None} == settings | changed | {"n_pairs": rung.n_pairs}
        searched = rung.climber(rung, torch.Generator().manual_seed(0))
        assert (finals["evaluations"] == rung.n_generations * searched.n_genomes * rung.n_images).all()
    assert gpu.FILTERS["filters, evolution strategy"].n_generations == 46_000


def test_every_unit_can_tell_how_long_it_takes(context):
    for unit in gpu.units([0]):
        if "10000" not in unit.method:
            assert 0 < gpu.seconds(unit, context) < 600


def test_what_takes_longer_is_expected_to(monkeypatch):
    job = jobs.Clocked(lambda n, batches, device: [], 100)
    full = runner.Context("full", CPU, None)
    monkeypatch.setattr(clocks, "rows", lambda works, n_genomes, device, n_rounds: [{"seconds": n_genomes / 1e4}])
    # a tenth takes 1 ms, all 10 ms; nine calls for seven batches, that of 50 images counting 2.5 and that of 100, 5
    assert job.seconds(None, full) == pytest.approx(jobs.MARGIN * 0.01 * 9 * (5 + 2.5 + 5))


def test_a_population_too_large_is_a_row(context, monkeypatch):
    def generation(state, x, y):
        if len(state.population) > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(clocks, "generation", generation)
    assert [row["note"] for row in gpu.run_unit(Unit("speed of 1000", 0), context)["speed"]] == [""] * 7
    rows = gpu.run_unit(Unit("speed of 10000", 0), context)["speed"]
    assert [row["note"] for row in rows] == ["", "out of memory"]
    assert (rows[-1]["n_genomes"], rows[-1]["work"]) == (40, "the next")
    assert gpu.seconds(Unit("speed of 10000", 0), context) > 0


def test_a_population_that_the_cpu_cannot_hold_is_not_tried():
    rows = clocks.rows(clocks.speed(10**9, [1], CPU), 10**9, CPU, 1)
    assert rows == [{"device": "cpu", "n_genomes": 10**9, "work": "the next", "note": "out of memory"}]


# What it times


def test_shared_products_are_the_childrens():
    rng = torch.Generator().manual_seed(0)
    brood = clocks.Brood(20, rng)
    x = clocks.noise(2, rng).pixels()
    assert brood.parents.shape[0] == 4
    differ = (brood.children != brood.parents[brood.parent_of]).float().mean()
    assert 0.065 < differ < 0.075
    expected = brood.plain(x)
    assert expected.std() > 0.5
    torch.testing.assert_close(brood.shared(x), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(brood.shared(x, brood.differences()), expected, atol=1e-4, rtol=1e-4)
    without = brood.parents[brood.parent_of] @ x.T
    assert (without - expected).abs().max() > 0.1


def test_copies_at_once_are_the_copies_row_by_row():
    rng = torch.Generator().manual_seed(0)
    for _ in range(5):
        population, parents = torch.randn(9, 3, generator=rng), torch.randint(4, (9,), generator=rng)
        at_once = population.clone()
        ga.reproduce_(population, parents)
        clocks.copy_at_once_(at_once, parents)
        assert torch.equal(at_once, population)


def test_every_call_is_waited_for_and_the_first_do_not_count(monkeypatch):
    log = []
    with pretended_gpu(monkeypatch):
        monkeypatch.setattr(torch.cuda, "synchronize", lambda device: log.append("wait"))
        seconds = clocks.times(lambda: log.append("work"), torch.device("cuda"), 3)
    assert len(seconds) == 3
    assert log == ["wait", "work", "wait"] * (clocks.WARM_UP + 3)
