"""What pytest must know about notebooks: without MNIST, the cells whose output depends on it are not compared.

Those cells carry the tag `needs-mnist`. They still run, on the offline fallback, so their own assertions hold.
"""

import os

import pytest
import warm_kernels

_NOTICE = "NEUROEVO_TESTS_WITHOUT_MNIST"  # the main process finds out once and tells xdist's workers and the kernels


def pytest_configure(config: pytest.Config) -> None:
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
        warm_kernels.install()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get(_NOTICE) == "1":
        for item in items:
            if _needs_mnist(item):
                item.options["check"] = False


def _needs_mnist(item: pytest.Item) -> bool:
    cell = getattr(item, "cell", None)  # nbval's items have one
    return cell is not None and "needs-mnist" in cell.metadata.get("tags", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get(_NOTICE) == "1":
        terminalreporter.write_line(
            "MNIST was neither on disk nor to be had: notebooks ran on the offline fallback, and cells tagged "
            "needs-mnist were not compared. Set NEUROEVO_DATA to compare them."
        )
