"""Locks keep other processes out, and are free when their process ends, however it ends."""

import logging
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager

import pytest

from lslo.files.locks import lock_free_files, only_job, wait_for_lock

HOLDER = """
import sys
from contextlib import ExitStack
from pathlib import Path
from lslo.files.locks import lock_free_files

with ExitStack() as held:
    print(len(lock_free_files([Path(name) for name in sys.argv[1:]], len(sys.argv) - 1, held)), flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(*files):
    """A process that holds locks until the context ends or the process is killed."""
    command = [sys.executable, "-c", HOLDER, *map(str, files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == f"{len(files)}\n"
        yield process


def test_a_second_job_is_refused_until_the_first_has_ended(tmp_path):
    folder = tmp_path / "deep/state"
    with another_process(tmp_path / "other"), only_job(folder):
        with pytest.raises(ValueError, match=f"^{folder}: another job is at work on this; wait until"):
            only_job(folder).__enter__()
        assert [path.name for path in folder.parent.iterdir()] == ["state.lock"]
    with only_job(folder):
        pass


def test_a_lock_is_free_when_its_process_is_killed(tmp_path):
    with another_process(tmp_path / "state.lock") as other:
        with pytest.raises(ValueError, match="another job is at work"):
            only_job(tmp_path / "state").__enter__()
        other.kill()
        other.wait()
        with only_job(tmp_path / "state"):
            pass


def test_who_waits_for_a_lock_says_so_once(tmp_path, caplog):
    held = []

    def wait():
        with wait_for_lock(tmp_path / "lock", "waiting for the other"):
            held.append("held")

    with caplog.at_level(logging.INFO, logger="lslo.files.locks"):
        wait()
        assert caplog.messages == []
        with another_process(tmp_path / "lock") as other:
            thread = threading.Thread(target=wait)
            thread.start()
            thread.join(0.3)
            assert held == ["held"]
            other.kill()
            thread.join(20)
    assert held == ["held", "held"]
    assert caplog.messages == ["waiting for the other"]


def test_the_first_free_files_are_locked_or_none(tmp_path):
    files = [tmp_path / name for name in "abcd"]
    with another_process(files[0], files[2]):
        with ExitStack() as held:
            assert lock_free_files(files, 3, held) == []
            # Nothing was kept of the attempt.
            assert lock_free_files(files, 2, held) == [files[1], files[3]]
            assert lock_free_files(files, 1, ExitStack()) == []
        with ExitStack() as held:
            assert lock_free_files(files, 1, held) == [files[1]]
