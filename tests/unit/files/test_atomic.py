"""Files and folders are whole or not there, and a damaged one is named."""

import subprocess

import pytest

from lslo.files.atomic import atomic_folder, write_atomically
from lslo.files.checksums import DamagedError, check_checksums, damaged_set_aside, write_checksums


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


@pytest.fixture
def summed(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a b").write_bytes(b"one")
    (tmp_path / "deep/c").write_bytes(b"two")
    write_checksums(tmp_path)
    return tmp_path


def test_an_undamaged_folder_passes_ours_and_sha256sums_check(summed):
    check_checksums(summed)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=summed, check=True)


@pytest.mark.parametrize("name", ["a b", "deep/c"])
def test_damage_is_named(summed, name):
    content = (summed / name).read_bytes()
    for damaged in (content[:-1], bytes([content[0] ^ 1]) + content[1:], b""):
        (summed / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=f"^{summed / name}: damaged"):
            check_checksums(summed)
    (summed / name).unlink()
    with pytest.raises(ValueError, match=f"^{summed / name}: missing"):
        check_checksums(summed)


def test_empty_sums_are_refused(summed):
    (summed / "SHA256SUMS").write_text("")
    with pytest.raises(ValueError, match="SHA256SUMS: damaged, it is empty"):
        check_checksums(summed)


def test_what_is_damaged_is_set_aside(summed, tmp_path_factory):
    with damaged_set_aside(summed):
        check_checksums(summed)
    (summed / "a b").write_bytes(b"")
    told = rf"damaged, .*; moved to {summed}\.damaged, start again and"
    with pytest.raises(DamagedError, match=told), damaged_set_aside(summed):
        check_checksums(summed)
    assert not summed.exists()
    assert summed.with_name(f"{summed.name}.damaged").is_dir()
    with pytest.raises(DamagedError, match="elsewhere"), damaged_set_aside(None):
        raise DamagedError("elsewhere")


@pytest.mark.parametrize("line", ["", "nonsense", "0" * 64 + " one space", "0" * 64 + "  ../outside"])
def test_damaged_sums_are_refused(summed, line):
    (summed.parent / "outside").write_text("")
    (summed / "SHA256SUMS").write_text(f"{line}\n")
    with pytest.raises(ValueError, match="SHA256SUMS"):
        check_checksums(summed)
