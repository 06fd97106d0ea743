"""Checkpoints: whole or not there, of the same fingerprint or not used, and never unpickled freely."""

import pickle

import pytest
import torch

from lslo.checkpoints import CheckpointStore, write_atomically

STATE = {
    "epoch": 3,
    "tensors": [torch.arange(4.0), torch.ones(2, 2)],
    "lines": ["a", "b"],
    "nested": {"x": 1.5},
}


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


def test_a_state_is_loaded_as_it_was_saved(tmp_path):
    CheckpointStore(tmp_path / "state", "f").save(STATE)
    state = CheckpointStore(tmp_path / "state", "f").load()
    assert (state["epoch"], state["lines"], state["nested"]) == (3, ["a", "b"], {"x": 1.5})
    assert all(torch.equal(*pair) for pair in zip(state["tensors"], STATE["tensors"], strict=True))


def test_each_save_replaces_the_last(tmp_path):
    store = CheckpointStore(tmp_path, "f")
    assert store.load() is None
    for epoch in (1, 2):
        store.save({"epoch": epoch})
        assert store.load()["epoch"] == epoch
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_a_state_that_cannot_be_saved_leaves_the_last_one(tmp_path):
    store = CheckpointStore(tmp_path, "f")
    store.save({"epoch": 1})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        store.save({"epoch": 2, "function": lambda: None})
    assert store.load()["epoch"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_a_state_of_another_fingerprint_is_not_used_and_replaced_by_the_next(tmp_path):
    CheckpointStore(tmp_path, "old").save({"epoch": 5})
    store = CheckpointStore(tmp_path, "new")
    assert store.load() is None
    store.save({"epoch": 1})
    assert store.load()["epoch"] == 1
    assert CheckpointStore(tmp_path, "old").load() is None


class Evil:
    """Unpickled, it would call `print`."""

    def __reduce__(self):
        return print, ("unpickled",)


def test_a_pickle_with_code_is_refused(tmp_path, capsys):
    torch.save({"fingerprint": "f", "epoch": 1, "evil": Evil()}, tmp_path / "state.pt")
    with pytest.raises(pickle.UnpicklingError, match=r"[Ww]eights.only"):
        CheckpointStore(tmp_path, "f").load()
    assert "unpickled" not in capsys.readouterr().out


def test_remove_deletes_the_state_and_its_empty_folder(tmp_path):
    store = CheckpointStore(tmp_path / "a", "f")
    store.save({"epoch": 1})
    store.remove()
    assert not (tmp_path / "a").exists()
    store.remove()
    other = CheckpointStore(tmp_path / "b", "f")
    other.save({"epoch": 1})
    (tmp_path / "b" / "notes.txt").write_text("mine")
    other.remove()
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["notes.txt"]
