"""What the tests of stored runs share: no MNIST, no network, one thread, and a smoke run of a few units."""

import dataclasses
import io
from importlib import import_module

import numpy as np
import pytest
import torch
from PIL import Image

from evidence import runner
from evidence.runner import Context
from neuroevo import results

CLOCKS = {"seconds", "core_seconds", "peak_megabytes"}  # columns that no two runs share


@pytest.hookimpl(tryfirst=True)  # before what is slow is left out
def pytest_collection_modifyitems(items):
    for item in items:
        units_run = {"context", "smoke"} & set(getattr(item, "fixturenames", ())) or "smoke_run" in item.name
        if units_run and item.path.parent.name == "evidence":
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def offline(tmp_path_factory, monkeypatch):
    """Digits at 28 x 28 in place of MNIST, which nobody downloads; one thread."""
    monkeypatch.setenv("NEUROEVO_DATA", str(tmp_path_factory.mktemp("no data")))
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture
def context(tmp_path):
    """Where a unit runs whose rows a test looks at."""
    return Context("smoke", torch.device("cpu"), tmp_path, progress=False)


@pytest.fixture
def smoke(tmp_path, monkeypatch):
    """Runs units of these methods, in their order, into a folder of its own; gives back the tables."""

    def run(name, methods, out="out", **words):
        module = import_module(f"evidence.runs.{runner.NAMES[name]}")
        units = module.EXPERIMENT.units([0])
        chosen = [unit for method in methods for unit in units if unit.method == method]
        short = dataclasses.replace(module.EXPERIMENT, units=lambda seeds: chosen)
        with monkeypatch.context() as shortened:
            shortened.setattr(module, "EXPERIMENT", short)
            folder = runner.run(name, n_seeds=1, size="smoke", out=tmp_path / out, **words)
        assert folder == tmp_path / out / name
        return results.load(name, tmp_path / out).tables

    return run


@pytest.fixture
def without_clocks():
    """Tables, or rows, with nothing in them that differs from run to run."""

    def strip(what):
        if isinstance(what, dict):
            return {key: strip(value) for key, value in what.items() if key not in CLOCKS}
        if isinstance(what, list):
            return [strip(one) for one in what]
        return what.drop(columns=CLOCKS, errors="ignore").to_csv() if hasattr(what, "to_csv") else what

    return strip


@pytest.fixture(scope="session")
def save_jpegs():
    """Writes images of one colour each as the CIFAR-10 files hold them."""

    def save(path, n, colour, **leave_out):
        files, labels = [], np.arange(n) % 10
        for i in range(n):
            buffer = io.BytesIO()
            Image.fromarray(np.full((32, 32, 3), colour(i), np.uint8)).save(buffer, "jpeg", quality=95)
            files.append(np.frombuffer(buffer.getvalue(), np.uint8))
        offsets = np.cumsum([0, *map(len, files)])
        arrays = {"jpeg": np.concatenate(files), "offsets": offsets, "labels": labels.astype(np.uint8)}
        np.savez(path, **{key: value for key, value in arrays.items() if key not in leave_out})

    return save
