"""Locks between processes. The operating system frees them when their process ends, however it ends.

A lock is a file that a process holds open. The file stays after the lock is released: removing it could let
two processes hold different files of one name.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

logger = logging.getLogger(__name__)


@contextmanager
def only_job(folder: Path) -> Iterator[None]:
    """Keeps every other job away from the state in a folder, within the context.

    Args:
        folder: The folder of the state. The lock is the file `{folder}.lock` beside it.

    Raises:
        ValueError: Another job is at work there, perhaps one that outlived a killed Snakemake. Raised at
            once, without waiting.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock_if_free(Path(f"{folder}.lock"))
    if lock is None:
        raise ValueError(
            f"{folder}: another job is at work on this; wait until it has ended or end it, then start again"
        )
    try:
        yield
    finally:
        lock.release()


@contextmanager
def wait_for_lock(file: Path, while_waiting: str) -> Iterator[None]:
    """Holds a lock within the context, after waiting for a process that has it.

    Args:
        file: The lock's file.
        while_waiting: The line that is logged once if another process has the lock.
    """
    lock = _lock_if_free(file)
    if lock is None:
        logger.info("%s", while_waiting)
        lock = FileLock(file)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def lock_free_files(files: Iterable[Path], wanted: int, held: ExitStack) -> list[Path]:
    """Locks as many free files as are wanted, in the given order, or none at all; never waits.

    Two processes that ask for files in the same order cannot block each other, since neither keeps some of
    the locks while it lacks others.

    Args:
        files: The locks' files, in the order in which they are tried.
        wanted: The number of locks.
        held: The context whose end releases the locks.

    Returns:
        The locked files; an empty list if fewer than `wanted` are free.
    """
    locked: list[Path] = []
    with ExitStack() as attempt:
        for file in files:
            if len(locked) == wanted:
                break
            lock = _lock_if_free(file)
            if lock is not None:
                attempt.callback(lock.release)
                locked.append(file)
        if len(locked) < wanted:
            return []
        held.enter_context(attempt.pop_all())
    return locked


def _lock_if_free(file: Path) -> BaseFileLock | None:
    """Returns the lock of a file, acquired, or None if another process (or object) has it."""
    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock
