"""A stored run is whole or not there, says how it was made, and is refused where that doesn't hold."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from evidence import provenance
from neuroevo import results
from neuroevo.results import ResultsError

TABLE = pd.DataFrame({"method": ["printed", "a, b"], "step": [1, 600], "accuracy": [0.123456789, 0.6625]})


def save(root, tables=None, **changes):
    words = {"command": "python3 course.py run trial", "seeds": [0, 1], "settings": {"n_genomes": 200}, **changes}
    return provenance.save("trial", tables or {"finals": TABLE, "curves": TABLE[:1]}, root=root, **words)


def test_round_trip(tmp_path):
    assert save(tmp_path / "new") == tmp_path / "new" / "trial"
    run = results.load("trial", tmp_path / "new")
    assert set(run.tables) == {"finals", "curves"}
    pd.testing.assert_frame_equal(run.tables["finals"], TABLE, rtol=1e-5)
    assert run.tables["finals"]["accuracy"].tolist() == [0.123457, 0.6625]  # six digits
    assert run.provenance["seeds"] == [0, 1]
    assert run.provenance["settings"] == {"n_genomes": 200}
    assert run.provenance["versions"].keys() >= {"python", "torch", "numpy", "matplotlib"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["trial"]
    assert str(tmp_path) not in (tmp_path / "new" / "trial" / "provenance.json").read_text()


def test_summary_says_when_and_by_which_code(tmp_path):
    save(tmp_path)
    run = results.load("trial", tmp_path)
    p = run.provenance
    assert run.summary().startswith(f"made on {p['date'][:10]} by the code of {p['commit'][:7]}")
    two = results.StoredRun({}, p | {"commit": f"{'a' * 40}, {'b' * 40}-dirty"})
    assert two.summary().endswith("by the code of aaaaaaa, bbbbbbb-dirty")


@pytest.mark.parametrize("key", results.REQUIRED)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_incomplete_provenance_is_refused(tmp_path, key, how):
    path = save(tmp_path) / "provenance.json"
    provenance = json.loads(path.read_text())
    if how == "absent":
        del provenance[key]
    else:
        provenance[key] = type(provenance[key])()
    path.write_text(json.dumps(provenance))
    with pytest.raises(ResultsError, match=f"lacks {key}, so its numbers prove nothing: make it again with"):
        results.load("trial", tmp_path)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\xff", b"[]", b""])
def test_broken_provenance_is_refused(tmp_path, content):
    (save(tmp_path) / "provenance.json").write_bytes(content)
    with pytest.raises(ResultsError, match=r"is not JSON|lacks name"):
        results.load("trial", tmp_path)


def test_a_changed_or_missing_table_is_refused(tmp_path):
    table = save(tmp_path) / "finals.csv"
    content = table.read_text()
    table.write_text(content.replace("0.6625", "0.8147"))
    with pytest.raises(ResultsError, match=r"finals\.csv is missing or is not the file that was stored"):
        results.load("trial", tmp_path)
    table.unlink()
    with pytest.raises(ResultsError, match=r"finals\.csv is missing"):
        results.load("trial", tmp_path)
    table.write_text(content)
    assert results.load("trial", tmp_path).tables


def test_a_missing_run_says_how_to_make_it(tmp_path):
    with pytest.raises(ResultsError, match=r"there is no stored run at .*python3 course.py run trial"):
        results.load("trial", tmp_path)


def test_a_run_may_not_be_damaged(tmp_path):
    table = save(tmp_path) / "finals.csv"
    assert set(results.load("trial", tmp_path).tables) == {"finals", "curves"}
    table.unlink()
    with pytest.raises(ResultsError, match=r"finals\.csv is missing"):
        results.load("trial", tmp_path)


def test_the_folder_of_stored_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("NEUROEVO_RESULTS", raising=False)
    assert (results.results_folder().parent / "pyproject.toml").is_file()
    monkeypatch.setenv("NEUROEVO_RESULTS", str(tmp_path))
    save(None)
    assert results.load("trial").tables.keys() == results.load("trial", tmp_path).tables.keys()


def test_an_older_run_is_replaced_as_a_whole(tmp_path):
    save(tmp_path)
    save(tmp_path, {"other": TABLE}, seeds=[7])
    run = results.load("trial", tmp_path)
    assert set(run.tables) == {"other"}
    assert run.provenance["seeds"] == [7]
    assert sorted(path.name for path in (tmp_path / "trial").iterdir()) == ["other.csv", "provenance.json"]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("failing", ["to_csv", "replace"])
def test_a_crash_leaves_the_older_run(tmp_path, monkeypatch, failing):
    save(tmp_path)
    replace = os.replace

    def crash(source, target, *args, **kwargs):
        if failing == "to_csv" or (Path(target).name == "trial" and Path(source).name == "new"):
            raise OSError("no space left")
        return replace(source, target)

    owner = pd.DataFrame if failing == "to_csv" else os
    monkeypatch.setattr(owner, failing, crash)
    with pytest.raises(OSError, match="no space left"):
        save(tmp_path, seeds=[7])
    assert results.load("trial", tmp_path).provenance["seeds"] == [0, 1]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("tables", [{"finals": TABLE, "curves": TABLE[:0]}])
def test_nothing_to_store(tmp_path, tables):
    with pytest.raises(ResultsError, match="every table needs a row"):
        save(tmp_path, tables)
    with pytest.raises(ResultsError, match="every table needs a row"):
        provenance.save("trial", {}, command="x", seeds=[0], settings={"a": 1}, root=tmp_path)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_commit_tells_a_changed_checkout(tmp_path, monkeypatch):
    def git(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    module, notes, project = tmp_path / "src" / "module.py", tmp_path / "notes.md", tmp_path / "pyproject.toml"
    monkeypatch.setattr(provenance, "__file__", str(module))
    module.parent.mkdir()
    for path in (module, notes, project):
        path.write_text("1")
    assert provenance.commit() == "unknown"
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    clean = git("rev-parse", "HEAD")
    assert provenance.commit() == clean
    notes.write_text("2")  # what is not code doesn't make numbers
    assert provenance.commit() == clean
    module.write_text("2")
    assert provenance.commit() == f"{clean}-dirty"
    git("checkout", "src")
    project.write_text("2")
    assert provenance.commit() == f"{clean}-dirty"


def test_without_git_the_commit_is_unknown(monkeypatch):
    def absent(*args, **kwargs):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", absent)
    assert provenance.commit() == "unknown"


def test_hardware_names_the_processor_and_threads():
    assert f"{os.cpu_count()} cores" in provenance.hardware_of("cpu")
    assert "threads" in provenance.hardware_of("cpu")
