"""Locks that are free again when the process that holds them ends, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def only_job(folder: Path) -> Iterator[None]:
    """Within the context no other job may work with the state in this folder.

    Raises ValueError where another does: one that went on when Snakemake was killed, perhaps. The lock is a
    file beside the folder, and free again when its job ends, however it ends.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{folder}.lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"{folder}: another job is at work on this; wait until it has ended or end it, then start again"
        ) from None
    try:
        yield
    finally:
        lock.release()
