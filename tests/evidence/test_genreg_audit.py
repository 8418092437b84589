"""The published files are read without being run."""

import pickle

import pytest

from evidence import runner
from evidence.runs import genreg_audit
from neuroevo.workers import WorkersError


@pytest.mark.parametrize("protocol", [4, 5])
def test_a_plain_pickle_is_read_without_being_run(tmp_path, protocol):
    content = {"w1": [[0.5, -1.5], [2.0, 1e300]], "id": 12345678, "big": 2**40, "name": "é", "none": [None, True, {}]}
    content["again"] = content["w1"]
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps(content, protocol))
    assert genreg_audit.read_plain_pickle(tmp_path / "plain.pkl") == content


def test_a_pickle_that_could_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (tmp_path / "trap.pkl").write_bytes(pickle.dumps({"w1": Trap()}))
    with pytest.raises(ValueError, match="could run code: not read"):
        genreg_audit.read_plain_pickle(tmp_path / "trap.pkl")
    assert not (tmp_path / "sprung").exists()


def test_the_audit_needs_the_published_files(tmp_path):
    with pytest.raises(WorkersError, match="--source must be a clone"):
        runner.run("genreg-audit", size="smoke", out=tmp_path / "out", source=tmp_path)
