"""A run is given a device that is there, or told what this machine has."""

import pytest
import torch

from evidence import runner


def test_parse_device():
    assert runner.parse_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["", "gpu", "tpu:0", "cuda:x"])
def test_unknown_device(name):
    with pytest.raises(ValueError, match=f"device '{name}' is not known.*cpu, cuda or cuda:N"):
        runner.parse_device(name)


@pytest.mark.parametrize(("name", "count"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2), ("mps", 2), ("meta", 2)])
def test_absent_device(monkeypatch, name, count):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(ValueError, match=f"device '{name}' is not available here: this machine has cpu"):
        runner.parse_device(name)


def test_present_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert runner.parse_device("cuda:1") == torch.device("cuda", 1)
    assert runner.parse_device("cuda").type == "cuda"
