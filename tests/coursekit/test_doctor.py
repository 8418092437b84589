"""The doctor: what it says of a sound machine, and that each fault is found, named and comes with a way to mend it."""

import hashlib
import importlib
import platform
import shutil
import tomllib
from collections import namedtuple
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import neuroevo
from coursekit import doctor
from neuroevo import genreg
from neuroevo.data import idx


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    """Never the network, and no data but an empty folder."""
    monkeypatch.setenv("NEUROEVO_OFFLINE", "1")
    monkeypatch.setenv("NEUROEVO_DATA", str(tmp_path))


def _one(name):
    """The one check of that name, as the report would give it."""
    (check,) = [check for check in doctor._checks({name: doctor.PROBES[name]})]
    return check


def test_this_machine_passes():
    checks = doctor.report()
    assert [check.name for check in checks] == list(doctor.PROBES)
    assert [str(check) for check in checks if check.status == "FAIL"] == []
    assert all(check.mend for check in checks if check.status != "ok")


def test_a_check_that_breaks_fails_alone(monkeypatch, capsys):
    def broken():
        raise RuntimeError("no such\nlibrary")

    probes = {"first": lambda: ("ok", "fine"), "second": broken, "third": lambda: ("warn", "odd", "look")}
    monkeypatch.setattr(doctor, "PROBES", probes)
    assert doctor.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok   first: fine"
    assert lines[1].startswith("FAIL second: RuntimeError: no such library; mend: ")
    assert lines[2] == "warn third: odd; mend: look"
    assert lines[3] == "3 checks: 1 failed, 1 to look at."


def test_warnings_alone_are_no_failure(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "PROBES", {"only": lambda: ("warn", "odd", "look")})
    assert doctor.main() == 0
    assert "0 failed, 1 to look at" in capsys.readouterr().out


def test_an_old_python_fails(monkeypatch):
    monkeypatch.setattr(doctor, "_OLDEST_PYTHON", (99, 0))
    check = _one("Python")
    assert check.status == "FAIL"
    assert "needs 99.0 or newer" in check.finding
    assert check.mend


def test_the_course_says_which_it_is(monkeypatch, tmp_path):
    assert _one("course").finding.startswith(f"version {neuroevo.__version__}")
    monkeypatch.setattr(doctor, "_ROOT", tmp_path)  # not a repository
    assert _one("course").finding == f"version {neuroevo.__version__}"
    monkeypatch.setenv("PATH", str(tmp_path))  # no git
    assert _one("course").finding == f"version {neuroevo.__version__}"


def write_tested(folder, python, packages):
    (folder / "pyproject.toml").write_text(f"[tool.course]\ntested-python = {python}\ntested-packages = {packages}\n")


def test_versions_outside_the_tested_ones_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_ROOT", tmp_path)
    write_tested(tmp_path, ["3.7", "3.8"], ["numpy==1.0.*", "torch>=2", "nowhere==3"])
    check = _one("Python")
    assert check.status == "warn"
    assert platform.python_version() in check.finding
    assert "tested were 3.7, 3.8" in check.finding
    check = _one("versions")
    assert check.status == "warn"
    assert f"numpy {metadata.version('numpy')} (tested ==1.0.*)" in check.finding
    assert "torch" not in check.finding
    write_tested(tmp_path, [".".join(platform.python_version_tuple()[:2])], ["numpy>=1"])
    assert (_one("Python").status, _one("versions").status) == ("ok", "ok")


