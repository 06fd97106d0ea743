"""Work of one thread each in several processes: what small models on a CPU gain most from.

The products of a model such as the embedded one are too small to share between threads.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_PR_SET_PDEATHSIG = 1
# Up to this dimension, processes of one thread each are faster than one process of several threads.
SMALL_MODEL = 512
# How long to wait for a process whose end broke the pool, to know how it ended.
SECONDS_TO_END = 1
# What this copy of the first process is to do.
_function: Callable[[Any], Any] | None = None


def suitable_processes(model: PreTrainedModel) -> int:
    """How many processes should share work with this model: one for each of PyTorch's threads, or 1.

    Only a small model on a CPU gains by it. Only on Linux may processes be copies of this one: elsewhere
    numerical libraries break in them. Where a GPU was used, PyTorch cannot compute gradients in them, and
    daemonic processes may not have any.
    """
    small = model.device.type == "cpu" and model.config.d_model <= SMALL_MODEL
    possible = sys.platform == "linux" and not torch.cuda.is_available()
    daemonic = multiprocessing.current_process().daemon
    return torch.get_num_threads() if small and possible and not daemonic else 1


class ForkPool:
    """ForkPool of this process, with a thread each, that call a function; a context manager.

    They are made at the first call, with all that is in memory then: a model need not be sent to them. They
    end with the thread that called, even where this process is killed, and are killed where the context is
    left by an exception.
    """

    def __init__(self, function: Callable[[Any], Any], processes: int):
        self._pool = ProcessPoolExecutor(
            processes,
            multiprocessing.get_context("fork"),
            initializer=_begin,
            initargs=(function, os.getpid()),
        )
        self._processes: set[multiprocessing.Process] | None = None

    def call(self, item: Any) -> Future:
        """Have function(item) called; both item and result are pickled."""
        others = set(multiprocessing.active_children()) if self._processes is None else set()
        try:
            call = self._pool.submit(_call, item)
        except BrokenProcessPool as error:
            raise self._broken(error) from error
        if self._processes is None:
            # Where processes are forked, a pool starts all of them at its first call.
            self._processes = set(multiprocessing.active_children()) - others
        return call

    def result(self, call: Future) -> Any:
        """What the function returned or raised; MemoryError where its process was killed."""
        try:
            return call.result()
        except BrokenProcessPool as error:
            raise self._broken(error) from error

    def _broken(self, error: BrokenProcessPool) -> Exception:
        """What to raise when processes are gone: killed from without, or broken by what they returned."""
        # The pool's own thread may have seen the end of a process, and not yet said how it ended.
        limit = time.monotonic() + SECONDS_TO_END
        while -signal.SIGKILL not in {process.exitcode for process in self._processes or ()}:
            if time.monotonic() > limit:
                return error
            time.sleep(0.01)
        return MemoryError(
            "a process that worked beside this one was killed, perhaps for want of memory; smaller batches "
            "or fewer threads (Snakemake's --set-threads, elsewhere OMP_NUM_THREADS) need less"
        )

    def __enter__(self) -> ForkPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is not None:
            # Whoever stops this wants it to end, not to wait until all calls that have begun are done.
            for process in self._processes or ():
                process.kill()
        self._pool.shutdown(cancel_futures=True)


def map_in_forks(
    function: Callable[[Any], Any], items: Sequence[Any], processes: int
) -> Iterator[tuple[int, Any]]:
    """(index, function(items[index])) in the order in which they are done.

    With one process, in this one; otherwise in `ForkPool` of it. What function raises is raised here.
    """
    if processes == 1 or len(items) < 2:
        yield from ((index, function(item)) for index, item in enumerate(items))
        return
    with ForkPool(function, min(processes, len(items))) as copies:
        waiting = {copies.call(item): index for index, item in enumerate(items)}
        for done in as_completed(waiting):
            yield waiting[done], copies.result(done)


def _begin(function: Callable[[Any], Any], parent: int) -> None:
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) or os.getppid() != parent:
        # It would not know that the first process has ended, or did not see it end.
        os._exit(1)
    global _function
    _function = function
    # Threads that the first process's products ran in do not exist in its copies.
    torch.set_num_threads(1)
    # The terminal's Ctrl-C and SLURM's signals reach all processes: the first one speaks for them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _call(item: Any) -> Any:
    return _function(item)
