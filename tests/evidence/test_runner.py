"""Runs of many units: everywhere the same tables, and nothing lost, whatever stops them."""

import dataclasses
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from evidence import provenance, runner
from evidence.runner import Experiment, Unit
from evidence.runs import genreg_mnist
from neuroevo import data, results
from neuroevo.workers import WorkersError

NAME = "genreg-mnist"


@pytest.fixture
def ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# What can be run


def test_every_name_is_an_experiment():
    for name in runner.NAMES:
        experiment = runner.find(name)
        keys = [unit.key for unit in experiment.units([0, 1])]
        assert keys
        assert len(keys) == len(set(keys))


def test_settings_are_json():
    for name in runner.NAMES:
        settings = runner.find(name).settings("smoke")
        assert json.loads(json.dumps(settings))


@pytest.mark.parametrize("name", sorted(runner.NAMES))
def test_the_settings_of_the_stored_run_are_todays(name, monkeypatch):
    if not (results.results_folder() / name / "provenance.json").exists():
        pytest.skip(f"{name} is not stored yet")
    stored = results.load(name).provenance["settings"]
    monkeypatch.setattr(data, "mnist", lambda: SimpleNamespace(notice="", source="MNIST"))
    now = json.loads(json.dumps(runner.find(name).settings(stored.get("size", "smoke"))))
    assert now | {"optuna": stored.get("optuna")} == stored | {"optuna": stored.get("optuna")}


@pytest.fixture
def toy(monkeypatch):
    """An experiment in which one unit waits for what two others have found; gives back who ran, and with what."""
    ran = []

    def given(unit, finished):
        found = [finished.get(Unit(f"trial {i}", 9)) for i in (0, 1)]
        if unit.method != "judged":
            return {}
        return None if None in found else {"best": max(rows["trials"][0]["x"] for rows in found)}

    def run_unit(unit, context):
        ran.append((unit.method, dict(context.given)))
        assert context.scratch.is_dir()
        if unit.method == "judged":
            return {"finals": [{"best": context.given["best"], "seed": unit.seed}]}
        return {"trials": [{"x": int(unit.method[-1])}]}

    units = [Unit("judged", 0), Unit("trial 0", 9), Unit("trial 1", 9), Unit("judged", 1)]
    monkeypatch.setattr(genreg_mnist, "EXPERIMENT", Experiment(lambda _: units, run_unit, lambda _: {"a": 1}, given))
    return ran


def threads(monkeypatch):
    monkeypatch.setattr(runner.workers, "processes", lambda n: lambda: ThreadPoolExecutor(n))
    monkeypatch.setattr(runner, "_evaluate_in_a_process", runner._evaluate)  # signals are the main thread's


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_a_unit_waits_for_what_it_needs_and_nothing_runs_twice(toy, tmp_path, monkeypatch, jobs):
    threads(monkeypatch)
    with pytest.raises(WorkersError, match="waits for an evaluation that nobody makes"):
        runner.run(NAME, size="smoke", out=tmp_path, jobs=jobs)  # the first unit waits for later ones
    assert toy == []
    units = genreg_mnist.EXPERIMENT.units([])
    units.append(units.pop(0))
    runner.run(NAME, size="smoke", out=tmp_path, jobs=jobs)
    assert sorted(method for method, _ in toy) == ["judged", "judged", "trial 0", "trial 1"]
    assert [given["best"] for method, given in toy if method == "judged"] == [1, 1]
    assert results.load(NAME, tmp_path).tables["finals"]["seed"].tolist() == [1, 0]  # the order of the units


def test_after_an_error_no_other_unit_starts(smoke, monkeypatch):
    started = []

    def fail(unit, context):
        started.append(unit.method)
        raise OSError("no space left")

    threads(monkeypatch)  # what is tested is which units are handed out
    methods = list(genreg_mnist.RUNNERS)[:20]
    monkeypatch.setattr(genreg_mnist, "RUNNERS", genreg_mnist.RUNNERS | dict.fromkeys(methods, fail))
    with pytest.raises(WorkersError, match=f"'{methods[0]}'.*OSError: no space left|'{methods[1]}'.*no space left"):
        smoke(NAME, methods, jobs=2)
    assert set(started) <= set(methods[:2])


# Stopping and going on


@pytest.mark.parametrize("calls_before_stop", [1, 5, 12])
def test_a_run_stopped_by_ctrl_c_ends_as_if_it_had_not_been(
    smoke, without_clocks, monkeypatch, ctrl_c, calls_before_stop
):
    methods = ["nearest class mean", "printed", "gradient"]
    whole = smoke(NAME, methods, "whole")
    calls = 0

    def stop(self, *args, original=genreg_mnist.Rule.scores):
        nonlocal calls
        calls += 1
        if calls == calls_before_stop:  # in the middle of a generation: its images are drawn, its rewards not told
            signal.raise_signal(signal.SIGINT)
        return original(self, *args)

    monkeypatch.setattr(genreg_mnist.Rule, "scores", stop)
    with pytest.raises(KeyboardInterrupt):
        smoke(NAME, methods, "stopped")
    assert calls == calls_before_stop
    monkeypatch.setitem(genreg_mnist.RUNNERS, "nearest class mean", None)  # finished before: must not run again
    assert without_clocks(smoke(NAME, methods, "stopped")) == without_clocks(whole)
    assert calls == genreg_mnist.N_GENERATIONS["smoke"]  # no generation was lost


