"""A run that is bounded by minutes begins nothing that doesn't fit, and keeps what it has."""

from types import SimpleNamespace

import pytest

from evidence import __main__, runner
from evidence.runner import Experiment, Unit
from evidence.runs import genreg_mnist
from neuroevo import results

NAME = "genreg-mnist"


@pytest.fixture
def timed(monkeypatch, tmp_path):
    """A run of units that say they take so many seconds; gives back a function that runs it, and who ran."""
    ran = []

    def run(expected, minutes, n_units=None, **words):
        units = [Unit(f"takes {seconds}", i) for i, seconds in enumerate(expected)]

        def run_unit(unit, context):
            ran.append(unit.seed)
            if expected[unit.seed] is None:
                raise KeyboardInterrupt
            return {"finals": [{"seed": unit.seed}]}

        experiment = Experiment(
            lambda seeds: units[:n_units],
            run_unit,
            lambda size: {"a": 1},
            seconds=lambda unit, context: expected[unit.seed] or 0.0,
        )
        monkeypatch.setattr(genreg_mnist, "EXPERIMENT", experiment)
        return runner.run(NAME, size="smoke", out=tmp_path, minutes=minutes, **words)

    return run, ran


def state(tmp_path):
    tables = results.load(NAME, tmp_path).tables
    assert tables["finals"]["seed"].tolist() == tables["units"]["seed"][tables["units"]["finished"]].tolist()
    return tables["units"]["finished"].tolist()


def test_what_does_not_fit_is_left_out_and_named_and_begun_by_the_next_call(timed, tmp_path, capsys):
    run, ran = timed
    assert run([1, 400, 2], 1) == tmp_path / NAME
    assert ran == [0, 2]
    assert state(tmp_path) == [True, False, True]
    units = results.load(NAME, tmp_path).tables["units"]
    assert units["expected"].tolist() == [1, 400, 2]
    assert units["seconds"].isna().tolist() == [False, True, False]
    told = capsys.readouterr().err
    assert "no time was left for 1 of 3 units: takes 400-seed1 (about 400 s); the same command goes on" in told
    run([1, 400, 2], 10)
    assert ran == [0, 2, 1]
    assert state(tmp_path) == [True, True, True]
    assert not list((tmp_path / ".work").iterdir())


def test_when_the_time_is_up_nobody_is_asked(timed, tmp_path, monkeypatch, capsys):
    run, ran = timed
    clock = iter([0.0, 1.0, 1.0, 61.0, 61.0])
    monkeypatch.setattr(runner, "time", SimpleNamespace(monotonic=lambda: next(clock)))  # nobody else asks it
    run([1, 1, 1], 1)
    assert ran == [0]
    assert "units: takes 1-seed1, takes 1-seed2; the same" in capsys.readouterr().err


def test_a_run_is_stored_unit_by_unit(timed, tmp_path):
    run, ran = timed
    with pytest.raises(KeyboardInterrupt):
        run([1, 2, None, 3], None)
    assert state(tmp_path) == [True, True, False, False]
    run([1, 2, 1, 3], None)
    assert ran == [0, 1, 2, 2, 3]
    assert state(tmp_path) == [True] * 4


def test_a_longer_run_is_not_replaced_by_a_shorter_one(timed, tmp_path):
    run, _ = timed
    run([1, 1, 1], None)
    with pytest.raises(ValueError, match=r"1 units are finished; .* keeps its 3 until"):
        run([1, 400, 400], 1)
    assert state(tmp_path) == [True] * 3
    run([1, 4, 4], 1)
    assert state(tmp_path) == [True] * 3
    assert results.load(NAME, tmp_path).tables["units"]["expected"][1:].tolist() == [4, 4]


def test_nothing_fits(timed, tmp_path):
    run, _ = timed
    with pytest.raises(ValueError, match="0 units are finished"):
        run([400], 1)
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("words", [{"jobs": 2}, {"scheduler": "tcp://a:1"}])
def test_what_is_timed_runs_one_at_a_time(timed, words):
    with pytest.raises(ValueError, match="units of genreg-mnist are timed"):
        timed[0]([1], None, **words)


@pytest.mark.parametrize("minutes", [0, -1, float("nan")])
def test_minutes_are_above_0(timed, minutes):
    with pytest.raises(ValueError, match="minutes must be above 0"):
        timed[0]([1], minutes)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("genreg-mnist --size smoke --minutes 6", "genreg-mnist can't be bounded by minutes"),
        ("gpu --device cpu", "gpu measures a GPU: on cpu it can only be tried out, with --size smoke"),
    ],
)
def test_bad_input_is_one_line(tmp_path, capsys, words, message):
    assert __main__.main(["run", *words.split(), "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
