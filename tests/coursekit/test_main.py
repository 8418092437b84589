import subprocess
import sys

import pytest

from coursekit import __main__, execute
from coursekit.notebooks import NotebookError


@pytest.mark.parametrize("error", [NotebookError("no notebook"), OSError("no space"), RuntimeError("no kernel")])
def test_errors_are_told_and_debugging_shows_where(monkeypatch, capsys, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(execute, "execute", fail)
    monkeypatch.delenv("NEUROEVO_DEBUG", raising=False)
    assert __main__.main(["execute", "some.ipynb"]) == 2
    assert capsys.readouterr().err == f"error: {error}\n"
    monkeypatch.setenv("NEUROEVO_DEBUG", "1")
    with pytest.raises(type(error)):
        __main__.main(["execute", "some.ipynb"])


@pytest.mark.parametrize("arguments", [[], ["walk"], ["grade"], ["execute"]])
def test_what_is_no_command_shows_the_usage(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        __main__.main(arguments)
    assert stopped.value.code == 2
    assert "usage: python3 course.py" in capsys.readouterr().err


def test_help_comes_without_waiting_for_torch():
    program = "import sys, coursekit.__main__ as m\ntry: m.main(['--help'])\nfinally: assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for command in ("execute", "labs", "grade", "doctor"):
        assert f"\n    {command} " in done.stdout
