import signal
import subprocess
import sys

import pytest

from evidence import __main__, runner
from neuroevo.results import ResultsError


@pytest.fixture(autouse=True)
def handlers():
    """`run` sets what a stop signal does; give pytest its own handlers back."""
    held = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in held]
    yield
    for number, handler in zip(held, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("genreg-mnits", "there is no run called 'genreg-mnits': choose one of"),
        ("genreg-mnist --size huge", "not huge"),
        ("genreg-mnist --size smoke --device tpu", "device 'tpu' is not known to torch: use cpu, cuda or cuda:N"),
        ("genreg-mnist --size smoke --device cuda:99", "device 'cuda:99' is not available here"),
        ("genreg-mnist --size smoke --seeds 0", "n_seeds >= 1"),
        ("genreg-audit --source nowhere", "--source must be a clone"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, arguments, words):
    assert __main__.main(["run", *arguments.split(), "--out", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    *progress, error = captured.err.splitlines()
    assert error.startswith("error: ")
    assert words in error
    assert "Traceback" not in captured.err
    said = [line for line in progress if line and "unit/s]" not in line]
    assert len(said) <= arguments.count("audit")  # the audit says first that it starts
    assert not list(tmp_path.glob("genreg*"))


def test_a_smoke_run_needs_a_folder_of_its_own(capsys):
    assert __main__.main(["run", "genreg-mnist", "--size", "smoke"]) == 2
    assert "give it a folder with --out" in capsys.readouterr().err


def test_a_file_where_the_folder_should_be(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert __main__.main(["run", "genreg-audit", "--out", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_arguments_reach_the_run(tmp_path, monkeypatch, capsys):
    given = {}
    monkeypatch.setattr(runner, "run", lambda name, **words: given.update(words, name=name) or tmp_path)
    line = f"run genreg-mnist --seeds 3 --size laptop --device cuda:1 --jobs 4 --out {tmp_path} --source {tmp_path}"
    line += " --scheduler tcp://a:1"
    assert __main__.main(line.split()) == 0
    assert capsys.readouterr().out == f"stored in {tmp_path}\n"
    expected = {"n_seeds": 3, "size": "laptop", "device": "cuda:1", "jobs": 4, "out": tmp_path, "source": tmp_path}
    expected |= {"name": "genreg-mnist", "scheduler": "tcp://a:1"}
    assert given | expected == given
    __main__.main(["run", "genreg-mnist"])
    expected = {"n_seeds": 5, "size": "full", "jobs": 1, "scheduler": None, "out": None, "source": None}
    assert given | expected == given


@pytest.mark.parametrize("error", [ResultsError("no table"), OSError("no space"), RuntimeError("no MNIST")])
def test_errors_are_told_and_debugging_shows_where(monkeypatch, capsys, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(runner, "run", fail)
    monkeypatch.delenv("NEUROEVO_DEBUG", raising=False)
    assert __main__.main(["run", "genreg-mnist"]) == 2
    assert capsys.readouterr().err == f"error: {error}\n"
    monkeypatch.setenv("NEUROEVO_DEBUG", "1")
    with pytest.raises(type(error)):
        __main__.main(["run", "genreg-mnist"])


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_says_that_the_run_goes_on(monkeypatch, capsys, stop):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does that starts a program with &
    monkeypatch.setattr(runner, "run", lambda *args, **kwargs: signal.raise_signal(stop))
    assert __main__.main(["run", "genreg-mnist"]) == 130
    assert "the same command goes on from here" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run"], ["run", "genreg-mnist", "--seeds", "five"]])
def test_what_is_no_command_shows_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        __main__.main(arguments)
    assert stopped.value.code == 2
    assert "usage: python3 course.py" in capsys.readouterr().err


def test_help_comes_without_waiting_for_torch():
    program = "import sys, evidence.__main__ as m\ntry: m.main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for command in ("run", "bench"):
        assert f"\n    {command} " in done.stdout


def test_the_module_is_a_program():
    done = subprocess.run([sys.executable, "-m", "evidence", "bench", "--fast"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "error: unrecognized arguments: --fast" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_that_old_runs_name_says_what_it_is_called_now():
    words = [sys.executable, "-m", "neuroevo", "run", "ladder", "--seeds", "3"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2
    assert "`python3 course.py run ladder --seeds 3` now" in done.stderr
