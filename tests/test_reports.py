"""One failing test can't end the run: what pytest makes of deep chains of exceptions, and of its own mistakes."""

from types import SimpleNamespace

import pytest


def report_of(item, function):
    call = pytest.CallInfo.from_call(function, "call")
    return item.config.hook.pytest_runtest_makereport(item=item, call=call)


def test_a_deep_chain_of_exceptions_is_cut(request):
    def fail():
        error = None
        for number in range(2000):
            error, before = ValueError(f"error {number}"), error
            error.__cause__ = before
        raise error

    report = report_of(request.node, fail)
    assert report.failed
    said = report.longreprtext
    assert all(f"ValueError: error {number}\n" in f"{said}\n" for number in range(1991, 2000))
    assert "error 1990" not in said


def test_a_failure_that_pytest_can_not_format_is_one_failure(request, monkeypatch):
    def mistake(*_, **__):
        raise SystemError("AST constructor recursion depth mismatch")

    monkeypatch.setattr(request.node, "repr_failure", mistake)
    report = report_of(request.node, lambda: 1 / 0)
    monkeypatch.undo()
    assert (report.failed, report.nodeid, report.when) == (True, request.node.nodeid, "call")
    assert "ZeroDivisionError: division by zero" in report.longreprtext
    assert "recursion depth mismatch" in report.longreprtext


def test_a_run_of_many_processes_names_a_failure_at_once(request, capsys):
    def fail():
        assert 1 == 2, "not equal"

    report = report_of(request.node, fail)
    (hook,) = (one for one in request.config.hook.pytest_runtest_logreport.get_hookimpls() if one.trylast)
    hook.function(report)
    assert capsys.readouterr().out == ""  # one process tells it itself
    report.node = SimpleNamespace(_workerinfocache="gw0")  # as xdist hands it over
    hook.function(report)
    told = capsys.readouterr().out
    assert f"call failed: {request.node.nodeid}" in told
    assert "not equal" in told
