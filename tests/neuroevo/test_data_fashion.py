"""Fashion-MNIST: read from disk in MNIST's form, and a clear error at once where it can't be had."""

import shutil
import threading
from dataclasses import replace

import pytest
import torch

from neuroevo import data
from neuroevo.data import idx, loaders, sources

CLOTHES = idx.FASHION_MNIST
IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = CLOTHES.files


def write_idx(path, tensor):
    header = bytes([0, 0, 8, tensor.dim()]) + b"".join(int(n).to_bytes(4, "big") for n in tensor.shape)
    path.write_bytes(header + tensor.numpy().tobytes())


@pytest.fixture
def wardrobe(tmp_path, monkeypatch):
    """A small Fashion-MNIST of the right form, and no network."""
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    monkeypatch.setattr(loaders, "_N_VALIDATION", 20)
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    rng = torch.Generator().manual_seed(0)
    for images, labels, n in ((IMAGES, LABELS, 40), (TEST_IMAGES, TEST_LABELS, 20)):
        for name, shape in ((images, (n, 28, 28)), (labels, (n,))):
            monkeypatch.setitem(CLOTHES.files, name, idx.IdxFile(shape))
        write_idx(raw / images, torch.randint(256, (n, 28, 28), dtype=torch.uint8, generator=rng))
        write_idx(raw / labels, (torch.arange(n) % 10).to(torch.uint8))
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
    (wardrobe / "FashionMNIST" / "raw" / TEST_IMAGES).unlink()
    with pytest.raises(data.DataError, match=r"incomplete: t10k-images-idx3-ubyte not found"):
        data.fashion_mnist(wardrobe)


def test_a_file_of_another_size_is_refused(wardrobe, monkeypatch):
    monkeypatch.setitem(CLOTHES.files, IMAGES, idx.IdxFile((41, 28, 28)))
    with pytest.raises(data.DataError, match=r"expected \(41, 28, 28\)"):
        data.fashion_mnist(wardrobe)


def test_a_file_of_another_kind_is_refused(wardrobe):
    path = wardrobe / "FashionMNIST" / "raw" / LABELS
    path.write_bytes(b"\x1f\x8b" + path.read_bytes()[2:])
    with pytest.raises(data.DataError, match="train-labels-idx1-ubyte starts with the wrong magic number, 1f8b0801"):
        data.fashion_mnist(wardrobe)


def test_a_download_is_torchvisions_from_the_mirror_that_answers(wardrobe, monkeypatch, capsys):
    (wardrobe / "FashionMNIST").rename(wardrobe / "elsewhere")
    for name in ("NEUROEVO_OFFLINE", "TQDM_DISABLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(idx, "FASHION_MNIST", replace(CLOTHES))
    monkeypatch.setattr(sources, "answering", lambda mirrors, file: mirrors[0])

    def download(dataset):
        assert dataset.mirrors == list(CLOTHES.mirrors)
        shutil.copytree(wardrobe / "elsewhere" / "raw", dataset.raw_folder)

    monkeypatch.setattr(data.import_torchvision().datasets.FashionMNIST, "download", download)
    monkeypatch.setattr(data.import_torchvision().datasets.MNIST, "_check_exists", lambda _: True)
    assert len(data.fashion_mnist(wardrobe).train) == 20
    assert "Downloading Fashion-MNIST" in capsys.readouterr().out
    assert sorted(path.name for path in wardrobe.iterdir()) == ["FashionMNIST", "elsewhere"]


def test_offline_means_an_error_and_no_question(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    monkeypatch.setattr(sources, "answering", lambda *_: pytest.fail("the network was asked"))
    with pytest.raises(data.DataError, match=r"NEUROEVO_OFFLINE is set.*FashionMNIST/raw"):
        data.fashion_mnist(tmp_path)


def test_no_network_means_an_error_and_nobody_waits(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROEVO_OFFLINE", raising=False)
    monkeypatch.setattr(sources, "TIMEOUT", 0.2)
    over, answered = threading.Event(), []

    def silent(*_, **__):
        over.wait(300)
        answered.append(True)
        raise OSError("nobody answered")

    monkeypatch.setattr(sources.urllib.request, "urlopen", silent)
    monkeypatch.setattr(idx, "FASHION_MNIST", replace(CLOTHES))  # one that remembers no answer
    with pytest.raises(data.DataError, match="no server that offers it could be reached"):
        data.fashion_mnist(tmp_path)
    assert answered == []  # nobody waited for it
    over.set()
