"""A file or a folder is there as a whole, the new one or the old one."""

import pytest

from neuroevo.files import replacing


def folder(path, name):
    path.mkdir()
    (path / name).write_text(name)


def read(path):
    return path.read_text() if path.is_file() else sorted(one.name for one in path.iterdir())


@pytest.mark.parametrize("make", [lambda path, name: path.write_text(name), folder], ids=["file", "folder"])
def test_what_is_there_gives_way_as_a_whole_and_an_error_changes_nothing(tmp_path, make):
    path = tmp_path / "deep" / "down"
    for name in ("one", "two"):
        with replacing(path) as new:
            make(new, name)
            assert not path.exists() or read(path) in ("one", ["one"])
        assert read(path) in (name, [name])
    with pytest.raises(TypeError), replacing(path) as new:
        (make(new, "three"), len(3))  # what was made before the error is gone
    with pytest.raises(FileNotFoundError), replacing(path):
        pass  # nothing was made
    assert read(path) in ("two", ["two"])
    assert [one.name for one in path.parent.iterdir()] == ["down"]
