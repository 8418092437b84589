import dataclasses
import json
import pickle
import signal
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
import torch

from evidence import provenance, runner
from evidence.runner import Context, Unit
from evidence.runs import genreg_audit, genreg_mnist
from neuroevo import results

TIMES = ["seconds", "core_seconds"]


@pytest.fixture(autouse=True)
def fallback(tmp_path, monkeypatch):
    """No MNIST, no network, one thread."""
    folder = tmp_path / "no data"
    folder.mkdir()
    monkeypatch.setenv("NEUROEVO_DATA", str(folder))
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture
def ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def smoke(tmp_path, monkeypatch):
    """A smoke run of a few units into a folder of its own; gives back its tables."""

    def run(methods, out="out", **words):
        units = [Unit(method, 0) for method in methods]
        short = dataclasses.replace(genreg_mnist.EXPERIMENT, units=lambda seeds: units)
        monkeypatch.setattr(genreg_mnist, "EXPERIMENT", short)
        folder = runner.run("genreg-mnist", n_seeds=1, size="smoke", out=tmp_path / out, **words)
        assert folder == tmp_path / out / "genreg-mnist"
        return results.load("genreg-mnist", tmp_path / out).tables

    return run


def assert_same_tables(a, b):
    assert a.keys() == b.keys()
    for name in a:
        pd.testing.assert_frame_equal(*(tables[name].drop(columns=TIMES, errors="ignore") for tables in (a, b)))


# What can be run


def test_every_name_is_an_experiment():
    for name in runner.NAMES:
        experiment = runner.find(name)
        keys = [unit.key for unit in experiment.units([0, 1])]
        assert keys
        assert len(keys) == len(set(keys))


def test_every_method_is_run_with_every_seed_and_every_sweep_with_none_of_them():
    units = genreg_mnist.units([0, 1, 2])
    sweeps = {unit for unit in units if unit.method.startswith("sweep")}
    assert {unit.seed for unit in sweeps} == {genreg_mnist.TUNING_SEED}
    assert {unit.method for unit in units} == genreg_mnist.RUNNERS.keys()
    for method in genreg_mnist.RULES.keys() | {"random search", "gradient", "softmax", "evolution strategy"}:
        assert [unit.seed for unit in units if unit.method == method] == [0, 1, 2]


def test_tuned_values_come_from_the_sweeps():
    for method, value in genreg_mnist.TUNED.items():
        assert value in genreg_mnist.SWEEPS[method]


# A smoke run


def test_smoke_run_of_every_kind_of_method(smoke, tmp_path):
    methods = ["printed", "five births", "log-likelihood", "random search", "evolution strategy", "gradient"]
    methods += ["softmax", "nearest class mean", "sweep printed 0.1", "sweep gradient 0.001"]
    tables = smoke(methods)
    finals, curves, sweeps = tables["finals"].set_index("method"), tables["curves"], tables["sweeps"]
    assert list(finals.index) == methods[:8]
    assert list(sweeps["method"]) == methods[8:]
    right = finals[[f"right_{digit}" for digit in range(10)]].sum(axis=1)
    assert (right == finals["test_correct"]).all()
    assert (finals["n_test"] == 300).all()
    assert not {"test_correct", "n_test"} & set(sweeps.columns)  # no sweep opens the test set
    best = curves.groupby("method")["validation"].max()
    assert best.to_dict() == finals.drop("nearest class mean")["validation"].to_dict()

    per_generation = genreg_mnist.N_GENOMES["smoke"] * 10 * genreg_mnist.IMAGES_PER_CLASS
    selection = ["printed", "five births", "log-likelihood", "random search", "evolution strategy"]
    assert (finals.loc[selection, "evaluations"] == 12 * per_generation).all()
    for method, curve in curves.groupby("method"):
        per_step = per_generation if method in selection else 3 * genreg_mnist.BATCH
        assert (curve["evaluations"] == curve["step"] * per_step).all()
        assert curve["seconds"].is_monotonic_increasing

    provenance = results.load("genreg-mnist", tmp_path / "out").provenance
    assert provenance["command"] == "python3 course.py run genreg-mnist --seeds 1 --size smoke"
    assert provenance["settings"]["data"] == "digits fallback"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".work", "genreg-mnist"]
    assert not list((tmp_path / "out" / ".work").iterdir())


def test_two_processes_give_the_tables_of_one(smoke):
    methods = ["printed", "sweep printed 0.1"]
    assert_same_tables(smoke(methods, "two", jobs=2), smoke(methods, "one"))


def test_after_an_error_no_other_unit_starts(smoke, monkeypatch):
    started = []

    def fail(unit, context):
        started.append(unit.method)
        raise OSError("no space left")

    # Threads in place of processes: what is tested is which units are handed out.
    monkeypatch.setattr(runner, "ProcessPoolExecutor", lambda jobs, *others: ThreadPoolExecutor(jobs))
    methods = [f"method {i}" for i in range(20)]
    monkeypatch.setattr(genreg_mnist, "RUNNERS", dict.fromkeys(methods, fail))
    with pytest.raises(OSError, match="no space left"):
        smoke(methods, jobs=2)
    assert set(started) <= set(methods[:2])


def test_a_run_repeats_and_seeds_differ(tmp_path):
    rows = []
    for i, seed in enumerate((0, 0, 1)):
        context = Context("smoke", torch.device("cpu"), tmp_path / str(i), progress=False)
        (final,) = genreg_mnist.run_unit(Unit("printed", seed), context)["finals"]
        rows.append({key: final[key] for key in final if key not in (*TIMES, "seed")})
    assert rows[0] == rows[1] != rows[2]


# Stopping and going on