def test_the_tested_versions_are_those_of_the_course():
    assert _one("Python").status == "ok"
    assert doctor._tested("packages")
    project = tomllib.loads((doctor._ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = dict(line.split("==") for line in (doctor._ROOT / "constraints.txt").read_text("utf-8").split())
    for line in map(Requirement, doctor._tested("packages")):
        assert line.specifier.contains(pins[line.name]), f"{line} leaves out the pinned {pins[line.name]}"
    assert all(SpecifierSet(project["requires-python"]).contains(version) for version in doctor._tested("python"))


@pytest.mark.parametrize(
    ("package", "version", "status", "words"),
    [
        ("scipy", None, "FAIL", "not installed: scipy"),
        ("ruff", None, "warn", "lack ruff"),
        ("numpy", "1.26.4", "FAIL", "too old or too new: numpy 1.26.4 (needs >=2."),
    ],
)
def test_a_missing_or_old_package_is_named(monkeypatch, package, version, status, words):
    real = metadata.version

    def pretend(name):
        if name != package:
            return real(name)
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr(metadata, "version", pretend)
    check = _one("packages")
    assert (check.status, words in check.finding) == (status, True), str(check)
    assert "course.py clean" in check.mend


def test_other_versions_than_the_pinned_ones_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "_ROOT", tmp_path)
    assert _one("versions").status == "ok"  # no constraints.txt: nothing to compare with
    (tmp_path / "constraints.txt").write_text(
        f"numpy==0.1\n# a remark\n\ntorch=={metadata.version('torch')}\nnowhere==3\n"
    )
    check = _one("versions")
    assert check.status == "warn"
    assert f"numpy {metadata.version('numpy')} (pinned ==0.1)" in check.finding
    assert "torch" not in check.finding
    assert "nowhere" not in check.finding


def test_a_torch_pair_that_cannot_be_imported_fails(monkeypatch):
    def import_module(name):
        raise RuntimeError("compiled with different CUDA major versions")

    monkeypatch.setattr(importlib, "import_module", import_module)
    check = _one("torch")
    assert check.status == "FAIL"
    assert "different CUDA major versions" in check.finding


@pytest.mark.parametrize(("free", "status"), [(0.1e9, "FAIL"), (0.5e9, "warn"), (5e9, "ok")])
def test_a_full_disk_is_noticed(monkeypatch, free, status):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10e9, 10e9 - free, free))
    check = _one("disk")
    assert check.status == status
    assert f"{free / 1e9:.1f} GB free" in check.finding


def test_the_data_check_says_that_the_fallback_stands_in(tmp_path):
    check = _one("data")
    assert check.status == "warn"
    assert str(tmp_path) in check.finding
    assert "stand in" in check.finding


def test_the_data_check_says_where_a_download_would_go_and_does_not_start_it(monkeypatch, tmp_path):
    monkeypatch.setattr(idx.MNIST, "why_no_download", lambda raw: "")
    monkeypatch.setattr(idx.MNIST, "download", lambda raw: pytest.fail("the doctor downloaded"))
    check = _one("data")
    assert check.status == "ok"
    assert f"into {tmp_path}" in check.finding


def test_broken_data_fails_with_the_file_and_the_mend_apart(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in idx.MNIST.files:
        (raw / name).write_bytes(b"")
    check = _one("data")
    assert check.status == "FAIL"
    assert "train-images-idx3-ubyte is cut short: 0 bytes" in check.finding
    assert "Delete" in check.mend
    assert "Delete" not in check.finding


def test_missing_fonts_are_named(monkeypatch):
    from matplotlib import font_manager

    def find(family, fallback_to_default):
        if family == "DejaVu Serif":
            raise ValueError(family)

    monkeypatch.setattr(font_manager, "findfont", find)
    check = _one("fonts")
    assert check.status == "warn"
    assert "DejaVu Serif" in check.finding
    assert "DejaVu Sans," not in check.finding


def test_a_generation_that_changes_nothing_fails(monkeypatch):
    def tell(self, rewards):
        self.generation += 1

    monkeypatch.setattr(genreg.GENREG, "tell", tell)
    assert _one("tiny run").status == "FAIL"


def test_sound_data_is_read_and_located(monkeypatch, tmp_path):
    content = bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])
    known = idx.IdxFile((2,), hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(idx.MNIST, "files", {"labels": known})
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "labels").write_bytes(content)
    check = _one("data")
    assert check.status == "ok"
    assert str(raw) in check.finding
