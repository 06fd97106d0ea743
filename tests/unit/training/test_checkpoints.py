"""Checkpoints: undamaged or not used, of the same fingerprint or not used, never unpickled freely."""

import pickle
import subprocess
import sys

import pytest
import torch

from lslo.files.checksums import file_sha256
from lslo.files.locks import only_job
from lslo.recipes.training_job import state_fingerprint
from lslo.training.checkpoints import CheckpointStore

STATE = {
    "epoch": 3,
    "tensors": [torch.arange(4.0), torch.ones(2, 2)],
    "lines": ["a", "b"],
    "nested": {"x": 1.5},
}


def test_a_state_is_loaded_as_it_was_saved(tmp_path):
    CheckpointStore(tmp_path / "state", "f").save(STATE)
    state = CheckpointStore(tmp_path / "state", "f").load()
    assert (state["epoch"], state["lines"], state["nested"]) == (3, ["a", "b"], {"x": 1.5})
    assert all(torch.equal(*pair) for pair in zip(state["tensors"], STATE["tensors"], strict=True))


def test_the_last_state_is_loaded_and_one_more_kept(tmp_path):
    store = CheckpointStore(tmp_path, "f")
    assert store.load() is None
    for epoch in range(1, 12):
        store.save({"epoch": epoch})
        assert store.load()["epoch"] == epoch
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.rpartition("-")[0] for name in names] == ["state-10-f", "state-11-f"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_state_is_named_and_the_one_before_is_used(tmp_path, caplog, damage):
    store = CheckpointStore(tmp_path, "f")
    for epoch in (1, 2):
        store.save({**STATE, "epoch": epoch})
    newest = store.files[0]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes({"truncated": content[:-1], "flipped": content, "empty": b""}[damage])
    assert store.load()["epoch"] == 1
    assert f"{newest}: damaged" in caplog.text
    store.save({"epoch": 3})
    assert store.load()["epoch"] == 3
    # The one that was whole is still there, when the next is damaged too.
    store.files[0].write_bytes(b"")
    assert store.load()["epoch"] == 1
    store.remove()
    assert not tmp_path.exists()


def test_what_a_killed_save_left_is_gone_after_the_next(tmp_path):
    (tmp_path / "partial.pt").write_text("half a st")
    store = CheckpointStore(tmp_path, "f")
    assert store.load() is None
    store.save({"epoch": 1})
    assert len(list(tmp_path.iterdir())) == 1


def test_two_jobs_do_not_train_with_one_state(tmp_path):
    """The lock is that of another process, and is free when that is killed."""
    program = (
        "import sys, time; from pathlib import Path; from lslo.files.locks import only_job\n"
        "with only_job(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    )
    folder = tmp_path / "state"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(ValueError, match=f"{folder}: another job is at work on this"):
            only_job(folder).__enter__()
        other.kill()
    with only_job(folder):
        pass


def test_a_state_that_cannot_be_saved_leaves_the_last_one(tmp_path):
    store = CheckpointStore(tmp_path, "f")
    store.save({"epoch": 1})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        store.save({"epoch": 2, "function": lambda: None})
    assert store.load()["epoch"] == 1
    assert list(tmp_path.iterdir()) == store.files


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
    torch.save({"epoch": 1, "evil": Evil()}, tmp_path / "state.pt")
    digest = file_sha256(tmp_path / "state.pt")
    (tmp_path / "state.pt").rename(tmp_path / f"state-1-f-{digest}.pt")
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


def test_a_states_fingerprint_is_of_what_changes_the_bits(tmp_path):
    (tmp_path / "en.txt").write_text("one\n")
    recipe = {"epochs": 3}

    def fingerprint(gpus=1, **changed):
        params = {"recipe": {**recipe, **changed}, "code": "abc"}
        return state_fingerprint([str(tmp_path / "en.txt")], params, gpus)

    first = fingerprint()
    assert fingerprint() == first
    assert fingerprint(epochs=4) != first
    assert fingerprint(gpus=2) != first
    (tmp_path / "en.txt").write_text("two\n")
    assert fingerprint() != first