@pytest.mark.parametrize("calls_before_stop", [1, 5, 12])
def test_a_run_stopped_by_ctrl_c_ends_as_if_it_had_not_been(smoke, monkeypatch, ctrl_c, calls_before_stop):
    methods = ["nearest class mean", "printed", "gradient"]
    whole = smoke(methods, "whole")
    calls = 0

    def stop(*args, original=genreg_mnist.reward):
        nonlocal calls
        calls += 1
        if calls == calls_before_stop:  # in the middle of a generation: its images are drawn, its rewards not told
            signal.raise_signal(signal.SIGINT)
        return original(*args)

    monkeypatch.setattr(genreg_mnist, "reward", stop)
    with pytest.raises(KeyboardInterrupt):
        smoke(methods, "stopped")
    assert calls == calls_before_stop
    monkeypatch.delitem(genreg_mnist.RUNNERS, "nearest class mean")  # finished before: must not run again
    assert_same_tables(smoke(methods, "stopped"), whole)
    assert calls == genreg_mnist.N_GENERATIONS["smoke"]  # no generation was lost


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(smoke, monkeypatch, tmp_path):
    whole = smoke(["five births"], "whole")
    calls = 0

    def die(*args, original=genreg_mnist.reward):
        nonlocal calls
        calls += 1
        if calls == 8:
            raise RuntimeError("killed")
        return original(*args)

    monkeypatch.setattr(genreg_mnist, "CHECKPOINT_EVERY", 3)
    monkeypatch.setattr(genreg_mnist, "reward", die)
    with pytest.raises(RuntimeError, match="killed"):
        smoke(["five births"], "killed")
    left = list((tmp_path / "killed/.work/genreg-mnist-smoke-cpu/five births-seed0").iterdir())
    assert [path.name for path in left] == ["generation-00006"]
    assert_same_tables(smoke(["five births"], "killed"), whole)
    assert calls == 8 + 12 - 6


def test_a_stop_before_the_first_generation_is_only_a_stop(smoke, monkeypatch):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(genreg_mnist, "uninterrupted", stop)
    with pytest.raises(KeyboardInterrupt):
        smoke(["printed"])


@pytest.fixture
def half_done(smoke, monkeypatch, tmp_path):
    """A run of two units that was stopped after the first; gives back how to go on with it."""

    def stop(unit, context):
        raise KeyboardInterrupt

    methods = ["sweep gradient 0.001", "nearest class mean"]
    monkeypatch.setattr(provenance, "commit", lambda: "first")
    with monkeypatch.context() as stopped:
        stopped.setitem(genreg_mnist.RUNNERS, "nearest class mean", stop)
        with pytest.raises(KeyboardInterrupt):
            smoke(methods)
    left = {path.name for path in (tmp_path / "out/.work/genreg-mnist-smoke-cpu").iterdir()}
    assert left == {"run.json", "sweep gradient 0.001-seed0.json", "nearest class mean-seed0"}
    return lambda: smoke(methods)


def test_units_of_other_settings_are_not_mixed(half_done, monkeypatch):
    with monkeypatch.context() as changed:
        changed.setattr(genreg_mnist, "BATCH", 128)
        with pytest.raises(ValueError, match="was made with other settings"):
            half_done()
    assert len(half_done()["sweeps"]) == 1


def test_a_run_that_goes_on_with_newer_code_names_both(half_done, monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "commit", lambda: "second")
    half_done()
    assert results.load("genreg-mnist", tmp_path / "out").provenance["commit"] == "first, second"


# Refusals


def test_a_full_size_run_needs_mnist_itself(tmp_path, monkeypatch):
    short = dataclasses.replace(genreg_mnist.EXPERIMENT, units=lambda seeds: [Unit("nearest class mean", 0)])
    monkeypatch.setattr(genreg_mnist, "EXPERIMENT", short)
    with pytest.raises(RuntimeError, match=r"a full-size run needs MNIST itself.*this is not MNIST"):
        runner.run("genreg-mnist", size="full", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"name": "genreg-mnits"}, "no run called 'genreg-mnits': choose one of .*genreg-audit, genreg-mnist"),
        ({"size": "huge"}, "a size of smoke, laptop, full.*, not huge"),
        ({"n_seeds": 0}, "n_seeds >= 1"),
        ({"jobs": 0}, "jobs >= 1"),
        ({"device": "tpu"}, "device 'tpu' is not known"),
        ({"out": None}, "a smoke run doesn't belong beside the stored ones"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, words, message):
    with pytest.raises(ValueError, match=message):
        runner.run(**{"name": "genreg-mnist", "size": "smoke", "out": tmp_path / "out", **words})
    assert not (tmp_path / "out").exists()


# The audit


@pytest.mark.parametrize("protocol", [4, 5])
def test_a_plain_pickle_is_read_without_being_run(tmp_path, protocol):
    content = {"w1": [[0.5, -1.5], [2.0, 1e300]], "id": 12345678, "big": 2**40, "name": "é", "none": [None, True, {}]}
    content["again"] = content["w1"]
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(content, protocol))
    assert genreg_audit.read_plain_pickle(tmp_path / "plain.pkl") == content


def test_a_pickle_that_could_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (tmp_path / "trap.pkl").write_bytes(pickle.dumps({"w1": Trap()}))
    with pytest.raises(ValueError, match="could run code: not read"):
        genreg_audit.read_plain_pickle(tmp_path / "trap.pkl")
    assert not (tmp_path / "sprung").exists()


def test_the_audit_needs_the_published_files(tmp_path):
    with pytest.raises(ValueError, match="--source must be a clone"):
        runner.run("genreg-audit", size="smoke", out=tmp_path / "out", source=tmp_path)


def test_settings_are_json():
    for name in runner.NAMES:
        settings = runner.find(name).settings("smoke")
        assert json.loads(json.dumps(settings))
