"""Data: splits, sampling, the test vault, and every way in which MNIST may be missing or broken.

The network is cut off throughout; downloads come from forged mirrors.
"""

import errno
import gzip
import hashlib
import http.server
import importlib
import os
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from neuroevo import data
from neuroevo.data import idx, loaders, sources, splits

N_TRAIN, N_VALIDATION, N_TEST = 60, 20, 30  # of the forged MNIST; the first counts both


@pytest.fixture(autouse=True)
def cut_off(monkeypatch, tmp_path):
    """No network, no cache folder but an empty one, nothing remembered from the test before."""

    resolve = socket.getaddrinfo

    def refuse(host, *args, **kwargs):
        if host != "127.0.0.1":  # a forged mirror
            raise socket.gaierror("the network is cut off")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in (
        "NEUROEVO_DATA",
        "NEUROEVO_OFFLINE",
        "TQDM_DISABLE",
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    cache = tmp_path / "cache" / "neuroevo"
    monkeypatch.setattr(sources.platformdirs, "user_cache_dir", lambda *args, **kwargs: str(cache))
    monkeypatch.setattr(idx, "MNIST", replace(idx.MNIST))  # one that remembers no answer and no failure
    monkeypatch.setattr(loaders, "_printed", set())


@pytest.fixture(scope="session")
def real_mnist():
    """The real files, where this machine has them."""
    try:
        raw = idx.MNIST.raw()
        at_hand = idx.MNIST.present(raw)
    except data.DataError as error:
        pytest.fail(f"the MNIST that this machine offers is broken: {error}")
    if not at_hand:
        pytest.skip("MNIST is not on this machine: set NEUROEVO_DATA to a folder that holds MNIST/raw")
    return raw.parents[1]


@pytest.fixture
def forged(monkeypatch):
    """A small MNIST of the right form: the function writes its files into a root folder."""
    rng = torch.Generator().manual_seed(3)
    contents = {}
    for name, shape in {
        "train-images-idx3-ubyte": (N_TRAIN, 28, 28),
        "train-labels-idx1-ubyte": (N_TRAIN,),
        "t10k-images-idx3-ubyte": (N_TEST, 28, 28),
        "t10k-labels-idx1-ubyte": (N_TEST,),
    }.items():
        header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
        values = torch.randint(256 if len(shape) == 3 else 10, shape, generator=rng)
        contents[name] = header + bytes(values.flatten().tolist())
        known = idx.IdxFile(shape, hashlib.sha256(contents[name]).hexdigest())
        monkeypatch.setitem(idx.MNIST.files, name, known)
    monkeypatch.setattr(loaders, "_N_VALIDATION", N_VALIDATION)

    def write(root):
        raw = root / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for name, content in contents.items():
            (raw / name).write_bytes(content)
        return raw

    write.contents = contents
    return write


# ------------------------------------------------------------------------------------------------------- splits


def _balanced(n_per_class=6, n_classes=10):
    y = torch.arange(n_per_class * n_classes) % n_classes
    x = torch.arange(len(y), dtype=torch.uint8)[:, None].repeat(1, 4)  # a row's pixels are its number
    return data.Split(x, y)


def test_pixels_are_float32_from_0_to_1_and_leave_the_bytes_alone():
    split = data.Split(torch.tensor([[0, 51], [255, 102]], dtype=torch.uint8), torch.tensor([0, 1]))
    assert split.pixels().dtype == torch.float32
    assert split.pixels().flatten().tolist() == pytest.approx([0.0, 0.2, 1.0, 0.4])
    assert split.pixels(torch.tensor([1])).tolist() == [split.pixels()[1].tolist()]
    assert split.pixels(slice(0, 1), device="cpu").shape == (1, 2)
    assert split.x.dtype == torch.uint8
    assert split.x.tolist() == [[0, 51], [255, 102]]


def test_per_class_holds_every_row_once_under_its_class():
    split = data.Split(torch.zeros(7, 1, dtype=torch.uint8), torch.tensor([2, 0, 2, 1, 0, 2, 1]))
    assert [rows.tolist() for rows in split.per_class] == [[1, 4], [3, 6], [0, 2, 5]]


def test_sample_draws_every_class_evenly_and_without_replacement():
    split = _balanced()
    x, y = split.sample(6, torch.Generator().manual_seed(0))
    rows = (x[:, 0] * 255).round().long()
    assert x.shape == (60, 4)
    assert y.tolist() == [k for k in range(10) for _ in range(6)]
    assert sorted(rows.tolist()) == list(range(60))  # all six of each class, none twice
    assert torch.equal(split.y[rows], y)  # each image came with its own label


def test_sample_is_uniform_over_a_class():
    split = _balanced()
    rng = torch.Generator().manual_seed(1)
    drawn = torch.zeros(60)
    for _ in range(600):
        x, _ = split.sample(2, rng)
        drawn[(x[:, 0] * 255).round().long()] += 1
    # Each of 60 rows is expected 200 times with a standard deviation of 11.5: five of those either way.
    assert 142 < drawn.min() <= drawn.max() < 258


def test_sample_comes_from_the_generator_alone():
    split = _balanced(20)
    first, again, other = (split.sample(3, torch.Generator().manual_seed(s))[0] for s in (5, 5, 6))
    torch.manual_seed(0)
    still = split.sample(3, torch.Generator().manual_seed(5))[0]
    assert torch.equal(first, again)
    assert torch.equal(first, still)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
        ),
    ],
)
def test_sample_picks_the_same_images_on_any_device(device):
    split = _balanced(20)
    x, y = split.sample(3, torch.Generator().manual_seed(5))
    moved_x, moved_y = split.to(device).sample(3, torch.Generator().manual_seed(5))
    assert moved_x.device.type == moved_y.device.type == device
    assert torch.equal(moved_x.cpu(), x)
    assert torch.equal(moved_y.cpu(), y)