def test_a_run_that_was_killed_goes_on_from_its_last_checkpoint(smoke, without_clocks, monkeypatch, tmp_path):
    whole = smoke(NAME, ["five births"], "whole")
    calls = 0

    def die(self, *args, original=genreg_mnist.Rule.scores):
        nonlocal calls
        calls += 1
        if calls == 8:
            raise RuntimeError("killed")
        return original(self, *args)

    monkeypatch.setattr(genreg_mnist, "CHECKPOINT_EVERY", 3)
    monkeypatch.setattr(genreg_mnist.Rule, "scores", die)
    with pytest.raises(WorkersError, match="killed"):
        smoke(NAME, ["five births"], "killed")
    left = list((tmp_path / "killed/.work/genreg-mnist-smoke-cpu/five births-seed0").iterdir())
    assert [path.name for path in left] == ["generation-00006"]
    assert without_clocks(smoke(NAME, ["five births"], "killed")) == without_clocks(whole)
    assert calls == 8 + 12 - 6


def test_a_stop_before_the_first_generation_is_only_a_stop(smoke, monkeypatch):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(genreg_mnist, "uninterrupted", stop)
    with pytest.raises(KeyboardInterrupt):
        smoke(NAME, ["printed"])


@pytest.fixture
def half_done(smoke, monkeypatch, tmp_path):
    """A run of two units that was stopped after the first; gives back how to go on with it."""

    def stop(unit, context):
        raise KeyboardInterrupt

    methods = ["sweep gradient 0.001", "nearest class mean"]
    monkeypatch.setattr(runner, "_commit", lambda: "first")
    with monkeypatch.context() as stopped:
        stopped.setitem(genreg_mnist.RUNNERS, "nearest class mean", stop)
        with pytest.raises(KeyboardInterrupt):
            smoke(NAME, methods)
    work = tmp_path / "out/.work/genreg-mnist-smoke-cpu"
    assert {path.name for path in work.iterdir()} == {"settings.json", "units.jsonl", "nearest class mean-seed0"}
    assert json.loads((work / "units.jsonl").read_text())["design"] == {"method": methods[0]}
    return lambda: smoke(NAME, methods)


def test_units_of_other_settings_are_not_mixed(half_done, monkeypatch):
    with monkeypatch.context() as changed:
        changed.setattr(genreg_mnist, "BATCH", 128)
        with pytest.raises(ValueError, match="was made with other settings"):
            half_done()
    assert len(half_done()["sweeps"]) == 1


def test_a_run_that_goes_on_with_newer_code_on_another_machine_names_both(half_done, monkeypatch, tmp_path):
    before = provenance.hardware_of("cpu")
    monkeypatch.setattr(runner, "_commit", lambda: "second")
    monkeypatch.setattr(provenance, "hardware_of", lambda device: "another machine")
    half_done()
    about = results.load(NAME, tmp_path / "out").provenance
    assert about["commit"] == "first, second"
    assert about["hardware"] == f"{before}; another machine"


# Refusals


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"name": "genreg-mnits"}, "no run called 'genreg-mnits': choose one of .*genreg-audit, genreg-mnist"),
        ({"size": "huge"}, "a size of smoke, laptop, full.*, not huge"),
        ({"n_seeds": 0}, "n_seeds >= 1"),
        ({"jobs": 0}, "jobs >= 1"),
        ({"jobs": 2, "scheduler": "tcp://a:1"}, "either 2 jobs on this machine or the workers of tcp://a:1"),
        ({"device": "tpu"}, "device 'tpu' is not known"),
        ({"out": None}, "a smoke run doesn't belong beside the stored ones"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, words, message):
    with pytest.raises(ValueError, match=message):
        runner.run(**{"name": NAME, "size": "smoke", "out": tmp_path / "out", **words})
    assert not (tmp_path / "out").exists()


def test_a_bar_is_left_to_the_environment_unless_the_context_wants_none(context, monkeypatch):
    asked = []
    monkeypatch.setattr(runner, "tqdm", lambda *words, **more: asked.append((words, more.get("disable", "as it is"))))
    for progress in (True, False):
        dataclasses.replace(context, progress=progress).bar(range(3), Unit("a unit", 7), "step")
    assert asked == [((range(3), "a unit-seed7"), "as it is"), ((range(3), "a unit-seed7"), True)]
