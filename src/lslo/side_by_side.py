"""Work of one thread each in several processes: what small models on a CPU gain most from.

The products of a model such as the embedded one are too small to share between threads.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import torch

_PR_SET_PDEATHSIG = 1
# What the processes are to do: set before they are forked, because a model is not to be sent to them.
_function: Callable[[Any], Any] | None = None


def can_fork() -> bool:
    """Whether processes may be copies of this one: but on Linux, numerical libraries break in them."""
    return sys.platform == "linux"


def side_by_side(
    function: Callable[[Any], Any], items: Sequence[Any], processes: int
) -> Iterator[tuple[int, Any]]:
    """(index, function(items[index])) in the order in which they are done.

    With one process, in this one. Otherwise in copies of it with a thread each, which end with it even where
    it is killed; items and results are pickled. What function raises is raised here;
    MemoryError where a process was killed.
    """
    if processes == 1 or len(items) < 2:
        yield from ((index, function(item)) for index, item in enumerate(items))
        return
    global _function
    _function = function
    pool = ProcessPoolExecutor(
        min(processes, len(items)), multiprocessing.get_context("fork"), initializer=_begin
    )
    try:
        waiting = {pool.submit(_call, item): index for index, item in enumerate(items)}
        for done in as_completed(waiting):
            yield waiting[done], done.result()
    except BrokenProcessPool:
        raise MemoryError(
            "a process that worked beside this one was killed, perhaps for want of memory; smaller batches "
            "or fewer threads (OMP_NUM_THREADS) need less"
        ) from None
    except BaseException:
        # Whoever stops this wants it to end, not to wait until all batches that have begun are done.
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        _function = None
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    # Threads that the first process's products ran in do not exist in its copies.
    torch.set_num_threads(1)
    # The terminal's Ctrl-C and SLURM's signals reach all processes: the first one speaks for them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _call(item: Any) -> Any:
    return _function(item)