@pytest.mark.parametrize("n_per_class", [0, 7])
def test_sample_says_how_many_there_are(n_per_class):
    with pytest.raises(ValueError, match=rf"n_per_class is {n_per_class}.*from 1 to 6"):
        _balanced().sample(n_per_class, torch.Generator())


def test_sample_asks_for_a_generator():
    with pytest.raises(TypeError, match=r"rng is a int; give a torch\.Generator"):
        _balanced().sample(2, 0)


def test_the_vault_counts_and_reports_its_openings(capsys):
    vault = data.TestVault(_balanced())
    assert vault.n_images == 60
    assert vault.openings == []
    assert vault.open("final score") is vault.open(" second look ")
    assert vault.openings == ["final score", "second look"]
    assert capsys.readouterr().out.splitlines() == [
        "Test set opened for the 1st time: final score",
        "Test set opened for the 2nd time: second look",
    ]


@pytest.mark.parametrize("reason", ["", "  ", None])
def test_the_vault_stays_shut_without_a_reason(reason, capsys):
    vault = data.TestVault(_balanced())
    with pytest.raises(ValueError, match="only for a stated reason"):
        vault.open(reason)
    assert vault.openings == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("n", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd")])
def test_openings_are_counted_in_english(n, word):
    assert splits._ordinal(n) == word


# ------------------------------------------------------------------------------------------------------- digits


def _three(images):
    return images.train, images.validation, images.test._split


def test_digits_are_split_once_and_for_all():
    images, again = data.digits(), data.digits()
    assert [len(split) for split in _three(images)] == [1197, 300, 300]
    assert images.train.x.shape[1] == 64
    for one, other in zip(_three(images), _three(again), strict=True):
        assert torch.equal(one.x, other.x)
        assert torch.equal(one.y, other.y)
    # The same rows on every machine, in the order of scikit-learn's file.
    assert images.test._split.y[:12].tolist() == [5, 1, 4, 7, 8, 9, 5, 6, 4, 1, 3, 7]


def test_digits_splits_are_balanced_and_share_no_image():
    images = data.digits()
    for split in _three(images):
        counts = torch.bincount(split.y, minlength=10) / len(split)
        assert 0.09 < counts.min() <= counts.max() < 0.11
    everything = torch.cat([split.x for split in _three(images)])
    all_digits, _ = loaders._load_digits()
    assert sorted(everything.tolist()) == sorted(all_digits.tolist())  # each image in exactly one part


def test_digits_keep_their_grey_levels_exactly():
    images = data.digits()
    assert torch.equal(images.train.pixels(), images.train.x / 16)
    assert images.train.pixels().max() == 1


# ----------------------------------------------------------------------------------------------------- fallback


def test_without_network_and_files_the_digits_stand_in_with_one_notice(capsys):
    images = data.mnist()
    shown = capsys.readouterr().out
    assert (images.name, images.source, images.n_classes) == ("MNIST", "digits fallback", 10)
    assert images.notice.strip() == shown.strip()
    assert str(idx.MNIST.raw()) in shown
    assert "NEUROEVO_DATA" in shown
    assert data.mnist().notice == images.notice
    assert capsys.readouterr().out == ""  # printed once a process


def test_the_fallback_looks_like_mnist():
    images = data.mnist()
    pictures = images.train.pixels().view(-1, 28, 28)
    place = torch.arange(28.0)
    mass = pictures.sum(dim=(1, 2))
    rows = (pictures.sum(dim=2) * place).sum(dim=1) / mass
    columns = (pictures.sum(dim=1) * place).sum(dim=1) / mass
    assert images.train.x.dtype == torch.uint8
    assert 0.10 < pictures.mean() < 0.20  # MNIST's is 0.13
    assert 50 < (images.train.x.amax(dim=0) == 0).sum() < 200  # dead pixels along the edge; MNIST has 67
    assert (rows - 13.5).abs().max() < 0.5  # centred, up to what clipping takes off
    assert (columns - 13.5).abs().max() < 0.5
    assert pictures.amax(dim=(1, 2)).min() > 0.8  # ink as dark as MNIST's


def test_a_linear_model_reads_the_fallback():
    images = data.mnist()
    linear = torch.linalg.lstsq(images.train.pixels() + 1e-3, torch.eye(10)[images.train.y], driver="gelsd").solution
    right = (images.validation.pixels() @ linear).argmax(dim=1) == images.validation.y
    assert right.float().mean() > 0.85  # the labels belong to the pictures; chance is 0.1


def test_hanging_name_resolution_is_given_up_and_not_asked_again(monkeypatch):
    released = threading.Event()
    asked, answered = [], []

    def hang(*args, **kwargs):
        asked.append(args)
        released.wait(300)
        answered.append(args)
        raise OSError("released")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(sources, "TIMEOUT", 0.3)
    try:
        assert data.mnist().source == "digits fallback"
        assert asked
        n_asked = len(asked)
        assert data.mnist().source == "digits fallback"
        assert len(asked) == n_asked
        assert answered == []  # nobody waited for them
    finally:
        released.set()


def test_offline_means_that_the_network_is_not_even_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    monkeypatch.setattr(sources.urllib.request, "urlopen", lambda *args, **kwargs: pytest.fail("asked the network"))
    assert "NEUROEVO_OFFLINE" in data.mnist().notice
    assert not (tmp_path / "cache").exists()  # nor is a folder made


# ------------------------------------------------------------------------------------------------------ on disk


def test_mnist_is_read_from_the_root_the_variable_or_the_cache(forged, monkeypatch, tmp_path):
    forged(tmp_path / "given")
    by_root = data.mnist(tmp_path / "given")
    monkeypatch.setenv("NEUROEVO_DATA", str(tmp_path / "given"))
    by_variable = data.mnist()
    monkeypatch.delenv("NEUROEVO_DATA")
    forged(tmp_path / "cache" / "neuroevo")
    for images in (by_root, by_variable, data.mnist()):
        assert (images.source, images.notice) == ("MNIST", "")
        assert [len(split) for split in _three(images)] == [N_TRAIN - N_VALIDATION, N_VALIDATION, N_TEST]


def test_the_validation_part_is_the_end_of_the_training_file(forged, tmp_path):
    forged(tmp_path)
    images = data.mnist(tmp_path)
    together = torch.cat([images.train.x, images.validation.x])
    assert bytes(together.flatten().tolist()) == forged.contents["train-images-idx3-ubyte"][16:]
    assert bytes(images.validation.y.tolist()) == forged.contents["train-labels-idx1-ubyte"][-N_VALIDATION:]
    assert bytes(images.test.open("to compare").y.tolist()) == forged.contents["t10k-labels-idx1-ubyte"][8:]


FAULTS = {
    "cut short": (lambda content: content[:-100], r"cut short: [\d,]+ bytes; expected [\d,]+"),
    "empty": (lambda content: b"", r"cut short: 0 bytes"),
    "too long": (lambda content: content + b"\0", r"too long"),
    "wrong magic number": (lambda content: b"\x1f\x8b" + content[2:], r"wrong magic number, 1f8b08..; expected 000008"),
    "one flipped bit": (lambda content: content[:-1] + bytes([content[-1] ^ 1]), r"corrupted: its sha256"),
    "another shape": (lambda content: content[:7] + bytes([content[7] ^ 1]) + content[8:], r"corrupted: its sha256"),
}


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_file_is_named_and_left_where_it_is(forged, tmp_path, name, fault):
    path = forged(tmp_path) / name
    damage, message = FAULTS[fault]
    broken = damage(path.read_bytes())
    path.write_bytes(broken)
    with pytest.raises(data.DataError, match=message) as caught:
        data.mnist(tmp_path)
    assert str(path) in str(caught.value)
    assert "NEUROEVO_DATA" in str(caught.value)
    assert path.read_bytes() == broken


def test_an_incomplete_set_is_not_replaced_by_the_fallback(forged, tmp_path):
    (forged(tmp_path) / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(data.DataError, match=r"incomplete: t10k-images-idx3-ubyte not found"):
        data.mnist(tmp_path)


def test_an_unreadable_file_is_named(forged, tmp_path):
    path = forged(tmp_path) / "train-labels-idx1-ubyte"
    path.unlink()
    path.mkdir()  # fails for root too, which permissions would not
    with pytest.raises(data.DataError, match=r"train-labels-idx1-ubyte (cannot be read|is cut short|is too long)"):
        data.mnist(tmp_path)


@pytest.mark.parametrize(("make", "message"), [(None, "does not exist"), (Path.touch, "is not a folder")])
def test_a_data_folder_that_is_none_is_refused(monkeypatch, tmp_path, make, message):
    path = tmp_path / "elsewhere"
    if make:
        make(path)
    monkeypatch.setenv("NEUROEVO_DATA", str(path))
    with pytest.raises(data.DataError, match=f"NEUROEVO_DATA names .*elsewhere, which {message}"):
        data.mnist()
    with pytest.raises(data.DataError, match=f"root names .*elsewhere, which {message}"):
        data.mnist(path)


def test_a_file_in_place_of_the_cache_folder_is_an_error(tmp_path):
    (tmp_path / "cache").touch()
    with pytest.raises(data.DataError, match=r"cannot be (written|looked into) .*NEUROEVO_DATA"):
        data.mnist()


def test_a_read_only_cache_folder_is_an_error_with_a_way_on(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(data.DataError, match=r"cannot be written \(Read-only file system\).*NEUROEVO_OFFLINE=1"):
        data.mnist()
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    assert data.mnist().source == "digits fallback"


# ----------------------------------------------------------------------------------------------------- download


class Mirror(http.server.BaseHTTPRequestHandler):
    """Offers `archives`; a test may set `before_get`, called with the file's name, to make trouble."""

    archives: dict[str, bytes]
    before_get = staticmethod(lambda name: None)

    def do_HEAD(self):
        content = self.archives.get(self.path[1:])
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        return content

    def do_GET(self):
        type(self).before_get(self.path[1:])
        content = self.do_HEAD()
        if content:
            self.wfile.write(content)

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *args):
        pass  # a client that gave up is what some of these tests are about


@pytest.fixture
def mirror(forged, monkeypatch):
    """A mirror on this machine that offers the forged files."""
    handler = type(
        "Handler", (Mirror,), {"archives": {f"{n}.gz": gzip.compress(c) for n, c in forged.contents.items()}}
    )
    resources = [(name, hashlib.md5(archive).hexdigest()) for name, archive in handler.archives.items()]
    monkeypatch.setattr(data.import_torchvision().datasets.MNIST, "resources", resources)
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(
            idx.MNIST, "mirrors", ("http://unknown.invalid/", f"http://127.0.0.1:{server.server_address[1]}/")
        )
        yield handler
        server.shutdown()
        thread.join()


def _left_behind(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache" / "neuroevo").iterdir())


def test_mnist_is_downloaded_once_into_the_cache(mirror, monkeypatch, tmp_path, capsys):
    assert data.mnist().source == "MNIST"
    assert "Downloading MNIST" in capsys.readouterr().out
    assert _left_behind(tmp_path) == ["MNIST"]
    assert socket.getdefaulttimeout() is None
    monkeypatch.setattr(idx.MNIST, "download", lambda raw: pytest.fail("downloaded again"))
    assert data.mnist().source == "MNIST"


def test_a_download_is_silent_where_progress_is_switched_off(mirror, monkeypatch, capsys):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert data.mnist().source == "MNIST"
    assert capsys.readouterr().out == ""  # tqdm itself reads the variable when it is imported


def test_mnist_is_downloaded_into_the_folder_of_the_variable(mirror, monkeypatch, tmp_path):
    (tmp_path / "mine" / "MNIST" / "raw").mkdir(parents=True)  # empty folders are no obstacle
    monkeypatch.setenv("NEUROEVO_DATA", str(tmp_path / "mine"))
    assert data.mnist().source == "MNIST"
    assert (tmp_path / "mine" / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").is_file()


def test_a_download_that_fails_on_the_way_leaves_nothing_and_is_not_tried_again(mirror, tmp_path):
    mirror.archives = {**mirror.archives, "t10k-images-idx3-ubyte.gz": b"half of it"}
    images = data.mnist()
    assert images.source == "digits fallback"
    assert "download failed (" in images.notice
    assert _left_behind(tmp_path) == []
    mirror.before_get = staticmethod(lambda name: pytest.fail("tried again"))
    assert data.mnist().notice == images.notice


def test_a_mirror_that_gives_other_bytes_is_passed_over(mirror, monkeypatch, tmp_path):
    answering, whole = idx.MNIST.mirrors[1], mirror.archives
    mirror.archives = {**whole, "t10k-images-idx3-ubyte.gz": b"something else"}
    good = type("Good", (Mirror,), {"archives": whole})
    with Server(("127.0.0.1", 0), good) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        other = f"http://127.0.0.1:{server.server_address[1]}/"
        monkeypatch.setattr(idx.MNIST, "mirrors", ("http://unknown.invalid/", other, answering))
        monkeypatch.setattr(sources, "answering", lambda mirrors, file: answering)
        assert data.mnist().source == "MNIST"
        server.shutdown()
        thread.join()
    assert _left_behind(tmp_path) == ["MNIST"]


def test_a_download_that_stalls_is_given_up(mirror, monkeypatch, tmp_path):
    released, answered = threading.Event(), []
    mirror.before_get = staticmethod(lambda name: released.wait(300) and answered.append(name))
    monkeypatch.setattr(sources, "TIMEOUT", 0.5)
    images = data.mnist()
    assert answered == []  # nobody waited for it
    released.set()
    assert "download failed" in images.notice
    assert _left_behind(tmp_path) == []


def test_an_interrupted_download_leaves_nothing_half_made(mirror, monkeypatch, tmp_path):
    def interrupted(dataset):
        Path(dataset.raw_folder).mkdir(parents=True)
        (Path(dataset.raw_folder) / "train-images-idx3-ubyte").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(data.import_torchvision().datasets.MNIST, "download", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.mnist()
    assert _left_behind(tmp_path) == []
    assert socket.getdefaulttimeout() is None


def test_of_two_downloads_at_once_the_second_uses_the_firsts_files(mirror, forged, tmp_path):
    def the_other_is_first(name):
        if not (tmp_path / "cache" / "neuroevo" / "MNIST").exists():
            forged(tmp_path / "cache" / "neuroevo")

    mirror.before_get = staticmethod(the_other_is_first)
    assert data.mnist().source == "MNIST"
    assert _left_behind(tmp_path) == ["MNIST"]


# -------------------------------------------------------------------------------------------------- torchvision

_FRESH_PROCESS = """
import sys
import torch
from neuroevo import data
assert not {"torchvision", "sklearn"} & set(sys.modules), "importing neuroevo.data is not cheap"
define, declared = torch.library.define, []
torch.library.define = lambda name, schema: (declared.append(name), define(name, schema))
try:
    import torchvision
    fits = True
except RuntimeError as error:
    assert "does not exist" in str(error), error
    fits = False
first = data.import_torchvision()
n_declared = len(declared)
assert (n_declared == 0) == fits, (fits, declared)
assert data.import_torchvision() is first and len(declared) == n_declared
import torchvision
assert torchvision is first
print("ready", torchvision.datasets.MNIST.__name__, torchvision.transforms.RandomRotation.__name__)
"""


def test_torchvision_is_imported_whether_or_not_it_fits_torch():
    """In a process of its own: a plain import may fail here, ours may not, and the second does nothing more."""
    done = subprocess.run([sys.executable, "-c", _FRESH_PROCESS], capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["ready", "MNIST", "RandomRotation"]


def _import_that_lacks(missing, declared):
    def import_module(name):
        for operator in missing:
            if operator not in declared:
                raise RuntimeError(f"operator {operator} does not exist")
        return sys

    return import_module


@pytest.mark.parametrize("missing", [[], ["torchvision::nms"], ["torchvision::nms", "torchvision::qnms"]])
def test_only_missing_operators_are_declared(monkeypatch, missing):
    declared = []
    monkeypatch.setattr(torch.library, "define", lambda name, schema: declared.append(name))
    monkeypatch.setattr(importlib, "import_module", _import_that_lacks(missing, declared))
    assert data.import_torchvision() is sys
    assert declared == missing


def test_other_faults_of_torchvision_are_not_hidden(monkeypatch):
    def import_module(name):
        raise RuntimeError("compiled with different CUDA major versions")

    monkeypatch.setattr(importlib, "import_module", import_module)
    with pytest.raises(RuntimeError, match="different CUDA major versions"):
        data.import_torchvision()


# --------------------------------------------------------------------------------------------------- real MNIST


def test_real_mnist_has_its_published_sizes(real_mnist):
    images = data.mnist(real_mnist)
    assert (images.source, images.notice) == ("MNIST", "")
    assert [len(split) for split in _three(images)] == [55_000, 5_000, 10_000]
    assert images.train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert images.train.pixels(slice(0, 5000)).mean() == pytest.approx(0.131, abs=0.002)
    assert (images.train.x.amax(dim=0) == 0).sum() == 67  # pixels that are black in every training image


def test_real_mnist_is_held_in_bytes_and_only_what_is_drawn_becomes_floats(real_mnist):
    train = data.mnist(real_mnist).train
    assert train.x.dtype == torch.uint8
    assert train.x.untyped_storage().nbytes() < 48e6  # validation is a view of the same bytes
    sizes = {}

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            told = func(*args, **(kwargs or {}))
            if isinstance(told, torch.Tensor):
                sizes[told.dtype] = max(sizes.get(told.dtype, 0), told.numel())
            return told

    with Watch():
        x, _y = train.sample(20, torch.Generator().manual_seed(0))
    assert x.shape == (200, 784)
    assert sizes[torch.float32] == x.numel()
