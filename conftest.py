"""What pytest must know about the course.

* Without MNIST, cells whose output depends on it are not compared. They carry the tag `needs-mnist`, and still run, on
  the offline fallback, so their own assertions hold.
* What takes longest comes first, so that no process waits for another at the end.
* One failing test can't end the run, however deep its chain of exceptions, and is named as soon as it has failed.
* Ctrl-C reaches what tests interrupt, also where a shell has started them in the background, and so without it.
"""

import os
import signal
from collections import Counter
from collections.abc import Generator
from itertools import chain
from typing import Any

import pytest
import unchanged
import warm_kernels

_LONGEST = (  # starts of paths, measured; the rest follows as it is collected
    *("tests/book/test_site.py", "tests/coursekit/test_grading_", "tests/coursekit/test_grade.py"),
    *("tests/evidence/test_kills.py", "tests/neuroevo/test_workers.py", "notebooks", "tests/test_house.py"),
    *("tests/book/test_browser.py", "tests/evidence", "tests/coursekit/test_labs.py", "solutions"),
)
_NOTICE = "NEUROEVO_TESTS_WITHOUT_MNIST"  # the main process finds out once and tells xdist's workers and the kernels


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--changed", action="store_true", help="leave out what passed here and depends on no change")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # which every process that a test starts would inherit
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("nbval", default=False) and _NOTICE not in os.environ:
        from neuroevo import data

        try:
            fallback = bool(data.mnist().notice)
        except data.DataError as error:  # a broken file: one message, not a traceback
            raise pytest.UsageError(str(error)) from error
        os.environ[_NOTICE] = str(int(fallback))
        if fallback:
            os.environ["NEUROEVO_OFFLINE"] = "1"  # no notebook needs to look for a server again
    if config.getoption("nbval", default=False):
        if hasattr(config, "workerinput") or not config.getoption("numprocesses", default=None):
            warm_kernels.install()  # where notebooks run: not in the process that only hands them out to others
        if hasattr(config, "cache"):
            config.pluginmanager.register(unchanged.Unchanged(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)
    if os.environ.get(_NOTICE) == "1":
        for item in items:
            if _needs_mnist(item):
                item.options["check"] = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What a test raised, told by pytest; where pytest itself fails over it, in a line."""
    if call.excinfo is not None:
        _cut(call.excinfo.value)
    try:
        return (yield)
    except Exception as error:  # a SystemError of ast's, say; it would end the run
        told = f"{call.excinfo and call.excinfo.exconly()}\n(pytest couldn't say more of it: {error!r})"
        nodeid, place, keywords = item.nodeid, item.location, dict.fromkeys(item.keywords, 1)
        return pytest.TestReport(nodeid, place, keywords, "failed", told, call.when or "call", duration=call.duration)


@pytest.hookimpl(trylast=True)  # after pytest's own letter for it
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A run of many processes takes long, and pytest names what failed at its end."""
    if report.failed and hasattr(report, "node"):  # as xdist hands it over
        crash = getattr(report.longrepr, "reprcrash", None)  # notebooks' cells have none
        shown = crash.message.partition("\n")[0] if crash else ""
        print(f"\n{report.when} failed: {report.nodeid}\n{shown[:200]}", flush=True)


def _cut(error: BaseException | None, n_kept: int = 8) -> None:
    """Drop what lies deeper in a chain of exceptions than anybody reads."""
    for _ in range(n_kept):
        error = error and (error.__cause__ or error.__context__)
    if error is not None:
        error.__cause__ = error.__context__ = None


def _place(item: pytest.Item) -> int:
    path = item.path.relative_to(item.config.rootpath).as_posix()
    return next((i for i, start in enumerate(_LONGEST) if path.startswith(start)), len(_LONGEST))


def _needs_mnist(item: pytest.Item) -> bool:
    cell = getattr(item, "cell", None)  # nbval's items have one
    return cell is not None and "needs-mnist" in cell.metadata.get("tags", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("durations"):
        seconds: Counter[str] = Counter()
        for report in chain.from_iterable(terminalreporter.stats.values()):
            if isinstance(report, pytest.TestReport):
                seconds["/".join(report.nodeid.split("::")[0].split("/")[:-1])] += report.duration
        spent = ", ".join(f"{folder} {n:.0f}" for folder, n in seconds.most_common())
        terminalreporter.write_line(f"Seconds by folder, of all processes together: {spent}")
    if os.environ.get(_NOTICE) == "1":
        terminalreporter.write_line(
            "MNIST was neither on disk nor to be had: notebooks ran on the offline fallback, and cells tagged "
            "needs-mnist were not compared. Set NEUROEVO_DATA to compare them."
        )
