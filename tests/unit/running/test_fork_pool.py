"""Work in several processes: all of it, each item once, and errors and deaths are known."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool

import pytest
import torch

from lslo.running.fork_pool import map_in_forks


def square_and_process(number):
    if number == 13:
        raise ValueError("thirteen")
    return number**2, os.getpid(), torch.get_num_threads()


@pytest.mark.parametrize("processes", [1, 2])
def test_every_item_is_done_once(processes):
    found = dict(map_in_forks(square_and_process, [5, 3, 8, 1, 9], processes))
    assert [found[index][0] for index in range(5)] == [25, 9, 64, 1, 81]
    pids = {process for _, process, _ in found.values()}
    assert (pids == {os.getpid()}) == (processes == 1)
    assert processes == 1 or {threads for _, _, threads in found.values()} == {1}


@pytest.mark.parametrize("processes", [1, 2])
def test_what_the_function_raises_is_raised(processes):
    with pytest.raises(ValueError, match="thirteen"):
        list(map_in_forks(square_and_process, [1, 13, 2], processes))


def test_a_process_that_is_killed_is_an_error():
    with pytest.raises(MemoryError, match="killed"):
        list(map_in_forks(lambda _: os.kill(os.getpid(), signal.SIGKILL), [1, 2], 2))


class TwoArguments(Exception):  # noqa: N818
    """One that cannot be read back from where a process wrote it."""

    def __init__(self, one, other):
        super().__init__(one + other)


def test_a_result_that_cannot_be_read_is_no_want_of_memory():
    def work(_):
        raise TwoArguments("a", "b")

    with pytest.raises(BrokenProcessPool):
        list(map_in_forks(work, [1, 2], 2))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one process")
def test_processes_end_with_the_one_that_started_them(tmp_path):
    script = (
        "import os, pathlib, time\n"
        "from lslo.running.fork_pool import map_in_forks\n"
        "def work(item):\n"
        "    pathlib.Path(item).write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n"
        "list(map_in_forks(work, ['a', 'b'], 2))\n"
    )
    started = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path)
    files = [tmp_path / "a", tmp_path / "b"]
    wait_until(lambda: all(file.exists() and file.read_text() for file in files))
    started.kill()
    started.wait()
    processes = [file.read_text() for file in files]
    wait_until(lambda: not any(map(is_running, processes)))


def is_running(process):
    try:
        with open(f"/proc/{process}/stat") as file:  # noqa: PTH123 - it may vanish while it is read
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition):
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)
