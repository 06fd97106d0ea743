"""Pools of forked processes with one thread each, which small models on a CPU gain most from.

The matrix products of a model such as the demo's are too small to be shared between threads.
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
# The time to wait for the exit code of the process whose end broke the pool.
SECONDS_TO_END = 1
# The function that this forked process calls.
_function: Callable[[Any], Any] | None = None


def suitable_processes(model: PreTrainedModel) -> int:
    """Returns how many processes should share work with a model: one for each of PyTorch's threads, or 1.

    Only a small model on a CPU gains by several processes. Only on Linux can they be forked: elsewhere
    numerical libraries break in forked processes. Where a GPU was used, PyTorch cannot compute gradients in
    them, and daemonic processes may not fork.
    """
    small = model.device.type == "cpu" and model.config.d_model <= SMALL_MODEL
    possible = sys.platform == "linux" and not torch.cuda.is_available()
    daemonic = multiprocessing.current_process().daemon
    return torch.get_num_threads() if small and possible and not daemonic else 1


class ForkPool:
    """A pool of forks of this process, with one thread each, that call a function; a context manager.

    The processes are forked at the first call, with everything that is in memory then: a model need not be
    sent to them. They end with the thread that made the first call, even where this process is killed, and
    they are killed where an exception leaves the context.

    Args:
        function: The function to call.
        processes: The number of forked processes.
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
        """Has a forked process call function(item).

        Args:
            item: The argument, which is pickled, as the function's result is.

        Returns:
            The call, for `result`.

        Raises:
            MemoryError: A forked process was killed.
        """
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
        """Waits for a call, and returns what the function returned or raises what it raised.

        Args:
            call: A call that `call` returned.

        Raises:
            MemoryError: A forked process was killed.
            BrokenProcessPool: The function's result or exception cannot be unpickled.
        """
        try:
            return call.result()
        except BrokenProcessPool as error:
            raise self._broken(error) from error

    def _broken(self, error: BrokenProcessPool) -> Exception:
        """Returns the error to raise for a broken pool: a process was killed, or returned what broke it."""
        # The pool's own thread may have seen a process end and not have stored its exit code yet.
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
            # Whoever stops the work wants it to end, not to wait until all calls that have begun are done.
            for process in self._processes or ():
                process.kill()
        self._pool.shutdown(cancel_futures=True)


def map_in_forks(
    function: Callable[[Any], Any], items: Sequence[Any], processes: int
) -> Iterator[tuple[int, Any]]:
    """Calls a function with each item, in forked processes, and yields the results as they are done.

    Whatever the function raises is raised here.

    Args:
        function: The function to call.
        items: The arguments of the calls; with several processes they and the results are pickled.
        processes: The number of forked processes; 1 makes all calls in this process.

    Yields:
        (index, function(items[index])), in the order in which the calls are done.
    """
    if processes == 1 or len(items) < 2:
        yield from ((index, function(item)) for index, item in enumerate(items))
        return
    with ForkPool(function, min(processes, len(items))) as pool:
        waiting = {pool.call(item): index for index, item in enumerate(items)}
        for done in as_completed(waiting):
            yield waiting[done], pool.result(done)


def _begin(function: Callable[[Any], Any], parent: int) -> None:
    """Prepares a forked process.

    Args:
        function: The function that the process is to call.
        parent: The id of the process that this one was forked from.
    """
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) or os.getppid() != parent:
        # This process would not be told when its parent ends, or the parent has ended already.
        os._exit(1)
    global _function
    _function = function
    # The threads that compute the parent's products do not exist in its forks.
    torch.set_num_threads(1)
    # The terminal's Ctrl-C and SLURM's signals reach all processes; only the parent acts on them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _call(item: Any) -> Any:
    return _function(item)
