"""Fashion-MNIST: read from disk in MNIST's form, and a clear error at once where it can't be had."""

import time

import pytest
import torch

from neuroevo import data
from neuroevo.data import _fashion, _mnist


def write_idx(path, tensor):
    header = bytes([0, 0, 8, tensor.dim()]) + b"".join(int(n).to_bytes(4, "big") for n in tensor.shape)
    path.write_bytes(header + tensor.numpy().tobytes())


@pytest.fixture
def wardrobe(tmp_path, monkeypatch):
    """A small Fashion-MNIST of the right form, and no network."""
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    monkeypatch.setattr(_fashion, "N_TRAIN", 40)
    monkeypatch.setattr(_fashion, "N_TEST", 20)
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = torch.Generator().manual_seed(0)
    for name, n in zip(_fashion.NAMES[::2], (40, 20), strict=True):
        write_idx(raw / name, torch.randint(256, (n, 28, 28), dtype=torch.uint8, generator=rng))
    for name, n in zip(_fashion.NAMES[1::2], (40, 20), strict=True):
        write_idx(raw / name, (torch.arange(n) % 10).to(torch.uint8))
    return tmp_path


def test_it_has_the_form_of_mnist(wardrobe):
    clothes = data.fashion_mnist(wardrobe)
    assert (len(clothes.train), len(clothes.validation), clothes.test.n_images) == (20, 20, 20)
    assert clothes.train.x.shape == (20, 784)
    assert clothes.train.x.dtype == torch.uint8
    assert clothes.train.y.tolist() == [i % 10 for i in range(20)]
    x, y = clothes.train.sample(2, torch.Generator().manual_seed(0))
    assert x.shape == (20, 784)
    assert 0 <= float(x.min()) <= float(x.max()) <= 1
    assert y.dtype == torch.int64


def test_a_missing_file_is_named(wardrobe):
    (wardrobe / "FashionMNIST" / "raw" / _fashion.NAMES[2]).unlink()
    with pytest.raises(data.DataError, match=r"incomplete: t10k-images-idx3-ubyte not found"):
        data.fashion_mnist(wardrobe)


def test_a_file_of_another_size_is_refused(wardrobe, monkeypatch):
    monkeypatch.setattr(_fashion, "N_TRAIN", 41)
    with pytest.raises(data.DataError, match=r"expected \(41, 28, 28\)"):
        data.fashion_mnist(wardrobe)


def test_offline_means_an_error_and_no_question(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    monkeypatch.setattr(_mnist, "answering", lambda *_: pytest.fail("the network was asked"))
    with pytest.raises(data.DataError, match=r"NEUROEVO_OFFLINE is set.*FashionMNIST/raw"):
        data.fashion_mnist(tmp_path)


def test_no_network_means_an_error_within_seconds(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROEVO_OFFLINE", raising=False)
    monkeypatch.setattr(_mnist, "TIMEOUT", 0.2)
    monkeypatch.setattr(_mnist.urllib.request, "urlopen", lambda *_, **__: time.sleep(60))
    start = time.monotonic()
    with pytest.raises(data.DataError, match="no server that offers it could be reached"):
        data.fashion_mnist(tmp_path)
    assert time.monotonic() - start < 5
