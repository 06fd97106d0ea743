"""Files and folders that appear under their names when they are whole, and not before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Have `write` produce a file under a temporary name, flush it to disk, then rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        write(temporary)
        _flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(file: Path) -> None:
    """Have what was written on the disk: after a loss of power no name may be there without its content."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """An empty folder to write into, which takes the name `path`, and the place of what is there, at the end.

    What an exception leaves behind is removed; what a kill leaves behind is removed the next time.
    """
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                _flush(file)
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def publish(source: Path, target: Path) -> None:
    """Put a file or folder under another name too, as hard links where the file system has them."""
    if source.is_dir():
        with atomic_folder(target) as partial:
            link_or_copy(source, partial)
    else:
        target.unlink(missing_ok=True)
        _link(source, target)


def link_or_copy(source: Path, target: Path) -> None:
    """Put the files of a folder into another one too, as hard links where the file system has them."""
    shutil.copytree(source, target, copy_function=_link, dirs_exist_ok=True)


def _link(source: Path | str, target: Path | str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
