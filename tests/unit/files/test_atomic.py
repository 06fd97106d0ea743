"""Files and folders are whole or not there."""

import pytest

from lslo.files.atomic import atomic_folder, write_atomically


def test_a_writer_that_raises_leaves_nothing_behind(tmp_path):
    def fail(path):
        path.write_text("half a fi")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "deep" / "file", fail)
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_writer_that_raises_leaves_the_old_file(tmp_path):
    def fail(path):
        path.write_text("half a fi")
        raise KeyboardInterrupt

    (tmp_path / "file").write_text("whole")
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "whole"


def test_the_final_name_appears_only_when_the_file_is_whole(tmp_path):
    def write(path):
        assert path.parent == tmp_path
        path.write_text("begun")
        assert not (tmp_path / "file").exists()
        path.write_text("done")

    write_atomically(tmp_path / "file", write)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "done"


def test_a_folder_takes_its_name_when_it_is_whole(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()
    (target / "old").write_text("old")
    (tmp_path / ".folder.partial").mkdir()
    (tmp_path / ".folder.partial/of a kill").write_text("half")
    with atomic_folder(target) as folder:
        assert list(folder.iterdir()) == []
        (folder / "new").write_text("new")
        assert [path.name for path in target.iterdir()] == ["old"]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert [path.name for path in target.iterdir()] == ["new"]


def test_a_folder_whose_making_fails_leaves_the_old_one(tmp_path):
    target = tmp_path / "folder"
    target.mkdir()

    def fail():
        with atomic_folder(target) as folder:
            (folder / "half").write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert list(target.iterdir()) == []
